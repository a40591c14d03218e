"""A draft with whatever allows a denied question: the action itself, what its call is checked for besides, the chain.

Everything that decides the answer is fixed, for an action that is allowed while the role it passes is not stays a
denied call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from iamtui.account.drafts.draft import Draft
from iamtui.analysis.inquiry import Inquiry
from iamtui.analysis.question import Question
from iamtui.catalog.actions import catalogue
from iamtui.evaluation.decision import Decision, Outcome
from iamtui.evaluation.request import Principal
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.workspace.drafts.case import NoEdit
from iamtui.workspace.drafts.drafting import lay
from iamtui.workspace.drafts.suggestions import edits_for_suggestion
from iamtui.workspace.questions.answers import Answer, Cell
from iamtui.workspace.questions.asking import ask_and_trace, check_action, is_pattern
from iamtui.workspace.questions.companion_questions import Call
from iamtui.workspace.questions.inquiries import InquiryPoll
from iamtui.workspace.workspace import Workspace

_MOST_ROUNDS: Final = 32

_NOT_FOR_ALL: Final = ("iam:passrole", "kms:")
"""Beginnings of companions that are to be allowed on what the call names only, never on all that there is."""


@dataclass(frozen=True, slots=True)
class SuggestedDraft:
    """A draft with everything that the engine suggests.

    Args:
        draft: the draft given, with the edits.
        left: why the suggestions that are left could not be taken; empty when the question is no longer denied.
        cautions: what else the edits do, one sentence each, safe to show.
    """

    draft: Draft
    left: tuple[NoEdit, ...] = ()
    cautions: tuple[str, ...] = ()


def with_all_suggestions(
    workspace: Workspace, draft: Draft, principal: Principal, question: Question, *, now: datetime | None = None
) -> SuggestedDraft:
    """The draft with everything the engine suggests until it answers allowed, as far as edits can.

    One suggestion is taken at a time and the question asked again, for an edit can bring up another obstacle, and
    two edits of one document would undo each other. Where it stays denied whatever a draft does, no edit is made that
    lets the caller past what limits others too: it would weaken that for nothing.

    Raises:
        DraftProblem: the draft given does not fit the account.
        Problem: the question cannot be asked.
    """

    def tried(past_guards: bool) -> _Tried:
        return _suggested(workspace, draft, principal, question, now, past_guards=past_guards)

    return _not_for_nothing(tried)


@dataclass(frozen=True, slots=True)
class _Tried:
    """A draft with edits, and whether some of them let the caller past what limits others too."""

    made: SuggestedDraft
    past_guard: bool


def _not_for_nothing(tried: Callable[[bool], _Tried]) -> SuggestedDraft:
    """What comes of all edits, or without those past a guard when even all of them do not help."""
    everything = tried(True)
    if not (everything.made.left and everything.past_guard):
        return everything.made
    spared = tried(False).made
    return SuggestedDraft(spared.draft, everything.made.left, (*spared.cautions, _SPARED))


_SPARED: Final = "As it stays denied, no Deny, boundary or organization policy was changed for it."


def _suggested(
    workspace: Workspace,
    draft: Draft,
    principal: Principal,
    question: Question,
    now: datetime | None,
    *,
    past_guards: bool,
) -> _Tried:
    left: tuple[NoEdit, ...] = ()
    cautions: dict[str, None] = {}
    past_guard = False
    for _ in range(_MOST_ROUNDS):
        drafted = lay(workspace, draft)
        drafted.check()
        decision, _traced, explanation = ask_and_trace(drafted.after, principal, question, now=now)
        left = ()
        if decision.outcome in (Outcome.ALLOWED, Outcome.DEPENDS):
            break
        for suggestion in explanation.suggestions:
            try:
                made = edits_for_suggestion(drafted.after, principal, question, suggestion, now=now)
            except NoEdit as why:
                left += (why,)
                continue
            if made.past_guard and not past_guards:
                continue
            if all(edit in draft.edits for edit in made.edits):
                left += (NoEdit(f"What is suggested is in the draft already, in vain: {suggestion.change}"),)
                continue
            draft = Draft(draft.account_id, draft.name, (*draft.edits, *made.edits))
            cautions |= {made.caution: None} if made.caution else {}
            past_guard = past_guard or made.past_guard
            break
        else:
            left = left or (NoEdit(f"Nothing that a draft can change would allow it. {explanation.paragraph}"),)
            break
    return _Tried(SuggestedDraft(draft, left, tuple(cautions)), past_guard)


def one_cell(inquiry: Inquiry, question: Question) -> Inquiry:
    """The inquiry about one of its cells alone, with the companions that are named and belong to that call."""
    known = {check.action.lower() for check in Call.of(question.action).checks}
    named = {action: on for action, on in inquiry.with_checks.items() if action.lower() in known}
    return Inquiry((question.action,), (question.resource,), question, inquiry.chained_from, named)


def with_fix(
    workspace: Workspace, draft: Draft, principal: Principal, inquiry: Inquiry, *, now: datetime | None = None
) -> SuggestedDraft:
    """The draft with everything suggested for whatever is denied of what decides an inquiry.

    Args:
        inquiry: about actions that are written out; of a pattern each would get an edit of its own.

    Raises:
        DraftProblem: the draft given does not fit the account.
        Problem: the inquiry cannot be asked, has a pattern for an action, or is about a resource that is none of
            its action's, which no policy could allow.
    """
    for action in inquiry.actions:
        check_action(action)

    def tried(past_guards: bool) -> _Tried:
        return _fixed(workspace, draft, principal, inquiry, now, past_guards=past_guards)

    return _not_for_nothing(tried)


def _fixed(
    workspace: Workspace,
    draft: Draft,
    principal: Principal,
    inquiry: Inquiry,
    now: datetime | None,
    *,
    past_guards: bool,
) -> _Tried:
    past_guard = False
    left: list[NoEdit] = []
    cautions: dict[str, None] = {}
    tried: set[tuple[str, str, str]] = set()
    while True:
        drafted = lay(workspace, draft)
        drafted.check()
        answer = InquiryPoll(drafted.after, inquiry, now=now).answer(principal, only_deciding=True)
        assert answer is not None, "nothing cancels it"
        cautions |= dict.fromkeys(_unknown_actions(answer))
        part = next((part for part in _denied(answer) if part.key not in tried), None)
        if part is None:
            return _Tried(SuggestedDraft(draft, tuple(left), tuple(cautions)), past_guard)
        tried.add(part.key)
        if part.unnamed:
            left.append(part.to_be_named())
            continue
        found = _suggested(workspace, draft, part.principal, part.question, now, past_guards=past_guards)
        made, past_guard = found.made, past_guard or found.past_guard
        draft = made.draft
        left += made.left
        cautions |= dict.fromkeys(made.cautions)


def _unknown_actions(answer: Answer) -> Iterator[str]:
    """What is said of actions that the catalogue does not know: they may be new ones of AWS.

    Raises:
        Problem: a known action is asked about on a resource that it is never authorized on.
    """
    for cell in _fitting(answer):
        if cell.never_asked and catalogue().knows(cell.question.action):
            raise Problem(cell.never_asked, "Ask about a resource of the action: no policy would help with this one.")
        if cell.never_asked:
            yield cell.never_asked


def _fitting(answer: Answer) -> tuple[Cell, ...]:
    """What a fix is for: an action that the catalogue does not know may be a new one."""
    return tuple(cell for cell in answer.cells if cell.fits) or answer.cells


@dataclass(frozen=True, slots=True)
class _Part:
    """One denied request of those that decide an answer."""

    principal: Principal
    question: Question
    companion: bool

    @property
    def key(self) -> tuple[str, str, str]:
        return self.principal.arn, self.question.action.lower(), self.question.resource

    @property
    def unnamed(self) -> bool:
        """Whether it is asked about whatever there is, where only what the call names should be allowed."""
        pattern = is_pattern(self.question.resource)
        return self.companion and pattern and self.question.action.lower().startswith(_NOT_FOR_ALL)

    def to_be_named(self) -> NoEdit:
        action = safe_text(self.question.action)
        return NoEdit(
            f"{action} is denied too, and is best allowed only on what the call names.",
            f"Say on which: F2 on the screen, --with {action}=RESOURCE on the command line.",
        )


def _denied(answer: Answer) -> Iterator[_Part]:
    """What is denied of all that decides, the chain first: without it there is no session that could ask."""

    def denied(decision: Decision) -> bool:
        return decision.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY)

    if answer.chain is not None and denied(answer.chain.decision):
        yield _Part(answer.chain.decision.request.principal, answer.chain.question, companion=False)
    for cell in _fitting(answer):
        if denied(cell.decision):
            yield _Part(answer.principal, cell.question, companion=False)
        for one in cell.companions:
            if one.decides and denied(one.decision):
                yield _Part(answer.principal, one.question, companion=True)
