"""DraftImpactScreen: whose answers a draft changes, for the question on screen and for the saved ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker, WorkerState, get_current_worker

from iamtui.analysis.inquiry import Inquiry
from iamtui.evaluation.request import Principal, PrincipalKind
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.tui.safe import fit, line, plain
from iamtui.tui.widgets.draft.compared import ComparedVerdict, compared, verdict_pieces
from iamtui.tui.widgets.key_line import KeyLine
from iamtui.tui.widgets.line_view import LineView, Piece
from iamtui.tui.widgets.question.verdict import verdict

if TYPE_CHECKING:
    from iamtui.workspace.drafting import Comparison, Drafted

_BATCH: Final = 200
_WORDS: Final = {"gained": "gains", "lost": "loses", "changed": "changes", "same": "same"}
_ORDER: Final = {"gained": 0, "lost": 1, "changed": 2, "same": 3}
_STYLES: Final = {"gained": "allowed", "lost": "denied", "changed": "depends", "same": "faint"}


@dataclass(frozen=True, slots=True)
class ImpactRow:
    """One principal's answers before and after.

    Args:
        arn: the key of its node in the tree; of outsiders their ARN, which is in no tree.
        label: what it is called; raw.
        effect: "gained", "lost", "changed" or "same".
        question: which saved question it is about, raw, or "".
    """

    arn: str
    label: str
    effect: str
    verdict: ComparedVerdict
    question: str = ""


def row_of(comparison: Comparison) -> ImpactRow:
    """The row of a comparison; of several cells the worst of each side."""
    before = verdict(comparison.before.worst.deciding)
    after = verdict(comparison.after.worst.deciding)
    principal = comparison.principal
    return ImpactRow(
        principal.role_arn or principal.arn, label_of(principal), comparison.effect.value, compared(before, after)
    )


def label_of(principal: Principal) -> str:
    """`role/deploy-prod`; an ARN, a service or `anonymous` for others."""
    if principal.kind in (PrincipalKind.USER, PrincipalKind.ROLE):
        kind, _, rest = principal.arn.split(":", 5)[-1].partition("/")
        return f"{kind}/{rest.rsplit('/', 1)[-1]}"
    return principal.arn or "anonymous"


class ImpactLines(LineView):
    """The rows: who, what changes, before and after."""

    HELP_TITLE: ClassVar[str] = "Impact"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._rows: Sequence[ImpactRow] = ()
        self._label = 0

    @property
    def row(self) -> ImpactRow | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self._rows else None

    def show(self, rows: Sequence[ImpactRow]) -> None:
        """Show these rows; the cursor stays on its row where that is still there."""
        at = self.row
        self._rows = rows
        self._label = max((cell_len(safe_text(row.label)) for row in rows[:1000]), default=0)
        self.set_total(len(rows), cursor=next((i for i, row in enumerate(rows) if row == at), 0))

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """Effect, who, `was ..., now ...` as far as there is room."""
        row = self._rows[index]
        label_width = min(self._label, max(12, (width - 2) // 3))
        label = fit(safe_text(row.label), label_width)
        pieces = [
            Piece(f"{_WORDS[row.effect].ljust(8)}", _STYLES[row.effect]),
            Piece(label + " " * (label_width - cell_len(label) + 2)),
        ]
        room = width - 2 - 8 - label_width - 2
        was, now = row.verdict.before, row.verdict
        long = f"was {was.text}, now {now.text}" if was is not None and now.changed else now.text
        marks = verdict_pieces(row.verdict)
        if was is None or not now.changed:
            pieces += [*marks, Piece(fit(f" {now.word} {now.rest}", room - 3), "muted")]
        elif cell_len(long) <= room:
            pieces += [
                Piece("was ", "muted"), Piece(f"{was.mark} {was.word}", marks[0].style), Piece(f" {was.rest}".rstrip()),
                Piece(", now ", "muted"), Piece(f"{now.mark} {now.word}", marks[-1].style),
                Piece(f" {now.rest}".rstrip()),
            ]  # fmt: skip
        else:
            pieces += [
                Piece(f"{was.mark} {was.word}", marks[0].style), Piece(", now ", "muted"),
                Piece(fit(f"{now.mark} {now.word} {now.rest}", room - cell_len(f"{was.mark} {was.word}, now ")),
                      marks[-1].style),
            ]  # fmt: skip
        return pieces


class DraftImpactScreen(Screen[str | None]):
    """Gives the ARN of the principal to go to, or None. The rows come in while a thread compares."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,I", "back", "Back", id="impact.back", tooltip="Back to where you came from"),
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

    @dataclass
    class _Found(Message):
        rows: tuple[ImpactRow, ...]
        done: bool

    @dataclass
    class _Refused(Message):
        problem: Problem

    def __init__(self, drafted: Drafted, inquiry: Inquiry | None) -> None:
        super().__init__()
        self._drafted = drafted
        self._inquiry = inquiry
        self._rows: list[ImpactRow] = []
        self._done = False
        self._only_changed = True
        self._problem: Problem | None = None

    def compose(self) -> ComposeResult:
        """Title, counts, rows or why there are none, keys."""
        yield Static(self._title(), id="impact-title")
        yield Static(id="impact-counts", markup=False)
        yield Static(id="impact-empty", markup=False)
        yield ImpactLines(id="impact-rows")
        yield KeyLine(id="impact-keys")

    def on_mount(self) -> None:
        """Compare in a thread."""
        self.lines.focus()
        self._show()
        if self._inquiry is not None:
            self._compare(self._inquiry)

    @property
    def lines(self) -> ImpactLines:
        """The rows."""
        return self.query_one(ImpactLines)

    def _title(self) -> Content:
        name = self._drafted.draft.name
        title = line(("Impact of the draft", "bold $heading"), (f" {name}" if name else "", "bold"))
        if self._inquiry is None:
            return title
        actions, resources = ", ".join(self._inquiry.actions), ", ".join(self._inquiry.resources)
        return line(title, ("  ", ""), (actions, "bold"), (" on ", "$muted"), resources)

    @work(thread=True, exclusive=True, exit_on_error=False, group="impact", name="comparing answers")
    def _compare(self, inquiry: Inquiry) -> None:
        from iamtui.workspace.drafting import compare_everyone  # noqa: PLC0415 - the engine, on demand

        worker = get_current_worker()
        batch: list[ImpactRow] = []
        try:
            for comparison in compare_everyone(self._drafted, inquiry, lambda: worker.is_cancelled):
                batch.append(row_of(comparison))
                if len(batch) >= _BATCH:
                    self.post_message(self._Found(tuple(batch), done=False))
                    batch = []
        except Problem as problem:
            self.post_message(self._Refused(problem))
            return
        if not worker.is_cancelled:
            self.post_message(self._Found(tuple(batch), done=True))

    @on(_Found)
    def _add(self, event: _Found) -> None:
        event.stop()
        self._rows += event.rows
        self._done = event.done
        self._show()

    @on(_Refused)
    def _refuse(self, event: _Refused) -> None:
        event.stop()
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
        rows = [row for row in self._rows if row.effect != "same"] if self._only_changed else list(self._rows)
        rows.sort(key=lambda row: (_ORDER[row.effect], row.label))
        self.lines.display = bool(rows)
        self.lines.show(rows)
        counts = {effect: sum(row.effect == effect for row in self._rows) for effect in _ORDER}
        words = line(
            (f"{counts['gained']:,} gain", "$verdict-allowed"), ", ",
            (f"{counts['lost']:,} lose", "$verdict-denied"), ", ",
            (f"{counts['changed']:,} change otherwise", "$verdict-depends"), f", {counts['same']:,} stay the same",
            ("" if self._done or self._inquiry is None else "  asking …", "$muted"),
            ("  only changes shown" if self._only_changed else "  all shown", "$faint"),
        )  # fmt: skip
        counted = self.query_one("#impact-counts", Static)
        counted.display = self._inquiry is not None
        counted.update(words)
        empty = self.query_one("#impact-empty", Static)
        empty.display = not rows
        empty.update(self._why_empty())
        self.query_one(KeyLine).refresh()

    def _why_empty(self) -> Content:
        if self._problem is not None:
            return line(("! ", "bold $verdict-denied"), plain(self._problem))
        if self._inquiry is None:
            return plain("No question is asked: go back, press F5 and ask one; then everybody's answers are compared.")
        if not self._done:
            return plain("Asking everybody, before and after …", "$muted")
        return plain("The draft changes nobody's answer to this question. f shows everybody.")

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
        if row is not None and self.lines.display:
            self.dismiss(row.arn)

    def action_back(self) -> None:
        """Go back."""
        self.dismiss(None)
