"""The keys of a question, once for its panel and once for the screen around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from textual.binding import Binding

if TYPE_CHECKING:
    from iamtui.presentation.answer import Shown


class QuestionKey(NamedTuple):
    """A key of the question.

    Args:
        action: the panel's action.
        key: does not print, so that it works while a field is typed into.
        label, id, tooltip: as of a Binding.
        letter: another key, which works outside of fields.
        shown: whether the panel's key line shows it.
        owned: whether the screen has an action of the same name.
    """

    action: str
    key: str
    label: str
    id: str
    tooltip: str
    letter: str = ""
    shown: bool = False
    owned: bool = False


_KEYS: Final = (
    QuestionKey("ask", "f5", "Ask", "question.ask", "Ask: go to the action field", "s", shown=True, owned=True),
    QuestionKey(
        "cycle_mfa", "ctrl+t", "MFA", "question.mfa", "The caller used MFA: yes, no, unknown", shown=True
    ),
    QuestionKey("why", "f7", "Why", "question.why", "Show the whole trace of the answer", "w", shown=True, owned=True),
    QuestionKey(
        "presets", "f2", "Presets", "question.presets",
        "Say how the request comes: with MFA, from an address, through an endpoint, in an hour; which role it passes",
        shown=True,
    ),
    QuestionKey(
        "questions", "f3", "Questions", "question.saved", "Choose a question that was asked before or saved"
    ),
    QuestionKey("save", "ctrl+s", "Save", "question.save", "Save the question under a name"),
    QuestionKey(
        "copy_command", "ctrl+y", "Copy as command", "question.copy_command",
        "Copy the iamtui can line that asks the same",
    ),
    QuestionKey(
        "caller", "f4", "Caller", "question.caller",
        "Say how the caller comes: chained from another role, with a session policy, with MFA",
    ),
    QuestionKey(
        "keys", "f9", "Keys", "question.context",
        "Show the condition keys of the answer: given, assumed, derived or unknown",
    ),
    QuestionKey(
        "switch_mode", "ctrl+l", "Strict", "question.mode",
        "Take keys that nobody gave as unknown (discover), or as absent unless AWS always sends them (strict)",
    ),
)  # fmt: skip

_BY_ACTION: Final[Mapping[str, QuestionKey]] = {key.action: key for key in _KEYS}


def in_panel() -> list[Binding]:
    return [Binding(key.key, key.action, key.label, show=key.shown, id=key.id, tooltip=key.tooltip) for key in _KEYS]


def from_screen(*actions: str) -> list[Binding]:
    """Those of these actions, for the screen around the panel, which hands them on with `in_question`."""
    return [_outside(_BY_ACTION[action]) for action in actions]


def _outside(key: QuestionKey) -> Binding:
    keys = f"{key.key},{key.letter}" if key.letter else key.key
    action = key.action if key.owned else f"in_question('{key.action}')"
    return Binding(keys, action, key.label, show=key.owned, id=key.id, tooltip=key.tooltip)


def keys_to_name(shown: Shown | None, *, in_action: bool, types: bool) -> tuple[str, ...]:
    """The ids of the keys that the foot of the panel names.

    Args:
        shown: the answer on screen, or None.
        in_action: whether the focus is in the field of the action.
        types: whether it is in any field.
    """
    typed = ("typed",) if types else ()
    if shown is None:
        return typed if in_action else ("question.ask", *typed)
    helped = () if shown.decision.allowed else ("draft.suggestion",)
    return ("question.why", "question.who_can", *helped, *typed)
