from __future__ import annotations

import pytest

from iamtui.account.model import Account, Known, Missing
from iamtui.aws.connection import Connection
from iamtui.problem import Problem
from iamtui.sources.on_demand_facts import load_user_details
from tests.support.fault_proxy import FaultProxy, error
from tests.support.live_account import load_live
from tests.support.moto_server import MotoServer


def connect(url: str) -> Connection:
    return Connection.open(profile=None, region=None, endpoint_url=url)


@pytest.fixture
def account(moto: MotoServer) -> Account:
    iam = moto.client("iam")
    for name in ("alice", "bob"):
        iam.create_user(UserName=name)
    return load_live(connect(moto.url))


def test_what_the_user_has(moto: MotoServer, account: Account) -> None:
    iam = moto.client("iam")
    key = iam.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"]
    old = iam.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName="alice", AccessKeyId=old, Status="Inactive")
    iam.create_login_profile(UserName="alice", Password="x-X-9-x-X-9")
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName="alice")["VirtualMFADevice"]["SerialNumber"]
    iam.enable_mfa_device(
        UserName="alice", SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
    )

    loaded = load_user_details(connect(moto.url), account, "alice")

    alice, bob = loaded.users
    assert isinstance(alice.access_keys, Known)
    assert [(one.id, one.status) for one in alice.access_keys.value] == [(key, "Active"), (old, "Inactive")]
    assert alice.access_keys.value[0].created is not None
    assert (alice.access_keys.value[0].last_service, alice.access_keys.value[0].last_region) == ("", "")
    assert isinstance(alice.mfa_devices, Known)
    assert [one.serial for one in alice.mfa_devices.value] == [serial]
    assert isinstance(alice.login_profile, Known)
    assert alice.login_profile.value is not None
    assert alice.login_profile.value.created is not None
    assert bob == account.users[1]
    assert isinstance(account.users[0].access_keys, Missing)


def test_what_the_user_has_not_is_known(moto: MotoServer, account: Account) -> None:
    bob = load_user_details(connect(moto.url), account, "bob").user("bob")

    assert bob is not None
    assert (bob.access_keys, bob.mfa_devices, bob.login_profile) == (Known(()), Known(()), Known(None))


@pytest.mark.parametrize(
    ("operation", "fact"),
    [("ListAccessKeys", "access_keys"), ("ListMFADevices", "mfa_devices"), ("GetLoginProfile", "login_profile")],
)
def test_what_is_denied_stays_missing(fault_proxy: FaultProxy, account: Account, operation: str, fact: str) -> None:
    fault_proxy.on(operation, error(403, "AccessDenied"))

    alice = load_user_details(connect(fault_proxy.url), account, "alice").user("alice")

    assert getattr(alice, fact) == Missing("access denied", f"iam:{operation}")
    others = {"access_keys", "mfa_devices", "login_profile"} - {fact}
    assert all(isinstance(getattr(alice, other), Known) for other in others)


def test_a_user_that_is_not_there(moto: MotoServer, account: Account) -> None:
    with pytest.raises(Problem, match='no user "carol"'):
        load_user_details(connect(moto.url), account, "carol")


def test_credentials_that_ended_are_a_problem(fault_proxy: FaultProxy, account: Account) -> None:
    fault_proxy.on("*", error(403, "ExpiredToken"))

    with pytest.raises(Problem, match="expired"):
        load_user_details(connect(fault_proxy.url), account, "alice")
