"""`iamtui can`: one principal, one or more actions and resources."""

from __future__ import annotations

import click

from iamtui.analysis.questions import Question
from iamtui.cli.decision_text import verdict_style, write_explained, write_trace
from iamtui.cli.exits import Exit
from iamtui.cli.expectations import OUTCOMES, Demands
from iamtui.cli.output import Output, Span, Style, note, stdout
from iamtui.cli.questions import QuestionOptions, load_resource_policies, question_options, questions
from iamtui.cli.source import SourceOptions, open_workspace, source_options
from iamtui.evaluation.decision import Decision
from iamtui.evaluation.decision_json import decision_to_json
from iamtui.evaluation.request import Principal
from iamtui.evaluation.trace import trace_to_json
from iamtui.workspace.asking import ask, ask_and_trace
from iamtui.workspace.principals import resolve_principal
from iamtui.workspace.verdict import verdict_words
from iamtui.workspace.workspace import Workspace


@click.command(epilog="Exit codes: 0 allowed, 1 denied, 3 it depends or holds only for some resources; 2 an error.")
@click.argument("principal")
@click.argument("actions", nargs=-1, required=True, metavar="ACTION...")
@question_options
@click.option("--expect", type=click.Choice(OUTCOMES), help="Exit 0 when every decision is this one, else 1.")
@click.option("--any-resource", is_flag=True, help="Allowed on some of the resources is enough.")
@click.option("--complete", is_flag=True, help="Allowed as far as loaded is not enough: exit 3.")
@click.option("--trace", "with_trace", is_flag=True, help="Show every statement and element that was looked at.")
@click.option("--json", "as_json", is_flag=True, help="Print the decision as JSON; of several pairs an array.")
@source_options
def can(
    principal: str,
    actions: tuple[str, ...],
    asked: QuestionOptions,
    expect: str | None,
    any_resource: bool,
    complete: bool,
    with_trace: bool,
    as_json: bool,
    source: SourceOptions,
) -> Exit:
    """May PRINCIPAL do ACTION, and why? Of several pairs the worst decides.

    PRINCIPAL is an ARN, a unique id, user/NAME, role/NAME, root, a service name, anonymous, or a name that only
    one user or role has. A condition key that nobody gave is unknown, and the answer says what depends on it;
    --strict takes it for absent.
    """
    made = questions(actions, asked)
    workspace = open_workspace(source)
    who = resolve_principal(workspace, principal)
    workspace = load_resource_policies(workspace, made)
    out, demands = stdout(), Demands(any_resource, complete)
    if as_json:
        decisions = _print_json(out, workspace, who, made, with_trace)
    else:
        decisions = _print_text(out, workspace, who, made, with_trace)
    return _judge(decisions, demands, expect)


def _print_json(
    out: Output, workspace: Workspace, who: Principal, made: tuple[Question, ...], with_trace: bool
) -> list[Decision]:
    decisions: list[Decision] = []
    records = []
    for question in made:
        if with_trace:
            decision, traced, _ = ask_and_trace(workspace, who, question)
            records.append(decision_to_json(decision, trace=trace_to_json(traced)))
        else:
            decision = ask(workspace, who, question)
            records.append(decision_to_json(decision))
        decisions.append(decision)
    out.json(records[0] if len(records) == 1 else records, indent=2)
    return decisions


def _print_text(
    out: Output, workspace: Workspace, who: Principal, made: tuple[Question, ...], with_trace: bool
) -> list[Decision]:
    decisions: list[Decision] = []
    for number, question in enumerate(made):
        if number:
            out.blank()
        decision, traced, explanation = ask_and_trace(workspace, who, question)
        write_explained(out, decision, explanation, brief=len(made) > 1)
        if with_trace:
            out.blank()
            write_trace(out, traced)
        decisions.append(decision)
    if len(made) > 1:
        worst = Demands().worst(decisions)
        decisive = next(decision for decision in decisions if Demands().code(decision) is worst)
        out.blank()
        out.line(
            Span(f"{len(made)} pairs, the worst: ", Style.QUIET),
            Span(str(verdict_words(decisive)), verdict_style(decisive)),
            f"  {decisive.request.action}  {decisive.request.resource}",
        )
    return decisions


def _judge(decisions: list[Decision], demands: Demands, expect: str | None) -> Exit:
    if expect is None:
        code = demands.worst(decisions)
        if code is Exit.OPEN:
            for doubt in dict.fromkeys(filter(None, map(demands.doubt, decisions))):
                note(f"Not a plain yes: {doubt}.")
        return code
    met = True
    for decision in decisions:
        why = demands.unmet(decision, expect)
        if why:
            met = False
            note(f"Expected {expect} for {decision.request.action} on {decision.request.resource}, but {why}.")
    return Exit.OK if met else Exit.NO
