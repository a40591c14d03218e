"""The documents for contributors name files and rooms that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ARCHITECTURE = ROOT / "docs" / "architecture.md"
_PATH = re.compile(r"`((?:[a-z_]+/)+(?:[a-z_]+\.[a-z]+)?|[a-z_]+(?:/[a-z_]+)*\.py|tests/[a-z_/]+)`")


@pytest.mark.parametrize("document", [ARCHITECTURE, ROOT / "CONTRIBUTING.md"], ids=lambda path: path.name)
def test_every_file_that_is_named_exists(document: Path) -> None:
    named = _PATH.findall(document.read_text())
    assert len(named) > 5
    assert [name for name in named if not (ROOT / name).exists() and not (ROOT / "iamtui" / name).exists()] == []


def test_every_room_has_a_row_and_a_place_in_the_drawing() -> None:
    text = ARCHITECTURE.read_text()
    drawing = text.partition("```text")[2].partition("```")[0]
    rows = "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    rooms = [
        path.stem
        for path in (ROOT / "iamtui").iterdir()
        if (path.is_dir() or path.suffix == ".py") and not path.stem.startswith("__")
    ]
    assert [room for room in rooms if not re.search(rf"\b{room}\b", drawing)] == []
    assert [room for room in rooms if f"`{room}`" not in rows] == []
