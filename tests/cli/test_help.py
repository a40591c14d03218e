"""`iamtui help`, commands by what they are for, and the options of output that all commands share."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from iamtui.cli.main import GROUPS, CommandEntry, LazyGroup
from tests.support.cli_runner import Cli


@pytest.mark.parametrize(
    ("topic", "options"),
    [
        ("sources", ("--snapshot", "--profile", "--organization")),
        ("request", ("--on", "--strict")),
        ("session", ("--external-id", "--scope-down")),
        ("output", ("--out", "--quiet", "--color", "SARIF 2.1.0")),
    ],
)
def test_a_topic_describes_what_commands_only_name(cli: Cli, topic: str, options: tuple[str, ...]) -> None:
    shown = cli("help", topic).out
    assert [option for option in options if option not in shown] == []


def test_the_help_of_a_command_is_that_of_its_option(cli: Cli) -> None:
    assert cli("help", "prove", "never").out == cli("prove", "never", "--help").out


def test_the_help_of_a_command_fits_a_screen(cli: Cli) -> None:
    longest = {name: len(cli(*name.split(), "--help").out.splitlines()) for group in GROUPS.values() for name in group}
    assert {name: lines for name, lines in longest.items() if lines > 46} == {}


def test_no_such_topic(cli: Cli) -> None:
    cli("help", "nonsense").failed_with(
        "nonsense is not a command or topic.", "Topics: sources, request, session, output."
    )


def test_every_command_stands_in_the_help_once(cli: Cli) -> None:
    first_words = [line.split()[0] for line in cli("--help").out.splitlines() if line.startswith("  ") and line.split()]
    # Those of a leaf that is cut off are left out, as the next test shows.
    names = [name for group in GROUPS.values() for name, entry in group.items() if find_spec(entry.module)]
    assert {name: first_words.count(name) for name in names} == dict.fromkeys(names, 1)


def test_the_help_leaves_out_what_is_cut_off() -> None:
    here = {"can": CommandEntry("iamtui.cli.can", "can", "Ask.")}
    gone = {"gone": CommandEntry("iamtui.cli.gone", "gone", "Be gone.")}
    group = LazyGroup("iamtui", entries=here | gone, groups={"Here": here, "Gone": gone})
    shown = group.get_help(click.Context(group))
    assert "Here:" in shown
    assert "gone" not in shown.lower()


def test_notes_are_left_out_and_errors_are_not(cli: Cli) -> None:
    assert "users" in cli("list", "users", "--demo").err
    assert "users" not in cli("list", "users", "--demo", "-q").err
    cli("show", "role/nix", "--demo", "-q").failed_with("nix")


def test_a_file_is_written_whole_or_not_at_all(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text("before")
    cli("list", "nonsense", "--demo", "-o", "csv", "--out", str(file))
    assert file.read_text() == "before"
    written = cli("list", "users", "--demo", "-o", "csv", "--out", str(file))
    assert written.out == ""
    assert file.read_text() == cli("list", "users", "--demo", "-o", "csv").out


def test_colour_where_it_is_wanted(cli: Cli) -> None:
    asked = ("can", "ops-readonly", "s3:GetObject", "--demo")
    assert "\x1b[" in cli(*asked, "--color", "always").out
    assert "\x1b[" not in cli(*asked, "--color", "never").out
