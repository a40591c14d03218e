"""`--second-opinion`: AWS's own simulator beside our answer, on stdout behind it or in the JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from iamtui.cli.output import Output, Span, Style
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
        help="Ask AWS's own simulator too (a read call), and say why the answers differ.",
    )(command)


def check_comparable(workspace: Workspace, who: Principal) -> None:
    """Refuse before anything is printed.

    Raises:
        Problem: the source, or this principal, has no simulator.
    """
    from iamtui.workspace.questions.second_opinion import can_ask_aws  # noqa: PLC0415 - only with the option

    refused = can_ask_aws(workspace, who)
    if refused is not None:
        raise refused


def second_opinions(workspace: Workspace, found: Answer) -> list[tuple[Cell, SecondOpinion]]:
    """AWS's answer to every pair.

    Raises:
        Problem: too many pairs, or AWS refused.
    """
    from iamtui.workspace.questions.second_opinion import second_opinion  # noqa: PLC0415 - only with the option

    if len(found.cells) > MOST_ASKED:
        raise Problem(
            f"AWS's simulator is asked about at most {MOST_ASKED} pairs at once; these are {len(found.cells):,}.",
            "Ask about fewer actions and resources.",
        )
    pairs = ((cell, second_opinion(workspace, found.principal, cell.question)) for cell in found.cells)
    return [(cell, opinion) for cell, opinion in pairs if opinion is not None]


def write_second_opinions(out: Output, opinions: Iterable[tuple[Cell, SecondOpinion]]) -> None:
    """Write both answers to each pair and what explains a difference."""
    opinions = list(opinions)
    for cell, opinion in opinions:
        out.blank()
        about = f"  {cell.question.action}  {cell.question.resource}" if len(opinions) > 1 else ""
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


def second_opinion_to_json(opinion: SecondOpinion) -> dict[str, Any]:
    """What is added to a decision's JSON as "second_opinion"."""
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
