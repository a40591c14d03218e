"""An answer to a question matrix in words: the cell that is looked at, and all of its cells in counts and rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from iamtui.engine.decision import Decision, Outcome, StatementRef, severity
from iamtui.engine.request import Principal
from iamtui.policy.patterns import is_pattern
from iamtui.presentation.styled_words import Row, Tone, Word, row_of
from iamtui.presentation.verdict import (
    DecisionLayers,
    aged,
    because,
    conditions,
    counts_of,
    decision_layers,
    notes,
    verdict_words,
)
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.text import counted

if TYPE_CHECKING:
    # They bring in the evaluator, which the first frame does without.
    from iamtui.questions.answers import Answer, Cell, DependentAnswer
    from iamtui.workspace.source.workspace import Workspace


class AnsweredQuestion(Struct, frozen=True):
    """The workspace, principal and question of an answer.

    Args:
        label: what the principal is called on screen; raw text.
        before: the account without the draft that `workspace` holds, when the answer to it is wanted as well.
    """

    workspace: Workspace
    principal: Principal
    question_matrix: QuestionMatrix
    label: str
    before: Workspace | None = None


class Shown(Struct, frozen=True):
    """An answer, and which of its cells is looked at.

    Args:
        asked: what it answers.
        before: the answer without the draft, or None.
        index: which cell is looked at.
        left_out: what stands in the context or the caller's line and is not asked, being half typed; "" for none.
        remarks: sentences about what was asked with.
    """

    asked: AnsweredQuestion
    answer: Answer
    before: Answer | None = None
    index: int = 0
    left_out: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def cell(self) -> Cell:
        return self.answer.cells[self.index]

    @property
    def decision(self) -> Decision:
        """Decision on the cell: its own, or that of another request behind the same call."""
        return self.cell.deciding

    @property
    def takes_part(self) -> bool:
        """True if the selected cell takes part in the verdict on the whole question."""
        return any(cell is self.cell for cell in self.answer.taking_part)

    @property
    def decider(self) -> DependentAnswer | None:
        """The other request that decides about the cell, or None when its own decision does."""
        if self.decision is self.cell.decision:
            return None
        others = (*self.cell.companions, *((self.answer.chain,) if self.answer.chain is not None else ()))
        return next((other for other in others if other.decision is self.decision), None)

    @property
    def principal(self) -> Principal:
        """Principal of the deciding request: in a chain that decides, the role that the session is chained from."""
        decider = self.decider
        if decider is not None and decider is self.answer.chain:
            return decider.decision.request.principal
        return self.answer.principal

    @property
    def question(self) -> Question:
        decider = self.decider
        return decider.question if decider is not None else self.cell.question

    @property
    def cell_matrix(self) -> QuestionMatrix:
        cell, asked = self.cell, self.answer.question_matrix
        # The name of an API call stands for itself, with its companions; a pattern for the action it found.
        call = "" if is_pattern(cell.pattern) else cell.pattern
        return replace(asked, actions=(call or cell.question.action,), resources=(cell.question.resource,))

    @property
    def before_decision(self) -> Decision | None:
        """Decision on the same cell without the draft, or None when that is not known."""
        if self.before is None:
            return None
        return next((c.deciding for c in self.before.cells if c.question == self.cell.question), None)


class AnswerWords(Struct, frozen=True):
    """Texts about the selected cell, made once, so that drawing it evaluates nothing.

    Args:
        verdict: with the action, where there are several cells; where another request decides, with that.
        tone: the verdict's; quiet where the cell takes no part.
        step, about: which request the layers are of, where more than one could be meant; else empty.
        never_asked: why AWS never asks this, or ().
        before: what the verdict was without the draft, or ().
        because: what decided, to stand beside the verdict.
        short_because: without the condition, where `conditions` lists it.
        others: the other requests behind the call that decide with it, or come first.
        optional, optional_marks: those that only some of these calls make: a row each; all in one row, or ().
        long_notes: with what was taken for granted.
        rest: how much of all this a small panel keeps back, or ().
        statement: the one that decided, or None.
        can_be_helped: whether it is worth while to say what would allow it.
        lacks_allow: whether nothing more than an Allow is missing.
    """

    verdict: Row
    tone: Tone
    step: str
    about: Row
    never_asked: Row
    remarks: tuple[Row, ...]
    before: Row
    because: Row
    short_because: Row
    others: tuple[Row, ...]
    optional: tuple[Row, ...]
    optional_marks: Row
    conditions: tuple[Row, ...]
    notes: tuple[Row, ...]
    long_notes: tuple[Row, ...]
    rest: Row
    layers: DecisionLayers
    statement: StatementRef | None
    can_be_helped: bool
    lacks_allow: bool


def answer_words(shown: Shown) -> AnswerWords:
    decision, cell = shown.decision, shown.cell
    never_asked = cell.never_asked
    optional = [one for one in cell.companions if not one.decides]
    step, about = _about(shown)
    return AnswerWords(
        verdict=_verdict(shown),
        step=step,
        about=about,
        never_asked=_warning(never_asked) if never_asked else (),
        remarks=tuple(map(_warning, shown.remarks)),
        before=_before(shown),
        tone=verdict_words(decision).tone if shown.takes_part else Tone.QUIET,
        because=because(decision, beside=True),
        short_because=because(decision, short=True, beside=True),
        others=tuple(_others(shown)),
        optional=tuple(map(_optional, optional)),
        optional_marks=_marks(optional),
        conditions=tuple(conditions(decision)),
        notes=tuple(notes(decision, besides=never_asked)),
        long_notes=tuple(notes(decision, long=True, besides=never_asked)),
        rest=_kept_back(len(optional), sum(1 for note in decision.notes if note != never_asked)),
        layers=decision_layers(decision),
        statement=decision.deciding,
        can_be_helped=not never_asked,
        lacks_allow=decision.outcome is Outcome.IMPLICIT_DENY and not never_asked,
    )


def _quiet(text: str) -> Word:
    return Word(text, Tone.QUIET)


def _warning(sentence: str) -> Row:
    return (Word("[!] ", Tone.DEPENDS, bold=True), *row_of(Word(sentence, Tone.DEPENDS), limit=None))


def _verdict(shown: Shown) -> Row:
    says = aged(verdict_words(shown.decision).row, shown.asked.workspace.age)
    if len(shown.answer.cells) > 1:
        if not shown.takes_part:
            says = (_quiet("takes no part: the action is about other resources"),)
        says = row_of(Word(f"{shown.cell.question.action}: ", Tone.STRONG), says)
    decider = shown.decider
    if decider is None:
        return says
    if decider is shown.answer.chain:
        return row_of(says, _quiet(" for the role chaining that comes first"))
    return row_of(says, _quiet(f" for {decider.check.action}, which the call needs too"))


def _about(shown: Shown) -> tuple[str, Row]:
    decider, chain = shown.decider, shown.answer.chain
    if chain is None and decider is None:
        return "", ()
    step = "" if chain is None else f"step {1 if decider is chain else 2} of 2: "
    # The names alone: whose they are stands above.
    session = Word(shown.answer.question_matrix.chained_from.rpartition("/")[2], Tone.STRONG)
    role = Word(shown.answer.principal.arn.rpartition("/")[2], Tone.STRONG)
    if decider is None:
        return step, row_of(role, _quiet(" does "), Word(shown.cell.question.action, Tone.STRONG))
    if decider is chain:
        return step, row_of(session, _quiet(" assumes "), role)
    return step, row_of(Word(decider.check.action, Tone.STRONG), _quiet(", which the call needs too"))


def _before(shown: Shown) -> Row:
    before = shown.before_decision
    if before is None:
        return ()
    was = verdict_words(before)
    if str(was) == str(verdict_words(shown.decision)):
        return (_quiet("Without the draft: the same"),)
    return (_quiet("Without the draft: "), *was.row)


def _others(shown: Shown) -> Iterator[Row]:
    chain = shown.answer.chain
    if chain is not None:
        role = shown.answer.question_matrix.chained_from.rpartition(":")[2]
        yield row_of(_short(chain), _quiet(" chained from "), role, _quiet(" (assuming this role)"))
    if shown.decider is not None:
        yield (_quiet("The action itself: "), *verdict_words(shown.cell.decision).row)
    for one in shown.cell.companions:
        if one.decides:
            action = Word(one.check.action, Tone.STRONG)
            yield row_of(_quiet("Needs also "), action, _quiet(f" on {_resource(one)}: "), _short(one))


def _optional(one: DependentAnswer) -> Row:
    when = f" ({one.check.when})" if one.check.when else ""
    return row_of(_quiet("May need "), one.check.action, _quiet(f" on {_resource(one)}{when}: "), _short(one))


def _marks(optional: list[DependentAnswer]) -> Row:
    row: Row = ()
    for one in optional:
        says = verdict_words(one.decision)
        front = row_of(", " if row else _quiet("May need also: "), f"{one.check.action} ")
        row = (*row, *front, Word(says.mark + says.star, says.tone))
    return row


def _resource(one: DependentAnswer) -> str:
    resource = one.question.resource
    return one.check.resource if "*" in resource else resource


def _short(one: DependentAnswer) -> Word:
    says = verdict_words(one.decision)
    return Word(f"{says.mark} {says.word}{f' {says.limit}' if says.limit else ''}", says.tone, bold=True)


def _kept_back(checks: int, told: int) -> Row:
    counts = ((checks, "other check"), (told, "note"))
    parts = [counted(count, word) for count, word in counts if count]
    return (_quiet(f"{' and '.join(parts)}: F7"),) if parts else ()


# All cells of an answer: rows, the worst first, and a summary.


class MatrixCell(NamedTuple):
    """One pair; raw text but for the verdict.

    Args:
        badness: 0 for the worst of all.
    """

    name: str
    resource: str
    verdict: str
    tone: Tone
    badness: int


_TAKES_NO_PART = 99
"""Behind whatever an answer can be."""


class MatrixWords(NamedTuple):
    """Cells of the question matrix, and a summary of them.

    Args:
        across: how many resources each action was asked about.
    """

    cells: tuple[MatrixCell, ...]
    across: int
    summary: Row

    def rows(self, *, grid: bool) -> list[tuple[int, ...]]:
        """The indexes of the cells in rows, the worst first; `grid`: a row for each action, resources across."""
        bad, across = [cell.badness for cell in self.cells], self.across
        if not grid:
            return [(index,) for index in sorted(range(len(bad)), key=bad.__getitem__)]
        lines = [range(start, start + across) for start in range(0, len(bad), across)]
        lines.sort(key=lambda cells: min(bad[index] for index in cells))
        order = sorted(range(across), key=lambda column: min(bad[cells[column]] for cells in lines))
        return [tuple(cells[column] for column in order) for cells in lines]


def matrix_words(answer: Answer) -> MatrixWords:
    part = {id(cell) for cell in answer.taking_part}
    cells = tuple(_matrix_cell(cell, takes_part=id(cell) in part) for cell in answer.cells)
    across = max(1, len(dict.fromkeys(answer.question_matrix.resources)))
    return MatrixWords(cells, across, _summary(answer, across))


def _matrix_cell(cell: Cell, *, takes_part: bool) -> MatrixCell:
    action, typed = cell.question.action, cell.pattern
    name = f"{typed} ({action})" if typed and not is_pattern(typed) else action
    badness = severity(cell.deciding) if takes_part else _TAKES_NO_PART
    if cell.never_asked:
        says, tone = "[!] never", Tone.DEPENDS
    elif not takes_part:
        says, tone = " ·  no part", Tone.QUIET
    else:
        words = verdict_words(cell.deciding)
        says, tone = words.short, words.tone
    return MatrixCell(name, cell.question.resource, says, tone, badness)


def _summary(answer: Answer, across: int) -> Row:
    """Counts of the answers: how many actions a pattern matches, how many are denied."""
    cells, part = answer.cells, answer.counted
    counts = counts_of(cell.deciding for cell in part)
    patterns = Counter(cell.pattern for cell in cells if is_pattern(cell.pattern))
    front = [f"{pattern} ({counted(count // across, 'action')}) " for pattern, count in patterns.items()]
    if len(answer.question_matrix.actions) == 1 and patterns:
        # The pattern stands above.
        front = [f"{counted(len(cells) // across, 'action')}: "]
    never = sum(1 for cell in cells if cell.never_asked) if len(cells) > 1 else 0
    no_part = len(cells) - len(part) - never
    behind = (f", {no_part:,} no part" if no_part else "") + (f", {never:,} never asked" if never else "")
    if not behind and sum(1 for count in (counts.denied, counts.depends, counts.allowed) if count) > 1:
        behind = f" of {len(part):,}"
    if answer.cut:
        behind += f"; {answer.cut:,} more not asked: too many"
    return row_of(*(Word(text, Tone.STRONG) for text in front[:2]), counts.short(), _quiet(behind))
