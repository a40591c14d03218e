"""The parts of a statement: resources, actions, conditions; and which bucket policies are public."""

from __future__ import annotations

import pytest

from .cases import Json, cases


def _rows(table: str) -> list[object]:
    return [pytest.param(row, id=row["id"]) for row in cases(table)]


@pytest.mark.parametrize("row", _rows("resources"))
def test_resource(row: Json) -> None:
    from .engine import match_resource

    assert match_resource(row) is row["matches"], row["why"]


@pytest.mark.parametrize("row", _rows("actions"))
def test_action(row: Json) -> None:
    from .engine import match_action

    assert match_action(row) is row["matches"], row["why"]


@pytest.mark.parametrize("row", _rows("conditions") + _rows("condition_corners"))
def test_condition(row: Json) -> None:
    from .engine import condition

    assert condition(row) is row["holds"], row["why"]


@pytest.mark.parametrize("row", _rows("public_policies"))
def test_public_policy(row: Json) -> None:
    from .engine import is_public_policy

    assert is_public_policy(row) is row["public"], row["why"]
