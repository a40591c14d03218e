"""DraftScreen: what to do with the open draft: edit, undo, save, open, export, discard."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from iamtui.account.drafts.draft import Draft
from iamtui.problem import Problem
from iamtui.tui.dialogs.prompts import ChoiceDialog, LineDialog, needed
from iamtui.tui.safe import line, plain
from iamtui.tui.screens.drafts.desk import OpenDraft
from iamtui.tui.screens.drafts.listing import DraftListing, DraftOwner
from iamtui.tui.widgets.draft.option_lines import Choice
from iamtui.tui.widgets.notice import Severity


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
        """Back to the account."""
        self.dismiss(None)

    def action_undo(self) -> None:
        """Take back what was done last."""
        self.owner.undo_edit()

    def action_put_back(self) -> None:
        """Put back the edit that was taken out, or replaced, last."""
        self.owner.put_back_edit()

    def action_impact(self) -> None:
        """Show the impact."""
        self.owner.action_draft_impact()

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
        """Ask where, then save."""
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
        from iamtui.workspace.drafts.files import save_draft_file, suggested_path  # noqa: PLC0415 - msgspec, on demand

        if "/" in text or text.endswith(".json"):
            path = Path(text).expanduser()
            name = found.draft.name or path.name.removesuffix(".json").removesuffix(".draft")
        else:
            name = text
            path = suggested_path(Draft(found.draft.account_id, name))
        draft = Draft(found.draft.account_id, name, found.draft.edits)
        seen = found.saved if found.path == path else None
        try:
            written = save_draft_file(draft, path, seen=seen, overwrite=overwrite)
        except Problem as problem:
            self.app.call_from_thread(self.say, str(problem), Severity.ERROR)
            return
        self.app.call_from_thread(self._saved, draft, written)

    def _saved(self, draft: Draft, path: Path) -> None:
        self.say(line("Saved as ", (path, "bold"), "."))
        self.owner.draft_saved(draft, path)

    def action_open(self) -> None:
        """Choose a draft of the drafts folder, or name a file."""
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
        from iamtui.workspace.drafts.files import open_draft_file  # noqa: PLC0415 - msgspec, on demand

        workspace = self.owner.source_workspace
        if workspace is None:
            return
        try:
            draft = open_draft_file(path, workspace.account.id)
        except Problem as problem:
            self.app.call_from_thread(self.say, str(problem), Severity.ERROR)
            return
        self.app.call_from_thread(self._file_opened, draft, path)

    def _file_opened(self, draft: Draft, path: Path) -> None:
        self.say(line("Opened ", (path, "bold"), "."))
        self.owner.open_draft_from(draft, path)

    def action_export(self) -> None:
        """Choose the form, then show the export."""
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
        from iamtui.tui.screens.drafts.export import DraftExportScreen  # noqa: PLC0415 - on demand

        drafted = self.owner.drafted
        if form and drafted is not None:
            self.app.push_screen(DraftExportScreen(drafted, form))


def _saved_choices(account_id: str) -> list[Choice]:
    """The drafts that are saved, and any other file. In a thread."""
    from iamtui.workspace.drafts.files import saved_drafts  # noqa: PLC0415 - msgspec, on demand

    choices = [
        Choice(str(path), draft.name or path.name, f"{len(draft.edits)} edits  {path.name}")
        for path, draft in saved_drafts(account_id)
    ]
    return [*choices, Choice("?", "Another file …", "by its path")]
