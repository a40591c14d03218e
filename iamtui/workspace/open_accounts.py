"""Opening one account or several beside each other, as the source that is chosen says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from iamtui.policy.document import DocumentPool
from iamtui.problem import Problem
from iamtui.workspace.opening import open_source
from iamtui.workspace.workspace import NotOpened, ProgressReport, SourceChoice, SourceKind, Workspace, steps

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
) -> Workspace:
    """Load the account that `choice` names, and those beside it. Blocking: screens call it in a worker.

    Of several, an account that AWS refuses is said in `not_opened`; a file that cannot be read is a mistake of whoever
    named it.

    Args:
        parts, approve, approve_other: as of `open_source`.

    Raises:
        Problem: the source cannot be read, none of several can be, or two are of the same account.
        OpeningCancelled: `cancelled` returned True between two steps.
    """
    if not (choice.beside or choice.org_role):
        return open_source(choice, report, cancelled, approve, parts=parts, approve_other=approve_other)
    choices = (msgspec.structs.replace(choice, beside=()), *choice.beside)
    if choice.kind is SourceKind.SNAPSHOT:
        in_files = partial(open_source, pool=DocumentPool(), approve_other=approve_other)
        return _beside_each_other(in_files(one, report, cancelled) for one in choices)

    from iamtui.workspace import live_accounts  # brings the ways to AWS, which a snapshot needs not

    step = steps(report, cancelled)
    if choice.org_role:
        return _beside_each_other(live_accounts.open_organization(choice, step, approve, approve_other))
    return _beside_each_other(live_accounts.open_profiles(choices, step, approve, approve_other))


def _beside_each_other(found: Iterable[Workspace | NotOpened]) -> Workspace:
    opened: dict[str, Workspace] = {}
    not_opened: list[NotOpened] = []
    for one in found:
        if isinstance(one, NotOpened):
            not_opened.append(one)
            continue
        twin = opened.setdefault(one.account.id, one)
        if twin is not one:
            raise Problem(
                f"{twin.source.label} and {one.source.label} are both of account {one.account.id}.",
                "Leave one of them out.",
            )
    if not opened:
        raise not_opened[0].problem
    first, *beside = opened.values()
    return replace(first, beside=tuple(beside), not_opened=tuple(not_opened))
