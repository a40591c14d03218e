"""Documents of an account that AWS would refuse: no answer of the index or of the evaluator takes them as read."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from iamtui.account.authorization_details import load_account
from iamtui.engine.request import Mode
from iamtui.questions.question import Question
from tests.engine.test_ignored_and_refused import ADMIN, REFUSED, document
from tests.questions.test_index import compare
from tests.support.cli_runner import Cli
from tests.support.snapshot_builder import snapshot, user

NAMES = ("only", "besides", "denied", "plain", "bounded")


def account_bytes(refused: dict[str, Any]) -> bytes:
    """Users with a refused document alone, beside full access, beside a Deny, without it, and as a boundary."""
    held = {
        "only": [refused],
        "besides": [document(ADMIN), refused],
        "denied": [document(ADMIN), refused, document({**ADMIN, "Effect": "Deny"})],
        "plain": [document(ADMIN)],
        "bounded": [document(ADMIN)],
    }
    users = [
        user(name, UserPolicyList=[{"PolicyName": f"p{i}", "PolicyDocument": one} for i, one in enumerate(held[name])])
        for name in NAMES
    ]
    arn = users[0]["Arn"].replace("user/only", "policy/b")
    users[-1]["PermissionsBoundary"] = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    version = {"VersionId": "v1", "IsDefaultVersion": True, "Document": refused}
    policies = [{"PolicyName": "b", "Arn": arn, "PolicyVersionList": [version], "DefaultVersionId": "v1"}]
    return json.dumps(snapshot(users=users, policies=policies)).encode()


@pytest.mark.parametrize("name", REFUSED)
def test_the_index_and_the_evaluator_agree(name: str) -> None:
    account = load_account(account_bytes(REFUSED[name]))
    said: Counter[str | None] = Counter()
    for action, resource in (("s3:GetObject", "arn:aws:s3:::b/k"), ("ec2:RunInstances", "*"), ("s3:GetObject", "*")):
        compare(account, Question(action, resource), said)
    assert said


EXPECTED = {"only": "depends", "besides": "depends", "denied": "explicitDeny", "plain": "allowed", "bounded": "depends"}


@pytest.mark.parametrize("name", REFUSED)
def test_no_command_counts_on_it(cli: Cli, tmp_path: Path, name: str) -> None:
    file = tmp_path / "account.json"
    file.write_bytes(account_bytes(REFUSED[name]))
    asked = ("s3:GetObject", "--on", "arn:aws:s3:::b/k", "--snapshot", file, "-o", "jsonl")
    rows = cli("who-can", *asked, "--all").json_lines
    assert {one["request"]["principal"].rpartition("/")[2]: one["decision"] for one in rows} == EXPECTED
    assert cli("can", "user/besides", *asked).code == 3
    assert cli("can", "user/bounded", *asked).code == 3
    of_s3 = ("--service", "s3", "--snapshot", file, "--json")
    for name_of_user in ("only", "besides", "bounded"):
        actions = cli("what-can", f"user/{name_of_user}", *of_s3).json["actions"]
        assert {one["decision"] for one in actions} == {"depends"}


DENY = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
STATEMENTS = {
    "the condition operator StringEqual": {**DENY, "Condition": {"StringEqual": {"aws:username": "x"}}},
    "the condition operator ForSomeValues:Bool": {**DENY, "Condition": {"ForSomeValues:Bool": {"aws:username": "x"}}},
    'the condition key "username"': {**DENY, "Condition": {"StringEquals": {"username": "x"}}},
    'for aws:SecureTransport the value "nope"': {**DENY, "Condition": {"Bool": {"aws:SecureTransport": "nope"}}},
    'for aws:username the value "no"': {**DENY, "Condition": {"Null": {"aws:username": "no"}}},
    'the action "GetObject"': {**DENY, "Action": "GetObject"},
    'the resource "b/*"': {**DENY, "Resource": "b/*"},
    "a NotPrincipal": {**ADMIN, "NotPrincipal": {"AWS": "*"}},
    "a Principal": {**ADMIN, "Principal": "*"},
}


@pytest.mark.parametrize("what", STATEMENTS)
def test_every_answer_about_many_says_which_statements_aws_would_refuse(cli: Cli, tmp_path: Path, what: str) -> None:
    file = tmp_path / "account.json"
    policies = [{"PolicyName": "p", "PolicyDocument": document(ADMIN, STATEMENTS[what])}]
    other = [{"PolicyName": "q", "PolicyDocument": document(ADMIN)}]
    users = [user("alice", UserPolicyList=policies), user("bob", UserPolicyList=other)]
    file.write_text(json.dumps(snapshot(users=users)))
    said = f"cannot be proved: statement 2 of p of user/alice has {what}"
    source = ("--snapshot", file)
    assert said in " ".join(cli("who-can", "s3:GetObject", "--on", "arn:aws:s3:::b/k", *source).err.split())
    assert said in " ".join(cli("what-can", "user/alice", "--service", "s3", *source).err.split())
    assert said in " ".join(cli("what-can", "user/alice", "--service", "s3", "--policy", *source).err.split())
    (note,) = cli("what-can", "user/alice", "--service", "s3", "--json", *source).json["notes"]
    assert said in note
    bob = cli("what-can", "user/bob", "--service", "s3", "--json", *source)
    assert (bob.json["notes"], "refuse" in bob.err) == ([], False)
    if "Principal" not in what:
        assert "refuse" not in cli("who-can", "ec2:RunInstances", *source).err


TYPO = {**DENY, "Condition": {"StringEqual": {"aws:username": "alice"}}}


def fenced_by_a_typo() -> dict[str, Any]:
    """Users with full access: alice has a Deny with an unknown operator, bob none, carol one as her boundary."""
    free = [{"PolicyName": "p", "PolicyDocument": document(ADMIN)}]
    fenced = [{"PolicyName": "p", "PolicyDocument": document(ADMIN, TYPO)}]
    users = [user("alice", UserPolicyList=fenced), user("bob", UserPolicyList=free), user("carol", UserPolicyList=free)]
    arn = users[0]["Arn"].replace("user/alice", "policy/b")
    users[-1]["PermissionsBoundary"] = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    version = {"VersionId": "v1", "IsDefaultVersion": True, "Document": document(ADMIN, TYPO)}
    policies = [{"PolicyName": "b", "Arn": arn, "PolicyVersionList": [version], "DefaultVersionId": "v1"}]
    return snapshot(users=users, policies=policies)


@pytest.mark.parametrize("strict", [False, True])
def test_no_door_calls_allowed_what_a_deny_with_an_unknown_operator_may_deny(
    cli: Cli, tmp_path: Path, strict: bool
) -> None:
    made = fenced_by_a_typo()
    file = tmp_path / "account.json"
    file.write_text(json.dumps(made))
    expected = {"alice": "depends", "bob": "allowed", "carol": "depends"}
    mode = ("--strict",) if strict else ()
    asked = ("s3:GetObject", "--on", "arn:aws:s3:::b/k", "--snapshot", file, "-o", "jsonl", *mode)
    rows = cli("who-can", *asked, "--all").json_lines
    assert {one["request"]["principal"].rpartition("/")[2]: one["decision"] for one in rows} == expected
    for name, decision in expected.items():
        found = cli("can", f"user/{name}", *asked)
        assert (found.json["decision"], found.code) == (decision, 0 if decision == "allowed" else 3)
        actions = cli("what-can", f"user/{name}", "--service", "s3", "--snapshot", file, "--json", *mode).json[
            "actions"
        ]
        assert {one["decision"] for one in actions} == {decision}
    said: Counter[str | None] = Counter()
    account = load_account(json.dumps(made).encode())
    for action, resource in (("s3:GetObject", "arn:aws:s3:::b/k"), ("s3:GetObject", "*"), ("s3:ListAllMyBuckets", "*")):
        compare(account, Question(action, resource, mode=Mode.STRICT if strict else Mode.DISCOVER), said)
    assert said["not read"] == said[None] == 0
    request = {"principal": made["UserDetailList"][0]["Arn"], "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}
    scenario = tmp_path / "scenario.json"
    policies = [{"name": "p", "document": document(ADMIN, TYPO)}]
    scenario.write_text(json.dumps({"request": request, "identity_policies": policies, "expect": "depends"}))
    assert cli("simulate", scenario).code == 0
