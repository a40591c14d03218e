"""The commands of profiles are confirmed once, as they stand."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from iamtui.aws.profiles import Profile
from iamtui.problem import Problem
from iamtui.workspace.credential_commands import confirm, is_confirmed, profile_with_command

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
