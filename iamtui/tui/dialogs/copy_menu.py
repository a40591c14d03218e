"""What can be copied of a session, as a menu: a reference, one field, one format. Pure, no widget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from iamtui.credentials.formats import FORMATS, aws_time
from iamtui.credentials.session import Session
from iamtui.secret import Secret
from iamtui.tui.dialogs.menu import MenuItem
from iamtui.tui.widgets.session_text import MASK
from iamtui.workspace.assume.chaining import session_arn
from iamtui.workspace.sessions.references import Reference

REFERENCE, FIELD, FORMAT = "reference", "field", "format"
"""What stands before the colon of a key."""

FORMAT_LETTERS: Final = {
    "bash": "b", "posix": "s", "fish": "f", "powershell": "w", "cmd": "m", "json": "o", "dotenv": "e",
    "credentials": "a", "docker": "d", "docker-env-file": "n", "terraform": "t",
}  # fmt: skip
"""No letter may move the cursor (g, h, j, k, l) or leave (q)."""

_REFERENCE_LETTERS: Final = {"shell": "r", "exec": "x", "serve": "v", "process": "p"}

HOLDS_SECRET: Final = "Holds the secret: it is taken off the clipboard again, but a clipboard manager may keep a copy."


@dataclass(frozen=True, slots=True)
class CopyField:
    """One value of a session.

    Args:
        label: what it is called.
        shown: what the menu shows, masked where it is secret.
        secret: the text when it is to be taken back, else None.
        text: the text when it is not.
    """

    label: str
    shown: str
    secret: Callable[[], Secret] | None = None
    text: str = ""


def copy_fields(session: Session) -> dict[str, CopyField]:
    """The fields of a session by their digit."""
    arn = session.identity.arn if session.identity is not None else session_arn(session)
    end = aws_time(session.expires_at)
    return {
        "1": CopyField("Access key id", session.masked_access_key_id, lambda: Secret(session.access_key_id)),
        "2": CopyField("Secret access key", MASK, lambda: session.secret_access_key),
        "3": CopyField("Session token", MASK, lambda: session.session_token),
        "4": CopyField("Session ARN", arn, text=arn),
        "5": CopyField("Account", session.account, text=session.account),
        "6": CopyField("Role ARN", session.role_arn, text=session.role_arn),
        "7": CopyField("Expiry", end, text=end),
    }


def copy_items(session: Session, commands: Sequence[Reference], default_format: str) -> list[MenuItem]:
    """The menu for a session; its first line is the reference command of the user's shell.

    Args:
        session: the session.
        commands: its reference commands.
        default_format: what the key that copies without a menu copies.
    """
    items = [MenuItem("", "By reference: a command, without the secret")]
    for found in commands:
        value = found.command or "cannot be written"
        items.append(
            MenuItem(f"{REFERENCE}:{found.key}", found.label, _REFERENCE_LETTERS[found.key], value, found.note)
        )
    items.append(MenuItem("", "One field"))
    for digit, field in copy_fields(session).items():
        detail = HOLDS_SECRET if field.secret is not None else "No secret: it stays on the clipboard."
        items.append(MenuItem(f"{FIELD}:{digit}", field.label, digit, field.shown, detail))
    items.append(MenuItem("", "One format, with the secret"))
    for name, entry in FORMATS.items():
        value = "what c copies" if name == default_format else "" if entry.secret else "holds no secret"
        detail = HOLDS_SECRET if entry.secret else "Names of variables only: use it where they are set."
        items.append(MenuItem(f"{FORMAT}:{name}", entry.label, FORMAT_LETTERS.get(name, ""), value, detail))
    return items
