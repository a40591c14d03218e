"""Policies with thousands of statements and patterns: the work grows with their size, not with its square."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from iamtui.engine import condition_words, resource_sets
from iamtui.engine.decision import severity
from iamtui.engine.evaluator import evaluate
from iamtui.engine.scenarios.scenario import parse_scenario
from iamtui.policy import context

ACCOUNT = "111122223333"
USER = f"arn:aws:iam::{ACCOUNT}:user/u"


def ask(statements: list[dict[str, Any]], resource: str, **more: Any) -> Any:
    document = {"Version": "2012-10-17", "Statement": statements}
    scenario = parse_scenario(
        {
            "request": {"principal": USER, "action": "s3:GetObject", "resource": resource},
            "mode": "discover",
            "identity_policies": [{"name": "p", "document": document}],
            **more,
        }
    )
    return evaluate(scenario.request, scenario.policies, scenario.options)


def conditional(effect: str, count: int) -> list[dict[str, Any]]:
    return [
        {
            "Effect": effect,
            "Action": "s3:*",
            "Resource": "*",
            "Condition": {"StringEquals": {f"aws:RequestTag/k{number}": "x"}},
        }
        for number in range(count)
    ]


def leaves_looked_at(monkeypatch: pytest.MonkeyPatch, statements: list[dict[str, Any]], **more: Any) -> int:
    looked_at = 0
    identity = context._identity

    def counted(node: Any) -> object:
        nonlocal looked_at
        looked_at += 1
        return identity(node)

    with monkeypatch.context() as patch:
        patch.setattr(context, "_identity", counted)
        ask(statements, "arn:aws:s3:::b/k", **more).outcome  # noqa: B018 (the decision is made when it is read)
    return looked_at


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_conditional_statements_are_combined_in_one_step(monkeypatch: pytest.MonkeyPatch, effect: str) -> None:
    few, many = (leaves_looked_at(monkeypatch, conditional(effect, count)) for count in (100, 400))
    assert 0 < many < 6 * few


def test_principals_of_one_statement_are_combined_in_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def policy(count: int) -> dict[str, Any]:
        sessions = [f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s{number}" for number in range(count)]
        statement = {"Effect": "Allow", "Principal": {"AWS": sessions}, "Action": "s3:*", "Resource": "*"}
        return {"Version": "2012-10-17", "Statement": [statement]}

    def looked_at(count: int) -> int:
        request = {
            "principal": f"arn:aws:iam::{ACCOUNT}:role/r",
            "action": "s3:GetObject",
            "resource": "arn:aws:s3:::b/k",
        }
        return leaves_looked_at(monkeypatch, [], request=request, resource_policy=policy(count))

    few, many = looked_at(100), looked_at(400)
    assert 0 < many < 6 * few


@pytest.mark.slow
def test_where_a_set_is_allowed_is_tried_less_often_against_thousands_of_patterns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def tried(count: int) -> int:
        allowed = [f"arn:aws:s3:::*{number}*a*b" for number in range(count)]
        denied = [f"arn:aws:s3:::*{number}*a*c" for number in range(count)]
        times = 0
        let_through = resource_sets.ScopeFinder._let_through

        def counted(finder: resource_sets.ScopeFinder, *arguments: Any) -> Any:
            nonlocal times
            holds = finder.holds_everywhere

            def asked(entry: str) -> bool:
                nonlocal times
                times += 1
                return holds(entry)

            return let_through(structs.replace(finder, holds_everywhere=asked), *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(resource_sets.ScopeFinder, "_let_through", counted)
            decision = ask(
                [
                    {"Effect": "Allow", "Action": "*", "Resource": allowed},
                    {"Effect": "Deny", "Action": "*", "Resource": denied},
                ],
                "*",
            )
            assert decision.allowed_resources
        return times

    assert tried(40) > 3 * tried(2000) > 0


def test_how_far_an_answer_reaches_is_known_without_naming_where(monkeypatch: pytest.MonkeyPatch) -> None:
    """Among hundreds of answers only the worst is shown, and each may rest on thousands of statements."""
    statements = [
        {"Effect": "Allow", "Action": "s3:*", "Resource": f"arn:aws:s3:::bucket-{number}/*"} for number in range(100)
    ]
    named = []
    entries = resource_sets._entries
    monkeypatch.setattr(resource_sets, "_entries", lambda *args, **more: named.append("") or entries(*args, **more))
    decision = ask(statements, "arn:aws:s3:::*/*")
    assert severity(decision) == 3
    assert not named
    assert len(decision.allowed_resources) == 100
    assert named


def test_a_statement_of_two_open_conditions_is_simplified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    two = {"StringEquals": {"aws:RequestTag/a": "x"}, "StringNotEquals": {"aws:RequestTag/b": "y"}}
    statements = [
        {"Sid": f"s{number}", "Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": two}
        for number in range(50)
    ]
    assert leaves_looked_at(monkeypatch, statements) < 50 * 8


def test_a_condition_is_put_into_words_once_for_all_who_depend_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    statements = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, *conditional("Deny", 30)]
    said = []
    safe_text = condition_words.safe_text
    monkeypatch.setattr(condition_words, "safe_text", lambda *args, **more: said.append("") or safe_text(*args, **more))
    texts = {condition_words.condition_of(ask(statements, f"arn:aws:s3:::b/{number}")) for number in range(5)}
    assert len(texts) == 1
    assert len(said) <= 2 * 30
