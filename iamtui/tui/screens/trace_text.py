"""A decision at full length, as rows of content: answer, explanation, layers, statements, elements. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from textual.content import Content

from iamtui.evaluation.decision import Decision, LayerReport, LayerState, StatementRef
from iamtui.evaluation.explanation import Explanation, Suggestion
from iamtui.evaluation.request import Principal
from iamtui.evaluation.trace import TracedElement, TracedLayer, TracedStatement
from iamtui.evaluation.wording import depends_lines
from iamtui.tui.safe import line, plain
from iamtui.tui.statements import document_of, statement_text
from iamtui.tui.widgets.question.layer_text import absent_layers_line, layer_parts
from iamtui.tui.widgets.question.verdict import LAYER_TITLES, because, statement_name, verdict
from iamtui.workspace.asking import Question
from iamtui.workspace.workspace import Workspace

_EMPTY = Content("")
_INDENT = "    "

_MARKS = {
    True: ("[+]", "$verdict-allowed"),
    False: ("[-]", "$verdict-denied"),
    None: ("[?]", "$verdict-depends"),
}
"""What an element or a statement of the trace did: matched, did not, or that is not known."""

_STATEMENT_WORDS = {True: "matches", False: "does not match", None: "may match"}


def trace_rows(
    workspace: Workspace,
    decision: Decision,
    principal: Principal,
    question: Question,
    traced: Sequence[TracedLayer] = (),
    explanation: Explanation | None = None,
) -> list[Content]:
    """Everything that is known about a decision, top down: the answer first, then what it rests on.

    Args:
        traced: every statement that was looked at; without it only those that took part are shown.
        explanation: the decision in plain sentences.
    """
    rows = [*_question_rows(principal, question), _EMPTY, verdict(decision).content, because(decision)]
    if explanation is not None:
        rows += _explanation_rows(explanation)
    if decision.depends_on is not None:
        rows += [_EMPTY, _heading("It depends")]
        rows += [Content(row) for row in depends_lines(decision.depends_on, 1)]
    rows += [_EMPTY, _heading("Layers, in the order of evaluation")]
    absent = [report for report in decision.layers if report.state is LayerState.NOT_APPLICABLE]
    for report in decision.layers:
        if report not in absent:
            layers = [layer for layer in traced if layer.layer is report.layer]
            rows += _layer_rows(workspace, decision, principal, report, layers)
    if absent:
        rows += [_EMPTY, absent_layers_line(absent)]
    rows += list(_rest(decision))
    return rows


def _heading(text: str) -> Content:
    return plain(text, "bold $heading")


def _question_rows(principal: Principal, question: Question) -> list[Content]:
    rows = [
        line(("Principal  ", "$muted"), principal.arn or principal.kind.value),
        line(("Action     ", "$muted"), question.action),
        line(("Resource   ", "$muted"), question.resource),
    ]
    for key, values in question.context.items():
        rows.append(line(("Context    ", "$muted"), key, (" = ", "$muted"), ", ".join(values)))
    reading = "unknown" if question.mode.value == "discover" else "absent"
    rows.append(line(("Mode       ", "$muted"), question.mode.value, (f": a key nobody gave is {reading}", "$muted")))
    return rows


def _explanation_rows(explanation: Explanation) -> list[Content]:
    rows = [_EMPTY, plain(explanation.paragraph, limit=None)]
    rows += [plain(f"- {blocker}", limit=None) for blocker in explanation.blockers]
    if explanation.suggestions:
        rows += [_EMPTY, _heading("What would allow it (a suggestion; all of it is needed)")]
        for suggestion in explanation.suggestions:
            rows += _suggestion_rows(suggestion)
    return rows


def _suggestion_rows(suggestion: Suggestion) -> Iterator[Content]:
    yield plain(f"- {suggestion.change}", limit=None)
    if suggestion.statement is not None:
        text = json.dumps(suggestion.statement, indent=2, ensure_ascii=False)
        yield from (plain(f"{_INDENT}{row}", limit=None) for row in text.split("\n"))


def _layer_rows(
    workspace: Workspace,
    decision: Decision,
    principal: Principal,
    report: LayerReport,
    traced: Sequence[TracedLayer],
) -> list[Content]:
    mark, words, style = layer_parts(report, decision)
    head = line((mark, style), " ", (LAYER_TITLES[report.layer], "bold"), "  ", (words, style))
    rows = [_EMPTY, head, line(_INDENT, (report.why, "$muted"))]
    if not traced:
        for ref in _statements(decision, report):
            rows.append(_statement_head(ref.effect, None if ref.undetermined else True, ref))
            rows += _source_rows(workspace, principal, decision, ref)
    for layer in traced:
        if layer.level is not None:
            name = f" ({layer.level_name})" if layer.level_name else ""
            rows.append(line(_INDENT, (f"level {layer.level}{name}", "$heading")))
        rows += _traced_rows(workspace, decision, principal, layer)
    return rows


def _statements(decision: Decision, report: LayerReport) -> list[StatementRef]:
    listed = [ref for reason in decision.reasons if reason.layer is report.layer for ref in reason.statements]
    listed += [ref for ref in decision.matched if ref.layer is report.layer]
    return list(dict.fromkeys(listed))


def _traced_rows(
    workspace: Workspace, decision: Decision, principal: Principal, layer: TracedLayer
) -> Iterator[Content]:
    """The statements about this action, those that match first; the others only counted."""
    about = [statement for statement in layer.statements if statement.elements[0].matched is not False]
    for statement in sorted(about, key=lambda statement: (statement.matched is False, statement.effect != "Deny")):
        ref = _reference(layer, statement)
        yield _statement_head(statement.effect, statement.matched, ref)
        if statement.matched is True and not any(element.key for element in statement.elements):
            yield from _source_rows(workspace, principal, decision, ref)
            continue
        for element in statement.elements:
            yield from _element_rows(element)
    others = len(layer.statements) - len(about)
    if others:
        words = "statement is" if others == 1 else "statements are"
        yield line(_INDENT, (f"{others} more {words} about other actions", "$faint"))
    for missing in layer.missing:
        yield line(_INDENT, ("[?] not loaded: ", "$verdict-depends"), missing)


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


def _statement_head(effect: str, matched: bool | None, ref: StatementRef) -> Content:
    style = "$muted" if matched is False else "$verdict-denied" if effect == "Deny" else "$verdict-allowed"
    name = Content.styled(statement_name(ref), "$muted" if matched is False else "bold")
    return line(_INDENT, (f"{effect} {_STATEMENT_WORDS[matched]}", style), "  ", name)


def _element_rows(element: TracedElement) -> Iterator[Content]:
    """One element: what the statement wants beside what the request has."""
    mark, style = _MARKS[element.matched]
    name = f"{element.operator} {element.key}" if element.key else element.element
    wanted = ", ".join(element.wanted) or "nothing"
    yield line(_INDENT * 2, (mark, style), " ", (name, "$heading"), ("  wants ", "$muted"), wanted)
    seen = ", ".join(element.seen)
    if element.matched is not True or element.key:
        shown = seen or ("" if element.note else "nothing")
        yield line(_INDENT * 3, ("seen: ", "$muted"), shown, ("  " if shown else "", ""), (element.note, "$muted"))


def _source_rows(workspace: Workspace, principal: Principal, decision: Decision, ref: StatementRef) -> list[Content]:
    document = document_of(workspace.account, principal, decision.request.resource, ref)
    if document is None:
        return []
    return [line(_INDENT, (f"{number:>4} ", "$faint"), text) for number, text in statement_text(document, ref)]


def _rest(decision: Decision) -> Iterator[Content]:
    for title, values in (
        ("Keys that matter and were not given", decision.missing_context),
        ("Taken for granted", decision.assumptions),
        ("Allowed for these resources", decision.allowed_resources),
        ("Notes", decision.notes),
    ):
        if values:
            yield _EMPTY
            yield _heading(title)
            for value in values:
                yield line("  ", value)
