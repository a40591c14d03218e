"""`iamtui overview`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli_runner import Cli
from tests.support.snapshot_builder import complete, role, snapshot, user, write


@pytest.fixture(autouse=True)
def _utf_8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(write(tmp_path, complete()))


@pytest.mark.slow
def test_it_fits_a_small_terminal(cli: Cli) -> None:
    for name in ("one", "two", "three", "four", "five"):
        assert cli("can", "role/deploy-prod", "s3:GetObject", "--save", name, "--demo").code == 3
    result = cli("overview", "--demo")
    assert result.code == 0
    lines = result.out.splitlines()
    # With what stderr says, and the prompt below.
    assert len(lines) <= 20
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("puffin-prod  111122223333  demo account")
    assert any(line.startswith("roles ") and "█" in line and "░" in line for line in lines)
    assert any(line.startswith("findings: high") for line in lines)
    assert "1 more saved question:" in " ".join(result.err.split())
    assert "Not known: permissions granted but not used" in result.err


def test_ascii_has_no_other_characters(cli: Cli, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not cli("overview", "--snapshot", file).out.isascii()
    drawn = cli("overview", "--ascii", "--snapshot", file).out
    assert drawn.isascii()
    monkeypatch.setenv("LC_ALL", "C")
    assert cli("overview", "--snapshot", file).out == drawn


def test_every_number_has_a_list(cli: Cli, file: str) -> None:
    found = cli("overview", "--json", "--snapshot", file).json
    for name in ("people", "roles.never", "findings.high", "keys.older"):
        assert len(cli("overview", "--list", name, "--snapshot", file).out.splitlines()) == found["numbers"][name]
    assert len(cli("overview", "--list", "groups", "--json", "--snapshot", file).json) == found["numbers"]["groups"]
    assert found["numbers"]["people"] == found["numbers"]["keys"] == 1
    assert found["not_known"]


def test_a_number_that_is_not_there(cli: Cli, file: str) -> None:
    result = cli("overview", "--list", "administrator", "--snapshot", file)
    assert result.code == 2
    assert "Nearest: administrators" in " ".join(result.err.split())


def test_a_plain_dump_marks_what_it_does_not_know(cli: Cli, tmp_path: Path) -> None:
    path = write(tmp_path, snapshot(users=[user()], roles=[role()]))
    result = cli("overview", "--snapshot", str(path))
    assert result.code == 0
    (line,) = [line for line in result.out.splitlines() if line.startswith("passwords without MFA")]
    assert line.split()[3] == "?"
    assert "users of unknown kind" in result.out
    said = " ".join(result.err.split())
    assert said.count("organization: SCPs and RCPs") == 1
    assert "the password policy: not in the snapshot (needs iam:GetAccountPasswordPolicy)" in said
    (line,) = [line for line in result.out.splitlines() if line.startswith("findings: high")]
    assert line.split()[2] == "?"
    record = cli("overview", "--json", "--snapshot", str(path)).json
    assert record["incomplete"]["without-mfa"] == 1
    assert record["numbers"]["findings.high"] is None
    assert record["numbers"]["groups"] == 0


def test_an_empty_account(cli: Cli, tmp_path: Path) -> None:
    path = write(tmp_path, snapshot(iamtui={"version": 1}))
    assert cli("overview", "--snapshot", str(path)).code == 0
    # Of the AWS CLI, which may have filtered.
    path = write(tmp_path, snapshot())
    assert cli("overview", "--snapshot", str(path)).code == 3


def test_a_faulty_file_of_questions_is_said_and_left_out(cli: Cli, file: str) -> None:
    assert cli("can", "user/alice", "s3:GetObject", "--save", "one", "--snapshot", file).code in (0, 1, 3)
    (questions,) = cli.home.rglob("questions.json")
    questions.write_text("{")
    result = cli("overview", "--snapshot", file)
    assert result.code == 0
    assert "Saved questions are left out" in result.err
