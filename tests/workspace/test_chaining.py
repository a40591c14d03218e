"""Going on as a session: who the caller is then, how long it lasts, and what the session's own policies still allow."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from iamtui.account.model import InlinePolicy, Known
from iamtui.aws.caller import CallerIdentity
from iamtui.credentials.assume_role import AssumeRoleInput, InputName, InvalidRequest
from iamtui.credentials.session import NO_EXTRAS, AssumeExtras, Session
from iamtui.engine.decision import Outcome
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.workspace.assume.assume import as_session, assume
from iamtui.workspace.assume.assume_plan import check_input, plan_assume
from iamtui.workspace.source.workspace import SourceKind, Workspace
from tests.support.assume_account import ENTERED, FOREIGN, ID, MAY_ASSUME, ROLE, trust, workspace
from tests.support.sts_answers import SECRET_KEY, TOKEN, CannedSts

SECOND = f"arn:aws:iam::{ID}:role/Second"
IN_SESSION = f"arn:aws:sts::{ID}:assumed-role/Deployer/alice"
NOW = datetime.now(UTC)
SESSION = Session(
    role_arn=ROLE,
    session_name="alice",
    access_key_id="ASIAIOSFODNN7EXAMPLE",
    secret_access_key=Secret(SECRET_KEY),
    session_token=Secret(TOKEN),
    expires_at=NOW + timedelta(hours=1),
    assumed_at=NOW,
    identity=CallerIdentity(IN_SESSION, ID, "AROA:alice"),
)


def chain(sts: CannedSts | None = None, **conditions: object) -> Workspace:
    """The account of alice with a second role, which trusts the first, whose policy may assume it."""
    space = workspace(trust(), sts=sts)
    (first,) = space.account.roles
    first = replace(first, inline_policies=(InlinePolicy("go-on", MAY_ASSUME),))
    second = replace(
        first, name="Second", path="/", arn=SECOND, id="AROASECOND0000000000", trust=trust({"AWS": ROLE}, **conditions)
    )
    return space.with_account(replace(space.account, roles=(first, second)))


def outcome(extras: AssumeExtras = NO_EXTRAS) -> Outcome:
    plan = plan_assume(as_session(chain(), replace(SESSION, extras=extras)), AssumeRoleInput(SECOND))
    assert plan.decision is not None
    return plan.decision.outcome


@pytest.mark.parametrize("of_demo", [True, False])
def test_a_session_of_the_demo_is_not_used_at_aws_nor_one_of_aws_in_the_demo(of_demo: bool) -> None:
    """Made-up keys would be sent to AWS, and real ones be answered by what is made up."""
    sts = CannedSts()
    space = chain(sts)
    if not of_demo:
        space = replace(space, source=msgspec.structs.replace(space.source, kind=SourceKind.DEMO))
    with pytest.raises(Problem, match=r"was assumed in (the demo account|AWS), and works nowhere else"):
        as_session(space, replace(SESSION, demo=of_demo))


def test_the_session_is_the_caller_and_has_an_hour() -> None:
    plan = plan_assume(as_session(chain(), SESSION), AssumeRoleInput(SECOND))
    assert plan.decision is not None
    assert plan.decision.outcome is Outcome.ALLOWED
    assert plan.decision.request.principal.arn == IN_SESSION
    assert plan.longest_seconds == 3600
    assert "role chaining" in plan.duration_note
    assert plan.default_session_name == "alice", "the person stays visible through the chain"


def test_the_call_is_made_as_the_session() -> None:
    sts = CannedSts(identity=f"arn:aws:sts::{ID}:assumed-role/Second/alice")
    session = assume(as_session(chain(sts), SESSION), replace(ENTERED, role_arn=SECOND))
    assert session.source_arn == IN_SESSION
    assert sts.signed_by[0] == "ASIAIOSFODNN7EXAMPLE"


def test_more_than_an_hour_is_explained_before_the_call() -> None:
    sts = CannedSts()
    with pytest.raises(Problem, match="role chaining\\) lasts one hour at most"):
        assume(as_session(chain(sts), SESSION), replace(ENTERED, role_arn=SECOND, duration_seconds=3601))
    assert sts.requests == []


def policy(effect: str, action: str) -> str:
    statement = {"Effect": effect, "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    ("extras", "expected"),
    [
        (AssumeExtras(policy=policy("Allow", "sts:AssumeRole")), Outcome.ALLOWED),
        (AssumeExtras(policy=policy("Allow", "s3:*")), Outcome.IMPLICIT_DENY),
        (AssumeExtras(policy=policy("Deny", "sts:*")), Outcome.EXPLICIT_DENY),
        (AssumeExtras(policy_arns=("arn:aws:iam::aws:policy/AdministratorAccess",)), Outcome.ALLOWED),
        (AssumeExtras(policy_arns=("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",)), Outcome.IMPLICIT_DENY),
        (AssumeExtras(policy_arns=(f"arn:aws:iam::{ID}:policy/not-loaded",)), Outcome.DEPENDS),
    ],
)
def test_what_the_session_was_made_with_limits_what_it_may_assume(extras: AssumeExtras, expected: Outcome) -> None:
    assert outcome(extras) is expected


def test_tags_and_source_identity_of_the_session_go_along() -> None:
    condition = {"StringEquals": {"aws:PrincipalTag/team": "blue", "aws:SourceIdentity": "alice"}}
    space = chain(Condition=condition)
    for extras, expected in (
        (AssumeExtras(tags=(("Team", "blue"),), source_identity="alice"), Outcome.ALLOWED),
        (AssumeExtras(tags=(("Team", "red"),), source_identity="alice"), Outcome.IMPLICIT_DENY),
    ):
        plan = plan_assume(as_session(space, replace(SESSION, extras=extras)), AssumeRoleInput(SECOND))
        assert plan.decision is not None
        assert plan.decision.outcome is expected


def test_a_session_keeps_what_it_was_made_with_and_passes_on_what_is_transitive() -> None:
    sts = CannedSts(identity=f"arn:aws:sts::{ID}:assumed-role/Second/alice")
    first = AssumeExtras(policy("Allow", "sts:*"), (), (("Team", "blue"), ("cost", "1")), ("team",), "alice")
    space = as_session(chain(sts), replace(SESSION, extras=first))
    made = assume(space, replace(ENTERED, role_arn=SECOND, extras=AssumeExtras(tags=(("cost", "2"),)))).extras
    assert made == AssumeExtras("", (), (("cost", "2"), ("Team", "blue")), ("Team",), "alice")
    assert "SourceIdentity" not in sts.requests[0], "STS passes it on by itself"


def test_what_came_with_the_session_cannot_be_given_anew() -> None:
    sts = CannedSts()
    own = AssumeExtras(tags=(("Team", "blue"), ("cost", "1")), transitive_tag_keys=("Team",), source_identity="alice")
    space = as_session(chain(sts), replace(SESSION, extras=own))
    wanted = AssumeExtras(tags=(("team", "red"), ("cost", "2")), source_identity="bob")
    entered = replace(ENTERED, role_arn=SECOND, extras=wanted)
    problems = check_input(plan_assume(space, AssumeRoleInput(SECOND)), entered)
    assert problems == (
        (
            InputName.TAGS,
            'The tag "team" came as a transitive one with the session that you go on from, and cannot be given anew.',
        ),
        (InputName.SOURCE_IDENTITY, "The session that you go on from has the source identity alice, which stays."),
    )
    with pytest.raises(InvalidRequest) as problem:
        assume(space, entered)
    assert problem.value.problems == problems
    assert sts.requests == []
    same = replace(entered, extras=AssumeExtras(source_identity="alice"))
    assert check_input(plan_assume(space, AssumeRoleInput(SECOND)), same) == ()


def test_from_a_session_in_another_account_the_own_side_is_unknown() -> None:
    elsewhere = replace(
        SESSION,
        role_arn=FOREIGN,
        identity=CallerIdentity("arn:aws:sts::999999999999:assumed-role/Partner/alice", "999999999999", "AROA:alice"),
    )
    space = as_session(chain(), elsewhere)
    plan = plan_assume(space, AssumeRoleInput(SECOND))
    assert plan.what_is_known(space).startswith("The role's trust policy does not let you in")


def test_a_session_that_has_ended_cannot_go_on() -> None:
    with pytest.raises(Problem, match="expired"):
        as_session(chain(), replace(SESSION, expires_at=NOW - timedelta(seconds=1)))


def test_a_snapshot_has_nothing_to_go_on_with() -> None:
    offline = workspace(trust(), kind=SourceKind.SNAPSHOT, connected=False)
    with pytest.raises(Problem, match="without a connection"):
        as_session(offline, SESSION)


def test_an_unverified_session_goes_on_under_the_name_it_asked_for() -> None:
    space = as_session(chain(), SESSION.identified(None, "no answer"))
    assert space.account.caller_arn == Known(IN_SESSION)
