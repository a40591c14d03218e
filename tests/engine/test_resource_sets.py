"""What a decision about a set of resources says besides yes and no, and what it may cost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import structs

from iamtui.engine.decision import Decision, Layer, LayerState, Outcome, ResourceScope
from iamtui.engine.evaluator import evaluate, read_all_layers
from iamtui.engine.representatives import told_apart
from iamtui.engine.request import MissingPolicy, NotEvaluated
from iamtui.engine.scenarios.scenario import Scenario, parse_scenario
from iamtui.engine.words.decision_json import decision_to_json
from iamtui.engine.words.explanation import Explanation, explain
from iamtui.engine.words.trace import trace, trace_to_json
from iamtui.policy.context import And, ConditionLeaf
from tests.conformance.cases import ALLOW_ALL, Json, cases, named

BUCKETS = "arn:aws:s3:::"
SET = f"{BUCKETS}*"


def allow(*names: str, **more: Any) -> Json:
    return {"Effect": "Allow", "Action": "s3:*", "Resource": [BUCKETS + name for name in names], **more}


def deny(*names: str, **more: Any) -> Json:
    return {"Effect": "Deny", "Action": "s3:*", "Resource": [BUCKETS + name for name in names], **more}


def deny_others(*names: str) -> Json:
    return {"Effect": "Deny", "Action": "s3:*", "NotResource": [BUCKETS + name for name in names]}


def scenario(*identity: Json, resource: str = SET, mode: str = "strict", **layers: Any) -> Scenario:
    request = {"principal": "arn:aws:iam::111111111111:user/alice", "action": "s3:GetObject", "resource": resource}
    policies = {"identity_policies": named("own", *identity), **layers}
    return parse_scenario({"mode": mode, "request": request, **policies})


def decided(*identity: Json, **more: Any) -> Decision:
    made = scenario(*identity, **more)
    return evaluate(made.request, made.policies, made.options)


def explained(*identity: Json, **more: Any) -> Explanation:
    made = scenario(*identity, **more)
    decision = evaluate(made.request, made.policies, made.options)
    return explain(decision, trace(made.request, made.policies, made.options))


def test_the_example_has_no_empty_folder() -> None:
    assert decided(allow("b/*/secret"), deny("c/*")).example_resource == f"{BUCKETS}b/example/secret"
    alone = allow("b//secret", "b/*/?")
    assert decided(alone, deny("c/*"), resource=f"{BUCKETS}b//s*").example_resource == f"{BUCKETS}b//secret"


def test_a_trust_policy_of_another_account_is_not_taken_for_granted() -> None:
    def assumptions(account: str) -> str:
        request = {"principal": "arn:aws:iam::111111111111:user/alice", "action": "sts:AssumeRole"}
        request["resource"] = f"arn:aws:iam::{account}:role/*"
        made = parse_scenario({"request": request, "identity_policies": named("own", ALLOW_ALL)})
        return " ".join(evaluate(made.request, made.policies, made.options).assumptions)

    assert "trust policy lets the caller in" in assumptions("111111111111")
    assert "trust policy lets the caller in" not in assumptions("222222222222")


def test_an_allowed_set_says_which_of_its_resources_no_policy_can_allow() -> None:
    request = {"principal": "arn:aws:iam::111111111111:user/alice", "action": "iam:DeleteRole", "resource": "*"}
    made = parse_scenario({"request": request, "identity_policies": named("own", ALLOW_ALL)})
    reserved, service_linked = evaluate(made.request, made.policies, made.options).notes
    assert reserved.startswith("Not on all of these: Roles under /aws-reserved/ belong to IAM Identity Center")
    assert service_linked.startswith("Not on all of these: Service-linked roles can be changed and deleted by the AWS")


def test_every_deny_that_takes_a_part_out_is_named_in_the_order_of_the_policy() -> None:
    halves = (ALLOW_ALL, deny_others("a*"), deny("a*"))
    decision = decided(*halves)
    (reason,) = decision.reasons
    assert (reason.layer, reason.kind) == (Layer.IDENTITY, "explicit")
    assert [ref.statement for ref in reason.statements] == [1, 2]
    assert "Each of these resources is denied, though not all of them by one statement." in decision.notes
    assert [suggestion.layer for suggestion in explained(*halves).suggestions] == [Layer.IDENTITY, Layer.IDENTITY]


def test_every_layer_that_stands_in_the_way_of_a_part_is_named() -> None:
    layers = {
        "permissions_boundaries": named("boundary", allow("b*", "c*")),
        "scps": [named("scp", ALLOW_ALL, deny("b*"))],
    }
    decision = decided(allow("a*", "b*"), **layers)
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert decision.blocked_by == (Layer.BOUNDARY, Layer.SCP)
    assert [(reason.layer, reason.kind) for reason in decision.reasons] == [
        (Layer.BOUNDARY, "implicit"),
        (Layer.SCP, "explicit"),
    ]
    reports = {report.layer: report for report in decision.layers}
    assert reports[Layer.BOUNDARY].state is LayerState.SILENT
    assert reports[Layer.BOUNDARY].why == "Allows only some of what is granted."
    assert reports[Layer.SCP].state is LayerState.DENIES
    assert reports[Layer.IDENTITY].state is LayerState.ALLOWS
    assert [one.layer for one in explained(allow("a*", "b*"), **layers).suggestions] == [Layer.BOUNDARY, Layer.SCP]


def test_an_allow_of_a_cap_about_other_resources_is_a_near_miss() -> None:
    layers = {"permissions_boundaries": named("boundary", allow("a??d", Sid="Let"))}
    (suggestion,) = explained(allow("a?c"), **layers).suggestions
    assert suggestion.change.startswith(f"Add {SET} to the Resource of boundary / Let;")


def test_a_cap_that_is_certain_of_some_of_a_denied_set_and_open_for_others_says_so() -> None:
    others = {"Effect": "Allow", "Action": "*", "NotResource": f"{BUCKETS}b/${{aws:PrincipalTag/team}}"}
    caps = {"permissions_boundaries": named("cap", others), "scps": [named("scp", allow("z/*"))]}
    decision = decided(allow("b/k", "q/k"), mode="discover", **caps)
    assert decision.outcome is Outcome.IMPLICIT_DENY
    (boundary,) = (report for report in decision.layers if report.layer is Layer.BOUNDARY)
    assert boundary.why == "cap / statement 1 allows all of it only under conditions."


def test_levels_that_let_different_parts_through_say_so() -> None:
    levels = [named("one", allow("a*")), named("two", allow("b*"))]
    decision = decided(allow("a*", "b*"), scps=levels)
    assert decision.outcome is Outcome.IMPLICIT_DENY
    (report,) = (report for report in decision.layers if report.layer is Layer.SCP)
    assert report.why == "The SCPs at level 0 allow only some of what is granted."
    assert [(reason.layer, reason.level) for reason in decision.reasons] == [(Layer.SCP, 0), (Layer.SCP, 1)]


def test_what_depends_lists_no_entry_of_which_nothing_is_left() -> None:
    unknown = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}
    decision = decided(allow("a*"), allow("b*", Condition=unknown), deny("a*"), mode="discover")
    assert decision.outcome is Outcome.DEPENDS
    assert decision.allowed_resources == (f"{BUCKETS}b*",)
    assert decision.denied_resources == (f"{BUCKETS}a*",)


@pytest.mark.slow
def test_of_thousands_of_denies_and_entries_the_first_are_named_and_the_others_counted() -> None:
    names = [f"n{number:04}/*" for number in range(2000)]
    first = ", ".join(BUCKETS + name for name in names[:5])
    each = decided(allow(*names), *(deny(name) for name in names[:1999]))
    assert each.outcome is Outcome.ALLOWED
    assert each.notes == (
        *(f"Not allowed on {BUCKETS}{name}: own / statement {at} (identity) denies it."
          for at, name in enumerate(names[:5], start=2)),
        "1,994 more Denies take out, or may take out, some of these resources.",
        f"Allowed for at least one resource of the set asked about, for example {BUCKETS}n1999/x.",
    )  # fmt: skip
    assert len(each.denied_resources) == 1999
    together = decided(ALLOW_ALL, deny(*names))
    assert f"Not allowed on {first} and 1,995 more: own / statement 2 (identity) denies it." in together.notes
    spared = decided(ALLOW_ALL, deny_others(*names))
    assert f"Not allowed on all but {first} and 1,995 more: own / statement 2 (identity) denies it." in spared.notes
    paragraph = explained(allow("*", Condition={"Bool": {"aws:x": "true"}}), allow("*"), deny(*names)).paragraph
    assert paragraph.endswith(f"not on {first} and 1,995 more.")
    limited = decided(allow(*names), permissions_boundaries=named("boundary", allow("o*")))
    assert limited.notes[0].endswith(f"does not allow it: {first} and 1,995 more.")


@pytest.mark.parametrize("odd", ["x" * 3000, "x\x1b]0;y\x07"], ids=["long", "hostile"])
def test_what_policies_say_is_cut_and_made_safe_in_notes(odd: str) -> None:
    for decision in (
        decided(ALLOW_ALL, deny(f"{odd}*", Sid=odd)),
        decided(ALLOW_ALL, deny_others(f"{odd}*")),
        decided(allow(f"{odd}*"), permissions_boundaries=named("boundary", allow("o*"))),
    ):
        (said,) = (note for note in decision.notes if note.startswith(("Not allowed on", "What is granted")))
        assert BUCKETS + "x" in said
        assert len(said) < 600
        assert said.isprintable()


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in cases("resource_sets")])
def test_no_resource_is_made_up_in_an_answer(case: Json) -> None:
    """Resources that speak for a set are made of characters for private use where any other would do."""
    made = parse_scenario(case["scenario"])
    decision = evaluate(made.request, made.policies, made.options)
    traced = trace(made.request, made.policies, made.options)
    shown = json.dumps([decision_to_json(decision), trace_to_json(traced)], ensure_ascii=False)
    shown += repr(explain(decision, traced))
    assert not [character for character in shown if "\ue000" <= character <= "\uf8ff"]
    written = json.dumps(case["scenario"]).replace("${aws:username}", "alice")
    assert all(one in written for one in (*decision.allowed_resources, *decision.denied_resources))


FAR = (deny("*a" + "?" * 40, "*b" + "?" * 41), deny_others("*a" + "?" * 40, "*b" + "?" * 41))
"""They leave nothing, but to read that off the patterns takes remembering forty characters of a name."""


@pytest.mark.parametrize("mode", ["strict", "discover"])
def test_what_takes_too_long_to_tell_is_left_open_and_said(mode: str) -> None:
    decision = decided(ALLOW_ALL, *FAR, mode=mode)
    assert decision.outcome is Outcome.DEPENDS
    assert decision.depends_on == ConditionLeaf("Resource", "", (SET,))
    assert [note for note in decision.notes if note.startswith("The patterns of these policies overlap in too many")]
    assert "allow some resource of" in explained(ALLOW_ALL, *FAR, mode=mode).paragraph
    nothing = decided(allow("a*"), *FAR, deny("*"), mode=mode)
    assert nothing.outcome is Outcome.EXPLICIT_DENY


def test_one_resource_that_is_found_settles_patterns_that_take_too_long_to_tell_apart() -> None:
    assert decided(ALLOW_ALL, FAR[0]).outcome is Outcome.ALLOWED


@pytest.mark.parametrize("count", [100, 2000])
def test_thousands_of_entries_are_told_apart_in_a_few_steps_for_each_character(count: int) -> None:
    names = [f"bucket-{number * 7919 % 100_003}/*" for number in range(count)]
    made = scenario(allow(*names), permissions_boundaries=named("boundary", allow(*(f"x{name}" for name in names))))
    reading = read_all_layers(made.request, made.policies)
    assert reading.outcome is Outcome.IMPLICIT_DENY
    for denied_too in (False, True):
        found = told_apart(reading, denied_too=denied_too)
        assert found.complete
        assert found.steps <= 4 * sum(map(len, names))


def test_a_set_in_which_no_resource_of_aws_can_be_is_denied() -> None:
    for resource in ("arn:*:s3:::", "arn:aws:sqs:*:*:b/*", "arn:aws:s3:::b*c?"):
        decision = decided(ALLOW_ALL, deny("a*"), resource=resource)
        is_empty = resource != "arn:aws:s3:::b*c?"
        assert decision.allowed is not is_empty
        if is_empty:
            assert decision.outcome is Outcome.IMPLICIT_DENY
            assert [reason.layer for reason in decision.reasons] == [Layer.SERVICE_RULE]


def test_documents_that_are_not_known_keep_their_say() -> None:
    lost = MissingPolicy("lost", "iam:GetPolicyVersion")
    for statements, outcome in (
        ((deny("a*"),), Outcome.DEPENDS),
        ((deny("a*"), deny_others("a*")), Outcome.IMPLICIT_DENY),
    ):
        made = scenario(*statements)
        assert not isinstance(made.policies.identity, NotEvaluated)
        policies = structs.replace(made.policies, identity=(*made.policies.identity, lost))
        assert evaluate(made.request, policies, made.options).outcome is outcome
    made = scenario(ALLOW_ALL, deny("a*"))
    policies = structs.replace(made.policies, boundaries=(lost,))
    assert isinstance(evaluate(made.request, policies, made.options).depends_on, And)


KEYS = "arn:aws:kms:us-east-1:111111111111:key/"


@pytest.mark.parametrize("condition", [{}, {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}])
@pytest.mark.parametrize(
    ("own", "key_policy", "principal", "where"),
    [
        (["abc*"], ["*"], "111111111111", ["abc*"]),
        (["*"], ["abc*"], "111111111111", ["abc*"]),
        (["abc*", "x*"], ["ab*"], "111111111111", ["abc*"]),
        (["a*"], ["*b"], "111111111111", ["a*", "*b"]),
        (["abc*"], ["x*"], "arn:aws:iam::111111111111:user/alice", ["x*"]),
    ],
)
def test_an_allowed_set_of_keys_is_what_both_policies_grant(
    own: list[str], key_policy: list[str], principal: str, where: list[str], condition: Json
) -> None:
    identity = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": [KEYS + name for name in own]}
    of_key = {"Effect": "Allow", "Action": "kms:*", "Resource": [KEYS + name for name in key_policy]}
    request = {"principal": "arn:aws:iam::111111111111:user/alice", "action": "kms:Decrypt", "resource": f"{KEYS}*"}
    asked = parse_scenario(
        {
            "mode": "discover" if condition else "strict",
            "request": request,
            "identity_policies": named("own", {**identity, "Condition": condition}),
            "resource_policy": {"Statement": {**of_key, "Principal": {"AWS": principal}}},
        }
    )
    decision = evaluate(asked.request, asked.policies, asked.options)
    assert decision.allowed_resources == tuple(KEYS + name for name in where)
    not_all = "Not all of these resources are allowed: only those that both policies name."
    assert (not_all in decision.notes) == (len(where) > 1)


@pytest.mark.parametrize(("resource", "outcome"), [("*", Outcome.ALLOWED), ("app*", Outcome.EXPLICIT_DENY)])
def test_rcps_spare_the_service_linked_roles_of_a_set_and_no_others(resource: str, outcome: Outcome) -> None:
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "*"}]}
    rcp = {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"}
    roles = f"arn:aws:iam::111111111111:role/{resource}"
    request = {"principal": "lambda.amazonaws.com", "action": "sts:AssumeRole", "resource": roles}
    made = parse_scenario({"request": request, "resource_policy": trust, "rcps": [named("rcp", rcp)]})
    decision = evaluate(made.request, made.policies, made.options)
    assert decision.outcome is outcome
    if outcome is Outcome.ALLOWED:
        assert str(decision.example_resource).startswith("arn:aws:iam::111111111111:role/aws-service-role/")
        assert not str(decision.example_resource).endswith("/")
        assert decision.resource_scope is not ResourceScope.ALL


def test_the_example_is_of_an_account_with_twelve_digits() -> None:
    request = {"principal": "cloudtrail.amazonaws.com", "action": "lambda:InvokeFunction"}
    request["resource"] = "arn:aws:lambda:us-east-1:*111111111:function:f"
    policy = {"Statement": {"Effect": "Allow", "Action": "*", "Principal": {"Service": request["principal"]}}}
    made = parse_scenario({"request": request, "resource_policy": policy})
    example = evaluate(made.request, made.policies, made.options).example_resource
    assert example == "arn:aws:lambda:us-east-1:111111111111:function:f"


@pytest.mark.parametrize(
    ("resource", "outcome"),
    [("arn:aws:kms:*:111111111111:alias/*", Outcome.ALLOWED), ("*", Outcome.IMPLICIT_DENY)],
)
def test_an_alias_is_deleted_without_its_keys_policy_but_the_call_is_not_made_without(
    resource: str, outcome: Outcome
) -> None:
    own = {"Effect": "Allow", "Action": "kms:DeleteAlias", "Resource": "*"}
    request = {"principal": "arn:aws:iam::111111111111:user/alice", "action": "kms:DeleteAlias", "resource": resource}
    silent = {"Statement": {"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "kms:DeleteAlias"}}
    made = parse_scenario({"request": request, "identity_policies": named("own", own), "resource_policy": silent})
    decision = evaluate(made.request, made.policies, made.options)
    assert decision.outcome is outcome
    assert (":alias/" in str(decision.example_resource)) is (outcome is Outcome.ALLOWED)


def test_denies_that_cover_a_set_together_are_explicit_whatever_else_is_unknown() -> None:
    unknown = {**deny_others("a"), "Condition": {"NotIpAddressIfExists": {"aws:SourceIp": []}}}
    boundary = named("boundary", ALLOW_ALL, deny("b*?"))
    scps = [named("scp", ALLOW_ALL, deny_others("b*?"))]
    more = {"resource": f"{BUCKETS}*b", "mode": "discover", "permissions_boundaries": boundary, "scps": scps}
    assert decided(unknown, allow("*"), **more).outcome is Outcome.EXPLICIT_DENY


@pytest.mark.parametrize(("granted", "outcome"), [("b*", Outcome.IMPLICIT_DENY), ("*", Outcome.EXPLICIT_DENY)])
def test_a_gate_that_closes_a_part_of_what_is_granted_denies_the_set_implicitly(granted: str, outcome: Outcome) -> None:
    request = {"principal": "arn:aws:iam::222222222222:user/ext", "action": "s3:GetObject", "resource": SET}
    made = parse_scenario(
        {
            "request": {**request, "resource_account": "111111111111"},
            "identity_policies": named("own", allow("*")),
            "resource_policy": {"Statement": allow(granted, Principal="*")},
            "settings": {"s3": {"restrict_public_buckets": True}},
        }
    )
    assert evaluate(made.request, made.policies, made.options).outcome is outcome


def test_a_gate_denies_all_that_the_policy_of_a_bucket_grants_whatever_access_points_there_are() -> None:
    made = parse_scenario(
        {
            "request": {
                "principal": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be",
                "action": "s3:GetObject",
                "resource": "*",
                "resource_account": "111111111111",
            },
            "resource_policy": {"Statement": {"Effect": "Allow", "Action": "*", "Principal": {"AWS": "*"}}},
            "settings": {"s3": {"restrict_public_buckets": True}},
        }
    )
    assert evaluate(made.request, made.policies, made.options).outcome is Outcome.EXPLICIT_DENY


QUEUES = "arn:aws:sqs:*:111111111111:*"


@pytest.mark.parametrize(
    ("granted", "resource", "allowed_on"),
    [
        ("arn:aws:sqs:us-*:*:*", QUEUES, ""),
        ("*", "arn:aws:sqs:us-*:111111111111:*", ""),
        ("arn:aws:sqs:us-*:*:*", "*", ""),
        ("*", QUEUES, "arn:aws:sqs:eu-west-1:111111111111:x"),
        ("arn:aws:sqs:*-west-1:*:*", QUEUES, "arn:aws:sqs:eu-west-1:111111111111:x"),
    ],
)
def test_a_set_has_no_resource_of_another_region_than_that_of_the_request(
    granted: str, resource: str, allowed_on: str
) -> None:
    request = {
        "principal": "arn:aws:iam::111111111111:user/alice",
        "action": "sqs:SendMessage",
        "resource": resource,
        "context": {"AWS:requestedRegion": "eu-west-1"},
    }
    grant = {"Effect": "Allow", "Action": "sqs:*", "Resource": granted}
    made = parse_scenario({"mode": "strict", "request": request, "identity_policies": named("own", grant)})
    decision = evaluate(made.request, made.policies, made.options)
    assert decision.outcome is (Outcome.ALLOWED if allowed_on else Outcome.IMPLICIT_DENY)
    assert (decision.example_resource or "") == allowed_on
    assert not any(":us-" in text for text in decision.allowed_resources)
