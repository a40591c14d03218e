"""FieldsForm: the fields of a question, what they complete to, and which is entered after which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Static
from textual.worker import get_current_worker

from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.background import making
from iamtui.tui.content import line
from iamtui.tui.question.caller_field import CallerRow
from iamtui.tui.question.completing_input import CompletingInput, Completions, Offer, last_word, said
from iamtui.tui.question.completion import SearchableCatalogue
from iamtui.tui.question.context_field import ContextView, mfa_state, parse_context, read_context
from iamtui.tui.question.fields import ActionField, ContextField, ResourceField
from iamtui.tui.widgets.lists.containers import Column, Row
from iamtui.tui.widgets.lists.line_list import LineView

if TYPE_CHECKING:
    # They bring in the engine or the completions, which are not loaded before the first frame.
    from iamtui.engine.decision import Decision
    from iamtui.tui.question.completer import Completer, CompletionContext
    from iamtui.workspace.workspace import Workspace

_RESOURCE_HINT = "ARN, pattern or * (empty: *)"
_NO_RESOURCE_HINT = "needs no resource"


class FieldsForm(Column):
    """Actions, resources, context and caller. Says `Changed` at every change, `Finished` at the last Enter.

    QuestionForm adds what they ask.
    """

    HELP_TITLE: ClassVar[str] = "Question"

    DEFAULT_CSS = """
    FieldsForm {
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
    class Changed(Message, namespace="question_form"):
        """The fields changed. `entered`: Enter was pressed, so that what stands there is meant."""

        entered: bool

    @dataclass(eq=False, repr=False)
    class Finished(Message, namespace="question_form"):
        """Enter was pressed in the last field."""

    @dataclass(eq=False, repr=False)
    class _Offer(Message):
        field: CompletingInput
        text: str
        needle: str
        offers: Sequence[Offer]

    @dataclass(eq=False, repr=False)
    class _Resources(Message):
        """Whether the actions that were typed work on resources at all."""

        action_text: str
        none_needed: bool

    def __init__(self, catalogue: SearchableCatalogue) -> None:
        super().__init__()
        self._catalogue = catalogue
        self._workspace: Workspace | None = None
        self._mfa: bool | None = None
        self._mfa_shown = False
        self._no_resource_for = ""
        self._decision: Decision | None = None
        self._short = self._hides_later = False
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
        """Lay out one row per field, its completions below it."""
        with Row(classes="row"):
            yield Label("Action")
            yield self.action_field
        yield self.action_field.completions
        with Row(classes="row -later"):
            yield Label("Resource")
            yield self.resource_field
        yield self.resource_field.completions
        with Row(classes="row -later"):
            yield Label("Context")
            yield self.context_field
            yield Static(id="question-mfa")
        yield self.context_field.completions
        yield self.context_view
        yield self.caller_row

    def on_mount(self) -> None:
        self._show_mfa()

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Complete from this account from now on."""
        self._workspace = workspace

    @property
    def action_text(self) -> str:
        """The actions as typed, without spaces around them."""
        return self.action_field.value.strip()

    @property
    def _missing_keys(self) -> tuple[str, ...]:
        """Condition keys that mattered for the last answer and were not given: offered first."""
        return self._decision.missing_context if self._decision is not None else ()

    @cached_property
    def _completer(self) -> Completer:
        from iamtui.tui.question.completer import Completer  # not before the first frame

        return Completer(self._catalogue)

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
        self.post_message(self.Changed(entered=False))

    @on(LineView.CursorMoved)
    def _unused(self, event: LineView.CursorMoved) -> None:
        event.stop()

    @on(Completions.Clicked)
    def _clicked(self, event: Completions.Clicked) -> None:
        event.stop()
        entry = self.app.focused
        if isinstance(entry, CompletingInput) and entry.is_open:
            entry.take_offer(event.index)

    def shorten(self, *, short: bool) -> None:
        """Show the actions alone while nobody types here, or all fields."""
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

    @on(events.DescendantBlur)
    def _left_field(self, event: events.DescendantBlur) -> None:
        typed = (self.context_field, self.caller_row.field)
        if isinstance(event.widget, CompletingInput) and event.widget in typed and event.widget.word:
            # Half a word says nothing while it is typed; left behind it is a mistake.
            self.post_message(self.Changed(entered=False))

    def _complete(self, entry: CompletingInput, word: str | None = None) -> None:
        """Find completions in a thread, for a word (None: the last one): the catalogue may still have to be loaded."""
        word = entry.word if word is None else word
        if (entry is self.action_field and not word) or (entry is self.context_field and not self._readable):
            # What is wrong with the context is said where its keys would be listed.
            entry.close()
            return
        find = partial(self._find, entry, entry.value, word, self._surroundings())
        self.run_worker(
            find, thread=True, exclusive=True, group="completion", description="completion", exit_on_error=False
        )

    @property
    def _readable(self) -> bool:
        """Whether the context makes sense up to the word that is being typed."""
        try:
            read_context(last_word(self.context_field.value, commas=False)[0], clock.now())
        except Problem:
            return False
        return True

    def _surroundings(self) -> CompletionContext:
        from iamtui.tui.question.completer import CompletionContext, wanted_values  # not before the first frame

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
        )

    def _find(self, entry: CompletingInput, text: str, word: str, around: CompletionContext) -> None:
        worker = get_current_worker()
        if worker.is_cancelled:
            return
        offers: Sequence[Offer]
        with making():
            if entry is self.action_field:
                offers = self._completer.actions(word)
            elif entry is self.context_field:
                offers = self._completer.context(word, around, clock.now())
            elif entry is self.caller_row.field:
                offers = self._completer.caller(word, around)
            else:
                offers = self._completer.resources(word, around)
        if not worker.is_cancelled:
            self.post_message(self._Offer(entry, text, word, offers))

    @on(_Offer)
    def _found(self, event: _Offer) -> None:
        event.stop()
        if event.field.value == event.text:
            only_itself = [offer.value for offer in event.offers] == [event.needle] and not event.offers[0].about
            event.field.offer(() if only_itself else event.offers, event.needle)

    # Whether there is a resource to name.

    @property
    def _needs_none(self) -> bool:
        return bool(self.action_text) and self._no_resource_for == self.action_text

    def _look_for_resources(self) -> None:
        """Find out in a thread whether the actions work on resources at all."""
        find = partial(self._find_resources, self.action_text, said(self.action_field.value, commas=True))
        self.run_worker(find, thread=True, exclusive=True, group="resource-types", exit_on_error=False)

    def _find_resources(self, text: str, actions: Sequence[str]) -> None:
        with making():
            none_needed = self._completer.needs_no_resource(actions)
        if not get_current_worker().is_cancelled:
            self.post_message(self._Resources(text, none_needed))

    @on(_Resources)
    def _resources_found(self, event: _Resources) -> None:
        event.stop()
        if event.action_text != self.action_text:
            return
        self._no_resource_for = event.action_text if event.none_needed else ""
        self.resource_field.placeholder = _NO_RESOURCE_HINT if event.none_needed else _RESOURCE_HINT
        if event.none_needed and self.resource_field.has_focus and not self.resource_field.value:
            self.post_message(self.Finished())

    @on(CompletingInput.Entered)
    def _accepted(self, event: CompletingInput.Entered) -> None:
        event.stop()
        if event.field is self.action_field:
            self.action_field.unedited = True
            self.resource_field.focus()
            self._look_for_resources()
        self.post_message(self.Changed(entered=True))
        if event.field is not self.action_field:
            self.post_message(self.Finished())


def _set_entered(field: Widget, *, entered: bool) -> None:
    """Mark a field's label, whose style alone depends on that, as the one of the field that is typed into."""
    if isinstance(field.parent, Row):
        field.parent.query(Label).set_class(entered, "-entered")
