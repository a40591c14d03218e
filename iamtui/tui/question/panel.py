"""QuestionPanel: the question, answered live, with its keys, its menus and recent questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from msgspec import structs
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from iamtui.engine.request import Mode
from iamtui.presentation.answer import AnsweredQuestion, Shown
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.tui.content import Severity, line, plain
from iamtui.tui.main.main_view import JumpToStatement
from iamtui.tui.question.answer_lists import LayersList, nothing_to_jump_to
from iamtui.tui.question.answer_view import AnswerView
from iamtui.tui.question.asking import Alongside, Asking, Found, SearchableCatalogue, worst_of
from iamtui.tui.question.caller import CallerRow
from iamtui.tui.question.completing_input import ActionField, CompletingInput, Completions
from iamtui.tui.question.form import QuestionForm
from iamtui.tui.question.panel_text import (
    MEDIUM,
    NARROW,
    WIDE,
    how_to_begin,
    in_panel,
    keys_to_name,
    room_in,
    title_of,
    why_not,
)
from iamtui.tui.question.question_history import Memory
from iamtui.tui.widgets.lists.line_list import Pane
from iamtui.tui.widgets.status import Notice, key_hints, key_of
from iamtui.workspace.source.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.engine.decision import Decision
    from iamtui.engine.request import Principal
    from iamtui.engine.words.explanation import Explanation
    from iamtui.questions.answers import Answer
    from iamtui.questions.question import Question, QuestionMatrix
    from iamtui.tui.reports.report_screen import Arrangement
    from iamtui.workspace.ask.saved_questions import SavedQuestion


class QuestionPanel(Pane):
    """Holds the form of a question and its answer; `Asking` has it answered in a thread that the next key cancels."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *in_panel(),
        Binding("escape", "leave", "Back", show=False, id="question.leave", tooltip="Go back to the tree"),
    ]

    DEFAULT_CSS = """
    QuestionPanel {
        height: auto;
        border-top: round $rule;
        border-title-color: $heading;
        border-subtitle-color: $faint;

        &.-lit {
            border-top: round $rule-focused;
        }
        &.-wide {
            height: 1fr;
        }
        &.-wide QuestionForm {
            padding-bottom: 1;
        }
    }
    """

    @dataclass(eq=False, repr=False)
    class Copy(Message):
        """The user wants a text on the clipboard; `what` names it, `also` is a sentence to add, or ""."""

        text: str
        what: str
        also: str = ""

    @dataclass(eq=False, repr=False)
    class QuestionLeft(Message):
        """The user is done in the panel; the focus belongs back where it came from."""

    @dataclass(eq=False, repr=False)
    class Answered(Message):
        """A question matrix was answered for a principal, or another cell of its answer is looked at.

        Args:
            decision, question: of the cell that is looked at; where another request behind the same call decides,
                that one's.
            question_matrix: what asks about that cell alone: one action on one resource.
            answer: the whole.
        """

        decision: Decision
        principal: Principal
        label: str
        question: Question
        question_matrix: QuestionMatrix
        answer: Answer

    @dataclass(eq=False, repr=False)
    class Unanswered(Message):
        """There is no answer to the fields' question, or it takes long: earlier answers are about another."""

    @dataclass(eq=False, repr=False)
    class Meant(Message):
        """Enter was pressed in the last field: the question is what the user wants to know."""

        question: Question | None
        question_matrix: QuestionMatrix | None = None

    def __init__(self, *, catalogue: SearchableCatalogue | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._catalogue = catalogue or SearchableCatalogue()
        self._asking = Asking(
            self,
            self._catalogue,
            found=self._found,
            slow=self._show_slow,
            explained=self._explained,
            failed=self._refuse,
        )
        self._memory = Memory(self)
        self._meant: QuestionMatrix | None = None
        """The question of the last Enter, until it is answered."""
        self._workspace: Workspace | None = None
        self._before: Workspace | None = None
        self._principal: Principal | None = None
        self._label = ""
        self._aside = ""
        self._entered_actions: tuple[str, ...] = ()
        self._matrix: QuestionMatrix | None = None
        self._shown: Shown | None = None
        self._room = ""
        self._is_fixed = False
        self._is_unasked = True
        self._hinted: tuple[str, ...] = ()
        """The ids of the keys in the frame's foot."""
        self._unfinished = ""
        """The half action that the panel speaks of in place of an answer, or ""."""
        self._left_out = ""
        """Half-typed text that is not in the question, or ""."""
        self.who_can_left: tuple[QuestionMatrix, Arrangement] | None = None
        """The last who-can question, and how its answers were narrowed and sorted."""
        self.alongside: Callable[[AnsweredQuestion], Alongside | None] = lambda _asked: None
        """Work whose result is painted with the answer to a question."""

        self._form = QuestionForm(self._catalogue)
        self._form.action_field.hide_when = self._asking.do_with_answer
        self._view = AnswerView()

    def compose(self) -> ComposeResult:
        yield self._form
        yield self._view

    def on_mount(self) -> None:
        self._fit()
        self._ask()
        self.watch(self.screen, "focused", self._hold_answer, init=False)

    def on_resize(self, _event: events.Resize) -> None:
        self._fit()
        self._give_rows()
        field = self.screen.focused
        if isinstance(field, CompletingInput):
            field.completions.lie_beside()

    def fix_height(self, *, fixed: bool) -> None:
        """Fill the height that the pane has, which the user has chosen, or be as high as the answer needs."""
        self._is_fixed = fixed
        self._give_rows()

    def _give_rows(self) -> None:
        self._view.give_rows(self.outer_size.height if self._is_fixed else None)

    def _hold_answer(self) -> None:
        """The answer's lines stay where they are while somebody types, and the keys named are those of the focus."""
        self._view.hold(typed_for=self._form.has_focus_within)
        if self._is_unasked:
            self.call_after_refresh(self._say_how)
        self.call_after_refresh(self._show_hints)

    def _say_how(self) -> None:
        if self._is_unasked and self._workspace is not None:
            self._view.say(plain(how_to_begin(self.how_to_ask), "$muted"), Content(""))

    def _fit(self) -> None:
        size = self.app.size
        room = room_in(size)
        if room == self._room:
            return
        self._room = room
        self.set_class(room == NARROW, NARROW)
        self.set_class(room == WIDE, WIDE)
        self._form.keys_stay = room != NARROW
        # In a column that is wide and low the answer's own lines come first.
        self._form.context_view.most_rows = {NARROW: 4, MEDIUM: 6}.get(room, max(4, min(10, size.height // 4 - 5)))
        self._form.show_keys(shown=room == WIDE)
        self._form.shorten(short=room == NARROW and self._is_unasked)
        self._view.fit(room)
        if self._shown is not None:
            self._explain(self._shown)

    # What the screen tells the panel

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Answer from this workspace from now on, with the recent questions of its account.

        A principal of another account is forgotten.
        """
        old = self._workspace.account.id if self._workspace is not None else None
        if workspace is None or workspace.account.id != old:
            self._principal, self._label, self._aside = None, "", ""
        self._workspace = workspace
        self._form.set_workspace(workspace)
        self._ask()
        self._memory.open(workspace)

    def set_principal(self, principal: Principal | None, label: str) -> None:
        """Answer for this principal from now on; None (a group, a policy) keeps the last one and says so.

        Args:
            principal: who asks, or None when what the cursor is on cannot ask.
            label: what the cursor is on, as shown in the tree ("role/deploy-prod"); raw text.
        """
        if principal is None:
            self._aside = label
            self._show_title()
            return
        if principal == self._principal and not self._aside:
            return
        self._principal, self._label, self._aside = principal, label, ""
        self._ask()

    def set_before(self, workspace: Workspace | None) -> None:
        """Also say what the verdict is in this workspace, the account without the draft; None: there is no draft."""
        if workspace is not self._before:
            self._before = workspace
            self._ask()

    def ask(self, action: str, resource: str = "", context: str = "") -> None:
        self._view.release()
        self._form.fill(action, resource, context)

    def ask_matrix(self, question_matrix: QuestionMatrix) -> None:
        self._view.release()
        self._form.fill_matrix(question_matrix)

    @property
    def question_matrix(self) -> QuestionMatrix | None:
        return self._matrix

    @property
    def saved_questions(self) -> Sequence[SavedQuestion]:
        return self._memory.saved

    @property
    def how_to_ask(self) -> str:
        """Advice how to ask a question, by the focus, in words."""
        key = "" if self._form.action_field.has_focus else key_of(self, "question.ask")
        return f"press {key} and type an action" if key else "type an action"

    @property
    def is_begun(self) -> bool:
        """True where the action field has text."""
        return bool(self._form.action_field.value)

    @property
    def left_out(self) -> str:
        """Half-typed text of the fields that the question leaves out; "" for nothing."""
        return self._left_out

    @property
    def question(self) -> Question | None:
        """The question that is looked at: the cell under the matrix's cursor, else the first pair."""
        if self._matrix is None:
            return None
        if self._shown is not None and self._shown.answer.question_matrix == self._matrix:
            return self._shown.cell.question
        return next(self._matrix.questions())

    @property
    def answer(self) -> Decision | None:
        return self._shown.decision if self._shown is not None else None

    @property
    def whole_answer(self) -> Answer | None:
        return self._shown.answer if self._shown is not None else None

    @property
    def principal(self) -> Principal | None:
        return self._principal

    # Asking

    @on(QuestionForm.QuestionChanged)
    def _fields_changed(self, event: QuestionForm.QuestionChanged) -> None:
        event.stop()
        self._ask(entered=event.entered)

    def _ask(self, *, entered: bool = False) -> None:
        """Evaluate the question in the fields, or show why there is none. Earlier questions are void."""
        self._asking.void()
        self._unfinished = ""
        self._view.remove_class("-stale")
        try:
            question_matrix = self._form.question_matrix(entered=entered)
            self._left_out = "" if entered else self._form.left_out
        except Problem as problem:
            self._matrix = None
            self._show_problem(problem)
            return
        if entered:
            self._entered_actions = question_matrix.actions
        partial = next((word for word in question_matrix.resources if word != "*" and not word.startswith("arn:")), "")
        if partial and entered:
            self._matrix = None
            says = f"{safe_text(partial, limit=64)} is not a resource."
            self._show_problem(Problem(says, self._form.how_to_name_it))
            return
        if partial:
            self._matrix = None
            self._show_nothing(f"{partial} is not an ARN yet.", self._form.how_to_name_it)
            return
        self._matrix = question_matrix if question_matrix.actions else None
        self._is_unasked = not question_matrix.actions
        self._form.shorten(short=self._room == NARROW and self._is_unasked)
        missing = why_not(question_matrix, self._workspace, self._principal, self.how_to_ask)
        if missing or self._workspace is None or self._principal is None:
            self._show_nothing(missing)
            return
        asked = AnsweredQuestion(self._workspace, self._principal, question_matrix, self._label, self._before)
        entered = question_matrix.actions == self._entered_actions
        self._asking.ask(asked, entered=entered, explains=self._room != NARROW, alongside=self.alongside(asked))

    def _found(self, found: Found) -> None:
        self._view.remove_class("-stale")
        if found.answer is None:
            self._show_unfinished(found.unknown)
        else:
            self._show(found, found.answer)

    def _show_unfinished(self, action: str) -> None:
        self._show_nothing(f"{action} is not a complete action yet.", self._form.how_to_finish)
        self._unfinished = action

    @on(Completions.OffersSwitched)
    def _list_switched(self, event: Completions.OffersSwitched) -> None:
        """Update the advice about half an action, which differs with a list to choose from."""
        event.stop()
        if self._unfinished:
            self._show_unfinished(self._unfinished)

    def _show_slow(self) -> None:
        self._view.add_class("-stale")
        self.post_message(self.Unanswered())
        self.border_title = line("Asking for ", (self._label, "bold"), " …")
        self._show_hints()

    def _refuse(self, problem: Problem) -> None:
        self._view.remove_class("-stale")
        self._show_problem(problem)

    # Showing

    def _show(self, found: Found, answer: Answer) -> None:
        kept = self._shown
        same = kept is not None and kept.answer.question_matrix == answer.question_matrix
        at = kept.index if kept is not None and same and kept.index < len(answer.cells) else None
        if at is None:
            at = worst_of(answer)
        self._shown = Shown(found.asked, answer, found.before, at, self._left_out, found.remarks)
        if self._room == WIDE and isinstance(self.parent, Widget):
            # Resources stand side by side where there are several, which a narrow column has no room for.
            self.parent.set_class(len(answer.question_matrix.resources) > 1, "-matrix")
        self._view.rows_beside = self.gutter.height + max(3, self._form.size.height)
        question, explanation = found.explained or (None, None)
        is_explained = question == self._shown.question
        self._view.show(self._shown, explanation if is_explained else None)
        self._looked_at(self._shown, is_explained=is_explained)

    @on(AnswerView.CellChosen)
    def _chosen(self, event: AnswerView.CellChosen) -> None:
        event.stop()
        if self._shown is not None and event.index < len(self._shown.answer.cells):
            self._shown = structs.replace(self._shown, index=event.index)
            self._view.look_at(self._shown)
            self._looked_at(self._shown)

    def _looked_at(self, shown: Shown, *, is_explained: bool = False) -> None:
        decision, asked = shown.decision, shown.asked
        self._form.set_decision(decision)
        self._show_title()
        question, question_matrix = shown.cell.question, shown.cell_matrix
        self.post_message(
            self.Answered(decision, asked.principal, asked.label, question, question_matrix, shown.answer)
        )
        if not is_explained:
            self._explain(shown)
        self._remember(shown)

    def _explain(self, shown: Shown) -> None:
        asked = shown.asked
        if not self.has_class(NARROW) and not shown.decision.allowed:
            self._asking.explain(structs.replace(asked, principal=shown.principal), shown.question)

    def _explained(self, question: Question, explanation: Explanation) -> None:
        if self._shown is not None and self._shown.question == question:
            self._view.explain(explanation)

    def _show_problem(self, problem: Problem) -> None:
        self._forget_answer()
        self._view.say(line(("! ", "bold $verdict-denied"), problem.sentence), plain(problem.next_step, "$muted"))

    def _show_nothing(self, sentence: str, more: str = "") -> None:
        self._forget_answer()
        self._view.say(plain(sentence, "$muted"), plain(more, "$muted"))

    def _forget_answer(self) -> None:
        self._shown = None
        self._form.set_decision(None)
        self._show_title()
        self.post_message(self.Unanswered())

    def _show_title(self) -> None:
        strict, room = self._form.terms.mode is Mode.STRICT, 0 if self.has_class(NARROW) else self.size.width - 2
        self.border_title = title_of(self._shown, self._label, self._aside, room=room, strict=strict)
        self._show_hints()

    def _show_hints(self) -> None:
        """Name the keys in the frame's foot, those that work where the focus is."""
        if self._room == NARROW or not self.is_attached:
            return
        types = isinstance(self.screen.focused, Input)
        hinted = keys_to_name(self._shown, in_action=self._form.action_field.has_focus, types=types)
        if hinted != self._hinted:
            self._hinted = hinted
            self.border_subtitle = key_hints(self, *hinted)

    @on(LayersList.Jump)
    def _jump(self, event: LayersList.Jump) -> None:
        event.stop()
        if event.ref is None or self._shown is None:
            self.post_message(Notice(plain(nothing_to_jump_to(event.layer))))
        else:
            request = self._shown.decision.request
            self.post_message(JumpToStatement(event.ref, request.principal, request.resource))

    @on(LayersList.LayerSwitched)
    def _switch(self, event: LayersList.LayerSwitched) -> None:
        event.stop()
        self._form.switch_layer(event.layer)

    # Keys, and the questions asked before

    @on(QuestionForm.Finished)
    def _fields_finished(self, event: QuestionForm.Finished) -> None:
        event.stop()
        if self._matrix is not None:
            # Else there is something to correct in the field.
            self._view.focus_list()
            self._meant = self._matrix
            self._memory.hold(self._matrix)
            if self._shown is not None:
                self._remember(self._shown)
        self.post_message(self.Meant(self.question, self._matrix))

    def _remember(self, shown: Shown) -> None:
        """Keep the question that was meant once it is answered; one that AWS never asks is held to be put right."""
        answer = shown.answer
        if self._meant is not None and answer.question_matrix == self._meant:
            self._meant = None
            if answer.is_ever_asked:
                self._memory.remember(answer.question_matrix, answer.principal.arn)
                self._form.recent_resources = self._memory.recent_resources()

    @on(AnswerView.Opened)
    def _opened(self, event: AnswerView.Opened) -> None:
        event.stop()
        self.action_why()

    def action_ask(self) -> None:
        self._view.release()
        self._form.action_field.focus().select_all()

    def _lack(self, what: str) -> None:
        self.post_message(Notice(plain(f"{what}: {self.how_to_ask}."), until_answer=True))

    def action_why(self) -> None:
        shown = self._shown
        if shown is None:
            self._lack("There is no answer to explain yet")
            return
        from iamtui.tui.question.trace_screen import TraceScreen

        self.app.push_screen(TraceScreen.of(shown))

    def action_presets(self) -> None:
        from iamtui.tui.question.menus import Besides, open_presets

        shown, question_matrix = self._shown, self._matrix
        besides = None
        if shown is not None and question_matrix is not None:
            besides = Besides.of(shown.cell, question_matrix.with_checks, shown.asked.workspace.account)
        open_presets(self.app, self._form, besides)

    def action_switch_mode(self) -> None:
        self._form.switch_mode()

    def action_questions(self) -> None:
        from iamtui.tui.question.menus import open_questions

        open_questions(self.app, self._memory, self.ask_matrix)

    def action_save(self) -> None:
        question_matrix = self._matrix
        if question_matrix is None:
            self._lack("There is no question to save yet")
            return
        if self._left_out:
            word = safe_text(self._left_out, limit=64)
            self.post_message(Notice(plain(f"{word} is half typed: finish it or take it out, then save.")))
            return
        from iamtui.tui.question.menus import save_question

        save_question(self.app, self._memory, question_matrix, self._shown, self._workspace)

    def action_copy_command(self) -> None:
        if self._matrix is None or self._workspace is None or self._principal is None:
            self._lack("There is no question to copy yet")
            return
        written = self._form.caller_row.files
        from iamtui.tui.question.menus import command_to_copy

        try:
            text, also = command_to_copy(self._workspace, self._principal, self._matrix, written, self._left_out)
        except Problem as problem:
            self.post_message(Notice(plain(problem, limit=None), Severity.ERROR))
            return
        if self._before is not None:
            also += " It asks without the draft: save that (d, s) and add --draft FILE."
        self.post_message(self.Copy(text, "Command", also.strip()))

    @on(ActionField.Walked)
    def _walked(self, event: ActionField.Walked) -> None:
        event.stop()
        question_matrix = self._memory.walk(event.step, self._matrix)
        if question_matrix is not None:
            self.ask_matrix(question_matrix)
        elif event.step < 0:
            self.ask("")
        elif not self._memory.history:
            self.post_message(Notice(plain("No question about this account has been asked yet.")))

    @on(Memory.Read)
    def _questions_read(self, event: Memory.Read) -> None:
        event.stop()
        if self._memory.take(event):
            self._form.recent_resources = self._memory.recent_resources()
        if event.problem is not None:
            self.post_message(Notice(plain(event.problem), Severity.WARNING))

    @on(Memory.Saved)
    def _question_saved(self, event: Memory.Saved) -> None:
        event.stop()
        if event.problem is not None:
            self.post_message(Notice(plain(event.problem), Severity.ERROR))
        else:
            self.post_message(Notice(line("Saved as ", (event.name, "bold"), ": F3 lists the saved questions.")))

    def action_cycle_mfa(self) -> None:
        self._form.cycle_mfa()

    def action_caller(self) -> None:
        self._form.open_caller()

    def action_keys(self) -> None:
        if self._shown is None:
            self._lack("There is no answer yet whose condition keys matter")
        else:
            self._form.open_keys()

    @on(QuestionForm.Resized)
    def _make_room(self, event: QuestionForm.Resized) -> None:
        event.stop()
        self._view.make_room(self.gutter.height + max(3, event.height))

    @on(CallerRow.WritePolicy)
    def _write_policy(self, event: CallerRow.WritePolicy) -> None:
        from iamtui.tui.question.menus import write_session_policy

        event.stop()
        write_session_policy(self.app, self._form, self._workspace.account.id if self._workspace is not None else "")

    def action_leave(self) -> None:
        self.post_message(self.QuestionLeft())
