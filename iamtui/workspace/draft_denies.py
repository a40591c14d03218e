"""Getting a Deny out of one caller's way, as edits of a draft: what it does to others is kept where that can be.

A Deny that others share is kept, with the caller as an exception: by one more value where it lists exceptions by
ARN already, else by a condition on aws:PrincipalArn, which for a role session is the ARN of its role (IAM User
Guide: AWS global condition context keys). A Deny that concerns nobody else is taken out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from iamtui.account.draft import DetachPolicy
from iamtui.account.draft_words import entity_name, policy_name
from iamtui.account.model import Group, Role, User
from iamtui.evaluation.decision import Layer, StatementRef
from iamtui.evaluation.explanation import Suggestion, name_of
from iamtui.evaluation.request import PrincipalKind
from iamtui.evaluation.wording import short_policy_name
from iamtui.policy.document import JsonValue, PolicyDocument
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.workspace.draft_case import Case, NoEdit, SuggestedEdits, place_of
from iamtui.workspace.draft_documents import Place, statement_at, with_condition_value, without_statements

_ARN_KEY: Final = "aws:PrincipalArn"
_EXCEPTION: Final = "ArnNotEquals"
_EXCEPTIONS: Final = frozenset(
    f"{name}{suffix}"
    for name in ("stringnotequals", "stringnotequalsignorecase", "stringnotlike", "arnnotequals", "arnnotlike")
    for suffix in ("", "ifexists")
)
"""Operators with which a Deny lists whom it does not deny."""

_WITH_ARN: Final = frozenset((PrincipalKind.USER, PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION))
"""Callers whose aws:PrincipalArn is the ARN of a user or role, whatever session they come with."""


def without_deny(case: Case, suggestion: Suggestion) -> SuggestedEdits:
    """The edits after which the Deny that a suggestion names no longer denies the caller.

    Raises:
        NoEdit: no draft can do that.
    """
    refs = [ref for ref in case.reason.statements if ref.policy == suggestion.policy]
    named = [ref for ref in refs if name_of(ref) in suggestion.change] or refs
    try:
        place = place_of(case, suggestion.policy)
    except NoEdit:
        raise
    except Problem as problem:
        detached = tuple(_detaching(case, suggestion.policy))
        if not detached:
            raise NoEdit(problem.sentence, problem.next_step) from None
        who = " and ".join(safe_text(entity_name(edit.holder_arn)) for edit in detached)
        return SuggestedEdits(detached, f"{safe_text(policy_name(suggestion.policy))} no longer applies to {who}.")
    assert place.document is not None
    alone = _concerns_only_the_caller(case, place, place.document, named)
    if not alone:
        made = _excepting(case, place, place.document, named)
        if made is not None:
            return made
    return _removing(place, place.document, named, alone=alone)


def _short_name(ref: StatementRef) -> str:
    """The Sid, else which statement of which policy; without lines, which an edit moves. Safe to show."""
    return safe_text(ref.sid, limit=128) if ref.sid else f"{short_policy_name(ref.policy)} / {ref.statement + 1}"


def _concerns_only_the_caller(case: Case, place: Place, document: PolicyDocument, refs: Sequence[StatementRef]) -> bool:
    """Whether the statements deny nobody but the user or role that asks."""
    if place.kind in ("inline", "managed"):
        return place.others == 0
    who = case.principal.role_arn or case.principal.arn
    return all(statement_at(document, ref.statement).get("Principal") == {"AWS": who} for ref in refs)


def _excepting(
    case: Case, place: Place, document: PolicyDocument, refs: Sequence[StatementRef]
) -> SuggestedEdits | None:
    """Add the caller to whom a Deny does not deny; None where the caller has no ARN to be told apart by."""
    caller = case.principal
    who = caller.arn if caller.kind is PrincipalKind.USER else caller.role_arn
    if len(refs) != 1 or not who or caller.kind not in _WITH_ARN:
        return None
    index = refs[0].statement
    operator, key = _exceptions_of(statement_at(document, index)) or (_EXCEPTION, _ARN_KEY)
    text = with_condition_value(document, index, operator, key, who)
    if text is None:
        return None
    caution = f"{safe_text(entity_name(who))} is excepted from the Deny {_short_name(refs[0])}; others stay denied."
    return SuggestedEdits((place.put(text),), caution)


def _exceptions_of(statement: dict[str, JsonValue]) -> tuple[str, str] | None:
    """Operator and key of the condition with which a Deny lists exceptions by ARN, as it writes them."""
    conditions = statement.get("Condition")
    for operator, tests in conditions.items() if isinstance(conditions, dict) else ():
        if operator.lower() in _EXCEPTIONS and isinstance(tests, dict):
            for key in tests:
                if key.lower() == _ARN_KEY.lower():
                    return operator, key
    return None


def _removing(place: Place, document: PolicyDocument, refs: Sequence[StatementRef], *, alone: bool) -> SuggestedEdits:
    text = without_statements(document, (ref.statement for ref in refs))
    names = " and ".join(dict.fromkeys(_short_name(ref) for ref in refs))
    caution = "" if alone else f"All of the Deny {names} goes, for everyone: narrow it to keep it for others."
    if text is not None:
        return SuggestedEdits((place.put(text),), caution)
    gone = place.delete()
    if gone is None:
        raise NoEdit(
            f"{place.title} says nothing but this Deny.", "Detach or delete the policy, or narrow its statement."
        )
    return SuggestedEdits((gone,), caution)


def _detaching(case: Case, policy: str) -> Iterator[DetachPolicy]:
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
