"""Ask both evaluators and say where they disagree."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.conformance.engine import decide

from .conditions import Line
from .context import CALLER_FIXED
from .evaluator import Verdict, _Evaluation, at_its_most_favourable, evaluate, named_document
from .matching import as_list, resource_entry_matches
from .plain import plain_disagreement
from .sets import TooMany
from .vocabulary import KEYS, MULTIVALUED

Json = dict[str, Any]

NEEDED = (
    "Effect",
    "Statement",
    "document",
    "name",
    "request",
    "principal",
    "type",
    "provider",
    "action",
    "resource",
)
"""The keys without which a scenario means nothing."""

COMPLETIONS = 12
"""How many ways of filling in the unknown keys are tried for one scenario."""


def disagreement(scenario: Json, *, completions: int = COMPLETIONS) -> str | None:
    """One sentence about how the evaluators differ on a scenario, or None when they agree.

    A set with too many kinds of resources for the reference is left to the engine.
    """
    found = plain_disagreement(scenario)
    if found:
        return found
    try:
        return _disagreement(scenario, completions)
    except TooMany:
        return None


def _disagreement(scenario: Json, completions: int) -> str | None:
    mine = evaluate(scenario)
    theirs = decide(scenario)
    if scenario.get("mode") != "discover":
        return _strict_disagreement(mine, theirs)
    sharper = mine.decision == "depends" or (mine.decision, theirs["decision"]) == ("implicitDeny", "explicitDeny")
    if mine.decision != theirs["decision"] and not sharper:
        return f"discover: reference says {mine.decision}, engine {theirs['decision']}"
    for filled, session in fillings(scenario, completions):
        found = _difference_when_filled(mine, theirs, filled, session)
        if found:
            return found
    return None


def _strict_disagreement(mine: Verdict, theirs: Json) -> str | None:
    if mine.decision != theirs["decision"]:
        return f"reference says {mine.decision}, engine {theirs['decision']}"
    if list(mine.blocked_by) != theirs["blocked_by"]:
        return f"blocked_by: reference says {list(mine.blocked_by)}, engine {theirs['blocked_by']}"
    return None


def _difference_when_filled(mine: Verdict, theirs: Json, filled: Json, session: str | None) -> str | None:
    """Compare what discover mode said with strict mode once the unknown keys have values.

    The engine may settle what the reference leaves open (a leaf beside its own opposite, a Resource that no value
    of its variable makes match), so long as every way of filling in the keys bears it out.
    """
    strict = evaluate(filled, session=session)
    shown = json.dumps({"context": filled["request"].get("context"), "session": session}, ensure_ascii=False)
    allowed = strict.decision == "allowed"
    for name, decision, tree in (
        ("reference", mine.decision, mine.formula),
        ("engine", theirs["decision"], theirs["depends_on"]),
    ):
        says = tree_truth(tree, filled, session) if decision == "depends" else decision == "allowed"
        if says and not allowed and decision == "depends" and _names_entries(tree):
            # Which resource of a set an open entry would name is not told, so that such a tree says only what no
            # resource can do without.
            says = at_its_most_favourable(filled, session=session) != "allowed"
        if says != allowed:
            return f"discover: {name} says {decision} ({says}), strict mode says {strict.decision} with {shown}"
    if theirs["decision"] == "explicitDeny" and strict.decision != "explicitDeny":
        return f"discover: engine says explicitDeny, strict mode says {strict.decision} with {shown}"
    asked = as_session(filled, session)
    if asked is not None:
        found = _strict_disagreement(evaluate(asked), decide(asked))
        if found:
            return f"filled in with {shown}: {found}"
    return None


def _names_entries(tree: Any) -> bool:
    """Whether a tree waits for what an entry with a variable names."""
    parts = tree.get("and") or tree.get("or")
    return any(map(_names_entries, parts)) if parts else tree.get("op") in ("Resource", "NotResource")


def as_session(filled: Json, session: str | None) -> Json | None:
    """The scenario with the role ARN of the caller replaced by a session ARN; None where that loses its path."""
    if session is None:
        return filled
    principal = filled["request"]["principal"]
    fields = principal.split(":", 5)
    if fields[5].count("/") > 1 or f"/{fields[5].split('/')[-1]}" in json.dumps(filled).replace(principal, ""):
        return None
    result = copy.deepcopy(filled)
    role = fields[5].split("/")[-1]
    result["request"]["principal"] = f"arn:{fields[1]}:sts::{fields[4]}:assumed-role/{role}/{session}"
    return result


# Filling in unknown keys.


def documents(scenario: Json) -> Iterator[tuple[str, Json]]:
    """Every policy of a scenario with its layer: (layer, {"name", "document"})."""
    for field, layer in (
        ("identity_policies", "identity"),
        ("permissions_boundaries", "boundary"),
        ("session_policies", "session"),
        ("vpc_endpoint_policies", "vpc_endpoint"),
    ):
        for policy in scenario.get(field) or []:
            yield layer, policy
    if scenario.get("resource_policy") is not None:
        yield "resource", named_document(scenario["resource_policy"])
    for field, layer in (("scps", "scp"), ("rcps", "rcp")):
        for policy in itertools.chain.from_iterable(scenario.get(field) or []):
            yield layer, policy


def open_keys(scenario: Json) -> dict[str, bool]:
    """The keys whose value is not known, from the vocabulary: name to whether it may be absent."""
    context = _Evaluation(scenario, None).context
    text = json.dumps(scenario).lower()
    result = {}
    for key in KEYS:
        state = context.state(key)[0]
        if state in ("unknown", "present") and key.lower() in text:
            result[key] = state == "unknown"
    return result


def fillings(scenario: Json, count: int) -> Iterator[tuple[Json, str | None]]:
    """Strict scenarios with values for the unknown keys, and a session name for a caller given as a role ARN."""
    random = Random(json.dumps(scenario, sort_keys=True))
    keys = open_keys(scenario)
    principal = scenario["request"]["principal"]
    unnamed = isinstance(principal, str) and ":role/" in principal
    for _ in range(count if keys or unnamed else 1):
        filled = copy.deepcopy(scenario)
        filled["mode"] = "strict"
        request = filled["request"]
        context = request.setdefault("context", {})
        for key in request.pop("known_absent", []):
            if key.lower() in CALLER_FIXED:
                context[key] = []
        request.pop("any_value", None)
        for key, may_lack in keys.items():
            if may_lack and random.random() < 0.25:
                continue
            pool = [value for value in KEYS[key] if value or may_lack]
            most = 2 if key in MULTIVALUED else 1
            context[key] = [random.choice(pool) for _ in range(random.randint(1, most))]
        yield filled, random.choice(["s1", "s2", "s3"]) if unnamed else None


def tree_truth(tree: Any, filled: Json, session: str | None) -> bool:
    """Whether a depends_on tree holds in a strict scenario."""
    evaluation = _Evaluation(filled, session)
    by_source = {(layer, policy["name"]): policy["document"] for layer, policy in documents(filled)}

    def document_of(source: Json | None) -> Json:
        if source is None:
            # What a service rule waits for is written nowhere.
            return {}
        if source["layer"] == "resource":
            return named_document(filled["resource_policy"])["document"]  # type: ignore[no-any-return]
        return by_source[source["layer"], source["policy"]]  # type: ignore[no-any-return]

    def truth(node: Any) -> bool:
        if "and" in node:
            return all(truth(part) for part in node["and"])
        if "or" in node:
            return any(truth(part) for part in node["or"])
        if "session" in node:
            return bool((node["session"] == session) == node["holds"])
        document = document_of(node["source"])
        version = document.get("Version")
        if node["op"] in ("Resource", "NotResource"):
            statement = as_list(document["Statement"])[node["source"]["statement"]]
            assert statement["Effect"] == node["source"]["effect"]
            whole = (statement["Effect"] == "Deny") == (node["op"] == "Resource")
            matched = any(
                resource_entry_matches(
                    entry,
                    evaluation.target,
                    node["source"]["layer"],
                    whole=whole,
                    version=version,
                    context=evaluation.context,
                    options=evaluation.options,
                )
                is True
                for entry in node["values"]
            )
            return bool((matched == (node["op"] == "Resource")) == node["holds"])
        line = Line(node["op"], version=version, context=evaluation.context, options=evaluation.options)
        return bool((line.truth(node["key"], node["values"]) is True) == node["holds"])

    return truth(tree)


# Making a disagreement small enough to read.


def reduced(scenario: Json, still_bad: Callable[[Json], bool]) -> Json:
    """Drop parts of a scenario, again and again, as long as it stays bad."""
    current = copy.deepcopy(scenario)
    shrinking = True
    while shrinking:
        shrinking = False
        for path in sorted(_paths(current), key=len):
            smaller = _without(current, path)
            if smaller is not None and still_bad(smaller):
                current = smaller
                shrinking = True
                break
    return current


def _paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps: list[Any] = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    for step in steps:
        yield (*here, step)
        yield from _paths(value[step], (*here, step))


def _without(value: Json, path: tuple[Any, ...]) -> Json | None:
    result = copy.deepcopy(value)
    parent: Any = result
    for step in path[:-1]:
        parent = parent[step]
    if path[-1] in NEEDED:
        return None
    del parent[path[-1]]
    return result
