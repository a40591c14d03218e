"""Random scenarios about sets of resources: short names of few letters, so that patterns overlap in every way."""

from __future__ import annotations

import copy
from random import Random
from typing import ClassVar

from .drawing import Json
from .generator import Maker
from .vocabulary import CALLERS, QUESTIONS, A

_FRONTS = ("arn:aws:s3:::", "arn:aws:s3:::", "arn:aws:s3:::", f"arn:aws:sqs:us-east-1:{A}:", f"arn:aws:iam::{A}:role/")
_CUT_SHORT = (
    ("s3:GetObject", "arn:aws:s3:*"),
    ("sqs:SendMessage", "arn:aws:sqs:us-east-1:*"),
    ("sqs:SendMessage", f"arn:aws:sqs:*:{A}:a*"),
)
_ACTIONS = {"s3": "s3:GetObject", "sqs": "sqs:SendMessage", "iam": "iam:PassRole"}
_LETTERS = ("a", "b", "a", "b", "?", "?", "*", "*", "ab", ":")


def make_set_scenario(random: Random) -> Json:
    """One scenario that asks about a set, in the form of `iamtui simulate`."""
    return _SetMaker(random).scenario()


class _SetMaker(Maker):
    denies = 50
    excludes = 35
    everything_granted: ClassVar = {"resource": 10, "identity": 65}

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self._named: list[str] = []

    def question(self) -> tuple[str, str]:
        if self.chance(25):
            actions, resources = self.pick(QUESTIONS)
            return self.pick(actions), self.starred(self.pick(resources))
        if self.chance(8):
            return self.pick(_CUT_SHORT)
        front = self.pick(_FRONTS)
        name = self.pick(["*", "*", "a*", "*b", "*a*", "a*b"])
        return _ACTIONS[front.split(":")[2]], "*" if self.chance(15) else front + name

    def choose_caller(self) -> None:
        """Mostly a user, whose policies all have a say."""
        if self.chance(60):
            self.caller = copy.deepcopy(CALLERS[0])
        else:
            super().choose_caller()

    def resource_entry(self) -> str:
        """An entry, often one that another statement has too: what one of them excludes the other may name."""
        if self._named and self.chance(45):
            return str(self.pick(self._named))
        entry = self._new_entry()
        if entry != "*":
            self._named.append(entry)
        return entry

    def _new_entry(self) -> str:
        front = self.resource
        for letter in "*?":
            front = front.split(letter)[0]
        if self.chance(15) or not front.endswith((":", "/", "a")):
            return super().resource_entry()
        if self.chance(6):
            return "*"
        name = "".join(self.pick(_LETTERS) for _ in range(self.random.randrange(1, 5)))
        if self.chance(4):
            name += str(self.pick(["${aws:PrincipalTag/t}", "${aws:username}*", "${*}"]))
        return front.removesuffix("a") + name

    def add_policies(self, scenario: Json) -> None:
        """Nearly always identity policies, and often a cap beside them."""
        if self.chance(95):
            scenario["identity_policies"] = self.named("identity", most=2)
        if self.chance(30):
            scenario["permissions_boundaries"] = self.named("boundary", most=1)
        if self.chance(10):
            scenario["session_policies"] = self.named("session", most=1)
        if self.chance(25) or self.from_outside:
            scenario["resource_policy"] = self.document("resource")
        if self.chance(30):
            scenario["scps"] = [self.named("scp", most=2) for _ in range(self.pick([1, 1, 2]))]
        if self.chance(12):
            scenario["rcps"] = [self.named("rcp", most=1)]
        if self.chance(8):
            scenario["vpc_endpoint_policies"] = self.named("vpc_endpoint", most=1)

    def condition(self) -> Json:
        """Fewer conditions: a statement that may match is of more use here than one that does not."""
        return super().condition() if self.chance(30) else {}
