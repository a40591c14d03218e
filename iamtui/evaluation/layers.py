"""Reading the policies of one layer: which statements match, and what they say together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from iamtui.evaluation.decision import Layer, StatementRef
from iamtui.evaluation.policies import MissingPolicy, NamedPolicy
from iamtui.evaluation.policy_set import Member, PolicySet
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
        conditional: in strict mode, the statements about this action and caller that read condition keys,
            matching or not.
        unsafe: Deny statements about this action and caller that an unknown condition operator keeps from matching.
        report: where the sentence about this scan is kept, once made.
        plain_refs: where the statements that match for certain are kept as a decision names them, once made.
    """

    allow: Truth = False
    deny: Truth = False
    strengths: dict[Strength, Truth] = field(default_factory=dict)
    matches: list[Match] = field(default_factory=list)
    missing: tuple[MissingPolicy, ...] = ()
    conditional: list[CompiledStatement] = field(default_factory=list)
    unsafe: list[Member] = field(default_factory=list)
    report: Any = None
    plain_refs: tuple[StatementRef, ...] | None = None

    def add(self, match: Match) -> None:
        """Take in a statement whose truth is not False."""
        self.matches.append(match)
        if match.statement.allows:
            self.allow = True if self.allow is True or match.truth is True else any_of((self.allow, match.truth))
        else:
            self.deny = True if self.deny is True or match.truth is True else any_of((self.deny, match.truth))

    def certain(self) -> tuple[StatementRef, ...]:
        """The statements that match whatever is unknown."""
        if self.plain_refs is None:
            self.plain_refs = tuple(match.ref for match in self.matches if match.truth is True)
        return self.plain_refs

    def copy(self) -> LayerScan:
        """A scan of its own to add to."""
        return LayerScan(self.allow, self.deny, {}, list(self.matches), self.missing)


@dataclass(frozen=True, slots=True)
class Question:
    """What every layer is asked: action, resource, context and how to read them.

    Args:
        everywhere: for a set of resources, ask about all of them instead of at least one.
        note_conditional: whether scans note the statements that read condition keys.
    """

    prepared: PreparedAction
    context: RequestContext
    language: LanguageOptions
    everywhere: bool = False
    note_conditional: bool = True


_MOST_SCANS: Final = 256
_MOST_PLANS: Final = 1024
_PLAIN_RULES: Final = PrincipalRules()


def _match(member: Member, layer: Layer, level: int | None) -> Match:
    """The record of a member's plain match."""
    if member.match is None:
        member.match = Match(member.compiled, member.policy, True, layer, level)
    assert isinstance(member.match, Match)
    return member.match


def _settled_scan(policies: PolicySet, members: list[Member], layer: Layer, level: int | None) -> LayerScan:
    """The scan in which exactly these statements match, whatever the context; shared by all who come to it."""
    key = tuple(map(id, members))
    found = policies.scans.get(key)
    if found is None:
        found = LayerScan(missing=policies.missing)
        for member in members:
            found.add(_match(member, layer, level))
        if policies.missing:
            _add_missing(layer, policies.missing, found)
        if len(policies.scans) >= _MOST_SCANS:
            policies.scans.clear()
        policies.scans[key] = found
    assert isinstance(found, LayerScan)
    return found


def _settled_and_open(
    policies: PolicySet, question: Question, *, with_principals: bool
) -> tuple[list[Member], list[Member]]:
    """Part the statements about the action: those that match whatever the context, and those to be tested.

    A statement that reads neither context nor caller and is about another resource is in neither.
    """
    prepared = question.prepared
    settled: list[Member] = []
    open_members: list[Member] = []
    for member in policies.about(prepared.action):
        compiled = member.compiled
        if compiled.reads_context or (with_principals and not compiled.reaches_everyone):
            open_members.append(member)
        elif compiled.any_resource or (
            compiled.matches_resource(
                prepared.resource, question.context, question.language, everywhere=question.everywhere
            )
            is True
        ):
            settled.append(member)
    return settled, open_members


def scan(layer: Layer, policies: PolicySet, question: Question) -> LayerScan:
    """Read the policies of one caller, whose statements have no principals (identity, boundary, session)."""
    settled, open_members = _settled_and_open(policies, question, with_principals=False)
    base = _settled_scan(policies, settled, layer, None)
    return _with_open(base, open_members, layer, question, None, None)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the policies of one level say of one action and resource, whoever asks and in whatever context."""

    prepared: PreparedAction
    settled: LayerScan
    open: list[Member]
    results: dict[tuple[bool, ...], LayerScan]
    """The scans for what the open statements came to, where nothing about them is unknown."""


def scan_level(
    layer: Layer, policies: PolicySet, question: Question, level: int | None = None, caller: Caller | None = None
) -> LayerScan:
    """Read policies that every caller of an account is under: one level of SCPs or RCPs, or an endpoint's.

    What they say of an action and a resource is worked out once for all callers. A statement without principals
    reaches nobody in an RCP and everyone in an endpoint policy.

    Args:
        caller: whom principals are matched against; None for SCPs, which have none.
    """
    prepared = question.prepared
    key = (id(prepared), question.everywhere)
    plan = policies.plans.get(key)
    if plan is None or plan.prepared is not prepared:
        settled, open_members = _settled_and_open(policies, question, with_principals=caller is not None)
        plan = _Plan(prepared, _settled_scan(policies, settled, layer, level), open_members, {})
        if len(policies.plans) >= _MOST_PLANS:
            policies.plans.clear()
        policies.plans[key] = plan
    if not plan.open:
        return plan.settled
    if question.note_conditional:
        return _with_open(plan.settled, plan.open, layer, question, level, caller)
    outcomes: list[bool] = []
    for member in plan.open:
        truth = True if caller is None else _reaches(member.compiled, caller, layer)
        if truth is True:
            truth = _truth(member.compiled, question)
        if not isinstance(truth, bool):
            return _with_open(plan.settled, plan.open, layer, question, level, caller)
        outcomes.append(truth)
    came_to = tuple(outcomes)
    found = plan.results.get(came_to)
    if found is None:
        found = _with_open(plan.settled, plan.open, layer, question, level, caller)
        if not found.unsafe:
            # A Deny with an unknown operator is noted by caller, which the outcomes alone do not tell.
            plan.results[came_to] = found
    return found


def _with_open(
    base: LayerScan, members: list[Member], layer: Layer, question: Question, level: int | None, caller: Caller | None
) -> LayerScan:
    """Add the statements whose context or principals had to be looked at."""
    result: LayerScan | None = None
    for member in members:
        compiled = member.compiled
        reached = True if caller is None else _reaches(compiled, caller, layer)
        if reached is False:
            continue
        if compiled.keys and question.note_conditional:
            if result is None:
                result = base.copy()
            result.conditional.append(compiled)
        truth = _truth(compiled, question)
        if truth is False:
            if compiled.unknown_operators and not compiled.allows:
                if result is None:
                    result = base.copy()
                result.unsafe.append(member)
            continue
        if result is None:
            result = base.copy()
        truth = truth if reached is True else all_of((reached, truth))
        if truth is True:
            result.add(_match(member, layer, level))
        else:
            named = _named(truth, layer, member.policy, compiled.statement)
            result.add(Match(compiled, member.policy, named, layer, level))
    return base if result is None else result


def _reaches(compiled: CompiledStatement, caller: Caller, layer: Layer) -> Truth:
    statement = compiled.statement
    if compiled.reaches_everyone:
        return True
    if statement.principals is None and statement.not_principals is None:
        return layer is Layer.VPC_ENDPOINT
    if compiled.allows:
        return any_of(allow_strengths(statement, caller, _PLAIN_RULES).values())
    return deny_applies(statement, caller, _PLAIN_RULES)


def scan_resource_policy(policies: PolicySet, question: Question, caller: Caller, rules: PrincipalRules) -> LayerScan:
    """Read the policy of the resource (a trust policy included), keeping by which forms it reaches the caller."""
    layer = Layer.RESOURCE
    result = LayerScan(missing=policies.missing)
    for member in policies.about(question.prepared.action):
        compiled, policy = member.compiled, member.policy
        statement = compiled.statement
        strengths: Mapping[Strength, Truth]
        if compiled.allows:
            strengths = allow_strengths(statement, caller, rules)
        else:
            applies = deny_applies(statement, caller, rules)
            strengths = {} if applies is False else {Strength.WILDCARD: applies}
        if not strengths:
            continue
        if compiled.keys and question.note_conditional:
            result.conditional.append(compiled)
        truth = _truth(compiled, question)
        if truth is False:
            if compiled.unknown_operators and not compiled.allows:
                result.unsafe.append(member)
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


def _truth(compiled: CompiledStatement, question: Question) -> Truth:
    """Whether resource and conditions match."""
    about: Truth = compiled.any_resource or compiled.matches_resource(
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
