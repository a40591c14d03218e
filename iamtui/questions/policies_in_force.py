"""The policies in force on a request, and the condition keys that follow from what the account says of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from msgspec import Struct, structs

from iamtui.account.model import (
    IAM_SERVICE,
    Account,
    Group,
    Missing,
    Organization,
    OrganizationPolicy,
    Role,
    UnreadPart,
    User,
)
from iamtui.catalog.actions import LISTED_PER_RESOURCE
from iamtui.catalog.arn_forms import authorized_resource
from iamtui.catalog.tables import KEYS_OF_RESOURCE_POLICIES
from iamtui.engine.decision import Layer
from iamtui.engine.prepared_request import PreparedAction
from iamtui.engine.request import (
    MissingPolicy,
    NamedPolicy,
    NotEvaluated,
    OrganizationPlace,
    PoliciesInForce,
    PolicyInForce,
    PolicyLevel,
    PolicyWithUnread,
    Principal,
    PrincipalKind,
)
from iamtui.engine.service_rules import is_use_of_alias
from iamtui.policy.document import PolicyDocument
from iamtui.policy.patterns import Glob, Wild, parse_arn, request_tokens
from iamtui.policy.resource import RequestResource, ResourceKind, may_have_policy, policy_beside, resource_policy_arn
from iamtui.policy.statement import action_name
from iamtui.resource_policy_services import WITH_RESOURCE_POLICIES
from iamtui.text import safe_text

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


class PrincipalPolicies(Struct, frozen=True):
    """Policies in force on the principal's side."""

    identity: tuple[PolicyInForce, ...]
    boundaries: tuple[PolicyInForce, ...]
    scps: tuple[PolicyLevel, ...] | NotEvaluated
    of_account: Mapping[str, Any]
    """The fields of `PoliciesInForce` that follow from the principal's account."""


class ResourceSide(NamedTuple):
    """Policies in force on the resource owner's side, besides the resource's own policy."""

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


_DELETED: Final = NamedPolicy(
    "the draft",
    PolicyDocument.of(
        {
            "Version": "2012-10-17",
            "Statement": [{"Sid": "DeletesTheCaller", "Effect": "Deny", "Action": "*", "Resource": "*"}],
        }
    ),
)
"""Placeholder for the policies of a user or role that a draft deletes."""


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
        boundaries += tuple(_unread(entity, "", ("permissions boundary",)))
    elif principal.kind in (
        PrincipalKind.USER,
        PrincipalKind.ROLE,
        PrincipalKind.ROLE_SESSION,
        PrincipalKind.FEDERATED_USER,
    ):
        what = "is not in the loaded account" if here else f"belongs to account {principal.account}"
        identity = (MissingPolicy(f"identity policies of {principal.arn}", reason=what),)
        if not account.deleted.isdisjoint((principal.arn, principal.role_arn)):
            # No policy of a resource lets in who is not there.
            identity = (_DELETED,)
    return PrincipalPolicies(identity, boundaries, scps, _of_account(account, principal.account))


def is_management_account(account: Account, id_: str | None) -> bool:
    """True if an account is known to be the one that manages the organization of the loaded account."""
    organization = account.organization.value_or(None)
    return organization is not None and organization.management_account == id_


def place_in_organization(account: Account, id_: str | None) -> OrganizationPlace | None:
    """An account's place in an organization, as far as the loaded account shows it; None: not known."""
    if is_management_account(account, id_):
        return OrganizationPlace.MANAGEMENT
    if isinstance(account.organization, Missing) or id_ != account.id:
        return None
    return OrganizationPlace.OUTSIDE if account.organization.value is None else OrganizationPlace.MEMBER


def _of_account(account: Account, id_: str | None) -> Mapping[str, Any]:
    place = place_in_organization(account, id_)
    organization, password = account.organization.value_or(None), account.password_policy
    delegates = None if organization is None else organization.delegated_administrators
    may_change: bool | NotEvaluated = NotEvaluated("the password policy is not loaded", "iam:GetAccountPasswordPolicy")
    if id_ == account.id and not isinstance(password, Missing):
        may_change = password.value is not None and password.value.users_may_change
    of_iam = False if place is OrganizationPlace.OUTSIDE else None
    if delegates is not None:
        of_iam = id_ in delegates.get(IAM_SERVICE, ())
    return {
        "principal_in_management_account": place is OrganizationPlace.MANAGEMENT,
        "principal_place": place,
        "principal_delegated_services": tuple(name for name, accounts in (delegates or {}).items() if id_ in accounts),
        "principal_in_iam_delegated_administrator": of_iam,
        "users_may_change_password": may_change,
    }


def identity_policies(account: Account, entity: User | Group | Role) -> list[PolicyInForce]:
    """The identity policies of a user (its own, then those of its groups), a group or a role.

    Managed policies are named by ARN, inline policies by name, those of a group as `GROUP/NAME`.
    """
    found = _own_policies(account, entity, "")
    if isinstance(entity, User):
        found += _unread(entity, "", ("groups",))
        for name in entity.groups:
            group = account.group(name)
            if group is None:
                found.append(
                    MissingPolicy(f"policies of group {name}", "iam:GetAccountAuthorizationDetails", "not loaded")
                )
            else:
                found += _policies_of_group(account, group)
    return found


def _policies_of_group(account: Account, group: Group) -> tuple[PolicyInForce, ...]:
    """The policies of a group as its users have them; the same objects for all of them."""
    key = ("policies of group", group.name)
    found = account.memo.get(key)
    if found is None:
        found = account.memo[key] = tuple(_own_policies(account, group, f"{group.name}/"))
    assert isinstance(found, tuple)
    return found


def _own_policies(account: Account, entity: User | Group | Role, prefix: str) -> list[PolicyInForce]:
    found: list[PolicyInForce] = [
        NamedPolicy(prefix + inline.name, inline.document) for inline in entity.inline_policies
    ]
    found += [managed_policy(account, attached.arn) for attached in entity.attached_policies]
    found += _unread(entity, prefix, ("inline policies", "attached policies"))
    return found


def _unread(entity: User | Group | Role, prefix: str, parts: tuple[UnreadPart, ...]) -> list[MissingPolicy]:
    """In place of the policies of some parts of an entity that could not be read: they may allow, and they may deny."""
    return [
        MissingPolicy(f"{prefix}{unread.part} of {entity.name}", unread.permission, unread.reason)
        for unread in entity.unread
        if unread.part in parts
    ]


def managed_policy(account: Account, arn: str) -> PolicyInForce:
    """The default version of a managed policy under its ARN, or the fact that its document is missing."""
    known: dict[str, PolicyInForce] | None = account.memo.get("managed policies")
    if known is None:
        known = account.memo.setdefault("managed policies", {})
    found = known.get(arn)
    if found is None:
        policy = account.policy(arn)
        version = policy.default_version if policy else None
        if version is None:
            found = MissingPolicy(arn, "iam:GetPolicyVersion", "its document is not loaded")
        else:
            found = NamedPolicy(arn, version.document)
        known[arn] = found
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
    """Policies of the organization's levels; a missing level leaves the denials of the others in force."""
    if not organization.path:
        return NotEvaluated("the account's place in its organization is not loaded", "organizations:ListParents")
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
    """Policies in force on the side of a resource's owner."""
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
    """S3 Block Public Access of the request's bucket; False where none is."""
    arn = prepared.arn
    if arn is None or arn.service != "s3":
        return False
    block = account.public_access_blocks.get(arn.resource.split("/", 1)[0])
    if block is None:
        return _BLOCK_NOT_LOADED
    return block.restrict_public_buckets


def policy_carrier(prepared: PreparedAction) -> str:
    """The ARN that carries the policy of the request's resource."""
    arn, text = prepared.arn, prepared.resource.text
    return text if arn is None else resource_policy_arn(text, arn)


def is_in_one_container(prepared: PreparedAction) -> bool:
    """True if all resources of a set are under the policy of one container, as the objects of a bucket are."""
    carrier = policy_carrier(prepared)
    return (
        not {"*", "?"}.intersection(carrier)
        and prepared.resource.text.startswith((f"{carrier}/", f"{carrier}:"))
        # The checks of these services carry other keys for each type of resource.
        and prepared.action.service not in LISTED_PER_RESOURCE
    )


def trust_or_resource_policy(
    account: Account, prepared: PreparedAction, carrier: str
) -> PolicyInForce | NotEvaluated | None:
    """The policy of the request's resource: None when it has none, NotEvaluated when it is not loaded.

    Args:
        carrier: the ARN that carries it (`policy_carrier`).
    """
    resource = prepared.resource
    if resource.kind is ResourceKind.NONE:
        return None
    if prepared.trust:
        return _trust_policy(account, prepared)
    arn = prepared.arn
    if (arn.service if arn else prepared.action.service) == "kms" and not prepared.key:
        return None
    known = may_have_policy(arn) if arn else prepared.action.service in WITH_RESOURCE_POLICIES
    if not known and carrier not in account.resource_policies:
        return None
    if "*" in carrier:
        return _NO_SINGLE_RESOURCE
    return loaded_policy(account, carrier)


_NO_SINGLE_RESOURCE: Final = NotEvaluated("no single resource is named")
_NOT_LOADED: Final = NotEvaluated("the resource's policy is not loaded")


def loaded_policy(account: Account, carrier: str) -> PolicyInForce | NotEvaluated | None:
    """The policy that a resource carries: None when it has none, NotEvaluated when it is not loaded."""
    if (found := account.resource_policies.get(carrier)) is None:
        return _NOT_LOADED
    key = ("resource policy", carrier)
    if key in account.memo:
        return account.memo[key]  # type: ignore[no-any-return]
    result: PolicyInForce | NotEvaluated | None
    if found.state == "none" or (found.state == "present" and found.document is not None):
        own = None if found.document is None else NamedPolicy(f"policy of {carrier}", found.document)
        result = _with_what_is_beside(account, own and _as_far_as_seen(own, carrier), carrier)
    else:
        result = NotEvaluated("the resource's policy could not be read", found.permission)
    account.memo[key] = result
    return result


def _with_what_is_beside(
    account: Account, policy: NamedPolicy | None, carrier: str
) -> NamedPolicy | NotEvaluated | None:
    """The policy of a resource, or None, with what AWS evaluates beside it as far as that is not read."""
    beside = policy_beside(carrier)
    known = account.resource_policies.get(beside.arn) if beside is not None else None
    if beside is None or (known is not None and known.state == "none"):
        return policy
    unread = NotEvaluated(f"the {beside.words}, which is in force too, is not evaluated", beside.permission)
    return unread if policy is None else PolicyWithUnread(policy.name, policy.document, unread, beside.words)


def _as_far_as_seen(policy: NamedPolicy, carrier: str) -> NamedPolicy:
    """The policy of a resource without the statements of which AWS does not say how their conditions are read."""
    service = carrier.split(":", 3)[2]
    seen = KEYS_OF_RESOURCE_POLICIES.get(service)
    if seen is None or policy.document.error is not None:
        return policy
    statements = policy.document.policy.statements
    read = [[line.key for line in one.conditions if line.key.lower() not in seen] for one in statements]
    others = ", ".join(dict.fromkeys(safe_text(key, limit=128) for keys in read for key in keys))
    if not others:
        return policy
    known = policy.document.part([place for place, keys in enumerate(read) if not keys])
    why = f"AWS's documentation names the condition keys that policies of {service} see, and not {others}"
    return PolicyWithUnread(policy.name, known, NotEvaluated(why), f"statements on {others} in the policy of {carrier}")


def services_with_policies(account: Account) -> frozenset[str]:
    """The services with a resource whose policy is loaded, or could not be read."""
    found = account.memo.get("services with policies")
    if found is None:
        loaded = (parse_arn(arn) for arn, policy in account.resource_policies.items() if policy.state != "none")
        found = account.memo["services with policies"] = frozenset(arn.service for arn in loaded if arn is not None)
    assert isinstance(found, frozenset)
    return found


def keys_with_policy(account: Account) -> tuple[str, ...]:
    """The KMS keys whose policy is loaded."""
    found = account.memo.get("keys with a policy")
    if found is None:
        policies = account.resource_policies.items()
        found = account.memo["keys with a policy"] = tuple(
            arn for arn, policy in policies if policy.state == "present" and arn.split(":", 3)[2:3] == ["kms"]
        )
    assert isinstance(found, tuple)
    return found


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


def resource_answered_about(account: Account, action: str, resource: str) -> tuple[str, str]:
    """ARN that AWS authorizes a call on a resource against, with a note where it is another one; else "".

    The KMS key that an alias is known to stand for, and the streams of a log group.
    """
    key = account.kms_aliases.get(resource)
    if key is not None and is_use_of_alias(action_name(action), RequestResource(resource, ResourceKind.ONE)):
        alias = resource.rsplit(":", 1)[-1]
        return key, f"{alias} stands for {key}: the question is answered about this key."
    streams = authorized_resource(action, resource)
    if streams == resource:
        return resource, ""
    named = safe_text(resource, limit=512)
    what = f"CloudWatch Logs authorizes {action} against the streams of a log group, which policies name"
    return streams, f"{what} {named}:*; {named} alone allows nothing, and may not deny anything either."


class KnownAliases(NamedTuple):
    """The known aliases of KMS keys that a request by an alias, or a pattern of aliases, may be for.

    Args:
        arns: of the aliases.
        are_all: whether it can be for no other.
    """

    arns: tuple[str, ...]
    are_all: bool


def known_aliases(account: Account, action: str, resource: str) -> KnownAliases | None:
    """Known keys behind the aliases that a request names; None where it names none."""
    # Every question comes here; what is cut and matched below is an alias.
    if ":alias/" not in resource:
        return None
    if not is_use_of_alias(action_name(action), RequestResource(resource, ResourceKind.ONE)):
        return None
    asked = Glob(request_tokens(resource))
    arns = tuple(filter(asked.matches, account.kms_aliases))
    region = resource.partition(":alias/")[0]
    # Of a Region the aliases are all known, or none; those of AWS come to stand for a key when they are first used.
    is_loaded = any(alias.startswith(f"{region}:alias/") for alias in account.kms_aliases)
    may_be_of_aws = asked.shares((*f"{region}:alias/aws/", Wild.STAR))
    arn = parse_arn(resource)
    is_own = arn is not None and arn.account == account.id
    return KnownAliases(arns, is_own and is_loaded and (resource in arns or not may_be_of_aws))


def without_alias(account: Account, action: str, resource: str) -> str:
    """A sentence where a resource is an alias that no KMS key of its Region has; "" where it is not, or not known."""
    known = known_aliases(account, action, resource)
    if known is None or known.arns or not known.are_all:
        return ""
    arn = parse_arn(resource)
    if arn is None:
        return ""
    which = "an alias that matches" if "*" in resource else "the alias"
    name = safe_text(arn.resource.removeprefix("alias/"), limit=256)
    return f"No KMS key of account {arn.account} in {arn.region} has {which} {name}."


SWITCHED_OFF: Final = NotEvaluated("switched off")


def without_layers(policies: PoliciesInForce, layers: frozenset[Layer]) -> PoliciesInForce:
    """The policies with some layers switched off: each is then not evaluated instead of absent."""
    if Layer.IDENTITY in layers:
        policies = structs.replace(policies, identity=SWITCHED_OFF)
    if Layer.BOUNDARY in layers and policies.boundaries:
        policies = structs.replace(policies, boundaries=SWITCHED_OFF)
    if Layer.SESSION in layers and policies.session:
        policies = structs.replace(policies, session=SWITCHED_OFF)
    if Layer.RESOURCE in layers:
        policies = structs.replace(policies, resource=SWITCHED_OFF)
    if Layer.SCP in layers and policies.scps:
        policies = structs.replace(policies, scps=SWITCHED_OFF)
    if Layer.RCP in layers and policies.rcps:
        policies = structs.replace(policies, rcps=SWITCHED_OFF)
    if Layer.VPC_ENDPOINT in layers and policies.vpc_endpoint:
        policies = structs.replace(policies, vpc_endpoint=SWITCHED_OFF)
    return policies
