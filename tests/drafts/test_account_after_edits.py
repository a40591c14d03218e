"""What stands before an edit of a draft, how that words the edit, and what the draft no longer denies."""

from __future__ import annotations

import pytest

from iamtui.drafts.aws_values import RCP, SCP
from iamtui.drafts.draft import Draft, Edit
from iamtui.drafts.edits.base import AccountAfterEdits, describe_edit, describe_edits
from iamtui.drafts.edits.organization import DetachOrganizationPolicy, PutOrganizationPolicy
from iamtui.drafts.edits.policies import (
    DeleteInlinePolicy,
    DeleteResourcePolicy,
    PutInlinePolicy,
    PutManagedPolicy,
    PutResourcePolicy,
)
from iamtui.drafts.edits.principals import (
    AttachPolicy,
    DeletePermissionsBoundary,
    DetachPolicy,
    PutPermissionsBoundary,
    UpdateTrustPolicy,
)
from iamtui.policy.document import PolicyDocument
from tests.support.applied_drafts import apply_draft
from tests.support.draft_accounts import BUCKET, OPEN_BUCKET, OU, ROOT, drafting_account, text
from tests.support.sample_account import ID, LAKE_READ, allow, deny, iam

ACCOUNT = drafting_account()
NEW = iam("policy/new")
ONE, OTHER = text(allow("s3:*")), text(allow("ec2:*"))

PUTS: list[tuple[Edit, Edit, str, str]] = [
    (
        PutManagedPolicy(NEW, ONE),
        PutManagedPolicy(NEW, OTHER),
        "create the policy new",
        "give the policy new a new default version",
    ),
    (
        PutInlinePolicy(iam("user/carol"), "p", ONE),
        PutInlinePolicy(iam("user/carol"), "p", OTHER),
        "give user/carol the inline policy p",
        "replace the inline policy p of user/carol",
    ),
    (
        PutOrganizationPolicy(SCP, OU, "s", ONE),
        PutOrganizationPolicy(SCP, OU, "s", OTHER),
        "attach the SCP s to Production (ou-ab12-prod)",
        "replace the SCP s at Production (ou-ab12-prod)",
    ),
    (
        PutResourcePolicy(OPEN_BUCKET, ONE),
        PutResourcePolicy(OPEN_BUCKET, OTHER),
        f"set the policy of {OPEN_BUCKET}",
        f"replace the policy of {OPEN_BUCKET}",
    ),
]


@pytest.mark.parametrize(("first", "second", "creates", "replaces"), PUTS, ids=lambda value: type(value).__name__)
def test_the_second_edit_of_what_a_draft_made_replaces_it(
    first: Edit, second: Edit, creates: str, replaces: str
) -> None:
    assert describe_edit(first, ACCOUNT) == creates
    assert describe_edit(second, ACCOUNT, (first,)) == replaces


TAKEN: list[tuple[Edit, Edit, str]] = [
    (
        DeleteInlinePolicy(iam("user/carol"), "p"),
        PutInlinePolicy(iam("user/carol"), "p", ONE),
        "give user/carol the inline policy p",
    ),
    (DeleteResourcePolicy(BUCKET), PutResourcePolicy(BUCKET, ONE), f"set the policy of {BUCKET}"),
    (
        DetachOrganizationPolicy(SCP, ROOT, "no-leaving"),
        PutOrganizationPolicy(SCP, ROOT, "no-leaving", ONE),
        "attach the SCP no-leaving to Root (r-ab12)",
    ),
]


@pytest.mark.parametrize(("gone", "again", "words"), TAKEN, ids=lambda value: type(value).__name__)
def test_what_a_draft_took_away_is_added_anew(gone: Edit, again: Edit, words: str) -> None:
    assert describe_edit(again, ACCOUNT, (gone,)) == words


def _texts(*documents: PolicyDocument | None) -> list[str]:
    return [document.text if document is not None else "" for document in documents]


def test_the_latest_edit_of_a_document_counts_and_before_it_the_account() -> None:
    role, carol = iam("role/web-server"), iam("user/carol")
    before = AccountAfterEdits(ACCOUNT)
    after = AccountAfterEdits(
        ACCOUNT,
        (
            UpdateTrustPolicy(role, ONE),
            UpdateTrustPolicy(role, OTHER),
            PutManagedPolicy(LAKE_READ.arn, ONE),
            PutOrganizationPolicy(RCP, OU, "r", ONE),
            PutOrganizationPolicy(RCP, ROOT, "r", OTHER),
            PutPermissionsBoundary(carol, LAKE_READ.arn),
        ),
    )
    version = LAKE_READ.default_version
    assert version is not None
    assert before.managed(LAKE_READ.arn) is version.document
    assert before.trust(role) is not None
    assert before.organization(RCP, OU, "r") is None
    assert before.boundary(carol) == ""
    other, one = PolicyDocument(OTHER).text, PolicyDocument(ONE).text
    assert _texts(after.trust(role), after.managed(LAKE_READ.arn)) == [other, one]
    # One name is one policy: its text changes wherever it is attached.
    assert _texts(after.organization(RCP, OU, "r"), after.organization(RCP, ROOT, "r")) == [other, other]
    assert after.boundary(carol) == LAKE_READ.arn
    after.make(DeletePermissionsBoundary(carol))
    assert after.boundary(carol) == ""


def test_the_work_of_a_draft_grows_with_its_edits() -> None:
    def work(count: int) -> int:
        holders = [user.arn for user in ACCOUNT.users]
        edits = [PutInlinePolicy(holders[number % len(holders)], f"p{number}", ONE) for number in range(count)]
        draft = Draft(ACCOUNT.id, "", tuple(edits))
        subjects = 0
        subject = PutInlinePolicy.subject

        def counted(edit: PutInlinePolicy) -> tuple[str, ...]:
            nonlocal subjects
            subjects += 1
            return subject.__get__(edit)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(PutInlinePolicy, "subject", property(counted))
            laid = apply_draft(ACCOUNT, draft)
            assert len(tuple(describe_edits(draft.edits, ACCOUNT))) == count
        assert not laid.problems
        return subjects

    assert work(200) <= 2 * work(100)


def test_nobody_gets_more_policies_than_anybody_can_have() -> None:
    carol = iam("user/carol")
    edits = tuple(PutInlinePolicy(carol, f"p{number}", ONE) for number in range(700))
    laid = apply_draft(ACCOUNT, Draft(ACCOUNT.id, "", edits))
    assert "more than AWS lets anybody have" in laid.problems[0].sentence
    assert len(laid.problems) >= 200


def _denials(*edits: Edit) -> list[tuple[int, str]]:
    laid = apply_draft(ACCOUNT, Draft(ID, edits=edits))
    assert not laid.problems
    return [(finding.edit, finding.sentence) for finding in laid.findings if finding.kind == "denies less"]


def test_a_deny_that_an_edit_takes_away_or_changes_is_a_finding() -> None:
    version = LAKE_READ.default_version
    assert version is not None
    read, no_delete, decrypt = version.document.value["Statement"]
    narrowed = {**no_delete, "Condition": {"ArnNotEquals": {"aws:PrincipalArn": iam("user/carol")}}}
    assert _denials(PutManagedPolicy(LAKE_READ.arn, text(read, decrypt))) == [
        (1, "The Deny NoDelete is gone, for everyone that it denied something.")
    ]
    assert _denials(
        AttachPolicy(iam("user/carol"), LAKE_READ.arn), PutManagedPolicy(LAKE_READ.arn, text(narrowed))
    ) == [(2, "The Deny NoDelete no longer denies user/carol.")]
    elsewhere = {**no_delete, "Condition": {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}}
    assert _denials(PutManagedPolicy(LAKE_READ.arn, text(elsewhere))) == [
        (1, "The Deny NoDelete is changed and may deny others less too.")
    ]
    another = {**deny("ec2:*"), "Sid": "NoCompute"}
    assert _denials(PutManagedPolicy(LAKE_READ.arn, text(read, another))) == [
        (1, "The Deny NoDelete is gone, for everyone that it denied something.")
    ]
    assert _denials(PutManagedPolicy(LAKE_READ.arn, text(decrypt, no_delete, allow("ec2:*")))) == []
    assert _denials(PutManagedPolicy(LAKE_READ.arn, text(read, {**no_delete, "Sid": "NeverDelete"}))) == []
    assert _denials(PutManagedPolicy(LAKE_READ.arn, text(read, {**narrowed, "Sid": "NeverDelete"}))) == [
        (1, "The Deny NoDelete is changed and may deny others less too.")
    ]


def test_a_deny_that_is_detached_no_longer_applies_to_its_holder() -> None:
    holder = next(iter(ACCOUNT.holders(LAKE_READ.arn)))
    ((number, sentence),) = _denials(DetachPolicy(holder.arn, LAKE_READ.arn))
    assert number == 1
    assert sentence.startswith("The Deny NoDelete of data-lake-read no longer applies to ")
    assert _denials(DetachOrganizationPolicy(SCP, ROOT, "no-leaving")) == [
        (1, "A Deny without a Sid is gone, for everyone that it denied something.")
    ]


def test_a_deny_that_the_draft_itself_added_can_go_without_a_finding() -> None:
    carol = iam("user/carol")
    assert _denials(PutInlinePolicy(carol, "p", text(deny("ec2:*"))), DeleteInlinePolicy(carol, "p")) == []
