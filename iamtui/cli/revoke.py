"""`iamtui revoke`: how a role's older sessions are cut off. Prints the command that would do it, and never runs it."""

from __future__ import annotations

from datetime import datetime

import click

from iamtui.cli.command import command, output_options
from iamtui.cli.opening import approval, command_choice, open_workspace, say_where
from iamtui.cli.output import Exit, Span, Style, note, stderr, stdout
from iamtui.cli.render import write_verdict
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.workspace.ask.context_syntax import at_time
from iamtui.workspace.assume.revocation import POLICY_NAME, SIGN_IN, Revocation, plan_revocation, server_now
from iamtui.workspace.source.inventory import find_entity
from iamtui.workspace.source.opening import connect
from iamtui.workspace.source.workspace import SourceKind, Workspace


@command(epilog="Exit codes: 0 with the command printed; 2 without.")
@click.argument("role")
@click.option(
    "--before", "moment", metavar="TIME", help="Cut off sessions issued before this time. Default: now, by AWS's clock."
)
@output_options("text", "json")
@source_options
def revoke(role: str, moment: str | None, form: str, source: SourceOptions) -> Exit:
    """Print the AWS CLI command that revokes the sessions of ROLE issued so far.

    The command puts an inline policy on the role that denies them everything. Nothing is run: read it, then run it
    with credentials that may call iam:PutRolePolicy. ROLE is a name, or an ARN, which needs no permission to read the
    account.
    """
    workspace, arn = _found(role, source)
    now = server_now(workspace)
    before = datetime.fromisoformat(at_time(moment, now)["aws:CurrentTime"][0]) if moment is not None else None
    plan = plan_revocation(workspace, arn, now, before=before)
    out = stdout()
    if form == "json":
        out.json(_as_json(plan), indent=2)
        return Exit.OK
    _explain(plan, workspace)
    out.raw(plan.command + "\n")
    out.flush()
    return Exit.OK


def _found(role: str, source: SourceOptions) -> tuple[Workspace, str]:
    """Where the role is, and its ARN; with an ARN nothing of the account is read."""
    choice = command_choice(source)
    if role.startswith("arn:") and choice.kind is not SourceKind.SNAPSHOT:
        workspace = connect(choice, approval(source))
        say_where(workspace)
        return workspace, role
    workspace = open_workspace(source)
    return workspace, find_entity(workspace.account, role, only="role").arn


def _explain(plan: Revocation, workspace: Workspace) -> None:
    out = stderr()
    if plan.elsewhere:
        # First: whoever runs it in the wrong account would change a role there.
        out.paragraph(plan.warnings[0], indent=2, first=(Span("! ", Style.BAD),))
    out.paragraph(f"This inline policy cuts off every session of {plan.role_arn} that was issued before {plan.moment}.")
    out.paragraph("Later sessions are not affected. Nothing has been changed: the command below would add the policy.")
    out.line(Span(POLICY_NAME, Style.STRONG))
    out.document(plan.document, indent=2, numbered=False)
    for sentence in plan.warnings[1 if plan.elsewhere else 0 :]:
        out.paragraph(sentence, indent=2, first=(Span("! ", Style.BAD),))
    for sentence in plan.notes:
        out.paragraph(sentence, indent=2, first=("- ",))
    out.paragraph(f"To remove it: {plan.undo}", indent=2, first=("- ",), whole=True)
    out.paragraph(f"{SIGN_IN} {plan.sign_in}", indent=2, first=("- ",), whole=True)
    if plan.decision is not None:
        write_verdict(out, plan.decision, "iam:PutRolePolicy on the role, for you")
    if workspace.source.kind is SourceKind.SNAPSHOT:
        note("The time is from this machine's clock, because a snapshot has no connection to AWS.")
    out.flush()


def _as_json(plan: Revocation) -> dict[str, object]:
    return {
        "role": plan.role_arn,
        "before": plan.moment,
        "policy_name": POLICY_NAME,
        "policy": plan.policy,
        "ready": not plan.elsewhere,
        "run_in_account": plan.role_arn.split(":")[4],
        "command": plan.command,
        "undo": plan.undo,
        "end_sign_in_sessions": plan.sign_in,
        "warnings": list(plan.warnings),
        "notes": list(plan.notes),
        "may_be_put": plan.decision.outcome.value if plan.decision is not None else None,
    }
