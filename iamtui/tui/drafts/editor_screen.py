"""DraftEditorScreen: a policy document to edit, with findings while typing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

from textual import events, getters, on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Footer, Label, TextArea
from textual.widgets.text_area import Edit as TextEdit
from textual.widgets.text_area import EditResult

from iamtui.input_files import read_document, text_of
from iamtui.lint.check_document import findings
from iamtui.lint.subject import Finding, Level
from iamtui.policy.document import DocumentError, PolicyDocument, load_json, render
from iamtui.policy.types import PolicyType
from iamtui.problem import Problem
from iamtui.text import counted, safe_text
from iamtui.tui.background import in_thread
from iamtui.tui.content import line, plain
from iamtui.tui.dialogs.text_screens import private_copy, run_editor
from iamtui.tui.widgets.lists.line_list import LineView, Piece
from iamtui.tui.widgets.lists.wrapped_text import wrap
from iamtui.tui.widgets.status import TitleLine

# FindingLines: what AWS would refuse or warn about in a document, each finding wrapped to the width there is.


_MARKS: Final = {Level.ERROR: ("x", "denied"), Level.WARNING: ("!", "warning"), Level.SUGGESTION: ("-", "muted")}
_HEAD: Final = 23
"""The cells that level and line take in front of a message."""

_LEAST: Final = 20
"""The least cells for a message."""


class _Row(NamedTuple):
    """A line of the view: its finding, and the part of that's message; the first line of a finding has its level."""

    finding: int
    first: bool
    text: str


class FindingLines(LineView):
    """A finding takes as many lines as its message needs; Enter goes to the line of the document."""

    HELP_TITLE: ClassVar[str] = "Findings"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._findings: Sequence[Finding] = ()
        self._rows: list[_Row] = []
        self._wrapped_at = 0

    @property
    def findings(self) -> Sequence[Finding]:
        return self._findings

    def show(self, found: Sequence[Finding]) -> None:
        self._findings = found
        self._wrap()

    def finding_at(self, index: int) -> Finding:
        return self._findings[self._rows[index].finding]

    def _wrap(self) -> None:
        # The bar of the cursor, and the scrollbar that many lines bring.
        self._wrapped_at = self.outer_size.width
        width = max(_LEAST, self._wrapped_at - _HEAD - 1 - self.styles.scrollbar_size_vertical)
        here = self._rows[self.cursor].finding if self._rows else 0
        self._rows = [
            _Row(number, at == 0, piece.plain)
            for number, finding in enumerate(self._findings)
            for at, piece in enumerate(wrap(plain(_words(finding), limit=None), width))
        ]
        self.set_total(
            len(self._rows), cursor=next((at for at, row in enumerate(self._rows) if row.finding == here), 0)
        )

    def on_resize(self) -> None:
        if self.outer_size.width != self._wrapped_at:
            self._wrap()

    def is_stop(self, index: int) -> bool:
        return self._rows[index].first

    def is_under_cursor(self, index: int) -> bool:
        return self._rows[index].finding == self._rows[self.cursor].finding

    def refresh_row(self, index: int) -> None:
        """Draw all lines of a finding again."""
        of = self._rows[index].finding if index < len(self._rows) else -1
        for at, row in enumerate(self._rows):
            if row.finding == of:
                super().refresh_row(at)

    def pieces(self, index: int, width: int) -> Sequence[Piece]:  # noqa: ARG002 - wrapped already
        row = self._rows[index]
        if not row.first:
            return [Piece(" " * _HEAD), Piece(row.text)]
        finding = self._findings[row.finding]
        mark, style = _MARKS[finding.level]
        at = f"line {finding.source_line}" if finding.source_line else ""
        return [Piece(f"{mark} {finding.level.value.ljust(10)} {at.ljust(9)}".ljust(_HEAD), style), Piece(row.text)]


def _words(finding: Finding) -> str:
    return finding.message if finding.count == 1 else f"{finding.message} ({finding.count} entries)"


# JsonEditor: a field of several lines for a policy document, which holds nothing a terminal obeys or hides.


_INDENT: Final = re.compile(r"[ ]*")

LONGEST: Final = 200_000
"""Characters that may be edited on screen; AWS's longest policies have a tenth."""


def visible_json(text: str) -> str:
    r"""JSON text with control, bidi and invisible characters as \uXXXX, which in a string means the same."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "  ")
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character == "\n" or safe_text(character) == character:
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


class JsonEditor(TextArea):
    """A TextArea draws its text raw, so whatever is typed or pasted is made visible on its way in."""

    def __init__(self, text: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(
            visible_json(text[:LONGEST]), id=id, soft_wrap=False, show_line_numbers=True, tab_behavior="focus"
        )

    def edit(self, edit: TextEdit) -> EditResult:
        """Make an edit with its text made visible; what would make the document too long is left out."""
        kept = len(self.document.text) - len(self.document.get_text_range(edit.top, edit.bottom))
        edit.text = visible_json(edit.text)[: max(0, LONGEST - kept)]
        return super().edit(edit)

    def load_text(self, text: str) -> None:
        super().load_text(visible_json(text[:LONGEST]))

    def on_key(self, event: events.Key) -> None:
        if event.key == "enter" and not self.read_only:
            event.stop()
            event.prevent_default()
            row, column = self.cursor_location
            line = str(self.document.get_line(row))
            indent = _INDENT.match(line[:column])
            opens = line[:column].rstrip().endswith(("{", "["))
            spaces = (len(indent.group()) if indent is not None else 0) + (2 if opens else 0)
            self.replace("\n" + " " * spaces, *self.selection, maintain_selection_offset=False)


# A document that goes to the user's own editor and comes back changed.


_SUBJECT: Final = "The editor's file"


def edit_in_editor(app: App[Any], text: str, name: str) -> tuple[str | None, Content]:
    """Let the user's editor work on a private copy, and read what it wrote.

    Args:
        text: the document.
        name: what the file is called, raw.

    Returns:
        The text that came back, or None when nothing did; and the sentence for the message line.
    """
    try:
        with private_copy(text, name) as path:
            failure = run_editor(
                app, path, unset="export EDITOR=vim, for example. Edit here instead.", failed=": nothing was taken over"
            )
            return (None, failure[0]) if failure is not None else (_read(path), plain("Taken over from the editor."))
    except Problem as problem:
        return None, plain(f"{problem.sentence} Nothing was taken over.")


def _read(path: Path) -> str:
    text = text_of(read_document(path, _SUBJECT, most=4 * LONGEST, pipes=False), _SUBJECT).rstrip("\n")
    if len(visible_json(text)) > LONGEST:
        raise Problem(f"{_SUBJECT} has more than the {LONGEST:,} characters that can be edited.")
    return text


PAUSE_SECONDS: Final = 0.12
"""How long typing must rest before the document is examined."""


class DraftEditorScreen(Screen[str | None]):
    """Gives the text that was saved, or None. A document with errors can be kept too: the draft says so."""

    HELP_ABOUT: ClassVar[str] = (
        "You edit a policy document of the draft. What AWS would refuse or warn about is listed below the "
        "text; saving adds the edit to the draft, and writes nothing to AWS."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Into the draft", priority=True, id="draft-editor.save", tooltip="Take it over"),
        Binding("f4", "next_finding", "Next finding", id="draft-editor.next", tooltip="Go to the next finding's line"),
        Binding("f3", "tidy", "Tidy", id="draft-editor.tidy", tooltip="Indent the document canonically"),
        Binding("f2", "external", "$EDITOR", id="draft-editor.external", tooltip="Edit it in your own editor"),
        Binding("escape", "leave", "Back", priority=True, id="draft-editor.leave", tooltip="Leave without taking over"),
    ]

    DEFAULT_CSS = """
    DraftEditorScreen {
        & JsonEditor {
            height: 1fr;
            padding: 0;
            background: $background;
            &, &:focus {
                border: none;
            }
        }
        & FindingLines {
            height: auto;
            max-height: 6;
        }
        & #editor-state {
            height: auto;
            max-height: 2;
            width: 100%;
            padding: 0 1;
            color: $muted;
            background: $surface;
        }
    }
    """

    editor = getters.query_one(JsonEditor)
    found = getters.query_one(FindingLines)

    def __init__(self, title: Content, text: str, kind: PolicyType, account: str, name: str) -> None:
        """Make the screen.

        Args:
            title: what is edited.
            text: the document as it is.
            kind: what it is used as, which decides about the findings.
            account: the account it belongs to, 12 digits.
            name: a name for the file in the user's editor, raw.
        """
        super().__init__()
        self._title = title
        self._before = text
        self._kind = kind
        self._account = account
        self._file_name = name
        self._pause: Timer | None = None
        self._warned = False
        self._answered = False
        self._first = ""
        self._begins_at = 0
        self._doubtful = ""

    def compose(self) -> ComposeResult:
        yield TitleLine(self._title)
        yield JsonEditor(self._before, id="editor")
        yield from self.more_widgets()
        yield Label(id="editor-state")
        yield FindingLines(id="editor-findings")
        yield Footer(show_command_palette=False)

    def more_widgets(self) -> Iterable[Widget]:
        """Widgets that a subclass shows below the document."""
        return ()

    def on_mount(self) -> None:
        """Focus the editor at once, with the findings of its first text."""
        self.editor.focus()
        self._before = self.editor.text
        if self._first:
            self.editor.load_text(self._first)
        if self._begins_at:
            self.editor.move_cursor((self._begins_at, 0))
            self.call_after_refresh(self.editor.scroll_to, y=self._begins_at, animate=False)
        self._examine()

    def start_with(self, text: str, line_number: int = 0) -> None:
        """Begin with a text that counts as typed: saving it as it is counts as a change; "": with the document.

        Args:
            line_number: where the cursor is, from 0.
        """
        self._first, self._begins_at = text, line_number

    # Findings.

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._warned = self._answered = False
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE_SECONDS, self._examine)

    def _examine(self) -> None:
        self._pause = None
        text = self.editor.text
        in_thread(
            self, lambda work: work.tell(self._show, text, self.examine(text, work.cancelled)),
            lambda problem: self.say(plain(problem)), name="checking the document", group="draft findings",
        )  # fmt: skip

    def examine(self, text: str, cancelled: Callable[[], bool]) -> tuple[Finding, ...]:  # noqa: ARG002 - for subclasses
        """Findings of a document. In a thread; a subclass may find out more and post it."""
        return findings(PolicyDocument(text), self._kind, account=self._account)

    def _show(self, text: str, found: tuple[Finding, ...]) -> None:
        if text != self.editor.text:
            return
        self.found.show(found)
        if not self._answered:
            self._put(self.state_words(found, changed=text != self._before))

    def state_words(self, found: Sequence[Finding], *, changed: bool) -> Content:
        counts = [(level, sum(1 for f in found if f.level is level)) for level in Level]
        words = ", ".join(counted(count, level.value) for level, count in counts if count)
        return plain(f"{words or 'AWS would take it: no findings'}  ({'changed' if changed else 'unchanged'})")

    def say(self, words: Content) -> None:
        """Show the result of a key until the text changes, even when findings arrive."""
        self._answered = True
        self._put(words)

    def _put(self, words: Content) -> None:
        self.query_one("#editor-state", Label).update(words)

    @on(LineView.LineOpened)
    def _finding_opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        self._go_to(self.found.finding_at(event.index))
        self.editor.focus()

    @on(LineView.CursorMoved)
    def _unused(self, event: LineView.CursorMoved) -> None:
        event.stop()

    def _go_to(self, finding: Finding) -> None:
        at = finding.source_line or 1
        row = max(0, min(at, self.editor.document.line_count) - 1)
        self.editor.move_cursor((row, 0), center=True)
        self.say(plain(finding.message))

    def action_next_finding(self) -> None:
        """Go to the line of the next finding below the cursor, around the end."""
        placed = sorted(self.found.findings, key=lambda finding: finding.source_line or 1)
        here = self.editor.cursor_location[0] + 1
        following = next((finding for finding in placed if (finding.source_line or 1) > here), None)
        if placed:
            self._go_to(following or placed[0])
        else:
            self.say(plain("No findings."))

    # Keys.

    def action_tidy(self) -> None:
        try:
            text = render(load_json(self.editor.text))
        except DocumentError as error:
            self.say(plain(error.sentence))
            return
        if text != self.editor.text:
            self.editor.replace(text, (0, 0), self.editor.document.end)

    def action_external(self) -> None:
        text, said = edit_in_editor(self.app, self.editor.text, self._file_name)
        if text is not None and text != self.editor.text:
            self.editor.replace(text, (0, 0), self.editor.document.end)
        self.say(said)

    def action_save(self) -> None:
        """Return the text; one with errors only at the second try."""
        text = self.editor.text
        document = PolicyDocument(text)
        errors = [one for one in findings(document, self._kind, account=self._account) if one.level is Level.ERROR]
        if errors and self._doubtful != text:
            self._doubtful = text
            what = "This cannot be read, and AWS would refuse it"
            if document.error is None:
                count = counted(len(errors), "error")
                what = f"AWS would refuse this, or it cannot work: {count}"
            self.say(line(("! ", "bold $verdict-depends"), plain(f"{what}. F4 goes there, ctrl+s again keeps it so.")))
            return
        self.dismiss(text)

    def action_leave(self) -> None:
        """Go back; with changes only at the second try."""
        if self.editor.text == self._before or self._warned:
            self.dismiss(None)
            return
        self._warned = True
        self.say(
            line(
                ("! ", "bold $verdict-depends"),
                plain("Your changes would be lost: ctrl+s keeps them, Escape again drops them."),
            )
        )
