"""`iamtui what-can`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iamtui.catalog.actions import catalogue
from tests.support.cli_runner import Cli


def test_counts_actions_by_service_and_access_level(cli: Cli) -> None:
    result = cli("what-can", "deploy-prod", "--demo")
    assert result.code == 0
    heading, *lines = result.out.splitlines()
    assert heading.split() == ["SERVICE", "List", "Read", "Write", "Permissions", "Tagging"]
    rows = {line.split()[0]: line for line in lines}
    assert list(rows) == ["ecr", "ecs", "iam", "kms", "lambda", "s3", "sns", "sts"]
    writing = _count("ecs", "Write")
    assert f"4/{writing}" in rows["ecs"]
    assert "0+1?/" in rows["iam"]
    assert "role/deploy-prod: 13 actions allowed, 7 on a condition, of 8 services." in result.err
    assert "Not evaluated, and could change some of this: resource." in result.err


def test_shades_are_ascii_where_the_terminal_has_no_others(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    (row,) = (line for line in cli("what-can", "deploy-prod", "--demo").out.splitlines() if line.startswith("ecr"))
    assert row.split()[1:3] == ["-", f"1/{_count('ecr', 'List')}"]
    assert row.isascii()


def _count(service: str, level: str) -> int:
    actions = map(catalogue().action, catalogue().actions_of(service))
    return sum(action is not None and level in action.access_levels for action in actions)


def test_the_actions_of_a_service_have_their_resources_and_conditions(cli: Cli) -> None:
    result = cli("what-can", "deploy-prod", "--service", "s3", "--service", "iam:*", "--demo")
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    assert "[+] ALLOWED s3:PutObject Write arn:aws:s3:::puffin-deploy-artifacts/*" in lines
    assert "[+] ALLOWED s3:GetObject Read arn:aws:s3:::puffin-tracking-site/*" in lines, (
        "allowed by the bucket's policy"
    )
    (passing,) = (line for line in lines if "iam:PassRole" in line)
    assert passing.endswith(
        "arn:aws:iam::111122223333:role/apps/* if iam:PassedToService is one of ecs-tasks.amazonaws.com, "
        "lambda.amazonaws.com"
    )


def test_what_a_deny_takes_out_is_named(cli: Cli) -> None:
    lines = cli("what-can", "maya.okafor", "--service", "logs", "--demo").out.splitlines()
    (events,) = (" ".join(line.split()) for line in lines if "logs:GetLogEvents" in line)
    assert events.endswith("*, not on arn:aws:logs:eu-west-1:111122223333:log-group:/payments/*:*")


def test_json_has_every_action_with_what_can_says_of_it(cli: Cli) -> None:
    found = cli("what-can", "deploy-prod", "--json", "--demo").json
    assert found["principal"] == "arn:aws:iam::111122223333:role/deploy-prod"
    for entry in found["actions"]:
        alone = cli("can", "deploy-prod", entry["action"], "--on", entry["asked"], "-o", "jsonl", "--demo").json
        assert entry["decision"] == alone["decision"]
        assert entry["resource_scope"] == alone["resource_scope"]
        assert entry["resources"] == (alone["allowed_resources"] or [entry["asked"]])
        assert (entry["condition"] is None) == (alone["depends_on"] is None)
    counts = {service["service"]: service for service in found["services"]}
    assert counts["ecr"]["allowed"] == sum(entry["action"].startswith("ecr:") for entry in found["actions"])
    assert counts["s3"]["access_levels"]["Write"]["allowed"] == 1


@pytest.mark.slow
def test_of_a_resource_only_what_is_about_it_is_listed(cli: Cli) -> None:
    bucket = "arn:aws:s3:::puffin-deploy-artifacts"
    result = cli("what-can", "deploy-prod", "--on", f"{bucket}/x", "--on", bucket, "--json", "--demo").json
    assert [(entry["action"], entry["asked"]) for entry in result["actions"]] == [
        ("s3:GetObject", f"{bucket}/x"),
        ("s3:PutObject", f"{bucket}/x"),
        ("s3:ListBucket", bucket),
    ]


def test_with_mfa_what_waits_for_it_is_allowed(cli: Cli) -> None:
    asked = (
        "what-can",
        "maya.okafor",
        "--service",
        "sts",
        "--on",
        "arn:aws:iam::111122223333:role/deploy-prod",
        "--demo",
    )
    assert "[?] DEPENDS  sts:AssumeRole" in cli(*asked).out
    assert "[+] ALLOWED  sts:AssumeRole" in cli(*asked, "--mfa").out


def test_two_principals_are_compared(cli: Cli) -> None:
    changes = cli("what-can", "deploy-prod", "--against", "data-engineer", "-o", "jsonl", "--demo").json_lines
    by_action = {action: change for change in changes for action in change["actions"]}
    assert by_action["ecs:UpdateService"]["change"] == "lost"
    assert by_action["kms:GenerateDataKey"]["change"] == "gained"
    assert by_action["s3:PutObject"]["change"] == "changed"
    assert [one["decision"] for one in by_action["s3:PutObject"]["after"]] == ["depends"]
    for_people = cli("what-can", "deploy-prod", "--against", "data-engineer", "--demo")
    assert "[<] only role/deploy-prod         ecs:" in for_people.out
    assert "[>] only role/data/data-engineer  " in for_people.out
    assert "[~] both, otherwise               s3:PutObject" in for_people.out
    # Neither of two gains or loses anything.
    assert "gained" not in for_people.out + for_people.err
    assert "lost" not in for_people.out + for_people.err
    assert " only role/deploy-prod can do: " in " ".join(for_people.err.split())
    same = cli("what-can", "deploy-prod", "--against", "role/deploy-prod", "--demo")
    assert (same.out, same.err.splitlines()[1]) == ("", "Actions gained: 0; lost: 0; changed: 0.")


def test_a_draft_shows_what_it_changes(cli: Cli, tmp_path: Path) -> None:
    document = tmp_path / "p.json"
    statement = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}
    document.write_text(json.dumps({"Version": "2012-10-17", "Statement": statement}))
    draft = str(tmp_path / "draft.json")
    assert cli("draft", "edit", draft, "put-inline", "role/deploy-prod", "more", str(document), "--demo").code == 0
    result = cli("what-can", "deploy-prod", "--draft", draft, "--demo")
    assert result.out.splitlines()[0] == "[+] gained   dynamodb:GetItem"
    assert "Actions gained: 1; lost: 0; changed: 0." in result.err
    assert "DRAFT" in result.err


def test_an_earlier_snapshot_shows_what_has_changed(cli: Cli, snapshot: str, tmp_path: Path) -> None:
    earlier = json.loads(Path(snapshot).read_text())
    for user in earlier["UserDetailList"]:
        if user["UserName"] == "alice":
            user["GroupList"] = []
    file = tmp_path / "earlier.json"
    file.write_text(json.dumps(earlier))
    asked = ("what-can", "alice", "--service", "ec2", "--snapshot", snapshot, "--against-snapshot", str(file))
    found = cli(*asked, "-o", "jsonl").json_lines
    assert {change["change"] for change in found} == {"gained"}


def test_a_policy_as_json_says_what_is_left_out(cli: Cli) -> None:
    plain = cli("what-can", "deploy-prod", "--policy", "--service", "ecs", "--demo").json
    found = cli("what-can", "deploy-prod", "--policy", "--service", "ecs", "--demo", "--json").json
    assert found == {"policy": plain, "left_out": [], "caps_complete": True}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody-here",), "nobody-here"),
        (("lambda.amazonaws.com",), "lambda.amazonaws.com are not in the loaded account"),
        (("arn:aws:iam::999999999999:user/eve",), "999999999999:user/eve are not in the loaded account"),
        (("deploy-prod", "--service", "s33"), "s33:* matches no action"),
        (("deploy-prod", "--on", "bucket"), "bucket is not a resource"),
        (("deploy-prod", "--against", "nobody-here"), "nobody-here"),
        (("deploy-prod", "--against", "data-engineer", "--draft", "x"), "exclude each other"),
        (("deploy-prod", "--policy", "--on", "*"), "--policy prints what holds on every resource"),
        (("root", "--policy"), ":root is not a user or role"),
        (("deploy-prod", "--chained-from", "data-engineer"), "neither --chained-from nor --with"),
        (("deploy-prod", "--against-snapshot", "/nowhere.json"), "/nowhere.json"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_sentence(cli: Cli, words: tuple[str, ...], said: str) -> None:
    cli("what-can", *words, "--demo").failed_with(said)


def test_the_permissions_are_printed_as_one_policy(cli: Cli, tmp_path: Path) -> None:
    result = cli("what-can", "deploy-prod", "--policy", "--demo")
    allows = [one for one in result.json["Statement"] if one["Effect"] == "Allow"]
    passing = {"StringEquals": {"iam:PassedToService": ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com"]}}
    assert {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": "arn:aws:iam::111122223333:role/apps/*",
        "Condition": passing,
    } in allows
    assert "What the policies of resources allow by themselves is not in it." in result.err
    file = tmp_path / "policy.json"
    file.write_text(result.out)
    assert cli("lint", str(file), "--fail-on", "error").code == 0
    only = cli("what-can", "deploy-prod", "--policy", "--service", "ecr", "--demo").json["Statement"]
    assert only[0]["Action"] == ["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetAuthorizationToken"]


def test_a_policy_that_does_not_fit_into_a_managed_policy_is_printed_and_said(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iamtui.cli.what_can.MANAGED_POLICY_SIZE", 1_000)
    result = cli("what-can", "deploy-prod", "--policy", "--demo")
    assert result.json["Statement"]
    assert "a managed policy may have 1,000." in result.err


def test_what_it_takes_for_granted_is_said_where_policies_read_it(cli: Cli) -> None:
    """As `iamtui can` says it of each answer."""
    fenced = cli("what-can", "deploy-prod", "--service", "ecs", "--demo")
    assert "Assumed, because policies read it: " in fenced.err
    assert "aws:RequestedRegion = eu-west-1" in fenced.err
    assert "aws:CurrentTime" not in fenced.err, "no policy of deploy-prod reads it"
    given = cli("what-can", "deploy-prod", "-c", "aws:RequestedRegion=eu-west-1", "--service", "ecs", "--demo")
    assert "aws:RequestedRegion" not in given.err
    strict = cli("what-can", "deploy-prod", "--strict", "--service", "ecs", "--demo")
    assert "aws:RequestedRegion = eu-west-1" in strict.err
    assert "ecs" in strict.out
