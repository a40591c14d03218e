"""`iamtui audit`."""

from __future__ import annotations

import csv
import io

import pytest

from tests.support.cli_runner import Cli


def test_findings_are_sorted_by_severity_with_reason_fix_and_control(cli: Cli) -> None:
    result = cli("audit", "--demo")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].startswith("[x] high")
    assert lines[-1].startswith("[-] low")
    assert any("intern.tove.dahl" in line and "[console-without-mfa] CIS 1.10" in line for line in lines)
    assert "Not looked at: the password policy" in result.err
    assert "high," in result.err.splitlines()[-1]


def test_json_csv_and_sarif_hold_the_same_findings(cli: Cli) -> None:
    found = cli("audit", "--json", "--demo").json_lines
    rows = list(csv.DictReader(io.StringIO(cli("audit", "--format", "csv", "--demo").out)))
    assert [(row["code"], row["subject"]) for row in rows] == [(one["code"], one["subject"]) for one in found]
    log = cli("audit", "--format", "sarif", "--demo").json
    assert [one["ruleId"] for one in log["runs"][0]["results"]] == [one["code"] for one in found]


@pytest.mark.parametrize(("level", "code"), [("high", 1), ("low", 1)])
def test_fail_on(cli: Cli, level: str, code: int) -> None:
    assert cli("audit", "--fail-on", level, "--demo").code == code


def test_suppressed_findings_are_listed_and_not_counted(cli: Cli) -> None:
    result = cli(
        "audit",
        "--suppress",
        "console-without-mfa=sign-in goes through the identity center",
        "--fail-on",
        "high",
        "--demo",
    )
    assert result.code == 0
    assert "[~] suppressed" in result.out
    assert "because: sign-in goes through the identity center" in result.out
    assert "6 suppressed" in result.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--suppress", "nothing=x"], "does not name a finding"),
        (["--suppress", "role-unused"], "has no reason"),
        (["--json", "--format", "csv"], "exclude each other"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(cli: Cli, words: list[str], said: str) -> None:
    result = cli("audit", *words, "--demo")
    assert result.code == 2
    assert said in result.err
