"""The people behind roles of IAM Identity Center, as the commands name them."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest

from iamtui.workspace.source import inventory
from tests.support.cli_runner import Cli
from tests.support.company import MANAGEMENT_KEYS, Company, write_profiles
from tests.support.fault_proxy import FaultProxy, json_error
from tests.support.moto_server import MotoServer
from tests.support.sign_in_people import SSO_ROLE, add_people, add_role

DENIED = json_error(400, "AccessDeniedException")


@pytest.fixture
def url(moto: MotoServer, fault_proxy: FaultProxy) -> str:
    add_role(moto.client("iam"))
    add_people(moto)
    return fault_proxy.url


def test_show_names_the_permission_set_and_the_people(cli: Cli, url: str) -> None:
    found = cli("show", SSO_ROLE, "--json", "--endpoint-url", url).json
    assert found["permission_set"]["name"] == "Developer"
    assert found["permission_set"]["session_duration"] == "PT8H"
    assert [(one["name"], one["user_name"], one["groups"]) for one in found["people"]] == [
        ("Ana Ruiz", "ana@corp.example", ["Devs"]),
        ("Ben [red]", "ben", ["Devs"]),
    ]
    assert "people_not_known" not in found
    text = cli("show", SSO_ROLE, "--endpoint-url", url).out
    assert "Developer, sessions of PT8H" in text
    assert "Ana Ruiz (ana@corp.example), by Devs" in text
    assert "Ben [red] (ben), by Devs" in text
    explained = " ".join(cli("show", SSO_ROLE, "--explain", "--endpoint-url", url).out.split())
    assert "It represents the permission set Developer" in explained
    assert "Who can sign in to it: Ana Ruiz (ana@corp.example), Ben [red] (ben)." in explained


def test_who_can_names_the_people_when_asked_to(cli: Cli, url: str, fault_proxy: FaultProxy) -> None:
    asked = ("who-can", "sqs:SendMessage", "--endpoint-url", url)
    assert "people" not in cli(*asked).out
    assert not [call for call in fault_proxy.calls if call.operation == "ListInstances"]
    assert "people: Ana Ruiz (ana@corp.example), Ben [red] (ben)" in cli(*asked, "--people").out
    (row,) = cli(*asked, "--people", "-o", "jsonl").json_lines
    assert [one["user_name"] for one in row["people"]] == ["ana@corp.example", "ben"]


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("ListPermissionSetsProvisionedToAccount", "sso:ListPermissionSetsProvisionedToAccount"),
        ("ListInstances", "sso:ListInstances"),
    ],
)
def test_what_may_not_be_read_is_unknown_and_named(
    cli: Cli, url: str, fault_proxy: FaultProxy, operation: str, permission: str
) -> None:
    fault_proxy.on(operation, DENIED)
    found = cli("show", SSO_ROLE, "--json", "--endpoint-url", url)
    assert found.json["people"] is None
    assert found.json["permission_set"] == {"name": "Developer"}
    (lacking,) = (one for one in found.json["missing"] if one["what"] == "people")
    assert lacking["permission"] == permission
    assert "management account" in lacking["reason"]
    text = " ".join(cli("show", SSO_ROLE, "--endpoint-url", url).out.split())
    assert "people unknown: access denied" in text
    assert f"(needs {permission})" in text


@pytest.mark.parametrize(
    ("operation", "people", "unknown"),
    [
        ("DescribeUser", [None, None], None),
        ("ListGroupMemberships", ["Ana Ruiz"], ["the members of Devs"]),
        ("ListAccountAssignments", [], ["whom it is assigned to"]),
    ],
)
def test_a_part_that_may_not_be_read_leaves_the_rest(
    cli: Cli, url: str, fault_proxy: FaultProxy, operation: str, people: list[str | None], unknown: list[str] | None
) -> None:
    fault_proxy.on(operation, DENIED)
    found = cli("show", SSO_ROLE, "--json", "--endpoint-url", url).json
    assert [one["name"] for one in found["people"]] == people
    assert found.get("people_not_known") == unknown


def test_a_list_counts_those_whom_one_role_has_no_room_for_and_show_names_them(
    cli: Cli, url: str, tmp_path: Path
) -> None:
    file = tmp_path / "account.json"
    assert cli("snapshot", str(file), "--endpoint-url", url).code == 0
    account = json.loads(file.read_text())
    account["identity_center"]["groups"][0]["members"] += [f"person-{number}" for number in range(1_000)]
    file.write_text(json.dumps(account))
    (row,) = cli("who-can", "sqs:SendMessage", "--snapshot", str(file), "-o", "jsonl").json_lines
    assert 50 < len(row["people"]) < 200
    assert len(row["people"]) + row["people_more"] == 1_002
    found = cli("show", SSO_ROLE, "--json", "--snapshot", str(file)).json
    assert len(found["people"]) == 1_002
    assert "people_more" not in found


def test_a_role_with_more_people_than_are_named_says_how_many(
    cli: Cli, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "_MOST_SAID", 150)
    text = cli("show", SSO_ROLE, "--endpoint-url", url).out
    assert "Ana Ruiz (ana@corp.example), by Devs" in text
    assert "and 1 more, who are not named here" in text


def test_a_snapshot_holds_them_and_a_redacted_one_holds_no_name(cli: Cli, url: str, tmp_path: Path) -> None:
    file, shared = tmp_path / "account.json", tmp_path / "shared.json"
    assert cli("snapshot", str(file), "--endpoint-url", url).code == 0
    live = cli("show", SSO_ROLE, "--json", "--endpoint-url", url).json
    kept = cli("show", SSO_ROLE, "--json", "--snapshot", str(file)).json
    assert (kept["people"], kept["permission_set"]) == (live["people"], live["permission_set"])
    assert "people: Ana Ruiz" in cli("who-can", "sqs:SendMessage", "--snapshot", str(file)).out

    assert cli("snapshot", str(shared), "--redact", "--snapshot", str(file)).code == 0
    text = shared.read_text()
    for name in ("Ana", "Ruiz", "ana@", "corp.example", "Ben", "Devs", "Developer"):
        assert name not in text
    for one in live["people"]:
        assert one["id"] not in text
    (role,) = (one["RoleName"] for one in json.loads(text)["RoleDetailList"])
    found = cli("show", role, "--json", "--snapshot", str(shared)).json
    assert len(found["people"]) == 2
    assert len({*found["people"][0]["groups"], *found["people"][1]["groups"]}) == 1
    assert found["permission_set"]["session_duration"] == "PT8H"


@pytest.mark.slow
def test_a_member_account_asks_with_the_profile_of_the_organization(
    cli: Cli, moto: MotoServer, no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = Company(moto)
    keys = company.keys(company.member)
    add_role(company.client("iam", keys))
    add_people(moto, company.member)
    write_profiles(no_aws_settings, member=keys, management=MANAGEMENT_KEYS)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    asked = ("show", SSO_ROLE, "--json", "--profile", "member", "--endpoint-url", moto.url)
    assert cli(*asked).json["people"] in (None, [])
    found = cli(*asked, "--organization-profile", "management").json
    assert [one["user_name"] for one in found["people"]] == ["ana@corp.example", "ben"]


def test_an_account_without_such_roles_is_not_asked_about(cli: Cli, moto: MotoServer, fault_proxy: FaultProxy) -> None:
    moto.client("iam").create_user(UserName="dora")
    cli("who-can", "sqs:SendMessage", "--people", "--endpoint-url", fault_proxy.url)
    assert not [call for call in fault_proxy.calls if call.operation == "ListInstances"]


@pytest.mark.slow
def test_drafts_and_advice_say_where_the_role_is_edited(cli: Cli, url: str, tmp_path: Path) -> None:
    where = ("--endpoint-url", url)
    denied = " ".join(cli("can", SSO_ROLE, "sns:Publish", *where).out.split())
    assert "Allow sns:Publish in the permission set behind" in denied
    assert "in IAM Identity Center" in denied
    draft = str(tmp_path / "change.json")
    fixed = " ".join(cli("draft", "fix", draft, SSO_ROLE, "sns:Publish", *where).err.split())
    sentence = (
        f"role/{SSO_ROLE} belongs to IAM Identity Center: make the change in its permission set Developer instead."
    )
    assert sentence in fixed
    for form in ("cli", "terraform"):
        text = cli("draft", "export", draft, "-o", form, *where).out
        assert f"# AWS refuses to change {SSO_ROLE} here: change its permission set Developer\n" in text


@pytest.mark.slow
def test_a_table_names_them_as_far_as_there_is_room(cli: Cli, url: str, tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    assert cli("snapshot", str(file), "--endpoint-url", url).code == 0
    asked = ("who-can", "sqs:SendMessage", "--snapshot", str(file), "-o")
    (row,) = csv.DictReader(StringIO(cli(*asked, "csv").out))
    assert row["people"] == "Ana Ruiz (ana@corp.example), Ben [red] (ben)"
    assert "Ana Ruiz" in cli(*asked, "markdown").out
    account = json.loads(file.read_text())
    account["identity_center"]["groups"][0]["members"] += [f"person-{number}" for number in range(1_000)]
    file.write_text(json.dumps(account))
    (row,) = csv.DictReader(StringIO(cli(*asked, "csv").out))
    assert row["people"].endswith(" and 902 more")


@pytest.mark.slow
def test_the_cache_holds_them_until_the_account_is_read_without(cli: Cli, url: str) -> None:
    asked = ("who-can", "sqs:SendMessage", "--endpoint-url", url)
    named = "people: Ana Ruiz (ana@corp.example)"
    assert named in cli(*asked, "--people").out
    assert named in cli(*asked, "--cached").out
    assert named not in cli(*asked).out


def test_diff_says_who_can_sign_in_now_and_who_no_longer(cli: Cli, url: str, tmp_path: Path) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    assert cli("snapshot", str(before), "--endpoint-url", url).code == 0
    account = json.loads(before.read_text())
    center = account["identity_center"]
    center["groups"][0]["members"].pop()
    center["permission_sets"][0]["assignees"].append({"type": "USER", "id": "new"})
    center["people"].append({"id": "new", "user_name": "cy", "display_name": "Cy Twombly"})
    center["permission_sets"].append({"arn": "arn:aws:sso:::permissionSet/x/y", "name": "Auditor", "assignees": []})
    after.write_text(json.dumps(account))
    found = cli("diff", str(before), str(after), "--json").json["entities"]
    assert [(one["kind"], one["name"], one["change"]) for one in found] == [
        ("permission set", "Developer", "changed"), ("permission set", "Auditor", "added"),
    ]  # fmt: skip
    (people,) = found[0]["details"]
    assert people.startswith("people: -")
    assert people.endswith("+Cy Twombly (cy)")
    assert "permission set Auditor" in cli("diff", str(after), str(before)).out
    # What was not read in one of them is not known to have changed.
    center["groups"][0]["members"] = None
    after.write_text(json.dumps(account))
    unread = cli("diff", str(before), str(after), "--json").json["entities"]
    assert [(one["name"], one["details"]) for one in unread] == [
        ("Developer", ["people: +Cy Twombly (cy)"]), ("Auditor", []),
    ]  # fmt: skip
    del account["identity_center"]
    after.write_text(json.dumps(account))
    nothing = cli("diff", str(before), str(after), "--json").json
    assert nothing["entities"] == []
    assert "IAM Identity Center is known in one of the snapshots only" in nothing["not_compared"][0]
