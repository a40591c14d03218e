"""`iamtui can`: one principal, one or more actions and resources."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

import click

from iamtui.cli.command import command, output_options
from iamtui.cli.opening import draft_option, open_workspace, with_draft
from iamtui.cli.output import Exit, JsonRecords, Output, note, stdout
from iamtui.cli.questions import (
    Demands,
    QuestionOptions,
    answered,
    expect_option,
    load_resource_policies,
    matrix_of,
    question_options,
    question_store,
)
from iamtui.cli.render import (
    is_lacking,
    second_opinion_option,
    second_opinion_to_json,
    second_opinions_on,
    write_answer,
    write_second_opinions,
)
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.engine.words.trace import TracedLayer, trace_to_json
from iamtui.presentation.answer_json import cell_to_json
from iamtui.presentation.verdict import verdict_words
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.workspace.ask.answers import check_matrix
from iamtui.workspace.ask.questions import ask_and_trace
from iamtui.workspace.ask.saved_questions import QuestionStore, SavedQuestion, account_key, quoted
from iamtui.workspace.source.principals import coming_with, is_not_there, resolve_principal

if TYPE_CHECKING:
    from iamtui.cli.render import Opinions
    from iamtui.engine.decision import Expectation
    from iamtui.engine.request import Principal
    from iamtui.questions.answers import Answer, Cell
    from iamtui.questions.question import QuestionMatrix
    from iamtui.workspace.source.workspace import Workspace


@command(epilog="Exit codes: 0 allowed, 1 denied, 3 it depends or holds only for some resources; 2 an error.")
@click.argument("principal", required=False, metavar="PRINCIPAL")
@click.argument("actions", nargs=-1, metavar="ACTION...")
@question_options
@click.option("--saved", metavar="NAME", help="Ask a saved question, for PRINCIPAL if one is given.")
@click.option("--save", metavar="NAME", help="Save this question, with its --expect.")
@click.option("--questions", "file", metavar="FILE", help="The file of --saved and --save, instead of your own.")
@expect_option("Exit 1 unless every decision is allowed, denied, explicitDeny, implicitDeny or depends.")
@click.option("--issuer", metavar="USER", help="The user behind a federated-user session.")
@click.option(
    "--credentials",
    type=click.Choice(("long_term", "temporary")),
    metavar="KIND",
    help="A user's credentials: long_term or temporary.",
)
@Demands.options(
    "Being allowed on some of the resources is enough.",
    "Exit 3 where the answer holds only as far as loaded.",
)
@click.option("--trace", "with_trace", is_flag=True, help="Show every statement and element that was evaluated.")
@output_options("text", "json", "jsonl")
@second_opinion_option
@draft_option
@source_options
def can(
    principal: str | None,
    actions: tuple[str, ...],
    asked: QuestionOptions,
    saved: str | None,
    save: str | None,
    file: str | None,
    expect: Expectation | None,
    issuer: str | None,
    credentials: str | None,
    demands: Demands,
    with_trace: bool,
    form: str,
    compare: bool,
    draft: str | None,
    source: SourceOptions,
) -> Exit:
    """Ask whether PRINCIPAL may do ACTION, and why. Of several pairs, the worst answer decides.

    PRINCIPAL is an ARN, a unique id, user/NAME, role/NAME, root, a service name, anonymous, or a unique name; ACTION
    may be a pattern such as s3:Get*. A condition key that is not given is unknown, and the answer says what depends on
    it. What else the call needs (iam:PassRole, tagging, KMS) is answered too; what each such call needs decides.
    """
    if save is not None and (issuer or credentials):
        raise Problem("A saved question names its principal by an ARN alone.", "Leave out --issuer and --credentials.")
    if saved is not None:
        _refuse_another_question(actions, asked, save)
    typed = _typed(principal, actions, asked) if saved is None else None
    workspace = open_workspace(source, several=True)
    question = typed or question_store(account_key(workspace), file).find(saved or "")
    made, expect = question.question_matrix, expect or question.expect
    check_matrix(made)
    demands.check_known(made)
    name = principal or question.principal
    if draft is None:
        # Before AWS is asked anything for a name that nobody has. With a draft it may be a role that the draft makes.
        workspace = workspace.at(resolve_principal(workspace, name, made.actions).account)
    loaded = load_resource_policies(workspace, made)
    workspace = with_draft(loaded, draft)
    who = resolve_principal(workspace, name, made.actions)
    who = coming_with(workspace, who, issuer=issuer, credentials=credentials)
    ask_aws = second_opinions_on(loaded, who) if compare else None
    found = answered(workspace, who, made)
    if expect is not None:
        demands.check_asked(found)
    if draft is not None:
        note(f"Without the draft: {_without_draft(loaded, who, made)}.")
    if save is not None:
        _save(save, question_store(account_key(workspace), file, must_exist=False), made, who, expect)
    opinions = ask_aws(found) if ask_aws else []
    _print_answer(stdout(), workspace, found, form, with_trace=with_trace, opinions=opinions)
    code = _judged(found, demands, expect)
    if is_lacking(opinions):
        return Exit.ERROR
    if saved is not None and expect is not None and code is Exit.OK:
        note(f"The question {quoted(saved)} has the expected answer: {expect}.")
    return code


def _without_draft(loaded: Workspace, who: Principal, made: QuestionMatrix) -> str:
    """The verdict of the account as it is, in words."""
    if is_not_there(loaded, who):
        return "there is no such user or role"
    return str(verdict_words(answered(loaded, who, made).worst.deciding))


def _refuse_another_question(actions: tuple[str, ...], asked: QuestionOptions, save: str | None) -> None:
    if actions or asked.given or save is not None:
        raise Problem(
            "--saved asks a question as it was saved, so no action or option of another question can be given.",
            "Leave out --saved, or the others.",
        )


def _typed(principal: str | None, actions: tuple[str, ...], asked: QuestionOptions) -> SavedQuestion:
    if principal is None or not actions:
        raise Problem("No principal and action are named.", "Write iamtui can PRINCIPAL ACTION, or --saved NAME.")
    return SavedQuestion("", "", matrix_of(actions, asked, anyway=True), principal)


def _save(name: str, store: QuestionStore, asked: QuestionMatrix, who: Principal, expect: Expectation | None) -> None:
    store.save(name, asked, who.arn or "anonymous", expect=expect)
    note(f"Saved as {quoted(name)} in {safe_text(str(store.path))}.")


def _print_answer(
    out: Output, workspace: Workspace, found: Answer, form: str, *, with_trace: bool, opinions: Opinions = ()
) -> None:
    """Print an answer: text, or JSON with a decision for each pair.

    Args:
        opinions: what AWS's simulator says of each pair, or why it says nothing, where it was asked.
    """

    def traced(cell: Cell) -> tuple[TracedLayer, ...]:
        return ask_and_trace(workspace, found.principal, cell.question)[1]

    if form == "text":
        write_answer(out, found, traced, with_trace=with_trace)
        write_second_opinions(out, opinions)
    else:
        records = JsonRecords(out, lines=form == "jsonl")
        for cell, opinion in zip_longest(found.cells, opinions):
            record = cell_to_json(found, cell, trace=trace_to_json(traced(cell)) if with_trace else None)
            records.add(record | ({"second_opinion": second_opinion_to_json(opinion[1])} if opinion else {}))
        records.end()
    if found.cut:
        note(
            f"{found.cut} actions of the patterns are not answered, because they are too many. "
            "Ask with narrower patterns."
        )


def _judged(found: Answer, demands: Demands, expect: Expectation | None) -> Exit:
    """Exit code of an answer; writes the reasons that keep it from a plain yes to stderr."""
    cells = found.taking_part
    if expect is None and not found.counted:
        note("AWS never asks any of these questions.")
        return Exit.OPEN
    if expect is None:
        code = demands.worst([cell.deciding for cell in cells])
        if code is Exit.OPEN:
            for doubt in dict.fromkeys(filter(None, (demands.doubt(cell.deciding) for cell in cells))):
                note(f"Not a plain yes: {doubt}.")
        if code is Exit.OK and found.never_asked and not demands.anyway:
            note("Not a plain yes: AWS never asks this (--anyway accepts it).")
            return Exit.OPEN
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
