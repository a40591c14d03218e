"""What a draft no longer denies: the Deny statements of the account that its edits take away or change.

Worth a finding, for it is easily overlooked in a long document, and others than the one thought of may gain by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from iamtui.account.drafts.draft import (
    DeleteInlinePolicy,
    DeleteResourcePolicy,
    DetachOrganizationPolicy,
    DetachPolicy,
    Draft,
    Edit,
    PutInlinePolicy,
    PutManagedPolicy,
    PutOrganizationPolicy,
    PutResourcePolicy,
    UpdateTrustPolicy,
)
from iamtui.account.drafts.ledger import DraftFinding
from iamtui.account.drafts.standing import Standing
from iamtui.account.drafts.words import entity_name, policy_name
from iamtui.account.model import Account
from iamtui.policy.document import PolicyDocument
from iamtui.text import safe_text

_EXCEPTING: Final = frozenset(("arnnotequals", "arnnotlike", "stringnotequals", "stringnotlike"))


def denial_findings(account: Account, draft: Draft) -> Iterator[DraftFinding]:
    """A finding for every edit that takes away or changes a Deny which the account has."""
    base = Standing(account)
    for number, edit in enumerate(draft.edits, 1):
        standing = Standing(account, draft.edits[: number - 1])
        known = _denies(_stands(base, edit))
        standing_now = _denies(_stands(standing, edit))
        before = [one for one in standing_now if one in known]
        after = _denies(_put(edit))
        said, kept = [_meaning(one) for one in after], {sid: one for one in after if (sid := _sid(one))}
        new = [one for one in after if one not in standing_now]
        for one in before:
            if _meaning(one) in said:
                continue
            sid = _sid(one)
            words = f"The Deny {safe_text(sid, limit=128)}" if sid else "A Deny without a Sid"
            if isinstance(edit, DetachPolicy):
                whom = f"{policy_name(edit.policy_arn)} no longer applies to {entity_name(edit.holder_arn)}"
                sentence = f"{words} of {safe_text(whom)}."
            elif sid in kept and (excepted := _newly_excepted(one, kept[sid])):
                whom = safe_text(" and ".join(entity_name(arn) for arn in excepted))
                partly = all(any(_is_only_for(other, arn) for other in new) for arn in excepted)
                sentence = f"{words} denies {whom} less." if partly else f"{words} no longer denies {whom}."
            elif sid in kept or any(_about(one) == _about(other) for other in new):
                sentence = f"{words} is changed and may deny others less too."
            else:
                sentence = f"{words} is gone, for everyone that it denied something."
            yield DraftFinding(number, "denies less", sentence)


def _stands(standing: Standing, edit: Edit) -> PolicyDocument | None:
    """The document that an edit replaces or takes away."""
    match edit:
        case PutInlinePolicy(holder, name) | DeleteInlinePolicy(holder, name):
            return standing.inline(holder, name)
        case PutManagedPolicy(policy):
            return standing.managed(policy)
        case DetachPolicy(_, policy):
            return standing.managed(policy)
        case UpdateTrustPolicy(role):
            return standing.trust(role)
        case PutOrganizationPolicy(type_, level, name) | DetachOrganizationPolicy(type_, level, name):
            return standing.organization(type_, level, name)
        case PutResourcePolicy(resource) | DeleteResourcePolicy(resource):
            return standing.resource(resource)
        case _:
            return None


def _put(edit: Edit) -> PolicyDocument | None:
    match edit:
        case (
            PutInlinePolicy() | PutManagedPolicy() | UpdateTrustPolicy() | PutOrganizationPolicy() | PutResourcePolicy()
        ):
            return PolicyDocument(edit.document)
        case _:
            return None


def _denies(document: PolicyDocument | None) -> list[dict[str, Any]]:
    if document is None or document.error is not None:
        return []
    value = document.value["Statement"]
    statements = value if isinstance(value, list) else [value]
    return [one for one in statements if isinstance(one, dict) and one.get("Effect") == "Deny"]


def _meaning(statement: dict[str, Any]) -> dict[str, Any]:
    """The statement without its Sid, which is a name only."""
    return {key: value for key, value in statement.items() if key != "Sid"}


def _about(statement: dict[str, Any]) -> tuple[Any, Any]:
    """What a Deny is about, by which it is known again when its name changes."""
    return statement.get("Action"), statement.get("NotAction")


def _newly_excepted(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The ARNs that a Deny excepts now and did not before, where nothing else of it differs; else nothing."""
    rest_before, excepted_before = _exceptions(before)
    rest_after, excepted_after = _exceptions(after)
    more = [arn for arn in excepted_after if arn not in excepted_before]
    kept = all(arn in excepted_after for arn in excepted_before)
    return more if kept and rest_before == rest_after and not any("*" in arn or "?" in arn for arn in more) else []


def _is_only_for(statement: dict[str, Any], arn: str) -> bool:
    """Whether a Deny is about one ARN alone: what stays denied to an exception."""
    conditions = statement.get("Condition")
    for operator, tests in conditions.items() if isinstance(conditions, dict) else ():
        if operator.lower() == "arnequals" and isinstance(tests, dict):
            return any(key.lower() == "aws:principalarn" and value in (arn, [arn]) for key, value in tests.items())
    return False


def _exceptions(statement: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A statement without the ARNs that it excepts by ArnNotEquals and its like, and those ARNs."""
    conditions = statement.get("Condition")
    if not isinstance(conditions, dict):
        return _meaning(statement), []
    rest: dict[str, Any] = {}
    arns: list[str] = []
    for operator, tests in conditions.items():
        kept = dict(tests) if isinstance(tests, dict) else tests
        if operator.lower() in _EXCEPTING and isinstance(kept, dict):
            for key in [key for key in kept if key.lower() == "aws:principalarn"]:
                value = kept.pop(key)
                arns += [str(one) for one in value] if isinstance(value, list) else [str(value)]
        if kept != {}:
            rest[operator] = kept
    other = {key: value for key, value in _meaning(statement).items() if key != "Condition"}
    return {**other, "Condition": rest} if rest else other, arns


def _sid(statement: dict[str, Any]) -> str:
    sid = statement.get("Sid")
    return sid if isinstance(sid, str) else ""
