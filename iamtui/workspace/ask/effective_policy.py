"""The effective permissions of a user or role as one policy document, which grants nothing more than it has.

Each Allow of its identity policies is narrowed to what the boundary and every level of SCPs allow too, and each Deny in
force is kept. No Allow is wider than a statement of each layer, so that this holds for actions that are not known here
too. What cannot be written as one statement, or would be longer than IAM takes, is left out and named. The document is
checked: alone, without boundary and SCPs, it grants no known action that the principal has not.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product
from typing import Final, NamedTuple, TypeAlias

from msgspec import structs

from iamtui.account.model import Account, InlinePolicy, Known, OrganizationPolicy, Role, User
from iamtui.catalog import service_data
from iamtui.engine.decision import Layer, Outcome
from iamtui.engine.layers import reaches
from iamtui.engine.policy_sets import caller_facts
from iamtui.engine.request import FIXED_KEYS, Mode, PoliciesInForce, Principal
from iamtui.policy.context import CommonContext, RequestContext
from iamtui.policy.document import JsonValue, PolicyDocument
from iamtui.policy.json_text import one_or_more
from iamtui.policy.statement import ActionElement, CompiledStatement, PrincipalRules
from iamtui.problem import Problem
from iamtui.questions.action_classes import (
    ActionMasks,
    Caps,
    ServiceActions,
    StatementInForce,
    action_space,
    actions_of,
    are_all_known,
    caps_of,
    different_statements,
)
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.policies_in_force import entity_behind
from iamtui.questions.question import Question
from iamtui.text import safe_text
from iamtui.workspace.ask.what_can import EffectiveAccess, Permission, what_can
from iamtui.workspace.source.workspace import Workspace

MANAGED_POLICY_SIZE: Final = 6_144
"""Characters that a managed policy may have (IAM User Guide: IAM and AWS STS quotas)."""
_MOST_CHARACTERS: Final = 10 * MANAGED_POLICY_SIZE
"""Those of the managed policies that a user or role may have by default."""
_MOST_TOGETHER: Final = 64
"""Most statements that combine the layers' Allows of one class of actions: four levels of twenty each could make
160,000."""
_MOST_COMPARED: Final = 200_000
"""Pairs of resources that are compared, which takes less than a second."""
NEWER_SERVICES: Final = "services newer than the action data"
"""Left out where `NotAction` allows what the data has no name for."""
_MOST_ASKED: Final = 10_000
"""Most statements, times the resources they are evaluated on, for checking a document: some two seconds."""

_VERSION: Final = "2012-10-17"
_ALL: Final = ("*",)
_EVERYTHING: Final = PolicyDocument.of(
    {"Version": _VERSION, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)

_Conditions: TypeAlias = tuple[tuple[str, str, tuple[str, ...]], ...]
"""Condition lines: operator, key and values."""
_Elements: TypeAlias = tuple[tuple[ActionElement, ...], ...]
"""The Action elements of statements that together allow something: of each layer those that do so alone."""

_RANKS: Final = {Outcome.EXPLICIT_DENY: 0, Outcome.IMPLICIT_DENY: 0, Outcome.DEPENDS: 1, Outcome.ALLOWED: 2}


class _Scope(NamedTuple):
    """The resources and conditions of an Allow; `resources` are those of NotResource where `negated`."""

    resources: tuple[str, ...] = _ALL
    negated: bool = False
    conditions: _Conditions = ()


_Product: TypeAlias = dict[tuple[_Scope, _Elements], None]
"""Combined Allows of all layers, in their order."""


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """A policy document and what it lacks.

    Args:
        document: grants nothing that the principal has not.
        left_out: actions that are allowed, or may be, on some resources and that it does not grant there; of services
            that are not known, the entries of policies.
        caps_complete: whether all SCPs are loaded; else some of it may be denied by them.
    """

    document: Mapping[str, JsonValue]
    left_out: tuple[str, ...]
    caps_complete: bool

    @property
    def size(self) -> int:
        return _size(self.document)


def effective_policy(
    workspace: Workspace, principal: Principal, services: Collection[str] | None = None, now: datetime | None = None
) -> EffectivePolicy:
    """The identity policy equivalent to all identity policies, the boundary and the SCPs of a principal.

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
    # What holds in another Region, at another time or for a service that calls on its behalf is a permission too.
    workspace = replace(workspace, source=structs.replace(workspace.source, region=""))
    question = Question("s3:GetObject", made_now=False)
    request, policies, _ = QuestionEvaluator(account, question, now).put_by(principal)
    levels = [*policies.scps] if isinstance(policies.scps, tuple) else []
    levels += policies.rcps if isinstance(policies.rcps, tuple) else ()
    if not all(map(are_all_known, (policies.identity, policies.boundaries, *(level.policies for level in levels)))):
        raise Problem(
            f"A policy that {safe_text(entity.name)} is under is not loaded or cannot be read, so no document is known "
            "to grant no more.",
            "Load it: `iamtui permissions` names what that takes.",
        )
    common = CommonContext.of(request, discover=request.mode is Mode.DISCOVER)
    context = RequestContext(common, fixed=caller_facts(principal, lasting=True).keys)
    before = what_can(workspace, principal, terms=question, services=services, now=now)
    writer = _Writer(policies, context, caps_of(principal, policies), account, before, of_all=services is None)
    document = writer.document()
    refused: set[str] = set()
    while more := writer.granted & _granted_more(workspace, principal, entity, document, before, services, now):
        refused |= more
        writer.drop(more)
        document = writer.document()
    scps_loaded = isinstance(policies.scps, tuple) and all(level.not_loaded is None for level in policies.scps)
    newer = Question("service-newer-than-the-data:Any", made_now=False)
    written = document["Statement"]
    assert isinstance(written, list), "as the writer makes it"
    grants_newer = any(
        isinstance(one, dict) and (one.get("Effect"), one.get("Action")) == ("Allow", "*") for one in written
    )
    if services is None and not grants_newer:
        decision = QuestionEvaluator(account, newer, now).decide(principal)
        refused |= {NEWER_SERVICES} if decision.outcome in (Outcome.ALLOWED, Outcome.DEPENDS) else set()
    left_out = tuple(sorted(writer.left_out | refused, key=str.lower))
    return EffectivePolicy(document, left_out, scps_loaded or policies.principal_in_management_account)


class _Budget:
    """How much more may be done before what is left is left out."""

    def __init__(self, left: int) -> None:
        self._left = left

    def takes(self, work: int) -> bool:
        self._left -= work
        return self._left >= 0


class _Writer:
    """Writes the statements, from what speaks of each class of actions."""

    def __init__(
        self,
        policies: PoliciesInForce,
        context: RequestContext,
        caps: Caps,
        account: Account,
        before: EffectiveAccess,
        *,
        of_all: bool,
    ) -> None:
        self._context = context
        self._caps = caps
        self._cap_order = sorted(caps.layers, key=lambda cap: (cap[0].value, cap[1]))
        facts = caller_facts(before.principal, lasting=True)
        self._under_rcps = not (facts.service_linked or policies.resource_in_management_account)
        self._caller = facts.caller(session_may_vary=True, has_boundary=bool(policies.boundaries))
        self._spoken = tuple(filter(self._counts, different_statements(policies)))
        self._masks = ActionMasks(account)
        self.granted = {action for one in before.permissions if one.resource == "*" for action in one.actions}
        self._services = {
            service: actions_of(service, before.unknown_actions(service)) for service in before.asked_services
        }
        self._patterns = {service: self._patterns_of(known) for service, known in self._services.items()}
        self._budget = _Budget(_MOST_COMPARED)
        self._common: dict[tuple[_Scope, _Scope], tuple[_Scope | None, bool]] = {}
        self._products: dict[tuple[int, ...], tuple[_Product, bool]] = {}
        self._scopes: dict[_Scope, dict[str, int]] = {}
        self._elements: dict[_Scope, set[_Elements]] = {}
        self._denied: dict[str, int] = {}
        self.left_out = self._of_unknown_services() if of_all else set()
        for known in self._services.values():
            self._read(known)

    def drop(self, actions: Collection[str]) -> None:
        """Grant these actions nowhere."""
        self.granted -= set(actions)
        for masks in self._scopes.values():
            for service in masks:
                masks[service] &= ~self._services[service].bits_of(actions)

    def _counts(self, one: StatementInForce) -> bool:
        """True where a statement can match: its conditions may hold, as far as they read the caller."""
        compiled = one.compiled
        if one.layer is not Layer.RCP and one.layer not in self._caps.binding:
            return False
        if one.layer is Layer.RCP and (
            not self._under_rcps
            or compiled.allows
            or reaches(compiled, self._caller, Layer.RCP, PrincipalRules()) is False
        ):
            return False
        holds = compiled.holds(self._context)
        # Tags of a session replace those that the account knows; who asks stays the same.
        return holds is not False or not (compiled.allows or compiled.keys <= FIXED_KEYS)

    def _patterns_of(self, known: ServiceActions) -> list[tuple[str, int]]:
        """The patterns that the policies use of a service, each with what it matches, the widest first."""
        found = {f"{known.service}:*": known.full}
        for one in self._spoken:
            if known.service in one.element.named_services:
                statement = one.compiled.statement
                for entry in (*(statement.actions or ()), *(statement.not_actions or ())):
                    if "*" in entry and entry.lower().startswith(f"{known.service}:"):
                        found[entry] = self._masks.of(ActionElement((entry,), negated=False), known)
        return sorted(found.items(), key=lambda item: -item[1].bit_count())

    def _of_unknown_services(self) -> set[str]:
        """The entries of identity policies about services of which no action is known."""
        return {
            entry
            for one in self._spoken
            if one.layer is Layer.IDENTITY and one.compiled.allows
            for entry in one.compiled.statement.actions or ()
            if entry.partition(":")[0].lower() not in (*self._services, "*") and entry.partition(":")[2]
        }

    def _read(self, known: ServiceActions) -> None:
        for bits, numbers in self._masks.classes(known, known.full, self._spoken):
            statements = [self._spoken[number] for number in numbers]
            if any(_denies_all(one.compiled) for one in statements if one.layer is not Layer.RCP):
                self._denied[known.service] = self._denied.get(known.service, 0) | bits
                continue
            allows = tuple(number for number in numbers if self._spoken[number].compiled.allows)
            found = self._products.get(allows)
            if found is None:
                found = self._products[allows] = self._product([self._spoken[number] for number in allows])
            together, is_all = found
            for scope, elements in together:
                masks = self._scopes.setdefault(scope, {})
                masks[known.service] = masks.get(known.service, 0) | bits
                self._elements.setdefault(scope, set()).add(elements)
            if not is_all:
                self.left_out |= self.granted.intersection(known.named(bits))

    def _product(self, allows: Sequence[StatementInForce]) -> tuple[_Product, bool]:
        """Combined Allows of identity policies and every cap, and whether they are complete."""
        is_all = True
        found: _Product = {}
        for own in allows:
            if own.layer is Layer.IDENTITY:
                scope = _scope_of(own)
                if scope is not None:
                    found[scope, ((own.element,),)] = None
        for layer, level in self._cap_order if found else ():
            caps = [(_scope_of(one), one.element) for one in allows if (one.layer, one.level) == (layer, level)]
            everywhere = tuple(element for cap, element in caps if cap == _Scope())
            if everywhere:
                found = {(scope, (*elements, everywhere)): None for scope, elements in found}
                continue
            narrowed: _Product = {}
            for (scope, elements), (cap, element) in product(found, caps):
                both, is_whole = self._both(scope, cap) if cap is not None else (None, True)
                is_all = is_all and is_whole
                if both is not None:
                    narrowed[both, (*elements, (element,))] = None
                if len(narrowed) > _MOST_TOGETHER:
                    is_all = False
                    break
            found = narrowed
        return found, is_all

    def _both(self, one: _Scope, other: _Scope) -> tuple[_Scope | None, bool]:
        known = self._common.get((one, other))
        if known is None:
            if not self._budget.takes(len(one.resources) * len(other.resources)):
                return None, False
            known = self._common[one, other] = _both(one, other)
        return known

    def document(self) -> dict[str, JsonValue]:
        granted = {service: known.bits_of(self.granted) for service, known in self._services.items()}
        everywhere = self._scopes.get(_Scope(), {})
        statements: list[JsonValue] = []
        entries: dict[str, None] = {}
        left = _Budget(_MOST_CHARACTERS)
        for scope, masks in sorted(self._scopes.items(), key=lambda item: (item[0] != _Scope(), str(item[0]))):
            wanted = {
                service: granted[service] & mask & (~everywhere.get(service, 0) if scope != _Scope() else -1)
                for service, mask in masks.items()
            }
            wanted = {service: bits for service, bits in wanted.items() if bits}
            if not wanted:
                continue
            if left.takes(0):
                actions = self._entries(wanted, scope)
                made = _allow(actions, scope)
                if left.takes(_size(made)):
                    statements.append(made)
                    entries.update(dict.fromkeys(actions))
                    continue
            for service, bits in wanted.items():
                self.left_out.update(self._services[service].named(bits))
        statements += self._denies(entries)
        return {"Version": _VERSION, "Statement": statements}

    def _entries(self, wanted: Mapping[str, int], scope: _Scope) -> list[str]:
        """Action entries for some actions: patterns where all that they match is granted or denied anyway.

        A pattern lies inside the Action elements of one statement of each layer, so that it matches no action that
        these do not, whether the action is known here or not.
        """
        masks = self._scopes[scope]

        def is_safe(pattern: str, service: str, bits: int) -> bool:
            return not bits & ~(masks.get(service, 0) | self._denied.get(service, 0)) and any(
                all(any(element.covers(pattern) for element in each) for each in elements)
                for elements in self._elements[scope]
            )

        if service_data.service_names().keys() <= wanted.keys() and all(
            is_safe("*", service, known.full) for service, known in self._services.items()
        ):
            return ["*"]
        entries: list[str] = []
        for service, left in wanted.items():
            for pattern, bits in self._patterns[service]:
                if (bits & left).bit_count() > 1 and is_safe(pattern, service, bits):
                    entries.append(pattern)
                    left &= ~bits
            entries += self._services[service].named(left)
        return entries

    def _denies(self, entries: Iterable[str]) -> Iterator[JsonValue]:
        """Every Deny about something that these entries allow, whether known here or not."""
        by_service: dict[str, list[str]] = {}
        for entry in entries:
            by_service.setdefault(entry.partition(":")[0].lower(), []).append(entry)
        kept: set[str] = set()
        for one in self._spoken:
            if one.compiled.allows:
                continue
            services = one.element.services
            asked = by_service if services is None else {*services, "*"} & by_service.keys()
            if any(one.element.overlaps(entry) for service in asked for entry in by_service[service]):
                made = _deny(one)
                if made is None:
                    continue
                text = json.dumps(made)
                if text not in kept:
                    kept.add(text)
                    yield made
                if one.layer is Layer.RCP:
                    self._leave_out_beyond_rcps(one)

    def _leave_out_beyond_rcps(self, one: StatementInForce) -> None:
        """Name what a Deny of an RCP hits in the document, where no RCP would."""
        space = action_space()
        for service in self._services.keys() & space.services.keys():
            known = self._services[service]
            bits = self._masks.of(one.element, known) & space.local(service, space.full & ~space.under_rcps)
            self.left_out |= self.granted.intersection(known.named(bits))


def _denies_all(compiled: CompiledStatement) -> bool:
    return not compiled.allows and compiled.any_resource and not compiled.conditions


def _scope_of(one: StatementInForce) -> _Scope | None:
    """The resources and conditions of an Allow; None where it is about nothing."""
    statement = one.compiled.statement
    negated = statement.not_resources is not None
    resources = _resources(one, (statement.not_resources if negated else statement.resources) or ())
    readable = _readable(one, resources, negated=negated)
    if not readable:
        return None
    resources = readable
    if one.compiled.any_resource:
        resources = _ALL
    return _Scope(tuple(dict.fromkeys(resources)), negated, tuple(sorted(_conditions(one))))


def _readable(one: StatementInForce, entries: tuple[str, ...], *, negated: bool) -> tuple[str, ...]:
    """Entries that mean the same in an identity policy.

    SCPs and RCPs read short ARNs, and a NotResource with one, so that they are about nothing; then there are none.
    """
    if one.layer not in (Layer.SCP, Layer.RCP):
        return entries
    ends = one.layer is Layer.SCP
    readable = tuple(
        entry
        for entry in entries
        if not entry.startswith("arn:") or entry.count(":") >= 5 or (ends and entry.endswith("*"))
    )
    return () if negated and readable != entries else readable


def _resources(one: StatementInForce, entries: Sequence[str]) -> tuple[str, ...]:
    """The entries of Resource or NotResource in the version that the document has."""
    if one.has_variables:
        return tuple(entries)
    cut = [entry.split(":", 5) for entry in entries]
    return tuple(":".join((*parts[:5], *map(_literally, parts[5:]))) for parts in cut)


def _conditions(one: StatementInForce) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The condition lines in the version that the document has."""
    for line in one.compiled.statement.conditions:
        yield line.operator, line.key, line.values if one.has_variables else tuple(map(_literally, line.values))


def _literally(text: str) -> str:
    """A text without variables of the older version, as version 2012-10-17 writes it.

    IAM User Guide, policy variables: `${$}` stands for a dollar sign.
    """
    return text.replace("${", "${$}{")


def _both(one: _Scope, other: _Scope) -> tuple[_Scope | None, bool]:
    """Intersection of two Allows, as far as one statement can write it, and whether it is complete."""
    conditions = _joined(one.conditions, other.conditions)
    if conditions is None:
        return None, False
    if other.resources == _ALL and not other.negated:
        return _Scope(one.resources, one.negated, conditions), True
    if one.resources == _ALL and not one.negated:
        return _Scope(other.resources, other.negated, conditions), True
    if one.negated or other.negated:
        return None, False
    pairs = [_common(mine, yours) for mine in one.resources for yours in other.resources]
    inside = tuple(dict.fromkeys(text for text in pairs if text))
    return _Scope(inside, negated=False, conditions=conditions) if inside else None, None not in pairs


def _joined(one: _Conditions, other: _Conditions) -> _Conditions | None:
    """Both conditions in one block; None where they test one key by one operator for different values."""
    found: dict[tuple[str, str], tuple[str, str, tuple[str, ...]]] = {}
    for operator, key, values in (*one, *other):
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
    made: dict[str, JsonValue] = {"Effect": "Allow", "Action": one_or_more(actions)}
    made["NotResource" if scope.negated else "Resource"] = one_or_more(scope.resources)
    if scope.conditions:
        made["Condition"] = _condition_block(scope.conditions)
    return made


def _deny(one: StatementInForce) -> dict[str, JsonValue] | None:
    """A Deny as an identity policy has it; None where it is about nothing."""
    statement = one.compiled.statement
    made: dict[str, JsonValue] = {"Effect": "Deny"}
    for name, entries in (("Action", statement.actions), ("NotAction", statement.not_actions)):
        if entries is not None:
            made[name] = one_or_more(entries)
    for name, entries in (("Resource", statement.resources), ("NotResource", statement.not_resources)):
        if entries is not None:
            readable = _readable(one, _resources(one, entries), negated=name == "NotResource")
            if entries and not readable:
                return None
            made[name] = one_or_more(readable)
    if statement.conditions:
        made["Condition"] = _condition_block(_conditions(one))
    return made


def _condition_block(lines: Iterable[tuple[str, str, tuple[str, ...]]]) -> JsonValue:
    block: dict[str, dict[str, JsonValue]] = {}
    for operator, key, values in lines:
        block.setdefault(operator, {})[key] = one_or_more(values)
    return block


def _size(value: JsonValue) -> int:
    """The characters of JSON without white space, as IAM counts them."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False))


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
    after = what_can(alone, principal, terms=Question("", made_now=False), services=services, now=now)
    had = before.by_action()
    found: set[str] = set()
    granted = [one for one in after.permissions if one.resource == "*"]
    for permission in granted:
        for action in permission.actions:
            # What a resource's policy allows by itself is not the document's.
            own = [one for one in had.get(action, ()) if one.resource == "*"]
            if not own or _is_more(permission, own[0]):
                found.add(action)
    pairs = [(one, resource) for one in granted if one.resources != _ALL for resource in one.resources]
    # Of many resources, some are asked about: each question takes longer the more statements there are.
    step = len(pairs) * len(document["Statement"]) // _MOST_ASKED + 1
    for permission, resource in pairs[::step]:
        alone_on_it, own_on_it = (
            QuestionEvaluator(one.account, Question(permission.actions[0], resource, made_now=False), now)
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
    organization = made.organization.value_or(None)
    if organization is not None:
        full: tuple[OrganizationPolicy, ...] = (OrganizationPolicy("", "FullAWSAccess", _EVERYTHING),)
        every = Known(full)
        path = tuple(replace(level, scps=every, rcps=every) for level in organization.path)
        made = replace(made, organization=Known(replace(organization, path=path)))
    return made
