"""--org-role: every account of an organization, or of a unit, opened by assuming one role from one login."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iamtui.aws import profiles
from iamtui.aws.connection import Connection
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.secret import Secret
from iamtui.workspace.ask.questions import as_command
from iamtui.workspace.assume.revocation import plan_revocation
from iamtui.workspace.source import live_accounts
from iamtui.workspace.source.open_accounts import open_accounts
from iamtui.workspace.source.opening import keep_in_cache
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.profile_roles import as_role
from iamtui.workspace.source.snapshot_file import account_to_write, snapshot_bytes
from iamtui.workspace.source.workspace import (
    CacheUse,
    NotOpened,
    Progress,
    ProgressReport,
    SourceChoice,
    SourceKind,
    Workspace,
)
from tests.support.cli_runner import Cli
from tests.support.company import MANAGEMENT_KEYS, Company, write_profiles
from tests.support.fault_proxy import Answer, FaultProxy, error
from tests.support.moto_server import ACCOUNT, MotoServer, allow, policy, trust

ROLE = "OrganizationReader"


@pytest.fixture
def company(moto: MotoServer, no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    """The management account with a user, and a member with a role that lets that user in, under an SCP."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    found = Company(moto)
    found.enable("SERVICE_CONTROL_POLICY")
    iam = moto.client("iam")
    iam.create_user(UserName="dora")
    iam.put_user_policy(UserName="dora", PolicyName="go", PolicyDocument=policy(allow("sts:AssumeRole")))
    theirs = found.client("iam", found.keys(found.member))
    theirs.create_role(RoleName="theirs", AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/dora"}))
    write_profiles(no_aws_settings, login=MANAGEMENT_KEYS)
    return found


@pytest.fixture
def named(fault_proxy: FaultProxy) -> tuple[str, ...]:
    return ("--profile", "login", "--org-role", ROLE, "--endpoint-url", fault_proxy.url, "--region", "us-east-1")


def assumed(proxy: FaultProxy) -> list[str]:
    """The roles whose sessions were asked for, by account."""
    calls = [call for call in proxy.calls if call.operation == "AssumeRole"]
    return [call.parameters["RoleArn"] for call in calls]


def answer_with(keys: dict[str, str], lasting: timedelta) -> Answer:
    """What STS says to AssumeRole, with credentials of the test's choice."""
    end = f"{datetime.now(UTC) + lasting:%Y-%m-%dT%H:%M:%SZ}"
    body = (
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
        f"<AccessKeyId>{keys['aws_access_key_id']}</AccessKeyId>"
        f"<SecretAccessKey>{keys['aws_secret_access_key']}</SecretAccessKey>"
        f"<SessionToken>{keys['aws_session_token']}</SessionToken><Expiration>{end}</Expiration>"
        "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )
    return Answer(200, body.encode())


def test_every_account_is_opened_by_the_role_and_its_own_by_the_login(
    cli: Cli, company: Company, named: tuple[str, ...], fault_proxy: FaultProxy
) -> None:
    found = cli("list", "roles", *named, "--json")
    assert (found.code, {one["account"] for one in found.json}) == (0, {company.member})
    assert "theirs" in [one["name"] for one in found.json]
    assert assumed(fault_proxy) == [f"arn:aws:iam::{company.member}:role/{ROLE}"]
    users = cli("list", "users", *named, "--json").json
    assert [(one["account"], one["name"]) for one in users] == [(ACCOUNT, "dora")]


@pytest.mark.slow
def test_the_login_reads_the_organization_of_each_account(
    cli: Cli, company: Company, named: tuple[str, ...], fault_proxy: FaultProxy
) -> None:
    deny = policy({"Effect": "Deny", "Action": "s3:*", "Resource": "*"})
    company.attach("SERVICE_CONTROL_POLICY", "no-s3", company.unit, deny)
    theirs = company.client("iam", company.keys(company.member))
    theirs.put_role_policy(RoleName="theirs", PolicyName="all", PolicyDocument=policy(allow("*")))
    role = f"arn:aws:iam::{company.member}:role/theirs"
    answer = cli("can", role, "s3:ListAllMyBuckets", *named, "-o", "jsonl").json
    assert {layer["layer"]: layer["state"] for layer in answer["layers"]}["scp"] == "denies"
    allowed = cli("can", "dora", "sts:AssumeRole", "--on", role, *named, "-o", "jsonl").json
    assert allowed["decision"] == "allowed"


@pytest.mark.slow
@pytest.mark.parametrize("by_id", [True, False])
def test_a_unit_is_picked_by_its_name_or_id(
    cli: Cli, company: Company, named: tuple[str, ...], fault_proxy: FaultProxy, by_id: bool
) -> None:
    unit = company.unit if by_id else "Prod [red]"
    found = cli("list", "users", *named, "--org-unit", unit)
    assert (found.code, found.err.strip().splitlines()[-1]) == (0, "0 users.")
    refused = cli("list", "users", *named, "--org-unit", "prod red")
    refused.failed_with("No unit of the organization that has accounts is prod red", "Nearest: Prod [red].")


def test_an_account_that_refuses_is_named_and_the_others_are_shown(
    cli: Cli, company: Company, named: tuple[str, ...], fault_proxy: FaultProxy
) -> None:
    fault_proxy.on("AssumeRole", error(403, "AccessDenied", "not you"))
    found = cli("list", "users", *named, "--json")
    assert (found.code, [one["name"] for one in found.json]) == (3, ["dora"])
    assert f"The account {company.member} (member) could not be opened: AWS denied sts:AssumeRole" in found.err


def test_no_more_accounts_are_opened_than_memory_is_meant_for(
    cli: Cli, company: Company, named: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_accounts, "_MOST_MEMORY", -(1 << 40))
    found = cli("list", "users", *named)
    assert found.code == 2
    assert "All accounts together would take more than -1048576 MB of memory. Open fewer at once" in found.err


def test_an_account_is_given_up_that_takes_too_much_while_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = [0]
    monkeypatch.setattr(live_accounts, "_memory", lambda: memory[0])

    def read(tell: ProgressReport, _cancelled: Callable[[], bool]) -> Workspace:
        tell(Progress("users", 1_000))
        memory[0] = 1 << 30
        tell(Progress("users", 2_000))
        raise AssertionError("it is read on")

    at_once = live_accounts.AccountsAtOnce(lambda _progress: None, lambda: False, None)
    (found,) = at_once.open(["The account 111122223333"], [read])
    assert isinstance(found, NotOpened)
    assert "All accounts together would take more than 640 MB of memory" in str(found.problem)


def test_an_account_that_is_not_active_is_not_asked_for(
    cli: Cli, company: Company, named: tuple[str, ...], fault_proxy: FaultProxy
) -> None:
    company.api.close_account(AccountId=company.member)
    found = cli("list", "users", *named)
    assert found.code == 3
    assert f"The account {company.member} (member) could not be opened: It is not active: " in found.err
    assert assumed(fault_proxy) == []


def test_credentials_of_another_account_are_shown_under_no_name(
    cli: Cli, company: Company, named: tuple[str, ...], fault_proxy: FaultProxy
) -> None:
    fault_proxy.on("AssumeRole", answer_with(company.keys("555566667777"), timedelta(minutes=30)))
    found = cli("list", "roles", *named, "--json")
    assert (found.code, found.json) == (3, [])
    assert f"are of account 555566667777, and not of {company.member}" in found.err


def test_who_may_not_list_the_organization_is_told_what_to_do(
    cli: Cli, company: Company, named: tuple[str, ...], fault_proxy: FaultProxy
) -> None:
    fault_proxy.on("ListRoots", error(400, "AccessDeniedException", "no"))
    cli("list", "users", *named).failed_with(
        "The accounts of the organization cannot be listed", "organization-profile"
    )


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--org-unit", "Prod"), ("--org-unit applies only with --org-role",)),
        (("--org-role", "r", "--profile", "a", "--profile", "b"), ("--org-role applies only with one --profile",)),
        (("--org-role", "r", "--snapshot", "x"), ("--snapshot and --org-role cannot be combined",)),
        (("--org-role", "r", "--demo"), ("--demo and --org-role cannot be combined",)),
        (("--org-role", ""), ("--org-role is empty",)),
    ],
)
def test_contradictions_are_refused(cli: Cli, words: tuple[str, ...], parts: tuple[str, ...]) -> None:
    cli("list", "users", *words).failed_with(*parts)


@pytest.mark.usefixtures("company")
def test_what_is_not_a_role_name_is_refused_before_anything_is_assumed(cli: Cli, fault_proxy: FaultProxy) -> None:
    login = ("--profile", "login", "--endpoint-url", fault_proxy.url, "--region", "us-east-1")
    arn = f"arn:aws:iam::{ACCOUNT}:role/x"
    cli("list", "users", *login, "--org-role", arn).failed_with("takes the name of a role")
    cli("list", "users", *login, "--org-role", "a b").failed_with("a b is not the name of a role")
    cli("snapshot", "x.json", *login, "--org-role", "x").failed_with(
        "is about one account, and --org-role names several", "Leave"
    )
    assert assumed(fault_proxy) == []


@pytest.mark.slow
def test_a_copied_command_opens_the_same_accounts(company: Company, fault_proxy: FaultProxy) -> None:
    choice = SourceChoice(
        SourceKind.LIVE, profile="login", region="us-east-1", endpoint_url=fault_proxy.url, cache=CacheUse.NOTHING,
        org_role=ROLE,
    )  # fmt: skip
    workspace = open_accounts(choice)
    for at in (ACCOUNT, company.member):
        here = workspace.at(at)
        command = as_command(here, resolve_principal(here, "dora"), Question("s3:GetObject"))
        assert f"--profile login --org-role {ROLE} --region us-east-1" in command
    theirs = workspace.at(company.member)
    assert theirs.source.acting_as == ROLE
    plan = plan_revocation(theirs, f"arn:aws:iam::{company.member}:role/theirs", datetime.now(UTC))
    assert "--profile" not in plan.command, "the profile is of another account"
    assert f"= {company.member} ]" in plan.command


@pytest.mark.usefixtures("company")
def test_the_session_that_reads_an_account_is_kept_nowhere_else(
    company: Company, fault_proxy: FaultProxy, no_aws_settings: Path
) -> None:
    choice = SourceChoice(
        SourceKind.LIVE, profile="login", region="us-east-1", endpoint_url=fault_proxy.url, org_role=ROLE
    )
    workspace = open_accounts(choice)
    theirs = workspace.at(company.member)
    assert theirs.connection is not None
    keys = theirs.connection._keys
    assert keys is not None
    secrets = (keys.secret_access_key.reveal(), keys.session_token.reveal())
    keep_in_cache(workspace)
    kept = list((no_aws_settings / "accounts").iterdir())
    assert len(kept) == 2
    written = [file.read_bytes() for file in kept] + [snapshot_bytes(account_to_write(theirs))]
    shown = [repr(workspace), repr(theirs), repr(theirs.source), str(theirs.connection)]
    assert not [secret for secret in secrets if any(secret.encode() in data for data in written)]
    assert not [secret for secret in secrets if any(secret in text for text in shown)]


@pytest.mark.slow
@pytest.mark.usefixtures("company")
def test_a_reading_session_near_its_end_is_renewed_from_the_login(
    company: Company, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = SourceChoice(
        SourceKind.LIVE, profile="login", region="us-east-1", endpoint_url=fault_proxy.url, org_role=ROLE
    )
    theirs = open_accounts(choice).at(company.member).connection
    assert theirs is not None
    minutes = [0]
    monkeypatch.setattr(profiles, "now", lambda: datetime.now(UTC) + timedelta(minutes=minutes[0]))

    def key_of_call() -> str:
        assert theirs is not None
        theirs.call("iam", "ListRoles", dict)
        return fault_proxy.calls[-1].headers["authorization"].partition("Credential=")[2].partition("/")[0]

    first = key_of_call()
    minutes[0] = 54
    assert (key_of_call(), len(assumed(fault_proxy))) == (first, 1)
    minutes[0] = 56
    second = key_of_call()
    assert (second != first, len(assumed(fault_proxy))) == (True, 2)
    # What came is of the same account, which STS was asked before anything else.
    at = max(i for i, call in enumerate(fault_proxy.calls) if call.operation == "AssumeRole")
    assert [call.operation for call in fault_proxy.calls[at + 1 :]] == ["GetCallerIdentity", "ListRoles"]
    moved = theirs.reopened(in_same_account=True, region="eu-west-1")
    minutes[0] = 59
    fault_proxy.on("AssumeRole", error(403, "AccessDenied", "not you"))
    assert key_of_call() == second, "until it ends, the session is good"
    minutes[0] = 61
    for connection in (theirs, moved):
        with pytest.raises(Problem, match="AWS denied sts:AssumeRole"):
            connection.call("iam", "ListRoles", dict)


@pytest.mark.usefixtures("company")
def test_a_reading_session_that_is_forgotten_is_given_anew(company: Company, fault_proxy: FaultProxy) -> None:
    own = Connection.open(profile="login", region="us-east-1", endpoint_url=fault_proxy.url)
    theirs = as_role(own, f"arn:aws:iam::{company.member}:role/{ROLE}", "reader", 900)
    assert theirs.caller().account == company.member
    first = theirs._keys
    assert first is not None
    assert first.secret_access_key.reveal()
    theirs.forget_renewed()
    assert (theirs._session, theirs._clients) == (None, {})
    assert not any(secret for secret in (first.secret_access_key, first.session_token))
    theirs.call("iam", "ListRoles", dict)
    assert f"Credential={first.access_key_id}/" not in fault_proxy.calls[-1].headers["authorization"]
    assert len(assumed(fault_proxy)) == 2


def test_renewed_credentials_of_another_account_ask_for_nothing(
    company: Company, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Connection.open(profile="login", region="us-east-1", endpoint_url=fault_proxy.url)
    theirs = as_role(own, f"arn:aws:iam::{company.member}:role/{ROLE}", "reader", 900)
    assert theirs.caller().account == company.member
    monkeypatch.setattr(profiles, "now", lambda: datetime.now(UTC) + timedelta(minutes=14))
    fault_proxy.on("AssumeRole", answer_with(company.keys("555566667777"), timedelta(hours=1)))
    fault_proxy.calls.clear()
    with pytest.raises(Problem, match=f"now belong to account 555566667777; this account is {company.member}"):
        theirs.call("iam", "ListRoles", dict)
    assert "ListRoles" not in fault_proxy.operations()


@pytest.mark.parametrize(("seconds", "good_for"), [(3_600, 3_300), (900, 675), (60, 45)])
def test_keys_are_renewed_in_the_last_quarter_of_a_short_session(
    monkeypatch: pytest.MonkeyPatch, seconds: int, good_for: int
) -> None:
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    clock = [begun]
    monkeypatch.setattr(profiles, "now", lambda: clock[0])
    given: list[datetime] = []

    def give() -> tuple[profiles.Keys, datetime]:
        given.append(clock[0])
        return profiles.Keys(f"key{len(given)}", Secret("s"), Secret("t")), clock[0] + timedelta(seconds=seconds)

    keys = profiles.RenewedKeys(give)
    clock[0] = begun + timedelta(seconds=good_for - 1)
    assert keys.newest().access_key_id == "key1"
    clock[0] = begun + timedelta(seconds=good_for)
    assert [keys.newest().access_key_id, keys.newest().access_key_id] == ["key2", "key2"]
