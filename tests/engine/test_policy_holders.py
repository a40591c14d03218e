"""The policies of a layer by action and by resource: the same statements are sorted once."""

from __future__ import annotations

import pytest

from iamtui.engine import policy_holders
from iamtui.engine.policy_holders import Holdings
from iamtui.engine.request import NamedPolicy
from iamtui.policy.document import PolicyDocument
from iamtui.policy.resource import RequestResource, ResourceElements, ResourceKind
from iamtui.policy.statement import action_name
from iamtui.policy.types import PolicyType

ACTIONS = [f"iam:{verb}{what}" for verb in ("Create", "Delete", "Get") for what in ("Role", "User", "Group", "Policy")]


def held(count: int) -> Holdings:
    made = Holdings(PolicyType.IDENTITY)
    for number in range(count):
        statement = {
            "Effect": "Allow",
            "Action": ["iam:*", f"s3:*{number}"],
            "Resource": f"arn:aws:iam::111122223333:*{number % 5}",
        }
        made.add((NamedPolicy(f"p{number}", PolicyDocument.of({"Statement": [statement]})),), 1 << number)
    return made


def roles(count: int) -> list[RequestResource]:
    return [RequestResource(f"arn:aws:iam::111122223333:role/r{at}", ResourceKind.ONE) for at in range(count)]


def test_statements_about_many_actions_are_sorted_by_their_entries_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    class Counted(ResourceElements):
        def __init__(self, elements: object) -> None:
            made.append(self)
            super().__init__(elements)

    monkeypatch.setattr(policy_holders, "ResourceElements", Counted)
    policies = held(40)
    for action in ACTIONS:
        for resource, expected in zip(roles(5), range(5), strict=True):
            about = policies.about_resource(action_name(action), resource)
            assert [one.held.holders.bit_length() - 1 for one, _ in about.allows] == list(range(expected, 40, 5))
    assert len(made) == 1


def test_statements_about_an_action_keep_their_order() -> None:
    policies = held(40)
    found = policies.about(action_name("s3:get1"))
    assert [one.held.holders.bit_length() - 1 for one in found] == [1]
    found = policies.about(action_name("s3:get21"))
    assert [one.held.holders.bit_length() - 1 for one in found] == [1, 21]
    assert [one.number for one in policies.about(action_name("iam:GetRole"))] == [0] * 40
