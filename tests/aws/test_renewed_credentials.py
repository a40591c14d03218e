"""Credentials that were renewed: of another account than a connection's first ones, nothing is asked with them."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest

from iamtui.aws.caller import CallerIdentity, OneAccount
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.secret import Secret
from tests.support.changing_credentials import OTHER, PROFILE, ChangingCredentials, changing_credentials
from tests.support.connecting import connect, run_it
from tests.support.fault_proxy import FaultProxy, error
from tests.support.moto_server import ACCOUNT, KEY_ID, SECRET, MotoServer

REFUSED = f"The credentials now belong to account {OTHER}; this account is {ACCOUNT}. Nothing else was asked."


@pytest.fixture
def changing(moto: MotoServer, no_aws_settings: Path) -> ChangingCredentials:
    return changing_credentials(moto, no_aws_settings, ACCOUNT)


def opened(proxy: FaultProxy) -> Connection:
    return connect(proxy.url, profile=PROFILE, approve=run_it)


def test_nothing_is_asked_with_keys_of_another_account(changing: ChangingCredentials, fault_proxy: FaultProxy) -> None:
    connection = opened(fault_proxy)
    assert connection.caller().account == ACCOUNT
    changing.become(OTHER)
    for call in (
        lambda: connection.call("iam", "ListUsers", dict),
        lambda: list(connection.pages("iam", "ListRoles", dict)),
        lambda: connection.call("s3", "GetBucketPolicy", dict, Bucket="b"),
        connection.caller,
    ):
        with pytest.raises(AwsProblem) as raised:
            call()
        assert raised.value.sentence == REFUSED
        assert raised.value.next_step == "Open the account anew (P), or run the command again."
        assert raised.value.fatal
    assert set(fault_proxy.operations()) == {"GetCallerIdentity"}


def test_each_new_key_is_asked_about_once(changing: ChangingCredentials, fault_proxy: FaultProxy) -> None:
    connection = opened(fault_proxy)
    connection.caller()
    for _ in range(3):
        connection.call("iam", "ListUsers", dict)
    assert fault_proxy.operations() == ["GetCallerIdentity", *["ListUsers"] * 3], "the first key is known"
    changing.become(ACCOUNT)
    for _ in range(3):
        connection.call("iam", "ListUsers", dict)
    assert fault_proxy.operations()[4:] == ["GetCallerIdentity", *["ListUsers"] * 3]
    changing.become(OTHER)
    for _ in range(3):
        with pytest.raises(AwsProblem, match=REFUSED):
            connection.call("iam", "ListUsers", dict)
    assert fault_proxy.operations()[8:] == ["GetCallerIdentity"]
    changing.become(ACCOUNT)
    connection.call("iam", "ListUsers", dict)
    assert fault_proxy.operations()[9:] == ["GetCallerIdentity", "ListUsers"], "it is the connection's account again"


def test_keys_that_sts_does_not_name_are_those_of_nobody(
    changing: ChangingCredentials, fault_proxy: FaultProxy
) -> None:
    connection = opened(fault_proxy)
    connection.caller()
    fault_proxy.on("GetCallerIdentity", error(403, "AccessDenied"))
    connection.call("iam", "ListUsers", dict)
    changing.become(ACCOUNT)
    for _ in range(2):
        with pytest.raises(AwsProblem, match=f"an account that STS does not name; this account is {ACCOUNT}"):
            connection.call("iam", "ListUsers", dict)
    assert fault_proxy.operations() == ["GetCallerIdentity", "ListUsers", "GetCallerIdentity"]


def test_without_sts_the_first_keys_work_and_others_do_not(
    changing: ChangingCredentials, fault_proxy: FaultProxy
) -> None:
    fault_proxy.on("GetCallerIdentity", error(403, "AccessDenied"), times=1)
    connection = opened(fault_proxy)
    with pytest.raises(AwsProblem) as raised:
        connection.caller()
    assert raised.value.denied
    connection.call("iam", "ListUsers", dict)
    changing.become(ACCOUNT)
    with pytest.raises(AwsProblem, match="which account this is, is not known"):
        connection.call("iam", "ListUsers", dict)


def test_keys_that_have_expired_are_told_as_such(changing: ChangingCredentials, fault_proxy: FaultProxy) -> None:
    connection = opened(fault_proxy)
    connection.caller()
    changing.become(ACCOUNT)
    fault_proxy.on("GetCallerIdentity", error(403, "ExpiredToken"), times=1)
    with pytest.raises(AwsProblem) as raised:
        connection.call("iam", "ListUsers", dict)
    assert raised.value.expired
    connection.call("iam", "ListUsers", dict)


def test_a_request_is_signed_with_the_keys_that_were_checked(
    changing: ChangingCredentials, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = opened(fault_proxy)
    connection.caller()
    renewed = changing.become(ACCOUNT)
    signed: list[str] = []

    def note(request: object, **_event: object) -> None:
        signed.append(str(request.headers["Authorization"]))  # type: ignore[attr-defined]

    check = OneAccount.check

    def check_and_change(self: OneAccount, key: str, ask: object) -> None:
        check(self, key, ask)  # type: ignore[arg-type]
        changing.become(OTHER)

    monkeypatch.setattr(OneAccount, "check", check_and_change)
    connection.client("iam").meta.events.register("before-send", note)
    connection.call("iam", "ListUsers", dict)
    assert len(signed) == 1
    assert f"Credential={renewed}/" in signed[0]


def test_given_keys_are_never_asked_about(moto: MotoServer, fault_proxy: FaultProxy) -> None:
    base = Connection(region="us-east-1", endpoint_url=fault_proxy.url)
    with base.with_credentials(KEY_ID, Secret(SECRET), Secret("")) as session:
        session.call("iam", "ListUsers", dict)
        session.call("iam", "ListUsers", dict)
    assert fault_proxy.operations() == ["ListUsers", "ListUsers"]


def test_the_check_keeps_no_connection_alive(changing: ChangingCredentials, fault_proxy: FaultProxy) -> None:
    connection = opened(fault_proxy)
    connection.caller()
    changing.become(ACCOUNT)
    connection.call("iam", "ListUsers", dict)
    there = weakref.ref(connection)
    gc.disable()
    try:
        del connection
        assert there() is None
    finally:
        gc.enable()


def test_an_account_of_another_partition_is_another_one() -> None:
    account = OneAccount()
    account.begin_asking("A")
    account.name("A", CallerIdentity(f"arn:aws:iam::{ACCOUNT}:user/x", ACCOUNT))
    with pytest.raises(AwsProblem) as raised:
        account.check("B", lambda: CallerIdentity(f"arn:aws-cn:iam::{ACCOUNT}:user/x", ACCOUNT))
    assert f"belong to account {ACCOUNT} (aws-cn); this account is {ACCOUNT} (aws)." in raised.value.sentence
