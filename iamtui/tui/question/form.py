"""QuestionForm: the question matrix that the fields make, and the ways to change it other than by typing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from textual import events, on
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from iamtui.engine.request import Mode
from iamtui.engine.wording import LAYER_NAMES
from iamtui.problem import Problem
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui import clock
from iamtui.tui.question.caller import CHAINED, SESSION
from iamtui.tui.question.caller_field import CallerRow
from iamtui.tui.question.completing_input import joined, last_word, said
from iamtui.tui.question.completion import SearchableCatalogue
from iamtui.tui.question.context_field import (
    ABSENT,
    MFA_KEY,
    ContextView,
    cycle_mfa,
    parse_context,
    read_context,
    with_key,
    with_keys,
    write_context,
)
from iamtui.tui.question.fields_form import FieldsForm
from iamtui.tui.widgets.lists.line_list import LineView
from iamtui.workspace.context_syntax import written_values

if TYPE_CHECKING:
    from iamtui.account.model import Account
    from iamtui.engine.decision import Decision, Layer


@dataclass(frozen=True, slots=True)
class Terms:
    """What a question rests on besides the text of its fields.

    Args:
        mode: how keys that nobody gave are read.
        layers_off: layers that are left out.
        resource_account: the owner of the resource, when its ARN does not say.
        region: the region of the request, when neither the resource nor the context says; "" for the source's.
        with_checks: companions that the call does make, to the resources they are made on.
        checks_of: the actions of that call; for other actions, nothing is said of companions.
    """

    mode: Mode = Mode.DISCOVER
    layers_off: frozenset[Layer] = frozenset()
    resource_account: str | None = None
    region: str = ""
    with_checks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    checks_of: tuple[str, ...] = ()


class QuestionForm(FieldsForm):
    """Makes a question matrix of what stands in the fields, and fills them."""

    @dataclass(eq=False, repr=False)
    class Resized(Message, namespace="question_form"):
        """The fields take so many lines now."""

        height: int

    def __init__(self, catalogue: SearchableCatalogue) -> None:
        super().__init__(catalogue)
        self._read: tuple[str, Mapping[str, tuple[str, ...]]] = ("", {})
        self.keys_stay = False
        """Whether there is room for the condition keys beside the answer, so that they stay when they are left."""
        self.terms = Terms()
        self._came_from: Widget | None = None
        """What had the focus before the condition keys."""

    def set_decision(self, decision: Decision | None) -> None:
        """Offer the keys that matter for this answer, and show them where they are wanted."""
        self._decision = decision
        if self.context_view.has_class("-open"):
            self.context_view.show(decision)

    # What the fields ask.

    def question_matrix(self, *, entered: bool = True) -> QuestionMatrix:
        """The question matrix that the fields make; without an action it has none.

        Args:
            entered: whether what stands in the context and the caller's line is meant as it is; else a word that is
                still being typed says nothing.

        Raises:
            Problem: the context or the caller's line cannot be read.
        """
        caller = self.caller_row.terms(self._account, entered=entered)
        context = dict(self._read_context(entered=entered))
        if caller.mfa and MFA_KEY.lower() not in {key.lower() for key in context}:
            context[MFA_KEY] = ("true",)
        terms = Question(
            action="",
            context=context,
            mode=self.terms.mode,
            resource_account=self.terms.resource_account,
            region=self.terms.region,
            session_policies=caller.session_policies,
            layers_off=self.terms.layers_off,
        )
        actions = said(self.action_field.value, commas=True)
        resources = said(self.resource_field.value, commas=False) or ("*",)
        checks = self.terms.with_checks if actions == self.terms.checks_of else {}
        return QuestionMatrix(actions, resources, terms, caller.chained_from, checks)

    def _read_context(self, *, entered: bool) -> Mapping[str, tuple[str, ...]]:
        """The context; times in words keep the moment at which they were typed, so that the question stays the same."""
        text = self.context_field.value
        if not entered and self._half_key:
            text = last_word(text, commas=False)[0]
        if text != self._read[0]:
            self._read = (text, read_context(text, clock.now()))
        return self._read[1]

    @property
    def left_out(self) -> str:
        """What is still being typed of the context or the caller, and so is not asked yet; "" for nothing.

        What is half typed where nobody types any more is a mistake.
        """
        return self._half_key or self.caller_row.left_out(self._account)

    @property
    def _half_key(self) -> str:
        """The end of the context while it is a key without its value, or with one that such a key does not take."""
        word = self.context_field.word
        if not self.context_field.has_focus or word.startswith(ABSENT):
            return ""
        if not word.partition("=")[2]:
            return word.removesuffix("=")
        try:
            parse_context(word)
        except Problem:
            # More typing does not mend a word that is no key, or a quote.
            return ""
        try:
            read_context(word, clock.now())
        except Problem:
            return word
        return ""

    @property
    def _account(self) -> Account | None:
        return self._workspace.account if self._workspace is not None else None

    @property
    def how_to_finish(self) -> str:
        """What to do about an action that is half typed."""
        if self.action_field.is_open:
            return "Choose one from the list: Down, and Enter takes it."
        return "Type the rest of its name, or press Enter to ask anyway."

    def fill(self, action: str, resource: str = "", context: str = "") -> None:
        """Put texts into the fields, as if they had been entered; layers and mode stay."""
        self.terms = Terms(self.terms.mode, self.terms.layers_off)
        self._fill(action, resource, context, [], {})

    def fill_inquiry(self, question_matrix: QuestionMatrix) -> None:
        """Put a question matrix into the fields, as if it had been entered."""
        asked = question_matrix.terms
        policies = {f"given-{number}": text for number, text in enumerate(asked.session_policies, 1)}
        caller = [f"{SESSION}{name}" for name in policies]
        if question_matrix.chained_from:
            caller.append(f"{CHAINED}{question_matrix.chained_from}")
        self.terms = Terms(
            asked.mode,
            asked.layers_off,
            asked.resource_account,
            asked.region,
            question_matrix.with_checks,
            tuple(question_matrix.actions),
        )
        resources = joined(question_matrix.resources) if question_matrix.resources != ("*",) else ""
        self._fill(joined(question_matrix.actions), resources, write_context(asked.context), caller, policies)

    def _fill(self, action: str, resource: str, context: str, caller: list[str], policies: Mapping[str, str]) -> None:
        with self.prevent(Input.Changed):
            for entry, value in (
                (self.action_field, action),
                (self.resource_field, resource),
                (self.context_field, context),
            ):
                entry.value = value
                entry.cursor_position = len(entry.value)
                entry.close()
            self.caller_row.fill(caller, policies)
        self.action_field.unedited = True
        self._show_mfa()
        self._look_for_resources()
        self.post_message(self.Changed(entered=True))

    # Changing the terms.

    def cycle_mfa(self) -> None:
        """Say that the caller used MFA, that they did not, or leave it open."""
        self._put_context(cycle_mfa(self.context_field.value))

    def set_key(self, key: str, value: str) -> None:
        """Give a condition key a value in the context line; "" leaves it to be typed there."""
        self.screen.set_focus(self.context_field)
        self._put_context(with_key(self.context_field.value, key, value))

    def set_keys(self, keys: Mapping[str, tuple[str, ...]]) -> None:
        """Give condition keys in the context line, an empty tuple as absent; others stay."""
        self._put_context(with_keys(self.context_field.value, keys))

    def clear_context(self) -> None:
        self._put_context("")

    def _put_context(self, text: str) -> None:
        self.context_field.value = text
        self.context_field.cursor_position = len(self.context_field.value)

    def set_checks(self, checks: Mapping[str, tuple[str, ...]]) -> None:
        """Say what the call does besides its action, as long as the action stays."""
        actions = said(self.action_field.value, commas=True)
        self.terms = replace(self.terms, with_checks=checks, checks_of=actions)
        self.post_message(self.Changed(entered=True))

    def switch_layer(self, layer: Layer) -> None:
        """Leave a layer out of the evaluation, or take it in again."""
        self.terms = replace(self.terms, layers_off=self.terms.layers_off ^ {layer})
        self.post_message(self.Changed(entered=True))

    def switch_mode(self) -> None:
        """Read keys that nobody gave as absent (strict), or as unknown (discover)."""
        strict = self.terms.mode is Mode.STRICT
        self.terms = replace(self.terms, mode=Mode.DISCOVER if strict else Mode.STRICT)
        self.post_message(self.Changed(entered=True))

    def open_caller(self) -> None:
        self.caller_row.open()
        if not self.caller_row.field.value:
            self._complete(self.caller_row.field)

    def on_resize(self, event: events.Resize) -> None:
        """Rows that come and go leave more or less room to the answer."""
        self.post_message(self.Resized(event.size.height))

    def open_keys(self) -> None:
        """Show the condition keys of the answer and go there."""
        self._came_from = self.screen.focused
        self.show_keys(shown=True)
        self.screen.set_focus(self.context_view)

    def show_keys(self, *, shown: bool) -> None:
        """Show the condition keys of the answer, or hide them."""
        self.context_view.set_class(shown, "-open")
        if shown:
            self.context_view.show(self._decision)
            self.context_view.to_top()

    @on(ContextView.Left)
    def _keys_left(self, event: ContextView.Left) -> None:
        event.stop()
        before = self._came_from
        at = before if before is not None and before.is_attached and before.focusable else self.context_field
        self.screen.set_focus(at)
        if event.hide:
            self.show_keys(shown=False)

    @on(events.DescendantBlur)
    def _left_keys(self, event: events.DescendantBlur) -> None:
        if event.widget is self.context_view and not self.keys_stay:
            self.context_view.remove_class("-open")

    @on(LineView.LineOpened)
    def _key_opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        row = self.context_view.row
        if row is not None:
            self.set_key(row.key, written_values(row.value or ()) if row.source == "given" else "")

    @on(CallerRow.Changed)
    def _caller_changed(self, event: CallerRow.Changed) -> None:
        event.stop()
        self._show_mfa()
        self.post_message(self.Changed(entered=True))
        if event.done:
            self.post_message(self.Finished())


# A question matrix in a line: what is asked, and on what terms. Pure; raw text.


def summary_of(question_matrix: QuestionMatrix) -> str:
    actions, resources = " ".join(question_matrix.actions), " ".join(question_matrix.resources)
    return f"{actions} on {resources}" if resources != "*" else actions


def terms_of(question_matrix: QuestionMatrix) -> str:
    """Context, mode, layers left out, where, and how the caller comes; "" when all of it is as usual."""
    terms = question_matrix.terms
    parts = [write_context(terms.context)] if terms.context else []
    if terms.mode is Mode.STRICT:
        parts.append("strict")
    if terms.layers_off:
        parts.append(f"without {', '.join(LAYER_NAMES[layer].short for layer in sorted(terms.layers_off))}")
    if terms.resource_account:
        parts.append(f"resource of account {terms.resource_account}")
    if terms.region:
        parts.append(f"region {terms.region}")
    if question_matrix.chained_from:
        parts.append(f"chained from {question_matrix.chained_from}")
    if terms.session_policies:
        parts.append("with a session policy")
    if question_matrix.with_checks:
        parts.append(f"with {', '.join(question_matrix.with_checks)}")
    return "  ".join(parts)
