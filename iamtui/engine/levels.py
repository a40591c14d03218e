"""Reading policies that many callers are under: SCPs and RCPs level by level, a boundary, and an endpoint's.

They are many statements about few things. So what the levels say of an action, before resource, context and caller
are looked at, is worked out once for all actions that the same statements are about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from iamtui.engine.decision import Layer
from iamtui.engine.layers import LayerScan, Match, add_missing, match_of
from iamtui.engine.policies import NotEvaluated, PolicyInForce, PolicyLevel
from iamtui.engine.policy_set import LayerStatement, PolicySet, policy_set
from iamtui.engine.prepared_request import PreparedRequest
from iamtui.policy.action import ActionName
from iamtui.policy.compiled import CompiledStatement
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
    """

    __slots__ = ("members", "results", "tests")

    def __init__(self, members: tuple[tuple[LayerStatement, ...], ...], *, with_principals: bool) -> None:
        self.members = members
        self.tests = tuple(
            member for level in members for member in level if not _matches_anything(member, with_principals)
        )
        self.results: dict[tuple[Truth, ...], LevelsScan] = {}


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
        with_principals = self.layer not in _WITHOUT_PRINCIPALS
        came_to: list[Truth] = []
        for member in plan.tests:
            truth = asked.truth(member.compiled, context)
            if truth is not False and with_principals and not member.compiled.reaches_everyone:
                truth = _both(reached(member.compiled), truth)
            came_to.append(truth)
        return self._found(plan, tuple(came_to), with_principals=with_principals)

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


def endpoint_stack(policies: tuple[PolicyInForce, ...], language: LanguageOptions, *, lasting: bool) -> LevelStack:
    found = policy_set(policies, PolicyType.VPC_ENDPOINT, language, lasting=lasting)
    return LevelStack(Layer.VPC_ENDPOINT, ((None, None, found),))
