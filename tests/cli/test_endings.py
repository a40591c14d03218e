"""How commands end: only an answer ends with 0, 1 or 3, and nothing that goes wrong shows a traceback or a secret."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from iamtui.cli.main import ENTRIES
from iamtui.problem import Problem
from tests.support.cli_runner import Cli

DENIAL = "User: arn:aws:iam::111122223333:user/a is not authorized to perform: s3:GetObject"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

ARGUMENTS: dict[str, list[str]] = {
    "help": ["can"],
    "can": ["alice", "s3:GetObject", "--demo"],
    "who-can": ["s3:GetObject", "--demo"],
    "what-can": ["ops-readonly", "--demo"],
    "prove": ["never", "ops-readonly", "iam:CreateUser", "--demo"],
    "trust": ["ops-readonly", "--demo"],
    "overview": ["--demo"],
    "audit": ["--demo"],
    "role-for": ["svc-smtp", "--demo"],
    "escalations": ["--demo"],
    "questions": ["list"],
    "used": ["ops-readonly", "-", "--demo"],
    "explain": [DENIAL, "--demo"],
    "replay": ["-", "--demo"],
    "simulate": ["-"],
    "gate": ["-", "--demo"],
    "lint": ["-"],
    "draft": ["schema"],
    "impact": ["-", "--demo"],
    "diff": ["-", "-"],
    "list": ["users", "--demo"],
    "show": ["alice", "--demo"],
    "cache": ["clear"],
    "snapshot": ["-", "--demo"],
    "org": ["ask", "--store", "nowhere", "--audit"],
    "assume": ["ops-readonly", "--demo"],
    "pick": ["--demo"],
    "exec": ["ops-readonly", "--demo", "--", "true"],
    "serve": ["ops-readonly", "--demo", "--", "true"],
    "console": ["ops-readonly", "--profile", "none"],
    "revoke": ["ops-readonly", "--demo"],
    "info": [],
    "config": ["show"],
    "permissions": [],
    "completion": ["bash"],
}
"""Words with which each command runs."""

INSIDE = {
    "can": ("iamtui.cli.can", "open_workspace"),
    "who-can": ("iamtui.cli.who_can", "open_workspace"),
    "what-can": ("iamtui.cli.what_can", "open_workspace"),
    "prove": ("iamtui.cli.prove", "open_workspace"),
    "trust": ("iamtui.cli.trust", "open_workspace"),
    "overview": ("iamtui.cli.overview", "open_workspace"),
    "audit": ("iamtui.cli.audit", "open_workspace"),
    "role-for": ("iamtui.cli.role_for", "open_workspace"),
    "escalations": ("iamtui.cli.escalations", "open_workspace"),
    "questions": ("iamtui.cli.questions", "question_store"),
    "used": ("iamtui.cli.used", "open_workspace"),
    "explain": ("iamtui.cli.explain", "open_workspace"),
    "replay": ("iamtui.cli.replay", "open_workspace"),
    "simulate": ("iamtui.cli.simulate", "opened"),
    "gate": ("iamtui.cli.gate", "read_plan"),
    "lint": ("iamtui.cli.lint", "read_text"),
    "draft": ("iamtui.cli.draft", "draft_schema"),
    "impact": ("iamtui.cli.diff", "open_workspace"),
    "diff": ("iamtui.cli.diff", "diff_snapshots"),
    "list": ("iamtui.cli.inventory", "open_workspace"),
    "show": ("iamtui.cli.inventory", "open_workspace"),
    "cache": ("iamtui.cli.snapshot", "clear_accounts"),
    "snapshot": ("iamtui.cli.snapshot", "open_workspace"),
    "org": ("iamtui.cli.org", "open_store"),
    "assume": ("iamtui.cli.assume_options", "plan_assume"),
    "pick": ("iamtui.cli.assume", "wanted_format"),
    "exec": ("iamtui.cli.assume_options", "plan_assume"),
    "serve": ("iamtui.cli.assume_options", "plan_assume"),
    "console": ("iamtui.cli.console", "assumed"),
    "revoke": ("iamtui.cli.revoke", "plan_revocation"),
    "info": ("iamtui.cli.info", "load_config"),
    "config": ("iamtui.cli.info", "load_config"),
    "permissions": ("iamtui.cli.info", "policy_for"),
    "completion": ("iamtui.cli.completion", "_Bash.source"),
    "help": ("iamtui.cli.help", "stdout"),
}
"""A function that each command calls, by the module that calls it."""

FAILED = {"exec": 125, "serve": 125}
"""The exit codes of failures, where they are not 2: the command may end as a program does."""


def explode(cli: Cli, command: str, error: BaseException) -> None:
    def boom(*_args: Any, **_kwargs: Any) -> Any:
        secret = SECRET  # what a traceback with local variables would show
        assert secret
        raise error

    module, name = INSIDE[command]
    cli.monkeypatch.setattr(f"{module}.{name}", boom)


def test_every_command_is_covered_here() -> None:
    assert set(ARGUMENTS) == set(ENTRIES) == set(INSIDE)


@pytest.mark.parametrize("command", list(ENTRIES))
@pytest.mark.parametrize(
    "error",
    [RuntimeError(f"no {SECRET} here"), KeyError("x"), SystemExit(0), SystemExit(1), RecursionError(), MemoryError()],
    ids=lambda error: type(error).__name__,
)
def test_an_unforeseen_error_is_two_one_sentence_and_a_log(cli: Cli, command: str, error: BaseException) -> None:
    explode(cli, command, error)
    result = cli(command, *ARGUMENTS[command], stdin='{"Statement": []}')
    result.failed_with("An error in iamtui itself", type(error).__name__, str(cli.log), code=FAILED.get(command, 2))
    log = cli.log.read_text()
    assert f"{type(error).__name__}: " in log
    assert "test_endings.py" in log
    assert SECRET not in log + result.err
    assert cli.log.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("command", list(ENTRIES))
def test_an_error_of_the_file_system_is_two(cli: Cli, command: str) -> None:
    explode(cli, command, PermissionError(13, "Permission denied", "/x"))
    cli(command, *ARGUMENTS[command]).failed_with("PermissionError", code=FAILED.get(command, 2))


@pytest.mark.parametrize("command", list(ENTRIES))
def test_a_problem_is_two_and_says_what_to_do(cli: Cli, command: str) -> None:
    explode(cli, command, Problem("That is \x1b[31mwrong.", "Do this."))
    if command == "lint":
        # One file of several: the problem is said, and lint goes on.
        assert cli(command, *ARGUMENTS[command]).code == 2
        return
    result = cli(command, *ARGUMENTS[command])
    result.failed_with("iamtui: That is ␛[31mwrong. Do this.", code=FAILED.get(command, 2))


@pytest.mark.parametrize("command", list(ENTRIES))
@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_is_130(cli: Cli, command: str, error: BaseException) -> None:
    explode(cli, command, error)
    result = cli(command, *ARGUMENTS[command])
    assert result.code == 130
    assert "Traceback" not in result.err


@pytest.mark.parametrize("command", list(ENTRIES))
def test_a_broken_pipe_is_141(cli: Cli, command: str) -> None:
    explode(cli, command, BrokenPipeError(32, "Broken pipe"))
    result = cli(command, *ARGUMENTS[command])
    assert (result.code, result.err.replace("DEMO: this is the built-in demo account, not yours.\n", "")) == (141, "")


@pytest.mark.parametrize("command", list(ENTRIES))
def test_a_command_without_an_answer_is_an_error(cli: Cli, command: str) -> None:
    entry = ENTRIES[command]
    module = __import__(entry.module, fromlist=[entry.name])
    ending = getattr(module, entry.name)
    if isinstance(ending, click.Group):
        ending = ending.get_command(click.Context(ending), ARGUMENTS[command][0])
    cli.monkeypatch.setattr(ending, "callback", lambda *_args, **_kwargs: None)
    cli(command, *ARGUMENTS[command]).failed_with("An error in iamtui itself (TypeError)", code=FAILED.get(command, 2))


@pytest.mark.parametrize("command", list(ENTRIES))
def test_an_unknown_option_is_two_and_names_the_help(cli: Cli, command: str) -> None:
    cli(command, "--nonsense").failed_with(
        "No such option", f"See `iamtui {command} --help`.", code=125 if command == "exec" else 2
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("org", "Missing command: expected ask or diff. See `iamtui org --help`."),
        ("prove", "Missing command: expected never, no-broader, not-public or same. See `iamtui prove --help`."),
        ("cache", "Missing argument: expected clear. See `iamtui cache --help`."),
        ("completion", "Missing argument: expected bash, zsh or fish. See `iamtui completion --help`."),
        (
            "completion fishh",
            "SHELL cannot be fishh: expected bash, zsh or fish. Did you mean fish? See `iamtui completion --help`.",
        ),
        ("cache foo", "VERB cannot be foo: expected clear. See `iamtui cache --help`."),
        (
            "lint x -o xx",
            "--output cannot be xx: expected text, json, jsonl, sarif or github. See `iamtui lint --help`.",
        ),
        ("lint --outputt json", "No such option '--outputt'. Did you mean --output? See `iamtui lint --help`."),
        ("list users --no-cach", "No such option '--no-cach'. Did you mean --no-cache? See `iamtui list --help`."),
        ("can --format json", "No such option '--format'. See `iamtui can --help`."),
        ("list users --sort", "No such option '--sort'. See `iamtui list --help`."),
    ],
)
def test_a_usage_error_is_one_sentence(cli: Cli, words: str, sentence: str) -> None:
    cli.monkeypatch.setenv("COLUMNS", "200")
    assert cli(*words.split()).err == f"iamtui: {sentence}\n"


def test_a_kind_that_is_missing_is_one_of_the_kinds(cli: Cli) -> None:
    result = cli("list")
    result.failed_with("Missing argument KIND: expected users, groups,", "providers or organization.")
    assert "␊" not in result.err


def test_an_unknown_command_names_the_nearest(cli: Cli) -> None:
    cli("simulat").failed_with("There is no command simulat. Did you mean simulate?")
    cli("\x1b[31m").failed_with("There is no command ␛[31m.")


@pytest.mark.parametrize("command", list(ENTRIES))
def test_help_is_zero_and_its_summary_is_that_of_the_list(cli: Cli, command: str) -> None:
    result = cli(command, "--help")
    assert result.code == 0
    assert result.out.startswith(f"Usage: iamtui {command} ")
    assert f"  {command} " in cli("--help").out


def test_version(cli: Cli) -> None:
    result = cli("--version")
    assert (result.code, result.out) == (0, "iamtui 0.1.0\n")


def test_a_log_that_cannot_be_written_is_said_and_nothing_else_happens(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    cli.monkeypatch.setenv("XDG_STATE_HOME", str(file))
    explode(cli, "can", ValueError("x"))
    cli("can", *ARGUMENTS["can"]).failed_with("the log could not be written")


def test_the_log_does_not_follow_a_link(cli: Cli, tmp_path: Path) -> None:
    explode(cli, "can", ValueError("x"))
    cli("can", *ARGUMENTS["can"])
    target = tmp_path / "target"
    target.touch()
    log = cli.log
    log.unlink()
    log.symlink_to(target)
    cli("can", *ARGUMENTS["can"]).failed_with("the log could not be written")
    assert target.read_text() == ""


# In processes of their own, through real pipes.


def program(*words: str) -> list[str]:
    return [sys.executable, "-m", "iamtui", *words]


def test_a_reader_that_leaves_early_ends_it_with_141_and_silence(tmp_path: Path) -> None:
    script = f"{sys.executable} -m iamtui list roles --demo --json 2>{tmp_path}/err | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    # The reader may be gone before anything is written or not: the pipe holds 64 kB.
    assert done.stdout.strip() in ("141", "0")
    assert (tmp_path / "err").read_text() == "DEMO: this is the built-in demo account, not yours.\n"


def test_a_large_output_into_a_closed_pipe_is_141() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        program("list", "roles", "--demo", "--json"), stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert done.returncode == 141
    assert done.stderr == b"DEMO: this is the built-in demo account, not yours.\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("words", [("list", "users", "--demo"), ("--version",), ("permissions",)])
def test_a_full_disk_is_two(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(program(*words), stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert b"The output cannot be written: No space left on device." in done.stderr
    assert b"Traceback" not in done.stderr


def test_closed_streams_are_no_reason_to_crash() -> None:
    listing = f"{sys.executable} -m iamtui list users --demo"
    script = f"{listing} >&-; echo $?; {listing} 2>&- | head -1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[0] == "2"
    assert done.stdout.splitlines()[1].startswith("NAME")
    assert "There is no standard output to write to." in done.stderr


def test_control_c_is_130_without_a_traceback() -> None:
    # Python leaves SIGINT ignored where it was when it started, as it is in a test run in the background.
    start = "import runpy, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code = f"{start}sys.argv[0] = 'iamtui'; runpy.run_module('iamtui', run_name='__main__')"
    command = [sys.executable, "-c", code, "simulate", "-", "--json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        # A first malformed line tells that the command is reading: it says so on stderr only at the end, so the
        # process is known to be up by its answer to a pipe that fills.
        process.stdin.write(b"\n" * 200_000)
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        code = process.wait(60)
        said = process.stderr.read()
    assert code == 130
    assert b"Traceback" not in said


def test_main_hands_the_code_to_the_shell() -> None:
    assert subprocess.run(program("nonsense"), capture_output=True, check=False).returncode == 2
    assert subprocess.run(program("permissions"), capture_output=True, check=False).returncode == 0


def test_a_terminal_without_unicode_gets_escapes() -> None:
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        program("can", "x\u00e9", "s3:GetObject", "--demo"), capture_output=True, env=environ, check=False
    )
    assert done.returncode == 2
    assert b"x\\xe9" in done.stderr
