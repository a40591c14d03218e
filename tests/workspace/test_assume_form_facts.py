"""What the workspace tells the assume form: both sides, problems by input, role ARNs, short session policies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iamtui.account.model import InlinePolicy, Known, ManagedPolicy, Missing, PolicyVersion
from iamtui.credentials.assume_role import AssumeRoleInput, InputName, MfaWay
from iamtui.credentials.session import AssumeExtras
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.workspace.assume.assume_plan import (
    STARTING_POLICY,
    Side,
    SideAnswer,
    check_input,
    compact_policy,
    plan_assume,
    readable_policy,
    sides_of,
)
from iamtui.workspace.assume.remembered_assume_input import role_arns
from iamtui.workspace.source.workspace import Workspace
from tests.support.assume_account import FOREIGN, ID, MFA, ROLE, ROOT, SERIAL, document, trust, workspace

BOB = "arn:aws:iam::999999999999:user/bob"


def sides(space: Workspace, role: str = ROLE, **more: Any) -> tuple[Side, Side]:
    both = sides_of(space, plan_assume(space, AssumeRoleInput(role, **more)))
    return both.trust, both.own


# Both sides


def test_both_sides_allow_by_a_statement_each() -> None:
    trusting, own = sides(workspace(trust()))
    assert trusting == Side(SideAnswer.YES, "statement 1 allows it")
    assert own == Side(SideAnswer.YES, "may-assume / statement 1 allows it")


def test_a_trust_policy_that_names_the_caller_needs_no_other() -> None:
    trusting, own = sides(workspace(trust(), may=None))
    assert trusting.answer is SideAnswer.YES
    assert own == Side(SideAnswer.YES, "you need no policy of your own: the trust policy names you")


def test_a_trust_policy_that_names_the_account_does() -> None:
    trusting, own = sides(workspace(trust(ROOT), may=None))
    assert trusting.answer is SideAnswer.YES
    assert own == Side(SideAnswer.NOTHING, "no policy of yours allows it")


def test_each_side_says_what_is_its_own() -> None:
    may = document({"Sid": "Never", "Effect": "Deny", "Action": "sts:*", "Resource": "*"})
    trusting, own = sides(workspace(trust({"AWS": FOREIGN}), may=may))
    assert trusting == Side(SideAnswer.NOTHING, "no statement of the trust policy lets you in")
    assert own == Side(SideAnswer.DENIED, "may-assume / Never denies it")


def test_a_condition_stands_on_the_side_it_is_of() -> None:
    trusting, own = sides(workspace(trust(**MFA)))
    assert trusting == Side(SideAnswer.DEPENDS, "only if aws:MultiFactorAuthPresent is true")
    assert own.answer is SideAnswer.YES
    of_own = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*", **MFA})
    trusting, own = sides(workspace(trust(ROOT), may=of_own))
    assert trusting.answer is SideAnswer.YES
    assert own == Side(SideAnswer.DEPENDS, "only if aws:MultiFactorAuthPresent is true")


def test_conditions_on_both_sides_are_told_apart() -> None:
    at = {"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
    may = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*", **at})
    trusting, own = sides(workspace(trust(ROOT, **MFA), may=may))
    assert trusting == Side(SideAnswer.DEPENDS, "only if aws:MultiFactorAuthPresent is true")
    assert own == Side(SideAnswer.DEPENDS, "only if aws:SourceIp is in 203.0.113.0/24")


NO_POLICY_OF_YOURS = None
DENIES = document({"Effect": "Deny", "Action": "sts:*", "Resource": "*"})


@pytest.mark.parametrize("may", [NO_POLICY_OF_YOURS, DENIES])
def test_a_trust_policy_with_a_condition_is_no_yes_where_the_own_side_refuses(may: PolicyDocument | None) -> None:
    trusting, own = sides(workspace(trust(ROOT, **MFA), may=may))
    assert trusting == Side(SideAnswer.DEPENDS, "statement 1 allows it only under conditions")
    assert own.answer in (SideAnswer.NOTHING, SideAnswer.DENIED)


def test_an_own_policy_with_a_condition_is_no_yes_where_the_trust_policy_refuses() -> None:
    of_own = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*", **MFA})
    trusting, own = sides(workspace(trust({"AWS": FOREIGN}), may=of_own))
    assert trusting.answer is SideAnswer.NOTHING
    assert own.answer is SideAnswer.DEPENDS


def test_no_policy_of_ones_own_is_no_yes_where_the_trust_policy_denies() -> None:
    never = {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}
    letting_in = {"Effect": "Allow", "Principal": ROOT, "Action": "sts:AssumeRole"}
    trusting, own = sides(workspace(document(letting_in, never), may=None))
    assert trusting.answer is SideAnswer.DENIED
    assert own == Side(SideAnswer.NOTHING, "no policy of yours allows it")


def test_another_action_is_named() -> None:
    trusting, _ = sides(workspace(trust()), extras=AssumeExtras(tags=(("team", "x"),)))
    assert trusting == Side(SideAnswer.NOTHING, "no statement of the trust policy lets you in (sts:TagSession)")


def test_what_is_not_loaded_is_said_with_a_yes() -> None:
    space = workspace(trust())
    _, own = sides(space.with_account(replace(space.account, organization=Missing("access denied"))))
    assert own.answer is SideAnswer.YES
    assert own.why.endswith("(SCP not evaluated)")


def test_of_a_foreign_role_only_the_own_side_is_known() -> None:
    trusting, own = sides(workspace(trust()), FOREIGN)
    assert trusting.answer is SideAnswer.UNKNOWN
    assert trusting.why == "the role is in account 999999999999, whose trust policy is not loaded"
    assert own.answer is SideAnswer.YES
    _, own = sides(workspace(trust(), may=None), FOREIGN)
    assert own.answer is SideAnswer.NOTHING


def test_of_a_foreign_caller_only_the_trust_is_known() -> None:
    trusting, own = sides(workspace(trust({"AWS": BOB}), caller=Known(BOB)))
    assert trusting.answer is SideAnswer.YES
    assert own == Side(SideAnswer.UNKNOWN, "you are in account 999999999999, whose policies are not loaded")


@pytest.mark.parametrize(
    ("space", "role", "why"),
    [
        (workspace(trust(), caller=Missing("denied")), ROLE, "who you are is not known here"),
        (workspace(trust()), f"arn:aws:iam::{ID}:role/Unknown", "the role is not in the data of this account"),
        (workspace(trust()), "nonsense", "which role is meant is not known yet"),
    ],
)
def test_what_cannot_be_known_is_unknown(space: Workspace, role: str, why: str) -> None:
    trusting, _ = sides(space, role)
    assert trusting == Side(SideAnswer.UNKNOWN, why)


# Problems by input


def wrong(entered: AssumeRoleInput) -> set[InputName]:
    return {problem.input for problem in check_input(plan_assume(workspace(trust()), AssumeRoleInput(ROLE)), entered)}


GOOD = AssumeRoleInput(ROLE, "alice", 3600)


@pytest.mark.parametrize(
    ("entered", "names"),
    [
        (GOOD, set()),
        (replace(GOOD, role_arn="nonsense"), {InputName.ROLE}),
        (replace(GOOD, session_name="a b"), {InputName.SESSION_NAME}),
        (replace(GOOD, duration_seconds=7201), {InputName.DURATION}),
        (replace(GOOD, external_id="x"), {InputName.EXTERNAL_ID}),
        (replace(GOOD, mfa_serial="short", mfa_code=Secret("123456")), {InputName.MFA_DEVICE}),
        (replace(GOOD, mfa_serial=SERIAL, mfa_code=Secret("12")), {InputName.MFA_CODE}),
        (replace(GOOD, mfa_serial=SERIAL), {InputName.MFA_CODE}),
        (replace(GOOD, mfa_code=Secret("123456")), {InputName.MFA_DEVICE}),
        (replace(GOOD, mfa_serial=SERIAL, mfa_way=MfaWay.REUSED), set()),
        (replace(GOOD, extras=AssumeExtras(policy="x" * 2049)), {InputName.POLICY}),
        (replace(GOOD, extras=AssumeExtras(policy="x" * 2000, policy_arns=(f"arn:aws:iam::{ID}:policy/{'p' * 60}",))),
         {InputName.POLICY}),
        (replace(GOOD, extras=AssumeExtras(policy="[]")), {InputName.POLICY}),
        (replace(GOOD, extras=AssumeExtras(policy_arns=(f"arn:aws:iam::{ID}:policy/{'p' * 2016}",))),
         {InputName.POLICY_ARNS}),
        (replace(GOOD, extras=AssumeExtras(policy_arns=("nonsense",))), {InputName.POLICY_ARNS}),
        (replace(GOOD, role_arn="nonsense", extras=AssumeExtras(policy_arns=(f"arn:aws:iam::{ID}:policy/p",))),
         {InputName.ROLE}),
        (replace(GOOD, mfa_way=MfaWay.SHARED), {InputName.MFA_CODE}),
        (replace(GOOD, duration_seconds=3601, mfa_way=MfaWay.REUSED), {InputName.DURATION}),
        (replace(GOOD, extras=AssumeExtras(tags=(("a", "1"), ("A", "2")))), {InputName.TAGS}),
        (replace(GOOD, extras=AssumeExtras(transitive_tag_keys=("a",))), {InputName.TRANSITIVE_TAGS}),
        (replace(GOOD, extras=AssumeExtras(source_identity="x")), {InputName.SOURCE_IDENTITY}),
        (AssumeRoleInput("x", "", 1, "x", "x", Secret("x")),
         {InputName.ROLE, InputName.SESSION_NAME, InputName.DURATION, InputName.EXTERNAL_ID, InputName.MFA_DEVICE,
          InputName.MFA_CODE}),
    ],
)  # fmt: skip
def test_every_problem_stands_at_its_input(entered: AssumeRoleInput, names: set[InputName]) -> None:
    assert wrong(entered) == names


# Role ARNs


def test_roles_are_offered_recent_ones_first() -> None:
    space = workspace(
        trust(),
        may=document(
            {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": [FOREIGN, "arn:aws:iam::1:role/*", ROLE]},
            {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::222222222222:role/Denied"},
            {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:iam::222222222222:role/NotAboutSts"},
        ),
    )
    recent = "arn:aws:iam::333333333333:role/Before"
    found = role_arns(space.account, [recent])
    assert list(found.items()) == [(recent, "recent"), (FOREIGN, "named in a policy"), (ROLE, "role")]


def test_managed_and_unreadable_policies_are_looked_through() -> None:
    space = workspace(trust())
    other = "arn:aws:iam::444444444444:role/Managed"
    version = PolicyVersion("v1", document({"Effect": "Allow", "Action": "*", "Resource": other}), True)
    policy = ManagedPolicy("p", "/", f"arn:aws:iam::{ID}:policy/p", "ANPA1", None, (version,))
    [alice] = space.account.users
    broken = replace(alice, inline_policies=(InlinePolicy("broken", type(version.document)("not json")),))
    account = replace(space.account, policies=(policy,), users=(broken,))
    assert other in role_arns(account)


# Session policies


def test_a_session_policy_is_sent_as_short_as_it_can_be() -> None:
    short = compact_policy(STARTING_POLICY)
    assert "\n" not in short
    assert " " not in short
    assert compact_policy(readable_policy(short)) == short
    assert compact_policy('{"Sid": "Zürich €"}').isascii()


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '"x"', '{"Statement": [], "Statement": [1]}', "[" * 500])
def test_what_is_no_policy_is_refused_and_shown_as_it_is(text: str) -> None:
    with pytest.raises(Problem):
        compact_policy(text)
