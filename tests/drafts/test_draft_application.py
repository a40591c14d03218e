"""Laying edits over an account: what changes, what is shared, what does not fit and why."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from iamtui.account.model import Account, Known, ManagedPolicy, Missing, PolicyVersion, Role
from iamtui.drafts.aws_values import RCP, SCP
from iamtui.drafts.draft import AppliedDraft, Draft, DraftProblem, Edit
from iamtui.drafts.edits.base import describe_edit
from iamtui.drafts.edits.deletions import DeleteAccessKey, DeleteRole, DeleteUser
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
    CreateRole,
    DeletePermissionsBoundary,
    DetachPolicy,
    PutPermissionsBoundary,
    RemoveUserFromGroup,
    UpdateTrustPolicy,
)
from tests.support.applied_drafts import account_after, apply_draft
from tests.support.draft_accounts import BUCKET, KEY, OPEN_BUCKET, OU, ROOT, drafting_account, edits, text
from tests.support.sample_account import ADMIN_ARN, BOUNDARY, ID, LAKE_READ, UNLOADED, allow, deny, document, iam

ALICE, BOB, CAROL = iam("user/alice"), iam("user/data/bob"), iam("user/carol")
DEPLOY, WEB = iam("role/deploy-prod"), iam("role/web-server")
ANALYSTS, AUDITORS, ADMINS = iam("group/data/analysts"), iam("group/auditors"), iam("group/admins")
READ = text(allow("s3:GetObject"))


@pytest.fixture
def account() -> Account:
    return drafting_account()


def laid(account: Account, *made: Edit, **more: Any) -> AppliedDraft:
    return apply_draft(account, Draft(account.id, edits=made), **more)


def applied(account: Account, *made: Edit, **more: Any) -> Account:
    return account_after(account, Draft(account.id, edits=made), **more)


def refused(account: Account, *made: Edit) -> DraftProblem:
    with pytest.raises(DraftProblem) as caught:
        applied(account, *made)
    return caught.value


def test_an_empty_draft_gives_an_equal_account_that_shares_everything(account: Account) -> None:
    after = applied(account)
    assert after == account
    assert all(getattr(after, field.name) is getattr(account, field.name) for field in fields(account))


def test_what_no_edit_is_about_stays_the_very_object(account: Account) -> None:
    after = applied(account, AttachPolicy(CAROL, LAKE_READ.arn))
    assert after.groups is account.groups
    assert after.roles is account.roles
    assert after.organization is account.organization
    assert after.resource_policies is account.resource_policies
    assert [new is old for new, old in zip(after.users, account.users, strict=True)] == [True, True, False, True]
    policy = after.policy(LAKE_READ.arn)
    assert policy is not None
    assert policy.attachment_count == Known(4)
    assert policy.versions is LAKE_READ.versions


def test_the_account_given_is_not_touched(account: Account) -> None:
    before = drafting_account()
    applied(account, AttachPolicy(CAROL, ADMIN_ARN), PutResourcePolicy(BUCKET, text(deny("*", Principal="*"))))
    assert account == before


def test_attaching_and_detaching_keep_the_usage_counts_right(account: Account) -> None:
    after = applied(account, AttachPolicy(CAROL, LAKE_READ.arn), DetachPolicy(WEB, LAKE_READ.arn))
    assert [holder.name for holder in after.holders(LAKE_READ.arn)] == ["carol", "analysts", "deploy-prod"]
    policy = after.policy(LAKE_READ.arn)
    assert policy is not None
    assert policy.attachment_count == Known(3)


def test_an_aws_managed_policy_comes_by_name_or_arn_from_what_is_given(account: Account) -> None:
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    known = ManagedPolicy(
        "ReadOnlyAccess", "/", arn, "", None, (PolicyVersion("v1", document(allow("s3:Get*")), is_default=True),)
    )

    def managed(name: str) -> ManagedPolicy | None:
        return known if name in ("ReadOnlyAccess", arn) else None

    for name in ("ReadOnlyAccess", arn):
        found = laid(account, AttachPolicy(CAROL, name), AttachPolicy(BOB, name), managed=managed)
        assert found.problems == ()
        assert found.account.policy(arn) is known
        carol = found.account.user("carol")
        assert carol is not None
        assert [policy.arn for policy in carol.attached_policies] == [arn]
        assert [finding.kind for finding in found.findings] == ["unknown"]


def test_an_aws_managed_policy_whose_text_is_not_here_stays_unknown(account: Account) -> None:
    found = laid(account, AttachPolicy(CAROL, "arn:aws:iam::aws:policy/NewerThanUs"))
    assert found.problems == ()
    assert found.account.policy("arn:aws:iam::aws:policy/NewerThanUs") is None
    assert "is not known here" in found.findings[0].sentence


def test_an_inline_policy_is_added_replaced_in_its_place_and_deleted(account: Account) -> None:
    ci = iam("user/automation/ci-deploy")
    after = applied(account, PutInlinePolicy(ci, "assume-deploy", READ), PutInlinePolicy(ci, "extra", READ))
    user = after.user("ci-deploy")
    assert user is not None
    assert [policy.name for policy in user.inline_policies] == ["assume-deploy", "broken", "extra"]
    assert user.inline_policies[0].document is user.inline_policies[2].document
    gone = applied(after, DeleteInlinePolicy(ci, "assume-deploy")).user("ci-deploy")
    assert gone is not None
    assert [policy.name for policy in gone.inline_policies] == ["broken", "extra"]


def test_a_document_that_says_the_same_keeps_the_object_and_is_no_change(account: Account) -> None:
    bob = account.user("bob")
    assert bob is not None
    same = bob.inline_policies[0].document.text.replace("  ", "\t")
    found = laid(account, PutInlinePolicy(BOB, "scratch-bucket", same))
    assert found.account.user("bob") is bob
    assert [(finding.edit, finding.kind) for finding in found.findings] == [(1, "no effect")]


def test_true_and_1_are_not_the_same_document(account: Account) -> None:
    one = text({**allow("s3:*"), "Condition": {"Bool": {"aws:MultiFactorAuthPresent": True}}})
    other = text({**allow("s3:*"), "Condition": {"Bool": {"aws:MultiFactorAuthPresent": 1}}})
    first = applied(account, PutInlinePolicy(CAROL, "x", one))
    second = laid(first, PutInlinePolicy(CAROL, "x", other))
    assert second.findings == ()
    assert second.account.user("carol") != first.user("carol")


def test_a_managed_policy_gets_a_new_default_version_once(account: Account) -> None:
    after = applied(
        account, PutManagedPolicy(LAKE_READ.arn, READ), PutManagedPolicy(LAKE_READ.arn, text(allow("s3:List*")))
    )
    policy = after.policy(LAKE_READ.arn)
    assert policy is not None
    assert [(version.id, version.is_default) for version in policy.versions] == [
        ("v3", True),
        ("v2", False),
        ("v1", False),
    ]
    assert policy.default_version is not None
    assert policy.default_version.document.policy.statements[0].actions == ("s3:List*",)


@pytest.mark.parametrize("version_id", ["v\u00b2", "v\u0663", f"v{'9' * 5000}", "v0", ""])
def test_an_id_that_no_version_has_in_aws_does_not_count(account: Account, version_id: str) -> None:
    odd = structs.replace(LAKE_READ.versions[-1], id=version_id)
    policies = [
        replace(LAKE_READ, versions=(*LAKE_READ.versions, odd)) if one == LAKE_READ else one for one in account.policies
    ]
    after = applied(replace(account, policies=tuple(policies)), PutManagedPolicy(LAKE_READ.arn, READ))
    policy = after.policy(LAKE_READ.arn)
    assert policy is not None
    assert policy.versions[0].id == "v3"


def test_a_policy_can_be_created_and_then_attached(account: Account) -> None:
    new = iam("policy/team/new")
    after = applied(account, PutManagedPolicy(new, READ), AttachPolicy(CAROL, new))
    policy = after.policy(new)
    assert policy is not None
    assert (policy.name, policy.path, policy.attachment_count) == ("new", "/team/", Known(1))
    assert refused(account, AttachPolicy(CAROL, new), PutManagedPolicy(new, READ)).number == 1


def test_groups_are_joined_and_left(account: Account) -> None:
    after = applied(account, AddUserToGroup(CAROL, AUDITORS), RemoveUserFromGroup(ALICE, ADMINS))
    assert [user.name for user in after.members("auditors")] == ["carol"]
    assert after.members("admins") == ()


def test_boundaries_are_set_and_dropped(account: Account) -> None:
    after = applied(account, PutPermissionsBoundary(CAROL, BOUNDARY.arn), DeletePermissionsBoundary(BOB))
    assert {holder.name for holder in after.bounded_by(BOUNDARY.arn)} == {"carol", "lambda-thumbnails"}
    policy = after.policy(BOUNDARY.arn)
    assert policy is not None
    assert policy.boundary_count == Known(2)


def test_a_trust_policy_is_replaced(account: Account) -> None:
    after = applied(account, UpdateTrustPolicy(WEB, text({"Effect": "Allow", "Principal": "*", "Action": "sts:*"})))
    role = after.role("web-server")
    assert role is not None
    assert role.trust.policy.statements[0].actions == ("sts:*",)


def _names(account: Account, level_id: str, kind: str = "scps") -> list[str]:
    assert isinstance(account.organization, Known)
    assert account.organization.value is not None
    level = next(level for level in account.organization.value.path if level.id == level_id)
    fact = getattr(level, kind)
    return [policy.name for policy in fact.value]


def test_scps_and_rcps_are_attached_and_detached_at_their_level(account: Account) -> None:
    after = applied(
        account,
        PutOrganizationPolicy(SCP, ID, "fence", text(deny("ec2:*"))),
        PutOrganizationPolicy(RCP, ROOT, "ours", text(deny("s3:*", Principal="*"))),
        DetachOrganizationPolicy(SCP, OU, "no-leaving"),
    )
    assert _names(after, ID) == ["FullAWSAccess", "fence"]
    assert _names(after, ROOT, "rcps") == ["RCPFullAWSAccess", "ours"]
    assert _names(after, OU) == ["FullAWSAccess"]
    assert _names(after, ROOT) == ["FullAWSAccess", "no-leaving"]


def test_a_changed_scp_changes_wherever_it_is_attached(account: Account) -> None:
    after = applied(account, PutOrganizationPolicy(SCP, OU, "no-leaving", text(deny("ec2:*"))))
    assert isinstance(after.organization, Known)
    assert after.organization.value is not None
    texts = [
        policy.document.policy.statements[0].actions
        for level in after.organization.value.path
        if isinstance(level.scps, Known)
        for policy in level.scps.value
        if policy.name == "no-leaving"
    ]
    assert texts == [("ec2:*",), ("ec2:*",)]


def test_resource_policies_are_set_and_deleted(account: Account) -> None:
    after = applied(
        account, PutResourcePolicy(OPEN_BUCKET, text(deny("s3:*", Principal="*"))), DeleteResourcePolicy(BUCKET)
    )
    assert after.resource_policies[OPEN_BUCKET].state == "present"
    assert after.resource_policies[BUCKET].state == "none"
    assert after.resource_policies[KEY] is account.resource_policies[KEY]


BAD = '{"Version": "2012-10-17", "Statement": ['
SLR = "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (AttachPolicy(iam("user/nobody"), ADMIN_ARN), "expected a user, group or role"),
        (AttachPolicy(LAKE_READ.arn, ADMIN_ARN), "expected a user, group or role"),
        (AttachPolicy("", ADMIN_ARN), "the text is none"),
        (AttachPolicy(CAROL, iam("policy/none")), "has no policy"),
        (AttachPolicy(CAROL, "NoSuchPolicy"), "expected the ARN of a managed policy"),
        (AttachPolicy(CAROL, BUCKET), "expected the ARN of a managed policy"),
        (DetachPolicy(CAROL, ADMIN_ARN), "is not attached to user/carol"),
        (PutInlinePolicy(CAROL, "x", BAD), "cannot be read: Not JSON"),
        (PutInlinePolicy(CAROL, "x", "  "), "the document is empty"),
        (PutInlinePolicy(CAROL, "x", "{}"), "Statement"),
        (PutInlinePolicy(CAROL, "a b", READ), "is not a name for a policy"),
        (PutInlinePolicy(CAROL, "", READ), "is not a name for a policy"),
        (DeleteInlinePolicy(BOB, "nothing"), "has no inline policy nothing"),
        (PutManagedPolicy(ADMIN_ARN, READ), "only AWS changes"),
        (PutManagedPolicy("arn:aws:iam::999999999999:policy/x", READ), "expected the ARN of a customer managed"),
        (PutManagedPolicy(LAKE_READ.arn, BAD), "cannot be read"),
        (AddUserToGroup(DEPLOY, ADMINS), "expected a user"),
        (AddUserToGroup(CAROL, CAROL), "expected a group"),
        (RemoveUserFromGroup(CAROL, ADMINS), "user/carol is not in group/admins"),
        (PutPermissionsBoundary(ADMINS, BOUNDARY.arn), "only users and roles"),
        (PutPermissionsBoundary(CAROL, "scratch-bucket"), "expected the ARN of a managed policy"),
        (DeletePermissionsBoundary(CAROL), "has no permissions boundary"),
        (UpdateTrustPolicy(CAROL, READ), "expected a role"),
        (UpdateTrustPolicy(WEB, BAD), "cannot be read"),
        (PutOrganizationPolicy("TAG_POLICY", ROOT, "x", READ), "is not a type"),
        (PutOrganizationPolicy(SCP, "ou-none", "x", READ), "there is no level ou-none"),
        (PutOrganizationPolicy(SCP, ROOT, " ", READ), "needs a name"),
        (PutOrganizationPolicy(SCP, ROOT, "FullAWSAccess", READ), "only AWS changes"),
        (DetachOrganizationPolicy(SCP, ID, "no-leaving"), "is not attached to example-prod"),
        (DetachOrganizationPolicy(RCP, ID, "RCPFullAWSAccess"), "cannot be detached"),
        (PutResourcePolicy("*", READ), "expected the ARN of one resource"),
        (PutResourcePolicy(f"{BUCKET}/key", READ), "policies belong to buckets"),
        (PutResourcePolicy(DEPLOY, READ), "has no resource policy"),
        (DeleteResourcePolicy(OPEN_BUCKET), "has no policy"),
        (DeleteResourcePolicy(KEY), "exactly one key policy"),
    ],
)
def test_an_edit_that_does_not_fit_says_which_and_why(account: Account, edit: Edit, words: str) -> None:
    problem = refused(account, AddUserToGroup(CAROL, AUDITORS), edit)
    assert problem.number == 2
    assert problem.sentence.startswith("Edit 2 of the draft (")
    assert words in problem.sentence
    assert problem.next_step
    assert "\n" not in str(problem)


def test_what_does_not_fit_is_left_out_and_the_rest_laid(account: Account) -> None:
    found = laid(account, DetachPolicy(CAROL, ADMIN_ARN), AddUserToGroup(CAROL, AUDITORS))
    assert [problem.number for problem in found.problems] == [1]
    assert [user.name for user in found.account.members("auditors")] == ["carol"]


def test_a_draft_for_another_account_is_refused_with_both_ids(account: Account) -> None:
    with pytest.raises(DraftProblem, match=f"for account 999999999999, and this is account {ID}"):
        account_after(account, Draft("999999999999"))


def test_an_organization_that_is_not_loaded_cannot_be_edited(account: Account) -> None:
    edit = PutOrganizationPolicy(SCP, ROOT, "x", READ)
    unknown = replace(account, organization=Missing("access denied", "organizations:ListPolicies"))
    assert "the organization is not loaded" in refused(unknown, edit).sentence
    assert "is in no organization" in refused(replace(account, organization=Known(None)), edit).sentence


def test_a_level_that_is_not_loaded_cannot_be_edited(account: Account) -> None:
    assert isinstance(account.organization, Known)
    organization = account.organization.value
    assert organization is not None
    path = tuple(replace(level, scps=Missing("access denied")) for level in organization.path)
    partly = replace(account, organization=Known(replace(organization, path=path)))
    assert "are not loaded" in refused(partly, PutOrganizationPolicy(SCP, ROOT, "x", READ)).sentence


def test_roles_that_aws_owns_are_left_to_it(account: Account) -> None:
    template = account.role("web-server")
    assert template is not None
    owned = replace(template, name="AWSServiceRoleForECS", path="/aws-service-role/ecs.amazonaws.com/", arn=SLR)
    sso = replace(template, name="AWSReservedSSO_X_1", path="/aws-reserved/sso.amazonaws.com/", arn=iam("role/sso"))
    more = replace(account, roles=(*account.roles, owned, sso))
    assert "service-linked role" in refused(more, AttachPolicy(SLR, ADMIN_ARN)).sentence
    assert "service-linked role" in refused(more, UpdateTrustPolicy(SLR, READ)).sentence
    found = laid(more, AttachPolicy(sso.arn, ADMIN_ARN), PutInlinePolicy(sso.arn, "x", READ))
    assert [(finding.edit, finding.kind) for finding in found.findings] == [(1, "refused")]


def test_quotas_are_findings(account: Account) -> None:
    policies = [PutManagedPolicy(iam(f"policy/p{n}"), READ) for n in range(11)]
    attachments = [AttachPolicy(CAROL, iam(f"policy/p{n}")) for n in range(11)]
    found = laid(account, *policies, *attachments)
    assert found.problems == ()
    assert [(f.edit, f.kind, "11 managed policies; the quota is 10" in f.sentence) for f in found.findings] == [
        (22, "quota", True)
    ]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (PutInlinePolicy(CAROL, "x", text(allow("s3:Get" + "a" * 2_100))), "the quota is 2,048"),
        (PutInlinePolicy(AUDITORS, "x", text(allow("s3:Get" + "a" * 5_200))), "the quota is 5,120"),
        (PutInlinePolicy(WEB, "x", text(allow("s3:Get" + "a" * 10_300))), "the quota is 10,240"),
        (PutManagedPolicy(LAKE_READ.arn, text(allow("s3:Get" + "a" * 6_200))), "the quota is 6,144"),
        (UpdateTrustPolicy(WEB, text(allow("s3:Get" + "a" * 2_100))), "the quota is 2,048"),
        (PutOrganizationPolicy(SCP, ID, "x", text(allow("s3:Get" + "a" * 10_300))), "the quota is 10,240"),
        (PutOrganizationPolicy(RCP, ID, "x", text(allow("s3:Get" + "a" * 5_200))), "the quota is 5,120"),
        (PutResourcePolicy(BUCKET, text(allow("s3:Get" + "a" * 20_500))), "the most is 20,480"),
        (DetachOrganizationPolicy(SCP, ID, "FullAWSAccess"), "would have no SCP"),
    ],
)
def test_what_is_too_much_is_a_finding(account: Account, edit: Edit, words: str) -> None:
    found = laid(account, edit)
    assert found.problems == ()
    assert any(words in finding.sentence and finding.kind == "quota" for finding in found.findings)


def test_white_space_counts_only_where_aws_counts_it(account: Account) -> None:
    spaced = text(allow("s3:GetObject")) + " " * 12_000
    assert not laid(account, PutInlinePolicy(CAROL, "x", spaced)).findings
    kinds = [finding.kind for finding in laid(account, PutOrganizationPolicy(SCP, ID, "x", spaced)).findings]
    assert kinds == ["quota"]


def test_a_sixth_version_is_a_finding(account: Account) -> None:
    versions = tuple(PolicyVersion(f"v{n}", document(allow(f"s3:Get{n}")), is_default=n == 5) for n in range(5, 0, -1))
    full = replace(account, policies=(replace(LAKE_READ, versions=versions),))
    assert "has 5 versions already" in laid(full, PutManagedPolicy(LAKE_READ.arn, READ)).findings[0].sentence


def test_a_policy_of_a_resource_that_was_not_loaded_is_replaced_with_a_word_of_warning(account: Account) -> None:
    found = laid(account, PutResourcePolicy("arn:aws:s3:::elsewhere", text(allow("s3:*", Principal="*"))))
    assert found.account.resource_policies["arn:aws:s3:::elsewhere"].state == "present"
    assert "is not loaded; the edit replaces all of it" in found.findings[0].sentence


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (AttachPolicy(CAROL, ADMIN_ARN), "attach AdministratorAccess (AWS) to user/carol"),
        (DetachPolicy(WEB, LAKE_READ.arn), "detach data-lake-read from role/web-server"),
        (PutInlinePolicy(BOB, "extra", READ), "give user/bob the inline policy extra"),
        (PutInlinePolicy(BOB, "scratch-bucket", READ), "replace the inline policy scratch-bucket of user/bob"),
        (DeleteInlinePolicy(BOB, "scratch-bucket"), "delete the inline policy scratch-bucket of user/bob"),
        (PutManagedPolicy(LAKE_READ.arn, READ), "give the policy data-lake-read a new default version"),
        (PutManagedPolicy(iam("policy/new"), READ), "create the policy new"),
        (AddUserToGroup(CAROL, ADMINS), "add user/carol to group/admins"),
        (RemoveUserFromGroup(ALICE, ADMINS), "remove user/alice from group/admins"),
        (
            PutPermissionsBoundary(CAROL, BOUNDARY.arn),
            "set the permissions boundary of user/carol to developer-boundary",
        ),
        (DeletePermissionsBoundary(BOB), "drop the permissions boundary of user/bob"),
        (UpdateTrustPolicy(WEB, READ), "replace the trust policy of role/web-server"),
        (PutOrganizationPolicy(SCP, OU, "fence", READ), "attach the SCP fence to Production (ou-ab12-prod)"),
        (PutOrganizationPolicy(SCP, OU, "no-leaving", READ), "replace the SCP no-leaving at Production (ou-ab12-prod)"),
        (DetachOrganizationPolicy(RCP, ROOT, "x"), "detach the RCP x from Root (r-ab12)"),
        (PutResourcePolicy(BUCKET, READ), f"replace the policy of {BUCKET}"),
        (PutResourcePolicy(OPEN_BUCKET, READ), f"set the policy of {OPEN_BUCKET}"),
        (CreateRole(iam("role/ci/ci"), READ), "create role/ci"),
        (DeleteRole(WEB), "delete role/web-server"),
        (DeleteUser(BOB), "delete user/bob"),
        (DeleteAccessKey(BOB, "AKIAIOSFODNN7EXAMPLE"), "delete the access key AKIAIOSFODNN7EXAMPLE of user/bob"),
        (DeleteResourcePolicy(BUCKET), f"delete the policy of {BUCKET}"),
        (AttachPolicy("\x1b]52;c;eA==\x07", ""), "attach no policy to ␛]52;c;eA==␇"),
    ],
)
def test_every_edit_has_words_that_are_safe_to_show(account: Account, edit: Edit, words: str) -> None:
    assert describe_edit(edit, account) == words


@given(made=st.lists(edits(drafting_account()), max_size=8))
@settings(max_examples=60, deadline=None)
def test_untouched_records_and_documents_are_shared_whatever_the_edits(made: list[Edit]) -> None:
    account = drafting_account()
    found = apply_draft(account, Draft(account.id, edits=tuple(made)))
    named = {value for edit in made for value in structs.asdict(edit).values()}
    for old in (*account.users, *account.groups, *account.roles):
        new = found.account.by_arn(old.arn)
        if old.arn not in named:
            assert new is old
        if isinstance(new, Role) and isinstance(old, Role) and new.trust == old.trust:
            assert new.trust is old.trust
    assert [policy.arn for policy in found.account.policies[: len(account.policies)]] == [
        policy.arn for policy in account.policies
    ]
    assert account == drafting_account()


@given(made=st.lists(edits(drafting_account()), max_size=6))
@settings(max_examples=60, deadline=None)
def test_laying_what_fits_again_gives_the_same(made: list[Edit]) -> None:
    account = drafting_account()
    found = apply_draft(account, Draft(account.id, edits=tuple(made)))
    at_fault = {problem.number for problem in found.problems}
    fitting = tuple(edit for number, edit in enumerate(made, 1) if number not in at_fault)
    assert account_after(account, Draft(account.id, edits=fitting)) == found.account


def test_a_policy_whose_document_is_not_loaded_can_be_attached_and_says_so(account: Account) -> None:
    found = laid(account, PutPermissionsBoundary(CAROL, UNLOADED.arn), AttachPolicy(CAROL, UNLOADED.arn))
    assert found.problems == ()
    assert [finding.kind for finding in found.findings] == ["unknown", "unknown"]
    assert "is not loaded" in found.findings[0].sentence
