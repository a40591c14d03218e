"""Style sheets and shipped themes that are read once for all apps of a test run: each would take a sixth of its start
for them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation
from textual.theme import Theme

from iamtui.tui import themes

_parse = Stylesheet._parse_rules
_read_theme = themes.read_theme
_parsed: dict[object, list[RuleSet]] = {}


def parsed_once(
    sheet: Stylesheet,
    css: str,
    read_from: CSSLocation,
    is_default_rules: bool = False,
    tie_breaker: int = 0,
    scope: str = "",
) -> list[RuleSet]:
    """In the place of `Stylesheet._parse_rules`: the rules of a source, with the variables of the theme."""
    source = css, read_from, is_default_rules, tie_breaker, scope
    if source not in sheet._parse_cache:
        key = source, frozenset(sheet._variables.items())
        if key not in _parsed:
            _parsed[key] = _parse(sheet, *source)
        sheet._parse_cache[source] = _parsed[key]
    return sheet._parse_cache[source]


def theme_read_once(file: Path) -> tuple[Theme | None, list[str]]:
    """In the place of `read_theme`: what a shipped file says, which no test changes."""
    return _shipped(file) if file.parent == themes.shipped_themes() else _read_theme(file)


@cache
def _shipped(file: Path) -> tuple[Theme | None, list[str]]:
    return _read_theme(file)
