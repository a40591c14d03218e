"""Asking everybody, in a thread: answers become rows in batches, and the screen gets its turns meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import Final

from iamtui.analysis.inquiry import Inquiry
from iamtui.evaluation.decision import Decision
from iamtui.evaluation.request import Principal
from iamtui.tui.compiling import few_pauses
from iamtui.tui.screens.who_can_rows import Row, row_of
from iamtui.workspace.who_can import Everybody, Provider
from iamtui.workspace.workspace import Workspace

_BATCH_SECONDS: Final = 0.05
"""How long answers are collected before they are handed on."""

_TURN_SECONDS: Final = 0.002
"""How long the thread works before it lets the screen have a turn."""


def row_batches(
    provider: Provider,
    workspace: Workspace,
    before: Workspace | None,
    inquiry: Inquiry,
    found: Everybody,
    cancelled: Callable[[], bool],
) -> Iterator[list[Row]]:
    """The rows of everybody, some at a time; stops when cancelled.

    Raises:
        Problem: the inquiry cannot be asked.
    """
    inside = len(found.principals) - found.outside
    rows: list[Row] = []
    with few_pauses(workspace.account):
        turn = handed_on = monotonic()
        for at, answers in enumerate(_answers(provider, workspace, before, inquiry, found, cancelled)):
            rows.append(row_of(*answers, inside=at < inside))
            now = monotonic()
            if now - turn >= _TURN_SECONDS:
                # The interpreter's lock is let go only now and then by itself, and the screen needs it.
                sleep(0)
                turn = now
            if now - handed_on >= _BATCH_SECONDS:
                yield rows
                rows, handed_on = [], now
    yield rows


def _answers(
    provider: Provider,
    workspace: Workspace,
    before: Workspace | None,
    inquiry: Inquiry,
    found: Everybody,
    cancelled: Callable[[], bool],
) -> Iterator[tuple[Principal, Decision, Decision | None]]:
    after = provider(workspace, inquiry, found.principals, cancelled)
    if before is None:
        for principal, decision in after:
            yield principal, decision, None
        return
    old = provider(before, inquiry, found.principals, cancelled)
    for (principal, decision), (_, earlier) in zip(after, old, strict=False):
        yield principal, decision, earlier
