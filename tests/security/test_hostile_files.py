"""No hostile file costs more than ten seconds or 500 MB, and none ends in anything but a sentence or an answer."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.hostile_runs import READERS
from tests.support.slow import one_quick

MOST_SECONDS = 10.0
MOST_MEGABYTES = 500
FILES = 10_000
"""In the long run: as many in all, spread over the readers."""

ROOT = Path(__file__).parents[2]


@dataclass
class Cost:
    """What the files of one reader cost at most."""

    files: int = 0
    seconds: float = 0.0
    megabytes: int = 0
    slowest: int = -1
    codes: dict[int, int] = field(default_factory=dict)


def read_files(reader: str, first: int, end: int) -> Cost:
    """Let a child read the files of these numbers; it is killed when one takes far too long or too much."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.hostile_runs", reader, str(first), str(end)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    cost = Cost()
    at = "the good file"
    assert child.stdout is not None
    assert child.stderr is not None
    while True:
        timer = threading.Timer(20 * MOST_SECONDS, child.kill)
        timer.start()
        line = child.stdout.readline()
        timer.cancel()
        if not line:
            break
        told = json.loads(line)
        if "good" in told:
            assert told["good"] in (0, 1, 3), f"{reader}: the good file is refused"
        elif "number" in told:
            at = f"file {told['number']} ({told['bytes']:,} bytes)"
        elif "code" in told:
            cost.files += 1
            cost.megabytes = max(cost.megabytes, told["megabytes"])
            cost.codes[told["code"]] = cost.codes.get(told["code"], 0) + 1
            if told["seconds"] > cost.seconds:
                cost.seconds, cost.slowest = told["seconds"], cost.files + first - 1
            assert told["seconds"] < MOST_SECONDS, f"{reader}: {at} took {told['seconds']} s"
            assert told["megabytes"] < MOST_MEGABYTES, f"{reader}: {at} took {told['megabytes']} MB"
    with child.stderr:
        said = child.stderr.read()
    assert child.wait() == 0, f"{reader}: {at} ended the program: {said[-1000:]}"
    return cost


@one_quick("reader", READERS)
def test_hostile_files(reader: str) -> None:
    cost = read_files(reader, 0, 19)
    assert cost.files == 19


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("reader", READERS)
def test_ten_thousand_hostile_files(reader: str) -> None:
    count = -(-FILES // len(READERS))
    cost = read_files(reader, 19, 19 + count)
    print(f"{reader}: {cost}")
    assert cost.files == count
