"""CloudTrail's JSON in portions: lists of events, events as lines, and values one after the other.

What is written as CloudTrail writes it is cut at the events and decoded many at once. Anything else, and whatever is
damaged, is cut by its brackets, one event at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from iamtui.activity.events import UNREADABLE, Event, event_of, events_of_lines, events_of_list, whole_events
from iamtui.problem import Problem

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
_QUOTE: Final = ord('"')
_LIST: Final = ord("[")
_LIST_END: Final = ord("]")
_CLOSING: Final = b"]}"


def is_json(beginning: bytes) -> bool:
    return beginning.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


class JsonEvents:
    """The events in a JSON text, a list at a time; None in it stands for what is no event, or is damaged.

    Args:
        read: the next portion; none at the end.
        beginning: what has been read already.
    """

    def __init__(self, read: Callable[[], bytes], beginning: bytes) -> None:
        self._read = read
        self._buffer = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
        self._lists = 0  # that have begun and not ended

    def __iter__(self) -> Iterator[list[Event | None]]:
        """Read them.

        Raises:
            Problem: an event is larger than what is read, or the text ends within one.
        """
        head = _HEAD.match(self._buffer)
        if head is not None:
            self._buffer = self._buffer[head.end() :]
            self._lists = 1
            yield from self._of_list()
        else:
            yield from self._of_lines()
        yield from self._by_brackets()

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
            self._lists = 0
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

    def _by_brackets(self) -> Iterator[list[Event | None]]:
        more = True
        while more:
            entries, taken, lists = _entries(self._buffer)
            self._lists = max(0, self._lists + lists)
            # As many as were read at once, so that progress can be told.
            yield [event_of(entry) for entry in entries]
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


def _tried(decode: Callable[[bytes], list[Event]], data: bytes) -> list[Event | None] | None:
    try:
        return list(whole_events(decode(data)))
    except UNREADABLE:
        return None


def _entries(data: bytes) -> tuple[list[bytes], int, int]:
    """The outermost objects in a JSON text, or the objects of the list in one; and how much of the text they took.

    Last, how many lists around them begin, less those that end.
    """
    entries: list[bytes] = []
    at = taken = depth = lists = 0
    begun: int | None = None
    while (token := _TOKEN.search(data, at)) is not None:
        start, at = token.span()
        kind = data[start]
        if kind == _QUOTE:
            if at - start < 2 or data[at - 1] != _QUOTE:
                break  # its end has not been read
        elif kind in _CLOSING:
            lists -= not depth and kind == _LIST_END
            depth = max(0, depth - 1)
            if not depth:
                if begun is not None:
                    entries.append(data[begun:at])
                    begun = None
                taken = at
        elif depth:
            depth += 1
        elif kind == _LIST:
            taken = at
            lists += 1
        elif (head := _HEAD.match(data, start)) is not None:
            taken = at = head.end()
            lists += 1
        else:
            begun, depth = start, 1
    return entries, taken, lists
