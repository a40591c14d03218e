"""Graphs for other tools: the edges that a command found, as Graphviz (dot) or Mermaid."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from iamtui.cli.output import Output


class Edge(NamedTuple):
    """An arrow from one name to another, dashed where something remains open."""

    source: str
    target: str
    label: str = ""
    dashed: bool = False


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
    if form == "dot":
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    escaped = text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
    return f'"{escaped}"'
