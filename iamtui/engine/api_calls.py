"""From an API call to the IAM action that allows it, and to the ARN of the resource it works on.

Mostly the names are the same; where they differ the tables here say so (Service Authorization Reference;
CloudTrail User Guide: event sources).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from iamtui.catalog.actions import catalogue
from iamtui.catalog.tables import REGIONS

_PREFIXES: Final = {
    "monitoring": "cloudwatch",
    "email": "ses",
    "tagging": "tag",
    "streams.dynamodb": "dynamodb",
    "servicecatalog-appregistry": "servicecatalog",
    "cloudwatchevents": "events",
    "eventbridge": "events",
    "cloudwatchlogs": "logs",
    "elasticloadbalancingv2": "elasticloadbalancing",
    "sfn": "states",
    "cognitoidentityprovider": "cognito-idp",
    "cognitoidentity": "cognito-identity",
    "efs": "elasticfilesystem",
    "elbv2": "elasticloadbalancing",
    "ecrpublic": "ecr-public",
    "s3control": "s3",
    "opensearch": "es",
}
"""Event source or SDK name (lower case) to IAM prefix, where it is another."""

_ACTIONS: Final = {
    "s3": {
        "ListObjects": "ListBucket",
        "ListObjectsV2": "ListBucket",
        "HeadBucket": "ListBucket",
        "HeadObject": "GetObject",
        "SelectObjectContent": "GetObject",
        "ListBuckets": "ListAllMyBuckets",
        "ListObjectVersions": "ListBucketVersions",
        "DeleteObjects": "DeleteObject",
        "CopyObject": "PutObject",
        "CreateMultipartUpload": "PutObject",
        "UploadPart": "PutObject",
        "UploadPartCopy": "PutObject",
        "CompleteMultipartUpload": "PutObject",
        "ListParts": "ListMultipartUploadParts",
        "ListMultipartUploads": "ListBucketMultipartUploads",
        "GetBucketEncryption": "GetEncryptionConfiguration",
        "PutBucketEncryption": "PutEncryptionConfiguration",
        "DeleteBucketEncryption": "PutEncryptionConfiguration",
        "GetBucketLifecycle": "GetLifecycleConfiguration",
        "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
        "PutBucketLifecycle": "PutLifecycleConfiguration",
        "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
        "DeleteBucketLifecycle": "PutLifecycleConfiguration",
        "GetBucketReplication": "GetReplicationConfiguration",
        "PutBucketReplication": "PutReplicationConfiguration",
        "DeleteBucketReplication": "PutReplicationConfiguration",
        "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
        "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
        "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
        "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
        "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
        "GetBucketCors": "GetBucketCORS",
        "PutBucketCors": "PutBucketCORS",
        "DeleteBucketCors": "PutBucketCORS",
        "DeleteBucketTagging": "PutBucketTagging",
        "GetBucketAnalyticsConfiguration": "GetAnalyticsConfiguration",
        "PutBucketAnalyticsConfiguration": "PutAnalyticsConfiguration",
        "GetBucketInventoryConfiguration": "GetInventoryConfiguration",
        "PutBucketInventoryConfiguration": "PutInventoryConfiguration",
        "GetBucketMetricsConfiguration": "GetMetricsConfiguration",
        "PutBucketMetricsConfiguration": "PutMetricsConfiguration",
        "GetBucketNotificationConfiguration": "GetBucketNotification",
        "PutBucketNotificationConfiguration": "PutBucketNotification",
        "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
        "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    },
    "lambda": {"Invoke": "InvokeFunction", "InvokeWithResponseStream": "InvokeFunction"},
    "dynamodb": {
        "ExecuteStatement": "PartiQLSelect",
        "TransactGetItems": "GetItem",
        "TransactWriteItems": "PutItem",
    },
    "kms": {"ReEncrypt": "ReEncryptFrom"},
    "sqs": {
        "SendMessageBatch": "SendMessage",
        "DeleteMessageBatch": "DeleteMessage",
        "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    },
    "sns": {"PublishBatch": "Publish"},
    "bedrock": {"Converse": "InvokeModel", "ConverseStream": "InvokeModelWithResponseStream"},
}
"""IAM prefix to API operation to the action that is checked, where it has another name."""

_VERSION: Final = re.compile(r"(?:20\d{6}|20\d\d_\d\d_\d\d)(?:v\d)?$")
_IAM_KINDS: Final = {
    "roleName": "role",
    "userName": "user",
    "groupName": "group",
    "instanceProfileName": "instance-profile",
    "policyName": "policy",
}


def iam_prefix(source: str) -> str:
    """The IAM service prefix for a CloudTrail event source or an SDK's service name ("s3.amazonaws.com", "S3")."""
    name = source.strip().lower().replace(" ", "").removesuffix(".cn").removesuffix(".amazonaws.com")
    return _PREFIXES.get(name, name)


def iam_action(source: str, operation: str) -> str:
    """The IAM action that allows an API call; "" when the catalogue knows none.

    Args:
        source: event source or SDK service name; "" when unknown: an operation that one service only has is found.
        operation: the API operation, with or without the version that Lambda and CloudFront put behind it.
    """
    name = _VERSION.sub("", operation)
    if not name:
        return ""
    if not source:
        return _only_service_with(name)
    prefix = iam_prefix(source)
    mapped = _ACTIONS.get(prefix, {}).get(name, name)
    return catalogue().names.proper(f"{prefix}:{mapped}") or ""


def _only_service_with(operation: str) -> str:
    told = {f"{prefix}:{table[operation]}" for prefix, table in _ACTIONS.items() if operation in table}
    wanted = f":{operation.lower()}"
    told.update(name for name in catalogue().search_actions(operation, 400) if name.lower().endswith(wanted))
    return next(iter(told)) if len(told) == 1 else ""


def resource_of_call(source: str, action: str, parameters: Mapping[str, Any], *, account: str, region: str) -> str:
    """The ARN of the resource that a call's parameters name, in the Region's partition; "" when that cannot be told.

    An IAM entity's ARN comes without its path, which the parameters do not have.
    """
    partition = next((partition for partition, regions in REGIONS.items() if region in regions), "aws")
    prefix = iam_prefix(source)
    given = {key: value for key, value in parameters.items() if isinstance(value, str) and value}
    maker = _MAKERS.get(prefix)
    made = maker(given, action, partition, region, account) if maker is not None else ""
    return made or next(_arns_in(parameters), "")


def _arns_in(parameters: Mapping[str, Any]) -> Iterator[str]:
    for key, value in parameters.items():
        if isinstance(value, str) and value.startswith("arn:") and key.lower().endswith(("arn", "id", "identifier")):
            yield value


def _s3(given: Mapping[str, str], action: str, partition: str, _region: str, _account: str) -> str:
    bucket = given.get("bucketName") or given.get("Bucket") or given.get("bucket") or ""
    if not bucket:
        return ""
    if bucket.startswith("arn:"):
        return bucket
    key = given.get("key") or given.get("Key") or ""
    on_object = "Object" in action or "MultipartUploadParts" in action
    if on_object and "Bucket" not in action:
        return f"arn:{partition}:s3:::{bucket}/{key}" if key else f"arn:{partition}:s3:::{bucket}/*"
    return f"arn:{partition}:s3:::{bucket}"


def _iam(given: Mapping[str, str], _action: str, partition: str, _region: str, account: str) -> str:
    for key in ("roleArn", "policyArn"):
        if given.get(key) and not any(name in given for name in _IAM_KINDS):
            return given[key]
    for key, kind in _IAM_KINDS.items():
        if key in given and account:
            return f"arn:{partition}:iam::{account}:{kind}/{given[key]}"
    return ""


def _lambda(given: Mapping[str, str], _action: str, partition: str, region: str, account: str) -> str:
    name = given.get("functionName", "")
    if name.startswith("arn:"):
        return name
    return f"arn:{partition}:lambda:{region}:{account}:function:{name}" if name and account and region else ""


def _sqs(given: Mapping[str, str], _action: str, partition: str, region: str, account: str) -> str:
    parts = given.get("queueUrl", "").rstrip("/").split("/")
    if len(parts) >= 5 and parts[-2].isdigit():
        return f"arn:{partition}:sqs:{region}:{parts[-2]}:{parts[-1]}"
    name = given.get("queueName", "")
    return f"arn:{partition}:sqs:{region}:{account}:{name}" if name and account else ""


def _named(service: str, kind: str, *keys: str) -> Any:
    def make(given: Mapping[str, str], _action: str, partition: str, region: str, account: str) -> str:
        for key in keys:
            name = given.get(key, "")
            if name.startswith("arn:"):
                return name
            if name and region and account:
                return f"arn:{partition}:{service}:{region}:{account}:{kind}{name}"
        return ""

    return make


def _kms(given: Mapping[str, str], _action: str, partition: str, region: str, account: str) -> str:
    key = given.get("keyId", "")
    if key.startswith("arn:"):
        return key
    if not key or not account:
        return ""
    # The key behind an alias is not told; a question about the alias is answered about it.
    return f"arn:{partition}:kms:{region}:{account}:{key if key.startswith('alias/') else f'key/{key}'}"


def _arn_only(*keys: str) -> Any:
    def make(given: Mapping[str, str], _action: str, _partition: str, _region: str, _account: str) -> str:
        return next((given[key] for key in keys if given.get(key, "").startswith("arn:")), "")

    return make


_MAKERS: Final[Mapping[str, Any]] = {
    "s3": _s3,
    "iam": _iam,
    "lambda": _lambda,
    "sqs": _sqs,
    "kms": _kms,
    "sts": _arn_only("roleArn"),
    "sns": _arn_only("topicArn", "targetArn"),
    "secretsmanager": _arn_only("secretId"),
    "dynamodb": _named("dynamodb", "table/", "tableName"),
    "ssm": _named("ssm", "parameter/", "documentName"),
    "logs": _named("logs", "log-group:", "logGroupName"),
    "ecr": _named("ecr", "repository/", "repositoryName"),
    "kinesis": _named("kinesis", "stream/", "streamName"),
    "ec2": _named("ec2", "instance/", "instanceId"),
    "states": _arn_only("stateMachineArn", "executionArn"),
    "cloudtrail": _named("cloudtrail", "trail/", "name"),
    "eks": _named("eks", "cluster/", "name"),
}
