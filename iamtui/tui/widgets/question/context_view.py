"""ContextView: the condition keys of an answer, each with its value and where that comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len

from iamtui.text import safe_text
from iamtui.tui.safe import fit
from iamtui.tui.widgets.line_view import LineView, Piece

if TYPE_CHECKING:
    from iamtui.evaluation.decision import Decision

_SOURCES: Final = {
    "unknown": ("[?]", "depends"),
    "given": ("[=]", "strong"),
    "assumed": (" ~ ", "muted"),
    "derived": (" · ", "muted"),
}
"""Where a value comes from, to its mark and style; in this order."""

_SOURCE_WIDTH: Final = 9


@dataclass(frozen=True, slots=True)
class KeyRow:
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
            if key.lower() not in seen:
                seen.add(key.lower())
                source = "assumed" if key.lower() in assumed else "derived"
                found.append(KeyRow(_as_documented(key), values, source))
    found.sort(key=lambda row: (list(_SOURCES).index(row.source), row.key.lower()))
    return rows + found


def _as_documented(key: str) -> str:
    """A lower-case key as AWS writes it; the part that a tag names stays as it is."""
    from iamtui.catalog.keys import condition_key  # noqa: PLC0415 - an answer is there, so the catalogue is loaded

    known = condition_key(key)
    if known is None:
        return key
    family, slash, _ = known.name.partition("/${")
    return f"{family}/{key.partition('/')[2]}" if slash else known.name


class ContextView(LineView):
    """One line a key. Enter (`LineOpened`) is for giving the key under the cursor a value."""

    HELP_TITLE: ClassVar[str] = "Condition keys of the answer"

    DEFAULT_CSS = """
    ContextView {
        height: 1;
        margin: 0 1;
        display: none;
        &.-open {
            display: block;
        }
    }
    """

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._rows: list[KeyRow] = []
        self._names = 0
        self.most_rows = 8
        """How many lines it may take."""

    @property
    def row(self) -> KeyRow | None:
        """The key under the cursor."""
        return self._rows[self.cursor] if self._rows else None

    def show(self, decision: Decision | None) -> None:
        """Show the keys of a decision; None: of no answer."""
        rows = key_rows(decision) if decision is not None else []
        if rows == self._rows:
            return
        kept = self.row
        self._rows = rows
        self._names = max((cell_len(row.key) for row in rows), default=0)
        lines = min(max(len(rows), 1), self.most_rows)
        if self.styles.height is None or self.styles.height.value != lines:
            self.styles.height = lines
        keys = [row.key for row in rows]
        self.set_total(max(len(rows), 1), cursor=keys.index(kept.key) if kept and kept.key in keys else 0)

    def to_top(self) -> None:
        """Put the cursor on the first key, the one that matters most."""
        self.set_total(max(len(self._rows), 1))

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """Mark, key, value, source."""
        if not self._rows:
            return [Piece("No condition key to show: there is no answer.", "muted")]
        return list(self._pieces(self._rows[index], width))

    def _pieces(self, row: KeyRow, width: int) -> Iterator[Piece]:
        mark, style = _SOURCES[row.source]
        names = min(self._names, max(12, (width - _SOURCE_WIDTH - 8) * 3 // 5))
        yield Piece(f"{mark} ", style)
        yield Piece(f"{row.source.ljust(_SOURCE_WIDTH)}", style)
        name = fit(safe_text(row.key, limit=None), names)
        yield Piece(name + " " * (names - cell_len(name) + 2), "" if row.source in ("unknown", "given") else "muted")
        yield Piece(row.words, style if row.source != "given" else "")
