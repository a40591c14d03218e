"""DraftListing: the edits of the open draft in words, over what is to know about the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from iamtui.account.model import Account
from iamtui.drafts.edits import Draft, Edit, Standing, describe_edit
from iamtui.text import safe_text
from iamtui.tui.content import fit, line, plain
from iamtui.tui.drafts.changes import FindableDocument, Preview, preview
from iamtui.tui.drafts.open_drafts import OpenDraft
from iamtui.tui.widgets.lists.line_list import LineView, Piece
from iamtui.tui.widgets.status import KeyLine, MessageLine, Severity
from iamtui.workspace.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.workspace.draft_session import DraftedAccount

_EMPTY = (
    "No draft is open. A draft lays edits over the account to see what they would do; nothing is ever written.",
    "",
    "Go to a user, group, role or policy and press E: it lists what can be edited there.",
    "Ask a question that is denied and press A: it drafts what would allow it.",
    "Press o here to open a draft that was saved.",
)

_EMPTIED = (
    "The draft has no edits: the account is as it is.",
    "",
    "r puts back what was taken out last, X closes the draft, o opens another one.",
)


class DraftOwner(Protocol):
    """Keeps the draft."""

    @property
    def open_draft(self) -> OpenDraft | None:
        """The draft that is open."""

    @property
    def drafted(self) -> DraftedAccount | None:
        """The draft laid over the account."""

    @property
    def source_workspace(self) -> Workspace | None:
        """The account without the draft."""

    def undo_edit(self) -> None:
        """Take back what was done last."""

    def remove_edit(self, index: int) -> None:
        """Take one edit out."""

    def put_back_edit(self) -> None:
        """Put back what was taken out, or replaced, last."""

    def edit_again(self, index: int) -> None:
        """Edit the document of an edit once more."""

    def open_draft_from(self, draft: Draft, path: Path) -> None:
        """Open a draft that was read from a file."""

    def draft_saved(self, draft: Draft, path: Path) -> None:
        """Note that the draft is in a file."""

    def discard_draft(self) -> None:
        """Forget the draft."""

    def show_impact(self) -> None:
        """Show the impact."""


class EditLines(LineView):
    """The edits, one a line; those that do not fit, or about which there is something to know, with a mark."""

    HELP_TITLE: ClassVar[str] = "Edits of the draft"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "Edit", id="list.open", tooltip="Edit the document of this edit again"),
        Binding("x,delete", "remove", "Remove", id="draft.remove", tooltip="Take this edit out of the draft"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._edits: Sequence[Edit] = ()
        self._account = Account(id="")
        self._marks: dict[int, str] = {}

    def show(self, edits: Sequence[Edit], account: Account, marks: dict[int, str]) -> None:
        """Show these edits of an account; marks by the number of an edit, from 1: "x", "!" or nothing."""
        self._edits, self._account, self._marks = edits, account, marks
        self.set_total(len(edits), cursor=min(self.cursor, max(0, len(edits) - 1)))

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        number = str(index + 1).rjust(len(str(len(self._edits))))
        mark = self._marks.get(index + 1, " ")
        style = {"x": "denied", "!": "warning"}.get(mark, "")
        words = describe_edit(self._edits[index], self._account, self._edits[:index])
        words = words[:1].upper() + words[1:]
        return [
            Piece(f"{number} ", "faint"),
            Piece(f"{mark} ", style),
            Piece(fit(safe_text(words), width - len(number) - 4)),
        ]

    def action_remove(self) -> None:
        screen = self.screen
        if isinstance(screen, DraftListing) and self._edits:
            screen.owner.remove_edit(self.cursor)


class DraftListing(Screen[None]):
    """Shows the draft; what its keys do is a subclass's."""

    DEFAULT_CSS = """
    DraftListing {
        & #draft-title {
            height: 1;
            width: 100%;
            padding: 0 1;
            background: $panel;
        }
        & #draft-empty {
            padding: 1 2;
            height: 1fr;
        }
        & EditLines {
            height: auto;
            max-height: 40%;
        }
        & #draft-notes {
            border-title-color: $muted;
            height: auto;
            max-height: 6;
            padding: 0 1;
            border-top: solid $rule;
        }
        & MessageLine {
            height: auto;
            min-height: 1;
            max-height: 5;
            padding: 0 1;
        }
    }
    """

    def __init__(self, owner: DraftOwner) -> None:
        super().__init__()
        self.owner = owner

    def compose(self) -> ComposeResult:
        yield Static(id="draft-title", markup=False)
        yield Static(id="draft-empty", markup=False)
        yield EditLines(id="draft-edits")
        yield Static(id="draft-notes", markup=False)
        yield FindableDocument(id="draft-preview")
        yield MessageLine(id="draft-message")
        yield KeyLine(id="draft-keys")

    def on_mount(self) -> None:
        self.show()
        self.edits.focus()

    @property
    def edits(self) -> EditLines:
        return self.query_one(EditLines)

    def say(self, words: Content | str, severity: Severity = Severity.INFORMATION) -> None:
        self.query_one(MessageLine).say(words, severity)

    # Showing.

    def show(self) -> None:
        found, workspace = self.owner.open_draft, self.owner.source_workspace
        empty = found is None or not found.draft.edits or workspace is None
        why = self.query_one("#draft-empty", Static)
        why.display = empty
        why.update(Content("\n").join(plain(row) for row in (_EMPTY if found is None else _EMPTIED)))
        self.edits.display = not empty
        for below in ("#draft-notes", "#draft-preview"):
            self.query_one(below).display = not empty
        title = self.query_one("#draft-title", Static)
        if found is None or workspace is None:
            title.update(line(("Draft", "bold $heading"), ("  none is open", "$muted")))
        else:
            where = f"  {found.path}" if found.path is not None else ""
            title.update(line((found.words, "bold $heading"), (where, "$muted")))
            self.edits.show(found.draft.edits, workspace.account, self._marks())
            self._show_notes()
        self.query_one(KeyLine).look_again()

    def _marks(self) -> dict[int, str]:
        drafted = self.owner.drafted
        if drafted is None:
            return {}
        marks = {finding.edit: "!" for finding in drafted.findings}
        return marks | {problem.number: "x" for problem in drafted.problems}

    def _show_notes(self) -> None:
        drafted, number = self.owner.drafted, self.edits.cursor + 1
        rows: list[Content] = []
        for problem in drafted.problems if drafted is not None else ():
            if problem.number in (0, number):
                reason = line(("x ", "bold $verdict-denied"), f"It does not fit: {problem.reason}. ")
                rows.append(line(reason, (problem.next_step, "$muted")))
        rows += [
            line(("! ", "bold $verdict-depends"), plain(finding.sentence))
            for finding in (drafted.findings if drafted is not None else ())
            if finding.edit in (0, number)
        ]
        edits = drafted.draft.edits if drafted is not None else ()
        if drafted is not None and number <= len(edits):
            self._show_preview(
                preview(Standing(drafted.base.account, edits[: number - 1]), drafted.after.account, edits[number - 1])
            )
        if not rows:
            rows = [
                plain("Nothing to remark about this edit." if drafted is not None else "Laying the draft …", "$muted")
            ]
        if drafted is not None and drafted.problems:
            rows.append(plain("The account is shown without the draft until every edit fits.", "$muted"))
        self.query_one("#draft-notes", Static).update(Content("\n").join(rows))

    def _show_preview(self, shown: Preview) -> None:
        view = self.query_one(FindableDocument).view
        if shown.json:
            view.show_json(shown.text, shown.changed, shown.gone)
            view.show_first_change()
        else:
            view.show_words(*shown.text.split("\n"))
        self.query_one("#draft-notes").border_title = line(shown.title)

    @on(LineView.CursorMoved, "#draft-edits")
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        if self.owner.open_draft is not None:
            self._show_notes()

    @on(LineView.CursorMoved)
    def _scrolled(self, event: LineView.CursorMoved) -> None:
        event.stop()

    @on(LineView.LineOpened, "#draft-edits")
    def _opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        self.owner.edit_again(event.index)
