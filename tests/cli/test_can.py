"""`iamtui can`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import wording
from tests.support.cli_runner import Cli

LAKE = "arn:aws:s3:::data-lake/x"


def test_says_why_it_is_allowed_with_the_statement_the_layers_and_what_was_assumed(cli: Cli, snapshot: str) -> None:
    result = cli("can", "role/web-server", "s3:GetObject", "--on", LAKE, "--snapshot", snapshot)
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].startswith(f"{wording.ALLOWED} {wording.AS_LOADED} (")
    assert "granted by data-lake-read / ReadLake (lines 4 to " in lines[1]
    assert "identity       allows" in result.out
    assert "SCP            not evaluated" in result.out
    assert "aws:SecureTransport = true" in result.out


def test_never_says_a_bare_allowed_while_a_layer_is_not_loaded(cli: Cli, snapshot: str) -> None:
    first = cli("can", "role/web-server", "s3:GetObject", "--on", LAKE, "--snapshot", snapshot).out.splitlines()[0]
    assert first != wording.ALLOWED
    assert "SCP" in first
    assert "not evaluated" in first


def test_denied_ends_with_one_and_suggests_the_smallest_change(cli: Cli, snapshot: str) -> None:
    result = cli("can", "role/web-server", "ec2:RunInstances", "--snapshot", snapshot)
    assert result.code == 1
    assert result.out.startswith(f"{wording.IMPLICIT_DENY}\n")
    assert "would help" in result.out
    assert '"Action": "ec2:RunInstances"' in result.out


def test_of_several_changes_it_is_said_that_all_are_needed(cli: Cli) -> None:
    lake = "arn:aws:s3:::puffin-data-lake/smoke-tests/x"
    out = cli("can", "role/deploy-prod", "s3:DeleteObject", "--on", lake, "--demo").out
    helps = out[out.index("    would help ") :].splitlines()
    assert helps[0].split("would help")[1].strip() == "all of these together:"
    assert helps[1].strip().startswith("1. Allow s3:DeleteObject in an identity policy")
    assert any(line.strip().startswith("2. Narrow or remove the Deny") for line in helps)
    # One alone is not numbered.
    alone = cli("can", "role/deploy-prod", "s3:DeleteBucket", "--on", "arn:aws:s3:::puffin-access-logs", "--demo").out
    assert "together" not in alone


def test_an_explicit_deny_names_the_denying_statement(cli: Cli, snapshot: str) -> None:
    result = cli("can", "role/web-server", "s3:DeleteObject", "--on", LAKE, "--snapshot", snapshot)
    assert result.code == 1
    assert result.out.startswith(f"{wording.EXPLICIT_DENY}\n")
    assert "data-lake-read / NoDelete" in result.out


def test_what_depends_on_a_condition_ends_with_three(cli: Cli, snapshot: str) -> None:
    asked = ("can", "user/alice", "sts:AssumeRole", "--on", "arn:aws:iam::123456789012:role/deploy-prod")
    result = cli(*asked, "--snapshot", snapshot)
    assert result.code == 3
    assert result.out.startswith(
        f"{wording.DEPENDS} on aws:MultiFactorAuthPresent, {wording.AS_LOADED} (SCP, RCP not evaluated)\n"
    )
    assert "-c KEY=VALUE" in result.out
    given = cli(*asked, "-c", "aws:MultiFactorAuthPresent=true", "--snapshot", snapshot)
    assert given.code == 0
    absent = cli(*asked, "--absent", "aws:MultiFactorAuthPresent", "--snapshot", snapshot)
    assert absent.code == 1
    strict = cli(*asked, "--strict", "--snapshot", snapshot)
    assert strict.code == 1


def test_of_several_pairs_the_worst_decides(cli: Cli, snapshot: str) -> None:
    asked = ("can", "role/web-server", "s3:GetObject", "s3:DeleteObject", "--on", LAKE, "--on", LAKE + "2")
    result = cli(*asked, "--snapshot", snapshot)
    assert result.code == 1
    assert result.out.splitlines()[-1].startswith(f"4 pairs, the worst: {wording.EXPLICIT_DENY}  s3:DeleteObject")
    assert [d["decision"] for d in cli(*asked, "--json", "--snapshot", snapshot).json] == [
        "allowed", "allowed", "explicitDeny", "explicitDeny",
    ]  # fmt: skip


def test_json_of_one_pair_is_the_decision_of_the_documented_form(cli: Cli, snapshot: str) -> None:
    result = cli("can", "role/web-server", "s3:GetObject", "--on", LAKE, "-o", "jsonl", "--snapshot", snapshot)
    decision = result.json
    assert {
        "id", "request", "decision", "layers", "blocked_by", "reasons", "matched", "resource_scope",
        "allowed_resources", "denied_resources", "depends_on", "missing_context", "assumptions", "notes",
    } <= set(decision)  # fmt: skip
    assert decision["request"]["action"] == "s3:GetObject"
    assert result.out.isascii()


def test_trace_names_the_resource_that_shows_an_allowed_set(cli: Cli) -> None:
    asked = ("can", "user/astrid.nilsen", "iam:CreateAccessKey", "--trace", "--demo")
    assert "\n    shown on       arn:aws:iam::111122223333:user/example/astrid.nilsen\n" in cli(*asked).out
    assert "shown on" not in cli(*asked, "--on", "arn:aws:iam::111122223333:user/admin/astrid.nilsen").out


def test_trace_adds_the_statements_and_elements(cli: Cli, snapshot: str) -> None:
    asked = ("can", "role/web-server", "s3:GetObject", "--on", LAKE, "--trace", "--snapshot", snapshot)
    assert "[+] Action  wants s3:GetObject, s3:ListBucket  seen: s3:GetObject" in cli(*asked).out
    traced = cli(*asked, "-o", "jsonl").json["trace"]
    assert traced[0]["statements"][0]["elements"][0]["wanted"] == ["s3:GetObject", "s3:ListBucket"]


@pytest.mark.parametrize(
    ("expected", "action", "code"),
    [("allowed", "s3:GetObject", 0), ("allowed", "s3:DeleteObject", 1), ("explicitDeny", "s3:DeleteObject", 0),
     ("implicitDeny", "s3:DeleteObject", 1), ("depends", "s3:GetObject", 1)],
)  # fmt: skip
def test_expect_turns_the_decision_into_met_or_not(
    cli: Cli, snapshot: str, expected: str, action: str, code: int
) -> None:
    result = cli("can", "role/web-server", action, "--on", LAKE, "--expect", expected, "--snapshot", snapshot)
    assert result.code == code
    assert ("Expected" in result.err) == (code == 1)


def test_an_error_beats_an_expectation(cli: Cli, snapshot: str) -> None:
    assert cli("can", "nobody", "s3:GetObject", "--expect", "implicitDeny", "--snapshot", snapshot).code == 2


def test_allowed_on_some_resources_is_no_plain_yes(cli: Cli, snapshot: str) -> None:
    asked = ("can", "role/web-server", "s3:GetObject", "--on", "arn:aws:s3:::*", "--snapshot", snapshot)
    result = cli(*asked)
    assert result.code == 3
    assert f"ALLOWED on some, {wording.AS_LOADED}" in result.out
    assert "--any-resource" in result.err
    assert cli(*asked, "--any-resource").code == 0
    assert cli(*asked, "--expect", "allowed").code == 1
    assert cli(*asked, "--expect", "allowed", "--any-resource").code == 0


def test_complete_refuses_an_answer_as_far_as_loaded(cli: Cli, snapshot: str) -> None:
    asked = ("can", "role/web-server", "s3:GetObject", "--on", LAKE, "--complete", "--snapshot", snapshot)
    assert cli(*asked).code == 3
    assert cli(*asked, "--expect", "allowed").code == 1


@pytest.mark.parametrize(
    ("asked", "complete"),
    [
        (("role/deploy-prod", "dynamodb:GetItem", "--on", "arn:aws:dynamodb:eu-west-1:999988887777:table/x"), 1),
        (("root", "dynamodb:ListTables"), 0),  # an SCP denies it, whatever else is there
    ],
)
def test_complete_takes_no_denial_that_what_is_not_loaded_could_lift(
    cli: Cli, asked: tuple[str, ...], complete: int
) -> None:
    words = ("can", *asked, "--expect", "denied", "--demo")
    assert cli(*words).code == 0
    assert cli(*words, "--complete").code == complete


def test_complete_takes_an_answer_to_which_nothing_is_missing(cli: Cli) -> None:
    asked = ("can", "amara.diallo", "s3:GetObject", "--on", "arn:aws:s3:::puffin-data-lake/x", "--demo")
    assert cli(*asked, "--complete").code == 0


def test_a_layer_can_be_left_out_and_is_then_not_evaluated(cli: Cli) -> None:
    asked = ("can", "amara.diallo", "s3:GetObject", "--on", "arn:aws:s3:::puffin-data-lake/x", "--demo")
    result = cli(*asked, "--without", "scp", "--without", "rcp")
    assert result.out.startswith(f"{wording.ALLOWED} {wording.AS_LOADED} (SCP, RCP not evaluated)\n")


def test_context_comes_from_a_file_and_the_command_line_wins(cli: Cli, snapshot: str, tmp_path: Path) -> None:
    file = tmp_path / "context.json"
    file.write_text(
        json.dumps({"aws:SourceIp": "192.0.2.1", "aws:TagKeys": ["a", "b"], "AWS:UserAgent": None, "aws:X": 1})
    )
    asked = ("can", "role/web-server", "s3:GetObject", "--on", LAKE, "-o", "jsonl", "--snapshot", snapshot)
    context = cli(*asked, "--context-file", file).json["request"]["context"]
    assert (context["aws:SourceIp"], context["aws:TagKeys"]) == ("192.0.2.1", ["a", "b"])
    assert context["AWS:UserAgent"] == []
    assert context["aws:X"] == "1"
    context = cli(*asked, "--context-file", file, "-c", "AWS:sourceip=192.0.2.9", "-c", "aws:Referer=").json["request"][
        "context"
    ]
    assert context["AWS:sourceip"] == "192.0.2.9"
    assert "aws:SourceIp" not in context
    assert context["aws:Referer"] == ""


def test_the_same_key_again_adds_a_value_whatever_its_letter_case(cli: Cli, snapshot: str) -> None:
    words = ("-c", "aws:TagKeys=a", "-c", "AWS:TAGKEYS=b", "-c", "aws:TagKeys=a=b")
    result = cli("can", "alice", "s3:GetObject", *words, "-o", "jsonl", "--snapshot", snapshot)
    assert result.json["request"]["context"]["aws:TagKeys"] == ["a", "b", "a=b"]


def test_a_session_policy_narrows_the_answer(cli: Cli, snapshot: str, tmp_path: Path) -> None:
    file = tmp_path / "session.json"
    file.write_text('{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}}')
    asked = ("can", "role/web-server", "s3:GetObject", "--on", LAKE, "--snapshot", snapshot)
    result = cli(*asked, "--session-policy", file)
    assert result.code == 1
    assert "session" in result.out


def test_scope_downs_have_to_allow_each(cli: Cli, snapshot: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.json" for number in range(4)]
    for file, action in zip(files, ("s3:Get*", "s3:*", "ec2:*", "*"), strict=True):
        file.write_text(
            f'{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}}}'
        )
    web = ("can", "role/web-server", "s3:GetObject", "--on", LAKE, "--snapshot", snapshot)

    def down(*numbers: int) -> list[str]:
        return [word for number in numbers for word in ("--scope-down", str(files[number]))]

    assert cli(*web, *down(0, 1, 3)).code == 0
    result = cli(*web, *down(0, 2), "-o", "jsonl")
    assert (result.code, result.json["blocked_by"]) == (1, ["scope_down"])
    assert (
        "Allow s3:GetObject in each scope-down policy that lacks it: scope-down policy 2" in cli(*web, *down(0, 2)).out
    )
    cli(*web, *down(0, 1, 2, 3)).failed_with("found 4 policies, expected 3 at most")
    alice = ("can", "alice", "s3:GetObject", "--snapshot", snapshot, *down(0))
    cli(*alice, "--credentials", "long_term").failed_with("found long-term credentials, expected temporary ones")
    assert cli(*alice, "--credentials", "temporary").code != 2
    anonymous = ("can", "anonymous", "s3:GetObject", "--snapshot", snapshot, *down(0))
    cli(*anonymous).failed_with("a caller without temporary credentials")
    listed = cli("who-can", "s3:GetObject", "--on", LAKE, "--snapshot", snapshot, "--all", "-o", "jsonl", *down(0, 2))
    assert {entry["decision"] for entry in listed.json_lines} == {"implicitDeny"}
    assert cli("what-can", "role/web-server", "--service", "s3", "--snapshot", snapshot, *down(0)).out != ""
    assert cli("what-can", "role/web-server", "--service", "s3", "--snapshot", snapshot, *down(2)).out == ""


def test_a_saved_question_keeps_its_scope_downs(cli: Cli, snapshot: str, tmp_path: Path) -> None:
    file, saved = tmp_path / "down.json", tmp_path / "questions.json"
    file.write_text('{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}}')
    where = ("--questions", saved, "--snapshot", snapshot)
    asked = ("can", "role/web-server", "s3:GetObject", "--on", LAKE, "--scope-down", file)
    assert cli(*asked, "--save", "down", *where).code == 1
    assert cli("can", "--saved", "down", *where).code == 1


@pytest.mark.parametrize(
    "principal",
    ["arn:aws:iam::123456789012:role/web-server", "AROAWEBSERVER0000001", "role/web-server", "web-server",
     "arn:aws:sts::123456789012:assumed-role/web-server/i-1"],
)  # fmt: skip
def test_a_principal_has_many_names(cli: Cli, snapshot: str, principal: str) -> None:
    assert cli("can", principal, "s3:GetObject", "--on", LAKE, "--snapshot", snapshot).code == 0


@pytest.mark.parametrize("principal", ["root", "anonymous", "ec2.amazonaws.com"])
def test_principals_without_an_entity_are_answered_too(cli: Cli, snapshot: str, principal: str) -> None:
    assert cli("can", principal, "s3:GetObject", "--on", LAKE, "--snapshot", snapshot).code in (0, 1, 3)


def test_an_answer_of_the_demo_says_that_it_is_the_demo(cli: Cli) -> None:
    assert "DEMO" in cli("can", "amara.diallo", "iam:ListUsers", "--demo").err


def test_a_policy_that_cannot_be_read_is_not_said_to_be_not_loaded(cli: Cli, snapshot: str) -> None:
    result = cli("can", "ci-deploy", "iam:ListUsers", "--snapshot", snapshot)
    assert result.code == 3
    assert f"{wording.DEPENDS} on broken (unreadable)" in result.out
    assert "broken may allow it, but its document cannot be read" in result.out
    assert "broken does not deny it (document unreadable)" in result.out


def test_a_layer_that_waits_for_what_is_unknown_is_said_to_depend(cli: Cli) -> None:
    asked = ("can", "maya.okafor", "sts:AssumeRole", "--on", "arn:aws:iam::111122223333:role/deploy-prod", "--demo")
    (line,) = (line for line in cli(*asked).out.splitlines() if line.strip().startswith("resource"))
    assert "depends" in line
    assert "EngineersWithMfa" in line


def test_a_trust_policy_without_a_resource_element_wants_none(cli: Cli) -> None:
    role = "arn:aws:iam::111122223333:role/ops-readonly"
    trace = cli("can", "maya.okafor", "sts:AssumeRole", "--on", role, "--trace", "--demo").out
    assert "No Resource element: this role." in trace
    assert "wants nothing" not in trace


def test_an_alias_of_a_key_is_followed_to_the_key(cli: Cli) -> None:
    alias = "arn:aws:kms:eu-west-1:111122223333:alias/payments"
    result = cli("can", "role/apps/invoice-renderer-lambda", "kms:Decrypt", "--on", alias, "--demo", "-o", "jsonl")
    assert result.code == 0
    decided = result.json
    assert decided["decision"] == "allowed"
    assert decided["request"]["resource"].startswith("arn:aws:kms:eu-west-1:111122223333:key/")
    assert decided["derived_context"]["kms:requestalias"] == "alias/payments"
    unknown = cli("can", "role/apps/invoice-renderer-lambda", "kms:Decrypt", "--on", f"{alias}-2", "--demo")
    assert unknown.code == 1
    assert "has the alias payments-2" in unknown.err
    assert "AWS never asks" not in unknown.out


def test_who_may_assume_the_root_of_a_member_account(cli: Cli) -> None:
    root = "arn:aws:iam::111122223333:root"
    here = cli("can", "break-glass-1", "sts:AssumeRoot", "--on", root, "--demo")
    assert here.code == 1
    assert "only the management account and a delegated administrator for IAM" in here.out


def test_the_resource_of_another_partition_is_denied(cli: Cli) -> None:
    queue = "arn:aws-cn:sqs:cn-north-1:111122223333:q"
    result = cli("can", "break-glass-1", "sqs:SendMessage", "--on", queue, "--demo", "-o", "jsonl")
    assert result.code == 1
    assert "service_rule" in [reason["layer"] for reason in result.json["reasons"]]


def test_a_star_in_an_absent_key_stands_for_any_text(cli: Cli, snapshot: str) -> None:
    words = ("can", "role/web-server", "s3:GetObject", "--on", LAKE, "--snapshot", snapshot, "-o", "jsonl")
    assert cli(*words, "--absent", "aws:Secure*").json["assumptions"] != cli(*words).json["assumptions"]
    assert "matches, so no request carries one" in cli(*words, "--absent", "aws:Nothing*").err
