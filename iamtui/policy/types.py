"""The kinds of policy document; what an element means at run time depends on them."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


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
        return self in _WITH_PRINCIPALS

    @property
    def implies_resource(self) -> bool:
        """True if a statement without Resource means the resource that the policy is on."""
        return self in (PolicyType.RESOURCE, PolicyType.TRUST)


_WITH_PRINCIPALS = frozenset((PolicyType.RESOURCE, PolicyType.TRUST, PolicyType.RCP, PolicyType.VPC_ENDPOINT))


# Points of the policy language that AWS's documentation leaves open, each with its default.


class LanguageOptions(Struct, frozen=True):
    """How the open points of matching and conditions are read.

    Args:
        substitute_variables_in_bool: the operators page says variables work in Bool, the variables page says not.
        trailing_star_crosses_colons: whether a `*` that ends an ARN field may run past the colons behind it.
        list_buckets_on_bucket_arn: whether `arn:aws:s3:::*` matches s3:ListAllMyBuckets.
        bare_star_in_arn_operator: whether `*` as an ARN pattern matches every present value.
        wildcards_in_substituted_values: whether `*` inside a substituted value is a wildcard.
        compare_multivalued_keys: whether a key with several values is compared by an operator without set
            operator (any value counts) instead of failing (positive false, negated true).
        for_all_negated_holds_when_absent: whether ForAllValues with a negated operator holds for an absent key.
        short_arns_match: whether a Resource entry that is an ARN of fewer than six fields is read as its kind of
            policy reads it, instead of matching nothing.
    """

    substitute_variables_in_bool: bool = True
    trailing_star_crosses_colons: bool = True
    list_buckets_on_bucket_arn: bool = True
    bare_star_in_arn_operator: bool = True
    wildcards_in_substituted_values: bool = False
    compare_multivalued_keys: bool = False
    for_all_negated_holds_when_absent: bool = True
    short_arns_match: bool = True


DEFAULT_LANGUAGE_OPTIONS = LanguageOptions()
