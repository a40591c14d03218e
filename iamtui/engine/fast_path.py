"""The outcome of the questions most often asked, found without putting together what a Decision says besides.

A list of thousands shows an outcome for each and a record of few. For the callers and resources that nearly every
question is about, the outcome follows from three truth values for each layer: a statement matches, does not, or may.
Conditions that are not known enter the reading of all layers as formulas; here they need none, because they are
never negated within a layer: what is undetermined there stays so, whatever it is made of. Where a Deny and an Allow
are both undetermined and read the same key, the one may exclude the other, and only the reading can tell.
"""

from __future__ import annotations

from typing import Final

from iamtui.engine.caller_side import CallerSide
from iamtui.engine.credential_rules import uses_session_token
from iamtui.engine.decision import Layer, Outcome
from iamtui.engine.evaluation import alone
from iamtui.engine.layers import ALONE, WITHIN_CAPS, Extent, both, either, reached_as
from iamtui.engine.levels import LevelStack, OwnTests, level_stack
from iamtui.engine.levels import denies as level_denies
from iamtui.engine.levels import sums as level_sums
from iamtui.engine.policies import NotEvaluated, PolicyInForce, PolicyLevel
from iamtui.engine.policy_set import PolicySet, policy_set
from iamtui.engine.prepared_request import PreparedAction, PreparedRequest, SharedContext
from iamtui.engine.representatives import reads_the_resource, speaks_of_some_alone
from iamtui.policy.context import RequestContext
from iamtui.policy.principal import PrincipalRules
from iamtui.policy.resource import ResourceKind
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType

_RULES: Final = PrincipalRules()
_TRUST_RULES: Final = PrincipalRules(trust=True)
"""How principals are read with the default options, in the policy of a resource and in that of a role."""


class Caps:
    """The SCPs that bind the callers of an account and the RCPs that protect the resources of an owner, read together.

    Args:
        scps, rcps: ready to be read, or None.
        scps_complete, rcps_complete: whether all of them are loaded.
    """

    __slots__ = ("rcps", "rcps_complete", "scps", "scps_complete")

    def __init__(
        self, scps: tuple[PolicyLevel, ...] | NotEvaluated, rcps: tuple[PolicyLevel, ...] | NotEvaluated
    ) -> None:
        self.scps, self.scps_complete = _stack(Layer.SCP, scps)
        self.rcps, self.rcps_complete = _stack(Layer.RCP, rcps)


def _stack(layer: Layer, levels: tuple[PolicyLevel, ...] | NotEvaluated) -> tuple[LevelStack | None, bool]:
    if isinstance(levels, NotEvaluated):
        return None, False
    if not levels:
        return None, True
    stack = level_stack(layer, levels, DEFAULT_LANGUAGE_OPTIONS, lasting=True)
    return stack, stack.not_loaded is None


class PlainQuestion:
    """What is asked of callers within the account that owns the resource, where nothing but policies decides.

    Args:
        complete: whether every layer that could cap the answer is evaluated.
        caps_complete: whether SCPs and RCPs are.
    """

    __slots__ = (
        "_by_credentials",
        "_involved",
        "_must_admit",
        "_not_known",
        "_rcps",
        "_resource",
        "_rules",
        "_scps",
        "_set",
        "_with_policies",
        "caps_complete",
        "complete",
    )

    def __init__(
        self,
        prepared: PreparedAction,
        resource: PolicyInForce | NotEvaluated | None,
        caps: Caps,
        *,
        of_a_set: bool = False,
        with_policies: bool = False,
    ) -> None:
        """Take a question without session policies and VPC endpoint whose action and resource are `plain`.

        Args:
            resource: the policy of the resource; it lasts.
            of_a_set: whether it is about one resource of a set that was asked about.
            with_policies: whether policies of resources are known that may be in the set asked about.
        """
        kind = prepared.resource.kind
        self._set = kind is ResourceKind.SET
        self._with_policies = with_policies
        self._involved = bool(prepared.resource.members.forms)
        self._rules = _TRUST_RULES if prepared.trust else _RULES
        # The policy of a key or a role has to let the caller in; of a set of them, whose policies are not known, each
        # is taken to do so.
        self._must_admit = prepared.key or prepared.trust
        self._by_credentials = prepared.action.service in ("iam", "sts")
        self._resource: PolicySet | None = None
        self._not_known = False
        self.complete = self.caps_complete = caps.scps_complete
        if resource is None or isinstance(resource, NotEvaluated):
            if self._set or of_a_set:
                self._must_admit = False
            if resource is not None and prepared.facts.takes_resource_policy:
                self.complete = False
                self._not_known = self._must_admit
        elif prepared.facts.takes_resource_policy:
            policy_type = PolicyType.TRUST if prepared.trust else PolicyType.RESOURCE
            self._resource = policy_set(alone(resource), policy_type, DEFAULT_LANGUAGE_OPTIONS, lasting=True)
        self._scps = caps.scps
        self._rcps: LevelStack | None = None
        if prepared.facts.under_rcps and kind is not ResourceKind.NONE:
            self._rcps = caps.rcps
            self.complete = self.complete and caps.rcps_complete
            self.caps_complete = self.caps_complete and caps.rcps_complete

    def outcome(self, side: CallerSide, asked: PreparedRequest) -> Outcome | None:
        """What AWS decides for one caller; the same as the reading of all layers comes to.

        Args:
            side: a caller of the account that owns the resource.
            asked: what has been worked out for callers of its class.

        Returns:
            None where only that reading can tell.
        """
        circumstances = asked.circumstances
        if circumstances is None or not side.is_plain:
            return None
        common = circumstances.context
        context = RequestContext(common, own=side.values, fixed=side.facts.keys)
        if self._by_credentials and uses_session_token(side.facts.principal, context):
            return None
        own = None if common.given else side.own_tests
        grant, deny = _layer(side.identity, asked, context)
        if deny is True:
            return Outcome.EXPLICIT_DENY
        if grant is False and self._resource is None and not self._not_known:
            return self._not_granted(side, asked, circumstances, context, own)
        boundary: Extent = True
        if side.boundary is not None:
            sums = level_sums(side.boundary, asked, circumstances, context, own)
            if sums is None:
                return None
            boundary, denied = sums
            grant = both(grant, boundary)
            if denied is not False:
                deny = either(deny, denied)
        if self._resource is not None:
            let_in = self._let_in(side, asked, context, common.discover)
            if let_in is None:
                return None
            grant = let_in.granted(grant, boundary, must_admit=self._must_admit)
            deny = either(deny, let_in.deny)
        elif self._not_known:
            grant = None
        elif self._must_admit:
            grant = False
        cap: Extent = True
        if self._scps is not None:
            sums = level_sums(self._scps, asked, circumstances, context, own)
            if sums is None:
                return None
            cap, denied = sums
            if denied is not False:
                deny = either(deny, denied)
        if self._rcps is not None:
            sums = level_sums(self._rcps, asked, circumstances, context, own)
            if sums is None:
                return None
            if sums[1] is not False:
                deny = either(deny, sums[1])
        if deny is True:
            return Outcome.EXPLICIT_DENY
        if grant is False or cap is False:
            return Outcome.IMPLICIT_DENY
        if self._set and self._may_differ(side, asked):
            # Single resources of the set have to be asked about.
            return None
        if grant is True and cap is True:
            if deny is not False:
                return Outcome.DEPENDS
            # Where policies of resources are known, or conditions read what differs from one to another, one is shown.
            is_shown = self._set and (self._with_policies or self._reads_the_resource(side, asked))
            return None if is_shown else Outcome.ALLOWED
        if deny is None and self._may_exclude_each_other(side, asked, context):
            return None
        return Outcome.DEPENDS

    def _not_granted(
        self,
        side: CallerSide,
        asked: PreparedRequest,
        circumstances: SharedContext,
        context: RequestContext,
        own: OwnTests | None,
    ) -> Outcome | None:
        """The outcome where nothing grants and no Deny of the caller's own matches for certain."""
        for stack in (side.boundary, self._scps, self._rcps):
            if stack is not None:
                denied = level_denies(stack, asked, circumstances, context, own)
                if denied is not False:
                    return None if denied is None else Outcome.EXPLICIT_DENY
        return Outcome.IMPLICIT_DENY

    def _may_exclude_each_other(self, side: CallerSide, asked: PreparedRequest, context: RequestContext) -> bool:
        """Whether an undetermined Deny reads a key that an undetermined Allow reads: one may exclude the other."""
        service = asked.prepared.action.service
        sets = (side.identity, self._resource)
        members = [member for policies in sets if policies is not None for member in policies.in_any_order(service)]
        members += [member for stack in self._stacks(side) for member in stack.plan_for(asked.action).tests]
        allowing: set[str] = set()
        denying: set[str] = set()
        for member in members:
            truth = asked.truths.get(member)
            if truth is None:
                truth = asked.work_out(member, context)
            if not isinstance(truth, bool):
                (allowing if member.compiled.allows else denying).update(member.compiled.keys)
        return not allowing.isdisjoint(denying)

    def _may_differ(self, side: CallerSide, asked: PreparedRequest) -> bool:
        """Whether resources of the set may be answered differently, as `witnesses.may_differ` has it of a reading."""
        return (
            self._involved
            or speaks_of_some_alone(Layer.IDENTITY, side.identity, asked)
            or (self._resource is not None and speaks_of_some_alone(Layer.RESOURCE, self._resource, asked))
            or any(stack.plan_for(asked.action).tells_resources_apart for stack in self._stacks(side))
        )

    def _reads_the_resource(self, side: CallerSide, asked: PreparedRequest) -> bool:
        return (
            reads_the_resource(side.identity, asked)
            or (self._resource is not None and reads_the_resource(self._resource, asked))
            or any(stack.plan_for(asked.action).reads_the_resource for stack in self._stacks(side))
        )

    def _stacks(self, side: CallerSide) -> tuple[LevelStack, ...]:
        return tuple(stack for stack in (side.boundary, self._scps, self._rcps) if stack is not None)

    def _let_in(
        self, side: CallerSide, asked: PreparedRequest, context: RequestContext, discover: bool
    ) -> _LetIn | None:
        """What the resource's policy says of the caller.

        Args:
            discover: whether the session of a caller given as a role ARN is open.

        Returns:
            None where the policy is not known, or where it depends on the session whether the caller is meant.
        """
        policies = self._resource
        if policies is None or policies.missing:
            return None
        caller = side.caller(session_may_vary=discover)
        found = _LetIn()
        for member in policies.in_any_order(asked.prepared.action.service):
            truth = asked.truths.get(member)
            if truth is None:
                truth = asked.work_out(member, context)
            if truth is False:
                continue
            compiled = member.compiled
            extent = True if truth is True else None
            for strength, reaches in reached_as(compiled, caller, self._rules).items():
                if reaches is False:
                    continue
                if reaches is not True:
                    return None
                if not compiled.allows:
                    found.deny = either(found.deny, extent)
                    continue
                found.at_all = either(found.at_all, extent)
                if strength in ALONE:
                    found.by_itself = either(found.by_itself, extent)
                elif strength in WITHIN_CAPS:
                    found.within_boundary = either(found.within_boundary, extent)
        return found


class _LetIn:
    """Whether the policy of a resource lets a caller of its account in, by which force, and whether it denies.

    Args:
        by_itself: whatever the caller's own policies say.
        within_boundary: as far as the caller's boundary goes.
        at_all: in any way; what lets in the account leaves the rest to the caller's own policies.
    """

    __slots__ = ("at_all", "by_itself", "deny", "within_boundary")

    def __init__(self) -> None:
        self.by_itself: Extent = False
        self.within_boundary: Extent = False
        self.at_all: Extent = False
        self.deny: Extent = False

    def granted(self, own: Extent, boundary: Extent, *, must_admit: bool) -> Extent:
        """Whether the request is granted, as `GrantSide` has it.

        Args:
            own: whether the caller's own policies grant it.
            boundary: whether its boundary lets it through.
            must_admit: whether those count only where the resource's policy lets the caller in.
        """
        alone = either(self.by_itself, both(self.within_boundary, boundary))
        return either(alone, both(own, self.at_all) if must_admit else own)


def _layer(policies: PolicySet, asked: PreparedRequest, context: RequestContext) -> tuple[Extent, Extent]:
    """Whether some Allow matches, and some Deny."""
    action = asked.prepared.action
    repeated = asked.repeated
    allow: Extent = False
    deny: Extent = False
    for member in policies.in_any_order(action.service):
        if repeated:
            known = asked.truths.get(member)
            truth = asked.work_out(member, context) if known is None else known
        else:
            names = member.names
            # `Member.is_about`, spelled out, because most questions go by many statements about something else.
            if not (member.action.matches(action) if names is None else names.match(action.name)):
                continue
            truth = asked.truth(member.compiled, context)
        if truth is False:
            continue
        if member.compiled.allows:
            if allow is not True:
                allow = True if truth is True else None
        elif deny is not True:
            deny = True if truth is True else None
    return allow, deny
