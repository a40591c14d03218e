"""Ask both evaluators and say where they disagree."""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from iamtui.engine.evaluator import evaluate as ask_engine
from iamtui.engine.scenarios.scenario import parse_scenario
from iamtui.engine.words.decision_json import decision_to_json
from tests.conformance.cases import ALLOW_ALL, document
from tests.conformance.engine import decide

from .conditions import Line
from .context import CALLER_FIXED
from .evaluator import Verdict, _Evaluation, at_its_most_favourable, evaluate, named_document
from .matching import as_list, resource_entry_matches
from .sets import Names, TooMany
from .vocabulary import KEYS, MULTIVALUED, RULE_KEYS, A

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

EVERY_KEY = {**KEYS, **RULE_KEYS}
SAMPLED = 4
"""How many resources of a set that was denied are asked about one by one."""

COMPLETIONS = 12
"""How many ways of filling in the unknown keys are tried for one scenario."""


def disagreement(scenario: Json, *, completions: int = COMPLETIONS) -> str | None:
    """One sentence about how the evaluators differ on a scenario, or None when they agree.

    A set with too many kinds of resources for the reference is left to the engine, but for its witness, and one that
    the engine leaves open for this reason is not compared.
    """
    theirs = decide(scenario)
    found = _witness_disagreement(scenario, theirs["decision"])
    if found:
        return found
    if _is_left_open(theirs["depends_on"]):
        return None
    try:
        # Which names may hold slashes and colons is not known, and any reading will do.
        for names in Names:
            found = _disagreement(scenario, theirs, completions, names=names)
            if found is None or (names is Names.PLAIN and _names_decide(scenario)):
                return None
        return found
    except TooMany:
        return None


def _is_left_open(tree: Any) -> bool:
    """Whether a tree says that the patterns of a set overlap in too many ways for the engine to tell."""
    if not isinstance(tree, dict):
        return False
    parts = tree.get("and") or tree.get("or")
    return any(map(_is_left_open, parts)) if parts else tree.get("op") == "Resource" and tree["source"] is None


def _names_decide(scenario: Json) -> bool:
    """Whether a set of which one call needs several is allowed only as long as all names hold slashes and colons.

    The names of one type may hold them while those of another do not.
    """
    if not asks_about_a_set(scenario) or len(_Evaluation(scenario, None).belongings().needs) < 2:
        return False
    plain, wide = (evaluate(scenario, names=names).decision for names in (Names.PLAIN, Names.ANY))
    return plain != "allowed" and wide == "allowed"


def _disagreement(scenario: Json, theirs: Json, completions: int, *, names: Names) -> str | None:
    mine = evaluate(scenario, names=names)
    found = _member_disagreement(scenario, theirs["decision"])
    if found:
        return found
    if _Evaluation(scenario, None).uses_alias():
        return _alias_disagreement(scenario, mine, theirs, completions)
    if scenario.get("mode") != "discover":
        return _strict_disagreement(mine, theirs)
    sharper = mine.decision == "depends" or (mine.decision, theirs["decision"]) == ("implicitDeny", "explicitDeny")
    if theirs["decision"] not in (mine.decision, mine.also) and not sharper:
        return f"discover: reference says {mine.decision}, engine {theirs['decision']}"
    for filled, session in fillings(scenario, completions):
        found = _difference_when_filled(mine, theirs, filled, session, names=names)
        if found:
            return found
    return None


def _alias_disagreement(scenario: Json, mine: Verdict, theirs: Json, completions: int) -> str | None:
    """Compare the answers about a key that only an alias of it tells.

    They may depend on which key it is, which no tree says, so that decisions alone are compared.
    """
    if scenario.get("mode") != "discover":
        # What several statements settle together, or one of the aliases that a key has, the engine may leave open.
        same = theirs["decision"] in (mine.decision, mine.also, "depends")
        # Where nothing grants any key, the engine lets no Deny that several statements make up decide.
        same = same or (mine.decision, theirs["decision"]) == ("explicitDeny", "implicitDeny")
        return None if same else f"alias: reference says {mine.decision}, engine {theirs['decision']}"
    for filled, session in fillings(scenario, completions):
        strict = evaluate(filled, session=session).decision
        said = theirs["decision"]
        if said != "depends" and (said == "allowed") != (strict == "allowed"):
            return f"alias, discover: engine says {said}, strict mode says {strict} with {_shown(filled, session)}"
    return None


# Sets: a resource of them that is allowed, and those of a set that is denied.


def alone(scenario: Json, resource: str) -> Json:
    """The question about one resource of a set, under the assumption that is printed for the set.

    A key or role of the caller's account whose policy is not known leaves it to the account who comes in.
    """
    result = {**scenario, "request": {**scenario["request"], "resource": resource}}
    evaluation = _Evaluation(scenario, None, resource)
    account = evaluation.caller.account
    own = account is not None and evaluation.same_account
    if scenario.get("resource_policy") is None and own and evaluation.needs_policy():
        result["resource_policy"] = document({**ALLOW_ALL, "Principal": {"AWS": account}})
    return result


def example_of(scenario: Json) -> str | None:
    """The witness that the engine names."""
    parsed = parse_scenario(scenario)
    found = decision_to_json(ask_engine(parsed.request, parsed.policies, parsed.options))["example_resource"]
    assert found is None or isinstance(found, str)
    return found


def asks_about_a_set(scenario: Json) -> bool:
    """Whether it does."""
    evaluation = _Evaluation(scenario, None)
    return evaluation.target.is_pattern and not evaluation.is_free()


def named_members(scenario: Json) -> list[str]:
    """Resources of a set: those that entries of its policies name, with something in place of each wildcard.

    Found without a walk through the patterns, so that no mistake there hides them.
    """
    belongings = _Evaluation(scenario, None, names=Names.PLAIN).belongings()
    found = list(belongings.samples())
    for _, policy in documents(scenario):
        for statement in as_list(policy["document"]["Statement"]):
            for entry in as_list(statement.get("Resource", statement.get("NotResource", []))):
                found += [_without_wildcards(entry, name) for name in ("x", "ab", "a")]
    return [text for text in dict.fromkeys(found) if belongings.has(text)]


def _without_wildcards(entry: str, name: str) -> str:
    fields = entry.replace("?", "q").split(":", 5)
    filling = ("arn", "aws", "s3", "us-east-1", A, name)
    return ":".join(re.sub("[*]+", other, field) for field, other in zip(fields, filling, strict=False))


def _witness_disagreement(scenario: Json, decision: str) -> str | None:
    """What is wrong with the witness of a set of which some resource is said to be allowed."""
    if decision != "allowed" or not asks_about_a_set(scenario):
        return None
    witness = example_of(scenario)
    if witness is None:
        return "allowed without a witness"
    if not _Evaluation(scenario, None).belongings().has(witness):
        return f"the witness {witness} is not in the set"
    found = _Evaluation(scenario, None, witness).decided().decision
    open_in_part = scenario.get("mode") == "discover" and found == "depends"
    if found != "allowed" and not open_in_part:
        return f"asked alone, the reference says {found} of the witness {witness}"
    found = decide(alone(scenario, witness))["decision"]
    return None if found == "allowed" else f"asked alone, the engine says {found} of its witness {witness}"


def _member_disagreement(scenario: Json, decision: str) -> str | None:
    """Which resource of a set that is said to be denied is allowed when it is asked about alone."""
    if decision not in ("explicitDeny", "implicitDeny") or not asks_about_a_set(scenario):
        return None
    evaluation = _Evaluation(scenario, None, names=Names.PLAIN)
    # What Block Public Access of a bucket closes is no access point, which `*` may be too.
    closed = evaluation.is_gate_closed()
    kinds = [
        text
        for text in evaluation.members()
        if "*" not in text and _Evaluation(alone(scenario, text), None).is_gate_closed() is closed
    ]
    random = Random(json.dumps(scenario, sort_keys=True))
    needs = [[text for text in kinds if any(form.has(text) for form in need)] for need in evaluation.belongings().needs]
    allowed = []
    # Of what one call needs at once, one that is denied is enough.
    for texts in filter(None, needs if len(needs) > 1 else [kinds]):
        sampled = random.sample(texts, min(SAMPLED, len(texts)))
        allowed.append([text for text in sampled if decide(alone(scenario, text))["decision"] == "allowed"])
    if allowed and all(allowed):
        return f"denied as a whole, but asked alone the engine allows {allowed}"
    return None


def _strict_disagreement(mine: Verdict, theirs: Json) -> str | None:
    if theirs["decision"] not in (mine.decision, mine.also):
        return f"reference says {mine.decision}, engine {theirs['decision']}"
    # What stands in the way of a set, of whose resources each may have another layer there, is told by no rule.
    if list(mine.blocked_by) != theirs["blocked_by"] and not mine.of_set:
        return f"blocked_by: reference says {list(mine.blocked_by)}, engine {theirs['blocked_by']}"
    return None


def _difference_when_filled(
    mine: Verdict, theirs: Json, filled: Json, session: str | None, *, names: Names
) -> str | None:
    """Compare what discover mode said with strict mode once the unknown keys have values.

    The engine may settle what the reference leaves open (a leaf beside its own opposite, a Resource that no value
    of its variable makes match), so long as every way of filling in the keys bears it out.
    """
    strict = evaluate(filled, session=session, names=names)
    if "CloudWatch Logs" in json.dumps(strict.formula):
        # No value of a key settles what AWS is not clear about.
        return None
    shown = _shown(filled, session)
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
    if theirs["decision"] == "explicitDeny" and "explicitDeny" not in (strict.decision, strict.also):
        return f"discover: engine says explicitDeny, strict mode says {strict.decision} with {shown}"
    asked = as_session(filled, session)
    if asked is not None:
        found = _strict_disagreement(evaluate(asked, names=names), decide(asked))
        if found:
            return f"filled in with {shown}: {found}"
    return None


def _shown(filled: Json, session: str | None) -> str:
    return json.dumps({"context": filled["request"].get("context"), "session": session}, ensure_ascii=False)


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
        ("scope_down_policies", "scope_down"),
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
    evaluation = _Evaluation(scenario, None)
    context = evaluation.context
    text = json.dumps(scenario).lower()
    result = {}
    by_kind = scenario["request"].get("credentials") == "temporary" or bool(scenario.get("scope_down_policies"))
    for key in EVERY_KEY:
        state = context.state(key)[0]
        named = key.lower() in text or (by_kind and key in ("aws:MultiFactorAuthPresent", "aws:AssumedRoot"))
        if evaluation.uses_alias() and key in ("kms:RequestAlias", "kms:ResourceAliases"):
            continue  # The request says which alias it is, and that the key has it.
        if state in ("unknown", "present") and named:
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
            pool = [value for value in EVERY_KEY[key] if value or may_lack]
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
        if isinstance(node, bool):
            return node
        if "and" in node:
            return all(truth(part) for part in node["and"])
        if "or" in node:
            return any(truth(part) for part in node["or"])
        if "missing" in node:
            return False
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
        if not line.known:
            # Whether a Deny with an operator that AWS lacks applies stays open, whatever its key is.
            return False
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
