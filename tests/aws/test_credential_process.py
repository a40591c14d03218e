"""A profile whose credential_process is iamtui: taken where it leads on, refused where it leads in a circle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from iamtui.aws import credential_process
from iamtui.aws.connection import Connection
from iamtui.aws.credential_process import (
    DEPTH,
    MOST_DEPTH,
    CredentialCommand,
    approved_run,
    end_commands,
    is_credential_process,
    remark_on,
)
from iamtui.problem import Problem
from iamtui.workspace.source.credential_commands import confirm
from tests.support.program_on_terminal import run_on_terminal

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("iamtui assume prod --format json", True),
        ("/home/me/.local/bin/iamtui assume prod", True),
        ("env X=1 iamtui assume prod", True),
        ("C:/tools/iamtui.exe assume prod", True),
        ("aws-vault export prod", False),
        ("cat /iamtui/answer", False),
        ("iamtui 'unclosed", True),
        ("", False),
    ],
)
def test_a_command_that_is_iamtui_is_remarked_on(command: str, expected: bool) -> None:
    assert ("iamtui serve" in remark_on(command)) is expected


def test_a_command_is_told_how_many_run_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    run = approved_run("p", lambda: {"profiles": {"p": {"credential_process": "x"}}}, lambda _command: False)
    prints = ["sh", "-c", f"echo ${DEPTH} $PWD; pwd"]
    for above, own in (("", "1"), ("1", "2"), ("nonsense", "1")):
        monkeypatch.setenv(DEPTH, above)
        said, _ = run(prints, stdout=subprocess.PIPE).communicate()
        assert said.decode().split() == [own, "/", "/"]
        assert is_credential_process() is (above == "1")
    monkeypatch.setenv(DEPTH, str(MOST_DEPTH))
    with pytest.raises(Problem, match="that is a circle") as problem:
        run(prints)
    assert "--profile BASE" in problem.value.next_step


@pytest.mark.slow
def test_iamtui_that_would_run_itself_for_ever_says_so_once(
    no_aws_settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    name, runs = tmp_path / "under-another-name", tmp_path / "runs"
    # The limit keeps a test that fails from filling the machine.
    limit = f"echo >> {runs}; [ $(wc -l < {runs}) -lt 9 ] || exit 1"
    name.write_text(f'#!/bin/sh\n{limit}\ncd {ROOT}\nexec {sys.executable} -m iamtui "$@"\n')
    name.chmod(0o755)
    role = "arn:aws:iam::123456789012:role/x"
    command = f"{name} assume {role} --format json --profile prod"
    (no_aws_settings / "config").write_text(f"[profile prod]\nregion = eu-west-1\ncredential_process = {command}\n")
    confirm(CredentialCommand("prod", command))
    done = subprocess.run(
        [name, "assume", role, "--profile", "prod", "--format", "json", "--endpoint-url", "http://127.0.0.1:9"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("that is a circle") == 1
    assert done.stderr.count("iamtui: ") == 1
    assert "by hand" not in done.stderr
    assert len(runs.read_text()) == MOST_DEPTH + 1


def test_a_command_that_is_just_being_started_ends_with_iamtui(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It may run before the thread that starts it knows of it."""
    begun, ending = threading.Event(), threading.Event()
    made: list[subprocess.Popen[bytes]] = []
    really = subprocess.Popen

    def start(words: list[str], **how: Any) -> subprocess.Popen[bytes]:
        made.append(really(words, **{**how, "start_new_session": True}))
        begun.set()
        assert ending.wait(60)
        return made[0]

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(credential_process, "_terminal", lambda _may_ask: nullcontext({"start_new_session": True}))
    monkeypatch.setattr(credential_process, "_LONGEST_START", 60)
    run = approved_run("p", lambda: {"profiles": {"p": {"credential_process": "sleep 100"}}}, lambda *_: False)
    starting = threading.Thread(target=lambda: run(["sleep", "100"]), daemon=True)
    starting.start()
    assert begun.wait(60)
    end = threading.Thread(target=end_commands, daemon=True)
    end.start()
    end.join(0.2)
    ending.set()
    end.join(60)
    try:
        assert made[0].wait(60) == -signal.SIGTERM
    finally:
        made[0].kill()


def test_a_command_without_the_terminal_ends_with_iamtui(tmp_path: Path) -> None:
    """In a session of its own it would hear nothing of the end of our terminal."""
    told = tmp_path / "pid"
    command = tmp_path / "waits"
    command.write_text(f"#!/bin/sh\necho $$ > {told}.new; mv {told}.new {told}; exec sleep 100\n")
    command.chmod(0o700)
    script = (
        "import os, sys, threading, time\n"
        "from iamtui.aws.credential_process import approved_run\n"
        f"config = {{'profiles': {{'p': {{'credential_process': {str(command)!r}}}}}}}\n"
        "run = approved_run('p', lambda: config, lambda *_: False)\n"
        f"start = lambda: run([{str(command)!r}]).communicate()\n"
        "threading.Thread(target=start, daemon=True).start()\n"
        f"while not os.path.exists({str(told)!r}): time.sleep(0.01)\n"
    )
    # The terminal that is opened first by the leader of a session becomes its controlling one.
    program = ("sh", "-c", 'exec 3<>"$(tty)"; exec "$@"', "sh", sys.executable, "-c", script)
    done = run_on_terminal([], home=tmp_path, program=program)
    assert done.code == 0, done.text
    pid = int(told.read_text())
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the command goes on")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("'get keys", "cannot be split into words: no closing quotation"),
        ("get \\", "cannot be split into words: no escaped character"),
        ("get \0 keys", "holds a NUL character"),
        ("", "is empty"),
    ],
)
def test_what_is_no_command_line_is_named(no_aws_settings: Path, command: str, says: str) -> None:
    (no_aws_settings / "config").write_text(f"[profile p]\nregion = eu-west-1\ncredential_process = {command}\n")
    with pytest.raises(Problem) as caught:
        Connection.open(profile="p", region=None, endpoint_url=None)
    assert f"The credential_process of profile p {says}" in caught.value.sentence
