"""Edits that make a role and delete what is not used: the account after them, and their exports."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from iamtui.account.model import (
    AccessKey,
    Account,
    Fact,
    InstanceProfile,
    Known,
    LoginProfile,
    ManagedPolicy,
    MfaDevice,
    Missing,
    PolicyVersion,
    Role,
    User,
)
from iamtui.drafts.aws_values import InvalidValue
from iamtui.drafts.draft import Draft, DraftProblem, Edit
from iamtui.drafts.edits.base import option
from iamtui.drafts.edits.deletions import (
    DeleteAccessKey,
    DeleteLoginProfile,
    DeletePolicy,
    DeleteRole,
    DeleteUser,
)
from iamtui.drafts.edits.policies import PutInlinePolicy, PutManagedPolicy
from iamtui.drafts.edits.principals import AttachPolicy, CreateRole, PutPermissionsBoundary, Tag, UpdateTrustPolicy
from iamtui.drafts.exports import export
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from tests.support.applied_drafts import account_after, apply_draft
from tests.support.draft_accounts import drafting_account, text
from tests.support.draft_exports import exported
from tests.support.external_tools import need
from tests.support.sample_account import ADMIN_ARN, BOUNDARY, LAKE_READ, allow, deny, iam

from .test_draft_exports import run

CI, DEPLOY, ALICE, BOB = iam("role/ci/ci"), iam("role/deploy-prod"), iam("user/alice"), iam("user/data/bob")
TRUST = text({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
OTHER = text({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
READ = text(allow("s3:GetObject"))


def applied(*made: Edit, account: Account | None = None) -> Account:
    account = account or drafting_account()
    return account_after(account, Draft(account.id, edits=made))


def refusal(*made: Edit) -> str:
    with pytest.raises(DraftProblem) as caught:
        applied(*made)
    return str(caught.value)


def test_a_role_is_made_and_has_what_later_edits_give_it() -> None:
    after = applied(
        CreateRole(CI, TRUST, (Tag("team", "blue"),)),
        PutPermissionsBoundary(CI, BOUNDARY.arn),
        AttachPolicy(CI, LAKE_READ.arn),
        PutInlinePolicy(CI, "read", READ),
    )
    role = after.role("ci")
    assert isinstance(role, Role)
    assert (role.arn, role.path, role.tags, role.boundary_arn) == (CI, "/ci/", (("team", "blue"),), BOUNDARY.arn)
    assert json.loads(role.trust.text) == json.loads(TRUST)
    assert [policy.arn for policy in role.attached_policies] == [LAKE_READ.arn]
    assert [policy.name for policy in role.inline_policies] == ["read"]
    assert after.roles[:-1] == drafting_account().roles


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (CreateRole(iam("role/Deploy-PROD"), TRUST), "already has role/deploy-prod"),
        (CreateRole(iam("user/ci"), TRUST), "expected the ARN of a new role"),
        (CreateRole("arn:aws:iam::999999999999:role/ci", TRUST), "expected the ARN of a new role"),
        (CreateRole(iam(f"role/{'n' * 65}"), TRUST), "at most 64 characters"),
        (CreateRole(iam("role/a b"), TRUST), "expected the ARN of a new role"),
        (CreateRole(iam("role/aws-service-role/x.amazonaws.com/y"), TRUST), "only AWS makes"),
        (CreateRole(CI, "{"), "document cannot be read"),
        (DeleteRole(iam("role/nobody")), "expected a role"),
        (DeleteUser(iam("user/nobody")), "expected a user"),
        (DeleteUser(DEPLOY), "expected a user"),
        (DeleteAccessKey(BOB, "AKIANOSUCHKEY0000000"), "has no access key AKIANOSUCHKEY0000000"),
        (DeleteAccessKey(DEPLOY, "AKIANOSUCHKEY0000000"), "Only users have access keys"),
        (DeleteLoginProfile(DEPLOY), "Only users have console passwords"),
        (DeletePolicy(ADMIN_ARN), "expected the ARN of a customer managed policy"),
        (DeletePolicy(iam("policy/none")), "expected the ARN of a customer managed policy"),
        (
            DeletePolicy(LAKE_READ.arn),
            "AWS refuses to delete data-lake-read while somebody has it: group/analysts, role/deploy",
        ),
        (DeletePolicy(BOUNDARY.arn), "while somebody has it: user/bob"),
    ],
)
def test_what_does_not_fit_says_why(edit: Edit, why: str) -> None:
    assert why in refusal(edit)


def test_a_role_that_the_draft_makes_is_not_deleted_by_it() -> None:
    assert "made by an edit of this draft" in refusal(CreateRole(CI, TRUST), DeleteRole(CI))


def test_a_role_that_the_draft_deletes_is_not_made_anew_by_it() -> None:
    assert "role/deploy-prod is deleted by an edit of this draft" in refusal(
        DeleteRole(DEPLOY), CreateRole(DEPLOY, TRUST)
    )


@pytest.mark.parametrize("serial", ["\x1b]52;c;cHduZWQ=\x07", f"{iam('mfa/bob')}\nrm", iam("mfa/\u202ebob"), "x"])
def test_a_serial_number_that_no_device_has_stands_in_no_script(serial: str) -> None:
    before = drafting_account()
    bob = before.user("bob")
    assert bob is not None
    bob = replace(bob, mfa_devices=Known((MfaDevice(serial, None),)))
    before = replace(before, users=tuple(bob if user.arn == BOB else user for user in before.users))
    draft = Draft(before.id, edits=(DeleteUser(BOB),))
    with pytest.raises(Problem, match="is not the serial number of an MFA device"):
        export(draft, before, account_after(before, draft), "cli")


@pytest.mark.parametrize("value", ["a\x1bb", "a\x9bb", "a\u202eb", "a\ue000b", "a\u2028b"])
def test_no_option_of_a_script_has_what_a_terminal_obeys_or_nobody_sees(value: str) -> None:
    with pytest.raises(InvalidValue, match="that nobody can see"):
        option("--description", value)
    assert option("--description", "one\n\ttwo é") == "--description 'one\n\ttwo é'"


def test_nothing_else_is_edited_of_who_is_deleted() -> None:
    assert "expected a user, group or role" in refusal(DeleteRole(DEPLOY), AttachPolicy(DEPLOY, LAKE_READ.arn))


def test_who_is_deleted_is_gone_with_what_it_had() -> None:
    account = drafting_account()
    profile = InstanceProfile("p", "/", iam("instance-profile/p"), "AIPA", None, ("deploy-prod",))
    account = replace(account, instance_profiles=(profile,))
    after = applied(DeleteRole(DEPLOY), DeleteUser(BOB), account=account)
    assert after.by_arn(DEPLOY) is None
    assert after.by_arn(BOB) is None
    assert after.instance_profiles[0].roles == ()
    assert after.groups is account.groups
    for attached in account.role("deploy-prod").attached_policies:  # type: ignore[union-attr]
        was, now = account.policy(attached.arn), after.policy(attached.arn)
        if was is not None and now is not None and isinstance(was.attachment_count, Known):
            assert isinstance(now.attachment_count, Known)
            assert now.attachment_count.value < was.attachment_count.value


def test_an_access_key_is_deleted() -> None:
    account = drafting_account()
    bob = account.by_arn(BOB)
    assert isinstance(bob, User)
    key = AccessKey("AKIAIOSFODNN7EXAMPLE", "Active", None)
    users = tuple(replace(user, access_keys=Known((key,))) if user is bob else user for user in account.users)
    account = replace(account, users=users)
    after = applied(DeleteAccessKey(BOB, key.id), account=account).by_arn(BOB)
    assert isinstance(after, User)
    assert after.access_keys == Known(())


def test_keys_that_are_not_known_are_a_finding() -> None:
    account = drafting_account()
    found = apply_draft(account, Draft(account.id, edits=(DeleteAccessKey(iam("user/carol"), "AKIAIOSFODNN7EXAMPLE"),)))
    assert not found.problems
    assert [one.kind for one in found.findings] == ["unknown"]


def test_a_trust_policy_that_is_too_long_is_a_finding_of_a_new_role() -> None:
    account = drafting_account()
    long = text(*({**json.loads(TRUST)["Statement"][0], "Sid": f"s{number}"} for number in range(40)))
    found = apply_draft(account, Draft(account.id, edits=(CreateRole(CI, long),)))
    assert any(one.kind == "quota" and "trust policy" in one.sentence for one in found.findings)


def test_the_script_makes_a_role_with_its_boundary_before_anything_is_given_to_it(tmp_path: Path) -> None:
    need("dash")
    script = exported(
        "cli",
        CreateRole(CI, TRUST, (Tag("team", "a b"),)),
        PutManagedPolicy(iam("policy/new"), READ),
        AttachPolicy(CI, iam("policy/new")),
        PutPermissionsBoundary(CI, iam("policy/new")),
        UpdateTrustPolicy(CI, OTHER),
    )
    calls, status, errors = run(script, tmp_path)
    assert (status, errors) == (0, "")
    assert [call.words[1] for call in calls] == [
        "create-policy",
        "create-role",
        "attach-role-policy",
        "update-assume-role-policy",
    ]
    made = calls[1]
    assert (made.option("--role-name"), made.option("--path")) == ("ci", "/ci/")
    assert made.option("--permissions-boundary") == iam("policy/new")
    assert json.loads(made.option("--tags")) == [{"Key": "team", "Value": "a b"}]
    assert json.loads(made.read) == json.loads(TRUST)


def test_the_script_takes_everything_from_who_is_deleted_first(tmp_path: Path) -> None:
    need("dash")
    script = exported("cli", AttachPolicy(DEPLOY, LAKE_READ.arn), DeleteRole(DEPLOY), DeleteUser(ALICE))
    calls, status, errors = run(script, tmp_path)
    assert (status, errors) == (0, "")
    said = [call.words[1] for call in calls]
    assert "attach-role-policy" not in said
    assert said.index("detach-role-policy") < said.index("delete-role")
    assert said.index("remove-user-from-group") < said.index("delete-user")
    detached = {call.option("--policy-arn") for call in calls if call.words[1] == "detach-role-policy"}
    assert detached == {ADMIN_ARN, LAKE_READ.arn}


def test_terraform_makes_a_role_before_what_it_has() -> None:
    made = exported(
        "terraform",
        CreateRole(CI, TRUST, (Tag("team", "blue"),)),
        AttachPolicy(CI, LAKE_READ.arn),
        PutInlinePolicy(CI, "read", READ),
        PutPermissionsBoundary(CI, BOUNDARY.arn),
        UpdateTrustPolicy(CI, OTHER),
    )
    assert made.count('resource "aws_iam_role" "ci"') == 1
    assert "import {" not in made
    assert made.count("aws_iam_role.ci.id") == 2
    assert "lambda.amazonaws.com" in made
    assert "ec2.amazonaws.com" not in made
    assert f'permissions_boundary = "{BOUNDARY.arn}"' in " ".join(made.split())
    assert 'tags = { "team" = "blue" }' in " ".join(made.split())
    removed = exported("terraform", DeleteRole(DEPLOY), DeleteUser(ALICE))
    assert "terraform destroy -target=aws_iam_role.deploy-prod" in removed
    assert "terraform destroy -target=aws_iam_user.alice" in removed


def test_a_diff_shows_the_trust_policy_of_a_new_role() -> None:
    assert "+++ b/iam/role/ci/trust.json" in exported("diff", CreateRole(CI, TRUST))


UNUSED = ManagedPolicy(
    "old",
    "/",
    iam("policy/old"),
    "ANPAOLD",
    None,
    (
        PolicyVersion("v2", PolicyDocument(text(deny("s3:*"))), is_default=True),
        PolicyVersion("v1", PolicyDocument(READ), is_default=False),
    ),
    Known(0),
    Known(0),
)


def with_unused(**facts: object) -> Account:
    """The account with a policy that nobody has, and facts of a user."""
    account = drafting_account()
    users = tuple(replace(user, **facts) if user.arn == BOB else user for user in account.users)  # type: ignore[arg-type]
    return replace(account, users=users, policies=(*account.policies, UNUSED))


def test_a_policy_that_nobody_has_is_deleted() -> None:
    account = with_unused()
    laid = apply_draft(account, Draft(account.id, edits=(DeletePolicy(UNUSED.arn),)))
    assert not laid.problems
    # What nobody has denies nobody.
    assert not laid.findings
    assert laid.account.policy(UNUSED.arn) is None
    assert laid.account.users is account.users
    assert "has no policy" in refusal_over(account, DeletePolicy(UNUSED.arn), AttachPolicy(BOB, UNUSED.arn))


def refusal_over(account: Account, *made: Edit) -> str:
    with pytest.raises(DraftProblem) as caught:
        applied(*made, account=account)
    return str(caught.value)


def test_a_policy_goes_after_who_had_it() -> None:
    account = with_unused()
    assert "while somebody has it: user/bob" in refusal_over(
        account, AttachPolicy(BOB, UNUSED.arn), DeletePolicy(UNUSED.arn)
    )
    gone = AttachPolicy(BOB, UNUSED.arn), DeleteUser(BOB), DeletePolicy(UNUSED.arn)
    assert applied(*gone, account=account).policy(UNUSED.arn) is None
    new = PutManagedPolicy(iam("policy/new"), READ)
    assert "made by an edit of this draft" in refusal_over(account, new, DeletePolicy(iam("policy/new")))


@pytest.mark.parametrize(
    ("counted", "kind"), [(Known(3), "refused"), (Missing("x", "iam:ListEntitiesForPolicy"), "unknown")]
)
def test_a_policy_that_others_may_have_is_a_finding(counted: Fact[int], kind: str) -> None:
    account = with_unused()
    policies = (*account.policies[:-1], replace(UNUSED, attachment_count=counted))
    account = replace(account, policies=policies)
    found = apply_draft(account, Draft(account.id, edits=(DeletePolicy(UNUSED.arn),)))
    assert [one.kind for one in found.findings] == [kind]


def test_a_policy_that_is_deleted_and_made_again_has_its_new_document() -> None:
    after = applied(DeletePolicy(UNUSED.arn), PutManagedPolicy(UNUSED.arn, READ), account=with_unused())
    policy = after.policy(UNUSED.arn)
    assert policy is not None
    assert policy.default_version is not None
    assert json.loads(policy.default_version.document.text) == json.loads(READ)


def test_a_console_password_is_deleted() -> None:
    account = with_unused(login_profile=Known(LoginProfile(None)))
    after = applied(DeleteLoginProfile(BOB), account=account).by_arn(BOB)
    assert isinstance(after, User)
    assert after.login_profile == Known(None)
    none = with_unused(login_profile=Known(None))
    assert "user/bob has no console password" in refusal_over(none, DeleteLoginProfile(BOB))
    unknown = with_unused(login_profile=Missing("not loaded", "iam:GetLoginProfile"))
    found = apply_draft(unknown, Draft(account.id, edits=(DeleteLoginProfile(BOB),)))
    assert [one.kind for one in found.findings] == ["unknown"]


def test_policies_and_passwords_that_are_deleted_are_exported(tmp_path: Path) -> None:
    need("dash")
    account = with_unused(login_profile=Known(LoginProfile(None)))
    draft = Draft(account.id, edits=(DeletePolicy(UNUSED.arn), DeleteLoginProfile(BOB)))
    after = account_after(account, draft)
    calls, status, errors = run(export(draft, account, after, "cli"), tmp_path)
    assert (status, errors) == (0, "")
    assert [call.words[1] for call in calls] == ["delete-login-profile", "delete-policy-version", "delete-policy"]
    assert calls[0].option("--user-name") == "bob"
    assert (calls[1].option("--policy-arn"), calls[1].option("--version-id")) == (UNUSED.arn, "v1")
    made = export(draft, account, after, "terraform")
    assert "terraform destroy -target=aws_iam_policy.old" in made
    assert "terraform destroy -target=aws_iam_user_login_profile.bob" in made
    assert "--- a/iam/policy/old.json\n+++ /dev/null" in export(draft, account, after, "diff")
