"""The query for Athena: run by DuckDB over a table of CloudTrail's, it collapses events as they are collapsed here."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.trail_generator import events
from iamtui.activity.distinct_requests import DistinctRequest, RequestCollector
from iamtui.activity.event_rows import athena_query
from iamtui.activity.trails import Trails
from iamtui.problem import Problem
from tests.support.external_tools import optional_module

RECORDS = list(events(300))
KEYS = frozenset(("aws:sourceip", "aws:multifactorauthpresent", "aws:useragent"))

TABLE = """CREATE TABLE trail.logs (
  eventversion VARCHAR,
  useridentity STRUCT(type VARCHAR, principalid VARCHAR, arn VARCHAR, accountid VARCHAR, invokedby VARCHAR,
    accesskeyid VARCHAR, username VARCHAR, onbehalfof STRUCT(userid VARCHAR, identitystorearn VARCHAR),
    sessioncontext STRUCT(attributes STRUCT(mfaauthenticated VARCHAR, creationdate VARCHAR),
      sessionissuer STRUCT(type VARCHAR, principalid VARCHAR, arn VARCHAR, accountid VARCHAR, username VARCHAR),
      ec2roledelivery VARCHAR,
      webidfederationdata STRUCT(federatedprovider VARCHAR, attributes MAP(VARCHAR, VARCHAR)))),
  eventtime VARCHAR, eventsource VARCHAR, eventname VARCHAR, awsregion VARCHAR, sourceipaddress VARCHAR,
  useragent VARCHAR, errorcode VARCHAR, errormessage VARCHAR, requestparameters VARCHAR, responseelements VARCHAR,
  additionaleventdata VARCHAR, requestid VARCHAR, eventid VARCHAR, readonly VARCHAR,
  resources STRUCT(arn VARCHAR, accountid VARCHAR, type VARCHAR)[], eventtype VARCHAR, apiversion VARCHAR,
  recipientaccountid VARCHAR, serviceeventdetails VARCHAR, sharedeventid VARCHAR, vpcendpointid VARCHAR,
  vpcendpointaccountid VARCHAR, eventcategory VARCHAR,
  tlsdetails STRUCT(tlsversion VARCHAR, ciphersuite VARCHAR, clientprovidedhostheader VARCHAR))"""
"""CloudTrail User Guide: create a table in Athena, with DuckDB's names of the types."""


def of_athena(query: str) -> str:
    """The query with DuckDB's names of three functions."""
    query = query.replace("array_join(transform(resources, r ->", "array_to_string(list_transform(resources, lambda r:")
    return query.replace("regexp_like(", "regexp_matches(")


def lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.lower(): lowered(one) for key, one in value.items()}
    return [lowered(one) for one in value] if isinstance(value, list) else value


def row(record: dict[str, Any]) -> dict[str, Any]:
    texts = {key: json.dumps(record[key]) for key in ("requestParameters",) if record.get(key) is not None}
    return {key.lower(): value if key in texts else lowered(value) for key, value in {**record, **texts}.items()}


def collected(path: Path) -> list[DistinctRequest]:
    trails, collector = Trails([str(path)]), RequestCollector(KEYS)
    for some in trails.events():
        collector.add(some)
    assert trails.counts.whole
    return sorted(collector.requests(), key=repr)


def test_its_result_is_what_reading_the_events_gives(tmp_path: Path) -> None:
    duckdb = optional_module("duckdb")
    odd = {**RECORDS[0], "eventID": "x", "resources": [{"ARN": 'arn:aws:s3:::b/"\\', "accountId": "123456789012"}]}
    records = [*RECORDS, odd]
    (tmp_path / "events.json").write_text("\n".join(map(json.dumps, records)))
    (tmp_path / "rows.json").write_text("\n".join(json.dumps(row(record)) for record in records))
    database = duckdb.connect()
    database.execute("CREATE SCHEMA trail")
    database.execute(TABLE)
    names = [name for (name, *_) in database.execute("DESCRIBE trail.logs").fetchall()]
    types = [kind for (_, kind, *_) in database.execute("DESCRIBE trail.logs").fetchall()]
    columns = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in zip(names, types, strict=True)) + "}"
    database.execute(
        f"INSERT INTO trail.logs SELECT * FROM read_json('{tmp_path}/rows.json', columns={columns}, "
        "format='newline_delimited')"
    )
    found = database.execute(of_athena(athena_query("trail.logs", "2026-08-01T00:00:00Z", KEYS)))
    result = tmp_path / "result.csv"
    with result.open("w", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow([name for name, *_ in found.description])
        writer.writerows([["" if cell is None else cell for cell in one] for one in found.fetchall()])
    assert collected(result) == collected(tmp_path / "events.json")


def test_it_is_one_select_and_its_groups_are_its_columns() -> None:
    query = athena_query("cloudtrail_logs", "2026-08-01T00:00:00Z")
    listed = query.partition("\nFROM")[0].removeprefix("SELECT\n  ").split(",\n  ")
    places = [int(number) for number in query.rpartition("GROUP BY ")[2].split(", ")]
    assert places == list(range(1, len(listed) - 2))
    assert re.search(r"sourceipaddress|useragent|creationdate", query) is None
    assert "sourceipaddress" in athena_query("t", "", frozenset(("aws:sourceip",)))


@pytest.mark.parametrize("table", ["", "a b", "t; DROP TABLE x", "a.b.c.d", "t--", "x" * 200, "t\x1b[31m"])
def test_what_is_no_name_of_a_table_is_refused(table: str) -> None:
    with pytest.raises(Problem, match="not the name of a table"):
        athena_query(table, "2026-08-01T00:00:00Z")
