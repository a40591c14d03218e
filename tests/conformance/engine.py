"""The one door through which these tests ask the engine."""

from __future__ import annotations

from typing import Any

from iamtui.engine.decision import Decision, StatementRef
from iamtui.engine.evaluator import evaluate
from iamtui.engine.scenarios.scenario import parse_scenario
from iamtui.policy.context import And, ConditionLeaf, MissingLeaf, Node, Or, SessionLeaf, Source

from .cases import action_question, condition_question, public_question, resource_question

Json = dict[str, Any]


def decide(scenario: Json) -> Json:
    """Decide a scenario: decision, blocked_by, depends_on, reasons and matched, in the form that commands print."""
    parsed = parse_scenario(scenario)
    return to_json(evaluate(parsed.request, parsed.policies, parsed.options))


def match_resource(row: Json) -> bool:
    """Whether the element of a row of the resources table takes in its resource."""
    question = resource_question(row)
    return question.answer(decide(question.scenario)["decision"])


def match_action(row: Json) -> bool:
    """Whether the entry of a row of the actions table names its action."""
    question = action_question(row)
    return question.answer(decide(question.scenario)["decision"])


def condition(row: Json) -> bool:
    """Whether the condition block of a row of the conditions table holds."""
    question = condition_question(row)
    return question.answer(decide(question.scenario)["decision"])


def is_public_policy(row: Json) -> bool:
    """Whether the bucket policy of a row of the public policies table is public."""
    question = public_question(row)
    return question.answer(decide(question.scenario)["decision"])


def to_json(decision: Decision) -> Json:
    """The parts of a Decision that the tables speak about."""
    return {
        "decision": decision.outcome.value,
        "blocked_by": [layer.value for layer in decision.blocked_by],
        "reasons": [
            {
                "layer": reason.layer.value,
                "kind": reason.kind,
                "level": reason.level,
                "statements": [_statement(ref) for ref in reason.statements],
            }
            for reason in decision.reasons
        ],
        "matched": [{"effect": ref.effect, "layer": ref.layer.value, **_statement(ref)} for ref in decision.matched],
        "resource_scope": decision.resource_scope.value,
        "allowed_resources": list(decision.allowed_resources),
        "example_resource": decision.example_resource,
        "missing_context": list(decision.missing_context),
        "depends_on": None if decision.depends_on is None else _node(decision.depends_on),
    }


def _statement(ref: StatementRef) -> Json:
    return {"policy": ref.policy, "sid": ref.sid, "statement": ref.statement}


def _node(node: Node) -> Json:
    if isinstance(node, And):
        return {"and": [_node(part) for part in node.parts]}
    if isinstance(node, Or):
        return {"or": [_node(part) for part in node.parts]}
    source = _source(node.source)
    if isinstance(node, ConditionLeaf):
        return {"op": node.op, "key": node.key, "values": list(node.values), "holds": node.holds, "source": source}
    if isinstance(node, SessionLeaf):
        return {"session": node.name, "holds": node.holds, "source": source}
    assert isinstance(node, MissingLeaf)
    return {"missing": node.document, "permission": node.permission, "holds": node.holds, "source": source}


def _source(source: Source | None) -> Json | None:
    if source is None:
        return None
    return {
        "layer": source.layer,
        "policy": source.policy,
        "statement": source.statement,
        "effect": source.effect,
    }
