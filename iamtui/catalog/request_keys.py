"""Condition keys that the check of one resource does not carry because they speak of the call's other resources.

One EC2 call is checked once for each resource it touches, and each check carries the keys that the Service
Authorization Reference lists for the action on that type of resource: the check of the image of `ec2:RunInstances`
has no `ec2:InstanceType` (IAM User Guide: IfExists condition operators; Service Authorization Reference: Amazon EC2).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from iamtui.catalog.actions import ActionResource, catalogue

_LISTED_PER_RESOURCE: Final = frozenset(("ec2",))
"""Services whose reference lists the keys of every check resource by resource; of others it may lack some."""


def keys_of_other_resources(action: str, resource: str) -> tuple[str, ...]:
    """The keys that a check of an action on a resource does not carry.

    Args:
        resource: an ARN, or a pattern that says of which type the resource is; of another nothing is known.

    Returns:
        Names as AWS writes them; a family of tag keys as `aws:RequestTag/*`.
    """
    if action.partition(":")[0].lower() not in _LISTED_PER_RESOURCE:
        return ()
    return _keys_of_others(action, resource)


@lru_cache(maxsize=4096)
def _keys_of_others(action: str, resource: str) -> tuple[str, ...]:
    info = catalogue().action(action)
    if info is None:
        return ()
    asked = [one for one in info.resources if _is_of_type(resource, one)]
    if len(asked) != 1 or not asked[0].condition_keys:
        return ()
    carried = {*asked[0].condition_keys, *info.condition_keys}
    others = (key for one in info.resources for key in one.condition_keys if key not in carried)
    return tuple(dict.fromkeys(_family(key) for key in others))


def is_of_another_resource(action: str, resource: str, key: str) -> bool:
    """Whether a key, in any letter case, is one that the check of an action on a resource does not carry."""
    return any(
        key.lower().startswith(name[:-1].lower()) if name.endswith("*") else key.lower() == name.lower()
        for name in keys_of_other_resources(action, resource)
    )


def _is_of_type(resource: str, one: ActionResource) -> bool:
    fields, form = resource.split(":", 5), one.type.arn.split(":", 5)
    if len(fields) < 6 or len(form) < 6 or fields[2] != form[2]:
        return False
    literal = form[5].split("${", 1)[0]
    return bool(literal) and fields[5].split("*", 1)[0].startswith(literal)


def _family(key: str) -> str:
    """`aws:RequestTag/${TagKey}` as the family of keys that it stands for."""
    return key.split("${", 1)[0] + "*" if "${" in key else key
