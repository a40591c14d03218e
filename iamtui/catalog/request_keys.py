"""Condition keys that belong to other resources of a call, so that the check of one resource lacks them.

One EC2 call is checked once for each resource it touches, and each check carries the keys that the Service
Authorization Reference lists for the action on that type of resource: the check of the image of `ec2:RunInstances`
has no `ec2:InstanceType` (IAM User Guide: IfExists condition operators; Service Authorization Reference: Amazon EC2).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from iamtui.catalog.actions import catalogue

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


def is_of_another_resource(action: str, resource: str, key: str) -> bool:
    """Whether a key, in any letter case, is one that the check of an action on a resource does not carry."""
    return any(
        key.lower().startswith(name[:-1].lower()) if name.endswith("*") else key.lower() == name.lower()
        for name in keys_of_other_resources(action, resource)
    )


def _family(key: str) -> str:
    """`aws:RequestTag/${TagKey}` as the family of keys that it stands for."""
    return key.split("${", 1)[0] + "*" if "${" in key else key
