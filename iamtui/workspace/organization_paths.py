"""Ways from one account of an organization into another: roles that trust it, and who becomes administrator by them.

Of each account an index is kept, and not the account: which of its roles other accounts may be let in by, which roles
elsewhere its policies name, and by which steps whoever assumes such a role becomes administrator. Only accounts that
fit by it are read together, a few at a time, and decided as `iamtui trust` and `iamtui escalations` decide of several.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, Protocol, TypeAlias, TypeVar

from msgspec import Struct

from iamtui.account.model import Account, Group, Role, User
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Outcome
from iamtui.policy.document import Statement
from iamtui.policy.patterns import Glob, parse_pieces, tokens_of, with_variables_as_stars
from iamtui.policy.types import PolicyType
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.workspace.escalations import EscalationSearch, Move, find_escalations
from iamtui.workspace.inventory import documents_in
from iamtui.workspace.organization_run import Done, Workers, over_accounts
from iamtui.workspace.organization_store import kept_account, workspace_of
from iamtui.workspace.principals import resolve_principal
from iamtui.workspace.questions import evaluator_of
from iamtui.workspace.trust import Trustee, TrustReader
from iamtui.workspace.workspace import Workspace

_ASSUME: Final = "sts:assumerole"
_MOST_PATTERNS: Final = 2_000
"""Of an account, by which it names roles of others; with more, it may name any."""
_MOST_PAIRS: Final = 200_000
"""Pairs of accounts that are read together in one run."""
_BESIDE: Final = 4
"""Accounts that are in memory with the one whose roles they may assume."""
_MOST_ROUNDS: Final = 12

Path: TypeAlias = tuple[str, ...]
"""The steps by which one becomes administrator, a phrase each; raw text."""

_MOST_REACHED: Final = 100_000
"""Roles to which chains from one principal are followed."""

Pages: TypeAlias = Callable[[str], bytes]


class ReadTogether(Protocol):
    """What is asked of several accounts that are read together, the first of which is `account`."""

    @property
    def account(self) -> str: ...

    @property
    def accounts(self) -> tuple[str, ...]: ...


A = TypeVar("A", bound=ReadTogether)


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
    """What is kept of an account.

    Args:
        assumes: patterns of the roles of other accounts that its policies may let it assume.
    """

    account: str
    assumes: tuple[str, ...]
    roles: tuple[TrustingRole, ...]


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
    return AccountIndex(account.id, tuple(_assumes(account)), tuple(roles))


def _words(moves: Sequence[Move] | None) -> Path | None:
    return None if moves is None else tuple(map(_move_words, moves))


def _move_words(move: Move) -> str:
    return f"{move.path.title}: {move.target}" if move.target else move.path.title


def _assumes(account: Account) -> Iterator[str]:
    """The patterns of roles elsewhere that some identity policy lets assume; "*" where a policy is not known."""
    holders: tuple[User | Group | Role, ...] = (*account.users, *account.groups, *account.roles)
    attached = {one.arn for holder in holders for one in holder.attached_policies}
    known = {policy.arn for policy in account.policies if policy.default_version is not None}
    documents = [one for _, type_, one in documents_in(account) if type_ is PolicyType.IDENTITY]
    if account.unlisted or any(holder.unread for holder in holders) or attached - known:
        yield "*"
        return
    own = f"arn:{account.partition}:iam::{account.id}:"
    found: dict[str, None] = {}
    for document in dict.fromkeys(documents):
        if document.error is not None:
            yield "*"
            return
        assumed = (one for statement in document.policy.statements for one in _assumed_by(statement))
        found.update(dict.fromkeys(one for one in assumed if not one.startswith(own)))
    yield from ("*",) if "*" in found or len(found) > _MOST_PATTERNS else found


def _assumed_by(statement: Statement) -> tuple[str, ...]:
    if statement.effect != "Allow" or not _may_be_assume_role(statement):
        return ()
    return ("*",) if statement.not_resources is not None else statement.resources or ()


def _may_be_assume_role(statement: Statement) -> bool:
    if statement.actions is not None:
        return any(map(_is_assume_role, statement.actions))
    return not any(map(_is_assume_role, statement.not_actions or ()))


def _is_assume_role(pattern: str) -> bool:
    return pattern == "*" or _glob(pattern.lower()).matches(_ASSUME)


def _glob(pattern: str) -> Glob:
    return Glob(tokens_of(with_variables_as_stars(parse_pieces(pattern, variables=True))))


class Together(Struct, frozen=True):
    """Accounts that are read together: one, roles of it, and some that may assume them."""

    account: str
    roles: tuple[str, ...]
    beside: tuple[str, ...]

    @property
    def accounts(self) -> tuple[str, ...]:
        return (self.account, *self.beside)


def edges_between(day: str, data: tuple[Together, Mapping[str, bytes]]) -> tuple[CrossEdge, ...]:
    """Which users and roles of some accounts may assume roles of another, as AWS decides with both sides.

    Raises:
        Problem: one of them cannot be read.
    """
    together, pages = data
    there = workspace_of(kept_account(pages[together.account], day, together.account))
    beside = tuple(workspace_of(kept_account(pages[id_], day, id_)) for id_ in together.beside)
    workspace = replace(there, beside=beside)
    reader = TrustReader(workspace)
    found: list[CrossEdge] = []
    for arn in together.roles:
        role = workspace.account.by_arn(arn)
        if not isinstance(role, Role):
            continue
        for edge in reader.edges(role, inside=False):
            inside = edge.trustee in (Trustee.USER, Trustee.ROLE) and edge.principal.account in together.beside
            if inside and edge.action == "sts:AssumeRole":
                sure = edge.decision.outcome is Outcome.ALLOWED
                found.append(CrossEdge(edge.principal.arn, arn, sure, edge.condition, edge.decision.complete))
    return tuple(found)


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
    search = EscalationSearch(workspace_of(kept_account(pages, day, account)))
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


class Calling(Struct, frozen=True):
    """Users and roles of an account, and roles of the same account or another that they may assume.

    Args:
        roles: () stands for all of the account.
    """

    account: str
    roles: tuple[str, ...]
    callers: tuple[str, ...]

    @property
    def accounts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.account, *map(account_of, self.callers))))


def edges_from(day: str, data: tuple[Calling, Mapping[str, bytes]]) -> tuple[CrossEdge, ...]:
    """Which roles some users and roles may assume.

    Raises:
        Problem: one of the accounts cannot be read, or has nobody of that name.
    """
    calling, pages = data
    first, *others = (workspace_of(kept_account(pages[id_], day, id_)) for id_ in calling.accounts)
    workspace = replace(first, beside=tuple(others))
    account = workspace.account
    roles = [account.by_arn(arn) for arn in calling.roles] if calling.roles else account.roles
    callers = [resolve_principal(workspace, arn) for arn in calling.callers]
    at_home = workspace.at(account_of(calling.callers[0]))
    found: list[CrossEdge] = []
    for role in roles:
        if not isinstance(role, Role):
            continue
        evaluator = evaluator_of(at_home, Question("sts:AssumeRole", role.arn))
        for caller in callers:
            decision = evaluator.decide(caller)
            if caller.arn != role.arn and decision.outcome in (Outcome.ALLOWED, Outcome.DEPENDS):
                sure = decision.outcome is Outcome.ALLOWED
                found.append(CrossEdge(caller.arn, role.arn, sure, condition_of(decision), decision.complete))
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
        self._pairs = 0
        self.lacking: dict[str, None] = {}
        """Why ways may be missing, sentences; raw text."""

    @property
    def trusting(self) -> tuple[TrustingRole, ...]:
        return tuple(role for one in self._indexes.values() for role in one.roles)

    def outside(self, role: TrustingRole) -> tuple[str, ...] | None:
        """The accounts that a role trusts and that are not in the store; None: it may trust any."""
        return None if role.accounts is None else tuple(one for one in role.accounts if one not in self._indexes)

    def edges(self, roles: Iterable[TrustingRole]) -> Iterator[CrossEdge]:
        """Who of the other accounts may assume each of some roles."""
        yield from self._decided([*self._together(roles)], edges_between)

    def chains(self, start: str) -> Iterator[tuple[CrossEdge, ...]]:
        """A shortest chain to every role of all accounts that a user or role reaches by assuming one after the other.

        Raises:
            Problem: the store has nothing of its account.
        """
        if account_of(start) not in self._indexes:
            raise Problem(f"The store has nothing of the account of {start}.", "Give the ARN of a user or role in it.")
        reached = {start}
        frontier: dict[str, tuple[CrossEdge, ...]] = {start: ()}
        chains = {**frontier}
        while frontier:
            following: dict[str, tuple[CrossEdge, ...]] = {}
            for edge in self._decided([*self._calling(sorted(frontier), reached)], edges_from):
                before = following.get(edge.role)
                if edge.role not in reached and (before is None or not _is_sure(before)):
                    following[edge.role] = (*chains[edge.principal], edge)
            reached |= following.keys()
            chains |= following
            if len(reached) > _MOST_REACHED:
                self._lack(f"More than {_MOST_REACHED:,} roles are reached: the rest was not followed")
                following = {}
            yield from following.values()
            frontier = following

    def _calling(self, callers: Sequence[str], reached: Container[str]) -> Iterator[Calling]:
        by_account: dict[str, list[str]] = {}
        for arn in callers:
            by_account.setdefault(account_of(arn), []).append(arn)
        for account, arns in by_account.items():
            yield Calling(account, (), tuple(arns))
            elsewhere: dict[str, list[str]] = {}
            for role in self.trusting:
                lets_in = role.account != account and (role.accounts is None or account in role.accounts)
                if lets_in and role.arn not in reached and self._names(account, role.arn):
                    elsewhere.setdefault(role.account, []).append(role.arn)
            for other, roles in elsewhere.items():
                yield Calling(other, tuple(roles), tuple(arns))

    def _names(self, account: str, role: str) -> bool:
        """Whether policies of an account may let it assume a role elsewhere."""
        return any(glob.matches(role) for glob in self._globs[account])

    def _decided(
        self, asked: Sequence[A], task: Callable[[str, tuple[A, Mapping[str, bytes]]], tuple[CrossEdge, ...]]
    ) -> Iterator[CrossEdge]:
        """The edges that a task finds, of each of some accounts that are read together."""
        by_key = {f"{one.account}-{number}": one for number, one in enumerate(asked)}

        def read(key: str) -> tuple[A, Mapping[str, bytes]]:
            one = by_key[key]
            return one, {id_: self._pages(id_) for id_ in one.accounts}

        done: Done[tuple[CrossEdge, ...]]
        for done in over_accounts([*by_key], read, partial(task, self._day), self._workers):
            if done.found is None:
                self._lack(f"Ways into account {by_key[done.account].account} were not followed: {done.problem}")
                continue
            yield from done.found

    def _together(self, roles: Iterable[TrustingRole]) -> Iterator[Together]:
        """Which accounts have to be read together, as far as their indexes tell."""
        wanted: dict[tuple[str, str], list[str]] = {}
        for role in roles:
            named = self._indexes if role.accounts is None else role.accounts
            for id_ in named:
                is_other = id_ in self._indexes and id_ != role.account
                if is_other and self._names(id_, role.arn):
                    wanted.setdefault((role.account, id_), []).append(role.arn)
        # Those are read together of which the same roles are asked about.
        alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for (account, id_), arns in sorted(wanted.items()):
            self._pairs += 1
            if self._pairs > _MOST_PAIRS:
                self._lack(f"There are more than {_MOST_PAIRS:,} pairs of accounts: the rest was not followed")
                break
            alike.setdefault((account, tuple(arns)), []).append(id_)
        for (account, roles_of_it), ids in alike.items():
            for at in range(0, len(ids), _BESIDE):
                yield Together(account, roles_of_it, tuple(ids[at : at + _BESIDE]))

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
            sure: {role.arn: path for role in self._ways.trusting if (path := _path(role, sure)) is not None}
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


def _is_sure(chain: Sequence[CrossEdge]) -> bool:
    return all(edge.certain for edge in chain)


def _path(role: TrustingRole, sure: bool) -> Path | None:
    return role.certain if sure else role.possible
