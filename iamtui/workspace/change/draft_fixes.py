"""A draft with whatever allows a denied question: the action itself, what its call is checked for besides, the chain.

Everything that decides the answer is fixed, for an action that is allowed while the role it passes is not stays a
denied call. A Deny in the way that others share is never taken away: the caller becomes an exception, by one more
value where it lists exceptions by ARN already, else by a condition on aws:PrincipalArn, which for a role session is the
ARN of its role (IAM User Guide: AWS global condition context keys). Who has no such ARN stays denied. A Deny that
concerns nobody else is taken out. Either way the entries of its Action and Resource that the question does not need
stay denied to the caller, by statements beside it; where an entry is about more than was asked, that is said. A Deny
that the request itself could avoid is left: it is there to make requests change.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from iamtui.account.model import Group, Role, User
from iamtui.catalog.actions import catalogue
from iamtui.drafts.aws_values import SCP, entity_name, policy_name
from iamtui.drafts.draft import Draft, is_only_for
from iamtui.drafts.edits.policies import PutManagedPolicy
from iamtui.drafts.edits.principals import DetachPolicy, PutPermissionsBoundary
from iamtui.engine.condition_words import LAYER_NAMES, name_of
from iamtui.engine.decision import Layer, Outcome, StatementRef, short_policy_name
from iamtui.engine.request import Principal
from iamtui.engine.words.explanation import Suggestion, explain
from iamtui.engine.words.trace import TracedElement, TracedStatement
from iamtui.policy.document import JsonValue, PolicyDocument, as_list
from iamtui.policy.patterns import Glob, is_pattern, parse_pieces, request_tokens, tokens_of, with_variables_as_stars
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
from iamtui.workspace.change.draft_documents import (
    DocumentPlace,
    holders_of,
    inline_place,
    managed_place,
    organization_place,
    policy_label,
    statement_at,
    with_condition_value,
    with_principal,
    with_statement,
    without_statements,
)
from iamtui.workspace.change.draft_session import apply
from iamtui.workspace.source.workspace import Workspace

# What a Deny goes on denying to a caller that is excepted from it: every entry that the question does not need.


_ONLY: Final = ("ArnEquals", "aws:PrincipalArn")
_first: Final = partial(first_names, most=4, limit=256)
_REST: Final = re.compile(r"Rest\d*\Z")

Statement = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Spared:
    """A Deny without what a question needs.

    Args:
        rests: the statements that deny the rest of it.
        released: what they do not deny any more, in words that are safe to show.
        exact: whether that is just what was asked.
    """

    rests: tuple[Statement, ...]
    released: str
    exact: bool


def spare(statement: Statement, action: str, resource: str) -> Spared:
    """Take what a question needs out of a Deny.

    Args:
        action, resource: what is asked, as it is evaluated; the resource may be a pattern.
    """
    hit_actions, other_actions = _split(_entries(statement, "Action"), action, case=str.lower)
    hit_resources, other_resources = _split(_entries(statement, "Resource"), resource)
    rests: list[Statement] = []
    if hit_actions and other_actions:
        rests.append({**statement, "Action": _as_element(other_actions)})
    if hit_resources and other_resources:
        rest = {**statement, "Resource": _as_element(other_resources)}
        rests.append({**rest, "Action": _as_element(hit_actions)} if hit_actions else rest)
    what = _first(hit_actions) or f"all but {_first(_entries(statement, 'NotAction'))}"
    where = _first(hit_resources)
    if not where and (left_out := _entries(statement, "NotResource")):
        where = f"all but {_first(left_out)}"
    just_that = not where or hit_resources == [resource]
    exact = [entry.lower() for entry in hit_actions] == [action.lower()] and just_that
    return Spared(tuple(copy.deepcopy(rests)), f"{what} on {where}" if where else what, exact)


def _split(
    entries: list[str], asked: str, case: Callable[[str], str] = lambda text: text
) -> tuple[list[str], list[str]]:
    """Entries that may match the requested text, and the others."""
    met: list[str] = []
    others: list[str] = []
    for entry in entries:
        (met if _meets(case(entry), case(asked)) else others).append(entry)
    return met, others


def only_for(statement: Statement, who: str) -> Statement:
    """A Deny of a caller, about that caller alone.

    Args:
        statement: a Deny that denies the caller.
    """
    operator, key = _ONLY
    conditions = copy.deepcopy(statement.get("Condition", {}))
    at = next((name for name in conditions if name.lower() == operator.lower()), operator)
    tests = {name: value for name, value in conditions.get(at, {}).items() if name.lower() != key.lower()}
    return {**statement, "Condition": {**conditions, at: {**tests, key: who}}}


def with_own_sid(statement: Statement, taken: Sequence[str]) -> Statement:
    """A statement under a Sid that the document does not have yet (`taken`); without a Sid it stays without."""
    sid = statement.get("Sid")
    if not isinstance(sid, str):
        return statement
    base = _REST.sub("", sid) + "Rest"
    number, free = 1, base
    while free in taken:
        number += 1
        free = f"{base}{number}"
    return {**statement, "Sid": free}


def _entries(statement: Statement, element: str) -> list[str]:
    value = statement.get(element)
    return [value] if isinstance(value, str) else [one for one in value or () if isinstance(one, str)]


def _as_element(entries: list[str]) -> JsonValue:
    return entries if len(entries) > 1 else entries[0]


def _meets(entry: str, asked: str) -> bool:
    """True where an entry may match the requested text; a variable is any text."""
    pieces = with_variables_as_stars(parse_pieces(entry, variables=True))
    return Glob(tokens_of(pieces)).shares(request_tokens(asked))


_ARN_KEY: Final = "aws:PrincipalArn"
_EXCEPTION: Final = "ArnNotEquals"
_EXCEPTIONS: Final = frozenset(
    f"{name}{suffix}"
    for name in ("stringnotequals", "stringnotequalsignorecase", "stringnotlike", "arnnotequals", "arnnotlike")
    for suffix in ("", "ifexists")
)
"""Operators with which a Deny lists whom it does not deny."""

_NOT_OF_THE_REQUEST: Final = (
    "aws:principal", "aws:username", "aws:userid", "aws:federatedprovider", "aws:resource", "aws:sourcearn",
    "aws:sourceaccount", "aws:sourceorg", "aws:sourceowner", "aws:requestedregion", "ec2:region", "kms:calleraccount",
)  # fmt: skip
"""Beginnings of keys about who asks, about what, or about where: a request cannot come with another value of them."""

_OF_A_RESOURCE: Final = ("resourcetag", "existingobjecttag", "resourceaccount")


def without_deny(case: DeniedQuestion, suggestion: Suggestion) -> SuggestedEdits:
    """The edits after which the Deny that a suggestion names no longer denies the caller.

    Raises:
        NoEdit: no draft can, or none should, do that; says what stands in the way.
    """
    refs = [ref for ref in case.reason.statements if ref.policy == suggestion.policy]
    named = [ref for ref in refs if name_of(ref) in suggestion.change] or refs
    _check_request(case, named)
    try:
        place = place_of(case, suggestion.policy)
    except NoEdit:
        raise
    except Problem as problem:
        return _detaching(case, suggestion.policy, problem)
    assert place.document is not None
    if _concerns_only_the_caller(case, place, place.document, named):
        return _removing(case, place, place.document, named)
    return _excepting(case, place, place.document, named)


def _check_request(case: DeniedQuestion, refs: Sequence[StatementRef]) -> None:
    """Leave a Deny that the request could avoid, such as one without MFA.

    Raises:
        NoEdit: it is such a Deny.
    """
    for ref in refs:
        element = next((one for one in _conditions(case, ref) if _of_the_request(one.key)), None)
        if element is not None:
            here = element.seen_words(128) or "absent"
            raise NoEdit(
                f"The Deny {_short_name(ref)} of the {LAYER_NAMES[case.reason.layer].noun} denies this while its "
                f"condition on {safe_text(element.key, limit=128)} holds (here: {here}), so the request has to change, "
                "not the policy.",
                "Ask again with a request that does not meet the condition.",
            )


def _conditions(case: DeniedQuestion, ref: StatementRef) -> Iterator[TracedElement]:
    for layer in case.traced:
        if layer.layer is not case.reason.layer or layer.level != case.reason.level:
            continue
        for statement in layer.statements:
            if (statement.policy, statement.statement) == (ref.policy, ref.statement):
                yield from (element for element in statement.elements if element.element == "Condition")


def _of_the_request(key: str) -> bool:
    """True where the same caller can repeat the request with another value of a condition key."""
    name = key.lower()
    return not name.startswith(_NOT_OF_THE_REQUEST) and not any(part in name for part in _OF_A_RESOURCE)


def _short_name(ref: StatementRef) -> str:
    """The Sid, else which statement of which policy; without lines, which an edit moves. Safe to show."""
    return safe_text(ref.sid, limit=128) if ref.sid else f"{short_policy_name(ref.policy)} / {ref.statement + 1}"


def _concerns_only_the_caller(
    case: DeniedQuestion, place: DocumentPlace, document: PolicyDocument, refs: Sequence[StatementRef]
) -> bool:
    """True where the statements deny nobody but the caller."""
    if place.kind in ("inline", "managed"):
        return place.others == 0
    who = case.principal.role_arn or case.principal.arn
    denying = [statement_at(document, ref.statement) for ref in refs]
    return bool(who) and all(one.get("Principal") == {"AWS": who} or is_only_for(one, who) for one in denying)


def _excepting(
    case: DeniedQuestion, place: DocumentPlace, document: PolicyDocument, refs: Sequence[StatementRef]
) -> SuggestedEdits:
    """Add the caller to whom each Deny does not deny.

    Raises:
        NoEdit: the caller has no ARN to be told apart by, or is excepted already.
    """
    names = " and ".join(dict.fromkeys(_short_name(ref) for ref in refs))
    who = own_arn(case.principal)
    if not who:
        raise NoEdit(
            f"The Deny {names} ({place.title}) denies others too, and {_caller(case)} cannot be excepted from it by an "
            "ARN, so it stays.",
            "Only whoever is responsible for it can narrow it.",
        )
    text = ""
    parts: list[Spared] = []
    for ref in refs:
        denying = statement_at(document, ref.statement)
        operator, key = _exceptions_of(denying) or (_EXCEPTION, _ARN_KEY)
        changed = with_condition_value(document, ref.statement, operator, key, who)
        if changed is not None:
            parts.append(_spared(case, denying))
            document = _with_rests(PolicyDocument(changed), [only_for(rest, who) for rest in parts[-1].rests])
            text = document.text
    if not text:
        raise NoEdit(
            f"The Deny {names} ({place.title}) already excepts {safe_text(entity_name(who))}, which does not help."
        )
    extent = _extent(parts)
    if extent:
        extent = f" for {extent}" if all(part.rests for part in parts) else f" with all that it is about: {extent}"
    excepted = f"{safe_text(entity_name(who))} is excepted from the Deny {names} ({place.title})"
    caution = f"{excepted}{extent}; others stay denied."
    return SuggestedEdits((place.put(text),), caution, past_guard=True)


def _spared(case: DeniedQuestion, denying: Statement) -> Spared:
    return spare(denying, case.prepared.action.full, case.prepared.resource.text)


def _with_rests(document: PolicyDocument, rests: Iterable[Statement]) -> PolicyDocument:
    """The document with what stays denied, at its end."""
    for rest in rests:
        value = document.value["Statement"]
        taken = [str(one.get("Sid", "")) for one in as_list(value)]
        document = PolicyDocument(with_statement(document, with_own_sid(rest, taken)))
    return document


def _extent(parts: Sequence[Spared]) -> str:
    """Part of a Deny that no longer applies; "" where that is all of it, and just the question."""
    if all(part.exact and not part.rests for part in parts):
        return ""
    released = "; ".join(dict.fromkeys(part.released for part in parts))
    return released if all(part.exact for part in parts) else f"{released} (more than was asked)"


def _caller(case: DeniedQuestion) -> str:
    arn = case.principal.arn
    if not arn:
        return "an anonymous caller"
    return "the root user" if arn.endswith(":root") else safe_text(arn, limit=512)


def _exceptions_of(statement: dict[str, JsonValue]) -> tuple[str, str] | None:
    """Operator and key of the condition with which a Deny lists exceptions by ARN, as it writes them."""
    conditions = statement.get("Condition")
    for operator, tests in conditions.items() if isinstance(conditions, dict) else ():
        if operator.lower() in _EXCEPTIONS and isinstance(tests, dict):
            for key in tests:
                if key.lower() == _ARN_KEY.lower():
                    return operator, key
    return None


def _removing(
    case: DeniedQuestion, place: DocumentPlace, document: PolicyDocument, refs: Sequence[StatementRef]
) -> SuggestedEdits:
    parts = [_spared(case, statement_at(document, ref.statement)) for ref in refs]
    rests = _with_rests(document, (rest for part in parts for rest in part.rests))
    text = without_statements(rests, (ref.statement for ref in refs))
    extent = _extent(parts)
    names = " and ".join(dict.fromkeys(_short_name(ref) for ref in refs))
    if extent:
        done = "no longer denies" if all(part.rests for part in parts) else "is taken out with all that it is about:"
        extent = f"The Deny {names} {done} {extent}."
    if text is not None:
        return SuggestedEdits((place.put(text),), extent, past_guard=True)
    gone = place.delete()
    if gone is None:
        raise NoEdit(
            f"{place.title} says nothing but this Deny.", "Detach or delete the policy, or narrow its statement."
        )
    return SuggestedEdits((gone,), extent, past_guard=True)


def _detaching(case: DeniedQuestion, policy: str, problem: Problem) -> SuggestedEdits:
    """Detach an identity policy that cannot be changed, where it is the caller's alone to have it.

    Raises:
        NoEdit: the caller has it from a group with others, or not at all.
    """
    if case.reason.layer is not Layer.IDENTITY:
        raise NoEdit(problem.sentence, problem.next_step)
    entity, name = case.entity, safe_text(policy_name(policy))
    groups = [case.account.group(group) for group in entity.groups] if isinstance(entity, User) else []
    holders: list[User | Group | Role] = [entity, *(group for group in groups if group is not None)]
    found = [holder for holder in holders if any(attached.arn == policy for attached in holder.attached_policies)]
    for holder in found:
        if isinstance(holder, Group) and len(case.account.members(holder.name)) > 1:
            group = safe_text(entity_name(holder.arn))
            raise NoEdit(
                f"{name}, which cannot be changed, denies this to all of {group}, so it stays attached there.",
                f"Take {safe_text(entity_name(entity.arn))} out of the group, and give it what else it has from there.",
            )
    if not found:
        raise NoEdit(problem.sentence, problem.next_step)
    who = " and ".join(safe_text(entity_name(holder.arn)) for holder in found)
    edits = tuple(DetachPolicy(holder.arn, policy) for holder in found)
    return SuggestedEdits(edits, f"{name} no longer applies to {who}.", past_guard=True)


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
