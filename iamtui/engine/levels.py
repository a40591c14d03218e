"""Reading policies that many callers are under: SCPs and RCPs level by level, a boundary, and an endpoint's.

They are many statements about few things. So what the levels say of an action, before resource, context and caller
are looked at, is worked out once for all actions that the same statements are about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from iamtui.engine.decision import Layer
from iamtui.engine.layers import MOST_SCANS, Extent, LayerScan, Match, add_missing, both, match_of
from iamtui.engine.policies import NotEvaluated, PolicyInForce, PolicyLevel
from iamtui.engine.policy_set import LayerStatement, PolicySet, policy_set
from iamtui.engine.prepared_request import PreparedRequest, SharedContext
from iamtui.engine.request import FIXED_KEYS, tells_callers_apart
from iamtui.engine.set_members import tells_resources_apart
from iamtui.policy.action import ActionName
from iamtui.policy.compiled import CompiledStatement
from iamtui.policy.conditions import CompiledCondition
from iamtui.policy.context import RequestContext
from iamtui.policy.truth import Truth, all_of
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, LanguageOptions, PolicyType

_WITHOUT_PRINCIPALS: Final = frozenset((Layer.SCP, Layer.BOUNDARY))
"""The layers whose policies have no Principal element."""
_MOST_SERVICES: Final = 1024
_MOST_ACTIONS: Final = 1024
_MOST_PLANS: Final = 256
_MOST_RESULTS: Final = 256


@dataclass(frozen=True, slots=True)
class LevelScan:
    """What the SCPs or RCPs of one level say."""

    index: int
    name: str | None
    scan: LayerScan


class LevelsScan:
    """What all levels say together; may be shared by many decisions, so whoever has it only reads it.

    Args:
        levels: level by level, those that are not loaded left out.
        denies: what some level may deny, where that is not False.
        caps: what some level may not allow, where that is not True.
    """

    __slots__ = ("caps", "denies", "levels")

    def __init__(self, levels: tuple[LevelScan, ...]) -> None:
        self.levels = levels
        self.denies = tuple(level.scan.deny for level in levels if level.scan.deny is not False)
        self.caps = tuple(level.scan.allow for level in levels if level.scan.allow is not True)


class Plan:
    """The statements about an action, level by level, and which of them have to be tested.

    Args:
        members: the statements of each level, in their order.
        tests: those that depend on resource, context or caller; the others match whatever is asked.
        results: what the levels say, for what the tests came to.
        residual: where the reader without a record keeps what of the tests can be settled for many callers.
        denies: whether a Deny matches whatever is asked.
        deny_tests: the Denies that have to be tested.
        allow_tests: for each level without an Allow that matches whatever is asked: those that have to be tested.
        reaches_everyone: whether no test has to look at principals.
        tells_resources_apart: whether some statement is not about every resource.
    """

    __slots__ = (
        "allow_tests",
        "denies",
        "deny_tests",
        "members",
        "reaches_everyone",
        "reads_the_resource",
        "residual",
        "results",
        "tells_resources_apart",
        "tests",
    )

    def __init__(self, members: tuple[tuple[LayerStatement, ...], ...], *, with_principals: bool) -> None:
        self.members = members
        self.tests = tuple(
            member for level in members for member in level if not _matches_anything(member, with_principals)
        )
        self.results: dict[tuple[Truth, ...], LevelsScan] = {}
        self.residual: Any = None
        tested = frozenset(self.tests)
        self.reaches_everyone = not with_principals or all(member.compiled.reaches_everyone for member in self.tests)
        self.reads_the_resource = any(tells_resources_apart(key) for test in self.tests for key in test.compiled.keys)
        self.tells_resources_apart = not all(member.compiled.any_resource for member in self.tests)
        self.denies = any(not member.compiled.allows and member not in tested for level in members for member in level)
        self.deny_tests = tuple(member for member in self.tests if not member.compiled.allows)
        self.allow_tests = tuple(
            tuple(member for member in level if member.compiled.allows)
            for level in members
            if all(member in tested or not member.compiled.allows for member in level)
        )


def _matches_anything(member: LayerStatement, with_principals: bool) -> bool:
    compiled = member.compiled
    return compiled.any_resource and not compiled.reads_context and (compiled.reaches_everyone or not with_principals)


class _Index:
    """The statements of all levels about one service, parted by whether the name of the action matters to them.

    Organizations fence most services as a whole, so that for most of their actions there is nothing to compare.

    Args:
        by_action: what the levels say of single actions, by their name in the service.
        whole: what they say of every action of the service, once that is known and the same.
    """

    __slots__ = ("_always", "_by_name", "by_action", "whole")

    def __init__(self, levels: list[tuple[LayerStatement, ...]], service: str) -> None:
        always: list[LayerStatement] = []
        by_name: list[LayerStatement] = []
        for member in (member for level in levels for member in level):
            whole = member.action.whole_service(service)
            if whole is None:
                by_name.append(member)
            elif whole:
                always.append(member)
        self._always = tuple(always)
        self._by_name = tuple(by_name)
        self.by_action: dict[str, Plan] = {}
        self.whole: Plan | None = None

    def keep(self, name: str, plan: Plan) -> None:
        """Keep what the levels say of an action."""
        if not self._by_name:
            self.whole = plan
            return
        if len(self.by_action) >= _MOST_ACTIONS:
            self.by_action.clear()
        self.by_action[name] = plan

    def matching(self, action: ActionName) -> tuple[LayerStatement, ...]:
        if not self._by_name:
            return self._always
        return (*self._always, *(member for member in self._by_name if member.is_about(action)))


class LevelStack:
    """Policies on several levels, ready to be read together."""

    __slots__ = ("_plans", "by_service", "layer", "levels", "missing", "not_loaded")

    def __init__(
        self,
        layer: Layer,
        levels: tuple[tuple[int | None, str | None, PolicySet], ...],
        not_loaded: NotEvaluated | None = None,
    ) -> None:
        """Take levels.

        Args:
            levels: for each its index and name, and its policies.
            not_loaded: why a level is not among them, or None.
        """
        self.layer = layer
        self.levels = levels
        self.not_loaded = not_loaded
        self.missing = any(policies.missing for _, _, policies in levels)
        self.by_service: dict[str, _Index] = {}
        self._plans: dict[tuple[LayerStatement, ...], Plan] = {}

    def scan(
        self, asked: PreparedRequest, context: RequestContext, reached: Callable[[CompiledStatement], Truth]
    ) -> LevelsScan:
        """Read the levels.

        Args:
            reached: whether the principals of a statement include the caller; asked only where they are looked at.
        """
        plan = self.plan_for(asked.action)
        known = asked.truths
        with_principals = self.layer not in _WITHOUT_PRINCIPALS
        came_to: list[Truth] = []
        # What is known of a statement is the same for everybody, so it need not be part of what a scan is found by.
        told_apart: list[Any] = [plan]
        for member in plan.tests:
            truth = known.get(member)
            own = None
            if truth is None:
                own = truth = asked.test(member, context)
            if truth is not False and with_principals and not member.compiled.reaches_everyone:
                own = truth = _both(reached(member.compiled), truth)
            came_to.append(truth)
            told_apart.append(own)
        key = tuple(told_apart)
        found = asked.scans.get(key)
        if found is None:
            if len(asked.scans) >= MOST_SCANS:
                asked.scans.clear()
            found = asked.scans[key] = self._found(plan, tuple(came_to), with_principals=with_principals)
        assert isinstance(found, LevelsScan)
        return found

    def plan_for(self, action: ActionName) -> Plan:
        """What the levels say of an action; what is known is found in `by_service`."""
        service = action.service
        index = self.by_service.get(service)
        if index is None:
            if len(self.by_service) >= _MOST_SERVICES:
                self.by_service.clear()
            index = _Index([policies.of_service(service) for _, _, policies in self.levels], service)
            self.by_service[service] = index
        plan = index.whole or index.by_action.get(action.name)
        if plan is None:
            plan = self._plan(service, index.matching(action))
            index.keep(action.name, plan)
        return plan

    def _plan(self, service: str, matching: tuple[LayerStatement, ...]) -> Plan:
        """What the levels say where these statements are about an action of a service."""
        found = self._plans.get(matching)
        if found is None:
            members = tuple(
                tuple(member for member in policies.of_service(service) if member in matching)
                for _, _, policies in self.levels
            )
            found = Plan(members, with_principals=self.layer not in _WITHOUT_PRINCIPALS)
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[matching] = found
        return found

    def _found(self, plan: Plan, came_to: tuple[Truth, ...], *, with_principals: bool) -> LevelsScan:
        found = plan.results.get(came_to)
        if found is None:
            found = self._together(plan, came_to, with_principals=with_principals)
            if len(plan.results) >= _MOST_RESULTS:
                plan.results.clear()
            plan.results[came_to] = found
        return found

    def _together(self, plan: Plan, came_to: tuple[Truth, ...], *, with_principals: bool) -> LevelsScan:
        truths = dict(zip(plan.tests, came_to, strict=True))
        scans: list[LevelScan] = []
        for (index, name, policies), members in zip(self.levels, plan.members, strict=True):
            result = LayerScan(policies.missing)
            later: list[Match] = []
            for member in members:
                truth = truths.get(member, True)
                if truth is False:
                    continue
                match = match_of(member, truth, self.layer, index)
                compiled = member.compiled
                if compiled.reads_context or (with_principals and not compiled.reaches_everyone):
                    later.append(match)
                else:
                    result.add(match)
            if policies.missing:
                add_missing(self.layer, policies.missing, result)
            for match in later:
                result.add(match)
            scans.append(LevelScan(index or 0, name, result))
        return LevelsScan(tuple(scans))


def _both(reached: Truth, truth: Truth) -> Truth:
    if reached is True:
        return truth
    return False if reached is False else all_of((reached, truth))


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


def boundary_stack(policies: tuple[PolicyInForce, ...], language: LanguageOptions) -> LevelStack:
    """A permissions boundary, ready to be read; remembered for as long as the same tuple is asked about."""
    key = (id(policies), Layer.BOUNDARY)
    found = _remembered.get(key)
    if found is not None and found[0] is policies:
        return found[1]
    if len(_remembered) >= _MOST_REMEMBERED:
        _remembered.clear()
    read = policy_set(policies, PolicyType.BOUNDARY, language, lasting=True)
    made = LevelStack(Layer.BOUNDARY, ((None, None, read),))
    # As in `level_stack`: the policies are kept beside what was made of them.
    _remembered[key] = (policies, made)
    return made


def endpoint_stack(policies: tuple[PolicyInForce, ...], language: LanguageOptions, *, lasting: bool) -> LevelStack:
    found = policy_set(policies, PolicyType.VPC_ENDPOINT, language, lasting=lasting)
    return LevelStack(Layer.VPC_ENDPOINT, ((None, None, found),))


# What SCPs, RCPs and boundaries come to, as truth values without a record.


_MOST_RESIDUES: Final = 1024
_MOST_OWN_TESTS: Final = 128


class OwnTests:
    """What the conditions that read nothing but the keys that follow from the caller come to for one caller.

    They are the same whatever it asks, as long as no context is given that says otherwise.

    Args:
        known: what is known, by statement.
    """

    __slots__ = ("known",)

    def __init__(self) -> None:
        self.known: dict[LayerStatement, Extent] = {}

    def extent(self, left: _Left, context: RequestContext) -> Extent:
        """Whether such conditions of a statement hold; kept in `known`."""
        known = self.known
        if len(known) >= _MOST_OWN_TESTS:
            # Not cleared, because another thread may be about to read what it has just found there.
            known = self.known = {}
        found = known[left.member] = _all_hold(left.own or (), context)
        return found


def sums(
    stack: LevelStack,
    asked: PreparedRequest,
    circumstances: SharedContext,
    context: RequestContext,
    own: OwnTests | None,
) -> tuple[Extent, Extent] | None:
    """Whether every level allows and whether some level denies; None for each that is undetermined.

    Args:
        circumstances: in which the caller's class asks.
        own: those of the caller; None where a context is given, which may say otherwise.

    Returns:
        None where a policy is missing, or where the principals of a statement have to be looked at.
    """
    found = asked.sums.get(stack)
    if found is not None:
        return found  # type: ignore[no-any-return]
    residue = _residue_of(stack, asked, circumstances, context)
    if residue is None:
        return None
    deny = residue.deny
    if residue.deny_tests and deny is not True:
        deny = _some_match(residue.deny_tests, deny, asked, context, own)
    allow = residue.allow
    for settled, tests in residue.allow_tests:
        allow = both(allow, _some_match(tests, settled, asked, context, own))
    come_to = (allow, deny)
    if asked.repeated and all(left.member in asked.truths for left in residue.tests):
        asked.sums[stack] = come_to
    return come_to


def denies(
    stack: LevelStack,
    asked: PreparedRequest,
    circumstances: SharedContext,
    context: RequestContext,
    own: OwnTests | None,
) -> bool | None:
    """Whether some level denies for certain, which is all that matters where nothing grants; arguments as of `sums`.

    Returns:
        None where a policy is missing, or where the principals of a statement have to be looked at.
    """
    residue = _residue_of(stack, asked, circumstances, context)
    if residue is None or residue.deny is True:
        return None if residue is None else True
    tests = residue.certain_denies
    return bool(tests) and _some_match(tests, False, asked, context, own) is True


def _residue_of(
    stack: LevelStack, asked: PreparedRequest, circumstances: SharedContext, context: RequestContext
) -> _Residue | None:
    action = asked.prepared.action
    index = stack.by_service.get(action.service)
    plan = None if index is None else index.whole or index.by_action.get(action.name)
    if plan is None:
        plan = stack.plan_for(action)
    if stack.missing or not plan.reaches_everyone:
        return None
    found = circumstances.residues.get(plan)
    if found is None:
        if len(circumstances.residues) >= _MOST_RESIDUES:
            circumstances.residues.clear()
        found = circumstances.residues[plan] = _Residue(plan, context)
    return found


class _Parted:
    """A statement with its conditions parted by whether they come to the same for all callers of a class.

    Args:
        shared: those that do.
        own: the others.
        is_own: whether these read nothing but what follows from the caller, and the statement is about every resource.
    """

    __slots__ = ("is_own", "member", "own", "shared")

    def __init__(self, member: LayerStatement) -> None:
        conditions = member.compiled.conditions
        self.member = member
        self.own = tuple(condition for condition in conditions if any(map(tells_callers_apart, _keys(condition))))
        self.shared = tuple(condition for condition in conditions if condition not in self.own)
        self.is_own = member.compiled.any_resource and all(
            FIXED_KEYS.issuperset(_keys(condition)) for condition in self.own
        )


class _Residual:
    """What a plan has to test, parted: its Denies, and its Allows level by level."""

    __slots__ = ("allows", "denies")

    def __init__(self, plan: Plan) -> None:
        self.denies = tuple(map(_Parted, plan.deny_tests))
        self.allows = tuple(tuple(map(_Parted, level)) for level in plan.allow_tests)


class _Left:
    """A statement that is not settled for all callers of a class.

    Args:
        settled: whether its conditions hold as far as they are.
        own: the others, where they read nothing but what follows from the caller and the statement is about every
            resource; None: the statement has to be tested as a whole.
    """

    __slots__ = ("member", "own", "settled")

    def __init__(self, member: LayerStatement, settled: Extent, own: tuple[CompiledCondition, ...] | None) -> None:
        self.member = member
        self.settled = settled
        self.own = own


class _Residue:
    """What a plan leaves to be tested for each resource or caller, where a class of callers asks in one context.

    Args:
        deny, allow: whether some level denies and every level allows, as far as that is settled for all of them.
        deny_tests: the Denies that are left.
        certain_denies: those of them that may turn out to match for certain.
        allow_tests: for each level that is not settled: whether it allows as far as that is, and what is left.
        tests: all that is left.
    """

    __slots__ = ("allow", "allow_tests", "certain_denies", "deny", "deny_tests", "tests")

    def __init__(self, plan: Plan, context: RequestContext) -> None:
        if plan.residual is None:
            plan.residual = _Residual(plan)
        residual: _Residual = plan.residual
        denies, self.deny_tests = _settled(residual.denies, context)
        self.certain_denies = tuple(left for left in self.deny_tests if left.own is None or left.settled is True)
        self.deny: Extent = True if plan.denies else denies
        self.allow: Extent = True
        levels: list[tuple[Extent, tuple[_Left, ...]]] = []
        for level in residual.allows:
            allows, tests = _settled(level, context)
            if tests:
                levels.append((allows, tests))
            else:
                self.allow = both(self.allow, allows)
        self.allow_tests = tuple(levels)
        self.tests = (*self.deny_tests, *(left for _, tests in levels for left in tests))


def _settled(parted: tuple[_Parted, ...], context: RequestContext) -> tuple[Extent, tuple[_Left, ...]]:
    """Whether one of some statements matches as far as that is settled, and those that could still change it."""
    settled: Extent = False
    tests: list[_Left] = []
    for one in parted:
        extent = _all_hold(one.shared, context)
        if extent is False:
            continue
        if not one.is_own:
            tests.append(_Left(one.member, None, None))
        elif one.own:
            tests.append(_Left(one.member, extent, one.own))
        elif extent is True:
            return True, ()
        else:
            settled = None
    return settled, tuple(tests)


def _some_match(
    tests: tuple[_Left, ...], settled: Extent, asked: PreparedRequest, context: RequestContext, own: OwnTests | None
) -> Extent:
    """Whether one of the statements that are left matches, or one of the settled ones; None: one of them may."""
    found = settled
    for left in tests:
        if own is not None and left.own is not None:
            known = own.known
            extent = known[left.member] if left.member in known else own.extent(left, context)
            if extent is True:
                extent = left.settled
        else:
            truth = asked.truths.get(left.member)
            if truth is None:
                truth = asked.test(left.member, context)
            extent = truth if isinstance(truth, bool) else None
        if extent is True:
            return True
        if extent is None:
            found = None
    return found


def _keys(condition: CompiledCondition) -> Iterator[str]:
    yield condition.key
    yield from condition.variable_keys


def _all_hold(conditions: Iterable[CompiledCondition], context: RequestContext) -> Extent:
    found: Extent = True
    for condition in conditions:
        truth = condition.test(context)
        if truth is False:
            return False
        if truth is not True:
            found = None
    return found
