"""`iamtui escalations`: who can become administrator, by which steps."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from iamtui.account.model import Role, User
from iamtui.cli.command import command, output_options
from iamtui.cli.exits import Exit
from iamtui.cli.opening import all_or_open, draft_option, open_workspace, unlisted_failures, with_draft
from iamtui.cli.output import Edge, Output, Span, Style, note, print_graph, print_rows, stdout
from iamtui.cli.render import short_name
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.engine.request import role_arn_of
from iamtui.lint.sarif import SarifResult, sarif_log
from iamtui.presentation.reports import not_evaluated
from iamtui.problem import Problem
from iamtui.text import counted, safe_text
from iamtui.workspace.review.escalation_steps import Escalation, EscalationReport, Move
from iamtui.workspace.review.escalations import find_escalations_across
from iamtui.workspace.source.principals import resolve_principal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iamtui.workspace.source.workspace import Workspace

_MOST_CLOSING = 5


@command("escalations")
@click.argument("principal", required=False)
@click.option("--fail-on", type=click.Choice(("certain", "possible")), help="Exit 1 on such a path.")
@output_options("text", "json", "jsonl", "csv", "markdown", "sarif", "dot", "mermaid")
@draft_option
@source_options
def escalations(
    principal: str | None, fail_on: str | None, form: str, draft: str | None, source: SourceOptions
) -> Exit:
    """Who can become administrator without being one, by which steps; or how PRINCIPAL can.

    Every step is decided as AWS does, on the real resource: conditions, boundaries, SCPs, and the trust policy of each
    role that is passed or assumed. What a step changes is changed for the steps after it. [!] works as the account
    stands, [?] depends on a condition or on something that account data does not show. The ids of the paths are those
    of pathfinding.cloud, or of their parts, or words where there is none.
    """
    workspace = with_draft(open_workspace(source, several=True), draft)
    reports = find_escalations_across(workspace)
    every = [one for report in reports for one in report.escalations]
    found = every if principal is None else _of(principal, every, reports, workspace)
    out = stdout()
    if form in ("dot", "mermaid"):
        _print_graph(out, workspace, found, form)
    elif form == "sarif":
        out.json(_sarif(workspace, found), indent=2)
    else:
        print_rows(
            out,
            form,
            found,
            data=lambda one: _to_json(workspace, one, reports),
            text=partial(_print, out, workspace),
            columns=("principal", "certain", "paths", "becomes", "complete"),
            cells=lambda one: _cells(_to_json(workspace, one, reports)),
        )
    _summarize(reports, found)
    failing = found if fail_on == "possible" else [one for one in found if one.certain]
    return Exit.NO if fail_on and failing else all_or_open(workspace)


def _user_or_role(workspace: Workspace, text: str) -> User | Role:
    """The user or role that is named, or whose session is.

    Raises:
        Problem: it is neither, of whom no path is looked for.
    """
    principal = resolve_principal(workspace, text)
    entity = workspace.at(principal.account).account.by_arn(role_arn_of(principal) or principal.arn)
    if not isinstance(entity, (User, Role)):
        raise Problem(
            f"{safe_text(text)} is not a user or role of this account, and paths are looked for from those alone.",
            "Name one by its ARN, user/NAME or role/NAME.",
        )
    return entity


def _of(
    text: str, every: Sequence[Escalation], reports: Sequence[EscalationReport], workspace: Workspace
) -> list[Escalation]:
    """Paths of the named user or role; writes to stderr when there are none."""
    whom = _user_or_role(workspace, text)
    found = [one for one in every if one.principal.arn == whom.arn]
    if not found:
        is_one = any(whom.arn == entity.arn for report in reports for entity in report.administrators)
        note(f"{short_name(workspace, whom.arn)} {'is an administrator' if is_one else 'cannot become administrator'}.")
    return found


def _print(out: Output, workspace: Workspace, one: Escalation) -> None:
    mark, style = ("[!]", Style.BAD) if one.certain else ("[?]", Style.OPEN)
    out.line(Span(mark, style), " ", Span(short_name(workspace, one.principal.arn), Style.STRONG))
    for number, move in enumerate(one.moves, 1):
        about = f": {short_name(workspace, move.target)}" if move.target else ""
        needs = f", if there is {move.needs}" if move.needs else ""
        out.line(f"    {number}. {move.path.title}{about}{needs} ", Span(f"[{move.path.id}]", Style.QUIET))
        for step in move.steps:
            condition = f"  if {step.condition}" if step.condition else ""
            where = short_name(workspace, step.resource)
            out.line("       ", Span(f"{step.action} on {where}{condition}", Style.QUIET))


def _summarize(reports: Sequence[EscalationReport], found: Sequence[Escalation]) -> None:
    certain = sum(one.certain for one in found)
    administrators = counted(sum(len(report.administrators) for report in reports), "administrator")
    note(f"{administrators}; {certain:,} more can become one, {len(found) - certain:,} more under conditions.")
    for sentence in dict.fromkeys(sentence for report in reports for sentence in report.left_out):
        note(sentence)
    if layers := not_evaluated(found):
        note(f"Not evaluated, and could stand in the way of some of these paths: {layers}.")
    closing = [item for report in reports for item in report.closing[:_MOST_CLOSING] if item[1] > 1]
    for name, count in closing:
        note(f"{count:,} of these paths need {name}.")


def _to_json(workspace: Workspace, one: Escalation, reports: Sequence[EscalationReport]) -> dict[str, Any]:
    arn = one.principal.arn
    all_read = not workspace.at(arn.split(":")[4]).account.unlisted and not not_evaluated([one])
    complete = all_read and not any(report.left_out for report in reports)
    return {"principal": arn, "certain": one.certain, "moves": [*map(_move_to_json, one.moves)], "complete": complete}


def _cells(record: dict[str, Any]) -> tuple[str, ...]:
    moves = record["moves"]
    certain, complete = ("true" if record[key] else "false" for key in ("certain", "complete"))
    return record["principal"], certain, " ".join(move["path"] for move in moves), moves[-1]["becomes"] or "", complete


def _move_to_json(move: Move) -> dict[str, Any]:
    return {
        "path": move.path.id,
        "title": move.path.title,
        "principal": move.principal,
        "target": move.target or None,
        "becomes": move.becomes or None,
        "certain": move.certain,
        "needs": move.needs or None,
        "steps": [
            {
                "action": step.action,
                "resource": step.resource,
                "decision": step.decision.outcome.value,
                "complete": step.decision.complete,
                "condition": step.condition or None,
            }
            for step in move.steps
        ],
    }


def _sarif(workspace: Workspace, found: Sequence[Escalation]) -> dict[str, Any]:
    return sarif_log(
        [
            SarifResult(
                rule=one.moves[0].path.id,
                level="error" if one.certain else "warning",
                message=f"{short_name(workspace, one.principal.arn)} can become administrator: "
                + "; then ".join(move.path.title for move in one.moves)
                + ".",
                file=f"aws-account-{one.principal.arn.split(':')[4]}",
                element=one.principal.arn,
            )
            for one in found
        ],
        help_uri="https://pathfinding.cloud/paths/",
        failures=unlisted_failures(workspace),
    )


def _print_graph(out: Output, workspace: Workspace, found: Sequence[Escalation], form: str) -> None:
    """Each first move as an edge; dashed where it depends on something."""
    edges = (
        Edge(
            short_name(workspace, one.principal.arn),
            short_name(workspace, one.moves[0].becomes) if one.moves[0].becomes else "any permission",
            one.moves[0].path.id,
            dashed=not one.moves[0].certain,
        )
        for one in found
    )
    print_graph(out, "escalations", edges, form)
