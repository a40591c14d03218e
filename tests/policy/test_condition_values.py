"""One request value against all values of a condition line: as comparing with one after the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.policy.conditions import CompiledCondition
from iamtui.policy.context import CommonContext, RequestContext
from iamtui.policy.document import ConditionLine
from iamtui.policy.types import LanguageOptions

OPERATORS = (
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "ArnLike",
    "ArnNotLike",
    "ArnEquals",
    "Bool",
    "BoolIfExists",
    "StringNotEqualsIfExists",
    "ForAnyValue:StringLike",
    "ForAnyValue:StringNotEquals",
    "ForAllValues:StringEquals",
    "ForAllValues:ArnNotLike",
)
VALUES = st.sampled_from(
    (
        "",
        "*",
        "true",
        "TRUE",
        "false",
        "maybe",
        "a",
        "ab",
        "a*",
        "*b",
        "a?",
        "arn:aws:iam::111122223333:role/x",
        "arn:aws:iam::*:role/*",
        "arn:*:iam::111122223333:ro?e/x",
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam",
        "not an arn",
        "${aws:username}",
    )
)


@given(
    operator=st.sampled_from(OPERATORS),
    wanted=st.lists(VALUES, max_size=4),
    value=VALUES,
    variables=st.booleans(),
    bare_star=st.booleans(),
)
def test_a_single_value_is_compared_as_any_value(
    operator: str, wanted: list[str], value: str, variables: bool, bare_star: bool
) -> None:
    line = ConditionLine(operator, "aws:PrincipalArn", tuple(wanted))
    options = LanguageOptions(bare_star_in_arn_operator=bare_star)
    context = RequestContext(CommonContext({"aws:PrincipalArn": (value,), "aws:username": ("ab",)}))
    fast = CompiledCondition(line, variables=variables, options=options)
    slow = CompiledCondition(line, variables=variables, options=options)
    slow._holds_for = None
    assert fast.test(context) == slow.test(context)


@pytest.mark.parametrize("operator", ["ArnNotLike", "ArnNotEquals"])
def test_a_pattern_that_is_no_arn_makes_a_negated_comparison_fail(operator: str) -> None:
    line = ConditionLine(operator, "aws:PrincipalArn", ("not an arn",))
    condition = CompiledCondition(line, variables=True, options=LanguageOptions())
    context = RequestContext(CommonContext({"aws:PrincipalArn": ("arn:aws:iam::111122223333:role/x",)}))
    assert condition.test(context) is False
