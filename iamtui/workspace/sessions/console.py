"""The AWS console for a session: what both doors do with AWS's sign-in."""

from __future__ import annotations

from iamtui.credentials.session import Clock, Session, utc_now
from iamtui.credentials.signin import SignIn, sign_in
from iamtui.workspace.workspace import Workspace


def open_console(
    workspace: Workspace,
    session: Session,
    *,
    wanted: str = "",
    seconds: int | None = None,
    regional: bool = False,
    clock: Clock = utc_now,
) -> SignIn:
    """A sign-in URL for a session. Blocking; see `iamtui.credentials.signin.sign_in`.

    Raises:
        Problem: the session has no console, or AWS's sign-in refuses or cannot be reached.
    """
    connection = workspace.connection
    return sign_in(
        session,
        wanted=wanted,
        seconds=seconds,
        regional=regional,
        ca_bundle=connection.ca_bundle() if connection is not None and not session.demo else "",
        clock=clock,
    )
