"""The engine and the second evaluator agree on the parts of a statement, over many random rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

import pytest

from tests.conformance.cases import (
    Json,
    Question,
    action_question,
    condition_question,
    public_question,
    resource_question,
)
from tests.conformance.engine import decide
from tests.support.slow import all_but

from .evaluator import evaluate
from .matching_rows import action_row, condition_row, public_row, resource_row
from .open_questions import is_open

ROWS: dict[str, tuple[Callable[[Random], Json], Callable[[Json], Question], int]] = {
    "resources": (resource_row, resource_question, 4000),
    "actions": (action_row, action_question, 300),
    "conditions": (condition_row, condition_question, 4000),
    "public policies": (public_row, public_question, 1500),
}


@pytest.mark.parametrize("table", all_but("public policies", ROWS))
def test_random_rows(table: str) -> None:
    make, ask, count = ROWS[table]
    answers = {True: 0, False: 0}
    for seed in range(count):
        row = make(Random(seed))
        question = ask(row)
        if is_open(question.scenario):
            continue
        expected = question.answer(evaluate(question.scenario).decision)
        assert question.answer(decide(question.scenario)["decision"]) is expected, f"seed {seed}: {json.dumps(row)}"
        answers[expected] += 1
    assert min(answers.values()) > count / 10, answers
