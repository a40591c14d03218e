"""safe_text: the only way out for text that came from outside, to a widget, the terminal or a log.

Rooms keep raw values, so that matching stays exact; whatever leaves towards a person goes through here.
Textual and terminals let ESC, C1 controls, bidi and zero-width characters through in every widget, which
lets data move the cursor, write the clipboard (OSC 52) or reorder what is read.
"""

from __future__ import annotations

import re
import unicodedata

LABEL_LIMIT = 4096
"""Longest label in characters; documents are not cut."""

_HOSTILE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    # Format characters, and what is drawn as nothing (Unicode: Cf, Zl, Zp, Default_Ignorable_Code_Point):
    # bidi marks and embeddings, zero-width characters, fillers, variation selectors, tags.
    "\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\ud800-\udfff]"  # lone surrogates cannot be encoded
)


def _visible(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return f"<U+{code:04X}>"


def safe_text(value: object, *, limit: int | None = LABEL_LIMIT) -> str:
    """Return `value` as one line of text that is safe to show.

    Control, C1, bidi, zero-width and other invisible characters become visible marks (ESC becomes ␛,
    U+202E becomes <U+202E>), lone surrogates become U+FFFD, combining marks cannot pile up or reach the
    text before, and the result is cut at `limit` characters with an ellipsis (None: not cut). Markup is
    untouched: a widget must be given the result as a `Content` or `Text` object, never as a markup str.
    """
    text = _cut(value if type(value) is str else str(value), limit)
    if text.isascii():
        if text.isprintable():
            return text
        return _cut(_HOSTILE.sub(_visible, text), limit)
    return _cut(_tame_marks(_HOSTILE.sub(_visible, text)), limit)


def safe_document(text: str) -> str:
    """Return a text of several lines, each safe to show; line ends are kept, tabs become four spaces."""
    lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return "\n".join(safe_text(line, limit=None) for line in lines)


def _cut(text: str, limit: int | None) -> str:
    if limit is None or len(text) <= limit:
        return text
    return text[: limit - 1] + "…" if limit > 0 else ""


def _tame_marks(text: str, most: int = 4) -> str:
    """Cut runs of marks that are drawn over other characters, and give a mark at the start something to sit on.

    Hundreds of them are drawn over the neighbouring lines; one at the start would change the label before it.
    """
    marks = {character for character in set(text) if unicodedata.category(character) in ("Mn", "Me")}
    if not marks:
        return text
    kept: list[str] = ["\u25cc"] if text[0] in marks else []
    run = 0
    for character in text:
        run = run + 1 if character in marks else 0
        if run <= most:
            kept.append(character)
    return "".join(kept)
