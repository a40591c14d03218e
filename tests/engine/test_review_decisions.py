"""Decisions must not claim more than is known: unsafe denies, sets of resources, unknown roles, aliases."""

from __future__ import annotations

from typing import Any

import pytest

from iamtui.engine.condition_words import condition_of, depends_summary
from iamtui.engine.decision import Decision, Layer, Outcome, ResourceScope
from iamtui.engine.evaluator import evaluate
from iamtui.engine.scenarios.scenario import Scenario, parse_scenario
from iamtui.engine.words.trace import trace
from iamtui.policy.context import ConditionLeaf

ALICE = "arn:aws:iam::111111111111:user/alice"


def allow(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def scenario(
    *identity: dict[str, Any],
    principal: str = ALICE,
    action: str = "s3:GetObject",
    resource: str = "arn:aws:s3:::b/k",
    context: dict[str, Any] | None = None,
    mode: str = "strict",
    **layers: Any,
) -> Scenario:
    return parse_scenario(
        {
            "mode": mode,
            "request": {"principal": principal, "action": action, "resource": resource, "context": context or {}},
            "identity_policies": [{"name": "own", "document": document(*identity)}],
            **layers,
        }
    )


def decide(*identity: dict[str, Any], **more: Any) -> Decision:
    made = scenario(*identity, **more)
    return evaluate(made.request, made.policies, made.options)


UNKNOWN = {"StringSame": {"aws:username": "alice"}}


@pytest.mark.parametrize("mode", ["strict", "discover"])
@pytest.mark.parametrize("where", ["identity", "resource", "boundary", "session", "scp", "rcp", "vpc_endpoint"])
def test_a_deny_with_an_unknown_operator_leaves_the_answer_open(mode: str, where: str) -> None:
    """AWS does not document what such a Deny does, so nothing may be called allowed that it may deny."""
    everyone: dict[str, Any] = {"Principal": "*"} if where in ("resource", "rcp", "vpc_endpoint") else {}
    odd = deny("s3:*", Condition=UNKNOWN, Sid="Odd", **everyone)
    policies = [{"name": "p", "document": document(allow("s3:*", **everyone), odd)}]
    layers: dict[str, Any] = {
        "identity": {},
        "resource": {"resource_policy": document(odd)},
        "boundary": {"permissions_boundaries": policies},
        "session": {"session_policies": policies},
        "scp": {"scps": [policies]},
        "rcp": {"rcps": [policies]},
        "vpc_endpoint": {"vpc_endpoint_policies": policies},
    }
    own = [allow("s3:*"), odd] if where == "identity" else [allow("s3:*")]
    caller = {"principal": "arn:aws:sts::111111111111:assumed-role/r/s"} if where == "session" else {}
    decision = decide(*own, mode=mode, **caller, **layers[where])
    assert decision.outcome is Outcome.DEPENDS
    leaf = decision.depends_on
    assert isinstance(leaf, ConditionLeaf)
    assert (leaf.op, leaf.key, leaf.holds, leaf.source and leaf.source.layer) == (
        "StringSame",
        "aws:username",
        False,
        where,
    )
    # No value of the key settles it, so it is not asked for.
    assert "aws:username" not in decision.missing_context
    words = "the condition StringSame aws:username alice, whose operator AWS does not have, is not met"
    assert condition_of(decision) == words
    assert depends_summary(leaf) == "the unknown condition operator StringSame"
    assert any("Odd" in report.why for report in decision.layers)


def test_a_deny_with_an_unknown_operator_does_not_change_what_is_denied_anyway() -> None:
    odd = deny("s3:*", Condition=UNKNOWN)
    assert decide(odd).outcome is Outcome.IMPLICIT_DENY
    denied = decide(allow("s3:*"), odd, deny("s3:*"))
    assert denied.outcome is Outcome.EXPLICIT_DENY
    assert not any("StringSame" in note for note in denied.notes)


@pytest.mark.parametrize("operator", ["Resource", "NullIfExists", "ForSomeValues:StringEquals", "stringequal"])
def test_every_operator_that_aws_lacks_is_unknown(operator: str) -> None:
    decision = decide(allow("s3:*"), deny("s3:*", Condition={operator: {"aws:username": "alice"}}))
    assert decision.outcome is Outcome.DEPENDS
    said = f"the condition {operator} aws:username alice, whose operator AWS does not have, is not met"
    assert condition_of(decision) == said


@pytest.mark.parametrize(
    "statement",
    [
        deny("s3:*", "arn:aws:s3:::other/*", Condition={"StringSame": {"aws:username": "alice"}}),
        deny("sqs:*", Condition={"StringSame": {"aws:username": "alice"}}),
        deny("s3:*", Condition={"StringSame": {"aws:username": "alice"}, "StringEquals": {"aws:username": "bob"}}),
        allow("s3:*", Condition={"StringSame": {"aws:username": "alice"}}),
    ],
)
def test_an_unknown_operator_that_does_not_matter_is_not_raised(statement: dict[str, Any]) -> None:
    decision = decide(allow("s3:*"), statement)
    assert decision.outcome is Outcome.ALLOWED
    assert not any("StringSame" in note for note in decision.notes)


def test_a_star_of_an_unknown_kind_reaches_nobody_in_the_decision_and_in_the_trace() -> None:
    odd = allow("*", Principal={"*": "*"})
    made = scenario(allow("s3:*"), vpc_endpoint_policies=[{"name": "v", "document": document(odd)}])
    assert evaluate(made.request, made.policies).outcome is Outcome.IMPLICIT_DENY
    (traced,) = [layer for layer in trace(made.request, made.policies) if layer.layer is Layer.VPC_ENDPOINT]
    assert [(statement.matched, traced.state) for statement in traced.statements] == [(False, "silent")]


def test_the_role_behind_a_session_is_said_to_be_taken_without_a_path() -> None:
    session = "arn:aws:sts::111111111111:assumed-role/deep/s"
    said = "the role has no path: aws:PrincipalArn = arn:aws:iam::111111111111:role/deep"
    assert said in decide(allow("s3:*"), principal=session).assumptions
    known = {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/a/deep"}
    assert said not in decide(allow("s3:*"), principal=session, context=known).assumptions
    assert said not in decide(allow("s3:*"), principal="arn:aws:iam::111111111111:role/deep").assumptions


def test_of_many_denies_that_cannot_be_compared_the_first_are_named_and_the_others_counted() -> None:
    odd = {"Bool": {"aws:SecureTransport": "no"}}
    context = {"aws:SecureTransport": "true"}
    decision = decide(allow("s3:*"), *(deny("s3:*", Condition=odd) for _ in range(1999)), context=context)
    assert [note.partition(" has for ")[0] for note in decision.notes[:5]] == [
        f"The Deny statement {number} of own" for number in range(2, 7)
    ]
    assert decision.notes[5:] == ("The same holds for 1,994 more Denies.",)


def test_long_names_of_an_unknown_operator_and_its_statement_are_cut() -> None:
    odd = "x" * 3000
    decision = decide(allow("s3:*"), deny("s3:*", Sid=odd, Condition={odd: {"aws:username": "x"}}))
    assert len(condition_of(decision)) < 600
    assert max(len(report.why) for report in decision.layers) < 600


WITHIN = "arn:aws:s3:::b/*"


def boundary(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"permissions_boundaries": [{"name": "edge", "document": document(*statements)}]}


def test_where_a_cap_limits_a_set_only_what_is_allowed_as_a_whole_is_listed() -> None:
    limited = boundary(allow("s3:*", "arn:aws:s3:::b/public/*"))
    decision = decide(allow("s3:*", WITHIN), resource=WITHIN, **limited)
    assert decision.outcome is Outcome.ALLOWED
    assert decision.resource_scope is ResourceScope.SOME
    assert decision.allowed_resources == ("arn:aws:s3:::b/public/*",)
    for entry in decision.allowed_resources:
        assert decide(allow("s3:*", WITHIN), resource=entry, **limited).resource_scope is ResourceScope.ALL
    two = decide(
        allow("s3:*", "arn:aws:s3:::b/x/*"), allow("s3:*", "arn:aws:s3:::b/y/*"), deny("s3:*", "arn:aws:s3:::b/y/*"),
        resource=WITHIN,
    )  # fmt: skip
    assert two.allowed_resources == ("arn:aws:s3:::b/x/*",)


def test_where_a_set_is_allowed_is_not_where_only_a_condition_would_allow_it() -> None:
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    decision = decide(
        allow("s3:*", "arn:aws:s3:::b/x/*"), allow("s3:*", "arn:aws:s3:::b/y/*", Condition=mfa),
        resource=WITHIN, mode="discover",
    )  # fmt: skip
    assert (decision.outcome, decision.resource_scope) == (Outcome.ALLOWED, ResourceScope.SOME)
    assert decision.allowed_resources == ("arn:aws:s3:::b/x/*",)


@pytest.mark.parametrize(
    ("identity", "layers", "starts"),
    [
        ((allow("s3:*", WITHIN), deny("s3:*", "arn:aws:s3:::b/secret/*")), {},
         "Not allowed on arn:aws:s3:::b/secret/*: "),
        ((allow("s3:*", "arn:aws:s3:::b/x*"),), boundary(allow("s3:*", "arn:aws:s3:::b/*y")),
         "Not all of these resources are allowed: boundary"),
    ],
)  # fmt: skip
def test_what_is_listed_without_being_allowed_as_a_whole_says_so(
    identity: tuple[dict[str, Any], ...], layers: dict[str, Any], starts: str
) -> None:
    decision = decide(*identity, resource=WITHIN, **layers)
    assert decision.outcome is Outcome.ALLOWED
    assert decision.resource_scope is ResourceScope.SOME
    assert [note for note in decision.notes if note.startswith(starts)]


@pytest.mark.parametrize("mode", ["strict", "discover"])
def test_a_set_of_which_no_part_is_let_through_is_denied_and_said_to_be(mode: str) -> None:
    granted = "arn:aws:s3:::b/x*"
    elsewhere = boundary(allow("s3:*", "arn:aws:s3:::b/y*"))
    decision = decide(allow("s3:*", granted), resource=WITHIN, mode=mode, **elsewhere)
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert decision.blocked_by == (Layer.BOUNDARY,)
    assert decision.request.resource == WITHIN
    assert f"{NOT_LET_THROUGH}: {granted}." in decision.notes


NOT_LET_THROUGH = (
    "What is granted of these resources is not let through, each part because of a Deny or of a policy that does not "
    "allow it"
)


@pytest.mark.parametrize(
    ("identity", "layers"),
    [
        ((deny("s3:*", "arn:aws:s3:::b/a?*"), deny("s3:*", "arn:aws:s3:::b/a")), {}),
        ((deny("s3:*", "arn:aws:s3:::b/aa*"),), boundary(allow("s3:*", "arn:aws:s3:::b/aa*"))),
        ((), {"scps": [[{"name": "scp", "document": document(allow("s3:*", "arn:aws:s3:::b/b*"))}]]}),
        ((), {"session_policies": [{"name": "passed", "document": document(allow("s3:*", "arn:aws:s3:::b/b*"))}]}),
    ],
    ids=["Denies", "a Deny and a cap", "an SCP", "a session policy"],
)
def test_what_is_said_of_the_parts_of_a_set_holds_for_denies_and_for_caps(
    identity: tuple[dict[str, Any], ...], layers: dict[str, Any]
) -> None:
    caller = "arn:aws:sts::111111111111:assumed-role/reader/s"
    decision = decide(allow("s3:*", "arn:aws:s3:::b/a*"), *identity, principal=caller, resource=WITHIN, **layers)
    assert decision.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY)
    assert f"{NOT_LET_THROUGH}: arn:aws:s3:::b/a*." in decision.notes


def test_only_parts_that_are_allowed_at_all_are_listed() -> None:
    decision = decide(
        allow("s3:*", "arn:aws:s3:::b/x*"), allow("s3:*", "arn:aws:s3:::b/z*"), resource=WITHIN,
        **boundary(allow("s3:*", "arn:aws:s3:::b/y*"), allow("s3:*", "arn:aws:s3:::b/*z")),
    )  # fmt: skip
    assert decision.outcome is Outcome.ALLOWED
    assert decision.allowed_resources == ("arn:aws:s3:::b/x*", "arn:aws:s3:::b/z*")
    decision = decide(
        allow("s3:*", "arn:aws:s3:::b/x/?"), allow("s3:*", "arn:aws:s3:::b/z*"), resource=WITHIN,
        **boundary(allow("s3:*", "arn:aws:s3:::b/y*"), allow("s3:*", "arn:aws:s3:::b/*/*/z")),
    )  # fmt: skip
    assert decision.allowed_resources == ("arn:aws:s3:::b/z*",)


def test_a_variable_that_may_cover_a_set_is_another_condition_than_one_that_shares_with_it() -> None:
    entry = "arn:aws:s3:::b/${aws:PrincipalTag/t}*"
    open_tag = decide(allow("s3:*", entry), resource=WITHIN, mode="discover")
    assert open_tag.outcome is Outcome.DEPENDS
    assert open_tag.resource_scope is ResourceScope.SOME
    both = (allow("s3:*", entry), deny("s3:*", f"{entry}/*"))
    assert decide(*both, resource=WITHIN, mode="discover").outcome is Outcome.DEPENDS
    assert decide(*both, resource=WITHIN, context={"aws:PrincipalTag/t": "x"}).outcome is Outcome.ALLOWED
    same = (allow("s3:*", entry), deny("s3:*", entry))
    assert decide(*same, resource=WITHIN, mode="discover").outcome is Outcome.IMPLICIT_DENY
    for tag in ("x", ""):
        assert decide(*same, resource=WITHIN, context={"aws:PrincipalTag/t": tag}).outcome is Outcome.EXPLICIT_DENY


def test_that_a_free_session_token_rests_on_long_term_credentials_is_said() -> None:
    said = "the caller uses long-term credentials"
    asked = {"principal": ALICE, "action": "sts:GetSessionToken", "resource": "*"}
    for credentials, outcome, expected in (
        (None, Outcome.ALLOWED, True),
        ("long_term", Outcome.ALLOWED, False),
        ("temporary", Outcome.IMPLICIT_DENY, False),
    ):
        made = parse_scenario({"request": {**asked, "credentials": credentials}})
        decision = evaluate(made.request, made.policies)
        assert decision.outcome is outcome
        assert (said in decision.assumptions) is expected
