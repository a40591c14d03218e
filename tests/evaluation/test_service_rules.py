"""What AWS decides above the policies: partitions, kinds of credentials, and rules of single services."""

from __future__ import annotations

from typing import Any

import pytest

from iamtui.evaluation.decision import Layer, LayerState, Outcome

from .test_ignored_and_refused import ADMIN, ALICE, FEDERATED, ROLE, SESSION, A, ask, document, named, to

CHINESE = f"arn:aws-cn:iam::{A}:user/alice"


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("sqs:SendMessage", f"arn:aws-cn:sqs:cn-north-1:{A}:q"),
        ("s3:GetObject", "arn:aws-us-gov:s3:::b/k"),
        ("iam:PassRole", f"arn:aws-cn:iam::{A}:role/app"),
        ("sts:AssumeRole", f"arn:aws-cn:iam::{A}:role/app"),
        ("sqs:SendMessage", f"arn:aws-c*:sqs:*:{A}:q"),
    ],
)
def test_credentials_of_another_partition_are_refused_by_a_service_rule(action: str, resource: str) -> None:
    everyone = document(to("*", "*"))
    decision, explanation = ask(ALICE, action, resource, identity_policies=named(ADMIN), resource_policy=everyone)
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert decision.blocked_by == ()
    assert [reason.layer for reason in decision.reasons] == [Layer.SERVICE_RULE]
    rule = next(report for report in decision.layers if report.layer is Layer.SERVICE_RULE)
    assert rule.why.startswith("Credentials of the partition aws are not accepted in aws-")
    assert explanation.suggestions == ()


def test_a_resource_of_the_own_partition_is_not_refused() -> None:
    for principal, partition in ((ALICE, "aws"), (ALICE, "*"), (ALICE, "aws*"), (CHINESE, "aws-cn")):
        queue = f"arn:{partition}:sqs:cn-north-1:{A}:q"
        decision, _ = ask(principal, "sqs:SendMessage", queue, identity_policies=named(ADMIN))
        assert decision.outcome is Outcome.ALLOWED


def test_a_resource_policy_cannot_let_in_another_partition() -> None:
    queue = f"arn:aws:sqs:us-east-1:{A}:q"
    for entry in (CHINESE, f"arn:aws-cn:iam::{A}:root", A, "*"):
        policy = document(to({"AWS": entry}, "*"))
        decision, _ = ask(CHINESE, "sqs:SendMessage", queue, identity_policies=named(ADMIN), resource_policy=policy)
        assert decision.outcome is Outcome.IMPLICIT_DENY
        assert Layer.SERVICE_RULE in [reason.layer for reason in decision.reasons]


ROOT = f"arn:aws:iam::{A}:root"
USER_ARN = f"arn:aws:iam::{A}:user/bob"
WITH_MFA = {"aws:MultiFactorAuthPresent": "true"}
WITHOUT_MFA = {"aws:MultiFactorAuthPresent": "false"}
TEMPORARY = {"credentials": "temporary"}


@pytest.mark.parametrize(
    ("principal", "action", "resource", "request_", "outcome"),
    [
        (ALICE, "iam:GetUser", USER_ARN, {"credentials": "long_term"}, Outcome.ALLOWED),
        (ALICE, "iam:GetUser", USER_ARN, {}, Outcome.ALLOWED),
        (ALICE, "iam:GetUser", USER_ARN, TEMPORARY, Outcome.IMPLICIT_DENY),
        (ALICE, "iam:GetUser", USER_ARN, {"context": WITHOUT_MFA}, Outcome.IMPLICIT_DENY),
        (ALICE, "iam:ListUsers", "*", TEMPORARY, Outcome.IMPLICIT_DENY),
        (ALICE, "iam:GetUser", USER_ARN, {**TEMPORARY, "context": WITHOUT_MFA}, Outcome.IMPLICIT_DENY),
        (ALICE, "iam:GetUser", USER_ARN, {**TEMPORARY, "context": WITH_MFA}, Outcome.ALLOWED),
        (ALICE, "iam:PassRole", f"arn:aws:iam::{A}:role/app", TEMPORARY, Outcome.ALLOWED),
        (ALICE, "sts:DecodeAuthorizationMessage", "*", {**TEMPORARY, "context": WITH_MFA}, Outcome.IMPLICIT_DENY),
        (ALICE, "sts:DecodeAuthorizationMessage", "*", {"credentials": "long_term"}, Outcome.ALLOWED),
        (ALICE, "sts:GetFederationToken", FEDERATED, {**TEMPORARY, "context": WITH_MFA}, Outcome.IMPLICIT_DENY),
        (ALICE, "sts:GetCallerIdentity", "*", TEMPORARY, Outcome.ALLOWED),
        (ALICE, "s3:GetObject", "arn:aws:s3:::b/k", TEMPORARY, Outcome.ALLOWED),
        (ROOT, "iam:GetUser", USER_ARN, TEMPORARY, Outcome.IMPLICIT_DENY),
        (ROOT, "iam:GetUser", USER_ARN, {**TEMPORARY, "context": {"aws:AssumedRoot": "true"}}, Outcome.ALLOWED),
        (FEDERATED, "iam:GetUser", USER_ARN, {"issuer": ALICE}, Outcome.IMPLICIT_DENY),
        (FEDERATED, "iam:GetUser", USER_ARN, {"issuer": ALICE, "context": WITH_MFA}, Outcome.IMPLICIT_DENY),
        (FEDERATED, "sts:DecodeAuthorizationMessage", "*", {"issuer": ALICE}, Outcome.IMPLICIT_DENY),
        (FEDERATED, "sts:GetCallerIdentity", "*", {"issuer": ALICE}, Outcome.ALLOWED),
        (FEDERATED, "s3:GetObject", "arn:aws:s3:::b/k", {"issuer": ALICE}, Outcome.ALLOWED),
        (SESSION, "sts:GetSessionToken", "*", {}, Outcome.IMPLICIT_DENY),
        (SESSION, "sts:GetFederationToken", FEDERATED, {}, Outcome.IMPLICIT_DENY),
        (SESSION, "iam:GetUser", USER_ARN, {}, Outcome.ALLOWED),
        (SESSION, "sts:DecodeAuthorizationMessage", "*", {}, Outcome.ALLOWED),
    ],
)
def test_calls_that_the_kind_of_credentials_is_refused(
    principal: str, action: str, resource: str, request_: dict[str, Any], outcome: Outcome
) -> None:
    session = named(ADMIN) if principal == FEDERATED else []
    decision, _ = ask(
        principal, action, resource, request=request_, identity_policies=named(ADMIN), session_policies=session
    )
    assert decision.outcome is outcome
    assert decision.blocked_by == ()
    assert [reason.layer for reason in decision.reasons] == ([] if outcome is Outcome.ALLOWED else [Layer.SERVICE_RULE])


def test_iam_with_a_session_token_depends_on_mfa_that_is_not_known() -> None:
    def asked(**more: Any) -> Any:
        return ask(ALICE, "iam:GetUser", USER_ARN, request={**TEMPORARY, **more}, mode="discover", **policies)[0]

    policies = {"identity_policies": named(ADMIN)}
    decision = asked()
    assert decision.outcome is Outcome.DEPENDS
    assert decision.missing_context == ("aws:MultiFactorAuthPresent",)
    rule = next(report for report in decision.layers if report.layer is Layer.SERVICE_RULE)
    assert (rule.state, "got without MFA" in rule.why) == (LayerState.SILENT, True)
    assert asked(context=WITH_MFA).outcome is Outcome.ALLOWED
    assert asked(known_absent=["aws:MultiFactorAuthPresent"]).outcome is Outcome.IMPLICIT_DENY
    assert asked(any_value=["aws:MultiFactorAuthPresent"]).outcome is Outcome.DEPENDS


def test_the_key_that_a_service_rule_lacks_is_named_in_strict_mode() -> None:
    decision, _ = ask(ALICE, "iam:GetUser", USER_ARN, request=TEMPORARY, identity_policies=named(ADMIN))
    assert decision.missing_context == ("aws:MultiFactorAuthPresent",)
    decision, _ = ask(
        ALICE, "iam:GetUser", USER_ARN, request={**TEMPORARY, "context": WITHOUT_MFA}, identity_policies=named(ADMIN)
    )
    assert decision.missing_context == ()


OIDC = f"arn:aws:iam::{A}:oidc-provider/token.actions.githubusercontent.com"
SAML = f"arn:aws:iam::{A}:saml-provider/Corp"
WITHOUT_SIGNATURE = [("sts:AssumeRoleWithWebIdentity", OIDC), ("sts:AssumeRoleWithSAML", SAML)]


@pytest.mark.parametrize("option", [False, True])
@pytest.mark.parametrize(("action", "provider"), WITHOUT_SIGNATURE)
def test_only_a_trust_policy_that_names_a_provider_lets_its_users_in(action: str, provider: str, option: bool) -> None:
    def outcome(statement: dict[str, Any]) -> Outcome:
        trust = document({"Effect": "Allow", "Action": action, **statement})
        caller = {"type": "Federated", "provider": provider}
        options = {"trust_aws_star_admits_everyone": option}
        return ask(caller, action, ROLE, resource_policy=trust, options=options)[0].outcome

    assert outcome({"Principal": {"Federated": provider}}) is Outcome.ALLOWED
    for nobody in ("*", {"AWS": "*"}, {"AWS": A}, {"Federated": "arn:aws:iam::111111111111:saml-provider/Other"}):
        assert outcome({"Principal": nobody}) is Outcome.IMPLICIT_DENY
    assert outcome({"NotPrincipal": {"AWS": ALICE}}) is Outcome.IMPLICIT_DENY


@pytest.mark.parametrize(("action", "provider"), WITHOUT_SIGNATURE)
def test_a_deny_for_everyone_hits_the_users_of_a_provider(action: str, provider: str) -> None:
    allow = {"Effect": "Allow", "Action": action, "Principal": {"Federated": provider}}
    trust = document(allow, {"Effect": "Deny", "Action": action, "Principal": "*"})
    decision, _ = ask({"type": "Federated", "provider": provider}, action, ROLE, resource_policy=trust)
    assert decision.outcome is Outcome.EXPLICIT_DENY


@pytest.mark.parametrize(("action", "provider"), WITHOUT_SIGNATURE)
def test_an_anonymous_caller_has_no_provider(action: str, provider: str) -> None:
    trust = document({"Effect": "Allow", "Action": action, "Principal": "*"})
    decision, _ = ask({"type": "Anonymous"}, action, ROLE, resource_policy=trust)
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert [reason.layer for reason in decision.reasons] == [Layer.SERVICE_RULE]
