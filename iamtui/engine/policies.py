"""The policies in force for one request, layer by layer, as the evaluator takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from iamtui.policy.document import PolicyDocument
from iamtui.policy.types import LanguageOptions


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A document under the name it is known by (policy name or ARN)."""

    name: str
    document: PolicyDocument


@dataclass(frozen=True, slots=True)
class MissingPolicy:
    """A policy that is in force but whose document is not known: it may allow and it may deny.

    Args:
        name: policy name or ARN.
        permission: the IAM action that would let it be read, or empty.
        reason: why it is missing ("not in the snapshot", "unreadable: ...").
        unreadable: whether the document is there and cannot be understood.
    """

    name: str
    permission: str = ""
    reason: str = ""
    unreadable: bool = False


PolicyInForce: TypeAlias = NamedPolicy | MissingPolicy


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """A layer that is not loaded or switched off; `reason` is a short phrase."""

    reason: str
    permission: str = ""


@dataclass(frozen=True, slots=True)
class PolicyLevel:
    """The SCPs or RCPs of one level (root, OU or account).

    Args:
        not_loaded: why nothing is known of this level, which is then left out; None: `policies` are all of them.
    """

    policies: tuple[PolicyInForce, ...]
    name: str | None = None
    not_loaded: NotEvaluated | None = None


@dataclass(frozen=True)
class PoliciesInForce:
    """What applies to one request.

    An empty tuple of boundaries, session or endpoint policies means that the layer is absent.

    Args:
        identity: the caller's own policies and those of its groups, or of its role or issuer.
        boundaries: the permissions boundary (at most one in AWS).
        session: inline and managed session policies.
        resource: the policy of the resource; None when it has none.
        scps, rcps: levels from the root; () means not in an organization; NotEvaluated: not loaded.
        vpc_endpoint: policies of the endpoint that the request travels through.
        principal_in_management_account, resource_in_management_account: exempt from SCPs, RCPs.
        principal_in_iam_delegated_administrator: whether the caller's account is a delegated administrator for IAM;
            None: not known.
        restrict_public_buckets: S3 Block Public Access; NotEvaluated: not known.
        public_policy: whether the bucket policy counts as public; None: judge it.
        lasting: whether the same tuples (and the same principal) will be asked about again, so that what is made
            of them is worth keeping.
    """

    identity: tuple[PolicyInForce, ...] | NotEvaluated = ()
    boundaries: tuple[PolicyInForce, ...] | NotEvaluated = ()
    session: tuple[PolicyInForce, ...] | NotEvaluated = ()
    resource: PolicyInForce | NotEvaluated | None = None
    scps: tuple[PolicyLevel, ...] | NotEvaluated = ()
    rcps: tuple[PolicyLevel, ...] | NotEvaluated = ()
    vpc_endpoint: tuple[PolicyInForce, ...] | NotEvaluated = ()
    principal_in_management_account: bool = False
    resource_in_management_account: bool = False
    principal_in_iam_delegated_administrator: bool | None = None
    restrict_public_buckets: bool | NotEvaluated = False
    public_policy: bool | None = None
    lasting: bool = False

    def of_caller(self, identity: tuple[PolicyInForce, ...], boundaries: tuple[PolicyInForce, ...]) -> PoliciesInForce:
        """The same for another caller of the account; for thousands, so the rest is taken over in one go."""
        made = object.__new__(PoliciesInForce)
        made.__dict__.update(self.__dict__, identity=identity, boundaries=boundaries)
        return made


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """The open points of AWS's documentation that can change a decision, each with its default.

    Args:
        substitute_variables_in_bool: operators page says supported, variables page says not.
        anonymous_userid: whether an anonymous caller has aws:userid "anonymous".
        deny_federated_without_session_policy: whether GetFederationToken without policies can use identity policies.
        role_grant_limited_by_caps: whether a same-account grant to a role ARN (or to the issuer of a
            federated-user session) is limited by the boundary's silence.
        one_session_policy_is_enough: whether it is enough that one of several session policies allows, instead of each.
        not_principal_root_required: whether Deny with NotPrincipal also denies when the account root is not listed.
        not_principal_allow_grants: whether Allow with NotPrincipal, which AWS no longer accepts, grants to everyone
            who is not listed.
        compare_multivalued_keys: whether a key with several values is compared by an operator without set
            operator, instead of positive false and negated true.
        for_all_negated_holds_when_absent: whether ForAllValues with a negated operator holds for an absent key.
        short_arns_match: whether a Resource entry that is an ARN of fewer than six fields is read as its kind of
            policy reads it, instead of matching nothing.
        trailing_star_crosses_colons: whether a `*` that ends an ARN field may run past the colons behind it.
        list_buckets_on_bucket_arn: whether `arn:aws:s3:::*` matches s3:ListAllMyBuckets.
        bare_star_in_arn_operator: whether `*` as an ARN pattern matches every present value.
        wildcards_in_substituted_values: whether `*` inside a substituted value is a wildcard.
        star_allow_includes_services: whether an Allow to "*" includes service principals.
        trust_aws_star_admits_everyone: whether {"AWS": "*"} in a trust policy admits services.
        legacy_role_self_trust: whether roles trust themselves, as they may trust their account, without saying so.
        block_public_access_is_explicit: whether a Block Public Access rejection counts as an explicit deny.
    """

    substitute_variables_in_bool: bool = True
    anonymous_userid: bool = True
    deny_federated_without_session_policy: bool = True
    role_grant_limited_by_caps: bool = True
    one_session_policy_is_enough: bool = True
    not_principal_root_required: bool = False
    not_principal_allow_grants: bool = True
    compare_multivalued_keys: bool = False
    for_all_negated_holds_when_absent: bool = True
    short_arns_match: bool = True
    trailing_star_crosses_colons: bool = True
    list_buckets_on_bucket_arn: bool = True
    bare_star_in_arn_operator: bool = True
    wildcards_in_substituted_values: bool = False
    star_allow_includes_services: bool = True
    trust_aws_star_admits_everyone: bool = False
    legacy_role_self_trust: bool = False
    block_public_access_is_explicit: bool = True

    @property
    def language(self) -> LanguageOptions:
        """The options that the policy language itself needs."""
        return LanguageOptions(
            substitute_variables_in_bool=self.substitute_variables_in_bool,
            trailing_star_crosses_colons=self.trailing_star_crosses_colons,
            list_buckets_on_bucket_arn=self.list_buckets_on_bucket_arn,
            bare_star_in_arn_operator=self.bare_star_in_arn_operator,
            wildcards_in_substituted_values=self.wildcards_in_substituted_values,
            compare_multivalued_keys=self.compare_multivalued_keys,
            for_all_negated_holds_when_absent=self.for_all_negated_holds_when_absent,
            short_arns_match=self.short_arns_match,
        )


DEFAULT_OPTIONS = EngineOptions()
