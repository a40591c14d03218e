"""Assuming through the workspace: our own answer first, what the dialog needs to know, and explained refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iamtui.account.model import Known, Missing
from iamtui.aws.connection import Connection
from iamtui.credentials.assume_role import ANY_CODE, AssumeRoleInput, InputName, InvalidRequest
from iamtui.engine.decision import Outcome
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.workspace.assume.assume import assume
from iamtui.workspace.assume.assume_plan import AssumePlan, SideAnswer, check_input, plan_assume, sides_of
from iamtui.workspace.source.workspace import SourceKind, Workspace
from tests.support.assume_account import (
    ALICE,
    ENTERED,
    EXTERNAL,
    FOREIGN,
    ID,
    MFA,
    ROLE,
    ROOT,
    SERIAL,
    document,
    trust,
    workspace,
)
from tests.support.sts_answers import CannedSts

# The plan


def test_a_plan_for_a_role_that_trusts_the_caller() -> None:
    plan = plan_assume(workspace(trust()), AssumeRoleInput(ROLE))
    assert plan.decision is not None
    assert plan.decision.outcome is Outcome.ALLOWED
    assert plan.refusal == ""
    assert not plan.needs_external_id
    assert not plan.needs_mfa
    assert plan.mfa_serial == SERIAL
    assert plan.default_session_name == "alice"
    assert plan.longest_seconds == 7200
    assert plan.duration_note == "The role allows sessions of up to 2 hours."


def test_the_answer_depends_on_what_is_not_entered_yet_and_follows_what_is() -> None:
    both = {"Condition": {**MFA["Condition"], **EXTERNAL["Condition"]}}
    space = workspace(trust(**both))
    outcomes = []
    for external_id, with_mfa in (("", False), ("partner-1", False), ("partner-1", True), ("wrong", True)):
        plan = plan_assume(
            space, AssumeRoleInput(ROLE, external_id=external_id, mfa_code=ANY_CODE if with_mfa else None)
        )
        assert plan.needs_external_id
        assert plan.needs_mfa
        assert plan.decision is not None
        outcomes.append(plan.decision.outcome)
    assert outcomes == [Outcome.DEPENDS, Outcome.DEPENDS, Outcome.ALLOWED, Outcome.IMPLICIT_DENY]


def test_a_wrong_external_id_is_named_before_the_call_and_only_where_it_is_the_cause() -> None:
    space = workspace(trust(**EXTERNAL))
    plan = plan_assume(space, AssumeRoleInput(ROLE, external_id="wrong"))
    assert plan.wrong_external_id
    assert plan.what_is_known(space) == "The external id is not the one that the role's trust policy asks for."
    trusts = sides_of(space, plan).trust
    assert (trusts.answer, trusts.why) == (
        SideAnswer.NOTHING,
        "the external id is not the one that the trust policy asks for",
    )
    assert not plan_assume(space, AssumeRoleInput(ROLE, external_id="partner-1")).wrong_external_id
    assert not plan_assume(space, AssumeRoleInput(ROLE)).wrong_external_id
    others = workspace(trust(Principal={"AWS": f"arn:aws:iam::{ID}:user/bob"}, **EXTERNAL))
    assert not plan_assume(others, AssumeRoleInput(ROLE, external_id="wrong")).wrong_external_id


@pytest.mark.parametrize(
    ("condition", "mfa", "external"),
    [
        ({"Bool": {"aws:multifactorauthpresent": "true"}}, True, False),
        ({"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}, True, False),
        ({"StringEqualsIfExists": {"STS:EXTERNALID": "x"}}, False, True),
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, False, False),
    ],
)
def test_what_the_trust_policy_tests_is_read_from_it(condition: Any, mfa: bool, external: bool) -> None:
    plan = plan_assume(workspace(trust(Condition=condition)), AssumeRoleInput(ROLE))
    assert (plan.needs_mfa, plan.needs_external_id) == (mfa, external)


def test_conditions_of_other_ways_in_do_not_count() -> None:
    trusts = document(
        {"Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"Federated": "x"}, "Action": "sts:AssumeRoleWithSAML", **EXTERNAL},
        {"Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": ["sts:TagSession"], **MFA},
    )
    plan = plan_assume(workspace(trusts), AssumeRoleInput(ROLE))
    assert not plan.needs_external_id
    assert not plan.needs_mfa


def test_a_callers_own_policy_that_asks_for_mfa_counts() -> None:
    may = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*", **MFA})
    plan = plan_assume(workspace(trust(ROOT), may=may), AssumeRoleInput(ROLE))
    assert plan.needs_mfa
    assert plan.decision is not None
    assert plan.decision.outcome is Outcome.DEPENDS


def test_a_trust_policy_that_cannot_be_read_is_no_crash() -> None:
    plan = plan_assume(workspace(PolicyDocument("not json")), AssumeRoleInput(ROLE))
    assert not plan.needs_mfa
    assert plan.decision is not None
    assert plan.decision.outcome is not Outcome.ALLOWED


STRANGER = Known(f"arn:aws:iam::{ID}:user/stranger")
FOREIGN_BOB = Known("arn:aws:iam::999999999999:user/bob")
FOREIGN_SESSION = Known("arn:aws:sts::999999999999:assumed-role/X/bob")


@pytest.mark.parametrize(
    ("space", "role", "known"),
    [
        (workspace(trust()), ALICE, ""),
        (workspace(trust()), "nonsense", ""),
        (workspace(trust(), caller=Missing("access denied")), ROLE, "Who is calling is not known"),
        (workspace(trust(), caller=STRANGER), ROLE, "Your own policies are not loaded."),
        (workspace(trust(), caller=STRANGER), FOREIGN, "Your own policies and the trust policy of the role are not"),
        (workspace(trust(), caller=FOREIGN_BOB), FOREIGN, "Your own policies and the trust policy of the role are not"),
    ],
)
def test_what_is_not_loaded_is_unknown_and_never_yes(space: Workspace, role: str, known: str) -> None:
    plan = plan_assume(space, AssumeRoleInput(role))
    assert plan.decision is None
    assert plan.refusal == "", "live: STS decides"
    assert plan.what_is_known(space).startswith(known) if known else plan.what_is_known(space) == ""
    assert not plan.needs_mfa


NEVER = document({"Effect": "Deny", "Action": "sts:*", "Resource": "*"})
AT_WORK = document(
    {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Resource": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    }
)
LETS_BOB_IN = trust({"AWS": "arn:aws:iam::999999999999:root"})


@pytest.mark.parametrize(
    ("space", "role", "outcome", "known"),
    [
        (
            workspace(trust()),
            FOREIGN,
            Outcome.DEPENDS,
            "Your side allows it; the trust policy, in account 999999999999, is not loaded.",
        ),
        (
            workspace(trust(), may=None),
            FOREIGN,
            Outcome.IMPLICIT_DENY,
            "Your side does not allow it, and both must; the trust policy, in account 999999999999, is not loaded.",
        ),
        (workspace(trust(), may=NEVER), FOREIGN, Outcome.EXPLICIT_DENY, "Your side does not allow it, and both must; "),
        (workspace(trust(), may=AT_WORK), FOREIGN, Outcome.DEPENDS, "Your side allows it under conditions at most; "),
        (
            workspace(trust()),
            f"arn:aws:iam::{ID}:role/Unknown",
            Outcome.DEPENDS,
            "Your side allows it; the role is not in the data of this account: refresh, or check its name.",
        ),
        (
            workspace(trust(), may=None),
            f"arn:aws:iam::{ID}:role/Unknown",
            Outcome.DEPENDS,
            "Only a trust policy that names you could let you in; the role is not in the data of this account: refresh",
        ),
        (
            workspace(trust(), may=NEVER),
            f"arn:aws:iam::{ID}:role/Unknown",
            Outcome.EXPLICIT_DENY,
            "Your side forbids it; the role is not in the data of this account",
        ),
        (
            workspace(trust({"AWS": "999999999999"}, **EXTERNAL), caller=FOREIGN_BOB),
            ROLE,
            Outcome.DEPENDS,
            "The role's trust policy lets you in under conditions at most; the policies of your account 999999999999",
        ),
        (
            workspace(LETS_BOB_IN, caller=FOREIGN_BOB),
            ROLE,
            Outcome.DEPENDS,
            "The role's trust policy lets you in; the policies of your account 999999999999 are not loaded.",
        ),
        (
            workspace(LETS_BOB_IN, caller=FOREIGN_SESSION),
            ROLE,
            Outcome.DEPENDS,
            "The role's trust policy lets you in; the policies of your account 999999999999 are not loaded.",
        ),
        (
            workspace(trust(), caller=FOREIGN_BOB),
            ROLE,
            Outcome.IMPLICIT_DENY,
            "The role's trust policy does not let you in; the policies of your account 999999999999 are not loaded.",
        ),
    ],
)
def test_of_one_side_exactly_what_is_known_is_said(space: Workspace, role: str, outcome: Outcome, known: str) -> None:
    plan = plan_assume(space, AssumeRoleInput(role))
    assert plan.decision is not None
    assert plan.decision.outcome is outcome
    assert plan.what_is_known(space).startswith(known)
    assert plan.refusal == "", "live: STS decides"


def test_both_sides_loaded_leave_nothing_to_be_said() -> None:
    space = workspace(trust())
    assert plan_assume(space, AssumeRoleInput(ROLE)).what_is_known(space) == ""


def test_of_a_foreign_role_the_longest_session_is_not_known() -> None:
    plan = plan_assume(workspace(trust()), AssumeRoleInput(FOREIGN))
    assert plan.longest_seconds == 43200
    assert "not known (the role is not in this account)" in plan.duration_note
    missing = plan_assume(workspace(trust(), longest=Missing("access denied", "iam:ListRoles")), AssumeRoleInput(ROLE))
    assert missing.longest_seconds == 43200
    assert "not known (access denied)" in missing.duration_note


@pytest.mark.parametrize(
    "caller",
    [
        f"arn:aws:sts::{ID}:assumed-role/Deployer/alice",
        f"arn:aws:sts::{ID}:federated-user/alice",
        "arn:aws:sts::999999999999:assumed-role/Elsewhere/alice",
    ],
)
def test_role_chaining_is_bounded_to_an_hour_and_says_why(caller: str) -> None:
    plan = plan_assume(workspace(trust(ROOT), caller=Known(caller)), AssumeRoleInput(ROLE))
    assert plan.longest_seconds == 3600
    assert "role chaining" in plan.duration_note
    assert plan.default_session_name == "alice"


def test_a_user_with_temporary_credentials_counts_as_chained() -> None:
    space = workspace(trust())
    assert space.connection is not None
    temporary = space.connection.with_credentials("ASIAIOSFODNN7EXAMPLE", Secret("secret"), Secret("token"))
    assert plan_assume(replace(space, connection=temporary), AssumeRoleInput(ROLE)).longest_seconds == 3600


def test_without_a_known_device_the_serial_is_empty() -> None:
    assert plan_assume(workspace(trust(), devices=Missing("not loaded")), AssumeRoleInput(ROLE)).mfa_serial == ""
    assert plan_assume(workspace(trust(), devices=Known(())), AssumeRoleInput(ROLE)).mfa_serial == ""


@pytest.mark.parametrize(
    ("caller", "name"),
    [
        (f"arn:aws:iam::{ID}:user/team/alice.b+c=d,e@f-g", "alice.b+c=d,e@f-g"),
        (f"arn:aws:iam::{ID}:user/x", "iamtui-x"),
        (f"arn:aws:iam::{ID}:root", "root"),
        (f"arn:aws:iam::{ID}:user/" + "n" * 70, "n" * 64),
        ("weird [bold]\x1bname", "weird--bold--name"),
        ("", "iamtui"),
    ],
)
def test_the_default_session_name_is_the_callers_and_valid(caller: str, name: str) -> None:
    plan = plan_assume(workspace(trust(), caller=Known(caller)), AssumeRoleInput(ROLE))
    assert plan.default_session_name == name
    assert check_input(plan, AssumeRoleInput(ROLE, plan.default_session_name, 3600)) == ()


def test_an_unknown_caller_gets_a_name_too() -> None:
    assert (
        plan_assume(workspace(trust(), caller=Missing("denied")), AssumeRoleInput(ROLE)).default_session_name
        == "iamtui"
    )


def test_a_snapshot_cannot_assume() -> None:
    space = workspace(trust(), kind=SourceKind.SNAPSHOT, connected=False)
    plan = plan_assume(space, AssumeRoleInput(ROLE))
    assert plan.decision is not None
    assert plan.decision.allowed, "our own answer is there all the same"
    assert "without a connection" in plan.refusal
    with pytest.raises(Problem, match="without a connection"):
        assume(space, ENTERED)


# The input


def plan_of(longest: int, note: str = "") -> AssumePlan:
    return AssumePlan(ROLE, None, "", False, False, (), "alice", longest, note)


def test_input_within_the_plan_is_taken() -> None:
    assert check_input(plan_of(7200), replace(ENTERED, duration_seconds=7200)) == ()


def test_a_session_that_is_too_long_is_refused_with_the_reason() -> None:
    problems = check_input(plan_of(3600, "Because of role chaining."), replace(ENTERED, duration_seconds=7200))
    sentence = "is more than the 1h that this session may last. Because of role chaining."
    assert problems == ((InputName.DURATION, f"A duration of 2h (7,200 seconds) {sentence}"),)


def test_a_duration_that_no_role_allows_is_named_once() -> None:
    assert len(check_input(plan_of(3600), replace(ENTERED, duration_seconds=99_999))) == 1


def test_every_wrong_field_is_named() -> None:
    entered = AssumeRoleInput(ROLE, "bad name", 10, "x", "short", Secret("12"))
    assert len(check_input(plan_of(3600), entered)) == 5


# The call


def test_a_role_is_assumed() -> None:
    sts = CannedSts()
    session = assume(workspace(trust(), sts=sts), ENTERED)
    assert session.identity is not None
    assert session.identity.account == ID
    assert session.source_arn == ALICE
    assert session.region == "eu-west-1"
    assert not session.demo
    assert [request["Action"] for request in sts.requests] == ["AssumeRole", "GetCallerIdentity"]


def test_a_foreign_role_is_assumed_with_nothing_but_sts() -> None:
    sts = CannedSts(identity="arn:aws:sts::999999999999:assumed-role/Partner/alice")
    space = workspace(trust(), sts=sts, caller=Missing("access denied"))
    session = assume(space, replace(ENTERED, role_arn=FOREIGN, external_id="partner-1", duration_seconds=43200))
    assert session.identity_error == ""
    assert session.source_arn == ""
    assert sts.requests[0]["ExternalId"] == "partner-1"


def test_live_our_refusal_is_not_final() -> None:
    sts = CannedSts()
    assume(workspace(trust({"AWS": FOREIGN}), sts=sts), ENTERED)
    assert sts.requests


def test_wrong_input_is_not_sent() -> None:
    sts = CannedSts()
    with pytest.raises(InvalidRequest) as problem:
        assume(
            workspace(trust(), sts=sts, longest=Known(3600)), replace(ENTERED, session_name="", duration_seconds=7200)
        )
    assert len(problem.value.problems) == 2
    assert sts.requests == []


def test_a_connection_tells_whether_it_is_temporary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert not Connection.open(profile=None, region="us-east-1", endpoint_url=None).is_temporary()
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    assert Connection.open(profile=None, region="us-east-1", endpoint_url=None).is_temporary()
