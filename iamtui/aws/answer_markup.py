"""How many parts XML or JSON has and how deeply it is nested, found before a parser builds objects of it."""

from __future__ import annotations

import enum
import re
import xml.parsers.expat
from collections.abc import Callable
from typing import Final

DEEPEST: Final = 100
"""Levels of elements, or of lists and objects. The deepest answers that AWS's models describe have some twelve."""

LONGEST_NAMESPACE: Final = 128
"""Characters of a namespace, which a parser adds to the name of every element in it. AWS's have some fifty."""

LONGEST_TEXT: Final = 2 * 1024 * 1024
"""Bytes of XML between two tags. The longest real ones, policies of AWS in percent-encoding, stay below 1 MB."""

_XML_PARTS: Final = (b"<", b"=", b"&", b"\n", b"\r", b"]")
"""Where a parser begins another object: a tag, an attribute, and a piece of text (in CDATA at each bracket)."""

_BEFORE: Final = re.compile(rb"[\xef\xbb\xbf \t\r\n]*+")
_UTF_16: Final = re.compile(rb"\xfe\xff|\xff\xfe|.?\0", re.DOTALL)
"""How XML in UTF-16 begins: a parser notices it whatever it was told the encoding is."""
_SLASH, _QUESTION_MARK = b"/?"
_LONG_ATTRIBUTE: Final = re.compile(
    rb"""=[ \t\r\n]*+(?:"[^"<]{%d}|'[^'<]{%d})""" % (LONGEST_NAMESPACE + 1, LONGEST_NAMESPACE + 1)
)
"""How an attribute begins that could be too long a namespace; other text may look like it."""
_JSON_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]', re.DOTALL)


class Markup(enum.Enum):
    """What is wrong with a text's markup."""

    MANY = "too many parts"
    DEEP = "nested too deeply"
    UTF_16 = "text in UTF-16, whose parts are not counted"
    DECLARATIONS = "entities, or attributes by default, each of which may stand for any number of parts"
    TEXT = "a long text"
    NAMESPACE = "a long namespace, which becomes part of every name"


def too_much_markup(data: bytes, most: int) -> Markup | None:
    """What a parser of XML or JSON would spend too much on, or None.

    What is not well-formed is left to the parser.

    Args:
        most: parts of each kind that are allowed: tags, attributes, references and lines of XML, brackets and commas
            of JSON.
    """
    if _UTF_16.match(data):
        return Markup.UTF_16
    before = _BEFORE.match(data)
    start = before.end() if before else 0
    if data.startswith(b"<", start):
        if b"<!ENTITY" in data or b"<!ATTLIST" in data:
            return Markup.DECLARATIONS
        tags = data.count(b"<")
        if any(data.count(part) > most for part in _XML_PARTS):
            return Markup.MANY
        if _has_long_text(data):
            return Markup.TEXT
        if _LONG_ATTRIBUTE.search(data) and _has_long_namespace(data):
            return Markup.NAMESPACE
        return Markup.DEEP if tags > DEEPEST and _xml_is_deep(data) else None
    brackets = data.count(b"[") + data.count(b"{")
    if brackets > most or data.count(b",") > most:
        return Markup.MANY
    return Markup.DEEP if brackets > DEEPEST and _json_is_deep(data) else None


def _has_long_text(data: bytes) -> bool:
    at = data.find(b"<")
    while len(data) - at > LONGEST_TEXT:
        further = data.rfind(b"<", at + 1, at + LONGEST_TEXT + 1)
        if further < 0:
            return True
        at = further
    return False


def _xml_is_deep(data: bytes) -> bool:
    """By the tags alone, which may count too many levels; then, and where text may look like tags, by a parser.

    On a page of 4 MB this takes 5 ms, botocore 70 ms, and a parser alone would take 30 ms.
    """
    if b"<!" in data:
        return _xml_is_deep_in_truth(data)
    depth = 0
    for tag in data.split(b"<")[1:]:
        if not tag:
            return False
        first = tag[0]
        if first == _SLASH:
            depth -= 1
        elif first == _QUESTION_MARK:
            if b"?>" not in tag:
                return _xml_is_deep_in_truth(data)
        else:
            end = tag.find(b">")
            if end < 1:
                return False
            # In an attribute, "/>" could be text.
            if tag[end - 1] != _SLASH or b"=" in tag[:end]:
                depth += 1
                if depth > DEEPEST:
                    return _xml_is_deep_in_truth(data)
    return False


class _Found(Exception):
    """Raised to end a parser's work."""


def _xml_is_deep_in_truth(data: bytes) -> bool:
    depth = 0

    def start(_name: str, _attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise _Found

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    return _finds(data, start, end)


def _has_long_namespace(data: bytes) -> bool:
    def start(_name: str, attributes: dict[str, str]) -> None:
        for name, value in attributes.items():
            if name.startswith("xmlns") and len(value) > LONGEST_NAMESPACE:
                raise _Found

    return _finds(data, start)


def _finds(data: bytes, start: Callable[[str, dict[str, str]], None], end: Callable[[str], None] | None = None) -> bool:
    """Whether a handler raises _Found. The parser leaves namespaces as they are written."""
    parser = xml.parsers.expat.ParserCreate("utf-8")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(data, True)
    except _Found:
        return True
    except xml.parsers.expat.ExpatError:
        return False
    return False


def _json_is_deep(data: bytes) -> bool:
    depth = 0
    for token in _JSON_TOKEN.finditer(data):
        first = data[token.start()]
        if first in b"[{":
            depth += 1
            if depth > DEEPEST:
                return True
        elif first in b"]}":
            depth -= 1
    return False
