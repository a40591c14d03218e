"""What a text of credentials will look like, with marks in the place of everything secret."""

from __future__ import annotations

from typing import Final

from iamtui.credentials.formats.catalogue import DEFAULT_PROFILE, Layout, find_format
from iamtui.credentials.formats.exportable import Exportable, aws_time
from iamtui.credentials.session import Session
from iamtui.secret import Secret
from iamtui.text import safe_text

MASK: Final = "••••"

_KEY_ID, _SECRET, _TOKEN = "IAMTUIKEYID0000001", "IAMTUI/SECRET/0000000002", "IAMTUI/TOKEN/0000000000003"


def preview(session: Session, name: str, *, for_paste: bool = False, profile: str = DEFAULT_PROFILE) -> str:
    """The text that `hand_over` would make, with the access key id shortened and secret and token masked.

    It is made from stand-ins, quoted as the real values are; no secret is put into it and taken out again.

    Args:
        session: whose text; it may have expired.
        name: the format's name.
        for_paste, profile: as in Layout.

    Raises:
        Problem: no such format, or a value cannot be quoted there.
    """
    account = session.identity.account if session.identity is not None else ""
    stand_in = Exportable(
        _KEY_ID,
        _like(_SECRET, session.secret_access_key),
        _like(_TOKEN, session.session_token),
        aws_time(session.expires_at),
        session.region,
        account,
        session.demo,
    )
    text = find_format(name).render(stand_in, Layout(for_paste, profile)).reveal()
    for stand, shown in (
        (_KEY_ID, session.masked_access_key_id),
        (stand_in.secret_access_key.reveal(), MASK),
        (stand_in.session_token.reveal(), MASK),
    ):
        text = text.replace(stand, shown)
    return "\n".join(safe_text(row, limit=None) for row in text.split("\n"))


def _like(stand_in: str, secret: Secret) -> Secret:
    """A stand-in that is quoted as the secret is: an equals sign is what shells need quotes for."""
    return Secret(f"{stand_in}=" if "=" in secret.reveal() else stand_in)
