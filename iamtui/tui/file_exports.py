"""Exports to files: a text for other programs, shown, copied or written; and the open account as a snapshot."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen

from iamtui.credentials.secure_files import AlreadyThere, replace_file
from iamtui.paths import home_expanded
from iamtui.presentation.styled_words import FILE_SUFFIXES, FORMATS
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.tui.background import Work, get_in_thread, in_thread
from iamtui.tui.clipboard import copier_of
from iamtui.tui.content import Severity, line, plain
from iamtui.tui.dialogs.dialogs import Choice, ChoiceDialog, LineDialog, ask_to_replace, needed
from iamtui.tui.drafts.changes import FindableDocument
from iamtui.tui.explorer.document_view import DocumentView
from iamtui.tui.widgets.status import KeyLine, MessageLine, TitleLine
from iamtui.workspace.source.snapshot_file import account_to_write, snapshot_bytes, write_snapshot
from iamtui.workspace.source.workspace import Workspace


class ExportScreen(Screen[None]):
    """Shows a text that a thread makes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Back", id="draft-export.back", tooltip="Back to where you came from"),
        Binding("ctrl+s", "save", "Save as", id="draft-export.save", tooltip="Write it to a new file"),
        Binding("c,y", "copy", "Copy", id="draft-export.copy", tooltip="Copy it to the clipboard"),
    ]

    def __init__(self, title: Content, make: Callable[[Work], str], *, what: str, file_name: str, empty: str) -> None:
        """Make the screen.

        Args:
            make: makes the text, in a thread; Problem where it cannot.
            what: what it is, for messages.
            file_name: what is suggested as the name of a file.
            empty: what to say where the text is empty.
        """
        super().__init__()
        self._title = title
        self._make = make
        self._what = what
        self._file_name = file_name
        self._empty = empty
        self.text = ""

    def compose(self) -> ComposeResult:
        yield TitleLine(self._title)
        yield FindableDocument(id="export-text")
        yield MessageLine(id="export-message")
        yield KeyLine(id="export-keys")

    def on_mount(self) -> None:
        self.view.focus()
        self.view.show_words("Writing …")
        in_thread(self, self._make_text, self._show_problem, name="making the export", group="export")

    @property
    def view(self) -> DocumentView:
        return self.query_one(FindableDocument).view

    def say(self, words: Content | str, severity: Severity = Severity.INFORMATION) -> None:
        self.query_one(MessageLine).say(words, severity)

    def _make_text(self, work: Work) -> None:
        work.tell(self._show, self._make(work))

    def _show(self, text: str) -> None:
        self.text = text
        rows = text.rstrip("\n").split("\n") if text else [self._empty]
        self.view.show_words(*rows)

    def _show_problem(self, problem: Problem) -> None:
        self.view.show_words(problem.sentence, problem.next_step)
        self.say(str(problem), Severity.ERROR)

    def action_copy(self) -> None:
        if not self.text:
            self.say(plain("There is nothing to copy."))
            return
        copy = partial(copier_of(self.app).copy_document, self.text, self._what)
        get_in_thread(self, copy, self.say, self._refuse, name="copying the export", group="copy")

    def _refuse(self, problem: Problem) -> None:
        self.say(str(problem), Severity.ERROR)

    def action_save(self) -> None:
        if not self.text:
            self.say(plain("There is nothing to write."))
            return
        hint = plain("The path of a new file; what is there already stays as it is.", "$muted")
        self.app.push_screen(
            LineDialog(line("Write ", self._what, " to"), self._file_name, hint, check=needed, is_path=True),
            self._path_given,
        )

    def _path_given(self, path: str | None) -> None:
        if path:
            write = partial(write_new, home_expanded(path), self.text)
            get_in_thread(self, write, self._written, self._refuse, name="writing the export", group="export")

    def _written(self, path: Path) -> None:
        self.say(line("Written to ", (path, "bold"), "."))


def choose_export(
    app: App[Any],
    question: str,
    title: Content,
    make: Callable[[str, Work], str],
    *,
    what: str,
    file_name: str,
    empty: str,
) -> None:
    """Ask for one of the formats of lists, and show the export in it.

    Args:
        make: makes the text in a format, as that of an ExportScreen.
        what, file_name, empty: as of an ExportScreen, without the format and its suffix.
    """

    def chosen(form: str | None) -> None:
        if form:
            shown = line(title, (f"  as {FORMATS[form]}", "$muted"))
            whole, name = f"{what} as {FORMATS[form]}", f"{file_name}{FILE_SUFFIXES[form]}"
            app.push_screen(ExportScreen(shown, partial(make, form), what=whole, file_name=name, empty=empty))

    notes = {"csv": "for spreadsheets", "json": "one object a line", "markdown": "a table"}
    choices = [Choice(form, name, notes[form]) for form, name in FORMATS.items()]
    app.push_screen(ChoiceDialog(plain(question), choices), chosen)


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
            f"{shown} is not written: the text contains half a character.", "Correct what the draft says."
        ) from None
    try:
        replace_file(path, data, new=True)
    except FileExistsError:
        raise Problem(f"{shown} is there already, and is left as it is.", "Choose another name.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the path is not valid"
        raise Problem(f"{shown} cannot be written: {reason}.", "Choose another place.") from None
    return path.absolute()


# The open account as a snapshot file.


Say = Callable[..., object]
"""Shows a sentence on the message line; `stays` until the next one."""


def ask_for_snapshot_file(screen: Screen[Any], say: Say, workspace: Workspace | None) -> None:
    """Ask where the account, without the edits of a draft, is written to, and write it."""
    if workspace is None:
        say(plain("Open an account first: g a chooses one."))
        return
    taken = workspace.source.taken_at
    proposed = f"{workspace.account.id or 'account'}{f'-{taken:%Y-%m-%d}' if taken is not None else ''}.json.zst"
    hint = plain("For you alone (0600); .gz and .zst pack it.", "$muted")
    screen.app.push_screen(
        LineDialog(line("Snapshot"), proposed, hint, check=needed, is_path=True),
        lambda name: _write_snapshot(screen, say, workspace, name) if name else None,
    )


def _write_snapshot(screen: Screen[Any], say: Say, workspace: Workspace, name: str, *, overwrite: bool = False) -> None:
    def work() -> str | AlreadyThere:
        try:
            path = home_expanded(name)
            size = write_snapshot(snapshot_bytes(account_to_write(workspace)), path, overwrite=overwrite)
        except AlreadyThere as problem:
            return problem
        return f"Written to {path} ({size:,} bytes), for you alone. Open it with --snapshot, or with g a."

    say(line("Writing ", (name, "bold"), " …"), stays=True)
    get_in_thread(
        screen,
        work,
        partial(_snapshot_written, screen, say, workspace, name),
        name="writing the snapshot",
        group="snapshot",
    )


def _snapshot_written(
    screen: Screen[Any], say: Say, workspace: Workspace, name: str, found: str | AlreadyThere
) -> None:
    if isinstance(found, str):
        say(plain(found))
    else:
        say(plain(found.sentence))
        again = partial(_write_snapshot, screen, say, workspace, name, overwrite=True)
        ask_to_replace(screen.app, found.sentence, again)
