"""The same eval twice in one shell: the caller is then the first session."""

from __future__ import annotations

import re

import pytest

from iamtui.credentials.session import is_session_of
from tests.support.assume_account import ID, ROLE
from tests.support.cli_runner import Cli
from tests.support.fault_proxy import FaultProxy, error
from tests.support.moto_server import ACCOUNT, MotoServer
from tests.support.moto_server import trust as trusts

ARN = f"arn:aws:iam::{ACCOUNT}:role/deploy"
UNSET = "unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_CREDENTIAL_EXPIRATION first."


def evaluated(cli: Cli, text: str) -> None:
    for name, value in re.findall(r"^export (\w+)='?([^'\n]*)'?$", text, re.MULTILINE):
        cli.monkeypatch.setenv(name, value)


def test_the_second_time_it_says_that_the_caller_is_the_session(
    cli: Cli, moto: MotoServer, fault_proxy: FaultProxy
) -> None:
    moto.client("iam").create_role(RoleName="deploy", AssumeRolePolicyDocument=trusts({"AWS": ACCOUNT}))
    words = ("assume", ARN, "--endpoint-url", fault_proxy.url)
    first = cli(*words)
    assert "already" not in first.err
    evaluated(cli, first.out)
    said = "The credentials of the environment are a session of this role already"
    second = cli(*words)
    assert second.code == 0
    assert said in second.err
    assert f"--profile BASE, or {UNSET}" in second.err
    fault_proxy.on("AssumeRole", error(403, "AccessDenied", "not authorized"))
    refused = cli(*words)
    refused.failed_with("AWS denied sts:AssumeRole")
    assert f"--profile BASE, or {UNSET}" in refused.err


def test_an_ended_session_of_the_environment_is_named(cli: Cli, fault_proxy: FaultProxy) -> None:
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_SESSION_TOKEN", "t"),
        ("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z"),
    ):
        cli.monkeypatch.setenv(name, value)
    for role in (ARN, "deploy"):
        found = cli("assume", role, "--endpoint-url", fault_proxy.url)
        found.failed_with("The credentials have expired. Renew them where they came from")
        assert (
            "The caller was the session in the environment, perhaps of an earlier eval. If it shall not be, start"
            in (found.err)
        )
        assert UNSET in found.err
    assert "The caller was" not in cli("assume", ARN, "--profile", "nobody").err


@pytest.mark.parametrize(
    ("caller", "role", "is_it"),
    [
        (f"arn:aws:sts::{ID}:assumed-role/Deployer/alice", ROLE, True),
        (f"arn:aws:sts::{ID}:assumed-role/Deployer2/alice", ROLE, False),
        ("arn:aws:sts::999999999999:assumed-role/Deployer/alice", ROLE, False),
        (f"arn:aws:iam::{ID}:user/Deployer", ROLE, False),
        (f"arn:aws:sts::{ID}:assumed-role/Deployer/alice", "Deployer", False),
    ],
)
def test_a_session_is_one_of_its_own_role_only(caller: str, role: str, is_it: bool) -> None:
    assert is_session_of(caller, role) is is_it
