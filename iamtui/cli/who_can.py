"""`iamtui who-can`: everyone who may do something."""

from __future__ import annotations

from collections import Counter

import click

from iamtui.analysis.questions import Question
from iamtui.cli.decision_text import verdict_style
from iamtui.cli.exits import Exit
from iamtui.cli.output import Output, Span, note, stdout
from iamtui.cli.questions import QuestionOptions, load_resource_policies, question_options, questions
from iamtui.cli.source import SourceOptions, open_workspace, source_options
from iamtui.evaluation.decision import Decision
from iamtui.evaluation.decision_json import decision_to_json
from iamtui.evaluation.request import Principal
from iamtui.evaluation.wording import depends_text
from iamtui.workspace.asking import ask_all
from iamtui.workspace.verdict import verdict_words
from iamtui.workspace.workspace import Workspace


@click.command("who-can")
@click.argument("actions", nargs=-1, required=True, metavar="ACTION...")
@question_options
@click.option("--all", "everyone", is_flag=True, help="Also list those who may not.")
@click.option("--json", "as_json", is_flag=True, help="Print one decision as JSON per line, as they are found.")
@source_options
def who_can(
    actions: tuple[str, ...], asked: QuestionOptions, everyone: bool, as_json: bool, source: SourceOptions
) -> Exit:
    """Every user and role of the account that may do ACTION, and on what condition.

    The counts go to stderr. The exit code is 0 whoever may.
    """
    made = questions(actions, asked)
    workspace = load_resource_policies(open_workspace(source), made)
    out = stdout()
    for number, question in enumerate(made):
        if not as_json and len(made) > 1:
            _head(out, question, number)
        counts: Counter[str] = Counter()
        for principal, decision in ask_all(workspace, question):
            counts[decision.outcome.value] += 1
            if everyone or decision.outcome.value in ("allowed", "depends"):
                if as_json:
                    _print_json(out, decision)
                else:
                    _print_line(out, workspace, principal, decision)
        note(_summary(question, counts))
    return Exit.OK


def _head(out: Output, question: Question, number: int) -> None:
    if number:
        out.blank()
    out.line(f"{question.action}  {question.resource}")


def _print_json(out: Output, decision: Decision) -> None:
    out.json(decision_to_json(decision))


def _print_line(out: Output, workspace: Workspace, principal: Principal, decision: Decision) -> None:
    words = verdict_words(decision)
    name = principal.arn.removeprefix(f"arn:{workspace.account.partition}:iam::{workspace.account.id}:")
    rest = words.rest
    if decision.depends_on is not None:
        rest = f"if {depends_text(decision.depends_on)}"
    out.line(Span(f"{words.mark} {words.word:<7}", verdict_style(decision)), f"  {name}", f"  {rest}" if rest else "")


def _summary(question: Question, counts: Counter[str]) -> str:
    denied = counts["explicitDeny"] + counts["implicitDeny"]
    on = "" if question.resource == "*" else f" on {question.resource}"
    return (
        f"{question.action}{on}: {counts['allowed']} allowed, {counts['depends']} on a condition, "
        f"{denied} not, of {counts.total()} users and roles."
    )
