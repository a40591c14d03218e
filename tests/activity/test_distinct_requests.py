"""Distinct requests: what is counted together, and what is told apart."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.trail_generator import events
from iamtui.activity import distinct_requests
from iamtui.activity.distinct_requests import DistinctRequest, RequestCollector
from iamtui.activity.event_rows import csv_events
from iamtui.activity.events import event_of, events_of_list, whole_events
from iamtui.activity.trails import Trails
from iamtui.denials.cloudtrail import read_record
from iamtui.denials.denial import SourcePlace
from iamtui.engine.calls.api_calls import authorized_by

ACCOUNT = "123456789012"
EVENTS = list(events(400))
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/deploy"
SESSION = {
    "type": "AssumedRole",
    "principalId": "AROA1:build",
    "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/build",
    "accountId": ACCOUNT,
    "accessKeyId": "ASIAAAAAAAAAAAAAAAAA",
    "sessionContext": {
        "sessionIssuer": {"type": "Role", "arn": ROLE},
        "attributes": {"creationDate": "2026-08-01T00:00:00Z", "mfaAuthenticated": "true"},
    },
}
RECORD = {
    "eventVersion": "1.11",
    "userIdentity": SESSION,
    "eventTime": "2026-08-01T10:00:00Z",
    "eventSource": "s3.amazonaws.com",
    "eventName": "GetObject",
    "eventType": "AwsApiCall",
    "awsRegion": "eu-west-1",
    "sourceIPAddress": "203.0.113.7",
    "userAgent": "aws-cli/2",
    "requestParameters": {"bucketName": "b", "key": "k", "Host": "b.s3.amazonaws.com"},
    "recipientAccountId": ACCOUNT,
    "resources": [{"ARN": "arn:aws:s3:::b/k", "accountId": ACCOUNT, "type": "AWS::S3::Object"}],
}


def collected(records: Iterable[dict[str, Any]], *keys: str, **more: Any) -> list[DistinctRequest]:
    collector = RequestCollector(frozenset(keys), **more)
    found = [event_of(json.dumps(record)) for record in records]
    collector.add(event for event in found if event is not None)
    return list(collector.requests())


def test_the_role_and_its_session_are_kept_apart() -> None:
    (found,) = collected([RECORD])
    assert (found.caller.principal, found.caller.role, found.caller.session) == (ROLE, ROLE, "build")
    assert found.caller.arn == SESSION["arn"]
    assert found.given() == {"bucketName": "b", "key": "k"}
    assert [one.arn for one in found.resources] == ["arn:aws:s3:::b/k"]


def test_times_ids_and_tokens_do_not_tell_requests_apart() -> None:
    times = ["2026-08-03T10:00:00Z", "2026-08-01T10:00:00Z", "2026-08-02T10:00:00Z"]
    records = [
        RECORD
        | {
            "eventTime": time,
            "requestParameters": RECORD["requestParameters"] | {"nextToken": time},  # type: ignore[operator]
            "sourceIPAddress": f"203.0.113.{number}",
            "userAgent": f"agent {number}",
            "userIdentity": SESSION | {"accessKeyId": f"ASIA{number}"},
        }
        for number, time in enumerate(times)
    ]
    (found,) = collected(records)
    assert (found.count, found.first, found.last) == (3, times[1], times[0])
    assert len(collected(records, "aws:sourceip")) == 3
    assert len(collected(records, "aws:useragent")) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"errorCode": "AccessDenied"},
        {"errorCode": "NoSuchKey"},
        {"eventName": "PutObject"},
        {"awsRegion": "us-east-1"},
        {"recipientAccountId": "999999999999"},
        {"vpcEndpointId": "vpce-1"},
        {"tlsDetails": {"tlsVersion": "TLSv1.3"}},
        {"requestParameters": {"bucketName": "b", "key": "k2"}},
        {"userIdentity": SESSION | {"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/other"}},
        {"userIdentity": SESSION | {"invokedBy": "athena.amazonaws.com"}},
        {"eventType": "AwsServiceEvent"},
        {"resources": []},
    ],
)
def test_what_a_policy_can_tell_apart_is_told_apart(change: dict[str, Any]) -> None:
    assert len(collected([RECORD, RECORD | change])) == 2


@pytest.mark.parametrize(
    ("record", "keys"),
    [
        (RECORD, ("aws:sourceip", "aws:useragent", "aws:tokenissuetime", "aws:multifactorauthpresent")),
        *((record, ("aws:sourceip", "aws:useragent", "aws:tokenissuetime", "aws:multifactorauthpresent"))
          for record in EVENTS[:60]),
    ],
)  # fmt: skip
def test_a_request_asks_what_its_record_asked(record: dict[str, Any], keys: tuple[str, ...]) -> None:
    (found,) = collected([record], *keys)
    place = SourcePlace(1, 0)
    whole, kept = read_record(record, place), read_record(found.record(), place)
    assert (kept.caller, kept.action, kept.resource, kept.denied) == (
        whole.caller,
        whole.action,
        whole.resource,
        whole.denied,
    )
    assert kept.context == whole.context
    assert (kept.unknown, kept.claim) == (whole.unknown, whole.claim)


def test_what_is_not_asked_for_is_not_told() -> None:
    (found,) = collected([RECORD])
    context = read_record(found.record(), SourcePlace(1, 0)).context
    assert context.keys() <= {"aws:RequestedRegion", "aws:CurrentTime"}


def test_parameters_that_are_cut_say_so() -> None:
    many = RECORD | {"requestParameters": {"ids": [str(number) for number in range(2_000)]}}
    long = RECORD | {"requestParameters": {"name": "x" * 5_000}}
    listed = RECORD | {"resources": [{"ARN": f"arn:aws:s3:::b/{number}"} for number in range(2_000)]}
    assert [one.cut for one in collected([many, long, listed, RECORD])] == [True, True, True, False]


def test_rows_that_are_kept_of_requests_say_that_parts_were_cut() -> None:
    found = collected([RECORD | {"requestParameters": {"name": "x" * 5_000}}, RECORD])
    table = io.StringIO()
    rows = csv.DictWriter(table, distinct_requests.COLUMNS)
    rows.writeheader()
    rows.writerows(one.row() for one in found)
    text = io.BytesIO(table.getvalue().encode())
    again = RequestCollector()
    for events_of_rows in csv_events(lambda: text.read(1000), text.read(10)):
        again.add(event for event in events_of_rows if event is not None)
    assert [one.cut for one in again.requests()] == [True, False]
    assert [one.row() for one in again.requests()] == [one.row() for one in found]


def test_sessions_of_a_role_are_told_apart_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct_requests, "MOST_SESSIONS", 3)
    records = [
        RECORD | {"userIdentity": SESSION | {"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/build-{number}"}}
        for number in range(10)
    ]
    found = collected(records)
    assert [(one.caller.session, one.count) for one in found] == [
        ("build-0", 1),
        ("build-1", 1),
        ("build-2", 1),
        ("", 7),
    ]
    assert found[-1].caller.principal == ROLE
    assert len(collected(records, sessions=True)) == 10


def test_distinct_requests_are_taken_in_other_orders() -> None:
    collector = RequestCollector()
    named = [RECORD | {"eventName": name, "awsRegion": region} for region in ("b", "a") for name in ("Z", "A", "Z")]
    found = [event_of(json.dumps(record)) for record in named]
    collector.add(event for event in found if event is not None)
    every = list(collector.requests())
    assert [(one.event, one.region, one.count) for one in collector.in_order_of_questions()] == [
        ("A", "a", 1),
        ("A", "b", 1),
        ("Z", "a", 2),
        ("Z", "b", 2),
    ]
    assert list(collector.taken()) == every[::-1]
    assert len(collector) == 0


def test_more_than_are_held_are_counted_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct_requests, "MOST_DISTINCT", 1)
    collector = RequestCollector()
    other = RECORD | {"eventName": "PutObject"}
    found = [event_of(json.dumps(record)) for record in (RECORD, other, other, RECORD)]
    collector.add(event for event in found if event is not None)
    assert [one.count for one in collector.requests()] == [2]
    assert collector.left_out == {"s3.amazonaws.com:PutObject": 2}


def reading(key: str, name: str = "GetObject", **more: Any) -> dict[str, Any]:
    parameters = {"bucketName": "b", "key": key}
    listed = [{"ARN": f"arn:aws:s3:::b/{key}", "type": "AWS::S3::Object"}, {"ARN": "arn:aws:s3:::b"}]
    return RECORD | {"eventName": name, "requestParameters": parameters, "resources": listed, **more}


def collector_of(records: Iterable[dict[str, Any]]) -> RequestCollector:
    collector = RequestCollector()
    found = [event_of(json.dumps(record)) for record in records]
    collector.add(event for event in found if event is not None)
    return collector


def table_of(collector: RequestCollector, unread: int = 0) -> bytes:
    table = io.StringIO()
    rows = csv.DictWriter(table, distinct_requests.COLUMNS)
    rows.writeheader()
    rows.writerows(one.row() for one in collector.requests())
    rows.writerows(collector.lost_rows(unread))
    return table.getvalue().encode()


def read_again(table: bytes, tmp_path: Path) -> tuple[Trails, RequestCollector]:
    (tmp_path / "kept.csv").write_bytes(table)
    trails, again = Trails([str(tmp_path / "kept.csv")]), RequestCollector()
    for found in trails.events():
        again.add(found)
    return trails, again


def test_keys_of_too_many_objects_are_folded_to_what_they_begin_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(distinct_requests, "MOST_DISTINCT", 12)
    times = [f"2026-08-01T10:00:{number:02}Z" for number in range(40)]
    keys = [f"raw/{number % 2}/{number}" for number in range(40)]
    records = [reading(key, eventTime=time) for key, time in zip(keys, times, strict=True)]
    collector = collector_of([reading("alone/x"), RECORD | {"eventName": "ListBuckets"}, *records])

    found = {one.given().get("key", ""): one for one in collector.requests() if one.event == "GetObject"}
    assert set(found) == {"alone/x", "raw/0/*", "raw/1/*"}
    assert collector.left_out == {}
    assert sum(one.count for one in collector.requests()) == 42
    folder = found["raw/1/*"]
    assert (folder.folded, folder.count, folder.first, folder.last) == (True, 20, times[1], times[39])
    assert [one.arn for one in folder.resources] == ["arn:aws:s3:::b/raw/1/*", "arn:aws:s3:::b"]
    assert [one.resources for one in authorized_by(folder.record()).actions] == [("arn:aws:s3:::b/raw/1/*",)]
    assert not found["alone/x"].folded
    assert collector.folded_events == 40
    _, again = read_again(table_of(collector), tmp_path)
    assert list(again.requests()) == list(collector.requests())


def test_folders_are_folded_where_there_are_too_many_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct_requests, "MOST_DISTINCT", 12)
    collector = collector_of(reading(f"{'abc'[number % 3]}/{number}/{number}") for number in range(60))
    assert {one.given()["key"] for one in collector.requests()} >= {"a/*", "b/*", "c/*"}
    collector = collector_of(reading(f"{number}/x") for number in range(60))
    assert "*" in {one.given()["key"] for one in collector.requests()}
    assert (collector.left_out, sum(one.count for one in collector.requests())) == ({}, 60)


def test_what_has_no_key_or_a_key_that_would_be_a_pattern_is_not_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct_requests, "MOST_DISTINCT", 5)
    for records in (
        [reading(f"a*b/{number}", eventName=f"Get{number}") for number in range(20)],
        [RECORD | {"requestParameters": {"name": str(number)}} for number in range(20)],
        [reading(f"a/{number}", errorCode="AccessDenied", errorMessage=f"denied {number}") for number in range(20)],
    ):
        collector = collector_of(records)
        assert not any(one.folded for one in collector.requests() if "a*b" in one.parameters or one.message)
        assert sum(one.count for one in collector.requests()) + collector.left_out.total() == 20
        assert collector.left_out


def test_what_was_left_out_and_not_read_stands_with_what_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(distinct_requests, "MOST_DISTINCT", 2)
    collector = collector_of(RECORD | {"eventName": f"List{number}"} for number in range(5))
    monkeypatch.setattr(distinct_requests, "MOST_DISTINCT", 1_000)

    trails, again = read_again(table_of(collector, unread=3), tmp_path)

    assert again.left_out == collector.left_out == {f"s3.amazonaws.com:List{number}": 1 for number in (2, 3, 4)}
    assert len(again) == 2
    assert (trails.counts.events, trails.counts.unread, trails.counts.whole) == (5, 3, False)
    # And it stays there when what was read again is kept again.
    trails, third = read_again(table_of(again, trails.counts.unread), tmp_path)
    assert (third.left_out, trails.counts.unread) == (collector.left_out, 3)


def test_no_event_says_of_itself_that_it_is_folded_or_was_left_out() -> None:
    marks = {"iamtui:folded": True, "iamtui:lost": "left out", "iamtui:count": 9}
    for found in (
        event_of(json.dumps(RECORD | marks)),
        *whole_events(events_of_list(json.dumps(RECORD | marks).encode())),
    ):
        assert found is not None
        assert (found.folded, found.lost, found.count) == (False, "", 1)


def test_the_words_that_are_encoded_in_a_message_do_not_tell_denials_apart() -> None:
    records = [
        RECORD
        | {
            "errorCode": "Client.UnauthorizedOperation",
            "errorMessage": f"You are not authorized. Encoded authorization failure message: {number}",
        }
        for number in range(3)
    ]
    (found,) = collected(records)
    assert found.denied
    assert not found.succeeded
    assert found.count == 3


def test_identities_of_all_kinds_are_read() -> None:
    identities = [
        {"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT},
        {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"},
        {"type": "AWSAccount", "principalId": "AIDA1", "accountId": "999999999999"},
        {"type": "WebIdentityUser", "principalId": "p:a:u", "userName": "u", "identityProvider": "p"},
        None,
        "text",
    ]
    found = collected([RECORD | {"userIdentity": identity} for identity in identities])
    assert [one.caller.principal for one in found] == [
        f"arn:aws:iam::{ACCOUNT}:root", "lambda.amazonaws.com", "", "", "",
    ]  # fmt: skip
    assert found[2].record()["userIdentity"]["principalId"] == "AIDA1"
