"""What-if drafts over an opened account: laying one over it, and asking before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from iamtui.account.drafts.application import DraftFinding, DraftProblem, lay_draft
from iamtui.account.drafts.draft import DeleteResourcePolicy, Draft, PutResourcePolicy
from iamtui.account.drafts.exports import FORMS, export
from iamtui.account.drafts.reach import Reach, reach_of
from iamtui.account.model import ManagedPolicy
from iamtui.analysis.inquiry import Inquiry
from iamtui.analysis.question import Question
from iamtui.evaluation.decision import Decision
from iamtui.evaluation.request import Principal, PrincipalKind
from iamtui.workspace.drafts.findings import document_findings, document_problems
from iamtui.workspace.drafts.names import aws_managed_policy, resolved_draft
from iamtui.workspace.questions.answers import Answer, Cell, severity
from iamtui.workspace.questions.inquiries import InquiryPoll
from iamtui.workspace.questions.who_can import everybody
from iamtui.workspace.resource_policies import with_resource_policies
from iamtui.workspace.workspace import SourceKind, Workspace


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft laid over an opened account.

    Args:
        base: the account before. It holds the texts of AWS managed policies that only the draft names, so that
            what their being known changes is not taken for the draft's doing: ask "before" here.
        draft: the edits, names in them resolved to ARNs.
        after: the account with the edits; ask "after" here, unless there are `problems`.
        findings: what is worth knowing, in the order of the edits.
        problems: the edits that do not fit the account, or whose document AWS would not take; while there are any,
            nothing may be asked "after".
        reach: whom the draft can matter to.
    """

    base: Workspace
    draft: Draft
    after: Workspace
    findings: tuple[DraftFinding, ...]
    problems: tuple[DraftProblem, ...]
    reach: Reach

    def check(self) -> None:
        """Refuse a draft that does not fit.

        Raises:
            DraftProblem: the first edit that does not.
        """
        if self.problems:
            raise self.problems[0]


def lay(workspace: Workspace, draft: Draft) -> Drafted:
    """Lay a draft over an opened account. Never raises for what the draft holds: `Drafted.problems` has it."""
    draft = resolved_draft(workspace.account, draft)
    laid = lay_draft(workspace.account, draft, aws_managed_policy)
    known = workspace.account
    added: tuple[ManagedPolicy, ...] = tuple(
        policy
        for policy in laid.account.policies[len(known.policies) :]
        if policy.aws_managed and known.policy(policy.arn) is None
    )
    base = workspace.with_account(replace(known, policies=(*known.policies, *added))) if added else workspace
    after = workspace.with_account(laid.account)
    reach = reach_of(base.account, after.account)
    found = (*laid.findings, *document_findings(base.account, after.account, draft))
    at_fault = {problem.number for problem in laid.problems}
    refused = [one for one in document_problems(base.account, draft) if one.number not in at_fault]
    problems = tuple(sorted((*laid.problems, *refused), key=lambda problem: problem.number))
    refused_edits = {problem.number for problem in refused}
    findings = tuple(
        sorted((one for one in found if one.edit not in refused_edits or one.kind != "error"), key=lambda one: one.edit)
    )
    return Drafted(base, draft, after, findings, problems, reach)


def with_edited_resources(workspace: Workspace, draft: Draft) -> Workspace:
    """The workspace with the policies that a draft's edits of resources replace, as far as they can be loaded.

    Blocking: they are asked for where they are not loaded. What fails stays unknown, which is a finding of the draft.
    """
    edits = [edit for edit in draft.edits if isinstance(edit, PutResourcePolicy | DeleteResourcePolicy)]
    return with_resource_policies(workspace, [edit.resource_arn for edit in edits])[0]


EXPORT_FORMS: Final = FORMS
"""What a draft can be exported as: "cli" (AWS CLI commands), "terraform", "diff" (of the documents)."""


GRAVE: Final = ("error", "nothing allowed")
"""Kinds of findings that an export repeats, for whoever runs it may not have seen the draft."""


def export_drafted(drafted: Drafted, form: str) -> str:
    """What would make the draft's changes, as text; nothing is run. A diff of nothing is "".

    Args:
        form: one of EXPORT_FORMS.

    Raises:
        DraftProblem: the draft does not fit.
        Problem: an edit has no such form; says which.
    """
    drafted.check()
    demo = drafted.base.source.kind is SourceKind.DEMO
    notes = ["DEMO: made from the built-in demo account, which is not yours."] if demo else []
    notes += [f"EDIT {finding.edit}: {finding.sentence}" for finding in drafted.findings if finding.kind in GRAVE]
    return export(drafted.draft, drafted.base.account, drafted.after.account, form, note=" ".join(notes))


class Effect(StrEnum):
    """What a draft does to an answer."""

    SAME = "same"
    GAINED = "gained"
    LOST = "lost"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One principal's answers to one inquiry before and after a draft, cell by cell alike."""

    principal: Principal
    before: Answer
    after: Answer

    @property
    def cells(self) -> tuple[tuple[Cell, Cell], ...]:
        """The cells that decide about the whole, before and after."""
        return tuple(zip(self.before.taking_part, self.after.taking_part, strict=True))

    @property
    def changed_cells(self) -> tuple[tuple[Cell, Cell], ...]:
        """Those of the cells whose verdict differs."""
        return tuple((old, new) for old, new in self.cells if verdict_key(old.deciding) != verdict_key(new.deciding))

    @property
    def telling(self) -> tuple[Decision, Decision]:
        """The verdicts, before and after, that show the effect best: of the cell that changes most, else the worst."""
        pairs = [(old.deciding, new.deciding) for old, new in self.changed_cells]
        if not pairs:
            return self.before.worst.deciding, self.after.worst.deciding
        sign = 1 if self.effect is Effect.GAINED else -1
        return max(pairs, key=lambda pair: sign * (severity(pair[1]) - severity(pair[0])))

    @property
    def effect(self) -> Effect:
        """What the draft does: more is allowed (GAINED), less (LOST), or both or otherwise different (CHANGED).

        The reasons behind a verdict may differ while it is the SAME.
        """
        if self.before is self.after:
            return Effect.SAME
        changed = [(old.deciding, new.deciding) for old, new in self.changed_cells]
        if not changed:
            return Effect.SAME
        more = any(_reach(new) > _reach(old) for old, new in changed)
        less = any(_reach(new) < _reach(old) for old, new in changed)
        if more == less:
            return Effect.CHANGED
        return Effect.GAINED if more else Effect.LOST

    @property
    def changed(self) -> bool:
        """Whether any verdict differs."""
        return self.effect is not Effect.SAME


def verdict_key(decision: Decision) -> tuple[object, ...]:
    """What makes two verdicts the same verdict: outcome, how far it reaches, its condition, and completeness."""
    return (
        decision.outcome,
        decision.resource_scope,
        decision.allowed_resources,
        decision.denied_resources,
        decision.depends_on,
        decision.complete,
    )


def _reach(decision: Decision) -> int:
    """How much a verdict lets through: nothing, on a condition, on some resources, all."""
    rank = severity(decision)
    return 0 if rank <= 1 else min(rank - 1, 3)


def as_inquiry(asked: Inquiry | Question) -> Inquiry:
    """An inquiry of one cell for a question, an inquiry as it is."""
    return asked if isinstance(asked, Inquiry) else Inquiry((asked.action,), (asked.resource,), asked)


def compare(
    drafted: Drafted,
    asked: Inquiry | Question,
    principal: Principal,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    now: datetime | None = None,
) -> Comparison | None:
    """Ask for one principal before and after; None when cancelled.

    Raises:
        DraftProblem: the draft does not fit.
        Problem: something cannot be asked.
    """
    return _Polls(drafted, as_inquiry(asked), now).compare(principal, cancelled, in_full=True)


def compare_everyone(
    drafted: Drafted,
    asked: Inquiry | Question,
    cancelled: Callable[[], bool] = lambda: False,
    *,
    now: datetime | None = None,
) -> Iterator[Comparison]:
    """Ask for everybody before and after, in the account's order; stops when cancelled.

    Everybody is every user and role, then whom the resource's policy names, before or after the draft. Where
    the draft provably cannot matter the two answers are the same object.

    Raises:
        DraftProblem: the draft does not fit.
        Problem: something cannot be asked.
    """
    inquiry = as_inquiry(asked)
    polls = _Polls(drafted, inquiry, now)
    for principal in _everybody(drafted, inquiry):
        if cancelled():
            return
        comparison = polls.compare(principal, cancelled)
        if comparison is None:
            return
        yield comparison


def _everybody(drafted: Drafted, inquiry: Inquiry) -> Iterable[Principal]:
    """Everybody whom the inquiry could concern before or after, the account's own first."""
    before, after = everybody(drafted.base, inquiry), everybody(drafted.after, inquiry)
    inside = len(before.principals) - before.outside
    outside = (*before.principals[inside:], *after.principals[len(after.principals) - after.outside :])
    return (*before.principals[:inside], *dict.fromkeys(outside))


class _Polls:
    """One inquiry before and after, asked twice only of those whom the draft can matter to."""

    def __init__(self, drafted: Drafted, inquiry: Inquiry, now: datetime | None) -> None:
        drafted.check()
        # One time for both, or a condition on the time could look like the draft's doing.
        now = now or datetime.now(UTC)
        self._before = InquiryPoll(drafted.base, inquiry, now=now)
        self._after = InquiryPoll(drafted.after, inquiry, now=now)
        self._reach = drafted.reach
        self._chained = bool(inquiry.chained_from)

    def compare(
        self, principal: Principal, cancelled: Callable[[], bool], *, in_full: bool = False
    ) -> Comparison | None:
        """Ask before and, where it can matter, after; in full with open points and what does not decide."""
        before = self._ask(self._before, principal, cancelled, in_full)
        if before is None:
            return None
        if not self._chained and not self._reach.reaches(self._entity(principal)):
            return Comparison(principal, before, before)
        after = self._ask(self._after, principal, cancelled, in_full)
        return None if after is None else Comparison(principal, before, after)

    @staticmethod
    def _ask(poll: InquiryPoll, principal: Principal, cancelled: Callable[[], bool], in_full: bool) -> Answer | None:
        return poll.answer(principal, cancelled=cancelled, open_points=in_full, only_deciding=not in_full)

    @staticmethod
    def _entity(principal: Principal) -> str | None:
        """The ARN of the user or role that asks; None for any other caller."""
        if principal.kind in (PrincipalKind.USER, PrincipalKind.ROLE):
            return principal.arn
        return principal.role_arn if principal.kind is PrincipalKind.ROLE_SESSION else None
