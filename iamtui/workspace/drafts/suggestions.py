"""From what the engine suggests, or from a question, to edits of a draft.

They give the caller the one action on the one resource and nobody anything else: a statement of its own, in a policy
of its own where there can be one, else with the caller as its principal or in its condition. A statement that allows
more, or that others share, is not widened.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from iamtui.account.drafts.draft import PutManagedPolicy, PutPermissionsBoundary
from iamtui.account.drafts.words import SCP, entity_name, policy_name
from iamtui.analysis.question import Question
from iamtui.evaluation.decision import Layer
from iamtui.evaluation.explanation import explain
from iamtui.evaluation.request import Principal, PrincipalKind
from iamtui.evaluation.suggestions import Suggestion
from iamtui.evaluation.trace import TracedElement, TracedStatement
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.workspace.drafts.case import (
    Case,
    NoEdit,
    SuggestedEdits,
    level_id_of,
    own_arn,
    place_of,
    prepared_question,
    resource_place_of,
)
from iamtui.workspace.drafts.denies import without_deny
from iamtui.workspace.drafts.documents import (
    holders_of,
    inline_place,
    managed_place,
    organization_place,
    policy_label,
    statement_at,
    with_principal,
    with_statement,
)
from iamtui.workspace.questions.asking import ask_and_trace
from iamtui.workspace.workspace import Workspace


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
        workspace: what the suggestion is about: with a draft open `Drafted.after`, so that the edits build on it.

    Raises:
        NoEdit: a draft cannot make this change; says why and what can be done instead.
        Problem: the question cannot be asked.
    """
    if suggestion.layer is Layer.BLOCK_PUBLIC_ACCESS:
        raise NoEdit(
            "S3 Block Public Access is a setting of the bucket or the account, which a draft does not change.",
            "Narrow the public statements of the bucket policy in the draft.",
        )
    decision, traced, _ = ask_and_trace(workspace, principal, question, now=now)
    prepared = prepared_question(principal, question)
    for reason in decision.reasons:
        alone = explain(replace(decision, reasons=(reason,)), traced)
        if suggestion in alone.suggestions:
            case = Case(workspace.account, principal, decision, traced, reason, prepared)
            return _edits(case, suggestion)
    raise NoEdit("The suggestion is not about this question as it stands now.", "Ask again.")


def _edits(case: Case, suggestion: Suggestion) -> SuggestedEdits:
    if suggestion.layer is Layer.SESSION:
        raise NoEdit(
            "The session policy belongs to the question, and a draft does not change it.",
            "Change or drop the session policy where the question is asked.",
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


def _adding(case: Case, statement: dict[str, Any]) -> SuggestedEdits:
    """Add the statement where the layer that is silent would read it, for the caller alone."""
    layer = case.reason.layer
    name = policy_label(case.decision.request.action)
    if layer is Layer.IDENTITY:
        place = inline_place(case.account, case.entity, name)
        return SuggestedEdits((place.put(with_statement(place.document, statement)),))
    if layer is Layer.RESOURCE:
        place = resource_place_of(case)
        edit = place.put(with_statement(place.document, statement))
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
        return SuggestedEdits((place.put(with_statement(place.document, statement)),), caution, past_guard=True)
    raise NoEdit("A draft can add no statement to this layer.")


def _for_the_caller_alone(case: Case, statement: dict[str, Any]) -> dict[str, Any]:
    """The statement with a condition that only the caller meets; as it is for one without an ARN of its own."""
    who = own_arn(case.principal)
    if not who:
        return statement
    conditions = {operator: dict(tests) for operator, tests in statement.get("Condition", {}).items()}
    conditions["ArnEquals"] = {**conditions.get("ArnEquals", {}), "aws:PrincipalArn": who}
    return {**statement, "Condition": conditions}


def _adding_to_boundary(case: Case, statement: dict[str, Any]) -> SuggestedEdits:
    entity, account = case.entity, case.account
    arn = entity.boundary_arn
    if arn is None:
        raise NoEdit(f"{safe_text(entity_name(entity.arn))} has no permissions boundary.")
    policy = account.policy(arn)
    version = policy.default_version if policy is not None else None
    if policy is None or version is None:
        raise NoEdit(f"The document of the boundary {safe_text(policy_name(arn))} is not loaded.")
    if not policy.aws_managed:
        place, caution = managed_place(account, arn), ""
        if place.others:
            statement = _for_the_caller_alone(case, statement)
            caution = "" if "Condition" in statement else _gained_by_others(case, arn)
        return SuggestedEdits((place.put(with_statement(version.document, statement)),), caution, past_guard=True)
    own = f"arn:{account.partition}:iam::{account.id}:policy/{policy.name[:100]}-extended"
    present = account.policy(own)
    document = version.document
    if present is not None and present.default_version is not None:
        document = present.default_version.document
        statement = _for_the_caller_alone(case, statement)
    return SuggestedEdits(
        (PutManagedPolicy(own, with_statement(document, statement)), PutPermissionsBoundary(entity.arn, own)),
        f"{safe_text(policy.name)} is AWS's own policy: a copy with the statement takes its place as the boundary.",
        past_guard=True,
    )


def _gained_by_others(case: Case, policy: str) -> str:
    names = [safe_text(entity_name(arn)) for arn in holders_of(case.account, policy) if arn != case.entity.arn]
    who = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"{safe_text(policy_name(policy))} lets {safe_text(case.decision.request.action)} pass for {who} too."


def _widening(case: Case, suggestion: Suggestion) -> SuggestedEdits:
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
        kind, name = _principal_entry(case.principal)
        exact = _as_list(model.get("Action")) == [case.decision.request.action] and (
            case.prepared.trust or _as_list(model.get("Resource")) == [case.prepared.resource.text]
        )
        if element.element == "Principal" and exact and name != "*":
            text = with_principal(place.document, statement.statement, kind, name)
            return SuggestedEdits((place.put(text),))
    except NoEdit:
        raise
    except Problem as problem:
        raise NoEdit(problem.sentence, problem.next_step) from None
    return _adding(case, _narrowed(case, model))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _narrowed(case: Case, model: dict[str, Any]) -> dict[str, Any]:
    """A statement that gives the caller only what is asked, on the conditions of one that gives more."""
    statement: dict[str, Any] = {"Effect": "Allow"}
    if case.reason.layer is Layer.RESOURCE:
        kind, name = _principal_entry(case.principal)
        statement["Principal"] = "*" if name == "*" else {kind: name}
    statement["Action"] = case.decision.request.action
    if not case.prepared.trust:
        statement["Resource"] = case.prepared.resource.text
    if "Condition" in model:
        statement["Condition"] = model["Condition"]
    return statement


_RANKS: Final = {"Condition": 0, "Resource": 1, "Principal": 2}


def _near_miss(case: Case, policy: str) -> tuple[TracedStatement, TracedElement] | None:
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


_PRINCIPAL_KINDS: Final = {
    PrincipalKind.SERVICE: "Service",
    PrincipalKind.IDENTITY_PROVIDER: "Federated",
    PrincipalKind.CANONICAL_USER: "CanonicalUser",
}


def _principal_entry(principal: Principal) -> tuple[str, str]:
    return _PRINCIPAL_KINDS.get(principal.kind, "AWS"), principal.role_arn or principal.arn or "*"
