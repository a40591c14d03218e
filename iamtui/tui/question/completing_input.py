"""A one-line field with completion: the list opens while typing and never takes the focus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final, NamedTuple

from rich.cells import cell_len
from textual import events, on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.tui import clock
from iamtui.tui.content import fit, line
from iamtui.tui.question.context_field import ABSENT
from iamtui.tui.widgets.inputs import SafeInput
from iamtui.tui.widgets.lists.line_list import LineView, Pane, Piece

# The words of a field: where each begins, so that the last one can be completed, and what they say. Pure.


QUOTES: Final = "'\""


class TypedWord(NamedTuple):
    """One word of a field: where it begins, how it is written, and what it says without its quotes."""

    start: int
    written: str
    says: str


def words(text: str, *, commas: bool) -> list[TypedWord]:
    """Cut a text at spaces.

    A word that begins with a quote runs to the same quote before a space or the end, so that an ARN may hold
    spaces; a quote that is not closed, or stands inside a word, is a letter like any other (S3 keys hold them).

    Args:
        commas: whether a comma ends a word wherever it stands; else only at a word's end, or before `arn:`, since
            ARNs may hold commas.
    """
    found: list[TypedWord] = []
    at = 0
    while at < len(text):
        if text[at].isspace() or (commas and text[at] == ","):
            at += 1
            continue
        end = _closing(text, at) if text[at] in QUOTES else 0
        if end:
            found.append(TypedWord(at, text[at : end + 1], text[at + 1 : end]))
            at = end + 1
            continue
        end = _end(text, at, commas)
        written = text[at:end]
        # A comma at the end belongs to the word only when nothing follows it.
        says = written.rstrip(",") if not commas and text[end:].strip() else written
        if says:
            found.append(TypedWord(at, written, says))
        at = end
    return found


def _closing(text: str, opening: int) -> int:
    quote = text[opening]
    at = text.find(quote, opening + 1)
    while at >= 0:
        if at + 1 == len(text) or text[at + 1].isspace() or text[at + 1] == ",":
            return at
        at = text.find(quote, at + 1)
    return 0


def _end(text: str, start: int, commas: bool) -> int:
    at = start
    while at < len(text) and not text[at].isspace():
        if text[at] == "," and (commas or text.startswith("arn:", at + 1)):
            return at if commas else at + 1
        at += 1
    return at


def said(text: str, *, commas: bool) -> tuple[str, ...]:
    """Values of the words of a text, each once, in their order."""
    return tuple(dict.fromkeys(word.says for word in words(text, commas=commas)))


def last_word(text: str, *, commas: bool) -> tuple[str, str]:
    """The text cut before its last word, which is the one being typed; empty behind a space or comma."""
    found = words(text, commas=commas)
    if not found:
        return text, ""
    last = found[-1]
    if last.start + len(last.written) < len(text):
        return text, ""
    return text[: last.start], last.written


def joined(values: Iterable[str]) -> str:
    """Values as the words of a field: one with spaces, or that begins with a quote, in quotes."""
    return " ".join(_quoted(value) for value in values)


def _quoted(value: str) -> str:
    if not any(c.isspace() for c in value) and value[:1] not in QUOTES:
        return value
    quote = "'" if "'" not in value else '"'
    return f"{quote}{value}{quote}"


_ROWS: Final = 10
_LEAST_ROWS: Final = 3
"""Rows from which on a list is worth to lie above its pane."""
_HEADER: Final = 1
"""Lines at the top of the screen that no list covers."""
_GAP: Final = 2
_LEAST_ABOUT: Final = 12
_FITTING: Final = 1 / 3
"""How many of the names have to fit beside the words about them; the others are cut, with a mark."""

LONGEST_WAIT_SECONDS: Final = 5.0
"""How long Enter waits for completions of what was typed; the first ones have a catalogue to load."""


class Offer(NamedTuple):
    """One completion: the raw value that is taken, a word about it, and more in a few words."""

    value: str
    kind: str = ""
    about: str = ""


class Completions(LineView, can_focus=False):
    """Offers of a field, in a frame over the pane above the field's own, or over that to the left."""

    HAS_CURSOR: ClassVar[bool] = False

    DEFAULT_CSS = """
    Completions {
        overlay: screen;
        constrain: inside;
        display: none;
        width: 100%;
        height: 3;
        margin: 0 1 1 8;
        border: round $rule-focused;
        border-subtitle-color: $muted;
        background: $surface;
    }
    .-compact Completions {
        margin: 0 0 1 0;
    }
    """

    class OffersSwitched(Message):
        """The list was opened or closed."""

    def __init__(self) -> None:
        super().__init__()
        self.offers: tuple[Offer, ...] = ()
        self._listed: tuple[Offer, ...] = ()
        self.highlighted = 0
        self._needle = ""
        self._widths: Sequence[int] = ()
        self._kinds = 0

    def show(self, offers: Sequence[Offer], needle: str) -> None:
        if bool(offers) is not bool(self.offers):
            # From whoever offers it, who lies around the list, it would not bubble beyond that.
            self.post_message(self.OffersSwitched().set_sender(self))
        self.offers = self._listed = tuple(offers)
        self._needle, self.highlighted = needle.lower(), 0
        self._widths = [cell_len(safe_text(offer.value, limit=None)) for offer in self.offers]
        self._kinds = max((cell_len(offer.kind) for offer in self.offers), default=0)
        # A class would have the styles of the list and its scroll bars worked out again.
        self.display = bool(self.offers)
        if self.offers:
            self.lie_beside()
            # What is said below the fields may have another height now, and with it the pane another place.
            self.call_after_refresh(self.lie_beside)
        self.set_total(len(self.offers))
        self._say_keys()

    def close(self) -> None:
        """Offer nothing any more; what was listed stays on the screen until nothing is shown in its place."""
        if self.offers:
            self.offers = ()
            self.post_message(self.OffersSwitched().set_sender(self))

    def _say_keys(self) -> None:
        first = ("Tab", " takes") if self.highlighted >= 0 else ("Down", " chooses")
        self.border_subtitle = line((first[0], "bold"), f"{first[1]}  ", ("Esc", "bold"), " closes")

    def lie_beside(self) -> None:
        """Cover the pane above, with fewer rows if need be, else that to the left: fields and verdict stay in sight."""
        parent = self.parent
        pane = next((one for one in self.ancestors if isinstance(one, Pane)), None)
        row = parent.children[parent.children.index(self) - 1] if isinstance(parent, Widget) else None
        if pane is None or row is None or not self.offers:
            return
        left, width = row.region.x + self.styles.margin.left, row.region.width - self.styles.margin.width
        whole, above = min(len(self.offers), _ROWS) + self.gutter.height, pane.region.y - _HEADER
        rows = min(whole, above) if above >= min(whole, _LEAST_ROWS + self.gutter.height) else whole
        if self.styles.height is None or self.styles.height.value != rows:
            self.styles.height = rows
        if rows <= above:
            self.styles.offset = (0, pane.region.y - rows - row.region.bottom)
        elif pane.region.x > width:
            self.styles.offset = (pane.region.x - width - left, 0)
        else:
            self.styles.offset = (0, 0)

    def highlight_none(self) -> None:
        self.highlighted = -1
        self._say_keys()
        self.refresh()

    def highlight(self, index: int) -> None:
        self.highlighted = max(0, min(index, len(self.offers) - 1))
        self._show_line(self.highlighted)
        self._say_keys()
        self.refresh()

    def line_background(self, index: int) -> str:
        return "cursor" if index == self.highlighted else ""

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        offer = self._listed[index]
        here = index == self.highlighted
        found = [Piece("▌" if here else " ", "bar")]
        room = width - 1
        names, kinds = self._columns(room)
        # The one that would be taken is seen in full.
        name = _tail_of(safe_text(offer.value, limit=None), room if here or not kinds else names)
        found += self._marked(name, here)
        if cell_len(name) > names:
            return found
        gap, left = " " * (names - cell_len(name) + _GAP), room - names - _GAP
        if kinds:
            found.append(Piece(gap + offer.kind.ljust(kinds), "heading" if here else "muted"))
            gap, left = " " * _GAP, left - kinds - _GAP
        if left >= _LEAST_ABOUT:
            found.append(Piece(gap + fit(offer.about, left), "muted"))
        return found

    def _columns(self, room: int) -> tuple[int, int]:
        """Cells of the names and of the words beside them; names in full are worth more than these."""
        longest = max(self._widths, default=0)
        if not self._kinds:
            return min(longest, room), 0
        column = room - self._kinds - _GAP
        if sum(width <= column for width in self._widths) < _FITTING * len(self._widths):
            return min(longest, room), 0
        return min(longest, column), self._kinds

    def _marked(self, name: str, here: bool) -> list[Piece]:
        style = "strong" if here else ""
        at = name.lower().find(self._needle) if self._needle else -1
        if at < 0:
            return [Piece(name, style)]
        end = at + len(self._needle)
        return [Piece(name[:at], style), Piece(name[at:end], "hit"), Piece(name[end:], style)]

    def on_click(self, event: events.Click) -> None:
        event.stop()
        offset = event.get_content_offset(self)
        entry = self.app.focused
        at = offset.y + self.scroll_offset.y if offset is not None else len(self.offers)
        if at < len(self.offers) and isinstance(entry, CompletingInput) and entry.is_open:
            entry.take_offer(at)


def _tail_of(name: str, width: int) -> str:
    """A name in at most so many cells; an ARN loses its beginning, which is the same in most of them."""
    if cell_len(name) <= width or "arn:" not in name:
        return fit(name, width)
    while cell_len(name) >= width:
        name = name[1:]
    return f"…{name}"


class CompletingInput(SafeInput):
    """A field whose completions are driven from the keyboard without leaving it.

    Down and Up choose, Enter takes (`Entered`), Escape closes the list; with the list closed these keys are
    the surroundings' own. A completion takes the place of the last word. Whoever hears `Changed` calls `offer`
    with what fits, or `close` when nothing does; until then these keys wait, so that it does not matter how fast one
    types.
    """

    COMMAS: ClassVar[bool] = False
    """True where a comma ends a word."""

    hide_when: Callable[[Callable[[], None]], object] = staticmethod(lambda hide: hide())
    """Hides the list by its argument once a whole name is typed: perhaps with the answer to it."""

    REPLACED: ClassVar[bool] = True
    """True where text typed on entering the field replaces its content; else it is added."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "choose(1)", "Next completion", show=False, id="completion.next"),
        Binding("up", "choose(-1)", "Previous completion", show=False, id="completion.previous"),
        Binding("pagedown", "choose(9)", "Completions further down", show=False, id="completion.page-down"),
        Binding("pageup", "choose(-9)", "Completions further up", show=False, id="completion.page-up"),
        Binding("escape", "close", "Close completions", show=False, id="completion.close"),
        Binding("tab", "complete", "Take completion", show=False, id="completion.take"),
    ]

    @dataclass(eq=False, repr=False)
    class Entered(Message):
        """Enter was pressed; a completion that was to be taken has been."""

        field: CompletingInput

        @property
        def control(self) -> CompletingInput:
            return self.field

    @dataclass(eq=False, repr=False)
    class _Meant(Message):
        """A key that is about the completions of what was typed."""

        do: Callable[[], None]

    def __init__(self, completions: Completions, *, placeholder: str, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(placeholder=safe_text(placeholder), id=id, compact=True, select_on_focus=self.REPLACED)
        self.completions = completions
        self._chosen = False
        self._refused = False
        self._told_open: bool | None = False
        """True where the keys shown are those of an open list; None: perhaps."""
        self._offered = asyncio.Event()
        self._offered.set()

    def offer(self, offers: Sequence[Offer], needle: str) -> None:
        """Show completions; none closes the list. The first one is taken by Enter unless refused."""
        self._offered.set()
        if not self._refused:
            self._chosen = False
            # A value that the field could not hold as it is would be another one once taken.
            fitting = [offer for offer in offers if safe_text(offer.value, limit=None) == offer.value]
            # Where the name is whole, a longer one is listed again once it is typed on.
            is_whole = bool(needle) and any(offer.value == self.word for offer in fitting)
            if is_whole:
                self.completions.close()
                self.hide_when(self._hide)
                return
            self.completions.show(fitting if self.has_focus else (), needle)
            if self.is_open and self.stands_alone(self.word):
                self.completions.highlight_none()
        self._keys_changed()

    def _hide(self) -> None:
        if not self.is_open:
            self.completions.show((), "")
            self._keys_changed()

    def _keys_changed(self) -> None:
        """Have the key line say what Escape does with a list and without one, unless that is what it says."""
        if self._told_open is not self.is_open and self.is_attached:
            self._told_open = self.is_open
            self.screen.refresh_bindings()

    @property
    def is_open(self) -> bool:
        return bool(self.completions.offers)

    @property
    def is_waiting(self) -> bool:
        return not self._offered.is_set()

    def watch_value(self) -> None:
        self._refused = False
        if self.has_focus:
            self._offered.clear()

    def _once_offered(self, do: Callable[[], None]) -> None:
        if self.is_waiting:
            # In its own turn: the app must not wait, and keys behind this one must.
            self.post_message(self._Meant(do))
        else:
            do()

    @on(_Meant)
    async def _do_once_offered(self, event: _Meant) -> None:
        event.stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._offered.wait(), LONGEST_WAIT_SECONDS)
        event.do()

    @property
    def word(self) -> str:
        return last_word(self.value, commas=self.COMMAS)[1]

    def close(self) -> None:
        self._chosen = False
        self._offered.set()
        if self.completions.offers:
            self.completions.show((), "")
        self._keys_changed()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's signature
        if action in ("choose", "close", "complete"):
            if self.is_waiting:
                self._told_open = None
            return self.is_open or self.is_waiting
        return True

    def action_choose(self, step: int) -> None:
        self._once_offered(partial(self._choose, step))

    def _choose(self, step: int) -> None:
        if self.is_open:
            self.completions.highlight(self.completions.highlighted + step)
            self._chosen = True

    def action_close(self) -> None:
        self.close()
        self._refused = True

    def action_complete(self) -> None:
        self._once_offered(self._complete)

    def _complete(self) -> None:
        if self.is_open and self.completions.highlighted >= 0:
            self.take_offer(self.completions.highlighted)
        else:
            self.close()
            self.screen.focus_next()

    async def action_submit(self) -> None:
        self._once_offered(self._submit)

    def _submit(self) -> None:
        if self.is_open and (self._chosen or not self.stands_alone(self.word)):
            self.take_offer(self.completions.highlighted)
            return
        self.close()
        self.post_message(self.Entered(self))

    def take_offer(self, index: int) -> None:
        value = self.completions.offers[index].value
        self.close()
        self.take(value)
        if not self.is_part(value):
            self.post_message(self.Entered(self))

    def stands_alone(self, word: str) -> bool:
        """True where Enter keeps the last word as it is when no completion was chosen."""
        return any(offer.value == word for offer in self.completions.offers)

    def is_part(self, value: str) -> bool:  # noqa: ARG002 - for subclasses
        """True where a completion needs more typing, so that Enter only takes it."""
        return False

    def take(self, value: str) -> None:
        self.value = last_word(self.value, commas=self.COMMAS)[0] + value
        self.cursor_position = len(self.value)

    def on_focus(self) -> None:
        self._refused = False

    def on_blur(self) -> None:
        self.close()


# The fields of a question: what Enter keeps of each, and which completion needs more typing.


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
    """True while the text is as it was filled in, so that Up is not taken from somebody who is typing."""

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

        from iamtui.workspace.ask.context_values import read_values

        try:
            read_values(key, value.split(","), clock.now())
        except Problem:
            return False
        return True

    def is_part(self, value: str) -> bool:
        return value.endswith(("=", "/"))
