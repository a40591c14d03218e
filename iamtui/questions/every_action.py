"""Every action of the catalogue on every resource (`*`), answered at once: allowed, depends or denied, as bits.

A statement is held against all actions together, and a policy once for all who have it. Where resources of an action
may be answered differently, one of them has to be found, which is left to the evaluator.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache, lru_cache
from itertools import chain
from typing import Final, NamedTuple

from iamtui.account.model import Account
from iamtui.catalog import service_data, tables
from iamtui.catalog.actions import ENGINE_CATALOGUE, LISTED_PER_RESOURCE
from iamtui.engine.credential_rules import uses_session_token
from iamtui.engine.decision import Layer
from iamtui.engine.holdings import NOBODY, Bits, HeldPolicy, both, either, places
from iamtui.engine.index_contexts import Contexts
from iamtui.engine.index_reading import IndexReading
from iamtui.engine.layers import reaches
from iamtui.engine.prepared_request import prepare
from iamtui.engine.request import MissingPolicy, NamedPolicy, partition_of
from iamtui.engine.service_rules import escapes_rcps, may_be_granted
from iamtui.engine.set_members import tells_resources_apart
from iamtui.policy.context import RequestContext
from iamtui.policy.document import Statement
from iamtui.policy.patterns import parse_arn
from iamtui.policy.resource import RequestResource, ResourceKind, resource_policy_arn
from iamtui.policy.statement import ActionElement, ActionName, CompiledStatement, PrincipalRules, action_name
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.questions.account_index import account_index
from iamtui.questions.action_classes import ServiceActions, Told, actions_of, is_of_some_calls
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.policies_in_force import GLOBAL_SERVICES
from iamtui.questions.question import Question

_WITH_RULES_OF_THEIR_OWN: Final = ("iam", "kms", "s3", "sts")
_KNOWN: Final = (NamedPolicy, MissingPolicy)
_REGION: Final = "aws:requestedregion"
_MOST_TERMS: Final = 4
_MOST_POLICIES: Final = 16_384
_MOST_TRIED: Final = 32
"""How many entries of a statement are looked at for a resource that it names."""


class ActionSpace:
    """Every action of the catalogue, each with its bit.

    Args:
        without_type: those that are about no resource.
        with_rules: those for which more than policies may decide, or that are read against a resource of their own.
        told_by_resource: those of which more is known of one resource than of all.
        by_credentials: those that AWS may refuse for what credentials they are called with.
        under_rcps: those that RCPs affect.
    """

    def __init__(self) -> None:
        self.services: dict[str, tuple[ServiceActions, int]] = {}
        self._order: list[str] = []
        self._offsets: list[int] = []
        self.without_type = self._synthetic = offset = 0
        for service in service_data.service_names():
            known = actions_of(service, ())
            self.services[service] = (known, offset)
            self._order.append(service)
            self._offsets.append(offset)
            for place, name in enumerate(known.lower):
                action = f"{service}:{name}"
                if ENGINE_CATALOGUE.has_resource_type(action) is False:
                    self.without_type |= 1 << offset + place
                if tables.synthetic_resource(action, "") is not None:
                    self._synthetic |= 1 << offset + place
            offset += len(known.names)
        self.full = (1 << offset) - 1
        self.with_rules = self._synthetic | self.of_services(_WITH_RULES_OF_THEIR_OWN)
        self.told_by_resource = self.of_services(("iam", *LISTED_PER_RESOURCE))
        self.by_credentials = self.of_services(("iam", "sts"))
        protected = self.of_services(filter(ENGINE_CATALOGUE.supports_rcp, self.services))
        escaping = sum(1 << place for place in places(protected) if escapes_rcps(action_name(self.name(place))))
        self.under_rcps = protected & ~escaping & ~self.without_type

    def name(self, place: int) -> str:
        """An action in full, in lower case, by the place of its bit."""
        service = self._order[bisect_right(self._offsets, place) - 1]
        known, offset = self.services[service]
        return f"{service}:{known.lower[place - offset]}"

    def services_of(self, actions: int) -> Iterator[str]:
        """The services of some actions."""
        while actions:
            place = (actions & -actions).bit_length() - 1
            number = bisect_right(self._offsets, place) - 1
            yield self._order[number]
            following = self._offsets[number + 1] if number + 1 < len(self._offsets) else self.full.bit_length()
            actions = actions >> following << following

    def of_services(self, services: Iterable[str]) -> int:
        """The actions of some services."""
        found = 0
        for service in services:
            if service in self.services:
                known, offset = self.services[service]
                found |= known.full << offset
        return found

    def local(self, service: str, actions: int) -> int:
        """Those of some actions that are of a service, as its own bits."""
        known, offset = self.services[service]
        return actions >> offset & known.full

    def mask(self, element: ActionElement) -> int:
        """The actions that an Action or NotAction is about."""
        if element.nothing:
            return 0
        named = self.full if element.has_everything else 0
        for service in () if named else element.named_services:
            if service in self.services:
                known, offset = self.services[service]
                named |= known.matching(element.names_of(service)) << offset
        return self.full & ~named if element.negated else named


@cache
def action_space() -> ActionSpace:
    return ActionSpace()


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
    allow, deny = NOBODY, NOBODY
    differing = shown = limited = 0
    for said in saying:
        allow = allow if said.allow is NOBODY else either(allow, said.allow)
        deny = deny if said.deny is NOBODY else either(deny, said.deny)
        differing |= said.differing
        shown |= said.shown
        limited |= said.limited
    return _Said(allow, deny, differing, shown, limited)


class _Statement(NamedTuple):
    """A statement that tells principals apart.

    Args:
        about: on whose resources it is, and `differing`; None where that too depends on who asks.
        kept: where that does not, what it says by whether its conditions hold in each frame.
    """

    compiled: CompiledStatement
    actions: int
    about: tuple[Bits, int] | None
    kept: dict[tuple[bool | None, ...], _Said]


class _Policy(NamedTuple):
    """What a policy says to everybody, and its statements that tell principals apart."""

    said: _Said
    varying: tuple[_Statement, ...]


class _Kind(NamedTuple):
    """Actions that nothing but statements tells apart, and what they are about."""

    actions: int
    first: ActionName
    resource: RequestResource


class _Frame(NamedTuple):
    """Actions for whose requests the same condition keys are known.

    Args:
        region: that of the requests, or "": where it is known, an action on `*` is asked about there.
    """

    actions: int
    contexts: Contexts
    region: str


@lru_cache(maxsize=2048)
def _kinds_in(service: str, left: int, partition: str, account: str, resource_account: str | None) -> tuple[_Kind, ...]:
    """The kinds of actions of a service on `*`, but for those that are left to the evaluator.

    They are the same for every account with this id, such as one under a draft.

    Args:
        left: as bits of the service.
        partition, account: the caller's.
        resource_account: who is said to own the resources, or None.
    """
    space = action_space()
    known, offset = space.services[service]
    found: list[_Kind] = []
    for bits in known.parted(Told(forms=True, regions=False, keys=False)):
        actions = (bits & ~left) << offset
        if actions:
            first = space.name((actions & -actions).bit_length() - 1)
            asked = prepare(first, "*", None, partition, account, resource_account)
            found.append(_Kind(actions, asked.action, asked.resource))
    return tuple(found)


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
        self._frames = tuple(_Frame(part, reading.contexts, _region(reading.contexts)) for part, reading in readings)
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
        contexts = tuple(frame.contexts.of_place(place) for frame in self._frames)
        own = self._layer(index.held[place], Layer.IDENTITY, contexts)
        layers, grant, deny = [own], own.allow, own.deny
        caps = [(index.bounds[place], Layer.BOUNDARY)] if index.bounded >> place & 1 else []
        for policies, layer in (*caps, *((level, Layer.SCP) for level in self._scps)):
            said = self._layer(policies, layer, contexts)
            layers.append(said)
            grant, deny = both(grant, said.allow), either(deny, said.deny)
        for policies in self._rcps:
            said = self._layer(policies, Layer.RCP, contexts, place)
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

    def _layer(
        self,
        policies: Iterable[HeldPolicy],
        layer: Layer,
        contexts: Sequence[RequestContext],
        place: int | None = None,
    ) -> _Said:
        """What the policies of one layer, or level of it, say to a principal.

        Args:
            place: that of the principal, where statements name principals.
        """
        found: list[_Said] = []
        for held in policies:
            policy = self._policies.get((held, layer))
            if policy is None:
                if len(self._policies) >= _MOST_POLICIES:
                    self._policies.clear()
                policy = self._policies[held, layer] = self._policy(held, layer)
            found.append(policy.said)
            for one in policy.varying:
                if place is None or one.compiled.reaches_everyone:
                    found.append(self._says(one, layer, contexts))
                    continue
                caller = self.index.caller(place, discover=self._discover)
                reached = reaches(one.compiled, caller, Layer.RCP, PrincipalRules())
                if reached is not False:
                    said = self._says(one, layer, contexts)
                    deny = said.deny if reached is True else Bits(0, said.deny.yes | said.deny.maybe)
                    found.append(said._replace(deny=deny))
        return _together(found)

    def _policy(self, held: HeldPolicy, layer: Layer) -> _Policy:
        said: list[_Said] = []
        varying: list[_Statement] = []
        reached = self.space.full & ~self._left
        if layer is Layer.RCP:
            reached &= self.space.under_rcps
        anyone = [frame.contexts.anyone for frame in self._frames]
        for statement in held.statements:
            actions = self.space.mask(held.compiled.actions[statement.number]) & reached
            compiled = statement.compiled if actions else None
            if compiled is None or (layer is Layer.RCP and compiled.allows):
                continue
            matcher = compiled.resource.matcher
            by_resource = matcher is not None and self._varies(matcher.variable_keys)
            about = None if by_resource else self._about(compiled, actions, layer, anyone[0])
            one = _Statement(compiled, actions, about, {})
            if self._varies(compiled.keys) or (layer is Layer.RCP and not compiled.reaches_everyone):
                varying.append(one)
            else:
                said.append(self._says(one, layer, anyone))
        return _Policy(_together(said), tuple(varying))

    def _varies(self, keys: Iterable[str]) -> bool:
        return any(frame.contexts.varying(keys) for frame in self._frames)

    def _says(self, one: _Statement, layer: Layer, contexts: Sequence[RequestContext]) -> _Said:
        """What a statement says of the actions that it is about."""
        holds = one.compiled.holds
        truths = tuple(
            holds(context) if frame.actions & one.actions else False
            for frame, context in zip(self._frames, contexts, strict=True)
        )
        known = tuple(truth if truth is True or truth is False else None for truth in truths)
        found = one.kept.get(known)
        if found is None:
            found = self._said_where(one, layer, known, contexts[0])
            if one.about is not None:
                one.kept[known] = found
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
        for kind in self._kinds_of(actions):
            here = kind.actions & actions
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

    def _kinds_of(self, actions: int) -> Iterator[_Kind]:
        principal = self.index.principals[0].principal
        asked = (partition_of(principal), principal.account or "", self._terms.resource_account)
        for service in self.space.services_of(actions):
            kinds = _kinds_in(service, self.space.local(service, self._left), *asked)
            yield from (kind for kind in kinds if kind.actions & actions)

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
