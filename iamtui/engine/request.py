"""A request and the policies in force for it, as the evaluator takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias

from msgspec import Struct

from iamtui.policy.context import KeyValues
from iamtui.policy.document import PolicyDocument
from iamtui.policy.patterns import Arn, is_account_id, is_pattern, parse_arn
from iamtui.policy.types import LanguageOptions


class NamedPolicy(Struct, frozen=True):
    """A document under the name it is known by (policy name or ARN)."""

    name: str
    document: PolicyDocument


class MissingPolicy(Struct, frozen=True):
    """A policy that is in force but whose document is not known: it may allow and it may deny.

    Args:
        name: policy name or ARN.
        permission: the IAM action that would let it be read, or empty.
        reason: why it is missing ("not in the snapshot", "unreadable: ...").
        unreadable: whether the document is there and cannot be understood.
        only_allows: whether it is known to deny nothing.
    """

    name: str
    permission: str = ""
    reason: str = ""
    unreadable: bool = False
    only_allows: bool = False


PolicyInForce: TypeAlias = NamedPolicy | MissingPolicy


class NotEvaluated(Struct, frozen=True):
    """A layer that is not loaded or switched off; `reason` is a short phrase."""

    reason: str
    permission: str = ""


class PolicyWithUnread(NamedPolicy, frozen=True):
    """The policy of a resource, beside which another is in force that is not read: that of a registry, or a domain.

    Args:
        beside: what the other is called.
    """

    unread: NotEvaluated
    beside: str


class PolicyLevel(Struct, frozen=True):
    """The SCPs or RCPs of one level (root, OU or account).

    Args:
        not_loaded: why nothing is known of this level, which is then left out; None: `policies` are all of them.
    """

    policies: tuple[PolicyInForce, ...]
    name: str | None = None
    not_loaded: NotEvaluated | None = None


class OrganizationPlace(StrEnum):
    """Place of an account in an organization."""

    MANAGEMENT = "management"
    MEMBER = "member"
    OUTSIDE = "outside"


class PoliciesInForce(Struct, frozen=True):
    """Policies and settings in force for one request.

    An empty tuple of boundaries, session or endpoint policies means that the layer is absent.

    Args:
        identity: the caller's own policies and those of its groups, or of its role or issuer.
        boundaries: the permissions boundary (at most one in AWS).
        session: inline and managed session policies.
        scope_downs: policies passed to sts:GetScopedCredentials, one call after the other; each of them has to allow.
        resource: the policy of the resource; None when it has none.
        scps, rcps: levels from the root; () means not in an organization; NotEvaluated: not loaded.
        vpc_endpoint: policies of the endpoint that the request travels through.
        principal_in_management_account, resource_in_management_account: exempt from SCPs, RCPs.
        principal_in_iam_delegated_administrator: whether the caller's account is a delegated administrator for IAM;
            None: not known.
        principal_place: where the caller's account stands in an organization; None: not known.
        principal_delegated_services: the service principals of which the caller's account is known to be a delegated
            administrator.
        users_may_change_password: whether the account's password policy lets its users change their own password.
        restrict_public_buckets: S3 Block Public Access; NotEvaluated: not known.
        public_policy: whether the bucket policy counts as public; None: judge it.
        lasting: whether the same tuples (and the same principal) will be asked about again, so that what is made
            of them is worth keeping.
        resource_lasts: whether that is so of the resource's policy, too.
    """

    identity: tuple[PolicyInForce, ...] | NotEvaluated = ()
    boundaries: tuple[PolicyInForce, ...] | NotEvaluated = ()
    session: tuple[PolicyInForce, ...] | NotEvaluated = ()
    scope_downs: tuple[PolicyInForce, ...] = ()
    resource: PolicyInForce | NotEvaluated | None = None
    scps: tuple[PolicyLevel, ...] | NotEvaluated = ()
    rcps: tuple[PolicyLevel, ...] | NotEvaluated = ()
    vpc_endpoint: tuple[PolicyInForce, ...] | NotEvaluated = ()
    principal_in_management_account: bool = False
    resource_in_management_account: bool = False
    principal_in_iam_delegated_administrator: bool | None = None
    principal_place: OrganizationPlace | None = None
    principal_delegated_services: tuple[str, ...] = ()
    users_may_change_password: bool | NotEvaluated = False
    restrict_public_buckets: bool | NotEvaluated = False
    public_policy: bool | None = None
    lasting: bool = False
    resource_lasts: bool = True


class EngineOptions(LanguageOptions, frozen=True):
    """The open points of AWS's documentation that can change a decision, each with its default.

    Args:
        anonymous_userid: whether an anonymous caller has aws:userid "anonymous".
        deny_federated_without_session_policy: whether GetFederationToken without policies can use identity policies.
        role_grant_limited_by_caps: whether a same-account grant to a role ARN (or to the issuer of a
            federated-user session) is limited by the boundary's silence.
        one_session_policy_is_enough: whether it is enough that one of several session policies allows, instead of each.
        not_principal_root_required: whether Deny with NotPrincipal also denies when the account root is not listed.
        not_principal_allow_grants: whether Allow with NotPrincipal, which AWS no longer accepts, grants to everyone
            who is not listed.
        star_allow_includes_services: whether an Allow to "*" includes service principals.
        trust_aws_star_admits_everyone: whether {"AWS": "*"} in a trust policy admits services.
        legacy_role_self_trust: whether roles trust themselves, as they may trust their account, without saying so.
        block_public_access_is_explicit: whether a Block Public Access rejection counts as an explicit deny.
    """

    anonymous_userid: bool = True
    deny_federated_without_session_policy: bool = True
    role_grant_limited_by_caps: bool = True
    one_session_policy_is_enough: bool = True
    not_principal_root_required: bool = False
    not_principal_allow_grants: bool = True
    star_allow_includes_services: bool = True
    trust_aws_star_admits_everyone: bool = False
    legacy_role_self_trust: bool = False
    block_public_access_is_explicit: bool = True


DEFAULT_OPTIONS = EngineOptions()


class Mode(StrEnum):
    """How a context key that nobody gave is read."""

    RAW = "raw"
    """It is absent: the request is given as a whole, as in a scenario (whose `mode` calls this strict)."""
    STRICT = "strict"
    """It is absent if AWS sends it only sometimes; what AWS always sends has an assumed value, or an unknown one."""
    DISCOVER = "discover"
    """It is unknown; what AWS always sends has an assumed value, where one can be assumed."""


class PrincipalKind(StrEnum):
    """The kinds of caller that AWS's evaluation tells apart."""

    ROOT = "root"
    USER = "user"
    ROLE_SESSION = "role_session"
    ROLE = "role"
    """A role ARN given as the caller: some session of it, session name unknown."""
    FEDERATED_USER = "federated_user"
    SERVICE = "service"
    IDENTITY_PROVIDER = "identity_provider"
    """An unauthenticated AssumeRoleWithSAML or AssumeRoleWithWebIdentity caller."""
    CANONICAL_USER = "canonical_user"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Principal:
    """A caller.

    Args:
        kind: what it is.
        arn: the caller ARN as services see it (for ROLE the role ARN); a provider's ARN or host for
            IDENTITY_PROVIDER, the service name for SERVICE, the id for CANONICAL_USER, "" for ANONYMOUS.
        account: 12 digits, or None where the caller has none.
        role_arn: for ROLE and ROLE_SESSION the role's full ARN when its path is known, else None.
        unique_id: AIDA... or AROA... of the user or role, or None when unknown.
        issuer: for FEDERATED_USER the ARN of the user who called GetFederationToken, or None.
        credentials: "long_term", "temporary" or None when not said.
        not_service_linked: whether the role is known to be no service-linked one, although its name begins so.
        stands_for: of an example of many, the pattern of their ARNs, or "*"; raw text.
    """

    kind: PrincipalKind
    arn: str
    account: str | None = None
    role_arn: str | None = None
    unique_id: str | None = None
    issuer: str | None = None
    credentials: str | None = None
    not_service_linked: bool = False
    stands_for: str = ""

    @property
    def role_name(self) -> str | None:
        """The name of the role behind a ROLE or ROLE_SESSION caller."""
        arn = parse_arn(self.arn)
        if arn is None:
            return None
        if self.kind is PrincipalKind.ROLE_SESSION:
            return arn.resource.split("/")[1]
        return arn.name if self.kind is PrincipalKind.ROLE else None

    @property
    def session_name(self) -> str | None:
        """The session name of a ROLE_SESSION or FEDERATED_USER caller."""
        if self.kind in (PrincipalKind.ROLE_SESSION, PrincipalKind.FEDERATED_USER):
            return self.arn.rsplit("/", 1)[-1]
        return None


ANONYMOUS: Final = Principal(PrincipalKind.ANONYMOUS, "")
"""The caller whose request is not signed."""


class Request(Struct, frozen=True):
    """One request to AWS, without the policies.

    Args:
        principal: the caller.
        action: "service:Operation", any letter case.
        resource: one ARN, an ARN pattern with `*`, or "*".
        resource_account: owner of the resource, 12 digits; None: from the ARN, else the caller's.
        context: condition key to values, as given; names in any letter case, an empty tuple is absent (then a `*` in
            the name stands for any text).
        derived: what follows from the account (principal tags, organization, ...) and the environment, by
            lower-case key, strongest first; a value in `context` wins.
        mode: how keys that nobody gave are read.
        known_absent: in discover mode, keys known to be absent; a `*` stands for any text, as in `aws:PrincipalTag/*`.
        any_value: keys that are present with an unknown value.
        wildcard_only_action: whether the action has no resource type; None: look it up in the catalogue.
        assumptions: what whoever asks has taken for granted, to be said with the decision.
        notes: one sentence each on how it came to this request, likewise.
        no_such_resource: a sentence that says so, where the resource is known not to exist.
    """

    principal: Principal
    action: str
    resource: str
    resource_account: str | None = None
    context: Mapping[str, tuple[str, ...]] = {}
    derived: tuple[KeyValues, ...] = ()
    mode: Mode = Mode.RAW
    known_absent: tuple[str, ...] = ()
    any_value: tuple[str, ...] = ()
    wildcard_only_action: bool | None = None
    assumptions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    no_such_resource: str = ""


_PROVIDER_ACTIONS = ("sts:assumerolewithsaml", "sts:assumerolewithwebidentity")


def principal_from_text(
    text: str, *, action: str = "", credentials: str | None = None, issuer: str | None = None
) -> Principal:
    """Turn the text that names a caller into a Principal, without an inventory.

    Args:
        text: an ARN (user, role, role session, federated user, root, provider), a 12-digit account (its
            root), a service name, an identity provider's host, 64 hex digits (canonical user), or "anonymous".
        action: decides whether a bare name is an identity provider or a service.
        credentials: "long_term", "temporary" or None.
        issuer: user ARN behind a federated-user session.

    Raises:
        ValueError: the ARN is of no kind that can call AWS.
    """
    if text == "anonymous":
        return ANONYMOUS
    if is_account_id(text):
        return Principal(PrincipalKind.ROOT, f"arn:aws:iam::{text}:root", text, credentials=credentials)
    if not text.startswith("arn:"):
        if action.lower() in _PROVIDER_ACTIONS:
            return Principal(PrincipalKind.IDENTITY_PROVIDER, text)
        if len(text) == 64 and all(c in "0123456789abcdef" for c in text.lower()):
            return Principal(PrincipalKind.CANONICAL_USER, text)
        return Principal(PrincipalKind.SERVICE, text)
    return _principal_from_arn(text, credentials, issuer)


def with_path_of_role(principal: Principal, values: tuple[str, ...]) -> Principal:
    """The same caller, with its role's path where `aws:PrincipalArn` tells it: a session's own ARN does not.

    Args:
        values: what was given of the key.
    """
    arn = parse_arn(values[0]) if len(values) == 1 else None
    if principal.kind is not PrincipalKind.ROLE_SESSION or principal.role_arn is not None or arn is None:
        return principal
    own = parse_arn(principal.arn)
    assert own is not None
    same = (arn.partition, arn.service, arn.region, arn.account) == (own.partition, "iam", "", own.account)
    if same and arn.resource.startswith("role/") and arn.name == principal.role_name:
        return replace(principal, role_arn=values[0])
    return principal


def _principal_from_arn(text: str, credentials: str | None, issuer: str | None) -> Principal:
    arn = parse_arn(text)
    if arn is None:
        raise ValueError("an ARN has six fields separated by colons")
    kind = arn.resource_type
    _refuse_wildcard(arn)
    name = arn.name if "/" in arn.resource else ""
    if arn.service == "iam" and is_account_id(arn.account):
        if arn.resource == "root":
            return Principal(PrincipalKind.ROOT, text, arn.account, credentials=credentials)
        if kind == "user" and name:
            return Principal(PrincipalKind.USER, text, arn.account, credentials=credentials)
        if kind == "role" and name:
            return Principal(PrincipalKind.ROLE, text, arn.account, role_arn=text, credentials="temporary")
        if kind in ("saml-provider", "oidc-provider"):
            return Principal(PrincipalKind.IDENTITY_PROVIDER, text)
    if arn.service == "sts" and is_account_id(arn.account):
        parts = arn.resource.split("/")
        if kind == "assumed-role" and len(parts) == 3 and all(parts):
            return Principal(PrincipalKind.ROLE_SESSION, text, arn.account, credentials="temporary")
        if kind == "federated-user" and len(parts) == 2 and all(parts):
            return Principal(PrincipalKind.FEDERATED_USER, text, arn.account, issuer=issuer, credentials="temporary")
    raise ValueError("not the ARN of a user, role, role session, federated user, root or identity provider")


def _refuse_wildcard(arn: Arn) -> None:
    # A path of IAM may hold these characters.
    if is_pattern(arn.partition) or is_pattern(arn.resource if arn.service == "sts" else arn.name):
        raise ValueError("a caller is one principal, whose name holds no wildcard")


# What follows from the caller: its condition keys.


_NOTHING: Final[tuple[str, ...]] = ()
_TAGS: Final = "aws:principaltag/"
_PRINCIPAL_TYPES: Final = {
    PrincipalKind.ROOT: "Account",
    PrincipalKind.USER: "User",
    PrincipalKind.ROLE_SESSION: "AssumedRole",
    PrincipalKind.ROLE: "AssumedRole",
    PrincipalKind.FEDERATED_USER: "FederatedUser",
}


WITH_IAM_POLICIES: Final = frozenset(
    (PrincipalKind.USER, PrincipalKind.ROLE_SESSION, PrincipalKind.ROLE, PrincipalKind.FEDERATED_USER)
)
"""The callers that have identity policies, a boundary or session policies."""


WITH_CREDENTIALS: Final = WITH_IAM_POLICIES | {PrincipalKind.ROOT}
"""The callers that sign with credentials of an account, which may be temporary."""


def partition_of(principal: Principal) -> str:
    arn = parse_arn(principal.arn)
    return arn.partition if arn else ""


def role_arn_of(principal: Principal) -> str | None:
    """The ARN of the role behind a role caller; written without a path when the path is not known."""
    if principal.role_arn is not None:
        return principal.role_arn
    name = principal.role_name
    if name is None:
        return None
    return f"arn:{partition_of(principal)}:iam::{principal.account}:role/{name}"


def is_service_linked(principal: Principal) -> bool:
    """True for a service-linked role: by its path, or by the prefix of its name where nobody knows better.

    Only the path is AWS's own (IAM API Reference: CreateRole); a role of an account may have such a name.
    """
    arn = None if principal.not_service_linked else role_arn_of(principal)
    return arn is not None and (
        ":role/aws-service-role/" in arn or arn.rsplit("/", 1)[-1].startswith("AWSServiceRoleFor")
    )


FIXED_KEYS: Final = frozenset(
    (
        "aws:principalarn",
        "aws:principalaccount",
        "aws:principaltype",
        "aws:principalisawsservice",
        "aws:principalservicename",
        "aws:username",
    )
)
"""The keys that every caller decides by itself."""


def caller_fixed_keys(principal: Principal, *, anonymous_userid: bool = True) -> Mapping[str, tuple[str, ...]]:
    """The condition keys that the caller alone decides, by lower-case name; () is known to be absent.

    IAM User Guide: global condition context keys, and principal key values.
    """
    kind = principal.kind
    arn = principal.arn
    account = principal.account
    if kind in (PrincipalKind.ROLE_SESSION, PrincipalKind.ROLE):
        arn = role_arn_of(principal) or ""
    in_account = kind in _PRINCIPAL_TYPES
    keys = {
        "aws:principalarn": (arn,) if in_account else _NOTHING,
        "aws:principalaccount": (account,) if in_account and account else _NOTHING,
        "aws:principaltype": (_PRINCIPAL_TYPES[kind],) if in_account else _NOTHING,
        "aws:principalisawsservice": ("false",) if in_account else _NOTHING,
        "aws:principalservicename": _NOTHING,
        "aws:username": (principal.arn.rsplit("/", 1)[-1],) if kind is PrincipalKind.USER else _NOTHING,
    }
    if kind is PrincipalKind.SERVICE:
        keys["aws:principalisawsservice"] = ("true",)
        keys["aws:principalservicename"] = (principal.arn,)
    elif kind is PrincipalKind.ANONYMOUS:
        keys["aws:principalaccount"] = ("anonymous",)
        keys["aws:principaltype"] = ("Anonymous",)
        keys["aws:userid"] = ("anonymous",) if anonymous_userid else _NOTHING
    return keys
