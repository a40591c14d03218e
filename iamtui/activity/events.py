"""CloudTrail events as structs: the fields that say who called what, decoded without the rest."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar

import msgspec

from iamtui.problem import Problem

NO_JSON: Final = msgspec.Raw()


class Event(msgspec.Struct, gc=False):
    """One event, or a row of a query that stands for several.

    What is nested stays as it was written: most of it repeats from event to event.

    Args:
        inner: the event as text, of `aws cloudtrail lookup-events` and of CloudWatch Logs.
        detail: the event itself, of EventBridge.
        count: how many events it stands for; more than one only in a row of a query.
        first, last: the times of the first and last of them, where that is told.
        cut: whether its parameters or resources are not all that was recorded, as in a row of kept requests.
    """

    eventSource: str | None = None  # noqa: N815 - CloudTrail's names, here and below
    eventName: str | None = None  # noqa: N815
    eventTime: str | None = None  # noqa: N815
    eventType: str | None = None  # noqa: N815
    eventID: str | None = None  # noqa: N815
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


UNREADABLE: Final = (msgspec.MsgspecError, RecursionError, ValueError)
"""What decoding of bytes from outside raises."""

_EVENT: Final = msgspec.json.Decoder(Event)
_EVENTS: Final = msgspec.json.Decoder(list[Event])
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
    """What was made of texts that come again and again: all of it is forgotten when there are too many, or too large.

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
    event.count, event.first, event.last = 1, "", ""
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
        yield event if alone else unwrapped(event)
