"""Memory: what stays of a thing that is done again and again, and what of a forgotten secret is left in memory.

Each measurement is a process of its own. What stays is the resident memory at the end less that after the first fifth
of the cycles, in which caches fill. Nothing is collected that the program itself would not have collected.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.generator import snapshot_bytes
from benchmarks.loading import ASK_EVERYBODY
from benchmarks.results import Plan, Result

GROWTH_GOAL_MB: Final = 5.0
OPEN_GOAL_MB: Final = 200.0

_START: Final = """
import gc, json, re, sys
from datetime import UTC, datetime
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import SourceChoice
from iamtui.workspace.source.workspace import SourceKind
cycles = int(sys.argv[1])
workspace = open_source(SourceChoice(SourceKind.DEMO))
def resident():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024 / 1e6
def soak(step):
    for number in range(cycles):
        if number == cycles // 5:
            before = resident()
        step(number)
    print(json.dumps([before, resident()]))
"""

_ASSUME: Final = """
from iamtui.credentials.assume_role import AssumeRoleInput
from iamtui.workspace.assume.assume import assume
from iamtui.workspace.assume.session_store import SessionsKeeper
ROLE = "arn:aws:iam::111122223333:role/ops-readonly"
asked = AssumeRoleInput(role_arn=ROLE, session_name="benchmark", duration_seconds=3600)
keeper = SessionsKeeper()
def hold():
    return keeper.add(assume(workspace, asked))
"""

_SOAKS: Final = {
    "assume + forget": _ASSUME + "soak(lambda number: keeper.forget(hold().key))",
    "a question about a new resource": """
from iamtui.workspace.source.principals import principal_for
from iamtui.workspace.ask.questions import Question, ask
principals = [principal_for(workspace, user) for user in workspace.account.users]
def step(number):
    ask(workspace, principals[number % len(principals)], Question("s3:GetObject", f"arn:aws:s3:::bucket-{number}/key"))
soak(step)
""",
    "who can, on a new resource": ASK_EVERYBODY
    + """
def step(number):
    ask_everybody(workspace, Question("s3:GetObject", f"arn:aws:s3:::bucket-{number}/key"))
soak(step)
""",
    "a draft that is laid, asked about and dropped": ASK_EVERYBODY
    + """
from iamtui.drafts.draft import apply_draft
from iamtui.drafts.draft import Draft
from iamtui.drafts.edits.policies import PutInlinePolicy
def step(number):
    document = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::bucket-{number}/*"}]})
    edit = PutInlinePolicy(workspace.account.users[number % 40].arn, "benchmark", document)
    laid = apply_draft(workspace.account, Draft(workspace.account.id, "", (edit,)), lambda _: None)
    drafted = workspace.with_account(laid.account)
    ask_everybody(drafted, Question("s3:GetObject", f"arn:aws:s3:::bucket-{number}/key"))
soak(step)
""",
}

_LEFT: Final = (
    _ASSUME
    + """
import ctypes
# The process is marked as not dumpable, which keeps it from its own memory too, unless root runs it.
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
def mapped():
    for line in open("/proc/self/maps"):
        begin, end, mode = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\\S+)", line).groups()
        if mode.startswith("rw"):
            yield int(begin, 16), int(end, 16)
def count(secrets):
    '''How often the secrets, which are held backwards, stand in the memory of this process.'''
    found = 0
    with open("/proc/self/mem", "rb", 0) as memory:
        for begin, end in mapped():
            try:
                memory.seek(begin)
                block = memory.read(end - begin)
            except (OSError, ValueError):
                continue
            # Of each the middle, turned round only for the moment: what is looked for is in memory, too.
            found += sum(block.count(bytes(reversed(one))) for one in secrets)
            del block
    return found
def learn(kept):
    # Taken from where it is held: revealing it would leave copies of its own.
    return [bytes(reversed(memoryview(secret._Secret__bytes)[8:32])) for secret in (
        kept.session.secret_access_key, kept.session.session_token)]
def hold_alone():
    '''The demo's own STS knows its sessions in this process; AWS's does not.'''
    from moto.iam.models import iam_backends
    from moto.sts.models import sts_backends
    kept = hold()
    for partitions in sts_backends.values():
        for backend in partitions.values():
            for given in backend.assumed_roles:
                iam_backends[given.account_id][given.partition].access_keys.pop(given.access_key_id, None)
            backend.assumed_roles.clear()
    return kept
first = hold_alone()
learnt = learn(first)
held = count(learnt)
keeper.forget(first.key)
after = count(learnt)
for _ in range(cycles):
    keeper.forget(hold_alone().key)
later = count(learnt)
print(json.dumps([held, after, later]))
"""
)


_REFRESHES: Final = 8
_SPREAD_GOAL: Final = 1.2

_SCREEN: Final = """
import asyncio, gc, json, sys, time
from pathlib import Path
from weakref import ref
from iamtui.__main__ import ROUNDS
from iamtui.tui.app import IamtuiApp
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
gc.set_threshold(*ROUNDS)
choice, times, read = SourceChoice(SourceKind.SNAPSHOT, snapshot=Path(sys.argv[1])), int(sys.argv[2]), []
def opener(*given):
    workspace = open_source(*given)
    read.append(ref(workspace.account))
    return workspace
def resident():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024 / 1e6
async def until(holds, seconds=600):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)
def at_rest(app):
    return app.opening.is_settled and not any(one.is_running for one in app.workers)
async def open_and_close(app, pilot, *keys):
    await pilot.press(*keys)
    await until(lambda: app.screen is not app.main and getattr(app.screen, "done", True))
    await pilot.press("escape")
    await until(lambda: app.screen is app.main)
async def drive(step):
    app = IamtuiApp(choice, opener=opener)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: read and app.main.workspace is not None and at_rest(app))
        begun = resident()
        found = [await step(app, pilot, number) for number in range(times)]
    print(json.dumps([begun, *found]))
"""

_REFRESH: Final = """
async def step(app, pilot, number):
    app.main.question.ask("s3:GetObject", "arn:aws:s3:::bucket/key")
    app.main.explorer.tree_view.focus()
    for keys in ("gf", "gu", "W"):
        await open_and_close(app, pilot, *keys)
    await pilot.press("R")
    await until(lambda: len(read) == number + 2 and at_rest(app))
    await until(lambda: sum(one() is not None for one in read) == 1)
    return resident()
asyncio.run(drive(step))
"""

_FINDINGS: Final = """
async def step(app, pilot, number):
    await open_and_close(app, pilot, "g", "f")
    return resident()
asyncio.run(drive(step))
"""


def run(plan: Plan) -> Iterator[Result]:
    """Measure growth, then what is left of a secret. On Linux only, which tells a process about its own memory."""
    if not Path("/proc/self/mem").exists():
        return
    for what, program in _SOAKS.items():
        before, after = _output(_START + program, plan.cycles)
        note = f"{plan.cycles} cycles in the demo account, {before:.0f} to {after:.0f} MB"
        yield Result(f"growth by {what}", after - before, "MB", GROWTH_GOAL_MB, note=note)
    yield from _of_the_screen(plan)
    held, after, later = _output(_START + _LEFT, 20)
    note = f"{held} while it is held, {later} after 20 other sessions; freed, and not yet used again"
    yield Result("copies of a forgotten secret and token in memory", after, "x", note=note)


def _of_the_screen(plan: Plan) -> Iterator[Result]:
    """An account that is read again and again with every report opened and closed, and one report alone."""
    with TemporaryDirectory() as folder:
        small, large = Path(folder, "small.json"), Path(folder, "large.json")
        small.write_bytes(snapshot_bytes(plan.small))
        large.write_bytes(snapshot_bytes(plan.large))
        yield from _of_snapshots(plan, small, large)


def _of_snapshots(plan: Plan, small: Path, large: Path) -> Iterator[Result]:
    (begun,) = _output(_SCREEN + "asyncio.run(drive(None))", large, "0")
    note = f"{plan.large.principals:,} principals, everything counted that nobody asked for"
    yield Result("an open account", begun, "MB", OPEN_GOAL_MB, note=note)
    refreshes = min(_REFRESHES, plan.cycles)
    _, *found = _output(_SCREEN + _REFRESH, large, str(refreshes))
    note = f"{', '.join(f'{one:.0f}' for one in found)} MB after each refresh, one account alive each time"
    yield Result(f"after refresh {refreshes} to after refresh 2", found[-1] / found[1], "x", _SPREAD_GOAL, note=note)
    _, *found = _output(_SCREEN + _FINDINGS, small, str(plan.cycles))
    before, after = found[len(found) // 5], found[-1]
    note = f"{plan.cycles} cycles with {plan.small.principals:,} principals, {before:.0f} to {after:.0f} MB"
    yield Result("growth by findings that are opened and closed", after - before, "MB", GROWTH_GOAL_MB, note=note)


def _output(program: str, *given: object) -> Any:
    command = [sys.executable, "-c", program, *map(str, given)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)
