"""SessionsPanel: the sessions held, counting down; secrets stay masked unless shown for a moment."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option
from textual.worker import Worker, WorkerState

from iamtui.credentials.session import Clock, Session, clock_off, utc_now
from iamtui.tui.background import run_worker_in_thread
from iamtui.tui.content import Severity, forget_drawn_texts, line, lines, plain
from iamtui.tui.dialogs.list_dialogs import MenuDialog, MenuItem
from iamtui.tui.sessions.text import (
    Field,
    callers_row,
    credential_rows,
    endpoint_row,
    heading_row,
    identity_row,
    orphans_words,
    renewal_row,
    renewed_words,
    role_name,
    tags,
    tick_words,
    trouble_row,
)
from iamtui.tui.widgets.status import Notice
from iamtui.workspace.assume.session_store import UNKNOWN_ORIGIN, Dropped, KeptSession, Origin, SessionsKeeper

TO_ASSUME: Final = "Press a (F8) on a role to assume it; p lists those you may assume."
NOTHING_TO_ASSUME_WITH: Final = "No role can be assumed from a snapshot: it has no connection to AWS."
"""How to get a session, or why there can be none."""

NAME_WIDTH: Final = 24
"""Longest role name that gets a column."""


REVEAL_SECONDS: Final = 15.0
"""Longest time that a secret stays readable."""

CONFIRM_SECONDS: Final = 5.0
"""Within this time a second press of the key forgets a session."""


ON_A_SESSION: Final = frozenset((
    "forget", "screen.assume_from_session", "screen.renew_session", "screen.copy_exports", "screen.pick",
    "select",
))  # fmt: skip
"""Actions whose keys do nothing without a session."""

_CARD: Final = (
    MenuItem("screen.go_to_role", "Show its role", "o", detail="Go to the session's role in the tree."),
    MenuItem("screen.sub_shell", "Open a shell", "!", detail="A shell with its credentials; exit comes back."),
    MenuItem("screen.copy_exports", "Copy its export lines", "c", detail="Taken back after a while."),
    MenuItem("screen.export", "Export …", "x", detail="Every format, masked: copy it, write a file or a profile."),
    MenuItem("screen.console", "Open the AWS console", "b", detail="In a browser, as this session."),
    MenuItem("app.browse_as", "Browse as it", "w", detail="Open its account with its credentials; again: as before."),
    MenuItem("screen.assume_from_session", "Assume a role as it", "a", detail="Role chaining."),
    MenuItem("screen.endpoint", "Endpoint …", "e", detail="Offer it to programs on the loopback address."),
    MenuItem("", "Its end"),
    MenuItem("screen.renew_session", "Renew it now", "r", detail="With a code where it takes one."),
    MenuItem("screen.switch_renewal", "Renew it before its end, or no more", "R", detail="From now on."),
    MenuItem("screen.forget_session_at", "Forget it at a time …", "f", detail="At a time, or after one."),
    MenuItem("forget", "Forget it", "d", detail="Its endpoint stops with it."),
    MenuItem("screen.revoke", "Cut older sessions off …", "v", detail="The policy that does it for all of its role."),
    MenuItem("", "Show for 15 seconds"),
    MenuItem(f"reveal('{Field.ACCESS_KEY}')", "Access key ID", "i"),
    MenuItem(f"reveal('{Field.SECRET}')", "Secret access key", "s", detail="Readable by whoever sees this screen."),
    MenuItem(f"reveal('{Field.TOKEN}')", "Session token", "t", detail="Readable by whoever sees this screen."),
)
"""What can be done with a session, by the actions that do it."""


class SessionsPanel(OptionList):
    """The sessions of this run. The one under the cursor is the active one: exports and sub-shells use it.

    Secrets stay masked but for the fields in `revealed`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False, id="sessions.down"),
        Binding("k", "cursor_up", "Up", show=False, id="sessions.up"),
        Binding("enter", "select", "Session …", id="sessions.card",
                tooltip="List all that can be done with the session: shell, endpoint, renewal, what to show of it"),
        Binding("c", "screen.copy_exports", "Copy exports", id="sessions.copy-exports",
                tooltip="Copy the session in your shell's format, to be taken back after a while"),
        Binding("c", "screen.pick", "Pick", id="sessions.pick",
                tooltip="Hand the session to the shell that started the picker, and leave; so does Enter"),
        Binding("a,f8", "screen.assume_from_session", "Assume on", id="sessions.assume",
                tooltip="Assume a role as this session (role chaining)"),
        Binding("r", "screen.renew_session", "Renew", id="sessions.renew",
                tooltip="Renew the session now, with a code where it takes one"),
        Binding("d", "forget", "Forget", id="sessions.forget", tooltip="Forget the session and stop its endpoint"),
    ]  # fmt: skip

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

    @dataclass(eq=False, repr=False)
    class SessionChanged(Message):
        """Another session is active, or there is one more or one less."""

        active: Session | None

    @dataclass(eq=False, repr=False)
    class CodeWanted(Message):
        """A session that is to be renewed needs an MFA code now."""

        kept: KeptSession

    @dataclass(eq=False, repr=False)
    class Renewed(Message):
        """A renewal is done, or has failed."""

        key: str

    def __init__(
        self,
        *,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        off: Callable[[], timedelta] = clock_off,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id, markup=False)
        self.clock: Final = clock
        self.keeper: Final = SessionsKeeper(clock=clock, off=off, changed=self._renewed_in_thread)
        self.revealed: dict[Field, float] = {}
        """Readable fields of the active session, and until when."""
        self._drawn: frozenset[Field] = frozenset()
        """Fields that were readable at the last drawing."""
        self.how_to_get_one = TO_ASSUME
        """Advice where there is no session, a sentence."""
        self.is_production: Callable[[Session], bool] = lambda _session: False
        """Says whether a session's account or role looks like production."""
        self.on_enter: Callable[[], None] = self.open_card
        self._monotonic = monotonic
        self._off = off
        self._forgetting: tuple[str, float] | None = None

    def on_mount(self) -> None:
        self._rebuild()
        self.set_interval(1, self.tick)
        self.watch(self.app, "app_focus", self._app_focus_changed, init=False)

    def on_resize(self) -> None:
        self.draw()

    # What others use

    def can_assume(self, *, possible: bool) -> None:
        words = TO_ASSUME if possible else NOTHING_TO_ASSUME_WITH
        if words != self.how_to_get_one:
            self.how_to_get_one = words
            if not self.keeper.active:
                self._rebuild()

    @property
    def active(self) -> Session | None:
        kept = self.keeper.active
        return kept.session if kept is not None else None

    @property
    def sessions(self) -> tuple[Session, ...]:
        return tuple(kept.session for kept in self.keeper)

    def add_session(self, session: Session, origin: Origin = UNKNOWN_ORIGIN, *, parent: str = "") -> None:
        """Hold one more session; it becomes the active one. See `SessionsKeeper.add`."""
        self.keeper.add(session, origin, parent=parent)
        self.changed()

    def forget_all(self) -> Dropped:
        dropped = self.keeper.drop_all()
        self.changed()
        return dropped

    def mask(self) -> None:
        if self.revealed:
            self.revealed.clear()
            self.draw()
            self.post_message(Notice(plain("What was shown is hidden again.")))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """The session under the cursor becomes the active one; what was revealed of the other is hidden."""
        event.stop()
        key = event.option.id
        active = self.keeper.active
        if key is not None and active is not None and key != active.key and self.keeper.get(key) is not None:
            self.revealed.clear()
            self.keeper.activate(key)
            self.draw()
            self.post_message(self.SessionChanged(self.active))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.on_enter()

    # Drawing

    def changed(self) -> None:
        """There is one session more or less: show it, hide what was revealed, and tell."""
        self.revealed.clear()
        self._rebuild()
        self.post_message(self.SessionChanged(self.active))

    def _rebuild(self) -> None:
        self._note_what_is_hidden()
        kept = tuple(self.keeper)
        self.border_title = line("Sessions", (f" {len(kept)}", "$muted")) if kept else line("Sessions")
        if not kept:
            self.set_options([Option(plain(f"None. {self.how_to_get_one}", "$muted"), disabled=True)])
            return
        with self.prevent(OptionList.OptionHighlighted):
            self.set_options([Option(self._prompt(held), id=held.key) for held in kept])
            self.highlighted = next(i for i, held in enumerate(kept) if held is self.keeper.active)

    def draw(self) -> None:
        self._note_what_is_hidden()
        for kept in self.keeper:
            self.replace_option_prompt(kept.key, self._prompt(kept))

    def _note_what_is_hidden(self) -> None:
        """Once something is hidden again, leave no copy of it in what the drawing remembers."""
        before, self._drawn = self._drawn, frozenset(self.revealed)
        if before - self._drawn:
            self.call_after_refresh(self._forget_drawn)

    @staticmethod
    def _forget_drawn() -> None:
        forget_drawn_texts()
        gc.collect()

    def _prompt(self, kept: KeptSession) -> Content:
        active = kept is self.keeper.active
        now, session = self.clock(), kept.session
        width = self.scrollable_content_region.width or self.app.size.width
        longest = max(len(role_name(held)) for held in self.sessions)
        name_width = min(longest, NAME_WIDTH)
        head = heading_row(
            session,
            now,
            active=active,
            width=width,
            name_width=name_width,
            tags=() if active else tags(kept),
            production=self.is_production(session),
        )
        if not active:
            return head
        rows = (
            head,
            identity_row(session, width),
            callers_row(kept, width),
            renewal_row(kept, now, width),
            trouble_row(kept, now),
            endpoint_row(kept, width),
            *credential_rows(session, self.revealed.keys()),
        )
        return lines(*(row for row in rows if row is not None))

    # Time

    def tick(self) -> None:
        """Once a second: hide what was shown long enough, count down, warn."""
        now = self._monotonic()
        covered = self.screen is not self.app.screen
        self.revealed = {field: until for field, until in self.revealed.items() if now < until and not covered}
        self.draw()
        self._tick_sessions()

    def _tick_sessions(self) -> None:
        tick = self.keeper.tick()
        if tick.forgotten:
            self.changed()
        said = tick_words(tick, self._skew())
        if said is not None:
            # Whoever comes back to the screen must still find it.
            self.post_message(Notice(*said, until_next=bool(tick.crossed)))
        for kept in tick.due:
            run_worker_in_thread(self, kept.renewer.tick, "renewing", group="renew")
        for kept in tick.codes:
            self.post_message(self.CodeWanted(kept))

    def _skew(self) -> timedelta:
        """AWS's clock minus this machine's wall clock, as far as a session shows it."""
        active = self.active
        return (active.clock_skew if active is not None else timedelta()) - self._off()

    def _renewed_in_thread(self, key: str) -> None:
        self.post_message(self.Renewed(key))

    def on_sessions_panel_renewed(self, event: Renewed) -> None:
        event.stop()
        kept = self.keeper.get(event.key)
        if kept is None:
            return
        if kept is self.keeper.active:
            self.revealed.clear()
        self.draw()
        self.post_message(Notice(*renewed_words(kept, self.clock())))
        if kept is self.keeper.active:
            self.post_message(self.SessionChanged(self.active))

    def on_blur(self, _event: events.Blur) -> None:
        """Nothing stays readable in a panel that is not being used."""
        self.mask()

    def _app_focus_changed(self, focused: bool) -> None:
        if not focused:
            self.mask()

    def on_unmount(self) -> None:
        self.keeper.drop_all()

    # Keys

    def open_card(self) -> None:
        """List what can be done with the active session, each with its letter; what was shown of it is hidden."""
        self.mask()
        kept = self.kept_or_say()
        if kept is None:
            return

        async def chosen(action: str | None) -> None:
            # The session may have ended, or another one be active, since the card opened.
            if action is not None and kept is self.keeper.active:
                await self.run_action(action)

        self.app.push_screen(MenuDialog(line("Session of ", (role_name(kept.session), "bold")), _CARD), chosen)

    def action_reveal(self, name: str) -> None:
        """Show one field of the active session for at most 15 seconds."""
        field = Field(name)
        self.revealed = {field: self._monotonic() + REVEAL_SECONDS}
        self.set_timer(REVEAL_SECONDS, self.tick)
        self.post_message(Notice(plain(f"The {field} is readable for 15 seconds, or until you leave the panel.")))
        self.draw()

    def action_forget(self) -> None:
        """Drop the active session; asks for the key a second time."""
        kept = self.kept_or_say()
        if kept is None:
            return
        now = self._monotonic()
        name = (role_name(kept.session), "bold")
        if self._forgetting is not None and self._forgetting[0] == kept.key and now < self._forgetting[1]:
            self._forgetting = None
            orphans = self.keeper.children(kept.key)
            self.keeper.forget(kept.key)
            self.changed()
            words = line("Forgot the session of ", name, ". ", orphans_words(orphans, gone=True))
            self.post_message(Notice(words.rstrip()))
        else:
            self._forgetting = (kept.key, now + CONFIRM_SECONDS)
            served = " Its endpoint stops with it." if kept.service is not None else ""
            children = orphans_words(self.keeper.children(kept.key), gone=False)
            words = line("Press d again to forget the session of ", name, f".{served} ", children)
            self.post_message(Notice(words.rstrip(), Severity.WARNING))

    def kept_or_say(self) -> KeptSession | None:
        """The active session; without one a message advises how to get one."""
        kept = self.keeper.active
        if kept is None:
            self.post_message(Notice(plain(f"There is no session. {self.how_to_get_one}")))
        return kept

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        event.stop()
        if event.state is WorkerState.ERROR:
            name = type(event.worker.error).__name__
            self.post_message(Notice(plain(f"Renewing failed: {name}, an error in iamtui."), Severity.ERROR))
