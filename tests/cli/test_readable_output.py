"""Credentials that are sent into a file which others can read: they are written, with a warning that names the cure."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from iamtui.credentials.export import FORMATS
from tests.support.cli_runner import Cli, Result

SECRET = [name for name, one in FORMATS.items() if one.secret]


def into(cli: Cli, file: Path, mode: int, *words: str) -> Result:
    file.touch()
    file.chmod(mode)
    with file.open("w") as stream, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        return cli(*words)


@pytest.mark.parametrize("name", SECRET)
def test_every_format_warns_when_others_can_read_the_file(cli: Cli, tmp_path: Path, name: str) -> None:
    file = tmp_path / "creds"
    result = into(cli, file, 0o644, "assume", "ops-readonly", "--demo", "--format", name)
    assert result.code == 0
    assert "ASIA" in file.read_text()
    [warning] = [line for line in result.err.splitlines() if line.startswith("WARNING: ")]
    assert "other users of this machine can read the file" in warning
    assert "(mode 0644)" in warning
    assert "`chmod 600`" in warning
    assert "`umask 077`" in warning
    assert "ASIA" not in result.err


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, True), (0o604, True), (0o622, False)])
def test_it_is_the_right_to_read_that_counts(cli: Cli, tmp_path: Path, mode: int, warned: bool) -> None:
    result = into(cli, tmp_path / "creds", mode, "assume", "ops-readonly", "--demo")
    assert ("WARNING: other users" in result.err) is warned


def test_pipes_and_devices_are_no_files(cli: Cli) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as reader, os.fdopen(writing, "w") as stream, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        result = cli("assume", "ops-readonly", "--demo")
        assert "ASIA" in os.read(reader.fileno(), 65536).decode()
    assert "WARNING: other users" not in result.err
    with Path(os.devnull).open("w") as stream, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        assert "WARNING: other users" not in cli("assume", "ops-readonly", "--demo").err


def test_names_of_variables_are_no_secret(cli: Cli, tmp_path: Path) -> None:
    result = into(cli, tmp_path / "options", 0o644, "assume", "ops-readonly", "--demo", "--format", "docker")
    assert "WARNING: other users" not in result.err


@pytest.mark.parametrize(("module", "commands"), [("assume", 2), ("serve", 1), ("console", 1)])
def test_every_command_that_prints_a_secret_goes_through_the_check(module: str, commands: int) -> None:
    source = (Path(__file__).parents[2] / "iamtui" / "cli" / f"{module}.py").read_text()
    assert source.count("    secret_on_stdout(") == commands
    assert ".raw(" not in source.replace("out.raw(docker_options().reveal())", "")


def test_the_next_command_with_credentials_removes_copies_of_their_file(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    copy = tmp_path / f".credentials.{'0' * 16}"
    copy.write_text("x")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    assert cli("list", "users", "--profile", "nobody").code == 2
    assert not copy.exists()
