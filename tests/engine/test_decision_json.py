"""The JSON form of a decision."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iamtui.engine.decision import (
    Decision,
    Layer,
    LayerReport,
    LayerState,
    Outcome,
    Reason,
    ResourceScope,
    StatementRef,
)
from iamtui.engine.request import Principal, PrincipalKind, Request, principal_from_text
from iamtui.engine.scenarios.scenario import parse_scenario
from iamtui.engine.words.decision_json import (
    decision_schema,
    decision_to_json,
    derived_context,
    formula_to_json,
    request_to_json,
)
from iamtui.policy.context import And, ConditionLeaf, MissingLeaf, Or, SessionLeaf, Source
from iamtui.presentation.styled_words import to_ascii_json

USER = Principal(PrincipalKind.USER, "arn:aws:iam::111111111111:user/alice", "111111111111")
REQUEST = Request(USER, "s3:GetObject", "arn:aws:s3:::b/k", context={"aws:TagKeys": ("a", "b"), "x:y": ("1",)})
ALLOWING = StatementRef(Layer.IDENTITY, "Allow", "p", "Read", 0, (3, 9))
DENYING = StatementRef(Layer.SCP, "Deny", "arn:p", None, 2, None, level=1, undetermined=True)
SOURCE = Source("identity", "p", 0, "Allow")


def decision() -> Decision:
    return Decision(
        request=REQUEST,
        outcome=Outcome.EXPLICIT_DENY,
        layers=(LayerReport(Layer.SCP, LayerState.DENIES, "A statement denies."),),
        blocked_by=(Layer.SCP,),
        reasons=(Reason(Layer.SCP, "explicit", 1, "ou-prod", (DENYING,)),),
        matched=(ALLOWING, DENYING),
        resource_scope=ResourceScope.SOME,
        allowed_resources=("arn:aws:s3:::logs/*",),
        example_resource="arn:aws:s3:::logs/x",
        missing_context=("aws:SourceIp",),
        assumptions=("aws:SecureTransport = true",),
        notes=("One.",),
    )


def test_every_key_of_the_contract_in_its_order() -> None:
    assert decision_to_json(decision(), id="x") == {
        "id": "x",
        "request": request_to_json(REQUEST),
        "decision": "explicitDeny",
        "layers": [{"layer": "scp", "state": "denies", "why": "A statement denies."}],
        "blocked_by": ["scp"],
        "reasons": [
            {
                "layer": "scp",
                "kind": "explicit",
                "level": 1,
                "level_name": "ou-prod",
                "statements": [{"policy": "arn:p", "sid": None, "statement": 2, "lines": None}],
            }
        ],
        "matched": [
            {
                "effect": "Allow",
                "layer": "identity",
                "policy": "p",
                "sid": "Read",
                "statement": 0,
                "lines": [3, 9],
            },
            {
                "effect": "Deny",
                "layer": "scp",
                "policy": "arn:p",
                "sid": None,
                "statement": 2,
                "lines": None,
                "level": 1,
                "undetermined": True,
            },
        ],
        "resource_scope": "some",
        "allowed_resources": ["arn:aws:s3:::logs/*"],
        "denied_resources": [],
        "example_resource": "arn:aws:s3:::logs/x",
        "depends_on": None,
        "missing_context": ["aws:SourceIp"],
        "derived_context": derived_context(REQUEST),
        "assumptions": ["aws:SecureTransport = true"],
        "notes": ["One."],
    }


def test_trace_is_there_only_when_given() -> None:
    assert "trace" not in decision_to_json(decision())
    assert decision_to_json(decision(), trace=[{"layer": "scp"}])["trace"] == [{"layer": "scp"}]


def test_formula() -> None:
    leaf = ConditionLeaf("Bool", "aws:MultiFactorAuthPresent", ("true",), source=SOURCE)
    session = SessionLeaf("s1", holds=False)
    missing = MissingLeaf("arn:aws:iam::aws:policy/X", "iam:GetPolicyVersion")
    source = {"layer": "identity", "policy": "p", "statement": 0, "effect": "Allow"}
    assert formula_to_json(And((leaf, Or((session, missing))))) == {
        "and": [
            {
                "op": "Bool",
                "key": "aws:MultiFactorAuthPresent",
                "values": ["true"],
                "holds": True,
                "source": source,
            },
            {
                "or": [
                    {"session": "s1", "holds": False, "source": None},
                    {
                        "missing": "arn:aws:iam::aws:policy/X",
                        "permission": "iam:GetPolicyVersion",
                        "holds": True,
                        "source": None,
                    },
                ]
            },
        ]
    }


@pytest.mark.parametrize(
    "principal",
    [
        "arn:aws:iam::111111111111:user/alice",
        "arn:aws:iam::111111111111:root",
        "arn:aws:sts::111111111111:assumed-role/app/s",
        "ec2.amazonaws.com",
        {"type": "Anonymous"},
        {"type": "Federated", "provider": "accounts.google.com"},
    ],
)
def test_a_request_can_be_read_back(principal: object) -> None:
    given: dict[str, Any] = {
        "principal": principal,
        "credentials": None,
        "issuer": None,
        "action": "s3:GetObject",
        "resource": "*",
        "resource_account": "222222222222",
        "context": {"aws:TagKeys": ["a", "b"], "aws:SourceIp": "203.0.113.9", "x:y": []},
        "known_absent": ["aws:SourceVpc"],
        "any_value": ["aws:SourceAccount"],
        "wildcard_only_action": True,
    }
    request = parse_scenario({"request": given}).request
    written = request_to_json(request)
    assert parse_scenario({"request": written}).request == request
    assert {**written, "credentials": None} == given


def test_printed_json_is_printable_ascii() -> None:
    hostile = "\x1b]52;c;x\x07 \x7f \u202e \ud800 \U0001f600 \x85"
    text = to_ascii_json({hostile: [hostile]}, indent=2)
    assert all(c == "\n" or 0x20 <= ord(c) < 0x7F for c in text)
    assert json.loads(text) == {hostile: [hostile]}


def test_schema_names_the_keys_that_are_written() -> None:
    schema = decision_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert set(schema["required"]) == set(decision_to_json(decision()))
    assert set(schema["properties"]) == {
        *schema["required"], "trace", "deciding", "companions", "never_asked", "cached"
    }  # fmt: skip
    matched = schema["properties"]["matched"]["items"]
    assert set(matched["properties"]) == set(decision_to_json(decision())["matched"][1])


def test_what_follows_from_caller_and_account_is_shown_apart_from_what_was_given() -> None:
    request = Request(
        principal_from_text("arn:aws:iam::111111111111:user/alice"),
        "s3:GetObject",
        "*",
        context={"AWS:UserName": ("bob",)},
        derived=({"aws:principaltag/team": ("blue",)}, {"aws:principaltag/team": ("weak",), "aws:list": ("a", "b")}),
    )
    derived = derived_context(request)
    assert derived["aws:principaltag/team"] == "blue"
    assert derived["aws:list"] == ["a", "b"]
    assert derived["aws:principaltype"] == "User"
    assert "aws:username" not in derived
