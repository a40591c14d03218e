"""What was entered is there the next time, without its secrets, and a damaged file is no obstacle."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from iamtui.account.model import Known, Missing
from iamtui.credentials import secure_files as private_file
from iamtui.credentials.assume_role import AssumeRoleInput
from iamtui.credentials.session import AssumeExtras
from iamtui.paths import data_folder
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.workspace.assume.remembered_assume_input import (
    MOST_ROLES,
    forget_input,
    remember_input,
    remembered_input,
    remembered_path,
)
from iamtui.workspace.source.workspace import SourceKind
from tests.support.assume_account import FOREIGN, ID, ROLE, SERIAL, trust, workspace

ALICE = workspace(trust())
BOB = ALICE.with_account(replace(ALICE.account, caller_arn=Known(f"arn:aws:iam::{ID}:user/bob")))
EXTRAS = AssumeExtras(
    '{"Statement": []}',
    ("arn:aws:iam::aws:policy/ReadOnlyAccess",),
    (("team", "blü"), ("cost", "")),
    ("team",),
    "alice@example.com",
)
ENTERED = AssumeRoleInput(ROLE, "deploy-1", 7200, "external-secret", SERIAL, Secret("123456"), EXTRAS)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return data_folder() / "assume.json"


def test_everything_but_secrets_comes_back(file: Path) -> None:
    remember_input(ALICE, ENTERED)
    assert remembered_input(ALICE, ROLE) == replace(ENTERED, external_id="", mfa_code=None)
    text = file.read_text(encoding="utf-8")
    assert "external-secret" not in text
    assert "123456" not in text.replace(ID, "").replace(ROLE, "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]


def test_it_is_kept_per_role_and_account_of_the_caller(file: Path) -> None:
    remember_input(ALICE, ENTERED)
    remember_input(ALICE, replace(ENTERED, role_arn=FOREIGN, duration_seconds=900))
    elsewhere = ALICE.with_account(replace(ALICE.account, caller_arn=Known("arn:aws:iam::999999999999:user/alice")))
    assert remembered_input(elsewhere, ROLE) is None
    demo = replace(ALICE, source=structs.replace(ALICE.source, kind=SourceKind.DEMO))
    assert remembered_input(demo, ROLE) is None
    remember_input(demo, replace(ENTERED, duration_seconds=901))
    durations = [
        found.duration_seconds
        for space, role in ((ALICE, ROLE), (ALICE, FOREIGN), (demo, ROLE))
        if (found := remembered_input(space, role)) is not None
    ]
    assert durations == [7200, 900, 901]


def test_the_default_name_and_the_device_are_each_callers_own(file: Path) -> None:
    remember_input(ALICE, replace(ENTERED, session_name="alice"))
    for_alice, for_bob = (remembered_input(space, ROLE) for space in (ALICE, BOB))
    assert for_alice is not None
    assert for_bob is not None
    assert (for_alice.session_name, for_alice.mfa_serial) == ("", SERIAL)
    assert (for_bob.session_name, for_bob.mfa_serial) == ("", "")
    assert for_bob.extras == EXTRAS


def test_the_latest_replaces_the_one_before(file: Path) -> None:
    remember_input(ALICE, ENTERED)
    remember_input(ALICE, replace(ENTERED, duration_seconds=1800))
    found = remembered_input(ALICE, ROLE)
    assert found is not None
    assert found.duration_seconds == 1800
    assert len(json.loads(file.read_text(encoding="utf-8"))["roles"]) == 1


def test_the_oldest_go(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_ROLES == 200
    monkeypatch.setattr("iamtui.workspace.assume.remembered_assume_input.MOST_ROLES", 5)
    for number in range(6):
        remember_input(ALICE, replace(ENTERED, role_arn=f"{ROLE}{number}"))
    assert remembered_input(ALICE, f"{ROLE}0") is None
    assert remembered_input(ALICE, f"{ROLE}1") is not None


def test_a_role_can_be_forgotten(file: Path) -> None:
    remember_input(ALICE, ENTERED)
    forget_input(ALICE, ROLE)
    assert remembered_input(ALICE, ROLE) is None


def test_of_an_unknown_caller_nothing_is_kept(file: Path) -> None:
    nobody = ALICE.with_account(replace(ALICE.account, caller_arn=Missing("access denied")))
    remember_input(nobody, ENTERED)
    assert not file.exists()
    assert remembered_input(nobody, ROLE) is None


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"no json",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b'{"version": 1, "roles": 7}',
        b'{"version": 1, "roles": [7, {"account": 3}]}',
    ],
)
def test_a_damaged_file_is_no_obstacle(file: Path, damage: bytes) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(damage)
    assert remembered_input(ALICE, ROLE) is None
    remember_input(ALICE, ENTERED)
    assert remembered_input(ALICE, ROLE) is not None


def test_what_others_could_have_entered_is_not_offered(file: Path) -> None:
    remember_input(ALICE, ENTERED)
    file.parent.chmod(0o777)
    assert remembered_input(ALICE, ROLE) is None
    file.parent.chmod(0o700)
    assert remembered_input(ALICE, ROLE) is not None


def test_one_damaged_entry_leaves_the_others(file: Path) -> None:
    remember_input(ALICE, ENTERED)
    whole = json.loads(file.read_text(encoding="utf-8"))
    whole["roles"].insert(0, {"account": ID, "role_arn": ROLE, "duration_seconds": "long"})
    whole["roles"][1]["of a later version"] = True
    file.write_text(json.dumps(whole), encoding="utf-8")
    assert remembered_input(ALICE, ROLE) is not None


def test_a_newer_file_is_left_alone(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_text('{"version": 2, "roles": []}', encoding="utf-8")
    assert remembered_input(ALICE, ROLE) is None
    with pytest.raises(Problem, match="is of version 2"):
        remember_input(ALICE, ENTERED)
    assert json.loads(file.read_text(encoding="utf-8")) == {"version": 2, "roles": []}


def test_a_full_disk_leaves_what_was_there(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remember_input(ALICE, ENTERED)
    before = file.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(private_file.os, "fsync", full)
    with pytest.raises(Problem, match="No space left on device"):
        remember_input(ALICE, replace(ENTERED, duration_seconds=900))
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_folder_in_the_place_of_the_file_is_a_problem_to_write_only(file: Path) -> None:
    file.mkdir(parents=True)
    assert remembered_input(ALICE, ROLE) is None
    with pytest.raises(Problem, match="cannot be remembered"):
        remember_input(ALICE, ENTERED)


def test_half_a_character_is_a_problem(file: Path) -> None:
    with pytest.raises(Problem, match="lone surrogate"):
        remember_input(ALICE, replace(ENTERED, session_name="\ud800"))


def test_the_usual_place_is_the_data_folder() -> None:
    assert remembered_path().name == "assume.json"
