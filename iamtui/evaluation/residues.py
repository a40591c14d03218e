"""What SCPs, RCPs and boundaries come to, as truth values without a record.

Many callers are under the same few policies and ask in the same context. What those say of an action is settled for
all of them as far as neither the resource nor the caller is looked at, and what is left of it is tested for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from iamtui.evaluation.asked import Asked, Circumstances
from iamtui.evaluation.caller import FIXED_KEYS, tells_callers_apart
from iamtui.evaluation.extent import Extent, both
from iamtui.evaluation.levels import LevelStack, Plan
from iamtui.evaluation.policy_set import Member
from iamtui.policy.condition import CompiledCondition
from iamtui.policy.context import RequestContext

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
        self.known: dict[Member, Extent] = {}

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
    asked: Asked,
    circumstances: Circumstances,
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
    asked: Asked,
    circumstances: Circumstances,
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
    stack: LevelStack, asked: Asked, circumstances: Circumstances, context: RequestContext
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

    def __init__(self, member: Member) -> None:
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

    def __init__(self, member: Member, settled: Extent, own: tuple[CompiledCondition, ...] | None) -> None:
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
    tests: tuple[_Left, ...], settled: Extent, asked: Asked, context: RequestContext, own: OwnTests | None
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
    """The lower-case keys that a condition reads."""
    yield condition.key
    yield from condition.variable_keys


def _all_hold(conditions: Iterable[CompiledCondition], context: RequestContext) -> Extent:
    """Whether all conditions hold."""
    found: Extent = True
    for condition in conditions:
        truth = condition.test(context)
        if truth is False:
            return False
        if truth is not True:
            found = None
    return found
