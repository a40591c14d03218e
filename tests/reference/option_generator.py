"""Random scenarios in which a point that seldom matters does: several session policies, ForAllValues, short ARNs."""

from __future__ import annotations

from random import Random

from .drawing import Json
from .generator import Maker

SELDOM = ("one_session_policy_is_enough", "for_all_negated_holds_when_absent", "short_arns_match")
"""Options that change hardly any scenario in which what they speak of is left to chance; all are on by default."""


def make_option_scenario(random: Random) -> Json:
    """One scenario with one of these options off, in the form of `iamtui simulate`."""
    maker = _OptionMaker(random)
    return {**maker.scenario(), "options": {maker.option: False}}


class _OptionMaker(Maker):
    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.option = str(self.pick(SELDOM))

    def question(self) -> tuple[str, str]:
        """Now and then about a set."""
        action, resource = super().question()
        return action, self.starred(resource) if self.chance(20) else resource

    def add_policies(self, scenario: Json) -> None:
        """Mostly policies that grant, so that more hangs on the others."""
        super().add_policies(scenario)
        if self.option == "one_session_policy_is_enough":
            scenario["session_policies"] = [
                policy for most in (1, 2) for policy in self.named("session", most=most)
            ] or self.named("session", most=2)
        if self.chance(60):
            everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
            document = {"Version": "2012-10-17", "Statement": everything}
            scenario["identity_policies"] = [{"name": "everything", "document": document}]

    def condition(self) -> Json:
        """Fewer conditions where they only stand in the way."""
        if self.option == "for_all_negated_holds_when_absent" or self.chance(40):
            return super().condition()
        return {}

    def _operator(self, key: str) -> str:
        if self.option == "for_all_negated_holds_when_absent" and self.chance(60):
            name = self.pick(
                ["StringNotEquals", "StringNotLike", "ArnNotLike", "NotIpAddress", "StringNotEqualsIgnoreCase"]
            )
            return f"ForAllValues:{name}{'IfExists' if self.chance(10) else ''}"
        return super()._operator(key)

    def resource_entry(self) -> str:
        """More ARNs that are cut short."""
        entry = super().resource_entry()
        if self.option == "short_arns_match" and self.chance(50) and self.resource.startswith("arn:"):
            fields = self.resource.split(":")
            entry = ":".join(fields[: self.random.randrange(2, 6)]) + str(self.pick(["", "*", ":*"]))
        return entry
