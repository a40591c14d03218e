"""SessionsList: the sessions of this run as they look; the one under the cursor is the active one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from iamtui.credentials.session import Clock, Session
from iamtui.tui.safe import forget_drawn_texts, line, lines, plain
from iamtui.tui.widgets.notice import Notice
from iamtui.tui.widgets.session_care_text import callers_row, care_row, endpoint_row, tags, trouble_row
from iamtui.tui.widgets.session_text import Field, credential_rows, heading_row, identity_row, role_name
from iamtui.workspace.sessions.keeping import UNKNOWN_ORIGIN, Dropped, KeptSession, Origin, SessionsKeeper

TO_ASSUME: Final = "Go to a role and press a (F8) to assume it."
NOTHING_TO_ASSUME_WITH: Final = "No role can be assumed from a snapshot: it has no connection to AWS."
"""How to get a session, or why there can be none."""

NAME_WIDTH: Final = 24
"""Role names up to this long stand in a column."""


class SessionsList(OptionList):
    """Draws what its keeper holds. Secrets stay masked but for the fields in `revealed`."""

    DEFAULT_CSS = """
    SessionsList {
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
    class Changed(Message):
        """Another session is active, or there is one more or one less."""

        active: Session | None

    def __init__(
        self,
        *,
        clock: Clock,
        off: Callable[[], timedelta],
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id, markup=False)
        self.clock: Final = clock
        self.keeper: Final = SessionsKeeper(clock=clock, off=off, changed=self.renewed_in_thread)
        self.revealed: dict[Field, float] = {}
        """What is readable of the active session, and until when."""
        self._drawn: frozenset[Field] = frozenset()
        """What was readable when the lines were drawn last."""
        self.how_to_get_one = TO_ASSUME
        """What to do where there is no session, a sentence."""
        self.is_production: Callable[[Session], bool] = lambda _session: False
        """Says whether a session's account or role looks like production."""

    def on_mount(self) -> None:
        """Say how to get a session."""
        self._rebuild()

    def on_resize(self) -> None:
        """Fit the lines to the new width."""
        self.draw()

    def renewed_in_thread(self, key: str) -> None:
        """A thread has renewed a session, or has failed to."""
        raise NotImplementedError

    # What others use

    def can_assume(self, *, possible: bool) -> None:
        """Whether the account that is open has credentials, with which a role could be assumed."""
        words = TO_ASSUME if possible else NOTHING_TO_ASSUME_WITH
        if words != self.how_to_get_one:
            self.how_to_get_one = words
            if not self.keeper.active:
                self._rebuild()

    @property
    def active(self) -> Session | None:
        """The session that exports and sub-shells use, or None."""
        kept = self.keeper.active
        return kept.session if kept is not None else None

    @property
    def sessions(self) -> tuple[Session, ...]:
        """All sessions held, oldest first."""
        return tuple(kept.session for kept in self.keeper)

    def add_session(self, session: Session, origin: Origin = UNKNOWN_ORIGIN, *, parent: str = "") -> None:
        """Hold one more session; it becomes the active one. See `SessionsKeeper.add`."""
        self.keeper.add(session, origin, parent=parent)
        self.changed()

    def forget_all(self) -> Dropped:
        """Drop every session and stop every endpoint."""
        dropped = self.keeper.drop_all()
        self.changed()
        return dropped

    def mask(self) -> None:
        """Hide whatever is revealed, at once."""
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
            self.post_message(self.Changed(self.active))

    # Drawing

    def changed(self) -> None:
        """There is one session more or less: show it, hide what was revealed, and tell."""
        self.revealed.clear()
        self._rebuild()
        self.post_message(self.Changed(self.active))

    def _rebuild(self) -> None:
        """Make the list anew, the cursor on the active session."""
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
        """Bring every line up to date."""
        self._note_what_is_hidden()
        for kept in self.keeper:
            self.replace_option_prompt(kept.key, self._prompt(kept))

    def _note_what_is_hidden(self) -> None:
        """Once something is hidden again, leave no copy of it in what the drawing remembers."""
        before, self._drawn = self._drawn, frozenset(self.revealed)
        if before - self._drawn:
            self.call_after_refresh(forget_drawn_texts)

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
            care_row(kept, now, width),
            trouble_row(kept, now),
            endpoint_row(kept, width),
            *credential_rows(session, self.revealed.keys()),
        )
        return lines(*(row for row in rows if row is not None))
