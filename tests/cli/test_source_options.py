"""Which source is meant: options, environment, config; and the bare command."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from iamtui.cli.main import ENTRIES
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support.cli_runner import Cli


class Terminal:
    """A stream that says it is a terminal."""

    def __init__(self, stream: object) -> None:
        self._stream = stream

    def isatty(self) -> bool:
        return True

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


@pytest.fixture
def terminal(cli: Cli) -> Cli:
    """The command line on a terminal."""
    cli.monkeypatch.setattr("iamtui.cli.main.sys", _Sys())
    return cli


class _Sys:
    """The module sys, with streams that are terminals."""

    def __getattr__(self, name: str) -> object:
        value = getattr(sys, name)
        return Terminal(value) if name in ("stdin", "stdout") else value


def config(cli: Cli, text: str) -> None:
    file = cli.home / "xdg_config_home" / "iamtui" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)


def test_the_bare_command_asks_when_nothing_names_a_source(terminal: Cli) -> None:
    assert terminal().code == 0
    assert terminal.opened == [None]


def test_the_bare_command_opens_what_an_option_names(terminal: Cli, tmp_path: Path) -> None:
    terminal("--demo")
    terminal("--snapshot", tmp_path / "a.json")
    terminal("--profile", "p", "--region", "eu-west-1")
    terminal("--endpoint-url", "http://localhost:5000")
    assert terminal.opened == [
        SourceChoice(SourceKind.DEMO),
        SourceChoice(SourceKind.SNAPSHOT, tmp_path / "a.json"),
        SourceChoice(SourceKind.LIVE, None, "p", "eu-west-1"),
        SourceChoice(SourceKind.LIVE, None, None, None, "http://localhost:5000"),
    ]


def test_the_bare_command_opens_what_the_environment_names(terminal: Cli) -> None:
    terminal.monkeypatch.setenv("AWS_PROFILE", "prod")
    terminal()
    terminal.monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    terminal.monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    terminal()
    terminal("--demo")
    assert terminal.opened == [
        SourceChoice(SourceKind.LIVE, profile="prod"), SourceChoice(SourceKind.LIVE), SourceChoice(SourceKind.DEMO),
    ]  # fmt: skip


def test_the_config_names_a_source_and_the_environment_beats_it(terminal: Cli) -> None:
    config(terminal, '[source]\nprofile = "mine"\nregion = "eu-north-1"\n')
    terminal()
    terminal.monkeypatch.setenv("AWS_PROFILE", "prod")
    terminal.monkeypatch.setenv("AWS_REGION", "us-west-2")
    terminal()
    assert terminal.opened == [
        SourceChoice(SourceKind.LIVE, None, "mine", "eu-north-1"),
        SourceChoice(SourceKind.LIVE, None, "prod", None),
    ]


def test_fresh_is_for_the_screen_alone(terminal: Cli) -> None:
    assert terminal("--demo").code == 0
    assert terminal.fresh is False
    assert terminal("--demo", "--fresh").code == 0
    assert terminal.fresh is True
    terminal("--fresh", "info").failed_with("--fresh is for the screen, and does not apply to info")


def test_a_plan_is_for_the_screen_alone(terminal: Cli) -> None:
    assert terminal("--demo", "--plan", "plan.json").code == 0
    assert terminal.plan == "plan.json"
    terminal("--plan", "plan.json", "info").failed_with("--plan is for the screen, and does not apply to info")


def test_a_screen_that_crashed_is_no_success(terminal: Cli) -> None:
    terminal.screen_code = 1
    assert terminal("--demo").code == 2


def test_without_a_terminal_the_bare_command_names_the_others(cli: Cli) -> None:
    result = cli("--demo")
    result.failed_with("needs a terminal", *ENTRIES)
    assert cli.opened == []


def test_a_source_may_stand_before_the_command(cli: Cli, snapshot: str) -> None:
    assert cli("--snapshot", snapshot, "list", "users").out == cli("list", "users", "--snapshot", snapshot).out
    assert cli("--demo", "list", "users", "--demo").code == 0


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("list", "users", "--demo", "--snapshot", "x"), ("--demo and --snapshot cannot be combined",)),
        (("--demo", "list", "users", "--snapshot", "x"), ("--demo and --snapshot cannot be combined",)),
        (("list", "users", "--demo", "--profile", "x"), ("--demo and --profile cannot be combined",)),
        (("list", "users", "--demo", "--region", "x"), ("--demo and --region cannot be combined",)),
        (("list", "users", "--snapshot", "x", "--endpoint-url", "y"), ("--snapshot and --endpoint-url cannot",)),
        (("--region", "a", "list", "users", "--region", "b"), ("--region is given twice",)),
        (("list", "users", "--profile", ""), ("--profile is empty",)),
        (("--demo", "simulate", "-"), ("does not apply to simulate", "--demo")),
        (("--profile", "x", "lint", "-"), ("does not apply to lint", "--profile")),
    ],
)
def test_contradictions_are_refused(cli: Cli, words: tuple[str, ...], parts: tuple[str, ...]) -> None:
    cli(*words).failed_with(*parts)


def test_what_is_wrong_with_the_config_is_said_once_and_does_not_stop_a_command(cli: Cli, snapshot: str) -> None:
    config(cli, "them = 1\n")
    result = cli("list", "users", "--snapshot", snapshot)
    assert result.code == 0
    assert result.err.count("did you mean theme?") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--demo", "org", "ask", "--help"),
        ("--snapshot", "x.json", "lint", "-h"),
        ("--fresh", "info", "--help"),
        *((("--demo", name, "--help")) for name in ("org", "config", "diff", "cache", "completion")),
    ],
)
def test_help_is_printed_whatever_stands_before_the_command(cli: Cli, words: tuple[str, ...]) -> None:
    result = cli(*words)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"Usage: iamtui {'org' if 'org' in words else words[-2]} ")


def test_help_of_another_program_is_not_ours(terminal: Cli) -> None:
    terminal("--fresh", "exec", "role/x", "--", "aws", "--help").failed_with("--fresh is for the screen", code=125)
