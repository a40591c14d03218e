"""The long run: `python -m tests.reference.fuzz --requests 100000 [--seed N] [--sets | --options]`.

Makes scenarios, asks both evaluators, and prints the first disagreement, made as small as it gets, as a scenario
that `iamtui simulate` reads. Exits with 1 then, with 0 when there was none.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from random import Random
from typing import Any

from .agreement import disagreement, reduced
from .evaluator import evaluate
from .generator import make_scenario
from .open_questions import is_open
from .option_generator import make_option_scenario
from .set_generator import make_set_scenario
from .sets import TooMany


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


def main(arguments: list[str] | None = None) -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.reference.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="how many scenarios to try")
    parser.add_argument("--seed", type=int, default=0, help="where to start; scenario number N has seed SEED + N")
    parser.add_argument("--open", action="store_true", help="try the open questions of open_questions.py too")
    parser.add_argument("--sets", action="store_true", help="ask about sets of resources alone")
    parser.add_argument("--options", action="store_true", help="turn off options that seldom matter, where they do")
    options = parser.parse_args(arguments)
    make = make_set_scenario if options.sets else make_option_scenario if options.options else make_scenario
    decisions: Counter[str] = Counter()
    started = time.monotonic()
    for number in range(options.requests):
        scenario = make(Random(options.seed + number))
        found = report(scenario, open_too=options.open)
        if found is not None:
            print(f"seed {options.seed + number}: {found}")
            return 1
        decisions[f"{scenario.get('mode', 'strict')} {decision_on(scenario)}"] += 1
        if number % 10_000 == 9_999:
            print(f"{number + 1} scenarios, {time.monotonic() - started:.0f} s", file=sys.stderr)
    for name, count in sorted(decisions.items()):
        print(f"{count:8} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
