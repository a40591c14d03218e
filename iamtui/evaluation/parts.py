"""A question about a set of resources, asked of the parts of it that are granted.

Whether at least one resource is allowed is read statement by statement, and statements may agree each with another
resource: a policy grants `data/*`, and a boundary lets `logs/*` through. Whatever is allowed lies in an entry that
grants it, so where each such entry asked about alone is denied, nothing in the set is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from iamtui.evaluation.asked import Asked
from iamtui.evaluation.decision import Layer
from iamtui.evaluation.policy_set import PolicySet
from iamtui.evaluation.reading import Evaluation
from iamtui.policy.formula import Truth, any_of
from iamtui.policy.resource import Reach

_ARN_FIELDS: Final = 5
_WILDCARDS: Final = frozenset("*?")
_MOST_PARTS: Final = 32
_MOST_REMEMBERED: Final = 4096


def granted_parts(reading: Evaluation) -> tuple[dict[str, Truth], Truth]:
    """The parts of the set that are granted, each with what that waits for, and what a grant beyond them waits for.

    A part is an ARN or a pattern that can be asked about: it takes in all that the entry of a policy does. There are
    none where the set cannot be divided so.
    """
    granted = _granted(reading)
    first = next(granted, None)
    # Most grants are of everything, or nothing else speaks of some resources alone.
    if (
        first is None
        or first == (None, True)
        or not any(_limits(layer, policies, reading.asked) for layer, _, policies in reading.sets())
    ):
        return {}, True
    parts: dict[str, Truth] = {}
    beyond: Truth = False
    for part, truth in chain((first,), granted):
        if part is not None and part != reading.prepared.resource.text:
            parts[part] = any_of((parts.get(part, False), truth))
        else:
            beyond = any_of((beyond, truth))
        if beyond is True or len(parts) > _MOST_PARTS:
            return {}, True
    return dict(sorted(parts.items())), beyond


def _limits(layer: Layer, policies: PolicySet, asked: Asked) -> bool:
    """Whether policies speak of some resources alone where they deny the action, cap it, or let a caller in."""
    key = (layer, policies)
    found = asked.limits.get(key)
    if found is None:
        if len(asked.limits) >= _MOST_REMEMBERED:
            asked.limits.clear()
        found = asked.limits[key] = any(
            not member.compiled.any_resource and not (layer is Layer.IDENTITY and member.compiled.allows)
            for member in policies.about(asked.action)
        )
    return bool(found)


def _granted(reading: Evaluation) -> Iterator[tuple[str | None, Truth]]:
    """The entries of Allow statements that match, or may match, with what they wait for; None where none bounds it."""
    if reading.side.is_root or reading.admitted_by_assumption or reading.free is not None:
        yield None, True
    for scanned in (reading.identity, reading.resource):
        if scanned is None:
            continue
        if scanned.missing:
            yield None, True
        for match in scanned.matches:
            if not match.statement.allows:
                continue
            matcher = match.statement.resource.matcher
            resource = reading.prepared.resource
            if (
                matcher is None
                or match.statement.resource.negated
                or any("${" in text for text in matcher.texts)
                or matcher.hits_set(resource, Reach.COVERS, reading.context, reading.language) is not False
            ):
                yield None, match.truth
                continue
            for text in matcher.texts_meeting(resource):
                yield _as_question(text), match.truth


def _as_question(entry: str) -> str | None:
    """An entry as a resource to ask about, where only `*` is a wildcard; None where the two would differ."""
    fields = entry.split(":", _ARN_FIELDS)
    plain = len(fields) > _ARN_FIELDS and not _WILDCARDS & set("".join(fields[:_ARN_FIELDS]))
    return entry.replace("?", "*") if plain else None
