"""Search for an allowed resource in a set (ours: AWS never sees such a request).

The layers are read for the set as a whole first, each statement at its most favourable: an Allow counts where it is
about some resource of the set, a Deny only where it is about all. No resource is allowed beyond that; yet statements
may be favourable each about another resource. So the answer stands only once one resource is found that it holds for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct

from iamtui.engine.combined_layers import Evaluation, KnownMembers
from iamtui.engine.condition_words import MOST_NAMED, all_named, first_of
from iamtui.engine.decision import Layer, Outcome, ResourceScope
from iamtui.engine.layer_reports import statement_name
from iamtui.engine.layers import LayerScan, LevelScan, LevelsScan, Match, missing_allow
from iamtui.engine.representatives import any_of_set, likely, may_differ, spellings, surroundings, told_apart
from iamtui.engine.request import NotEvaluated
from iamtui.engine.service_rules import refused_in_part
from iamtui.policy.context import And, ConditionLeaf, MissingLeaf, Or, Truth, all_of, any_of
from iamtui.policy.patterns import request_tokens
from iamtui.policy.resource import Reach, RequestResource, ResourceKind, ResourceMatcher, ResourceSet

_GRANTING: Final = (Layer.IDENTITY, Layer.RESOURCE)
_MOST_REMEMBERED: Final = 32_768
_MOST_REGIONS: Final = 64
_MOST_REPRESENTATIVES: Final = 64
"""Most known resources that explain an answer about a set."""


def resolve_set(reading: Evaluation, about: Callable[[str], Evaluation]) -> Evaluation:
    """Evaluation of a set resolved by its resources, one by one as far as they differ.

    Args:
        reading: of the set as a whole.
        about: reads the same question about one resource of the set.
    """
    known = reading.known_members
    all_known = known is not None and known.are_all(reading)
    if all_known:
        # Each of them has a policy, which is known.
        reading.not_evaluated.pop(Layer.RESOURCE, None)
    if known is not None and not _is_uniform(reading):
        by_known = resolve_by_known(reading, known, about)
        if by_known is not None:
            return by_known
    if reading.total is False and reading.outcome is Outcome.EXPLICIT_DENY and reading.deny is not True:
        # The gate closes what both sides grant; the rest may be granted by one of them.
        _summarize_members(reading, about, ())
    if reading.total is False or (reading.total is not True and not may_differ(reading)):
        return reading
    return _test_members(reading, about)


def _test_members(reading: Evaluation, about: Callable[[str], Evaluation]) -> Evaluation:
    """Evaluation of a set, some of which may be allowed, tested on resources that represent all of it."""
    ways: list[Truth] = []
    granted: Truth = False
    for text in likely(reading):
        single = about(text)
        if single.total is True:
            return _shown_by(reading, text)
        ways.append(_of_the_set(single.total))
        if ways[-1] == reading.total:
            return reading
        if reading.total is not True and _same(single.deny, reading.deny) and _same(single.caps, reading.caps):
            granted = any_of((granted, _of_the_set(single.grant)))
            if _same(granted, reading.grant):
                return reading
    found = told_apart(reading, denied_too=False)
    is_open = not found.complete
    for text in found.texts:
        single = about(text)
        if single.total is True:
            witness = next(_allowed_spellings(text, reading, about), None)
            if witness is not None:
                return _shown_by(reading, witness)
            is_open = True
            continue
        ways.append(_of_the_set(single.total))
        if ways[-1] == reading.total:
            return reading
    if is_open:
        reading.is_unsettled = True
        ways.append(ConditionLeaf("Resource", "", (reading.prepared.resource.text,)))
    reading.total = any_of(ways)
    if reading.total is False:
        _summarize_members(reading, about, found.texts)
    return reading


def require_all_resource_types(reading: Evaluation, read: Callable[..., Evaluation]) -> Evaluation:
    """Evaluation of a set of which one call needs several resources at once: each of them has to be allowed.

    Where it is not known whether every call needs all of them, the answer waits for that.

    Args:
        read: reads the same question as `asked`, such as about what one of them may be.
    """
    if not reading.prepared.resource.needs or reading.total is False or not may_differ(reading):
        return reading
    names = [name for name, _ in reading.prepared.resource.needs]
    parts = [read(asked=asked) for asked in reading.asked.about_each_need()]
    every = all_of(part.total for part in parts)
    where = "" if every is not True or _share_a_region(reading, parts, read) else " of one Region"
    if where:
        every = False
    if _same(every, reading.total):
        return reading
    reading.witness = None
    denied = [part for part in parts if part.total is False]
    lacking = _words_of_lacking([name for name, part in zip(names, parts, strict=True) if part in denied], where)
    reading.lacking = lacking
    if where or not reading.prepared.facts.needs.is_known:
        called = f"{all_named(names)}{where} in one call of {reading.request.action}"
        reading.total = any_of((every, all_of((reading.total, MissingLeaf(called, "", effect="Apart")))))
        return reading
    if not denied:
        reading.total = every
        return reading
    decisive = next((part for part in denied if part.outcome is Outcome.EXPLICIT_DENY), denied[0])
    decisive.lacking = lacking
    return decisive


def _words_of_lacking(denied: Sequence[str], where: str) -> str:
    if where:
        return "no Region is known in which all of them are allowed"
    if not denied:
        return "not all of them are allowed without conditions"
    return f"{first_of(denied)} {'is' if len(denied) == 1 else 'are'} not allowed"


def _share_a_region(reading: Evaluation, parts: Sequence[Evaluation], read: Callable[..., Evaluation]) -> bool:
    """True if one Region allows everything that one call needs, as far as the policies name Regions."""
    witnesses = [_region_of(part.witness or "") for part in parts]
    regions = dict.fromkeys(region for region in (surroundings(reading).region, *witnesses) if region)
    if len({*witnesses} - {""}) < 2:
        return True
    entries = _entries([scanned for _, _, scanned in reading.scans], reading)
    regions |= dict.fromkeys(region for region in map(_region_of, entries) if region.replace("-", "").isalnum())
    return any(
        all(
            witness in ("", region) or read(asked=part.asked.about_region(region)).total is True
            for part, witness in zip(parts, witnesses, strict=True)
        )
        for region in islice(regions, _MOST_REGIONS)
    )


def _region_of(text: str) -> str:
    return text.split(":", 4)[3] if text.count(":") > 3 else ""


def _shown_by(reading: Evaluation, witness: str) -> Evaluation:
    reading.witness = witness
    reading.total = True
    return reading


def _allowed_spellings(text: str, reading: Evaluation, about: Callable[[str], Evaluation]) -> Iterator[str]:
    """The text in characters that names have, as far as the answer stays the same."""
    for spelling in dict.fromkeys(spellings(text, surroundings(reading))):
        if reading.prepared.resource.members.has(spelling) and about(spelling).total is True:
            yield spelling


def known_and_not_denied(reading: Evaluation) -> tuple[str, ...]:
    """The known resources of a set on which the answer holds, as far as it was looked for them."""
    known = reading.known_members
    if known is None or reading.about is None:
        return ()
    about, is_allowed = reading.about, reading.total is True
    read = ((text, about(reading, text).total) for text in islice(known.texts(reading), _MOST_REPRESENTATIVES))
    return tuple(text for text, total in read if (total is True if is_allowed else total is not False))


def _is_uniform(reading: Evaluation) -> bool:
    """True if the answer is the same for all resources of the set, whatever their own policies say."""
    return reading.deny is True or reading.caps is False or reading.refused is not None or reading.free is not None


def resolve_by_known(reading: Evaluation, known: KnownMembers, about: Callable[[str], Evaluation]) -> Evaluation | None:
    """Evaluation of a set by its known resources; None where these do not decide it."""
    members: list[Evaluation] = []
    for text in known.texts(reading):
        single = about(text)
        if single.total is True:
            _take_layers(reading, (single,))
            reading.grant, reading.deny, reading.caps = single.grant, single.deny, single.caps
            reading.by_known = True
            return _shown_by(reading, text)
        members.append(single)
        if len(members) == _MOST_REPRESENTATIVES:
            break
    if known.are_all(reading) or (reading.total is False and any(member.total is not False for member in members)):
        return _of_known(reading, tuple(members))
    return None


def _of_known(reading: Evaluation, members: tuple[Evaluation, ...]) -> Evaluation:
    """The reading of a set of which all resources are known.

    Args:
        members: those that may be allowed; none is for certain.
    """
    known = reading.known_members
    unlisted = known.unlisted if known is not None and reading.prepared.trust else None
    # As if each of them let the caller in.
    favourable, grant = reading.total, reading.grant
    reading.by_known = True
    if members:
        _take_layers(reading, members)
    else:
        reading.not_evaluated.pop(Layer.RESOURCE, None)
    reading.must_admit = True
    reading.admitted_by_assumption = False
    reading.forget_sums()
    reading.grant = any_of(member.grant for member in members)
    reading.total = any_of(member.total for member in members)
    if unlisted is not None and favourable is not False:
        leaf = missing_allow(Layer.RESOURCE, unlisted)
        reading.grant = any_of((reading.grant, all_of((grant, leaf))))
        reading.total = any_of((reading.total, all_of((favourable, leaf))))
        reading.not_evaluated[Layer.RESOURCE] = NotEvaluated(unlisted.reason, unlisted.permission)
    if reading.total is False:
        reading.among_known = True
        reading.members = members
        granting = tuple(filter(_grants, members))
        reading.deny = bool(granting) and all(member.outcome is Outcome.EXPLICIT_DENY for member in granting)
    return reading


def _same(one: Truth, other: Truth) -> bool:
    return one == other or (isinstance(one, Or) and isinstance(other, Or) and set(one.parts) == set(other.parts))


def _of_the_set(truth: Truth) -> Truth:
    """Truth for one resource, rephrased for the set where it depends on entries with unknown variables."""
    if isinstance(truth, And):
        return all_of([_of_the_set(part) for part in truth.parts])
    if isinstance(truth, Or):
        return any_of([_of_the_set(part) for part in truth.parts])
    if not isinstance(truth, ConditionLeaf) or not truth.of_resource or truth.source is None:
        return truth
    whole = (truth.source.effect == "Deny") is (truth.op == "Resource")
    return ConditionLeaf(truth.op, truth.key, truth.values, truth.holds, truth.literal, truth.source, whole)


def _summarize_members(reading: Evaluation, about: Callable[[str], Evaluation], texts: tuple[str, ...]) -> None:
    """Fill the evaluation of a denied set with the obstacles of each granted member.

    Args:
        texts: resources of the set that no Deny is known to match.
    """
    found = told_apart(reading, denied_too=True)
    if not found.complete:
        found = found._replace(texts=tuple(dict.fromkeys((*texts, *found.texts))))
    members = tuple(about(text) for text in found.texts or (any_of_set(reading),))
    if reading.block_public_access_closes:
        # It closes the buckets among them; what else there is, as access points, says nothing of why.
        members = tuple(member for member in members if member.block_public_access_closes) or members
    reading.granted = tuple(dict.fromkeys(_granted(reading)))
    reading.members = members
    _take_layers(reading, members)
    reading.grant = any_of(member.grant for member in members)
    reading.caps = all_of(member.caps for member in members)
    granting = list(filter(_grants, members))
    # What AWS refuses to everybody says nothing of the others.
    open_to_some = [member for member in members if member.refused is None]
    if granting and all(member.refused is not None for member in granting):
        reading.rule = granting[0].rule
        open_to_some = list(members)
    # Where nothing may be granted after all, no Deny decides.
    reading.deny = bool(granting) and all(member.outcome is Outcome.EXPLICIT_DENY for member in open_to_some)


def _take_layers(reading: Evaluation, members: tuple[Evaluation, ...]) -> None:
    """Make the reading of a set say of each layer what it says of some resources of it."""
    reading.identity = _together(Layer.IDENTITY, (member.identity for member in members))
    reading.resource = _together(Layer.RESOURCE, (member.resource for member in members))
    reading.session = _together(Layer.SESSION, (member.session for member in members))
    reading.scope_down = _together(Layer.SCOPE_DOWN, (member.scope_down for member in members))
    reading.boundary = _together(Layer.BOUNDARY, (member.boundary for member in members))
    reading.vpc_endpoint = _together(Layer.VPC_ENDPOINT, (member.vpc_endpoint for member in members))
    reading.scp_levels = _levels_together(Layer.SCP, (member.scp_levels for member in members))
    reading.rcp_levels = _levels_together(Layer.RCP, (member.rcp_levels for member in members))
    reading.must_admit = any(member.must_admit for member in members)
    reading.admitted_by_assumption = any(member.admitted_by_assumption for member in members)
    reading.not_evaluated = {layer: why for member in members for layer, why in member.not_evaluated.items()}
    reading.forget_sums()


def _grants(single: Evaluation) -> bool:
    """True if a granting statement covers a resource for certain; a root user needs none."""
    sides = (single.identity, single.resource)
    return single.side.is_root or any(scanned is not None and scanned.allow is True for scanned in sides)


def _granted(reading: Evaluation) -> Iterator[str]:
    """The entries that grant some of the set; none where all of it is granted."""
    resource = reading.prepared.resource
    for scanned in (reading.identity, reading.resource):
        for match in scanned.matches if scanned is not None else ():
            matcher = match.statement.resource.matcher
            if not match.statement.allows or matcher is None or match.statement.resource.negated:
                continue
            if matcher.hits_set(resource, Reach.COVERS, reading.context, reading.language) is False:
                yield from matcher.entries_meeting(resource, reading.context)


def _together(layer: Layer, found: Iterable[LayerScan | None]) -> LayerScan | None:
    """Scan of a layer over several resources: it denies where it denies one, and caps where it caps one."""
    scans = [scanned for scanned in found if scanned is not None]
    if not scans:
        return None
    result = LayerScan(scans[0].missing)
    matches: dict[tuple[int, int], Match] = {}
    policies: dict[int, int] = {}
    for match in (match for scanned in scans for match in scanned.matches):
        policy = policies.setdefault(id(match.policy), len(policies))
        key = (policy, match.statement.statement.index)
        if key not in matches or matches[key].truth is not True:
            matches[key] = match
    result.matches = [matches[key] for key in sorted(matches)]
    allows = [scanned.allow for scanned in scans]
    result.allow = any_of(allows) if layer in _GRANTING else all_of(allows)
    result.deny = any_of(scanned.deny for scanned in scans)
    result.partly = result.allow is False and any(allow is not False for allow in allows)
    for strength in dict.fromkeys(strength for scanned in scans for strength in scanned.strengths):
        result.strengths[strength] = any_of(scanned.strengths.get(strength, False) for scanned in scans)
    return result


def _levels_together(layer: Layer, found: Iterable[LevelsScan | None]) -> LevelsScan | None:
    levels = [one.levels for one in found if one is not None]
    return LevelsScan(tuple(_level_together(layer, each) for each in zip(*levels, strict=True))) if levels else None


def _level_together(layer: Layer, each: Sequence[LevelScan]) -> LevelScan:
    scanned = _together(layer, (level.scan for level in each))
    return LevelScan(each[0].index, each[0].name, scanned if scanned is not None else each[0].scan)


# For a question about a set of resources: whether the answer holds for all of them, or for which.


_MOST_TRIED: Final = 32
"""Most patterns that are evaluated to find where the answer holds as a whole."""
_FEWEST_TRIED: Final = 4
_MOST_COMPARED: Final = 16_000
"""Most patterns compared for that in all; `_FEWEST_TRIED` are evaluated in any case."""


class Scope(Struct, frozen=True):
    """Extent of a decision about a set of resources.

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


class ScopeFinder(Struct, frozen=True):
    """Search for the extent of a decision over a set of resources.

    Where a cap or a Deny takes part of the set out, or two layers have to grant it together, the patterns that are
    allowed as a whole are looked for; when there is none, those of the granting policies stand with a note that says
    that not all of them is allowed.

    Args:
        everywhere: the reading that asks about all resources of the set; None for one resource.
        holds_everywhere: whether the decision holds for all that another pattern stands for.
        allowed_in_part: whether it is not denied for all that another pattern stands for.
    """

    reading: Evaluation
    everywhere: Evaluation | None
    holds_everywhere: Callable[[str], bool]
    allowed_in_part: Callable[[str], bool]

    def kind(self) -> ResourceScope:
        """Extent of the decision over the request's resources, without their names, which take longer."""
        everywhere, outcome = self.everywhere, self.reading.outcome
        if everywhere is None or outcome not in (Outcome.ALLOWED, Outcome.DEPENDS):
            return ResourceScope.ONE
        if everywhere.total is True or (outcome is Outcome.DEPENDS and everywhere.total == self.reading.total):
            return ResourceScope.ALL
        return ResourceScope.SOME

    def scope(self) -> Scope:
        reading, everywhere = self.reading, self.everywhere
        outcome = reading.outcome
        kind = self.kind()
        if everywhere is None or kind is ResourceScope.ONE:
            return _ONE
        if kind is ResourceScope.ALL:
            return self._whole()
        scans = (scanned for _, _, scanned in everywhere.scans)
        denying = [match for scanned in scans for match in scanned.matches if not match.statement.allows]
        denied = tuple(dict.fromkeys(entry for match in denying for entry in _named_by(match, reading, negated=False)))
        capping = tuple(dict.fromkeys(_capping(everywhere)))
        limits = list(_limits(denying, reading))
        if not (denying or capping):
            found = self._granted_by_both(limits)
        elif outcome is Outcome.DEPENDS:
            left = (
                entry for entry in self._granted() if not _is_taken_out(entry, denying[: self._most_tried], reading)
            )
            found = tuple(left) or self._granted()
        else:
            found = self._let_through(denying, capping, limits)
        return Scope(ResourceScope.SOME, found, denied, tuple(limits))

    @property
    def _most_tried(self) -> int:
        """Number of patterns to evaluate: fewer where each is compared with thousands."""
        matches = (match for _, _, scanned in self.reading.scans for match in scanned.matches)
        matchers = (match.statement.resource.matcher for match in matches)
        entries = sum(len(matcher.texts) for matcher in matchers if matcher is not None)
        return max(_FEWEST_TRIED, min(_MOST_TRIED, _MOST_COMPARED // max(entries, 1)))

    def _whole(self) -> Scope:
        prepared = self.reading.prepared
        refused = refused_in_part(prepared.action, prepared.resource.as_a_whole())
        limits = tuple(f"Not on all of these: {why}" for why in refused)
        return Scope(ResourceScope.ALL, (prepared.resource.text,), limits=limits)

    def _granting(self) -> list[LayerScan]:
        return [scanned for scanned in (self.reading.identity, self.reading.resource) if scanned is not None]

    def _granted(self) -> tuple[str, ...]:
        granting = self._granting()
        if self.reading.outcome is Outcome.ALLOWED:
            # What only some condition would allow besides is not where it is allowed.
            certain = dict.fromkeys(_entries(granting, self.reading, certain=True))
            if certain:
                return tuple(certain)
        return tuple(dict.fromkeys(_entries(granting, self.reading)))

    def _granted_by_both(self, limits: list[str]) -> tuple[str, ...]:
        """Granted resources where nothing but the granting policies limits them; part by part if both have to grant."""
        granted, granting = self._granted(), self._granting()
        sides = self._parts(granted)
        both = len(granting) > 1 and len(sides) > 0
        if both and all(any(_entries([scanned], self.reading)) for scanned in granting):
            granted = tuple(filter(self.holds_everywhere, sides[: self._most_tried]))
        if not granted:
            limits.append("Not all of these resources are allowed: only those that both policies name.")
        return granted or sides

    def _let_through(self, denying: list[Match], capping: tuple[Layer, ...], limits: list[str]) -> tuple[str, ...]:
        """Resources that are allowed as a whole, in spite of Denies and caps; else the granted ones."""
        reading, granted = self.reading, self._granted()
        scans = [scanned for layer, _, scanned in reading.scans if layer in capping]
        spared = (entry for match in denying for entry in _named_by(match, reading, negated=True))
        candidates = self._parts((*granted, *_entries(scans, reading), *spared))
        whole = tuple(filter(self.holds_everywhere, candidates[: self._most_tried]))
        if whole:
            return whole
        if capping:
            words = ", ".join(layer.value for layer in capping)
            limits.append(f"Not all of these resources are allowed: {words} allows only some of them.")
        asked = reading.prepared.resource.text
        in_part = (entry for entry in granted[: self._most_tried] if entry == asked or self.allowed_in_part(entry))
        return tuple(in_part) or granted

    def _parts(self, entries: tuple[str, ...]) -> tuple[str, ...]:
        """The entries that differ from the request's whole resource."""
        asked = self.reading.prepared.resource.text
        return tuple(entry for entry in dict.fromkeys(entries) if entry != asked)


def _is_taken_out(entry: str, denying: Iterable[Match], reading: Evaluation) -> bool:
    """True if one Deny certainly takes out everything an entry matches."""
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
    """Sentences on the request's resources that Denies take out, the first Denies in full."""
    said = list(dict.fromkeys(_deny_words(match, reading) for match in denying))
    yield from said[:MOST_NAMED]
    if len(said) > MOST_NAMED:
        yield f"{len(said) - MOST_NAMED:,} more Denies take out, or may take out, some of these resources."


def _deny_words(match: Match, reading: Evaluation) -> str:
    """Sentence on the request's resources that a Deny takes out."""
    name = f"{statement_name(match)} ({match.ref.layer.value})"
    element = match.statement.resource
    if element.matcher is not None and element.negated:
        where = f"all but {first_of(element.matcher.texts)}"
    else:
        where = first_of(_named_by(match, reading, negated=False)) or "some of these resources"
    return f"Not allowed on {where}: {name} {'denies' if match.truth is True else 'may deny'} it."


def _entries(scanned: Iterable[LayerScan], reading: Evaluation, *, certain: bool = False) -> Iterator[str]:
    """Entries of some layers' Allows within the request's set."""
    asked_about, known = (reading.prepared.resource.text,), reading.asked.of_set.meeting
    for one in scanned:
        for match in one.matches:
            statement = match.statement
            if not statement.allows or (certain and match.truth is not True):
                continue
            matcher = None if statement.resource.negated else statement.resource.matcher
            if matcher is None:
                yield from asked_about
                continue
            # Callers have thousands of statements together, of which most were seen before.
            entries, is_whole = known.get(matcher) or _meeting(matcher, reading)
            yield from asked_about if is_whole else entries


def _named_by(match: Match, reading: Evaluation, *, negated: bool) -> tuple[str, ...]:
    """The entries of a Resource (or NotResource) element that share a resource with the request's set."""
    element = match.statement.resource
    if element.matcher is None or element.negated is not negated:
        return ()
    return _meeting(element.matcher, reading)[0]


def _meeting(matcher: ResourceMatcher, reading: Evaluation) -> tuple[tuple[str, ...], bool]:
    """The entries that share a resource with the request's set, and True if they cover all of it."""
    known = reading.asked.of_set.meeting
    found = known.get(matcher)
    if found is None:
        resource, context = reading.prepared.resource.as_a_whole(), reading.context
        is_whole = matcher.hits_set(resource, Reach.COVERS, context, reading.language) is True
        found = matcher.entries_meeting(resource, context), is_whole
        # The same for all who ask, and it takes comparing pattern with pattern.
        if not matcher.variable_keys:
            if len(known) >= _MOST_REMEMBERED:
                known.clear()
            known[matcher] = found
    return found
