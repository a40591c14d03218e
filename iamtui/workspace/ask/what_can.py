"""Effective permissions of one principal after every layer, by service, access level and action."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

from iamtui.account.model import Account
from iamtui.catalog import service_data
from iamtui.catalog.actions import catalogue
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Decision, Layer, Outcome, ResourceScope
from iamtui.engine.layers import ALONE, WITHIN_CAPS, reached_as
from iamtui.engine.policy_sets import caller_facts
from iamtui.engine.request import PoliciesInForce, Principal, PrincipalKind
from iamtui.policy.context import meaning
from iamtui.policy.statement import CompiledStatement, PrincipalRules, compile_policy
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.problem import Problem
from iamtui.questions.action_classes import (
    ActionMasks,
    Caps,
    ServiceActions,
    StatementInForce,
    actions_of,
    are_all_known,
    caps_of,
    different_statements,
    statements_in_force,
)
from iamtui.questions.answers import no_action_matches
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.every_action import EveryAction, Permitted, every_action
from iamtui.questions.policies_in_force import entity_behind
from iamtui.questions.question import Question
from iamtui.text import counted, safe_text
from iamtui.workspace.ask.access import ACCESS_LEVELS, levels_of
from iamtui.workspace.ask.policy_reads import refused_statements
from iamtui.workspace.ask.questions import check_resource, check_scope_downs, check_terms, with_region
from iamtui.workspace.source.workspace import Workspace

LEVELS: Final = tuple(ACCESS_LEVELS.values())

_WITHOUT_ALLOW: Final = frozenset(("kms", "sts"))
"""The services that may let somebody in whom no identity policy lets in: key policies, trust policies, free calls."""


@dataclass(frozen=True, slots=True)
class Permission:
    """Actions of one service that a principal may call on the same conditions.

    Args:
        actions: their names, as AWS writes them.
        resource: what was asked about: "*", an ARN or a pattern.
        decision: on the first of the actions, allowed or depends; that on the others differs in the action alone.
    """

    service: str
    actions: tuple[str, ...]
    resource: str
    decision: Decision

    @property
    def outcome(self) -> Outcome:
        return self.decision.outcome

    @property
    def resources(self) -> tuple[str, ...]:
        """The resources and patterns where it holds, as far as they can be named."""
        if self.decision.resource_scope is ResourceScope.SOME:
            return self.decision.allowed_resources or (self.resource,)
        return (self.resource,)

    @property
    def is_on_all(self) -> bool:
        """True where the permission holds on all resources of the question."""
        return self.decision.resource_scope is not ResourceScope.SOME

    @property
    def condition(self) -> str:
        """Conditions of the permission, safe to show; "" without any."""
        return condition_of(self.decision)


class LevelCount(NamedTuple):
    """How many of the actions of an access level are allowed, and depend on something."""

    allowed: int = 0
    depends: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class ServiceAccess:
    """Permissions of a principal in one service.

    Args:
        levels: by access level; an action that has two is counted in both.
        allowed, depends, total: how many actions.
    """

    service: str
    permissions: tuple[Permission, ...]
    levels: Mapping[str, LevelCount]
    allowed: int
    depends: int
    total: int


@dataclass(frozen=True, slots=True)
class EffectiveAccess:
    """The effective permissions of one principal, after every layer.

    Args:
        resources: what was asked about; "*" is every resource.
        permissions: what is allowed, or may be, the services in alphabetical order; all else is denied.
        refused: what AWS would refuse of the policies that this rests on, one sentence, safe to show.
    """

    principal: Principal
    resources: tuple[str, ...]
    permissions: tuple[Permission, ...]
    refused: str = ""
    _actions: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    _extra: Mapping[str, Collection[str]] = field(default_factory=dict, repr=False)

    @property
    def asked_services(self) -> tuple[str, ...]:
        """The services of which something could be allowed, in alphabetical order."""
        return tuple(self._actions)

    def unknown_actions(self, service: str) -> tuple[str, ...]:
        """The actions of a service that policies name and the catalogue does not have."""
        return tuple(sorted(self._extra.get(service, ())))

    @property
    def services(self) -> tuple[ServiceAccess, ...]:
        """The services of which something is allowed, or may be, in alphabetical order."""
        by_service: dict[str, list[Permission]] = {}
        for permission in self.permissions:
            by_service.setdefault(permission.service, []).append(permission)
        return tuple(
            _service_access(service, tuple(found), self._actions.get(service, ()))
            for service, found in by_service.items()
        )

    def by_action(self) -> Mapping[str, tuple[Permission, ...]]:
        found: dict[str, tuple[Permission, ...]] = {}
        for permission in self.permissions:
            for action in permission.actions:
                found[action] = (*found.get(action, ()), permission)
        return found


def _service_access(service: str, permissions: tuple[Permission, ...], actions: tuple[str, ...]) -> ServiceAccess:
    allowed = {action for one in permissions if one.outcome is Outcome.ALLOWED for action in one.actions}
    depends = {action for one in permissions for action in one.actions} - allowed
    levels = {}
    for level in LEVELS:
        named = {action for action in actions if level in levels_of(action)}
        if named:
            levels[level] = LevelCount(len(allowed & named), len(depends & named), len(named))
    return ServiceAccess(service, permissions, levels, len(allowed), len(depends), len(actions))


@dataclass(frozen=True, slots=True)
class AccessChange:
    """Actions of one service that two principals, or one before and after a change, may call differently.

    Args:
        before, after: the permissions, each with these actions among others; empty: denied.
    """

    service: str
    actions: tuple[str, ...]
    before: tuple[Permission, ...]
    after: tuple[Permission, ...]

    @property
    def kind(self) -> str:
        """`gained`, `lost`, or `changed` where the resources or conditions are others."""
        return "changed" if self.before and self.after else "gained" if self.after else "lost"


def compare_access(before: EffectiveAccess, after: EffectiveAccess) -> tuple[AccessChange, ...]:
    """Differences of two accesses, service by service: outcomes, resources or conditions."""
    old, new = before.by_action(), after.by_action()
    found: dict[tuple[tuple[int, ...], tuple[int, ...]], AccessChange] = {}
    for action in sorted({**old, **new}, key=str.lower):
        was, becomes = old.get(action, ()), new.get(action, ())
        if _compared(was) == _compared(becomes):
            continue
        key = (tuple(map(id, was)), tuple(map(id, becomes)))
        known = found.get(key)
        found[key] = (
            AccessChange(action.partition(":")[0], (action,), was, becomes)
            if known is None
            else replace(known, actions=(*known.actions, action))
        )
    return tuple(sorted(found.values(), key=lambda change: change.service))


def _compared(permissions: tuple[Permission, ...]) -> frozenset[Hashable]:
    return frozenset(
        (
            one.outcome,
            one.resource,
            one.resources,
            one.decision.denied_resources,
            None if one.decision.depends_on is None else meaning(one.decision.depends_on),
        )
        for one in permissions
    )


_MOST_COMPARED: Final = 300_000
"""Most statements with conditions, times services, for evaluating all services: some 15 seconds."""


def what_can(
    workspace: Workspace,
    principal: Principal,
    resources: Sequence[str] = ("*",),
    terms: Question | None = None,
    *,
    services: Collection[str] | None = None,
    now: datetime | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> EffectiveAccess:
    """Effective access of a principal.

    Args:
        resources: what is asked about; "*" is every resource, and those that resource policies allow by themselves.
        terms: context, mode, session policies, switched-off layers; its action and resource are not read.
        services: the services that are asked about, in lower case; None: all.
        now: the time of the requests, UTC; None: the clock.
        cancelled: asked between the services; what was found until then is returned.

    Raises:
        Problem: the policies of the principal are not known here, there is no such service, or the terms cannot be
            asked in.
    """
    account = workspace.account
    is_own_root = principal.kind is PrincipalKind.ROOT and principal.account == account.id
    if entity_behind(account, principal) is None and not is_own_root:
        raise Problem(
            f"The policies of {safe_text(principal.arn or 'anonymous')} are not in the loaded account.",
            "Ask about a user, a role or a session of a role of it; `iamtui who-can` finds what others may do.",
        )
    asked = with_region(workspace, terms or Question(""))
    check_terms(asked)
    check_scope_downs(principal, asked)
    for resource in resources:
        check_resource(resource)
    search = _AccessSearch(account, principal, asked, services, now or datetime.now(UTC))
    found: list[Permission] = []
    for resource in dict.fromkeys(resources):
        found += search.on(resource, cancelled)
        if resource == "*":
            found += search.by_resource_policies(found, cancelled)
    found.sort(key=lambda one: one.service)
    return EffectiveAccess(
        principal,
        tuple(dict.fromkeys(resources)),
        tuple(found),
        refused_statements(account, principal=principal),
        search.actions,
        search.extra,
    )


class _AccessSearch:
    """The search for all that one principal may do."""

    def __init__(
        self,
        account: Account,
        principal: Principal,
        terms: Question,
        services: Collection[str] | None,
        now: datetime,
    ) -> None:
        self._account = account
        self._wanted = services
        self._principal = principal
        self._terms = terms
        self._now = now
        self._in_region = bool(terms.region) or any(key.lower() == "aws:requestedregion" for key in terms.context)
        self._masks = ActionMasks(account)
        self.extra: dict[str, set[str]] = {}
        self._caps = Caps(frozenset(), frozenset())
        self.actions: dict[str, tuple[str, ...]] = {}
        # What is allowed, depends and is left to the evaluator of each action on "*", where that is found at once.
        self._found: tuple[EveryAction, Permitted] | None = None

    def on(self, resource: str, cancelled: Callable[[], bool]) -> Iterator[Permission]:
        """Permissions on a resource or pattern, certain or possible."""
        policies = self._policies("s3:GetObject", "*")
        own = tuple(different_statements(policies))
        is_complete = are_all_known(policies.identity) and self._principal.kind is not PrincipalKind.ROOT
        self._caps = caps_of(self._principal, policies)
        self._note_unknown_actions(own)
        services = self._services(own, resource, is_complete=is_complete)
        self._found = self._at_once() if resource == "*" else None
        conditional = sum(one.compiled.reads_context for one in own)
        if self._wanted is None and conditional * len(services) > _MOST_COMPARED:
            raise Problem(
                f"{safe_text(self._principal.arn or '')} has {counted(conditional, 'statement')} with conditions: all "
                f"{counted(len(services), 'service')} would take minutes.",
                "Ask about some services, as with `iamtui what-can --service s3`.",
            )
        for service in services:
            if cancelled():
                return
            yield from self._of_service(service, own, resource, is_complete=is_complete)

    def _at_once(self) -> tuple[EveryAction, Permitted] | None:
        """Answers of the index for every action on every resource, for a user or role."""
        every = every_action(self._account, self._terms, self._now)
        place = every.index.place_of(self._principal)
        return None if place is None else (every, every.of(place))

    def _policies(self, action: str, resource: str) -> PoliciesInForce:
        return self._evaluator(action, resource).request_and_policies(self._principal)[1]

    def _evaluator(self, action: str, resource: str) -> QuestionEvaluator:
        question = replace(self._terms, action=action, resource=resource)
        return QuestionEvaluator(self._account, question, self._now)

    def _note_unknown_actions(self, spoken: Iterable[StatementInForce]) -> None:
        """Take in actions that policies name and the catalogue does not have."""
        for one in spoken:
            statement = one.compiled.statement if one.layer is Layer.IDENTITY else None
            for entry in statement.actions or () if statement is not None else ():
                service, colon, name = entry.partition(":")
                if colon and name and "*" not in entry and "?" not in entry and not catalogue().knows(entry):
                    self.extra.setdefault(service.lower(), set()).add(name)

    def _services(self, own: Iterable[StatementInForce], resource: str, *, is_complete: bool) -> list[str]:
        """The services of which something may be allowed."""
        named: set[str] = set()
        every = not is_complete
        for one in own:
            if one.layer is Layer.IDENTITY and one.compiled.allows:
                services = one.element.services
                every = every or services is None
                named |= services or set()
        if every or resource != "*":
            named |= set(service_data.service_names()) | set(self.extra)
        for service in self._wanted or ():
            if service not in named and service not in self.extra and not catalogue().is_service(service):
                raise no_action_matches(f"{service}:*")
        named |= _WITHOUT_ALLOW
        return sorted(named if self._wanted is None else named & set(self._wanted))

    def _of_service(
        self, service: str, own: Sequence[StatementInForce], resource: str, *, is_complete: bool
    ) -> Iterator[Permission]:
        known = actions_of(service, tuple(sorted(self.extra.get(service, ()))))
        fitting = known.full if resource == "*" else known.fitting(resource)
        if not fitting:
            return
        self.actions[service] = known.named(fitting)
        allowed = depends = 0
        if self._found is not None and service in self._found[0].space.services:
            every, permitted = self._found
            allowed, depends, left = (every.space.local(service, bits) for bits in permitted)
            # What policies name besides the catalogue has higher bits.
            fitting &= allowed | depends | left | ~every.space.services[service][0].full
            if not fitting:
                return
        # Of a resource that is named, its policy is known too.
        spoken = own if resource == "*" else tuple(statements_in_force(self._policies(f"{service}:*", resource)))
        yield from self._open(known, fitting & ~allowed & ~depends, spoken, resource, is_complete=is_complete)
        for outcome, bits in ((Outcome.ALLOWED, allowed), (Outcome.DEPENDS, depends)):
            if fitting & bits:
                yield from self._decided(known, fitting & bits, spoken, resource, outcome)

    def _open(
        self,
        known: ServiceActions,
        bits: int,
        spoken: Sequence[StatementInForce],
        resource: str,
        *,
        is_complete: bool,
    ) -> Iterator[Permission]:
        """Actions to evaluate one by one, where the statements about them may allow any."""
        service = known.service
        grants = any(one.layer is Layer.RESOURCE for one in spoken) or service in _WITHOUT_ALLOW or not is_complete
        for mask, numbers in self._masks.classes(known, bits, spoken):
            statements = [spoken[number] for number in numbers]
            if not grants and not any(one.layer is Layer.IDENTITY and one.compiled.allows for one in statements):
                continue
            # A resource's policy lets some in whose boundary is silent, and calls of STS may be free.
            if service != "sts" and self._caps.deny(statements, but_for=Layer.BOUNDARY if grants else None):
                continue
            for actions in known.told_apart(mask, statements, resource, in_region=self._in_region):
                yield from self._asked(service, actions, resource)

    def _decided(
        self, known: ServiceActions, bits: int, spoken: Sequence[StatementInForce], resource: str, outcome: Outcome
    ) -> Iterator[Permission]:
        """Actions whose outcome is known already."""
        for mask, numbers in self._masks.classes(known, bits, spoken):
            statements = [spoken[number] for number in numbers]
            for actions in known.told_apart(mask, statements, resource, in_region=self._in_region):
                decision = self._evaluator(actions[0], resource).decide_as(self._principal, outcome)
                yield Permission(known.service, actions, resource, decision)

    def _asked(self, service: str, actions: tuple[str, ...], resource: str) -> Iterator[Permission]:
        decision = self._evaluator(actions[0], resource).decide(self._principal, read_whole=True)
        if decision.outcome in (Outcome.ALLOWED, Outcome.DEPENDS):
            yield Permission(service, actions, resource, decision)

    def by_resource_policies(self, found: Sequence[Permission], cancelled: Callable[[], bool]) -> Iterator[Permission]:
        """Permissions by the policies of loaded resources alone, beyond those found already."""
        by_service: dict[str, list[Permission]] = {}
        for one in found:
            by_service.setdefault(one.service, []).append(one)
        certain: dict[str, frozenset[str]] = {}
        bounded = bool(self._policies("s3:GetObject", "*").boundaries)
        caller = caller_facts(self._principal, lasting=True).caller(session_may_vary=True, has_boundary=bounded)
        asked: set[tuple[str, str]] = set()
        for carrier, policy in self._account.resource_policies.items():
            if cancelled():
                return
            document = policy.document
            if policy.state != "present" or document is None or document.error is not None:
                continue
            if carrier.split(":", 3)[2:3] == ["kms"]:
                # Keys whose policy is known are looked at with "*".
                continue
            compiled = compile_policy(document, PolicyType.RESOURCE, DEFAULT_LANGUAGE_OPTIONS)
            for number in range(len(compiled.actions)):
                statement = compiled.statement(number)
                reached = reached_as(statement, caller, PrincipalRules()) if statement.allows else {}
                if any(reached.get(strength, False) is not False for strength in (*ALONE, *WITHIN_CAPS)):
                    for service in statement.action.services or (carrier.split(":", 3)[2],):
                        if service not in certain:
                            certain[service] = frozenset(_on_all(by_service.get(service, ())))
                    yield from self._by_statement(statement, carrier, certain, asked)

    def _by_statement(
        self,
        statement: CompiledStatement,
        carrier: str,
        certain: Mapping[str, Collection[str]],
        asked: set[tuple[str, str]],
    ) -> Iterator[Permission]:
        service = carrier.split(":", 3)[2]
        for prefix in statement.action.services or (service,):
            if self._wanted is not None and prefix not in self._wanted:
                continue
            known = actions_of(prefix, tuple(sorted(self.extra.get(prefix, ()))))
            mask = self._masks.of(statement.action, known)
            self.actions.setdefault(prefix, known.named(known.full))
            for resource in _resources_of(statement, carrier):
                policies = self._policies(f"{prefix}:*", resource)
                spoken = tuple(statements_in_force(policies))
                for bits, numbers in self._masks.classes(known, mask & known.fitting(resource), spoken):
                    statements = [spoken[number] for number in numbers]
                    for each in known.told_apart(bits, statements, resource, in_region=self._in_region):
                        actions = tuple(
                            one for one in each if one not in certain[prefix] and (one, resource) not in asked
                        )
                        asked.update((one, resource) for one in actions)
                        if actions:
                            yield from self._asked(prefix, actions, resource)


def _on_all(permissions: Iterable[Permission]) -> Iterator[str]:
    """Actions that are certainly allowed on all resources of the question."""
    for one in permissions:
        if one.outcome is Outcome.ALLOWED and one.is_on_all:
            yield from one.actions


def _resources_of(statement: CompiledStatement, carrier: str) -> tuple[str, ...]:
    """Resources of a statement in a resource's policy: the carrier itself, or parts of it by name."""
    entries = statement.statement.resources or ()
    inside = tuple(entry for entry in entries if entry.startswith(carrier) and "${" not in entry and "?" not in entry)
    others = () if statement.statement.not_resources is None and len(inside) == len(entries) > 0 else (carrier,)
    return tuple(dict.fromkeys((*inside, *others)))
