"""Ways from one account of an organization into another: roles that trust it, and who becomes administrator by them.

Of each account an index is kept, and not the account: which of its roles other accounts may be let in by, with what
decides on the side of these, which roles elsewhere its policies name, and by which steps whoever assumes such a role
becomes administrator. Each account is read again once, with what is kept of the others whose roles fit by it, and is
decided about as `iamtui trust` and `iamtui escalations` decide of several.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from iamtui.account.model import NOT_LOADED, Account, Role
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.request import Principal
from iamtui.policy.document import DocumentPool, PolicyDocument
from iamtui.policy.patterns import Glob, parse_pieces, tokens_of, with_variables_as_stars
from iamtui.policy.statement import action_name, compile_policy
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.workspace.ask.questions import evaluator_of
from iamtui.workspace.ask.trust import TrustedInside, TrustReader
from iamtui.workspace.organization.organization_run import Done, Workers, over_accounts
from iamtui.workspace.organization.organization_store import account_in, fresh_account, workspace_of
from iamtui.workspace.review.escalation_steps import Move
from iamtui.workspace.review.escalations import EscalationSearch, find_escalations
from iamtui.workspace.source.inventory import documents_in
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import Workspace

_ASSUME: Final = action_name("sts:AssumeRole")
_MOST_PATTERNS: Final = 2_000
"""Of an account, by which it names roles of others; with more, it may name any."""
_MOST_PAIRS: Final = 5_000_000
"""Pairs of a role and an account that it may let in, of one run."""
_ROLES_AT_ONCE: Final = 4_096
"""Most roles of an account to evaluate before it is read again."""
_MOST_OF_PARTS: Final = 16 * 1024 * 1024
"""Bytes of snapshots of parts of accounts whose records a worker keeps."""
_MOST_ROUNDS: Final = 12

Path: TypeAlias = tuple[str, ...]
"""The steps by which one becomes administrator, a phrase each; raw text."""

_MOST_REACHED: Final = 100_000
"""Roles to which chains from one principal are followed."""

Pages: TypeAlias = Callable[[str], bytes]


class TrustingRole(Struct, frozen=True):
    """A role that may let in other accounts.

    Args:
        accounts: those whose users and roles its trust policy may let in; None: of any.
        certain, possible: how whoever has the role becomes administrator, for sure, or on a condition; None: not.
    """

    arn: str
    accounts: tuple[str, ...] | None
    certain: Path | None = None
    possible: Path | None = None

    @property
    def account(self) -> str:
        return account_of(self.arn)


class AccountIndex(Struct, frozen=True):
    """Index of an account for paths across accounts.

    Args:
        assumes: patterns of the roles of other accounts that its policies may let it assume.
        part: from `trusting_part`, of these roles.
    """

    account: str
    assumes: tuple[str, ...]
    roles: tuple[TrustingRole, ...]
    part: bytes = b""


class CrossEdge(Struct, frozen=True):
    """A user or role that may assume a role of another account.

    Args:
        condition: what that depends on; safe to show.
    """

    principal: str
    role: str
    certain: bool
    condition: str = ""
    complete: bool = True


class Climb(Struct, frozen=True):
    """A user or role that becomes administrator of another account, or by a role of one."""

    principal: str
    certain: bool
    path: Path


def account_of(arn: str) -> str:
    return arn.split(":", 5)[4]


# What is read of one account.


def index_of(workspace: Workspace, *, escalations: bool) -> AccountIndex:
    """The index of an account.

    Args:
        escalations: whether to look for who becomes administrator.
    """
    account = workspace.account
    reader = TrustReader(workspace)
    letting = [(role, accounts) for role in account.roles if (accounts := reader.accounts(role)) != frozenset()]
    certain: dict[str, tuple[Move, ...]] = {}
    possible: dict[str, tuple[Move, ...]] = {}
    if escalations and letting:
        report = find_escalations(workspace)
        certain = dict.fromkeys((one.arn for one in report.administrators), ())
        certain |= {one.principal.arn: one.moves for one in report.escalations if one.certain}
        possible = certain | {one.principal.arn: one.moves for one in report.escalations}
    roles = (
        TrustingRole(
            role.arn,
            None if accounts is None else tuple(sorted(accounts)),
            _words(certain.get(role.arn)),
            _words(possible.get(role.arn)),
        )
        for role, accounts in letting
    )
    part = trusting_part(account, [role for role, _ in letting]) if letting else b""
    return AccountIndex(account.id, tuple(_assumes(account)), tuple(roles), part)


def trusting_part(account: Account, roles: Iterable[Role]) -> bytes:
    """Packed snapshot of an account's own side of the decision who may assume some of its roles."""
    bare = (
        replace(role, inline_policies=(), attached_policies=(), boundary_arn=None, last_used=NOT_LOADED)
        for role in roles
    )
    part = Account(
        account.id,
        account.partition,
        caller_arn=account.caller_arn,
        taken_at=account.taken_at,
        region=account.region,
        not_aws=account.not_aws,
        roles=tuple(bare),
        organization=account.organization,
        gaps=account.gaps,
    )
    return zlib.compress(msgspec.json.encode(snapshot_of(part)), 1)


def _words(moves: Sequence[Move] | None) -> Path | None:
    return None if moves is None else tuple(map(_move_words, moves))


def _move_words(move: Move) -> str:
    about = f": {move.target}" if move.target else ""
    return f"{move.path.title}{about}{f' if {move.condition}' if move.condition else ''}"


def _assumes(account: Account) -> Iterator[str]:
    """The patterns of roles elsewhere that some identity policy lets assume; "*" where a policy is not known."""
    attached = {one.arn for holder in account.identities for one in holder.attached_policies}
    known = {policy.arn for policy in account.policies if policy.document is not None}
    documents = [one for _, type_, one in documents_in(account) if type_ is PolicyType.IDENTITY]
    if account.unlisted or any(holder.unread for holder in account.identities) or attached - known:
        yield "*"
        return
    own = f"arn:{account.partition}:iam::{account.id}:"
    found: dict[str, None] = {}
    for document in dict.fromkeys(documents):
        if document.error is not None:
            yield "*"
            return
        found.update(dict.fromkeys(one for one in _assumed_by(document) if not one.startswith(own)))
    yield from ("*",) if "*" in found or len(found) > _MOST_PATTERNS else found


def _assumed_by(document: PolicyDocument) -> Iterator[str]:
    compiled = compile_policy(document, PolicyType.IDENTITY, DEFAULT_LANGUAGE_OPTIONS)
    for statement, action in zip(compiled.sources, compiled.actions, strict=True):
        if statement.effect == "Allow" and action.matches(_ASSUME):
            yield from ("*",) if statement.not_resources is not None else statement.resources or ()


def _glob(pattern: str) -> Glob:
    return Glob(tokens_of(with_variables_as_stars(parse_pieces(pattern, variables=True))))


class Calling(Struct, frozen=True):
    """Users and roles of an account, and roles that they may assume.

    Args:
        callers: () stands for all of the account.
        roles: of other accounts, those of one after the other.
        own: whether they are asked about all roles of their account, too.
    """

    account: str
    callers: tuple[str, ...]
    roles: tuple[str, ...]
    own: bool = False


def edges_from(day: str, data: tuple[Calling, bytes, Mapping[str, bytes]]) -> tuple[CrossEdge, ...]:
    """Which roles some users and roles may assume, as AWS decides with both sides.

    Args:
        data: the pages of their account, and by id what is kept of the accounts of the roles (`trusting_part`).

    Raises:
        Problem: an account cannot be read, or has nobody of that name.
    """
    calling, pages, parts = data
    home = workspace_of(fresh_account(pages, day, calling.account))
    callers = [resolve_principal(home, arn) for arn in calling.callers]
    found = [*_edges(home, home.account.roles, callers)] if calling.own else []
    for id_, arns in groupby(calling.roles, account_of):
        owner = _PARTS.account(parts[id_], day, id_)
        roles = (role for arn in arns if isinstance(role := owner.by_arn(arn), Role))
        found += _edges(replace(home, beside=(workspace_of(owner),)), roles, callers)
    return tuple(found)


def _edges(workspace: Workspace, roles: Iterable[Role], callers: Sequence[Principal]) -> Iterator[CrossEdge]:
    """Which of some roles the callers may assume; without callers, who of the account may."""
    for role in roles:
        evaluator = evaluator_of(workspace, Question(_ASSUME.full, role.arn))
        decided: Iterable[tuple[Principal, Decision]]
        if callers:
            decided = ((caller, evaluator.decide(caller)) for caller in callers if caller.arn != role.arn)
        else:
            inside = TrustedInside(workspace, role, _ASSUME.full, evaluator)
            decided = ((edge.principal, edge.decision) for edge in inside)
        conditions: dict[Hashable, str] = {}
        for principal, decision in decided:
            condition = ""
            if decision.outcome is Outcome.DEPENDS:
                # To find what an answer depends on takes far longer than the answer, and is the same for most.
                class_ = (evaluator.class_of(principal) if not callers else None) or principal
                if class_ not in conditions:
                    conditions[class_] = condition_of(decision)
                condition = conditions[class_]
            elif decision.outcome is not Outcome.ALLOWED:
                continue
            sure = decision.outcome is Outcome.ALLOWED
            yield CrossEdge(principal.arn, role.arn, sure, condition, decision.complete)


class _Parts:
    """The accounts of some parts, as long as these are small together; equal policies are the same object."""

    def __init__(self) -> None:
        self._empty()

    def _empty(self) -> None:
        self._size = 0
        self._pool = DocumentPool()
        self._accounts: dict[bytes, Account] = {}

    def account(self, part: bytes, day: str, id_: str) -> Account:
        found = self._accounts.get(part)
        if found is None:
            pages = zlib.decompress(part)
            if self._size + len(pages) > _MOST_OF_PARTS:
                self._empty()
            found = self._accounts[part] = account_in(pages, day, id_, self._pool)
            self._size += len(pages)
        return found


_PARTS: Final = _Parts()


class Gained(Struct, frozen=True):
    """A principal that becomes administrator by one that does so elsewhere: by which steps, and by which one."""

    principal: str
    certain: bool
    steps: Path
    by: str


def reached_with(day: str, data: tuple[str, bytes, frozenset[str], frozenset[str]]) -> tuple[Gained, ...]:
    """Who of an account becomes administrator because some of it do so elsewhere, these among them.

    Args:
        data: its id and pages, and who becomes it elsewhere for sure, and on a condition at most.

    Raises:
        Problem: it cannot be read.
    """
    account, pages, certain, possible = data
    search = EscalationSearch(workspace_of(fresh_account(pages, day, account)))
    found: list[Gained] = []
    for sure, elsewhere in ((True, certain), (False, certain | possible)):
        alone = search.reach(certain=sure)
        started = {arn: () for arn in sorted(elsewhere) if arn not in alone}
        if not started:
            continue
        for arn, moves in search.reach(certain=sure, elsewhere=started).items():
            if arn not in alone:
                found.append(Gained(arn, sure, _words(moves) or (), moves[-1].becomes if moves else arn))
    return tuple(found)


# All accounts.


class Ways:
    """Finds the ways between accounts by their indexes.

    Args:
        indexes: of all accounts of the store that could be read.
        pages: reads an account.
    """

    def __init__(self, day: str, indexes: Iterable[AccountIndex], pages: Pages, workers: Workers) -> None:
        self._day = day
        self._indexes = {one.account: one for one in indexes}
        self._globs = {id_: [*map(_glob, one.assumes)] for id_, one in self._indexes.items()}
        self._pages = pages
        self._workers = workers
        self._left = _MOST_PAIRS
        self.lacking: dict[str, None] = {}
        """Why ways may be missing, sentences; raw text."""

    @property
    def trusting(self) -> tuple[TrustingRole, ...]:
        return tuple(role for one in self._indexes.values() for role in one.roles)

    def outside(self, role: TrustingRole) -> tuple[str, ...] | None:
        """The accounts that a role trusts and that are not in the store; None: it may trust any."""
        return None if role.accounts is None else tuple(one for one in role.accounts if one not in self._indexes)

    def edges(self, roles: Iterable[TrustingRole]) -> Iterator[CrossEdge]:
        """Who of the other accounts may assume each of some roles, by the accounts of those who may."""
        yield from self._decided([*self._of_each(roles)])

    def chains(self, start: str) -> Iterator[tuple[CrossEdge, ...]]:
        """A chain to every role of all accounts that a user or role reaches by assuming one after the other.

        It is that with the fewest conditions, a shortest of those; they come in this order.

        Raises:
            Problem: the store has nothing of its account.
        """
        if account_of(start) not in self._indexes:
            raise Problem(f"The store has nothing of the account of {start}.", "Give the ARN of a user or role in it.")
        reached: dict[str, tuple[CrossEdge, ...]] = {}
        waiting: dict[tuple[int, int], dict[str, tuple[CrossEdge, ...]]] = {(0, 0): {start: ()}}
        while waiting:
            conditions, length = best = min(waiting)
            found = {role: chain for role, chain in waiting.pop(best).items() if role not in reached}
            reached |= found
            yield from filter(None, found.values())
            if len(reached) > _MOST_REACHED:
                self._lack(f"More than {_MOST_REACHED:,} roles are reached: the rest was not followed")
                return
            # No chain on from here is better than one of those.
            known = reached.keys() | waiting.get((conditions, length + 1), {})
            for edge in self._decided([*self._calling(sorted(found), known)]):
                at = (conditions + (not edge.certain), length + 1)
                waiting.setdefault(at, {}).setdefault(edge.role, (*found[edge.principal], edge))

    def _calling(self, callers: Sequence[str], reached: Container[str]) -> Iterator[Calling]:
        by_account: dict[str, list[str]] = {}
        for arn in callers:
            by_account.setdefault(account_of(arn), []).append(arn)
        for account, arns in by_account.items():
            lets_in = (
                role
                for role in self.trusting
                if role.account != account and (role.accounts is None or account in role.accounts)
            )
            named = [role.arn for role in lets_in if role.arn not in reached and self._names(account, role.arn)]
            yield Calling(account, tuple(arns), tuple(named[:_ROLES_AT_ONCE]), own=True)
            for at in range(_ROLES_AT_ONCE, len(named), _ROLES_AT_ONCE):
                yield Calling(account, tuple(arns), tuple(named[at : at + _ROLES_AT_ONCE]))

    def _names(self, account: str, role: str) -> bool:
        """True where policies of an account may let it assume a role elsewhere."""
        return any(glob.matches(role) for glob in self._globs[account])

    def _decided(self, asked: Sequence[Calling]) -> Iterator[CrossEdge]:
        by_key = {f"{one.account}-{number}": one for number, one in enumerate(asked)}

        def read(key: str) -> tuple[Calling, bytes, Mapping[str, bytes]]:
            one = by_key[key]
            owners = dict.fromkeys(map(account_of, one.roles))
            return one, self._pages(one.account), {id_: self._indexes[id_].part for id_ in owners}

        done: Done[tuple[CrossEdge, ...]]
        for done in over_accounts([*by_key], read, partial(edges_from, self._day), self._workers):
            if done.found is None:
                self._lack(f"Ways out of account {by_key[done.account].account} were not followed: {done.problem}")
                continue
            yield from done.found

    def _of_each(self, roles: Iterable[TrustingRole]) -> Iterator[Calling]:
        """Callings of each account, as far as the indexes show."""
        by_account: dict[str, list[str]] = {}
        for role, id_ in self._pairs(sorted(roles, key=lambda role: role.account)):
            if self._left == 0:
                self._lack(f"More than {_MOST_PAIRS:,} pairs of a role and an account: the rest was not followed")
                break
            self._left -= 1
            by_account.setdefault(id_, []).append(role.arn)
        for id_, arns in sorted(by_account.items()):
            for at in range(0, len(arns), _ROLES_AT_ONCE):
                yield Calling(id_, (), tuple(arns[at : at + _ROLES_AT_ONCE]))

    def _pairs(self, roles: Iterable[TrustingRole]) -> Iterator[tuple[TrustingRole, str]]:
        """The other accounts of which each role may let in somebody."""
        for role in roles:
            for id_ in self._indexes if role.accounts is None else role.accounts:
                if id_ in self._indexes and id_ != role.account and self._names(id_, role.arn):
                    yield role, id_

    def _lack(self, sentence: str) -> None:
        self.lacking.setdefault(sentence)

    def climbs(self) -> tuple[Climb, ...]:
        """Who becomes administrator by a role of another account, and does not without."""
        return _Climbing(self, self._day, self._pages, self._workers).found()

    def role(self, arn: str) -> TrustingRole | None:
        """A role that may let in other accounts."""
        index = self._indexes.get(account_of(arn))
        return None if index is None else next((role for role in index.roles if role.arn == arn), None)


class _Climbing:
    """The search for administrators across accounts: back from those, from account to account, until nobody is new."""

    def __init__(self, ways: Ways, day: str, pages: Pages, workers: Workers) -> None:
        self._ways = ways
        self._day = day
        self._pages = pages
        self._workers = workers
        self._edges: dict[str, list[CrossEdge]] = {}
        self._elsewhere: dict[bool, dict[str, Path]] = {True: {}, False: {}}
        self._climbs: dict[str, Climb] = {}

    def found(self) -> tuple[Climb, ...]:
        reached = {
            sure: {
                role.arn: path
                for role in self._ways.trusting
                if (path := (role.certain if sure else role.possible)) is not None
            }
            for sure in (True, False)
        }
        for _ in range(_MOST_ROUNDS):
            self._read_edges({*reached[True], *reached[False]})
            grown = self._grow(reached)
            if not grown:
                break
            reached = self._reach(sorted(grown))
        else:
            self._ways.lacking.setdefault(f"Ways of more than {_MOST_ROUNDS} accounts were not followed")
        return tuple(self._climbs[arn] for arn in sorted(self._climbs, key=lambda arn: (account_of(arn), arn)))

    def _read_edges(self, arns: set[str]) -> None:
        new = [role for arn in sorted(arns - self._edges.keys()) if (role := self._ways.role(arn)) is not None]
        self._edges.update({role.arn: [] for role in new})
        for edge in self._ways.edges(new):
            self._edges[edge.role].append(edge)

    def _grow(self, reached: Mapping[bool, Mapping[str, Path]]) -> set[str]:
        """The accounts of which somebody is new that becomes administrator elsewhere."""
        grown: set[str] = set()
        for sure, roles in reached.items():
            for arn, path in roles.items():
                for edge in self._edges.get(arn, ()):
                    if (edge.certain or not sure) and edge.principal not in self._elsewhere[sure]:
                        condition = f" (if {edge.condition})" if edge.condition else ""
                        self._elsewhere[sure][edge.principal] = (f"assume {arn}{condition}", *path)
                        grown.add(account_of(edge.principal))
        return grown

    def _reach(self, accounts: Sequence[str]) -> dict[bool, dict[str, Path]]:
        """Who of some accounts becomes administrator by it; the trusting roles among them, for the next round."""

        def read(account: str) -> tuple[str, bytes, frozenset[str], frozenset[str]]:
            certain, possible = (
                frozenset(arn for arn in self._elsewhere[sure] if account_of(arn) == account) for sure in (True, False)
            )
            return account, self._pages(account), certain, possible

        reached: dict[bool, dict[str, Path]] = {True: {}, False: {}}
        for done in over_accounts(accounts, read, partial(reached_with, self._day), self._workers):
            if done.found is None:
                self._ways.lacking.setdefault(f"Account {done.account} was not followed: {done.problem}")
                continue
            for one in done.found:
                tail = self._elsewhere[one.certain].get(one.by) or self._elsewhere[True].get(one.by, ())
                path = (*one.steps, *tail)
                before = self._climbs.get(one.principal)
                if before is None or (one.certain and not before.certain):
                    self._climbs[one.principal] = Climb(one.principal, one.certain, path)
                if self._ways.role(one.principal) is not None:
                    reached[one.certain][one.principal] = path
        return reached
