"""The fields of a question, and the inquiry they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label, Static
from textual.worker import get_current_worker

from iamtui.analysis.inquiry import Inquiry
from iamtui.analysis.question import Question
from iamtui.evaluation.decision import Decision, Layer
from iamtui.evaluation.request import Mode
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.safe import line
from iamtui.tui.widgets.line_view import LineView
from iamtui.tui.widgets.question.caller import CHAINED, SESSION
from iamtui.tui.widgets.question.caller_row import CallerRow
from iamtui.tui.widgets.question.catalogue import ActionCatalogue
from iamtui.tui.widgets.question.completing import Completer, Surroundings
from iamtui.tui.widgets.question.context import (
    MFA_KEY,
    cycle_mfa,
    mfa_state,
    parse_context,
    read_context,
    with_key,
    with_keys,
    write_context,
)
from iamtui.tui.widgets.question.context_view import ContextView
from iamtui.tui.widgets.question.field import CompletingInput, Completions, Offer
from iamtui.tui.widgets.question.fields import ActionField, ContextField, ResourceField
from iamtui.tui.widgets.question.words import joined, said
from iamtui.workspace.workspace import Workspace

_RESOURCE_HINT = "ARN, pattern or * (empty: *)"
_NO_RESOURCE_HINT = "needs no resource"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a question rests on besides the text of its fields.

    Args:
        mode: how keys that nobody gave are read.
        layers_off: layers that are left out.
        resource_account: the owner of the resource, when its ARN does not say.
        with_checks: companions that the call does make, to the resources they are made on.
    """

    mode: Mode = Mode.DISCOVER
    layers_off: frozenset[Layer] = frozenset()
    resource_account: str | None = None
    with_checks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class QuestionForm(Vertical):
    """Actions, resources, context and caller. Says `Changed` at every change; `inquiry()` is what they ask."""

    HELP_TITLE: ClassVar[str] = "Question"

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
        & .row:focus-within Label.name {
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

    @dataclass
    class Changed(Message):
        """The fields changed. `entered`: Enter was pressed, so that what stands there is meant."""

        entered: bool

    @dataclass
    class Finished(Message):
        """Enter was pressed in the last field."""

    @dataclass
    class _Offer(Message):
        field: CompletingInput
        text: str
        needle: str
        offers: Sequence[Offer]

    @dataclass
    class _Resources(Message):
        """Whether the actions that were typed work on resources at all."""

        action_text: str
        none_needed: bool

    def __init__(self, catalogue: ActionCatalogue) -> None:
        super().__init__()
        self._completer = Completer(catalogue)
        self._workspace: Workspace | None = None
        self._mfa: bool | None = None
        self._mfa_shown = False
        self._read: tuple[str, Mapping[str, tuple[str, ...]]] = ("", {})
        self._no_resource_for = ""
        self._decision: Decision | None = None
        self.keys_stay = False
        """Whether there is room for the condition keys beside the answer, so that they stay when they are left."""
        self.recent_resources: tuple[str, ...] = ()
        """Resources of earlier questions, the newest first."""
        self.terms = Terms()
        self.action_field = ActionField(
            Completions(), placeholder="service:Action, part of a name is enough", id="question-action"
        )
        self.resource_field = ResourceField(Completions(), placeholder=_RESOURCE_HINT, id="question-resource")
        self.context_field = ContextField(Completions(), placeholder="key=value ...", id="question-context")
        self.caller_row = CallerRow()
        self.context_view = ContextView(id="question-keys")

    def compose(self) -> ComposeResult:
        """Lay out one row per field, its completions below it."""
        with Horizontal(classes="row"):
            yield Label("Action", classes="name")
            yield self.action_field
        yield self.action_field.completions
        with Horizontal(classes="row -later"):
            yield Label("Resource", classes="name")
            yield self.resource_field
        yield self.resource_field.completions
        with Horizontal(classes="row -later"):
            yield Label("Context", classes="name")
            yield self.context_field
            yield Static(id="question-mfa")
        yield self.context_field.completions
        yield self.context_view
        yield self.caller_row

    def on_mount(self) -> None:
        """Show the state of the MFA toggle."""
        self._show_mfa()

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Complete from this account from now on."""
        self._workspace = workspace

    @property
    def action_text(self) -> str:
        """The actions as typed, without spaces around them."""
        return self.action_field.value.strip()

    @property
    def is_unedited(self) -> bool:
        """Whether the fields stand as they were filled in."""
        return self.action_field.unedited

    def set_decision(self, decision: Decision | None) -> None:
        """Offer the keys that matter for this answer, and show them where they are wanted."""
        self._decision = decision
        if self.context_view.has_class("-open"):
            self.context_view.show(decision)

    @property
    def _missing_keys(self) -> tuple[str, ...]:
        """Condition keys that mattered for the last answer and were not given: offered first."""
        return self._decision.missing_context if self._decision is not None else ()

    # What the fields ask.

    def inquiry(self) -> Inquiry:
        """The inquiry that the fields make; without an action it has none.

        Raises:
            Problem: the context or the caller's line cannot be read.
        """
        caller = self.caller_row.terms(self._workspace.account if self._workspace is not None else None)
        context = dict(self._read_context())
        if caller.mfa and MFA_KEY.lower() not in {key.lower() for key in context}:
            context[MFA_KEY] = ("true",)
        terms = Question(
            action="",
            context=context,
            mode=self.terms.mode,
            resource_account=self.terms.resource_account,
            session_policies=caller.session_policies,
            layers_off=self.terms.layers_off,
        )
        actions = said(self.action_field.value, commas=True)
        resources = said(self.resource_field.value, commas=False) or ("*",)
        return Inquiry(actions, resources, terms, caller.chained_from, self.terms.with_checks)

    def _read_context(self) -> Mapping[str, tuple[str, ...]]:
        """The context; times in words keep the moment at which they were typed, so that the question stays the same."""
        text = self.context_field.value
        if text != self._read[0]:
            self._read = (text, read_context(text, clock.now()))
        return self._read[1]

    def fill(self, action: str, resource: str = "", context: str = "") -> None:
        """Put texts into the fields, as if they had been entered; layers and mode stay."""
        self.terms = Terms(self.terms.mode, self.terms.layers_off)
        self._fill(action, resource, context, [], {})

    def fill_inquiry(self, inquiry: Inquiry) -> None:
        """Put an inquiry into the fields, as if it had been entered."""
        asked = inquiry.terms
        policies = {f"given-{number}": text for number, text in enumerate(asked.session_policies, 1)}
        caller = [f"{SESSION}{name}" for name in policies]
        if inquiry.chained_from:
            caller.append(f"{CHAINED}{inquiry.chained_from}")
        self.terms = Terms(asked.mode, asked.layers_off, asked.resource_account, inquiry.with_checks)
        resources = joined(inquiry.resources) if inquiry.resources != ("*",) else ""
        self._fill(joined(inquiry.actions), resources, write_context(asked.context), caller, policies)

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
        """Give no condition key."""
        self._put_context("")

    def _put_context(self, text: str) -> None:
        self.context_field.value = text
        self.context_field.cursor_position = len(self.context_field.value)

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
        """Go to the caller's line."""
        self.caller_row.open()
        if not self.caller_row.field.value:
            self._complete(self.caller_row.field)

    def switch_keys(self) -> None:
        """Show the condition keys of the answer, or hide them."""
        shown = not self.context_view.has_class("-open")
        self.show_keys(shown)
        if shown:
            self.screen.set_focus(self.context_view)

    def show_keys(self, shown: bool) -> None:
        """Show the condition keys of the answer, or hide them."""
        had_focus = self.context_view.has_focus
        self.context_view.set_class(shown, "-open")
        if shown:
            self.context_view.show(self._decision)
        elif had_focus:
            self.screen.set_focus(self.context_field)

    @on(events.DescendantBlur)
    def _left_keys(self, event: events.DescendantBlur) -> None:
        if event.widget is self.context_view and not self.keys_stay:
            self.context_view.remove_class("-open")

    @on(LineView.LineOpened)
    def _key_opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        row = self.context_view.row
        if row is not None:
            self.set_key(row.key, ",".join(row.value or ()) if row.source == "given" else "")

    @on(CallerRow.Changed)
    def _caller_changed(self, event: CallerRow.Changed) -> None:
        event.stop()
        self._show_mfa()
        self.post_message(self.Changed(entered=True))
        if event.done:
            self.post_message(self.Finished())

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

    @on(events.DescendantFocus)
    def _entered_field(self, event: events.DescendantFocus) -> None:
        if event.widget is self.resource_field:
            if self.action_text and not self._needs_none:
                self._complete(self.resource_field)
        elif event.widget is self.context_field and self._missing_keys and not self.context_field.word:
            self._complete(self.context_field)

    def _complete(self, entry: CompletingInput) -> None:
        """Find completions in a thread: the catalogue may still have to be loaded."""
        word = entry.word
        if entry is self.action_field and not word:
            entry.close()
            return
        find = partial(self._find, entry, entry.value, word, self._surroundings())
        self.run_worker(find, thread=True, exclusive=True, group="completion", exit_on_error=False)

    def _surroundings(self) -> Surroundings:
        workspace = self._workspace
        try:
            given = frozenset(key.lower() for key in parse_context(self.context_field.value))
        except Problem:
            given = frozenset()
        return Surroundings(
            workspace.account if workspace is not None else None,
            workspace.source.region if workspace is not None else "",
            said(self.action_field.value, commas=True),
            self._missing_keys,
            self.recent_resources,
            given,
        )

    def _find(self, entry: CompletingInput, text: str, word: str, around: Surroundings) -> None:
        worker = get_current_worker()
        if worker.is_cancelled:
            return
        offers: Sequence[Offer]
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
