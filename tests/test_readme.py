"""What the README shows is real: commands, options, the scenario, the pictures."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import click
import pytest

from iamtui.cli.main import ENTRIES, cli
from iamtui.evaluation.evaluator import evaluate
from iamtui.evaluation.scenario import parse_scenario

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)


def shown_commands() -> list[str]:
    lines = [line for kind, text in BLOCKS if kind in ("sh", "console", "yaml") for line in text.splitlines()]
    return [found[0] for line in lines for found in re.findall(r"(\biamtui (?:[a-z-]+|--)[^|#\n)\"]*)(.?)", line)]


def test_there_are_commands_to_look_at() -> None:
    assert len(shown_commands()) > 12


@pytest.mark.parametrize("line", shown_commands())
def test_every_command_and_option_that_is_shown_exists(line: str) -> None:
    words = line.split(" -- ", maxsplit=1)[0].split()[1:]
    command: click.Command = cli
    if not words[0].startswith("-"):
        entry = ENTRIES[words[0]]
        command = getattr(import_module(entry.module), entry.name)
        if isinstance(command, click.Group) and len(words) > 1:
            found = command.get_command(click.Context(command), words[1])
            assert found is not None, f"{words[0]} has no command {words[1]}"
            command = found
    options = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("-") and word != "-"} <= options


def test_every_command_is_mentioned() -> None:
    for name in ENTRIES:
        assert f"iamtui {name}" in README


def test_the_scenario_decides_as_it_expects() -> None:
    text = next(text for kind, text in BLOCKS if kind == "json")
    scenario = parse_scenario(json.loads(text))
    assert scenario.expect is not None
    assert scenario.expect.met_by(evaluate(scenario.request, scenario.policies, scenario.options).outcome)


def test_the_config_that_is_shown_has_no_problems(tmp_path: Path) -> None:
    from iamtui.config import load_config

    file = tmp_path / "config.toml"
    file.write_text(next(text for kind, text in BLOCKS if kind == "toml"))
    config, problems = load_config(file, {})
    assert problems == ()
    assert config.source.profile == "prod"


@pytest.mark.parametrize("picture", re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README))
def test_pictures_are_there_small_and_load_nothing_from_the_web(picture: str) -> None:
    text = (ROOT / picture).read_text(encoding="utf-8")
    assert len(text) < 500_000
    assert "url(http" not in text
    assert "@import" not in text


def test_links_within_the_project_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_version_is_in_the_changelog() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None
    assert f"## [{version[1]}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
