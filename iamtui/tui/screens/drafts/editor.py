"""DraftEditorScreen: a policy document to edit, with findings while typing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Footer, Label, TextArea
from textual.worker import get_current_worker

from iamtui.evaluation.findings import Finding, Level, findings
from iamtui.policy.document import DocumentError, PolicyDocument, load_json, render
from iamtui.policy.kinds import PolicyType
from iamtui.tui.safe import line, plain
from iamtui.tui.screens.drafts.editing import edit_in_editor
from iamtui.tui.widgets.draft.finding_lines import FindingLines
from iamtui.tui.widgets.draft.json_editor import JsonEditor
from iamtui.tui.widgets.line_view import LineView

PAUSE_SECONDS: Final = 0.12
"""How long typing must rest before the document is examined."""


class DraftEditorScreen(Screen[str | None]):
    """Gives the text that was saved, or None. A document with errors can be kept too: the draft says so."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Into the draft", priority=True, id="draft-editor.save", tooltip="Take it over"),
        Binding("f4", "next_finding", "Next finding", id="draft-editor.next", tooltip="Go to the next finding's line"),
        Binding("f3", "tidy", "Tidy", id="draft-editor.tidy", tooltip="Indent the document canonically"),
        Binding("f2", "external", "$EDITOR", id="draft-editor.external", tooltip="Edit it in your own editor"),
        Binding("escape", "leave", "Back", priority=True, id="draft-editor.leave", tooltip="Leave without taking over"),
    ]

    DEFAULT_CSS = """
    DraftEditorScreen {
        & #editor-title {
            height: 1;
            width: 100%;
            padding: 0 1;
            background: $panel;
        }
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

    @dataclass(eq=False, repr=False)
    class _Examined(Message):
        text: str
        found: tuple[Finding, ...]

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
        self._first = ""
        self._doubtful = ""

    def compose(self) -> ComposeResult:
        """Title, document, findings, state, keys."""
        yield Label(self._title, id="editor-title")
        yield JsonEditor(self._before, id="editor")
        yield from self.more_widgets()
        yield Label(id="editor-state")
        yield FindingLines(id="editor-findings")
        yield Footer(show_command_palette=False)

    def more_widgets(self) -> Iterable[Widget]:
        """What else a subclass shows below the document."""
        return ()

    def on_mount(self) -> None:
        """Type at once; what is wrong already is said."""
        self.editor.focus()
        self._before = self.editor.text
        if self._first:
            self.editor.load_text(self._first)
        self._examine()

    def start_with(self, text: str) -> None:
        """Begin with a text that counts as typed: saving it as it is counts as a change."""
        self._first = text

    @property
    def editor(self) -> JsonEditor:
        """The field."""
        return self.query_one(JsonEditor)

    @property
    def found(self) -> FindingLines:
        """The findings."""
        return self.query_one(FindingLines)

    # Findings.

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._warned = False
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE_SECONDS, self._examine)

    def _examine(self) -> None:
        self._pause = None
        text = self.editor.text
        self.run_worker(
            lambda: self._find(text), thread=True, exclusive=True, exit_on_error=False, group="draft findings"
        )

    def _find(self, text: str) -> None:
        """In a thread."""
        worker = get_current_worker()
        found = self.examine(text, lambda: worker.is_cancelled)
        if not worker.is_cancelled:
            self.post_message(self._Examined(text, found))

    def examine(self, text: str, cancelled: Callable[[], bool]) -> tuple[Finding, ...]:  # noqa: ARG002 - for subclasses
        """What is to be said of a document. In a thread; a subclass may find out more and post it."""
        return findings(PolicyDocument(text), self._kind, account=self._account)

    @on(_Examined)
    def _show(self, event: _Examined) -> None:
        event.stop()
        if event.text != self.editor.text:
            return
        self.found.show(event.found)
        if event.text != self._doubtful:
            # Else it stands there that saving it takes a second key.
            self.say(self.state_words(event.found, changed=event.text != self._before))

    def state_words(self, found: Sequence[Finding], *, changed: bool) -> Content:
        """How the document stands."""
        counts = [(level, sum(1 for f in found if f.level is level)) for level in Level]
        words = ", ".join(f"{count} {level.value}{'' if count == 1 else 's'}" for level, count in counts if count)
        return plain(f"{words or 'AWS would take it: no findings'}  ({'changed' if changed else 'unchanged'})")

    def say(self, words: Content) -> None:
        """Say something on the line below the document."""
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
        """Write the document in the canonical form."""
        try:
            text = render(load_json(self.editor.text))
        except DocumentError as error:
            self.say(plain(error.sentence))
            return
        if text != self.editor.text:
            self.editor.replace(text, (0, 0), self.editor.document.end)

    def action_external(self) -> None:
        """Go on in the user's own editor."""
        text, said, _severity = edit_in_editor(self.app, self.editor.text, self._file_name)
        if text is not None and text != self.editor.text:
            self.editor.replace(text, (0, 0), self.editor.document.end)
        self.say(said)

    def action_save(self) -> None:
        """Give the text; one with errors, only when asked twice."""
        text = self.editor.text
        document = PolicyDocument(text)
        errors = [one for one in findings(document, self._kind, account=self._account) if one.level is Level.ERROR]
        if errors and self._doubtful != text:
            self._doubtful = text
            what = "This cannot be read, and AWS would refuse it"
            if document.error is None:
                count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
                what = f"AWS would refuse this, or it cannot work: {count}"
            self.say(line(("! ", "bold $verdict-depends"), plain(f"{what}. F4 goes there, ctrl+s again keeps it so.")))
            return
        self.dismiss(text)

    def action_leave(self) -> None:
        """Go back; with changes, only when asked twice."""
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
