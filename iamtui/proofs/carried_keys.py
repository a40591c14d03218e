"""Condition keys that a request can carry: by kind of caller and action, and which of them go together.

IAM User Guide: global condition context keys, which says of each key when it is in a request.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeAlias

from iamtui.catalog.actions import catalogue
from iamtui.engine.request import PrincipalKind
from iamtui.policy.conditions import parse_date
from iamtui.policy.patterns import Token
from iamtui.text import safe_text

Values: TypeAlias = tuple[str, ...]

ALWAYS_THERE: Final = frozenset(
    ("aws:securetransport", "aws:currenttime", "aws:epochtime", "aws:viaawsservice", "aws:requestedregion")
)
"""Keys that every request carries."""


@dataclass(frozen=True)
class Carried:
    """What is known of the contexts that requests of one kind carry; keys in lower case, () is absent.

    Args:
        likely: values that they are known to have.
        doubt: why it is not certain that they can have a value, or "".
        together: whether they can have some values at once.
        always: keys that they always have, besides those of all requests.
        never: values that a key cannot have, as patterns.
    """

    likely: Mapping[str, Values] = field(default_factory=dict)
    doubt: Callable[[str, Values], str] = lambda _key, _values: ""
    together: Callable[[Mapping[str, Values]], bool] = lambda _values: True
    always: frozenset[str] = frozenset()
    never: Mapping[str, tuple[tuple[Token, ...], ...]] = field(default_factory=dict)


ANYTHING: Final = Carried()

TAGS_OF_PRINCIPAL: Final = "aws:principaltag/"
WITHOUT_SESSION_TAGS: Final = (PrincipalKind.USER, PrincipalKind.ROOT)
_SESSIONS: Final = (PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION, PrincipalKind.FEDERATED_USER)
_VIA_A_SERVICE: Final = ("aws:viaawsservice", ("true",))


def always_carried(kind: PrincipalKind) -> frozenset[str]:
    """The keys that every request of such a caller carries, besides those of all requests."""
    return frozenset(("aws:tokenissuetime",)) if kind in _SESSIONS else frozenset()


def doubt_about(
    kind: PrincipalKind, action: str, likely: Mapping[str, Values], key: str, values: Values, *, own_tags: bool = True
) -> str:
    """Why it is not certain that a request carries values of a key, or carries none; "" where it can.

    Args:
        likely: what is known of the caller.
        own_tags: whether the tags of the caller are known.
    """
    if own_tags and key.startswith(TAGS_OF_PRINCIPAL) and kind not in WITHOUT_SESSION_TAGS:
        return "" if likely.get(key, ()) == values else "a session tag that the role's session would need"
    if not values:
        return ""
    if key.startswith(("aws:sourcevp", "aws:vpc")):
        return "the policy of a VPC endpoint is not loaded"
    if key.startswith(("aws:calledvia", "aws:chatbot", "aws:assumedroot")) or (key, values) == _VIA_A_SERVICE:
        return f"a request that comes through an AWS service or tool ({key})"
    if key.startswith("s3:dataaccesspoint"):
        return "the policy of an access point is not loaded"
    if key == "aws:sourceowner":
        return "AWS does not document who carries aws:SourceOwner"
    if not key.startswith("aws:") and not carries(action, key):
        return f"{action} is not known to carry {safe_text(key, limit=100)}"
    return ""


@lru_cache(maxsize=4096)
def carries(action: str, key: str) -> bool:
    """Whether requests of an action are known to carry a key that is not AWS's own; those of unknown actions may."""
    info = catalogue().action(action)
    if info is None:
        return True
    families = (name.partition("/")[0].partition("${")[0].lower() for name in info.all_condition_keys)
    return any(key.partition("/")[0] == family for family in families)


# Which keys go together. A key that the values lack is one that nothing asks for.

_ENDPOINT: Final = ("aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip")
_FROM_ENDPOINTS: Final = (*_ENDPOINT, "aws:sourcevpcarn", "aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths")
_FORWARDED: Final = ("aws:calledvia", "aws:calledviafirst", "aws:calledvialast")
_TOGETHER_OR_NOT: Final = (
    _ENDPOINT,
    _FORWARDED,
    *((f"aws:{whose}orgid", f"aws:{whose}orgpaths") for whose in ("principal", "resource", "source", "vpce")),
)
_TOKEN, _MFA, _AGE = "aws:tokenissuetime", "aws:multifactorauthpresent", "aws:multifactorauthage"
_OF_CALLERS: Final = {
    PrincipalKind.ROOT: ("Account", ":root"),
    PrincipalKind.USER: ("User", ":user/"),
    PrincipalKind.ROLE: ("AssumedRole", ":role/"),
    PrincipalKind.FEDERATED_USER: ("FederatedUser", ":federated-user/"),
}
"""The value of aws:PrincipalType, and what is in that of aws:PrincipalArn, by kind of caller."""
_OF_SESSIONS_OF_ROLES: Final = ("aws:sourceidentity", "aws:federatedprovider")
_COUPLED: Final = frozenset(
    (*_FROM_ENDPOINTS, *_FORWARDED, *(key for keys in _TOGETHER_OR_NOT for key in keys), _TOKEN, _MFA, _AGE,
     "aws:sourceip", "aws:tagkeys", "aws:userid", "aws:username", "aws:principaltype", "aws:principalarn",
     *_OF_SESSIONS_OF_ROLES)
)  # fmt: skip


def told_apart(key: str, values: Values) -> Hashable:
    """What matters of the values of a key to whether they go together with those of others."""
    if key not in _COUPLED:
        return None
    if key in (_MFA, "aws:principaltype", "aws:tagkeys"):
        return values
    if key == "aws:principalarn":
        return tuple(part in value for value in values for _, part in _OF_CALLERS.values())
    return (bool(values), any(":" in value for value in values)) if key == "aws:userid" else bool(values)


def go_together(values: Mapping[str, Values], kind: PrincipalKind | None = None) -> bool:
    """Whether a request can carry these values at once.

    Args:
        values: by key in lower case; () is absent.
        kind: of the caller; None: of some user, role, root user or federated user.
    """
    kinds = _OF_CALLERS if kind is None else (kind,)
    return all(rule(values) for rule in _RULES) and any(
        _by_credentials(values, one) and _by_caller(values, one) for one in kinds
    )


def _by_groups(values: Mapping[str, Values]) -> bool:
    return all(len({bool(values[key]) for key in keys if key in values}) < 2 for keys in _TOGETHER_OR_NOT)


def _by_network(values: Mapping[str, Values]) -> bool:
    if any(values.get(key) for key in _FROM_ENDPOINTS):
        return not values.get("aws:sourceip") and all(values.get(key) != () for key in _ENDPOINT)
    return not (values.get("aws:sourceip") == () and any(values.get(key) == () for key in _ENDPOINT))


def _by_credentials(values: Mapping[str, Values], kind: PrincipalKind) -> bool:
    mfa, age, token = values.get(_MFA), values.get(_AGE), values.get(_TOKEN)
    if (age and mfa not in (None, ("true",))) or (mfa == ("true",) and age == ()):
        return False
    if token == () and (mfa or age or kind in _SESSIONS):
        return False
    return not (token and mfa == () and kind is PrincipalKind.USER)


def _by_time(values: Mapping[str, Values]) -> bool:
    if "aws:currenttime" in values and "aws:epochtime" in values:
        return False
    given = (values.get(key) for key in (_TOKEN, "aws:currenttime"))
    issued, now = (parse_date(found[0]) if found else None for found in given)
    return issued is None or now is None or issued <= now


def _by_caller(values: Mapping[str, Values], kind: PrincipalKind) -> bool:
    if kind not in _OF_CALLERS and kind is not PrincipalKind.ROLE_SESSION:
        return True
    type_, part = _OF_CALLERS[PrincipalKind.ROLE if kind is PrincipalKind.ROLE_SESSION else kind]
    if values.get("aws:principaltype", (type_,)) != (type_,):
        return False
    if not all(part in value for value in values.get("aws:principalarn", ())) or values.get("aws:principalarn") == ():
        return False
    if bool(values.get("aws:username", kind is PrincipalKind.USER)) is not (kind is PrincipalKind.USER):
        return False
    if "aws:userid" in values and any(":" in value for value in values["aws:userid"]) is not (kind in _SESSIONS):
        return False
    is_of_role = kind in (PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION)
    return is_of_role or not any(values.get(key) for key in _OF_SESSIONS_OF_ROLES)


def _by_organization(values: Mapping[str, Values]) -> bool:
    for whose in ("principal", "resource", "source", "vpce"):
        id_, paths = values.get(f"aws:{whose}orgid"), values.get(f"aws:{whose}orgpaths")
        if id_ and paths and not all(path.startswith(f"{id_[0]}/") for path in paths):
            return False
    return True


def _by_tags(values: Mapping[str, Values]) -> bool:
    listed = values.get("aws:tagkeys")
    if listed is None:
        return True
    names = {name.lower() for name in listed}
    tags = [(key.partition("/")[2], found) for key, found in values.items() if key.startswith("aws:requesttag/")]
    return all((name in names) is bool(found) for name, found in tags)


def _by_forwarding(values: Mapping[str, Values]) -> bool:
    via, chain = values.get("aws:viaawsservice"), [values[key] for key in _FORWARDED if key in values]
    if via is not None and any(bool(found) is not (via == ("true",)) for found in chain):
        return False
    listed = values.get("aws:calledvia")
    return not listed or all(values.get(key, listed[:1])[0] in listed for key in _FORWARDED[1:])


_RULES: Final[tuple[Callable[[Mapping[str, Values]], bool], ...]] = (
    _by_groups,
    _by_network,
    _by_time,
    _by_organization,
    _by_tags,
    _by_forwarding,
)
