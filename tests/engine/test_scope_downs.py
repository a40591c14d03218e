"""Scope-downs of temporary credentials: each of them has to allow, whatever grants the request."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from iamtui.engine.decision import Layer, LayerState, Outcome
from iamtui.engine.evaluator import evaluate
from iamtui.engine.scenarios.scenario import ScenarioError, parse_scenario
from iamtui.engine.words.explanation import explain
from iamtui.engine.words.trace import trace

from .test_ignored_and_refused import ADMIN, ALICE, FEDERATED, ROLE, SESSION, A, ask, document, named, to

BUCKET = "arn:aws:s3:::b"
OBJECT = f"{BUCKET}/k"
ROOT = f"arn:aws:iam::{A}:root"


def allow(action: str, resource: str = "*", effect: str = "Allow") -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource}


def scoped(*documents: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": f"down {number}", "document": document(one)} for number, one in enumerate(documents, 1)]


READS, WRITES, THERE = allow("s3:Get*"), allow("s3:Put*"), allow("s3:*", OBJECT)


@pytest.mark.parametrize("principal", [SESSION, ROLE, FEDERATED, ALICE, ROOT])
def test_two_session_policies_are_a_union_and_two_scope_downs_an_intersection(principal: str) -> None:
    for first, second in permutations((READS, WRITES)):
        given = {"identity_policies": named(ADMIN), "session_policies": named(ADMIN)}
        if principal is not ROOT:
            union, _ = ask(principal, "s3:GetObject", OBJECT, **{**given, "session_policies": scoped(first, second)})
            assert union.outcome is Outcome.ALLOWED
        found, explanation = ask(principal, "s3:GetObject", OBJECT, **given, scope_down_policies=scoped(first, second))
        assert found.outcome is Outcome.IMPLICIT_DENY
        assert found.blocked_by == (Layer.SCOPE_DOWN,)
        assert "what stands in the way: scope-down policy" in explanation.paragraph
        assert [one.layer for one in explanation.suggestions] == [Layer.SCOPE_DOWN]
    found, _ = ask(principal, "s3:GetObject", OBJECT, **given, scope_down_policies=scoped(READS, THERE, allow("*")))
    assert found.outcome is Outcome.ALLOWED


@pytest.mark.parametrize("entry", [ALICE, SESSION, ROLE, "*", ROOT])
@pytest.mark.parametrize("principal", [ALICE, SESSION])
def test_no_resource_policy_lets_past_a_scope_down(principal: str, entry: str) -> None:
    given = {"identity_policies": named(ADMIN), "resource_policy": document(to({"AWS": entry}, OBJECT))}
    found, _ = ask(principal, "s3:GetObject", OBJECT, **given, scope_down_policies=scoped(WRITES))
    assert found.outcome is Outcome.IMPLICIT_DENY


def test_a_deny_in_one_of_them_denies() -> None:
    deny = {"Statement": [allow("*"), allow("s3:Get*", effect="Deny")]}
    policies = [{"name": "guard", "document": deny}, *scoped(allow("*"))]
    found, explanation = ask(
        SESSION, "s3:GetObject", OBJECT, identity_policies=named(ADMIN), scope_down_policies=policies
    )
    assert found.outcome is Outcome.EXPLICIT_DENY
    assert [(reason.layer, reason.kind) for reason in found.reasons] == [(Layer.SCOPE_DOWN, "explicit")]
    assert "guard / statement 2" in explanation.suggestions[0].change


def test_the_advice_names_the_policy_that_does_not_allow() -> None:
    made = {
        "request": {"principal": SESSION, "action": "s3:GetObject", "resource": OBJECT},
        "identity_policies": named(ADMIN),
        "scope_down_policies": scoped(allow("s3:*", f"{BUCKET}/other"), READS),
    }

    def change() -> str:
        scenario = parse_scenario(made)
        decision = evaluate(scenario.request, scenario.policies)
        traced = trace(scenario.request, scenario.policies)
        assert "scope-down policy" in next(one.why for one in traced if one.layer is Layer.SCOPE_DOWN)
        (suggestion,) = explain(decision, traced).suggestions
        return suggestion.change

    assert change().startswith(f"Add {OBJECT} to the Resource of down 1 / statement 1")
    made["scope_down_policies"] = scoped(allow("s3:*", f"{BUCKET}/other"), READS, WRITES)
    assert change() == "Allow s3:GetObject in each scope-down policy that lacks it: down 1, down 3."


def test_the_layer_is_listed_only_where_there_is_one() -> None:
    without, _ = ask(SESSION, "s3:GetObject", OBJECT, identity_policies=named(ADMIN))
    scoped_down, _ = ask(
        SESSION, "s3:GetObject", OBJECT, identity_policies=named(ADMIN), scope_down_policies=scoped(READS)
    )
    assert Layer.SCOPE_DOWN not in [report.layer for report in without.layers]
    (report,) = [report for report in scoped_down.layers if report.layer is Layer.SCOPE_DOWN]
    assert (report.state, report.why) == (LayerState.ALLOWS, "down 1 / statement 1 allows it.")


def test_a_user_whose_credentials_are_scoped_down_came_by_a_session_token() -> None:
    """IAM refuses those that were got without MFA, and STS gives no second session token."""
    given = {"identity_policies": named(ADMIN)}
    for action in ("iam:ListUsers", "sts:GetSessionToken"):
        assert ask(ALICE, action, "*", **given)[0].outcome is Outcome.ALLOWED
        found, _ = ask(ALICE, action, "*", **given, scope_down_policies=scoped(allow("*")))
        assert found.outcome is Outcome.IMPLICIT_DENY
        assert [reason.layer for reason in found.reasons] == [Layer.SERVICE_RULE]
    found, _ = ask(ALICE, "s3:GetObject", OBJECT, **given, scope_down_policies=scoped(allow("*")))
    assert "the caller uses temporary credentials, which alone can be scoped down" in found.assumptions


@pytest.mark.parametrize(
    ("request_", "policies", "says"),
    [
        ({"principal": ALICE, "credentials": "long_term"}, scoped(READS), "long-term credentials, expected temporary"),
        ({"principal": {"type": "Anonymous"}}, scoped(READS), "a caller without temporary credentials"),
        ({"principal": "ec2.amazonaws.com"}, scoped(READS), "a caller without temporary credentials"),
        ({"principal": SESSION}, scoped(READS, READS, READS, READS), "found 4 policies, expected 3 at most"),
        ({"principal": SESSION}, scoped(allow("s3:Get*", "arn:aws:s3:::" + "b" * 2000)), "expected 2,048 at most"),
    ],
)
def test_what_sts_would_not_take_is_refused(
    request_: dict[str, Any], policies: list[dict[str, Any]], says: str
) -> None:
    made = {"request": {"action": "s3:GetObject", "resource": OBJECT, **request_}, "scope_down_policies": policies}
    with pytest.raises(ScenarioError, match=says) as raised:
        parse_scenario(made)
    assert raised.value.path == "$.scope_down_policies"


def test_blanks_do_not_count_towards_the_size() -> None:
    text = '{"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"' + " " * 3000 + "}}"
    found, _ = ask(
        SESSION, "s3:GetObject", OBJECT, identity_policies=named(ADMIN), scope_down_policies=[{"document": text}]
    )
    assert found.outcome is Outcome.ALLOWED


def test_whether_credentials_may_be_scoped_down_is_not_known() -> None:
    for principal in (SESSION, ROLE, FEDERATED, ALICE, ROOT):
        for own in (named(ADMIN), []):
            found, _ = ask(principal, "sts:GetScopedCredentials", "*", identity_policies=own)
            assert found.outcome is Outcome.DEPENDS, principal
    made = {"principal": ALICE, "credentials": "long_term", "action": "sts:GetScopedCredentials", "resource": "*"}
    scenario = parse_scenario({"request": made, "identity_policies": named(ADMIN)})
    assert evaluate(scenario.request, scenario.policies).outcome is Outcome.IMPLICIT_DENY
