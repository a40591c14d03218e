"""Condition keys that the check of one resource does not carry because they speak of the call's other resources.

One EC2 call is checked once for each resource it touches, and each check carries the keys that the Service
Authorization Reference lists for the action on that type of resource: the check of the image of `ec2:RunInstances`
has no `ec2:InstanceType` (IAM User Guide: IfExists condition operators; Service Authorization Reference: Amazon EC2).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from iamtui.catalog.actions import ActionResource, catalogue
from iamtui.policy.arn import parse_arn

_LISTED_PER_RESOURCE: Final = frozenset(("ec2",))
"""Services whose reference lists the keys of every check resource by resource; of others it may lack some."""


@lru_cache(maxsize=4096)
def keys_of_other_resources(action: str, resource: str) -> tuple[str, ...]:
    """The keys that a check of an action on a resource does not carry.

    Args:
        resource: an ARN, or a pattern that says of which type the resource is; of another nothing is known.

    Returns:
        Names as AWS writes them; a family of tag keys as `aws:RequestTag/*`.
    """
    if action.partition(":")[0].lower() not in _LISTED_PER_RESOURCE:
        return ()
    info = catalogue().action(action)
    arn = parse_arn(resource)
    if info is None or arn is None or arn.service != action.partition(":")[0].lower():
        return ()
    asked = [one for one in info.resources if _is_of_type(arn.resource, one)]
    if len(asked) != 1 or not asked[0].condition_keys:
        return ()
    carried = {*asked[0].condition_keys, *info.condition_keys}
    others = (key for one in info.resources for key in one.condition_keys if key not in carried)
    return tuple(dict.fromkeys(_family(key) for key in others))


def _is_of_type(resource: str, one: ActionResource) -> bool:
    form = parse_arn(one.type.arn)
    literal = form.resource.split("${", 1)[0] if form is not None else ""
    return bool(literal) and resource.split("*", 1)[0].startswith(literal)


def _family(key: str) -> str:
    """`aws:RequestTag/${TagKey}` as the family of keys that it stands for."""
    return key.split("${", 1)[0] + "*" if "${" in key else key
