"""Getting a Deny out of one caller's way, as edits of a draft that leave it in force for everybody else.

A Deny that others share is never taken away: the caller becomes an exception, by one more value where it lists
exceptions by ARN already, else by a condition on aws:PrincipalArn, which for a role session is the ARN of its role
(IAM User Guide: AWS global condition context keys). Who has no such ARN stays denied. A Deny that concerns nobody else
is taken out. Either way the entries of its Action and Resource that the question does not need stay denied to the
caller, by statements beside it; where an entry is about more than was asked, that is said. A Deny that the request
itself could avoid is left: it is there to make requests change.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from iamtui.account.model import Group, Role, User
from iamtui.drafts.aws_values import entity_name, policy_name
from iamtui.drafts.edits.principals import DetachPolicy
from iamtui.drafts.overlay import is_only_for
from iamtui.engine.condition_words import LAYER_NAMES, name_of
from iamtui.engine.decision import Layer, StatementRef, short_policy_name
from iamtui.engine.words.explanation import Suggestion
from iamtui.engine.words.trace import TracedElement
from iamtui.policy.document import JsonValue, PolicyDocument, as_list
from iamtui.policy.patterns import Glob, parse_pieces, request_tokens, tokens_of, with_variables_as_stars
from iamtui.problem import Problem
from iamtui.text import first_names, safe_text
from iamtui.workspace.change.denied_question import DeniedQuestion, NoEdit, SuggestedEdits, own_arn, place_of
from iamtui.workspace.change.draft_documents import (
    DocumentPlace,
    statement_at,
    with_condition_value,
    with_statement,
    without_statements,
)

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
