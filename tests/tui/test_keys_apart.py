"""Every key means one thing, and no key of the app shadows one of its screens."""

from __future__ import annotations

from collections.abc import Iterator

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import ModalScreen

from iamtui.tui.app import IamtuiApp, load_every_pane, named_bindings
from iamtui.tui.main.main_screen import MainScreen
from iamtui.tui.question.panel import QuestionPanel
from iamtui.tui.question.trace_screen import TraceScreen
from iamtui.tui.sessions.panel import SessionsPanel


def keys(owner: type[object], *, priority: bool = False) -> Iterator[tuple[str, str]]:
    for binding in owner.__dict__["BINDINGS"]:
        if isinstance(binding, Binding) and (binding.priority or not priority):
            yield from ((key.strip(), binding.id or "") for key in binding.key.split(","))


def test_what_the_app_takes_first_is_no_key_of_a_screen() -> None:
    first = dict(keys(IamtuiApp, priority=True))
    assert {"ctrl+q", "f12"} <= set(first)
    for owner in (MainScreen, TraceScreen, QuestionPanel, SessionsPanel):
        taken = {key: (first[key], name) for key, name in keys(owner) if key in first}
        assert taken == {}, owner.__name__


def test_a_key_of_a_pane_and_of_the_screen_is_listed_with_all_its_keys() -> None:
    keys = {name: key for name, key, _words in named_bindings()}
    assert keys["question.ask"] == "f5,s"
    assert keys["question.why"] == "f7,w"


MEANINGS = {
    "a": ("Assume",), "b": ("Console",), "c": ("Copy", "Pick"), "d": ("Forget", "Remove"), "e": ("Edit",),
    "f": ("Draft a fix",), "g": ("Go",), "i": ("Impact",), "m": ("Bookmark",), "n": ("Next",), "N": ("Previous",),
    "o": ("Reverse",), "p": ("Roles you may assume",), "q": ("Back", "Quit"), "r": ("Refresh", "Renew"),
    "R": ("Refresh all",), "s": ("Ask",), "S": ("2nd opinion", "Ask AWS"), "t": ("Theme",), "T": ("Times",),
    "u": ("Undo",), "U": ("Put back",), "v": ("Columns",), "w": ("Why",), "W": ("Who can",), "x": ("Export",),
    "X": ("Snapshot",), "y": ("Copy",), "z": ("Zoom",), "Z": ("Usual sizes",), "D": ("Discard",), "E": ("Editor",),
    "G": ("Last", "Bottom"), "K": ("Revoke",), "L": ("Load",), "P": ("Policy",),
    "h": ("Left", "Resource to the left"), "l": ("Right", "Resource to the right"), "j": ("Down",), "k": ("Up",),
    "exclamation_mark": ("Shell",), "equals_sign": ("Compare",),
}  # fmt: skip
"""What a letter means on every screen, by how its bindings are named; a dialog has letters of its own."""


def test_a_letter_means_one_thing_on_every_screen() -> None:
    load_every_pane()
    found: dict[str, set[str]] = {}
    for owner in subclasses(DOMNode):
        if owner.__module__.startswith("iamtui.") and not issubclass(owner, ModalScreen):
            for binding in owner.__dict__.get("BINDINGS", ()):
                for key in binding.key.split(",") if isinstance(binding, Binding) else ():
                    found.setdefault(key.strip(), set()).add(binding.description)
    letters = {key for key in found if len(key) == 1 and key.isalpha()}
    assert letters <= set(MEANINGS), "a new letter needs a meaning"
    strange = {
        key: sorted(one for one in found.get(key, {"nothing"}) if not one.startswith(words))
        for key, words in MEANINGS.items()
    }
    assert not {key: words for key, words in strange.items() if words}


def subclasses(owner: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for one in owner.__subclasses__():
        yield one
        yield from subclasses(one)
