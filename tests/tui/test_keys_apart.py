"""No key of the app shadows one of its screens: a key with priority would take it without a word."""

from __future__ import annotations

from collections.abc import Iterator

from textual.binding import Binding

from iamtui.tui.app import IamtuiApp, named_bindings
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
