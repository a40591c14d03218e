"""Editors of policy documents: of a draft, of a session policy, and the findings in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

from msgspec import structs
from rich.cells import cell_len
from textual import events, getters, on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Footer, Label, Static, TextArea
from textual.widgets.text_area import Edit as TextEdit
from textual.widgets.text_area import EditResult

from iamtui.credentials.assume_role import LONGEST_POLICIES, policy_characters
from iamtui.credentials.session import AssumeExtras
from iamtui.engine.decision import Outcome
from iamtui.input_files import read_document, text_of
from iamtui.lint.check_document import findings
from iamtui.lint.subject import Finding, Level
from iamtui.policy.document import DocumentError, PolicyDocument, load_json, render
from iamtui.policy.types import PolicyType
from iamtui.presentation.verdict import verdict_words
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.text import counted, safe_text
from iamtui.tui.background import in_thread
from iamtui.tui.content import fit, line, plain
from iamtui.tui.dialogs.text_screens import private_copy, run_editor
from iamtui.tui.widgets.lists.line_list import LineView, Piece
from iamtui.tui.widgets.lists.wrapped_text import wrap
from iamtui.tui.widgets.status import TitleLine
from iamtui.workspace.assume.assume_plan import STARTING_POLICY, compact_policy, readable_policy
from iamtui.workspace.assume.session_preview import PreviewRow, SessionPreview, preview_session
from iamtui.workspace.source.workspace import Workspace

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


# SessionPolicyScreen: a session policy to write, with a meter, findings and what the session could still do.


_STYLES: Final = {
    Outcome.ALLOWED: "allowed",
    Outcome.EXPLICIT_DENY: "denied",
    Outcome.IMPLICIT_DENY: "denied",
    Outcome.DEPENDS: "depends",
}

_LOST: Final = "taken away  "
_DOUBTFUL: Final = "not known   "


class PreviewLines(LineView):
    """A few questions, each with the answer for the session; what the policy takes away says so."""

    HAS_CURSOR: ClassVar[bool] = False

    _rows: Sequence[PreviewRow] = ()

    def show(self, rows: Sequence[PreviewRow]) -> None:
        self._rows = rows
        self.set_total(len(rows))

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        row = self._rows[index]
        words = verdict_words(row.after)
        head = (
            f" {words.mark}{words.star or ' '}{_LOST if row.lost else _DOUBTFUL if row.doubtful else ' ' * len(_LOST)}"
        )
        question = f"{row.question.action}  {row.question.resource if row.question.resource != '*' else ''}"
        shown = fit(safe_text(question), max(0, width - cell_len(head)))
        return [Piece(head, _STYLES[row.after.outcome]), Piece(shown, "" if row.lost or row.doubtful else "muted")]


class SessionPolicyScreen(DraftEditorScreen, inherit_bindings=False):
    """Gives the policy as STS gets it, "" for none, or None when it was left as it was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Use it", priority=True, id="session-policy.save", tooltip="Use it for the session"),
        Binding(
            "f4", "next_finding", "Next finding", id="session-policy.next", tooltip="Go to the next finding's line"
        ),
        Binding("f3", "tidy", "Tidy", id="session-policy.tidy", tooltip="Indent the document canonically"),
        Binding("f2", "external", "$EDITOR", id="session-policy.external", tooltip="Edit it in your own editor"),
        Binding("escape", "leave", "Back", priority=True, id="session-policy.leave", tooltip="Leave it as it was"),
    ]

    DEFAULT_CSS = """
    SessionPolicyScreen {
        & #preview-head {
            height: auto;
            max-height: 2;
            padding: 0 1;
            border-top: solid $rule;
        }
        & PreviewLines {
            height: auto;
            max-height: 8;
        }
        & FindingLines {
            max-height: 4;
        }
    }
    """

    def __init__(
        self, workspace: Workspace, role_arn: str, extras: AssumeExtras, questions: Iterable[Question] = ()
    ) -> None:
        """Make the screen.

        Args:
            workspace: the account.
            role_arn: the role whose session it is for.
            extras: what has been entered besides, with the policy as it is.
            questions: what the preview answers first.
        """
        name = role_arn.rsplit("/", 1)[-1]
        title = line(("Session policy  ", "bold $heading"), "for a session of ", (name or "a role", "bold"))
        text = readable_policy(extras.policy) if extras.policy else STARTING_POLICY
        super().__init__(title, text, PolicyType.SESSION, workspace.account.id, f"session-policy-{name}")
        self._workspace = workspace
        self._role_arn = role_arn
        self._extras = extras
        self._questions = tuple(questions)
        self._characters = policy_characters(extras.policy, extras.policy_arns)

    def more_widgets(self) -> Iterable[Widget]:
        yield Static(plain("Working out what the session could still do …", "$muted"), id="preview-head")
        yield PreviewLines(id="preview")

    def examine(self, text: str, cancelled: Callable[[], bool]) -> tuple[Finding, ...]:
        """Findings, and in a message of its own the preview. In a thread."""
        extras = structs.replace(self._extras, policy=_as_sent(text))
        preview = preview_session(self._workspace, self._role_arn, extras, self._questions, cancelled=cancelled)
        if not cancelled():
            self.call_later(self._show_preview, text, preview)
        # The lines of what is on screen, not of what is sent.
        return super().examine(text, cancelled) if text.strip() else ()

    def _show_preview(self, text: str, preview: SessionPreview) -> None:
        if text != self.editor.text:
            return
        self._characters = preview.characters
        self.query_one("#preview-head", Static).update(_head(preview))
        self.query_one(PreviewLines).show(preview.rows)

    def state_words(self, found: Sequence[Finding], *, changed: bool) -> Content:
        """The meter, and how many findings there are."""
        over = self._characters > LONGEST_POLICIES
        meter = (f"{self._characters:,} of {LONGEST_POLICIES:,} characters", "bold $verdict-denied" if over else "bold")
        words = super().state_words(found, changed=changed)
        arns = " with the managed ones" if self._extras.policy_arns else ""
        return line(meter, (f"{arns} as sent  ", "$muted"), words)

    def action_save(self) -> None:
        text = self.editor.text
        try:
            self.dismiss(compact_policy(text) if text.strip() else "")
        except Problem as problem:
            self.say(line(("! ", "bold $verdict-denied"), str(problem)))


def _as_sent(text: str) -> str:
    try:
        return compact_policy(text) if text.strip() else ""
    except Problem:
        return text


def _head(preview: SessionPreview) -> Content:
    if preview.problems:
        return line(("! ", "bold $verdict-denied"), (preview.problems[0], "$verdict-denied"))
    unread = any(finding.level is Level.ERROR for finding in preview.findings)
    if preview.rows:
        title = ("What the session could still do", "bold $heading")
        if unread:
            return line(title, ("  while it has errors AWS takes none of it", "$verdict-denied"))
        lost = f"{preview.lost} of {len(preview.rows)} taken away" if preview.lost else "nothing of it taken away"
        lost += f", {preview.doubtful} not known" if preview.doubtful else ""
        return line(title, (f"  {lost}", "$muted"))
    return plain(preview.notes[0] if preview.notes else "The role may do nothing that is known here.", "$muted")


# SessionPolicyEditor: a session policy to write for the caller of a question, with findings while typing.


class SessionPolicyEditor(DraftEditorScreen):
    """Gives the text to ask with, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+s", "save", "Ask with it", priority=True, id="draft-editor.save",
            tooltip="Ask as a session made with this policy",
        ),
    ]  # fmt: skip

    def __init__(self, text: str, account: str) -> None:
        """Make the screen.

        Args:
            text: the policy to begin with; "" begins a new one.
            account: the account it belongs to, 12 digits.
        """
        super().__init__(line("Session policy"), text or STARTING_POLICY, PolicyType.SESSION, account, "session")
