"""An account of which only a part was read: no command gives its answer out as that of the whole."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from iamtui.account.authorization_details import load_account
from iamtui.account.model import REST_OF_ACCOUNT
from iamtui.questions.question import Question
from tests.questions.test_index import compare
from tests.support.cli_runner import Cli
from tests.support.snapshot_builder import ID, allow, document, iam, inline, role, snapshot, trust, user

LETS_BOB_IN = role("open", AssumeRolePolicyDocument=trust({"AWS": iam("user/bob")}))
GAPS = (REST_OF_ACCOUNT, "all roles")


def partly_read(what: str = REST_OF_ACCOUNT) -> bytes:
    """Alice and bob may assume any role; carol may nothing; one role that was read lets bob in."""
    everything = [inline("p", document(allow("sts:AssumeRole")))]
    users = [user("alice", UserPolicyList=everything), user("bob", UserPolicyList=everything), user("carol")]
    gap = {"what": what, "permission": "iam:GetAccountAuthorizationDetails", "error": "it broke off"}
    made = snapshot(users=users, roles=[LETS_BOB_IN], missing=[gap], organization=None)
    return json.dumps({**made, "iamtui": {"version": 1, "account_id": ID}}).encode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "part.json"
    path.write_bytes(partly_read())
    return path


@pytest.mark.parametrize("on", ["*", f"arn:aws:iam::{ID}:role/*"])
@pytest.mark.parametrize(("name", "code"), [("alice", 3), ("bob", 0), ("carol", 1)])
def test_roles_that_were_not_read_may_let_somebody_in(cli: Cli, file: Path, on: str, name: str, code: int) -> None:
    asked = cli("can", f"user/{name}", "sts:AssumeRole", "--on", on, "--any-resource", "--snapshot", file)
    assert asked.code == code
    assert ("DEPENDS on trust policies of roles that were not read" in asked.out) is (code == 3)


@pytest.mark.parametrize("what", GAPS)
def test_the_index_agrees_with_the_evaluator(what: str) -> None:
    account = load_account(partly_read(what))
    said: Counter[str | None] = Counter()
    for resource in ("*", f"arn:aws:iam::{ID}:role/*", f"arn:aws:iam::{ID}:role/open"):
        compare(account, Question("sts:AssumeRole", resource), said)
    assert said["not read"]


COMMANDS = [
    ("who-can", "s3:GetObject"),
    ("trust",),
    ("trust", "open"),
    ("trust", "--from", "user/bob"),
    ("trust", "--format", "dot"),
    ("escalations",),
    ("escalations", "--fail-on", "possible"),
    ("audit",),
    ("overview",),
    ("list", "users"),
    ("list", "users", "--json"),
    ("snapshot", "-"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_an_answer_about_the_whole_account_stays_open(cli: Cli, file: Path, words: tuple[str, ...]) -> None:
    found = cli(*words, "--snapshot", file)
    assert found.code == 3
    assert "Only a part of the account was read: it broke off." in found.err


def test_a_snapshot_of_a_part_is_written_and_says_so(cli: Cli, file: Path, tmp_path: Path) -> None:
    assert cli("snapshot", tmp_path / "again.json", "--snapshot", file).code == 3
    assert cli("list", "users", "--snapshot", tmp_path / "again.json").code == 3


def test_what_is_found_in_a_part_fails_a_check_all_the_same(cli: Cli, file: Path) -> None:
    assert cli("audit", "--fail-on", "low", "--snapshot", file).code == 1


@pytest.mark.parametrize("command", ["audit", "escalations"])
def test_sarif_says_that_the_run_did_not_succeed(cli: Cli, file: Path, command: str) -> None:
    (run,) = cli(command, "--format", "sarif", "--snapshot", file).json["runs"]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (said,) = invocation["toolExecutionNotifications"]
    assert said["message"]["text"] == "Not read: the rest of the account: it broke off."


def test_audit_and_overview_name_what_was_not_read(cli: Cli, file: Path) -> None:
    audit = " ".join(cli("audit", "--snapshot", file).err.split())
    assert "Not checked: the rest of the account: it broke off (needs iam:GetAccountAuthorizationDetails)." in audit
    assert cli("overview", "--json", "--snapshot", file).json["complete"] is False
    assert cli("overview", "--json", "--demo").json["complete"] is True


def test_what_can_counts_on_no_role_that_was_not_read(cli: Cli, file: Path) -> None:
    found = cli("what-can", "user/alice", "--service", "sts", "--json", "--snapshot", file).json["actions"]
    assert {one["decision"] for one in found if one["action"] == "sts:AssumeRole"} == {"depends"}
