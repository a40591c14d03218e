"""Rules of single services: who must be let in by the resource side, what is free, what no policy can allow.

Data where it can be: action names are in lower case. Sources: IAM User Guide (policy evaluation logic,
managed policies, service-linked roles, temporary credentials), KMS Developer Guide (key policies), S3 User Guide
(bucket policies), Organizations User Guide (RCPs).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from iamtui.engine.request import Principal, PrincipalKind
from iamtui.policy.patterns import Arn, Glob, arn_tokens, parse_pieces, tokens_of
from iamtui.policy.resource import RequestResource, ResourceKind, may_have_policy
from iamtui.policy.statement import ActionName, Strength
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
