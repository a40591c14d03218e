"""Who may assume each role, and chains of roles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iamtui.account.model import InlinePolicy, Role
from iamtui.engine.decision import Outcome
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.opening import open_source
from iamtui.workspace.principals import resolve_principal
from iamtui.workspace.questions import ask
from iamtui.workspace.trust import TrustEdge, Trustee, by_principal, chains_from, who_may_assume
from iamtui.workspace.who_can import who_can
from iamtui.workspace.workspace import SourceChoice, SourceKind, Workspace
from tests.support.sample_account import ID, allow, document, iam, sample_workspace, trust

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


def test_it_agrees_with_who_can() -> None:
    workspace = sample_workspace()
    entities = (*workspace.account.users, *workspace.account.roles)
    everyone = [resolve_principal(workspace, entity.arn) for entity in entities]
    for one in workspace.account.roles:
        matrix = QuestionMatrix(("sts:AssumeRole",), (one.arn,), Question(""))
        can = {who.arn for who, decision in who_can(workspace, matrix, everyone) if decision.outcome in POSSIBLE}
        found = {edge.principal.arn for edge in who_may_assume(workspace, one)}
        assert {arn for arn in found if arn.startswith(f"arn:aws:iam::{ID}:") and "-provider/" not in arn} == can
