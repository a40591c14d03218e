"""Tables of what AWS documents in prose only: RCP services, synthetic resources, id prefixes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final, NamedTuple

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

REGIONS_READ: Final = date(2026, 10, 27)
"""When the list of Regions was read; it keeps growing."""

REGIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "aws": frozenset(
            (
                "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
                "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4",
                "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1",
                "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3",
                "il-central-1", "me-central-1", "me-south-1", "me-west-1", "mx-central-1", "sa-east-1", "sa-west-1",
                "us-east-1", "us-east-2", "us-west-1", "us-west-2",
            )
        ),
        "aws-cn": frozenset(("cn-north-1", "cn-northwest-1")),
        "aws-eusc": frozenset(("eusc-de-east-1",)),
        "aws-iso": frozenset(("us-iso-east-1", "us-iso-west-1")),
        "aws-iso-b": frozenset(("us-isob-east-1", "us-isob-west-1")),
        "aws-iso-e": frozenset(("eu-isoe-west-1",)),
        "aws-iso-f": frozenset(("us-isof-east-1", "us-isof-south-1")),
        "aws-us-gov": frozenset(("us-gov-east-1", "us-gov-west-1")),
    }
)  # fmt: skip
"""The Regions of each partition (AWS General Reference: Regions and endpoints)."""

RETIRED_SERVICES: Final = frozenset(
    (
        "codestar", "deepcomposer", "deeplens", "deepracer", "elastic-inference", "evidently", "iot1click", "iotevents",
    )
)  # fmt: skip
"""Action prefixes of services that AWS has ended and its reference no longer lists; old policies still name them."""


class UnsignedRequests(NamedTuple):
    """The requests that a service takes without a signature.

    Args:
        actions: names of its actions in lower case, a `*` at the end for any text.
        source: where AWS says so.
    """

    actions: tuple[str, ...]
    source: str


UNSIGNED_REQUESTS: Final[Mapping[str, UnsignedRequests]] = MappingProxyType(
    {
        "ecr-public": UnsignedRequests(("*",), "Amazon ECR Public User Guide: public repository policies"),
        "elasticfilesystem": UnsignedRequests(
            ("client*",), "Amazon EFS User Guide: using IAM to control access to file systems"
        ),
        "es": UnsignedRequests(
            ("eshttp*",), "OpenSearch Service Developer Guide: making and signing OpenSearch Service requests"
        ),
        "execute-api": UnsignedRequests(
            ("invoke",), "API Gateway Developer Guide: how resource policies affect authorization workflow"
        ),
        "lambda": UnsignedRequests(
            ("invokefunctionurl", "invokefunction"), "Lambda Developer Guide: control access to function URLs"
        ),
        "mediastore": UnsignedRequests(
            ("getobject", "describeobject"), "MediaStore User Guide: example container policy, public read access"
        ),
        "s3": UnsignedRequests(("*",), "S3 User Guide: making requests"),
        "sns": UnsignedRequests(("*",), "SNS API Reference: ConfirmSubscription; SNS Developer Guide: access control"),
        "sqs": UnsignedRequests(("*",), "SQS Developer Guide: custom access policy language examples"),
        "vpc-lattice-svcs": UnsignedRequests(
            ("invoke", "connect"), "VPC Lattice User Guide: control access to services using auth policies"
        ),
    }
)
"""By action prefix. They are the exception: all other services take signed requests only (IAM User Guide: how IAM
works). STS takes its two calls for the users of an identity provider, which no policy opens to everybody."""

KEYS_OF_RESOURCE_POLICIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "elasticfilesystem": (
            "aws:securetransport", "aws:sourceip",
            "elasticfilesystem:accesspointarn", "elasticfilesystem:accessedviamounttarget",
        ),
        "ses": (
            "aws:currenttime", "aws:epochtime", "aws:securetransport", "aws:sourceip", "aws:sourcevpc",
            "aws:sourcevpce", "aws:useragent", "aws:vpcsourceip",
            "ses:feedbackaddress", "ses:fromaddress", "ses:fromdisplayname", "ses:recipients",
        ),
    }
)  # fmt: skip
"""The only condition keys, by service, that the policies of its resources see: EFS enforces no others (EFS User Guide:
using IAM to control access to file systems), and SES implements no other AWS-wide ones (SES Developer Guide: policy
anatomy)."""

UNSIGNED_REQUESTS_NOT_DOCUMENTED: Final = frozenset(("s3-object-lambda", "s3-outposts"))
"""Services before Amazon S3 of which AWS does not say whether they take its unsigned requests."""

_SYNTHETIC: Final[Mapping[str, str]] = MappingProxyType({"iam:listroles": "arn:{partition}:iam::{account}:role/*"})


def synthetic_resource(action: str, account: str, partition: str = "aws") -> str | None:
    """The ARN that AWS authorizes a list action on although the action has no resource type, or None.

    Args:
        action: "service:Operation", any letter case.
        account: 12 digits, the caller's account.
    """
    form = _SYNTHETIC.get(action.lower())
    return None if form is None else form.format(partition=partition, account=account)


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
    """Kind of entity of a unique id or access key id, or None when the text is no such id."""
    plausible = 16 <= len(text) <= 128 and text.isascii() and text.isalnum() and text.isupper()
    return UNIQUE_ID_PREFIXES.get(text[:4]) if plausible else None
