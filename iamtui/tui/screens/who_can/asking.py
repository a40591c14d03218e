"""Asking everybody, in a thread: answers become rows in batches, and the screen gets its turns meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic, sleep
from typing import Final

from textual import on
from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker, WorkerState, get_current_worker

from iamtui.analysis.inquiry import Inquiry
from iamtui.evaluation.decision import Decision, Layer
from iamtui.evaluation.request import Principal
from iamtui.problem import Problem
from iamtui.tui.compiling import few_pauses
from iamtui.tui.crash import worker_failure
from iamtui.tui.screens.who_can.rows import Row, row_of
from iamtui.workspace.questions.who_can import Everybody, Provider, everybody, who_can
from iamtui.workspace.workspace import Workspace

GROUP: Final = "who can"
"""The workers that ask."""

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


class AskingScreen(Screen[str | None]):
    """Asks everybody in a thread and keeps what came; what shows it says how."""

    @dataclass(eq=False, repr=False)
    class _Started(Message):
        ticket: int
        found: Everybody

    @dataclass(eq=False, repr=False)
    class _Came(Message):
        ticket: int
        rows: list[Row]
        done: bool

    @dataclass(eq=False, repr=False)
    class _Refused(Message):
        ticket: int
        problem: Problem

    def __init__(
        self,
        workspace: Workspace,
        inquiry: Inquiry,
        *,
        before: Workspace | None = None,
        left_out: str = "",
        provider: Provider = who_can,
    ) -> None:
        """Make the screen.

        Args:
            before: the workspace without the draft that `workspace` holds: every row then shows both answers.
            left_out: what was half typed, and is not asked with; "" for nothing.
            provider: what answers.
        """
        super().__init__()
        self._workspace = workspace
        self._inquiry = inquiry
        self._before = before
        self._left_out = left_out
        self._provider = provider
        self._ticket = 0
        self._everybody = Everybody(())
        self._done = False
        self._unloaded: set[Layer] = set()
        self._problem: Problem | None = None

    def show_answers(self) -> None:
        """Show how it stands."""
        raise NotImplementedError

    def start_rows(self, *, draft: bool) -> None:
        """Drop what is shown."""
        raise NotImplementedError

    def add_rows(self, rows: Sequence[Row]) -> None:
        """Show more."""
        raise NotImplementedError

    @property
    def done(self) -> bool:
        """Whether all answers are there."""
        return self._done

    def set_workspace(self, workspace: Workspace, before: Workspace | None = None) -> None:
        """Answer from newer data."""
        if workspace is not self._workspace or before is not self._before:
            self._workspace, self._before = workspace, before
            self._ask()

    def _ask(self) -> None:
        self._ticket += 1
        self._done, self._problem = False, None
        self._unloaded.clear()
        self.start_rows(draft=self._before is not None)
        self.show_answers()
        work = partial(self._answer, self._ticket, self._workspace, self._before)
        self.run_worker(work, thread=True, exclusive=True, group=GROUP, exit_on_error=False, name="asking everybody")

    def _answer(self, ticket: int, workspace: Workspace, before: Workspace | None) -> None:
        worker = get_current_worker()
        try:
            found = everybody(workspace, self._inquiry)
            self.post_message(self._Started(ticket, found))
            batches = row_batches(self._provider, workspace, before, self._inquiry, found, lambda: worker.is_cancelled)
            for rows in batches:
                self.post_message(self._Came(ticket, rows, False))
            if not worker.is_cancelled:
                self.post_message(self._Came(ticket, [], True))
        except Problem as problem:
            self.post_message(self._Refused(ticket, problem))

    @on(_Started)
    def _started(self, event: _Started) -> None:
        event.stop()
        if event.ticket == self._ticket:
            self._everybody = event.found
            self.show_answers()

    @on(_Came)
    def _came(self, event: _Came) -> None:
        event.stop()
        if event.ticket == self._ticket:
            self._done = event.done
            self._unloaded.update(layer for row in event.rows for layer in row.unloaded)
            self.add_rows(event.rows)
            self.show_answers()

    @on(_Refused)
    def _refused(self, event: _Refused) -> None:
        event.stop()
        if event.ticket == self._ticket:
            self._problem, self._done = event.problem, True
            self.show_answers()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Answers that cannot be made are a sentence."""
        event.stop()
        if event.state is WorkerState.ERROR:
            self._problem, self._done = Problem(worker_failure(event.worker), "Go back and ask again."), True
            self.show_answers()
