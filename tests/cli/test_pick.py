"""`iamtui pick`: where it refuses, and that nothing but what was picked gets onto standard output."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from iamtui.cli.assume import picking
from iamtui.cli.main import run
from iamtui.cli.output import Screen
from iamtui.cli.source_options import SourceOptions
from iamtui.credentials.export import FORMATS, find_format
from iamtui.credentials.session import Session, utc_now
from iamtui.problem import Problem
from tests.support.cli_runner import Cli
from tests.support.panel_sessions import session
from tests.support.program_on_terminal import run_on_terminal

pytestmark = pytest.mark.screen


def test_a_terminal_on_stdout_is_refused_with_the_command_that_works(tmp_path: Path) -> None:
    done = run_on_terminal(["pick", "--demo", "--format", "fish"], home=tmp_path, columns=200)
    assert done.code == 2
    assert "Use iamtui pick --demo --format fish | source, or use --reveal." in " ".join(done.text.split())
    assert "\x1b[?1049h" not in done.text, "the screen is not opened"


def test_without_a_terminal_to_draw_on_it_says_so(cli: Cli) -> None:
    cli("pick", "--demo").failed_with("one of them is not a terminal. In scripts use iamtui assume ROLE.")
    assert cli.opened == []


def test_formats_that_hold_nothing_or_do_not_exist(cli: Cli) -> None:
    cli("pick", "--format", "docker").failed_with("holds names only, so there is nothing to pick")
    cli("pick", "--format", "fsh").failed_with('There is no format "fsh". Did you mean "fish"?')


@pytest.mark.parametrize("name", [name for name, entry in FORMATS.items() if entry.secret])
def test_every_format_names_a_command_that_picks(name: str) -> None:
    command = picking(find_format(name), SourceOptions(profile="base", region="eu-west-1"))
    assert "iamtui pick --profile base --region eu-west-1 --format " in command
    assert "{role}" not in command


@pytest.fixture
def piped(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Runs `pick` with a door that picks; stdout and stderr are files, which count as terminals where they must."""

    def go(pick: Callable[..., Session | None], *words: str) -> tuple[int, str, str]:
        with open(1, "w", closefd=False) as out, open(2, "w", closefd=False) as err:
            monkeypatch.setattr(sys, "stdout", out)
            monkeypatch.setattr(sys, "stderr", err)
            monkeypatch.setattr("iamtui.cli.assume._is_terminal", lambda _stream: True)
            monkeypatch.setattr("iamtui.cli.assume_options.parent_program", lambda: "bash")
            code = run(["pick", "--demo", *words], Screen(lambda *_given: 0, tuple, pick))
        captured = capfd.readouterr()
        return int(code), captured.out, captured.err

    return go


def live() -> Session:
    now = utc_now()
    return session(assumed_at=now, expires_at=now + timedelta(hours=1))


def test_what_was_picked_is_all_there_is_on_stdout(piped: Any) -> None:
    def pick(_choice: object, name: str) -> Session:
        print("a library that prints")
        os.write(1, b"and one that writes\n")
        subprocess.run(["echo", "a child"], check=True)
        assert name == "dotenv"
        return live()

    code, out, err = piped(pick, "--format", "dotenv")
    assert code == 0
    assert out.startswith("# A file cannot unset")
    assert [line for line in out.splitlines() if "=" not in line and not line.startswith("#")] == []
    for words in ("a library that prints", "and one that writes", "a child"):
        assert words in err
        assert words not in out


@pytest.mark.parametrize(
    ("problem", "code", "words"),
    [
        (None, 1, "Nothing was picked."),
        (Problem("The screen ended by an error, so nothing was picked.", "Start it again."), 2, "ended by an error"),
        (KeyboardInterrupt(), 130, ""),
        (SystemExit(0), 2, "An error in iamtui itself"),
    ],
)
def test_nothing_picked_is_one_and_lets_the_shell_fail(
    problem: BaseException | None, code: int, words: str, piped: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def pick(_choice: object, _name: str) -> None:
        if problem is not None:
            raise problem

    ended, out, err = piped(pick)
    assert (ended, out) == (code, "false\n"), "what follows eval must not run as the caller"
    assert words in err


def test_a_session_that_ended_meanwhile_is_not_handed_over(piped: Any) -> None:
    gone = session(expires_at=utc_now() - timedelta(seconds=1))
    code, out, err = piped(lambda _choice, _name: gone)
    assert (code, out) == (2, "false\n")
    assert "has expired, so there is nothing to hand over" in err
