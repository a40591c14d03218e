"""Which ARN carries the policy of a resource: the bucket of an object, the table of an index; and what is beside it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from iamtui.policy.patterns import Arn, parse_arn
from iamtui.resource_policy_services import SERVICE_SPECS


def resource_policy_arn(text: str, parsed: Arn | None = None) -> str:
    """The ARN that carries the policy of a resource: the bucket of an object, the table of an index.

    Args:
        parsed: the parts of the text, where they are known.
    """
    arn = parsed or parse_arn(text)
    if arn is None:
        return text
    if arn.service == "s3" and not arn.account:
        return f"arn:{arn.partition}:s3:::{arn.resource.split('/', 1)[0]}"
    return str(arn._replace(resource=_carrier(arn) or arn.resource)) if arn.service in _CARRIERS else text


def may_have_policy(arn: Arn) -> bool:
    """Whether a policy can be about a resource, its own or that of another (IAM User Guide: AWS services)."""
    spec = SERVICE_SPECS.get(arn.service)
    return spec is not None and spec.has_policies and _carrier(arn) != ""


def _carrier(arn: Arn) -> str | None:
    """The last field of the ARN of what carries the policy; "" where nothing can, None where it does so itself."""
    for pattern, carrier in _CARRIERS.get(arn.service, ()):
        found = pattern.fullmatch(arn.resource)
        if found is not None:
            return found.expand(carrier)
    return None


class PolicyBesideAnother(NamedTuple):
    """A policy that AWS evaluates beside that of a resource: whose it is, what reads it, and the ARN that has it."""

    words: str
    permission: str
    arn: str


def policy_beside(carrier: str) -> PolicyBesideAnother | None:
    """The policy that is in force beside the one of this ARN, and is not read."""
    arn = parse_arn(carrier)
    beside = SERVICE_SPECS[arn.service].beside if arn is not None and arn.service in SERVICE_SPECS else None
    found = re.fullmatch(beside.pattern, arn.resource, re.DOTALL) if arn is not None and beside is not None else None
    if arn is None or beside is None or found is None:
        return None
    other = str(arn._replace(resource=found.expand(beside.carrier)))
    return PolicyBesideAnother(beside.words, beside.permission, other)


_CARRIERS: Final = {
    name: [(re.compile(one.pattern, re.DOTALL), one.carrier) for one in spec.carriers]
    for name, spec in SERVICE_SPECS.items()
    if spec.carriers
}
