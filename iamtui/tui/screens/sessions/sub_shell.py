"""A shell with a session's credentials, in the place of the screen for a while."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import datetime
from textwrap import wrap

from textual.app import App, SuspendNotSupported
from textual.content import Content

from iamtui.credentials.environment import SESSION_MARK, session_mark
from iamtui.credentials.formats import exportable
from iamtui.credentials.processes import run_shell, shell_of
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.tui.safe import line, plain
from iamtui.tui.widgets.notice import Severity


def announcement(
    session: Session, environ: Mapping[str, str], now: datetime, *, width: int = 80, production: bool = False
) -> str:
    """What the terminal shows above the shell's first prompt: what is set, and the way back.

    Args:
        production: whether the session looks like one of production.

    Raises:
        Problem: the session cannot be exported.
    """
    names = ", ".join(name for name, _ in exportable(session, now).variables)
    inside = environ.get(SESSION_MARK, "")
    paragraphs = (
        f"iamtui: {shell_of(environ)} with the session {session_mark(session)}, {session.time_left_words(now)} left.",
        _who(session),
        "PRODUCTION: the role or its account is marked as such." if production else "",
        "DEMO credentials: they work nowhere else." if session.demo else "",
        f"Set: {names}, and {SESSION_MARK} for your prompt. Profiles and other credentials are taken out.",
        f"Nested: iamtui itself runs in the session {inside}, which this one covers." if inside else "",
        "Type exit (or Ctrl+D) to come back to the screen.",
    )
    return "\n".join(row for text in paragraphs if text for row in wrap(safe_text(text), max(width, 20)))


def _who(session: Session) -> str:
    if session.identity is not None and not session.identity_error:
        return f"Confirmed as {session.identity.arn}."
    return f"NOT confirmed: {session.identity_error or 'GetCallerIdentity was not asked'}."


def show_sub_shell(app: App[None], session: Session, now: datetime, *, production: bool) -> tuple[Content, Severity]:
    """Suspend the screen, run the user's shell with a session's credentials, and come back.

    Args:
        production: whether the session looks like one of production, which is said.

    Returns:
        The sentence for the message line.
    """
    try:
        words = announcement(session, os.environ, now, width=app.size.width, production=production)
        with app.suspend():
            if sys.__stderr__ is not None:
                sys.__stderr__.write(f"\n{words}\n\n")
                sys.__stderr__.flush()
            code = run_shell(session)
    except SuspendNotSupported:
        return plain("A shell needs the terminal, which iamtui cannot give away here."), Severity.ERROR
    except Problem as problem:
        return plain(problem), Severity.ERROR
    back = line("Back from the shell of ", (session_mark(session), "bold"), f": exit code {code}.")
    return back, Severity.INFORMATION
