"""SuggestingScreen: the main screen's part that makes a draft of what would allow a denied question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on, work
from textual.message import Message
from textual.worker import get_current_worker

from iamtui.analysis.inquiry import Inquiry
from iamtui.problem import Problem
from iamtui.tui.safe import line, plain
from iamtui.tui.screens.drafts.laying import Given, LayingScreen
from iamtui.tui.screens.trace.messages import DraftSuggestion
from iamtui.tui.widgets.notice import Severity

if TYPE_CHECKING:
    # They bring in the engine, or drafts, which are not loaded before the first frame.
    from iamtui.account.drafts.draft import Draft
    from iamtui.analysis.question import Question
    from iamtui.evaluation.request import Principal
    from iamtui.workspace.drafts.fix import SuggestedDraft


class SuggestingScreen(LayingScreen):
    """Looks for the edits in a thread, adds them to the draft and says what else they do."""

    @dataclass(eq=False, repr=False)
    class _Suggested(Message):
        given: Given
        before: Draft
        made: SuggestedDraft

    @dataclass(eq=False, repr=False)
    class _DraftFailed(Message):
        problem: Problem

    def action_draft_suggestion(self) -> None:
        """Make a draft of what would allow the question that is answered."""
        from iamtui.evaluation.decision import Outcome  # noqa: PLC0415 - not before a frame

        question, principal = self.question.question, self.question.principal
        answer = self.question.answer
        if question is None or principal is None or answer is None:
            self.say(plain("Ask a question first: of a denied one, this key drafts what would allow it."))
        elif self.question.left_out:
            word = plain(self.question.left_out, "bold", limit=64)
            self.say(line(word, " is half typed: finish it or take it out, then draft."))
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
            draft = self._desk.draft_of(self._given.workspace.account.id)
            self.say(plain("Looking for what would allow it …"), stays=True)
            self._suggest_in_thread(self._given, draft, *self._whole_of(event))

    def _whole_of(self, event: DraftSuggestion) -> tuple[Principal, Question, Inquiry]:
        """Who is to be allowed what, and the inquiry it is part of.

        Of a request that only comes with the question on screen (a companion of the call, the chain), it is that
        question as a whole: allowing the one alone would help nobody.
        """
        here, asked, who = self.question, event.question, event.principal
        alone = Inquiry((asked.action,), (asked.resource,), asked)
        answer, inquiry, looked_at = here.whole_answer, here.inquiry, here.question
        if answer is None or inquiry is None or looked_at is None:
            return who, asked, alone
        if any(
            (cell.question.action, cell.question.resource) == (asked.action, asked.resource) for cell in answer.cells
        ):
            return who, asked, inquiry
        chain = answer.chain.decision.request.principal if answer.chain is not None else None
        return (answer.principal, looked_at, inquiry) if who in (answer.principal, chain) else (who, asked, alone)

    @work(thread=True, exclusive=True, exit_on_error=False, group="draft", name="drafting the suggestion")
    def _suggest_in_thread(
        self, given: Given, draft: Draft, principal: Principal, question: Question, inquiry: Inquiry
    ) -> None:
        from iamtui.workspace.drafts.fix import one_cell, with_fix  # noqa: PLC0415 - the engine: not before a frame

        worker = get_current_worker()
        try:
            made = with_fix(given.workspace, draft, principal, one_cell(inquiry, question))
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
            self.say(plain(f"It stays denied, and nothing is drafted. {reason}"), Severity.WARNING)
            return
        self._desk.change(made.draft)
        said = self.added_words(len(added))
        if made.left:
            said = line(said, ("  It stays denied: ", "$verdict-depends"), plain(made.left[0].sentence))
        elif made.cautions:
            # What it does to others weighs more than how it reads: d shows that.
            count = f"{len(added)} edits" if len(added) > 1 else "1 edit"
            keys = ("  d draft, I impact", "$muted")
            others = len(made.cautions) - 1
            more = (f" And {others} more like it." if others else "", "$muted")
            said = line(("Drafted: ", "bold"), count, keys, "  ", plain(made.cautions[0], "$verdict-depends"), more)
        self.draft_changed(said)

    @on(_DraftFailed)
    def _draft_failed(self, event: _DraftFailed) -> None:
        event.stop()
        self.say(str(event.problem), Severity.ERROR)
