"""Renewing over HTTP: as the same caller, through the session that assumed it, and when that is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from iamtui.aws.errors import AwsProblem
from iamtui.credentials.assume_role import AssumeRoleInput, MfaWay
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.workspace.assume import assume as renewing
from iamtui.workspace.assume.assume import Renewal, as_session, assume
from iamtui.workspace.assume.mfa import MfaCodeNeeded
from iamtui.workspace.assume.session_store import KeptSession, Origin, SessionsKeeper
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import SourceChoice, SourceKind, Workspace
from tests.support import panel_records as records
from tests.support.fault_proxy import Call, FaultProxy, error
from tests.support.moto_server import ACCOUNT, MotoServer, trust
from tests.support.panel_sessions import session

ENTRY = AssumeRoleInput(f"arn:aws:iam::{ACCOUNT}:role/entry", "alice", 3600)
LAST = AssumeRoleInput(f"arn:aws:iam::{ACCOUNT}:role/last", "alice", 3600)
SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/alice"


@pytest.fixture
def space(moto: MotoServer, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Alice, who may assume the role entry, whose sessions may assume the role last."""
    iam = moto.client("iam")
    alice = iam.create_user(UserName="alice")["User"]["Arn"]
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    iam.create_role(RoleName="entry", AssumeRolePolicyDocument=trust({"AWS": alice}))
    iam.create_role(RoleName="last", AssumeRolePolicyDocument=trust({"AWS": ENTRY.role_arn}))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    return open_source(SourceChoice(SourceKind.LIVE, endpoint_url=fault_proxy.url))


def chain(space: Workspace) -> tuple[SessionsKeeper, KeptSession, KeptSession]:
    """A session, and another that it has assumed."""
    keeper = SessionsKeeper()
    entry = keeper.add(assume(space, ENTRY), Origin(Renewal(space, ENTRY)))
    caller = partial(keeper.newest, entry.key)
    assumed = assume(as_session(space, entry.session), LAST)
    last = keeper.add(assumed, Origin(Renewal(space, LAST, caller=caller)), parent=entry.key)
    return keeper, entry, last


def caller_of(call: Call) -> str:
    """The access key id that a request was signed with."""
    return call.headers["authorization"].partition("Credential=")[2].partition("/")[0]


def test_a_session_is_renewed_as_the_same_caller(space: Workspace) -> None:
    keeper = SessionsKeeper()
    kept = keeper.add(assume(space, ENTRY), Origin(Renewal(space, ENTRY)))
    before = kept.session
    kept.renewer.renew_now()
    assert kept.renewer.held.failures.count == 0
    assert kept.session.access_key_id != before.access_key_id
    assert kept.session.source_arn == before.source_arn == f"arn:aws:iam::{ACCOUNT}:user/alice"
    assert kept.session.identity is not None
    assert kept.session.time_left() > timedelta(minutes=59)


def test_a_chained_session_is_renewed_through_the_session_before_it(space: Workspace, fault_proxy: FaultProxy) -> None:
    _, entry, last = chain(space)
    assert [arn.rsplit(":", 1)[1] for arn in last.callers] == ["user/alice", "assumed-role/entry/alice"]
    entry.renewer.renew_now()
    before = last.session.access_key_id
    last.renewer.renew_now()
    assert last.renewer.held.failures.sentence == ""
    assert last.session.access_key_id != before
    calls = [call for call in fault_proxy.calls if call.operation == "AssumeRole"]
    assert calls[-1].parameters["RoleArn"] == LAST.role_arn
    assert caller_of(calls[-1]) == entry.session.access_key_id


def test_without_the_session_before_it_it_says_that_it_cannot(space: Workspace) -> None:
    keeper, entry, last = chain(space)
    assert keeper.children(entry.key) == (last,)
    last.renewer.switch(True)
    keeper.forget(entry.key)
    before = last.session
    last.renewer.renew_now()
    assert last.session is before
    assert not last.renewer.possible
    assert not last.renewer.automatic
    assert last.origin.why_not == "It cannot be renewed: the session that assumed it is gone."


def test_what_sts_refuses_is_kept_as_a_failure(space: Workspace, fault_proxy: FaultProxy) -> None:
    keeper = SessionsKeeper()
    kept = keeper.add(assume(space, ENTRY), Origin(Renewal(space, ENTRY)))
    before = kept.session
    fault_proxy.on("AssumeRole", error(403, "AccessDenied", "User is not authorized to perform: sts:AssumeRole"))
    kept.renewer.renew_now()
    assert kept.session is before
    assert "sts:AssumeRole" in kept.renewer.held.failures.sentence


def test_with_mfa_nothing_is_sent_without_a_new_code(space: Workspace, fault_proxy: FaultProxy) -> None:
    entered = AssumeRoleInput(ENTRY.role_arn, "alice", 3600, mfa_serial=SERIAL, mfa_code=Secret("123456"))
    renew = Renewal(space, entered)
    assert renew.needs_code()
    with pytest.raises(Problem, match="needs a new MFA code"):
        renew(None)
    assert "AssumeRole" not in fault_proxy.operations()
    renewed: Session = renew(Secret("654321"))
    assert renewed.role_arn == ENTRY.role_arn
    assert fault_proxy.calls[-2].parameters["TokenCode"] == "654321"


class Shared:
    """MFA sessions that serve, or not."""

    serves = True

    def found(self, _space: Workspace, serial: str) -> object | None:
        assert serial == SERIAL
        return object() if self.serves else None


@pytest.mark.parametrize(
    ("failure", "asks_again"),
    [
        (MfaCodeNeeded("The MFA code that was to be reused is too old."), True),
        (AwsProblem("STS said no.", "", code="AccessDenied"), True),
        (AwsProblem("STS is busy.", "", code="Throttling"), False),
    ],
)
def test_a_shared_code_renews_as_long_as_it_serves(
    monkeypatch: pytest.MonkeyPatch, failure: Problem, asks_again: bool
) -> None:
    sent: list[AssumeRoleInput] = []
    answers: list[Problem | None] = [None, failure, None]

    def canned(_space: Workspace, entered: AssumeRoleInput, **more: object) -> Session:
        assert more["mfa_sessions"] is shared
        sent.append(entered)
        answer = answers.pop(0)
        if answer is not None:
            raise answer
        return session("entry")

    monkeypatch.setattr(renewing, "assume", canned)
    shared = Shared()
    entered = replace(ENTRY, mfa_serial=SERIAL, mfa_code=Secret("123456"), mfa_way=MfaWay.SHARED)
    renew = Renewal(records.small_workspace(), entered, mfa_sessions=shared)  # type: ignore[arg-type]
    assert not renew.needs_code()
    renew(None)
    assert (sent[-1].mfa_way, sent[-1].mfa_code) == (MfaWay.REUSED, None)
    with pytest.raises(type(failure)):
        renew(None)
    assert renew.needs_code() is asks_again
    renew(Secret("654321"))
    assert sent[-1].mfa_way is MfaWay.SHARED
    assert not renew.needs_code()
    shared.serves = False
    assert renew.needs_code()
    with pytest.raises(Problem, match="needs a new MFA code"):
        renew(None)
    assert len(sent) == 3
