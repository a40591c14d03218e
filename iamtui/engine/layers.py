"""Layers of policies read for one request: statements, grants, and the levels of SCPs and RCPs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from msgspec import Struct

from iamtui.engine.decision import Layer, StatementRef
from iamtui.engine.policy_sets import CarriedPolicy, LayerStatement, PolicySet, policy_set
from iamtui.engine.prepared_request import PreparedRequest
from iamtui.engine.request import MissingPolicy, NamedPolicy, NotEvaluated, PolicyInForce, PolicyLevel
from iamtui.policy.context import MissingLeaf, RequestContext, Source, Truth, all_of, any_of, with_source
from iamtui.policy.document import Statement
from iamtui.policy.resource import ResourceKind
from iamtui.policy.statement import (
    ActionName,
    Caller,
    CompiledStatement,
    PrincipalRules,
    Strength,
    allow_strengths,
    deny_applies,
)
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, LanguageOptions, PolicyType

Reached: TypeAlias = Callable[[CompiledStatement], Truth]
"""Test of the principals of a statement against the caller."""


class Match(Struct, eq=False):
    """A statement that matches, or may match, in one layer (and level)."""

    statement: CompiledStatement
    policy: NamedPolicy
    truth: Truth
    layer: Layer
    level: int | None = None
    _ref: StatementRef | None = None

    @property
    def ref(self) -> StatementRef:
        """The statement as a decision names it."""
        if self._ref is None:
            statement = self.statement.statement
            lines = self.policy.document.lines
            self._ref = StatementRef(
                layer=self.layer,
                effect=statement.effect,
                policy=self.policy.name,
                sid=statement.sid,
                statement=statement.index,
                lines=lines[statement.index] if statement.index < len(lines) else None,
                level=self.level,
                undetermined=self.truth is not True,
            )
        return self._ref


class LayerScan:
    """Combined result of the statements of one layer (or one level of it).

    A scan may be shared by many decisions: whoever has it only reads it.

    Args:
        allow, deny: whether some Allow, some Deny matches.
        strengths: for a resource-based policy, by which forms of principal its Allows reach the caller.
        matches: the statements behind it.
        missing: policies whose documents are not known; they may allow and may deny.
        partly: of a set of which no resource is allowed: whether it does allow some of what is granted.
        report: where the sentence about this scan is kept, once made.
    """

    __slots__ = ("_certain", "allow", "deny", "matches", "missing", "partly", "report", "strengths")

    def __init__(self, missing: tuple[MissingPolicy, ...] = ()) -> None:
        self.allow: Truth = False
        self.deny: Truth = False
        self.strengths: dict[Strength, Truth] = {}
        self.matches: list[Match] = []
        self.missing = missing
        self.partly = False
        self.report: Any = None
        self._certain: tuple[StatementRef, ...] | None = None

    def take(self, matches: list[Match]) -> None:
        """Take in statements whose truth is not False, in one step: their formula may have thousands of parts."""
        if not matches:
            return
        self.matches += matches
        allows = [match.truth for match in matches if match.statement.allows]
        if allows and self.allow is not True:
            self.allow = any_of((self.allow, *allows))
        if len(allows) < len(matches) and self.deny is not True:
            self.deny = any_of((self.deny, *(match.truth for match in matches if not match.statement.allows)))

    def certain(self) -> tuple[StatementRef, ...]:
        """The statements that match whatever is unknown."""
        if self._certain is None:
            self._certain = tuple(match.ref for match in self.matches if match.truth is True)
        return self._certain


_SILENT: Final = {layer: LayerScan() for layer in Layer}
"""The scans in which nothing matches."""


def match_of(member: LayerStatement, truth: Truth, layer: Layer, level: int | None) -> Match:
    """The record of a statement that matches, or may match."""
    if truth is not True:
        compiled = member.compiled
        return Match(compiled, member.policy, named(truth, layer, member.policy, compiled.statement), layer, level)
    if member.match is None:
        member.match = Match(member.compiled, member.policy, True, layer, level)
    assert isinstance(member.match, Match)
    return member.match


_MOST_POLICIES: Final = 16_384


class _PolicyMatches(NamedTuple):
    """Statements of one policy that match a request, or may.

    Args:
        plain: those that match whoever carries it and asks.
        others: those about the action that have to be tested against the context, or against the caller.
    """

    plain: tuple[Match, ...]
    others: tuple[LayerStatement, ...]


_NOTHING: Final = _PolicyMatches((), ())


def _of_policy(
    carried: CarriedPolicy,
    layer: Layer,
    asked: PreparedRequest,
    context: RequestContext,
    level: int | None,
    *,
    by_service: bool,
    names_callers: bool,
) -> _PolicyMatches:
    """Matches of one policy's statements, found once for all who carry it: a caller may have a hundred policies.

    Args:
        by_service: whether those that name the service are read, else those about any.
        names_callers: whether their principals have a say.
    """
    may_last = not by_service and not names_callers
    if may_last and carried.said is not None:
        return carried.said  # type: ignore[no-any-return]
    members = carried.about(asked.prepared.action)[0 if by_service else 1]
    if not members:
        return _NOTHING
    is_lasting = may_last and carried.says_always
    # Each layer has its own form of a policy, so that this tells the layer as well.
    known, key = asked.of_policies, (carried, by_service)
    found = None if is_lasting or known is None else known.get(key)
    if found is None:
        plain: list[Match] = []
        others: list[LayerStatement] = []
        for member in members:
            if member.compiled.reads_context or (names_callers and not member.compiled.reaches_everyone):
                others.append(member)
                continue
            truth = asked.truth(member.compiled, context)
            if truth is not False:
                plain.append(match_of(member, truth, layer, level))
        found = _PolicyMatches(tuple(plain), tuple(others))
        if is_lasting:
            carried.said = found
        elif known is not None:
            if len(known) >= _MOST_POLICIES:
                known.clear()
            known[key] = found
    assert isinstance(found, _PolicyMatches)
    return found


def scan(
    layer: Layer,
    policies: PolicySet,
    asked: PreparedRequest,
    context: RequestContext,
    *,
    level: int | None = None,
    reached: Reached | None = None,
) -> LayerScan:
    """Read the policies of one layer, or of one level of it, but for the policy of a resource.

    Args:
        reached: whether the principals of a statement include the caller; None where statements have none.
    """
    missing = policies.missing
    # First those that read no context, then the others.
    first: list[Match] = []
    later: list[Match] = []
    action, resource = asked.prepared.action, asked.prepared.resource
    one_of_a_set = asked.of_a_set and resource.kind is ResourceKind.ONE
    for by_service, those in ((True, policies.naming(action.service)), (False, policies.of_any)):
        for carried in those:
            if one_of_a_set and not carried.may_be_about(action, resource.text):
                continue
            plain, others = _of_policy(
                carried, layer, asked, context, level, by_service=by_service, names_callers=reached is not None
            )
            first += plain
            for member in others:
                truth = asked.truth(member.compiled, context)
                if truth is not False and reached is not None and not member.compiled.reaches_everyone:
                    truth = all_of((reached(member.compiled), truth))
                if truth is not False:
                    later.append(match_of(member, truth, layer, level))
    if level is None and not (missing or first or later):
        return _SILENT[layer]
    result = LayerScan(missing)
    result.take(first)
    if missing:
        add_missing(layer, missing, result)
    result.take(later)
    return result


def each_allowing(
    layer: Layer, sets: Iterable[PolicySet], asked: PreparedRequest, context: RequestContext
) -> LayerScan:
    """Read the policies of one caller of which each set has to allow."""
    scans = [scan(layer, policies, asked, context) for policies in sets]
    if len(scans) == 1:
        return scans[0]
    result = LayerScan(tuple(policy for one in scans for policy in one.missing))
    result.matches = [match for one in scans for match in one.matches]
    result.allow = all_of(one.allow for one in scans)
    result.deny = any_of(one.deny for one in scans)
    return result


def reaches(compiled: CompiledStatement, caller: Caller, layer: Layer, rules: PrincipalRules) -> Truth:
    """Truth of a statement's principals including the caller, in a policy that is nobody's own (RCP, endpoint).

    A statement without principals reaches nobody in an RCP and everyone in an endpoint policy.
    """
    statement = compiled.statement
    if compiled.reaches_everyone:
        return True
    if statement.principals is None and statement.not_principals is None:
        return layer is Layer.VPC_ENDPOINT
    if compiled.allows:
        return any_of(allow_strengths(statement, caller, rules).values())
    return deny_applies(statement, caller, rules)


def scan_resource_policy(
    policies: PolicySet, asked: PreparedRequest, context: RequestContext, caller: Caller, rules: PrincipalRules
) -> LayerScan:
    """Read the policy of the resource (a trust policy included), keeping by which forms it reaches the caller."""
    layer = Layer.RESOURCE
    result = LayerScan(policies.missing)
    matches: list[Match] = []
    ways: dict[Strength, list[Truth]] = {}
    for member in policies.of_service(asked.prepared.action.service):
        truth = asked.work_out(member, context)
        if truth is False:
            continue
        compiled, policy = member.compiled, member.policy
        statement = compiled.statement
        strengths = reached_as(compiled, caller, rules)
        if not strengths:
            continue
        reached = {
            strength: named(all_of((truth, reaches)), layer, policy, statement)
            for strength, reaches in strengths.items()
        }
        matches.append(Match(compiled, policy, any_of(reached.values()), layer))
        if compiled.allows:
            for strength, reaches in reached.items():
                ways.setdefault(strength, []).append(reaches)
    result.take(matches)
    if policies.missing:
        add_missing(layer, policies.missing, result)
        ways.setdefault(Strength.WILDCARD, []).extend(missing_allow(layer, policy) for policy in policies.missing)
    result.strengths = {strength: any_of(truths) for strength, truths in ways.items()}
    return result


def reached_as(compiled: CompiledStatement, caller: Caller, rules: PrincipalRules) -> Mapping[Strength, Truth]:
    """By which forms the principals of a statement of a resource's policy reach the caller; empty when not at all."""
    if compiled.allows:
        return allow_strengths(compiled.statement, caller, rules)
    applies = deny_applies(compiled.statement, caller, rules)
    return {} if applies is False else {Strength.WILDCARD: applies}


def named(truth: Truth, layer: Layer, policy: NamedPolicy, statement: Statement) -> Truth:
    if truth is True:
        return True
    return with_source(truth, Source(layer.value, policy.name, statement.index, statement.effect))


def missing_allow(layer: Layer, policy: MissingPolicy) -> MissingLeaf:
    """The condition that a policy whose document is not known allows the request."""
    return _missing_leaf(layer, policy, "Allow")


def with_unknown(scanned: LayerScan | None, name: str, given: NotEvaluated) -> LayerScan:
    """Scan of a resource's policy together with an unknown one, which may or may not admit the caller."""
    unknown = MissingPolicy(name, given.permission, given.reason)
    leaf = missing_allow(Layer.RESOURCE, unknown)
    made = LayerScan((unknown,))
    made.allow, made.strengths[Strength.WILDCARD] = leaf, leaf
    if scanned is not None:
        made.matches, made.deny, made.allow = scanned.matches, scanned.deny, any_of((scanned.allow, leaf))
        made.strengths = {**scanned.strengths}
        made.strengths[Strength.WILDCARD] = any_of((scanned.strengths.get(Strength.WILDCARD, False), leaf))
    return made


def _missing_leaf(layer: Layer, policy: MissingPolicy, effect: str) -> MissingLeaf:
    source = Source(layer.value, policy.name, 0, effect)
    return MissingLeaf(policy.name, policy.permission, effect=effect, source=source, unreadable=policy.unreadable)


def add_missing(layer: Layer, missing: tuple[MissingPolicy, ...], result: LayerScan) -> None:
    """Take in that policies whose documents are not known may allow and, but for some, may deny."""
    result.allow = any_of((result.allow, *(missing_allow(layer, policy) for policy in missing)))
    denying = (policy for policy in missing if not policy.only_allows)
    result.deny = any_of((result.deny, *(_missing_leaf(layer, policy, "Deny") for policy in denying)))


# The grant side: who may let the caller in, and which caps bind which grant.


ALONE = (Strength.SESSION, Strength.USER, Strength.WILDCARD)
"""The forms of principal that let a caller of the account in by themselves."""


WITHIN_CAPS = (Strength.ROLE, Strength.ISSUER)
"""Those that let it in as far as its boundary and session policies do."""


class GrantSide(Struct):
    """Everything that granting rests on.

    Args:
        resource_only: an anonymous, service or federation caller, who needs only the resource side.
        same_account: caller and resource are in one account.
        is_root: the caller is a root user.
        must_admit: the resource side is mandatory even in one account.
        strengths: by which forms the resource policy's Allows reach the caller.
        identity: whether an identity policy allows.
        boundary, session: whether these caps pass (True when absent).
        role_grant_limited: whether the boundary limits a grant to a role ARN.
    """

    resource_only: bool
    same_account: bool
    is_root: bool
    must_admit: bool
    strengths: Mapping[Strength, Truth]
    identity: Truth
    boundary: Truth
    session: Truth
    role_grant_limited: bool = True

    @property
    def any_grant(self) -> Truth:
        """Truth of the resource policy reaching the caller by any form."""
        return any_of(self.strengths.values())

    def truth(self) -> Truth:
        """Truth of the request being granted, caps of the caller included."""
        if self.resource_only:
            return self.any_grant
        if self.is_root:
            return True if self.same_account and not self.must_admit else self.any_grant
        caps = True if self.boundary is True and self.session is True else all_of((self.boundary, self.session))
        if not self.same_account:
            return all_of((self.any_grant, self.identity, caps))
        strengths = self.strengths
        if not strengths:
            if self.must_admit:
                return False
            return self.identity if caps is True else all_of((self.identity, caps))
        ways: list[Truth] = [strengths[strength] for strength in ALONE if strength in strengths]
        capped = any_of(strengths[strength] for strength in WITHIN_CAPS if strength in strengths)
        ways.append(all_of((capped, caps if self.role_grant_limited else self.session)))
        through_identity = all_of((self.identity, caps))
        ways.append(all_of((through_identity, self.any_grant)) if self.must_admit else through_identity)
        return any_of(ways)


class LevelScan(Struct, frozen=True):
    """Result of the SCPs or RCPs of one level."""

    index: int
    name: str | None
    scan: LayerScan


class LevelsScan:
    """Combined result of all levels.

    Args:
        levels: level by level, those that are not loaded left out.
        deny: whether some level denies.
        cap: whether each level allows.
    """

    __slots__ = ("cap", "deny", "levels")

    def __init__(self, levels: tuple[LevelScan, ...]) -> None:
        self.levels = levels
        self.deny = any_of(level.scan.deny for level in levels)
        self.cap = all_of(level.scan.allow for level in levels)


_MOST_SAID: Final = 1024


class _Here:
    """The statements of all levels that are about an action and a resource.

    Args:
        under_conditions: those of them that have conditions.
        reaches_everyone: whether the principals of each include everyone.
        said: what they were found to say, by what the conditions come to.
    """

    __slots__ = ("reaches_everyone", "said", "under_conditions")

    def __init__(self, levels: tuple[tuple[LayerStatement, ...], ...]) -> None:
        statements = [one.compiled for one in chain.from_iterable(levels)]
        self.under_conditions = tuple(one for one in statements if one.conditions)
        self.reaches_everyone = all(one.reaches_everyone for one in statements)
        self.said: dict[tuple[Truth, ...], LevelsScan] = {}


class _About(NamedTuple):
    """The statements of all levels about an action.

    Args:
        levels: level by level.
        here: where they are about every resource.
        varies: whether a variable tells whether one of them is about a resource.
    """

    levels: tuple[tuple[LayerStatement, ...], ...]
    here: _Here | None
    varies: bool


class LevelStack:
    """Policies on several levels, ready to be read together, and what they were found to say.

    What they say follows from which of their statements are about the action and the resource, and from what the
    conditions of these come to.
    """

    __slots__ = ("_about", "_levels", "_of_service", "_those", "layer", "not_loaded")

    def __init__(
        self,
        layer: Layer,
        levels: Iterable[tuple[int | None, str | None, PolicySet]],
        not_loaded: NotEvaluated | None = None,
    ) -> None:
        """Take levels.

        Args:
            levels: for each its index and name, and its policies.
            not_loaded: why a level is not among them, or None.
        """
        self.layer = layer
        self._levels = tuple(levels)
        self.not_loaded = not_loaded
        self._about: dict[str, _About] = {}
        # Of a service of which each statement is about all actions or none.
        self._of_service: dict[str, _About] = {}
        self._those: dict[tuple[tuple[LayerStatement, ...], ...], _Here] = {}

    @property
    def levels(self) -> tuple[PolicySet, ...]:
        return tuple(policies for _, _, policies in self._levels)

    def scan(self, asked: PreparedRequest, context: RequestContext, reached: Reached) -> LevelsScan:
        """Read the levels.

        Args:
            reached: whether the principals of a statement include the caller; asked only where they are looked at.
        """
        looked_at = None if self.layer is Layer.SCP else reached
        # The same for all who are asked about, mostly.
        here = None if asked.of_policies is None else asked.of_policies.get(self)
        if here is None:
            here = self._here(asked, context)
        if here is None or (looked_at is not None and not here.reaches_everyone):
            return self._scan(asked, context, looked_at)
        truths = tuple([one.holds(context) for one in here.under_conditions])
        found: LevelsScan | None = here.said.get(truths)
        return found or _keep(here.said, truths, self._scan(asked, context, looked_at))

    def _scan(self, asked: PreparedRequest, context: RequestContext, reached: Reached | None) -> LevelsScan:
        return LevelsScan(
            tuple(
                LevelScan(index or 0, name, scan(self.layer, policies, asked, context, level=index, reached=reached))
                for index, name, policies in self._levels
            )
        )

    def _here(self, asked: PreparedRequest, context: RequestContext) -> _Here | None:
        """The statements about the action and the resource; None where one of them may or may not be."""
        action = asked.prepared.action
        about = self._about.get(action.full) or self._of_service.get(action.service) or self._find_about(action)
        here = about.here
        if here is None:
            met: dict[LayerStatement, Truth] = {
                one: one.compiled.any_resource or asked.about(one.compiled, context)
                for one in chain.from_iterable(about.levels)
            }
            if not all(truth is True or truth is False for truth in met.values()):
                return None
            here = self._those_of(tuple(tuple(filter(met.get, level)) for level in about.levels))
        if asked.of_policies is not None and not about.varies:
            asked.of_policies[self] = here
        return here

    def _those_of(self, levels: tuple[tuple[LayerStatement, ...], ...]) -> _Here:
        return self._those.get(levels) or _keep(self._those, levels, _Here(levels))

    def _find_about(self, action: ActionName) -> _About:
        service = action.service
        of_service = [policies.of_service(service) for policies in self.levels]
        levels = tuple(tuple(one for one in level if one.is_about(action)) for level in of_service)
        resources = [one.compiled.resource for one in chain.from_iterable(levels) if not one.compiled.any_resource]
        here = None if resources else self._those_of(levels)
        varies = any(one.matcher is not None and one.matcher.variable_keys for one in resources)
        found = _About(levels, here, varies)
        if any(one.action.whole_service(service) is None for one in chain.from_iterable(of_service)):
            return _keep(self._about, action.full, found)
        return _keep(self._of_service, service, found)


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def _keep(kept: dict[_Key, _Value], key: _Key, value: _Value) -> _Value:
    if len(kept) >= _MOST_SAID:
        kept.clear()
    kept[key] = value
    return value


_MOST_REMEMBERED: Final = 256
_remembered: dict[tuple[int, Layer], tuple[tuple[PolicyLevel, ...] | tuple[PolicyInForce, ...], LevelStack]] = {}


def level_stack(
    layer: Layer, levels: tuple[PolicyLevel, ...], language: LanguageOptions, *, lasting: bool
) -> LevelStack:
    """The levels of SCPs or RCPs, ready to be read.

    Args:
        lasting: whether to remember them for as long as the same tuple is asked about.
    """
    if not lasting or language is not DEFAULT_LANGUAGE_OPTIONS:
        return _stack(layer, levels, language, lasting=lasting)
    key = (id(levels), layer)
    found = _remembered.get(key)
    if found is not None and found[0] is levels:
        return found[1]
    if len(_remembered) >= _MOST_REMEMBERED:
        _remembered.clear()
    made = _stack(layer, levels, language, lasting=True)
    # The levels are kept beside what was made of them, so their id cannot be reused while it is a key here.
    _remembered[key] = (levels, made)
    return made


def _stack(layer: Layer, levels: tuple[PolicyLevel, ...], language: LanguageOptions, *, lasting: bool) -> LevelStack:
    policy_type = PolicyType.SCP if layer is Layer.SCP else PolicyType.RCP
    not_loaded = next((level.not_loaded for level in levels if level.not_loaded is not None), None)
    loaded = tuple(
        (index, level.name, policy_set(level.policies, policy_type, language, index, lasting=lasting))
        for index, level in enumerate(levels)
        if level.not_loaded is None
    )
    return LevelStack(layer, loaded, not_loaded)


def endpoint_stack(policies: tuple[PolicyInForce, ...], language: LanguageOptions, *, lasting: bool) -> LevelStack:
    found = policy_set(policies, PolicyType.VPC_ENDPOINT, language, lasting=lasting)
    return LevelStack(Layer.VPC_ENDPOINT, ((None, None, found),))
