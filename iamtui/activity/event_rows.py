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

from iamtui.activity.events import LARGEST_EVENT, LEFT_OUT, NESTED, NO_JSON, TEXTS, UNREAD, Event, Remembered
from iamtui.denials.cloudtrail import DENIED_WORDS
from iamtui.input_files import LARGEST_RATIO, pyarrow_module
from iamtui.problem import Problem
from iamtui.text import safe_text

COUNT, FIRST, LAST, CUT = "events", "first_time", "last_time", "cut"
"""Columns of rows for several events, and of rows that lack part of what was recorded.

The last says in which way: FOLDED, LEFT_OUT or UNREAD, or otherwise than that.
"""

FOLDED: Final = "folded"

_ROWS: Final = 512
_MOST_EVENTS: Final = 10**15
"""Most events of one row; Python prints no number of more than 4,300 digits."""

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


def column_name(column: str) -> str:
    return column.strip().lower().replace(".", "_").replace(" ", "")


def is_csv(beginning: bytes) -> bool:
    """True where the first line names columns of CloudTrail."""
    line = beginning.partition(b"\n")[0][:65_536].decode("utf-8-sig", "replace")
    try:
        names = {column_name(cell) for cell in next(csv.reader([line]), [])}
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
        made = Rows(next(rows, []))
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


class Rows:
    """Rows of one table, made to events.

    Raises:
        Problem: which calls were denied is in no column, or in two.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        named = [column_name(column) for column in columns]
        place = {name: index for index, name in enumerate(named)}
        twice = next((name for name in named if named.count(name) > 1 and is_wanted(name)), "")
        if twice:
            raise Problem(f"It has two columns called {safe_text(twice, limit=128)}.", "Name each of them once.")
        if "errorcode" not in place:
            raise Problem("It has no column errorCode, which says what AWS denied.", "Select it, too.")
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
            _mark(given, _text(row[self._cut]))
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


def _mark(given: dict[str, Any], text: str) -> None:
    """Say of an event in which way it does not tell all that was recorded."""
    marks = {mark.strip() for mark in text.lower().split(",")} - {"false"}
    given["folded"] = FOLDED in marks
    given["lost"] = next((mark for mark in (LEFT_OUT, UNREAD) if mark in marks), "")
    given["cut"] |= bool(marks - {FOLDED})


def _moment(text: str) -> str:
    """A time as CloudTrail writes it, where it can be read."""
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
    """JSON as it is, or Athena's text of a struct: `{type=IAMUser, arn=..., sessioncontext={...}}`."""
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


def is_wanted(column: str) -> bool:
    known = column in _TEXT_COLUMNS or column in _NESTED_COLUMNS or column in (COUNT, FIRST, LAST, CUT)
    return known or any(column.startswith(f"{name}_") for name in _NESTED_COLUMNS)


# The same, made by the Athena of an account: a query that collapses events, whose result is read as any table.


OF_ADDRESSES: Final = ("aws:sourceip", "aws:vpcsourceip", "aws:viaawsservice")
ENCODED: Final = "ncoded authorization failure message:"

_TABLE: Final = re.compile(r"[A-Za-z0-9_]{1,128}(?:\.[A-Za-z0-9_]{1,128}){0,2}")
_TOKENS: Final = "nextToken|NextToken|marker|clientToken|clientRequestToken|sequenceToken|continuation-token|uploadId"
_RESOURCE: Final = (
    """concat('{"ARN":"', replace(replace(coalesce(r.arn, ''), '\\', '\\\\'), '"', '\\"'), """
    """'","accountId":"', coalesce(r.accountid, ''), '","type":"', coalesce(r.type, ''), '"}')"""
)
_IDENTITY: Final = (
    "type", "arn", "accountid", "invokedby", "onbehalfof.userid", "sessioncontext.sessionissuer.arn",
    "sessioncontext.webidfederationdata.federatedprovider", "sessioncontext.ec2roledelivery",
)  # fmt: skip


def athena_query(table: str, since: str, keys: frozenset[str] = frozenset()) -> str:
    """A query of CloudTrail's table in Athena (CloudTrail User Guide: create the table) that collapses its events.

    Args:
        table: its name, with those of a catalog and a database or without.
        since: the time of the first event, as CloudTrail writes it.
        keys: condition keys whose values are to be told, in lower case.

    Raises:
        Problem: the name is not one of a table.
    """
    if not _TABLE.fullmatch(table):
        raise Problem(f"{safe_text(table, limit=256)} is not the name of a table.", "Write it as DATABASE.TABLE.")
    columns = ["eventsource", "eventname", "eventtype", "awsregion", "recipientaccountid", "errorcode"]
    columns += [f"useridentity.{path} AS useridentity_{path.replace('.', '_')}" for path in _IDENTITY]
    columns.append("substr(useridentity.accesskeyid, 1, 4) AS useridentity_accesskeyid")
    for name in ("principalid", "username"):
        kinds = "'SAMLUser', 'WebIdentityUser', 'AWSAccount'"
        columns.append(f"CASE WHEN useridentity.type IN ({kinds}) THEN useridentity.{name} END AS useridentity_{name}")
    attributes = "useridentity.sessioncontext.attributes"
    asked = {
        "mfaauthenticated": ("aws:multifactorauthpresent", "aws:multifactorauthage"),
        "creationdate": ("aws:tokenissuetime",),
    }
    for name, of_it in asked.items():
        if not keys.isdisjoint(of_it):
            columns.append(f"{attributes}.{name} AS useridentity_sessioncontext_attributes_{name}")
    if not keys.isdisjoint(OF_ADDRESSES):
        columns.append("sourceipaddress")
    if "aws:useragent" in keys:
        columns.append("useragent")
    refused = "|".join(DENIED_WORDS)
    message = f"split_part(errormessage, '{ENCODED}', 1)"
    columns += [
        "vpcendpointid",
        "vpcendpointaccountid",
        f"""regexp_replace(requestparameters, '"(?:{_TOKENS})":"[^"]*"', '"nextToken":""') AS requestparameters""",
        f"concat('[', array_join(transform(resources, r -> {_RESOURCE}), ','), ']') AS resources",
        """CASE WHEN tlsdetails.tlsversion IS NOT NULL THEN '{"tlsVersion":"TLS"}' END AS tlsdetails""",
        f"CASE WHEN regexp_like(replace(lower(errorcode), '.', ''), '{refused}') THEN {message} END AS errormessage",
    ]
    places = ", ".join(str(number) for number in range(1, len(columns) + 1))
    columns += [f"count(*) AS {COUNT}", f"min(eventtime) AS {FIRST}", f"max(eventtime) AS {LAST}"]
    listed = ",\n  ".join(columns)
    return f"SELECT\n  {listed}\nFROM {table}\nWHERE eventtime >= '{since}'\nGROUP BY {places}"


# CloudTrail events as rows of Parquet, for which pyarrow is needed: the extra "activity".


PARQUET_MAGIC: Final = b"PAR1"

_PARQUET_ROWS: Final = 1_024
_LONG_ROW: Final = 64 * 1024
"""Bytes of a row, where all are long: CloudTrail's events have 256 KB at most."""

_SMALL: Final = 16 * 1024 * 1024
_SIZE_OF_ONE: Final = 8
"""Bytes of a value beside its text."""


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
        try:
            opened = _opened(arrow, again)
            wanted = [name for name in opened.schema_arrow.names if is_wanted(column_name(name))]
            if not {"eventsource", "eventname"} <= {column_name(name) for name in wanted}:
                raise Problem("It is Parquet without the columns eventSource and eventName.", "Is it a trail?")
            rows, plain = Rows(wanted), opened.metadata.schema.to_arrow_schema()
            for batch in opened.iter_batches(_PARQUET_ROWS, columns=wanted):
                read = [batch.column(name) for name in wanted]
                if sum(_size(arrow, column) for column in read) > LARGEST_EVENT + _LONG_ROW * batch.num_rows:
                    raise Problem("It has values that are too long.", "Is it a trail?")
                whole = (
                    column.cast(plain.field(name).type).to_pylist() for name, column in zip(wanted, read, strict=True)
                )
                yield [rows.event(row) for row in zip(*whole, strict=True)]
        except (arrow.ArrowException, OSError, ValueError, LookupError, OverflowError):
            # What pyarrow raises of bytes that are not what they should be.
            raise Problem("It is damaged.", "Fetch it again.") from None


def _opened(arrow: Any, file: IO[bytes]) -> Any:
    """The file opened by pyarrow, as far as its footer says that it can be held."""
    file.seek(-8, os.SEEK_END)
    length, magic = file.read(4), file.read()
    if magic == PARQUET_MAGIC and int.from_bytes(length, "little") > _SMALL:
        raise Problem("It has more parts than are read.", "Is it a trail?")
    file.seek(0)
    metadata = arrow.parquet.read_metadata(file)
    parts = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    chunks = [part.column(index) for part in parts for index in range(part.num_columns)]
    for chunk in chunks:
        if chunk.total_uncompressed_size > max(_SMALL, LARGEST_RATIO * chunk.total_compressed_size):
            raise Problem(f"It unpacks to more than {LARGEST_RATIO} times its size.", "Is it a trail?")
    # A text that stands in many rows is held once, so that its rows can be measured before they are made.
    texts = {chunk.path_in_schema for chunk in chunks if chunk.physical_type == "BYTE_ARRAY"}
    texts -= {chunk.path_in_schema for chunk in chunks if any("DELTA" in name for name in chunk.encodings)}
    return arrow.parquet.ParquetFile(file, metadata=metadata, read_dictionary=[*texts], pre_buffer=False)


def _size(arrow: Any, column: Any) -> int:
    """Bytes of the values of a column, repeated values counted each time."""
    size = _SIZE_OF_ONE * len(column)
    if arrow.types.is_dictionary(column.type):
        lengths = arrow.compute.binary_length(column.dictionary).take(column.indices)
        return size + (arrow.compute.sum(lengths).as_py() or 0)
    if arrow.types.is_struct(column.type):
        return size + sum(_size(arrow, one) for one in column.flatten())
    return size + (_size(arrow, column.flatten()) if arrow.types.is_nested(column.type) else int(column.nbytes))


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
