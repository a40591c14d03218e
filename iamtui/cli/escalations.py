"""`iamtui escalations`: who can become administrator, by which steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from iamtui.account.model import Role, User
from iamtui.cli.command import command, output_options
from iamtui.cli.listing import print_listing
from iamtui.cli.opening import all_or_open, draft_option, open_workspace, unlisted_failures, with_draft
from iamtui.cli.output import Exit, note, stdout
from iamtui.cli.render import short_name
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.engine.request import role_arn_of
from iamtui.presentation.escalations import PathRow, not_evaluated, path_rows, summary
from iamtui.presentation.escalations import escalations as listed
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.workspace.review.escalation_steps import Escalation, EscalationReport
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
    every = path_rows(workspace, reports)
    rows = every if principal is None else _of(principal, every, reports, workspace)
    print_listing(stdout(), form, listed(workspace), rows, failures=unlisted_failures(workspace))
    found = [row.path for row in rows]
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
    text: str, every: Sequence[PathRow], reports: Sequence[EscalationReport], workspace: Workspace
) -> list[PathRow]:
    """Paths of the named user or role; writes to stderr when there are none."""
    whom = _user_or_role(workspace, text)
    found = [one for one in every if one.arn == whom.arn]
    if not found:
        is_one = any(whom.arn == entity.arn for report in reports for entity in report.administrators)
        note(f"{short_name(workspace, whom.arn)} {'is an administrator' if is_one else 'cannot become administrator'}.")
    return found


def _summarize(reports: Sequence[EscalationReport], found: Sequence[Escalation]) -> None:
    note(summary(reports, found))
    for sentence in dict.fromkeys(sentence for report in reports for sentence in report.left_out):
        note(sentence)
    if layers := not_evaluated(found):
        note(f"Not evaluated, and could stand in the way of some of these paths: {layers}.")
    closing = [item for report in reports for item in report.closing[:_MOST_CLOSING] if item[1] > 1]
    for name, count in closing:
        note(f"{count:,} of these paths need {name}.")
