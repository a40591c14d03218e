"""Reading denials out of anything that is pasted or piped: messages, CloudTrail records, decoded messages.

JSON is read as such where it is JSON (one value, or one to a line); everything else is searched for messages.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from iamtui.analysis.cloudtrail import is_record, read_record
from iamtui.analysis.denial import CALLER_UNKNOWN, Claim, Denial, DenialForm, Findings, Place
from iamtui.analysis.denial_messages import messages_in
from iamtui.problem import Problem

MOST_BYTES: Final = 32 * 1024 * 1024
"""The largest text that is read, unpacked."""

MOST_DENIALS: Final = 2_000
"""Different requests that are kept of one text."""

_GZIP: Final = b"\x1f\x8b"
_CLOUDTRAIL_LISTS: Final = ("Records", "records", "Events", "events", "QueryResultRows", "hits")
_INSIDE: Final = ("detail", "CloudTrailEvent", "message", "@message", "_source", "DecodedMessage")
_DEEPEST: Final = 6


def text_of(data: bytes) -> str:
    """The text in a file or a pipe, unpacked when it is gzip (CloudTrail's files in S3).

    Raises:
        Problem: too large, a damaged archive, or no text.
    """
    if data.startswith(_GZIP):
        data = _unpacked(data)
    if len(data) > MOST_BYTES:
        raise Problem(
            f"The text has more than the {MOST_BYTES // 1024 // 1024} MB that are read.",
            "Give the part with the denial.",
        )
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    text = data.decode("utf-8-sig", errors="replace")
    if text.count("\0") > len(text) // 100 + 1:
        raise Problem("This is no text.", "Give a log, a message, or CloudTrail records (JSON, also as .gz).")
    return text


def _unpacked(data: bytes) -> bytes:
    """Every member of a gzip file, which may be several behind each other."""
    parts: list[bytes] = []
    room = MOST_BYTES + 1
    try:
        while data.startswith(_GZIP) and room > 0:
            unpacker = zlib.decompressobj(wbits=31)
            part = unpacker.decompress(data, room)
            parts.append(part)
            room -= len(part)
            if not unpacker.eof and room > 0:
                raise Problem("The gzip file ends too early.", "Fetch it again.")
            data = unpacker.unused_data
    except zlib.error:
        raise Problem("The gzip file is damaged.", "Fetch it again.") from None
    return b"".join(parts)


def find_denials(text: str, cancelled: Callable[[], bool] = lambda: False) -> Findings:
    """Every denial in a text, each request once with a count; what was found so far when cancelled.

    Args:
        text: messages, logs, CloudTrail records, in any form; more than MOST_BYTES characters are cut.
    """
    notes: tuple[str, ...] = ()
    if len(text) > MOST_BYTES:
        text = text[:MOST_BYTES]
        notes = (f"Only the first {MOST_BYTES // 1024 // 1024} MB were read.",)
    collected = _Collected(cancelled)
    found, value = _as_json(text)
    if found:
        _read_value(value, Place(1, 0), collected, 0)
        if not collected.anything:
            collected.add_messages(text)
    elif not _read_lines(text, collected):
        collected.add_messages(text)
    return collected.findings(notes)


class _Collected:
    """Findings so far: equal ones are counted, not kept."""

    def __init__(self, cancelled: Callable[[], bool]) -> None:
        self._cancelled = cancelled
        self._denials: dict[tuple[object, ...], Denial] = {}
        self._counts: dict[tuple[object, ...], int] = {}
        self._left = 0
        self.records = 0

    @property
    def anything(self) -> bool:
        return bool(self._denials)

    def add(self, denial: Denial) -> None:
        key = denial.same_request
        if key in self._denials:
            self._counts[key] += 1
        elif len(self._denials) >= MOST_DENIALS:
            self._left += 1
        else:
            self._denials[key] = denial
            self._counts[key] = 1

    def add_messages(self, text: str, start: Place | None = None) -> None:
        """Take the messages in a text; `start` is its place when it is a part of another."""
        found, left = messages_in(text, self._cancelled)
        self._left += left
        for denial in found:
            self.add(denial if start is None else replace(denial, place=start))

    def findings(self, notes: tuple[str, ...]) -> Findings:
        denials = tuple(
            denial if self._counts[key] == 1 else replace(denial, count=self._counts[key])
            for key, denial in self._denials.items()
        )
        return Findings(denials, self.records, self._left, notes)


def _as_json(text: str) -> tuple[bool, Any]:
    """Whether a text is one JSON value that can hold records, and the value."""
    if not text.lstrip()[:1].startswith(("{", "[")):
        return False, None
    try:
        return True, json.loads(text)
    except (ValueError, RecursionError):
        return False, None


def _read_lines(text: str, collected: _Collected) -> bool:
    """Read JSON lines; lines that are none are searched for messages. False when no line is a JSON object."""
    rest: list[str] = []
    offset, any_json = 0, False
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        start = line.find("{")
        value = None
        # A log may put a time in front of the record.
        if 0 <= start < 200 and line.rstrip().endswith("}") and '"eventName"' in line:
            found, value = _as_json(line[start:])
            if found and isinstance(value, dict):
                any_json = True
                _read_value(value, Place(number, offset + start), collected, 0)
            else:
                value = None
        rest.append(" " * (len(line) - 1) + "\n" if value is not None else line)
        offset += len(line)
    if any_json:
        collected.add_messages("".join(rest))
    return any_json


def _read_value(value: Any, place: Place, collected: _Collected, depth: int) -> None:
    """Take the records in a JSON value: one, a list of them, or what AWS's tools put around them."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        _read_text_in_json(value, place, collected, depth)
    elif isinstance(value, list):
        _read_list(value, place, collected, depth)
    elif isinstance(value, dict):
        if is_record(value):
            collected.records += 1
            collected.add(read_record(value, replace(place, record=collected.records)))
        elif is_decoded(value):
            collected.add(decoded_message(value, place))
        else:
            _read_wrapper(value, place, collected, depth)


def _read_list(value: list[Any], place: Place, collected: _Collected, depth: int) -> None:
    row = _row(value)
    if row is not None:
        _read_value(row, place, collected, depth + 1)
        return
    for entry in value:
        if isinstance(entry, (dict, list)):
            _read_value(entry, place, collected, depth + 1)


def _row(value: list[Any]) -> dict[str, Any] | None:
    """A row of CloudTrail Lake (`[{"eventName": ...}, {"eventSource": ...}]`) as one object."""
    row: dict[str, Any] = {}
    for cell in value:
        if not isinstance(cell, dict) or len(cell) != 1:
            return None
        for key, content in cell.items():
            row[key] = _cell(content)
    return row if is_record(row) else None


def _cell(content: Any) -> Any:
    """A cell's text, as JSON where it is JSON."""
    if isinstance(content, str) and content[:1] in ("{", "["):
        found, value = _as_json(content)
        return value if found else content
    return content


def _read_wrapper(value: dict[str, Any], place: Place, collected: _Collected, depth: int) -> None:
    for key in (*_CLOUDTRAIL_LISTS, *_INSIDE):
        if key in value:
            _read_value(value[key], place, collected, depth + 1)


def _read_text_in_json(value: str, place: Place, collected: _Collected, depth: int) -> None:
    found, inner = _as_json(value)
    if found:
        _read_value(inner, place, collected, depth + 1)
    else:
        collected.add_messages(value, place)


# Decoded authorization messages


def is_decoded(value: Any) -> bool:
    """Whether a JSON value looks like the content of a decoded authorization message."""
    return isinstance(value, dict) and "allowed" in value and isinstance(value.get("context"), dict)


def parse_decoded(text: str, place: Place) -> Denial | None:
    """The request in the JSON text that sts:DecodeAuthorizationMessage returns; None when it is no such text."""
    found, value = _as_json(text)
    return decoded_message(value, place) if found and is_decoded(value) else None


def decoded_message(value: Mapping[str, Any], place: Place) -> Denial:
    """The request in a decoded authorization message (STS API reference: DecodeAuthorizationMessage)."""
    context = value["context"]
    principal = context.get("principal")
    principal = principal if isinstance(principal, dict) else {}
    caller, action, resource = (
        _string(principal.get("arn")),
        _string(context.get("action")),
        _string(context.get("resource")),
    )
    explicit = value.get("explicitDeny") is True
    told = {
        CALLER_UNKNOWN: not caller,
        "It does not say which action was refused.": not action,
        "It does not say on which resource.": not resource,
        "It does not say which kind of policy refused.": True,
    }
    statements = len(list(_items(value.get("matchedStatements"))))
    notes = (f"AWS matched {statements} statements for it.",) if statements else ()
    return Denial(
        DenialForm.DECODED,
        place,
        caller,
        action,
        resource,
        Claim("explicit" if explicit else "implicit") if value.get("allowed") is not True else Claim(),
        denied=value.get("allowed") is not True,
        context=dict(_conditions(context.get("conditions"))),
        unknown=tuple(sentence for sentence, missing in told.items() if missing),
        notes=notes,
    )


def _items(value: Any) -> Iterator[dict[str, Any]]:
    items = value.get("items") if isinstance(value, dict) else None
    if isinstance(items, list):
        yield from (item for item in items if isinstance(item, dict))


def _conditions(value: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    for item in _items(value):
        key = _string(item.get("key"))
        values = tuple(_string(one.get("value")) for one in _items(item.get("values")))
        if ":" in key and values:
            yield key, values


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
