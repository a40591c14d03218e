"""From what the engine suggests, or from a question, to edits of a draft."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from iamtui.account.availability import Missing
from iamtui.account.draft import DetachPolicy, Draft, Edit, PutManagedPolicy, PutPermissionsBoundary
from iamtui.account.draft_words import RCP, SCP, entity_name, policy_name
from iamtui.account.model import Account, Group, Role, User
from iamtui.analysis.policies_in_force import entity_behind, resource_policy_arn
from iamtui.analysis.question import Question
from iamtui.catalog.engine_facts import ENGINE_CATALOGUE
from iamtui.evaluation.caller import partition_of
from iamtui.evaluation.decision import Decision, Layer, Outcome, Reason, StatementRef
from iamtui.evaluation.explanation import Suggestion, explain, name_of
from iamtui.evaluation.prepared import PreparedAction, prepare
from iamtui.evaluation.request import Principal, PrincipalKind
from iamtui.evaluation.trace import TracedElement, TracedLayer, TracedStatement
from iamtui.policy.resource import ResourceKind
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.workspace.asking import ask_and_trace
from iamtui.workspace.draft_documents import (
    Place,
    identity_places,
    inline_place,
    managed_place,
    organization_place,
    policy_label,
    resource_place,
    trust_place,
    with_condition_value,
    with_principal,
    with_resource,
    with_statement,
    without_statements,
)
from iamtui.workspace.drafting import lay
from iamtui.workspace.workspace import Workspace

_MOST_ROUNDS: Final = 32


@dataclass(frozen=True, slots=True)
class SuggestedEdits:
    """A suggestion of the engine as edits.

    Args:
        edits: what to add to the draft, in this order.
        caution: what else the edits do, one sentence, safe to show, or "".
    """

    edits: tuple[Edit, ...]
    caution: str = ""


class NoEdit(Problem):
    """A suggestion is about something that a draft cannot, or should not, change; the sentence says what."""


@dataclass(frozen=True, slots=True)
class _Case:
    """A denied question with everything that its suggestions are about."""

    account: Account
    principal: Principal
    decision: Decision
    traced: tuple[TracedLayer, ...]
    reason: Reason
    prepared: PreparedAction

    @property
    def entity(self) -> User | Role:
        """The user or role whose policies the caller has.

        Raises:
            NoEdit: it is not one of this account, or only AWS changes it.
        """
        entity = entity_behind(self.account, self.principal)
        if entity is None:
            who = safe_text(self.principal.arn or "An anonymous caller", limit=512)
            raise NoEdit(
                f"{who} is no user or role of account {self.account.id}, so a draft cannot change its policies."
            )
        if isinstance(entity, Role) and entity.service_linked:
            raise NoEdit(
                f"{safe_text(entity_name(entity.arn))} is a service-linked role, whose policies only its AWS service "
                "changes."
            )
        return entity


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
    decision, traced, _ = ask_and_trace(workspace, principal, question, now=now)
    prepared = _prepared(principal, question)
    for reason in decision.reasons:
        alone = explain(replace(decision, reasons=(reason,)), traced)
        if suggestion in alone.suggestions:
            case = _Case(workspace.account, principal, decision, traced, reason, prepared)
            return _edits(case, suggestion)
    if suggestion.layer is Layer.BLOCK_PUBLIC_ACCESS:
        raise NoEdit(
            "S3 Block Public Access is a setting of the bucket or the account, which a draft does not change.",
            "Narrow the public statements of the bucket policy in the draft.",
        )
    raise NoEdit("The suggestion is not about this question as it stands now.", "Ask again.")


def _prepared(principal: Principal, question: Question) -> PreparedAction:
    return prepare(
        question.action, question.resource, None, partition_of(principal), principal.account or "", ENGINE_CATALOGUE
    )


def _edits(case: _Case, suggestion: Suggestion) -> SuggestedEdits:
    if suggestion.layer is Layer.SESSION:
        raise NoEdit(
            "The session policy belongs to the question, and a draft does not change it.",
            "Change or drop the session policy where the question is asked.",
        )
    if suggestion.layer in (Layer.VPC_ENDPOINT, Layer.BLOCK_PUBLIC_ACCESS, Layer.SERVICE_RULE):
        raise NoEdit(f"A draft does not change this layer: {suggestion.layer.value.replace('_', ' ')}.")
    if case.reason.kind == "explicit":
        return _without_deny(case, suggestion)
    if suggestion.statement is not None:
        return _adding(case, suggestion.statement)
    return _widening(case, suggestion)


def _without_deny(case: _Case, suggestion: Suggestion) -> SuggestedEdits:
    """Take away the statement that denies."""
    refs = [ref for ref in case.reason.statements if ref.policy == suggestion.policy]
    named = [ref for ref in refs if name_of(ref) in suggestion.change] or refs
    try:
        place = _place_of(case, suggestion.policy)
    except NoEdit:
        raise
    except Problem as problem:
        detached = tuple(_detaching(case, suggestion.policy))
        if not detached:
            raise NoEdit(problem.sentence, problem.next_step) from None
        who = " and ".join(safe_text(entity_name(edit.holder_arn)) for edit in detached)
        return SuggestedEdits(detached, f"{safe_text(policy_name(suggestion.policy))} no longer applies to {who}.")
    assert place.document is not None
    return _exempting(case, place, named) or _removing(place, named)


_EXCEPTIONS: Final = frozenset(
    f"{name}{suffix}"
    for name in ("stringnotequals", "stringnotequalsignorecase", "stringnotlike", "arnnotequals", "arnnotlike")
    for suffix in ("", "ifexists")
)
"""Operators with which a Deny lists whom it does not deny."""


def _exempting(case: _Case, place: Place, refs: list[StatementRef]) -> SuggestedEdits | None:
    """Add the caller to the principals that a Deny excepts; None when it excepts none by their ARN."""
    who = case.principal.role_arn or case.principal.arn
    if len(refs) != 1 or place.document is None or not who:
        return None
    statement = next(
        (
            statement
            for layer in case.traced
            if layer.layer is case.reason.layer and (case.reason.level is None or layer.level == case.reason.level)
            for statement in layer.statements
            if (statement.policy, statement.statement) == (refs[0].policy, refs[0].statement)
        ),
        None,
    )
    for element in statement.elements if statement is not None else ():
        if element.key.lower() == "aws:principalarn" and element.operator.lower() in _EXCEPTIONS:
            text = with_condition_value(place.document, refs[0].statement, element.operator, element.key, who)
            if text is not None:
                exempted = f"{safe_text(entity_name(who))} joins those whom {name_of(refs[0])} does not deny."
                return SuggestedEdits((place.put(text),), exempted)
    return None


def _removing(place: Place, refs: list[StatementRef]) -> SuggestedEdits:
    assert place.document is not None
    text = without_statements(place.document, (ref.statement for ref in refs))
    names = " and ".join(dict.fromkeys(name_of(ref) for ref in refs))
    caution = f"All of {names} goes, for everyone it denies: narrow it to keep it for others."
    if text is not None:
        return SuggestedEdits((place.put(text),), caution)
    gone = place.delete()
    if gone is None:
        raise NoEdit(
            f"{place.title} says nothing but this Deny.", "Detach or delete the policy, or narrow its statement."
        )
    return SuggestedEdits((gone,), caution)


def _detaching(case: _Case, policy: str) -> Iterator[DetachPolicy]:
    """Detaching an identity policy wherever the caller has it from."""
    if case.reason.layer is not Layer.IDENTITY:
        return
    entity = case.entity
    holders: list[User | Group | Role] = [entity]
    if isinstance(entity, User):
        holders += [group for name in entity.groups if (group := case.account.group(name)) is not None]
    for holder in holders:
        if any(attached.arn == policy for attached in holder.attached_policies):
            yield DetachPolicy(holder.arn, policy)


def _place_of(case: _Case, policy: str) -> Place:
    """Where the policy of this name, as the decision names it, stands.

    Raises:
        Problem: it cannot be changed, or is not found.
    """
    account, layer = case.account, case.reason.layer
    if layer is Layer.IDENTITY:
        for name, place in identity_places(account, case.entity):
            if name == policy:
                if isinstance(place, Problem):
                    raise place
                return place
    elif layer is Layer.BOUNDARY:
        return managed_place(account, policy)
    elif layer is Layer.RESOURCE:
        return _resource_place(case)
    elif layer in (Layer.SCP, Layer.RCP):
        type_ = SCP if layer is Layer.SCP else RCP
        place = organization_place(account, type_, _level_id(case), policy)
        if place.document is not None:
            return place
    raise NoEdit(f"The policy {safe_text(policy_name(policy))} is not one that a draft of this account can change.")


def _resource_place(case: _Case) -> Place:
    resource = case.prepared.resource
    if resource.kind is not ResourceKind.ONE or "*" in resource.text:
        raise NoEdit("No single resource is asked about, so there is no policy to add to.", "Ask about one resource.")
    if case.prepared.trust:
        role = case.account.by_arn(resource.text)
        if not isinstance(role, Role):
            raise NoEdit(f"The role {safe_text(resource.text, limit=512)} is not in account {case.account.id}.")
        return trust_place(role)
    try:
        return resource_place(case.account, resource_policy_arn(resource.text))
    except Problem as problem:
        raise NoEdit(problem.sentence, problem.next_step) from None


def _level_id(case: _Case) -> str:
    fact, level = case.account.organization, case.reason.level
    if isinstance(fact, Missing) or fact.value is None or level is None or level >= len(fact.value.path):
        raise NoEdit("The level of the organization is not loaded.")
    return fact.value.path[level].id


def _adding(case: _Case, statement: dict[str, Any]) -> SuggestedEdits:
    """Add the statement where the layer that is silent would read it."""
    layer = case.reason.layer
    name = policy_label(case.decision.request.action)
    if layer is Layer.IDENTITY:
        place = inline_place(case.account, case.entity, name)
        return SuggestedEdits((place.put(with_statement(place.document, statement)),))
    if layer is Layer.RESOURCE:
        place = _resource_place(case)
        return SuggestedEdits((place.put(with_statement(place.document, statement)),))
    if layer is Layer.BOUNDARY:
        return _adding_to_boundary(case, statement)
    if layer is Layer.SCP:
        place = organization_place(case.account, SCP, _level_id(case), name)
        return SuggestedEdits(
            (place.put(with_statement(place.document, statement)),), "It applies to every account below that level."
        )
    raise NoEdit(
        "An RCP of one's own can only deny, so none can be added that allows.",
        "Attach RCPFullAWSAccess where it is missing.",
    )


def _adding_to_boundary(case: _Case, statement: dict[str, Any]) -> SuggestedEdits:
    entity, account = case.entity, case.account
    arn = entity.boundary_arn
    if arn is None:
        raise NoEdit(f"{safe_text(entity_name(entity.arn))} has no permissions boundary.")
    policy = account.policy(arn)
    version = policy.default_version if policy is not None else None
    if policy is None or version is None:
        raise NoEdit(f"The document of the boundary {safe_text(policy_name(arn))} is not loaded.")
    text = with_statement(version.document, statement)
    if not policy.aws_managed:
        place = managed_place(account, arn)
        caution = f"The policy applies to {place.others} more users and roles." if place.others else ""
        return SuggestedEdits((place.put(text),), caution)
    own = f"arn:{account.partition}:iam::{account.id}:policy/{policy.name[:100]}-extended"
    present = account.policy(own)
    if present is not None and present.default_version is not None:
        text = with_statement(present.default_version.document, statement)
    return SuggestedEdits(
        (PutManagedPolicy(own, text), PutPermissionsBoundary(entity.arn, own)),
        f"{safe_text(policy.name)} is AWS's own policy: a copy with the statement takes its place as the boundary.",
    )


def _widening(case: _Case, suggestion: Suggestion) -> SuggestedEdits:
    """Add to the one element of an Allow that keeps it from matching."""
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
        place = _place_of(case, suggestion.policy)
        assert place.document is not None
        if element.element == "Resource":
            text = with_resource(place.document, statement.statement, element.seen[0])
        else:
            kind, name = _principal_entry(case.principal)
            text = with_principal(place.document, statement.statement, kind, name)
    except NoEdit:
        raise
    except Problem as problem:
        raise NoEdit(problem.sentence, problem.next_step) from None
    return SuggestedEdits(
        (place.put(text),), f"The policy applies to {place.others} more users and roles." if place.others else ""
    )


_RANKS: Final = {"Condition": 0, "Resource": 1, "Principal": 2}


def _near_miss(case: _Case, policy: str) -> tuple[TracedStatement, TracedElement] | None:
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


@dataclass(frozen=True, slots=True)
class SuggestedDraft:
    """A draft with everything that the engine suggests.

    Args:
        draft: the draft given, with the edits.
        left: why the suggestions that are left could not be taken; empty when the question is no longer denied.
        cautions: what else the edits do, one sentence each, safe to show.
    """

    draft: Draft
    left: tuple[NoEdit, ...] = ()
    cautions: tuple[str, ...] = ()


def with_all_suggestions(
    workspace: Workspace, draft: Draft, principal: Principal, question: Question, *, now: datetime | None = None
) -> SuggestedDraft:
    """The draft with everything the engine suggests until it answers allowed, as far as edits can.

    One suggestion is taken at a time and the question asked again, for an edit can bring up another obstacle, and
    two edits of one document would undo each other.

    Raises:
        DraftProblem: the draft given does not fit the account.
        Problem: the question cannot be asked.
    """
    left: tuple[NoEdit, ...] = ()
    cautions: dict[str, None] = {}
    for _ in range(_MOST_ROUNDS):
        drafted = lay(workspace, draft)
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
            draft = Draft(draft.account_id, draft.name, (*draft.edits, *made.edits))
            cautions |= {made.caution: None} if made.caution else {}
            break
        else:
            break
    return SuggestedDraft(draft, left, tuple(cautions))
