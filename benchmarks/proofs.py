"""Proofs over pairs of AWS managed policies: each against a copy with one action widened, both ways."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from statistics import quantiles
from typing import Any, Final

from benchmarks.results import Plan, Result
from iamtui.policy.document import PolicyDocument
from iamtui.proofs.documents import find_broader
from iamtui.sources.managed_policies import managed_policy_arns, managed_policy_document

_BOUND: Final = 5.0
_REPEATS_FOR_A_PAIR: Final = 20
_LARGEST: Final = 40_000
"""Characters of a document: a dozen are larger, and may be given up at the bound."""


def run(plan: Plan) -> Iterator[Result]:
    pairs = tuple(widened_pairs(max(2, plan.decisions // _REPEATS_FOR_A_PAIR)))
    seconds: list[float] = []
    not_proved = 0
    for narrow, wide in pairs:
        for one, other in ((narrow, wide), (wide, narrow)):
            begun = time.process_time()
            found = find_broader(one, other, _BOUND)
            seconds.append(time.process_time() - begun)
            not_proved += bool(found.reasons)
    cuts = quantiles(seconds, n=100, method="inclusive")
    note = f"{len(seconds)} questions, {not_proved} not proved"
    for name, cut, goal in (("half", 49, 5.0), ("90 %", 89, 97.0), ("99 %", 98, 500.0)):
        yield Result(f"no broader, {name} of pairs of AWS managed policies", cuts[cut] * 1000, "ms", goal, note=note)


def widened_pairs(most: int) -> Iterator[tuple[PolicyDocument, PolicyDocument]]:
    """AWS managed policies, and each with the end of one of its actions made a star."""
    chance = random.Random(18)
    arns = list(managed_policy_arns())
    chance.shuffle(arns)
    for arn in arns:
        document = managed_policy_document(arn)
        if document is None or len(document.raw) > _LARGEST:
            continue
        made = _widened(json.loads(document.raw), chance)
        if made is not None:
            yield document, PolicyDocument.of(made)
            most -= 1
            if most == 0:
                return


def _widened(document: dict[str, Any], chance: random.Random) -> dict[str, Any] | None:
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    some = [one for one in statements if one["Effect"] == "Allow" and "Action" in one]
    if not some:
        return None
    statement = chance.choice(some)
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    place = chance.randrange(len(actions))
    if "*" in actions[place]:
        return None
    service, _, name = actions[place].partition(":")
    actions[place] = f"{service}:{name[: max(1, len(name) // 2)]}*"
    statement["Action"] = actions
    return document
