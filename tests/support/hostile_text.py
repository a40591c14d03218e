"""What must never be in what is drawn: control, bidi and other invisible characters, and links that run actions."""

from __future__ import annotations

import unicodedata

from textual.app import App

_HOSTILE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def hostile_characters(text: str) -> set[str]:
    """The characters of a text that a terminal obeys or hides."""
    return {character for character in text if unicodedata.category(character) in _HOSTILE_CATEGORIES}


def assert_clean(app: App[object]) -> str:
    """Check every cell that is on screen now; returns the text of the screen."""
    rows: list[str] = []
    for strip in app.screen._compositor.render_strips():
        row = ""
        for segment in strip:
            meta = segment.style.meta if segment.style is not None else {}
            assert "@click" not in meta, f"{segment.text!r} runs {meta['@click']!r} when clicked"
            row += segment.text
        assert not hostile_characters(row), f"{hostile_characters(row)!r} in {row!r}"
        rows.append(row)
    return "\n".join(rows)
