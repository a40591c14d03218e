"""DraftScreen: what to do with the open draft: edit, undo, save, open, export, discard."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Protocol, runtime_checkable

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from iamtui.drafts.edits import Draft
from iamtui.drafts.exports import export
from iamtui.problem import Problem
from iamtui.tui import lazy
from iamtui.tui.content import line, plain, safe_text
from iamtui.tui.dialogs import ChoiceDialog, LineDialog, needed
from iamtui.tui.drafts.changes import FindableDocument
from iamtui.tui.drafts.draft_list import DraftListing, DraftOwner
from iamtui.tui.drafts.open_drafts import OpenDraft
from iamtui.tui.drafts.option_lines import Choice
from iamtui.tui.explorer.document_view import DocumentView
from iamtui.tui.widgets.status import KeyLine, MessageLine, Severity
from iamtui.workspace.workspace import SourceKind

if TYPE_CHECKING:
    from iamtui.workspace.draft_session import DraftedAccount


class DraftScreen(DraftListing):
    """The keys of the list of edits."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q,d", "back", "Back", id="draft.back", tooltip="Back to the account, with the draft laid over it"
        ),
        Binding("u", "undo", "Undo", id="draft.undo-last", tooltip="Take back what was done last"),
        Binding("i,I", "impact", "Impact", id="draft.show-impact", tooltip="Show for whom the answers change"),
        Binding("e", "export", "Export", id="draft.export", tooltip="AWS CLI commands, Terraform or a diff of it"),
        Binding("s", "save", "Save", id="draft.save", tooltip="Save the draft in a file"),
        Binding(
            "r", "put_back", "Put back", id="draft.put-back", tooltip="Put back what was taken out or changed last"
        ),
        Binding("o", "open", "Open", id="draft.open-file", tooltip="Open a draft from a file"),
        Binding("X", "discard", "Discard", id="draft.discard", tooltip="Close the draft without its edits"),
    ]

    def __init__(self, owner: DraftOwner) -> None:
        super().__init__(owner)
        self._discarding = False

    def idle_actions(self) -> frozenset[str]:
        """The actions whose keys would only say that there is nothing to do."""
        found = self.owner.open_draft
        idle: set[str] = set()
        if found is None:
            idle |= {"save", "discard"}
        if found is None or not found.draft.edits:
            idle |= {"impact", "export", "open_line", "remove"}
        if found is None or not (found.draft.edits or found.changed_last):
            idle.add("undo")
        if found is None or not found.formers:
            idle.add("put_back")
        return frozenset(idle)

    # Keys.

    def action_back(self) -> None:
        self.dismiss(None)

    def action_undo(self) -> None:
        self.owner.undo_edit()

    def action_put_back(self) -> None:
        self.owner.put_back_edit()

    def action_impact(self) -> None:
        self.owner.show_impact()

    def action_discard(self) -> None:
        """Close the draft; what is not saved is asked about once."""
        found = self.owner.open_draft
        if found is None:
            self.say(plain("No draft is open."))
        elif found.unsaved and not self._discarding:
            self._discarding = True
            self.say(
                line(
                    plain("Its edits are not saved: "),
                    ("X", "bold"),
                    " again drops them, ",
                    ("s", "bold"),
                    " saves them.",
                ),
                Severity.WARNING,
            )
        else:
            self._discarding = False
            self.owner.discard_draft()
            self.dismiss(None)

    def action_save(self) -> None:
        found = self.owner.open_draft
        if found is None:
            self.say(plain("There is nothing to save: no draft is open."))
            return
        hint = plain("A name keeps it in the drafts folder, a path (with a slash) there.", "$muted")
        value = str(found.path) if found.path is not None else found.draft.name
        self.app.push_screen(
            LineDialog(line("Save the draft as"), value, hint, check=needed),
            lambda text: self._save(text, overwrite=False),
        )

    def _save(self, text: str | None, *, overwrite: bool) -> None:
        found = self.owner.open_draft
        if text and found is not None:
            self._save_in_thread(found, text, overwrite)

    @work(thread=True, exclusive=True, exit_on_error=False, group="draft file", name="saving the draft")
    def _save_in_thread(self, found: OpenDraft, text: str, overwrite: bool) -> None:
        if "/" in text or text.endswith(".json"):
            path = Path(text).expanduser()
            name = found.draft.name or path.name.removesuffix(".json").removesuffix(".draft")
        else:
            name = text
            path = lazy.draft_session.suggested_path(Draft(found.draft.account_id, name))
        draft = Draft(found.draft.account_id, name, found.draft.edits)
        seen = found.saved if found.path == path else None
        try:
            written = lazy.draft_session.save_draft_file(draft, path, seen=seen, overwrite=overwrite)
        except Problem as problem:
            self.app.call_from_thread(self.say, str(problem), Severity.ERROR)
            return
        self.app.call_from_thread(self._saved, draft, written)

    def _saved(self, draft: Draft, path: Path) -> None:
        self.say(line("Saved as ", (path, "bold"), "."))
        self.owner.draft_saved(draft, path)

    def action_open(self) -> None:
        workspace, found = self.owner.source_workspace, self.owner.open_draft
        if workspace is None:
            self.say(plain("Open an account first."))
        elif found is not None and found.unsaved:
            self.say(
                plain("Save the draft first (s), or discard it (X): another one takes its place."), Severity.WARNING
            )
        else:
            more = partial(_saved_choices, workspace.account.id)
            self.app.push_screen(ChoiceDialog(line("Open a draft"), [], more=more), self._file_chosen)

    def _file_chosen(self, chosen: str | None) -> None:
        if chosen == "?":
            self._ask_path()
        elif chosen:
            self._open_in_thread(Path(chosen))

    def _ask_path(self) -> None:
        hint = plain("The path of a draft file. Enter opens it.", "$muted")
        self.app.push_screen(
            LineDialog(line("Open a draft"), "", hint, check=needed),
            self._path_given,
        )

    def _path_given(self, text: str | None) -> None:
        if text:
            self._open_in_thread(Path(text).expanduser())

    @work(thread=True, exclusive=True, exit_on_error=False, group="draft file", name="opening the draft")
    def _open_in_thread(self, path: Path) -> None:
        workspace = self.owner.source_workspace
        if workspace is None:
            return
        try:
            draft = lazy.draft_session.open_draft_file(path, workspace.account.id)
        except Problem as problem:
            self.app.call_from_thread(self.say, str(problem), Severity.ERROR)
            return
        self.app.call_from_thread(self._file_opened, draft, path)

    def _file_opened(self, draft: Draft, path: Path) -> None:
        self.say(line("Opened ", (path, "bold"), "."))
        self.owner.open_draft_from(draft, path)

    def action_export(self) -> None:
        drafted = self.owner.drafted
        if drafted is None or not drafted.draft.edits:
            self.say(plain("There is nothing to export."))
            return
        if drafted.problems:
            self.say(str(drafted.problems[0]), Severity.ERROR)
            return
        choices = [
            Choice("cli", "AWS CLI commands", "a POSIX shell script"),
            Choice("terraform", "Terraform", "resources and import blocks"),
            Choice("diff", "Diff", "of the policy documents, for patch -p1"),
        ]
        self.app.push_screen(ChoiceDialog(line("Export the draft as"), choices), self._form_chosen)

    def _form_chosen(self, form: str | None) -> None:

        drafted = self.owner.drafted
        if form and drafted is not None:
            self.app.push_screen(DraftExportScreen(drafted, form))


def _saved_choices(account_id: str) -> list[Choice]:
    """The drafts that are saved, and any other file. In a thread."""
    choices = [
        Choice(str(path), draft.name or path.name, f"{len(draft.edits)} edits  {path.name}")
        for path, draft in lazy.draft_session.saved_drafts(account_id)
    ]
    return [*choices, Choice("?", "Another file …", "by its path")]


# DraftExportScreen: a draft as AWS CLI commands, Terraform or a diff: shown, copied, or written to a new file.


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

    def __init__(self, drafted: DraftedAccount, form: str) -> None:
        super().__init__()
        self._drafted = drafted
        self._form = form
        self._text = ""

    def compose(self) -> ComposeResult:
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
        self.view.focus()
        self._export_in_thread()

    @property
    def view(self) -> DocumentView:
        return self.query_one(FindableDocument).view

    @property
    def text(self) -> str:
        return self._text

    def say(self, words: Content | str, severity: Severity = Severity.INFORMATION) -> None:
        self.query_one(MessageLine).say(words, severity)

    @work(thread=True, exclusive=True, exit_on_error=False, group="draft export", name="exporting the draft")
    def _export_in_thread(self) -> None:

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
        self.dismiss(None)

    def action_copy(self) -> None:
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
