"""Dialogs about one session: into the AWS console, its endpoint for programs, and cutting older sessions off."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Label, Static

from iamtui.credentials.console_url import (
    VISIBLE_WARNING,
    console_page,
    duration_problem,
    lasts_words,
    may_choose_duration,
    open_in_browser,
)
from iamtui.credentials.export import ShellSyntax, assignments, shell_format
from iamtui.credentials.export_values import DEMO_LABEL
from iamtui.credentials.server import WHO_IS_ANSWERED, Counts, CredentialsService
from iamtui.credentials.session import Session, parse_duration
from iamtui.presentation.verdict import aged, verdict_words
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.tui import clock
from iamtui.tui.background import Work, get_in_thread, in_thread
from iamtui.tui.clipboard import Copier
from iamtui.tui.content import Severity, document, line, lines, plain, styled, wrong
from iamtui.tui.dialogs.dialogs import ConfirmDialog, Dialog, DialogBox, scroll_bindings
from iamtui.tui.sessions.text import MASK, PRODUCTION, URGENCY_STYLES, about, account_of, failure_words, role_name
from iamtui.tui.widgets.inputs import SafeInput
from iamtui.workspace.assume.assume import open_console
from iamtui.workspace.assume.revocation import POLICY_NAME, Revocation, plan_revocation, server_now
from iamtui.workspace.assume.session_store import (
    ENDPOINT_STALE,
    KeptSession,
    SessionsKeeper,
    default_profile_in_the_way,
    endpoint_variables,
)
from iamtui.workspace.source.principals import alias_of
from iamtui.workspace.source.workspace import Workspace

# ConsoleDialog: into the AWS console, by a URL that is copied as a secret, or opened in a browser.


_SIGN_IN: Final = "sign in"

_WHAT_IT_IS: Final = (
    "Whoever opens the URL within 15 minutes is this session in the AWS console: it is a password. It is copied "
    "without being shown, and taken back from the clipboard."
)


_TIME_HINT: Final = "15m to 12h"
_OUTLIVES: Final = "15m to 12h; longer than the session"


class ConsoleDialog(Dialog[str | None]):
    """Returns what was done, in a sentence, or None when cancelled. The URL never leaves its worker."""

    HELP_ABOUT: ClassVar[str] = (
        "A sign-in URL opens the AWS console as the session. Whoever has the URL is signed in by it, until it "
        "or the session expires."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="console.cancel", tooltip="Stop waiting, or close the dialog"),
        Binding("enter", "copy", "Copy", id="console.copy", show=False, tooltip="Make the URL and copy it"),
        Binding(
            "ctrl+o", "open", "Open", id="console.open", show=False, tooltip="Make the URL and open it in a browser"
        ),
    ]

    DEFAULT_CSS = """
    ConsoleDialog {
        & > DialogBox {
            width: 76;
        }
        & #console-what {
            margin: 1 0;
        }
        & .field {
            height: 1;
        }
        & .field Label {
            width: 10;
            color: $muted;
        }
        & .field Input {
            width: 24;
            background: $foreground 8%;
        }
        & .field Input:focus {
            background: $foreground 16%;
        }
        & .field .hint {
            width: 1fr;
            height: 1;
            padding-left: 1;
            color: $muted;
            text-wrap: nowrap;
            text-overflow: ellipsis;
        }
        & #console-open {
            margin-top: 1;
            color: $muted;
        }
        & #console-state {
            margin-top: 1;
        }
        & #console-state.-empty {
            display: none;
        }
        &.-busy .field Input {
            text-opacity: 50%;
        }
    }
    """

    def __init__(self, workspace: Workspace, session: Session, copier: Copier, *, production: bool = False) -> None:
        """Make the dialog.

        Args:
            production: whether the session looks like one of production, which is said.
        """
        super().__init__()
        self._workspace = workspace
        self._session = session
        self._copier = copier
        self._production = production
        self._busy_seconds = 0

    def compose(self) -> ComposeResult:
        session = self._session
        who = session.identity.arn.split(":", 5)[-1] if session.identity is not None else role_name(session)
        title = line("AWS console as ", (role_name(session), "bold"))
        with DialogBox(title, "Enter copy  ctrl+o open  Esc cancel"):
            mark = (PRODUCTION,) if self._production else ()
            account = f"{account_of(session)} {alias_of(session, self._workspace.account)}".rstrip()
            yield Static(line((who, "bold"), ("  in ", "$muted"), account, *mark))
            yield Static(plain(_WHAT_IT_IS), id="console-what")
            with Horizontal(classes="field"):
                yield Label("Go to")
                yield SafeInput(id="console-page", compact=True, max_length=2000, placeholder="console home")
                yield Static(plain("a service (iam), a path or its URL"), classes="hint")
            with Horizontal(classes="field"):
                yield Label("Stay for")
                if may_choose_duration(session):
                    yield SafeInput(id="console-time", compact=True, max_length=12, placeholder="the session's time")
                    yield Static(plain(_TIME_HINT), classes="hint", id="console-time-hint")
                else:
                    yield Static(plain(f"{lasts_words(session, None, clock.now())}."))
            yield Static(
                line(("ctrl+o", "bold $match"), plain(f" opens it at once. {VISIBLE_WARNING}")), id="console-open"
            )
            yield Static(id="console-state", classes="-empty")

    def on_mount(self) -> None:
        self.query_one("#console-page", Input).focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_copy()

    @on(Input.Changed)
    def _typed(self) -> None:
        if not self._busy:
            self._show(Content(""))

    @on(Input.Changed, "#console-time")
    def _timed(self, event: Input.Changed) -> None:
        seconds = parse_duration(event.value.strip())
        left = self._session.time_left(clock.now())
        outlives = seconds is not None and timedelta(seconds=seconds) > left
        self.query_one("#console-time-hint", Static).update(plain(_OUTLIVES if outlives else _TIME_HINT))

    def action_copy(self) -> None:
        self._start(lambda url: self._copier.copy_secret(url, "Sign-in URL"))

    def action_open(self) -> None:
        self._start(_open)

    @property
    def _busy(self) -> bool:
        return self.has_class("-busy")

    def _start(self, use: Callable[[Secret], str]) -> None:
        if self._busy:
            return
        page = self.query_one("#console-page", Input).value.strip()
        try:
            console_page(self._session, page)
            seconds = self._seconds()
        except Problem as problem:
            self._show_problem(str(problem))
            return
        self._busy_seconds = 0
        self.add_class("-busy")
        self._show_progress()

        def sign_in(work: Work) -> None:
            made = open_console(self._workspace, self._session, wanted=page, seconds=seconds, clock=clock.now)
            # A URL that comes after a cancel is dropped.
            if not work.cancelled():
                work.tell(self.dismiss, use(made.url))

        in_thread(self, sign_in, self._refuse, name="signing in", group=_SIGN_IN)

    def _seconds(self) -> int | None:
        """How long the console shall stay signed in; None: as long as the credentials.

        Raises:
            Problem: what was entered is no time, or one that AWS does not take.
        """
        text = self.query_one("#console-time", Input).value.strip() if may_choose_duration(self._session) else ""
        if not text:
            return None
        seconds = parse_duration(text)
        if seconds is None:
            raise Problem("The time to stay is not a time.", 'Write it as "1h", "90m" or a number of seconds.')
        problem = duration_problem(seconds, from_long_term=may_choose_duration(self._session))
        if problem is not None:
            raise problem
        return seconds

    def _refuse(self, problem: Problem) -> None:
        self.remove_class("-busy")
        self._show_problem(str(problem))

    def _show_progress(self) -> None:
        if self._busy:
            self._show(plain(f"Asking AWS's sign-in … {self._busy_seconds} s   Esc cancel", "$muted"))
            self._busy_seconds += 1
            self.set_timer(1, self._show_progress)

    def drop_secrets(self) -> None:
        self.workers.cancel_group(self, _SIGN_IN)

    def action_cancel(self) -> None:
        if self._busy:
            self.workers.cancel_group(self, _SIGN_IN)
            self.remove_class("-busy")
            self._show(plain("Cancelled. If AWS still answers, its URL is dropped.", "$muted"))
        else:
            self.dismiss(None)

    def _show_problem(self, sentence: str) -> None:
        self._show(wrong((sentence, "$verdict-denied")))

    def _show(self, content: Content) -> None:
        state = self.query_one("#console-state", Static)
        state.update(content)
        state.set_class(not content, "-empty")


def _open(url: Secret) -> str:
    open_in_browser(url)
    return "The browser has been started with the sign-in URL."


# EndpointScreen: a session on offer to programs of this machine: its address, its clients, and how to stop it.


_SHELL: Final = "bash"
"""Shell whose lines are copied where the user's format is for no shell."""

METADATA_WARNING: Final = (
    f"The instance metadata service (IMDSv2) knows no authentication: {WHO_IS_ANSWERED} that finds its port gets "
    "these credentials, for as long as it runs. It is for programs that were written for EC2 instances and can use "
    "nothing else."
)


class EndpointScreen(Dialog[None]):
    """Shows the endpoint of a session as it answers, in a dialog. It goes on when the dialog is left."""

    HELP_ABOUT: ClassVar[str] = (
        "On EC2 an instance asks the instance metadata service, at 169.254.169.254, for temporary credentials "
        "of its role, and again before they expire. The endpoint does the same here for the session: programs "
        "ask it, on this machine alone, and no key is stored anywhere."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c,y", "copy", "Copy its lines", id="endpoint.copy",
                tooltip="Copy the lines that have the programs of a shell ask the endpoint; taken back as a secret"),
        Binding("R", "switch_renewal", "Renew", id="endpoint.renew",
                tooltip="Renew the session before its end, so that the endpoint goes on"),
        Binding("i", "metadata", "IMDSv2", id="endpoint.metadata",
                tooltip="Answer as an instance metadata service too; warns first"),
        Binding("d,delete", "stop", "Stop", id="endpoint.stop", tooltip="Stop the endpoint"),
        Binding("escape,q", "dismiss", "Back", id="endpoint.back", tooltip="Leave it running and go back"),
    ]  # fmt: skip

    DEFAULT_CSS = """
    EndpointScreen {
        & > DialogBox {
            width: 78;
            max-width: 98%;
            overflow-y: auto;
        }
        & #endpoint-said {
            margin-top: 1;
        }
        & #endpoint-keys {
            margin-top: 1;
            color: $muted;
        }
    }
    """

    def __init__(
        self,
        keeper: SessionsKeeper,
        kept: KeptSession,
        copier: Copier,
        switch_renewal: Callable[[], Content],
        title: Content,
    ) -> None:
        """Make the dialog.

        Args:
            kept: a session whose endpoint runs.
            switch_renewal: switches the session's renewal on or off; returns what became of it.
            title: whose endpoint it is.
        """
        super().__init__()
        self._keeper = keeper
        self._kept = kept
        self._copier = copier
        self._switch_renewal = switch_renewal
        self._title = title
        self._in_the_way = False

    def compose(self) -> ComposeResult:
        with DialogBox(self._title):
            yield Static(id="endpoint-facts", markup=False)
            yield Static(plain("Programs find it by two variables, and get nothing without them.", "$muted"),
                         id="endpoint-said", markup=False)  # fmt: skip
            keys = (
                ("c", "copy the lines"),
                ("R", "renew on, off"),
                ("i", "IMDSv2"),
                ("d", "stop"),
                ("Esc", "leave it on"),
            )
            parts = [part for key, words in keys for part in ((key, "bold $match"), f" {words}   ")]
            yield Static(line(*parts), id="endpoint-keys", markup=False)

    def on_mount(self) -> None:
        self._show()
        self.set_interval(0.5, self._show)
        name = "looking for a default profile"
        get_in_thread(self, default_profile_in_the_way, self._found, self._refuse, name=name)

    @property
    def _service(self) -> CredentialsService | None:
        return self._kept.service

    def _show(self) -> None:
        self.query_one("#endpoint-facts", Static).update(
            facts(self._kept, self._keeper.get(self._kept.key) is self._kept, in_the_way=self._in_the_way)
        )

    def _say(self, content: Content, severity: Severity = Severity.INFORMATION) -> None:
        style = {Severity.WARNING: "$session-warning", Severity.ERROR: "$verdict-denied"}.get(severity, "$foreground")
        self.query_one("#endpoint-said", Static).update(content.stylize_before(style))
        self._show()

    def _found(self, in_the_way: bool) -> None:
        self._in_the_way = in_the_way
        self._show()

    def _refuse(self, problem: Problem) -> None:
        self._say(plain(problem), Severity.ERROR)

    # Keys.

    def action_copy(self) -> None:
        service = self._service
        if service is None:
            self._say(plain("The endpoint has stopped, so there is nothing to copy."), Severity.WARNING)
            return
        label = DEMO_LABEL if self._kept.session.demo else ""
        variables = endpoint_variables(service, os.environ)
        text = assignments(self._syntax(), variables, ENDPOINT_STALE, label=label, for_paste=True)
        copy = partial(self._copier.copy_secret, text, "Lines of the endpoint")
        copying = "copying the endpoint's lines"
        get_in_thread(self, copy, lambda said: self._say(plain(said)), self._refuse, name=copying, group="copy")

    def _syntax(self) -> ShellSyntax:
        try:
            return shell_format(self._copier.format_name())[1]
        except Problem:
            return shell_format(_SHELL)[1]

    def action_switch_renewal(self) -> None:
        self._say(self._switch_renewal())

    def action_metadata(self) -> None:
        service = self._service
        if service is None:
            self._say(plain("The endpoint has stopped."), Severity.WARNING)
        elif service.metadata is not None:
            self._say(plain("It answers as IMDSv2 already; d stops both."), Severity.WARNING)
        else:
            title = line("Offer credentials without authentication?")
            self.app.push_screen(ConfirmDialog(title, plain(METADATA_WARNING), "offer it"), self._confirmed)

    def _confirmed(self, agreed: bool | None) -> None:
        service = self._service
        if not agreed or service is None:
            self._say(plain("IMDSv2 stays off."))
            return
        try:
            service.offer_metadata()
        except OSError as error:
            self._say(line("IMDSv2 cannot listen: ", error.strerror or str(error), "."), Severity.ERROR)
        else:
            words = "It answers as IMDSv2 too, to everybody on this machine; c copies its lines with the others."
            self._say(plain(words), Severity.WARNING)

    def action_stop(self) -> None:
        self._keeper.stop_serving(self._kept)
        self.dismiss(None)


def facts(kept: KeptSession, held: bool, *, in_the_way: bool) -> Content:
    """State of the endpoint, its secrets masked.

    Args:
        held: whether the session is still held.
        in_the_way: whether a default profile of the AWS files comes first.
    """
    service = kept.service
    if service is None or not held:
        why = "with its session" if not held or kept.session.expired(clock.now()) else "by your doing"
        return line(("It has stopped ", "bold $session-warning"), (f"{why}.", "bold $session-warning"))
    status = service.status
    now, session = clock.now(), status.held.session
    rows = [
        _fact("URL", f"http://{service.endpoint.authority}/{MASK}"),
        _fact("Token", MASK),
        _fact("Asked", _counted(status.counts)),
        line(_fact("Session", ""), (f"{session.time_left_words(now)} left", URGENCY_STYLES[session.urgency(now)]),
             (f", {_after(kept)}", "$muted")),
        _fact("Renewed", {0: "not yet", 1: "once"}.get(status.held.renewals, f"{status.held.renewals} times")),
    ]  # fmt: skip
    if status.held.failures.count:
        rows.append(line(("! ", "bold $session-warning"), (failure_words(kept, now), "$session-warning")))
    if service.metadata is not None and status.metadata_counts is not None:
        rows.append(_fact("IMDSv2", f"{service.metadata.url}  {_counted(status.metadata_counts)}"))
        rows.append(line(_fact("", ""), (f"no authentication: open to {WHO_IS_ANSWERED}", "bold $session-warning")))
    else:
        rows.append(_fact("IMDSv2", "off"))
    if in_the_way:
        words = "! SDKs take the default profile of the AWS files first: rename it, or hide the files from the shell."
        rows.append(plain(words, "$session-warning"))
    return lines(*rows)


def _fact(name: str, words: str) -> Content:
    return line((f"{name:<9}", "$muted"), words)


def _counted(counts: Counts) -> str:
    return f"{counts.served} answered, {counts.refused} refused"


def _after(kept: KeptSession) -> str:
    renewer = kept.renewer
    if renewer.automatic:
        if wait := renewer.next_try_in():
            return f"renewal tried again in {about(wait)}"
        due = renewer.due_in()
        return f"renewed in {about(due)}" if due else "renewing"
    if renewer.switched_on:
        return "renewed with a code that you are asked for"
    return "and the endpoint ends with it"


# RevokeDialog: what would cut a role's older sessions off, and the command to copy. Nothing is run.


class RevokeDialog(Dialog[None]):
    """Shows the policy, its effect on the sessions held here, and the AWS CLI command."""

    HELP_ABOUT: ClassVar[str] = (
        "Temporary credentials cannot be taken back one by one. A policy that denies everything to sessions "
        "that began before now ends them all; it is shown here for you to put in place."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Close", id="revoke.close", tooltip="Close the dialog"),
        Binding("enter,c,y", "copy", "Copy command", id="revoke.copy", tooltip="Copy the AWS CLI command"),
        Binding("p", "copy_policy", "Copy policy", id="revoke.policy", tooltip="Copy the policy document"),
        Binding("u", "copy_undo", "Copy undo", id="revoke.undo", tooltip="Copy the command that takes it away again"),
        Binding(
            "s",
            "copy_sign_in",
            "Copy sign-in",
            id="revoke.sign-in",
            tooltip="Copy the command that ends the role's sign-in sessions",
        ),
        *scroll_bindings("revoke"),
    ]

    DEFAULT_CSS = """
    RevokeDialog {
        & > DialogBox {
            width: 90;
        }
        & #revoke-scroll {
            height: auto;
            max-height: 100%;
            scrollbar-size-vertical: 1;
        }
        & #revoke-said {
            dock: bottom;
            background: $surface;
        }
        & #revoke-said.-empty {
            display: none;
        }
    }
    """

    def __init__(self, workspace: Workspace, role_arn: str, sessions: Sequence[Session], copier: Copier) -> None:
        super().__init__()
        self._workspace = workspace
        self._role_arn = role_arn
        self._sessions = tuple(sessions)
        self._copier = copier
        self._plan: Revocation | None = None

    def compose(self) -> ComposeResult:
        title = line("Revoke older sessions of ", (self._role_arn.rsplit("/", 1)[-1], "bold"))
        with DialogBox(title, "c copy command  p policy  u undo  s sign-in sessions  j k scroll  Esc close"):
            with VerticalScroll(id="revoke-scroll", can_focus=False):
                yield Static(plain("Asking AWS for its time …", "$muted"), id="revoke-plan")
            yield Static(id="revoke-said", classes="-empty")

    def on_mount(self) -> None:
        """Plan in a thread: it may call AWS for its time."""
        get_in_thread(
            self,
            self._make_plan,
            self._planned,
            lambda problem: self._show_plan(_words(problem)),
            name="planning",
            group="plan",
        )

    def _make_plan(self) -> Revocation:
        now = server_now(self._workspace, self._sessions, clock.now)
        return plan_revocation(self._workspace, self._role_arn, now, self._sessions)

    def _planned(self, plan: Revocation) -> None:
        self._plan = plan
        self._show_plan(plan_content(plan, self._workspace.age))

    def _show_plan(self, content: Content) -> None:
        self.query_one("#revoke-plan", Static).update(content)

    def action_copy(self) -> None:
        if self._plan is not None:
            self._copy(self._plan.command, "Command")

    def action_copy_undo(self) -> None:
        if self._plan is not None:
            self._copy(self._plan.undo, "Undo command")

    def action_copy_sign_in(self) -> None:
        if self._plan is not None:
            self._copy(self._plan.sign_in, "Command")

    def action_copy_policy(self) -> None:
        if self._plan is not None:
            self._copy(self._plan.document, "Policy")

    def _copy(self, text: str, what: str) -> None:
        """In a thread: the clipboard's tools may take seconds."""
        copy = self._copier.copy_document if "\n" in text else self._copier.copy_text
        get_in_thread(
            self, partial(copy, text, what), lambda said: self._say(plain(said)),
            lambda problem: self._say(_words(problem)), name="copying", group="copy",
        )  # fmt: skip

    def _say(self, content: Content) -> None:
        said = self.query_one("#revoke-said", Static)
        said.update(content)
        said.set_class(not content, "-empty")

    def action_scroll(self, rows: int) -> None:
        self.query_one("#revoke-scroll", VerticalScroll).scroll_relative(y=rows, animate=False)

    def drop_secrets(self) -> None:
        self._sessions, self._plan = (), None


def _words(problem: Problem) -> Content:
    return wrong((str(problem), "$verdict-denied"))


def plan_content(plan: Revocation, age: str) -> Content:
    """The plan for the dialog: effect, what to think of, who may, the command, the policy."""
    warnings = [line(("! ", "bold $session-warning"), (words, "$session-warning")) for words in plan.warnings]
    # In the wrong account it would change a role there: that is said before anything else.
    first, later = (warnings[:1], warnings[1:]) if plan.elsewhere else ([], warnings)
    rows = [
        *first,
        line("Cuts off every session issued before ", (plan.moment, "bold"), "; later ones are not touched."),
        line(("Nothing is changed here: copy the command, and run it as somebody who may.", "$muted")),
        plain(""),
        plain("Sessions held here", "bold $heading"),
        *_effects(plan),
        plain(""),
    ]
    rows += later
    if plan.decision is not None:
        verdict = styled(aged(verdict_words(plan.decision).row, age))
        rows.append(line(verdict, ("  iam:PutRolePolicy on the role, for you", "$muted")))
    rows += [line(("- ", "$muted"), sentence) for sentence in plan.notes]
    rows += [
        plain(""),
        line(
            ("The command", "bold $heading"),
            (f", for account {plan.elsewhere} only" if plan.elsewhere else "", "bold $session-warning"),
            ("   c copies it", "$muted"),
        ),
        plain(plan.command, limit=None),
        plain(""),
        line(("Sign-in sessions", "bold $heading"), ("   s copies the command that ends them", "$muted")),
        plain(plan.sign_in, limit=None),
        plain(""),
        line((POLICY_NAME, "bold $heading"), ("   p copies it", "$muted")),
        document(plan.document),
    ]
    return lines(*rows)


def _effects(plan: Revocation) -> list[Content]:
    if not plan.effects:
        return [plain("  none that is alive", "$muted")]
    width = max(len(role_name(effect.session)) for effect in plan.effects)
    return [
        line(
            ("  [x] cut off  ", "$verdict-denied") if effect.cut else ("  [+] goes on  ", "$verdict-allowed"),
            (role_name(effect.session).ljust(width), "bold"),
            (f"  {effect.session.masked_access_key_id}  ", "$muted"),
            (effect.why, "$muted"),
        )
        for effect in plan.effects
    ]
