"""Notice: what a widget or dialog wants said on the one message line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from textual.content import Content
from textual.message import Message


class Severity(StrEnum):
    """How a notice is coloured and for how long it stays."""

    INFORMATION = "information"
    WARNING = "warning"
    ERROR = "error"


@dataclass(eq=False, repr=False)
class Notice(Message):
    """One sentence for the message line; `until_next` keeps it there until the user goes somewhere else, and
    with `until_answer` it goes when a question has been answered."""

    content: Content
    severity: Severity = Severity.INFORMATION
    until_next: bool = False
    until_answer: bool = False
