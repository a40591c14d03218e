"""A draft with whatever allows a denied question: the action itself, what its call is checked for besides, the chain.

Everything that decides the answer is fixed, for an action that is allowed while the role it passes is not stays a
denied call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from iamtui.catalog.actions import catalogue
from iamtui.drafts.aws_values import SCP, entity_name, policy_name
from iamtui.drafts.draft import Draft
from iamtui.drafts.edits.policies import PutManagedPolicy
from iamtui.drafts.edits.principals import PutPermissionsBoundary
from iamtui.engine.condition_words import LAYER_NAMES
from iamtui.engine.decision import Layer, Outcome
from iamtui.engine.request import Principal
from iamtui.engine.words.explanation import Suggestion, explain
from iamtui.engine.words.trace import TracedElement, TracedStatement
from iamtui.policy.document import as_list
from iamtui.policy.patterns import is_pattern
from iamtui.problem import Problem
from iamtui.questions.answers import Answer, Cell
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.text import first_names, safe_text
from iamtui.workspace.ask.answers import BulkMatrixEvaluator
from iamtui.workspace.ask.dependent_questions import AuthorizedCall
from iamtui.workspace.ask.questions import ask_and_trace, check_action
from iamtui.workspace.change.denied_question import (
    DeniedQuestion,
    NoEdit,
    SuggestedEdits,
    level_id_of,
    own_arn,
    place_of,
    prepared_question,
    principal_entry,
    resource_place_of,
)
from iamtui.workspace.change.draft_denies import without_deny
from iamtui.workspace.change.draft_documents import (
    holders_of,
    inline_place,
    managed_place,
    organization_place,
    policy_label,
    statement_at,
    with_principal,
    with_statement,
)
from iamtui.workspace.change.draft_session import apply
from iamtui.workspace.source.workspace import Workspace

# From what the engine suggests, or from a question, to edits of a draft.


def edits_for_suggestion(
    workspace: Workspace,
    principal: Principal,
    question: Question,
    suggestion: Suggestion,
    *,
    now: datetime | None = None,
) -> SuggestedEdits:
    """The edits that do what the engine suggests about a denied question.

    Args:
        workspace: what the suggestion is about: with a draft open `DraftedAccount.after`: edits build on it.

    Raises:
        NoEdit: a draft cannot make this change; says why and what can be done instead.
        Problem: the question cannot be asked.
    """
    if suggestion.layer is Layer.BLOCK_PUBLIC_ACCESS:
        raise NoEdit(
            "S3 Block Public Access is a setting of the bucket, the account or (an S3 policy) the organization, "
            "which a draft does not change.",
            "Narrow the public statements of the bucket policy in the draft.",
        )
    decision, traced, _ = ask_and_trace(workspace, principal, question, now=now)
    prepared = prepared_question(principal, question)
    for reason in decision.reasons:
        alone = explain(decision.with_parts(reasons=(reason,)), traced)
        if suggestion in alone.suggestions:
            case = DeniedQuestion(workspace.account, principal, decision, traced, reason, prepared)
            if suggestion.layer in (Layer.SESSION, Layer.SCOPE_DOWN):
                what = LAYER_NAMES[suggestion.layer].noun
                raise NoEdit(
                    f"The {what} belongs to the question, and a draft does not change it.",
                    f"Change or drop the {what} where the question is asked.",
                )
            if suggestion.layer in (Layer.VPC_ENDPOINT, Layer.SERVICE_RULE):
                raise NoEdit(f"A draft does not change this layer: {suggestion.layer.value.replace('_', ' ')}.")
            if case.reason.kind == "explicit" and suggestion.policy:
                return without_deny(case, suggestion)
            if not suggestion.policy and suggestion.statement is None:
                raise NoEdit(f"No policy of this account can be changed for it. {suggestion.change}")
            if suggestion.statement is not None:
                return _adding(case, suggestion.statement)
            return _widening(case, suggestion)
    raise NoEdit("The suggestion is not about this question as it stands now.", "Ask again.")


def _adding(case: DeniedQuestion, statement: dict[str, Any]) -> SuggestedEdits:
    """Add the statement where the layer that is silent would read it, for the caller alone."""
    layer = case.reason.layer
    name = policy_label(case.decision.request.action)
    if layer is Layer.IDENTITY:
        place = inline_place(case.account, case.entity, name)
        return SuggestedEdits((place.adding(statement),))
    if layer is Layer.RESOURCE:
        place = resource_place_of(case)
        edit = place.adding(statement)
        if statement.get("Principal") != "*":
            return SuggestedEdits((edit,))
        what = safe_text(case.decision.request.action, limit=128)
        return SuggestedEdits((edit,), f"Everybody in the world gains {what} by it.", past_guard=True)
    if layer is Layer.BOUNDARY:
        return _adding_to_boundary(case, statement)
    if layer is Layer.SCP:
        place = organization_place(case.account, SCP, level_id_of(case), name)
        statement, caution = _for_the_caller_alone(case, statement), ""
        if "Condition" not in statement:
            caution = "It applies to every account below that level."
        return SuggestedEdits((place.adding(statement),), caution, past_guard=True)
    raise NoEdit("A draft can add no statement to this layer.")


def _for_the_caller_alone(case: DeniedQuestion, statement: dict[str, Any]) -> dict[str, Any]:
    """The statement with a condition that only the caller meets; as it is for one without an ARN of its own."""
    who = own_arn(case.principal)
    if not who:
        return statement
    conditions = {operator: dict(tests) for operator, tests in statement.get("Condition", {}).items()}
    conditions["ArnEquals"] = {**conditions.get("ArnEquals", {}), "aws:PrincipalArn": who}
    return {**statement, "Condition": conditions}


def _adding_to_boundary(case: DeniedQuestion, statement: dict[str, Any]) -> SuggestedEdits:
    entity, account = case.entity, case.account
    arn = entity.boundary_arn
    if arn is None:
        raise NoEdit(f"{safe_text(entity_name(entity.arn))} has no permissions boundary.")
    policy = account.policy(arn)
    document = policy.document if policy is not None else None
    if policy is None or document is None:
        raise NoEdit(f"The document of the boundary {safe_text(policy_name(arn))} is not loaded.")
    if not policy.aws_managed:
        place, caution = managed_place(account, arn), ""
        if place.others:
            statement = _for_the_caller_alone(case, statement)
            caution = "" if "Condition" in statement else _gained_by_others(case, arn)
        return SuggestedEdits((place.adding(statement),), caution, past_guard=True)
    own = f"arn:{account.partition}:iam::{account.id}:policy/{policy.name[:100]}-extended"
    present = account.document(own)
    if present is not None:
        document = present
        statement = _for_the_caller_alone(case, statement)
    return SuggestedEdits(
        (PutManagedPolicy(own, with_statement(document, statement)), PutPermissionsBoundary(entity.arn, own)),
        f"{safe_text(policy.name)} is AWS's own policy: a copy with the statement takes its place as the boundary.",
        past_guard=True,
    )


def _gained_by_others(case: DeniedQuestion, policy: str) -> str:
    who = first_names((entity_name(arn) for arn in holders_of(case.account, policy) if arn != case.entity.arn), 5)
    return f"{safe_text(policy_name(policy))} lets {safe_text(case.decision.request.action)} pass for {who} too."


def _widening(case: DeniedQuestion, suggestion: Suggestion) -> SuggestedEdits:
    """Let the caller have what an Allow fails to give by one element only, and nothing else of it."""
    found = _near_miss(case, suggestion.policy)
    if found is None:
        raise NoEdit("The suggestion names no statement that a draft could change.", "Add a statement instead.")
    statement, element = found
    if element.element == "Condition":
        raise NoEdit(
            f"{safe_text(policy_name(suggestion.policy))} would allow this if its condition held, so the request has "
            "to change, not the policy.",
            "Meet the condition, or add a statement without it.",
        )
    try:
        place = place_of(case, suggestion.policy)
        assert place.document is not None
        model = statement_at(place.document, statement.statement)
        kind, name = principal_entry(case.principal)
        exact = as_list(model.get("Action")) == [case.decision.request.action] and (
            case.prepared.trust or as_list(model.get("Resource")) == [case.prepared.resource.text]
        )
        if element.element == "Principal" and exact and name != "*":
            text = with_principal(place.document, statement.statement, kind, name)
            return SuggestedEdits((place.put(text),))
    except NoEdit:
        raise
    except Problem as problem:
        raise NoEdit(problem.sentence, problem.next_step) from None
    return _adding(case, _narrowed(case, model))


def _narrowed(case: DeniedQuestion, model: dict[str, Any]) -> dict[str, Any]:
    """A statement for just the question, on the conditions of one that gives more."""
    statement: dict[str, Any] = {"Effect": "Allow"}
    of_resource = case.reason.layer is Layer.RESOURCE
    if of_resource:
        kind, name = principal_entry(case.principal)
        statement["Principal"] = "*" if name == "*" else {kind: name}
    statement["Action"] = case.decision.request.action
    if not (of_resource and case.prepared.trust):
        statement["Resource"] = case.prepared.resource.text
    if "Condition" in model:
        statement["Condition"] = model["Condition"]
    return statement


_RANKS: Final = {"Condition": 0, "Resource": 1, "Principal": 2}


def _near_miss(case: DeniedQuestion, policy: str) -> tuple[TracedStatement, TracedElement] | None:
    """The Allow of this policy that fails by one element only, conditions first, as suggestions are made."""
    found = [
        (_RANKS[statement.failing[0].element], statement, statement.failing[0])
        for layer in case.traced
        if layer.layer is case.reason.layer and (case.reason.level is None or layer.level == case.reason.level)
        for statement in layer.statements
        if statement.policy == policy
        and statement.effect == "Allow"
        and len(statement.failing) == 1
        and statement.failing[0].element in _RANKS
    ]
    if not found:
        return None
    _, statement, element = min(found, key=lambda entry: entry[0])
    return statement, element


_MOST_ROUNDS: Final = 32

_NOT_FOR_ALL: Final = ("iam:passrole", "kms:")
"""Beginnings of companions that are to be allowed on what the call names only, never on all that there is."""


@dataclass(frozen=True, slots=True)
class SuggestedDraft:
    """A draft with everything that the engine suggests.

    Args:
        left: why the suggestions that are left could not be taken; empty when the question is no longer denied.
        cautions: what else the edits do, one sentence each, safe to show.
    """

    draft: Draft
    left: tuple[NoEdit, ...] = ()
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Tried:
    """A draft with edits, and whether some of them let the caller past what limits others too."""

    made: SuggestedDraft
    past_guard: bool


_SPARED: Final = "As it stays denied, no Deny, boundary or organization policy was changed for it."


def _suggested(
    workspace: Workspace,
    draft: Draft,
    principal: Principal,
    question: Question,
    now: datetime | None,
    *,
    past_guards: bool,
) -> _Tried:
    left: tuple[NoEdit, ...] = ()
    cautions: dict[str, None] = {}
    past_guard = False
    for _ in range(_MOST_ROUNDS):
        drafted = apply(workspace, draft)
        drafted.check()
        decision, _traced, explanation = ask_and_trace(drafted.after, principal, question, now=now)
        left = ()
        if decision.outcome in (Outcome.ALLOWED, Outcome.DEPENDS):
            break
        for suggestion in explanation.suggestions:
            try:
                made = edits_for_suggestion(drafted.after, principal, question, suggestion, now=now)
            except NoEdit as why:
                left += (why,)
                continue
            if made.past_guard and not past_guards:
                continue
            if all(edit in draft.edits for edit in made.edits):
                left += (
                    NoEdit(f"The suggested change is already in the draft and does not help: {suggestion.change}"),
                )
                continue
            draft = Draft(draft.account_id, draft.name, (*draft.edits, *made.edits))
            cautions |= {made.caution: None} if made.caution else {}
            past_guard = past_guard or made.past_guard
            break
        else:
            left = left or (NoEdit(f"Nothing that a draft can change would allow it. {explanation.paragraph}"),)
            break
    return _Tried(SuggestedDraft(draft, left, tuple(cautions)), past_guard)


def one_cell(question_matrix: QuestionMatrix, question: Question) -> QuestionMatrix:
    """The question matrix about one of its cells alone, with the companions that are named and belong to that call."""
    known = {check.action.lower() for check in AuthorizedCall.of(question.action).checks}
    named = {action: on for action, on in question_matrix.with_checks.items() if action.lower() in known}
    return QuestionMatrix((question.action,), (question.resource,), question, question_matrix.chained_from, named)


def with_fix(
    workspace: Workspace,
    draft: Draft,
    principal: Principal,
    question_matrix: QuestionMatrix,
    *,
    now: datetime | None = None,
) -> SuggestedDraft:
    """The draft with everything suggested for whatever is denied of what decides a question matrix.

    One suggestion is taken at a time and the question asked again, for an edit can bring up another obstacle, and
    two edits of one document would undo each other. Where it stays denied whatever a draft does, no edit is made that
    lets the caller past what limits others too: it would weaken that for nothing.

    Args:
        question_matrix: about actions that are written out; of a pattern each would get an edit of its own.

    Raises:
        DraftProblem: the draft given does not fit the account.
        Problem: the question matrix cannot be asked, has a pattern for an action, or is about a resource
            that its action does not work on.
    """
    for action in question_matrix.actions:
        check_action(action)

    everything = _fixed(workspace, draft, principal, question_matrix, now, past_guards=True)
    if not (everything.made.left and everything.past_guard):
        return everything.made
    spared = _fixed(workspace, draft, principal, question_matrix, now, past_guards=False).made
    return SuggestedDraft(spared.draft, everything.made.left, (*spared.cautions, _SPARED))


def _fixed(
    workspace: Workspace,
    draft: Draft,
    principal: Principal,
    question_matrix: QuestionMatrix,
    now: datetime | None,
    *,
    past_guards: bool,
) -> _Tried:
    past_guard = False
    left: list[NoEdit] = []
    cautions: dict[str, None] = {}
    tried: set[tuple[str, str, str]] = set()
    while True:
        drafted = apply(workspace, draft)
        drafted.check()
        answer = BulkMatrixEvaluator(drafted.after, question_matrix, now=now).answer(principal, only_deciding=True)
        assert answer is not None, "nothing cancels it"
        cautions |= dict.fromkeys(_unknown_actions(answer))
        part = next((part for part in _denied(answer) if part.key not in tried), None)
        if part is None:
            return _Tried(SuggestedDraft(draft, tuple(left), tuple(cautions)), past_guard)
        tried.add(part.key)
        if part.unnamed:
            left.append(part.to_be_named())
            continue
        found = _suggested(workspace, draft, part.principal, part.question, now, past_guards=past_guards)
        made, past_guard = found.made, past_guard or found.past_guard
        draft = made.draft
        left += made.left
        cautions |= dict.fromkeys(made.cautions)


def _unknown_actions(answer: Answer) -> Iterator[str]:
    """Notes on actions that the catalogue does not know: they may be new ones of AWS.

    Raises:
        Problem: a known action is asked about on a resource that it is never authorized on.
    """
    for cell in _fitting(answer):
        if cell.never_asked and catalogue().knows(cell.question.action):
            raise Problem(cell.never_asked, "Ask about a resource of the action: no policy would help with this one.")
        if cell.never_asked:
            yield cell.never_asked


def _fitting(answer: Answer) -> tuple[Cell, ...]:
    """Cells to fix: an action that the catalogue does not know may be a new one."""
    return tuple(cell for cell in answer.cells if cell.fits) or answer.cells


@dataclass(frozen=True, slots=True)
class _DeniedPart:
    """One denied request of those that decide an answer."""

    principal: Principal
    question: Question
    companion: bool

    @property
    def key(self) -> tuple[str, str, str]:
        return self.principal.arn, self.question.action.lower(), self.question.resource

    @property
    def unnamed(self) -> bool:
        """True for a companion on all resources, where only those that the call names should be allowed."""
        pattern = is_pattern(self.question.resource)
        return self.companion and pattern and self.question.action.lower().startswith(_NOT_FOR_ALL)

    def to_be_named(self) -> NoEdit:
        action = safe_text(self.question.action)
        return NoEdit(
            f"{action} is denied too, and is best allowed only on what the call names.",
            f"Say on which: F2 on the screen, --with {action}=RESOURCE on the command line.",
        )


def _denied(answer: Answer) -> Iterator[_DeniedPart]:
    """Denied parts of all that decides, the chain first: without it there is no session that could call."""
    if answer.chain is not None and answer.chain.decision.denied:
        yield _DeniedPart(answer.chain.decision.request.principal, answer.chain.question, companion=False)
    for cell in _fitting(answer):
        denied = [
            _DeniedPart(answer.principal, one.question, companion=True)
            for one in cell.companions
            if one.decides and one.decision.denied
        ]
        # What is said of one of the resources that the call needs at once is narrower than what is said of all.
        of_the_action = [part for part in denied if part.question.action.lower() == cell.question.action.lower()]
        yield from of_the_action
        if cell.decision.denied:
            yield _DeniedPart(answer.principal, cell.question, companion=False)
        yield from (part for part in denied if part not in of_the_action)
