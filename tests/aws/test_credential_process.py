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
from iamtui.aws.credential_process import ASKING, approved_run, end_commands, enter_profile, remark_on, runs_iamtui
from iamtui.aws.profiles import Profile
from iamtui.aws.session import available_profiles
from iamtui.problem import Problem
from tests.support.program_on_terminal import run_on_terminal
from tests.support.slow import one_quick

ROOT = Path(__file__).parents[2]
RUNS = "credential_process = iamtui assume r"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("iamtui assume prod --format json", True),
        ("/home/me/.local/bin/iamtui assume prod", True),
        ("env X=1 iamtui assume prod", True),
        ("'C:/tools/iamtui.exe' assume prod", True),
        ("aws-vault export prod", False),
        ("cat /iamtui/answer", False),
        ("iamtui 'unclosed", True),
        ("", False),
    ],
)
def test_what_runs_iamtui(command: str, expected: bool) -> None:
    assert runs_iamtui(Profile("p", command=command)) is expected


def test_a_circle_is_seen_by_the_second_process(no_aws_settings: Path) -> None:
    (no_aws_settings / "config").write_text("[profile prod]\ncredential_process = iamtui assume r --profile base\n")
    environ: dict[str, str] = {}
    enter_profile("prod", available_profiles(), environ)
    enter_profile("prod", available_profiles(), environ)
    assert environ == {ASKING: f"{os.getpid()}:prod"}, "the same process may ask again"
    inherited = {ASKING: "1:prod"}
    with pytest.raises(Problem, match="that is a circle") as problem:
        enter_profile("prod", available_profiles(), inherited)
    assert "--profile BASE" in problem.value.next_step
    enter_profile("other", available_profiles(), inherited)
    assert inherited == {ASKING: "1:prod"}


@pytest.mark.parametrize(
    ("commands", "way"),
    [
        (["[profile a]", f"{RUNS} --profile b", "[profile b]", f"{RUNS} --profile=a"], "a → b → a"),
        (
            [
                *("[profile a]", f"{RUNS} --profile b", "[profile b]", "role_arn = r", "source_profile = c"),
                *("[profile c]", "credential_process = env AWS_PROFILE=b iamtui assume r"),
            ],
            "a → b → b",
        ),
        (["[profile a]", f"{RUNS} --profile a"], ""),
        (["[profile a]", RUNS, "[default]", RUNS], "a → default → default"),
    ],
)
def test_a_circle_that_can_be_read_is_refused_before_anything_is_run(
    no_aws_settings: Path, commands: list[str], way: str
) -> None:
    (no_aws_settings / "config").write_text("\n".join(commands))
    environ: dict[str, str] = {}
    with pytest.raises(Problem, match="that is a circle") as problem:
        enter_profile("a", available_profiles(), environ)
    assert (f"({way})" if way else "profile a for credentials: that") in problem.value.sentence
    assert environ == {}


@pytest.mark.parametrize(
    "base",
    [
        "aws_access_key_id = AKIA\naws_secret_access_key = s\ncredential_process = iamtui assume r --profile a\n",
        "credential_process = iamtui assume r --demo --profile a\n",
        "credential_process = other-tool --profile a\n",
    ],
)
def test_what_leads_on_is_no_circle(no_aws_settings: Path, base: str) -> None:
    command = "iamtui assume r --profile base"
    (no_aws_settings / "config").write_text(f"[profile a]\ncredential_process = {command}\n[profile base]\n{base}")
    environ: dict[str, str] = {}
    enter_profile("a", available_profiles(), environ)
    assert environ == {ASKING: f"{os.getpid()}:a"}
    assert "iamtui serve" in remark_on(command)
    assert remark_on("other-tool iamtui.json") == ""


def test_the_default_profile_counts_too(no_aws_settings: Path) -> None:
    (no_aws_settings / "config").write_text("[default]\ncredential_process = iamtui assume r --format json\n")
    with pytest.raises(Problem, match="profile default"):
        enter_profile("", available_profiles(), {ASKING: "1:default"})


@pytest.mark.slow
@one_quick("name", ["iamtui", "under-another-name"])
def test_iamtui_that_would_run_itself_for_ever_says_so_once(no_aws_settings: Path, tmp_path: Path, name: str) -> None:
    command, runs = tmp_path / name, tmp_path / "runs"
    # The limit keeps a test that fails from filling the machine.
    limit = f"echo >> {runs}; [ $(wc -l < {runs}) -lt 6 ] || exit 1"
    command.write_text(f'#!/bin/sh\n{limit}\ncd {ROOT}\nexec {sys.executable} -m iamtui "$@"\n')
    command.chmod(0o755)
    role = "arn:aws:iam::123456789012:role/x"
    (no_aws_settings / "config").write_text(
        "[profile prod]\nregion = eu-west-1\n"
        f"credential_process = {command} assume {role} --format json --profile prod\n"
    )
    done = subprocess.run(
        [command, "assume", role, "--profile", "prod", "--format", "json", "--endpoint-url", "http://127.0.0.1:9"],
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
    assert "Traceback" not in done.stderr
    assert len(runs.read_text().splitlines()) == (1 if name == "iamtui" else 2)


def test_a_command_that_is_just_being_started_ends_with_iamtui(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It may run before the thread that starts it knows of it."""
    begun, ending = threading.Event(), threading.Event()
    made: list[subprocess.Popen[bytes]] = []
    really = credential_process._Command

    def start(words: list[str], **how: Any) -> subprocess.Popen[bytes]:
        made.append(really(words, **{**how, "start_new_session": True}))
        begun.set()
        assert ending.wait(60)
        return made[0]

    monkeypatch.setattr(credential_process, "_Command", start)
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
        ("\n  a = b", ""),
    ],
)
def test_what_is_no_command_line_is_named(no_aws_settings: Path, command: str, says: str) -> None:
    (no_aws_settings / "config").write_text(f"[profile p]\nregion = eu-west-1\ncredential_process = {command}\n")
    with pytest.raises(Problem) as caught:
        Connection.open(profile="p", region=None, endpoint_url=None)
    assert (f"The credential_process of profile p {says}" if says else "not run here: a = b") in caught.value.sentence
