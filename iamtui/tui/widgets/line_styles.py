"""The styles that a piece of a line may have, as theme variables.

They are no component classes: Textual would work out each of them for each list, several times, before the
first frame, which took longer than everything else together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from rich.style import Style
from textual.color import Color, ColorParseError


class LineStyle(NamedTuple):
    """A theme variable for the text or for the ground, and the weight of the text."""

    variable: str
    ground: bool = False
    bold: bool | None = None
    underline: bool | None = None


LINE_STYLES: Final[Mapping[str, LineStyle]] = {
    "muted": LineStyle("muted"),
    "faint": LineStyle("faint"),
    "guide": LineStyle("faint"),
    "heading": LineStyle("heading", bold=True),
    "strong": LineStyle("foreground", bold=True),
    "link": LineStyle("link", underline=True),
    "match": LineStyle("match", bold=True),
    "hit": LineStyle("match", bold=True, underline=True),
    "header": LineStyle("muted"),
    "header-sorted": LineStyle("heading", bold=True),
    "allowed": LineStyle("verdict-allowed", bold=True),
    "denied": LineStyle("verdict-denied", bold=True),
    "depends": LineStyle("verdict-depends", bold=True),
    "allows": LineStyle("verdict-allowed"),
    "denies": LineStyle("verdict-denied"),
    "waits": LineStyle("verdict-depends"),
    "warning": LineStyle("verdict-depends", bold=True),
    "bar": LineStyle("rule-focused"),
    "json-key": LineStyle("json-key"),
    "json-string": LineStyle("json-string"),
    "json-number": LineStyle("json-number"),
    "json-constant": LineStyle("json-constant"),
    "json-punctuation": LineStyle("json-punctuation"),
    "statement-bar": LineStyle("match", bold=True),
    "cursor": LineStyle("cursor", ground=True),
    "cursor-blurred": LineStyle("cursor-blurred", ground=True),
    "statement": LineStyle("statement", ground=True),
}
"""Every name that a Piece may use."""


def line_style(name: str, variables: Mapping[str, str]) -> Style:
    """The Rich style of a name of LINE_STYLES under a theme's variables; without colour where it has none."""
    wanted = LINE_STYLES[name]
    text = variables.get(wanted.variable, "")
    try:
        colour = Color.parse(text.partition(" ")[0]).rich_color
    except ColorParseError:
        colour = None
    if wanted.ground:
        return Style(bgcolor=colour)
    return Style(color=colour, bold=wanted.bold, underline=wanted.underline)
