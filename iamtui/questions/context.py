"""Condition keys that follow from the account: tags, organization, ids, and keys that cannot be there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from iamtui.account.model import Account, Missing, Role, User
from iamtui.engine.prepared_request import PreparedAction
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.engine.service_rules import is_use_of_alias
from iamtui.policy.action import action_name
from iamtui.policy.arn import parse_arn
from iamtui.policy.context import KeyNames, KeyValues
from iamtui.policy.patterns import Glob, Wild, request_tokens
from iamtui.policy.resource import RequestResource, ResourceKind
from iamtui.questions.policies_in_force import entity_behind
from iamtui.text import safe_text

_GLOBAL_SERVICES: Final = frozenset(
    ("iam", "organizations", "route53", "cloudfront", "support", "health", "account", "globalaccelerator", "shield")
)
"""Services whose requests report us-east-1 as aws:RequestedRegion (IAM User Guide: aws:RequestedRegion)."""

_ONLY_FROM_SERVICES: Final = ("aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths")
"""Keys that only a direct call by a service principal carries."""

_ONLY_TEMPORARY: Final = ("aws:TokenIssueTime", "aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge")
_ONLY_OF_AN_ACCOUNT: Final = (
    *_ONLY_TEMPORARY,
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalTag/*",
    "aws:SourceIdentity",
    "aws:FederatedProvider",
)
"""Keys that callers without an account (services, anonymous) never carry."""

_ONLY_FORWARDED: Final = ("aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast")


@dataclass(frozen=True, slots=True)
class KnownContext:
    """Values by lower-case key, and the names (or families, `aws:PrincipalTag/*`) known to be absent."""

    values: KeyValues
    absent: tuple[str, ...] = ()


def principal_context(account: Account, principal: Principal) -> KnownContext:
    """What the account says of the caller (IAM User Guide: global condition context keys)."""
    values: dict[str, tuple[str, ...]] = {}
    absent: tuple[str, ...] = ()
    kind = principal.kind
    if kind is not PrincipalKind.SERVICE:
        absent += _ONLY_FROM_SERVICES
    if kind in (PrincipalKind.SERVICE, PrincipalKind.ANONYMOUS):
        absent += _ONLY_OF_AN_ACCOUNT
    if kind is PrincipalKind.USER and principal.credentials == "long_term":
        absent += _ONLY_TEMPORARY
    entity = entity_behind(account, principal)
    if entity is not None:
        for tag, value in entity.tags:
            values[f"aws:PrincipalTag/{tag}".lower()] = (value,)
        if kind is PrincipalKind.USER:
            # A role or federated session may carry session tags besides; a user has only its own.
            absent += ("aws:PrincipalTag/*", "aws:SourceIdentity")
        user_id = _user_id(principal, entity)
        if user_id:
            values["aws:userid"] = (user_id,)
    elif kind is PrincipalKind.ROOT and principal.account:
        values["aws:userid"] = (principal.account,)
        absent += ("aws:PrincipalTag/*",)
    if principal.account == account.id:
        organization = _organization_context(account, "aws:Principal")
        values.update(organization.values)
        absent += organization.absent
    return KnownContext(values, absent)


def _user_id(principal: Principal, entity: User | Role) -> str:
    if principal.kind is PrincipalKind.USER:
        return entity.id
    if principal.kind is PrincipalKind.ROLE_SESSION and entity.id:
        return f"{entity.id}:{principal.session_name}"
    if principal.kind is PrincipalKind.FEDERATED_USER:
        return f"{principal.account}:{principal.session_name}"
    return ""


def is_tagged(account: Account, prepared: PreparedAction) -> bool:
    """Whether the account knows tags, or the lack of any, of the resource asked about itself."""
    return _tagged(account, prepared) is not None


def _tagged(account: Account, prepared: PreparedAction) -> User | Role | None:
    arn = prepared.arn
    if arn is None or arn.service != "iam":
        return None
    found = account.by_arn(prepared.resource.text)
    return found if isinstance(found, (User, Role)) else None


def key_behind_alias(account: Account, action: str, resource: str) -> str | None:
    """The ARN of the KMS key that a request by one of its aliases is for; None where it is not, or not known."""
    key = account.kms_aliases.get(resource)
    if key is None or not is_use_of_alias(action_name(action), RequestResource(resource, ResourceKind.ONE)):
        return None
    return key


class KnownAliases(NamedTuple):
    """The known aliases of KMS keys that a request by an alias, or a pattern of aliases, may be for.

    Args:
        arns: of the aliases.
        are_all: whether it can be for no other.
    """

    arns: tuple[str, ...]
    are_all: bool


def known_aliases(account: Account, action: str, resource: str) -> KnownAliases | None:
    """What is known of the aliases that a request names; None where it names none."""
    if not is_use_of_alias(action_name(action), RequestResource(resource, ResourceKind.ONE)):
        return None
    asked = Glob(request_tokens(resource))
    arns = tuple(filter(asked.matches, account.kms_aliases))
    region = resource.partition(":alias/")[0]
    # Of a Region the aliases are all known, or none; those of AWS come to stand for a key when they are first used.
    is_loaded = any(alias.startswith(f"{region}:alias/") for alias in account.kms_aliases)
    may_be_of_aws = asked.shares((*f"{region}:alias/aws/", Wild.STAR))
    arn = parse_arn(resource)
    is_own = arn is not None and arn.account == account.id
    return KnownAliases(arns, is_own and is_loaded and (resource in arns or not may_be_of_aws))


def without_alias(account: Account, action: str, resource: str) -> str:
    """A sentence where a resource is an alias that no KMS key of its Region has; "" where it is not, or not known."""
    known = known_aliases(account, action, resource)
    arn = parse_arn(resource)
    if known is None or known.arns or not known.are_all or arn is None:
        return ""
    which = "an alias that matches" if "*" in resource else "the alias"
    name = safe_text(arn.resource.removeprefix("alias/"), limit=256)
    return f"No KMS key of account {arn.account} in {arn.region} has {which} {name}."


def has_aliases(account: Account, prepared: PreparedAction) -> bool:
    """Whether the account knows aliases of the KMS key asked about."""
    return bool(account.kms_aliases) and bool(_aliases(account, prepared))


def _aliases(account: Account, prepared: PreparedAction) -> tuple[str, ...]:
    """The known aliases of the key asked about, as `alias/NAME`."""
    if prepared.action.service != "kms":
        return ()
    found = account.memo.get("aliases of keys")
    if found is None:
        found = account.memo["aliases of keys"] = {}
        for alias, key in account.kms_aliases.items():
            found[key] = (*found.get(key, ()), alias.rsplit(":", 1)[-1])
    aliases: tuple[str, ...] = found.get(prepared.resource.text, ())
    return aliases


def resource_context(account: Account, prepared: PreparedAction, owner: str | None) -> KnownContext:
    """What the account says of the resource: owner, its organization, aliases of keys, tags of users and roles."""
    known = _of_owner(account, owner)
    if has_aliases(account, prepared):
        return KnownContext({**known.values, "kms:resourcealiases": _aliases(account, prepared)}, known.absent)
    tagged = _tagged(account, prepared)
    if tagged is None:
        return known
    values = dict(known.values)
    for key, value in tagged.tags:
        values[f"aws:resourcetag/{key.lower()}"] = values[f"iam:resourcetag/{key.lower()}"] = (value,)
    return KnownContext(values, (*known.absent, "aws:ResourceTag/*", "iam:ResourceTag/*"))


def _of_owner(account: Account, owner: str | None) -> KnownContext:
    if owner != account.id:
        return KnownContext({"aws:resourceaccount": (owner,)} if owner is not None else {})
    found = account.memo.get("context of own resources")
    if found is None:
        organization = _organization_context(account, "aws:Resource")
        values = {"aws:resourceaccount": (account.id,), **organization.values}
        found = account.memo["context of own resources"] = KnownContext(values, organization.absent)
    assert isinstance(found, KnownContext)
    return found


def _organization_context(account: Account, prefix: str) -> KnownContext:
    fact = account.organization
    if isinstance(fact, Missing):
        return KnownContext({})
    if fact.value is None:
        return KnownContext({}, (f"{prefix}OrgID", f"{prefix}OrgPaths"))
    organization = fact.value
    lowered = prefix.lower()
    values: dict[str, tuple[str, ...]] = {f"{lowered}orgid": (organization.id,)}
    if organization.path and organization.path[0].type == "ROOT":
        values[f"{lowered}orgpaths"] = (organization.org_path,)
    return KnownContext(values)


@dataclass(frozen=True, slots=True)
class Environment(KnownContext):
    """What discover mode takes for granted, with the names as they are printed."""

    names: tuple[str, ...] = ()


def region_asked(prepared: PreparedAction, region: str) -> str:
    """The region of a request.

    Args:
        region: the one in use, when neither the service nor the resource names one.
    """
    if prepared.action.service in _GLOBAL_SERVICES:
        return "us-east-1"
    arn = prepared.arn
    return arn.region if arn is not None and arn.region and "*" not in arn.region else region


@lru_cache(maxsize=64)
def assumed_environment(region: str, now: int, given: frozenset[str]) -> Environment:
    """What discover mode takes for granted of a request's environment, each to be printed.

    Args:
        region: the region of the request, or "".
        now: seconds since the epoch.
        given: the keys that the user gave, in lower case, a `*` in those of absent keys; nothing is assumed of them.
    """
    values = {
        "aws:CurrentTime": (f"{datetime.fromtimestamp(now, UTC).isoformat()[:19]}Z",),
        "aws:SecureTransport": ("true",),
        "aws:ViaAWSService": ("false",),
    }
    if region:
        values["aws:RequestedRegion"] = (region,)
    named = KeyNames(given)
    assumed = {name: value for name, value in values.items() if name.lower() not in named}
    return Environment(
        {name.lower(): value for name, value in assumed.items()},
        _ONLY_FORWARDED if "aws:ViaAWSService" in assumed else (),
        tuple(f"{name} = {value[0]}" for name, value in assumed.items()),
    )
