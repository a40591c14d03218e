"""DraftingScreen: the main screen's part that takes the keys and commands of a draft."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from iamtui.tui.safe import line, plain
from iamtui.tui.screens.drafts.suggesting import SuggestingScreen
from iamtui.tui.widgets.notice import Severity

if TYPE_CHECKING:
    # They are not loaded before the first frame.
    from iamtui.account.drafts.draft import Draft, Edit
    from iamtui.tui.screens.drafts.making import EditMaker


class DraftingScreen(SuggestingScreen):
    """Edits, undoes, saves, opens and discards the draft of the account on screen."""

    @cached_property
    def _maker(self) -> EditMaker:
        from iamtui.tui.screens.drafts.making import EditMaker  # noqa: PLC0415 - only when something is edited

        return EditMaker(self)

    # Undoing, saving, discarding.

    def undo_edit(self) -> None:
        """Take back what was done last: an edit was taken out or changed, else the last edit was made."""
        found = self.open_draft
        if found is not None and found.changed_last:
            self.put_back_edit()
        elif found is None or not found.draft.edits:
            self.tell(plain("There is no edit to undo."))
        else:
            self._take("Undone: ", len(found.draft.edits) - 1, undone=True)

    def remove_edit(self, index: int) -> None:
        """Take one edit out."""
        found = self.open_draft
        if found is not None and 0 <= index < len(found.draft.edits):
            self._take("Removed: ", index)

    def _take(self, what: str, index: int, *, undone: bool = False) -> None:
        found = self.open_draft
        assert found is not None
        words = self.words_of(found.draft, index)
        left = len(self._desk.take(found.draft.account_id, index, undone=undone).draft.edits)
        count = f"  {left} edit{'' if left == 1 else 's'} left"
        self.draft_changed(line((what, "bold"), words, (count, "$muted")))

    def put_back_edit(self) -> None:
        """Put back what was taken out, or replaced, last."""
        found = self.open_draft
        if found is None or not found.formers:
            self.tell(plain("Nothing was taken out or replaced that could be put back."))
            return
        index = found.formers[-1].index
        found = self._desk.put_back(found.draft.account_id)
        self.draft_changed(line(("Put back: ", "bold"), self.words_of(found.draft, index)))

    def replace_edit(self, index: int, edit: Edit) -> None:
        """Put another edit in the place of one."""
        found = self.open_draft
        if found is not None and 0 <= index < len(found.draft.edits):
            self._desk.replace(found.draft.account_id, index, edit)
            self.draft_changed(line("The edit was changed; ", ("r", "bold $match"), " puts it back as it was before."))

    def open_draft_from(self, draft: Draft, path: Path) -> None:
        """Open a draft that was read from a file."""
        self._desk.open(draft, path)
        self.draft_changed(line("Opened the draft ", (path.name, "bold"), "."))

    def draft_saved(self, draft: Draft, path: Path) -> None:
        """Note that the draft is in a file."""
        self._desk.saved(draft, path)
        self.draft_changed(line("Saved as ", (path, "bold"), "."))

    def discard_draft(self) -> None:
        """Forget the draft; its file stays."""
        found = self.open_draft
        if found is not None:
            self._desk.close(found.draft.account_id)
            self.draft_changed(plain("The draft is closed: the account is shown as it is."))

    def edit_again(self, index: int) -> None:
        """Open the document of an edit once more."""
        self._maker.edit_again(index)

    def action_draft_edit(self) -> None:
        """List what can be edited where the user is."""
        self._maker.menu()

    def action_draft_undo(self) -> None:
        """Take back what was done last."""
        self.undo_edit()

    def action_draft(self) -> None:
        """Show the draft."""
        from iamtui.tui.screens.drafts.screen import DraftScreen  # noqa: PLC0415 - not before a frame

        if self._given is None:
            self.say(plain("Open an account first: P chooses one."))
        else:
            self.app.push_screen(DraftScreen(self))

    def action_draft_impact(self) -> None:
        """Show for whom the draft changes the answer."""
        from iamtui.tui.screens.drafts.impact import DraftImpactScreen  # noqa: PLC0415 - not before a frame

        drafted = self._drafted
        if drafted is None:
            self.say(plain("There is no draft whose impact could be shown: E edits here, A drafts what would help."))
        elif drafted.problems:
            self.say(str(drafted.problems[0]), Severity.ERROR)
        else:
            self.app.push_screen(DraftImpactScreen(drafted, self.question.inquiry, self.question.principal), self._went)

    def _went(self, arn: str | None) -> None:
        if arn:
            self.go_to(arn)
