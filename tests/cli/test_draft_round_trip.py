"""What a draft exports, made real: the AWS CLI runs the script, and the account becomes what the draft said."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.cli_runner import Cli
from tests.support.external_tools import aws_cli, need
from tests.support.moto_server import ACCOUNT, MotoServer, allow, policy, trust

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/edge"
DEPLOY = f"arn:aws:iam::{ACCOUNT}:policy/team/deploy"


@pytest.fixture
def server(moto: MotoServer) -> MotoServer:
    """An account in which some quotas are reached: five versions of a policy, ten policies on a user."""
    iam = moto.client("iam")
    for name, path in (("ana", "/people/"), ("full", "/")):
        iam.create_user(UserName=name, Path=path)
    for group in ("old", "new"):
        iam.create_group(GroupName=group)
    iam.create_role(RoleName="app", Path="/svc/", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
    iam.create_policy(PolicyName="edge", PolicyDocument=policy(allow("*")))
    iam.create_policy(PolicyName="deploy", Path="/team/", PolicyDocument=policy(allow("s3:Get*")))
    for number in range(4):
        document = policy(allow(["s3:Get*", f"s3:List{number}*"]))
        iam.create_policy_version(PolicyArn=DEPLOY, PolicyDocument=document, SetAsDefault=number == 0)
    for number in range(10):
        made = iam.create_policy(PolicyName=f"p{number}", PolicyDocument=policy(allow("s3:Get*")))
        iam.attach_user_policy(UserName="full", PolicyArn=made["Policy"]["Arn"])
    iam.add_user_to_group(UserName="ana", GroupName="old")
    iam.put_user_policy(UserName="ana", PolicyName="scratch", PolicyDocument=policy(allow("s3:Put*")))
    # moto knows boundaries of roles only.
    iam.create_role(RoleName="fenced", AssumeRolePolicyDocument=trust(), PermissionsBoundary=BOUNDARY)
    moto.client("s3").create_bucket(Bucket="site-bucket")
    return moto


@pytest.mark.slow
def test_the_aws_cli_makes_what_the_draft_says(
    cli: Cli, server: MotoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("dash")
    monkeypatch.chdir(tmp_path)
    live = ("--endpoint-url", server.url)
    file = tmp_path / "change.json"
    odd = {**allow("s3:PutObject", "arn:aws:s3:::x/${aws:username}/*"), "Sid": "POLICY"}
    odd["Condition"] = {"StringLike": {"aws:UserAgent": ['it\'s "$HOME" `id` \\n é', "POLICY"]}}
    Path("odd.json").write_text(policy(odd))
    Path("trust.json").write_text(trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/people/ana"}))
    Path("bucket.json").write_text(policy({**allow("s3:GetObject", "arn:aws:s3:::site-bucket/*"), "Principal": "*"}))
    for words in (
        ("attach", "ana", "edge"),
        ("put-policy", f"arn:aws:iam::{ACCOUNT}:policy/team/fresh", "odd.json"),
        ("attach", "group/new", f"arn:aws:iam::{ACCOUNT}:policy/team/fresh"),
        ("put-policy", DEPLOY, "odd.json"),
        ("add-to-group", "ana", "new"),
        ("remove-from-group", "ana", "old"),
        ("delete-inline", "ana", "scratch"),
        ("put-inline", "role/app", "a+=,.@-_", "odd.json"),
        ("set-boundary", "role/app", "edge"),
        ("drop-boundary", "role/fenced"),
        ("set-trust", "app", "trust.json"),
        ("attach", "full", "deploy"),
        ("detach", "full", "p3"),
        ("put-resource-policy", "arn:aws:s3:::site-bucket", "bucket.json"),
    ):
        made = cli("draft", "edit", file, *words, *live)
        assert made.code == 0, made
    script = cli("draft", "export", file, *live)
    assert script.code == 0, script

    done = run(script.out, tmp_path, server.url)

    assert done.returncode == 0, done.stderr
    # What is taken away cannot be taken away again, and the draft says so; the rest is there already.
    again = cli("draft", "export", file, *live)
    again.failed_with("Edit 6 of the draft", "not in group/old", "Take the edit out if it has been made already.")
    for taken_away in ("13", "10", "7", "6"):
        cli("draft", "edit", file, "drop", taken_away, *live)
    assert cli("draft", "export", file, "-o", "diff", *live).out == ""
    assert "changes nothing" in cli("draft", "export", file, *live).out
    versions = server.client("iam").list_policy_versions(PolicyArn=DEPLOY)["Versions"]
    assert sorted(version["VersionId"] for version in versions) == ["v2", "v3", "v4", "v5", "v6"]
    stored = json.loads(server.client("s3").get_bucket_policy(Bucket="site-bucket")["Policy"])
    gone = {
        "groups": [group["GroupName"] for group in server.client("iam").list_groups_for_user(UserName="ana")["Groups"]],
        "inline": server.client("iam").list_user_policies(UserName="ana")["PolicyNames"],
        "boundary": server.client("iam").get_role(RoleName="fenced")["Role"].get("PermissionsBoundary"),
    }
    assert gone == {"groups": ["new"], "inline": [], "boundary": None}
    assert stored == json.loads(Path("bucket.json").read_text())


def run(script: str, folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    """Run a script with the real AWS CLI first in the path, and only this server to talk to."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    (bin_folder / "aws").symlink_to(aws_cli())
    file = folder / "change.sh"
    file.write_text(script, encoding="utf-8")
    return subprocess.run(
        ["dash", str(file)],
        env={**os.environ, "PATH": f"{bin_folder}:/usr/bin:/bin", "AWS_ENDPOINT_URL": url, "AWS_PAGER": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
