"""Jump mode: a letter on every pane and field, a digit on every tab; pressed, it takes the focus there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from iamtui.tui.content import plain
from iamtui.tui.explorer.listings import TabBar
from iamtui.tui.question.form import QuestionForm

if TYPE_CHECKING:
    from iamtui.tui.paned import PanedScreen


class JumpTarget(NamedTuple):
    """Where a letter is drawn, and what it does."""

    at: Offset
    go: Callable[[], object]


def jump(main: PanedScreen) -> None:
    """Let the user choose where the focus goes."""
    targets = dict(jump_targets(main))

    def chosen(letter: str | None) -> None:
        if letter is not None:
            targets[letter].go()

    main.app.push_screen(JumpScreen({letter: target.at for letter, target in targets.items()}), chosen)


def jump_targets(main: PanedScreen) -> Iterator[tuple[str, JumpTarget]]:
    """What can be seen and takes the focus, by its letter."""
    form = main.query_one(QuestionForm)
    panes: tuple[tuple[str, Widget, Callable[[], object]], ...] = (
        ("e", main.explorer, main.explorer.tree_view.focus),
        ("d", main.subject, main.subject.go_into),
        ("q", main.question, main.question.action_ask),
        ("s", main.sessions, main.show_sessions),
    )
    for letter, pane, go in panes:
        if _is_seen(pane):
            yield letter, JumpTarget(Offset(pane.region.x + 1, pane.region.y), go)
    fields = ("f", main.explorer.filter_input), ("r", form.resource_field), ("c", form.context_field)
    for letter, field in fields:
        if _is_seen(field):
            yield letter, JumpTarget(Offset(field.region.x, field.region.y), field.focus)
    bar = main.query_one(TabBar)
    for number, (tab, x) in enumerate(bar.places() if _is_seen(bar) else (), 1):
        if tab:
            yield str(number), JumpTarget(Offset(bar.region.x + x, bar.region.y), partial(_go_to_tab, main, tab))


def _go_to_tab(main: PanedScreen, tab: str) -> None:
    main.subject.detail.select_tab(tab)
    main.subject.go_into()


def _is_seen(widget: Widget) -> bool:
    shown = all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))
    return shown and bool(widget.region.area)


class JumpScreen(ModalScreen[str | None]):
    """Gives the letter or digit that was pressed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Cancel", id="jump.cancel", tooltip="Stay where you are"),
    ]

    DEFAULT_CSS = """
    JumpScreen {
        background: $background 40%;
        & .jump-label {
            position: absolute;
            width: auto;
            height: 1;
            padding: 0 1;
            background: $accent;
            color: $background;
            text-style: bold;
        }
    }
    """

    def __init__(self, places: Mapping[str, Offset]) -> None:
        super().__init__()
        self._places = places

    def compose(self) -> ComposeResult:
        for letter, offset in self._places.items():
            label = Static(plain(letter), classes="jump-label")
            label.absolute_offset = offset
            yield label

    def on_key(self, event: events.Key) -> None:
        if event.key in self._places:
            event.stop()
            self.dismiss(event.key)
