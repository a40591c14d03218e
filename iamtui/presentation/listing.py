"""Lists declared once: rows, columns and where rows lead, which the screen draws and the command line prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Flag, auto
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

from iamtui.engine.request import Principal
from iamtui.presentation.styled_words import (
    FORMATS,
    Row,
    Word,
    csv_row,
    markdown_row,
    row_of,
    text_of,
    to_ascii_json,
)
from iamtui.problem import Problem
from iamtui.questions.question import Question

if TYPE_CHECKING:
    from iamtui.drafts.draft import Edit
    from iamtui.lint.sarif import SarifResult

T = TypeVar("T")

Value: TypeAlias = str | bool | int | float | Sequence[str] | None
"""What a cell holds for other programs; a list is joined by semicolons in tables."""


class At(Flag):
    """Doors at which a column is shown: the screen, where others can be chosen, text for people, other programs."""

    SCREEN = auto()
    TEXT = auto()
    DATA = auto()
    PEOPLE = SCREEN | TEXT
    PRINTED = TEXT | DATA
    EVERYWHERE = SCREEN | TEXT | DATA


@dataclass(frozen=True)
class ListColumn(Generic[T]):
    """A column of a list.

    Args:
        id: its name, in tables, JSON and options.
        value: the raw value of a row's cell; None: there is none.
        words: the cell for people, as styled words or raw text; None: the value.
        least: cells that it takes at least in text.
        sort: what rows are sorted by; None: the value, texts in any letter case.
        gives_way: where there is no room for all, the columns of the highest number go first; 0: it stays.
    """

    id: str
    value: Callable[[T], Value]
    words: Callable[[T], Row | Word | str] | None = None
    at: At = At.EVERYWHERE
    least: int = 0
    sort: Callable[[T], Any] | None = None
    gives_way: int = 0

    @property
    def title(self) -> str:
        return self.id.replace("_", " ")

    def order(self, row: T) -> Any:
        """What rows are sorted by; None, which stands last in every order, where that is not known."""
        value = self.value(row) if self.sort is None else self.sort(row)
        if isinstance(value, str):
            return value.lower() or None
        return cell_text(value) or None if isinstance(value, (list, tuple)) and self.sort is None else value

    def searched(self, row: T) -> str:
        """Words and value of the cell as raw text, which a filter looks in."""
        value = cell_text(self.value(row))
        if self.words is None:
            return value
        words = self.words(row)
        text = words if isinstance(words, str) else words.text if isinstance(words, Word) else text_of(words)
        return f"{text} {value}"

    def shown(self, row: T) -> Row:
        """The cell for people, safe to show."""
        return row_of(cell_text(self.value(row)) if self.words is None else self.words(row), limit=None)


def cell_text(value: Value) -> str:
    """A value as text in a table."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, (str, int, float)):
        return "" if value is None else str(value)
    return "; ".join(value)


class StatementPlace(NamedTuple):
    """Place in an entity that Enter shows: a statement of a policy, its trust policy, or a row of its overview."""

    policy: str = ""
    statement: int = 0
    trust: bool = False
    row: str = ""


class Target(NamedTuple):
    """What Enter on a row leads to: an entity by its raw ARN and a place in it, or a question of a principal."""

    arn: str
    place: StatementPlace | None = None
    asked: tuple[Principal, Question] | None = None


class Fix(NamedTuple):
    """What mends a row: edits of a draft, or the statement to edit where there are none."""

    edits: Callable[[], Sequence[Edit]] = tuple
    target: Target | None = None


class Edge(NamedTuple):
    """An arrow from one name to another in a graph, dashed where something remains open."""

    source: str
    target: str
    label: str = ""
    dashed: bool = False


def _no_text(_row: Any) -> str:
    return ""


def _nothing(_row: Any) -> tuple[()]:
    return ()


def _none(_row: Any) -> None:
    return None


def _itself(row: Any) -> object:
    return row


@dataclass(frozen=True)
class Listing(Generic[T]):
    """A list as data, without the screen and the command line that show it.

    Args:
        id: by what commands, files and kept columns call it.
        nothing: what to say when there are no rows; raw.
        kinds: what rows can be narrowed to, in the order of the keys; aside: one that is shown only when it is chosen.
        kind, others: the kind of a row, and those of the kinds that it is of besides.
        key: the identity of a row, by which the cursor finds it again.
        order: the order of the list itself; None: as rows come.
        search: the text that a filter looks in, in lower case; None: all that stands in the row.
        inner: rows of the same columns that stand below a row for people; rows of a list have no inner rows of inner
            rows.
        group: a heading for people over rows that follow one another and have the same, or "".
        heads: whether text has headings above aligned columns; then all rows are read before the first is written.
        details: what stands below the list while the cursor is on the row; safe to show.
        no_target: what to say where a row leads nowhere.
        data: the JSON of a row where it is richer than the columns.
        sarif, edge: the row as a result of a SARIF log, and as an arrow of a graph, where it can be one.
        help_uri: a page about the rules of the log.
    """

    id: str
    columns: tuple[ListColumn[T], ...]
    title: str = ""
    nothing: str = ""
    kinds: tuple[str, ...] = ()
    aside: str = ""
    heads: bool = False
    kind: Callable[[T], str] = _no_text
    others: Callable[[T], Sequence[str]] = _nothing
    key: Callable[[T], object] = _itself
    order: Callable[[T], Any] | None = None
    search: Callable[[T], str] | None = None
    inner: Callable[[T], Sequence[T]] = _nothing
    group: Callable[[T], str] = _no_text
    details: Callable[[T], Sequence[Row]] = _nothing
    target: Callable[[T], Target | None] = _none
    no_target: str = "It is about the account, not a part of the tree."
    fix: Callable[[T], Fix | None] = _none
    data: Callable[[T], Mapping[str, Any]] | None = None
    sarif: Callable[[T], SarifResult] | None = None
    edge: Callable[[T], Edge | None] = _none
    help_uri: str | None = None

    def columns_at(self, at: At) -> list[ListColumn[T]]:
        return [column for column in self.columns if at & column.at]

    def record(self, row: T) -> Mapping[str, Any]:
        """The JSON of a row."""
        return self._values(row) if self.data is None else self.data(row)

    def _values(self, row: T) -> dict[str, Value]:
        """The values of a row by the names of their columns.

        Raises:
            TypeError: a value is of another type; a secret, above all, has no place in a list.
        """
        made: dict[str, Value] = {}
        for column in self.columns_at(At.DATA):
            value = made[column.id] = column.value(row)
            several = value if isinstance(value, (tuple, list)) else (value,)
            if not all(one is None or isinstance(one, (str, int, float)) for one in several):
                raise TypeError(f"Cell {column.id} is {type(value).__name__}, not text, a number or a list of texts.")
        return made

    def haystack(self, row: T) -> str:
        """The text that a filter looks in, in lower case."""
        if self.search is not None:
            return self.search(row)
        columns = self.columns_at(At.PEOPLE)
        cells = (column.searched(one) for one in (row, *self.inner(row)) for column in columns)
        return " ".join((self.group(row), *cells)).lower()

    def heading(self, form: str) -> str:
        """The beginning of a text in one of FORMATS."""
        names = [column.id for column in self.columns_at(At.DATA)]
        return {"csv": csv_row(names), "markdown": markdown_row(names, heading=True)}.get(form, "")

    def line(self, form: str, row: T) -> str:
        """The text of a row in one of FORMATS."""
        if form == "json":
            return to_ascii_json(self.record(row)) + "\n"
        return (csv_row if form == "csv" else markdown_row)(map(cell_text, self._values(row).values()))

    def text(self, form: str, rows: Iterable[T]) -> str:
        """Rows in one of FORMATS as one text.

        Raises:
            Problem: they are too much to show and to copy.
        """
        made = [self.heading(form)]
        size = 0
        for row in rows:
            made.append(self.line(form, row))
            size += len(made[-1])
            if size > _LONGEST_TEXT:
                millions = _LONGEST_TEXT // 1_000_000
                raise Problem(
                    f"As {FORMATS[form]} the list has more than {millions} million characters.",
                    "Filter it to fewer rows, or run the command for it, such as `iamtui who-can`: it writes row by "
                    "row.",
                )
        return "".join(made)


@dataclass(eq=False)
class Report(Generic[T]):
    """Rows of a list.

    Args:
        notes: what the list does not know, or what it adds up to; safe to show.
        coming: rows that follow, each made when it is taken; after the last of them the notes are those of all.
        expected: how many rows there will be, where some follow.
        export: rows as a text in one of FORMATS, where the list itself does not have all that the text says; the
            last argument tells whether nobody wants it any more.
    """

    listing: Listing[T]
    rows: Sequence[T] = ()
    notes: Sequence[str] = ()
    coming: Iterator[T] | None = None
    expected: int = 0
    export: Callable[[str, Sequence[T], Callable[[], bool]], str] | None = None
    _searched: list[str] = field(default_factory=list, repr=False)

    def text(self, form: str, rows: Sequence[T], cancelled: Callable[[], bool] = lambda: False) -> str:
        """Some of the rows in one of FORMATS."""
        return self.listing.text(form, rows) if self.export is None else self.export(form, rows, cancelled)

    def counts(self) -> Counter[str]:
        """How many rows each kind has."""
        found = Counter(map(self.listing.kind, self.rows))
        if self.listing.others is not _nothing:
            found.update(kind for row in self.rows for kind in self.listing.others(row))
        return found

    def shown(self, kind: str, needle: str) -> list[T]:
        """The rows of a kind ("": of all) in which, or in whose inner rows, all words of a text occur, in any case."""
        of, others, aside = self.listing.kind, self.listing.others, self.listing.aside
        words = needle.lower().split()
        if words:
            self._searched += map(self.listing.haystack, self.rows[len(self._searched) :])
        return [
            row
            for row, text in zip(self.rows, self._searched if words else repeat(""), strict=False)
            if all(word in text for word in words)
            and (of(row) == kind or kind in others(row) if kind else not aside or of(row) != aside)
        ]


_LONGEST_TEXT: Final = 32_000_000
"""Characters of a list as one text: each of thousands of rows may repeat a condition with thousands of keys."""
