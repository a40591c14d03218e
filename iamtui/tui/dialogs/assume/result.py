"""AssumeResult: what the assume dialog gives back, enough to assume once more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from iamtui.credentials.session import Session

if TYPE_CHECKING:
    from iamtui.workspace.assume.assuming import AssumeInput


@dataclass(frozen=True, slots=True)
class AssumeResult:
    """A new session with how it came about.

    Args:
        session: the session.
        entered: what it was asked for with, without the MFA code: fit to be `prefilled` in another dialog.
        caller_key: `Session.key` of the session that assumed the role, or "" for the account's own caller.
    """

    session: Session
    entered: AssumeInput
    caller_key: str = ""
