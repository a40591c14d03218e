"""PanedScreen: the panes of the main screen in its window, their focus, and what is said below them."""

from __future__ import annotations

from textual import events, on
from textual.content import Content
from textual.geometry import Offset, Size
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from iamtui.tui.crash import worker_failure
from iamtui.tui.safe import plain
from iamtui.tui.screens.panes import LEAST_COLUMNS, LEAST_ROWS, KeptFocus, Zoom, is_too_small, too_small
from iamtui.tui.widgets.explorer import Explorer
from iamtui.tui.widgets.message_line import MessageLine
from iamtui.tui.widgets.notice import Notice, Severity
from iamtui.tui.widgets.question.panel import QuestionPanel
from iamtui.tui.widgets.sessions import SessionsPanel
from iamtui.tui.widgets.subject import Subject


class PanedScreen(Screen[None]):
    """Arranges explorer, subject, question and sessions by the size of the window; a subclass composes them."""

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - declared so by the base class
        (0, "-tiny-width"),
        (LEAST_COLUMNS, "-narrow"),
        (100, "-medium"),
        (180, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-tiny-height"), (LEAST_ROWS, "-short"), (30, "-tall")]  # noqa: RUF012 - as above

    AUTO_FOCUS = "ExplorerTree"

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """What has the focus. It is drawn as that, and so is what had it: the whole screen need not be drawn again."""

    def __init__(self) -> None:
        super().__init__()
        self._zoom = Zoom(self)
        self._kept_focus = KeptFocus(self)

    def begin_at(self, size: Size) -> None:
        """Take the classes for the size of the window, before there are styles.

        Textual gives them with the first message about the size, when all styles have been worked out without them.
        """
        for length, points in ((size.width, self.HORIZONTAL_BREAKPOINTS), (size.height, self.VERTICAL_BREAKPOINTS)):
            self.add_class(max(point for point in points if point[0] <= length)[1], update=False)

    def on_resize(self, event: events.Resize) -> None:
        """Say what size is needed; what had the focus has it again when there is room."""
        self.query_one("#too-small", Static).update(plain(too_small(event.size)))
        self._kept_focus.resized(self.explorer.tree_view)

    # Parts.

    @property
    def explorer(self) -> Explorer:
        """The explorer."""
        return self.query_one(Explorer)

    @property
    def subject(self) -> Subject:
        """The detail pane or table."""
        return self.query_one(Subject)

    @property
    def question(self) -> QuestionPanel:
        """The question panel."""
        return self.query_one(QuestionPanel)

    def say(self, text: Content | str, severity: Severity = Severity.INFORMATION, *, stays: bool = False) -> None:
        """Show a message on the message line."""
        self.query_one(MessageLine).say(text, severity, stays=stays)

    @on(Notice)
    def _notice(self, event: Notice) -> None:
        event.stop()
        messages = self.query_one(MessageLine)
        messages.say(event.content, event.severity, until_next=event.until_next, until_answer=event.until_answer)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker of this screen that fails in an unforeseen way ends nothing: its error becomes a sentence."""
        if event.state is WorkerState.ERROR:
            self.say(worker_failure(event.worker), Severity.ERROR)

    @property
    def is_too_small(self) -> bool:
        """Whether the window is too small to show anything but that."""
        return is_too_small(self.app.size)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What nobody could see is not done."""
        return False if self.is_too_small else super().check_action(action, parameters)

    # Going to a pane, and giving it room.

    def panes(self) -> dict[str, Widget]:
        """The panes that can be jumped to and zoomed, by their letter, in focus order."""
        sessions = self.query_one(SessionsPanel)
        found: dict[str, Widget] = {"e": self.explorer, "d": self.subject, "q": self.question, "s": sessions}
        return {letter: pane for letter, pane in found.items() if pane.display and pane.region.area}

    def action_jump(self) -> None:
        """Show the letters, then move the focus."""
        from iamtui.tui.screens.jump import JumpScreen  # noqa: PLC0415 - not before the first frame

        places = {letter: Offset(pane.region.x + 1, pane.region.y) for letter, pane in self.panes().items()}
        self.app.push_screen(JumpScreen(places), self._jumped)

    def _jumped(self, letter: str | None) -> None:
        if letter == "e":
            self.explorer.tree_view.focus()
        elif letter == "d":
            self.subject.active_view.focus()
        elif letter == "q":
            self.question.action_ask()
        elif letter == "s":
            self.show_sessions()

    def action_sessions(self) -> None:
        """Go to the sessions, which a small window shows in place of the question; from there back to the tree."""
        if self.query_one(SessionsPanel).has_focus:
            self.hide_sessions()
            self.explorer.tree_view.focus()
        else:
            self.show_sessions()

    def show_sessions(self) -> None:
        """Give the sessions the question's place where there is room for one of them only, and the focus."""
        self.add_class("-sessions")
        self.query_one(SessionsPanel).focus()

    def hide_sessions(self) -> None:
        """Give the question its place back."""
        self.remove_class("-sessions")

    def action_zoom(self) -> None:
        """Give the focused pane the whole window, or everything its place back."""
        if not self.unzoom() and self._zoom.zoom((self.explorer, self.subject, self.query_one("#side"))):
            self.say(plain("Zoomed: z gives the other panes their place back."), stays=True)

    def unzoom(self) -> bool:
        """Give everything its place back; False when nothing is zoomed."""
        unzoomed = self._zoom.unzoom()
        if unzoomed:
            self.query_one(MessageLine).clear()
        return unzoomed
