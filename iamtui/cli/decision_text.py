"""A decision for people: the verdict, why, what each layer says, what would help, what was assumed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from iamtui.cli.output import Output, Span, Style
from iamtui.evaluation.decision import Decision, LayerState, Outcome, ResourceScope
from iamtui.evaluation.wording import short_policy_name
from iamtui.text import safe_text
from iamtui.workspace.questions.verdict import SHORT_LAYER_NAMES, layers_that_depend, verdict_words

if TYPE_CHECKING:
    from iamtui.evaluation.explanation import Explanation
    from iamtui.evaluation.trace import TracedElement, TracedLayer, TracedStatement

_INDENT: Final = 4
_LABEL: Final = 15
_STATE_WIDTH: Final = 15

_STATES: Final = {
    LayerState.ALLOWS: ("allows", Style.GOOD),
    LayerState.DENIES: ("denies", Style.BAD),
    LayerState.SILENT: ("no allow", Style.BAD),
    LayerState.NOT_EVALUATED: ("not evaluated", Style.OPEN),
}


def verdict_style(decision: Decision) -> Style:
    """The colour that repeats a verdict."""
    if decision.outcome is Outcome.DEPENDS:
        return Style.OPEN
    if not decision.allowed:
        return Style.BAD
    sure = decision.complete and decision.resource_scope is not ResourceScope.SOME
    return Style.GOOD if sure else Style.OPEN


def write_verdict(out: Output, decision: Decision, about: str = "") -> None:
    """Write the verdict, and what it is about."""
    words = verdict_words(decision)
    mark = f"{words.mark} {words.word} "
    after = f"{'   ' if words.rest else '  '}{about}" if about else ""
    out.paragraph(f"{words.rest}{after}", indent=len(mark), first=(Span(mark, verdict_style(decision)),))


def subject_of(decision: Decision) -> str:
    """Who, what and on what, on one line."""
    request = decision.request
    return f"{request.principal.arn or 'anonymous'}  {request.action}  {request.resource}"


def write_explained(out: Output, decision: Decision, explanation: Explanation, *, never_asked: str = "") -> None:
    """Write a decision.

    Args:
        never_asked: why AWS never asks this, told already; nothing would help then.
    """
    write_verdict(out, decision)
    out.paragraph(explanation.paragraph, indent=_INDENT)
    out.blank()
    _write_layers(out, decision)
    if not never_asked:
        _write_suggestions(out, explanation)
    write_basis(out, decision, how_to_give=" (give with -c KEY=VALUE, or --absent KEY)", never_asked=never_asked)


def write_basis(out: Output, decision: Decision, *, how_to_give: str = "", never_asked: str = "") -> None:
    """Write what a decision rests on: the keys that were not given, what was assumed, and the notes.

    Args:
        how_to_give: how such a key is given.
        never_asked: why AWS never asks this, told already.
    """
    asked = ", ".join(decision.missing_context)
    if asked:
        _labelled(out, "not given", f"{asked}{how_to_give}")
    if decision.assumptions:
        _labelled(out, "assumed", "; ".join(decision.assumptions))
    for number, sentence in enumerate(note for note in decision.notes if note != never_asked):
        _labelled(out, "note" if number == 0 else "", sentence)


def _labelled(out: Output, label: str, text: str) -> None:
    out.paragraph(text, indent=_INDENT + _LABEL, first=(" " * _INDENT + label,))


def _write_layers(out: Output, decision: Decision) -> None:
    idle: list[str] = []
    waiting = layers_that_depend(decision)
    blocking = {reason.layer for reason in decision.reasons}
    for report in decision.layers:
        name = SHORT_LAYER_NAMES[report.layer]
        if report.state is LayerState.NOT_APPLICABLE:
            idle.append(name)
            continue
        word, style = _STATES[report.state]
        if report.state is LayerState.SILENT and report.layer not in blocking:
            word, style = ("depends", Style.OPEN) if report.layer.value in waiting else (word, Style.QUIET)
        why = report.why.removeprefix("Not evaluated: ")
        lead = (" " * _INDENT, f"{name:<{_LABEL}}", Span(f"{word:<{_STATE_WIDTH}}", style))
        out.paragraph(why, indent=_INDENT + _LABEL + _STATE_WIDTH, first=lead)
    if idle:
        _labelled(out, "not in play", ", ".join(idle))


def _write_suggestions(out: Output, explanation: Explanation) -> None:
    for number, suggestion in enumerate(explanation.suggestions):
        _labelled(out, "would help" if number == 0 else "", suggestion.change)
        if suggestion.statement is not None:
            text = json.dumps(suggestion.statement, ensure_ascii=False)
            out.line(" " * (_INDENT + _LABEL), Span(safe_text(text, limit=None), Style.QUIET))


def write_trace(out: Output, decision: Decision, layers: Iterable[TracedLayer]) -> None:
    """Write a trace: each layer's statements, and for those about the action every element looked at.

    Of an allowed set of resources it says first which of them shows it.
    """
    if decision.example_resource is not None:
        out.paragraph(decision.example_resource, indent=_INDENT + _LABEL, first=(" " * _INDENT + "shown on",))
    for layer in layers:
        if layer.state == LayerState.NOT_APPLICABLE.value and not layer.statements:
            continue
        at = "" if layer.level is None else f" level {layer.level}"
        named = f" ({layer.level_name})" if layer.level_name else ""
        out.line("    ", Span(f"{SHORT_LAYER_NAMES[layer.layer]}{at}{named}", Style.STRONG), f"  {layer.why}")
        for lacking in layer.missing:
            out.line("      ", Span("[?]", Style.OPEN), f" {lacking}")
        others = 0
        for statement in layer.statements:
            if len(statement.elements) == 1 and statement.matched is False:
                others += 1
            else:
                _write_statement(out, statement)
        if others:
            out.line(
                "      ",
                Span(f"{others} {'statement' if others == 1 else 'statements'} about other actions", Style.QUIET),
            )


def _write_statement(out: Output, statement: TracedStatement) -> None:
    mark, style = _mark(statement.matched)
    sid = statement.sid or f"statement {statement.statement + 1}"
    lines = f" (lines {statement.lines[0]}-{statement.lines[1]})" if statement.lines else ""
    name = f"{short_policy_name(statement.policy)} / {sid}{lines}"
    out.line("      ", Span(mark, style), f" {statement.effect}  {name}")
    for element in statement.elements:
        _write_element(out, element)


def _write_element(out: Output, element: TracedElement) -> None:
    mark, style = _mark(element.matched)
    name = f"{element.operator} {element.key}" if element.operator else element.element
    seen = element.seen_words() or "nothing"
    note = f"  {element.note}" if element.note else ""
    if element.element.endswith("Resource") and not element.wanted:
        out.line("          ", Span(mark, style), f" {name}", Span(note, Style.QUIET))
        return
    out.line(
        "          ",
        Span(mark, style),
        f" {name}  wanted {_some(element.wanted_words())}; seen {seen}",
        Span(note, Style.QUIET),
    )


def _some(values: Sequence[str], most: int = 6) -> str:
    more = f" and {len(values) - most} more" if len(values) > most else ""
    return (", ".join(values[:most]) or "nothing") + more


def _mark(matched: bool | None) -> tuple[str, Style]:
    if matched is None:
        return "[?]", Style.OPEN
    return ("[+]", Style.GOOD) if matched else ("[-]", Style.QUIET)
