"""Drafts over an opened account: applying one, and answers before and after."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from iamtui.account.model import ManagedPolicy
from iamtui.credentials.secure_files import destination, locked, replace_file
from iamtui.drafts.draft import LARGEST, Draft, DraftProblem, apply_draft, parse_draft, read_draft, write_draft
from iamtui.drafts.exports import FORMS, export
from iamtui.drafts.ledger import DraftFinding
from iamtui.engine.decision import Decision, Expectation, Layer, Outcome, ResourceScope, severity
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.input_files import read_document, text_of
from iamtui.paths import data_folder
from iamtui.policy.context import meaning
from iamtui.problem import Problem
from iamtui.questions.account_index import AffectedPrincipals, reach_of
from iamtui.questions.answers import Answer, Cell
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.text import safe_text
from iamtui.workspace.ask.answers import BulkMatrixEvaluator
from iamtui.workspace.ask.saved_questions import SavedQuestion
from iamtui.workspace.ask.who_can import everybody
from iamtui.workspace.change.compared_states import AlignedStates, aligned
from iamtui.workspace.change.draft_documents import (
    aws_managed_policy,
    document_findings,
    document_problems,
    resolved_draft,
)
from iamtui.workspace.source.opening import with_resource_policies
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import SourceKind, Workspace


@dataclass(frozen=True, slots=True)
class DraftedAccount:
    """A draft applied to an opened account.

    Args:
        base: the account before. It holds the texts of AWS managed policies that only the draft names, so that
            what their being known changes is not taken for the draft's doing: ask "before" here.
        draft: the edits, names in them resolved to ARNs.
        after: the account with the edits; ask "after" here, unless there are `problems`.
        findings: what is worth knowing, in the order of the edits.
        problems: the edits that do not fit the account, or whose document AWS would not take; while there are any,
            nothing may be asked "after".
        reach: whom the draft can matter to.
        states: the account before and after with everybody who is there in one of them: ask these about people.
    """

    base: Workspace
    draft: Draft
    after: Workspace
    findings: tuple[DraftFinding, ...]
    problems: tuple[DraftProblem, ...]
    reach: AffectedPrincipals
    states: AlignedStates

    def check(self) -> None:
        """Refuse a draft that does not fit.

        Raises:
            DraftProblem: the first edit that does not.
        """
        if self.problems:
            raise self.problems[0]


def apply(workspace: Workspace, draft: Draft) -> DraftedAccount:
    """Lay a draft over an opened account. Never raises for what the draft holds: `DraftedAccount.problems` has it."""
    draft = resolved_draft(workspace.account, draft)
    laid = apply_draft(workspace.account, draft, aws_managed_policy)
    known = workspace.account
    added: tuple[ManagedPolicy, ...] = tuple(
        policy
        for policy in laid.account.policies[len(known.policies) :]
        if policy.aws_managed and known.policy(policy.arn) is None
    )
    base = workspace.with_account(replace(known, policies=(*known.policies, *added))) if added else workspace
    after = workspace.with_account(laid.account)
    states = aligned(base, after)
    reach = reach_of(states.before.account, states.after.account)
    found = (*laid.findings, *document_findings(base.account, after.account, draft))
    at_fault = {problem.number for problem in laid.problems}
    refused = [one for one in document_problems(base.account, draft) if one.number not in at_fault]
    problems = tuple(sorted((*laid.problems, *refused), key=lambda problem: problem.number))
    refused_edits = {problem.number for problem in refused}
    findings = tuple(
        sorted((one for one in found if one.edit not in refused_edits or one.kind != "error"), key=lambda one: one.edit)
    )
    return DraftedAccount(base, draft, after, findings, problems, reach, states)


def with_edited_resources(workspace: Workspace, draft: Draft) -> Workspace:
    """The workspace with the policies that a draft's edits of resources replace, as far as they can be loaded.

    Blocking: they are asked for where they are not loaded. What fails stays unknown, which is a finding of the draft.
    """
    resources = [edit.subject[1] for edit in draft.edits if edit.subject[0] == "resource"]
    return with_resource_policies(workspace, resources)[0]


EXPORT_FORMS: Final = FORMS
"""Export formats of a draft: "cli" (AWS CLI commands), "terraform", "diff" (of the documents)."""


GRAVE: Final = ("error", "nothing allowed")
"""Kinds of findings that an export repeats, for whoever runs it may not have seen the draft."""


def apply_text(workspace: Workspace, text: str, shown: str) -> DraftedAccount:
    """Apply the text of a draft to an account, with the policies loaded that its edits of resources replace.

    Args:
        shown: where the text is from.

    Raises:
        Problem: it is not a draft, or is for another account. What does not fit is in `DraftedAccount.problems`.
    """
    draft = parse_draft(text, shown, workspace.account.id)
    return apply(with_edited_resources(workspace, draft), draft)


def export_drafted(drafted: DraftedAccount, form: str) -> str:
    """The draft's changes as text; nothing is run. A diff of nothing is "".

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
    """Effect of a draft on an answer."""

    SAME = "same"
    GAINED = "gained"
    LOST = "lost"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class DraftComparison:
    """One principal's answers to one question matrix before and after a draft, cell by cell alike."""

    principal: Principal
    before: Answer
    after: Answer

    @property
    def cells(self) -> tuple[tuple[Cell, Cell], ...]:
        """The cells that decide about the whole, before and after."""
        return tuple(zip(self.before.taking_part, self.after.taking_part, strict=True))

    @property
    def changed_cells(self) -> tuple[tuple[Cell, Cell], ...]:
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
        """Effect of the draft: more is allowed (GAINED), less (LOST), or both or otherwise different (CHANGED).

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
        return self.effect is not Effect.SAME


def verdict_key(decision: Decision) -> tuple[object, ...]:
    """Parts of a verdict that count in comparisons: outcome, extent, condition, and completeness.

    A resource's policy that is not loaded may leave it to the identity's policies, as most of KMS keys do: then what
    these say counts, too.
    """
    return (
        decision.outcome,
        decision.resource_scope,
        decision.allowed_resources,
        decision.denied_resources,
        None if decision.depends_on is None else meaning(decision.depends_on),
        decision.complete,
        _left_to_identity(decision),
    )


def _left_to_identity(decision: Decision) -> tuple[object, ...]:
    if decision.outcome is not Outcome.DEPENDS or Layer.RESOURCE not in decision.not_evaluated:
        return ()
    says = [
        (report.layer, report.state) for report in decision.layers if report.layer in (Layer.IDENTITY, Layer.BOUNDARY)
    ]
    return (*says, may_be_left_to_identity(decision))


def may_be_left_to_identity(decision: Decision) -> bool:
    """True where a resource's policy is not loaded, and the identity's policies allow it under unknown conditions."""
    if Layer.RESOURCE not in decision.not_evaluated:
        return False
    return any(ref.undetermined for ref in decision.matched if ref.layer is Layer.IDENTITY and ref.effect == "Allow")


def effect_between(before: Decision, after: Decision) -> Effect:
    """Effect on one decision."""
    if verdict_key(before) == verdict_key(after):
        return Effect.SAME
    reach = _reach(after) - _reach(before)
    return Effect.CHANGED if reach == 0 else Effect.GAINED if reach > 0 else Effect.LOST


def _reach(decision: Decision) -> int:
    """How much a verdict lets through: nothing, on a condition, on some resources, all."""
    rank = severity(decision)
    return 0 if rank <= 1 else min(rank - 1, 3)


def as_matrix(asked: QuestionMatrix | Question) -> QuestionMatrix:
    """A question matrix of one cell for a question, a question matrix as it is."""
    return asked if isinstance(asked, QuestionMatrix) else QuestionMatrix((asked.action,), (asked.resource,), asked)


def compare(
    drafted: DraftedAccount,
    asked: QuestionMatrix | Question,
    principal: Principal,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    now: datetime | None = None,
) -> DraftComparison | None:
    """Ask for one principal before and after; None when cancelled.

    Raises:
        DraftProblem: the draft does not fit.
        Problem: something cannot be asked.
    """
    return _TwoStates(drafted, as_matrix(asked), now).compare(principal, cancelled, in_full=True)


def compare_everyone(
    drafted: DraftedAccount,
    asked: QuestionMatrix | Question,
    cancelled: Callable[[], bool] = lambda: False,
    *,
    now: datetime | None = None,
) -> Iterator[DraftComparison]:
    """Ask for everybody before and after, in the account's order; stops when cancelled.

    Everybody is every user and role, then whom the resource's policy names, before or after the draft, and an example
    of those whom it describes. Where the draft provably cannot matter the two answers are the same object.

    Raises:
        DraftProblem: the draft does not fit.
        Problem: something cannot be asked.
    """
    question_matrix = as_matrix(asked)
    polls = _TwoStates(drafted, question_matrix, now)
    # Everybody whom the question matrix could concern before or after, the account's own first.
    states = drafted.states
    before, after = everybody(states.before, question_matrix), everybody(states.after, question_matrix)
    inside = len(before.principals) - before.outside
    outside = (*before.principals[inside:], *after.principals[len(after.principals) - after.outside :])
    for principal in (*before.principals[:inside], *dict.fromkeys((*outside, *before.described, *after.described))):
        if cancelled():
            return
        comparison = polls.compare(principal, cancelled)
        if comparison is None:
            return
        yield comparison


def unlisted_strangers(drafted: DraftedAccount, question_matrix: QuestionMatrix) -> str:
    """Gap of `compare_everyone` among those whom the draft may matter to, one sentence, safe to show; "" without any.

    Whom else a resource lets in may not be known, and a draft of what binds all may let them in.
    """
    if not drafted.reach.everyone:
        return ""
    states = drafted.states.after, drafted.states.before
    return next((found.lacks for one in states if (found := everybody(one, question_matrix)).lacks), "")


class _TwoStates:
    """One question matrix before and after, evaluated twice only for those whom the draft can matter to."""

    def __init__(self, drafted: DraftedAccount, question_matrix: QuestionMatrix, now: datetime | None) -> None:
        drafted.check()
        # One time for both, or a condition on the time could look like the draft's doing.
        now = now or datetime.now(UTC)
        self._before = BulkMatrixEvaluator(drafted.states.before, question_matrix, now=now)
        self._after = BulkMatrixEvaluator(drafted.states.after, question_matrix, now=now)
        # Who is deleted is answered as such, not as somebody who has nothing.
        self._after_deletion = BulkMatrixEvaluator(drafted.after, question_matrix, now=now)
        self._deleted = drafted.states.only_before
        self._reach = drafted.reach
        self._chained = bool(question_matrix.chained_from)

    def compare(
        self, principal: Principal, cancelled: Callable[[], bool], *, in_full: bool = False
    ) -> DraftComparison | None:
        """Ask before and, where it can matter, after; in full with open points and what does not decide."""
        before = self._ask(self._before, principal, cancelled, in_full)
        if before is None:
            return None
        if not self._chained and not self._reach.reaches(self._entity(principal)):
            return DraftComparison(principal, before, before)
        asked = self._after_deletion if principal.arn in self._deleted else self._after
        after = self._ask(asked, principal, cancelled, in_full)
        return None if after is None else DraftComparison(principal, before, after)

    @staticmethod
    def _ask(
        poll: BulkMatrixEvaluator, principal: Principal, cancelled: Callable[[], bool], in_full: bool
    ) -> Answer | None:
        return poll.answer(principal, cancelled=cancelled, open_points=in_full, only_deciding=not in_full)

    @staticmethod
    def _entity(principal: Principal) -> str | None:
        """The ARN of the user or role that asks; None for any other caller."""
        if principal.kind in (PrincipalKind.USER, PrincipalKind.ROLE):
            return principal.arn
        return principal.role_arn if principal.kind is PrincipalKind.ROLE_SESSION else None


# Drafts as files: opened, saved whole or not at all, never over something else.


SUFFIX: Final = ".draft.json"


def drafts_folder() -> Path:
    """Where drafts are kept unless a path is given; it need not exist."""
    return data_folder() / "drafts"


def suggested_path(draft: Draft) -> Path:
    """A path for a draft in the drafts folder, from its account and name."""
    slug = re.sub(r"[^a-z0-9]+", "-", draft.name.lower()).strip("-")[:60] or "draft"
    return drafts_folder() / f"{draft.account_id}-{slug}{SUFFIX}"


def saved_drafts(account_id: str) -> Iterator[tuple[Path, Draft]]:
    """The drafts for an account in the drafts folder, by file name; other files are passed over. Blocking."""
    folder = drafts_folder()
    try:
        paths = sorted(folder.glob("*.json"))
    except OSError:
        return
    for path in paths:
        try:
            yield path, open_draft_file(path, account_id)
        except Problem:
            continue


def open_draft_file(path: Path, account_id: str | None = None, *, pipes: bool = True) -> Draft:
    """Read a draft.

    Args:
        pipes: whether a named pipe may stand there, into which no draft can be written back.

    Raises:
        Problem: as `parse_draft`, or the file cannot be read.
    """
    return parse_draft(_read(path, pipes=pipes), str(path), account_id)


def _read(path: Path, *, pipes: bool = True) -> str:
    subject = f"The draft {safe_text(path)}"
    return text_of(read_document(path, subject, most=4 * LARGEST, pipes=pipes), subject)


def save_draft_file(draft: Draft, path: Path, *, seen: Draft | None = None, overwrite: bool = False) -> Path:
    """Save a draft: the file is complete or as it was before, and only its owner may read it.

    Args:
        seen: the draft as this program last read or saved it at this path; None: not yet.
        overwrite: replace another draft of the same account that stands there. What is no draft of this account
            is never replaced.

    Returns:
        The file written, links followed.

    Raises:
        Problem: something else stands there, others made a link on the way to it, or the file cannot be written; it is
            then untouched.
    """
    shown = safe_text(path)
    # A lone surrogate cannot be here: the form escapes what is beyond ASCII.
    data = write_draft(draft).encode("ascii")
    target = destination(path)
    # Of two programs that have seen the same draft, only one saves what it made of it.
    with locked(target):
        try:
            exists = target.exists()
        except (OSError, ValueError):
            raise Problem(f"{shown} is not a path that can be written to.", "Choose another name.") from None
        if exists:
            _check_replaceable(draft, target, shown, seen, overwrite)
        try:
            replace_file(target, data, new=(not exists))
        except FileExistsError:
            raise Problem(
                f"{shown} was written by another program just now; it is left as it is.", "Choose another name."
            ) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Problem(f"The draft {shown} cannot be written: {reason}.", "Choose another place.") from None
    return target


def _check_replaceable(draft: Draft, target: Path, shown: str, seen: Draft | None, overwrite: bool) -> None:
    try:
        there = read_draft(_read(target, pipes=False))
    except Problem:
        raise Problem(
            f"{shown} is there already and holds no draft that can be read; it is left as it is.",
            "Choose another name, or move that file away.",
        ) from None
    if there.account_id != draft.account_id:
        raise Problem(
            f"{shown} holds a draft for account {there.account_id}, and this one is for account {draft.account_id}; "
            "it is left as it is.",
            "Choose another name.",
        )
    if overwrite or write_draft(there) == write_draft(draft):
        return
    if seen is None:
        raise Problem(
            f"{shown} holds another draft of this account; it is left as it is.",
            "Choose another name, or say that it may be replaced.",
        )
    if write_draft(there) != write_draft(seen):
        raise Problem(
            f"{shown} was changed since this draft was opened; it is left as it is.",
            "Save under another name, or say that it may be replaced.",
        )


# The saved questions as a regression set: what a draft does to each, and whether it stays as expected.


@dataclass(frozen=True, slots=True)
class SavedComparison:
    """A saved question before and after a draft.

    Args:
        comparison: its answers, or None when it cannot be asked.
        problem: why it cannot be asked, or None.
    """

    saved: SavedQuestion
    comparison: DraftComparison | None
    problem: Problem | None = None

    @property
    def effect(self) -> Effect | None:
        """Effect of the draft on the answer; None without an answer."""
        return self.comparison.effect if self.comparison is not None else None

    @property
    def met_before(self) -> bool | None:
        """Expectation met before the draft; None: none was saved, or there is no answer."""
        return self._met(self.comparison.before) if self.comparison is not None else None

    @property
    def met_after(self) -> bool | None:
        """Expectation met with the draft; None: none was saved, or there is no answer."""
        return self._met(self.comparison.after) if self.comparison is not None else None

    def _met(self, answer: Answer) -> bool | None:
        expect = self.saved.expect
        if expect is None:
            return None
        decisions = [cell.deciding for cell in answer.taking_part]
        # Allowed on some of the resources only, or with actions left unanswered, is no plain yes.
        return not answer.cut and all(
            expect.met_by(decision.outcome)
            and not (expect is Expectation.ALLOWED and decision.resource_scope is ResourceScope.SOME)
            for decision in decisions
        )


def compare_saved(
    drafted: DraftedAccount,
    saved: Iterable[SavedQuestion],
    cancelled: Callable[[], bool] = lambda: False,
    *,
    asking: Principal | None = None,
) -> Iterator[SavedComparison]:
    """Ask every saved question before and after the draft, in their order; stops when cancelled.

    A question that cannot be asked (its principal is gone, its pattern matches nothing) comes with the problem.

    Args:
        asking: who asks the questions that were saved without a principal; None: they come with a problem.

    Raises:
        DraftProblem: the draft does not fit.
    """
    drafted.check()
    now = datetime.now(UTC)
    for entry in saved:
        if cancelled():
            return
        try:
            principal = _principal(drafted, entry, asking)
            comparison = compare(drafted, entry.question_matrix, principal, cancelled=cancelled, now=now)
        except Problem as problem:
            yield SavedComparison(entry, None, problem)
            continue
        if comparison is None:
            return
        yield SavedComparison(entry, comparison)


def _principal(drafted: DraftedAccount, entry: SavedQuestion, asking: Principal | None) -> Principal:
    if entry.principal:
        return resolve_principal(drafted.base, entry.principal)
    if asking is None:
        raise Problem("The question was saved without a principal.", "Name one with it, or choose who asks.")
    return asking
