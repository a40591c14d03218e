"""Messages of the panel and the screens of answers to the main screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.message import Message
from textual.screen import Screen

if TYPE_CHECKING:
    # They bring in the engine, which is not loaded before the first frame.
    from iamtui.engine.decision import StatementRef
    from iamtui.engine.request import Principal
    from iamtui.engine.words.explanation import Suggestion
    from iamtui.questions.question import Question
    from iamtui.tui.main.main_view import ScreenAbove


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


@dataclass(eq=False, repr=False)
class JumpToStatement(Message, namespace="question_panel"):
    """The user wants to see a statement that took part in a request of this principal, in its document.

    Args:
        above: makes the screen anew that the user comes from, to be shown again on the way back; None: the panel.
    """

    ref: StatementRef
    principal: Principal
    resource: str
    above: ScreenAbove | None = None


def send_to_main(app: App[object], message: Message) -> None:
    """Post a message to the screen that lies under all others, and show that screen again."""
    _back_to_main(app).post_message(message)


def do_on_main(app: App[object], action: str) -> None:
    """Do an action of the screen that lies under all others, and show that screen again."""
    main = _back_to_main(app)
    main.call_later(app.run_action, action, main)


def _back_to_main(app: App[object]) -> Screen[Any]:
    main = app.screen_stack[0]
    while len(app.screen_stack) > 1:
        app.pop_screen()
    return main
