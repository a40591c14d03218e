"""Writing the open account to a snapshot file from the screen: asks where, writes in a thread, replaces on demand."""

from __future__ import annotations

from functools import partial

from iamtui.credentials.secure_files import AlreadyThere
from iamtui.input_files import home_expanded
from iamtui.tui import lazy
from iamtui.tui.background import get_in_thread
from iamtui.tui.content import line, plain
from iamtui.tui.paned import PanedScreen
from iamtui.workspace.snapshot_file import account_to_write, snapshot_bytes, write_snapshot
from iamtui.workspace.workspace import Workspace


def ask_for_file(screen: PanedScreen, workspace: Workspace | None) -> None:
    """Ask where the account, without the edits of a draft, is written to, and write it."""
    if workspace is None:
        screen.say(plain("Open an account first: P chooses one."))
        return
    taken = workspace.source.taken_at
    proposed = f"{workspace.account.id or 'account'}{f'-{taken:%Y-%m-%d}' if taken is not None else ''}.json.zst"
    hint = plain("For you alone (0600); .gz and .zst pack it. Escape goes back.", "$muted")
    screen.app.push_screen(
        lazy.dialogs.LineDialog(line("Snapshot"), proposed, hint, check=lazy.dialogs.needed),
        lambda name: _write(screen, workspace, name) if name else None,
    )


def _write(screen: PanedScreen, workspace: Workspace, name: str, *, overwrite: bool = False) -> None:
    def work() -> str | AlreadyThere:
        try:
            path = home_expanded(name)
            size = write_snapshot(snapshot_bytes(account_to_write(workspace)), path, overwrite=overwrite)
        except AlreadyThere as problem:
            return problem
        return f"Written to {path} ({size:,} bytes), for you alone. Open it with --snapshot, or with P."

    screen.say(line("Writing ", (name, "bold"), " …"), stays=True)
    get_in_thread(
        screen, work, partial(_written, screen, workspace, name), name="writing the snapshot", group="snapshot"
    )


def _written(screen: PanedScreen, workspace: Workspace, name: str, found: str | AlreadyThere) -> None:
    if isinstance(found, str):
        screen.say(plain(found))
        return
    screen.say(plain(found.sentence))
    choices = [lazy.dialogs.Choice("keep", "Leave it as it is"), lazy.dialogs.Choice("replace", "Replace it")]
    screen.app.push_screen(
        lazy.dialogs.ChoiceDialog(line("Replace it?"), choices, hint=plain(found.sentence)),
        lambda chosen: _write(screen, workspace, name, overwrite=True) if chosen == "replace" else None,
    )
