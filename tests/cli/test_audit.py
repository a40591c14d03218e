"""`iamtui audit`."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from tests.support.cli_runner import Cli
from tests.support.moto_server import MotoServer
from tests.support.open_account import FINDINGS, open_snapshot
from tests.support.snapshot_builder import allow, document, inline, role, snapshot, user, write


def test_findings_are_sorted_by_severity_with_reason_fix_and_control(cli: Cli) -> None:
    result = cli("audit", "--demo")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].startswith("!!! high")
    assert lines[-1].startswith("  ! low")
    assert any("intern.tove.dahl" in line and "[console-without-mfa]  CIS 1.10" in line for line in lines)
    assert any("root  The root user has no MFA device." in line and "CIS 1.5" in line for line in lines)
    assert "Not checked: permissions granted but not used (" in result.err
    assert "(needs iam:GenerateServiceLastAccessedDetails)" in result.err
    assert "high," in result.err.splitlines()[-1]


def test_findings_that_the_demo_does_not_have(cli: Cli, tmp_path: Path) -> None:
    path = str(write(tmp_path, open_snapshot()))
    found = cli("audit", "-o", "jsonl", "--snapshot", path).json_lines
    assert {one["code"]: one["subject"] for one in found if one["code"] in FINDINGS} == FINDINGS
    said = cli("audit", "--snapshot", path).out
    for code in FINDINGS:
        assert f"[{code}]" in said
    assert "run, statement Run: allows iam:PassRole on every role." in said
    assert cli("audit", "--fail-on", "high", "--snapshot", path).code == 1
    none = document(allow("s3:GetObject"))
    mended = snapshot(roles=[role("builder", RolePolicyList=[inline("run", none)])])
    left = cli("audit", "-o", "jsonl", "--snapshot", str(write(tmp_path, mended))).json_lines
    assert not FINDINGS.keys() & {one["code"] for one in left}


def test_json_csv_and_sarif_hold_the_same_findings(cli: Cli) -> None:
    found = cli("audit", "-o", "jsonl", "--demo").json_lines
    rows = list(csv.DictReader(io.StringIO(cli("audit", "-o", "csv", "--demo").out)))
    assert [(row["code"], row["subject"]) for row in rows] == [(one["code"], one["subject"]) for one in found]
    log = cli("audit", "-o", "sarif", "--demo").json
    assert [one["ruleId"] for one in log["runs"][0]["results"]] == [one["code"] for one in found]


@pytest.mark.parametrize(("level", "code"), [("high", 1), ("low", 1)])
def test_fail_on(cli: Cli, level: str, code: int) -> None:
    assert cli("audit", "--fail-on", level, "--demo").code == code


def test_suppressed_findings_are_listed_and_not_counted(cli: Cli) -> None:
    result = cli(
        "audit",
        "--suppress",
        "console-without-mfa=sign-in goes through the identity center",
        *("--suppress", "root-access-key=deleted next week", "--suppress", "root-without-mfa=likewise"),
        "--fail-on",
        "high",
        "--demo",
    )
    assert result.code == 0
    assert "[~] suppressed" in result.out
    assert "because: sign-in goes through the identity center" in result.out
    assert "8 suppressed" in result.err


FILE = """
[[suppress]]
code = "console-without-mfa"
pattern = "user/*"
reason = "sign-in goes through the identity center"
"""


def test_a_file_holds_suppressions_that_stay(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".iamtui-audit.toml").write_text(FILE)
    (tmp_path / "other.toml").write_text("")
    assert "because: sign-in goes through the identity center" in cli("audit", "--demo").out
    assert "suppressed" not in cli("audit", "--suppressions", "other.toml", "--demo").out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FILE.replace("console-without-mfa", "nothing"), "does not name a finding"),
        (FILE.replace("pattern", "file"), 'has "file", which it cannot have'),
        ("[suppress", "is not TOML"),
        ("\n" + "a." * 3000 + "a = 1", "has more than 1,000 dots in line 2."),
        (None, "missing.toml"),
    ],
)
def test_a_file_of_suppressions_that_cannot_be_read_is_one_sentence(
    cli: Cli, tmp_path: Path, text: str | None, said: str
) -> None:
    file = tmp_path / "missing.toml"
    if text is not None:
        file.write_text(text)
    result = cli("audit", "--suppressions", str(file), "--demo")
    assert result.code == 2
    assert said in result.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--suppress", "nothing=x"], "does not name a finding"),
        (["--suppress", "role-unused"], "has no reason"),
        (["--suppress", "role-unused:=x"], "has an empty pattern"),
        (["--json", "-o", "csv"], "--json is short for -o json"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(cli: Cli, words: list[str], said: str) -> None:
    result = cli("audit", *words, "--demo")
    assert result.code == 2
    assert said in result.err


def test_days_say_from_when_on_something_is_unused(cli: Cli) -> None:
    codes = [one["code"] for one in cli("audit", "--unused-days", "3000", "-o", "jsonl", "--demo").json_lines]
    assert "role-unused" not in codes
    assert "access-key-unused" not in codes
    assert "root-used" in codes
    assert cli("audit", "--unused-days", "0", "--demo").code == 2


def test_a_plain_dump_says_what_could_not_be_checked(cli: Cli, tmp_path: Path) -> None:
    path = write(tmp_path, snapshot(users=[user()]))

    result = cli("audit", "--snapshot", str(path))

    assert result.code == 3, "a list of roles that is empty may have been filtered"
    for permission in ("iam:GetAccountSummary", "iam:GetAccountPasswordPolicy", "iam:ListAccessKeys"):
        assert f"not in the snapshot (needs {permission})" in " ".join(result.err.split())
    assert "? high, " in result.err, "what was not checked does not count as none"


def test_a_snapshot_cannot_be_asked_for_the_last_use_of_services(cli: Cli, tmp_path: Path) -> None:
    path = write(tmp_path, snapshot(users=[user()]))

    result = cli("audit", "--last-accessed", "--snapshot", str(path))

    assert result.code == 2
    assert "has no more than was read when it was made" in result.err


def test_a_live_account_is_asked_for_its_own_facts(cli: Cli, moto: MotoServer) -> None:
    iam = moto.client("iam")
    iam.create_user(UserName="alice")
    iam.create_access_key(UserName="alice")
    iam.update_account_password_policy(MinimumPasswordLength=6)

    result = cli("audit", "-o", "jsonl", "--endpoint-url", moto.url)

    codes = {one["code"] for one in result.json_lines}
    assert {"service-account", "password-policy-short", "root-without-mfa"} <= codes
    assert "Not checked: permissions granted but not used" in result.err
    asked = cli("audit", "--last-accessed", "--endpoint-url", moto.url)
    assert "The last use of services is not known of 1 principal:" in " ".join(asked.err.split())
