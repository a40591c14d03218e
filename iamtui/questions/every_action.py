"""Every action of the catalogue on every resource (`*`), answered at once: allowed, depends or denied, as bits.

A statement is tested against all actions together, and a policy once for all who have it. Where resources of an action
may be answered differently, one of them has to be found, which is left to the evaluator.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from math import prod
from typing import Final, NamedTuple

from iamtui.account.model import Account
from iamtui.catalog.actions import ENGINE_CATALOGUE
from iamtui.engine.decision import Layer
from iamtui.engine.index.index_contexts import Contexts
from iamtui.engine.index.index_outcomes import IndexReading
from iamtui.engine.layers import reaches
from iamtui.engine.policy_holders import NOBODY, Bits, HeldPolicy, both, either, places
from iamtui.engine.possible_requests import place_of_resource
from iamtui.engine.prepared_request import tells_resources_apart
from iamtui.engine.request import MissingPolicy, NamedPolicy, partition_of
from iamtui.engine.service_rules import may_be_granted, uses_session_token
from iamtui.policy.context import RequestContext, Truth
from iamtui.policy.document import Statement
from iamtui.policy.patterns import parse_arn
from iamtui.policy.resource import Patterns, RequestResource, ResourceKind, ResourceMatcher, resource_policy_arn
from iamtui.policy.statement import CompiledStatement, PrincipalRules
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.questions.account_index import account_index
from iamtui.questions.action_classes import ActionKind, KindsOfService, action_space, is_of_some_calls, kinds_in
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.known_context import GLOBAL_SERVICES
from iamtui.questions.question import Question

_KNOWN: Final = (NamedPolicy, MissingPolicy)
_REGION: Final = "aws:requestedregion"
_MOST_TERMS: Final = 4
_MOST_POLICIES: Final = 16_384
_MOST_BINDINGS: Final = 64
_MANY: Final = 500
"""So many who have a policy, or more than there are values that tell everybody apart, are read by these values."""
_MOST_TRIED: Final = 32
"""How many entries of a statement are looked at for a resource that it names."""


class Permitted(NamedTuple):
    """Permissions of a principal, as bits over the actions; all others are denied.

    Args:
        left: of which only the evaluator can tell.
    """

    allowed: int = 0
    depends: int = 0
    left: int = 0


class _ActionEffects(NamedTuple):
    """Effects of statements of one layer, as bits over the actions.

    Args:
        differing: of whose resources they speak in different ways, so that one that is allowed has to be found.
        shown: of which the answer for one resource may be another than that for all, so that one has to be shown.
        limited: of which they speak for some resources alone, maybe for none of the action's; and those whose resources
            are known to differ in what conditions read.
    """

    allow: Bits = NOBODY
    deny: Bits = NOBODY
    differing: int = 0
    shown: int = 0
    limited: int = 0


_NOTHING: Final = _ActionEffects()


def _together(several: Iterable[_ActionEffects]) -> _ActionEffects:
    """Combined effects of statements, most of which have no effect for most principals."""
    effective = [effects for effects in several if effects is not _NOTHING]
    if len(effective) <= 1:
        return effective[0] if effective else _NOTHING
    # As `either`, of which thousands would be made; nothing is added of the most that most policies say nothing of.
    allow = may_allow = deny = may_deny = differing = shown = limited = 0
    for (allows, may), (denies, may_too), differs, shows, limits in effective:
        if allows:
            allow |= allows
        if may:
            may_allow |= may
        if denies:
            deny |= denies
        if may_too:
            may_deny |= may_too
        if differs:
            differing |= differs
        if shows:
            shown |= shows
        if limits:
            limited |= limits
    return _ActionEffects(Bits(allow, may_allow & ~allow), Bits(deny, may_deny & ~deny), differing, shown, limited)


class _VaryingStatement(NamedTuple):
    """A statement that tells principals apart.

    Args:
        whom: for whom its conditions hold, in each frame.
        about: on whose resources it is, and `differing`; None where that too depends on who asks.
        kept: where that does not, what it says by whether its conditions hold in each frame.
    """

    compiled: CompiledStatement
    actions: int
    whom: tuple[Bits, ...]
    about: tuple[Bits, int] | None
    kept: dict[tuple[bool | None, ...], _ActionEffects]


class _Policy(NamedTuple):
    """Effects of a policy on everybody, and its statements that depend on the principal."""

    effects: _ActionEffects
    varying: tuple[_VaryingStatement, ...]


class _Binding(NamedTuple):
    """The layers besides the policies of their own that bind principals with the same boundary.

    Args:
        whom: for whom conditions hold in them; what they say follows from that alone if it `is_alike`.
        kept: what they say, by which of these hold.
    """

    layers: tuple[tuple[Iterable[HeldPolicy], Layer], ...]
    whom: tuple[Bits, ...]
    is_alike: bool
    kept: dict[tuple[int, ...], _ActionEffects]


class _Frame(NamedTuple):
    """Actions for whose requests the same condition keys are known.

    Args:
        reading: of one of them.
        region: that of the requests, or "": where it is known, an action on `*` is asked about there.
    """

    actions: int
    reading: IndexReading
    region: str

    @property
    def contexts(self) -> Contexts:
        return self.reading.contexts


class EveryAction:
    """Permissions of an account's users and roles for every action, on the terms of one question."""

    def __init__(self, account: Account, terms: Question, now: datetime) -> None:
        """Take the terms, whose action and resource are not read."""
        self._account = account
        self._terms = terms
        self._now = now
        self.index = account_index(account)
        self.space = space = action_space()
        self._policies: dict[Layer, dict[HeldPolicy, _Policy]] = {}
        self._bindings: dict[tuple[HeldPolicy, ...], _Binding] = {}
        self._services: dict[str, KindsOfService] = {}
        self._frames: tuple[_Frame, ...] = ()
        self._scps: tuple[tuple[HeldPolicy, ...], ...] = ()
        self._rcps: tuple[tuple[HeldPolicy, ...], ...] = ()
        self._left = space.full
        is_global = space.of_services(GLOBAL_SERVICES)
        without_owner = space.without_resource_account & ~is_global
        parts = (space.full & ~is_global & ~without_owner, without_owner, is_global)
        found = [(part, self._first_reading(part)) for part in parts]
        readings = [(part, one) for part, one in found if one is not None and one.asked.within_account]
        if len(readings) < len(found):
            return
        asked = readings[0][1].asked
        levels = [
            self.index.levels(kind, given).levels
            for kind, given in ((PolicyType.SCP, asked.scps), (PolicyType.RCP, asked.rcps))
        ]
        if any(level.incomplete for each in levels for level in each):
            return
        self._frames = tuple(_Frame(part, reading, _region(reading.contexts)) for part, reading in readings)
        self._left = space.without_resource_account & is_global | space.of_aws
        # By whom known keys or roles let in, the actions that may be about one of them.
        self._by_members: dict[int, int] = {}
        for place in places(space.with_rules):
            self._look_at(space.name(place), 1 << place)
        self._scps, self._rcps = (tuple(level.policies for level in each) for each in levels)

    def _first_reading(self, part: int) -> IndexReading | None:
        """The reading of an action about no resource, whose condition keys are those of the others."""
        part &= self.space.without_type & ~self.space.with_rules
        if not self.index.principals:
            return None
        return self._evaluator(self.space.name((part & -part).bit_length() - 1)).reading(self.index)

    def _evaluator(self, action: str) -> QuestionEvaluator:
        return QuestionEvaluator(self._account, replace(self._terms, action=action, resource="*"), self._now)

    def _look_at(self, action: str, bit: int) -> None:
        """Find out whether only the evaluator can tell of an action for which more than policies may decide."""
        evaluator = self._evaluator(action)
        reading = evaluator.reading(self.index)
        forms = ENGINE_CATALOGUE.arn_forms(action)
        if (
            reading is None
            or (reading.prepared.resource.kind is ResourceKind.ONE and isinstance(reading.asked.resource, _KNOWN))
            or (forms and all(isinstance(form.region, str) and form.region for form in forms))
        ):
            self._left |= bit
            return
        let_in = evaluator.whom_members_let_in(self.index)
        if let_in is not None:
            self._by_members[let_in] = self._by_members.get(let_in, 0) | bit

    def of(self, place: int) -> Permitted:
        """Permissions of the principal of a place."""
        index, full = self.index, self.space.full
        if index.left >> place & 1 or not self._frames:
            return Permitted(left=full)
        own, binding = self._layer(index.held[place], Layer.IDENTITY, place), self._binding(place)
        grant, deny = both(own.allow, binding.allow), either(own.deny, binding.deny)
        rest = (grant.yes | grant.maybe) & ~deny.yes
        allowed = grant.yes & ~deny.yes & ~deny.maybe
        left = rest & ~grant.yes & deny.maybe
        left |= rest & (own.differing | binding.differing)
        left |= rest & (own.shown | binding.shown) & (allowed | own.limited | binding.limited)
        for let_in, actions in self._by_members.items():
            left |= actions if let_in >> place & 1 else actions & rest
        left |= self._left | (rest & self._by_credentials(place))
        return Permitted(allowed & ~left, rest & ~allowed & ~left, left)

    def _by_credentials(self, place: int) -> int:
        """The actions that may be refused for the credentials of a principal."""
        context = self._frames[-1].contexts.of_place(place)
        return self.space.by_credentials if uses_session_token(self.index.principals[place].principal, context) else 0

    def _binding(self, place: int) -> _ActionEffects:
        """Combined effects of boundary, SCPs and RCPs of a principal: all must allow, and any can deny."""
        bounds = self.index.bounds[place]
        binding = self._bindings.get(bounds)
        if binding is None:
            if len(self._bindings) >= _MOST_BINDINGS:
                self._bindings.clear()
            binding = self._bindings[bounds] = self._binding_those_with(bounds)
        if not binding.is_alike:
            return self._bound(binding, place)
        key = tuple([(yes >> place & 1) | (maybe >> place & 1) << 1 for yes, maybe in binding.whom])
        found = binding.kept.get(key)
        if found is None:
            if len(binding.kept) >= _MOST_BINDINGS:
                binding.kept.clear()
            found = binding.kept[key] = self._bound(binding, place)
        return found

    def _binding_those_with(self, bounds: tuple[HeldPolicy, ...]) -> _Binding:
        layers: list[tuple[Iterable[HeldPolicy], Layer]] = [(bounds, Layer.BOUNDARY)] if bounds else []
        layers += [(level, Layer.SCP) for level in self._scps]
        layers += [(level, Layer.RCP) for level in self._rcps]
        varying = [
            (one, layer) for policies, layer in layers for held in policies for one in self._held(held, layer).varying
        ]
        return _Binding(
            tuple(layers),
            tuple(whom for one, _ in varying for whom in one.whom if whom != NOBODY),
            all(
                one.about is not None and (layer is not Layer.RCP or one.compiled.reaches_everyone)
                for one, layer in varying
            ),
            {},
        )

    def _bound(self, binding: _Binding, place: int) -> _ActionEffects:
        allow, each = Bits(self.space.full), []
        for policies, layer in binding.layers:
            effects = self._layer(policies, layer, place)
            if layer is not Layer.RCP:
                allow = both(allow, effects.allow)
            each.append(effects)
        return _together(each)._replace(allow=allow)

    def _held(self, held: HeldPolicy, layer: Layer) -> _Policy:
        policies = self._policies.setdefault(layer, {})
        found = policies.get(held)
        if found is None:
            if len(policies) >= _MOST_POLICIES:
                policies.clear()
            found = policies[held] = self._policy(held, layer)
        return found

    def _layer(self, policies: Iterable[HeldPolicy], layer: Layer, place: int) -> _ActionEffects:
        """Effects of the policies of one layer, or level of it, on the principal of a place."""
        found: list[_ActionEffects] = []
        known = self._policies.setdefault(layer, {})
        for held in policies:
            policy = known.get(held) or self._held(held, layer)
            if policy.effects is not _NOTHING:
                found.append(policy.effects)
            for one in policy.varying:
                if layer is not Layer.RCP or one.compiled.reaches_everyone:
                    found.append(self._effects_on(one, layer, place))
                    continue
                caller = self.index.caller(place)
                reached = reaches(one.compiled, caller, Layer.RCP, PrincipalRules())
                if reached is not False:
                    effects = self._effects_on(one, layer, place)
                    deny = effects.deny if reached is True else Bits(0, effects.deny.yes | effects.deny.maybe)
                    found.append(effects._replace(deny=deny))
        return _together(found)

    def _policy(self, held: HeldPolicy, layer: Layer) -> _Policy:
        effects: list[_ActionEffects] = []
        varying: list[_VaryingStatement] = []
        reached = self.space.full & ~self._left
        if layer is Layer.RCP:
            reached &= self.space.under_rcps
        anyone = self._frames[0].contexts.anyone
        for statement in held.statements:
            actions = self.space.mask(held.compiled.actions[statement.number]) & reached
            compiled = statement.compiled if actions else None
            if compiled is None or (layer is Layer.RCP and compiled.allows):
                continue
            matcher = compiled.resource.matcher
            by_resource = matcher is not None and self._varies(matcher.variable_keys)
            about = None if by_resource else self._about(compiled, actions, layer, anyone)
            varies = self._varies(compiled.keys)
            whom = tuple(self._whom(compiled, actions, held.holders, frame) for frame in self._frames) if varies else ()
            one = _VaryingStatement(compiled, actions, whom, about, {})
            if varies or (layer is Layer.RCP and not compiled.reaches_everyone):
                varying.append(one)
            else:
                effects.append(self._effects_where(one, layer, self._truths_for_anyone(one), anyone))
        return _Policy(_together(effects), tuple(varying))

    def _varies(self, keys: Collection[str]) -> bool:
        return bool(keys) and any(frame.contexts.varying(keys) for frame in self._frames)

    def _whom(self, compiled: CompiledStatement, actions: int, holders: int, frame: _Frame) -> Bits:
        """For whom the conditions of a statement hold in a frame."""
        if not frame.actions & actions:
            return NOBODY
        found = Bits(holders)
        told = prod(len(frame.contexts.column(key)[0]) for key in frame.contexts.varying(compiled.keys))
        if holders.bit_count() > min(told, _MANY):
            for condition in compiled.conditions:
                found = both(found, frame.reading.holds(condition, found.yes | found.maybe))
            return found
        yes = maybe = 0
        for place in places(holders):
            truth = compiled.holds(frame.contexts.of_place(place))
            yes |= (truth is True) << place
            maybe |= (truth is not True and truth is not False) << place
        return Bits(yes, maybe)

    def _truths_for_anyone(self, one: _VaryingStatement) -> tuple[bool | None, ...]:
        """Truth of a statement's conditions in each frame, where they do not depend on the principal."""
        truths = (
            one.compiled.holds(frame.contexts.anyone) if frame.actions & one.actions else False
            for frame in self._frames
        )
        return tuple(truth if truth is True or truth is False else None for truth in truths)

    def _effects_on(self, one: _VaryingStatement, layer: Layer, place: int) -> _ActionEffects:
        """Effects of a principal-dependent statement on one principal."""
        truths: tuple[bool | None, ...]
        if one.whom:
            truths = tuple(
                [True if yes >> place & 1 else None if maybe >> place & 1 else False for yes, maybe in one.whom]
            )
        else:
            truths = self._truths_for_anyone(one)
        found = one.kept.get(truths)
        if found is None:
            context = self._frames[0].contexts.of_place(place)
            found = self._effects_where(one, layer, truths, context)
            if one.about is not None:
                one.kept[truths] = found
        return found

    def _effects_where(
        self, one: _VaryingStatement, layer: Layer, truths: Sequence[bool | None], context: RequestContext
    ) -> _ActionEffects:
        """Effects of a statement by the truth of its conditions in each frame: True, False, or None for perhaps."""
        compiled, actions = one.compiled, one.actions
        yes = maybe = 0
        for frame, truth in zip(self._frames, truths, strict=True):
            if truth is True:
                yes |= frame.actions & actions
            elif truth is None:
                maybe |= frame.actions & actions
        told_apart = limited = 0
        if any(map(tells_resources_apart, compiled.keys)):
            by_region = all(key == _REGION or not tells_resources_apart(key) for key in compiled.keys)
            for frame in self._frames:
                told_apart |= 0 if by_region and frame.region else frame.actions & actions
                limited |= frame.actions & actions if _REGION in compiled.keys and not frame.region else 0
            limited |= actions & self.space.told_by_resource
        counts = yes | maybe | told_apart
        about, differing = one.about or self._about(compiled, counts, layer, context)
        found = both(about, Bits(yes, maybe))
        shown = (about.yes | about.maybe | differing) & told_apart & ~self.space.without_type
        grants = layer is Layer.IDENTITY and compiled.allows and not compiled.resource.negated
        limited |= 0 if compiled.any_resource or grants else actions
        if any(map(is_of_some_calls, compiled.keys)):
            differing |= self._of_several_resources(counts & ~differing)
        allow, deny = (found, NOBODY) if compiled.allows else (NOBODY, found)
        effects = _ActionEffects(allow, deny, differing & counts, shown, limited)
        return _NOTHING if effects == _NOTHING else effects

    def _of_several_resources(self, actions: int) -> int:
        """Those of some actions of which one call needs several resources at once."""
        found = 0
        for service, here in self._services_of(actions):
            found |= sum(kind.actions & here for kind in service.kinds if kind.resource.needs) << service.offset
        return found

    def _about(
        self, compiled: CompiledStatement, actions: int, layer: Layer, context: RequestContext
    ) -> tuple[Bits, int]:
        """On whose resources a statement is, on some where it allows, on all where it denies; and `differing`."""
        if compiled.any_resource:
            return Bits(actions), 0
        matcher = compiled.resource.matcher
        patterns: Patterns | None = None
        examples: tuple[str, ...] = ()
        if matcher is not None and not compiled.resource.negated:
            patterns = matcher.patterns(context, DEFAULT_LANGUAGE_OPTIONS)
            if layer is Layer.IDENTITY and compiled.allows and not matcher.variable_keys:
                examples = self._examples(matcher)
        yes = maybe = differing = 0
        for service, here in self._services_of(actions):
            about = self._about_those_of(service, here, compiled, patterns, examples, context)
            yes, maybe, differing = (
                all_ | (part << service.offset) for all_, part in zip((yes, maybe, differing), about, strict=True)
            )
        return Bits(yes, maybe), differing

    def _about_those_of(
        self,
        service: KindsOfService,
        actions: int,
        compiled: CompiledStatement,
        patterns: Patterns | None,
        examples: Sequence[str],
        context: RequestContext,
    ) -> tuple[int, int, int]:
        """As `_about`, of some actions of a service.

        Args:
            patterns: of the entries that name resources; None where they name those that are not meant.
            examples: what an Allow names of which nothing is known.
        """
        shared = service.meeting(patterns.certain) if patterns is not None else 0
        maybe_shared = service.meeting(patterns.possible) if patterns is not None else 0
        yes = maybe = differing = 0
        for kind in service.kinds:
            here = kind.actions & actions
            if not here:
                continue
            resource = kind.resource
            is_set = resource.kind is ResourceKind.SET
            shares = not is_set or patterns is None or bool(kind.finals & (shared | maybe_shared))
            truth: Truth = shares
            # Found out of all kinds at once is what an Allow names for certain, and what no statement is about.
            if shares and not (is_set and compiled.allows and kind.finals & shared):
                truth = compiled.matches_resource(resource, context, DEFAULT_LANGUAGE_OPTIONS, everywhere=False)
            if truth is True:
                yes |= here
            elif truth is not False:
                maybe |= here
            if not is_set:
                continue
            if patterns is None and truth is False:
                shares = not compiled.allows and _denies_some(compiled, resource, context)
            if shares and not any(_is_granted(kind, text) for text in examples):
                differing |= here
        return yes, maybe, differing

    def _services_of(self, actions: int) -> Iterator[tuple[KindsOfService, int]]:
        """The services of some actions, with those as bits of the service."""
        for service in self.space.services_of(actions):
            found = self._services.get(service)
            if found is None:
                principal = self.index.principals[0].principal
                region, _ = place_of_resource(self._terms.context)
                asked = (partition_of(principal), principal.account or "", self._terms.resource_account, region)
                left = self.space.local(service, self._left)
                found = self._services[service] = kinds_in(service, left, *asked)
            yield found, self.space.local(service, actions)

    def _examples(self, matcher: ResourceMatcher) -> tuple[str, ...]:
        """Resources that entries name and of which nothing is known."""
        texts = map(self._example, matcher.texts[:_MOST_TRIED])
        return tuple(text for text in texts if text is not None and self._is_made_up(text))

    def _example(self, entry: str) -> str | None:
        """A resource that an entry names."""
        fields = entry.replace("?", "x").split(":", 5)
        region = self._frames[0].region
        if len(fields) < 6 or (region and fields[3] not in ("", "*", region)):
            return None
        defaults = ("arn", self._account.partition, "x", region or "us-east-1", self._account.id)
        head = (default if field == "*" else field for field, default in zip(fields, defaults, strict=False))
        return ":".join((*head, fields[5].replace("*", "x")))

    def _is_made_up(self, text: str) -> bool:
        """True if the account knows nothing of a resource."""
        arn = parse_arn(text)
        carrier = text if arn is None else resource_policy_arn(text, arn)
        return carrier not in self._account.resource_policies and self._account.by_arn(text) is None


def _denies_some(compiled: CompiledStatement, resource: RequestResource, context: RequestContext) -> bool:
    """True if a Deny may cover some resource of a set."""
    return compiled.matches_resource(resource, context, DEFAULT_LANGUAGE_OPTIONS, everywhere=True) is not False


def _is_granted(kind: ActionKind, text: str) -> bool:
    """True if a resource is one of a kind, and AWS does not refuse a grant on it."""
    return not kind.resource.needs and kind.resource.members.has(text) and may_be_granted(kind.first, text)


def _region(contexts: Contexts) -> str:
    value = contexts.anyone.lookup(_REGION)
    return value[0] if isinstance(value, tuple) and len(value) == 1 else ""


def every_action(account: Account, terms: Question, now: datetime) -> EveryAction:
    """Permissions of users and roles for every action, on the terms of a question; kept for as long as the account."""
    kept: dict[Hashable, EveryAction] = account.memo.setdefault("every action", {})
    second = int(now.timestamp()) if _reads_time(account) else 0
    policies = (terms.session_policies, terms.scope_downs)
    ways = (terms.mode, terms.region, terms.resource_account, policies, terms.layers_off, terms.made_now)
    key = (*ways, frozenset(terms.context.items()), second)
    found = kept.get(key)
    if found is None:
        if len(kept) >= _MOST_TERMS:
            kept.clear()
        found = kept[key] = EveryAction(account, terms, now)
    return found


def _reads_time(account: Account) -> bool:
    """True if a statement reads the time of a request."""
    found = account.memo.get("reads the time")
    if found is None:
        index = account_index(account)
        held = (one.compiled.sources for one in (*index.identity.policies, *index.boundary.policies))
        documents = (policy.document for level in account.organization_levels for policy in level.policies)
        binding = (document.policy.statements for document in documents if document.error is None)
        found = account.memo["reads the time"] = any(map(_is_about_time, chain(*held, *binding)))
    return bool(found)


def _is_about_time(statement: Statement) -> bool:
    read = ((line.key, *line.values) for line in statement.conditions)
    texts = chain(*read, statement.resources or (), statement.not_resources or ())
    return any(key in text for text in map(str.lower, texts) for key in ("currenttime", "epochtime", "tokenissuetime"))
