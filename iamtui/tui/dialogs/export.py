"""ExportDialog: a session in every format, masked, and the ways to hand that over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from iamtui.credentials.formats import FORMATS, preview
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.tui.dialogs.copy_menu import FORMAT_LETTERS
from iamtui.tui.dialogs.frame import Dialog, DialogBox
from iamtui.tui.dialogs.menu import MenuItem, MenuLines
from iamtui.tui.safe import line, lines, plain
from iamtui.tui.widgets.line_view import LineView
from iamtui.workspace.sessions.references import Reference


class ExportWay(StrEnum):
    """How the text is handed over."""

    COPY = "copy"
    FILE = "file"
    PROFILE = "profile"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """What was chosen: the way, and the name of the format."""

    way: ExportWay
    format: str


class ExportDialog(Dialog[ExportChoice | None]):
    """Gives what was chosen, or None. Nothing secret is in it: the preview is made from stand-ins."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel", "Cancel", id="export.cancel", tooltip="Hand nothing over"),
        Binding("c", "take('copy')", "Copy", id="export.copy", tooltip="Copy it; it is taken back after a while"),
        Binding("F", "take('file')", "File", id="export.file", tooltip="Write it to a file that only you can read"),
        Binding(
            "p", "take('profile')", "Profile", id="export.profile", tooltip="Write a profile of ~/.aws/credentials"
        ),
        Binding(
            "r", "take('reference')", "Reference", id="export.reference",
            tooltip="Copy the command that gets the same, without the secret",
        ),
    ]  # fmt: skip

    DEFAULT_CSS = """
    ExportDialog {
        & > DialogBox {
            width: 94%;
            max-width: 104;
            height: 94%;
            max-height: 34;
        }
        & MenuLines {
            height: 11;
            max-height: 35%;
        }
        & VerticalScroll {
            height: 1fr;
            border-top: solid $rule;
            border-title-color: $muted;
            scrollbar-size-vertical: 1;
        }
        & #export-reference {
            min-height: 2;
            max-height: 4;
            border-top: solid $rule;
            border-title-color: $muted;
            color: $muted;
        }
    }
    """

    def __init__(
        self, title: Content, session: Session, reference: Callable[[str], Reference], format_name: str
    ) -> None:
        """Make the dialog.

        Args:
            session: whose credentials.
            reference: gives the reference command of a format.
            format_name: where the cursor begins.
        """
        super().__init__()
        self._title = title
        self._session = session
        self._reference = reference
        self._first = format_name

    def compose(self) -> ComposeResult:
        """Formats, preview, reference command."""
        items = [MenuItem(name, entry.label, FORMAT_LETTERS.get(name, "")) for name, entry in FORMATS.items()]
        with DialogBox() as box:
            box.border_title = self._title
            box.border_subtitle = line("c copy  F file  p profile  r reference  Esc")
            yield MenuLines(items, id="export-formats")
            with VerticalScroll(can_focus=False) as scroll:
                scroll.border_title = line("Masked")
                yield Static(id="export-preview", markup=False)
            reference = Static(id="export-reference", markup=False)
            reference.border_title = line("By reference")
            yield reference

    def on_mount(self) -> None:
        """Begin at the format that is used most."""
        formats = self.query_one(MenuLines)
        formats.focus()
        self.call_after_refresh(formats.move_to, list(FORMATS).index(self._first))

    @on(LineView.CursorMoved)
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        name = self.query_one(MenuLines).item.key
        try:
            rows = [plain(row) for row in preview(self._session, name).rstrip("\n").split("\n")]
        except Problem as problem:
            rows = [line(("! ", "bold $verdict-denied"), plain(problem))]
        self.query_one("#export-preview", Static).update(lines(*rows))
        found = self._reference(name)
        self.query_one("#export-reference", Static).update(
            lines(plain(found.command, "$foreground"), plain(found.note)) if found.command else plain(found.note)
        )

    @on(MenuLines.Chosen)
    def _chosen(self, event: MenuLines.Chosen) -> None:
        """A letter shows a format; Enter copies the one that is shown."""
        event.stop()
        if event.by_letter:
            self.query_one(MenuLines).move_to(list(FORMATS).index(event.item.key))
        else:
            self.action_take(ExportWay.COPY)

    def action_take(self, way: str) -> None:
        """Choose a way for the format under the cursor."""
        self.dismiss(ExportChoice(ExportWay(way), self.query_one(MenuLines).item.key))

    def action_cancel(self) -> None:
        """Hand nothing over."""
        self.dismiss(None)
