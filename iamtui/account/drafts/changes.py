"""Which policy documents differ between two accounts, for a diff."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iamtui.account.availability import Missing
from iamtui.account.drafts.words import entity_name, policy_name
from iamtui.account.model import Account, Group, ManagedPolicy, Role, User
from iamtui.account.organization import OrganizationLevel, OrganizationPolicy
from iamtui.policy.document import PolicyDocument


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """One policy document that is added, changed or gone.

    Args:
        kind: "inline", "managed" (the default version of a customer managed policy), "trust", "scp", "rcp"
            or "resource".
        owner: whose it is: the ARN of the holder, policy, role or resource, or the id of the level.
        name: the policy's name; "" for a trust or resource policy.
        before, after: the document; None where there is none.
    """

    kind: str
    owner: str
    name: str
    before: PolicyDocument | None
    after: PolicyDocument | None

    @property
    def title(self) -> str:
        """What it is in a few words, raw: "inline policy Deploy of user/alice"."""
        if self.kind == "inline":
            return f"inline policy {self.name} of {entity_name(self.owner)}"
        if self.kind == "managed":
            return f"policy {policy_name(self.owner)}"
        if self.kind == "trust":
            return f"trust policy of {entity_name(self.owner)}"
        if self.kind == "resource":
            return f"policy of {self.owner}"
        return f"{self.kind.upper()} {self.name} at {self.owner}"


def changed_documents(before: Account, after: Account) -> tuple[DocumentChange, ...]:
    """The documents that differ, in the account's order; what both accounts share is not looked at.

    The texts of AWS's own policies, which nobody can change, are left out.
    """
    return tuple(_changes(before, after))


def _changes(before: Account, after: Account) -> Iterator[DocumentChange]:
    pairs = ((before.users, after.users), (before.groups, after.groups), (before.roles, after.roles))
    for old, new in pairs:
        if old is not new:
            for holder in new:
                was = before.by_arn(holder.arn)
                if was is not holder:
                    yield from _of_holder(was if isinstance(was, (User, Group, Role)) else None, holder)
    if before.policies is not after.policies:
        for policy in after.policies:
            known = before.policy(policy.arn)
            if known is not policy and not policy.aws_managed:
                change = DocumentChange("managed", policy.arn, policy.name, _in_force(known), _in_force(policy))
                if change.before != change.after:
                    yield change
    yield from _of_levels(before, after)
    if before.resource_policies is not after.resource_policies:
        for arn in dict.fromkeys((*before.resource_policies, *after.resource_policies)):
            one, other = before.resource_policies.get(arn), after.resource_policies.get(arn)
            if one != other and not ((one and one.document) is None and (other and other.document) is None):
                yield DocumentChange(
                    "resource", arn, "", one.document if one else None, other.document if other else None
                )


def _in_force(policy: ManagedPolicy | None) -> PolicyDocument | None:
    version = policy.default_version if policy is not None else None
    return version.document if version is not None else None


def _of_holder(was: User | Group | Role | None, holder: User | Group | Role) -> Iterator[DocumentChange]:
    if isinstance(holder, Role):
        trust = was.trust if isinstance(was, Role) else None
        if trust != holder.trust:
            yield DocumentChange("trust", holder.arn, "", trust, holder.trust)
    old = {policy.name: policy.document for policy in was.inline_policies} if was is not None else {}
    new = {policy.name: policy.document for policy in holder.inline_policies}
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield DocumentChange("inline", holder.arn, name, old.get(name), new.get(name))


def _levels(account: Account) -> dict[str, OrganizationLevel]:
    fact = account.organization
    return {} if isinstance(fact, Missing) or fact.value is None else {level.id: level for level in fact.value.path}


def _of_levels(before: Account, after: Account) -> Iterator[DocumentChange]:
    if before.organization is after.organization:
        return
    old, new = _levels(before), _levels(after)
    shown: set[tuple[str, str]] = set()
    for level_id in dict.fromkeys((*old, *new)):
        for kind in ("scp", "rcp"):
            one, other = _named(old.get(level_id), kind), _named(new.get(level_id), kind)
            for name in dict.fromkeys((*one, *other)):
                was, now = one.get(name), other.get(name)
                # One policy, attached to several levels, has its text changed once.
                rewritten = was is not None and now is not None
                if was == now or (rewritten and (kind, name) in shown):
                    continue
                if rewritten:
                    shown.add((kind, name))
                yield DocumentChange(kind, level_id, name, was, now)


def _named(level: OrganizationLevel | None, kind: str) -> dict[str, PolicyDocument]:
    fact = None if level is None else level.rcps if kind == "rcp" else level.scps
    policies: tuple[OrganizationPolicy, ...] = () if fact is None or isinstance(fact, Missing) else fact.value
    return {policy.name: policy.document for policy in policies}
