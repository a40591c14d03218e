"""`iamtui prove`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli_runner import Cli


def test_never_is_proved(cli: Cli) -> None:
    result = cli("prove", "never", "intern.tove.dahl", "iam:CreateUser", "iam:AttachUserPolicy", "--demo")
    assert result.code == 0
    assert (
        result.out == "[+] Proved: the principal can never do iam:CreateUser, iam:AttachUserPolicy, in any context.\n"
    )


def test_never_is_not_so(cli: Cli) -> None:
    result = cli("prove", "never", "user/*", "iam:CreateUser", "--demo")
    assert result.code == 1
    assert result.out.startswith("[x] Not so: user/admin/astrid.nilsen can call iam:CreateUser on arn:aws:iam::")
    assert "allowed by AdministratorAccess / statement 1" in result.out
    command = result.out.rsplit("Ask for its trace: ", 1)[1].split()
    assert cli(*command[1:]).code == 0, "the line that is printed is allowed"


def test_as_json(cli: Cli) -> None:
    result = cli(
        "prove", "never", "role/*", "s3:DeleteBucket", "--on", "arn:aws:s3:::puffin-data-lake", "--json", "--demo"
    )
    assert result.code == 1
    found = result.json
    assert found["status"] == "counterexample"
    assert found["counterexample"]["action"] == "s3:DeleteBucket"
    assert found["counterexample"]["context"]["aws:SecureTransport"] == ["true"]
    assert found["reasons"] == []


@pytest.mark.slow
def test_what_is_not_proved_says_why(cli: Cli) -> None:
    result = cli("prove", "never", "user/*", "ec2:RunInstances", "--on", "arn:aws:ec2:ap-east-1:*:subnet/*", "--demo")
    assert result.code == 3
    assert "no request is known that can have aws:RequestedRegion = " in " ".join(result.out.split())


def test_what_control_policies_would_decide_names_the_options_that_read_them(cli: Cli, tmp_path: Path) -> None:
    queue = "arn:aws:sqs:eu-west-1:111122223333:q"
    anybody = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue}
    policy = {"state": "present", "document": {"Version": "2012-10-17", "Statement": [anybody]}}
    lists = {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": []}
    about = {"iamtui": {"version": 1, "account_id": "111122223333"}, "resource_policies": {queue: policy}}
    file = tmp_path / "account.json"
    file.write_text(json.dumps(lists | about))
    result = cli("prove", "not-public", queue, "--snapshot", file)
    assert result.code == 3
    named = "resource control policies: not in the snapshot (in 5 kinds of requests); --organization-profile NAME or"
    assert f"{named} --organization FILE reads them" in result.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["never", "nobody-*", "iam:CreateUser"], "No user and no role matches nobody-*."),
        (["never", "*", "CreateUser"], "CreateUser is not an action"),
        (["never", "*", "iam:CreateUser", "--on", "bucket"], "bucket is not a resource"),
        (["never", "*", "iam:CreateUser", "--on", "arn:aws:iam::1:user/a,arn:aws:iam::1:user/b"], "looks like several"),
        (["never", "*", "iam:CreateUser", "--on", "arn:aws:iam::1:user/a\x1b[2J"], "is not a resource"),
        (["never", "*", "iam:CreateUser,iam:DeleteUser"], "is not an action"),
        (["never", "*", "iam:Create\x07User"], "is not an action"),
        (["never", "*", "iam:Creat User"], "is not an action"),
        (["never", "*", "iam:Creaate*"], "matches no action of AWS"),
        (["never", "user/a,user/b", "iam:CreateUser"], "user/a,user/b"),
        (["never", "role/\x1b[2J*", "iam:CreateUser"], "No user and no role matches role/␛[2J*."),
        (["never", "*", "s3:GetObject", "--on", "arn:aws:s3:::puffin-data-lake"], "AWS never asks this"),
        (["nevr"], "Did you mean never?"),
    ],
)
def test_what_cannot_be_asked(cli: Cli, words: list[str], said: str) -> None:
    result = cli("prove", *words, "--demo")
    assert result.code == 2
    assert said in " ".join(result.err.split())


def write(path: Path, *statements: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))
    return path


WIDE = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::data/*"}
ENCRYPTED = {**WIDE, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}


def test_no_broader(cli: Cli, tmp_path: Path) -> None:
    narrow, wide = write(tmp_path / "narrow.json", ENCRYPTED), write(tmp_path / "wide.json", WIDE)
    proved = cli("prove", "no-broader", narrow, wide)
    assert proved.code == 0
    assert " ".join(proved.out.split()).startswith(f"[+] Proved: {narrow} allows nothing that {wide} does not")
    other = cli("prove", "no-broader", wide, narrow)
    assert other.code == 1
    assert "allows s3:GetObject on arn:aws:s3:::data/x" in " ".join(other.out.split())
    assert "aws:SecureTransport = false" in other.out


def test_same(cli: Cli, tmp_path: Path) -> None:
    one = write(tmp_path / "one.json", WIDE)
    other = write(
        tmp_path / "other.json", {**WIDE, "Resource": ["arn:aws:s3:::data/a*", "arn:aws:s3:::data/*", "arn:aws:s3:::x"]}
    )
    found = cli("prove", "same", one, other, "--json")
    assert found.code == 1
    assert found.json["counterexample"]["allowed_by"] == str(other)
    assert found.json["counterexample"]["resource"] == "arn:aws:s3:::x"
    same = write(tmp_path / "same.json", {**WIDE, "Resource": ["arn:aws:s3:::data/a*", "arn:aws:s3:::data/*"]})
    assert cli("prove", "same", one, same, "--json").json["status"] == "proved"


def test_a_comparison_that_is_not_proved(cli: Cli, tmp_path: Path) -> None:
    by_case = {"StringEqualsIgnoreCase": {"s3:prefix": "a"}, "StringNotEquals": {"s3:prefix": "a"}}
    one = write(tmp_path / "one.json", {**WIDE, "Condition": by_case})
    other = write(tmp_path / "other.json", {**WIDE, "Action": "sqs:*"})
    found = cli("prove", "no-broader", one, other)
    assert found.code == 3
    assert "with and without regard to letter case" in found.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"),
        (
            '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}}',
            "names no principals",
        ),
    ],
)
def test_documents_that_are_not_compared(cli: Cli, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text)
    result = cli("prove", "same", file, write(tmp_path / "good.json", WIDE))
    assert result.code == 2
    assert said in " ".join(result.err.split())


def test_a_draft_makes_something_newly_possible_or_nothing(cli: Cli, tmp_path: Path) -> None:
    wider, narrower = tmp_path / "wider.json", tmp_path / "narrower.json"
    on = "arn:aws:s3:::puffin-data-lake/x"
    cli("draft", "fix", wider, "role/deploy-prod", "s3:PutObject", "--on", on, "--demo")
    found = cli("prove", "no-broader", "--draft", wider, "--demo")
    assert found.code == 1
    assert f"Not so: role/deploy-prod can call s3:PutObject on {on} with the draft." in found.out
    command = found.out.rsplit("Ask for its trace: ", 1)[1].split()
    assert cli(*command[1:]).code == 0
    assert cli(*(word for word in command[1:] if word not in ("--draft", str(wider)))).code == 1
    cli("draft", "edit", narrower, "detach", "role/ops-readonly", "ReadOnlyAccess", "--demo")
    proved = cli("prove", "no-broader", "--draft", narrower, "--json", "--demo")
    assert proved.json["status"] == "proved", proved.json
    assert proved.code == 0


@pytest.mark.parametrize(
    "words", [[], ["a.json"], ["a.json", "b.json", "--demo"], ["a.json", "b.json", "--draft", "c"]]
)
def test_documents_or_a_draft(cli: Cli, words: list[str]) -> None:
    result = cli("prove", "no-broader", *words)
    assert result.code == 2
    assert "Expected two documents, or --draft FILE" in result.err


def test_not_public(cli: Cli) -> None:
    role = "arn:aws:iam::111122223333:role/apps/address-geocoder-lambda"
    proved = cli("prove", "not-public", role, "--demo")
    assert proved.code == 0
    assert " ".join(proved.out.split()) == (
        f"[+] Proved: nobody outside the account can use {role} by its policy. "
        "AWS services that it lets in do not count: lambda.amazonaws.com"
    )
    bucket = "arn:aws:s3:::puffin-access-logs"
    lists = cli("prove", "not-public", bucket, "--demo")
    assert lists.code == 3
    hint = "not loaded: S3 access control lists: they may let others in; --policy-alone leaves them out"
    assert hint in " ".join(lists.out.split())
    assert cli("prove", "not-public", bucket, "--policy-alone", "--demo").code == 0
    # It is one fact of a bucket, of however many classes of callers and actions.
    lake = " ".join(cli("prove", "not-public", "arn:aws:s3:::puffin-data-lake", "--demo").out.split())
    assert f"{hint} whether account" in lake


def test_not_public_shows_who_can_from_outside(cli: Cli) -> None:
    found = cli("prove", "not-public", "arn:aws:s3:::puffin-p*", "arn:aws:s3:::puffin-access-logs", "--demo")
    assert found.code == 1
    assert "can call s3:GetObject on arn:aws:s3:::puffin-partner-manifests/fjordline/, if its own account lets it" in (
        " ".join(found.out.split())
    )
    assert "allowed by policy of arn:aws:s3:::puffin-partner-manifests / FjordlineReads" in found.out
    json_ = cli(
        "prove",
        "not-public",
        "arn:aws:s3:::puffin-p*",
        "--except",
        "666677778888",
        "--policy-alone",
        "--json",
        "--demo",
    )
    assert json_.code == 0
    assert [one["status"] for one in json_.json["resources"]] == ["proved"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bucket"], "is not a resource"),
        (["arn:aws:s3:::puffin-data-lake/*"], "Give the ARN of what has the policy: arn:aws:s3:::puffin-data-lake."),
        (["arn:aws:s3:::nobodys/*"], "Give an ARN, or a pattern of those that are known."),
        (["arn:aws:iam::111122223333:role/nobody"], "No role of this account is"),
        (["arn:aws:s3:::puffin-access-logs", "--except", "12"], "is not an account"),
        (
            ["arn:aws:s3:::puffin-access-logs", "--outside", "town"],
            "--outside cannot be town: expected account or organization",
        ),
        ([], "Missing argument"),
    ],
)
def test_what_cannot_be_asked_of_outsiders(cli: Cli, words: list[str], said: str) -> None:
    result = cli("prove", "not-public", *words, "--demo")
    assert result.code == 2
    assert said in " ".join(result.err.split())


def test_policies_of_resources_are_compared_with_their_principals(cli: Cli, tmp_path: Path) -> None:
    one = write(tmp_path / "one.json", {**WIDE, "Principal": {"AWS": ["444455556666", "777788889999"]}})
    other = write(tmp_path / "other.json", {**WIDE, "Principal": {"AWS": "444455556666"}})
    assert cli("prove", "no-broader", other, one).code == 0
    found = cli("prove", "no-broader", one, other)
    assert found.code == 1
    assert "allows arn:aws:sts::777788889999:assumed-role/" in " ".join(found.out.split())
    json_ = cli("prove", "same", one, other, "--json").json
    assert json_["counterexample"]["principal"].split(":")[4] == "777788889999"


def test_every_example_is_listed_by_action_and_allowed_when_asked(cli: Cli) -> None:
    found = cli("prove", "never", "user/admin/*", "s3:GetObject", "sts:AssumeRole", "--all", "--demo")
    assert found.code == 1
    heads = [line for line in found.out.splitlines() if line.startswith("[x]")]
    assert heads == sorted(heads)
    assert {line.split()[1] for line in heads} == {"s3:GetObject", "sts:AssumeRole"}
    asked = [line.strip() for line in found.out.splitlines() if line.strip().startswith("iamtui can ")]
    for line in (asked[0], asked[-1]):
        words = [word for word in shlex.split(line)[1:] if word != "--trace"]
        assert cli(*words).out.startswith("[+] ALLOWED")
