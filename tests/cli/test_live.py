"""Commands on a live account: what is loaded on demand, and what a profile may run."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from iamtui.questions.question import Question
from iamtui.workspace.ask.questions import as_command
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support import wording
from tests.support.cli_runner import Cli
from tests.support.fault_proxy import FaultProxy, error
from tests.support.moto_server import MotoServer, allow, policy

BUCKET = "arn:aws:s3:::reports"


@pytest.fixture
def account(moto: MotoServer) -> MotoServer:
    """A user who may read a bucket whose policy forbids it."""
    iam = moto.client("iam")
    iam.create_user(UserName="dora")
    iam.put_user_policy(UserName="dora", PolicyName="read", PolicyDocument=policy(allow("s3:*")))
    s3 = moto.client("s3")
    s3.create_bucket(Bucket="reports")
    deny = {"Sid": "Nobody", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"}
    s3.put_bucket_policy(Bucket="reports", Policy=policy(deny))
    return moto


@pytest.mark.usefixtures("account")
def test_can_loads_the_policy_of_the_resource(cli: Cli, fault_proxy: FaultProxy) -> None:
    asked = ("can", "dora", "s3:GetObject", "--on", f"{BUCKET}/x", "--on", f"{BUCKET}/y", "-o", "json")
    result = cli(*asked, "--endpoint-url", fault_proxy.url)
    assert result.code == 1
    assert [decision["decision"] for decision in result.json] == ["explicitDeny", "explicitDeny"]
    assert result.json[0]["reasons"][0]["statements"][0]["sid"] == "Nobody"
    asked_for = [call for call in fault_proxy.calls if call.service == "s3" and "policy" in call.path]
    assert len(asked_for) == 1


@pytest.mark.usefixtures("account")
def test_who_can_loads_it_too(cli: Cli, fault_proxy: FaultProxy) -> None:
    result = cli("who-can", "s3:GetObject", "--on", f"{BUCKET}/x", "--endpoint-url", fault_proxy.url)
    assert (result.code, result.out) == (0, "")


@pytest.mark.usefixtures("account")
def test_without_the_resource_layer_it_is_not_asked_for(cli: Cli, fault_proxy: FaultProxy) -> None:
    asked = ("can", "dora", "s3:GetObject", "--on", f"{BUCKET}/x", "--without", "resource")
    result = cli(*asked, "--endpoint-url", fault_proxy.url)
    assert result.code == 0
    assert f"{wording.AS_LOADED} (" in result.out
    assert not [call for call in fault_proxy.calls if call.service == "s3"]


@pytest.mark.usefixtures("account", "quick_retries")
def test_a_policy_that_cannot_be_loaded_is_said_and_not_taken_for_none(cli: Cli, fault_proxy: FaultProxy) -> None:
    asked = ("can", "dora", "s3:GetObject", "--on", "arn:aws:s3:::gone/x", "--endpoint-url", fault_proxy.url)
    result = cli(*asked)
    assert "The policy of arn:aws:s3:::gone is not loaded" in result.err
    assert "resource" in result.out.splitlines()[0]
    assert "not evaluated" in result.out.splitlines()[0]


@pytest.mark.usefixtures("account", "quick_retries")
def test_what_is_denied_while_loading_is_listed(cli: Cli, fault_proxy: FaultProxy) -> None:
    fault_proxy.on("ListUsers", error(403, "AccessDenied"))
    result = cli("list", "users", "--endpoint-url", fault_proxy.url)
    assert result.code == 0
    assert "dora" in result.out
    assert "Not loaded: " in result.err


def test_a_profile_that_runs_a_command_runs_only_when_chosen_and_says_so(
    cli: Cli, tmp_path: Path, no_aws_settings: Path, moto: MotoServer
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        cli.monkeypatch.delenv(name)
    marker = tmp_path / "ran"
    (no_aws_settings / "config").write_text(
        f"[profile evil]\ncredential_process = touch {marker}\n[profile plain]\nregion = us-east-1\n"
    )
    cli("list", "users", "--profile", "plain")
    cli("info")
    cli("assume", "evil", "--profile", "plain")
    assert not marker.exists()
    result = cli("list", "users", "--profile", "evil", "--endpoint-url", moto.url)
    assert result.code == 2
    assert marker.exists()
    assert f"The profile evil runs this command for its credentials: touch {marker}" in result.err


def test_where_somebody_is_there_a_command_is_confirmed_once(
    cli: Cli, tmp_path: Path, no_aws_settings: Path, moto: MotoServer
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        cli.monkeypatch.delenv(name)
    marker = tmp_path / "ran"
    (no_aws_settings / "config").write_text(f"[default]\ncredential_process = touch {marker}\n")
    asked: list[str] = []
    answers = iter((False, True))

    def answer(about: tuple[str, ...], _question: str) -> bool:
        asked.extend(about)
        return next(answers)

    cli.monkeypatch.setattr("iamtui.cli.opening.can_ask", lambda: True)
    cli.monkeypatch.setattr("iamtui.cli.opening.says_yes", answer)
    words = ("list", "users", "--endpoint-url", moto.url)
    result = cli(*words)
    result.failed_with("The command of the profile default was not run.", "--profile")
    assert not marker.exists()
    assert cli(*words).code == 2, "it is run, and prints no credentials"
    assert marker.exists()
    cli(*words)
    assert asked == [f"The profile default runs this command for its credentials: touch {marker}"] * 2


def test_an_endpoint_of_the_config_file_is_not_followed(
    cli: Cli, no_aws_settings: Path, moto: MotoServer, fault_proxy: FaultProxy
) -> None:
    (no_aws_settings / "config").write_text(f"[default]\nendpoint_url = {fault_proxy.url}\n")
    assert cli("list", "users", "--endpoint-url", moto.url).code == 0
    assert fault_proxy.calls == []


def test_copy_as_command_asks_the_same_question(cli: Cli) -> None:
    workspace = open_source(SourceChoice(SourceKind.DEMO))
    who = resolve_principal(workspace, "role/deploy-prod")
    question = Question(
        "s3:PutObject",
        "arn:aws:s3:::puffin-deploy-artifacts/it's here",
        {"aws:SourceIp": ("203.0.113.9",), "aws:TagKeys": ("a", "b"), "aws:Referer": (), "aws:UserAgent": ("",)},
    )
    words = shlex.split(as_command(workspace, who, question))
    assert words[0] == "iamtui"
    asked = cli(*words[1:], "-o", "jsonl").json["request"]
    assert asked["principal"] == who.arn
    assert (asked["action"], asked["resource"]) == (question.action, question.resource)
    context = {key: tuple(v) if isinstance(v, list) else (v,) for key, v in asked["context"].items()}
    assert {key: context[key] for key in question.context} == question.context
