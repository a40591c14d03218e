"""HandOver: gives the active session to files, profiles, the clipboard, a shell or a program that waits for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from textual.app import App, SuspendNotSupported
from textual.content import Content
from textual.message import Message

from iamtui.credentials.child_process import SESSION_MARK, run_shell, session_mark, shell_of
from iamtui.credentials.clipboard import OnlyThroughTerminal
from iamtui.credentials.credentials_file import credentials_file, write_profile
from iamtui.credentials.export import DEFAULT_PROFILE, find_format, hand_over
from iamtui.credentials.export_values import environment_of, exportable
from iamtui.credentials.secure_files import AlreadyThere, write_private
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.tui import clock
from iamtui.tui.background import get_in_thread, run_worker_in_thread
from iamtui.tui.clipboard import Copier
from iamtui.tui.content import Severity, line, plain
from iamtui.tui.dialogs.dialogs import LineDialog, ask_to_replace, needed
from iamtui.tui.dialogs.list_dialogs import MenuDialog
from iamtui.tui.main.inventory import Branch, Kind
from iamtui.tui.sessions.export_dialog import FIELD, FORMAT, ExportDialog, ExportWay, copy_fields, copy_items
from iamtui.tui.sessions.text import PRODUCTION, account_of, role_name
from iamtui.tui.widgets.status import Notice, StatusLine
from iamtui.workspace.source.reference_commands import Provenance, format_reference, references

if TYPE_CHECKING:
    from iamtui.tui.assume.dialog import AssumeResult
    from iamtui.tui.drafts.controller import DraftController
    from iamtui.tui.main.paned import PanedScreen
    from iamtui.tui.sessions.export_dialog import ExportChoice
    from iamtui.workspace.assume.session_store import KeptSession
    from iamtui.workspace.source.reference_commands import Provenance
    from iamtui.workspace.source.workspace import Workspace


_CLEARING: Final = "clear"


class HandOver:
    """Hands the active session over; counts down until a copied secret is taken off the clipboard.

    Writes in threads; what is there already is replaced only when the user says so.
    """

    @dataclass(eq=False, repr=False)
    class Picked(Message, namespace="hand_over"):
        """The user picked this session for whoever started the picker.

        Args:
            agreed: whether they were asked already about what ends with the screen.
        """

        session: Session
        agreed: bool = False

    def __init__(self, screen: PanedScreen, copier: Copier, drafts: DraftController) -> None:
        self._screen = screen
        self._copier = copier
        self._drafts = drafts
        self.picking = ""
        """The format in which a session is picked for another program, or ""."""
        self._provenances: WeakKeyDictionary[KeptSession, Provenance] = WeakKeyDictionary()

    def title_of(self, doing: str, session: Session, *, counting: bool = True) -> Content:
        """Title of a dialog that hands a session over: the session, and what to mind.

        Args:
            counting: whether the time left is part of it.
        """
        marks: list[tuple[str, str]] = []
        if self._screen.sessions.is_production(session):
            marks.append(PRODUCTION)
        if session.demo:
            marks.append(("  DEMO", "bold $session-warning"))
        if session.identity is None or session.identity_error:
            marks.append(("  NOT confirmed", "bold $session-warning"))
        left = f"  {session.time_left_words(clock.now())}" if counting else ""
        return line(f"{doing} ", (role_name(session), "bold"), f"  {self.account_words(session)}", *marks, left)

    def account_words(self, session: Session) -> str:
        """The account of a session, with its alias where that is known; raw text."""
        workspace = self._drafts.source_workspace
        if workspace is None:
            return account_of(session)

        from iamtui.workspace.source.principals import alias_of

        return f"{account_of(session)} {alias_of(session, workspace.account)}".rstrip()

    def in_thread(self, doing: str, work: Callable[[], str]) -> None:
        """Do what blocks, and say the sentence that it returns, or its Problem."""
        get_in_thread(self._screen, work, self._say_done, name=doing, group="copy")

    def _say_done(self, said: str) -> None:
        if said:
            self._screen.post_message(Notice(plain(f"{said[:1].upper()}{said[1:]}")))

    def ask_file(self, session: Session, name: str) -> None:
        shown = "".join(c if c.isalnum() or c in "._-" else "-" for c in role_name(session)).lstrip(".-") or "session"
        proposed = find_format(name).file_name.format(role=shown)
        hint = plain("Only you can read it (0600).", "$muted")
        title = self.title_of(f"File, {name}, of", session)
        self._screen.app.push_screen(
            LineDialog(title, proposed, hint, check=needed, is_path=True),
            lambda path: self._write_file(session, name, path) if path else None,
        )

    def _write_file(self, session: Session, name: str, path: str, *, overwrite: bool = False) -> None:
        def work() -> str:
            text = hand_over(session, name, now=clock.now())
            written = write_private(Path(path), text, overwrite=overwrite)
            return f"Written to {written}, for you alone (0600). Nothing renews or removes it: delete it after use."

        self._writing(work, partial(self._write_file, session, name, path, overwrite=True), overwrite=overwrite)

    def ask_profile(self, session: Session) -> None:
        hint = line(
            (
                f"A section of {credentials_file(os.environ)}; all others stay as they are.",
                "$muted",
            )
        )
        title = self.title_of("Profile of", session)
        self._screen.app.push_screen(
            LineDialog(title, DEFAULT_PROFILE, hint, check=needed),
            lambda profile: self._write_profile(session, profile) if profile else None,
        )

    def _write_profile(self, session: Session, profile: str, *, overwrite: bool = False) -> None:
        def work() -> str:
            path = credentials_file(os.environ)
            write_profile(session, profile, path, overwrite=overwrite, now=clock.now())
            return f"Written to {path}: use it with --profile {profile}. Nothing renews it."

        self._writing(work, partial(self._write_profile, session, profile, overwrite=True), overwrite=overwrite)

    def _writing(self, work: Callable[[], str], again: Callable[[], None], *, overwrite: bool) -> None:
        """Write in a thread; what is there already is replaced only when the user says so."""

        def attempt() -> str:
            try:
                return work()
            except AlreadyThere as problem:
                if overwrite:
                    raise
                app = self._screen.app
                app.call_from_thread(ask_to_replace, app, problem.sentence, again)
                return ""

        self.in_thread("writing the credentials", attempt)

    # The sessions.

    def remember_request(self, workspace: Workspace, result: AssumeResult) -> None:
        """Keep the request of the active session, for the commands that repeat it."""
        keeper = self._screen.sessions.keeper
        kept = keeper.active
        if kept is None:
            return
        via: list[str] = []
        parent = keeper.get(kept.parent)
        while parent is not None:
            via.insert(0, parent.session.role_arn)
            parent = keeper.get(parent.parent)
        self._provenances[kept] = Provenance(workspace.source, result.entered, tuple(via))

    def _provenance(self, kept: KeptSession) -> Provenance:
        workspace = self._drafts.source_workspace
        assert workspace is not None, "there is no session before there is an account"
        return self._provenances.get(kept) or Provenance(workspace.source)

    def _kept_or_say(self) -> KeptSession | None:
        return self._screen.sessions.kept_or_say()

    def _format_name(self) -> str:
        try:
            return self._copier.format_name()
        except Problem as problem:
            self._screen.say(str(problem), Severity.WARNING)
            return "bash"

    # Picking.

    def pick_for(self, format_name: str) -> None:
        """Be a picker, for the format of this name. Call it before the screen is shown."""
        self.picking = format_name
        self._screen.first_branch = Branch(Kind.ROLES)

    def pick(self, *, agreed: bool = False) -> None:
        """Give the active session to whoever started the picker, or say why it cannot be given; see `Picked`."""
        kept = self._kept_or_say()
        if kept is None:
            return
        try:
            hand_over(kept.session, self.picking, now=clock.now())
        except Problem as problem:
            self._screen.say(str(problem), Severity.ERROR)
        else:
            self._screen.post_message(self.Picked(kept.session, agreed))

    # Copying.

    def copy_exports(self) -> None:
        kept = self._kept_or_say()
        if kept is not None:
            self.in_thread("copying the credentials", partial(self._copied_exports, kept))

    def _copied_exports(self, kept: KeptSession) -> str:
        """Copy the credentials; where that cannot be without a record of them, name the command that gets them."""
        try:
            return self._copier.copy_exports(kept.session)
        except OnlyThroughTerminal as problem:
            name = self._copier.format_name()
            shell = references(kept.session, self._provenance(kept), name)[0]
            if not shell.command:
                raise
            raise Problem(problem.sentence, f"Run this in your shell instead: {shell.command}") from None

    def copy_menu(self) -> None:
        kept = self._kept_or_say()
        if kept is None:
            return
        name, session = self._format_name(), kept.session
        items = copy_items(session, references(session, self._provenance(kept), name), name)
        self._screen.app.push_screen(
            MenuDialog(self.title_of("Copy of", session), items), partial(self._copy_chosen, kept)
        )

    def _copy_chosen(self, kept: KeptSession, key: str | None) -> None:
        what, _, name = (key or "").partition(":")
        if not what:
            return
        if what == FORMAT:
            work = partial(self._copier.copy_exports, kept.session, name)
        elif what == FIELD:
            field = copy_fields(kept.session)[name]
            if field.secret is not None:
                # The secret is taken out in the thread, where it is copied.
                secret = field.secret
                work = partial(lambda label: self._copier.copy_secret(secret(), label), field.label)
            else:
                work = partial(self._copier.copy_text, field.text, field.label)
        else:
            commands = references(kept.session, self._provenance(kept), self._format_name())
            found = next(command for command in commands if command.key == name)
            if not found.command:
                self._screen.say(found.note, Severity.ERROR)
                return
            work = partial(self._copier.copy_text, found.command, "Command")
        self.in_thread("copying", work)

    def copy_text(self, text: str, what: str, also: str = "") -> None:
        """Copy a text that is no secret; `what` names it in the message, `also` is a sentence to add."""

        def work() -> str:
            return f"{self._copier.copy_text(text, what)} {also}".rstrip()

        self.in_thread("copying a text", work)

    def copy_arn(self) -> None:
        node = self._screen.subject.node
        if node is None or isinstance(node, Branch):
            self._screen.say(plain("Put the cursor on something with an ARN to copy it."))
        else:
            self.copy_text(node.arn, "ARN")

    # The clipboard.

    def watch_clipboard(self) -> None:
        """Show how long a copied secret stays on the clipboard, and take it back when its time is over."""
        left = self._copier.time_left()
        self._screen.query_one(StatusLine).set_clipboard(left)
        if left is not None and left <= timedelta() and not self._is_clearing:
            run_worker_in_thread(self._screen, self._clear_clipboard, "clearing the clipboard", group=_CLEARING)

    @property
    def _is_clearing(self) -> bool:
        return any(worker.group == _CLEARING and not worker.is_finished for worker in self._screen.workers)

    def _clear_clipboard(self) -> None:
        said = self._copier.clear_now()
        if said:
            self._screen.post_message(Notice(plain(f"{said[:1].upper()}{said[1:]}.")))

    # Exporting.

    def export(self) -> None:
        kept = self._kept_or_say()
        if kept is None:
            return
        reference = partial(format_reference, kept.session, self._provenance(kept))
        dialog = ExportDialog(self.title_of("Export", kept.session), kept.session, reference, self._format_name())
        self._screen.app.push_screen(dialog, partial(self._export_chosen, kept))

    def _export_chosen(self, kept: KeptSession, choice: ExportChoice | None) -> None:
        if choice is None:
            return
        if choice.way is ExportWay.COPY:
            self.in_thread("copying", partial(self._copier.copy_exports, kept.session, choice.format))
        elif choice.way is ExportWay.FILE:
            self.ask_file(kept.session, choice.format)
        elif choice.way is ExportWay.PROFILE:
            self.ask_profile(kept.session)
        else:
            found = format_reference(kept.session, self._provenance(kept), choice.format)
            if found.command:
                self.in_thread("copying", partial(self._copier.copy_text, found.command, "Command"))
            else:
                self._screen.say(found.note, Severity.ERROR)

    # A shell.

    def sub_shell(self) -> None:
        kept = self._kept_or_say()
        if kept is not None:
            production = self._screen.sessions.is_production(kept.session)
            self._screen.say(*show_sub_shell(self._screen.app, kept.session, clock.now(), production=production))


# A shell with a session's credentials, in the place of the screen for a while.


def announcement(
    session: Session, environ: Mapping[str, str], now: datetime, *, width: int = 80, production: bool = False
) -> str:
    """Text above the shell's first prompt: its environment, and the way back.

    Args:
        production: whether the session looks like one of production.

    Raises:
        Problem: the session cannot be exported.
    """
    names = ", ".join(name for name, _ in environment_of(exportable(session, now)))
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
    return f"NOT confirmed: {session.identity_error or 'GetCallerIdentity was not called'}."


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
