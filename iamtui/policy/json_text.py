"""Line ranges of the values in a JSON text as it was given; plain policy documents, decoded in one step."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from math import isinf, nan
from sys import intern
from typing import Annotated, Any, Final, Literal, NamedTuple, Self, TypeAlias, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Meta, Struct

from iamtui.text import safe_text
from iamtui.typed_json import prepared

Lines: TypeAlias = tuple[int, int]
"""First and last line, 1-based and inclusive."""

LONGEST_PATH: Final = 512
"""Longest path recorded, in characters: nesting and long keys would make paths outgrow the text by far."""

# A text that does not end is one token too, and possessively: else each of its quotes would start another search.
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}:,]|[^\s\[\]{}:,"]+|\n')


class _Open(Struct):
    """An object or a list that has not been closed yet; in an object `key` is None where a key is expected.

    `path` is "" where it would be longer than LONGEST_PATH.
    """

    path: str
    line: int
    is_list: bool
    key: str | None = None
    key_line: int = 0
    index: int = 0

    def place(self, line: int) -> tuple[str, int]:
        """Path and first line of the value that begins on `line`."""
        own = f"[{self.index}]" if self.is_list else f".{self.key}"
        fits = self.path and len(self.path) + len(own) <= LONGEST_PATH
        return self.path + own if fits else "", line if self.is_list else self.key_line


def positions(text: str) -> dict[str, Lines]:
    """The line range of every value, by path (`$.Statement[0].Action`); that of a key's value begins at its key.

    Values whose path is longer than LONGEST_PATH are left out. Text that is not JSON gives what can be told up to
    there; nothing is raised.
    """
    found: dict[str, Lines] = {}
    stack: list[_Open] = []
    line = 1
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token == "\n":
            line += 1
            continue
        top = stack[-1] if stack else None
        if token in "[{":
            path, start = top.place(line) if top is not None else ("$", line)
            stack.append(_Open(path, start, token == "["))
        elif token in "]}":
            if top is None:
                break
            stack.pop()
            if top.path:
                found[top.path] = (top.line, line)
        elif token == ",":
            if top is not None:
                top.index += 1
                top.key = None
        elif token == ":":
            continue
        elif top is not None and not top.is_list and top.key is None:
            top.key, top.key_line = _decoded(token), line
        else:
            path, start = top.place(line) if top is not None else ("$", line)
            line += token.count("\n")
            if path:
                found[path] = (start, line)
    return found


def _decoded(token: str) -> str:
    try:
        return str(json.loads(token))
    except ValueError:
        return token


# The brackets of a JSON text, found without parsing it: how deep it nests, and where a value ends.


# Each match goes on to the next bracket, over whole texts at a time. Nothing is looked at twice: the runs are
# possessive, and a text that does not end takes all that follows.
_TO_NEXT_BRACKET: Final = re.compile(
    r'[^\[\]{}"]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^\[\]{}"]*+)*+([\[\]{}]|".*+|\Z)', re.DOTALL
)
_STEPS: Final = {"[": 1, "{": 1, "]": -1, "}": -1}


class Brackets(NamedTuple):
    """The brackets of a text that is, or is to be, JSON.

    Args:
        found: the brackets outside of JSON's texts, in order.
        text_left_open: whether a text does not end; its brackets are not among those found.
    """

    found: str
    text_left_open: bool

    @property
    def deepest(self) -> int:
        """How many brackets are open at once at the most."""
        return max(accumulate(map(_STEPS.__getitem__, self.found)), default=0)

    @property
    def left_open(self) -> int:
        """How many more open than close."""
        return sum(map(_STEPS.__getitem__, self.found))


def brackets_of(text: str) -> Brackets:
    found = _TO_NEXT_BRACKET.findall(text)
    # Behind a text that does not end stands only the empty match at the end of all.
    left_open = any(one.startswith('"') for one in found[-2:-1])
    return Brackets("".join(found[:-2] if left_open else found), left_open)


def line_deeper_than(text: str, depth: int) -> int | None:
    """The line, 1-based, of the first bracket inside so many others; None when no bracket is."""
    now = 0
    for match in _TO_NEXT_BRACKET.finditer(text):
        now += _STEPS.get(match.group(1), 0)
        if now > depth:
            return text.count("\n", 0, match.end()) + 1
    return None


# Numbers of JSON as they were written: a double would make 0.1 of 0.10000000000000000555.


_LARGEST_EXPONENT: Final = 400
"""Beyond it either way is not a number that anybody compares with, and its digits would fill the memory."""
_STRING_OR_MARK: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|NaN')


class WrittenNumber(float):
    """A JSON number with a point or an exponent, which keeps the text that it was written as."""

    __slots__ = ("written",)

    written: str

    def __new__(cls, written: str) -> Self:
        """Take the text of the number.

        Raises:
            ValueError: it is too large, which would become Infinity, or has too large an exponent.
        """
        number = super().__new__(cls, written)
        exponent = written.lower().partition("e")[2]
        if isinf(number) or (exponent and abs(int(exponent)) > _LARGEST_EXPONENT):
            raise ValueError(written)
        number.written = written
        return number

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]
        return (self.written,)

    @property
    def digits(self) -> str:
        """The number as quoted ones are written: unchanged, but for an exponent, which is written out."""
        return format(Decimal(self.written), "f") if "e" in self.written.lower() else self.written


def scalar_text(value: Any) -> str | None:
    """The text that AWS compares for a JSON scalar (true is "true", 1.50 is "1.50"), or None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, WrittenNumber):
        return value.digits
    if isinstance(value, (int, float)):
        return json.dumps(value)
    return None


def json_text(
    value: Any, *, indent: int | None = None, separators: tuple[str, str] | None = None, ensure_ascii: bool = False
) -> str:
    """The JSON text of a value, as json.dumps gives it, with numbers as they were written."""
    numbers: list[str] = []
    marked = _marked(value, numbers)
    text = json.dumps(marked, indent=indent, separators=separators, ensure_ascii=ensure_ascii)
    if not numbers:
        return text
    following = iter(numbers)
    return _STRING_OR_MARK.sub(lambda found: next(following) if found[0] == "NaN" else found[0], text)


def lines_of(value: Any) -> int:
    """How many lines `json_text` with an indent gives a value: each entry its own, and brackets around any."""
    if not isinstance(value, (dict, list)):
        return 1
    count = 2 if value else 1
    for item in value.values() if isinstance(value, dict) else value:
        count += lines_of(item) if isinstance(item, (dict, list)) else 1
    return count


def kind_of(value: Any) -> str:
    """Description of a JSON value, with short scalars shown as written."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    names = {str: "the text", bool: "the boolean", int: "the number", float: "the number", WrittenNumber: "the number"}
    return f"{names.get(type(value), 'the value')} {safe_text(json_text(value, ensure_ascii=True), limit=60)}"


def kind_name(value: Any) -> str:
    """Name of a JSON value's type."""
    if value is None:
        return "null"
    if isinstance(value, float):
        return "a number"
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", int: "a number"}
    return names.get(type(value), type(value).__name__)


def _marked(value: Any, numbers: list[str]) -> Any:
    """The value with a mark, which no JSON has, for each number that goes to `numbers` in the order of the text."""
    if isinstance(value, dict):
        return {key: _marked(item, numbers) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item, numbers) for item in value]
    if isinstance(value, WrittenNumber):
        numbers.append(value.written)
        return nan
    return value


_SLICE: Final = 65_536


def percent_decoded(text: str) -> str:
    """The text without percent-encoding: slice by slice, since urllib makes objects of each escape."""
    data = text.encode("utf-8", "replace")
    decoded = bytearray()
    at = 0
    while at < len(data):
        end = at + _SLICE
        # No escape may be cut.
        begun = data.rfind(b"%", end - 2, end) if end < len(data) else -1
        end = begun if begun >= 0 else end
        decoded += unquote_to_bytes(data[at:end])
        at = end
    return decoded.decode("utf-8", "replace")


# Policy documents as nearly all are, decoded in one step.


ORDINARY: Final = 65_536
"""Characters of a document up to which entries are not counted."""
LONG_ENTRY: Final = 1_024
MOST_PATTERNS: Final = 2_048
"""Most condition values with a question mark or a variable: each is compared character by character."""

_Text: TypeAlias = Annotated[str, Meta(max_length=LONG_ENTRY)]
_Texts: TypeAlias = _Text | tuple[_Text, ...]
_Principals: TypeAlias = Literal["*"] | dict[str, _Text | list[_Text]]
_Scalars: TypeAlias = _Text | bool | list[_Text | bool]


class PlainStatement(Struct, rename="pascal", forbid_unknown_fields=True, omit_defaults=True):
    """A statement without anything that is read in more than one way; conditions without numbers."""

    effect: Literal["Allow", "Deny"]
    sid: str | None = None
    principal: _Principals | None = None
    not_principal: _Principals | None = None
    action: _Texts | None = None
    not_action: _Texts | None = None
    resource: _Texts | None = None
    not_resource: _Texts | None = None
    condition: dict[str, dict[str, _Scalars]] | None = None

    @property
    def excludes_itself(self) -> bool:
        """True if it has elements that exclude each other, or neither of two of which it needs one."""
        return (
            (self.action is None) is (self.not_action is None)
            or (self.resource is not None and self.not_resource is not None)
            or (self.principal is not None and self.not_principal is not None)
        )


def texts_of(entries: str | Iterable[str] | None) -> tuple[str, ...] | None:
    """The entries of an element that may hold one alone, or several; None where it is absent.

    Of equal ones, of which an account has many, one object stays.
    """
    return (intern(entries),) if isinstance(entries, str) else None if entries is None else tuple(map(intern, entries))


class PlainDocument(Struct, rename="pascal", forbid_unknown_fields=True, omit_defaults=True):
    """A policy document with nothing but such statements."""

    statement: PlainStatement | list[PlainStatement]
    version: Literal["2012-10-17", "2008-10-17"] | None = None
    id: str | None = None


_PLAIN: Final = msgspec.json.Decoder(prepared(PlainDocument))
_ENCODER: Final = msgspec.json.Encoder()


def plain_document(text: str) -> PlainDocument | None:
    """The document that a text is; None where it has to be read with care, or refused: it is not, or may not be, plain.

    Of a key that stands twice the decoder takes the last, and leaves out what is null, so that what it took has fewer
    quotes than the text. No text holds a quote here.
    """
    # A value that is a pattern takes four characters: most texts are too short for too many.
    may_be_refused = len(text) > 4 * MOST_PATTERNS and text.count("?") + text.count("${") > MOST_PATTERNS
    if may_be_refused or len(text) > ORDINARY or "\\" in text:
        return None
    try:
        found = _PLAIN.decode(text)
        written = _ENCODER.encode(found)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    if text.count('"') != written.count(b'"'):
        return None
    statements = found.statement if isinstance(found.statement, list) else [found.statement]
    return None if any(one.excludes_itself for one in statements) else found


# Reading JSON objects from outside: a field of the wrong type is as good as none.


def text_in(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""


def dict_in(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under a key, or an empty one."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def list_in(value: Mapping[str, Any], key: str) -> list[Any]:
    found = value.get(key)
    return found if isinstance(found, list) else []


_T = TypeVar("_T")


def one_or_more(values: Sequence[_T]) -> _T | list[_T]:
    """As the elements of a policy have them: one value alone, several in a list."""
    return values[0] if len(values) == 1 else list(values)
