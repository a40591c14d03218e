"""Reading the policies of one layer: which statements match, and what they say together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from iamtui.evaluation.decision import Layer, StatementRef
from iamtui.evaluation.policies import MissingPolicy, NamedPolicy
from iamtui.evaluation.policy_set import PolicySet
from iamtui.policy.action import ActionName
from iamtui.policy.compiled import CompiledStatement
from iamtui.policy.context import RequestContext
from iamtui.policy.document import Statement
from iamtui.policy.formula import MissingLeaf, Source, Truth, all_of, any_of, with_source
from iamtui.policy.options import LanguageOptions
from iamtui.policy.principal import Caller, PrincipalRules, Strength, allow_strengths, deny_applies
from iamtui.policy.resource import RequestResource


@dataclass(frozen=True, slots=True)
class Match:
    """A statement that matches, or may match."""

    statement: CompiledStatement
    policy: NamedPolicy
    truth: Truth

    def ref(self, layer: Layer, level: int | None = None) -> StatementRef:
        """The statement as a decision names it."""
        statement = self.statement.statement
        lines = self.policy.document.lines
        return StatementRef(
            layer=layer,
            effect=statement.effect,
            policy=self.policy.name,
            sid=statement.sid,
            statement=statement.index,
            lines=lines[statement.index] if statement.index < len(lines) else None,
            level=level,
            undetermined=self.truth is not True,
        )


@dataclass(slots=True)
class LayerScan:
    """What the statements of one layer (or one level of it) say together.

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


@dataclass(frozen=True, slots=True)
class Question:
    """What every layer is asked: action, resource, context and how to read them.

    Args:
        everywhere: for a set of resources, ask about all of them instead of at least one.
    """

    action: ActionName
    resource: RequestResource
    context: RequestContext
    language: LanguageOptions
    everywhere: bool = False


def scan(layer: Layer, policies: PolicySet, question: Question) -> LayerScan:
    """Read a layer whose statements have no principals (identity, boundary, session, SCP)."""
    result = LayerScan(missing=policies.missing)
    for compiled, policy in policies.about(question.action):
        if compiled.keys:
            result.conditional.append(compiled)
        truth = _matches(compiled, question)
        if truth is False:
            continue
        truth = _named(truth, layer, policy, compiled.statement)
        result.matches.append(Match(compiled, policy, truth))
        if compiled.allows:
            result.allow = True if result.allow is True else any_of((result.allow, truth))
        else:
            result.deny = True if result.deny is True else any_of((result.deny, truth))
    if policies.missing:
        _add_missing(layer, policies.missing, result)
    return result


def scan_with_principals(
    layer: Layer,
    policies: PolicySet,
    question: Question,
    caller: Caller,
    rules: PrincipalRules,
    *,
    everyone_by_default: bool = False,
) -> LayerScan:
    """Read a layer whose statements name principals (resource-based, trust, RCP, endpoint).

    Args:
        everyone_by_default: whether a statement without principals reaches everyone (endpoint policies).
    """
    result = LayerScan(missing=policies.missing)
    for compiled, policy in policies.about(question.action):
        statement = compiled.statement
        nobody_named = statement.principals is None and statement.not_principals is None
        strengths: Mapping[Strength, Truth]
        if nobody_named:
            strengths = {Strength.WILDCARD: True} if everyone_by_default else {}
        elif compiled.allows:
            strengths = allow_strengths(statement, caller, rules)
        else:
            applies = deny_applies(statement, caller, rules)
            strengths = {} if applies is False else {Strength.WILDCARD: applies}
        if not strengths:
            continue
        if compiled.keys:
            result.conditional.append(compiled)
        truth = _matches(compiled, question)
        if truth is False:
            continue
        reached = {
            strength: _named(all_of((truth, reaches)), layer, policy, statement)
            for strength, reaches in strengths.items()
        }
        together = any_of(reached.values())
        result.matches.append(Match(compiled, policy, together))
        if not compiled.allows:
            result.deny = any_of((result.deny, together))
            continue
        result.allow = any_of((result.allow, together))
        for strength, reaches in reached.items():
            result.strengths[strength] = any_of((result.strengths.get(strength, False), reaches))
    if policies.missing:
        _add_missing(layer, policies.missing, result)
        result.strengths[Strength.WILDCARD] = any_of(
            (result.strengths.get(Strength.WILDCARD, False), *(missing_allow(layer, m) for m in policies.missing))
        )
    return result


def _matches(compiled: CompiledStatement, question: Question) -> Truth:
    about = compiled.matches_resource(
        question.resource, question.context, question.language, everywhere=question.everywhere
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
        MissingLeaf(policy.name, policy.permission, source=Source(layer.value, policy.name, 0, "Deny"))
        for policy in missing
    ]
    result.deny = any_of((result.deny, *denies))
