"""Loading: a snapshot beside `json.loads` of the same bytes, its memory, and the demo account."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import generator
from benchmarks.results import Plan, Result

RATIO_GOAL: Final = 5.0
MEMORY_GOAL_MB: Final = 300.0
INDEX_GOAL_MB: Final = 40.0

_LOADS: Final = """
import json, sys, time
from pathlib import Path
from iamtui.account.authorization_details import load_account
from iamtui.sources.snapshot import read_snapshot
from iamtui.tui.main.inventory import Inventory
from iamtui.tui.main.inventory import SearchIndex
path, repeats = Path(sys.argv[1]), int(sys.argv[2])
plain, loaded, listed = [], [], []
for _ in range(repeats):
    data = path.read_bytes()
    start = time.process_time()
    value = json.loads(data)
    plain.append(time.process_time() - start)
    del value, data
    start = time.process_time()
    account = read_snapshot(path)
    loaded.append(time.process_time() - start)
    start = time.process_time()
    lists = Inventory(account), SearchIndex(account)
    listed.append(loaded[-1] + time.process_time() - start)
    del account, lists
print(json.dumps([plain, loaded, listed]))
"""
"""One process measures both ways in turn, so that a slow minute of the machine slows both."""

ASK_EVERYBODY: Final = """
from iamtui.questions.account_index import account_index
from iamtui.workspace.source.principals import principal_for
from iamtui.workspace.ask.questions import BulkEvaluator, Question
def ask_everybody(workspace, question):
    account_index(workspace.account)
    poll = BulkEvaluator(workspace, question)
    for entity in (*workspace.account.users, *workspace.account.roles):
        poll.ask(principal_for(workspace, entity))
"""

_PEAK: Final = (
    ASK_EVERYBODY
    + """
import json, resource, sys
from pathlib import Path
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import SourceChoice
from iamtui.workspace.source.workspace import SourceKind
def peak():
    # A child starts with the ru_maxrss of its parent, so where the kernel tells the process's own peak, that counts.
    if Path("/proc/self/status").exists():
        line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6
peaks = [peak()]
workspace = open_source(SourceChoice(SourceKind.SNAPSHOT, snapshot=Path(sys.argv[1])))
peaks.append(peak())
ask_everybody(workspace, Question("s3:GetObject", "arn:aws:s3:::payments-export-prod/data.json"))
peaks.append(peak())
print(json.dumps(peaks))
"""
)

_INDEX: Final = """
import json, sys, tracemalloc
from pathlib import Path
from iamtui.questions.account_index import account_index
from iamtui.workspace.source.inventory import documents_in
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import SourceChoice
from iamtui.workspace.source.workspace import SourceKind
workspace = open_source(SourceChoice(SourceKind.SNAPSHOT, snapshot=Path(sys.argv[1])))
for _, _, document in documents_in(workspace.account):
    document.error
tracemalloc.start()
account_index(workspace.account)
print(json.dumps(tracemalloc.get_traced_memory()[0] / 1e6))
"""
"""What the index adds to an account whose documents are parsed."""

_DEMO: Final = """
import json, time
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import SourceChoice
from iamtui.workspace.source.workspace import SourceKind
start = time.process_time()
workspace = open_source(SourceChoice(SourceKind.DEMO))
print(json.dumps([time.process_time() - start, len(workspace.account.users)]))
"""


def run(plan: Plan) -> Iterator[Result]:
    """Measure in processes of their own: memory that earlier work left behind would hide what loading needs."""
    data = generator.snapshot_bytes(plan.large)
    size = f"snapshot of {len(data) / 1e6:.0f} MB"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "account.json")
        path.write_bytes(data)
        yield from _times(size, path, plan.repeats)
        yield from _memory(size, path)
    demo = [_output(_DEMO)[0] * 1000 for _ in range(plan.repeats)]
    yield Result("demo account opened, first time in a process", median(demo), "ms")


def _times(size: str, path: Path, repeats: int) -> Iterator[Result]:
    plain, loaded, listed = _output(_LOADS, str(path), str(repeats))
    note = f"json.loads {median(plain) * 1000:.0f} ms, load {median(loaded) * 1000:.0f} ms"
    ratio = median(one / other for one, other in zip(loaded, plain, strict=True))
    yield Result(f"{size} to Account, beside json.loads", ratio, "x", RATIO_GOAL, note=note)
    ratio = median(one / other for one, other in zip(listed, plain, strict=True))
    note = f"with what tree and search need {median(listed) * 1000:.0f} ms"
    yield Result(f"{size} ready to be shown, beside json.loads", ratio, "x", RATIO_GOAL, note=note)


def _memory(size: str, path: Path) -> Iterator[Result]:
    before, opened, asked = _output(_PEAK, str(path))
    note = f"of which {before:.0f} MB before"
    yield Result(f"{size}, peak memory to open", opened, "MB", MEMORY_GOAL_MB, note=note)
    note = "every document parsed and compiled"
    yield Result(f"{size}, peak after asking everyone", asked, "MB", MEMORY_GOAL_MB, note=note)
    yield Result(f"{size}, index of the account", _output(_INDEX, str(path)), "MB", INDEX_GOAL_MB)


def _output(program: str, *arguments: str) -> Any:
    """What a program prints, as JSON."""
    done = subprocess.run([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)
