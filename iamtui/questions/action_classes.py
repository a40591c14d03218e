"""Classes of the actions of a service that get the same decision, found with bit masks over all actions.

Actions that the same statements speak of, and that nothing else tells apart which policies and evaluator read, are one
class: one of them is asked about.
"""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Container, Hashable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import count
from typing import Final, NamedTuple

from msgspec import structs

from iamtui.account.model import Account
from iamtui.catalog import service_data, tables
from iamtui.catalog.actions import ENGINE_CATALOGUE, LISTED_PER_RESOURCE, catalogue, supports_resource_account
from iamtui.catalog.arn_forms import may_be_of_aws
from iamtui.catalog.between_accounts import call_limit, gift_limit
from iamtui.engine.decision import Layer
from iamtui.engine.policy_holders import places
from iamtui.engine.policy_sets import caller_facts
from iamtui.engine.prepared_request import prepare, tells_resources_apart
from iamtui.engine.request import (
    MissingPolicy,
    NamedPolicy,
    NotEvaluated,
    PoliciesInForce,
    PolicyInForce,
    Principal,
)
from iamtui.engine.service_rules import escapes_rcps, rules_of_refusal
from iamtui.policy.patterns import Machine, Token, parse_arn
from iamtui.policy.resource import RequestResource
from iamtui.policy.statement import (
    ActionElement,
    ActionName,
    CompiledPolicy,
    CompiledStatement,
    NamePatterns,
    action_name,
    compile_policy,
)
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.questions.answers import fits

_MOST_MASKS: Final = 65_536
_MOST_HEADS: Final = 1_024
_LAST_CHARACTER: Final = chr(sys.maxunicode)

_WITH_RULES_OF_THEIR_OWN: Final = ("iam", "kms", "s3", "sts")
_ONE_BY_ONE: Final = frozenset(("iam", "kms", "sts"))
"""The services whose rules tell actions apart by their names."""


class StatementInForce(NamedTuple):
    """A statement in force, compiled when it is looked at.

    Args:
        level: of an SCP or RCP, from the root; else 0.
        has_variables: whether `${...}` means something in its document.
    """

    layer: Layer
    level: int
    has_variables: bool
    policy: CompiledPolicy
    number: int

    @property
    def element(self) -> ActionElement:
        return self.policy.actions[self.number]

    @property
    def compiled(self) -> CompiledStatement:
        return self.policy.statement(self.number)


def are_all_known(policies: tuple[PolicyInForce, ...] | NotEvaluated) -> bool:
    """True if all policies are known and can be read."""
    return isinstance(policies, tuple) and not any(
        isinstance(policy, MissingPolicy) or policy.document.error is not None for policy in policies
    )


class Caps(NamedTuple):
    """Layers and levels that each have to allow the request, as far as all of their policies are known.

    Args:
        binding: the layers whose Deny holds whatever else is allowed.
    """

    layers: frozenset[tuple[Layer, int]]
    binding: frozenset[Layer]

    def deny(self, statements: Iterable[StatementInForce], *, but_for: Layer | None) -> bool:
        """True if the actions of these statements are denied for certain, on any resource.

        Args:
            but_for: a layer that need not allow it.
        """
        allowing = set()
        for one in statements:
            compiled = one.compiled
            if compiled.allows:
                allowing.add((one.layer, one.level))
            elif one.layer in self.binding and compiled.any_resource and not compiled.conditions:
                return True
        return any(cap not in allowing for cap in self.layers if cap[0] is not but_for)


def caps_of(principal: Principal, policies: PoliciesInForce) -> Caps:
    layers: set[tuple[Layer, int]] = set()
    binding = {Layer.IDENTITY}
    if not caller_facts(principal, lasting=True).service_linked:
        if policies.boundaries and are_all_known(policies.boundaries):
            layers.add((Layer.BOUNDARY, 0))
            binding.add(Layer.BOUNDARY)
        if isinstance(policies.scps, tuple) and not policies.principal_in_management_account:
            binding.add(Layer.SCP)
            layers |= {
                (Layer.SCP, number)
                for number, level in enumerate(policies.scps)
                if level.not_loaded is None and are_all_known(level.policies)
            }
    return Caps(frozenset(layers), frozenset(binding))


def statements_in_force(policies: PoliciesInForce) -> Iterator[StatementInForce]:
    """Every statement in force, in the order of the layers."""
    layers: list[tuple[Layer, int, PolicyType, Iterable[PolicyInForce]]] = []
    for layer, policy_type, given in (
        (Layer.IDENTITY, PolicyType.IDENTITY, policies.identity),
        (Layer.BOUNDARY, PolicyType.BOUNDARY, policies.boundaries),
        (Layer.SESSION, PolicyType.SESSION, policies.session),
        (Layer.SCOPE_DOWN, PolicyType.SESSION, policies.scope_downs),
        (Layer.VPC_ENDPOINT, PolicyType.VPC_ENDPOINT, policies.vpc_endpoint),
    ):
        layers.append((layer, 0, policy_type, given if isinstance(given, tuple) else ()))
    for layer, policy_type, levels in (
        (Layer.SCP, PolicyType.SCP, policies.scps),
        (Layer.RCP, PolicyType.RCP, policies.rcps),
    ):
        if isinstance(levels, tuple):
            layers += [(layer, number, policy_type, level.policies) for number, level in enumerate(levels)]
    if isinstance(policies.resource, NamedPolicy):
        layers.append((Layer.RESOURCE, 0, PolicyType.RESOURCE, (policies.resource,)))
    for layer, level_number, policy_type, in_force in layers:
        for policy in in_force:
            if isinstance(policy, NamedPolicy) and policy.document.error is None:
                compiled = compile_policy(policy.document, policy_type, DEFAULT_LANGUAGE_OPTIONS)
                for number in range(len(compiled.actions)):
                    yield StatementInForce(
                        layer, level_number, policy.document.policy.substitutes_variables, compiled, number
                    )


def different_statements(policies: PoliciesInForce) -> Iterator[StatementInForce]:
    """Of the statements of a layer that say the same, the first: an account may say one thing ten thousand times."""
    seen: set[Hashable] = set()
    for one in statements_in_force(policies):
        said = structs.replace(one.policy.sources[one.number], index=0, sid=None)
        key = (one.layer, one.level, one.has_variables, said)
        if key not in seen:
            seen.add(key)
            yield one


class ActionMasks:
    """The actions that statements are about, as bits; kept for as long as the account."""

    def __init__(self, account: Account) -> None:
        self._masks: dict[tuple[ActionElement, ServiceActions], int] = account.memo.setdefault("action masks", {})

    def of(self, element: ActionElement, known: ServiceActions) -> int:
        whole = element.whole_service(known.service)
        if whole is not None:
            return known.full if whole else 0
        key = (element, known)
        found = self._masks.get(key)
        if found is None:
            if len(self._masks) >= _MOST_MASKS:
                self._masks.clear()
            found = known.matching(element.names_of(known.service))
            found = self._masks[key] = known.full & ~found if element.negated else found
        return found

    def classes(
        self, known: ServiceActions, fitting: int, statements: Sequence[StatementInForce]
    ) -> Sequence[tuple[int, tuple[int, ...]]]:
        """Some actions of a service by the statements, by number, that speak of them."""
        # Lists that grow in place: of ten thousand statements, each class would be copied for each.
        classes: list[tuple[int, list[int]]] = [(fitting, [])]
        for number, one in enumerate(statements):
            mask = self.of(one.element, known)
            if not mask & fitting:
                continue
            split: list[tuple[int, list[int]]] = []
            for bits, numbers in classes:
                if not bits & ~mask:
                    numbers.append(number)
                    split.append((bits, numbers))
                    continue
                if bits & mask:
                    split.append((bits & mask, [*numbers, number]))
                split.append((bits & ~mask, numbers))
            classes = split
        return [(bits, tuple(numbers)) for bits, numbers in classes]


class ServiceActions:
    """The actions of a service, each with its bit."""

    def __init__(self, service: str, names: tuple[str, ...]) -> None:
        self.service = service
        self.names = names
        self.lower = tuple(name.lower() for name in names)
        self.full = (1 << len(names)) - 1
        self._places = {name: place for place, name in enumerate(self.lower)}
        self._sorted = sorted(zip(self.lower, count(), strict=False))
        self._kinds: dict[Distinctions, tuple[int, ...]] = {}

    def matching(self, patterns: NamePatterns) -> int:
        """Those that entries of an Action or NotAction match."""
        if patterns.everything:
            return self.full
        found = 0
        for name in patterns.exact:
            place = self._places.get(name)
            if place is not None:
                found |= 1 << place
        for begins in patterns.prefixes:
            first, last = (bisect_left(self._sorted, (end,)) for end in (begins, begins + _LAST_CHARACTER))
            for _, place in self._sorted[first:last]:
                found |= 1 << place
        for glob in patterns.globs:
            for place, name in enumerate(self.lower):
                if glob.matches(name):
                    found |= 1 << place
        return found

    def bits_of(self, actions: Container[str]) -> int:
        """The bits of actions in full."""
        return sum(1 << place for place, name in enumerate(self.names) if f"{self.service}:{name}" in actions)

    def named(self, bits: int) -> tuple[str, ...]:
        """Actions in full ("s3:GetObject"), by their bits."""
        return tuple(f"{self.service}:{name}" for place, name in enumerate(self.names) if bits >> place & 1)

    def fitting(self, resource: str) -> int:
        """Those that are about a resource."""
        arn = parse_arn(resource)
        service = "" if arn is None or "*" in arn.service else arn.service
        found = 0
        for place, name in enumerate(self.names):
            action = f"{self.service}:{name}"
            # Most actions are about resources of their own service alone, which is soon said.
            forms = ENGINE_CATALOGUE.arn_forms(action)
            if not service or not forms or any(form.service == service for form in forms):
                found |= fits(action, resource) << place
        return found

    def told_apart(
        self, bits: int, statements: Sequence[StatementInForce], resource: str, *, in_region: bool
    ) -> Iterator[tuple[str, ...]]:
        """Some actions, parted by what else than statements may tell them apart.

        Args:
            in_region: whether the Region of requests is known where the resource does not name one.
        """
        if self.service in _ONE_BY_ONE:
            yield from ((action,) for action in self.named(bits))
            return
        keys = {key for one in statements for key in one.compiled.keys}
        told = Distinctions(
            forms=resource != "*"
            or any(not one.compiled.any_resource for one in statements)
            or any(tells_resources_apart(key) and not (in_region and key == _REGION) for key in keys),
            regions=_REGION in keys,
            keys=self.service in LISTED_PER_RESOURCE and any(map(is_of_some_calls, keys)),
            owner="aws:resourceaccount" in keys,
        )
        for kind in self.parted(told):
            if kind & bits:
                yield self.named(kind & bits)

    def parted(self, told: Distinctions) -> Sequence[int]:
        """All of them, parted by what tells them apart."""
        found = self._kinds.get(told)
        if found is None:
            kinds: dict[Hashable, int] = {}
            for place, name in enumerate(self.names):
                kind = _kind_of(f"{self.service}:{name}", told)
                kinds[kind] = kinds.get(kind, 0) | 1 << place
            found = self._kinds[told] = tuple(kinds.values())
        return found


class Distinctions(NamedTuple):
    """Aspects that distinguish actions: forms of resources, Regions in them, keys of calls, aws:ResourceAccount."""

    forms: bool
    regions: bool
    keys: bool
    owner: bool = False


def _kind_of(action: str, told: Distinctions) -> Hashable:
    if ENGINE_CATALOGUE.synthetic_resource(action, "", "") is not None or action.lower() in _OF_THEIR_OWN:
        return action
    if told.owner and not supports_resource_account(action.lower()):
        return action
    name = action_name(action)
    forms = ENGINE_CATALOGUE.arn_forms(action)
    info = catalogue().action(action) if told.keys else None
    return (
        ENGINE_CATALOGUE.has_resource_type(action),
        gift_limit(name.service, name.name),
        call_limit(name.service, name.name),
        (
            forms,
            ENGINE_CATALOGUE.required_arn_forms(action),
            ENGINE_CATALOGUE.needs(action),
            rules_of_refusal(name),
        )
        if told.forms
        else frozenset((one.region, one.account, one.may_lack) for one in forms)
        if told.regions
        else 0,
        None
        if info is None
        else (info.condition_keys, *((one.type.name, one.condition_keys) for one in info.resources)),
    )


_OF_THEIR_OWN: Final = frozenset(("s3:listallmybuckets",))
"""Actions that are read against a resource of their own."""

_REGION: Final = "aws:requestedregion"

_TAGS: Final = ("aws:requesttag/", "aws:resourcetag/", "aws:tagkeys")


def is_of_some_calls(key: str) -> bool:
    """True if some calls, or some resources of one call, carry a condition key and others lack it."""
    return not key.startswith("aws:") or key.startswith(_TAGS)


@lru_cache(maxsize=1024)
def actions_of(service: str, extra: tuple[str, ...]) -> ServiceActions:
    """The actions of a service, and others that policies name."""
    names = [str(found["name"]) for found in service_data.actions(service).values()]
    return ServiceActions(service, (*names, *extra))


class ActionSpace:
    """Every action of the catalogue, each with its bit.

    Args:
        without_type: those that are about no resource.
        with_rules: those for which more than policies may decide, or that are read against a resource of their own.
        told_by_resource: those of which more is known of one resource than of all.
        by_credentials: those that AWS may refuse for what credentials they are called with.
        under_rcps: those that RCPs affect.
        without_resource_account: those whose requests lack aws:ResourceAccount.
        of_aws: those of which some resources belong to AWS, and to no account.
    """

    def __init__(self) -> None:
        self.services: dict[str, tuple[ServiceActions, int]] = {}
        self._order: list[str] = []
        self._offsets: list[int] = []
        self.without_type = self.without_resource_account = self._synthetic = self._of_some_callers = offset = 0
        self.of_aws = 0
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
                if call_limit(service, name) is not None:
                    self._of_some_callers |= 1 << offset + place
                if not supports_resource_account(action):
                    self.without_resource_account |= 1 << offset + place
                if may_be_of_aws(action):
                    self.of_aws |= 1 << offset + place
            offset += len(known.names)
        self.full = (1 << offset) - 1
        self.with_rules = self._synthetic | self._of_some_callers | self.of_services(_WITH_RULES_OF_THEIR_OWN)
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


class ActionKind(NamedTuple):
    """Actions that nothing but statements tells apart, and what they are about.

    Args:
        actions: as bits of their service.
        finals: of a set, where the machine of the service ends on patterns of its resources.
    """

    actions: int
    first: ActionName
    resource: RequestResource
    finals: int


class KindsOfService(NamedTuple):
    """The kinds of actions of a service, and what reads the patterns of all their resources at once.

    Args:
        offset: where the bits of the service stand among those of all actions.
        heads: the state of the machine behind the five colons of an ARN, as many entries have the same before them.
    """

    offset: int
    kinds: tuple[ActionKind, ...]
    machine: Machine
    heads: dict[tuple[Token, ...], int]

    def meeting(self, patterns: Iterable[tuple[Token, ...]]) -> int:
        """Where the machine ends on patterns of entries: the patterns with which they share a resource."""
        machine, found = self.machine, 0
        by_some = machine.run_by_some, machine.step_by_some
        for tokens in patterns:
            head = tokens[: _end_of_head(tokens)]
            state = self.heads.get(head)
            if state is None:
                if len(self.heads) >= _MOST_HEADS:
                    self.heads.clear()
                state = self.heads[head] = machine.read(head, machine.first, *by_some)
            found |= machine.read(tokens[len(head) :], state, *by_some)
        return found


def _end_of_head(tokens: tuple[Token, ...]) -> int:
    """Where the name of a resource begins in the pattern of an ARN."""
    end = 0
    for _ in range(5 if tokens.count(":") >= 5 else 0):
        end = tokens.index(":", end) + 1
    return end


@lru_cache(maxsize=2048)
def kinds_in(
    service: str, left: int, partition: str, account: str, resource_account: str | None, region: str
) -> KindsOfService:
    """The kinds of actions of a service on `*`, but for those that are left to the evaluator.

    They are the same for every account with this id, such as one under a draft.

    Args:
        left: as bits of the service.
        partition, account: the caller's.
        resource_account: who is said to own the resources, or None.
        region: that of the requests where one is given, or "".
    """
    space = action_space()
    known, offset = space.services[service]
    given = {_REGION: (region,)} if region else {}
    found: list[tuple[int, ActionName, RequestResource]] = []
    for bits in known.parted(Distinctions(forms=True, regions=False, keys=False)):
        actions = bits & ~left
        if actions:
            first = space.name(offset + (actions & -actions).bit_length() - 1)
            asked = prepare(first, "*", None, partition, account, resource_account, context=given)
            found.append((actions, asked.action, asked.resource))
    # Kinds have many patterns in common.
    patterns = tuple(dict.fromkeys(tokens for _, _, resource in found for tokens in resource.members.patterns))
    machine = Machine(*patterns)
    finals = dict(zip(patterns, (1 << place for place in places(machine.final)), strict=True))
    kinds = tuple(ActionKind(*one, sum(finals[tokens] for tokens in one[2].members.patterns)) for one in found)
    return KindsOfService(offset, kinds, machine, {})
