"""CloudTrail events as rows of Parquet, for which pyarrow is needed: the extra "activity"."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any, Final

from iamtui.activity.events import LARGEST_EVENT, Event
from iamtui.activity.tables import COUNT, Rows, column_name, is_wanted
from iamtui.input_files import LARGEST_RATIO, pyarrow_module
from iamtui.problem import Problem

PARQUET_MAGIC: Final = b"PAR1"

_ROWS: Final = 1_024
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
            yield from _of_parquet(arrow, again)
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


def _of_parquet(arrow: Any, file: IO[bytes]) -> Iterator[list[Event | None]]:
    opened = _opened(arrow, file)
    wanted = [name for name in opened.schema_arrow.names if is_wanted(column_name(name))]
    if not {"eventsource", "eventname"} <= {column_name(name) for name in wanted}:
        raise Problem("It is Parquet without the columns eventSource and eventName.", "Is it a trail?")
    rows, plain = Rows(wanted), opened.metadata.schema.to_arrow_schema()
    for batch in opened.iter_batches(_ROWS, columns=wanted):
        read = [batch.column(name) for name in wanted]
        if sum(_size(arrow, column) for column in read) > LARGEST_EVENT + _LONG_ROW * batch.num_rows:
            raise Problem("It has values that are too long.", "Is it a trail?")
        whole = (column.cast(plain.field(name).type).to_pylist() for name, column in zip(wanted, read, strict=True))
        yield [rows.event(row) for row in zip(*whole, strict=True)]


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
