"""`iamtui role-for`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli_runner import Cli
from tests.support.moto_server import MotoServer
from tests.support.snapshot_builder import inline, snapshot, user, write


def test_the_commands_go_to_stdout_and_what_to_look_at_to_stderr(cli: Cli) -> None:
    result = cli("role-for", "svc-backup-agent", "--place", "ecs", "--demo")
    assert result.code == 0
    lines = result.out.splitlines()
    assert "# DEMO: this user is in no account of AWS." in lines[: lines.index("set -eu")]
    assert lines.index("set -eu") < lines.index("    exit 1")
    create = next(number for number, line in enumerate(lines) if line.startswith("aws "))
    assert lines.index("    exit 1") < create
    assert lines[create].startswith("aws iam create-role --role-name svc-backup-agent --path /service/ ")
    assert "backup:StartCopyJob" not in result.out
    said = " ".join(result.err.split())
    assert "Left out, because never used: backup:StartCopyJob (backup-operations)." in said
    assert "was last used on 2026-11-23 for backup in eu-west-1" in said


@pytest.mark.slow
def test_as_a_draft_that_other_commands_take(cli: Cli, tmp_path: Path) -> None:
    draft = tmp_path / "role.json"
    draft.write_text(cli("role-for", "svc-lake-loader", "-o", "draft", "--demo").out)
    asked = "s3:PutObject", "--on", "arn:aws:s3:::puffin-data-lake/raw/x"
    said = cli("can", "role/svc-lake-loader", *asked, "--draft", draft, "--demo")
    same = cli("can", "user/svc-lake-loader", *asked, "--demo")
    assert said.code == same.code
    assert "Without the draft: there is no such user or role." in said.err
    assert "role/service/svc-lake-loader" in cli("impact", draft, "--demo").out
    assert 'resource "aws_iam_role"' in cli("role-for", "svc-lake-loader", "-o", "terraform", "--demo").out


def test_as_one_object(cli: Cli) -> None:
    found = cli("role-for", "user/svc-warehouse-scanner", "--json", "--demo").json
    assert found["role_name"] == "svc-warehouse-scanner"
    assert "rolesanywhere" in str(found["trust_policy"])
    assert list(found["inline_policies"]) == ["send-scans"]
    assert found["commands"][0] == "#!/bin/sh"
    assert any(line.startswith("aws iam create-role") for line in found["commands"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody"], "No user of this account is named nobody"),
        (["break-glass-1"], "has no access keys"),
        (["svc-smtp", "--place", "moon"], "is not a place where a program runs"),
    ],
)
def test_what_cannot_be_drafted_is_one_sentence(cli: Cli, words: list[str], said: str) -> None:
    result = cli("role-for", *words, "--demo")
    assert result.code == 2
    assert result.out == ""
    assert said in " ".join(result.err.split())


def test_a_plain_dump_leaves_nothing_out(cli: Cli, tmp_path: Path) -> None:
    path = write(tmp_path, snapshot(users=[user(UserPolicyList=[inline("own")])]))
    result = cli("role-for", "alice", "--snapshot", str(path))
    assert result.code == 0
    assert "put-role-policy --role-name alice --policy-name own" in result.out
    assert "What the user never uses is not known" in " ".join(result.err.split())


def test_a_live_account_is_asked_for_the_keys(cli: Cli, moto: MotoServer) -> None:
    moto.client("iam").create_user(UserName="alice")
    assert "has no access keys" in cli("role-for", "alice", "--endpoint-url", moto.url).err
    key = moto.client("iam").create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"]
    result = cli("role-for", "alice", "--endpoint-url", moto.url)
    assert result.code == 0
    assert f"{key} (active) was never used" in " ".join(result.err.split())
