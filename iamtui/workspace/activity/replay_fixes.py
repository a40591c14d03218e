"""Additions to a draft that keep the recorded use allowed, each evaluated again and replayed to the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

from iamtui.account.model import Role, User
from iamtui.activity.distinct_requests import DistinctRequest
from iamtui.catalog.actions import ENGINE_CATALOGUE
from iamtui.drafts.draft import Draft, DraftProblem
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Decision, Layer, Outcome
from iamtui.engine.request import NamedPolicy, Principal
from iamtui.policy.json_text import json_text, one_or_more
from iamtui.problem import Problem
from iamtui.questions.policies_in_force import entity_behind
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.text import counted, first_names, safe_text
from iamtui.workspace.activity.replay import (
    MOST_RESOURCES,
    UNTOLD_CALLER,
    LostPermission,
    Replay,
    Replayer,
    ReplayVerdict,
    allows_all,
)
from iamtui.workspace.ask.access import granting_conditions
from iamtui.workspace.ask.policy_reads import PolicyReads
from iamtui.workspace.ask.questions import BulkEvaluator, evaluator_of
from iamtui.workspace.change.denied_question import NoEdit
from iamtui.workspace.change.draft_documents import inline_place
from iamtui.workspace.change.draft_fixes import SuggestedDraft, with_fix
from iamtui.workspace.change.draft_session import DraftedAccount, apply
from iamtui.workspace.source.workspace import Workspace

MOST_WANTED: Final = 200
"""Callers with an action that an addition is looked for."""

_FEW_RESOURCES: Final = 5
_MOST_ONE_BY_ONE: Final = 20
_COLONS: Final = 5
"""Of an ARN, in front of what names the resource."""


def fixed_to_the_end(
    workspace: Workspace,
    drafted: DraftedAccount,
    found: Replay,
    reads: PolicyReads,
    requests: Callable[[], Iterable[DistinctRequest]],
    *,
    now: datetime | None = None,
) -> SuggestedDraft:
    """The draft with what keeps all that it would break; what it still breaks is named.

    Args:
        found: what came of a replay with the draft.
        reads: as of that replay.
        requests: all that were replayed, again.
    """
    made = with_all_fixes(workspace, drafted.draft, list(found.broken()), now=now)
    left, cautions = made.left, made.cautions
    callers = {group.caller for group in found.of(ReplayVerdict.BROKEN)}
    were_open = {(group.caller, group.action, group.reason) for group in found.of(ReplayVerdict.OPEN)}
    for last in (*(False,) * _MOST_ROUNDS, True):
        if len(made.draft.edits) == len(drafted.draft.edits):
            break
        drafted = apply(workspace, made.draft)
        replayer = Replayer(workspace, reads, drafted, now=now)
        for request in requests():
            if (request.caller.principal or UNTOLD_CALLER) in callers:
                replayer.add(request)
        result = replayer.finish()
        again = list(result.broken())
        if last or not again:
            left += tuple(NoEdit(f"{safe_text(one.action)}: {one.reason}") for one in again)
            # What was only open of a call stood behind what was denied of it.
            now_open = [
                one for one in result.of(ReplayVerdict.OPEN) if (one.caller, one.action, one.reason) not in were_open
            ]
            left += tuple(NoEdit(f"{safe_text(one.action)} remains open: {one.reason}") for one in now_open)
            break
        made = with_all_fixes(workspace, drafted.draft, again, now=now)
        # What was found of the calls that are still denied stands in place of what was said of them before.
        left, cautions = made.left, (*cautions, *made.cautions)
    return SuggestedDraft(drafted.draft, left, tuple(dict.fromkeys(cautions)))


_MOST_ROUNDS: Final = 8


def with_all_fixes(
    workspace: Workspace, draft: Draft, wanted: Sequence[LostPermission], *, now: datetime | None = None
) -> SuggestedDraft:
    """The draft with what allows again all that is wanted, and nothing that was not allowed before the draft.

    Each user or role gets one new inline policy with its actions, on the conditions that they were granted on before
    the draft; where that does not help, what the engine suggests.
    Where an action was used on more than a few resources, they are named by what their ARNs begin with, up to a slash
    or a colon, if all of that was allowed before. What was added is asked about again: only what allows it stays.

    Raises:
        DraftProblem: the draft given does not fit the account.
    """
    kept = draft.edits
    asked = [_asked(workspace, one, now) for one in wanted[:MOST_WANTED]]
    left = [one for one in asked if isinstance(one, NoEdit)]
    of_callers: dict[str, list[_Case]] = {}
    for one in asked:
        if isinstance(one, _Case):
            of_callers.setdefault(one.principal.role_arn or one.principal.arn, []).append(one)
    cautions: dict[str, None] = {}
    for cases in of_callers.values():
        draft, stay = _with_own_policy(workspace, draft, cases, now)
        for case in cases:
            if case not in stay and "*" in case.resources and ENGINE_CATALOGUE.has_resource_type(case.question.action):
                cautions[f"{case.name} is allowed on *, since the record does not name the resource of every call."] = (
                    None
                )
        for case in stay:
            made = case.suggested(workspace, draft, now)
            if isinstance(made, NoEdit):
                left.append(made)
            else:
                draft = made.draft
                cautions |= dict.fromkeys(made.cautions)
    left += (
        NoEdit(f"{safe_text(one.action)}: no more than {MOST_RESOURCES:,} of the resources were looked at.")
        for one in wanted[:MOST_WANTED]
        if one.has_more
    )
    if len(wanted) > MOST_WANTED:
        more = counted(len(wanted) - MOST_WANTED, "more caller and action", "more callers and actions")
        left.append(NoEdit(f"For {more} nothing was looked for."))
    return SuggestedDraft(_last_documents(draft, len(kept)), tuple(left), tuple(cautions))


def _last_documents(draft: Draft, first: int) -> Draft:
    """The draft without those of its edits from `first` on whose document a later one replaces."""
    edits = draft.edits
    replaced = {
        place
        for place in range(first, len(edits))
        if hasattr(edits[place], "document")
        and any(type(one) is type(edits[place]) and one.subject == edits[place].subject for one in edits[place + 1 :])
    }
    return draft.with_edits(tuple(edit for place, edit in enumerate(edits) if place not in replaced))


class _Case(NamedTuple):
    """A permission to keep, on its resources.

    Args:
        conditions: on which it was granted before the draft, as JSON, each with its resources; "{}" is none.
        depended: what it depended on before the draft, where it did, by resource.
    """

    name: str
    principal: Principal
    question: Question
    resources: tuple[str, ...]
    conditions: Mapping[str, tuple[str, ...]]
    depended: Mapping[str, str]

    def allowed(self, workspace: Workspace, now: datetime | None) -> bool:
        """True where all of it is allowed, under no further condition than before."""
        for resource in self.resources:
            decision = _decided(workspace, self.principal, self.question, resource, now)
            if not (allows_all(decision) or _depends_on(decision) == self.depended.get(resource)):
                return False
        return True

    def suggested(self, workspace: Workspace, draft: Draft, now: datetime | None) -> SuggestedDraft | NoEdit:
        """The draft with what the engine suggests, or why that does not help."""
        asked = QuestionMatrix((self.question.action,), self.resources, self.question)
        try:
            made = with_fix(workspace, draft, self.principal, asked, now=now)
        except DraftProblem:
            raise
        except Problem as problem:
            return NoEdit(f"{self.name}: {problem.sentence}")
        if self.allowed(apply(workspace, made.draft).after, now):
            return made
        why = made.left[0].sentence if made.left else "what is suggested allows it only under a condition."
        return NoEdit(f"{self.name}: {why}")


def _asked(workspace: Workspace, wanted: LostPermission, now: datetime | None) -> _Case | NoEdit:
    if wanted.principal is None or wanted.question is None:
        return NoEdit(f"{safe_text(wanted.action)} on {first_names(wanted.resources, 3, limit=256)}: {wanted.reason}")
    who = safe_text(workspace.short_name(wanted.principal.role_arn or wanted.principal.arn), limit=256)
    name = f"{who}, {safe_text(wanted.action)}"
    resources = _generalized(workspace, wanted.principal, wanted.question, wanted.resources, now)
    if not resources:
        why = "not all that their ARNs begin with was allowed before, and one by one they are too many."
        return NoEdit(f"{name} on {counted(len(wanted.resources), 'resource')}: {why}")
    conditions: dict[str, tuple[str, ...]] = {}
    depended: dict[str, str] = {}
    for resource in resources:
        before = _decided(workspace, wanted.principal, wanted.question, resource, now)
        if before.outcome is Outcome.DEPENDS:
            depended[resource] = _depends_on(before)
        # The conditions on which it is granted, as JSON; "{}" where it is without any, or nothing known grants it.
        evaluator = evaluator_of(workspace, replace(wanted.question, resource=resource))
        _, policies = evaluator.request_and_policies(wanted.principal)
        identity = policies.identity if isinstance(policies.identity, tuple) else ()
        given = [*((Layer.IDENTITY, one) for one in identity), (Layer.RESOURCE, policies.resource)]
        read = [(layer, one) for layer, one in given if isinstance(one, NamedPolicy) and one.document.error is None]
        documents = {(layer, one.name): one.document for layer, one in read}
        for condition in [json_text(one) for one in granting_conditions(before, documents)] or ["{}"]:
            conditions[condition] = (*conditions.get(condition, ()), resource)
    return _Case(name, wanted.principal, wanted.question, resources, conditions, depended)


def _with_own_policy(
    workspace: Workspace, draft: Draft, cases: Sequence[_Case], now: datetime | None
) -> tuple[Draft, list[_Case]]:
    """The draft with one policy of the caller's own for all cases that it helps, and those that it does not."""
    after = apply(workspace, draft).after
    entity = entity_behind(after.account, cases[0].principal)
    if entity is None or (isinstance(entity, Role) and entity.service_linked):
        return draft, list(cases)
    tried = _own_policy(draft, after, entity, cases)
    drafted = apply(workspace, tried)
    helped = [] if drafted.problems else [case for case in cases if case.allowed(drafted.after, now)]
    if helped:
        # Without what would not help, it is to be as small as it can be.
        draft = tried if len(helped) == len(cases) else _own_policy(draft, after, entity, helped)
    return draft, [case for case in cases if case not in helped]


def _own_policy(draft: Draft, after: Workspace, entity: User | Role, cases: Sequence[_Case]) -> Draft:
    taken = {policy.name.lower() for policy in entity.inline_policies}
    names = (f"{_OWN_POLICY}{f'-{number}' if number else ''}" for number in range(len(taken) + 1))
    place = inline_place(after.account, entity, next(name for name in names if name not in taken))
    actions: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for case in cases:
        for condition, resources in case.conditions.items():
            actions.setdefault((condition, resources), []).append(case.question.action)
    statements = [
        {"Effect": "Allow", "Action": one_or_more(list(dict.fromkeys(named))), "Resource": one_or_more(resources)}
        | ({"Condition": json.loads(condition)} if condition != "{}" else {})
        for (condition, resources), named in actions.items()
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)
    return draft.with_edit(place.put(document))


_OWN_POLICY: Final = "allow-recorded-calls"


def _decided(
    workspace: Workspace, principal: Principal, question: Question, resource: str, now: datetime | None
) -> Decision:
    return BulkEvaluator(workspace, replace(question, resource=resource), now=now).ask(principal)


def _depends_on(decision: Decision) -> str:
    """Conditions of a decision in words, without the policy's name; "" without any."""
    return condition_of(decision) if decision.outcome is Outcome.DEPENDS else ""


def _generalized(
    workspace: Workspace, principal: Principal, question: Question, resources: tuple[str, ...], now: datetime | None
) -> tuple[str, ...]:
    """The resources, or the pattern of what they begin with; none where neither will do."""
    if len(resources) <= _FEW_RESOURCES:
        return resources
    first, last = min(resources), max(resources)
    shared = next(first[:end] for end in range(len(first), -1, -1) if last.startswith(first[:end]))
    pattern = f"{shared[: max(shared.rfind('/'), shared.rfind(':')) + 1]}*"
    if pattern.count(":") >= _COLONS and allows_all(_decided(workspace, principal, question, pattern, now)):
        return (pattern,)
    return resources if len(resources) <= _MOST_ONE_BY_ONE else ()
