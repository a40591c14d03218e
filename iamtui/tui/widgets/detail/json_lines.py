"""One line of JSON in colours."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from pygments.token import Token  # type: ignore[import-untyped]
from textual.highlight import HighlightTheme, highlight

from iamtui.tui.widgets.drawn_lines import Piece


class _JsonTokens(HighlightTheme):
    """Names of line styles instead of colours: the theme decides when a line is drawn."""

    STYLES: dict[Any, str] = {  # noqa: RUF012 - declared so by the base class
        Token.Name.Tag: "json-key",
        Token.Literal.String: "json-string",
        Token.Literal.Number: "json-number",
        Token.Keyword.Constant: "json-constant",
        Token.Punctuation: "json-punctuation",
    }


_EFFECTS: Final = {'"Allow"': "allowed", '"Deny"': "denied"}


@lru_cache(maxsize=4096)
def json_pieces(line: str) -> tuple[Piece, ...]:
    """One line of canonical JSON (no text runs over a line end there) as pieces."""
    text = highlight(line, language="json", theme=_JsonTokens)
    pieces: list[Piece] = []
    at = 0
    effect = line.lstrip().startswith('"Effect":')
    for span in text.spans:
        style = str(span.style)
        if style == "$text" or span.end <= at:
            continue
        if span.start > at:
            pieces.append(Piece(line[at : span.start]))
        token = line[max(at, span.start) : span.end]
        if effect:
            style = _EFFECTS.get(token, style)
        pieces.append(Piece(token, style))
        at = span.end
    if at < len(line):
        pieces.append(Piece(line[at:]))
    return tuple(pieces)
