"""The caller's MFA devices: known, asked for in the caller's own name, or to be entered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from iamtui.account.model import Known, MfaDevice, Missing
from iamtui.credentials.assume_role import AssumeRoleInput
from iamtui.workspace.assume.assume_plan import plan_assume
from iamtui.workspace.assume.mfa import MfaDevices, find_mfa_devices
from iamtui.workspace.source.opening import connect
from iamtui.workspace.source.workspace import SourceChoice, SourceKind, Workspace
from tests.support.assume_account import ID, ROLE, SERIAL, trust, workspace
from tests.support.fault_proxy import FaultProxy, Reset, error
from tests.support.moto_server import MotoServer
from tests.support.sts_answers import CannedSts

KEY = MfaDevice(f"arn:aws:iam::{ID}:u2f/user/alice/default-ABC", datetime(2026, 1, 1, tzinfo=UTC))
TOTP = MfaDevice(SERIAL, datetime(2026, 1, 1, tzinfo=UTC))


def test_what_the_account_says_is_not_asked_again() -> None:
    sts = CannedSts()
    assert find_mfa_devices(workspace(trust(), sts=sts)) == MfaDevices((SERIAL,))
    assert find_mfa_devices(workspace(trust(), sts=sts, devices=Known(()))).note == "You have no MFA device."
    assert sts.requests == []


def test_a_security_key_gives_no_codes() -> None:
    both = workspace(trust(), devices=Known((KEY, TOTP)))
    assert find_mfa_devices(both).serials == (SERIAL,)
    assert plan_assume(both, AssumeRoleInput(ROLE)).mfa_serial == SERIAL
    only = workspace(trust(), devices=Known((KEY,)))
    assert "a security key, which STS takes no codes from" in find_mfa_devices(only).note
    assert plan_assume(only, AssumeRoleInput(ROLE)).mfa_serial == ""


@pytest.mark.parametrize(
    ("caller", "note"),
    [
        (Missing("access denied"), "Who is calling is not known"),
        (Known(f"arn:aws:sts::{ID}:assumed-role/Ops/alice"), "The caller is not a user"),
        (Known("nonsense"), "The caller is not a user"),
    ],
)
def test_who_is_no_user_has_none(caller: Known[str] | Missing, note: str) -> None:
    found = find_mfa_devices(workspace(trust(), caller=caller))
    assert found.serials == ()
    assert found.note.startswith(note)
    assert not found.asked


@pytest.fixture
def by_alice(moto: MotoServer, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A connection of alice's, with nothing loaded of her account."""
    iam = moto.client("iam")
    iam.create_user(UserName="alice", Path="/team/")
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName="alice")["VirtualMFADevice"]["SerialNumber"]
    iam.enable_mfa_device(
        UserName="alice", SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
    )
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    space = connect(SourceChoice(SourceKind.LIVE, endpoint_url=fault_proxy.url))
    fault_proxy.calls.clear()
    return space


def test_aws_is_asked_in_the_callers_name(by_alice: Workspace, fault_proxy: FaultProxy) -> None:
    assert find_mfa_devices(by_alice) == MfaDevices((SERIAL,), asked=True)
    assert [(call.operation, call.parameters["UserName"]) for call in fault_proxy.calls] == [
        ("ListMFADevices", "alice")
    ]


def test_who_may_not_ask_enters_the_device(by_alice: Workspace, fault_proxy: FaultProxy) -> None:
    fault_proxy.on("ListMFADevices", error(403, "AccessDenied"))
    assert find_mfa_devices(by_alice).note == (
        "Your device is not known (you may not call iam:ListMFADevices): enter its serial number or ARN."
    )


@pytest.mark.usefixtures("quick_retries")
def test_another_failure_is_named(by_alice: Workspace, fault_proxy: FaultProxy) -> None:
    fault_proxy.on("ListMFADevices", Reset())
    found = find_mfa_devices(by_alice)
    assert "was cut during iam:ListMFADevices" in found.note
    assert found.note.endswith(": enter its serial number or ARN.")


def test_a_snapshot_cannot_be_asked() -> None:
    offline = workspace(trust(), kind=SourceKind.SNAPSHOT, connected=False, devices=Missing("not in the snapshot"))
    assert not find_mfa_devices(offline).asked
    assert find_mfa_devices(replace(offline, account=replace(offline.account, users=()))).serials == ()
