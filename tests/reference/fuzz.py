"""The long run: `python -m tests.reference.fuzz --requests 100000 --sets 20000 [--seed N] [--only KIND]`.

Makes scenarios of every kind in turn, asks both evaluators, and prints each disagreement, made as small as it gets,
as a scenario that `iamtui simulate` reads. Exits with 1 when there was one, with 0 when there was none.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.conformance.engine import decide

from .agreement import disagreement, reduced
from .catalogue_generator import make_catalogue_scenario, make_needs_scenario
from .drawing import Json
from .evaluator import evaluate
from .generator import make_scenario
from .open_questions import is_open
from .option_generator import make_option_scenario
from .rule_generator import make_rule_scenario
from .set_generator import make_set_scenario
from .sets import TooMany

REQUESTS: dict[str, Callable[[Random], Json]] = {
    "requests": make_scenario,
    "rules": make_rule_scenario,
    "options": make_option_scenario,
}
SETS: dict[str, Callable[[Random], Json]] = {
    "letters": make_set_scenario,
    "catalogue": make_catalogue_scenario,
    "needs": make_needs_scenario,
}
MOST_SHOWN = 20
"""How many disagreements a run shows before it gives up."""


def why_bad(scenario: dict[str, Any], *, open_too: bool = False) -> str | None:
    """The disagreement, or what was raised; None when all is well or the question is an open one."""
    try:
        if is_open(scenario) and not open_too:
            return None
        return disagreement(scenario)
    except Exception as error:  # noqa: BLE001 - whatever is raised on a sound scenario is a finding
        return f"{type(error).__name__}: {error}"


def report(scenario: dict[str, Any], *, open_too: bool = False) -> str | None:
    """The disagreement on a scenario with the scenario made small, as text; None when there is none."""
    found = why_bad(scenario, open_too=open_too)
    if found is None:
        return None
    kind = _kind(found)
    small = reduced(scenario, lambda smaller: _kind(why_bad(smaller, open_too=open_too) or "") == kind)
    return f"{why_bad(small, open_too=open_too)}\n{json.dumps(small, indent=2, ensure_ascii=False)}"


def _kind(sentence: str) -> str:
    """What has to stay the same while a scenario is made smaller."""
    return sentence.split(" with {", maxsplit=1)[0]


def decision_on(scenario: dict[str, Any]) -> str:
    """What the reference decides, or that it leaves the set to the engine."""
    try:
        return evaluate(scenario).decision
    except TooMany:
        return "too many kinds of resources"


def numbered(kinds: dict[str, Callable[[Random], Json]], count: int, seed: int) -> Iterator[tuple[str, int, Json]]:
    """Scenarios of all kinds in turn; the one before which N others were made has the seed SEED + N."""
    named = list(kinds.items())
    for number in range(seed, seed + count):
        name, make = named[number % len(named)]
        yield name, number, make(Random(number))


def main(arguments: list[str] | None = None) -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.reference.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=0, help="how many questions about single resources to try")
    parser.add_argument("--sets", type=int, default=0, help="how many questions about sets of resources to try")
    parser.add_argument("--seed", type=int, default=0, help="where to start; scenario number N has seed SEED + N")
    parser.add_argument("--only", choices=[*REQUESTS, *SETS], help="one kind of scenario")
    parser.add_argument("--open", action="store_true", help="try the open questions of open_questions.py too")
    options = parser.parse_args(arguments)

    def chosen(kinds: dict[str, Callable[[Random], Json]]) -> dict[str, Callable[[Random], Json]]:
        return {name: make for name, make in kinds.items() if options.only in (None, name)} or kinds

    decisions: Counter[str] = Counter()
    differences = 0
    started = time.monotonic()
    made = itertools.chain(
        numbered(chosen(REQUESTS), options.requests, options.seed), numbered(chosen(SETS), options.sets, options.seed)
    )
    for number, (kind, seed, scenario) in enumerate(made):
        found = report(scenario, open_too=options.open)
        if found is not None:
            differences += 1
            print(f"{kind}, seed {seed}: {found}", flush=True)
            if differences == MOST_SHOWN:
                break
        decisions[f"{kind} {scenario.get('mode', 'strict')} {decide(scenario)['decision']}"] += 1
        if number % 5_000 == 4_999:
            print(f"{number + 1} scenarios, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    for name, count in sorted(decisions.items()):
        print(f"{count:8} {name}")
    print(f"{differences:8} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
