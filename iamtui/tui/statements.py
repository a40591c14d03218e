"""From a statement that took part in a decision to the text of it in the account. Pure."""

from __future__ import annotations

from iamtui.account.availability import Missing
from iamtui.account.model import Account, Role, User
from iamtui.evaluation.decision import Layer, StatementRef
from iamtui.evaluation.request import Principal
from iamtui.policy.document import PolicyDocument
from iamtui.tui.holdings import PolicyWay, held_policies


def entity_of(account: Account, principal: Principal) -> User | Role | None:
    """The user or role that a principal of this account is, or whose session it is; None for others."""
    entity = account.by_arn(principal.role_arn or principal.arn)
    if isinstance(entity, User | Role):
        return entity
    name = principal.role_name
    return account.role(name) if name is not None and principal.account == account.id else None


def document_of(account: Account, principal: Principal, resource: str, ref: StatementRef) -> PolicyDocument | None:
    """The document that a statement stands in, or None when it is not one of the account's records."""
    if ref.layer in (Layer.IDENTITY, Layer.BOUNDARY):
        entity = entity_of(account, principal)
        held = held_policies(account, entity) if entity is not None else ()
        for policy in held:
            if (policy.way is PolicyWay.BOUNDARY) is (ref.layer is Layer.BOUNDARY) and ref.policy in (
                policy.arn,
                policy.name,
            ):
                return policy.document
        return None
    if ref.layer is Layer.RESOURCE:
        owner_role = account.by_arn(resource)
        if isinstance(owner_role, Role):
            return owner_role.trust
        owner = resource.partition("/")[0] if resource.startswith("arn:aws:s3:::") else resource
        policy_of = account.resource_policies.get(resource) or account.resource_policies.get(owner)
        return policy_of.document if policy_of is not None else None
    return _organization_document(account, ref)


def _organization_document(account: Account, ref: StatementRef) -> PolicyDocument | None:
    if isinstance(account.organization, Missing) or account.organization.value is None:
        return None
    path = account.organization.value.path
    if ref.level is None or ref.level >= len(path):
        return None
    level = path[ref.level]
    fact = level.scps if ref.layer is Layer.SCP else level.rcps
    if isinstance(fact, Missing):
        return None
    return next((policy.document for policy in fact.value if ref.policy in (policy.arn, policy.name)), None)


def statement_text(document: PolicyDocument, ref: StatementRef) -> list[tuple[int, str]]:
    """The lines of one statement as the JSON tab shows them, each with its number; none when unreadable."""
    if document.error is not None or ref.lines is None:
        return []
    first, last = ref.lines
    rows = document.text.split("\n")
    return [(number, rows[number - 1]) for number in range(first, min(last, len(rows)) + 1)]
