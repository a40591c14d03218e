"""For a question about a set of resources: whether the answer holds for all of them, or for which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from iamtui.evaluation.decision import Layer, Outcome, ResourceScope
from iamtui.evaluation.layers import LayerScan, Match
from iamtui.evaluation.reading import Evaluation
from iamtui.policy.resource import Reach

_MOST_TRIED: Final = 32
"""How many patterns are asked about again to say where the answer holds as a whole."""


@dataclass(frozen=True, slots=True)
class Scope:
    """How far a decision about a set of resources reaches.

    Args:
        resources: the resources or patterns where it holds.
        limits: one sentence each on what is left out.
    """

    scope: ResourceScope
    resources: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()


_ONE: Final = Scope(ResourceScope.ONE)


def resource_scope(
    reading: Evaluation, everywhere: Evaluation | None, allowed_everywhere: Callable[[str], bool]
) -> Scope:
    """How far the decision of a reading reaches.

    Where a cap or a Deny takes part of the set out, the patterns that are allowed as a whole are looked for; when
    there is none, those of the granting policies stand with a note that says that not all of them is allowed.

    Args:
        everywhere: the reading that asks about all resources of the set; None for one resource.
        allowed_everywhere: whether the same question is allowed for all that another pattern stands for.
    """
    outcome = reading.outcome
    if everywhere is None or outcome not in (Outcome.ALLOWED, Outcome.DEPENDS):
        return _ONE
    asked = reading.prepared.resource.text
    if everywhere.total is True or (outcome is Outcome.DEPENDS and everywhere.total == reading.total):
        return Scope(ResourceScope.ALL, (asked,))
    granting = [scanned for scanned in (reading.identity, reading.resource) if scanned is not None]
    granted = tuple(dict.fromkeys(_entries(granting, reading)))
    limiting = dict(_limiting(everywhere))
    if outcome is Outcome.DEPENDS or not limiting:
        return Scope(ResourceScope.SOME, granted)
    capping = [scanned for layer, _, scanned in reading.scans if layer in limiting]
    candidates = [entry for entry in dict.fromkeys((*granted, *_entries(capping, reading))) if entry != asked]
    whole = tuple(entry for entry in candidates[:_MOST_TRIED] if allowed_everywhere(entry))
    if whole:
        return Scope(ResourceScope.SOME, whole)
    words = ", ".join(layer.value for layer in limiting)
    return Scope(
        ResourceScope.SOME,
        granted,
        (f"Not all of these resources are allowed: {words} leaves out some or all of them.",),
    )


def _limiting(everywhere: Evaluation) -> Iterator[tuple[Layer, None]]:
    """The layers that take some of the set out: a Deny reaches into it, or a cap does not allow all of it."""
    for layer, _, scanned in everywhere.scans:
        caps = layer not in (Layer.IDENTITY, Layer.RESOURCE, Layer.RCP)
        if scanned.deny is not False or (caps and scanned.allow is not True):
            yield layer, None


def _entries(scanned: Iterable[LayerScan], reading: Evaluation) -> Iterator[str]:
    for one in scanned:
        for match in one.matches:
            if match.statement.allows:
                yield from _reach_of(match, reading)


def _reach_of(match: Match, reading: Evaluation) -> Iterable[str]:
    element = match.statement.resource
    resource = reading.prepared.resource
    if element.matcher is None or element.negated:
        return (resource.text,)
    language = reading.language
    if element.matcher.hits_set(resource, Reach.COVERS, reading.context, language) is True:
        return (resource.text,)
    return element.matcher.entries_meeting(resource, reading.context)
