"""CloudTrail events as rows: results of Athena and of CloudTrail Lake, and kept requests, as CSV or Parquet.

Columns are known by CloudTrail's names in any letter case, and may have those of a struct in them
(`useridentity_sessioncontext_sessionissuer_arn`). A row with a number of `events` stands for so many.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import IO, Any, Final

import msgspec

from iamtui.activity.events import NESTED, NO_JSON, TEXTS, Event, Remembered
from iamtui.activity.json_events import LARGEST_EVENT
from iamtui.input_files import LARGEST_RATIO
from iamtui.problem import Problem
from iamtui.text import safe_text

PARQUET_MAGIC: Final = b"PAR1"

COUNT, FIRST, LAST, CUT = "events", "first_time", "last_time", "cut"
"""Columns of rows that stand for several events, and of those that do not tell all that was recorded."""

_ROWS: Final = 512
_PARQUET_ROWS: Final = 4_096
_MOST_HELD: Final = 256 * 1024 * 1024
"""Bytes of a row group, unpacked, as far as it is read: a page or a dictionary may hold all of a column."""

_AT_ONCE: Final = 16 * 1024 * 1024
"""Bytes of rows that are read at once, if they are as long as most."""

_MOST_AT_ONCE: Final = 128 * 1024 * 1024
_MOST_VALUES: Final = 16 * 1024 * 1024
"""Values of a column in a row group: a list in one row may have any number, which take no room in the file."""

_MOST_EVENTS: Final = 10**15
"""Events that one row may stand for; Python prints no number of more than 4,300 digits."""

_TEXT_COLUMNS: Final = {name.lower(): name for name in TEXTS}
_NESTED_COLUMNS: Final = {name.lower(): name for name in NESTED}
_CAMEL: Final = {
    name.lower(): name
    for name in (
        "principalId",
        "accountId",
        "accessKeyId",
        "userName",
        "invokedBy",
        "identityProvider",
        "sessionContext",
        "sessionIssuer",
        "mfaAuthenticated",
        "creationDate",
        "webIdFederationData",
        "federatedProvider",
        "sourceIdentity",
        "ec2RoleDelivery",
        "onBehalfOf",
        "userId",
        "identityStoreArn",
        "tlsVersion",
        "requestContext",
        "tagContext",
        "principalTags",
        "resourceTags",
    )
}
"""Names of nested fields, which a table of Athena has in lower case."""

_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z| UTC|[+]00:?00)?$")
_NOT_ACCESSIBLE: Final = "Install iamtui[activity], which brings pyarrow, or have the result as CSV."


def _named(column: str) -> str:
    return column.strip().lower().replace(".", "_").replace(" ", "")


def is_csv(beginning: bytes) -> bool:
    """Whether a text has a first line that names columns of CloudTrail."""
    line = beginning.partition(b"\n")[0][:65_536].decode("utf-8-sig", "replace")
    try:
        names = {_named(cell) for cell in next(csv.reader([line]), [])}
    except csv.Error:
        return False
    return {"eventsource", "eventname"} <= names


def csv_events(read: Callable[[], bytes], beginning: bytes) -> Iterator[list[Event | None]]:
    """The events that are rows of a CSV text.

    Raises:
        Problem: a line is longer than what is read, or is damaged.
    """
    if csv.field_size_limit() < LARGEST_EVENT:
        csv.field_size_limit(LARGEST_EVENT)
    lines = _Lines(read, beginning)
    rows = csv.reader(lines, strict=True)
    try:
        made = _Rows(next(rows, []))
        held: list[Event | None] = []
        for row in rows:
            lines.taken = 0
            if row:
                held.append(made.event(row))
            if len(held) == _ROWS:
                yield held
                held = []
        yield held
    except csv.Error as error:
        raise Problem(f"It is not CSV behind line {rows.line_num:,}: {error}.") from None


class _Lines:
    """The lines of a text; those of one row of a table have an end.

    Args:
        read: the next portion; none at the end.
        beginning: what has been read already.
    """

    def __init__(self, read: Callable[[], bytes], beginning: bytes) -> None:
        self.taken = 0
        """Bytes of the lines that were taken since this was set back."""
        self._lines = self._all(read, beginning.removeprefix(b"\xef\xbb\xbf"))

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """The next line.

        Raises:
            Problem: it is longer than what is read, or the row is.
        """
        line = next(self._lines)
        self.taken += len(line)
        if self.taken > LARGEST_EVENT:
            raise Problem("It has a row of more than 4 MB.", "Is it a trail?")
        return line.decode("utf-8", "replace")

    @staticmethod
    def _all(read: Callable[[], bytes], rest: bytes) -> Iterator[bytes]:
        while portion := read():
            *lines, rest = (rest + portion).split(b"\n")
            yield from (line + b"\n" for line in lines)
            if len(rest) > LARGEST_EVENT:
                raise Problem("It has a line of more than 4 MB.", "Is it a trail?")
        yield from (line + b"\n" for line in rest.split(b"\n"))


class _Rows:
    """Rows of one table, made to events.

    Raises:
        Problem: which calls were denied is in no column, or in two.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        named = [_named(column) for column in columns]
        place = {name: index for index, name in enumerate(named)}
        twice = next((name for name in named if named.count(name) > 1 and _is_wanted(name)), "")
        if twice:
            raise Problem(f"It has two columns called {safe_text(twice, limit=128)}.", "Name each of them once.")
        if "errorcode" not in place:
            raise Problem("It has no column errorCode: which calls AWS denied is not told.", "Select it, too.")
        # What is not told is not none: a call may have needed more than is known, and come through an endpoint.
        self._in_part = "requestparameters" not in place
        if "vpcendpointid" not in place:
            place.pop("sourceipaddress", None)
        self._texts = [(place[column], name) for column, name in _TEXT_COLUMNS.items() if column in place]
        self._nested = [(place[column], name) for column, name in _NESTED_COLUMNS.items() if column in place]
        self._parts = [
            (index, name, column[len(lowered) + 1 :].split("_"))
            for index, column in enumerate(named)
            for lowered, name in _NESTED_COLUMNS.items()
            if column.startswith(f"{lowered}_")
        ]
        self._count, self._first, self._last, self._cut = (place.get(name) for name in (COUNT, FIRST, LAST, CUT))
        self._made: Remembered[msgspec.Raw] = Remembered()

    def event(self, row: Sequence[Any]) -> Event | None:
        """The event of a row; None where it is none, or is damaged."""
        try:
            return self._event(row)
        except (IndexError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
            return None

    def _event(self, row: Sequence[Any]) -> Event | None:
        given: dict[str, Any] = {
            name: cell if type(cell) is str else _text(cell) for index, name in self._texts if (cell := row[index])
        }
        if "eventTime" in given:
            given["eventTime"] = _moment(given["eventTime"])
        if not (given.get("eventName") and given.get("eventSource")):
            return None
        for index, name in self._nested:
            if row[index]:
                given[name] = self._raw(row[index])
        if self._parts:
            self._add_parts(row, given)
        given["cut"] = self._in_part
        if self._count is not None:
            cell = row[self._count]
            given["count"] = int(cell) if isinstance(cell, (str, int, float, Decimal)) else 0
            if not 0 < given["count"] <= _MOST_EVENTS:
                return None
        for place, name in ((self._first, "first"), (self._last, "last")):
            if place is not None and row[place]:
                given[name] = _moment(_text(row[place]))
        if self._cut is not None and row[self._cut]:
            given["cut"] |= _text(row[self._cut]).lower() != "false"
        return Event(**given)

    def _raw(self, cell: Any) -> msgspec.Raw:
        if not isinstance(cell, str):
            return _json(_camel(cell))
        found = self._made.get(cell)
        return self._made.keep(cell, _json_of_text(cell)) if found is None else found

    def _add_parts(self, row: Sequence[Any], given: dict[str, Any]) -> None:
        whole: dict[str, dict[str, Any]] = {}
        for index, name, path in self._parts:
            if row[index]:
                inside = whole.setdefault(name, {})
                for step in path[:-1]:
                    inside = inside.setdefault(_CAMEL.get(step, step), {})
                    if not isinstance(inside, dict):
                        raise IndexError(path)
                inside[_CAMEL.get(path[-1], path[-1])] = _text(row[index])
        for name, value in whole.items():
            given.setdefault(name, _json(value))


def _moment(text: str) -> str:
    """A time as CloudTrail writes it, where it can be told."""
    found = _TIME.match(text)
    return text if found is None else f"{found[1]}T{found[2]}Z"


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, datetime):
        moment = cell.astimezone(UTC) if cell.tzinfo is not None else cell
        return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def _json(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _json_of_text(text: str) -> msgspec.Raw:
    """JSON as it stands, or what Athena prints of a struct: `{type=IAMUser, arn=..., sessioncontext={...}}`."""
    if text in ("null", "-"):
        return NO_JSON
    try:
        return _RAW.decode(text).copy()
    except msgspec.MsgspecError:
        value, end = _struct(text, 0)
        if end != len(text):
            raise ValueError(text) from None
        return _json(_camel(value))


_RAW: Final = msgspec.json.Decoder(msgspec.Raw)


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {_CAMEL.get(key, key): _camel(one) for key, one in value.items() if one is not None}
    return [_camel(one) for one in value] if isinstance(value, (list, tuple)) else value


_FIELD: Final = re.compile(r"([A-Za-z0-9]{1,40})=")
_PLAIN: Final = re.compile(r"(.*?)(?=, [A-Za-z0-9]{1,40}=|[}\]])", re.DOTALL)
_DEEPEST: Final = 16


def _struct(text: str, at: int, depth: int = 0) -> tuple[Any, int]:
    """A struct, list or plain value as Athena prints it, and where it ends.

    Raises:
        ValueError: it is none.
    """
    if depth > _DEEPEST:
        raise ValueError(text)
    if text.startswith("{", at):
        fields: dict[str, Any] = {}
        at += 1
        while not text.startswith("}", at):
            named = _FIELD.match(text, at)
            if named is None:
                raise ValueError(text)
            fields[named[1]], at = _struct(text, named.end(), depth + 1)
            at += 2 if text.startswith(", ", at) else 0
        return fields, at + 1
    if text.startswith("[", at):
        entries: list[Any] = []
        at += 1
        while not text.startswith("]", at):
            entry, following = _struct(text, at, depth + 1)
            if following == at:
                raise ValueError(text)
            entries.append(entry)
            at = following + (2 if text.startswith(", ", following) else 0)
        return entries, at + 1
    plain = _PLAIN.match(text, at)
    if plain is None:
        raise ValueError(text)
    return None if plain[1] == "null" else plain[1], plain.end()


# Parquet, for which pyarrow is needed: the extra iamtui[activity].


def pyarrow_module() -> Any:
    """pyarrow with its parquet module.

    Raises:
        Problem: it is not installed.
    """
    try:
        import pyarrow.compute  # not in every installation, and half a second
        import pyarrow.parquet
    except ImportError:
        raise Problem("Parquet cannot be read or written without pyarrow.", _NOT_ACCESSIBLE) from None
    return pyarrow


def parquet_events(file: IO[bytes]) -> Iterator[list[Event | None]]:
    """The events that are rows of a Parquet file.

    Raises:
        Problem: it is damaged or too large, is no table of CloudTrail, or pyarrow is not installed.
    """
    arrow = pyarrow_module()
    descriptor = os.dup(file.fileno())
    with os.fdopen(descriptor, "rb") as again:
        if not again.seekable():
            raise Problem("It is Parquet, which is not read from a pipe.", "Name the file.")
        again.seek(0)
        try:
            yield from _of_parquet(arrow, again)
        except (arrow.ArrowException, OSError, ValueError, IndexError, OverflowError):
            # What pyarrow raises of bytes that are not what they should be.
            raise Problem("It is damaged.", "Fetch it again.") from None


def _of_parquet(arrow: Any, file: IO[bytes]) -> Iterator[list[Event | None]]:
    opened = arrow.parquet.ParquetFile(file)
    schema = opened.schema_arrow
    wanted = [name for name in schema.names if _is_wanted(_named(name))]
    if not {"eventsource", "eventname"} <= {_named(name) for name in wanted}:
        raise Problem("It is Parquet without the columns eventSource and eventName.", "Is it a trail?")
    rows = _Rows(wanted)
    at_once = _rows_at_once(opened, wanted)
    texts = [name for name in wanted if arrow.types.is_string(schema.field(name).type)]
    # A value that stands in many rows is held once.
    opened = arrow.parquet.ParquetFile(file, read_dictionary=texts)
    for batch in opened.iter_batches(batch_size=at_once, columns=wanted):
        if batch.get_total_buffer_size() > _MOST_AT_ONCE:
            raise _too_long()
        columns = [_values(arrow, batch.column(name)) for name in wanted]
        yield [rows.event(row) for row in zip(*columns, strict=True)]


def _too_long() -> Problem:
    return Problem("It has values that are too long.", "Is it a trail?")


def _rows_at_once(opened: Any, wanted: Sequence[str]) -> int:
    """How many rows are read at once.

    Raises:
        Problem: a part of the file takes too much memory.
    """
    paths = [opened.schema.column(index).path for index in range(len(opened.schema))]
    columns = [index for index, path in enumerate(paths) if path in wanted or path.partition(".")[0] in wanted]
    longest = 1
    for number in range(opened.metadata.num_row_groups):
        group = opened.metadata.row_group(number)
        held = [group.column(index) for index in columns]
        size = sum(column.total_uncompressed_size for column in held)
        if size > _MOST_HELD or any(column.num_values > _MOST_VALUES for column in held):
            raise Problem("It has a part of more than 256 MB.", "Write it with smaller row groups.")
        packed = sum(column.total_compressed_size for column in held)
        if size > max(_AT_ONCE, LARGEST_RATIO * packed):
            raise Problem(f"It unpacks to more than {LARGEST_RATIO} times its size.", "Is it a trail?")
        longest = max(longest, size // max(1, group.num_rows))
    return max(1, min(_PARQUET_ROWS, _AT_ONCE // longest))


def _is_wanted(column: str) -> bool:
    known = column in _TEXT_COLUMNS or column in _NESTED_COLUMNS or column in (COUNT, FIRST, LAST, CUT)
    return known or any(column.startswith(f"{name}_") for name in _NESTED_COLUMNS)


def _values(arrow: Any, column: Any) -> Iterable[Any]:
    """The values of a column.

    Raises:
        Problem: one is longer than an event.
    """
    is_dictionary = arrow.types.is_dictionary(column.type)
    held = column.dictionary if is_dictionary else column
    if arrow.types.is_string(held.type) or arrow.types.is_binary(held.type):
        longest = arrow.compute.max(arrow.compute.binary_length(held)).as_py()
        if (longest or 0) > LARGEST_EVENT:
            raise _too_long()
    values = held.to_pylist()
    if not is_dictionary:
        return values  # type: ignore[no-any-return]
    return [None if index is None else values[index] for index in column.indices.to_pylist()]


def write_parquet(file: IO[bytes], portions: Iterable[Mapping[str, list[Any]]]) -> None:
    """Write rows, some at a time, each column as a list of texts or numbers.

    Raises:
        Problem: pyarrow is not installed.
    """
    arrow = pyarrow_module()
    writer = None
    for columns in portions:
        table = arrow.table(
            {
                name: arrow.array(values, arrow.int64() if name == COUNT else arrow.string())
                for name, values in columns.items()
            }
        )
        if writer is None:
            writer = arrow.parquet.ParquetWriter(file, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()
