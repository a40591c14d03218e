"""DraftScreen: what to do with the open draft: edit, undo, save, open, export, discard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from iamtui.account.model import Account
from iamtui.drafts.draft import Draft, Edit
from iamtui.drafts.edits.base import AccountAfterEdits, describe_edit
from iamtui.drafts.exports import export
from iamtui.leaves import PROVE_DRAFT, is_there
from iamtui.paths import home_expanded
from iamtui.problem import Problem
from iamtui.text import counted, first_names, safe_text
from iamtui.tui.background import Work, get_in_thread, in_thread
from iamtui.tui.content import Severity, fit, line, plain
from iamtui.tui.dialogs.dialogs import Choice, ChoiceDialog, LineDialog, needed
from iamtui.tui.drafts.changes import FindableDocument, OpenDraft, Preview, preview
from iamtui.tui.file_exports import ExportScreen
from iamtui.tui.main.main_view import DraftKeeper
from iamtui.tui.question.trace_screen import TraceScreen
from iamtui.tui.widgets.lists.line_list import LineView, Piece
from iamtui.tui.widgets.status import KeyLine, MessageLine, TitleLine
from iamtui.workspace.change.draft_session import open_draft_file, save_draft_file, saved_drafts, suggested_path
from iamtui.workspace.gate.plan_draft import open_plan
from iamtui.workspace.source.workspace import SourceKind

if TYPE_CHECKING:
    from iamtui.workspace.ask.proof_result import Proof
    from iamtui.workspace.change.draft_session import DraftedAccount


_EMPTY = (
    "No draft is open. A draft applies edits to the account to see what they would do; nothing is ever written.",
    "",
    "Go to a user, group, role or policy and press e: it lists what can be edited there.",
    "Ask a question that is denied and press f: it drafts what would allow it.",
    "Press F3 here to open a draft that was saved.",
)

_EMPTIED = (
    "The draft has no edits: the account is as it is.",
    "",
    "U puts back what was taken out last, D closes the draft, F3 opens another one.",
)

_OF_NO_CHANGE: Final = (
    "None of the plan's changes is among the edits: what is shown is the account without them.",
    "`iamtui gate` lists every change that is not compared.",
)


_PROOF_STEPS: Final = 5_000_000
"""How long it may take to prove that nothing is newly possible."""


class EditLines(LineView):
    """The edits, one a line; those that do not fit, or about which there is something to know, with a mark."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "Edit", id="list.open", tooltip="Edit the document of this edit again"),
        Binding("d,delete", "remove", "Remove", id="draft.remove", tooltip="Take this edit out of the draft"),
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
        if isinstance(screen, DraftScreen) and self._edits:
            screen.owner.remove_edit(self.cursor)


class DraftScreen(Screen[None]):
    """The edits of the open draft in words, over what is to know about the one under the cursor."""

    HELP_ABOUT: ClassVar[str] = (
        "A draft applies edits to a copy of the account to see what they would do: who gains and who loses "
        "what. Nothing is ever written to AWS; the export gives commands, Terraform or a diff for you to run "
        "elsewhere."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Back", id="draft.back", tooltip="Back to the account, with the draft applied"),
        Binding("u", "undo", "Undo", id="draft.undo-last", tooltip="Take back what was done last"),
        Binding("i", "impact", "Impact", id="draft.show-impact", tooltip="Show for whom the answers change"),
        Binding(
            "w", "newly_possible", "Why", id="draft.newly-possible", tooltip="Trace what the draft makes newly possible"
        ),
        Binding("x", "export", "Export", id="draft.export", tooltip="AWS CLI commands, Terraform or a diff of it"),
        Binding("ctrl+s", "save", "Save", id="draft.save", tooltip="Save the draft in a file"),
        Binding(
            "U", "put_back", "Put back", id="draft.put-back", tooltip="Put back what was taken out or changed last"
        ),
        Binding("f3", "open", "Open", id="draft.open-file", tooltip="Open a draft from a file"),
        Binding("D", "discard", "Discard", id="draft.discard", tooltip="Close the draft without its edits"),
    ]

    DEFAULT_CSS = """
    DraftScreen {
        & #draft-empty {
            padding: 1 2;
            height: 1fr;
        }
        & EditLines {
            height: auto;
            max-height: 40%;
        }
        & #draft-proof {
            height: auto;
            max-height: 3;
            width: 100%;
            padding: 0 1;
        }
        & #draft-notes {
            border-title-color: $muted;
            height: auto;
            max-height: 6;
            padding: 0 1;
            border-top: solid $rule;
        }
    }
    """

    edits = getters.query_one(EditLines)

    def __init__(self, owner: DraftKeeper, plan: Path | None = None) -> None:
        """Make the screen.

        Args:
            plan: the file of a Terraform plan, whose changes become the draft.
        """
        super().__init__()
        self.owner = owner
        self._plan = plan
        self._discarding = False
        self._proved_of: DraftedAccount | None = None
        self._proof: Proof | None = None

    def compose(self) -> ComposeResult:
        yield TitleLine()
        yield Static(id="draft-empty", markup=False)
        yield EditLines(id="draft-edits")
        yield Static(id="draft-proof", markup=False)
        yield Static(id="draft-notes", markup=False)
        yield FindableDocument(id="draft-preview")
        yield MessageLine(id="draft-message")
        yield KeyLine(id="draft-keys")

    def on_mount(self) -> None:
        self.show()
        self.edits.move_to(self.owner.edit_at)
        self.edits.focus()
        if self._plan is not None:
            self.open_plan(self._plan)

    def say(self, words: Content | str, severity: Severity = Severity.INFORMATION) -> None:
        self.query_one(MessageLine).say(words, severity)

    def show(self) -> None:
        found, workspace = self.owner.open_draft, self.owner.source_workspace
        empty = found is None or not found.draft.edits or workspace is None
        why = self.query_one("#draft-empty", Static)
        why.display = empty
        rows = _EMPTY if found is None else _OF_NO_CHANGE if found.left_out else _EMPTIED
        why.update(Content("\n").join(plain(row) for row in rows))
        self.edits.display = not empty
        for below in ("#draft-proof", "#draft-notes", "#draft-preview"):
            self.query_one(below).display = not empty
        title = self.query_one(TitleLine)
        if found is None or workspace is None:
            title.update(line(("Draft", "bold $heading"), ("  none is open", "$muted")))
        else:
            where = f"  {found.path}" if found.path is not None else ""
            title.update(line((found.words, "bold $heading"), (where, "$muted")))
            self.edits.show(found.draft.edits, workspace.account, self._marks())
            self._show_notes()
        self._prove()
        self.query_one(KeyLine).look_again()

    def _prove(self) -> None:
        """Prove of a draft that is laid anew that nothing is newly possible with it."""
        drafted = self.owner.drafted
        if drafted is self._proved_of:
            return
        self._proved_of, self._proof = drafted, None
        is_whole = drafted is not None and not drafted.problems and is_there(PROVE_DRAFT.module)
        line_of_proof = self.query_one("#draft-proof", Static)
        line_of_proof.update(plain("Looking for what is newly possible …", "$muted") if is_whole else "")
        if drafted is None or not is_whole:
            return

        def prove(work: Work) -> None:
            prove_nothing_new: Callable[..., Proof] = PROVE_DRAFT.needed()
            proof = prove_nothing_new(drafted.base, drafted.after, in_all=_PROOF_STEPS, stopped=work.cancelled)
            work.tell(self._show_proof, proof)

        in_thread(self, prove, self._refuse, name="proving that nothing is new", group="draft proof")

    def _show_proof(self, proof: Proof) -> None:
        self._proof = proof
        found = proof.counterexample
        if found is not None and self._proved_of is not None:
            who = self._proved_of.after.short_name(found.principal.arn) or "anybody"
            marked = line(("! ", "bold $verdict-depends"), plain(f"Newly possible: {who} can {found.action} on "))
            words = line(marked, plain(safe_text(found.resource)))
        elif proof.reasons:
            more = f", and {len(proof.reasons) - 1} more" if len(proof.reasons) > 1 else ""
            words = line(("? ", "bold $verdict-depends"), plain(f"Not proved: {next(iter(proof.reasons))}{more}"))
        elif self.owner.open_draft is not None and self.owner.open_draft.left_out:
            left_out = first_names(self.owner.open_draft.left_out, 1, limit=200)
            told = f"Nothing newly possible by these edits; of the rest of the plan it is not known: {left_out}"
            words = line(("? ", "bold $verdict-depends"), plain(told))
        else:
            words = line(("Nothing newly possible (proved)", "$verdict-allowed"))
        self.query_one("#draft-proof", Static).update(words)
        self.query_one(KeyLine).look_again()

    def action_newly_possible(self) -> None:
        drafted, found = self._proved_of, self._proof.counterexample if self._proof is not None else None
        if drafted is None or found is None:
            self.say(plain("Nothing is known that is newly possible."))
            return
        question = found.question
        label = drafted.after.short_name(found.principal.arn)
        trace = TraceScreen(drafted.after, found.decision, found.principal, question, label)
        self.app.push_screen(trace)

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
                preview(
                    AccountAfterEdits(drafted.base.account, edits[: number - 1]),
                    drafted.after.account,
                    edits[number - 1],
                )
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
            self.owner.edit_at = self.edits.cursor
            self._show_notes()

    @on(LineView.CursorMoved)
    def _scrolled(self, event: LineView.CursorMoved) -> None:
        event.stop()

    @on(LineView.LineOpened, "#draft-edits")
    def _opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        self.owner.edit_again(event.index)

    def idle_actions(self) -> frozenset[str]:
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
        if self._proof is None or self._proof.counterexample is None:
            idle.add("newly_possible")
        return frozenset(idle)

    def action_undo(self) -> None:
        self.owner.undo_edit()

    def action_put_back(self) -> None:
        self.owner.put_back_edit()

    def action_impact(self) -> None:
        self.owner.show_impact()

    def action_discard(self) -> None:
        """Close the draft; unsaved edits are confirmed once."""
        found = self.owner.open_draft
        if found is None:
            self.say(plain("No draft is open."))
        elif found.unsaved and not self._discarding:
            self._discarding = True
            self.say(
                line(
                    plain("Its edits are not saved: "),
                    ("D", "bold"),
                    " again drops them, ",
                    ("ctrl+s", "bold"),
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
            LineDialog(line("Save the draft as"), value, hint, check=needed, is_path=True),
            lambda text: self._save(text, overwrite=False),
        )

    def _save(self, text: str | None, *, overwrite: bool) -> None:
        found = self.owner.open_draft
        if text and found is not None:
            get_in_thread(
                self, partial(_save, found, text, overwrite), self._saved, self._refuse,
                name="saving the draft", group="draft file",
            )  # fmt: skip

    def _refuse(self, problem: Problem) -> None:
        self.say(str(problem), Severity.ERROR)

    def _saved(self, saved: tuple[Draft, Path]) -> None:
        draft, path = saved
        self.say(line("Saved as ", (path, "bold"), "."))
        self.owner.draft_saved(draft, path)

    def action_open(self) -> None:
        workspace, found = self.owner.source_workspace, self.owner.open_draft
        if workspace is None:
            self.say(plain("Open an account first."))
        elif found is not None and found.unsaved:
            self.say(plain(_SAVE_FIRST), Severity.WARNING)
        else:
            more = partial(_saved_choices, workspace.account.id)
            self.app.push_screen(ChoiceDialog(line("Open a draft"), [], more=more), self._file_chosen)

    def _file_chosen(self, chosen: str | None) -> None:
        if chosen in ("?", "plan"):
            self._ask_path(is_plan=chosen == "plan")
        elif chosen:
            self._open_in_thread(Path(chosen))

    def _ask_path(self, *, is_plan: bool) -> None:
        hint = "The path of a plan, as terraform show -json prints it." if is_plan else "The path of a draft file."
        open_it = self.open_plan if is_plan else self._open_in_thread

        def given(text: str | None) -> None:
            if text:
                open_it(home_expanded(text))

        title = line("Open a plan as a draft" if is_plan else "Open a draft")
        self.app.push_screen(LineDialog(title, "", plain(hint, "$muted"), check=needed, is_path=True), given)

    def open_plan(self, path: Path) -> None:
        workspace, found = self.owner.source_workspace, self.owner.open_draft
        if found is not None and found.unsaved:
            self.say(plain(_SAVE_FIRST), Severity.WARNING)
        elif workspace is not None:
            self.say(line("Reading the plan ", (path.name, "bold"), " …"))
            done = partial(self._plan_read, path)
            get_in_thread(
                self,
                partial(open_plan, workspace, path),
                done,
                self._refuse,
                name="opening the plan",
                group="draft file",
            )

    def _plan_read(self, path: Path, made: tuple[Draft, tuple[str, ...]]) -> None:
        self.owner.plan_opened(path, *made)

    def _open_in_thread(self, path: Path) -> None:
        workspace = self.owner.source_workspace
        if workspace is not None:
            opened = partial(open_draft_file, path, workspace.account.id)
            done = partial(self._file_opened, path)
            get_in_thread(self, opened, done, self._refuse, name="opening the draft", group="draft file")

    def _file_opened(self, path: Path, draft: Draft) -> None:
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
            self.app.push_screen(draft_export_screen(drafted, form))


def _save(found: OpenDraft, text: str, overwrite: bool) -> tuple[Draft, Path]:
    """Save a draft under a name or at a path. In a thread."""
    if "/" in text or text.endswith(".json"):
        path = home_expanded(text)
        name = found.draft.name or path.name.removesuffix(".json").removesuffix(".draft")
    else:
        name = text
        path = suggested_path(Draft(found.draft.account_id, name))
    draft = Draft(found.draft.account_id, name, found.draft.edits)
    seen = found.saved if found.path == path else None
    return draft, save_draft_file(draft, path, seen=seen, overwrite=overwrite)


def _saved_choices(account_id: str) -> list[Choice]:
    """The drafts that are saved, and any other file. In a thread."""
    choices = [
        Choice(str(path), draft.name or path.name, f"{counted(len(draft.edits), 'edit')}  {path.name}")
        for path, draft in saved_drafts(account_id)
    ]
    plan = Choice("plan", "A Terraform plan …", "its changes as edits")
    return [*choices, Choice("?", "Another file …", "by its path"), plan]


_SAVE_FIRST: Final = "Save the draft first (ctrl+s), or discard it (D): another one takes its place."

_TITLES: Final = {"cli": "AWS CLI commands", "terraform": "Terraform", "diff": "Diff of the documents"}
_SUFFIXES: Final = {"cli": ".sh", "terraform": ".tf", "diff": ".diff"}


def draft_export_screen(drafted: DraftedAccount, form: str) -> ExportScreen:
    """A draft as AWS CLI commands, Terraform or a diff; nothing of it is run."""
    what, draft = _TITLES[form], drafted.draft
    name = "".join(c if c.isalnum() or c in "._-" else "-" for c in draft.name) or "draft"
    return ExportScreen(
        line(
            (what, "bold $heading"),
            ("  of ", "$muted"),
            draft.name or "the draft",
            ("  run by nobody but you", "$muted"),
        ),
        lambda _work: _exported(drafted, form),
        what=what,
        file_name=f"{name}{_SUFFIXES[form]}",
        empty="The draft changes nothing in this account.",
    )


def _exported(drafted: DraftedAccount, form: str) -> str:
    demo = drafted.base.source.kind is SourceKind.DEMO
    note = "This is the DEMO account: there is nothing to run these against." if demo else ""
    return export(drafted.draft, drafted.base.account, drafted.after.account, form, note=note)
