"""Assuming in the demo: moto grants almost anything, so our own answer is the one that counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iamtui.credentials.assume_role import AssumeRoleInput
from iamtui.engine.decision import Outcome
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.sources.demo import load_demo_account
from iamtui.workspace.assume.assume import assume
from iamtui.workspace.assume.assume_plan import AssumePlan, plan_assume
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import SourceChoice, SourceKind, Workspace
from tests.support.assume_account import ENTERED, FOREIGN, ROLE, trust, workspace
from tests.support.sts_answers import CannedSts


@pytest.fixture(scope="module")
def demo() -> Workspace:
    return open_source(SourceChoice(SourceKind.DEMO))


def demo_role(demo: Workspace, outcome: Outcome, *, mfa: bool = False, external: bool = False) -> AssumePlan:
    """The first role of the demo with which the screen would show this."""
    for role in demo.account.roles:
        plan = plan_assume(demo, AssumeRoleInput(role.arn))
        wanted = (plan.needs_mfa, plan.needs_external_id) == (mfa, external)
        if wanted and plan.decision is not None and plan.decision.outcome is outcome:
            return plan
    raise AssertionError(f"the demo has no role for {outcome}, {mfa=}, {external=}")


def test_the_demo_gives_a_marked_session(demo: Workspace) -> None:
    plan = demo_role(demo, Outcome.ALLOWED)
    session = assume(demo, AssumeRoleInput(plan.role_arn, plan.default_session_name, 900))
    assert session.demo
    assert session.identity is not None
    assert session.identity.account == load_demo_account().id
    assert session.identity_error == ""


def test_the_demo_refuses_what_aws_would(demo: Workspace) -> None:
    plan = demo_role(demo, Outcome.IMPLICIT_DENY)
    assert plan.refusal.startswith("AWS would refuse this, so the demo does: ")
    with pytest.raises(Problem) as problem:
        assume(demo, AssumeRoleInput(plan.role_arn, plan.default_session_name, 3600))
    assert problem.value.sentence == plan.refusal


def test_the_demo_wants_mfa_where_the_trust_policy_does(demo: Workspace) -> None:
    plan = demo_role(demo, Outcome.DEPENDS, mfa=True)
    assert plan.refusal == ""
    assert plan.mfa_serial
    without = AssumeRoleInput(plan.role_arn, plan.default_session_name, 900)
    with pytest.raises(Problem) as problem:
        assume(demo, without)
    assert problem.value.next_step.startswith("Enter an MFA code")
    session = assume(demo, replace(without, mfa_serial=plan.mfa_serial, mfa_code=Secret("123456")))
    assert session.identity is not None


def test_the_demo_wants_the_right_external_id(demo: Workspace) -> None:
    plan = demo_role(demo, Outcome.DEPENDS, external=True)
    without = AssumeRoleInput(plan.role_arn, plan.default_session_name, 900)
    with pytest.raises(Problem) as problem:
        assume(demo, without)
    assert problem.value.next_step.startswith("Enter the external id")
    wrong = plan_assume(demo, AssumeRoleInput(plan.role_arn, external_id="guessed"))
    assert wrong.refusal
    with pytest.raises(Problem, match="AWS would refuse this"):
        assume(demo, replace(without, external_id="guessed"))


def test_what_the_plan_allows_is_not_decided_again(demo: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = demo_role(demo, Outcome.ALLOWED)
    monkeypatch.setattr("iamtui.workspace.assume.assume.decide_as_entered", None)
    assert assume(demo, AssumeRoleInput(plan.role_arn, plan.default_session_name, 900), plan=plan).demo


def test_what_the_plan_leaves_open_is_decided_by_what_is_sent(demo: Workspace) -> None:
    plan = demo_role(demo, Outcome.DEPENDS, mfa=True)
    without = AssumeRoleInput(plan.role_arn, plan.default_session_name, 900)
    with pytest.raises(Problem, match="AWS would refuse this"):
        assume(demo, without, plan=plan)


def test_the_demo_knows_only_its_own_roles(demo: Workspace) -> None:
    plan = plan_assume(demo, AssumeRoleInput(FOREIGN))
    assert "has no role" in plan.refusal
    with pytest.raises(Problem, match="has no role"):
        assume(demo, replace(ENTERED, role_arn=FOREIGN))


def test_the_demo_does_not_guess_what_it_cannot_know() -> None:
    conditions = {"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
    sts = CannedSts()
    space = workspace(trust(**conditions), sts=sts, kind=SourceKind.DEMO)
    assert plan_assume(space, AssumeRoleInput(ROLE)).refusal == ""
    with pytest.raises(Problem, match="The demo cannot tell whether AWS would allow this: only if aws:SourceIp is in"):
        assume(space, ENTERED)
    assert sts.requests == []
