"""For a question about a set of resources: whether the answer holds for all of them, or for which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from iamtui.evaluation.decision import Layer, Outcome, ResourceScope
from iamtui.evaluation.layer_reports import statement_name
from iamtui.evaluation.layers import LayerScan, Match
from iamtui.evaluation.reading import Evaluation
from iamtui.evaluation.services import refused_in_part
from iamtui.evaluation.wording import MOST_NAMED, first_of
from iamtui.policy.pattern import request_tokens
from iamtui.policy.resource import Reach, RequestResource, ResourceKind, ResourceSet

_MOST_TRIED: Final = 32
"""How many patterns are asked about again to say where the answer holds as a whole."""


@dataclass(frozen=True, slots=True)
class Scope:
    """How far a decision about a set of resources reaches.

    Args:
        resources: the resources or patterns where it holds.
        denied: the resources or patterns among those asked about that a Deny takes out.
        limits: one sentence each on what is left out.
    """

    scope: ResourceScope
    resources: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()


_ONE: Final = Scope(ResourceScope.ONE)


def resource_scope(
    reading: Evaluation,
    everywhere: Evaluation | None,
    holds_everywhere: Callable[[str], bool],
    allowed_in_part: Callable[[str], bool],
) -> Scope:
    """How far the decision of a reading reaches.

    Where a cap or a Deny takes part of the set out, or two layers have to grant it together, the patterns that are
    allowed as a whole are looked for; when there is none, those of the granting policies stand with a note that says
    that not all of them is allowed.

    Args:
        everywhere: the reading that asks about all resources of the set; None for one resource.
        holds_everywhere: whether the decision holds for all that another pattern stands for.
        allowed_in_part: whether it is not denied for all that another pattern stands for.
    """
    outcome = reading.outcome
    if everywhere is None or outcome not in (Outcome.ALLOWED, Outcome.DEPENDS):
        return _ONE
    asked = reading.prepared.resource.text
    if everywhere.total is True or (outcome is Outcome.DEPENDS and everywhere.total == reading.total):
        prepared = reading.prepared
        refused = refused_in_part(prepared.action, prepared.resource)
        return Scope(ResourceScope.ALL, (asked,), limits=tuple(f"Not on all of these: {why}" for why in refused))
    granting = [scanned for scanned in (reading.identity, reading.resource) if scanned is not None]
    granted = tuple(dict.fromkeys(_entries(granting, reading)))
    denying = [match for _, _, scanned in everywhere.scans for match in scanned.matches if not match.statement.allows]
    denied = tuple(dict.fromkeys(entry for match in denying for entry in _named_by(match, reading, negated=False)))
    limits = tuple(_limits(denying, reading))
    capping = tuple(dict.fromkeys(_capping(everywhere)))
    if not (denying or capping):
        sides = [entry for entry in granted if entry != asked]
        both = len(granting) > 1 and len(sides) > 0 and all(any(_entries([scanned], reading)) for scanned in granting)
        whole = tuple(entry for entry in sides[:_MOST_TRIED] if holds_everywhere(entry)) if both else granted
        if not whole:
            limits = (*limits, "Not all of these resources are allowed: only those that both policies name.")
        return Scope(ResourceScope.SOME, whole or tuple(sides), denied, limits)
    if outcome is Outcome.DEPENDS:
        left = tuple(entry for entry in granted if not _is_taken_out(entry, denying[:_MOST_TRIED], reading))
        return Scope(ResourceScope.SOME, left or granted, denied, limits)
    scans = [scanned for layer, _, scanned in reading.scans if layer in capping]
    spared = (entry for match in denying for entry in _named_by(match, reading, negated=True))
    candidates = [entry for entry in dict.fromkeys((*granted, *_entries(scans, reading), *spared)) if entry != asked]
    whole = tuple(entry for entry in candidates[:_MOST_TRIED] if holds_everywhere(entry))
    if capping and not whole:
        words = ", ".join(layer.value for layer in capping)
        limits = (*limits, f"Not all of these resources are allowed: {words} allows only some of them.")
    if not whole:
        whole = tuple(entry for entry in granted[:_MOST_TRIED] if entry == asked or allowed_in_part(entry)) or granted
    return Scope(ResourceScope.SOME, whole, denied, limits)


def _is_taken_out(entry: str, denying: Iterable[Match], reading: Evaluation) -> bool:
    """Whether one Deny takes out all that an entry stands for, whatever is unknown."""
    members = ResourceSet((request_tokens(entry),))
    resource = RequestResource(entry, ResourceKind.SET if "*" in entry else ResourceKind.ONE, members=members)
    return any(
        match.truth is True
        and match.statement.matches_resource(resource, reading.context, reading.language, everywhere=False) is True
        for match in denying
    )


def _capping(everywhere: Evaluation) -> Iterator[Layer]:
    """The layers that cap the answer and do not allow all of the set."""
    for layer, _, scanned in everywhere.scans:
        if layer not in (Layer.IDENTITY, Layer.RESOURCE, Layer.RCP) and scanned.allow is not True:
            yield layer


def _limits(denying: Iterable[Match], reading: Evaluation) -> Iterator[str]:
    """What Denies take out of the resources asked about, the first Denies in full."""
    said = list(dict.fromkeys(_deny_words(match, reading) for match in denying))
    yield from said[:MOST_NAMED]
    if len(said) > MOST_NAMED:
        yield f"{len(said) - MOST_NAMED:,} more Denies take out, or may take out, some of these resources."


def _deny_words(match: Match, reading: Evaluation) -> str:
    """Which of the resources asked about a Deny takes out."""
    name = f"{statement_name(match)} ({match.ref.layer.value})"
    element = match.statement.resource
    if element.matcher is not None and element.negated:
        where = f"all but {first_of(element.matcher.texts)}"
    else:
        where = first_of(_named_by(match, reading, negated=False)) or "some of these resources"
    return f"Not allowed on {where}: {name} {'denies' if match.truth is True else 'may deny'} it."


def _entries(scanned: Iterable[LayerScan], reading: Evaluation) -> Iterator[str]:
    for one in scanned:
        for match in one.matches:
            if match.statement.allows:
                yield from _reach_of(match, reading)


def _named_by(match: Match, reading: Evaluation, *, negated: bool) -> tuple[str, ...]:
    """The entries of a Resource (or NotResource) element that share a resource with the set asked about."""
    element = match.statement.resource
    if element.matcher is None or element.negated is not negated:
        return ()
    return element.matcher.entries_meeting(reading.prepared.resource, reading.context)


def _reach_of(match: Match, reading: Evaluation) -> Iterable[str]:
    element = match.statement.resource
    resource = reading.prepared.resource
    if element.matcher is None or element.negated:
        return (resource.text,)
    language = reading.language
    if element.matcher.hits_set(resource, Reach.COVERS, reading.context, language) is True:
        return (resource.text,)
    return element.matcher.entries_meeting(resource, reading.context)
