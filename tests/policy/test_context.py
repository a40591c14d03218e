"""Condition keys of a request: what is known of them, by name and by pattern."""

from __future__ import annotations

import pytest

from iamtui.policy.context import AtLeast, CommonContext, KeyState, KeyValues, RequestContext

TAG = {"aws:principaltag/team": ("red",)}


def context(**known: object) -> RequestContext:
    given = known.pop("given", {})
    return RequestContext(CommonContext(given, discover=True, **known), own=TAG)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pattern", "absent", "unknown"),
    [
        ("aws:PrincipalTag/*", ["aws:principaltag/x", "aws:principaltag/"], ["aws:principaltag", "aws:principalorgid"]),
        ("aws:Principal*", ["aws:principalorgid", "aws:principaltag/x"], ["aws:sourceip", "s3:aws:principalorgid"]),
        ("aws:*Vpc*", ["aws:sourcevpc", "aws:vpcsourceip", "aws:sourcevpce"], ["aws:sourceip", "ec2:vpc"]),
        ("*:SourceIp", ["aws:sourceip", "x:y:sourceip"], ["aws:sourceip2"]),
        ("aws:Source*p", ["aws:sourceip"], ["aws:sourcevpc"]),
        ("*", ["aws:sourceip", "anything"], []),
        ("aws:a.b*c", ["aws:a.bc"], ["aws:axbc"]),
    ],
)
@pytest.mark.parametrize("by_user", [False, True])
def test_a_star_in_an_absent_key_stands_for_any_text(
    pattern: str, absent: list[str], unknown: list[str], by_user: bool
) -> None:
    found = context(given={pattern: ()}) if by_user else context(known_absent=(pattern,))
    for key in absent:
        assert found.lookup(key) == ()
        assert not found.nobody_said(key)
    for key in unknown:
        assert found.lookup(key) is KeyState.UNKNOWN
        assert found.nobody_said(key)


def test_what_the_user_says_is_absent_goes_before_what_the_account_knows() -> None:
    given: KeyValues = {"aws:PrincipalTag/*": (), "aws:PrincipalTag/site": ("kiel",)}
    found = context(given=given)
    assert found.lookup("aws:principaltag/team") == ()
    assert found.lookup("aws:principaltag/site") == ("kiel",)
    assert context(known_absent=("aws:PrincipalTag/*",)).lookup("aws:principaltag/team") == ("red",)


def test_values_that_may_have_others_besides_equal_no_values_alone() -> None:
    known, open_ended = ("a",), AtLeast(("a",))
    assert open_ended == AtLeast(("a",))
    assert hash(open_ended) == hash(AtLeast(("a",)))
    assert known != open_ended
    assert open_ended != known
    assert {known: 1}.get(open_ended) is None
