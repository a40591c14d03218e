"""The commands of profiles are confirmed once, as they stand."""

from __future__ import annotations

import shlex
import stat
import subprocess
from pathlib import Path

import pytest

from iamtui.aws.credential_process import FOLDER, CredentialCommand, approved_run
from iamtui.paths import data_folder
from iamtui.problem import Problem
from iamtui.workspace.source import credential_commands
from iamtui.workspace.source.credential_commands import (
    UnconfirmedCommand,
    about_command,
    confirm,
    confirm_here,
    is_confirmed,
)
from iamtui.workspace.source.opening import connect, open_source, reconnected
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support.moto_server import MotoServer

CI = CredentialCommand("ci", "/opt/get-keys --password hunter2", FOLDER)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return data_folder() / "commands.json"


def test_what_was_confirmed_is_not_asked_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_confirmed(CI)
    confirm(CI)
    confirm(CredentialCommand("other", "x", FOLDER))
    monkeypatch.setattr(credential_commands, "_here", set())
    assert is_confirmed(CI)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "hunter2" not in file.read_text()


@pytest.mark.parametrize("changed", [{"text": "/opt/evil"}, {"profile": "ci2"}, {"folder": "/srv"}])
def test_a_changed_command_is_a_new_one(file: Path, changed: dict[str, str]) -> None:
    confirm(CI)
    assert not is_confirmed(CI._replace(**changed))


@pytest.mark.parametrize(
    ("confirmed", "other"),
    [
        (("ci", "get\0/srv", FOLDER), ("ci", "get", "/srv")),
        (("ci\0get", "now", FOLDER), ("ci", "get\0now", FOLDER)),
        (("ci", "get", ""), ("ci", "get", FOLDER)),
        (("ci", "get \udcff", FOLDER), ("ci", "get \\udcff", FOLDER)),
    ],
)
def test_what_reads_alike_when_it_is_joined_is_not_the_same(
    file: Path, confirmed: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    confirm(CredentialCommand(*confirmed))
    assert not is_confirmed(CredentialCommand(*other))


RUNS = (
    "python3 creds.py",
    'sh -c "python3 creds.py"',
    "python3 -m creds",
    "sh -c '. ./creds.sh'",
    "sh -c '. $PWD/creds.sh'",
    "sh -c '. ${OLDPWD}/creds.sh'",
    "sh -c 'for file in *.sh; do sh $file; done'",
    "make",
)
"""Commands that would run a file of the folder that one stands in."""


@pytest.mark.parametrize("command", RUNS)
def test_what_was_confirmed_runs_nothing_of_the_folder_one_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """A file of the same name may lie in a folder of somebody else, where nobody is asked."""
    ran = tmp_path / "ran"
    (tmp_path / "creds.py").write_text(f"open({str(ran)!r}, 'w')")
    (tmp_path / "creds.sh").write_text(f"echo > {shlex.quote(str(ran))}")
    (tmp_path / "Makefile").write_text(f"all:\n\techo > {shlex.quote(str(ran))}\n")
    for name in ("OLDPWD", "PWD"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    subprocess.run(shlex.split(command), capture_output=True, check=False)
    assert ran.exists(), "in the folder it runs"
    ran.unlink()
    run = approved_run("ci", lambda: {"profiles": {"ci": {"credential_process": command}}}, lambda _command: False)
    run(shlex.split(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE).communicate()
    assert not ran.exists()


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"confirmed": 7}', '{"confirmed": [7]}', "[" * 100_000])
def test_a_damaged_file_confirms_nothing(file: Path, damage: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(damage)
    assert not is_confirmed(CI)
    confirm(CI)
    assert is_confirmed(CI)


@pytest.mark.parametrize("where", ["file", "folder"])
def test_what_others_could_have_confirmed_counts_for_nothing(
    file: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm(CI)
    place = file if where == "file" else file.parent
    place.chmod(place.stat().st_mode | 0o020)
    monkeypatch.setattr(credential_commands, "_here", set())
    assert not is_confirmed(CI)
    with pytest.raises(Problem, match=r"is not saved: .* can be written by others") as caught:
        confirm(CI)
    assert f"chmod go-w {place}" in caught.value.next_step
    assert is_confirmed(CI), "for this process"


def test_a_command_is_shown_to_its_end() -> None:
    assert about_command(CredentialCommand("ci", "x" * 100_000 + ";last", FOLDER))[0].endswith(";last")


def test_where_it_cannot_be_kept_that_is_said_and_it_counts_for_now(file: Path) -> None:
    file.mkdir(parents=True)
    assert not is_confirmed(CI)
    with pytest.raises(Problem, match="cannot be saved"):
        confirm(CI)
    assert is_confirmed(CI)


def test_what_counts_for_this_process_is_not_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    confirm_here(CI)
    assert is_confirmed(CI)
    monkeypatch.setattr(credential_commands, "_here", set())
    assert not is_confirmed(CI)


def test_a_command_that_is_iamtui_itself_is_remarked_on() -> None:
    assert "iamtui serve" in about_command(CredentialCommand("own", "iamtui assume R --profile base"))[1]
    assert len(about_command(CredentialCommand("own", "get-keys"))) == 1


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
    confirm(CredentialCommand("ci", str(no_aws_settings / "first")))
    choice = SourceChoice(SourceKind.LIVE, profile="ci", endpoint_url=moto.url)
    space = open_source(choice)
    reconnected(space)
    assert set(made.read_text().split()) == {"first"}
    _runs(no_aws_settings, "evil", made)
    for again in (lambda: reconnected(space), lambda: open_source(choice), lambda: connect(choice)):
        with pytest.raises(UnconfirmedCommand, match=r"runs this command for its credentials: \S+/evil"):
            again()
    assert "evil" not in made.read_text()
    confirm(CredentialCommand("ci", str(no_aws_settings / "evil")))
    open_source(choice)
    assert "evil" in made.read_text()
