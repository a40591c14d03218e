"""Red only for layers that stand in the way."""

from __future__ import annotations

import pytest
from msgspec import structs

from iamtui.engine.decision import ONLY_UNDER_CONDITIONS, Decision, Layer, LayerReport, LayerState, Outcome, Reason
from iamtui.policy.context import ConditionLeaf, Source
from iamtui.presentation.styled_words import Tone, text_of
from iamtui.presentation.verdict import layer_block, layer_row, layer_text, notes
from tests.support import panel_records as records

SILENT = LayerReport(Layer.RESOURCE, LayerState.SILENT, "No statement lets the caller in.")


def decision(outcome: Outcome, **more: object) -> Decision:
    return Decision(records.request(), outcome, (SILENT,), **more)  # type: ignore[arg-type]


def test_a_silent_layer_that_nothing_asks_for_is_neutral() -> None:
    found = layer_text(SILENT, decision(Outcome.ALLOWED))

    assert (found.mark, found.words, found.tone) == (" · ", "no allow", Tone.QUIET)


@pytest.mark.parametrize(
    "more", [{"reasons": (Reason(Layer.RESOURCE, "implicit"),)}, {"blocked_by": (Layer.RESOURCE,)}]
)
def test_a_silent_layer_that_stands_in_the_way_is_red(more: dict[str, object]) -> None:
    found = layer_text(SILENT, decision(Outcome.IMPLICIT_DENY, **more))

    assert (found.mark, found.words, found.tone) == ("[-]", "no allow", Tone.DENIED)


def test_a_layer_whose_allow_waits_for_a_condition_depends() -> None:
    leaf = ConditionLeaf(
        "Bool", "aws:MultiFactorAuthPresent", ("true",), source=Source("resource", "trust", 0, "Allow")
    )

    found = layer_text(SILENT, decision(Outcome.DEPENDS, depends_on=leaf))

    assert (found.mark, found.words, found.tone) == ("[?]", "depends", Tone.DEPENDS)


def test_of_a_denial_a_layer_that_does_not_deny_it_may_wait_for_a_condition() -> None:
    waits = structs.replace(SILENT, why=f"trust / Mfa allows it {ONLY_UNDER_CONDITIONS}.")
    denied = decision(Outcome.IMPLICIT_DENY, blocked_by=(Layer.IDENTITY,)).with_parts(layers=(waits,))
    in_the_way = denied.with_parts(blocked_by=(Layer.RESOURCE,))

    assert layer_text(waits, denied)[1:5] == ("[?]", "resource", "depends", Tone.DEPENDS)
    assert layer_text(waits, in_the_way)[1:5] == ("[-]", "resource", "no allow", Tone.DENIED)
    assert layer_text(waits, denied.with_parts(outcome=Outcome.ALLOWED))[3:5] == ("no allow", Tone.QUIET)


def test_one_line_where_it_is_wide_and_two_where_it_is_high() -> None:
    allowed = decision(Outcome.ALLOWED)

    assert text_of(layer_row(layer_text(SILENT, allowed))).endswith(f"no allow       {SILENT.why}")
    head, why = map(text_of, layer_block(layer_text(SILENT, allowed)))
    assert head.endswith("no allow")
    assert why == SILENT.why


def test_what_was_taken_for_granted_is_told_only_where_there_is_room() -> None:
    made = decision(Outcome.ALLOWED, assumptions=("aws:SecureTransport = true",))

    assert [text_of(row) for row in notes(made)] == []
    assert [text_of(row) for row in notes(made, long=True)] == ["Assumed: aws:SecureTransport = true"]


def test_a_key_that_the_condition_names_is_not_told_twice() -> None:
    leaf = ConditionLeaf("Bool", "aws:MultiFactorAuthPresent", ("true",))
    made = decision(Outcome.DEPENDS, depends_on=leaf, missing_context=("aws:MultiFactorAuthPresent", "aws:SourceIp"))

    assert [text_of(row) for row in notes(made)] == ["Not given: aws:SourceIp"]
