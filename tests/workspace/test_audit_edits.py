"""Edits that mend findings: with them in a draft, the audit no longer finds what they are for."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from iamtui.account.model import AccessKey, AttachedPolicy, InlinePolicy, Known
from iamtui.drafts.draft import Draft
from iamtui.drafts.edits.deletions import DeleteAccessKey
from iamtui.drafts.edits.policies import PutInlinePolicy
from iamtui.sources.demo import load_demo_account
from iamtui.sources.snapshot import read_snapshot
from iamtui.workspace.change.draft_session import apply
from iamtui.workspace.review.audit import PASSED_ROLE, audit, edits_that_mend, mending_words
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.open_account import FINDINGS, MENDED, open_snapshot
from tests.support.sample_account import ADMIN_ARN, LAKE_READ, allow, document, iam, sample_workspace, trust
from tests.support.snapshot_builder import write

OIDC = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"


def demo() -> Workspace:
    return Workspace(load_demo_account(), SourceInfo(SourceKind.SNAPSHOT, "puffin.json", region="eu-west-1"))


def with_trust(*statement: object) -> Workspace:
    """The sample account with a role of a trust policy for somebody from outside."""
    workspace = sample_workspace()
    first, *others = workspace.account.roles
    role = replace(first, trust=trust(*statement))  # type: ignore[arg-type]
    return workspace.with_account(replace(workspace.account, roles=(role, *others)))


def found_in(workspace: Workspace) -> set[tuple[str, str]]:
    return {(one.code, one.subject) for one in audit(workspace)}


def test_findings_of_the_demo_that_an_edit_mends_are_gone_with_it() -> None:
    workspace = demo()
    mended = set()
    for finding in audit(workspace):
        edits = edits_that_mend(workspace.account, finding)
        assert bool(edits) is bool(mending_words(workspace.account, finding))
        if edits and finding.code not in mended:
            drafted = apply(workspace, Draft(workspace.account.id, "", edits))
            assert not drafted.problems
            still = found_in(drafted.after)
            # The keys stay until the role works, and what AWS says of the past does not change.
            if finding.code not in ("policy-on-user", "service-account", "permission-unused"):
                assert (finding.code, finding.subject) not in still
            mended.add(finding.code)
    assert {
        *("inline-policy", "role-unused", "user-unused", "service-account", "permission-unused"),
        *("access-key-unused", "two-access-keys", "password-unused", "console-without-mfa"),
    } == mended


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        (("*",), "trust-everyone"),
        (({"AWS": ["*", iam("user/alice")]},), "trust-everyone"),
        (({"AWS": "arn:aws:iam::999999999999:root"},), "trust-without-external-id"),
        (({"Federated": OIDC}, "sts:AssumeRoleWithWebIdentity"), "oidc-without-subject"),
    ],
)
def test_a_drafted_trust_policy_mends_the_finding(statement: tuple[object, ...], code: str) -> None:
    workspace = with_trust(*statement)
    finding = next(one for one in audit(workspace) if one.code == code)
    edits = edits_that_mend(workspace.account, finding)
    drafted = apply(workspace, Draft(workspace.account.id, "", edits))
    assert not drafted.problems
    assert (code, finding.subject) not in found_in(drafted.after)


def test_a_policy_becomes_managed_under_a_name_that_is_free() -> None:
    workspace = sample_workspace()
    carol = workspace.account.role("deploy-prod")
    assert carol is not None
    inline = InlinePolicy(LAKE_READ.name, document(allow("s3:*")))
    roles = tuple(
        replace(one, inline_policies=(inline,)) if one.name == "deploy-prod" else one for one in workspace.account.roles
    )
    changed = workspace.with_account(replace(workspace.account, roles=roles))
    finding = next(one for one in audit(changed) if one.code == "inline-policy" and one.subject == carol.arn)
    edits = edits_that_mend(changed.account, finding)
    drafted = apply(changed, Draft(changed.account.id, "", edits))
    assert not drafted.problems
    role = drafted.after.account.role("deploy-prod")
    assert role is not None
    assert not role.inline_policies
    assert iam(f"policy/deploy-prod-{LAKE_READ.name}") in [attached.arn for attached in role.attached_policies]


def test_only_what_a_group_gives_too_is_detached_from_a_user() -> None:
    workspace = sample_workspace()
    account = workspace.account
    admin = AttachedPolicy("AdministratorAccess", ADMIN_ARN)
    lake = AttachedPolicy(LAKE_READ.name, LAKE_READ.arn)
    group = replace(account.groups[0], attached_policies=(lake,))
    carol = next(one for one in account.users if one.name == "carol")
    user = replace(carol, groups=(group.name,), attached_policies=(admin, lake))
    users = tuple(user if one is carol else one for one in account.users)
    changed = workspace.with_account(replace(account, users=users, groups=(group, *account.groups[1:])))
    finding = next(one for one in audit(changed) if one.code == "policy-on-user" and one.subject == carol.arn)
    after = apply(changed, Draft(account.id, "", edits_that_mend(changed.account, finding))).after.account.user("carol")
    assert after is not None
    assert after.attached_policies == (admin,)


@pytest.mark.parametrize(("code", "words"), MENDED.items())
def test_findings_that_the_demo_does_not_have_are_mended(code: str, words: str, tmp_path: Path) -> None:
    account = read_snapshot(write(tmp_path, open_snapshot()))
    workspace = sample_workspace().with_account(account)
    finding = next(one for one in audit(workspace) if one.code == code)
    assert mending_words(account, finding) == words
    drafted = apply(workspace, Draft(account.id, "", edits_that_mend(account, finding)))
    assert not drafted.problems
    assert found_in(workspace) - found_in(drafted.after) >= {(code, FINDINGS[code])}


def test_roles_that_may_be_passed_are_named_in_a_statement_of_their_own(tmp_path: Path) -> None:
    workspace = sample_workspace().with_account(read_snapshot(write(tmp_path, open_snapshot())))
    finding = next(one for one in audit(workspace) if one.code == "pass-role-on-all")
    [edit] = edits_that_mend(workspace.account, finding)
    assert isinstance(edit, PutInlinePolicy)
    assert json.loads(edit.document)["Statement"] == [
        {"Effect": "Allow", "Action": ["ec2:RunInstances"], "Resource": "*", "Sid": "Run"},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": iam(f"role/{PASSED_ROLE}"), "Sid": "RunPassRole"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
    ]


def test_a_wildcard_that_lets_roles_be_passed_is_left_to_the_user() -> None:
    workspace = sample_workspace()
    inline = InlinePolicy("run", document(allow("iam:Pass*")))
    roles = tuple(replace(one, inline_policies=(inline,)) for one in workspace.account.roles)
    changed = workspace.with_account(replace(workspace.account, roles=roles))
    finding = next(one for one in audit(changed) if one.code == "pass-role-on-all")
    assert not edits_that_mend(changed.account, finding)


def test_of_two_keys_the_one_that_was_used_longest_ago_goes() -> None:
    workspace = sample_workspace()
    keys = (
        AccessKey("AKIAOFTENUSED0000001", "Active", None, datetime(2026, 1, 2, tzinfo=UTC)),
        AccessKey("AKIANEVERUSED0000002", "Active", datetime(2026, 1, 1, tzinfo=UTC)),
    )
    users = tuple(replace(one, access_keys=Known(keys)) for one in workspace.account.users)
    changed = workspace.with_account(replace(workspace.account, users=users))
    finding = next(one for one in audit(changed) if one.code == "two-access-keys")
    assert edits_that_mend(changed.account, finding) == (DeleteAccessKey(finding.subject, keys[1].id),)
