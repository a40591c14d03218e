"""Ways between the accounts of a store: by their indexes, the same as all of them together in memory say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.generator import TINY, Size
from benchmarks.organization import accounts
from iamtui.account.model import (
    Account,
    AttachedPolicy,
    InlinePolicy,
    Known,
    Missing,
    Organization,
    OrganizationLevel,
    OrganizationPolicy,
    Role,
    User,
)
from iamtui.engine.decision import Outcome
from iamtui.problem import Problem
from iamtui.questions.account_index import principal_of
from iamtui.workspace.ask.trust import Trustee, by_principal, chains_from, every_edge
from iamtui.workspace.organization import organization_paths
from iamtui.workspace.organization.organization_paths import AccountIndex, Ways, account_of, index_of
from iamtui.workspace.organization.organization_run import Here
from iamtui.workspace.organization.organization_store import StoreWriter, account_in, open_store, workspace_of
from iamtui.workspace.review.escalations import find_escalations, find_escalations_across
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.questions.test_several_accounts import two_accounts
from tests.support.slow import blocks
from tests.workspace.test_trust_across_accounts import A, B, allow, arn, document, role, trust

C = "777788889999"
TAKEN = datetime(2026, 11, 28, tzinfo=UTC)


class Stored:
    """A store of some accounts, and the same accounts all in memory."""

    def __init__(self, folder: Path, some: Iterable[Account]) -> None:
        writer = StoreWriter(str(folder / "org"))
        for account in some:
            writer.take(Workspace(account, SourceInfo(SourceKind.SNAPSHOT, account.id, taken_at=TAKEN)))
        store = open_store(str(folder / "org"))
        self.day = store.day()
        self.pages = lambda id_: store.pages(self.day.date, id_)
        self.read: list[str] = []
        self.alone = [self.open(id_) for id_ in self.day.ids]
        self.together = replace(self.alone[0], beside=tuple(self.alone[1:]))

    def open(self, id_: str) -> Workspace:
        return workspace_of(account_in(self.pages(id_), self.day.date, id_))

    def ways(self, indexes: Sequence[AccountIndex] | None = None) -> Ways:
        found = indexes or [index_of(one, escalations=True) for one in self.alone]
        return Ways(self.day.date, found, self.pages, Here())

    def edges(self, ways: Ways) -> dict[tuple[str, str], tuple[bool, str, bool]]:
        found = [*ways.edges(ways.trusting)]
        edges = {(edge.principal, edge.role): (edge.certain, edge.condition, edge.complete) for edge in found}
        assert len(edges) == len(found)
        return edges

    def expected_climbs(self) -> dict[str, bool]:
        """Who becomes administrator with the others open, and does not, or not for sure, alone."""
        alone = {one.principal.arn: one.certain for each in self.alone for one in find_escalations(each).escalations}
        every = {
            one.principal.arn: one.certain
            for report in find_escalations_across(self.together)
            for one in report.escalations
        }
        return {name: certain for name, certain in every.items() if alone.get(name) is not certain}

    def expected_edges(self) -> dict[tuple[str, str], tuple[bool, str, bool]]:
        return {
            (edge.principal.arn, edge.role.arn): (
                edge.decision.outcome is Outcome.ALLOWED,
                edge.condition,
                edge.decision.complete,
            )
            for edge in every_edge(self.together)
            if edge.trustee in (Trustee.USER, Trustee.ROLE)
            and edge.action == "sts:AssumeRole"
            and edge.principal.account != account_of(edge.role.arn)
        }


def user(account: str, name: str, *statements: object) -> User:
    found = User(name, "/", arn(account, f"user/{name}"), f"AIDA{name.upper()}", None)
    return replace(found, inline_policies=(InlinePolicy("own", document(*statements)),))


@pytest.fixture
def company(tmp_path: Path) -> Stored:
    """dora of A assumes hop of B, which assumes admin of C, where ops may let itself in; and one on a condition."""
    dora = user(A, "dora", allow("sts:AssumeRole", arn(B, "role/*")))
    eve = user(A, "eve", allow("iam:UpdateAssumeRolePolicy", "*"))
    via = role(A, "via", {"AWS": dora.arn}, allow("sts:AssumeRole", arn(B, "role/if")))
    hop = role(B, "hop", {"AWS": dora.arn}, allow("sts:AssumeRole", arn(C, "role/admin")))
    condition = {"StringEquals": {"sts:ExternalId": "x"}}
    only_if = Role("if", "/", arn(B, "role/if"), "AROAIF", None, trust({"AWS": via.arn}, Condition=condition))
    only_if = replace(only_if, inline_policies=(InlinePolicy("own", document(allow("iam:*"))),))
    admin = role(C, "admin", {"AWS": hop.arn}, allow("*"))
    nobody = role(C, "nobody", {"AWS": "arn:aws:iam::000011112222:root"}, allow("s3:*"))
    return Stored(
        tmp_path,
        [
            Account(A, users=(dora, eve), roles=(via,), organization=Known(None)),
            Account(B, roles=(hop, only_if), organization=Known(None)),
            Account(C, roles=(admin, nobody), organization=Known(None)),
        ],
    )


def test_who_becomes_administrator_across_accounts(company: Stored) -> None:
    ways = company.ways()
    climbs = {one.principal: one for one in ways.climbs()}
    assert {name: one.certain for name, one in climbs.items()} == company.expected_climbs()
    dora = climbs[arn(A, "user/dora")]
    assert dora.certain
    assert dora.path == (f"assume {arn(B, 'role/hop')}", f"assume {arn(C, 'role/admin')}")
    via = climbs[arn(A, "role/via")]
    assert (via.certain, via.path[0]) == (False, f"assume {arn(B, 'role/if')} (if sts:ExternalId is x)")
    assert not ways.lacking


def test_who_may_assume_roles_of_other_accounts(company: Stored) -> None:
    ways = company.ways()
    edges = company.edges(ways)
    assert edges == company.expected_edges()
    assert len(edges) == 3
    assert {role.arn: ways.outside(role) for role in ways.trusting if ways.outside(role) != ()} == {
        arn(C, "role/nobody"): ("000011112222",)
    }


def test_chains_from_account_to_account(company: Stored) -> None:
    ways = company.ways()
    dora = arn(A, "user/dora")
    found = {chain[-1].role: [edge.role.rpartition("/")[2] for edge in chain] for chain in ways.chains(dora)}
    together = chains_from(
        principal_of(company.together.at(A).account, company.together.at(A).account.user("dora")),  # type: ignore[arg-type]
        by_principal(every_edge(company.together)),
    )
    assert found == {chain[-1].role.arn: [edge.role.name for edge in chain] for chain in together}
    assert found[arn(C, "role/admin")] == ["hop", "admin"]
    assert found[arn(B, "role/if")] == ["via", "if"]
    with pytest.raises(Problem, match="nothing of the account"):
        [*ways.chains(arn("000011112222", "user/x"))]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "size", "trusted"),
    [
        (4, Size(3, 8, 1, 4), 3),
        *(
            pytest.param(8, size, trusted, marks=pytest.mark.slow)
            for size in (TINY, Size(12, 30, 4, 20))
            for trusted in (1, 5)
        ),
    ],
)
def test_a_generated_organization_says_the_same(tmp_path: Path, count: int, size: Size, trusted: int) -> None:
    stored = Stored(tmp_path, (one.account for one in accounts(count, ((size, 1),), trusted)))
    ways = stored.ways()
    assert stored.edges(ways) == stored.expected_edges()
    assert {one.principal: one.certain for one in ways.climbs()} == stored.expected_climbs()


def with_levels(account: Account) -> Account:
    """The account with ids of its root and units that can stand in a file."""
    fact = account.organization
    if isinstance(fact, Missing) or fact.value is None:
        return account
    ids = {"ROOT": "r-abcd", "ORGANIZATIONAL_UNIT": "ou-abcd-12345678", "ACCOUNT": account.id}
    path = tuple(replace(level, id=ids[level.type]) for level in fact.value.path)
    return replace(account, organization=Known(replace(fact.value, path=path)))


@pytest.mark.parametrize("seed", blocks(40, 1, slow=20))
def test_random_accounts_say_the_same(tmp_path: Path, seed: int) -> None:
    stored = Stored(tmp_path, map(with_levels, two_accounts(seed)[:2]))
    ways = stored.ways()
    assert stored.edges(ways) == stored.expected_edges()
    assert {one.principal: one.certain for one in ways.climbs()} == stored.expected_climbs()
    edges = by_principal(every_edge(stored.together))
    for each in stored.alone:
        for entity in (*each.account.users, *each.account.roles)[:6]:
            expected = {
                chain[-1].role.arn: [edge.decision.outcome is Outcome.ALLOWED for edge in chain].count(False)
                for chain in chains_from(principal_of(each.account, entity), edges)
            }
            found = {chain[-1].role: [edge.certain for edge in chain].count(False) for chain in ways.chains(entity.arn)}
            assert found == expected


def test_an_index_is_small_and_holds_what_may_matter(company: Stored) -> None:
    one, _, three = (index_of(each, escalations=True) for each in company.alone)
    assert one.assumes == (arn(B, "role/*"), arn(B, "role/if"))
    assert one.roles == ()
    assert [(each.arn, each.accounts, each.certain) for each in three.roles] == [
        (arn(C, "role/admin"), (B,), ()),
        (arn(C, "role/nobody"), ("000011112222",), None),
    ]
    assert len(json.dumps([one.assumes, [each.arn for each in three.roles]])) < 400


def test_what_is_not_known_of_an_account_may_let_it_assume_anything() -> None:
    unread = Account(A, users=(user(A, "dora"),), roles=(), policies=(), organization=Missing("x"))
    attached = replace(unread.users[0], attached_policies=(AttachedPolicy("p", arn(A, "policy/p")),))
    workspace = workspace_of(replace(unread, users=(attached,)))
    assert index_of(workspace, escalations=False).assumes == ("*",)


def test_each_account_is_read_again_once_whose_users_may_assume_roles_of_others(company: Stored) -> None:
    ways = company.ways()
    read: list[str] = []
    ways._pages = lambda id_: read.append(id_) or company.pages(id_)  # type: ignore[func-returns-value]
    assert len([*ways.edges(ways.trusting)]) == 3
    # A may assume roles of B, and B those of C, of which enough is kept.
    assert read == [A, B]


def test_many_roles_are_asked_about_some_at_a_time(company: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    chains = [*company.ways().chains(arn(A, "user/dora"))]
    monkeypatch.setattr(organization_paths, "_ROLES_AT_ONCE", 1)
    monkeypatch.setattr(organization_paths, "_MOST_OF_PARTS", 1)
    ways = company.ways()
    assert company.edges(ways) == company.expected_edges()
    assert [*ways.chains(arn(A, "user/dora"))] == chains
    monkeypatch.setattr(organization_paths, "_MOST_PAIRS", 1)
    ways = company.ways()
    assert len([*ways.edges(ways.trusting)]) < 3
    assert [*ways.lacking] == ["More than 1 pairs of a role and an account: the rest was not followed"]


def test_the_tags_of_a_role_and_the_rcps_of_its_account_count_where_others_assume_it(tmp_path: Path) -> None:
    dora = user(A, "dora", allow("sts:AssumeRole", "*", Condition={"StringEquals": {"aws:ResourceTag/open": "yes"}}))
    full = OrganizationPolicy("arn:aws:organizations::aws:policy/p-Full", "Full", document(allow("*")))
    denying = document(
        {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole", "Resource": arn(B, "role/shut")}
    )
    rcp = OrganizationPolicy(
        "arn:aws:organizations::111111111111:policy/o-1/resource_control_policy/p-1", "shut", denying
    )
    level = OrganizationLevel("r-abcd", "Root", "ROOT", Known((full,)), Known((rcp,)))
    roles = tuple(
        replace(role(B, name, {"AWS": dora.arn}), tags=(("open", tag),))
        for name, tag in (("yes", "yes"), ("no", "no"), ("shut", "yes"))
    )
    organization = Organization("o-1", A, (level, replace(level, type="ACCOUNT", id=B, rcps=Known(()))))
    some = [
        Account(A, users=(dora,), organization=Known(None)),
        Account(B, roles=roles, organization=Known(organization)),
    ]
    stored = Stored(tmp_path, some)
    edges = stored.edges(stored.ways())
    assert edges == stored.expected_edges()
    assert [(name, sure) for (_, name), (sure, *_) in edges.items()] == [(arn(B, "role/yes"), True)]


def test_an_account_that_is_gone_meanwhile_is_said(company: Stored) -> None:
    indexes = [index_of(one, escalations=True) for one in company.alone]

    def gone(id_: str) -> bytes:
        if id_ == B:
            raise Problem("It is not there.")
        return company.pages(id_)

    ways = Ways(company.day.date, indexes, gone, Here())
    assert {one.principal for one in ways.climbs()} == {arn(A, name) for name in ("role/via", "user/dora", "user/eve")}
    assert [*ways.lacking] == [f"Ways out of account {B} were not followed: It is not there."]
