"""`iamtui exec`: the program's own endings, and an environment with one session in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import wording
from tests.support.cli_runner import Cli

DEMO = ("exec", "ops-readonly", "--demo")
SHOW = "import json, os; print(json.dumps(dict(os.environ)))"


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "iamtui", *words],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_program_gets_the_session_and_nothing_older() -> None:
    done = run(*DEMO, "--", sys.executable, "-c", SHOW, AWS_PROFILE="old", AWS_SECURITY_TOKEN="old")
    environ = json.loads(done.stdout)
    assert environ["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert environ["AWS_CREDENTIAL_EXPIRATION"].endswith("Z")
    assert environ["AWS_REGION"] == "eu-west-1"
    assert environ["IAMTUI_SESSION"] == "ops-readonly@111122223333"
    assert not {"AWS_PROFILE", "AWS_SECURITY_TOKEN"} & set(environ)
    assert wording.ALLOWED in done.stderr
    assert environ["AWS_SECRET_ACCESS_KEY"] not in done.stderr


@pytest.mark.slow
def test_the_exit_code_and_the_words_are_the_programs() -> None:
    done = run(*DEMO, "--no-region", "--", "sh", "-c", 'echo "$1|$2|$AWS_REGION"; exit 42', "x", "--a b", "-h")
    assert (done.returncode, done.stdout) == (42, "--a b|-h|\n")
    assert run(*DEMO, "--", "sh", "-c", "kill -TERM $$").returncode == -15


@pytest.mark.slow
def test_inside_a_session_it_says_so() -> None:
    done = run(*DEMO, "--", "true", IAMTUI_SESSION="admin@1")
    assert "Inside a session of admin@1" in done.stderr


def test_what_cannot_be_started_is_127_or_126(cli: Cli, tmp_path: Path) -> None:
    cli(*DEMO, "--", "no-such-program").failed_with("There is no program no-such-program.", code=127)
    file = tmp_path / "file"
    file.touch()
    cli(*DEMO, "--", file).failed_with("cannot be executed: Permission denied", code=126)


def test_a_program_that_is_not_there_costs_no_code(cli: Cli, tmp_path: Path) -> None:
    cli.monkeypatch.setattr("getpass.getpass", lambda _prompt: pytest.fail("asked"))
    (tmp_path / "file").touch()
    for command, code in (
        ("no-such-program", 127),
        (tmp_path / "none", 127),
        (tmp_path / "file", 126),
        (tmp_path, 126),
    ):
        for words in (("exec", "deploy-prod", "--demo"), ("serve", "deploy-prod", "--demo")):
            found = cli(*words, "--", command)
            assert found.code == code
            assert "DEMO" not in found.err


def test_own_failures_are_125(cli: Cli) -> None:
    cli("exec", "terraform-apply", "--demo", "--", "true").failed_with("AWS would refuse this", code=125)
    cli("exec", "nobody", "--demo", "--", "true").failed_with("No role of this account", code=125)
    cli(*DEMO).failed_with("Missing argument", code=125)
    cli(*DEMO, "--", "").failed_with("The command is empty", code=125)
