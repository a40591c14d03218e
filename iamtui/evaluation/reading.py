"""Reading a request through every layer, in the order and by the rules of AWS's policy evaluation logic.

All layers are read to their end, so that a decision can name everything that matched and everything that
blocks. What is not known enters as a formula, so the same code answers plainly (strict) and under conditions
(discover): unknown never turns into allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from iamtui.catalog.engine_facts import ENGINE_CATALOGUE
from iamtui.evaluation.asked import Asked
from iamtui.evaluation.caller import WITH_IAM_POLICIES, CallerFacts, caller_facts, partition_of
from iamtui.evaluation.decision import Layer, Outcome
from iamtui.evaluation.grants import GrantSide
from iamtui.evaluation.layers import LayerScan, missing_allow, reached_as, reaches, scan, scan_resource_policy
from iamtui.evaluation.levels import LevelScan, LevelsScan, LevelStack, endpoint_stack, level_stack
from iamtui.evaluation.policies import (
    DEFAULT_OPTIONS,
    EngineOptions,
    MissingPolicy,
    NamedPolicy,
    NotEvaluated,
    PoliciesInForce,
    PolicyInForce,
    PolicyLevel,
)
from iamtui.evaluation.policy_set import Member, PolicySet, policy_set
from iamtui.evaluation.prepared import ActionCatalogue, PreparedAction, prepare, resource_owner
from iamtui.evaluation.public_access import is_public
from iamtui.evaluation.request import Mode, PrincipalKind, Request
from iamtui.evaluation.services import (
    bucket_owner_root_escape,
    credential_refusal,
    free_action,
    rcp_exempt,
)
from iamtui.policy.context import RequestContext
from iamtui.policy.formula import Truth, all_of, any_of, negate
from iamtui.policy.kinds import PolicyType
from iamtui.policy.options import DEFAULT_LANGUAGE_OPTIONS, LanguageOptions
from iamtui.policy.principal import Caller, PrincipalRules, Strength
from iamtui.policy.resource import ResourceKind

_RESOURCE_ONLY: Final = frozenset(
    (
        PrincipalKind.ANONYMOUS,
        PrincipalKind.SERVICE,
        PrincipalKind.IDENTITY_PROVIDER,
        PrincipalKind.CANONICAL_USER,
    )
)
_PLAIN_KINDS: Final = frozenset((PrincipalKind.USER, PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION))
_MOST_SUMS: Final = 4096
_UNDER_SCPS: Final = WITH_IAM_POLICIES | {PrincipalKind.ROOT}


@dataclass(slots=True, eq=False)
class Evaluation:
    """One request read through every layer: the raw material of a Decision, a trace and an explanation.

    A layer that does not apply is None; a layer that was not loaded is in `not_evaluated`.
    """

    request: Request
    policies: PoliciesInForce
    options: EngineOptions
    asked: Asked
    context: RequestContext
    facts: CallerFacts
    owner: str | None
    same_account: bool
    must_admit: bool
    admitted_by_assumption: bool = False
    """Whether each key or role of a set is taken to let the caller in by its policy."""
    identity: LayerScan | None = None
    resource: LayerScan | None = None
    session: LayerScan | None = None
    boundary: LayerScan | None = None
    scp_levels: LevelsScan | None = None
    rcp_levels: LevelsScan | None = None
    vpc_endpoint: LayerScan | None = None
    block_public_access_closes: bool = False
    free: str | None = None
    refused: str | None = None
    resource_denies_ignored: bool = False
    not_evaluated: dict[Layer, NotEvaluated] = field(default_factory=dict)
    grant: Truth = False
    deny: Truth = False
    caps: Truth = True
    total: Truth = False
    made: dict[Layer, PolicySet | LevelStack] = field(default_factory=dict)
    """What was made of policies that do not last, for whoever puts the parts of a Decision together."""
    _side: GrantSide | None = None
    _scans: tuple[tuple[Layer, int | None, LayerScan], ...] | None = None

    @property
    def prepared(self) -> PreparedAction:
        """What action and resource say without the caller."""
        return self.asked.prepared

    @property
    def language(self) -> LanguageOptions:
        """How the open points of the policy language are read."""
        return self.asked.language

    @property
    def caller(self) -> Caller:
        """The caller as principal elements see it."""
        principal, boundaries = self.request.principal, self.policies.boundaries
        return self.facts.caller(
            session_may_vary=self.request.mode is Mode.DISCOVER,
            has_boundary=(
                bool(boundaries)
                and not self.facts.service_linked
                and not isinstance(boundaries, NotEvaluated)
                and principal.kind in WITH_IAM_POLICIES
            ),
        )

    @property
    def scps(self) -> tuple[LevelScan, ...] | None:
        """The levels of SCPs that were read; None when none binds the caller."""
        return self.scp_levels.levels if self.scp_levels is not None else None

    @property
    def rcps(self) -> tuple[LevelScan, ...] | None:
        """The levels of RCPs that were read; None when none protects the resource."""
        return self.rcp_levels.levels if self.rcp_levels is not None else None

    @property
    def side(self) -> GrantSide:
        """What granting rests on."""
        if self._side is None:
            self._side = self._make_side()
        return self._side

    @property
    def scans(self) -> tuple[tuple[Layer, int | None, LayerScan], ...]:
        """Every layer, and level of one, that was read."""
        if self._scans is None:
            self._scans = tuple(self._each_scan())
        return self._scans

    def _each_scan(self) -> Iterator[tuple[Layer, int | None, LayerScan]]:
        for layer, scanned in (
            (Layer.IDENTITY, self.identity),
            (Layer.RESOURCE, self.resource),
            (Layer.SESSION, self.session),
            (Layer.BOUNDARY, self.boundary),
        ):
            if scanned is not None:
                yield layer, None, scanned
        for level in self.scps or ():
            yield Layer.SCP, level.index, level.scan
        for level in self.rcps or ():
            yield Layer.RCP, level.index, level.scan
        if self.vpc_endpoint is not None:
            yield Layer.VPC_ENDPOINT, None, self.vpc_endpoint

    def statements(self) -> Iterator[tuple[Layer, LayerScan, Member]]:
        """The statements about the action that reach the caller, matching or not, in every layer that was read."""
        rules = principal_rules(self)
        for layer, scanned, policies in self.sets():
            for member in policies.about(self.asked.action):
                if layer is Layer.RESOURCE:
                    reached = bool(reached_as(member.compiled, self.caller, rules))
                elif layer in (Layer.RCP, Layer.VPC_ENDPOINT):
                    reached = reaches(member.compiled, self.caller, layer) is not False
                else:
                    reached = True
                if reached:
                    yield layer, scanned, member

    def sets(self) -> Iterator[tuple[Layer, LayerScan, PolicySet]]:
        """The policies behind every layer, and level of one, that was read, in the order of `scans`."""
        policies = self.policies
        yield from self._set(Layer.IDENTITY, self.identity, policies.identity, PolicyType.IDENTITY)
        if self.resource is not None and isinstance(policies.resource, (NamedPolicy, MissingPolicy)):
            yield Layer.RESOURCE, self.resource, resource_policy_set(self, policies.resource)
        yield from self._set(Layer.SESSION, self.session, policies.session, PolicyType.SESSION)
        yield from self._set(Layer.BOUNDARY, self.boundary, policies.boundaries, PolicyType.BOUNDARY)
        for layer, read, levels in (
            (Layer.SCP, self.scp_levels, policies.scps),
            (Layer.RCP, self.rcp_levels, policies.rcps),
        ):
            if read is not None and not isinstance(levels, NotEvaluated):
                stack = stack_of(self, layer, levels)
                for level, (_, _, found) in zip(read.levels, stack.levels, strict=True):
                    yield layer, level.scan, found
        yield from self._set(Layer.VPC_ENDPOINT, self.vpc_endpoint, policies.vpc_endpoint, PolicyType.VPC_ENDPOINT)

    def _set(
        self,
        layer: Layer,
        scanned: LayerScan | None,
        given: tuple[PolicyInForce, ...] | NotEvaluated,
        policy_type: PolicyType,
    ) -> Iterator[tuple[Layer, LayerScan, PolicySet]]:
        if scanned is not None and not isinstance(given, NotEvaluated):
            yield layer, scanned, set_of(self, layer, given, policy_type)

    def _make_side(self) -> GrantSide:
        return GrantSide(
            resource_only=self.request.principal.kind in _RESOURCE_ONLY,
            same_account=self.same_account,
            is_root=self.request.principal.kind is PrincipalKind.ROOT,
            must_admit=self.must_admit,
            strengths=self.resource.strengths if self.resource is not None else {},
            identity=self.identity.allow if self.identity is not None else False,
            boundary=True if self.boundary is None else self.boundary.allow,
            session=self.session_passes(),
            role_grant_limited=self.options.role_grant_limited_by_caps,
        )

    def session_passes(self) -> Truth:
        """Whether the session policies let the request through; a federated user cannot do without them."""
        if self.session is not None:
            return self.session.allow
        return not (
            self.request.principal.kind is PrincipalKind.FEDERATED_USER
            and self.options.deny_federated_without_session_policy
            and Layer.SESSION not in self.not_evaluated
        )

    @property
    def outcome(self) -> Outcome:
        """The decision that the truths add up to."""
        if self.total is True:
            return Outcome.ALLOWED
        if self.total is not False:
            return Outcome.DEPENDS
        if self.deny is True:
            return Outcome.EXPLICIT_DENY
        gate_decides = self.block_public_access_closes and self.grant is True and self.caps is not False
        if gate_decides and self.refused is None and self.options.block_public_access_is_explicit:
            return Outcome.EXPLICIT_DENY
        return Outcome.IMPLICIT_DENY


def read_all_layers(
    request: Request,
    policies: PoliciesInForce,
    options: EngineOptions = DEFAULT_OPTIONS,
    *,
    catalogue: ActionCatalogue = ENGINE_CATALOGUE,
    asked: Asked | None = None,
) -> Evaluation:
    """Read a request through every layer.

    Args:
        asked: what is asked, when others of the caller's class are asked the same (with the default options);
            None: made from the request.
    """
    principal = request.principal
    facts = caller_facts(principal, lasting=policies.lasting)
    if asked is None:
        asked = asked_by(request, options, catalogue=catalogue)
    prepared = asked.prepared
    owner = resource_owner(request.resource_account, principal, prepared)
    service_linked = facts.service_linked
    boundaries = () if service_linked else policies.boundaries
    account = principal.account
    result = Evaluation(
        request,
        policies,
        options,
        asked,
        RequestContext(
            request.context,
            fixed=facts.fixed_keys(anonymous_userid=options.anonymous_userid),
            derived=request.derived,
            any_value=request.any_value,
            known_absent=request.known_absent,
            discover=request.mode is Mode.DISCOVER,
        ),
        facts,
        owner,
        account is not None and account == owner,
        prepared.trust or prepared.key,
    )
    result.refused = prepared.refused
    if prepared.action.service == "sts":
        result.free = free_action(prepared.action, principal)
        result.refused = prepared.refused or credential_refusal(prepared.action, principal)
    if principal.kind in WITH_IAM_POLICIES:
        _read_callers_layers(result, boundaries)
    _read_resource_policy(result)
    if not service_linked:
        _read_organization(result, catalogue)
    if policies.vpc_endpoint:
        _read_vpc_endpoint(result, policies.vpc_endpoint)
    if prepared.on_plain_bucket:
        _read_block_public_access(result)
    _conclude(result)
    return result


def asked_by(
    request: Request,
    options: EngineOptions = DEFAULT_OPTIONS,
    *,
    catalogue: ActionCatalogue = ENGINE_CATALOGUE,
    everywhere: bool = False,
) -> Asked:
    """What one request asks.

    Args:
        everywhere: for a set of resources, ask about all of them instead of at least one.
    """
    principal = request.principal
    prepared = prepare(
        request.action,
        request.resource,
        request.wildcard_only_action,
        partition_of(principal),
        principal.account or "",
        catalogue,
    )
    language = DEFAULT_LANGUAGE_OPTIONS if options is DEFAULT_OPTIONS else options.language
    return Asked(prepared, language, everywhere)


def _read_callers_layers(result: Evaluation, boundaries: tuple[PolicyInForce, ...] | NotEvaluated) -> None:
    policies = result.policies
    result.identity = _scan_plain(result, Layer.IDENTITY, policies.identity, PolicyType.IDENTITY)
    if boundaries:
        result.boundary = _scan_plain(result, Layer.BOUNDARY, boundaries, PolicyType.BOUNDARY)
    if policies.session:
        result.session = _scan_plain(result, Layer.SESSION, policies.session, PolicyType.SESSION)


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


def set_of(result: Evaluation, layer: Layer, policies: tuple[PolicyInForce, ...], policy_type: PolicyType) -> PolicySet:
    """The policies of a layer, ready to be read."""
    if result.policies.lasting:
        return policy_set(policies, policy_type, result.language, lasting=True)
    found = result.made.get(layer)
    if found is None:
        found = result.made[layer] = policy_set(policies, policy_type, result.language, lasting=False)
    assert isinstance(found, PolicySet)
    return found


def stack_of(result: Evaluation, layer: Layer, levels: tuple[PolicyLevel, ...]) -> LevelStack:
    """The levels of an organization's policies, ready to be read."""
    if result.policies.lasting:
        return level_stack(layer, levels, result.language, lasting=True)
    found = result.made.get(layer)
    if found is None:
        found = result.made[layer] = level_stack(layer, levels, result.language, lasting=False)
    assert isinstance(found, LevelStack)
    return found


def principal_rules(result: Evaluation) -> PrincipalRules:
    """How the principals of the resource's policy are read."""
    options = result.options
    return PrincipalRules(
        trust=result.prepared.trust,
        star_includes_services=options.star_allow_includes_services,
        aws_star_admits_everyone=options.trust_aws_star_admits_everyone,
        account_root_needed=options.not_principal_root_required,
    )


def _read_resource_policy(result: Evaluation) -> None:
    given = result.policies.resource
    prepared = result.prepared
    if (
        result.must_admit
        and prepared.resource.kind is ResourceKind.SET
        and (given is None or isinstance(given, NotEvaluated))
    ):
        # A key or trust policy belongs to one resource; a set of them cannot be asked for one.
        result.must_admit = False
        result.admitted_by_assumption = True
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
        resource_policy_set(result, given), result.asked, result.context, result.caller, principal_rules(result)
    )
    if result.options.legacy_role_self_trust and prepared.trust:
        _trust_itself(result)
    result.resource_denies_ignored = bucket_owner_root_escape(
        prepared.action, result.request.principal, same_account=result.same_account
    )


def resource_policy_set(result: Evaluation, policy: PolicyInForce) -> PolicySet:
    """The policy of the resource, ready to be read."""
    policy_type = PolicyType.TRUST if result.prepared.trust else PolicyType.RESOURCE
    return set_of(result, Layer.RESOURCE, _alone(policy) if result.policies.lasting else (policy,), policy_type)


def _trust_itself(result: Evaluation) -> None:
    if result.caller.role_arn == result.prepared.resource.text:
        scanned = result.resource or LayerScan()
        scanned.strengths[Strength.ROLE] = True
        scanned.allow = True
        result.resource = scanned


def _resource_side_needed(result: Evaluation) -> bool:
    return result.must_admit or not result.same_account or result.request.principal.kind in _RESOURCE_ONLY


_MOST_SINGLES: Final = 1024
_singles: dict[int, tuple[PolicyInForce, tuple[PolicyInForce, ...]]] = {}


def _alone(policy: PolicyInForce) -> tuple[PolicyInForce, ...]:
    """A tuple of one policy, the same tuple each time, so that its compiled set is remembered."""
    found = _singles.get(id(policy))
    if found is not None and found[0] is policy:
        return found[1]
    if len(_singles) > _MOST_SINGLES:
        _singles.clear()
    made = (policy,)
    _singles[id(policy)] = (policy, made)
    return made


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


def _read_levels(result: Evaluation, layer: Layer, levels: tuple[PolicyLevel, ...] | NotEvaluated) -> LevelsScan | None:
    if isinstance(levels, NotEvaluated):
        result.not_evaluated[layer] = levels
        return None
    stack = stack_of(result, layer, levels)
    if stack.not_loaded is not None:
        result.not_evaluated[layer] = stack.not_loaded
    return stack.scan(result.asked, result.context, lambda: result.caller)


def _read_vpc_endpoint(result: Evaluation, given: tuple[PolicyInForce, ...] | NotEvaluated) -> None:
    if isinstance(given, NotEvaluated):
        result.not_evaluated[Layer.VPC_ENDPOINT] = given
        return
    stack = endpoint_stack(given, result.language, lasting=result.policies.lasting)
    result.vpc_endpoint = stack.scan(result.asked, result.context, lambda: result.caller).levels[0].scan


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


def _conclude(result: Evaluation) -> None:
    """Add up what the layers say; scans that many callers share are added up once for all of them."""
    principal = result.request.principal
    if (
        not result.asked.shared
        or result.resource is not None
        or result.vpc_endpoint is not None
        or result.free is not None
        or result.refused is not None
        or result.block_public_access_closes
        or principal.kind not in _PLAIN_KINDS
    ):
        result.grant, result.deny, result.caps, result.total = _added_up(result)
        return
    key = (result.identity, result.boundary, result.session, result.scp_levels, result.rcp_levels, result.same_account)
    sums = result.asked.sums
    found = sums.get(key)
    if found is None:
        if len(sums) >= _MOST_SUMS:
            sums.clear()
        found = sums[key] = _added_up(result)
    result.grant, result.deny, result.caps, result.total = found


def _added_up(result: Evaluation) -> tuple[Truth, Truth, Truth, Truth]:
    """Whether something grants the request, something denies it, the caps let it through, and all of it together."""
    grant = result.side.truth()
    caps: list[Truth] = []
    own = (result.identity, result.boundary, result.session)
    denies: list[Truth] = [scanned.deny for scanned in own if scanned is not None and scanned.deny is not False]
    if result.resource is not None and result.resource.deny is not False and not result.resource_denies_ignored:
        denies.append(result.resource.deny)
    if result.scp_levels is not None:
        denies.extend(result.scp_levels.denies)
        caps.extend(result.scp_levels.caps)
    if result.rcp_levels is not None:
        denies.extend(result.rcp_levels.denies)
    if result.vpc_endpoint is not None:
        denies.append(result.vpc_endpoint.deny)
        caps.append(result.vpc_endpoint.allow)
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
