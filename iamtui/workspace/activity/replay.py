"""Replay: recorded requests compared with an account's own answers, or with those that a draft would give.

Only a call that succeeded proves that it was allowed. Whatever is not told in a record, or not mapped to an action,
counts as open, never as allowed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import product
from typing import Final, NamedTuple

from iamtui.account.model import Role, User
from iamtui.activity.distinct_requests import DistinctRequest
from iamtui.catalog.actions import ENGINE_CATALOGUE
from iamtui.denials.cloudtrail import encryption_context, is_outside_policies, read_record
from iamtui.denials.denial import Denial, SourcePlace
from iamtui.drafts.edits.deletions import DeleteAccessKey, DeleteLoginProfile
from iamtui.engine.calls.api_calls import AuthorizedAction, CallActions, authorized_by
from iamtui.engine.calls.call_resources import patterns_of_type
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Decision, Layer, Outcome, ResourceScope
from iamtui.engine.request import Mode, Principal, PrincipalKind
from iamtui.policy.patterns import is_pattern, parse_arn
from iamtui.policy.resource import resource_policy_arn
from iamtui.policy.statement import action_name
from iamtui.problem import Problem
from iamtui.questions.answers import worst_of
from iamtui.questions.known_context import ONLY_FORWARDED, roles_with_tagged_sessions
from iamtui.questions.question import Question
from iamtui.text import first_names, safe_text
from iamtui.workspace.activity.used import UNTOLD, with_stars
from iamtui.workspace.ask.denial_comparison import Agreement, compare, reason_words
from iamtui.workspace.ask.denials import caller_of, roles_of_profile, with_path
from iamtui.workspace.ask.policy_reads import (
    OF_OWNERS,
    OF_THE_MOMENT,
    PolicyReads,
    ValueClasses,
)
from iamtui.workspace.ask.questions import BulkEvaluator
from iamtui.workspace.change.compared_states import ChangedStatements
from iamtui.workspace.change.draft_session import DraftedAccount, may_be_left_to_identity, verdict_key
from iamtui.workspace.source.workspace import Workspace

MOST_NAMED: Final = 5
"""Most names of a kind in a message."""


class ReplayVerdict(StrEnum):
    """Verdict of a replay on a recorded request."""

    AGREES = "agrees"
    """The account's answer is what AWS did."""
    DIFFERS = "differs"
    """The account's answer is another."""
    KEPT = "kept"
    """It would still be allowed with the draft."""
    BROKEN = "broken"
    """It would be denied with the draft."""
    OPEN = "open"
    """The answer could not be determined."""


WORST_FIRST: Final = (
    ReplayVerdict.BROKEN,
    ReplayVerdict.DIFFERS,
    ReplayVerdict.OPEN,
    ReplayVerdict.KEPT,
    ReplayVerdict.AGREES,
)


@dataclass(slots=True)
class ReplayGroup:
    """Requests of one caller for one action that came to the same.

    Args:
        caller: ARN of the user or role, or the name of a service; raw.
        action: the IAM action that decided; where none is known, the call.
        reason: why it is so, one sentence or a part of one; safe to show.
        resources: the first few, raw, and how many there are.
        requests, events: how many distinct requests, and how many events they stand for.
        first, last: times of the first and the last event; "" where it is unknown.
        sessions: the first few names of the caller's sessions.
        has_more: whether there are more resources.
        principal, question: one of the questions with its caller, for a fix.
    """

    verdict: ReplayVerdict
    caller: str
    action: str
    reason: str
    resources: dict[str, None] = field(default_factory=dict)
    requests: int = 0
    events: int = 0
    first: str = ""
    last: str = ""
    sessions: dict[str, None] = field(default_factory=dict)
    has_more: bool = False
    principal: Principal | None = None
    question: Question | None = None

    def add(self, request: DistinctRequest, resource: str) -> None:
        self.requests += 1
        self.events += request.count
        if request.first and (not self.first or request.first < self.first):
            self.first = request.first
        self.last = max(self.last, request.last)
        if len(self.resources) < MOST_RESOURCES:
            self.resources[resource] = None
        elif resource not in self.resources:
            self.has_more = True
        if request.caller.session and len(self.sessions) < MOST_NAMED:
            self.sessions[request.caller.session] = None


MOST_RESOURCES: Final = 1_000
"""Resources of a group that are held."""


@dataclass(slots=True)
class Replay:
    """Verdicts of a replay on all recorded requests.

    Args:
        groups: those that need a look: what differs, is broken, or is open; most events first.
        besides: what more of the broken requests would be denied than the one that they are counted by.
        requests, events: how many there are of each verdict.
        unmapped: calls that no action is known for, by service and name: why, and how many events.
        not_calls: events that are no calls, such as sign-ins.
        failed: calls that failed for another reason than a lack of permission, by error code; they prove nothing.
        refused: with a draft: events that AWS denied, which prove nothing about it.
        unaffected: with a draft: events of callers, or of actions, that it does not matter to; they are kept.
        elsewhere: events between accounts that are not open, by the account that recorded them.
        ungrouped: events of more different answers than are told apart.
    """

    drafted: bool
    groups: list[ReplayGroup] = field(default_factory=list)
    besides: list[ReplayGroup] = field(default_factory=list)
    requests: Counter[ReplayVerdict] = field(default_factory=Counter)
    events: Counter[ReplayVerdict] = field(default_factory=Counter)
    unmapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    not_calls: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    unaffected: int = 0
    elsewhere: Counter[str] = field(default_factory=Counter)
    ungrouped: int = 0

    @property
    def told(self) -> bool:
        """True where all calls have a verdict; a draft changes nothing between other accounts.

        A trail of nothing but that says nothing of the draft: it may be another account's.
        """
        elsewhere = self.elsewhere and not (self.drafted and self.events.total())
        return not (self.events[ReplayVerdict.OPEN] or self.unmapped or self.ungrouped or elsewhere)

    def of(self, verdict: ReplayVerdict) -> list[ReplayGroup]:
        return [group for group in self.groups if group.verdict is verdict]

    def broken(self) -> Iterator[LostPermission]:
        """Permissions that the draft would break, by the first denial of each request, most events first."""
        merged: dict[tuple[str, str, str], LostPermission] = {}
        for group in (*self.of(ReplayVerdict.BROKEN), *self.besides):
            key = group.caller, group.action, group.reason
            known = merged.get(key)
            resources = tuple(dict.fromkeys((*(known.resources if known is not None else ()), *group.resources)))
            more = group.has_more or (known is not None and known.has_more)
            merged[key] = LostPermission(group.principal, group.action, group.question, resources, group.reason, more)
        yield from merged.values()


class LostPermission(NamedTuple):
    """A permission that somebody used on some resources, and would lose with a draft.

    Args:
        principal, question: None where no account can be asked about it.
        reason: why it could not be done; safe to show.
        has_more: whether there are more resources than are held.
    """

    principal: Principal | None
    action: str
    question: Question | None
    resources: tuple[str, ...]
    reason: str
    has_more: bool = False


def allows_all(decision: Decision) -> bool:
    """True where the request is allowed on all of its resources."""
    return decision.outcome is Outcome.ALLOWED and decision.resource_scope is not ResourceScope.SOME


MOST_GROUPS: Final = 10_000
"""Most groups of different answers; the requests of more are counted."""

_MOST_SENTENCES: Final = 3
_MOST_REMEMBERED: Final = 4_096
_PLACE: Final = SourcePlace(1, 0)
_KEPT_TIMES: Final = 2
_ASSUMED: Final = ("aws:SecureTransport", "aws:ViaAWSService")
"""Keys that are taken for granted of a question, and of which a record need not tell."""

_TAG_OF_CALLER: Final = "aws:principaltag/"
_ALWAYS: Final = frozenset(("aws:requestedregion",))
_MAKING: Final = ("iam:createrole", "iam:createuser")


_Groups = dict[tuple[ReplayVerdict, str, str, str], ReplayGroup]
UNTOLD_CALLER: Final = "not recorded"


class _ReplayedCall(NamedTuple):
    """One question that a call leads to."""

    question: Question
    guessed: bool
    implied: bool


class _CallVerdict(NamedTuple):
    """Replayed verdict of one question."""

    verdict: ReplayVerdict
    action: str
    resource: str
    reason: str
    question: Question | None = None
    denied_before: bool = False


class _State:
    """An account as it is, or as a draft would make it, with its evaluators."""

    def __init__(self, workspace: Workspace, now: datetime) -> None:
        self.workspace = workspace
        self._now = now
        self._evaluators: dict[object, BulkEvaluator] = {}
        self._known: dict[object, Decision] = {}
        self._values = ValueClasses(workspace.accounts)

    def decide(self, principal: Principal, question: Question) -> Decision:
        """The decision, found once for all contexts that no policy tells apart."""
        context = self._values.alike(question.context)
        if context is not question.context:
            question = replace(question, context=context)
        about = (
            question.action,
            question.resource,
            tuple(context.items()),
            question.resource_account,
            question.region,
            question.session_policies,
            principal.account,
        )
        key = (principal, about)
        found = self._known.get(key)
        if found is None:
            evaluator = self._evaluators.get(about)
            if evaluator is None:
                if len(self._evaluators) >= _MOST_REMEMBERED:
                    self._evaluators.clear()
                there = self.workspace.at(principal.account) if self.workspace.beside else self.workspace
                evaluator = self._evaluators[about] = BulkEvaluator(there, question, now=self._now)
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            found = self._known[key] = evaluator.ask(principal)
        return found


class Replayer:
    """Holds recorded requests against an account, one after the other.

    Args:
        drafted: the draft whose answers count, applied to the account; None: the account's answers are compared with
            what AWS did.
        reads: what the policies read, by which the requests were told apart.
    """

    def __init__(
        self,
        workspace: Workspace,
        reads: PolicyReads,
        drafted: DraftedAccount | None = None,
        *,
        now: datetime | None = None,
    ) -> None:
        now = now or datetime.now(UTC)
        self._reads = reads
        self._drafted = drafted
        self._before = _State(workspace if drafted is None else drafted.states.before, now)
        self._after = None if drafted is None else _State(drafted.states.after, now)
        self._effect = None if drafted is None else _DraftEffect(drafted)
        self._tagged_sessions = roles_with_tagged_sessions(workspace.accounts)
        # Without the tags of its role a session has any.
        self._untagged = (
            tuple(
                _State(_without_tags(one.workspace, self._tagged_sessions), now) for one in (self._before, self._after)
            )
            if self._after is not None and self._tagged_sessions
            else ()
        )
        self._open_accounts = frozenset(account.id for account in workspace.accounts)
        self._callers: dict[tuple[str, str, str], tuple[Principal | None, str]] = {}
        self._groups: _Groups = {}
        self._besides: _Groups = {}
        self.found = Replay(drafted is not None)

    def add(self, request: DistinctRequest) -> None:
        """Hold one request against the account."""
        name = f"{request.source}:{request.event}"
        if not request.is_call:
            self.found.not_calls[f"{name} ({request.type})"] += request.count
        elif request.error and not request.denied:
            self.found.failed[request.error] += request.count
        elif request.denied and self._drafted is not None:
            self.found.refused += request.count
        else:
            self._hold(request, name)

    def finish(self) -> Replay:
        self.found.groups = sorted(
            self._groups.values(),
            key=lambda group: (WORST_FIRST.index(group.verdict), -group.events, group.caller, group.action),
        )
        self.found.besides = list(self._besides.values())
        return self.found

    def _hold(self, request: DistinctRequest, name: str) -> None:
        record = request.record()
        denial = read_record(record, _PLACE)
        principal, why = self._caller(denial, request)
        account = principal.account if principal is not None else request.caller.account
        if account not in self._open_accounts and request.account and request.account not in self._open_accounts:
            self.found.elsewhere[request.account] += request.count
            return
        mapped = authorized_by(record)
        deleted: _CallVerdict | None = None
        if self._effect is not None:
            deleted = self._effect.deleted_subject(self._before.workspace, request, mapped)
            # What was cut may have needed more.
            may_be = (*mapped.actions, *mapped.possible) if mapped.actions and not request.cut else ()
            matters = self._effect.matters_to(principal, request.caller.principal, may_be)
            if deleted is not None and (deleted.verdict is ReplayVerdict.BROKEN or not matters):
                self._note(request, deleted, principal)
                return
            if not matters:
                self.found.unaffected += request.count
                self.found.requests[ReplayVerdict.KEPT] += 1
                self.found.events[ReplayVerdict.KEPT] += request.count
                return
        if principal is None:
            self._note(request, _CallVerdict(ReplayVerdict.OPEN, name, _first_resource(request), why))
            return
        if not mapped.actions:
            self.found.unmapped[name, mapped.unmapped] += request.count
            return
        try:
            found = (
                *self._told(request, denial, principal, mapped.actions),
                *self._possible(principal, request, mapped),
                *filter(None, (deleted,)),
            )
            told = min(found, key=lambda one: WORST_FIRST.index(one.verdict))
            for one in found:
                if one.verdict is ReplayVerdict.BROKEN and one is not told:
                    self._group(self._besides, request, one, principal)
        except Problem as problem:
            told = _CallVerdict(
                ReplayVerdict.OPEN, mapped.actions[0].action, _first_resource(request), problem.sentence
            )
        self._note(request, told, principal)

    def _caller(self, denial: Denial, request: DistinctRequest) -> tuple[Principal | None, str]:
        """The principal, or why there is none."""
        named = denial.caller if self._reads.sessions or not request.caller.role else request.caller.role
        key = named, denial.credentials, denial.issuer
        found = self._callers.get(key)
        if found is None:
            if len(self._callers) >= _MOST_REMEMBERED:
                self._callers.clear()
            left_open: list[str] = []
            # Sessions of a role that no policy tells apart are answered alike.
            who = caller_of(self._before.workspace.at(request.caller.account), denial, left_open)
            why = left_open[0] if left_open else next(iter(denial.unknown), "The record does not say who called.")
            found = self._callers[key] = who, why
        return found

    def _told(
        self, request: DistinctRequest, denial: Denial, principal: Principal, actions: tuple[AuthorizedAction, ...]
    ) -> Iterator[_CallVerdict]:
        if request.denied:
            yield self._of_a_denial(request, denial, principal, actions)
            return
        if request.cut:
            yield _CallVerdict(ReplayVerdict.OPEN, actions[0].action, _first_resource(request), _CUT)
        if self._effect is not None and self._effect.ends_sign_in_of(principal):
            yield _CallVerdict(ReplayVerdict.OPEN, actions[0].action, _first_resource(request), _SIGN_IN)
        for asked in self._questions(request, denial, principal, actions):
            if self._is_of_untold_owner(asked.question):
                yield _CallVerdict(ReplayVerdict.OPEN, asked.question.action, asked.question.resource, _OWNER)
            for question in self._at_its_times(asked.question, request):
                yield self._of_a_success(principal, question, asked)
                yield from self._by_session_tags(principal, question, guessed=asked.guessed)
            yield from self._between(principal, asked, request)

    def _is_of_untold_owner(self, question: Question) -> bool:
        """True where policies read the owner of a resource that neither the record nor an account names."""
        arn = parse_arn(question.resource)
        if arn is None or arn.account or question.resource_account:
            return False
        carrier = resource_policy_arn(question.resource, arn)
        known = (account.resource_policies.get(carrier) for account in self._before.workspace.accounts)
        is_known = any(found is not None and found.state != "denied" for found in known)
        return not (is_known or self._reads.about(question.action).isdisjoint(OF_OWNERS))

    def _by_session_tags(self, principal: Principal, question: Question, *, guessed: bool) -> Iterator[_CallVerdict]:
        """Open verdicts because a session may have had tags, which override those of its role."""
        tags = sorted(key for key in self._reads.about(question.action) if key.startswith(_TAG_OF_CALLER))
        if not self._untagged or not tags or (principal.role_arn or principal.arn) not in self._tagged_sessions:
            return
        for variant in self._variants(question):
            before, after = (state.decide(principal, variant) for state in self._untagged)
            if not (allows_all(after) or before.denied or _depends_alike(variant, before, after, guessed=guessed)):
                words = f"A tag of the session may be another than the role's: {first_names(tags, MOST_NAMED)}."
                yield _CallVerdict(ReplayVerdict.OPEN, question.action, question.resource, words)
                return

    def _possible(self, principal: Principal, request: DistinctRequest, call: CallActions) -> Iterator[_CallVerdict]:
        """Open verdicts because a call may have needed other actions that the draft takes away."""
        if self._effect is None or self._after is None:
            return
        needed: list[str] = []
        sessions, named = _sessions_of(principal), request.caller.principal
        for one in (each for each in call.possible if self._effect.matters_to(principal, named, (each,))):
            for resource in one.resources or ("*",):
                asked = Question(one.action, resource, session_policies=sessions, region=request.region)
                if self._before.decide(principal, asked).denied or allows_all(self._after.decide(principal, asked)):
                    continue
                needed.append(one.action)
                break
        if needed:
            what = "it" if len(needed) == 1 else first_names(needed, MOST_NAMED)
            words = f"{request.event} may have needed {what}, too: {_NOT_IN_RECORD}"
            yield _CallVerdict(ReplayVerdict.OPEN, needed[0], "not recorded", words)

    def _questions(
        self, request: DistinctRequest, denial: Denial, principal: Principal, actions: Sequence[AuthorizedAction]
    ) -> Iterator[_ReplayedCall]:
        sessions = _sessions_of(principal)
        record = request.record() if request.source.startswith("kms.") else {}
        for action in actions:
            told = {**denial.context, **dict(action.context), **encryption_context(record, action.action)}
            if told.get("aws:ViaAWSService") == ("false",):
                told |= dict.fromkeys(ONLY_FORWARDED, ())
            read = self._reads.about(action.action)
            of_action = {key: values for key, values in told.items() if key.lower() in read or key.lower() in _ALWAYS}
            needs_none = ENGINE_CATALOGUE.has_resource_type(action.action) is False
            for resource in (*(action.resources or ("*",)), *self._untold(action, principal, request)):
                arn = parse_arn(resource)
                owner = denial.resource_account or None if arn is not None and not arn.account else None
                if arn is not None and arn.service == "iam" and arn.account in self._open_accounts:
                    there = self._before.workspace.at(arn.account)
                    resource = with_path(there, resource, arn.resource_type, arn.name)
                question = Question(
                    action.action, resource, of_action, Mode.DISCOVER, owner, sessions, region=request.region
                )
                if UNTOLD in resource and self._before.decide(principal, question).outcome is Outcome.IMPLICIT_DENY:
                    question = replace(question, resource=with_stars(resource))
                in_part = resource not in action.resources
                implied = action.implied or (in_part and bool(action.resources))
                yield _ReplayedCall(question, in_part and not needs_none, implied)

    def _untold(self, action: AuthorizedAction, principal: Principal, request: DistinctRequest) -> Iterator[str]:
        """All resources of the types that the record does not tell, but for those that stay denied for others."""
        where, account = request.region, request.account or request.caller.account
        for types in action.untold:
            every = [one for kind in types for one in patterns_of_type(action.action, kind, where, account)]
            asked = {one: Question(action.action, one, session_policies=_sessions_of(principal)) for one in every}
            granted = [one for one, about in asked.items() if not self._before.decide(principal, about).denied]
            yield from granted or every

    def _at_its_times(self, question: Question, request: DistinctRequest) -> Iterator[Question]:
        """The question at the times of the first and of the last event, where policies read the time."""
        if self._reads.about(question.action).isdisjoint(OF_THE_MOMENT):
            yield question
        else:
            yield from (_at(question, moment) for moment in dict.fromkeys((request.first, request.last)))

    def _between(self, principal: Principal, asked: _ReplayedCall, request: DistinctRequest) -> Iterator[_CallVerdict]:
        """Open verdicts because policies read the time, and the events' times are not all kept."""
        question = asked.question
        if self._reads.about(question.action).isdisjoint(OF_THE_MOMENT):
            return
        last = request.last if request.count > _KEPT_TIMES else request.first
        moments = self._reads.moments_between(request.first, last)
        told = (self._of_a_success(principal, _at(question, moment), asked) for moment in moments or ())
        if moments is None or any(one.verdict not in (ReplayVerdict.AGREES, ReplayVerdict.KEPT) for one in told):
            yield _CallVerdict(ReplayVerdict.OPEN, question.action, question.resource, _TIMES)

    def _of_a_denial(
        self, request: DistinctRequest, denial: Denial, principal: Principal, actions: tuple[AuthorizedAction, ...]
    ) -> _CallVerdict:
        """Verdict of a call that AWS denied: agreement where the account denies it too."""
        mapped = [action for action in actions if action.action.lower() == denial.action.lower()]
        if denial.claim.kind and denial.action:
            # The message says which of the call's actions was refused, and on what.
            resources = (denial.resource,) if denial.resource else mapped[0].resources if mapped else ()
            actions = (AuthorizedAction(denial.action, resources),)
        asked = list(self._questions(request, denial, principal, actions))
        decisions = [self._before.decide(principal, one.question) for one in asked]
        worst = worst_of(decisions)
        question = asked[decisions.index(worst)].question
        comparison = compare(self._before.workspace.at(principal.account).account, denial, worst)
        if comparison.agreement is Agreement.AGREES:
            return _CallVerdict(ReplayVerdict.AGREES, question.action, question.resource, "")
        differs = comparison.agreement in (Agreement.ALLOWED_HERE, Agreement.OTHER_REASON)
        by_session = principal.kind is PrincipalKind.FEDERATED_USER and worst.outcome is Outcome.ALLOWED
        is_sure = not (request.cut or worst.complete is False or by_session or is_outside_policies(denial))
        verdict = ReplayVerdict.DIFFERS if differs and is_sure else ReplayVerdict.OPEN
        return _CallVerdict(
            verdict,
            question.action,
            question.resource,
            f"AWS denied it. {' '.join(comparison.sentences[:_MOST_SENTENCES])}",
        )

    def _of_a_success(self, principal: Principal, question: Question, asked: _ReplayedCall) -> _CallVerdict:
        """Verdict of one question of a call that AWS allowed, for all variants that the record leaves open."""
        found: list[_CallVerdict] = []
        for variant in self._variants(question):
            if self._after is None:
                found.append(_held(self._before.decide(principal, variant), variant, asked))
            else:
                found.append(self._with_draft(principal, variant, guessed=asked.guessed))
        if self._after is None:
            # AWS allowed it, so that one of them is what was called.
            return max(found, key=lambda one: WORST_FIRST.index(one.verdict))
        possible = [one for one in found if not one.denied_before] or found[:1]
        if len({one.verdict for one in possible}) == 1:
            return possible[0]
        untold = ", ".join(key for key in _ASSUMED if key not in question.context)
        return _CallVerdict(
            ReplayVerdict.OPEN, question.action, question.resource, f"The record does not contain {untold}."
        )

    def _variants(self, question: Question) -> Iterator[Question]:
        """The question with each value of the keys that would otherwise be assumed, where policies read them."""
        read = self._reads.about(question.action)
        untold = [key for key in _ASSUMED if key.lower() in read and key not in question.context]
        for values in product(("true", "false"), repeat=len(untold)):
            told = {key: (value,) for key, value in zip(untold, values, strict=True)}
            yield replace(question, context={**question.context, **told}) if told else question

    def _with_draft(self, principal: Principal, question: Question, *, guessed: bool) -> _CallVerdict:
        assert self._after is not None
        after = self._after.decide(principal, question)
        about = question.action, question.resource
        deleted = self._effect.deleted(principal) if self._effect is not None else ""
        if deleted:
            return _CallVerdict(ReplayVerdict.BROKEN, *about, f"The draft deletes the {deleted}.", question)
        if allows_all(after):
            return _CallVerdict(ReplayVerdict.KEPT, *about, "")
        before = self._before.decide(principal, question)
        if _depends_alike(question, before, after, guessed=guessed):
            return _CallVerdict(ReplayVerdict.KEPT, *about, "")
        if before.denied:
            why = "AWS allowed it, but the account denies it even without the draft, so nothing follows for the draft"
            words = f"{why}: {reason_words(list(before.reasons))}."
            return _CallVerdict(ReplayVerdict.OPEN, *about, words, denied_before=True)
        if after.denied:
            return _CallVerdict(ReplayVerdict.BROKEN, *about, f"{reason_words(list(after.reasons))}.", question)
        return _CallVerdict(ReplayVerdict.OPEN, *about, _open_words(after, guessed=guessed))

    def _note(self, request: DistinctRequest, told: _CallVerdict, principal: Principal | None = None) -> None:
        self.found.requests[told.verdict] += 1
        self.found.events[told.verdict] += request.count
        if told.verdict in (ReplayVerdict.AGREES, ReplayVerdict.KEPT):
            return
        if not self._group(self._groups, request, told, principal):
            self.found.ungrouped += request.count

    @staticmethod
    def _group(groups: _Groups, request: DistinctRequest, told: _CallVerdict, principal: Principal | None) -> bool:
        """Add a verdict to the groups; False without room."""
        key = (told.verdict, request.caller.principal or UNTOLD_CALLER, told.action, told.reason)
        group = groups.get(key)
        if group is None:
            if len(groups) >= MOST_GROUPS:
                return False
            group = groups[key] = ReplayGroup(*key, principal=principal, question=told.question)
        group.add(request, told.resource)
        return True


def _sessions_of(principal: Principal) -> tuple[str, ...]:
    """Session policies of the caller that take nothing away where which it has is in no record of its calls."""
    return (_ALLOWS_ALL,) if principal.kind is PrincipalKind.FEDERATED_USER else ()


_ALLOWS_ALL: Final = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
_NOT_IN_RECORD: Final = "the record does not say."
_CONSOLE: Final = "A federated user can call it only in the console, and the record does not say where it was called."
_TIMES: Final = "It depends on the time, which is not kept of each event."
_OWNER: Final = "It depends on whose resource it is, which the record does not say."
_CUT: Final = "The record names more than was kept of it."
_UNTOLD_ROLE: Final = "The draft deletes a role, and the record does not say which role was passed."
_SIGN_IN: Final = (
    "The draft deletes an access key or the password of this user, and which of them was used is not known."
)


def _at(question: Question, moment: str) -> Question:
    context = {key: values for key, values in question.context.items() if key.lower() not in OF_THE_MOMENT}
    return replace(question, context=context | ({"aws:CurrentTime": (moment,)} if moment else {}))


def _first_resource(request: DistinctRequest) -> str:
    return request.resources[0].arn if request.resources else "not recorded"


def _depends_alike(question: Question, before: Decision, after: Decision, *, guessed: bool) -> bool:
    """True where AWS allowed it, so that its conditions held, and the draft changes none of them."""
    # Nothing tells whether conditions that nobody waited for are the same ones.
    one = not (guessed or is_pattern(question.resource) or may_be_left_to_identity(before))
    return one and before.outcome is Outcome.DEPENDS and verdict_key(before) == verdict_key(after)


def _without_tags(workspace: Workspace, roles: frozenset[str]) -> Workspace:
    account = workspace.account
    untagged = tuple(replace(role, tags=()) if role.arn in roles else role for role in account.roles)
    beside = tuple(_without_tags(one, roles) for one in workspace.beside)
    return replace(workspace, account=replace(account, roles=untagged), beside=beside)


def _held(decision: Decision, question: Question, asked: _ReplayedCall) -> _CallVerdict:
    """Verdict of a call that AWS allowed: agreement where the account allows it too."""
    about = question.action, question.resource
    if allows_all(decision):
        return _CallVerdict(ReplayVerdict.AGREES, *about, "")
    if decision.denied:
        why = f"AWS allowed it. Here it is denied: {reason_words(list(decision.reasons))}."
        federated = decision.request.principal.kind is PrincipalKind.FEDERATED_USER
        if federated and all(reason.layer is Layer.SERVICE_RULE for reason in decision.reasons):
            return _CallVerdict(ReplayVerdict.OPEN, *about, _CONSOLE)
        return _CallVerdict(
            ReplayVerdict.OPEN if asked.implied and asked.guessed else ReplayVerdict.DIFFERS, *about, why
        )
    return _CallVerdict(ReplayVerdict.OPEN, *about, _open_words(decision, guessed=asked.guessed))


def _open_words(decision: Decision, *, guessed: bool) -> str:
    if decision.outcome is Outcome.ALLOWED:
        if guessed:
            return "It is allowed on some resources only, and the record does not say which one it was."
        return "It is allowed on some of these resources only."
    keys = decision.missing_context
    if keys:
        return f"The record does not contain {first_names(keys, MOST_NAMED, limit=128)}."
    return f"It depends on what is not known: {safe_text(condition_of(decision), limit=512)}."


def _whose_policies(principal: Principal) -> str:
    """The ARN of the user or role whose policies are a caller's own."""
    return principal.role_arn or principal.issuer or principal.arn


class _DraftEffect:
    """Principals and actions that a draft can affect."""

    def __init__(self, drafted: DraftedAccount) -> None:
        states = drafted.states
        account = states.before.account
        gone = {*states.only_before, *states.only_after}
        reached = {one.arn for one in account.principals if drafted.reach.reaches(one.arn) and one.arn not in gone}
        self._reach = drafted.reach
        self._changes = ChangedStatements(account, states.after.account, reached, states.only_before, states.only_after)
        self._gone = frozenset(gone)
        self._deleted = {
            arn: "role" if isinstance(one, Role) else "user"
            for arn, one in states.only_before.items()
            if isinstance(one, User | Role)
        }
        self._signing_in = frozenset(
            edit.user_arn for edit in drafted.draft.edits if isinstance(edit, DeleteAccessKey | DeleteLoginProfile)
        )
        self._touched: dict[tuple[str, ...], bool] = {}

    def ends_sign_in_of(self, principal: Principal) -> bool:
        return principal.arn in self._signing_in

    def deleted(self, principal: Principal) -> str:
        """Kind of a caller that the draft deletes, "user" or "role"; "" where it stays."""
        return self._deleted.get(_whose_policies(principal), "")

    def deleted_subject(self, workspace: Workspace, request: DistinctRequest, call: CallActions) -> _CallVerdict | None:
        """Verdict of a call about a user or role that the draft deletes, or that assumes or passes one."""
        untold: _CallVerdict | None = None
        for one in (*call.actions, *call.possible) if self._deleted else ():
            action = one.action.lower()
            handed = action.startswith(("sts:assume", "iam:passrole"))
            if not handed and (not action.startswith("iam:") or action in _MAKING):
                continue
            named = one.resources or (roles_of_profile(workspace.account, request.given()) if handed else ())
            for each in named:
                kind = "user" if ":user/" in each else "role"
                arn = with_path(workspace, each, kind, each.rpartition("/")[2])
                if self._deleted.get(arn) == kind:
                    return _CallVerdict(ReplayVerdict.BROKEN, one.action, arn, f"The draft deletes the {kind}.")
            if handed and not named and "role" in self._deleted.values():
                untold = _CallVerdict(ReplayVerdict.OPEN, one.action, "not recorded", _UNTOLD_ROLE)
        return untold

    def matters_to(self, principal: Principal | None, named: str, actions: tuple[AuthorizedAction, ...]) -> bool:
        """True where the draft can change an answer about a caller, and about one of these actions if any are known.

        Args:
            principal: None where nobody here answers to the name.
        """
        arn = named if principal is None else _whose_policies(principal)
        if arn in self._gone or (principal is not None and self.ends_sign_in_of(principal)):
            return True
        kinds = (PrincipalKind.USER, PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION)
        of_an_account = principal.kind in kinds if principal is not None else ":user/" in arn or ":role/" in arn
        if not self._reach.reaches(arn if of_an_account else None):
            return False
        return not actions or self._touches(actions)

    def _touches(self, actions: tuple[AuthorizedAction, ...]) -> bool:
        """True where a changed statement, or trust policy, is about one of the actions."""
        if self._changes.unknown:
            return True
        names = tuple(one.action for one in actions)
        found = self._touched.get(names)
        if found is None:
            opened = bool(self._changes.opened) and any(name.lower().startswith("sts:") for name in names)
            found = self._touched[names] = opened or self._changes.touches(map(action_name, names))
        return found
