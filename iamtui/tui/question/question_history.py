"""Memory: recent and saved questions, kept per account by `QuestionStore`, read and written in threads.

What a thread does comes back as a message to the widget that owns the memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual.message import Message
from textual.widget import Widget

from iamtui.problem import Problem
from iamtui.questions.question import QuestionMatrix
from iamtui.tui.background import run_worker_in_thread
from iamtui.workspace.ask.saved_questions import QuestionStore, account_key
from iamtui.workspace.source.workspace import Workspace

if TYPE_CHECKING:
    # It brings in msgspec and the engine, which are not loaded before the first frame.
    from iamtui.engine.decision import Expectation
    from iamtui.workspace.ask.saved_questions import HistoryEntry, QuestionStore, SavedQuestion

_GROUP = "memory"


class Memory:
    """The history and the saved questions of the account that is open."""

    @dataclass(eq=False, repr=False)
    class Read(Message):
        """The questions of an account were read, or why they could not be."""

        workspace: Workspace
        history: tuple[HistoryEntry, ...] = ()
        saved: tuple[SavedQuestion, ...] = ()
        problem: Problem | None = None

    @dataclass(eq=False, repr=False)
    class Saved(Message):
        """A question was saved, or why it could not be."""

        name: str
        problem: Problem | None = None

    def __init__(self, host: Widget) -> None:
        self._host = host
        self._workspace: Workspace | None = None
        self._read_for = ""
        self.history: tuple[QuestionMatrix, ...] = ()
        """Recent questions, the latest first, each once."""
        self.saved: tuple[SavedQuestion, ...] = ()
        self._last: tuple[QuestionMatrix, ...] = ()
        """The last question while it is no part of the history: unanswered so far, or AWS never checks it."""
        self._at = -1

    def open(self, workspace: Workspace | None) -> None:
        """Read what is kept of an account, unless it is the one that was read."""
        self._workspace = workspace
        account = f"{workspace.source.kind}/{workspace.account.id}" if workspace is not None else ""
        if account == self._read_for:
            return
        self._read_for = account
        self.history, self.saved, self._last, self._at = (), (), (), -1
        if workspace is not None:
            self._run(partial(self._read, workspace))

    def take(self, event: Read) -> bool:
        """Take what was read, unless another account was opened since; returns whether it was taken."""
        if self._workspace is None or event.workspace.account.id != self._workspace.account.id:
            return False
        # What was asked while the file was being read stands in front.
        self.history = tuple(_once([*self.history, *(entry.question_matrix for entry in event.history)]))
        if event.problem is None:
            self.saved = event.saved
        return True

    def hold(self, question_matrix: QuestionMatrix) -> None:
        """Keep the last question until another one, so that a mistake in it can be put right."""
        if self._workspace is not None:
            self._last, self._at = (question_matrix,), 0

    def remember(self, question_matrix: QuestionMatrix, principal: str) -> None:
        if self._workspace is None:
            return
        self._last, self._at = (), 0
        if self.history[:1] != (question_matrix,):
            self.history = tuple(_once([question_matrix, *self.history]))
            if not self._is_fresh:
                self._run(partial(self._add, self._workspace, question_matrix, principal))

    def walk(self, step: int, current: QuestionMatrix | None) -> QuestionMatrix | None:
        """The question before (1) or after (-1) the one that the last walk came to; None at the ends.

        Args:
            current: what stands in the fields; a question that is not the one walked to starts from the front.
        """
        known = _once([*self._last, *self.history])
        here = known[self._at] if 0 <= self._at < len(known) else None
        start = self._at if here is not None and here == current else -1
        at = start + step
        if not 0 <= at < len(known):
            return None
        self._at = at
        return known[at]

    def save(
        self, name: str, question_matrix: QuestionMatrix, principal: str, expect: Expectation | None = None
    ) -> None:
        if self._workspace is not None:
            self._run(partial(self._save, self._workspace, name, question_matrix, principal, expect))

    def recent_resources(self) -> tuple[str, ...]:
        named = (resource for question_matrix in self.history for resource in question_matrix.resources)
        return tuple(dict.fromkeys(resource for resource in named if resource != "*"))

    @property
    def _is_fresh(self) -> bool:
        """True where the history of other runs is neither used nor added to (`--fresh`)."""
        return bool(getattr(self._host.app, "is_fresh", False))

    def _run(self, work: partial[None]) -> None:
        run_worker_in_thread(self._host, work, group=_GROUP)

    # In the threads.

    def _store(self, workspace: Workspace) -> QuestionStore:
        return QuestionStore(account_key(workspace))

    def _read(self, workspace: Workspace) -> None:
        try:
            store = self._store(workspace)
            history = () if self._is_fresh else store.history()
            self._host.post_message(self.Read(workspace, history, store.saved()))
        except Problem as problem:
            self._host.post_message(self.Read(workspace, problem=problem))

    def _add(self, workspace: Workspace, question_matrix: QuestionMatrix, principal: str) -> None:
        try:
            self._store(workspace).add_to_history(question_matrix, principal)
        except Problem as problem:
            self._host.post_message(self.Read(workspace, problem=problem))

    def _save(
        self,
        workspace: Workspace,
        name: str,
        question_matrix: QuestionMatrix,
        principal: str,
        expect: Expectation | None,
    ) -> None:
        try:
            store = self._store(workspace)
            store.save(name, question_matrix, principal, expect=expect)
            self._host.post_message(self.Saved(name))
            self._host.post_message(self.Read(workspace, (), store.saved()))
        except Problem as problem:
            self._host.post_message(self.Saved(name, problem))


def _once(matrices: list[QuestionMatrix]) -> list[QuestionMatrix]:
    """Each question matrix at its first place; they hold mappings, so they are compared and not hashed."""
    found: list[QuestionMatrix] = []
    for question_matrix in matrices:
        if question_matrix not in found:
            found.append(question_matrix)
    return found
