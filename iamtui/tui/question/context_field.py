"""The context line: `key=value key=value,value "key=a value" !absent` to condition keys and back. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message

from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.tui.content import fit
from iamtui.tui.widgets.lists.line_list import LineView, Piece
from iamtui.workspace.ask.context_syntax import split_key, split_values, written_key, written_values

if TYPE_CHECKING:
    from iamtui.engine.decision import Decision


MFA_KEY: Final = "aws:MultiFactorAuthPresent"
ABSENT: Final = "!"
"""Before a key that the request does not carry."""

_EXAMPLE: Final = "Write key=value, such as aws:SourceIp=203.0.113.9; separate several values with commas."


def parse_context(text: str) -> Mapping[str, tuple[str, ...]]:
    """Read a context line. Words are quoted as in a POSIX shell; a key given twice has both values.

    A backslash that the shell's rules leave keeps a comma in a value, or a `=` in a key.

    Returns:
        Condition key (as written) to its values; `key=` is one empty value, `!key` none: the key is absent.

    Raises:
        Problem: a quote that is not closed, a word without `=`, or a key without its service prefix.
    """
    context: dict[str, tuple[str, ...]] = {}
    for word in _words(text):
        absent = word.startswith(ABSENT)
        key, equals, values = split_key(word.removeprefix(ABSENT))
        if absent == bool(equals):
            raise Problem(f"The context has {word!r} without a value.", _EXAMPLE)
        if ":" not in key.strip(":"):
            raise Problem(f"{key!r} is not a condition key: it has no prefix such as aws: or s3:.", _EXAMPLE)
        context[key] = () if absent else context.get(key, ()) + split_values(values)
    return context


def read_context(text: str, now: datetime) -> Mapping[str, tuple[str, ...]]:
    """Read a context line with its values checked by the type of their key; times in words become ISO 8601.

    Args:
        now: UTC, what `now+1h` counts from.

    Raises:
        Problem: as `parse_context`, or a value that its key does not take.
    """
    context = parse_context(text)
    if not context:
        return context

    from iamtui.workspace.ask.context_values import read_values

    return {key: read_values(key, values, now).values if values else () for key, values in context.items()}


def write_context(context: Mapping[str, tuple[str, ...]]) -> str:
    return " ".join(_quote(_word(key, values)) for key, values in context.items())


def _word(key: str, values: tuple[str, ...]) -> str:
    return f"{written_key(key)}={written_values(values)}" if values else f"{ABSENT}{written_key(key)}"


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        raise Problem("The context has a quote that is not closed.", _EXAMPLE) from None


def mfa_state(text: str) -> bool | None:
    """Use of MFA in the line: True, False, or None when it has none.

    Other words may be half typed.
    """
    try:
        said = [split_key(word) for word in _words(text)]
    except Problem:
        return None
    values = [values for key, _, values in said if key.lower() == MFA_KEY.lower()]
    if not values or not values[-1]:
        return None
    return values[-1].rpartition(",")[2].strip().lower() == "true"


def mfa_words(text: str) -> str:
    said = {None: "not said", True: "yes", False: "no"}[mfa_state(text)]
    return f"MFA of the caller, in the next question: {said}."


def cycle_mfa(text: str) -> str:
    """The line with the MFA key moved on: not given, true, false, not given. An unreadable line stays as it is."""
    following = {None: "true", True: "false", False: None}[mfa_state(text)]
    return with_key(text, MFA_KEY, following)


def with_key(text: str, key: str, value: str | None) -> str:
    """The line with `key` set to one value, or removed (None). An unreadable line stays as it is."""
    return _with(text, {key: None if value is None else f"{written_key(key)}={value}"})


def with_keys(text: str, keys: Mapping[str, tuple[str, ...]]) -> str:
    """The line with these keys set, an empty tuple as absent. An unreadable line stays as it is."""
    return _with(text, {key: _word(key, values) for key, values in keys.items()})


def _with(text: str, words: Mapping[str, str | None]) -> str:
    try:
        before = _words(text)
    except Problem:
        return text
    replaced = {key.lower() for key in words}
    kept = [word for word in before if split_key(word.removeprefix(ABSENT))[0].lower() not in replaced]
    return " ".join(_quote(word) for word in [*kept, *filter(None, words.values())])


def _quote(word: str) -> str:
    return shlex.quote(word) if any(c.isspace() or c in "'\"\\" for c in word) else word


# ContextView: the condition keys of an answer, each with its value and where that comes from.


_SOURCES: Final = {
    "unknown": ("[?]", "depends"),
    "given": ("[=]", "strong"),
    "assumed": (" ~ ", "muted"),
    "derived": (" · ", "muted"),
}
"""Where a value comes from, to its mark and style; in this order."""

_SOURCE_WIDTH: Final = 9
_MARK_WIDTH: Final = 4
_GAP: Final = 2
_LEAST_NAME, _LEAST_VALUE, _LEAST_ROWS = 20, 12, 3
"""Where a line has no room for this much of name and value, a key has two lines: its name, and below it its value."""


class KeyRow(NamedTuple):
    """A condition key of an answer; `value` is None when it is not known. `source` is a key of _SOURCES."""

    key: str
    value: tuple[str, ...] | None
    source: str

    @property
    def words(self) -> str:
        """The value in words; raw text."""
        if self.value is None:
            return "not given"
        return ", ".join(self.value) if self.value else "absent"


def key_rows(decision: Decision) -> list[KeyRow]:
    """The keys of a decision: those that matter and nobody gave, those given, assumed, then derived."""
    request = decision.request
    given = {key.lower(): key for key in request.context}
    assumed = {text.partition(" = ")[0].lower() for text in decision.assumptions}
    rows = [KeyRow(key, None, "unknown") for key in decision.missing_context if key.lower() not in given]
    rows += [KeyRow(key, values, "given") for key, values in request.context.items()]
    seen = {row.key.lower() for row in rows}
    found: list[KeyRow] = []
    for values_by_key in request.derived:
        for key, values in values_by_key.items():
            if isinstance(values, tuple) and key.lower() not in seen:
                seen.add(key.lower())
                source = "assumed" if key.lower() in assumed else "derived"
                found.append(KeyRow(_as_documented(key), values, source))
    found.sort(key=lambda row: (list(_SOURCES).index(row.source), row.key.lower()))
    return rows + found


def _as_documented(key: str) -> str:
    """A lower-case key as AWS writes it; the part that a tag names stays as it is."""
    from iamtui.catalog.condition_keys import condition_key

    known = condition_key(key)
    if known is None:
        return key
    family, slash, _ = known.name.partition("/${")
    return f"{family}/{key.partition('/')[2]}" if slash else known.name


class ContextView(LineView):
    """One line a key, or two in a narrow panel. Enter (`LineOpened`) is for giving the key under the cursor a value."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "Give it a value", id="list.open", tooltip="Give the key a value"),
        Binding("escape", "back", "Back", id="keys.back", tooltip="Go back to where you came from"),
        Binding("f9", "back(True)", "Hide", id="question.context", tooltip="Hide the condition keys and go back"),
    ]

    DEFAULT_CSS = """
    ContextView {
        height: 1;
        margin: 0 1;
        display: none;
        &.-open {
            display: block;
        }
        &.-empty {
            display: none;
        }
    }
    """

    @dataclass(eq=False, repr=False)
    class KeysLeft(Message):
        """The focus belongs back where it came from; `hide`: and the keys are not wanted on screen any more."""

        hide: bool

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._rows: list[KeyRow] = []
        self._names = 0
        self._lines_a_row = 1
        self.most_rows = 8
        """How many lines it may take."""

    @property
    def row(self) -> KeyRow | None:
        return self._rows[self.cursor // self._lines_a_row] if self._rows else None

    def show(self, decision: Decision | None) -> None:
        rows = key_rows(decision) if decision is not None else []
        if rows == self._rows:
            return
        kept = self.row
        self._rows = rows
        self._names = max((cell_len(row.key) for row in rows), default=0)
        self._arrange(kept)

    def _arrange(self, kept: KeyRow | None) -> None:
        """Lay the keys out for the width, the cursor on the one that was under it."""
        fixed = 1 + _MARK_WIDTH + _SOURCE_WIDTH + _GAP
        wide = self.size.width >= fixed + min(self._names, _LEAST_NAME) + _LEAST_VALUE
        self._lines_a_row = 1 if wide or not self.size.width or not self._rows else 2
        total = max(len(self._rows), 1) * self._lines_a_row
        lines = min(total, max(self.most_rows, _LEAST_ROWS * self._lines_a_row))
        if self.styles.height is None or self.styles.height.value != lines:
            self.styles.height = lines
        self.set_class(not self._rows and not self.has_focus, "-empty")
        keys = [row.key for row in self._rows]
        at = keys.index(kept.key) if kept is not None and kept.key in keys else 0
        self.set_total(total, cursor=at * self._lines_a_row)

    def on_resize(self) -> None:
        self._arrange(self.row)

    def to_top(self) -> None:
        self._arrange(None)

    def on_blur(self) -> None:
        self.set_class(not self._rows, "-empty")

    def action_back(self, hide: bool = False) -> None:
        self.post_message(self.KeysLeft(hide))

    def is_stop(self, index: int) -> bool:
        return not index % self._lines_a_row

    def is_under_cursor(self, index: int) -> bool:
        return index // self._lines_a_row == self.cursor // self._lines_a_row

    def refresh_row(self, index: int) -> None:
        for line in range(self._lines_a_row):
            super().refresh_row(index + line)

    def _show_line(self, index: int) -> None:
        super()._show_line(index + self._lines_a_row - 1)
        super()._show_line(index)

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        if not self._rows:
            return [Piece("No condition key to show: there is no answer.", "muted")]
        row = self._rows[index // self._lines_a_row]
        mark, style = _SOURCES[row.source]
        value = Piece(row.words, style if row.source != "given" else "")
        named = "" if row.source in ("unknown", "given") else "muted"
        if self._lines_a_row > 1:
            above = [Piece(f"{mark} ", style), Piece(row.key, named)]
            return [Piece(" " * _MARK_WIDTH), value, Piece(f"  {row.source}", "faint")] if index % 2 else above
        front = [Piece(f"{mark} ", style), Piece(row.source.ljust(_SOURCE_WIDTH), style)]
        room = width - 1 - _MARK_WIDTH - _SOURCE_WIDTH - _GAP
        names = min(self._names, max(room * 3 // 5, room - max(cell_len(row.words) for row in self._rows)))
        name = fit(safe_text(row.key, limit=None), names)
        return [*front, Piece(name + " " * (names - cell_len(name) + _GAP), named), value]
