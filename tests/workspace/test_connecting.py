"""Connecting without an inventory, and again after a sign-in."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamtui.account.model import Known, Missing
from iamtui.problem import Problem
from iamtui.workspace.source.opening import connect, reconnected
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support.assume_account import trust, workspace
from tests.support.fault_proxy import FaultProxy
from tests.support.moto_server import ACCOUNT, MotoServer

SSO = """
[sso-session corp]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-west-1
[profile dev]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = dev
region = eu-west-1
"""


@pytest.mark.usefixtures("moto")
def test_who_is_calling_is_known_and_nothing_else(fault_proxy: FaultProxy) -> None:
    space = connect(SourceChoice(SourceKind.LIVE, endpoint_url=fault_proxy.url))
    assert fault_proxy.operations() == ["GetCallerIdentity"]
    assert space.account.id == ACCOUNT
    assert isinstance(space.account.caller_arn, Known)
    assert isinstance(space.account.organization, Missing)
    assert space.account.roles == ()


def test_a_snapshot_cannot_be_connected_to() -> None:
    with pytest.raises(Problem, match="no credentials to call AWS with"):
        connect(SourceChoice(SourceKind.SNAPSHOT))


def test_the_credentials_of_a_workspace_are_looked_for_again(moto: MotoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    space = connect(SourceChoice(SourceKind.LIVE, endpoint_url=moto.url))
    monkeypatch.setenv("AWS_SESSION_TOKEN", "new")
    again = reconnected(space)
    assert space.connection is not None
    assert again.connection is not None
    assert (space.connection.is_temporary(), again.connection.is_temporary()) == (False, True)
    assert again.connection.endpoint_url == moto.url
    assert again.account is space.account


def test_what_was_never_connected_stays_so() -> None:
    offline = workspace(trust(), kind=SourceKind.SNAPSHOT, connected=False)
    assert reconnected(offline) is offline


def test_a_problem_names_the_command_that_signs_in(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (no_aws_settings / "config").write_text(SSO)
    monkeypatch.setattr("iamtui.aws.sdk_settings.LOGIN_FOLDER", str(tmp_path))
    with pytest.raises(Problem) as problem:
        connect(SourceChoice(SourceKind.LIVE, profile="dev"))
    assert problem.value.login_command == "aws sso login --profile dev"
    assert Problem("Something else.").login_command == ""
