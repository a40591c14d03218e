"""Edits that mend findings: with them in a draft, the audit no longer finds what they are for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iamtui.account.model import AttachedPolicy, InlinePolicy
from iamtui.drafts.draft import Draft
from iamtui.sources.demo import load_demo_account
from iamtui.workspace.audit import audit
from iamtui.workspace.audit_edits import edits_that_mend, mending_words
from iamtui.workspace.draft_session import lay
from iamtui.workspace.workspace import SourceInfo, SourceKind, Workspace
from tests.support.sample_account import ADMIN_ARN, LAKE_READ, allow, document, iam, sample_workspace, trust

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
            drafted = lay(workspace, Draft(workspace.account.id, "", edits))
            assert not drafted.problems
            still = found_in(drafted.after)
            # The keys stay until the role works, and what AWS says of the past does not change.
            if finding.code not in ("policy-on-user", "service-account", "permission-unused"):
                assert (finding.code, finding.subject) not in still
            mended.add(finding.code)
    assert {"inline-policy", "role-unused", "service-account", "permission-unused"} <= mended


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
    drafted = lay(workspace, Draft(workspace.account.id, "", edits))
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
    drafted = lay(changed, Draft(changed.account.id, "", edits))
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
    after = lay(changed, Draft(account.id, "", edits_that_mend(changed.account, finding))).after.account.user("carol")
    assert after is not None
    assert after.attached_policies == (admin,)
