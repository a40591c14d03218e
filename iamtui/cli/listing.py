"""Lists of the command line: every form of output from the one declaration of a list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

from iamtui.cli.output import JsonRecords, Output, Span, Style
from iamtui.lint.sarif import sarif_log
from iamtui.presentation.listing import At, Edge, ListColumn, Listing
from iamtui.presentation.styled_words import Row, Tone, Word, text_of

T = TypeVar("T")

_GAP: Final = "  "
_INDENT: Final = "    "


def print_listing(
    out: Output,
    form: str,
    listing: Listing[T],
    rows: Iterable[T],
    *,
    failures: Iterable[tuple[str, str]] = (),
) -> None:
    """Print the rows of a list in a form of output, each written and flushed when it is there.

    Args:
        form: text, json, jsonl, csv or markdown; as far as the list has them sarif, dot and mermaid.
        failures: of a SARIF log, as name and sentence: what was not read.
    """
    if form == "text":
        _print_text(out, listing, rows)
    elif form == "sarif" and listing.sarif is not None:
        out.json(sarif_log([*map(listing.sarif, rows)], help_uri=listing.help_uri, failures=failures), indent=2)
    elif form in ("dot", "mermaid"):
        print_graph(out, listing.id, filter(None, map(listing.edge, rows)), form)
    elif form in ("csv", "markdown"):
        for line in listing.lines(form, rows):
            out.raw(line)
            out.flush()
    else:
        records = JsonRecords(out, lines=form == "jsonl")
        for row in rows:
            records.add(listing.record(row))
        records.end()


def _print_text(out: Output, listing: Listing[T], rows: Iterable[T]) -> None:
    columns = listing.columns_at(At.TEXT)
    widths = [column.least for column in columns]
    if listing.heads:
        rows = list(rows)
        cells = [[len(text_of(column.shown(row))) for column in columns] for row in rows]
        widths = [max((len(column.title), *lengths)) for column, *lengths in zip(columns, *cells, strict=True)]
        titles: list[Row] = [(Word(column.title.upper(), Tone.QUIET),) for column in columns]
        if rows:
            out.row(_beside(titles, widths))
    group = ""
    for row in rows:
        if listing.group(row) not in ("", group):
            group = listing.group(row)
            out.line(Span(group, Style.STRONG))
        lead = (Word(_GAP),) if group else ()
        out.row((*lead, *_cells(columns, row, widths)))
        for inner in listing.inner(row):
            out.row((Word(_INDENT), *_cells(columns, inner, [])))
        out.flush()


def _cells(columns: Iterable[ListColumn[T]], row: T, widths: list[int]) -> Row:
    return _beside([column.shown(row) for column in columns], widths)


def _beside(cells: list[Row], widths: list[int]) -> Row:
    """Cells in columns; one that is empty and has no width takes no room."""
    made: list[Word] = []
    for cell, width in zip(cells, [*widths, *[0] * (len(cells) - len(widths))], strict=True):
        text = text_of(cell)
        if text or width:
            made += (*cell, Word(" " * max(0, width - len(text)) + _GAP))
    return tuple(made)


# Graphs for other tools: the edges that a command found, as Graphviz (dot) or Mermaid.


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
