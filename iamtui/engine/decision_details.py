"""From a reading of all layers to what a Decision says: states, reasons, what blocks, what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Final

from msgspec import structs

from iamtui.engine.combined_layers import Evaluation, principal_rules
from iamtui.engine.condition_words import all_named, depends_text, first_of
from iamtui.engine.decision import Decision, Layer, LayerReport, Outcome, Reason, ResourceScope, StatementRef
from iamtui.engine.layer_reports import ignored_principals, layer_reports, statement_name, unproved_statements
from iamtui.engine.layers import GrantSide, LayerScan, Match
from iamtui.engine.possible_requests import carries
from iamtui.engine.prepared_request import owner_is_assumed
from iamtui.engine.request import WITH_IAM_POLICIES, Mode, PrincipalKind, Request, role_arn_of
from iamtui.engine.resource_sets import Scope, ScopeFinder, known_and_not_denied
from iamtui.engine.service_rules import granted_by_acl, names_only_root, without_resource_policy
from iamtui.policy.context import AtLeast, ConditionLeaf, Node, RequestContext, Truth, all_of, leaves, negate
from iamtui.policy.document import Statement
from iamtui.policy.patterns import parse_pieces, variable_names
from iamtui.policy.resource import ResourceKind
from iamtui.policy.statement import CompiledStatement, PrincipalRules, Strength, allow_strengths, deny_applies
from iamtui.policy.values import parse_operator
from iamtui.text import safe_text

# What is said with a reading: how the question was read, and what was taken for granted.


def notes(reading: Evaluation) -> Iterator[str]:
    """One sentence each on how the question was read."""
    yield from reading.request.notes
    yield from reading.prepared.notes
    yield from _notes_on_set(reading)
    yield from _note_on_types(reading)
    yield from _note_on_needs(reading)
    yield from _notes_on_ignored(reading)
    yield from ignored_principals(reading)


def _notes_on_set(reading: Evaluation) -> Iterator[str]:
    """Why a set of resources is denied, where no single statement says so."""
    if reading.among_known and reading.by_alias:
        yield "None of the keys behind these aliases lets this caller in and is granted to it."
    elif reading.among_known:
        yield "The account has no role among these that lets this caller in and that its own policies let it assume."
    elif reading.members and reading.refused is not None:
        yield f"Of these resources nothing is granted but {first_of(reading.granted) or 'what no policy can allow'}."
    elif reading.members and reading.deny is True and not reading.granted:
        yield "Each of these resources is denied, though not all of them by one statement."
    elif reading.members:
        named = f": {first_of(reading.granted)}" if reading.granted else ""
        yield (
            "What is granted of these resources is not let through, each part because of a Deny or of a policy that "
            f"does not allow it{named}."
        )
    if reading.is_unsettled:
        yield (
            "The patterns of these policies overlap in too many ways to tell whether one of these resources is "
            "allowed: ask about a smaller set, or about one resource."
        )


def _note_on_types(reading: Evaluation) -> Iterator[str]:
    """That what is granted of a set is of types that a call names besides others alone."""
    resource = reading.prepared.resource
    if resource.whole is None or reading.total is not False:
        return
    whole = resource.as_a_whole()
    granted: dict[str, None] = {}
    for layer, _, policies in reading.sets():
        for member in policies.about(reading.asked.action) if layer is Layer.IDENTITY else ():
            matcher = member.compiled.resource.matcher
            if member.compiled.allows and matcher is not None and not member.compiled.resource.negated:
                here = matcher.entries_meeting(resource, reading.context)
                meeting = matcher.entries_meeting(whole, reading.context)
                granted.update(dict.fromkeys(entry for entry in meeting if entry not in here))
    if granted:
        called = safe_text(reading.request.action, limit=256)
        yield f"Every call of {called} needs a resource of another type besides {first_of(tuple(granted))}."


def _note_on_needs(reading: Evaluation) -> Iterator[str]:
    """That one call needs other resources besides, or may need them."""
    needs = reading.prepared.facts.needs
    if not needs.each or (reading.total is False and not reading.lacking):
        return
    called = safe_text(reading.request.action, limit=256)
    every = all_named([need.name for need in needs.each])
    if reading.lacking and needs.is_known:
        yield f"Every call of {called} needs {every} at once: {reading.lacking}."
    elif reading.lacking:
        yield (
            f"The Service Authorization Reference requires {every} for {called}, though some calls may need fewer: if "
            f"one call needs all of them, this stands in the way: {reading.lacking}."
        )
    elif not reading.prepared.resource.needs:
        may = "needs" if needs.is_known else "may need"
        yield f"One call of {called} {may} {every} at once: this answers for what was named alone."


def _notes_on_ignored(reading: Evaluation) -> Iterator[str]:
    """The policies, and the entries in them, that have no say in this."""
    policies = reading.policies
    action = reading.prepared.action
    why = without_resource_policy(action, reading.request.principal.kind)
    if policies.resource is not None and why:
        if action.service == "sts":
            why = "A root user has no policy that lets callers in."
        elif action.service == "iam":
            why = "The policy of an IAM role is its trust policy, which only governs who may assume it."
        yield f"{why.removesuffix('.')}: the one given is ignored."
    for match in reading.resource.matches if reading.resource is not None else ():
        if _spared_but_for_boundary(match, reading):
            yield (
                f"The NotPrincipal of {statement_name(match)} lists the caller, which spares nobody who has a "
                "permissions boundary."
            )
    if reading.request.principal.kind not in WITH_IAM_POLICIES:
        if policies.identity or policies.boundaries or policies.session:
            yield "This caller has no identity, boundary or session policies: those given are ignored."
    elif policies.boundaries and reading.facts.service_linked:
        yield "Service-linked roles have no permissions boundary: the one given is ignored."


def assumptions(reading: Evaluation) -> Iterator[str]:
    """Assumptions of an evaluation, as "key = value" or a sentence."""
    request = reading.request
    principal = request.principal
    prepared = reading.prepared
    yield from request.assumptions
    if owner_is_assumed(request, prepared):
        yield f"the resource belongs to the caller's account {reading.owner}"
    if principal.kind is PrincipalKind.ROLE_SESSION and principal.role_arn is None:
        fixed = reading.facts.fixed_keys(anonymous_userid=reading.options.anonymous_userid)
        if reading.context.lookup("aws:principalarn") == fixed["aws:principalarn"]:
            yield f"the role has no path: aws:PrincipalArn = {role_arn_of(principal)}"
    if reading.scope_down is not None and principal.credentials is None:
        yield "the caller uses temporary credentials, which alone can be scoped down"
    if reading.free is not None and prepared.action.name == "getsessiontoken" and principal.credentials is None:
        yield "the caller uses long-term credentials"
    if prepared.action.full == "sts:assumeroot" and reading.total is not False:
        member = (
            f"account {reading.owner} is a member of the organization, which" if reading.owner else "the organization"
        )
        yield f"{member} has centralized root access enabled"
    if reading.admitted_by_assumption:
        which = "role's trust policy" if prepared.trust else "key's policy"
        yield f"each {which} lets the caller in (a set of resources has no policy of its own)"
    if reading.total is not False and names_only_root(prepared.action, principal, _endpoint_strengths(reading)):
        yield (
            "the VPC endpoint is an interface endpoint: a gateway endpoint whose policy names an account admits its "
            "root user alone"
        )


def _spared_but_for_boundary(match: Match, reading: Evaluation) -> bool:
    """True if a Deny with NotPrincipal hits the caller only because of its permissions boundary."""
    statement = match.statement.statement
    if match.statement.allows or statement.not_principals is None or not reading.caller.has_boundary:
        return False
    unbound = structs.replace(reading.caller, has_boundary=False)
    rules = principal_rules(reading, of_resource=match.layer is Layer.RESOURCE)
    return deny_applies(statement, unbound, rules) is False


def _endpoint_strengths(reading: Evaluation) -> set[Strength]:
    """By which forms the Allows of the endpoint's policies that match, or may match, reach the caller."""
    matches = reading.vpc_endpoint.matches if reading.vpc_endpoint is not None else ()
    return {
        strength
        for match in matches
        if match.statement.allows
        for strength in _forms(match.statement.statement, reading)
    }


def _forms(statement: Statement, reading: Evaluation) -> Iterable[Strength]:
    if statement.principals is None and statement.not_principals is None:
        return (Strength.WILDCARD,)
    return allow_strengths(statement, reading.caller, PrincipalRules())


# Which keys that nobody gave could change a decision.


_TAKE_VARIABLES: Final = ("string", "arn", "bool")


def open_keys(leaf: ConditionLeaf, context: RequestContext) -> tuple[str, ...]:
    """The keys that leave a leaf open, in the policies' spelling: its own, and those of variables in its values."""
    if leaf.unknown_operator:
        return ()
    names = {leaf.key.lower(): leaf.key} if ":" in leaf.key else {}
    operator = parse_operator(leaf.op)
    if operator is None:
        # A Resource or NotResource entry, where variables mean something behind the fifth colon.
        values = tuple(entry.split(":", 5)[-1] for entry in leaf.values)
    else:
        takes = not leaf.literal and operator.base.startswith(_TAKE_VARIABLES)
        values = leaf.values if takes else ()
    for value in values:
        names = {**variable_names(parse_pieces(value, variables=True)), **names}
    found = ((name, context.lookup(key)) for key, name in names.items())
    return tuple(name for name, value in found if not isinstance(value, tuple) or isinstance(value, AtLeast))


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
        if condition.operator is None and not compiled.allows:
            continue
        read = {condition.key: condition.line.key, **condition.variable_keys}
        unsaid = [name for key, name in read.items() if key and context.nobody_said(key)]
        if not unsaid and condition.test(context) is False:
            return ()
        names.update(dict.fromkeys(unsaid))
    return tuple(names)


class DecisionDetails(Decision):
    """Decision whose parts are put together from an evaluation when they are first read, and kept.

    A list of thousands shows little of each decision, and putting all of it together costs more than deciding.
    """

    @cached_property
    def _reading(self) -> Evaluation:
        raise NotImplementedError

    def _read_again(self, resource: str | None, *, everywhere: bool) -> Evaluation:
        """The same question about all of the request's set of resources (None), or about another resource."""
        raise NotImplementedError

    @cached_property
    def request(self) -> Request:
        return self._reading.request

    @cached_property
    def layers(self) -> tuple[LayerReport, ...]:
        return layer_reports(self._reading)

    @cached_property
    def blocked_by(self) -> tuple[Layer, ...]:
        """The layers that block a request which something does grant."""
        denied = self._reading.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY)
        return blocked_by(self._reading) if denied else ()

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        """Every layer that does not pass."""
        return reasons(self._reading) if self._reading.outcome is not Outcome.ALLOWED else ()

    @cached_property
    def identity_needed(self) -> bool:
        """True if nothing grants this without an identity policy that allows it."""
        if self._reading.outcome is Outcome.ALLOWED:
            return False
        return structs.replace(self._reading.side, boundary=True, session=True, identity=False).truth() is False

    @cached_property
    def matched(self) -> tuple[StatementRef, ...]:
        return tuple(_matched(self._reading, undetermined=self._reading.outcome is Outcome.DEPENDS))

    @cached_property
    def resource_scope(self) -> ResourceScope:
        """Extent of the decision over the request's resources."""
        scope: Scope | None = vars(self).get("_scope") or self._scope_by_known()
        return scope.scope if scope is not None else self._finder().kind()

    @cached_property
    def allowed_resources(self) -> tuple[str, ...]:
        return self._scope.resources

    @cached_property
    def denied_resources(self) -> tuple[str, ...]:
        """The resources or patterns of the request that a Deny takes out."""
        return self._scope.denied

    @cached_property
    def example_resource(self) -> str | None:
        """One of the request's resources on which the same question alone is allowed."""
        # Of the keys that one alias may stand for none is an example.
        return self._reading.witness if self._reading.by_known or not self._reading.by_alias else None

    @cached_property
    def depends_on(self) -> Node | None:
        total = self._reading.total
        return None if isinstance(total, bool) else total

    @cached_property
    def missing_context(self) -> tuple[str, ...]:
        """The keys nobody gave that matter for this request."""
        return missing_context(self._reading)

    @cached_property
    def assumptions(self) -> tuple[str, ...]:
        """Assumptions of the decision."""
        return tuple(assumptions(self._reading))

    @cached_property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._each_note())

    def _each_note(self) -> Iterator[str]:
        reading = self._reading
        yield from notes(reading)
        yield from self._scope.limits
        if reading.outcome is Outcome.ALLOWED:
            if self._scope.scope is ResourceScope.SOME:
                example = f", for example {safe_text(reading.witness, limit=512)}" if reading.witness else ""
                yield f"Allowed for at least one resource of the set asked about{example}."
        else:
            yield from _not_modelled(reading)
        if reading.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY):
            yield from _open_besides(reading)
        yield from unproved_statements(reading)
        yield from _notes_on_keys(reading)

    @cached_property
    def _scope(self) -> Scope:
        return self._scope_by_known() or self._finder().scope()

    def _scope_by_known(self) -> Scope | None:
        """How far a decision reaches that rests on known resources, or on keys behind an alias."""
        if self._reading.by_known and self._reading.total is not False:
            return Scope(ResourceScope.SOME, known_and_not_denied(self._reading))
        return Scope(ResourceScope.ONE) if self._reading.by_alias and self._reading.total is True else None

    def _finder(self) -> ScopeFinder:
        """Made anew each time: kept, it would close a cycle, and each decision would wait for the garbage collector."""
        return ScopeFinder(self._reading, self._everywhere, self._holds_everywhere, self._allowed_in_part)

    @cached_property
    def _everywhere(self) -> Evaluation | None:
        """For an allowed question about a set of resources: the same question about all of them."""
        reading = self._reading
        if reading.prepared.resource.kind is not ResourceKind.SET or reading.total is False:
            return None
        return self._read_again(None, everywhere=True)

    def _holds_everywhere(self, resource: str) -> bool:
        """True if the same question about another resource or pattern is allowed (here: may be) for all of it."""
        total = self._read_again(resource, everywhere=True).total
        return total is True or (self._reading.outcome is Outcome.DEPENDS and total is not False)

    def _allowed_in_part(self, resource: str) -> bool:
        """True if the same question about another resource or pattern is not denied for all of it."""
        return self._read_again(resource, everywhere=False).total is not False


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
    """Conditions that a denied request would still depend on without its certain denials."""
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
    found = [
        Reason(layer, "explicit", level, _level_name(reading, layer, level), _denying(scanned))
        if _denies(reading, layer, scanned)
        else Reason(layer, "implicit", level, _level_name(reading, layer, level))
        for layer, level, scanned in reading.scans
        if _denies(reading, layer, scanned) or _lacks_allow(reading, layer, scanned)
    ]
    not_granted = _is_not_granted(reading)
    if reading.resource is None and not_granted and _resource_side_counts(reading):
        found.insert(1 if found and found[0].layer is Layer.IDENTITY else 0, Reason(Layer.RESOURCE, "implicit"))
    if reading.session is None and not_granted and reading.side.session is False:
        found.append(Reason(Layer.SESSION, "implicit"))
    if reading.block_public_access_closes and reading.grant is not False:
        found.append(Reason(Layer.BLOCK_PUBLIC_ACCESS, "explicit"))
    if reading.refused is not None:
        found.append(Reason(Layer.SERVICE_RULE, "implicit"))
    return tuple(found)


def _denies(reading: Evaluation, layer: Layer, scanned: LayerScan | None) -> bool:
    """True if a Deny of a layer matches for certain and binds."""
    ignored = layer is Layer.RESOURCE and reading.resource_denies_ignored
    return scanned is not None and scanned.deny is True and not ignored


def _lacks_allow(reading: Evaluation, layer: Layer, scanned: LayerScan) -> bool:
    """True if a layer, which denies nothing, blocks the request by not allowing it."""
    if scanned.allow is not False or layer is Layer.RCP:
        return False
    if layer in _CAPS:
        return True
    counts = True
    if layer is Layer.IDENTITY:
        counts = not reading.side.resource_only and not reading.side.is_root
    elif layer is Layer.RESOURCE:
        counts = _resource_side_counts(reading)
    return counts and _is_not_granted(reading)


def _is_not_granted(reading: Evaluation) -> bool:
    return reading.grant is False and reading.free is None


def _reasons_together(reading: Evaluation) -> tuple[Reason, ...]:
    """The reasons for each of the resources that speak for a set, each layer with all of its Denies."""
    denying = {(layer, level): _denying(scanned) for layer, level, scanned in reading.scans}
    places = {layer: place for place, layer in enumerate(Layer)}
    found: dict[tuple[int, int, str], Reason] = {}
    for reason in (reason for member in reading.members for reason in reasons(member)):
        statements = denying.get((reason.layer, reason.level), ()) if reason.statements else ()
        found[places[reason.layer], reason.level or 0, reason.kind] = structs.replace(reason, statements=statements)
    return tuple(found[key] for key in sorted(found))


def _resource_side_counts(reading: Evaluation) -> bool:
    side = reading.side
    return side.any_grant is False and (reading.must_admit or not reading.same_account or side.resource_only)


def _level_name(reading: Evaluation, layer: Layer, level: int | None) -> str | None:
    if level is None:
        return None
    levels = reading.scps if layer is Layer.SCP else reading.rcps
    return next((found.name for found in levels or () if found.index == level), None)


def blocked_by(reading: Evaluation) -> tuple[Layer, ...]:
    """The layers that block a request which something does grant, sorted; empty when nothing grants it.

    A layer with a matching Deny is taken out, its Allows too; if what is left still grants (boundary treated as
    absent), the layers taken out and every cap that does not pass are what blocks. Of a set, those that stand in the
    way of some resource of it.
    """
    if reading.members:
        return tuple(sorted({layer for member in reading.members for layer in blocked_by(member)}))
    if reading.refused is not None:
        return ()
    granting = ((Layer.IDENTITY, reading.identity), (Layer.RESOURCE, reading.resource))
    taken_out = {layer for layer, scanned in granting if _denies(reading, layer, scanned)}
    if _denies(reading, Layer.SESSION, reading.session):
        return ()
    if reading.grant is False and not taken_out and reading.boundary is None:
        return ()
    side = structs.replace(
        reading.side,
        identity=False if Layer.IDENTITY in taken_out else reading.side.identity,
        strengths={} if Layer.RESOURCE in taken_out else reading.side.strengths,
        boundary=True,
    )
    return () if side.truth() is False else tuple(sorted({*taken_out, *_in_the_way(reading, side)}))


def _in_the_way(reading: Evaluation, side: GrantSide) -> Iterator[Layer]:
    """The layers that do not let through what is granted.

    Args:
        side: what grants it, the boundary aside.
    """
    for layer, _, scanned in reading.scans:
        if (layer in _CAPS and scanned.allow is False) or (layer in _ABOVE and scanned.deny is True):
            yield layer
    boundary = reading.boundary
    if boundary is not None and (
        boundary.deny is True or structs.replace(side, boundary=boundary.allow).truth() is False
    ):
        yield Layer.BOUNDARY
    if reading.block_public_access_closes:
        yield Layer.BLOCK_PUBLIC_ACCESS


_CAPS: Final = (Layer.SCOPE_DOWN, Layer.SCP, Layer.VPC_ENDPOINT)
_ABOVE: Final = (*_CAPS, Layer.RCP)
"""The layers that bind whoever grants the request; the caps have to allow it, too."""


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
    if reading.request.mode is not Mode.DISCOVER and reading.free is None:
        for name in sensitive_keys(reading) if reading.refused is None else _keys_of_rule(reading):
            found.setdefault(name.lower(), name)
    return tuple(sorted(found.values(), key=str.lower))


def _notes_on_keys(reading: Evaluation) -> Iterator[str]:
    """Condition keys that AWS does not list for the action, which its requests may lack all the same."""
    action = reading.request.action
    given = {key.lower(): key for key, values in reading.request.context.items() if values}
    read: set[str] = set()
    for _, _, policies in reading.sets() if given else ():
        read.update(*(member.compiled.keys for member in policies.about(reading.asked.action)))
    names = {key: name for key, name in given.items() if key in read}
    for name in (*names.values(), *(one for one in missing_context(reading) if one.lower() not in names)):
        is_of_provider = "." in name.partition(":")[0]
        if not is_of_provider and not carries(action, name.lower()):
            yield (
                f"AWS does not list {safe_text(name, limit=128)} among the condition keys of {action}; its lists are "
                "not complete, so whether requests carry it is not known."
            )


def _keys_of_rule(reading: Evaluation) -> Iterator[str]:
    """The keys that nobody gave, for want of which a service rule refuses the request."""
    for name in reading.rule.keys if reading.rule is not None else ():
        if reading.context.nobody_said(name.lower()):
            yield name
