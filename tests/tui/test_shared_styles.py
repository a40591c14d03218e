"""Styles that the tests find once for all apps are those that Textual finds."""

from __future__ import annotations

from textual.dom import DOMNode

from tests.support.screen_app import opened, press
from tests.support.shared_styles import apply_as_textual


def rules(node: DOMNode) -> list[object]:
    parts = node._component_styles if hasattr(node, "_component_styles") else {}
    return [node.styles.base.get_rules(), *(styles.base.get_rules() for _, styles in sorted(parts.items()))]


async def test_nodes_have_the_styles_that_textual_finds_whatever_state_they_are_in() -> None:
    # Of a second app, for which all was found before.
    async with opened():
        pass
    async with opened() as pilot:
        for keys in ((), ("s", "x"), ("tab",), ("escape", "question_mark"), ("escape", "ctrl+t")):
            await press(pilot, *keys)
            for node in pilot.app.screen.walk_children(with_self=True):
                ours = rules(node)
                apply_as_textual(pilot.app.stylesheet, node)
                assert rules(node) == ours, (keys, node)
