"""Which keys that nobody gave could change a decision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iamtui.evaluation.layers import LayerScan
from iamtui.evaluation.reading import Evaluation
from iamtui.policy.compiled import CompiledStatement
from iamtui.policy.context import AtLeast, KeyState, RequestContext
from iamtui.policy.formula import ConditionLeaf
from iamtui.policy.operators import parse_operator
from iamtui.policy.pattern import parse_pieces, variable_names

_TAKE_VARIABLES: Final = ("string", "arn", "bool")


def open_keys(leaf: ConditionLeaf, context: RequestContext) -> tuple[str, ...]:
    """The keys that leave a leaf open, in the policies' spelling: its own, and those of variables in its values."""
    names = {leaf.key.lower(): leaf.key} if leaf.key else {}
    operator = parse_operator(leaf.op)
    if operator is None:
        # A Resource or NotResource entry, where variables mean something behind the fifth colon.
        values = tuple(entry.split(":", 5)[-1] for entry in leaf.values)
    else:
        takes = not leaf.literal and operator.base.startswith(_TAKE_VARIABLES)
        values = leaf.values if takes else ()
    for value in values:
        names = {**variable_names(parse_pieces(value, variables=True)), **names}
    return tuple(name for key, name in names.items() if isinstance(context.lookup(key), (KeyState, AtLeast)))


def sensitive_keys(reading: Evaluation) -> Iterator[str]:
    """The keys, in the policies' spelling, that were read as absent and matter for this request.

    A statement counts when all that is known of it holds, and when it could still change its layer: an Allow
    where nothing allows yet, a Deny anywhere unless another Deny stands whatever the keys are.
    """
    if any(_denied_for_good(scanned, reading.context) for _, _, scanned in reading.scans):
        return
    for _, scanned, member in reading.statements():
        compiled = member.compiled
        if compiled.keys and not (compiled.allows and scanned.allow is True):
            yield from _unsaid_keys(compiled, reading)


def _denied_for_good(layer: LayerScan, context: RequestContext) -> bool:
    return any(
        match.truth is True
        and not match.statement.allows
        and not any(context.nobody_said(key) for key in match.statement.keys)
        for match in layer.matches
    )


def _unsaid_keys(compiled: CompiledStatement, reading: Evaluation) -> tuple[str, ...]:
    context = reading.context
    names: dict[str, None] = {}
    matcher = compiled.resource.matcher
    in_resource = {
        key: name for key, name in (matcher.variable_keys if matcher else {}).items() if context.nobody_said(key)
    }
    about = compiled.matches_resource(reading.prepared.resource, context, reading.language, everywhere=False)
    if about is False and not in_resource:
        return ()
    names.update(dict.fromkeys(in_resource.values()))
    for condition in compiled.conditions:
        read = {condition.key: condition.line.key, **condition.variable_keys}
        unsaid = [name for key, name in read.items() if key and context.nobody_said(key)]
        if not unsaid and condition.test(context) is False:
            return ()
        names.update(dict.fromkeys(unsaid))
    return tuple(names)
