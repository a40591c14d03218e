"""Denials held against an account: who asked what, whether it agrees, which statement, what would help."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from iamtui.account.model import Known
from iamtui.aws.connection import Connection
from iamtui.denials.reader import find_denials
from iamtui.engine.decision import Layer, Outcome, ResourceScope
from iamtui.engine.request import PrincipalKind
from iamtui.problem import Problem
from iamtui.workspace.ask.denial_comparison import Agreement, claim_words
from iamtui.workspace.ask.denials import (
    ExplainedDenial,
    decode_authorization_message,
    explain_denials,
    read_denial_file,
)
from iamtui.workspace.source.workspace import SourceKind, Workspace
from tests.support.denial_account import (
    ALICE,
    BOB,
    CAROL,
    DEPLOY,
    FENCE_ARN,
    LAKE,
    QUIET_ARN,
    denial_workspace,
    message,
    without_organization,
)
from tests.support.fault_proxy import Answer, FaultProxy, error
from tests.support.sample_account import ID, NOW, document, iam

IMPLICIT = "because no identity-based policy allows the {} action"


def explain(
    text: str, workspace: Workspace | None = None, *, caller: str = "", strict: bool = False, decode: bool = False
) -> ExplainedDenial:
    found = find_denials(text)
    (one,) = explain_denials(
        workspace or denial_workspace(), found.denials, caller=caller, strict=strict, decode=decode, now=NOW
    )
    return one


def said(one: ExplainedDenial) -> str:
    return " ".join(one.comparison.sentences)


def test_a_message_that_the_account_agrees_with() -> None:
    one = explain(message(BOB, "s3:PutObject", f"{LAKE}/x", IMPLICIT.format("s3:PutObject")))

    assert one.explained
    assert one.comparison.agreement is Agreement.AGREES
    assert one.decision is not None
    assert one.decision.outcome is Outcome.IMPLICIT_DENY
    assert one.explanation is not None
    assert one.explanation.suggestions
    # One layer is named, and another one denies as well: the boundary allows s3, so nothing else here.
    assert "identity policies" in said(one)


def test_an_explicit_deny_names_its_statement_and_its_lines() -> None:
    reason = f"with an explicit deny in a service control policy: {FENCE_ARN}"
    one = explain(message(ALICE, "s3:PutBucketPolicy", LAKE, reason))

    assert one.comparison.agreement is Agreement.AGREES
    assert "fence / NoBucketPolicies (lines" in said(one)


def test_a_policy_that_denies_nothing_here_is_set_beside_the_one_that_does() -> None:
    reason = f"with an explicit deny in a service control policy: {QUIET_ARN}"
    one = explain(message(ALICE, "s3:PutBucketPolicy", LAKE, reason))

    assert one.comparison.agreement is Agreement.OTHER_REASON
    assert QUIET_ARN in said(one)
    assert "fence / NoBucketPolicies" in said(one)
    assert not one.explained


def test_a_policy_that_is_not_loaded_is_said_to_be_so() -> None:
    reason = f"with an explicit deny in a service control policy: {FENCE_ARN}X"
    one = explain(message(ALICE, "s3:PutBucketPolicy", LAKE, reason))

    assert one.comparison.agreement is Agreement.NOT_LOADED
    assert "is not loaded" in said(one)


def test_another_layer_denies_here_both_are_shown() -> None:
    one = explain(message(ALICE, "s3:DeleteObject", f"{LAKE}/x", "with an explicit deny in a service control policy"))

    assert one.comparison.agreement is Agreement.OTHER_REASON
    assert "AWS: Explicit deny in a service control policy." in said(one)
    assert "Keep" in said(one)


KEY = f"arn:aws:kms:us-east-1:{ID}:key/k"


def test_where_a_document_is_missing_what_aws_says_is_still_held_against_the_layer_that_it_names() -> None:
    silent = explain(message(iam("user/carol"), "kms:Sign", KEY, IMPLICIT.format("kms:Sign")))
    assert silent.comparison.agreement is Agreement.DEPENDS
    assert "As AWS says, no statement of the identity policies allows it." in said(silent)

    allowing = explain(message(ALICE, "kms:Sign", KEY, IMPLICIT.format("kms:Sign")))
    assert "AWS says that no statement of the identity policies allows it; one does in what is loaded here." in said(
        allowing
    )

    other = explain(message(ALICE, "kms:Sign", KEY, "with an explicit deny in a service control policy"))
    assert other.comparison.agreement is Agreement.DEPENDS
    assert "AWS says that there is an explicit deny in the service control policies" in said(other)


def test_aws_would_have_named_the_explicit_deny() -> None:
    one = explain(message(ALICE, "s3:DeleteObject", f"{LAKE}/x", IMPLICIT.format("s3:DeleteObject")))

    assert one.comparison.agreement is Agreement.OTHER_REASON
    assert "explicit deny first" in said(one)


def test_the_account_would_allow_it_now() -> None:
    one = explain(
        message(
            ALICE,
            "sqs:SendMessage",
            f"arn:aws:sqs:us-east-1:{ID}:jobs",
            "with an explicit deny in a permissions boundary",
        )
    )

    assert one.comparison.agreement is Agreement.ALLOWED_HERE
    assert "permissions boundary" in said(one)
    assert not one.explained


def test_the_layer_that_aws_names_is_not_loaded() -> None:
    reason = "with an explicit deny in a service control policy"
    allowed = explain(
        message(ALICE, "sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ID}:jobs", reason), without_organization()
    )
    denied = explain(
        message(CAROL, "sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ID}:jobs", reason), without_organization()
    )

    assert allowed.comparison.agreement is Agreement.ALLOWED_HERE
    assert "service control policies, which is not loaded: look there first" in said(allowed)
    assert denied.comparison.agreement is Agreement.NOT_LOADED
    assert "cannot be checked here" in said(denied)


def test_a_denial_without_a_resource_is_not_said_to_be_allowed_where_only_some_are() -> None:
    text = "An error occurred (403) when calling the HeadObject operation: Forbidden"
    one = explain(text, caller="bob")

    assert one.decision is not None
    assert one.decision.resource_scope is ResourceScope.SOME
    assert one.comparison.agreement is Agreement.DEPENDS
    assert "on some resources only, and the message does not say which one was refused" in said(one)
    assert "It allows it on arn:aws:s3:::" in said(one)
    assert not one.explained


def test_a_session_policy_is_nowhere_to_be_read() -> None:
    reason = "because no session policy allows the s3:PutObject action"
    one = explain(message(DEPLOY, "s3:PutObject", f"{LAKE}/x", reason))

    assert one.comparison.agreement is Agreement.ALLOWED_HERE
    assert "session policy, which is not loaded" in said(one)


def test_a_session_is_the_session_of_its_role() -> None:
    one = explain(message(DEPLOY, "s3:PutBucketPolicy", LAKE))

    assert one.principal is not None
    assert one.principal.kind is PrincipalKind.ROLE_SESSION
    assert one.principal.role_arn == iam("role/deploy-prod")
    assert one.comparison.agreement is Agreement.AGREES
    assert "a reason that AWS did not give: service control policies" in said(one)


def test_it_depends_on_what_the_message_does_not_tell() -> None:
    reason = f"with an explicit deny in a service control policy: {FENCE_ARN}"
    text = message(ALICE, "ec2:RunInstances", f"arn:aws:ec2:us-east-1:{ID}:instance/*", reason)
    one = explain(text)

    assert one.comparison.agreement is Agreement.DEPENDS
    assert "aws:SourceIp" in said(one)
    assert "fence / OfficeOnly" in said(one)
    assert explain(text, strict=True).comparison.agreement is Agreement.DEPENDS, "AWS always sends an address"


def cloudtrail(address: str, **more: object) -> str:
    record = {
        "eventSource": "ec2.amazonaws.com",
        "eventName": "RunInstances",
        "errorCode": "Client.UnauthorizedOperation",
        "errorMessage": message(
            ALICE, "ec2:RunInstances", f"arn:aws:ec2:us-east-1:{ID}:instance/*",
            "with an explicit deny in a service control policy",
        ),
        "sourceIPAddress": address,
        "awsRegion": "us-east-1",
        "userIdentity": {"type": "IAMUser", "arn": ALICE, "accountId": ID, "accessKeyId": "AKIAX"},
        **more,
    }  # fmt: skip
    return json.dumps({"Records": [record]})


def test_a_record_s_context_decides() -> None:
    outside, inside = explain(cloudtrail("198.51.100.7")), explain(cloudtrail("203.0.113.9"))

    assert outside.comparison.agreement is Agreement.AGREES
    assert "OfficeOnly" in said(outside)
    assert outside.principal is not None
    assert outside.principal.credentials == "long_term"
    assert inside.comparison.agreement is Agreement.ALLOWED_HERE


def test_a_call_that_was_not_denied_is_asked_about_all_the_same() -> None:
    well = explain(cloudtrail("203.0.113.9", errorCode=None, errorMessage=None))
    changed = explain(cloudtrail("198.51.100.7", errorCode=None, errorMessage=None))

    assert well.comparison.agreement is Agreement.AGREES
    assert changed.comparison.agreement is Agreement.DENIED_HERE


def test_what_aws_said_of_a_call_that_was_not_denied_is_that_alone() -> None:
    well = explain(cloudtrail("203.0.113.9", errorCode=None, errorMessage=None))
    failed = explain(cloudtrail("203.0.113.9", errorCode="NoSuchKey", errorMessage=None))

    assert claim_words(well.denial) == "AWS did not deny it."
    assert claim_words(failed.denial) == "AWS did not deny it: the call failed with NoSuchKey."


def test_a_role_in_a_record_gets_its_path() -> None:
    record = json.dumps(
        {
            "eventSource": "iam.amazonaws.com",
            "eventName": "DeleteRole",
            "errorCode": "AccessDenied",
            "requestParameters": {"roleName": "lambda-thumbnails"},
            "recipientAccountId": ID,
            "userIdentity": {"type": "IAMUser", "arn": CAROL, "accountId": ID, "accessKeyId": "AKIAX"},
        }
    )

    one = explain(record)

    assert one.question is not None
    assert one.question.resource == iam("role/service-role/lambda-thumbnails")


def test_who_is_not_here_is_said() -> None:
    gone = explain(message(iam("user/alicia"), "s3:GetObject", f"{LAKE}/x"))
    elsewhere = explain(message("arn:aws:iam::444455556666:user/eve", "s3:DeleteObject", f"{LAKE}/x"))

    assert gone.comparison.agreement is Agreement.NOT_ASKED
    assert any("user/alice" in sentence for sentence in gone.open)
    assert any("belongs to account 444455556666" in sentence for sentence in elsewhere.open)
    assert elsewhere.decision is not None
    assert not gone.explained


def test_the_policies_of_a_caller_of_another_account_are_not_here() -> None:
    eve = "arn:aws:iam::444455556666:user/eve"
    implicit = explain(message(eve, "s3:GetObject", f"{LAKE}/x", IMPLICIT.format("s3:GetObject")))
    own = explain(
        message(eve, "s3:GetObject", f"{LAKE}/x", "because no resource-based policy allows the s3:GetObject action")
    )

    assert implicit.comparison.agreement is Agreement.NOT_LOADED
    assert "identity policies, which cannot be checked here" in said(implicit)
    assert "no statement of the resource policy allows it" in said(implicit)
    assert own.comparison.agreement is Agreement.AGREES


def test_an_arn_that_differs_in_its_path_is_named_in_full() -> None:
    one = explain(message(iam("user/bob"), "s3:GetObject", f"{LAKE}/x"))

    assert any(f"Nearest: {BOB}" in sentence for sentence in one.open)
    role = explain(message(f"arn:aws:sts::{ID}:assumed-role/zzz/x", "s3:GetObject", f"{LAKE}/x"))
    assert any("iamtui list roles" in sentence for sentence in role.open)


def test_what_would_help_names_what_holds_the_policy() -> None:
    session = explain(message(DEPLOY, "sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ID}:jobs"), without_organization())
    service = explain(message("cloudtrail.amazonaws.com", "s3:PutObject", f"{LAKE}/AWSLogs/x"))

    changes = [change.change for one in (session, service) for change in one.explanation.suggestions]  # type: ignore[union-attr]
    assert f"Allow s3:PutObject in the policy of {LAKE}." in changes
    assert not any("assumed-role" in change for change in changes)


def test_the_words_of_services_lead_to_their_actions() -> None:
    url = f"https://sqs.us-east-1.amazonaws.com/{ID}/jobs"
    text = "An error occurred (AccessDenied) when calling the SendMessage operation: Access to the resource "
    text += f"{url} is denied."

    one = explain(text, caller="carol")

    assert one.question is not None
    assert (one.question.action, one.question.resource) == ("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ID}:jobs")


def test_a_bare_denial_needs_to_be_told_who() -> None:
    text = f"upload failed: ./x to {LAKE.replace('arn:aws:s3:::', 's3://')}/x An error occurred (AccessDenied) when "
    text += "calling the PutObject operation: Access Denied"

    alone, told = explain(text), explain(text, caller="bob")

    assert alone.comparison.agreement is Agreement.NOT_ASKED
    assert "who called" in said(alone)
    assert told.comparison.agreement is Agreement.AGREES
    assert told.question is not None
    assert (told.question.action, told.question.resource) == ("s3:PutObject", f"{LAKE}/x")
    with pytest.raises(Problem):
        explain(text, caller="nobody-at-all")


def test_a_resource_that_is_no_arn_is_asked_about_as_any() -> None:
    one = explain(message(CAROL, "secretsmanager:GetSecretValue", "prod/db", IMPLICIT.format("x:Y")))

    assert one.question is not None
    assert one.question.resource == "*"
    assert any("prod/db is not an ARN" in sentence for sentence in one.open)


def test_several_denials_are_each_answered() -> None:
    text = "\n".join(message(CAROL, f"s3:{name}", LAKE) for name in ("ListBucket", "PutBucketPolicy", "ListBucket"))
    found = find_denials(text)

    answers = list(explain_denials(denial_workspace(), found.denials, now=NOW))
    assert [one.denial.count for one in answers] == [2, 1]


# Encoded messages

BLOB = "AbCdEf0123456789-_" * 20
ENCODED = (
    "An error occurred (UnauthorizedOperation) when calling the RunInstances operation: You are not authorized to "
    f"perform this operation. Encoded authorization failure message: {BLOB}"
)
DECODED = json.dumps(
    {
        "allowed": False,
        "explicitDeny": True,
        "matchedStatements": {"items": []},
        "failures": {"items": []},
        "context": {
            "principal": {"id": "AIDAALICE00000000001", "name": "alice", "arn": ALICE},
            "action": "ec2:RunInstances",
            "resource": f"arn:aws:ec2:us-east-1:{ID}:instance/*",
            "conditions": {"items": [{"key": "aws:SourceIp", "values": {"items": [{"value": "198.51.100.7"}]}}]},
        },
    }
)


def decoded_answer(text: str) -> Answer:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    result = f"<DecodeAuthorizationMessageResult><DecodedMessage>{escaped}</DecodedMessage>"
    body = f"<DecodeAuthorizationMessageResponse>{result}</DecodeAuthorizationMessageResult>"
    return Answer(200, f"{body}</DecodeAuthorizationMessageResponse>".encode())


@pytest.fixture
def connected(fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> tuple[Workspace, FaultProxy]:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    connection = Connection.open(profile=None, region="us-east-1", endpoint_url=fault_proxy.url)
    snapshot = denial_workspace()
    return Workspace(snapshot.account, snapshot.source, connection), fault_proxy


def test_an_encoded_message_is_decoded_only_when_asked_for(connected: tuple[Workspace, FaultProxy]) -> None:
    workspace, proxy = connected
    proxy.on("DecodeAuthorizationMessage", decoded_answer(DECODED))

    closed = explain(ENCODED, workspace)
    assert closed.comparison.agreement is Agreement.NOT_ASKED
    assert proxy.operations() == []

    one = explain(ENCODED, workspace, decode=True)
    calls = [call for call in proxy.calls if call.operation == "DecodeAuthorizationMessage"]
    assert [call.parameters["EncodedMessage"] for call in calls] == [BLOB]
    assert one.comparison.agreement is Agreement.AGREES
    assert one.denial.caller == ALICE
    assert one.denial.context == {"aws:SourceIp": ("198.51.100.7",)}
    assert one.decision is not None
    assert Layer.SCP in one.decision.blocked_by


def test_the_encoded_message_in_a_record_is_decoded_beside_what_the_record_tells(
    connected: tuple[Workspace, FaultProxy],
) -> None:
    workspace, proxy = connected
    proxy.on("DecodeAuthorizationMessage", decoded_answer(DECODED))
    record = json.dumps(
        {
            "eventSource": "ec2.amazonaws.com",
            "eventName": "RunInstances",
            "awsRegion": "us-east-1",
            "sourceIPAddress": "203.0.113.1",
            "errorCode": "Client.UnauthorizedOperation",
            "errorMessage": "You are not authorized to perform this operation. Encoded authorization failure message: "
            + BLOB,
            "userIdentity": {
                "type": "IAMUser",
                "arn": ALICE,
                "accountId": ID,
                "accessKeyId": "ASIA1",
                "sessionContext": {"attributes": {"mfaAuthenticated": "true"}},
            },
            "requestParameters": {},
        }
    )

    closed = explain(record, workspace)
    assert "The resource is only in the encoded message: decode it through STS." in closed.open

    one = explain(record, workspace, decode=True)
    assert one.denial.claim.kind == "explicit"
    assert one.denial.resource
    assert one.denial.credentials == "temporary"
    assert one.denial.context["aws:MultiFactorAuthPresent"] == ("true",)
    assert one.denial.context["aws:SourceIp"] == ("198.51.100.7",), "what AWS evaluated wins"


@pytest.mark.parametrize("answer", ["denied", "nonsense", "not known"])
def test_what_cannot_be_decoded_is_said(connected: tuple[Workspace, FaultProxy], answer: str) -> None:
    workspace, proxy = connected
    if answer == "denied":
        proxy.on("DecodeAuthorizationMessage", error(403, "AccessDenied", "not authorized"))
    elif answer == "nonsense":
        proxy.on("DecodeAuthorizationMessage", decoded_answer('{"other": 1}'))

    one = explain(ENCODED, workspace, decode=True)

    assert not one.explained
    assert any("decode" in sentence for sentence in one.open)


def test_the_demo_decodes_nothing(connected: tuple[Workspace, FaultProxy]) -> None:
    workspace, proxy = connected
    demo = Workspace(workspace.account, structs.replace(workspace.source, kind=SourceKind.DEMO), workspace.connection)
    with pytest.raises(Problem, match="demo"):
        decode_authorization_message(demo, BLOB)
    assert not proxy.calls


def test_a_snapshot_cannot_decode() -> None:
    with pytest.raises(Problem, match="snapshot"):
        decode_authorization_message(denial_workspace(), BLOB)
    one = explain(ENCODED, decode=True)
    assert any("not decoded" in sentence for sentence in one.open)


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("noise\nAccessDenied\n")
    log = read_denial_file(str(file))
    assert (log.head, log.lines, [one.code for one in log.findings.denials]) == (
        "noise\nAccessDenied\n",
        2,
        ["AccessDenied"],
    )
    for name in (str(tmp_path), str(tmp_path / "none"), "a\0b"):
        with pytest.raises(Problem):
            read_denial_file(name)


def test_the_sample_is_in_its_organization() -> None:
    assert isinstance(denial_workspace().account.organization, Known)


def test_only_s3_leaves_its_errors_bare() -> None:
    one = explain(
        "An error occurred (AccessDenied) when calling the GetObject operation: Access Denied", caller="carol"
    )

    assert one.question is not None
    assert one.question.action == "s3:GetObject"
    assert "It does not say who called." not in one.denial.unknown


@pytest.mark.usefixtures("quick_retries")
def test_a_policy_that_cannot_be_loaded_is_asked_for_once(connected: tuple[Workspace, FaultProxy]) -> None:
    workspace, proxy = connected
    proxy.on("*", error(500, "InternalFailure"))
    queue = f"arn:aws:sqs:us-east-1:{ID}:jobs"
    text = "\n".join(message(CAROL, f"sqs:{name}", queue) for name in ("SendMessage", "DeleteMessage", "PurgeQueue"))

    answers = list(explain_denials(workspace, find_denials(text).denials, now=NOW))

    assert [any(queue in sentence for sentence in one.open) for one in answers] == [True, True, True]
    once = len(proxy.calls)
    assert once
    list(explain_denials(workspace, find_denials(message(CAROL, "sqs:SendMessage", queue)).denials, now=NOW))
    assert len(proxy.calls) == 2 * once


# What helps


def helps(one: ExplainedDenial) -> list[str]:
    return [suggestion.change for suggestion in one.explanation.suggestions] if one.explanation is not None else []


def test_no_allow_is_proposed_against_a_deny_that_aws_names() -> None:
    one = explain(
        message(
            BOB, "s3:PutObject", f"{LAKE}/x", f"with an explicit deny in a service control policy: {QUIET_ARN[:-1]}9"
        )
    )

    (change,) = helps(one)
    # Where it is one of several, not all need be changed: AWS named none that is seen here.
    assert one.explanation is not None
    assert one.explanation.needed == ""
    both = structs.replace(one.explanation, suggestions=one.explanation.suggestions * 2)
    assert both.needed == "one or more of these"
    assert structs.replace(both, surmised=False).needed == "all of these together"
    assert change.startswith(f"Find the Deny in {QUIET_ARN[:-1]}9, which is not loaded here: no Allow can override it.")
    assert f'"ArnNotEquals": {{"aws:PrincipalArn": "{BOB}"}}' in change


def test_the_deny_of_the_policy_that_aws_names_is_pointed_at() -> None:
    one = explain(
        message(BOB, "ec2:StartInstances", "*", f"with an explicit deny in a service control policy: {FENCE_ARN}")
    )

    assert [change for change in helps(one) if "fence / OfficeOnly" in change] == helps(one)


def test_a_policy_that_is_not_loaded_never_does_not_deny() -> None:
    unknown = f"{QUIET_ARN[:-1]}9"
    named = explain(
        message(
            ALICE,
            "sqs:SendMessage",
            f"arn:aws:sqs:us-east-1:{ID}:q",
            f"with an explicit deny in a service control policy: {unknown}",
        )
    )
    endpoint = explain(
        message(
            ALICE, "sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ID}:q", "with an explicit deny in a VPC endpoint policy"
        )
    )

    assert f"The policy that AWS names is not loaded, so look there first: {unknown}." in said(named)
    assert "AWS names the VPC endpoint policy, which is not loaded: look there first." in said(endpoint)
    for one in (named, endpoint):
        assert "does not deny" not in said(one)


def test_a_boundary_that_the_caller_does_not_have_is_said_to_be_gone() -> None:
    one = explain(
        message(
            ALICE, "sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ID}:q", "with an explicit deny in a permissions boundary"
        )
    )
    assert "there is none here as loaded: it may have been removed since" in said(one)


def test_a_vpc_endpoint_policy_that_is_needed_is_written_out() -> None:
    one = explain(
        message(BOB, "s3:PutObject", f"{LAKE}/x", "because no VPC endpoint policy allows the s3:PutObject action")
    )

    assert one.explanation is not None
    first = one.explanation.suggestions[0]
    assert first.change == "Allow s3:PutObject in the policy of the VPC endpoint for s3 that the request went through."
    assert first.statement == {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"{LAKE}/x",
        "Condition": {"ArnEquals": {"aws:PrincipalArn": BOB}},
    }


def test_what_aws_misses_in_a_layer_that_is_not_loaded_helps_before_all_else() -> None:
    jobs = f"arn:aws:sqs:us-east-1:{ID}:jobs"
    session = explain(message(DEPLOY, "s3:PutBucketPolicy", LAKE, "because no session policy allows the action"))
    no_scp = "because no service control policy allows the sqs:SendMessage action"
    organization = explain(message(CAROL, "sqs:SendMessage", jobs, no_scp), without_organization())
    foreign = "arn:aws:iam::999999999999:user/eve"
    elsewhere = explain(
        message(foreign, "s3:PutObject", f"{LAKE}/x", "because no identity-based policy allows the action")
    )

    for one, change in (
        (session, "Allow s3:PutBucketPolicy in the session policy."),
        (
            organization,
            "Allow sqs:SendMessage in a service control policy attached to every level above the account.",
        ),
        (
            elsewhere,
            f"Allow s3:PutObject in an identity policy of {foreign}. Account 999999999999 has to do this.",
        ),
    ):
        assert one.explanation is not None
        assert one.explanation.suggestions[0].change == change
        assert len(one.explanation.suggestions) > 1


def test_a_user_cannot_be_assumed() -> None:
    one = explain(message(BOB, "sts:AssumeRole", ALICE))

    assert one.comparison.agreement is Agreement.NOT_ASKED
    assert f"{ALICE} is not a role but a user, which nobody can assume" in said(one)


WEB = (
    "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: "
    "Not authorized to perform sts:AssumeRoleWithWebIdentity"
)
ISSUER = "token.actions.githubusercontent.com"


def trusting(*statements: dict[str, object]) -> Workspace:
    """The account with no roles but one for each trust statement."""
    workspace = denial_workspace()
    account = workspace.account
    model = account.roles[0]
    roles = tuple(
        replace(model, name=f"web-{number}", arn=iam(f"role/web-{number}"), trust=document(statement))
        for number, statement in enumerate(statements)
    )
    return workspace.with_account(replace(account, roles=roles))


def web_trust(**condition: object) -> dict[str, object]:
    statement: dict[str, object] = {
        "Effect": "Allow",
        "Principal": {"Federated": iam(f"oidc-provider/{ISSUER}")},
        "Action": "sts:AssumeRoleWithWebIdentity",
    }
    return statement | ({"Condition": {"StringLike": condition}} if condition else {})


def test_a_bare_web_identity_denial_lists_the_roles_that_trust_a_provider() -> None:
    subject = {f"{ISSUER}:sub": "repo:acme/app:*", f"{ISSUER}:aud": "sts.amazonaws.com"}
    one = explain(WEB, trusting(web_trust(**subject), web_trust()))

    assert "2 roles of this account can be meant" in one.comparison.sentences[0]
    assert (
        f"web-0 trusts {ISSUER} if sub matches repo:acme/app:* and aud matches sts.amazonaws.com "
        "(the message does not say)." in said(one)
    )
    assert f"web-1 trusts {ISSUER} without a condition" in said(one)
    assert "Usual causes: the token's audience" in said(one)


def test_a_bare_web_identity_denial_where_no_role_trusts_a_provider() -> None:
    assert "No role of this account trusts an identity provider for it" in said(explain(WEB, trusting()))


def test_a_condition_that_fails_is_named_with_the_role() -> None:
    denial = replace(find_denials(WEB).denials[0], context={f"{ISSUER}:sub": ("repo:other/app:ref",)})
    (one,) = explain_denials(trusting(web_trust(**{f"{ISSUER}:sub": "repo:acme/app:*"})), [denial], now=NOW)
    assert "web-0" in said(one)
    assert "here: repo:other/app:ref" in said(one)
