"""`iamtui snapshot`: a file that answers as the account did, private, whole, packed as its name says."""

from __future__ import annotations

import gzip
import json
import os
import re
import stat
from collections import Counter
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from iamtui.account.authorization_details import load_account
from iamtui.account.model import Account, Known, Missing
from iamtui.account.snapshot_format import snapshot_schema
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.sources.demo import DEMO_REGION, demo_connection, load_demo_account
from iamtui.sources.snapshot import read_snapshot
from iamtui.workspace.source.opening import load_account_facts, with_resource_policies
from iamtui.workspace.source.snapshot_file import snapshot_bytes, write_snapshot
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.cli_runner import Cli, Result
from tests.support.live_account import load_live
from tests.support.snapshot_builder import complete, role, snapshot, user

LAKE = "arn:aws:s3:::puffin-data-lake/x"
ROLE = "arn:aws:iam::111122223333:role/deploy-prod"
QUESTIONS = [
    ("who-can", "s3:GetObject", "--on", LAKE, "-o", "jsonl"),
    ("who-can", "s3:PutObject", "--on", "arn:aws:s3:::puffin-data-lake/*", "-o", "jsonl"),
    ("who-can", "sts:AssumeRole", "--on", ROLE, "-o", "jsonl"),
    ("who-can", "iam:PassRole", "-o", "jsonl"),
    ("who-can", "ec2:RunInstances", "-o", "jsonl", "--strict"),
    ("can", "role/analytics-lake-reader", "s3:DeleteObject", "s3:GetObject", "--on", LAKE, "-o", "jsonl", "--trace"),
    ("can", "ops-readonly", "ec2:StartInstances", "-o", "jsonl"),
    ("what-can", "ops-readonly", "--service", "s3", "--json"),
    ("trust", "-o", "jsonl"),
    ("escalations", "-o", "jsonl"),
    ("audit", "-o", "jsonl"),
    ("overview", "--json"),
    *[("list", kind, "--json") for kind in ("users", "groups", "roles", "policies", "instance-profiles", "providers")],
    ("show", "role/deploy-prod", "--json"),
    ("show", "user/maya.okafor", "--json"),
]


@pytest.fixture(scope="module")
def live() -> Workspace:
    """The demo's account as moto has it, read through the live source, with the policies of all resources."""
    connection = demo_connection()
    account = load_live(connection)
    source = SourceInfo(SourceKind.LIVE, "live", DEMO_REGION, profile="live", taken_at=account.taken_at)
    workspace = load_account_facts(Workspace(account, source, connection))
    return with_resource_policies(workspace, load_demo_account().resource_policies)[0]


NOW_AND_SOURCE = re.compile(r'(currenttime|epochtime|"source": "(live|snapshot))[^,}]*', re.IGNORECASE)


def said(result: Result) -> tuple[int, str]:
    """What a command answered, less the second in which it was asked and the kind of the source."""
    return result.code, NOW_AND_SOURCE.sub("", result.out)


@pytest.mark.slow
def test_a_snapshot_answers_every_question_as_the_live_account_did(cli: Cli, live: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "live.json.zst"
    on = [word for arn in live.account.resource_policies for word in ("--on", arn)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("iamtui.cli.opening.open_accounts", lambda *_args, **_kwargs: live)
        patch.setenv("AWS_PROFILE", "live")
        written = cli("snapshot", file, *on)
        assert written.code == 0, written
        assert "48 users, 16 groups, 81 roles" in written.err
        answers = {question: cli(*question) for question in QUESTIONS}
    for question, expected in answers.items():
        found = cli(*question, "--snapshot", file)
        assert said(found) == said(expected), question
        assert found.out
    assert len({answer.out for answer in answers.values()}) == len(QUESTIONS)


def facts(record: Any, path: str = "$") -> dict[str, Any]:
    """Every fact of an account, by where it stands."""
    found: dict[str, Any] = {}
    for one in fields(record):
        value = getattr(record, one.name)
        if isinstance(value, Known | Missing):
            found[f"{path}.{one.name}"] = value
            value = value.value if isinstance(value, Known) else None
        for number, entry in enumerate(value if isinstance(value, tuple) else (value,)):
            if is_dataclass(entry) and not isinstance(entry, type):
                found |= facts(entry, f"{path}.{one.name}[{number}]")
    return found


def lacks_the_same(account: Account) -> None:
    """Whether what is Missing in the account, and only that, is Missing in its snapshot."""
    before, after = facts(account), facts(load_account(snapshot_bytes(account)))
    assert before.keys() == after.keys()
    assert any(isinstance(fact, Missing) for fact in before.values())
    for place, fact in before.items():
        assert type(fact) is type(after[place]), place
        if isinstance(fact, Missing):
            assert after[place].permission == fact.permission, place


def test_what_is_missing_in_the_account_is_missing_in_its_snapshot() -> None:
    lacks_the_same(load_demo_account())
    lacks_the_same(load_account(json.dumps(complete()).encode()))


@pytest.mark.slow
def test_what_is_missing_in_a_live_account_is_missing_in_its_snapshot(live: Workspace) -> None:
    lacks_the_same(live.account)


def test_why_a_fact_is_missing_is_kept() -> None:
    refused = Missing("access denied", "iam:ListAccessKeys")
    account = load_account(json.dumps(snapshot(users=[user()])).encode())
    users = tuple(type(one)(**{**_dict(one), "access_keys": refused}) for one in account.users)
    again = load_account(snapshot_bytes(Account(id=account.id, users=users)))
    assert again.users[0].access_keys == refused
    assert next(gap.error for gap in again.gaps if gap.permission == "iam:ListAccessKeys") == "access denied"


def _dict(record: Any) -> dict[str, Any]:
    return {one.name: getattr(record, one.name) for one in fields(record)}


def test_the_schema_is_that_of_the_documentation_and_holds_for_what_is_written(cli: Cli) -> None:
    schema = cli("snapshot", "--schema").json
    assert schema == json.loads(json.dumps(snapshot_schema()))
    documented = Path(__file__).parent.parent.parent / "docs" / "snapshot.schema.json"
    assert json.loads(documented.read_text()) == schema, "iamtui snapshot --schema > docs/snapshot.schema.json"
    validator = jsonschema.Draft202012Validator(schema)
    for account in (load_demo_account(), load_account(json.dumps(complete()).encode())):
        validator.validate(json.loads(json.dumps(snapshot_of(account))))
    validator.validate(complete())
    for wrong in ({"UserDetailList": 7}, {"iamtui": {"account_id": "12"}}, {"resource_policies": {"a": {}}}):
        assert not validator.is_valid(wrong)


@pytest.mark.parametrize("name", ["a.json", "a.json.gz", "a.json.zst"])
def test_the_file_is_private_whatever_the_umask_says(cli: Cli, tmp_path: Path, name: str) -> None:
    old = os.umask(0)
    try:
        assert cli("snapshot", tmp_path / name, "--demo").code == 0
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [name]
    account = read_snapshot(tmp_path / name)
    assert (account.users, account.region, account.not_aws) == (load_demo_account().users, DEMO_REGION, "demo")
    assert cli("list", "users", "--snapshot", tmp_path / name).err.startswith("DEMO: this is a snapshot of")


def test_a_file_is_replaced_only_on_demand_and_never_half(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("mine")
    cli("snapshot", file, "--demo").failed_with("is there already", "--overwrite")
    assert file.read_text() == "mine"
    cli.monkeypatch.setattr("os.fsync", lambda _descriptor: (_ for _ in ()).throw(OSError(28, "No space left")))
    cli("snapshot", file, "--demo", "--overwrite").failed_with("cannot be written: No space left")
    assert file.read_text() == "mine"
    assert [*tmp_path.iterdir()] == [file, *(one for one in tmp_path.iterdir() if one != file and one.name == "home")]
    cli.monkeypatch.undo()
    write_snapshot(snapshot_bytes(load_demo_account()), file, overwrite=True)
    assert read_snapshot(file) == load_demo_account()


def test_what_is_no_place_for_a_file(cli: Cli, tmp_path: Path) -> None:
    cli("snapshot", "--demo").failed_with("No file is named", "- for standard output")
    cli("snapshot", tmp_path, "--demo").failed_with("is a folder")
    cli("snapshot", tmp_path / "none" / "a.json", "--demo").failed_with("cannot be written: No such file")


def test_standard_output_and_standard_input(cli: Cli) -> None:
    written = cli("snapshot", "-", "--demo")
    assert (written.code, written.out) == (0, snapshot_bytes(load_account(written.out.encode())).decode())
    again = cli("list", "users", "--snapshot", "-", stdin=written.out)
    assert again.out == cli("list", "users", "--demo").out
    packed = cli("list", "users", "--snapshot", "-", stdin=gzip.compress(written.out.encode()))
    assert packed.out == again.out
    cli("list", "users", "--snapshot", "-").failed_with("The snapshot on standard input is empty")


def test_a_snapshot_of_a_snapshot_is_the_same(cli: Cli, tmp_path: Path) -> None:
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    cli("snapshot", first, "--demo")
    assert cli("snapshot", second, "--snapshot", first).code == 0
    assert json.loads(first.read_text()) == json.loads(second.read_text())


@pytest.mark.slow
def test_thousands_of_equal_users_can_be_read_again(tmp_path: Path) -> None:
    """What is written is never packed so well that it would be refused as a bomb."""
    users = [
        user(f"u{number:05}", UserPolicyList=[{"PolicyName": "p", "PolicyDocument": {}}]) for number in range(9000)
    ]
    account = load_account(json.dumps(snapshot(users=users)).encode())
    for name in ("a.gz", "a.zst"):
        write_snapshot(snapshot_bytes(account), tmp_path / name)
        assert len(read_snapshot(tmp_path / name).users) == 9000


def test_a_redacted_snapshot_tells_nothing_and_answers(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "shared.json"
    assert cli("snapshot", file, "--redact", "--demo").code == 0
    assert not re.search("puffin|okafor|111122223333|deploy-prod", file.read_text())
    listed = cli("list", "roles", "--json", "--snapshot", file).json
    assert len(listed) == len(cli("list", "roles", "--json", "--demo").json)
    asked = ("who-can", "iam:PassRole", "-o", "jsonl")
    sources: tuple[tuple[str | Path, ...], ...] = (("--demo",), ("--snapshot", file))
    answers = [Counter(one["decision"] for one in cli(*asked, *source).json_lines) for source in sources]
    assert answers[0] == answers[1]


def test_a_redacted_part_of_an_account_is_still_a_part(cli: Cli, tmp_path: Path) -> None:
    source, file = tmp_path / "roles.json", tmp_path / "shared.json"
    part = snapshot(roles=[role()])
    source.write_text(json.dumps({key: part[key] for key in ("RoleDetailList", "Policies")}))
    assert cli("snapshot", file, "--redact", "--snapshot", source).code == 3
    result = cli("who-can", "s3:GetObject", "--snapshot", file)
    assert result.code == 3
    assert "all users (needs iam:GetAccountAuthorizationDetails)" in " ".join(result.err.split())


def test_a_policy_that_cannot_be_redacted_is_left_out_and_listed(cli: Cli, tmp_path: Path) -> None:
    deny = {"Effect": "Deny", "Action": "sqs:*", "Resource": "arn:aws:sqs:eu-west-1:1234*"}
    statements = [deny, {"Effect": "Allow", "Action": "*", "Resource": "*"}]
    policies = [
        {"PolicyName": name, "PolicyDocument": {"Version": "2012-10-17", "Statement": statement}}
        for name, statement in (("p", statements), ("all", statements[1:]))
    ]
    source, file = tmp_path / "account.json", tmp_path / "out.json"
    source.write_text(json.dumps(snapshot(users=[user("alice", UserPolicyList=policies)])))
    result = cli("snapshot", file, "--redact", "--snapshot", source)
    said = " ".join(result.err.split())
    assert file.exists()
    assert "Left out, since it could not be redacted: $.UserDetailList[0].UserPolicyList[0].PolicyDocument: " in said
    assert "it cuts an id" in said
    made = json.loads(file.read_text())
    listed = "the policy $.UserDetailList[0].UserPolicyList[0].PolicyDocument, left out of the redaction"
    assert {"what": listed} in made["missing"]
    assert "1234*" not in file.read_text()
    # The Deny was left out, so nothing may be called allowed.
    arn = made["UserDetailList"][0]["Arn"]
    queue = f"arn:aws:sqs:eu-west-1:{arn.split(':')[4]}:q"
    asked = ("can", arn, "sqs:SendMessage", "--on", queue, "-o", "jsonl", "--snapshot", file)
    assert cli(*asked).json["decision"] == "depends"


def test_one_account_of_a_file_with_several(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "all.json"
    mine = json.dumps(snapshot(users=[user("alice")]))
    file.write_text(f"[{mine}, {mine.replace('123456789012', '777777777777').replace('alice', 'bob')}]")
    cli("list", "users", "--snapshot", file).failed_with("several accounts", "--snapshot-account ID")
    chosen = ("--snapshot", file, "--snapshot-account", "777777777777")
    assert [one["name"] for one in cli("list", "users", "--json", *chosen).json] == ["bob"]
    cli("list", "users", "--snapshot", file, "--snapshot-account", "1").failed_with("is not an account id", "12 digits")
    cli("list", "users", "--snapshot-account", "777777777777").failed_with("applies only with --snapshot")
    cli("list", "users", "--demo", "--snapshot-account", "777777777777").failed_with("applies only with --snapshot")


def test_a_policy_that_cannot_be_read_is_said(cli: Cli, tmp_path: Path) -> None:
    first = tmp_path / "1.json"
    assert "is not in it" not in cli("snapshot", first, "--demo", "--on", LAKE).err
    result = cli("snapshot", tmp_path / "2.json", "--snapshot", first, "--on", "arn:aws:s3:::other/x", "--on", "lake")
    assert result.code == 0
    said = " ".join(result.err.split())
    assert "The policy of arn:aws:s3:::other/x is not in it" in said
    assert "The policy of lake is not in it" in said
