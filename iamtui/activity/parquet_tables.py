"""CloudTrail events as rows of Parquet, read in bounded memory; for which pyarrow is needed: the extra "activity".

The footer of a file is not taken on trust: pages say themselves what they take, before they are unpacked.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import IO, Any, Final

from iamtui.activity.events import LARGEST_EVENT, Event
from iamtui.activity.tables import COUNT, Rows, column_name, is_wanted
from iamtui.input_files import LARGEST_RATIO
from iamtui.problem import Problem
from iamtui.text import safe_text

PARQUET_MAGIC: Final = b"PAR1"

_PARQUET_ROWS: Final = 4_096
_MOST_HELD: Final = 256 * 1024 * 1024
"""Bytes of a row group, unpacked, as far as it is read: a page or a dictionary may hold all of a column."""

_AT_ONCE: Final = 16 * 1024 * 1024
"""Bytes of rows that are read at once, if they are as long as most."""

_MOST_IN_PAGES: Final = 96 * 1024 * 1024
"""Bytes of the largest page and the dictionary of each column, unpacked: they and what is made of them are held at
once. Most programs make pages of one MB, DuckDB of all that a row group has of a column."""

_LONG_ROW: Final = 64 * 1024
"""Bytes of a row, where all are long: CloudTrail's events have 256 KB at most."""

_BUFFER: Final = 1024 * 1024
_LARGEST_FOOTER: Final = 16 * 1024 * 1024
_LONGEST_FIXED: Final = 64
"""Bytes of each value of a column whose values all have the same length, as numbers."""

_USUAL_HEADER: Final = 256
_LONGEST_HEADER: Final = 1024 * 1024
_DICTIONARY: Final = 2
_SECOND_VERSION: Final = 3
_HEADERS: Final = {0: 5, _DICTIONARY: 7, _SECOND_VERSION: 8}
"""By the type of a page, the field with what only that type says: a page of data, a dictionary, newer data."""

_DEEPEST: Final = 4
_TRUE_OR_FALSE: Final = (1, 2)
_INTEGER: Final = 5
_LONG_INTEGER: Final = 6
_TEXT: Final = 8
_STRUCT: Final = 12
"""Types of Thrift's fields."""

_SHARED_BEGINNINGS: Final = (6, 7)
"""DELTA_LENGTH_BYTE_ARRAY, which pyarrow reads in part, and DELTA_BYTE_ARRAY, whose values begin as the ones before:
a short page may hold any number of long ones."""

_SIZE_OF_ONE: Final = 8
"""Bytes of a value beside its text."""

_MOST_VALUES: Final = 16 * 1024 * 1024
"""Values of a column in a row group: a list in one row may have any number, which take no room in the file."""

_NOT_ACCESSIBLE: Final = (
    "Install the extra that brings pyarrow (from a checkout: pipx install --force '.[activity]'), "
    "or have the result as CSV."
)


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
        except (arrow.ArrowException, OSError, ValueError, LookupError, OverflowError):
            # What pyarrow raises of bytes that are not what they should be.
            raise Problem("It is damaged.", "Fetch it again.") from None


def _of_parquet(arrow: Any, file: IO[bytes]) -> Iterator[list[Event | None]]:
    _check_footer(file)
    opened = arrow.parquet.ParquetFile(file)
    wanted = [name for name in opened.schema_arrow.names if is_wanted(column_name(name))]
    if not {"eventsource", "eventname"} <= {column_name(name) for name in wanted}:
        raise Problem("It is Parquet without the columns eventSource and eventName.", "Is it a trail?")
    rows = Rows(wanted)
    read = _columns_read(opened.schema, wanted)
    texts = [one for one in read.values() if one.physical_type == "BYTE_ARRAY"]
    as_dictionaries = _opened(arrow, file, texts)
    # Of a list, one row may have any number of the values: each is held once.
    opened = _opened(arrow, file, [one for one in texts if one.max_repetition_level])
    for number in range(opened.num_row_groups):
        longest = _longest_row(opened.metadata.row_group(number), read, file)
        part = {"row_groups": [number], "columns": wanted}
        for batch in islice(as_dictionaries.iter_batches(batch_size=1, **part), 1):
            first = [_Column(arrow, batch.column(name)) for name in wanted]
            if max(column.size for column in first) > LARGEST_EVENT:
                raise _too_long()
            longest += sum(column.longest for column in first)
        at_once = max(1, min(_PARQUET_ROWS, _AT_ONCE // longest))
        expanded, most = 0, _MOST_HELD
        for batch in opened.iter_batches(batch_size=at_once, **part):
            columns = [_Column(arrow, batch.column(name)) for name in wanted]
            expanded += sum(column.size for column in columns)
            most += _LONG_ROW * batch.num_rows
            if expanded > most:
                raise _too_long()
            yield from _events(columns, rows)


def _columns_read(schema: Any, wanted: Sequence[str]) -> dict[int, Any]:
    """The columns of Parquet that are wanted, or are parts of such, by their places."""
    columns = ((index, schema.column(index)) for index in range(len(schema)))
    return {index: one for index, one in columns if one.path in wanted or one.path.partition(".")[0] in wanted}


def _opened(arrow: Any, file: IO[bytes], texts: Iterable[Any]) -> Any:
    """A file whose columns are read as they are needed, and some as dictionaries: each value once."""
    paths = [one.path for one in texts]
    return arrow.parquet.ParquetFile(file, read_dictionary=paths, buffer_size=_BUFFER, pre_buffer=False)


def _events(columns: Sequence[_Column], rows: Rows) -> Iterator[list[Event | None]]:
    events = (rows.event(row) for row in zip(*(column.values() for column in columns), strict=True))
    portion = 1 if any(column.is_large for column in columns) else _PARQUET_ROWS
    while some := [*islice(events, portion)]:
        yield some


def _too_long() -> Problem:
    return Problem("It has values that are too long.", "Is it a trail?")


def _longest_row(group: Any, read: Mapping[int, Any], file: IO[bytes]) -> int:
    """Bytes of a row where rows are longest, by the average of their pages, without values in dictionaries.

    Args:
        read: the columns, by their places.

    Raises:
        Problem: a part of the row group takes too much memory, or is in a form that is not read.
    """
    held = size = packed = longest = 0
    for index, column in read.items():
        chunk = group.column(index)
        pages = _Pages(file, chunk)
        held += pages.size if column.max_repetition_level else pages.largest + pages.dictionary
        size += pages.size
        packed += chunk.total_compressed_size
        longest += pages.longest
        if held > _MOST_IN_PAGES:
            raise Problem("Its pages take more than 96 MB at once.", "Write it with smaller pages, or row groups.")
        if size > _MOST_HELD or pages.values > _MOST_VALUES:
            raise Problem("It has a part of more than 256 MB.", "Write it with smaller row groups.")
        if size > max(_AT_ONCE, LARGEST_RATIO * packed):
            raise Problem(f"It unpacks to more than {LARGEST_RATIO} times its size.", "Is it a trail?")
        if column.length > _LONGEST_FIXED or not pages.encodings.isdisjoint(_SHARED_BEGINNINGS):
            name = safe_text(column.path, limit=128)
            raise Problem(f"Its column {name} is in a form that is not read.", "Have it as CSV.")
    return longest + 1


def _check_footer(file: IO[bytes]) -> None:
    """Refuse a footer that is too large to hold; its length precedes the last four bytes."""
    file.seek(-8, os.SEEK_END)
    end = file.read(8)
    if end[4:] == PARQUET_MAGIC and int.from_bytes(end[:4], "little") > _LARGEST_FOOTER:
        raise Problem("It has more parts than are read.", "Is it a trail?")
    file.seek(0)


class _Pages:
    """Sizes of the pages of a column in a row group, from their own headers: the footer may be untrue.

    Raises:
        ValueError, LookupError: they are damaged.
    """

    def __init__(self, file: IO[bytes], chunk: Any) -> None:
        self.size = self.largest = self.dictionary = self.values = self.longest = 0
        self.encodings: set[object] = set()
        at = chunk.data_page_offset
        if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < at:
            at = chunk.dictionary_page_offset
        end = at + chunk.total_compressed_size
        while at < end:
            header, length = _page_header(file, at, end)
            kind, unpacked, packed = (header[number, _INTEGER] for number in (1, 2, 3))
            inside = header.get((_HEADERS.get(kind, 0), _STRUCT), {})
            values = inside.get((1, _INTEGER), 0)
            if min(unpacked, packed, values) < 0:
                raise ValueError
            self.size += unpacked
            if kind == _DICTIONARY:
                self.dictionary += unpacked
            else:
                self.largest = max(self.largest, unpacked)
                self.values += values
                self.longest = max(self.longest, unpacked // max(1, values))
            self.encodings.add(inside.get((4 if kind == _SECOND_VERSION else 2, _INTEGER)))
            at += length + packed


def _page_header(file: IO[bytes], at: int, end: int) -> tuple[dict[tuple[int, int], Any], int]:
    """The header of a page by the numbers and types of its fields (parquet.thrift), and its length."""
    size = _USUAL_HEADER
    while True:
        file.seek(at)
        data = file.read(min(size, end - at))
        try:
            return _thrift(data, 0)
        except IndexError:
            if len(data) < size or size > _LONGEST_HEADER:
                raise
            size *= 16


def _thrift(data: bytes, at: int, depth: int = 0) -> tuple[dict[tuple[int, int], Any], int]:
    """A struct in Thrift's compact form, as page headers have it, and where it ends.

    Raises:
        IndexError: it goes on behind the end.
        ValueError: it is none, or has something that no page header has.
    """
    fields: dict[tuple[int, int], Any] = {}
    number = 0
    while kind := data[at]:
        at += 1
        number += kind >> 4
        kind &= 15
        if (number, kind) in fields or depth > _DEEPEST:
            raise ValueError(number)
        value: Any = None
        if kind in (_INTEGER, _LONG_INTEGER):
            value, at = _varint(data, at)
            value = (value >> 1) ^ -(value & 1)
            if kind == _INTEGER and not -(1 << 31) <= value < 1 << 31:
                raise ValueError(value)
        elif kind == _TEXT:
            length, at = _varint(data, at)
            at += length
        elif kind == _STRUCT:
            value, at = _thrift(data, at, depth + 1)
        elif kind not in _TRUE_OR_FALSE:
            raise ValueError(kind)
        fields[number, kind] = value
    return fields, at + 1


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError(at)


class _Column:
    """A column of some rows. Where its texts were read as dictionaries, few there may be many in the rows.

    Raises:
        Problem: its values are longer than events.
    """

    def __init__(self, arrow: Any, column: Any) -> None:
        self._arrow = arrow
        self._column = column
        self._lengths: dict[tuple[int, ...], Any] = {}
        self.size = self._size(column)
        """Bytes of the values, repeated ones counted each time."""
        self.is_large = self.size > _AT_ONCE
        """True where the rows are read in pieces."""

    @property
    def longest(self) -> int:
        """Bytes of the longest text of each dictionary, together."""
        return sum(self._arrow.compute.max(lengths).as_py() or 0 for lengths in self._lengths.values())

    def _size(self, column: Any, path: tuple[int, ...] = ()) -> int:
        types, compute = self._arrow.types, self._arrow.compute
        size = _SIZE_OF_ONE * len(column)
        if types.is_dictionary(column.type):
            if path not in self._lengths:
                self._lengths[path] = compute.binary_length(column.dictionary)
            return size + (compute.sum(self._lengths[path].take(column.indices)).as_py() or 0)
        if types.is_struct(column.type):
            return size + sum(self._size(one, (*path, place)) for place, one in enumerate(column.flatten()))
        if types.is_nested(column.type):
            return size + self._size(column.flatten(), (*path, 0))
        return size + int(column.nbytes)

    def values(self) -> Iterator[Any]:
        if not self.is_large:
            yield from self._column.to_pylist()
            return
        for index in range(len(self._column)):
            one = self._column.slice(index, 1)
            if self._size(one) > LARGEST_EVENT:
                raise _too_long()
            yield from one.to_pylist()


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
