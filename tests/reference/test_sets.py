"""What the second evaluator takes the resources of a set to be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.engine import decide

from .agreement import example_of
from .evaluator import _Evaluation, evaluate
from .vocabulary import A, B

ALICE = f"arn:aws:iam::{A}:user/alice"


def _about(action: str, resource: str = "*", **request: Any) -> dict[str, Any]:
    return {"request": {"principal": ALICE, "action": action, "resource": resource, **request}}


def _with(scenario: dict[str, Any], *statements: dict[str, Any]) -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return {**scenario, "identity_policies": [{"name": "identity", "document": document}]}


def _statement(effect: str, action: str, resource: str | list[str]) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource}


@pytest.mark.parametrize(
    ("action", "resource", "is_in"),
    [
        ("s3:GetObject", "arn:aws:s3:::b/k", True),
        ("s3:GetObject", "arn:aws:s3:::b", False),
        ("s3:GetObject", "arn:aws-cn:s3:::b/k", False),
        ("s3:ListBucket", "arn:aws:s3:::b", True),
        ("s3:ListBucket", "arn:aws:s3:::b/k", False),
        ("s3:ListBucket", "arn:aws:s3:::b/", False),
        ("iam:PassRole", f"arn:aws:iam::{A}:role/a/b", True),
        ("iam:PassRole", f"arn:aws:iam::{A}:role/", False),
        ("iam:PassRole", f"arn:aws:iam::{A}:user/a", False),
        ("iam:PassRole", f"arn:aws:iam::{B}:role/a", False),
        ("iam:GetPolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess", True),
        ("iam:DeletePolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess", False),
        ("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{A}:q", True),
        ("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{A}:q:r", False),
        ("sns:Publish", f"arn:aws:sns:us-east-1:{A}:t:subscription", False),
        ("lambda:DeleteFunction", f"arn:aws:lambda:us-east-1:{A}:function:f:PROD", False),
        ("dynamodb:DeleteTable", f"arn:aws:dynamodb:us-east-1:{A}:table/t/index/i", False),
        (
            "dynamodb:GetRecords",
            f"arn:aws:dynamodb:us-east-1:{A}:table/t/stream/2015-05-11T21:21:33.328",
            True,
        ),
        ("s3:Probe", f"arn:aws:sqs:us-east-1:{B}:q", True),
        ("s3:Probe", f"arn:aws-cn:sqs:us-east-1:{A}:q", False),
    ],
)
def test_a_set_holds_what_can_exist_for_the_action(action: str, resource: str, is_in: bool) -> None:
    asked = _about(action, wildcard_only_action=False)
    assert _Evaluation(asked, None).belongings().has(resource) is is_in


@pytest.mark.parametrize(
    ("request_of_set", "account"),
    [
        (_about("sqs:SendMessage", "arn:aws:sqs:us-east-1:*"), A),
        (_about("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{B}:*"), B),
        (_about("sqs:SendMessage", resource_account=B), B),
        (_about("sqs:SendMessage", resource_account="aws"), A),
    ],
)
def test_the_resources_of_a_set_belong_to_one_account(request_of_set: dict[str, Any], account: str) -> None:
    belongings = _Evaluation(request_of_set, None).belongings()
    for other in (A, B):
        assert belongings.has(f"arn:aws:sqs:us-east-1:{other}:q") is (other == account)


ROLES = f"arn:aws:iam::{A}:role/"


@pytest.mark.parametrize(
    ("statements", "action", "decision"),
    [
        (
            [
                _statement("Allow", "*", "*"),
                _statement("Deny", "ec2:TerminateInstances", "arn:aws:ec2:*:*:instance/*"),
            ],
            "ec2:TerminateInstances",
            "explicitDeny",
        ),
        ([_statement("Allow", "s3:GetObject", "arn:aws:s3:::bucket")], "s3:GetObject", "implicitDeny"),
        ([_statement("Allow", "iam:PassRole", f"arn:aws:iam::{B}:role/*")], "iam:PassRole", "implicitDeny"),
        ([_statement("Allow", "iam:PassRole", f"{ROLES}aws-reserved/*")], "iam:PassRole", "implicitDeny"),
        ([_statement("Allow", "iam:GetRole", f"{ROLES}aws-reserved/*")], "iam:GetRole", "allowed"),
        (
            [
                _statement("Allow", "s3:GetObject", "arn:aws:s3:::b/*"),
                _statement("Deny", "s3:GetObject", "arn:aws:s3:::b/secret/*"),
            ],
            "s3:GetObject",
            "allowed",
        ),
        (
            [
                _statement("Allow", "iam:PassRole", "*"),
                _statement("Deny", "iam:PassRole", [f"{ROLES}b*", f"{ROLES}?"]),
                {"Effect": "Deny", "Action": "*", "NotResource": [f"{ROLES}b*", f"{ROLES}?", f"{ROLES}aws-reserved/*"]},
            ],
            "iam:PassRole",
            "implicitDeny",
        ),
    ],
)
def test_a_set_is_allowed_when_one_of_its_resources_is(
    statements: list[dict[str, Any]], action: str, decision: str
) -> None:
    scenario = _with(_about(action), *statements)
    found = evaluate(scenario)
    assert found.decision == decision
    assert (found.witness is not None) is (decision == "allowed")
    if found.witness is not None:
        assert _Evaluation(scenario, None).belongings().has(found.witness)


@pytest.mark.parametrize(
    ("entry", "decision"),
    [
        (f"arn:aws:kms:us-east-1:{A}:key/*", "allowed"),
        (f"arn:aws:kms:us-east-1:{A}:key/k1", "depends"),
        (f"arn:aws:kms:us-east-1:{A}:alias/x", "implicitDeny"),
        (f"arn:aws:kms:eu-west-1:{A}:key/*", "implicitDeny"),
    ],
)
def test_an_alias_is_some_key_of_its_account_and_region(entry: str, decision: str) -> None:
    scenario = _with(
        _about("kms:Decrypt", f"arn:aws:kms:us-east-1:{A}:alias/x"), _statement("Allow", "kms:Decrypt", entry)
    )
    trusting = {"Effect": "Allow", "Principal": {"AWS": A}, "Action": "kms:*", "Resource": "*"}
    assert evaluate({**scenario, "resource_policy": {"Statement": trusting}}).decision == decision


def test_an_alias_whose_granted_keys_are_all_denied_is_denied_explicitly_as_a_set_is() -> None:
    keys = f"arn:aws:kms:us-east-1:{A}:key/*1"
    granting = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": keys}
    for name in ("alias/x", "key/*"):
        scenario = _with(_about("kms:Decrypt", f"arn:aws:kms:us-east-1:{A}:{name}"), _statement("Deny", "kms:*", keys))
        scenario["resource_policy"] = {"Statement": granting}
        assert evaluate(scenario).decision == decide(scenario)["decision"] == "explicitDeny"


def test_the_root_of_an_api_is_one_of_its_methods() -> None:
    api = f"arn:aws:execute-api:us-east-1:{A}:api/prod/GET/"
    scenario = _with(_about("execute-api:Invoke"), _statement("Allow", "execute-api:Invoke", api))
    assert evaluate(scenario).witness == example_of(scenario) == api
