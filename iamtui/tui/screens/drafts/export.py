"""DraftExportScreen: a draft as AWS CLI commands, Terraform or a diff: shown, copied, or written to a new file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Protocol, runtime_checkable

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from iamtui.problem import Problem
from iamtui.tui.dialogs.prompts import LineDialog, needed
from iamtui.tui.safe import line, plain, safe_text
from iamtui.tui.widgets.detail.document_view import DocumentView
from iamtui.tui.widgets.draft.findable_document import FindableDocument
from iamtui.tui.widgets.key_line import KeyLine
from iamtui.tui.widgets.message_line import MessageLine
from iamtui.tui.widgets.notice import Severity
from iamtui.workspace.workspace import SourceKind

if TYPE_CHECKING:
    from iamtui.workspace.drafts.drafting import Drafted

_TITLES: Final = {"cli": "AWS CLI commands", "terraform": "Terraform", "diff": "Diff of the documents"}
_SUFFIXES: Final = {"cli": ".sh", "terraform": ".tf", "diff": ".diff"}


@runtime_checkable
class CopiesDocuments(Protocol):
    """An app that can copy a text of several lines."""

    def copy_document(self, text: str, what: str) -> str:
        """Copy it; returns the sentence for the message line. Blocking; raises Problem when nothing was copied."""


class DraftExportScreen(Screen[None]):
    """Shows the export; nothing of it is run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "Back", id="draft-export.back", tooltip="Back to the draft"),
        Binding("s", "save", "Save as", id="draft-export.save", tooltip="Write it to a new file"),
        Binding("c,y", "copy", "Copy", id="draft-export.copy", tooltip="Copy it to the clipboard"),
    ]

    DEFAULT_CSS = """
    DraftExportScreen {
        & #export-title {
            height: 1;
            width: 100%;
            padding: 0 1;
            background: $panel;
        }
        & MessageLine {
            height: auto;
            min-height: 1;
            max-height: 5;
            padding: 0 1;
        }
    }
    """

    def __init__(self, drafted: Drafted, form: str) -> None:
        super().__init__()
        self._drafted = drafted
        self._form = form
        self._text = ""

    def compose(self) -> ComposeResult:
        """Title, text, messages, keys."""
        name = self._drafted.draft.name or "the draft"
        yield Static(
            line(
                (_TITLES[self._form], "bold $heading"), ("  of ", "$muted"), name, ("  run by nobody but you", "$muted")
            ),
            id="export-title",
        )
        yield FindableDocument(id="export-text")
        yield MessageLine(id="export-message")
        yield KeyLine(id="export-keys")

    def on_mount(self) -> None:
        """Write the export in a thread."""
        self.view.focus()
        self._export_in_thread()

    @property
    def view(self) -> DocumentView:
        """The text."""
        return self.query_one(FindableDocument).view

    @property
    def text(self) -> str:
        """The export, raw."""
        return self._text

    def say(self, words: Content | str, severity: Severity = Severity.INFORMATION) -> None:
        """Show a sentence."""
        self.query_one(MessageLine).say(words, severity)

    @work(thread=True, exclusive=True, exit_on_error=False, group="draft export", name="exporting the draft")
    def _export_in_thread(self) -> None:
        from iamtui.account.drafts.exports import export  # noqa: PLC0415 - on demand

        drafted = self._drafted
        demo = drafted.base.source.kind is SourceKind.DEMO
        note = "This is the DEMO account: there is nothing to run these against." if demo else ""
        try:
            text = export(drafted.draft, drafted.base.account, drafted.after.account, self._form, note=note)
        except Problem as problem:
            self.app.call_from_thread(self._show_problem, problem)
            return
        self.app.call_from_thread(self._show, text)

    def _show(self, text: str) -> None:
        self._text = text
        rows = text.rstrip("\n").split("\n") if text else ["The draft changes nothing in this account."]
        self.view.show_words(*rows)

    def _show_problem(self, problem: Problem) -> None:
        self.view.show_words(problem.sentence, problem.next_step)
        self.say(str(problem), Severity.ERROR)

    def action_back(self) -> None:
        """Back to the draft."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """Copy the export."""
        if self._text:
            self._copy_in_thread(self._text)
        else:
            self.say(plain("There is nothing to copy."))

    @work(thread=True, exclusive=True, exit_on_error=False, group="copy", name="copying the export")
    def _copy_in_thread(self, text: str) -> None:
        app = self.app
        if not isinstance(app, CopiesDocuments):
            app.call_from_thread(self.say, plain("No clipboard can be reached: s writes a file."), Severity.ERROR)
            return
        try:
            said, severity = app.copy_document(text, _TITLES[self._form]), Severity.INFORMATION
        except Problem as problem:
            said, severity = str(problem), Severity.ERROR
        app.call_from_thread(self.say, plain(said), severity)

    def action_save(self) -> None:
        """Ask where, then write."""
        if not self._text:
            self.say(plain("There is nothing to write."))
            return
        name = "".join(c if c.isalnum() or c in "._-" else "-" for c in self._drafted.draft.name) or "draft"
        hint = plain("The path of a new file; what is there already stays as it is.", "$muted")
        self.app.push_screen(
            LineDialog(
                line("Write ", _TITLES[self._form], " to"), f"{name}{_SUFFIXES[self._form]}", hint, check=needed
            ),
            self._path_given,
        )

    def _path_given(self, path: str | None) -> None:
        if path:
            self._write_in_thread(path, self._text)

    @work(thread=True, exclusive=True, exit_on_error=False, group="draft export", name="writing the export")
    def _write_in_thread(self, path: str, text: str) -> None:
        try:
            written = write_new(Path(path).expanduser(), text)
        except Problem as problem:
            self.app.call_from_thread(self.say, str(problem), Severity.ERROR)
            return
        self.app.call_from_thread(self.say, line("Written to ", (written, "bold"), "."))


def write_new(path: Path, text: str) -> Path:
    """Write a text to a file that is not there yet, readable by its owner alone.

    Returns:
        The whole path.

    Raises:
        Problem: something is there already, or it cannot be written; nothing is left half-written.
    """
    shown = safe_text(path)
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        raise Problem(
            f"{shown} is not written: the text holds half a character.", "Correct what the draft says."
        ) from None
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Problem(f"{shown} is there already, and is left as it is.", "Choose another name.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the path is not valid"
        raise Problem(f"{shown} cannot be written: {reason}.", "Choose another place.") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        path.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise Problem(f"{shown} cannot be written: {error.strerror}.", "Choose another place.") from None
    return path.absolute()
