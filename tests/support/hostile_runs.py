"""Reads hostile files as the program would, and tells what each cost.

python -m tests.support.hostile_runs READER FIRST END
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from iamtui.cli.main import run
from iamtui.cli.output import Screen
from iamtui.config import load_config
from iamtui.problem import Problem
from iamtui.workspace.ask.denials import read_denial_file
from tests.support.hostile_files import CALLER, GOOD, hostile_file
from tests.support.peak_memory import peak_megabytes

ACCOUNT = "account.json"
"""The good snapshot beside which the other kinds are read."""

STORE = "store"

ASK = ("can", CALLER, "s3:GetObject", "--on", "arn:aws:s3:::b/x")


def _command(*words: str) -> Callable[[], int]:
    def read() -> int:
        with (
            Path(os.devnull).open("w") as out,
            Path("said").open("w+", encoding="utf-8", errors="replace") as err,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = int(run(list(words), _NO_SCREEN))
            err.seek(max(0, err.tell() - 2000))
            said = err.read()
        if "Traceback" in said or "An error in iamtui itself" in said:
            raise AssertionError(said[-500:])
        return code

    return read


def _stored() -> int:
    """The file as the snapshot of an account in a store, which was written with a good one there."""
    stored = next(Path(STORE).glob("date=*/account=*")) / "snapshot.json.zst"
    stored.write_bytes(Path("FILE").read_bytes())
    return _command("org", "ask", "--store", STORE, "--audit", "--who-can", "s3:GetObject", "--workers", "1")()


def _screen_log() -> int:
    with contextlib.suppress(Problem):
        read_denial_file("FILE")
    return 0


def _config() -> int:
    load_config(Path("FILE"), {})
    return 0


def _theme() -> int:
    from iamtui.tui.themes import read_own_theme

    theme, _ = read_own_theme(Path("FILE"))
    return 0 if theme is not None else 2


_NO_SCREEN = Screen(lambda *_given: 0, lambda: (), lambda _choice, _format: None)

READERS: dict[str, tuple[str, Callable[[], int]]] = {
    "snapshot": ("snapshot", _command("list", "users", "--snapshot", "FILE")),
    "snapshot of a question": ("snapshot", _command(*ASK, "--snapshot", "FILE")),
    "organization": ("organization", _command("list", "organization", "--snapshot", ACCOUNT, "--organization", "FILE")),
    "scenarios": ("scenarios", _command("simulate", "FILE", "--json")),
    "policy": ("policy", _command("lint", "FILE")),
    "log": ("log", _command("explain", "FILE", "--snapshot", ACCOUNT)),
    "trail": ("trail", _command("replay", "FILE", "--snapshot", ACCOUNT)),
    "trail of use": ("trail", _command("used", CALLER, "FILE", "--snapshot", ACCOUNT)),
    "log on the screen": ("log", _screen_log),
    "context": ("context", _command(*ASK, "--context-file", "FILE", "--snapshot", ACCOUNT)),
    "session policy": ("session policy", _command(*ASK, "--session-policy", "FILE", "--snapshot", ACCOUNT)),
    "draft": ("draft", _command(*ASK, "--draft", "FILE", "--snapshot", ACCOUNT)),
    "draft check": ("draft", _command("draft", "check", "FILE", "--snapshot", ACCOUNT)),
    "stored snapshot": ("snapshot", _stored),
    "draft of an organization": ("policy", _command("org", "ask", "--store", STORE, "--draft", "FILE")),
    "questions": ("questions", _command("questions", "run", "--questions", "FILE", "--snapshot", ACCOUNT)),
    "config": ("config", _config),
    "theme": ("theme", _theme),
}
"""What is read, to the kind of the file and its reader. The file is called FILE."""


_MOST_ADDRESSES = 4 * 1024**3


def main(reader: str, first: int, end: int) -> None:
    """Read the files of these numbers, and print a line of JSON before and after each."""
    kind, read = READERS[reader]
    # A file that asks for far too much fails here, and not the machine.
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_ADDRESSES, _MOST_ADDRESSES))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ |= {"HOME": folder, "XDG_CONFIG_HOME": folder, "XDG_DATA_HOME": folder, "XDG_STATE_HOME": folder}
        Path(ACCOUNT).write_bytes(GOOD["snapshot"])
        Path("FILE").write_bytes(GOOD[kind])
        _command("snapshot", "--org", STORE, "--snapshot", ACCOUNT)()
        print(json.dumps({"good": read()}), flush=True)
        for number in range(first, end):
            # Made by a child, so that the making counts for nothing here.
            _make(kind, number)
            size = Path("FILE").stat().st_size
            print(json.dumps({"number": number, "bytes": size}), flush=True)
            # Seconds of this process, which those of others do not change; a file that only waits ends the child.
            started = time.process_time()
            code = read()
            seconds = time.process_time() - started
            peak = peak_megabytes()
            print(json.dumps({"code": code, "seconds": round(seconds, 2), "megabytes": peak}), flush=True)


def _make(kind: str, number: int) -> None:
    child = os.fork()
    if child == 0:
        try:
            Path("FILE").write_bytes(hostile_file(kind, number))
        finally:
            os._exit(0)
    os.waitpid(child, 0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
