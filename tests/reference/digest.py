"""One number for the decisions on a fixed set of generated requests: `python -m tests.reference.digest`."""

from __future__ import annotations

import hashlib
import json
import random

from iamtui.engine.evaluator import evaluate
from iamtui.engine.scenarios.scenario import parse_scenario
from iamtui.engine.words.decision_json import decision_to_json

from .generator import make_scenario

SCENARIOS = 2000

RECORDED = ("decision", "blocked_by", "reasons", "matched", "depends_on", "missing_context", "resource_scope")
"""What a decision rests on; the sentences are left out, so that wording can be mended freely."""


def digest(scenarios: int = SCENARIOS) -> str:
    """A hash over the decisions, the same on every Python."""
    total = hashlib.sha256()
    for seed in range(scenarios):
        scenario = parse_scenario(make_scenario(random.Random(seed)))
        decision = decision_to_json(evaluate(scenario.request, scenario.policies, scenario.options))
        recorded = {name: decision[name] for name in RECORDED}
        total.update(json.dumps(recorded, sort_keys=True).encode())
    return total.hexdigest()


if __name__ == "__main__":
    print(digest())
