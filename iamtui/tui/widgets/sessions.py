"""SessionsPanel: the sessions held, counting down; secrets stay masked unless shown for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option
from textual.worker import Worker, WorkerState

from iamtui.credentials.session import Clock, Session, SessionBook, Urgency, utc_now
from iamtui.problem import Problem
from iamtui.tui.copying import Copier
from iamtui.tui.safe import line, lines, plain
from iamtui.tui.widgets.notice import Notice, Severity
from iamtui.tui.widgets.session_text import (
    Field,
    chip,
    credential_rows,
    heading_row,
    identity_row,
    role_name,
    warning,
)

REVEAL_SECONDS: Final = 15.0
"""Longest time that a secret stays readable."""

NAME_WIDTH: Final = 24
"""Role names up to this long stand in a column."""

CONFIRM_SECONDS: Final = 5.0
"""Within this time a second press of the key forgets a session."""


class SessionsPanel(OptionList):
    """The sessions of this run. The one under the cursor is the active one: exports and sub-shells use it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False, id="sessions.down"),
        Binding("k", "cursor_up", "Up", show=False, id="sessions.up"),
        Binding("c", "copy_exports", "Copy exports", id="sessions.copy-exports"),
        Binding("y", "copy_arn", "Copy ARN", id="sessions.copy-arn"),
        Binding("1", "reveal('access key')", "Show key", show=False, id="sessions.reveal-key"),
        Binding("2", "reveal('secret')", "Show secret", id="sessions.reveal-secret"),
        Binding("3", "reveal('token')", "Show token", show=False, id="sessions.reveal-token"),
        Binding("d", "forget", "Forget", id="sessions.forget"),
        Binding("S", "screen.sessions", "Back", id="sessions.leave", tooltip="Back to the tree"),
    ]

    DEFAULT_CSS = """
    SessionsPanel {
        height: auto;
        min-height: 2;
        max-height: 12;
        border: none;
        border-top: solid $rule;
        border-title-color: $heading;
        padding: 0 1;
        background: transparent;
        scrollbar-size-vertical: 1;

        &:focus {
            border: none;
            border-top: solid $rule-focused;
            background: transparent;
        }
        & > .option-list--option-highlighted, & > .option-list--option {
            padding: 0;
            background: transparent;
            color: $foreground;
            text-style: none;
        }
        &:focus > .option-list--option-highlighted {
            background: $cursor;
            color: $foreground;
            text-style: none;
        }
    }
    """

    @dataclass
    class Changed(Message):
        """Another session is active, or there is one more or one less."""

        active: Session | None

    def __init__(
        self,
        copier: Copier,
        *,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id, markup=False)
        self._copier = copier
        self._clock = clock
        self._monotonic = monotonic
        self._book = SessionBook()
        self._revealed: dict[Field, float] = {}
        self._urgencies: dict[str, Urgency] = {}
        self._forgetting: tuple[str, float] | None = None

    def on_mount(self) -> None:
        """Start counting."""
        self._rebuild()
        self.set_interval(1, self.tick)
        self.watch(self.app, "app_focus", self._app_focus_changed, init=False)

    def on_resize(self) -> None:
        """Fit the lines to the new width."""
        self._draw()

    # What others use

    @property
    def active(self) -> Session | None:
        """The session that exports and sub-shells use, or None."""
        return self._book.active

    @property
    def sessions(self) -> tuple[Session, ...]:
        """All sessions held, oldest first."""
        return self._book.sessions

    def chip(self) -> Content:
        """The active session and its time left, for the status line."""
        return chip(self.active, self._clock())

    def add_session(self, session: Session) -> None:
        """Hold one more session; it becomes the active one."""
        self._change(self._book.add(session))

    def forget_all(self) -> None:
        """Drop every session."""
        self._change(SessionBook())

    def mask(self) -> None:
        """Hide whatever is revealed, at once."""
        if self._revealed:
            self._revealed.clear()
            self._draw()
            self.post_message(Notice(plain("What was shown is hidden again.")))

    # Time

    def tick(self) -> None:
        """Once a second: hide what was shown long enough, count down, warn."""
        now = self._monotonic()
        covered = self.screen is not self.app.screen
        self._revealed = {field: until for field, until in self._revealed.items() if now < until and not covered}
        self._draw()
        for session in self._book:
            urgency = session.urgency(self._clock())
            if self._urgencies.get(session.key, Urgency.CALM) is not urgency:
                self._urgencies[session.key] = urgency
                if urgency is not Urgency.CALM:
                    severity = Severity.ERROR if urgency is Urgency.EXPIRED else Severity.WARNING
                    self.post_message(Notice(warning(session, urgency), severity))

    def on_blur(self, _event: events.Blur) -> None:
        """Nothing stays readable in a panel that is not being used."""
        self.mask()

    def _app_focus_changed(self, focused: bool) -> None:
        if not focused:
            self.mask()

    # Keys

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """The session under the cursor becomes the active one; what was revealed of the other is hidden."""
        event.stop()
        key = event.option.id
        if key is not None and key != self._book.active_key and self._book.get(key) is not None:
            self._revealed.clear()
            self._book = self._book.activate(key)
            self._draw()
            self.post_message(self.Changed(self.active))

    def action_copy_exports(self) -> None:
        """Copy the active session's export lines."""
        session = self._active_or_say()
        if session is not None:
            self._copy(partial(self._copier.copy_exports, session))

    def action_copy_arn(self) -> None:
        """Copy the ARN that the active session acts as."""
        session = self._active_or_say()
        if session is not None:
            arn = session.identity.arn if session.identity is not None else session.role_arn
            self._copy(partial(self._copier.copy_text, arn, "ARN"))

    def action_reveal(self, name: str) -> None:
        """Show one field of the active session for at most 15 seconds, or hide it again."""
        if self._active_or_say() is None:
            return
        field = Field(name)
        if self._revealed.pop(field, None) is None:
            self._revealed[field] = self._monotonic() + REVEAL_SECONDS
            self.set_timer(REVEAL_SECONDS, self.tick)
            self.post_message(Notice(plain(f"The {field} is readable for 15 seconds, or until you leave the panel.")))
        self._draw()

    def action_forget(self) -> None:
        """Drop the active session; asks for the key a second time."""
        session = self._active_or_say()
        if session is None:
            return
        now = self._monotonic()
        if self._forgetting is not None and self._forgetting[0] == session.key and now < self._forgetting[1]:
            self._forgetting = None
            self._change(self._book.forget(session.key))
            self.post_message(Notice(line("Forgot the session of ", (role_name(session), "bold"), ".")))
        else:
            self._forgetting = (session.key, now + CONFIRM_SECONDS)
            words = line("Press d again to forget the session of ", (role_name(session), "bold"), ".")
            self.post_message(Notice(words, Severity.WARNING))

    def _active_or_say(self) -> Session | None:
        session = self.active
        if session is None:
            self.post_message(Notice(plain("There is no session: go to a role and press a (F8) to assume it.")))
        return session

    # Copying

    def _copy(self, work: Callable[[], str]) -> None:
        self.run_worker(partial(self._copying, work), thread=True, group="copy", exit_on_error=False)

    def _copying(self, work: Callable[[], str]) -> None:
        """In a thread: the clipboard's tools may take seconds."""
        try:
            sentence = work()
            if sentence:
                self.post_message(Notice(plain(sentence[:1].upper() + sentence[1:])))
        except Problem as problem:
            self.post_message(Notice(plain(problem), Severity.ERROR))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A copy that fails in an unforeseen way is reported without its data."""
        event.stop()
        if event.state is WorkerState.ERROR:
            name = type(event.worker.error).__name__
            self.post_message(Notice(plain(f"Nothing was copied: {name}, an error in iamtui."), Severity.ERROR))

    # Drawing

    def _change(self, book: SessionBook) -> None:
        self._book = book
        self._revealed.clear()
        self._urgencies = {key: urgency for key, urgency in self._urgencies.items() if book.get(key) is not None}
        self._rebuild()
        self.post_message(self.Changed(self.active))

    def _rebuild(self) -> None:
        """Make the list anew, the cursor on the active session."""
        sessions = self._book.sessions
        self.border_title = line("Sessions", (f" {len(sessions)}", "$muted")) if sessions else line("Sessions")
        if not sessions:
            empty = plain("None. Go to a role and press a (F8) to assume it.", "$muted")
            self.set_options([Option(empty, disabled=True)])
            return
        with self.prevent(OptionList.OptionHighlighted):
            self.set_options([Option(self._prompt(session), id=session.key) for session in sessions])
            self.highlighted = next(i for i, held in enumerate(sessions) if held.key == self._book.active_key)

    def _draw(self) -> None:
        """Bring every line up to date."""
        for session in self._book:
            self.replace_option_prompt(session.key, self._prompt(session))

    def _prompt(self, session: Session) -> Content:
        active = session.key == self._book.active_key
        width = self.scrollable_content_region.width or self.app.size.width
        longest = max(len(role_name(held)) for held in self._book)
        name_width = min(longest, NAME_WIDTH)
        head = heading_row(session, self._clock(), active=active, width=width, name_width=name_width)
        if not active:
            return head
        return lines(head, identity_row(session, width), *credential_rows(session, self._revealed.keys()))
