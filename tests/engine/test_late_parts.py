"""The parts of a Decision that are put together when they are read: nobody can tell."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, fields
from random import Random

import pytest

from iamtui.engine.decision import Decision, Layer, Outcome
from iamtui.engine.evaluator import evaluate
from iamtui.engine.scenarios.scenario import parse_scenario
from tests.reference.generator import make_scenario

PARTS = tuple(part.name for part in fields(Decision))


def late(seed: int) -> Decision:
    """A decision none of whose parts was read."""
    asked = parse_scenario(make_scenario(Random(seed)))
    return evaluate(asked.request, asked.policies, asked.options)


def whole(decision: Decision) -> Decision:
    """The same, made with all of its parts."""
    return Decision(**{name: getattr(decision, name) for name in PARTS})


@pytest.mark.parametrize("seed", range(40))
def test_a_decision_equals_one_made_with_all_its_parts(seed: int) -> None:
    made = whole(late(seed))
    assert late(seed) == made
    assert made == late(seed)
    assert late(seed).not_evaluated == made.not_evaluated
    assert late(seed).deciding == made.deciding


def test_a_decision_is_copied_and_changed_as_any_record() -> None:
    decision = late(3)
    changed = decision.with_parts(notes=("a note",))
    assert changed == whole(late(3)).with_parts(notes=("a note",))
    assert copy.copy(late(3)) == whole(decision)
    assert late(3).with_parts() == whole(decision)


def test_a_part_that_was_read_is_kept() -> None:
    decision = late(5)
    assert decision.layers is decision.layers
    assert decision.matched is decision.matched


def test_a_decision_cannot_be_changed_and_has_no_other_parts() -> None:
    decision = late(5)
    with pytest.raises(FrozenInstanceError):
        decision.outcome = Outcome.ALLOWED  # type: ignore[misc]
    with pytest.raises(AttributeError, match="verdict"):
        decision.verdict  # type: ignore[attr-defined] # noqa: B018 - it is the reading that must fail
    with pytest.raises(AttributeError, match="verdict"):
        whole(decision).verdict  # type: ignore[attr-defined] # noqa: B018 - as above


def test_threads_that_read_a_decision_at_once_read_the_same() -> None:
    for seed in range(20):
        decision = late(seed)
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(lambda name, one=decision: (name, getattr(one, name)), PARTS * 4))
        made = whole(late(seed))
        assert all(value == getattr(made, name) for name, value in found)


def test_a_part_left_out_has_its_default() -> None:
    decision = Decision(late(1).request, Outcome.ALLOWED, ())
    assert (decision.blocked_by, decision.notes, decision.depends_on) == ((), (), None)
    assert Layer.SCP not in decision.not_evaluated
