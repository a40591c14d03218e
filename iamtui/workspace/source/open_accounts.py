"""Opening one account or several beside each other, as the source that is chosen says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from iamtui.account.model import REST_OF_ACCOUNT
from iamtui.policy.document import DocumentPool
from iamtui.problem import Problem
from iamtui.text import counted
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import (
    AccountTaker,
    NotOpened,
    Progress,
    ProgressReport,
    SourceChoice,
    SourceKind,
    Workspace,
)

if TYPE_CHECKING:
    from iamtui.aws.credential_process import Approve


def open_accounts(
    choice: SourceChoice,
    report: ProgressReport = lambda _progress: None,
    cancelled: Callable[[], bool] = lambda: False,
    approve: Approve | None = None,
    *,
    parts: bool = False,
    approve_other: Approve | None = None,
    so_far: Workspace | None = None,
) -> Workspace:
    """Load the account that `choice` names, and those beside it. Blocking: screens call it in a worker.

    Of several, an account that AWS refuses is said in `not_opened`; a file that cannot be read is a mistake of whoever
    named it.

    Args:
        parts, approve, approve_other: as of `open_source`. Parts of several accounts are all that is there of them.

        so_far: what was there of several when they were opened before and that broke off: whole accounts are not read
            again.

    Raises:
        Problem: the source cannot be read, none of several can be, or two are of the same account.
        OpeningCancelled: `cancelled` returned True between two steps.
    """
    if not choice.is_of_several:
        return open_source(choice, report, cancelled, approve, parts=parts, approve_other=approve_other)
    choices = (msgspec.structs.replace(choice, beside=()), *choice.beside)

    def show(found: Sequence[Workspace | NotOpened]) -> None:
        there = [one for one in found if isinstance(one, NotOpened) or one.account.id]
        if any(isinstance(one, Workspace) for one in there):
            # Going on with the first of them alone would leave the others out.
            report(Progress("", part=replace(_beside_each_other(there), reading=None)))

    opening = partial(open_source, pool=DocumentPool(), approve_other=approve_other)
    files = _open_files(choices, opening, report, cancelled, show if parts else None)
    live = [one for one in choices if one.kind is not SourceKind.SNAPSHOT]
    if not live:
        return _beside_each_other(files)
    # Accounts that are current, and no part of which is still being read.
    kept = [
        one
        for one in ((so_far, *so_far.beside) if so_far is not None else ())
        if not one.source.cached and all(gap.what != REST_OF_ACCOUNT for gap in one.account.gaps)
    ]
    opened = _open_live(choice, live, approve, approve_other, report, cancelled, show if parts else None, files, kept)
    return _beside_each_other(opened)


def take_accounts(
    choice: SourceChoice,
    taker: AccountTaker,
    report: ProgressReport = lambda _progress: None,
    approve: Approve | None = None,
    approve_other: Approve | None = None,
) -> list[NotOpened]:
    """Have each of the accounts that `choice` names taken as soon as it is read, and keep none of them. Blocking.

    Returns:
        Those that could not be read or taken, of whom the taker knows, too.

    Raises:
        Problem: the accounts cannot be listed, or a file of one cannot be read.
    """
    choices = (msgspec.structs.replace(choice, beside=()), *choice.beside)
    files = [one for one in choices if one.kind is not SourceKind.LIVE]
    live = [one for one in choices if one.kind is SourceKind.LIVE]
    for number, one in enumerate(files):
        taker.take(open_source(one, partial(_tell_file, report, number, len(choices)), approve_other=approve_other))
    if not live:
        return []
    found = _open_live(choice, live, approve, approve_other, report, lambda: False, taker=taker)
    return [one for one in found if isinstance(one, NotOpened)]


def _open_live(
    choice: SourceChoice,
    live: Sequence[SourceChoice],
    approve: Approve | None,
    approve_other: Approve | None,
    report: ProgressReport,
    cancelled: Callable[[], bool],
    show: Callable[[Sequence[Workspace | NotOpened]], None] | None = None,
    beside: Sequence[Workspace] = (),
    kept: Sequence[Workspace] = (),
    taker: AccountTaker | None = None,
) -> Sequence[Workspace | NotOpened]:
    """The accounts of an organization or of some profiles; see `AccountsAtOnce`."""
    from iamtui.workspace.source.live_accounts import AccountsAtOnce, open_live  # brings the ways to AWS

    at_once = AccountsAtOnce(report, cancelled, show, beside, kept, taker)
    return open_live(choice, live, at_once, approve, approve_other)


def _tell_file(report: ProgressReport, done: int, of: int, progress: Progress) -> None:
    report(progress._replace(step=f"{done:,} of {counted(of, 'account')}; {progress.step}"))


def _open_files(
    choices: Sequence[SourceChoice],
    opening: Callable[[SourceChoice, ProgressReport, Callable[[], bool]], Workspace],
    report: ProgressReport,
    cancelled: Callable[[], bool],
    show: Callable[[Sequence[Workspace]], None] | None,
) -> list[Workspace]:
    """The accounts of those choices that are files, in their order."""
    found: list[Workspace] = []

    def tell(progress: Progress) -> None:
        _tell_file(report, len(found), len(choices), progress)

    for one in choices:
        if one.kind is not SourceKind.SNAPSHOT:
            continue
        if show is not None and found:
            show(found)
        found.append(opening(one, tell, cancelled))
        _check_twins(found)
    return found


def _beside_each_other(found: Sequence[Workspace | NotOpened]) -> Workspace:
    opened = [one for one in found if isinstance(one, Workspace)]
    not_opened = tuple(one for one in found if isinstance(one, NotOpened))
    if not opened:
        # The problem of the first, which says how to go on, as that of all.
        name, problem = not_opened[0]
        if len(not_opened) > 1:
            of = f"None of the {len(not_opened)} accounts could be opened. {name}: {problem.sentence}"
            problem.sentence, problem.args = of, (of,)
        raise problem
    _check_twins(opened)
    first, *beside = opened
    return replace(first, beside=tuple(beside), not_opened=not_opened)


def _check_twins(opened: Sequence[Workspace]) -> None:
    by_id: dict[str, Workspace] = {}
    for one in opened:
        twin = by_id.setdefault(one.account.id, one)
        if twin is not one:
            raise Problem(
                f"{twin.source.label} and {one.source.label} are both of account {one.account.id}.",
                "Leave one of them out.",
            )
