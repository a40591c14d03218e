"""Opening live accounts at once: those of several profiles, or those of an organization by one role."""

from __future__ import annotations

import difflib
import re
import resource
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event, Lock
from time import monotonic
from typing import Final, NamedTuple, TypeAlias

import msgspec

from iamtui.account.model import Account, Missing
from iamtui.aws.credential_process import Approve, CredentialCommand
from iamtui.credentials.assume_role import CHAINED_SECONDS, AssumeRoleInput
from iamtui.problem import Problem
from iamtui.sources.organization import OrganizationAccount, read_organization_with, with_organization
from iamtui.sources.parallel import Step, Tasks
from iamtui.sources.recorded_organization import RememberedAnswers
from iamtui.text import counted, safe_text
from iamtui.workspace.source.credential_commands import UserNeeded
from iamtui.workspace.source.opening import connect, open_connected, open_source
from iamtui.workspace.source.organization import lacks_organization, organization_accounts
from iamtui.workspace.source.profile_roles import as_role
from iamtui.workspace.source.workspace import (
    AccountTaker,
    ListedAccount,
    NotOpened,
    OpeningCancelled,
    Progress,
    ProgressReport,
    SourceChoice,
    SourceInfo,
    SourceKind,
    Workspace,
    steps,
)

_ACCOUNTS_AT_ONCE: Final = 4
"""AWS limits how often a caller assumes roles and asks about its organization; each account has limits of its own."""
_NAMED_BY_ID: Final = re.compile(r"The account ([0-9]{12}) ")
_STATUS: Final = Path("/proc/self/statm")
_MOST_MEMORY: Final = 640 << 20
"""How many bytes of memory the accounts may have taken when one more is to be opened or read on; four are at once."""

_PAUSE: Final = 4
"""How many times as long as it took to show what is there of the accounts, until that is shown again."""

Found: TypeAlias = Sequence[Workspace | NotOpened]
Opener: TypeAlias = Callable[[ProgressReport, Callable[[], bool]], Workspace]


class AccountsAtOnce:
    """Opens live accounts, some at a time, and shows what is there of them meanwhile.

    Args:
        report: told how far they are.
        show: given what is there of them, in their order, when there is more of it; None: nobody looks on.
        beside: accounts that are open already and stand behind them.
        kept: accounts among them that were read already, and are not read again.
        taker: given each account that is read, of which it leaves next to nothing; what it has is not read again.
    """

    def __init__(
        self,
        report: ProgressReport,
        cancelled: Callable[[], bool],
        show: Callable[[Found], None] | None,
        beside: Sequence[Workspace] = (),
        kept: Sequence[Workspace] = (),
        taker: AccountTaker | None = None,
    ) -> None:
        self._beside = beside
        self.kept = kept
        self.taker = taker
        self._report = report
        self._cancelled = cancelled
        self._show = show
        self._is_over = Event()
        self._memory_before = _memory()
        self._told = Progress("")
        self._there: dict[int, Found] = {}
        self._has_more = False
        self._next_show = 0.0

    @property
    def shows(self) -> bool:
        return self._show is not None

    @property
    def step(self) -> Step:
        """Told of what is done before the accounts are opened."""
        return steps(self._report, self._cancelled)

    def open(self, names: Sequence[str], openers: Sequence[Opener]) -> list[Workspace | NotOpened]:
        """Results of the openers in their order: a workspace, or why there is none."""
        beside = self._beside
        futures: list[Future[Found]] = []

        def tell(_what: str, _done: int, waiting: str = "", /) -> None:
            if self._cancelled():
                raise OpeningCancelled
            ready = sum(future.done() for future in futures) + len(beside)
            told = self._told
            words = f"{ready:,} of {counted(len(names) + len(beside), 'account')}{told.step}"
            self._report(Progress(words, told.done, waiting=told.waiting or waiting))
            self._show_there()

        with Tasks(_ACCOUNTS_AT_ONCE, tell) as tasks:
            each = enumerate(zip(names, openers, strict=True))
            try:
                futures += [tasks.add(partial(self._one, place, *one)) for place, one in each]
                return [*(one for found in tasks.watch(*futures) for one in found), *beside]
            finally:
                self._is_over.set()

    def _one(self, place: int, name: str, opener: Opener) -> Found:
        def tell(progress: Progress) -> None:
            self._check_memory()
            if progress.part is not None:
                self._put(place, progress.part)
            else:
                self._told = progress._replace(step=f"; {name[4:]}: {progress.step}")

        try:
            self._check_memory()
            workspace = opener(tell, self._is_over.is_set)
            if self.taker is not None:
                workspace = self._taken(self.taker, workspace)
            self._check_memory()
            return self._put(place, workspace)
        except UserNeeded:
            # Whoever can ask about it asks, and opens all of them again.
            raise
        except Problem as problem:
            kept = next((one for one in self._there.get(place, ()) if isinstance(one, Workspace)), None)
            if kept is None or not kept.age:
                return self._put(place, NotOpened(name, problem))
            shown = Problem(f"{problem.sentence} It is shown as {kept.age}.", problem.next_step)
            return self._put(place, kept, NotOpened(name, shown))

    @staticmethod
    def _taken(taker: AccountTaker, workspace: Workspace) -> Workspace:
        """Rest of an account that is taken; the session of a role by which it was read ends with that."""
        if workspace.account == Account(id=workspace.account.id):
            return workspace
        try:
            return taker.take(workspace)
        finally:
            if workspace.connection is not None and workspace.source.read_through:
                workspace.connection.wipe()

    def _put(self, place: int, *found: Workspace | NotOpened) -> Found:
        self._there[place], self._has_more = found, True
        return found

    def _show_there(self) -> None:
        """Show what is there, unless it was shown just now: each time all of it is made ready for the screen."""
        if self._show is None or not self._has_more or monotonic() < self._next_show:
            return
        self._has_more = False
        begun, there = monotonic(), dict(self._there)
        self._show([*(one for place in sorted(there) for one in there[place]), *self._beside])
        now = monotonic()
        self._next_show = now + _PAUSE * (now - begun)

    def _check_memory(self) -> None:
        """Refuse an account, or the rest of one, where all take too much: an organization may name thousands.

        Raises:
            Problem: it is refused.
        """
        if _memory() - self._memory_before > _MOST_MEMORY:
            raise Problem(
                f"All accounts together would take more than {_MOST_MEMORY >> 20} MB of memory.",
                "Open fewer at once: of an organization one unit, with --org-unit.",
            )


def _memory() -> int:
    """How many bytes of memory this process takes; at its peak where the system does not tell of now."""
    try:
        return int(_STATUS.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def open_profiles(
    choices: Sequence[SourceChoice], at_once: AccountsAtOnce, approve: Approve | None, approve_other: Approve | None
) -> list[Workspace | NotOpened]:
    """The accounts of some profiles, or why they cannot be opened. Blocking."""
    asking = Lock()

    def one_by_one(asked: Approve | None) -> Approve | None:
        def ask(command: CredentialCommand) -> bool:
            assert asked is not None
            with asking:
                return asked(command)

        return None if asked is None else ask

    opening = partial(
        open_source, approve=one_by_one(approve), approve_other=one_by_one(approve_other), parts=at_once.shows
    )
    names = [f"The profile {choice.profile}" for choice in choices]
    kept = {one.source.profile: one for one in at_once.kept}
    openers = [_again(kept.get(one.profile or "")) or partial(opening, one) for one in choices]
    taker = at_once.taker
    if taker is not None:
        taker.expect(map(listed, names))
        openers = [
            partial(_unless_taken, taker, name, choice, opener, one_by_one(approve))
            for name, choice, opener in zip(names, choices, openers, strict=True)
        ]
    return at_once.open(names, openers)


def listed(name: str, problem: str = "") -> ListedAccount:
    found = _NAMED_BY_ID.match(name)
    return ListedAccount(name, found[1] if found else "", problem)


def _unless_taken(
    taker: AccountTaker,
    name: str,
    choice: SourceChoice,
    opener: Opener,
    approve: Approve | None,
    report: ProgressReport,
    cancelled: Callable[[], bool],
) -> Workspace:
    """The opened account, or no more than its id where it was taken before."""
    known = connect(choice, approve)
    # By the profile's name it would be missed for ever.
    taker.expect([ListedAccount(name, known.account.id)])
    taken = taker.has(known.account.id)
    return Workspace(Account(id=known.account.id), known.source) if taken else opener(report, cancelled)


def _again(kept: Workspace | None) -> Opener | None:
    """Opens an account that was read already; None: it was not."""
    return None if kept is None else lambda _report, _cancelled: kept


# The accounts of an organization, each by assuming the same role from one login.


_SESSION_NAME: Final = "iamtui-read"


def open_live(
    choice: SourceChoice,
    live: Sequence[SourceChoice],
    at_once: AccountsAtOnce,
    approve: Approve | None,
    approve_other: Approve | None,
) -> Sequence[Workspace | NotOpened]:
    """The accounts of the organization of a choice, or of some profiles; refused ones are reported to the taker.

    Raises:
        Problem: the accounts cannot be listed.
    """
    if choice.org_role:
        found = [*open_organization(choice, at_once, approve, approve_other)]
    else:
        found = open_profiles(live, at_once, approve, approve_other)
    if at_once.taker is not None:
        at_once.taker.refused(listed(one.name, str(one.problem)) for one in found if isinstance(one, NotOpened))
    return found


def open_organization(
    choice: SourceChoice, at_once: AccountsAtOnce, approve: Approve | None, approve_other: Approve | None
) -> Iterator[Workspace | NotOpened]:
    """The accounts of the organization of a choice, or why they cannot be opened. Blocking.

    Raises:
        Problem: the accounts cannot be listed, or there is no such unit.
    """
    at_once.step("finding credentials", 0)
    login = connect(choice, approve).reading_organization(choice.organization)
    if choice.org_role.startswith("arn:"):
        raise Problem("--org-role takes the name of a role, which is assumed in each account.", "Give the name alone.")
    problems = AssumeRoleInput(_role_arn(choice.org_role, login, login.account.id), _SESSION_NAME).problems()
    if problems:
        raise Problem(
            f"--org-role {choice.org_role} is not the name of a role: {problems[0].sentence}", "Give its name."
        )
    picked = _picked(organization_accounts(login, approve_other, at_once.step), choice.org_unit)
    active = [one for one in picked if one.state == "ACTIVE"]
    names = [f"The account {one.id} ({one.name})" for one in active]
    taker = at_once.taker
    kept = {one.account.id: one for one in at_once.kept}
    if taker is not None:
        taker.expect(map(listed, names))
        taken = (one.id for one in active if taker.has(one.id))
        kept |= {id_: Workspace(Account(id=id_), SourceInfo(SourceKind.LIVE, id_)) for id_ in taken}
    assert login.connection is not None
    answers = RememberedAnswers(login.connection)
    opening = partial(_open_account, choice, login, answers, parts=at_once.shows)
    yield from at_once.open(names, [_again(kept.get(one.id)) or partial(opening, one) for one in active])
    for one in picked:
        if one.state != "ACTIVE":
            yield NotOpened(f"The account {one.id} ({one.name})", Problem(f"It is not active: {one.state}."))


class UnitOfAccounts(NamedTuple):
    """A root or unit of an organization.

    Args:
        depth: how many are above it.
        accounts: how many active accounts are in it and in those below.
    """

    id: str
    name: str
    depth: int
    accounts: int


def organization_units(choice: SourceChoice) -> list[UnitOfAccounts]:
    """The tree of the organization of a choice, as far as it has accounts, from the root down. Blocking.

    Raises:
        Problem: there is nothing to ask, or the accounts cannot be listed.
    """
    login = connect(choice).reading_organization(choice.organization)
    accounts = organization_accounts(login)
    counts = Counter(unit.id for one in accounts if one.state == "ACTIVE" for unit in one.path)
    units = {unit.id: (unit.name, depth) for one in accounts for depth, unit in enumerate(one.path)}
    return [UnitOfAccounts(id_, name, depth, counts[id_]) for id_, (name, depth) in units.items()]


def _role_arn(name: str, login: Workspace, account: str) -> str:
    return f"arn:{login.account.partition}:iam::{account}:role/{name}"


def _picked(accounts: Sequence[OrganizationAccount], unit: str) -> Sequence[OrganizationAccount]:
    """The accounts in a unit and in those below it, by its id or name; without a unit all of them."""
    if not unit:
        return accounts
    units = {each.id: each.name for one in accounts for each in one.path}
    ids = [id_ for id_, name in units.items() if unit in (id_, name)]
    if len(ids) > 1:
        named = f"{len(ids)} units of the organization are named {safe_text(unit)}."
        raise Problem(named, f"Give its id: {' or '.join(ids)}.")
    if not ids:
        near = difflib.get_close_matches(unit, units.values(), n=3, cutoff=0.5)
        known = f"Nearest: {', '.join(map(safe_text, near))}." if near else "Give the name or the id of a root or unit."
        raise Problem(f"No unit of the organization that has accounts is {safe_text(unit)}.", known)
    return [one for one in accounts if any(each.id == ids[0] for each in one.path)]


def _open_account(
    choice: SourceChoice,
    login: Workspace,
    answers: RememberedAnswers,
    account: OrganizationAccount,
    report: ProgressReport,
    cancelled: Callable[[], bool],
    *,
    parts: bool,
) -> Workspace:
    """One account of the organization: by the login itself where that is of it, else as the role."""
    own = login.connection
    assert own is not None
    role = "" if account.id == login.account.id else _role_arn(choice.org_role, login, account.id)
    connection = as_role(own, role, _SESSION_NAME, CHAINED_SECONDS) if role else own

    def named(workspace: Workspace) -> Workspace:
        _check_caller(workspace.account.id, account.id)
        source = msgspec.structs.replace(
            workspace.source,
            label=account.name or account.id,
            profile=login.source.profile,
            acting_as=choice.org_role.rsplit("/", 1)[-1] if role else "",
            read_through=role,
        )
        return replace(workspace, source=source)

    shown = False

    def tell(progress: Progress) -> None:
        nonlocal shown
        if progress.part is not None:
            progress, shown = progress._replace(part=named(progress.part)), True
        report(progress)

    try:
        _check_caller(connection.caller().account, account.id)
        workspace = named(open_connected(connection, choice, tell, cancelled, parts=parts))
    except BaseException:
        if role and not shown:
            connection.wipe()
        raise
    # The account with its SCPs and RCPs, which the login may read where the account itself may not.
    if not lacks_organization(workspace.account):
        return workspace
    found = read_organization_with(answers, workspace.account, steps(report, cancelled))
    if isinstance(found, Missing):
        return workspace
    return workspace.with_account(with_organization(workspace.account, found))


def _check_caller(found: str, wanted: str) -> None:
    """Refuse to show one account under the name of another."""
    if found != wanted:
        raise Problem(
            f"The credentials that sts:AssumeRole gave are of account {found}, and not of {wanted}.",
            "Nothing of it is shown.",
        )
