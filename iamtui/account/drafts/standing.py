"""What stands before an edit of a draft: the account, with the edits that were made earlier.

Enough of it to tell what an edit adds from what it replaces, without laying the earlier edits over the account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iamtui.account.availability import Missing
from iamtui.account.drafts.draft import (
    DeleteInlinePolicy,
    DeletePermissionsBoundary,
    DeleteResourcePolicy,
    DetachOrganizationPolicy,
    Edit,
    PutInlinePolicy,
    PutManagedPolicy,
    PutOrganizationPolicy,
    PutPermissionsBoundary,
    PutResourcePolicy,
    UpdateTrustPolicy,
)
from iamtui.account.model import Account, Group, Role, User
from iamtui.account.organization import OrganizationPolicy
from iamtui.policy.document import PolicyDocument


@dataclass(frozen=True, slots=True)
class Standing:
    """An account with some edits made, looked at document by document.

    Args:
        account: as the source has it.
        earlier: the edits made so far, oldest first.
    """

    account: Account
    earlier: Sequence[Edit] = ()

    def has_managed(self, arn: str) -> bool:
        """Whether there is a managed policy of this ARN."""
        made = any(isinstance(edit, PutManagedPolicy) and edit.policy_arn == arn for edit in self.earlier)
        return made or self.account.policy(arn) is not None

    def managed(self, arn: str) -> PolicyDocument | None:
        """The document in force of a managed policy; None: there is none, or it is not loaded."""
        for edit in reversed(self.earlier):
            if isinstance(edit, PutManagedPolicy) and edit.policy_arn == arn:
                return PolicyDocument(edit.document)
        policy = self.account.policy(arn)
        version = policy.default_version if policy is not None else None
        return version.document if version is not None else None

    def inline(self, holder_arn: str, name: str) -> PolicyDocument | None:
        """The inline policy of this name, or None."""
        for edit in reversed(self.earlier):
            if isinstance(edit, PutInlinePolicy | DeleteInlinePolicy) and (edit.holder_arn, edit.name) == (
                holder_arn,
                name,
            ):
                return PolicyDocument(edit.document) if isinstance(edit, PutInlinePolicy) else None
        holder = self.account.by_arn(holder_arn)
        inline = holder.inline_policies if isinstance(holder, User | Group | Role) else ()
        return next((policy.document for policy in inline if policy.name == name), None)

    def trust(self, role_arn: str) -> PolicyDocument | None:
        """A role's trust policy; None for a role that is not loaded."""
        for edit in reversed(self.earlier):
            if isinstance(edit, UpdateTrustPolicy) and edit.role_arn == role_arn:
                return PolicyDocument(edit.document)
        role = self.account.by_arn(role_arn)
        return role.trust if isinstance(role, Role) else None

    def boundary(self, holder_arn: str) -> str:
        """The ARN of the permissions boundary of a user or role, or ""."""
        for edit in reversed(self.earlier):
            if isinstance(edit, PutPermissionsBoundary) and edit.holder_arn == holder_arn:
                return edit.policy_arn
            if isinstance(edit, DeletePermissionsBoundary) and edit.holder_arn == holder_arn:
                return ""
        holder = self.account.by_arn(holder_arn)
        return (holder.boundary_arn or "") if isinstance(holder, User | Role) else ""

    def organization(self, type_: str, level_id: str, name: str) -> PolicyDocument | None:
        """The SCP or RCP of this name at a level, or None. One name is one policy, with one text at all levels."""
        if not self._attached(type_, level_id, name):
            return None
        for edit in reversed(self.earlier):
            if isinstance(edit, PutOrganizationPolicy) and (edit.type, edit.name) == (type_, name):
                return PolicyDocument(edit.document)
        return next(policy.document for policy in self._at(type_, level_id) if policy.name == name)

    def _attached(self, type_: str, level_id: str, name: str) -> bool:
        for edit in reversed(self.earlier):
            if isinstance(edit, PutOrganizationPolicy | DetachOrganizationPolicy) and (
                edit.type,
                edit.level_id,
                edit.name,
            ) == (type_, level_id, name):
                return isinstance(edit, PutOrganizationPolicy)
        return any(policy.name == name for policy in self._at(type_, level_id))

    def _at(self, type_: str, level_id: str) -> Sequence[OrganizationPolicy]:
        fact = self.account.organization
        for level in () if isinstance(fact, Missing) or fact.value is None else fact.value.path:
            if level.id == level_id:
                attached = level.rcps if type_ == "RESOURCE_CONTROL_POLICY" else level.scps
                return () if isinstance(attached, Missing) else attached.value
        return ()

    def resource(self, resource_arn: str) -> PolicyDocument | None:
        """The policy of a resource; None: it has none, or it is not loaded."""
        for edit in reversed(self.earlier):
            if isinstance(edit, PutResourcePolicy | DeleteResourcePolicy) and edit.resource_arn == resource_arn:
                return PolicyDocument(edit.document) if isinstance(edit, PutResourcePolicy) else None
        known = self.account.resource_policies.get(resource_arn)
        return known.document if known is not None and known.state == "present" else None
