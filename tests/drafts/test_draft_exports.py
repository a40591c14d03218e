"""A draft as a script of AWS CLI commands: run by every shell against a CLI that records its calls."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iamtui.account.model import InlinePolicy, Known, PolicyVersion, ResourcePolicy
from iamtui.drafts.edits import (
    AddUserToGroup,
    AttachPolicy,
    DeleteInlinePolicy,
    DeletePermissionsBoundary,
    DeleteResourcePolicy,
    DetachPolicy,
    PutInlinePolicy,
    PutManagedPolicy,
    PutOrganizationPolicy,
    PutPermissionsBoundary,
    PutResourcePolicy,
    RemoveUserFromGroup,
    UpdateTrustPolicy,
)
from iamtui.drafts.exports import FORMS, export
from iamtui.drafts.overlay import apply_draft
from iamtui.problem import Problem
from tests.support.draft_exports import MANAGEMENT, POLICY, RESOURCES, account, draft, exported, organization_edits
from tests.support.external_tools import need
from tests.support.sample_account import ADMIN_ARN, ID, LAKE_READ, allow, days_ago, document, iam

SHELLS = ("bash", "dash", "zsh")
FAKE = """#!/bin/sh
# Records each call and what it reads; answers what the script asks.
printf '%s\\0' "$@" >> "$LOG"
printf '\\001' >> "$LOG"
for word in "$@"; do
    if [ "$word" = file:///dev/stdin ]; then
        cat >> "$LOG"
        break
    fi
done
printf '\\002' >> "$LOG"
case "$1 $2" in
    "sts get-caller-identity") echo "$CALLER" ;;
    "organizations create-policy") echo p-created ;;
esac
"""
DEPLOY, ALICE, BOB = iam("role/deploy-prod"), iam("user/alice"), iam("user/data/bob")


class Call:
    def __init__(self, words: list[str], read: str) -> None:
        self.words, self.read = words, read

    def option(self, name: str) -> str:
        return self.words[self.words.index(name) + 1]


def run(script: str, folder: Path, shell: str = "dash", caller: str = ID) -> tuple[list[Call], int, str]:
    """Run a script with an `aws` that records its calls; without the one that asks for the caller."""
    folder.mkdir(exist_ok=True)
    fake, log, file = folder / "aws", folder / "log", folder / "script.sh"
    fake.write_text(FAKE)
    fake.chmod(0o755)
    log.write_bytes(b"")
    file.write_text(script, encoding="utf-8")
    ended = subprocess.run(
        [shell, str(file)],
        env={"PATH": f"{folder}:/usr/bin:/bin", "LOG": str(log), "CALLER": caller, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    calls = []
    for record in log.read_bytes().split(b"\2")[:-1]:
        words, read = record.split(b"\1")
        calls.append(Call([word.decode() for word in words.split(b"\0")[:-1]], read.decode()))
    assert calls[0].words[:2] == ["sts", "get-caller-identity"]
    return calls[1:], ended.returncode, ended.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_makes_the_calls_in_an_order_that_works(tmp_path: Path, shell: str) -> None:
    need(shell)
    script = exported(
        "cli",
        DetachPolicy(DEPLOY, ADMIN_ARN),
        DeletePermissionsBoundary(BOB),
        AddUserToGroup(BOB, iam("group/admins")),
        RemoveUserFromGroup(ALICE, iam("group/admins")),
        PutInlinePolicy(
            DEPLOY,
            "a+=,.@-_",
            POLICY,
        ),
        UpdateTrustPolicy(
            DEPLOY, json.dumps(json.loads(account().role("deploy-prod").trust.text))[:-1] + ', "Id": "n"}'
        ),  # type: ignore[union-attr]
        PutManagedPolicy(LAKE_READ.arn, POLICY),
        PutManagedPolicy(iam("policy/team/new"), POLICY),
        AttachPolicy(ALICE, iam("policy/team/new")),
        PutPermissionsBoundary(ALICE, iam("policy/team/new")),
        DeleteInlinePolicy(BOB, "scratch-bucket"),
    )
    calls, status, errors = run(script, tmp_path, shell)
    assert (status, errors) == (0, "")
    assert [call.words[1] for call in calls] == [
        "create-policy-version",
        "create-policy",
        "put-user-permissions-boundary",
        "add-user-to-group",
        "put-role-policy",
        "attach-user-policy",
        "update-assume-role-policy",
        "detach-role-policy",
        "remove-user-from-group",
        "delete-user-policy",
        "delete-user-permissions-boundary",
    ]
    created = calls[1]
    assert (created.option("--policy-name"), created.option("--path")) == ("new", "/team/")
    assert all(json.loads(calls[i].read) == json.loads(POLICY) for i in (0, 1, 4))
    assert calls[7].words == ["iam", "detach-role-policy", "--role-name", "deploy-prod", "--policy-arn", ADMIN_ARN]


@pytest.mark.parametrize("form", ["cli", "terraform"])
def test_the_head_names_account_draft_and_note(form: str) -> None:
    text = exported(form, AddUserToGroup(BOB, iam("group/admins")), note="This is the DEMO account.")
    assert ID in text
    assert "the draft fix" in text
    assert "This is the DEMO account." in text
    assert "iamtui never runs them" in text or "iamtui applies nothing" in text


def test_a_head_cannot_be_left_by_a_name() -> None:
    evil = draft(AddUserToGroup(BOB, iam("group/admins")), name="x\nrm -rf /\r\x1b[31m")
    before = account()
    for form in ("cli", "terraform"):
        text = export(evil, before, apply_draft(before, evil), form, note="a\nb")
        assert not any(row.startswith("rm ") for row in text.splitlines())
        assert "\x1b" not in text
        assert "\r" not in text


def test_another_account_is_refused(tmp_path: Path) -> None:
    calls, status, errors = run(
        exported("cli", AddUserToGroup(BOB, iam("group/admins"))), tmp_path, caller="111122223333"
    )
    assert calls == []
    assert status == 1
    assert errors == f"These commands are for account {ID}, not for 111122223333.\n"


def test_the_oldest_version_goes_first_when_there_are_five(tmp_path: Path) -> None:
    before = account()
    versions = tuple(
        PolicyVersion(f"v{n}", document(allow(f"s3:Get{n}")), is_default=n == 7, created=days_ago(n))
        for n in (12, 11, 10, 9, 7)
    )
    policies = tuple(replace(p, versions=versions) if p.arn == LAKE_READ.arn else p for p in before.policies)
    script = exported("cli", PutManagedPolicy(LAKE_READ.arn, POLICY), before=replace(before, policies=policies))
    calls, status, _ = run(script, tmp_path)
    assert status == 0
    assert [call.words[1] for call in calls] == ["delete-policy-version", "create-policy-version"]
    assert calls[0].option("--version-id") == "v9"
    assert "--set-as-default" in calls[1].words
    assert "# It has 5 versions, the most there can be: v9, the oldest, goes first." in script


def test_a_full_user_is_emptied_first(tmp_path: Path) -> None:
    before = account()
    made = [PutManagedPolicy(iam(f"policy/p{n}"), POLICY) for n in range(11)]
    full = apply_draft(before, draft(*made, *(AttachPolicy(ALICE, iam(f"policy/p{n}")) for n in range(10))))
    edits = (AttachPolicy(ALICE, iam("policy/p10")), DetachPolicy(ALICE, iam("policy/p3")))
    calls, status, _ = run(exported("cli", *edits, before=full), tmp_path)
    assert status == 0
    assert [(call.words[1], call.words[-1]) for call in calls] == [
        ("detach-user-policy", iam("policy/p3")),
        ("attach-user-policy", iam("policy/p10")),
    ]


def test_a_user_in_ten_groups_leaves_one_first(tmp_path: Path) -> None:
    before = account()
    groups = tuple(f"g{number}" for number in range(9))
    users = tuple(replace(u, groups=(*groups, "admins")) if u.arn == ALICE else u for u in before.users)
    full = replace(before, users=users)
    edits = (AddUserToGroup(ALICE, iam("group/auditors")), RemoveUserFromGroup(ALICE, iam("group/admins")))
    calls, status, _ = run(exported("cli", *edits, before=full), tmp_path)
    assert status == 0
    assert [(call.words[1], call.words[-1]) for call in calls] == [
        ("remove-user-from-group", "admins"),
        ("add-user-to-group", "auditors"),
    ]


@pytest.mark.parametrize("shell", SHELLS)
def test_scps_are_created_updated_attached_and_detached_by_id(tmp_path: Path, shell: str) -> None:
    need(shell)
    calls, status, errors = run(exported("cli", *organization_edits()), tmp_path, shell, caller=MANAGEMENT)
    assert (status, errors) == (0, "")
    assert (
        next(
            (call.words[1], *call.words[call.words.index(o) + 1 :][:1])
            for call in calls
            for o in ("--target-id", "--name", "--content")
            if o in call.words
        )[0]
        == "create-policy"
    )
    create, attach_ou, attach_account, update, detach = calls
    assert create.option("--name") == "no (root) it's"
    assert json.loads(create.read) == json.loads(POLICY)
    assert [attach_ou.option(o) for o in ("--policy-id", "--target-id")] == ["p-created", "ou-ab12-x"]
    assert [attach_account.option(o) for o in ("--policy-id", "--target-id")] == ["p-created", ID]
    assert update.words[1] == "update-policy"
    assert update.option("--policy-id") == "p-regions"
    assert [detach.option(o) for o in ("--policy-id", "--target-id")] == ["p-regions", "ou-ab12-x"]


def test_two_accounts_take_two_runs(tmp_path: Path) -> None:
    script = exported("cli", *organization_edits(), AddUserToGroup(BOB, iam("group/admins")))
    calls, status, _ = run(script, tmp_path)
    assert status == 0
    assert [call.words[1] for call in calls] == ["add-user-to-group"]
    calls, status, _ = run(script, tmp_path, caller=MANAGEMENT)
    assert status == 0
    assert len(calls) == 5
    calls, status, errors = run(script, tmp_path, caller="111122223333")
    assert calls == []
    assert status == 1
    assert "not for 111122223333" in errors


@pytest.mark.parametrize("arn", RESOURCES)
def test_the_policy_of_a_resource_is_written(tmp_path: Path, arn: str) -> None:
    edit = PutResourcePolicy(arn, POLICY)
    before = account()
    text = export(draft(edit), before, before, "cli")
    [call], status, _ = run(text, tmp_path)
    service, verb, option = RESOURCES[arn]
    assert status == 0
    assert call.words[:2] == [service, verb]
    assert call.option(option) == "file:///dev/stdin"
    assert json.loads(call.read) == json.loads(POLICY)
    assert ("--region" in call.words) is (service != "s3api")


def test_a_queue_has_its_policy_as_an_attribute(tmp_path: Path) -> None:
    before = account()
    arn = f"arn:aws:sqs:eu-west-1:{ID}:q"
    [call], status, _ = run(export(draft(PutResourcePolicy(arn, POLICY)), before, before, "cli"), tmp_path)
    assert status == 0
    assert call.option("--queue-url") == f"https://sqs.eu-west-1.amazonaws.com/{ID}/q"
    assert json.loads(json.loads(call.read)["Policy"]) == json.loads(POLICY)


def test_what_no_call_does_is_said() -> None:
    before = account()
    for edit in (
        PutResourcePolicy("arn:aws:lambda:eu-west-1:1:function:f", POLICY),
        DeleteResourcePolicy("arn:aws:sns:e:1:t"),
    ):
        with pytest.raises(Problem):
            export(draft(edit), before, before, "cli")


@pytest.mark.parametrize("form", ["cli", "terraform"])
def test_what_aws_cannot_take_is_refused(form: str) -> None:
    before = account()
    kind = "SERVICE_CONTROL_POLICY"
    for edits in (
        [PutInlinePolicy(DEPLOY, "p", '{"Version": ')],
        [PutManagedPolicy(ADMIN_ARN, POLICY)],
        [PutInlinePolicy(DEPLOY, "p\x1b[31m", POLICY)],
        [
            PutOrganizationPolicy(kind, "r-ab12", "a", POLICY),
            PutOrganizationPolicy(kind, ID, "a", json.dumps({"Statement": []})),
        ],
    ):
        with pytest.raises(Problem):
            export(draft(*edits), before, before, form)


def test_edits_that_undo_each_other_leave_nothing() -> None:
    edits = (
        DetachPolicy(DEPLOY, ADMIN_ARN),
        AttachPolicy(DEPLOY, ADMIN_ARN),
        PutInlinePolicy(DEPLOY, "p", POLICY),
        DeleteInlinePolicy(DEPLOY, "p"),
        AddUserToGroup(ALICE, iam("group/admins")),
    )
    assert "changes nothing" in exported("cli", *edits)
    assert "changes nothing" in exported("terraform", *edits)
    assert exported("diff", *edits) == ""


def test_an_unknown_form_is_refused() -> None:
    before = account()
    with pytest.raises(Problem, match="cli, terraform, diff"):
        export(draft(), before, before, "yaml")
    assert FORMS == ("cli", "terraform", "diff")


TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Mn", "Me", "Co", "Cn"]), min_size=1, max_size=20
)
JSON_TEXTS = st.text(st.characters(), max_size=30)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TEXTS, sid=JSON_TEXTS, value=JSON_TEXTS)
def test_no_text_is_read_by_a_shell(tmp_path: Path, name: str, sid: str, value: str) -> None:
    need(*SHELLS)
    before = account()
    value = f"POLICY\n'\"$(touch x)`{value}${{"
    written = json.dumps({"Statement": [{"Sid": sid, "Effect": "Allow", "Action": "*", "Resource": [value]}]})
    from iamtui.text import safe_text

    name = "".join(c for c in name if safe_text(c) == c) or "p"
    edits = (
        PutInlinePolicy(DEPLOY, f"-{name}", written),
        PutOrganizationPolicy("SERVICE_CONTROL_POLICY", ID, name, written),
    )
    script = export(draft(*edits), before, before, "cli")
    for shell in SHELLS:
        [put], status, errors = run(script, tmp_path / shell, shell)
        assert (status, errors) == (0, "")
        assert put.option("--policy-name") == f"-{name}"
        assert json.loads(put.read) == json.loads(written)
        [create, _attach], status, errors = run(script, tmp_path / shell, shell, caller=MANAGEMENT)
        assert (status, errors) == (0, "")
        assert create.option("--name") == name
        assert json.loads(create.read) == json.loads(written)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("both", [False, True])
def test_an_account_is_never_a_command_of_the_script(tmp_path: Path, both: bool) -> None:
    touch = f"touch {tmp_path}/pwned"
    evil = f"$({touch})`{touch}`\"; {touch}; ' ; {touch}; #"
    known = account()
    assert isinstance(known.organization, Known)
    assert known.organization.value is not None
    organization = replace(known.organization.value, management_account=evil)
    before = replace(known, organization=Known(organization))
    edits = [PutOrganizationPolicy("SERVICE_CONTROL_POLICY", "r-ab12", "a", POLICY)]
    if both:
        edits.append(AddUserToGroup(BOB, iam("group/admins")))
    made = draft(*edits)
    _, status, errors = run(export(made, before, apply_draft(before, made), "cli"), tmp_path, caller="111122223333")
    assert status == 1
    assert "These commands are for account" in errors
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("text", ["file:///etc/passwd", "fileb:///etc/passwd", "http://127.0.0.1/x", "https://a/x"])
def test_no_value_is_one_that_the_aws_cli_reads_from_a_file_or_address(text: str) -> None:
    before = account()
    bob = before.users[1]
    held = replace(bob, inline_policies=(*bob.inline_policies, InlinePolicy(text, LAKE_READ.versions[0].document)))
    before = replace(before, users=(before.users[0], held, *before.users[2:]))
    bus = f"arn:aws:events:us-east-1:{ID}:event-bus/{text}"
    queue = f"arn:aws:sqs:evil.example/:{ID}:q"
    known = ResourcePolicy("present", LAKE_READ.versions[0].document)
    before = replace(before, resource_policies={bus: known, queue: known})
    for edit in (
        DeleteInlinePolicy(held.arn, text),
        DeleteResourcePolicy(bus),
        DeleteResourcePolicy(queue),
    ):
        made = draft(edit)
        with pytest.raises(Problem, match="would read that file or address instead"):
            export(made, before, apply_draft(before, made), "cli")
