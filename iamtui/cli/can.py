"""`iamtui can`: one principal, one or more actions and resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from iamtui.cli.draft_option import draft_option, with_draft
from iamtui.cli.exits import Exit
from iamtui.cli.expectations import OUTCOMES, Demands
from iamtui.cli.inquiry_json import cell_to_json
from iamtui.cli.inquiry_text import write_answer
from iamtui.cli.output import Output, note, stdout
from iamtui.cli.questions import QuestionOptions, inquiry_of, load_resource_policies, question_options
from iamtui.cli.source import SourceOptions, open_workspace, source_options
from iamtui.evaluation.trace import TracedLayer, trace_to_json
from iamtui.workspace.asking import ask_and_trace, is_pattern
from iamtui.workspace.inquiries import answer
from iamtui.workspace.principals import resolve_principal
from iamtui.workspace.verdict import verdict_words

if TYPE_CHECKING:
    from iamtui.analysis.inquiry import Inquiry
    from iamtui.evaluation.request import Principal
    from iamtui.workspace.answers import Answer, Cell
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
@draft_option
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
    draft: str | None,
    source: SourceOptions,
) -> Exit:
    """May PRINCIPAL do ACTION, and why? Of several pairs the worst decides.

    PRINCIPAL is an ARN, a unique id, user/NAME, role/NAME, root, a service name, anonymous, or a name that only
    one user or role has. ACTION may be a pattern such as s3:Get*. A condition key that nobody gave is unknown, and
    the answer says what depends on it; --strict takes it for absent. What a call needs besides its own action
    (iam:PassRole, tagging, KMS) is answered too; what every such call needs, and what --with names, decides with it.
    """
    made = inquiry_of(actions, asked)
    workspace = open_workspace(source)
    who = resolve_principal(workspace, principal)
    loaded = load_resource_policies(workspace, made)
    workspace = with_draft(loaded, draft)
    found = answered(workspace, who, made)
    if draft is not None:
        note(f"Without the draft: {verdict_words(answered(loaded, who, made).worst.deciding)}.")
    print_answer(stdout(), workspace, found, as_json=as_json, with_trace=with_trace)
    return judged(found, Demands(any_resource, complete), expect)


def answered(workspace: Workspace, who: Principal, asked: Inquiry) -> Answer:
    """The answer to an inquiry."""
    found = answer(workspace, who, asked)
    assert found is not None, "nothing cancels a command's question"
    return found


def print_answer(out: Output, workspace: Workspace, found: Answer, *, as_json: bool, with_trace: bool) -> None:
    """Print an answer: text, or JSON (one object for one pair, an array for several and for patterns)."""

    def traced(cell: Cell) -> tuple[TracedLayer, ...]:
        return ask_and_trace(workspace, found.principal, cell.question)[1]

    if as_json:
        records = [
            cell_to_json(found, cell, trace=trace_to_json(traced(cell)) if with_trace else None) for cell in found.cells
        ]
        one = len(records) == 1 and not any(map(is_pattern, found.inquiry.actions))
        out.json(records[0] if one else records, indent=2)
    else:
        write_answer(out, found, traced, with_trace=with_trace)
    if found.cut:
        note(
            f"{found.cut} actions of the patterns are not answered: they are too many at once. Ask by smaller patterns."
        )


def judged(found: Answer, demands: Demands, expect: str | None) -> Exit:
    """The exit code of an answer, with what stands in the way of a plain yes said on stderr."""
    cells = found.taking_part
    if expect is None:
        code = demands.worst([cell.deciding for cell in cells])
        if code is Exit.OPEN:
            for doubt in dict.fromkeys(filter(None, (demands.doubt(cell.deciding) for cell in cells))):
                note(f"Not a plain yes: {doubt}.")
        return Exit.OPEN if code is Exit.OK and found.cut else code
    met = not found.cut
    for cell in cells:
        why = demands.unmet(cell.deciding, expect)
        if why:
            met = False
            asked, request = cell.question, cell.deciding.request
            besides = "" if cell.deciding is cell.decision else f" ({request.action} on {request.resource})"
            note(f"Expected {expect} for {asked.action} on {asked.resource}, but {why}{besides}.")
    return Exit.OK if met else Exit.NO
