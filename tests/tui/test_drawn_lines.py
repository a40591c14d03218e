"""Lines are drawn each once until they change, and look as Textual draws them; containers draw what is seen of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import pytest
from rich.style import Style
from textual.app import App, ComposeResult
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.geometry import Region, Size
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from iamtui.tui.dialogs.dialogs import Dialog, DialogBox
from iamtui.tui.textual_internals import SteadyCompositor, SteadyScreen
from iamtui.tui.widgets.lists.containers import Column, Row
from iamtui.tui.widgets.lists.line_list import LineView, Piece
from tests.support.panel_apps import HarnessApp, screen_text, until
from tests.support.settling import paint

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


async def test_a_line_is_drawn_again_where_it_changed_alone() -> None:
    app = NumbersApp()
    async with app.run_test() as pilot:
        await pilot.pause()
        view = app.query_one(Numbers)
        view.drawn.clear()
        view.refresh_row(3)
        await pilot.pause()
        assert view.drawn == {3: 1}
        app.refresh(layout=True)
        await pilot.pause()
        assert view.drawn == {3: 1}
        view.refresh()
        await pilot.pause()
        assert view.drawn == {index: 1 if index != 3 else 2 for index in range(10)}


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


class Framed(Column):
    DEFAULT_CSS = """
    Framed { width: 20; height: 8; border: solid red; border-title-color: red; }
    Framed.-top { border: none; border-top: solid red; }
    Framed.-ground { border: none; background: blue; padding: 1; }
    """


class FramedApp(App[None]):
    def compose(self) -> ComposeResult:
        with Framed(), Row():
            yield Static("inside")


@pytest.mark.parametrize("look", ["", "-top", "-ground"])
@pytest.mark.parametrize("part", [(0, 8), (0, 3), (3, 5), (6, 2)])
async def test_what_is_seen_of_a_container_looks_as_textual_draws_it(look: str, part: tuple[int, int]) -> None:
    app = FramedApp()
    async with app.run_test() as pilot:
        framed = app.query_one(Framed)
        framed.set_class(bool(look), look or "-none")
        framed.border_title = "Title"
        await pilot.pause()
        y, height = part
        crop = Region(0, y, 20, height)
        ours, theirs = framed.render_lines(crop), Widget.render_lines(framed, crop)
        drawn = cells(ours, 20)
        assert drawn == cells(theirs, 20)[: len(drawn)]
        assert not any(strip.text.strip() for strip in theirs[len(drawn) :])
        assert len(drawn) == (height if look != "-top" else min(1, max(0, 1 - y)))


async def test_a_container_shows_its_new_title() -> None:
    app = FramedApp()
    async with app.run_test() as pilot:
        framed = app.query_one(Framed)
        for title in ("One", "Another"):
            framed.border_title = title
            await pilot.pause()
            assert title in framed.render_lines(framed.outer_size.region)[0].text


async def test_another_title_has_its_edge_alone_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FramedApp()
    async with app.run_test() as pilot:
        framed = app.query_one(Framed)
        framed.border_title, framed.border_subtitle = "Above", "Below"
        await until(pilot, lambda: "Above" in screen_text(app) and "Below" in screen_text(app))
        changed: list[Region] = []
        exchange = Framed._exchange_repaint_regions

        def note(widget: Framed) -> Collection[Region]:
            found = exchange(widget)
            changed.extend(found)
            return found

        monkeypatch.setattr(Framed, "_exchange_repaint_regions", note)
        size = framed.outer_size
        for title, subtitle, lines in (
            ("Above", "Below", ()),
            ("Up", "Below", (0,)),
            ("Up", "Down", (size.height - 1,)),
        ):
            framed.border_title, framed.border_subtitle = title, subtitle
            await until(pilot, lambda title=title, subtitle=subtitle: {title, subtitle} <= {*screen_text(app).split()})
            assert changed == [Region(0, line, size.width, 1) for line in lines]
            changed.clear()
        framed.border_title = None
        await until(pilot, lambda: "Up" not in screen_text(app))


class Counting(SteadyScreen[None]):
    """A screen that counts how often it is laid out."""

    layouts = 0

    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        self.layouts += 1
        super()._refresh_layout(size, scroll)


class Below(Counting):
    def compose(self) -> ComposeResult:
        yield Static("what is below", id="below")


class Painted(Below):
    """Counts how often it is drawn."""

    painted = 0

    def _compositor_refresh(self) -> None:
        self.painted += 1
        paint(self)


class AboveNumbers(Counting):
    """Text of a changing height above lines that have the rest."""

    CSS = "Static { height: 2; } Numbers { height: 1fr; scrollbar-size-vertical: 1; }"

    def compose(self) -> ComposeResult:
        yield Static()
        yield Numbers()

    def on_mount(self) -> None:
        self.query_one(Numbers).set_total(12)


async def test_a_scroll_bar_comes_and_goes_with_the_layout_that_makes_it_so() -> None:
    app = HarnessApp()
    async with app.run_test(size=(60, 20)) as pilot:
        screen = AboveNumbers()
        await app.push_screen(screen)
        await pilot.pause()
        view = screen.query_one(Numbers)
        for height in (10, 4, 16, 2):
            before, is_first = screen.layouts, height == 10
            screen.query_one(Static).styles.height = height
            await pilot.pause()
            await pilot.pause()
            # A bar that is made comes with the next one.
            assert is_first or screen.layouts == before + 1
            assert view.show_vertical_scrollbar is (height > 8)
            assert ScrollBar in {type(widget) for widget in screen._compositor.full_map} or height <= 8
            assert {strip.cell_length for strip in view.render_lines(view.size.region)} == {59 if height > 8 else 60}


class Above(Dialog[None]):
    """A dialog that changes nothing below it."""

    def compose(self) -> ComposeResult:
        with DialogBox():
            yield Static("what is above")


async def test_a_dialog_draws_what_is_below_once_and_again_where_it_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    app = HarnessApp()
    async with app.run_test(size=(60, 20)) as pilot:
        below = Below()
        await app.push_screen(below)
        await pilot.pause()
        layouts = below.layouts
        await app.push_screen(Above())
        await pilot.pause()
        # What is below is drawn once more when it lost the focus.
        await until(pilot, lambda: "what is above" in screen_text(app) and not below._dirty_widgets)
        drawn: list[SteadyCompositor] = []
        draw = SteadyCompositor.render_strips

        def note(compositor: SteadyCompositor, size: Size | None = None) -> list[Strip]:
            drawn.append(compositor)
            return draw(compositor, size)

        monkeypatch.setattr(SteadyCompositor, "render_strips", note)
        for _ in range(3):
            app.screen.refresh(layout=True)
            await pilot.pause()
        assert drawn.count(below._compositor) <= 1
        assert below.layouts == layouts
        monkeypatch.undo()
        below.query_one(Static).update("something else")
        await until(pilot, lambda: "something else" in screen_text(app))
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        await until(pilot, lambda: below.size == app.size and "something else" in screen_text(app))


async def test_a_new_screen_is_styled_once_and_drawn_once_for_each_change(monkeypatch: pytest.MonkeyPatch) -> None:
    styled: list[DOMNode] = []
    update = Stylesheet.update_nodes

    def note(sheet: Stylesheet, nodes: Iterable[DOMNode], animate: bool = False) -> None:
        found = [*nodes]
        styled.extend(found)
        update(sheet, found, animate)

    monkeypatch.setattr(Stylesheet, "update_nodes", note)
    app = HarnessApp()
    async with app.run_test(size=(60, 20)) as pilot:
        screen = Painted()
        await app.push_screen(screen)
        await until(pilot, lambda: "what is below" in screen_text(app))
        assert screen not in styled
        screen.painted = 0
        screen.query_one(Static).styles.height = 3
        screen.refresh()
        await until(pilot, lambda: screen.query_one(Static).region.height == 3)
        await pilot.pause()
        assert screen.painted == 1
        app.push_screen(Above())
        await until(pilot, lambda: "what is above" in screen_text(app))
        app.pop_screen()
        await until(pilot, lambda: "what is above" not in screen_text(app))
