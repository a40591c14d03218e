"""Reading a live account from a server that pages as AWS does: beside botocore alone, and while the screen goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import generator
from benchmarks.results import Plan, Result

RATIO_GOAL: Final = 2.5
DELAY_GOAL_MS: Final = 30.0

_KEYS: Final = """
import os
os.environ.update(AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1")
os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_EC2_METADATA_DISABLED="true")
"""

_LOADS: Final = (
    _KEYS
    + """
import json, sys, time
import botocore.session
from iamtui.aws.connection import Connection
from iamtui.sources.live import LiveReading
from iamtui.sources.parallel import no_step
url, repeats = sys.argv[1], int(sys.argv[2])
plain, loaded = [], []
for _ in range(repeats):
    client = botocore.session.get_session().create_client("iam", endpoint_url=url)
    connection = Connection.open(profile=None, region=None, endpoint_url=url)
    connection.client("iam"), connection.client("sts"), connection.client("organizations")
    start = time.process_time()
    for name in ("get_account_authorization_details", "list_users", "list_roles"):
        pages = list(client.get_paginator(name).paginate(PaginationConfig={"PageSize": 1000}))
    plain.append(time.process_time() - start)
    del pages
    start = time.process_time()
    account = LiveReading().read(connection, no_step)
    loaded.append(time.process_time() - start)
    assert not account.gaps, account.gaps
    del account
print(json.dumps([plain, loaded]))
"""
)
"""One process reads the same account in turn with botocore as it comes, which makes objects of every answer, and with
iamtui, so that a slow minute slows both."""

_DELAYS: Final = (
    _KEYS
    + """
import asyncio, gc, json, sys, time
gc.disable()
from iamtui.tui.app import IamtuiApp
from iamtui.workspace.source.workspace import CacheUse, SourceChoice, SourceKind

async def turn():
    before, busy = time.perf_counter(), time.thread_time()
    await asyncio.sleep(0.002)
    return (time.perf_counter() - before - 0.002) * 1000, (time.thread_time() - busy) * 1000

def late(delays):
    return sorted(delays)[len(delays) * 99 // 100]

async def main():
    idle = [await turn() for _ in range(500)]
    app = IamtuiApp(SourceChoice(SourceKind.LIVE, endpoint_url=sys.argv[1], cache=CacheUse.NOTHING), fresh=True)
    delays, shown = [], []
    started = time.monotonic()
    async with app.run_test(size=(120, 40)):
        while True:
            delays.append(await turn())
            workspace = app.main.workspace
            if workspace is not None and not shown:
                shown.append(time.monotonic() - started)
            if workspace is not None and not workspace.account.gaps:
                break
    idle = [waited for waited, _ in idle]
    waits, own = zip(*delays)
    print(json.dumps([late(waits), max(waits), late(own), max(own), late(idle), shown[0] * 1000]))

asyncio.run(main())
"""
)
"""How late a turn of the event loop begins while the account is read, until all of it is on screen. The collector is
off when it begins, as in the program, whose app turns it on."""


def run(plan: Plan) -> Iterator[Result]:
    """The server is a process of its own, so that its work is not counted."""
    size = f"{plan.large.principals:,} principals"
    with tempfile.TemporaryDirectory() as modules, _served(generator.snapshot_bytes(plan.large)) as url:
        plain, loaded = _output(modules, _LOADS, url, str(plan.repeats))
        ratio = median(one / other for one, other in zip(loaded, plain, strict=True))
        note = f"botocore {median(plain) * 1000:.0f} ms, load {median(loaded) * 1000:.0f} ms"
        yield Result(f"live account of {size}, beside botocore's own reading", ratio, "x", RATIO_GOAL, note=note)
        # A busy machine only adds to what is waited for: the run that waited least says most.
        runs = sorted(_output(modules, _DELAYS, url) for _ in range(plan.repeats))
        late, latest, own, longest, idle, first = runs[0]
        note = (
            f"of {len(runs)} runs the quietest, the middle one {median(late for late, *_ in runs):.1f} ms; longest "
            f"{latest:.0f} ms; the loop's own work {own:.1f} ms, longest {longest:.0f} ms; with nothing to do "
            f"{idle:.1f} ms; first rows after {first:,.0f} ms"
        )
        yield Result(f"event loop while {size} are read, 99 of 100 turns", late, "ms", DELAY_GOAL_MS, note=note)


@contextmanager
def _served(snapshot: bytes) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "account.json")
        path.write_bytes(snapshot)
        server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.iam_pager", str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        with server:
            assert server.stdout is not None
            assert server.stdin is not None
            try:
                yield server.stdout.readline().decode().strip()
            finally:
                server.stdin.close()


def _output(modules: str, program: str, *arguments: str) -> Any:
    """What a program prints, as JSON.

    Args:
        modules: a folder for compiled modules, which an installed program has.
    """
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": modules}
    command = [sys.executable, "-c", program, *arguments]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment).stdout)
