"""Which handlers a class has for a message, found once for a test run: Textual looks through the class and all those
above it for each message, which takes a twentieth of a test's time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from weakref import WeakKeyDictionary

from textual.message import Message
from textual.message_pump import MessagePump

look_as_textual = MessagePump._get_dispatch_methods

# Where in the order of the class's bases each handler stands, and its name; None where Textual has to look.
_found: WeakKeyDictionary[type, dict[tuple[type[Message], str], list[tuple[int, str]] | None]] = WeakKeyDictionary()


def found_once(
    pump: MessagePump, method_name: str, message: Message
) -> Iterator[tuple[type, Callable[[Message], Awaitable[None]]]]:
    """In the place of `MessagePump._get_dispatch_methods`."""
    kind = type(pump)
    known = _found.get(kind)
    if known is None:
        known = _found[kind] = {}
    key = type(message), method_name
    if key not in known:
        known[key] = _named(kind, *key)
    handlers = known[key]
    if handlers is None:
        yield from look_as_textual(pump, method_name, message)
        return
    for place, name in handlers:
        if message._no_default_action:
            return
        base = kind.__mro__[place]
        yield base, vars(base)[name].__get__(pump, base)


def _named(kind: type, message: type[Message], method_name: str) -> list[tuple[int, str]] | None:
    """The handlers that have the name of the message; None if one is bound to it by `on`, maybe for some senders."""
    messages = set(message.__mro__)
    named = []
    for place, base in enumerate(kind.__mro__):
        if not messages.isdisjoint(vars(base).get("_decorated_handlers", ())):
            return None
        name = next((one for one in (f"_{method_name}", method_name) if vars(base).get(one)), None)
        if name is not None and not getattr(vars(base)[name], "_textual_on", None):
            named.append((place, name))
    return named
