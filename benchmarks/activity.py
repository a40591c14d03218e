"""CloudTrail events a second: from files as CloudTrail writes them to distinct requests, kept ones, and a replay."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from benchmarks.results import Plan, Result
from benchmarks.trail_generator import calls_of, events, write_bucket
from iamtui.activity.distinct_requests import COLUMNS, DistinctRequest, RequestCollector
from iamtui.activity.event_rows import write_parquet
from iamtui.activity.events import event_of
from iamtui.activity.trails import Trails
from iamtui.sources.demo import load_demo_account
from iamtui.workspace.activity.replay import Replayer
from iamtui.workspace.ask.policy_reads import PolicyReads
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace

_EVENTS_OF_A_DECISION: Final = 25


def run(plan: Plan) -> Iterator[Result]:
    count = max(1_000, plan.decisions * _EVENTS_OF_A_DECISION)
    with tempfile.TemporaryDirectory() as folder:
        bucket, kept = Path(folder, "bucket"), Path(folder, "kept.parquet")
        write_bucket(bucket, events(count))
        found, seconds = _collected(bucket)
        note = f"{count:,} events, {len(found):,} distinct requests"
        yield Result("events of CloudTrail's files to distinct requests", count / seconds, "/s", 20_000.0, True, note)
        yield _replayed(count // 10)
        if find_spec("pyarrow") is None:
            return
        with kept.open("wb") as file:
            write_parquet(file, [columns_of(found)])
        del found
        again, seconds = _collected(kept)
        note = f"{len(again):,} requests, {kept.stat().st_size / 1024**2:.1f} MB"
        yield Result("kept requests read again, for 100,000", seconds * 1e8 / len(again), "ms", 2_000.0, note=note)


def _replayed(count: int) -> Result:
    """Requests that the demo's users and roles may make, held against its account."""
    workspace = Workspace(load_demo_account(), SourceInfo(SourceKind.SNAPSHOT, "demo", region="eu-west-1"))
    account = workspace.account
    reads = PolicyReads([account])
    collector = RequestCollector(reads.keys, sessions=reads.sessions)
    recorded = events(count, calls=list(calls_of(account)), account=account.id)
    collector.add(found for record in recorded if (found := event_of(json.dumps(record))) is not None)
    replayer, requests = Replayer(workspace, reads), list(collector.in_order_of_questions())
    begun = time.process_time()
    for request in requests:
        replayer.add(request)
    seconds = time.process_time() - begun
    return Result("distinct requests held against the demo account", len(requests) / seconds, "/s")


def columns_of(requests: Iterable[DistinctRequest]) -> dict[str, list[Any]]:
    rows = [request.row() for request in requests]
    return {name: [row.get(name) for row in rows] for name in COLUMNS}


def _collected(path: Path) -> tuple[list[DistinctRequest], float]:
    begun = time.process_time()
    trails, collector = Trails([str(path)]), RequestCollector()
    for some in trails.events():
        collector.add(some)
    seconds = time.process_time() - begun
    return list(collector.requests()), seconds
