"""From a reading of all layers to a Decision: states, reasons, what blocks, what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from iamtui.evaluation.decision import (
    Decision,
    Layer,
    Outcome,
    Reason,
    StatementRef,
)
from iamtui.evaluation.layer_reports import layer_reports
from iamtui.evaluation.layers import LayerScan
from iamtui.evaluation.reading import Evaluation
from iamtui.evaluation.request import Mode
from iamtui.evaluation.resource_scope import resource_scope
from iamtui.evaluation.sensitivity import sensitive_keys
from iamtui.policy.formula import ConditionLeaf, leaves
from iamtui.policy.resource import ResourceKind


def conclude(reading: Evaluation, everywhere: Evaluation | None, allowed_everywhere: Callable[[str], bool]) -> Decision:
    """Make the Decision of a reading.

    Args:
        everywhere: for a question about a set of resources, the reading that asks about all of them.
        allowed_everywhere: whether the same question about another resource or pattern is allowed for all of it.
    """
    outcome = reading.outcome
    denied = outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY)
    scope, allowed_resources, limits = resource_scope(reading, everywhere, allowed_everywhere)
    notes = [*reading.notes, *limits]
    if outcome is Outcome.ALLOWED and reading.prepared.resource.kind is ResourceKind.SET:
        notes = [*notes, "Allowed for at least one resource of the set asked about."]
    if outcome is not Outcome.ALLOWED:
        notes = [*notes, *_not_modelled(reading)]
    if outcome is not Outcome.EXPLICIT_DENY:
        notes = [*notes, *_unsafe_denies(reading)]
    total = reading.total
    return Decision(
        request=reading.request,
        outcome=outcome,
        layers=layer_reports(reading),
        blocked_by=blocked_by(reading) if denied else (),
        reasons=reasons(reading) if outcome is not Outcome.ALLOWED else (),
        matched=tuple(_matched(reading, undetermined=outcome is Outcome.DEPENDS)),
        resource_scope=scope,
        allowed_resources=allowed_resources,
        depends_on=None if isinstance(total, bool) else total,
        missing_context=missing_context(reading),
        assumptions=tuple(reading.assumptions),
        notes=tuple(notes),
        complete=not reading.not_evaluated,
    )


def _not_modelled(reading: Evaluation) -> tuple[str, ...]:
    """Sources of permission that are not evaluated and could allow what is not allowed here."""
    if reading.deny is True or reading.refused is not None:
        return ()
    if reading.prepared.key:
        return ("KMS grants are not evaluated: a grant on the key could allow this.",)
    if reading.prepared.on_plain_bucket:
        return ("S3 access control lists are not evaluated: one could allow this where they are enabled.",)
    return ()


def _unsafe_denies(reading: Evaluation) -> Iterator[str]:
    """Deny statements that do not match only because AWS has no such condition operator: what AWS does is not known."""
    prepared = reading.prepared
    for _, _, scanned in reading.scans:
        for member in scanned.unsafe:
            compiled = member.compiled
            about = compiled.matches_resource(prepared.resource, reading.context, reading.language, everywhere=False)
            if about is False or any(
                condition.operator is not None and condition.test(reading.context) is False
                for condition in compiled.conditions
            ):
                continue
            statement = compiled.statement
            yield (
                f"The Deny {statement.sid or f'statement {statement.index + 1}'} of {member.policy.name} has the "
                f"condition operator {', '.join(compiled.unknown_operators)}, which AWS does not have: it is taken not "
                "to match, and that cannot be proved."
            )


def _matched(reading: Evaluation, *, undetermined: bool) -> Iterator[StatementRef]:
    for _, _, scanned in reading.scans:
        if undetermined:
            for match in scanned.matches:
                yield match.ref
        else:
            yield from scanned.certain()


def _denying(scanned: LayerScan) -> tuple[StatementRef, ...]:
    return tuple(match.ref for match in scanned.matches if not match.statement.allows and match.truth is True)


def reasons(reading: Evaluation) -> tuple[Reason, ...]:
    """Every layer that does not pass, explicit denies and missing allows alike."""
    found: list[Reason] = []
    side = reading.side
    not_granted = reading.grant is False and reading.free is None
    for layer, level, scanned in reading.scans:
        ignored = layer is Layer.RESOURCE and reading.resource_denies_ignored
        if scanned.deny is True and not ignored:
            name = _level_name(reading, layer, level)
            found.append(Reason(layer, "explicit", level, name, _denying(scanned)))
            continue
        if scanned.allow is not False or layer is Layer.RCP:
            continue
        silent_counts = {
            Layer.IDENTITY: not_granted and not side.resource_only and not side.is_root,
            Layer.RESOURCE: not_granted and _resource_side_counts(reading),
            Layer.BOUNDARY: not_granted,
            Layer.SESSION: not_granted,
        }.get(layer, True)
        if silent_counts:
            found.append(Reason(layer, "implicit", level, _level_name(reading, layer, level)))
    if reading.resource is None and not_granted and _resource_side_counts(reading):
        found.insert(1 if found and found[0].layer is Layer.IDENTITY else 0, Reason(Layer.RESOURCE, "implicit"))
    if reading.session is None and not_granted and side.session is False:
        found.append(Reason(Layer.SESSION, "implicit"))
    if reading.block_public_access_closes and reading.grant is not False:
        found.append(Reason(Layer.BLOCK_PUBLIC_ACCESS, "explicit"))
    if reading.refused is not None:
        found.append(Reason(Layer.SERVICE_RULE, "implicit"))
    return tuple(found)


def _resource_side_counts(reading: Evaluation) -> bool:
    """Whether the silence of the resource side is a reason of its own."""
    side = reading.side
    return side.any_grant is False and (reading.must_admit or not reading.same_account or side.resource_only)


def _level_name(reading: Evaluation, layer: Layer, level: int | None) -> str | None:
    if level is None:
        return None
    levels = reading.scps if layer is Layer.SCP else reading.rcps
    return next((found.name for found in levels or () if found.index == level), None)


def blocked_by(reading: Evaluation) -> tuple[Layer, ...]:
    """The layers that stand in the way of something that does grant this, sorted; empty when nothing grants it.

    A layer with a matching Deny is taken out, its Allows too; if what is left still grants (boundary treated as
    absent), the layers taken out and every cap that does not pass are what blocks.
    """
    if reading.refused is not None:
        return ()
    identity_denies = reading.identity is not None and reading.identity.deny is True
    resource_denies = (
        reading.resource is not None and reading.resource.deny is True and not reading.resource_denies_ignored
    )
    if reading.session is not None and reading.session.deny is True:
        return ()
    if reading.grant is False and not identity_denies and not resource_denies and reading.boundary is None:
        return ()
    side = reading.side
    side = replace(
        side,
        identity=False if identity_denies else side.identity,
        strengths={} if resource_denies else side.strengths,
        boundary=True,
    )
    if side.truth() is False:
        return ()
    blocking: set[Layer] = set()
    if identity_denies:
        blocking.add(Layer.IDENTITY)
    if resource_denies:
        blocking.add(Layer.RESOURCE)
    if any(level.scan.deny is True or level.scan.allow is False for level in reading.scps or ()):
        blocking.add(Layer.SCP)
    if any(level.scan.deny is True for level in reading.rcps or ()):
        blocking.add(Layer.RCP)
    endpoint = reading.vpc_endpoint
    if endpoint is not None and (endpoint.deny is True or endpoint.allow is False):
        blocking.add(Layer.VPC_ENDPOINT)
    boundary = reading.boundary
    if boundary is not None and (boundary.deny is True or replace(side, boundary=boundary.allow).truth() is False):
        blocking.add(Layer.BOUNDARY)
    if reading.block_public_access_closes:
        blocking.add(Layer.BLOCK_PUBLIC_ACCESS)
    return tuple(sorted(blocking))


def missing_context(reading: Evaluation) -> tuple[str, ...]:
    """The keys nobody gave that could change this decision, in the spelling of the policies.

    A key matters when a statement about this action and resource reads it, nothing else settles that
    statement, and the statement could still change what its layer says.
    """
    found: dict[str, str] = {}
    for name in (leaf.key for leaf in leaves(reading.total) if isinstance(leaf, ConditionLeaf) and leaf.key):
        found.setdefault(name.lower(), name)
    if reading.request.mode is Mode.STRICT and reading.free is None and reading.refused is None:
        for name in sensitive_keys(reading, (scanned for _, _, scanned in reading.scans)):
            found.setdefault(name.lower(), name)
    return tuple(sorted(found.values(), key=str.lower))
