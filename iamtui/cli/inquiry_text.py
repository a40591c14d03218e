"""An answer to an inquiry for people: one pair in full, several worst first, patterns as counts and a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from iamtui.cli.decision_text import verdict_style, write_explained, write_trace, write_verdict
from iamtui.cli.output import Output, Span, Style
from iamtui.evaluation.decision import Decision
from iamtui.evaluation.explanation import explain
from iamtui.workspace.questions.answers import Answer, Cell, Companion, worst_first
from iamtui.workspace.questions.asking import is_pattern
from iamtui.workspace.questions.verdict import as_far_as_loaded, verdict_words

if TYPE_CHECKING:
    from iamtui.evaluation.trace import TracedLayer

Tracer = Callable[[Cell], "tuple[TracedLayer, ...]"]

MOST_EXPLAINED: Final = 12
"""Pairs up to which each is explained; of more, one line each and the worst explained."""

_INDENT: Final = 4


def write_answer(out: Output, answer: Answer, traced: Tracer, *, with_trace: bool) -> None:
    """Write an answer.

    Args:
        traced: gives the trace of a cell; asked for those that are explained in full, or of all with a trace.
    """
    cells = answer.taking_part
    write_never_asked(out, answer)
    if answer.chain is not None:
        _write_chain(out, answer.chain)
    if len(answer.cells) == 1:
        if any(map(is_pattern, answer.inquiry.actions)):
            out.paragraph(f"1 pair of {', '.join(answer.inquiry.actions)}: {_subject(cells[0])}")
            out.blank()
        _write_one(out, answer, cells[0], traced, with_trace=with_trace)
        return
    cells = answer.counted
    unasked = [cell for cell in answer.cells if cell.never_asked and not is_pattern(cell.pattern)]
    for cell in unasked:
        out.line(Span("[!] ", Style.OPEN), f"{_subject(cell)}: AWS never asks this, so it does not count.")
    if unasked:
        out.blank()
    if not cells:
        out.line(Span(f"{len(answer.cells)} pairs, none of which AWS asks", Style.QUIET))
        return
    ordered = worst_first(cells)
    if len(cells) <= MOST_EXPLAINED and not any(map(is_pattern, answer.inquiry.actions)):
        for cell in ordered:
            _write_brief(out, answer, cell)
            _maybe_trace(out, cell, traced, with_trace=with_trace)
            out.blank()
    else:
        _write_counts(out, answer)
        _write_list(out, answer, ordered, traced, with_trace=with_trace)
        out.blank()
        _write_brief(out, answer, answer.worst)
        out.blank()
    out.line(
        Span(f"{len(cells)} {'pair' if len(cells) == 1 else 'pairs'}, the worst: ", Style.QUIET),
        Span(str(verdict_words(answer.worst.deciding)), verdict_style(answer.worst.deciding)),
        f"  {_subject(answer.worst)}",
    )


def counts_by_verdict(decisions: Iterable[Decision]) -> str:
    """How many decisions have each verdict, the worst first: "3 denied, 1 depends, 20 allowed"."""
    words = Counter(_kind(decision) for decision in decisions)
    return ", ".join(f"{words[kind]} {kind}" for kind in _KINDS if words[kind])


_KINDS: Final = (
    "denied explicitly",
    "denied",
    "on a condition",
    "allowed on some",
    "allowed as far as loaded",
    "allowed",
)


def _kind(decision: Decision) -> str:
    words = verdict_words(decision)
    if words.word == "DENIED":
        return "denied explicitly" if words.mark == "[x]" else "denied"
    if words.word == "DEPENDS":
        return "on a condition"
    if words.rest.startswith("on some"):
        return "allowed on some"
    return "allowed as far as loaded" if words.rest else "allowed"


def _subject(cell: Cell) -> str:
    called = f" (for {cell.pattern})" if cell.pattern and not is_pattern(cell.pattern) else ""
    return f"{cell.question.action}{called}  {cell.question.resource}"


def _write_chain(out: Output, chain: Companion) -> None:
    about = f"{chain.check.action}  {chain.question.resource}, by a session of the role it is chained from"
    write_verdict(out, chain.decision, about)
    out.paragraph(explain(chain.decision).paragraph, indent=_INDENT)
    out.blank()


def _write_one(out: Output, answer: Answer, cell: Cell, traced: Tracer, *, with_trace: bool) -> None:
    layers = traced(cell)
    _write_what_decides(out, answer, cell)
    write_explained(out, cell.decision, explain(cell.decision, layers), never_asked=cell.never_asked)
    _write_companions(out, cell.companions)
    if with_trace:
        out.blank()
        write_trace(out, cell.decision, layers)


def write_never_asked(out: Output, answer: Answer) -> None:
    """Write what of a question AWS never asks: first, since the answer to it is about no real request."""
    lead = "[!] "
    for sentence in answer.never_asked:
        out.paragraph(sentence, indent=len(lead), first=(Span(lead, Style.OPEN),))
    if answer.never_asked:
        out.blank()


def _write_what_decides(out: Output, answer: Answer, cell: Cell) -> None:
    """Write the companion that decides, when it is not the action itself (nor the chain, which stands above)."""
    if cell.deciding is cell.decision or (answer.chain is not None and cell.deciding is answer.chain.decision):
        return
    request = cell.deciding.request
    write_verdict(out, cell.deciding, f"{request.action}  {request.resource}")
    out.paragraph(
        f"{explain(cell.deciding).paragraph} It is checked with {cell.pattern or cell.question.action}, for which the "
        "answer by itself is:",
        indent=_INDENT,
    )
    out.blank()


def _write_brief(out: Output, answer: Answer, cell: Cell) -> None:
    write_verdict(out, cell.deciding, _subject(cell))
    text = explain(cell.deciding).paragraph
    if answer.chain is not None and cell.deciding is answer.chain.decision:
        text = "The role cannot surely be reached: see the chain above."
    elif cell.deciding is not cell.decision:
        text = f"{text} That is checked besides; by itself it is {verdict_words(cell.decision)}."
    out.paragraph(text, indent=_INDENT)


def _write_companions(out: Output, companions: Sequence[Companion]) -> None:
    if not companions:
        return
    out.blank()
    out.line(" " * _INDENT, Span("checked besides", Style.QUIET))
    for one in companions:
        words = verdict_words(one.decision)
        lead = (" " * _INDENT, Span(f"{words.mark} {words.word:<7}", verdict_style(one.decision)), "  ")
        when = "with every call" if not one.check.when else f"{'taken so: ' if one.decides else 'if '}{one.check.when}"
        says = as_far_as_loaded(one.decision) if words.word == "DENIED" else words.rest
        rest = f" {says}" if says else ""
        text = f"{one.question.action}  {one.question.resource}  ({one.check.resource}; {when}){rest}"
        out.paragraph(text, indent=_INDENT + 13, first=lead)


def _write_counts(out: Output, answer: Answer) -> None:
    cells = answer.counted
    patterns = list(dict.fromkeys(cell.pattern for cell in cells if is_pattern(cell.pattern)))
    what = f" of {', '.join(patterns)}" if patterns else ""
    out.paragraph(f"{len(cells)} pairs{what}: {counts_by_verdict(cell.deciding for cell in cells)}.")
    _write_no_part(out, answer)
    out.blank()


def _write_no_part(out: Output, answer: Answer) -> None:
    unfit = list(dict.fromkeys(cell.question.action for cell in answer.cells if not cell.fits))
    left = len(answer.cells) - len(answer.taking_part)
    if unfit and left:
        some = ", ".join(unfit[:3]) + (" and more" if len(unfit) > 3 else "")
        pairs = "1 pair takes" if left == 1 else f"{left} pairs take"
        out.paragraph(f"{pairs} no part, because the action is about other resources: {some}.")


def _write_list(out: Output, answer: Answer, cells: Iterable[Cell], traced: Tracer, *, with_trace: bool) -> None:
    several = len(answer.inquiry.resources) > 1
    lines = [(cell, _subject(cell) if several else cell.question.action) for cell in cells]
    width = max(len(subject) for _, subject in lines)
    for cell, subject in lines:
        words = verdict_words(cell.deciding)
        rest = words.rest
        if cell.deciding is not cell.decision:
            request = cell.deciding.request
            rest = f"because of {request.action}  {rest}".strip()
        out.line(
            Span(f"{words.mark} {words.word:<7}", verdict_style(cell.deciding)), f"  {subject:<{width}}", f"  {rest}"
        )
        _maybe_trace(out, cell, traced, with_trace=with_trace)


def _maybe_trace(out: Output, cell: Cell, traced: Tracer, *, with_trace: bool) -> None:
    if with_trace:
        out.blank()
        write_trace(out, cell.decision, traced(cell))
