"""CallerRow: the line that says how the caller comes; on screen only while it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Label

from iamtui.problem import Problem
from iamtui.tui.question.caller import SESSION, CallerTerms, read_caller, read_policy_file
from iamtui.tui.question.completing_input import CompletingInput, Completions, joined, last_word, said
from iamtui.tui.question.fields import CallerField
from iamtui.tui.widgets.lists.containers import Column, Row

if TYPE_CHECKING:
    from iamtui.account.model import Account

_WRITTEN = "written"


class CallerRow(Column):
    """Says `Changed` when a session policy has been read or written: what is typed, the field itself says."""

    DEFAULT_CSS = """
    CallerRow {
        height: auto;
        &.-unused {
            display: none;
        }
    }
    """

    @dataclass(eq=False, repr=False)
    class Changed(Message):
        """What the line says changed without typing. `done`: Enter was pressed and all of it is there."""

        done: bool

    @dataclass(eq=False, repr=False)
    class WritePolicy(Message):
        """The user wants to write a session policy."""

    @dataclass(eq=False, repr=False)
    class _Read(Message):
        name: str
        text: str = ""
        problem: Problem | None = None

    def __init__(self) -> None:
        super().__init__(classes="-later -unused")
        self.field = CallerField(Completions(), placeholder="mfa, from=role/NAME, session=FILE", id="question-caller")
        self._texts: dict[str, str] = {}
        self._files: set[str] = set()
        self._unread: dict[str, Problem] = {}

    def compose(self) -> ComposeResult:
        with Row(classes="row"):
            yield Label("Caller")
            yield self.field
        yield self.field.completions

    @property
    def says_mfa(self) -> bool:
        return "mfa" in said(self.field.value.lower(), commas=False)

    @property
    def written(self) -> str:
        """The text of the session policy that was written here, or ""."""
        return self._texts.get(_WRITTEN, "")

    @property
    def files(self) -> Mapping[str, str]:
        return {self._texts[name]: str(Path(name).expanduser().absolute()) for name in sorted(self._files)}

    def left_out(self, account: Account | None) -> str:
        """The word at the end of the line that is still being typed, and so says nothing yet; "" for none."""
        word = self.field.word
        if not (word and self.field.has_focus) or word in self._unread:
            return ""
        try:
            read_caller(word, account, self._texts)
        except Problem:
            return word
        return ""

    def terms(self, account: Account | None, *, entered: bool = True) -> CallerTerms:
        """What the line says.

        Args:
            entered: whether what stands in it is meant as it is; else a word that is still being typed says nothing.

        Raises:
            Problem: it cannot be read, or a session policy is not read yet.
        """
        text = self.field.value
        if not entered and self.left_out(account):
            text = last_word(text, commas=False)[0]
        unread = next((self._unread[word] for word in said(text, commas=False) if word in self._unread), None)
        if unread is not None:
            raise unread
        return read_caller(text, account, self._texts)

    def fill(self, words: list[str], policies: Mapping[str, str]) -> None:
        self._texts, self._files = dict(policies), set()
        self.field.value = joined(words)
        self.field.close()
        self.set_class(not words, "-unused")

    def open(self) -> None:
        self.remove_class("-unused")
        self.screen.set_focus(self.field)

    def take_policy(self, text: str) -> None:
        self._take(_WRITTEN, text)

    def _take(self, name: str, text: str) -> None:
        self._unread.pop(f"{SESSION}{name}", None)
        self._texts[name] = text
        self.post_message(self.Changed(done=True))

    @on(events.DescendantBlur)
    def _left(self) -> None:
        if not self.field.value.strip():
            self.add_class("-unused")

    @on(CompletingInput.Entered)
    def _entered(self, event: CompletingInput.Entered) -> None:
        event.stop()
        for word in said(self.field.value, commas=False):
            name = word.removeprefix(SESSION)
            if name == word or not name or name.startswith("{") or name in self._texts:
                continue
            if name == _WRITTEN:
                self.post_message(self.WritePolicy())
            else:
                read = partial(self._read_in_thread, name)
                self.run_worker(read, thread=True, exclusive=True, group="session-policy", exit_on_error=False)
            return
        self.post_message(self.Changed(done=True))

    def _read_in_thread(self, name: str) -> None:
        try:
            self.post_message(self._Read(name, read_policy_file(name)))
        except Problem as problem:
            self.post_message(self._Read(name, problem=problem))

    @on(_Read)
    def _policy_read(self, event: _Read) -> None:
        event.stop()
        if event.problem is None:
            self._files.add(event.name)
            self._take(event.name, event.text)
        else:
            self._unread[f"{SESSION}{event.name}"] = event.problem
            self.post_message(self.Changed(done=False))
