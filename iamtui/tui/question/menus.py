"""The menus of the question panel: presets for the context, recent and saved questions, a session policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import App
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from iamtui.account.model import Account
from iamtui.engine.decision import Expectation, ResourceScope
from iamtui.engine.request import Mode
from iamtui.presentation.verdict import verdict_words
from iamtui.problem import Problem
from iamtui.questions.answers import Cell, DependentAnswer
from iamtui.questions.question import QuestionMatrix
from iamtui.text import safe_text
from iamtui.tui import clock
from iamtui.tui.content import line, lines, plain, styled
from iamtui.tui.dialogs.dialogs import Choice, ChoiceDialog, LineDialog
from iamtui.tui.drafts.editor_screen import SessionPolicyEditor
from iamtui.tui.question.completion import known_resources
from iamtui.tui.question.form import QuestionForm
from iamtui.tui.question.panel_text import summary_of, terms_of
from iamtui.tui.question.question_history import Memory
from iamtui.workspace.ask.context_syntax import at_time, from_ip, through_endpoint, with_mfa
from iamtui.workspace.ask.dependent_questions import is_about, on_resource, unsaid, whatever_fits
from iamtui.workspace.ask.questions import as_command, check_resource, files_of_command
from iamtui.workspace.ask.saved_questions import quoted
from iamtui.workspace.source.principals import options_naming

if TYPE_CHECKING:
    from iamtui.engine.decision import Outcome
    from iamtui.engine.request import Principal
    from iamtui.presentation.answer import Shown
    from iamtui.questions.answers import Answer
    from iamtui.workspace.source.workspace import Workspace


Keys = Mapping[str, tuple[str, ...]]

_MODE: Final = "mode"
_CLEAR: Final = "clear"


@dataclass(frozen=True, slots=True)
class Preset:
    """A set of condition keys under one name.

    Args:
        title, note: what it is called, and which keys it gives.
        keys: from what was typed to the keys; raises a Problem for a text that will not do.
        asks: what is to be typed, or "" when nothing is.
    """

    title: str
    note: str
    keys: Callable[[str], Keys]
    asks: str = ""


def presets() -> Mapping[str, Preset]:
    return {
        "mfa": Preset("With MFA", "MultiFactorAuthPresent=true", lambda _: with_mfa(True)),
        "no-mfa": Preset("Without MFA", "MultiFactorAuthPresent=false", lambda _: with_mfa(False)),
        "ip": Preset("From an IP address …", "aws:SourceIp, no VPC", from_ip, "The address, such as 203.0.113.9."),
        "endpoint": Preset(
            "Through a VPC endpoint …", "aws:SourceVpce", through_endpoint, "Its id, such as vpce-0123456789abcdef0."
        ),
        "hour": Preset("In an hour", "aws:CurrentTime=now+1h", lambda _: at_time("now+1h", clock.now())),
        "time": Preset(
            "At a time …", "aws:CurrentTime", lambda text: at_time(text, clock.now()),
            "now+2d, 2026-12-24 or 2026-12-24T18:00:00Z.",
        ),
    }  # fmt: skip


def open_presets(app: App[object], form: QuestionForm, besides: Besides | None = None) -> None:
    """Let the user choose a preset, and put its keys into the context line.

    Args:
        besides: what the call is checked for besides, to say which of it is so; None without an answer.
    """
    known = presets()
    choices = _choices(known, form.terms.mode)
    checks = besides.choices() if besides is not None else []
    if checks:
        choices += [Choice("", "What the call does besides"), *checks]

    def chosen(key: str | None) -> None:
        if key == _MODE:
            form.switch_mode()
        elif key == _CLEAR:
            form.clear_context()
        elif key is not None and besides is not None and key.isdigit():
            open_companion(app, besides, int(key), form.set_checks)
        elif key is not None and known[key].asks:
            _ask_for_text(app, form, known[key])
        elif key is not None:
            form.set_keys(known[key].keys(""))

    app.push_screen(ChoiceDialog(line("How the request comes"), choices), chosen)


def _choices(known: Mapping[str, Preset], mode: Mode) -> list[Choice]:

    strict = mode is Mode.STRICT
    switch = Choice(
        _MODE,
        "Discover: keys not given are unknown" if strict else "Strict: keys not always sent are absent",
        "now: absent unless given or always sent" if strict else "now: unknown unless given",
    )
    return [
        *(Choice(key, preset.title, preset.note) for key, preset in known.items()),
        switch,
        Choice(_CLEAR, "Clear the context", ""),
    ]


def _ask_for_text(app: App[object], form: QuestionForm, preset: Preset) -> None:

    def wrong(text: str) -> str:
        try:
            preset.keys(text)
        except Problem as problem:
            return str(problem)
        return ""

    def typed(text: str | None) -> None:
        if text is not None:
            form.set_keys(preset.keys(text))

    app.push_screen(LineDialog(line(preset.title.removesuffix(" …")), "", line(preset.asks), check=wrong), typed)


def open_questions(app: App[object], memory: Memory, choose: Callable[[QuestionMatrix], None]) -> None:
    known: dict[str, QuestionMatrix] = {}
    choices: list[Choice] = []
    if memory.saved:
        choices.append(Choice("", "Saved"))
    for entry in memory.saved:
        key = f"saved {len(known)}"
        known[key] = entry.question_matrix
        expected = f"expected {entry.expect.value}" if entry.expect is not None else ""
        terms = "  ".join(filter(None, (expected, terms_of(entry.question_matrix))))
        summary = summary_of(entry.question_matrix)
        choices.append(Choice(key, entry.name, f"{summary}  {terms}" if terms else summary, terms))
    if memory.history:
        choices.append(Choice("", "Asked before"))
    for question_matrix in memory.history:
        key = f"asked {len(known)}"
        known[key] = question_matrix
        terms = terms_of(question_matrix)
        choices.append(Choice(key, summary_of(question_matrix), terms, terms))

    def chosen(key: str | None) -> None:
        if key is not None:
            choose(known[key])

    empty = "No question about this account has been asked yet. Go back: F5 asks one, ctrl+s saves it under a name."
    app.push_screen(ChoiceDialog(line("Questions"), choices, empty=empty), chosen)


def save_question(
    app: App[object], memory: Memory, question_matrix: QuestionMatrix, shown: Shown | None, workspace: Workspace | None
) -> None:
    """Prompt for a name of the question, and whether its answer is expected from now on.

    Args:
        shown: what the panel shows, perhaps the answer to another question.
    """
    answer = shown.answer if shown is not None and shown.answer.question_matrix == question_matrix else None
    if answer is not None and workspace is not None:
        # A saved question names who asks by an ARN alone: what is expected of another caller would not hold.
        alone = options_naming(workspace, answer.principal, question_matrix.actions) == {}
        answer = answer if alone else None
    taken = {entry.name for entry in memory.saved}
    outcome = plain_outcome(answer)

    def wrong(name: str) -> str:
        if not name:
            return "A saved question needs a name."
        return f"A question {quoted(name)} is saved already: choose another name." if name in taken else ""

    word = verdict_words(answer.worst.deciding) if answer is not None and outcome is not None else None
    who = shown.asked.label if shown is not None else ""
    dialog = SaveQuestionDialog(who, styled(word.row[:1]) if word else None, wrong)

    def named(name: str | None) -> None:
        if name is not None:
            expect = Expectation(outcome.value) if dialog.expecting and outcome is not None else None
            # An expectation is about somebody; without one the question is asked as whoever is chosen.
            principal = answer.principal.arn if expect is not None and answer is not None else ""
            memory.save(name, question_matrix, principal, expect)

    app.push_screen(dialog, named)


def plain_outcome(answer: Answer | None) -> Outcome | None:
    """The outcome that can be expected of an answer: one that all its cells have, and as a whole; else None."""
    if answer is None or answer.cut:
        return None
    decisions = [cell.deciding for cell in answer.taking_part]
    outcomes = {decision.outcome for decision in decisions}
    if len(outcomes) != 1 or any(decision.resource_scope is ResourceScope.SOME for decision in decisions):
        return None
    return outcomes.pop()


def write_session_policy(app: App[object], form: QuestionForm, account: str) -> None:
    def written(text: str | None) -> None:
        if text is not None:
            form.caller_row.take_policy(text)

    app.push_screen(SessionPolicyEditor(form.caller_row.written, account), written)


# SaveQuestionDialog: a name for the question, and whether its answer is to stay as it is.


_NAME = "A name, such as lake-read. Enter saves."


class SaveQuestionDialog(LineDialog):
    """Gives the name, or None; `expecting` says whether the answer on screen is saved as what is expected.

    Args:
        who: who asks, raw.
        answer: what is answered now, as it is shown; None where there is nothing that could be expected.
        check: says what is wrong with a name, or "".
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "expect", "Expect", id="save-question.expect", tooltip="Save the answer as what is expected too"),
    ]

    def __init__(self, who: str, answer: Content | None, check: Callable[[str], str]) -> None:
        super().__init__(line("Save the question"), "", Content(""), check=check)
        self._who = who
        self._answer = answer
        self.expecting = False

    def on_mount(self) -> None:
        super().on_mount()
        self._say()

    def action_expect(self) -> None:
        if self._answer is not None:
            self.expecting = not self.expecting
            self._say()

    def _say(self) -> None:
        words = plain(_NAME, "$muted")
        if self._answer is not None:
            who = (self._who, "bold")
            if self.expecting:
                below = line("Expected for ", who, ": ", self._answer, ("   F2 expects nothing", "$muted"))
            else:
                below = line(("F2", "bold"), (" also expects this answer for ", "$muted"), who, ": ", self._answer)
            words = lines(words, below)
        self.query_one("#line-hint", Static).update(words)


# What a call does besides its action, chosen from a menu: which role it passes, whether it sets tags.


Named = Mapping[str, tuple[str, ...]]

_UNSAID: Final = "unsaid"
_FITS: Final = "fits"
_OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Besides:
    """Companions of the call, which is checked for them besides its action.

    Args:
        companions: the checks, one each.
        named: what is said of them already, as in a question matrix.
        account: whose resources are offered.
    """

    companions: Sequence[DependentAnswer]
    named: Named
    account: Account

    @classmethod
    def of(cls, cell: Cell, named: Named, account: Account) -> Besides:
        first = {one.check: one for one in reversed(cell.companions)}
        return cls([one for one in cell.companions if first.get(one.check) is one], named, account)

    def choices(self) -> list[Choice]:
        """A line for each check; its key is its index."""
        return [
            Choice(str(index), one.check.action, f"on {one.check.resource}: {self._said(one)}", one.check.when)
            for index, one in enumerate(self.companions)
        ]

    def _said(self, one: DependentAnswer) -> str:
        given = {action.lower(): resources for action, resources in self.named.items()}.get(one.check.action.lower())
        if given is None:
            return "on every call" if not one.check.when else "not said"
        about = [resource for resource in given if is_about(one.check, resource)]
        return ", ".join(about) if about else "not said" if given else "yes, whatever fits"


def open_companion(app: App[object], besides: Besides, index: int, take: Callable[[Named], None]) -> None:
    """Let the user say whether the call makes a check, and on what.

    Args:
        take: is given all that is said then.
    """
    check, named = besides.companions[index].check, besides.named
    said = [
        Choice(_FITS, "Yes, on whatever fits", "it decides"),
        Choice(_UNSAID, "Not said", "it decides where every call makes it" if not check.when else "it does not decide"),
    ]
    known = [arn for arn in known_resources(besides.account) if is_about(check, arn)] if check.arn else []
    choices = [*(Choice(f"={arn}", arn) for arn in known), Choice(_OTHER, "Another ARN …", "or a pattern"), *said]

    def chosen(key: str | None) -> None:
        if key == _OTHER:
            app.push_screen(LineDialog(title, "", line(f"The ARN of {check.resource}."), check=wrong), typed)
        elif key == _FITS:
            take(whatever_fits(named, check))
        elif key == _UNSAID:
            take(unsaid(named, check))
        elif key is not None:
            take(on_resource(named, check, key.removeprefix("=")))

    def wrong(text: str) -> str:
        try:
            check_resource(text, check.action)
        except Problem as problem:
            return str(problem)
        return "" if not check.arn or is_about(check, text) else f"That is not {check.resource}."

    def typed(text: str | None) -> None:
        if text is not None:
            take(on_resource(named, check, text))

    title = line("The call also needs ", (check.action, "bold"), f" on {check.resource}")
    app.push_screen(ChoiceDialog(title, choices if check.arn else said), chosen)


def command_to_copy(
    workspace: Workspace, principal: Principal, matrix: QuestionMatrix, written: Mapping[str, str], left_out: str
) -> tuple[str, str]:
    """Command line of a question, with a sentence about its files and one about what is half typed.

    Raises:
        Problem: as `as_command`.
    """
    files = files_of_command(matrix, written)
    also = [f"It reads {', '.join(files)}, which you have to write."] if files else []
    if left_out:
        also.append(f"It asks without {safe_text(left_out, limit=64)}, which is half typed.")
    return as_command(workspace, principal, matrix, written), " ".join(also)
