"""The commands of profiles are confirmed once, as they stand."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from iamtui.aws.profiles import Profile, available_profiles
from iamtui.problem import Problem
from iamtui.workspace.connecting import connect, reconnected
from iamtui.workspace.credential_commands import confirm, is_confirmed, profile_with_command
from iamtui.workspace.opening import SourceChoice, open_source
from iamtui.workspace.workspace import SourceKind
from tests.support.moto_server import MotoServer

CI = Profile("ci", command="/opt/get-keys --password hunter2")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "commands.json"


def test_what_was_confirmed_is_not_asked_again(file: Path) -> None:
    assert not is_confirmed(CI, path=file)
    confirm(CI, path=file)
    confirm(Profile("other", command="x"), path=file)
    assert is_confirmed(CI, path=file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "hunter2" not in file.read_text()


@pytest.mark.parametrize("changed", [Profile("ci", command="/opt/evil"), Profile("ci2", command=CI.command)])
def test_a_changed_command_is_a_new_one(file: Path, changed: Profile) -> None:
    confirm(CI, path=file)
    assert not is_confirmed(changed, path=file)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"confirmed": 7}', '{"confirmed": [7]}', "[" * 100_000])
def test_a_damaged_file_confirms_nothing(file: Path, damage: str) -> None:
    file.parent.mkdir()
    file.write_text(damage)
    assert not is_confirmed(CI, path=file)
    confirm(CI, path=file)
    assert is_confirmed(CI, path=file)


@pytest.mark.parametrize("where", ["file", "folder"])
def test_what_others_could_have_confirmed_counts_for_nothing(file: Path, where: str) -> None:
    confirm(CI, path=file)
    place = file if where == "file" else file.parent
    place.chmod(place.stat().st_mode | 0o020)
    assert not is_confirmed(CI, path=file)
    with pytest.raises(Problem, match=r"is not kept: .* can be written by others") as caught:
        confirm(CI, path=file)
    assert f"chmod go-w {place}" in caught.value.next_step


def test_where_it_cannot_be_kept_that_is_said(file: Path) -> None:
    file.mkdir(parents=True)
    assert not is_confirmed(CI, path=file)
    with pytest.raises(Problem, match="cannot be kept"):
        confirm(CI, path=file)


def test_the_profile_that_runs_a_command_is_found_without_running_it(no_aws_settings: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    (no_aws_settings / "config").write_text(
        f"[default]\ncredential_process = touch {marker}\n[profile a]\nsource_profile = default\n"
        "role_arn = arn:aws:iam::123456789012:role/r\n[profile plain]\nregion = us-east-1\n"
    )
    found = [profile_with_command(name) for name in (None, "a", "plain", "gone")]
    assert [profile.command if profile else None for profile in found] == [f"touch {marker}"] * 2 + [None, None]
    assert not marker.exists()


@pytest.mark.parametrize(("text", "expected"), [("CREDENTIAL_PROCESS = x", True), ("region = us-east-1", False)])
def test_botocore_is_not_loaded_where_no_file_mentions_a_command(
    no_aws_settings: Path, text: str, expected: bool
) -> None:
    (no_aws_settings / "credentials").write_text(f"[p]\n{text}\n")
    code = (
        "import sys; from iamtui.workspace.credential_commands import profile_with_command as p; "
        "print(p('p') is not None, 'botocore' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(expected), str(expected)]


def test_files_that_are_none_mention_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "no\udcff/such")
    assert profile_with_command(None) is None


def _runs(folder: Path, command: str, made: Path) -> None:
    script = folder / command
    answer = '{"Version": 1, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "x"}'
    script.write_text(f"#!/bin/sh\necho {command} >> {made}\necho '{answer}'\n")
    script.chmod(0o700)
    (folder / "config").write_text(f"[profile ci]\nregion = eu-west-1\ncredential_process = {script}\n")


def test_a_command_that_was_changed_meanwhile_is_not_run(
    no_aws_settings: Path, tmp_path: Path, moto: MotoServer
) -> None:
    made = tmp_path / "made"
    _runs(no_aws_settings, "first", made)
    choice = SourceChoice(SourceKind.LIVE, profile="ci", endpoint_url=moto.url)
    space = open_source(choice)
    reconnected(space)
    assert set(made.read_text().split()) == {"first"}
    _runs(no_aws_settings, "evil", made)
    for again in (lambda: reconnected(space), lambda: open_source(choice), lambda: connect(choice)):
        with pytest.raises(Problem, match=r"now runs another command for its credentials: \S+/evil Nothing was run"):
            again()
    assert "evil" not in made.read_text()
    (profile,) = (one for one in available_profiles() if one.name == "ci")
    confirm(profile)
    open_source(choice)
    assert "evil" in made.read_text()
