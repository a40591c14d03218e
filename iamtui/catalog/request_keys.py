"""Condition keys that the check of one resource does not carry because they speak of the call's other resources.

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
    found = [one.others for one in _checks_of(action) if fields[2] == one.service and name.startswith(one.literal)]
    return found[0] if len(found) == 1 else ()


class _Check(NamedTuple):
    """The check of an action on one type of resource.

    Args:
        service, literal: what the ARN of such a resource has in its service field, and how its name begins.
        others: the keys that only checks on other types carry; () where nothing is known.
    """

    service: str
    literal: str
    others: tuple[str, ...]


@lru_cache(maxsize=4096)
def _checks_of(action: str) -> tuple[_Check, ...]:
    info = catalogue().action(action)
    if info is None:
        return ()
    found: list[_Check] = []
    for one in info.resources:
        form = one.type.arn.split(":", 5)
        literal = form[5].split("${", 1)[0] if len(form) > 5 else ""
        if not literal:
            continue
        others: tuple[str, ...] = ()
        if one.condition_keys:
            carried = {*one.condition_keys, *info.condition_keys}
            keys = (key for other in info.resources for key in other.condition_keys if key not in carried)
            others = tuple(dict.fromkeys(map(_family, keys)))
        found.append(_Check(form[2], literal, others))
    return tuple(found)


def is_of_another_resource(action: str, resource: str, key: str) -> bool:
    """Whether a key, in any letter case, is one that the check of an action on a resource does not carry."""
    return any(
        key.lower().startswith(name[:-1].lower()) if name.endswith("*") else key.lower() == name.lower()
        for name in keys_of_other_resources(action, resource)
    )


def _family(key: str) -> str:
    """`aws:RequestTag/${TagKey}` as the family of keys that it stands for."""
    return key.split("${", 1)[0] + "*" if "${" in key else key
