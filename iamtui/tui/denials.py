"""Denials: what is pasted, the AccessDenied errors that are found in it, and each explained by the account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final, Protocol

from rich.cells import cell_len
from textual import events, getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Label, Static, TextArea
from textual.widgets.text_area import Edit as TextEdit
from textual.widgets.text_area import EditResult

from iamtui.account.model import Account
from iamtui.denials.denial import Denial, DenialForm, Findings, SourcePlace
from iamtui.denials.reader import HEAD, ReadLog, find_denials
from iamtui.engine.condition_words import LAYER_NAMES
from iamtui.engine.decision import StatementRef
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.policy.patterns import parse_arn
from iamtui.presentation.verdict import verdict_words
from iamtui.problem import Problem
from iamtui.text import counted, safe_document, safe_text
from iamtui.tui.background import Work, get_in_thread, in_thread
from iamtui.tui.content import age_note, fit, fit_end, line, lines, plain, styled
from iamtui.tui.dialogs.list_dialogs import ColumnList, choose_columns
from iamtui.tui.dialogs.text_screens import TextScreen
from iamtui.tui.main.inventory import entity_of
from iamtui.tui.main.main_view import MainView
from iamtui.tui.question.trace_screen import DocumentScreen
from iamtui.tui.widgets.inputs import AskRow
from iamtui.tui.widgets.lists.line_list import LineView, Piece
from iamtui.tui.widgets.status import KeyLine, TitleLine
from iamtui.workspace.ask import denials
from iamtui.workspace.ask.denial_comparison import (
    WORDS,
    Agreement,
    claim_words,
    denies_of,
    federated_action,
    named_policy,
)
from iamtui.workspace.ask.denials import ExplainedDenial, read_denial_file
from iamtui.workspace.source.workspace import Workspace

LONGEST: Final = 60_000
"""Characters kept as editable text; longer text is announced and held by the caller."""


def with_line_ends(text: str) -> str:
    """A text with the line ends of other systems, and of terminals, which send CR for each, as LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class PastedText(TextArea):
    """A TextArea draws its text raw, so whatever is typed or pasted is made visible first."""

    @dataclass(eq=False, repr=False)
    class TooLong(Message):
        """A text was pasted that is too long to edit. Its `text` is raw."""

        text: str

    class Pasted(Message):
        """A text was pasted into the field."""

    def edit(self, edit: TextEdit) -> EditResult:
        """Make an edit with its text made visible; what would make the text too long is left out."""
        edit.text = safe_document(with_line_ends(edit.text))[: max(0, LONGEST - len(self.document.text))]
        return super().edit(edit)

    def load_text(self, text: str) -> None:
        super().load_text(safe_document(with_line_ends(text[:LONGEST])))

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        if len(event.text) > LONGEST:
            event.prevent_default()
            self.post_message(self.TooLong(with_line_ends(event.text)))
        else:
            # It arrives when the base class has put the text in.
            self.post_message(self.Pasted())


# The denials that were found in a text, one a line, and the one under the cursor in full.


_MARK_COLUMNS: Final = 4
_GAP: Final = "  "
_LEAST: Final = 8
_MOST: Final = {"where": 16, "who": 40, "action": 40, "resource": 80, "claim": 24}
"""The widest that each column gets."""
_GIVES_WAY: Final = ("who", "action", "resource")
_MEASURED: Final = 200
"""The denials whose texts make the columns as wide as they are."""


class DenialList(ColumnList):
    """The denials found. Enter evaluates the line under the cursor in the account."""

    HEADER_LINES = 1

    titles: ClassVar[Mapping[str, str]] = {
        "where": "where", "who": "who", "action": "action", "resource": "resource", "claim": "AWS says",
    }  # fmt: skip
    shown_columns = tuple(titles)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._denials: Sequence[Denial] = ()
        self._answers: Mapping[int, Agreement] = {}
        self._widest: Mapping[str, int] = {}

    def show(self, denials: Sequence[Denial], answers: Mapping[int, Agreement] | None = None) -> None:
        """List these; the cursor stays on the line it was on.

        Args:
            answers: how the account's answer stood to AWS's, by the place in the list of a denial that was explained.
        """
        self._denials = denials
        self._answers = answers or {}
        rows = [self.titles, *map(_texts, denials[:_MEASURED])]
        self._widest = {one: min(_MOST[one], max(cell_len(row[one]) for row in rows)) for one in self.titles}
        self.set_total(len(denials), cursor=min(self.cursor, max(len(denials) - 1, 0)))

    @property
    def denial(self) -> Denial | None:
        return self._denials[self.cursor] if self._denials else None

    def header_pieces(self, y: int, width: int) -> Sequence[Piece]:  # noqa: ARG002 - one line only
        cells = self._cells(self.titles, width)
        return [Piece(" " * (1 + self._mark_columns) + "".join(cells[one] for one in self.shown_columns), "header")]

    @property
    def _mark_columns(self) -> int:
        return _MARK_COLUMNS if self._answers else 0

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """How the account answered, once it did; where, who, what, on what, and why AWS says so."""
        denial = self._denials[index]
        styles = {"where": "muted", "who": "strong", "claim": "denied" if denial.denied else "muted"}
        cells = self._cells(_texts(denial), width)
        answer = self._answers.get(index)
        mark, style = agreement_mark(answer) if answer is not None else ("", "")
        return [
            Piece(mark.ljust(self._mark_columns), style.removeprefix("$verdict-")),
            *(Piece(cells[one], styles.get(one, "")) for one in self.shown_columns),
        ]

    def _cells(self, texts: Mapping[str, str], width: int) -> dict[str, str]:
        """The texts of the columns that are shown, each cut and padded to its column."""
        widths = {one: self._widest[one] for one in self.shown_columns}
        too_many = sum(widths.values()) + len(_GAP) * (len(widths) - 1) + self._mark_columns - (width - 2)
        for _ in range(too_many):
            widest = max(_GIVES_WAY, key=lambda one: widths.get(one, 0))
            if widths.get(widest, 0) > _LEAST:
                widths[widest] -= 1
        # Of a resource the end tells more than the beginning.
        cut = {one: (fit_end if one == "resource" else fit)(texts[one], size) for one, size in widths.items()}
        return {one: text + " " * (widths[one] - cell_len(text)) + _GAP for one, text in cut.items()}


def _texts(denial: Denial) -> dict[str, str]:
    raw = {
        "where": place_words(denial.place, denial.count),
        "who": short_name(denial.caller) or "?",
        "action": denial.action or denial.operation or denial.code or "?",
        "resource": short_resource(denial.resource) or "?",
        "claim": short_claim(denial),
    }
    return {one: safe_text(text) for one, text in raw.items()}


_MARKS: Final = {
    Agreement.AGREES: ("[=]", "$verdict-allowed"),
    Agreement.OTHER_REASON: ("[!]", "$verdict-denied"),
    Agreement.DENIED_HERE: ("[!]", "$verdict-denied"),
    Agreement.ALLOWED_HERE: ("[!]", "$verdict-denied"),
}
_OPEN: Final = ("[?]", "$verdict-depends")


def agreement_mark(agreement: Agreement) -> tuple[str, str]:
    return _MARKS.get(agreement, _OPEN)


def place_words(place: SourcePlace, count: int) -> str:
    """`line 12`, `rec 3`, with how often it was found."""
    where = f"rec {place.record}" if place.record is not None else f"line {place.line}"
    return f"{where} x{count}" if count > 1 else where


def short_name(arn: str) -> str:
    """The part of a caller's ARN that tells it apart: `deploy/ci-17`."""
    found = parse_arn(arn)
    if found is None:
        return arn
    parts = found.resource.split("/")
    return "/".join(parts[1:]) if parts[0] == "assumed-role" else parts[-1]


def short_resource(arn: str) -> str:
    found = parse_arn(arn)
    return found.resource if found is not None else arn


def short_claim(denial: Denial) -> str:
    """Why AWS says so, in a narrow column."""
    claim = denial.claim
    if not denial.denied:
        return "not denied"
    if denial.encoded and not claim.kind:
        return "encoded"
    if not claim.kind:
        return "no reason given"
    layers = "+".join(LAYER_NAMES[layer].short for layer in claim.layers) or claim.words or "?"
    return f"{layers}: {'Deny' if claim.kind == 'explicit' else 'no allow'}"


def in_full(denial: Denial, claim: str) -> Content:
    """Caller, resource, reason and unknown parts, in four lines.

    Args:
        claim: what AWS said, as a sentence.
    """
    unknown = " ".join(denial.unknown) or "The message contains the whole request."
    encoded = " d decodes it through STS." if denial.encoded and denial.form is not DenialForm.DECODED else ""
    return lines(
        line(("caller    ", "$muted"), denial.caller or "not given"),
        line(("resource  ", "$muted"), denial.resource or "not given"),
        line(("AWS said  ", "$muted"), claim),
        plain(unknown + encoded, "$muted"),
    )


_HINT: Final = (
    "Paste here what a tool printed: an AccessDenied message of the AWS CLI, an SDK, Terraform or the console, "
    "a whole log with several, or CloudTrail records as JSON. ctrl+o reads a file instead (also .json.gz)."
)
NOTHING_YET: Final = "What is found in the text is listed here; Enter asks the account about it."
NOTHING_FOUND: Final = 'No denial in this text. A message says "is not authorized to perform" or "Access Denied".'
_FINDING, _READING = "finding", "reading"


@dataclass(frozen=True, slots=True)
class KeptDenials:
    """State of the screen when it was left, to go on with the next denial of the same log.

    Args:
        text: what its field showed; with `read_only` the beginning of a longer one.
        cursor: the line of the list that was marked.
        answers: how the account's answer stood to AWS's, by line, where one was asked for.
    """

    text: str
    read_only: bool
    findings: Findings
    cursor: int
    answers: Mapping[int, Agreement]


class DenialReadingScreen(Screen[ExplainedDenial | None]):
    """Finds denials in what is pasted or read from a file, and lists them; what is done with one is a subclass's.

    Args:
        kept: what the screen held when it was left before.
    """

    DEFAULT_CSS = """
    DenialReadingScreen {
        background: $background;

        & PastedText {
            height: 2fr;
            min-height: 4;
            border: none;
            padding: 0 1;
            background: $foreground 6%;
        }
        & PastedText:focus {
            border: none;
            background: $foreground 10%;
        }
        & #denial-found {
            height: 1;
            width: 100%;
            padding: 0 1;
            color: $muted;
        }
        & DenialList {
            height: 2fr;
            min-height: 4;
        }
        & DenialList.-empty {
            display: none;
        }
        & #denial-empty {
            height: 2fr;
            padding: 0 1;
            color: $muted;
        }
        & #denial-empty.-hidden, & #denial-full.-hidden {
            display: none;
        }
        & #denial-full {
            height: auto;
            max-height: 8;
            padding: 0 1;
            border-top: solid $rule;
        }
        & #denial-note {
            height: auto;
            max-height: 3;
            width: 100%;
            padding: 0 1;
            display: none;
        }
    }
    """

    text = getters.query_one(PastedText)
    list = getters.query_one(DenialList)

    def __init__(self, kept: KeptDenials | None) -> None:
        super().__init__()
        self.kept = kept
        self._held: str | None = None
        self._to_list = False
        self.findings = Findings(())
        self.answers: Mapping[int, Agreement] = {}

    def compose(self) -> ComposeResult:
        yield TitleLine(line(("Why was this denied?", "bold $heading")))
        yield PastedText(soft_wrap=True, tab_behavior="focus", placeholder=plain(_HINT), id="denial-text")
        yield Label(id="denial-found")
        yield DenialList(id="denial-list")
        yield Static(plain(NOTHING_YET), id="denial-empty")
        yield Static(id="denial-full", classes="-hidden")
        yield AskRow("File", placeholder="path of a log or of CloudTrail records", field_id="denial-file")
        yield AskRow("Who called?", placeholder="user/NAME, role/NAME or an ARN", field_id="denial-caller")
        yield Label(id="denial-note")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.list.add_class("-empty")
        if self.kept is None:
            self.text.focus()
            return
        if self.kept.read_only:
            self._held = self.kept.text
            self.text.read_only = True
        self._to_list = True
        with self.prevent(TextArea.Changed):
            self.text.load_text(self.kept.text)
        self._show(self.kept.findings, self.kept.answers)
        self.list.move_to(self.kept.cursor)
        self.note(plain("The text from before: a paste or ctrl+l starts anew.", "$muted"))

    # The text.

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if self._held is None:
            self._find(event.text_area.text)

    @on(PastedText.Pasted)
    def _pasted(self, event: PastedText.Pasted) -> None:
        event.stop()
        # The next key after a paste is Enter, mostly: let it mean the first denial.
        self._to_list = True
        self._find(self.text.text)

    @on(PastedText.TooLong)
    def _too_long(self, event: PastedText.TooLong) -> None:
        event.stop()
        text = event.text
        lines = text.count("\n") + (not text.endswith("\n"))
        self._hold(text[:HEAD], lines, "the pasted text", whole=len(text) <= HEAD)
        self._find(text)

    def _hold(self, text: str, lines: int, name: str, *, whole: bool) -> None:
        """Take a text that is too long to edit: its beginning is shown."""
        self._held = text
        self._to_list = True
        self.text.read_only = True
        self.text.load_text(text)
        more = "" if whole else f", its first {HEAD:,} characters shown"
        words = f": {counted(lines, 'line')}{more}."
        self.note(line("Read ", (name, "bold"), words))

    def on_paste(self, event: events.Paste) -> None:
        """A paste while the list has the focus is another text."""
        event.stop()
        if self.focused is self.list:
            self.action_clear()
            self.text.post_message(events.Paste(event.text))

    def action_clear(self) -> None:
        self._held = None
        self.text.read_only = False
        self.text.load_text("")
        self.quiet()
        self._find("")
        self.text.focus()

    # Finding.

    def _find(self, text: str) -> None:
        def find(work: Work) -> None:
            if not work.cancelled():
                work.tell(self._show, find_denials(text, work.cancelled))

        in_thread(self, find, self.refuse, name="reading the text", group=_FINDING)

    def _show(self, findings: Findings, answers: Mapping[int, Agreement] | None = None) -> None:
        self.findings, self.answers = findings, answers or {}
        found = findings.denials
        self.list.show(found, self.answers)
        self.list.set_class(not found, "-empty")
        empty = self.query_one("#denial-empty", Static)
        empty.set_class(bool(found), "-hidden")
        empty.update(plain(NOTHING_FOUND if self.text.text.strip() else NOTHING_YET))
        self.query_one("#denial-found", Label).update(self._count())
        if found and self._to_list:
            self.list.focus()
        self._to_list = False
        self._show_full()

    def _count(self) -> Content:
        found = self.findings.denials
        if not found:
            return plain("")
        times = sum(denial.count for denial in found)
        words = counted(len(found), "request")
        if times > len(found):
            words += f", found {times:,} times"
        if self.findings.not_denied:
            words += f"; {self.findings.not_denied:,} not denied"
        if self.findings.left_out:
            words += f"; {self.findings.left_out:,} more left out"
        return line((words, "bold"), ("   F5 explains the marked one, Tab goes between text and list", "$muted"))

    @on(LineView.CursorMoved)
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        self._show_full()
        denial = self.list.denial
        if denial is not None and self.list.has_focus and denial.place.line <= self.text.document.line_count:
            self.text.move_cursor((denial.place.line - 1, 0))

    def _show_full(self) -> None:
        denial = self.list.denial
        full = self.query_one("#denial-full", Static)
        full.set_class(denial is None, "-hidden")
        if denial is not None:
            full.update(in_full(denial, claim_words(denial)))
        self.query_one(KeyLine).look_again()

    # A file.

    def action_open_file(self) -> None:
        self.row("file").open()

    @on(Input.Submitted, "#denial-file")
    def _file_entered(self, event: Input.Submitted) -> None:
        event.stop()
        path = event.value.strip()
        if path:
            self.note(line("Reading ", (path, "bold"), " …"))

            def read(work: Work) -> None:
                work.tell(self._file_read, path, read_denial_file(path, work.cancelled))

            in_thread(self, read, self.refuse, name="reading a file", group=_READING)

    def _file_read(self, name: str, log: ReadLog) -> None:
        self.row("file").close()
        head = log.head
        self._hold(head, log.lines, name, whole=len(head) < HEAD)
        self.workers.cancel_group(self, _FINDING)
        self._show(log.findings)

    def row(self, name: str) -> AskRow:
        row = self.query_one(f"#denial-{name}").parent
        assert isinstance(row, AskRow)
        return row

    # Messages.

    def note(self, words: Content) -> None:
        note = self.query_one("#denial-note", Label)
        note.update(words)
        note.display = True

    def quiet(self) -> None:
        self.query_one("#denial-note").display = False

    def refuse(self, problem: Problem) -> None:
        self.note(plain(problem, "$verdict-denied"))


# DenialScreen: choose one of the denials that were found to have it explained by the account.


_EXPLAINING: Final = "explaining"
_KIND: Final = "denials"
"""Key of the columns chosen here, beside those of the tables."""


class DenialScreen(DenialReadingScreen):
    """Returns the denial that was chosen with the account's answer, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "explain", "Explain", id="denial.explain", tooltip="Ask the account about the marked denial"),
        Binding("ctrl+o", "open_file", "File", priority=True, id="denial.file", tooltip="Read a log from a file"),
        Binding(
            "f9", "decode", "Decode", id="denial.decode",
            tooltip="Let STS decode the encoded message of the marked denial: a call to AWS",
        ),
        Binding("P", "open_policy", "Policy", id="denial.policy", tooltip="Open the policy that AWS names"),
        Binding("v", "columns", "Columns", id="table.columns", tooltip="Choose the columns of the table"),
        Binding("ctrl+l", "clear", "Clear", priority=True, id="denial.clear", tooltip="Clear the text"),
        Binding("escape", "leave", "Back", priority=True, id="denial.leave", tooltip="Back to where you came from"),
        Binding("q", "leave", "Back", show=False, id="denial.back", tooltip="Back to where you came from"),
    ]  # fmt: skip

    def __init__(
        self,
        workspace: Workspace,
        *,
        kept: KeptDenials | None = None,
        columns: MutableMapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        """Make the screen.

        Args:
            kept: what the screen held when it was left before.
            columns: by the kind of list, the ids of the columns that the user wants; a choice made here is kept there.
        """
        super().__init__(kept)
        self._workspace = workspace
        self._columns = {} if columns is None else columns
        self._caller_asked_of: Denial | None = None
        """The denial that the caller in the row was typed for."""

    def idle_actions(self) -> frozenset[str]:
        denial = self.list.denial
        idle: set[str] = set()
        if denial is None:
            idle |= {"explain", "columns"}
        if denial is None or not denial.encoded:
            idle.add("decode")
        if denial is None or not denial.claim.policy:
            idle.add("open_policy")
        if not self.text.text:
            idle.add("clear")
        return frozenset(idle)

    def on_mount(self) -> None:
        self.list.show_columns(self._columns.get(_KIND))

    def action_columns(self) -> None:
        choose_columns(self.app, _KIND, self.list, self._columns)

    # The answer.

    @on(LineView.LineOpened)
    def _opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        self.action_explain()

    def action_explain(self) -> None:
        self._explain(decode=False)

    def action_decode(self) -> None:
        denial = self.list.denial
        if denial is None or not denial.encoded:
            self.note(plain("The marked denial has no encoded message."))
        elif not self._workspace.can_call_aws:
            self.note(
                plain("A snapshot makes no calls: paste what `aws sts decode-authorization-message` prints instead.")
            )
        else:
            self._explain(decode=True)

    def action_open_policy(self) -> None:
        """Show the policy that AWS names in the marked denial, at its first Deny of the action."""
        denial = self.list.denial
        if denial is None or not denial.claim.policy:
            self.note(plain("AWS does not name a policy in the marked denial."))
            return
        screen = named_policy_screen(self._workspace.account, denial)
        if screen is None:
            self.note(plain(f"The policy that AWS names is not loaded: {denial.claim.policy}."))
        else:
            self.app.push_screen(screen)

    def _explain(self, *, decode: bool, caller: str | None = None) -> None:
        denial = self.list.denial
        if denial is None:
            self.note(plain(NOTHING_YET if not self.text.text.strip() else NOTHING_FOUND))
            return
        if caller is None and not denial.caller and not denial.encoded and not federated_action(denial):
            self._ask_who_called()
            return
        self.note(plain("Asking STS …" if decode else "Asking the account …"))
        explain = partial(denials.explain_denial, self._workspace, denial, decode=decode, caller=caller or "")
        done = partial(self._show_explained, decode)
        get_in_thread(self, explain, done, self.refuse, name="explaining", group=_EXPLAINING)

    def _show_explained(self, decode: bool, explained: ExplainedDenial) -> None:
        if decode and explained.denial.encoded:
            # Nothing came of it; why stands in what is open.
            self.note(plain(" ".join(explained.open), "$verdict-denied"))
            return
        self._leave_with(explained)

    def _ask_who_called(self) -> None:
        """Prompt for the caller: without one the account cannot be evaluated."""
        if self.list.denial is not self._caller_asked_of:
            # Who made another call says nothing about who made this one.
            self.query_one("#denial-caller", Input).value = ""
            self._caller_asked_of = self.list.denial
        self.row("caller").open()
        self.note(plain("The message does not say who called: name the user, the role or its session."))

    @on(Input.Submitted, "#denial-caller")
    def _caller_entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._explain(decode=False, caller=event.value.strip())

    def action_leave(self) -> None:
        for name, back in (("file", self.text), ("caller", self.list)):
            if self.row(name).is_open:
                self.row(name).close()
                self.quiet()
                back.focus()
                return
        self._leave_with(None)

    def _leave_with(self, explained: ExplainedDenial | None) -> None:
        text, findings, answers, cursor = self.text, self.findings, self.answers, self.list.cursor
        if explained is not None:
            answers = {**answers, cursor: explained.comparison.agreement}
        self.kept = KeptDenials(text.text, text.read_only, findings, cursor, answers) if findings.denials else None
        self.dismiss(explained)


# From a denial that was explained to the main screen: go to the principal, put the question, say how they agree.


class DenialsKeeper(MainView, Protocol):
    """The main screen, which keeps the log whose denials are being explained one after the other."""

    kept_denials: KeptDenials | None


def open_denials(screen: DenialsKeeper, workspace: Workspace) -> None:

    def chosen(explained: ExplainedDenial | None) -> None:
        screen.kept_denials = dialog.kept
        if explained is not None and screen.drafts.source_workspace is workspace:
            _arrive(screen, workspace, explained)

    dialog = DenialScreen(workspace, kept=screen.kept_denials, columns=screen.list_columns)
    screen.app.push_screen(dialog, chosen)


def _arrive(screen: MainView, workspace: Workspace, explained: ExplainedDenial) -> None:
    principal, question = explained.principal, explained.question
    if principal is not None:
        entity = entity_of(workspace.account, principal)
        if entity is not None:
            screen.go_to(entity.arn)
        if question is not None:
            screen.ask_about(principal, _label(principal), question)
    # The mark of the agreement is all the mark that the line needs, and the layer all the reason: there is little room.
    said = short_claim(explained.denial)
    screen.say(line(agreement_words(explained), ("  AWS: ", "$muted"), said), stays=True)
    if not explained.explained:
        screen.app.push_screen(DenialReportScreen(explained, workspace.account, workspace.age))


def _label(principal: Principal) -> str:
    kinds = {PrincipalKind.USER: "user/", PrincipalKind.ROLE: "role/", PrincipalKind.ROLE_SESSION: "role/"}
    return f"{kinds.get(principal.kind, '')}{short_name(principal.arn) or 'anonymous'}"


# DenialReportScreen: what AWS said and what the account says, side by side, where the two differ.


class DenialReportScreen(TextScreen):
    """The whole comparison, searchable.

    Args:
        account: where the policy that AWS names may stand.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("P", "open_policy", "Policy", id="denial.report.policy", tooltip="Open the policy that AWS names"),
    ]

    def __init__(self, explained: ExplainedDenial, account: Account, age: str = "") -> None:
        self._policy = named_policy_screen(account, explained.denial)
        denial = explained.denial
        title = line(
            ("Why denied  ", "bold $heading"),
            (denial.action or denial.operation or denial.code, "bold"),
            ("  ", ""),
            agreement_words(explained),
            age_note(age),
        )
        super().__init__(title, tuple(report_rows(explained)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No key for a policy that is not loaded."""
        return super().check_action(action, parameters) and (action != "open_policy" or self._policy is not None)

    def action_open_policy(self) -> None:
        if self._policy is not None:
            self.app.push_screen(self._policy)


def named_policy_screen(account: Account, denial: Denial) -> DocumentScreen | None:
    """The policy that AWS names, at its first Deny of the action; None where none is named or loaded."""
    claim = denial.claim
    found = named_policy(account, claim.policy) if claim.policy else None
    if found is None or not claim.layers:
        return None
    name, document = found
    layer = claim.layers[-1]
    whole = StatementRef(layer, "Deny", name, None, -1, None)
    return DocumentScreen(document, next(denies_of(name, document, layer, denial.action), whole))


def agreement_words(explained: ExplainedDenial) -> Content:
    """A mark and a few words for the agreement of the account's answer with AWS's."""
    agreement = explained.comparison.agreement
    mark, style = agreement_mark(agreement)
    return line((f"{mark} ", f"bold {style}"), (WORDS[agreement], style))


def report_rows(explained: ExplainedDenial) -> Iterator[Content]:
    """Request, AWS's reason, the account's answer, the comparison, what would help, and what is open."""
    denial = explained.denial
    yield _heading("The request")
    yield _row("caller", denial.caller or "not given")
    yield _row("action", denial.action or "not given")
    yield _row("resource", denial.resource_words)
    for key, values in denial.context.items():
        yield _row("context", f"{key} = {', '.join(values)}" if values else f"{key} absent")
    yield plain("")
    yield _heading("AWS said")
    yield plain(f"  {claim_words(denial)}", limit=None)
    yield plain("")
    yield _heading("The account says")
    if explained.decision is None or explained.explanation is None:
        yield plain("  It was not evaluated.")
    else:
        yield line("  ", styled(verdict_words(explained.decision).row))
        yield plain(f"  {explained.explanation.paragraph}", limit=None)
    yield plain("")
    yield line(("Together  ", "bold $heading"), agreement_words(explained))
    for sentence in explained.comparison.sentences:
        yield plain(f"  {sentence}", limit=None)
    if explained.explanation is not None and explained.explanation.suggestions:
        yield plain("")
        needed = explained.explanation.needed
        yield _heading(f"Would help: {needed}" if needed else "Would help")
        for suggestion in explained.explanation.suggestions:
            yield plain(f"  - {suggestion.change}", limit=None)
    said = dict.fromkeys((*explained.open, *denial.unknown, *denial.notes))
    if said:
        yield plain("")
        yield _heading("Open, and how it was read")
        for sentence in said:
            yield plain(f"  - {sentence}", limit=None)


def _heading(words: str) -> Content:
    return plain(words, "bold $heading")


def _row(label: str, value: str) -> Content:
    return line((f"  {label:<10}", "$muted"), plain(value, limit=None))
