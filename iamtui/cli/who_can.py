"""`iamtui who-can`: everyone who may do something."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from iamtui.cli.draft import draft_option, with_draft
from iamtui.cli.exits import Exit
from iamtui.cli.opening import open_workspace
from iamtui.cli.output import Output, Span, note, stdout
from iamtui.cli.question_options import QuestionOptions, inquiry_of, load_resource_policies, question_options
from iamtui.cli.render import cell_to_json, counts_by_verdict, verdict_style
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.engine.condition_words import LAYER_NAMES, condition_of
from iamtui.engine.decision import Layer
from iamtui.presentation.verdict import as_far_as_loaded, unloaded_layers, verdict_words
from iamtui.workspace.answers import answer_all
from iamtui.workspace.questions import is_pattern
from iamtui.workspace.who_can import everybody

if TYPE_CHECKING:
    from iamtui.questions.question import QuestionMatrix
    from iamtui.workspace.answers import Answer
    from iamtui.workspace.workspace import Workspace


@click.command("who-can")
@click.argument("actions", nargs=-1, required=True, metavar="ACTION...")
@question_options
@click.option("--all", "everyone", is_flag=True, help="Also list those who may not.")
@click.option("--json", "as_json", is_flag=True, help="Print one principal as JSON per line, as they are found.")
@draft_option
@source_options
def who_can(
    actions: tuple[str, ...],
    asked: QuestionOptions,
    everyone: bool,
    as_json: bool,
    draft: str | None,
    source: SourceOptions,
) -> Exit:
    """List everyone who may do ACTION, and under which conditions: users, roles, and principals that the resource's
    policy names.

    Of several actions and resources, the worst answer decides: only those who may do all of them are allowed. ACTION
    may be a pattern such as s3:Get*. The counts go to stderr. The exit code is 0 even if nobody is allowed.
    """
    made = inquiry_of(actions, asked)
    workspace = with_draft(load_resource_policies(open_workspace(source), made), draft)
    out = stdout()
    counts: Counter[str] = Counter()
    unloaded: set[Layer] = set()
    cut = 0
    never_asked: tuple[str, ...] = ()
    concerned = everybody(workspace, made)
    for _, found in answer_all(workspace, made, concerned.principals, only_deciding=not as_json):
        outcome = found.worst.deciding.outcome.value
        counts[outcome] += 1
        if not unloaded.issuperset(found.worst.deciding.not_evaluated):
            unloaded.update(unloaded_layers(found.worst.deciding))
        cut = found.cut
        never_asked = found.never_asked
        if everyone or outcome in ("allowed", "depends"):
            if as_json:
                out.json(_json(found))
            else:
                _print_line(out, workspace, found)
    if unloaded:
        layers = ", ".join(LAYER_NAMES[layer].short for layer in Layer if layer in unloaded)
        note(f"Not evaluated, and could change some of these answers: {layers}.")
    if concerned.lacks:
        note(concerned.lacks)
    note(_summary(made, counts, concerned.outside))
    for sentence in never_asked:
        note(sentence)
    if cut:
        note(f"{cut} actions of the patterns are not answered, because they are too many. Ask with narrower patterns.")
    return Exit.OK


def _is_one(found: Answer) -> bool:
    return len(found.cells) == 1 and not any(map(is_pattern, found.question_matrix.actions))


def _json(found: Answer) -> dict[str, Any]:
    """One pair: its decision as `can` prints it; several: the worst of them, and how many have which decision."""
    worst = cell_to_json(found, found.worst)
    if _is_one(found):
        return worst
    counts = Counter(cell.deciding.outcome.value for cell in found.counted)
    return {
        "principal": found.principal.arn,
        "decision": found.worst.deciding.outcome.value,
        "pairs": len(found.counted),
        "counts": dict(sorted(counts.items())),
        "cut": found.cut,
        "worst": worst,
    }


def _print_line(out: Output, workspace: Workspace, found: Answer) -> None:
    decision = found.worst.deciding
    words = verdict_words(decision)
    name = workspace.account.short_name(found.principal.arn) or "anonymous"
    rest = words.rest
    if decision.depends_on is not None:
        rest = ", ".join(filter(None, (f"if {condition_of(decision)}", as_far_as_loaded(decision))))
    if not _is_one(found):
        kinds = counts_by_verdict(cell.deciding for cell in found.counted)
        request = decision.request
        rest = f"{kinds}; worst: {request.action}  {request.resource}  {rest}" if "," in kinds else f"{kinds}  {rest}"
    elif decision is not found.worst.decision:
        rest = f"{rest}  because of {decision.request.action}"
    out.line(Span(f"{words.mark} {words.word:<7}", verdict_style(decision)), f"  {name}", f"  {rest}" if rest else "")


def _summary(asked: QuestionMatrix, counts: Counter[str], outside: int) -> str:
    denied = counts["explicitDeny"] + counts["implicitDeny"]
    on = "" if asked.resources == ("*",) else f" on {', '.join(asked.resources)}"
    who = "roles" if asked.chained_from else "users and roles"
    others = f" and {outside} whom the resource's policy names besides" if outside else ""
    return (
        f"{', '.join(asked.actions)}{on}: {counts['allowed']} allowed, {counts['depends']} on a condition, "
        f"{denied} not, of {counts.total() - outside} {who}{others}."
    )
