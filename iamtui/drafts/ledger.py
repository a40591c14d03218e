"""The working copy in which a draft's edits are applied to an account: only what is touched is ever copied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, TypeVar

from msgspec import structs

from iamtui.account.identity_center import permission_set_name
from iamtui.account.model import (
    Account,
    AttachedPolicy,
    Entity,
    Fact,
    Group,
    InstanceProfile,
    Known,
    ManagedPolicy,
    Missing,
    Organization,
    ResourcePolicy,
    Role,
    User,
)
from iamtui.policy.document import PolicyDocument, render
from iamtui.policy.patterns import parse_arn
from iamtui.problem import Problem
from iamtui.text import first_names, safe_text

Holder: TypeAlias = User | Group | Role
"""Entity that can hold policies."""

_MOST_HELD: Final = 500
"""Policies and groups of one principal. AWS attaches at most 25 and lets a user be in 10 groups, and inline policies
have at most 10,240 characters together."""

Managed: TypeAlias = Callable[[str], ManagedPolicy | None]
"""Finds an AWS managed policy by its name or ARN."""

E = TypeVar("E", bound=User | Group | Role | ManagedPolicy)


class Misfit(Problem):
    """One edit does not fit the account; whoever applies the edits adds which one."""


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
    """

    edit: int
    kind: str
    sentence: str


class Ledger:
    """An account with some records exchanged.

    Args:
        account: what the edits are applied to; it is never changed.
        managed: where AWS managed policies come from that the account does not have.
    """

    def __init__(self, account: Account, managed: Managed) -> None:
        self.base = account
        self.managed = managed
        self.findings: list[DraftFinding] = []
        self.number = 0
        self.touched: dict[str, int] = {}
        self._entities: dict[str, Entity] = {}
        self._removed: set[str] = set()
        self._documents: dict[str, PolicyDocument] = {}
        self._resources: dict[str, ResourcePolicy] | None = None
        self._organization: Organization | None = None

    def entity(self, arn: str) -> Entity | None:
        """The record of this ARN after the edits so far."""
        return None if arn in self._removed else self._entities.get(arn) or self.base.by_arn(arn)

    def roles(self) -> Iterator[Role]:
        """The roles after the edits so far."""
        made = (entity for arn, entity in self._entities.items() if self.base.by_arn(arn) is None)
        there = (self.entity(role.arn) for role in self.base.roles)
        yield from (entity for entity in (*there, *made) if isinstance(entity, Role))

    def having(self, policy_arn: str) -> Iterator[Holder]:
        """Who has a managed policy, as a boundary too, after the edits so far."""
        there = (*self.base.holders(policy_arn), *self.base.bounded_by(policy_arn))
        for arn in dict.fromkeys((*(holder.arn for holder in there), *self._entities)):
            found = self.entity(arn)
            if isinstance(found, (User, Group, Role)):
                bound = None if isinstance(found, Group) else found.boundary_arn
                if bound == policy_arn or any(policy.arn == policy_arn for policy in found.attached_policies):
                    yield found

    def put(self, entity: Entity) -> None:
        """Exchange or add a record.

        Raises:
            Misfit: an edit of the draft deletes it. Made anew it would have another unique id, by which AWS tells that
                policies that name the old one do not mean it.
        """
        if entity.arn in self._removed and isinstance(entity, User | Role):
            name = safe_text(entity.arn, limit=512)
            raise Misfit(f"{name} is deleted by an edit of this draft", "Make it anew by a draft of its own.")
        self._entities[entity.arn] = entity
        self._removed.discard(entity.arn)
        self.touched[entity.arn] = self.number

    def remove(self, entity: User | Role | ManagedPolicy) -> None:
        """Take a record out."""
        self._entities.pop(entity.arn, None)
        self._removed.add(entity.arn)
        self.touched.pop(entity.arn, None)

    def find(self, kind: str, sentence: str) -> None:
        """Note a finding about the edit being applied; the sentence is made safe here."""
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
        groups = len(found.groups) if isinstance(found, User) else 0
        if len(found.inline_policies) + len(found.attached_policies) + groups >= _MOST_HELD:
            raise Misfit(
                f"{safe_text(arn)} has {_MOST_HELD} policies and groups by now, more than AWS lets anybody have",
                "Leave the edit out, or divide the policies among several principals.",
            )
        return found

    def user(self, arn: str, advice: str) -> User:
        """The user of this ARN.

        Raises:
            Misfit: there is none; `advice` says what to do.
        """
        found = self.entity(arn)
        if not isinstance(found, User):
            raise Misfit(
                f"expected a user of account {self.base.id}, and {safe_text(arn) or 'an empty text'} is none", advice
            )
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
            of_set = safe_text(permission_set_name(role.name))
            where = f"its permission set {of_set}".rstrip()
            self.find("refused", f"role/{name} belongs to IAM Identity Center: make the change in {where} instead.")

    def policy(self, arn: str) -> ManagedPolicy | None:
        found = self.entity(arn)
        return found if isinstance(found, ManagedPolicy) else None

    def attachable(self, name_or_arn: str) -> AttachedPolicy:
        """The managed policy meant, added to the account's records when it is one of AWS that the account lacks.

        Raises:
            Misfit: there is none.
        """
        found = self.policy(name_or_arn)
        if found is None:
            found = self.managed(name_or_arn)
            if found is not None and self.policy(found.arn) is None:
                self.put(found)
                self.find(
                    "unknown",
                    f"The text of {safe_text(found.name)} is the one that came with iamtui; AWS may have a newer "
                    "version.",
                )
        if found is not None:
            if found.default_version is None:
                self.find(
                    "unknown",
                    f"The text of {safe_text(found.name)} is not loaded, so what it allows or denies is unknown.",
                )
            return AttachedPolicy(found.name, found.arn)
        arn = parse_arn(name_or_arn)
        shown = safe_text(name_or_arn, limit=512) or "an empty text"
        if arn is None or arn.service != "iam" or arn.resource_type != "policy" or not arn.name:
            raise Misfit(
                f"expected the ARN of a managed policy, and {shown} is none",
                "Give its ARN; an inline policy cannot be attached or be a boundary.",
            )
        if arn.account != "aws":
            raise Misfit(
                f"account {self.base.id} has no policy {shown}",
                "Correct the ARN, or create the policy with an earlier edit.",
            )
        self.find("unknown", f"The text of {shown} is not known here, so what it allows or denies is unknown.")
        return AttachedPolicy(arn.name, name_or_arn)

    def count(self, policy_arn: str, attachments: int = 0, boundaries: int = 0) -> None:
        """Keep the usage counts of a policy's record right, where they are known."""
        policy = self.policy(policy_arn)
        if policy is None:
            return

        def moved(count: Fact[int], by: int) -> Fact[int]:
            return count if isinstance(count, Missing) or by == 0 else Known(max(0, count.value + by))

        changed = replace(
            policy,
            attachment_count=moved(policy.attachment_count, attachments),
            boundary_count=moved(policy.boundary_count, boundaries),
        )
        if changed != policy:
            self.put(changed)

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
        """The organization after the edits so far.

        Raises:
            Misfit: it is not loaded, or the account is in none.
        """
        if self._organization is not None:
            return self._organization
        fact = self.base.organization
        if isinstance(fact, Missing):
            raise Misfit(
                f"the organization is not loaded ({safe_text(fact.reason)}), so the policies at its levels are unknown",
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
            instance_profiles=self._profiles(),
            organization=organization,
            deleted=base.deleted.union(self._removed) if self._removed else base.deleted,
            resource_policies=base.resource_policies if self._resources is None else self._resources,
        )

    def _exchanged(self, kind: type[E], records: tuple[E, ...]) -> tuple[E, ...]:
        changed = {arn: entity for arn, entity in self._entities.items() if isinstance(entity, kind)}
        if not changed and not any(record.arn in self._removed for record in records):
            return records
        kept = tuple(changed.pop(record.arn, record) for record in records if record.arn not in self._removed)
        return (*kept, *changed.values())

    def _profiles(self) -> tuple[InstanceProfile, ...]:
        """The instance profiles without roles that are deleted."""
        gone = {role.name for role in self.base.roles if role.arn in self._removed}
        if not gone:
            return self.base.instance_profiles
        return tuple(
            structs.replace(profile, roles=tuple(name for name in profile.roles if name not in gone))
            if gone.intersection(profile.roles)
            else profile
            for profile in self.base.instance_profiles
        )


def listed(what: str, names: Iterable[str]) -> str:
    shown = first_names(names, 8, limit=128)
    return f"{what}: {shown}." if shown else f"{what}: nothing. Leave the edit out."


def not_there(what: str, names: Iterable[str]) -> str:
    """Advice for an edit that removes something missing: its commands may have been run since."""
    return f"{listed(what, names).removesuffix(' Leave the edit out.')} Take the edit out if it has been made already."
