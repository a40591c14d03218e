"""Sessions narrowed by sts:GetScopedCredentials: the request, whose credentials are left, refusals."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iamtui.credentials.assume_role import AssumeRoleInput, assume_role
from iamtui.credentials.session import AssumeExtras
from iamtui.problem import Problem
from tests.support.sts_answers import KEY_ID, ROLE_ARN, SCOPED_KEY_ID, CannedSts, sts_error

POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'
ENTERED = AssumeRoleInput(ROLE_ARN, "alice", 900, extras=AssumeExtras(scope_down=POLICY))


def test_the_session_narrows_itself_and_proves_who_it_is() -> None:
    sts = CannedSts()
    session = assume_role(sts.connection(), ENTERED)
    assert [request["Action"] for request in sts.requests] == [
        *("AssumeRole", "GetScopedCredentials", "GetCallerIdentity"),
    ]
    assert "Policy" not in sts.requests[0]
    assert {name: sts.requests[1][name] for name in sts.requests[1] if name not in ("Action", "Version")} == {
        "Policy": POLICY
    }
    assert sts.signed_by[1:] == [KEY_ID, SCOPED_KEY_ID]
    assert (session.access_key_id, session.identity_error) == (SCOPED_KEY_ID, "")
    assert session.secret_access_key.reveal()
    assert timedelta() < session.time_left() <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (sts_error("AccessDenied", "not authorized to perform: sts:GetScopedCredentials"), "sts:GetScopedCredentials"),
        (sts_error("InvalidAction", "Could not find operation GetScopedCredentials", 400), "GetScopedCredentials"),
    ],
)
def test_a_refusal_hands_over_nothing(refusal: tuple[int, str], words: str) -> None:
    sts = CannedSts(scope_refusal=refusal)
    with pytest.raises(Problem) as problem:
        assume_role(sts.connection(), ENTERED)
    assert problem.value.sentence.startswith("The session was not scoped down, so it was dropped: ")
    assert words in problem.value.sentence
    assert "--policy" in problem.value.next_step
    assert len(sts.requests) == 2


def test_a_policy_that_is_too_long_is_not_sent() -> None:
    long = AssumeRoleInput(ROLE_ARN, "alice", 900, extras=AssumeExtras(scope_down="x" * 2049))
    assert [problem.sentence for problem in long.problems()] == [
        "The scope-down policy has 2049 characters; STS takes 2048 at most."
    ]
