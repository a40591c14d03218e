"""A what-if: edits laid over an Account. Records only; `application` lays them over an account.

Documents are raw JSON texts, so that an edit that is not valid JSON yet can be kept, shown and found fault with.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class AttachPolicy:
    """Attach a managed policy, customer's or AWS's, to a user, group or role."""

    holder_arn: str
    policy_arn: str


@dataclass(frozen=True, slots=True)
class DetachPolicy:
    """Detach a managed policy from a user, group or role."""

    holder_arn: str
    policy_arn: str


@dataclass(frozen=True, slots=True)
class PutInlinePolicy:
    """Give a user, group or role an inline policy, or replace the one of that name."""

    holder_arn: str
    name: str
    document: str


@dataclass(frozen=True, slots=True)
class DeleteInlinePolicy:
    """Take an inline policy from a user, group or role."""

    holder_arn: str
    name: str


@dataclass(frozen=True, slots=True)
class PutManagedPolicy:
    """Give a customer managed policy a new default version, or create it when the account has none of that ARN."""

    policy_arn: str
    document: str


@dataclass(frozen=True, slots=True)
class AddUserToGroup:
    """Put a user into a group."""

    user_arn: str
    group_arn: str


@dataclass(frozen=True, slots=True)
class RemoveUserFromGroup:
    """Take a user out of a group."""

    user_arn: str
    group_arn: str


@dataclass(frozen=True, slots=True)
class PutPermissionsBoundary:
    """Set the permissions boundary of a user or role."""

    holder_arn: str
    policy_arn: str


@dataclass(frozen=True, slots=True)
class DeletePermissionsBoundary:
    """Drop the permissions boundary of a user or role."""

    holder_arn: str


@dataclass(frozen=True, slots=True)
class UpdateTrustPolicy:
    """Replace a role's trust policy."""

    role_arn: str
    document: str


@dataclass(frozen=True, slots=True)
class PutOrganizationPolicy:
    """Attach an SCP or RCP at a level, or replace the document of the one of that name there.

    Args:
        type: "SERVICE_CONTROL_POLICY" or "RESOURCE_CONTROL_POLICY", as AWS Organizations names them.
        level_id: root, OU or account id ("r-ab12", "ou-ab12-x", "123456789012").
    """

    type: str
    level_id: str
    name: str
    document: str


@dataclass(frozen=True, slots=True)
class DetachOrganizationPolicy:
    """Take an SCP or RCP (by name) away from a level; `type` as in PutOrganizationPolicy."""

    type: str
    level_id: str
    name: str


@dataclass(frozen=True, slots=True)
class PutResourcePolicy:
    """Give a resource (a bucket, key, queue, ...) a policy, or replace it."""

    resource_arn: str
    document: str


@dataclass(frozen=True, slots=True)
class DeleteResourcePolicy:
    """Take a resource's policy away."""

    resource_arn: str


Edit: TypeAlias = (
    AttachPolicy
    | DetachPolicy
    | PutInlinePolicy
    | DeleteInlinePolicy
    | PutManagedPolicy
    | AddUserToGroup
    | RemoveUserFromGroup
    | PutPermissionsBoundary
    | DeletePermissionsBoundary
    | UpdateTrustPolicy
    | PutOrganizationPolicy
    | DetachOrganizationPolicy
    | PutResourcePolicy
    | DeleteResourcePolicy
)


@dataclass(frozen=True, slots=True)
class Draft:
    """Edits in the order they were made, over the account of this id.

    Args:
        account_id: 12 digits.
        name: what its maker calls it, or "".
        edits: oldest first; a later one wins.
    """

    account_id: str
    name: str = ""
    edits: tuple[Edit, ...] = field(default=())

    def with_edit(self, edit: Edit) -> Draft:
        return replace(self, edits=(*self.edits, edit))

    def undone(self) -> Draft:
        """The draft without its last edit; an empty draft stays as it is."""
        return replace(self, edits=self.edits[:-1])

    def without(self, index: int) -> Draft:
        return replace(self, edits=(*self.edits[:index], *self.edits[index + 1 :]))
