"""Points that AWS's documentation leaves open, read the other way: how far each reaches."""

from __future__ import annotations

from typing import Any

import pytest

from iamtui.engine.decision import Decision, Layer, LayerState, Outcome
from iamtui.engine.evaluator import read_all_layers, with_undocumented_behaviour
from iamtui.engine.scenarios.scenario import parse_scenario
from iamtui.engine.words.trace import trace

SESSION = "arn:aws:sts::111111111111:assumed-role/app/s1"
OBJECT = "arn:aws:s3:::b/k"
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
OWN = [{"name": "own", "document": {"Version": "2012-10-17", "Statement": ALL}}]


def policy(name: str, *statements: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "document": {"Version": "2012-10-17", "Statement": list(statements)}}


def on(resource: str, effect: str = "Allow", element: str = "Resource", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "s3:*", element: resource, **more}


def ask(resource: str = OBJECT, *, option: str = "", mode: str = "strict", **given: Any) -> Decision:
    request = {"principal": SESSION, "action": "s3:GetObject", "resource": resource, **given.pop("request", {})}
    options = {option: False} if option else {}
    made = parse_scenario({"mode": mode, "request": request, "identity_policies": OWN, "options": options, **given})
    return with_undocumented_behaviour(read_all_layers(made.request, made.policies, made.options))


EACH = "one_session_policy_is_enough"


@pytest.mark.parametrize(
    ("policies", "together", "each"),
    [
        ([policy("a", ALL), policy("b", ALL)], Outcome.ALLOWED, Outcome.ALLOWED),
        ([policy("a", ALL), policy("b", on(OBJECT, Action="ec2:*"))], Outcome.ALLOWED, Outcome.IMPLICIT_DENY),
        ([policy("a", ALL), policy("b", ALL, on(OBJECT, "Deny"))], Outcome.EXPLICIT_DENY, Outcome.EXPLICIT_DENY),
        ([policy("a", ALL), policy("b", on(OBJECT, "Deny"))], Outcome.EXPLICIT_DENY, Outcome.EXPLICIT_DENY),
        ([policy("a", ALL)], Outcome.ALLOWED, Outcome.ALLOWED),
        ([], Outcome.ALLOWED, Outcome.ALLOWED),
    ],
)
def test_each_session_policy_has_to_allow_where_one_is_not_enough(
    policies: list[dict[str, Any]], together: Outcome, each: Outcome
) -> None:
    decision = ask(session_policies=policies)
    assert decision.outcome is together
    assert any(f"(option {EACH})" in note for note in decision.notes) is (together is not each)
    decision = ask(session_policies=policies, option=EACH)
    assert decision.outcome is each
    assert any(f"(option {EACH})" in note for note in decision.notes) is (together is not each)


def test_a_session_policy_that_does_not_allow_is_said_beside_one_that_does() -> None:
    decision = ask(session_policies=[policy("a", ALL), policy("b", on("arn:aws:s3:::c/*"))], option=EACH)
    (report,) = (report for report in decision.layers if report.layer is Layer.SESSION)
    assert (report.state, report.why) == (LayerState.SILENT, "Not each of the session policies allows it.")
    assert [(reason.layer, reason.kind) for reason in decision.reasons] == [(Layer.SESSION, "implicit")]


def test_what_one_session_policy_waits_for_is_waited_for_where_another_allows() -> None:
    waiting = on(OBJECT, Condition={"StringEquals": {"aws:RequestedRegion": "eu-central-1"}})
    policies = [policy("a", ALL), policy("b", waiting)]
    assert ask(session_policies=policies, mode="discover").outcome is Outcome.ALLOWED
    decision = ask(session_policies=policies, mode="discover", option=EACH)
    assert decision.outcome is Outcome.DEPENDS
    assert decision.missing_context == ("aws:RequestedRegion",)
    (report,) = (report for report in decision.layers if report.layer is Layer.SESSION)
    assert report.why == "b / statement 1 allows it only under conditions."


def test_session_policies_that_share_no_resource_of_a_set_allow_none_of_it() -> None:
    policies = [policy("a", on("arn:aws:s3:::b/x*")), policy("b", on("arn:aws:s3:::b/y*"))]
    assert ask("arn:aws:s3:::b/*", session_policies=policies).outcome is Outcome.ALLOWED
    assert ask("arn:aws:s3:::b/*", session_policies=policies, option=EACH).outcome is Outcome.IMPLICIT_DENY
    shared = [policy("a", on("arn:aws:s3:::b/x*")), policy("b", on("arn:aws:s3:::b/*y"))]
    assert ask("arn:aws:s3:::b/*", session_policies=shared, option=EACH).outcome is Outcome.ALLOWED


NEGATED = "for_all_negated_holds_when_absent"


@pytest.mark.parametrize(
    ("operator", "key", "matters"),
    [
        ("ForAllValues:StringNotLike", "aws:TagKeys", True),
        ("ForAllValues:ArnNotEquals", "aws:SourceArn", True),
        ("ForAllValues:StringNotLike", "aws:PrincipalArn", False),
        ("ForAllValues:StringNotLikeIfExists", "aws:TagKeys", False),
        ("ForAllValues:StringLike", "aws:TagKeys", False),
        ("StringNotLike", "aws:TagKeys", False),
    ],
)
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_for_all_values_with_a_negated_operator_on_an_absent_key(
    operator: str, key: str, matters: bool, effect: str
) -> None:
    condition = {operator: {key: "arn:aws:s3:::" if "Arn" in operator else "x"}}
    given = {"identity_policies": [policy("own", *([ALL] * (effect == "Deny")), on("*", effect, Condition=condition))]}
    holds = operator != "ForAllValues:StringLike" or key != "aws:PrincipalArn"
    applied, ignored = (
        (Outcome.ALLOWED, Outcome.IMPLICIT_DENY) if effect == "Allow" else (Outcome.EXPLICIT_DENY, Outcome.ALLOWED)
    )
    decision = ask(**given)
    assert decision.outcome is (applied if holds else ignored)
    assert any(f"(option {NEGATED})" in note for note in decision.notes) is matters
    assert ask(**given, option=NEGATED).outcome is (ignored if matters else applied)


SHORT = "short_arns_match"


@pytest.mark.parametrize(
    ("layer", "statements", "outcome", "other"),
    [
        ("identity_policies", [on("arn:aws:s3")], Outcome.ALLOWED, Outcome.IMPLICIT_DENY),
        ("identity_policies", [on("arn:aws:s3:*")], Outcome.ALLOWED, Outcome.IMPLICIT_DENY),
        ("identity_policies", [on("arn:aws:sqs", element="NotResource")], Outcome.ALLOWED, Outcome.ALLOWED),
        ("identity_policies", [on("arn:aws:s3", element="NotResource")], Outcome.IMPLICIT_DENY, Outcome.ALLOWED),
        ("identity_policies", [ALL, on("arn:aws:s3", "Deny")], Outcome.EXPLICIT_DENY, Outcome.ALLOWED),
        ("session_policies", [on("arn:aws:s3")], Outcome.ALLOWED, Outcome.IMPLICIT_DENY),
        ("permissions_boundaries", [on("arn:aws:s3:*")], Outcome.ALLOWED, Outcome.IMPLICIT_DENY),
        ("scps", [ALL, on("arn:aws:s3:*", "Deny")], Outcome.EXPLICIT_DENY, Outcome.ALLOWED),
        ("scps", [ALL, on("arn:aws:s3", "Deny", "NotResource")], Outcome.ALLOWED, Outcome.EXPLICIT_DENY),
        ("scps", [on("arn:aws:s3")], Outcome.IMPLICIT_DENY, Outcome.IMPLICIT_DENY),
        ("rcps", [on("arn:aws:s3:*", "Deny", Principal="*")], Outcome.ALLOWED, Outcome.ALLOWED),
        ("vpc_endpoint_policies", [on("arn:aws:s3:*")], Outcome.ALLOWED, Outcome.IMPLICIT_DENY),
        ("identity_policies", [on("*"), on("arn:aws:s3")], Outcome.ALLOWED, Outcome.ALLOWED),
        ("identity_policies", [on("arn:aws:s3:::*")], Outcome.ALLOWED, Outcome.ALLOWED),
    ],
)
def test_a_short_arn_matches_as_its_kind_of_policy_reads_it_or_nothing(
    layer: str, statements: list[dict[str, Any]], outcome: Outcome, other: Outcome
) -> None:
    policies: list[Any] = [policy("p", *statements)]
    given = {layer: [policies] if layer in ("scps", "rcps") else policies}
    decision = ask(**given)
    assert decision.outcome is outcome
    assert any(f"(option {SHORT})" in note for note in decision.notes) is (outcome is not other)
    assert ask(**given, option=SHORT).outcome is other


def test_the_trace_follows_the_options() -> None:
    condition = {"ForAllValues:StringNotLike": {"aws:TagKeys": "x"}}
    scenario = {
        "request": {"principal": SESSION, "action": "s3:GetObject", "resource": OBJECT},
        "identity_policies": [policy("p", on("arn:aws:s3"), on("*", Condition=condition))],
    }
    for options, matched in (({}, [True, True]), ({SHORT: False}, [False, True]), ({NEGATED: False}, [True, False])):
        made = parse_scenario({**scenario, "options": options})
        identity = trace(made.request, made.policies, made.options)[0]
        assert [statement.matched for statement in identity.statements] == matched
