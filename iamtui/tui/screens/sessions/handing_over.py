"""HandingOverScreen: the main screen's part that hands the active session over, and takes copies of secrets back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from textual import on, work
from textual.message import Message
from textual.widgets import OptionList

from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.copying import Copier
from iamtui.tui.inventory import Branch, Kind
from iamtui.tui.safe import plain
from iamtui.tui.screens.sessions.exporting import ExportingScreen
from iamtui.tui.widgets.notice import Notice, Severity
from iamtui.tui.widgets.sessions import SessionsPanel
from iamtui.tui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from iamtui.tui.dialogs.assume.result import AssumeResult
    from iamtui.tui.dialogs.export import ExportChoice
    from iamtui.workspace.sessions.keeping import KeptSession
    from iamtui.workspace.sessions.references import Provenance
    from iamtui.workspace.workspace import Workspace

_CLEARING: Final = "clear"


class HandingOverScreen(ExportingScreen):
    """Hands the active session over; counts down until a copied secret is taken off the clipboard."""

    @dataclass(eq=False, repr=False)
    class Picked(Message):
        """The user picked this session for whoever started the picker.

        Args:
            agreed: whether they were asked already about what ends with the screen.
        """

        session: Session
        agreed: bool = False

    def __init__(self, copier: Copier) -> None:
        super().__init__(copier)
        self.picking = ""
        """The format in which a session is picked for another program, or ""."""
        self._provenances: dict[str, Provenance] = {}

    def on_mount(self) -> None:
        """Watch the clipboard."""
        self.set_interval(1, self.watch_clipboard)
        self.query_one(StatusLine).set_picking(self.picking)

    # The sessions.

    def remember_request(self, workspace: Workspace, result: AssumeResult) -> None:
        """Keep how the active session was asked for, for the commands that ask for the same again."""
        from iamtui.workspace.sessions.references import Provenance  # noqa: PLC0415 - with the dialog: not before a frame

        keeper = self.query_one(SessionsPanel).keeper
        kept = keeper.active
        if kept is None:
            return
        via: list[str] = []
        parent = keeper.get(kept.parent)
        while parent is not None:
            via.insert(0, parent.session.role_arn)
            parent = keeper.get(parent.parent)
        self._provenances[kept.key] = Provenance(workspace.source, result.entered, tuple(via))

    def _provenance(self, kept: KeptSession) -> Provenance:
        from iamtui.workspace.sessions.references import Provenance  # noqa: PLC0415 - as above

        workspace = self.source_workspace
        assert workspace is not None, "there is no session before there is an account"
        return self._provenances.get(kept.key) or Provenance(workspace.source)

    def _kept_or_say(self) -> KeptSession | None:
        return self.query_one(SessionsPanel).kept_or_say()

    def _format_name(self) -> str:
        try:
            return self._copier.format_name()
        except Problem as problem:
            self.say(str(problem), Severity.WARNING)
            return "bash"

    # Picking.

    def pick_for(self, format_name: str) -> None:
        """Be a picker, for the format of this name. Call it before the screen is shown."""
        self.picking = format_name
        self.first_branch = Branch(Kind.ROLES)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """One key either copies or hands over."""
        if action in ("pick", "copy_exports") and bool(self.picking) is not (action == "pick"):
            return False
        return super().check_action(action, parameters)

    def action_pick(self) -> None:
        """Give the active session to whoever started the picker."""
        self.pick()

    def pick(self, *, agreed: bool = False) -> None:
        """Give the active session to whoever started the picker, or say why it cannot be given; see `Picked`."""
        from iamtui.credentials.formats import hand_over  # noqa: PLC0415 - not before the first frame

        kept = self._kept_or_say()
        if kept is None:
            return
        try:
            hand_over(kept.session, self.picking, now=clock.now())
        except Problem as problem:
            self.say(str(problem), Severity.ERROR)
        else:
            self.post_message(self.Picked(kept.session, agreed))

    @on(OptionList.OptionSelected, "#sessions")
    def _session_chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self.picking:
            self.action_pick()

    # Copying.

    def action_copy_exports(self) -> None:
        """Copy the active session in the user's format."""
        kept = self._kept_or_say()
        if kept is not None:
            self.in_thread("copying the credentials", lambda: self._copier.copy_exports(kept.session))

    def action_copy_menu(self) -> None:
        """Let the user choose what to copy of the active session."""
        from iamtui.tui.dialogs.copy_menu import copy_items  # noqa: PLC0415 - not before the first frame
        from iamtui.tui.dialogs.menu import MenuDialog  # noqa: PLC0415 - likewise
        from iamtui.workspace.sessions.references import references  # noqa: PLC0415 - likewise

        kept = self._kept_or_say()
        if kept is None:
            return
        name, session = self._format_name(), kept.session
        items = copy_items(session, references(session, self._provenance(kept), name), name)
        self.app.push_screen(MenuDialog(self.title_of("Copy of", session), items), partial(self._copy_chosen, kept))

    def _copy_chosen(self, kept: KeptSession, key: str | None) -> None:
        from iamtui.tui.dialogs.copy_menu import FIELD, FORMAT, copy_fields  # noqa: PLC0415 - as above
        from iamtui.workspace.sessions.references import references  # noqa: PLC0415 - as above

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
                self.say(found.note, Severity.ERROR)
                return
            work = partial(self._copier.copy_text, found.command, "Command")
        self.in_thread("copying", work)

    # The clipboard.

    def watch_clipboard(self) -> None:
        """Show how long a copied secret stays on the clipboard, and take it back when its time is over."""
        left = self._copier.time_left()
        self.query_one(StatusLine).set_clipboard(left)
        if left is not None and left <= timedelta() and not self._is_clearing:
            self._clear_clipboard()

    @property
    def _is_clearing(self) -> bool:
        return any(worker.group == _CLEARING and not worker.is_finished for worker in self.workers)

    @work(thread=True, exit_on_error=False, group=_CLEARING, name="clearing the clipboard")
    def _clear_clipboard(self) -> None:
        said = self._copier.clear_now()
        if said:
            self.post_message(Notice(plain(f"{said[:1].upper()}{said[1:]}.")))

    # Exporting.

    def action_export(self) -> None:
        """Show the active session in every format, and the ways to hand it over."""
        from iamtui.tui.dialogs.export import ExportDialog  # noqa: PLC0415 - not before the first frame
        from iamtui.workspace.sessions.references import format_reference  # noqa: PLC0415 - likewise

        kept = self._kept_or_say()
        if kept is None:
            return
        reference = partial(format_reference, kept.session, self._provenance(kept))
        dialog = ExportDialog(self.title_of("Export", kept.session), kept.session, reference, self._format_name())
        self.app.push_screen(dialog, partial(self._export_chosen, kept))

    def _export_chosen(self, kept: KeptSession, choice: ExportChoice | None) -> None:
        from iamtui.tui.dialogs.export import ExportWay  # noqa: PLC0415 - as above
        from iamtui.workspace.sessions.references import format_reference  # noqa: PLC0415 - as above

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
                self.say(found.note, Severity.ERROR)

    # A shell.

    def action_sub_shell(self) -> None:
        """Give the terminal to a shell with the active session."""
        from iamtui.tui.screens.sessions.sub_shell import show_sub_shell  # noqa: PLC0415 - not before the first frame

        kept = self._kept_or_say()
        if kept is not None:
            production = self.query_one(SessionsPanel).is_production(kept.session)
            self.say(*show_sub_shell(self.app, kept.session, clock.now(), production=production))
