"""`iamtui draft`: what-if drafts without the screen."""

from __future__ import annotations

from typing import Final

import click

from iamtui.cli.lazy import Entry, LazyGroup

ENTRIES: Final = {
    "edit": Entry("iamtui.cli.draft_editing", "edit", "Add an edit to a draft, or take one back; makes the file."),
    "fix": Entry("iamtui.cli.draft_editing", "fix", "Add the edits that would allow something that is denied."),
    "show": Entry("iamtui.cli.draft_reading", "show", "The edits of a draft in words, and what is wrong with them."),
    "check": Entry("iamtui.cli.draft_reading", "check", "Whether a draft fits the account."),
    "compare": Entry("iamtui.cli.draft_comparing", "compare", "Whose answers a draft changes."),
    "export": Entry("iamtui.cli.draft_reading", "export", "AWS CLI commands, Terraform or a diff of a draft."),
    "schema": Entry("iamtui.cli.draft_reading", "schema", "The JSON Schema of a draft's file."),
}


@click.group(cls=LazyGroup, entries=ENTRIES, no_args_is_help=False, invoke_without_command=False)
def draft() -> None:
    """Lay edits over an account without touching it, and ask what they would change.

    A draft is a JSON file with edits: policies attached, documents changed, groups joined, boundaries set. The other
    commands take it with --draft. iamtui never makes the changes: `iamtui draft export` prints what would.
    """
