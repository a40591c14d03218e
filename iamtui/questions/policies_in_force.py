"""Which policies of an account are in force for a principal and for a resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from iamtui.account.model import IAM_SERVICE, Account, Group, Missing, Organization, OrganizationPolicy, Role, User
from iamtui.engine.policies import MissingPolicy, NamedPolicy, NotEvaluated, PolicyInForce, PolicyLevel
from iamtui.engine.prepared_request import PreparedAction
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.policy.arn import resource_policy_arn
from iamtui.policy.resource import ResourceKind
from iamtui.resource_policy_services import WITH_RESOURCE_POLICIES

_ONLY_THROUGH_ENDPOINTS: Final = frozenset(
    (
        "aws:sourcevpc",
        "aws:sourcevpcarn",
        "aws:sourcevpce",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "aws:vpcsourceip",
    )
)
"""Keys that only a request through a VPC endpoint carries (IAM User Guide: global condition context keys)."""


@dataclass(frozen=True, slots=True)
class PrincipalPolicies:
    """What is in force on the principal's side."""

    identity: tuple[PolicyInForce, ...]
    boundaries: tuple[PolicyInForce, ...]
    scps: tuple[PolicyLevel, ...] | NotEvaluated
    in_management_account: bool = False
    in_iam_delegated_administrator: bool | None = None


class ResourceSide(NamedTuple):
    """What is in force on the side of whoever owns a resource, besides the resource's own policy."""

    rcps: tuple[PolicyLevel, ...] | NotEvaluated
    vpc_endpoint: tuple[PolicyInForce, ...] | NotEvaluated
    in_management_account: bool = False


def entity_behind(account: Account, principal: Principal) -> User | Role | None:
    """The user or role whose policies a caller has: for a federated user its issuer; None when not in the account."""
    if principal.account != account.id:
        return None
    if principal.kind is PrincipalKind.USER:
        found = account.by_arn(principal.arn)
    elif principal.kind is PrincipalKind.FEDERATED_USER:
        found = account.by_arn(principal.issuer) if principal.issuer else None
    elif principal.kind in (PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION):
        found = account.role(principal.role_name or "")
        if found is not None and principal.role_arn not in (None, found.arn):
            found = None
    else:
        return None
    return found if isinstance(found, (User, Role)) else None


def principal_policies(account: Account, principal: Principal) -> PrincipalPolicies:
    """The policies on the principal's side; the same objects each time, so that they are compiled once."""
    entity = entity_behind(account, principal)
    key = ("principal policies", entity.arn if entity else principal.arn)
    found = account.memo.get(key)
    if found is None:
        found = account.memo[key] = _principal_policies(account, principal, entity)
    assert isinstance(found, PrincipalPolicies)
    return found


def _principal_policies(account: Account, principal: Principal, entity: User | Role | None) -> PrincipalPolicies:
    here = principal.account == account.id
    scps: tuple[PolicyLevel, ...] | NotEvaluated = ()
    if here:
        scps = _own_levels(account, "scps")
    elif principal.account is not None:
        scps = NotEvaluated(f"the SCPs of account {principal.account} are not loaded")
    identity: tuple[PolicyInForce, ...] = ()
    boundaries: tuple[PolicyInForce, ...] = ()
    if entity is not None:
        identity = tuple(identity_policies(account, entity))
        if entity.boundary_arn is not None:
            boundaries = _boundary(account, entity.boundary_arn)
    elif principal.kind in (
        PrincipalKind.USER,
        PrincipalKind.ROLE,
        PrincipalKind.ROLE_SESSION,
        PrincipalKind.FEDERATED_USER,
    ):
        what = "is not in the loaded account" if here else f"belongs to account {principal.account}"
        identity = (MissingPolicy(f"identity policies of {principal.arn}", reason=what),)
    management = is_management_account(account, principal.account)
    delegated = is_iam_delegated_administrator(account, principal.account)
    return PrincipalPolicies(identity, boundaries, scps, management, delegated)


def is_management_account(account: Account, id_: str | None) -> bool:
    """Whether an account is known to be the one that manages the organization of the loaded account."""
    fact = account.organization
    return not isinstance(fact, Missing) and fact.value is not None and fact.value.management_account == id_


def is_iam_delegated_administrator(account: Account, id_: str | None) -> bool | None:
    """Whether an account is a delegated administrator for IAM in its organization; None: not known."""
    fact = account.organization
    if isinstance(fact, Missing):
        return None
    if fact.value is None:
        # Of another account only its own organization could tell.
        return False if id_ == account.id else None
    delegates = fact.value.delegated_administrators
    return None if delegates is None else id_ in delegates.get(IAM_SERVICE, ())


def identity_policies(account: Account, entity: User | Group | Role) -> Iterator[PolicyInForce]:
    """The identity policies of a user (its own, then those of its groups), a group or a role.

    Managed policies are named by ARN, inline policies by name, those of a group as `GROUP/NAME`.
    """
    yield from _own_policies(account, entity, "")
    if isinstance(entity, User):
        for name in entity.groups:
            group = account.group(name)
            if group is None:
                yield MissingPolicy(f"policies of group {name}", "iam:GetAccountAuthorizationDetails", "not loaded")
            else:
                yield from _own_policies(account, group, f"{name}/")


def _own_policies(account: Account, entity: User | Group | Role, prefix: str) -> Iterator[PolicyInForce]:
    for inline in entity.inline_policies:
        yield NamedPolicy(prefix + inline.name, inline.document)
    for attached in entity.attached_policies:
        yield managed_policy(account, attached.arn)


def managed_policy(account: Account, arn: str) -> PolicyInForce:
    """The default version of a managed policy under its ARN, or the fact that its document is missing."""
    key = ("managed policy", arn)
    found = account.memo.get(key)
    if found is None:
        policy = account.policy(arn)
        version = policy.default_version if policy else None
        if version is None:
            found = MissingPolicy(arn, "iam:GetPolicyVersion", "its document is not loaded")
        else:
            found = NamedPolicy(arn, version.document)
        account.memo[key] = found
    assert isinstance(found, (NamedPolicy, MissingPolicy))
    return found


def _boundary(account: Account, arn: str) -> tuple[PolicyInForce, ...]:
    """The boundary as a layer; the same tuple for all who have it, so that it is read once for all of them."""
    found = account.memo.get(("boundary", arn))
    if found is None:
        found = account.memo["boundary", arn] = (managed_policy(account, arn),)
    assert isinstance(found, tuple)
    return found


def _own_levels(account: Account, kind: str) -> tuple[PolicyLevel, ...] | NotEvaluated:
    """The SCP or RCP levels above the account."""
    key = ("levels", kind)
    found = account.memo.get(key)
    if found is None:
        fact = account.organization
        if isinstance(fact, Missing):
            found = NotEvaluated(fact.reason, fact.permission)
        elif fact.value is None:
            found = ()
        else:
            found = _levels(fact.value, kind)
        account.memo[key] = found
    assert isinstance(found, (tuple, NotEvaluated))
    return found


def _levels(organization: Organization, kind: str) -> tuple[PolicyLevel, ...] | NotEvaluated:
    """What the levels say; a level that is not loaded takes nothing from what the others deny."""
    if not organization.path:
        return NotEvaluated("where the account stands in its organization is not loaded", "organizations:ListParents")
    levels: list[PolicyLevel] = []
    for level in organization.path:
        fact = level.scps if kind == "scps" else level.rcps
        name = level.name or level.id
        if isinstance(fact, Missing):
            not_loaded = NotEvaluated(f"the policies of {name} are not loaded", fact.permission)
            levels.append(PolicyLevel((), name, not_loaded))
        else:
            levels.append(PolicyLevel(tuple(_organization_policies(fact.value)), name))
    ends = (organization.path[0].type, organization.path[-1].type)
    for type_, end, words in zip(ends, ("ROOT", "ACCOUNT"), ("root", "account itself"), strict=True):
        if type_ != end:
            not_loaded = NotEvaluated(f"the policies of the {words} are not loaded", "organizations:ListParents")
            levels.append(PolicyLevel((), None, not_loaded))
    return tuple(levels)


def _organization_policies(policies: Iterable[OrganizationPolicy]) -> Iterator[PolicyInForce]:
    for policy in policies:
        yield NamedPolicy(policy.name or policy.arn, policy.document)


def resource_side(account: Account, owner: str | None, context: Mapping[str, tuple[str, ...]]) -> ResourceSide:
    """What is in force on the side of whoever owns a resource."""
    if owner == account.id:
        rcps = _own_levels(account, "rcps")
    else:
        whose = "a member account" if owner is None else f"account {owner}"
        rcps = NotEvaluated(f"the RCPs of {whose} are not loaded")
    endpoint: tuple[PolicyInForce, ...] | NotEvaluated = ()
    if context and any(key.lower() in _ONLY_THROUGH_ENDPOINTS and value for key, value in context.items()):
        endpoint = NotEvaluated("the policy of the VPC endpoint is not loaded", "ec2:DescribeVpcEndpoints")
    return ResourceSide(rcps, endpoint, is_management_account(account, owner))


_BLOCK_NOT_LOADED: Final = NotEvaluated(
    "the bucket's public access block is not loaded", "s3:GetBucketPublicAccessBlock"
)


def restrict_public_buckets(account: Account, prepared: PreparedAction) -> bool | NotEvaluated:
    """S3 Block Public Access of the bucket asked about; False where none is."""
    arn = prepared.arn
    if arn is None or arn.service != "s3":
        return False
    block = account.public_access_blocks.get(arn.resource.split("/", 1)[0])
    if block is None:
        return _BLOCK_NOT_LOADED
    return block.restrict_public_buckets


def policy_carrier(prepared: PreparedAction) -> str:
    """The ARN that carries the policy of the resource asked about."""
    arn, text = prepared.arn, prepared.resource.text
    return text if arn is None else resource_policy_arn(text, arn)


def trust_or_resource_policy(
    account: Account, prepared: PreparedAction, carrier: str
) -> PolicyInForce | NotEvaluated | None:
    """The policy of the resource asked about: None when it has none, NotEvaluated when it is not loaded.

    Args:
        carrier: the ARN that carries it (`policy_carrier`).
    """
    resource = prepared.resource
    if resource.kind is ResourceKind.NONE:
        return None
    if prepared.trust:
        return _trust_policy(account, prepared)
    arn = prepared.arn
    service = arn.service if arn else prepared.action.service
    if service == "kms" and not prepared.key:
        return None
    if service not in WITH_RESOURCE_POLICIES and carrier not in account.resource_policies:
        return None
    if "*" in carrier:
        return _NO_SINGLE_RESOURCE
    return _loaded_policy(account, carrier)


_NO_SINGLE_RESOURCE: Final = NotEvaluated("no single resource is named")
_NOT_LOADED: Final = NotEvaluated("the resource's policy is not loaded")


def _loaded_policy(account: Account, carrier: str) -> PolicyInForce | NotEvaluated | None:
    found = account.resource_policies.get(carrier)
    if found is None:
        return _NOT_LOADED
    key = ("resource policy", carrier)
    if key in account.memo:
        return account.memo[key]  # type: ignore[no-any-return]
    result: PolicyInForce | NotEvaluated | None
    if found.state == "none":
        result = None
    elif found.state == "present" and found.document is not None:
        result = NamedPolicy(f"policy of {carrier}", found.document)
    else:
        result = NotEvaluated("the resource's policy could not be read", found.permission)
    account.memo[key] = result
    return result


def _trust_policy(account: Account, prepared: PreparedAction) -> PolicyInForce | NotEvaluated | None:
    resource = prepared.resource
    if resource.kind is not ResourceKind.ONE:
        return NotEvaluated("no single role is named")
    role = account.by_arn(resource.text)
    if not isinstance(role, Role):
        return NotEvaluated("no role that is loaded has this ARN, so its trust policy is not known", "iam:GetRole")
    key = ("trust policy", role.arn)
    found = account.memo.get(key)
    if found is None:
        found = account.memo[key] = NamedPolicy(f"trust policy of {role.name}", role.trust)
    assert isinstance(found, NamedPolicy)
    return found
