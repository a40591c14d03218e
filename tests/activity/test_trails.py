"""Trails: every form in which events lie about, read as the same events; damage is named and passed over."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.activity import columns_of
from benchmarks.trail_generator import events, write_bucket
from iamtui.activity.distinct_requests import RequestCollector
from iamtui.activity.event_rows import write_parquet
from iamtui.activity.events import Event, event_of
from iamtui.activity.trails import Trails
from iamtui.problem import Problem
from tests.support.external_tools import optional_module

RECORDS = list(events(60))
IDS = [record["eventID"] for record in RECORDS]


def read(*paths: Path | str) -> tuple[list[Event], Trails]:
    trails = Trails([str(path) for path in paths])
    return [event for some in trails.events() for event in some], trails


def ids(*paths: Path | str) -> list[str | None]:
    found, trails = read(*paths)
    assert trails.damaged == []
    assert trails.counts.whole
    return [event.eventID for event in found]


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


FORMS = {
    "as CloudTrail writes it": compact({"Records": RECORDS}),
    "indented": json.dumps({"Records": RECORDS}, indent=2),
    "a list": json.dumps(RECORDS),
    "lines": "\n".join(map(compact, RECORDS)),
    "lines that end": "".join(compact(record) + "\n" for record in RECORDS),
    "files one behind the other": compact({"Records": RECORDS[:20]}) + compact({"Records": RECORDS[20:]}),
    "a file to a line": f"{compact({'Records': RECORDS[:20]})}\n{compact({'Records': RECORDS[20:]})}\n",
    "values": "\n".join(json.dumps(record, indent=1) for record in RECORDS),
    "lookup-events": json.dumps(
        {"Events": [{"EventId": record["eventID"], "CloudTrailEvent": compact(record)} for record in RECORDS],
         "NextToken": None}, indent=4
    ),
    "events of EventBridge": "\n".join(compact({"version": "0", "detail": record}) for record in RECORDS),
    "get-log-events": json.dumps({"events": [{"timestamp": 1, "message": compact(record)} for record in RECORDS]}),
    "byte order mark": "\ufeff" + compact({"Records": RECORDS}),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("packed", [False, True])
def test_each_form_holds_the_same_events(form: str, packed: bool, tmp_path: Path) -> None:
    data = FORMS[form].encode()
    path = tmp_path / "trail"
    path.write_bytes(gzip.compress(data) if packed else data)
    assert ids(path) == IDS


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_read_in_small_portions(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iamtui.activity.trails.PORTION", 700)
    path = tmp_path / "trail.json"
    path.write_text(FORMS[form])
    assert ids(path) == IDS


def test_a_bucket_is_read_in_the_order_of_its_days_without_digests(tmp_path: Path) -> None:
    for day in range(3):
        write_bucket(tmp_path, iter(RECORDS[20 * day : 20 * day + 20]))
    digests = tmp_path / "AWSLogs" / "123456789012" / "CloudTrail-Digest"
    digests.mkdir()
    (digests / "digest.json").write_text(json.dumps({"awsAccountId": "123456789012"}))
    (tmp_path / "README.txt").write_text("not a trail")
    found, trails = read(tmp_path)
    assert [event.eventID for event in found] == IDS
    assert trails.damaged == []
    assert (trails.counts.files, trails.counts.passed) == (3, 1)


def test_folders_that_lead_round_and_files_that_are_named_twice_are_read_once(tmp_path: Path) -> None:
    write_bucket(tmp_path, iter(RECORDS))
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    file = next(tmp_path.rglob("*.json.gz"))
    (tmp_path / "link.json.gz").symlink_to(file)
    assert ids(tmp_path, file) == IDS


def test_an_event_that_comes_twice_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(compact({"Records": RECORDS[:30]}))
    (tmp_path / "b.json").write_text(compact({"Records": RECORDS[20:]}))
    found, trails = read(tmp_path)
    assert [event.eventID for event in found] == IDS
    assert trails.counts.twice == 10


def test_an_event_counts_once_whatever_it_says(tmp_path: Path) -> None:
    record = {**RECORDS[0], "iamtui:count": -7, "iamtui:first": "a", "iamtui:last": "b"}
    (tmp_path / "a.json").write_text(compact({"Records": [record]}))
    (event,), trails = read(tmp_path)
    assert (event.count, event.first, event.last, trails.counts.events) == (1, "", "", 1)


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(FORMS["as CloudTrail writes it"].encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    assert ids("-") == IDS


# Damage


def test_a_file_that_is_cut_off_gives_what_stands_before(tmp_path: Path) -> None:
    data = gzip.compress(FORMS["as CloudTrail writes it"].encode())
    (tmp_path / "a.json.gz").write_bytes(data[: len(data) // 2])
    (tmp_path / "b.json").write_text(FORMS["as CloudTrail writes it"])
    (tmp_path / "c.json").write_text(FORMS["as CloudTrail writes it"].replace('"eventID":"', '"eventID":"c')[:-3_000])
    found, trails = read(tmp_path)
    assert {event.eventID for event in found} >= set(IDS)
    assert [(Path(one.path).name, one.sentence) for one in trails.damaged] == [
        ("a.json.gz", "It ends too early."),
        ("c.json", "It ends within an event, or something else follows the last one."),
    ]
    assert 0 < trails.damaged[1].events < 60
    assert not trails.counts.whole


def test_one_damaged_event_leaves_the_others(tmp_path: Path) -> None:
    odd = {**RECORDS[3], "awsRegion": 7, "errorCode": ["x"]}
    none: list[Any] = [{"no": "event"}, {**RECORDS[4], "eventName": None}]
    (tmp_path / "a.json").write_text(compact({"Records": [*RECORDS[:3], odd, *none, *RECORDS[5:]]}))
    found, trails = read(tmp_path)
    assert [event.eventID for event in found] == [*IDS[:4], *IDS[5:]]
    assert found[3].awsRegion is None
    assert trails.counts.entries == 2
    assert "It has 2 entries that cannot be read" in trails.damaged[0].sentence


@pytest.mark.parametrize(
    "text",
    ["hello", "[1, 2", '{"Records": [', "a,b\n1,2\n", "\x00\x01", '{"Records": [{"eventName": "x', "[" * 100_000],
)
def test_what_is_no_trail_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    found, trails = read(tmp_path)
    assert found == []
    assert len(trails.damaged) == 1
    assert not trails.counts.whole


@pytest.mark.parametrize("text", ["[", "[[[", '{"Records":[', '[{"Records":[', "[[]"])
def test_a_list_that_does_not_end_is_cut_off(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    (tmp_path / "b.json").write_text(f'{{"Records":[{compact(RECORDS[0])},{compact(RECORDS[1])}')
    found, trails = read(tmp_path)
    assert [event.eventID for event in found] == IDS[:2]
    assert [one.sentence for one in trails.damaged] == ["It ends within its list of events."] * 2


@pytest.mark.parametrize("text", ["[]", "[[[]]]", "", '{"Records":[]}', '{"Records":[]}\n{"Records": []}\n', "[ ]\n"])
def test_a_trail_may_have_no_events(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    found, trails = read(tmp_path)
    assert found == []
    assert trails.counts.whole


def test_no_trail_is_no_whole_answer(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("hello")
    _, trails = read(tmp_path)
    assert not trails.counts.whole


PAGES = [{"Events": [{"CloudTrailEvent": compact(record)}], "NextToken": "abc"} for record in RECORDS[:2]]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_page_behind_which_others_come_is_not_all(indent: int | None, tmp_path: Path) -> None:
    file = tmp_path / "trail.json"
    last = {**PAGES[1], "NextToken": None}
    for pages, whole in (([PAGES[0]], False), (PAGES, False), ([PAGES[0], last], True), ([last], True)):
        file.write_text("\n".join(json.dumps(page, indent=indent) for page in pages))
        found, trails = read(file)
        assert len(found) == len(pages)
        assert trails.counts.whole is whole
        assert [one.sentence for one in trails.damaged] == (
            [] if whole else ["It is one page of several: it ends with a NextToken."]
        )


@pytest.mark.parametrize("rest", ["garbage", '"sourceIPAddress":"192.0.2.1"}', "}", "]", '"text"', "é"])
def test_what_is_left_of_an_event_between_others_is_named(rest: str, tmp_path: Path) -> None:
    file = tmp_path / "trail.json"
    file.write_text("\n".join((compact(RECORDS[0]), rest, compact(RECORDS[1]), "")))
    found, trails = read(file)
    assert len(found) == 2
    assert not trails.counts.whole
    (damaged,) = trails.damaged
    assert "cannot be read as an event" in damaged.sentence


def test_other_events_with_the_same_id_count(tmp_path: Path) -> None:
    # As where the ids were taken out.
    file = tmp_path / "trail.json"
    given = [RECORDS[0] | {"requestParameters": {"key": key}} for key in "aba"]
    file.write_text(json.dumps({"Records": given}))
    found, trails = read(file)
    assert (len(found), trails.counts.twice) == (2, 1)


@pytest.mark.parametrize("order", ["own other", "other own", "other third own", "other own third", "other third"])
def test_a_call_that_several_accounts_recorded_counts_once_as_the_callers_tells_it(order: str, tmp_path: Path) -> None:
    caller = {"type": "AWSAccount", "accountId": "111111111111", "principalId": "AIDA1"}
    own = RECORDS[0] | {"sharedEventID": "s", "recipientAccountId": "111111111111", "userIdentity": caller}
    other = own | {"eventID": "other", "recipientAccountId": "222222222222"}
    third = own | {"eventID": "third", "recipientAccountId": "333333333333"}
    given = [{"own": own, "other": other, "third": third}[name] for name in order.split()]
    file = tmp_path / "trail.json"
    file.write_text(json.dumps({"Records": [*given, other | {"eventID": "2", "sharedEventID": "t"}]}))
    found, trails = read(file)
    assert [event.eventID for event in found] == [own["eventID"] if "own" in order else "other", "2"]
    assert (trails.counts.twice, trails.counts.events) == (len(given) - 1, 2)
    assert json.loads(bytes(found[0].userIdentity)) == caller


def test_more_calls_of_other_accounts_than_are_held_are_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iamtui.activity.trails._MOST_HELD", 2)
    of_others = [
        RECORDS[0] | {"eventID": f"e{n}", "sharedEventID": f"s{n}", "recipientAccountId": "222222222222"}
        for n in range(7)
    ]
    file = tmp_path / "trail.json"
    file.write_text("\n".join(map(compact, of_others)))
    found, trails = read(file)
    assert sorted(event.eventID or "" for event in found) == [f"e{n}" for n in range(7)]
    assert (trails.counts.events, trails.counts.twice) == (7, 0)


def test_deep_nesting_is_one_damaged_event(tmp_path: Path) -> None:
    deep = compact(RECORDS[0])[:-1] + ',"responseElements":' + '{"a":' * 200_000 + "1" + "}" * 200_001
    (tmp_path / "a.json").write_text(f'{{"Records":[{compact(RECORDS[1])},{deep},{compact(RECORDS[2])}]}}')
    found, trails = read(tmp_path)
    assert [event.eventID for event in found][:1] == IDS[1:2]
    assert not trails.counts.whole or len(found) == 3


def test_an_event_of_many_megabytes_is_not_held(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"Records":[{"eventName":"' + "x" * 9_000_000 + '"}]}')
    found, trails = read(tmp_path)
    assert found == []
    assert "4 MB" in trails.damaged[0].sentence


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(b'{"Records":[' + b" " * 30_000_000))
    _, trails = read(tmp_path)
    assert "100 times its size" in trails.damaged[0].sentence


def test_a_path_that_is_not_there_is_an_error_and_pipes_in_folders_are_passed_over(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="does not exist"):
        read(tmp_path / "none")
    os.mkfifo(tmp_path / "pipe.json")
    _, trails = read(tmp_path)
    assert "pipe" in trails.damaged[0].sentence


# Tables


def write_csv(path: Path, columns: list[str], rows: list[list[str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([columns, *rows])


STRUCT = (
    "{type=AssumedRole, principalid=AROA1:build, arn=arn:aws:sts::123456789012:assumed-role/deploy/build, "
    "accountid=123456789012, invokedby=null, accesskeyid=ASIA1, username=null, "
    "sessioncontext={attributes={mfaauthenticated=false, creationdate=2026-08-01T00:00:00Z}, "
    "sessionissuer={type=Role, principalid=AROA1, arn=arn:aws:iam::123456789012:role/deploy, "
    "accountid=123456789012, username=deploy}}}"
)


def test_a_result_of_athena_is_read_with_its_structs(tmp_path: Path) -> None:
    write_csv(
        tmp_path / "a.csv",
        ["eventtime", "eventsource", "eventname", "useridentity", "requestparameters", "resources", "errorcode"],
        [
            ["2026-08-01T10:00:00Z", "s3.amazonaws.com", "GetObject", STRUCT, '{"bucketName":"b","key":"k"}',
             "[{arn=arn:aws:s3:::b/k, accountid=123456789012, type=AWS::S3::Object}]", ""],
            ["2026-08-01T10:00:00Z", "s3.amazonaws.com", "GetObject", "{type=", "", "", ""],
        ],
    )  # fmt: skip
    (found,), trails = read(tmp_path)
    identity = json.loads(bytes(found.userIdentity))
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == "arn:aws:iam::123456789012:role/deploy"
    assert "invokedBy" not in identity
    assert identity["accountId"] == "123456789012"
    assert json.loads(bytes(found.resources))[0]["arn"] == "arn:aws:s3:::b/k"
    assert found.errorCode is None
    assert trails.counts.entries == 1


def test_columns_with_the_names_of_a_struct_are_put_together(tmp_path: Path) -> None:
    write_csv(
        tmp_path / "a.csv",
        ["eventSource", "eventName", "userIdentity.arn", "useridentity_sessioncontext_sessionissuer_arn", "events",
         "first_time", "last_time", "errorCode"],
        [["s3.amazonaws.com", "GetObject", "arn:aws:sts::1:assumed-role/r/s", "arn:aws:iam::1:role/r", "7",
          "2026-08-01 10:00:00.000", "2026-08-02 10:00:00.000", ""]],
    )  # fmt: skip
    (found,), trails = read(tmp_path)
    assert json.loads(bytes(found.userIdentity)) == {
        "arn": "arn:aws:sts::1:assumed-role/r/s",
        "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::1:role/r"}},
    }
    assert (found.count, found.first, found.last) == (7, "2026-08-01T10:00:00Z", "2026-08-02T10:00:00Z")
    assert trails.counts.events == 7


ROW = {"eventsource": "s3.amazonaws.com", "eventname": "GetObject", "errorcode": "", "requestparameters": "{}"}


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (["eventsource", "eventname", "requestparameters"], "It has no column errorCode"),
        ([*ROW, "errorCode"], "It has two columns called errorcode."),
    ],
)
def test_a_table_that_does_not_say_what_was_denied_is_no_trail(
    columns: list[str], sentence: str, tmp_path: Path
) -> None:
    write_csv(tmp_path / "a.csv", columns, [[ROW.get(name, "") for name in columns]])
    _, trails = read(tmp_path)
    assert [one.sentence.startswith(sentence) for one in trails.damaged] == [True]


def test_what_columns_do_not_tell_is_not_none(tmp_path: Path) -> None:
    columns = ["eventsource", "eventname", "errorcode", "sourceipaddress"]
    row = ["s3.amazonaws.com", "GetObject", "", "10.0.0.1"]
    write_csv(tmp_path / "a.csv", columns, [row])
    write_csv(tmp_path / "b.csv", [*columns, "requestparameters", "vpcendpointid"], [[*row, "", ""]])
    (less, all_of_it), _ = read(tmp_path)
    assert (less.cut, less.sourceIPAddress) == (True, None)
    assert (all_of_it.cut, all_of_it.sourceIPAddress) == (False, "10.0.0.1")


@pytest.mark.parametrize("count", [None, [1, 2], {"a": 1}, datetime(2026, 8, 1, tzinfo=UTC), float("inf"), 0])
def test_a_count_that_is_no_number_is_one_damaged_row(count: object, tmp_path: Path) -> None:
    arrow = optional_module("pyarrow")
    parquet = optional_module("pyarrow.parquet")
    parquet.write_table(arrow.Table.from_pylist([ROW | {"events": count}]), tmp_path / "a.parquet")
    found, trails = read(tmp_path)
    assert (found, trails.counts.entries) == ([], 1)


def test_parquet_with_two_columns_of_one_name_is_named(tmp_path: Path) -> None:
    arrow = optional_module("pyarrow")
    parquet = optional_module("pyarrow.parquet")
    names = [*ROW, "errorcode"]
    table = arrow.table([arrow.array([ROW[name]]) for name in names], names=names)
    parquet.write_table(table, tmp_path / "a.parquet")
    _, trails = read(tmp_path)
    assert [one.sentence for one in trails.damaged] == ["It has two columns called errorcode."]


def test_parquet_is_read_as_rows(tmp_path: Path) -> None:
    arrow = optional_module("pyarrow")
    parquet = optional_module("pyarrow.parquet")
    rows = [
        {
            "eventid": record["eventID"],
            "eventsource": record["eventSource"],
            "eventname": record["eventName"],
            "eventtime": record["eventTime"],
            "useridentity": {
                key.lower(): value for key, value in record["userIdentity"].items() if key != "sessionContext"
            },
            "requestparameters": compact(record["requestParameters"]),
            "errorcode": None,
            "other": 1,
        }
        for record in RECORDS
    ]
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert ids(tmp_path) == IDS
    found, _ = read(tmp_path)
    assert json.loads(bytes(found[0].userIdentity))["accountId"] == "123456789012"
    (tmp_path / "b.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-200])
    _, trails = read(tmp_path)
    assert [one.sentence for one in trails.damaged] == ["It is damaged."]


def test_damaged_parquet_is_named(tmp_path: Path) -> None:
    optional_module("pyarrow")
    collector = RequestCollector()
    collector.add([event for event in map(event_of, map(json.dumps, RECORDS)) if event is not None])
    file = io.BytesIO()
    write_parquet(file, [columns_of(collector.requests())])
    good, chance = file.getvalue(), random.Random(18)
    for number in range(300):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 6)):
            place = chance.randrange(4, len(data)) if number % 2 else len(data) - chance.randrange(1, 2_500)
            data[place] = chance.randrange(256)
        (tmp_path / "a.parquet").write_bytes(data)
        _, trails = read(tmp_path)
        assert len(trails.damaged) <= 1


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    _, trails = read(tmp_path)
    assert "without pyarrow" in trails.damaged[0].sentence
