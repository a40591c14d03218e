"""Lists declared once: the columns that the screen exports and the command line prints alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from iamtui.presentation.styled_words import table_text

T = TypeVar("T")


@dataclass(frozen=True)
class ListColumn(Generic[T]):
    """A column: its name in tables and JSON, and the raw text of a row's cell; None where there is none."""

    id: str
    cell: Callable[[T], str | None]


@dataclass(frozen=True)
class Listing(Generic[T]):
    """A list of rows as data, without the screen and the command line that show it."""

    columns: tuple[ListColumn[T], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.id for column in self.columns)

    def data(self, row: T) -> dict[str, str | None]:
        """The JSON of a row.

        Raises:
            TypeError: a cell is no text; a secret, above all, has no place in a list.
        """
        made = {column.id: column.cell(row) for column in self.columns}
        for name, value in made.items():
            if value is not None and not isinstance(value, str):
                raise TypeError(f"Cell {name} is {type(value).__name__}, not text.")
        return made

    def text(self, form: str, rows: Iterable[T]) -> str:
        """Rows in one of FORMATS.

        Raises:
            Problem: they are too much to show and to copy.
        """
        made = map(self.data, rows)
        return table_text(form, self.names, ((tuple(data.values()), data) for data in made))
