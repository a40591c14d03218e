"""Reading a request through every layer, in the order and by the rules of AWS's policy evaluation logic.

All layers are read to their end, so that a decision can name everything that matched and everything that
blocks. What is not known enters as a formula, so the same code answers plainly (strict) and under conditions
(discover): unknown never turns into allowed.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Final

from iamtui.catalog.actions import ENGINE_CATALOGUE
from iamtui.engine.credential_rules import ServiceRule, anonymous_rule, assume_root_rule, credential_rule, provider_rule
from iamtui.engine.decision import Layer
from iamtui.engine.evaluation import (
    RESOURCE_ONLY,
    Evaluation,
    MemberLookup,
    PoliciesOfSet,
    principal_rules,
    reaching,
    resource_policy_set,
    session_sets,
    set_of,
    stack_of,
)
from iamtui.engine.layers import (
    LayerScan,
    LevelsScan,
    each_allowing,
    endpoint_stack,
    missing_allow,
    scan,
    scan_resource_policy,
)
from iamtui.engine.prepared_request import ActionCatalogue, PreparedAction, PreparedRequest, prepare, resource_owner
from iamtui.engine.request import (
    DEFAULT_OPTIONS,
    WITH_IAM_POLICIES,
    EngineOptions,
    MissingPolicy,
    NotEvaluated,
    PoliciesInForce,
    PolicyInForce,
    PolicyLevel,
    PrincipalKind,
    Request,
    caller_facts,
    common_context,
    partition_of,
)
from iamtui.engine.resource_sets import settled, settled_by_known
from iamtui.engine.service_rules import (
    bucket_owner_root_escape,
    free_action,
    is_assumption_of_service_linked_role,
    is_use_of_alias,
    rcp_exempt,
    rcp_exempt_in_part,
    some_have_no_policy,
    takes_resource_policy,
)
from iamtui.policy.context import AtLeast, RequestContext
from iamtui.policy.public_access import is_public
from iamtui.policy.resource import ResourceKind
from iamtui.policy.statement import Strength, is_role
from iamtui.policy.truth import MissingLeaf, Truth, all_of, any_of, negate
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType

_UNDER_SCPS: Final = WITH_IAM_POLICIES | {PrincipalKind.ROOT}


def read_all_layers(
    request: Request,
    policies: PoliciesInForce,
    options: EngineOptions = DEFAULT_OPTIONS,
    *,
    catalogue: ActionCatalogue = ENGINE_CATALOGUE,
    asked: PreparedRequest | None = None,
    some_account: bool = False,
) -> Evaluation:
    """Read a request through every layer.

    Args:
        asked: what is asked, when others of the caller's class are asked the same (with the default options);
            None: made from the request.
        some_account: whether the account of the resource stands for any that there may be.
    """
    principal = request.principal
    facts = caller_facts(principal, lasting=policies.lasting)
    if asked is None:
        asked = asked_by(request, options, catalogue=catalogue)
    prepared = asked.prepared
    if is_use_of_alias(prepared.action, prepared.resource) and not request.no_such_resource:
        return _read_by_alias(request, policies, options, catalogue, prepared)
    owner = resource_owner(request.resource_account, principal, prepared)
    service_linked = facts.service_linked
    boundaries = () if service_linked else policies.boundaries
    account = principal.account
    result = Evaluation(
        request,
        policies,
        options,
        asked,
        RequestContext(common_context(request), fixed=facts.fixed_keys(anonymous_userid=options.anonymous_userid)),
        facts,
        owner,
        account is not None and (account == owner or prepared.facts.of_member_accounts),
        prepared.trust or prepared.key,
    )
    result.rule = _service_rule(result, some_account=some_account)
    if prepared.action.service == "sts":
        result.free = free_action(prepared.action, principal)
    if principal.kind in WITH_IAM_POLICIES:
        _read_callers_layers(result, boundaries)
    _read_resource_policy(result)
    if not service_linked:
        _read_organization(result, catalogue)
    if policies.vpc_endpoint:
        _read_vpc_endpoint(result, policies.vpc_endpoint)
    if prepared.on_plain_bucket:
        _read_block_public_access(result)
    result.grant, result.deny, result.caps, result.total = _added_up(result)
    if prepared.resource.kind is not ResourceKind.SET or asked.everywhere:
        return result

    result.about = lambda text: _about_one(result, text, catalogue)
    return settled(result, result.about)


def _about_one(reading: Evaluation, text: str, catalogue: ActionCatalogue) -> Evaluation:
    """The same question as that about a set, about one resource of it."""
    policies, options = reading.policies, reading.options
    if reading.known_members is not None:
        single, in_force, asked = reading.known_members.single(text)
        if in_force.session != policies.session:
            in_force = replace(in_force, session=policies.session)
        if options is not DEFAULT_OPTIONS:
            asked = PreparedRequest(asked.prepared, options.language, of_a_set=asked.of_a_set)
    else:
        single, in_force = replace(reading.request, resource=text), policies
        asked = reading.asked.about_single(text, lambda: _prepared(single, catalogue, is_single=True))
    return read_all_layers(
        single, in_force, options, catalogue=catalogue, asked=asked, some_account=reading.in_any_account
    )


def _read_by_alias(
    request: Request,
    policies: PoliciesInForce,
    options: EngineOptions,
    catalogue: ActionCatalogue,
    prepared: PreparedAction,
) -> Evaluation:
    """Read a request for a KMS key by an alias, or one of several: it is for some key of its account and Region.

    An alias stands for a key in a request only: what policies say of the alias says nothing of the key (KMS Developer
    Guide: use aliases to control access).
    """
    arn = prepared.arn
    assert arn is not None
    name = arn.resource
    keys = f"arn:{arn.partition}:kms:{arn.region}:{arn.account}:key/*"
    members = policies.members if isinstance(policies, PoliciesOfSet) else None
    if prepared.resource.kind is ResourceKind.SET:
        request = replace(request, any_value=(*request.any_value, "kms:RequestAlias", "kms:ResourceAliases"))
        if members is not None:
            # The known keys may have none of these aliases.
            policies = PoliciesOfSet.of(policies, None)
    else:
        known = {"kms:requestalias": (name,), "kms:resourcealiases": AtLeast((name,))}
        request = replace(request, derived=(known, *request.derived))
    if policies.resource is None or isinstance(policies.resource, NotEvaluated):
        policies = replace(policies, resource=_policy_behind(name))

    def about(*, everywhere: bool) -> Evaluation:
        asked = asked_by(replace(request, resource=keys), options, catalogue=catalogue, everywhere=everywhere)
        said = f"{name} stands for a key that is not known: some key of account {arn.account} in {arn.region}."
        asked.prepared = asked.prepared._replace(notes=(*asked.prepared.notes, said))
        return read_all_layers(request, policies, options, catalogue=catalogue, asked=asked)

    some = about(everywhere=False)
    some.by_alias = True
    # One key was asked about, of which no other is an example.
    some.witness = None
    if members is not None:
        settled_one_by_one = _read_by_known_aliases(some, members, prepared, catalogue)
        if settled_one_by_one is not None:
            return settled_one_by_one
    if some.total is not False:
        # There may be no alias that a pattern matches.
        every = prepared.resource.kind is ResourceKind.ONE and about(everywhere=True).total
        if every != some.total:
            which = MissingLeaf(f"the key behind {name}", "kms:ListAliases")
            some.total = any_of((every, all_of((some.total, which))))
    return some


def _read_by_known_aliases(
    some: Evaluation, members: MemberLookup, prepared: PreparedAction, catalogue: ActionCatalogue
) -> Evaluation | None:
    """Read a request for KMS keys by a pattern of aliases, of which some are known; None where those settle nothing.

    Args:
        some: the reading for some key of the account and Region.
        prepared: about the aliases.
    """
    policies = PoliciesOfSet.of(replace(some.policies, resource=NotEvaluated("no single key is named")), members)
    notes = (*prepared.notes, "The question is answered about the keys behind the known aliases.")
    asked = PreparedRequest(some.prepared._replace(notes=notes), some.language)
    reading = replace(some, policies=policies, asked=asked, not_evaluated=dict(some.not_evaluated))
    reading.about = lambda text: _about_one(reading, text, catalogue)
    return settled_by_known(reading, members, reading.about)


@lru_cache(maxsize=256)
def _policy_behind(name: str) -> MissingPolicy:
    """The policy of the key behind an alias; the same object each time."""
    return MissingPolicy(f"policy of the key behind {name}", "kms:GetKeyPolicy", "it is not known which key that is")


def _service_rule(result: Evaluation, *, some_account: bool) -> ServiceRule | None:
    prepared, principal = result.prepared, result.request.principal
    if prepared.refused is not None or result.request.no_such_resource:
        return ServiceRule(prepared.refused or result.request.no_such_resource)
    if principal.kind is PrincipalKind.ANONYMOUS:
        return anonymous_rule(prepared.action, prepared.facts.takes_unsigned, result.context)
    if principal.kind is PrincipalKind.IDENTITY_PROVIDER:
        return provider_rule(prepared.action, principal)
    return _rule_of_caller(result, some_account=some_account) if prepared.action.service in ("iam", "sts") else None


def _rule_of_caller(result: Evaluation, *, some_account: bool) -> ServiceRule | None:
    prepared, principal = result.prepared, result.request.principal
    rule = credential_rule(prepared.action, principal, result.context)
    if (
        rule is None
        and principal.kind is not PrincipalKind.SERVICE
        and is_assumption_of_service_linked_role(prepared.action, prepared.resource)
    ):
        return ServiceRule("A service-linked role can be assumed by the AWS service that it belongs to alone.")
    if rule is not None or not prepared.facts.of_member_accounts:
        return rule
    return assume_root_rule(
        prepared.resource,
        prepared.arn,
        principal,
        result.context,
        result.policies,
        result.owner,
        some_account=some_account,
    )


def asked_by(
    request: Request,
    options: EngineOptions = DEFAULT_OPTIONS,
    *,
    catalogue: ActionCatalogue = ENGINE_CATALOGUE,
    everywhere: bool = False,
) -> PreparedRequest:
    """What one request asks.

    Args:
        everywhere: for a set of resources, ask about all of them instead of at least one.
    """
    language = DEFAULT_LANGUAGE_OPTIONS if options is DEFAULT_OPTIONS else options.language
    return PreparedRequest(_prepared(request, catalogue), language, everywhere)


def _prepared(request: Request, catalogue: ActionCatalogue, *, is_single: bool = False) -> PreparedAction:
    principal = request.principal
    return prepare(
        request.action,
        request.resource,
        request.wildcard_only_action,
        partition_of(principal),
        principal.account or "",
        catalogue,
        request.resource_account,
        is_single=is_single,
    )


def _read_callers_layers(result: Evaluation, boundaries: tuple[PolicyInForce, ...] | NotEvaluated) -> None:
    policies = result.policies
    result.identity = _scan_plain(result, Layer.IDENTITY, policies.identity, PolicyType.IDENTITY)
    if boundaries:
        result.boundary = _scan_plain(result, Layer.BOUNDARY, boundaries, PolicyType.BOUNDARY)
    session = policies.session
    if isinstance(session, NotEvaluated):
        result.not_evaluated[Layer.SESSION] = session
    elif session:
        result.session = each_allowing(Layer.SESSION, session_sets(result, session), result.asked, result.context)


def _scan_plain(
    result: Evaluation,
    layer: Layer,
    given: tuple[PolicyInForce, ...] | NotEvaluated,
    policy_type: PolicyType,
) -> LayerScan | None:
    if isinstance(given, NotEvaluated):
        result.not_evaluated[layer] = given
        return None
    return scan(layer, set_of(result, layer, given, policy_type), result.asked, result.context)


def _read_resource_policy(result: Evaluation) -> None:
    given = result.policies.resource
    prepared = result.prepared
    if not takes_resource_policy(prepared.action):
        return
    if (
        result.must_admit
        and (prepared.resource.kind is ResourceKind.SET or result.asked.of_a_set)
        and (given is None or isinstance(given, NotEvaluated))
    ):
        # A key or trust policy belongs to one resource; a set of them cannot be asked for one.
        result.must_admit = False
        result.admitted_by_assumption = result.same_account
    elif result.must_admit and not result.asked.everywhere and some_have_no_policy(prepared.action, prepared.resource):
        result.must_admit = False
    if given is None:
        if result.options.legacy_role_self_trust and prepared.trust:
            _trust_itself(result)
        return
    if isinstance(given, NotEvaluated):
        result.not_evaluated[Layer.RESOURCE] = given
        if _resource_side_needed(result):
            unknown = MissingPolicy(f"policy of {prepared.resource.text}", given.permission, given.reason)
            leaf = missing_allow(Layer.RESOURCE, unknown)
            result.resource = LayerScan((unknown,))
            result.resource.allow = leaf
            result.resource.strengths[Strength.WILDCARD] = leaf
        return
    result.resource = scan_resource_policy(
        resource_policy_set(result, given),
        result.asked,
        result.context,
        result.caller,
        principal_rules(result, of_resource=True),
    )
    if result.options.legacy_role_self_trust and prepared.trust:
        _trust_itself(result)
    result.resource_denies_ignored = bucket_owner_root_escape(
        prepared.action, result.request.principal, same_account=result.same_account
    )


def _trust_itself(result: Evaluation) -> None:
    arn = result.prepared.arn
    if arn is None or not is_role(result.prepared.resource.text, arn, result.caller):
        return
    # Such a role trusts itself as it trusts its account: its own policies have to allow the call.
    scanned = result.resource or LayerScan()
    scanned.strengths[Strength.ACCOUNT] = True
    scanned.allow = True
    result.resource = scanned


def _resource_side_needed(result: Evaluation) -> bool:
    return result.must_admit or not result.same_account or result.request.principal.kind in RESOURCE_ONLY


def _read_organization(result: Evaluation, catalogue: ActionCatalogue) -> None:
    policies = result.policies
    principal = result.request.principal
    prepared = result.prepared
    if policies.scps and principal.kind in _UNDER_SCPS and not policies.principal_in_management_account:
        result.scp_levels = _read_levels(result, Layer.SCP, policies.scps)
    if (
        policies.rcps
        and not policies.resource_in_management_account
        and prepared.resource.kind is not ResourceKind.NONE
        and catalogue.supports_rcp(prepared.action.service)
        and not rcp_exempt(prepared.action, prepared.resource, principal)
    ):
        result.rcp_levels = _read_levels(result, Layer.RCP, policies.rcps)
        result.rcps_spare_some = not result.asked.everywhere and rcp_exempt_in_part(
            prepared.action, prepared.resource, principal
        )


def _read_levels(result: Evaluation, layer: Layer, levels: tuple[PolicyLevel, ...] | NotEvaluated) -> LevelsScan | None:
    if isinstance(levels, NotEvaluated):
        result.not_evaluated[layer] = levels
        return None
    stack = stack_of(result, layer, levels)
    if stack.not_loaded is not None:
        result.not_evaluated[layer] = stack.not_loaded
    return stack.scan(result.asked, result.context, reaching(result, layer))


def _read_vpc_endpoint(result: Evaluation, given: tuple[PolicyInForce, ...] | NotEvaluated) -> None:
    if isinstance(given, NotEvaluated):
        result.not_evaluated[Layer.VPC_ENDPOINT] = given
        return
    stack = endpoint_stack(given, result.language, lasting=result.policies.lasting)
    result.vpc_endpoint = stack.scan(result.asked, result.context, reaching(result, Layer.VPC_ENDPOINT)).levels[0].scan


def _read_block_public_access(result: Evaluation) -> None:
    """RestrictPublicBuckets on a public policy admits only AWS services and the owner's account (S3)."""
    policies = result.policies
    resource = policies.resource
    if result.request.principal.kind is PrincipalKind.SERVICE or result.same_account:
        return
    public = policies.public_policy
    if public is None:
        if resource is None or isinstance(resource, (NotEvaluated, MissingPolicy)) or resource.document.error:
            return
        public = is_public(resource.document.policy)
    if not public:
        return
    if isinstance(policies.restrict_public_buckets, NotEvaluated):
        result.not_evaluated[Layer.BLOCK_PUBLIC_ACCESS] = policies.restrict_public_buckets
    elif policies.restrict_public_buckets:
        result.block_public_access_closes = True


def _added_up(result: Evaluation) -> tuple[Truth, Truth, Truth, Truth]:
    """Whether something grants the request, something denies it, the caps let it through, and all of it together."""
    grant = result.side.truth()
    denies, caps = _denies_and_caps(result)
    deny = any_of(denies) if denies else False
    cap = all_of(caps) if caps else True
    if result.free is not None:
        return True, False, cap, True
    total: Truth
    closed = result.refused is not None or result.block_public_access_closes
    if closed or deny is True or cap is False or grant is False:
        total = False
    elif deny is False and cap is True:
        total = grant
    else:
        total = all_of((negate(deny), cap, grant))
    return grant, deny, cap, total


def _denies_and_caps(result: Evaluation) -> tuple[list[Truth], list[Truth]]:
    """What each layer denies, and what each of those that grant nothing lets through."""
    caps: list[Truth] = []
    own = (result.identity, result.boundary, result.session)
    denies: list[Truth] = [scanned.deny for scanned in own if scanned is not None and scanned.deny is not False]
    if result.resource is not None and result.resource.deny is not False and not result.resource_denies_ignored:
        denies.append(result.resource.deny)
    if result.scp_levels is not None:
        denies.extend(result.scp_levels.denies)
        caps.extend(result.scp_levels.caps)
    if result.rcp_levels is not None and not result.rcps_spare_some:
        denies.extend(result.rcp_levels.denies)
    if result.vpc_endpoint is not None:
        denies.append(result.vpc_endpoint.deny)
        caps.append(result.vpc_endpoint.allow)
    if result.rule is not None and result.rule.passes is not False:
        caps.append(result.rule.passes)
    return denies, caps
