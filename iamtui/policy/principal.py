"""Principal and NotPrincipal elements against a caller (IAM User Guide: Principal and NotPrincipal elements)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from iamtui.policy.arn import Arn, is_account_id, parse_arn
from iamtui.policy.document import PrincipalEntry, Statement
from iamtui.policy.truth import SessionLeaf, Truth, any_of, negate


class Strength(StrEnum):
    """By which form of principal an Allow reaches the caller; it decides what else the caller needs."""

    SESSION = "session"
    USER = "user"
    WILDCARD = "wildcard"
    ROLE = "role"
    ISSUER = "issuer"
    ACCOUNT = "account"
    SERVICE = "service"
    FEDERATED = "federated"


class CallerKind(StrEnum):
    """What principal elements need to know of a caller's kind."""

    ROOT = "root"
    USER = "user"
    ROLE = "role"
    FEDERATED_USER = "federated_user"
    SERVICE = "service"
    PROVIDER = "provider"
    CANONICAL_USER = "canonical_user"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller as principal elements see it.

    Args:
        kind: a role session and a role given as caller are both ROLE.
        name: user, session, role or provider ARN; service name or canonical id.
        account, partition: of the caller, or "".
        role_name: for ROLE.
        role_arn: for ROLE when its path is known, else None: the name then decides.
        session_arn: for a ROLE whose session is known, else None.
        unique_id: AIDA... or AROA..., or None.
        issuer: user ARN behind a FEDERATED_USER, or None.
        session_may_vary: for a ROLE without session, whether session entries are undetermined (else no match).
        has_boundary: whether a permissions boundary is in force.
    """

    kind: CallerKind
    name: str
    account: str = ""
    partition: str = ""
    role_name: str = ""
    role_arn: str | None = None
    session_arn: str | None = None
    unique_id: str | None = None
    issuer: str | None = None
    session_may_vary: bool = False
    has_boundary: bool = False


@dataclass(frozen=True, slots=True)
class PrincipalRules:
    """Rules that differ by policy type and open point.

    Args:
        trust: whether the document is a role trust policy.
        star_includes_services: whether an Allow to "*" includes service principals.
        aws_star_admits_services: whether {"AWS": "*"} in the Allow of a trust policy admits services.
        account_root_needed: whether Deny with NotPrincipal also denies when the account root is not listed.
        outsiders_are_granted: whether Allow with NotPrincipal reaches everyone who is not listed, or nobody.
    """

    trust: bool = False
    star_includes_services: bool = True
    aws_star_admits_services: bool = False
    account_root_needed: bool = False
    outsiders_are_granted: bool = True


_IN_ACCOUNT = frozenset((CallerKind.ROOT, CallerKind.USER, CallerKind.ROLE, CallerKind.FEDERATED_USER))
_OWN = frozenset(
    (Strength.SESSION, Strength.USER, Strength.ROLE, Strength.SERVICE, Strength.FEDERATED, Strength.WILDCARD)
)


def match_entry(entry: PrincipalEntry, caller: Caller, *, trust: bool) -> tuple[Strength, Truth] | None:
    """How one entry reaches the caller, or None when it does not.

    A wildcard inside an ARN or id makes an entry that matches nobody. Federated entries mean something in role
    trust policies only.
    """
    value = entry.value
    if value == "*":
        return (Strength.WILDCARD, True) if entry.bare or entry.kind == "AWS" else None
    if entry.kind == "AWS":
        return _match_aws(value, caller)
    if entry.kind == "Service":
        return (Strength.SERVICE, True) if caller.kind is CallerKind.SERVICE and value == caller.name else None
    if entry.kind == "Federated":
        same = trust and caller.kind is CallerKind.PROVIDER and value == caller.name
        return (Strength.FEDERATED, True) if same else None
    if entry.kind == "CanonicalUser":
        same = caller.kind is CallerKind.CANONICAL_USER and value == caller.name
        return (Strength.ACCOUNT, True) if same else None
    return None


def _match_aws(value: str, caller: Caller) -> tuple[Strength, Truth] | None:
    if is_account_id(value):
        return (Strength.ACCOUNT, True) if caller.kind in _IN_ACCOUNT and value == caller.account else None
    arn = parse_arn(value)
    if arn is None:
        if caller.unique_id is not None and value == caller.unique_id:
            return (Strength.USER if caller.kind is CallerKind.USER else Strength.ROLE, True)
        return None
    if arn.service == "iam":
        return _match_iam_arn(value, arn, caller)
    if arn.service == "sts":
        return _match_session_arn(value, arn, caller)
    return None


def _match_iam_arn(value: str, arn: Arn, caller: Caller) -> tuple[Strength, Truth] | None:
    if arn.resource == "root" and not arn.region:
        same = caller.kind in _IN_ACCOUNT and (arn.account, arn.partition) == (caller.account, caller.partition)
        return (Strength.ACCOUNT, True) if same else None
    if caller.kind is CallerKind.USER:
        return (Strength.USER, True) if value == caller.name else None
    if caller.kind is CallerKind.FEDERATED_USER:
        return (Strength.ISSUER, True) if value == caller.issuer else None
    if caller.kind is CallerKind.ROLE and is_role(value, arn, caller):
        return (Strength.ROLE, True)
    return None


def is_role(value: str, arn: Arn, caller: Caller) -> bool:
    """Whether a role ARN names the caller's role; by name alone when the caller's role path is not known."""
    if caller.role_arn is not None:
        return value == caller.role_arn
    return (
        arn.resource.startswith("role/")
        and not arn.region
        and arn.name == caller.role_name
        and (arn.account, arn.partition) == (caller.account, caller.partition)
    )


def _match_session_arn(value: str, arn: Arn, caller: Caller) -> tuple[Strength, Truth] | None:
    if caller.kind is CallerKind.FEDERATED_USER:
        return (Strength.SESSION, True) if value == caller.name else None
    if caller.kind is not CallerKind.ROLE:
        return None
    if caller.session_arn is not None:
        return (Strength.SESSION, True) if value == caller.session_arn else None
    parts = arn.resource.split("/")
    of_this_role = (
        caller.session_may_vary
        and len(parts) == 3
        and parts[:2] == ["assumed-role", caller.role_name]
        and not arn.region
        and (arn.account, arn.partition) == (caller.account, caller.partition)
        and "*" not in parts[2]
    )
    return (Strength.SESSION, SessionLeaf(parts[2])) if of_this_role else None


def _reaches(entry: PrincipalEntry, caller: Caller, rules: PrincipalRules) -> bool:
    """Whether a star entry of an Allow reaches callers that are no AWS principals; an identity provider it does not."""
    if entry.value != "*":
        return True
    if caller.kind is CallerKind.SERVICE:
        admitted = entry.bare or not rules.trust or rules.aws_star_admits_services
        return rules.star_includes_services and admitted
    return caller.kind is not CallerKind.PROVIDER


def allow_strengths(statement: Statement, caller: Caller, rules: PrincipalRules) -> Mapping[Strength, Truth]:
    """By which forms the principals of an Allow statement reach the caller; empty when they do not.

    A statement with neither Principal nor NotPrincipal reaches nobody. NotPrincipal with Allow, which AWS no
    longer accepts, reaches everyone who is not listed. An identity provider has to be named.
    """
    if statement.not_principals is not None:
        if not rules.outsiders_are_granted or caller.kind is CallerKind.PROVIDER:
            return {}
        listed = any_of(
            found[1] for entry in statement.not_principals if (found := match_entry(entry, caller, trust=rules.trust))
        )
        outside = negate(listed)
        return {} if outside is False else {Strength.WILDCARD: outside}
    reached: dict[Strength, Truth] = {}
    for entry in statement.principals or ():
        found = match_entry(entry, caller, trust=rules.trust)
        if found is not None and _reaches(entry, caller, rules):
            strength, truth = found
            reached[strength] = any_of((reached.get(strength, False), truth))
    return reached


def deny_applies(statement: Statement, caller: Caller, rules: PrincipalRules) -> Truth:
    """Whether the principals of a Deny statement include the caller.

    NotPrincipal spares only a caller whose own ARN is listed (its role counts as own) and who has no
    permissions boundary.
    """
    if statement.not_principals is not None:
        return True if caller.has_boundary else negate(_own_arn_listed(statement.not_principals, caller, rules))
    return any_of(
        found[1] for entry in statement.principals or () if (found := match_entry(entry, caller, trust=rules.trust))
    )


def _own_arn_listed(entries: tuple[PrincipalEntry, ...], caller: Caller, rules: PrincipalRules) -> Truth:
    own: list[Truth] = []
    root_listed = False
    for entry in entries:
        found = match_entry(entry, caller, trust=rules.trust)
        if found is None:
            continue
        strength, truth = found
        if strength in _OWN or caller.kind in (CallerKind.ROOT, CallerKind.CANONICAL_USER):
            own.append(truth)
        if strength in (Strength.ACCOUNT, Strength.WILDCARD):
            root_listed = True
    if rules.account_root_needed and caller.kind in _IN_ACCOUNT and not root_listed:
        return False
    return any_of(own)
