"""`--second-opinion`: AWS's own simulator beside our answer, on stdout behind it or in the JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from iamtui.cli.output import Output, Span, Style, note
from iamtui.problem import Problem
from iamtui.text import safe_text

if TYPE_CHECKING:
    from iamtui.evaluation.request import Principal
    from iamtui.workspace.questions.answers import Answer, Cell
    from iamtui.workspace.questions.opinion_comparison import SecondOpinion
    from iamtui.workspace.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])

MOST_ASKED: Final = 20
"""Pairs that AWS is asked about in one run, a call each: AWS answers few of these calls a second."""

_WORDS: Final = {"allowed": "[+] ALLOWED", "explicitDeny": "[x] DENIED explicit", "implicitDeny": "[-] DENIED no allow"}


def second_opinion_option(command: F) -> F:
    """Add `--second-opinion` to a command, which gets it as `compare: bool`."""
    return click.option(
        "--second-opinion",
        "compare",
        is_flag=True,
        help="Ask AWS's own simulator too (a read call), and say why the answers differ; exit 2 without its answer.",
    )(command)


def check_comparable(workspace: Workspace, who: Principal) -> None:
    """Refuse before anything is asked.

    Raises:
        Problem: the source, or this principal, has no simulator.
    """
    from iamtui.workspace.questions.second_opinion import can_ask_aws  # noqa: PLC0415 - only with the option

    refused = can_ask_aws(workspace, who)
    if refused is not None:
        raise refused


def opinions_on(workspace: Workspace, found: Answer) -> list[tuple[Cell, SecondOpinion | Problem]]:
    """AWS's answer to every pair, or why it could not be had.

    Raises:
        Problem: too many pairs.
    """
    from iamtui.workspace.questions.second_opinion import second_opinions  # noqa: PLC0415 - only with the option

    if len(found.cells) > MOST_ASKED:
        raise Problem(
            f"AWS's simulator is asked about at most {MOST_ASKED} pairs at once; these are {len(found.cells):,}.",
            "Ask about fewer actions and resources.",
        )
    questions = (cell.question for cell in found.cells)
    return list(zip(found.cells, second_opinions(workspace, found.principal, questions), strict=True))


def is_lacking(opinions: Sequence[tuple[Cell, SecondOpinion | Problem]]) -> bool:
    """Whether AWS's answer to some pair could not be had; that is said on stderr."""
    problems = [opinion for _, opinion in opinions if isinstance(opinion, Problem)]
    if not problems:
        return False
    pairs = f" on {len(problems)} of {len(opinions)} pairs" if len(opinions) > 1 else ""
    for said in dict.fromkeys(map(str, problems)):
        note(f"iamtui: AWS's opinion{pairs} could not be had; the answer is ours alone. {said}")
    return True


def write_second_opinions(out: Output, opinions: Sequence[tuple[Cell, SecondOpinion | Problem]]) -> None:
    """Write both answers to each pair and what explains a difference."""
    for cell, opinion in opinions:
        out.blank()
        about = f"  {cell.question.action}  {cell.question.resource}" if len(opinions) > 1 else ""
        if isinstance(opinion, Problem):
            out.line(Span("AWS's simulator: ", Style.QUIET), "[?] no opinion", about)
            continue
        words = _WORDS.get(opinion.theirs.decision, f"[?] {safe_text(opinion.theirs.decision, limit=64)}")
        out.line(Span("AWS's simulator: ", Style.QUIET), words, about)
        for statement in opinion.theirs.matched:
            out.paragraph(f"by {safe_text(statement.policy, limit=512)}", indent=2)
        out.paragraph("Both agree." if opinion.agree else "The answers differ.", indent=2)
        for sentence in (*opinion.differences, *opinion.remarks):
            out.paragraph(sentence, indent=4, first=["  - "])
        if opinion.endpoint:
            answered = f"Answered by {safe_text(opinion.endpoint, limit=512)}, which is not AWS."
            out.paragraph(answered, indent=4, first=["  - "])


def second_opinion_to_json(opinion: SecondOpinion | Problem) -> dict[str, Any]:
    """What is added to a decision's JSON as "second_opinion"."""
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
