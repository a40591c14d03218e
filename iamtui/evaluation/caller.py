"""What follows from the caller: its condition keys, and how principal elements see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from iamtui.evaluation.request import Principal, PrincipalKind
from iamtui.policy.arn import parse_arn
from iamtui.policy.principal import Caller, CallerKind

_NOTHING: Final[tuple[str, ...]] = ()
_TAGS: Final = "aws:principaltag/"

_CALLER_KINDS: Final = {
    PrincipalKind.ROOT: CallerKind.ROOT,
    PrincipalKind.USER: CallerKind.USER,
    PrincipalKind.ROLE_SESSION: CallerKind.ROLE,
    PrincipalKind.ROLE: CallerKind.ROLE,
    PrincipalKind.FEDERATED_USER: CallerKind.FEDERATED_USER,
    PrincipalKind.SERVICE: CallerKind.SERVICE,
    PrincipalKind.IDENTITY_PROVIDER: CallerKind.PROVIDER,
    PrincipalKind.CANONICAL_USER: CallerKind.CANONICAL_USER,
    PrincipalKind.ANONYMOUS: CallerKind.ANONYMOUS,
}

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
PLAIN_KINDS: Final = frozenset((PrincipalKind.USER, PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION))
"""The callers for whom nothing but policies decides within their account."""


def partition_of(principal: Principal) -> str:
    """The partition of the caller's ARN, or ""."""
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
    """Whether the caller is a service-linked role, by path or by the prefix of its name."""
    arn = role_arn_of(principal)
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


def _caller_of(principal: Principal, *, session_may_vary: bool, has_boundary: bool) -> Caller:
    return Caller(
        kind=_CALLER_KINDS[principal.kind],
        name=principal.arn,
        account=principal.account or "",
        partition=partition_of(principal),
        role_name=principal.role_name or "",
        role_arn=principal.role_arn,
        session_arn=principal.arn if principal.kind is PrincipalKind.ROLE_SESSION else None,
        unique_id=principal.unique_id,
        issuer=principal.issuer,
        session_may_vary=session_may_vary and principal.kind is PrincipalKind.ROLE,
        has_boundary=has_boundary,
    )


_OF_ONE_CALLER: Final = frozenset(("aws:principalarn", "aws:userid", "aws:username"))
"""The keys, beside tags, whose values tell one caller of a class from another."""


def tells_callers_apart(key: str) -> bool:
    """Whether a lower-case key may have another value for another caller of the same class."""
    return key in _OF_ONE_CALLER or key.startswith(_TAGS)


@lru_cache(maxsize=4096)
def tell_callers_apart(keys: frozenset[str]) -> bool:
    """Whether one of the keys does."""
    return any(map(tells_callers_apart, keys))


@dataclass(frozen=True, slots=True)
class CallerClass:
    """Callers of whom the same is known, but for the few keys that tell one caller from another.

    What reads none of those keys comes to the same for all of them when they ask the same.

    Args:
        values: the other keys that follow from who asks, with their values.
        absent: names and families of keys that they are known not to have.
    """

    values: frozenset[tuple[str, tuple[str, ...]]]
    absent: tuple[str, ...]


def caller_class(principal: Principal, values: Mapping[str, tuple[str, ...]], absent: tuple[str, ...]) -> CallerClass:
    """The class of a caller.

    Args:
        values: what the account knows of the keys of this caller, by lower-case key; it goes before what follows
            from the principal alone.
        absent: keys, or families as `aws:PrincipalTag/*`, that this caller is known not to have.
    """
    known = (*caller_fixed_keys(principal).items(), *values.items())
    return CallerClass(frozenset(one for one in known if not tells_callers_apart(one[0])), absent)


class CallerFacts:
    """What follows from one principal, worked out once and kept while the same object is asked about."""

    __slots__ = ("_callers", "keys", "partition", "principal", "service_linked")

    def __init__(self, principal: Principal) -> None:
        self.principal = principal
        self.partition = partition_of(principal)
        self.service_linked = is_service_linked(principal)
        self.keys = caller_fixed_keys(principal)
        self._callers: dict[tuple[bool, bool], Caller] = {}

    def fixed_keys(self, *, anonymous_userid: bool) -> Mapping[str, tuple[str, ...]]:
        """As `caller_fixed_keys`; `keys` are those with the default."""
        if anonymous_userid or self.principal.kind is not PrincipalKind.ANONYMOUS:
            return self.keys
        return caller_fixed_keys(self.principal, anonymous_userid=anonymous_userid)

    def caller(self, *, session_may_vary: bool, has_boundary: bool) -> Caller:
        """The caller as principal elements see it.

        Args:
            session_may_vary: whether the session of a caller given as a role ARN is open (discover mode).
            has_boundary: whether a permissions boundary is in force.
        """
        key = (session_may_vary, has_boundary)
        found = self._callers.get(key)
        if found is None:
            found = self._callers[key] = _caller_of(
                self.principal, session_may_vary=session_may_vary, has_boundary=has_boundary
            )
        return found


_MOST_REMEMBERED: Final = 32768
_remembered: dict[int, CallerFacts] = {}


def caller_facts(principal: Principal, *, lasting: bool) -> CallerFacts:
    """The facts of a principal.

    Args:
        lasting: whether to remember them for as long as the same object is asked about.
    """
    if not lasting:
        return CallerFacts(principal)
    found = _remembered.get(id(principal))
    if found is not None and found.principal is principal:
        return found
    if len(_remembered) >= _MOST_REMEMBERED:
        _remembered.clear()
    # The facts hold the principal, so its id cannot be reused while it is a key here.
    made = _remembered[id(principal)] = CallerFacts(principal)
    return made


def forget_caller(principal: Principal) -> None:
    """Drop what is remembered of a principal that is asked about no more."""
    _remembered.pop(id(principal), None)
