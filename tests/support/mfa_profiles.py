"""Profiles of a user with an MFA device: her keys, and roles that are assumed from there with a code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from iamtui.workspace.source.credential_commands import ask_codes_with
from iamtui.workspace.source.profile_roles import forget_codes
from tests.support.fault_proxy import FaultProxy
from tests.support.mfa_alice import SERIAL as SERIAL
from tests.support.mfa_alice import AliceWithMfa
from tests.support.moto_server import MotoServer, trust


def write_profiles(folder: Path, monkeypatch: pytest.MonkeyPatch, **roles: str) -> None:
    """Move the keys of the environment into the profile base, and add a profile for each role that starts from it.

    Args:
        folder: of the AWS files.
        roles: ARNs by the names of their profiles.
    """
    key, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    base = f"[profile base]\naws_access_key_id={key}\naws_secret_access_key={secret}\n"
    of_roles = (
        f"[profile {name}]\nrole_arn={role}\nsource_profile=base\nmfa_serial={SERIAL}\nregion=eu-west-1\n"
        for name, role in roles.items()
    )
    (folder / "config").write_text("".join((base, *of_roles)))


@pytest.fixture
def alice_in_profiles(
    moto: MotoServer, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, no_aws_settings: Path
) -> Iterator[AliceWithMfa]:
    """Her keys are in the profile base, from which dev and ops assume roles that take a code of one device."""
    alice = AliceWithMfa(moto, fault_proxy, monkeypatch)
    other = moto.client("iam").create_role(RoleName="other", AssumeRolePolicyDocument=trust())["Role"]["Arn"]
    alice.gate.others.add(other)
    write_profiles(no_aws_settings, monkeypatch, dev=alice.role, ops=other)
    # A command that ran before in this process has left its prompt.
    ask_codes_with(None)
    yield alice
    forget_codes()
    ask_codes_with(None)
