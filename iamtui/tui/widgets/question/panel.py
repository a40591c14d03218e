"""QuestionPanel: one question, answered live for the principal under the tree's cursor, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.worker import Worker, WorkerState, get_current_worker

from iamtui.analysis.question import Question
from iamtui.evaluation.decision import Decision, StatementRef
from iamtui.evaluation.request import Principal
from iamtui.problem import Problem
from iamtui.tui.safe import line, plain
from iamtui.tui.widgets.notice import Notice
from iamtui.tui.widgets.question.answer import MEDIUM, NARROW, WIDE, AnswerView
from iamtui.tui.widgets.question.catalogue import LoadedCatalogue
from iamtui.tui.widgets.question.form import ActionCatalogue, QuestionForm
from iamtui.tui.widgets.question.layers import LayersList, nothing_to_jump_to
from iamtui.workspace.workspace import Workspace

if TYPE_CHECKING:
    # It brings in the engine, which is not loaded before the first frame.
    from iamtui.evaluation.explanation import Explanation

SLOW_SECONDS = 0.15
"""How long an answer may take before the old one is dimmed and the panel says that it is asking."""

COMPACT_COLUMNS, COMPACT_ROWS, WIDE_COLUMNS = 100, 30, 180
"""Window sizes below which the short form is shown, and from which the long one is."""

_GROUP = "question"
_EXPLANATION = "explanation"


class QuestionPanel(Vertical):
    """Asks `Question`s in a thread that the next key cancels; an answer to an older question is dropped."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "ask", "Ask", id="question.ask", tooltip="Go to the question's action"),
        Binding("f7", "why", "Why", id="question.why", tooltip="Show the whole trace of the answer"),
        Binding("escape", "leave", "Back", show=False, id="question.leave"),
    ]

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
        """A question was answered for a principal."""

        decision: Decision
        principal: Principal
        label: str
        question: Question

    @dataclass
    class QuestionChanged(Message):
        """What is asked changed; None when there is no question that can be asked."""

        question: Question | None

    @dataclass
    class Meant(Message):
        """Enter was pressed in the last field: the question is what the user wants to know."""

        question: Question | None

    @dataclass
    class JumpToStatement(Message):
        """The user wants to see a statement in its document."""

        ref: StatementRef
        principal: Principal

    @dataclass
    class Left(Message):
        """The user is done in the panel; the focus belongs back where it came from."""

    @dataclass
    class _Explained(Message):
        """What would help, found after the answer."""

        ticket: int
        explanation: Explanation

    @dataclass
    class _Arrived(Message):
        """What the thread found: a decision, a problem, or that the action is not one (yet)."""

        ticket: int
        asked: _Asked
        decision: Decision | None = None
        problem: Problem | None = None

    def __init__(self, *, catalogue: ActionCatalogue | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._catalogue: ActionCatalogue = catalogue or LoadedCatalogue()
        self._workspace: Workspace | None = None
        self._principal: Principal | None = None
        self._label = ""
        self._aside = ""
        self._ticket = 0
        self._entered_action = ""
        self._question: Question | None = None
        self._answer: tuple[Decision, _Asked] | None = None
        self._slow: Timer | None = None

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
        self.set_class(room == NARROW, NARROW)
        self.set_class(room == WIDE, WIDE)
        self._view.fit(room)

    # What the screen tells the panel

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Answer from this workspace from now on. A principal of another account is forgotten."""
        old = self._workspace.account.id if self._workspace is not None else None
        if workspace is None or workspace.account.id != old:
            self._principal, self._label, self._aside = None, "", ""
        self._workspace = workspace
        self._form.set_workspace(workspace)
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

    def ask(self, action: str, resource: str = "", context: str = "") -> None:
        """Put a question into the fields and answer it."""
        self._form.fill(action, resource, context)

    @property
    def question(self) -> Question | None:
        """The question that is being asked, or None when the fields make none that can be asked."""
        return self._question

    @property
    def answer(self) -> Decision | None:
        """The answer on screen, or None."""
        return self._answer[0] if self._answer is not None else None

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

        if self._answer is None or self._workspace is None:
            self.post_message(Notice(plain("There is no answer to explain yet: press F5 and ask.")))
            return
        decision, asked = self._answer
        self.app.push_screen(TraceScreen(self._workspace, decision, asked.principal, asked.question, asked.label))

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
        if event.entered:
            self._entered_action = self._form.action_text
        self._ask()

    @on(QuestionForm.Finished)
    def _fields_finished(self, event: QuestionForm.Finished) -> None:
        event.stop()
        self._view.layers_list.focus()
        self.post_message(self.Meant(self._question))

    def _ask(self) -> None:
        """Ask what the fields say, or say why nothing can be asked. Whatever was asked before is void."""
        self._ticket += 1
        self.workers.cancel_group(self, _GROUP)
        self._stop_waiting()
        try:
            question = self._form.question()
        except Problem as problem:
            self._set_question(None)
            self._show_problem(problem)
            return
        self._set_question(question if question.action else None)
        self.set_class(not question.action, "-unasked")
        if self._workspace is None:
            self._show_nothing("Open an account to ask about it.")
        elif not question.action:
            self._show_nothing("Press F5 and type an action such as s3:GetObject.")
        elif self._principal is None:
            self._show_nothing("Move to a user or role in the tree: the question is answered for it.")
        else:
            asked = _Asked(self._workspace, self._principal, question, self._label)
            entered = question.action == self._entered_action
            work = partial(self._evaluate, self._ticket, asked, entered)
            self._slow = self.set_timer(SLOW_SECONDS, self._show_waiting)
            self.run_worker(work, thread=True, exclusive=True, group=_GROUP, exit_on_error=False)

    def _set_question(self, question: Question | None) -> None:
        if question != self._question:
            self._question = question
            self.post_message(self.QuestionChanged(question))

    def _evaluate(self, ticket: int, asked: _Asked, entered: bool) -> None:
        """In the thread: answer, unless the next key was faster."""
        from iamtui.workspace import asking  # noqa: PLC0415 - the engine is not loaded before the first frame

        worker = get_current_worker()
        if worker.is_cancelled:
            return
        arrived = self._Arrived(ticket, asked)
        action = asked.question.action
        try:
            if entered or self._catalogue.known(action):
                asking.check_question(asked.question)
                arrived.decision = asking.ask(asked.workspace, asked.principal, asked.question)
        except Problem as problem:
            arrived.problem = problem
        if not worker.is_cancelled:
            self.post_message(arrived)

    @on(_Arrived)
    def _arrived(self, event: _Arrived) -> None:
        event.stop()
        if event.ticket != self._ticket:
            return
        self._stop_waiting()
        if event.problem is not None:
            self._show_problem(event.problem)
        elif event.decision is None:
            self._show_nothing("Not a whole action yet: choose one below it, or press Enter to ask anyway.")
        else:
            self._show(event.decision, event.asked)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A question that fails in an unforeseen way is reported, without its data, and ends nothing."""
        event.stop()
        if event.state is WorkerState.ERROR and event.worker.group == _GROUP:
            self._stop_waiting()
            name = type(event.worker.error).__name__
            self._show_problem(Problem(f"The question could not be answered: {name}, an error in iamtui.", ""))

    # Showing

    def _show(self, decision: Decision, asked: _Asked) -> None:
        self._answer = (decision, asked)
        self._form.missing_keys = decision.missing_context
        self._show_title()
        self._view.show(decision, asked.principal, asked.workspace.account)
        self.post_message(self.Answered(decision, asked.principal, asked.label, asked.question))
        if not self.has_class(NARROW) and not decision.allowed:
            explain = partial(self._explain, self._ticket, asked)
            self.run_worker(explain, thread=True, exclusive=True, group=_EXPLANATION, exit_on_error=False)

    def _explain(self, ticket: int, asked: _Asked) -> None:
        """In a thread: what would help, where there is room to say it."""
        from iamtui.workspace import asking  # noqa: PLC0415 - the engine is not loaded before the first frame

        worker = get_current_worker()
        if worker.is_cancelled:
            return
        _decision, _traced, explanation = asking.ask_and_trace(asked.workspace, asked.principal, asked.question)
        if not worker.is_cancelled:
            self.post_message(self._Explained(ticket, explanation))

    @on(_Explained)
    def _explained(self, event: _Explained) -> None:
        event.stop()
        if event.ticket == self._ticket:
            self._view.explain(event.explanation)

    def _show_problem(self, problem: Problem) -> None:
        self._forget_answer()
        self._view.say(line(("! ", "bold $verdict-denied"), problem.sentence), plain(problem.next_step, "$muted"))

    def _show_nothing(self, sentence: str) -> None:
        self._forget_answer()
        self._view.say(plain(sentence, "$muted"), Content(""))

    def _forget_answer(self) -> None:
        self._answer = None
        self._form.missing_keys = ()
        self._show_title()

    def _show_title(self) -> None:
        """Name whom the verdict is about, which may lag behind the tree's cursor."""
        label = self._answer[1].label if self._answer is not None else self._label
        narrow = self.has_class(NARROW)
        if not label:
            self.border_title = line("Question")
            return
        who = line("Can ", (label, "bold"))
        if self._aside and narrow:
            who = line(who, ("  (kept)", "$muted"))
        elif self._aside:
            who = line(who, ("  (", "$muted"), (self._aside, "$muted"), (" cannot ask: last principal kept)", "$muted"))
        self.border_title = who

    def _show_waiting(self) -> None:
        self._view.add_class("-stale")
        self.border_title = line("Asking for ", (self._label, "bold"), " …")

    def _stop_waiting(self) -> None:
        if self._slow is not None:
            self._slow.stop()
            self._slow = None
        self._view.remove_class("-stale")

    @on(LayersList.Jump)
    def _jump(self, event: LayersList.Jump) -> None:
        event.stop()
        if event.ref is None or self._answer is None:
            self.post_message(Notice(plain(nothing_to_jump_to(event.layer))))
        else:
            self.post_message(self.JumpToStatement(event.ref, self._answer[1].principal))

    @on(LayersList.Switched)
    def _switch(self, event: LayersList.Switched) -> None:
        event.stop()
        self._form.switch_layer(event.layer)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an answer belongs to."""

    workspace: Workspace
    principal: Principal
    question: Question
    label: str
