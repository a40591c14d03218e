"""`iamtui revoke`."""

from __future__ import annotations

import json
import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from iamtui.aws.operations import ALLOWED
from tests.cli.test_assume import role
from tests.support.cli_runner import Cli
from tests.support.fault_proxy import FaultProxy

__all__ = ["role"]


def test_the_command_is_on_stdout_and_the_rest_on_stderr(cli: Cli) -> None:
    result = cli("revoke", "ops-readonly", "--demo")
    assert result.code == 0
    assert result.out.startswith("aws iam put-role-policy --role-name ops-readonly ")
    assert result.out.count("\n") == 1
    assert '"aws:TokenIssueTime"' in result.err
    assert "Nothing has been changed" in result.err
    assert "iam:PutRolePolicy on the role, for you" in result.err
    assert "delete-role-policy" in result.err


def test_json_holds_policy_and_commands(cli: Cli) -> None:
    record = cli("revoke", "role/ops-readonly", "--demo", "--json", "--before", "2026-11-25T08:00:00Z").json
    assert record["before"] == "2026-11-25T08:00:00Z"
    assert record["policy_name"] == "AWSRevokeOlderSessions"
    words = shlex.split(record["command"])
    assert json.loads(words[words.index("--policy-document") + 1]) == record["policy"]
    assert record["role"] == "arn:aws:iam::111122223333:role/ops-readonly"
    assert record["may_be_put"] == "implicitDeny"
    assert record["notes"]


def test_the_command_that_ends_sign_in_sessions_is_there_too(cli: Cli) -> None:
    words = cli("revoke", "role/ops-readonly", "--demo", "--json").json["end_sign_in_sessions"]
    listing, ending = words.split(" | ")
    role = "arn:aws:iam::111122223333:role/ops-readonly"
    assert listing.startswith(f"aws signin list-sessions --principal-arn {role} --status ACTIVE")
    assert ending.startswith(f"xargs -r -n 5 aws signin batch-revoke-sessions --principal-arn {role} --session-arns")
    shown = cli("revoke", "role/ops-readonly", "--demo").err
    assert "batch-revoke-sessions" in shown
    assert "Sign-in sessions of the role" in shown


def test_nothing_is_changed_and_an_arn_reads_no_account(cli: Cli, role: str, fault_proxy: FaultProxy) -> None:
    result = cli("revoke", role, "--endpoint-url", fault_proxy.url)
    assert result.code == 0, result
    assert set(fault_proxy.operations()) == {"GetCallerIdentity"}
    assert f"--endpoint-url {fault_proxy.url}" in result.out
    assert ("iam", "PutRolePolicy") not in ALLOWED
    assert cli("revoke", "deploy", "--endpoint-url", fault_proxy.url).code == 0


def test_a_role_of_another_account_is_warned_of_first_and_its_command_runs_only_there(
    cli: Cli, role: str, fault_proxy: FaultProxy, tmp_path: Path
) -> None:
    foreign = f"arn:aws:iam::999999999999:role/{role.rsplit('/', 1)[-1]}"
    result = cli("revoke", foreign, "--endpoint-url", fault_proxy.url)
    assert result.code == 0, result
    own = role.split(":")[4]
    warning = " ".join(result.err.split())
    assert f"The role is in account 999999999999, and you are in {own}" in warning
    assert warning.index("999999999999, and you") < warning.index("This inline policy")
    record = cli("revoke", foreign, "--endpoint-url", fault_proxy.url, "--json").json
    assert record["ready"] is False
    assert record["run_in_account"] == "999999999999"
    assert "credentials of account 999999999999" in record["warnings"][0]
    fake = tmp_path / "aws"
    fake.write_text('#!/bin/sh\ncase $1 in sts) echo "$IS";; *) echo "$2 $4" >> "$DONE";; esac\n')
    fake.chmod(0o755)
    for printed in (result.out, record["command"], record["undo"]):
        done = tmp_path / "done"
        for account in (own, "", "999999999999"):
            environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "IS": account, "DONE": str(done)}
            ended = subprocess.run(["/bin/sh", "-c", printed], env=environ, check=False)
            assert done.exists() == (account == "999999999999") == (ended.returncode == 0)
        assert done.read_text().endswith(f"{role.rsplit('/', 1)[-1]}\n")
        done.unlink()
    assert cli("revoke", role, "--endpoint-url", fault_proxy.url, "--json").json["ready"] is True


def test_a_snapshot_will_do(cli: Cli, snapshot: str) -> None:
    result = cli("revoke", "deploy-prod", "--snapshot", snapshot)
    assert result.code == 0, result
    assert "from this machine's clock" in result.err
    moment = datetime.fromisoformat(
        json.loads(shlex.split(result.out)[8])["Statement"][0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"]
    )
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=5)


def test_what_cannot_be_revoked_is_told(cli: Cli) -> None:
    cli("revoke", "AWSServiceRoleForECS", "--demo").failed_with("linked to a service of AWS")
    cli("revoke", "AWSReservedSSO_Billing_7ffc0de3b07c1253", "--demo").failed_with(
        "IAM Identity Center", "permission set"
    )
    cli("revoke", "user/maya.okafor", "--demo").failed_with("No role of this account")
    cli("revoke", "ops-readonly", "--demo", "--before", "yesterday").failed_with("yesterday is not a time")
    result = cli("revoke", "ops-readonly", "--demo", "--before", "now+1h")
    assert "That time is in the future" in result.err
