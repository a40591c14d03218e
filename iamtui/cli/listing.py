"""Lists of the command line: every form of output from the one declaration of a list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Generic, TypeVar

from iamtui.cli.output import JsonRecords, Output, Span, Style
from iamtui.lint.sarif import sarif_log
from iamtui.presentation.listing import At, Edge, Listing
from iamtui.presentation.styled_words import Row, Tone, Word, text_of

T = TypeVar("T")

_GAP: Final = "  "
_INDENT: Final = "    "


class ListingPrinter(Generic[T]):
    """Prints the rows of a list in a form of output, each written and flushed when it is there.

    Args:
        form: text, json, jsonl, csv or markdown; as far as the list has them sarif, dot and mermaid.
    """

    def __init__(self, out: Output, form: str, listing: Listing[T]) -> None:
        self._out = out
        self._form = form
        self._listing = listing
        self._records = JsonRecords(out, lines=form == "jsonl")
        self._kept: list[T] = []
        """Rows that are written when all are there."""
        self._columns = listing.columns_at(At.TEXT)
        self._group = ""
        if form in ("csv", "markdown"):
            out.raw(listing.heading(form))

    def add(self, row: T) -> None:
        if self._form in ("json", "jsonl"):
            self._records.add(self._listing.record(row))
        elif self._form in ("csv", "markdown"):
            self._out.raw(self._listing.line(self._form, row))
        elif self._form == "text" and not self._listing.heads:
            self._print(row, [column.least for column in self._columns])
        else:
            self._kept.append(row)
            return
        self._out.flush()

    def end(self, failures: Iterable[tuple[str, str]] = ()) -> None:
        """Write what has waited for all rows.

        Args:
            failures: of a SARIF log, as name and sentence: what was not read.
        """
        listing = self._listing
        if self._form == "json":
            self._records.end()
        elif self._form == "sarif" and listing.sarif is not None:
            log = sarif_log([*map(listing.sarif, self._kept)], help_uri=listing.help_uri, failures=failures)
            self._out.json(log, indent=2)
        elif self._form in ("dot", "mermaid"):
            print_graph(self._out, listing.id, filter(None, map(listing.edge, self._kept)), self._form)
        elif self._kept:
            self._print_table()

    def _print_table(self) -> None:
        cells = [[len(text_of(column.shown(row))) for column in self._columns] for row in self._kept]
        widths = [max((len(column.title), *lengths)) for column, *lengths in zip(self._columns, *cells, strict=True)]
        titles: list[Row] = [(Word(column.title.upper(), Tone.QUIET),) for column in self._columns]
        self._out.row(_beside(titles, widths))
        for row in self._kept:
            self._print(row, widths)

    def _print(self, row: T, widths: list[int]) -> None:
        if self._listing.group(row) not in ("", self._group):
            self._group = self._listing.group(row)
            self._out.line(Span(self._group, Style.STRONG))
        lead = (Word(_GAP),) if self._group else ()
        self._out.row((*lead, *self._cells(row, widths)))
        for inner in self._listing.inner(row):
            self._out.row((Word(_INDENT), *self._cells(inner, [])))

    def _cells(self, row: T, widths: list[int]) -> Row:
        return _beside([column.shown(row) for column in self._columns], widths)


def print_listing(
    out: Output, form: str, listing: Listing[T], rows: Iterable[T], *, failures: Iterable[tuple[str, str]] = ()
) -> None:
    """Print the rows of a list as a ListingPrinter does."""
    printer = ListingPrinter(out, form, listing)
    for row in rows:
        printer.add(row)
    printer.end(failures)


def _beside(cells: list[Row], widths: list[int]) -> Row:
    """Cells in columns; one that is empty and has no width takes no room."""
    made: list[Word] = []
    for cell, width in zip(cells, [*widths, *[0] * (len(cells) - len(widths))], strict=True):
        text = text_of(cell)
        if text or width:
            made += (*cell, Word(" " * max(0, width - len(text)) + _GAP))
    return tuple(made)


def print_graph(out: Output, name: str, edges: Iterable[Edge], form: str) -> None:
    """Print edges as they come, each name as one node.

    Args:
        form: "dot" or "mermaid".
    """
    dot = form == "dot"
    for line in (f"digraph {name} {{", "  rankdir=LR;") if dot else ("flowchart LR",):
        out.line(line)
    numbers: dict[str, int] = {}
    for edge in edges:
        for node in edge[:2]:
            if node not in numbers:
                numbers[node] = len(numbers)
                label = _quoted(node, form)
                out.line(f"  n{numbers[node]}" + (f" [label={label}];" if dot else f"[{label}]"), whole=True)
        source, target = numbers[edge.source], numbers[edge.target]
        out.line(f"  n{source} {_dot(target, edge) if dot else _mermaid(target, edge)}", whole=True)
    if dot:
        out.line("}")


def _dot(target: int, edge: Edge) -> str:
    look = [f"label={_quoted(edge.label, 'dot')}"] if edge.label else []
    look += ["style=dashed"] if edge.dashed else []
    return f"-> n{target} [{', '.join(look)}];" if look else f"-> n{target};"


def _mermaid(target: int, edge: Edge) -> str:
    if not edge.label:
        return f"{'-.->' if edge.dashed else '-->'} n{target}"
    start, end = ("-.", ".->") if edge.dashed else ("--", "-->")
    return f"{start} {_quoted(edge.label, 'mermaid')} {end} n{target}"


def _quoted(text: str, form: str) -> str:
    """A label in quotes, as it is read: without directives (`%%`), Markdown, HTML or character references in it."""
    if form == "dot":
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;") + '"'
    return f'"{text.translate(_MERMAID)}"'


_MERMAID: Final = str.maketrans(
    {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "%": "#37;", "`": "#96;", "&": "#amp;"}
)
