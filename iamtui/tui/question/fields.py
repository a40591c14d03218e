"""The fields of a question: what Enter keeps of each, and which completion needs more typing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.message import Message

from iamtui.problem import Problem
from iamtui.tui import clock, lazy
from iamtui.tui.question.caller import CHAINED, MFA
from iamtui.tui.question.completing_input import QUOTES, CompletingInput
from iamtui.tui.question.context_field import ABSENT


class ActionField(CompletingInput):
    """The actions: Enter takes the first completion unless the word is an action or a pattern.

    With no completions open, Up and Down walk through earlier questions as long as the text is not edited.
    """

    COMMAS: ClassVar[bool] = True

    @dataclass(eq=False, repr=False)
    class Walked(Message):
        """The user wants the question before (1) or after (-1) in the history."""

        step: int

    unedited = True
    """Whether the text stands as it was filled in, so that Up is not taken from somebody who is typing."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "choose" and not (self.is_open or self.is_waiting):
            return parameters in ((1,), (-1,)) and (self.unedited or not self.value.strip())
        return super().check_action(action, parameters)

    def action_choose(self, step: int) -> None:
        if self.is_open or self.is_waiting:
            super().action_choose(step)
        else:
            self.post_message(self.Walked(-step))

    def stands_alone(self, word: str) -> bool:
        """Keep an action as AWS writes it, a pattern, or nothing."""
        return not word or "*" in word or super().stands_alone(word)


class ResourceField(CompletingInput):
    """The resources: Enter keeps an ARN, a star or nothing, and takes the first completion for other text."""

    def stands_alone(self, word: str) -> bool:
        return word in ("", "*") or word.lstrip("'\"").startswith("arn:")


class ContextField(CompletingInput):
    """The context: a completion replaces the last word; Enter keeps a word that has a value."""

    REPLACED: ClassVar[bool] = False

    def stands_alone(self, word: str) -> bool:
        """Keep nothing, or a key with a value that it takes."""
        if word.startswith(ABSENT):
            return super().stands_alone(word)
        key, _, value = word.strip(QUOTES).partition("=")
        if not value:
            return not word
        try:
            lazy.context_values.read_values(key, value.split(","), clock.now())
        except Problem:
            return False
        return True

    def is_part(self, value: str) -> bool:
        return value.endswith(("=", "/"))


class CallerField(CompletingInput):
    """How the caller comes: a role it is chained from, a session policy, MFA."""

    REPLACED: ClassVar[bool] = False

    def stands_alone(self, word: str) -> bool:
        """Keep nothing, and what has a value; the part of a role's name is none."""
        value = word.partition("=")[2]
        if word.startswith(CHAINED) and value:
            names = (word, f"{CHAINED}role/{value}")
            return value.startswith("arn:") or any(offer.value in names for offer in self.completions.offers)
        return not word or word == MFA or bool(value)

    def is_part(self, value: str) -> bool:
        return value.endswith("=")
