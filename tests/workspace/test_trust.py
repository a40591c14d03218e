"""Who may assume each role, and chains of roles."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import repeat
from random import Random
from typing import Any

import pytest

from iamtui.account.model import InlinePolicy, Known, Missing, Role
from iamtui.credentials.assume_role import AssumeRoleInput
from iamtui.credentials.session import AssumeExtras
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Outcome
from iamtui.policy.conditions import CompiledCondition
from iamtui.policy.context import RequestContext, Truth
from iamtui.policy.statement import CompiledStatement
from iamtui.problem import Problem
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.ask.outsiders import Outsiders
from iamtui.workspace.ask.questions import ask, with_region
from iamtui.workspace.ask.trust import (
    TrustEdge,
    Trustee,
    TrustReader,
    by_principal,
    chains_from,
    who_may_assume,
)
from iamtui.workspace.ask.who_can import who_can
from iamtui.workspace.assume.assume_decision import decide_so_far
from iamtui.workspace.assume.caller_roles import roles_of_caller
from iamtui.workspace.review.overview_counts import account_overview
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.principals import principal_for, resolve_principal
from iamtui.workspace.source.workspace import SourceChoice, SourceInfo, SourceKind, Workspace
from tests.questions.random_accounts import AccountMaker
from tests.support.sample_account import ID, allow, deny, document, iam, sample_workspace, trust
from tests.support.slow import few_slow

POSSIBLE = (Outcome.ALLOWED, Outcome.DEPENDS)


def with_roles(*roles: Role) -> Workspace:
    workspace = sample_workspace()
    return workspace.with_account(replace(workspace.account, roles=roles))


def role(name: str, principal: Any, action: str = "sts:AssumeRole", may: str = "", **more: Any) -> Role:
    policies = (InlinePolicy("own", document(allow("sts:AssumeRole", iam(f"role/{may}")))),) if may else ()
    return Role(name, "/", iam(f"role/{name}"), f"AROA{name.upper()}", None, trust(principal, action, **more), policies)


def edges_of(workspace: Workspace) -> list[TrustEdge]:
    return [edge for one in workspace.account.roles for edge in who_may_assume(workspace, one)]


@pytest.mark.parametrize("source", ["sample", "demo"])
def test_users_and_roles_are_those_that_may_when_asked_alone(source: str) -> None:
    workspace = sample_workspace() if source == "sample" else open_source(SourceChoice(SourceKind.DEMO))
    found = {(edge.principal.arn, edge.role.arn): edge.decision.outcome for edge in edges_of(workspace)}
    entities = {entity.arn for entity in (*workspace.account.users, *workspace.account.roles)}
    own = {pair: outcome for pair, outcome in found.items() if pair[0] in entities}
    expected = {}
    for one in workspace.account.roles[:12]:
        for arn in entities:
            decision = ask(workspace, resolve_principal(workspace, arn), Question("sts:AssumeRole", one.arn))
            if decision.outcome in POSSIBLE:
                expected[arn, one.arn] = decision.outcome
    assert {pair: outcome for pair, outcome in own.items() if pair[1] in {p[1] for p in expected}} == expected


def test_services_providers_and_other_accounts_are_named() -> None:
    provider = iam("oidc-provider/token.actions.githubusercontent.com")
    subject = {"StringEquals": {"token.actions.githubusercontent.com:sub": "repo:o/r:ref:refs/heads/main"}}
    workspace = with_roles(
        role("worker", {"Service": "ec2.amazonaws.com"}),
        role("pipeline", {"Federated": provider}, "sts:AssumeRoleWithWebIdentity", Condition=subject),
        role("vendor", {"AWS": "999999999999"}, Condition={"StringEquals": {"sts:ExternalId": "x1"}}),
        role("careless", {"AWS": "999999999999"}),
        role("open", "*"),
    )
    found = {edge.role.name: edge for edge in edges_of(workspace) if edge.trustee not in (Trustee.USER, Trustee.ROLE)}
    assert {name: (edge.trustee, edge.name) for name, edge in found.items()} == {
        "worker": (Trustee.SERVICE, "ec2.amazonaws.com"),
        "pipeline": (Trustee.IDENTITY_PROVIDER, provider),
        "vendor": (Trustee.OTHER_ACCOUNT, "999999999999"),
        "careless": (Trustee.OTHER_ACCOUNT, "999999999999"),
        "open": (Trustee.EVERYONE, "*"),
    }
    assert found["pipeline"].action == "sts:AssumeRoleWithWebIdentity"
    assert "repo:o/r:ref:refs/heads/main" in found["pipeline"].condition
    assert found["vendor"].condition == "sts:ExternalId is x1"
    assert [name for name, edge in found.items() if edge.lacks_external_id] == ["careless", "open"]


def test_an_account_of_the_organization_needs_no_external_id() -> None:
    inside = {"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}
    (edge,) = [
        e for e in edges_of(with_roles(role("shared", {"AWS": "999999999999"}, Condition=inside))) if e.is_outside
    ]
    assert not edge.lacks_external_id


def test_who_is_denied_is_left_out() -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}
    closed = role("closed", {"AWS": ID})
    assert edges_of(with_roles(role("nobody", {"AWS": iam("user/none")}))) == []
    both = replace(closed, trust=document(allow("sts:AssumeRole") | {"Principal": {"AWS": ID}}, deny))
    assert edges_of(with_roles(both)) == []


def test_the_shortest_chain_leads_to_each_role() -> None:
    alice = {"AWS": iam("user/alice")}
    workspace = with_roles(
        role("a", alice, may="b"),
        role("b", {"AWS": iam("role/a")}, may="c"),
        role("c", {"AWS": [iam("role/b"), iam("role/d")]}, may="a"),
        role("d", alice, may="c"),
        role("e", {"AWS": iam("role/nobody")}),
    )
    edges = by_principal(edges_of(workspace))
    chains = list(chains_from(resolve_principal(workspace, "user/alice"), edges))
    assert [[edge.role.name for edge in chain] for chain in chains] == [["a"], ["d"], ["a", "b"], ["d", "c"]]
    for chain in chains:
        for edge in chain:
            assert edge.decision.outcome in POSSIBLE


def test_a_chain_that_holds_without_condition_comes_before_one_of_the_same_length() -> None:
    alice = {"AWS": iam("user/alice")}
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    workspace = with_roles(
        role("m", alice, may="z", Condition=mfa),
        role("n", alice, may="z"),
        role("z", {"AWS": [iam("role/m"), iam("role/n")]}),
    )
    chains = list(chains_from(resolve_principal(workspace, "user/alice"), by_principal(edges_of(workspace))))
    assert [edge.role.name for edge in chains[-1]] == ["n", "z"]


def test_a_longer_chain_without_condition_comes_in_the_place_of_a_shorter_one_on_a_condition() -> None:
    alice = {"AWS": iam("user/alice")}
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    workspace = with_roles(
        role("a", alice, may="b"),
        role("b", {"AWS": iam("role/a")}, may="z"),
        role("z", {"AWS": [iam("user/alice")]}, may="y", Condition=mfa),
        role("y", {"AWS": iam("role/z")}),
    )
    trust = workspace.account.role("z")
    assert trust is not None
    open_to_b = {"Effect": "Allow", "Principal": {"AWS": iam("role/b")}, "Action": "sts:AssumeRole"}
    both = document(*trust.trust.value["Statement"], open_to_b)
    roles = tuple(replace(one, trust=both) if one is trust else one for one in workspace.account.roles)
    workspace = workspace.with_account(replace(workspace.account, roles=roles))
    chains = list(chains_from(resolve_principal(workspace, "user/alice"), by_principal(edges_of(workspace))))
    named = [[edge.role.name for edge in chain] for chain in chains]
    assert named == [["a"], ["a", "b"], ["a", "b", "z"], ["a", "b", "z", "y"]]
    assert all(edge.decision.outcome is Outcome.ALLOWED for chain in chains for edge in chain)


def test_more_ways_than_memory_is_meant_for_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iamtui.workspace.ask.trust._MOST_EDGES", 3)
    (edge, *_) = edges_of(sample_workspace())
    assert sum(map(len, by_principal([edge] * 3).values())) == 3
    with pytest.raises(Problem, match="More than 3 pairs of a principal and a role"):
        by_principal(repeat(edge))


def test_it_agrees_with_who_can() -> None:
    workspace = sample_workspace()
    entities = (*workspace.account.users, *workspace.account.roles)
    everyone = [resolve_principal(workspace, entity.arn) for entity in entities]
    for one in workspace.account.roles:
        matrix = QuestionMatrix(("sts:AssumeRole",), (one.arn,), Question(""))
        can = {who.arn for who, decision in who_can(workspace, matrix, everyone) if decision.outcome in POSSIBLE}
        found = {edge.principal.arn for edge in who_may_assume(workspace, one)}
        assert {arn for arn in found if arn.startswith(f"arn:aws:iam::{ID}:") and "-provider/" not in arn} == can


@pytest.mark.slow
@pytest.mark.parametrize("first", few_slow(range(0, 80, 8), 1))
def test_it_agrees_with_can_in_random_accounts(first: int) -> None:
    said: Counter[Outcome] = Counter()
    for seed in range(first, first + 8):
        account = AccountMaker(Random(seed)).account()
        workspace = Workspace(account, SourceInfo(SourceKind.SNAPSHOT, "x.json", region="eu-west-1"))
        callers = [principal_for(workspace, one) for one in account.principals]
        for trusting in account.roles:
            edges = {(edge.principal.arn, edge.action): edge for edge in who_may_assume(workspace, trusting)}
            for caller in callers:
                decision = ask(workspace, caller, with_region(workspace, Question("sts:AssumeRole", trusting.arn)))
                edge = edges.get((caller.arn, "sts:AssumeRole"))
                where = (seed, caller.arn, trusting.arn)
                assert (edge is not None) is (decision.outcome in POSSIBLE), where
                if edge is not None:
                    assert (edge.decision.outcome, edge.condition) == (decision.outcome, condition_of(decision)), where
                said[decision.outcome] += 1
    assert min(said[Outcome.DEPENDS], said[Outcome.EXPLICIT_DENY], said[Outcome.IMPLICIT_DENY]) > 3, said


OTHER = "222222222222"
PLACEHOLDERS = ("*any-role", "*any-user", "arn:aws:iam::000000000000:*", "arn:aws:iam::*:role/any-*")


def outside(*statements: dict[str, Any]) -> list[TrustEdge]:
    """Who may assume a role with a trust policy of these statements, from outside the account."""
    own = replace(role("r", "*"), trust=document(*statements))
    return [edge for edge in edges_of(with_roles(own)) if edge.trustee not in (Trustee.USER, Trustee.ROLE)]


def lets(principal: Any, effect: str = "Allow", **condition: Any) -> dict[str, Any]:
    tested = {"Condition": condition} if condition else {}
    return {"Effect": effect, "Principal": principal, "Action": "sts:AssumeRole", **tested}


@pytest.mark.parametrize("whom", ["*", {"AWS": OTHER}])
@pytest.mark.parametrize(
    "deny",
    [
        *(lets("*", "Deny", ArnLike={"aws:PrincipalArn": pattern}) for pattern in PLACEHOLDERS),
        *(lets("*", "Deny", StringLike={"aws:PrincipalArn": pattern}) for pattern in PLACEHOLDERS),
        lets({"AWS": "000000000000"}, "Deny"),
        lets("*", "Deny", StringEquals={"aws:PrincipalAccount": "000000000000"}),
    ],
    ids=str,
)
def test_a_deny_on_a_few_names_hides_nobody(whom: Any, deny: dict[str, Any]) -> None:
    (edge,) = (edge for edge in outside(lets(whom), deny) if "/" not in edge.name)
    assert edge.name == ("*" if whom == "*" else OTHER)
    assert edge.lacks_external_id


@pytest.mark.parametrize("whom", ["*", {"AWS": OTHER}, {"AWS": f"arn:aws:iam::{OTHER}:root"}])
@pytest.mark.parametrize(
    ("condition", "name"),
    [
        ({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:user/bob"}}, f"arn:aws:iam::{OTHER}:user/bob"),
        ({"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/x-*"}}, f"arn:aws:iam::{OTHER}:role/x-*"),
        ({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/ci/?"}}, "arn:aws:iam::*:role/ci/?"),
        ({"StringEquals": {"aws:username": "bob"}}, "arn:aws:iam::*:user/bob"),
    ],
)
def test_whom_a_condition_asks_for_by_name_is_found(whom: Any, condition: dict[str, Any], name: str) -> None:
    (edge,) = outside(lets(whom, **condition))
    assert edge.name == (name if whom == "*" else name.replace("*:", f"{OTHER}:"))
    open_to_all = whom == "*" and OTHER not in name
    assert edge.trustee is (Trustee.EVERYONE if open_to_all else Trustee.OTHER_ACCOUNT)


def test_the_exceptions_to_a_deny_are_found() -> None:
    bob = f"arn:aws:iam::{OTHER}:user/bob"
    all_but_bob = lets("*", "Deny", ArnNotEquals={"aws:PrincipalArn": bob})
    assert [edge.name for edge in outside(lets({"AWS": OTHER}), all_but_bob)] == [bob]
    spared = {"Effect": "Deny", "NotPrincipal": {"AWS": bob}, "Action": "sts:AssumeRole"}
    assert [edge.name for edge in outside(lets("*"), spared)] == [bob]


def test_an_account_that_a_condition_asks_for_is_found_and_users_are_told_from_roles() -> None:
    (edge,) = outside(lets("*", StringEquals={"aws:PrincipalAccount": OTHER}))
    assert (edge.name, edge.trustee) == (OTHER, Trustee.OTHER_ACCOUNT)
    (edge,) = outside(lets({"AWS": OTHER}, StringEquals={"aws:PrincipalType": "User"}))
    assert edge.name == f"arn:aws:iam::{OTHER}:user/*"


def test_what_is_easier_for_some_than_for_all_is_said_of_them() -> None:
    bob = f"arn:aws:iam::{OTHER}:user/bob"
    edges = outside(
        lets({"AWS": OTHER}, StringEquals={"sts:ExternalId": "x1"}),
        lets({"AWS": OTHER}, ArnEquals={"aws:PrincipalArn": bob}),
    )
    assert [(edge.name, edge.lacks_external_id) for edge in edges] == [(OTHER, False), (bob, True)]


def test_each_outsider_is_held_against_few_statements_and_answered_as_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = [f"{200_000_000_000 + number}" for number in range(60)]
    own = replace(
        role("r", "*"),
        trust=document(
            *(lets({"AWS": one}, StringLike={"aws:userid": f"{one}*"}) for one in accounts),
            lets("*", "Deny", IpAddress={"aws:SourceIp": "192.0.2.0/24"}),
            *(lets("*", ArnLike={"aws:PrincipalArn": f"arn:aws:iam::{one}:role/x"}) for one in accounts[:30]),
            lets({"Service": "ec2.amazonaws.com"}),
        ),
    )
    workspace = with_roles(own)
    read: list[int] = []
    holds = CompiledStatement.holds

    def counted(self: CompiledStatement, context: RequestContext) -> Truth:
        read.append(self.statement.index)
        return holds(self, context)

    with monkeypatch.context() as patched:
        patched.setattr(CompiledStatement, "holds", counted)
        edges = list(TrustReader(workspace).edges(own, inside=False))
    assert len(edges) == 91
    assert len(read) < 10 * len(edges)
    evaluator = QuestionEvaluator(workspace.account, with_region(workspace, Question("sts:AssumeRole", own.arn)))
    for edge in edges:
        whole = evaluator.decide(edge.principal)
        assert (edge.decision.outcome, edge.decision.complete) == (whole.outcome, whole.complete)
        assert edge.decision.depends_on == whole.depends_on


def alike(count: int, sid: str = "") -> Workspace:
    """Roles of which all trust the same, on the same conditions; with a `sid`, in statements of different ids."""
    condition = {"ArnLike": {"aws:PrincipalArn": [iam("role/*1*"), "arn:*:iam::*:role/R?*"]}}
    more = [{"Sid": f"{sid}{number}"} if sid else {} for number in range(count)]
    return with_roles(*(role(f"R{at}", "*", Condition=condition, may="*", **one) for at, one in enumerate(more)))


def test_whom_equal_trust_policies_name_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many roles and all calls that assume them, in each analysis."""
    workspace = alike(30)
    reader = TrustReader(workspace)
    worked_out: list[str] = []
    groups = Outsiders.groups
    monkeypatch.setattr(Outsiders, "groups", lambda self: worked_out.append("") or groups(self))
    edges = [(edge.role.arn, edge.name) for one in workspace.account.roles for edge in reader.edges(one, inside=False)]
    assert len(edges) == len(set(edges)) >= 30
    assert len(worked_out) == 1
    assert len(account_overview(workspace).figure("trust-outside").members) == 30
    assert len(worked_out) == 2


def test_equal_conditions_of_many_roles_are_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = alike(30, "S")
    tried: list[str] = []
    test = CompiledCondition.test
    monkeypatch.setattr(CompiledCondition, "test", lambda self, context: tried.append("") or test(self, context))
    reader = TrustReader(workspace)
    assert {len(reader.inside(one)) for one in workspace.account.roles} == {30}
    # Of the principals of the account and, of each role, of those who only stand for somebody.
    assert len(tried) < 10 * 30, len(tried)


def test_users_and_roles_are_counted_without_being_listed() -> None:
    workspace = open_source(SourceChoice(SourceKind.DEMO))
    reader = TrustReader(workspace)
    for one in workspace.account.roles:
        listed = [edge for edge in reader.edges(one) if edge.trustee in (Trustee.USER, Trustee.ROLE)]
        assert len(reader.inside(one)) == len(listed)


# What the caller may assume


def called_by(workspace: Workspace, arn: str, **more: Any) -> Workspace:
    return replace(workspace, account=replace(workspace.account, caller_arn=Known(arn)), **more)


def names(workspace: Workspace) -> list[tuple[list[str], Outcome]]:
    found = roles_of_caller(workspace)
    assert found is not None
    return [([edge.role.name for edge in chain], chain[0].decision.outcome) for chain in found.chains]


def test_the_callers_roles_are_those_the_assume_form_would_not_refuse() -> None:
    alice = {"AWS": iam("user/alice")}
    workspace = with_roles(
        role("mfa", alice, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        role("named", alice, Condition={"StringEquals": {"sts:RoleSessionName": "alice"}}),
        role("free", alice, may="next"),
        role("next", {"AWS": iam("role/free")}),
        role("closed", {"AWS": iam("user/bob")}),
    )
    assert names(called_by(workspace, iam("user/alice"))) == [
        (["free"], Outcome.ALLOWED),
        (["mfa"], Outcome.DEPENDS),
        (["named"], Outcome.DEPENDS),
        (["free", "next"], Outcome.ALLOWED),
    ]
    for chain in roles_of_caller(called_by(workspace, iam("user/alice"))).chains:  # type: ignore[union-attr]
        decision = decide_so_far(called_by(workspace, iam("user/alice")), AssumeRoleInput(chain[0].role.arn, "alice"))
        assert decision is not None
        assert decision.outcome in POSSIBLE


def test_a_session_is_held_to_the_policies_it_was_made_with() -> None:
    workspace = with_roles(
        role("free", {"AWS": iam("user/alice")}, may="*"),
        role("next", {"AWS": iam("role/free")}),
        role("last", {"AWS": iam("role/free")}),
    )
    session = f"arn:aws:sts::{ID}:assumed-role/free/alice"
    assert [one for one, _ in names(called_by(workspace, session))] == [["next"], ["last"]]
    only = AssumeExtras(policy=document(allow("sts:AssumeRole", iam("role/last"))).text)
    assert [one for one, _ in names(called_by(workspace, session, caller_extras=only))] == [["last"]]


def test_roles_of_accounts_that_are_not_open_are_those_that_policies_name_and_open() -> None:
    workspace = with_roles(role("free", {"AWS": iam("user/alice")}))
    there, forbidden = "arn:aws:iam::999999999999:role/partner", "arn:aws:iam::999999999999:role/forbidden"
    (user, *others) = workspace.account.users
    own = InlinePolicy("own", document(allow("sts:AssumeRole", [there, forbidden]), deny("sts:*", forbidden)))
    users = (replace(user, inline_policies=(own,)), *others)
    workspace = workspace.with_account(replace(workspace.account, users=users))
    found = roles_of_caller(called_by(workspace, user.arn))
    assert found is not None
    assert [(one.request.resource, one.outcome) for one in found.elsewhere] == [(there, Outcome.DEPENDS)]


def test_whose_roles_they_are_has_to_be_known() -> None:
    assert roles_of_caller(with_roles().with_account(replace(with_roles().account, caller_arn=Missing("no")))) is None
