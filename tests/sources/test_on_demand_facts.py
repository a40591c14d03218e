"""Facts about the whole account, read beside each other; each that cannot be had is Missing by itself."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from iamtui.account.model import ROOT_ROW, Account, Known, Missing
from iamtui.aws.connection import Connection
from iamtui.sources import on_demand_facts
from iamtui.sources.demo import demo_connection, load_demo_account
from iamtui.sources.on_demand_facts import load_account_facts, load_last_accessed
from tests.support.canned_aws import ACCOUNT, GOOD, REPORT, CannedAws
from tests.support.fault_proxy import FaultProxy, error
from tests.support.live_account import load_live
from tests.support.moto_server import MotoServer

ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"


def connect(url: str) -> Connection:
    return Connection.open(profile=None, region="us-east-1", endpoint_url=url)


@pytest.fixture
def account(moto: MotoServer) -> Account:
    iam = moto.client("iam")
    iam.create_user(UserName="alice")
    iam.create_access_key(UserName="alice")
    iam.update_account_password_policy(MinimumPasswordLength=14, RequireSymbols=True, PasswordReusePrevention=24)
    return load_live(connect(moto.url))


def value(fact: Any) -> Any:
    assert isinstance(fact, Known), fact
    return fact.value


def test_everything_that_moto_can_say(moto: MotoServer, account: Account) -> None:
    loaded = load_account_facts(connect(moto.url), account)

    assert value(loaded.summary)["Users"] == 1
    policy = value(loaded.password_policy)
    assert (policy.minimum_length, policy.symbols, policy.numbers, policy.reuse_prevention) == (14, True, False, 24)
    assert value(loaded.server_certificates) == ()
    (row,) = value(loaded.credential_report).rows
    assert (row.user, row.login_profile, row.mfa_devices, len(row.access_keys)) == ("alice", None, (), 1)
    # moto says "not_supported".
    assert (row.access_keys[0].last_service, row.access_keys[0].last_region) == ("", "")
    (alice,) = loaded.users
    assert [key.status for key in value(alice.access_keys)] == ["Active"]
    assert (alice.mfa_devices, alice.login_profile) == (Known(()), Known(None))
    assert loaded.gaps == account.gaps


def test_an_account_without_a_password_policy_has_none(moto: MotoServer, account: Account) -> None:
    moto.client("iam").delete_account_password_policy()
    assert load_account_facts(connect(moto.url), account).password_policy == Known(None)


@pytest.mark.parametrize(
    ("operation", "fact"),
    [
        ("GetAccountSummary", "summary"),
        ("GetAccountPasswordPolicy", "password_policy"),
        ("ListServerCertificates", "server_certificates"),
        ("GenerateCredentialReport", "credential_report"),
        ("GetCredentialReport", "credential_report"),
    ],
)
def test_what_is_denied_is_missing_with_its_permission(
    fault_proxy: FaultProxy, account: Account, operation: str, fact: str
) -> None:
    fault_proxy.on(operation, error(403, "AccessDenied"))

    loaded = load_account_facts(connect(fault_proxy.url), account)

    assert getattr(loaded, fact) == Missing("access denied", f"iam:{operation}")
    others = {"summary", "password_policy", "server_certificates", "credential_report"} - {fact}
    assert all(isinstance(getattr(loaded, other), Known) for other in others)
    assert isinstance(loaded.users[0].access_keys, Known)


def test_aliases_of_keys_that_do_not_come_are_a_gap() -> None:
    aws = CannedAws()
    aws.wrong["kms", "ListAliases"] = b"[]"

    loaded = load_account_facts(aws.connection, load_live(aws.connection))

    (gap,) = loaded.gaps
    assert (gap.what, gap.permission) == ("aliases of KMS keys in eu-west-1", "kms:ListAliases")
    assert loaded.kms_aliases == {}


def test_credentials_that_ended_leave_everything_missing(fault_proxy: FaultProxy, account: Account) -> None:
    fault_proxy.on("*", error(403, "ExpiredToken"))

    loaded = load_account_facts(connect(fault_proxy.url), account)

    assert "expired" in loaded.summary.reason  # type: ignore[union-attr]
    assert isinstance(loaded.users[0].access_keys, Missing)


@pytest.mark.slow
def test_a_permission_that_nobody_has_is_not_asked_for_again_and_again(
    fault_proxy: FaultProxy, moto: MotoServer, account: Account
) -> None:
    for number in range(40):
        moto.client("iam").create_user(UserName=f"u{number}")
    many = load_live(connect(moto.url))
    fault_proxy.on("ListMFADevices", error(403, "AccessDenied"))

    loaded = load_account_facts(connect(fault_proxy.url), many)

    assert all(user.mfa_devices == Missing("access denied", "iam:ListMFADevices") for user in loaded.users)
    # Those that were under way when the fifth was refused may come on top.
    assert fault_proxy.operations().count("ListMFADevices") <= 5 + 8
    assert fault_proxy.operations().count("GetLoginProfile") == 41


def test_what_is_known_is_not_asked_for() -> None:
    aws = CannedAws()
    account = load_account_facts(aws.connection, load_live(aws.connection))
    aws.asked.clear()

    assert load_account_facts(aws.connection, account) == account
    assert aws.asked == []


def test_many_users_are_known_from_the_report_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_demand_facts, "_MOST_USERS", 0)
    aws = CannedAws()

    loaded = load_account_facts(aws.connection, load_live(aws.connection))

    (alice,) = loaded.users
    assert isinstance(alice.access_keys, Missing)
    assert "more than 0 users" in alice.access_keys.reason
    assert ("iam", "ListAccessKeys") not in aws.asked
    reported = loaded.with_report(alice)
    assert [key.status for key in value(reported.access_keys)] == ["Active"]
    assert reported.mfa_devices == Known(())
    assert value(reported.login_profile).created is not None
    root = value(loaded.credential_report).row(ROOT_ROW)
    assert root.login_profile is None
    assert len(root.mfa_devices) == 1
    other = replace(alice, arn=f"arn:aws:iam::{ACCOUNT}:user/new/alice")
    assert loaded.with_report(other) is other


def test_a_report_that_is_being_made_is_waited_for() -> None:
    aws = CannedAws()
    states = ["STARTED", "INPROGRESS", "COMPLETE"]
    good = GOOD["iam", "GenerateCredentialReport"]
    answer = aws._answer

    def later(*, event_name: str, **call: Any) -> Any:
        if event_name.endswith("GenerateCredentialReport"):
            aws.wrong["iam", "GenerateCredentialReport"] = good.replace(b"COMPLETE", states.pop(0).encode())
        return answer(event_name=event_name, **call)

    connection = Connection.with_stub(later, access_key_id="AKIAIOSFODNN7EXAMPLE", secret_access_key="x", region="r-1")
    account = load_live(connection)

    assert isinstance(load_account_facts(connection, account, waits=(0, 0)).credential_report, Known)
    assert states == []


def test_a_report_that_is_never_ready_is_given_up() -> None:
    aws = CannedAws()
    aws.wrong["iam", "GenerateCredentialReport"] = GOOD["iam", "GenerateCredentialReport"].replace(
        b"COMPLETE", b"INPROGRESS"
    )

    fact = load_account_facts(aws.connection, load_live(aws.connection), waits=(0, 0)).credential_report

    assert fact == Missing("the credential report was not ready in time", "iam:GenerateCredentialReport")


@pytest.mark.parametrize(
    "wrong",
    [
        REPORT.replace("alice,arn", "<root_account>,arn"),
        REPORT.replace("false,true", "perhaps,true"),
        REPORT.replace("user,arn", "name,arn"),
        "",
        '"',
        REPORT + "bob\n",
        ",".join(("user", *(f"c{number}" for number in range(100)))) + "\nx" * 100,
    ],
    ids=["twice", "neither yes nor no", "no user", "empty", "cut", "short row", "wide"],
)
def test_a_report_that_is_not_one_is_missing(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from base64 import b64encode

    aws = CannedAws()
    aws.wrong["iam", "GetCredentialReport"] = GOOD["iam", "GetCredentialReport"].replace(
        b64encode(REPORT.encode()), b64encode(wrong.encode())
    )

    fact = load_account_facts(aws.connection, load_live(aws.connection)).credential_report

    assert isinstance(fact, Missing)


def test_no_user_has_hundreds_of_access_keys() -> None:
    aws = CannedAws()
    good = GOOD["iam", "ListAccessKeys"]
    key = good[good.index(b"<member>") : good.index(b"</member>") + len(b"</member>")]
    aws.wrong["iam", "ListAccessKeys"] = good.replace(key, key * 300)

    loaded = load_account_facts(aws.connection, load_live(aws.connection))

    (alice,) = loaded.users
    assert isinstance(alice.access_keys, Missing)
    assert "300 keys" in alice.access_keys.reason
    assert aws.asked.count(("iam", "GetAccessKeyLastUsed")) == 0


def test_the_last_use_of_services() -> None:
    aws = CannedAws()
    account = load_live(aws.connection)

    loaded, missing = load_last_accessed(aws.connection, account, [ALICE])

    s3, sqs = loaded.last_accessed[ALICE].services
    assert s3.last_used is not None
    assert list(s3.actions) == ["PutObject"]
    assert (sqs.last_used, sqs.actions) == (None, {})
    assert missing == {}


def test_a_job_that_fails_says_so() -> None:
    aws = CannedAws()
    pair = ("iam", "GetServiceLastAccessedDetails")
    aws.wrong[pair] = GOOD[pair].replace(b"COMPLETED", b"FAILED")

    _, missing = load_last_accessed(aws.connection, load_live(aws.connection), [ALICE])

    assert "could not" in missing[ALICE].reason


def test_a_load_can_be_cancelled() -> None:
    aws = CannedAws()
    account = load_live(aws.connection)

    def cancel(_what: str, done: int, _waiting: str = "") -> None:
        if done:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        load_account_facts(aws.connection, account, cancel)


def test_the_seeded_moto_says_what_the_demo_says() -> None:
    """In a process of its own: moto's reset, which other tests make, empties the demo's backends too."""
    code = f"from {__name__} import hold_moto_against_the_demo as hold; hold()"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def hold_moto_against_the_demo() -> None:
    demo = load_demo_account()
    unread = Missing("not loaded")
    empty = replace(demo, password_policy=unread, server_certificates=unread, credential_report=unread)

    loaded = load_account_facts(demo_connection(), empty)

    assert loaded.password_policy == demo.password_policy
    names = [[one.arn for one in value(fact)] for fact in (loaded.server_certificates, demo.server_certificates)]
    assert names[0] == names[1]
    rows = {row.user: row for row in value(loaded.credential_report).rows}
    for row in value(demo.credential_report).rows:
        if row.user != ROOT_ROW:
            found = rows[row.user]
            assert (found.login_profile is None, len(found.access_keys)) == (
                row.login_profile is None,
                len(row.access_keys),
            )
