"""QuestionPanel: the question, answered live, with its keys, its menus and the questions asked before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message

from iamtui.problem import Problem
from iamtui.tui.content import line, plain, safe_text
from iamtui.tui.question.answer_view import AnswerView
from iamtui.tui.question.answering_panel import AnsweringPanel
from iamtui.tui.question.caller_field import CallerRow
from iamtui.tui.question.completion import SearchableCatalogue
from iamtui.tui.question.fields import ActionField
from iamtui.tui.question.form import QuestionForm
from iamtui.tui.question.question_history import Memory
from iamtui.tui.widgets.status import Notice, Severity
from iamtui.workspace.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.engine.decision import Expectation
    from iamtui.questions.question import QuestionMatrix
    from iamtui.tui.question.asking import Shown


# The keys of a question, once for the panel and once for the screen around it.


class QuestionKey(NamedTuple):
    """A key of the question.

    Args:
        action: the panel's action.
        key: does not print, so that it works while a field is typed into.
        label, id, tooltip: as of a Binding.
        letter: another key, which works outside of fields.
        shown: whether the panel's key line shows it.
        owned: whether the screen has an action of the same name.
    """

    action: str
    key: str
    label: str
    id: str
    tooltip: str
    letter: str = ""
    shown: bool = False
    owned: bool = False


_KEYS: Final = (
    QuestionKey("ask", "f5", "Ask", "question.ask", "Ask: go to the action field", "s", shown=True, owned=True),
    QuestionKey(
        "cycle_mfa", "ctrl+t", "MFA", "question.mfa", "The caller used MFA: yes, no, not said", shown=True
    ),
    QuestionKey("why", "f7", "Why", "question.why", "Show the whole trace of the answer", "w", shown=True, owned=True),
    QuestionKey(
        "presets", "f2", "Presets", "question.presets",
        "Say how the request comes: with MFA, from an address, through an endpoint, in an hour; which role it passes",
        shown=True,
    ),
    QuestionKey(
        "questions", "f3", "Questions", "question.saved", "Choose a question that was asked before or saved"
    ),
    QuestionKey("save", "ctrl+s", "Save", "question.save", "Save the question under a name"),
    QuestionKey(
        "copy_command", "ctrl+y", "Copy as command", "question.copy_command",
        "Copy the iamtui can line that asks the same",
    ),
    QuestionKey(
        "caller", "f4", "Caller", "question.caller",
        "Say how the caller comes: chained from another role, with a session policy, with MFA",
    ),
    QuestionKey(
        "keys", "f9", "Keys", "question.context",
        "Show the condition keys of the answer: given, assumed, derived or unknown",
    ),
    QuestionKey(
        "switch_mode", "ctrl+l", "Strict", "question.mode",
        "Take keys that nobody gave as unknown (discover) or as absent (strict)",
    ),
)  # fmt: skip

_BY_ACTION: Final[Mapping[str, QuestionKey]] = {key.action: key for key in _KEYS}


def in_panel() -> list[Binding]:
    return [Binding(key.key, key.action, key.label, show=key.shown, id=key.id, tooltip=key.tooltip) for key in _KEYS]


def from_screen(*actions: str) -> list[Binding]:
    """Those of these actions, for the screen around the panel, which hands them on with `in_question`."""
    return [_outside(_BY_ACTION[action]) for action in actions]


def _outside(key: QuestionKey) -> Binding:
    keys = f"{key.key},{key.letter}" if key.letter else key.key
    action = key.action if key.owned else f"in_question('{key.action}')"
    return Binding(keys, action, key.label, show=key.owned, id=key.id, tooltip=key.tooltip)


class QuestionPanel(AnsweringPanel):
    """Adds the keys to what AnsweringPanel asks and shows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *in_panel(),
        Binding("escape", "leave", "Back", show=False, id="question.leave", tooltip="Go back to the tree"),
    ]

    DEFAULT_CSS = """
    QuestionPanel {
        height: auto;
        border-top: solid $rule;
        border-title-color: $heading;

        &.-lit {
            border-top: solid $rule-focused;
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
    class Left(Message):
        """The user is done in the panel; the focus belongs back where it came from."""

    def __init__(self, *, catalogue: SearchableCatalogue | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(catalogue=catalogue, id=id)
        self._memory = Memory(self)
        self._meant: QuestionMatrix | None = None
        """What Enter was pressed for, until it is answered."""

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Answer from this workspace from now on, and know the questions asked of its account."""
        super().set_workspace(workspace)
        self._memory.open(workspace)

    @on(QuestionForm.Finished)
    def _fields_finished(self, event: QuestionForm.Finished) -> None:
        event.stop()
        if self._inquiry is not None:
            # Else there is something to correct in the field.
            self._view.focus_list()
            self._meant = self._inquiry
            self._memory.hold(self._inquiry)
            if self._shown is not None:
                self._remember(self._shown)
        self.post_message(self.Meant(self.question, self._inquiry))

    def _looked_at(self, shown: Shown) -> None:
        super()._looked_at(shown)
        self._remember(shown)

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
        """Go to the action field; typing replaces what is there."""
        self._view.release()
        field = self._form.action_field
        field.focus()
        field.select_all()

    def action_why(self) -> None:
        """Show the whole trace of the answer on its own screen."""
        from iamtui.tui.question.trace_screen import TraceScreen  # the engine is not loaded before the first frame

        shown = self._shown
        if shown is None:
            self.post_message(Notice(plain("There is no answer to explain yet: press F5 and ask."), until_answer=True))
            return
        asked, chain, decider = shown.asked, shown.answer.chain, shown.decider
        if decider is not None and decider is chain:
            # Another principal's call: that of the role that the session is chained from.
            label = shown.answer.question_matrix.chained_from.rpartition(":")[2]
            self.app.push_screen(
                TraceScreen(
                    asked.workspace,
                    decider.decision,
                    shown.principal,
                    decider.question,
                    label,
                    left_out=shown.left_out,
                )
            )
            return
        others = [one for one in shown.cell.companions if one is not decider]
        self.app.push_screen(
            TraceScreen(
                asked.workspace,
                shown.decision,
                shown.answer.principal,
                shown.question,
                asked.label,
                others,
                chain,
                left_out=shown.left_out,
            )
        )

    def action_presets(self) -> None:
        """Choose how the request comes."""
        from iamtui.tui.question.menus import (
            Besides,  # not before the first frame
            open_presets,  # likewise
        )

        shown, question_matrix = self._shown, self._inquiry
        besides = None
        if shown is not None and question_matrix is not None:
            besides = Besides.of(shown.cell, question_matrix.with_checks, shown.asked.workspace.account)
        open_presets(self.app, self._form, besides)

    def action_switch_mode(self) -> None:
        """Take keys that nobody gave as absent, or as unknown."""
        self._form.switch_mode()

    def action_questions(self) -> None:
        """Choose a question that was asked before or saved."""
        from iamtui.tui.question.menus import open_questions  # not before the first frame

        open_questions(self.app, self._memory, self.ask_inquiry)

    def action_save(self) -> None:
        from iamtui.tui.question.menus import ask_for_name  # not before the first frame
        from iamtui.workspace.principals import options_naming  # likewise

        question_matrix = self._inquiry
        if question_matrix is None:
            self.post_message(Notice(plain("There is no question to save yet: press F5 and ask."), until_answer=True))
            return
        if self._left_out:
            word = safe_text(self._left_out, limit=64)
            self.post_message(Notice(plain(f"{word} is half typed: finish it or take it out, then save.")))
            return
        shown = self._shown
        answer = shown.answer if shown is not None and shown.answer.question_matrix == question_matrix else None
        if answer is not None and self._workspace is not None:
            # A saved question names who asks by an ARN alone: what is expected of another caller would not hold.
            alone = options_naming(self._workspace, answer.principal, question_matrix.actions) == {}
            answer = answer if alone else None

        def save(name: str, expect: Expectation | None) -> None:
            # An expectation is about somebody; without one the question is asked as whoever is chosen.
            principal = answer.principal.arn if expect is not None and answer is not None else ""
            self._memory.save(name, question_matrix, principal, expect)

        ask_for_name(self.app, self._memory, shown.asked.label if shown is not None else "", answer, save)

    def action_copy_command(self) -> None:
        from iamtui.workspace.questions import as_command, files_of_command  # not before the first frame

        if self._inquiry is None or self._workspace is None or self._principal is None:
            self.post_message(Notice(plain("There is no question to copy yet: press F5 and ask."), until_answer=True))
            return
        written = self._form.caller_row.files
        files = files_of_command(self._inquiry, written)
        also = [f"It reads {', '.join(files)}, which you have to write."] if files else []
        if self._left_out:
            also.append(f"It asks without {safe_text(self._left_out, limit=64)}, which is half typed.")
        if self._before is not None:
            also.append("It asks without the draft: save that (d, s) and add --draft FILE.")
        try:
            text = as_command(self._workspace, self._principal, self._inquiry, written)
        except Problem as problem:
            self.post_message(Notice(plain(problem, limit=None), Severity.ERROR))
            return
        self.post_message(self.Copy(text, "Command", " ".join(also)))

    @on(ActionField.Walked)
    def _walked(self, event: ActionField.Walked) -> None:
        event.stop()
        question_matrix = self._memory.walk(event.step, self._inquiry)
        if question_matrix is not None:
            self.ask_inquiry(question_matrix)
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
        self._form.open_caller()

    def action_keys(self) -> None:
        """Go to the condition keys of the answer; there the same key hides them."""
        if self._shown is None:
            self.post_message(
                Notice(
                    plain("There is no answer yet whose condition keys matter: press F5 and ask."), until_answer=True
                )
            )
        else:
            self._form.open_keys()

    @on(QuestionForm.Resized)
    def _make_room(self, event: QuestionForm.Resized) -> None:
        event.stop()
        self._view.make_room(1 + max(3, event.height))

    @on(CallerRow.WritePolicy)
    def _write_policy(self, event: CallerRow.WritePolicy) -> None:
        from iamtui.tui.question.menus import write_session_policy  # not before the first frame

        event.stop()
        account = self._workspace.account.id if self._workspace is not None else ""
        write_session_policy(self.app, self._form, account)

    def action_leave(self) -> None:
        self.post_message(self.Left())
