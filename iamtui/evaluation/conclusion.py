"""From a reading of all layers to what a Decision says: states, reasons, what blocks, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from iamtui.evaluation import reading_words
from iamtui.evaluation.all_layers import asked_by, read_all_layers
from iamtui.evaluation.decision import Layer, LayerReport, Outcome, Reason, ResourceScope, StatementRef
from iamtui.evaluation.layer_reports import layer_reports
from iamtui.evaluation.layers import LayerScan
from iamtui.evaluation.prepared import ActionCatalogue
from iamtui.evaluation.reading import Evaluation
from iamtui.evaluation.request import Mode, Request
from iamtui.evaluation.resource_scope import Scope, resource_scope
from iamtui.evaluation.resource_sets import known_and_not_denied
from iamtui.evaluation.sensitivity import open_keys, sensitive_keys
from iamtui.evaluation.services import granted_by_acl
from iamtui.evaluation.wording import depends_text
from iamtui.policy.formula import ConditionLeaf, Node, Truth, all_of, leaves, negate
from iamtui.policy.resource import ResourceKind
from iamtui.text import safe_text


class Conclusion:
    """What a Decision says besides its outcome, each part put together when it is asked for.

    A list of thousands shows little of each decision, and putting all of it together costs more than deciding.
    """

    __slots__ = ("_catalogue", "_reading", "_scope")

    def __init__(self, reading: Evaluation, catalogue: ActionCatalogue) -> None:
        """Take the reading of all layers."""
        self._reading = reading
        self._catalogue = catalogue
        self._scope: Scope | None = None

    def request(self) -> Request:
        """The question."""
        return self._reading.request

    def layers(self) -> tuple[LayerReport, ...]:
        """Every layer's state."""
        return layer_reports(self._reading)

    def blocked_by(self) -> tuple[Layer, ...]:
        """The layers that stand in the way of something that does grant this."""
        denied = self._reading.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY)
        return blocked_by(self._reading) if denied else ()

    def reasons(self) -> tuple[Reason, ...]:
        """Every layer that does not pass."""
        return reasons(self._reading) if self._reading.outcome is not Outcome.ALLOWED else ()

    def identity_needed(self) -> bool:
        """Whether nothing grants this without an identity policy that allows it."""
        if self._reading.outcome is Outcome.ALLOWED:
            return False
        return replace(self._reading.side, boundary=True, session=True, identity=False).truth() is False

    def matched(self) -> tuple[StatementRef, ...]:
        """Every statement that matched."""
        return tuple(_matched(self._reading, undetermined=self._reading.outcome is Outcome.DEPENDS))

    def resource_scope(self) -> ResourceScope:
        """For which of the resources asked about the decision holds."""
        return self._scope_found().scope

    def allowed_resources(self) -> tuple[str, ...]:
        """The resources or patterns where it holds."""
        return self._scope_found().resources

    def denied_resources(self) -> tuple[str, ...]:
        """The resources or patterns, among those asked about, that a Deny takes out."""
        return self._scope_found().denied

    def example_resource(self) -> str | None:
        """One of the resources asked about on which the same question, asked alone, is allowed."""
        return None if self._reading.by_alias else self._reading.witness

    def depends_on(self) -> Node | None:
        """What would have to hold."""
        total = self._reading.total
        return None if isinstance(total, bool) else total

    def missing_context(self) -> tuple[str, ...]:
        """The keys nobody gave that matter for this request."""
        return missing_context(self._reading)

    def assumptions(self) -> tuple[str, ...]:
        """What was taken for granted."""
        return tuple(reading_words.assumptions(self._reading))

    def notes(self) -> tuple[str, ...]:
        """One sentence each."""
        return tuple(self._each_note())

    def _each_note(self) -> Iterator[str]:
        reading = self._reading
        yield from reading_words.notes(reading)
        yield from self._scope_found().limits
        if reading.outcome is Outcome.ALLOWED:
            if self._scope_found().scope is ResourceScope.SOME:
                example = f", for example {safe_text(reading.witness, limit=512)}" if reading.witness else ""
                yield f"Allowed for at least one resource of the set asked about{example}."
        else:
            yield from _not_modelled(reading)
        if reading.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY):
            yield from _open_besides(reading)
        if reading.outcome is not Outcome.EXPLICIT_DENY:
            yield from reading_words.unsafe_denies(reading)

    def _scope_found(self) -> Scope:
        if self._scope is None and self._reading.by_alias and self._reading.total is True:
            self._scope = Scope(ResourceScope.ONE)
        if self._scope is None and self._reading.by_known and self._reading.total is not False:
            self._scope = Scope(ResourceScope.SOME, known_and_not_denied(self._reading))
        if self._scope is None:
            self._scope = resource_scope(
                self._reading, self._read_everywhere(), self._holds_everywhere, self._allowed_in_part
            )
        return self._scope

    def _read_everywhere(self) -> Evaluation | None:
        """For an allowed question about a set of resources: the same question about all of them."""
        reading = self._reading
        if reading.prepared.resource.kind is not ResourceKind.SET or reading.total is False:
            return None
        asked = reading.asked.everywhere_too()
        return read_all_layers(
            reading.request, reading.policies, reading.options, catalogue=self._catalogue, asked=asked
        )

    def _holds_everywhere(self, resource: str) -> bool:
        """Whether the same question about another resource or pattern is allowed (here: may be) for all of it."""
        total = self._read_about(resource, everywhere=True).total
        return total is True or (self._reading.outcome is Outcome.DEPENDS and total is not False)

    def _allowed_in_part(self, resource: str) -> bool:
        """Whether the same question about another resource or pattern is not denied for all of it."""
        return self._read_about(resource, everywhere=False).total is not False

    def _read_about(self, resource: str, *, everywhere: bool) -> Evaluation:
        reading = self._reading
        request = replace(reading.request, resource=resource)
        asked = asked_by(request, reading.options, catalogue=self._catalogue, everywhere=everywhere)
        return read_all_layers(request, reading.policies, reading.options, catalogue=self._catalogue, asked=asked)


def _not_modelled(reading: Evaluation) -> tuple[str, ...]:
    """Sources of permission that are not evaluated and could allow what is not allowed here."""
    if reading.deny is True or reading.refused is not None:
        return ()
    if reading.prepared.key:
        return ("KMS grants are not evaluated: a grant on the key could allow this.",)
    if reading.prepared.on_plain_bucket and granted_by_acl(reading.prepared.action):
        return ("S3 access control lists are not evaluated: one could allow this where they are enabled.",)
    return ()


def _open_besides(reading: Evaluation) -> Iterator[str]:
    """What a denied request would still depend on once nothing denies it for certain."""
    if reading.refused is not None:
        return
    waiting: list[Truth] = []
    for layer, _, scanned in reading.scans:
        if not isinstance(scanned.deny, bool) and not (layer is Layer.RESOURCE and reading.resource_denies_ignored):
            waiting.append(negate(scanned.deny))
        if layer not in (Layer.IDENTITY, Layer.RESOURCE) and not isinstance(scanned.allow, bool):
            waiting.append(scanned.allow)
    if reading.rule is not None:
        waiting.append(reading.rule.passes)
    besides = all_of(waiting)
    if not isinstance(besides, bool):
        words = depends_text(besides, reading.request)
        yield f"With what stands in the way changed, it would still be allowed only if {words}."


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
    """Every layer that does not pass, explicit denies and missing allows alike; of a set, for some resource of it."""
    if reading.members:
        return _reasons_together(reading)
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


def _reasons_together(reading: Evaluation) -> tuple[Reason, ...]:
    """The reasons for each of the resources that speak for a set, each layer with all of its Denies."""
    denying = {(layer, level): _denying(scanned) for layer, level, scanned in reading.scans}
    places = {layer: place for place, layer in enumerate(Layer)}
    found: dict[tuple[int, int, str], Reason] = {}
    for reason in (reason for member in reading.members for reason in reasons(member)):
        statements = denying.get((reason.layer, reason.level), ()) if reason.statements else ()
        found[places[reason.layer], reason.level or 0, reason.kind] = replace(reason, statements=statements)
    return tuple(found[key] for key in sorted(found))


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
    absent), the layers taken out and every cap that does not pass are what blocks. Of a set, those that stand in the
    way of some resource of it.
    """
    if reading.members:
        return tuple(sorted({layer for member in reading.members for layer in blocked_by(member)}))
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
    for leaf in leaves(reading.total):
        if isinstance(leaf, ConditionLeaf):
            for name in open_keys(leaf, reading.context):
                found.setdefault(name.lower(), name)
    if reading.request.mode is Mode.STRICT and reading.free is None:
        for name in sensitive_keys(reading) if reading.refused is None else _keys_of_rule(reading):
            found.setdefault(name.lower(), name)
    return tuple(sorted(found.values(), key=str.lower))


def _keys_of_rule(reading: Evaluation) -> Iterator[str]:
    """The keys that nobody gave, for want of which a service rule refuses the request."""
    for name in reading.rule.keys if reading.rule is not None else ():
        if reading.context.nobody_said(name.lower()):
            yield name
