"""`--draft FILE`: answer as if the edits of a draft had been made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from iamtui.cli.output import note
from iamtui.cli.text_files import read_text

if TYPE_CHECKING:
    from iamtui.workspace.drafts.drafting import Drafted
    from iamtui.workspace.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])

_LARGEST = 32 * 1024 * 1024


def draft_option(command: F) -> F:
    """Add `--draft FILE` to a command, which gets it as `draft: str | None`."""
    return click.option("--draft", metavar="FILE", help="Answer as if the edits of this draft had been made.")(command)


def read_drafted(workspace: Workspace, name: str) -> Drafted:
    """Lay a draft over an opened account, with the policies loaded that its edits of resources replace.

    Args:
        name: the draft's file, or "-" for standard input.

    Raises:
        Problem: it cannot be read, or is for another account. What does not fit is in `Drafted.problems`.
    """
    from iamtui.workspace.drafts.drafting import lay, with_edited_resources  # noqa: PLC0415 - only with a draft
    from iamtui.workspace.drafts.files import parse_draft  # noqa: PLC0415 - only with a draft

    shown = "on standard input" if name == "-" else name
    draft = parse_draft(read_text(name, "draft", most=_LARGEST), shown, workspace.account.id)
    return lay(with_edited_resources(workspace, draft), draft)


def with_draft(workspace: Workspace, name: str | None) -> Workspace:
    """The workspace as the draft would make it, which is said on stderr; without a draft the workspace itself.

    Raises:
        Problem: the draft cannot be read, is for another account, or does not fit this one.
    """
    if name is None:
        return workspace
    drafted = read_drafted(workspace, name)
    drafted.check()
    count = len(drafted.draft.edits)
    note(f"DRAFT: as if {count} {'edit' if count == 1 else 'edits'} of {name} had been made. Nothing was changed.")
    say_findings(drafted)
    return drafted.after


def say_findings(drafted: Drafted) -> None:
    """Say on stderr what is worth knowing about a draft."""
    for finding in drafted.findings:
        note(f"{finding_label(finding.edit)}{finding.sentence}")


def finding_label(edit: int) -> str:
    """ "Edit 3: " in front of a finding about an edit, "" in front of one about the whole draft."""
    return f"Edit {edit}: " if edit else ""
