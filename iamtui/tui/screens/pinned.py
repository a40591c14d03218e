"""The pinned question, answered for whichever principal is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

from iamtui.account.model import Entity, Role, User
from iamtui.analysis.inquiry import Inquiry
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.garbage import making
from iamtui.tui.widgets.draft.compared import compared
from iamtui.tui.widgets.question.verdict import verdict
from iamtui.tui.widgets.question.verdict_look import PENDING, Verdict
from iamtui.workspace.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.workspace.questions.inquiries import InquiryPoll

_SHOWN_SECONDS: Final = 0.05
"""How long verdicts are collected before they are shown."""

_AHEAD_SECONDS: Final = 0.02
"""How long an answer may be kept back for the verdicts that are painted with it."""

_TURN_SECONDS: Final = 0.002
"""How long the thread works before it lets the screen have a turn."""


class PinnedQuestion:
    """Answers one question about one workspace for any user or role, once for each, in a thread.

    Lists call it for the lines they draw, so a list of any length costs what its visible part costs. Policies are
    compiled the first time they decide, which takes longer than a frame may: what is not known yet is wanted.
    """

    def __init__(
        self,
        workspace: Workspace,
        inquiry: Inquiry,
        before: Workspace | None = None,
        *,
        wanted: Callable[[PinnedQuestion], object],
    ) -> None:
        """Take a question.

        Args:
            inquiry: the question, of which the worst decides.
            before: the account without the draft that `workspace` holds: verdicts then know the one before.
            wanted: called when verdicts are wanted and no thread is at it: to have one run `find`.
        """
        self.workspace = workspace
        self.before = before
        self.inquiry = inquiry
        self._known: dict[str, Verdict | None] = {}
        self._want = wanted
        self._wanted: dict[str, User | Role] = {}
        self._lock = Lock()
        self._at_work = False
        self._polls: tuple[InquiryPoll, InquiryPoll | None] | None = None

    def is_about(self, workspace: Workspace, inquiry: Inquiry, before: Workspace | None) -> bool:
        """Whether this is what is asked."""
        return self.workspace is workspace and self.before is before and self.inquiry == inquiry

    def __call__(self, entity: Entity) -> Verdict | None:
        """The verdict, PENDING, or None when the entity is no principal or the question cannot be asked."""
        if not isinstance(entity, (User, Role)):
            return None
        if entity.arn in self._known:
            return self._known[entity.arn]
        with self._lock:
            self._wanted[entity.arn] = entity
            start, self._at_work = not self._at_work, True
        if start:
            self._want(self)
        return PENDING

    def find_first(self, entities: Iterable[Entity], cancelled: Callable[[], bool]) -> None:
        """Find verdicts before anybody asks for them, in a thread: of so many as can be found in a moment."""
        start = turn = monotonic()
        # Whatever cannot be found is wanted again when it is drawn, and `find` says what is wrong.
        with suppress(Exception):
            for entity in entities:
                now = monotonic()
                if cancelled() or now - start >= _AHEAD_SECONDS:
                    return
                if now - turn >= _TURN_SECONDS:
                    sleep(0)
                    turn = now
                if isinstance(entity, (User, Role)):
                    self._known[entity.arn] = self._ask(entity)

    def find(self, cancelled: Callable[[], bool], found: Callable[[], object]) -> None:
        """Find what is wanted, in a thread; `found` is called when there is something new to draw."""
        turn = shown = monotonic()
        with making():
            while (entity := self._next()) is not None:
                if cancelled():
                    return
                if entity.arn not in self._known:
                    self._known[entity.arn] = self._ask(entity)
                now = monotonic()
                if now - turn >= _TURN_SECONDS:
                    # The interpreter's lock is let go only now and then by itself, and the screen needs it.
                    sleep(0)
                    turn = now
                if now - shown >= _SHOWN_SECONDS:
                    found()
                    shown = now
        found()

    def _next(self) -> User | Role | None:
        with self._lock:
            if self._wanted:
                return self._wanted.pop(next(iter(self._wanted)))
            self._at_work = False
            return None

    def _ask(self, entity: User | Role) -> Verdict | None:
        from iamtui.workspace.questions.inquiries import InquiryPoll  # noqa: PLC0415 - the engine is not loaded before a frame

        try:
            if self._polls is None:
                # One time for both, or a condition on the time could look like the draft's doing.
                now = clock.now()
                old = InquiryPoll(self.before, self.inquiry, now=now) if self.before is not None else None
                self._polls = InquiryPoll(self.workspace, self.inquiry, now=now), old
            poll, poll_before = self._polls
            after = _deciding(poll, self.workspace, entity)
            if self.before is None or poll_before is None or after is None:
                return after
            before = _deciding(poll_before, self.before, entity)
            return compared(before, after) if before is not None else after
        except Problem:
            return None


def _deciding(poll: InquiryPoll, workspace: Workspace, entity: User | Role) -> Verdict | None:
    from iamtui.workspace.principals import principal_for  # noqa: PLC0415 - the engine is not loaded before a frame

    decision = poll.decide(principal_for(workspace, entity))
    return verdict(decision) if decision is not None else None
