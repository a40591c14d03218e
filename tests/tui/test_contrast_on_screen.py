"""The text of the screens in every shipped theme, as it is drawn: nothing is too pale on the ground it stands on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rich.color import Color as TerminalColor
from rich.segment import Segment
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from textual.color import Color
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.theme import Theme
from textual.widgets import Input, TextArea

from tests.support.question_asked import asked
from tests.support.screen_app import opened, press
from tests.support.slow import one_quick
from tests.tui.test_themes import contrast, shipped

SCREENS = {
    "answer": (),
    "question": ("f5",),
    "trace": ("w",),
    "who can": ("W",),
    "help": ("question_mark",),
    "palette": ("colon",),
    "themes": ("t",),
    "findings": ("g", "f"),
    "draft": ("g", "d"),
    "denials": ("g", "n"),
    "chooser": ("g", "a"),
}
"""The keys that lead there from an answer."""


LEAST, LEAST_HINT = 3.0, 2.5
"""The least contrast of a text, and of the hint that an empty field shows."""
LEAST_OF = {"iamtui-contrast": (7.0, 7.0), "iamtui-light": (LEAST, 4.0), "iamtui-frost": (LEAST, 4.0)}
"""Both in themes that promise more."""


def segments(pilot: Pilot[None]) -> Iterator[Segment]:
    """What is drawn of the screen; of a dialog without the faded screen that it lies over."""
    screen = pilot.app.screen
    area = screen.children[0].region if isinstance(screen, ModalScreen) else screen.region
    for strip in screen._compositor.render_strips()[area.y : area.bottom]:
        yield from strip.crop(area.x, area.right)


def drawn(colour: TerminalColor, own: str) -> Color:
    """A colour as a terminal has it; its own text and ground are those of a dark one, as the theme for it says."""
    return Color.parse(own) if colour.is_default else Color(*colour.get_truecolor(DEFAULT_TERMINAL_THEME))


def pale(pilot: Pilot[None]) -> list[tuple[str, float]]:
    """Every text with letters in it that has too little contrast."""
    least, least_hint = LEAST_OF.get(pilot.app.theme, (LEAST, LEAST_HINT))
    fields = (*pilot.app.screen.query(Input), *pilot.app.screen.query(TextArea))
    hints = " ".join(str(field.placeholder) for field in fields)
    found = []
    for text, style, _control in segments(pilot):
        if style is None or style.color is None or style.bgcolor is None or not any(c.isalnum() for c in text):
            continue
        one, other = drawn(style.color, "#c0c0c0"), drawn(style.bgcolor, "#000000")
        ratio = contrast(one, other)
        if ratio < (least_hint if text.strip() in hints else least):
            found.append((text.strip(), round(ratio, 1)))
    return found


@one_quick("theme", shipped(), ids=lambda theme: theme.name)
async def test_no_text_of_a_screen_is_too_pale(theme: Theme) -> None:
    async with opened() as pilot:
        pilot.app.theme = theme.name
        await asked(pilot)
        await press(pilot, "escape")
        found = {}
        for name, keys in SCREENS.items():
            await press(pilot, *keys)
            found[name] = pale(pilot)
            if len(pilot.app.screen_stack) > 1 or name == "question":
                await press(pilot, "escape")
        assert not {name: words for name, words in found.items() if words}


FIELDS = {
    "filter": ("slash", "x"),
    "question": ("f5", "end"),
    "palette": ("colon", "x"),
    "theme": ("t", "m"),
    "file": ("g", "a", "j", "enter", "x"),
    "denial": ("g", "n", "x"),
}
"""The keys that lead to a field with text in it."""


@pytest.mark.slow
@one_quick("theme", shipped(), ids=lambda theme: theme.name)
async def test_what_is_typed_can_be_read(theme: Theme) -> None:
    async with opened() as pilot:
        pilot.app.theme = theme.name
        await asked(pilot)
        await press(pilot, "escape")
        found = {}
        for name, keys in FIELDS.items():
            await press(pilot, *keys)
            found[name] = pale(pilot)
            while len(pilot.app.screen_stack) > 1:
                await press(pilot, "escape")
            await press(pilot, "escape", "escape")
        assert not {name: words for name, words in found.items() if words}
