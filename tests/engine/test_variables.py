"""A policy variable is told with what it stands for, where the request says so."""

from __future__ import annotations

from typing import Any

import pytest

from iamtui.engine.condition_words import condition_of, context_of, depends_lines, replaced, stands_for
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.evaluator import evaluate
from iamtui.engine.scenarios.scenario import parse_scenario
from iamtui.engine.words.explanation import Explanation, explain
from iamtui.engine.words.trace import TracedLayer, trace
from iamtui.policy.patterns import Unresolved

ALICE = "arn:aws:iam::111111111111:user/alice"
TEAM = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}


def asked(
    condition: dict[str, Any],
    context: dict[str, Any] | None = None,
    *,
    mode: str = "discover",
    version: str = "2012-10-17",
    resource: str = "*",
) -> tuple[Decision, Explanation, tuple[TracedLayer, ...]]:
    statement = {"Effect": "Allow", "Action": "ec2:StartInstances", "Resource": resource, "Condition": condition}
    scenario = parse_scenario(
        {
            "mode": mode,
            "request": {
                "principal": ALICE,
                "action": "ec2:StartInstances",
                "resource": "arn:aws:ec2:us-east-1:111111111111:instance/i-1",
                "context": context or {},
            },
            "identity_policies": [{"name": "p", "document": {"Version": version, "Statement": [statement]}}],
        }
    )
    decision = evaluate(scenario.request, scenario.policies)
    traced = trace(scenario.request, scenario.policies)
    return decision, explain(decision, traced), traced


def wanted(traced: tuple[TracedLayer, ...], element: str) -> list[str]:
    elements = [found for layer in traced for statement in layer.statements for found in statement.elements]
    return next(found.wanted_words() for found in elements if found.element == element)


def test_what_an_answer_depends_on_names_the_value() -> None:
    decision, explanation, traced = asked(TEAM, {"aws:PrincipalTag/team": "payments"})

    assert decision.outcome is Outcome.DEPENDS
    words = "aws:ResourceTag/team is ${aws:PrincipalTag/team} (= payments)"
    assert condition_of(decision) == words
    assert words in explanation.paragraph
    assert decision.depends_on is not None
    assert words in depends_lines(decision.depends_on, request=decision.request)[0]
    assert wanted(traced, "Condition") == ["${aws:PrincipalTag/team} (= payments)"]


def test_a_condition_that_fails_names_the_value_too() -> None:
    tags = {"aws:PrincipalTag/team": "payments", "aws:ResourceTag/team": "data"}
    _, explanation, _ = asked(TEAM, tags)

    change = explanation.suggestions[0].change
    assert "aws:ResourceTag/team ${aws:PrincipalTag/team} (= payments); here: data" in change


@pytest.mark.parametrize(
    ("mode", "text"), [("discover", "${aws:PrincipalTag/team}"), ("strict", "${aws:PrincipalTag/team} (no value)")]
)
def test_an_unknown_value_is_not_made_up(mode: str, text: str) -> None:
    _, _, traced = asked(TEAM, {"aws:ResourceTag/team": "data"}, mode=mode)

    assert wanted(traced, "Condition") == [text]


def test_what_is_no_variable_is_left_alone() -> None:
    tags = {"aws:PrincipalTag/team": "payments"}
    plain, _, traced = asked(TEAM, tags, version="2008-10-17")
    number = {"NumericLessThan": {"aws:MultiFactorAuthAge": "${aws:PrincipalTag/team}"}}
    untyped, _, _ = asked(number, tags)

    assert "(=" not in condition_of(plain)
    assert wanted(traced, "Condition") == ["${aws:PrincipalTag/team}"]
    assert "(=" not in condition_of(untyped)


def test_the_variables_of_a_resource_are_told_behind_the_fifth_colon() -> None:
    decision, _, traced = asked({}, resource="arn:aws:ec2:us-east-1:111111111111:instance/${aws:username}-*")
    context = context_of(decision.request)

    front = "arn:aws:ec2:us-east-1:111111111111:instance"
    assert wanted(traced, "Resource") == [f"{front}/${{aws:username}}-* (= {front}/alice-*)"]
    in_front = "arn:aws:ec2:us-east-1:${aws:PrincipalAccount}:instance/i"
    assert stands_for(in_front, context, is_resource=True) == ""
    assert replaced("${aws:PrincipalTag/x, 'none'}", context) is Unresolved.UNKNOWN
    assert stands_for("a\x1b[31m${aws:username}", context).startswith(" (= a")
    assert "\x1b" not in stands_for("a\x1b[31m${aws:username}", context)


def test_the_empty_text_is_shown_as_a_value() -> None:
    prefixes = {"StringLike": {"s3:prefix": ["", "home/*"]}}
    decision, _, _ = asked(prefixes)
    assert condition_of(decision) == 's3:prefix matches one of "", home/*'
    _, explanation, _ = asked({"StringEquals": {"aws:ResourceTag/team": ["", "red"]}}, {"aws:ResourceTag/team": "blue"})
    assert 'aws:ResourceTag/team "", red; here: blue.' in explanation.suggestions[0].change
    _, explanation, _ = asked({"StringEquals": {"aws:ResourceTag/team": "red"}}, {"aws:ResourceTag/team": ""})
    assert 'aws:ResourceTag/team red; here: "".' in explanation.suggestions[0].change
