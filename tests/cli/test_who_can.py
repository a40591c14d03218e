"""`iamtui who-can`."""

from __future__ import annotations

from tests.support.cli_runner import Cli

LAKE = "arn:aws:s3:::data-lake/x"
DEPLOY = "arn:aws:iam::123456789012:role/deploy-prod"


def test_lists_everyone_who_may_and_counts_on_stderr(cli: Cli, snapshot: str) -> None:
    result = cli("who-can", "s3:GetObject", "--on", LAKE, "--snapshot", snapshot)
    assert result.code == 0
    names = [line.split()[2] for line in result.out.splitlines()]
    assert names == ["user/alice", "user/data/bob", "user/automation/ci-deploy", "role/deploy-prod", "role/web-server"]
    assert result.err.splitlines()[-1].endswith("not, of 8 users and roles.")


def test_says_on_what_condition(cli: Cli, snapshot: str) -> None:
    result = cli("who-can", "sts:AssumeRole", "--on", DEPLOY, "--snapshot", snapshot)
    alice = next(line for line in result.out.splitlines() if "user/alice" in line)
    assert alice.startswith("[?] DEPENDS")
    assert "if aws:MultiFactorAuthPresent is true" in alice


def test_json_is_one_decision_per_line(cli: Cli, snapshot: str) -> None:
    decisions = cli("who-can", "s3:GetObject", "--on", LAKE, "--json", "--snapshot", snapshot).json_lines
    assert {decision["decision"] for decision in decisions} <= {"allowed", "depends"}
    assert decisions[0]["request"]["principal"] == "arn:aws:iam::123456789012:user/alice"


def test_all_lists_those_who_may_not_too(cli: Cli, snapshot: str) -> None:
    result = cli("who-can", "s3:GetObject", "--on", LAKE, "--all", "--snapshot", snapshot)
    assert len(result.out.splitlines()) == 8
    assert "[-] DENIED" in result.out


def test_several_actions_come_one_after_the_other(cli: Cli, snapshot: str) -> None:
    result = cli("who-can", "s3:GetObject", "sts:AssumeRole", "--on", DEPLOY, "--snapshot", snapshot)
    assert f"s3:GetObject  {DEPLOY}" in result.out
    assert f"\n\nsts:AssumeRole  {DEPLOY}\n" in result.out


def test_nobody_is_an_answer_too(cli: Cli, snapshot: str) -> None:
    result = cli(
        "who-can", "sts:AssumeRole", "--on", "arn:aws:iam::123456789012:role/gone", "--strict", "--snapshot", snapshot
    )
    assert result.code == 0
    assert "users and roles." in result.err
