"""ExportingScreen: the main screen's part that writes sessions into files and profiles."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from textual.content import Content

from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.safe import line, plain
from iamtui.tui.screens.drafts.drafting import DraftingScreen
from iamtui.tui.widgets.notice import Notice, Severity
from iamtui.tui.widgets.session_text import PRODUCTION, account_of, role_name
from iamtui.tui.widgets.sessions import SessionsPanel

FILE_NAMES: Final[Mapping[str, str]] = {
    "bash": "{role}.sh", "posix": "{role}.sh", "fish": "{role}.fish", "powershell": "{role}.ps1", "cmd": "{role}.cmd",
    "json": "{role}.json", "dotenv": ".env", "docker-env-file": "{role}.env", "terraform": "{role}.tf",
}  # fmt: skip
"""What a file in a format is called, unless the user says otherwise."""


class ExportingScreen(DraftingScreen):
    """Writes in threads; what is there already is replaced only when the user says so."""

    def title_of(self, doing: str, session: Session, *, counting: bool = True) -> Content:
        """What a dialog that hands a session over is called: whose session it is, and what to think of.

        Args:
            counting: whether the time left is part of it.
        """
        marks: list[tuple[str, str]] = []
        if self.query_one(SessionsPanel).is_production(session):
            marks.append(PRODUCTION)
        if session.demo:
            marks.append(("  DEMO", "bold $session-warning"))
        if session.identity is None or session.identity_error:
            marks.append(("  NOT confirmed", "bold $session-warning"))
        left = f"  {session.time_left_words(clock.now())}" if counting else ""
        return line(f"{doing} ", (role_name(session), "bold"), f"  {self.account_words(session)}", *marks, left)

    def account_words(self, session: Session) -> str:
        """The account of a session, with its alias where that is known; raw text."""
        from iamtui.workspace.production import alias_of  # noqa: PLC0415 - not before the first frame

        workspace = self.source_workspace
        alias = alias_of(session, workspace.account) if workspace is not None else ""
        return f"{account_of(session)} {alias}".rstrip()

    def in_thread(self, doing: str, work: Callable[[], str]) -> None:
        """Do what blocks, and say the sentence that it returns, or its Problem."""
        self.run_worker(
            partial(self._doing, work), doing, group="copy", exclusive=True, exit_on_error=False, thread=True
        )

    def _doing(self, work: Callable[[], str]) -> None:
        try:
            said, severity = work(), Severity.INFORMATION
        except Problem as problem:
            said, severity = str(problem), Severity.ERROR
        if said:
            self.post_message(Notice(plain(f"{said[:1].upper()}{said[1:]}"), severity))

    def ask_file(self, session: Session, name: str) -> None:
        """Ask where, then write a session in the format of this name."""
        from iamtui.tui.dialogs.prompts import LineDialog, needed  # noqa: PLC0415 - not before the first frame

        shown = "".join(c if c.isalnum() or c in "._-" else "-" for c in role_name(session)).lstrip(".-") or "session"
        proposed = FILE_NAMES.get(name, "{role}.txt").format(role=shown)
        hint = plain("Only you can read it (0600). Escape goes back.", "$muted")
        title = self.title_of(f"File, {name}, of", session)
        self.app.push_screen(
            LineDialog(title, proposed, hint, check=needed),
            lambda path: self._write_file(session, name, path) if path else None,
        )

    def _write_file(self, session: Session, name: str, path: str, *, overwrite: bool = False) -> None:
        def work() -> str:
            from iamtui.credentials.formats import hand_over  # noqa: PLC0415 - not before the first frame
            from iamtui.credentials.private_file import write_private  # noqa: PLC0415 - likewise

            text = hand_over(session, name, now=clock.now())
            written = write_private(Path(path), text, overwrite=overwrite)
            return f"Written to {written}, for you alone (0600). Nothing renews or removes it: delete it after use."

        self._writing(work, partial(self._write_file, session, name, path, overwrite=True), overwrite=overwrite)

    def ask_profile(self, session: Session) -> None:
        """Ask for the name, then write a session into a profile."""
        from iamtui.credentials.credentials_file import credentials_file  # noqa: PLC0415 - not before the first frame
        from iamtui.credentials.formats import DEFAULT_PROFILE  # noqa: PLC0415 - likewise
        from iamtui.tui.dialogs.prompts import LineDialog, needed  # noqa: PLC0415 - likewise

        hint = line((f"A section of {credentials_file(os.environ)}; all others stay as they are.", "$muted"))
        title = self.title_of("Profile of", session)
        self.app.push_screen(
            LineDialog(title, DEFAULT_PROFILE, hint, check=needed),
            lambda profile: self._write_profile(session, profile) if profile else None,
        )

    def _write_profile(self, session: Session, profile: str, *, overwrite: bool = False) -> None:
        def work() -> str:
            from iamtui.credentials.credentials_file import (  # noqa: PLC0415 - not before the first frame
                credentials_file,
                write_profile,
            )

            path = credentials_file(os.environ)
            write_profile(session, profile, path, overwrite=overwrite, now=clock.now())
            return f"Written to {path}: use it with --profile {profile}. Nothing renews it."

        self._writing(work, partial(self._write_profile, session, profile, overwrite=True), overwrite=overwrite)

    def _writing(self, work: Callable[[], str], again: Callable[[], None], *, overwrite: bool) -> None:
        """Write in a thread; what is there already is replaced only when the user says so."""

        def attempt() -> str:
            from iamtui.credentials.private_file import AlreadyThere  # noqa: PLC0415 - not before the first frame

            try:
                return work()
            except AlreadyThere as problem:
                if overwrite:
                    raise
                self.app.call_from_thread(self._ask_replace, problem.sentence, again)
                return ""

        self.in_thread("writing the credentials", attempt)

    def _ask_replace(self, sentence: str, again: Callable[[], None]) -> None:
        from iamtui.tui.dialogs.prompts import ChoiceDialog  # noqa: PLC0415 - not before the first frame
        from iamtui.tui.widgets.draft.option_lines import Choice  # noqa: PLC0415 - likewise

        choices = [Choice("keep", "Leave it as it is"), Choice("replace", "Replace it")]
        self.app.push_screen(
            ChoiceDialog(line("Replace it?"), choices, hint=plain(sentence)),
            lambda chosen: again() if chosen == "replace" else None,
        )
