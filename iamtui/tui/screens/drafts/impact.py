"""DraftImpactScreen: whose answers a draft changes, for the question on screen and for the saved ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker, WorkerState, get_current_worker

from iamtui.analysis.inquiry import Inquiry
from iamtui.evaluation.request import Principal
from iamtui.problem import Problem
from iamtui.tui.safe import line, plain
from iamtui.tui.widgets.draft.impact_lines import ORDER, ImpactLines, ImpactRow, row_of, row_of_saved
from iamtui.tui.widgets.key_line import KeyLine
from iamtui.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from iamtui.workspace.drafts.drafting import Drafted

_BATCH: Final = 200


class DraftImpactScreen(Screen[str | None]):
    """Gives the ARN of the principal to go to, or None. The rows come in while a thread compares."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,I", "back", "Back", id="impact.back", tooltip="Back to where you came from"),
        Binding(
            "s", "saved", "Saved questions", id="impact.saved", tooltip="Compare the saved questions instead, and back"
        ),
        Binding("f", "filter", "Changed or all", id="impact.filter", tooltip="Show only whose answer changes, or all"),
        Binding("enter", "go", "Go there", id="impact.go", tooltip="Go to this principal in the tree"),
    ]

    DEFAULT_CSS = """
    DraftImpactScreen {
        & #impact-title {
            height: auto;
            max-height: 2;
            width: 100%;
            padding: 0 1;
            background: $panel;
        }
        & #impact-counts {
            height: 1;
            width: 100%;
            padding: 0 1;
        }
        & #impact-empty {
            padding: 1 2;
            height: 1fr;
        }
        & ImpactLines {
            height: 1fr;
        }
    }
    """

    @dataclass(eq=False, repr=False)
    class _Found(Message):
        ticket: int
        rows: tuple[ImpactRow, ...]
        done: bool

    @dataclass(eq=False, repr=False)
    class _Refused(Message):
        ticket: int
        problem: Problem

    def __init__(self, drafted: Drafted, inquiry: Inquiry | None, principal: Principal | None = None) -> None:
        """Make the screen.

        Args:
            inquiry: what is asked about everybody, or None.
            principal: who asks the saved questions that name nobody.
        """
        super().__init__()
        self._drafted = drafted
        self._inquiry = inquiry
        self._principal = principal
        self._saved = False
        self._ticket = 0
        self._rows: list[ImpactRow] = []
        self._done = False
        self._only_changed = True
        self._problem: Problem | None = None

    def compose(self) -> ComposeResult:
        """Title, counts, rows or why there are none, keys."""
        yield Static(id="impact-title", markup=False)
        yield Static(id="impact-counts", markup=False)
        yield Static(id="impact-empty", markup=False)
        yield ImpactLines(id="impact-rows")
        yield KeyLine(id="impact-keys")

    def on_mount(self) -> None:
        """Compare in a thread."""
        self.lines.focus()
        self._start()

    def _start(self) -> None:
        """Compare anew what is to be compared; what was being compared is cancelled."""
        self.workers.cancel_group(self, "impact")
        self._ticket += 1
        self._rows, self._done, self._problem = [], False, None
        self.query_one("#impact-title", Static).update(self._title())
        self._show()
        if self._saved:
            self._compare_saved(self._ticket)
        elif self._inquiry is not None:
            self._compare(self._ticket, self._inquiry)

    @property
    def lines(self) -> ImpactLines:
        """The rows."""
        return self.query_one(ImpactLines)

    def _title(self) -> Content:
        name = self._drafted.draft.name
        title = line(("Impact of the draft", "bold $heading"), (f" {name}" if name else "", "bold"))
        if self._saved:
            return line(title, ("  saved questions", "bold"))
        if self._inquiry is None:
            return title
        actions, resources = ", ".join(self._inquiry.actions), ", ".join(self._inquiry.resources)
        return line(title, ("  ", ""), (actions, "bold"), (" on ", "$muted"), resources)

    @work(thread=True, exclusive=True, exit_on_error=False, group="impact", name="comparing answers")
    def _compare(self, ticket: int, inquiry: Inquiry) -> None:
        from iamtui.workspace.drafts.drafting import compare_everyone  # noqa: PLC0415 - the engine, on demand

        worker = get_current_worker()
        batch: list[ImpactRow] = []
        try:
            for comparison in compare_everyone(self._drafted, inquiry, lambda: worker.is_cancelled):
                batch.append(row_of(comparison))
                if len(batch) >= _BATCH:
                    self.post_message(self._Found(ticket, tuple(batch), done=False))
                    batch = []
        except Problem as problem:
            self.post_message(self._Refused(ticket, problem))
            return
        if not worker.is_cancelled:
            self.post_message(self._Found(ticket, tuple(batch), done=True))

    @work(thread=True, exclusive=True, exit_on_error=False, group="impact", name="comparing saved questions")
    def _compare_saved(self, ticket: int) -> None:
        from iamtui.workspace.drafts.regression import compare_saved  # noqa: PLC0415 - the engine, on demand
        from iamtui.workspace.questions.saved_questions import QuestionStore, account_key  # noqa: PLC0415 - likewise

        worker = get_current_worker()
        try:
            saved = QuestionStore(account_key(self._drafted.base)).saved()
            found = compare_saved(self._drafted, saved, lambda: worker.is_cancelled, asking=self._principal)
            for comparison in found:
                self.post_message(self._Found(ticket, (row_of_saved(comparison),), done=False))
        except Problem as problem:
            self.post_message(self._Refused(ticket, problem))
            return
        if not worker.is_cancelled:
            self.post_message(self._Found(ticket, (), done=True))

    @on(_Found)
    def _add(self, event: _Found) -> None:
        event.stop()
        if event.ticket != self._ticket:
            return
        self._rows += event.rows
        self._done = event.done
        self._show()

    @on(_Refused)
    def _refuse(self, event: _Refused) -> None:
        event.stop()
        if event.ticket == self._ticket:
            self._problem = event.problem
            self._show()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A comparison that fails in an unforeseen way is said, without its data."""
        if event.state is WorkerState.ERROR:
            event.stop()
            name = type(event.worker.error).__name__
            self._problem = Problem(f"The answers could not be compared: {name}, an error in iamtui.")
            self._show()

    def _show(self) -> None:
        rows = [row for row in self._rows if row.matters] if self._only_changed else list(self._rows)
        rows.sort(key=lambda row: (ORDER[row.effect], row.label))
        self.lines.display = bool(rows)
        self.lines.show(rows)
        counted = self.query_one("#impact-counts", Static)
        counted.display = self._saved or self._inquiry is not None
        counted.update(self._counts())
        empty = self.query_one("#impact-empty", Static)
        empty.display = not rows
        empty.update(self._why_empty())
        self.query_one(KeyLine).look_again()

    def _counts(self) -> Content:
        counts = {effect: sum(row.effect == effect for row in self._rows) for effect in ORDER}
        parts = [
            (f"{counts['gained']:,} gain", "$verdict-allowed"), (f"{counts['lost']:,} lose", "$verdict-denied"),
            (f"{counts['changed']:,} change otherwise", "$verdict-depends"), (f"{counts['same']:,} stay the same", ""),
        ]  # fmt: skip
        if self._saved:
            first = [
                (f"{counts['broken']:,} broken", "$verdict-denied"), (f"{counts['fixed']:,} fixed", "$verdict-allowed"),
            ]  # fmt: skip
            parts = [*first, *(part for part in parts if not part[0].startswith("0 "))]
        words = Content(", ").join([plain(text, style) for text, style in parts])
        asking = "" if self._done or self._problem is not None else "  asking …"
        shown = "  only changes shown" if self._only_changed else "  all shown"
        return line(words, (asking, "$muted"), (shown, "$faint"))

    def _why_empty(self) -> Content:
        if self._problem is not None:
            return line(("! ", "bold $verdict-denied"), plain(self._problem))
        if not self._saved and self._inquiry is None:
            return plain(
                "No question is asked: go back, press F5 and ask one; then everybody's answers are compared. "
                "s compares the saved questions."
            )
        if not self._done:
            return plain("Asking, before and after …", "$muted")
        if not self._saved:
            return plain("The draft changes nobody's answer to this question. f shows everybody.")
        if self._rows:
            return plain("The draft changes no answer to a saved question. f shows all of them.")
        return plain("No question is saved for this account: F5, a question, then ctrl+s saves one.")

    def idle_actions(self) -> frozenset[str]:
        """Where nobody is listed there is nowhere to go."""
        return frozenset() if self.lines.display else frozenset(("go",))

    def action_saved(self) -> None:
        """Compare the saved questions, or the question on screen again."""
        self._saved = not self._saved
        self._start()

    def action_filter(self) -> None:
        """Show only changes, or all."""
        self._only_changed = not self._only_changed
        self._show()

    @on(LineView.LineOpened)
    def _opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        self.action_go()

    @on(LineView.CursorMoved)
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()

    def action_go(self) -> None:
        """Go to the principal."""
        row = self.lines.row
        if row is not None and row.arn and self.lines.display:
            self.dismiss(row.arn)

    def action_back(self) -> None:
        """Go back."""
        self.dismiss(None)
