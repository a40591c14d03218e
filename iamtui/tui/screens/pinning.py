"""Pinning: the question that was answered last, whose verdicts stand in the tree and in the tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from textual.message import Message
from textual.worker import get_current_worker

from iamtui.tui.screens.paned import PanedScreen

if TYPE_CHECKING:
    # They bring in what is not loaded before the first frame.
    from iamtui.analysis.inquiry import Inquiry
    from iamtui.tui.screens.pinned import PinnedQuestion
    from iamtui.tui.widgets.question.asking import Alongside, Asked
    from iamtui.workspace.workspace import Workspace

_GROUP: Final = "pinned"
_WORK: Final = "answering the pinned question"


class Pinning:
    """Pins questions on the lists of a screen, and has their verdicts found in a thread."""

    @dataclass(eq=False, repr=False)
    class Found(Message, namespace="pinning"):
        """Verdicts were found that lines in sight wait for."""

        pinned: PinnedQuestion

    def __init__(self, screen: PanedScreen) -> None:
        self._screen = screen
        self._pinned: PinnedQuestion | None = None
        self._next: PinnedQuestion | None = None
        """Whose answer is being looked for; it is pinned when that is there."""

    @property
    def pinned(self) -> PinnedQuestion | None:
        """The question that is pinned, or None."""
        return self._pinned

    def forget(self) -> None:
        """Pin nothing, not what is being asked either."""
        self.unpin()
        self._next = None

    def unpin(self) -> None:
        """Pin nothing: there is no answer."""
        if self._pinned is not None:
            self._pin(None)

    def pin(self, workspace: Workspace, inquiry: Inquiry, before: Workspace | None) -> None:
        """Pin a question that was answered, unless it is pinned already.

        Args:
            before: the account without the draft that `workspace` holds, or None.
        """
        from iamtui.tui.screens.pinned import PinnedQuestion  # noqa: PLC0415 - only with an answer

        about = workspace, inquiry, before
        if self._pinned is not None and self._pinned.is_about(*about):
            return
        ahead, self._next = self._next, None
        if ahead is None or not ahead.is_about(*about):
            ahead = PinnedQuestion(*about, wanted=self._find)
        self._pin(ahead)

    def ahead(self, asked: Asked) -> Alongside | None:
        """Have the verdicts of the lines in sight found with the answer, where its question is not pinned yet."""
        from iamtui.tui.screens.pinned import PinnedQuestion  # noqa: PLC0415 - only with a question

        about = asked.workspace, asked.inquiry, asked.before
        if self._pinned is not None and self._pinned.is_about(*about):
            return None
        ahead = self._next = PinnedQuestion(*about, wanted=self._find)
        return partial(
            ahead.find_first, (*self._screen.explorer.tree_view.in_sight(), *self._screen.subject.in_sight())
        )

    def found(self, event: Found) -> None:
        """Draw the lines that waited for verdicts."""
        if event.pinned is self._pinned:
            self._screen.explorer.tree_view.redraw_unfinished()
            self._screen.subject.table.redraw_unfinished()

    def _pin(self, pinned: PinnedQuestion | None) -> None:
        self._pinned = pinned
        self._screen.explorer.set_verdicts(pinned)
        self._screen.subject.set_verdicts(pinned)

    def _find(self, pinned: PinnedQuestion) -> None:
        self._screen.run_worker(
            partial(self._find_in_thread, pinned),
            thread=True,
            exclusive=True,
            exit_on_error=False,
            group=_GROUP,
            name=_WORK,
            description=_WORK,
        )

    def _find_in_thread(self, pinned: PinnedQuestion) -> None:
        worker = get_current_worker()
        pinned.find(lambda: worker.is_cancelled, lambda: self._screen.post_message(self.Found(pinned)))
