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
from typing import Any, Final

from benchmarks.loading import ASK_EVERYBODY
from benchmarks.results import Plan, Result

GROWTH_GOAL_MB: Final = 5.0

_START: Final = """
import gc, json, re, sys
from datetime import UTC, datetime
from iamtui.workspace.opening import open_source
from iamtui.workspace.workspace import SourceChoice
from iamtui.workspace.workspace import SourceKind
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
from iamtui.workspace.assume import assume
from iamtui.workspace.session_store import SessionsKeeper
ROLE = "arn:aws:iam::111122223333:role/ops-readonly"
asked = AssumeRoleInput(role_arn=ROLE, session_name="benchmark", duration_seconds=3600)
keeper = SessionsKeeper()
def hold():
    return keeper.add(assume(workspace, asked))
"""

_SOAKS: Final = {
    "assume + forget": _ASSUME + "soak(lambda number: keeper.forget(hold().key))",
    "a question about a new resource": """
from iamtui.workspace.principals import principal_for
from iamtui.workspace.questions import Question, ask
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
from iamtui.drafts.overlay import lay_draft
from iamtui.drafts.draft import Draft
from iamtui.drafts.edits.policies import PutInlinePolicy
def step(number):
    document = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::bucket-{number}/*"}]})
    edit = PutInlinePolicy(workspace.account.users[number % 40].arn, "benchmark", document)
    laid = lay_draft(workspace.account, Draft(workspace.account.id, "", (edit,)), lambda _: None)
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


def run(plan: Plan) -> Iterator[Result]:
    """Measure growth, then what is left of a secret. On Linux only, which tells a process about its own memory."""
    if not Path("/proc/self/mem").exists():
        return
    for what, program in _SOAKS.items():
        before, after = _output(_START + program, plan.cycles)
        note = f"{plan.cycles} cycles in the demo account, {before:.0f} to {after:.0f} MB"
        yield Result(f"growth by {what}", after - before, "MB", GROWTH_GOAL_MB, note=note)
    held, after, later = _output(_START + _LEFT, 20)
    note = f"{held} while it is held, {later} after 20 other sessions; freed, and not yet used again"
    yield Result("copies of a forgotten secret and token in memory", after, "x", note=note)


def _output(program: str, cycles: int) -> Any:
    done = subprocess.run([sys.executable, "-c", program, str(cycles)], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)
