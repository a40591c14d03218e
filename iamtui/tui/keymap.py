"""Checking the user's keymap against the bindings that exist. Textual itself drops one of two without a word."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module

from textual.binding import Binding
from textual.dom import DOMNode

import iamtui.tui


def load_every_pane() -> None:
    """Import every module of the screen: bindings are declared by classes that are otherwise loaded when needed."""
    for module in pkgutil.walk_packages(iamtui.tui.__path__, "iamtui.tui."):
        import_module(module.name)


def named_bindings() -> Iterator[tuple[str, str, str]]:
    """Every binding that the config can change: its id, its keys and what it does, by id."""
    load_every_pane()
    found: dict[str, Binding] = {}
    for node in _subclasses(DOMNode):
        for binding in _bindings(node) if node.__module__.startswith("iamtui.") else ():
            # One id may have bindings of a pane and of the screen around it, which has more keys for it.
            if binding.id and len(binding.key) > len(found[binding.id].key if binding.id in found else ""):
                found[binding.id] = binding
    for name, binding in sorted(found.items()):
        yield name, binding.key, binding.tooltip or binding.description


def keymap_problems(keymap: Mapping[str, str]) -> list[str]:
    """One sentence for every id that no binding has, and for every key that two actions of one pane would share.

    Loads every pane to know their ids, which takes a while: call it in a thread.
    """
    load_every_pane()
    declared = [list(_bindings(node)) for node in _subclasses(DOMNode)]
    problems = [*_unknown(keymap, declared), *_clashes(keymap, declared)]
    return list(dict.fromkeys(problems))


def _unknown(keymap: Mapping[str, str], declared: list[list[Binding]]) -> Iterator[str]:
    known = sorted({binding.id for bindings in declared for binding in bindings if binding.id})
    for name in keymap:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "`iamtui info` lists them."
            yield f"The keymap names {name}, which no binding has; {hint}"


def _clashes(keymap: Mapping[str, str], declared: list[list[Binding]]) -> Iterator[str]:
    for bindings in declared:
        users: dict[str, set[str]] = {}
        for binding in bindings:
            for key in keymap.get(binding.id or "", binding.key).split(","):
                users.setdefault(key.strip(), set()).add(binding.id or binding.description)
        for key, names in users.items():
            if len(names) > 1 and names & set(keymap):
                yield f"The keymap gives the key {key} to {' and '.join(sorted(names))}; only one of them has it."


def _bindings(node: type[DOMNode]) -> Iterator[Binding]:
    """The bindings that a class itself declares, which share one place in the order of looking up keys."""
    return (binding for binding in node.__dict__.get("BINDINGS", ()) if isinstance(binding, Binding))


def _subclasses(node: type[DOMNode]) -> list[type[DOMNode]]:
    """Every class below one, the nearest first: of two that declare the same binding, the general one says it."""
    found = [node]
    for each in found:
        found += each.__subclasses__()
    return found[1:]
