"""One authorization request: who asks, for which action, on which resource, in which context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from iamtui.policy.arn import is_account_id, parse_arn
from iamtui.policy.context import CommonContext


class Mode(StrEnum):
    """How a context key that nobody gave is read: absent (strict) or unknown (discover)."""

    STRICT = "strict"
    DISCOVER = "discover"


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


@dataclass(frozen=True, slots=True)
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
    """

    kind: PrincipalKind
    arn: str
    account: str | None = None
    role_arn: str | None = None
    unique_id: str | None = None
    issuer: str | None = None
    credentials: str | None = None

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


@dataclass(frozen=True)
class Request:
    """What is asked, without the policies.

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
    """

    principal: Principal
    action: str
    resource: str
    resource_account: str | None = None
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    derived: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    mode: Mode = Mode.STRICT
    known_absent: tuple[str, ...] = ()
    any_value: tuple[str, ...] = ()
    wildcard_only_action: bool | None = None
    assumptions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def by(
        self,
        principal: Principal,
        *,
        derived: tuple[Mapping[str, tuple[str, ...]], ...],
        known_absent: tuple[str, ...],
        assumptions: tuple[str, ...],
    ) -> Request:
        """The same asked by another principal; for thousands, so the other fields are taken over in one go."""
        made = object.__new__(Request)
        made.__dict__.update(
            self.__dict__, principal=principal, derived=derived, known_absent=known_absent, assumptions=assumptions
        )
        return made


def common_context(request: Request) -> CommonContext:
    """The context of a request, without what follows from the caller alone."""
    return CommonContext(
        request.context,
        derived=request.derived,
        any_value=request.any_value,
        known_absent=request.known_absent,
        discover=request.mode is Mode.DISCOVER,
    )


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
        return Principal(PrincipalKind.ANONYMOUS, "")
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
    if arn.service == "iam" and is_account_id(arn.account):
        if arn.resource == "root":
            return Principal(PrincipalKind.ROOT, text, arn.account, credentials=credentials)
        if kind == "user" and "/" in arn.resource:
            return Principal(PrincipalKind.USER, text, arn.account, credentials=credentials)
        if kind == "role" and "/" in arn.resource:
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
