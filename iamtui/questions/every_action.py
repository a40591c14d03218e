"""Every action of the catalogue on every resource (`*`), answered at once: allowed, depends or denied, as bits.

A statement is held against all actions together, and a policy once for all who have it. Where resources of an action
may be answered differently, one of them has to be found, which is left to the evaluator.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

from iamtui.account.model import Account
from iamtui.catalog.actions import ENGINE_CATALOGUE
from iamtui.engine.credential_rules import uses_session_token
from iamtui.engine.decision import Layer
from iamtui.engine.index_contexts import Contexts
from iamtui.engine.index_outcomes import IndexReading
from iamtui.engine.layers import reaches
from iamtui.engine.policy_holders import NOBODY, Bits, HeldPolicy, both, either, places
from iamtui.engine.prepared_request import prepare
from iamtui.engine.request import MissingPolicy, NamedPolicy, partition_of
from iamtui.engine.service_rules import may_be_granted
from iamtui.engine.set_members import tells_resources_apart
from iamtui.policy.context import RequestContext, Truth
from iamtui.policy.document import Statement
from iamtui.policy.patterns import Machine, parse_arn
from iamtui.policy.resource import RequestResource, ResourceKind, ResourceMatcher, resource_policy_arn
from iamtui.policy.statement import ActionName, CompiledStatement, PrincipalRules
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.questions.account_index import account_index
from iamtui.questions.action_classes import Told, action_space, is_of_some_calls
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.policies_in_force import GLOBAL_SERVICES
from iamtui.questions.question import Question

_KNOWN: Final = (NamedPolicy, MissingPolicy)
_REGION: Final = "aws:requestedregion"
_MOST_TERMS: Final = 4
_MOST_POLICIES: Final = 16_384
_MANY: Final = 500
"""So many who have a policy are read by the values that tell everybody apart, and not one by one."""
_MOST_TRIED: Final = 32
"""How many entries of a statement are looked at for a resource that it names."""


class Permitted(NamedTuple):
    """What a principal may do, as bits over the actions; all others are denied.

    Args:
        left: of which only the evaluator can tell.
    """

    allowed: int = 0
    depends: int = 0
    left: int = 0


class _Said(NamedTuple):
    """What statements of one layer say.

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


_NOTHING: Final = _Said()


def _together(several: Iterable[_Said]) -> _Said:
    """What statements say together, most of which say nothing to most principals."""
    saying = [said for said in several if said is not _NOTHING]
    if len(saying) <= 1:
        return saying[0] if saying else _NOTHING
    # As `either`, of which thousands would be made.
    allow = may_allow = deny = may_deny = differing = shown = limited = 0
    for (allows, may), (denies, may_too), differs, shows, limits in saying:
        allow |= allows
        may_allow |= may
        deny |= denies
        may_deny |= may_too
        differing |= differs
        shown |= shows
        limited |= limits
    return _Said(Bits(allow, may_allow & ~allow), Bits(deny, may_deny & ~deny), differing, shown, limited)


class _Statement(NamedTuple):
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
    kept: dict[tuple[bool | None, ...], _Said]


class _Policy(NamedTuple):
    """What a policy says to everybody, and its statements that tell principals apart."""

    said: _Said
    varying: tuple[_Statement, ...]


class _Kind(NamedTuple):
    """Actions that nothing but statements tells apart, and what they are about.

    Args:
        finals: of a set, where the machine of the service ends on patterns of its resources.
    """

    actions: int
    first: ActionName
    resource: RequestResource
    finals: int


class _KindsOfService(NamedTuple):
    """The kinds of actions of a service, and what reads the patterns of all their resources at once."""

    kinds: tuple[_Kind, ...]
    machine: Machine

    def meeting(self, matcher: ResourceMatcher) -> int:
        """Where the machine ends on entries without variables: the patterns with which they share a resource."""
        machine, found = self.machine, 0
        for glob in matcher.fixed_globs:
            found |= machine.read(glob.tokens, machine.first, machine.run_by_some, machine.step_by_some)
        return found


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


@lru_cache(maxsize=2048)
def _kinds_in(service: str, left: int, partition: str, account: str, resource_account: str | None) -> _KindsOfService:
    """The kinds of actions of a service on `*`, but for those that are left to the evaluator.

    They are the same for every account with this id, such as one under a draft.

    Args:
        left: as bits of the service.
        partition, account: the caller's.
        resource_account: who is said to own the resources, or None.
    """
    space = action_space()
    known, offset = space.services[service]
    found: list[tuple[int, ActionName, RequestResource]] = []
    for bits in known.parted(Told(forms=True, regions=False, keys=False)):
        actions = (bits & ~left) << offset
        if actions:
            first = space.name((actions & -actions).bit_length() - 1)
            asked = prepare(first, "*", None, partition, account, resource_account)
            found.append((actions, asked.action, asked.resource))
    # Kinds have many patterns in common.
    patterns = tuple(dict.fromkeys(tokens for _, _, resource in found for tokens in resource.members.patterns))
    machine = Machine(*patterns)
    finals = dict(zip(patterns, (1 << place for place in places(machine.final)), strict=True))
    return _KindsOfService(
        tuple(_Kind(*one, sum(finals[tokens] for tokens in one[2].members.patterns)) for one in found), machine
    )


class EveryAction:
    """What users and roles of an account may do of every action, on the terms of one question."""

    def __init__(self, account: Account, terms: Question, now: datetime) -> None:
        """Take the terms, whose action and resource are not read."""
        self._account = account
        self._terms = terms
        self._now = now
        self.index = account_index(account)
        self.space = space = action_space()
        self._policies: dict[tuple[HeldPolicy, Layer], _Policy] = {}
        self._frames: tuple[_Frame, ...] = ()
        self._scps: tuple[tuple[HeldPolicy, ...], ...] = ()
        self._rcps: tuple[tuple[HeldPolicy, ...], ...] = ()
        self._left = space.full
        is_global = space.of_services(GLOBAL_SERVICES)
        found = [(part, self._first_reading(part)) for part in (space.full & ~is_global, is_global)]
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
        self._left = 0
        # By whom known keys or roles let in, the actions that may be about one of them.
        self._by_members: dict[int, int] = {}
        for place in places(space.with_rules):
            self._look_at(space.name(place), 1 << place)
        self._discover = asked.discover
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
        """What the principal of a place may do."""
        index, full = self.index, self.space.full
        if index.left >> place & 1 or not self._frames:
            return Permitted(left=full)
        own = self._layer(index.held[place], Layer.IDENTITY, place)
        layers, grant, deny = [own], own.allow, own.deny
        caps = [(index.bounds[place], Layer.BOUNDARY)] if index.bounded >> place & 1 else []
        for policies, layer in (*caps, *((level, Layer.SCP) for level in self._scps)):
            said = self._layer(policies, layer, place)
            layers.append(said)
            grant, deny = both(grant, said.allow), either(deny, said.deny)
        for policies in self._rcps:
            said = self._layer(policies, Layer.RCP, place)
            layers.append(said)
            deny = either(deny, said.deny)
        rest = (grant.yes | grant.maybe) & ~deny.yes
        allowed = grant.yes & ~deny.yes & ~deny.maybe
        left = rest & ~grant.yes & deny.maybe
        shown = limited = 0
        for said in layers:
            left |= rest & said.differing
            shown |= said.shown
            limited |= said.limited
        left |= rest & shown & (allowed | limited)
        for let_in, actions in self._by_members.items():
            left |= actions if let_in >> place & 1 else actions & rest
        left |= self._left | (rest & self._by_credentials(place))
        return Permitted(allowed & ~left, rest & ~allowed & ~left, left)

    def _by_credentials(self, place: int) -> int:
        """The actions that may be refused for the credentials of a principal."""
        contexts = self._frames[-1].contexts
        refused = contexts.varying(("aws:multifactorauthpresent",)) or uses_session_token(
            self.index.principals[place].principal, contexts.anyone
        )
        return self.space.by_credentials if refused else 0

    def _layer(self, policies: Iterable[HeldPolicy], layer: Layer, place: int) -> _Said:
        """What the policies of one layer, or level of it, say to the principal of a place."""
        found: list[_Said] = []
        for held in policies:
            policy = self._policies.get((held, layer))
            if policy is None:
                if len(self._policies) >= _MOST_POLICIES:
                    self._policies.clear()
                policy = self._policies[held, layer] = self._policy(held, layer)
            if policy.said is not _NOTHING:
                found.append(policy.said)
            for one in policy.varying:
                if layer is not Layer.RCP or one.compiled.reaches_everyone:
                    found.append(self._says_to(one, layer, place))
                    continue
                caller = self.index.caller(place, discover=self._discover)
                reached = reaches(one.compiled, caller, Layer.RCP, PrincipalRules())
                if reached is not False:
                    said = self._says_to(one, layer, place)
                    deny = said.deny if reached is True else Bits(0, said.deny.yes | said.deny.maybe)
                    found.append(said._replace(deny=deny))
        return _together(found)

    def _policy(self, held: HeldPolicy, layer: Layer) -> _Policy:
        said: list[_Said] = []
        varying: list[_Statement] = []
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
            one = _Statement(compiled, actions, whom, about, {})
            if varies or (layer is Layer.RCP and not compiled.reaches_everyone):
                varying.append(one)
            else:
                said.append(self._said_where(one, layer, self._truths_for_anyone(one), anyone))
        return _Policy(_together(said), tuple(varying))

    def _varies(self, keys: Iterable[str]) -> bool:
        return any(frame.contexts.varying(keys) for frame in self._frames)

    def _whom(self, compiled: CompiledStatement, actions: int, holders: int, frame: _Frame) -> Bits:
        """For whom the conditions of a statement hold in a frame."""
        if not frame.actions & actions:
            return NOBODY
        found = Bits(holders)
        if holders.bit_count() > _MANY:
            for condition in compiled.conditions:
                found = both(found, frame.reading.holds(condition, found.yes | found.maybe))
            return found
        yes = maybe = 0
        for place in places(holders):
            truth = compiled.holds(frame.contexts.of_place(place))
            yes |= (truth is True) << place
            maybe |= (truth is not True and truth is not False) << place
        return Bits(yes, maybe)

    def _truths_for_anyone(self, one: _Statement) -> tuple[bool | None, ...]:
        """Whether the conditions of a statement hold in each frame, where they do not tell principals apart."""
        truths = (
            one.compiled.holds(frame.contexts.anyone) if frame.actions & one.actions else False
            for frame in self._frames
        )
        return tuple(truth if truth is True or truth is False else None for truth in truths)

    def _says_to(self, one: _Statement, layer: Layer, place: int) -> _Said:
        """What a statement that tells principals apart says to one of them."""
        truths: tuple[bool | None, ...]
        if one.whom:
            truths = tuple(
                True if yes >> place & 1 else None if maybe >> place & 1 else False for yes, maybe in one.whom
            )
        else:
            truths = self._truths_for_anyone(one)
        found = one.kept.get(truths)
        if found is None:
            context = self._frames[0].contexts.of_place(place)
            found = self._said_where(one, layer, truths, context)
            if one.about is not None:
                one.kept[truths] = found
        return found

    def _said_where(
        self, one: _Statement, layer: Layer, truths: Sequence[bool | None], context: RequestContext
    ) -> _Said:
        """What a statement says where its conditions hold in some frames (True), or may (None)."""
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
        said = _Said(allow, deny, differing & counts, shown, limited)
        return _NOTHING if said == _NOTHING else said

    def _of_several_resources(self, actions: int) -> int:
        """Those of some actions of which one call needs several resources at once."""
        return sum(kind.actions & actions for kind in self._kinds_of(actions) if kind.resource.needs)

    def _about(
        self, compiled: CompiledStatement, actions: int, layer: Layer, context: RequestContext
    ) -> tuple[Bits, int]:
        """On whose resources a statement is, on some where it allows, on all where it denies; and `differing`."""
        if compiled.any_resource:
            return Bits(actions), 0
        yes = maybe = differing = 0
        for kind, met in self._kinds_met(compiled, actions):
            here = kind.actions & actions
            truth: Truth = met if met is not None else False
            if met is None:
                truth = compiled.matches_resource(kind.resource, context, DEFAULT_LANGUAGE_OPTIONS, everywhere=False)
            if truth is True:
                yes |= here
            elif truth is not False:
                maybe |= here
            if kind.resource.kind is not ResourceKind.SET:
                continue
            shares = truth
            if not compiled.allows and truth is False:
                shares = compiled.matches_resource(kind.resource, context, DEFAULT_LANGUAGE_OPTIONS, everywhere=True)
            if shares is not False and not (layer is Layer.IDENTITY and self._names_one(compiled, kind)):
                differing |= here
        return Bits(yes, maybe), differing

    def _kinds_met(self, compiled: CompiledStatement, actions: int) -> Iterator[tuple[_Kind, bool | None]]:
        """The kinds of some actions, and whether a statement is about some of the resources; None: not found out yet.

        That is found out of many kinds at once where the same entries name resources whoever asks.
        """
        element = compiled.resource
        matcher = element.matcher
        if not compiled.allows or matcher is None or element.negated or matcher.variable_keys:
            yield from ((kind, None) for kind in self._kinds_of(actions))
            return
        for found in self._services_of(actions):
            met = found.meeting(matcher)
            for kind in found.kinds:
                if kind.actions & actions:
                    yield kind, bool(met & kind.finals) if kind.resource.kind is ResourceKind.SET else None

    def _kinds_of(self, actions: int) -> Iterator[_Kind]:
        for found in self._services_of(actions):
            yield from (kind for kind in found.kinds if kind.actions & actions)

    def _services_of(self, actions: int) -> Iterator[_KindsOfService]:
        principal = self.index.principals[0].principal
        asked = (partition_of(principal), principal.account or "", self._terms.resource_account)
        for service in self.space.services_of(actions):
            yield _kinds_in(service, self.space.local(service, self._left), *asked)

    def _names_one(self, compiled: CompiledStatement, kind: _Kind) -> bool:
        """Whether an Allow names a resource, of a policy of which nothing is known, that AWS does not refuse."""
        matcher = compiled.resource.matcher
        if not compiled.allows or matcher is None or compiled.resource.negated or matcher.variable_keys:
            return False
        if kind.resource.needs:
            return False
        return any(
            kind.resource.members.has(text) and may_be_granted(kind.first, text) and self._is_made_up(text)
            for entry in matcher.texts[:_MOST_TRIED]
            if (text := self._example(entry)) is not None
        )

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
        """Whether the account knows nothing of a resource."""
        arn = parse_arn(text)
        carrier = text if arn is None else resource_policy_arn(text, arn)
        return carrier not in self._account.resource_policies and self._account.by_arn(text) is None


def _region(contexts: Contexts) -> str:
    value = contexts.anyone.lookup(_REGION)
    return value[0] if isinstance(value, tuple) and len(value) == 1 else ""


def every_action(account: Account, terms: Question, now: datetime) -> EveryAction:
    """What users and roles may do of every action, on the terms of a question; kept for as long as the account."""
    kept: dict[Hashable, EveryAction] = account.memo.setdefault("every action", {})
    second = int(now.timestamp()) if _reads_time(account) else 0
    ways = (terms.mode, terms.region, terms.resource_account, terms.session_policies, terms.layers_off)
    key = (*ways, frozenset(terms.context.items()), second)
    found = kept.get(key)
    if found is None:
        if len(kept) >= _MOST_TERMS:
            kept.clear()
        found = kept[key] = EveryAction(account, terms, now)
    return found


def _reads_time(account: Account) -> bool:
    """Whether a statement speaks of the time of a request."""
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
    return any("currenttime" in text or "epochtime" in text for text in map(str.lower, texts))
