"""LayingScreen: the main screen's part that shows the account as it would be with the draft that is open for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from textual import on, work
from textual.content import Content
from textual.message import Message
from textual.worker import get_current_worker

from iamtui.tui.copying import Copier
from iamtui.tui.inventory import Inventory
from iamtui.tui.safe import line, plain
from iamtui.tui.screens.browsing import BrowsingScreen
from iamtui.tui.screens.drafts.desk import DraftDesk, OpenDraft, touched_arns
from iamtui.tui.widgets.notice import Severity
from iamtui.tui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    # They bring in the engine, or drafts, which are not loaded before the first frame.
    from iamtui.account.drafts.draft import Draft, Edit
    from iamtui.account.model import Entity
    from iamtui.tui.screens.drafts.screen import DraftScreen
    from iamtui.tui.search import SearchIndex
    from iamtui.workspace.drafts.drafting import Drafted
    from iamtui.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Given:
    """The account as the source has it."""

    workspace: Workspace
    inventory: Inventory
    index: SearchIndex


_LISTED: Final = ("unknown", "denies less", "warning", "shared", "name")
"""Kinds of findings that the list of edits has room for, and that are not said when an edit is made."""


class LayingScreen(BrowsingScreen):
    """Lays the open draft over the account in a thread; every pane then shows and asks the account after it."""

    @dataclass(eq=False, repr=False)
    class _Laid(Message):
        draft: Draft
        given: Given
        drafted: Drafted
        inventory: Inventory
        index: SearchIndex
        said: Content | None

    def __init__(self, copier: Copier) -> None:
        super().__init__(copier)
        self._given: Given | None = None
        self._desk = DraftDesk()
        self._drafted: Drafted | None = None
        self._touched: frozenset[str] = frozenset()

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
        from iamtui.tui.screens.drafts.screen import DraftScreen  # noqa: PLC0415 - only with a draft

        return next((screen for screen in self.app.screen_stack if isinstance(screen, DraftScreen)), None)

    # The account.

    def set_workspace(self, workspace: Workspace, inventory: Inventory, index: SearchIndex) -> None:
        """Show an account with the draft that is open for it."""
        shown = self._workspace
        self._given = Given(workspace, inventory, index)
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
                self.tell(said)
            self._refresh_draft_screen()
        else:
            self._lay(said)

    def add_edits(self, edits: Sequence[Edit], said: Content | None = None) -> None:
        """Add edits to the draft of this account, opening one when there is none."""
        if self._given is not None and edits:
            self._desk.add(self._given.workspace.account.id, edits)
            self.draft_changed(said or self.added_words(len(edits)))

    def words_of(self, draft: Draft, index: int) -> str:
        """An edit of a draft over this account in words, safe to show."""
        from iamtui.account.drafts.words import describe_edit  # noqa: PLC0415 - only with a draft

        assert self._given is not None
        return describe_edit(draft.edits[index], self._given.workspace.account, draft.edits[:index])

    def added_words(self, count: int) -> Content:
        """What to say of the edits that were added to the draft last."""
        found = self.open_draft
        assert found is not None
        more = f" and {count - 1} more" if count > 1 else ""
        words = self.words_of(found.draft, len(found.draft.edits) - count)
        return line(("Drafted: ", "bold"), f"{words}{more}", ("  d draft, I impact", "$muted"))

    def tell(self, words: Content, severity: Severity = Severity.INFORMATION) -> None:
        """Say something about the draft, where its list is open also there."""
        self.say(words, severity)
        screen = self.draft_screen
        if screen is not None and screen.is_mounted:
            screen.say(words, severity)

    def _lay(self, said: Content | None = None) -> None:
        found, given = self.open_draft, self._given
        if found is not None and given is not None:
            self._lay_in_thread(found.draft, given, said)

    @work(thread=True, exclusive=True, exit_on_error=False, group="draft", name="laying the draft over the account")
    def _lay_in_thread(self, draft: Draft, given: Given, said: Content | None) -> None:
        from iamtui.tui.search import SearchIndex  # noqa: PLC0415 - not before a frame
        from iamtui.workspace.drafts.drafting import lay  # noqa: PLC0415 - brings the engine: likewise

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
            problem = drafted.problems[0]
            which = f"Edit {problem.number} does not fit, so the account is shown without the draft: d says why."
            self.tell(plain(which if problem.number else problem), Severity.ERROR)
        else:
            self._drafted = drafted
            self._touched = touched_arns(drafted.draft)
            self._show_draft(drafted.base)
            super().set_workspace(drafted.after, event.inventory, event.index)
            self._say_laid(drafted, event.said)
        self._refresh_draft_screen()

    def _say_laid(self, drafted: Drafted, said: Content | None) -> None:
        last = len(drafted.draft.edits)
        # What the draft lists with its edits, and AWS would not refuse, would hide here what was done.
        notable = (f for f in drafted.findings if f.edit == last and f.kind not in _LISTED)
        finding = next(notable, None) if said is not None else None
        if finding is not None:
            self.tell(plain(finding.sentence), Severity.WARNING)
        elif said is not None:
            self.tell(said)

    def _refresh_draft_screen(self) -> None:
        screen = self.draft_screen
        if screen is not None and screen.is_mounted:
            screen.show()
