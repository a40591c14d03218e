"""Impact of a draft: what the whole account gains and loses, which roles open, and who can become administrator.

Only what an edit says otherwise can be answered otherwise: each pair of action and resource that a statement names
before the draft and not after it, or the other way round, is asked about once, for everybody who has that statement.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeVar

from iamtui.account.model import Account, Role, User
from iamtui.catalog import service_data
from iamtui.catalog.escalation_paths import ESCALATING_ACTIONS
from iamtui.engine.decision import Layer, Outcome
from iamtui.engine.policy_holders import places
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.policy.document import PolicyDocument
from iamtui.policy.patterns import Glob, parse_pieces, tokens_of
from iamtui.policy.statement import ActionElement, ActionName, action_name
from iamtui.questions.account_index import account_index
from iamtui.questions.action_classes import (
    ActionMasks,
    StatementInForce,
    actions_of,
    statements_in_force,
)
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.ask.access import levels_of
from iamtui.workspace.ask.assumptions import (
    Assumptions,
    Circumstances,
    circumstances_text,
    documents_beside,
    documents_of,
    documents_on,
    under,
)
from iamtui.workspace.ask.policy_reads import own_documents
from iamtui.workspace.ask.questions import with_region
from iamtui.workspace.ask.trust import TrustEdge, TrustReader, unread_trust
from iamtui.workspace.ask.what_can import what_can
from iamtui.workspace.ask.who_can import everybody
from iamtui.workspace.change.compared_states import AlignedStates, ChangedStatements
from iamtui.workspace.change.draft_session import DraftedAccount, Effect, effect_between
from iamtui.workspace.review.escalation_steps import Escalation
from iamtui.workspace.review.escalations import find_escalations
from iamtui.workspace.source.principals import principal_for
from iamtui.workspace.source.unknown_facts import MOST_SEARCHED
from iamtui.workspace.source.workspace import Workspace

MOST_QUESTIONS: Final = 4_000
"""Most pairs of action and resource to evaluate, each before and after."""
MOST_DECISIONS: Final = 100_000
"""Answers that are worked out for single principals, where the index of the account cannot tell."""
MOST_STRANGERS: Final = 50
"""Most added or removed principals whose access is found: each takes a second."""
_MOST_ROLES: Final = 50
_FEW: Final = 2
_MOST_TOLD_APART: Final = 500
"""Principals whose own policies alone are looked at for what their answers assume."""
_MOST_VERSIONS: Final = 5

_ASSUMING: Final = (action_name("sts:AssumeRole"),)
_ESCALATING: Final = tuple(map(action_name, ESCALATING_ACTIONS))
_POSSIBLE: Final = frozenset((Outcome.ALLOWED, Outcome.DEPENDS))


@dataclass(frozen=True, slots=True)
class AccessShift:
    """Actions of one service on a resource or pattern that some principals gain, lose, or have otherwise.

    Args:
        when: where it is not so of a call of now with TLS in the Region in use: of which call, raw.
    """

    effect: Effect
    actions: tuple[str, ...]
    resource: str
    before: Outcome
    after: Outcome
    principals: tuple[Principal, ...]
    when: str = ""


def family_of(action: str) -> str:
    """The service of an action with its most telling access level."""
    levels = levels_of(action)
    return f"{action.partition(':')[0]} {levels[-1] if levels else 'not in the catalogue'}"


class Count(NamedTuple):
    """How many actions are gained, lost, and allowed otherwise."""

    gained: int = 0
    lost: int = 0
    changed: int = 0

    @property
    def total(self) -> int:
        return sum(self)


@dataclass(frozen=True, slots=True)
class TrustShift:
    """A principal that may assume a role only after the draft, only before it, or on another condition.

    Or that may tag sessions of a role whose trust policy changes, or set their source identity.

    Args:
        when: as of an AccessShift.
    """

    effect: Effect
    edge: TrustEdge
    when: str = ""


@dataclass(frozen=True, slots=True)
class EscalationShift:
    """A principal that can become administrator, or is one (without a path), only after the draft or only before."""

    effect: Effect
    principal: User | Role
    escalation: Escalation | None


@dataclass(frozen=True, slots=True)
class Impact:
    """Impact of a draft on an account.

    Args:
        not_compared: what could not be looked at, sentences without their end; raw text.
    """

    access: tuple[AccessShift, ...] = ()
    trust: tuple[TrustShift, ...] = ()
    escalations: tuple[EscalationShift, ...] = ()
    not_compared: tuple[str, ...] = ()

    def by_principal(self) -> Mapping[Principal, Count]:
        """How many actions each principal gains, loses and has otherwise, those first of whom most changes."""
        sets: dict[Principal, dict[Effect, set[str]]] = {}
        for shift in self.access:
            for principal in shift.principals:
                sets.setdefault(principal, {}).setdefault(shift.effect, set()).update(shift.actions)
        return _most_first({principal: _counted(found) for principal, found in sets.items()})

    def by_family(self) -> Mapping[str, Count]:
        """The same by service and access level: an action counts once for each principal."""
        sets: dict[str, dict[Effect, set[tuple[str, Principal]]]] = {}
        for shift in self.access:
            for action in shift.actions:
                found = sets.setdefault(family_of(action), {}).setdefault(shift.effect, set())
                found.update((action, principal) for principal in shift.principals)
        return _most_first({family: _counted(found) for family, found in sets.items()})

    def shifts_by_principal(self) -> Mapping[Principal, Sequence[AccessShift]]:
        found: dict[Principal, list[AccessShift]] = {}
        for shift in self.access:
            for principal in shift.principals:
                found.setdefault(principal, []).append(shift)
        return found

    def shifts_by_family(self) -> Mapping[str, Sequence[tuple[AccessShift, tuple[str, ...]]]]:
        """Changes by family, with the actions of each."""
        found: dict[str, list[tuple[AccessShift, tuple[str, ...]]]] = {}
        for shift in self.access:
            families: dict[str, list[str]] = {}
            for action in shift.actions:
                families.setdefault(family_of(action), []).append(action)
            for family, actions in families.items():
                found.setdefault(family, []).append((shift, tuple(actions)))
        return found

    def effects(self) -> frozenset[Effect]:
        """Everything that happens, in access, trust or escalation."""
        access, trust = (shift.effect for shift in self.access), (shift.effect for shift in self.trust)
        return frozenset((*access, *trust, *(shift.effect for shift in self.escalations)))


def _counted(found: Mapping[Effect, Collection[Hashable]]) -> Count:
    return Count(*(len(found.get(effect, ())) for effect in (Effect.GAINED, Effect.LOST, Effect.CHANGED)))


T = TypeVar("T")


def _most_first(counts: Mapping[T, Count]) -> Mapping[T, Count]:
    return dict(sorted(counts.items(), key=lambda item: -item[1].total))


def impact_of(
    drafted: DraftedAccount,
    cancelled: Callable[[], bool] = lambda: False,
    *,
    told: Callable[[int], None] = lambda _pairs: None,
    now: datetime | None = None,
) -> Impact:
    """Impact of a draft on the whole account; a part of it when it is cancelled.

    `told` is called again and again with how many pairs of action and resource have been compared.

    Raises:
        DraftProblem: the draft does not fit.
    """
    drafted.check()
    return impact_between(drafted.states, drafted.reach.entities, cancelled, told=told, now=now)


def impact_between(
    states: AlignedStates,
    reached: Collection[str],
    cancelled: Callable[[], bool] = lambda: False,
    *,
    told: Callable[[int], None] = lambda _pairs: None,
    now: datetime | None = None,
) -> Impact:
    """Access that the whole account gains and loses from one state to another; as `impact_of`.

    Args:
        reached: the ARNs of those who can differ.
    """
    only_before, only_after = states.only_before, states.only_after
    reached = {arn for arn in reached if arn not in only_before and arn not in only_after}
    changes = ChangedStatements(states.before.account, states.after.account, reached, only_before, only_after)
    search = _ImpactSearch(states.before, states.after, changes, now or datetime.now(UTC), cancelled)
    access = (*_merged(search.access(told)), *search.access_of_strangers(states))
    trust = tuple(search.trust())
    escalations = tuple(search.escalations())
    return Impact(access, trust, escalations, tuple(dict.fromkeys((*changes.unknown, *search.left_out))))


def _merged(shifts: Iterable[AccessShift]) -> Iterator[AccessShift]:
    """The shifts with those in one of which only the actions, of the same service, are others."""
    found: dict[tuple[str, AccessShift], list[str]] = {}
    for shift in shifts:
        service = shift.actions[0].partition(":")[0]
        found.setdefault((service, replace(shift, actions=())), []).extend(shift.actions)
    for (_, shift), actions in found.items():
        yield replace(shift, actions=tuple(dict.fromkeys(actions)))


# The questions before and after.


class _ComparedActions(NamedTuple):
    """Actions with the same answer on a resource: one of them is evaluated."""

    actions: tuple[str, ...]
    resource: str
    who: int


class _ImpactSearch:
    """The search for all that a draft does."""

    def __init__(
        self,
        base: Workspace,
        changed: Workspace,
        changes: ChangedStatements,
        now: datetime,
        cancelled: Callable[[], bool],
    ) -> None:
        self._base = base
        self._changed = changed
        self._changes = changes
        self._now = now
        self._cancelled = cancelled
        self._before, self._after = changes.index, account_index(changed.account)
        self._assumed: dict[int, Assumptions] = {}
        self._decided = self._questions = 0
        self.left_out: list[str] = []

    def access(self, told: Callable[[int], None]) -> Iterator[AccessShift]:
        """Changes of access."""
        for asked, one in enumerate(self._asked()):
            told(asked)
            if self._cancelled():
                return
            if self._questions >= MOST_QUESTIONS or self._decided >= MOST_DECISIONS:
                self.left_out.append(f"Only the first {asked:,} pairs of action and resource are compared")
                return
            yield from self._compared(one)

    def access_of_strangers(self, states: AlignedStates) -> Iterator[AccessShift]:
        """Everything that those may do who are there in one of the states only."""
        come = [(Effect.GAINED, states.after, one) for one in states.only_after.values()]
        gone = [(Effect.LOST, states.before, one) for one in states.only_before.values()]
        for number, (effect, workspace, entity) in enumerate((*come, *gone)):
            if number >= MOST_STRANGERS or self._cancelled():
                asked = f"{number:,} of {len(come) + len(gone):,} principals that were added or removed"
                self.left_out.append(f"What was allowed is compared for only {asked}")
                return
            principal = principal_for(workspace, entity)
            yield from self._access_of(effect, workspace, principal)

    def _access_of(self, effect: Effect, workspace: Workspace, principal: Principal) -> Iterator[AccessShift]:
        """Everything that one may do who is there in one of the states only."""
        documents = documents_on(workspace.account, principal)
        assumptions = Assumptions(documents, workspace.source.region, self._now)
        seen: set[tuple[str, str]] = set()
        for circumstances in self._circumstances(assumptions, None):
            terms = under(Question(""), circumstances)
            can = what_can(workspace, principal, terms=terms, now=self._now, cancelled=self._cancelled)
            for one in can.permissions:
                outcomes = (Outcome.IMPLICIT_DENY, one.outcome)
                was, now = outcomes if effect is Effect.GAINED else outcomes[::-1]
                for resource in one.resources:
                    actions = tuple(action for action in one.actions if (action, resource) not in seen)
                    seen.update((action, resource) for action in actions)
                    if actions:
                        when = circumstances_text(circumstances)
                        yield AccessShift(effect, actions, resource, was, now, (principal,), when)

    def _assumptions(self, who: int) -> Assumptions:
        """Assumptions about calls of users and roles, and the policies in force that read them."""
        everyone = self._before.everyone
        known = who if who.bit_count() <= _MOST_TOLD_APART else everyone
        found = self._assumed.get(known)
        if found is None:
            documents: dict[PolicyDocument, None] = {}
            for workspace, index in ((self._base, self._before), (self._changed, self._after)):
                account = workspace.account
                if known == everyone:
                    documents.update(dict.fromkeys(documents_of(account)))
                    continue
                documents.update(dict.fromkeys(documents_beside(account)))
                for place in places(known):
                    documents.update(dict.fromkeys(own_documents(account, index.principals[place].principal)))
            region, changed = self._base.source.region, self._changes.on_condition
            found = self._assumed[known] = Assumptions(documents, region, self._now, changed=changed)
        return found

    def _circumstances(self, assumptions: Assumptions, action: ActionName | None) -> Iterator[Circumstances]:
        """Those of a call of now, then others that may matter to an action, or to one of all."""
        yield {}
        yield from assumptions.others(action)
        for key in assumptions.untold(action):
            self.left_out.append(f"What differs by {key} is compared for some values of it alone")

    def _asked(self) -> Iterator[_ComparedActions]:
        """Classes to evaluate: single actions first, whole services last."""
        wanted: dict[tuple[str, str, int], list[ActionElement]] = {}
        extra: dict[str, set[str]] = {}
        known_services = service_data.service_names()
        for (resource, who), entries in self._changes.said.items():
            for names, negated in entries:
                element = ActionElement(names, negated=negated)
                services = element.services
                for service in known_services if services is None else services:
                    wanted.setdefault((service, resource, who), []).append(element)
                for name in names if not negated else ():
                    service, _, rest = name.partition(":")
                    if rest and not set("*?") & set(name) and rest.lower() not in service_data.actions(service.lower()):
                        extra.setdefault(service.lower(), set()).add(rest)
        masks = ActionMasks(self._changed.account)
        for (service, resource, who), elements in sorted(wanted.items(), key=lambda item: len(item[1])):
            known = actions_of(service, tuple(sorted(extra.get(service, ()))))
            bits = 0
            for element in elements:
                bits |= masks.of(element, known)
            if resource != "*":
                bits &= known.fitting(resource)
            if bits:
                # Actions that the same statements speak of, before and after, of those to whom the change applies.
                if not bits & (bits - 1):
                    yield _ComparedActions(known.named(bits), resource, who)
                    continue
                statements = tuple(self._statements(f"{known.service}:*", resource, who))
                for mask, numbers in masks.classes(known, bits, statements):
                    spoken = [statements[number] for number in numbers]
                    for actions in known.told_apart(mask, spoken, resource, in_region=False):
                        yield _ComparedActions(actions, resource, who)

    def _statements(self, action: str, resource: str, who: int) -> Iterator[StatementInForce]:
        seen: set[int] = set()
        for workspace, index in ((self._base, self._before), (self._changed, self._after)):
            first = next(places(who), None)
            if first is None:
                continue
            evaluator = QuestionEvaluator(workspace.account, Question(action, resource), self._now)
            policies = evaluator.request_and_policies(index.principals[first].principal)[1]
            for one in statements_in_force(policies):
                if one.layer not in (Layer.IDENTITY, Layer.BOUNDARY):
                    yield one
            for layer, held_by in ((Layer.IDENTITY, index.held), (Layer.BOUNDARY, index.bounds)):
                for place in places(who):
                    for held in held_by[place]:
                        if id(held.compiled) not in seen:
                            seen.add(id(held.compiled))
                            for number in range(len(held.compiled.actions)):
                                yield StatementInForce(layer, 0, True, held.compiled, number)

    def _evaluators(
        self, action: str, resource: str, circumstances: Circumstances
    ) -> tuple[QuestionEvaluator, QuestionEvaluator]:
        asked = under(with_region(self._base, Question(action, resource)), circumstances)
        before, after = self._base.account, self._changed.account
        return QuestionEvaluator(before, asked, self._now), QuestionEvaluator(after, asked, self._now)

    def _compared(self, asked: _ComparedActions) -> Iterator[AccessShift]:
        seen: set[tuple[Effect, Principal]] = set()
        for circumstances in self._circumstances(self._assumptions(asked.who), action_name(asked.actions[0])):
            self._questions += 1
            for (effect, was, now), principals in self._changes_of(asked, circumstances).items():
                first = tuple(one for one in principals if (effect, one) not in seen)
                seen.update((effect, one) for one in first)
                if first:
                    when = circumstances_text(circumstances)
                    yield AccessShift(effect, asked.actions, asked.resource, was, now, first, when)

    def _changes_of(
        self, asked: _ComparedActions, circumstances: Circumstances
    ) -> Mapping[tuple[Effect, Outcome, Outcome], Sequence[Principal]]:
        before, after = self._evaluators(asked.actions[0], asked.resource, circumstances)
        # To read the index for everybody is one way too many for a few.
        few = asked.who.bit_count() <= _FEW
        old, new = (None, None) if few else (before.outcomes(), after.outcomes())
        found: dict[tuple[Effect, Outcome, Outcome], list[Principal]] = {}
        by_class: dict[Hashable, tuple[Effect, Outcome, Outcome]] = {}
        single = asked.resource != "*" and not set("*?") & set(asked.resource)
        for place in places(asked.who):
            principal = self._before.principals[place].principal
            was = old.of(place) if old is not None else None
            now = new.of(place) if new is not None else None
            if principal.arn in self._changes.only_before or principal.arn in self._changes.only_after:
                continue
            if few:
                change = _change(before, after, principal, self._after.principals[place].principal)
            elif was is not None and now is not None and not {was, now} <= _POSSIBLE:
                change = (_effect(was, now), was, now)
            elif was is now is Outcome.ALLOWED and single:
                continue
            else:
                change = self._evaluated(before, after, place, by_class)
            if change[0] is not Effect.SAME:
                found.setdefault(change, []).append(principal)
        for principal in self._others(asked):
            change = _change(before, after, principal, principal)
            if change[0] is not Effect.SAME:
                found.setdefault(change, []).append(principal)
        return found

    def _evaluated(
        self,
        before: QuestionEvaluator,
        after: QuestionEvaluator,
        place: int,
        by_class: dict[Hashable, tuple[Effect, Outcome, Outcome]],
    ) -> tuple[Effect, Outcome, Outcome]:
        old, new = self._before.principals[place].principal, self._after.principals[place].principal
        classes = (before.class_of(old), after.class_of(new))
        change = by_class.get(classes) if None not in classes else None
        if change is None:
            self._decided += 1
            change = by_class[classes] = _change(before, after, old, new)
        return change

    def _others(self, asked: _ComparedActions) -> Iterator[Principal]:
        """Principals of a change besides users and roles: the root user, those whom a resource's policy names, and
        examples of those whom it describes."""
        if asked.who != self._before.everyone:
            return
        account = self._base.account
        if self._changes.binds_root:
            yield Principal(PrincipalKind.ROOT, f"arn:{account.partition}:iam::{account.id}:root", account.id)
        carriers = [one for one in self._changes.carriers if asked.resource.startswith(one)]
        named: dict[Principal, None] = {}
        for workspace in (self._base, self._changed) if carriers else ():
            listed = everybody(workspace, QuestionMatrix((asked.actions[0],), (asked.resource,), Question("")))
            named.update(dict.fromkeys(listed.asked[len(listed.principals) - listed.outside :]))
            if listed.lacks:
                self.left_out.append(listed.lacks.rstrip("."))
        yield from named

    def trust(self) -> Iterator[TrustShift]:
        """Who may assume which role otherwise."""
        roles = dict.fromkeys(role.arn for role in self._changes.opened)
        for (resource, _), entries in self._changes.said.items():
            elements = [ActionElement(names, negated=negated) for names, negated in entries]
            if any(element.matches(action) for element in elements for action in _ASSUMING):
                pattern = Glob(tokens_of(parse_pieces(resource, variables=False)))
                roles.update(dict.fromkeys(filter(pattern.matches, (role.arn for role in self._changed.account.roles))))
        if len(roles) > _MOST_ROLES:
            self.left_out.append(f"Who may assume a role is compared for {_MOST_ROLES} of {len(roles)} roles")
        for arn in list(roles)[:_MOST_ROLES]:
            if self._cancelled():
                return
            seen: set[tuple[Effect, str, str]] = set()
            for circumstances in self._circumstances(self._assumptions(self._before.everyone), _ASSUMING[0]):
                when = circumstances_text(circumstances)
                for effect, edge in self._edges_of(arn, circumstances):
                    if (effect, edge.name, edge.action) not in seen:
                        seen.add((effect, edge.name, edge.action))
                        yield TrustShift(effect, edge, when)

    def _edges_of(self, arn: str, circumstances: Circumstances) -> Iterator[tuple[Effect, TrustEdge]]:
        edges: list[dict[tuple[str, str], TrustEdge]] = []
        unread: list[str] = []
        for workspace in (self._base, self._changed):
            role = workspace.account.by_arn(arn)
            found: Iterable[TrustEdge] = ()
            if isinstance(role, Role):
                changes = any(one.arn == arn for one in self._changes.opened)
                reader = TrustReader(workspace, circumstances=circumstances)
                found = reader.edges(role, self._cancelled, with_sessions=changes)
                unread += filter(None, (unread_trust(role),))
            gone = self._changes.only_before if workspace is self._changed else self._changes.only_after
            edges.append({(edge.name, edge.action): edge for edge in found if edge.name not in gone})
        before, after = edges
        if unread:
            self.left_out.append(f"Whom else {arn} lets in is not known: {unread[0]}")
            before = {key: edge for key, edge in before.items() if edge.is_inside}
        for key in {**before, **after}:
            old, new = before.get(key), after.get(key)
            if old is None or new is None:
                shown = new or old
                assert shown is not None
                yield Effect.GAINED if old is None else Effect.LOST, shown
            elif (old.decision.outcome, old.condition) != (new.decision.outcome, new.condition):
                effect = effect_between(old.decision, new.decision)
                yield Effect.CHANGED if effect is Effect.SAME else effect, new

    def escalations(self) -> Iterator[EscalationShift]:
        """Who can become administrator, or is one, only before or only after; nothing where the draft cannot matter."""
        account = self._base.account
        if self._cancelled() or not (
            self._changes.only_before
            or self._changes.only_after
            or self._changes.opened
            or self._changes.touches(_ESCALATING)
            or _fills_versions(account, self._changed.account)
        ):
            return
        if len(self._before.principals) > MOST_SEARCHED:
            self.left_out.append(
                f"Ways to become administrator are not looked for among more than {MOST_SEARCHED:,} users and roles"
            )
            return
        before, after = (find_escalations(one, self._cancelled) for one in (self._base, self._changed))
        was = {one.arn: None for one in before.administrators} | {one.principal.arn: one for one in before.escalations}
        now = {one.arn: None for one in after.administrators} | {one.principal.arn: one for one in after.escalations}
        for arn in {**was, **now}:
            entity = self._changed.account.by_arn(arn)
            assert isinstance(entity, (User, Role))
            old, new = _power(was, arn), _power(now, arn)
            effect = Effect.GAINED if new > old else Effect.LOST
            if old != new:
                yield EscalationShift(effect, entity, now[arn] if effect is Effect.GAINED else was[arn])


def _change(
    before: QuestionEvaluator, after: QuestionEvaluator, old: Principal, new: Principal
) -> tuple[Effect, Outcome, Outcome]:
    was, now = before.decide(old), after.decide(new)
    if not {was.outcome, now.outcome} <= _POSSIBLE:
        return _effect(was.outcome, now.outcome), was.outcome, now.outcome
    return effect_between(was, now), was.outcome, now.outcome


def _effect(before: Outcome, after: Outcome) -> Effect:
    """Effect on an outcome, where not both of them allow anything."""
    if (before in _POSSIBLE) is (after in _POSSIBLE):
        return Effect.SAME
    return Effect.GAINED if after in _POSSIBLE else Effect.LOST


def _power(found: Mapping[str, Escalation | None], arn: str) -> int:
    """How close to an administrator: 3 is one, 2 can become one, 1 can on a condition, 0 cannot."""
    if arn not in found:
        return 0
    escalation = found[arn]
    return 3 if escalation is None else 2 if escalation.certain else 1


def _fills_versions(account: Account, after: Account) -> bool:
    """True where an edit leaves a policy with the most versions, so that nobody can add another."""
    return any(
        len(policy.versions) >= _MOST_VERSIONS > len(was.versions)
        for policy in after.policies
        if (was := account.policy(policy.arn)) is not None and was is not policy
    )
