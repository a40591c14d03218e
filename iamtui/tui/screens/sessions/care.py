"""SessionCareScreen: the main screen's part that holds sessions, renews them, forgets them in time and locks."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Final

from textual import on, work
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input

from iamtui.account.model import Role
from iamtui.config import AssumeConfig
from iamtui.credentials.session import SOON, Session
from iamtui.secret import Secret
from iamtui.tui import clock
from iamtui.tui.copying import Copier
from iamtui.tui.safe import line, plain
from iamtui.tui.screens.sessions.handing_over import HandingOverScreen
from iamtui.tui.widgets.notice import Notice, Severity
from iamtui.tui.widgets.session_care_text import about, dropped_words, orphans_words
from iamtui.tui.widgets.session_text import assumed_words, role_name
from iamtui.tui.widgets.sessions import SessionsPanel
from iamtui.workspace.sessions.keeping import GONE_CALLER, KeptSession, Origin
from iamtui.workspace.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.tui.dialogs.assume.result import AssumeResult
    from iamtui.tui.screens.sessions.lock import LockScreen
    from iamtui.workspace.assume.assuming import AssumeInput
    from iamtui.workspace.assume.mfa_sessions import MfaSessions

_RENEW: Final = "renew"

DEFAULT_ASSUME_CONFIG: Final = AssumeConfig()


class SessionCareScreen(HandingOverScreen):
    """Cares for the sessions that the panel holds."""

    def __init__(
        self, copier: Copier, assume_config: AssumeConfig = DEFAULT_ASSUME_CONFIG, production: str = ""
    ) -> None:
        """Make the screen.

        Args:
            production: patterns for names of accounts and roles that are marked as production.
        """
        super().__init__(copier)
        self._production = production
        self._assume_config = assume_config
        self._mfa_sessions: MfaSessions | None = None
        self._codes: list[str] = []
        """Keys of the sessions whose renewal waits for an MFA code, until the user can be asked."""

    def on_mount(self) -> None:
        """Mark production, and ask for codes when nothing else is being typed."""
        self.sessions.is_production = self.is_production
        self.set_interval(1, self.ask_for_codes)

    @property
    def sessions(self) -> SessionsPanel:
        """The sessions panel."""
        return self.query_one(SessionsPanel)

    def is_production(self, session: Session) -> bool:
        """Whether a session's account or role looks like production."""
        from iamtui.workspace.production import session_is_production  # noqa: PLC0415 - only with a session

        workspace = self.source_workspace
        return session_is_production(session, workspace.account if workspace is not None else None, self._production)

    def on_screen_suspend(self) -> None:
        """Nothing stays readable under a dialog."""
        self.sessions.mask()

    # Holding.

    def hold(self, result: AssumeResult, workspace: Workspace) -> None:
        """Hold a session that was just assumed, with what it takes to renew it.

        Args:
            workspace: the account it was assumed in, with its own caller.
        """
        from iamtui.workspace.sessions.renewing import Renewal  # noqa: PLC0415 - brings the engine: not before a frame

        keeper, entered = self.sessions.keeper, result.entered
        parent = keeper.by_access_key(result.caller_key)
        if result.caller_key and parent is None:
            self.sessions.add_session(result.session, GONE_CALLER)
            return
        caller = partial(keeper.newest, parent.key) if parent is not None else None
        renewal = Renewal(workspace, entered, caller=caller, mfa_sessions=self.mfa_sessions, clock=clock.now)
        origin = Origin(renewal, renewal.needs_code, mfa_serial=entered.mfa_serial)
        self.sessions.add_session(result.session, origin, parent=parent.key if parent is not None else "")
        self._load_endpoint()

    @work(thread=True, exclusive=True, exit_on_error=False, group="load-endpoint", name="loading the endpoint")
    def _load_endpoint(self) -> None:
        """Load what serves a session, so that its key need not wait."""
        import_module("iamtui.tui.screens.sessions.endpoint")

    def action_assume_from_session(self) -> None:
        """Ask how to assume a role as the active session: the role under the tree's cursor, or any."""
        kept = self.sessions.kept_or_say()
        if kept is not None:
            node = self.subject.node
            role = node.arn if isinstance(node, Role) and node.arn != kept.session.role_arn else None
            self.open_assume(role, caller=kept.session)

    def open_assume(
        self, role_arn: str | None, *, caller: Session | None = None, prefilled: AssumeInput | None = None
    ) -> None:
        """Ask how to assume a role; `AssumeOptions` says what the arguments mean."""
        from iamtui.tui.dialogs.assume.dialog import AssumeDialog  # noqa: PLC0415 - brings the engine: not before a frame
        from iamtui.tui.dialogs.assume.options import AssumeOptions  # noqa: PLC0415 - likewise

        # AWS decides about the account as it is, whatever a draft says.
        workspace = self.source_workspace
        if workspace is None:
            self.say(plain("Open an account first: P chooses one."))
            return
        question = self.question.question
        options = AssumeOptions(
            caller=caller,
            callers=self.sessions.sessions,
            prefilled=prefilled,
            mfa_sessions=self.mfa_sessions,
            seconds=self._assume_config.seconds,
            production=self._production,
            questions=(question,) if question is not None else (),
        )
        dialog = AssumeDialog(workspace, role_arn, options)

        def closed(result: AssumeResult | None) -> None:
            self.signed_in_anew(dialog.workspace)
            self.assumed(dialog.workspace, result)

        self.app.push_screen(dialog, closed)

    @property
    def mfa_sessions(self) -> MfaSessions:
        """The codes that serve several roles, as long as they do."""
        from iamtui.workspace.assume.mfa_sessions import MfaSessions  # noqa: PLC0415 - brings the engine: not before a frame

        if self._mfa_sessions is None:
            self._mfa_sessions = MfaSessions(self._assume_config.mfa_seconds, clock=clock.now)
        return self._mfa_sessions

    def assumed(self, workspace: Workspace, result: AssumeResult | None) -> None:
        """Hold what the assume dialog gave, and say who one has become."""
        if result is not None:
            self.hold(result, workspace)
            self.remember_request(workspace, result)
            self.post_message(
                Notice(assumed_words(result.session, clock.now(), picking=bool(self.picking)), until_next=True)
            )

    # Renewing.

    def action_renew_session(self) -> None:
        """Renew the active session now."""
        kept = self.sessions.kept_or_say()
        if kept is None:
            return
        if not kept.renewer.possible:
            self.say(plain(kept.origin.why_not), Severity.WARNING)
        elif kept.renewer.needs_code:
            self._ask_for_code(kept)
        else:
            self._renew(kept, None)

    def action_switch_renewal(self) -> None:
        """Renew the active session before its end from now on, or let it end."""
        kept = self.sessions.kept_or_say()
        if kept is not None:
            self.say(self.switch_renewal(kept), Severity.INFORMATION if kept.renewer.possible else Severity.WARNING)

    def switch_renewal(self, kept: KeptSession) -> Content:
        """Switch; returns what became of it."""
        if not kept.renewer.possible:
            return plain(kept.origin.why_not)
        kept.renewer.switch(not kept.renewer.switched_on)
        self.sessions.draw()
        name = (role_name(kept.session), "bold")
        left = kept.session.time_left(clock.now())
        if not kept.renewer.switched_on:
            ends = f"it ends in {about(left)}" if left else "it has EXPIRED"
            return line("The session of ", name, f" is not renewed any more: {ends}.")
        if kept.renewer.needs_code:
            return line("For the session of ", name, " you are asked for an MFA code ten minutes before its end.")
        due = kept.renewer.due_in()
        when = f"first in {about(due)}" if due else "at once"
        return line("The session of ", name, f" is renewed from now on, {when}; R switches it off.")

    def _renew(self, kept: KeptSession, code: Secret | None) -> None:
        self.say(line("Renewing the session of ", (role_name(kept.session), "bold"), " …"), stays=True)
        work = partial(kept.renewer.renew_now, code)
        self.run_worker(work, thread=True, group=_RENEW, name="renewing a session", exit_on_error=False)
        self.sessions.draw()

    @on(SessionsPanel.CodeWanted)
    def _code_wanted(self, event: SessionsPanel.CodeWanted) -> None:
        event.stop()
        if event.kept.key not in self._codes:
            self._codes.append(event.kept.key)
        self.ask_for_codes()

    def ask_for_codes(self) -> None:
        """Ask for the codes that renewals wait for, unless that would catch what the user is typing elsewhere."""
        if not self._codes or self.app.screen is not self or isinstance(self.focused, Input):
            return
        kept = self.sessions.keeper.get(self._codes.pop(0))
        if kept is not None and kept.renewer.switched_on and kept.session.time_left(clock.now()) < SOON:
            self._ask_for_code(kept)

    def _ask_for_code(self, kept: KeptSession) -> None:
        from iamtui.tui.dialogs.mfa_code import CodeDialog  # noqa: PLC0415 - brings the engine: not before a frame

        def words() -> Content:
            left = kept.session.time_left_words(clock.now())
            state = ("has EXPIRED", "bold $session-expired") if left == "EXPIRED" else (f"ends in {left}", "bold")
            device = kept.origin.mfa_serial.rsplit(":", 1)[-1]
            return line("The session ", state, f". Renewing it takes a code of {device}." if device else ".")

        def answered(code: Secret | None) -> None:
            if code is not None and self.sessions.keeper.get(kept.key) is kept:
                self._renew(kept, code)

        title = line("Renew ", (role_name(kept.session), "bold"))
        self.app.push_screen(CodeDialog(title, words), answered)

    # Forgetting.

    def action_forget_session_at(self) -> None:
        """Ask when to forget the active session."""
        from iamtui.tui.dialogs.moment import MOMENT_HINT, parse_moment  # noqa: PLC0415 - not before a frame
        from iamtui.tui.dialogs.prompts import LineDialog  # noqa: PLC0415 - as above

        kept = self.sessions.kept_or_say()
        if kept is None:
            return

        def wrong(text: str) -> str:
            return "" if not text or parse_moment(text, clock.now()) is not None else MOMENT_HINT

        def answered(text: str | None) -> None:
            if text is not None and self.sessions.keeper.get(kept.key) is kept:
                self._forget_at(kept, text)

        title = line("Forget ", (role_name(kept.session), "bold"), " at or after")
        hint = plain(f"{MOMENT_HINT} Empty: never.")
        self.app.push_screen(LineDialog(title, "", hint, check=wrong), answered)

    def _forget_at(self, kept: KeptSession, text: str) -> None:
        from iamtui.tui.dialogs.moment import parse_moment  # noqa: PLC0415 - as above

        now = clock.now()
        kept.forget_at = parse_moment(text, now) if text else None
        self.sessions.draw()
        name = (role_name(kept.session), "bold")
        if kept.forget_at is None:
            self.say(line("The session of ", name, " is kept until you forget it."))
        else:
            at = f"{kept.forget_at.astimezone():%H:%M}"
            before = kept.session.time_left(now) < kept.forget_at - now and not kept.renewer.switched_on
            but = " It ends before that." if before else ""
            orphans = orphans_words(self.sessions.keeper.children(kept.key), gone=False)
            when = f" is forgotten in {about(kept.forget_at - now)}, at {at}.{but} "
            self.say(line("The session of ", name, when, orphans).rstrip())

    # Locking.

    @property
    def holds_secrets(self) -> bool:
        """Whether locking would drop anything."""
        return bool(len(self.sessions.keeper) or (self._mfa_sessions is not None and self._mfa_sessions.live()))

    def on_unmount(self) -> None:
        """Nothing outlives the screen."""
        self._forget_mfa_sessions()

    def _forget_mfa_sessions(self) -> int:
        """Drop the shared MFA sessions; returns how many there were."""
        if self._mfa_sessions is None:
            return 0
        count = len(self._mfa_sessions.live())
        self._mfa_sessions.forget_all()
        return count

    def lock_up(self, why: str = "") -> None:
        """Drop every session, whatever else is secret, and hide the screen.

        Args:
            why: what locks it when it is not the user, one sentence.
        """
        from iamtui.tui.screens.sessions.lock import LockScreen  # noqa: PLC0415 - not before a frame

        if isinstance(self.app.screen, LockScreen):
            return
        self._codes.clear()
        self.sessions.mask()
        dropped = replace(self.sessions.forget_all(), mfa_sessions=self._forget_mfa_sessions())
        # Dialogs are about a session, hold what is typed, or wait for STS: none of that may outlast the lock, and
        # neither may what was opened from one.
        stack = list(self.app.screen_stack)
        first = next((i for i, screen in enumerate(stack) if isinstance(screen, ModalScreen)), len(stack))
        for screen in reversed(stack[first:]):
            screen.dismiss(None)
        lock = LockScreen(dropped_words(dropped), why)
        self.app.push_screen(lock)
        self._clear_for_lock(lock)

    @work(thread=True, exit_on_error=False, group="lock", name="clearing the clipboard")
    def _clear_for_lock(self, screen: LockScreen) -> None:
        said = self._copier.clear_now()
        self.app.call_from_thread(screen.show_clipboard, said)
