"""Without colours, or with the 16 of a terminal: focus, cursor, verdicts and faults are told by characters."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import pytest
from textual.color import Color
from textual.pilot import Pilot
from textual.widget import Widget

from iamtui.config import Config
from iamtui.tui.app import IamtuiApp
from iamtui.tui.themes import terminal_theme
from iamtui.tui.widgets.status import MessageLine
from tests.support import wording
from tests.support.panel_apps import screen_text
from tests.support.question_asked import account, asked
from tests.support.sample_account import iam, sample_workspace
from tests.support.screen_app import SAMPLE, RecordingCopier, make_app, opened, press, settle
from tests.support.slow import one_quick
from tests.tui.test_contrast_on_screen import SCREENS

__all__ = ["account"]

T = TypeVar("T")


@pytest.mark.parametrize(
    ("environ", "colours", "theme"),
    [
        ({}, "truecolor", "iamtui-dark"),
        ({}, "256", "iamtui-dark"),
        ({}, "standard", "iamtui-ansi"),
        ({}, None, "iamtui-ansi"),
        ({"NO_COLOR": "1"}, "truecolor", "iamtui-mono"),
        ({"NO_COLOR": ""}, "standard", "iamtui-mono"),
    ],
)
def test_a_terminal_gets_the_theme_for_its_colours(environ: dict[str, str], colours: str | None, theme: str) -> None:
    assert terminal_theme(environ, colours) == theme


@pytest.mark.parametrize(("wanted", "theme"), [("", "iamtui-ansi"), ("iamtui-light", "iamtui-light")])
async def test_a_theme_that_was_chosen_comes_before_that_of_the_terminal(wanted: str, theme: str) -> None:
    made = IamtuiApp(
        SAMPLE, config=Config(theme=wanted), opener=lambda *_: sample_workspace(), copier=RecordingCopier(),
        default_theme="iamtui-ansi",
    )  # fmt: skip
    async with opened(made):
        assert made.theme == theme


def corner(pilot: Pilot[None], pane: Widget) -> str:
    """The character at the upper left of a pane."""
    lines = screen_text(pilot.app).splitlines()
    return lines[pane.region.y][pane.region.x : pane.region.x + 1]


PLAIN = ("no colour", "iamtui-ansi")


async def plain_app(how: str, monkeypatch: pytest.MonkeyPatch) -> IamtuiApp:
    if how == "no colour":
        monkeypatch.setenv("NO_COLOR", "1")
    return make_app(config=Config(theme="" if how == "no colour" else how))


@pytest.mark.parametrize("how", PLAIN)
@one_quick("size", [(120, 40), (80, 24), (200, 60)])
async def test_the_frame_of_what_has_the_focus_is_heavier(
    how: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(await plain_app(how, monkeypatch), size=size) as pilot:
        main = pilot.app.main
        main.go_to(iam("role/web-server"))
        panes = (main.explorer, main.subject, main.question)
        for keys, lit in (("escape", 0), ("enter", 1), ("s", 2)):
            await press(pilot, keys)
            heavy = [corner(pilot, pane) in "┏━" for pane in panes]
            assert heavy == [number == lit for number in range(3)], keys


@one_quick("how", PLAIN)
async def test_the_cursor_is_a_bar_and_the_wider_one_has_the_focus(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(await plain_app(how, monkeypatch)) as pilot:
        pilot.app.main.go_to(iam("role/web-server"))
        await settle(pilot)
        for key, wide in (("escape", "tree"), ("enter", "detail")):
            await press(pilot, key)
            line = next(one for one in screen_text(pilot.app).splitlines() if "▌" in one)
            assert (line.index("▌") < 36) == (wide == "tree")
            assert "▏" in screen_text(pilot.app)


@one_quick("how", PLAIN)
async def test_verdict_layers_and_marks_are_words(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(await plain_app(how, monkeypatch)) as pilot:
        await asked(pilot)
        shown = screen_text(pilot.app)
        assert wording.ALLOWED in shown or wording.DENIED_EXPLICITLY in shown or wording.NOT_ALLOWED in shown
        assert "identity" in shown
        pilot.app.main.explorer.tree_view.focus()
        await settle(pilot)
        tree = [line[: pilot.app.main.explorer.size.width] for line in screen_text(pilot.app).splitlines()]
        assert any(mark in line for mark in ("[+]", "[-]", "[x]", "[?]") for line in tree)


@one_quick("how", PLAIN)
async def test_the_line_under_the_cursor_of_the_chooser_stands_out(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(await plain_app(how, monkeypatch)) as pilot:
        await press(pilot, "P")
        strips = pilot.app.screen._compositor.render_strips()
        looks = {
            word: {(segment.style.underline, segment.style.bgcolor) for strip in strips for segment in strip
                   if segment.style and word in segment.text}
            for word in ("Demo account", "Snapshot")
        }  # fmt: skip
        assert not looks["Demo account"] & looks["Snapshot"]
        if how == "no colour":
            assert any(underlined for word in looks.values() for underlined, _ground in word)


@one_quick("how", PLAIN)
async def test_what_is_wrong_with_a_field_begins_with_a_mark(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(await plain_app(how, monkeypatch)) as pilot:
        await press(pilot, "P", "j", "enter", "x", "enter")
        assert "! x does not exist." in screen_text(pilot.app)


ALLOWED_DENIED_DEPENDS = ("verdict-allowed", "verdict-denied", "verdict-depends")
SAYS_IT = re.compile(
    r"\[[-+x?!~]\]|[!x✗✔▲△◆] |\b(ALLOWED|DENIED|DEPENDS|ADMIN|Allow|Deny|allow(s|ed)|den(ies|ied)"
    r"|depends|not|high|medium|low)\b"
)
"""A mark or a word that says what a verdict's colour says."""


def coloured(pilot: Pilot[None]) -> list[str]:
    """The lines of which something has a verdict's colour, as text or as ground; those below each other as one."""
    variables = pilot.app.get_css_variables()
    wanted = {Color.parse(variables[name]).rgb for name in ALLOWED_DENIED_DEPENDS}
    found: list[str] = []
    last = -2
    for at, strip in enumerate(pilot.app.screen._compositor.render_strips()):
        styles = [segment.style for segment in strip if segment.style and segment.text.strip()]
        colours = [one for style in styles for one in (style.color, style.bgcolor) if one is not None]
        if any(tuple(one.get_truecolor()) in wanted for one in colours if not one.is_default):
            found.append(f"{found.pop()}{strip.text}" if last == at - 1 else strip.text)
            last = at
    return found


async def walked(app: IamtuiApp, look: Callable[[Pilot[None]], T], size: tuple[int, int]) -> dict[str, T]:
    """What is seen of every screen."""
    async with opened(app, size=size) as pilot:
        await asked(pilot)
        await press(pilot, "escape")
        found = {}
        for name, keys in SCREENS.items():
            await press(pilot, *keys)
            pilot.app.main.query_one(MessageLine).clear()
            await settle(pilot)
            found[name] = look(pilot)
            if len(pilot.app.screen_stack) > 1 or name == "question":
                await press(pilot, "escape")
        pilot.app.main.go_to("overview:")
        await settle(pilot)
        found["overview"] = look(pilot)
        return found


@one_quick("size", [(80, 24), (120, 40), (200, 60)])
async def test_every_screen_says_without_colours_what_it_says_with_them(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def words(pilot: Pilot[None]) -> list[str]:
        # Frames and cursors are heavier where no colour tells the one that has the focus.
        text = re.sub("[\u2500-\u257f▌▏]", " ", screen_text(pilot.app))
        return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "now", text).splitlines()

    with_colours = await walked(make_app(), lambda pilot: (words(pilot), coloured(pilot)), size)
    assert [name for name, (_words, lines) in with_colours.items() if lines], "some screen has colours"
    for name, (_words, lines) in with_colours.items():
        assert not [line for line in lines if not SAYS_IT.search(line)], name
    for how in PLAIN:
        seen = await walked(await plain_app(how, monkeypatch), words, size)
        for name, (said, _lines) in with_colours.items():
            # That dialog marks the theme that is in use.
            assert name == "themes" or seen[name] == said, (how, name)
