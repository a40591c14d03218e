"""Whole decisions: policies and a request, and what AWS decides."""

from __future__ import annotations

import pytest

from .cases import DECISION_TABLES, Json, cases, without_sources

CASES = [pytest.param(case, id=case["id"]) for table in DECISION_TABLES for case in cases(table)]


@pytest.mark.parametrize("case", CASES)
def test_decision(case: Json) -> None:
    from .engine import decide

    found = decide(case["scenario"])
    expected = case["expect"]
    assert found["decision"] == expected["decision"], case["why"]
    if "blocked_by" in expected:
        assert found["blocked_by"] == expected["blocked_by"], case["why"]
    if "depends_on" in expected:
        assert without_sources(found["depends_on"]) == without_sources(expected["depends_on"]), case["why"]
    for part in ("resource_scope", "allowed_resources", "example_resource", "missing_context"):
        if part in expected:
            assert found[part] == expected[part], case["why"]
    assert (found["depends_on"] is not None) == (expected["decision"] == "depends")
    if expected["decision"] == "allowed":
        assert found["reasons"] == []
