"""The records of an account. All are immutable, hold raw text, and know no source and no engine.

Those that nobody makes an altered copy of are Structs: a class of one is made in 0.01 ms of the start, not in 0.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Final, Generic, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct

from iamtui.account.identity_center import IdentityCenter
from iamtui.policy.document import PolicyDocument

Whole: TypeAlias = Annotated[int, Meta(gt=-(10**18), lt=10**18)]
"""A whole number, one that can be reckoned with as a fraction too."""


class PasswordPolicy(Struct, frozen=True):
    """The rules for console passwords of IAM users, under the names of GetAccountPasswordPolicy; None: no rule."""

    minimum_length: Whole = msgspec.field(name="MinimumPasswordLength")
    symbols: bool = msgspec.field(default=False, name="RequireSymbols")
    numbers: bool = msgspec.field(default=False, name="RequireNumbers")
    uppercase: bool = msgspec.field(default=False, name="RequireUppercaseCharacters")
    lowercase: bool = msgspec.field(default=False, name="RequireLowercaseCharacters")
    users_may_change: bool = msgspec.field(default=False, name="AllowUsersToChangePassword")
    max_age_days: Whole | None = msgspec.field(default=None, name="MaxPasswordAge")
    reuse_prevention: Whole | None = msgspec.field(default=None, name="PasswordReusePrevention")
    hard_expiry: bool | None = msgspec.field(default=False, name="HardExpiry")


class ServerCertificate(Struct, frozen=True):
    """A TLS certificate that IAM keeps for load balancers. Times are UTC."""

    name: str
    path: str
    arn: str
    id: str
    uploaded: datetime | None
    expires: datetime | None


class PublicAccessBlock(Struct, frozen=True):
    """The S3 Block Public Access switch that matters to decisions, as effective for one bucket."""

    restrict_public_buckets: bool = False


class ServiceUse(Struct, frozen=True):
    """When an entity last used a service that its policies allow; None: not in the period that AWS tracks.

    Args:
        service: the prefix of its actions ("s3").
        actions: those that AWS tracks one by one, by name ("CreateBucket"), with their last use.
    """

    service: str
    last_used: datetime | None
    region: str = ""
    actions: Mapping[str, datetime | None] = {}


class LastAccessed(Struct, frozen=True):
    """The services that an entity's policies allow, with their last use (IAM User Guide: last accessed information)."""

    read_at: datetime | None
    services: tuple[ServiceUse, ...]


T = TypeVar("T")

# Known and Missing: every fact that a source can lack says whether it is there, and if not, why.


class Known(Struct, Generic[T], frozen=True):
    """A fact the source gave. `Known(None)` means that the source was queried and there is none."""

    value: T

    def value_or(self, _otherwise: object) -> T:
        """The value; what is given instead where the fact is Missing."""
        return self.value


class Missing(Struct, frozen=True):
    """A fact the source did not give; never to be read as "none".

    Args:
        reason: why, as a short phrase ("not in the snapshot", "access denied").
        permission: the IAM action that would let the source give it ("iam:ListRoles"), or empty.
    """

    reason: str
    permission: str = ""

    def value_or(self, otherwise: T) -> T:
        return otherwise


Fact: TypeAlias = Known[T] | Missing


class Gap(Struct, frozen=True):
    """One thing a whole source lacks, for the visible list of what was missing.

    Args:
        what: what is lacking ("documents of AWS managed policies", "organization").
        permission: the IAM action that would have given it, or empty.
        error: what the source or AWS said, or empty.
    """

    what: str
    permission: str = ""
    error: str = ""


UnreadPart: TypeAlias = Literal["groups", "inline policies", "attached policies", "permissions boundary", "tags"]

Tags: TypeAlias = tuple[tuple[str, str], ...]
"""Pairs of tag key and value, in the source's order."""

NOT_LOADED = Missing("not loaded")
NOT_IN_SNAPSHOT: Final = "not in the snapshot"
"""Why a fact is Missing that no file of an account has."""


class InlinePolicy(Struct, frozen=True):
    """A policy embedded in one user, group or role."""

    name: str
    document: PolicyDocument


class AttachedPolicy(Struct, frozen=True):
    """The attachment of a managed policy; the document is found through Account.policy(arn)."""

    name: str
    arn: str


class Unread(Struct, frozen=True):
    """A part of a user, group or role that could not be read: what it allows or forbids is not known.

    Args:
        part: "groups", "inline policies", "attached policies", "permissions boundary" or "tags".
        permission: the IAM action that would let it be read.
        reason: why it was not, as a short phrase.
    """

    part: UnreadPart
    permission: str = ""
    reason: str = ""


class AccessKey(Struct, frozen=True):
    """A long-term access key of a user. Times are UTC. `id` is not secret; the secret half is never read."""

    id: str
    status: str
    created: datetime | None
    last_used: datetime | None = None
    last_service: str = ""
    last_region: str = ""


class MfaDevice(Struct, frozen=True):
    """An MFA device of a user, named by its serial number or ARN."""

    serial: str
    enabled: datetime | None


class LoginProfile(Struct, frozen=True):
    """A console password; its presence is what matters."""

    created: datetime | None
    reset_required: bool = False


class CredentialReportRow(Struct, frozen=True):
    """A row of the credential report: one user, or the root user (IAM User Guide: credential reports).

    Its facts have the form of a User's, but the report knows neither the ids of keys nor the names of MFA devices.
    """

    user: str
    arn: str
    password_last_used: datetime | None = None
    access_keys: tuple[AccessKey, ...] = ()
    mfa_devices: tuple[MfaDevice, ...] = ()
    login_profile: LoginProfile | None = None


ROOT_ROW: Final = "<root_account>"
"""The root user's name in the credential report."""


class CredentialReport(Struct, frozen=True):
    """The credentials of all users, as AWS last put them together: at most every four hours."""

    generated: datetime | None
    rows: tuple[CredentialReportRow, ...]

    def row(self, user: str) -> CredentialReportRow | None:
        return next((row for row in self.rows if row.user == user), None)


@dataclass(frozen=True, slots=True)
class User:
    """An IAM user. Times are UTC; every Fact can be Missing, which is not the same as none."""

    name: str
    path: str
    arn: str
    id: str
    created: datetime | None
    groups: tuple[str, ...] = ()
    inline_policies: tuple[InlinePolicy, ...] = ()
    attached_policies: tuple[AttachedPolicy, ...] = ()
    boundary_arn: str | None = None
    tags: Tags = ()
    password_last_used: Fact[datetime | None] = NOT_LOADED
    access_keys: Fact[tuple[AccessKey, ...]] = NOT_LOADED
    mfa_devices: Fact[tuple[MfaDevice, ...]] = NOT_LOADED
    login_profile: Fact[LoginProfile | None] = NOT_LOADED
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """An IAM group. Its members are the users that name it: Account.members(name)."""

    name: str
    path: str
    arn: str
    id: str
    created: datetime | None
    inline_policies: tuple[InlinePolicy, ...] = ()
    attached_policies: tuple[AttachedPolicy, ...] = ()
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True)
class Role:
    """An IAM role. `max_session_seconds` is MaxSessionDuration; `last_used` is Known(None) when never used."""

    name: str
    path: str
    arn: str
    id: str
    created: datetime | None
    trust: PolicyDocument
    inline_policies: tuple[InlinePolicy, ...] = ()
    attached_policies: tuple[AttachedPolicy, ...] = ()
    boundary_arn: str | None = None
    tags: Tags = ()
    description: Fact[str] = NOT_LOADED
    max_session_seconds: Fact[int] = NOT_LOADED
    last_used: Fact[datetime | None] = NOT_LOADED
    last_used_region: str = ""
    unread: tuple[Unread, ...] = ()

    @property
    def service_linked(self) -> bool:
        """True for a service-linked role, which AWS owns for one of its services (IAM User Guide)."""
        return self.path.startswith("/aws-service-role/")

    @property
    def sso_reserved(self) -> bool:
        """True for a role that IAM Identity Center owns."""
        return self.path.startswith("/aws-reserved/")


class PolicyVersion(Struct, frozen=True):
    """One version of a managed policy."""

    id: str
    document: PolicyDocument
    is_default: bool
    created: datetime | None = None

    @property
    def number(self) -> int:
        """7 of "v7": AWS counts versions up and never gives a number again. 0 where the id is not one of AWS."""
        found = re.fullmatch("v([1-9][0-9]{0,8})", self.id)
        return int(found[1]) if found is not None else 0


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """A managed policy, customer's or AWS's. Only the default version has effect."""

    name: str
    path: str
    arn: str
    id: str
    created: datetime | None
    versions: tuple[PolicyVersion, ...] = ()
    attachment_count: Fact[int] = NOT_LOADED
    boundary_count: Fact[int] = NOT_LOADED
    description: Fact[str] = NOT_LOADED
    updated: datetime | None = None
    tags: Tags = ()

    @property
    def aws_managed(self) -> bool:
        """True for a policy that AWS owns (its ARN has `aws` in the account field)."""
        return ":iam::aws:" in self.arn

    @property
    def default_version(self) -> PolicyVersion | None:
        """The version in force, or None when the source did not give its document."""
        return next((version for version in self.versions if version.is_default), None)

    @property
    def document(self) -> PolicyDocument | None:
        """The document in force, or None when the source did not give it."""
        version = self.default_version
        return version.document if version is not None else None


class InstanceProfile(Struct, frozen=True):
    """An instance profile and the names of its roles (at most one)."""

    name: str
    path: str
    arn: str
    id: str
    created: datetime | None
    roles: tuple[str, ...] = ()
    tags: Tags = ()


class IdentityProvider(Struct, frozen=True):
    """A SAML or OIDC provider that trust policies may name. `type` is "SAML" or "OIDC"."""

    arn: str
    type: str
    name: str
    created: datetime | None = None
    audiences: tuple[str, ...] = ()


class ResourcePolicy(Struct, frozen=True):
    """Policy of one resource, as far as it is known.

    Args:
        state: "present", "none" (asked, the resource has none) or "denied" (the caller may not read it).
        document: the policy when present.
        permission: the action that would let the caller read it, when denied.
    """

    state: str
    document: PolicyDocument | None = None
    permission: str = ""


DEMO: Final = "demo"
"""Source of a demo snapshot, in the field that otherwise names AWS."""

DRAFTED_FROM: Final = "drafted from"
"""Under what an account that a draft made remembers, in its memo, the one that the draft was applied to."""

Entity: TypeAlias = User | Group | Role | ManagedPolicy | InstanceProfile | IdentityProvider


@dataclass(frozen=True, repr=False)
class Account:
    """Everything a source knows of one account. Immutable: loading more gives a new Account.

    Args:
        id: 12 digits.
        partition: "aws", "aws-cn", "aws-us-gov", ...
        alias: the account alias; Known(None) when there is none.
        caller_arn: who is asking, as GetCallerIdentity says it.
        taken_at: when the data was read, UTC.
        region: the Region that its reader worked in, "" when unknown.
        not_aws: what answered in the place of AWS (the URL of an endpoint, or DEMO), or "".
        organization: Known(None) when the account is in no organization; Missing: SCPs and RCPs unknown.
        resource_policies: by resource ARN; an ARN that is not there was not asked about.
        public_access_blocks: by bucket name.
        kms_aliases: by the ARN of an alias, that of the KMS key it stands for; of a Region all or none are there.
        summary: counts and quotas, as GetAccountSummary names them ("AccountMFAEnabled", "UsersQuota").
        password_policy: Known(None) when none is set.
        last_accessed: by the ARN of a user, role, group or policy; one that is not there was not asked about.
        identity_center: what IAM Identity Center says of its roles.
        gaps: what the source lacks as a whole.
        deleted: the ARNs of the users, roles and policies that a draft deletes.
    """

    id: str
    partition: str = "aws"
    alias: Fact[str | None] = NOT_LOADED
    caller_arn: Fact[str] = NOT_LOADED
    taken_at: datetime | None = None
    region: str = ""
    not_aws: str = ""
    users: tuple[User, ...] = ()
    groups: tuple[Group, ...] = ()
    roles: tuple[Role, ...] = ()
    policies: tuple[ManagedPolicy, ...] = ()
    instance_profiles: tuple[InstanceProfile, ...] = ()
    providers: Fact[tuple[IdentityProvider, ...]] = NOT_LOADED
    organization: Fact[Organization | None] = NOT_LOADED
    resource_policies: Mapping[str, ResourcePolicy] = field(default_factory=dict)
    public_access_blocks: Mapping[str, PublicAccessBlock] = field(default_factory=dict)
    kms_aliases: Mapping[str, str] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    summary: Fact[Mapping[str, int]] = NOT_LOADED
    password_policy: Fact[PasswordPolicy | None] = NOT_LOADED
    credential_report: Fact[CredentialReport] = NOT_LOADED
    server_certificates: Fact[tuple[ServerCertificate, ...]] = NOT_LOADED
    last_accessed: Mapping[str, LastAccessed] = field(default_factory=dict)
    identity_center: Fact[IdentityCenter] = NOT_LOADED
    deleted: frozenset[str] = frozenset()

    @cached_property
    def unlisted(self) -> tuple[Gap, ...]:
        """Why there may be users, groups or roles that are not here; empty when all of them are."""
        names = (REST_OF_ACCOUNT, UNLISTED["users"], UNLISTED["groups"], UNLISTED["roles"])
        return tuple(gap for gap in self.gaps if gap.what in names)

    @property
    def organization_levels(self) -> tuple[OrganizationLevel, ...]:
        """From the root of the organization to the account; none where it is in none, or that is unknown."""
        return known.path if (known := self.organization.value_or(None)) is not None else ()

    def why_unlisted(self, kind: str) -> Missing | None:
        """Why there may be more of a kind than are here ("users", "instance profiles"); None: all of them are."""
        found = next((gap for gap in self.gaps if gap.what in (REST_OF_ACCOUNT, UNLISTED[kind])), None)
        return Missing(found.error, found.permission) if found is not None else None

    @cached_property
    def principals(self) -> tuple[User | Role, ...]:
        return (*self.users, *self.roles)

    @cached_property
    def identities(self) -> tuple[User | Group | Role, ...]:
        """Its users, groups and roles: those that have policies."""
        return (*self.users, *self.groups, *self.roles)

    @cached_property
    def _by_arn(self) -> dict[str, Entity]:
        return {entity.arn: entity for entity in self.entities()}

    @cached_property
    def _by_id(self) -> dict[str, Entity]:
        return {e.id: e for e in self.entities() if not isinstance(e, IdentityProvider) and e.id}

    @cached_property
    def _by_name(self) -> dict[tuple[type, str], Any]:
        return {(type(one), one.name): one for one in self.identities}

    @cached_property
    def _members(self) -> dict[str, tuple[User, ...]]:
        members: dict[str, list[User]] = {}
        for user in self.users:
            for name in user.groups:
                members.setdefault(name, []).append(user)
        return {name: tuple(users) for name, users in members.items()}

    @cached_property
    def _holders(self) -> dict[str, tuple[User | Group | Role, ...]]:
        holders: dict[str, list[User | Group | Role]] = {}
        for holder in self.identities:
            for attached in holder.attached_policies:
                holders.setdefault(attached.arn, []).append(holder)
        return {arn: tuple(found) for arn, found in holders.items()}

    @property
    def is_being_read(self) -> bool:
        """True while the account is still being read, and this is only a part."""
        return any(gap.what == REST_OF_ACCOUNT and gap.error == BEING_READ for gap in self.gaps)

    @property
    def lacks_principals(self) -> bool:
        """True if the account may have users and roles that are not listed."""
        return any(gap.what != UNLISTED["groups"] for gap in self.unlisted)

    def short_name(self, arn: str) -> str:
        """An IAM ARN of this account without what all of them begin with: "role/deploy"; any other as it is."""
        return arn.removeprefix(f"arn:{self.partition}:iam::{self.id}:")

    @cached_property
    def memo(self) -> dict[Any, Any]:
        """A scratch dictionary for what other rooms derive from this account, gone with the account."""
        return {}

    def __repr__(self) -> str:
        # Frameworks describe calls by the repr of their arguments: that of ten thousand records costs 200 ms.
        counts = f"{len(self.users)} users, {len(self.groups)} groups, {len(self.roles)} roles"
        return f"Account({self.id}: {counts}, {len(self.policies)} policies)"

    def entities(self) -> Iterator[Entity]:
        """All users, groups, roles, policies, instance profiles and known providers."""
        yield from self.users
        yield from self.groups
        yield from self.roles
        yield from self.policies
        yield from self.instance_profiles
        yield from self.providers.value_or(())

    def by_arn(self, arn: str) -> Entity | None:
        return self._by_arn.get(arn)

    def by_id(self, unique_id: str) -> Entity | None:
        """The entity with this unique id (AIDA..., AROA...), or None."""
        return self._by_id.get(unique_id)

    def user(self, name: str) -> User | None:
        found: User | None = self._by_name.get((User, name))
        return found

    def group(self, name: str) -> Group | None:
        found: Group | None = self._by_name.get((Group, name))
        return found

    def role(self, name: str) -> Role | None:
        """The role of this name (without path), or None."""
        found: Role | None = self._by_name.get((Role, name))
        return found

    def policy(self, arn: str) -> ManagedPolicy | None:
        """The managed policy with this ARN, or None when the source did not give it."""
        found = self._by_arn.get(arn)
        return found if isinstance(found, ManagedPolicy) else None

    def document(self, arn: str) -> PolicyDocument | None:
        """The document in force of the managed policy with this ARN; None where it is not known."""
        policy = self.policy(arn)
        return policy.document if policy is not None else None

    @cached_property
    def _rows(self) -> dict[str, CredentialReportRow]:
        report = self.credential_report
        return {row.user: row for row in report.value.rows} if isinstance(report, Known) else {}

    def with_report(self, user: User) -> User:
        """The user; what is Missing of it is taken from the credential report, where that is Known."""
        row = self._rows.get(user.name)
        # A user may have been deleted and made again since the report.
        if row is None or row.arn != user.arn:
            return user
        names = ("password_last_used", "access_keys", "mfa_devices", "login_profile")
        missing: dict[str, Any] = {
            name: Known(getattr(row, name)) for name in names if isinstance(getattr(user, name), Missing)
        }
        return replace(user, **missing) if missing else user

    def members(self, group_name: str) -> tuple[User, ...]:
        return self._members.get(group_name, ())

    def holders(self, policy_arn: str) -> tuple[User | Group | Role, ...]:
        return self._holders.get(policy_arn, ())

    def bounded_by(self, policy_arn: str) -> tuple[User | Role, ...]:
        """The users and roles that have this policy as their permissions boundary."""
        return tuple(holder for holder in self.principals if holder.boundary_arn == policy_arn)


# Where an account stands in its organization, and the SCPs and RCPs attached at every level above it.


IAM_SERVICE: Final = "iam.amazonaws.com"
"""Service principal of the delegated administrators for IAM."""

REST_OF_ACCOUNT: Final = "the rest of the account"
"""Name of the gap when a listing of the entities broke off."""

BEING_READ: Final = "it is still being read"
"""Why that is so as long as the listing goes on."""

UNLISTED: Final = {
    "users": "all users",
    "groups": "all groups",
    "roles": "all roles",
    "policies": "all policies",
    "instance profiles": "instance profiles without a role",
}
"""Names of the gaps by the kind of entity that could not be listed."""

ORGANIZATION_GAP: Final = "organization: SCPs and RCPs"
"""Name of the gap when the organization is Missing."""


class OrganizationPolicy(Struct, frozen=True):
    """One SCP or RCP attached to one level."""

    arn: str
    name: str
    document: PolicyDocument


LEVEL_ID: Final = "r-[0-9a-z]{1,32}|ou-[0-9a-z]{1,32}-[0-9a-z]{1,32}|[0-9]{12}"
"""A regular expression for the id of a root, an OU or an account (Organizations API Reference)."""


@dataclass(frozen=True, slots=True)
class OrganizationLevel:
    """One step of the way from the root to the account.

    Args:
        id: root, OU or account id ("r-ab12", "ou-ab12-x", "123456789012").
        name: its name.
        type: "ROOT", "ORGANIZATIONAL_UNIT" or "ACCOUNT".
        scps: the attached SCPs, FullAWSAccess included; Missing when they could not be read.
        rcps: likewise for RCPs.
    """

    id: str
    name: str
    type: str
    scps: Fact[tuple[OrganizationPolicy, ...]]
    rcps: Fact[tuple[OrganizationPolicy, ...]]

    @property
    def policies(self) -> tuple[OrganizationPolicy, ...]:
        """The SCPs and RCPs that could be read."""
        return self.scps.value_or(()) + self.rcps.value_or(())


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization as seen from one of its accounts.

    Args:
        id: "o-...".
        management_account: 12 digits.
        path: the levels from the root (first) to the account itself (last).
        delegated_administrators: by service principal, the accounts that administer that service for the
            organization; None: not known.
    """

    id: str
    management_account: str
    path: tuple[OrganizationLevel, ...]
    delegated_administrators: Mapping[str, tuple[str, ...]] | None = None

    @property
    def org_path(self) -> str:
        """The value of aws:PrincipalOrgPaths: `o-id/r-id/ou-id/.../`, without the account."""
        steps = [level.id for level in self.path if level.type != "ACCOUNT"]
        return "/".join([self.id, *steps]) + "/"
