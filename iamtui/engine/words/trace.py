"""The trace: layer by layer, statement by statement, element by element, what matched and what did not.

Made on demand, by the same matchers that decide; each element shows the value wanted beside the value seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from iamtui.engine.combined_layers import Evaluation, principal_rules
from iamtui.engine.condition_words import stands_for, value_word, value_words
from iamtui.engine.decision import Layer
from iamtui.engine.evaluator import read_all_layers
from iamtui.engine.layer_reports import layer_reports, level_report
from iamtui.engine.request import (
    DEFAULT_OPTIONS,
    EngineOptions,
    MissingPolicy,
    NamedPolicy,
    NotEvaluated,
    PoliciesInForce,
    PolicyInForce,
    Request,
)
from iamtui.policy.conditions import ComparisonResult, CompiledCondition
from iamtui.policy.context import KeyState, Truth, all_of, any_of
from iamtui.policy.document import action_fault, key_fault, resource_fault
from iamtui.policy.resource import ResourceKind
from iamtui.policy.statement import CompiledStatement, allow_strengths, compile_policy, deny_applies
from iamtui.policy.types import PolicyType
from iamtui.text import safe_text

_TYPES = {
    Layer.IDENTITY: PolicyType.IDENTITY,
    Layer.SESSION: PolicyType.SESSION,
    Layer.SCOPE_DOWN: PolicyType.SESSION,
    Layer.BOUNDARY: PolicyType.BOUNDARY,
    Layer.SCP: PolicyType.SCP,
    Layer.RCP: PolicyType.RCP,
    Layer.VPC_ENDPOINT: PolicyType.VPC_ENDPOINT,
}


class TracedElement(Struct, frozen=True):
    """One element of a statement against the request.

    Args:
        element: "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource" or "Condition".
        matched: True, False, or None when that depends on something unknown.
        wanted: what the statement says; for a condition its values.
        stands_for: for each of them what its variables make of it, in words, or ""; empty when none has a variable.
        seen: what the request has; () is absent.
        operator, key: of a condition, else "".
        note: why, where the values alone do not say it.
    """

    element: str
    matched: bool | None
    wanted: tuple[str, ...]
    seen: tuple[str, ...]
    operator: str = ""
    key: str = ""
    note: str = ""
    stands_for: tuple[str, ...] = ()

    def wanted_words(self, limit: int = 512) -> list[str]:
        """The statement's values, each with its resolved variables where these are known; safe to show."""
        return value_words(self.wanted, self.stands_for or ("",) * len(self.wanted), limit)

    def seen_words(self, limit: int = 512) -> str:
        """The request's values, safe to show; "" when absent or unknown."""
        return ", ".join(value_word(value, limit) for value in self.seen)


class TracedStatement(Struct, frozen=True):
    """One statement: whether it matched as a whole, and its elements up to the first that settles it."""

    policy: str
    sid: str | None
    statement: int
    effect: str
    lines: tuple[int, int] | None
    matched: bool | None
    elements: tuple[TracedElement, ...]

    @property
    def failing(self) -> tuple[TracedElement, ...]:
        """The elements that did not match."""
        return tuple(element for element in self.elements if element.matched is False)


class TracedLayer(Struct, frozen=True):
    """One layer, or one level of SCPs or RCPs."""

    layer: Layer
    state: str
    why: str
    level: int | None = None
    level_name: str | None = None
    statements: tuple[TracedStatement, ...] = ()
    missing: tuple[str, ...] = ()


def traced(reading: Evaluation) -> tuple[TracedLayer, ...]:
    return tuple(_layers(reading))


def trace(
    request: Request,
    policies: PoliciesInForce,
    options: EngineOptions = DEFAULT_OPTIONS,
) -> tuple[TracedLayer, ...]:
    """Trace a request through every layer.

    Statements about other actions show their Action element only.
    """
    return traced(read_all_layers(request, policies, options))


def _layers(reading: Evaluation) -> Iterator[TracedLayer]:
    given = reading.policies
    in_force: dict[Layer, Iterable[PolicyInForce]] = {Layer.SCOPE_DOWN: given.scope_downs}
    if reading.identity is not None and not isinstance(given.identity, NotEvaluated):
        in_force[Layer.IDENTITY] = given.identity
    if reading.resource is not None and isinstance(given.resource, (NamedPolicy, MissingPolicy)):
        in_force[Layer.RESOURCE] = (given.resource,)
    if reading.session is not None and not isinstance(given.session, NotEvaluated):
        in_force[Layer.SESSION] = given.session
    if reading.boundary is not None and not isinstance(given.boundaries, NotEvaluated):
        in_force[Layer.BOUNDARY] = given.boundaries
    if reading.vpc_endpoint is not None and not isinstance(given.vpc_endpoint, NotEvaluated):
        in_force[Layer.VPC_ENDPOINT] = given.vpc_endpoint
    for report in layer_reports(reading):
        layer = report.layer
        levels = reading.scps if layer is Layer.SCP else reading.rcps if layer is Layer.RCP else None
        source = given.scps if layer is Layer.SCP else given.rcps
        if levels is not None and not isinstance(source, NotEvaluated):
            for level in levels:
                statements, missing = _trace_policies(reading, layer, source[level.index].policies)
                alone = level_report(layer, level)
                yield TracedLayer(
                    layer, alone.state.value, alone.why, level.index, level.name, tuple(statements), missing
                )
            continue
        statements, missing = _trace_policies(reading, layer, in_force.get(layer, ()))
        yield TracedLayer(layer, report.state.value, report.why, statements=tuple(statements), missing=missing)


def _trace_policies(
    reading: Evaluation, layer: Layer, policies: Iterable[PolicyInForce]
) -> tuple[list[TracedStatement], tuple[str, ...]]:
    statements: list[TracedStatement] = []
    missing: list[str] = []
    for policy in policies:
        if isinstance(policy, MissingPolicy):
            missing.append(f"{policy.name}: {policy.reason or 'not loaded'}")
            continue
        error = policy.document.error
        if error is not None:
            missing.append(f"{policy.name}: unreadable: {error}")
            continue
        policy_type = _TYPES.get(layer) or (PolicyType.TRUST if reading.prepared.trust else PolicyType.RESOURCE)
        compiled_policy = compile_policy(policy.document, policy_type, reading.language)
        statements.extend(
            _trace_statement(reading, policy, policy_type, compiled) for compiled in compiled_policy.statements
        )
    return statements, tuple(missing)


def _trace_statement(
    reading: Evaluation, policy: NamedPolicy, policy_type: PolicyType, compiled: CompiledStatement
) -> TracedStatement:
    statement = compiled.statement
    action_matches = compiled.action.matches(reading.prepared.action)
    negated = statement.not_actions is not None
    entries = (statement.not_actions if negated else statement.actions) or ()
    elements = [
        TracedElement(
            "NotAction" if negated else "Action",
            action_matches,
            entries,
            (reading.request.action,),
            note=""
            if action_matches and not negated
            else _malformed((entry, action_fault(entry)[0]) for entry in entries),
        )
    ]
    truth: Truth = action_matches
    if action_matches:
        parts: list[Truth] = []
        if policy_type.has_principals:
            reached, element = _trace_principal(reading, policy_type, compiled)
            parts.append(reached)
            elements.append(element)
        about, element = _trace_resource(reading, compiled)
        parts.append(about)
        elements.append(element)
        for condition in compiled.conditions:
            holds = condition.test(reading.context)
            parts.append(holds)
            elements.append(_trace_condition(reading, condition, holds))
        truth = all_of(parts)
    lines = policy.document.lines
    return TracedStatement(
        policy=policy.name,
        sid=statement.sid,
        statement=statement.index,
        effect=statement.effect,
        lines=lines[statement.index] if statement.index < len(lines) else None,
        matched=_plain(truth),
        elements=tuple(elements),
    )


def _malformed(faults: Iterable[tuple[str, str]]) -> str:
    """The first entry of a form that AWS refuses, which can match nothing, in a sentence; or ""."""
    return next((f'"{entry}" {fault}, so it matches nothing.' for entry, fault in faults if fault), "")


def _plain(truth: Truth) -> bool | None:
    return truth if isinstance(truth, bool) else None


def _trace_principal(
    reading: Evaluation, policy_type: PolicyType, compiled: CompiledStatement
) -> tuple[Truth, TracedElement]:
    statement = compiled.statement
    rules = principal_rules(reading, of_resource=policy_type in (PolicyType.RESOURCE, PolicyType.TRUST))
    negated = statement.not_principals is not None
    entries = statement.not_principals if negated else statement.principals
    wanted = tuple(
        entry.value if entry.bare or entry.kind == "*" else f"{entry.kind}: {entry.value}" for entry in entries or ()
    )
    note = ""
    if entries is None:
        everyone = policy_type is PolicyType.VPC_ENDPOINT
        reached: Truth = everyone
        note = "No Principal: everyone." if everyone else "No Principal: the statement reaches nobody."
    elif compiled.allows:
        strengths = allow_strengths(statement, reading.caller, rules)
        reached = any_of(strengths.values())
        if strengths:
            note = "Reached as " + ", ".join(sorted(strengths)) + "."
    else:
        reached = deny_applies(statement, reading.caller, rules)
        if negated and reading.caller.has_boundary:
            note = "Deny with NotPrincipal always hits a caller that has a permissions boundary."
    seen = (reading.caller.name,) if reading.caller.name else ()
    element = TracedElement("NotPrincipal" if negated else "Principal", _plain(reached), wanted, seen, note=note)
    return reached, element


def _trace_resource(reading: Evaluation, compiled: CompiledStatement) -> tuple[Truth, TracedElement]:
    about = any_of(
        compiled.matches_resource(resource, reading.context, reading.language, everywhere=False)
        for resource in reading.compared
    )
    element = compiled.resource
    name = "NotResource" if element.negated else "Resource"
    note = ""
    if element.matcher is None:
        on = "this role" if reading.prepared.trust else "the resource that the policy is on"
        note = f"No Resource element: {on}." if element.implied else "No Resource element: matches nothing."
    elif reading.prepared.resource.kind is ResourceKind.NONE:
        note = "The action has no resource type: only * matches."
    elif reading.prepared.resource.kind is ResourceKind.SET:
        note = "Asked about at least one resource of a set."
        if about is False and not compiled.allows and _takes_some_out(reading, compiled):
            note = "Takes some of the resources asked about out, not all of them."
    wanted = element.matcher.texts if element.matcher is not None else ()
    if about is False or element.negated:
        note = _malformed((entry, resource_fault(entry)) for entry in wanted) or note
    known: tuple[str, ...] = ()
    if element.matcher is not None and element.matcher.variable_keys:
        known = tuple(stands_for(entry, reading.context, is_resource=True) for entry in wanted)
    seen = (reading.prepared.resource.text,)
    return about, TracedElement(name, _plain(about), wanted, seen, note=note, stands_for=known)


def _takes_some_out(reading: Evaluation, compiled: CompiledStatement) -> bool:
    """True if a Deny covers a part of the request's set of resources."""
    resource = reading.prepared.resource.as_a_whole()
    return compiled.matches_resource(resource, reading.context, reading.language, everywhere=True) is not False


def _trace_condition(reading: Evaluation, condition: CompiledCondition, holds: Truth) -> TracedElement:
    line = condition.line
    found = reading.context.lookup(condition.key) if condition.key else ()
    note = ""
    seen: tuple[str, ...] = ()
    if condition.operator is None:
        never = "the condition never holds" if holds is False else "whether the condition holds is not known"
        note = f"AWS has no such operator: {never}."
        seen = found if isinstance(found, tuple) else ()
    elif found is KeyState.UNKNOWN:
        note = "The key is unknown."
    elif found is KeyState.PRESENT:
        note = "The key is there, its value is unknown."
    elif not isinstance(found, tuple):
        note = f"The key is known in part: {safe_text(found.words, limit=256)}."
    else:
        seen = found
        if not condition.key:
            note = f"The key {key_fault(line.key)}: it is absent."
        elif not found:
            note = "The key is absent."
        elif condition.is_not_compared(found):
            note = "Several values without ForAnyValue or ForAllValues: they are not compared."
        elif any(ComparisonResult.BAD_VALUE in condition.compare(value, reading.context) for value in found):
            note = "The value is not of the operator's type."
        elif any(ComparisonResult.BAD_PATTERN in condition.compare(value, reading.context) for value in found):
            note = "A value of the policy is not of the operator's type."
    known = tuple(stands_for(value, reading.context) for value in line.values) if condition.variable_keys else ()
    return TracedElement("Condition", _plain(holds), line.values, seen, line.operator, line.key, note, known)


def trace_to_json(layers: Iterable[TracedLayer]) -> list[dict[str, Any]]:
    """The trace as JSON values: layers, statements and elements with `matched`, `wanted`, `seen`."""
    return [
        {
            "layer": layer.layer.value,
            "state": layer.state,
            "why": layer.why,
            "level": layer.level,
            "level_name": layer.level_name,
            "missing": list(layer.missing),
            "statements": [
                {
                    "policy": statement.policy,
                    "sid": statement.sid,
                    "statement": statement.statement,
                    "effect": statement.effect,
                    "lines": list(statement.lines) if statement.lines else None,
                    "matched": statement.matched,
                    "elements": [
                        {
                            "element": element.element,
                            "matched": element.matched,
                            "wanted": list(element.wanted),
                            "seen": list(element.seen),
                            "operator": element.operator or None,
                            "key": element.key or None,
                            "note": element.note or None,
                        }
                        for element in statement.elements
                    ],
                }
                for statement in layer.statements
            ],
        }
        for layer in layers
    ]
