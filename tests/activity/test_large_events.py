"""Events of megabytes each: what is held of them is bounded, and what is left out is counted."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from iamtui.activity import events, requests
from iamtui.activity.tables import csv_events, parquet_events
from iamtui.problem import Problem
from iamtui.workspace.used import read_trails
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
    monkeypatch.setattr(requests, "_MOST_HELD", 4 * _MB)
    monkeypatch.setattr(events, "_MOST_REMEMBERED_BYTES", 4 * _MB)


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


def test_fields_of_a_table_that_are_large_are_not_all_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_MOST_REMEMBERED_BYTES", 4 * _MB)
    rows = (f'{{""key"":""{number}{"x" * 2 * _MB}""}}' for number in range(_EVENTS))
    portions = (f's3.amazonaws.com,GetObject,,"{row}"\n'.encode() for row in rows)
    monkeypatch.setattr("iamtui.activity.tables._ROWS", 1)
    tracemalloc.start()
    try:
        read = csv_events(lambda: next(portions, b""), b"eventSource,eventName,errorCode,requestParameters\n")
        assert sum(len(some) for some in read) == _EVENTS
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 48 * _MB


def test_what_many_requests_have_in_common_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "_MOST_HELD", 400_000)
    collector = requests.RequestCollector()
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


def test_a_column_of_parquet_with_one_huge_value_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrow = optional_module("pyarrow")
    parquet = optional_module("pyarrow.parquet")
    row = {"eventSource": ["s3.amazonaws.com"], "eventName": ["GetObject"], "errorCode": [""]}

    def sentence(**more: Any) -> str:
        parquet.write_table(arrow.table(row | more), tmp_path / "a.parquet", compression="zstd")
        with (tmp_path / "a.parquet").open("rb") as file, pytest.raises(Problem) as caught:
            list(parquet_events(file))
        return caught.value.sentence

    assert sentence(userAgent=["x" * 5 * _MB]) == "It has values that are too long."
    monkeypatch.setattr("iamtui.activity.tables._MOST_AT_ONCE", 4 * _MB)
    assert sentence(resources=[[{"arn": "x" * 1_000}] * 5_000]) == "It has values that are too long."
    assert sentence(userAgent=["x" * 20 * _MB]) == "It unpacks to more than 100 times its size."
    monkeypatch.setattr("iamtui.activity.tables._MOST_HELD", 6 * _MB)
    columns = ("userAgent", "sourceIPAddress", "awsRegion")
    assert sentence(**{name: [name + "x" * 3 * _MB] for name in columns}).startswith("It has a part of more than")
    monkeypatch.setattr("iamtui.activity.tables._MOST_VALUES", 1_000_000)
    nothing = arrow.array([[None] * 1_000_001], arrow.list_(arrow.null()))
    assert sentence(resources=nothing).startswith("It has a part of more than")
