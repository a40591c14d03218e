"""Explanations must help: no suggestion that cannot be followed or changes nothing, no text that breaks them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from iamtui.engine.decision import Decision, Layer, Outcome
from iamtui.engine.evaluator import evaluate
from iamtui.engine.scenarios.scenario import parse_scenario
from iamtui.engine.words.explanation import Explanation, explain
from iamtui.engine.words.trace import trace

ALICE = "arn:aws:iam::111111111111:user/alice"
INSTANCE = "arn:aws:ec2:us-east-1:111111111111:instance/i-1"


def asked(action: str, resource: str, *statements: dict[str, Any], name: str = "p") -> tuple[Decision, Explanation]:
    scenario = parse_scenario(
        {
            "request": {"principal": ALICE, "action": action, "resource": resource},
            "identity_policies": [
                {"name": name, "document": {"Version": "2012-10-17", "Statement": list(statements)}},
            ],
        }
    )
    decision = evaluate(scenario.request, scenario.policies)
    return decision, explain(decision, trace(scenario.request, scenario.policies))


def allow(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def test_braces_in_a_resource_are_plain_text() -> None:
    for statements in ((allow("s3:*"),), ()):
        _, explanation = asked("s3:GetObject", "arn:aws:s3:::b/{x}{}${aws:username}", *statements)
        assert "arn:aws:s3:::b/{x}{}${aws:username}" in explanation.paragraph
    _, explanation = asked(
        "s3:GetObject", "arn:aws:s3:::b/{x}", allow("s3:*", Condition={"Bool": {"aws:SecureTransport": "true"}})
    )
    assert "arn:aws:s3:::b/{x}" in explanation.paragraph


def test_an_action_without_resource_types_is_not_helped_by_an_arn() -> None:
    decision, explanation = asked("ec2:DescribeInstances", INSTANCE, allow("ec2:*", INSTANCE))
    assert decision.outcome is Outcome.IMPLICIT_DENY
    add = "Add * to the Resource of p / statement 1; all else in it matches"
    assert explanation.suggestions[0].change == f"{add}, and all that it allows comes with it: ec2:*."
    _, exact = asked("ec2:DescribeInstances", INSTANCE, allow("ec2:DescribeInstances", INSTANCE))
    assert exact.suggestions[0].change == f"{add}."
    _, explanation = asked("ec2:DescribeInstances", INSTANCE)
    suggested = explanation.suggestions[0].statement
    assert suggested is not None
    decision, _ = asked("ec2:DescribeInstances", INSTANCE, suggested)
    assert decision.outcome is Outcome.ALLOWED


def test_aws_managed_policies_are_not_to_be_edited() -> None:
    read_only = "arn:aws:iam::aws:policy/OneBucket"
    _, explanation = asked("s3:GetObject", "arn:aws:s3:::b/k", allow("s3:*", "arn:aws:s3:::other/*"), name=read_only)
    assert [(s.layer, s.policy) for s in explanation.suggestions] == [(Layer.IDENTITY, "")]
    _, explanation = asked(
        "s3:GetObject", "arn:aws:s3:::b/k", {"Effect": "Deny", "Action": "*", "Resource": "*"},
        name="arn:aws:iam::aws:policy/AWSDenyAll",
    )  # fmt: skip
    assert explanation.suggestions[0].change.startswith("Detach AWSDenyAll, which AWS manages")


def test_nothing_is_suggested_against_a_service_rule() -> None:
    decision, explanation = asked("iam:CreatePolicyVersion", "arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert explanation.suggestions == ()


def test_no_allow_alone_is_suggested_behind_block_public_access() -> None:
    public = {"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": "*"}
    scenario = parse_scenario(
        {
            "request": {"principal": {"type": "Anonymous"}, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k",
                        "resource_account": "111111111111"},
            "resource_policy": {"Version": "2012-10-17", "Statement": [public]},
            "settings": {"s3": {"restrict_public_buckets": True}},
        }
    )  # fmt: skip
    decision = evaluate(scenario.request, scenario.policies)
    explanation = explain(decision, trace(scenario.request, scenario.policies))
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert Layer.BLOCK_PUBLIC_ACCESS in {suggestion.layer for suggestion in explanation.suggestions}


@pytest.mark.parametrize(
    ("action", "by_acl"),
    [("s3:GetObject", True), ("s3:ListBucket", True), ("s3:PutObjectAcl", True), ("s3:GetBucketPolicy", False),
     ("s3:GetAccelerateConfiguration", False), ("s3:ListAllMyBuckets", False)],
)  # fmt: skip
def test_access_control_lists_are_named_where_they_could_allow_the_action(action: str, by_acl: bool) -> None:
    decision, _ = asked(action, "*")
    assert any("access control lists" in note for note in decision.notes) is by_acl


def test_conditions_that_no_request_can_meet_together_are_said_to_be_the_reason() -> None:
    within = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}
    scenario = parse_scenario(
        {
            "mode": "discover",
            "request": {"principal": ALICE, "action": "sqs:SendMessage", "resource": "*"},
            "identity_policies": [
                {
                    "name": "p",
                    "document": {
                        "Version": "2012-10-17",
                        "Statement": [allow("*", Condition=within), {**allow("*", Condition=within), "Effect": "Deny"}],
                    },
                }
            ],
        }
    )
    decision = evaluate(scenario.request, scenario.policies)
    assert (decision.outcome, decision.reasons) == (Outcome.IMPLICIT_DENY, ())
    assert explain(decision).paragraph.endswith("nothing grants it or something denies it.")


@pytest.mark.parametrize(
    ("many", "called"), [("*", "Everyone"), ("arn:aws:iam::*:role/a-*", "arn:aws:iam::*:role/a-*")]
)
def test_the_example_of_many_callers_is_said_to_be_one(many: str, called: str) -> None:
    public = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    scenario = parse_scenario(
        {
            "request": {"principal": "arn:aws:iam::222222222222:role/a-x", "action": "s3:GetObject",
                        "resource": "arn:aws:s3:::b/k", "resource_account": "111111111111"},
            "resource_policy": {"Version": "2012-10-17", "Statement": [public]},
        }
    )  # fmt: skip
    request = structs.replace(scenario.request, principal=replace(scenario.request.principal, stands_for=many))
    explanation = explain(evaluate(request, scenario.policies), trace(request, scenario.policies))
    assert explanation.paragraph.startswith(f"{called}, such as arn:aws:iam::222222222222:role/a-x, may not call")
    assert "an identity policy of the caller" in explanation.suggestions[0].change
