"""Contexts that make a formula true: found ones do, and where there is none, no sampled one does."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from iamtui.engine.possible_requests import Occasion
from iamtui.engine.request import PrincipalKind
from iamtui.policy.conditions import CompiledCondition
from iamtui.policy.context import (
    CommonContext,
    ConditionLeaf,
    MissingLeaf,
    RequestContext,
    Truth,
    all_of,
    any_of,
    negate,
)
from iamtui.policy.document import ConditionLine
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS
from iamtui.proofs.contexts import Carried, Doubt, FoundContext, find_context
from iamtui.proofs.texts import Bounds
from tests.support.slow import one_quick

UNKNOWN = RequestContext(CommonContext({}, discover=True))
Values = Mapping[str, tuple[str, ...]]


def line(operator: str, key: str, *values: str) -> ConditionLeaf:
    return ConditionLeaf(operator, key, values)


def holds(truth: Truth, context: Values) -> bool:
    """The formula in one context, each leaf tested by itself."""
    if isinstance(truth, bool):
        return truth
    if isinstance(truth, ConditionLeaf):
        condition = CompiledCondition(
            ConditionLine(truth.op, truth.key, truth.values), variables=True, options=DEFAULT_LANGUAGE_OPTIONS
        )
        return (condition.test(RequestContext(CommonContext(context))) is True) is truth.holds
    parts = [holds(part, context) for part in truth.parts]  # type: ignore[union-attr]
    return all(parts) if type(truth).__name__ == "And" else any(parts)


def found(truth: Truth) -> FoundContext | Doubt | None:
    return find_context(truth, UNKNOWN, Bounds())


@pytest.mark.parametrize(
    ("truth", "possible"),
    [
        # IAM User Guide, condition operators: a negated operator holds for an absent key.
        (all_of((negate(line("StringEquals", "s3:prefix", "a")), line("Null", "s3:prefix", "true"))), True),
        (all_of((line("StringEquals", "s3:prefix", "a"), line("Null", "s3:prefix", "true"))), False),
        (all_of((line("StringEqualsIfExists", "s3:prefix", "a"), line("Null", "s3:prefix", "true"))), True),
        (all_of((line("StringLike", "s3:prefix", "home/*"), line("StringNotLike", "s3:prefix", "*"))), False),
        (all_of((line("StringLike", "s3:prefix", "home/*"), line("StringNotLike", "s3:prefix", "home/a*"))), True),
        # A union covers what no single pattern covers.
        (all_of((line("StringLike", "s3:prefix", "a*b"), line("StringNotLike", "s3:prefix", "a*", "*b"))), False),
        (all_of((line("NumericLessThan", "s3:max-keys", "10"), line("NumericGreaterThan", "s3:max-keys", "9"))), True),
        (
            all_of(
                (
                    line("NumericLessThan", "s3:max-keys", "10"),
                    line("NumericGreaterThanEquals", "s3:max-keys", "10"),
                )
            ),
            False,
        ),
        (
            all_of(
                (
                    line("IpAddress", "aws:SourceIp", "203.0.113.0/24"),
                    line("NotIpAddress", "aws:SourceIp", "203.0.113.0/25"),
                    line("NotIpAddress", "aws:SourceIp", "203.0.113.128/25"),
                )
            ),
            False,
        ),
        (
            all_of(
                (
                    line("IpAddress", "aws:SourceIp", "203.0.113.0/24"),
                    line("NotIpAddress", "aws:SourceIp", "203.0.113.0/25"),
                )
            ),
            True,
        ),
        (
            all_of(
                (
                    line("DateLessThan", "aws:TokenIssueTime", "2026-01-01T00:00:00Z"),
                    line("DateGreaterThan", "aws:TokenIssueTime", "2026-01-01T01:00:00+01:00"),
                )
            ),
            False,
        ),
        # Every request says whether it is encrypted.
        (
            all_of(
                (
                    negate(line("Bool", "aws:SecureTransport", "true")),
                    negate(line("Bool", "aws:SecureTransport", "false")),
                )
            ),
            False,
        ),
        # ForAllValues holds for an absent key, ForAnyValue does not.
        (all_of((line("ForAllValues:StringEquals", "aws:TagKeys", "a"), line("Null", "aws:TagKeys", "true"))), True),
        (all_of((line("ForAnyValue:StringEquals", "aws:TagKeys", "a"), line("Null", "aws:TagKeys", "true"))), False),
        (
            all_of(
                (
                    line("ForAnyValue:StringEquals", "aws:TagKeys", "a"),
                    line("ForAnyValue:StringEquals", "aws:TagKeys", "b"),
                )
            ),
            True,
        ),
        (
            all_of(
                (
                    line("ForAllValues:StringEquals", "aws:TagKeys", "a"),
                    line("ForAnyValue:StringEquals", "aws:TagKeys", "b"),
                )
            ),
            False,
        ),
    ],
)
def test_documented_operators(truth: Truth, possible: bool) -> None:
    answer = found(truth)
    assert (answer is not None) is possible
    if isinstance(answer, FoundContext):
        assert holds(truth, answer.values)


KEYS = {
    "aws:SourceIp": (["IpAddress", "NotIpAddress"], ["10.0.0.0/8", "10.1.0.0/16", "192.0.2.7/32", "2001:db8::/32"]),
    "s3:prefix": (
        ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIfExists"],
        ["a", "ab", "a*", "*b", "a?b", "*"],
    ),
    "s3:max-keys": (["NumericLessThan", "NumericGreaterThanEquals", "NumericNotEquals"], ["1", "2.5", "10"]),
    "aws:TagKeys": (["ForAllValues:StringLike", "ForAnyValue:StringNotLike", "ForAnyValue:StringEquals"], ["a", "b*"]),
    "aws:SourceArn": (["ArnLike", "ArnNotLike"], ["arn:aws:s3:::a*", "arn:*:s3:::*", "arn:aws:s3:::ab"]),
    "aws:MultiFactorAuthPresent": (["Bool", "BoolIfExists", "Null"], ["true", "false"]),
}
SAMPLES = {
    "aws:SourceIp": ["10.1.2.3", "10.200.0.1", "192.0.2.7", "8.8.8.8", "2001:db8::1", "2001:db9::"],
    "s3:prefix": ["", "a", "ab", "b", "axb", "xyz", "abb"],
    "s3:max-keys": ["0", "1", "2", "2.5", "3", "10", "11"],
    "aws:TagKeys": ["a", "b", "bc", "c"],
    "aws:SourceArn": ["arn:aws:s3:::a", "arn:aws:s3:::ab", "arn:aws:s3:::b", "arn:aws-cn:s3:::a", "arn:aws:sns:a:b:c"],
    "aws:MultiFactorAuthPresent": ["true", "false"],
}


def random_truth(chance: random.Random, depth: int = 3) -> Truth:
    if depth == 0 or chance.random() < 0.3:
        key = chance.choice(list(KEYS))
        operators, values = KEYS[key]
        operator = chance.choice(operators)
        one = line(operator, key, *chance.sample(values, chance.randint(1, 2)))
        return negate(one) if chance.random() < 0.5 else one
    parts = [random_truth(chance, depth - 1) for _ in range(chance.randint(2, 3))]
    return all_of(parts) if chance.random() < 0.7 else any_of(parts)


def random_context(chance: random.Random) -> Values:
    context: dict[str, tuple[str, ...]] = {}
    for key, values in SAMPLES.items():
        most = 3 if key == "aws:TagKeys" else 1
        context[key] = tuple(chance.sample(values, chance.randint(0, most)))
    return context


@one_quick("seed", range(8))
def test_sampled_contexts_agree(seed: int) -> None:
    chance = random.Random(seed)
    samples = [random_context(chance) for _ in range(400)]
    nothing = 0
    for _ in range(40):
        truth = random_truth(chance)
        answer = found(truth)
        if isinstance(answer, FoundContext):
            assert holds(truth, answer.values)
        elif answer is None:
            nothing += 1
            assert not any(holds(truth, sample) for sample in samples), truth
    assert nothing, "some of the formulas have no solution"


@pytest.mark.parametrize(
    ("leaf", "reason"),
    [
        (line("StringEquals", "aws:ResourceTag/owner", "${aws:SourceIdentity}"), "a variable without a known value"),
        (ConditionLeaf("StringSounds", "s3:prefix", ("a",), unknown_operator=True), "unknown condition operator"),
        (ConditionLeaf("Resource", "aws:userid", ("arn:aws:s3:::${aws:userid}",)), "a variable without a known value"),
        (MissingLeaf("policy of a bucket", "s3:GetBucketPolicy"), "not loaded: policy of a bucket"),
        (line("BinaryEquals", "custom:key", "eA=="), "compared as binaryequals"),
    ],
)
def test_what_is_not_modelled_is_a_doubt_either_way(leaf: ConditionLeaf, reason: str) -> None:
    for truth in (leaf, negate(leaf)):
        answer = found(truth)
        assert isinstance(answer, Doubt)
        assert reason in answer.reasons[0]


def test_what_is_not_modelled_does_not_matter_where_the_rest_decides() -> None:
    leaf = MissingLeaf("policy of a bucket", "s3:GetBucketPolicy")
    assert found(all_of((leaf, line("Bool", "aws:SecureTransport", "x")))) is None
    assert isinstance(found(any_of((leaf, line("Bool", "aws:SecureTransport", "true")))), FoundContext)


def test_a_value_that_depends_on_another_key_is_not_made_up() -> None:
    truth = all_of((line("Bool", "aws:ViaAWSService", "true"), line("Null", "aws:CalledVia", "true")))
    carried = Carried(occasion=Occasion(PrincipalKind.USER))
    answer = find_context(truth, UNKNOWN, Bounds(), carried)
    assert isinstance(answer, Doubt)
    assert "no request is known that can have" in answer.reasons[0]


def test_letter_case_is_not_guessed() -> None:
    truth = all_of((line("StringEqualsIgnoreCase", "s3:prefix", "key"), line("StringNotEquals", "s3:prefix", "key")))
    assert isinstance(found(truth), Doubt)
    alone = all_of((line("StringEqualsIgnoreCase", "s3:prefix", "Key"), line("Null", "s3:prefix", "false")))
    assert isinstance(found(alone), FoundContext)
