"""ConsoleDialog: into the AWS console as a session, by a URL that is copied as a secret, or opened in a browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
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
from iamtui.credentials.session import Session, parse_duration
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.tui import clock
from iamtui.tui.background import Work, in_thread
from iamtui.tui.clipboard import Copier
from iamtui.tui.content import line, plain, wrong
from iamtui.tui.dialogs.dialogs import Dialog, DialogBox
from iamtui.tui.sessions.text import PRODUCTION, account_of, role_name
from iamtui.tui.widgets.inputs import SafeInput
from iamtui.workspace.assume.assume import open_console
from iamtui.workspace.source.principals import alias_of
from iamtui.workspace.source.workspace import Workspace

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
