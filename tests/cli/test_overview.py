"""`iamtui overview`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli_runner import Cli
from tests.support.snapshot_builder import role, snapshot, user, write


@pytest.fixture(autouse=True)
def _utf_8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def test_it_fits_a_small_terminal(cli: Cli) -> None:
    for name, who in (("one", "maya.okafor"), ("two", "role/deploy-prod"), ("three", ""), ("four", ""), ("five", "")):
        words = ["can", who or "maya.okafor", "s3:GetObject", "--save", name, "--demo"]
        assert cli(*words).code in (0, 1, 3)
    result = cli("overview", "--demo")
    assert result.code == 0
    lines = result.out.splitlines()
    # With what stderr says, and the prompt below.
    assert len(lines) <= 20
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("puffin-prod  111122223333  demo account")
    assert any(line.startswith("roles ") and "█" in line and "░" in line for line in lines)
    assert any(line.startswith("findings: high") for line in lines)
    assert "1 more saved questions" in " ".join(result.err.split())
    assert "Not known: permissions granted but not used" in result.err


def test_ascii_has_no_other_characters(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = cli("overview", "--ascii", "--demo").out
    assert drawn.isascii()
    monkeypatch.setenv("LC_ALL", "C")
    assert cli("overview", "--demo").out == drawn


def test_every_number_has_a_list(cli: Cli) -> None:
    found = cli("overview", "--json", "--demo").json
    for name in ("people", "roles.never", "administrators", "findings.high", "keys.older"):
        assert len(cli("overview", "--list", name, "--demo").out.splitlines()) == found["numbers"][name]
    assert len(cli("overview", "--list", "groups", "--json", "--demo").json) == found["numbers"]["groups"]
    assert found["incomplete"] == {}
    assert found["not_known"]


def test_a_number_that_is_not_there(cli: Cli) -> None:
    result = cli("overview", "--list", "administrator", "--demo")
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
    assert cli("overview", "--json", "--snapshot", str(path)).json["incomplete"]["without-mfa"] == 1


def test_an_empty_account(cli: Cli, tmp_path: Path) -> None:
    path = write(tmp_path, snapshot())
    assert cli("overview", "--snapshot", str(path)).code == 0


def test_a_faulty_file_of_questions_is_said_and_left_out(cli: Cli) -> None:
    cli("can", "maya.okafor", "s3:GetObject", "--save", "one", "--demo")
    (file,) = cli.home.rglob("questions.json")
    file.write_text("{")
    result = cli("overview", "--demo")
    assert result.code == 0
    assert "Saved questions are left out" in result.err
