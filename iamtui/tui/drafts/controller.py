"""DraftController: applies the open draft to the account on screen, and does what the keys of drafts ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import structs
from textual.content import Content

from iamtui.engine.decision import Outcome
from iamtui.problem import Problem
from iamtui.questions.question import QuestionMatrix
from iamtui.text import counted, first_names
from iamtui.tui.background import Work, get_in_thread, in_thread
from iamtui.tui.content import Severity, line, plain
from iamtui.tui.drafts.changes import DraftDesk, OpenDraft
from iamtui.tui.main.inventory import IndexedAccount
from iamtui.tui.main.paned import Browsing, PanedScreen
from iamtui.tui.widgets.status import StatusLine

if TYPE_CHECKING:
    from iamtui.account.model import Entity
    from iamtui.drafts.draft import Draft, Edit
    from iamtui.engine.request import Principal
    from iamtui.questions.question import Question
    from iamtui.tui.drafts.draft_screen import DraftScreen
    from iamtui.tui.drafts.edit_menu import EditMenu
    from iamtui.tui.drafts.impact_screen import DraftImpactScreen
    from iamtui.tui.main.inventory import IndexedAccount
    from iamtui.workspace.change.draft_fixes import SuggestedDraft
    from iamtui.workspace.change.draft_session import DraftedAccount
    from iamtui.workspace.source.workspace import Workspace


_GROUP: Final = "draft"
"""Of workers, of which the last one counts."""

_MOST_LEFT_OUT: Final = 2
"""Changes of a plan that the message line names."""

_MOST_CAUTIONS: Final = 2
"""Sentences on what a suggested draft does besides: the message line has five lines."""

_LISTED: Final = ("unknown", "denies less", "warning", "shared", "name")
"""Kinds of findings for which the list of edits has room, and which are not announced when an edit is made."""


class DraftController:
    """Edits, undoes, saves, opens and discards the draft of an account, and drafts what would allow a question.

    The draft is applied to the account in a thread; every pane then shows and asks the account after it.
    """

    def __init__(self, screen: PanedScreen, browsing: Browsing) -> None:
        self.screen = screen
        self._browsing = browsing
        browsing.look_at = self.look_at
        self._given: IndexedAccount | None = None
        self._desk = DraftDesk()
        self._drafted: DraftedAccount | None = None
        self._touched: frozenset[str] = frozenset()
        self.edit_at = 0

    # What others ask.

    @property
    def source_workspace(self) -> Workspace | None:
        return self._given.workspace if self._given is not None else None

    def signed_in_anew(self, workspace: Workspace) -> None:
        """Go on with the connection of a workspace that is the source's own but for that."""
        if self._given is not None and self._given.workspace.account is workspace.account:
            self._given = structs.replace(self._given, workspace=workspace)

    @property
    def open_draft(self) -> OpenDraft | None:
        return self._desk.of(self._given.workspace.account.id) if self._given is not None else None

    @property
    def drafted(self) -> DraftedAccount | None:
        """The open draft applied to the account, or None while there is none, or it is being applied."""
        return self._drafted

    @property
    def before_workspace(self) -> Workspace | None:
        """The account before the draft whose after is on screen; None when there is no draft, or it does not fit."""
        drafted = self._drafted
        return drafted.base if drafted is not None and not drafted.problems else None

    @property
    def unsaved_drafts(self) -> tuple[OpenDraft, ...]:
        return self._desk.unsaved

    @property
    def draft_screen(self) -> DraftScreen | None:
        from iamtui.tui.drafts.draft_screen import DraftScreen

        return next(
            (screen for screen in self.screen.app.screen_stack if isinstance(screen, DraftScreen)),
            None,
        )

    # The account.

    def show_account(self, given: IndexedAccount) -> None:
        shown = self.screen.workspace
        self._given = given
        if self.open_draft is None or shown is None or shown.account.id != given.workspace.account.id:
            self._show_given()
        if self.open_draft is not None:
            self._lay()

    def look_at(self, account: str, key: str = "") -> None:
        """Show another of the accounts that are open in place of the one on screen.

        Args:
            key: of the node where the cursor is then, or "".
        """
        given = self._given
        if given is None:
            return

        def show(found: IndexedAccount) -> None:
            if given is self._given:
                self.show_account(found)
                if key:
                    self._browsing.go_to(key)
            elif self._given is not None and account in self._given.workspace.others:
                # More of the accounts was read meanwhile.
                self.look_at(account, key)

        make = partial(IndexedAccount.of, given.workspace.at(account))
        get_in_thread(self.screen, make, show, name="going to another account", group=_GROUP)

    def show_again(self, workspace: Workspace) -> None:
        """Show the account that is on screen with another connection, or in another Region."""
        if self._given is not None and self._given.workspace.account is workspace.account:
            self.show_account(structs.replace(self._given, workspace=workspace))

    def _show_given(self) -> None:
        given = self._given
        assert given is not None
        self._drafted = None
        self._touched = frozenset()
        self._show_draft(None)
        self._browsing.show_account(given)

    def _show_draft(self, before: Workspace | None) -> None:
        """Tell the panes what the account was before; None: there is nothing to compare with."""
        found = self.open_draft
        self.screen.query_one(StatusLine).set_draft(found.words if found is not None else "")
        self.screen.question.set_before(before)
        self.screen.subject.set_before(before.account if before is not None else None)
        self.screen.explorer.tree_view.notes.set_marks(self.draft_mark if before is not None else None)
        self.screen.subject.table.notes.set_marks(self.draft_mark if before is not None else None)

    def draft_mark(self, entity: Entity) -> str:
        """`+` for what the draft creates, `~` for what it changes, else ""."""
        drafted = self._drafted
        if drafted is None or entity.arn not in self._touched:
            return ""
        return "~" if drafted.base.account.by_arn(entity.arn) is not None else "+"

    # Laying.

    def draft_changed(self, said: Content | None = None) -> None:
        """Show the account with the current draft, then a message."""
        if self.open_draft is None:
            self.screen.workers.cancel_group(self.screen, "draft")
            self._show_given()
            if said is not None:
                self.tell(said)
            self._refresh_draft_screen()
        else:
            self._lay(said)

    def add_edits(self, edits: Sequence[Edit]) -> None:
        if self._given is not None and edits:
            self._desk.add(self._given.workspace.account.id, edits)
            self.draft_changed(self.added_words(len(edits)))

    def words_of(self, draft: Draft, index: int) -> str:
        """An edit of a draft over this account in words, safe to show."""
        assert self._given is not None
        return draft.words_of(index, self._given.workspace.account)

    def added_words(self, count: int) -> Content:
        found = self.open_draft
        assert found is not None
        more = f" and {count - 1} more" if count > 1 else ""
        words = self.words_of(found.draft, len(found.draft.edits) - count)
        return line(("Drafted: ", "bold"), f"{words}{more}", ("  g d draft, i impact", "$muted"))

    def tell(self, words: Content, severity: Severity = Severity.INFORMATION) -> None:
        """Say something about the draft, where its list is open also there."""
        self.screen.say(words, severity)
        screen = self.draft_screen
        if screen is not None and screen.is_mounted:
            screen.say(words, severity)

    def _lay(self, said: Content | None = None) -> None:
        found, given = self.open_draft, self._given
        if found is not None and given is not None:
            draft = found.draft

            def apply(work: Work) -> None:
                from iamtui.workspace.change.draft_session import apply

                drafted = apply(given.workspace, draft)
                work.tell(self._show_laid, draft, given, drafted, IndexedAccount.of(drafted.after), said)

            in_thread(self.screen, apply, name="applying the draft to the account", group=_GROUP)

    def _show_laid(
        self,
        draft: Draft,
        given: IndexedAccount,
        drafted: DraftedAccount,
        laid: IndexedAccount,
        said: Content | None,
    ) -> None:
        found = self.open_draft
        if found is None or found.draft != draft or given is not self._given:
            return
        if drafted.problems:
            self._show_given()
            self._drafted = drafted
            self._show_draft(None)
            problem = drafted.problems[0]
            which = f"Edit {problem.number} does not fit, so the account is shown without the draft: d says why."
            self.tell(plain(which if problem.number else problem), Severity.ERROR)
        else:
            self._drafted = drafted
            self._touched = frozenset[str]().union(*(edit.touched for edit in drafted.draft.edits))
            self._show_draft(drafted.base)
            self._browsing.show_account(laid)
            self._say_laid(drafted, said)
        self._refresh_draft_screen()

    def _say_laid(self, drafted: DraftedAccount, said: Content | None) -> None:
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

    # Drafting what would allow a question.

    def draft_fix(self) -> None:
        question, principal = self.screen.question.question, self.screen.question.principal
        answer = self.screen.question.answer
        if question is None or principal is None or answer is None:
            self.screen.say(plain("Ask a question first: of a denied one, this key drafts what would allow it."))
        elif self.screen.question.left_out:
            word = plain(self.screen.question.left_out, "bold", limit=64)
            self.screen.say(line(word, " is half typed: finish it or take it out, then draft."))
        elif answer.allowed:
            self.screen.say(plain("This is allowed already: there is nothing to draft. e edits by hand."))
        elif answer.outcome is Outcome.DEPENDS:
            self.screen.say(
                plain("It depends on what is not known: give that as context, and draft when it is denied.")
            )
        else:
            self.suggest(principal, question)

    def suggest(self, principal: Principal, question: Question) -> None:
        if self._given is not None:
            workspace = self._given.workspace
            draft = self._desk.draft_of(workspace.account.id)
            self.screen.say(plain("Looking for what would allow it …"), stays=True)
            who, asked, matrix = self._whole_of(principal, question)
            from iamtui.workspace.change.draft_fixes import one_cell, with_fix

            fix = partial(with_fix, workspace, draft, who, one_cell(matrix, asked))
            done = partial(self._show_suggested, self._given, draft)
            get_in_thread(self.screen, fix, done, name="drafting the suggestion", group=_GROUP)

    def _whole_of(self, who: Principal, asked: Question) -> tuple[Principal, Question, QuestionMatrix]:
        """Who is to be allowed what, and the question matrix it is part of.

        Of a request that only comes with the question on screen (a companion of the call, the chain), it is that
        question as a whole: allowing the one alone would help nobody.
        """
        here = self.screen.question
        alone = QuestionMatrix((asked.action,), (asked.resource,), asked)
        answer, question_matrix, looked_at = here.whole_answer, here.question_matrix, here.question
        if answer is None or question_matrix is None or looked_at is None:
            return who, asked, alone
        if any(
            (cell.question.action, cell.question.resource) == (asked.action, asked.resource) for cell in answer.cells
        ):
            return who, asked, question_matrix
        chain = answer.chain.decision.request.principal if answer.chain is not None else None
        return (
            (answer.principal, looked_at, question_matrix) if who in (answer.principal, chain) else (who, asked, alone)
        )

    def _show_suggested(self, given: IndexedAccount, before: Draft, made: SuggestedDraft) -> None:
        found = self.open_draft
        if given is not self._given or (found is not None and found.draft != before):
            return
        added = made.draft.edits[len(before.edits) :]
        if not added:
            reason = made.left[0] if made.left else Problem("No change that a draft can make was found.")
            self.screen.say(plain(f"It stays denied, and nothing is drafted. {reason}"), Severity.WARNING)
            return
        self._desk.change(made.draft)
        said = self.added_words(len(added))
        if made.left:
            said = line(said, ("  It stays denied: ", "$verdict-depends"), plain(made.left[0].sentence))
        elif made.cautions:
            # What it does to others weighs more than how it reads: the draft shows that.
            count = f"{len(added)} edits" if len(added) > 1 else "1 edit"
            keys = ("  g d draft, i impact", "$muted")
            told = " Also: ".join(made.cautions[:_MOST_CAUTIONS])
            others = len(made.cautions) - _MOST_CAUTIONS
            more = (f" {others} more: g d lists the edits." if others > 0 else "", "$muted")
            said = line(("Drafted: ", "bold"), count, keys, "  ", plain(told, "$verdict-depends", limit=None), more)
        self.draft_changed(said)

    @cached_property
    def _menu(self) -> EditMenu:
        from iamtui.tui.drafts.edit_menu import EditMenu

        return EditMenu(self)

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
        found = self.open_draft
        if found is not None and 0 <= index < len(found.draft.edits):
            self._take("Removed: ", index)

    def _take(self, what: str, index: int, *, undone: bool = False) -> None:
        found = self.open_draft
        assert found is not None
        words = self.words_of(found.draft, index)
        left = len(self._desk.take(found.draft.account_id, index, undone=undone).draft.edits)
        count = f"  {counted(left, 'edit')} left"
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
        found = self.open_draft
        if found is not None and 0 <= index < len(found.draft.edits):
            self._desk.replace(found.draft.account_id, index, edit)
            self.draft_changed(line("The edit was changed; ", ("U", "bold $match"), " puts it back as it was before."))

    def open_draft_from(self, draft: Draft, path: Path) -> None:
        self._desk.open(draft, path)
        self.draft_changed(line("Opened the draft ", (path.name, "bold"), "."))

    def plan_opened(self, path: Path, draft: Draft, left_out: tuple[str, ...]) -> None:
        """Note what was read of a plan; the draft is not saved, and has no file: that of the plan stays as it is."""
        self._desk.open(draft, left_out=left_out)
        words = line("Opened the plan ", (path.name, "bold"), f" as a draft of {counted(len(draft.edits), 'edit')}.")
        if left_out:
            words = line(words, f" Not in it: {first_names(left_out, _MOST_LEFT_OUT, limit=200)}.")
        self.draft_changed(words)

    def draft_saved(self, draft: Draft, path: Path) -> None:
        self._desk.saved(draft, path)
        self.draft_changed(line("Saved as ", (path, "bold"), "."))

    def discard_draft(self) -> None:
        found = self.open_draft
        if found is not None:
            self._desk.close(found.draft.account_id)
            self.draft_changed(plain("The draft is closed: the account is shown as it is."))

    def edit_again(self, index: int) -> None:
        self._menu.edit_again(index)

    def edit_policy(self, name: str, statement: int) -> None:
        self._menu.edit_policy(name, statement)

    def edit_menu(self) -> None:
        self._menu.show()

    def show_draft(self, plan: Path | None = None) -> None:
        """Show the edits of the draft; those of a Terraform plan, where its file is given."""
        if self._given is None:
            self.screen.say(plain("Open an account first: g a chooses one."))
        else:
            from iamtui.tui.drafts.draft_screen import DraftScreen

            self.screen.app.push_screen(DraftScreen(self, plan))

    def show_impact(self) -> None:
        drafted = self._drafted
        if drafted is None:
            self.screen.say(
                plain("There is no draft whose impact could be shown: e edits here, f drafts what would help.")
            )
        elif drafted.problems:
            self.screen.say(str(drafted.problems[0]), Severity.ERROR)
        else:
            from iamtui.tui.drafts.impact_screen import DraftImpactScreen

            self._push_impact(
                DraftImpactScreen(
                    drafted,
                    self.screen.question.question_matrix,
                    self.screen.question.principal,
                    is_whole=self.open_draft is None or not self.open_draft.left_out,
                )
            )

    def _push_impact(self, screen: DraftImpactScreen) -> None:
        """Show it; on the way back from who was chosen there it is shown again as it was left."""

        def left(arn: str | None) -> None:
            again = screen.again()
            if arn:
                self._browsing.go_to(arn, lambda _workspace: self._show_impact_again(again))

        self.screen.app.push_screen(screen, left)

    def _show_impact_again(self, again: Callable[[DraftedAccount], DraftImpactScreen]) -> None:
        if self._drafted is not None and not self._drafted.problems:
            self._push_impact(again(self._drafted))
