"""A profile that begins to give credentials of another account, while the first is open or being read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from iamtui.account.model import Known, Missing
from iamtui.aws.connection import Connection
from iamtui.problem import Problem
from iamtui.sources.live import LiveReading
from iamtui.sources.parallel import Tasks
from iamtui.workspace.source.opening import (
    connect,
    go_on_reading,
    keep_in_cache,
    load_account_facts,
    load_last_accessed,
    load_resource_policy,
    load_user_details,
    open_source,
    read_again,
    reconnected,
)
from iamtui.workspace.source.workspace import SourceChoice, SourceKind, Workspace
from tests.support.changing_credentials import OTHER, PROFILE, ChangingCredentials, changing_credentials
from tests.support.connecting import connect as connection_to
from tests.support.connecting import run_it
from tests.support.fault_proxy import FaultProxy, error
from tests.support.live_account import load_live
from tests.support.moto_server import ACCOUNT, MotoServer

REFUSED = f"The credentials now belong to account {OTHER}; this account is {ACCOUNT}"


@pytest.fixture
def changing(moto: MotoServer, no_aws_settings: Path) -> ChangingCredentials:
    """Both accounts have an alice; the other one's has an access key."""
    found = changing_credentials(moto, no_aws_settings, OTHER)
    theirs = found.client("iam")
    theirs.create_user(UserName="alice")
    theirs.create_access_key(UserName="alice")
    theirs.create_account_alias(AccountAlias="theirs")
    found.become(ACCOUNT)
    found.client("iam").create_user(UserName="alice")
    return found


def choice(proxy: FaultProxy) -> SourceChoice:
    return SourceChoice(SourceKind.LIVE, profile=PROFILE, endpoint_url=proxy.url)


def opened(proxy: FaultProxy) -> Workspace:
    return open_source(choice(proxy), approve=run_it)


def alice(space: Workspace) -> str:
    return f"arn:aws:iam::{space.account.id}:user/alice"


@pytest.mark.parametrize(
    "load",
    [
        lambda space: load_user_details(space, "alice"),
        lambda space: read_again(space, space.account.users[0]),
        lambda space: load_resource_policy(space, "arn:aws:s3:::bucket"),
    ],
)
def test_nothing_of_another_account_is_loaded(
    changing: ChangingCredentials, fault_proxy: FaultProxy, load: Callable[[Workspace], Workspace]
) -> None:
    space = opened(fault_proxy)
    before = len(fault_proxy.operations())
    changing.become(OTHER)
    with pytest.raises(Problem, match=REFUSED):
        load(space)
    assert fault_proxy.operations()[before:] == ["GetCallerIdentity"]


@pytest.mark.slow
def test_facts_of_another_account_stay_unknown(changing: ChangingCredentials, fault_proxy: FaultProxy) -> None:
    space = opened(fault_proxy)
    before = len(fault_proxy.operations())
    changing.become(OTHER)
    account = load_account_facts(space).account
    assert isinstance(account.summary, Missing)
    assert REFUSED in account.summary.reason
    _, missing = load_last_accessed(space, [alice(space)])
    assert REFUSED in missing[alice(space)].reason
    assert fault_proxy.operations()[before:] == ["GetCallerIdentity"], "once, and nothing else"


def test_an_account_that_changes_while_it_is_read_is_not_mixed_and_not_kept(
    changing: ChangingCredentials, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_pages, read_details = LiveReading._read_pages, LiveReading._read_details

    def read_then_change(self: LiveReading, connection: Connection, tasks: Tasks) -> None:
        read_pages(self, connection, tasks)
        changing.become(OTHER)

    def read_before_all_else(self: LiveReading, connection: Connection, tasks: Tasks) -> None:
        if not self._is_whole:
            read_details(self, connection, tasks)

    identify = LiveReading.identify

    def identify_and_read(self: LiveReading, connection: Connection, *more: object) -> object:
        found = identify(self, connection, *more)  # type: ignore[arg-type]
        self._read_details(connection, Tasks(1, lambda *_step: None))
        return found

    monkeypatch.setattr(LiveReading, "_read_pages", read_then_change)
    monkeypatch.setattr(LiveReading, "identify", identify_and_read)
    monkeypatch.setattr(LiveReading, "_read_details", read_before_all_else)
    space = opened(fault_proxy)
    assert space.account.id == ACCOUNT
    assert isinstance(space.account.alias, Missing)
    assert REFUSED in space.account.alias.reason
    assert not keep_in_cache(space)
    assert "ListAccountAliases" not in fault_proxy.operations()


def test_an_account_that_changed_since_it_was_identified_is_not_read(
    changing: ChangingCredentials, fault_proxy: FaultProxy
) -> None:
    connection = connection_to(fault_proxy.url, profile=PROFILE, approve=run_it)
    reading = LiveReading()
    reading.identify(connection)
    changing.become(OTHER)
    with pytest.raises(Problem, match=REFUSED):
        reading.read(connection)
    assert set(fault_proxy.operations()) == {"GetCallerIdentity"}


def test_signing_in_to_another_account_puts_nothing_under_the_first(
    changing: ChangingCredentials, fault_proxy: FaultProxy
) -> None:
    space = connect(choice(fault_proxy), approve=run_it)
    changing.become(OTHER)
    with pytest.raises(Problem, match=REFUSED):
        reconnected(space)
    changing.become(ACCOUNT)
    again = reconnected(space)
    assert again.connection is not None
    assert again.connection is not space.connection
    again.connection.call("iam", "ListUsers", dict)
    changing.become(OTHER)
    with pytest.raises(Problem, match=REFUSED):
        again.connection.call("iam", "ListUsers", dict)
    fault_proxy.on("GetCallerIdentity", error(403, "AccessDenied"))
    changing.become(ACCOUNT)
    with pytest.raises(Problem, match="STS does not name"):
        reconnected(space)


@pytest.mark.slow
@pytest.mark.parametrize("named", [True, False])
def test_a_reading_that_broke_off_goes_on_in_its_account_only(
    changing: ChangingCredentials, fault_proxy: FaultProxy, named: bool
) -> None:
    if not named:
        fault_proxy.on("GetCallerIdentity", error(403, "AccessDenied"))
    fault_proxy.on("ListAccountAliases", error(403, "ExpiredToken"), times=1)
    space = opened(fault_proxy)
    assert space.reading is not None
    changing.become(OTHER)
    gone_on = go_on_reading(space)
    assert gone_on.account.id == OTHER
    assert [user.arn for user in gone_on.account.users] == [f"arn:aws:iam::{OTHER}:user/alice"]
    assert gone_on.account.alias == Known("theirs")
    assert fault_proxy.operations().count("GetAccountAuthorizationDetails") == 2, "read anew"


@pytest.mark.slow
def test_without_sts_a_reading_goes_on_with_the_same_keys(
    changing: ChangingCredentials, fault_proxy: FaultProxy
) -> None:
    fault_proxy.on("GetCallerIdentity", error(403, "AccessDenied"))
    fault_proxy.on("ListAccountAliases", error(403, "ExpiredToken"), times=1)
    space = opened(fault_proxy)
    gone_on = go_on_reading(space)
    assert gone_on.account.id == ACCOUNT
    assert gone_on.reading is None
    assert fault_proxy.operations().count("GetAccountAuthorizationDetails") == 1


def test_a_reading_asks_once_who_it_is(changing: ChangingCredentials, fault_proxy: FaultProxy) -> None:
    load_live(connection_to(fault_proxy.url, profile=PROFILE, approve=run_it))
    assert fault_proxy.operations().count("GetCallerIdentity") == 1
