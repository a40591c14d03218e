from __future__ import annotations

import pytest

from iamtui.engine import condition_words as words
from iamtui.engine.decision import Decision, Layer, LayerReport, LayerState, Outcome, Reason
from iamtui.policy.context import And, ConditionLeaf, MissingLeaf, Or, SessionLeaf
from iamtui.presentation.styled_words import text_of
from iamtui.presentation.verdict import because, layer_row, layer_text, verdict_words
from tests.support import panel_records as records
from tests.support import wording

LOADED = f"{wording.AS_LOADED} (SCP not evaluated)"


@pytest.mark.parametrize(
    ("decision", "text"),
    [
        (records.allowed_fully(), wording.ALLOWED),
        (records.allowed(), f"{wording.ALLOWED} {LOADED}"),
        (
            records.allowed_on_some(),
            f"{wording.ALLOWED} on some, {LOADED}: arn:aws:s3:::data-lake/*",
        ),
        (records.denied(), wording.EXPLICIT_DENY),
        (records.not_allowed(), wording.IMPLICIT_DENY),
        (
            records.depends(),
            f"{wording.DEPENDS} on aws:MultiFactorAuthPresent, aws:SourceIp, {LOADED}",
        ),
    ],
)
def test_verdict_says_the_outcome_in_a_mark_and_words(decision: Decision, text: str) -> None:
    assert str(verdict_words(decision)) == text
    assert text_of(verdict_words(decision).row) == text


@pytest.mark.parametrize(
    ("decision", "short"),
    [
        (records.allowed_fully(), wording.ALLOWED),
        (records.allowed(), f"{wording.ALLOWED}*"),
        (records.allowed_on_some(), f"{wording.ALLOWED}*"),
        (records.denied(), wording.DENIED_EXPLICITLY),
        (records.not_allowed(), wording.NOT_ALLOWED),
    ],
)
def test_without_room_a_star_stands_for_the_limit(decision: Decision, short: str) -> None:
    assert verdict_words(decision).short == short


@pytest.mark.parametrize(
    ("decision", "line"),
    [
        (records.allowed(), "by data-lake-read / ReadLake (lines 4-15)"),
        (records.denied(), "denied by data-lake-read / NoDelete (lines 16-21)"),
        (records.not_allowed(), "no Allow in: identity policies"),
        (
            records.depends(),
            (
                "if aws:MultiFactorAuthPresent is true and aws:SourceIp is in 203.0.113.0/24"
                " · would be allowed by data-lake-read / ReadLake (lines 4-15)"
            ),
        ),
    ],
)
def test_because_names_the_deciding_statement(decision: Decision, line: str) -> None:
    assert text_of(because(decision)) == line


def test_a_blocking_scp_is_named_with_its_level() -> None:
    decision = Decision(
        records.request(),
        Outcome.IMPLICIT_DENY,
        (),
        blocked_by=(Layer.SCP,),
        reasons=(Reason(Layer.SCP, "implicit", level=1, level_name="ou-prod"),),
    )

    assert text_of(because(decision)) == "no Allow in: service control policies (SCP) at level 1 (ou-prod)"
    beside_the_verdict = text_of(because(decision, beside=True))
    assert beside_the_verdict == "none in service control policies (SCP) at level 1 (ou-prod)", "no allow is said there"


def test_a_layer_that_was_not_evaluated_says_so_in_words() -> None:
    report = LayerReport(Layer.SCP, LayerState.NOT_EVALUATED, "the organization was not loaded")
    decision = Decision(records.request(), Outcome.ALLOWED, (report,))

    for compact in (False, True):
        text = text_of(layer_row(layer_text(report, decision), compact=compact))
        assert text.startswith("[?] SCP ")
        assert "not evaluated" in text
        assert text.endswith("The organization was not loaded")


@pytest.mark.parametrize(
    ("operator", "values", "holds", "text"),
    [
        ("Bool", ("true",), True, "k is true"),
        ("Bool", ("true",), False, "k is not true"),
        ("StringEquals", ("a", "b"), True, "k is one of a, b"),
        ("StringNotEquals", ("a",), True, "k is not a"),
        ("StringNotEquals", ("a",), False, "k is a"),
        ("StringLike", ("a*",), False, "k does not match a*"),
        ("NumericLessThan", ("3600",), True, "k < 3600"),
        ("NumericLessThan", ("3600",), False, "k is not < 3600"),
        ("NumericGreaterThanEqualsIfExists", ("1",), False, "k is not ≥ 1 and is present"),
        ("DateLessThanEquals", ("2026-01-01",), False, "k is not at or before 2026-01-01"),
        ("DateLessThan", ("2026-01-01",), True, "k is before 2026-01-01"),
        ("NotIpAddress", ("10.0.0.0/8",), True, "k is not in 10.0.0.0/8"),
        ("Null", ("true",), True, "k is absent"),
        ("Null", ("true",), False, "k is present"),
        ("Null", ("false",), True, "k is present"),
        ("BoolIfExists", ("true",), True, "k is true or is absent"),
        ("BoolIfExists", ("true",), False, "k is false"),
        ("BoolIfExists", ("false",), False, "k is true"),
        ("ForAllValues:StringEquals", ("a",), True, "every value of k is a"),
        ("ForAnyValue:StringLike", ("a*",), False, "it does not hold that some value of k matches a*"),
        (
            "ForAnyValue:StringNotLikeIfExists",
            ("a*",),
            False,
            "k is present and it does not hold that some value of k does not match a*",
        ),
        (
            "Resource",
            ("arn:aws:s3:::${aws:username}",),
            True,
            "k makes the resource match arn:aws:s3:::${aws:username}",
        ),
        ("Unheard", ("x",), False, "k fails Unheard x"),
    ],
)
def test_conditions_read_as_phrases(operator: str, values: tuple[str, ...], holds: bool, text: str) -> None:
    assert words.leaf_text(ConditionLeaf(operator, "k", values, holds)) == text


def test_formulas_keep_their_structure() -> None:
    mfa = ConditionLeaf("Bool", "mfa", ("true",))
    missing = MissingLeaf("arn:aws:iam::1:policy/p", "iam:GetPolicyVersion")
    maybe = ConditionLeaf("StringEqualsIfExists", "k", ("a",))
    assert words.depends_text(And((mfa, maybe))) == "mfa is true and (k is a or is absent)"
    node = And((mfa, Or((SessionLeaf("ci"), missing))))

    assert words.depends_text(node) == (
        "mfa is true and (the session name is ci or p allows it (document not loaded, needs iam:GetPolicyVersion))"
    )
    assert [line.split("  [")[0] for line in words.depends_lines(node)] == [
        "all of these hold:",
        "  mfa is true",
        "  one of these holds:",
        "    the session name is ci",
        "    p allows it (document not loaded, needs iam:GetPolicyVersion)",
    ]


def test_what_two_conditions_say_in_the_same_words_is_said_once() -> None:
    required = ConditionLeaf("Bool", "mfa", ("true",))
    not_denied = ConditionLeaf("BoolIfExists", "mfa", ("false",), holds=False)
    assert words.depends_text(And((required, not_denied))) == "mfa is true"
    either = Or((required, ConditionLeaf("StringEquals", "k", ("a",)), not_denied))
    assert words.depends_text(And((either, SessionLeaf("ci")))) == "(mfa is true or k is a) and the session name is ci"


def test_hostile_names_come_out_visible_and_without_markup() -> None:
    evil = "[@click=app.quit]x[/]\x1b]52;c;aGk=\x07\u202e"
    ref = records.statement(sid=evil)
    decision = records.allowed(matched=(ref,))

    plain = text_of(because(decision))

    assert "[@click=app.quit]x[/]" in plain
    assert not {"\x1b", "\x07", "\u202e"} & set(plain)
