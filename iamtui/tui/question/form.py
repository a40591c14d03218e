"""QuestionForm: the question matrix that the fields make, and the ways to change it other than by typing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, structs
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from iamtui.engine.request import Mode
from iamtui.problem import Problem
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.text import safe_text
from iamtui.tui import clock
from iamtui.tui.background import Work, in_thread
from iamtui.tui.content import line, plain
from iamtui.tui.question.asking import SearchableCatalogue
from iamtui.tui.question.caller import CHAINED, SESSION, CallerRow
from iamtui.tui.question.completing_input import (
    ActionField,
    CompletingInput,
    Completions,
    ContextField,
    Offer,
    ResourceField,
    joined,
    last_word,
    said,
)
from iamtui.tui.question.context_field import (
    ABSENT,
    MFA_KEY,
    ContextView,
    cycle_mfa,
    mfa_state,
    mfa_words,
    parse_context,
    read_context,
    with_key,
    with_keys,
    write_context,
)
from iamtui.tui.textual_internals import is_displayed
from iamtui.tui.widgets.lists.line_list import LineView
from iamtui.tui.widgets.status import Notice
from iamtui.workspace.ask.context_syntax import written_values

if TYPE_CHECKING:
    from iamtui.account.model import Account
    from iamtui.engine.decision import Decision, Layer
    from iamtui.tui.question.completion import Completer, CompletionContext
    from iamtui.workspace.source.workspace import Workspace

_RESOURCE_HINT = "ARN, pattern or * (empty: *)"
_NO_RESOURCE_HINT = "needs no resource"


class FormTerms(Struct, frozen=True):
    """Terms of a question besides the text of its fields.

    Args:
        mode: how keys that nobody gave are read.
        layers_off: layers that are left out.
        resource_account: the owner of the resource, when its ARN does not say.
        region: the region of the request, when neither the resource nor the context says; "" for the source's.
        with_checks: companions that the call does make, to the resources they are made on.
        checks_of: the actions of that call; for other actions, nothing is said of companions.
        scope_downs: policies that the caller's credentials are scoped down by, as a saved question gives them.
    """

    mode: Mode = Mode.DISCOVER
    layers_off: frozenset[Layer] = frozenset()
    resource_account: str | None = None
    region: str = ""
    with_checks: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    checks_of: tuple[str, ...] = ()
    scope_downs: tuple[str, ...] = ()


class QuestionForm(Vertical):
    """Actions, resources, context and caller, of which it makes a question matrix, and which it fills.

    Says `Changed` at every change, `Finished` at the last Enter.
    """

    DEFAULT_CSS = """
    QuestionForm {
        height: auto;

        & .row {
            height: 1;
            padding: 0 1;
        }
        & .row Label {
            width: 9;
            color: $muted;
        }
        & .row Label.-entered {
            color: $heading;
            text-style: bold;
        }
        & Input {
            width: 1fr;
            background: $foreground 6%;
        }
        & Input:focus {
            background: $foreground 12%;
        }
        & #question-mfa {
            width: 11;
            padding-left: 1;
            color: $muted;
        }
    }
    """

    @dataclass(eq=False, repr=False)
    class QuestionChanged(Message):
        """The fields changed. `entered`: Enter was pressed, so that words that may be half typed count."""

        entered: bool

    @dataclass(eq=False, repr=False)
    class Finished(Message):
        """Enter was pressed in the last field."""

    @dataclass(eq=False, repr=False)
    class Resized(Message):
        """The fields take so many lines now."""

        height: int

    def __init__(self, catalogue: SearchableCatalogue) -> None:
        super().__init__()
        self._completion = FieldCompletion(self, catalogue)
        self._workspace: Workspace | None = None
        self._mfa: bool | None = None
        self._mfa_shown = False
        self._no_resource_for = ""
        self._example = "", ""
        """An ARN like those that the actions of a text work on, and that text."""
        self._decision: Decision | None = None
        self._short = self._hides_later = False
        self._read: tuple[str, Mapping[str, tuple[str, ...]]] = ("", {})
        self.keys_stay = False
        """True where the condition keys have room beside the answer, so that they stay when they are left."""
        self.terms = FormTerms()
        self._came_from: Widget | None = None
        """Widget that had the focus before the condition keys."""
        self.recent_resources: tuple[str, ...] = ()
        """Resources of earlier questions, the newest first."""
        self.action_field = ActionField(
            Completions(), placeholder="service:Action, part of a name is enough", id="question-action"
        )
        self.resource_field = ResourceField(Completions(), placeholder=_RESOURCE_HINT, id="question-resource")
        self.context_field = ContextField(Completions(), placeholder="key=value ...", id="question-context")
        self.caller_row = CallerRow()
        self.context_view = ContextView(id="question-keys")

    def compose(self) -> ComposeResult:
        with Horizontal(classes="row"):
            yield Label("Action")
            yield self.action_field
        yield self.action_field.completions
        with Horizontal(classes="row -later"):
            yield Label("Resource")
            yield self.resource_field
        yield self.resource_field.completions
        with Horizontal(classes="row -later"):
            yield Label("Context")
            yield self.context_field
            yield Static(id="question-mfa")
        yield self.context_field.completions
        yield self.context_view
        yield self.caller_row

    def on_mount(self) -> None:
        self._show_mfa()

    def set_workspace(self, workspace: Workspace | None) -> None:
        self._workspace = workspace

    @property
    def action_text(self) -> str:
        return self.action_field.value.strip()

    @property
    def _missing_keys(self) -> tuple[str, ...]:
        """Condition keys that mattered for the last answer and were not given: offered first."""
        return self._decision.missing_context if self._decision is not None else ()

    def _show_mfa(self) -> None:
        state = mfa_state(self.context_field.value)
        if state is None and self.caller_row.says_mfa:
            state = True
        if self._mfa_shown and state == self._mfa:
            return
        self._mfa, self._mfa_shown = state, True
        words = {True: ("yes", "$verdict-allowed"), False: ("no", "$verdict-denied"), None: ("?", "$muted")}
        self.query_one("#question-mfa", Static).update(
            line(("^t ", "$faint"), ("MFA ", "$muted"), words[state]), layout=False
        )

    # Completing.

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        entry = event.input
        if not isinstance(entry, CompletingInput):
            return
        if entry is self.action_field:
            self.action_field.unedited = False
        elif entry is not self.resource_field:
            self._show_mfa()
        if entry.has_focus:
            self._complete(entry)
        self.post_message(self.QuestionChanged(entered=False))

    def shorten(self, *, short: bool) -> None:
        self._short = short
        self._show_later()

    def _show_later(self) -> None:
        hides = self._short and not self.has_focus_within
        if hides is not self._hides_later:
            self._hides_later = hides
            for row in self.query(".-later"):
                row.styles.display = "none" if hides else None

    @on(events.DescendantFocus)
    def _light_row(self, event: events.DescendantFocus) -> None:
        self._show_later()
        _set_entered(event.widget, entered=True)

    @on(events.DescendantBlur)
    def _darken_row(self, event: events.DescendantBlur) -> None:
        self._show_later()
        _set_entered(event.widget, entered=False)

    @on(events.DescendantFocus)
    def _entered_field(self, event: events.DescendantFocus) -> None:
        if event.widget is self.resource_field:
            if self.action_text and not self._needs_none:
                # The text is selected, so that typing replaces it: everything is offered in its place.
                self._complete(self.resource_field, "")
        elif event.widget is self.context_field and self._missing_keys and not self.context_field.word:
            self._complete(self.context_field)
        elif event.widget is self.action_field and self.resource_field.value and not self.action_text:
            self._complete(self.action_field)

    @on(events.DescendantBlur)
    def _left_field(self, event: events.DescendantBlur) -> None:
        typed = (self.context_field, self.caller_row.field)
        if isinstance(event.widget, CompletingInput) and event.widget in typed and event.widget.word:
            # Half a word says nothing while it is typed; left behind it is a mistake.
            self.post_message(self.QuestionChanged(entered=False))

    def _complete(self, entry: CompletingInput, word: str | None = None) -> None:
        word = entry.word if word is None else word
        if (entry is self.action_field and not word and not self.resource_field.value) or (
            entry is self.context_field and not self._readable
        ):
            # What is wrong with the context is said where its keys would be listed.
            entry.close()
            return
        around, fields = self._surroundings(), (self.action_field, self.context_field, self.caller_row.field)

        def search(completer: Completer) -> Sequence[Offer]:
            if entry is fields[0]:
                return completer.actions(word, around.resources)
            if entry is fields[1]:
                return completer.context(word, around, clock.now())
            return completer.caller(word, around) if entry is fields[2] else completer.resources(word, around)

        self._completion.complete(entry, word, search)

    @property
    def _readable(self) -> bool:
        try:
            read_context(last_word(self.context_field.value, commas=False)[0], clock.now())
        except Problem:
            return False
        return True

    def _surroundings(self) -> CompletionContext:
        from iamtui.tui.question.completion import CompletionContext, wanted_values

        workspace = self._workspace
        try:
            before = last_word(self.context_field.value, commas=False)[0]
            given = frozenset(key.lower() for key in parse_context(before))
        except Problem:
            given = frozenset()
        return CompletionContext(
            workspace.account if workspace is not None else None,
            workspace.source.region if workspace is not None else "",
            said(self.action_field.value, commas=True),
            self._missing_keys,
            self.recent_resources,
            given,
            wanted_values(self._decision),
            said(self.resource_field.value, commas=False),
        )

    # Whether there is a resource to name.

    @property
    def _needs_none(self) -> bool:
        return bool(self.action_text) and self._no_resource_for == self.action_text

    def _look_for_resources(self) -> None:
        actions = said(self.action_field.value, commas=True)
        self._completion.look_for_resources(self.action_text, actions, self._resources_found)

    def _resources_found(self, action_text: str, none_needed: bool, example: str) -> None:
        if action_text != self.action_text:
            return
        self._no_resource_for = action_text if none_needed else ""
        self._example = action_text, example
        hint = f"{example} (empty: *)" if example else _RESOURCE_HINT
        self.resource_field.placeholder = safe_text(_NO_RESOURCE_HINT if none_needed else hint)
        if none_needed and self.resource_field.has_focus and not self.resource_field.value:
            self.post_message(self.Finished())

    @on(CompletingInput.Entered)
    def _accepted(self, event: CompletingInput.Entered) -> None:
        event.stop()
        if event.field is self.action_field:
            self.action_field.unedited = True
            self.resource_field.focus()
            self._look_for_resources()
        self.post_message(self.QuestionChanged(entered=True))
        if event.field is not self.action_field:
            self.post_message(self.Finished())

    def set_decision(self, decision: Decision | None) -> None:
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
            scope_downs=self.terms.scope_downs,
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
        """Half-typed part of the context or the caller that is not in the question yet; "" for nothing.

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
    def how_to_name_it(self) -> str:
        """Advice how to name a resource, in a sentence."""
        actions, example = self._example
        return (
            f"Type it as {example if example and actions == self.action_text else 'arn:aws:…'}, or * for any resource."
        )

    @property
    def how_to_finish(self) -> str:
        if self.action_field.is_open:
            return "Choose one from the list: Down, and Enter takes it."
        return "Type the rest of its name, or take one with Tab."

    def fill(self, action: str, resource: str = "", context: str = "") -> None:
        self.terms = FormTerms(self.terms.mode, self.terms.layers_off)
        self._fill(action, resource, context, [], {})

    def fill_matrix(self, question_matrix: QuestionMatrix) -> None:
        asked = question_matrix.terms
        policies = {f"given-{number}": text for number, text in enumerate(asked.session_policies, 1)}
        caller = [f"{SESSION}{name}" for name in policies]
        if question_matrix.chained_from:
            caller.append(f"{CHAINED}{question_matrix.chained_from}")
        checks, actions = question_matrix.with_checks, tuple(question_matrix.actions)
        self.terms = FormTerms(
            asked.mode, asked.layers_off, asked.resource_account, asked.region, checks, actions, asked.scope_downs
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
        self.post_message(self.QuestionChanged(entered=True))

    # Changing the terms.

    def cycle_mfa(self) -> None:
        self._put_context(cycle_mfa(self.context_field.value))
        if not is_displayed(self.context_field):
            self.post_message(Notice(plain(mfa_words(self.context_field.value))))

    def set_key(self, key: str, value: str) -> None:
        self.screen.set_focus(self.context_field)
        self._put_context(with_key(self.context_field.value, key, value))

    def set_keys(self, keys: Mapping[str, tuple[str, ...]]) -> None:
        self._put_context(with_keys(self.context_field.value, keys))

    def clear_context(self) -> None:
        self._put_context("")

    def _put_context(self, text: str) -> None:
        self.context_field.value = text
        self.context_field.cursor_position = len(self.context_field.value)

    def set_checks(self, checks: Mapping[str, tuple[str, ...]]) -> None:
        """Say what the call does besides its action, as long as the action stays."""
        actions = said(self.action_field.value, commas=True)
        self.terms = structs.replace(self.terms, with_checks=checks, checks_of=actions)
        self.post_message(self.QuestionChanged(entered=True))

    def switch_layer(self, layer: Layer) -> None:
        self.terms = structs.replace(self.terms, layers_off=self.terms.layers_off ^ {layer})
        self.post_message(self.QuestionChanged(entered=True))

    def switch_mode(self) -> None:
        strict = self.terms.mode is Mode.STRICT
        self.terms = structs.replace(self.terms, mode=Mode.DISCOVER if strict else Mode.STRICT)
        self.post_message(self.QuestionChanged(entered=True))

    def open_caller(self) -> None:
        self.caller_row.open()
        if not self.caller_row.field.value:
            self._complete(self.caller_row.field)

    def on_resize(self, event: events.Resize) -> None:
        """Rows that come and go leave more or less room to the answer."""
        self.post_message(self.Resized(event.size.height))

    def open_keys(self) -> None:
        self._came_from = self.screen.focused
        self.show_keys(shown=True)
        self.screen.set_focus(self.context_view)

    def show_keys(self, *, shown: bool) -> None:
        self.context_view.set_class(shown, "-open")
        if shown:
            self.context_view.show(self._decision)
            self.context_view.to_top()

    @on(ContextView.KeysLeft)
    def _keys_left(self, event: ContextView.KeysLeft) -> None:
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

    @on(CallerRow.CallerChanged)
    def _caller_changed(self, event: CallerRow.CallerChanged) -> None:
        event.stop()
        self._show_mfa()
        self.post_message(self.QuestionChanged(entered=True))
        if event.done:
            self.post_message(self.Finished())


class FieldCompletion:
    """Finds in threads what the fields of a widget may be completed to; the catalogue may still have to be loaded."""

    def __init__(self, host: Widget, catalogue: SearchableCatalogue) -> None:
        self._host = host
        self._catalogue = catalogue

    @cached_property
    def _completer(self) -> Completer:
        from iamtui.tui.question.completion import Completer

        return Completer(self._catalogue)

    def complete(self, entry: CompletingInput, word: str, search: Callable[[Completer], Sequence[Offer]]) -> None:
        """Offer in a field what a search finds for a word, unless the field has another text by then."""
        text = entry.value

        def find(work: Work) -> None:
            if work.cancelled():
                return
            offers = search(self._completer)
            work.tell(self._offer, entry, text, word, offers)

        in_thread(self._host, find, lambda _problem: None, name="completing", group="completion")

    def _offer(self, entry: CompletingInput, text: str, word: str, offers: Sequence[Offer]) -> None:
        if entry.value == text:
            only_itself = [offer.value for offer in offers] == [word] and not offers[0].about
            entry.offer(() if only_itself else offers, word)

    def look_for_resources(self, text: str, actions: Sequence[str], found: Callable[[str, bool, str], object]) -> None:
        """Find out on what actions work; `found` gets their text, whether that is nothing, and an ARN like of those."""

        def find(work: Work) -> None:
            none_needed, example = self._completer.wanted_resource(actions)
            work.tell(found, text, none_needed, example)

        in_thread(self._host, find, lambda _problem: None, name="looking up resource types", group="resource-types")


def _set_entered(field: Widget, *, entered: bool) -> None:
    """Mark a field's label, whose style alone depends on that, as the one of the field that is typed into."""
    if isinstance(field.parent, Horizontal):
        field.parent.query(Label).set_class(entered, "-entered")
