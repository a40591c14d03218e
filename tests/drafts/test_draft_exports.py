"""A draft as a script of AWS CLI commands: run by every shell against a CLI that records its calls."""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from iamtui.account.model import Known, OrganizationPolicy, PolicyVersion
from iamtui.drafts.draft import Edit
from iamtui.drafts.edits.base import AccountAfterEdits
from iamtui.drafts.edits.organization import DetachOrganizationPolicy, PutOrganizationPolicy
from iamtui.drafts.edits.policies import (
    DeleteInlinePolicy,
    DeleteResourcePolicy,
    PutInlinePolicy,
    PutManagedPolicy,
    PutResourcePolicy,
)
from iamtui.drafts.edits.principals import (
    AddUserToGroup,
    AttachPolicy,
    DeletePermissionsBoundary,
    DetachPolicy,
    PutPermissionsBoundary,
    RemoveUserFromGroup,
    UpdateTrustPolicy,
)
from iamtui.drafts.exports import FORMS, export
from iamtui.problem import Problem
from iamtui.text import safe_text
from tests.support.applied_drafts import account_after
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
        """The value of an option, as the AWS CLI reads it (with argparse)."""
        parser = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False)
        parser.add_argument(name)
        return str(getattr(parser.parse_known_args(self.words)[0], name.removeprefix("--").replace("-", "_")))


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
        text = export(evil, before, account_after(before, evil), form, note="a\nb")
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
    full = account_after(before, draft(*made, *(AttachPolicy(ALICE, iam(f"policy/p{n}")) for n in range(10))))
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


IAM_NAMES = st.from_regex(r"[\w+=,.@-]{1,20}", fullmatch=True, alphabet=st.characters(max_codepoint=127))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TEXTS, inline=IAM_NAMES, sid=JSON_TEXTS, value=JSON_TEXTS)
def test_no_text_is_read_by_a_shell(tmp_path: Path, name: str, inline: str, sid: str, value: str) -> None:
    need(*SHELLS)
    before = account()
    value = f"POLICY\n'\"$(touch x)`{value}${{"
    written = json.dumps({"Statement": [{"Sid": sid, "Effect": "Allow", "Action": "*", "Resource": [value]}]})
    name = f"-{''.join(c for c in name if safe_text(c) == c)}"
    edits = (
        PutInlinePolicy(DEPLOY, f"-{inline}", written),
        PutOrganizationPolicy("SERVICE_CONTROL_POLICY", ID, name, written),
    )
    script = export(draft(*edits), before, before, "cli")
    for shell in SHELLS:
        [put], status, errors = run(script, tmp_path / shell, shell)
        assert (status, errors) == (0, "")
        assert put.option("--policy-name") == f"-{inline}"
        assert json.loads(put.read) == json.loads(written)
        [create, _attach], status, errors = run(script, tmp_path / shell, shell, caller=MANAGEMENT)
        assert (status, errors) == (0, "")
        assert create.option("--name") == name
        assert json.loads(create.read) == json.loads(written)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("both", [False, True])
def test_an_account_is_never_a_command_of_the_script(both: bool) -> None:
    known = account()
    assert isinstance(known.organization, Known)
    assert known.organization.value is not None
    organization = replace(known.organization.value, management_account="$(touch pwned)")
    before = replace(known, organization=Known(organization))
    edits = [PutOrganizationPolicy("SERVICE_CONTROL_POLICY", "r-ab12", "a", POLICY)]
    if both:
        edits.append(AddUserToGroup(BOB, iam("group/admins")))
    made = draft(*edits)
    for form in ("cli", "terraform"):
        with pytest.raises(Problem, match=r"\$\(touch pwned\) is not the id of an account in AWS \(12 digits\)"):
            export(made, before, account_after(before, made), form)


@pytest.mark.parametrize("text", ["file:///etc/passwd", "fileb:///etc/passwd", "http://127.0.0.1/x", "https://a/x"])
def test_no_value_is_one_that_the_aws_cli_reads_from_a_file_or_address(text: str) -> None:
    before = account()
    made = draft(PutOrganizationPolicy("SERVICE_CONTROL_POLICY", ID, text, POLICY))
    with pytest.raises(Problem, match=rf"attach the SCP {text}.* the AWS CLI would read the file or address {text}"):
        export(made, before, account_after(before, made), "cli")
    for edit in (
        DeleteInlinePolicy(BOB, text),
        DeleteResourcePolicy(f"arn:aws:events:us-east-1:{ID}:event-bus/{text}"),
        DeleteResourcePolicy(f"arn:aws:sqs:evil.example/:{ID}:q"),
    ):
        with pytest.raises(Problem, match="in AWS"):
            export(draft(edit), replace(before, users=()), before, "cli")


BAD_NAMES = ("", "a b", "a/b", "ä", "a" * 129, "a;b", "$(x)", "a\n", "a`x`", "file://x")
LEVEL, SCP = "ou-ab12-x", "SERVICE_CONTROL_POLICY"


def _bad_edits() -> Iterator[tuple[str, Edit]]:
    """Edits in which one value is none in AWS, and what is said of it."""
    for bad in BAD_NAMES:
        if "/" not in bad:  # In an ARN a slash ends a path.
            for kind in ("user", "role", "group"):
                yield "is not a valid name", AttachPolicy(iam(f"{kind}/{bad}"), ADMIN_ARN)
            yield "is not the ARN of a managed policy", AttachPolicy(ALICE, iam(f"policy/{bad}"))
            yield "is not the ARN of a managed policy", PutManagedPolicy(iam(f"policy/{bad}"), POLICY)
            yield "is not a valid name", DetachPolicy(iam(f"role/{bad}"), ADMIN_ARN)
            yield "is not a valid name", AddUserToGroup(ALICE, iam(f"group/{bad}"))
        yield "is not a valid name", PutInlinePolicy(DEPLOY, bad, POLICY)
    for path in ("policy/a b/p", "policy//p", "policy/ä/p", "policy/$(x)/p"):
        yield "is not the ARN of a managed policy", PutManagedPolicy(iam(path), POLICY)
    for arn in (
        "",
        "x",
        "--policy-arn",
        "arn:aws:iam::1:policy/p",
        "arn:evil:iam::aws:policy/p",
        iam("role/deploy-prod"),
    ):
        yield "is not the ARN of a managed policy", AttachPolicy(ALICE, arn)
    for arn in ("", "alice", "arn:aws:s3:::alice", iam("policy/p"), iam("root/x")):
        yield "is not the ARN of a user, group or role", AttachPolicy(arn, ADMIN_ARN)
    for level in ("", "--x", "r-AB", "r-ab12;x", "ou-ab12", "ou-ab12-x\n", "12345", "$(x)"):
        yield "is not the id of a root, an OU or an account", PutOrganizationPolicy(SCP, level, "a", POLICY)
    for name in ("", " ", "a" * 129, "a\x1b[31m", "a\u202eb", "a\nb"):
        yield "is not the name of an organization policy", PutOrganizationPolicy(SCP, LEVEL, name, POLICY)
    yield "is not a type of organization policy", PutOrganizationPolicy("--type", LEVEL, "a", POLICY)
    for arn in (
        "arn:aws:s3:::-x", "arn:aws:s3:::a b", "arn:aws:s3:us-east-1::a", "arn:x:s3:::bucket", "arn:aws:s3:::a/b",
        f"arn:aws:sns:--x:{ID}:t", "arn:aws:sns:us-east-1:1:t", f"arn:aws:sns::{ID}:t",
        f"arn:aws:kms:us-east-1:{ID}:key/$(x)", f"arn:aws:kms:us-east-1:{ID}:alias/x", f"arn:aws:sns:e-1:{ID}:t:u",
        f"arn:aws:secretsmanager:us-east-1:{ID}:secret:a b", f"arn:aws:dynamodb:us-east-1:{ID}:table/a;b",
        f"arn:aws:events:us-east-1:{ID}:rule/r", f"arn:aws:elasticfilesystem:us-east-1:{ID}:file-system/x",
        f"arn:aws:sqs:evil.example/:{ID}:q", f"arn:aws:ecr:us-east-1:{ID}:repository/A",
    ):  # fmt: skip
        yield "is not the ARN of a resource whose policy can be written", PutResourcePolicy(arn, POLICY)


@pytest.mark.parametrize("form", ["cli", "terraform"])
def test_a_value_of_an_edit_that_is_none_in_aws_is_refused(form: str) -> None:
    before = account()
    for sentence, edit in _bad_edits():
        with pytest.raises(Problem) as refused:
            export(draft(edit), before, before, form)
        assert f"{sentence} in AWS (" in refused.value.sentence, edit
        assert safe_text(edit.words(AccountAfterEdits(before)), limit=256) in refused.value.sentence
        assert safe_text(refused.value.sentence, limit=None) == refused.value.sentence


def test_a_value_of_the_account_that_is_none_in_aws_is_refused() -> None:
    known = account()
    deploy, lake = known.role("deploy-prod"), known.policy(LAKE_READ.arn)
    assert deploy is not None
    assert lake is not None
    boundary = PutPermissionsBoundary(DEPLOY, LAKE_READ.arn)
    for record in (
        replace(deploy, path="/a b/"),
        replace(deploy, path="a"),
        replace(deploy, name="-;x"),
        replace(deploy, description=Known("ж")),
        replace(deploy, max_session_seconds=Known(1)),
        replace(deploy, tags=(("", "x"),)),
        replace(deploy, tags=(("a" * 129, "x"),)),
        replace(deploy, tags=(("${x}", "x"),)),
        replace(deploy, tags=(("a", "b;c"),)),
        replace(deploy, tags=(("a", "x" * 257),)),
    ):
        before = replace(known, roles=tuple(record if role is deploy else role for role in known.roles))
        with pytest.raises(Problem, match=r"set the permissions boundary of role/deploy-prod .* in AWS \("):
            export(draft(boundary), before, before, "terraform")
    trust = UpdateTrustPolicy(DEPLOY, POLICY)
    bounded = replace(deploy, boundary_arn="arn:aws:iam::1:policy/x")
    before = replace(known, roles=tuple(bounded if role is deploy else role for role in known.roles))
    with pytest.raises(Problem, match="replace the trust policy of role/deploy-prod"):
        export(draft(trust), before, before, "terraform")
    five = tuple(structs.replace(lake.versions[0], id=f"v{n};x", is_default=not n) for n in range(5))
    before = replace(known, policies=tuple(replace(lake, versions=five) if p is lake else p for p in known.policies))
    with pytest.raises(Problem, match="v1;x is not the id of a version"):
        export(draft(PutManagedPolicy(LAKE_READ.arn, POLICY)), before, before, "cli")
    before = replace(known, policies=tuple(replace(p, description=Known("a\0")) for p in known.policies))
    with pytest.raises(Problem, match="is not a description of a policy"):
        export(draft(PutManagedPolicy(LAKE_READ.arn, POLICY)), before, before, "terraform")


def test_an_id_of_the_organization_that_is_none_in_aws_is_refused() -> None:
    known = account()
    assert isinstance(known.organization, Known)
    assert known.organization.value is not None
    organization = known.organization.value
    path = tuple(
        replace(level, scps=Known((OrganizationPolicy("arn:x/$(x)", "a", LAKE_READ.versions[0].document),)))
        for level in organization.path
    )
    before = replace(known, organization=Known(replace(organization, path=path)))
    for form in ("cli", "terraform"):
        for edit in (PutOrganizationPolicy(SCP, LEVEL, "a", POLICY), DetachOrganizationPolicy(SCP, LEVEL, "a")):
            with pytest.raises(Problem, match="is not the id of an organization policy in AWS"):
                export(draft(edit), before, before, form)


def test_tags_that_only_aws_sets_are_left_to_it() -> None:
    known = account()
    deploy = known.role("deploy-prod")
    assert deploy is not None
    tagged = replace(deploy, tags=(("aws:cloudformation:stack-name", "x"), ("Größe", "a b")))
    before = replace(known, roles=tuple(tagged if role is deploy else role for role in known.roles))
    text = export(draft(PutPermissionsBoundary(DEPLOY, LAKE_READ.arn)), before, before, "terraform")
    assert "cloudformation" not in text
    assert 'tags                 = { "Gr\\u00F6\\u00DFe" = "a b" }' in text
