"""PaneSizes: sizes of the main screen's panes that the user set, by keys or by dragging a line."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.widget import Widget

from iamtui.tui.content import line, plain
from iamtui.tui.explorer.detail_pane import SubjectPane
from iamtui.tui.explorer.explorer import Explorer
from iamtui.tui.question.panel import QuestionPanel
from iamtui.tui.sessions.panel import SessionsPanel
from iamtui.tui.widgets.status import key_hints

MOST_SIZES: Final = 16
"""Sizes of one account: more than there are dividers in all layouts."""

LARGEST_SIZE: Final = 2000
"""Columns or rows of a pane that are remembered."""

_LEAST_TREE, _LEAST_SUBJECT, _LEAST_SIDE = 16, 24, 30
"""Columns."""

_LEAST_ABOVE, _LEAST_QUESTION, _LEAST_SESSIONS = 5, 5, 2
"""Rows."""

_KEY_STEP: Final = {"left": 2, "right": 2, "up": 1, "down": 1}
"""Columns or rows by which a key moves a divider."""


class Divider(StrEnum):
    """Movable lines: the right edge of the tree, the line between details and question, that above the sessions."""

    TREE = "tree"
    SIDE = "side"
    SESSIONS = "sessions"


RESIZE_KEYS: Final[tuple[BindingType, ...]] = (
    *(
        Binding(
            f"shift+{direction},ctrl+{direction}", f"resize_pane('{direction}')", f"Divider {direction}", show=False,
            id=f"view.resize-{direction}", tooltip=f"Resize the pane: move the line beside it {where}",
        )
        for direction, where in (("left", "to the left"), ("right", "to the right"), ("up", "up"), ("down", "down"))
    ),
    Binding(
        "Z", "reset_sizes", "Usual sizes", show=False, id="view.reset-sizes",
        tooltip="Give all panes their usual sizes",
    ),
)  # fmt: skip


class PaneSizes:
    """Sizes in cells, by layout and divider, as far as the window has room for them.

    They are set as styles of the panes themselves: a class of the screen would have all styles worked out again.

    Args:
        say: tells the user what became of a size.
    """

    def __init__(self, screen: Screen[None], say: Callable[[Content], object]) -> None:
        self._screen = screen
        self._say = say
        self.sizes: dict[str, int] = {}
        """Under "medium tree", "wide side" and the like; of the question beside the details, "wide matrix" is the
        width while it shows resources side by side."""
        self._applied: tuple[str, int | None, int | None, int | None] = ("", None, None, None)
        self._dragged: tuple[Divider, int, int] | None = None
        """A divider, the size at its beginning, and where the mouse was then."""

    # The panes.

    @property
    def _tree(self) -> Explorer:
        return self._screen.query_one(Explorer)

    @property
    def _subject(self) -> SubjectPane:
        return self._screen.query_one(SubjectPane)

    @property
    def _side(self) -> Widget:
        return self._screen.query_one("#side")

    @property
    def _question(self) -> QuestionPanel:
        return self._screen.query_one(QuestionPanel)

    @property
    def _sessions(self) -> SessionsPanel:
        return self._screen.query_one(SessionsPanel)

    @property
    def _body(self) -> Region:
        return self._screen.query_one("#body").region

    @property
    def _layout(self) -> str:
        return layout_in(self._screen.app.size)

    @property
    def _is_stacked(self) -> bool:
        return self._layout != "wide"

    # Sizes.

    def use(self, sizes: dict[str, int]) -> None:
        self.sizes = dict(sizes)
        self.apply()

    def reset(self) -> None:
        """Give every pane its usual size in this layout."""
        mine = [key for key in self.sizes if key.partition(" ")[0] == self._layout]
        for key in mine:
            del self.sizes[key]
        self.apply()
        self._say(plain("The panes have their usual sizes." + ("" if mine else " Nothing was changed.")))

    def apply(self) -> None:
        """Set the styles of the panes where they are to be others: after a change of sizes, window or zoom."""
        is_zoomed, layout = self._screen.has_class("-zoomed"), self._layout
        tree, side, sessions = (None if is_zoomed else self._wanted(divider) for divider in Divider)
        before, self._applied = self._applied, (layout, tree, side, sessions)
        if before == self._applied or not any((*before[1:], *self._applied[1:])):
            return
        stacked = self._is_stacked
        is_question_fixed = (stacked and side is not None) or sessions is not None
        self._tree.styles.width = tree
        self._side.styles.width = None if stacked else side
        self._side.styles.height = self._side.styles.max_height = side if stacked else None
        self._sessions.styles.height = self._sessions.styles.max_height = sessions
        if layout == "medium" and side is not None and sessions is None:
            # However many there are, the question is seen.
            self._sessions.styles.max_height = side - _LEAST_QUESTION
        if layout == "narrow" and side is not None:
            # They stand in the question's place.
            self._sessions.styles.height, self._sessions.styles.max_height = "1fr", "100%"
        self._question.styles.height = "1fr" if is_question_fixed else None
        self._question.fix_height(fixed=is_question_fixed)

    def _key(self, divider: Divider) -> str:
        is_matrix = divider is Divider.SIDE and not self._is_stacked and self._side.has_class("-matrix")
        return f"{self._layout} {'matrix' if is_matrix else divider}"

    def _wanted(self, divider: Divider) -> int | None:
        size = self.sizes.get(self._key(divider))
        if size is None or (divider is Divider.SESSIONS and self._layout == "narrow"):
            return None
        return self._within(divider, size)

    def _within(self, divider: Divider, size: int) -> int:
        """A size that leaves the other panes enough of the window."""
        window = self._screen.app.size
        rows = self._body.height or window.height - 3
        if divider is Divider.TREE:
            others = _LEAST_SUBJECT + 10 if self._is_stacked else _LEAST_SUBJECT + self._width_of_side
            least, most = _LEAST_TREE, window.width - others
        elif divider is Divider.SESSIONS:
            room = (self._wanted(Divider.SIDE) or self._side.region.height) if self._is_stacked else rows
            frame = 1 if self._sessions.styles.border_bottom[0] else 0
            least, most = _LEAST_SESSIONS + frame, room - _LEAST_QUESTION
        elif self._is_stacked:
            below = _LEAST_SESSIONS + 1 if self._layout == "medium" else 0
            least, most = _LEAST_QUESTION + below, rows - _LEAST_ABOVE
        else:
            tree = self._wanted(Divider.TREE) or self._tree.region.width
            least, most = _LEAST_SIDE, window.width - tree - _LEAST_SUBJECT
        return max(least, min(size, most))

    @property
    def _width_of_side(self) -> int:
        """Width that the question keeps of the window when the tree grows."""
        usual = self._side.region.width or _LEAST_SIDE
        return min(self.sizes.get(self._key(Divider.SIDE), usual), self._screen.app.size.width // 2)

    def _now(self, divider: Divider) -> int:
        """Size that a divider bounds on screen now."""
        if divider is Divider.TREE:
            return self._tree.region.width
        if divider is Divider.SESSIONS:
            return self._sessions.region.height
        return self._side.region.height if self._is_stacked else self._side.region.width

    def _set(self, divider: Divider, size: int, *, is_last: bool = True) -> None:
        self.sizes[self._key(divider)] = size = min(self._within(divider, size), LARGEST_SIZE)
        self.apply()
        pane = {Divider.TREE: "Tree", Divider.SESSIONS: "Sessions", Divider.SIDE: "Question"}[divider]
        words = f"{pane} {size} {'columns' if self._is_upright(divider) else 'rows'}"
        self._say(line(words, ".  ", key_hints(self._screen, "view.reset-sizes")) if is_last else plain(words))

    def _is_upright(self, divider: Divider) -> bool:
        return divider is Divider.TREE or (divider is Divider.SIDE and not self._is_stacked)

    # Keys.

    def move(self, direction: str) -> None:
        """Move the divider at the pane with the focus.

        Args:
            direction: "left", "right", "up" or "down".
        """
        divider = self._beside_focus(direction)
        if not self._is_there(divider):
            self._say(plain("Nothing to move in that direction here."))
            return
        grows = direction == "right" if divider is Divider.TREE else direction in ("left", "up")
        step = _KEY_STEP[direction]
        self._set(divider, self._now(divider) + (step if grows else -step))

    def _beside_focus(self, direction: str) -> Divider:
        focused = self._screen.focused
        around = {*focused.ancestors_with_self} if focused is not None else set()
        if direction in ("left", "right"):
            return Divider.TREE if self._is_stacked or not {self._subject, self._side} & around else Divider.SIDE
        if self._sessions in around or not self._is_stacked:
            return Divider.SESSIONS
        return Divider.SIDE

    def _is_there(self, divider: Divider) -> bool:
        beside = {
            Divider.TREE: (self._tree, self._subject),
            Divider.SIDE: (self._subject, self._side),
            Divider.SESSIONS: (self._question, self._sessions),
        }[divider]
        return all(pane.region for pane in beside) and not self._screen.has_class("-zoomed")

    # The mouse.

    def at(self, x: int, y: int) -> Divider | None:
        """The divider at a place on the screen."""
        if y not in self._body.line_range:
            return None
        tree, subject, side, sessions = self._tree, self._subject, self._side, self._sessions
        is_framed = bool(subject.styles.border_left[0])
        places: dict[Divider, Callable[[], bool]] = {
            Divider.TREE: lambda: x == tree.region.right - 1 or (is_framed and x == tree.region.right),
            Divider.SESSIONS: lambda: (
                x in sessions.region.column_range
                and (y == sessions.region.y or (is_framed and y == sessions.region.y - 1))
            ),
            Divider.SIDE: lambda: (
                (x in side.region.column_range and (y == side.region.y or (is_framed and y == side.region.y - 1)))
                if self._is_stacked
                else (x == side.region.x or (is_framed and x == side.region.x - 1))
            ),
        }
        return next((one for one, is_here in places.items() if self._is_there(one) and is_here()), None)

    def grab(self, event: events.MouseDown) -> None:
        """Begin to drag the divider that is under the mouse."""
        divider = self.at(event.screen_x, event.screen_y) if event.button == 1 else None
        if divider is not None:
            event.stop()
            self._dragged = divider, self._now(divider), self._along(divider, event)
            self._screen.capture_mouse()

    def drag(self, event: events.MouseEvent, *, is_last: bool = False) -> None:
        """Move the divider that was grabbed with the mouse."""
        if self._dragged is not None:
            event.stop()
            divider, size, start = self._dragged
            moved = self._along(divider, event) - start
            self._set(divider, size + (moved if divider is Divider.TREE else -moved), is_last=is_last)

    def let_go(self, event: events.MouseUp) -> None:
        if self._dragged is not None:
            self.drag(event, is_last=True)
            self._dragged = None
            self._screen.release_mouse()

    def _along(self, divider: Divider, event: events.MouseEvent) -> int:
        return event.screen_x if self._is_upright(divider) else event.screen_y


MEDIUM_COLUMNS, WIDE_COLUMNS, TALL_ROWS = 100, 180, 30
"""Least sizes of a window whose panes have frames of their own, and three columns."""


def layout_in(window: Size) -> str:
    """Which layout the panes have in a window: "narrow", "medium" or "wide"."""
    if window.width >= WIDE_COLUMNS:
        return "wide"
    return "narrow" if window.width < MEDIUM_COLUMNS or window.height < TALL_ROWS else "medium"
