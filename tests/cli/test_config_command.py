"""`iamtui config`: check, show, path and init."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from iamtui.cli.config import ENTRIES, SCHEMA, commented_config
from iamtui.config import load_config, settings
from tests.support.cli_runner import Cli


@pytest.fixture
def file(cli: Cli) -> Path:
    path = cli.home / "xdg_config_home" / "iamtui" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


@pytest.mark.parametrize("command", ["", *ENTRIES])
def test_help_names_the_command(cli: Cli, command: str) -> None:
    result = cli("config", *([command] if command else []), "--help")
    assert result.code == 0
    assert f"iamtui config {command}".strip() in result.out


def test_an_unknown_command_names_the_nearest(cli: Cli) -> None:
    cli("config", "chek").failed_with("no command chek", "Did you mean check?", "iamtui config --help")
    cli("config").failed_with("Missing command", "iamtui config --help")


def test_path_is_where_the_file_is_read(cli: Cli, file: Path) -> None:
    assert cli("config", "path").out == f"{file}\n"
    shown = cli("config", "path", "--schema").out.strip()
    assert json.loads(Path(shown).read_text())["properties"]["theme"]["type"] == "string"


def test_show_says_where_each_value_came_from(cli: Cli, file: Path) -> None:
    file.write_text('theme = "iamtui-light"\nthem = 1\n')
    cli.monkeypatch.setenv("IAMTUI_CLIPBOARD_SECONDS", "5")
    result = cli("config", "show", "--json")
    assert list(result.json) == [setting.name for setting in settings()]
    assert result.json == cli("info", "--json").json["config"]
    assert (result.json["theme"]["value"], result.json["theme"]["from"]) == ("iamtui-light", "config file")
    assert result.json["clipboard.seconds"]["from"] == "IAMTUI_CLIPBOARD_SECONDS"
    assert "did you mean theme?" in result.err
    text = cli("config", "show").out
    assert re.search(r"^clipboard\.seconds +5 +IAMTUI_CLIPBOARD_SECONDS", text, re.MULTILINE)


def test_check_says_that_nothing_is_wrong(cli: Cli, file: Path) -> None:
    assert (cli("config", "check").code, cli("config", "check").out) == (0, "")
    assert "all is default" in cli("config", "check").err
    file.write_text('theme = "iamtui-light"\n')
    result = cli("config", "check")
    assert (result.code, result.out) == (0, "")
    assert "nothing is wrong" in result.err


def test_check_prints_a_sentence_for_everything_that_is_wrong(cli: Cli, file: Path) -> None:
    file.write_text('them = "x"\n[clipboard]\nseconds = -1\n[export]\nformat = "bsh"\n')
    cli.monkeypatch.setenv("IAMTUI_LOCK_IDLE_MINUTES", "soon")
    result = cli("config", "check")
    assert result.code == 1
    said = " ".join(result.out.split())
    for words in ("did you mean theme?", "clipboard.seconds must be", "format is bsh", "IAMTUI_LOCK_IDLE_MINUTES must"):
        assert words in said


def test_check_of_another_file_reads_no_variables(cli: Cli, tmp_path: Path) -> None:
    cli.monkeypatch.setenv("IAMTUI_LOCK_IDLE_MINUTES", "soon")
    other = tmp_path / "other.toml"
    other.write_text("[lock]\nidle_minutes = 5\n")
    assert cli("config", "check", other).code == 0
    other.write_text("[lock\n")
    result = cli("config", "check", other)
    assert (result.code, "line 1" in result.out) == (1, True)
    cli("config", "check", tmp_path / "none.toml").failed_with("does not exist", "Check the path.")


@pytest.mark.slow
def test_check_of_the_program_knows_keys_and_themes(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('theme = "iamtui-drak"\n[keymap]\n"question.aks" = "g"\n')
    command = [sys.executable, "-m", "iamtui", "config", "check", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = " ".join(done.stdout.split())
    assert done.returncode == 1
    assert "did you mean iamtui-dark?" in said
    assert "did you mean question.ask?" in said


def test_init_prints_a_file_that_sets_nothing_and_is_right(cli: Cli, tmp_path: Path) -> None:
    text = cli("config", "init").out
    sections = {setting.name.split(".")[0] for setting in settings() if "." in setting.name} | {"keymap"}
    assert tomllib.loads(text) == {section: {} for section in sections}
    assert text.splitlines()[0] == f"#:schema {SCHEMA.as_uri()}"
    file = tmp_path / "c.toml"
    uncommented = [line.removeprefix("# ") if " = " in line and "`" not in line else line for line in text.splitlines()]
    file.write_text("\n".join(line for line in uncommented if ";" not in line or line.startswith("#")))
    config, problems = load_config(file, {})
    assert problems == ()
    assert set(config.origins) == {setting.name for setting in settings()}


def test_init_writes_a_new_file_and_never_changes_one(cli: Cli) -> None:
    path = Path(cli("config", "path").out.strip())
    assert not path.exists()
    result = cli("config", "init", "--write")
    assert (result.code, result.out) == (0, "")
    assert path.read_text() == commented_config(SCHEMA)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert cli("config", "check").code == 0
    path.write_text("theme = 1\n")
    cli("config", "init", "--write").failed_with("already", "`iamtui config init` prints a new one")
    assert path.read_text() == "theme = 1\n"
    path.unlink()
    path.symlink_to(path.with_name("elsewhere.toml"))
    cli("config", "init", "--write").failed_with("already")
    assert not path.with_name("elsewhere.toml").exists()


def test_init_says_that_it_cannot_write(cli: Cli) -> None:
    path = Path(cli("config", "path").out.strip())
    path.parent.parent.mkdir(parents=True)
    path.parent.write_text("")
    cli("config", "init", "--write").failed_with("cannot be written")
