"""Styles and handlers that the tests find once for all apps are those that Textual finds."""

from __future__ import annotations

from textual import events
from textual.dom import DOMNode
from textual.message import Message
from textual.message_pump import MessagePump
from textual.widgets import Input, OptionList

from tests.support import shared_handlers
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


async def test_nodes_have_the_handlers_that_textual_finds() -> None:
    def handlers(look: object, node: MessagePump, message: Message) -> list[tuple[type, object]]:
        assert callable(look)
        return [(kind, method.__func__) for kind, method in look(node, message.handler_name, message)]

    found = 0
    async with opened() as pilot:
        for node in (pilot.app, *pilot.app.screen.walk_children(with_self=True)):
            sent: list[Message] = [
                events.Mount(),
                events.Key("a", "a"),
                events.Focus(),
                events.Compose(),
                events.Idle(),
            ]
            sent += [Input.Changed(one, "text") for one in pilot.app.screen.query(Input)]
            sent += [OptionList.OptionHighlighted(one, one.options[0], 0) for one in pilot.app.screen.query(OptionList)]
            for message in sent:
                theirs = handlers(shared_handlers.look_as_textual, node, message)
                assert handlers(shared_handlers.found_once, node, message) == theirs, (node, message)
                found += len(theirs)
    assert found > 100
