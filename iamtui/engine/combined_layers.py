"""Evaluation of one request through every layer: the result of each layer, and their combination."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from msgspec import Struct, structs
from msgspec import field as msgspec_field

from iamtui.catalog.service_data import data_date
from iamtui.engine.decision import Layer, Outcome
from iamtui.engine.layers import (
    GrantSide,
    LayerScan,
    LevelScan,
    LevelsScan,
    LevelStack,
    level_stack,
    reached_as,
    reaches,
)
from iamtui.engine.policy_sets import CallerFacts, LayerStatement, PolicySet, policy_set
from iamtui.engine.prepared_request import PreparedAction, PreparedRequest, account_asked_about, lookup_keys
from iamtui.engine.request import (
    WITH_IAM_POLICIES,
    EngineOptions,
    MissingPolicy,
    Mode,
    NamedPolicy,
    NotEvaluated,
    PoliciesInForce,
    PolicyInForce,
    PolicyLevel,
    Principal,
    PrincipalKind,
    Request,
)
from iamtui.engine.service_rules import (
    ServiceRule,
    account_rule,
    anonymous_rule,
    assume_root_rule,
    both_rules,
    credential_rule,
    gift_rule,
    is_assumption_of_service_linked_role,
    provider_rule,
)
from iamtui.policy.context import MissingLeaf, RequestContext, Truth, all_of, any_of, negate
from iamtui.policy.resource import RequestResource, ResourceKind
from iamtui.policy.statement import Caller, CompiledStatement, PrincipalRules
from iamtui.policy.types import LanguageOptions, PolicyType
from iamtui.text import safe_text

RESOURCE_ONLY: Final = frozenset(
    (
        PrincipalKind.ANONYMOUS,
        PrincipalKind.SERVICE,
        PrincipalKind.IDENTITY_PROVIDER,
        PrincipalKind.CANONICAL_USER,
    )
)
"""The callers that only the policy of the resource can let in."""


_MOST_DENIED: Final = 32
"""How many known resources that are denied are read, so that an answer can be explained by them."""


class KnownMembers(Struct, eq=False):
    """Known resources of a set, as one caller may be allowed on them.

    Args:
        by_whom: the known resources with a policy of their own, by the lookup keys of whom it may let in.
        all_roles_of: the account of which every role is known, or None.
        aliases: where aliases of KMS keys are asked about, the known ones; else None.
        aliases_are_all: whether there are no others.
        unlisted: in place of the trust policies of roles that the account may have besides, or None.
        single: the same question about one resource, known or not, with what is known of it.
        outcomes: what was found for known resources: the set is read again for each point that AWS leaves open.
    """

    by_whom: Mapping[str, Sequence[str]]
    all_roles_of: str | None
    aliases: tuple[str, ...] | None
    aliases_are_all: bool
    unlisted: MissingPolicy | None
    single: Callable[[str], tuple[Request, PoliciesInForce, PreparedRequest]]
    outcomes: dict[str, Outcome] = msgspec_field(default_factory=dict)

    def are_all(self, reading: Evaluation) -> bool:
        """True if the set has no other resources than known ones and those represented by `unlisted`."""
        if self.aliases is not None:
            return self.aliases_are_all
        if not reading.prepared.trust or self.all_roles_of is None:
            return False
        request = reading.request
        return self.all_roles_of == account_asked_about(
            request.resource, request.resource_account, request.principal.account
        )

    def texts(self, reading: Evaluation) -> Iterator[str]:
        """Known resources of the set on which the caller may be allowed, those first on which it is."""
        assert reading.about is not None
        all_known = self.are_all(reading)
        found: Iterable[str] = ()
        if self.aliases is not None:
            found = self.aliases
        elif reading.prepared.key or all_known:
            found = self._letting_in(reading)
        waiting: list[str] = []
        denied: list[str] = []
        for text in found:
            outcome = self.outcomes.get(text)
            if outcome is None:
                outcome = self.outcomes[text] = reading.about(reading, text, alone=True).outcome
            if outcome is Outcome.ALLOWED:
                yield text
            elif outcome is Outcome.DEPENDS:
                waiting.append(text)
            else:
                denied.append(text)
        yield from waiting
        # Of a set that holds others too these say nothing.
        yield from denied[:_MOST_DENIED] if all_known else ()

    def _letting_in(self, reading: Evaluation) -> Iterable[str]:
        """Known resources of the set whose policy may let the caller in."""
        caller, members, inside = reading.caller, reading.prepared.resource.members, reading.asked.of_set.inside

        def has(arn: str) -> bool:
            if arn not in inside:
                inside[arn] = members.has(arn)
            return inside[arn]

        found = dict.fromkeys(arn for key in lookup_keys(caller) for arn in self.by_whom.get(key, ()) if has(arn))
        scanned = reading.identity
        if scanned is None or (not scanned.missing and scanned.allow is False):
            return found
        # Of what is left to the caller's own policies, those count on which these may grant it.
        granting = [match.statement for match in scanned.matches if match.statement.allows]
        for arn in filter(has, self.by_whom.get(caller.account, ())):
            resource = RequestResource(arn, ResourceKind.ONE)
            is_granted = scanned.missing or any(
                one.any_resource
                or one.matches_resource(resource, reading.context, reading.language, everywhere=False) is not False
                for one in granting
            )
            if is_granted:
                found[arn] = None
        return found


class PoliciesOfSet(PoliciesInForce, frozen=True):
    """Policies in force for a set of resources, of which some have known policies of their own."""

    members: KnownMembers | None = None

    @classmethod
    def of(cls, policies: PoliciesInForce, members: KnownMembers | None) -> PoliciesOfSet:
        return cls(**{**structs.asdict(policies), "members": members})


class Evaluation(Struct, eq=False):
    """One request read through every layer: the raw material of a Decision, a trace and an explanation.

    A layer that does not apply is None; a layer that was not loaded is in `not_evaluated`.
    """

    request: Request
    policies: PoliciesInForce
    options: EngineOptions
    asked: PreparedRequest
    context: RequestContext
    facts: CallerFacts
    owner: str | None
    same_account: bool
    must_admit: bool
    admitted_by_assumption: bool = False
    """True if each key or role of a set is assumed to admit the caller by its policy."""
    identity: LayerScan | None = None
    resource: LayerScan | None = None
    session: LayerScan | None = None
    scope_down: LayerScan | None = None
    boundary: LayerScan | None = None
    scp_levels: LevelsScan | None = None
    rcp_levels: LevelsScan | None = None
    vpc_endpoint: LayerScan | None = None
    block_public_access_closes: bool = False
    free: str | None = None
    rule: ServiceRule | None = None
    resource_denies_ignored: bool = False
    rcps_spare_some: bool = False
    """Of a set: whether RCPs leave the call alone on some of its resources."""
    members: tuple[Evaluation, ...] = ()
    """Of a set of which no resource is allowed: the readings of resources that speak for all that is granted of it."""
    granted: tuple[str, ...] = ()
    """Of such a set: the entries that grant some of it; none where all of it is granted."""
    witness: str | None = None
    """Resource of an allowed set on which the same question alone is allowed."""
    among_known: bool = False
    """Of a set: whether all of its resources are known, and none of them is allowed."""
    by_known: bool = False
    """Of a set: whether the layers are those of known resources of it, under their own policies."""
    about: Callable[..., Evaluation] | None = None
    """Of a set: what reads the same question about one resource of it; it holds no reading, so there is no cycle."""
    is_unsettled: bool = False
    """True if a set is too involved to find out whether a resource of it is allowed."""
    lacking: str = ""
    """Of a set of which one call needs several resources at once: which of them are not allowed, in words."""
    by_alias: bool = False
    """True for the set of keys that one alias may name."""
    not_evaluated: dict[Layer, NotEvaluated] = msgspec_field(default_factory=dict)
    grant: Truth = False
    deny: Truth = False
    caps: Truth = True
    total: Truth = False
    made: dict[Layer, PolicySet | LevelStack] = msgspec_field(default_factory=dict)
    """Compiled policies that are not kept elsewhere, for the parts of a Decision that are computed later."""
    _side: GrantSide | None = None
    _scans: tuple[tuple[Layer, int | None, LayerScan], ...] | None = None

    @property
    def prepared(self) -> PreparedAction:
        """Facts of action and resource that do not depend on the caller."""
        return self.asked.prepared

    @property
    def known_members(self) -> KnownMembers | None:
        """The known resources of a set; None: all of them are under the same policies."""
        return self.policies.members if isinstance(self.policies, PoliciesOfSet) else None

    @property
    def in_any_account(self) -> bool:
        """True for a set whose resources may belong to any member account of the organization."""
        return self.owner is None and self.prepared.facts.of_member_accounts

    @property
    def compared(self) -> tuple[RequestResource, ...]:
        """Resources that statements are matched against: the resource, or the members that represent a denied set."""
        return tuple(member.prepared.resource for member in self.members) or (self.prepared.resource,)

    @property
    def refused(self) -> str | None:
        """Why a service refuses this whatever the policies say, or None."""
        return self.rule.why if self.rule is not None and self.rule.passes is False else None

    @property
    def needs_resource_side(self) -> bool:
        """True if no identity policy can grant this alone."""
        return self.must_admit or not self.same_account or self.request.principal.kind in RESOURCE_ONLY

    @property
    def language(self) -> LanguageOptions:
        """How the open points of the policy language are read."""
        return self.asked.language

    @property
    def caller(self) -> Caller:
        """The caller as principal elements see it."""
        principal, boundaries = self.request.principal, self.policies.boundaries
        return self.facts.caller(
            session_may_vary=self.request.mode is not Mode.RAW,
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
            (Layer.SCOPE_DOWN, self.scope_down),
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

    def statements(self) -> Iterator[tuple[Layer, LayerScan, LayerStatement]]:
        """The statements about the action that reach the caller, matching or not, in every layer that was read."""
        for layer, scanned, policies in self.sets():
            for member in policies.about(self.asked.action):
                if self.is_reached(layer, member):
                    yield layer, scanned, member

    def is_reached(self, layer: Layer, member: LayerStatement) -> bool:
        """True if the principals of a statement in a layer's policy include the caller, or may."""
        rules = principal_rules(self, of_resource=layer is Layer.RESOURCE)
        if layer is Layer.RESOURCE:
            return bool(reached_as(member.compiled, self.caller, rules))
        if layer in (Layer.RCP, Layer.VPC_ENDPOINT):
            return reaches(member.compiled, self.caller, layer, rules) is not False
        return True

    def sets(self) -> Iterator[tuple[Layer, LayerScan, PolicySet]]:
        """The policies behind every layer, and level of one, that was read, in the order of `scans`.

        Scope-downs, and session policies of which each has to allow, come one by one.
        """
        policies = self.policies
        yield from self._set(Layer.IDENTITY, self.identity, policies.identity, PolicyType.IDENTITY)
        if self.resource is not None and isinstance(policies.resource, (NamedPolicy, MissingPolicy)):
            yield Layer.RESOURCE, self.resource, resource_policy_set(self, policies.resource)
        if self.session is not None and not isinstance(policies.session, NotEvaluated):
            for found in session_sets(self, policies.session):
                yield Layer.SESSION, self.session, found
        if self.scope_down is not None:
            for found in one_by_one(self, policies.scope_downs):
                yield Layer.SCOPE_DOWN, self.scope_down, found
        yield from self._set(Layer.BOUNDARY, self.boundary, policies.boundaries, PolicyType.BOUNDARY)
        for layer, read, levels in (
            (Layer.SCP, self.scp_levels, policies.scps),
            (Layer.RCP, self.rcp_levels, policies.rcps),
        ):
            if read is not None and not isinstance(levels, NotEvaluated):
                stack = stack_of(self, layer, levels)
                for level, found in zip(read.levels, stack.levels, strict=True):
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

    def forget_sums(self) -> None:
        """Work out anew what follows from the layers, which have been replaced."""
        self._side = None
        self._scans = None

    def _make_side(self) -> GrantSide:
        return GrantSide(
            resource_only=self.request.principal.kind in RESOURCE_ONLY,
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
        """Truth of the session policies allowing the request; a federated user needs one."""
        if self.session is not None:
            return self.session.allow
        return not (
            self.request.principal.kind is PrincipalKind.FEDERATED_USER
            and self.options.deny_federated_without_session_policy
            and Layer.SESSION not in self.not_evaluated
        )

    def add_up(self) -> None:
        """Set what follows from the layers: what grants, what denies, what the caps let through, and all together."""
        self.grant = grant = self.side.truth()
        denies, caps = self._denies_and_caps()
        self.deny = deny = any_of(denies) if denies else False
        self.caps = cap = all_of(caps) if caps else True
        if self.free is not None:
            self.grant, self.deny, self.total = True, False, True
        elif self.rule is not None and self.rule.alone:
            self.grant, self.deny, self.caps, self.total = True, False, self.rule.passes, self.rule.passes
        elif (
            self.refused is not None
            or self.block_public_access_closes
            or deny is True
            or cap is False
            or grant is False
        ):
            self.total = False
        elif deny is False and cap is True:
            self.total = grant
        else:
            self.total = all_of((negate(deny), cap, grant))

    def _denies_and_caps(self) -> tuple[list[Truth], list[Truth]]:
        """Denials of all layers, and the results of the layers that can only cap."""
        caps: list[Truth] = []
        own = (self.identity, self.boundary, self.session)
        denies: list[Truth] = [scanned.deny for scanned in own if scanned is not None and scanned.deny is not False]
        if self.resource is not None and self.resource.deny is not False and not self.resource_denies_ignored:
            denies.append(self.resource.deny)
        if self.scp_levels is not None:
            denies.append(self.scp_levels.deny)
            caps.append(self.scp_levels.cap)
        if self.rcp_levels is not None and not self.rcps_spare_some:
            denies.append(self.rcp_levels.deny)
        for cap in (self.scope_down, self.vpc_endpoint):
            if cap is not None:
                denies.append(cap.deny)
                caps.append(cap.allow)
        if self.rule is not None and self.rule.passes is not False:
            caps.append(self.rule.passes)
        return denies, caps

    @property
    def outcome(self) -> Outcome:
        """The decision that the truths add up to."""
        if self.total is True:
            return Outcome.ALLOWED
        if self.total is not False:
            return Outcome.DEPENDS
        if self.deny is True:
            return Outcome.EXPLICIT_DENY
        # Of a set the gate counts among what denies each of its resources.
        gate_decides = self.block_public_access_closes and not self.members and self.grant is True and self.caps is True
        if gate_decides and self.refused is None and self.options.block_public_access_is_explicit:
            return Outcome.EXPLICIT_DENY
        return Outcome.IMPLICIT_DENY


def calling(request: Request, policies: PoliciesInForce) -> Principal:
    """The caller, whose credentials are temporary where they are scoped down (STS: GetScopedCredentials)."""
    principal = request.principal
    if policies.scope_downs and principal.credentials is None:
        return replace(principal, credentials="temporary")
    return principal


def service_rule(result: Evaluation, *, some_account: bool) -> ServiceRule | None:
    """Rule of the service about the call or the caller's credentials, whatever the policies say."""
    prepared, principal = result.prepared, calling(result.request, result.policies)
    if prepared.refused is not None or result.request.no_such_resource:
        return ServiceRule(prepared.refused or result.request.no_such_resource)
    if principal.kind is PrincipalKind.IDENTITY_PROVIDER:
        return provider_rule(prepared.action, principal)
    rule = None
    if principal.kind is PrincipalKind.ANONYMOUS:
        rule = anonymous_rule(prepared.action, prepared.facts.takes_unsigned, result.context)
    elif prepared.action.service in ("iam", "sts"):
        rule = _rule_of_caller(result, principal, some_account=some_account)
    if prepared.facts.of_some_callers and principal.account is not None:
        rule = both_rules(rule, account_rule(prepared.action, prepared.resource, result.policies))
    if not result.same_account and principal.kind is not PrincipalKind.SERVICE:
        rule = both_rules(rule, gift_rule(prepared.action))
    if rule is None and prepared.facts.newer:
        return _rule_of_newer_action(result.request.action)
    return rule


def _rule_of_newer_action(action: str) -> ServiceRule:
    """Of an action that only the SDK's models know, an Allow may not be enough: its resources are not known."""
    name = safe_text(action)
    unknown = MissingLeaf(f"AWS's documentation of {name}", "")
    why = f"{name} is newer than the action data of {data_date()}: what AWS checks for it is not known here."
    return ServiceRule(why, unknown)


def _rule_of_caller(result: Evaluation, principal: Principal, *, some_account: bool) -> ServiceRule | None:
    prepared = result.prepared
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


def set_of(
    result: Evaluation,
    layer: Layer,
    policies: tuple[PolicyInForce, ...],
    policy_type: PolicyType,
    *,
    lasts: bool = True,
) -> PolicySet:
    """The policies of a layer, ready to be read."""
    if lasts and result.policies.lasting:
        return policy_set(policies, policy_type, result.language, lasting=True)
    found = result.made.get(layer)
    if found is None:
        found = result.made[layer] = policy_set(policies, policy_type, result.language, lasting=False)
    assert isinstance(found, PolicySet)
    return found


def session_sets(result: Evaluation, policies: tuple[PolicyInForce, ...]) -> tuple[PolicySet, ...]:
    """The session policies, ready to be read: in one set, or each in its own where each has to allow."""
    if result.options.one_session_policy_is_enough or len(policies) < 2:
        return (set_of(result, Layer.SESSION, policies, PolicyType.SESSION),)
    return one_by_one(result, policies)


def one_by_one(result: Evaluation, policies: tuple[PolicyInForce, ...]) -> tuple[PolicySet, ...]:
    """Policies of the caller's credentials of which each has to allow, ready to be read."""
    lasting = result.policies.lasting
    sets = ((alone(policy) if lasting else (policy,)) for policy in policies)
    return tuple(policy_set(each, PolicyType.SESSION, result.language, lasting=lasting) for each in sets)


def stack_of(result: Evaluation, layer: Layer, levels: tuple[PolicyLevel, ...]) -> LevelStack:
    """The levels of an organization's policies, ready to be read."""
    if result.policies.lasting:
        return level_stack(layer, levels, result.language, lasting=True)
    found = result.made.get(layer)
    if found is None:
        found = result.made[layer] = level_stack(layer, levels, result.language, lasting=False)
    assert isinstance(found, LevelStack)
    return found


def principal_rules(result: Evaluation, *, of_resource: bool) -> PrincipalRules:
    """How the principals of a policy are read.

    Args:
        of_resource: whether it is the policy of the resource; else one that is nobody's own (RCP, endpoint).
    """
    options = result.options
    return PrincipalRules(
        trust=result.prepared.trust and of_resource,
        star_includes_services=options.star_allow_includes_services,
        aws_star_admits_services=options.trust_aws_star_admits_everyone,
        account_root_needed=options.not_principal_root_required,
        outsiders_are_granted=options.not_principal_allow_grants,
    )


def reaching(result: Evaluation, layer: Layer) -> Callable[[CompiledStatement], Truth]:
    """Test of a statement's principals against the caller, in an RCP or endpoint policy."""
    return lambda compiled: reaches(compiled, result.caller, layer, principal_rules(result, of_resource=False))


def resource_policy_set(result: Evaluation, policy: PolicyInForce) -> PolicySet:
    policy_type = PolicyType.TRUST if result.prepared.trust else PolicyType.RESOURCE
    lasts = result.policies.lasting and result.policies.resource_lasts
    return set_of(result, Layer.RESOURCE, alone(policy) if lasts else (policy,), policy_type, lasts=lasts)


_MOST_SINGLES: Final = 1024
_singles: dict[int, tuple[PolicyInForce, tuple[PolicyInForce, ...]]] = {}


def alone(policy: PolicyInForce) -> tuple[PolicyInForce, ...]:
    """A tuple of one policy, the same tuple each time, so that its compiled set is remembered."""
    found = _singles.get(id(policy))
    if found is not None and found[0] is policy:
        return found[1]
    if len(_singles) > _MOST_SINGLES:
        _singles.clear()
    made = (policy,)
    _singles[id(policy)] = (policy, made)
    return made
