"""Events of megabytes each: what is held of them is bounded, and what is left out is counted."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iamtui.activity import distinct_requests, events
from iamtui.activity.event_rows import csv_events, parquet_events
from iamtui.activity.trails import Trails
from iamtui.problem import Problem
from iamtui.workspace.activity.used import read_trails
from tests.support.external_tools import optional_module
from tests.support.slow import one_quick

_MB = 1024 * 1024
_EVENTS = 40
_USER = "arn:aws:iam::111122223333:user/ana"


def _event(**fields: Any) -> dict[str, Any]:
    identity = {"type": "IAMUser", "arn": _USER, "accountId": "111122223333"}
    event = {"eventSource": "s3.amazonaws.com", "eventName": "GetObject", "userIdentity": identity}
    return {**event, "awsRegion": "eu-west-1", "eventTime": "2026-11-01T00:00:00Z", **fields}


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct_requests, "_MOST_HELD", 4 * _MB)
    monkeypatch.setattr(events, "_MOST_REMEMBERED_BYTES", 4 * _MB)


@pytest.mark.slow
@pytest.mark.usefixtures("little_room")
@one_quick("where", ["key", "eventName", "awsRegion", "eventTime", "errorCode", "caller", "text", "role"])
def test_memory_does_not_grow_with_their_texts(where: str, tmp_path: Path) -> None:
    with (tmp_path / "trail.json").open("w") as file:
        for number in range(_EVENTS):
            long = str(number) + "x" * 2 * _MB
            session = {"sessionIssuer": {"arn": long}}
            fields: dict[str, Any] = {
                "key": {"requestParameters": {"key": long, "Key": [long[:2_000]] * 900}},
                "caller": {"userIdentity": {"type": "IAMUser", "arn": long, "also": _USER}},
                "text": {"userIdentity": {"type": "IAMUser", "arn": _USER, "also": long}},
                "role": {"userIdentity": {"type": "AssumedRole", "arn": "a/b", "sessionContext": session}},
            }.get(where, {where: long})
            file.write(json.dumps(_event(**fields)) + "\n")
    tracemalloc.start()
    try:
        read = read_trails([str(tmp_path)])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 48 * _MB
    held = sum(request.count for some in read.requests.values() for request in some)
    assert held + read.left_out.total() == _EVENTS
    assert all(len(name) < 1_000 for name in read.left_out)


@pytest.mark.slow
def test_fields_of_a_table_that_are_large_are_not_all_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_MOST_REMEMBERED_BYTES", 4 * _MB)
    rows = (f'{{""key"":""{number}{"x" * 2 * _MB}""}}' for number in range(_EVENTS))
    portions = (f's3.amazonaws.com,GetObject,,"{row}"\n'.encode() for row in rows)
    monkeypatch.setattr("iamtui.activity.event_rows._ROWS", 1)
    tracemalloc.start()
    try:
        read = csv_events(lambda: next(portions, b""), b"eventSource,eventName,errorCode,requestParameters\n")
        assert sum(len(some) for some in read) == _EVENTS
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 48 * _MB


def test_what_many_requests_have_in_common_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct_requests, "_MOST_HELD", 400_000)
    collector = distinct_requests.RequestCollector()
    identity = {"type": "IAMUser", "arn": _USER, "identityProvider": "x" * 100_000}
    for number in range(100):
        event = _event(userIdentity=identity, requestParameters={"key": f"k{number}"})
        collector.add([events.event_from(event)])
    assert len(collector) == 100
    assert not collector.left_out


def test_a_row_that_stands_for_absurdly_many_events_is_none() -> None:
    rows = "".join(
        f"s3.amazonaws.com,GetObject,,{count}\n" for count in ("7", "9" * 16, "9" * 4_300, "-1", "9" * 5_000)
    )
    portions = iter([rows.encode()])
    (found,) = csv_events(lambda: next(portions, b""), b"eventSource,eventName,errorCode,events\n")
    assert [one and one.count for one in found] == [7, None, None, None, None]


def test_a_row_without_end_is_not_held() -> None:
    # Each line ends the quoted field before it, and begins another.
    line = '","'.join(f"{number:08}" for number in range(80_000)) + '","\n'
    portions = iter([line.encode()] * 40)
    with pytest.raises(Problem, match="row of more than 4 MB"):
        list(csv_events(lambda: next(portions, b""), b'eventSource,eventName,errorCode\n"'))


ROW: dict[str, Any] = {"eventSource": ["s3.amazonaws.com"], "eventName": ["GetObject"], "errorCode": [""]}


@pytest.fixture
def parquet_file(tmp_path: Path) -> Callable[..., Path]:
    arrow = optional_module("pyarrow")
    parquet = optional_module("pyarrow.parquet")

    def write(rows: int = 1, *, options: dict[str, Any] | None = None, **columns: Any) -> Path:
        table = arrow.table({name: values * rows for name, values in ROW.items()} | columns)
        parquet.write_table(table, tmp_path / "a.parquet", compression="zstd", **(options or {}))
        return tmp_path / "a.parquet"

    return write


def _refused(path: Path) -> str:
    with path.open("rb") as file, pytest.raises(Problem) as caught:
        list(parquet_events(file))
    return caught.value.sentence


@pytest.mark.slow
def test_a_column_of_parquet_with_one_huge_value_is_not_held(parquet_file: Callable[..., Path]) -> None:
    arrow = optional_module("pyarrow")
    too_long = "It has values that are too long."
    assert _refused(parquet_file(userAgent=["x" * 5 * _MB])) == too_long
    assert _refused(parquet_file(userAgent=["x" * 5 * _MB], options={"use_dictionary": False})) == too_long
    assert _refused(parquet_file(resources=[[{"arn": "x" * 1_000}] * 5_000])) == too_long
    assert _refused(parquet_file(resources=arrow.array([[None] * 600_000], arrow.list_(arrow.null())))) == too_long
    assert _refused(parquet_file(userAgent=["x" * 20 * _MB])) == "It unpacks to more than 100 times its size."


def test_a_short_dictionary_that_is_long_in_rows_is_not_held(parquet_file: Callable[..., Path]) -> None:
    arrow = optional_module("pyarrow")
    rows = 2_000
    texts = arrow.DictionaryArray.from_arrays(arrow.array([0] * rows, arrow.int32()), arrow.array(["x" * 3 * _MB]))
    path = parquet_file(rows, userIdentity=arrow.StructArray.from_arrays([texts], ["arn"]))
    tracemalloc.start()
    try:
        trails = Trails([str(path)])
        read = sum(len(some) for some in trails.events())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [one.sentence for one in trails.damaged] == ["It has values that are too long."]
    assert (read < 100, peak < 96 * _MB) == (True, True), (read, peak)


def test_texts_that_begin_as_others_are_read_and_damaged_pages_named(parquet_file: Callable[..., Path]) -> None:
    options = {"use_dictionary": ["eventName"], "column_encoding": {"userAgent": "DELTA_BYTE_ARRAY"}}
    path = parquet_file(userAgent=["x"], options=options)
    with path.open("rb") as file:
        assert [one and one.userAgent for some in parquet_events(file) for one in some] == ["x"]
    path = parquet_file(userAgent=["x"])
    data = path.read_bytes()
    for header in (b"\x15\x81", b"\x1c" * 40, b"\x19" * 40):
        path.write_bytes(data[:4] + header + data[4 + len(header) :])
        assert _refused(path) == "It is damaged."


def test_a_footer_without_end_is_not_read(tmp_path: Path) -> None:
    optional_module("pyarrow")
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1" + (17 * _MB).to_bytes(4, "little") + b"PAR1")
    assert _refused(path) == "It has more parts than are read."
