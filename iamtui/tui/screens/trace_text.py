"""A decision at full length, as rows of content: question, verdict, layers, statements. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.content import Content

from iamtui.evaluation.decision import Decision, Layer, LayerReport, LayerState, Reason, StatementRef
from iamtui.evaluation.request import Principal
from iamtui.tui.safe import line, plain
from iamtui.tui.statements import document_of, statement_text
from iamtui.tui.widgets.question.verdict import (
    LAYER_TITLES,
    absent_layers_line,
    because,
    depends_lines,
    layer_parts,
    statement_name,
    verdict,
)
from iamtui.workspace.asking import Question
from iamtui.workspace.workspace import Workspace

_EMPTY = Content("")


def trace_rows(
    workspace: Workspace, decision: Decision, principal: Principal, question: Question, explanation: Sequence[str] = ()
) -> list[Content]:
    """Everything that is known about a decision, top down: the answer first, then what it rests on.

    Args:
        explanation: the decision in plain sentences, when the engine gives one.
    """
    rows = [*_question_rows(principal, question), _EMPTY, verdict(decision).content, because(decision)]
    if explanation:
        rows += [_EMPTY, *(plain(sentence, limit=None) for sentence in explanation)]
    if decision.depends_on is not None:
        rows += [_EMPTY, _heading("It depends")]
        rows += [Content(row) for row in depends_lines(decision.depends_on, 1)]
    rows += [_EMPTY, _heading("Layers, in the order of evaluation")]
    absent = [report for report in decision.layers if report.state is LayerState.NOT_APPLICABLE]
    for report in decision.layers:
        if report not in absent:
            rows += _layer_rows(workspace, decision, principal, report)
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
    rows.append(
        line(
            ("Mode       ", "$muted"),
            question.mode.value,
            (": a key nobody gave is ", "$muted"),
            ("unknown" if question.mode.value == "discover" else "absent", "$muted"),
        )
    )
    return rows


def _layer_rows(workspace: Workspace, decision: Decision, principal: Principal, report: LayerReport) -> list[Content]:
    mark, words, style = layer_parts(report)
    rows = [
        _EMPTY,
        line((mark, style), " ", (LAYER_TITLES[report.layer], "bold"), "  ", (words, style)),
        line("    ", (report.why, "$muted")),
    ]
    rows += [line("    ", _reason(reason)) for reason in decision.reasons if reason.layer is report.layer]
    for ref in _statements(decision, report.layer):
        rows += _statement_rows(workspace, principal, decision.request.resource, ref)
    return rows


def _reason(reason: Reason) -> str:
    words = "a Deny matches" if reason.kind == "explicit" else "no Allow matches"
    if reason.level is None:
        return words
    name = f" ({reason.level_name})" if reason.level_name else ""
    return f"{words} at level {reason.level}{name}"


def _statements(decision: Decision, layer: Layer) -> list[StatementRef]:
    listed = [ref for reason in decision.reasons if reason.layer is layer for ref in reason.statements]
    listed += [ref for ref in decision.matched if ref.layer is layer]
    return list(dict.fromkeys(listed))


def _statement_rows(workspace: Workspace, principal: Principal, resource: str, ref: StatementRef) -> list[Content]:
    style = "$verdict-denied" if ref.effect == "Deny" else "$verdict-allowed"
    says = "may match" if ref.undetermined else "matches"
    rows = [line("    ", (f"{ref.effect} {says}", style), "  ", (statement_name(ref), "bold"))]
    document = document_of(workspace.account, principal, resource, ref)
    if document is not None:
        for number, text in statement_text(document, ref):
            rows.append(line("    ", (f"{number:>4} ", "$faint"), text))
    return rows


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
