"""A decision at full length, as rows: answer, what blocks it, what would help, layers, statements, elements. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from textual.content import Content

from iamtui.engine.condition_words import LAYER_NAMES, depends_lines
from iamtui.engine.decision import Decision, LayerReport, LayerState, Outcome, StatementRef
from iamtui.engine.explanation import Explanation, Suggestion
from iamtui.engine.request import Principal
from iamtui.engine.trace import TracedElement, TracedLayer, TracedStatement
from iamtui.presentation.layers import layer_text, layer_texts
from iamtui.presentation.verdict import because, statement_name
from iamtui.tui.content import TONES, line, plain, styled
from iamtui.tui.inventory import document_of, statement_text
from iamtui.tui.question.layers_list import absent_layers_line
from iamtui.tui.question.trace_view import TraceRow
from iamtui.tui.question.verdict import verdict
from iamtui.workspace.answers import DependentAnswer
from iamtui.workspace.questions import Question
from iamtui.workspace.workspace import Workspace

_INDENT: Final = "    "
_EMPTY: Final = TraceRow(Content(""))

_MOST_NEAR: Final = 4
"""How many statements about this action that did not match a layer shows before it folds them."""

_MOST_WANTED: Final = 6
"""How many of a statement's patterns are listed; the document has them all."""

_MOST_CONDITION_VALUES: Final = 24

_MARKS: Final = {
    True: ("[+]", "$verdict-allowed"),
    False: ("[-]", "$verdict-denied"),
    None: ("[?]", "$verdict-depends"),
}
"""What an element or a statement of the trace did: matched, did not, or that is not known."""

_STATEMENT_WORDS: Final = {True: "matches", False: "does not match", None: "may match"}


def trace_rows(
    workspace: Workspace,
    decision: Decision,
    principal: Principal,
    question: Question,
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
    rows = [*_rows(_question_rows(principal, question)), _EMPTY]
    if explanation is not None:
        rows += _explanation_rows(explanation)
    else:
        rows.append(TraceRow(line(verdict(decision).content, "  ", styled(because(decision)))))
    if decision.depends_on is not None:
        rows += [_EMPTY, _heading("It depends")]
        rows += _rows(Content(row) for row in depends_lines(decision.depends_on, 1, decision.request))
    if chain is not None:
        rows += _chain_rows(chain)
    rows += _deciding_companions(companions)
    rows += [_EMPTY, _heading("Layers, in the order of evaluation")]
    absent = layer_texts(decision)[1]
    for report in decision.layers:
        if report.state is not LayerState.NOT_APPLICABLE:
            layers = [layer for layer in traced if layer.layer is report.layer]
            rows += _layer_rows(workspace, decision, principal, report, layers)
    if absent:
        rows += [_EMPTY, TraceRow(absent_layers_line(absent))]
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


def _rows(contents: Iterable[Content]) -> Iterator[TraceRow]:
    return (TraceRow(content) for content in contents)


def _heading(text: str) -> TraceRow:
    return TraceRow(plain(text, "bold $heading"))


def _question_rows(principal: Principal, question: Question) -> list[Content]:
    rows = [
        line(("Principal  ", "$muted"), principal.arn or principal.kind.value),
        line(("Action     ", "$muted"), question.action),
        line(("Resource   ", "$muted"), question.resource),
    ]
    for key, values in question.context.items():
        rows.append(line(("Context    ", "$muted"), key, (" = ", "$muted"), ", ".join(values) or "absent"))
    for number, text in enumerate(question.session_policies, 1):
        rows.append(line((f"Session    policy {number}, ", "$muted"), f"{len(text):,} characters"))
    if question.layers_off:
        names = ", ".join(sorted(LAYER_NAMES[layer].title for layer in question.layers_off))
        rows.append(line(("Left out   ", "$muted"), (names, "$verdict-depends")))
    reading = "unknown" if question.mode.value == "discover" else "absent"
    rows.append(line(("Mode       ", "$muted"), question.mode.value, (f": a key nobody gave is {reading}", "$muted")))
    return rows


# What blocks it, and what would help.


def _explanation_rows(explanation: Explanation) -> Iterator[TraceRow]:
    if not explanation.blockers:
        yield TraceRow(plain(explanation.paragraph, limit=None))
        return
    paragraph = explanation.paragraph
    for blocker in explanation.blockers:
        paragraph = paragraph.replace(blocker, "", 1)
    yield TraceRow(plain(" ".join(paragraph.split()), limit=None))
    yield _EMPTY
    yield _heading("What blocks it")
    yield from _rows(plain(f"- {blocker}", limit=None) for blocker in explanation.blockers)
    yield _EMPTY
    if not explanation.suggestions:
        yield _heading("No change of policies would allow it")
        return
    needed = "" if len(explanation.suggestions) == 1 else ": all of these together"
    yield _heading(f"The smallest change that would allow it{needed}")
    for suggestion in explanation.suggestions:
        yield from _suggestion_rows(suggestion)


def _suggestion_rows(suggestion: Suggestion) -> Iterator[TraceRow]:
    yield TraceRow(plain(f"- {suggestion.change}", limit=None))
    if suggestion.statement is not None:
        text = json.dumps(suggestion.statement, indent=2, ensure_ascii=False)
        yield from (TraceRow(plain(row, limit=None), gutter=_INDENT, json=True) for row in text.split("\n"))


# Companions.


def _chain_rows(chain: DependentAnswer) -> Iterator[TraceRow]:
    """The call that comes before any of this session's, by another principal."""
    caller, role = chain.decision.request.principal, chain.question.resource
    yield _EMPTY
    yield _heading("Role chaining comes first, and the worst decides")
    answer = verdict(chain.decision).content
    yield TraceRow(line(answer, "  ", (chain.check.action, "bold"), (" on ", "$muted"), role))
    yield TraceRow(line(_INDENT, ("by ", "$muted"), caller.arn))
    why = styled(because(chain.decision))
    if why:
        yield TraceRow(line(_INDENT, why))


def _deciding_companions(companions: Sequence[DependentAnswer]) -> Iterator[TraceRow]:
    """The checks that every such call makes, and that decide with it."""
    deciding = [companion for companion in companions if companion.decides]
    if not deciding:
        return
    yield _EMPTY
    yield _heading("The same call is also checked for, and the worst decides")
    for companion in deciding:
        check = companion.check
        answer = verdict(companion.decision).content
        yield TraceRow(line(answer, "  ", (check.action, "bold"), (" on ", "$muted"), check.resource))
        words = ". ".join(part.rstrip(".") for part in (f"when {check.when}" if check.when else "", check.note) if part)
        if words:
            yield TraceRow(line(_INDENT, (f"{words[:1].upper()}{words[1:]}.", "$muted")))
        why = styled(because(companion.decision))
        if why:
            yield TraceRow(line(_INDENT, why))


def _other_companions(companions: Sequence[DependentAnswer]) -> Iterator[TraceRow]:
    """The checks that only some of these calls make, a line each."""
    others = [companion for companion in companions if not companion.decides]
    if not others:
        return
    yield _EMPTY
    yield _heading("Some of these calls are also checked for (does not decide here)")
    for companion in others:
        check, answer = companion.check, verdict(companion.decision)
        when = f", when {check.when}" if check.when else ""
        mark = answer.mark + answer.star
        yield TraceRow(
            line((mark, answer.style), " ", (check.action, "bold"), (f" on {check.resource}{when}", "$muted"))
        )


# Layers.


def _layer_rows(
    workspace: Workspace,
    decision: Decision,
    principal: Principal,
    report: LayerReport,
    traced: Sequence[TracedLayer],
) -> Iterator[TraceRow]:
    layer_words = layer_text(report, decision)
    style = TONES[layer_words.tone]
    title = LAYER_NAMES[report.layer].title
    yield _EMPTY
    yield TraceRow(line((layer_words.mark, style), " ", (title, "bold"), "  ", (layer_words.words, style)))
    yield TraceRow(line(_INDENT, (report.why, "$muted")))
    if not traced:
        for ref in _statements(decision, report):
            yield _statement_head(ref.effect, None if ref.undetermined else True, ref)
            yield from _source_rows(workspace, principal, decision, ref)
    for layer in traced:
        if layer.level is not None:
            name = f" ({layer.level_name})" if layer.level_name else ""
            yield TraceRow(line(_INDENT, (f"level {layer.level}{name}", "$heading")))
        yield from _traced_rows(workspace, decision, principal, layer)


def _statements(decision: Decision, report: LayerReport) -> list[StatementRef]:
    listed = [ref for reason in decision.reasons if reason.layer is report.layer for ref in reason.statements]
    listed += [ref for ref in decision.matched if ref.layer is report.layer]
    return list(dict.fromkeys(listed))


def _traced_rows(
    workspace: Workspace, decision: Decision, principal: Principal, layer: TracedLayer
) -> Iterator[TraceRow]:
    """The statements that match, then those that nearly do; the others folded, counted by what did not match."""
    matching: list[TracedStatement] = []
    near: list[TracedStatement] = []
    others: list[TracedStatement] = []
    for statement in layer.statements:
        about = statement.elements[0].matched is not False
        (matching if statement.matched is not False else near if about else others).append(statement)
    matching.sort(key=lambda statement: statement.effect != "Deny")
    near.sort(key=lambda statement: (len(statement.failing), statement.effect != "Deny"))
    for statement in matching:
        ref = _reference(layer, statement)
        yield _statement_head(statement.effect, statement.matched, ref)
        if statement.matched is True and not any(element.key for element in statement.elements):
            yield from _source_rows(workspace, principal, decision, ref)
        else:
            yield from _element_rows(statement, ref)
    for statement in near[:_MOST_NEAR]:
        ref = _reference(layer, statement)
        yield _statement_head(statement.effect, statement.matched, ref)
        yield from _element_rows(statement, ref)
    where = f"{layer.layer.value}/{layer.level}"
    yield from _folded(layer, near[_MOST_NEAR:], f"{where}/near", "did not match")
    yield from _folded(layer, others, f"{where}/others", "did not match")
    for missing in layer.missing:
        yield TraceRow(line(_INDENT, ("[?] not loaded: ", "$verdict-depends"), missing))


def _folded(layer: TracedLayer, statements: Sequence[TracedStatement], fold: str, words: str) -> Iterator[TraceRow]:
    """One row that counts statements, and behind it one for each with what it wanted."""
    if not statements:
        return
    failed = Counter(_what_failed(statement) for statement in statements)
    total = f"{len(statements):,} statement{'' if len(statements) == 1 else 's'}"
    if len(failed) == 1:
        reasons = next(iter(failed))
    else:
        reasons = ", ".join(f"{name} {count:,}" for name, count in failed.most_common())
    yield TraceRow(line(_INDENT, (f"▸ {total} {words}: {reasons}", "$muted")), opens=fold)
    for statement in statements:
        ref = _reference(layer, statement)
        element = next(iter(statement.failing), statement.elements[0])
        yield TraceRow(
            line(
                _INDENT * 2,
                (f"{statement.effect} ", "$muted"),
                statement_name(ref),
                (f"  {element.element} ", "$heading"),
                (_wanted(element), "$muted"),
            ),
            ref=ref,
            fold=fold,
            wraps=False,
        )


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
    style = "$muted" if matched is False else "$verdict-denied" if effect == "Deny" else "$verdict-allowed"
    name = Content.styled(statement_name(ref), "$muted" if matched is False else "bold")
    return TraceRow(line(_INDENT, (f"{effect} {_STATEMENT_WORDS[matched]}", style), "  ", name), ref=ref)


def _element_rows(statement: TracedStatement, ref: StatementRef) -> Iterator[TraceRow]:
    """The elements: what the statement wants beside what the request has."""
    for element in statement.elements:
        mark, style = _MARKS[element.matched]
        name = f"{element.operator} {element.key}" if element.key else element.element
        # A trust policy has no Resource element: there is nothing that it wants.
        absent = element.element.endswith("Resource") and not element.wanted
        wants = () if absent else (("  wants ", "$muted"), _wanted(element))
        head = line(_INDENT * 2, (mark, style), " ", (name, "$heading"), *wants)
        yield TraceRow(head, ref=ref)
        seen = element.seen_words()
        if element.matched is not True or element.key:
            shown = seen or ("" if element.note else "nothing")
            words = line(
                _INDENT * 3, ("seen: ", "$muted"), shown, ("  " if shown else "", ""), (element.note, "$muted")
            )
            yield TraceRow(words, ref=ref)


def _wanted(element: TracedElement) -> str:
    """What an element wants, the patterns nearest to what was seen first; a long list is cut."""
    wanted = element.wanted_words()
    most = _MOST_CONDITION_VALUES if element.key else _MOST_WANTED
    if len(wanted) > most:
        start = element.seen[0].partition(":")[0].lower() if element.seen else ""
        wanted.sort(key=lambda value: value.partition(":")[0].lower() != start)
        return f"{', '.join(wanted[:most])} and {len(wanted) - most:,} more"
    return ", ".join(wanted) or "nothing"


def _source_rows(
    workspace: Workspace, principal: Principal, decision: Decision, ref: StatementRef
) -> Iterator[TraceRow]:
    document = document_of(workspace.account, principal, decision.request.resource, ref)
    if document is not None:
        for number, text in statement_text(document, ref):
            yield TraceRow(plain(text, limit=None), ref=ref, gutter=f"{_INDENT}{number:>4} ", json=True)


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
            yield from (TraceRow(line("  ", value)) for value in values)
