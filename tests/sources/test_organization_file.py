"""The organization of an account from a file: iamtui's own form, and what the AWS CLI prints."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from iamtui.account.model import Account, Known, Missing, Organization
from iamtui.engine.decision import Outcome
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.sources.organization import RCP, SCP
from iamtui.sources.recorded_organization import OrganizationFile
from iamtui.workspace.ask.questions import ask
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import OrganizationSource, SourceChoice, SourceKind
from tests.support.moto_server import allow, policy

ACCOUNT, ROOT, UNIT = "123456789012", "r-root", "ou-root-prod1234"
ALLOW = policy(allow("*"))
NO_QUEUES = policy({"Effect": "Deny", "Action": "sqs:*", "Resource": "*"})
NO_TOPICS = policy({"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "*"})
NAMES = {"p-FullAWSAccess": ALLOW, "p-noqueues": NO_QUEUES, "p-nodelete": NO_TOPICS}

PRINTED: dict[str, Any] = {
    "describe-organization": {"Organization": {"Id": "o-acme", "MasterAccountId": "999999999999"}},
    "list-roots": {
        "Roots": [
            {"Id": ROOT, "Name": "Root", "PolicyTypes": [{"Type": one, "Status": "ENABLED"} for one in (SCP, RCP)]}
        ]
    },
    f"describe-account --account-id {ACCOUNT}": {"Account": {"Id": ACCOUNT, "Name": "acme"}},
    f"describe-organizational-unit --organizational-unit-id {UNIT}": {
        "OrganizationalUnit": {"Id": UNIT, "Name": "Prod"}
    },
    f"list-parents --child-id {ACCOUNT}": {"Parents": [{"Id": UNIT, "Type": "ORGANIZATIONAL_UNIT"}]},
    f"list-parents --child-id {UNIT}": {"Parents": [{"Id": ROOT, "Type": "ROOT"}]},
    **{
        f"list-policies-for-target --target-id {target} --filter {kind}": {
            "Policies": [{"Id": one, "Name": one[2:], "Arn": f"arn:aws:organizations::aws:policy/{one}"} for one in ids]
        }
        for target, scps, rcps in (
            (ROOT, ["p-FullAWSAccess"], ["p-nodelete"]),
            (UNIT, ["p-FullAWSAccess", "p-noqueues"], []),
            (ACCOUNT, ["p-FullAWSAccess"], []),
        )
        for kind, ids in ((SCP, scps), (RCP, rcps))
    },
    **{
        f"describe-policy --policy-id {one}": {"Policy": {"PolicySummary": {"Id": one}, "Content": text}}
        for one, text in NAMES.items()
    },
}
"""By command line, what the AWS CLI prints."""


def collected(printed: dict[str, Any] = PRINTED) -> str:
    return "\n".join(json.dumps({"command": command, "output": output}) for command, output in printed.items())


def read(folder: Path, text: str | bytes, account: str = ACCOUNT) -> Organization:
    file = folder / "organization.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return OrganizationFile.read(str(file)).of(Account(account))


def names(fact: object) -> list[str]:
    assert isinstance(fact, Known)
    return [one.name for one in fact.value]


def own(account: str = ACCOUNT) -> dict[str, Any]:
    full = [{"arn": "", "name": "full", "document": json.loads(ALLOW)}]
    path = [{"id": ROOT, "name": "Root", "type": "ROOT"}, {"id": account, "name": "acme", "type": "ACCOUNT"}]
    levels = [{**level, "scps": full, "rcps": full} for level in path]
    return {"id": "o-acme", "management_account": "999999999999", "path": levels}


def test_what_the_aws_cli_printed_with_its_commands(tmp_path: Path) -> None:
    found = read(tmp_path, collected())
    assert (found.id, found.management_account) == ("o-acme", "999999999999")
    assert [(level.id, level.name) for level in found.path] == [(ROOT, "Root"), (UNIT, "Prod"), (ACCOUNT, "acme")]
    assert [names(level.scps) for level in found.path] == [
        ["FullAWSAccess"],
        ["FullAWSAccess", "noqueues"],
        ["FullAWSAccess"],
    ]
    assert names(found.path[0].rcps) == ["nodelete"]
    assert found.delegated_administrators is None


@pytest.mark.slow
def test_the_commands_of_the_documentation_collect_it(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "snapshots.md"
    shown = re.search(r"```sh\n(ask\(\).*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    (tmp_path / "printed.json").write_text(json.dumps(PRINTED))
    program = tmp_path / "aws"
    program.write_text(
        "#!/usr/bin/env python3\n"
        "import json, sys\n"
        f"printed = json.load(open({str(tmp_path / 'printed.json')!r}))\n"
        "words = sys.argv[2:]\n"
        "query = words[words.index('--query') + 1] if '--query' in words else ''\n"
        "command = ' '.join(words[: words.index('--query' if query else '--output')])\n"
        "found = printed[command]\n"
        "if query:\n"
        "    listed = next(iter(found.values()))\n"
        "    print('\\t'.join(one['Id'] for one in listed))\n"
        "else:\n"
        "    print(json.dumps(found, indent=4))\n"
    )
    program.chmod(0o700)
    script = shown[1].replace("111122223333", ACCOUNT)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-euc", script], cwd=tmp_path, env=environment, check=True, timeout=120)
    found = OrganizationFile.read(str(tmp_path / "organization.json")).of(Account(ACCOUNT))
    assert found == read(tmp_path, collected())


def test_outputs_that_say_what_they_are_about_need_no_command(tmp_path: Path) -> None:
    bare = [
        output
        if "describe" in command or command == "list-roots"
        else {"command": f"aws organizations {command}", "output": output}
        for command, output in PRINTED.items()
    ]
    assert read(tmp_path, json.dumps(bare)) == read(tmp_path, collected())
    assert read(tmp_path, gzip.compress(collected().encode())) == read(tmp_path, collected())


@pytest.mark.parametrize(
    "command", ["describe-organization", f"list-parents --child-id {ACCOUNT}", f"list-parents --child-id {UNIT}"]
)
def test_without_the_way_up_it_is_refused_with_the_command_that_lacks(tmp_path: Path, command: str) -> None:
    with pytest.raises(Problem, match=f"aws organizations {command}"):
        read(tmp_path, collected({one: output for one, output in PRINTED.items() if one != command}))


@pytest.mark.parametrize("command", [one for one in PRINTED if "polic" in one or one == "list-roots"])
def test_policies_that_are_lacking_are_unknown_and_never_none(tmp_path: Path, command: str) -> None:
    found = read(tmp_path, collected({one: output for one, output in PRINTED.items() if one != command}))
    facts = [fact for level in found.path for fact in (level.scps, level.rcps)]
    assert any(isinstance(fact, Missing) for fact in facts)
    # Without it is not known whether a type is in force of which nothing is attached.
    assert command != "list-roots" or [isinstance(level.rcps, Missing) for level in found.path] == [False, True, True]


def test_an_output_that_is_null_is_lacking(tmp_path: Path) -> None:
    command = f"list-policies-for-target --target-id {UNIT} --filter {SCP}"
    assert isinstance(read(tmp_path, collected({**PRINTED, command: None})).path[1].scps, Missing)


def test_the_own_form_of_several_accounts(tmp_path: Path) -> None:
    other = "111111111111"
    text = json.dumps({"organization": own()}) + json.dumps([{"organization": own(other)}])
    assert read(tmp_path, text).path[-1].id == ACCOUNT
    assert read(tmp_path, text, other).path[-1].id == other
    with pytest.raises(Problem, match=f"does not list the account 222222222222: it is about {other}, {ACCOUNT}"):
        read(tmp_path, text, "222222222222")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("<html>", "is not JSON: Expecting value in line 1"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": 1, "a": 2}', "has 'a' twice"),
        # To count each of so many among the others would take minutes.
        pytest.param(
            "{" + ",".join(f'"{number}": 0' for number in [*range(400_000), 7]) + "}", "has '7' twice", id="many names"
        ),
        ('{"a": NaN}', "NaN is not JSON"),
        ("9" * 5000, "digits"),
        ("[]", "is empty"),
        ("5", "something other than an object at value 1"),
        ("{}", "does not say what it is about: it has nothing"),
        ('{"Policies": []}', "does not say what it is about: it has Policies"),
        (
            '{"command": "delete-policy --policy-id p-1", "output": {}}',
            "not one of AWS Organizations that iamtui reads",
        ),
        ('{"command": "list-parents", "output": {}}', "lacks an argument: list-parents"),
        ('{"command": "list-roots --query Roots[0]", "output": {}}', "list-roots --query"),
        ('{"command": "list-roots --starting-token x", "output": {"Roots": []}}', "list-roots --starting-token"),
        ('{"command": "list-roots --max-items=1", "output": {"Roots": []}}', "list-roots --max-items"),
        pytest.param(
            json.dumps({"command": "list-parents --child-id x" + "\\ x" * 3_000_000, "output": {}}),
            "not one of AWS Organizations that iamtui reads",
            id="a long command",
        ),
        ('{"command": "list-roots \\"", "output": {}}', "list-roots"),
        ('{"command": "list-roots", "output": []}', "other than an object as the output"),
        ('{"command": "list-roots", "output": null}', "says nothing of an organization"),
        ('{"Roots": [], "NextToken": "x"}', "goes on elsewhere"),
        ('{"Roots": []} {"Roots": [{}]}', "two different answers to list-roots"),
        ('{"organization": null}', "does not end with an account"),
        (json.dumps({"organization": {**own(), "path": own()["path"][1:]}}), "does not begin with a root"),
        (json.dumps({"organization": {**own(), "management_account": "x"}}), "management_account"),
        (json.dumps([{"organization": own()}, {"organization": {**own(), "id": "o-x"}}]), "says two things"),
        (collected({**PRINTED, f"list-parents --child-id {ACCOUNT}": {}}), "is not an answer to it"),
    ],
)
def test_another_file_gets_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(Problem) as raised:
        read(tmp_path, text)
    assert says in raised.value.sentence
    assert raised.value.sentence.startswith("The organization file ")
    assert raised.value.next_step


def snapshot(folder: Path) -> Path:
    role = f"arn:aws:iam::{ACCOUNT}:role/ci"
    trust = policy({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    entry = {"RoleName": "ci", "Arn": role, "AssumeRolePolicyDocument": json.loads(trust)}
    entry |= {"AttachedManagedPolicies": [], "Tags": []}
    entry["RolePolicyList"] = [{"PolicyName": "all", "PolicyDocument": json.loads(ALLOW)}]
    file = folder / "account.json"
    file.write_text(
        json.dumps({"RoleDetailList": [entry], "UserDetailList": [], "GroupDetailList": [], "Policies": []})
    )
    return file


@pytest.mark.parametrize(
    ("action", "resource", "outcome"),
    [
        ("sqs:DeleteQueue", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q", Outcome.EXPLICIT_DENY),
        ("s3:DeleteObject", "arn:aws:s3:::bucket/x", Outcome.EXPLICIT_DENY),
        ("s3:GetObject", "arn:aws:s3:::bucket/x", Outcome.ALLOWED),
    ],
)
def test_a_snapshot_is_answered_with_it(tmp_path: Path, action: str, resource: str, outcome: Outcome) -> None:
    file = tmp_path / "organization.json"
    file.write_text(collected())
    choice = SourceChoice(SourceKind.SNAPSHOT, snapshot(tmp_path), organization=OrganizationSource(file=str(file)))
    workspace = open_source(choice)
    assert not [gap for gap in workspace.account.gaps if gap.what.startswith("organization")]
    question = Question(action, resource, resource_account=ACCOUNT)
    assert ask(workspace, resolve_principal(workspace, "role/ci"), question).outcome is outcome


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "organization.json").write_text(collected())
    assert OrganizationFile.read("~/organization.json").of(Account(ACCOUNT)).path[-1].id == ACCOUNT
