"""Style sheets that are parsed once for all apps of a test run: each would take a tenth of its start for them."""

from __future__ import annotations

from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation

_parse = Stylesheet._parse_rules
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
