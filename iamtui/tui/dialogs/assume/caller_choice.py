"""CallerChoice: who is to assume the role, the account's own caller or one of the live sessions (role chaining)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from iamtui.account.availability import Missing
from iamtui.credentials.session import Session
from iamtui.tui import clock
from iamtui.tui.safe import line
from iamtui.tui.widgets.session_text import role_name
from iamtui.workspace.workspace import Workspace


class CallerChoice(Widget):
    """One caller at a time; with sessions to choose from it takes the focus, and arrows change it."""

    HELP_TITLE: ClassVar[str] = "Caller"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,down,space", "next(1)", "Next caller", show=False, id="assume.caller-next"),
        Binding("left,up", "next(-1)", "Caller before", show=False, id="assume.caller-before"),
    ]

    DEFAULT_CSS = """
    CallerChoice {
        width: 1fr;
        height: 1;

        &:focus {
            background: $cursor;
        }
    }
    """

    @dataclass(eq=False, repr=False)
    class Chosen(Message):
        """Somebody else is to assume the role."""

        caller: Session | None

    def __init__(self, workspace: Workspace, caller: Session | None, callers: Sequence[Session]) -> None:
        """Make the choice.

        Args:
            workspace: the account, with its own caller.
            caller: who is chosen at first; None is the account's own caller.
            callers: the sessions; those that have ended, or are not who they should be, are left out.
        """
        super().__init__()
        self._workspace = workspace
        usable = [held for held in callers if not held.expired(clock.now()) and not held.contradicted]
        if caller is not None:
            usable = [caller, *(held for held in usable if held.key != caller.key)]
        self._options: tuple[Session | None, ...] = (None, *usable)
        self._at = 0 if caller is None else 1
        self.can_focus = len(self._options) > 1

    @property
    def caller(self) -> Session | None:
        """The session that is chosen, or None for the account's own caller."""
        return self._options[self._at]

    @property
    def hint(self) -> Content:
        """How to choose another."""
        if not self.can_focus:
            return Content("")
        return line(("F3", "bold $match"), (f" another of {len(self._options)}", "$muted"))

    def on_mount(self) -> None:
        """Keep the time left true."""
        if self.can_focus:
            self.set_interval(1, self.refresh)

    def action_next(self, step: int) -> None:
        """Choose the next caller, around the ends."""
        if self.can_focus:
            self._at = (self._at + step) % len(self._options)
            self.refresh()
            self.post_message(self.Chosen(self.caller))

    def on_click(self) -> None:
        """Choose the next one."""
        self.action_next(1)

    def render(self) -> Content:
        """Who it is."""
        session = self.caller
        if session is None:
            fact = self._workspace.account.caller_arn
            return line((_short(fact.value), "bold") if not isinstance(fact, Missing) else ("not known", "$muted"))
        left = session.time_left_words(clock.now())
        return line(("the session of ", "$muted"), (role_name(session), "bold"), (f", {left} left", "$muted"))


def _short(arn: str) -> str:
    """An ARN without what all of an account have in common."""
    return arn.split(":", 5)[-1]
