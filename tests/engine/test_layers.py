"""SCPs and RCPs read level by level, once for all questions that find the same in them."""

from __future__ import annotations

from typing import Any

import pytest

from iamtui.engine import layers
from iamtui.engine.decision import Outcome
from iamtui.engine.evaluator import evaluate
from iamtui.engine.request import Mode, NamedPolicy, PoliciesInForce, PolicyLevel, Request, principal_from_text
from iamtui.policy.document import PolicyDocument

ACCOUNT = "111122223333"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def level(*statements: dict[str, Any], name: str = "level") -> PolicyLevel:
    return PolicyLevel((NamedPolicy(name, PolicyDocument.of({"Statement": list(statements)})),))


def ask(action: str, resource: str, user: str, policies: PoliciesInForce) -> Outcome:
    principal = principal_from_text(f"arn:aws:iam::{ACCOUNT}:user/{user}")
    return evaluate(Request(principal, action, resource, mode=Mode.STRICT), policies).outcome


def test_levels_are_read_once_for_all_that_find_the_same_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    by_alice = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/alice"}}
    policies = PoliciesInForce(
        identity=level(EVERYTHING).policies,
        scps=(
            level(EVERYTHING, {"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"}),
            level(EVERYTHING, {"Effect": "Deny", "NotAction": "sqs:*", "Resource": "*", "Condition": by_alice}),
        ),
        lasting=True,
    )
    read: list[int | None] = []
    scan = layers.scan

    def counted(*given: Any, level: int | None, **named: Any) -> layers.LayerScan:
        read.append(level)
        return scan(*given, level=level, **named)

    monkeypatch.setattr(layers, "scan", counted)
    table = "arn:aws:dynamodb:eu-west-1:111122223333:table/t"
    for action in ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"):
        assert ask(action, table, "bob", policies) is Outcome.ALLOWED
        assert ask(action, table, "carol", policies) is Outcome.ALLOWED
        assert ask(action, table, "alice", policies) is Outcome.EXPLICIT_DENY
    assert read == [0, 1, 0, 1]
    queue = "arn:aws:sqs:eu-west-1:111122223333:q"
    assert ask("sqs:SendMessage", queue, "alice", policies) is Outcome.ALLOWED
    assert ask("s3:PutObject", "arn:aws:s3:::b/k", "bob", policies) is Outcome.EXPLICIT_DENY
    assert ask("s3:GetObject", "arn:aws:s3:::b/k", "bob", policies) is Outcome.ALLOWED
    assert ask("s3:GetObject", "arn:aws:s3:::b/k", "alice", policies) is Outcome.EXPLICIT_DENY


def test_an_rcp_that_names_callers_is_read_for_each_of_them() -> None:
    everybody = {"Principal": "*"}
    alice = {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/alice"}}
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::secret/*", **alice}
    policies = PoliciesInForce(
        identity=level(EVERYTHING).policies, rcps=(level({**EVERYTHING, **everybody}, deny),), lasting=True
    )
    for _ in range(2):
        assert ask("s3:GetObject", "arn:aws:s3:::secret/k", "bob", policies) is Outcome.ALLOWED
        assert ask("s3:GetObject", "arn:aws:s3:::secret/k", "alice", policies) is Outcome.EXPLICIT_DENY
        assert ask("s3:GetObject", "arn:aws:s3:::open/k", "alice", policies) is Outcome.ALLOWED


def test_a_variable_in_an_scp_is_put_in_for_each_caller() -> None:
    own = {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::home/${aws:username}/*"}
    policies = PoliciesInForce(
        identity=level(EVERYTHING).policies,
        scps=(
            PolicyLevel(
                (NamedPolicy("own", PolicyDocument.of({"Version": "2012-10-17", "Statement": [EVERYTHING, own]})),)
            ),
        ),
        lasting=True,
    )
    for _ in range(2):
        assert ask("s3:GetObject", "arn:aws:s3:::home/alice/k", "alice", policies) is Outcome.ALLOWED
        assert ask("s3:GetObject", "arn:aws:s3:::home/alice/k", "bob", policies) is Outcome.EXPLICIT_DENY
