"""What the main screen does about sessions in dialogs: into the AWS console, and cutting older ones off."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.screen import Screen

from iamtui.account.model import Role
from iamtui.credentials.session import Session
from iamtui.tui.copying import Copier
from iamtui.tui.inventory import Node
from iamtui.tui.safe import line, plain
from iamtui.tui.widgets.notice import Notice, Severity
from iamtui.workspace.workspace import Workspace


def show_console(
    screen: Screen[None],
    workspace: Workspace | None,
    session: Session | None,
    copier: Copier,
    *,
    is_production: Callable[[Session], bool],
) -> None:
    """Ask how to sign in to the AWS console with a session, or say why it cannot."""
    from iamtui.credentials.signin import NOT_FOR_LONG_TERM, console_refusal  # noqa: PLC0415 - not before a frame
    from iamtui.tui.dialogs.console import ConsoleDialog  # noqa: PLC0415 - as above

    if workspace is None or session is None:
        screen.post_message(Notice(plain(f"There is no session: press a (F8) on a role first. {NOT_FOR_LONG_TERM}")))
        return
    if console_refusal(session):
        screen.post_message(Notice(plain(console_refusal(session))))
        return

    def done(said: str | None) -> None:
        if said:
            screen.post_message(Notice(plain(said), until_next=True))

    screen.app.push_screen(ConsoleDialog(workspace, session, copier, production=is_production(session)), done)


def show_revoke(
    screen: Screen[None],
    workspace: Workspace | None,
    subject: Node | Session | None,
    sessions: Sequence[Session],
    copier: Copier,
) -> None:
    """Show what would cut the older sessions of a role off.

    Args:
        subject: the role, or a session of it.
    """
    from iamtui.tui.dialogs.revoke import RevokeDialog  # noqa: PLC0415 - brings the engine: not before a frame

    arn = ""
    if isinstance(subject, Session):
        arn = subject.role_arn
    elif isinstance(subject, Role):
        arn = subject.arn
    if workspace is None or not arn:
        words = line("Put the cursor on a role, or on a session, to see how its older sessions are cut off.")
        screen.post_message(Notice(words, Severity.INFORMATION))
        return
    screen.app.push_screen(RevokeDialog(workspace, arn, sessions, copier))
