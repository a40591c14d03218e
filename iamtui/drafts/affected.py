"""Whom a draft can matter to: what lets answers be shared where a change provably cannot show."""

from __future__ import annotations

from dataclasses import dataclass

from iamtui.account.model import Account, Group, Role, User


@dataclass(frozen=True, slots=True)
class AffectedPrincipals:
    """Whom the difference between two accounts can matter to.

    Args:
        everyone: what decides for every caller differs: an organization's policy, a resource's policy, a role's
            trust policy, or which policies there are.
        entities: ARNs of the users and roles whose own record, groups, policies or boundary differ.
    """

    everyone: bool
    entities: frozenset[str]

    def reaches(self, entity_arn: str | None) -> bool:
        """Whether the user or role of this ARN can be answered differently; None is a caller of another kind."""
        return self.everyone or entity_arn is None or entity_arn in self.entities


def reach_of(before: Account, after: Account) -> AffectedPrincipals:
    """Compare two accounts of which one was made from the other, so that what is equal is the same object.

    What decides about a caller is its own record (tags, boundary, policies), those of its groups, the documents
    they attach, and what is the same for all: organization, resources, trust policies. Whoever shares all of
    these objects is answered alike.
    """
    documents = _changed_documents(before, after)
    everyone = (
        before.organization is not after.organization
        or before.resource_policies is not after.resource_policies
        or before.public_access_blocks is not after.public_access_blocks
        or any(before.policy(policy.arn) is None for policy in after.policies[len(before.policies) :])
        or any(_trust(before, role) is not role.trust for role in after.roles)
    )
    groups = {group.name for group in after.groups if _differs(before, group, documents)}
    entities: set[str] = set()
    for user in after.users:
        if _differs(before, user, documents) or (groups and not groups.isdisjoint(user.groups)):
            entities.add(user.arn)
    entities.update(role.arn for role in after.roles if _differs(before, role, documents))
    return AffectedPrincipals(everyone, frozenset(entities))


def _changed_documents(before: Account, after: Account) -> frozenset[str]:
    """ARNs of the managed policies whose text in force differs."""
    if before.policies is after.policies:
        return frozenset()
    changed: set[str] = set()
    for policy in after.policies:
        was = before.policy(policy.arn)
        if was is not policy and (was is None or was.default_version is not policy.default_version):
            changed.add(policy.arn)
    return frozenset(changed)


def _trust(before: Account, role: Role) -> object:
    was = before.by_arn(role.arn)
    return was.trust if isinstance(was, Role) else None


def _differs(before: Account, holder: User | Group | Role, documents: frozenset[str]) -> bool:
    if before.by_arn(holder.arn) is not holder:
        return True
    if not documents:
        return False
    if not isinstance(holder, Group) and holder.boundary_arn in documents:
        return True
    return any(attached.arn in documents for attached in holder.attached_policies)
