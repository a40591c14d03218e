"""Checking the user's keymap against the bindings that exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from textual.binding import Binding
from textual.dom import DOMNode


def binding_ids() -> set[str]:
    """The ids of the bindings of every class of the screen that is loaded."""
    bindings = (binding for node in _subclasses(DOMNode) for binding in node.BINDINGS)
    return {binding.id for binding in bindings if isinstance(binding, Binding) and binding.id}


def unknown_bindings(wanted: Iterable[str]) -> list[str]:
    """One sentence for every id that no binding has, with the nearest."""
    names = list(wanted)
    if not names:
        return []
    known = binding_ids()
    sentences = []
    for name in names:
        if name not in known:
            near = get_close_matches(name, sorted(known), n=1)
            hint = f"did you mean {near[0]}?" if near else "`iamtui info` lists them."
            sentences.append(f"The keymap names {name}, which no binding has; {hint}")
    return sentences


def _subclasses(node: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for child in node.__subclasses__():
        yield child
        yield from _subclasses(child)
