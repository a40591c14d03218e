"""What is asked without who asks, and what has been worked out about it: shared by all who are asked the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from iamtui.evaluation.caller import tell_callers_apart, tells_callers_apart
from iamtui.evaluation.policy_set import Member, PolicySet
from iamtui.evaluation.prepared import PreparedAction
from iamtui.policy.action import ActionName
from iamtui.policy.compiled import CompiledStatement
from iamtui.policy.context import CommonContext, RequestContext
from iamtui.policy.formula import Truth, all_of
from iamtui.policy.options import LanguageOptions
from iamtui.policy.resource import ResourceMatcher

_MOST_SINGLES: Final = 1024


@dataclass(slots=True, eq=False)
class SetMemory:
    """What was found out about single resources of a set, for all who ask about it.

    Args:
        singles: the same question about one resource, by its text.
        limits: by the policies of a layer, whether they tell resources apart.
        conditions: by the policies of a layer, whether they read what differs from one resource to another.
        likely: by the entries that grant, resources that they name.
        walks: by the statements that matter, resources that speak for all.
        of_each_type: resources of the set, one of each type.
    """

    singles: dict[str, Asked] = field(default_factory=dict)
    limits: dict[PolicySet, bool] = field(default_factory=dict)
    conditions: dict[PolicySet, bool] = field(default_factory=dict)
    likely: dict[ResourceMatcher, tuple[str, ...]] = field(default_factory=dict)
    walks: dict[Any, Any] = field(default_factory=dict)
    of_each_type: tuple[str, ...] | None = None


class Circumstances:
    """What is the same whenever callers of one class ask in the same context, whatever they ask about.

    Args:
        context: that context, without what is known of each caller alone.
        residues: where the reader of SCPs, RCPs and boundaries keeps what they leave to be tested.
    """

    __slots__ = ("context", "residues")

    def __init__(self, context: CommonContext) -> None:
        self.context = context
        self.residues: dict[Any, Any] = {}


class Asked:
    """One question about one action and resource, put to callers of one class.

    A statement that reads no key that tells the callers apart comes to the same for all of them, so it is tested once.
    What is kept of statements is bounded by how many the account has about one service.

    Args:
        everywhere: for a set of resources, ask about all of them instead of at least one.
        shared: whether callers of one class share it (`CallerClass`); else it is for a single request.
        repeated: whether it was asked before. Most questions are asked once, so that nothing need be kept of them.
        scans: where the reader of a layer keeps what the same statements say together.
        sums: where the reader of all layers keeps what the same scans add up to, and the reader of SCPs, RCPs and
            boundaries without a record what their levels come to.
        circumstances: in which the callers ask, or None where it is for a single request.
        whole: the same question about all resources of the set, once it was asked.
        of_a_set: whether it is about one resource of a set that was asked about: what is taken for granted of the
            set (that a key, or a role, whose policy is not known lets the caller in) is taken for granted of it too.
        truths: what statements come to, principals aside, whoever of the class asks.
    """

    __slots__ = (
        "_by_caller",
        "_of_set",
        "circumstances",
        "everywhere",
        "language",
        "of_a_set",
        "prepared",
        "repeated",
        "scans",
        "shared",
        "sums",
        "truths",
        "whole",
    )

    def __init__(
        self,
        prepared: PreparedAction,
        language: LanguageOptions,
        everywhere: bool = False,
        shared: bool = False,
        circumstances: Circumstances | None = None,
        of_a_set: bool = False,
    ) -> None:
        self.prepared = prepared
        self.language = language
        self.everywhere = everywhere
        self.shared = shared
        self.circumstances = circumstances
        self.of_a_set = of_a_set
        self.scans: dict[Any, Any] = {}
        self.sums: dict[Any, Any] = {}
        self.whole: Asked | None = None
        self.truths: dict[Member, Truth] = {}
        self.repeated = False
        # The statements that have to be tested for each caller.
        self._by_caller: set[Member] = set()
        self._of_set: SetMemory | None = None

    @property
    def of_set(self) -> SetMemory:
        """What was found out about single resources of the set."""
        if self._of_set is None:
            self._of_set = SetMemory()
        return self._of_set

    @property
    def action(self) -> ActionName:
        """The action asked about."""
        return self.prepared.action

    def everywhere_too(self) -> Asked:
        """The same question about all resources of the set."""
        if self.whole is None:
            self.whole = Asked(self.prepared, self.language, True, self.shared)
        else:
            self.whole.repeated = True
        return self.whole

    def about_single(self, text: str, prepare: Callable[[], PreparedAction]) -> Asked:
        """The question about one resource of the set, which is kept."""
        known = self.of_set.singles
        found = known.get(text)
        if found is None:
            if len(known) >= _MOST_SINGLES:
                known.clear()
            found = known[text] = Asked(prepare(), self.language, shared=self.shared, of_a_set=True)
        else:
            found.repeated = True
        return found

    def work_out(self, member: Member, context: RequestContext) -> Truth:
        """Whether a statement is about the action and the resource, and its conditions hold; principals aside.

        Kept in `truths` where it is the same for every caller of the class and asked again; look there first.
        """
        if member in self._by_caller:
            return self.truth(member.compiled, context)
        if not member.is_about(self.prepared.action):
            if self.repeated:
                self.truths[member] = False
            return False
        return self.test(member, context)

    def test(self, member: Member, context: RequestContext) -> Truth:
        """As `work_out`, of a statement that is known to be about the action."""
        compiled = member.compiled
        truth = self.truth(compiled, context)
        if not self.repeated or member in self._by_caller:
            return truth
        # Without a key to read a condition is malformed, and comes to the same for everybody.
        if not compiled.keys or self._settled(compiled, context):
            self.truths[member] = truth
        else:
            self._by_caller.add(member)
        return truth

    def _settled(self, compiled: CompiledStatement, context: RequestContext) -> bool:
        """Whether a statement comes to the same for every caller of the class."""
        if not tell_callers_apart(compiled.keys):
            return True
        # What is false without looking at the caller stays false.
        matcher = compiled.resource.matcher
        variables = matcher.variable_keys if matcher is not None else {}
        if not any(map(tells_callers_apart, variables)) and self._about(compiled, context) is False:
            return True
        return any(
            not tells_callers_apart(condition.key)
            and not any(map(tells_callers_apart, condition.variable_keys))
            and condition.test(context) is False
            for condition in compiled.conditions
        )

    def _about(self, compiled: CompiledStatement, context: RequestContext) -> Truth:
        return compiled.any_resource or compiled.matches_resource(
            self.prepared.resource, context, self.language, everywhere=self.everywhere
        )

    def truth(self, compiled: CompiledStatement, context: RequestContext) -> Truth:
        """Whether the resource and the conditions of a statement match, as nothing was kept of it."""
        if compiled.any_resource:
            return compiled.holds(context) if compiled.conditions else True
        about = self._about(compiled, context)
        if about is False or not compiled.conditions:
            return about
        holds = compiled.holds(context)
        return holds if about is True else all_of((about, holds))
