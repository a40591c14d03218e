"""Keys that arrive in one burst: typed ahead, sent over a slow line, or by a macro."""

from __future__ import annotations

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from tests.support.screen_app import make_app, opened, press, settle


def burst(pilot: Pilot[None], *keys: str) -> None:
    """Post keys without waiting for what each of them does."""
    for key in keys:
        pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("a", "b", "c", "ctrl+u", "x", "y"), "xy"),
        (("a", "b", "c", "d", "backspace", "backspace", "x", "y"), "abxy"),
        (("a", "b", "home", "x", "y"), "xyab"),
        (("a", "b", "home", "x", "end", "y"), "xaby"),
    ],
)
@pytest.mark.parametrize("field", ["s", "slash"])
async def test_a_field_obeys_its_keys_in_their_order(field: str, keys: tuple[str, ...], value: str) -> None:
    async with opened() as pilot:
        await press(pilot, field)
        assert isinstance(pilot.app.focused, Input)
        burst(pilot, *keys)
        await settle(pilot)
        assert pilot.app.focused.value == value


async def test_a_pasted_text_and_an_editor_do_so_too() -> None:
    async with opened() as pilot:
        await press(pilot, "D")
        area = pilot.app.focused
        assert isinstance(area, TextArea)
        burst(pilot, "a", "b", "home", "x", "end", "backspace", "y")
        await settle(pilot)
        assert area.text == "xay"


@pytest.mark.parametrize("key", ["d", "question_mark", "f2", "E", "D", "a", "colon", "f6", "S"])
async def test_what_is_pressed_behind_the_key_that_quits_does_nothing(key: str) -> None:
    app = make_app()
    async with opened(app) as pilot:
        burst(pilot, "q", key)
        await settle(pilot)
    assert app.return_code == 0
