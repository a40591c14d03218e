"""CloudTrail records, in every form that AWS's tools give them, as requests with their context."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iamtui.catalog.condition_keys import condition_key
from iamtui.denials.cloudtrail import read_record
from iamtui.denials.denial import Denial, DenialForm, SourcePlace
from iamtui.denials.reader import find_denials
from iamtui.engine.calls.api_calls import iam_action
from iamtui.engine.calls.call_resources import resource_of_call
from iamtui.engine.decision import Layer

ACCOUNT = "111122223333"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/analyst/ana"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/data/analyst"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234"


def role_session(**attributes: Any) -> dict[str, Any]:
    return {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLE:ana",
        "arn": SESSION,
        "accountId": ACCOUNT,
        "accessKeyId": "ASIAEXAMPLE0000000",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "arn": ROLE, "userName": "analyst"},
            "attributes": {"creationDate": "2026-11-24T09:00:00Z", "mfaAuthenticated": "true", **attributes},
        },
    }


def record(**more: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "eventTime": "2026-11-24T10:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2.30",
        "errorCode": "AccessDenied",
        "errorMessage": "Access Denied",
        "requestParameters": {"bucketName": "lake", "key": "raw/x"},
        "requestID": "0A1B2C3D4E5F6071",
        "tlsDetails": {"tlsVersion": "TLSv1.3"},
        "userIdentity": role_session(),
        **more,
    }


def read(**more: Any) -> Denial:
    return read_record(record(**more), SourcePlace(1, 0))


def test_a_record_is_a_request_with_its_context() -> None:
    denial = read()

    assert (denial.caller, denial.action, denial.resource) == (SESSION, "s3:GetObject", "arn:aws:s3:::lake/raw/x")
    assert denial.denied
    assert denial.credentials == "temporary"
    assert denial.request_id == "0A1B2C3D4E5F6071"
    assert denial.context == {
        "aws:SourceIp": ("203.0.113.7",),
        "aws:ViaAWSService": ("false",),
        "aws:UserAgent": ("aws-cli/2.30",),
        "aws:RequestedRegion": ("eu-west-1",),
        "aws:CurrentTime": ("2026-11-24T10:00:00Z",),
        "aws:SecureTransport": ("true",),
        "aws:TokenIssueTime": ("2026-11-24T09:00:00Z",),
        "aws:MultiFactorAuthPresent": ("true",),
    }


def test_the_error_message_says_more_than_the_call() -> None:
    message = (
        f"User: {SESSION} is not authorized to perform: iam:PassRole on resource: arn:aws:iam::{ACCOUNT}:role/exec "
        "with an explicit deny in a service control policy"
    )

    denial = read(eventSource="lambda.amazonaws.com", eventName="CreateFunction20150331", errorMessage=message)

    assert (denial.action, denial.resource) == ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/exec")
    assert (denial.claim.kind, denial.claim.layers) == ("explicit", (Layer.SCP,))
    assert any("The call was lambda:CreateFunction20150331" in note for note in denial.notes)


@pytest.mark.parametrize(
    ("error", "denied"),
    [
        ("AccessDenied", True),
        ("AccessDeniedException", True),
        ("Client.UnauthorizedOperation", True),
        ("UnauthorizedOperation", True),
        ("AuthorizationErrorException", True),
        ("KMS.AccessDeniedException", True),
        ("NotAuthorized", True),
        ("NoSuchKey", False),
        ("ThrottlingException", False),
        (None, False),
    ],
)
def test_what_is_a_denial(error: str | None, denied: bool) -> None:
    denial = read(errorCode=error, errorMessage=None)

    assert denial.denied is denied
    if not denied:
        assert any("denial" in note or "not denied" in note for note in denial.notes)


IDENTITIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "user with an access key": (
        {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/a/ana", "accountId": ACCOUNT, "accessKeyId": "AKIA1"},
        {"caller": f"arn:aws:iam::{ACCOUNT}:user/a/ana", "credentials": "long_term", "mfa": ()},
    ),
    "user in the console": (
        {
            "type": "IAMUser",
            "arn": f"arn:aws:iam::{ACCOUNT}:user/ana",
            "accessKeyId": "ASIA1",
            "sessionContext": {"attributes": {"mfaAuthenticated": "false"}},
        },
        {"caller": f"arn:aws:iam::{ACCOUNT}:user/ana", "credentials": "temporary", "mfa": ("false",)},
    ),
    "root": (
        {"type": "Root", "accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root"},
        {"caller": f"arn:aws:iam::{ACCOUNT}:root"},
    ),
    "root without an ARN": ({"type": "Root", "accountId": ACCOUNT}, {"caller": f"arn:aws:iam::{ACCOUNT}:root"}),
    "federated user": (
        {
            "type": "FederatedUser",
            "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/bob",
            "sessionContext": {"sessionIssuer": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/ana"}},
        },
        {"caller": f"arn:aws:sts::{ACCOUNT}:federated-user/bob", "issuer": f"arn:aws:iam::{ACCOUNT}:user/ana"},
    ),
    "service": (
        {"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"},
        {"caller": "cloudtrail.amazonaws.com", "via": None},
    ),
    "other account": (
        {"type": "AWSAccount", "accountId": "444455556666", "principalId": "AIDAEXAMPLE"},
        {"caller": "", "account": "444455556666"},
    ),
    "anonymous": (
        {"type": "AWSAccount", "accountId": "anonymous", "principalId": ""},
        {"caller": "anonymous"},
    ),
    "web identity": (
        {"type": "WebIdentityUser", "identityProvider": "accounts.google.com", "userName": "1234"},
        {"caller": "accounts.google.com"},
    ),
    "Identity Center": (
        {"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u-1"}},
        {"caller": ""},
    ),
    "role without a session": (
        {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": ROLE}}},
        {"caller": ROLE, "credentials": "temporary"},
    ),
    "role from the web": (
        {
            **role_session(mfaAuthenticated="false"),
            "sessionContext": {
                "sessionIssuer": {"arn": ROLE},
                "attributes": {"mfaAuthenticated": "false"},
                "webIdFederationData": {"federatedProvider": "arn:aws:iam::111122223333:oidc-provider/idp.example"},
            },
        },
        {"caller": SESSION, "mfa": ()},
    ),
    "role without MFA, or from SAML": (role_session(mfaAuthenticated="false"), {"caller": SESSION, "mfa": None}),
    "nothing": ({}, {"caller": ""}),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_who_called(name: str) -> None:
    identity, wanted = IDENTITIES[name]
    denial = read(userIdentity=identity)

    assert denial.caller == wanted["caller"]
    for field in ("credentials", "issuer", "account"):
        if field in wanted:
            assert getattr(denial, field) == wanted[field]
    if "mfa" in wanted:
        assert denial.context.get("aws:MultiFactorAuthPresent") == wanted["mfa"]
    if not denial.caller:
        assert denial.unknown


def test_through_an_endpoint_there_is_no_source_ip() -> None:
    context = read(sourceIPAddress="10.0.0.5", vpcEndpointId="vpce-1", vpcEndpointAccountId=ACCOUNT).context

    assert context["aws:SourceIp"] == ()
    assert context["aws:VpcSourceIp"] == ("10.0.0.5",)
    assert context["aws:SourceVpce"] == ("vpce-1",)
    assert context["aws:VpceAccount"] == (ACCOUNT,)


@pytest.mark.parametrize("address", ["10.0.0.5", "172.16.0.1", "192.168.1.1", "fd00::1"])
def test_a_private_address_is_no_source_ip_even_without_its_endpoint(address: str) -> None:
    context = read(sourceIPAddress=address).context
    assert ("aws:SourceIp" in context, context["aws:ViaAWSService"]) == (False, ("false",))
    assert read(sourceIPAddress="203.0.113.7").context["aws:SourceIp"] == ("203.0.113.7",)


def test_a_service_that_calls_for_somebody_is_no_address() -> None:
    identity = {**role_session(), "invokedBy": "athena.amazonaws.com"}
    context = read(userIdentity=identity, sourceIPAddress="athena.amazonaws.com").context

    assert "aws:SourceIp" not in context
    assert context["aws:ViaAWSService"] == ("true",)
    assert context["aws:CalledViaLast"] == ("athena.amazonaws.com",)
    assert "aws:CalledVia" not in context
    assert "aws:SourceIp" not in read(userIdentity=identity).context


def test_session_and_enriched_context() -> None:
    identity = role_session()
    identity["sessionContext"]["sourceIdentity"] = "ana"
    identity["sessionContext"]["ec2RoleDelivery"] = "2.0"
    event = {
        "requestContext": {"aws:PrincipalOrgID": "o-x", "aws:SourceVpc": ["vpc-1"], "nokey": "x", "a:b": {}},
        "tagContext": {"principalTags": {"team": "data"}, "resourceTags": [{"arn": "a", "tags": {"env": "prod"}}]},
    }
    context = read(userIdentity=identity, eventContext=event).context

    assert context["aws:SourceIdentity"] == ("ana",)
    assert context["ec2:RoleDelivery"] == ("2.0",)
    assert context["aws:PrincipalOrgID"] == ("o-x",)
    assert context["aws:SourceVpc"] == ("vpc-1",)
    assert context["aws:PrincipalTag/team"] == ("data",)
    assert context["aws:ResourceTag/env"] == ("prod",)
    assert "nokey" not in context
    assert "a:b" not in context


@pytest.mark.parametrize(
    ("source", "operation", "action"),
    [
        ("s3.amazonaws.com", "ListObjectsV2", "s3:ListBucket"),
        ("s3.amazonaws.com", "HeadObject", "s3:GetObject"),
        ("s3.amazonaws.com", "ListBuckets", "s3:ListAllMyBuckets"),
        ("s3.amazonaws.com", "GetBucketEncryption", "s3:GetEncryptionConfiguration"),
        ("lambda.amazonaws.com", "Invoke20150331", "lambda:InvokeFunction"),
        ("lambda.amazonaws.com", "UpdateFunctionCode20150331v2", "lambda:UpdateFunctionCode"),
        ("cloudfront.amazonaws.com", "CreateDistribution2020_05_31", "cloudfront:CreateDistribution"),
        ("monitoring.amazonaws.com", "PutMetricData", "cloudwatch:PutMetricData"),
        ("sts.amazonaws.com", "AssumeRole", "sts:AssumeRole"),
        ("sqs.amazonaws.com", "SendMessageBatch", "sqs:SendMessage"),
        ("signin.amazonaws.com", "ConsoleLogin", ""),
        ("", "HeadObject", "s3:GetObject"),
        ("", "RunInstances", "ec2:RunInstances"),
        ("", "ListTagsForResource", ""),
        ("DynamoDb", "Query", "dynamodb:Query"),
        ("", "", ""),
    ],
)
def test_the_action_behind_a_call(source: str, operation: str, action: str) -> None:
    assert iam_action(source, operation) == action


@pytest.mark.parametrize(
    ("source", "action", "parameters", "arn"),
    [
        ("s3", "s3:ListBucket", {"bucketName": "b", "prefix": "x"}, "arn:aws:s3:::b"),
        ("s3", "s3:PutObject", {"bucketName": "b"}, "arn:aws:s3:::b/*"),
        ("iam", "iam:GetRole", {"roleName": "r"}, f"arn:aws:iam::{ACCOUNT}:role/r"),
        ("lambda", "lambda:InvokeFunction", {"functionName": "f"}, f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"),
        (
            "sqs",
            "sqs:SendMessage",
            {"queueUrl": f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/jobs"},
            f"arn:aws:sqs:eu-west-1:{ACCOUNT}:jobs",
        ),
        ("kms", "kms:Decrypt", {"keyId": "1234"}, f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234"),
        ("kms", "kms:Decrypt", {"keyId": "alias/x"}, f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/x"),
        ("sts", "sts:AssumeRole", {"roleArn": ROLE}, ROLE),
        ("dynamodb", "dynamodb:Query", {"tableName": "t"}, f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/t"),
        ("wafv2", "wafv2:GetWebACL", {"resourceArn": "arn:aws:wafv2:x"}, "arn:aws:wafv2:x"),
        ("ec2", "ec2:DescribeInstances", {}, ""),
    ],
)
def test_the_resource_behind_a_call(source: str, action: str, parameters: dict[str, Any], arn: str) -> None:
    assert resource_of_call(source, action, parameters, account=ACCOUNT, region="eu-west-1") == arn


def test_the_record_s_own_list_of_resources_counts_first() -> None:
    bucket = {"ARN": "arn:aws:s3:::lake", "accountId": "444455556666", "type": "AWS::S3::Bucket"}
    thing = {"ARN": "arn:aws:s3:::lake/raw/y", "type": "AWS::S3::Object"}

    denial = read(resources=[thing, bucket], requestParameters=None)

    assert denial.resource == "arn:aws:s3:::lake/raw/y"
    assert denial.resource_account == "444455556666"


ONE, TWO = record(), record(eventName="PutObject")
ROW = [{key: value if isinstance(value, str) else json.dumps(value)} for key, value in ONE.items()]
FORMS = {
    "one": json.dumps(ONE),
    "a file": json.dumps({"Records": [ONE, TWO]}),
    "a list, indented": json.dumps([ONE, TWO], indent=4),
    "lines": f"{json.dumps(ONE)}\n{json.dumps(TWO)}\n",
    "lines with a time": f"2026-11-24T10:00:00Z {json.dumps(ONE)}\n2026 {json.dumps(TWO)}",
    "lines, one cut": f"{json.dumps(ONE)}\n{json.dumps(TWO)[:-20]}",
    "EventBridge": json.dumps({"detail-type": "AWS API Call via CloudTrail", "detail": ONE}),
    "lookup-events": json.dumps({"Events": [{"EventId": "1", "CloudTrailEvent": json.dumps(ONE)}]}),
    "CloudWatch Logs": json.dumps({"events": [{"message": json.dumps(ONE)}, {"message": "INIT_START"}]}),
    "CloudTrail Lake": json.dumps({"QueryResultRows": [ROW]}),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_records(name: str) -> None:
    found = find_denials(FORMS[name])

    first = found.denials[0]
    assert first.form is DenialForm.CLOUDTRAIL
    assert (first.caller, first.action, first.resource) == (SESSION, "s3:GetObject", "arn:aws:s3:::lake/raw/x")
    assert first.place.record == 1
    assert first.context["aws:SourceIp"] == ("203.0.113.7",)
    assert found.records == len([one for one in found.denials if one.form is DenialForm.CLOUDTRAIL])
    if name in ("a file", "lines", "a list, indented", "lines with a time"):
        assert [one.action for one in found.denials] == ["s3:GetObject", "s3:PutObject"]


def test_equal_records_at_other_times_are_one_request() -> None:
    later = record(eventTime="2026-11-24T11:00:00Z", requestID="other")
    elsewhere = record(sourceIPAddress="198.51.100.1")

    found = find_denials(json.dumps([ONE, later, elsewhere])).denials

    assert [one.count for one in found] == [2, 1]


@pytest.mark.parametrize("wrong", [None, 3, "x", [], {}, [1], {"type": 3, "sessionContext": "x"}])
@pytest.mark.parametrize(
    "field", ["userIdentity", "requestParameters", "resources", "tlsDetails", "errorCode", "eventContext", "eventTime"]
)
def test_fields_of_wrong_types_raise_nothing(field: str, wrong: Any) -> None:
    read(**{field: wrong})


def test_a_decoded_message_is_read_as_pasted() -> None:
    decoded = {
        "allowed": False,
        "explicitDeny": True,
        "matchedStatements": {"items": [{}]},
        "failures": {"items": []},
        "context": {
            "principal": {"id": "AIDAEXAMPLE", "name": "ana", "arn": f"arn:aws:iam::{ACCOUNT}:user/ana"},
            "action": "ec2:RunInstances",
            "resource": f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/*",
            "conditions": {"items": [{"key": "ec2:InstanceType", "values": {"items": [{"value": "m5.large"}]}}]},
        },
    }
    for text in (json.dumps(decoded), json.dumps({"DecodedMessage": json.dumps(decoded)})):
        (denial,) = find_denials(text).denials
        assert denial.form is DenialForm.DECODED
        assert (denial.caller, denial.action) == (f"arn:aws:iam::{ACCOUNT}:user/ana", "ec2:RunInstances")
        assert denial.claim.kind == "explicit"
        assert denial.context == {"ec2:InstanceType": ("m5.large",)}


def of_sts(operation: str, identity: dict[str, Any], **parameters: Any) -> Denial:
    return read(
        eventSource="sts.amazonaws.com",
        eventName=operation,
        userIdentity=identity,
        requestParameters={"roleArn": ROLE, **parameters},
        resources=[],
        errorMessage=f"Not authorized to perform sts:{operation}",
    )


def test_a_web_identity_comes_with_the_claims_that_trust_policies_read() -> None:
    issuer, user = "oidc.eks.eu-west-1.amazonaws.com/id/ABC", "system:serviceaccount:argo:runner"
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"
    identity = {
        "type": "WebIdentityUser",
        "identityProvider": provider,
        "userName": user,
        "principalId": f"{provider}:sts.amazonaws.com:{user}",
    }
    denial = of_sts("AssumeRoleWithWebIdentity", identity, principalTags={"team": "data"})

    assert denial.caller == provider
    assert denial.resource == ROLE
    assert denial.context[f"{issuer}:sub"] == (user,)
    assert denial.context[f"{issuer}:aud"] == ("sts.amazonaws.com",)
    assert denial.context["aws:RequestTag/team"] == ("data",)
    cognito = {"type": "WebIdentityUser", "identityProvider": "cognito-identity.amazon.com", "userName": "u"}
    denial = of_sts("AssumeRoleWithWebIdentity", cognito)
    assert denial.caller == "cognito-identity.amazonaws.com"
    assert denial.context["cognito-identity.amazonaws.com:sub"] == ("u",)
    assert "cognito-identity.amazonaws.com:aud" not in denial.context


def test_a_saml_user_comes_from_the_provider_that_the_call_names() -> None:
    identity = {"type": "SAMLUser", "identityProvider": "hash=", "userName": "bob", "principalId": "hash=:bob"}
    provider = f"arn:aws:iam::{ACCOUNT}:saml-provider/Corp"
    denial = of_sts("AssumeRoleWithSAML", identity, principalArn=provider)

    assert denial.caller == provider
    assert denial.context["saml:sub"] == ("bob",)
    assert denial.context["saml:namequalifier"] == ("hash=",)
    nameless = of_sts("AssumeRoleWithSAML", identity)
    assert nameless.caller == ""
    assert "The record does not say which identity provider vouched for the caller." in nameless.unknown


def test_the_tags_of_a_session_that_is_asked_for() -> None:
    denial = of_sts(
        "AssumeRole",
        role_session(),
        tags=[{"key": "team", "value": "data"}, {"key": "cost", "value": "12"}, "odd"],
        transitiveTagKeys=["team"],
        incomingTransitiveTags={"unit": "lake"},
    )

    assert denial.context["aws:RequestTag/team"] == ("data",)
    assert denial.context["aws:TagKeys"] == ("team", "cost")
    assert denial.context["sts:TransitiveTagKeys"] == ("team",)
    assert denial.context["aws:PrincipalTag/unit"] == ("lake",)


EKS = {"aws:eks:cluster": "blue", "Stage": "prod"}


@pytest.mark.parametrize(
    ("operation", "refused", "parameters"),
    [
        ("Decrypt", "kms:Decrypt", {"keyId": "1234", "encryptionContext": EKS}),
        (
            "ReEncrypt",
            "kms:ReEncryptFrom",
            {"sourceEncryptionContext": EKS, "destinationEncryptionContext": {"a": "b"}},
        ),
        ("ReEncrypt", "kms:ReEncryptTo", {"sourceEncryptionContext": {"a": "b"}, "destinationEncryptionContext": EKS}),
        ("CreateGrant", "kms:CreateGrant", {"constraints": {"encryptionContextSubset": EKS}}),
    ],
)
def test_the_encryption_context_of_a_kms_call_is_in_its_condition_keys(
    operation: str, refused: str, parameters: dict[str, Any]
) -> None:
    denial = read(
        eventSource="kms.amazonaws.com",
        eventName=operation,
        requestParameters=parameters,
        errorMessage=f"User: {SESSION} is not authorized to perform: {refused} on resource: {KEY}",
    )

    assert (denial.action, denial.resource) == (refused, KEY)
    found = {key: values for key, values in denial.context.items() if key.startswith("kms:")}
    assert found == {
        "kms:EncryptionContext:aws:eks:cluster": ("blue",),
        "kms:EncryptionContext:Stage": ("prod",),
        "kms:EncryptionContextKeys": ("aws:eks:cluster", "Stage"),
    }
    assert all(condition_key(key) is not None for key in found)


def test_of_an_encryption_context_that_says_two_things_of_a_key_none_is_taken_and_odd_ones_are_no_reason_to_stop() -> (
    None
):
    def keys(source: str, parameters: object) -> dict[str, tuple[str, ...]]:
        denial = read(eventSource=source, eventName="Encrypt", requestParameters=parameters)
        return {key: values for key, values in denial.context.items() if key.startswith("kms:")}

    assert keys("kms.amazonaws.com", {"encryptionContext": {"a": "1", "A": "2", "b": "3", "c": 4}}) == {
        "kms:EncryptionContext:b": ("3",),
        "kms:EncryptionContextKeys": ("a", "A", "b", "c"),
    }
    assert keys("kms.amazonaws.com", {"encryptionContext": "odd"}) == {}
    assert keys("kms.amazonaws.com", None) == {}
    assert keys("s3.amazonaws.com", {"encryptionContext": EKS}) == {}


def test_the_user_agent_is_the_header_that_was_sent_or_not_told() -> None:
    assert read(userAgent="[aws-cli/2.1]").context["aws:UserAgent"] == ("aws-cli/2.1",)
    forwarded = {**role_session(), "invokedBy": "athena.amazonaws.com"}
    assert "aws:UserAgent" not in read(userIdentity=forwarded, userAgent="athena.amazonaws.com").context


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("", "aws")],
)
def test_a_resource_made_of_parameters_is_in_the_partition_of_the_region(region: str, partition: str) -> None:
    assert read(awsRegion=region).resource == f"arn:{partition}:s3:::lake/raw/x"
