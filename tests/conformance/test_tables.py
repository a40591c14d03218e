"""The tables themselves are sound."""

from __future__ import annotations

import re

import pytest

from .cases import DATA, DECISION_TABLES, MATCHING_TABLES, cases


def test_every_data_file_is_read() -> None:
    assert {path.stem for path in DATA.iterdir()} == {*DECISION_TABLES, *MATCHING_TABLES}


def test_ids_are_unique() -> None:
    ids = [case["id"] for table in (*DECISION_TABLES, *MATCHING_TABLES) for case in cases(table)]
    assert len(ids) == len(set(ids))
    assert len(ids) > 400


@pytest.mark.parametrize("table", [*DECISION_TABLES, *MATCHING_TABLES])
def test_every_case_says_what_it_is_about(table: str) -> None:
    for case in cases(table):
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", case["id"])
        assert re.fullmatch(r"[^ a-z].*\.", case["why"]), case["id"]
