"""`iamtui org ask`: every account of a store, one by one; what cannot be read is named, and the rest is answered."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from iamtui.cli import org, organization_answers
from iamtui.input_files import packed_for
from iamtui.workspace.review.escalation_steps import EscalationReport
from iamtui.workspace.review.escalations import find_escalations
from iamtui.workspace.source.workspace import Workspace
from tests.support.cli_runner import Cli
from tests.support.external_tools import optional_module
from tests.support.slow import few_slow
from tests.support.snapshot_builder import (
    ID,
    allow,
    document,
    group,
    iam,
    inline,
    policy,
    role,
    snapshot,
    trust,
    user,
)
from tests.support.two_accounts import OTHER, of_other

ADMIN = document(allow("*"))
FULL = {"arn": "arn:aws:organizations::aws:policy/service_control_policy/p-Full", "name": "Full", "document": ADMIN}


def levels(account: str, unit: str) -> dict[str, Any]:
    ou = f"ou-abcd-{unit.lower()}12345"
    path = [("r-abcd", "Root", "ROOT"), (ou, unit, "ORGANIZATIONAL_UNIT"), (account, "x", "ACCOUNT")]
    return {
        "id": "o-1",
        "management_account": "999999999999",
        "path": [{"id": id_, "name": name, "type": type_, "scps": [FULL], "rcps": []} for id_, name, type_ in path],
    }


@pytest.fixture
def store(cli: Cli, tmp_path: Path) -> Path:
    """Two accounts: an administrator and one who becomes it in the first, nobody in the second."""
    one = snapshot(
        users=[
            user("alice", UserPolicyList=[inline("all", ADMIN)]),
            user("bob", UserPolicyList=[inline("up", document(allow("iam:AttachUserPolicy", iam("user/bob"))))]),
        ],
        roles=[role("app")],
        organization=levels(ID, "Prod"),
    )
    other = snapshot(
        users=of_other([user("olga", UserPolicyList=[inline("reads", document(allow("s3:GetObject")))])]),
        roles=[role("app", Arn=f"arn:aws:iam::{OTHER}:role/app", AssumeRolePolicyDocument=trust())],
        organization=levels(OTHER, "Test"),
    )
    for name, data in (("one", one), ("other", other)):
        id_ = ID if name == "one" else OTHER
        header = {"version": 1, "account_id": id_, "taken_at": "2026-11-28T00:00:00Z"}
        (tmp_path / f"{name}.json").write_text(json.dumps(data | {"iamtui": header}))
    folder = tmp_path / "org"
    written = cli(
        "snapshot", "--org", folder, "--snapshot", tmp_path / "one.json", "--snapshot", tmp_path / "other.json"
    )
    assert written.code == 0
    return folder


def questions(tmp_path: Path, *saved: dict[str, Any]) -> Path:
    file = tmp_path / "questions.json"
    file.write_text(json.dumps({"version": 1, "saved": saved}))
    return file


def asks(name: str, action: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "question": {"actions": [action], "resources": ["*"]}, **more}


def account_file(store: Path, account: str = ID) -> Path:
    return store / "date=2026-11-28" / f"account={account}" / "snapshot.json.zst"


def test_everybody_who_can_in_every_account(cli: Cli, store: Path) -> None:
    found = cli("org", "ask", "--store", store, "--who-can", "s3:GetObject", "-o", "jsonl")
    assert found.code == 0
    assert [(one["account"], one["subject"], one["verdict"]) for one in found.json_lines] == [
        (ID, iam("user/alice"), "allowed"),
        (OTHER, f"arn:aws:iam::{OTHER}:user/olga", "allowed"),
    ]
    assert found.json_lines[0]["date"] == "2026-11-28"
    assert "2 of 2 accounts of 2026-11-28. who-can: 2 allowed." in found.err


def test_whom_else_a_resource_lets_in_is_said_to_be_unknown(cli: Cli, store: Path) -> None:
    found = cli("org", "ask", "--store", store, "--who-can", "s3:GetObject", "--on", "arn:aws:s3:::lake/x")
    assert "who-can s3:GetObject: Who else the resource lets in is unknown" in found.err
    assert found.code == 3, "as with `who-can`"


@pytest.mark.parametrize(("principal", "code"), [(None, 1), ("999988887777", 0)])
def test_that_nobody_may_is_not_met_where_strangers_may(
    cli: Cli, store: Path, tmp_path: Path, principal: str | None, code: int
) -> None:
    """A queue that everybody may read whose ARN is like one of another account."""
    queue = f"arn:aws:sqs:eu-west-1:{ID}:q"
    others = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::999988887777:role/*"}}
    lets_in = allow("sqs:ReceiveMessage", queue, Principal="*", Condition=others)
    if principal is not None:
        lets_in = allow("sqs:SendMessage", queue, Principal={"AWS": principal})
    body = {"Version": "2012-10-17", "Statement": [lets_in]}
    data = snapshot(roles=[role("app")], resource_policies={queue: {"state": "present", "document": body}})
    data |= {"organization": levels(ID, "Prod")}
    another_day(store, cli, data)
    nobody = asks("nobody", "sqs:ReceiveMessage", expect="denied", account=ID)
    nobody["question"]["resources"] = [queue]
    file = questions(tmp_path, nobody)
    found = cli("org", "ask", file, "--store", store, "--date", "2026-11-29", "--fail-on", "open")
    assert (found.code, "role/*  not met: DEPENDS; expected denied" in found.out) == (code, code == 1)


def test_a_set_of_expectations_is_held_against_each_account(cli: Cli, store: Path, tmp_path: Path) -> None:
    file = questions(
        tmp_path,
        asks("app-may-not", "iam:CreateUser", principal="role/app", expect="denied"),
        asks("nobody", "iam:CreateUser", expect="denied"),
        asks("theirs", "s3:GetObject", principal="olga", expect="allowed", account=OTHER),
        asks("of-another", "s3:GetObject", principal="olga", expect="denied", account="111111111111"),
    )
    found = cli("org", "ask", file, "--store", store, "-o", "jsonl")
    assert found.code == 1
    assert [(one["account"], one["question"], one["verdict"]) for one in found.json_lines] == [
        (ID, "app-may-not", "met"),
        (ID, "nobody", "not met"),
        (OTHER, "app-may-not", "met"),
        (OTHER, "theirs", "met"),
    ]
    assert "No account was evaluated, because none has what is named: of-another." in found.err
    text = cli("org", "ask", file, "--store", store)
    assert [line.split("  ")[1] for line in text.out.splitlines()] == ["user/alice"]
    assert len(cli("org", "ask", file, "--store", store, "--all").out.splitlines()) == 4


def test_proofs_escalations_and_audit(cli: Cli, store: Path) -> None:
    proved = cli("org", "ask", "--store", store, "--never", "role/*", "iam:CreateUser", "--all")
    assert (proved.code, proved.out.count("role/*  proved")) == (0, 2)
    shown = cli("org", "ask", "--store", store, "--never", "*", "iam:CreateUser", "-o", "jsonl")
    assert (shown.code, [one["verdict"] for one in shown.json_lines]) == (1, ["counterexample", "proved"])
    spared = cli("org", "ask", "--store", store, "--never", "*", "iam:CreateUser", "--except", "user/alice")
    assert spared.code in (0, 3)
    found = cli("org", "ask", "--store", store, "--escalations", "-o", "jsonl")
    assert [(one["subject"], one["verdict"]) for one in found.json_lines] == [(iam("user/bob"), "certain")]
    assert cli("org", "ask", "--store", store, "--escalations", "--fail-on", "bad").code == 1
    audited = cli("org", "ask", "--store", store, "--audit", "-o", "jsonl")
    assert {one["account"] for one in audited.json_lines} == {ID, OTHER}


def test_proofs_of_a_file_and_that_nobody_outside_can_use_anything(cli: Cli, store: Path, tmp_path: Path) -> None:
    never = {"never": {"principals": ["user/olga"], "actions": ["iam:Create*"]}}
    file = questions(tmp_path, {"name": "olga", "proof": never}, {"name": "new", "proof": {"no-broader": {}}})
    found = cli("org", "ask", file, "--store", store, "-o", "jsonl")
    assert (found.code, [(one["account"], one["verdict"]) for one in found.json_lines]) == (3, [(OTHER, "proved")])
    assert "It is about a draft, and none is given" in found.err
    public = cli("org", "ask", "--store", store, "--not-public", "arn:aws:iam::*:role/*", "-o", "jsonl")
    assert (public.code, {one["verdict"] for one in public.json_lines}) == (0, {"proved"})
    nothing = cli("org", "ask", "--store", store, "--not-public", "arn:aws:s3:::nothing*")
    assert (nothing.code, "none has what is named: not-public arn:aws:s3:::nothing*" in nothing.err) == (3, True)


def test_ways_from_one_account_into_another(
    cli: Cli, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = json.loads((tmp_path / "other.json").read_text())
    target = role("into", Arn=f"arn:aws:iam::{OTHER}:role/into", AssumeRolePolicyDocument=trust({"AWS": iam("root")}))
    data["RoleDetailList"] += [target | {"RolePolicyList": [inline("all", ADMIN)]}]
    data["RoleDetailList"] += [
        role("far", Arn=f"arn:aws:iam::{OTHER}:role/far", AssumeRolePolicyDocument=trust({"AWS": "000011112222"}))
    ]
    own = json.loads((tmp_path / "one.json").read_text())
    own["UserDetailList"] += [user("dora", UserPolicyList=[inline("go", document(allow("sts:AssumeRole")))])]
    account_file(store).write_bytes(packed_for("x.zst", json.dumps(own).encode()))
    account_file(store, OTHER).write_bytes(packed_for("x.zst", json.dumps(data).encode()))
    found = cli("org", "ask", "--store", store, "--escalations", "-o", "jsonl", "--workers", "2")
    assert [(one["question"], one["subject"]) for one in found.json_lines] == [
        ("escalations", iam("user/bob")),
        ("escalations across accounts", iam("user/dora")),
    ]
    assert found.json_lines[1]["details"]["path"] == [f"assume arn:aws:iam::{OTHER}:role/into"]
    trusted = cli("org", "ask", "--store", store, "--trust", "-o", "jsonl")
    rows = [(one["verdict"], one["subject"], one["resource"].rsplit("/")[-1]) for one in trusted.json_lines]
    assert [row for row in rows if row[2] != "app"] == [
        ("outside", f"arn:aws:iam::{OTHER}:role/far", "far"),
        ("may assume", iam("user/alice"), "into"),
        ("may assume", iam("user/dora"), "into"),
    ]
    assert cli("org", "ask", "--store", store, "--trust", "--account", OTHER).code == 0
    chains = cli("org", "ask", "--store", store, "--trust", "--from", iam("user/dora"))
    assert (chains.code, f"reaches: arn:aws:iam::{OTHER}:role/into" in chains.out) == (0, True)
    cli("org", "ask", "--store", store, "--trust", "--from", "dora").failed_with("is not the ARN of a user or role")
    cli("org", "ask", "--store", store, "--audit", "--from", iam("user/dora")).failed_with("applies only with --trust")
    optional_module("pyarrow.parquet")
    folder = tmp_path / "tables"
    assert cli("org", "ask", "--store", store, "--trust", "--parquet", folder).code == 0
    assert [path.name for path in folder.glob(f"*/account={OTHER}/*")].count("across.parquet") == 1
    monkeypatch.setattr(org, "_MOST_ACROSS", 1)
    found = cli("org", "ask", "--store", store, "--trust", "--parquet", tmp_path / "fewer")
    assert found.code == 3
    assert "More than 1 rows about several accounts: no more are in the tables." in found.err


@pytest.mark.slow
def test_what_an_scp_would_deny_anywhere(cli: Cli, store: Path, tmp_path: Path) -> None:
    scp = tmp_path / "scp.json"
    scp.write_text(json.dumps(document({"Effect": "Deny", "Action": "s3:*", "Resource": "*"})))
    found = cli("org", "ask", "--store", store, "--draft", scp, "-o", "jsonl")
    assert found.code == 0
    assert {(one["account"], one["verdict"]) for one in found.json_lines} == {(ID, "lost"), (OTHER, "lost")}
    asked = ("org", "ask", "--store", store, "--who-can", "s3:GetObject", "--never", "*", "s3:*", "--all")
    assert [line.split("  ")[2].split(":")[0] for line in cli(*asked).out.splitlines()] == [
        "allowed", "counterexample", "allowed", "counterexample",
    ]  # fmt: skip
    as_if = cli(*asked, "--draft", scp, "--at", "Test")
    assert as_if.out.count("allowed") == 1
    assert (as_if.out.count("counterexample"), as_if.out.count("proved")) == (1, 1)
    assert "DRAFT: every account is evaluated as if the draft were applied" in as_if.err
    cli("org", "ask", "--store", store, "--trust", "--draft", scp).failed_with("exclude each other")
    unit = cli("org", "ask", "--store", store, "--draft", scp, "--at", "Test", "-o", "jsonl")
    assert {one["account"] for one in unit.json_lines} == {OTHER}
    nowhere = cli("org", "ask", "--store", store, "--draft", scp, "--at", "Elsewhere")
    assert (nowhere.code, nowhere.out) == (3, "")
    assert "No account was evaluated, because none has what is named: draft." in nowhere.err


def test_a_draft_with_edits_of_one_account_is_refused(cli: Cli, store: Path, tmp_path: Path) -> None:
    draft = tmp_path / "draft.json"
    cli("draft", "edit", draft, "put-inline", "user/aoife.brennan", "p", "-", "--demo", stdin=json.dumps(ADMIN))
    cli("org", "ask", "--store", store, "--draft", draft).failed_with("has edits of one account")


def test_a_damaged_account_is_named_and_the_others_are_answered(cli: Cli, store: Path) -> None:
    account_file(store).write_bytes(b"{")
    found = cli("org", "ask", "--store", store, "--who-can", "s3:GetObject", "-o", "jsonl")
    assert (found.code, [one["account"] for one in found.json_lines]) == (3, [OTHER])
    assert f"Not answered for account {ID}: The snapshot of account {ID} of 2026-11-28" in found.err
    sarif = cli("org", "ask", "--store", store, "--escalations", "-o", "sarif").json
    assert sarif["runs"][0]["invocations"][0]["executionSuccessful"] is False


def test_an_account_in_the_folder_of_another_answers_nothing(cli: Cli, store: Path) -> None:
    account_file(store).write_bytes(account_file(store, OTHER).read_bytes())
    found = cli("org", "ask", "--store", store, "--who-can", "s3:GetObject", "-o", "jsonl")
    assert (found.code, [one["account"] for one in found.json_lines]) == (3, [OTHER])
    assert f"is of account {OTHER}, and is not used" in found.err


def test_an_account_without_scps_says_so(cli: Cli, store: Path) -> None:
    data = snapshot(users=[user("alice", UserPolicyList=[inline("all", ADMIN)])], roles=[role("app")])
    whole = cli("org", "ask", "--store", store, "--who-can", "iam:CreateUser", "-o", "jsonl")
    assert [(one["account"], one["complete"]) for one in whole.json_lines] == [(ID, True)]
    account_file(store).write_bytes(packed_for("x.zst", json.dumps(data).encode()))
    found = cli("org", "ask", "--store", store, "--who-can", "iam:CreateUser", "-o", "jsonl")
    assert [(one["account"], one["complete"]) for one in found.json_lines] == [(ID, False)]
    assert f"SCPs and RCPs are not loaded (not in the snapshot): of {ID}." in found.err
    text = cli("org", "ask", "--store", store, "--who-can", "s3:GetObject")
    assert "as far as loaded (resource, SCP, RCP not evaluated)" in text.out.splitlines()[0]
    scp = store.parent / "scp.json"
    scp.write_text(json.dumps(document({"Effect": "Deny", "Action": "s3:*", "Resource": "*"})))
    drafted = cli("org", "ask", "--store", store, "--draft", scp)
    assert (drafted.code, "What the draft does is not known" in drafted.err) == (3, True)


def test_accounts_that_were_refused_are_named(cli: Cli, store: Path) -> None:
    listed = {
        "version": 1,
        "accounts": [{"name": "The account 777788889999 (x)", "account": "777788889999", "problem": "Denied."}],
    }
    (store / "date=2026-11-28" / "accounts.json").write_text(json.dumps(listed))
    found = cli("org", "ask", "--store", store, "--who-can", "s3:GetObject")
    assert (found.code, "Not answered for The account 777788889999 (x): Denied." in found.err) == (3, True)
    assert cli("org", "ask", "--store", store, "--who-can", "s3:GetObject", "--account", OTHER).code == 0


def test_an_escalation_names_what_it_depends_on(cli: Cli, store: Path) -> None:
    with_mfa = allow("iam:AttachUserPolicy", iam("user/bob"), Condition={"Bool": {"aws:MultiFactorAuthPresent": True}})
    data = snapshot(users=[user("bob", UserPolicyList=[inline("up", document(with_mfa))])])
    another_day(store, cli, data | {"organization": levels(ID, "Prod")})
    asked = ("org", "ask", "--store", store, "--date", "2026-11-29", "--escalations")
    assert "attach a policy to itself if aws:MultiFactorAuthPresent is true" in cli(*asked).out
    (row,) = cli(*asked, "-o", "jsonl").json_lines
    assert row["details"]["conditions"] == ["aws:MultiFactorAuthPresent is true"]


def test_sarif_and_csv(cli: Cli, store: Path) -> None:
    log = cli("org", "ask", "--store", store, "--escalations", "-o", "sarif").json
    assert [one["ruleId"] for one in log["runs"][0]["results"]] == ["escalation"]
    lines = cli("org", "ask", "--store", store, "--escalations", "-o", "csv").out.splitlines()
    assert (lines[0].split(",")[:3], len(lines)) == (["date", "account", "kind"], 2)


def test_parquet_has_the_partitions_of_the_store(cli: Cli, store: Path, tmp_path: Path) -> None:
    dataset = optional_module("pyarrow.dataset")
    folder = tmp_path / "tables"
    assert cli("org", "ask", "--store", store, "--escalations", "--audit", "--parquet", folder).code in (0, 3)
    rows = dataset.dataset(folder, partitioning="hive").to_table().to_pylist()
    assert {row["subject"] for row in rows if row["kind"] == "escalation"} == {iam("user/bob")}
    assert {str(row["account"]) for row in rows} == {ID, OTHER}
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*.parquet")} == {0o600}


def test_parquet_without_pyarrow_is_one_sentence(cli: Cli, store: Path) -> None:
    cli.monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    cli("org", "ask", "--store", store, "--audit", "--parquet", "x").failed_with("without pyarrow")


@pytest.mark.slow
def test_two_processes_say_what_one_says(cli: Cli, store: Path) -> None:
    asked = ("org", "ask", "--store", store, "--who-can", "s3:GetObject", "--escalations", "-o", "csv")
    assert cli(*asked, "--workers", "2").out == cli(*asked, "--workers", "1").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "or --who-can, --never, --not-public, --escalations, --trust, --audit, --draft."),
        (("--who-can", "nonsense"), "nonsense"),
        (("--on", "arn:aws:s3:::b"), "--on applies only with --who-can"),
        (("--at", "Prod"), "--at applies only with --draft"),
        (("--except", "x"), "--except applies only with --never"),
        (("--audit", "--account", "1"), "--account 1 is not an account id"),
        (("--audit", "--account", "111111111111"), "has no account 111111111111"),
        (("--audit", "--date", "2020-01-01"), "has nothing of 2020-01-01"),
        (("--audit", "--json", "-o", "csv"), "--json is short for -o json"),
        (("missing.json",), "does not exist"),
    ],
)
def test_what_cannot_be_asked(cli: Cli, store: Path, words: tuple[str, ...], said: str) -> None:
    cli("org", "ask", "--store", store, *words).failed_with(said)


@pytest.mark.parametrize(
    ("url", "said"),
    [("nowhere", "is not a store"), ("s3:nowhere", "is not an address of S3"), ("", "--store is empty"), ("a\0b", "")],
)
def test_what_is_not_a_store(cli: Cli, url: str, said: str) -> None:
    cli("org", "ask", "--store", url, "--audit").failed_with(said)


def test_a_name_with_control_characters_is_shown_harmlessly(cli: Cli, store: Path) -> None:
    evil = "\x1b]0;x\x07" + "e"
    data = snapshot(users=[user(evil, UserPolicyList=[inline("all", ADMIN)])], roles=[role("app")])
    account_file(store).write_bytes(packed_for("x.zst", json.dumps(data).encode()))
    found = cli("org", "ask", "--store", store, "--who-can", "s3:GetObject", "--escalations", "--audit")
    assert "\x1b" not in found.out + found.err
    assert "\x07" not in found.out + found.err


def another_day(store: Path, cli: Cli, data: Any, account: str = ID) -> None:
    file = store.parent / "later.json"
    file.write_text(
        json.dumps(data | {"iamtui": {"version": 1, "account_id": account, "taken_at": "2026-11-29T00:00:00Z"}})
    )
    assert cli("snapshot", "--org", store, "--snapshot", file).code == 0


def test_what_has_changed_from_one_day_to_another(cli: Cli, store: Path) -> None:
    before = json.loads((store.parent / "one.json").read_text())
    another_day(store, cli, before | {"UserDetailList": before["UserDetailList"][:1]})
    found = cli("org", "diff", "2026-11-28", "2026-11-29", "--store", store)
    assert (found.code, found.out.splitlines()[:2]) == (0, [ID, "  [-] removed    user bob"])
    assert f"Only on 2026-11-28: {OTHER}." in found.err
    assert "1 account compared, 1 changed." in found.err
    lost = cli("org", "diff", "2026-11-28", "2026-11-29", "--store", store, "-o", "jsonl", "--fail-on", "lost")
    line, _ = lost.json_lines
    assert (line["account"], [one["change"] for one in line["entities"]]) == (ID, ["removed"])
    assert lost.code == 1
    same = cli("org", "diff", "2026-11-28", "2026-11-28", "--store", store, "--fail-on", "change")
    assert (same.code, same.out) == (0, "")


def test_an_account_that_is_there_on_one_of_the_days_alone_is_not_one_without_changes(cli: Cli, store: Path) -> None:
    another_day(store, cli, json.loads((store.parent / "one.json").read_text()))
    days = ("2026-11-28", "2026-11-29")
    for first, second in (days, days[::-1]):
        found = cli("org", "diff", first, second, "--store", store, "--account", OTHER)
        found.failed_with(f"The store has no account {OTHER} on 2026-11-29")
    shutil.rmtree(account_file(store).parent)
    nothing = cli("org", "diff", *days, "--store", store)
    assert (nothing.code, "0 accounts compared" in nothing.err) == (3, True)


def test_an_account_that_is_damaged_on_one_of_the_days_is_not_compared(cli: Cli, store: Path) -> None:
    another_day(store, cli, json.loads((store.parent / "one.json").read_text()))
    account_file(store).write_bytes(b"{")
    found = cli("org", "diff", "2026-11-28", "2026-11-29", "--store", store)
    assert (found.code, f"Not compared: account {ID}:" in found.err) == (3, True)
    cli("org", "diff", "2026-11-28", "tomorrow", "--store", store).failed_with("tomorrow is not a date")


@pytest.mark.parametrize(
    ("fail_on", "days", "code"),
    [
        ("change", "new", 1),
        ("gained", "new", 1),
        ("lost", "new", 0),
        ("change", "gone", 1),
        ("gained", "gone", 0),
        ("lost", "gone", 1),
    ],
)
def test_all_of_an_account_that_is_new_or_gone_is_gained_or_lost(
    cli: Cli, store: Path, fail_on: str, days: str, code: int
) -> None:
    another_day(store, cli, json.loads((store.parent / "one.json").read_text()))
    order = ("2026-11-28", "2026-11-29") if days == "gone" else ("2026-11-29", "2026-11-28")
    found = cli("org", "diff", *order, "--store", store, "--fail-on", fail_on)
    assert (found.code, f"Only on 2026-11-28: {OTHER}." in found.err) == (code, True)
    lines = cli("org", "diff", *order, "--store", store, "-o", "jsonl").json_lines
    assert lines[1:] == [{"account": OTHER, "only_on": "2026-11-28"}]
    only_one = cli("org", "diff", *order, "--store", store, "--fail-on", fail_on, "--account", ID)
    assert only_one.code == 0


@pytest.mark.parametrize("listed", [{"name": "x", "account": OTHER}, {"name": "The profile prod"}])
def test_an_account_that_was_not_read_on_the_other_day_is_not_gone(
    cli: Cli, store: Path, listed: dict[str, str]
) -> None:
    another_day(store, cli, json.loads((store.parent / "one.json").read_text()))
    (store / "date=2026-11-29" / "accounts.json").write_text(json.dumps({"accounts": [listed]}))
    found = cli("org", "diff", "2026-11-28", "2026-11-29", "--store", store, "--fail-on", "change")
    assert (found.code, f"Not read on 2026-11-29: {listed['name']}: It was not read" in found.err) == (3, True)


@pytest.mark.parametrize("accounts", [(), ("--account", ID)])
@pytest.mark.parametrize(("organization", "verdict"), [("o-1", "proved"), ("o-2", "not proved"), (None, "not proved")])
def test_accounts_of_the_store_count_as_members_of_the_organization_that_they_are_in(
    cli: Cli, store: Path, organization: str | None, verdict: str, accounts: tuple[str, ...]
) -> None:
    shared = role("shared", AssumeRolePolicyDocument=trust({"AWS": OTHER}))
    other = levels(OTHER, "Test") | {"id": organization} if organization is not None else None
    another_day(store, cli, snapshot(roles=[shared], organization=levels(ID, "Prod")))
    another_day(store, cli, snapshot(users=of_other([user("olga")]), organization=other), OTHER)
    found = cli(
        "org", "ask", "--store", store, *accounts, "--not-public", f"arn:aws:iam::{ID}:role/shared", "-o", "jsonl"
    )
    proved = verdict == "proved"
    assert [(one["verdict"], one["complete"]) for one in found.json_lines] == [(verdict, proved)]
    assert found.code == (0 if proved else 3)


def test_a_file_of_another_account_makes_no_member_of_the_organization(cli: Cli, store: Path) -> None:
    shared = role("shared", AssumeRolePolicyDocument=trust({"AWS": OTHER}))
    another_day(store, cli, snapshot(roles=[shared], organization=levels(ID, "Prod")))
    moved = account_file(store, OTHER)
    another = snapshot(users=[user("olga", Arn="arn:aws:iam::777788889999:user/olga")])
    another["organization"] = levels("777788889999", "Test")
    target = moved.parents[2] / "date=2026-11-29" / moved.parent.name / moved.name
    target.parent.mkdir()
    target.write_bytes(packed_for(target.name, json.dumps(another).encode()))
    found = cli("org", "ask", "--store", store, "--not-public", f"arn:aws:iam::{ID}:role/shared", "-o", "jsonl")
    assert [one["verdict"] for one in found.json_lines] == ["not proved"]
    assert "is of account 777788889999, and is not used" in found.err


def test_members_that_were_replaced_while_the_store_was_read_are_named(
    cli: Cli, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    another_day(store, cli, snapshot(roles=[role("shared", AssumeRolePolicyDocument=trust({"AWS": OTHER}))]))
    another_day(store, cli, snapshot() | {"organization": levels(OTHER, "Prod")}, OTHER)
    monkeypatch.setattr("iamtui.cli.org._organizations", lambda *_: {ID: "", OTHER: "o-2"})
    found = cli("org", "ask", "--store", store, "--not-public", f"arn:aws:iam::{ID}:role/shared", "-o", "jsonl")
    assert found.code == 3
    assert "It was of another organization when the members were read: ask again" in found.err


def test_who_is_of_another_account_than_the_role_is_named_in_full(cli: Cli, store: Path) -> None:
    shared = role("shared", AssumeRolePolicyDocument=trust({"AWS": OTHER}))
    may = inline("may", document(allow("sts:AssumeRole")))
    olga = user("olga", UserPolicyList=[may])
    another_day(store, cli, snapshot(roles=[shared], users=[olga], organization=levels(ID, "Prod")))
    another_day(store, cli, snapshot(users=of_other([olga]), organization=levels(OTHER, "Test")), OTHER)
    found = cli("org", "ask", "--store", store, "--trust")
    (line,) = (line for line in found.out.splitlines() if "olga" in line)
    assert f"arn:aws:iam::{OTHER}:user/olga" in line


def test_a_row_carries_what_decided_and_the_whole_record_only_on_demand(cli: Cli, store: Path) -> None:
    asked = ("org", "ask", "--store", store, "--who-can", "iam:CreateUser", "-o", "jsonl")
    (row,) = cli(*asked).json_lines
    assert row["details"]["decision"] == "allowed"
    assert row["details"]["statement"] == {
        "layer": "identity", "policy": "all", "sid": None, "statement": 0, "lines": [4, 8],
    }  # fmt: skip
    (whole,) = cli(*asked, "--trace").json_lines
    assert whole["details"]["layers"]
    assert len(json.dumps(row)) * 4 < len(json.dumps(whole))


def test_the_summary_of_a_comparison_counts_for_each_account(cli: Cli, store: Path) -> None:
    reads = inline("reads", document(allow("s3:GetObject")))
    data = snapshot(users=[user("carol", UserPolicyList=[reads])], roles=[role("app")], organization=levels(ID, "Prod"))
    another_day(store, cli, data)
    asked = ("org", "diff", "2026-11-28", "2026-11-29", "--store", store, "--summary")
    (line,) = cli(*asked).out.splitlines()
    assert line.startswith(f"{ID}  entities: 1 added, 2 removed; access: ")
    (row,) = (one for one in cli(*asked, "-o", "jsonl").json_lines if one["account"] == ID and "entities" in one)
    assert row["entities"] == {"added": 1, "removed": 2}
    assert row["access"]["gained"] >= 1
    assert row["escalations"] == {"lost": 2}


def test_a_lost_managed_policy_leaves_open_what_rests_on_it(cli: Cli, store: Path) -> None:
    aws = "arn:aws:iam::aws:policy/ReadsAll"
    reads = {
        "PolicyName": "ReadsAll", "PolicyId": "ANPAREADS", "Arn": aws, "Path": "/", "DefaultVersionId": "v1",
        "AttachmentCount": 1, "IsAttachable": True,
        "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": True, "Document": document(allow("s3:*"))}],
    }  # fmt: skip
    carol = user("carol", AttachedManagedPolicies=[{"PolicyName": "ReadsAll", "PolicyArn": aws}])
    dave = user("dave", UserPolicyList=[inline("reads", document(allow("s3:GetObject")))])
    another_day(store, cli, snapshot(users=[carol, dave], policies=[reads], organization=levels(ID, "Prod")))
    for file in (store / "managed-policies").iterdir():
        file.unlink()
    found = cli("org", "ask", "--store", store, "--who-can", "s3:GetObject", "-o", "jsonl")
    assert {one["subject"]: one["verdict"] for one in found.json_lines} == {
        iam("user/carol"): "depends", iam("user/dave"): "allowed",
    }  # fmt: skip
    assert "iamtui snapshot --org" in found.err
    assert "aws iam" not in found.err
    assert found.code == 3
    found = cli("org", "ask", "--store", store, "--escalations", "--audit", "-o", "jsonl")
    assert {one["kind"] for one in found.json_lines} == {"escalation", "audit"}
    assert not any(one["complete"] for one in found.json_lines)


def test_a_search_that_reached_its_bound_is_named(cli: Cli, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(workspace: Workspace) -> EscalationReport:
        return replace(find_escalations(workspace), left_out=("There may be more paths",))

    monkeypatch.setattr(organization_answers, "find_escalations", cut)
    found = cli("org", "ask", "--store", store, "--escalations", "--workers", "1", "-o", "jsonl")
    rows = [one for one in found.json_lines if one["question"] == "escalations"]
    assert [one["complete"] for one in rows] == [False]
    assert (found.code, "escalations: There may be more paths" in found.err) == (3, True)


def test_without_the_list_of_accounts_it_is_said_that_some_may_be_missing(cli: Cli, store: Path) -> None:
    (day,) = store.glob("date=*")
    words = ("org", "ask", "--store", store, "--never", "*", "iam:CreateVirtualMFADevice")
    missing = f"accounts.json of {day.name.removeprefix('date=')} is not there: whether accounts are missing"
    assert missing in cli(*words).err
    (day / "accounts.json").write_text('{"accounts": []}')
    assert "accounts.json" not in cli(*words).err


QUEUE = f"arn:aws:sqs:eu-west-1:{ID}:q"


def random_accounts(chance: random.Random) -> dict[str, dict[str, Any]]:
    """Snapshots of two accounts: users, roles and groups with and without boundaries, SCPs, a queue with a policy."""

    def statements(least: int, **more: Any) -> list[dict[str, Any]]:
        found = []
        for _ in range(chance.randint(least, 3)):
            one = allow(
                chance.choice(["sqs:ReceiveMessage", "sqs:*", "sqs:Send*", "*"]),
                chance.choice(["*", QUEUE, QUEUE[:-1] + "*", QUEUE.replace(ID, OTHER)]),
                Effect=chance.choice(["Allow", "Allow", "Deny"]),
            )
            if chance.random() < 0.5:
                one["Condition"] = chance.choice(
                    [
                        {"StringEquals": {"aws:PrincipalAccount": chance.choice([ID, OTHER])}},
                        {"Bool": {"aws:SecureTransport": chance.choice(["true", "false"])}},
                        {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
                        {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": chance.choice(["o-1", "o-2"])}},
                        {"StringLike": {"aws:userid": "AROAAPP:*"}},
                    ]
                )
            found.append(one | {name: choose() for name, choose in more.items()})
        return found

    def inlined(key: str) -> dict[str, Any]:
        return {key: [inline("own", document(*own))] if (own := statements(0)) else []}

    def arn(account: str, name: str) -> str:
        return f"arn:aws:iam::{account}:{name}"

    principals = [
        "*",
        {"AWS": ID},
        *({"AWS": arn(id_, f"{kind}/app")} for id_ in (ID, OTHER) for kind in ("user", "role")),
    ]
    limit = policy("limit", body=document(*statements(1)))
    bound = {"PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": limit["Arn"]}}
    found = {}
    for id_ in (ID, OTHER):
        organization = levels(id_, "Prod")
        denies = [one | {"Effect": "Deny"} for one in statements(0)]
        if denies:
            organization["path"][1]["scps"] = [FULL, FULL | {"arn": f"{FULL['arn']}2", "document": document(*denies)}]
        data = snapshot(
            users=[
                user("app", **inlined("UserPolicyList")),
                user("bob", GroupList=["devs"]),
                user("cy", **inlined("UserPolicyList"), **(bound if chance.random() < 0.5 else {})),
            ],
            groups=[group("devs", **inlined("GroupPolicyList"))],
            roles=[role("app", **inlined("RolePolicyList")), role("b", **inlined("RolePolicyList"), **bound)],
            policies=[limit],
        )
        if id_ == OTHER:
            data = of_other(data)
        data["organization"] = organization
        lets_in = statements(0, Principal=lambda: chance.choice(principals)) if id_ == ID else []
        if lets_in:
            data["resource_policies"] = {QUEUE: {"state": "present", "document": document(*lets_in)}}
        elif id_ == ID and chance.random() < 0.5:
            data["resource_policies"] = {QUEUE: {"state": "none"}}
        found[id_] = data | {"iamtui": {"version": 1, "account_id": id_, "taken_at": "2026-11-28T00:00:00Z"}}
    return found


@pytest.mark.parametrize("seed", few_slow(range(40), 2))
def test_who_can_in_every_account_is_what_can_answers_in_each(cli: Cli, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    files = {id_: tmp_path / f"{id_}.json" for id_ in (ID, OTHER)}
    for id_, data in random_accounts(chance).items():
        files[id_].write_text(json.dumps(data))
    store = tmp_path / "org"
    given = [argument for file in files.values() for argument in ("--snapshot", file)]
    assert cli("snapshot", "--org", store, *given).code == 0
    action = chance.choice(["sqs:ReceiveMessage", "sqs:SendMessage", "sqs:DeleteQueue"])
    on = chance.choice([(), ("--on", QUEUE), ("--on", QUEUE.replace(ID, OTHER))])
    rows = cli("org", "ask", "--store", store, "--who-can", action, *on, "-o", "jsonl").json_lines
    for id_, file in files.items():
        found = {row["subject"]: row["verdict"] for row in rows if row["account"] == id_}
        own = [f"arn:aws:iam::{id_}:{name}" for name in ("user/app", "user/bob", "user/cy", "role/app", "role/b")]
        named = {subject for subject in found if subject.startswith("arn:") and "*" not in subject}
        for principal in {*own, *named}:
            (asked,) = cli("can", principal, action, *on, "--snapshot", file, "-o", "json").json
            decision = asked["decision"]
            expected = decision if decision in ("allowed", "depends") else None
            assert found.get(principal) == expected, (id_, principal, decision)
