"""`iamtui gate`: what a plan comes to, its forms of output, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli_runner import Cli
from tests.support.plans import plan_document, planned
from tests.support.sample_account import ID, allow, iam, trust

OPEN_ROLE = planned(
    "aws_iam_role.job",
    "create",
    after={"name": "new-job", "path": "/", "assume_role_policy": trust({"AWS": "*"}).text},
    unknown={"arn": True},
)
QUEUE = planned("aws_sqs_queue.q", "create", after={"name": "jobs"}, unknown={"arn": True})
ADMIN = planned(
    "aws_iam_user_policy.carol",
    "create",
    after={
        "user": "carol",
        "name": "all",
        "policy": json.dumps(
            {"Version": "2012-10-17", "Statement": [allow("iam:PutUserPolicy"), allow("s3:GetObjekt")]}
        ),
    },
)
LOSS = planned("aws_iam_user_policy.bob", "delete", before={"user": "bob", "name": "scratch-bucket", "policy": "{}"})


@pytest.fixture
def gate(cli: Cli, snapshot: str, tmp_path: Path) -> Any:
    def run(*changes: dict[str, Any], options: tuple[str, ...] = (), **more: Any) -> Any:
        path = tmp_path / "plan.json"
        path.write_bytes(json.dumps(plan_document(*changes, **more)).encode())
        return cli("gate", str(path), "--snapshot", snapshot, *options)

    return run


def rows(found: Any) -> set[tuple[str, str]]:
    return {(row["code"], row["address"]) for row in found.json["rows"]}


def test_all_answers_of_a_plan(gate: Any) -> None:
    found = gate(OPEN_ROLE, QUEUE, ADMIN, options=("--as", "user/carol", "-o", "json"))
    assert found.code == 0
    assert {
        ("trust-anyone", "aws_iam_role.job"),
        ("unknown-action", "aws_iam_user_policy.carol"),
        ("denied", "aws_iam_role.job"),
        ("denied", "aws_sqs_queue.q"),
        ("public", "aws_iam_role.job"),
        ("escalation", "aws_iam_user_policy.carol"),
        ("gained", "aws_iam_user_policy.carol"),
    } <= rows(found)
    assert {"sqs:CreateQueue", "iam:CreateRole"} <= {one["action"] for one in found.json["apply"]["certain"]}
    assert found.json["edits"] == [
        {"address": "aws_iam_role.job", "edit": "create role/new-job"},
        {"address": "aws_iam_user_policy.carol", "edit": "give user/carol the inline policy all"},
    ]
    assert found.json["proof"]["status"] != "proved"


@pytest.mark.parametrize(
    ("changes", "fail_on", "code"),
    [
        ((OPEN_ROLE,), "public", 1),
        ((ADMIN,), "escalation", 1),
        ((ADMIN,), "gained", 1),
        ((ADMIN,), "public", 0),
        ((ADMIN,), "lint", 1),
        ((QUEUE,), "denied", 1),
        ((QUEUE,), "gained", 0),
        ((LOSS,), "gained", 0),
        ((LOSS,), "escalation", 0),
    ],
)
def test_it_ends_with_1_where_something_is_found_that_may_not_be(
    gate: Any, changes: tuple[dict[str, Any], ...], fail_on: str, code: int
) -> None:
    assert gate(*changes, options=("--as", "user/carol", "--fail-on", fail_on)).code == code


@pytest.mark.parametrize("suppression", ["public=a web site", "public:aws_iam_role.*=a web site"])
def test_what_is_accepted_with_a_reason_fails_nothing(gate: Any, suppression: str) -> None:
    found = gate(OPEN_ROLE, options=("--fail-on", "public", "--suppress", suppression, "-o", "json"))
    assert found.code == 0
    assert {row["suppressed"] for row in found.json["rows"] if row["code"] == "public"} == {"a web site"}
    assert gate(OPEN_ROLE, options=("--fail-on", "public", "--suppress", "public:other*=x")).code == 1


def test_a_file_of_suppressions(gate: Any, tmp_path: Path) -> None:
    file = tmp_path / "accepted.toml"
    file.write_text('[[suppress]]\ncode = "public"\naddress = "aws_iam_role.*"\nreason = "a web site"\n')
    assert gate(OPEN_ROLE, options=("--fail-on", "public", "--suppressions", str(file))).code == 0
    file.write_text('[[suppress]]\ncode = "public"\n')
    gate(OPEN_ROLE, options=("--suppressions", str(file))).failed_with("Suppression 1", "no reason")


@pytest.mark.parametrize(
    ("changes", "more", "known"),
    [
        ((planned("aws_iam_role.x", "no-op", before={}, after={}),), {}, True),
        ((planned("aws_no_such_thing.x", "create", after={}),), {}, False),
        ((planned("aws_iam_user.x", "create", after={"name": "eve", "path": "/"}),), {}, False),
        ((LOSS,), {"errored": True}, False),
        ((LOSS,), {"complete": False}, False),
        ((LOSS,), {"action_invocations": [{"address": "action.aws_lambda_invoke.x"}]}, False),
        ((LOSS,), {"provider": {"assume_role": [{"role_arn": {"references": ["var.role"]}}]}}, False),
    ],
)
def test_with_complete_what_is_not_known_is_3(
    gate: Any, changes: tuple[dict[str, Any], ...], more: dict[str, Any], known: bool
) -> None:
    options = ("--complete", "--only", "access", "--only", "apply", "--as", "user/carol")
    found = gate(*changes, options=(*options, "-o", "json"), **more)
    open_rows = [row for row in found.json["rows"] if row["level"] == "open"]
    assert (open_rows == []) is known
    assert found.code == (0 if known and found.json["complete"] else 3)


def test_the_smallest_policy_that_lacks(gate: Any) -> None:
    found = gate(
        QUEUE, planned("aws_s3_bucket.b", "create", after={"bucket": "b"}), options=("--as", "user/carol", "--fix")
    )
    assert found.code == 0
    assert found.json["Statement"] == [
        {"Effect": "Allow", "Action": ["sqs:CreateQueue"], "Resource": [f"arn:aws:sqs:eu-west-1:{ID}:jobs"]},
        {"Effect": "Allow", "Action": ["s3:CreateBucket"], "Resource": ["arn:aws:s3:::b"]},
    ]


def test_what_no_policy_of_the_role_allows_is_named(gate: Any) -> None:
    found = gate(QUEUE, options=("--as", "user/data/bob", "--fix"))
    assert found.code == 1
    assert f"Still denied with it, by another layer: sqs:CreateQueue on arn:aws:sqs:eu-west-1:{ID}:jobs." in found.err


def test_sarif_has_the_line_of_the_block(gate: Any, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('# the role\n\nresource "aws_iam_role" "job" {\n}\n')
    found = gate(OPEN_ROLE, options=("-o", "sarif"))
    (place,) = {
        (
            one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].rpartition("/")[2],
            one["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for one in found.json["runs"][0]["results"]
        if one["ruleId"] == "public"
    }
    assert place == ("main.tf", 3)


def test_a_comment_holds_no_markup_of_strangers(gate: Any) -> None:
    hostile = "a|b\n @octocat <img src=x> [x](https://evil.example) \x1b[2J ::error::"
    role = {"name": "x", "path": "/", "assume_role_policy": trust({"AWS": "*"}).text}
    found = gate(planned("aws_iam_role.x", "create", after=role, index=hostile), options=("-o", "markdown"))
    assert found.code == 0
    assert "\x1b" not in found.out
    assert "<img" not in found.out.replace("\\<", "")
    assert "@octocat" not in found.out
    assert not any(line.startswith("::") for line in found.out.splitlines())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--only", "apply"), "Nobody is named who applies the plan."),
        (("--fix",), "Nobody is named who applies the plan."),
        (("--only", "use"), "No trail is given"),
        (("--suppress", "public"), "has no code or no reason"),
    ],
)
def test_options_that_do_not_go_together(gate: Any, options: tuple[str, ...], words: str) -> None:
    gate(LOSS, options=options).failed_with(words)


def test_what_is_no_plan_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(b"PK\x03\x04")
    cli("gate", str(path)).failed_with("Terraform's own form", "terraform show -json")


def test_a_plan_of_powershell_on_standard_input(cli: Cli, snapshot: str) -> None:
    data = json.dumps(plan_document(OPEN_ROLE)).encode("utf-16")
    found = cli("gate", "-", "--snapshot", snapshot, "-o", "json", stdin=data)
    assert ("public", "aws_iam_role.job") in rows(found)


def test_a_plan_is_a_draft(gate: Any) -> None:
    found = gate(ADMIN, options=("-o", "draft"))
    assert found.json["edits"][0]["holder"] == iam("user/carol")


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ((planned("aws_lambda_permission.x", "create", after={"principal": "*"}),), {}),
        ((LOSS,), {"provider": {"assume_role": [{"role_arn": {"references": ["var.role"]}}]}}),
        ((LOSS,), {"errored": True}),
    ],
)
def test_nothing_is_proved_where_changes_are_left_out(
    gate: Any, changes: tuple[dict[str, Any], ...], more: dict[str, Any]
) -> None:
    codes = {row["code"] for row in gate(*changes, options=("-o", "json"), **more).json["rows"]}
    assert "nothing-new" not in codes
    assert "not-proved" in codes


def test_calls_in_other_accounts_are_named_beside_those_that_are_answered(gate: Any) -> None:
    hidden = {"assume_role": [{"role_arn": {"references": ["var.role"]}}]}
    found = gate(QUEUE, options=("--only", "apply", "--as", "user/carol", "--complete", "-o", "json"), provider=hidden)
    assert ("elsewhere", "aws_sqs_queue.q") in rows(found)
    assert found.code == 3
