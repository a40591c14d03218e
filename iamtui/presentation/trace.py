"""A decision at full length as rows: answer, what blocks it, what would help, layers, statements, elements."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from iamtui.engine.condition_words import LAYER_NAMES, depends_lines
from iamtui.engine.decision import Decision, LayerReport, LayerState, Outcome, StatementRef
from iamtui.engine.request import Principal
from iamtui.engine.words.explanation import Explanation
from iamtui.engine.words.trace import TracedElement, TracedLayer, TracedStatement
from iamtui.policy.document import PolicyDocument
from iamtui.presentation.styled_words import Row, Tone, Word, row_of, text_of
from iamtui.presentation.verdict import (
    absent_layers,
    because,
    decision_layers,
    layer_text,
    statement_name,
    verdict_words,
)
from iamtui.questions.answers import DependentAnswer
from iamtui.questions.question import Question
from iamtui.text import counted, first_of_texts, safe_document

_INDENT: Final = "    "

_MOST_NEAR: Final = 4
"""How many statements about this action that did not match a layer shows before it folds them."""

_MOST_WANTED: Final = 6
"""How many of a statement's patterns are listed; the document has them all."""

_MOST_CONDITION_VALUES: Final = 24

_MARKS: Final = {
    True: Word("[+]", Tone.ALLOWED, bold=True),
    False: Word("[-]", Tone.DENIED, bold=True),
    None: Word("[?]", Tone.DEPENDS, bold=True),
}
"""Mark of a traced element: matched, not matched, or not known."""

_STATEMENT_WORDS: Final = {True: "matches", False: "does not match", None: "may match"}


class TraceRow(Struct, frozen=True):
    """One row of a trace or a document.

    Args:
        words: what it says; long rows are wrapped.
        ref: the statement that it belongs to, or None.
        fold: the fold that it lies in, hidden while that is closed; "" for none.
        opens: the fold that it opens and closes, or "".
        gutter: what stands before it (a line number), and is left out of wrapped lines.
        json: whether it is a line of JSON, to be coloured.
        ground: the style name under the whole row, or "".
        wraps: whether it is wrapped, or cut at the edge.
        columns: the same with what the request has, side by side, for where there is room.
        beside: whether `columns` of the row before say it too.
    """

    words: Row = ()
    ref: StatementRef | None = None
    fold: str = ""
    opens: str = ""
    gutter: str = ""
    json: bool = False
    ground: str = ""
    wraps: bool = True
    columns: tuple[Row, ...] = ()
    beside: bool = False

    @property
    def text(self) -> str:
        return text_of(self.words)

    @property
    def plain(self) -> str:
        return f"{self.gutter}{self.text}"


_EMPTY: Final = TraceRow()

SourceLines = Callable[[StatementRef], Sequence[tuple[int, str]]]
"""Finds the lines of a statement in its document, each with its number; none where that is not at hand."""


def trace_rows(
    decision: Decision,
    principal: Principal,
    question: Question,
    *,
    source: SourceLines,
    traced: Sequence[TracedLayer] = (),
    explanation: Explanation | None = None,
    companions: Sequence[DependentAnswer] = (),
    chain: DependentAnswer | None = None,
) -> list[TraceRow]:
    """Everything that is known about a decision, top down: the answer first, then what it rests on.

    Args:
        traced: every statement that was looked at; without it only those that took part are shown.
        explanation: the decision in plain sentences.
        companions: the other requests behind the same API call, answered.
        chain: whether the role that the session is chained from may assume the asking one, answered, or None.
    """
    rows = [*_question_rows(principal, question), _EMPTY]
    if explanation is not None:
        rows += _explanation_rows(explanation)
    else:
        rows.append(_row(_answer(decision), "  ", because(decision)))
    if decision.depends_on is not None:
        rows += [_EMPTY, _heading("It depends")]
        rows += (TraceRow((Word(text),)) for text in depends_lines(decision.depends_on, 1, decision.request))
    if chain is not None:
        rows += [_EMPTY, _heading("Role chaining comes first, and the worst decides"), *_checked(chain)]
    deciding = [one for one in companions if one.decides]
    if deciding:
        rows += [_EMPTY, _heading("The same call is also checked for, and the worst decides")]
        rows += (row for one in deciding for row in _checked(one, by_another=False))
    rows += [_EMPTY, _heading("Layers, in the order of evaluation")]
    rows += layer_rows(decision, traced, source)
    absent = decision_layers(decision).absent
    if absent:
        rows += [_EMPTY, TraceRow(absent_layers(absent))]
    rows += _other_companions(companions)
    rows += _rest(decision)
    return rows


def deciding_row(rows: Sequence[TraceRow], decision: Decision) -> int:
    """The row of the statement that decided, from 0; 0 when none did."""
    ref = decision.deciding
    if ref is None or decision.outcome is Outcome.IMPLICIT_DENY:
        return 0
    return statement_row(rows, ref)


def statement_row(rows: Sequence[TraceRow], ref: StatementRef) -> int:
    """The first row of a statement, from 0; 0 when it has none."""
    wanted = _place(ref)
    return next((at for at, row in enumerate(rows) if row.ref is not None and _place(row.ref) == wanted), 0)


def _place(ref: StatementRef) -> tuple[object, ...]:
    return ref.layer, ref.level, ref.policy, ref.statement


def _row(*parts: object) -> TraceRow:
    return TraceRow(row_of(*parts))


def _heading(text: str) -> TraceRow:
    return TraceRow((Word(text, Tone.HEADING),))


def _whole(text: str) -> TraceRow:
    return TraceRow(row_of(text, limit=None))


def _quiet(text: str) -> Word:
    return Word(text, Tone.QUIET)


def _strong(text: str) -> Word:
    return Word(text, Tone.STRONG)


def _telling(text: str, tone: Tone) -> Word:
    return Word(text, tone, bold=tone is not Tone.QUIET)


def _answer(decision: Decision) -> Row:
    words = verdict_words(decision)
    return (_telling(str(words), words.tone),)


def _question_rows(principal: Principal, question: Question) -> Iterator[TraceRow]:
    yield _row(_quiet("Principal  "), principal.arn or principal.kind.value)
    yield _row(_quiet("Action     "), question.action)
    yield _row(_quiet("Resource   "), question.resource)
    for key, values in question.context.items():
        yield _row(_quiet("Context    "), key, _quiet(" = "), ", ".join(values) or "absent")
    for number, text in enumerate(question.session_policies, 1):
        yield _row(_quiet(f"Session    policy {number}, "), f"{len(text):,} characters")
    for number, text in enumerate(question.scope_downs, 1):
        yield _row(_quiet(f"Scope-down policy {number}, "), f"{len(text):,} characters")
    if question.layers_off:
        names = ", ".join(sorted(LAYER_NAMES[layer].title for layer in question.layers_off))
        yield _row(_quiet("Left out   "), _telling(names, Tone.DEPENDS))
    reading = "unknown" if question.mode.value == "discover" else "absent, unless AWS always sends it"
    yield _row(_quiet("Mode       "), question.mode.value, _quiet(f": a key nobody gave is {reading}"))


# What blocks it, and what would help.


def _explanation_rows(explanation: Explanation) -> Iterator[TraceRow]:
    if not explanation.blockers:
        yield _whole(explanation.paragraph)
        return
    paragraph = explanation.paragraph
    for blocker in explanation.blockers:
        paragraph = paragraph.replace(blocker, "", 1)
    yield _whole(" ".join(paragraph.split()))
    yield _EMPTY
    yield _heading("What blocks it")
    yield from (_whole(f"- {blocker}") for blocker in explanation.blockers)
    yield _EMPTY
    if not explanation.suggestions:
        yield _heading("No change of policies would allow it")
        return
    needed = f": {explanation.needed}" if explanation.needed else ""
    yield _heading(f"The smallest change that would allow it{needed}")
    for suggestion in explanation.suggestions:
        yield _whole(f"- {suggestion.change}")
        if suggestion.statement is not None:
            text = json.dumps(suggestion.statement, indent=2, ensure_ascii=False)
            yield from (TraceRow(row_of(row, limit=None), gutter=_INDENT, json=True) for row in text.split("\n"))


# The other requests behind the call.


def _checked(one: DependentAnswer, *, by_another: bool = True) -> Iterator[TraceRow]:
    """A check that decides with the call; `by_another`: the one before it, by another principal."""
    check, decision = one.check, one.decision
    resource = one.question.resource if by_another else check.resource
    yield _row(_answer(decision), "  ", _strong(check.action), _quiet(" on "), resource)
    if by_another:
        yield _row(_INDENT, _quiet("by "), decision.request.principal.arn)
    else:
        words = ". ".join(part.rstrip(".") for part in (f"when {check.when}" if check.when else "", check.note) if part)
        if words:
            yield _row(_INDENT, _quiet(f"{words[:1].upper()}{words[1:]}."))
    why = because(decision)
    if why:
        yield _row(_INDENT, why)


def _other_companions(companions: Sequence[DependentAnswer]) -> Iterator[TraceRow]:
    """The checks that only some of these calls make, a line each."""
    others = [one for one in companions if not one.decides]
    if not others:
        return
    yield _EMPTY
    yield _heading("Some of these calls are also checked for (does not decide here)")
    for one in others:
        check, says = one.check, verdict_words(one.decision)
        when = f", when {check.when}" if check.when else ""
        mark = _telling(says.mark + says.star, says.tone)
        yield _row(mark, " ", _strong(check.action), _quiet(f" on {check.resource}{when}"))


# Layers.


def layer_rows(
    decision: Decision, traced: Sequence[TracedLayer], source: SourceLines | None = None
) -> Iterator[TraceRow]:
    """The layers that take part, each with its statements.

    Args:
        source: gives the text of statements that match without a condition, and what hardly matters is folded;
            None: every statement about the action with all its elements, and what each level says.
    """
    for report in decision.layers:
        if report.state is not LayerState.NOT_APPLICABLE:
            yield from _one_layer(decision, report, [one for one in traced if one.layer is report.layer], source)


def _one_layer(
    decision: Decision, report: LayerReport, traced: Sequence[TracedLayer], source: SourceLines | None
) -> Iterator[TraceRow]:
    says = layer_text(report, decision)
    title = LAYER_NAMES[report.layer].title
    yield _EMPTY
    yield _row(_telling(says.mark, says.tone), " ", _strong(title), "  ", _telling(says.words, says.tone))
    yield _row(_INDENT, _quiet(report.why))
    if not traced:
        for ref in _statements(decision, report):
            yield _statement_head(ref.effect, None if ref.undetermined else True, ref)
            yield from _source_rows(source, ref)
    for layer in traced:
        if layer.level is not None:
            name = f"level {layer.level} ({layer.level_name})" if layer.level_name else f"level {layer.level}"
            if source is None:
                short = LAYER_NAMES[layer.layer].short
                yield _row(_INDENT, Word(f"{short} {name}", Tone.HEADING), "  ", _quiet(layer.why))
            else:
                yield _row(_INDENT, Word(name, Tone.HEADING))
        yield from _traced_rows(layer, source)


def _statements(decision: Decision, report: LayerReport) -> list[StatementRef]:
    listed = [ref for reason in decision.reasons if reason.layer is report.layer for ref in reason.statements]
    listed += [ref for ref in decision.matched if ref.layer is report.layer]
    return list(dict.fromkeys(listed))


def _traced_rows(layer: TracedLayer, source: SourceLines | None) -> Iterator[TraceRow]:
    """The statements that match, then those that nearly do; the others folded, counted by what did not match."""
    matching: list[TracedStatement] = []
    near: list[TracedStatement] = []
    others: list[TracedStatement] = []
    for statement in layer.statements:
        about = statement.elements[0].matched is not False
        (matching if statement.matched is not False else near if about else others).append(statement)
    matching.sort(key=lambda statement: statement.effect != "Deny")
    near.sort(key=lambda statement: (len(statement.failing), statement.effect != "Deny"))
    most = len(near) if source is None else _MOST_NEAR
    for statement in (*matching, *near[:most]):
        ref = _reference(layer, statement)
        yield _statement_head(statement.effect, statement.matched, ref)
        if source is not None and statement.matched and not any(element.key for element in statement.elements):
            yield from _source_rows(source, ref)
        else:
            yield from _element_rows(statement, ref, whole=source is None)
    where, whole = f"{layer.layer.value}/{layer.level}", source is None
    yield from _folded(layer, near[most:], f"{where}/near", whole=whole)
    yield from _folded(layer, others, f"{where}/others", whole=whole)
    for missing in layer.missing:
        yield _row(_INDENT, _telling("[?] not loaded: ", Tone.DEPENDS), missing)


def _folded(layer: TracedLayer, statements: Sequence[TracedStatement], fold: str, *, whole: bool) -> Iterator[TraceRow]:
    """One row that counts statements, and behind it one for each with what it wanted."""
    if not statements:
        return
    failed = Counter(_what_failed(statement) for statement in statements)
    total = counted(len(statements), "statement")
    if len(failed) == 1:
        reasons = next(iter(failed))
    else:
        reasons = ", ".join(f"{name} {count:,}" for name, count in failed.most_common())
    sign = "" if whole else "▸ "
    yield TraceRow(row_of(_INDENT, _quiet(f"{sign}{total} did not match: {reasons}")), opens=fold)
    for statement in statements:
        ref = _reference(layer, statement)
        element = next(iter(statement.failing), statement.elements[0])
        effect, name = _quiet(f"{statement.effect} "), Word(f"  {element.element} ", Tone.HEADING)
        words = row_of(_INDENT * 2, effect, statement_name(ref), name, _quiet(_wanted(element)))
        yield TraceRow(words, ref=ref, fold=fold, wraps=False)


def _what_failed(statement: TracedStatement) -> str:
    names = dict.fromkeys(element.element.removeprefix("Not").lower() for element in statement.failing)
    return " and ".join(names) or "unknown"


def _reference(layer: TracedLayer, statement: TracedStatement) -> StatementRef:
    return StatementRef(
        layer.layer,
        statement.effect,
        statement.policy,
        statement.sid,
        statement.statement,
        statement.lines,
        layer.level,
        undetermined=statement.matched is None,
    )


def _statement_head(effect: str, matched: bool | None, ref: StatementRef) -> TraceRow:
    says = f"{effect} {_STATEMENT_WORDS[matched]}"
    if matched is False:
        return TraceRow(row_of(_INDENT, _quiet(says), "  ", _quiet(statement_name(ref))), ref=ref)
    tone = Tone.DENIED if effect == "Deny" else Tone.ALLOWED
    return TraceRow(row_of(_INDENT, _telling(says, tone), "  ", _strong(statement_name(ref))), ref=ref)


def _element_rows(statement: TracedStatement, ref: StatementRef, *, whole: bool) -> Iterator[TraceRow]:
    """The elements: what the statement wants, and what the request has; `whole`: that in the same row, always."""
    for element in statement.elements:
        name = Word(f"{element.operator} {element.key}" if element.key else element.element, Tone.HEADING)
        # A trust policy has no Resource element: there is nothing that it wants.
        absent = element.element.endswith("Resource") and not element.wanted
        wanted = "" if absent else _wanted(element)
        wants = () if absent else (_quiet("  wants "), wanted)
        mark = _MARKS[element.matched]
        if statement.effect == "Deny" and element.matched is not None:
            # What keeps a Deny from matching is no fault, and what makes it match no good news.
            mark = Word(mark.text, Tone.QUIET if statement.matched is False else Tone.DENIED)
        front = row_of(_INDENT * 2, mark, " ", name)
        head = row_of(front, *wants)
        has = element.seen_words() or ("" if element.note else "nothing")
        seen = row_of(_quiet("seen: "), has, "  " if has else "", _quiet(element.note))
        if whole:
            yield TraceRow(row_of(head, "  ", seen), ref=ref)
            continue
        column = () if absent else row_of(_quiet("wants "), wanted)
        yield TraceRow(head, ref=ref, columns=(front, column, seen))
        if element.matched is not True or element.key:
            yield TraceRow(row_of(_INDENT * 3, seen), ref=ref, beside=True)


def _wanted(element: TracedElement) -> str:
    """Values that an element requires, the patterns nearest to the request's value first; a long list is cut."""
    wanted = element.wanted_words()
    most = _MOST_CONDITION_VALUES if element.key else _MOST_WANTED
    if len(wanted) > most:
        start = element.seen[0].partition(":")[0].lower() if element.seen else ""
        wanted.sort(key=lambda value: value.partition(":")[0].lower() != start)
    return first_of_texts(wanted, most) or "nothing"


def _source_rows(source: SourceLines | None, ref: StatementRef) -> Iterator[TraceRow]:
    for number, text in source(ref) if source is not None else ():
        yield TraceRow(row_of(text, limit=None), ref=ref, gutter=f"{_INDENT}{number:>4} ", json=True)


def _rest(decision: Decision) -> Iterator[TraceRow]:
    for title, values in (
        ("Keys that matter and were not given", decision.missing_context),
        ("Taken for granted", decision.assumptions),
        ("Allowed for these resources", decision.allowed_resources),
        ("Denied for these of them", decision.denied_resources),
        ("Shown on an example", () if decision.example_resource is None else (decision.example_resource,)),
        ("Notes", decision.notes),
    ):
        if values:
            yield _EMPTY
            yield _heading(title)
            yield from (_row("  ", value) for value in values)


def document_rows(document: PolicyDocument, ref: StatementRef) -> tuple[list[TraceRow], int]:
    """A whole document, the lines of one statement marked, and the row where that begins."""
    if document.error is not None:
        rows = [refusal_row(f"This document cannot be read: {document.error}")]
        return [*rows, *(TraceRow((Word(text),)) for text in safe_document(document.text).split("\n"))], 0
    texts = safe_document(document.text).split("\n")
    marked = range(0)
    if 0 <= ref.statement < len(document.lines):
        first, last = document.lines[ref.statement]
        marked = range(first, last + 1)
    width = len(str(len(texts)))
    return [
        TraceRow(
            (Word(text),),
            gutter=f"{number:>{width}} ",
            json=True,
            ground="statement" if number in marked else "",
        )
        for number, text in enumerate(texts, 1)
    ], max(0, marked.start - 1)


def refusal_row(sentence: str) -> TraceRow:
    return TraceRow(row_of(Word(sentence, Tone.DENIED, bold=True), limit=None))
