"""The commands of profiles are confirmed once, as they stand."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from iamtui.problem import Problem
from iamtui.workspace import credential_commands
from iamtui.workspace.credential_commands import UnconfirmedCommand, about_command, confirm, confirm_here, is_confirmed
from iamtui.workspace.opening import connect, open_source, reconnected
from iamtui.workspace.workspace import SourceChoice, SourceKind
from tests.support.moto_server import MotoServer

CI = ("ci", "/opt/get-keys --password hunter2")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "commands.json"


def test_what_was_confirmed_is_not_asked_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_confirmed(*CI, path=file)
    confirm(*CI, path=file)
    confirm("other", "x", path=file)
    monkeypatch.setattr(credential_commands, "_here", set())
    assert is_confirmed(*CI, path=file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "hunter2" not in file.read_text()


@pytest.mark.parametrize("changed", [("ci", "/opt/evil"), ("ci2", CI[1])])
def test_a_changed_command_is_a_new_one(file: Path, changed: tuple[str, str]) -> None:
    confirm(*CI, path=file)
    assert not is_confirmed(*changed, path=file)


@pytest.mark.parametrize("command", ["./get-keys", "sh get-keys", "tools/get-keys", "sh -c './get-keys | jq .'"])
def test_a_command_that_names_files_of_a_folder_is_confirmed_for_that_folder(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """A config file that comes with a folder, and names what lies beside it, must not run another folder's."""
    for name in ("mine", "hostile"):
        (tmp_path / name / "tools").mkdir(parents=True)
        for place in ("get-keys", "tools/get-keys"):
            (tmp_path / name / place).write_text("")
    monkeypatch.chdir(tmp_path / "mine")
    confirm("ci", command, path=file)
    assert is_confirmed("ci", command, path=file)
    assert f"of this folder: {tmp_path / 'mine'}" in " ".join(about_command("ci", command))
    monkeypatch.chdir(tmp_path / "hostile")
    assert not is_confirmed("ci", command, path=file)


@pytest.mark.parametrize("command", ["/opt/get-keys a", "get-keys --for ci", "sh /opt/get-keys", f"x {'y' * 9000}"])
def test_any_other_command_is_confirmed_for_every_folder(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (tmp_path / "get-keys").write_text("")
    monkeypatch.chdir(tmp_path)
    confirm("ci", command, path=file)
    monkeypatch.chdir("/")
    assert is_confirmed("ci", command, path=file)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"confirmed": 7}', '{"confirmed": [7]}', "[" * 100_000])
def test_a_damaged_file_confirms_nothing(file: Path, damage: str) -> None:
    file.parent.mkdir()
    file.write_text(damage)
    assert not is_confirmed(*CI, path=file)
    confirm(*CI, path=file)
    assert is_confirmed(*CI, path=file)


@pytest.mark.parametrize("where", ["file", "folder"])
def test_what_others_could_have_confirmed_counts_for_nothing(
    file: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm(*CI, path=file)
    place = file if where == "file" else file.parent
    place.chmod(place.stat().st_mode | 0o020)
    monkeypatch.setattr(credential_commands, "_here", set())
    assert not is_confirmed(*CI, path=file)
    with pytest.raises(Problem, match=r"is not kept: .* can be written by others") as caught:
        confirm(*CI, path=file)
    assert f"chmod go-w {place}" in caught.value.next_step
    assert is_confirmed(*CI, path=file), "for this process"


def test_a_command_is_shown_to_its_end() -> None:
    assert about_command("ci", "x" * 100_000 + ";last")[0].endswith(";last")


def test_where_it_cannot_be_kept_that_is_said_and_it_counts_for_now(file: Path) -> None:
    file.mkdir(parents=True)
    assert not is_confirmed(*CI, path=file)
    with pytest.raises(Problem, match="cannot be kept"):
        confirm(*CI, path=file)
    assert is_confirmed(*CI, path=file)


def test_what_counts_for_this_process_is_not_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    confirm_here(*CI, path=file)
    assert is_confirmed(*CI, path=file)
    monkeypatch.setattr(credential_commands, "_here", set())
    assert not is_confirmed(*CI, path=file)


def test_a_command_that_is_iamtui_itself_is_remarked_on() -> None:
    assert "iamtui serve" in about_command("own", "iamtui assume R --profile base")[1]
    assert len(about_command("own", "get-keys")) == 1


def _runs(folder: Path, command: str, made: Path) -> None:
    script = folder / command
    answer = '{"Version": 1, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "x"}'
    script.write_text(f"#!/bin/sh\necho {command} >> {made}\necho '{answer}'\n")
    script.chmod(0o700)
    (folder / "config").write_text(f"[profile ci]\nregion = eu-west-1\ncredential_process = {script}\n")


def test_a_command_that_was_changed_meanwhile_is_not_run(
    no_aws_settings: Path, tmp_path: Path, moto: MotoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    made = tmp_path / "made"
    _runs(no_aws_settings, "first", made)
    confirm("ci", str(no_aws_settings / "first"))
    choice = SourceChoice(SourceKind.LIVE, profile="ci", endpoint_url=moto.url)
    space = open_source(choice)
    reconnected(space)
    assert set(made.read_text().split()) == {"first"}
    _runs(no_aws_settings, "evil", made)
    for again in (lambda: reconnected(space), lambda: open_source(choice), lambda: connect(choice)):
        with pytest.raises(UnconfirmedCommand, match=r"runs this command for its credentials: \S+/evil"):
            again()
    assert "evil" not in made.read_text()
    confirm("ci", str(no_aws_settings / "evil"))
    open_source(choice)
    assert "evil" in made.read_text()
