"""Without colours, or with the 16 of a terminal: focus, cursor, verdicts and faults are told by characters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import pytest
from rich.cells import cell_len
from rich.color import Color as TerminalColor
from textual.color import Color
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widget import Widget

from iamtui.config import Config
from iamtui.drafts.edits.principals import AttachPolicy, DetachPolicy
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui import clock
from iamtui.tui.app import IamtuiApp
from iamtui.tui.themes import terminal_theme
from iamtui.tui.widgets.status import MessageLine
from iamtui.workspace.ask.saved_questions import QuestionStore
from tests.support import wording
from tests.support.drafting import app_of, ask, lay, own_data_folder
from tests.support.panel_apps import screen_text
from tests.support.panel_sessions import session
from tests.support.question_asked import LAKE_OBJECT, account, asked
from tests.support.sample_account import ID, LAKE_READ, iam, sample_workspace
from tests.support.screen_app import SAMPLE, RecordingCopier, make_app, opened, press, settle
from tests.support.slow import one_quick
from tests.tui.test_contrast_on_screen import SCREENS

__all__ = ["account", "own_data_folder"]

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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
        await press(pilot, "g", "a")
        strips = pilot.app.screen._compositor.render_strips()
        looks = {
            word: {(segment.style.underline, segment.style.bgcolor) for strip in strips for segment in strip
                   if segment.style and word in segment.text}
            for word in ("Demo account", "Snapshot")
        }  # fmt: skip
        assert not looks["Demo account"] & looks["Snapshot"]
        if how == "no colour":
            assert any(underlined for word in looks.values() for underlined, _ground in word)


@pytest.mark.slow
@one_quick("how", PLAIN)
async def test_what_is_wrong_with_a_field_begins_with_a_mark(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(await plain_app(how, monkeypatch)) as pilot:
        await press(pilot, "g", "a", "j", "enter", "x", "enter")
        assert "! x does not exist." in screen_text(pilot.app)


SAYS: Final = {
    "verdict-allowed": r"\[\+\]|\bALLOWED\b|\b[Aa]llow(s|ed)?\b|\bgains?\b",
    "verdict-denied": r"▲|\[[-x]\]|\bDENIED\b|\b[Dd]en(y|ies|ied)\b|\bloses?\b|\bhigh\b|\bPROD\b|^[x!] ",
    "verdict-depends": (
        r"△|\[[?!]\]|\bDEPENDS\b|\bdepends?\b|\b[Nn]ot evaluated\b|\bunknown\b|\bmedium\b"
        r"|\bCHANGED\b|\bchange\b|\bDRAFT\b|~|^! "
    ),
}
"""The marks and words that say what a colour says."""
TIME_LEFT: Final = r"\b\d+[hms]\b|●"
"""What a session of any colour says: how long it lasts, and that it is the active one."""
FILLS: Final = "█▓▒░▌▏▎▍▋▊▉━#=-.o"
LONG: Final = 40
"""Columns from which on a text may go on in the line below."""


class Run(NamedTuple):
    """What stands together in one colour on a line, or on a ground of it.

    Args:
        line, left: the part of the screen's line between two frames that it stands on, and the column of that.
    """

    y: int
    x: int
    colour: str
    text: str
    line: str
    left: int

    @property
    def ends_a_long_line(self) -> bool:
        """Whether what it says may go on in the line below."""
        line = self.line.rstrip()
        return cell_len(line) >= LONG and line.endswith(self.text.rstrip())


def runs(pilot: Pilot[None]) -> list[Run]:
    """What has a verdict's colour, by lines."""
    variables = pilot.app.get_css_variables()
    colours = {Color.parse(variables[name]).rgb: name for name in SAYS}
    found: list[Run] = []
    screen = pilot.app.screen
    area = screen.children[0].region if isinstance(screen, ModalScreen) else screen.region
    for y, strip in enumerate(screen._compositor.render_strips()[area.y : area.bottom]):
        x = area.x
        for segment in strip.crop(area.x, area.right):
            style, text = segment.style, segment.text
            on_it = _named(style.bgcolor, colours) if style else ""
            colour = on_it or (_named(style.color, colours) if style and text.strip() else "")
            last = found[-1] if found else None
            if colour and last and (last.y, last.x + cell_len(last.text), last.colour) == (y, x, colour):
                found[-1] = last._replace(text=last.text + text)
            elif colour:
                found.append(Run(y, x, colour, text, *_between_frames(strip.text, x)))
            x += segment.cell_length
    return found


def _named(colour: TerminalColor | None, names: Mapping[tuple[int, int, int], str]) -> str:
    return names.get(tuple(colour.get_truecolor()), "") if colour is not None and not colour.is_default else ""


def _between_frames(line: str, x: int) -> tuple[str, int]:
    begin = max(line.rfind(frame, 0, x) for frame in "│┃") + 1
    ends = [at for frame in "│┃" if (at := line.find(frame, x)) >= 0]
    return line[begin : min(ends, default=len(line))], begin


def unsaid(found: Sequence[Run]) -> list[Run]:
    """What is told by nothing but its colour.

    A run says it itself, or repeats what another one of its colour says before it on the line; or it goes on where a
    long one above it ends, or is a bar and its line says it.
    """
    silent: list[Run] = []
    said: list[Run] = []
    for run in found:
        goes_on = run.line.lstrip().startswith(run.text.strip()) and any(
            (one.y, one.left, one.colour) == (run.y - 1, run.left, run.colour) and one.ends_a_long_line for one in said
        )
        repeats = any((one.y, one.left, one.colour) == (run.y, run.left, run.colour) for one in said)
        is_bar = not run.text.strip(f"{FILLS} ")
        if goes_on or repeats or re.search(f"{SAYS[run.colour]}|{TIME_LEFT}", run.line if is_bar else run.text):
            said.append(run)
        else:
            silent.append(run)
    return silent


def test_what_nothing_but_its_colour_says_is_found() -> None:
    long = "! Something cannot be read, and so what follows"
    said = [
        Run(0, 0, "verdict-allowed", "[+] ALLOWED", "[+] ALLOWED  by a policy", 0),
        Run(1, 5, "verdict-denied", "███", "high ███", 0),
        Run(2, 0, "verdict-denied", long, long, 0),
        Run(3, 0, "verdict-denied", "rests on less.", "rests on less.", 0),
    ]
    silent = [
        Run(5, 0, "verdict-allowed", "user/carol", "user/carol", 0),
        Run(6, 4, "verdict-denied", "███", "low ███", 0),
        Run(7, 0, "verdict-denied", "[+] ALLOWED", "[+] ALLOWED", 0),
    ]
    assert unsaid([*said, *silent]) == silent


async def to_overview(pilot: Pilot[None]) -> None:
    """The overview, with a question that was saved."""
    QuestionStore(ID).save(
        "lake", QuestionMatrix(("s3:GetObject",), (LAKE_OBJECT,), Question("", "*")), "", overwrite=True
    )
    app_of(pilot).main.go_to("overview:")


async def to_heat_map(pilot: Pilot[None]) -> None:
    main = app_of(pilot).main
    main.go_to(iam("role/web-server"))
    main.subject.detail.select_tab("access")


async def to_impact(pilot: Pilot[None]) -> None:
    await ask(pilot, iam("user/carol"), "s3:GetObject", LAKE_OBJECT)
    await lay(
        pilot, AttachPolicy(iam("user/carol"), LAKE_READ.arn), DetachPolicy(iam("role/web-server"), LAKE_READ.arn)
    )
    await press(pilot, "i")


async def to_countdown(pilot: Pilot[None]) -> None:
    panel = app_of(pilot).main.sessions
    now = clock.now()
    for role, minutes in (("deploy-prod", 47), ("break-glass", 8)):
        panel.add_session(session(role, assumed_at=now, expires_at=now + timedelta(minutes=minutes)))
    await press(pilot, "g", "s")
    # It says once that one ends soon.
    panel.tick()


CHARTS = {"overview": to_overview, "heat map": to_heat_map, "impact": to_impact, "countdown": to_countdown}
"""The ways to what is drawn with bars and shades."""


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
        return found | await charts(pilot, look)


async def charts(pilot: Pilot[None], look: Callable[[Pilot[None]], T]) -> dict[str, T]:
    """What is seen of everything that is drawn with bars and shades."""
    found = {}
    for name, go in CHARTS.items():
        await go(pilot)
        await settle(pilot)
        app_of(pilot).main.query_one(MessageLine).clear()
        await settle(pilot)
        found[name] = look(pilot)
        if len(pilot.app.screen_stack) > 1:
            await press(pilot, "escape")
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("size", "ways"), [((80, 24), PLAIN), ((120, 40), PLAIN[:1]), ((200, 60), PLAIN[1:])])
async def test_every_screen_says_without_colours_what_it_says_with_them(
    size: tuple[int, int], ways: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def words(pilot: Pilot[None]) -> list[str]:
        # Frames and cursors are heavier where no colour tells the one that has the focus.
        text = re.sub("[\u2500-\u257f▌▏]", " ", screen_text(pilot.app))
        return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "now", text).splitlines()

    with_colours = await walked(make_app(), lambda pilot: (words(pilot), runs(pilot)), size)
    assert {colour for _words, found in with_colours.values() for _y, _x, colour, *_ in found} == set(SAYS)
    assert not {name: unsaid(found) for name, (_words, found) in with_colours.items() if unsaid(found)}
    for how in ways:
        # None remembers the tab of the one before.
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / how))
        seen = await walked(await plain_app(how, monkeypatch), words, size)
        for name, (said, _lines) in with_colours.items():
            # That dialog marks the theme that is in use.
            assert name == "themes" or seen[name] == said, (how, name)


@pytest.mark.slow
@one_quick("size", [(120, 40), (200, 60)])
async def test_every_chart_is_told_in_ascii_and_without_colours(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def drawn(pilot: Pilot[None]) -> tuple[str, list[Run]]:
        return screen_text(pilot.app), runs(pilot)

    async with opened(size=size) as pilot:
        in_blocks = await charts(pilot, drawn)
    monkeypatch.setenv("LC_ALL", "C")
    async with opened(size=size) as pilot:
        in_ascii = await charts(pilot, drawn)
    for name, (text, found) in in_ascii.items():
        assert set(in_blocks[name][0]) & set("█▓▒░▊━"), name
        assert not set(text) & set("█▓▒░▎▍▋▊▉━"), name
        assert not unsaid(found), name
