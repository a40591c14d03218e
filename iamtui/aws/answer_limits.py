"""Limits on an answer and on a listing of them: bytes, seconds and parts, so that no endpoint can hold us up or fill
the memory."""

from __future__ import annotations

import enum
import io
import re
import threading
import time
import xml.parsers.expat
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

import msgspec

from iamtui.typed_json import prepared

# How many parts XML or JSON has and how deeply it is nested, found before a parser builds objects of it.


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

    MANY = "of more than {parts:,} parts"
    DEEP = "nested too deeply"
    UTF_16 = "in UTF-16"
    """Its parts are not counted."""
    DECLARATIONS = "with entities or default attributes"
    """Each may stand for any number of parts."""
    TEXT = f"with a text of more than {LONGEST_TEXT // 1024**2} MiB"
    NAMESPACE = "with too long a namespace"
    """It becomes part of every name."""


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


class AnswerLimits(NamedTuple):
    """What one HTTP answer may have.

    Args:
        size: bytes of its body; all that comes with it may have as many again, and WIRE_OVERHEAD.
        seconds: from the sending of the request to the last byte.
        parts: tags of XML, or brackets and commas of JSON, before a parser builds objects of them.
        listing_size: bytes that all pages of one listing take as text. One wide character makes all of a text take two
            or four times its bytes, for which whole pages are counted so often.
        listing_parts: parts of all pages of one listing, which become objects that are kept.
        listing_pages: pages of one listing, each of which is a request.
        listing_entries: entries of all pages of one listing. AWS's highest quotas make 30,000 of an account.
    """

    size: int
    seconds: float
    parts: int
    listing_size: int = 32 * 1024 * 1024
    listing_parts: int = 400_000
    listing_pages: int = 1_000
    listing_entries: int = 100_000


ORDINARY: Final = AnswerLimits(4 * 1024 * 1024, 20.0, 200_000)
"""The largest real one, a policy of a bucket or key, has 32 kB. Listings, such as of aliases, have thousands of
entries."""

INVENTORY: Final = AnswerLimits(16 * 1024 * 1024, 60.0, 1_000_000, 256 * 1024 * 1024, 4_000_000, 2_000)
"""AWS's largest, pages of GetAccountAuthorizationDetails, have some 2 MB. moto sends an account at AWS's default quotas
as one page, of 14 MB. All of an account at AWS's highest quotas has 80 MB, half as many parts, and some 200 pages."""

ENTITIES: Final = INVENTORY._replace(listing_parts=600_000, listing_pages=1_000)
"""A user has some fifteen parts, a role or an instance profile some forty: no listing of an account at AWS's highest
quotas, or at five times the default ones, has more than 400,000."""

METADATA: Final = AnswerLimits(64 * 1024, 5.0, 1_000)
"""What a machine's own services say about credentials has 2 kB, and comes from nearby."""

_ENTITIES: Final = frozenset((("iam", "ListInstanceProfiles"), ("iam", "ListRoles"), ("iam", "ListUsers")))
"""The listings whose pages hold hundreds of entities, without their policies."""

STORED: Final = AnswerLimits(64 * 1024 * 1024, 120.0, 0)
"""An object of a store: a packed snapshot of an account at AWS's highest quotas has some 10 MB."""

WIRE_OVERHEAD: Final = 1024 * 1024
"""Bytes of status, headers, chunk sizes and trailers, beside as many again as the body may have."""

MOST_CHUNKS: Final = 100_000
"""Pieces in which one answer comes, each of which costs time. Servers send thousands of bytes in one."""

MOST_INTERIM: Final = 100
"""Interim answers (100 Continue) before one answer. AWS sends none, as no request asks for them."""

_PORTION: Final = 256 * 1024
_ESCAPED: Final = re.compile(rb"&#x?0*[0-9A-Fa-f]{3}|\\u")
_TWO_BYTES, _FOUR_BYTES = 0xC4, 0xF0
"""Bytes of UTF-8 from which on a character takes so many in memory."""
_NARROW: Final = bytes(range(_TWO_BYTES))


class AnswerTooLarge(Exception):
    """An endpoint answered with more bytes or interim answers than the limit, which the text names."""


class AnswerTooSlow(Exception):
    """An endpoint did not come to the end of its answer in the time that the text names."""


class AnswerTooComplex(Exception):
    """An endpoint answered with XML or JSON of more parts, or nested more deeply, than any answer of AWS."""


class CurrentCall(threading.local):
    """What counts for the call that the thread is making."""

    limits: AnswerLimits = ORDINARY
    seconds: float = 0
    size: int = ORDINARY.size
    deadline: float = float("inf")
    wire: int = 0
    """Bytes that have come from the socket."""


CURRENT_CALL: Final = CurrentCall()


def limits_for(service: str, operation: str) -> AnswerLimits:
    if (service, operation) == ("iam", "GetAccountAuthorizationDetails"):
        return INVENTORY
    if (service, operation) == ("s3", "GetObject"):
        return STORED
    return ENTITIES if (service, operation) in _ENTITIES else ORDINARY


def read_streamed(body: Any, limits: AnswerLimits) -> bytes:
    """The bytes of an answer that botocore hands on unread.

    Raises:
        AnswerTooLarge, AnswerTooSlow: it is beyond a limit.
    """
    deadline = time.monotonic() + limits.seconds
    found = bytearray()
    try:
        while piece := body.read(_PORTION):
            found += piece
            if len(found) > limits.size:
                raise answer_too_large(limits.size)
            if time.monotonic() > deadline:
                raise AnswerTooSlow(f"{limits.seconds:g} seconds")
    finally:
        body.close()
    return bytes(found)


@contextmanager
def limits_of(service: str, operation: str) -> Iterator[None]:
    """Hold the calling thread's calls to the limits of an operation."""
    before = CURRENT_CALL.limits
    CURRENT_CALL.limits = limits_for(service, operation)
    try:
        yield
    finally:
        CURRENT_CALL.limits = before


def check_deadline() -> None:
    """To be called while an answer comes.

    Raises:
        AnswerTooSlow: it should have come to its end.
    """
    if time.monotonic() > CURRENT_CALL.deadline:
        raise AnswerTooSlow(f"{CURRENT_CALL.seconds:g} seconds")


def count_wire(count: int) -> None:
    """To be told how many bytes came from the socket: what stands around a body may be without end as well.

    Raises:
        AnswerTooLarge: no body within the limit comes with so many.
    """
    CURRENT_CALL.wire += count
    if CURRENT_CALL.wire > 2 * CURRENT_CALL.size + WIRE_OVERHEAD:
        raise answer_too_large(CURRENT_CALL.size)


class CountedReads(io.RawIOBase):
    """A socket's bytes, counted, with a look at the clock before each read: one waits for the read timeout at most."""

    def __init__(self, raw: io.RawIOBase, check: Callable[[], None], count: Callable[[int], None]) -> None:
        super().__init__()
        self._raw = raw
        self._check = check
        self._count = count

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        """Read into a buffer, as far as check and count allow."""
        self._check()
        read = self._raw.readinto(buffer)
        self._count(read or 0)
        return read

    def close(self) -> None:
        """Close the socket's file too."""
        self._raw.close()
        super().close()


def answer_too_large(size: int) -> AnswerTooLarge:
    return AnswerTooLarge(f"{size / 1024**2:g} MiB")


def character_width(body: bytes) -> int:
    """How many bytes a character of its texts takes in memory, at most."""
    # A regular expression that looks at each byte of a page holds the interpreter's lock for more than 10 ms.
    wide = b"" if body.isascii() else body.translate(None, _NARROW)
    if (wide and max(wide) >= _FOUR_BYTES) or ((b"&#" in body or b"\\u" in body) and _ESCAPED.search(body)):
        return 4
    return 2 if wide else 1


def check_markup(body: bytes, limits: AnswerLimits) -> None:
    found = too_much_markup(body, limits.parts)
    if found is not None:
        raise AnswerTooComplex(found.value.format(parts=limits.parts))


def read_here(client: Any) -> tuple[int, int]:
    """Of a limited client's answers that the thread has read so far, the bytes as text at most, and the parts."""
    session = client._endpoint.http_session  # noqa: SLF001 - botocore has no other way
    return session.read_here, session.parts_here


T = TypeVar("T")


def shaped(answer: Any, into: type[T]) -> T:
    """An answer as a type of msgspec.

    Raises:
        msgspec.ValidationError, TypeError: it has another shape.
    """
    plain = msgspec.to_builtins(answer, builtin_types=(bytes,))
    return msgspec.convert(plain, prepared(into))


class Part(msgspec.Struct, Generic[T]):
    """An answer of which one part is needed."""

    value: T


def only(key: str, form: type[T]) -> type[Part[T]]:
    """The shape of an answer of which the part of this name is needed, which must be there."""
    return cast("type[Part[T]]", _part(key, cast("Hashable", form)))


def list_of(key: str, form: type[T]) -> type[Part[list[T]]]:
    """The shape of a page of which the list of this name is needed, which must be there."""
    return cast("type[Part[list[T]]]", _part(key, list.__class_getitem__(form)))


@lru_cache(maxsize=256)
def _part(key: str, form: Hashable) -> type[Any]:
    return msgspec.defstruct("Part", [("value", form, msgspec.field(name=key))])
