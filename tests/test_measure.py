"""The tool that measures the structure of the project."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.slow import one_quick
from tools.measure import (
    ROWS,
    Source,
    circles,
    circles_of,
    class_names,
    complexity,
    docstrings,
    function_imports,
    importers,
    main,
)

STATIC = (
    "size",
    "docstrings",
    "classes",
    "importers",
    "function_imports",
    "noqa",
    "circles",
    "complexity",
    "private",
    "screens",
    "density",
)
OPEN = {
    *("kilobytes of code", "files", "functions", "lines of tests"),
    *("bytes a line, mean, in tenths", "functions of complexity over 20"),
}
"""The figures whose goals are not met."""


@pytest.fixture
def small(tmp_path: Path) -> Source:
    package = tmp_path / "iamtui"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "low.py").write_text("def late():\n    from iamtui import high\n    import json\n")
    (package / "high.py").write_text("import os\nfrom iamtui.low import late\n")
    (package / "door.py").write_text("from . import low\n")
    return Source(tmp_path)


@pytest.fixture(scope="module")
def project() -> Source:
    return Source()


@one_quick("row", STATIC)
def test_the_project_keeps_the_goals_that_it_has_met(project: Source, row: str) -> None:
    figures = list(ROWS[row](project))
    assert figures
    missed = [one for one in figures if one.goal is not None and one.value > one.goal and one.name not in OPEN]
    assert not missed, "\n".join(line for figure in missed for line in (figure.name, *figure.details))


@pytest.mark.slow
def test_the_table_is_printed_with_its_details(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["size", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["measure", "now", "at", "most"]
    assert any(line.startswith("    iamtui.engine: ") for line in lines)


def test_imports_inside_functions_are_found_with_their_targets(small: Source) -> None:
    (figure,) = function_imports(small)
    assert figure.value == 2
    assert figure.details == ["iamtui/low.py:2 iamtui.high", "iamtui/low.py:3 json"]


def test_a_single_importer_is_found_and_named(small: Source) -> None:
    (figure,) = importers(small)
    assert figure.details[0] == "iamtui.high <- iamtui.low"


def test_circles_are_found_at_the_top_and_with_functions(small: Source) -> None:
    top, everywhere = circles(small)
    assert top.value == 0
    assert everywhere.details == ["iamtui.high <-> iamtui.low"]
    assert circles_of({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [{"b", "c"}]


def test_complexity_counts_branches_boolean_operators_and_comprehensions() -> None:
    code = "def f(a, b):\n    if a and b:\n        return [x for x in a if x]\n    return a if b else None\n"
    assert complexity(ast.parse(code)) == 6


def test_a_name_of_two_classes_and_a_summary_in_dialect_are_found(small: Source) -> None:
    (small.root / "iamtui" / "low.py").write_text('class Row:\n    """What is told."""\n')
    (small.root / "iamtui" / "high.py").write_text('class Row:\n    """A line of a table."""\n')
    changed = Source(small.root)
    (names,) = class_names(changed)
    assert names.details == ["Row: iamtui/high.py:1, iamtui/low.py:1"]
    counted, found = docstrings(changed)
    assert (counted.value, found.details) == (2, ["iamtui/low.py:2 What is told."])
