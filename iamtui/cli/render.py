"""A decision for people: the verdict, why, what each layer says, what would help, what was assumed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import click

from iamtui.cli.output import TONES, Output, Span, Style, note
from iamtui.engine.decision import Decision, Outcome, ResourceScope
from iamtui.engine.words.explanation import explain
from iamtui.policy.patterns import is_pattern
from iamtui.presentation.styled_words import Tone, Word, text_of
from iamtui.presentation.trace import layer_rows
from iamtui.presentation.verdict import (
    as_far_as_loaded,
    comparison_rows,
    counts_of,
    decision_layers,
    their_rows,
    verdict_words,
)
from iamtui.problem import Problem
from iamtui.questions.answers import Answer, Cell, DependentAnswer, worst_first
from iamtui.text import counted, safe_text

if TYPE_CHECKING:
    from iamtui.engine.request import Principal
    from iamtui.engine.words.explanation import Explanation
    from iamtui.engine.words.trace import TracedLayer
    from iamtui.workspace.ask.aws_simulator import SecondOpinion
    from iamtui.workspace.source.workspace import Workspace


_INDENT: Final = 4
_LABEL: Final = 15
_STATE_WIDTH: Final = 15


def short_name(workspace: Workspace, arn: str) -> str:
    """Shortest unambiguous form of an ARN, safe to print."""
    return safe_text(workspace.short_name(arn))


def verdict_style(decision: Decision) -> Style:
    if decision.outcome is Outcome.DEPENDS:
        return Style.OPEN
    if not decision.allowed:
        return Style.BAD
    sure = decision.complete and decision.resource_scope is not ResourceScope.SOME
    return Style.GOOD if sure else Style.OPEN


def write_verdict(out: Output, decision: Decision, about: str = "") -> None:
    words = verdict_words(decision)
    mark = f"{words.mark} {words.word} "
    after = f"{'   ' if words.rest else '  '}{about}" if about else ""
    out.paragraph(f"{words.rest}{after}", indent=len(mark), first=(Span(mark, verdict_style(decision)),))


def subject_of(decision: Decision) -> str:
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
        write_suggestions(out, explanation, _labelled, _INDENT + _LABEL)
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
    for number, sentence in enumerate(one for one in decision.notes if one != never_asked):
        _labelled(out, "note" if number == 0 else "", sentence)


def _labelled(out: Output, label: str, text: str) -> None:
    out.paragraph(text, indent=_INDENT + _LABEL, first=(" " * _INDENT + label,))


def _write_layers(out: Output, decision: Decision) -> None:
    layers = decision_layers(decision)
    for layer in layers.applying:
        state = Span(f"{layer.words:<{_STATE_WIDTH}}", TONES[layer.tone])
        out.paragraph(
            layer.why, indent=_INDENT + _LABEL + _STATE_WIDTH, first=(" " * _INDENT, f"{layer.name:<{_LABEL}}", state)
        )
    if layers.absent:
        _labelled(out, "not in play", ", ".join(layer.name for layer in layers.absent))


def write_suggestions(
    out: Output, explanation: Explanation, labelled: Callable[[Output, str, str], None], indent: int
) -> None:
    """Write what would help, each change with its statement; `labelled` writes a label and a text behind it."""
    several = explanation.needed
    if several:
        labelled(out, "would help", f"{several}:")
    for number, suggestion in enumerate(explanation.suggestions, 1):
        label, front = ("", f"{number}. ") if several else ("would help", "")
        labelled(out, label, f"{front}{suggestion.change}")
        if suggestion.statement is not None:
            text = json.dumps(suggestion.statement, ensure_ascii=False)
            out.line(" " * indent, Span(safe_text(text, limit=None), Style.QUIET))


def write_trace(out: Output, decision: Decision, layers: Sequence[TracedLayer]) -> None:
    """Write a trace: each layer's statements, and for those about the action every element looked at.

    Of an allowed set of resources it says first which of them shows it.
    """
    if decision.example_resource is not None:
        out.paragraph(decision.example_resource, indent=_INDENT + _LABEL, first=(" " * _INDENT + "shown on",))
    for row in layer_rows(decision, layers):
        if not row.fold:
            out.row((Word(" " * _INDENT), *row.words) if row.words else ())


# An answer to a question matrix for people: one pair in full, several worst first, patterns as counts and a list.


Tracer = Callable[[Cell], "tuple[TracedLayer, ...]"]

MOST_EXPLAINED: Final = 12
"""Pairs up to which each is explained; of more, one line each and the worst explained."""

_MATRIX_INDENT: Final = 4


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
        if any(map(is_pattern, answer.question_matrix.actions)):
            out.paragraph(f"1 pair of {', '.join(answer.question_matrix.actions)}: {_subject(cells[0])}")
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
        out.line(Span(f"{counted(len(answer.cells), 'pair')}, none of which AWS asks", Style.QUIET))
        return
    ordered = worst_first(cells)
    if len(cells) <= MOST_EXPLAINED and not any(map(is_pattern, answer.question_matrix.actions)):
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
        Span(f"{counted(len(cells), 'pair')}, the worst: ", Style.QUIET),
        Span(str(verdict_words(answer.worst.deciding)), verdict_style(answer.worst.deciding)),
        f"  {_subject(answer.worst)}",
    )


def _subject(cell: Cell) -> str:
    called = f" (for {cell.pattern})" if cell.pattern and not is_pattern(cell.pattern) else ""
    return f"{cell.question.action}{called}  {cell.question.resource}"


def _write_chain(out: Output, chain: DependentAnswer) -> None:
    about = f"{chain.check.action}  {chain.question.resource}, by a session of the role it is chained from"
    write_verdict(out, chain.decision, about)
    out.paragraph(explain(chain.decision).paragraph, indent=_MATRIX_INDENT)
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
    """Write the companion that decides, when it is not the action itself (nor the chain, which is written above)."""
    if cell.deciding is cell.decision or (answer.chain is not None and cell.deciding is answer.chain.decision):
        return
    request = cell.deciding.request
    write_verdict(out, cell.deciding, f"{request.action}  {request.resource}")
    out.paragraph(
        f"{explain(cell.deciding).paragraph} It is checked with {cell.pattern or cell.question.action}, for which the "
        "answer by itself is:",
        indent=_MATRIX_INDENT,
    )
    out.blank()


def _write_brief(out: Output, answer: Answer, cell: Cell) -> None:
    write_verdict(out, cell.deciding, _subject(cell))
    text = explain(cell.deciding).paragraph
    if answer.chain is not None and cell.deciding is answer.chain.decision:
        text = "It is not certain that the role can be reached: see the chain above."
    elif cell.deciding is not cell.decision:
        text = f"{text} This is checked too; on its own it is {verdict_words(cell.decision)}."
    out.paragraph(text, indent=_MATRIX_INDENT)


def _write_companions(out: Output, companions: Sequence[DependentAnswer]) -> None:
    if not companions:
        return
    out.blank()
    out.line(" " * _MATRIX_INDENT, Span("checked besides", Style.QUIET))
    for one in companions:
        words = verdict_words(one.decision)
        lead = (" " * _MATRIX_INDENT, Span(f"{words.mark} {words.word:<7}", verdict_style(one.decision)), "  ")
        is_taken_so = one.decides and not one.check.by_deny
        when = f"{'taken so: ' if is_taken_so else 'if '}{one.check.when}" if one.check.when else "with every call"
        says = as_far_as_loaded(one.decision) if words.tone is Tone.DENIED else words.rest
        rest = f" {says}" if says else ""
        text = f"{one.question.action}  {one.question.resource}  ({one.check.resource}; {when}){rest}"
        out.paragraph(text, indent=_MATRIX_INDENT + 13, first=lead)


def _write_counts(out: Output, answer: Answer) -> None:
    cells = answer.counted
    patterns = list(dict.fromkeys(cell.pattern for cell in cells if is_pattern(cell.pattern)))
    what = f" of {', '.join(patterns)}" if patterns else ""
    out.paragraph(f"{counted(len(cells), 'pair')}{what}: {counts_of(cell.deciding for cell in cells)}.")
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
    several = len(answer.question_matrix.resources) > 1
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


# `--second-opinion`: AWS's own simulator beside our answer, on stdout behind it or in the JSON.


F = TypeVar("F", bound=Callable[..., Any])

Opinions: TypeAlias = "Sequence[tuple[Cell, SecondOpinion | Problem]]"
"""Each pair with AWS's answer to it, or why that could not be had."""

MOST_ASKED: Final = 20
"""Most pairs for AWS's simulator in one run, a call each: AWS answers few of these calls a second."""


def second_opinion_option(command: F) -> F:
    """Add `--second-opinion` to a command, which gets it as `compare: bool`."""
    return click.option(
        "--second-opinion",
        "compare",
        is_flag=True,
        help="Also ask AWS's policy simulator; exit 2 without its answer.",
    )(command)


def second_opinions_on(workspace: Workspace, who: Principal) -> Callable[[Answer], Opinions]:
    """Function that runs AWS's simulator on every pair of an answer; it raises Problem for too many pairs.

    Raises:
        Problem: the source, or this principal, has no simulator; before anything is asked.
    """
    from iamtui.workspace.ask import aws_simulator  # only with the option

    refused = aws_simulator.can_ask_aws(workspace, who)
    if refused is not None:
        raise refused

    def ask(found: Answer) -> Opinions:
        if len(found.cells) > MOST_ASKED:
            raise Problem(
                f"AWS's simulator takes at most {MOST_ASKED} pairs at once, and these are {len(found.cells):,}.",
                "Ask about fewer actions and resources.",
            )
        questions = (cell.question for cell in found.cells)
        return list(zip(found.cells, aws_simulator.second_opinions(workspace, found.principal, questions), strict=True))

    return ask


def is_lacking(opinions: Opinions) -> bool:
    """True if AWS's answer to some pair could not be had; writes a note to stderr."""
    problems = [opinion for _, opinion in opinions if isinstance(opinion, Problem)]
    if not problems:
        return False
    pairs = f" on {len(problems)} of {len(opinions)} pairs" if len(opinions) > 1 else ""
    for said in dict.fromkeys(map(str, problems)):
        note(f"iamtui: AWS's simulator gave no answer{pairs}; this one is iamtui's alone. {said}")
    return True


def write_second_opinions(out: Output, opinions: Opinions) -> None:
    """Write both answers to each pair and what explains a difference."""
    for cell, opinion in opinions:
        out.blank()
        about = f"  {cell.question.action}  {cell.question.resource}" if len(opinions) > 1 else ""
        if isinstance(opinion, Problem):
            out.line(Span("AWS's simulator: ", Style.QUIET), "[?] no opinion", about)
            continue
        verdict, *others = their_rows(opinion.theirs)
        out.row((Word("AWS's simulator: ", Tone.QUIET), *verdict, Word(about)))
        for row in (*others, *comparison_rows(opinion)):
            text = text_of(row)
            if text.startswith("- "):
                out.paragraph(text[2:], indent=4, first=["  - "])
            elif row:
                out.row((Word("  "), *row))


def second_opinion_to_json(opinion: SecondOpinion | Problem) -> dict[str, Any]:
    """The "second_opinion" of a decision's JSON."""
    if isinstance(opinion, Problem):
        return {"error": str(opinion)}
    theirs = opinion.theirs
    return {
        "decision": theirs.decision,
        "agree": opinion.agree,
        "differences": list(opinion.differences),
        "remarks": list(opinion.remarks),
        "matched": [
            {"policy": statement.policy, "type": statement.policy_type or None} for statement in theirs.matched
        ],
        "missing_context": list(theirs.missing_context),
        "allowed_by_organizations": theirs.allowed_by_organizations,
        "allowed_by_boundary": theirs.allowed_by_boundary,
        "endpoint": opinion.endpoint or None,
    }
