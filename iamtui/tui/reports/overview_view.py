"""OverviewView: an account in numbers and bars, each number the way to its list."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final, cast

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content

from iamtui.presentation.overview import OverviewLine, overview_lines
from iamtui.presentation.styled_words import Word, text_of
from iamtui.problem import Problem
from iamtui.tui.background import Work, in_thread, return_memory, yield_to_user
from iamtui.tui.content import fit, is_ascii
from iamtui.tui.explorer.listings import ADMINISTRATOR, CERTAIN, POSSIBLE, RowsView
from iamtui.tui.widgets.lists.line_list import LINE_TONES, LineView, Piece
from iamtui.tui.widgets.lists.wrapped_text import wrap
from iamtui.workspace.ask.saved_questions import QuestionStore, SavedQuestion, account_key
from iamtui.workspace.review.overview import Overview, begun_overview
from iamtui.workspace.source.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.account.model import Account
    from iamtui.tui.main.main_view import MainView
    from iamtui.workspace.review.audit import AuditSuppression

_LABEL: Final = 26
_COUNT: Final = 6
_GAP: Final = 2
_BLANK: Final = OverviewLine("")
_SIGNS: Final = {"administrators": ADMINISTRATOR, "escalations": CERTAIN, "escalations.possible": POSSIBLE}
"""Signs of the tree by row of the overview."""


class OverviewView(LineView):
    """Numbers are found in a thread when the overview is first shown, which ends when it is left before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "List", id="overview.open", tooltip="List what the number counts"),
    ]

    DEFAULT_CSS = """
    OverviewView {
        height: 1fr;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._workspace: Workspace | None = None
        self._begun: Overview | None = None
        self._found: Overview | None = None
        self._shown: list[OverviewLine] = []
        self._ascii = is_ascii()

    @property
    def lines(self) -> Sequence[OverviewLine]:
        return tuple(self._shown)

    def show(self, workspace: Workspace) -> None:
        """Show the numbers of a workspace; those that were found are kept while it is the same.

        Of an account of which more was read, they stand until the first new ones, and the cursor stays where it is.
        """
        self.display = True
        before, account = self._workspace, workspace.account
        is_same = before is not None and before.account.id == account.id and not account.is_being_read
        cursor = self.cursor if is_same else 0
        if workspace is not before:
            self._workspace, self._begun = workspace, (self._found or self._begun) if is_same else None
            self._found = None
        if self._found is None and not workspace.account.is_being_read:
            in_thread(self, partial(self._find, workspace), name="counting the account")
        self._lay_out(cursor)

    def leave(self, account: Account | None) -> None:
        """Hide it; nothing is looked for any more, and nothing kept of another account than the one on screen."""
        if self.display:
            self.display = False
            self.workers.cancel_node(self)
        if self._workspace is not None and self._workspace.account is not account:
            self._workspace = self._begun = self._found = None

    def _find(self, workspace: Workspace, work: Work) -> None:
        from iamtui.workspace.review.overview_counts import account_overview

        work.tell(self._begin, begun_overview(workspace))
        work.let_draw()
        cancelled = yield_to_user(work.cancelled)
        counted = account_overview
        overview = counted(workspace, _saved(workspace), cancelled=cancelled, accepted=_accepted())
        work.tell(self._take, overview)
        return_memory()

    def _begin(self, begun: Overview) -> None:
        """Show what soon is known; what takes asking about everybody follows."""
        self._begun = begun
        self._lay_out(self.cursor)

    def _take(self, found: Overview) -> None:
        self._found = found
        self._lay_out(self.cursor)

    def on_resize(self) -> None:
        self._lay_out(self.cursor)

    # Drawing.

    def _lay_out(self, cursor: int = 0) -> None:
        found, size = self._found or self._begun, self.size.width
        cursor -= self._shown[:cursor].count(_BLANK)
        if found is None:
            in_part = self._workspace is not None and self._workspace.account.is_being_read
            self._shown = [OverviewLine("It is counted once all of it is read." if in_part else "Counting …")]
        else:
            room = size - 1 - self._label_width(size) - _COUNT - 2 * _GAP
            lines = overview_lines(found, room, ascii_only=self._ascii)
            self._shown = _spaced([part for line in lines for part in _wrapped(line, size - 1)], self.size.height)
        said = [index for index, entry in enumerate(self._shown) if entry != _BLANK]
        self.set_total(len(self._shown), cursor=said[min(cursor, len(said) - 1)])

    def _label_width(self, width: int) -> int:
        return min(_LABEL, max(12, width // 2))

    def is_stop(self, index: int) -> bool:
        return not self._shown[index].is_heading

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        entry = self._shown[index]
        if entry.is_heading:
            return [Piece(fit(entry.label, width - 1), "heading")]
        label_width = self._label_width(width) if entry.label else 0
        label = fit(entry.label, label_width - 1)
        pieces = [Piece(label + " " * (label_width - cell_len(label)))]
        room = width - 1 - label_width
        if entry.figure is not None:
            pieces += [Piece(entry.figure.words.rjust(_COUNT), "strong"), Piece(" " * _GAP)]
            room -= _COUNT + _GAP
            sign = _SIGNS.get(entry.figure.id)
            pieces += [] if sign is None else [Piece(sign.text.strip(), sign.style)]
        for word in entry.words:
            text = fit(word.text, room)
            pieces.append(Piece(text, LINE_TONES[word.tone]))
            room -= cell_len(text)
        return pieces

    # Keys.

    def action_line_left(self) -> None:
        self.post_message(RowsView.LeftTowardsTree())

    def action_line_right(self) -> None:
        self.action_open_line()

    def on_line_view_cursor_moved(self, event: LineView.CursorMoved) -> None:
        event.stop()

    def on_line_view_line_opened(self, event: LineView.LineOpened) -> None:
        """List what is counted: as the report that has it in full, or its members."""
        from iamtui.tui.reports.report_screen import open_members, open_report

        event.stop()
        entry, main = self._shown[self.cursor], cast("MainView", self.screen)
        report, kind = entry.report
        if report:
            open_report(main, report, kind)
        elif entry.figure is not None:
            open_members(main, entry.figure, entry.parts)


def _wrapped(entry: OverviewLine, width: int) -> Sequence[OverviewLine]:
    """A line of words alone in as many lines as it takes."""
    if entry.label or not entry.words:
        return [entry]
    parts = wrap(Content(text_of(entry.words)), width)
    return [OverviewLine("", words=(Word(part.plain),)) for part in parts]


def _spaced(entries: list[OverviewLine], height: int) -> list[OverviewLine]:
    """The lines with a blank one above each heading but the first, where there is room for all."""
    if len(entries) + sum(entry.is_heading for entry in entries[1:]) > height:
        return entries
    return [part for at, entry in enumerate(entries) for part in ([_BLANK] * (at and entry.is_heading) + [entry])]


def _saved(workspace: Workspace) -> tuple[SavedQuestion, ...]:
    """The saved questions; none where they cannot be read, which `iamtui questions` says."""
    try:
        return QuestionStore(account_key(workspace)).saved()
    except Problem:
        return ()


def _accepted() -> tuple[AuditSuppression, ...]:
    """The suppressions; none where they cannot be read, which the list of findings says."""
    from iamtui.workspace.review.audit import read_suppressions

    try:
        return read_suppressions()
    except Problem:
        return ()
