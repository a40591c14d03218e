"""What AWS decides above the policies: partitions, kinds of credentials, and rules of single services."""

from __future__ import annotations

from typing import Any

import pytest

from iamtui.catalog import service_data
from iamtui.catalog.tables import UNSIGNED_REQUESTS
from iamtui.engine.decision import Layer, LayerState, Outcome, ResourceScope
from iamtui.policy.conditions import CompiledCondition
from iamtui.policy.context import CommonContext, ConditionLeaf, MissingLeaf, RequestContext, leaves
from iamtui.policy.document import ConditionLine
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS

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


def test_an_account_that_is_given_as_a_number_is_one_of_the_partition_asked_about() -> None:
    for partition in ("aws", "aws-cn"):
        decision, _ = ask(A, "sqs:SendMessage", f"arn:{partition}:sqs:cn-north-1:{A}:q")
        assert decision.outcome is Outcome.ALLOWED
        assert decision.request.principal.arn == f"arn:{partition}:iam::{A}:root"


def test_a_resource_policy_cannot_let_in_another_partition() -> None:
    queue = f"arn:aws:sqs:us-east-1:{A}:q"
    for entry in (CHINESE, f"arn:aws-cn:iam::{A}:root", A, "*"):
        policy = document(to({"AWS": entry}, "*"))
        decision, _ = ask(CHINESE, "sqs:SendMessage", queue, identity_policies=named(ADMIN), resource_policy=policy)
        assert decision.outcome is Outcome.IMPLICIT_DENY
        assert Layer.SERVICE_RULE in [reason.layer for reason in decision.reasons]


DOMAIN = f"arn:aws:es:us-east-1:{A}:domain/d"
LOG_GROUP = f"arn:aws:logs:us-east-1:{A}:log-group:g"
REPOSITORY = f"arn:aws:codeartifact:us-east-1:{A}:repository/dom/repo"
ROUTE53 = "route53.amazonaws.com"
STRANGER = "arn:aws:iam::222222222222:user/eve"


@pytest.mark.parametrize(
    ("principal", "action", "resource", "outcome"),
    [
        (ALICE, "es:ESHttpGet", f"{DOMAIN}/index", Outcome.ALLOWED),
        # The policy of a domain is not about its configuration, whatever it names.
        (ALICE, "es:DeleteDomain", DOMAIN, Outcome.IMPLICIT_DENY),
        (STRANGER, "es:DeleteDomain", DOMAIN, Outcome.IMPLICIT_DENY),
        (ROUTE53, "logs:PutLogEvents", f"{LOG_GROUP}:log-stream:s", Outcome.ALLOWED),
        # Those about log groups are in force for AWS services alone.
        (ALICE, "logs:PutLogEvents", f"{LOG_GROUP}:log-stream:s", Outcome.IMPLICIT_DENY),
        (STRANGER, "logs:PutLogEvents", f"{LOG_GROUP}:log-stream:s", Outcome.IMPLICIT_DENY),
        (ROUTE53, "logs:GetLogEvents", f"{LOG_GROUP}:log-stream:s", Outcome.IMPLICIT_DENY),
        (ALICE, "logs:PutSubscriptionFilter", f"arn:aws:logs:us-east-1:{A}:destination:d", Outcome.ALLOWED),
        (ALICE, "codeartifact:ReadFromRepository", REPOSITORY, Outcome.ALLOWED),
        (ALICE, "codeartifact:PutRepositoryPermissionsPolicy", REPOSITORY, Outcome.IMPLICIT_DENY),
    ],
)
def test_a_resource_policy_counts_for_what_its_service_asks_it(
    principal: str, action: str, resource: str, outcome: Outcome
) -> None:
    identity = {} if principal == ROUTE53 else {"identity_policies": named(ADMIN) if principal == STRANGER else []}
    everyone = document(to("*", "*"))
    decision, explanation = ask(principal, action, resource, resource_policy=everyone, **identity)
    assert decision.outcome is outcome
    ignored = [note for note in decision.notes if note.endswith("the one given is ignored.")]
    assert len(ignored) == (outcome is Outcome.IMPLICIT_DENY)
    assert not any("in the policy of arn" in suggestion.change for suggestion in explanation.suggestions)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("es:DeleteDomain", DOMAIN),
        ("logs:PutLogEvents", f"{LOG_GROUP}:log-stream:s"),
        ("codeartifact:PutRepositoryPermissionsPolicy", REPOSITORY),
    ],
)
def test_what_the_policy_does_not_count_for_it_does_not_deny(action: str, resource: str) -> None:
    nobody = document({**to("*", "*"), "Effect": "Deny"})
    decision, _ = ask(ALICE, action, resource, identity_policies=named(ADMIN), resource_policy=nobody)
    assert decision.outcome is Outcome.ALLOWED


@pytest.mark.parametrize(
    ("action", "resource", "what"),
    [
        ("ec2:StopInstances", "arn:aws:ec2:us-east-1:222222222222:instance/i-1", "A resource of ec2"),
        ("states:StartExecution", "arn:aws:states:us-east-1:222222222222:stateMachine:s", "A resource of states"),
        ("glue:GetJob", "arn:aws:glue:us-east-1:222222222222:job/j", "This resource of glue"),
        (
            "dynamodb:DescribeBackup",
            "arn:aws:dynamodb:us-east-1:222222222222:table/t/backup/1",
            "This resource of dynamodb",
        ),
    ],
)
def test_nobody_is_told_to_write_a_policy_that_a_resource_cannot_have(action: str, resource: str, what: str) -> None:
    decision, explanation = ask(ALICE, action, resource, identity_policies=named(ADMIN))
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert explanation.blockers[0] == f"{what} has no policy that could let the caller in."
    (suggestion,) = explanation.suggestions
    assert suggestion.change.startswith("Ask from the account that the resource belongs to")


@pytest.mark.parametrize("given", [None, document(to("*", "*"))])
def test_nobody_is_told_to_give_what_no_policy_can_give(given: dict[str, Any] | None) -> None:
    queue = "arn:aws:sqs:us-east-1:222222222222:q"
    decision, explanation = ask(ALICE, "sqs:DeleteQueue", queue, identity_policies=named(ADMIN), resource_policy=given)
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert explanation.blockers[-1] == (
        "No policy of a resource can give this action of sqs to callers from outside its account (Amazon SQS Developer "
        "Guide: Limitations of Amazon SQS custom policies)."
    )
    (suggestion,) = explanation.suggestions
    assert suggestion.change.startswith("Ask from the account that the resource belongs to")
    assert suggestion.statement is None


def test_a_resource_that_can_have_a_policy_is_still_to_be_given_one() -> None:
    queue = "arn:aws:sqs:us-east-1:222222222222:q"
    _, explanation = ask(ALICE, "sqs:SendMessage", queue, identity_policies=named(ADMIN))
    (suggestion,) = explanation.suggestions
    assert suggestion.change.startswith(f"Allow sqs:SendMessage in the policy of {queue}")


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("execute-api:Invoke", "another authorizer"),
        ("es:ESHttpGet", "Fine-grained access control"),
        ("glue:GetTable", "Lake Formation"),
        ("lambda:InvokeFunctionUrl", "needs lambda:InvokeFunction too"),
    ],
)
def test_what_decides_besides_the_policies_is_said(action: str, words: str) -> None:
    decision, _ = ask(ALICE, action, "*", identity_policies=named(ADMIN))
    assert [note for note in decision.notes if words in note]


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


@pytest.mark.parametrize(("action", "provider"), WITHOUT_SIGNATURE)
def test_a_caller_with_aws_credentials_has_no_provider(action: str, provider: str) -> None:
    for caller in (ALICE, SESSION, ROLE, f"arn:aws:iam::{A}:root"):
        for principal in ("*", {"AWS": caller}, {"AWS": A}):
            trust = document({"Effect": "Allow", "Action": action, "Principal": principal})
            decision, _ = ask(caller, action, ROLE, identity_policies=named(ADMIN), resource_policy=trust)
            assert decision.outcome is Outcome.IMPLICIT_DENY
            assert [reason.layer for reason in decision.reasons] == [Layer.SERVICE_RULE]


@pytest.mark.parametrize(
    ("provider", "action", "outcome"),
    [
        (OIDC, "sts:AssumeRoleWithSAML", Outcome.IMPLICIT_DENY),
        (OIDC, "sts:AssumeRole", Outcome.IMPLICIT_DENY),
        (OIDC, "sts:GetCallerIdentity", Outcome.IMPLICIT_DENY),
        (OIDC, "sts:TagSession", Outcome.ALLOWED),
        ("accounts.google.com", "sts:AssumeRoleWithSAML", Outcome.IMPLICIT_DENY),
        ("accounts.google.com", "sts:AssumeRoleWithWebIdentity", Outcome.ALLOWED),
        (SAML, "sts:AssumeRoleWithWebIdentity", Outcome.IMPLICIT_DENY),
        (SAML, "sts:SetSourceIdentity", Outcome.ALLOWED),
    ],
)
def test_the_users_of_a_provider_make_the_call_for_its_kind_alone(provider: str, action: str, outcome: Outcome) -> None:
    trust = document({"Effect": "Allow", "Action": "sts:*", "Principal": {"Federated": provider}})
    decision, _ = ask({"type": "Federated", "provider": provider}, action, ROLE, resource_policy=trust)
    assert decision.outcome is outcome


def test_the_users_of_a_provider_are_not_anonymous_elsewhere() -> None:
    caller = {"type": "Federated", "provider": OIDC}
    decision, _ = ask(caller, resource_policy=document(to("*")))
    assert decision.outcome is Outcome.IMPLICIT_DENY
    rule = next(report for report in decision.layers if report.layer is Layer.SERVICE_RULE)
    assert rule.why == (
        "The users of an OpenID Connect provider have no AWS credentials: they can call sts:AssumeRoleWithWebIdentity "
        "alone."
    )


LINKED = f"arn:aws:iam::{A}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
ALL_LINKED = f"arn:aws:iam::{A}:role/aws-service-role/*"


@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        ("iam:AttachRolePolicy", Outcome.IMPLICIT_DENY),
        ("iam:DeleteRole", Outcome.IMPLICIT_DENY),
        ("iam:DeleteRolePermissionsBoundary", Outcome.IMPLICIT_DENY),
        ("iam:DeleteRolePolicy", Outcome.IMPLICIT_DENY),
        ("iam:DetachRolePolicy", Outcome.IMPLICIT_DENY),
        ("iam:PutRolePermissionsBoundary", Outcome.IMPLICIT_DENY),
        ("iam:PutRolePolicy", Outcome.IMPLICIT_DENY),
        ("iam:UpdateAssumeRolePolicy", Outcome.IMPLICIT_DENY),
        ("sts:AssumeRole", Outcome.IMPLICIT_DENY),
        ("iam:CreateServiceLinkedRole", Outcome.ALLOWED),
        ("iam:DeleteServiceLinkedRole", Outcome.ALLOWED),
        ("iam:GetRole", Outcome.ALLOWED),
        ("iam:PassRole", Outcome.ALLOWED),
        ("iam:TagRole", Outcome.ALLOWED),
        ("iam:UpdateRoleDescription", Outcome.ALLOWED),
    ],
)
def test_a_service_linked_role_is_its_services_alone(action: str, outcome: Outcome) -> None:
    trust = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": A}})
    for resource in (LINKED, ALL_LINKED):
        policy = trust if resource == LINKED and action == "sts:AssumeRole" else None
        for statement in (ADMIN, {**ADMIN, "Resource": ALL_LINKED}):
            decision, _ = ask(ALICE, action, resource, identity_policies=named(statement), resource_policy=policy)
            assert decision.outcome is outcome
    of_linked_alone = named({**ADMIN, "Resource": ALL_LINKED})
    assert ask(ALICE, action, "*", identity_policies=of_linked_alone)[0].outcome is outcome


def test_a_service_assumes_its_service_linked_role() -> None:
    trust = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs.amazonaws.com"}})
    assert ask("ecs.amazonaws.com", "sts:AssumeRole", LINKED, resource_policy=trust)[0].outcome is Outcome.ALLOWED


@pytest.mark.parametrize("action", ["iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole"])
def test_only_service_linked_roles_are_made_and_deleted_as_such(action: str) -> None:
    for resource in (ROLE, f"arn:aws:iam::{A}:role/app*"):
        assert ask(ALICE, action, resource, identity_policies=named(ADMIN))[0].outcome is Outcome.IMPLICIT_DENY
    some = named({**ADMIN, "Resource": f"arn:aws:iam::{A}:role/app*"})
    assert ask(ALICE, action, "*", identity_policies=some)[0].outcome is Outcome.IMPLICIT_DENY
    decision, _ = ask(ALICE, action, "*", identity_policies=named(ADMIN))
    example = str(decision.example_resource).partition(":role/aws-service-role/")[2]
    assert (decision.outcome, all(example.split("/"))) == (Outcome.ALLOWED, True)
    assert len(example.split("/")) == 2


MEMBER_ROOT = "arn:aws:iam::222222222222:root"
TASK = {"sts:TaskPolicyArn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"}


def assume_root(principal: str = ALICE, resource: str = MEMBER_ROOT, **settings: bool | None) -> Any:
    request = {"context": TASK}
    return ask(
        principal, "sts:AssumeRoot", resource, request=request, identity_policies=named(ADMIN), settings=settings
    )[0]


@pytest.mark.parametrize("principal", [ALICE, SESSION, ROLE])
@pytest.mark.parametrize("place", ["principal_in_management_account", "principal_in_iam_delegated_administrator"])
def test_the_root_of_a_member_account_is_assumed_from_two_accounts(principal: str, place: str) -> None:
    decision = assume_root(principal, **{place: True})
    assert decision.outcome is Outcome.ALLOWED
    assert any("222222222222 is a member of the organization" in one for one in decision.assumptions)


@pytest.mark.parametrize(
    ("principal", "resource", "settings"),
    [
        (ALICE, MEMBER_ROOT, {"principal_in_iam_delegated_administrator": False}),
        (ALICE, ROOT, {"principal_in_iam_delegated_administrator": False}),
        (ALICE, ROOT, {"principal_in_management_account": True}),
        (ALICE, MEMBER_ROOT, {"principal_in_management_account": True, "resource_in_management_account": True}),
        (ALICE, ROLE, {"principal_in_management_account": True}),
        (ROOT, MEMBER_ROOT, {"principal_in_management_account": True}),
        (FEDERATED, MEMBER_ROOT, {"principal_in_management_account": True}),
    ],
)
def test_all_others_are_refused_the_root_of_an_account(
    principal: str, resource: str, settings: dict[str, bool]
) -> None:
    decision = assume_root(principal, resource, **settings)
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert decision.blocked_by == ()
    assert Layer.SERVICE_RULE in [reason.layer for reason in decision.reasons]


def test_the_root_of_an_account_depends_on_a_place_that_is_not_known() -> None:
    decision = assume_root()
    assert decision.outcome is Outcome.DEPENDS
    assert isinstance(decision.depends_on, MissingLeaf)
    assert decision.depends_on.permission == "organizations:ListDelegatedAdministrators"


@pytest.mark.parametrize("resource", [ROOT, "*", "arn:aws:iam::*:root"])
@pytest.mark.parametrize("delegated", [True, None])
def test_whether_a_delegated_administrator_assumes_its_own_root_is_left_open(
    resource: str, delegated: bool | None
) -> None:
    decision = assume_root(ALICE, resource, principal_in_iam_delegated_administrator=delegated)
    assert (decision.outcome, decision.example_resource) == (Outcome.DEPENDS, None)
    waiting = [leaf.document for leaf in leaves(decision.depends_on) if isinstance(leaf, MissingLeaf)]
    assert any("the delegated administrator's own account" in document for document in waiting)
    said = [report.why for report in decision.layers if report.layer is Layer.SERVICE_RULE]
    assert "AWS does not say whether a delegated administrator may call it on its own account." in said[0]
    denied = assume_root(ALICE, ROOT, principal_in_iam_delegated_administrator=False)
    assert denied.outcome is Outcome.IMPLICIT_DENY


@pytest.mark.parametrize("resource", ["*", "arn:aws:iam::*:root", f"arn:aws:iam::{A[:11]}*:root"])
@pytest.mark.parametrize("place", ["principal_in_management_account", "principal_in_iam_delegated_administrator"])
@pytest.mark.parametrize("allowed", ["*", "arn:aws:iam::*:root", f"arn:aws:iam::{A[:11]}2:root"])
def test_root_users_of_any_account_are_those_of_members_that_are_not_known(
    resource: str, place: str, allowed: str
) -> None:
    request = {"context": TASK}
    policies = {"identity_policies": named({**ADMIN, "Resource": allowed}), "settings": {place: True}}
    decision, _ = ask(ALICE, "sts:AssumeRoot", resource, request=request, **policies)
    assert (decision.outcome, decision.example_resource) == (Outcome.DEPENDS, None)
    waiting = [leaf for leaf in leaves(decision.depends_on or True) if isinstance(leaf, MissingLeaf)]
    assert "organizations:ListAccounts" in [leaf.permission for leaf in waiting]
    said = [report.why for report in decision.layers if report.layer is Layer.SERVICE_RULE]
    assert "The member accounts of the organization are not known." in said[0]
    assert "the organization has centralized root access enabled" in decision.assumptions
    assert not any("belongs to the caller's account" in one for one in decision.assumptions)


@pytest.mark.parametrize(
    ("resource", "settings", "statements", "outcome"),
    [
        ("*", {"principal_in_management_account": True}, [{**ADMIN, "Resource": ROOT}], Outcome.IMPLICIT_DENY),
        ("*", {"principal_in_management_account": True}, [{**ADMIN, "Resource": ROLE}], Outcome.IMPLICIT_DENY),
        ("*", {"principal_in_iam_delegated_administrator": False}, [ADMIN], Outcome.IMPLICIT_DENY),
        (f"arn:aws:iam::{A}:*", {"principal_in_management_account": True}, [ADMIN], Outcome.IMPLICIT_DENY),
        (
            "*",
            {"principal_in_management_account": True},
            [ADMIN, {**ADMIN, "Effect": "Deny", "Resource": "arn:aws:iam::*:root"}],
            Outcome.EXPLICIT_DENY,
        ),
        ("arn:aws:iam::222222222222:*", {"principal_in_management_account": True}, [ADMIN], Outcome.ALLOWED),
    ],
)
def test_root_users_of_a_set_are_told_apart(
    resource: str, settings: dict[str, bool], statements: list[dict[str, Any]], outcome: Outcome
) -> None:
    request = {"context": TASK}
    policies = {"identity_policies": named(*statements), "settings": settings}
    decision, _ = ask(ALICE, "sts:AssumeRoot", resource, request=request, **policies)
    assert decision.outcome is outcome
    assert decision.example_resource == (MEMBER_ROOT if outcome is Outcome.ALLOWED else None)


def test_the_root_of_an_account_is_assumed_with_a_task_policy() -> None:
    settings = {"principal_in_management_account": True}
    for context, outcome in (
        ({}, Outcome.IMPLICIT_DENY),
        ({"sts:TaskPolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, Outcome.IMPLICIT_DENY),
        ({"sts:TaskPolicyArn": f"arn:aws:iam::{A}:policy/root-task/Mine"}, Outcome.IMPLICIT_DENY),
        (TASK, Outcome.ALLOWED),
    ):
        decision, _ = ask(
            ALICE,
            "sts:AssumeRoot",
            MEMBER_ROOT,
            request={"context": context},
            identity_policies=named(ADMIN),
            settings=settings,
        )
        assert decision.outcome is outcome
    decision, _ = ask(
        ALICE, "sts:AssumeRoot", MEMBER_ROOT, mode="discover", identity_policies=named(ADMIN), settings=settings
    )
    assert decision.outcome is Outcome.DEPENDS
    assert decision.missing_context == ("sts:TaskPolicyArn",)


def test_a_root_user_has_no_trust_policy_and_the_callers_own_side_decides() -> None:
    request = {"context": TASK}
    settings = {"principal_in_iam_delegated_administrator": True}

    def asked(**more: Any) -> Any:
        return ask(ALICE, "sts:AssumeRoot", MEMBER_ROOT, request=request, settings=settings, **more)[0]

    assert asked(resource_policy=document(to("*", "*"))).outcome is Outcome.IMPLICIT_DENY
    denied = document({**to("*", "*"), "Effect": "Deny"})
    decision = asked(identity_policies=named(ADMIN), resource_policy=denied)
    assert decision.outcome is Outcome.ALLOWED
    assert "A root user has no policy that lets callers in: the one given is ignored." in decision.notes
    no_sts = {"Effect": "Deny", "Action": "sts:AssumeRoot", "Resource": "*"}
    decision = asked(identity_policies=named(ADMIN), scps=[named(ADMIN, no_sts)])
    assert (decision.outcome, decision.blocked_by) == (Outcome.EXPLICIT_DENY, (Layer.SCP,))
    limited = named({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    assert asked(identity_policies=named(ADMIN), permissions_boundaries=limited).outcome is Outcome.IMPLICIT_DENY


ANONYMOUS = {"type": "Anonymous"}
FUNCTION = f"arn:aws:lambda:us-east-1:{A}:function:f"
THROUGH_URL = {"lambda:InvokedViaFunctionUrl": "true"}


@pytest.mark.parametrize(
    ("action", "resource", "context", "outcome"),
    [
        ("s3:GetObject", "arn:aws:s3:::b/k", {}, Outcome.ALLOWED),
        ("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{A}:q", {}, Outcome.ALLOWED),
        ("sns:Publish", f"arn:aws:sns:us-east-1:{A}:t", {}, Outcome.ALLOWED),
        ("execute-api:Invoke", f"arn:aws:execute-api:us-east-1:{A}:x/prod/GET/y", {}, Outcome.ALLOWED),
        ("lambda:InvokeFunctionUrl", FUNCTION, {}, Outcome.ALLOWED),
        ("lambda:InvokeFunction", FUNCTION, THROUGH_URL, Outcome.ALLOWED),
        ("es:ESHttpGet", f"arn:aws:es:us-east-1:{A}:domain/d/i", {}, Outcome.ALLOWED),
        ("elasticfilesystem:ClientMount", f"arn:aws:elasticfilesystem:us-east-1:{A}:file-system/fs-1", {},
         Outcome.ALLOWED),
        ("vpc-lattice-svcs:Invoke", f"arn:aws:vpc-lattice:us-east-1:{A}:service/svc-1/x", {}, Outcome.ALLOWED),
        ("lambda:InvokeFunction", FUNCTION, {}, Outcome.IMPLICIT_DENY),
        ("lambda:GetFunction", FUNCTION, {}, Outcome.IMPLICIT_DENY),
        ("es:UpdateDomainConfig", f"arn:aws:es:us-east-1:{A}:domain/d", {}, Outcome.IMPLICIT_DENY),
        ("elasticfilesystem:DescribeFileSystems", f"arn:aws:elasticfilesystem:us-east-1:{A}:file-system/fs-1", {},
         Outcome.IMPLICIT_DENY),
        ("kms:Decrypt", f"arn:aws:kms:us-east-1:{A}:key/k", {}, Outcome.IMPLICIT_DENY),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:us-east-1:{A}:secret:s-AbCdEf", {},
         Outcome.IMPLICIT_DENY),
        ("dynamodb:GetItem", f"arn:aws:dynamodb:us-east-1:{A}:table/t", {}, Outcome.IMPLICIT_DENY),
        ("iam:GetRole", ROLE, {}, Outcome.IMPLICIT_DENY),
        ("sts:AssumeRole", ROLE, {}, Outcome.IMPLICIT_DENY),
    ],
)  # fmt: skip
def test_only_some_services_take_requests_without_a_signature(
    action: str, resource: str, context: dict[str, str], outcome: Outcome
) -> None:
    decision, _ = ask(ANONYMOUS, action, resource, request={"context": context}, resource_policy=document(to("*", "*")))
    assert decision.outcome is outcome
    rules = [reason.layer for reason in decision.reasons if reason.layer is Layer.SERVICE_RULE]
    assert bool(rules) is (outcome is not Outcome.ALLOWED)


@pytest.mark.parametrize("action", ["s3-object-lambda:GetObject", "nosuchservice:Get"])
def test_where_aws_does_not_say_an_unsigned_request_depends_on_it(action: str) -> None:
    decision, _ = ask(ANONYMOUS, action, "arn:aws:x:::y", resource_policy=document(to("*", "*")))
    assert decision.outcome is Outcome.DEPENDS
    rule = next(report for report in decision.layers if report.layer is Layer.SERVICE_RULE)
    assert rule.why.startswith("AWS does not say whether ")
    assert ask(ANONYMOUS, action, "arn:aws:x:::y")[0].outcome is Outcome.IMPLICIT_DENY


def test_every_service_that_takes_unsigned_requests_has_a_source() -> None:
    for service, found in UNSIGNED_REQUESTS.items():
        known = service_data.actions(service)
        assert found.source
        for entry in found.actions:
            assert any(name.startswith(entry.rstrip("*")) for name in known), (service, entry)


KEYS = f"arn:aws:kms:us-east-1:{A}:key/"
KEY = f"{KEYS}11111111-1111-1111-1111-111111111111"
ALIAS = f"arn:aws:kms:us-east-1:{A}:alias/app"
DELEGATES = document(to({"AWS": ROOT}, "kms:*"))


def allow(resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "kms:*", "Resource": resource, **more}


def deny(resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(resource, **more), "Effect": "Deny"}


@pytest.mark.parametrize(
    ("statements", "outcome"),
    [
        ([allow()], Outcome.ALLOWED),
        ([allow(f"{KEYS}*")], Outcome.ALLOWED),
        ([allow(f"arn:aws:kms:*:{A}:key/*")], Outcome.ALLOWED),
        ([allow(KEY)], Outcome.DEPENDS),
        ([allow(), deny(KEY)], Outcome.DEPENDS),
        ([allow(), deny(ALIAS)], Outcome.ALLOWED),
        ([allow(), deny(f"{KEYS}*")], Outcome.EXPLICIT_DENY),
        ([allow(ALIAS)], Outcome.IMPLICIT_DENY),
        ([allow(f"arn:aws:kms:us-east-1:{A}:alias/*")], Outcome.IMPLICIT_DENY),
        ([allow(f"arn:aws:kms:eu-west-1:{A}:key/*")], Outcome.IMPLICIT_DENY),
        ([allow("arn:aws:kms:us-east-1:222222222222:key/*")], Outcome.IMPLICIT_DENY),
        ([allow(Condition={"StringEquals": {"kms:RequestAlias": "alias/app"}})], Outcome.ALLOWED),
        ([allow(Condition={"StringEquals": {"kms:RequestAlias": "alias/other"}})], Outcome.IMPLICIT_DENY),
        ([allow(Condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/app"}})], Outcome.ALLOWED),
        ([allow(Condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/x"}})], Outcome.DEPENDS),
        ([allow(Condition={"ForAllValues:StringEquals": {"kms:ResourceAliases": "alias/app"}})], Outcome.DEPENDS),
        ([allow(Condition={"ForAllValues:StringEquals": {"kms:ResourceAliases": "alias/x"}})], Outcome.IMPLICIT_DENY),
        ([allow(), deny(Condition={"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/a*"}})],
         Outcome.EXPLICIT_DENY),
        ([], Outcome.IMPLICIT_DENY),
    ],
)  # fmt: skip
def test_a_key_named_by_its_alias_is_some_key_of_the_account(
    statements: list[dict[str, Any]], outcome: Outcome
) -> None:
    decision, _ = ask(ALICE, "kms:Decrypt", ALIAS, identity_policies=named(*statements), resource_policy=DELEGATES)
    assert decision.outcome is outcome
    assert decision.request.resource == ALIAS
    assert any("alias/app stands for a key that is not known" in note for note in decision.notes)
    if outcome is Outcome.ALLOWED:
        assert (decision.resource_scope, decision.allowed_resources) == (ResourceScope.ONE, ())
        assert decision.example_resource is None


def test_what_depends_on_the_key_behind_an_alias_says_so() -> None:
    decision, explanation = ask(
        ALICE, "kms:Decrypt", ALIAS, identity_policies=named(allow(KEY)), resource_policy=DELEGATES
    )
    assert isinstance(decision.depends_on, MissingLeaf)
    assert (decision.depends_on.document, decision.depends_on.permission) == (
        "the key behind alias/app", "kms:ListAliases",
    )  # fmt: skip
    assert KEY in decision.allowed_resources
    assert "the key behind alias/app allows it" in explanation.paragraph


@pytest.mark.parametrize("action", ["kms:Decrypt", "kms:DescribeKey"])
@pytest.mark.parametrize("statement", [allow(), allow(KEY), allow(ALIAS)])
def test_without_the_policy_of_the_key_behind_an_alias_nothing_is_settled(
    action: str, statement: dict[str, Any]
) -> None:
    decision, _ = ask(ALICE, action, ALIAS, identity_policies=named(statement))
    assert decision.outcome is Outcome.DEPENDS
    documents = [leaf.document for leaf in leaves(decision.depends_on or True) if isinstance(leaf, MissingLeaf)]
    assert "policy of the key behind alias/app" in documents
    denied, _ = ask(ALICE, action, ALIAS, identity_policies=named(statement, deny()))
    assert denied.outcome is Outcome.EXPLICIT_DENY


def test_an_alias_is_made_and_deleted_by_iam_policies_alone() -> None:
    for action in ("kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias"):
        decision, _ = ask(ALICE, action, ALIAS, identity_policies=named(allow(ALIAS)))
        assert decision.outcome is Outcome.ALLOWED
        assert decision.notes == (
            f"One call of {action} needs alias and key at once: this answers for what was named alone.",
        )


@pytest.mark.parametrize(
    ("principal", "action", "resource", "request_", "settings", "key", "values"),
    [
        (ALICE, "iam:GetUser", USER_ARN, TEMPORARY, {}, "aws:MultiFactorAuthPresent", ["true", "True", "false", "x"]),
        (ROOT, "iam:GetUser", USER_ARN, TEMPORARY, {}, "aws:AssumedRoot", ["true", "false"]),
        (ALICE, "sts:AssumeRoot", MEMBER_ROOT, {}, {"principal_in_management_account": True}, "sts:TaskPolicyArn",
         [TASK["sts:TaskPolicyArn"], f"arn:aws:iam::{A}:policy/root-task/x", "x"]),
    ],
)  # fmt: skip
def test_what_a_service_rule_waits_for_holds_exactly_where_the_call_is_allowed(
    principal: str,
    action: str,
    resource: str,
    request_: dict[str, Any],
    settings: dict[str, bool],
    key: str,
    values: list[str],
) -> None:
    policies = {"identity_policies": named(ADMIN), "settings": settings}
    open_, _ = ask(principal, action, resource, request=request_, mode="discover", **policies)
    assert open_.outcome is Outcome.DEPENDS
    waiting = [leaf for leaf in leaves(open_.depends_on or True) if isinstance(leaf, ConditionLeaf) and leaf.key == key]
    (leaf,) = waiting
    line = CompiledCondition(
        ConditionLine(leaf.op, key, leaf.values), variables=False, options=DEFAULT_LANGUAGE_OPTIONS
    )
    for context in ({}, *({key: value} for value in values)):
        decided, _ = ask(principal, action, resource, request={**request_, "context": context}, **policies)
        known = {name: (value,) for name, value in context.items()}
        assert decided.allowed is (line.test(RequestContext(CommonContext(known))) is True)


@pytest.mark.parametrize("resource", ["alias/*", "alias/app*"])
@pytest.mark.parametrize(
    ("statements", "outcome"),
    [
        ([allow()], Outcome.DEPENDS),
        ([allow(KEY)], Outcome.DEPENDS),
        ([allow(), deny(KEY)], Outcome.DEPENDS),
        ([allow(), deny(f"{KEYS}*")], Outcome.EXPLICIT_DENY),
        ([allow(f"arn:aws:kms:us-east-1:{A}:alias/*")], Outcome.IMPLICIT_DENY),
        ([allow("arn:aws:kms:us-east-1:222222222222:key/*")], Outcome.IMPLICIT_DENY),
        ([allow(Condition={"StringEquals": {"kms:RequestAlias": "alias/app"}})], Outcome.DEPENDS),
        ([allow(), deny(Condition={"StringEquals": {"kms:RequestAlias": "alias/app"}})], Outcome.DEPENDS),
        ([], Outcome.IMPLICIT_DENY),
    ],
)
def test_keys_named_by_a_pattern_of_aliases_are_some_keys_of_the_account(
    statements: list[dict[str, Any]], outcome: Outcome, resource: str
) -> None:
    aliases = f"arn:aws:kms:us-east-1:{A}:{resource}"
    decision, _ = ask(ALICE, "kms:Decrypt", aliases, identity_policies=named(*statements), resource_policy=DELEGATES)
    assert decision.outcome is outcome
    assert decision.request.resource == aliases
    unloaded, _ = ask(ALICE, "kms:Decrypt", aliases, identity_policies=named(*statements))
    assert unloaded.outcome is (outcome if outcome is Outcome.EXPLICIT_DENY else Outcome.DEPENDS)


@pytest.mark.parametrize(
    ("action", "resource", "outcome"),
    [
        ("glue:GetTable", f"arn:aws:glue:us-east-1:{A}:table/d/t", Outcome.ALLOWED),
        ("glue:PutResourcePolicy", f"arn:aws:glue:us-east-1:{A}:catalog", Outcome.DEPENDS),
        ("glue:PutDataCatalogEncryptionSettings", f"arn:aws:glue:us-east-1:{A}:catalog", Outcome.DEPENDS),
        ("lambda:InvokeFunction", FUNCTION, Outcome.ALLOWED),
        ("lambda:AddPermission", FUNCTION, Outcome.DEPENDS),
        ("lambda:CreateFunction", FUNCTION, Outcome.IMPLICIT_DENY),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:us-east-1:{A}:secret:s-AbCdEf", Outcome.DEPENDS),
        ("secretsmanager:DescribeSecret", f"arn:aws:secretsmanager:us-east-1:{A}:secret:s-AbCdEf", Outcome.ALLOWED),
    ],
)
def test_what_is_given_to_other_accounts_turns_on_the_service(action: str, resource: str, outcome: Outcome) -> None:
    principal = "arn:aws:iam::999999999999:user/eve"
    given = {"identity_policies": named(ADMIN), "resource_policy": document(to("*", "*"))}
    decision, _ = ask(principal, action, resource, **given)
    assert decision.outcome is outcome
