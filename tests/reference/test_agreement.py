"""The engine and the second evaluator agree on thousands of generated requests, strict and discover."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings

from tests.conformance.engine import decide
from tests.support.slow import blocks

from .agreement import disagreement, documents
from .catalogue_generator import make_catalogue_scenario
from .drawing import Json
from .evaluator import at_its_most_favourable, evaluate
from .fuzz import decision_on, main, report
from .generator import make_scenario, scenarios
from .log_group_generator import make_log_group_scenario
from .matching import as_list
from .open_questions import is_open
from .option_generator import SELDOM, make_option_scenario
from .rule_generator import TOPICS, make_rule_scenario, topic_of
from .set_generator import make_set_scenario

BLOCK = 50
BLOCK_OF_SETS = 10


@pytest.mark.parametrize("first", blocks(4000, BLOCK, slow=2000))
def test_seeded_requests(first: int) -> None:
    for seed in range(first, first + BLOCK):
        scenario = make_scenario(Random(seed))
        found = report(scenario)
        assert found is None, f"seed {seed}: {found}"


@pytest.mark.parametrize("first", blocks(1000, BLOCK_OF_SETS, slow=600))
def test_seeded_requests_about_sets(first: int) -> None:
    for seed in range(first, first + BLOCK_OF_SETS):
        found = report(make_set_scenario(Random(seed)))
        assert found is None, f"seed {seed}: {found}"


@pytest.mark.parametrize("first", blocks(1500, BLOCK))
def test_seeded_requests_about_rules_of_services(first: int) -> None:
    for seed in range(first, first + BLOCK):
        found = report(make_rule_scenario(Random(seed)))
        assert found is None, f"seed {seed}: {found}"


@pytest.mark.parametrize("first", blocks(500, BLOCK, slow=200))
def test_seeded_requests_about_log_groups(first: int) -> None:
    for seed in range(first, first + BLOCK):
        found = report(make_log_group_scenario(Random(seed)))
        assert found is None, f"seed {seed}: {found}"


@pytest.mark.parametrize("first", blocks(200, BLOCK_OF_SETS))
def test_seeded_requests_about_sets_of_any_service(first: int) -> None:
    for seed in range(first, first + BLOCK_OF_SETS):
        found = report(make_catalogue_scenario(Random(seed)))
        assert found is None, f"seed {seed}: {found}"


@pytest.mark.parametrize("first", blocks(1000, BLOCK))
def test_seeded_requests_with_an_option_that_seldom_matters(first: int) -> None:
    for seed in range(first, first + BLOCK):
        found = report(make_option_scenario(Random(seed)))
        assert found is None, f"seed {seed}: {found}"


@pytest.mark.slow
def test_options_that_seldom_matter_do_in_scenarios_made_for_them() -> None:
    changed: Counter[str] = Counter()
    for seed in range(1000):
        scenario = make_option_scenario(Random(seed))
        if decide(scenario)["decision"] != decide({**scenario, "options": {}})["decision"]:
            changed.update(list(scenario["options"]))
    for option in SELDOM:
        assert changed[option] > 5, changed


@pytest.mark.slow
def test_sets_reach_every_answer_and_are_seldom_too_many() -> None:
    answers: Counter[str] = Counter()
    for seed in range(1000):
        scenario = make_set_scenario(Random(seed))
        answers[decision_on(scenario)] += 1
        if at_its_most_favourable(scenario) == "allowed" and decision_on(scenario) != "allowed":
            answers["allowed only as long as each statement is about another resource"] += 1
    for decision in ("allowed", "explicitDeny", "implicitDeny"):
        assert answers[decision] > 100, answers
    assert answers["depends"] > 5, answers
    assert answers["allowed only as long as each statement is about another resource"] > 15, answers
    assert answers["too many kinds of resources"] < 20, answers


@pytest.mark.slow
def test_sets_of_any_service_reach_every_answer_and_are_seldom_too_many() -> None:
    answers: Counter[str] = Counter(decision_on(make_catalogue_scenario(Random(seed))) for seed in range(150))
    for decision in ("allowed", "explicitDeny", "implicitDeny"):
        assert answers[decision] > 20, answers
    assert answers["too many kinds of resources"] < 5, answers


@pytest.mark.slow
def test_requests_about_every_rule_are_allowed_and_denied() -> None:
    answers: Counter[tuple[str, str]] = Counter()
    for seed in range(1500):
        answers[topic_of(seed), decision_on(make_rule_scenario(Random(seed)))] += 1
    for topic in TOPICS:
        for decision in ("allowed", "explicitDeny", "implicitDeny"):
            assert answers[topic, decision] > 2, answers


@pytest.mark.slow
@given(scenarios())
@settings(max_examples=200, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_shrinkable_requests(scenario: Json) -> None:
    assume(not is_open(scenario))
    assert disagreement(scenario) is None, json.dumps(scenario)


@pytest.mark.slow
def test_generated_requests_reach_every_answer_and_layer() -> None:
    answers: Counter[str] = Counter()
    for seed in range(3500):
        scenario = make_scenario(Random(seed))
        verdict = evaluate(scenario)
        answers[f"{scenario.get('mode', 'strict')} {verdict.decision}"] += 1
        answers.update(f"blocked by {layer}" for layer in verdict.blocked_by)
        answers.update({f"policy of {layer}" for layer, _ in documents(scenario)})
    for mode in ("strict", "discover"):
        for decision in ("allowed", "explicitDeny", "implicitDeny"):
            assert answers[f"{mode} {decision}"] > 50, answers
    assert answers["discover depends"] > 50, answers
    for layer in (
        "identity",
        "resource",
        "boundary",
        "scp",
        "rcp",
        "vpc_endpoint",
        "scope_down",
        "block_public_access",
    ):
        assert answers[f"blocked by {layer}"] > 3, answers
    for layer in ("identity", "resource", "boundary", "session", "scope_down", "scp", "rcp", "vpc_endpoint"):
        assert answers[f"policy of {layer}"] > 100, answers


def test_open_questions_are_rare() -> None:
    assert sum(is_open(make_scenario(Random(seed))) for seed in range(1000)) < 120


@pytest.mark.slow
def test_the_long_run_can_be_started(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--requests", "40", "--sets", "8", "--seed", "900000"]) == 0
    printed = capsys.readouterr().out
    assert "requests strict allowed" in printed
    assert "0 differences" in printed


@pytest.mark.slow
def test_a_disagreement_is_reported_as_a_small_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against an engine that never denies explicitly, one Deny statement is left over."""

    def lenient(scenario: Json) -> Json:
        found = decide(scenario)
        return {**found, "decision": "implicitDeny"} if found["decision"] == "explicitDeny" else found

    monkeypatch.setattr("tests.reference.agreement.decide", lenient)
    reports = [report(make_scenario(Random(seed))) for seed in range(60)]
    first = next(text for text in reports if text is not None)
    sentence, scenario = first.split("\n", 1)
    assert "explicitDeny" in sentence
    assert sum(len(as_list(policy["document"]["Statement"])) for _, policy in documents(json.loads(scenario))) == 1
