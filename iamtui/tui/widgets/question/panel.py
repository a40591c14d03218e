"""QuestionPanel: one inquiry, answered live for the principal under the tree's cursor, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.worker import Worker

from iamtui.analysis.inquiry import Inquiry
from iamtui.analysis.question import Question
from iamtui.evaluation.decision import Decision, StatementRef
from iamtui.evaluation.request import Mode, Principal
from iamtui.problem import Problem
from iamtui.tui.safe import line, plain
from iamtui.tui.widgets.notice import Notice, Severity
from iamtui.tui.widgets.question.answer import MEDIUM, NARROW, WIDE, AnswerView
from iamtui.tui.widgets.question.asking import Asked, Asking
from iamtui.tui.widgets.question.caller_row import CallerRow
from iamtui.tui.widgets.question.catalogue import ActionCatalogue, LoadedCatalogue
from iamtui.tui.widgets.question.fields import ActionField
from iamtui.tui.widgets.question.form import QuestionForm
from iamtui.tui.widgets.question.layers import LayersList, nothing_to_jump_to
from iamtui.tui.widgets.question.memory import Memory
from iamtui.tui.widgets.question.menus import ask_for_name, open_presets, open_questions, write_session_policy
from iamtui.tui.widgets.question.shown import Shown
from iamtui.workspace.workspace import Workspace

if TYPE_CHECKING:
    # It brings in the engine, which is not loaded before the first frame.
    from iamtui.workspace.answers import Answer

COMPACT_COLUMNS, COMPACT_ROWS, WIDE_COLUMNS = 100, 30, 180
"""Window sizes below which the short form is shown, and from which the long one is."""


class QuestionPanel(Vertical):
    """Shows an inquiry and its answer; `Asking` has it answered in a thread that the next key cancels."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "ask", "Ask", id="question.ask", tooltip="Go to the question's action"),
        Binding("ctrl+t", "cycle_mfa", "MFA", id="question.mfa", tooltip="The caller used MFA: yes, no, not said"),
        Binding("f7", "why", "Why", id="question.why", tooltip="Show the whole trace of the answer"),
        Binding(
            "f2", "presets", "Presets", id="question.presets",
            tooltip="Say how the request comes: with MFA, from an address, through an endpoint, in an hour; strict",
        ),
        Binding(
            "f3", "questions", "Questions", show=False, id="question.saved",
            tooltip="Choose a question that was asked before or saved",
        ),
        Binding(
            "ctrl+s", "save", "Save", show=False, id="question.save", tooltip="Save the question under a name",
        ),
        Binding(
            "ctrl+y", "copy_command", "Copy as command", show=False, id="question.copy_command",
            tooltip="Copy the iamtui can line that asks the same",
        ),
        Binding(
            "f4", "caller", "Caller", show=False, id="question.caller",
            tooltip="Say how the caller comes: chained from another role, with a session policy, with MFA",
        ),
        Binding(
            "f9", "keys", "Keys", show=False, id="question.context",
            tooltip="Show the condition keys of the answer: given, assumed, derived or unknown",
        ),
        Binding(
            "ctrl+l", "switch_mode", "Strict", show=False, id="question.mode",
            tooltip="Take keys that nobody gave as unknown (discover) or as absent (strict)",
        ),
        Binding("escape", "leave", "Back", show=False, id="question.leave", tooltip="Go back to the tree"),
    ]  # fmt: skip

    DEFAULT_CSS = """
    QuestionPanel {
        height: auto;
        border-top: solid $rule;
        border-title-color: $heading;

        &:focus-within {
            border-top: solid $rule-focused;
        }
        &.-wide {
            height: 1fr;
        }
        &.-wide QuestionForm {
            padding-bottom: 1;
        }
        &.-compact.-unasked QuestionForm .-later {
            display: none;
        }
        &.-compact.-unasked QuestionForm:focus-within .-later {
            display: block;
        }
    }
    """

    @dataclass
    class Answered(Message):
        """An inquiry was answered for a principal, or another cell of its answer is looked at.

        Args:
            decision, question: of the cell that is looked at; where another request behind the same call decides,
                that one's.
            inquiry: what asks about that cell alone: one action on one resource.
            answer: the whole.
        """

        decision: Decision
        principal: Principal
        label: str
        question: Question
        inquiry: Inquiry
        answer: Answer

    @dataclass
    class QuestionChanged(Message):
        """What is asked changed; None when there is nothing that can be asked."""

        question: Question | None
        inquiry: Inquiry | None = None

    @dataclass
    class Meant(Message):
        """Enter was pressed in the last field: the question is what the user wants to know."""

        question: Question | None
        inquiry: Inquiry | None = None

    @dataclass
    class JumpToStatement(Message):
        """The user wants to see a statement in its document."""

        ref: StatementRef
        principal: Principal

    @dataclass
    class Copy(Message):
        """The user wants a text on the clipboard; `what` names it, `also` is a sentence to add, or ""."""

        text: str
        what: str
        also: str = ""

    @dataclass
    class Left(Message):
        """The user is done in the panel; the focus belongs back where it came from."""

    def __init__(self, *, catalogue: ActionCatalogue | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._catalogue: ActionCatalogue = catalogue or LoadedCatalogue()
        self._asking = Asking(self, self._catalogue)
        self._workspace: Workspace | None = None
        self._before: Workspace | None = None
        self._principal: Principal | None = None
        self._label = ""
        self._aside = ""
        self._entered_actions: tuple[str, ...] = ()
        self._inquiry: Inquiry | None = None
        self._shown: Shown | None = None
        self._room = ""
        self._memory = Memory(self)

    def compose(self) -> ComposeResult:
        """The fields, and the answer below them."""
        yield QuestionForm(self._catalogue)
        yield AnswerView()

    def on_mount(self) -> None:
        """Say what to do while there is nothing to answer."""
        self._fit()
        self._ask()

    def on_resize(self, _event: events.Resize) -> None:
        """Take the form that suits the window."""
        self._fit()

    def _fit(self) -> None:
        size = self.app.size
        narrow = size.width < COMPACT_COLUMNS or size.height < COMPACT_ROWS
        room = NARROW if narrow else WIDE if size.width >= WIDE_COLUMNS else MEDIUM
        if room == self._room:
            return
        self._room = room
        self.set_class(room == NARROW, NARROW)
        self.set_class(room == WIDE, WIDE)
        self._form.keys_stay = room != NARROW
        self._form.context_view.most_rows = {NARROW: 6, MEDIUM: 6}.get(room, 10)
        self._form.show_keys(room == WIDE)
        self._view.fit(room)

    # What the screen tells the panel

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Answer from this workspace from now on. A principal of another account is forgotten."""
        old = self._workspace.account.id if self._workspace is not None else None
        if workspace is None or workspace.account.id != old:
            self._principal, self._label, self._aside = None, "", ""
        self._workspace = workspace
        self._form.set_workspace(workspace)
        self._memory.open(workspace)
        self._ask()

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
        """Put a question into the fields, as it is typed, and answer it."""
        self._form.fill(action, resource, context)

    def ask_inquiry(self, inquiry: Inquiry) -> None:
        """Put an inquiry into the fields and answer it."""
        self._form.fill_inquiry(inquiry)

    @property
    def inquiry(self) -> Inquiry | None:
        """What is being asked, or None when the fields make nothing that can be asked."""
        return self._inquiry

    @property
    def question(self) -> Question | None:
        """The question that is looked at: the cell under the matrix's cursor, else the first pair of the inquiry."""
        if self._inquiry is None:
            return None
        if self._shown is not None and self._shown.answer.inquiry == self._inquiry:
            return self._shown.cell.question
        return next(self._inquiry.questions())

    @property
    def answer(self) -> Decision | None:
        """The decision on screen, or None."""
        return self._shown.decision if self._shown is not None else None

    @property
    def whole_answer(self) -> Answer | None:
        """The answer on screen with all its cells, or None."""
        return self._shown.answer if self._shown is not None else None

    @property
    def principal(self) -> Principal | None:
        """Whom the question is asked for."""
        return self._principal

    # Keys

    def action_ask(self) -> None:
        """Go to the action field; typing replaces what is there."""
        field = self._form.action_field
        field.focus()
        field.select_all()

    def action_why(self) -> None:
        """Show the whole trace of the answer on its own screen."""
        from iamtui.tui.screens.trace import TraceScreen  # noqa: PLC0415 - the engine is not loaded before the first frame

        shown = self._shown
        if shown is None:
            self.post_message(Notice(plain("There is no answer to explain yet: press F5 and ask.")))
            return
        asked = shown.asked
        trace = TraceScreen(asked.workspace, shown.decision, shown.answer.principal, shown.question, asked.label)
        self.app.push_screen(trace)

    def action_presets(self) -> None:
        """Choose how the request comes."""
        open_presets(self.app, self._form)

    def action_switch_mode(self) -> None:
        """Take keys that nobody gave as absent, or as unknown."""
        self._form.switch_mode()

    def action_questions(self) -> None:
        """Choose a question that was asked before or saved."""
        open_questions(self.app, self._memory, self.ask_inquiry)

    def action_save(self) -> None:
        """Save the question under a name."""
        inquiry = self._inquiry
        if inquiry is None:
            self.post_message(Notice(plain("There is no question to save yet: press F5 and ask.")))
            return
        ask_for_name(self.app, self._memory, lambda name: self._memory.save(name, inquiry, ""))

    def action_copy_command(self) -> None:
        """Copy the command line that asks the same."""
        from iamtui.workspace.asking import as_command, files_of_command  # noqa: PLC0415 - not before the first frame

        if self._inquiry is None or self._workspace is None or self._principal is None:
            self.post_message(Notice(plain("There is no question to copy yet: press F5 and ask.")))
            return
        files = files_of_command(self._inquiry)
        also = f"It reads {', '.join(files)}, which you have to write." if files else ""
        text = as_command(self._workspace, self._principal, self._inquiry)
        self.post_message(self.Copy(text, "Command", also))

    @on(ActionField.Walked)
    def _walked(self, event: ActionField.Walked) -> None:
        event.stop()
        inquiry = self._memory.walk(event.step, self._inquiry)
        if inquiry is not None:
            self.ask_inquiry(inquiry)
        elif event.step < 0:
            self.ask("")
        elif not self._memory.history:
            self.post_message(Notice(plain("No question was asked of this account before.")))

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
        """Say that the caller used MFA, that they did not, or leave it open."""
        self._form.cycle_mfa()

    def action_caller(self) -> None:
        """Say how the caller comes."""
        self._form.open_caller()

    def action_keys(self) -> None:
        """Show the condition keys of the answer, or hide them."""
        self._form.switch_keys()

    @on(CallerRow.WritePolicy)
    def _write_policy(self, event: CallerRow.WritePolicy) -> None:
        event.stop()
        account = self._workspace.account.id if self._workspace is not None else ""
        write_session_policy(self.app, self._form, account)

    def action_leave(self) -> None:
        """Give the focus back."""
        self.post_message(self.Left())

    # Asking

    @property
    def _form(self) -> QuestionForm:
        return self.query_one(QuestionForm)

    @property
    def _view(self) -> AnswerView:
        return self.query_one(AnswerView)

    @on(QuestionForm.Changed)
    def _fields_changed(self, event: QuestionForm.Changed) -> None:
        event.stop()
        self._ask(entered=event.entered)

    @on(QuestionForm.Finished)
    def _fields_finished(self, event: QuestionForm.Finished) -> None:
        event.stop()
        self._view.focus_list()
        if self._inquiry is not None:
            self._memory.remember(self._inquiry, self._principal.arn if self._principal is not None else "")
            self._form.recent_resources = self._memory.recent_resources()
        self.post_message(self.Meant(self.question, self._inquiry))

    def _ask(self, *, entered: bool = False) -> None:
        """Ask what the fields say, or say why nothing can be asked. Whatever was asked before is void."""
        self._asking.void()
        self._view.remove_class("-stale")
        try:
            inquiry = self._form.inquiry()
        except Problem as problem:
            self._set_inquiry(None)
            self._show_problem(problem)
            return
        if entered:
            self._entered_actions = inquiry.actions
        partial = next((word for word in inquiry.resources if word != "*" and not word.startswith("arn:")), "")
        if partial and not entered:
            self._set_inquiry(None)
            self._show_nothing(f"{partial} is no ARN yet: choose one from the list, or type it as arn:aws:…")
            return
        self._set_inquiry(inquiry if inquiry.actions else None)
        self.set_class(not inquiry.actions, "-unasked")
        if self._workspace is None:
            self._show_nothing("Open an account to ask about it.")
        elif not inquiry.actions:
            self._show_nothing("Press F5 and type an action such as s3:GetObject.")
        elif self._principal is None:
            self._show_nothing("Move to a user or role in the tree: the question is answered for it.")
        else:
            asked = Asked(self._workspace, self._principal, inquiry, self._label, self._before)
            self._asking.ask(asked, entered=inquiry.actions == self._entered_actions)

    def _set_inquiry(self, inquiry: Inquiry | None) -> None:
        if inquiry != self._inquiry:
            self._inquiry = inquiry
            self.post_message(self.QuestionChanged(self.question, inquiry))

    @on(Asking.Found)
    def _found(self, event: Asking.Found) -> None:
        event.stop()
        if not self._asking.arrived(event):
            return
        self._view.remove_class("-stale")
        if event.problem is not None:
            self._show_problem(event.problem)
        elif event.answer is None:
            self._show_nothing(
                f"{event.unknown} is no whole action yet: choose one from the list, or press Enter to ask anyway."
            )
        else:
            self._show(event.answer, event.asked, event.before)

    @on(Asking.Slow)
    def _slow(self, event: Asking.Slow) -> None:
        event.stop()
        if self._asking.is_current(event.ticket):
            self._view.add_class("-stale")
            self.border_title = line("Asking for ", (self._label, "bold"), " …")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A question that fails in an unforeseen way is reported, without its data, and ends nothing."""
        event.stop()
        problem = self._asking.failure(event)
        if problem is not None:
            self._view.remove_class("-stale")
            self._show_problem(problem)

    # Showing

    def _show(self, answer: Answer, asked: Asked, before: Answer | None) -> None:
        kept = self._shown
        same = kept is not None and kept.answer.inquiry == answer.inquiry
        at = kept.index if kept is not None and same and kept.index < len(answer.cells) else None
        if at is None:
            at = next(index for index, cell in enumerate(answer.cells) if cell is answer.worst)
        self._shown = Shown(asked, answer, before, at)
        self._view.show(self._shown)
        self._looked_at(self._shown)

    @on(AnswerView.Chosen)
    def _chosen(self, event: AnswerView.Chosen) -> None:
        event.stop()
        if self._shown is not None and event.index < len(self._shown.answer.cells):
            self._shown = replace(self._shown, index=event.index)
            self._view.look_at(self._shown)
            self._looked_at(self._shown)

    @on(AnswerView.Opened)
    def _opened(self, event: AnswerView.Opened) -> None:
        event.stop()
        self.action_why()

    def _looked_at(self, shown: Shown) -> None:
        decision, asked = shown.decision, shown.asked
        self._form.set_decision(decision)
        self._show_title()
        question, inquiry = shown.cell.question, shown.cell_inquiry
        self.post_message(self.Answered(decision, asked.principal, asked.label, question, inquiry, shown.answer))
        if not self.has_class(NARROW) and not decision.allowed:
            self._asking.explain(asked, shown.question)

    @on(Asking.Explained)
    def _explained(self, event: Asking.Explained) -> None:
        event.stop()
        current = self._asking.is_current(event.ticket)
        if current and self._shown is not None and self._shown.question == event.question:
            self._view.explain(event.explanation)

    def _show_problem(self, problem: Problem) -> None:
        self._forget_answer()
        self._view.say(line(("! ", "bold $verdict-denied"), problem.sentence), plain(problem.next_step, "$muted"))

    def _show_nothing(self, sentence: str) -> None:
        self._forget_answer()
        self._view.say(plain(sentence, "$muted"), Content(""))

    def _forget_answer(self) -> None:
        self._shown = None
        self._form.set_decision(None)
        self._show_title()

    def _show_title(self) -> None:
        """Name whom the verdict is about, which may lag behind the tree's cursor."""
        label = self._shown.asked.label if self._shown is not None else self._label
        narrow = self.has_class(NARROW)
        if not label:
            self.border_title = line("Question")
            return
        who = line("Can ", (label, "bold"))
        if self._aside and narrow:
            who = line(who, ("  (kept)", "$muted"))
        elif self._aside:
            who = line(who, ("  (", "$muted"), (self._aside, "$muted"), (" cannot ask: last principal kept)", "$muted"))
        if self._form.terms.mode is Mode.STRICT:
            who = line(who, ("  strict", "$muted"))
        self.border_title = who

    @on(LayersList.Jump)
    def _jump(self, event: LayersList.Jump) -> None:
        event.stop()
        if event.ref is None or self._shown is None:
            self.post_message(Notice(plain(nothing_to_jump_to(event.layer))))
        else:
            self.post_message(self.JumpToStatement(event.ref, self._shown.decision.request.principal))

    @on(LayersList.Switched)
    def _switch(self, event: LayersList.Switched) -> None:
        event.stop()
        self._form.switch_layer(event.layer)
