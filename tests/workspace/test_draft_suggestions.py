"""The engine's suggestions as edits: applied as a draft they allow what was denied."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import pytest

from iamtui.account.model import Role, User
from iamtui.drafts.aws_values import SCP
from iamtui.drafts.draft import Draft, Edit
from iamtui.drafts.edits.organization import DetachOrganizationPolicy, PutOrganizationPolicy
from iamtui.drafts.edits.policies import DeleteInlinePolicy, PutInlinePolicy, PutManagedPolicy, PutResourcePolicy
from iamtui.drafts.edits.principals import (
    AddUserToGroup,
    AttachPolicy,
    DetachPolicy,
    PutPermissionsBoundary,
    UpdateTrustPolicy,
)
from iamtui.engine.decision import Layer, Outcome
from iamtui.engine.words.explanation import Suggestion
from iamtui.policy.document import PolicyDocument
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.ask.answers import answer
from iamtui.workspace.ask.questions import ask, ask_and_trace
from iamtui.workspace.change.denied_question import NoEdit, statement_from_question, statement_places
from iamtui.workspace.change.draft_documents import DocumentPlace
from iamtui.workspace.change.draft_fixes import edits_for_suggestion, one_cell, with_fix
from iamtui.workspace.change.draft_session import Effect, apply, as_matrix, compare_everyone
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.principals import principal_for, resolve_principal
from iamtui.workspace.source.workspace import SourceChoice, SourceKind, Workspace
from tests.support.draft_accounts import BUCKET, KEY, OPEN_BUCKET, OU, drafting_workspace, text
from tests.support.sample_account import ADMIN_ARN, BOUNDARY, ID, LAKE_READ, allow, deny, iam
from tests.support.slow import one_quick

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@cache
def demo() -> Workspace:
    return open_source(SourceChoice(SourceKind.DEMO))


@cache
def sample() -> Workspace:
    return drafting_workspace()


DEMO_ID = "111122223333"
QUESTIONS = {
    "demo": (
        Question("s3:GetObject", "arn:aws:s3:::puffin-data-lake/x"),
        Question("s3:DeleteBucket", "arn:aws:s3:::puffin-data-lake"),
        Question("kms:Decrypt", f"arn:aws:kms:eu-west-1:{DEMO_ID}:key/4bb660c9-5de9-4c74-93f1-2dae5f63b8e1"),
        Question("ec2:RunInstances"),
        Question("iam:CreateUser", f"arn:aws:iam::{DEMO_ID}:user/zed"),
        Question("sts:AssumeRole", f"arn:aws:iam::{DEMO_ID}:role/deploy-prod"),
        Question("s3:ListAllMyBuckets"),
        Question("sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{DEMO_ID}:shipment-events"),
        Question("cloudtrail:StopLogging", f"arn:aws:cloudtrail:eu-west-1:{DEMO_ID}:trail/main"),
        Question("ec2:StartInstances", f"arn:aws:ec2:us-west-2:{DEMO_ID}:instance/i-1"),
        Question(
            "secretsmanager:GetSecretValue",
            f"arn:aws:secretsmanager:eu-west-1:{DEMO_ID}:secret:payments/database-k7Vq2x",
        ),
        Question("lambda:InvokeFunction", f"arn:aws:lambda:eu-west-1:{DEMO_ID}:function:webhook-dispatcher"),
    ),
    "sample": (
        Question("s3:GetObject", f"{BUCKET}/x"),
        Question("s3:DeleteObject", f"{BUCKET}/x"),
        Question("s3:PutObject", f"{OPEN_BUCKET}/x"),
        Question("kms:Decrypt", KEY),
        Question("ec2:RunInstances"),
        Question("iam:PassRole", iam("role/web-server")),
        Question("sts:AssumeRole", iam("role/web-server")),
        Question("organizations:LeaveOrganization"),
    ),
}
CASES = [(name, question) for name, questions in QUESTIONS.items() for question in questions]


@one_quick(("name", "question"), CASES, ids=lambda value: getattr(value, "action", value))
def test_all_suggestions_together_allow_what_was_denied(name: str, question: Question) -> None:
    workspace = demo() if name == "demo" else sample()
    account = workspace.account
    entities: tuple[User | Role, ...] = (*account.users, *account.roles)
    denied = 0
    for entity in entities[:: 6 if name == "demo" else 1]:
        principal = principal_for(workspace, entity)
        if ask(workspace, principal, question, now=NOW).outcome in (Outcome.ALLOWED, Outcome.DEPENDS):
            continue
        suggested = with_fix(workspace, Draft(account.id), principal, as_matrix(question), now=NOW)
        draft, left = suggested.draft, suggested.left
        if isinstance(entity, Role) and entity.service_linked:
            assert any("service-linked" in reason.sentence for reason in left)
            continue
        if left:
            # An Allow that only lacks its condition asks for another request, not for another policy.
            assert all("if its condition held" in reason.sentence for reason in left), (entity.arn, left)
            continue
        denied += 1
        decision = ask(apply(workspace, draft).after, principal, question, now=NOW)
        assert decision.outcome in (Outcome.ALLOWED, Outcome.DEPENDS), (entity.arn, decision.reasons)
        assert draft.edits
    assert denied


DELETE = Question("s3:DeleteObject", "arn:aws:s3:::puffin-data-lake/x")


def test_a_deny_that_lists_exceptions_by_arn_gets_one_more() -> None:
    workspace = demo()
    who = resolve_principal(workspace, f"arn:aws:sts::{workspace.account.id}:assumed-role/analytics-lake-reader/job-1")
    made = with_fix(workspace, Draft(workspace.account.id), who, as_matrix(DELETE), now=NOW)

    bucket = next(edit for edit in made.draft.edits if isinstance(edit, PutResourcePolicy))
    denying = next(one for one in statements(bucket.document) if one["Sid"] == "NobodyDeletesButTheLakeTeam")
    assert denying["Condition"]["ArnNotEquals"]["aws:PrincipalArn"][-1] == who.role_arn  # type: ignore[index]
    excepted = (
        "role/analytics-lake-reader is excepted from the Deny NobodyDeletesButTheLakeTeam (policy of "
        "arn:aws:s3:::puffin-data-lake) for s3:DeleteObject* on"
    )
    more = "arn:aws:s3:::puffin-data-lake/* (more than was asked); others stay denied."
    assert f"{excepted} {more}" in made.cautions
    drafted = apply(workspace, made.draft)
    for action in ("s3:PutBucketPolicy", "s3:DeleteBucket"):
        other = ask(drafted.after, who, Question(action, "arn:aws:s3:::puffin-data-lake"), now=NOW)
        assert other.outcome is Outcome.EXPLICIT_DENY
    effects = {found.principal.arn: found.effect for found in compare_everyone(drafted, DELETE, now=NOW)}
    assert [arn for arn, effect in effects.items() if effect is Effect.GAINED] == [who.role_arn]


def suggested(
    workspace: Workspace, principal: str, question: Question, layer: Layer
) -> tuple[tuple[Edit, ...], Suggestion, str]:
    who = resolve_principal(workspace, principal)
    _, _, explanation = ask_and_trace(workspace, who, question, now=NOW)
    suggestion = next(one for one in explanation.suggestions if one.layer is layer)
    found = edits_for_suggestion(workspace, who, question, suggestion, now=NOW)
    return found.edits, suggestion, found.caution


def with_edits(*made: Edit) -> Workspace:
    drafted = apply(sample(), Draft(ID, edits=made))
    drafted.check()
    return drafted.after


def statements(text_: str) -> list[dict[str, object]]:
    value = PolicyDocument(text_).value["Statement"]
    assert isinstance(value, list)
    return value


def test_a_missing_permission_becomes_a_new_inline_policy() -> None:
    made, suggestion, _ = suggested(sample(), "user/carol", Question("ec2:RunInstances"), Layer.IDENTITY)
    assert suggestion.statement is not None
    (edit,) = made
    assert isinstance(edit, PutInlinePolicy)
    assert (edit.holder_arn, edit.name) == (iam("user/carol"), "allow-ec2-RunInstances")
    assert statements(edit.document) == [suggestion.statement]


def test_a_boundary_that_others_have_gets_the_statement_for_the_caller_alone() -> None:
    made, _, caution = suggested(sample(), "user/bob", Question("kms:Decrypt", KEY), Layer.BOUNDARY)
    (edit,) = made
    assert isinstance(edit, PutManagedPolicy)
    assert edit.policy_arn == BOUNDARY.arn
    assert len(statements(edit.document)) == 2
    assert statements(edit.document)[-1]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": iam("user/data/bob")}}
    assert not caution


def test_a_boundary_of_aws_is_copied_before_it_is_changed() -> None:
    workspace = with_edits(
        PutManagedPolicy(iam("policy/wide"), text(allow("*"))),
        PutPermissionsBoundary(iam("user/carol"), "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"),
    )
    drafted = apply(workspace, Draft(ID, edits=(PutPermissionsBoundary(iam("user/carol"), "AmazonS3ReadOnlyAccess"),)))
    made, _, caution = suggested(drafted.after, "user/carol", Question("ec2:RunInstances"), Layer.BOUNDARY)
    assert [type(edit) for edit in made] == [PutManagedPolicy, PutPermissionsBoundary]
    assert "copy" in caution


def test_a_trust_policy_and_a_resource_policy_get_the_caller() -> None:
    question = Question("sts:AssumeRole", iam("role/web-server"))
    made, _, _ = suggested(sample(), "user/carol", question, Layer.RESOURCE)
    assert isinstance(made[0], UpdateTrustPolicy)
    assert statements(made[0].document)[-1]["Principal"] == {"Service": "ec2.amazonaws.com", "AWS": iam("user/carol")}


def test_an_scp_that_does_not_allow_gets_company_at_its_level() -> None:
    only_s3 = PutOrganizationPolicy(SCP, OU, "only-s3", text(allow("s3:*")))
    workspace = with_edits(only_s3, DetachOrganizationPolicy(SCP, OU, "FullAWSAccess"))
    made, _, caution = suggested(workspace, "user/alice", Question("ec2:RunInstances"), Layer.SCP)
    (edit,) = made
    assert isinstance(edit, PutOrganizationPolicy)
    assert (edit.type, edit.level_id) == (SCP, OU)
    assert statements(edit.document)[0]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": iam("user/alice")}}
    assert not caution


def test_a_deny_that_others_share_gets_the_caller_as_an_exception() -> None:
    question = Question("s3:DeleteObject", f"{BUCKET}/x")
    made, _, caution = suggested(sample(), "role/web-server", question, Layer.IDENTITY)
    before = LAKE_READ.default_version
    assert before is not None
    (edit,) = made
    assert isinstance(edit, PutManagedPolicy)
    was = next(one for one in statements(before.document.text) if one.get("Sid") == "NoDelete")
    (now,) = (one for one in statements(edit.document) if one.get("Sid") == "NoDelete")
    assert now == {**was, "Condition": {"ArnNotEquals": {"aws:PrincipalArn": iam("role/web-server")}}}
    more = "with all that it is about: s3:Delete* on arn:aws:s3:::data-lake/* (more than was asked)"
    assert (
        caution
        == f"role/web-server is excepted from the Deny NoDelete (policy data-lake-read) {more}; others stay denied."
    )
    for name, denied in (("role/web-server", False), ("user/alice", True)):
        who = resolve_principal(sample(), name)
        decision = ask(with_edits(edit), who, question, now=NOW)
        assert (decision.outcome is Outcome.EXPLICIT_DENY) is denied, name


def test_an_exception_stands_beside_the_conditions_that_a_deny_has() -> None:
    elsewhere = {**deny("ec2:*"), "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}}
    workspace = with_edits(PutOrganizationPolicy(SCP, OU, "region", text(elsewhere)))
    question = Question("ec2:RunInstances", context={"aws:RequestedRegion": ("us-west-2",)})
    made, _, _ = suggested(workspace, "user/carol", question, Layer.SCP)
    (edit,) = made
    assert isinstance(edit, PutOrganizationPolicy)
    assert statements(edit.document)[0]["Condition"] == {
        "StringNotEquals": {"aws:RequestedRegion": "eu-west-1"},
        "ArnNotEquals": {"aws:PrincipalArn": iam("user/carol")},
    }


@pytest.mark.parametrize(
    ("condition", "key"),
    [
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}, "aws:MultiFactorAuthPresent"),
        ({"Bool": {"aws:SecureTransport": "false"}}, "aws:SecureTransport"),
        ({"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}, "s3:x-amz-server-side-encryption"),
    ],
)
def test_a_deny_that_the_request_could_avoid_is_left_and_nothing_else_is_excepted(
    condition: dict[str, dict[str, str]], key: str
) -> None:
    avoidable = {**deny("s3:DeleteObject"), "Condition": condition}
    scp = PutOrganizationPolicy(SCP, OU, "fence", text(deny("s3:DeleteObject")))
    workspace = with_edits(PutOrganizationPolicy(SCP, OU, "how", text(avoidable)), scp)
    question = Question("s3:DeleteObject", f"{OPEN_BUCKET}/x", {key: ("false",)})
    who = resolve_principal(workspace, "user/carol")
    made = with_fix(workspace, Draft(ID), who, as_matrix(question), now=NOW)
    (left,) = made.left
    assert f"its condition on {key} holds (here: false), so the request has to change" in left.sentence
    assert [type(edit) for edit in made.draft.edits] in ([], [PutInlinePolicy])
    assert made.cautions == ("As it stays denied, no Deny, boundary or organization policy was changed for it.",)


@pytest.mark.parametrize(
    ("caller", "question", "said"),
    [
        ("anonymous", Question("s3:GetObject", "arn:aws:s3:::puffin-tracking-site/i"), "an anonymous caller"),
        ("root", Question("s3:GetObject", "arn:aws:s3:::puffin-data-lake/x"), "the root user"),
    ],
)
def test_a_guard_of_the_organization_is_not_taken_away_for_one_without_an_arn(
    caller: str, question: Question, said: str
) -> None:
    who = resolve_principal(demo(), caller)
    made = with_fix(demo(), Draft(DEMO_ID), who, as_matrix(question), now=NOW)
    assert not made.draft.edits
    assert f"denies others too, and {said} cannot be excepted from it by an ARN, so it stays." in made.left[0].sentence


def test_of_a_call_that_needs_several_resources_each_is_allowed_by_itself() -> None:
    who = resolve_principal(demo(), "user/clara.moreau")
    launch = Question("ec2:RunInstances")
    before = as_matrix(launch)
    assert answer(demo(), who, before, now=NOW).worst.deciding.denied
    made = with_fix(demo(), Draft(DEMO_ID), who, before, now=NOW)
    assert not made.left
    after = answer(apply(demo(), made.draft).after, who, before, now=NOW)
    assert after.cells[0].decision.outcome is Outcome.DEPENDS


def test_a_statement_of_several_actions_that_others_share_is_not_widened() -> None:
    lake = "arn:aws:s3:::puffin-data-lake/x"
    who = resolve_principal(demo(), "user/ext.raj.patel")
    made = with_fix(demo(), Draft(DEMO_ID), who, as_matrix(Question("s3:GetObject", lake)), now=NOW)
    assert [type(edit) for edit in made.draft.edits] == [PutInlinePolicy, PutManagedPolicy]
    drafted = apply(demo(), made.draft)

    def gaining(action: str) -> list[str]:
        found = compare_everyone(drafted, Question(action, lake), now=NOW)
        return [comparison.principal.arn for comparison in found if comparison.effect is not Effect.SAME]

    assert gaining("s3:GetObject") == [who.arn]
    assert gaining("s3:PutObject") == []


def test_a_pattern_within_one_bucket_has_the_policy_of_the_bucket() -> None:
    question = Question("s3:DeleteObject", "arn:aws:s3:::puffin-data-lake/smoke-tests/*")
    who = resolve_principal(demo(), "role/analytics-lake-reader")
    made = with_fix(demo(), Draft(DEMO_ID), who, as_matrix(question), now=NOW)
    assert not made.left
    assert "arn:aws:s3:::puffin-data-lake" in [
        e.resource_arn for e in made.draft.edits if isinstance(e, PutResourcePolicy)
    ]
    assert "resource" in [place.kind for place in statement_places(demo(), who, question)]


def test_a_deny_that_concerns_nobody_else_is_taken_out_and_said_to_be_about_more() -> None:
    workspace = with_edits(PutInlinePolicy(iam("user/carol"), "own", text(allow("s3:*"), deny("ec2:*"))))
    made, _, caution = suggested(workspace, "user/carol", Question("ec2:RunInstances"), Layer.IDENTITY)
    (edit,) = made
    assert isinstance(edit, PutInlinePolicy)
    assert [statement["Effect"] for statement in statements(edit.document)] == ["Allow"]
    assert caution == "The Deny own / 2 is taken out with all that it is about: ec2:* on * (more than was asked)."
    exact = with_edits(PutInlinePolicy(iam("user/carol"), "own", text(allow("s3:*"), deny("ec2:RunInstances"))))
    _, _, caution = suggested(exact, "user/carol", Question("ec2:RunInstances"), Layer.IDENTITY)
    assert caution == ""
    several = with_edits(
        PutInlinePolicy(
            iam("user/carol"), "own", text({**deny("x"), "Action": ["ec2:RunInstances", "ec2:StopInstances"]})
        )
    )
    (edit,), _, caution = suggested(several, "user/carol", Question("ec2:RunInstances"), Layer.IDENTITY)
    assert isinstance(edit, PutInlinePolicy)
    assert [statement["Action"] for statement in statements(edit.document)] == ["ec2:StopInstances"]
    assert caution == "The Deny own / 1 no longer denies ec2:RunInstances on *."


def test_a_bucket_policy_that_denies_the_caller_alone_loses_the_statement() -> None:
    question = Question("s3:PutObject", f"{BUCKET}/x")
    alone = {**deny("s3:PutObject", f"{BUCKET}/*"), "Sid": "Alone", "Principal": {"AWS": iam("user/carol")}}
    both = {**alone, "Principal": {"AWS": [iam("user/carol"), iam("user/alice")]}, "Sid": "Both"}
    for statement, left in ((alone, []), (both, ["Both"])):
        reads = allow("s3:GetBucketAcl", BUCKET, Principal="*")
        workspace = with_edits(PutResourcePolicy(BUCKET, text(reads, statement)))
        made, _, caution = suggested(workspace, "user/carol", question, Layer.RESOURCE)
        (edit,) = made
        assert isinstance(edit, PutResourcePolicy)
        kept = [one["Sid"] for one in statements(edit.document) if one["Effect"] == "Deny"]
        assert kept == left
        assert ("others stay denied" in caution) is bool(left)
        assert f"s3:PutObject on {BUCKET}/* (more than was asked)" in caution


def test_a_caller_without_an_arn_of_its_own_is_no_exception() -> None:
    question = Question("s3:GetObject", f"{BUCKET}/x")
    everybody = {**deny("s3:GetObject", f"{BUCKET}/*"), "Sid": "Shut", "Principal": "*"}
    workspace = with_edits(PutResourcePolicy(BUCKET, text(allow("s3:*", f"{BUCKET}/*", Principal="*"), everybody)))
    with pytest.raises(
        NoEdit, match=r"Deny Shut .* denies others too, and cloudtrail.amazonaws.com cannot be excepted"
    ):
        suggested(workspace, "cloudtrail.amazonaws.com", question, Layer.RESOURCE)


CALL = Question("lambda:CreateFunction", f"arn:aws:lambda:us-east-1:{ID}:function:f")


def test_a_fix_allows_what_the_call_is_checked_for_besides() -> None:
    who = resolve_principal(sample(), "user/carol")
    role = iam("role/web-server")
    named = QuestionMatrix((CALL.action,), (CALL.resource,), CALL, with_checks={"iam:PassRole": (role,)})
    made = with_fix(sample(), Draft(ID), who, named, now=NOW)
    assert not made.left
    assert [edit.name for edit in made.draft.edits if isinstance(edit, PutInlinePolicy)] == [
        "allow-lambda-CreateFunction",
        "allow-iam-PassRole",
    ]
    found = answer(apply(sample(), made.draft).after, who, named, now=NOW)
    assert found is not None
    assert found.worst.deciding.outcome is Outcome.ALLOWED
    assert with_fix(sample(), made.draft, who, named, now=NOW).draft == made.draft


def test_a_user_who_may_assume_another_role_may_then_assume_this_one_too() -> None:
    # An Allow of the user's own needs a Resource, which one of a trust policy must not have.
    who = resolve_principal(demo(), "user/svc-terraform")
    asked = Question("sts:AssumeRole", f"arn:aws:iam::{DEMO_ID}:role/service-role/vpc-flow-logs")
    made = with_fix(demo(), Draft(DEMO_ID), who, as_matrix(asked), now=NOW)
    assert not made.left
    assert ask(apply(demo(), made.draft).after, who, asked, now=NOW).outcome in (Outcome.ALLOWED, Outcome.DEPENDS)


def test_a_fix_never_lets_every_role_be_passed() -> None:
    who = resolve_principal(sample(), "user/carol")
    made = with_fix(sample(), Draft(ID), who, QuestionMatrix((CALL.action,), (CALL.resource,), CALL), now=NOW)
    (edit,) = made.draft.edits
    assert isinstance(edit, PutInlinePolicy)
    assert "PassRole" not in edit.document
    (left,) = made.left
    assert "iam:PassRole is denied too" in left.sentence


def test_a_fix_lets_the_role_that_a_session_is_chained_from_assume_the_asking_one() -> None:
    asked = Question("s3:GetObject", f"{BUCKET}/x")
    question_matrix = QuestionMatrix((asked.action,), (asked.resource,), asked, chained_from=iam("role/deploy-prod"))
    who = resolve_principal(sample(), "role/web-server")
    made = with_fix(sample(), Draft(ID), who, question_matrix, now=NOW)
    assert UpdateTrustPolicy in [type(edit) for edit in made.draft.edits]
    found = answer(apply(sample(), made.draft).after, who, question_matrix, now=NOW)
    assert found is not None
    assert found.chain is not None
    assert found.chain.decision.outcome is Outcome.ALLOWED


def test_one_cell_keeps_only_what_is_named_of_its_own_call() -> None:
    terms = Question("", "*")
    both = QuestionMatrix(("lambda:CreateFunction", "s3:PutObject"), ("*",), terms, with_checks={"iam:PassRole": ()})
    first, second = both.questions()
    assert one_cell(both, first).with_checks == {"iam:PassRole": ()}
    assert one_cell(both, second).with_checks == {}


def test_the_only_statement_gone_takes_the_policy_with_it() -> None:
    workspace = with_edits(PutInlinePolicy(iam("user/alice"), "no", text(deny("ec2:*"))))
    made, _, _ = suggested(workspace, "user/alice", Question("ec2:RunInstances"), Layer.IDENTITY)
    assert made == (DeleteInlinePolicy(iam("user/alice"), "no"),)


def test_a_deny_of_aws_is_detached() -> None:
    drafted = apply(sample(), Draft(ID, edits=(AttachPolicy(iam("group/admins"), "AWSDenyAll"),)))
    made, _, caution = suggested(drafted.after, "user/alice", Question("ec2:RunInstances"), Layer.IDENTITY)
    assert made == (DetachPolicy(iam("group/admins"), "arn:aws:iam::aws:policy/AWSDenyAll"),)
    assert "group/admins" in caution


def test_a_deny_of_aws_stays_attached_to_a_group_with_others() -> None:
    joined = AddUserToGroup(iam("user/carol"), iam("group/admins"))
    drafted = apply(sample(), Draft(ID, edits=(AttachPolicy(iam("group/admins"), "AWSDenyAll"), joined)))
    with pytest.raises(NoEdit, match="all of group/admins, so it stays attached"):
        suggested(drafted.after, "user/alice", Question("ec2:RunInstances"), Layer.IDENTITY)


def test_a_session_policy_belongs_to_the_question() -> None:
    question = Question("s3:GetObject", f"{BUCKET}/x", session_policies=(text(allow("ec2:*")),))
    with pytest.raises(NoEdit, match="belongs to the question"):
        suggested(sample(), "user/alice", question, Layer.SESSION)


def test_a_caller_of_another_account_is_let_in_here_and_its_own_side_left_to_its_account() -> None:
    question = Question("s3:GetObject", f"{BUCKET}/x")
    stranger = "arn:aws:iam::555566667777:user/x"
    made, _, _ = suggested(sample(), stranger, question, Layer.RESOURCE)
    assert isinstance(made[0], PutResourcePolicy)
    who = resolve_principal(sample(), stranger)
    places = statement_places(sample(), who, question)
    assert [place.kind for place in places] == ["resource"]


def test_a_policy_that_is_not_loaded_is_never_written_over() -> None:
    workspace = sample()
    question = Question("s3:GetObject", "arn:aws:s3:::not-asked-about/x")
    who = resolve_principal(workspace, "user/carol")
    assert all(place.kind != "resource" for place in statement_places(workspace, who, question))


def test_a_suggestion_that_is_about_something_else_is_refused() -> None:
    who = resolve_principal(sample(), "user/carol")
    with pytest.raises(NoEdit, match="not about this question"):
        edits_for_suggestion(
            sample(), who, Question("ec2:RunInstances"), Suggestion(Layer.IDENTITY, "", "Something else."), now=NOW
        )


def _place(places: tuple[DocumentPlace, ...], kind: str) -> DocumentPlace:
    return next(place for place in places if place.kind == kind)


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize("kind", ["inline", "managed", "resource"])
def test_a_statement_from_the_question_decides_it(effect: str, kind: str) -> None:
    question = Question("s3:PutObject", f"{BUCKET}/x")
    who = resolve_principal(sample(), "role/web-server")
    place = _place(statement_places(sample(), who, question), kind)
    edit = place.adding(statement_from_question(who, question, effect, place))
    decision = ask(apply(sample(), Draft(ID, edits=(edit,))).after, who, question, now=NOW)
    assert decision.outcome is (Outcome.ALLOWED if effect == "Allow" else Outcome.EXPLICIT_DENY)


def test_the_places_come_narrowest_first_and_leave_out_what_aws_owns() -> None:
    who = resolve_principal(sample(), "user/alice")
    places = statement_places(sample(), who, Question("s3:PutObject", f"{BUCKET}/x"))
    assert [(place.kind, place.title) for place in places] == [
        ("inline", "a new inline policy allow-s3-PutObject of user/alice"),
        ("inline", "inline policy query-athena of group/analysts"),
        ("managed", "policy data-lake-read"),
        ("resource", f"policy of {BUCKET}"),
    ]
    assert ADMIN_ARN not in [place.owner for place in places]
    assert [place.others for place in places] == [0, 2, 3, 0]


def test_adding_a_statement_twice_changes_nothing_more() -> None:
    question = Question("s3:PutObject", f"{BUCKET}/x")
    who = resolve_principal(sample(), "role/web-server")
    place = _place(statement_places(sample(), who, question), "managed")
    statement = statement_from_question(who, question, "Allow", place)
    edit = place.adding(statement)
    after = apply(sample(), Draft(ID, edits=(edit,))).after
    again = _place(statement_places(after, who, question), "managed")
    assert again.adding(statement) == edit
