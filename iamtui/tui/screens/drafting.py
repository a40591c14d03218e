"""DraftingScreen: the main screen's part that keeps a draft and shows the account as it would be with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.content import Content
from textual.message import Message
from textual.worker import get_current_worker

from iamtui.account.draft import Draft, Edit
from iamtui.account.model import Entity
from iamtui.analysis.inquiry import Inquiry
from iamtui.evaluation.decision import Outcome
from iamtui.problem import Problem
from iamtui.tui.copying import Copier
from iamtui.tui.inventory import Inventory
from iamtui.tui.safe import line, plain
from iamtui.tui.screens.browsing import BrowsingScreen
from iamtui.tui.screens.draft_desk import DraftDesk, OpenDraft, touched_arns
from iamtui.tui.screens.draft_making import EditMaker
from iamtui.tui.screens.trace_messages import DraftSuggestion
from iamtui.tui.search import SearchIndex
from iamtui.tui.widgets.notice import Severity
from iamtui.tui.widgets.status_line import StatusLine
from iamtui.workspace.workspace import Workspace

if TYPE_CHECKING:
    # They bring in the engine, which is not loaded before the first frame.
    from iamtui.tui.screens.draft_screen import DraftScreen
    from iamtui.workspace.draft_fix import SuggestedDraft
    from iamtui.workspace.drafting import Drafted


@dataclass(frozen=True, slots=True)
class _Given:
    """The account as the source has it."""

    workspace: Workspace
    inventory: Inventory
    index: SearchIndex


class DraftingScreen(BrowsingScreen):
    """Lays the open draft over the account in a thread; every pane then shows and asks the account after it."""

    @dataclass
    class _Laid(Message):
        draft: Draft
        given: _Given
        drafted: Drafted
        inventory: Inventory
        index: SearchIndex
        said: Content | None

    @dataclass
    class _Suggested(Message):
        given: _Given
        before: Draft
        made: SuggestedDraft

    @dataclass
    class _DraftFailed(Message):
        problem: Problem

    def __init__(self, copier: Copier) -> None:
        super().__init__(copier)
        self._given: _Given | None = None
        self._desk = DraftDesk()
        self._drafted: Drafted | None = None
        self._touched: frozenset[str] = frozenset()
        self._maker = EditMaker(self)

    # What others ask.

    @property
    def source_workspace(self) -> Workspace | None:
        """The account as the source has it, without the draft."""
        return self._given.workspace if self._given is not None else None

    def signed_in_anew(self, workspace: Workspace) -> None:
        """Go on with the connection of a workspace that is the source's own but for that."""
        if self._given is not None and self._given.workspace.account is workspace.account:
            self._given = replace(self._given, workspace=workspace)

    @property
    def open_draft(self) -> OpenDraft | None:
        """The draft that is open for the account on screen."""
        return self._desk.of(self._given.workspace.account.id) if self._given is not None else None

    @property
    def drafted(self) -> Drafted | None:
        """The open draft laid over the account, or None while there is none, or it is being laid."""
        return self._drafted

    @property
    def before_workspace(self) -> Workspace | None:
        """The account before the draft whose after is on screen; None when there is no draft, or it does not fit."""
        drafted = self._drafted
        return drafted.base if drafted is not None and not drafted.problems else None

    @property
    def unsaved_drafts(self) -> tuple[OpenDraft, ...]:
        """The drafts of this run whose edits would be lost."""
        return self._desk.unsaved

    @property
    def draft_screen(self) -> DraftScreen | None:
        """The screen with the list of edits, while it is open."""
        from iamtui.tui.screens.draft_screen import DraftScreen  # noqa: PLC0415 - only with a draft

        return next((screen for screen in self.app.screen_stack if isinstance(screen, DraftScreen)), None)

    # The account.

    def set_workspace(self, workspace: Workspace, inventory: Inventory, index: SearchIndex) -> None:
        """Show an account with the draft that is open for it."""
        shown = self._workspace
        self._given = _Given(workspace, inventory, index)
        if self.open_draft is None or shown is None or shown.account.id != workspace.account.id:
            self._show_given()
        if self.open_draft is not None:
            self._lay()

    def _show_given(self) -> None:
        given = self._given
        assert given is not None
        self._drafted = None
        self._touched = frozenset()
        self._show_draft(None)
        super().set_workspace(given.workspace, given.inventory, given.index)

    def _show_draft(self, before: Workspace | None) -> None:
        """Tell the panes what the account was before; None: there is nothing to compare with."""
        found = self.open_draft
        self.query_one(StatusLine).set_draft(found.words if found is not None else "")
        self.question.set_before(before)
        self.subject.set_before(before.account if before is not None else None)
        self.explorer.tree_view.set_marks(self.draft_mark if before is not None else None)
        self.subject.table.set_marks(self.draft_mark if before is not None else None)

    def draft_mark(self, entity: Entity) -> str:
        """`+` for what the draft creates, `~` for what it changes, else ""."""
        drafted = self._drafted
        if drafted is None or entity.arn not in self._touched:
            return ""
        return "~" if drafted.base.account.by_arn(entity.arn) is not None else "+"

    # Laying.

    def draft_changed(self, said: Content | None = None) -> None:
        """Show the account with the draft as it is now; `said` is what to say once it is shown."""
        if self.open_draft is None:
            self.workers.cancel_group(self, "draft")
            self._show_given()
            if said is not None:
                self.say(said)
            self._refresh_draft_screen()
        else:
            self._lay(said)

    def add_edits(self, edits: Sequence[Edit], said: Content | None = None) -> None:
        """Add edits to the draft of this account, opening one when there is none."""
        if self._given is not None and edits:
            self._desk.add(self._given.workspace.account.id, edits)
            self.draft_changed(said or self._added_words(edits))

    def _added_words(self, edits: Sequence[Edit]) -> Content:
        from iamtui.account.draft_words import describe_edit  # noqa: PLC0415 - only with a draft

        assert self._given is not None
        more = f" and {len(edits) - 1} more" if len(edits) > 1 else ""
        words = describe_edit(edits[0], self._given.workspace.account)
        return line(("Drafted: ", "bold"), f"{words}{more}", ("  d draft, I impact", "$muted"))

    def _lay(self, said: Content | None = None) -> None:
        found, given = self.open_draft, self._given
        if found is not None and given is not None:
            self._lay_in_thread(found.draft, given, said)

    @work(thread=True, exclusive=True, exit_on_error=False, group="draft", name="laying the draft over the account")
    def _lay_in_thread(self, draft: Draft, given: _Given, said: Content | None) -> None:
        from iamtui.workspace.drafting import lay  # noqa: PLC0415 - brings the engine: not before a frame

        worker = get_current_worker()
        drafted = lay(given.workspace, draft)
        account = drafted.after.account
        inventory, index = Inventory(account), SearchIndex(account)
        if not worker.is_cancelled:
            self.post_message(self._Laid(draft, given, drafted, inventory, index, said))

    @on(_Laid)
    def _show_laid(self, event: _Laid) -> None:
        event.stop()
        found = self.open_draft
        if found is None or found.draft != event.draft or event.given is not self._given:
            return
        drafted = event.drafted
        if drafted.problems:
            self._show_given()
            self._drafted = drafted
            self._show_draft(None)
            self.say(
                line(plain(drafted.problems[0]), ("  The account is shown without the draft.", "$muted")),
                Severity.ERROR,
            )
        else:
            self._drafted = drafted
            self._touched = touched_arns(drafted.draft)
            self._show_draft(drafted.base)
            super().set_workspace(drafted.after, event.inventory, event.index)
            self._say_laid(drafted, event.said)
        self._refresh_draft_screen()

    def _say_laid(self, drafted: Drafted, said: Content | None) -> None:
        last = len(drafted.draft.edits)
        # That a text is not AWS's newest is said in the draft; here it would hide what was done.
        notable = (f for f in drafted.findings if f.edit == last and f.kind != "unknown")
        finding = next(notable, None) if said is not None else None
        if finding is not None:
            self.say(plain(finding.sentence), Severity.WARNING)
        elif said is not None:
            self.say(said)

    def _refresh_draft_screen(self) -> None:
        screen = self.draft_screen
        if screen is not None and screen.is_mounted:
            screen.show()

    # From an answer.

    def action_draft_suggestion(self) -> None:
        """Make a draft of what would allow the question that is answered."""
        question, principal = self.question.question, self.question.principal
        answer = self.question.answer
        if question is None or principal is None or answer is None:
            self.say(plain("Ask a question first: of a denied one, this key drafts what would allow it."))
        elif answer.allowed:
            self.say(plain("This is allowed already: there is nothing to draft. E edits by hand."))
        elif answer.outcome is Outcome.DEPENDS:
            self.say(plain("It depends on what is not known: give that as context, and draft when it is denied."))
        else:
            self.post_message(DraftSuggestion((), principal, question))

    @on(DraftSuggestion)
    def _suggestion_wanted(self, event: DraftSuggestion) -> None:
        event.stop()
        if self._given is not None:
            found = self.open_draft
            draft = found.draft if found is not None else Draft(self._given.workspace.account.id)
            self.say(plain("Looking for what would allow it …"), stays=True)
            asked = event.question
            inquiry = self.question.inquiry or Inquiry((asked.action,), (asked.resource,), asked)
            self._suggest_in_thread(self._given, draft, event, inquiry)

    @work(thread=True, exclusive=True, exit_on_error=False, group="draft", name="drafting the suggestion")
    def _suggest_in_thread(self, given: _Given, draft: Draft, event: DraftSuggestion, inquiry: Inquiry) -> None:
        from iamtui.workspace.draft_fix import one_cell, with_fix  # noqa: PLC0415 - the engine: not before a frame

        worker = get_current_worker()
        try:
            made = with_fix(given.workspace, draft, event.principal, one_cell(inquiry, event.question))
        except Problem as problem:
            self.post_message(self._DraftFailed(problem))
            return
        if not worker.is_cancelled:
            self.post_message(self._Suggested(given, draft, made))

    @on(_Suggested)
    def _show_suggested(self, event: _Suggested) -> None:
        event.stop()
        found = self.open_draft
        if event.given is not self._given or (found is not None and found.draft != event.before):
            return
        made = event.made
        added = made.draft.edits[len(event.before.edits) :]
        if not added:
            reason = made.left[0] if made.left else Problem("The engine suggests no change that a draft can make.")
            self.say(plain(reason), Severity.WARNING)
            return
        self._desk.change(made.draft)
        said = self._added_words(added)
        if made.left:
            said = line(said, ("  Left: ", "$verdict-depends"), plain(made.left[0].sentence))
        elif made.cautions:
            # What it does to others weighs more than how it reads: d shows that.
            count = f"{len(added)} edits" if len(added) > 1 else "1 edit"
            keys = ("  d draft, I impact", "$muted")
            said = line(("Drafted: ", "bold"), count, keys, "  ", plain(made.cautions[0], "$verdict-depends"))
        self.draft_changed(said)

    @on(_DraftFailed)
    def _draft_failed(self, event: _DraftFailed) -> None:
        event.stop()
        self.say(str(event.problem), Severity.ERROR)

    # Undoing, saving, discarding.

    def undo_edit(self) -> None:
        """Take the last edit back."""
        found = self.open_draft
        if found is None or not found.draft.edits:
            self.say(plain("There is no edit to undo."))
            return
        self._desk.change(found.draft.undone())
        self.draft_changed(plain("Undone: the last edit."))

    def remove_edit(self, index: int) -> None:
        """Take one edit out."""
        found = self.open_draft
        if found is not None and 0 <= index < len(found.draft.edits):
            self._desk.change(found.draft.without(index))
            self.draft_changed(plain("Removed from the draft."))

    def replace_edit(self, index: int, edit: Edit) -> None:
        """Put another edit in the place of one."""
        found = self.open_draft
        if found is not None and 0 <= index < len(found.draft.edits):
            edits = (*found.draft.edits[:index], edit, *found.draft.edits[index + 1 :])
            self._desk.change(Draft(found.draft.account_id, found.draft.name, edits))
            self.draft_changed(plain("The edit was changed."))

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

    def leave(self, leaving: Callable[[], object]) -> None:
        """Leave the app; with edits that are not saved, ask once whether to save them first."""
        from iamtui.tui.screens.draft_prompts import ChoiceDialog  # noqa: PLC0415 - only with a draft
        from iamtui.tui.widgets.draft.option_lines import Choice  # noqa: PLC0415 - likewise

        unsaved = self.unsaved_drafts
        if not unsaved:
            leaving()
            return
        if isinstance(self.app.screen, ChoiceDialog):
            return
        names = ", ".join(found.draft.name or "a draft without a name" for found in unsaved)
        here = self.open_draft
        choices = [Choice("stay", "Stay"), Choice("leave", "Leave without saving", "the edits are lost")]
        if here is not None and here.unsaved:
            choices.insert(0, Choice("draft", "Show the draft", "s saves it there"))

        def chosen(key: str | None) -> None:
            if key == "leave":
                leaving()
            elif key == "draft" and self.draft_screen is None:
                self.action_draft()

        self.app.push_screen(ChoiceDialog(line("Not saved: ", (names, "bold")), choices), chosen)

    def action_draft_undo(self) -> None:
        """Take the last edit back."""
        self.undo_edit()

    def action_draft(self) -> None:
        """Show the draft."""
        from iamtui.tui.screens.draft_screen import DraftScreen  # noqa: PLC0415 - not before a frame

        if self._given is None:
            self.say(plain("Open an account first: P chooses one."))
        else:
            self.app.push_screen(DraftScreen(self))

    def action_draft_impact(self) -> None:
        """Show for whom the draft changes the answer."""
        from iamtui.tui.screens.draft_impact import DraftImpactScreen  # noqa: PLC0415 - not before a frame

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
