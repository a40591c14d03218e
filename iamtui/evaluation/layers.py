"""Reading the policies of one layer: which statements match, and what they say together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from iamtui.evaluation.decision import Layer, StatementRef
from iamtui.evaluation.policies import MissingPolicy, NamedPolicy
from iamtui.evaluation.policy_set import PolicySet
from iamtui.evaluation.prepared import PreparedAction
from iamtui.policy.compiled import CompiledStatement
from iamtui.policy.context import RequestContext
from iamtui.policy.document import Statement
from iamtui.policy.formula import MissingLeaf, Source, Truth, all_of, any_of, with_source
from iamtui.policy.options import LanguageOptions
from iamtui.policy.principal import Caller, PrincipalRules, Strength, allow_strengths, deny_applies


@dataclass(slots=True)
class Match:
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


@dataclass(slots=True)
class LayerScan:
    """What the statements of one layer (or one level of it) say together.

    A scan may be shared by many decisions: whoever has it only reads it.

    Args:
        allow, deny: whether some Allow, some Deny matches.
        strengths: for a resource-based policy, by which forms of principal its Allows reach the caller.
        matches: the statements behind it.
        missing: policies whose documents are not known; they may allow and may deny.
        conditional: the statements about this action and caller that read condition keys, matching or not.
    """

    allow: Truth = False
    deny: Truth = False
    strengths: dict[Strength, Truth] = field(default_factory=dict)
    matches: list[Match] = field(default_factory=list)
    missing: tuple[MissingPolicy, ...] = ()
    conditional: list[CompiledStatement] = field(default_factory=list)

    def add(self, match: Match) -> None:
        """Take in a statement whose truth is not False."""
        self.matches.append(match)
        if match.statement.allows:
            self.allow = True if self.allow is True else any_of((self.allow, match.truth))
        else:
            self.deny = True if self.deny is True else any_of((self.deny, match.truth))


@dataclass(frozen=True, slots=True)
class Question:
    """What every layer is asked: action, resource, context and how to read them.

    Args:
        everywhere: for a set of resources, ask about all of them instead of at least one.
    """

    prepared: PreparedAction
    context: RequestContext
    language: LanguageOptions
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a set of policies says of one action and resource, whoever asks and in whatever context.

    Args:
        settled: the scan of the statements that read neither context nor caller.
        open: the other statements that may match, with what is known of their resource.
    """

    prepared: PreparedAction
    settled: LayerScan
    open: tuple[tuple[CompiledStatement, NamedPolicy, Truth | None], ...]


_MOST_PLANS: Final = 16
"""How many plans the policies of one principal keep; the pinned question needs one or two."""

_MOST_SHARED_PLANS: Final = 1024
"""How many plans the policies of an organization level keep, which every question reads."""


def _plan(layer: Layer, policies: PolicySet, question: Question, level: int | None) -> _Plan:
    """The plan of a set for a question, remembered by the set."""
    prepared = question.prepared
    plans: dict[tuple[int, bool], _Plan] = policies.plans
    key = (id(prepared), question.everywhere)
    found = plans.get(key)
    if found is not None and found.prepared is prepared:
        return found
    settled = LayerScan(missing=policies.missing)
    open_statements: list[tuple[CompiledStatement, NamedPolicy, Truth | None]] = []
    for compiled, policy in policies.about(prepared.action):
        about: Truth | None = None
        if compiled.resource_is_fixed:
            about = compiled.matches_resource(
                prepared.resource, question.context, question.language, everywhere=question.everywhere
            )
            if about is False:
                continue
        if compiled.reads_context or (layer in _WITH_PRINCIPALS and not compiled.reaches_everyone):
            open_statements.append((compiled, policy, about))
        else:
            assert about is True
            settled.add(Match(compiled, policy, True, layer, level))
    if policies.missing:
        _add_missing(layer, policies.missing, settled)
    made = _Plan(prepared, settled, tuple(open_statements))
    if len(plans) >= (_MOST_SHARED_PLANS if layer in (Layer.SCP, Layer.RCP) else _MOST_PLANS):
        plans.clear()
    plans[key] = made
    return made


_WITH_PRINCIPALS: Final = frozenset((Layer.RESOURCE, Layer.RCP, Layer.VPC_ENDPOINT))


def scan(layer: Layer, policies: PolicySet, question: Question, level: int | None = None) -> LayerScan:
    """Read a layer whose statements have no principals (identity, boundary, session, SCP)."""
    plan = _plan(layer, policies, question, level)
    if not plan.open:
        return plan.settled
    result = _copy(plan.settled)
    for compiled, policy, about in plan.open:
        result.conditional.append(compiled)
        truth = _truth(compiled, about, question)
        if truth is not False:
            result.add(Match(compiled, policy, _named(truth, layer, policy, compiled.statement), layer, level))
    return result


def _copy(settled: LayerScan) -> LayerScan:
    return LayerScan(settled.allow, settled.deny, {}, list(settled.matches), settled.missing)


def scan_for_everyone(
    layer: Layer, policies: PolicySet, question: Question, caller: Caller, level: int | None = None
) -> LayerScan:
    """Read a capping layer whose statements name principals (RCP, endpoint policy).

    A statement without principals reaches nobody in an RCP and everyone in an endpoint policy.
    """
    plan = _plan(layer, policies, question, level)
    if not plan.open:
        return plan.settled
    result = _copy(plan.settled)
    for compiled, policy, about in plan.open:
        statement = compiled.statement
        reached: Truth
        if compiled.reaches_everyone:
            reached = True
        elif statement.principals is None and statement.not_principals is None:
            reached = layer is Layer.VPC_ENDPOINT
        elif compiled.allows:
            reached = any_of(allow_strengths(statement, caller, _PLAIN_RULES).values())
        else:
            reached = deny_applies(statement, caller, _PLAIN_RULES)
        if reached is False:
            continue
        if compiled.keys:
            result.conditional.append(compiled)
        truth = _truth(compiled, about, question)
        if truth is not False:
            truth = _named(all_of((reached, truth)), layer, policy, statement)
            result.add(Match(compiled, policy, truth, layer, level))
    return result


_PLAIN_RULES: Final = PrincipalRules()


def scan_resource_policy(policies: PolicySet, question: Question, caller: Caller, rules: PrincipalRules) -> LayerScan:
    """Read the policy of the resource (a trust policy included), keeping by which forms it reaches the caller."""
    layer = Layer.RESOURCE
    result = LayerScan(missing=policies.missing)
    for compiled, policy in policies.about(question.prepared.action):
        statement = compiled.statement
        strengths: Mapping[Strength, Truth]
        if compiled.allows:
            strengths = allow_strengths(statement, caller, rules)
        else:
            applies = deny_applies(statement, caller, rules)
            strengths = {} if applies is False else {Strength.WILDCARD: applies}
        if not strengths:
            continue
        if compiled.keys:
            result.conditional.append(compiled)
        truth = _truth(compiled, None, question)
        if truth is False:
            continue
        reached = {
            strength: _named(all_of((truth, reaches)), layer, policy, statement)
            for strength, reaches in strengths.items()
        }
        result.add(Match(compiled, policy, any_of(reached.values()), layer))
        if compiled.allows:
            for strength, reaches in reached.items():
                result.strengths[strength] = any_of((result.strengths.get(strength, False), reaches))
    if policies.missing:
        _add_missing(layer, policies.missing, result)
        result.strengths[Strength.WILDCARD] = any_of(
            (result.strengths.get(Strength.WILDCARD, False), *(missing_allow(layer, m) for m in policies.missing))
        )
    return result


def _truth(compiled: CompiledStatement, about: Truth | None, question: Question) -> Truth:
    """Whether resource and conditions match; `about` is what is already known of the resource."""
    if about is None:
        about = compiled.matches_resource(
            question.prepared.resource, question.context, question.language, everywhere=question.everywhere
        )
    if about is False or not compiled.conditions:
        return about
    holds = compiled.holds(question.context)
    return holds if about is True else all_of((about, holds))


def _named(truth: Truth, layer: Layer, policy: NamedPolicy, statement: Statement) -> Truth:
    if truth is True:
        return True
    return with_source(truth, Source(layer.value, policy.name, statement.index, statement.effect))


def missing_allow(layer: Layer, policy: MissingPolicy) -> MissingLeaf:
    """The condition that a policy whose document is not known allows the request."""
    return MissingLeaf(policy.name, policy.permission, source=Source(layer.value, policy.name, 0, "Allow"))


def _add_missing(layer: Layer, missing: tuple[MissingPolicy, ...], result: LayerScan) -> None:
    result.allow = any_of((result.allow, *(missing_allow(layer, policy) for policy in missing)))
    denies = [
        MissingLeaf(policy.name, policy.permission, effect="Deny", source=Source(layer.value, policy.name, 0, "Deny"))
        for policy in missing
    ]
    result.deny = any_of((result.deny, *denies))
