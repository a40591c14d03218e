"""DenialScreen: choose one of the denials that were found to have it explained by the account."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from functools import partial
from typing import ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input

from iamtui.account.model import Account
from iamtui.denials.denial import Denial
from iamtui.engine.decision import StatementRef
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.presentation.verdict import verdict_words
from iamtui.tui.background import get_in_thread
from iamtui.tui.content import age_note, line, plain, styled
from iamtui.tui.denials.records_screen import (
    NOTHING_FOUND,
    NOTHING_YET,
    DenialReadingScreen,
    KeptDenials,
    agreement_mark,
    short_claim,
    short_name,
)
from iamtui.tui.dialogs.list_dialogs import choose_columns
from iamtui.tui.dialogs.text_screens import TextScreen
from iamtui.tui.main.inventory import entity_of
from iamtui.tui.question.pinned_verdicts import AskedFrom
from iamtui.tui.question.trace_screen import DocumentScreen
from iamtui.tui.widgets.lists.line_list import LineView
from iamtui.workspace.ask import denials
from iamtui.workspace.ask.denial_comparison import WORDS, claim_words, denies_of, federated_action, named_policy
from iamtui.workspace.ask.denials import ExplainedDenial
from iamtui.workspace.source.workspace import Workspace

_EXPLAINING: Final = "explaining"
_KIND: Final = "denials"
"""Key of the columns chosen here, beside those of the tables."""


class DenialScreen(DenialReadingScreen):
    """Returns the denial that was chosen with the account's answer, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "explain", "Explain", id="denial.explain", tooltip="Ask the account about the marked denial"),
        Binding("ctrl+o", "open_file", "File", priority=True, id="denial.file", tooltip="Read a log from a file"),
        Binding(
            "f9,d", "decode", "Decode", id="denial.decode",
            tooltip="Let STS decode the encoded message of the marked denial: a call to AWS",
        ),
        Binding("o", "open_policy", "Policy", id="denial.policy", tooltip="Open the policy that AWS names"),
        Binding("V", "columns", "Columns", id="table.columns", tooltip="Choose the columns of the table"),
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


def open_denials(screen: AskedFrom, workspace: Workspace) -> None:
    """Open the screen where a denial is pasted; its question goes to the main screen."""

    def chosen(explained: ExplainedDenial | None) -> None:
        screen.kept_denials = dialog.kept
        if explained is not None and screen.drafts.source_workspace is workspace:
            _arrive(screen, workspace, explained)

    dialog = DenialScreen(workspace, kept=screen.kept_denials, columns=screen.list_columns)
    screen.app.push_screen(dialog, chosen)


def _arrive(screen: AskedFrom, workspace: Workspace, explained: ExplainedDenial) -> None:
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
        Binding("o", "open_policy", "Policy", id="denial.report.policy", tooltip="Open the policy that AWS names"),
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
