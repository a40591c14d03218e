"""docs/security.md: every threat has a countermeasure, and tests that exist."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (ROOT / "docs" / "security.md").read_text().splitlines()
    if re.match(r"\| \d+ \|", line)
]
NAMED = [name for row in ROWS for name in re.findall(r"`(tests/[^`]+)`", row[-1])]


@cache
def functions_of(file: str) -> set[str]:
    return {*re.findall(r"^(?:async )?def (test_\w+)", (ROOT / file).read_text(), re.MULTILINE)}


def test_the_threats_are_numbered_without_a_gap() -> None:
    assert [row[0] for row in ROWS] == [str(number) for number in range(1, 40)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_threat_has_a_countermeasure_and_a_test(row: list[str]) -> None:
    assert len(row) == 4
    assert all(len(cell) > 20 for cell in row[1:])
    assert re.fullmatch(r"`tests/[^`]+`(, `tests/[^`]+`)*", row[3])


@pytest.mark.parametrize("name", sorted(set(NAMED)))
def test_every_test_that_is_named_exists(name: str) -> None:
    file, _, test = name.partition("::")
    assert test in functions_of(file)
