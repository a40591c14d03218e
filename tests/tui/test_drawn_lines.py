"""Lines are drawn each once until they change, and look as Textual draws them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from rich.style import Style
from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from iamtui.tui.widgets.lists.line_list import LineView, Piece
from tests.support.panel_apps import HarnessApp

ROWS = 30


class Numbers(LineView):
    """Lines of different widths, of which it counts how often they are drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: Counter[int] = Counter()

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        self.drawn[index] += 1
        return [Piece(f"{index:03} ", "muted"), Piece("wide 宽 " * (index % 6)), Piece("!", "denied")]

    def line_background(self, index: int) -> str:
        return "statement" if index % 3 == 0 else ""


class NumbersApp(App[None]):
    CSS = "Numbers { height: 10; width: 20; scrollbar-size-vertical: 1; }"

    def compose(self) -> ComposeResult:
        yield Numbers()

    def on_mount(self) -> None:
        self.query_one(Numbers).set_total(ROWS, width=40)


def cells(strips: list[Strip], width: int) -> list[list[tuple[str, object, object, object]]]:
    """Every cell of the lines: character, colours and weight; a blank has no colour of text."""
    found = []
    for strip in strips:
        line = []
        for text, style, _ in strip.crop(0, width):
            look = style or Style()
            line += [(char, look.color if char != " " else None, look.bgcolor, look.bold) for char in text]
        found.append(line)
    return found


@pytest.mark.parametrize("colours", [True, False])
@pytest.mark.parametrize("scrolled", [(0, 0), (7, 12)])
async def test_lines_look_as_textual_draws_them(
    scrolled: tuple[int, int], colours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not colours:
        monkeypatch.setenv("NO_COLOR", "1")
    app = NumbersApp()
    async with app.run_test() as pilot:
        view = app.query_one(Numbers)
        view.scroll_to(*scrolled, animate=False, force=True)
        await pilot.pause()
        crop = view.size.region
        ours = view.render_lines(crop)
        view.refresh()
        theirs = Widget.render_lines(view, crop)
        seen = view.scrollable_content_region.width
        assert cells(ours, seen) == cells(theirs, seen)
        assert "".join(strip.text for strip in ours).strip()


async def test_lines_have_the_colours_of_the_theme_and_the_faintness_of_now() -> None:
    app = NumbersApp()
    async with app.run_test() as pilot:
        view = app.query_one(Numbers)
        crop = view.size.region
        looks = [cells(view.render_lines(crop), 10)]
        view.styles.text_opacity = 0.5
        await pilot.pause()
        looks.append(cells(view.render_lines(crop), 10))
        view.styles.text_opacity = None
        await pilot.pause()
        assert cells(view.render_lines(crop), 10) == looks[0]
        app.theme = "textual-light"
        await pilot.pause()
        looks.append(cells(view.render_lines(crop), 10))
        assert len({str(look) for look in looks}) == 3


async def test_lines_reach_the_edge_where_no_scroll_bar_lies() -> None:
    app = NumbersApp()
    async with app.run_test() as pilot:
        view = app.query_one(Numbers)
        crop = view.size.region
        assert {strip.cell_length for strip in view.render_lines(crop)} == {19}, "the bar has the last column"
        view.set_total(5)
        await pilot.pause()
        assert {strip.cell_length for strip in view.render_lines(crop)} == {20}


class AboveNumbers(Screen[None]):
    """Text of a changing height above lines that have the rest."""

    CSS = "Static { height: 2; } Numbers { height: 1fr; scrollbar-size-vertical: 1; }"

    def compose(self) -> ComposeResult:
        yield Static()
        yield Numbers()

    def on_mount(self) -> None:
        self.query_one(Numbers).set_total(12)


async def test_a_scroll_bar_comes_and_goes_with_the_room_for_the_lines() -> None:
    app = HarnessApp()
    async with app.run_test(size=(60, 20)) as pilot:
        screen = AboveNumbers()
        await app.push_screen(screen)
        await pilot.pause()
        view = screen.query_one(Numbers)
        for height in (10, 4, 16, 2):
            screen.query_one(Static).styles.height = height
            await pilot.pause()
            await pilot.pause()
            assert view.show_vertical_scrollbar is (height > 8)
            assert ScrollBar in {type(widget) for widget in screen._compositor.full_map} or height <= 8
            assert {strip.cell_length for strip in view.render_lines(view.size.region)} == {59 if height > 8 else 60}
