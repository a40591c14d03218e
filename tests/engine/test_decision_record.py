"""What a Decision records besides the outcome: layers, reasons, scope, missing keys, notes; and the trace."""

from __future__ import annotations

from typing import Any

import pytest

from iamtui.engine.condition_words import depends_text
from iamtui.engine.decision import Decision, Layer, LayerState, Outcome, ResourceScope
from iamtui.engine.evaluator import _WHAT, evaluate, read_all_layers, with_undocumented_behaviour
from iamtui.engine.scenarios.scenario import OPTION_NAMES, Scenario, parse_scenario
from iamtui.engine.words.explanation import explain
from iamtui.engine.words.trace import trace, trace_to_json

ALICE = "arn:aws:iam::111111111111:user/alice"
OBJECT = "arn:aws:s3:::b1/k"


def document(*statements: dict[str, Any], version: str = "2012-10-17") -> dict[str, Any]:
    return {"Version": version, "Statement": list(statements)}


def allow(action: str = "*", resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str = "*", resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def when(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


def scenario(*identity: dict[str, Any], **more: Any) -> Scenario:
    request = {"principal": ALICE, "action": "s3:GetObject", "resource": OBJECT, **more.pop("request", {})}
    value: dict[str, Any] = {"request": request, **more}
    if identity:
        value["identity_policies"] = [{"name": "own", "document": document(*identity)}]
    return parse_scenario(value)


def decide(asked: Scenario) -> Decision:
    return evaluate(asked.request, asked.policies, asked.options)


def levels(*documents: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return [[{"name": f"scp{i}", "document": one}] for i, one in enumerate(documents)]


def state(decision: Decision, layer: Layer) -> LayerState:
    return next(report.state for report in decision.layers if report.layer is layer)


def test_every_layer_is_reported_once_with_one_sentence() -> None:
    decision = decide(scenario(allow()))
    assert [report.layer for report in decision.layers] == [layer for layer in Layer if layer is not Layer.SCOPE_DOWN]
    for report in decision.layers:
        assert report.why.endswith(".")
        assert "\n" not in report.why


@pytest.mark.parametrize(
    ("statements", "context", "expected"),
    [
        ([allow(**when("Bool", "aws:MultiFactorAuthPresent", "true"))], {}, ["aws:MultiFactorAuthPresent"]),
        ([allow(**when("Bool", "aws:MultiFactorAuthPresent", "true"))], {"aws:multifactorauthpresent": "false"}, []),
        ([allow(), allow(**when("Bool", "aws:MultiFactorAuthPresent", "true"))], {}, []),
        ([allow(), deny("ec2:*", **when("StringEquals", "aws:SourceVpc", "v"))], {}, []),
        ([allow(), deny("*", "arn:aws:s3:::other/*", **when("StringEquals", "aws:SourceVpc", "v"))], {}, []),
        ([allow(), deny(**when("StringNotEquals", "aws:SourceVpc", "v"))], {}, ["aws:SourceVpc"]),
        ([allow(), deny(), deny(**when("StringEquals", "aws:SourceVpc", "v"))], {}, []),
        ([allow("*", "arn:aws:s3:::${aws:PrincipalTag/Team}/*")], {}, ["aws:PrincipalTag/Team"]),
        ([allow(**when("StringEquals", "s3:prefix", "${aws:PrincipalTag/Team}"))], {},
         ["aws:PrincipalTag/Team", "s3:prefix"]),
        ([allow(Condition={"StringEquals": {"aws:username": "bob"}, "Bool": {"aws:SecureTransport": "true"}})], {}, []),
        ([], {}, []),
    ],
)  # fmt: skip
def test_missing_context_names_only_keys_that_matter(
    statements: list[dict[str, Any]], context: dict[str, str], expected: list[str]
) -> None:
    asked = scenario(*statements, request={"context": context})
    assert list(decide(asked).missing_context) == expected


def test_missing_context_reads_scps_too() -> None:
    region = deny(**when("StringNotEquals", "aws:RequestedRegion", "eu-west-1"))
    decision = decide(scenario(allow(), scps=levels(document(allow(), region))))
    assert decision.outcome is Outcome.EXPLICIT_DENY
    assert decision.missing_context == ("aws:RequestedRegion",)


def test_reasons_name_every_layer_that_does_not_pass() -> None:
    decision = decide(
        scenario(
            allow("s3:Put*"),
            permissions_boundaries=[{"name": "edge", "document": document(allow("ec2:*"))}],
            scps=levels(document(allow()), document(allow("ec2:*")), document(allow(), deny("s3:*"))),
        )
    )
    found = [(reason.layer, reason.kind, reason.level) for reason in decision.reasons]
    assert found == [
        (Layer.IDENTITY, "implicit", None),
        (Layer.BOUNDARY, "implicit", None),
        (Layer.SCP, "implicit", 1),
        (Layer.SCP, "explicit", 2),
    ]
    assert decision.reasons[3].statements[0].policy == "scp2"
    assert decision.reasons[3].statements[0].lines == (9, 13)


def test_lines_point_into_the_canonical_rendering() -> None:
    decision = decide(scenario(allow(), deny("s3:GetObject", "arn:aws:s3:::b1/*", Sid="No")))
    assert decision.deciding is not None
    assert (decision.deciding.sid, decision.deciding.lines) == ("No", (9, 14))


@pytest.mark.parametrize(
    ("statements", "resource", "scope", "where"),
    [
        ([allow()], "*", ResourceScope.ALL, ("*",)),
        ([allow("*", "arn:aws:s3:::b1/*")], "arn:aws:s3:::b1/a/*", ResourceScope.ALL, ("arn:aws:s3:::b1/a/*",)),
        ([allow("*", "arn:aws:s3:::b1/*")], "arn:aws:s3:::*", ResourceScope.SOME, ("arn:aws:s3:::b1/*",)),
        ([allow(), deny("*", "arn:aws:s3:::b1/secret/*")], "arn:aws:s3:::b1/*", ResourceScope.SOME,
         ("arn:aws:s3:::b1/*",)),
        ([allow()], OBJECT, ResourceScope.ONE, ()),
    ],
)  # fmt: skip
def test_allowed_on_a_set_says_where(
    statements: list[dict[str, Any]], resource: str, scope: ResourceScope, where: tuple[str, ...]
) -> None:
    decision = decide(scenario(*statements, request={"resource": resource}))
    assert decision.outcome is Outcome.ALLOWED
    assert (decision.resource_scope, decision.allowed_resources) == (scope, where)


def test_what_a_deny_takes_out_of_a_set_is_named() -> None:
    published = "arn:aws:s3:::b1/releases/*"
    asked = scenario(allow(), deny("*", published, Sid="OnlyPipelines"), request={"resource": "arn:aws:s3:::b1/*"})
    decision = decide(asked)
    assert decision.denied_resources == (published,)
    assert f"Not allowed on {published}: own / OnlyPipelines (identity) denies it." in decision.notes
    layers = trace(asked.request, asked.policies, asked.options)
    assert f"but only on some resources, not on {published}" in explain(decision, layers).paragraph
    elements = [e for layer in layers for s in layer.statements if s.effect == "Deny" for e in s.elements]
    assert any(e.note == "Takes some of the resources asked about out, not all of them." for e in elements)


def test_a_deny_of_all_but_some_leaves_those_as_where_a_set_is_allowed() -> None:
    spared = {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::b1/public/*"}
    decision = decide(scenario(allow(), spared, request={"resource": "arn:aws:s3:::b1/*"}))
    assert decision.outcome is Outcome.ALLOWED
    assert decision.allowed_resources == ("arn:aws:s3:::b1/public/*",)
    assert any("all but arn:aws:s3:::b1/public/*" in note for note in decision.notes)


def test_a_set_that_is_allowed_as_a_whole_is_not_said_to_be_allowed_in_part() -> None:
    decision = decide(scenario(allow(), request={"resource": "arn:aws:s3:::b1/*"}))
    assert decision.resource_scope is ResourceScope.ALL
    assert not any("at least one" in note for note in decision.notes)


def test_an_action_without_resource_type_says_that_the_arn_does_not_count() -> None:
    asked = scenario(allow("ec2:*"), request={"action": "ec2:DescribeInstances", "resource": OBJECT})
    decision = decide(asked)
    assert decision.outcome is Outcome.ALLOWED
    assert any("has no resource type" in note for note in decision.notes)


def test_an_unknown_action_is_said() -> None:
    decision = decide(scenario(allow(), request={"action": "s3:FrobnicateBucket"}))
    assert any("not in the catalogue" in note for note in decision.notes)


def test_open_points_are_named_where_the_decision_rests_on_them() -> None:
    federated = {
        "principal": "arn:aws:sts::111111111111:federated-user/f",
        "issuer": ALICE,
    }
    asked = scenario(allow(), request=federated)
    decision = with_undocumented_behaviour(read_all_layers(asked.request, asked.policies, asked.options))
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert any("deny_federated_without_session_policy" in note for note in decision.notes)
    plain = scenario(allow())
    assert with_undocumented_behaviour(read_all_layers(plain.request, plain.policies, plain.options)).notes == ()


@pytest.mark.parametrize(
    ("option", "asked"),
    [
        ("role_grant_limited_by_caps", {
            "request": {"principal": "arn:aws:sts::111111111111:assumed-role/app/s"},
            "permissions_boundaries": [{"name": "edge", "document": document(allow("ec2:*"))}],
            "resource_policy": document(allow(Principal={"AWS": "arn:aws:iam::111111111111:role/app"})),
        }),
        ("trailing_star_crosses_colons", {
            "request": {"action": "sns:Publish", "resource": "arn:aws:sns:us-east-1:111111111111:topic1"},
            "identity_policies": [{"name": "own", "document": document(allow("*", "arn:aws:sns:*:topic1"))}],
        }),
        ("compare_multivalued_keys", {
            "request": {"context": {"aws:CalledVia": ["a", "b"]}},
            "identity_policies": [
                {"name": "own", "document": document(allow(**when("StringEquals", "aws:CalledVia", "a")))}],
        }),
        ("one_session_policy_is_enough", {
            "request": {"principal": "arn:aws:sts::111111111111:assumed-role/app/s"},
            "identity_policies": [{"name": "own", "document": document(allow())}],
            "session_policies": [{"name": "one", "document": document(allow())},
                                 {"name": "other", "document": document(allow("ec2:*"))}],
        }),
        ("for_all_negated_holds_when_absent", {
            "request": {},
            "identity_policies": [{"name": "own", "document": document(
                allow(**when("ForAllValues:StringNotLike", "aws:TagKeys", "secret*")))}],
        }),
        ("short_arns_match", {
            "request": {},
            "identity_policies": [{"name": "own", "document": document(allow("*", "arn:aws:s3"))}],
        }),
        ("wildcards_in_substituted_values", {
            "request": {"context": {"aws:PrincipalTag/T": "b*"}},
            "identity_policies": [
                {"name": "own", "document": document(allow("*", "arn:aws:s3:::${aws:PrincipalTag/T}/k"))}],
        }),
        ("trust_aws_star_admits_everyone", {
            "request": {"principal": "lambda.amazonaws.com", "action": "sts:AssumeRole",
                        "resource": "arn:aws:iam::111111111111:role/r"},
            "resource_policy": document({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}),
        }),
        ("legacy_role_self_trust", {
            "request": {"principal": "arn:aws:iam::111111111111:role/r", "action": "sts:AssumeRole",
                        "resource": "arn:aws:iam::111111111111:role/r"},
            "identity_policies": [{"name": "own", "document": document(allow("sts:*"))}],
            "resource_policy": document(
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}),
        }),
    ],
)  # fmt: skip
def test_an_option_changes_what_it_says(option: str, asked: dict[str, Any]) -> None:
    request = {"principal": ALICE, "action": "s3:GetObject", "resource": OBJECT, **asked["request"]}
    default = parse_scenario({**asked, "request": request})
    other = parse_scenario({**asked, "request": request, "options": {option: not getattr(default.options, option)}})
    outcomes = {decide(default).outcome, decide(other).outcome}
    assert outcomes == {Outcome.ALLOWED, Outcome.IMPLICIT_DENY}
    decision = with_undocumented_behaviour(read_all_layers(default.request, default.policies, default.options))
    assert any(f"(option {option})" in note for note in decision.notes)


def test_every_option_has_words() -> None:
    assert set(OPTION_NAMES) == set(_WHAT)


def test_depends_reads_like_a_sentence() -> None:
    statement = allow(
        Condition={
            "Bool": {"aws:MultiFactorAuthPresent": "true"},
            "IpAddress": {"aws:SourceIp": "203.0.113.0/24"},
        }
    )
    decision = decide(scenario(statement, mode="discover"))
    assert decision.outcome is Outcome.DEPENDS
    assert decision.depends_on is not None
    assert depends_text(decision.depends_on) == (
        "aws:MultiFactorAuthPresent is true and aws:SourceIp is in 203.0.113.0/24"
    )
    assert decision.missing_context == ("aws:MultiFactorAuthPresent", "aws:SourceIp")


def test_the_trace_shows_the_value_seen_beside_the_value_wanted() -> None:
    asked = scenario(
        allow("s3:*", "arn:aws:s3:::b1/*", **when("StringEquals", "s3:prefix", "home/")),
        deny("ec2:*"),
        request={"context": {"s3:prefix": "tmp/"}},
    )
    layers = trace_to_json(trace(asked.request, asked.policies))
    identity = next(layer for layer in layers if layer["layer"] == "identity")
    first, second = identity["statements"]
    assert first["matched"] is False
    assert [(e["element"], e["matched"]) for e in first["elements"]] == [
        ("Action", True),
        ("Resource", True),
        ("Condition", False),
    ]
    assert first["elements"][2]["wanted"] == ["home/"]
    assert first["elements"][2]["seen"] == ["tmp/"]
    assert [(e["element"], e["matched"]) for e in second["elements"]] == [("Action", False)]


def test_the_explanation_names_what_blocks_and_offers_no_allow_for_a_deny() -> None:
    asked = scenario(allow(), deny("s3:*", Sid="Never"), scps=levels(document(allow("ec2:*"))))
    decision = decide(asked)
    explanation = explain(decision, trace(asked.request, asked.policies))
    assert "own / Never (lines 9 to 14)" in explanation.paragraph
    assert len(explanation.blockers) == 2
    assert "no Allow can override it" in explanation.suggestions[0].change
    assert explanation.suggestions[1].statement == {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": OBJECT,
    }


@pytest.mark.parametrize("granted", [True, False])
def test_a_suggested_statement_really_helps(granted: bool) -> None:
    asked = scenario(allow("s3:Put*"))
    explanation = explain(decide(asked), trace(asked.request, asked.policies))
    statement = explanation.suggestions[0].statement
    assert statement is not None
    after = scenario(allow("s3:Put*"), statement) if granted else scenario(statement)
    assert decide(after).outcome is Outcome.ALLOWED


def test_thousands_of_statements_are_read() -> None:
    many = [allow("s3:" + "a*" * 8 + "b", f"arn:aws:s3:::{'a*' * 8}{i}") for i in range(1800)]
    asked = scenario(*many, allow("s3:GetObject", OBJECT))
    assert decide(asked).outcome is Outcome.ALLOWED


def test_lone_surrogates_and_controls_are_ordinary_text() -> None:
    asked = scenario(
        allow("s3:GetObject", "arn:aws:s3:::b1/\ud800\x1b*"), request={"resource": "arn:aws:s3:::b1/\ud800\x1bx"}
    )
    decision = decide(asked)
    assert decision.outcome is Outcome.ALLOWED
    assert "\x1b" not in explain(decision).paragraph


def test_a_policy_of_2008_and_one_of_2012_do_not_share_a_condition() -> None:
    line = when("StringEquals", "aws:PrincipalTag/a", "${aws:PrincipalTag/b}")
    value = {
        "mode": "discover",
        "request": {"principal": ALICE, "action": "s3:GetObject", "resource": OBJECT},
        "identity_policies": [
            {"name": "new", "document": document(allow(**line))},
            {"name": "old", "document": document(deny(**line), version="2008-10-17")},
        ],
    }
    assert decide(parse_scenario(value)).outcome is Outcome.DEPENDS


def test_of_statements_that_allow_the_one_that_waits_for_something_decides() -> None:
    waits = {**allow("s3:GetObject"), "Principal": {"AWS": ALICE}, **when("Bool", "aws:MultiFactorAuthPresent", "true")}
    asked = scenario(
        allow(),
        request={"resource_account": "222222222222"},
        resource_policy=document({**waits, "Resource": OBJECT, "Sid": "WithMfa"}),
        mode="discover",
    )
    decision = decide(asked)
    assert decision.outcome is Outcome.DEPENDS
    assert decision.deciding is not None
    assert decision.deciding.sid == "WithMfa"


@pytest.mark.parametrize(
    ("operator", "words"),
    [
        ("StringNotEqualsIfExists", "aws:SourceOrgID is o-1"),
        ("StringEqualsIfExists", "aws:SourceOrgID is not o-1 and is present"),
        ("StringNotEquals", "aws:SourceOrgID is o-1"),
    ],
)
def test_that_a_key_is_present_is_said_only_where_its_value_does_not_say_it(operator: str, words: str) -> None:
    denied = deny(**when(operator, "aws:SourceOrgID", "o-1"))
    decision = decide(scenario(allow(), denied, mode="discover"))
    assert decision.depends_on is not None
    assert depends_text(decision.depends_on) == words


@pytest.mark.parametrize(
    ("action", "key", "given", "is_noted"),
    [
        ("s3:GetObject", "s3:prefix", "", True),
        ("s3:GetObject", "s3:prefix", "a", True),
        ("s3:GetObject", "s3:ExistingObjectTag/team", "", False),
        ("s3:GetObject", "aws:PrincipalTag/team", "", False),
        ("kms:Decrypt", "kms:EncryptionContext:app", "a", False),
        ("kms:Decrypt", "kms:KeyOrigin", "", False),
        ("sts:AssumeRoleWithWebIdentity", "token.actions.githubusercontent.com:sub", "", False),
    ],
)
def test_a_key_that_aws_does_not_list_for_the_action_is_noted(
    action: str, key: str, given: str, is_noted: bool
) -> None:
    resource = {"s3": OBJECT, "kms": "arn:aws:kms:eu-west-1:111111111111:key/k"}.get(action.partition(":")[0], "*")
    request = {"action": action, "resource": resource, "context": {key: given} if given else {}}
    notes = decide(scenario(allow(**when("StringEquals", key, "a")), request=request, mode="discover")).notes
    assert any(f"does not list {key} among the condition keys of {action}" in note for note in notes) is is_noted
