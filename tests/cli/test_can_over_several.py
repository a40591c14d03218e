"""`iamtui can` over several actions and resources, patterns, companions, chained roles and presets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import wording
from tests.support.cli_runner import Cli

LAKE = "arn:aws:s3:::data-lake/x"
ROLE = "arn:aws:iam::123456789012:role/web-server"


def test_a_matrix_has_the_worst_first_and_the_pairs_in_json_as_asked(cli: Cli, snapshot: str) -> None:
    asked = ("can", "role/web-server", "s3:GetObject", "s3:DeleteObject", "--on", LAKE, "--snapshot", snapshot)
    result = cli(*asked)
    assert result.code == 1
    heads = [line for line in result.out.splitlines() if line.startswith("[")]
    assert heads[0].startswith(wording.EXPLICIT_DENY)
    assert heads[1].startswith(wording.ALLOWED)
    assert [pair["request"]["action"] for pair in cli(*asked, "--json").json] == ["s3:GetObject", "s3:DeleteObject"]


def test_a_pattern_is_counted_and_listed_with_the_worst_first(cli: Cli, snapshot: str) -> None:
    asked = ("can", "role/web-server", "s3:*Object", "--on", LAKE, "--snapshot", snapshot)
    result = cli(*asked)
    assert result.code == 1
    first, *rest = result.out.splitlines()
    assert " pairs of s3:*Object: 1 denied explicitly, " in first
    assert f"1 allowed {wording.AS_LOADED}." in first
    marks = [line[:3] for line in rest if line.startswith("[")]
    assert marks[0] == "[x]"
    assert "[+]" in marks
    pairs = cli(*asked, "--json").json
    assert {pair["typed"] for pair in pairs} == {"s3:*Object"}
    assert f"{len([pair for pair in pairs if pair.get('fits', True)])} pairs of" in first


def test_a_pattern_that_matches_one_action_is_an_array_too(cli: Cli, snapshot: str) -> None:
    result = cli("can", "role/web-server", "sts:GetCallerIdent*", "-o", "json", "--snapshot", snapshot)
    assert [pair["request"]["action"] for pair in result.json] == ["sts:GetCallerIdentity"]


def test_pairs_that_take_no_part_are_said(cli: Cli, snapshot: str) -> None:
    result = cli("can", "role/web-server", "s3:Get*", "--on", LAKE, "--snapshot", snapshot)
    assert "take no part, because the action is about other resources" in result.out
    assert f"\n{wording.NOT_ALLOWED}   s3:GetBucketAcl" not in result.out
    pairs = cli("can", "role/web-server", "s3:Get*", "--on", LAKE, "-o", "json", "--snapshot", snapshot).json
    assert any(pair.get("fits") is False for pair in pairs)


def test_what_is_cut_is_said_and_is_no_plain_yes(cli: Cli, snapshot: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("can", "user/alice", "sqs:*", "--complete", "--snapshot", snapshot)
    assert "not answered" not in cli(*asked).err
    asked = ("can", "role/web-server", "s3:GetObj*", "--on", LAKE, "--snapshot", snapshot)
    monkeypatch.setattr("iamtui.workspace.ask.answers.MOST_CELLS", 1)
    result = cli(*asked)
    assert "actions of the patterns are not answered" in result.err
    assert result.out.startswith(f"1 pair of s3:GetObj*: s3:GetObject  {LAKE}\n\n{wording.ALLOWED}")
    assert result.code == 3
    assert cli(*asked, "--expect", "allowed").code == 1


def test_a_pattern_without_a_match_names_the_nearest(cli: Cli, snapshot: str) -> None:
    cli("can", "alice", "iam:Paas*", "--snapshot", snapshot).failed_with("matches no action", "iam:PassRole")


def test_a_companion_of_every_call_decides_and_is_shown(cli: Cli, snapshot: str, tmp_path: Path) -> None:
    data = json.loads(Path(snapshot).read_text())
    document = {"Statement": [{"Effect": "Allow", "Action": "lambda:CreateFunction", "Resource": "*"}]}
    (role,) = (role for role in data["RoleDetailList"] if role["RoleName"] == "web-server")
    role["RolePolicyList"] = [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", **document}}]
    file = tmp_path / "lambda.json"
    file.write_text(json.dumps(data))
    asked = ("can", "role/web-server", "lambda:CreateFunction", "--snapshot", file)
    result = cli(*asked)
    assert result.code == 1
    assert result.out.startswith(f"{wording.IMPLICIT_DENY}   iam:PassRole  arn:aws:iam::{'123456789012'}:role/*\n")
    assert f"\n{wording.ALLOWED}" in result.out
    assert "(the execution role; with every call)" in result.out
    assert "(the function; if tags are set)" in result.out
    (found,) = cli(*asked, "--json").json
    assert found["decision"] == "allowed"
    assert found["deciding"] == "implicitDeny"
    (passed,) = (one for one in found["companions"] if one["action"] == "iam:PassRole")
    assert passed["decides"] is True
    assert passed["when"] is None
    assert passed["answer"]["request"]["context"]["iam:PassedToService"] == "lambda.amazonaws.com"
    assert "iam:PassRole on arn:aws:iam::123456789012:role/*" in cli(*asked, "--expect", "allowed").err


def test_a_condition_that_is_said_to_hold_makes_its_companion_decide(cli: Cli, snapshot: str) -> None:
    asked = ("can", "role/web-server", "s3:GetObject", "--on", LAKE, "--snapshot", snapshot)
    assert cli(*asked).code == 0
    assert cli(*asked, "--with", "s3:GetObjectVersion").code == 1
    key = "arn:aws:kms:us-east-1:123456789012:key/1"
    (found,) = cli(*asked, "--with", f"kms:Decrypt={key}", "--json").json
    (decrypt,) = (one for one in found["companions"] if one["action"] == "kms:Decrypt")
    assert decrypt["resource"] == key
    assert decrypt["decides"] is True
    assert decrypt["answer"]["request"]["context"]["kms:ViaService"] == "s3.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--with", "kms:Encrypt"), ("kms:Encrypt is not checked", "kms:Decrypt")),
        (("--with", "kms:Decrypt="), ("does not name a resource",)),
        (("--with", "kms:Decrypt=x"), ("x is not a resource",)),
        (("--with", "Decrypt"), ("not an action",)),
        (("--chained-from", "nobody"), ("nobody",)),
        (("--chained-from", "user/alice"), ("is not a role",)),
        (("--from-ip", "x"), ("x is no IP address",)),
        (("--through-vpce", "x"), ("x is no VPC endpoint",)),
        (("--at", "soon"), ("soon is not a time",)),
        (("--mfa", "-c", "aws:multifactorauthpresent=false"), ("both set aws:MultiFactorAuthPresent",)),
        (("--from-ip", "192.0.2.1", "--through-vpce", "vpce-01234567"), ("--from-ip", "both set aws:Source")),
    ],
)
def test_options_that_are_wrong(cli: Cli, snapshot: str, words: tuple[str, ...], parts: tuple[str, ...]) -> None:
    cli("can", "role/web-server", "s3:GetObject", *words, "--snapshot", snapshot).failed_with(*parts)


def test_a_chain_is_answered_above_the_question_and_decides(cli: Cli, snapshot: str) -> None:
    asked = ("can", "role/web-server", "s3:GetObject", "--on", LAKE, "--snapshot", snapshot)
    result = cli(*asked, "--chained-from", "deploy-prod")
    assert result.code == 1
    assert result.out.startswith(f"{wording.IMPLICIT_DENY}   sts:AssumeRole  {ROLE}, by a session of the role")
    assert "role chaining: AWS's pages differ" in result.out.replace("\n", " ")
    (found,) = cli(*asked, "--chained-from", "deploy-prod", "--json").json
    assert found["decision"] == "allowed"
    assert found["deciding"] == found["chain"]["answer"]["decision"] == "implicitDeny"


def test_presets_are_condition_keys(cli: Cli, snapshot: str) -> None:
    asked = ("can", "user/alice", "s3:GetObject", "--on", LAKE, "-o", "jsonl", "--snapshot", snapshot)
    context = cli(*asked, "--no-mfa", "--from-ip", "192.0.2.1", "--at", "2026-12-24").json["request"]["context"]
    assert context["aws:MultiFactorAuthPresent"] == "false"
    assert context["aws:MultiFactorAuthAge"] == []
    assert context["aws:SourceIp"] == "192.0.2.1"
    assert context["aws:SourceVpce"] == []
    assert context["aws:CurrentTime"] == "2026-12-24T00:00:00Z"
    context = cli(*asked, "--mfa", "--through-vpce", "vpce-01234567").json["request"]["context"]
    assert context["aws:MultiFactorAuthPresent"] == "true"
    assert context["aws:SourceVpce"] == "vpce-01234567"
    assert context["aws:SourceIp"] == []


def test_a_trace_of_several_pairs_has_one_for_each(cli: Cli, snapshot: str) -> None:
    asked = ("can", "role/web-server", "s3:GetObject", "s3:DeleteObject", "--on", LAKE, "--snapshot", snapshot)
    assert all(pair["trace"] for pair in cli(*asked, "--trace", "--json").json)
    assert cli(*asked, "--trace").out.count("Action  wants s3:Delete*  seen: s3:DeleteObject") == 1


def test_nothing_is_asked_without_an_action(cli: Cli) -> None:
    cli("can", "--demo").failed_with("No principal and action are named", "--saved")
    cli("can", "alice", "--demo").failed_with("No principal and action are named")


MISSPELT = ("can", "role/web-server", "iam:CreateUsr")
BUCKET_FOR_OBJECT = ("can", "role/web-server", "s3:DeleteObject", "--on", "arn:aws:s3:::data-lake")
NO_ACTION = ("AWS has no action iam:CreateUsr", "Nearest: iam:CreateUser")


def test_what_aws_never_asks_is_said_first_and_nothing_is_said_to_help(cli: Cli, snapshot: str) -> None:
    result = cli(*MISSPELT, "--anyway", "--snapshot", snapshot)
    assert result.out.startswith("[!] AWS never asks this")
    assert "Nearest: iam:CreateUser" in result.out.split(wording.NOT_ALLOWED)[0]
    assert "would help" not in result.out
    result = cli(*BUCKET_FOR_OBJECT, "--snapshot", snapshot)
    assert result.out.startswith("[!] AWS never asks this: s3:DeleteObject is about")
    assert "would help" not in result.out


def test_no_expectation_is_met_by_what_aws_never_asks(cli: Cli, snapshot: str) -> None:
    expecting = (*BUCKET_FOR_OBJECT, "--expect", "denied", "--snapshot", snapshot)
    cli(*expecting).failed_with("AWS never asks this", "--anyway")
    assert cli(*expecting, "--anyway").code == 0


@pytest.mark.parametrize(
    "asked",
    [
        MISSPELT,
        (*MISSPELT, "--expect", "denied"),
        (*MISSPELT, "--json"),
        ("can", "role/web-server", "iam:CreateUser", "iam:CreateUsr"),
        ("who-can", "iam:CreateUsr"),
        ("draft", "compare", "draft.json", "iam:CreateUsr"),
        ("draft", "fix", "draft.json", "role/web-server", "iam:CreateUsr"),
        ("prove", "never", "role/web-server", "iam:CreateUsr"),
    ],
)
def test_an_action_that_aws_does_not_have_is_an_error_at_every_door(
    cli: Cli, snapshot: str, asked: tuple[str, ...]
) -> None:
    cli(*asked, "--snapshot", snapshot).failed_with(*NO_ACTION)


def test_an_action_without_effect_names_what_takes_its_place(cli: Cli, snapshot: str) -> None:
    asked = cli("can", "role/web-server", "aws-mcp:InvokeMcp", "--snapshot", snapshot)
    asked.failed_with("AWS no longer checks aws-mcp:InvokeMcp", "aws:ViaAWSMCPService")


def test_a_call_without_an_action_of_its_name_is_asked_about_as_the_action_that_it_needs(cli: Cli) -> None:
    assert cli("can", "astrid.nilsen", "s3:ListBuckets", "--demo").code == 0
    cli("can", "astrid.nilsen", "lambda:GetLayerVersionByArn", "--demo").failed_with("lambda:GetLayerVersion.")


def test_a_role_of_role_manager_needs_what_makes_it(cli: Cli, tmp_path: Path) -> None:
    asked = ("iam:AcquireRole", "--on", "arn:aws:iam::111122223333:role/lambda-basic", "--demo")
    result = cli("can", "astrid.nilsen", *asked, "-o", "jsonl")
    assert result.code == 0
    beside = {one["action"]: one["answer"]["decision"] for one in result.json["companions"]}
    needed = ("iam:GetRole", "iam:PutRolePolicy", "iam:AttachRolePolicy")
    assert beside == {**dict.fromkeys(needed, "allowed"), "iam:AcquireRole": "depends"}
    policy = tmp_path / "no-new-roles.json"
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy.write_text(
        json.dumps({"Statement": [allow, {"Effect": "Deny", "Action": "iam:CreateRole", "Resource": "*"}]})
    )
    denied = cli("can", "break-glass-admin", *asked, "--session-policy", str(policy))
    assert denied.code == 1
    assert "explicit" in denied.out


def test_a_deny_of_acquiring_roles_decides_although_aws_does_not_document_the_action(cli: Cli, tmp_path: Path) -> None:
    asked = ("iam:AcquireRole", "--on", "arn:aws:iam::111122223333:role/lambda-basic", "--demo")
    policy = tmp_path / "no-role-manager.json"
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    denied = [allow, {"Effect": "Deny", "Action": "iam:AcquireRole", "Resource": "*"}]
    named = ["iam:CreateRole", "iam:GetRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"]
    for statements, code in ((denied, 1), ([{**allow, "Action": named}], 0)):
        policy.write_text(json.dumps({"Statement": statements}))
        given = ("--session-policy", str(policy))
        assert cli("can", "break-glass-admin", *asked, *given).code == code
        assert ("break-glass-admin" in cli("who-can", *asked, *given).out) is (code == 0)


def test_what_only_the_sdk_knows_is_never_a_plain_yes(cli: Cli) -> None:
    asked = ("sts:GetScopedCredentials", "--demo")
    result = cli("can", "astrid.nilsen", *asked)
    assert result.code == 3
    assert "DEPENDS" in result.out
    assert "newer than the action data of 2" in result.out
    assert cli("can", "astrid.nilsen", *asked, "--expect", "allowed").code == 1
    assert cli("can", "intern.tove.dahl", *asked).code == 3
    listed = cli("who-can", *asked)
    assert "ALLOWED" not in listed.out
    assert "user/admin/astrid.nilsen" in listed.out
    assert "0 allowed" in listed.err
    result = cli("prove", "never", "intern.tove.dahl", *asked)
    assert result.code == 3
    assert "sts:GetScopedCredentials is newer than the action data of" in result.out


def test_allowed_where_aws_never_asks_is_no_plain_yes(cli: Cli) -> None:
    asked = ("can", "astrid.nilsen", "s3:DeleteObject", "--on", "arn:aws:iam::111122223333:role/x", "--demo")
    result = cli(*asked)
    assert "ALLOWED" in result.out
    assert result.code == 3
    assert "Not a plain yes: AWS never asks this" in result.err
    assert cli(*asked, "--anyway").code == 0
    assert cli("can", "astrid.nilsen", "iam:CreateUsr", "--anyway", "--demo").code == 0


def test_a_saved_expectation_of_what_aws_never_asks_cannot_be_run(cli: Cli, snapshot: str, tmp_path: Path) -> None:
    questions = ("--questions", str(tmp_path / "q.json"))
    saving = cli(*MISSPELT, "--expect", "denied", "--anyway", "--save", "typo", *questions, "--snapshot", snapshot)
    assert saving.code == 0
    run = cli("questions", "run", *questions, "--snapshot", snapshot)
    assert run.code == 2
    assert 'question "typo": AWS has no action iam:CreateUsr' in run.err
    assert cli("questions", "run", *questions, "--anyway", "--snapshot", snapshot).code == 0


def test_no_draft_is_made_for_a_resource_that_is_none_of_the_actions(cli: Cli, snapshot: str, tmp_path: Path) -> None:
    file = tmp_path / "fix.json"
    cli("draft", "fix", str(file), *BUCKET_FOR_OBJECT[1:], "--snapshot", snapshot).failed_with("AWS never asks this")
    assert not file.exists()


@pytest.mark.parametrize(
    ("expected", "action", "code"),
    [("denied", "s3:DeleteObject", 0), ("denied", "s3:PutObject", 0), ("denied", "s3:GetObject", 1),
     ("explicitDeny", "s3:PutObject", 1)],
)  # fmt: skip
def test_denied_is_expected_of_either_kind_of_denial(
    cli: Cli, snapshot: str, expected: str, action: str, code: int
) -> None:
    asked = ("can", "role/web-server", action, "--on", LAKE, "--snapshot", snapshot)
    assert cli(*asked, "--expect", expected).code == code


def test_two_expectations_are_refused(cli: Cli, snapshot: str) -> None:
    asked = ("can", "role/web-server", "s3:GetObject", "--on", LAKE, "--snapshot", snapshot)
    cli(*asked, "--expect", "allowed", "--expect", "denied").failed_with("--expect is given more than once")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("aws:SourceIp=10.0.0.300", ("aws:SourceIp takes an IP address", "10.0.0.300")),
        ("aws:MultiFactorAuthPresent=yes", ("takes true or false", "yes")),
        ("aws:MultiFactorAuthPresent=", ("takes true or false", "nothing is given")),
        ("aws:CurrentTime=tomorrow", ("takes a time", "tomorrow")),
    ],
)
def test_a_value_that_its_key_does_not_take_is_refused(
    cli: Cli, snapshot: str, tmp_path: Path, given: str, words: tuple[str, ...]
) -> None:
    key, _, value = given.partition("=")
    file = tmp_path / "context.json"
    file.write_text(json.dumps({key: value}))
    for options in (("-c", given), ("--context-file", str(file))):
        cli("can", "alice", "s3:GetObject", *options, "--snapshot", snapshot).failed_with(*words)
        cli("who-can", "s3:GetObject", *options, "--snapshot", snapshot).failed_with(*words)


def test_a_key_that_aws_does_not_document_is_said_with_the_nearest(cli: Cli, snapshot: str) -> None:
    result = cli("can", "alice", "s3:GetObject", "-c", "aws:SourcIp=10.0.0.3", "--snapshot", snapshot)
    assert "AWS documents no condition key aws:SourcIp, so no request carries it. Nearest: aws:SourceIp." in result.err
    known = cli("can", "alice", "s3:GetObject", "-c", "aws:PrincipalTag/team=x", "--snapshot", snapshot)
    assert "documents no condition key" not in known.err
