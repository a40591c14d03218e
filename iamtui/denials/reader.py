"""Denial reader: messages, CloudTrail records and decoded messages in whatever is pasted or piped.

JSON is read as such where it is JSON (one value, or one to a line); everything else is searched for messages.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from typing import Any, Final

from iamtui.denials.cloudtrail import is_record, read_record
from iamtui.denials.denial import CALLER_UNKNOWN, Claim, Denial, DenialForm, Findings, SourcePlace, needs_no_resource
from iamtui.denials.messages import messages_in, messages_of
from iamtui.input_files import PORTION, Readable, unpacked
from iamtui.policy.json_text import dict_in, list_in, text_in
from iamtui.problem import Problem

MOST_WHOLE: Final = 4 * 1024 * 1024
"""Characters of a text that are held at once; of a longer one only the part that is looked at."""

MOST_DENIALS: Final = 2_000
"""Different requests that are kept of one text."""

MOST_SUCCESSES: Final = 20
"""Records of calls that were not denied that are kept of a text without a denial: more than a few mean none."""

HEAD: Final = 8_000
"""Characters of a long text that are kept to be shown."""

_CLOUDTRAIL_LISTS: Final = ("Records", "records", "Events", "events", "QueryResultRows", "hits")
_INSIDE: Final = ("detail", "CloudTrailEvent", "message", "@message", "_source", "DecodedMessage")
_DEEPEST: Final = 6
_LONGEST_LINE: Final = 8 * 1024 * 1024
"""Characters of a line that is still read as a JSON record."""


@dataclass(frozen=True, slots=True)
class ReadLog:
    """Findings of a file or a pipe.

    Args:
        head: how it starts, for a look.
    """

    head: str
    lines: int
    findings: Findings


def read_log(stream: Readable, cancelled: Callable[[], bool] = lambda: False) -> ReadLog:
    """Every denial in a file or a pipe of any length, each request once with a count. Memory stays constant.

    Raises:
        Problem: a damaged archive, or no text.
    """
    return _log_of(text_portions(stream), cancelled)


def _log_of(portions: Iterator[str], cancelled: Callable[[], bool] = lambda: False) -> ReadLog:
    counted = _Counted(portions)
    beginning: list[str] = []
    size = 0
    for portion in counted:
        beginning.append(portion)
        size += len(portion)
        if size > MOST_WHOLE:
            break
    text = "".join(beginning)
    if size <= MOST_WHOLE:
        findings = find_denials(text, cancelled)
    else:
        collected = _Collected(cancelled)
        portions = chain((text,), counted)
        if has_records(text):
            collected.add_records(portions)
        else:
            collected.add_lines(portions)
        findings = collected.findings()
    return ReadLog(counted.head, counted.lines, findings)


def denials_as_they_come(stream: Readable, paused: Callable[[], bool]) -> Iterator[Findings]:
    """Denials of a log that is still being written: at each pause those that are new, at the end the rest.

    A JSON document of several lines is read to its end first. Denials that come again are counted in the last
    findings only, where each has its place.

    Args:
        stream: its `read` gives what is there, without waiting for more.
        paused: whether nothing more has come for a moment.

    Raises:
        Problem: a damaged archive, or no text.
    """
    portions = text_portions(stream)
    beginning = next(portions, "")
    if _DOCUMENT.match(beginning) and not _as_json(beginning.partition("\n")[0])[0]:
        yield _log_of(chain((beginning,), portions)).findings
        return
    collected = _Collected(lambda: False)
    rest, handed_out = "", 0
    for portion in chain((beginning,), portions):
        rest += portion
        if not paused() and len(rest) < _LONGEST_LINE:
            continue
        cut = rest.rfind("\n") + 1 or (len(rest) if len(rest) >= _LONGEST_LINE else 0)
        collected.add_following(rest[:cut])
        rest = rest[cut:]
        fresh = collected.denials_from(handed_out)
        handed_out += len(fresh)
        if fresh:
            yield Findings(fresh)
    collected.add_following(rest)
    yield collected.findings()


class _Counted:
    """The portions of a text, counted as they go by."""

    def __init__(self, portions: Iterator[str]) -> None:
        self._portions = portions
        self._breaks = 0
        self._last = ""
        self.head = ""

    def __iter__(self) -> Iterator[str]:
        for portion in self._portions:
            if len(self.head) < HEAD:
                self.head += portion[: HEAD - len(self.head)]
            self._breaks += portion.count("\n")
            self._last = portion[-1:] or self._last
            yield portion

    @property
    def lines(self) -> int:
        return self._breaks + (self._last not in ("", "\n"))


def find_denials(text: str, cancelled: Callable[[], bool] = lambda: False) -> Findings:
    """Every denial in a text, each request once with a count; what was found so far when cancelled.

    Args:
        text: messages, logs, CloudTrail records, in any form.
    """
    collected = _Collected(cancelled)
    found, value = _as_json(text)
    if found:
        _read_value(value, SourcePlace(1, 0), collected, 0)
        if not collected.anything:
            collected.add_messages(text)
    else:
        collected.add_lines((text,))
    return collected.findings()


_NOT_READ: Final = "A record cannot be read as JSON, so only messages in it were found. Is the text whole?"


class _Collected:
    """Findings so far: equal ones are counted, not kept."""

    def __init__(self, cancelled: Callable[[], bool]) -> None:
        self._cancelled = cancelled
        self._denials: dict[tuple[object, ...], Denial] = {}
        self._successes: dict[tuple[object, ...], Denial] = {}
        self._passed_over = 0
        self._counts: dict[tuple[object, ...], int] = {}
        self._left = 0
        self._notes: list[str] = []
        self._start = SourcePlace(1, 0)
        self.records = 0

    @property
    def anything(self) -> bool:
        return bool(self._denials or self._successes)

    def add_following(self, text: str) -> None:
        """Take the messages and records in whole lines that follow those taken before."""
        self.add_lines((text,))
        self._start = SourcePlace(self._start.line + text.count("\n"), self._start.offset + len(text))

    def denials_from(self, first: int) -> tuple[Denial, ...]:
        """Different requests that were denied, without the `first` ones found."""
        return tuple(self._with_counts(self._denials, first))

    def _with_counts(self, found: Mapping[tuple[object, ...], Denial], first: int) -> Iterator[Denial]:
        for key, denial in islice(found.items(), first, None):
            yield denial if self._counts[key] == 1 else replace(denial, count=self._counts[key])

    def add(self, denial: Denial) -> None:
        place, start = denial.place, self._start
        if start.offset:
            place = replace(place, line=start.line - 1 + place.line, offset=start.offset + place.offset)
            denial = replace(denial, place=place)
        key = denial.same_request
        kept, most = (self._denials, MOST_DENIALS) if denial.denied else (self._successes, MOST_SUCCESSES)
        self._passed_over += not denial.denied
        if key in kept:
            self._counts[key] += 1
        elif len(kept) < most:
            kept[key] = denial
            self._counts[key] = 1
        elif denial.denied:
            self._left += 1

    def add_messages(self, text: str, start: SourcePlace | None = None) -> None:
        """Take the messages in a text; `start` is its place when it is a part of another."""
        for denial in messages_in(text, self._cancelled):
            self.add(denial if start is None else replace(denial, place=start))

    def add_lines(self, portions: Iterable[str]) -> None:
        """Take the messages in a text that comes in portions, and the records that are a line of it."""
        for denial in messages_of(self._without_records(portions), self._cancelled):
            self.add(denial)

    def add_records(self, portions: Iterable[str]) -> None:
        """Take the records in the list of a long JSON text; one that breaks off is noted."""
        try:
            for value in records_in(portions):
                if self._cancelled():
                    return
                _read_value(value, SourcePlace(1, 0), self, 1)
        except Problem as problem:
            self._notes.append(problem.sentence)

    def _without_records(self, portions: Iterable[str]) -> Iterator[str]:
        """The text with blanks where a line was a record, which is taken."""
        rest, line, offset = "", 1, 0
        for portion in chain(portions, ("\n",)):
            text = rest + portion
            cut = text.rfind("\n") + 1
            if not cut and len(text) < _LONGEST_LINE:
                rest = text
                continue
            cut = cut or len(text)
            whole, rest = text[:cut], text[cut:]
            yield self._blanked(whole, line, offset)
            line += whole.count("\n")
            offset += len(whole)

    def _blanked(self, text: str, number: int, offset: int) -> str:
        if '"eventName"' not in text:
            return text
        lines = text.split("\n")
        for index, line in enumerate(lines):
            start = line.find("{")
            # A log may put a time in front of the record.
            if 0 <= start < 200 and '"eventName"' in line and line.rstrip().endswith("}"):
                found, value = _as_json(line[start:])
                if found and isinstance(value, dict):
                    _read_value(value, SourcePlace(number + index, offset + start), self, 0)
                    lines[index] = " " * len(line)
            offset += len(line) + 1
        left = "\n".join(lines)
        if '"eventName"' in left and _NOT_READ not in self._notes:
            self._notes.append(_NOT_READ)
        return left

    def findings(self) -> Findings:
        denials = list(self._with_counts(self._denials or self._successes, 0))
        denials.sort(key=lambda denial: denial.place.offset)
        shown = 0 if self._denials else sum(denial.count for denial in denials)
        return Findings(tuple(denials), self.records, self._left, tuple(self._notes), self._passed_over - shown)


def _as_json(text: str) -> tuple[bool, Any]:
    """Parse a text that is one JSON value and can hold records: (True, value), else (False, None)."""
    if not text.lstrip()[:1].startswith(("{", "[")):
        return False, None
    try:
        return True, json.loads(text)
    except (ValueError, RecursionError):
        return False, None


def _read_value(value: Any, place: SourcePlace, collected: _Collected, depth: int) -> None:
    """Take the records in a JSON value: one, a list of them, or what AWS's tools put around them."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        found, inner = _as_json(value)
        if found:
            _read_value(inner, place, collected, depth + 1)
        else:
            collected.add_messages(value, place)
    elif isinstance(value, list):
        row = _row(value)
        for entry in value if row is None else (row,):
            if isinstance(entry, (dict, list)):
                _read_value(entry, place, collected, depth + 1)
    elif isinstance(value, dict):
        if is_record(value):
            collected.records += 1
            collected.add(read_record(value, replace(place, record=collected.records)))
        elif is_decoded(value):
            collected.add(decoded_message(value, place))
        else:
            for key in (*_CLOUDTRAIL_LISTS, *_INSIDE):
                if key in value:
                    _read_value(value[key], place, collected, depth + 1)


def _row(value: list[Any]) -> dict[str, Any] | None:
    """A row of CloudTrail Lake (`[{"eventName": ...}, {"eventSource": ...}]`) as one object."""
    row: dict[str, Any] = {}
    for cell in value:
        if not isinstance(cell, dict) or len(cell) != 1:
            return None
        for key, content in cell.items():
            found, inner = _as_json(content if isinstance(content, str) else "")
            row[key] = inner if found else content
    return row if is_record(row) else None


# Decoded authorization messages


def is_decoded(value: Any) -> bool:
    """True if a JSON value looks like the content of a decoded authorization message."""
    return isinstance(value, dict) and "allowed" in value and isinstance(value.get("context"), dict)


def parse_decoded(text: str, place: SourcePlace) -> Denial | None:
    """The request in the JSON text that sts:DecodeAuthorizationMessage returns; None when it is no such text."""
    found, value = _as_json(text)
    return decoded_message(value, place) if found and is_decoded(value) else None


def decoded_message(value: Mapping[str, Any], place: SourcePlace) -> Denial:
    """The request in a decoded authorization message (STS API reference: DecodeAuthorizationMessage)."""
    context = value["context"]
    caller = text_in(dict_in(context, "principal"), "arn")
    action, resource = text_in(context, "action"), text_in(context, "resource")
    explicit = value.get("explicitDeny") is True
    told = {
        CALLER_UNKNOWN: not caller,
        "It does not say which action was refused.": not action,
        "It does not say on which resource.": not resource and not needs_no_resource(action),
        "It does not name the kind of policy that refused.": True,
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
    items = list_in(value, "items") if isinstance(value, dict) else []
    yield from (item for item in items if isinstance(item, dict))


def _conditions(value: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    for item in _items(value):
        key = text_in(item, "key")
        values = tuple(text_in(one, "value") for one in _items(item.get("values")))
        if ":" in key and values:
            yield key, values


# The text of a log of any length, in pieces: unpacked and decoded as it is read, never held as a whole.


_LARGEST_RECORD: Final = 1024 * 1024
"""Characters; CloudTrail cuts an event at 256 kB. Nested objects take forty times as much when they are read."""

_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")

_DOCUMENT: Final = re.compile(r'\s*(?:\{\s*["}]|\[\s*[\[{"\]])')
"""How a JSON document begins; a log may begin with a date in brackets."""

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
    for portion in iter(partial(unpacked(stream).read1, PORTION), b""):
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
    """True if a long text is JSON with a list of objects whose first one is whole in its beginning."""
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
    for portion in chain(portions, ("",)):
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
