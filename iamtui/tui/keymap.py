"""Checking the user's keymap against the bindings that exist. Textual itself drops one of two without a word."""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Final

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

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
    """One sentence for every id that no binding has, and for every key that two actions would share: two of one pane,
    or one of a pane and one of what it lies in, which never gets that key.

    Loads every pane to know their ids, which takes a while: call it in a thread.
    """
    load_every_pane()
    declared = [list(_bindings(node)) for node in _subclasses(DOMNode)]
    problems = [*_unknown(keymap, declared), *_clashes(keymap, declared), *_hidden(keymap, declared)]
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


def _hidden(keymap: Mapping[str, str], declared: list[list[Binding]]) -> Iterator[str]:
    """Keys of a screen or of the app that something nearer to the focus takes because of the keymap."""
    together = [{binding.id for binding in bindings} for bindings in declared]
    takers: dict[tuple[str, str], set[str]] = {}
    for outer, parts in _chains():
        for inner in parts:
            for key, near, far in _shared(inner, outer, keymap):
                if not any({far.id, near.id} <= names for names in together):
                    taker, loser = (far, near) if far.priority and not near.priority else (near, far)
                    takers.setdefault((key, loser.id or ""), set()).add(taker.id or "")
    for (key, hidden), others in sorted(takers.items()):
        yield f"The keymap gives the key {key} to {hidden}; where {' or '.join(sorted(others))} works, that has it."


def _chains() -> list[tuple[type[DOMNode], set[type[DOMNode]]]]:
    """Each screen, and the app, with what the focus may be on in it."""
    screens = [node for node in _subclasses(Screen) if _is_own(node)]
    chains = [(screen, _parts(screen)) for screen in screens]
    under_app = {part for screen, parts in chains if not issubclass(screen, ModalScreen) for part in (screen, *parts)}
    return [*chains, *((app, under_app) for app in _subclasses(App) if _is_own(app))]


def _shared(
    inner: type[DOMNode], outer: type[DOMNode], keymap: Mapping[str, str]
) -> Iterator[tuple[str, Binding, Binding]]:
    """The keys that two classes share because of the keymap, with what they do in each."""
    behind, near_usually, far_usually = _keys(outer, keymap), _keys(inner, {}), _keys(outer, {})
    for key, near in _keys(inner, keymap).items():
        far = behind.get(key, near)
        if far.id != near.id and (near_usually.get(key), far_usually.get(key)) != (near, far):
            yield key, near, far


def _parts(node: type[DOMNode]) -> set[type[DOMNode]]:
    """The classes of the widgets that a widget is made of, and theirs: those that the code of its class names."""
    found: set[type[DOMNode]] = set()
    waiting: list[type[DOMNode]] = [node]
    while waiting:
        for base in filter(_is_own, waiting.pop().__mro__):
            for member in vars(base).values():
                for name in getattr(member, "__code__", _no_code).co_names:
                    part = getattr(sys.modules[base.__module__], name, None)
                    if not isinstance(part, type) or part in found:
                        continue
                    if issubclass(part, Widget) and not issubclass(part, Screen):
                        found.add(part)
                        waiting.append(part)
    return found


_no_code: Final = (lambda: None).__code__


def _keys(node: type[DOMNode], keymap: Mapping[str, str]) -> dict[str, Binding]:
    """The binding with an id that each key has in a class, those it inherits included."""
    by_default: dict[str, Binding] = {}
    for base in reversed(node.__mro__):
        by_default |= {key: binding for binding in _bindings(base) for key in binding.key.split(",")}
    return {
        key.strip(): binding
        for default, binding in by_default.items()
        if binding.id
        for key in keymap.get(binding.id, default).split(",")
    }


def _is_own(node: type[object]) -> bool:
    return node.__module__.startswith("iamtui.")


def _bindings(node: type[DOMNode]) -> Iterator[Binding]:
    """The bindings that a class itself declares, which share one place in the order of looking up keys."""
    return (binding for binding in node.__dict__.get("BINDINGS", ()) if isinstance(binding, Binding))


def _subclasses(node: type[DOMNode]) -> list[type[DOMNode]]:
    """Every class below one, the nearest first: of two that declare the same binding, the general one says it."""
    found = [node]
    for each in found:
        found += each.__subclasses__()
    return found[1:]
