"""Alice, a role that wants MFA of her, and the codes that she types."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from iamtui.cli.source_options import SourceOptions
from tests.support.fault_proxy import FaultProxy
from tests.support.moto_server import ACCOUNT, MotoServer, trust
from tests.support.sts_gate import StsGate, gate_for_alice

SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/alice"


class AliceWithMfa:
    """What a test has in its hands.

    Attributes:
        role: the role's ARN.
        codes: what she types, one after the other.
        gate: the rules of STS, which take each code once.
        source: the options that name the endpoint.
    """

    def __init__(self, moto: MotoServer, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
        iam = moto.client("iam")
        alice = iam.create_user(UserName="alice")["User"]["Arn"]
        key = iam.create_access_key(UserName="alice")["AccessKey"]
        self.role = iam.create_role(RoleName="guarded", AssumeRolePolicyDocument=trust({"AWS": alice}))["Role"]["Arn"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        self.codes = ["123456", "234567"]
        monkeypatch.setattr("iamtui.cli.input.TERMINAL", Path(os.devnull))
        monkeypatch.setattr("getpass.getpass", lambda _prompt: self.codes.pop(0))
        self.gate: StsGate = gate_for_alice(self.role, needs_mfa=True, codes={"123456", "234567"})
        proxy.rules.append(self.gate)
        self.source = SourceOptions(endpoint_url=proxy.url)
        self.proxy = proxy

    def operations(self) -> list[str]:
        return [name for name in self.proxy.operations() if name in ("GetSessionToken", "AssumeRole")]
