"""Answers to scenarios, which hold a request and the policies in force: with what the same call is checked for too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from iamtui.engine.decision import Decision, Expectation
from iamtui.engine.evaluator import read_all_layers, with_undocumented_behaviour
from iamtui.engine.request import Request
from iamtui.engine.scenario import Scenario
from iamtui.questions.answers import DependentAnswer, never_asked, worst_of
from iamtui.questions.question import Question
from iamtui.workspace.dependent_questions import requests_beside

_doubt_about: Final = lru_cache(maxsize=1024)(never_asked)


@dataclass(frozen=True, slots=True)
class ScenarioAnswer:
    """What is said of one scenario, as `iamtui can` says it of a question.

    Args:
        decision: about the request itself.
        beside: what every call with it is checked for too, on the same resource.
        never_asked: why AWS never asks it, or "".
    """

    decision: Decision
    beside: tuple[DependentAnswer, ...]
    never_asked: str

    @property
    def deciding(self) -> Decision:
        """The worst of all: the call needs each."""
        return worst_of((self.decision, *(one.decision for one in self.beside)))

    def unmet(self, expected: Expectation) -> str:
        """Why this is not what was expected, as a clause, or "" when it is."""
        deciding = self.deciding
        if not expected.met_by(deciding.outcome):
            besides = "" if deciding is self.decision else f" ({deciding.request.action})"
            return f"it is {deciding.outcome.value}{besides}"
        # What AWS never asks is never allowed: a denial is as expected whatever the policies say.
        return "AWS never asks this" if self.never_asked and expected is Expectation.ALLOWED else ""


def answer_scenario(entry: Scenario) -> ScenarioAnswer:
    def decide(request: Request) -> Decision:
        return with_undocumented_behaviour(read_all_layers(request, entry.policies, entry.options))

    asked = entry.request
    doubt = _doubt_about(asked.action, asked.resource) if asked.wildcard_only_action is None else ""
    decision = decide(asked)
    if doubt:
        decision = replace(decision, notes=(*decision.notes, doubt))
    beside = tuple(
        DependentAnswer(check, Question(request.action, request.resource), decide(request), decides=True)
        for check, request in requests_beside(asked)
    )
    return ScenarioAnswer(decision, beside, doubt)
