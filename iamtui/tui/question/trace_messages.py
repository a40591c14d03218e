"""What the screens of answers ask of the main screen below them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.app import App
from textual.message import Message

if TYPE_CHECKING:
    # They bring in the engine, which is not loaded before the first frame.
    from iamtui.engine.explanation import Suggestion
    from iamtui.engine.request import Principal
    from iamtui.questions.question import Question


@dataclass(eq=False, repr=False)
class DraftSuggestion(Message):
    """The user wants to see what a suggestion would do: make a draft of it. Posted to the main screen.

    Args:
        suggestions: all that it takes to allow the question, never none.
        principal: whom the question was asked for.
        question: what was asked.
    """

    suggestions: tuple[Suggestion, ...]
    principal: Principal
    question: Question


def send_to_main(app: App[object], message: Message, *, leave: bool = True) -> None:
    """Post a message to the screen that lies under all others; `leave`: and show that screen again."""
    main = app.screen_stack[0]
    if leave:
        while len(app.screen_stack) > 1:
            app.pop_screen()
    main.post_message(message)
