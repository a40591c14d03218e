"""Requests that can exist: resources, values of condition keys, and which of these go together.

AWS gives an account 12 digits, a bucket a name, a principal an ARN; and many keys say the same of a request, so that
one cannot have a value that another denies (IAM User Guide: global condition context keys).
Examples of proofs, and the resources that stand for sets, are made of nothing else.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeAlias

from iamtui.catalog.actions import catalogue
from iamtui.catalog.condition_keys import KeyType, condition_key
from iamtui.catalog.tables import REGIONS
from iamtui.engine.request import PrincipalKind
from iamtui.policy.patterns import Token, Wild, is_account_id, parse_arn
from iamtui.policy.values import parse_date, parse_number
from iamtui.text import safe_text

Values: TypeAlias = tuple[str, ...]

ACCOUNT: Final = "123456789012"
"""An account for examples."""
_ACCOUNTS: Final = frozenset(
    ("aws:principalaccount", "aws:resourceaccount", "aws:sourceaccount", "aws:vpceaccount", "kms:calleraccount",
     "s3:resourceaccount")
)  # fmt: skip
_PRINCIPAL_ARN: Final = "aws:principalarn"
_NOW: Final = ("aws:currenttime", "aws:epochtime")
_DAY: Final = 24 * 3600
_LONGEST_SESSION: Final = 36 * 3600
_REGION: Final = "aws:requestedregion"
KNOWN_REGIONS: Final = frozenset().union(*REGIONS.values())


@dataclass(frozen=True)
class Occasion:
    """Known facts of a request besides its keys.

    Args:
        kind: of the caller; None: of some user, role, root user or federated user.
        action: "" where it is not known.
        resource: its ARN, "*" where it has none, "" where it is not known.
        partition: of the caller, or "".
    """

    kind: PrincipalKind | None = None
    action: str = ""
    resource: str = ""
    partition: str = ""


def why_impossible(values: Mapping[str, Values], occasion: Occasion) -> str:
    """Why no request carries some values at once, or is about its resource; "" where one can.

    Args:
        values: by key in lower case; () is absent. A key that they lack may have any value.
    """
    kinds = _OF_CALLERS if occasion.kind is None else (occasion.kind,)
    if occasion.resource and (why := why_no_resource(occasion.resource)):
        return why
    for key, found in values.items():
        for value in found:
            if why := why_no_value(key, value):
                return why
    is_one = (
        all(rule(values) for rule in _RULES)
        and _by_sameness(values, occasion.action)
        and _by_resource(values, occasion)
    )
    if is_one and any(_by_credentials(values, one) and _by_caller(values, one) for one in kinds):
        return ""
    shown = (
        f"{proper_key(key)} = {', '.join(found)}" if found else f"no {proper_key(key)}" for key, found in values.items()
    )
    return f"no request can have {safe_text(' and '.join(shown), limit=400)}"


# Resources.

_BUCKET: Final = re.compile(r"[A-Za-z0-9._-]{1,255}")


def why_no_resource(text: str) -> str:
    """Why no resource has an ARN, or ""."""
    arn = parse_arn(text)
    if arn is None:
        return ""
    account, shown = arn.account, safe_text(text, limit=200)
    if account and not is_account_id(account) and (set(account) & set("?*") or account.isdigit()):
        return f"{shown} is of no account: those have 12 digits"
    if arn.region and arn.region not in REGIONS.get(arn.partition, KNOWN_REGIONS):
        return f"{shown} is of no Region that is known"
    if arn.service == "s3" and not (arn.region or account) and not _BUCKET.fullmatch(arn.resource.split("/", 1)[0]):
        return f"{shown} is of no bucket: their names are letters, digits, dots and hyphens"
    return ""


# Values of one key.

_NAME: Final = (Wild.NAME_ONE, Wild.STAR)
_DIGITS: Final = (Wild.FIELD_ONE,) * 12
_UNIQUE: Final = (Wild.NAME_ONE,) * 17
_ORGANIZATION: Final = (*"o-", *(Wild.NAME_ONE,) * 10)
_ARN_OF_PRINCIPAL: Final = re.compile(
    r"arn:aws[a-z-]*:(iam::\d{12}:(root|(user|role)/([^/:*?]+/)*[^/:*?]+)|sts::\d{12}:federated-user/[^/:*?]+)"
)
_USER_ID: Final = re.compile(r"anonymous|A[A-Z0-9]{15,127}(:[\w+=,.@-]+)?|\d{12}(:[\w+=,.@-]+)?")
_ORGANIZATION_ID: Final = re.compile(r"o-[a-z0-9]{10,32}")


def shapes_of(key: str) -> tuple[tuple[Token, ...], ...]:
    """Patterns of the texts that are values of a key, as far as patterns tell; () where any text may be one."""
    if key in _ACCOUNTS:
        return (_DIGITS,)
    if key == _PRINCIPAL_ARN:
        iam = (*"arn:aws:iam::", *_DIGITS, ":")
        federated = (*"arn:aws:sts::", *_DIGITS, *":federated-user/", *_NAME)
        return ((*iam, *"role/", *_NAME), (*iam, *"user/", *_NAME), (*iam, *"root"), federated)
    if key == "aws:userid":
        return ((*"AIDA", *_UNIQUE), (*"AROA", *_UNIQUE, ":", *_NAME))
    if key.startswith("aws:") and key.endswith("orgid"):
        return (_ORGANIZATION,)
    if key.startswith("aws:") and key.endswith("orgpaths"):
        return ((*_ORGANIZATION, *"/r-", *(Wild.NAME_ONE,) * 4, "/", Wild.STAR),)
    return ()


def proper_key(key: str) -> str:
    """The key as AWS writes it, where that is known and has no part that varies."""
    info = condition_key(key)
    return info.name if info is not None and "{" not in info.name else key


def why_no_value(key: str, value: str) -> str:
    """Why no request has a value of a key (in lower case), or ""."""
    why = ""
    if key in _ACCOUNTS:
        why = "" if is_account_id(value) or value == "anonymous" else "an account has 12 digits"
    elif key == _REGION:
        why = "" if value in KNOWN_REGIONS else "no Region of this name is known"
    elif key == _PRINCIPAL_ARN:
        why = "" if _ARN_OF_PRINCIPAL.fullmatch(value) else "no principal has such an ARN"
    elif key == "aws:userid":
        why = "" if _USER_ID.fullmatch(value) else "no principal has such an id"
    elif key.startswith("aws:") and key.endswith("orgid"):
        why = "" if _ORGANIZATION_ID.fullmatch(value) else "no organization has such an id"
    elif key in (*_NOW, _TOKEN):
        why = _why_no_time(key, value)
    else:
        why = _why_no_number(key, value)
    return f"{safe_text(f'{proper_key(key)} = {value}', limit=200)}: {why}" if why else ""


def _why_no_time(key: str, value: str) -> str:
    moment = parse_date(value) or parse_number(value)
    least = time.time() - (_LONGEST_SESSION if key == _TOKEN else 0)
    return "that time is past" if moment is not None and moment < least else ""


def _why_no_number(key: str, value: str) -> str:
    info = condition_key(key)
    if info is None or info.types != (KeyType.NUMERIC,):
        return ""
    number = parse_number(value)
    return "requests have whole numbers there" if number is None or number < 0 or number % 1 else ""


def coming_moments(key: str) -> tuple[Decimal, ...]:
    """Times that a key of the time of a request may have: midnight, that few ask for twice, and a minute from now."""
    now = int(time.time())
    return (Decimal(now - now % _DAY + _DAY), Decimal(now + 60)) if key in (*_NOW, _TOKEN) else ()


_SAME: Final = {"s3:resourceaccount": "aws:resourceaccount", "kms:calleraccount": "aws:principalaccount"}
_TAG: Final = ":resourcetag/"


def same_as(key: str) -> str:
    """The key that says the same of a request, of those that have one; else the key itself."""
    if _TAG in key:
        return f"aws{_TAG}{key.partition(_TAG)[2]}"
    return _SAME.get(key, key)


# What goes together.


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
_SESSIONS: Final = (PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION, PrincipalKind.FEDERATED_USER)
_OF_SESSIONS_OF_ROLES: Final = ("aws:sourceidentity", "aws:federatedprovider")
_COUPLED: Final = frozenset(
    (*_FROM_ENDPOINTS, *_FORWARDED, *(key for keys in _TOGETHER_OR_NOT for key in keys), _TOKEN, _MFA, _AGE,
     "aws:sourceip", "aws:tagkeys", "aws:userid", "aws:username", "aws:principaltype", "aws:principalarn",
     *_OF_SESSIONS_OF_ROLES)
)  # fmt: skip


def told_apart(key: str, values: Values) -> Hashable:
    """Part of a key's values that decides whether they are compatible with those of other keys."""
    if key == _REGION:
        return tuple(any(value in regions for value in values) for regions in REGIONS.values())
    if key in (*_NOW, _TOKEN):
        return values
    if key not in _COUPLED:
        return None
    if key in (_MFA, "aws:principaltype", "aws:tagkeys"):
        return values
    if key == "aws:principalarn":
        return tuple(part in value for value in values for _, part in _OF_CALLERS.values())
    return (bool(values), any(":" in value for value in values)) if key == "aws:userid" else bool(values)


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
    return issued is None or now is None or issued <= now <= issued + _LONGEST_SESSION


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


def _by_sameness(values: Mapping[str, Values], action: str) -> bool:
    told: dict[str, Values] = {}
    for key, found in values.items():
        if (found or not action or carries(action, key)) and told.setdefault(same_as(key), found) != found:
            return False
    return True


@lru_cache(maxsize=4096)
def carries(action: str, key: str) -> bool:
    """True if requests of an action can carry a key: one of AWS's own, a documented one, any for unknown actions."""
    info = catalogue().action(action)
    if info is None or key.startswith("aws:"):
        return True
    for name in info.all_condition_keys:
        lead, placeholder, _ = name.lower().partition("${")
        is_of_family = bool(placeholder) and "/" not in lead and key.startswith(lead)
        if is_of_family or key.partition("/")[0] == lead.partition("/")[0]:
            return True
    return False


def _by_resource(values: Mapping[str, Values], occasion: Occasion) -> bool:
    """True if a request about a resource can be sent to its Region, and the resource can be of the account."""
    arn = parse_arn(occasion.resource)
    partition = occasion.partition or (arn.partition if arn is not None else "")
    region, account = place_of_resource(values)
    if _owner(values) == () or (region and region not in REGIONS.get(partition, KNOWN_REGIONS)):
        return False
    if arn is None:
        return True
    if region and arn.region in KNOWN_REGIONS and region != arn.region:
        return False
    return not (account and is_account_id(arn.account) and account != arn.account)


def place_of_resource(values: Mapping[str, Values]) -> tuple[str, str]:
    """Region and account in the ARN of a request's resource, where it has them; "" where the keys leave that open.

    Args:
        values: by key, in any letter case.
    """
    lowered = {key.lower(): found for key, found in values.items()}
    region, account = lowered.get(_REGION, ()), _owner(lowered) or ()
    return region[0] if len(region) == 1 else "", account[0] if len(account) == 1 else ""


def _owner(values: Mapping[str, Values]) -> Values | None:
    return values.get("aws:resourceaccount", values.get("s3:resourceaccount"))


def _by_account(values: Mapping[str, Values]) -> bool:
    account = values.get("aws:principalaccount", values.get("kms:calleraccount"))
    arns = (parse_arn(value) for value in values.get(_PRINCIPAL_ARN, ()))
    return account is None or all(arn is None or (arn.account,) == account for arn in arns)


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
    _by_account,
    _by_organization,
    _by_tags,
    _by_forwarding,
)
