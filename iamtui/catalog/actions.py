"""Catalogue of actions, resource types and condition keys, looked up by name.

Everything is read lazily: one service's files at the first question about it, all names at the first search.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

from msgspec import Struct

from iamtui.catalog import newer, service_data, tables
from iamtui.catalog.arn_forms import arn_forms, entries_of_other_types, entries_of_types, needs, required_arn_forms

# The few facts of the catalogue that decide requests, looked up fast and by any spelling.


class EngineCatalogue:
    """Interface of the catalogue to the evaluator."""

    arn_forms = staticmethod(arn_forms)
    required_arn_forms = staticmethod(required_arn_forms)
    needs = staticmethod(needs)
    entries_of_types = staticmethod(entries_of_types)
    entries_of_other_types = staticmethod(entries_of_other_types)
    synthetic_resource = staticmethod(tables.synthetic_resource)

    def has_resource_type(self, action: str) -> bool | None:
        """True if an action ("service:Operation", any case) has a resource type, False if it is authorized on `*` only.

        None when it is not in the catalogue.
        """
        service, _, name = action.lower().partition(":")
        return _resource_types_of(service).get(name)

    def is_newer(self, action: str) -> bool:
        """True for an action, in any letter case, that AWS has added since the data was made."""
        return self.has_resource_type(action) is None and newer.newer_actions().proper(action) is not None

    def supports_rcp(self, service: str) -> bool:
        """True if RCPs affect a service, by its action prefix in lower case."""
        return service in tables.RCP_SERVICES

    def takes_unsigned(self, action: str) -> bool | None:
        """True if an action can be called without a signature; None where AWS does not say, or has no such service."""
        service, _, name = action.lower().partition(":")
        if service in tables.UNSIGNED_REQUESTS_NOT_DOCUMENTED or not service_data.is_service(service):
            return None
        found = tables.UNSIGNED_REQUESTS.get(service)
        return found is not None and any(
            name.startswith(entry[:-1]) if entry.endswith("*") else name == entry for entry in found.actions
        )


@lru_cache(maxsize=1024)
def _resource_types_of(service: str) -> Mapping[str, bool]:
    """By action of a service, True if it has a resource type; small enough to keep for every service."""
    if not service_data.is_service(service):
        return _NO_SERVICE
    return {name: bool(found["resourceTypes"]) for name, found in service_data.read_actions_once(service).items()}


_NO_SERVICE: Final[Mapping[str, bool]] = {}


ENGINE_CATALOGUE: Final = EngineCatalogue()


class Knowledge(StrEnum):
    """How far an action is known: `NEWER` ones the data lacks, and the SDK's models or AWS's documentation have."""

    KNOWN = "known"
    NEWER = "newer"
    UNKNOWN = "unknown"


def knowledge(action: str) -> Knowledge:
    """How far an action ("service:Operation", any letter case) is known."""
    if ENGINE_CATALOGUE.has_resource_type(action) is not None:
        return Knowledge.KNOWN
    return Knowledge.NEWER if ENGINE_CATALOGUE.is_newer(action) else Knowledge.UNKNOWN


class Service(Struct, frozen=True):
    """A service: its prefix in action names, and its name."""

    prefix: str
    name: str


class ResourceType(Struct, frozen=True):
    """A resource type of a service.

    Args:
        name: as the Service Authorization Reference names it ("object").
        arn: its ARN form, such as `arn:${Partition}:s3:::${BucketName}/${ObjectName}`.
        condition_keys: keys that speak about resources of this type.
    """

    name: str
    arn: str
    condition_keys: tuple[str, ...]


class ActionResource(Struct, frozen=True):
    """A resource type that an action can be limited to; `required`: every request names one."""

    type: ResourceType
    required: bool
    condition_keys: tuple[str, ...]


class ActionInfo(Struct, frozen=True):
    """An action.

    Args:
        name: as AWS writes it ("s3:GetObject").
        access_levels: one or more of List, Read, Write, Tagging, Permissions management.
        description: one sentence.
        resources: empty for an action that can only be granted on `*`.
        condition_keys: service-specific keys of the action itself.
    """

    name: str
    access_levels: tuple[str, ...]
    description: str
    resources: tuple[ActionResource, ...]
    condition_keys: tuple[str, ...]

    @property
    def arn_forms(self) -> tuple[str, ...]:
        """The ARN forms of its resource types, without repetition."""
        return tuple(dict.fromkeys(resource.type.arn for resource in self.resources))

    @property
    def all_condition_keys(self) -> tuple[str, ...]:
        """The keys of the action and of its resource types, sorted; global keys come on top."""
        keys = set(self.condition_keys)
        for resource in self.resources:
            keys.update(resource.condition_keys, resource.type.condition_keys)
        return tuple(sorted(keys, key=str.lower))


class Catalogue:
    """Lookups over the installed data set. Names are taken in any letter case."""

    def __init__(self) -> None:
        self._names: service_data.ActionNames | None = None

    @property
    def version(self) -> str:
        return service_data.data_version()

    @property
    def date(self) -> str:
        """The day when the data was made."""
        return service_data.data_date()

    @property
    def names(self) -> service_data.ActionNames:
        """All action names; loading them takes a tenth of a second once, then a few milliseconds."""
        if self._names is None:
            self._names = service_data.load_action_names()
        return self._names

    def action(self, name: str) -> ActionInfo | None:
        return _action(name.lower())

    def access_levels(self, action: str) -> tuple[str, ...]:
        """The access levels of an action; () where there is no such action."""
        service, _, name = action.lower().partition(":")
        found = service_data.actions(service).get(name)
        return _access_levels(found) if found is not None else ()

    def knows(self, action: str) -> bool:
        return ENGINE_CATALOGUE.has_resource_type(action) is not None

    def services(self) -> tuple[Service, ...]:
        return tuple(Service(prefix, name) for prefix, name in service_data.service_names().items())

    def is_service(self, prefix: str) -> bool:
        return service_data.is_service(prefix.lower())

    def resource_types(self, service: str) -> tuple[ResourceType, ...]:
        """The resource types of a service; empty when there is no such service, too."""
        return tuple(_resource_type(data) for data in service_data.resource_types(service.lower()).values())

    def actions_of(self, service: str) -> tuple[str, ...]:
        """The names of a service's actions ("s3:GetObject"); empty when there is no such service, too."""
        prefix = service.lower()
        return tuple(f"{prefix}:{data['name']}" for data in service_data.actions(prefix).values())

    def condition_keys(self, service: str) -> tuple[str, ...]:
        """The names of the condition keys that a service lists; empty when there is no such service, too."""
        return tuple(str(data["key"]) for data in service_data.condition_keys(service.lower()).values())

    def search_actions(self, text: str, limit: int = 50) -> list[str]:
        """Names that fit a text, best first: see `ActionNames.search`. Loads them at the first call: in a thread.

        Those that the data lacks come last, where their beginning was typed.
        """
        begins = text.strip().lower()
        since = newer.newer_actions().search(begins, limit) if begins else []
        since = [name for name in since if name.lower().startswith(begins) or f":{begins}" in name.lower()]
        return [*self.names.search(text, limit), *since][:limit]

    def expand(self, pattern: str) -> list[str]:
        """Every action that an Action entry such as `s3:Get*` matches."""
        return self.names.expand(pattern)

    def count(self, pattern: str) -> int:
        """How many actions an Action entry matches."""
        return len(self.expand(pattern))


@lru_cache(maxsize=2048)
def _action(lowered: str) -> ActionInfo | None:
    service, _, name = lowered.partition(":")
    found = service_data.actions(service).get(name)
    if found is None:
        return None
    types = service_data.resource_types(service)
    resources = []
    for use in found.get("resourceTypes", ()):
        data = types.get(str(use["name"]).lower())
        if data is not None:
            resources.append(
                ActionResource(_resource_type(data), bool(use.get("required")), tuple(use.get("conditionKeys", ())))
            )
    return ActionInfo(
        name=f"{service}:{found['name']}",
        access_levels=_access_levels(found),
        description=str(found.get("description", "")),
        resources=tuple(resources),
        condition_keys=tuple(found.get("conditionKeys", ())),
    )


def _access_levels(data: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(level.strip() for level in str(data.get("accessLevel", "")).split(","))


def _resource_type(data: Mapping[str, Any]) -> ResourceType:
    return ResourceType(str(data["key"]), str(data["arn"]), tuple(data.get("conditionKeys", ())))


@cache
def catalogue() -> Catalogue:
    return Catalogue()


# The condition keys that requests of an action carry.


LISTED_PER_RESOURCE: Final = frozenset(("ec2",))
"""Services whose reference lists the keys of every check resource by resource; of others it may lack some."""


def keys_of_other_resources(action: str, resource: str) -> tuple[str, ...]:
    """The keys that a check of an action on a resource does not carry.

    Args:
        resource: an ARN, or a pattern that says of which type the resource is; of another nothing is known.

    Returns:
        Names as AWS writes them; a family of tag keys as `aws:RequestTag/*`.
    """
    if action.partition(":")[0].lower() not in LISTED_PER_RESOURCE:
        return ()
    fields = resource.split(":", 5)
    if len(fields) < 6:
        return ()
    name = fields[5].split("*", 1)[0]
    found = [one for one in _types_of(action) if fields[2] == one.service and name.startswith(one.literal)]
    return _keys_of_others(action, found[0].name) if len(found) == 1 else ()


class _Type(NamedTuple):
    """A type of resource that an action is checked on.

    Args:
        service, literal: what the ARN of such a resource has in its service field, and how its name begins.
    """

    name: str
    service: str
    literal: str


@lru_cache(maxsize=4096)
def _types_of(action: str) -> tuple[_Type, ...]:
    info = catalogue().action(action)
    found: list[_Type] = []
    for one in info.resources if info is not None else ():
        form = one.type.arn.split(":", 5)
        literal = form[5].split("${", 1)[0] if len(form) > 5 else ""
        if literal:
            found.append(_Type(one.type.name, form[2], literal))
    return tuple(found)


@lru_cache(maxsize=4096)
def _keys_of_others(action: str, type_name: str) -> tuple[str, ...]:
    """The keys that only checks on other types carry; () where nothing is known."""
    info = catalogue().action(action)
    asked = next((one for one in info.resources if one.type.name == type_name), None) if info is not None else None
    if info is None or asked is None or not asked.condition_keys:
        return ()
    carried = {*asked.condition_keys, *info.condition_keys}
    others = (key for one in info.resources for key in one.condition_keys if key not in carried)
    return tuple(dict.fromkeys(map(_family, others)))


_WITHOUT_RESOURCE_ACCOUNT: Final = frozenset(
    (
        "auditmanager:updateassessmentframeworkshare",
        "detective:acceptinvitation",
        "ds:acceptshareddirectory",
        "ec2:accepttransitgatewaypeeringattachment",
        "ec2:acceptvpcendpointconnections",
        "ec2:acceptvpcpeeringconnection",
        "ec2:createtransitgatewaypeeringattachment",
        "ec2:createvpcendpoint",
        "ec2:createvpcpeeringconnection",
        "es:acceptinboundconnection",
        "guardduty:acceptadministratorinvitation",
        "guardduty:acceptinvitation",
        "macie2:acceptinvitation",
        "route53:associatevpcwithhostedzone",
        "route53:createvpcassociationauthorization",
        "securityhub:acceptadministratorinvitation",
        "securityhub:acceptinvitation",
    )
)
"""Actions that do not support aws:ResourceAccount, besides all of ebs (IAM User Guide: aws:ResourceAccount)."""


def supports_resource_account(action: str) -> bool:
    """True if requests of an action, in lower case, carry aws:ResourceAccount."""
    return action not in _WITHOUT_RESOURCE_ACCOUNT and not action.startswith("ebs:")


def is_of_another_resource(action: str, resource: str, key: str) -> bool:
    """True if the check of an action on a resource does not carry a key, which is in any letter case."""
    return any(
        key.lower().startswith(name[:-1].lower()) if name.endswith("*") else key.lower() == name.lower()
        for name in keys_of_other_resources(action, resource)
    )


def _family(key: str) -> str:
    """The key family of a key with a variable part, such as `aws:RequestTag/${TagKey}`; other keys unchanged."""
    return key.split("${", 1)[0] + "*" if "${" in key else key
