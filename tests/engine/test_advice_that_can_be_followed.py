"""Suggestions name what can be edited, by whom, and the narrowest change."""

from __future__ import annotations

from typing import Any

import pytest

from iamtui.engine.evaluator import evaluate
from iamtui.engine.scenarios.scenario import parse_scenario
from iamtui.engine.words.explanation import explain
from iamtui.engine.words.trace import trace

ALICE = "arn:aws:iam::111111111111:user/alice"
OBJECT = "arn:aws:s3:::b/k"
LINKED = "arn:aws:iam::111111111111:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
RESERVED = (
    "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef"
)


def policy(*statements: dict[str, Any], name: str = "p") -> dict[str, Any]:
    return {"name": name, "document": {"Version": "2012-10-17", "Statement": list(statements)}}


def suggested(principal: str, action: str, resource: str, **more: Any) -> list[str]:
    """The changes that are suggested for a request that is denied."""
    request = {"principal": principal, "action": action, "resource": resource} | more.pop("request", {})
    scenario = parse_scenario({"request": request, **more})
    decision = evaluate(scenario.request, scenario.policies)
    assert not decision.allowed
    explanation = explain(decision, trace(scenario.request, scenario.policies))
    return [suggestion.change for suggestion in explanation.suggestions]


ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DENY_ALL = {"Sid": "No", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}


def test_a_service_linked_role_is_never_to_be_given_a_policy() -> None:
    (change,) = suggested(LINKED, "s3:GetObject", OBJECT)
    assert change.startswith("Make the call as another role")
    assert "only AWS changes" in change


@pytest.mark.parametrize(("role", "words"), [(LINKED, "Use another role"), (RESERVED, "Assign the permission set")])
def test_a_trust_policy_that_aws_fixes_is_never_to_be_edited(role: str, words: str) -> None:
    trust = {"Version": "2012-10-17", "Statement": []}
    changes = suggested(
        ALICE, "sts:AssumeRole", role, identity_policies=[policy(ALLOW_ALL)], resource_policy={**trust, "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}]},
    )  # fmt: skip
    assert [change for change in changes if change.startswith(words)] == changes


def test_a_reserved_role_is_changed_by_its_permission_set() -> None:
    session = RESERVED.replace(":iam:", ":sts:").replace(
        "role/aws-reserved/sso.amazonaws.com/eu-west-1/", "assumed-role/"
    )
    (add,) = suggested(f"{session}/maria", "s3:GetObject", OBJECT)
    assert "in the permission set behind" in add
    other = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/*"}
    near = policy(other, name="AwsSSOInlinePolicy")
    (change,) = suggested(f"{session}/maria", "s3:GetObject", OBJECT, identity_policies=[near])
    assert "in the permission set behind" in change
    (change,) = suggested(f"{session}/maria", "s3:GetObject", OBJECT, identity_policies=[policy(DENY_ALL)])
    assert change.startswith("In the permission set, in IAM Identity Center, narrow or remove the Deny in p / No")


def test_a_boundary_of_aws_is_replaced() -> None:
    near = policy(
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/*"},
        name="arn:aws:iam::aws:policy/ReadOther",
    )
    (change,) = suggested(
        ALICE, "s3:GetObject", OBJECT, identity_policies=[policy(ALLOW_ALL)], permissions_boundaries=[near]
    )
    assert change == (
        "Allow s3:GetObject in a policy of your own that replaces ReadOther, which AWS manages, as the boundary."
    )


def test_both_accounts_of_a_cross_account_request_are_named() -> None:
    changes = suggested(ALICE, "s3:GetObject", OBJECT, request={"resource_account": "222222222222"})
    assert [change.rpartition(". ")[2] for change in changes] == [
        "Account 111111111111 has to do this.",
        "Account 222222222222 has to do this.",
    ]
    (change,) = suggested(ALICE, "s3:GetObject", OBJECT, request={"resource_account": "111111111111"})
    assert "has to do this" not in change


def test_the_narrowest_exception_from_a_deny_is_named() -> None:
    (change,) = suggested(ALICE, "s3:GetObject", OBJECT, identity_policies=[policy(ALLOW_ALL, DENY_ALL)])
    assert change == (
        "Narrow or remove the Deny in p / No (lines 9 to 14); no Allow can override it. The narrowest exception is the "
        f'condition "ArnNotEquals": {{"aws:PrincipalArn": "{ALICE}"}} on it.'
    )


def test_an_exception_stands_among_those_that_a_deny_has() -> None:
    # A second "ArnNotEquals" in one Condition would replace the first, and deny those whom it excepts.
    others = {"ArnNotEquals": {"AWS:PrincipalArn": ["arn:aws:iam::111111111111:role/lake"]}}
    deny = policy(ALLOW_ALL, {**DENY_ALL, "Condition": others})
    (change,) = suggested(ALICE, "s3:GetObject", OBJECT, identity_policies=[deny])
    assert change.endswith(f"The narrowest exception is {ALICE} beside the others of its aws:PrincipalArn.")
    assert "the condition" not in change
