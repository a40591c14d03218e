"""SCPs and RCPs of a member account: read with another profile, with a role, or from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iamtui import paths
from iamtui.account.model import Account
from iamtui.questions.question import Question
from iamtui.sources.organization import RCP, SCP
from iamtui.workspace.ask.questions import as_command
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import OrganizationSource, SourceInfo, SourceKind, Workspace
from tests.sources.test_faults import HTML, OTHER_XML
from tests.support import wording
from tests.support.cli_runner import Cli, Result
from tests.support.company import MANAGEMENT_KEYS, Company, write_profiles
from tests.support.fault_proxy import Answer, Fault, FaultProxy, Reset, Truncate, json_error
from tests.support.moto_server import MotoServer, allow, policy
from tests.support.slow import one_quick

OPERATIONS = (
    "DescribeOrganization",
    "DescribeAccount",
    "ListParents",
    "DescribeOrganizationalUnit",
    "ListRoots",
    "ListPoliciesForTarget",
    "DescribePolicy",
    "ListDelegatedAdministrators",
)

FAULTS: dict[str, Fault] = {
    "{}": Answer(200, b"{}", "application/x-amz-json-1.1"),
    "HTML": Answer(200, HTML, "text/html"),
    "other XML": Answer(200, OTHER_XML),
    "nothing": Answer(200, b""),
    "list": Answer(200, b"[]", "application/x-amz-json-1.1"),
    "cut": Truncate(20),
    "reset": Reset(),
    "denied": json_error(400, "AccessDeniedException"),
    "failed inside": json_error(500, "ServiceException"),
}

QUESTION = ("can", "user/alice", "sqs:DeleteQueue", "--on", "*", "--without", "resource")


@pytest.fixture
def company(moto: MotoServer, no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A member account whose user alice may do everything, under a unit that forbids to delete queues."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    found = Company(moto)
    found.enable(SCP)
    found.enable(RCP)
    found.attach(SCP, "keep-queues", found.unit, policy({"Effect": "Deny", "Action": "sqs:Delete*", "Resource": "*"}))
    keys = found.keys(found.member)
    iam = found.client("iam", keys)
    iam.create_user(UserName="alice")
    iam.put_user_policy(UserName="alice", PolicyName="all", PolicyDocument=policy(allow("*")))
    write_profiles(no_aws_settings, member=keys, management=MANAGEMENT_KEYS, other=found.keys("999999999999"))
    return found


@pytest.fixture
def ask(cli: Cli, company: Company, fault_proxy: FaultProxy) -> Ask:
    return Ask(cli, fault_proxy)


class Ask:
    """Asks as the member account, over the proxy."""

    def __init__(self, cli: Cli, proxy: FaultProxy) -> None:
        self._cli, self._proxy = cli, proxy

    def __call__(self, *options: str) -> Result:
        where = ("--profile", "member", "--endpoint-url", self._proxy.url, "--no-cache")
        return self._cli(*QUESTION, *where, *options)


def config(text: str, mode: int = 0o600) -> None:
    file = paths.config_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)


def test_without_another_profile_the_layer_is_not_evaluated(ask: Ask) -> None:
    found = ask()
    assert found.code == 0
    assert "SCP, RCP not evaluated" in found.out.splitlines()[0]
    assert "--organization-profile" in found.err


@pytest.mark.slow
def test_another_profile_reads_what_the_accounts_own_credentials_may_not(ask: Ask, fault_proxy: FaultProxy) -> None:
    found = ask("--organization-profile", "management")
    assert found.code == 1, found
    assert "keep-queues / statement 1 at level 1 (Prod [red])" in found.out
    assert "Not loaded" not in found.err
    assert fault_proxy.operations().count("GetCallerIdentity") == 2, "whose each of the two is"


def test_the_config_names_it_too(ask: Ask) -> None:
    config('[organization]\nprofile = "management"\n')
    assert ask().code == 1


def test_a_profile_that_is_not_there_is_refused_where_the_user_named_it(ask: Ask) -> None:
    ask("--organization-profile", "managment").failed_with("(managment) could not be found")
    config('[organization]\nprofile = "managment"\n')
    found = ask()
    assert found.code == 0
    assert "The organization was not read: The config profile (managment) could not be found." in found.err


def test_an_organization_that_does_not_list_the_account_is_not_taken(ask: Ask, company: Company) -> None:
    company.client("organizations", company.keys("999999999999")).create_organization(FeatureSet="ALL")
    found = ask("--organization-profile", "other")
    assert found.code == 0
    assert wording.AS_LOADED in found.out
    assert f"does not list the account {company.member}" in found.err


def test_credentials_of_another_partition_are_not_used(ask: Ask, fault_proxy: FaultProxy) -> None:
    said = "<GetCallerIdentityResponse><GetCallerIdentityResult><UserId>U</UserId><Account>123456789012</Account>"
    said += "<Arn>arn:aws-cn:iam::123456789012:user/x</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"
    first: list[str] = []

    def second_caller(call: Any) -> Fault | None:
        if call.operation != "GetCallerIdentity":
            return None
        first.append(call.operation)
        return Answer(200, said.encode()) if len(first) > 1 else None

    fault_proxy.rules.append(second_caller)
    found = ask("--organization-profile", "management")
    assert found.code == 0
    assert "the credentials are of the partition aws-cn" in found.err


def test_own_credentials_that_may_read_it_are_enough(cli: Cli, company: Company, fault_proxy: FaultProxy) -> None:
    where = ("--profile", "management", "--organization-profile", "member", "--endpoint-url", fault_proxy.url)
    found = cli("list", "users", *where, "--no-cache")
    assert found.code == 0
    assert "Not loaded" not in found.err
    assert fault_proxy.operations().count("GetCallerIdentity") == 1


@one_quick("operation", [*OPERATIONS])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.usefixtures("quick_retries")
def test_an_answer_that_is_none_costs_the_layer_and_never_the_account(
    ask: Ask, fault_proxy: FaultProxy, operation: str, fault: Fault
) -> None:
    fault_proxy.on(operation, fault)
    found = ask("--organization-profile", "management")
    assert "Traceback" not in found.err
    assert fault_proxy.operations().count(operation) > 0
    if operation == "ListDelegatedAdministrators":
        # What it says decides nothing here.
        assert found.code == 1
    else:
        assert (found.code, "SCP, RCP not evaluated" in found.out) == (0, True), found


def test_a_command_of_its_profile_runs_only_where_the_user_named_it(
    ask: Ask, no_aws_settings: Path, tmp_path: Path
) -> None:
    ran, given = tmp_path / "ran", tmp_path / "given.json"
    given.write_text(
        json.dumps({"Version": 1, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "wJalrXUtnFEMIexample"})
    )
    command = f"sh -c 'touch {ran}; cat {given}'"
    (no_aws_settings / "config").write_text(f"[profile program]\ncredential_process = {command}\n")
    config('[organization]\nprofile = "program"\n')

    found = ask()
    assert found.code == 0
    assert not ran.exists()
    assert "Name it with --organization-profile" in found.err or "Nobody named the profile" in found.err

    found = ask("--organization-profile", "program")
    assert ran.exists()
    assert "The profile program runs this command for its credentials" in found.err
    assert found.code == 1


def test_an_endpoint_of_its_profile_is_not_followed(ask: Ask, no_aws_settings: Path, moto: MotoServer) -> None:
    elsewhere = FaultProxy(moto)
    try:
        (no_aws_settings / "config").write_text(f"[profile management]\nendpoint_url = {elsewhere.url}\n")
        assert ask("--organization-profile", "management").code == 1
        assert elsewhere.calls == []
    finally:
        elsewhere.stop()


@pytest.mark.slow
def test_a_role_of_the_config_is_assumed_for_it(ask: Ask, fault_proxy: FaultProxy) -> None:
    role = 'role = "arn:aws:iam::123456789012:role/reader"\n'
    config(f"[organization]\n{role}")
    assert ask().code == 1
    assert fault_proxy.operations().count("AssumeRole") == 1

    config(f"[organization]\n{role}", 0o666)
    found = ask()
    assert found.code == 0
    assert "organization.role is ignored, because others could have written it" in found.err
    assert fault_proxy.operations().count("AssumeRole") == 1


def test_a_role_that_may_not_be_assumed_costs_the_layer(ask: Ask, fault_proxy: FaultProxy) -> None:
    config('[organization]\nrole = "arn:aws:iam::123456789012:role/reader"\n')
    fault_proxy.on("AssumeRole", json_error(403, "AccessDenied"))
    found = ask()
    assert found.code == 0
    assert "The organization was not read" in found.err


def test_a_file_says_it_in_place_of_aws(ask: Ask, cli: Cli, tmp_path: Path, fault_proxy: FaultProxy) -> None:
    file, where = tmp_path / "all.json", ("--organization-profile", "management")
    cli("snapshot", file, "--profile", "member", "--endpoint-url", fault_proxy.url, *where, "--no-cache")
    assert ask("--organization", str(file)).code == 1
    other = json.loads(file.read_text())
    other["organization"]["path"][-1]["id"] = "111111111111"
    file.write_text(json.dumps({"organization": other["organization"]}))
    ask("--organization", str(file)).failed_with("does not list the account", "111111111111")
    ask("--organization", str(tmp_path / "none.json")).failed_with("none.json does not exist", "the-organization")
    ask("--organization", str(file), *where).failed_with("--organization and --organization-profile cannot be combined")


@pytest.mark.slow
def test_a_cached_account_gets_what_it_lacks_and_keeps_nothing_of_a_file(
    cli: Cli, company: Company, moto: MotoServer, tmp_path: Path
) -> None:
    where, file = ("--profile", "member", "--endpoint-url", moto.url), tmp_path / "account.json"
    management = ("--organization-profile", "management")
    cli("snapshot", file, *where, *management, "--no-cache")
    assert cli(*QUESTION, *where, "--organization", str(file)).code == 1
    assert "Nothing of this account is in the cache" in cli(*QUESTION, *where, "--cached").err

    assert cli(*QUESTION, *where).code == 0
    lacking = cli(*QUESTION, *where, "--cached")
    assert ("CACHED" in lacking.err, lacking.code) == (True, 0)
    found = cli(*QUESTION, *where, "--cached", *management)
    assert ("CACHED" in found.err, found.code) == (True, 1)


@pytest.mark.parametrize("source", [("--demo",), ("--snapshot", "account.json")], ids=" ".join)
def test_what_cannot_be_combined(cli: Cli, source: tuple[str, ...]) -> None:
    cli("list", "users", *source, "--organization-profile", "x").failed_with(source[0], "cannot be combined")
    cli("list", "users", "--demo", "--organization", "x").failed_with("--demo", "cannot be combined")
    cli("list", "users", "--organization", " ").failed_with("--organization is empty")


def test_copy_as_command_names_it_as_the_user_did() -> None:
    def words(where: OrganizationSource) -> str:
        source = SourceInfo(SourceKind.LIVE, "live", profile="member", organization=where)
        workspace = Workspace(Account("999999999999"), source)
        principal = resolve_principal(workspace, "arn:aws:iam::123456789012:role/x")
        return as_command(workspace, principal, Question("s3:GetObject", "*"))

    assert "--profile member --organization-profile management" in words(
        OrganizationSource(profile="management", profile_named=True)
    )
    assert "--organization" not in words(OrganizationSource(profile="management", role="arn:aws:iam::1:role/x"))
    assert "--organization org.json" in words(OrganizationSource(file="org.json"))


@pytest.mark.slow
def test_the_snapshot_answers_as_the_account_did(cli: Cli, company: Company, moto: MotoServer, tmp_path: Path) -> None:
    file, redacted = tmp_path / "account.json", tmp_path / "redacted.json"
    where = ("--profile", "member", "--endpoint-url", moto.url, "--organization-profile", "management", "--no-cache")
    assert cli("snapshot", file, *where).code == 0
    assert json.loads(file.read_text())["organization"]["path"][1]["scps"][-1]["name"] == "keep-queues"
    assert cli(*QUESTION, "--snapshot", file).code == 1
    assert cli("snapshot", redacted, "--redact", *where).code == 0
    text = redacted.read_text()
    assert json.loads(text)["organization"]["path"][0]["type"] == "ROOT"
    for name in (company.id, company.member, company.unit, "Prod [red]", "keep-queues"):
        assert name not in text
