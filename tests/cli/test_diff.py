"""`iamtui diff`: two snapshots of an account compared, as text, as JSON and as a test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli_runner import Cli, cli, snapshot

__all__ = ["cli", "snapshot"]


@pytest.fixture
def later(snapshot: str, tmp_path: Path) -> str:
    """The sample account with a role gained, a user gone and a tag."""
    data = json.loads(Path(snapshot).read_text())
    statement = {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*"}
    (web,) = (role for role in data["RoleDetailList"] if role["RoleName"] == "web-server")
    web["RolePolicyList"].append(
        {"PolicyName": "launch", "PolicyDocument": {"Version": "2012-10-17", "Statement": statement}}
    )
    data["UserDetailList"] = [user for user in data["UserDetailList"] if user["UserName"] != "carol"]
    file = tmp_path / "later.json"
    file.write_text(json.dumps(data))
    return str(file)


def test_what_was_gained_and_who_is_gone(cli: Cli, snapshot: str, later: str) -> None:
    result = cli("diff", snapshot, later)
    assert result.code == 0
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    assert "[-] removed user carol" in lines
    assert lines[lines.index("[~] changed role web-server") + 1] == "inline policies: +launch"
    assert "[+] gained ec2:RunInstances on *" in "\n".join(lines)
    assert "0 added, 1 removed, 1 changed." in result.err
    assert "1 gain" in result.err


def test_as_json(cli: Cli, snapshot: str, later: str) -> None:
    found = cli("diff", snapshot, later, "--json").json
    changes = [(one["change"], one["kind"], one["details"]) for one in found["entities"]]
    assert changes == [("removed", "user", []), ("changed", "role", ["inline policies: +launch"])]
    gained = [one for one in found["access"] if one["effect"] == "gained"]
    assert [(one["actions"], one["resource"]) for one in gained] == [(["ec2:RunInstances"], "*")]


def test_it_fails_on_what_it_is_told_to(cli: Cli, snapshot: str, later: str) -> None:
    assert cli("diff", snapshot, later, "--fail-on", "gained").code == 1
    assert cli("diff", later, snapshot, "--fail-on", "lost").code == 1
    assert cli("diff", snapshot, snapshot, "--fail-on", "change").code == 0
    tagged = json.loads(Path(snapshot).read_text())
    tagged["RoleDetailList"][0]["RoleId"] = "AROAANOTHERROLE00000"
    file = Path(later).with_name("tagged.json")
    file.write_text(json.dumps(tagged))
    assert cli("diff", snapshot, file, "--fail-on", "gained").code == 0
    assert cli("diff", snapshot, file, "--fail-on", "change").code == 1


def test_one_of_them_may_come_from_standard_input(cli: Cli, snapshot: str, later: str) -> None:
    piped = cli("diff", "-", later, stdin=Path(snapshot).read_bytes())
    assert piped.out == cli("diff", snapshot, later).out


def test_what_cannot_be_compared(cli: Cli, snapshot: str, tmp_path: Path) -> None:
    cli("diff", snapshot, tmp_path / "none.json").failed_with("none.json does not exist")
    other = tmp_path / "other.json"
    other.write_text(Path(snapshot).read_text().replace("123456789012", "777777777777"))
    cli("diff", snapshot, other).failed_with("is of account 123456789012", "of 777777777777")
    cli("--demo", "diff", snapshot, snapshot).failed_with("--demo does not apply to diff")


def test_one_account_of_files_with_several(cli: Cli, snapshot: str, later: str, tmp_path: Path) -> None:
    """Dumps of several accounts: the option says which one is compared in both."""
    mixed = []
    for number, name in enumerate((snapshot, later)):
        mine = Path(name).read_text()
        file = tmp_path / f"all{number}.json"
        file.write_text(f"[{mine}, {mine.replace('123456789012', '777777777777')}]")
        mixed.append(file)
    cli("diff", *mixed).failed_with("several accounts", "--snapshot-account ID")
    chosen = ("--snapshot-account", "123456789012")
    plain = cli("diff", snapshot, later, "--json").json
    assert cli("diff", *mixed, *chosen, "--json").json == plain
    assert cli("diff", snapshot, mixed[1], *chosen, "--json").json == plain
    cli("diff", *mixed, "--snapshot-account", "1").failed_with("is not an account id", "12 digits")
    absent = cli("diff", *mixed, "--snapshot-account", "999999999999")
    assert (absent.code, absent.out) == (2, "")


def test_a_trust_policy_that_lets_set_the_source_identity(cli: Cli, snapshot: str, tmp_path: Path) -> None:
    data = json.loads(Path(snapshot).read_text())
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}
    (web,) = (role for role in data["RoleDetailList"] if role["RoleName"] == "web-server")
    for name, actions in (("plain", "sts:AssumeRole"), ("more", ["sts:AssumeRole", "sts:SetSourceIdentity"])):
        web["AssumeRolePolicyDocument"] = {"Version": "2012-10-17", "Statement": {**statement, "Action": actions}}
        (tmp_path / name).write_text(json.dumps(data))
    found = cli("diff", tmp_path / "plain", tmp_path / "more", "--fail-on", "gained")
    assert found.code == 1
    assert "trust of role/web-server opens to ec2.amazonaws.com for sts:SetSourceIdentity" in found.out
    closed = cli("diff", tmp_path / "more", tmp_path / "plain", "--json").json["trust"]
    assert [(one["effect"], one["action"]) for one in closed] == [("lost", "sts:SetSourceIdentity")]


def test_people_of_identity_center_who_come_or_go_fail_a_pipeline(cli: Cli, snapshot: str, tmp_path: Path) -> None:
    data = json.loads(Path(snapshot).read_text())
    files = []
    for members in (["u1"], ["u1", "u2"]):
        data["identity_center"] = {
            "instance": "arn:aws:sso:::instance/ssoins-1",
            "permission_sets": [
                {
                    "arn": "arn:aws:sso:::permissionSet/ssoins-1/ps-1",
                    "name": "Admins",
                    "assignees": [{"type": "GROUP", "id": "g1"}],
                }
            ],
            "groups": [{"id": "g1", "name": "staff", "members": members}],
        }
        files.append(tmp_path / f"{len(members)}.json")
        files[-1].write_text(json.dumps(data))
    few, more = map(str, files)
    found = cli("diff", few, more, "--fail-on", "gained")
    assert found.code == 1
    assert "Permission sets that people of IAM Identity Center gained: 1; lost: 0." in found.err
    assert cli("diff", more, few, "--fail-on", "lost").code == 1
    assert cli("diff", more, few, "--fail-on", "gained").code == 0
    assert cli("diff", few, more, "--fail-on", "lost").code == 0
