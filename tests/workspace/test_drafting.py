"""Asking before and after a draft: the answers are the engine's own, whatever is shared between the two."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from iamtui.account.model import Account, AttachedPolicy, Group, Known, Role, User
from iamtui.drafts.aws_values import SCP
from iamtui.drafts.draft import Draft, DraftProblem, Edit
from iamtui.drafts.edits.deletions import DeleteRole, DeleteUser
from iamtui.drafts.edits.organization import PutOrganizationPolicy
from iamtui.drafts.edits.policies import DeleteInlinePolicy, PutInlinePolicy, PutManagedPolicy, PutResourcePolicy
from iamtui.drafts.edits.principals import (
    AddUserToGroup,
    AttachPolicy,
    CreateRole,
    DetachPolicy,
    PutPermissionsBoundary,
    RemoveUserFromGroup,
    UpdateTrustPolicy,
)
from iamtui.engine.decision import Outcome
from iamtui.engine.request import Principal
from iamtui.policy.document import PolicyDocument
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.ask.answers import answer
from iamtui.workspace.change.draft_session import (
    EXPORT_FORMS,
    DraftComparison,
    DraftedAccount,
    Effect,
    apply,
    compare,
    compare_everyone,
    export_drafted,
    verdict_key,
)
from iamtui.workspace.change.impact import impact_of
from iamtui.workspace.source.principals import principal_for, resolve_principal
from iamtui.workspace.source.workspace import Workspace
from tests.support.draft_accounts import BUCKET, KEY, drafting_account, drafting_workspace, edits, text
from tests.support.sample_account import ADMIN_ARN, BOUNDARY, ID, LAKE_READ, allow, deny, iam, trust

ALICE, BOB, CAROL = iam("user/alice"), iam("user/data/bob"), iam("user/carol")
DEPLOY, WEB = iam("role/deploy-prod"), iam("role/web-server")
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
READ = Question("s3:GetObject", f"{BUCKET}/table/1")


@pytest.fixture
def workspace() -> Workspace:
    return drafting_workspace()


def drafted(workspace: Workspace, *made: Edit) -> DraftedAccount:
    return apply(workspace, Draft(workspace.account.id, edits=made))


def effects(found: DraftedAccount, asked: Question | QuestionMatrix = READ) -> dict[str, Effect]:
    changed = {c.principal.arn.rsplit("/", 1)[-1]: c.effect for c in compare_everyone(found, asked, now=NOW)}
    return {name: effect for name, effect in changed.items() if effect is not Effect.SAME}


def test_who_gains_and_who_loses(workspace: Workspace) -> None:
    found = drafted(
        workspace,
        AddUserToGroup(CAROL, iam("group/data/analysts")),
        DetachPolicy(WEB, LAKE_READ.arn),
        RemoveUserFromGroup(ALICE, iam("group/data/analysts")),
    )
    assert effects(found) == {"carol": Effect.GAINED, "web-server": Effect.LOST}


def test_a_verdict_that_only_comes_from_elsewhere_is_the_same(workspace: Workspace) -> None:
    found = drafted(workspace, RemoveUserFromGroup(ALICE, iam("group/data/analysts")))
    comparison = compare(found, READ, resolve_principal(workspace, "user/alice"), now=NOW)
    assert comparison is not None
    assert comparison.effect is Effect.SAME
    assert comparison.before.worst.decision.matched != comparison.after.worst.decision.matched


def test_of_several_pairs_gained_and_lost_is_changed(workspace: Workspace) -> None:
    found = drafted(workspace, PutManagedPolicy(LAKE_READ.arn, text(allow("s3:DeleteObject", f"{BUCKET}/*"))))
    both = QuestionMatrix(("s3:GetObject", "s3:DeleteObject"), (f"{BUCKET}/x",), Question(""))
    assert effects(found, both)["web-server"] is Effect.CHANGED
    only_gained = QuestionMatrix(("s3:PutObject", "s3:DeleteObject"), (f"{BUCKET}/x",), Question(""))
    assert effects(found, only_gained)["web-server"] is Effect.GAINED


def test_whom_a_resource_policy_newly_names_is_asked_too(workspace: Workspace) -> None:
    stranger = "arn:aws:iam::555566667777:role/partner"
    policy = text(allow("s3:GetObject", f"{BUCKET}/*", Principal={"AWS": [stranger, CAROL]}))
    found = drafted(workspace, PutResourcePolicy(BUCKET, policy))
    # The other account's own side is not loaded, so the stranger's answer is open; before it was a plain no.
    result = effects(found)
    assert result["carol"] is Effect.GAINED
    assert result["partner"] is Effect.GAINED


def test_a_draft_that_does_not_fit_is_never_asked(workspace: Workspace) -> None:
    found = drafted(workspace, AddUserToGroup(CAROL, iam("group/admins")), DetachPolicy(CAROL, LAKE_READ.arn))
    with pytest.raises(DraftProblem):
        list(compare_everyone(found, READ))
    with pytest.raises(DraftProblem):
        compare(found, READ, resolve_principal(workspace, "user/carol"))
    for form in EXPORT_FORMS:
        with pytest.raises(DraftProblem):
            export_drafted(found, form)


def test_the_text_of_an_aws_policy_is_known_before_the_draft_too(workspace: Workspace) -> None:
    read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    account = workspace.account
    carol = account.user("carol")
    attached = (AttachedPolicy("ReadOnlyAccess", read_only),)
    assert carol is not None
    holding = tuple(replace(user, attached_policies=attached) if user is carol else user for user in account.users)
    unknown = workspace.with_account(replace(account, users=holding))
    found = drafted(unknown, AttachPolicy(BOB, "ReadOnlyAccess"))
    assert found.draft.edits == (AttachPolicy(BOB, read_only),)
    # Carol's policy was not loaded: that its text is now known is no doing of the draft.
    assert "carol" not in effects(found, Question("ec2:DescribeInstances"))


def test_names_are_resolved_and_what_is_unknown_is_said(workspace: Workspace) -> None:
    found = drafted(
        workspace,
        AttachPolicy("user/carol", "data-lake-read"),
        AddUserToGroup("carol", "auditors"),
        UpdateTrustPolicy("web-server", trust({"AWS": CAROL}).text),
        PutPermissionsBoundary("carol", "developer-boundary"),
        AttachPolicy("user/nobody", "NoSuchPolicy"),
    )
    assert found.draft.edits[:2] == (
        AttachPolicy(CAROL, LAKE_READ.arn),
        AddUserToGroup(CAROL, iam("group/auditors")),
    )
    assert found.draft.edits[3] == PutPermissionsBoundary(CAROL, BOUNDARY.arn)
    assert [problem.number for problem in found.problems] == [5]


def test_cancelling_stops(workspace: Workspace) -> None:
    found = drafted(workspace, AttachPolicy(CAROL, LAKE_READ.arn))
    calls = iter([False] * 5 + [True] * 1000)
    assert len(list(compare_everyone(found, READ, lambda: next(calls)))) < 5


QUESTIONS = (
    READ,
    Question("s3:PutObject", f"{BUCKET}/x"),
    Question("sts:AssumeRole", DEPLOY),
    Question("kms:Decrypt", KEY),
    Question("ec2:RunInstances"),
    Question("iam:PassRole", WEB),
    Question("iam:DeletePolicy", iam("policy/new")),
)


def _everyone(workspace: Workspace) -> list[Principal]:
    account = workspace.account
    return [principal_for(workspace, entity) for entity in (*account.users, *account.roles)]


def _fitting(workspace: Workspace, made: list[Edit]) -> DraftedAccount:
    first = apply(workspace, Draft(workspace.account.id, edits=tuple(made)))
    at_fault = {problem.number for problem in first.problems}
    return drafted(workspace, *(edit for number, edit in enumerate(made, 1) if number not in at_fault))


def _fresh(account: Account) -> Account:
    """The same account with nothing remembered and every document read anew."""
    return replace(account)


@pytest.mark.slow
@given(made=st.lists(edits(drafting_account()), min_size=1, max_size=5), question=st.sampled_from(QUESTIONS))
@settings(max_examples=60, deadline=None)
def test_what_is_shared_is_what_asking_twice_would_say(made: list[Edit], question: Question) -> None:
    workspace = drafting_workspace()
    found = _fitting(workspace, made)
    by_principal: dict[str, DraftComparison] = {
        comparison.principal.arn: comparison for comparison in compare_everyone(found, question, now=NOW)
    }
    question_matrix = QuestionMatrix((question.action,), (question.resource,), question)
    before, after = (workspace.with_account(_fresh(side.account)) for side in (found.base, found.after))
    for principal in _everyone(workspace):
        comparison = by_principal[principal.arn]
        for side, given_answer in ((before, comparison.before), (after, comparison.after)):
            expected = answer(side, principal, question_matrix, now=NOW)
            assert expected is not None
            assert verdict_key(given_answer.worst.deciding) == verdict_key(expected.worst.deciding)
            assert [cell.decision.reasons for cell in given_answer.cells] == [
                cell.decision.reasons for cell in expected.cells
            ]


def _undoing(account: Account, edit: Edit) -> Edit | None:
    """The edit that takes another one back, for those that have one."""
    match edit:
        case AttachPolicy(holder, policy):
            return DetachPolicy(holder, policy)
        case AddUserToGroup(user, group):
            return RemoveUserFromGroup(user, group)
        case PutInlinePolicy(holder, name, _):
            before = account.by_arn(holder)
            assert isinstance(before, (User, Group, Role))
            known = next((policy for policy in before.inline_policies if policy.name == name), None)
            if known is not None:
                return PutInlinePolicy(holder, name, known.document.raw)
            return DeleteInlinePolicy(holder, name)
        case UpdateTrustPolicy(role, _):
            entity = account.role(role.rsplit("/", 1)[-1])
            return UpdateTrustPolicy(role, entity.trust.raw) if entity is not None else None
        case PutManagedPolicy(policy, _):
            managed = account.policy(policy)
            version = managed.default_version if managed is not None else None
            return PutManagedPolicy(policy, version.document.raw) if version is not None else None
        case PutResourcePolicy(resource, _):
            document = account.resource_policies[resource].document
            return PutResourcePolicy(resource, document.raw) if document is not None else None
        case _:
            return None


UNDONE = (AttachPolicy, AddUserToGroup, PutInlinePolicy, UpdateTrustPolicy, PutManagedPolicy, PutResourcePolicy)


@pytest.mark.slow
@given(edit=edits(drafting_account(), UNDONE), question=st.sampled_from(QUESTIONS))
@settings(max_examples=60, deadline=None)
def test_undone_edits_leave_the_answers_of_the_account(edit: Edit, question: Question) -> None:
    workspace = drafting_workspace()
    alone = drafted(workspace, edit)
    assume(not alone.problems and not any(finding.kind == "no effect" for finding in alone.findings))
    undo = _undoing(workspace.account, edit)
    assume(undo is not None)
    assert undo is not None
    found = drafted(workspace, edit, undo)
    assert found.problems == ()
    assert {c.effect for c in compare_everyone(found, question, now=NOW)} == {Effect.SAME}
    assert Draft(ID, edits=(edit,)).undone() == Draft(ID)


@given(
    one=st.builds(AttachPolicy, st.sampled_from([CAROL, WEB]), st.sampled_from([ADMIN_ARN, BOUNDARY.arn])),
    other=st.builds(
        PutInlinePolicy,
        st.sampled_from([BOB, DEPLOY]),
        st.sampled_from(["a", "b"]),
        st.sampled_from([text(allow("*")), text(deny("s3:*"))]),
    ),
    question=st.sampled_from(QUESTIONS),
)
@settings(max_examples=30, deadline=None)
def test_the_order_of_edits_about_different_things_does_not_matter(
    one: AttachPolicy, other: PutInlinePolicy, question: Question
) -> None:
    workspace = drafting_workspace()
    here, there = drafted(workspace, one, other), drafted(workspace, other, one)
    assert here.after.account == there.after.account
    assert [c.effect for c in compare_everyone(here, question, now=NOW)] == [
        c.effect for c in compare_everyone(there, question, now=NOW)
    ]


def test_of_edits_about_the_same_thing_the_later_wins(workspace: Workspace) -> None:
    yes, no = PutInlinePolicy(CAROL, "x", text(allow("s3:*"))), PutInlinePolicy(CAROL, "x", text(deny("s3:*")))
    carol = resolve_principal(workspace, "user/carol")
    outcomes = []
    for made in ((yes, no), (no, yes)):
        comparison = compare(drafted(workspace, *made), READ, carol, now=NOW)
        assert comparison is not None
        outcomes.append(comparison.after.worst.deciding.outcome)
    assert outcomes == [Outcome.EXPLICIT_DENY, Outcome.ALLOWED]


def test_an_scp_reaches_everyone_in_the_account(workspace: Workspace) -> None:
    found = drafted(workspace, PutOrganizationPolicy(SCP, ID, "no-s3", text(deny("s3:*"))))
    assert found.reach.everyone
    result = effects(found)
    assert result["alice"] is Effect.LOST
    # Carol had no permission before: her denial is now an explicit one.
    assert result["carol"] is Effect.CHANGED
    assert len(result) == len(_everyone(workspace))


def test_what_is_untouched_is_compiled_once(workspace: Workspace) -> None:
    found = drafted(workspace, AttachPolicy(CAROL, LAKE_READ.arn))
    list(compare_everyone(found, READ))
    before, after = found.base.account, found.after.account
    assert isinstance(before.organization, Known)
    for one, other in zip(before.roles, after.roles, strict=True):
        assert one.trust is other.trust
    documents: list[tuple[PolicyDocument, PolicyDocument]] = [
        (one.versions[0].document, other.versions[0].document)
        for one, other in zip(before.policies, after.policies, strict=True)
        if one.versions
    ]
    assert all(one is other for one, other in documents)


def test_who_is_made_or_deleted_is_asked_before_and_after() -> None:
    workspace = drafting_workspace()
    made = iam("role/made")
    edits = (
        CreateRole(made, text({"Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": "sts:AssumeRole"})),
        PutInlinePolicy(made, "read", text(allow("s3:GetObject"))),
        DeleteUser(BOB),
    )
    drafted = apply(workspace, Draft(ID, edits=edits))
    assert not drafted.problems
    found = {one.principal.arn: one for one in compare_everyone(drafted, READ, now=NOW)}
    assert found[made].effect is Effect.GAINED
    assert found[made].before.worst.deciding.outcome is Outcome.EXPLICIT_DENY
    assert found[made].after.worst.deciding.outcome is Outcome.ALLOWED
    put = Question("s3:PutObject", f"{BUCKET}/table/1")
    bob = next(one for one in compare_everyone(drafted, put, now=NOW) if one.principal.arn == BOB)
    assert bob.effect is Effect.LOST, "the bucket's policy names a user who is gone"
    gone = resolve_principal(workspace, BOB)
    decided = answer(drafted.after, gone, QuestionMatrix((put.action,), (put.resource,), put)).worst.deciding
    assert decided.outcome is Outcome.EXPLICIT_DENY
    assert decided.reasons[0].statements[0].sid == "DeletesTheCaller"
    assert [arn for arn in found if arn != made] == [
        one.arn for one in (*workspace.account.users, *workspace.account.roles)
    ]


@pytest.mark.slow
def test_the_impact_of_who_is_made_and_deleted_is_all_that_they_may_do() -> None:
    workspace = drafting_workspace()
    made = iam("role/made")
    edits = (
        CreateRole(made, text({"Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": "sts:AssumeRole"})),
        PutInlinePolicy(made, "read", text(allow(["s3:GetObject", "s3:PutObject"]))),
        DeleteRole(DEPLOY),
    )
    found = impact_of(apply(workspace, Draft(ID, edits=edits)), now=NOW)
    by_arn = {principal.arn: count for principal, count in found.by_principal().items()}
    # What its policy says, and sts:GetCallerIdentity, which everybody may do.
    assert (by_arn[made].gained, by_arn[made].lost) == (3, 0)
    assert by_arn[DEPLOY].gained == 0
    assert by_arn[DEPLOY].lost > 10_000
    assert any(shift.effect is Effect.GAINED and shift.edge.name == ALICE for shift in found.trust)
