"""What is to be said of the documents that a draft puts in place: what AWS would refuse, warn about, or give to others.

`iamtui.account` finds what does not fit the account; whether a document is one at all that AWS would take is found
here, by the same lint as that of `iamtui lint`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from iamtui.account.drafts.application import DraftFinding, DraftProblem
from iamtui.account.drafts.draft import (
    Draft,
    Edit,
    PutInlinePolicy,
    PutManagedPolicy,
    PutOrganizationPolicy,
    PutResourcePolicy,
    UpdateTrustPolicy,
)
from iamtui.account.drafts.standing import Standing
from iamtui.account.drafts.words import SCP, describe_edit, entity_name, policy_name
from iamtui.account.model import Account, Group
from iamtui.analysis.policies_in_force import WITH_RESOURCE_POLICIES
from iamtui.evaluation.findings import Finding, Level, findings
from iamtui.policy.arn import parse_arn
from iamtui.policy.document import PolicyDocument
from iamtui.policy.kinds import PolicyType
from iamtui.text import safe_text
from iamtui.workspace.drafts.documents import holders_of
from iamtui.workspace.drafts.names import aws_managed_policy

PutDocument = PutInlinePolicy | PutManagedPolicy | UpdateTrustPolicy | PutOrganizationPolicy | PutResourcePolicy

_REFUSED: Final = frozenset(
    (
        "action-format", "allow-not-principal", "bare-principal", "empty-element", "empty-principal",
        "federated-not-allowed", "group-principal", "id-not-allowed", "missing-principal", "missing-resource",
        "not-principal-not-allowed", "principal-not-allowed", "principal-type", "rcp-action",
        "rcp-allow", "rcp-not-action", "rcp-principal", "resource-format", "resource-in-trust-policy", "trust-action",
        "unknown-element", "unknown-operator", "unknown-version",
    )
)  # fmt: skip
"""Errors for which AWS does not take the document at all: asking as if it had been put in place would mislead.

Other errors may be about what is newer than the data iamtui came with, such as the action of a new service.
"""


def kind_of(edit: PutDocument) -> PolicyType:
    """What the document of an edit is used as."""
    match edit:
        case UpdateTrustPolicy():
            return PolicyType.TRUST
        case PutOrganizationPolicy():
            return PolicyType.SCP if edit.type == SCP else PolicyType.RCP
        case PutResourcePolicy():
            return PolicyType.RESOURCE
        case _:
            return PolicyType.IDENTITY


def document_problems(account: Account, draft: Draft) -> Iterator[DraftProblem]:
    """A problem for every edit whose document AWS would not take, or whose resource can have no policy.

    Those whose document cannot be read, or that a later edit replaces, are left out.
    """
    for number, edit in _last_puts(draft):
        words = describe_edit(edit, account, draft.edits[: number - 1])
        if isinstance(edit, PutResourcePolicy) and (service := _without_policies(account, edit.resource_arn)):
            yield DraftProblem(
                number,
                words,
                f"resources of {safe_text(service)} have no policies of their own",
                "Allow or deny in an identity policy instead.",
            )
            continue
        refused = next((found for found in _lint(edit, account.id) if found.code in _REFUSED), None)
        if refused is not None:
            reason = f"AWS would refuse the document{_line(refused)}: {safe_text(refused.message).removesuffix('.')}"
            yield DraftProblem(number, words, reason, "Correct the document.")


def _without_policies(account: Account, resource: str) -> str:
    """The service of a resource whose service knows no resource policies, else ""."""
    arn = parse_arn(resource)
    if arn is None or not arn.service or arn.service in ("iam", "sts") or resource in account.resource_policies:
        return ""
    return "" if arn.service in WITH_RESOURCE_POLICIES else arn.service


def document_findings(before: Account, after: Account, draft: Draft) -> Iterator[DraftFinding]:
    """What the lint says of every document put in place, and what it gives to others than the one thought of.

    Warnings that the document has in the account are left out: the draft is not what they are about.
    """
    standing = Standing(before)
    for number, edit in _last_puts(draft):
        was = _document_before(standing, edit)
        old = (
            set()
            if was is None
            else {(one.code, one.message) for one in findings(was, kind_of(edit), account=before.id)}
        )
        for found in _lint(edit, before.id):
            if found.level is Level.SUGGESTION or (found.code, found.message) in old:
                continue
            sentence = f"{found.level.value.capitalize()}{_line(found)}: {safe_text(found.message)}"
            yield DraftFinding(number, found.level.value, sentence)
        if isinstance(edit, PutManagedPolicy) and was is None and not standing.has_managed(edit.policy_arn):
            yield from _named_like_one_of_aws(number, edit)
        yield from _given_to_others(after, number, edit, was)


def _last_puts(draft: Draft) -> Iterator[tuple[int, PutDocument]]:
    """The edits that put a document in place which stays there, with their numbers."""
    last = {_place(edit): number for number, edit in enumerate(draft.edits, 1) if isinstance(edit, PutDocument)}
    for number, edit in enumerate(draft.edits, 1):
        if isinstance(edit, PutDocument) and last[_place(edit)] == number:
            yield number, edit


def _place(edit: PutDocument) -> tuple[str, ...]:
    match edit:
        case PutInlinePolicy(owner, name):
            return "inline", owner, name
        case PutManagedPolicy(owner):
            return "managed", owner
        case UpdateTrustPolicy(owner):
            return "trust", owner
        case PutOrganizationPolicy(type_, level, name):
            return type_, level, name
        case PutResourcePolicy(owner):
            return "resource", owner


def _document_before(standing: Standing, edit: Edit) -> PolicyDocument | None:
    match edit:
        case PutInlinePolicy(holder, name):
            return standing.inline(holder, name)
        case PutManagedPolicy(policy):
            return standing.managed(policy)
        case UpdateTrustPolicy(role):
            return standing.trust(role)
        case PutOrganizationPolicy(type_, level, name):
            return standing.organization(type_, level, name)
        case PutResourcePolicy(resource):
            return standing.resource(resource)
        case _:
            return None


def _lint(edit: PutDocument, account: str) -> tuple[Finding, ...]:
    return _linted(edit.document, kind_of(edit), account)


@lru_cache(maxsize=256)
def _linted(text: str, kind: PolicyType, account: str) -> tuple[Finding, ...]:
    """The lint of a text; nothing of one that cannot be read, which is a problem already."""
    document = PolicyDocument(text)
    return () if document.error is not None else findings(document, kind, account=account)


def _line(found: Finding) -> str:
    return f" in line {found.source_line}" if found.source_line else ""


def _named_like_one_of_aws(number: int, edit: PutManagedPolicy) -> Iterator[DraftFinding]:
    arn = parse_arn(edit.policy_arn)
    if arn is not None and aws_managed_policy(arn.name) is not None:
        yield DraftFinding(
            number,
            "name",
            f"AWS has a policy {safe_text(arn.name)} too, which stays as it is: this makes another of the account's "
            "own, that nobody has yet.",
        )


def _given_to_others(
    after: Account, number: int, edit: PutDocument, was: PolicyDocument | None
) -> Iterator[DraftFinding]:
    """Allows that are new or wider in a policy that several users and roles have."""
    holders = _holders(after, edit)
    if len(holders) < 2:
        return
    before = _allows(was)
    for statement in _allows(PolicyDocument(edit.document)):
        if statement in before or _names_a_caller(statement):
            continue
        names = [safe_text(entity_name(arn), limit=128) for arn in holders]
        who = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        what = _actions(statement)
        where = policy_name(edit.policy_arn) if isinstance(edit, PutManagedPolicy) else "The policy"
        yield DraftFinding(number, "shared", f"{safe_text(where)} applies to {who}: {what} is new or changed for all.")


def _holders(account: Account, edit: PutDocument) -> tuple[str, ...]:
    if isinstance(edit, PutManagedPolicy):
        return holders_of(account, edit.policy_arn)
    holder = account.by_arn(edit.holder_arn) if isinstance(edit, PutInlinePolicy) else None
    return tuple(user.arn for user in account.members(holder.name)) if isinstance(holder, Group) else ()


def _allows(document: PolicyDocument | None) -> list[dict[str, Any]]:
    if document is None or document.error is not None:
        return []
    value = document.value["Statement"]
    listed = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, dict) and one.get("Effect") == "Allow"]


def _names_a_caller(statement: dict[str, Any]) -> bool:
    """Whether a condition on aws:PrincipalArn says for whom a statement is."""
    conditions = statement.get("Condition")
    tests = conditions.values() if isinstance(conditions, dict) else ()
    return any(isinstance(test, dict) and any(key.lower() == "aws:principalarn" for key in test) for test in tests)


def _actions(statement: dict[str, Any]) -> str:
    element = "Action" if "Action" in statement else "NotAction"
    value = statement.get(element, [])
    listed = [str(one) for one in value] if isinstance(value, list) else [str(value)]
    shown = ", ".join(safe_text(one, limit=128) for one in listed[:4])
    more = f" and {len(listed) - 4} more" if len(listed) > 4 else ""
    return f"{'all but ' if element == 'NotAction' else ''}{shown}{more}"
