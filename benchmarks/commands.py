"""Whole commands, from the start of the process to its end, also beside those of another checkout, run in turn."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import decisions, generator
from benchmarks.results import Plan, Result

HERE: Final = Path(__file__).parent.parent
SLOWER_GOAL: Final = 1.05

_OBJECT: Final = "arn:aws:s3:::payments-export-prod/data.json"
_COMMANDS: Final = (
    "--help",
    "list roles --demo",
    "can role/analytics-lake-reader s3:DeleteObject --on arn:aws:s3:::puffin-data-lake/x --demo",
    "can role/analytics-lake-reader s3:DeleteObject --on arn:aws:s3:::puffin-data-lake/x --trace --json --demo",
    "who-can s3:GetObject --on arn:aws:s3:::puffin-data-lake/* --demo",
    "list roles --snapshot ACCOUNT",
    f"who-can s3:GetObject --on {_OBJECT} --snapshot ACCOUNT",
    "who-can iam:PassRole --snapshot ACCOUNT",
    "simulate SCENARIOS",
    "lint POLICY",
    "explain DENIAL --demo",
)
_BESIDE_JSON: Final = {
    f"who-can s3:GetObject --on {_OBJECT} --snapshot ACCOUNT": 8.0,
    "who-can iam:PassRole --snapshot ACCOUNT": 10.0,
}
"""The commands that are held against `json.loads` of their file, with how many times that they may take."""
_DENIAL: Final = (
    "User: arn:aws:sts::111122223333:assumed-role/analytics-lake-reader/x is not authorized to perform: "
    "s3:DeleteObject on resource: arn:aws:s3:::puffin-data-lake/x with an explicit deny in an identity-based policy\n"
)


def run(plan: Plan) -> Iterator[Result]:
    """CPU times of commands, or their ratios where there is a checkout to compare with."""
    with tempfile.TemporaryDirectory() as folder:
        files = {name: str(Path(folder, name)) for name in ("ACCOUNT", "SCENARIOS", "POLICY", "DENIAL")}
        Path(files["ACCOUNT"]).write_bytes(generator.snapshot_bytes(plan.large))
        Path(files["SCENARIOS"]).write_bytes(decisions.scenarios(plan.decisions // 10, seed=5))
        Path(files["POLICY"]).write_text('{"Version": "2012-10-17", "Statement": []}')
        Path(files["DENIAL"]).write_text(_DENIAL)
        for command in _COMMANDS:
            words = [files.get(word, word) for word in command.split()]
            checkouts = [HERE] if plan.against is None else [HERE, plan.against]
            # The first run of each fills caches.
            rounds = [[_cpu_ms(checkout, words, folder) for checkout in checkouts] for _ in range(plan.repeats + 1)][1:]
            ours = median(times[0] for times in rounds)
            if plan.against is None:
                yield Result(f"iamtui {command}", ours, "ms")
                if command in _BESIDE_JSON:
                    yield _beside_json(command, rounds, files["ACCOUNT"], folder)
                continue
            note = f"{ours:.0f} ms, there {median(times[1] for times in rounds):.0f} ms"
            yield Result(f"iamtui {command}", median(one / other for one, other in rounds), "x", SLOWER_GOAL, note=note)


def _beside_json(command: str, rounds: list[list[float]], account: str, home: str) -> Result:
    """A command against `json.loads` of the file that it reads, without the start of its process."""
    empty = min(_python_ms(["-c", "import json"], home) for _ in rounds)
    loads = f"import json; json.loads(open({account!r}, 'rb').read())"
    read = min(_python_ms(["-c", loads], home) for _ in rounds) - empty
    best = min(times[0] for times in rounds)
    return Result(
        f"iamtui {command} against json.loads",
        best / read,
        "x",
        _BESIDE_JSON[command],
        note=f"which takes {read:.0f} ms",
    )


def _cpu_ms(checkout: Path, words: list[str], home: str) -> float:
    """CPU time of one run of a checkout's code in this environment; with the bytecode that an installed one has."""
    return _python_ms(["-m", "iamtui", *words], home, str(checkout))


def _python_ms(words: list[str], home: str, path: str = "") -> float:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environ |= {"PYTHONPATH": path, "XDG_CACHE_HOME": home, "XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home}
    process = subprocess.Popen(
        [sys.executable, *words],
        cwd=home,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1, 3):
        raise RuntimeError(f"python {' '.join(words)} with {path or 'nothing'} ended with {process.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1000
