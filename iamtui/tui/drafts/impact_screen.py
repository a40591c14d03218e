"""DraftImpactScreen: whose answers a draft changes, for the question on screen and for the saved ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from msgspec import structs
from rich.cells import cell_len
from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from iamtui.engine.request import Principal, PrincipalKind
from iamtui.presentation.reports import access_words, escalation_words, trust_words
from iamtui.presentation.styled_words import Tone, stacked_bar
from iamtui.presentation.verdict import VerdictCounts, VerdictWords, because, verdict_words
from iamtui.problem import Problem
from iamtui.questions.question import QuestionMatrix
from iamtui.text import counted, first_names, safe_text
from iamtui.tui.background import Work, in_thread
from iamtui.tui.content import TONES, age_note, fit, is_ascii, line, lines, plain, styled, wrong
from iamtui.tui.main.inventory import statement_lines
from iamtui.tui.question.answer_view import as_many, quoted
from iamtui.tui.question.panel_text import verdict_pieces
from iamtui.tui.widgets.lists.line_list import LineView, Piece
from iamtui.tui.widgets.lists.list_pane import FilteredList, ListPane
from iamtui.tui.widgets.lists.wrapped_text import wrap_all
from iamtui.tui.widgets.status import KeyLine, TitleLine
from iamtui.workspace.ask.saved_questions import QuestionStore, account_key
from iamtui.workspace.change.draft_session import compare_everyone, compare_saved
from iamtui.workspace.change.impact import impact_of

if TYPE_CHECKING:
    from iamtui.account.model import Account
    from iamtui.engine.decision import Decision
    from iamtui.workspace.change.draft_session import DraftComparison, DraftedAccount, SavedComparison
    from iamtui.workspace.change.impact import AccessShift, Count, Impact


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
"""Marks in front of rows, in the order in which rows are listed."""

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
        decisions: before and after, of the pair that changes most; None where nothing does.
        shifts: of a row of the whole account: what is counted in it, with the actions that are.
        place: which rows of one effect stand above which others.
    """

    arn: str
    label: str
    effect: str
    verdict: VerdictWords | None
    note: str = ""
    decisions: tuple[Decision, Decision] | None = field(default=None, compare=False)
    shifts: tuple[tuple[AccessShift, tuple[str, ...]], ...] = field(default=(), compare=False)
    place: int = 0

    @property
    def matters(self) -> bool:
        """True where the row is shown among changes only."""
        return self.effect != "same"


def row_of(comparison: DraftComparison) -> ImpactRow:
    """The row of a principal; of several pairs the one that changes most."""
    principal, effect = comparison.principal, comparison.effect
    return ImpactRow(
        principal.role_arn or principal.arn,
        label_of(principal),
        effect.value,
        _changed_verdict(comparison),
        _how_many(comparison),
        None if effect.value == "same" else comparison.telling,
    )


def reasons(decisions: tuple[Decision, Decision], drafted: DraftedAccount, width: int, most: int) -> Content:
    """Why before and why after, and the statement that makes the difference, in so many lines."""
    before, after = decisions
    said = [
        line((f"{name:8}", "$muted"), styled(because(decision)))
        for name, decision in (("before", before), ("after", after))
    ]
    workspace, decision = (drafted.base, before) if after.deciding is None else (drafted.after, after)
    if decision.deciding is not None:
        request = decision.request
        quote = statement_lines(workspace.account, request.principal, request.resource, decision.deciding)
        said += as_many(quoted(quote, width), most - len(said)) if quote else []
    return lines(*said)


def details(row: ImpactRow, width: int, most: int) -> Content:
    """Details of a row of the whole account, in so many lines: actions, resources, and the principals that have
    them."""
    said = [] if row.shifts else wrap_all([plain(f"{row.label} {row.note}", limit=None)], width, most)
    for number, (shift, actions) in enumerate(row.shifts):
        effect = shift.effect.value
        words = plain(access_words(shift, actions), limit=None)
        found = wrap_all([line((f"{effect:8}", f"$verdict-{_IMPACT_STYLES[effect]}"), words)], width, most)
        if not row.arn:
            whom = first_names(map(label_of, shift.principals), _MOST_NAMED)
            found += wrap_all([line((f"{'':8}{whom}", "$muted"))], width, most)
        rest = len(row.shifts) - number
        if len(said) + len(found) > most - (rest > 1):
            said.append(line((f"and {counted(rest, 'more change')}", "$muted")))
            break
        said += found
    return lines(*said)


def before_and_after(rows: Sequence[ImpactRow], width: int) -> Iterator[Content]:
    """A bar of the verdicts before and one of those after, with their counts; none without answers."""
    answered = [row.verdict for row in rows if row.verdict is not None]
    sides = ("before", [verdict.before or verdict for verdict in answered]), ("after", answered)
    for name, verdicts in sides if answered else ():
        counts = VerdictCounts()
        for verdict in verdicts:
            counts.count(verdict)
        parts = counts.allowed, counts.depends, counts.denied
        pieces = stacked_bar(parts, width, ascii_only=is_ascii())
        drawn = (plain(piece, TONES[tone], limit=None) for piece, tone in zip(pieces, _BAR_TONES, strict=False))
        yield line((name.ljust(8), "$muted"), *drawn, "  ", styled(counts.short(best_first=True)))


_BAR_TONES: Final = (Tone.ALLOWED, Tone.DEPENDS, Tone.DENIED)


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


def rows_of_whole(account: Account, found: Impact) -> Iterator[ImpactRow]:
    """A row for each principal that can do more or less, and for each family of actions, counted; then trust, ways to
    become administrator, and what was not compared."""
    of_principals, of_families = found.shifts_by_principal(), found.shifts_by_family()
    for principal, count in found.by_principal().items():
        arn, shifts = principal.role_arn or principal.arn, tuple((one, one.actions) for one in of_principals[principal])
        yield ImpactRow(arn, label_of(principal), _effect_of(count), None, _says_of(count), shifts=shifts)
    for family, count in found.by_family().items():
        yield ImpactRow(
            "", family, _effect_of(count), None, _says_of(count), shifts=tuple(of_families[family]), place=2
        )
    for edge in found.trust:
        arn, words = edge.edge.role.arn, trust_words(account, edge)
        yield ImpactRow(arn, _without_path(arn), edge.effect.value, None, f"its trust {words}", place=1)
    for one in found.escalations:
        arn, words = one.principal.arn, escalation_words(one)
        yield ImpactRow(arn, _without_path(arn), one.effect.value, None, words, place=1)
    for sentence in found.not_compared:
        yield ImpactRow("", "not compared", "problem", None, f"{sentence}.")


def _effect_of(count: Count) -> str:
    one_way = {"gained": count.gained, "lost": count.lost, "changed": count.changed}
    given = [effect for effect, value in one_way.items() if value]
    return given[0] if len(given) == 1 else "changed"


def _says_of(count: Count) -> str:
    words = ((count.gained, "gained"), (count.lost, "lost"), (count.changed, "changed otherwise"))
    said = [f"{value:,} {word}" for value, word in words if value]
    return f"{', '.join(said)}: {count.total:,} in all" if len(said) > 1 else f"actions: {said[0]}"


def _verdict(comparison: DraftComparison) -> VerdictWords:
    """The worst of all pairs, before and after."""
    before = verdict_words(comparison.before.worst.deciding)
    return structs.replace(verdict_words(comparison.after.worst.deciding), before=before)


def _changed_verdict(comparison: DraftComparison) -> VerdictWords:
    before, after = comparison.telling
    return structs.replace(verdict_words(after), before=verdict_words(before))


def _how_many(comparison: DraftComparison) -> str:
    """Such as `2 of 5 pairs`, where some pairs of action and resource change and others do not."""
    changed, total = len(comparison.changed_cells), len(comparison.cells)
    return f"{changed} of {total} pairs" if 0 < changed < total else ""


def label_of(principal: Principal) -> str:
    """`role/deploy-prod`; an ARN, a service or `anonymous` for others, of many their pattern."""
    if principal.stands_for:
        return "everyone" if principal.stands_for == "*" else principal.stands_for
    if principal.kind in (PrincipalKind.USER, PrincipalKind.ROLE):
        return _without_path(principal.arn)
    return principal.arn or "anonymous"


def _without_path(arn: str) -> str:
    kind, _, rest = arn.split(":", 5)[-1].partition("/")
    return f"{kind}/{rest.rsplit('/', 1)[-1]}"


class ImpactLines(FilteredList[ImpactRow]):
    """The rows: what changes, for whom, before and after."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "Go there", id="impact.go", tooltip="Go to this principal in the tree"),
    ]

    _label = _says = 0

    def show_rows(self, rows: Sequence[ImpactRow], keep: ImpactRow | None) -> None:
        self._label = max((cell_len(safe_text(row.label)) for row in rows[:_MEASURED]), default=0)
        self._says = max((cell_len(_says(row)) for row in rows[:_MEASURED]), default=0)
        super().show_rows(rows, keep)

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        row = self.shown[index]
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
    """Text behind the label, without the words of the verdict before."""
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
    if cell_len(f"{was}, now {now}") <= room:
        return [
            Piece(before, marks[0].style), Piece(f" {was.rest}".rstrip()),
            Piece(", now ", "muted"), Piece(after, marks[-1].style), Piece(f" {now.rest}".rstrip()),
        ]  # fmt: skip
    left = room - cell_len(f"{was.short}, now ")
    says = str(now) if cell_len(str(now)) <= left else f"{now.short} {now.rest}".rstrip()
    return [
        Piece(was.short, marks[0].style), Piece(", now ", "muted"),
        Piece(fit(says, left), marks[-1].style),
    ]  # fmt: skip


_BATCH: Final = 200
_MOST_NAMED: Final = 4


class DraftImpactScreen(Screen[str | None]):
    """Gives the ARN of the principal to go to, or None. The rows come in while a thread compares."""

    HELP_ABOUT: ClassVar[str] = (
        "The impact of a draft is what the account's users and roles may do with it, compared with what they "
        "may do without it."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Back", id="impact.back", tooltip="Back to where you came from"),
        Binding("1", "whole", "Whole account", show=False, id="impact.whole",
                tooltip="Compare the whole account, or the question as before"),
        Binding("2", "saved", "Saved questions", id="impact.saved",
                tooltip="Compare the saved questions, or the question as before"),
        Binding("space", "filter", "Changed or all", id="impact.filter",
                tooltip="Fold those whose answer does not change, or show all"),
    ]  # fmt: skip

    DEFAULT_CSS = """
    DraftImpactScreen {
        & TitleLine {
            height: auto;
            max-height: 2;
        }
        & #impact-counts {
            height: auto;
            width: 100%;
            padding: 0 1;
        }
    }
    """

    lines = getters.query_one(ImpactLines)

    def __init__(
        self,
        drafted: DraftedAccount,
        question_matrix: QuestionMatrix | None,
        principal: Principal | None = None,
        *,
        is_whole: bool = True,
    ) -> None:
        """Make the screen.

        Args:
            question_matrix: what is asked about everybody, or None.
            principal: who asks the saved questions that name nobody.
            is_whole: whether every change of the plan that the draft was made from is among its edits.
        """
        super().__init__()
        self._drafted = drafted
        self._is_whole = is_whole
        self._matrix = question_matrix
        self._principal = principal
        self._saved = self._whole = False
        self._rows: list[ImpactRow] = []
        self._done = False
        self._only_changed = True
        self._at = ""
        """ARN of the principal under the cursor at the start."""
        self._problem: Problem | None = None

    def again(self) -> Callable[[DraftedAccount], DraftImpactScreen]:
        """Makes the screen anew as it was left, of a draft; what it makes it from keeps this screen no longer."""
        matrix, principal, saved, whole = self._matrix, self._principal, self._saved, self._whole
        only_changed, at, is_whole = self._only_changed, self._at, self._is_whole

        def make(drafted: DraftedAccount) -> DraftImpactScreen:
            screen = DraftImpactScreen(drafted, matrix, principal, is_whole=is_whole)
            screen._saved, screen._whole, screen._only_changed, screen._at = saved, whole, only_changed, at
            return screen

        return make

    def compose(self) -> ComposeResult:
        yield TitleLine()
        yield Static(id="impact-counts", markup=False)
        yield ListPane(ImpactLines(id="impact-rows"), details=self._room_for_reasons + 1)
        yield KeyLine(id="impact-keys")

    @property
    def _room_for_reasons(self) -> int:
        return max(3, self.app.size.height // 3)

    def on_mount(self) -> None:
        self.lines.focus()
        self._start()

    @on(LineView.CursorMoved)
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        self._tell_reasons()

    def _tell_reasons(self) -> None:
        row, said = self.lines.row, Content("")
        if row is not None and row.decisions is not None:
            said = reasons(row.decisions, self._drafted, self.size.width - 2, self._room_for_reasons)
        elif row is not None and self._shows_whole:
            said = details(row, self.size.width - 2, self._room_for_reasons)
        self.query_one(ListPane).tell(said)

    def _start(self) -> None:
        """Compare anew what is to be compared, in place of what was being compared."""
        self._rows, self._done, self._problem = [], False, None
        self.query_one(TitleLine).update(self._title())
        self._show()
        compare: Callable[[Work], None] = self._compare_whole
        if self._saved:
            compare = self._compare_saved
        elif self._asked is not None:
            compare = partial(self._compare, self._asked)
        in_thread(self, compare, self._refuse, name="comparing answers")

    def _title(self) -> Content:
        name = self._drafted.draft.name
        title = line(
            ("Impact of the draft", "bold $heading"),
            (f" {name}" if name else "", "bold"),
            ("" if self._is_whole else "  PART OF THE PLAN", "bold $verdict-depends"),
            age_note(self._drafted.base.age),
        )
        if self._saved:
            return line(title, ("  saved questions", "bold"))
        if self._asked is None:
            return line(title, ("  the whole account", "bold"))
        actions, resources = ", ".join(self._asked.actions), ", ".join(self._asked.resources)
        return line(title, ("  ", ""), (actions, "bold"), (" on ", "$muted"), resources)

    def _compare(self, question_matrix: QuestionMatrix, work: Work) -> None:
        batch: list[ImpactRow] = []
        for comparison in compare_everyone(self._drafted, question_matrix, work.cancelled):
            batch.append(row_of(comparison))
            if len(batch) >= _BATCH:
                work.tell(self._add, batch)
                batch = []
        work.tell(self._end, batch)

    def _compare_whole(self, work: Work) -> None:
        found = impact_of(self._drafted, work.cancelled)
        work.tell(self._end, list(rows_of_whole(self._drafted.after.account, found)))

    def _compare_saved(self, work: Work) -> None:
        saved = QuestionStore(account_key(self._drafted.base)).saved()
        for found in compare_saved(self._drafted, saved, work.cancelled, asking=self._principal):
            work.tell(self._add, [row_of_saved(found)])
        work.tell(self._end, [])

    def _add(self, rows: list[ImpactRow]) -> None:
        self._rows += rows
        self._show()

    def _end(self, rows: list[ImpactRow]) -> None:
        self._done = True
        self._add(rows)
        at, self._at = self._at, ""
        if at and not self.lines.cursor:
            self.lines.move_to(next((n for n, row in enumerate(self.lines.shown) if row.label == at), 0))

    def _refuse(self, problem: Problem) -> None:
        self._problem = problem
        self._show()

    def _show(self) -> None:
        rows = [row for row in self._rows if row.matters] if self._only_changed else list(self._rows)
        rows.sort(key=lambda row: (ORDER[row.effect], row.place, row.label))
        self.lines.show_rows(rows, self.lines.row)
        self.query_one(ListPane).show(None if rows else self._why_empty())
        self._tell_reasons()
        counted = self.query_one("#impact-counts", Static)
        # The rows of the whole account are of two kinds, each of which says its own numbers.
        counted.display = not self._shows_whole
        counted.update(self._counts())
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
        bars = [] if self._saved else before_and_after(self._rows, self.size.width // 3)
        return lines(*bars, line(words, (asking, "$muted"), (shown, "$faint")))

    def _why_empty(self) -> Content:
        if self._problem is not None:
            return wrong(self._problem)
        if not self._done:
            return plain("Asking, before and after …", "$muted")
        if not self._saved and self._asked is None:
            return plain(
                "The draft changes neither access nor trust. There is no question: go back, press F5 and ask one; then "
                "everybody's answers are compared. 2 compares the saved questions."
            )
        if not self._saved:
            return plain(
                "The draft changes nobody's answer to this question. space shows everybody, 1 the whole account."
            )
        if self._rows:
            return plain("The draft changes no answer to a saved question. space shows all of them.")
        return plain("No question is saved for this account: F5, a question, then ctrl+s saves one.")

    def idle_actions(self) -> frozenset[str]:
        """Where nobody is listed there is nowhere to go."""
        return frozenset() if self.lines.display else frozenset(("open_line",))

    def action_saved(self) -> None:
        self._saved = not self._saved
        self._start()

    def action_whole(self) -> None:
        self._saved, self._whole = False, not self._whole or self._saved
        self._start()

    @property
    def _asked(self) -> QuestionMatrix | None:
        """The question about everybody; None where the whole account is compared."""
        return None if self._whole else self._matrix

    @property
    def _shows_whole(self) -> bool:
        return not self._saved and self._asked is None

    def action_filter(self) -> None:
        self._only_changed = not self._only_changed
        self._show()

    @on(LineView.LineOpened)
    def _opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        self._go()

    def _go(self) -> None:
        row = self.lines.row
        if row is not None and row.arn and self.lines.display:
            self._at = row.label
            self.dismiss(row.arn)
