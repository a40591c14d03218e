"""SessionLifecycle: holds sessions, renews them, forgets them in time, locks, and asks before they are lost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from msgspec import structs
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from iamtui.account.model import Role
from iamtui.config import AssumeConfig
from iamtui.credentials.session import SOON, Session
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.tui import clock
from iamtui.tui.background import run_worker_in_thread
from iamtui.tui.clipboard import Copier
from iamtui.tui.content import Severity, line, lines, plain
from iamtui.tui.dialogs.dialogs import LineDialog
from iamtui.tui.sessions.export_dialog import MOMENT_HINT, CodeDialog, LeaveDialog, Leaving, parse_moment
from iamtui.tui.sessions.text import (
    about,
    assumed_words,
    dropped_words,
    leaving_words,
    losses,
    orphans_words,
    role_name,
)
from iamtui.tui.widgets.status import Notice
from iamtui.workspace.assume.session_store import GONE_CALLER, KeptSession, Origin
from iamtui.workspace.source.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.tui.assume.dialog import AssumeDialog, AssumeResult
    from iamtui.tui.drafts.controller import DraftController
    from iamtui.tui.main.paned import PanedScreen
    from iamtui.tui.reports.report_screen import Chosen
    from iamtui.tui.sessions.hand_over import HandOver
    from iamtui.tui.sessions.panel import SessionsPanel
    from iamtui.workspace.assume.mfa import MfaSessions


_RENEW: Final = "renew"


class SessionLifecycle:
    """Holds the sessions that the panel shows, renews them, offers them to programs, forgets them and locks.

    Args:
        production: patterns for names of accounts and roles that are marked as production.
    """

    def __init__(
        self,
        screen: PanedScreen,
        copier: Copier,
        drafts: DraftController,
        hand_over: HandOver,
        assume_config: AssumeConfig,
        production: str,
    ) -> None:
        self._screen = screen
        self._copier = copier
        self._drafts = drafts
        self._hand_over = hand_over
        self._production = production
        self._assume_config = assume_config
        self._mfa_sessions: MfaSessions | None = None
        self._codes: list[str] = []
        """Keys of the sessions whose renewal waits for an MFA code, until the user can enter one."""

    @property
    def sessions(self) -> SessionsPanel:
        return self._screen.sessions

    def is_production(self, session: Session) -> bool:
        from iamtui.workspace.source.principals import session_is_production

        workspace = self._drafts.source_workspace
        return session_is_production(session, workspace.account if workspace is not None else None, self._production)

    # Holding.

    def hold(self, result: AssumeResult, workspace: Workspace) -> None:
        """Hold a session that was just assumed, with what it takes to renew it.

        Args:
            workspace: the account it was assumed in, with its own caller.
        """
        keeper, entered = self.sessions.keeper, result.entered
        parent = keeper.by_access_key(result.caller_key)
        if result.caller_key and parent is None:
            self.sessions.add_session(result.session, GONE_CALLER)
            return
        caller = partial(keeper.newest, parent.key) if parent is not None else None

        from iamtui.workspace.assume.assume import Renewal

        renewal = Renewal(workspace, entered, caller=caller, mfa_sessions=self.mfa_sessions, clock=clock.now)
        origin = Origin(renewal, renewal.needs_code, mfa_serial=entered.mfa_serial)
        self.sessions.add_session(result.session, origin, parent=parent.key if parent is not None else "")

    def assume_from_session(self) -> None:
        """Ask how to assume a role as the active session: the role under the tree's cursor, or any."""
        kept = self.sessions.kept_or_say()
        if kept is not None:
            node = self._screen.subject.node
            role = node.arn if isinstance(node, Role) and node.arn != kept.session.role_arn else None
            self.open_assume(role, caller=kept.session)

    def assume_here(self, any_role: bool = False) -> None:
        node = self._screen.subject.node
        self.open_assume(node.arn if isinstance(node, Role) and not any_role else None)

    def open_assume(self, role_arn: str | None, *, caller: Session | None = None) -> None:
        """Ask how to assume a role; `AssumeOptions` says what the arguments mean."""
        workspace = self._workspace_or_say()
        if workspace is None:
            return
        caller = caller or self._browsed_as(workspace)
        question = self._screen.question.question

        from iamtui.tui.assume.dialog import AssumeDialog, AssumeOptions

        options = AssumeOptions(
            caller=caller,
            callers=self.sessions.sessions,
            remembers=not getattr(self._screen.app, "is_fresh", False),
            mfa_sessions=self.mfa_sessions,
            seconds=self._assume_config.seconds,
            production=self._production,
            questions=(question,) if question is not None else (),
            list_roles=self.list_roles,
        )
        dialog = AssumeDialog(workspace, role_arn, options)

        def closed(result: AssumeResult | None) -> None:
            self._drafts.signed_in_anew(dialog.workspace)
            self.assumed(dialog.workspace, result)

        self._screen.app.push_screen(dialog, closed)

    def _workspace_or_say(self) -> Workspace | None:
        """The account as it is, whatever a draft says, as AWS decides about that; None where none is open."""
        workspace = self._drafts.source_workspace
        if workspace is None:
            self._screen.say(plain("Open an account first: g a chooses one."))
        return workspace

    def _browsed_as(self, workspace: Workspace) -> Session | None:
        browsed = self.sessions.keeper.get(workspace.source.session_key)
        return browsed.session if browsed is not None else None

    def list_roles(self, dialog: AssumeDialog | None = None) -> None:
        """List the roles that the user may assume, or the caller whom an assume dialog has; Enter assumes one."""
        workspace = self._workspace_or_say()
        if workspace is None:
            return
        caller = dialog.caller if dialog is not None else self._browsed_as(workspace)

        def left(chosen: Chosen | None) -> None:
            if chosen is not None:
                if dialog is not None:
                    dialog.action_cancel()
                self.open_assume(chosen.target.arn, caller=caller)

        from iamtui.tui.explorer.tab_contents import assumable_roles

        load = partial(assumable_roles, caller, clock.now)

        from iamtui.tui.reports.report_screen import ReportScreen

        screen = ReportScreen(workspace, "Roles that you may assume", load, enter="Assume")
        self._screen.app.push_screen(screen, left)

    @property
    def mfa_sessions(self) -> MfaSessions:
        """The codes that serve several roles, as long as they do."""
        if self._mfa_sessions is None:
            from iamtui.workspace.assume.mfa import MfaSessions

            self._mfa_sessions = MfaSessions(self._assume_config.mfa_seconds, clock=clock.now)
        return self._mfa_sessions

    def assumed(self, workspace: Workspace, result: AssumeResult | None) -> None:
        """Hold what the assume dialog gave, and say who one has become."""
        if result is not None:
            self.hold(result, workspace)
            self._hand_over.remember_request(workspace, result)
            self._screen.post_message(
                Notice(
                    assumed_words(result.session, clock.now(), picking=bool(self._hand_over.picking)), until_next=True
                )
            )

    # Renewing.

    def renew_session(self) -> None:
        kept = self.sessions.kept_or_say()
        if kept is None:
            return
        if not kept.renewer.possible:
            self._screen.say(plain(kept.origin.why_not), Severity.WARNING)
        elif kept.renewer.needs_code:
            self._ask_for_code(kept)
        else:
            self._renew(kept, None)

    def switch_active_renewal(self) -> None:
        kept = self.sessions.kept_or_say()
        if kept is not None:
            self._screen.say(
                self.switch_renewal(kept), Severity.INFORMATION if kept.renewer.possible else Severity.WARNING
            )

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
        return line("The session of ", name, f" is renewed from now on, {when}.")

    def _renew(self, kept: KeptSession, code: Secret | None) -> None:
        self._screen.say(line("Renewing the session of ", (role_name(kept.session), "bold"), " …"), stays=True)
        work = partial(kept.renewer.renew_now, code)
        run_worker_in_thread(self._screen, work, "renewing a session", group=_RENEW)
        self.sessions.draw()

    def code_wanted(self, kept: KeptSession) -> None:
        """Ask for a code that a renewal waits for, as soon as that disturbs nothing."""
        if kept.key not in self._codes:
            self._codes.append(kept.key)
        self.ask_for_codes()

    def ask_for_codes(self) -> None:
        """Ask for the codes that renewals wait for, unless that would catch what the user is typing elsewhere."""
        if not self._codes or self._screen.app.screen is not self._screen or isinstance(self._screen.focused, Input):
            return
        kept = self.sessions.keeper.get(self._codes.pop(0))
        if kept is not None and kept.renewer.switched_on and kept.session.time_left(clock.now()) < SOON:
            self._ask_for_code(kept)

    def _ask_for_code(self, kept: KeptSession) -> None:
        def words() -> Content:
            left = kept.session.time_left_words(clock.now())
            state = ("has EXPIRED", "bold $session-expired") if left == "EXPIRED" else (f"ends in {left}", "bold")
            device = kept.origin.mfa_serial.rsplit(":", 1)[-1]
            return line("The session ", state, f". Renewing it takes a code of {device}." if device else ".")

        def answered(code: Secret | None) -> None:
            if code is not None and self.sessions.keeper.get(kept.key) is kept:
                self._renew(kept, code)

        title = line("Renew ", (role_name(kept.session), "bold"))
        self._screen.app.push_screen(CodeDialog(title, words), answered)

    # Forgetting.

    def forget_session_at(self) -> None:
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
        self._screen.app.push_screen(LineDialog(title, "", hint, check=wrong), answered)

    def _forget_at(self, kept: KeptSession, text: str) -> None:
        now = clock.now()
        kept.forget_at = parse_moment(text, now) if text else None
        self.sessions.draw()
        name = (role_name(kept.session), "bold")
        if kept.forget_at is None:
            self._screen.say(line("The session of ", name, " is kept until you forget it."))
        else:
            at = f"{kept.forget_at.astimezone():%H:%M}"
            before = kept.session.time_left(now) < kept.forget_at - now and not kept.renewer.switched_on
            but = " It ends before that." if before else ""
            orphans = orphans_words(self.sessions.keeper.children(kept.key), gone=False)
            when = f" is forgotten in {about(kept.forget_at - now)}, at {at}.{but} "
            self._screen.say(line("The session of ", name, when, orphans).rstrip())

    # Locking.

    @property
    def holds_secrets(self) -> bool:
        return bool(len(self.sessions.keeper) or (self._mfa_sessions is not None and self._mfa_sessions.live()))

    def forget_mfa_sessions(self) -> int:
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
        if isinstance(self._screen.app.screen, LockScreen):
            return
        self._codes.clear()
        self.sessions.mask()
        dropped = structs.replace(self.sessions.forget_all(), mfa_sessions=self.forget_mfa_sessions())
        source = self._drafts.source_workspace
        for one in (source, *source.beside) if source is not None else ():
            if one.connection is not None:
                one.connection.forget_renewed()

        from iamtui.workspace.source.profile_roles import forget_codes

        forget_codes()
        # Dialogs are about a session, hold what is typed, or wait for STS: none of that may outlast the lock, and
        # neither may what was opened from one.
        stack = list(self._screen.app.screen_stack)
        first = next((i for i, screen in enumerate(stack) if isinstance(screen, ModalScreen)), len(stack))
        for screen in reversed(stack[first:]):
            screen.dismiss(None)
        lock = LockScreen(dropped_words(dropped), why)
        self._screen.app.push_screen(lock)
        clear = partial(self._clear_for_lock, lock)
        run_worker_in_thread(self._screen, clear, "clearing the clipboard", group="lock")

    def _clear_for_lock(self, screen: LockScreen) -> None:
        said = self._copier.clear_now()
        self._screen.app.call_from_thread(screen.show_clipboard, said)

    # Offering to programs.

    def endpoint(self) -> None:
        kept = self.sessions.kept_or_say()
        if kept is None:
            return
        try:
            self.sessions.keeper.serve(kept)
        except Problem as problem:
            self._screen.say(str(problem), Severity.ERROR)
            return
        self.sessions.draw()

        from iamtui.tui.sessions.session_dialogs import EndpointScreen

        switch = partial(self.switch_renewal, kept)
        title = self._hand_over.title_of("Endpoint of", kept.session, counting=False)
        self._screen.app.push_screen(
            EndpointScreen(self.sessions.keeper, kept, self._copier, switch, title),
            lambda _result: self.sessions.draw(),
        )

    # Leaving.

    def leave(self, leaving: Callable[[], object], *, picked: bool = False) -> None:
        """Leave the app; a loss is confirmed once.

        Asking to leave again agrees, unless drafts that are not saved would be lost.

        Args:
            picked: whether the user leaves with a session that they picked; those they did not pick are then no loss.
        """
        asking = next(
            (screen for screen in self._screen.app.screen_stack if isinstance(screen, LeaveDialog)),
            None,
        )
        if asking is not None:
            if not asking.unsaved:
                leaving()
            return
        drafts = (found.draft.name for found in self._drafts.unsaved_drafts)
        lost = losses(drafts, self.sessions.keeper, clock.now(), picked=picked)
        if not lost:
            leaving()
            return
        wanted = bool(self._hand_over.picking) and not picked

        def words() -> Content:
            return leaving_words(lost, clock.now(), picking=wanted)

        def answered(decided: Leaving | None) -> None:
            if decided is Leaving.LEAVE:
                leaving()
            elif decided is Leaving.PICK:
                self._hand_over.pick(agreed=True)
            elif decided is Leaving.DRAFT and self._drafts.draft_screen is None:
                self._drafts.show_draft()

        active, here = self.sessions.keeper.active, self._drafts.open_draft
        can_pick = wanted and active is not None and not active.session.expired(clock.now())
        can_show = here is not None and here.unsaved
        self._screen.app.push_screen(
            LeaveDialog(words, unsaved=bool(lost.drafts), draft=can_show, pick=can_pick), answered
        )

    # Dialogs: into the AWS console, and cutting older sessions off.

    def show_console(self) -> None:
        from iamtui.credentials.console_url import NOT_FOR_LONG_TERM, console_refusal

        screen, workspace, session = self._screen, self._drafts.source_workspace, self.sessions.active
        if workspace is None or session is None:
            screen.say(plain(f"There is no session: press a (F8) on a role first. {NOT_FOR_LONG_TERM}"))
            return
        if console_refusal(session):
            screen.say(plain(console_refusal(session)))
            return

        def done(said: str | None) -> None:
            if said:
                screen.post_message(Notice(plain(said), until_next=True))

        production = self.is_production(session)

        from iamtui.tui.sessions.session_dialogs import ConsoleDialog

        screen.app.push_screen(ConsoleDialog(workspace, session, self._copier, production=production), done)

    def show_revoke(self) -> None:
        """Show how the older sessions of the role under the cursor, or of the active session's, are cut off."""
        panel, node, workspace = self.sessions, self._screen.subject.node, self._drafts.source_workspace
        arn = panel.active.role_arn if panel.active is not None else ""
        if isinstance(node, Role) and not panel.has_focus:
            arn = node.arn
        if workspace is None or not arn:
            self._screen.say(
                plain("Put the cursor on a role, or on a session, to see how its older sessions are cut off.")
            )
            return

        from iamtui.tui.sessions.session_dialogs import RevokeDialog

        self._screen.app.push_screen(RevokeDialog(workspace, arn, panel.sessions, self._copier))


# LockScreen: says what was dropped, and hides everything until a key is pressed. It asks for no password.


class LockScreen(ModalScreen[None]):
    """Covers everything, and takes no other keys than its own and those that end the app."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,escape,q", "dismiss", "Go on", id="lock.leave", tooltip="Go back to where you were"),
    ]

    DEFAULT_CSS = """
    LockScreen {
        align: center middle;
        background: $background 100%;

        & > Vertical {
            width: 64;
            max-width: 96%;
            height: auto;
            padding: 1 2;
            border: round $rule;
            border-title-color: $heading;
        }
        & Static {
            height: auto;
        }
    }
    """

    def __init__(self, dropped: str, why: str) -> None:
        """Make the screen.

        Args:
            dropped: what is gone ("2 sessions and 1 endpoint"), or "".
            why: what locked it, one sentence, or "".
        """
        super().__init__()
        self._dropped = dropped
        self._why = why
        self._clipboard = plain("Looking whether the clipboard holds a copied secret …", "$muted")

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = line("iamtui is locked")
            yield Static(self._words(), id="lock-words", markup=False)

    def _words(self) -> Content:
        gone = f"Forgotten: {self._dropped}." if self._dropped else "There was no session to forget."
        rows = [
            *([plain(self._why, "$muted")] if self._why else []),
            plain(gone, "bold"),
            self._clipboard,
            plain(""),
            plain("What AWS has issued stays valid until its end for whoever has a copy; here is none any more. No "
                  "password is asked for: lock your desktop too.", "$muted"),
            plain(""),
            line(("Enter", "bold $match"), " goes back to the account."),
        ]  # fmt: skip
        return lines(*rows)

    def on_mount(self) -> None:
        self.query_one("#lock-words", Static).update(self._words())

    def show_clipboard(self, sentence: str) -> None:
        words = f"{sentence[:1].upper()}{sentence[1:]}." if sentence else "The clipboard holds no secret of ours."
        self._clipboard = plain(words)
        if self.is_mounted:
            self.query_one("#lock-words", Static).update(self._words())
