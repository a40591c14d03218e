"""Who may assume roles of another account that is open, and chains of roles from one account to another."""

from __future__ import annotations

from dataclasses import replace

from iamtui.account.model import Account, InlinePolicy, Known, Role, User
from iamtui.engine.decision import Outcome
from iamtui.engine.request import Principal
from iamtui.questions.account_index import principal_of
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.ask.access import through_roles, who_has_access
from iamtui.workspace.ask.outsiders import LISTED
from iamtui.workspace.ask.questions import ask
from iamtui.workspace.ask.trust import Trustee, TrustReader, by_principal, chains_from, every_edge
from iamtui.workspace.ask.who_can import everybody
from iamtui.workspace.review.escalations import find_escalations, find_escalations_across
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.questions.test_several_accounts import two_accounts
from tests.questions.vocabulary import A, B
from tests.support.sample_account import allow, document, trust

POSSIBLE = (Outcome.ALLOWED, Outcome.DEPENDS)


def beside(*accounts: Account) -> Workspace:
    first, *others = (Workspace(one, SourceInfo(SourceKind.SNAPSHOT, one.id)) for one in accounts)
    return replace(first, beside=tuple(others))


def arn(account: str, name: str) -> str:
    return f"arn:aws:iam::{account}:{name}"


def role(account: str, name: str, principal: object, *may: object) -> Role:
    policies = (InlinePolicy("own", document(*may)),) if may else ()  # type: ignore[arg-type]
    return Role(name, "/", arn(account, f"role/{name}"), f"AROA{name.upper()}", None, trust(principal), policies)


def test_those_of_all_accounts_are_listed_that_may_when_asked_alone() -> None:
    across = 0
    for seed in range(20):
        one, other, _ = two_accounts(seed)
        workspace = beside(one, other)
        edges = [edge for edge in every_edge(workspace) if edge.action == "sts:AssumeRole"]
        found = {
            (edge.principal.arn, edge.role.arn): edge.decision.outcome
            for edge in edges
            if edge.trustee in (Trustee.USER, Trustee.ROLE)
        }
        elsewhere = [edge.principal for edge in edges if edge.trustee is Trustee.OTHER_ACCOUNT]
        assert not [one for one in elsewhere if one.kind in LISTED and one.account in (A, B)]
        expected = {}
        for account in (one, other):
            for entity in (*account.users, *account.roles):
                who = principal_of(account, entity)
                for each in (*one.roles, *other.roles):
                    decision = ask(workspace, who, Question("sts:AssumeRole", each.arn))
                    if decision.outcome in POSSIBLE:
                        expected[entity.arn, each.arn] = decision.outcome
        assert found == expected, seed
        across += sum(pair[0].split(":")[4] != pair[1].split(":")[4] for pair in expected)
    assert across > 5, across


def test_an_administrator_of_another_account_is_reached_through_its_roles() -> None:
    start = User("dora", "/", arn(A, "user/dora"), "AIDADORA", None)
    start = replace(start, inline_policies=(InlinePolicy("go", document(allow("sts:AssumeRole"))),))
    hop = role(A, "hop", {"AWS": start.arn}, allow("sts:AssumeRole", arn(B, "role/*")))
    asks = role(A, "asks", {"AWS": start.arn}, allow("sts:AssumeRole", arn(B, "role/*")))
    admin = role(B, "admin", {"AWS": hop.arn}, allow("*"))
    condition = {"StringEquals": {"sts:ExternalId": "x"}}
    only_if = Role("if", "/", arn(B, "role/if"), "AROAIF", None, trust({"AWS": asks.arn}, Condition=condition))
    only_if = replace(only_if, inline_policies=(InlinePolicy("own", document(allow("iam:*"))),))
    one = Account(A, users=(start,), roles=(hop, asks), organization=Known(None))
    other = Account(B, roles=(admin, only_if), organization=Known(None))
    for workspace in (beside(one, other), beside(other, one)):
        reports = dict(zip([each.id for each in workspace.accounts], find_escalations_across(workspace), strict=True))
        assert [each.name for each in reports[B].administrators] == ["admin"]
        assert [each.principal.name for each in reports[B].escalations] == ["if"]
        found = {each.principal.name: each for each in reports[A].escalations}
        assert [move.becomes for move in found["dora"].moves] == [hop.arn, admin.arn]
        assert [move.becomes for move in found["hop"].moves] == [admin.arn]
        assert found["asks"].moves[0].becomes == only_if.arn
        assert {name: each.certain for name, each in found.items()} == {"dora": True, "hop": True, "asks": False}
    # Each account alone knows nothing of it.
    assert find_escalations(beside(one)).escalations == ()


def test_a_chain_goes_from_account_to_account_and_back() -> None:
    start = User("dora", "/", arn(A, "user/dora"), "AIDADORA", None)
    start = replace(start, inline_policies=(InlinePolicy("go", document(allow("sts:AssumeRole"))),))
    hop = role(A, "hop", {"AWS": start.arn}, allow("sts:AssumeRole", arn(B, "role/*")))
    there = role(B, "there", {"AWS": hop.arn}, allow("sts:AssumeRole", arn(A, "role/end")))
    end = role(A, "end", {"AWS": arn(B, "root")}, allow("s3:*"))
    one = Account(A, users=(start,), roles=(hop, end), organization=Known(None))
    other = Account(B, roles=(there,), organization=Known(None))
    for workspace in (beside(one, other), beside(other, one)):
        chains = chains_from(principal_of(one, start), by_principal(every_edge(workspace)))
        names = [[edge.role.name for edge in chain] for chain in chains]
        assert names == [["hop"], ["hop", "there"], ["hop", "there", "end"]]
        matrix = QuestionMatrix(("s3:GetObject",), ("arn:aws:s3:::b/x",), Question("", resource_account=A))
        having = list(who_has_access(workspace, matrix, everybody(workspace, matrix).principals))
        through = {found.principal.arn: len(found.through) for found in through_roles(workspace, having)}
        assert through == {start.arn: 3, hop.arn: 2, there.arn: 1}
    # One account alone does not know what the other's role may, and says so.
    alone = TrustReader(beside(other)).edges(there)
    assert [edge.trustee for edge in alone] == [Trustee.OTHER_ACCOUNT]
    assert isinstance(principal_of(one, start), Principal)
