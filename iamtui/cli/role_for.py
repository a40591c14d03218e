"""`iamtui role-for`: the role that would replace the access keys of a user, as commands that are never run."""

from __future__ import annotations

from collections.abc import Sequence

import click

from iamtui.account.model import AccessKey, User
from iamtui.cli.command import command, output_options
from iamtui.cli.opening import open_workspace, with_user_details
from iamtui.cli.output import Exit, Span, Style, note, stderr, stdout
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.drafts.draft import write_draft
from iamtui.workspace.review.service_accounts import RoleDraft, draft_role_for
from iamtui.workspace.source.inventory import find_entity
from iamtui.workspace.source.opening import load_last_accessed
from iamtui.workspace.source.workspace import SourceKind


@command("role-for")
@click.argument("user")
@click.option("--place", default="", metavar="PLACE", help="Where the program runs: see above.")
@output_options("cli", "terraform", "draft", "json")
@source_options
def role_for(user: str, place: str, form: str, source: SourceOptions) -> Exit:
    """Print the commands that make a role in place of USER's access keys; nothing is run.

    The role has the user's policies, less what AWS says was never used. PLACE is whom it trusts: ec2, ecs, lambda,
    onprem (IAM Roles Anywhere), a service principal, github:ORG/REPO, an account id or the ARN of a principal.
    """
    workspace = open_workspace(source)
    found = find_entity(workspace.account, user, only="user")
    assert isinstance(found, User), "only users are looked for"
    workspace = with_user_details(workspace, found)
    if workspace.can_call_aws and found.arn not in workspace.account.last_accessed:
        workspace, missing = load_last_accessed(workspace, [found.arn])
        for fact in missing.values():
            note(f"What the user never uses is not known: {fact.reason} ({fact.permission}).")
    draft = draft_role_for(workspace.account, workspace.account.user(found.name) or found, place)
    is_demo = workspace.source.kind is SourceKind.DEMO
    note_on_source = "DEMO: this user is in no account of AWS." if is_demo else ""
    if form == "json":
        lines = draft.export("cli", note_on_source).splitlines()
        stdout().json(_to_json(draft, lines), indent=2)
        return Exit.OK
    text = write_draft(draft.draft()) if form == "draft" else draft.export(form, note_on_source)
    _explain(draft)
    stdout().raw(text)
    return Exit.OK


def _explain(draft: RoleDraft) -> None:
    out = stderr()
    out.paragraph(f"This role would replace the access keys of {draft.user.name}. Nothing has been changed.")
    for key in draft.user.access_keys.value_or(()):
        out.paragraph(f"{key.id} ({key.status.lower()}) was {_use(key)}.", indent=2, first=("- ",))
    if draft.left_out:
        out.paragraph(f"Left out, because never used: {', '.join(draft.left_out)}.", indent=2, first=("- ",))
    for sentence in draft.notes:
        out.paragraph(sentence, indent=2, first=(Span("! ", Style.OPEN),))
    out.paragraph(
        "Once the program works with the role, deactivate the keys, wait, and delete the user.", indent=2, first=("- ",)
    )


def _use(key: AccessKey) -> str:
    if key.last_used is None:
        return "never used"
    region = f" in {key.last_region}" if key.last_region else ""
    return f"last used on {key.last_used:%Y-%m-%d} for {key.last_service or 'an unknown service'}{region}"


def _to_json(draft: RoleDraft, lines: Sequence[str]) -> dict[str, object]:
    return {
        "user": draft.user.arn,
        "role_name": draft.name,
        "path": draft.user.path,
        "trust_policy": draft.trust,
        "permissions_boundary": draft.user.boundary_arn,
        "attached_policies": draft.attached,
        "inline_policies": draft.inline,
        "left_out": draft.left_out,
        "notes": draft.notes,
        "commands": list(lines),
    }
