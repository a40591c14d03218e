"""Suppressions of `iamtui lint`: listed with their reason, and not counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli_runner import Cli

POLICY = """{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Old", "Effect": "Allow", "Action": "s3:GetObjekt", "Resource": "*"},
    {"Sid": "New", "Effect": "Allow", "Action": "s3:PutObjekt", "Resource": "*"}
  ]
}
"""


@pytest.fixture(autouse=True)
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policies").mkdir()
    Path("policies/a.json").write_text(POLICY)
    Path("b.json").write_text(POLICY)


def accept(*tables: str, file: str = ".iamtui-lint.toml") -> None:
    Path(file).write_text("\n".join(f"[[suppress]]\n{table}\n" for table in tables))


@pytest.mark.parametrize("code", ["unknown-action", "INVALID_ACTION"])
def test_an_option_suppresses_by_our_code_and_by_that_of_aws(cli: Cli, code: str) -> None:
    result = cli("lint", "b.json", "--fail-on", "error", "--suppress", f"{code}=comes with the next SDK")
    assert result.code == 0
    lines = result.out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("b.json:4: [~] suppressed error ")
    assert lines[0].endswith("[unknown-action] INVALID_ACTION because: comes with the next SDK")
    assert "1 file: no findings; 2 suppressed." in result.err


def test_a_file_suppresses_in_one_statement_of_some_files(cli: Cli) -> None:
    accept('code = "unknown-action"\nfile = "policies/*.json"\nsid = "Old"\nreason = "SEC-17"')
    result = cli("lint", "policies/a.json", "b.json", "--fail-on", "error", "--json")
    assert result.code == 1
    in_folder, beside = result.json
    assert [finding["suppressed"] for finding in in_folder["findings"]] == ["SEC-17", None]
    assert [finding["suppressed"] for finding in beside["findings"]] == [None, None]
    assert "2 files: 3 errors; 1 suppressed." in result.err


def test_another_file_is_relative_to_its_own_folder(cli: Cli) -> None:
    accept('code = "unknown-action"\nfile = "a.json"\nreason = "SEC-17"', file="policies/accepted.toml")
    given = ("--suppressions", "policies/accepted.toml", "--fail-on", "error")
    assert cli("lint", "policies/a.json", *given).code == 0
    assert cli("lint", "b.json", *given).code == 1


def test_a_suppression_of_nothing_is_said_where_its_file_was_read(cli: Cli) -> None:
    accept('code = "public"\nreason = "a site"', 'code = "public"\nfile = "policies/*"\nreason = "a site"')
    result = cli("lint", "b.json", "--suppress", "large=big")
    assert "Suppression 1 in .iamtui-lint.toml (public) suppresses nothing; remove it." in result.err
    assert "--suppress large suppresses nothing" in result.err
    assert "uppression 2" not in result.err
    assert "uppression 2" in cli("lint", "policies/a.json").err


def test_what_is_no_policy_cannot_be_suppressed(cli: Cli) -> None:
    result = cli("lint", "-", "--suppress", "not-json=later", stdin="{no json")
    assert result.code == 2
    assert "[~]" not in result.out


@pytest.mark.parametrize("option", ["unknown-action", "unknown-action=", "unknown-action=  ", "=why", ""])
def test_an_option_without_code_or_reason_is_refused(cli: Cli, option: str) -> None:
    result = cli("lint", "b.json", "--suppress", option)
    assert result.code == 2
    assert result.out == ""
    assert "has no reason" in result.err or "names no code" in result.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[suppress]]\ncode = "public"', "Suppression 1 in .iamtui-lint.toml (public) has no reason"),
        ('[[suppress]]\nreason = "x"', "Suppression 1 in .iamtui-lint.toml has no code"),
        ('[[suppress]]\ncode = "public"\nreason = " "', "reason is not a text, or is empty"),
        ('[[suppress]]\ncode = ["public"]\nreason = "x"', "code is not a text"),
        ('[[suppress]]\ncode = "public"\nreason = "x"\nuntil = "2027"', 'has "until", which it cannot have'),
        ('[suppress]\ncode = "public"\nreason = "x"', "is not a list of tables"),
        ('[lint]\ncode = "public"', 'has "lint", which it cannot have'),
        ("suppress = [", "is not TOML"),
        ("a=" + "[" * 5000, "is nested too deeply"),
        ("[" + "a." * 3000 + "a]", ".iamtui-lint.toml has more than 1,000 dots in line 1."),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(cli: Cli, text: str, words: str) -> None:
    Path(".iamtui-lint.toml").write_text(text)
    result = cli("lint", "b.json")
    assert result.code == 2
    assert result.out == ""
    assert words in result.err


def test_a_named_file_has_to_be_there(cli: Cli) -> None:
    result = cli("lint", "b.json", "--suppressions", "gone.toml")
    assert result.code == 2
    assert "The suppression file gone.toml does not exist" in result.err
