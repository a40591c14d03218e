"""Profiles whose role takes an MFA code: asked once for a device, sent once, never kept; the session is."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.workspace.source import profile_roles
from iamtui.workspace.source.credential_commands import ProfileCodeNeeded, ask_codes_with
from iamtui.workspace.source.profile_roles import forget_codes, open_profile
from tests.support.fault_proxy import error
from tests.support.mfa_alice import AliceWithMfa
from tests.support.mfa_profiles import SERIAL
from tests.support.moto_server import ACCOUNT


@pytest.fixture
def alice(alice_in_profiles: AliceWithMfa) -> AliceWithMfa:
    return alice_in_profiles


def opened(alice: AliceWithMfa, profile: str) -> Connection:
    return open_profile(profile=profile, region=None, endpoint_url=alice.proxy.url)


def typed(alice: AliceWithMfa) -> list[str]:
    """Have codes typed as alice does; returns the devices that were asked for."""
    devices: list[str] = []

    def ask(needed: ProfileCodeNeeded) -> Secret:
        devices.append(needed.serial)
        return Secret(alice.codes.pop(0))

    ask_codes_with(ask)
    return devices


def test_one_code_serves_all_profiles_of_a_device(alice: AliceWithMfa) -> None:
    devices = typed(alice)
    connection = opened(alice, "dev")
    assert connection.caller().arn.startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/guarded/")
    assert (connection.profile, connection.region) == ("dev", "eu-west-1")
    assert opened(alice, "ops").caller().arn.startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/other/")
    assert opened(alice, "dev").caller().account == ACCOUNT
    assert devices == [SERIAL]
    assert alice.operations() == ["GetSessionToken", "AssumeRole", "AssumeRole", "AssumeRole"]
    sent = [call.parameters for call in alice.proxy.calls if "TokenCode" in call.parameters]
    assert [(one["SerialNumber"], one["TokenCode"]) for one in sent] == [(SERIAL, "123456")]


def test_nobody_to_ask_is_said_as_it_is_and_an_answer_is_kept(alice: AliceWithMfa) -> None:
    with pytest.raises(ProfileCodeNeeded) as raised:
        opened(alice, "dev")
    assert raised.value.sentence == f"The profile dev needs an MFA code of {SERIAL}."
    assert alice.operations() == []
    with pytest.raises(ProfileCodeNeeded) as again:
        raised.value.answer(Secret("999999"))
    assert "refused the MFA code" in again.value.why
    assert "999999" not in again.value.why
    code = Secret("123456")
    again.value.answer(code)
    assert not code
    assert opened(alice, "dev").caller().account == ACCOUNT
    forget_codes()
    with pytest.raises(ProfileCodeNeeded):
        opened(alice, "dev")


def test_a_code_goes_with_the_call_where_sts_shares_none(alice: AliceWithMfa) -> None:
    alice.proxy.on("GetSessionToken", error(403, "AccessDenied", "with an explicit deny"), times=1)
    alice.proxy.rules.reverse()
    devices = typed(alice)
    assert opened(alice, "dev").caller().account == ACCOUNT
    assert opened(alice, "dev").caller().account == ACCOUNT
    assert devices == [SERIAL, SERIAL]
    assert alice.operations() == ["GetSessionToken", "AssumeRole"]


def test_a_session_that_aws_takes_no_longer_is_asked_for_anew(alice: AliceWithMfa) -> None:
    devices = typed(alice)
    opened(alice, "dev")
    (given,) = profile_roles._kept.values()
    alice.gate.ended.add(given.access_key_id)
    alice.codes = ["111111"]
    with pytest.raises(AwsProblem, match="refused the MFA code"):
        opened(alice, "dev")
    assert devices == [SERIAL, SERIAL]


def test_a_role_that_starts_from_one_with_a_device(alice: AliceWithMfa, no_aws_settings: Path) -> None:
    """The session of another user's device is nobody else's: it is kept by the access key that it rests on."""
    text = (no_aws_settings / "config").read_text()
    (no_aws_settings / "config").write_text(
        f"{text}[profile top]\nrole_arn={next(iter(alice.gate.others))}\nsource_profile=dev\nrole_session_name=me\n"
        f"[profile both]\nrole_arn={alice.role}\nsource_profile=both\nmfa_serial={SERIAL}\n"
        "aws_access_key_id=AKIAIOSFODNN7EXAMPLF\naws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"
    )
    devices = typed(alice)
    assert opened(alice, "top").caller().arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/other/me"
    assert alice.operations() == ["GetSessionToken", "AssumeRole", "AssumeRole"]
    assert opened(alice, "both").profile == "both"
    assert devices == [SERIAL, SERIAL]


def test_a_source_without_credentials_is_not_the_machine(alice: AliceWithMfa, no_aws_settings: Path) -> None:
    text = (no_aws_settings / "config").read_text()
    (no_aws_settings / "config").write_text(
        f"{text}[profile empty]\nregion=eu-west-1\n[profile lost]\nrole_arn={alice.role}\nsource_profile=empty\n"
        f"mfa_serial={SERIAL}\n[profile bad]\nrole_arn=x\nsource_profile=base\nmfa_serial={SERIAL}\n"
    )
    with pytest.raises(Problem, match='Profile "empty" has no credentials'):
        opened(alice, "lost")
    with pytest.raises(Problem, match='The role of the profile bad cannot be assumed: "x" is not a role ARN'):
        opened(alice, "bad")
    assert alice.operations() == []
