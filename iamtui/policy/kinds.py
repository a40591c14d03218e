"""The kinds of policy document; what an element means at run time depends on them."""

from __future__ import annotations

from enum import StrEnum


class PolicyType(StrEnum):
    """A policy type. TRUST is a role trust policy, a resource-based policy with rules of its own."""

    IDENTITY = "identity"
    BOUNDARY = "boundary"
    SESSION = "session"
    RESOURCE = "resource"
    TRUST = "trust"
    SCP = "scp"
    RCP = "rcp"
    VPC_ENDPOINT = "vpc_endpoint"

    @property
    def has_principals(self) -> bool:
        """Whether Principal and NotPrincipal mean something in it."""
        return self in _WITH_PRINCIPALS

    @property
    def implies_resource(self) -> bool:
        """Whether a statement without Resource means the resource that the policy is on."""
        return self in (PolicyType.RESOURCE, PolicyType.TRUST)


_WITH_PRINCIPALS = frozenset((PolicyType.RESOURCE, PolicyType.TRUST, PolicyType.RCP, PolicyType.VPC_ENDPOINT))
