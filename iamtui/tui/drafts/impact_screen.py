"""DraftImpactScreen: whose answers a draft changes, for the question on screen and for the saved ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker, WorkerState, get_current_worker

from iamtui.engine.request import Principal, PrincipalKind
from iamtui.presentation.verdict import VerdictWords, verdict_words
from iamtui.problem import Problem
from iamtui.questions.question import QuestionMatrix
from iamtui.text import safe_text
from iamtui.tui import lazy
from iamtui.tui.content import fit, line, plain
from iamtui.tui.question.verdict import verdict_pieces
from iamtui.tui.widgets.lists.line_list import LineView, Piece
from iamtui.tui.widgets.status import KeyLine

if TYPE_CHECKING:
    from iamtui.workspace.draft_session import DraftComparison, DraftedAccount, SavedComparison
    from iamtui.workspace.impact import Count, Impact


# The impact of a draft, one line for each principal or saved question: what changes, before and after.


WORDS: Final = {
    "broken": "BROKEN",
    "unmet": "unmet",
    "problem": "unasked",
    "fixed": "fixed",
    "gained": "gains",
    "lost": "loses",
    "changed": "changes",
    "same": "same",
}
"""What stands in front of a row, in the order in which rows are listed."""

ORDER: Final = {effect: place for place, effect in enumerate(WORDS)}

_IMPACT_STYLES: Final = {
    "broken": "denied",
    "unmet": "denied",
    "problem": "depends",
    "fixed": "allowed",
    "gained": "allowed",
    "lost": "denied",
    "changed": "depends",
    "same": "faint",
}


_EFFECT: Final = 8
_GAP: Final = 2
_MEASURED: Final = 1000
"""Of so many rows the columns are as wide as the longest."""


@dataclass(frozen=True, slots=True)
class ImpactRow:
    """One principal, or one saved question, before and after.

    Args:
        arn: whom to go to; an outsider is in no tree.
        label: who or which question; raw.
        effect: a key of WORDS.
        verdict: after, knowing the one before; None when it could not be asked.
        note: why not, or what was expected; raw.
    """

    arn: str
    label: str
    effect: str
    verdict: VerdictWords | None
    note: str = ""

    @property
    def matters(self) -> bool:
        """Whether the row stays when only changes are shown."""
        return self.effect != "same"


def row_of(comparison: DraftComparison) -> ImpactRow:
    """The row of a principal; of several pairs the one that changes most."""
    principal = comparison.principal
    return ImpactRow(
        principal.role_arn or principal.arn,
        label_of(principal),
        comparison.effect.value,
        _changed_verdict(comparison),
        _how_many(comparison),
    )


def row_of_saved(found: SavedComparison) -> ImpactRow:
    """The row of a saved question: first of all whether its expectation is kept."""
    comparison, expect = found.comparison, found.saved.expect
    if comparison is None:
        return ImpactRow("", found.saved.name, "problem", None, str(found.problem or ""))
    effect = comparison.effect.value
    if found.met_after is False:
        effect = "broken" if found.met_before else "unmet"
    elif found.met_after and found.met_before is False:
        effect = "fixed"
    arn = comparison.principal.role_arn or comparison.principal.arn
    label = found.saved.name if found.saved.principal else f"{found.saved.name} ({label_of(comparison.principal)})"
    if expect is not None and effect in ("broken", "unmet", "fixed"):
        note = "" if effect == "fixed" else f"expected {expect.value}"
        return ImpactRow(arn, label, effect, _verdict(comparison), note)
    return ImpactRow(arn, label, effect, _changed_verdict(comparison), _how_many(comparison))


def rows_of_whole(found: Impact) -> Iterator[ImpactRow]:
    """A row for each principal that can do more or less, then one for each family of actions, counted."""
    for principal, count in found.by_principal().items():
        yield ImpactRow(
            principal.role_arn or principal.arn, label_of(principal), _effect_of(count), None, _says_of(count)
        )
    for family, count in found.by_family().items():
        yield ImpactRow("", family, _effect_of(count), None, _says_of(count))


def _effect_of(count: Count) -> str:
    one_way = {"gained": count.gained, "lost": count.lost, "changed": count.changed}
    given = [effect for effect, value in one_way.items() if value]
    return given[0] if len(given) == 1 else "changed"


def _says_of(count: Count) -> str:
    words = ((count.gained, "gained"), (count.lost, "lost"), (count.changed, "changed otherwise"))
    said = ", ".join(f"{value:,} {word}" for value, word in words if value)
    return f"{said}: {count.total:,} in all" if said.count(",") else f"actions: {said}"


def _verdict(comparison: DraftComparison) -> VerdictWords:
    """The worst of all pairs, before and after."""
    before = verdict_words(comparison.before.worst.deciding)
    return replace(verdict_words(comparison.after.worst.deciding), before=before)


def _changed_verdict(comparison: DraftComparison) -> VerdictWords:
    before, after = comparison.telling
    return replace(verdict_words(after), before=verdict_words(before))


def _how_many(comparison: DraftComparison) -> str:
    """Such as `2 of 5 pairs`, where some pairs of action and resource change and others do not."""
    changed, total = len(comparison.changed_cells), len(comparison.cells)
    return f"{changed} of {total} pairs" if 0 < changed < total else ""


def label_of(principal: Principal) -> str:
    """`role/deploy-prod`; an ARN, a service or `anonymous` for others."""
    if principal.kind in (PrincipalKind.USER, PrincipalKind.ROLE):
        kind, _, rest = principal.arn.split(":", 5)[-1].partition("/")
        return f"{kind}/{rest.rsplit('/', 1)[-1]}"
    return principal.arn or "anonymous"


class ImpactLines(LineView):
    """The rows: what changes, for whom, before and after."""

    HELP_TITLE: ClassVar[str] = "Impact"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._rows: Sequence[ImpactRow] = ()
        self._label = self._says = 0

    @property
    def row(self) -> ImpactRow | None:
        return self._rows[self.cursor] if self._rows else None

    @property
    def rows(self) -> Sequence[ImpactRow]:
        return self._rows

    def show(self, rows: Sequence[ImpactRow]) -> None:
        """Show these rows; the cursor stays on its row where that is still there."""
        at = self.row
        self._rows = rows
        self._label = max((cell_len(safe_text(row.label)) for row in rows[:_MEASURED]), default=0)
        self._says = max((cell_len(_says(row)) for row in rows[:_MEASURED]), default=0)
        self.set_total(len(rows), cursor=next((i for i, row in enumerate(rows) if row == at), 0))

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        row = self._rows[index]
        room = width - 2 - _EFFECT - _GAP
        label_width = min(self._label, max(12, room // 3, room - self._says))
        label = fit(safe_text(row.label), label_width)
        pieces = [
            Piece(WORDS[row.effect].ljust(_EFFECT), _IMPACT_STYLES[row.effect]),
            Piece(label + " " * (label_width - cell_len(label) + _GAP)),
        ]
        room -= label_width
        if row.verdict is None:
            return [*pieces, Piece(fit(safe_text(row.note), room), "muted")]
        if row.note:
            note = fit(f"{safe_text(row.note)}: ", room)
            pieces.append(Piece(note, "muted"))
            room -= cell_len(note)
        return [*pieces, *_verdict_pieces(row.verdict, room)]


def _says(row: ImpactRow) -> str:
    """What stands behind the label, without the words of the verdict before."""
    note, now = safe_text(row.note), row.verdict
    if now is None:
        return note
    before = f"{now.before.short}, now " if now.before is not None and now.changed else ""
    return f"{note}: {before}{now}" if note else f"{before}{now}"


def _verdict_pieces(now: VerdictWords, room: int) -> list[Piece]:
    was, marks = now.before, verdict_pieces(now)
    if was is None or not now.changed:
        return [Piece(now.mark, marks[-1].style), Piece(fit(f" {now.word} {now.rest}".rstrip(), room - 3), "muted")]
    before, after = f"{was.mark} {was.word}", f"{now.mark} {now.word}"
    if cell_len(f"was {was}, now {now}") <= room:
        return [
            Piece("was ", "muted"), Piece(before, marks[0].style), Piece(f" {was.rest}".rstrip()),
            Piece(", now ", "muted"), Piece(after, marks[-1].style), Piece(f" {now.rest}".rstrip()),
        ]  # fmt: skip
    left = room - cell_len(f"{was.short}, now ")
    says = str(now) if cell_len(str(now)) <= left else f"{now.short} {now.rest}".rstrip()
    return [
        Piece(was.short, marks[0].style), Piece(", now ", "muted"),
        Piece(fit(says, left), marks[-1].style),
    ]  # fmt: skip


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

    def __init__(
        self, drafted: DraftedAccount, question_matrix: QuestionMatrix | None, principal: Principal | None = None
    ) -> None:
        """Make the screen.

        Args:
            question_matrix: what is asked about everybody, or None.
            principal: who asks the saved questions that name nobody.
        """
        super().__init__()
        self._drafted = drafted
        self._inquiry = question_matrix
        self._principal = principal
        self._saved = False
        self._ticket = 0
        self._rows: list[ImpactRow] = []
        self._done = False
        self._only_changed = True
        self._problem: Problem | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="impact-title", markup=False)
        yield Static(id="impact-counts", markup=False)
        yield Static(id="impact-empty", markup=False)
        yield ImpactLines(id="impact-rows")
        yield KeyLine(id="impact-keys")

    def on_mount(self) -> None:
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
        else:
            self._compare_whole(self._ticket)

    @property
    def lines(self) -> ImpactLines:
        return self.query_one(ImpactLines)

    def _title(self) -> Content:
        name = self._drafted.draft.name
        title = line(("Impact of the draft", "bold $heading"), (f" {name}" if name else "", "bold"))
        if self._saved:
            return line(title, ("  saved questions", "bold"))
        if self._inquiry is None:
            return line(title, ("  the whole account", "bold"))
        actions, resources = ", ".join(self._inquiry.actions), ", ".join(self._inquiry.resources)
        return line(title, ("  ", ""), (actions, "bold"), (" on ", "$muted"), resources)

    @work(thread=True, exclusive=True, exit_on_error=False, group="impact", name="comparing answers")
    def _compare(self, ticket: int, question_matrix: QuestionMatrix) -> None:
        worker = get_current_worker()
        batch: list[ImpactRow] = []
        try:
            for comparison in lazy.draft_session.compare_everyone(
                self._drafted, question_matrix, lambda: worker.is_cancelled
            ):
                batch.append(row_of(comparison))
                if len(batch) >= _BATCH:
                    self.call_later(self._add, ticket, tuple(batch), done=False)
                    batch = []
        except Problem as problem:
            self.call_later(self._refuse, ticket, problem)
            return
        if not worker.is_cancelled:
            self.call_later(self._add, ticket, tuple(batch), done=True)

    @work(thread=True, exclusive=True, exit_on_error=False, group="impact", name="comparing the account")
    def _compare_whole(self, ticket: int) -> None:
        worker = get_current_worker()
        try:
            found = lazy.impact.impact_of(self._drafted, lambda: worker.is_cancelled)
        except Problem as problem:
            self.call_later(self._refuse, ticket, problem)
            return
        if not worker.is_cancelled:
            self.call_later(self._add, ticket, tuple(rows_of_whole(found)), done=True)

    @work(thread=True, exclusive=True, exit_on_error=False, group="impact", name="comparing saved questions")
    def _compare_saved(self, ticket: int) -> None:
        worker = get_current_worker()
        try:
            saved = lazy.saved_questions.QuestionStore(lazy.saved_questions.account_key(self._drafted.base)).saved()
            found = lazy.draft_session.compare_saved(
                self._drafted, saved, lambda: worker.is_cancelled, asking=self._principal
            )
            for comparison in found:
                self.call_later(self._add, ticket, (row_of_saved(comparison),), done=False)
        except Problem as problem:
            self.call_later(self._refuse, ticket, problem)
            return
        if not worker.is_cancelled:
            self.call_later(self._add, ticket, (), done=True)

    def _add(self, ticket: int, rows: tuple[ImpactRow, ...], done: bool) -> None:
        if ticket != self._ticket:
            return
        self._rows += rows
        self._done = done
        self._show()

    def _refuse(self, ticket: int, problem: Problem) -> None:
        if ticket == self._ticket:
            self._problem = problem
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
        # The rows of the whole account are of two kinds, each of which says its own numbers.
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
        if not self._done:
            return plain("Asking, before and after …", "$muted")
        if not self._saved and self._inquiry is None:
            return plain(
                "The draft changes no access. No question is asked: go back, press F5 and ask one; then everybody's "
                "answers are compared. s compares the saved questions."
            )
        if not self._saved:
            return plain("The draft changes nobody's answer to this question. f shows everybody.")
        if self._rows:
            return plain("The draft changes no answer to a saved question. f shows all of them.")
        return plain("No question is saved for this account: F5, a question, then ctrl+s saves one.")

    def idle_actions(self) -> frozenset[str]:
        """Where nobody is listed there is nowhere to go."""
        return frozenset() if self.lines.display else frozenset(("go",))

    def action_saved(self) -> None:
        self._saved = not self._saved
        self._start()

    def action_filter(self) -> None:
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
        row = self.lines.row
        if row is not None and row.arn and self.lines.display:
            self.dismiss(row.arn)

    def action_back(self) -> None:
        self.dismiss(None)
