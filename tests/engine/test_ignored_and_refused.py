"""What decides besides the policies, or takes no part though it is given: said, and never counted as a grant."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Decision, Layer, LayerState, Outcome
from iamtui.engine.evaluator import evaluate, read_all_layers, with_undocumented_behaviour
from iamtui.engine.request import NamedPolicy
from iamtui.engine.scenarios.scenario import ScenarioError, parse_scenario
from iamtui.engine.words.explanation import Explanation, explain
from iamtui.engine.words.trace import trace
from iamtui.policy.document import PolicyDocument

A = "111111111111"
ALICE = f"arn:aws:iam::{A}:user/alice"
ROLE = f"arn:aws:iam::{A}:role/app"
SESSION = f"arn:aws:sts::{A}:assumed-role/app/s1"
FEDERATED = f"arn:aws:sts::{A}:federated-user/fed"
OBJECT = "arn:aws:s3:::b/k"
ADMIN = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def named(*statements: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": "p", "document": document(*statements)}]


def to(principal: Any, action: str = "s3:*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": "*", "Principal": principal, **more}


def ask(
    principal: Any, action: str = "s3:GetObject", resource: str = OBJECT, **more: Any
) -> tuple[Decision, Explanation]:
    request = {"principal": principal, "action": action, "resource": resource, **more.pop("request", {})}
    made = parse_scenario({"request": request, **more})
    decision = evaluate(made.request, made.policies, made.options)
    return decision, explain(decision, trace(made.request, made.policies, made.options))


@pytest.mark.parametrize("action", ["iam:PassRole", "iam:GetRole", "IAM:deleterole"])
def test_the_policy_of_a_role_is_said_to_have_no_say_in_managing_it(action: str) -> None:
    everyone = document(to("*", "*"), {**to("*", "*"), "Effect": "Deny"})
    decision, _ = ask(ALICE, action, ROLE, identity_policies=named(ADMIN), resource_policy=everyone)
    assert decision.outcome is Outcome.ALLOWED
    assert any("only governs who may assume it" in note for note in decision.notes)
    decision, _ = ask(ALICE, action, ROLE, resource_policy=document(to("*", "*")))
    assert decision.outcome is Outcome.IMPLICIT_DENY


def test_no_policy_opens_iam_to_another_account() -> None:
    foreign = "arn:aws:iam::222222222222:role/app"
    decision, explanation = ask(
        ALICE, "iam:PassRole", foreign, identity_policies=named(ADMIN), resource_policy=document(to("*", "iam:*"))
    )
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert explanation.blockers == ("IAM lets in only callers of the account that the resource belongs to.",)
    assert [suggestion.statement for suggestion in explanation.suggestions] == [None]
    assert explanation.suggestions[0].change.startswith("Ask from the account that the resource belongs to")


@pytest.mark.parametrize("action", ["sts:AssumeRole", "sts:TagSession", "sts:GetFederationToken"])
def test_a_call_that_must_be_signed_is_refused_to_an_anonymous_caller(action: str) -> None:
    decision, _ = ask({"type": "Anonymous"}, action, ROLE, resource_policy=document(to("*", "sts:*")))
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert [reason.layer for reason in decision.reasons] == [Layer.SERVICE_RULE]


@pytest.mark.parametrize("action", ["sts:GetSessionToken", "sts:GetFederationToken"])
def test_temporary_credentials_get_no_others_for_their_user(action: str) -> None:
    for credentials, outcome in (("temporary", Outcome.IMPLICIT_DENY), ("long_term", Outcome.ALLOWED)):
        decision, _ = ask(ALICE, action, "*", request={"credentials": credentials}, identity_policies=named(ADMIN))
        assert decision.outcome is outcome


@pytest.mark.parametrize(
    ("principal", "action", "entry", "said"),
    [
        (ALICE, "s3:GetObject", {"AWS": A}, True),
        (ALICE, "dynamodb:GetItem", {"AWS": f"arn:aws:iam::{A}:root"}, True),
        (ALICE, "s3:GetObject", "*", False),
        (ALICE, "sqs:SendMessage", {"AWS": A}, False),
        (f"arn:aws:iam::{A}:root", "s3:GetObject", {"AWS": A}, False),
    ],
)
def test_an_account_in_an_endpoint_policy_is_taken_for_that_of_an_interface_endpoint(
    principal: str, action: str, entry: Any, said: bool
) -> None:
    decision, _ = ask(
        principal, action, "*", identity_policies=named(ADMIN), vpc_endpoint_policies=named(to(entry, "*"))
    )
    assert decision.outcome is Outcome.ALLOWED
    assert any("interface endpoint" in assumption for assumption in decision.assumptions) is said


def test_why_notprincipal_hits_a_caller_that_it_lists_is_said() -> None:
    spared = {"Effect": "Deny", "NotPrincipal": {"AWS": [ALICE, A]}, "Action": "s3:*", "Resource": "*"}
    others = {**spared, "NotPrincipal": {"AWS": A}}
    for statement, said in ((spared, True), (others, False)):
        decision, _ = ask(
            ALICE,
            resource_policy=document(statement),
            identity_policies=named(ADMIN),
            permissions_boundaries=named(ADMIN),
        )
        assert decision.outcome is Outcome.EXPLICIT_DENY
        assert any("spares nobody who has a permissions boundary" in note for note in decision.notes) is said


@pytest.mark.parametrize(
    ("cap", "layer"), [("permissions_boundaries", Layer.BOUNDARY), ("session_policies", Layer.SESSION)]
)
def test_no_identity_policy_is_asked_for_where_the_resource_names_the_role(cap: str, layer: Layer) -> None:
    def layers_to_change(entry: str) -> list[Layer]:
        given: dict[str, Any] = {
            "request": {"resource_account": A},
            "resource_policy": document(to({"AWS": entry})),
            cap: named({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}),
        }
        return [suggestion.layer for suggestion in ask(SESSION, **given)[1].suggestions]

    assert layers_to_change(ROLE) == [layer]
    assert layers_to_change(A) == [Layer.IDENTITY, layer]


def test_what_a_federated_session_lacks_is_given_to_who_made_it() -> None:
    decision, explanation = ask(FEDERATED, request={"issuer": ALICE})
    assert "A federated-user session without session policies has no permissions from its issuer." in (
        explanation.blockers
    )
    changes = [suggestion.change for suggestion in explanation.suggestions]
    assert changes == [
        f"Allow s3:GetObject in an identity policy of {ALICE} that made this session.",
        "Allow s3:GetObject in a session policy passed to sts:GetFederationToken.",
    ]
    assert any(report.layer is Layer.SESSION and report.state is LayerState.SILENT for report in decision.layers)


def test_what_a_session_lacks_is_given_to_its_role() -> None:
    _, explanation = ask(SESSION)
    assert [suggestion.change for suggestion in explanation.suggestions] == [
        f"Allow s3:GetObject in an identity policy of {ROLE}."
    ]


def test_an_operator_that_aws_does_not_have_is_unknown_without_keys_too() -> None:
    for operator, outcome in (("StringSame", Outcome.IMPLICIT_DENY), ("StringEquals", Outcome.ALLOWED)):
        decision, _ = ask(ALICE, identity_policies=named({**ADMIN, "Condition": {operator: {}}}))
        assert decision.outcome is outcome
    refused = {**ADMIN, "Effect": "Deny", "Condition": {"StringSame": {}}}
    decision, _ = ask(ALICE, identity_policies=named(ADMIN, refused))
    assert decision.outcome is Outcome.DEPENDS
    assert condition_of(decision) == "the condition StringSame, whose operator AWS does not have, is not met"


def test_a_condition_that_is_null_does_not_hold_for_everyone() -> None:
    with pytest.raises(ScenarioError, match="Condition is an object, not null"):
        ask(ALICE, identity_policies=named({**ADMIN, "Condition": None}))


@pytest.mark.parametrize("needed", [False, True])
@pytest.mark.parametrize("where", ["resource_policy", "rcps", "vpc_endpoint_policies"])
def test_an_open_point_about_principals_is_read_the_same_way_in_every_policy(where: str, needed: bool) -> None:
    spares_alice = {"Effect": "Deny", "NotPrincipal": {"AWS": ALICE}, "Action": "*", "Resource": "*"}
    lets_all = to("*", "*")
    layers: dict[str, Any] = {
        "resource_policy": document(lets_all, spares_alice),
        "rcps": [named(lets_all, spares_alice)],
        "vpc_endpoint_policies": named(lets_all, spares_alice),
    }
    options = {"not_principal_root_required": needed}
    decision, _ = ask(ALICE, identity_policies=named(ADMIN), options=options, **{where: layers[where]})
    assert decision.outcome is (Outcome.EXPLICIT_DENY if needed else Outcome.ALLOWED)


@pytest.mark.parametrize("where", ["resource_policy", "vpc_endpoint_policies"])
def test_an_allow_with_not_principal_grants_only_as_an_open_point(where: str) -> None:
    outsiders = {"Effect": "Allow", "NotPrincipal": {"AWS": "222222222222"}, "Action": "*", "Resource": "*"}
    layers: dict[str, Any] = {
        "resource_policy": document(outsiders),
        "vpc_endpoint_policies": named(outsiders),
    }
    given = {} if where == "resource_policy" else {"identity_policies": named(ADMIN)}
    made = parse_scenario(
        {"request": {"principal": ALICE, "action": "s3:GetObject", "resource": OBJECT}, **given, where: layers[where]}
    )
    decision = with_undocumented_behaviour(read_all_layers(made.request, made.policies, made.options))
    assert decision.outcome is Outcome.ALLOWED
    assert any("(option not_principal_allow_grants)" in note for note in decision.notes)
    refused, _ = ask(ALICE, **given, options={"not_principal_allow_grants": False}, **{where: layers[where]})
    assert refused.outcome is Outcome.IMPLICIT_DENY
    listed = {**outsiders, "NotPrincipal": {"AWS": A}}
    assert ask(ALICE, resource_policy=document(listed))[0].outcome is Outcome.IMPLICIT_DENY


def test_a_denial_names_the_conditions_that_stay_when_what_denies_is_changed() -> None:
    mfa = {"aws:MultiFactorAuthPresent": "false"}
    without_mfa = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"BoolIfExists": mfa}}
    said = "With what stands in the way changed, it would still be allowed only if "
    decision, _ = ask(ALICE, mode="discover", identity_policies=named(without_mfa))
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert f"{said}aws:MultiFactorAuthPresent is true." in decision.notes
    given = {"context": {"aws:MultiFactorAuthPresent": "true"}}
    for more in ({"identity_policies": named(without_mfa, ADMIN)}, {"request": given}):
        decision, _ = ask(ALICE, mode="discover", **({"identity_policies": named(without_mfa)} | more))
        assert not any(note.startswith(said) for note in decision.notes)


CONDITIONS = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


REFUSED = {
    "Conditions": document({**ADMIN, "Conditions": CONDITIONS}),
    "condition": document({**ADMIN, "condition": CONDITIONS}),
    "Resources": document(ADMIN, {"Effect": "Deny", "Action": "s3:*", "Resources": "*"}),
    "Statements": {**document(ADMIN), "Statements": []},
    "version": {"version": "2012-10-17", "Statement": [ADMIN]},
    "2012-10-18": {"Version": "2012-10-18", "Statement": [ADMIN]},
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_document_that_aws_would_refuse_is_not_read(name: str) -> None:
    with pytest.raises(ScenarioError, match=rf"{name}") as raised:
        ask(ALICE, identity_policies=[{"name": "p", "document": REFUSED[name]}])
    assert raised.value.path.startswith("$.identity_policies[0].document")


@pytest.mark.parametrize("mode", ["strict", "discover"])
@pytest.mark.parametrize("name", REFUSED)
def test_an_answer_depends_on_a_document_that_aws_would_refuse(name: str, mode: str) -> None:
    made = parse_scenario(
        {
            "request": {"principal": ALICE, "action": "s3:GetObject", "resource": OBJECT},
            "mode": mode,
            "identity_policies": named(ADMIN),
        }
    )
    refused = NamedPolicy("q", PolicyDocument.of(REFUSED[name]))
    denied = NamedPolicy("r", PolicyDocument.of(document({**ADMIN, "Effect": "Deny"})))
    admin = made.policies.identity
    assert isinstance(admin, tuple)
    for identity, expected in (
        ((refused,), Outcome.DEPENDS),
        ((*admin, refused), Outcome.DEPENDS),
        ((*admin, refused, denied), Outcome.EXPLICIT_DENY),
        (admin, Outcome.ALLOWED),
    ):
        found = evaluate(made.request, structs.replace(made.policies, identity=identity), made.options)
        assert found.outcome is expected


def test_a_principal_in_a_policy_of_a_caller_is_ignored_and_said() -> None:
    for element in ("Principal", "NotPrincipal"):
        decision, _ = ask(ALICE, identity_policies=named({**ADMIN, element: {"AWS": "*"}}))
        assert decision.outcome is Outcome.ALLOWED
        assert decision.notes == (
            f"p / statement 1 has a {element}, which AWS would refuse in such a policy: it is read without it.",
        )
    elsewhere = {**ADMIN, "Action": "ec2:*", "Principal": "*"}
    assert ask(ALICE, identity_policies=named(ADMIN, elsewhere))[0].notes == ()


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "arn:aws:iam::111111111111:user/*"},
        {"AWS": "arn:aws:iam::111111111111:group/admins"},
        {"Service": "*"},
        {"Account": "111111111111"},
    ],
)
def test_a_principal_that_aws_does_not_have_matches_nobody_and_is_said(principal: dict[str, str]) -> None:
    barred = {"Effect": "Deny", "Principal": principal, "Action": "s3:*", "Resource": "*"}
    decision, _ = ask(ALICE, identity_policies=named(ADMIN), resource_policy=document(barred))
    assert decision.outcome is Outcome.ALLOWED
    value = next(iter(principal.values()))
    assert decision.notes == (
        f"resource_policy / statement 1 names {value}, which is not a principal of AWS: it matches nobody.",
    )
    real = {**barred, "Principal": {"AWS": "111111111111"}}
    assert ask(ALICE, identity_policies=named(ADMIN), resource_policy=document(real))[0].notes == ()


def test_of_much_that_aws_would_refuse_the_first_is_named_and_the_rest_counted() -> None:
    many = ({**ADMIN, "Principal": "*", "Sid": f"s{number}"} for number in range(30))
    decision, _ = ask(ALICE, identity_policies=named(*many))
    assert len(decision.notes) == 6
    assert decision.notes[5] == "AWS would refuse the Principal of 25 more statements, too."


_DENY = {"Effect": "Deny", "Action": "*", "Resource": "*"}
_NOT_COMPARED = "it is taken not to match, and that cannot be proved."


@pytest.mark.parametrize(
    ("condition", "context", "said"),
    [
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00"}}, {"aws:CurrentTime": "2027-01-01T00:00:00Z"},
         'has for aws:CurrentTime the value "2026-01-01T00:00:00", which DateGreaterThan cannot compare'),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, {"aws:CurrentTime": "2027-01-01T00:00:00"},
         'reads aws:CurrentTime, and the request has "2027-01-01T00:00:00", which DateGreaterThan cannot compare'),
        ({"Bool": {"aws:SecureTransport": "no"}}, {"aws:SecureTransport": "false"},
         'has for aws:SecureTransport the value "no", which Bool cannot compare'),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/33"}}, {"aws:SourceIp": "192.0.2.1"},
         'has for aws:SourceIp the value "10.0.0.0/33", which NotIpAddress cannot compare'),
        ({"Null": {"aws:SourceIp": "maybe"}}, {}, 'has for aws:SourceIp the value "maybe", which Null cannot compare'),
        ({"Bool": {"aws:SecureTransport": "no"}}, {}, ""),
        ({"Bool": {"aws:SecureTransport": "true"}}, {"aws:SecureTransport": "false"}, ""),
        ({"Bool": {"aws:SecureTransport": "no"}, "StringEquals": {"aws:username": "bob"}},
         {"aws:SecureTransport": "false"}, ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["identity_policies", "scps"])
def test_a_deny_that_cannot_be_compared_says_so(
    where: str, condition: dict[str, Any], context: dict[str, str], said: str
) -> None:
    given: dict[str, Any] = {"identity_policies": named(ADMIN)}
    statement = {**_DENY, "Condition": condition}
    given[where] = named(ADMIN, statement) if where == "identity_policies" else [named(ADMIN, statement)]
    decision, _ = ask(ALICE, request={"context": context}, **given)
    assert decision.outcome is Outcome.ALLOWED
    notes = [note for note in decision.notes if note.endswith(_NOT_COMPARED)]
    assert [note for note in notes if said in note] == notes
    assert bool(notes) is bool(said)


@pytest.mark.parametrize("where", ["resource_policy", "rcps"])
def test_a_deny_that_names_no_principal_says_so(where: str) -> None:
    def notes(*statements: dict[str, Any]) -> list[str]:
        policies = document(*statements) if where == "resource_policy" else [named(*statements)]
        decision, _ = ask(ALICE, identity_policies=named(ADMIN), **{where: policies})
        assert decision.outcome is Outcome.ALLOWED
        return [note for note in decision.notes if note.endswith(_NOT_COMPARED)]

    (note,) = notes(_DENY)
    assert note.startswith("The Deny statement 1 of ")
    assert "names no Principal" in note
    assert notes({**_DENY, "Action": "ec2:*"}) == []
    assert notes({**_DENY, "Resource": "arn:aws:s3:::other"}) == []
    assert notes({**_DENY, "Condition": {"StringEquals": {"aws:username": "bob"}}}) == []
    assert notes({**_DENY, "Principal": {"AWS": "222222222222"}}) == []
