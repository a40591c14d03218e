"""EditHand: what every maker of edits needs: where the user is, what to choose from, and where the edit goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import App
from textual.content import Content

from iamtui.account.drafts.draft import Edit
from iamtui.account.model import Account, Entity, Group, Role, User
from iamtui.problem import Problem
from iamtui.tui.dialogs.prompts import ChoiceDialog
from iamtui.tui.inventory import Branch
from iamtui.tui.screens.drafts.keeper import DraftKeeper
from iamtui.tui.widgets.draft.option_lines import Choice
from iamtui.tui.widgets.notice import Severity


class EditHand:
    """Works on behalf of the screen that keeps the draft."""

    def __init__(self, screen: DraftKeeper) -> None:
        self.screen = screen

    @property
    def app(self) -> App[object]:
        """The app, to open dialogs."""
        return self.screen.app

    @property
    def account(self) -> Account:
        """The account as it is on screen: with the draft, so that edits build on each other."""
        workspace = self.screen.workspace
        assert workspace is not None
        return workspace.account

    @property
    def node(self) -> Entity | None:
        """What the user is on, in the tree or in the table of a branch."""
        screen = self.screen
        node = screen.subject.node
        if isinstance(node, Branch):
            return screen.subject.table.entity if screen.subject.table.has_focus else None
        return node

    @property
    def holder(self) -> User | Group | Role:
        """The user, group or role that the user is on."""
        node = self.node
        assert isinstance(node, User | Group | Role)
        return node

    def add(self, *edits: Edit) -> None:
        """Add edits to the draft."""
        self.screen.add_edits(edits)

    def say(self, words: Content | str, severity: Severity = Severity.INFORMATION) -> None:
        """Say something on the message line."""
        self.screen.say(words, severity)

    def doing(self, then: Callable[[str], None]) -> Callable[[str | None], None]:
        """What a dialog is given to call: it does nothing for no choice, and says why something cannot be done."""

        def taken(chosen: str | None) -> None:
            if chosen is not None:
                try:
                    then(chosen)
                except Problem as problem:
                    self.say(str(problem), Severity.WARNING)

        return taken

    def pick(
        self, title: Content, choices: Sequence[Choice], then: Callable[[str], None], *, empty: str = "",
        more: Callable[[], Sequence[Choice]] | None = None,
    ) -> None:  # fmt: skip
        """Let the user choose from a list that typing narrows."""
        dialog = ChoiceDialog(title, choices, empty=empty or "There is nothing to choose.", more=more)
        self.app.push_screen(dialog, self.doing(then))
