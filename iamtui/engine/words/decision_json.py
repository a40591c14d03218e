"""A Decision as JSON, for `can --json` and `simulate --json`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from iamtui.engine.decision import Decision, LayerReport, Outcome, Reason, ResourceScope, StatementRef
from iamtui.engine.decision import Layer as LayerName
from iamtui.engine.decision import LayerState as State
from iamtui.engine.request import Principal, PrincipalKind, Request, caller_fixed_keys
from iamtui.engine.scenarios.scenario import scenario_schema
from iamtui.policy.context import (
    And,
    Beginning,
    ConditionLeaf,
    KeyNames,
    KeyState,
    KeyValue,
    MissingLeaf,
    Moment,
    Node,
    Or,
    SessionLeaf,
    Source,
    known_values,
)
from iamtui.policy.document import JsonValue
from iamtui.policy.json_text import one_or_more


def decision_to_json(
    decision: Decision,
    *,
    id: str | int | None = None,  # noqa: A002 - the name of the key it fills
    trace: JsonValue = None,
) -> dict[str, JsonValue]:
    """Turn a decision into the object that is printed.

    Args:
        decision: the answer.
        id: the scenario's id, or None.
        trace: a JSON value with the layers, statements and elements looked at; None leaves the key out.

    Returns:
        A dict of JSON values in the documented order of keys; print it with `to_ascii_json`.
    """
    result: dict[str, JsonValue] = {
        "id": id,
        "request": request_to_json(decision.request),
        "decision": decision.outcome.value,
        "layers": [_layer(report) for report in decision.layers],
        "blocked_by": [layer.value for layer in decision.blocked_by],
        "reasons": [_reason(reason) for reason in decision.reasons],
        "matched": [_matched(ref) for ref in decision.matched],
        "resource_scope": decision.resource_scope.value,
        "allowed_resources": list(decision.allowed_resources),
        "denied_resources": list(decision.denied_resources),
        "example_resource": decision.example_resource,
        "depends_on": None if decision.depends_on is None else formula_to_json(decision.depends_on),
        "missing_context": list(decision.missing_context),
        "derived_context": derived_context(decision.request),
        "assumptions": list(decision.assumptions),
        "notes": list(decision.notes),
    }
    if trace is not None:
        result["trace"] = trace
    return result


def derived_context(request: Request) -> dict[str, JsonValue]:
    """The keys that nobody gave and that follow from caller, account and environment, by lower-case name."""
    given = KeyNames(request.context)
    values: dict[str, KeyValue] = dict(caller_fixed_keys(request.principal))
    for layer in reversed(request.derived):
        values.update(layer)
    return {key: one_or_more(found) for key, found in known_values(values).items() if found and key not in given}


def request_to_json(request: Request) -> dict[str, JsonValue]:
    """A request in the form of a scenario, so that a printed question can be repeated."""
    return {
        "principal": _principal(request.principal),
        "credentials": request.principal.credentials,
        "issuer": request.principal.issuer,
        "action": request.action,
        "resource": request.resource,
        "resource_account": request.resource_account,
        "context": {key: one_or_more(values) for key, values in request.context.items()},
        "known_absent": list(request.known_absent),
        "any_value": [*request.any_value, *_there(request)],
        "wildcard_only_action": request.wildcard_only_action,
        **({"resource_exists": False} if request.no_such_resource else {}),
    }


def _there(request: Request) -> Iterator[str]:
    """The keys that are known to be there alone, of which no one value is given or derived."""
    told = KeyNames((*request.context, *request.any_value))
    found: dict[str, KeyValue] = {}
    for layer in reversed(request.derived):
        found.update(layer)
    for key, value in found.items():
        if (value is KeyState.PRESENT or isinstance(value, (Moment, Beginning))) and key not in told:
            yield key


def _principal(principal: Principal) -> JsonValue:
    if principal.kind is PrincipalKind.ANONYMOUS:
        return {"type": "Anonymous"}
    if principal.kind is PrincipalKind.IDENTITY_PROVIDER:
        return {"type": "Federated", "provider": principal.arn}
    return principal.arn


def _layer(report: LayerReport) -> dict[str, JsonValue]:
    return {"layer": report.layer.value, "state": report.state.value, "why": report.why}


def _reason(reason: Reason) -> dict[str, JsonValue]:
    return {
        "layer": reason.layer.value,
        "kind": reason.kind,
        "level": reason.level,
        "level_name": reason.level_name,
        "statements": [_statement(ref) for ref in reason.statements],
    }


def _statement(ref: StatementRef) -> dict[str, JsonValue]:
    return {
        "policy": ref.policy,
        "sid": ref.sid,
        "statement": ref.statement,
        "lines": None if ref.lines is None else list(ref.lines),
    }


def _matched(ref: StatementRef) -> dict[str, JsonValue]:
    result: dict[str, JsonValue] = {"effect": ref.effect, "layer": ref.layer.value, **_statement(ref)}
    if ref.level is not None:
        result["level"] = ref.level
    if ref.undetermined:
        result["undetermined"] = True
    return result


def formula_to_json(node: Node) -> dict[str, JsonValue]:
    """A formula as a tree of `and`, `or` and the three kinds of leaf: condition, session name, missing document."""
    if isinstance(node, And):
        return {"and": [formula_to_json(part) for part in node.parts]}
    if isinstance(node, Or):
        return {"or": [formula_to_json(part) for part in node.parts]}
    if isinstance(node, ConditionLeaf):
        return {
            "op": node.op,
            "key": node.key,
            "values": list(node.values),
            "holds": node.holds,
            "source": _source(node.source),
        }
    if isinstance(node, SessionLeaf):
        return {"session": node.name, "holds": node.holds, "source": _source(node.source)}
    assert isinstance(node, MissingLeaf)
    return {
        "missing": node.document,
        "permission": node.permission,
        "holds": node.holds,
        "source": _source(node.source),
    }


def _source(source: Source | None) -> JsonValue:
    if source is None:
        return None
    return {
        "layer": source.layer,
        "policy": source.policy,
        "statement": source.statement,
        "effect": source.effect,
    }


_TEXT: Final[dict[str, JsonValue]] = {"type": "string"}
_TEXT_OR_NULL: Final[dict[str, JsonValue]] = {"type": ["string", "null"]}
_TEXTS: Final[dict[str, JsonValue]] = {"type": "array", "items": _TEXT}
_FLAG: Final[dict[str, JsonValue]] = {"type": "boolean"}
_NUMBER: Final[dict[str, JsonValue]] = {"type": "integer", "minimum": 0}
_LAYER: Final[dict[str, JsonValue]] = {"enum": [layer.value for layer in LayerName]}


def _object(properties: dict[str, JsonValue], *, optional: tuple[str, ...] = ()) -> dict[str, JsonValue]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _list_of(items: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {"type": "array", "items": items}


def decision_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of what `decision_to_json` gives."""
    lines = {"anyOf": [{"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}, {"type": "null"}]}
    statement = {"policy": _TEXT, "sid": _TEXT_OR_NULL, "statement": _NUMBER, "lines": lines}
    matched = {
        "effect": {"enum": ["Allow", "Deny"]},
        "layer": _LAYER,
        **statement,
        "level": _NUMBER,
        "undetermined": _FLAG,
    }
    source = {
        "anyOf": [
            _object({"layer": _TEXT, "policy": _TEXT, "statement": _NUMBER, "effect": {"enum": ["Allow", "Deny"]}}),
            {"type": "null"},
        ]
    }
    formula = {
        "anyOf": [
            _object({"and": _list_of({"$ref": "#/$defs/Formula"})}),
            _object({"or": _list_of({"$ref": "#/$defs/Formula"})}),
            _object({"op": _TEXT, "key": _TEXT, "values": _TEXTS, "holds": _FLAG, "source": source}),
            _object({"session": _TEXT, "holds": _FLAG, "source": source}),
            _object({"missing": _TEXT, "permission": _TEXT, "holds": _FLAG, "source": source}),
        ]
    }
    reason = {
        "layer": _LAYER,
        "kind": {"enum": ["explicit", "implicit"]},
        "level": {"type": ["integer", "null"]},
        "level_name": _TEXT_OR_NULL,
        "statements": _list_of(_object(statement)),
    }
    companion: dict[str, JsonValue] = {
        "action": _TEXT,
        "resource": _TEXT,
        "what": _TEXT,
        "when": _TEXT_OR_NULL,
        "decides": _FLAG,
        "answer": {"$ref": "#"},
    }
    scenario_definitions = scenario_schema()["$defs"]
    properties: dict[str, JsonValue] = {
        "id": {"type": ["string", "integer", "null"]},
        "request": {"$ref": "#/$defs/RequestForm"},
        "decision": {"enum": [outcome.value for outcome in Outcome]},
        "layers": _list_of(_object({"layer": _LAYER, "state": {"enum": [s.value for s in State]}, "why": _TEXT})),
        "blocked_by": _list_of(_LAYER),
        "reasons": _list_of(_object(reason)),
        "matched": _list_of(_object(matched, optional=("level", "undetermined"))),
        "resource_scope": {"enum": [scope.value for scope in ResourceScope]},
        "allowed_resources": _TEXTS,
        "denied_resources": _TEXTS,
        "example_resource": _TEXT_OR_NULL,
        "depends_on": {"anyOf": [{"$ref": "#/$defs/Formula"}, {"type": "null"}]},
        "missing_context": _TEXTS,
        "derived_context": {"type": "object"},
        "assumptions": _TEXTS,
        "notes": _TEXTS,
        "trace": {},
        # Where they say something: the other requests of the call, the worst of all, why AWS never asks this, and how
        # old the account is that was not read anew.
        "deciding": {"enum": [outcome.value for outcome in Outcome]},
        "companions": _list_of(_object(companion)),
        "never_asked": _TEXT,
        "cached": _object({"read_at": _TEXT, "age_seconds": {"type": "integer", "minimum": 0}}),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "iamtui decision",
        **_object(properties, optional=("trace", "deciding", "companions", "never_asked", "cached")),
        "$defs": {
            "Formula": formula,
            "RequestForm": scenario_definitions["RequestForm"],
            "PrincipalForm": scenario_definitions["PrincipalForm"],
        },
    }
