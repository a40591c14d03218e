"""What AWS decides above the policies: partitions, kinds of credentials, and rules of single services."""

from __future__ import annotations

import pytest

from iamtui.evaluation.decision import Layer, Outcome

from .test_ignored_and_refused import ADMIN, ALICE, A, ask, document, named, to

CHINESE = f"arn:aws-cn:iam::{A}:user/alice"


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("sqs:SendMessage", f"arn:aws-cn:sqs:cn-north-1:{A}:q"),
        ("s3:GetObject", "arn:aws-us-gov:s3:::b/k"),
        ("iam:PassRole", f"arn:aws-cn:iam::{A}:role/app"),
        ("sts:AssumeRole", f"arn:aws-cn:iam::{A}:role/app"),
        ("sqs:SendMessage", f"arn:aws-c*:sqs:*:{A}:q"),
    ],
)
def test_credentials_of_another_partition_are_refused_by_a_service_rule(action: str, resource: str) -> None:
    everyone = document(to("*", "*"))
    decision, explanation = ask(ALICE, action, resource, identity_policies=named(ADMIN), resource_policy=everyone)
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert decision.blocked_by == ()
    assert [reason.layer for reason in decision.reasons] == [Layer.SERVICE_RULE]
    rule = next(report for report in decision.layers if report.layer is Layer.SERVICE_RULE)
    assert rule.why.startswith("Credentials of the partition aws are not accepted in aws-")
    assert explanation.suggestions == ()


def test_a_resource_of_the_own_partition_is_not_refused() -> None:
    for principal, partition in ((ALICE, "aws"), (ALICE, "*"), (ALICE, "aws*"), (CHINESE, "aws-cn")):
        queue = f"arn:{partition}:sqs:cn-north-1:{A}:q"
        decision, _ = ask(principal, "sqs:SendMessage", queue, identity_policies=named(ADMIN))
        assert decision.outcome is Outcome.ALLOWED


def test_a_resource_policy_cannot_let_in_another_partition() -> None:
    queue = f"arn:aws:sqs:us-east-1:{A}:q"
    for entry in (CHINESE, f"arn:aws-cn:iam::{A}:root", A, "*"):
        policy = document(to({"AWS": entry}, "*"))
        decision, _ = ask(CHINESE, "sqs:SendMessage", queue, identity_policies=named(ADMIN), resource_policy=policy)
        assert decision.outcome is Outcome.IMPLICIT_DENY
        assert Layer.SERVICE_RULE in [reason.layer for reason in decision.reasons]
