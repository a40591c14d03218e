"""The three fields of a question, their completions, and the question they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Protocol

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label, Static
from textual.worker import get_current_worker

from iamtui.account.model import Account
from iamtui.analysis.question import Question
from iamtui.evaluation.decision import Layer
from iamtui.tui.safe import line
from iamtui.tui.widgets.question.completion import CONTEXT_KEYS, MOST, best_matches, fill_template, last_word
from iamtui.tui.widgets.question.completion import resource_candidates as candidates_for
from iamtui.tui.widgets.question.context import cycle_mfa, mfa_state, parse_context
from iamtui.tui.widgets.question.field import CompletingInput, Completions
from iamtui.workspace.workspace import Workspace


class ActionCatalogue(Protocol):
    """What the form asks the catalogue. The first call may load it; all are made in a thread."""

    def search(self, text: str, limit: int) -> Sequence[str]:
        """Actions that fit the text, best first."""

    def known(self, action: str) -> bool:
        """Whether AWS lists this action (any letter case)."""

    def arn_forms(self, action: str) -> Sequence[str]:
        """The ARN forms of the resources the action works on, with `${...}` in them."""

    def condition_keys(self, action: str) -> Sequence[str]:
        """The condition keys of the action and its resources, beside the global ones."""


class ActionField(CompletingInput):
    """The action: Enter takes the first completion unless the text is an action or a pattern."""

    def stands_alone(self, text: str) -> bool:
        """Keep an action as AWS writes it, a pattern, or nothing."""
        return not text or "*" in text or super().stands_alone(text)


class ResourceField(CompletingInput):
    """The resource: Enter keeps an ARN, a star or nothing, and takes the first completion for other text."""

    def stands_alone(self, text: str) -> bool:
        """Keep what can be a resource."""
        return text in ("", "*") or text.startswith("arn:")


class ContextField(CompletingInput):
    """The context: a completion replaces the last word; Enter keeps a word that has a value."""

    def stands_alone(self, text: str) -> bool:
        """Keep an empty or a complete last word."""
        word = last_word(text)[1]
        return not word or "=" in word

    def is_part(self, value: str) -> bool:
        """A key without its value."""
        return value.endswith(("=", "/"))

    def take(self, value: str) -> None:
        """Put a completion in the place of the last word."""
        super().take(last_word(self.value)[0] + value)


class QuestionForm(Vertical):
    """Action, resource and context. Says `Changed` at every change; `question()` is what they ask."""

    HELP_TITLE: ClassVar[str] = "Question"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "cycle_mfa", "MFA", id="question.mfa", tooltip="The caller used MFA: yes, no, not said"),
    ]

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
        values: Sequence[str]

    def __init__(self, catalogue: ActionCatalogue) -> None:
        super().__init__()
        self._catalogue = catalogue
        self._workspace: Workspace | None = None
        self._mfa: bool | None = None
        self._mfa_shown = False
        self.missing_keys: tuple[str, ...] = ()
        """Condition keys that mattered for the last answer and were not given: offered first."""
        self.layers_off: frozenset[Layer] = frozenset()
        self.action_field = ActionField(
            Completions(), placeholder="service:Action, part of a name is enough", id="question-action"
        )
        self.resource_field = ResourceField(
            Completions(), placeholder="ARN, pattern or * (empty: *)", id="question-resource"
        )
        self.context_field = ContextField(Completions(), placeholder="key=value ...", id="question-context")

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

    def on_mount(self) -> None:
        """Show the state of the MFA toggle."""
        self._show_mfa()

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Complete from this account from now on."""
        self._workspace = workspace

    @property
    def _account(self) -> Account | None:
        return self._workspace.account if self._workspace is not None else None

    @property
    def action_text(self) -> str:
        """The action as typed, without spaces around it."""
        return self.action_field.value.strip()

    def question(self) -> Question:
        """The question that the fields ask.

        Raises:
            Problem: the context line cannot be read.
        """
        return Question(
            action=self.action_text,
            resource=self.resource_field.value.strip() or "*",
            context=parse_context(self.context_field.value),
            layers_off=self.layers_off,
        )

    def fill(self, action: str, resource: str = "", context: str = "") -> None:
        """Put a question into the fields, as if it had been entered."""
        with self.prevent(Input.Changed):
            for field, value in (
                (self.action_field, action),
                (self.resource_field, resource),
                (self.context_field, context),
            ):
                field.value = value
                field.close()
        self._show_mfa()
        self.post_message(self.Changed(entered=True))

    def action_cycle_mfa(self) -> None:
        """Say that the caller used MFA, that they did not, or leave it open."""
        self.context_field.value = cycle_mfa(self.context_field.value)
        self.context_field.cursor_position = len(self.context_field.value)

    def switch_layer(self, layer: Layer) -> None:
        """Leave a layer out of the evaluation, or take it in again."""
        self.layers_off = self.layers_off ^ {layer}
        self.post_message(self.Changed(entered=True))

    def _show_mfa(self) -> None:
        state = mfa_state(self.context_field.value)
        if self._mfa_shown and state == self._mfa:
            return
        self._mfa, self._mfa_shown = state, True
        words = {True: ("yes", "$verdict-allowed"), False: ("no", "$verdict-denied"), None: ("?", "$muted")}
        self.query_one("#question-mfa", Static).update(line(("^t ", "$faint"), ("MFA ", "$muted"), words[state]))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        field = event.input
        if not isinstance(field, CompletingInput):
            return
        if field is self.context_field:
            self._show_mfa()
        if field.has_focus:
            self._complete(field)
        self.post_message(self.Changed(entered=False))

    @on(events.DescendantFocus)
    def _entered_field(self, event: events.DescendantFocus) -> None:
        if event.widget is self.resource_field and self.action_text:
            self._complete(self.resource_field)

    def _complete(self, field: CompletingInput) -> None:
        """Find completions in a thread: the catalogue may still have to be loaded."""
        text = field.value
        if field is self.action_field and not text.strip():
            field.close()
            return
        find = partial(self._find, field, text, self.action_text, self._account, self._region)
        self.run_worker(find, thread=True, exclusive=True, group="completion", exit_on_error=False)

    @property
    def _region(self) -> str:
        return self._workspace.source.region if self._workspace is not None else ""

    def _find(self, field: CompletingInput, text: str, action: str, account: Account | None, region: str) -> None:
        worker = get_current_worker()
        if worker.is_cancelled:
            return
        needle = text.strip()
        if field is self.action_field:
            values = list(self._catalogue.search(needle, MOST))
        elif field is self.context_field:
            needle = last_word(text)[1]
            values = self._keys(needle, action)
        else:
            forms = [fill_template(form, account, region) for form in self._catalogue.arn_forms(action)]
            service = action.partition(":")[0] if ":" in action else ""
            values = best_matches(needle, candidates_for(account, forms, service))
        if not worker.is_cancelled:
            self.post_message(self._Offer(field, text, needle, values))

    @on(_Offer)
    def _found(self, event: _Offer) -> None:
        event.stop()
        if event.field.value == event.text:
            only_itself = list(event.values) == [event.needle]
            event.field.offer(() if only_itself else event.values, event.needle)

    def _keys(self, word: str, action: str) -> list[str]:
        """Condition keys to offer: those the last answer missed, then the action's own, then the common ones."""
        wanted = [f"{key}=" for key in self.missing_keys]
        if not word or "=" in word:
            return [] if word else wanted
        own = [
            key if key.endswith("/") else f"{key}="
            for key in map(_without_name, self._catalogue.condition_keys(action))
        ]
        return best_matches(word, dict.fromkeys([*wanted, *own, *CONTEXT_KEYS]))

    @on(CompletingInput.Entered)
    def _accepted(self, event: CompletingInput.Entered) -> None:
        event.stop()
        self.post_message(self.Changed(entered=True))
        if event.field is self.action_field:
            self.resource_field.focus()
        else:
            self.post_message(self.Finished())


def _without_name(key: str) -> str:
    """A key such as `aws:ResourceTag/${TagKey}` without the part that a person fills in."""
    return key.partition("${")[0]
