"""The keys of the main screen. Every one has an id, under which the config can give it another key."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType

from iamtui.tui.widgets.question.keys import from_screen

MAIN_BINDINGS: Final[list[BindingType]] = [
    # Before the focused list, so that what is typed at once behind the key reaches the filter.
    Binding(
        "slash", "filter", "Filter", key_display="/", id="go.filter", priority=True,
        tooltip="Filter the tree while typing",
    ),
    *from_screen("ask", "presets", "questions", "caller", "keys", "cycle_mfa", "copy_command", "save"),
    Binding("f6,W", "who_can", "Who can", id="question.who_can", tooltip="Put the same question to everybody"),
    *from_screen("why"),
    Binding(
        "f10,A", "draft_suggestion", "Draft a fix", id="draft.suggestion",
        tooltip="Draft what would allow the question, and see before and after",
    ),
    Binding(
        "v", "second_opinion", "2nd opinion", id="question.second_opinion",
        tooltip="Ask AWS's own simulator too, and compare",
    ),
    Binding(
        "D", "paste_denial", "Denied", show=False, id="denial.paste",
        tooltip="Why was I denied: paste an AccessDenied message, a log or CloudTrail records",
    ),
    Binding("d", "draft", "Draft", id="draft.open", tooltip="Show the what-if draft: its edits, impact and export"),
    Binding(
        "E", "draft_edit", "Edit", id="draft.edit",
        tooltip="List what can be edited here; edits go into a draft, never into the account",
    ),
    Binding("I", "draft_impact", "Impact", id="draft.impact", tooltip="Show whose answers the draft changes"),
    Binding("u", "draft_undo", "Undo edit", show=False, id="draft.undo", tooltip="Take the draft's last edit back"),
    Binding("f8,a", "assume", "Assume", id="session.assume", tooltip="Assume the role under the cursor"),
    Binding(
        "ctrl+r", "assume_any", "Any role", show=False, id="session.assume-any",
        tooltip="Assume any role by its ARN, also one of another account",
    ),
    Binding(
        "c", "pick", "Pick", id="session.pick",
        tooltip="Hand the active session to the shell that started the picker, and leave",
    ),
    Binding("c", "copy_exports", "Copy", id="session.copy", tooltip="Copy the active session's export lines"),
    Binding(
        "Y", "copy_menu", "Copy …", show=False, id="session.copy_menu",
        tooltip="Choose what to copy of the active session: a command, a field, a format",
    ),
    Binding(
        "x", "export", "Export", id="session.export",
        tooltip="Show the active session in every format, masked; copy it, write a file or a profile",
    ),
    Binding(
        "exclamation_mark", "sub_shell", "Shell", key_display="!", id="session.shell",
        tooltip="Open a shell with the active session's credentials; exit comes back",
    ),
    Binding("b", "console", "Console", id="session.console", tooltip="Into the AWS console as the active session"),
    Binding(
        "K", "revoke", "Revoke", show=False, id="session.revoke",
        tooltip="Cut a role's older sessions off: the policy, its effect, the command to copy",
    ),
    Binding("S", "sessions", "Sessions", id="go.sessions", tooltip="Go to the sessions, and back"),
    Binding("y", "copy_arn", "Copy ARN", show=False, id="copy.arn", tooltip="Copy the ARN under the cursor"),
    Binding("o", "follow", "Follow", show=False, id="go.follow", tooltip="Go to what the cursor names"),
    Binding(
        "left_square_bracket", "back", "Back", key_display="[", show=False, id="go.back",
        tooltip="Go back to where you were",
    ),
    Binding(
        "right_square_bracket", "forward", "Forward", key_display="]", show=False, id="go.forward",
        tooltip="Go forward again",
    ),
    Binding("ctrl+o", "jump", "Jump", show=False, id="go.jump", tooltip="Jump to a pane by its letter"),
    Binding("z", "zoom", "Zoom", id="view.zoom", tooltip="Give the pane the whole window, and back"),
    Binding(
        "L", "load", "Load more", id="view.load",
        tooltip="Ask the source for what it gives only on demand: a user's keys and devices, the resource's policy",
    ),
    Binding("e", "edit", "Editor", id="view.editor", tooltip="Read the JSON in $EDITOR; nothing is written back"),
    Binding("1", "tab('1')", "Tab 1", show=False, id="tab.1", tooltip="Show the first tab"),
    Binding("2", "tab('2')", "Tab 2", show=False, id="tab.2", tooltip="Show the second tab"),
    Binding("3", "tab('3')", "Tab 3", show=False, id="tab.3", tooltip="Show the third tab"),
    Binding("4", "tab('4')", "Tab 4", show=False, id="tab.4", tooltip="Show the fourth tab"),
    Binding("5", "tab('5')", "Tab 5", show=False, id="tab.5", tooltip="Show the fifth tab"),
    Binding(
        "escape", "leave", "To the tree", show=False, id="go.tree",
        tooltip="Go back to the tree; there: drop the filter, or stop a load",
    ),
]  # fmt: skip
