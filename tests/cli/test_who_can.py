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


def test_of_several_pairs_a_principals_worst_decides_and_the_counts_are_said(cli: Cli, snapshot: str) -> None:
    asked = ("who-can", "s3:GetObject", "s3:DeleteObject", "--on", LAKE, "--snapshot", snapshot)
    result = cli(*asked, "--all")
    assert len(result.out.splitlines()) == 8
    web = next(line for line in result.out.splitlines() if "role/web-server" in line)
    assert web.startswith("[x] DENIED")
    assert "1 denied explicitly, 1 allowed as far as loaded; worst: s3:DeleteObject" in web
    found = {entry["principal"].rsplit("/", 1)[-1]: entry for entry in cli(*asked, "--all", "--json").json_lines}
    assert found["web-server"]["decision"] == "explicitDeny"
    assert found["web-server"]["counts"] == {"allowed": 1, "explicitDeny": 1}
    assert found["web-server"]["worst"]["request"]["action"] == "s3:DeleteObject"


def test_a_pattern_is_answered_for_everyone(cli: Cli, snapshot: str) -> None:
    asked = ("who-can", "s3:*Object", "--on", LAKE, "--snapshot", snapshot)
    assert "user/alice" not in cli(*asked).out
    entries = cli(*asked, "--all", "--json").json_lines
    assert {entry["pairs"] for entry in entries} == {entries[0]["pairs"]}
    assert entries[0]["pairs"] > 4


def test_with_a_chain_only_roles_are_asked(cli: Cli, snapshot: str) -> None:
    result = cli(
        "who-can", "s3:GetObject", "--on", LAKE, "--chained-from", "web-server", "--all", "--snapshot", snapshot
    )
    assert "user/" not in result.out
    assert result.err.splitlines()[-1].endswith(" roles.")


def test_nobody_is_an_answer_too(cli: Cli, snapshot: str) -> None:
    result = cli(
        "who-can", "sts:AssumeRole", "--on", "arn:aws:iam::123456789012:role/gone", "--strict", "--snapshot", snapshot
    )
    assert result.code == 0
    assert "users and roles." in result.err


def test_whom_the_resources_policy_names_besides_is_listed(cli: Cli) -> None:
    asked = ("who-can", "s3:PutObject", "--on", "arn:aws:s3:::puffin-partner-manifests/x", "--demo", "--all")
    result = cli(*asked)
    assert [line for line in result.out.splitlines() if "arn:aws:iam::666677778888:role/parcel-exchange" in line]
    assert "users and roles and 1 whom the resource's policy names besides." in result.err
    everybody = cli("who-can", "s3:GetObject", "--on", "arn:aws:s3:::puffin-tracking-site/x", "--demo", "--all")
    assert "cloudfront.amazonaws.com" in everybody.out
    assert "anonymous" in everybody.out
    assert "users and roles of other accounts are not listed" in everybody.err


def test_an_account_that_a_trust_policy_names_is_asked_about_as_its_roles_not_as_its_root_user(cli: Cli) -> None:
    role = "arn:aws:iam::111122223333:role/external/skylark-cost-reader"
    lines = cli("who-can", "sts:AssumeRole", "--on", role, "--demo").out.splitlines()
    (outside,) = (line for line in lines if "999900001111" in line)
    assert outside.startswith("[?] DEPENDS  arn:aws:iam::999900001111:role/any-role")
    assert "sts:ExternalId is puffin-parcel-4471" in outside
