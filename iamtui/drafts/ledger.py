"""The working copy in which a draft's edits are laid over an account: only what is touched is ever copied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from iamtui.account.model import (
    Account,
    Entity,
    Fact,
    Group,
    Known,
    ManagedPolicy,
    Missing,
    Organization,
    OrganizationPolicy,
    ResourcePolicy,
    Role,
    User,
)
from iamtui.drafts.edits import (
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
from iamtui.policy.document import PolicyDocument, render
from iamtui.problem import Problem
from iamtui.text import safe_text

Holder: TypeAlias = User | Group | Role
"""What can hold policies."""

Managed: TypeAlias = Callable[[str], ManagedPolicy | None]
"""Finds an AWS managed policy by its name or ARN."""

E = TypeVar("E", bound=User | Group | Role | ManagedPolicy)


class Misfit(Problem):
    """One edit does not fit the account; whoever lays the edits adds which one."""


@dataclass(frozen=True, slots=True)
class DraftFinding:
    """Something worth knowing about a draft that does not stop it.

    Args:
        edit: number of the edit it is about, from 1; 0: the draft as a whole.
        kind: "no effect" (the edit changes nothing), "quota" (AWS would refuse unless the quota is raised),
            "refused" (AWS would refuse it for another reason), "denies less" (a Deny of the account is gone or
            changed), "nothing allowed" (no SCP of a level allows anything), "error" and "warning" (what the lint says
            of its document), "shared" (others gain by it too), "name" (it is called like a policy of AWS) or "unknown"
            (what it does is not fully known).
        sentence: one sentence, safe to show.
    """

    edit: int
    kind: str
    sentence: str


class Ledger:
    """An account with some records exchanged.

    Args:
        account: what the edits are laid over; it is never changed.
        managed: where AWS managed policies come from that the account does not have.
    """

    def __init__(self, account: Account, managed: Managed) -> None:
        self.base = account
        self.managed = managed
        self.findings: list[DraftFinding] = []
        self.number = 0
        self.touched: dict[str, int] = {}
        self._entities: dict[str, Entity] = {}
        self._documents: dict[str, PolicyDocument] = {}
        self._resources: dict[str, ResourcePolicy] | None = None
        self._organization: Organization | None = None

    def entity(self, arn: str) -> Entity | None:
        """The record of this ARN as it stands after the edits so far."""
        return self._entities.get(arn) or self.base.by_arn(arn)

    def put(self, entity: Entity) -> None:
        """Exchange or add a record."""
        self._entities[entity.arn] = entity
        self.touched[entity.arn] = self.number

    def find(self, kind: str, sentence: str) -> None:
        """Note a finding about the edit being laid; the sentence is made safe here."""
        self.findings.append(DraftFinding(self.number, kind, safe_text(sentence)))

    def holder(self, arn: str) -> Holder:
        """The user, group or role of this ARN.

        Raises:
            Misfit: there is none, or it is a role that only AWS changes.
        """
        found = self.entity(arn)
        if not isinstance(found, (User, Group, Role)):
            raise Misfit(
                f"expected a user, group or role of account {self.base.id}, and {safe_text(arn) or 'the text'} is none",
                "Correct its ARN, or leave the edit out.",
            )
        if isinstance(found, Role):
            self._check_role(found)
        return found

    def role(self, arn: str) -> Role:
        """The role of this ARN.

        Raises:
            Misfit: there is none, or only AWS changes it.
        """
        found = self.entity(arn)
        if not isinstance(found, Role):
            raise Misfit(
                f"expected a role of account {self.base.id}, and {safe_text(arn) or 'the text'} is none",
                "Correct its ARN, or leave the edit out.",
            )
        self._check_role(found)
        return found

    def _check_role(self, role: Role) -> None:
        name = safe_text(role.name)
        if role.service_linked:
            raise Misfit(
                f"role/{name} is a service-linked role, whose policies only its AWS service changes",
                "Leave the edit out.",
            )
        if role.sso_reserved and role.arn not in self.touched:
            self.find(
                "refused", f"role/{name} belongs to IAM Identity Center: make the change in its permission set instead."
            )

    def policy(self, arn: str) -> ManagedPolicy | None:
        """The managed policy of this ARN as it stands, or None."""
        found = self.entity(arn)
        return found if isinstance(found, ManagedPolicy) else None

    def document(self, text: str, now: PolicyDocument | None = None) -> PolicyDocument:
        """The document for a text; `now`, the very object, when it says the same.

        Raises:
            Misfit: the text is not a policy document; says where and why.
        """
        found = self._documents.get(text)
        if found is None:
            found = self._documents[text] = PolicyDocument(text)
        if found.error is not None:
            if not text.strip():
                raise Misfit("the document is empty, and a JSON object with a Statement is expected", "Write one.")
            reason = found.error.sentence.removesuffix(".")
            raise Misfit(f"the document cannot be read: {safe_text(reason)}", "Correct the document.")
        if now is not None and now.error is None and render(now.value) == render(found.value):
            return now
        return found

    @property
    def organization(self) -> Organization:
        """The organization as it stands.

        Raises:
            Misfit: it is not loaded, or the account is in none.
        """
        if self._organization is not None:
            return self._organization
        fact = self.base.organization
        if isinstance(fact, Missing):
            raise Misfit(
                f"the organization is not loaded ({safe_text(fact.reason)}), so what stands at its levels is unknown",
                "Open the account with a caller that may read its organization, or leave the edit out.",
            )
        if fact.value is None:
            raise Misfit(f"account {self.base.id} is in no organization", "Leave the edit out.")
        return fact.value

    def put_organization(self, organization: Organization) -> None:
        self._organization = organization

    def resource_policy(self, arn: str) -> ResourcePolicy | None:
        if self._resources is not None:
            return self._resources.get(arn)
        return self.base.resource_policies.get(arn)

    def put_resource_policy(self, arn: str, policy: ResourcePolicy) -> None:
        """Exchange the policy of a resource."""
        if self._resources is None:
            self._resources = dict(self.base.resource_policies)
        self._resources[arn] = policy
        self.touched[arn] = self.number

    def account(self) -> Account:
        """The account with every exchange made; all other records are the very objects of the base."""
        base = self.base
        organization: Fact[Organization | None] = base.organization
        if self._organization is not None:
            organization = Known(self._organization)
        return replace(
            base,
            users=self._exchanged(User, base.users),
            groups=self._exchanged(Group, base.groups),
            roles=self._exchanged(Role, base.roles),
            policies=self._exchanged(ManagedPolicy, base.policies),
            organization=organization,
            resource_policies=base.resource_policies if self._resources is None else self._resources,
        )

    def _exchanged(self, kind: type[E], records: tuple[E, ...]) -> tuple[E, ...]:
        changed = {arn: entity for arn, entity in self._entities.items() if isinstance(entity, kind)}
        if not changed:
            return records
        kept = tuple(changed.pop(record.arn, record) for record in records)
        return (*kept, *changed.values())


# What stands before an edit of a draft: the account, with the edits that were made earlier.


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
