"""The effective permissions of a user or role as one policy document, which grants nothing more than it has.

Each Allow of its identity policies is narrowed to what the boundary and every level of SCPs allow too, and each Deny in
force is kept. What cannot be written as one statement is left out and named. The document is checked: alone, without
boundary and SCPs, it grants no action that the principal has not.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeAlias

from iamtui.account.model import Account, InlinePolicy, Known, OrganizationPolicy, Role, User
from iamtui.catalog import service_data
from iamtui.engine.decision import Layer, Outcome
from iamtui.engine.layers import reaches
from iamtui.engine.request import FIXED_KEYS, PoliciesInForce, Principal, caller_facts, common_context
from iamtui.policy.context import RequestContext
from iamtui.policy.document import JsonValue, PolicyDocument, Statement
from iamtui.policy.statement import ActionElement, CompiledStatement, PrincipalRules
from iamtui.problem import Problem
from iamtui.questions.account_facts import entity_behind
from iamtui.questions.action_classes import (
    ActionMasks,
    Caps,
    ServiceActions,
    StatementInForce,
    actions_of,
    are_all_known,
    caps_of,
    statements_in_force,
)
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.text import safe_text
from iamtui.workspace.questions import with_region
from iamtui.workspace.what_can import EffectiveAccess, Permission, what_can
from iamtui.workspace.workspace import Workspace

MANAGED_POLICY_SIZE: Final = 6_144
"""Characters that a managed policy may have (IAM User Guide: IAM and AWS STS quotas)."""

_VERSION: Final = "2012-10-17"
_ALL: Final = ("*",)
_EVERYTHING: Final = PolicyDocument.of(
    {"Version": _VERSION, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)

_Conditions: TypeAlias = tuple[tuple[str, str, tuple[str, ...]], ...]
"""Condition lines: operator, key and values."""


_RANKS: Final = {Outcome.EXPLICIT_DENY: 0, Outcome.IMPLICIT_DENY: 0, Outcome.DEPENDS: 1, Outcome.ALLOWED: 2}


class _Scope(NamedTuple):
    """The resources and conditions of an Allow; `resources` are those of NotResource where `negated`."""

    resources: tuple[str, ...] = _ALL
    negated: bool = False
    conditions: _Conditions = ()


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """A policy document and what it lacks.

    Args:
        document: grants nothing that the principal has not.
        left_out: actions that are allowed, or may be, on some resources and that it does not grant there.
        caps_complete: whether all SCPs are loaded; else some of it may be denied by them.
    """

    document: Mapping[str, JsonValue]
    left_out: tuple[str, ...]
    caps_complete: bool

    @property
    def size(self) -> int:
        """Its characters without white space, as IAM counts them."""
        return len(json.dumps(self.document, separators=(",", ":"), ensure_ascii=False))


def effective_policy(
    workspace: Workspace, principal: Principal, services: Collection[str] | None = None, now: datetime | None = None
) -> EffectivePolicy:
    """The identity policy that stands for all identity policies, the boundary and the SCPs of a principal.

    What the policies of resources allow by themselves is not in it, as it goes on to be allowed by them.

    Raises:
        Problem: it is no user or role of the account, or a policy that it is under is not known.
    """
    account = workspace.account
    entity = entity_behind(account, principal)
    if entity is None:
        raise Problem(
            f"{safe_text(principal.arn or 'anonymous')} is not a user or role of the loaded account.",
            "Name a user, a role or a session of a role of it.",
        )
    now = now or datetime.now(UTC)
    question = with_region(workspace, Question("s3:GetObject"))
    request, policies, _ = QuestionEvaluator(account, question, now).put_by(principal)
    levels = [*policies.scps] if isinstance(policies.scps, tuple) else []
    levels += policies.rcps if isinstance(policies.rcps, tuple) else ()
    if not all(map(are_all_known, (policies.identity, policies.boundaries, *(level.policies for level in levels)))):
        raise Problem(
            f"A policy that {safe_text(entity.name)} is under is not loaded or cannot be read, so no document is known "
            "to grant no more.",
            "Load it: `iamtui permissions` names what that takes.",
        )
    context = RequestContext(common_context(request), fixed=caller_facts(principal, lasting=True).keys)
    before = what_can(workspace, principal, services=services, now=now)
    writer = _Writer(policies, context, caps_of(principal, policies), account, before)
    document = writer.document()
    refused: set[str] = set()
    while more := writer.granted & _granted_more(workspace, principal, entity, document, before, services, now):
        refused |= more
        writer.drop(more)
        document = writer.document()
    scps_loaded = isinstance(policies.scps, tuple) and all(level.not_loaded is None for level in policies.scps)
    left_out = tuple(sorted(writer.left_out | refused, key=str.lower))
    return EffectivePolicy(document, left_out, scps_loaded or policies.principal_in_management_account)


class _Writer:
    """Writes the statements, from what speaks of each class of actions."""

    def __init__(
        self,
        policies: PoliciesInForce,
        context: RequestContext,
        caps: Caps,
        account: Account,
        before: EffectiveAccess,
    ) -> None:
        self._context = context
        self._caps = caps
        self._caller = caller_facts(before.principal, lasting=True).caller(
            session_may_vary=True, has_boundary=bool(policies.boundaries)
        )
        self._spoken = tuple(one for one in statements_in_force(policies) if self._counts(one))
        self._masks = ActionMasks(account)
        self.granted = {action for one in before.permissions if one.resource == "*" for action in one.actions}
        self._services = {
            service: actions_of(service, before.unknown_actions(service)) for service in before.asked_services
        }
        self._scopes: dict[_Scope, dict[str, int]] = {}
        self._denied: dict[str, int] = {}
        self.left_out: set[str] = set()
        for known in self._services.values():
            self._read(known)

    def drop(self, actions: Collection[str]) -> None:
        """Grant these actions nowhere."""
        self.granted -= set(actions)
        for masks in self._scopes.values():
            for service, known in self._services.items():
                masks[service] = masks.get(service, 0) & ~known.bits_of(actions)

    def _counts(self, one: StatementInForce) -> bool:
        """Whether a statement can match: its conditions may hold, as far as they read who asks."""
        compiled = one.compiled
        if one.layer is not Layer.RCP and one.layer not in self._caps.binding:
            return False
        if one.layer is Layer.RCP and (compiled.allows or not self._reaches(compiled)):
            return False
        holds = compiled.holds(self._context)
        # Tags of a session replace those that the account knows; who asks stays the same.
        return holds is not False or not (compiled.allows or compiled.keys <= FIXED_KEYS)

    def _reaches(self, compiled: CompiledStatement) -> bool:
        return reaches(compiled, self._caller, Layer.RCP, PrincipalRules()) is not False

    def _read(self, known: ServiceActions) -> None:
        for bits, numbers in self._masks.classes(known, known.full, self._spoken):
            statements = [self._spoken[number] for number in numbers]
            if any(_denies_all(one.compiled) for one in statements if one.layer is not Layer.RCP):
                self._denied[known.service] = self._denied.get(known.service, 0) | bits
                continue
            complete = True
            for scope in self._product(statements):
                if scope is None:
                    complete = False
                else:
                    masks = self._scopes.setdefault(scope, {})
                    masks[known.service] = masks.get(known.service, 0) | bits
            if not complete:
                self.left_out |= self.granted.intersection(known.named(bits))

    def _product(self, statements: Sequence[StatementInForce]) -> Iterator[_Scope | None]:
        """What an identity policy and every cap allow together; None where that is not one statement."""
        for own in statements:
            if own.layer is not Layer.IDENTITY or not own.compiled.allows:
                continue
            scopes: list[_Scope | None] = [_scope_of(own)]
            for layer, level in self._caps.layers:
                allowing = [
                    _scope_of(one)
                    for one in statements
                    if one.compiled.allows and (one.layer, one.level) == (layer, level)
                ]
                if _Scope() in allowing:
                    continue
                scopes = [each for scope in scopes for cap in allowing for each in _both(scope, cap)]
            yield from scopes

    def document(self) -> dict[str, JsonValue]:
        everywhere = self._scopes.get(_Scope(), {})
        statements: list[JsonValue] = []
        used: dict[str, int] = {}
        for scope, masks in sorted(self._scopes.items(), key=lambda item: (item[0] != _Scope(), str(item[0]))):
            wanted = {
                service: known.bits_of(self.granted)
                & masks.get(service, 0)
                & (~everywhere.get(service, 0) if scope != _Scope() else -1)
                for service, known in self._services.items()
            }
            wanted = {service: bits for service, bits in wanted.items() if bits}
            if wanted:
                actions = self._entries(wanted, masks, used)
                statements.append(_allow(actions, scope))
        statements += self._denies(used)
        return {"Version": _VERSION, "Statement": statements}

    def _entries(self, wanted: Mapping[str, int], masks: Mapping[str, int], used: dict[str, int]) -> list[str]:
        """Action entries for some actions: patterns where they match none that is neither granted nor denied anyway."""

        def is_safe(service: str, bits: int) -> bool:
            return not bits & ~(masks.get(service, 0) | self._denied.get(service, 0))

        every = {service: known.full for service, known in self._services.items()}
        if service_data.service_names().keys() <= wanted.keys() and all(
            is_safe(service, bits) for service, bits in every.items()
        ):
            for service, bits in every.items():
                used[service] = used.get(service, 0) | bits
            return ["*"]
        entries: list[str] = []
        for service, left in wanted.items():
            known = self._services[service]
            patterns = {f"{service}:*": known.full, **self._patterns(known)}
            for pattern, bits in sorted(patterns.items(), key=lambda item: -item[1].bit_count()):
                if (bits & left).bit_count() > 1 and is_safe(service, bits):
                    entries.append(pattern)
                    used[service] = used.get(service, 0) | bits
                    left &= ~bits
            entries += known.named(left)
            used[service] = used.get(service, 0) | left
        return entries

    def _patterns(self, known: ServiceActions) -> dict[str, int]:
        """The patterns that the policies use of a service, each with what it matches."""
        found: dict[str, int] = {}
        for one in self._spoken:
            for entry in one.compiled.statement.actions or ():
                if "*" in entry and entry.lower().startswith(f"{known.service}:"):
                    found[entry] = self._masks.of(ActionElement((entry,), negated=False), known)
        return found

    def _denies(self, used: Mapping[str, int]) -> Iterator[JsonValue]:
        """Every Deny about something that the document allows, as it is."""
        kept: set[str] = set()
        for one in self._spoken:
            statement = one.compiled.statement
            if one.compiled.allows:
                continue
            if any(self._masks.of(one.element, self._services[service]) & bits for service, bits in used.items()):
                made = _deny(statement)
                text = json.dumps(made)
                if text not in kept:
                    kept.add(text)
                    yield made


def _denies_all(compiled: CompiledStatement) -> bool:
    return not compiled.allows and compiled.any_resource and not compiled.conditions


def _scope_of(one: StatementInForce) -> _Scope | None:
    """The resources and conditions of a statement; None where another version of the language reads them otherwise."""
    statement = one.compiled.statement
    resources = statement.not_resources if statement.not_resources is not None else statement.resources
    if resources is None:
        return None
    conditions = tuple((line.operator, line.key, line.values) for line in statement.conditions)
    texts = (*resources, *(value for _, _, values in conditions for value in values))
    if not one.has_variables and any("${" in text for text in texts):
        return None
    if one.compiled.any_resource:
        resources = _ALL
    return _Scope(tuple(dict.fromkeys(resources)), statement.not_resources is not None, tuple(sorted(conditions)))


def _both(one: _Scope | None, other: _Scope | None) -> Iterator[_Scope | None]:
    """What two Allows allow together; None where that cannot be written as one statement."""
    if one is None or other is None:
        yield None
        return
    conditions = _joined(one.conditions, other.conditions)
    if conditions is None:
        yield None
        return
    if other.resources == _ALL and not other.negated:
        yield _Scope(one.resources, one.negated, conditions)
        return
    if one.resources == _ALL and not one.negated:
        yield _Scope(other.resources, other.negated, conditions)
        return
    if one.negated or other.negated:
        yield None
        return
    pairs = [_common(mine, yours) for mine in one.resources for yours in other.resources]
    inside = tuple(dict.fromkeys(text for text in pairs if text))
    if inside:
        yield _Scope(inside, negated=False, conditions=conditions)
    if None in pairs:
        yield None


def _joined(one: _Conditions, other: _Conditions) -> _Conditions | None:
    """Both conditions in one block; None where they test one key by one operator for different values."""
    found = {(operator.lower(), key.lower()): (operator, key, values) for operator, key, values in one}
    for operator, key, values in other:
        known = found.setdefault((operator.lower(), key.lower()), (operator, key, values))
        if known[2] != values:
            return None
    return tuple(sorted(found.values()))


def _common(one: str, other: str) -> str | None:
    """The narrower of two entries, "" where they have nothing in common, None where neither is seen."""
    for wide, narrow in ((one, other), (other, one)):
        head = wide.removesuffix("*")
        is_prefix = head != wide and not set("*?$") & set(head) and head.count(":") >= 5
        if wide in ("*", narrow) or (is_prefix and narrow.startswith(head)):
            return narrow
    mine, yours = _literal(one), _literal(other)
    return None if mine.startswith(yours) or yours.startswith(mine) else ""


def _literal(entry: str) -> str:
    """How every text begins that an entry matches."""
    return entry[: min((place for mark in "*?$" if (place := entry.find(mark)) >= 0), default=len(entry))]


def _allow(actions: Sequence[str], scope: _Scope) -> JsonValue:
    made: dict[str, JsonValue] = {"Effect": "Allow", "Action": _one_or_more(actions)}
    made["NotResource" if scope.negated else "Resource"] = _one_or_more(scope.resources)
    if scope.conditions:
        made["Condition"] = _condition_block(scope.conditions)
    return made


def _deny(statement: Statement) -> dict[str, JsonValue]:
    made: dict[str, JsonValue] = {"Effect": "Deny"}
    for name, entries in (
        ("Action", statement.actions),
        ("NotAction", statement.not_actions),
        ("Resource", statement.resources),
        ("NotResource", statement.not_resources),
    ):
        if entries is not None:
            made[name] = _one_or_more(entries)
    if statement.conditions:
        made["Condition"] = _condition_block([(line.operator, line.key, line.values) for line in statement.conditions])
    return made


def _condition_block(lines: Iterable[tuple[str, str, tuple[str, ...]]]) -> JsonValue:
    block: dict[str, dict[str, JsonValue]] = {}
    for operator, key, values in lines:
        block.setdefault(operator, {})[key] = _one_or_more(values)
    return block


def _one_or_more(values: Sequence[str]) -> JsonValue:
    return values[0] if len(values) == 1 else list(values)


def _granted_more(
    workspace: Workspace,
    principal: Principal,
    entity: User | Role,
    document: Mapping[str, JsonValue],
    before: EffectiveAccess,
    services: Collection[str] | None,
    now: datetime,
) -> set[str]:
    """The actions of which the document alone grants more than the principal has."""
    account = _with_nothing_else(workspace.account, entity, PolicyDocument.of(dict(document)))
    alone = replace(workspace, account=account)
    after = what_can(alone, principal, services=services, now=now)
    had = before.by_action()
    found: set[str] = set()
    for permission in (one for one in after.permissions if one.resource == "*"):
        for action in permission.actions:
            # What a resource's policy allows by itself is not the document's.
            own = [one for one in had.get(action, ()) if one.resource == "*"]
            if not own or _is_more(permission, own[0]):
                found.add(action)
        for resource in permission.resources if permission.resources != _ALL else ():
            alone_on_it, own_on_it = (
                QuestionEvaluator(one.account, with_region(one, Question(permission.actions[0], resource)), now)
                .decide(principal, read_whole=True)
                .outcome
                for one in (alone, workspace)
            )
            if _RANKS[alone_on_it] > _RANKS[own_on_it]:
                found.update(permission.actions)
    return found


def _is_more(one: Permission, had: Permission) -> bool:
    if _RANKS[one.outcome] > _RANKS[had.outcome]:
        return True
    return one.outcome is had.outcome and one.is_on_all and not had.is_on_all


def _with_nothing_else(account: Account, entity: User | Role, document: PolicyDocument) -> Account:
    """The account, in which one of its users or roles has this policy alone, and no SCP or RCP denies anything."""
    own = (InlinePolicy("effective", document),)
    unread = tuple(one for one in entity.unread if one.part == "tags")
    if isinstance(entity, User):
        user = replace(entity, inline_policies=own, attached_policies=(), groups=(), boundary_arn=None, unread=unread)
        made = replace(account, users=tuple(user if one is entity else one for one in account.users))
    else:
        role = replace(entity, inline_policies=own, attached_policies=(), boundary_arn=None, unread=unread)
        made = replace(account, roles=tuple(role if one is entity else one for one in account.roles))
    fact = made.organization
    if isinstance(fact, Known) and fact.value is not None:
        full: tuple[OrganizationPolicy, ...] = (OrganizationPolicy("", "FullAWSAccess", _EVERYTHING),)
        every = Known(full)
        path = tuple(replace(level, scps=every, rcps=every) for level in fact.value.path)
        made = replace(made, organization=Known(replace(fact.value, path=path)))
    return made
