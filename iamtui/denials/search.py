"""Search for AccessDenied messages in a text, piece by piece, and which words belong to which message."""

from __future__ import annotations

import codecs
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from iamtui.denials.denial import Denial, SourcePlace
from iamtui.denials.messages import ANCHORS, BARE_ANCHORS, DenialSpan, read_message
from iamtui.denials.text import SearchableText
from iamtui.input_files import PORTION, Readable, unpacked
from iamtui.problem import Problem

PIECE: Final = 96 * 1024
"""Characters that are searched at once."""
_BEFORE_PIECE: Final = 4 * 1024
_AFTER_PIECE: Final = 48 * 1024
"""How much of a text in front of and behind a piece is looked at with it: more than any message reaches."""

_TO_MESSAGE: Final = 160
"""How far in front of a message its error code may stand, as in the fields of a JSON or XML error."""


def messages_in(text: str, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Denial]:
    """Every access-denied message in a text, in order; the same one as often as it stands there."""
    return messages_of((text,), cancelled)


def messages_of(portions: Iterable[str], cancelled: Callable[[], bool] = lambda: False) -> Iterator[Denial]:
    """Every access-denied message in a text that comes in portions, of which no more than a few are held.

    It is searched in pieces, so that no single step keeps other threads waiting.
    """
    for piece in _pieces(portions):
        if cancelled():
            return
        for denial in _messages(SearchableText(piece.text)):
            offset = piece.start + denial.place.offset
            if piece.first <= offset < piece.last:
                yield replace(denial, place=SourcePlace(piece.line - 1 + denial.place.line, offset))


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a text, with what stands around it: messages that start from `first` to before `last` are its own.

    Args:
        start: its place in the whole text, and `line` the line that it starts in.
    """

    text: str
    start: int
    line: int
    first: int
    last: float


def _pieces(portions: Iterable[str]) -> Iterator[_Piece]:
    buffer = ""
    start = first = 0
    line = 1
    for portion in portions:
        buffer += portion
        at = 0
        while first + PIECE + _AFTER_PIECE - start < len(buffer):
            last = first + PIECE
            yield _Piece(buffer[at : last + _AFTER_PIECE - start], start + at, line, first, last)
            inside = last - _BEFORE_PIECE - start
            # No line ends in sight: cut anywhere.
            following = max(buffer.rfind("\n", at, inside) + 1, at)
            following = following if following > at else inside
            line += buffer.count("\n", at, following)
            at, first = following, last
        buffer, start = buffer[at:], start + at
    yield _Piece(buffer, start, line, first, math.inf)


def _messages(text: SearchableText) -> list[Denial]:
    told = list(_spans(text, ANCHORS, []))
    spans = [*told, *_spans(text, BARE_ANCHORS, told)]
    spans.sort(key=lambda span: span.start)
    return [span.denial for span in spans]


def _spans(text: SearchableText, anchors: tuple[str, ...], taken: list[DenialSpan]) -> Iterator[DenialSpan]:
    """The messages at some anchors, none of them in a part that is taken, and no code that belongs to one."""
    floor = following = 0
    last: DenialSpan | None = None
    for at, anchor in _hits(text.lowered, anchors):
        while following < len(taken) and taken[following].end <= at:
            last = _later(last, taken[following])
            following += 1
        floor = max(floor, last.end if last is not None else 0)
        if at < floor:
            continue
        if anchor in BARE_ANCHORS and (
            (last is not None and _follows(text, at, last))
            or (following < len(taken) and _leads_to(text, at, anchor, taken[following]))
        ):
            continue
        span = read_message(text, at, anchor, floor)
        if span is None:
            continue
        last = _later(last, span)
        floor = max(floor, span.end, at + 1)
        yield span


def _later(one: DenialSpan | None, other: DenialSpan) -> DenialSpan:
    return other if one is None or other.end >= one.end else one


_FIELD: Final = re.compile(r"(?:code|type|name|reason|error)[\"']?[:=>]{1,2}[\"']?[a-z.#]{0,60}$")


def _follows(text: SearchableText, at: int, span: DenialSpan) -> bool:
    """Whether a code belongs to the message in front of it: on its line, or as a field of the same error."""
    if at >= span.tail:
        return False
    same_line = text.line_of(text.flat_at(span.end - 1)) == text.line_of(text.flat_at(at))
    return same_line or _FIELD.search(text.lowered[max(at - 80, 0) : at]) is not None


def _leads_to(text: SearchableText, at: int, anchor: str, span: DenialSpan) -> bool:
    """Whether a code belongs to the message behind it: as another field of the same error, mostly."""
    if span.start <= at:
        return True
    if text.lowered.startswith("anerroroccurred(", max(at - 16, 0)) or text.lowered.startswith("anerror", at):
        # The CLI's own words stand right in front of their message: this is another one.
        return False
    if any(text.lowered.find(word, at + len(anchor), span.start) >= 0 for word in BARE_ANCHORS):
        # The code has words of its own behind it.
        return False
    return span.start - at < _TO_MESSAGE


def _hits(lowered: str, anchors: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Where an anchor stands, in order; the places of each anchor are found one after the other."""
    following = {anchor: lowered.find(anchor) for anchor in anchors}
    while True:
        live = [(at, anchor) for anchor, at in following.items() if at >= 0]
        if not live:
            return
        at, anchor = min(live)
        yield at, anchor
        following[anchor] = lowered.find(anchor, at + 1)


# The text of a log of any length, in pieces: unpacked and decoded as it is read, never held as a whole.


_LARGEST_RECORD: Final = 1024 * 1024
"""Characters; CloudTrail cuts an event at 256 kB. Nested objects take forty times as much when they are read."""
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_LIST: Final = re.compile(
    r'\s{0,64}(?:\[|\{.{0,4096}?"(?:Records|records|Events|events)"\s{0,64}:\s{0,64}\[)', re.DOTALL
)
_BETWEEN: Final = re.compile(r"[\s,]*")


def text_portions(stream: Readable) -> Iterator[str]:
    """The text in a file or a pipe, portion by portion, unpacked when it is packed (CloudTrail's files in S3 are).

    Raises:
        Problem: a damaged archive, or no text.
    """
    decoder: codecs.IncrementalDecoder | None = None
    for portion in iter(partial(unpacked(stream).read, PORTION), b""):
        if decoder is None:
            name = "utf-16" if portion[:2] in _UTF_16 else "utf-8-sig"
            decoder = codecs.getincrementaldecoder(name)(errors="replace")
        text = decoder.decode(portion)
        if text.count("\0") > len(text) // 100 + 1 or text.count("\ufffd") > len(text) // 5 + 1000:
            raise Problem("This is not text.", "Give a log, a message, or CloudTrail records (JSON, also as .gz).")
        yield text
    if decoder is not None:
        yield decoder.decode(b"", final=True)


def has_records(beginning: str) -> bool:
    """Whether a long text is JSON with a list of objects whose first one is whole in its beginning."""
    found = _LIST.match(beginning)
    if found is None:
        return False
    start = _past_space(beginning, found.end())
    try:
        value, _ = json.JSONDecoder().raw_decode(beginning[start : start + _LARGEST_RECORD])
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict)


def records_in(portions: Iterable[str]) -> Iterator[Any]:
    """The entries of the list in a JSON text for which `has_records` holds, one after the other.

    Raises:
        Problem: an entry cannot be read.
    """
    decoder = json.JSONDecoder()
    buffer, at, count, tried = "", -1, 0, 0
    for portion in itertools.chain(portions, ("",)):
        buffer = buffer[max(at, 0) :] + portion
        if at < 0:
            start = _LIST.match(buffer)
            if start is None:
                continue
            at = start.end()
        else:
            at = 0
        # A record that comes in many small portions is not tried with each; with the last it is.
        if portion and len(buffer) - at < 2 * tried:
            continue
        while True:
            at = _past_space(buffer, at)
            if buffer.startswith("]", at):
                return
            try:
                value, end = decoder.raw_decode(buffer, at)
            except (ValueError, RecursionError):
                break
            if end - at > _LARGEST_RECORD:
                break
            at, count = end, count + 1
            yield value
            del value
        tried = len(buffer) - at
        if tried > _LARGEST_RECORD:
            break
    raise Problem(f"The list of records cannot be read behind record {count:,}.", "Is the file whole?")


def _past_space(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found is not None else at
