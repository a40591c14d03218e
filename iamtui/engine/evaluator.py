"""The evaluator: one request and the policies in force give one Decision, with notes on what AWS leaves open.

A request is read through every layer, in the order and by the rules of AWS's policy evaluation logic.
All layers are read to their end, so that a decision can name everything that matched and everything that
blocks. What is not known enters as a formula, so the same code answers plainly (strict) and under conditions
(discover): unknown never turns into allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Final, NamedTuple

from msgspec import structs

from iamtui.engine.combined_layers import (
    Evaluation,
    KnownMembers,
    PoliciesOfSet,
    calling,
    one_by_one,
    principal_rules,
    reaching,
    resource_policy_set,
    service_rule,
    session_sets,
    set_of,
    stack_of,
)
from iamtui.engine.decision import Decision, Layer
from iamtui.engine.decision_details import DecisionDetails
from iamtui.engine.layers import (
    LayerScan,
    LevelsScan,
    each_allowing,
    endpoint_stack,
    scan,
    scan_resource_policy,
    with_unknown,
)
from iamtui.engine.policy_sets import CallerFacts, caller_facts
from iamtui.engine.prepared_request import PreparedAction, PreparedRequest, prepare_request, resource_owner
from iamtui.engine.request import (
    DEFAULT_OPTIONS,
    WITH_CREDENTIALS,
    WITH_IAM_POLICIES,
    EngineOptions,
    MissingPolicy,
    Mode,
    NotEvaluated,
    PoliciesInForce,
    PolicyInForce,
    PolicyLevel,
    PolicyWithUnread,
    PrincipalKind,
    Request,
    caller_fixed_keys,
)
from iamtui.engine.resource_sets import require_all_resource_types, resolve_by_known, resolve_set
from iamtui.engine.service_rules import (
    free_action,
    is_about_bucket_policy,
    rcps_spare_services,
    rcps_spare_services_in_part,
    some_have_no_policy,
    with_password_policy,
)
from iamtui.policy.context import AtLeast, CommonContext, MissingLeaf, RequestContext, all_of, any_of, known_values
from iamtui.policy.public_access import is_public
from iamtui.policy.resource import ResourceKind
from iamtui.policy.statement import CompiledStatement, Strength, is_role
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.policy.values import SetOperator


def evaluate(request: Request, policies: PoliciesInForce, options: EngineOptions = DEFAULT_OPTIONS) -> Decision:
    """Decide one request.

    All layers are read at once; what a Decision says besides its outcome is put together when it is read.

    Args:
        request: the question.
        policies: what is in force for it.
        options: how the open points of AWS's documentation are read.
    """
    return EvaluatedDecision(read_all_layers(request, policies, options))


class EvaluatedDecision(DecisionDetails):
    """Decision of an evaluation."""

    def __init__(self, reading: Evaluation) -> None:
        vars(self).update(outcome=reading.outcome, complete=not reading.not_evaluated, _reading=reading)

    def _read_again(self, resource: str | None, *, everywhere: bool) -> Evaluation:
        reading = self._reading
        if resource is None:
            request, asked = reading.request, reading.asked.everywhere_too()
        else:
            request = structs.replace(reading.request, resource=resource)
            asked = asked_by(request, reading.options, everywhere=everywhere)
        return read_all_layers(request, reading.policies, reading.options, asked=asked)


def read_all_layers(
    request: Request,
    policies: PoliciesInForce,
    options: EngineOptions = DEFAULT_OPTIONS,
    *,
    asked: PreparedRequest | None = None,
    some_account: bool = False,
    context: RequestContext | None = None,
    facts: CallerFacts | None = None,
) -> Evaluation:
    """Read a request through every layer.

    Args:
        asked: what is asked, when others of the caller's class are asked the same (with the default options);
            None: made from the request.
        some_account: whether the account of the resource stands for any that there may be.
        context, facts: those of the request and of its caller, where they are at hand (with the default options).
    """
    principal = request.principal
    if facts is None:
        facts = caller_facts(principal, lasting=policies.lasting)
    if asked is None:
        asked = asked_by(request, options)
    prepared = asked.prepared
    if prepared.facts.of_own_password and principal.kind is PrincipalKind.USER and policies.users_may_change_password:
        policies = with_password_policy(policies, principal, prepared.resource)
    if prepared.by_alias and not request.no_such_resource:
        return _read_by_alias(request, policies, options, prepared)
    owner = resource_owner(request.resource_account, principal, prepared)
    service_linked = facts.service_linked
    boundaries = () if service_linked else policies.boundaries
    account = principal.account
    if context is None:
        fixed = facts.fixed_keys(anonymous_userid=options.anonymous_userid)
        context = RequestContext(CommonContext.of(request, discover=request.mode is Mode.DISCOVER), fixed=fixed)
    result = Evaluation(
        request,
        policies,
        options,
        asked,
        context,
        facts,
        owner,
        account is not None and (account == owner or prepared.facts.of_member_accounts),
        prepared.trust or prepared.key,
    )
    result.rule = service_rule(result, some_account=some_account)
    if prepared.action.service == "sts":
        result.free = free_action(prepared.action, calling(request, policies))
    if principal.kind in WITH_IAM_POLICIES:
        _read_callers_layers(result, boundaries)
    _read_resource_policy(result)
    if not service_linked:
        _read_organization(result)
    _read_scope_downs_and_endpoint(result)
    if prepared.on_plain_bucket:
        _read_block_public_access(result)
    result.add_up()
    if asked.of_policies is None:
        asked.of_policies = {}
    if prepared.resource.kind is not ResourceKind.SET or asked.everywhere:
        return result
    result.about = _about_one
    read = partial(read_all_layers, request, policies, options)
    return require_all_resource_types(resolve_set(result, partial(result.about, result)), read)


def _about_one(reading: Evaluation, text: str, *, alone: bool = False) -> Evaluation:
    """The same question as that about a set, about one resource of it.

    Args:
        alone: whether as it is without what was changed for this reading, its options or session policies.
    """
    policies, options = reading.policies, reading.options
    if reading.known_members is not None:
        single, in_force, asked = reading.known_members.single(text)
        if alone:
            return read_all_layers(single, in_force, asked=asked)
        if in_force.session != policies.session:
            in_force = structs.replace(in_force, session=policies.session)
        if options is not DEFAULT_OPTIONS:
            asked = PreparedRequest(asked.prepared, options, of_a_set=asked.of_a_set)
    else:
        single, in_force = structs.replace(reading.request, resource=text), policies
        asked = reading.asked.about_single(text, lambda: prepare_request(single, is_single=True))
    return read_all_layers(single, in_force, options, asked=asked, some_account=reading.in_any_account)


def _read_by_alias(
    request: Request, policies: PoliciesInForce, options: EngineOptions, prepared: PreparedAction
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
        request = structs.replace(request, any_value=(*request.any_value, "kms:RequestAlias", "kms:ResourceAliases"))
        if members is not None:
            # The known keys may have none of these aliases.
            policies = PoliciesOfSet.of(policies, None)
    else:
        known = {"kms:requestalias": (name,), "kms:resourcealiases": AtLeast((name,))}
        request = structs.replace(request, derived=(known, *request.derived))
    if policies.resource is None or isinstance(policies.resource, NotEvaluated):
        policies = structs.replace(policies, resource=_policy_behind(name))

    def about(*, everywhere: bool) -> Evaluation:
        asked = asked_by(structs.replace(request, resource=keys), options, everywhere=everywhere)
        said = f"{name} stands for a key that is not known: some key of account {arn.account} in {arn.region}."
        asked.prepared = asked.prepared._replace(notes=(*asked.prepared.notes, said))
        return read_all_layers(request, policies, options, asked=asked)

    some = about(everywhere=False)
    some.by_alias = True
    # One key was asked about, of which no other is an example.
    some.witness = None
    if members is not None:
        settled_one_by_one = _read_by_known_aliases(some, members, prepared)
        if settled_one_by_one is not None:
            return settled_one_by_one
    if some.total is not False:
        # There may be no alias that a pattern matches.
        every = prepared.resource.kind is ResourceKind.ONE and about(everywhere=True).total
        if every != some.total:
            which = MissingLeaf(f"the key behind {name}", "kms:ListAliases")
            some.total = any_of((every, all_of((some.total, which))))
    return some


def _read_by_known_aliases(some: Evaluation, members: KnownMembers, prepared: PreparedAction) -> Evaluation | None:
    """Read a request for KMS keys by a pattern of aliases, of which some are known; None where those settle nothing.

    Args:
        some: the reading for some key of the account and Region.
        prepared: about the aliases.
    """
    policies = PoliciesOfSet.of(
        structs.replace(some.policies, resource=NotEvaluated("no single key is named")), members
    )
    notes = (*prepared.notes, "The question is answered about the keys behind the known aliases.")
    asked = PreparedRequest(some.prepared._replace(notes=notes), some.language)
    reading = structs.replace(some, policies=policies, asked=asked, not_evaluated=dict(some.not_evaluated))
    reading.about = _about_one
    return resolve_by_known(reading, members, partial(reading.about, reading))


@lru_cache(maxsize=256)
def _policy_behind(name: str) -> MissingPolicy:
    """The policy of the key behind an alias; the same object each time."""
    return MissingPolicy(f"policy of the key behind {name}", "kms:GetKeyPolicy", "it is not known which key that is")


def asked_by(
    request: Request, options: EngineOptions = DEFAULT_OPTIONS, *, everywhere: bool = False
) -> PreparedRequest:
    """Preparation of one request.

    Args:
        everywhere: for a set of resources, ask about all of them instead of at least one.
    """
    language = DEFAULT_LANGUAGE_OPTIONS if options is DEFAULT_OPTIONS else options
    return PreparedRequest(prepare_request(request), language, everywhere)


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
    given, prepared = result.policies.resource, result.prepared
    if not prepared.facts.lets_policy_speak_to(result.request.principal.kind):
        return
    if result.must_admit:
        _admit_to_set(result, is_known=not (given is None or isinstance(given, NotEvaluated)))
    if given is None:
        if result.options.legacy_role_self_trust and prepared.trust:
            _trust_itself(result)
        return
    if isinstance(given, NotEvaluated):
        result.not_evaluated[Layer.RESOURCE] = given
        if result.needs_resource_side:
            result.resource = with_unknown(None, f"policy of {prepared.resource.text}", given)
        return
    result.resource = scan_resource_policy(
        resource_policy_set(result, given),
        result.asked,
        result.context,
        result.caller,
        principal_rules(result, of_resource=True),
    )
    if isinstance(given, PolicyWithUnread) and result.resource.deny is not True:
        result.not_evaluated[Layer.RESOURCE] = given.unread
        if result.needs_resource_side:
            result.resource = with_unknown(result.resource, given.beside, given.unread)
    if result.options.legacy_role_self_trust and prepared.trust:
        _trust_itself(result)
    is_owners_root = result.same_account and result.request.principal.kind is PrincipalKind.ROOT
    result.resource_denies_ignored = is_owners_root and is_about_bucket_policy(prepared.action)


def _admit_to_set(result: Evaluation, *, is_known: bool) -> None:
    prepared = result.prepared
    if not is_known and (prepared.resource.kind is ResourceKind.SET or result.asked.of_a_set):
        # A key or trust policy belongs to one resource; a set of them cannot be asked for one.
        result.must_admit = False
        result.admitted_by_assumption = result.same_account
    elif not result.asked.everywhere and some_have_no_policy(prepared.action, prepared.resource):
        result.must_admit = False


def _trust_itself(result: Evaluation) -> None:
    arn = result.prepared.arn
    if arn is None or not is_role(result.prepared.resource.text, arn, result.caller):
        return
    # Such a role trusts itself as it trusts its account: its own policies have to allow the call.
    scanned = result.resource or LayerScan()
    scanned.strengths[Strength.ACCOUNT] = scanned.allow = True
    result.resource = scanned


def _read_organization(result: Evaluation) -> None:
    policies, prepared, principal = result.policies, result.prepared, result.request.principal
    if policies.scps and principal.kind in WITH_CREDENTIALS and not policies.principal_in_management_account:
        result.scp_levels = _read_levels(result, Layer.SCP, policies.scps)
    is_service = principal.kind is PrincipalKind.SERVICE
    if (
        policies.rcps
        and not policies.resource_in_management_account
        and prepared.resource.kind is not ResourceKind.NONE
        and prepared.facts.under_rcps
        and not (is_service and rcps_spare_services(prepared.action, prepared.resource))
    ):
        result.rcp_levels = _read_levels(result, Layer.RCP, policies.rcps)
        result.rcps_spare_some = (
            is_service
            and not result.asked.everywhere
            and rcps_spare_services_in_part(prepared.action, prepared.resource)
        )


def _read_levels(result: Evaluation, layer: Layer, levels: tuple[PolicyLevel, ...] | NotEvaluated) -> LevelsScan | None:
    if isinstance(levels, NotEvaluated):
        result.not_evaluated[layer] = levels
        return None
    stack = stack_of(result, layer, levels)
    if stack.not_loaded is not None:
        result.not_evaluated[layer] = stack.not_loaded
    return stack.scan(result.asked, result.context, reaching(result, layer))


def _read_scope_downs_and_endpoint(result: Evaluation) -> None:
    scope_downs, given = result.policies.scope_downs, result.policies.vpc_endpoint
    if scope_downs:
        sets = one_by_one(result, scope_downs)
        result.scope_down = each_allowing(Layer.SCOPE_DOWN, sets, result.asked, result.context)
    if not given:
        return
    if isinstance(given, NotEvaluated):
        result.not_evaluated[Layer.VPC_ENDPOINT] = given
        return
    stack = endpoint_stack(given, result.language, lasting=result.policies.lasting)
    result.vpc_endpoint = stack.scan(result.asked, result.context, reaching(result, Layer.VPC_ENDPOINT)).levels[0].scan


def _read_block_public_access(result: Evaluation) -> None:
    """RestrictPublicBuckets on a public policy admits only AWS services and the owner's account (S3)."""
    policies, resource = result.policies, result.policies.resource
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


# Notes on what AWS's documentation leaves open.

_WHAT: Final = {
    "substitute_variables_in_bool": "whether policy variables work in Bool conditions",
    "anonymous_userid": "whether an anonymous caller has aws:userid",
    "deny_federated_without_session_policy": "whether a federated-user session can do without session policies",
    "role_grant_limited_by_caps": "whether a boundary limits a resource policy that names the role",
    "one_session_policy_is_enough": "whether one of several session policies is enough to allow",
    "not_principal_root_required": "whether NotPrincipal spares a caller whose account root is not listed",
    "not_principal_allow_grants": "whether an Allow with NotPrincipal grants to everyone who is not listed",
    "compare_multivalued_keys": "how a key with several values compares without a set operator",
    "for_all_negated_holds_when_absent": "whether ForAllValues with a negated operator holds for an absent key",
    "short_arns_match": "whether an ARN of fewer than six fields in a policy matches anything",
    "trailing_star_crosses_colons": "whether a star at the end of an ARN field runs past colons",
    "list_buckets_on_bucket_arn": "whether arn:aws:s3:::* matches s3:ListAllMyBuckets",
    "bare_star_in_arn_operator": "whether * matches every ARN in an ARN condition",
    "wildcards_in_substituted_values": "whether a star inside a substituted value is a wildcard",
    "star_allow_includes_services": 'whether an Allow to "*" includes AWS services',
    "trust_aws_star_admits_everyone": 'whether {"AWS": "*"} in a trust policy admits services',
    "legacy_role_self_trust": "whether an old role still trusts itself",
    "block_public_access_is_explicit": "whether a Block Public Access rejection counts as an explicit deny",
}


def with_undocumented_behaviour(reading: Evaluation) -> Decision:
    """The decision of an evaluation, with a note for every open point that it rests on once its notes are read."""
    return _DecisionWithOpenPoints(reading)


class _DecisionWithOpenPoints(EvaluatedDecision):
    def _each_note(self) -> Iterator[str]:
        yield from super()._each_note()
        for name, point, other in read_the_other_way(self._reading):
            if other.outcome is not self._reading.outcome:
                yield f"Rests on a point AWS leaves open: {point} (option {name})."


def read_the_other_way(reading: Evaluation) -> Iterator[tuple[str, str, Evaluation]]:
    """The options that can matter to an evaluation, what each is about, and the evaluation with it changed."""
    read = _Read(reading, tuple(_statements(reading)))
    for name in EngineOptions.__struct_fields__:
        if _CAN_MATTER[name](read):
            yield name, _WHAT[name], _the_other_way(reading, name)


def _the_other_way(reading: Evaluation, name: str) -> Evaluation:
    """Evaluation of the same request with one option changed, which the PreparedAction does not depend on."""
    options = structs.replace(reading.options, **{name: not getattr(reading.options, name)})
    prepared, of_a_set = reading.prepared, reading.asked.of_a_set
    asked = None if reading.by_alias else PreparedRequest(prepared, options, of_a_set=of_a_set)
    return read_all_layers(reading.request, reading.policies, options, asked=asked)


class _Read(NamedTuple):
    """A reading and the statements about the action in every layer that takes part in it."""

    reading: Evaluation
    statements: tuple[CompiledStatement, ...]


def _statements(reading: Evaluation) -> Iterator[CompiledStatement]:
    """The statements about the action in every layer that takes part."""
    for _, _, policies in reading.sets():
        for member in policies.about(reading.prepared.action):
            yield member.compiled


def _has_condition(read: _Read, base: str, holds: Callable[[str], bool]) -> bool:
    return any(
        condition.operator is not None and condition.operator.base == base and any(map(holds, condition.line.values))
        for statement in read.statements
        for condition in statement.conditions
    )


def _has_negated_for_all(read: _Read) -> bool:
    """True if a condition with ForAllValues and a negated operator is about a key that is known to be absent."""
    return any(
        condition.operator is not None
        and condition.operator.over is SetOperator.ALL
        and condition.operator.negated
        and not condition.operator.if_exists
        and not (condition.key and read.reading.context.lookup(condition.key))
        for statement in read.statements
        for condition in statement.conditions
    )


def _has_not_principal(read: _Read, effect: str) -> bool:
    return any(
        statement.statement.not_principals is not None and statement.statement.effect == effect
        for statement in read.statements
    )


def _known_values(reading: Evaluation) -> Iterator[tuple[str, ...]]:
    request = reading.request
    yield from request.context.values()
    for values in request.derived:
        yield from known_values(values).values()
    yield from caller_fixed_keys(request.principal).values()


def _has_short_arn(read: _Read) -> bool:
    return any(
        text.count(":") < 5 and text.startswith("arn:")
        for statement in read.statements
        if statement.resource.matcher is not None
        for text in statement.resource.matcher.texts
    )


def _has_short_arn_or_long_resource(read: _Read) -> bool:
    resource = read.reading.prepared.resource
    return resource.kind is not ResourceKind.ONE or resource.text.count(":") > 5 or _has_short_arn(read)


_CAN_MATTER: Final[dict[str, Callable[[_Read], bool]]] = {
    "substitute_variables_in_bool": lambda read: _has_condition(read, "bool", lambda value: "${" in value),
    "anonymous_userid": lambda read: read.reading.request.principal.kind is PrincipalKind.ANONYMOUS,
    "deny_federated_without_session_policy": (
        lambda read: read.reading.request.principal.kind is PrincipalKind.FEDERATED_USER
    ),
    "role_grant_limited_by_caps": lambda read: read.reading.boundary is not None and read.reading.resource is not None,
    "one_session_policy_is_enough": lambda read: (
        isinstance(read.reading.policies.session, tuple) and len(read.reading.policies.session) > 1
    ),
    "not_principal_root_required": lambda read: _has_not_principal(read, "Deny"),
    "not_principal_allow_grants": lambda read: _has_not_principal(read, "Allow"),
    "compare_multivalued_keys": lambda read: any(len(values) > 1 for values in _known_values(read.reading)),
    "for_all_negated_holds_when_absent": _has_negated_for_all,
    "short_arns_match": _has_short_arn,
    "trailing_star_crosses_colons": _has_short_arn_or_long_resource,
    "list_buckets_on_bucket_arn": lambda read: bool(read.reading.prepared.resource.every_bucket),
    "bare_star_in_arn_operator": lambda read: _has_condition(read, "arnlike", lambda value: value == "*"),
    "wildcards_in_substituted_values": lambda read: any(
        "*" in value or "?" in value for values in _known_values(read.reading) for value in values
    ),
    "star_allow_includes_services": lambda read: read.reading.request.principal.kind is PrincipalKind.SERVICE,
    "trust_aws_star_admits_everyone": lambda read: read.reading.prepared.trust,
    "legacy_role_self_trust": lambda read: read.reading.prepared.trust,
    "block_public_access_is_explicit": lambda read: read.reading.block_public_access_closes,
}
"""Of each option, whether it can change a decision at all: a cheap look before the request is read again."""
