"""The fields of a question, and the inquiry they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label, Static
from textual.worker import get_current_worker

from iamtui.analysis.inquiry import Inquiry
from iamtui.analysis.question import Question
from iamtui.evaluation.decision import Layer
from iamtui.evaluation.request import Mode
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.safe import line
from iamtui.tui.widgets.line_view import LineView
from iamtui.tui.widgets.question.caller import CHAINED, SESSION, CallerTerms, read_caller, read_policy_file
from iamtui.tui.widgets.question.catalogue import ActionCatalogue
from iamtui.tui.widgets.question.completing import Completer, Surroundings
from iamtui.tui.widgets.question.context import (
    MFA_KEY,
    cycle_mfa,
    mfa_state,
    parse_context,
    read_context,
    with_key,
    write_context,
)
from iamtui.tui.widgets.question.field import CompletingInput, Completions, Offer
from iamtui.tui.widgets.question.fields import ActionField, CallerField, ContextField, ResourceField
from iamtui.tui.widgets.question.words import joined, said
from iamtui.workspace.workspace import Workspace

_RESOURCE_HINT = "ARN, pattern or * (empty: *)"
_NO_RESOURCE_HINT = "needs no resource"
_GIVEN_TEXT = "given-"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a question rests on besides the text of its fields.

    Args:
        mode: how keys that nobody gave are read.
        layers_off: layers that are left out.
        absent: condition keys said to be absent, which the context line cannot write.
        resource_account: the owner of the resource, when its ARN does not say.
        texts: the session policies that were read, by what stands behind `session=`.
    """

    mode: Mode = Mode.DISCOVER
    layers_off: frozenset[Layer] = frozenset()
    absent: tuple[str, ...] = ()
    resource_account: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)


class QuestionForm(Vertical):
    """Actions, resources, context and caller. Says `Changed` at every change; `inquiry()` is what they ask."""

    HELP_TITLE: ClassVar[str] = "Question"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "cycle_mfa", "MFA", id="question.mfa", tooltip="The caller used MFA: yes, no, not said"),
        Binding(
            "f4", "caller", "Caller", show=False, id="question.caller",
            tooltip="Say how the caller comes: chained from another role, with a session policy, with MFA",
        ),
    ]  # fmt: skip

    DEFAULT_CSS = """
    QuestionForm {
        height: auto;

        & .row {
            height: 1;
            padding: 0 1;
        }
        & .row.-unused {
            display: none;
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
    class WritePolicy(Message):
        """The user wants to write a session policy."""

        text: str

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

    @dataclass
    class _PolicyRead(Message):
        name: str
        text: str = ""
        problem: Problem | None = None

    def __init__(self, catalogue: ActionCatalogue) -> None:
        super().__init__()
        self._completer = Completer(catalogue)
        self._workspace: Workspace | None = None
        self._mfa: bool | None = None
        self._mfa_shown = False
        self._read: tuple[str, Mapping[str, tuple[str, ...]]] = ("", {})
        self._no_resource_for = ""
        self._unread: dict[str, Problem] = {}
        self.missing_keys: tuple[str, ...] = ()
        """Condition keys that mattered for the last answer and were not given: offered first."""
        self.recent_resources: tuple[str, ...] = ()
        """Resources of earlier questions, the newest first."""
        self.terms = Terms()
        self.action_field = ActionField(
            Completions(), placeholder="service:Action, part of a name is enough", id="question-action"
        )
        self.resource_field = ResourceField(Completions(), placeholder=_RESOURCE_HINT, id="question-resource")
        self.context_field = ContextField(Completions(), placeholder="key=value ...", id="question-context")
        self.caller_field = CallerField(
            Completions(), placeholder="mfa, from=role/NAME, session=FILE", id="question-caller"
        )

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
        with Horizontal(id="question-caller-row", classes="row -later -unused"):
            yield Label("Caller", classes="name")
            yield self.caller_field
        yield self.caller_field.completions

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

    # What the fields ask.

    def inquiry(self) -> Inquiry:
        """The inquiry that the fields make; without an action it has none.

        Raises:
            Problem: the context or the caller's line cannot be read.
        """
        caller = self._caller()
        context = {**self._read_context(), **dict.fromkeys(self.terms.absent, ())}
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
        return Inquiry(actions, resources, terms, chained_from=caller.chained_from)

    def _read_context(self) -> Mapping[str, tuple[str, ...]]:
        """The context; times in words keep the moment at which they were typed, so that the question stays the same."""
        text = self.context_field.value
        if text != self._read[0]:
            self._read = (text, read_context(text, clock.now()))
        return self._read[1]

    def _caller(self) -> CallerTerms:
        account = self._workspace.account if self._workspace is not None else None
        text = self.caller_field.value
        unread = next((self._unread[word] for word in said(text, commas=False) if word in self._unread), None)
        if unread is not None:
            raise unread
        return read_caller(text, account, self.terms.texts)

    def fill(
        self, action: str, resource: str = "", context: str = "", caller: str = "", *, terms: Terms | None = None
    ) -> None:
        """Put texts into the fields, as if they had been entered.

        Args:
            action, resource, context, caller: as they are typed.
            terms: the rest; None: layers and mode stay, all else is as at the start.
        """
        self.terms = terms or Terms(self.terms.mode, self.terms.layers_off)
        with self.prevent(Input.Changed):
            for entry, value in (
                (self.action_field, action),
                (self.resource_field, resource),
                (self.context_field, context),
                (self.caller_field, caller),
            ):
                entry.value = value
                entry.cursor_position = len(entry.value)
                entry.close()
        self.action_field.unedited = True
        self._show_caller(bool(caller))
        self._show_mfa()
        self._look_for_resources()
        self.post_message(self.Changed(entered=True))

    def fill_inquiry(self, inquiry: Inquiry) -> None:
        """Put an inquiry into the fields, as if it had been entered."""
        asked = inquiry.terms
        texts = {f"{_GIVEN_TEXT}{number}": text for number, text in enumerate(asked.session_policies, 1)}
        caller = [f"{SESSION}{name}" for name in texts]
        if inquiry.chained_from:
            caller.append(f"{CHAINED}{inquiry.chained_from}")
        self.fill(
            joined(inquiry.actions),
            joined(inquiry.resources) if inquiry.resources != ("*",) else "",
            write_context(asked.context),
            joined(caller),
            terms=Terms(
                asked.mode,
                asked.layers_off,
                tuple(key for key, values in asked.context.items() if not values),
                asked.resource_account,
                texts,
            ),
        )

    # Changing the terms.

    def action_cycle_mfa(self) -> None:
        """Say that the caller used MFA, that they did not, or leave it open."""
        self._put_context(cycle_mfa(self.context_field.value))

    def set_key(self, key: str, value: str | None) -> None:
        """Give a condition key a value in the context line; "" leaves it to be typed there; None takes it out."""
        text = with_key(self.context_field.value, key, value)
        if value == "":
            self.context_field.focus()
        self._put_context(text)

    def clear_context(self) -> None:
        """Give no condition key."""
        self.terms = replace(self.terms, absent=())
        self._put_context("")
        self.post_message(self.Changed(entered=True))

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

    def action_caller(self) -> None:
        """Go to the caller's line."""
        self._show_caller(True)
        self.caller_field.focus()
        if not self.caller_field.value:
            self._complete(self.caller_field)

    def set_written_policy(self, text: str) -> None:
        """Take the session policy that was written."""
        self._take_policy("written", text)

    def _take_policy(self, name: str, text: str) -> None:
        self._unread.pop(f"{SESSION}{name}", None)
        self.terms = replace(self.terms, texts={**self.terms.texts, name: text})
        self.post_message(self.Changed(entered=True))

    def _show_caller(self, shown: bool) -> None:
        self.query_one("#question-caller-row").set_class(not shown, "-unused")

    def _show_mfa(self) -> None:
        state = mfa_state(self.context_field.value)
        if state is None and "mfa" in self.caller_field.value.lower().split():
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
        elif event.widget is self.context_field and self.missing_keys and not self.context_field.word:
            self._complete(self.context_field)

    @on(events.DescendantBlur)
    def _left_field(self, event: events.DescendantBlur) -> None:
        if event.widget is self.caller_field and not self.caller_field.value.strip():
            self._show_caller(False)

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
            self.missing_keys,
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
        elif entry is self.caller_field:
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
        elif event.field is self.caller_field and self._read_policies():
            return
        self.post_message(self.Changed(entered=True))
        if event.field is not self.action_field:
            self.post_message(self.Finished())

    # Session policies.

    def _read_policies(self) -> bool:
        """Have the policies read that the caller's line names; whether there is something to wait for."""
        for word in said(self.caller_field.value, commas=False):
            name = word.removeprefix(SESSION)
            if name == word or not name or name.startswith("{") or name in self.terms.texts:
                continue
            if name == "written":
                self.post_message(self.WritePolicy(""))
            else:
                read = partial(self._read_policy, name)
                self.run_worker(read, thread=True, exclusive=True, group="session-policy", exit_on_error=False)
            return True
        return False

    def _read_policy(self, name: str) -> None:
        try:
            self.post_message(self._PolicyRead(name, read_policy_file(name)))
        except Problem as problem:
            self.post_message(self._PolicyRead(name, problem=problem))

    @on(_PolicyRead)
    def _policy_read(self, event: _PolicyRead) -> None:
        event.stop()
        if event.problem is None:
            self._take_policy(event.name, event.text)
            self.post_message(self.Finished())
        else:
            self._unread[f"{SESSION}{event.name}"] = event.problem
            self.post_message(self.Changed(entered=True))
