"""`iamtui list` and `iamtui show`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from iamtui.account.snapshot_writer import snapshot_of
from tests.support.cli_runner import Cli
from tests.support.fault_proxy import FaultProxy, error
from tests.support.moto_server import MotoServer, allow, policy, trust
from tests.support.sample_account import sample_account


def test_list_prints_a_table_and_counts_on_stderr(cli: Cli, snapshot: str) -> None:
    result = cli("list", "users", "--snapshot", snapshot)
    assert result.code == 0
    assert result.out.splitlines()[0].split() == ["NAME", "CREATED", "LAST", "USED", "PATH"]
    assert [line.split()[0] for line in result.out.splitlines()[1:]] == ["alice", "bob", "carol", "ci-deploy"]
    assert result.err.splitlines()[-1] == "4 users."


def test_providers_have_a_column_for_their_type(cli: Cli) -> None:
    lines = [line.split() for line in cli("list", "providers", "--demo").out.splitlines()]
    assert lines[0] == ["NAME", "CREATED", "TYPE"]
    assert ["token.actions.githubusercontent.com", "2024-04-15", "OIDC"] in lines


@pytest.mark.parametrize("kind", ["groups", "policies", "instance-profiles"])
def test_a_kind_without_a_last_use_has_no_column_for_it(cli: Cli, snapshot: str, kind: str) -> None:
    heads, *rows = cli("list", kind, "--snapshot", snapshot).out.splitlines()
    assert heads.split() == ["NAME", "CREATED", "PATH"]
    assert {len(row.split()) for row in rows} == {3}


def test_one_of_a_kind_is_counted_in_the_singular(cli: Cli, snapshot: str, tmp_path: Path) -> None:
    said = [cli("list", kind, "--snapshot", snapshot).err for kind in ("instance-profiles", "providers")]
    assert [err.splitlines()[-1] for err in said] == ["1 instance profile.", "1 provider."]
    record = json.loads(Path(snapshot).read_text())
    record["Policies"] = record["Policies"][:1]
    file = tmp_path / "account.json"
    file.write_text(json.dumps(record))
    assert cli("list", "policies", "--snapshot", file).err.splitlines()[-1] == "1 policy."


@pytest.mark.parametrize("kind", ["users", "groups", "roles", "policies", "instance-profiles", "providers"])
def test_list_json_has_the_documented_keys(cli: Cli, snapshot: str, kind: str) -> None:
    for entry in cli("list", kind, "--json", "--snapshot", snapshot).json:
        assert {"kind", "name", "arn", "id", "path", "created", "last_used", "tags"} == set(entry) - {"missing"}


def test_list_json_says_what_the_source_lacks(cli: Cli, snapshot: str) -> None:
    users = {user["name"]: user for user in cli("list", "users", "--json", "--snapshot", snapshot).json}
    assert users["alice"]["last_used"] is not None
    assert "missing" not in users["alice"]
    assert users["carol"]["last_used"] is None
    assert {entry["what"] for entry in users["carol"]["missing"]} == {"password_last_used", "access_keys"}


def test_a_list_that_is_not_loaded_is_not_empty(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    record = snapshot_of(sample_account())
    del record["identity_providers"]
    file.write_text(json.dumps(record))
    cli("list", "providers", "--snapshot", file).failed_with("The providers of this account are not known")


def test_unknown_last_use_is_not_never(cli: Cli, snapshot: str) -> None:
    lines = cli("list", "users", "--snapshot", snapshot).out.splitlines()
    assert "unknown" in next(line for line in lines if line.startswith("carol"))


@pytest.mark.parametrize(
    "name", ["user/bob", "user/data/bob", "bob", "AIDABOB0000000000001", "arn:aws:iam::123456789012:user/data/bob"]
)
def test_show_finds_by_every_name(cli: Cli, snapshot: str, name: str) -> None:
    result = cli("show", name, "--snapshot", snapshot)
    assert result.code == 0
    assert result.out.startswith("user/bob\n  arn:aws:iam::123456789012:user/data/bob\n")


def test_show_prints_facts_and_numbered_documents(cli: Cli, snapshot: str) -> None:
    out = cli("show", "role/deploy-prod", "--snapshot", snapshot).out
    assert "longest session     7200 seconds" in out
    assert "attached            arn:aws:iam::123456789012:policy/data/data-lake-read" in out
    assert "  trust policy\n     1  {\n" in out
    assert "  inline policy deploy\n" in out
    assert "documents" not in out


def test_show_json_is_the_whole_record(cli: Cli, snapshot: str) -> None:
    record = cli("show", "user/alice", "--json", "--snapshot", snapshot).json
    assert record["groups"] == ["admins", "analysts"]
    assert record["access_keys"][0]["id"] == "AKIAALICE00000000001"
    assert record["tags"] == {"team": "platform", "cost-center": "4711"}
    role = cli("show", "role/deploy-prod", "--json", "--snapshot", snapshot).json
    assert role["trust_policy"]["document"]["Statement"][0]["Sid"] == "Humans"
    found = cli("show", "policy/data-lake-read", "--json", "--snapshot", snapshot).json
    assert [version["id"] for version in found["versions"]] == ["v2", "v1"]
    assert len(found["attached_to"]) == 3
    group = cli("show", "group/analysts", "--json", "--snapshot", snapshot).json
    assert group["members"] == ["alice", "bob"]


def test_a_document_that_is_no_json_is_marked_and_all_else_loads(cli: Cli, snapshot: str) -> None:
    record = cli("show", "ci-deploy", "--json", "--snapshot", snapshot).json
    good, broken = record["inline_policies"]
    assert good["document"]["Statement"]
    assert broken["document"] is None
    assert "line 1" in broken["unreadable"]
    out = cli("show", "ci-deploy", "--snapshot", snapshot).out
    assert "inline policy broken  [x] unreadable" in out
    asked = cli("can", "ci-deploy", "s3:GetObject", "-o", "jsonl", "--snapshot", snapshot)
    assert asked.code == 3
    assert "broken" in json.dumps(asked.json["depends_on"])
    assert cli("list", "users", "--snapshot", snapshot).code == 0


def test_a_policy_whose_document_is_not_known_says_so(cli: Cli, snapshot: str) -> None:
    record = cli("show", "policy/ops-runbooks", "--json", "--snapshot", snapshot).json
    assert record["versions"] is None
    assert {"what": "versions", "reason": "not loaded", "permission": "iam:GetPolicyVersion"} in record["missing"]


def test_an_ambiguous_name_lists_what_has_it(cli: Cli, snapshot: str) -> None:
    cli("show", "web-server", "--snapshot", snapshot).failed_with(
        "web-server names 2 things.", "role/web-server or instance-profile/web-server"
    )


def test_an_unknown_name_lists_the_nearest(cli: Cli, snapshot: str) -> None:
    cli("show", "alise", "--snapshot", snapshot).failed_with("named alise", "Nearest: user/alice")


def test_hostile_names_are_shown_harmlessly(cli: Cli, tmp_path: Path) -> None:
    record = snapshot_of(sample_account())
    record["RoleDetailList"][0]["Tags"] = [{"Key": "k\x1b]52;c;cHduZWQ=\x07", "Value": "v\u202e"}]
    record["UserDetailList"][0]["Path"] = "/\x1b[2J/"
    file = tmp_path / "evil.json"
    file.write_text(json.dumps(record))
    for words in (("list", "users"), ("show", "alice"), ("show", "role/deploy-prod")):
        for more in ((), ("--json",)):
            result = cli(*words, *more, "--snapshot", file)
            assert result.code == 0
            assert "\x1b" not in result.out + result.err
            assert "\u202e" not in result.out + result.err


@pytest.mark.usefixtures("quick_retries")
def test_show_asks_a_live_account_for_the_users_keys(cli: Cli, moto: MotoServer, fault_proxy: FaultProxy) -> None:
    client = moto.client("iam")
    client.create_user(UserName="dora")
    client.create_access_key(UserName="dora")
    client.create_role(RoleName="r", AssumeRolePolicyDocument=trust())
    client.put_user_policy(UserName="dora", PolicyName="p", PolicyDocument=policy(allow("s3:*")))
    record = cli("show", "dora", "--json", "--endpoint-url", fault_proxy.url)
    assert "NOT AWS" in record.err
    assert len(record.json["access_keys"]) == 1
    fault_proxy.on("ListAccessKeys", error(403, "AccessDenied"))
    denied = cli("show", "dora", "--json", "--endpoint-url", fault_proxy.url)
    assert denied.code == 0
    assert denied.json["access_keys"] is None
    assert "access_keys" in {entry["what"] for entry in denied.json["missing"]}


def test_last_use_is_said_only_of_what_has_one(cli: Cli, snapshot: str) -> None:
    assert "last used" not in cli("show", "policy/data-lake-read", "--snapshot", snapshot).out
    assert "last used           unknown: " in cli("show", "carol", "--snapshot", snapshot).out


def test_the_last_use_of_services_where_it_is_known(cli: Cli) -> None:
    shown = cli("show", "role/deploy-prod", "--demo").out
    assert re.search(r"services used +ecr  last used 2026-11-23T\S+ in eu-west-1", shown)
    assert re.search(r"\n +kms  never used\n", shown)
    (found,) = [
        use
        for use in cli("show", "role/deploy-prod", "--json", "--demo").json["services_last_used"]
        if use["service"] == "lambda"
    ]
    assert found["actions"]["PublishVersion"] is None
    assert "services_last_used" not in cli("show", "role/ops-readonly", "--json", "--demo").json


def test_show_explains_what_a_thing_is_and_means_in_this_account(cli: Cli) -> None:
    result = cli("show", "role/deploy-prod", "--explain", "--demo")
    assert result.code == 0
    text = " ".join(result.out.split())
    assert text.startswith("role/deploy-prod a role")
    assert "A role is an identity without credentials of its own." in text
    assert "In this account Its trust policy names" in text
    refused = cli("show", "role/deploy-prod", "--explain", "--json", "--demo")
    assert refused.code == 2
    assert "exclude each other" in refused.err


def test_the_scps_and_rcps_with_where_each_is_attached(cli: Cli) -> None:
    listed = cli("list", "organization", "--demo")
    assert listed.code == 0
    assert listed.out.splitlines()[6].split() == ["Workloads", "SCP", "region-fence", "ou-pf7n-72da24fd"]
    entries = cli("list", "organization", "--demo", "--json").json
    assert len(entries) == 14
    assert entries[5] == {
        "kind": "scp",
        "name": "region-fence",
        "arn": "arn:aws:organizations::555566667777:policy/o-pf7nparcel/service_control_policy/p-23487747b0",
        "attached_to": {"id": "ou-pf7n-72da24fd", "name": "Workloads", "type": "ORGANIZATIONAL_UNIT"},
    }


def test_one_of_them_with_its_document(cli: Cli) -> None:
    shown = cli("show", "scp/region-fence", "--demo")
    assert shown.code == 0
    assert "attached to         Workloads (ou-pf7n-72da24fd)" in shown.out
    assert '"aws:RequestedRegion"' in shown.out
    everywhere = cli("show", "scp/FullAWSAccess", "--demo", "--json").json
    assert [one["name"] for one in everywhere["attached_to"]] == ["Root", "Workloads", "Production"]
    assert everywhere["document"]["Statement"][0]["Effect"] == "Allow"
    assert cli("show", everywhere["arn"], "--demo").out.startswith("scp/FullAWSAccess")
    cli("show", "scp/none", "--demo").failed_with("Nothing in this account is named scp/none")


def organization_of(cli: Cli, folder: Path, organization: object) -> str:
    file = folder / "account.json"
    file.unlink(missing_ok=True)
    cli("snapshot", file, "--demo")
    found = json.loads(file.read_text())
    del found["organization"]
    if organization is not ...:
        found["organization"] = organization
    file.write_text(json.dumps(found))
    return str(file)


def test_an_organization_that_is_not_known_is_not_none(cli: Cli, tmp_path: Path) -> None:
    unknown = organization_of(cli, tmp_path, ...)
    cli("list", "organization", "--snapshot", unknown).failed_with("is not known", "--organization-profile")
    nowhere = cli("list", "organization", "--snapshot", organization_of(cli, tmp_path, None), "--json")
    assert (nowhere.code, nowhere.json) == (0, [])
    assert "Account 111122223333 is in no organization: no SCP or RCP applies." in nowhere.err
    level = {"id": "111122223333", "name": "prod", "type": "ACCOUNT", "scps": None, "rcps": []}
    organization = {"id": "o-x", "management_account": "111122223333", "path": [level]}
    partly = cli("list", "organization", "--snapshot", organization_of(cli, tmp_path, organization), "--json")
    assert partly.code == 3
    assert [(one["name"], one["missing"][0]["what"]) for one in partly.json] == [(None, "scps")]
    assert "Account 111122223333 is the management account: SCPs and RCPs do not bind it." in partly.err
