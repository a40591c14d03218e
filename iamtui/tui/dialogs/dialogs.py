"""The small dialogs of all features: choose from a list, type one line, confirm; and choose a theme."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeVar

from rich.cells import cell_len
from textual import getters, on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, Static

from iamtui.text import counted, safe_text
from iamtui.tui.background import get_in_thread
from iamtui.tui.content import fit, line, lines, plain, wrong
from iamtui.tui.widgets.inputs import PathInput, SafeInput
from iamtui.tui.widgets.lists.line_list import LineView, Piece

_GAP, _LABEL_SHARE = 2, 45
"""Cells between the columns, and how many in a hundred the labels have where the notes need the rest."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One line to choose.

    Args:
        key: what choosing it gives; "" for a heading.
        label: raw text.
        note: raw text behind it, fainter.
        detail: raw text for a line of its own below the list, or "".
        makes_new: it makes something new of what was typed to narrow the list: it is listed whatever that is.
    """

    key: str
    label: str
    note: str = ""
    detail: str = ""
    makes_new: bool = False


class OptionLines(LineView):
    """Choices one a line; headings are skipped."""

    def __init__(self, choices: Sequence[Choice] = (), *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._choices: Sequence[Choice] = choices
        self._shown: Sequence[Choice] = choices
        self._needle = ""
        self._label_width = self._note_width = 0

    @property
    def choice(self) -> Choice | None:
        return self._shown[self.cursor] if self._shown and self._shown[self.cursor].key else None

    @property
    def shown(self) -> Sequence[Choice]:
        return self._shown

    def set_choices(self, choices: Sequence[Choice], cursor: int = 0) -> None:
        self._choices = choices
        self.narrow(self._needle, cursor)

    def narrow(self, needle: str, cursor: int = 0) -> int:
        """List only what has every word of the needle; returns how many."""
        self._needle = needle
        words = needle.lower().split()
        if words:
            kept = [c for c in self._choices if c.key and all(word in f"{c.label} {c.note}".lower() for word in words)]
            kept.sort(key=lambda c: (not c.label.lower().startswith(words[0]), words[0] not in c.label.lower()))
            self._shown = [*kept, *(c for c in self._choices if c.makes_new and c not in kept)]
        else:
            self._shown = self._choices
        noted = [c for c in self._shown[:500] if c.note]
        self._label_width = max((cell_len(safe_text(c.label)) for c in noted), default=0)
        self._note_width = max((cell_len(safe_text(c.note)) for c in noted), default=0)
        self.set_total(len(self._shown), cursor=cursor)
        return sum(1 for choice in self._shown if choice.key)

    def is_stop(self, index: int) -> bool:
        return bool(self._shown[index].key)

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        choice = self._shown[index]
        room = width - 2
        if not choice.key:
            return [Piece(fit(safe_text(choice.label), room), "heading")]
        if not choice.note:
            return [Piece(_fit_label(safe_text(choice.label), room))]
        column = min(self._label_width, max(room * _LABEL_SHARE // 100, room - self._note_width - _GAP))
        label, note = safe_text(choice.label), safe_text(choice.note)
        if cell_len(label) + _GAP + cell_len(note) > room:
            label = _fit_label(label, column)
        gap = max(0, column - cell_len(label)) + _GAP
        return [Piece(label + " " * gap), Piece(fit(note, room - cell_len(label) - gap), "faint")]


def _fit_label(label: str, width: int) -> str:
    """A label in at most so many cells; an ARN loses its beginning, which is the same in most of them."""
    if cell_len(label) <= width or "arn:" not in label:
        return fit(label, width)
    front, _, arn = label.partition("arn:")
    while arn and cell_len(front) + cell_len(arn) >= width:
        arn = arn[1:]
    return f"{front}…{arn}" if arn else fit(label, width)


LONGEST_WAIT_SECONDS: Final = 5.0
"""How long Enter waits for choices that are still being found."""


# The frame of a dialog: a box in the middle of what it is about.


Result = TypeVar("Result")


class Dialog(ModalScreen[Result]):
    """A modal screen that leaves the one below in sight."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: $background 40%;

        & Static {
            height: auto;
        }
    }
    """


def scroll_bindings(prefix: str) -> list[BindingType]:
    """Keys that scroll a dialog, which has `action_scroll`; `prefix` begins their ids."""
    return [
        Binding("j,down", "scroll(1)", "Down", show=False, id=f"{prefix}.down", tooltip="Scroll down"),
        Binding("k,up", "scroll(-1)", "Up", show=False, id=f"{prefix}.up", tooltip="Scroll up"),
        Binding(
            "pagedown,space", "scroll(8)", "Page down", show=False, id=f"{prefix}.page-down", tooltip="Scroll far down"
        ),
        Binding("pageup", "scroll(-8)", "Page up", show=False, id=f"{prefix}.page-up", tooltip="Scroll far up"),
    ]


class DialogBox(Vertical):
    """As high as what it holds; a dialog sets its width."""

    DEFAULT_CSS = """
    DialogBox {
        max-width: 96%;
        height: auto;
        max-height: 96%;
        padding: 0 1;
        border: round $rule-focused;
        border-title-color: $heading;
        border-subtitle-color: $muted;
        background: $surface;

        &.-warning {
            border: round $session-warning;
            border-title-color: $session-warning;
        }
        &.-production {
            border: round $verdict-denied;
            border-title-color: $verdict-denied;
        }
    }
    """

    def __init__(self, title: Content | None = None, keys: str = "", *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self.border_title = title
        if keys:
            self.border_subtitle = line(keys)


class InputDialog(Dialog[str | None]):
    """Gives what was typed or chosen, or None."""

    DEFAULT_CSS = """
    InputDialog {
        & > DialogBox {
            width: 90%;
            max-width: 100;
            max-height: 90%;
        }
        & OptionLines {
            height: auto;
            max-height: 16;
        }
        & Input {
            background: $cursor;
            height: 1;
            padding: 0;
        }
        & .hint {
            color: $muted;
        }
    }
    """

    def action_cancel(self) -> None:
        self.dismiss(None)


class ChoiceDialog(InputDialog):
    """Gives the key of the choice that was made, or None. What is typed narrows the list.

    It is added to the key of a choice that makes something new of it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="choice.cancel", tooltip="Choose nothing"),
        Binding("down", "step(1)", "Next", show=False, id="choice.next", tooltip="Next choice"),
        Binding("up", "step(-1)", "Previous", show=False, id="choice.previous", tooltip="Choice before"),
        Binding("pagedown", "step(10)", "Further down", show=False, id="choice.page-down", tooltip="Ten choices down"),
        Binding("pageup", "step(-10)", "Further up", show=False, id="choice.page-up", tooltip="Ten choices up"),
    ]

    lines = getters.query_one(OptionLines)

    def __init__(
        self,
        title: Content,
        choices: Sequence[Choice],
        *,
        empty: str = "There is nothing to choose.",
        more: Callable[[], Sequence[Choice]] | None = None,
        hint: Content | None = None,
        keys: str = "Enter choose  Esc back",
    ) -> None:
        """Make the dialog.

        Args:
            empty: what to say when there is nothing to choose, and what to do.
            more: gives further choices, slowly; called in a thread.
            hint: a line below the list instead of the usual one.
            keys: what its keys do, for the foot of the frame.
        """
        super().__init__()
        self._title = title
        self._choices = list(choices)
        self._empty = empty
        self._more = more
        self._loaded = asyncio.Event()
        if more is None:
            self._loaded.set()
        self._hint = hint
        self._keys = keys

    def compose(self) -> ComposeResult:
        with DialogBox(self._title, self._keys):
            yield SafeInput(placeholder="type to narrow the list", compact=True, id="choice-filter")
            yield OptionLines(self._choices, id="choices")
            yield Static(id="choice-hint", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._narrow("")
        self.query_one(Input).focus()
        if self._more is not None:
            # The list takes them: the dialog itself may be waiting for them, to choose one.
            get_in_thread(self.lines, self._more, self._add, name="looking for more")

    def _add(self, more: Sequence[Choice]) -> None:
        known = {choice.key for choice in self._choices}
        self._choices += [choice for choice in more if not choice.key or choice.key not in known]
        self._loaded.set()
        self.lines.set_choices(self._choices, self.lines.cursor)
        self._say()

    @on(Input.Changed, "#choice-filter")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._narrow(event.value)

    def _narrow(self, needle: str) -> None:
        self.lines.set_choices(self._choices)
        self.lines.narrow(needle)
        self._say()

    def _say(self) -> None:
        hint = self.query_one("#choice-hint", Static)
        count = sum(1 for choice in self.lines.shown if choice.key)
        self.lines.display = bool(count)
        if not count:
            hint.update(
                plain(
                    "Looking …"
                    if not self._loaded.is_set()
                    else self._empty
                    if not self._choices
                    else "Nothing fits: change what you typed."
                )
            )
        elif self._hint is not None:
            hint.update(self._hint)
        else:
            hint.update(plain(counted(count, "choice")))

    @on(Input.Submitted)
    async def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        with suppress(TimeoutError):
            # What was typed may fit better what is still to come.
            await asyncio.wait_for(self._loaded.wait(), LONGEST_WAIT_SECONDS)
        self._take()

    @on(LineView.LineOpened)
    def _opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        self._take()

    @on(LineView.CursorMoved)
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        choice = self.lines.choice
        if choice is not None and choice.detail:
            self.query_one("#choice-hint", Static).update(plain(choice.detail))

    def _take(self) -> None:
        choice = self.lines.choice
        if choice is not None:
            self.dismiss(choice.key + self.query_one(Input).value.strip() if choice.makes_new else choice.key)

    def action_step(self, lines: int) -> None:
        self.lines.move_to(self.lines.cursor + lines, 1 if lines > 0 else -1)


class LineDialog(InputDialog):
    """Gives the line that was typed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="line.cancel", tooltip="Go back without an answer"),
    ]

    def __init__(
        self,
        title: Content,
        value: str,
        hint: Content,
        *,
        check: Callable[[str], str] = lambda _text: "",
        is_path: bool = False,
    ) -> None:
        """Make the dialog.

        Args:
            value: what the field holds at first.
            hint: what is expected.
            check: says what is wrong with a text, or "".
            is_path: it is the path of a file, which Tab completes.
        """
        super().__init__()
        self._title = title
        self._value = value
        self._hint = hint
        self._check = check
        self._is_path = is_path
        self._refused: str | None = None

    def compose(self) -> ComposeResult:
        with DialogBox(self._title, f"{'Tab complete  ' if self._is_path else ''}Enter done  Esc cancel"):
            yield (
                PathInput(self._value, id="line")
                if self._is_path
                else SafeInput(value=self._value, compact=True, id="line")
            )
            yield Static(self._hint, id="line-hint", classes="hint")

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        """Show the hint again: the text that was refused has changed."""
        event.stop()
        self._refused = None
        self._tell(self._hint)

    @on(PathInput.Matched)
    def _matched(self, event: PathInput.Matched) -> None:
        event.stop()
        if event.matches.typed != self._refused:
            self._tell(lines(*filter(None, (self._hint, event.matches.words()))))

    def _tell(self, words: Content) -> None:
        self.query_one("#line-hint", Static).update(words)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        fault = self._check(text)
        if fault:
            self._refused = event.value
            self._tell(wrong(fault))
        else:
            self.dismiss(text)


_POLICY_NAME: Final = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
"""Names that IAM takes for a policy (IAM API Reference: PutUserPolicy)."""


def policy_name_fault(name: str) -> str:
    return "" if _POLICY_NAME.fullmatch(name) else "Use 1 to 128 letters, digits and characters of +=,.@-_."


def needed(text: str) -> str:
    return "" if text else "Type something, or press Escape."


def ask_to_replace(app: App[Any], sentence: str, again: Callable[[], None]) -> None:
    """Ask whether what is there already, as the sentence says, is to be replaced, and write again if so."""
    choices = [Choice("keep", "Leave it as it is"), Choice("replace", "Replace it")]
    dialog = ChoiceDialog(line("Replace it?"), choices, hint=plain(sentence))
    app.push_screen(dialog, lambda chosen: again() if chosen == "replace" else None)


# ConfirmDialog: a warning that takes a key of its own, so that nobody agrees by habit, nor to what was not shown.


class ConfirmDialog(Dialog[bool]):
    """Gives whether the user agreed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "agree", "Do it", id="confirm.agree", tooltip="Do it all the same"),
        Binding("escape,n,q", "refuse", "Do not", id="confirm.refuse", tooltip="Leave it as it is"),
        *scroll_bindings("confirm"),
    ]

    DEFAULT_CSS = """
    ConfirmDialog {
        & > DialogBox {
            width: 70;
            overflow-y: auto;
        }
        & #confirm-keys {
            margin-top: 1;
            color: $muted;
        }
    }
    """

    def __init__(self, title: Content, words: Content, agree: str, refuse: str = "leave it", *, key: str = "y") -> None:
        """Make the dialog.

        Args:
            agree: what `key` does, in few words.
            refuse: what Escape does.
        """
        super().__init__()
        self._key = key
        self._title = title
        self._words = words
        self._agree = agree
        self._refuse = refuse

    def compose(self) -> ComposeResult:
        with DialogBox(self._title, classes="-warning"):
            yield Static(self._words, markup=False)
            keys = line((self._key, "bold $match"), f" {self._agree}   ", ("Esc", "bold $match"), f" {self._refuse}")
            yield Static(keys, id="confirm-keys", markup=False)

    def on_mount(self) -> None:
        self.call_after_refresh(self._say_whether_there_is_more)

    def on_resize(self) -> None:
        self.call_after_refresh(self._say_whether_there_is_more)

    def _say_whether_there_is_more(self) -> None:
        box = self.query_one(DialogBox)
        box.border_subtitle = line("j k scroll to the end") if box.max_scroll_y else ""

    def action_scroll(self, rows: int) -> None:
        self.query_one(DialogBox).scroll_relative(y=rows, animate=False)

    def action_agree(self) -> None:
        """Agree, once all of it has been shown; else show more."""
        box = self.query_one(DialogBox)
        if not box.size:
            return
        if box.is_vertical_scroll_end:
            self.dismiss(True)
        else:
            # No line is skipped in a small window.
            self.action_scroll(min(8, box.size.height))

    def action_refuse(self) -> None:
        self.dismiss(False)


# The themes to choose from, each shown on the screen below as the cursor comes to it.


_PAUSE_SECONDS: Final = 0.1
"""How long the cursor rests on a theme before the screen is drawn in it."""


class ThemeDialog(ChoiceDialog):
    """Gives the name of the theme that was chosen; None leaves the one that it was opened in."""

    BINDINGS: ClassVar[list[BindingType]] = []

    DEFAULT_CSS = """
    ThemeDialog {
        align: right top;
        background: transparent;
        & > Vertical {
            width: 46;
            max-height: 100%;
        }
    }
    """

    def __init__(self, names: Collection[str], own: Collection[str], now: str) -> None:
        """Make the dialog.

        Args:
            names: every theme there is.
            own: those that are not Textual's, listed first.
            now: the one on screen.
        """
        ours = [name for name in names if name in own]
        others = [name for name in names if name not in own]
        self._before = now
        self._pause: Timer | None = None
        choices = [Choice("", "iamtui and yours"), *(self._choice(name) for name in ours)]
        choices += [Choice("", "Textual"), *(self._choice(name) for name in others)]
        super().__init__(line("Theme"), choices, keys="Enter keep  Esc as before")

    def _choice(self, name: str) -> Choice:
        return Choice(name, name, "now" if name == self._before else "")

    def _narrow(self, needle: str) -> None:
        super()._narrow(needle)
        if not needle:
            self.lines.move_to(next(at for at, one in enumerate(self.lines.shown) if one.key == self._before))
        elif self.lines.choice is None:
            self._show_before()

    @on(LineView.CursorMoved)
    def _preview(self) -> None:
        """Show the theme once the cursor rests: the styles of the whole screen are worked out again for each."""
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(_PAUSE_SECONDS, self._show)

    def _show(self) -> None:
        choice = self.lines.choice
        if choice is not None and choice.key != self.app.theme:
            self.app.theme = choice.key

    def _take(self) -> None:
        self._show()
        super()._take()

    def _show_before(self) -> None:
        if self._pause is not None:
            self._pause.stop()
        self.app.theme = self._before

    def action_cancel(self) -> None:
        self._show_before()
        super().action_cancel()
