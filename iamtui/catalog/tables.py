"""What AWS documents in prose and no data set carries: RCP services, synthetic resources, companions, id prefixes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

RCP_SERVICES_READ: Final = date(2026, 9, 26)
"""When the list of services that support RCPs was read; it keeps growing."""

RCP_SERVICES: Final = frozenset(
    (
        "aoss",
        "appconfig",
        "appstream",
        "autoscaling",
        "autoscaling-plans",
        "budgets",
        "clouddirectory",
        "cloudfront",
        "cloudsearch",
        "cloudtrail-data",
        "codeartifact",
        "codebuild",
        "codecommit",
        "codepipeline",
        "cognito-identity",
        "cognito-idp",
        "comprehend",
        "comprehendmedical",
        "compute-optimizer",
        "cost-optimization-hub",
        "dax",
        "dsql",
        "dynamodb",
        "ecr",
        "ecr-public",
        "events",
        "firehose",
        "fis",
        "fms",
        "gamelift",
        "health",
        "inspector-scan",
        "kendra",
        "kinesisvideo",
        "kms",
        "logs",
        "memorydb",
        "networkmonitor",
        "notifications",
        "opensearch",
        "pca-connector-ad",
        "personalize",
        "polly",
        "pricing",
        "resource-groups",
        "rolesanywhere",
        "s3",
        "secretsmanager",
        "servicediscovery",
        "signin",
        "sqs",
        "sts",
        "support",
        "swf",
        "textract",
        "timestream-influxdb",
        "transcribe",
        "transfer",
        "translate",
        "wafv2",
        "workspaces",
        "xray",
    )
)
"""Service prefixes whose actions RCPs can restrict (Organizations User Guide: resource control policies)."""

_SYNTHETIC: Final[Mapping[str, str]] = MappingProxyType({"iam:listroles": "arn:{partition}:iam::{account}:role/*"})


def synthetic_resource(action: str, account: str, partition: str = "aws") -> str | None:
    """The ARN that AWS authorizes a list action on although the action has no resource type, or None.

    Args:
        action: "service:Operation", any letter case.
        account: 12 digits, the caller's account.
    """
    form = _SYNTHETIC.get(action.lower())
    return None if form is None else form.format(partition=partition, account=account)


@dataclass(frozen=True, slots=True)
class Check:
    """One authorization request that an API call leads to.

    Args:
        action: the IAM action that is checked.
        resource: what it is checked on, in words.
        when: on which calls, in words; empty: on every call.
        note: what else to know, one sentence, or empty.
        arn: form of the resource when it is another than that of the call, with {partition}, {account} and
            {bucket} (the bucket of the call's resource) to fill in, such as `arn:{partition}:iam::{account}:role/*`;
            empty: the resource of the call.
        context: condition keys that this check always carries, with their value.
    """

    action: str
    resource: str
    when: str = ""
    note: str = ""
    arn: str = ""
    context: tuple[tuple[str, str], ...] = ()


_DECRYPT: Final = Check("kms:Decrypt", "the KMS key", "the object is encrypted with SSE-KMS", "Comes through S3.")
_DATA_KEY: Final = Check(
    "kms:GenerateDataKey", "the KMS key", "the object is encrypted with SSE-KMS", "Comes through S3."
)
_BUCKET: Final = (Check("s3:ListBucket", "the bucket"),)
_READ_OBJECT: Final = (
    Check("s3:GetObject", "the object"),
    Check("s3:GetObjectVersion", "the object", "a version id is given"),
    Check("s3:ListBucket", "the bucket", "the key does not exist", "Without it a missing key answers 403, not 404."),
    _DECRYPT,
)

_COMPANIONS: Final[Mapping[str, tuple[Check, ...]]] = MappingProxyType(
    {
        "ec2:runinstances": (
            Check(
                "ec2:RunInstances",
                "the instance, image, subnet, network interface, security group, volume and key pair, each by itself",
                note="A condition key that exists for one of them only fails on the others unless ...IfExists is used.",
            ),
            Check("ec2:CreateTags", "the instance and the volume", "tags are set"),
            Check("iam:PassRole", "the role of the instance profile", "an instance profile is given"),
        ),
        "iam:createrole": (
            Check("iam:CreateRole", "the role", note="A boundary is seen by iam:PermissionsBoundary."),
            Check("iam:TagRole", "the role", "tags are set"),
        ),
        "lambda:createfunction": (
            Check("lambda:CreateFunction", "the function"),
            Check("iam:PassRole", "the execution role"),
        ),
        "lambda:invoke": (
            Check("lambda:InvokeFunction", "the function"),
            Check("lambda:InvokeFunctionUrl", "the function", "it is called through its function URL"),
        ),
        "s3:copyobject": (
            Check("s3:GetObject", "the source object"),
            Check("s3:PutObject", "the target object"),
            _DECRYPT,
            _DATA_KEY,
        ),
        "s3:getobject": _READ_OBJECT,
        "s3:headbucket": _BUCKET,
        "s3:headobject": _READ_OBJECT,
        "s3:listobjects": _BUCKET,
        "s3:listobjectsv2": _BUCKET,
        "s3:putobject": (Check("s3:PutObject", "the object"), _DATA_KEY),
        "sts:assumerole": (
            Check("sts:AssumeRole", "the role"),
            Check("sts:TagSession", "the role", "session tags are set", "The trust policy must allow it too."),
            Check(
                "sts:SetSourceIdentity", "the role", "a source identity is set", "The trust policy must allow it too."
            ),
        ),
    }
)


def companions(call: str) -> tuple[Check, ...]:
    """The authorization requests behind one API call ("s3:CopyObject", any letter case).

    A call that is not in the table gives (): it is checked as the action of its own name, as far as known.
    """
    return _COMPANIONS.get(call.lower(), ())


UNIQUE_ID_PREFIXES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AAGA": "action group",
        "ABIA": "STS service bearer token",
        "ACCA": "context-specific credential",
        "AGPA": "user group",
        "AIDA": "IAM user",
        "AIPA": "EC2 instance profile",
        "AKIA": "long-term access key",
        "ANPA": "managed policy",
        "ANVA": "version of a managed policy",
        "APKA": "public key",
        "AROA": "role",
        "ASCA": "certificate",
        "ASIA": "temporary access key",
    }
)
"""First four characters of an AWS unique id, to what it names (IAM User Guide: identifiers)."""


def unique_id_kind(text: str) -> str | None:
    """What a unique id or access key id names, or None when the text is no such id."""
    plausible = 16 <= len(text) <= 128 and text.isascii() and text.isalnum() and text.isupper()
    return UNIQUE_ID_PREFIXES.get(text[:4]) if plausible else None
