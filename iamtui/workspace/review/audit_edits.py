"""Edits that fix findings of the audit, as far as an edit of a draft can; the rest is in the finding's fix."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from iamtui.account.model import Account, Group, Known, LastAccessed, Role, User
from iamtui.drafts.draft import Edit
from iamtui.drafts.edits.deletions import (
    DeleteAccessKey,
    DeleteLoginProfile,
    DeletePolicy,
    DeleteRole,
    DeleteUser,
)
from iamtui.drafts.edits.policies import DeleteInlinePolicy, PutInlinePolicy, PutManagedPolicy
from iamtui.drafts.edits.principals import AttachPolicy, DetachPolicy, UpdateTrustPolicy
from iamtui.policy.document import PolicyDocument, as_list, render
from iamtui.policy.json_text import one_or_more
from iamtui.policy.patterns import is_account_id, parse_arn
from iamtui.workspace.review.audit import AuditFinding
from iamtui.workspace.review.service_accounts import draft_role_for, take_out_unused

Json: TypeAlias = dict[str, Any]

EXTERNAL_ID: Final = "REPLACE-WITH-THE-EXTERNAL-ID"
SUBJECT: Final = "REPLACE-WITH-THE-SUBJECT"
PASSED_ROLE: Final = "REPLACE-WITH-THE-ROLE"
"""Placeholder in a drafted policy for a value that only the user knows."""


def mending_words(account: Account, finding: AuditFinding) -> str:
    """Words for the edits that fix a finding; "" where no edit does."""
    words, edits = _MENDED.get(finding.code, ("", None))
    if edits is None:
        return ""
    return words if next(edits(account, finding), None) is not None else ""


def edits_that_mend(account: Account, finding: AuditFinding) -> tuple[Edit, ...]:
    """The edits that mend a finding; none where no edit does."""
    return tuple(_MENDED[finding.code][1](account, finding)) if finding.code in _MENDED else ()


def _inline_to_managed(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    holder = account.by_arn(finding.subject)
    if not isinstance(holder, User | Group | Role):
        return
    taken = {policy.name.lower() for policy in account.policies if not policy.aws_managed}
    for policy in holder.inline_policies:
        names = (policy.name, f"{holder.name}-{policy.name}", *(f"{policy.name}-{at}" for at in range(2, 100)))
        name = next((name for name in names if len(name) <= _LONGEST_NAME and name.lower() not in taken), "")
        if policy.document.error is not None or not name:
            continue
        taken.add(name.lower())
        arn = f"arn:{account.partition}:iam::{account.id}:policy/{name}"
        yield PutManagedPolicy(arn, policy.document.text)
        yield AttachPolicy(holder.arn, arn)
        yield DeleteInlinePolicy(holder.arn, policy.name)


_LONGEST_NAME: Final = 128
"""IAM User Guide: quotas: characters of the name of a managed policy."""


def _given_by_groups(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    user = account.by_arn(finding.subject)
    if not isinstance(user, User):
        return
    groups = [group for group in map(account.group, user.groups) if group is not None]
    given = {attached.arn for group in groups for attached in group.attached_policies}
    for attached in user.attached_policies:
        if attached.arn in given:
            yield DetachPolicy(user.arn, attached.arn)


def _only_own_account(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    own = f"arn:{account.partition}:iam::{account.id}:root"

    def narrow(statement: Json) -> None:
        principal = statement.get("Principal")
        if principal == "*":
            statement["Principal"] = {"AWS": own}
        elif isinstance(principal, dict) and "AWS" in principal:
            entries = as_list(principal["AWS"])
            kept = list(dict.fromkeys(own if entry == "*" else entry for entry in entries))
            principal["AWS"] = one_or_more(kept)

    yield from _trust(account, finding, narrow)


def _with_external_id(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    def require(statement: Json) -> None:
        principal = statement.get("Principal")
        named = as_list(principal.get("AWS", [])) if isinstance(principal, dict) else []
        if any(_is_of_another(account, entry) for entry in named):
            _require_text(statement, "sts:ExternalId", EXTERNAL_ID)

    yield from _trust(account, finding, require)


def _is_of_another(account: Account, entry: object) -> bool:
    arn = parse_arn(entry) if isinstance(entry, str) else None
    number = arn.account if arn is not None else entry
    return isinstance(number, str) and is_account_id(number) and number != account.id


def _with_subject(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    def require(statement: Json) -> None:
        principal = statement.get("Principal")
        for entry in as_list(principal.get("Federated", [])) if isinstance(principal, dict) else []:
            provider = str(entry).partition(":oidc-provider/")[2]
            if provider:
                _require_text(statement, f"{provider}:sub", SUBJECT)

    yield from _trust(account, finding, require)


def _require_text(statement: Json, key: str, value: str) -> None:
    conditions = statement.setdefault("Condition", {})
    if isinstance(conditions, dict) and isinstance(conditions.setdefault("StringEquals", {}), dict):
        conditions["StringEquals"].setdefault(key, value)


def _trust(account: Account, finding: AuditFinding, change: Callable[[Json], None]) -> Iterator[Edit]:
    role = account.by_arn(finding.subject)
    if not isinstance(role, Role) or role.trust.error is not None:
        return
    document: Any = copy.deepcopy(role.trust.value)
    for statement in as_list(document.get("Statement", [])):
        if isinstance(statement, dict) and statement.get("Effect") == "Allow":
            change(statement)
    if document != role.trust.value:
        yield UpdateTrustPolicy(role.arn, render(document))


def _role_in_place_of_keys(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    user = account.by_arn(finding.subject)
    if isinstance(user, User):
        yield from draft_role_for(account, user).edits()


def _deleted(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    entity = account.by_arn(finding.subject)
    if isinstance(entity, User):
        yield DeleteUser(entity.arn)
    elif isinstance(entity, Role) and not entity.service_linked and not entity.sso_reserved:
        yield DeleteRole(entity.arn)


def _deleted_key(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    if finding.access_key and isinstance(account.by_arn(finding.subject), User):
        yield DeleteAccessKey(finding.subject, finding.access_key)


def _deleted_password(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    if isinstance(account.by_arn(finding.subject), User):
        yield DeleteLoginProfile(finding.subject)


def _deleted_policy(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    if account.policy(finding.subject) is not None:
        yield DeletePolicy(finding.subject)


def _one_key_fewer(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    """The deletion of the key that was used longest ago, or never; none where their ids are not known."""
    user = account.by_arn(finding.subject)
    if not isinstance(user, User) or not isinstance(user.access_keys, Known):
        return
    active = [key for key in user.access_keys.value if key.status == "Active"]
    if len(active) > 1 and all(key.id for key in active):
        least = min(active, key=lambda key: (key.last_used or _NEVER, key.created or _NEVER))
        yield DeleteAccessKey(user.arn, least.id)


_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def _named_roles(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    """The policy with the roles that may be passed, where the action is written out."""
    policy, holder = account.policy(finding.subject), account.by_arn(finding.subject)
    document = account.document(finding.subject)
    if policy is not None and document is not None:
        named = _with_named_roles(account, document)
        if named is not None:
            yield PutManagedPolicy(policy.arn, named)
    elif isinstance(holder, User | Group | Role):
        for inline in holder.inline_policies:
            named = _with_named_roles(account, inline.document)
            if named is not None and finding.statement.startswith(f"{inline.name}, "):
                yield PutInlinePolicy(holder.arn, inline.name, named)


def _with_named_roles(account: Account, document: PolicyDocument) -> str | None:
    """The text of a policy with a statement of its own for iam:PassRole on every role; None where there is no such."""
    if document.error is not None:
        return None
    changed: Any = copy.deepcopy(document.value)
    statements: list[Json] = []
    for statement in as_list(changed["Statement"]):
        actions = as_list(statement.get("Action", []))
        others = [action for action in actions if action.lower() != _PASS_ROLE]
        is_open = statement["Effect"] == "Allow" and "*" in as_list(statement.get("Resource", []))
        if len(others) == len(actions) or not is_open or statement.get("Condition"):
            statements.append(statement)
            continue
        role = f"arn:{account.partition}:iam::{account.id}:role/{PASSED_ROLE}"
        passing = {**statement, "Action": "iam:PassRole", "Resource": role}
        if others:
            statements.append({**statement, "Action": others})
            passing |= {"Sid": f"{statement['Sid']}PassRole"} if "Sid" in statement else {}
        statements.append(passing)
    if statements == as_list(changed["Statement"]):
        return None
    return render({**changed, "Statement": statements})


_PASS_ROLE: Final = "iam:passrole"


def _without_unused(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    """Edits that take unused services out of policies that nobody else has."""
    holder, accessed = account.by_arn(finding.subject), account.last_accessed.get(finding.subject)
    if not isinstance(holder, User | Group | Role) or accessed is None:
        return
    if isinstance(holder, Role) and (holder.service_linked or holder.sso_reserved):
        return
    for inline in holder.inline_policies:
        left = _used_of(inline.document, accessed)
        if left is not None:
            statements = left["Statement"]
            yield (
                PutInlinePolicy(holder.arn, inline.name, render(left))
                if statements
                else DeleteInlinePolicy(holder.arn, inline.name)
            )
    for attached in holder.attached_policies:
        policy, document = account.policy(attached.arn), account.document(attached.arn)
        if policy is None or document is None or policy.aws_managed:
            continue
        if account.holders(policy.arn) != (holder,) or account.bounded_by(policy.arn):
            continue
        left = _used_of(document, accessed)
        if left is not None:
            yield (
                PutManagedPolicy(policy.arn, render(left))
                if left["Statement"]
                else DetachPolicy(holder.arn, policy.arn)
            )


def _used_of(document: PolicyDocument, accessed: LastAccessed) -> Json | None:
    """A document without the actions that were never used; None where it has none."""
    if document.error is not None or not isinstance(document.value, dict):
        return None
    changed: Json = copy.deepcopy(document.value)
    kept, gone = [], False
    for statement in as_list(changed.get("Statement", [])):
        if statement.get("Effect") == "Allow" and "Action" in statement and take_out_unused(statement, accessed):
            gone = True
            if not statement["Action"]:
                continue
        kept.append(statement)
    changed["Statement"] = kept
    return changed if gone else None


_MENDED: Final[Mapping[str, tuple[str, Callable[[Account, AuditFinding], Iterator[Edit]]]]] = {
    "access-key-unused": ("deletes the access key", _deleted_key),
    "console-without-mfa": ("deletes the console password", _deleted_password),
    "inline-policy": ("makes them managed policies with the same documents", _inline_to_managed),
    "pass-role-on-all": ("names the role, which you put in", _named_roles),
    "password-unused": ("deletes the console password", _deleted_password),
    "permission-unused": ("takes out what was never used", _without_unused),
    "policy-on-user": ("detaches those that a group of the user gives too", _given_by_groups),
    "policy-unattached": ("deletes the policy", _deleted_policy),
    "role-unused": ("deletes the role", _deleted),
    "service-account": ("makes the role that would replace the access keys", _role_in_place_of_keys),
    "trust-everyone": ("trusts this account only", _only_own_account),
    "trust-without-external-id": ("requires an external ID, which you put in", _with_external_id),
    "two-access-keys": ("deletes the one that was used longest ago", _one_key_fewer),
    "user-unused": ("deletes the user", _deleted),
    "oidc-without-subject": ("requires a subject, which you put in", _with_subject),
}
"""By code: what the edits do, and what makes them."""
