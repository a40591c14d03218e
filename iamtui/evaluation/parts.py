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
from iamtui.policy.resource import Reach

_ARN_FIELDS: Final = 5
_WILDCARDS: Final = frozenset("*?")
_MOST_PARTS: Final = 32
_MOST_REMEMBERED: Final = 4096


def granted_parts(reading: Evaluation) -> tuple[str, ...]:
    """The parts of the set outside of which nothing is granted, sorted; () where it cannot be divided so.

    A part is an ARN or a pattern that can be asked about: it takes in all that the entry of a policy does.
    """
    granted = _granted(reading)
    first = next(granted, None)
    # Most grants are of everything, or nothing else speaks of some resources alone.
    if first is None or not any(_limits(layer, policies, reading.asked) for layer, _, policies in reading.sets()):
        return ()
    parts: set[str] = set()
    for part in chain((first,), granted):
        if part is None or part == reading.prepared.resource.text or len(parts) == _MOST_PARTS:
            return ()
        parts.add(part)
    return tuple(sorted(parts))


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


def _granted(reading: Evaluation) -> Iterator[str | None]:
    """The entries of Allow statements that match, or may match; None for a grant that no entry bounds."""
    if reading.side.is_root or reading.admitted_by_assumption or reading.free is not None:
        yield None
    for scanned in (reading.identity, reading.resource):
        if scanned is None:
            continue
        if scanned.missing:
            yield None
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
                yield None
                continue
            yield from map(_as_question, matcher.texts_meeting(resource))


def _as_question(entry: str) -> str | None:
    """An entry as a resource to ask about, where only `*` is a wildcard; None where the two would differ."""
    fields = entry.split(":", _ARN_FIELDS)
    plain = len(fields) > _ARN_FIELDS and not _WILDCARDS & set("".join(fields[:_ARN_FIELDS]))
    return entry.replace("?", "*") if plain else None
