"""CloudTrail events as structs: who called what, decoded without the rest, and lists and lines of them in portions."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

import msgspec

from iamtui.problem import Problem
from iamtui.typed_json import prepared

NO_JSON: Final = msgspec.Raw()


class Event(msgspec.Struct, gc=False):
    """One event, or a row of a query that counts several.

    What is nested stays as it was written: most of it repeats from event to event.

    Args:
        inner: the event as text, of `aws cloudtrail lookup-events` and of CloudWatch Logs.
        detail: the event itself, of EventBridge.
        count: how many events it stands for; more than one only in a row of a query.
        first, last: the times of the first and last of them, where that is told.
        cut: whether its parameters or resources are not all that was recorded, as in a row of kept requests.
        folded: whether the key of its object is what the keys of several begin with, and a `*`.
        lost: LEFT_OUT or UNREAD for what kept requests lack, of which only the name and the number are known.
    """

    eventSource: str | None = None  # noqa: N815 - CloudTrail's names, here and below
    eventName: str | None = None  # noqa: N815
    eventTime: str | None = None  # noqa: N815
    eventType: str | None = None  # noqa: N815
    eventID: str | None = None  # noqa: N815
    sharedEventID: str | None = None  # noqa: N815
    awsRegion: str | None = None  # noqa: N815
    recipientAccountId: str | None = None  # noqa: N815
    sourceIPAddress: str | None = None  # noqa: N815
    userAgent: str | None = None  # noqa: N815
    errorCode: str | None = None  # noqa: N815
    errorMessage: str | None = None  # noqa: N815
    vpcEndpointId: str | None = None  # noqa: N815
    vpcEndpointAccountId: str | None = None  # noqa: N815
    userIdentity: msgspec.Raw = NO_JSON  # noqa: N815
    requestParameters: msgspec.Raw = NO_JSON  # noqa: N815
    resources: msgspec.Raw = NO_JSON
    eventContext: msgspec.Raw = NO_JSON  # noqa: N815
    tlsDetails: msgspec.Raw = NO_JSON  # noqa: N815
    detail: msgspec.Raw = NO_JSON
    inner: str | None = msgspec.field(default=None, name="CloudTrailEvent")
    message: str | None = None
    count: int = msgspec.field(default=1, name="iamtui:count")
    first: str = msgspec.field(default="", name="iamtui:first")
    last: str = msgspec.field(default="", name="iamtui:last")
    cut: bool = msgspec.field(default=False, name="iamtui:cut")
    folded: bool = msgspec.field(default=False, name="iamtui:folded")
    lost: str = msgspec.field(default="", name="iamtui:lost")


LEFT_OUT, UNREAD = "left out", "unread"
"""Events of more distinct requests than are held, and files, or entries in them, that could not be read."""

UNREADABLE: Final = (msgspec.MsgspecError, RecursionError, ValueError)
"""Exceptions raised when bytes from outside are decoded."""

_EVENT: Final = msgspec.json.Decoder(prepared(Event))
_EVENTS: Final = msgspec.json.Decoder(prepared(list[Event]))
NESTED: Final = frozenset(("userIdentity", "requestParameters", "resources", "eventContext", "tlsDetails"))
TEXTS: Final = tuple(
    field.name
    for field in msgspec.structs.fields(Event)
    if field.type == (str | None) and field.name not in ("inner", "message")
)
_MOST_WRAPPED: Final = 3
_MOST_REMEMBERED: Final = 50_000
_MOST_REMEMBERED_BYTES: Final = 16 * 1024 * 1024


T = TypeVar("T")


class Remembered(dict[bytes | str, T]):
    """Bounded memo of decoded texts: all of it is dropped when there are too many, or too large.

    Most nested fields are small and repeat; a hostile trail has another of megabytes in each event.
    """

    def __init__(self) -> None:
        super().__init__()
        self._size = 0

    def keep(self, text: bytes | str, made: T) -> T:
        size = sys.getsizeof(text)
        if len(self) >= _MOST_REMEMBERED or self._size + size > _MOST_REMEMBERED_BYTES:
            self.clear()
            self._size = 0
        self._size += size
        self[text] = made
        return made


def events_of_list(entries: bytes) -> list[Event]:
    """The events of a JSON list without its brackets.

    Raises:
        UNREADABLE: one is damaged, or has a field of another type.
    """
    return _EVENTS.decode(b"[" + entries + b"]")


def events_of_lines(lines: bytes) -> list[Event]:
    """The events of which each is a line; raises as `events_of_list`."""
    return _EVENT.decode_lines(lines)


def event_of(data: bytes | str, wrapped: int = 0) -> Event | None:
    """One event, taken out of what AWS's tools put around it; None where it is damaged, or no event.

    A field of the wrong type is as good as none.
    """
    try:
        event = _EVENT.decode(data)
    except UNREADABLE:
        try:
            event = event_from(msgspec.json.decode(data))
        except UNREADABLE:
            return None
    return unwrapped(event, wrapped)


def unwrapped(event: Event, wrapped: int = 0) -> Event | None:
    """The event itself, or the one in it; None where there is neither. It counts once, whatever it says."""
    event.count, event.first, event.last, event.folded, event.lost = 1, "", "", False, ""
    if event.eventName is not None and event.eventSource is not None:
        return event
    inside = event.inner or event.message or bytes(event.detail)
    return event_of(inside, wrapped + 1) if inside and wrapped < _MOST_WRAPPED else None


def event_from(value: Any) -> Event:
    """The event that a decoded JSON object is, whatever the types of its fields.

    Raises:
        Problem: it is not an object.
    """
    if not isinstance(value, dict):
        raise Problem("This is not an event.")
    fields: dict[str, Any] = {name: value[name] for name in TEXTS if isinstance(value.get(name), str)}
    for name in (*NESTED, "detail"):
        if value.get(name) is not None:
            fields[name] = msgspec.Raw(msgspec.json.encode(value[name]))
    inner = value.get("CloudTrailEvent")
    return Event(**fields, inner=inner if isinstance(inner, str) else None)


def whole_events(events: Iterable[Event]) -> Iterator[Event | None]:
    """The events, each taken out of what is around it; None for each that is no event."""
    for event in events:
        alone = event.eventName is not None and event.eventSource is not None and not event.last and event.count == 1
        yield event if alone and not event.folded and not event.lost else unwrapped(event)


# JSON in portions. What is written as CloudTrail writes it is cut at the events and decoded many at once. Anything
# else, and whatever is damaged, is cut by its brackets, one event at a time.


LARGEST_EVENT: Final = 4 * 1024 * 1024
"""Bytes of an event that is still read: CloudTrail's own have at most 1 MB, and twice that as text in another."""

_MOST_HELD: Final = 4 * 1024 * 1024
"""Bytes that are decoded at once."""

_LISTS: Final = rb'"(?:Records|records|Events|events|logEvents)"'
_HEAD: Final = re.compile(rb"\{[^{}\[\]]{0,4096}?" + _LISTS + rb"\s{0,64}:\s{0,64}\[")
_CUT: Final = b'},{"eventVersion":'
"""Where one event ends and another begins: inside of a text the quote would have a backslash in front of it. Within
a list in an event the brackets of what is cut off do not match, so that it is not decoded."""

_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[{}\[\]]', re.DOTALL)
_STRAY: Final = re.compile(rb"\b(?!(?:null|true|false)\b)[A-Za-z_]{2,}|[^\x00-\x7f]")
"""Characters that valid JSON cannot have outside its strings."""

_QUOTE: Final = ord('"')
_LIST: Final = ord("[")
_LIST_END: Final = ord("]")
_CLOSING: Final = b"]}"


def is_json(beginning: bytes) -> bool:
    return beginning.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


class JsonEvents:
    """Events of a JSON text, a list at a time; None in it is an entry that is no event, or is damaged.

    Args:
        read: the next portion; none at the end.
        beginning: what has been read already.
    """

    def __init__(self, read: Callable[[], bytes], beginning: bytes) -> None:
        self._read = read
        self._buffer = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
        self._lists = 0  # that have begun and not ended
        self._wrappers = 0  # objects around them
        self._name = b""  # the last text within one of these, behind its list
        self._has_more = False

    def __iter__(self) -> Iterator[list[Event | None]]:
        """Read them.

        Raises:
            Problem: an event is larger than what is read, or the text ends within one.
        """
        head = _HEAD.match(self._buffer)
        if head is not None:
            self._buffer = self._buffer[head.end() :]
            self._lists = self._wrappers = 1
            yield from self._of_list()
        else:
            yield from self._of_lines()
        more = True
        while more:
            # As many as were read at once, so that progress can be told.
            entries, taken = self._entries()
            yield entries
            self._buffer = self._buffer[taken:]
            if len(self._buffer) > LARGEST_EVENT:
                raise Problem("It holds an event, or something else, of more than 4 MB.", "Is it a trail?")
            portion = self._read()
            more = bool(portion)
            self._buffer += portion
        if self._buffer.strip(b" \t\r\n,]}"):
            raise Problem("It ends within an event, or something else follows the last one.", "Fetch it again.")
        if self._lists:
            raise Problem("It ends within its list of events.", "Fetch it again.")
        if self._has_more:
            raise Problem("It is one page of several: it ends with a NextToken.", "Fetch the pages behind it, too.")

    def _of_list(self) -> Iterator[list[Event | None]]:
        """Events as CloudTrail writes a list of them; leaves what is to be cut by its brackets."""
        while True:
            cut = self._buffer.rfind(_CUT)
            if cut >= 0:
                events = _tried(events_of_list, self._buffer[: cut + 1])
                if events is None:
                    return
                self._buffer = self._buffer[cut + 2 :]
                yield events
            elif len(self._buffer) > _MOST_HELD:
                return
            portion = self._read()
            if not portion:
                break
            self._buffer += portion
        end = self._buffer.rstrip()
        events = _tried(events_of_list, end[:-2]) if end.endswith(b"]}") else None
        if events is not None:
            self._buffer = b""
            self._lists = self._wrappers = 0
            yield events

    def _of_lines(self) -> Iterator[list[Event | None]]:
        """Events of which each is a line; leaves what is to be cut by its brackets."""
        while True:
            cut = self._buffer.rfind(b"\n") + 1
            if cut:
                events = _tried(events_of_lines, self._buffer[:cut])
                if events is None:
                    return
                self._buffer = self._buffer[cut:]
                yield events
            elif len(self._buffer) > _MOST_HELD:
                return
            portion = self._read()
            if not portion:
                return
            self._buffer += portion

    def _entries(self) -> tuple[list[Event | None], int]:
        """The outermost objects in what was read, or those of the list in one; and how much of the text they took.

        None stands for an object that is no event, and for what is none between them.
        """
        data = self._buffer
        entries: list[Event | None] = []
        at = taken = depth = 0
        begun: int | None = None
        while (token := _TOKEN.search(data, at)) is not None:
            before, (start, at) = at, token.span()
            kind = data[start]
            if kind == _QUOTE and (at - start < 2 or data[at - 1] != _QUOTE):
                break  # its end has not been read
            if not depth and _STRAY.search(data, before, start) is not None:
                entries.append(None)
            if kind == _QUOTE:
                if not depth:
                    taken = at
                    if self._lists or not self._wrappers:
                        entries.append(None)
                    else:
                        self._has_more = self._has_more or self._name == b'"NextToken"'
                        self._name = token[0]
            elif kind in _CLOSING:
                if not depth:
                    self._close(kind, entries)
                depth = max(0, depth - 1)
                if not depth:
                    if begun is not None:
                        entries.append(event_of(data[begun:at]))
                        begun = None
                    taken = at
            elif depth:
                depth += 1
            elif kind == _LIST:
                taken = at
                self._lists += 1
            elif (head := _HEAD.match(data, start)) is not None:
                taken = at = head.end()
                self._lists += 1
                self._wrappers += 1
                self._name, self._has_more = b"", False
            else:
                begun, depth = start, 1
        return entries, taken

    def _close(self, kind: int, entries: list[Event | None]) -> None:
        """Go on behind a bracket that ends a list or what is around it, or what began where nobody read."""
        if kind == _LIST_END and self._lists:
            self._lists -= 1
        elif kind != _LIST_END and self._wrappers:
            self._wrappers -= 1
        else:
            entries.append(None)


def _tried(decode: Callable[[bytes], list[Event]], data: bytes) -> list[Event | None] | None:
    try:
        return list(whole_events(decode(data)))
    except UNREADABLE:
        return None
