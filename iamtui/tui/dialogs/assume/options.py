"""AssumeOptions: what the running program knows beside account and role, for the assume dialog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iamtui.credentials.session import Session

if TYPE_CHECKING:
    from iamtui.analysis.question import Question
    from iamtui.workspace.assume.assuming import AssumeInput, MfaSessions


@dataclass(frozen=True, slots=True)
class AssumeOptions:
    """What the dialog begins with. None of it is needed.

    Args:
        caller: the session that is to assume the role (role chaining); None is the account's own caller.
        callers: the live sessions that the user can choose instead.
        prefilled: what the fields begin with, in the place of what is remembered; its role is not looked at.
        mfa_sessions: those of the running program, so that one MFA code serves several roles.
        seconds: how long sessions are asked for when nothing else is said; None: AssumeRole's default.
        production: patterns of names that are marked as production (the setting `production`).
        questions: what the preview of a session policy answers first.
    """

    caller: Session | None = None
    callers: Sequence[Session] = ()
    prefilled: AssumeInput | None = None
    mfa_sessions: MfaSessions | None = None
    seconds: int | None = None
    production: str = ""
    questions: Sequence[Question] = ()


NO_OPTIONS = AssumeOptions()
