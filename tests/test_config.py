"""The config: file and environment, defaults, origins, and a sentence for everything that is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from iamtui.config import CONFIG_FILE, DEFAULT, LARGEST, Config, load_config, settings, value_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_without_a_file_all_is_default(file: Path) -> None:
    config, problems = load_config(file, {})
    assert config == Config()
    assert problems == ()
    assert {config.origin(setting.name) for setting in settings()} == {DEFAULT}


def test_every_setting_is_declared_with_a_meaning_and_a_default_that_passes_its_own_check() -> None:
    for setting in settings():
        assert setting.help
        assert setting.check(setting.default) == "", setting.name
        assert value_of(Config(), setting.name) == setting.default


def test_the_file_is_read_and_every_value_knows_where_it_came_from(file: Path) -> None:
    file.write_text(
        'theme = "iamtui-light"\n[keymap]\n"question.ask" = "f5,Z"\n'
        '[clipboard]\nseconds = 10\n[source]\nregion = "eu-west-1"\n'
    )
    config, problems = load_config(file, {})
    assert problems == ()
    assert config.theme == "iamtui-light"
    assert config.keymap == {"question.ask": "f5,Z"}
    assert config.clipboard.seconds == 10
    assert config.source.region == "eu-west-1"
    assert config.origin("clipboard.seconds") == CONFIG_FILE
    assert config.origin("clipboard.command") == DEFAULT


def test_the_environment_beats_the_file(file: Path) -> None:
    file.write_text("[clipboard]\nseconds = 10\nlocal_over_ssh = false\n")
    environ = {"IAMTUI_CLIPBOARD_SECONDS": "0", "IAMTUI_CLIPBOARD_LOCAL_OVER_SSH": "true", "IAMTUI_THEME": "x"}
    config, problems = load_config(file, environ)
    assert problems == ()
    assert (config.clipboard.seconds, config.clipboard.local_over_ssh, config.theme) == (0, True, "x")
    assert config.origin("clipboard.seconds") == "IAMTUI_CLIPBOARD_SECONDS"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("them = 'x'", "there is no setting them; did you mean theme?"),
        ("[clipbord]\nseconds = 3", "there is no setting clipbord; did you mean clipboard?"),
        ("[clipboard]\nsecond = 3", "there is no setting clipboard.second; did you mean clipboard.seconds?"),
        ("seconds = 3", "did you mean"),
        ("zzzzz = 3", "settings are theme, keymap"),
        ("theme = 5", "theme must be a text in quotes; the default is used"),
        ("[clipboard]\nseconds = -1", "must be a whole number of seconds from 0 to 3600; the default 30 is used"),
        ("[clipboard]\nseconds = true", "must be a whole number"),
        ("[clipboard]\nseconds = '30'", "must be a whole number"),
        ("[clipboard]\nlocal_over_ssh = 1", "must be true or false; the default false is used"),
        ('[question]\nmode = "strikt"', 'must be "discover" or "strict"; the default discover is used'),
        ("[keymap]\nx = 3", "keymap must be"),
        ("clipboard = 3", "clipboard must be a table: [clipboard]"),
        ("theme = ", "is not TOML"),
        ("theme = 1" + "0" * 5000, "is not TOML"),
        ("x = " + "[" * 5000, "is nested too deeply; all defaults are used"),
        ("theme = 'dark'\n" + "a." * 3000 + "a = 1", "has more than 1,000 dots in line 2; all defaults are used"),
        ("\x00", "is not text; all defaults are used"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_the_default_used(file: Path, text: str, words: str) -> None:
    file.write_text(text)
    config, problems = load_config(file, {})
    assert config == Config()
    assert len(problems) == 1
    assert str(file) in problems[0]
    assert words in problems[0]


def test_one_wrong_setting_does_not_spoil_the_others(file: Path) -> None:
    file.write_text('[clipboard]\nseconds = "x"\ncommand = "cat"\n[nonsense]\na = 1\n')
    config, problems = load_config(file, {})
    assert config.clipboard.command == "cat"
    assert len(problems) == 2


@pytest.mark.parametrize(
    ("variable", "value"),
    [("IAMTUI_CLIPBOARD_SECONDS", "soon"), ("IAMTUI_CLIPBOARD_SECONDS", "9" * 5000), ("IAMTUI_QUESTION_MODE", "x"),
     ("IAMTUI_CLIPBOARD_LOCAL_OVER_SSH", "maybe")],
)  # fmt: skip
def test_a_wrong_variable_is_ignored_and_the_files_value_stays(file: Path, variable: str, value: str) -> None:
    file.write_text("[clipboard]\nseconds = 7\n")
    config, problems = load_config(file, {variable: value})
    assert config.clipboard.seconds == 7
    assert len(problems) == 1
    assert problems[0].startswith(f"{variable} must be ")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "is a directory; all defaults are used" in load_config(tmp_path, {})[1][0]
    noise = tmp_path / "noise"
    noise.write_bytes(b"\xff\xfe")
    assert "is not UTF-8 text" in load_config(noise, {})[1][0]
    deep = tmp_path / "deep"
    deep.write_text("a = " + "[" * 20_000)
    assert len(load_config(deep, {})[1]) == 1


def test_problems_are_safe_to_show(file: Path) -> None:
    file.write_text('"\\u001b[31m" = 1\n')
    problems = load_config(file, {})[1]
    assert "\x1b" not in problems[0]
    assert "␛[31m" in problems[0]


@pytest.mark.parametrize("given", ["", "none", "payments-*"])
def test_nothing_loses_its_mark_as_production_by_a_config_that_others_can_write(file: Path, given: str) -> None:
    file.write_text(f'production = "{given}"\n')
    assert load_config(file, {})[0].production == given
    file.chmod(0o666)
    config, problems = load_config(file, {})
    assert config.production.split(",") == [*Config().production.split(","), given]
    assert f"production is added to {Config().production}, because others could have written it" in "".join(problems)


@pytest.mark.parametrize("where", ["file", "folder"])
def test_a_program_is_not_run_from_a_config_that_others_can_write(tmp_path: Path, where: str) -> None:
    folder = tmp_path / "iamtui"
    folder.mkdir(0o700)
    file = folder / "config.toml"
    file.write_text('theme = "iamtui-light"\n[clipboard]\nseconds = 7\ncommand = "thief"\n')
    place, mode = (file, 0o666) if where == "file" else (folder, 0o770)
    place.chmod(mode)
    config, problems = load_config(file, {})
    assert config.clipboard.command == ""
    assert config.origin("clipboard.command") == DEFAULT
    assert (config.theme, config.clipboard.seconds) == ("iamtui-light", 7)
    assert "".join(problems) == (
        f"The config {file}: clipboard.command is ignored, because others could have written it: "
        f"{place} can be written by others (mode 0{mode:o}). Run `chmod go-w {place}`."
    )
    environ = {"IAMTUI_CLIPBOARD_COMMAND": "mine"}
    assert load_config(file, environ)[0].clipboard.command == "mine"
    place.chmod(mode & ~0o022)
    assert load_config(file, {})[0].clipboard.command == "thief"


def test_a_config_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.toml")
    config, problems = load_config(tmp_path / "config.toml", {})
    assert config == Config()
    assert "is a pipe, which is not read; all defaults are used" in problems[0]


def test_a_config_that_is_too_large_is_not_read(file: Path) -> None:
    file.write_bytes(b"#" * (LARGEST + 1))
    assert "more than the 32 kB that are read; all defaults are used" in load_config(file, {})[1][0]


def test_a_key_of_very_many_parts_does_not_keep_anyone_waiting(file: Path) -> None:
    file.write_text(".".join("a" * 40_000) + " = 1\n")
    assert "more than the 32 kB that are read" in load_config(file, {})[1][0]
