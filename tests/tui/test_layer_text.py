"""Red only for layers that stand in the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iamtui.engine.decision import ONLY_UNDER_CONDITIONS, Decision, Layer, LayerReport, LayerState, Outcome, Reason
from iamtui.policy.truth import ConditionLeaf, Source
from iamtui.tui.question.layers_list import layer_block, layer_line, layer_parts
from iamtui.tui.question.verdict import DENIED, DEPENDS, QUIET, notes
from tests.support import panel_records as records

SILENT = LayerReport(Layer.RESOURCE, LayerState.SILENT, "No statement lets the caller in.")


def decision(outcome: Outcome, **more: object) -> Decision:
    return Decision(records.request(), outcome, (SILENT,), **more)  # type: ignore[arg-type]


def test_a_silent_layer_that_nothing_asks_for_is_neutral() -> None:
    mark, words, style = layer_parts(SILENT, decision(Outcome.ALLOWED))

    assert (mark, words, style) == (" · ", "no allow", QUIET)


@pytest.mark.parametrize(
    "more", [{"reasons": (Reason(Layer.RESOURCE, "implicit"),)}, {"blocked_by": (Layer.RESOURCE,)}]
)
def test_a_silent_layer_that_stands_in_the_way_is_red(more: dict[str, object]) -> None:
    mark, words, style = layer_parts(SILENT, decision(Outcome.IMPLICIT_DENY, **more))

    assert (mark, words, style) == ("[-]", "no allow", DENIED)


def test_a_layer_whose_allow_waits_for_a_condition_depends() -> None:
    leaf = ConditionLeaf(
        "Bool", "aws:MultiFactorAuthPresent", ("true",), source=Source("resource", "trust", 0, "Allow")
    )

    mark, words, style = layer_parts(SILENT, decision(Outcome.DEPENDS, depends_on=leaf))

    assert (mark, words, style) == ("[?]", "depends", DEPENDS)


def test_of_a_denial_a_layer_that_does_not_deny_it_may_wait_for_a_condition() -> None:
    waits = replace(SILENT, why=f"trust / Mfa allows it {ONLY_UNDER_CONDITIONS}.")
    denied = replace(decision(Outcome.IMPLICIT_DENY, blocked_by=(Layer.IDENTITY,)), layers=(waits,))
    in_the_way = replace(denied, blocked_by=(Layer.RESOURCE,))

    assert layer_parts(waits, denied) == ("[?]", "depends", DEPENDS)
    assert layer_parts(waits, in_the_way) == ("[-]", "no allow", DENIED)
    assert layer_parts(waits, replace(denied, outcome=Outcome.ALLOWED))[1:] == ("no allow", QUIET)


def test_one_line_where_it_is_wide_and_two_where_it_is_high() -> None:
    allowed = decision(Outcome.ALLOWED)

    assert "\n" not in layer_line(SILENT, allowed).plain
    head, why = layer_block(SILENT, allowed).plain.split("\n")
    assert head.endswith("no allow")
    assert why == SILENT.why


def test_what_was_taken_for_granted_is_told_only_where_there_is_room() -> None:
    made = decision(Outcome.ALLOWED, assumptions=("aws:SecureTransport = true",))

    assert [row.plain for row in notes(made)] == []
    assert [row.plain for row in notes(made, long=True)] == ["Assumed: aws:SecureTransport = true"]


def test_a_key_that_the_condition_names_is_not_told_twice() -> None:
    leaf = ConditionLeaf("Bool", "aws:MultiFactorAuthPresent", ("true",))
    made = decision(Outcome.DEPENDS, depends_on=leaf, missing_context=("aws:MultiFactorAuthPresent", "aws:SourceIp"))

    assert [row.plain for row in notes(made)] == ["Not given: aws:SourceIp"]
