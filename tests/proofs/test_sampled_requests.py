"""Random documents about keys that go together: no request that can exist contradicts a proof."""

from __future__ import annotations

import random
from typing import Any

import pytest

from iamtui.engine.decision import Outcome
from iamtui.engine.possible_requests import ACCOUNT, Occasion, Values, why_impossible
from iamtui.engine.request import PrincipalKind
from iamtui.policy.document import PolicyDocument
from iamtui.proofs.documents import ANYBODY, find_broader
from iamtui.proofs.texts import Bounds

OTHER = "210987654321"
LINES: list[tuple[tuple[str, ...], str, tuple[str, ...]]] = [
    (("StringEquals", "StringNotEquals"), "aws:ResourceAccount", ("${aws:PrincipalAccount}", ACCOUNT, OTHER)),
    (("StringLike", "StringNotLike"), "aws:ResourceAccount", ("????????????", "21*", "*")),
    (("StringLike", "StringNotLike"), "aws:RequestedRegion", ("eu-*", "*-1", "us-east-1", "*")),
    (("StringEquals", "StringNotEqualsIfExists"), "aws:ResourceTag/env", ("dev", "${aws:PrincipalTag/env}")),
    (("StringLike", "StringNotLike", "StringLikeIfExists"), "ec2:ResourceTag/env", ("dev", "d*", "?")),
    (("ArnLike", "ArnLikeIfExists", "ArnNotLike"), "aws:PrincipalArn", ("arn:aws:iam::*:user/*", "arn:aws:iam::*:*x*")),
]
RESOURCES = ("*", "arn:aws:ec2:eu-*:*:instance/*", f"arn:aws:ec2:*:{ACCOUNT}:*", "arn:aws:ec2:*:*:*/i-x*")
REGIONS = ("eu-west-1", "us-east-1", "ap-southeast-2")


def statement(chance: random.Random) -> dict[str, Any]:
    conditions: dict[str, dict[str, list[str]]] = {}
    for operators, key, values in chance.sample(LINES, chance.randint(0, 2)):
        conditions.setdefault(chance.choice(operators), {})[key] = chance.sample(values, chance.randint(1, 2))
    resource = chance.choice(
        ("*", "arn:aws:ec2:eu-*:*:instance/*", f"arn:aws:ec2:*:{ACCOUNT}:*", "arn:aws:ec2:*:*:*/i-x*")
    )
    effect = chance.choice(("Allow", "Allow", "Deny"))
    return {"Effect": effect, "Action": "ec2:StopInstances", "Resource": resource, "Condition": conditions}


def request(chance: random.Random) -> tuple[str, str, dict[str, Values]]:
    """A resource, its account and a context."""
    region, owner = chance.choice(REGIONS), chance.choice((ACCOUNT, OTHER))
    name = chance.choice(("i-x1", "i-y", "x"))
    tag = chance.choice(((), ("dev",), ("d",), ("prod",)))
    context: dict[str, Values] = {
        "aws:RequestedRegion": (region,),
        "aws:ResourceAccount": (owner,),
        "aws:ResourceTag/env": tag,
        "ec2:ResourceTag/env": tag,
        "aws:PrincipalTag/env": chance.choice(((), ("dev",), ("prod",))),
    }
    return f"arn:aws:ec2:{region}:{owner}:instance/{name}", owner, context


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 60))])
def test_no_request_that_can_exist_contradicts_a_proof(seed: int) -> None:
    chance = random.Random(seed)
    answers = set()
    for _ in range(12):
        one, other = (
            PolicyDocument.of({"Version": "2012-10-17", "Statement": [statement(chance) for _ in range(count)]})
            for count in (chance.randint(1, 2), chance.randint(1, 3))
        )
        found = find_broader(one, other, Bounds())
        answers.add(found.proved)
        if found.example is not None:
            example = found.example
            known = {key.lower(): values for key, values in example.context.items()}
            assert not why_impossible(known, Occasion(None, example.action, example.resource)), example
        if not found.proved:
            continue
        for _ in range(60):
            resource, owner, context = request(chance)
            known = {key.lower(): values for key, values in context.items()}
            assert not why_impossible(known, Occasion(PrincipalKind.USER, "ec2:StopInstances", resource))
            asked = ("ec2:StopInstances", resource, context, owner)
            is_broader = (
                ANYBODY.outcome(one, *asked) is Outcome.ALLOWED
                and ANYBODY.outcome(other, *asked) is not Outcome.ALLOWED
            )
            assert not is_broader, (one.raw, other.raw, asked)
    assert answers == {True, False}


@pytest.mark.parametrize(
    ("closed", "wider"),
    [
        ({"StringLike": {"aws:RequestedRegion": "eu-west-?"}}, {"StringLike": {"aws:RequestedRegion": "eu-west*"}}),
        ({"StringEquals": {"ec2:ResourceTag/env": "dev"}}, {"StringLike": {"ec2:ResourceTag/env": "dev*"}}),
        (
            {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/dev"}},
            {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/dev*"}},
        ),
        ({"NumericLessThan": {"ec2:VolumeSize": "10"}}, {"NumericLessThan": {"ec2:VolumeSize": "11"}}),
    ],
)
def test_an_answer_changes_when_a_condition_is_widened(closed: dict[str, Any], wider: dict[str, Any]) -> None:
    action = "ec2:CreateVolume" if "ec2:VolumeSize" in str(closed) else "ec2:StopInstances"
    first, second = (
        PolicyDocument.of(
            {
                "Version": "2012-10-17",
                "Statement": {"Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition},
            }
        )
        for condition in (closed, wider)
    )
    assert find_broader(first, second, Bounds()).proved
    found = find_broader(second, first, Bounds())
    # Of Regions, none is known that the wider pattern matches alone.
    is_known = "aws:RequestedRegion" not in str(closed)
    assert (found.example is not None) is is_known
    assert not found.proved
