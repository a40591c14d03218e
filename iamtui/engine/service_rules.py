"""Rules of single services and of kinds of callers: whom the resource side must let in, what is free, what is refused.

Data where it can be: action names are in lower case. Sources: IAM User Guide (policy evaluation logic,
managed policies, service-linked roles, temporary credentials), KMS Developer Guide (key policies), S3 User Guide
(bucket policies), Organizations User Guide (RCPs).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Final

from msgspec import Struct, structs

from iamtui.catalog.between_accounts import CallLimit, call_limit, gift_limit
from iamtui.engine.request import (
    WITH_CREDENTIALS,
    MissingPolicy,
    NamedPolicy,
    OrganizationPlace,
    PoliciesInForce,
    PolicyInForce,
    Principal,
    PrincipalKind,
)
from iamtui.policy.conditions import CompiledCondition
from iamtui.policy.context import KeyState, MissingLeaf, RequestContext, Truth, all_of, any_of
from iamtui.policy.document import ConditionLine, PolicyDocument
from iamtui.policy.json_text import json_text
from iamtui.policy.patterns import Arn, Glob, arn_tokens, parse_pieces, tokens_of
from iamtui.policy.resource import RequestResource, ResourceKind, may_have_policy
from iamtui.policy.statement import ActionName, Strength
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS
from iamtui.resource_policy_services import WITH_RESOURCE_POLICIES
from iamtui.text import safe_text

ASSUME_ROLE_ACTIONS: Final = frozenset(("assumerole", "assumerolewithsaml", "assumerolewithwebidentity"))
_TRUST_ACTIONS: Final = ASSUME_ROLE_ACTIONS | {"tagsession", "setsourceidentity"}


def _glob(pattern: str) -> Glob:
    """A pattern of ARNs, each star of which stays in its field."""
    return Glob(arn_tokens(tokens_of(parse_pieces(pattern, variables=False)), trailing_star_crosses=False))


_ROLE: Final = _glob("arn:*:iam::*:role/*")
_KMS_KEY: Final = _glob("arn:*:kms:*:*:key/*")
# IAM has no Regions, so that a star there adds nothing to a set.
_AWS_MANAGED: Final = _glob("arn:*:iam:*:aws:policy/*")
_RESERVED_ROLE: Final = _glob("arn:*:iam:*:*:role/aws-reserved/*")
_SERVICE_LINKED_ROLE: Final = _glob("arn:*:iam:*:*:role/aws-service-role/*")
_MADE_FOR_A_SERVICE: Final = _glob("arn:*:iam:*:*:role/aws-service-role/?*/?*")
_ALIAS: Final = _glob("arn:*:kms:*:*:alias/*")
_RESERVED_ALIAS: Final = _glob("arn:*:kms:*:*:alias/aws/*")

_AWS_MANAGED_POLICY_WRITES: Final = frozenset(
    (
        "createpolicy",
        "createpolicyversion",
        "deletepolicy",
        "deletepolicyversion",
        "setdefaultpolicyversion",
        "tagpolicy",
        "untagpolicy",
    )
)
_SERVICE_LINKED_ROLE_WRITES: Final = frozenset(
    (
        "attachrolepolicy",
        "deleterole",
        "deleterolepermissionsboundary",
        "deleterolepolicy",
        "detachrolepolicy",
        "putrolepermissionsboundary",
        "putrolepolicy",
        "updateassumerolepolicy",
    )
)
"""Actions that IAM refuses for service-linked roles: UnmodifiableEntity in the IAM API Reference, but for the edits
of descriptions and of instance profiles.
"""
_OF_SERVICE_LINKED_ROLES: Final = frozenset(("createservicelinkedrole", "deleteservicelinkedrole"))
_OF_PROVIDERS: Final = frozenset(("assumerolewithsaml", "assumerolewithwebidentity"))
_FREE_OR_REFUSED: Final = _OF_PROVIDERS | {
    "assumeroot",
    "getcalleridentity",
    "getscopedcredentials",
    "getsessiontoken",
    "getfederationtoken",
}
_READING_PREFIXES: Final = ("get", "list", "generate", "simulate")
_ALIAS_WRITES: Final = frozenset(("createalias", "updatealias", "deletealias"))
_BUCKET_POLICY_ACTIONS: Final = frozenset(("getbucketpolicy", "putbucketpolicy", "deletebucketpolicy"))


def is_trust_question(action: ActionName, resource: RequestResource) -> bool:
    """True if a role trust policy takes part: AssumeRole and its kin on a role."""
    if action.service != "sts" or action.name not in _TRUST_ACTIONS:
        return False
    if action.name in ASSUME_ROLE_ACTIONS:
        return True
    return _may_name(_ROLE, resource)


_INVOKED_OTHERWISE: Final = (
    "This is how API Gateway decides for methods with IAM authorization, by the policy that the API had when the stage "
    "was deployed. Where a method has another authorizer, or none, identity policies have no say."
)
_FINE_GRAINED: Final = "Fine-grained access control of the domain, where it is on, has to allow the request as well."
_LAKE_FORMATION: Final = (
    "Where Lake Formation manages the database or table, its permissions have to allow the call as well."
)
_LAKE_FORMATION_MANAGES: Final = ("table", "database", "partition")


def decided_besides(action: ActionName) -> str:
    """Note on other mechanisms than the policies that decide a call; "" where there are none.

    Lambda Developer Guide: function URLs; API Gateway Developer Guide: how resource policies affect authorization, and
    creating and attaching one; OpenSearch Service Developer Guide: fine-grained access control; AWS Glue Developer
    Guide: cross-account access.
    """
    if action.full == "lambda:invokefunctionurl":
        return (
            "A call through a function URL needs lambda:InvokeFunction too, with lambda:InvokedViaFunctionUrl true, "
            "which is a question of its own."
        )
    if action.full == "execute-api:invoke":
        return _INVOKED_OTHERWISE
    if action.service == "es" and action.name.startswith("eshttp"):
        return _FINE_GRAINED
    if action.service == "glue" and any(word in action.name for word in _LAKE_FORMATION_MANAGES):
        return _LAKE_FORMATION
    return ""


_OF_LOG_GROUPS: Final = frozenset(("createlogstream", "putlogevents"))
_OF_LOG_DESTINATIONS: Final = frozenset(("createdelivery", "putsubscriptionfilter"))
_OF_DOMAINS: Final = ("eshttp", "escrosscluster")
_PUT_THE_POLICY: Final = frozenset(("putdomainpermissionspolicy", "putrepositorypermissionspolicy"))


def without_resource_policy(action: ActionName, kind: PrincipalKind | None = None) -> str:
    """Why a policy on the resource has no say in an action of a kind of caller; "" where it has.

    Of what IAM manages only roles have one, which speaks of STS. OpenSearch Service Developer Guide: identity and
    access management; CloudWatch Logs API Reference: PutResourcePolicy; CodeArtifact API Reference:
    PutDomainPermissionsPolicy, PutRepositoryPermissionsPolicy.

    Args:
        kind: None stands for users and roles.
    """
    if action.service == "iam" or action.full == "sts:assumeroot":
        return "IAM lets in only callers of the account that the resource belongs to."
    if action.service == "es" and not action.name.startswith(_OF_DOMAINS):
        return "The policy of a domain covers only requests to its indexes and APIs (es:ESHttp...)."
    from_service = kind is PrincipalKind.SERVICE and action.name in _OF_LOG_GROUPS
    if action.service == "logs" and not from_service and action.name not in _OF_LOG_DESTINATIONS:
        return "The policies of log groups let AWS services put log events there, and nobody else."
    if action.service == "codeartifact" and action.name in _PUT_THE_POLICY:
        return "CodeArtifact ignores the policy of a domain or repository when it is replaced."
    return ""


def takes_resource_policy(action: ActionName, kind: PrincipalKind | None = None) -> bool:
    """True if a policy on the resource counts for an action of a kind of caller (None: of users and roles)."""
    return not without_resource_policy(action, kind)


def closed_to_others(action: ActionName, kind: PrincipalKind, resource: Arn | None) -> str:
    """Why no policy on a resource can let in a caller from outside its account; "" where one can."""
    why = without_resource_policy(action, kind)
    if why or resource is None or may_have_policy(resource):
        return why
    which = "This resource" if resource.service in WITH_RESOURCE_POLICIES else "A resource"
    return f"{which} of {safe_text(resource.service, limit=64)} has no policy that could let the caller in."


def is_key_question(action: ActionName, resource: RequestResource) -> bool:
    """True if a KMS key policy takes part: a request on a key, by its alias too, not on the alias or the account."""
    return action.service == "kms" and (_may_name(_KMS_KEY, resource) or is_use_of_alias(action, resource))


def is_use_of_alias(action: ActionName, resource: RequestResource) -> bool:
    """True if the resource is a key named by its alias, which has no policy and is not what KMS authorizes."""
    return action.service == "kms" and action.name not in _ALIAS_WRITES and _is_all(_ALIAS, resource)


def some_have_no_policy(action: ActionName, resource: RequestResource) -> bool:
    """True if a set has resources besides the keys, or roles, whose policy has to admit the caller."""
    return resource.kind is ResourceKind.SET and not _is_all(_KMS_KEY if action.service == "kms" else _ROLE, resource)


def _may_name(glob: Glob, resource: RequestResource) -> bool:
    if resource.kind is ResourceKind.NONE:
        return False
    if resource.kind is ResourceKind.SET:
        return resource.members.shares(glob)
    return glob.matches(resource.text)


def depends_on_credentials(action: ActionName) -> bool:
    """True if STS may answer or refuse a user or role for its credentials alone, whatever the policies say.

    These are the actions of which `free_action` and `credential_rule` say so; of other kinds of callers, and of
    temporary credentials of a user, the latter says it of more.
    """
    return action.service == "sts" and action.name in _FREE_OR_REFUSED


def free_action(action: ActionName, principal: Principal) -> str | None:
    """Why the action needs no permission for this caller, or None when it does (STS API Reference)."""
    if action.service != "sts":
        return None
    unsigned = (PrincipalKind.ANONYMOUS, PrincipalKind.IDENTITY_PROVIDER)
    if action.name == "getcalleridentity" and principal.kind not in unsigned:
        return "sts:GetCallerIdentity needs no permission and cannot be denied."
    long_term = principal.credentials != "temporary"
    if action.name == "getsessiontoken" and principal.kind in (PrincipalKind.USER, PrincipalKind.ROOT) and long_term:
        return "sts:GetSessionToken needs no permission for long-term credentials."
    return None


def refusal(action: ActionName, resource: RequestResource) -> str | None:
    """Why no customer policy can allow this, or None; for a set of resources, only when it holds for all."""
    for glob, why in _refused_resources(action):
        if _is_all(glob, resource):
            return why
    if action.service == "iam" and action.name in _OF_SERVICE_LINKED_ROLES:
        is_other = resource.kind is not ResourceKind.NONE and not _may_name(_MADE_FOR_A_SERVICE, resource)
        return "Every service-linked role is a role/aws-service-role/SERVICE/NAME." if is_other else None
    return None


def refused_in_part(action: ActionName, resource: RequestResource) -> Iterator[str]:
    """Why no customer policy can allow this on some resources of a set."""
    for glob, why in _refused_resources(action):
        if _may_name(glob, resource):
            yield why


def _refused_resources(action: ActionName) -> Iterator[tuple[Glob, str]]:
    """On which resources no customer policy can allow an action, and why."""
    if action.service == "iam":
        if action.name in _AWS_MANAGED_POLICY_WRITES:
            yield _AWS_MANAGED, "AWS managed policies cannot be changed by customers."
        if not action.name.startswith(_READING_PREFIXES):
            yield (
                _RESERVED_ROLE,
                "Roles under /aws-reserved/ belong to IAM Identity Center and cannot be changed or passed in IAM.",
            )
        if action.name in _SERVICE_LINKED_ROLE_WRITES:
            yield (
                _SERVICE_LINKED_ROLE,
                "Service-linked roles can be changed and deleted by the AWS service that they belong to alone.",
            )
    elif action.service == "kms" and action.name in _ALIAS_WRITES:
        yield _RESERVED_ALIAS, "Aliases under alias/aws/ are reserved for AWS."


def rules_of_refusal(action: ActionName) -> tuple[str, ...]:
    """Reasons of `may_be_granted` to refuse an action, equal for actions with the same result."""
    of_service_linked_roles = action.service == "iam" and action.name in _OF_SERVICE_LINKED_ROLES
    is_assume_role = action.full == "sts:assumerole"
    own = (action.name,) if of_service_linked_roles or is_assume_role else ()
    return (*own, *(why for _, why in _refused_resources(action)))


_TELLING_APART: Final = {
    "account": (_glob("arn:*:account::*:account/o-*/*"),),
    "iam": (_AWS_MANAGED, _RESERVED_ROLE, _SERVICE_LINKED_ROLE, _MADE_FOR_A_SERVICE),
    "kms": (_KMS_KEY, _ALIAS, _RESERVED_ALIAS),
    "s3": (_glob("arn:*:s3:::*"),),
    "sts": (_ROLE, _SERVICE_LINKED_ROLE),
}


def telling_resources_apart(action: ActionName) -> tuple[Glob, ...]:
    """Patterns by which a service's rules distinguish the resources of an action, besides the policies."""
    if action.service == "iam" and action.name.startswith(_READING_PREFIXES):
        return ()
    return _TELLING_APART.get(action.service, ())


def is_assumption_of_service_linked_role(action: ActionName, resource: RequestResource) -> bool:
    """True if a service-linked role is to be assumed, which trusts its AWS service alone (IAM User Guide)."""
    return action.full == "sts:assumerole" and _is_all(_SERVICE_LINKED_ROLE, resource)


def may_be_granted(action: ActionName, text: str) -> bool:
    """True if an identity policy can allow an action on a single resource, as far as `refusal` and STS go."""
    resource = RequestResource(text, ResourceKind.ONE)
    return refusal(action, resource) is None and not is_assumption_of_service_linked_role(action, resource)


def is_all_within(pattern: str, resource: RequestResource) -> bool:
    """True if a resource, or each of a set, fits a pattern of ARNs."""
    return _is_all(_glob(pattern), resource)


def _is_all(glob: Glob, resource: RequestResource) -> bool:
    if resource.kind is ResourceKind.NONE:
        return False
    if resource.kind is ResourceKind.SET:
        return resource.members.is_covered_by(glob)
    return glob.matches(resource.text)


def names_only_root(action: ActionName, principal: Principal, strengths: Collection[Strength]) -> bool:
    """True if a gateway endpoint, unlike an interface endpoint, would not admit this caller.

    The policy of a gateway endpoint (Amazon S3, DynamoDB) that names an account admits its root user alone (VPC User
    Guide: gateway endpoints).

    Args:
        strengths: by which forms the endpoint's policy reaches the caller.
    """
    return (
        action.service in ("s3", "dynamodb")
        and principal.kind is not PrincipalKind.ROOT
        and set(strengths) == {Strength.ACCOUNT}
    )


def is_about_bucket_policy(action: ActionName) -> bool:
    """True if Denies of the bucket's policy do not bind its owner's root, who may always repair that policy (S3)."""
    return action.service == "s3" and action.name in _BUCKET_POLICY_ACTIONS


_BY_ACL: Final = frozenset(
    (
        "listbucket", "listbucketversions", "listbucketmultipartuploads", "getobject", "getobjectversion", "putobject",
        "deleteobject", "deleteobjectversion", "getbucketacl", "getobjectacl", "getobjectversionacl", "putbucketacl",
        "putobjectacl", "putobjectversionacl",
    )
)  # fmt: skip
"""Actions that the permissions of an S3 access control list allow (S3 User Guide: mapping of ACL permissions and access
policy permissions; WRITE lets a bucket's owner delete objects too).
"""


def granted_by_acl(action: ActionName) -> bool:
    """True if an S3 access control list could allow an action."""
    return action.service == "s3" and action.name in _BY_ACL


def escapes_rcps(action: ActionName) -> bool:
    """True if RCPs do not affect an action, whoever calls it (Organizations User Guide: RCPs)."""
    return action.service == "kms" and action.name == "retiregrant"


def rcps_spare_services(action: ActionName, resource: RequestResource) -> bool:
    """True if RCPs do not affect an AWS service's call: it uses its service-linked roles (Organizations User Guide).

    Of a set: whether they do on all of its resources.
    """
    return action.service == "sts" and _is_all(_SERVICE_LINKED_ROLE, resource)


def rcps_spare_services_in_part(action: ActionName, resource: RequestResource) -> bool:
    """True if RCPs do not affect the call of an AWS service on some resources of a set."""
    return (
        action.service == "sts" and resource.kind is ResourceKind.SET and resource.members.shares(_SERVICE_LINKED_ROLE)
    )


# Rules of services about a caller's kind, credentials or account, whatever the policies say.


_FEDERATED_CALLS: Final = frozenset(("sts:assumerolewithsaml", "sts:assumerolewithwebidentity"))


class ServiceRule(Struct, frozen=True):
    """Rule of a service that overrides the policies.

    Args:
        why: what it says, one sentence.
        passes: False: it refuses whatever the policies say; else what it waits for.
        keys: the condition keys that it reads.
        alone: whether it is not known either what policies have to do with it.
    """

    why: str
    passes: Truth = False
    keys: tuple[str, ...] = ()
    alone: bool = False


@lru_cache(maxsize=16)
def _condition(operator: str, key: str, value: str) -> CompiledCondition:
    return CompiledCondition(ConditionLine(operator, key, (value,)), variables=False, options=DEFAULT_LANGUAGE_OPTIONS)


_MFA: Final = _condition("Bool", "aws:MultiFactorAuthPresent", "true")
_ASSUMED_ROOT: Final = _condition("Bool", "aws:AssumedRoot", "true")
_CHECKED_IN_OTHER_CALLS: Final = frozenset(
    ("iam:passrole", "sts:tagsession", "sts:setsourceidentity", "sts:setcontext", "sts:getservicebearertoken")
)
"""Permissions of IAM and STS that are no calls: AWS checks them when others are made."""


_OF_FEDERATED_USERS: Final = frozenset(("getcalleridentity", "getscopedcredentials", "getdelegatedaccesstoken"))
_OF_SESSION_TOKENS: Final = _OF_FEDERATED_USERS | {"assumerole", "getwebidentitytoken"}
"""The calls of STS that it takes from sessions of sts:GetFederationToken, and of sts:GetSessionToken (STS API
Reference: GetFederationToken, GetSessionToken)."""


_WITH_A_ROLE: Final = frozenset(("sts:tagsession", "sts:setsourceidentity"))
"""Permissions that STS checks, in the role's trust policy, when a role is assumed."""


def uses_session_token(principal: Principal, context: RequestContext) -> bool:
    """True if a user or root user has temporary credentials, as from sts:GetSessionToken.

    Where that is not told, a value of aws:MultiFactorAuthPresent tells it: no access key carries the key.
    """
    if principal.kind not in (PrincipalKind.USER, PrincipalKind.ROOT):
        return False
    if principal.credentials is None:
        mfa = context.lookup("aws:multifactorauthpresent")
        return mfa is KeyState.PRESENT or (isinstance(mfa, tuple) and bool(mfa))
    return principal.credentials == "temporary"


_MOST_SCOPE_DOWNS: Final = 3
_LONGEST_SCOPE_DOWN: Final = 2_048


def scope_down_problem(principal: Principal | None, policies: Sequence[PolicyDocument]) -> str:
    """Why credentials cannot be scoped down by some policies, a clause, or "".

    STS API Reference: GetScopedCredentials.

    Args:
        principal: whose credentials they are; None: those of several.
        policies: readable ones.
    """
    if not policies:
        return ""
    if len(policies) > _MOST_SCOPE_DOWNS:
        return f"found {len(policies)} policies, expected {_MOST_SCOPE_DOWNS} at most"
    for policy in policies:
        size = len(json_text(policy.value, separators=(",", ":")))
        if size > _LONGEST_SCOPE_DOWN:
            return f"found a policy of {size:,} characters without blanks, expected {_LONGEST_SCOPE_DOWN:,} at most"
    if principal is None:
        return ""
    if principal.kind not in WITH_CREDENTIALS:
        return "found a caller without temporary credentials, expected a session, a user or the root user"
    return "found long-term credentials, expected temporary ones" if principal.credentials == "long_term" else ""


_SCOPED_LONG_TERM: Final = ServiceRule("STS takes sts:GetScopedCredentials with temporary credentials only.")
_SCOPED: Final = ServiceRule(
    "Which permission sts:GetScopedCredentials needs is not known here.",
    MissingLeaf("AWS's documentation of the permissions for sts:GetScopedCredentials", ""),
    alone=True,
)


def credential_rule(action: ActionName, principal: Principal, context: RequestContext) -> ServiceRule | None:
    """Rule of IAM or STS for this kind of caller or credentials, whatever the policies say.

    IAM User Guide: compare AWS STS credentials; STS API Reference.
    """
    if action.service == "iam":
        return _iam_by_credentials(action, principal, context)
    if action.full == "sts:getscopedcredentials":
        return _SCOPED_LONG_TERM if principal.credentials == "long_term" else _SCOPED
    why = _refused_by_sts(action, principal, context) if action.service == "sts" else None
    return None if why is None else ServiceRule(why)


_THROUGH_URL: Final = _condition("Bool", "lambda:InvokedViaFunctionUrl", "true")


def anonymous_rule(action: ActionName, takes_unsigned: bool | None, context: RequestContext) -> ServiceRule | None:
    """Rule of a service for callers without credentials, whatever the policies say.

    Args:
        takes_unsigned: whether it takes the call without a signature; None: not known.
    """
    if action.full in _FEDERATED_CALLS:
        return ServiceRule("STS takes this call from the users of an identity provider, not from an anonymous caller.")
    if takes_unsigned is False:
        return ServiceRule(
            f"{action.service} accepts this call only with a signature: an anonymous caller cannot make it."
        )
    if takes_unsigned is None:
        unknown = MissingLeaf(f"AWS's documentation of unsigned requests to {action.service}", "")
        return ServiceRule(f"AWS does not say whether {action.service} takes requests without a signature.", unknown)
    if action.full != "lambda:invokefunction":
        return None
    passes = _THROUGH_URL.test(context)
    if passes is True:
        return None
    why = "Lambda takes an unsigned call of a function through its URL only."
    return ServiceRule(why, passes, (_THROUGH_URL.line.key,))


@lru_cache(maxsize=4096)
def gift_rule(action: ActionName) -> ServiceRule | None:
    """Rule for an action that resource policies cannot grant across accounts, or that AWS does not say they can."""
    limit = gift_limit(action.service, action.name)
    if limit is None:
        return None
    gift = f"give this action of {action.service} to callers from outside its account ({limit.source})."
    if limit.never:
        return ServiceRule(f"No policy of a resource can {gift}")
    return ServiceRule(f"It is not known that the policy of a resource can {gift}", MissingLeaf(limit.unknown, ""))


def both_rules(first: ServiceRule | None, second: ServiceRule | None) -> ServiceRule | None:
    """Combination of two rules that both must let a call pass; the first that refuses is enough."""
    if first is None or second is None:
        return first or second
    for rule in (first, second):
        if rule.passes is False:
            return rule
    return ServiceRule(f"{first.why} {second.why}", all_of((first.passes, second.passes)), first.keys + second.keys)


_WHICH: Final = {
    "management": "Only the management account of an organization can make this call",
    "creator": "Only an account that is no member of an organization can make this call",
    "member": "Only a member account of an organization can make this call, not its management account",
    "recipient": "Only the account that a handshake is sent to can make this call",
    "reader": (
        "Only the management account and delegated administrators of an organization, and accounts that the "
        "organization's resource policy lets, can make this call"
    ),
    "policy_writer": (
        "Only the management account of an organization, and accounts that its resource policy lets, can make this call"
    ),
    "delegate": "Only the management account and a delegated administrator for the service can make this call",
    "management_maybe_delegate": (
        "Only the management account of an organization can make this call; whether a delegated administrator for the "
        "service can is not documented"
    ),
    "not_management": "The management account of an organization cannot make this call",
    "instance_owner": "Only the management account can make this call on the organization's instance",
}
_IAM: Final = "iam.amazonaws.com"
_PLACE: Final = MissingLeaf("place of the caller's account in an organization", "organizations:DescribeOrganization")
_DELEGATIONS: Final = MissingLeaf(
    "list of the organization's delegated administrators", "organizations:ListDelegatedAdministrators"
)
_DELEGATION_POLICY: Final = MissingLeaf("resource policy of the organization", "organizations:DescribeResourcePolicy")
_RECIPIENT: Final = MissingLeaf("recipient of the handshake", "organizations:DescribeHandshake")
_INSTANCE: Final = MissingLeaf("owner of the Identity Center instance", "sso:DescribeInstance")
_BY_DELEGATE: Final = MissingLeaf("AWS's documentation of this call by a delegated administrator", "")


def account_rule(action: ActionName, resource: RequestResource, policies: PoliciesInForce) -> ServiceRule | None:
    """Rule for calls that only some accounts of an organization can make (AWS's pages: `between_accounts.json`)."""
    limit = call_limit(action.service, action.name)
    if limit is None or (limit.resource and not is_all_within(limit.resource, resource)):
        return None
    passes = _by_place(limit, policies)
    return None if passes is True else ServiceRule(f"{_WHICH[limit.by]} ({limit.source}).", passes)


def _by_place(limit: CallLimit, policies: PoliciesInForce) -> Truth:
    """Truth of the caller's account being one of those that can make a call."""
    place, by = policies.principal_place, limit.by
    if by == "recipient":
        return _RECIPIENT
    if place is None:
        return _PLACE
    if by in ("member", "creator"):
        return place is (OrganizationPlace.MEMBER if by == "member" else OrganizationPlace.OUTSIDE)
    if by == "not_management":
        return place is not OrganizationPlace.MANAGEMENT
    if place is OrganizationPlace.MANAGEMENT:
        return True
    if place is OrganizationPlace.OUTSIDE or by == "management":
        return by == "instance_owner"
    if by == "instance_owner":
        return _INSTANCE
    if by == "policy_writer":
        return _DELEGATION_POLICY
    services = policies.principal_delegated_services
    if by == "reader":
        return bool(services) or _DELEGATION_POLICY
    is_delegate: Truth = limit.service in services or _DELEGATIONS
    if limit.service == _IAM and policies.principal_in_iam_delegated_administrator is not None:
        is_delegate = policies.principal_in_iam_delegated_administrator
    return all_of((is_delegate, _BY_DELEGATE)) if by == "management_maybe_delegate" else is_delegate


def with_password_policy(policies: PoliciesInForce, user: Principal, resource: RequestResource) -> PoliciesInForce:
    """The same, with what the account's password policy lets its users do (IAM API Reference: ChangePassword).

    Args:
        resource: of a call that it is about.
    """
    identity = policies.identity
    is_own = resource.members.has(user.arn) if resource.kind is ResourceKind.SET else resource.text in ("*", user.arn)
    if isinstance(identity, tuple) and is_own:
        name = f"password policy of account {user.account}"
        found: PolicyInForce = MissingPolicy(name, "iam:GetAccountPasswordPolicy", "it is not loaded", only_allows=True)
        if policies.users_may_change_password is True:
            itself = user.arn.replace("*", "${*}").replace("?", "${?}")
            change = {"Sid": "ChangeOwnPassword", "Effect": "Allow", "Action": "iam:ChangePassword", "Resource": itself}
            read = {
                "Sid": "ReadPasswordPolicy",
                "Effect": "Allow",
                "Action": "iam:GetAccountPasswordPolicy",
                "Resource": "*",
            }
            found = NamedPolicy(name, PolicyDocument.of({"Version": "2012-10-17", "Statement": [change, read]}))
        identity = (*identity, found)
    return structs.replace(policies, identity=identity, users_may_change_password=False, lasting=False)


def provider_rule(action: ActionName, provider: Principal) -> ServiceRule | None:
    """Rule for the users of an identity provider, who have no AWS credentials yet.

    STS API Reference: AssumeRoleWithSAML, AssumeRoleWithWebIdentity; IAM User Guide: pass session tags.
    """
    by_saml = ":saml-provider/" in provider.arn
    if action.full == f"sts:assumerolewith{'saml' if by_saml else 'webidentity'}" or action.full in _WITH_A_ROLE:
        return None
    kind, call = ("SAML", "SAML") if by_saml else ("OpenID Connect", "WebIdentity")
    return ServiceRule(
        f"The users of {'a' if by_saml else 'an'} {kind} provider have no AWS credentials: they can call "
        f"sts:AssumeRoleWith{call} alone."
    )


def _iam_by_credentials(action: ActionName, principal: Principal, context: RequestContext) -> ServiceRule | None:
    if action.full in _CHECKED_IN_OTHER_CALLS:
        return None
    if principal.kind is PrincipalKind.FEDERATED_USER:
        return ServiceRule("IAM refuses a federated-user session calls from the command line and the API.")
    if not uses_session_token(principal, context):
        return None
    conditions = (_MFA, _ASSUMED_ROOT) if principal.kind is PrincipalKind.ROOT else (_MFA,)
    passes = any_of(condition.test(context) for condition in conditions)
    if passes is True:
        return None
    return ServiceRule(
        "IAM refuses calls with a session token from sts:GetSessionToken that was got without MFA.",
        passes,
        tuple(condition.line.key for condition in conditions),
    )


def _refused_by_sts(action: ActionName, principal: Principal, context: RequestContext) -> str | None:
    kind = principal.kind
    if action.full in _FEDERATED_CALLS:
        return "STS takes this call from the users of an identity provider, who have no AWS credentials."
    if kind is PrincipalKind.ROOT and action.name in ("assumerole", "assumeroot"):
        return "STS refuses sts:AssumeRole and sts:AssumeRoot to the root user."
    if kind is PrincipalKind.FEDERATED_USER and action.name not in _OF_FEDERATED_USERS:
        return (
            "STS refuses every call but GetCallerIdentity, GetScopedCredentials and GetDelegatedAccessToken to a "
            "federated-user session."
        )
    if action.name in ("getsessiontoken", "getfederationtoken"):
        if kind in (PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION):
            return "STS refuses GetSessionToken and GetFederationToken to role sessions."
        if principal.credentials == "temporary" or uses_session_token(principal, context):
            return "STS refuses GetSessionToken and GetFederationToken to temporary credentials."
    takes = action.name in _OF_SESSION_TOKENS or action.full in _CHECKED_IN_OTHER_CALLS
    if uses_session_token(principal, context) and not takes:
        return (
            "STS refuses every call but AssumeRole, GetCallerIdentity, GetScopedCredentials, GetWebIdentityToken and "
            "GetDelegatedAccessToken to a session token from GetSessionToken."
        )
    return None


_ROOT_USERS: Final = "the root user of a member account, arn:aws:iam::ACCOUNT:root"
_DELEGATES: Final = MissingLeaf(
    "list of the delegated administrators for IAM", "organizations:ListDelegatedAdministrators"
)
_MEMBERS: Final = MissingLeaf("list of member accounts", "organizations:ListAccounts")
_ON_ITSELF: Final = MissingLeaf(
    "AWS's documentation of sts:AssumeRoot on the delegated administrator's own account, which is a member account too",
    "",
)
"""IAM User Guide (perform a privileged task on a member account) and STS API Reference neither allow nor exclude it."""


def assume_root_rule(
    resource: RequestResource,
    arn: Arn | None,
    principal: Principal,
    context: RequestContext,
    policies: PoliciesInForce,
    owner: str | None,
    *,
    some_account: bool,
) -> ServiceRule | None:
    """Who may take over the root user of a member account (STS API Reference: AssumeRoot).

    Args:
        arn: of the resource, cut.
        policies: say where caller and resource stand in the organization.
        owner: the account of the root user, or of those of a set; None: any member account.
        some_account: whether the account stands for any member account that there may be.
    """
    refused = _assume_root_refused(resource, arn, principal, policies)
    if refused is not None:
        return ServiceRule(refused)
    by_place: Truth = True
    if not policies.principal_in_management_account and policies.principal_in_iam_delegated_administrator is None:
        by_place = _DELEGATES
    account = arn.account if arn is not None and resource.kind is ResourceKind.ONE else owner
    own = account in (None, principal.account) and not policies.principal_in_management_account
    waits_for = [_ON_ITSELF] if own else []
    if owner is None or (some_account and not own):
        waits_for.append(_MEMBERS)
    if waits_for:
        by_place = all_of((by_place, any_of(waits_for)))
    partition = arn.partition if arn is not None and "*" not in arn.partition else "*"
    task = _condition("ArnLike", "sts:TaskPolicyArn", f"arn:{partition}:iam::aws:policy/root-task/*")
    passes = all_of((by_place, task.test(context)))
    if passes is True:
        return None
    return ServiceRule(
        "STS lets only the management account and a delegated administrator for IAM call sts:AssumeRoot, with one of "
        "the task policies under arn:aws:iam::aws:policy/root-task/."
        + (" AWS does not say whether a delegated administrator may call it on its own account." if own else "")
        + (" The member accounts of the organization are not known." if owner is None else ""),
        passes,
        (task.line.key,),
    )


def _assume_root_refused(
    resource: RequestResource, arn: Arn | None, principal: Principal, policies: PoliciesInForce
) -> str | None:
    one = resource.kind is ResourceKind.ONE
    if one and (arn is None or (arn.service, arn.region, arn.resource) != ("iam", "", "root")):
        return f"sts:AssumeRoot acts on {_ROOT_USERS}, and on nothing else."
    if not policies.principal_in_management_account and policies.principal_in_iam_delegated_administrator is False:
        return "STS lets only the management account and a delegated administrator for IAM call sts:AssumeRoot."
    own = one and arn is not None and arn.account == principal.account
    if policies.resource_in_management_account or (own and policies.principal_in_management_account):
        return f"sts:AssumeRoot acts on {_ROOT_USERS}, not on that of the management account."
    return None
