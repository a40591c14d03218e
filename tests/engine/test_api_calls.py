"""From the record of a call to the actions and ARNs that it was authorized by, by hand and for the whole SDK."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import botocore.session
import pytest

from iamtui.catalog import service_data
from iamtui.catalog.actions import catalogue
from iamtui.catalog.dependent_actions import COMPANIONS
from iamtui.engine.calls import api_calls
from iamtui.engine.calls.api_calls import AuthorizedAction, CallActions, authorized_by, iam_actions
from iamtui.questions.answers import fits

ACCOUNT = "111122223333"
HERE = f"eu-west-1:{ACCOUNT}"
CALLS = Path(__file__).parent / "data" / "authorized_calls.json"
"""Source, event and parameters, with the actions and the ARNs of each: a key that would be a pattern tells no resource,
and the name of an alias is not that of what it stands for."""

UNMAPPED = Path(__file__).parent / "data" / "unmapped_operations.json"


def call(source: str, event: str, parameters: Mapping[str, Any] | None = None, **more: Any) -> CallActions:
    return authorized_by(
        {
            "eventSource": f"{source}.amazonaws.com",
            "eventName": event,
            "eventType": "AwsApiCall",
            "awsRegion": "eu-west-1",
            "recipientAccountId": ACCOUNT,
            "requestParameters": parameters,
            **more,
        }
    )


def told(found: CallActions) -> list[tuple[str, ...]]:
    return [(one.action, *one.resources) for one in found.actions]


@pytest.mark.parametrize(("source", "event", "parameters", "actions"), json.loads(CALLS.read_text()))
def test_what_a_call_was_authorized_by(
    source: str, event: str, parameters: dict[str, Any] | None, actions: list[list[str]]
) -> None:
    assert told(call(source, event, parameters)) == [tuple(one) for one in actions]


@pytest.mark.parametrize(
    ("parameters", "function"),
    [
        # Lambda API Reference, Invoke: a name, a part of an ARN or an ARN; with a version or alias, or with that apart.
        ({"functionName": "f"}, f"{HERE}:function:f"),
        ({"functionName": "f:PROD"}, f"{HERE}:function:f:PROD"),
        ({"functionName": "f", "qualifier": "PROD"}, f"{HERE}:function:f:PROD"),
        ({"functionName": "f", "qualifier": "$LATEST"}, f"{HERE}:function:f:$LATEST"),
        ({"functionName": "444455556666:function:f"}, "eu-west-1:444455556666:function:f"),
        ({"functionName": "444455556666:f:7"}, "eu-west-1:444455556666:function:f:7"),
        ({"functionName": "arn:aws:lambda:us-east-1:444455556666:function:f:7"}, "us-east-1:444455556666:function:f:7"),
    ],
)
def test_a_function_is_named_with_its_version_or_alias(parameters: dict[str, Any], function: str) -> None:
    # The resource of a record is the function alone.
    resources = [{"ARN": f"arn:aws:lambda:{HERE}:function:f", "type": "AWS::Lambda::Function"}]
    found = call("lambda", "Invoke", parameters, resources=resources)
    assert told(found) == [("lambda:InvokeFunction", f"arn:aws:lambda:{function}")]


_OF_RUN_INSTANCES = ("ec2:RunInstances", "ec2:CreateTags", "iam:PassRole")


def test_run_instances_is_checked_on_each_kind_of_resource() -> None:
    parameters = {
        "instancesSet": {"items": [{"imageId": "ami-1", "minCount": 1, "keyName": "k"}]},
        "groupSet": {"items": [{"groupId": "sg-1"}]},
        "subnetId": "subnet-1",
        "iamInstanceProfile": {"name": "p"},
        "tagSpecificationSet": {"items": [{"resourceType": "instance", "tags": [{"key": "a", "value": "b"}]}]},
    }

    found = call("ec2", "RunInstances", parameters).actions
    first, tags, passed = (next(one for one in found if one.action == name) for name in _OF_RUN_INSTANCES)

    assert {arn.split(":", 3)[3] for arn in first.resources} >= {
        "eu-west-1::image/ami-1",
        f"{HERE}:instance/*",
        f"{HERE}:network-interface/*",
        f"{HERE}:security-group/sg-1",
        f"{HERE}:subnet/subnet-1",
        f"{HERE}:key-pair/k",
        f"{HERE}:volume/*",
    }
    made = (f"arn:aws:ec2:{HERE}:instance/*",)
    # Which role the instance profile has is not in the record.
    assert (passed.resources, passed.implied) == ((), True)
    assert tags == AuthorizedAction("ec2:CreateTags", made, (("ec2:CreateAction", ("RunInstances",)),), implied=True)


def test_what_a_call_needs_besides_and_its_record_does_not_tell_is_left_open() -> None:
    role = "arn:aws:iam::111122223333:role/notify"
    sent = call("ssm", "SendCommand", {"serviceRoleArn": role})
    assert ("iam:PassRole", role) in told(sent)
    # The table has nothing of this call.
    made = call("synthetics", "CreateCanary", {"name": "c", "executionRoleArn": role})
    assert [(one.action, one.resources) for one in made.possible] == [("iam:PassRole", (role,))]
    template = {"launchTemplateId": "lt-1", "version": "1"}
    mixed = {"mixedInstancesPolicy": {"launchTemplate": {"launchTemplateSpecification": template}}}
    for parameters in ({"launchTemplate": template}, mixed):
        for event in ("CreateAutoScalingGroup", "UpdateAutoScalingGroup"):
            group = call("autoscaling", event, {"autoScalingGroupName": "g", **parameters})
            assert {"ec2:RunInstances", "ec2:CreateTags", "iam:PassRole"} == {one.action for one in group.possible}
    nodes = call("eks", "CreateNodegroup", {"clusterName": "c", "launchTemplate": {"id": "lt-1"}})
    assert "ec2:RunInstances" in {one.action for one in nodes.possible}
    replicas = {"tableName": "t", "replicaUpdates": [{"create": {"regionName": "us-east-2"}}]}
    updated = {one.action: one.resources for one in call("dynamodb", "UpdateTable", replicas).possible}
    assert updated["dynamodb:CreateTableReplica"] == ("arn:aws:dynamodb:us-east-2:111122223333:table/t",)
    assert "dynamodb:PutItem" in updated
    gone = {"tableName": "t", "replicaUpdates": [{"delete": {"regionName": "us-east-2"}}, "x"]}
    assert {one.action for one in call("dynamodb", "UpdateTable", gone).possible} == {
        "dynamodb:DeleteTable",
        "dynamodb:DeleteTableReplica",
    }
    assert not call("dynamodb", "UpdateTable", {"tableName": "t"}).possible
    plain = call("autoscaling", "UpdateAutoScalingGroup", {"autoScalingGroupName": "g", "minSize": 1})
    assert {one.action for one in plain.possible} == {"iam:PassRole"}


@pytest.mark.parametrize(
    ("service", "event", "parameters", "passed"),
    [
        ("ecs", "RegisterTaskDefinition", {"family": "f", "executionRoleArn": "runs"}, ["role/runs"]),
        ("ssm", "CreateActivation", {"iamRole": "service-role/runs"}, ["role/runs"]),
        # Which role an instance profile has is not told, wherever the profile stands.
        ("ec2", "RequestSpotInstances", {"launchSpecification": {"iamInstanceProfile": {"name": "p"}}}, [""]),
        ("elasticmapreduce", "RunJobFlow", {"serviceRole": "runs", "jobFlowRole": "profile"}, ["role/runs", ""]),
    ],
)
def test_a_role_may_be_named_without_its_arn(
    service: str, event: str, parameters: dict[str, Any], passed: list[str]
) -> None:
    found = [one for one in call(service, event, parameters).actions if one.action == "iam:PassRole"]
    assert [",".join(one.resources).rpartition(":")[2] for one in found] == passed


@pytest.mark.parametrize("event", ["CreateFunction20150331", "UpdateFunctionConfiguration20150331v2"])
def test_a_function_in_a_vpc_may_need_to_read_networks(event: str) -> None:
    networks = {"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"}
    for vpc, found in (
        ({"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}, networks),
        ({}, set()),
        (None, set()),
    ):
        made = call("lambda", event, {"functionName": "f", "vpcConfig": vpc})
        assert networks & {one.action for one in made.possible} == found


def test_a_copy_may_read_and_write_tags_and_reads_a_source() -> None:
    place = {"bucketName": "b", "key": "k"}
    of_tags = {"s3:GetObjectTagging", "s3:PutObjectTagging"}
    copied = call("s3", "CopyObject", {**place, "x-amz-copy-source": "a/x"})
    assert ("s3:GetObject", "arn:aws:s3:::a/x") in told(copied)
    assert {one.action for one in copied.possible} == of_tags
    replaced = call("s3", "CopyObject", {**place, "x-amz-copy-source": "a/x", "x-amz-tagging-directive": "REPLACE"})
    assert not replaced.possible
    untold = call("s3", "CopyObject", place)
    assert {one.action for one in untold.possible} == of_tags | {"s3:GetObject"}


def test_the_source_of_a_copy_is_not_written_to() -> None:
    listed = [{"ARN": f"arn:aws:s3:::{name}"} for name in ("to/k", "to", "from/x", "from")]
    given = {"bucketName": "to", "key": "k", "x-amz-copy-source": "from/x"}
    for event in ("CopyObject", "UploadPartCopy"):
        found = told(call("s3", event, given, resources=listed))
        assert found == [("s3:PutObject", "arn:aws:s3:::to/k"), ("s3:GetObject", "arn:aws:s3:::from/x")]


@pytest.mark.parametrize(
    ("source", "event", "parameters", "untold"),
    [
        ("ssm", "SendCommand", {"documentName": "AWS-RunShellScript", "targets": [{"key": "tag:a"}]}, ("instance",)),
        ("ssm", "SendCommand", {"documentName": "AWS-RunShellScript", "instanceIds": ["i-1"]}, ()),
        ("ssm", "SendCommand", {"instanceIds": ["i-1"]}, ("document",)),
        ("glue", "GetConnections", {}, ("connection",)),
        ("glue", "CreateConnection", {"connectionInput": {"name": "c"}}, ("connection",)),
        ("glue", "GetConnection", {"name": "c"}, ()),
        ("sso", "CreateAccountAssignment", {"instanceArn": "arn:aws:sso:::instance/ssoins-1"}, ("account",)),
        ("ec2", "RunInstances", {"imageId": "ami-1", "minCount": 1}, ("security-group", "subnet")),
        ("dynamodb", "Query", {"tableName": "t", "indexName": "i"}, ()),
        ("lambda", "Invoke", {"functionName": "f", "qualifier": "PROD"}, ()),
        ("apigateway", "DeleteAuthorizer", {"restApiId": "a", "authorizerId": "b"}, ()),
        # The key that the alias stood for before is in no record.
        ("kms", "UpdateAlias", {"aliasName": "alias/a", "targetKeyId": "k"}, ("key",)),
        ("ssm", "StartSession", {"target": "i-1"}, ("document",)),
        ("ssm", "StartSession", {"target": "ecs:c_t_r", "documentName": "d"}, ("instance",)),
        ("ssm", "StartSession", {"target": "i-1", "documentName": "d"}, ()),
        ("organizations", "AttachPolicy", {"policyId": "p-1", "targetId": "ou-1"}, ("account",)),
    ],
)
def test_types_that_a_call_needs_and_its_record_does_not_tell_are_named(
    source: str, event: str, parameters: dict[str, Any], untold: tuple[str, ...]
) -> None:
    found = call(source, event, parameters).actions[0]
    assert tuple(types[0] for types in found.untold)[: len(untold)] == untold
    assert bool(found.untold) is bool(untold)


def test_a_form_without_names_tells_no_resource_among_others() -> None:
    assert told(call("bedrock", "Converse", {"modelId": "anthropic.claude-3-haiku-20240307-v1:0"})) == [
        ("bedrock:InvokeModel",)
    ]
    model = "arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan"
    assert told(call("bedrock", "InvokeModel", {"modelId": model})) == [("bedrock:InvokeModel", model)]
    # Who invokes a profile needs the models behind it, too (Bedrock User Guide: prerequisites of inference profiles).
    profile = f"arn:aws:bedrock:{HERE}:inference-profile/eu.amazon.titan"
    assert told(call("bedrock", "InvokeModel", {"modelId": profile})) == [("bedrock:InvokeModel",)]


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["SELECT * FROM a", "DELETE FROM b WHERE x = 'from c'"], [("Select", "a"), ("Delete", "b")]),
        (['UPDATE "a" SET x = 1', "INSERT INTO b VALUE {}"], [("Update", "a"), ("Insert", "b")]),
        (['SELECT * FROM "a"."index"', "DELETE FROM b"], [("Select", "a/index/index"), ("Delete", "b")]),
        (["EXISTS(SELECT * FROM a)", "DELETE FROM b"], [("Select", ""), ("Delete", "b")]),
        (["EXISTS (SELECT * FROM a)", "DELETE FROM b"], [("Select", ""), ("Delete", "b")]),
    ],
)
def test_each_statement_of_a_transaction_has_its_own_table(statements: list[str], found: list[tuple[str, str]]) -> None:
    listed = [{"ARN": f"arn:aws:dynamodb:{HERE}:table/{name}"} for name in "abc"]
    parameters = {"transactStatements": [{"statement": one} for one in statements]}
    assert told(call("dynamodb", "ExecuteTransaction", parameters, resources=listed)) == [
        (f"dynamodb:PartiQL{word}", *([f"arn:aws:dynamodb:{HERE}:table/{table}"] if table else []))
        for word, table in found
    ]


_POINT = f"arn:aws:s3:{HERE}:accesspoint/p"
_MADE_BY = "arn:aws:bedrock:eu-west-1::foundation-model/m"


@pytest.mark.parametrize(
    ("source", "event", "parameters", "found"),
    [
        # What people write into keys, prefixes, tags and items is no resource.
        ("s3", "GetObject", {"bucketName": "b", "key": "arn:aws:s3:::c/k"}, ["arn:aws:s3:::b/arn:aws:s3:::c/k"]),
        ("s3", "AbortMultipartUpload", {"bucketName": "b", "key": "arn:aws:s3:::c/k"},
         ["arn:aws:s3:::b/arn:aws:s3:::c/k"]),
        ("s3", "ListObjectsV2", {"bucketName": "b", "prefix": "arn:aws:s3:::c"}, ["arn:aws:s3:::b"]),
        ("dynamodb", "PutItem", {"tableName": "a", "key": {"id": f"arn:aws:dynamodb:{HERE}:table/b", "tableName": "c"}},
         [f"arn:aws:dynamodb:{HERE}:table/a"]),
        ("ec2", "CreateKeyPair", {"keyName": "k", "tagSpecificationSet": {"items": [{"resourceType": "key-pair",
         "tags": [{"key": "a", "value": f"arn:aws:ec2:{HERE}:key-pair/other"}]}]}}, [f"arn:aws:ec2:{HERE}:key-pair/k"]),
        ("ec2", "AuthorizeSecurityGroupIngress", {"groupId": "sg-1", "ipPermissions": {"items": [{"groups": {"items": [
         {"groupId": "sg-2"}]}}]}}, [f"arn:aws:ec2:{HERE}:security-group/sg-1"]),
        # EC2 records some calls within an object, and texts beside a number.
        ("ec2", "CreateVpcEndpoint", {"CreateVpcEndpointRequest": {"VpcId": "vpc-1",
         "RouteTableId": {"content": "rtb-1", "tag": 1}}},
         [f"arn:aws:ec2:{HERE}:route-table/rtb-1", f"arn:aws:ec2:{HERE}:vpc/vpc-1",
          f"arn:aws:ec2:{HERE}:vpc-endpoint/*"]),
        ("s3", "PutObject", {"bucketName": _POINT, "key": "k"}, [f"{_POINT}/object/k"]),
        ("s3", "PutObject", {"bucketName": _POINT, "key": "k*"}, []),
        ("sts", "AssumeRoot", {"targetPrincipal": "444455556666"}, ["arn:aws:iam::444455556666:root"]),
        ("sqs", "GetQueueUrl", {"queueName": "q", "queueOwnerAWSAccountId": "444455556666"},
         ["arn:aws:sqs:eu-west-1:444455556666:q"]),
        ("events", "PutRule", {"name": "r", "eventBusName": f"arn:aws:events:{HERE}:event-bus/b"},
         [f"arn:aws:events:{HERE}:rule/b/r"]),
        ("ssm", "GetParameter", {"name": "/aws/service/ami"}, ["arn:aws:ssm:eu-west-1::parameter/aws/service/ami"]),
        ("ssm", "GetParameter", {"name": "a:3"}, []),
        ("secretsmanager", "GetSecretValue", {"secretId": f"arn:aws:secretsmanager:{HERE}:secret:n"},
         [f"arn:aws:secretsmanager:{HERE}:secret:n-??????"]),
        ("dynamodb", "ExecuteStatement", {"statement": 'SELECT * FROM "a"."i" WHERE x = 1'},
         [f"arn:aws:dynamodb:{HERE}:table/a/index/i"]),
    ],
)  # fmt: skip
def test_the_resource_is_the_one_that_the_call_was_checked_on(
    source: str, event: str, parameters: dict[str, Any], found: list[str]
) -> None:
    assert list(call(source, event, parameters).actions[0].resources) == found


def test_who_calls_through_an_access_point_is_authorized_on_that() -> None:
    # S3 User Guide, monitoring access points: the ARN of the access point stands beside those of object and bucket.
    listed = [{"ARN": arn} for arn in ("arn:aws:s3:::b/k", "arn:aws:s3:::b", _POINT)]
    assert told(call("s3", "GetObject", {"bucketName": "b", "key": "k"}, resources=listed)) == [
        ("s3:GetObject", f"{_POINT}/object/k")
    ]
    assert told(call("s3", "ListObjects", {"bucketName": "b"}, resources=listed)) == [("s3:ListBucket", _POINT)]
    copied = {"bucketName": "b", "key": "k", "x-amz-copy-source": f"{_POINT}/object/a/b"}
    assert told(call("s3", "CopyObject", copied)) == [
        ("s3:PutObject", "arn:aws:s3:::b/k"),
        ("s3:GetObject", f"{_POINT}/object/a/b"),
    ]
    # Which of both was called through it is not told.
    assert told(call("s3", "CopyObject", copied, resources=listed))[0] == ("s3:PutObject",)


def test_each_thing_that_is_tagged_while_it_is_made_is_checked() -> None:
    tags = [{"resourceType": kind, "tags": [{"key": "a", "value": "b"}]} for kind in ("instance", "volume")]
    ran = call("ec2", "RunInstances", {"imageId": "ami-1", "tagSpecificationSet": {"items": tags}})
    assert told(ran)[1] == ("ec2:CreateTags", f"arn:aws:ec2:{HERE}:instance/*", f"arn:aws:ec2:{HERE}:volume/*")
    # Not what it is made from.
    made = call("ec2", "CreateVolume", {"snapshotId": "snap-1", "tagSpecificationSet": {"items": tags[1:]}})
    assert told(made)[1] == ("ec2:CreateTags", f"arn:aws:ec2:{HERE}:volume/*")
    wrapped = {"VpcId": "vpc-1", "TagSpecification": {"ResourceType": "vpc-endpoint", "Tag": {"Key": "a"}, "tag": 1}}
    endpoint = call("ec2", "CreateVpcEndpoint", {"CreateVpcEndpointRequest": wrapped})
    assert told(endpoint)[1] == ("ec2:CreateTags", f"arn:aws:ec2:{HERE}:vpc-endpoint/*")


@pytest.mark.parametrize(
    ("source", "event", "action"),
    [
        ("ec2", "CreateSnapshots", "ec2:CreateTags"),
        ("ecs", "CreateCluster", "ecs:TagResource"),
        ("rds", "CreateDBInstance", "rds:AddTagsToResource"),
        ("ecs", "TagResource", ""),
        ("iam", "TagRole", ""),
    ],
)
def test_a_call_that_sets_tags_may_be_checked_for_that(source: str, event: str, action: str) -> None:
    tagged = call(source, event, {"tags": [{"key": "a", "value": "b"}]})
    assert [one.action for one in tagged.possible if "Tag" in one.action] == ([action] if action else [])


def test_a_guardrail_is_checked_besides_the_model() -> None:
    guardrail = f"arn:aws:bedrock:{HERE}:guardrail/g"
    for event, given in (("InvokeModel", {"guardrailIdentifier": "g"}),
                         ("Converse", {"guardrailConfig": {"guardrailIdentifier": guardrail}})):  # fmt: skip
        assert told(call("bedrock", event, {"modelId": _MADE_BY, **given})) == [
            ("bedrock:InvokeModel", _MADE_BY),
            ("bedrock:ApplyGuardrail", guardrail),
        ]
    assert told(call("bedrock", "InvokeModel", {"modelId": _MADE_BY})) == [("bedrock:InvokeModel", _MADE_BY)]


def test_the_call_that_makes_an_entity_tells_its_path() -> None:
    made = call("iam", "CreateRole", {"roleName": "r", "path": "/team/"})
    assert told(made) == [("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/team/r")]


def test_of_each_check_in_the_table_it_is_known_whether_a_record_tells_of_it() -> None:
    told_or_not = api_calls._TOLD | api_calls._OF_TEMPLATES | {"its tags are copied", "it is connected to a VPC"}
    open_ones = {
        check.when
        for checks in COMPANIONS.values()
        for check in checks
        if check.when and not check.via and check.action != "iam:PassRole" and check.when not in told_or_not
    }
    # A call of which one of these holds may have been checked, and is no longer said to be still allowed.
    assert open_ones == {
        "layers are used", "the code comes from a bucket", "it is there already", "the template has inline policies",
        "the template has managed policies", "a knowledge base is read", "a model answers",
        "it is replicated to another Region", "AWS checks an action of that name, which it does not document",
    }  # fmt: skip


def test_the_record_s_own_resources_come_first() -> None:
    key = f"arn:aws:kms:{HERE}:key/1"
    found = call("kms", "Decrypt", {"keyId": "alias/a"}, resources=[{"ARN": key, "type": "AWS::KMS::Key"}])
    listed = [
        {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/k"},
        {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b"},
    ]

    assert told(found) == [("kms:Decrypt", key)]
    assert told(call("s3", "GetObject", None, resources=listed)) == [("s3:GetObject", "arn:aws:s3:::b/k")]
    assert told(call("s3", "ListObjects", None, resources=listed)) == [("s3:ListBucket", "arn:aws:s3:::b")]


def test_each_key_of_a_reencryption_has_its_own_action() -> None:
    old, new = (f"arn:aws:kms:{HERE}:key/{name}" for name in ("old", "new"))
    listed = [{"ARN": old}, {"ARN": new}]

    found = call("kms", "ReEncrypt", {"sourceKeyId": old, "destinationKeyId": new}, resources=listed)

    assert told(found) == [("kms:ReEncryptFrom", old), ("kms:ReEncryptTo", new)]


def test_the_answer_tells_the_path_of_an_iam_entity() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/team/r"

    found = call("iam", "CreateRole", {"roleName": "r"}, responseElements={"role": {"arn": arn, "roleName": "r"}})

    assert told(found) == [("iam:CreateRole", arn)]


def test_a_call_about_oneself_is_about_the_user_who_called() -> None:
    ana = f"arn:aws:iam::{ACCOUNT}:user/ana"
    found = call("iam", "ListAccessKeys", {}, userIdentity={"type": "IAMUser", "arn": ana, "accountId": ACCOUNT})
    assert told(found) == [("iam:ListAccessKeys", ana)]


def test_the_partition_is_that_of_the_region() -> None:
    found = call("sns", "CreateTopic", {"name": "t"}, awsRegion="us-gov-west-1")
    assert told(found) == [("sns:CreateTopic", f"arn:aws-us-gov:sns:us-gov-west-1:{ACCOUNT}:t")]


@pytest.mark.parametrize(
    ("source", "event", "more", "why"),
    [
        ("signin", "ConsoleLogin", {"eventType": "AwsConsoleSignIn"}, "signing in"),
        ("signin", "SwitchRole", {}, "signing in"),
        ("kms", "RotateKey", {"eventType": "AwsServiceEvent"}, "nobody called"),
        ("lambda", "Nonsense", {}, "no action"),
        ("nonsense", "GetObject", {}, "no action"),
        ("dynamodb", "ExecuteStatement", {"requestParameters": {"statement": "MERGE x"}}, "no action"),
        ("", "", {}, "no action"),
    ],
)
def test_what_is_not_known_is_not_mapped(source: str, event: str, more: dict[str, Any], why: str) -> None:
    found = (
        call(source, event, {}, **more) if "requestParameters" not in more else call(source, event, **_renamed(more))
    )
    assert found.actions == ()
    assert why in found.unmapped


def _renamed(more: dict[str, Any]) -> dict[str, Any]:
    return {"parameters": more["requestParameters"]}


@pytest.mark.parametrize(
    "parameters",
    [
        [],
        "text",
        7,
        {"bucketName": {"a": 1}, "key": ["x", None, {}]},
        {"bucketName": "HIDDEN_DUE_TO_SECURITY_REASONS", "key": "k"},
        {"bucketName": "", "key": ""},
        {"bucketName": "b", "key": "${aws:username}"},
    ],
)
def test_parameters_of_another_shape_tell_nothing(parameters: Any) -> None:
    assert [
        one[1:] for one in told(call("s3", "GetObject", parameters)) if one[1:] not in ((), ("arn:aws:s3:::b/*",))
    ] == []


def test_a_record_of_other_types_is_not_mapped() -> None:
    strange = {
        "eventSource": 1,
        "eventName": None,
        "resources": {"ARN": "x"},
        "userIdentity": [],
        "responseElements": "x",
    }
    assert authorized_by(strange).actions == ()
    assert authorized_by({}).actions == ()


def test_a_call_that_names_too_much_tells_no_resources() -> None:
    names = [f"n{number}" for number in range(201)]
    assert told(call("monitoring", "DeleteAlarms", {"alarmNames": names})) == [("cloudwatch:DeleteAlarms",)]


# Every operation of the SDK.


class Operation(NamedTuple):
    """An operation of botocore's models, with the record of a call that gives every parameter.

    Args:
        prefix: of its action; "" where no action is known.
    """

    service: str
    name: str
    prefix: str
    found: CallActions


def operations(services: list[str] | None = None) -> Iterator[Operation]:
    session = botocore.session.get_session()
    for service in services or session.get_available_services():
        model = session.get_service_model(service)
        sources = dict.fromkeys((model.signing_name, model.endpoint_prefix, service))
        for name in model.operation_names:
            source = next((one for one in sources if iam_actions(one, name)), service)
            action = next(iter(iam_actions(source, name)), "")
            shape = model.operation_model(name).input_shape
            parameters = dict(_parameters(shape.members if shape else {}, action))
            if action == "dynamodb:PartiQLSelect":
                parameters = {"statement": "SELECT * FROM t"}
            found = call(source.removesuffix(".amazonaws.com"), name, parameters)
            yield Operation(service, name, action.partition(":")[0], found)


def _parameters(members: Mapping[str, Any], action: str) -> Iterator[tuple[str, Any]]:
    prefix, _, name = action.lower().partition(":")
    for member, shape in members.items():
        key = member[0].lower() + member[1:]
        if prefix == "s3" and key in ("bucket", "versionId"):
            key = "bucketName"
        is_list = shape.type_name == "list"
        value: Any = None
        if re.search("arns?(list)?$", key.lower()):
            value = _an_arn(prefix, name, key)
        elif key == "queueUrl":
            value = f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/q"
        elif (shape.member if is_list else shape).type_name in ("string", "integer"):
            value = f"x{member}"
        if value is not None:
            yield key, [value] if is_list else value


def _an_arn(prefix: str, name: str, key: str) -> str | None:
    """An ARN of the type that a parameter is called after."""
    stem = re.sub("arns?(list)?$", "", key.lower())
    types = [str(one["name"]).lower() for one in service_data.actions(prefix).get(name, {}).get("resourceTypes", ())]
    letters = {kind: re.sub("[^a-z]", "", kind) for kind in types}
    own = [kind for kind in types if stem in ("", "resource", "target") or stem.endswith(letters[kind])]
    if not own:
        return None
    form = str(service_data.resource_types(prefix)[own[0]]["arn"]).split(", ")[0]
    fields = {"${Partition}": "aws", "${Region}": "eu-west-1", "${Account}": ACCOUNT}
    return re.sub(r"\$\{[^}]*\}|\*", lambda match: fields.get(match.group(), "x1"), form)


_UNLIKE = ("apigateway", "artifact", "backup", "connect", "dms", "greengrass", "kms")
"""Services of which the reference lacks some ARN forms, or of whose resources the made-up names are none."""


def check_all(found: list[Operation]) -> Counter[str]:
    """That what is told of operations is of the catalogue; returns how many are told how far."""
    counts: Counter[str] = Counter()
    for one in found:
        counts["operations"] += 1
        if one.found.unmapped:
            continue
        counts["actions"] += 1
        for action in one.found.actions:
            assert catalogue().names.proper(action.action) == action.action, one
            # An ARN with a name, or with a star: never one with a gap.
            assert all(arn == "*" or re.match(r"arn:[\w-]+:[\w-]+:", arn) for arn in action.resources), one
            assert not any("${" in arn or arn.endswith("::") for arn in action.resources), one
            strict = action.action.partition(":")[0] not in _UNLIKE
            assert not strict or all(fits(action.action, arn) for arn in action.resources), one
        resources = one.found.actions[0].resources
        counts["no type" if resources == ("*",) else "resources" if resources else "open"] += 1
    return counts


def test_operations_of_a_few_services() -> None:
    counts = check_all(list(operations(["s3", "iam", "sqs", "lambda", "kms", "dynamodb", "sts", "sns", "logs"])))

    assert counts["actions"] / counts["operations"] > 0.95
    assert counts["open"] / counts["actions"] < 0.15


@pytest.mark.slow
def test_operations_of_every_service() -> None:
    found = list(operations())
    counts = check_all(found)
    unmapped: dict[str, list[str]] = defaultdict(list)
    for one in found:
        if one.found.unmapped:
            unmapped[one.service].append(one.name)
    kept: dict[str, set[str]] = defaultdict(set)
    for about in json.loads(UNMAPPED.read_text()).values():
        for service, names in about.items():
            kept[service] |= set(names)

    print(dict(counts))
    assert counts["actions"] / counts["operations"] > 0.95
    assert (counts["resources"] + counts["no type"]) / counts["actions"] > 0.85
    new = {service: set(names) - kept[service] for service, names in unmapped.items()}
    assert {service: sorted(names) for service, names in new.items() if names} == {}, "name them, with the reason"
    stale = {service: names - set(unmapped.get(service, ())) for service, names in kept.items()}
    assert {service: sorted(names) for service, names in stale.items() if names} == {}, "they are mapped now"
