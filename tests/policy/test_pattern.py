"""Patterns: what matches, against a brute-force matcher, and that matching takes one step a character."""

from functools import cache
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.policy.context import CommonContext, RequestContext
from iamtui.policy.patterns import (
    Glob,
    Machine,
    Token,
    Unresolved,
    Wild,
    arn_tokens,
    one_variable_match,
    parse_pieces,
    pieces_match,
    request_tokens,
    resolve,
    tokens_of,
)
from iamtui.policy.resource import ResourceSet


def glob(pattern: str) -> Glob:
    return Glob(tokens_of(parse_pieces(pattern, variables=False)))


def brute(tokens: tuple[Token, ...], text: str) -> bool:
    """The plain recursive reading of what wildcards mean."""

    @cache
    def match(i: int, j: int) -> bool:
        if i == len(tokens):
            return j == len(text)
        token = tokens[i]
        if token in (Wild.STAR, Wild.FIELD_STAR):
            return match(i + 1, j) or (j < len(text) and (token is Wild.STAR or text[j] != ":") and match(i, j + 1))
        if j == len(text):
            return False
        if token is Wild.ONE or (token is Wild.FIELD_ONE and text[j] != ":") or token == text[j]:
            return match(i + 1, j + 1)
        return False

    return match(0, 0)


patterns = st.text(alphabet="ab:*?", max_size=12)
texts = st.text(alphabet="ab:?*", max_size=12)


@given(patterns, texts)
def test_glob_agrees_with_the_plain_reading(pattern: str, text: str) -> None:
    tokens = tokens_of(parse_pieces(pattern, variables=False))
    assert Glob(tokens).matches(text) is brute(tokens, text)


@given(patterns, texts, st.booleans())
def test_arn_patterns_agree_with_the_plain_reading(pattern: str, text: str, crosses: bool) -> None:
    tokens = arn_tokens(tokens_of(parse_pieces(pattern, variables=False)), trailing_star_crosses=crosses)
    assert Glob(tokens).matches(text) is brute(tokens, text)


short_texts = [""] + list("ab:") + [a + b for a in "ab:" for b in "ab:"] + ["aab", "a:b", ":ab", "b:a:", "abab"]


@given(st.text(alphabet="ab:*?", max_size=6), st.text(alphabet="ab:*", max_size=6))
def test_covers_and_shares_agree_with_examples(entry: str, request: str) -> None:
    matcher = Glob(arn_tokens(tokens_of(parse_pieces(entry, variables=False))))
    request_pattern = request_tokens(request)
    asked = [text for text in short_texts if brute(request_pattern, text)]
    matched = [matcher.matches(text) for text in asked]
    if any(matched):
        assert matcher.shares(request_pattern)
    if matcher.covers(request_pattern):
        assert all(matched)
        assert matcher.shares(request_pattern)


@given(st.text(alphabet="ab:*?", max_size=6), st.lists(st.text(alphabet="ab:*", max_size=6), min_size=1, max_size=3))
def test_a_set_meets_what_its_patterns_meet(entry: str, members: list[str]) -> None:
    """That beginnings are looked at first changes nothing."""
    pattern = glob(entry)
    sets = tuple(tokens_of(parse_pieces(member, variables=False)) for member in members)
    assert ResourceSet(sets).shares(pattern) is any(map(pattern.shares, sets))
    assert ResourceSet(sets).is_covered_by(pattern) is all(map(pattern.covers, sets))


@pytest.mark.parametrize("pattern", ["a*" * 1000 + "b", "*a?*" * 300, "?" * 500 + "*", "*" * 5000])
def test_matching_takes_no_more_steps_than_the_text_has_characters(pattern: str) -> None:
    text = "a" * 20_000
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    glob(pattern).matches(text, count)
    assert 0 < steps <= max(len(text), pattern.count("*") + 1)


@pytest.mark.parametrize(
    ("pattern", "variables", "value", "matches"),
    [
        ("a${*}b", True, "a*b", True),
        ("a${*}b", True, "axb", False),
        ("a${?}b", True, "axb", False),
        ("${$}{x}", True, "${x}", True),
        ("a${*}b", False, "a${xx}b", True),
        ("a${unclosed", True, "a${unclosed", True),
        ("home/${aws:username}/*", True, "home/al*ce/x", True),
        ("home/${aws:username}/*", True, "home/alice/x", False),
        ("${aws:missing, 'def'}x", True, "defx", True),
        ("${ aws:missing ,'d*f' }x", True, "d*fx", True),
    ],
)
def test_escapes_variables_and_defaults_are_literal(pattern: str, variables: bool, value: str, matches: bool) -> None:
    context = RequestContext(CommonContext({"aws:username": ("al*ce",)}))
    resolved = resolve(parse_pieces(pattern, variables=variables), context)
    assert not isinstance(resolved, Unresolved)
    assert Glob(tokens_of(resolved)).matches(value) is matches


@pytest.mark.parametrize("pattern", ["${}", "${aws:gone}", "${aws:many}", "${aws:many, 'x'}", "${a b}", "${aws:x 'y'}"])
def test_variables_without_a_value(pattern: str) -> None:
    context = RequestContext(CommonContext({"aws:many": ("a", "b")}))
    assert resolve(parse_pieces(pattern, variables=True), context) is Unresolved.NO_VALUE


def test_a_variable_on_an_unknown_key_is_unknown_unless_another_has_no_value() -> None:
    context = RequestContext(CommonContext({"aws:none": ()}, discover=True))
    assert resolve(parse_pieces("${aws:x}", variables=True), context) is Unresolved.UNKNOWN
    assert resolve(parse_pieces("${aws:x}${aws:none}", variables=True), context) is Unresolved.NO_VALUE


def test_values_longer_than_any_of_aws_are_not_put_together() -> None:
    """Five thousand values of 400,000 characters would take 5 GB."""
    context = RequestContext(CommonContext({"aws:username": ("x" * 2_048,)}))
    ordinary, many = ("${aws:username}?" * count for count in (2, 5_000))
    assert not isinstance(resolve(parse_pieces(ordinary, variables=True), context), Unresolved)
    assert resolve(parse_pieces(many, variables=True), context) is Unresolved.UNKNOWN


@pytest.mark.slow
def test_a_pattern_is_put_together_only_as_far_as_a_text_can_match_it() -> None:
    random, values = Random(5), ("", "a", ":", "ab", "a:b", "a" * 9, "*?")
    pieces = ("${aws:0}", "${aws:1}", "${aws:2, 'a:'}", "${aws:2}", "a", ":", "b", "*", "?", "${*}")
    for _ in range(20_000):
        context = RequestContext(
            CommonContext({"aws:0": (random.choice(values),), "aws:1": (random.choice(values),)}, discover=True)
        )
        pattern = parse_pieces("".join(random.choices(pieces, k=random.randrange(9))), variables=True)
        text = "".join(random.choices("ab:*", k=random.randrange(9)))
        whole, cut = resolve(pattern, context), resolve(pattern, context, longest=len(text))
        if isinstance(whole, Unresolved) or isinstance(cut, Unresolved):
            assert cut is whole
            continue
        assert pieces_match(cut, text) is Glob(tokens_of(whole)).matches(text)
        assert len(tokens_of(cut)) <= len(tokens_of(whole))
        colons = [min(tokens_of(one).count(":"), 5) for one in (whole, cut)]
        assert colons[0] == colons[1], "of an ARN or of other text"


def test_a_set_is_covered_as_each_of_its_texts_is_matched() -> None:
    """Whatever is left out of the walk over all lengths of a star."""
    random = Random(7)
    for _ in range(5_000):
        pattern, request = ("".join(random.choices("ab*?", k=random.randrange(1, 7))) for _ in range(2))
        request = request.replace("?", "*")
        glob = Glob(tokens_of(parse_pieces(pattern, variables=False)))
        if glob.covers(request_tokens(request)):
            for _ in range(20):
                text = "".join(
                    "".join(random.choices("abc", k=random.randrange(8))) if one == "*" else one for one in request
                )
                assert glob.matches(text), (pattern, request, text)


def test_stars_and_question_marks_take_no_time_with_the_square_of_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    step = Machine.step_by_all

    def counted(machine: Machine, state: int, without: str) -> int:
        nonlocal steps
        steps += 1
        return step(machine, state, without)

    monkeypatch.setattr(Machine, "step_by_all", counted)
    tokens = tokens_of(parse_pieces("a" + "*?" * 2_000, variables=False))
    assert Glob(tokens).covers(request_tokens("a" + "*a" * 2_000))
    assert steps < 20_000


_ENDS = st.text("ab*?", max_size=3)


@given(_ENDS, _ENDS, st.text("ab*?", max_size=3), st.text("ab*?", max_size=8), st.booleans())
def test_a_pattern_with_one_variable_matches_as_if_it_were_put_together(
    before: str, behind: str, filling: str, text: str, has_wildcards: bool
) -> None:
    pieces = parse_pieces(f"{before}${{aws:username}}{behind}", variables=True, wildcards=has_wildcards)
    context = RequestContext(CommonContext({"aws:username": (filling,)}))
    matches = one_variable_match(pieces)
    if matches is None:
        assert has_wildcards
        assert not before.isalpha()
        return
    for candidate in (text, f"{before}{filling}{behind}", f"{before}{filling}{text}"):
        resolved = resolve(pieces, context, longest=len(candidate))
        assert not isinstance(resolved, Unresolved)
        assert matches(candidate, context) is pieces_match(resolved, candidate)


@pytest.mark.parametrize(
    ("pattern", "given"),
    [
        ("x${aws:username}", {}),
        ("x${aws:username, 'y'}", {"aws:username": ()}),
        ("x${aws:username}", {"aws:username": ("a", "b")}),
        ("x${aws:username}", {"aws:username": ("a" * 5000,)}),
        ("x${username}", {"username": ("a",)}),
    ],
)
def test_a_variable_without_one_short_value_is_left_to_the_whole_pattern(
    pattern: str, given: dict[str, tuple[str, ...]]
) -> None:
    matches = one_variable_match(parse_pieces(pattern, variables=True))
    context = RequestContext(CommonContext(given, discover=True))
    assert matches is not None
    assert matches("xa", context) is None


def test_a_pattern_with_two_variables_has_to_be_put_together() -> None:
    assert one_variable_match(parse_pieces("${aws:username}${aws:userid}", variables=True)) is None
