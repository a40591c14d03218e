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
from iamtui.evaluation.caller import WITH_IAM_POLICIES, caller_facts, role_arn_of
from iamtui.evaluation.decision import Layer, Outcome
from iamtui.evaluation.grants import GrantSide
from iamtui.evaluation.layers import (
    LayerScan,
    Question,
    missing_allow,
    scan,
    scan_level,
    scan_resource_policy,
)
from iamtui.evaluation.policies import (
    DEFAULT_OPTIONS,
    EngineOptions,
    MissingPolicy,
    NotEvaluated,
    PoliciesInForce,
    PolicyInForce,
    PolicyLevel,
)
from iamtui.evaluation.policy_set import policy_set
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
_UNDER_SCPS: Final = WITH_IAM_POLICIES | {PrincipalKind.ROOT}


@dataclass(frozen=True, slots=True)
class LevelScan:
    """What the SCPs or RCPs of one level say."""

    index: int
    name: str | None
    scan: LayerScan


@dataclass(slots=True)
class Evaluation:
    """One request read through every layer: the raw material of a Decision, a trace and an explanation.

    A layer that does not apply is None; a layer that was not loaded is in `not_evaluated`.
    """

    request: Request
    policies: PoliciesInForce
    options: EngineOptions
    prepared: PreparedAction
    language: LanguageOptions
    context: RequestContext
    caller: Caller
    owner: str | None
    same_account: bool
    must_admit: bool
    identity: LayerScan | None = None
    resource: LayerScan | None = None
    session: LayerScan | None = None
    boundary: LayerScan | None = None
    scps: list[LevelScan] | None = None
    rcps: list[LevelScan] | None = None
    vpc_endpoint: LayerScan | None = None
    block_public_access_closes: bool = False
    free: str | None = None
    refused: str | None = None
    resource_denies_ignored: bool = False
    not_evaluated: dict[Layer, NotEvaluated] = field(default_factory=dict)
    assumptions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    grant: Truth = False
    deny: Truth = False
    caps: Truth = True
    total: Truth = False
    _side: GrantSide | None = None
    _scans: tuple[tuple[Layer, int | None, LayerScan], ...] | None = None

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
    everywhere: bool = False,
) -> Evaluation:
    """Read a request through every layer.

    Args:
        everywhere: for a question about a set of resources, ask about all of them instead of at least one.
    """
    principal = request.principal
    facts = caller_facts(principal, lasting=policies.lasting)
    prepared = prepare(
        request.action,
        request.resource,
        request.wildcard_only_action,
        facts.partition,
        principal.account or "",
        catalogue,
    )
    owner, owner_assumed = resource_owner(request, prepared)
    discover = request.mode is Mode.DISCOVER
    context = RequestContext(
        request.context,
        fixed=facts.fixed_keys(anonymous_userid=options.anonymous_userid),
        derived=request.derived,
        any_value=request.any_value,
        known_absent=request.known_absent,
        discover=discover,
    )
    service_linked = facts.service_linked
    boundaries = () if service_linked else policies.boundaries
    caller = facts.caller(
        session_may_vary=discover,
        has_boundary=(
            bool(boundaries) and not isinstance(boundaries, NotEvaluated) and principal.kind in WITH_IAM_POLICIES
        ),
    )
    language = DEFAULT_LANGUAGE_OPTIONS if options is DEFAULT_OPTIONS else options.language
    result = Evaluation(
        request=request,
        policies=policies,
        options=options,
        prepared=prepared,
        language=language,
        context=context,
        caller=caller,
        owner=owner,
        same_account=principal.account is not None and principal.account == owner,
        must_admit=prepared.resource_must_admit,
        assumptions=list(request.assumptions),
        notes=list(prepared.notes),
    )
    if owner_assumed:
        result.assumptions.append(f"the resource belongs to the caller's account {owner}")
    if principal.kind is PrincipalKind.ROLE_SESSION and principal.role_arn is None:
        found = context.lookup("aws:principalarn")
        if found == facts.fixed_keys(anonymous_userid=options.anonymous_userid)["aws:principalarn"]:
            result.assumptions.append(f"the role has no path: aws:PrincipalArn = {role_arn_of(principal)}")
    question = Question(prepared, context, language, everywhere, note_conditional=not discover)
    result.free = free_action(prepared.action, principal)
    if result.free is not None and prepared.action.name == "getsessiontoken" and principal.credentials is None:
        result.assumptions.append("the caller uses long-term credentials")
    result.refused = prepared.refused or credential_refusal(prepared.action, principal)
    _read_callers_layers(result, question, boundaries)
    _read_resource_policy(result, question)
    _read_organization(result, question, catalogue, service_linked=service_linked)
    _read_vpc_endpoint(result, question)
    _read_block_public_access(result)
    _conclude(result)
    return result


def _read_callers_layers(
    result: Evaluation, question: Question, boundaries: tuple[PolicyInForce, ...] | NotEvaluated
) -> None:
    policies = result.policies
    if result.request.principal.kind not in WITH_IAM_POLICIES:
        if policies.identity or policies.boundaries or policies.session:
            result.notes.append("This caller has no identity, boundary or session policies: those given are ignored.")
        return
    if policies.boundaries and not boundaries:
        result.notes.append("Service-linked roles have no permissions boundary: the one given is ignored.")
    result.identity = _scan_plain(result, question, Layer.IDENTITY, policies.identity, PolicyType.IDENTITY)
    if boundaries:
        result.boundary = _scan_plain(result, question, Layer.BOUNDARY, boundaries, PolicyType.BOUNDARY)
    if policies.session:
        result.session = _scan_plain(result, question, Layer.SESSION, policies.session, PolicyType.SESSION)


def _scan_plain(
    result: Evaluation,
    question: Question,
    layer: Layer,
    given: tuple[PolicyInForce, ...] | NotEvaluated,
    policy_type: PolicyType,
) -> LayerScan | None:
    if isinstance(given, NotEvaluated):
        result.not_evaluated[layer] = given
        return None
    return scan(layer, policy_set(given, policy_type, question.language, lasting=result.policies.lasting), question)


def principal_rules(result: Evaluation) -> PrincipalRules:
    """How the principals of the resource's policy are read."""
    options = result.options
    return PrincipalRules(
        trust=result.prepared.trust,
        star_includes_services=options.star_allow_includes_services,
        aws_star_admits_everyone=options.trust_aws_star_admits_everyone,
        account_root_needed=options.not_principal_root_required,
    )


def _read_resource_policy(result: Evaluation, question: Question) -> None:
    given = result.policies.resource
    prepared = result.prepared
    if (
        prepared.resource.kind is ResourceKind.SET
        and result.must_admit
        and (given is None or isinstance(given, NotEvaluated))
    ):
        # A key or trust policy belongs to one resource; a set of them cannot be asked for one.
        result.must_admit = False
        which = "role's trust policy" if prepared.trust else "key's policy"
        result.assumptions.append(f"each {which} lets the caller in (a set of resources has no policy of its own)")
    if given is None:
        if result.options.legacy_role_self_trust and prepared.trust:
            _trust_itself(result)
        return
    if isinstance(given, NotEvaluated):
        result.not_evaluated[Layer.RESOURCE] = given
        if _resource_side_needed(result):
            unknown = MissingPolicy(f"policy of {prepared.resource.text}", given.permission, given.reason)
            leaf = missing_allow(Layer.RESOURCE, unknown)
            result.resource = LayerScan(allow=leaf, strengths={Strength.WILDCARD: leaf}, missing=(unknown,))
        return
    policy_type = PolicyType.TRUST if prepared.trust else PolicyType.RESOURCE
    alone = _alone(given) if result.policies.lasting else (given,)
    policies = policy_set(alone, policy_type, question.language, lasting=result.policies.lasting)
    result.resource = scan_resource_policy(policies, question, result.caller, principal_rules(result))
    if result.options.legacy_role_self_trust and prepared.trust:
        _trust_itself(result)
    result.resource_denies_ignored = bucket_owner_root_escape(
        prepared.action, result.request.principal, same_account=result.same_account
    )


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


def _read_organization(
    result: Evaluation, question: Question, catalogue: ActionCatalogue, *, service_linked: bool
) -> None:
    if service_linked:
        return
    policies = result.policies
    principal = result.request.principal
    if principal.kind in _UNDER_SCPS and not policies.principal_in_management_account:
        if isinstance(policies.scps, NotEvaluated):
            result.not_evaluated[Layer.SCP] = policies.scps
        elif policies.scps:
            result.scps = _read_levels(result, question, Layer.SCP, policies.scps)
    if (
        not policies.resource_in_management_account
        and result.prepared.resource.kind is not ResourceKind.NONE
        and catalogue.supports_rcp(result.prepared.action.service)
        and not rcp_exempt(result.prepared.action, result.prepared.resource, principal)
    ):
        if isinstance(policies.rcps, NotEvaluated):
            result.not_evaluated[Layer.RCP] = policies.rcps
        elif policies.rcps:
            result.rcps = _read_levels(result, question, Layer.RCP, policies.rcps)


def _read_levels(
    result: Evaluation, question: Question, layer: Layer, levels: tuple[PolicyLevel, ...]
) -> list[LevelScan]:
    scans: list[LevelScan] = []
    policy_type, caller = (PolicyType.SCP, None) if layer is Layer.SCP else (PolicyType.RCP, result.caller)
    for i, level in enumerate(levels):
        if level.not_loaded is not None:
            result.not_evaluated.setdefault(layer, level.not_loaded)
            continue
        policies = policy_set(level.policies, policy_type, question.language, i, lasting=result.policies.lasting)
        scans.append(LevelScan(i, level.name, scan_level(layer, policies, question, i, caller)))
    return scans


def _read_vpc_endpoint(result: Evaluation, question: Question) -> None:
    given = result.policies.vpc_endpoint
    if isinstance(given, NotEvaluated):
        result.not_evaluated[Layer.VPC_ENDPOINT] = given
    elif given:
        policies = policy_set(given, PolicyType.VPC_ENDPOINT, question.language, lasting=result.policies.lasting)
        result.vpc_endpoint = scan_level(Layer.VPC_ENDPOINT, policies, question, None, result.caller)


def _read_block_public_access(result: Evaluation) -> None:
    """RestrictPublicBuckets on a public policy admits only AWS services and the owner's account (S3)."""
    policies = result.policies
    resource = policies.resource
    if not result.prepared.on_plain_bucket:
        return
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
    result.grant = result.side.truth()
    own = (result.identity, result.boundary, result.session)
    denies: list[Truth] = [scanned.deny for scanned in own if scanned is not None and scanned.deny is not False]
    caps: list[Truth] = []
    if result.resource is not None and result.resource.deny is not False and not result.resource_denies_ignored:
        denies.append(result.resource.deny)
    for level in result.scps or ():
        if level.scan.deny is not False:
            denies.append(level.scan.deny)
        if level.scan.allow is not True:
            caps.append(level.scan.allow)
    denies.extend(level.scan.deny for level in result.rcps or () if level.scan.deny is not False)
    if result.vpc_endpoint is not None:
        denies.append(result.vpc_endpoint.deny)
        caps.append(result.vpc_endpoint.allow)
    result.deny = any_of(denies) if denies else False
    result.caps = all_of(caps) if caps else True
    if result.free is not None:
        result.grant = result.total = True
        result.deny = False
        return
    if result.refused is not None or result.block_public_access_closes:
        result.total = False
        return
    if result.deny is True or result.caps is False or result.grant is False:
        result.total = False
    elif result.deny is False and result.caps is True:
        result.total = result.grant
    else:
        result.total = all_of((negate(result.deny), result.caps, result.grant))
