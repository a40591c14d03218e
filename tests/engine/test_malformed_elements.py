"""Policy elements of a form that AWS refuses: they match nothing, the decision says so, and lint reports them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.evaluator import evaluate
from iamtui.engine.request import NamedPolicy
from iamtui.engine.scenarios.scenario import parse_scenario
from iamtui.engine.words.explanation import explain
from iamtui.engine.words.trace import trace
from iamtui.lint.check_document import findings
from iamtui.lint.subject import Level
from iamtui.policy.document import (
    ConditionLine,
    PolicyDocument,
    Statement,
    action_fault,
    fault_of,
    key_fault,
    may_mean,
    resource_fault,
)
from iamtui.policy.types import PolicyType

ADMIN = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DENY = {**ADMIN, "Effect": "Deny"}
TAKEN = "is taken not to match, and that cannot be proved."

ELEMENTS: list[tuple[dict[str, Any], str, str]] = [
    ({"Action": "**"}, 'has the Action "**", which has no service in front', "action-format"),
    ({"Action": "s3*"}, 'has the Action "s3*", which has no service in front', "action-format"),
    ({"Action": ["sqs:*", "GetObject"]}, 'has the Action "GetObject", which has no service', "action-format"),
    ({"Action": "*:GetObject"}, 'has the Action "*:GetObject", which has a wildcard in the service', "action-format"),
    ({"Action": " s3:GetObject"}, "which contains a space, which AWS does not trim", "action-format"),
    ({"Action": "s3:Put*,s3:Get*"}, "which contains a comma, which does not separate actions", "action-format"),
    ({"Action": "s3:"}, "which has no operation behind the colon", "action-format"),
    ({"Action": []}, "has an empty Action", "empty-element"),
    ({"Action": None, "NotAction": []}, "has an empty NotAction", "empty-element"),
    ({"Resource": "a*"}, 'has the Resource "a*", which is neither "*" nor an ARN', "resource-format"),
    ({"Resource": "ARN:aws:s3:::b/*"}, 'has the Resource "ARN:aws:s3:::b/*", which is neither', "resource-format"),
    ({"Resource": []}, "has an empty Resource", "empty-element"),
    ({"Resource": None, "NotResource": []}, "has an empty NotResource", "empty-element"),
    ({"Resource": None}, "has neither Resource nor NotResource", "missing-resource"),
    ({"Condition": {"StringEquals": {"username": "alice"}}},
     'has the condition key "username", which is not written prefix:name', "key-format"),
    ({"Condition": {"StringEquals": {":username": "alice"}}}, "which is not written prefix:name", "key-format"),
]  # fmt: skip


def changed(statement: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**statement, **change}.items() if value is not None}


def policies(*statements: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": "p", "document": {"Version": "2012-10-17", "Statement": list(statements)}}]


def decide(*statements: dict[str, Any], **more: Any) -> Decision:
    request = {"principal": "arn:aws:iam::111111111111:user/alice", "action": "s3:GetObject",
               "resource": "arn:aws:s3:::b/k", **more.pop("request", {})}  # fmt: skip
    made = parse_scenario({"request": request, "identity_policies": policies(*statements), **more})
    return evaluate(made.request, made.policies, made.options)


def doubts(decision: Decision) -> list[str]:
    return [note for note in decision.notes if note.endswith("cannot be proved.")]


@pytest.mark.parametrize(("change", "said", "code"), ELEMENTS)
def test_a_statement_that_can_never_match_as_written_says_so(change: dict[str, Any], said: str, code: str) -> None:
    deny, allow = changed(DENY, change), changed(ADMIN, change)
    denying = decide(deny, ADMIN)
    assert denying.outcome is Outcome.ALLOWED
    (note,) = doubts(denying)
    assert note.startswith("The Deny statement 1 of p has ")
    assert said in note
    assert note.endswith(TAKEN)
    of_organization = decide(ADMIN, scps=[policies(ADMIN, deny)])
    (note,) = doubts(of_organization)
    assert note.startswith("The Deny statement 2 of p has ")
    assert of_organization.outcome is Outcome.ALLOWED
    allowing = decide(allow)
    assert allowing.outcome is Outcome.IMPLICIT_DENY
    (note,) = doubts(allowing)
    assert note.startswith("The Allow statement 1 of p has ")
    assert said in note
    # What is allowed, or denied, whatever becomes of it does not hang on it.
    assert doubts(decide(allow, ADMIN)) == []
    assert doubts(decide(deny, ADMIN, DENY)) == []
    text = json.dumps(policies(deny)[0]["document"])
    found = findings(PolicyDocument(text), PolicyType.IDENTITY)
    assert code in {finding.code for finding in found if finding.level is Level.ERROR}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Action": None, "NotAction": ["ec2:*", "s3*"]}, 'has the NotAction "s3*", which has no service in front'),
        ({"Resource": None, "NotResource": ["arn:aws:s3:::c/*", "b/*"]}, 'has the NotResource "b/*", which is neither'),
        ({"Condition": {"StringNotEquals": {"username": "alice"}}}, 'has the condition key "username", which is not'),
        ({"Condition": {"Null": {"username": "true"}}}, 'has the condition key "username", which is not written'),
    ],
)
def test_a_statement_that_matches_only_because_an_element_is_malformed_says_so(
    change: dict[str, Any], said: str
) -> None:
    allowing = decide(changed(ADMIN, change))
    assert allowing.outcome is Outcome.ALLOWED
    (note,) = doubts(allowing)
    assert note.startswith("The Allow statement 1 of p has ")
    assert said in note
    assert note.endswith("is taken to match, and that cannot be proved.")
    denying = decide(changed(DENY, change), ADMIN)
    assert denying.outcome is Outcome.EXPLICIT_DENY
    (note,) = doubts(denying)
    assert note.startswith("The Deny statement 1 of p has ")
    assert said in note


def test_without_action_the_answer_depends_on_the_policy() -> None:
    request = {"principal": "arn:aws:iam::111111111111:user/alice", "action": "s3:GetObject"}
    made = parse_scenario({"request": {**request, "resource": "*"}, "identity_policies": policies(ADMIN)})
    document = PolicyDocument(json.dumps(policies(ADMIN, {"Effect": "Deny", "Resource": "*"})[0]["document"]))
    unreadable = structs.replace(made.policies, identity=(NamedPolicy("odd", document),))
    assert evaluate(made.request, unreadable, made.options).outcome is Outcome.DEPENDS
    assert findings(document, PolicyType.IDENTITY)[0].aws_code == "MISSING_ACTION"


@pytest.mark.parametrize(
    "statement",
    [
        {**DENY, "Action": "ec2*"},
        {**DENY, "Action": "*:PutObject"},
        {**DENY, "Action": "s3*", "Resource": "arn:aws:s3:::c/*"},
        {**DENY, "Action": "ec2:*", "Resource": "a*"},
        {**DENY, "Action": "s3*", "Condition": {"StringEquals": {"aws:username": "bob"}}},
        {"Effect": "Deny", "NotAction": ["s3:Get*", "ec2*"], "Resource": []},
        {"Effect": "Deny", "Action": "*", "NotResource": ["arn:aws:s3:::b/*", "a*"]},
    ],
)
def test_a_statement_about_something_else_is_not_mentioned(statement: dict[str, Any]) -> None:
    decision = decide(ADMIN, statement)
    assert decision.outcome is Outcome.ALLOWED
    assert doubts(decision) == []


def test_where_the_policy_of_a_resource_leaves_out_the_resource_nothing_is_missing() -> None:
    deny = {"Effect": "Deny", "Action": "s3:Put*", "Principal": "*"}
    decision = decide(ADMIN, resource_policy={"Version": "2012-10-17", "Statement": [deny, {**deny, "Action": "s3*"}]})
    assert decision.outcome is Outcome.ALLOWED
    (note,) = doubts(decision)
    assert note.startswith('The Deny statement 2 of resource_policy has the Action "s3*"')


def test_of_many_malformed_allows_the_first_are_named_and_the_others_counted() -> None:
    decision = decide(*({**ADMIN, "Action": "s3*" + "*" * 3000} for _ in range(30)))
    assert len(doubts(decision)) == 5
    assert max(map(len, decision.notes)) < 600
    assert "AWS would refuse the form of 25 more statements, too." in decision.notes


@pytest.mark.parametrize("condition", [{"StringEquals": {"username": "alice"}}, {"StringSame": {"aws:username": "x"}}])
def test_no_condition_that_can_never_be_met_is_said_to_help(condition: dict[str, Any]) -> None:
    request = {"principal": "arn:aws:iam::111111111111:user/alice", "action": "s3:GetObject",
               "resource": "arn:aws:s3:::b/k"}  # fmt: skip
    made = parse_scenario({"request": request, "identity_policies": policies({**ADMIN, "Condition": condition})})
    decision = evaluate(made.request, made.policies, made.options)
    explained = explain(decision, trace(made.request, made.policies, made.options))
    helps = [suggestion.change for suggestion in explained.suggestions]
    assert not [text for text in helps if "if its condition held" in text]
    assert any("Allow s3:GetObject" in text for text in helps)


def test_the_trace_says_why_an_element_matches_nothing() -> None:
    request = {"principal": "arn:aws:iam::111111111111:user/alice", "action": "s3:GetObject",
               "resource": "arn:aws:s3:::b/k"}  # fmt: skip
    statements = (
        {**DENY, "Action": "s3*"},
        {**DENY, "Resource": "a*"},
        {**DENY, "Condition": {"StringEquals": {"username": "alice"}}},
    )
    made = parse_scenario({"request": request, "identity_policies": policies(*statements)})
    notes = [element.note for statement in trace(made.request, made.policies)[0].statements
             for element in statement.failing]  # fmt: skip
    assert notes == [
        '"s3*" has no service in front, so it matches nothing.',
        '"a*" is neither "*" nor an ARN, so it matches nothing.',
        "The key is not written prefix:name: it is absent.",
    ]


@pytest.mark.parametrize(
    ("entry", "means"),
    [("**", True), ("s3", True), ("S3*", True), ("*:getobject", True), ("get*", True), ("s3:GetObject ", True),
     ("ec2:*, s3:*", True), ("s3:${x}", True), ("s3:", True), ("s?:GetObject", True), ("ec2*", False),
     ("s3:Put* ", False), ("*:PutObject", False), ("", False)],
)  # fmt: skip
def test_what_a_malformed_action_may_have_been_meant_for(entry: str, means: bool) -> None:
    assert may_mean(entry, "s3", "getobject") is means


@given(
    st.lists(st.sampled_from(("s3", "iam", ":", "*", "?", "Get", " ", ",", "${x}", "arn:", "\n")), max_size=5).map(
        "".join
    )
)
def test_a_fault_is_found_whether_or_not_a_form_is_seen_at_once_to_be_sound(entry: str) -> None:
    elements = {
        "has the action": (Statement(0, None, "Allow", actions=(entry,), resources=("*",)), action_fault(entry)[0]),
        "has the resource": (Statement(0, None, "Allow", actions=("*",), resources=(entry,)), resource_fault(entry)),
        "has the condition key": (
            Statement(
                0, None, "Allow", actions=("*",), resources=("*",), conditions=(ConditionLine("Bool", entry, ()),)
            ),
            key_fault(entry),
        ),
    }
    for words, (statement, fault) in elements.items():
        found = fault_of(statement, PolicyType.IDENTITY)
        assert (words in found, fault in found) == (bool(fault), True)
