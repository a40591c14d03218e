"""The menus of the question panel: presets for the context, questions asked before and saved, a session policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual.app import App

from iamtui.analysis.inquiry import Inquiry
from iamtui.evaluation.request import Mode
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.safe import line, plain
from iamtui.tui.widgets.question.form import QuestionForm
from iamtui.tui.widgets.question.memory import Memory
from iamtui.tui.widgets.question.terms import summary_of, terms_of
from iamtui.workspace.questions.saved_questions import quoted

if TYPE_CHECKING:
    from iamtui.evaluation.decision import Outcome
    from iamtui.evaluation.expectation import Expectation
    from iamtui.tui.widgets.draft.option_lines import Choice
    from iamtui.tui.widgets.question.companions_menu import Besides
    from iamtui.workspace.questions.answers import Answer

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
    """The presets by name, in the order of the menu."""
    from iamtui.workspace.questions.presets import at_time, from_ip, through_endpoint, with_mfa  # noqa: PLC0415 - only on demand

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
    from iamtui.tui.dialogs.prompts import ChoiceDialog  # noqa: PLC0415 - only on demand
    from iamtui.tui.widgets.draft.option_lines import Choice  # noqa: PLC0415 - likewise

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
            from iamtui.tui.widgets.question.companions_menu import open_companion  # noqa: PLC0415 - only on demand

            open_companion(app, besides, int(key), form.set_checks)
        elif key is not None and known[key].asks:
            _ask_for_text(app, form, known[key])
        elif key is not None:
            form.set_keys(known[key].keys(""))

    app.push_screen(ChoiceDialog(line("How the request comes"), choices), chosen)


def _choices(known: Mapping[str, Preset], mode: Mode) -> list[Choice]:
    from iamtui.tui.widgets.draft.option_lines import Choice  # noqa: PLC0415 - only on demand

    strict = mode is Mode.STRICT
    switch = Choice(
        _MODE,
        "Discover: keys not given are unknown" if strict else "Strict: keys not given are absent",
        "now they are absent" if strict else "now they are unknown",
    )
    return [
        *(Choice(key, preset.title, preset.note) for key, preset in known.items()),
        switch,
        Choice(_CLEAR, "Clear the context", ""),
    ]


def _ask_for_text(app: App[object], form: QuestionForm, preset: Preset) -> None:
    from iamtui.tui.dialogs.prompts import LineDialog  # noqa: PLC0415 - only on demand

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


def open_questions(app: App[object], memory: Memory, choose: Callable[[Inquiry], None]) -> None:
    """Let the user choose a saved question, or one asked before."""
    from iamtui.tui.dialogs.prompts import ChoiceDialog  # noqa: PLC0415 - only on demand
    from iamtui.tui.widgets.draft.option_lines import Choice  # noqa: PLC0415 - likewise

    known: dict[str, Inquiry] = {}
    choices: list[Choice] = []
    if memory.saved:
        choices.append(Choice("", "Saved"))
    for entry in memory.saved:
        key = f"saved {len(known)}"
        known[key] = entry.inquiry
        expected = f"expected {entry.expect.value}" if entry.expect is not None else ""
        terms = "  ".join(filter(None, (expected, terms_of(entry.inquiry))))
        summary = summary_of(entry.inquiry)
        choices.append(Choice(key, entry.name, f"{summary}  {terms}" if terms else summary, terms))
    if memory.history:
        choices.append(Choice("", "Asked before"))
    for inquiry in memory.history:
        key = f"asked {len(known)}"
        known[key] = inquiry
        terms = terms_of(inquiry)
        choices.append(Choice(key, summary_of(inquiry), terms, terms))

    def chosen(key: str | None) -> None:
        if key is not None:
            choose(known[key])

    empty = "Nothing was asked of this account yet. F5 asks; ctrl+s saves a question under a name."
    app.push_screen(ChoiceDialog(line("Questions"), choices, empty=empty), chosen)


def ask_for_name(
    app: App[object], memory: Memory, who: str, answer: Answer | None, save: Callable[[str, Expectation | None], None]
) -> None:
    """Let the user name the question that is asked, and say whether its answer is expected from now on.

    Args:
        who: who asks, raw.
        answer: what is answered now, or None.
        save: is given the name, and the decision that is expected, or None.
    """
    from iamtui.evaluation.expectation import Expectation  # noqa: PLC0415 - only on demand
    from iamtui.tui.screens.save_question import SaveQuestionDialog  # noqa: PLC0415 - only on demand
    from iamtui.tui.widgets.question.verdict import verdict  # noqa: PLC0415 - not before the first frame

    taken = {entry.name for entry in memory.saved}
    outcome = plain_outcome(answer)

    def wrong(name: str) -> str:
        if not name:
            return "A saved question needs a name."
        return f"A question {quoted(name)} is saved already: choose another name." if name in taken else ""

    shown = verdict(answer.worst.deciding) if answer is not None and outcome is not None else None
    dialog = SaveQuestionDialog(who, plain(f"{shown.mark} {shown.word}", shown.style) if shown else None, wrong)

    def named(name: str | None) -> None:
        if name is not None:
            save(name, Expectation(outcome.value) if dialog.expecting and outcome is not None else None)

    app.push_screen(dialog, named)


def plain_outcome(answer: Answer | None) -> Outcome | None:
    """The outcome that can be expected of an answer: one that all its cells have, and as a whole; else None."""
    from iamtui.evaluation.decision import ResourceScope  # noqa: PLC0415 - not before the first frame

    if answer is None or answer.cut:
        return None
    decisions = [cell.deciding for cell in answer.taking_part]
    outcomes = {decision.outcome for decision in decisions}
    if len(outcomes) != 1 or any(decision.resource_scope is ResourceScope.SOME for decision in decisions):
        return None
    return outcomes.pop()


def write_session_policy(app: App[object], form: QuestionForm, account: str) -> None:
    """Let the user write a session policy, with findings while typing."""
    from iamtui.tui.screens.session_policy_editor import SessionPolicyEditor  # noqa: PLC0415 - only on demand

    def written(text: str | None) -> None:
        if text is not None:
            form.caller_row.take_policy(text)

    start = form.caller_row.written or _STARTING_POLICY
    app.push_screen(SessionPolicyEditor(start, account), written)


_STARTING_POLICY: Final = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "s3:GetObject",
      "Resource": "*"
    }
  ]
}
"""
