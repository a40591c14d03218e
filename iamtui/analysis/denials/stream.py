"""The text of a log of any length, in pieces: unpacked and decoded as it is read, never held as a whole."""

from __future__ import annotations

import codecs
import itertools
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

from iamtui.input_files import PORTION
from iamtui.problem import Problem

LARGEST_RATIO: Final = 100
"""How many times its size an archive may unpack to: logs shrink to a tenth or a twentieth, and 1,032 is gzip's best."""

_ANY_RATIO: Final = 4 * 1024 * 1024
"""Bytes up to which it may unpack to any multiple."""

_SLICE: Final = 4096
_LARGEST_RECORD: Final = 1024 * 1024
"""Characters; CloudTrail cuts an event at 256 kB. Nested objects take forty times as much when they are read."""
_GZIP: Final = b"\x1f\x8b"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_LIST: Final = re.compile(
    r'\s{0,64}(?:\[|\{.{0,4096}?"(?:Records|records|Events|events)"\s{0,64}:\s{0,64}\[)', re.DOTALL
)
_BETWEEN: Final = re.compile(r"[\s,]*")


class Readable(Protocol):
    """A file or a pipe, open for bytes."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        ...


def text_portions(stream: Readable) -> Iterator[str]:
    """The text in a file or a pipe, portion by portion, unpacked when it is gzip (CloudTrail's files in S3).

    Raises:
        Problem: a damaged archive, or no text.
    """
    data = stream.read(PORTION)
    raw = _read_on(data, stream)
    portions = _unpacked(raw) if data.startswith(_GZIP) else raw
    decoder: codecs.IncrementalDecoder | None = None
    for portion in portions:
        if decoder is None:
            name = "utf-16" if portion[:2] in _UTF_16 else "utf-8-sig"
            decoder = codecs.getincrementaldecoder(name)(errors="replace")
        text = decoder.decode(portion)
        if text.count("\0") > len(text) // 100 + 1 or text.count("\ufffd") > len(text) // 5 + 1000:
            raise Problem("This is no text.", "Give a log, a message, or CloudTrail records (JSON, also as .gz).")
        yield text
    if decoder is not None:
        yield decoder.decode(b"", final=True)


def _read_on(data: bytes, stream: Readable) -> Iterator[bytes]:
    while data:
        yield data
        data = stream.read(PORTION)


def _unpacked(portions: Iterable[bytes]) -> Iterator[bytes]:
    """The text of every member of a gzip file, which may be several behind each other, in large portions.

    Raises:
        Problem: it is damaged, or unpacks to LARGEST_RATIO times its size and more.
    """
    gathered = bytearray()
    problem: Problem | None = None
    texts = _texts_of_members(portions)
    while True:
        try:
            text = next(texts, None)
        except Problem as error:
            text, problem = None, error
        if text is not None:
            gathered += text
        if gathered and (text is None or len(gathered) >= PORTION):
            yield bytes(gathered)
            gathered.clear()
        if problem is not None:
            raise problem
        if text is None:
            return


def _texts_of_members(portions: Iterable[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    read = given = 0
    data = b""
    try:
        # What is behind a member is copied for each member: small slices keep that small.
        for piece in (portion[at : at + _SLICE] for portion in portions for at in range(0, len(portion), _SLICE)):
            data += piece
            read += len(piece)
            while data:
                if unpacker.eof:
                    if data == _GZIP[:1]:
                        # The next member begins at the end of this piece.
                        break
                    if not data.startswith(_GZIP):
                        return
                    unpacker = zlib.decompressobj(wbits=31)
                text = unpacker.decompress(data, PORTION)
                data = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
                given += len(text)
                if given > max(_ANY_RATIO, LARGEST_RATIO * (read - len(data))):
                    raise Problem(
                        f"The gzip file unpacks to more than {LARGEST_RATIO} times its size.",
                        "If it is a log all the same, give its text: gunzip -c FILE | iamtui explain -",
                    )
                yield text
    except zlib.error:
        raise Problem("The gzip file is damaged.", "Fetch it again.") from None
    if not unpacker.eof:
        raise Problem("The gzip file ends too early.", "Fetch it again.")


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
