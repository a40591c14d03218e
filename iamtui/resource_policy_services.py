"""What is known of each service whose resources carry policies: one entry a service, for every room.

How a policy is read, written and removed, how the AWS CLI and Terraform do it, and how ARNs are formed. It lies below
all rooms and knows none, because `policy` (colons in names), `aws` (the reads that are allowed), `sources`, `drafts`
and `questions` need it and may not import `catalog`.

Templates are filled from an ARN (`Arn.filled`): {arn}, {resource}, {name} (what is behind the first
slash, or all), {region},
{account}, {dns_suffix}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple


class OperationRequest(NamedTuple):
    """The request of an operation, as the service model of botocore describes it.

    Args:
        protocol: how parameters and answers are written.
        method: of HTTP.
        uri: path and query, with the parameters that stand in them.
        api: what names the API beside the operation: its version (query) or target prefix (json); "" for REST, where
            method and URI say it all.
    """

    protocol: str
    method: str
    uri: str
    api: str = ""


def query_request(version: str) -> OperationRequest:
    return OperationRequest("query", "POST", "/", version)


def json_request(target_prefix: str) -> OperationRequest:
    return OperationRequest("json", "POST", "/", target_prefix)


class PolicyRead(NamedTuple):
    """A call that reads the policy of a resource, or what that call needs.

    Args:
        service, operation: as botocore names them; they are among the reads of `aws/operations.py`.
        request: what the installed botocore must send for it.
        parameters: templates; {found} is what the call before it gave.
        answer: the members of the answer that lead to the text.
        beside: a member beside the text that tells a resource without a policy, of which the text is left out, from
            an answer that is none; "" where the service answers with an error then.
    """

    service: str
    operation: str
    request: OperationRequest
    parameters: Mapping[str, str | list[str]]
    answer: tuple[str, ...] = ("Policy",)
    beside: str = ""


class ResourceArnForm(NamedTuple):
    """What the ARN of a resource with a policy looks like, where a service has others that have none.

    Args:
        pattern: a regular expression for all of it.
        words: what another is not ("a bucket").
        advice: which one to give.
    """

    pattern: str
    words: str
    advice: str


class TerraformPolicy(NamedTuple):
    """The Terraform resource for a policy (documentation of the AWS provider).

    Args:
        type: of the resource.
        argument: names the owner of the policy.
        owner: template of its value, which is also the id to import.
    """

    type: str
    argument: str
    owner: str


_NO_SUCH: Final = ("ResourceNotFoundException",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """A service, by the service field of its ARNs; all but `most_colons` is about policies of resources.

    Args:
        has_policies: whether its resources can carry one (IAM User Guide: AWS services that work with IAM).
        resource: what its resource is called.
        before_name: what stands before the name in the ARN.
        form: what the ARN must look like, or None for any.
        names: a regular expression for the last field of the ARNs whose policies can be written (the rules for names
            of the service's API Reference).
        most_colons: how many colons the name of a resource has at the most, or None for any number (Service
            Authorization Reference, and the service's rules for names).
        reads: the calls that give the policy, in their order; () where iamtui reads none.
        no_policy, not_there: the errors that say that a resource has no policy, and that there is no such resource.
        writes, removes: words of the AWS CLI behind `aws` (AWS CLI Command Reference); () where no single call does.
        attribute: the CLI reads an object with the policy as this member, instead of the policy.
        terraform: its resource, or None.
        most_bytes: the longest policy, or None where that is not known.
    """

    has_policies: bool = True
    resource: str = "resource"
    before_name: str = ""
    form: ResourceArnForm | None = None
    names: str = ""
    most_colons: int | None = None
    reads: tuple[PolicyRead, ...] = ()
    no_policy: tuple[str, ...] = ()
    not_there: tuple[str, ...] = _NO_SUCH
    writes: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()
    attribute: str = ""
    terraform: TerraformPolicy | None = None
    most_bytes: int | None = None


STDIN: Final = "file:///dev/stdin"
"""Where a call of the AWS CLI reads the policy from."""

_QUEUE_URL: Final = "https://sqs.{region}.{dns_suffix}/{account}/{resource}"
"""SQS Developer Guide: queue and message identifiers."""

_SET_QUEUE: Final = ("sqs", "set-queue-attributes", "--queue-url", _QUEUE_URL, "--attributes", STDIN)
_SQS: Final = json_request("AmazonSQS")

SERVICE_SPECS: Final[Mapping[str, ServiceSpec]] = MappingProxyType(
    {
        "acm-pca": ServiceSpec(),
        "backup": ServiceSpec(),
        "cloudtrail": ServiceSpec(),
        "codeartifact": ServiceSpec(),
        "codebuild": ServiceSpec(),
        "dynamodb": ServiceSpec(
            resource="table or stream",
            before_name="table/",
            most_colons=0,
            names=r"table/[A-Za-z0-9_.-]{1,255}(/stream/[0-9T:.-]{1,40})?",
            reads=(
                PolicyRead(
                    "dynamodb", "GetResourcePolicy", json_request("DynamoDB_20120810"), {"ResourceArn": "{arn}"}
                ),
            ),
            no_policy=("PolicyNotFoundException",),
            writes=("dynamodb", "put-resource-policy", "--resource-arn", "{arn}", "--policy", STDIN),
            removes=("dynamodb", "delete-resource-policy", "--resource-arn", "{arn}"),
            terraform=TerraformPolicy("aws_dynamodb_resource_policy", "resource_arn", "{arn}"),
        ),
        "ec2": ServiceSpec(has_policies=False, most_colons=0),
        "ecr": ServiceSpec(
            resource="repository",
            before_name="repository/",
            most_colons=0,
            names=r"repository/[a-z0-9]+([._/-]+[a-z0-9]+)*",
            reads=(
                PolicyRead(
                    "ecr",
                    "GetRepositoryPolicy",
                    json_request("AmazonEC2ContainerRegistry_V20150921"),
                    {"registryId": "{account}", "repositoryName": "{name}"},
                    ("policyText",),
                ),
            ),
            no_policy=("RepositoryPolicyNotFoundException",),
            not_there=("RepositoryNotFoundException",),
            writes=("ecr", "set-repository-policy", "--repository-name", "{name}", "--policy-text", STDIN),
            removes=("ecr", "delete-repository-policy", "--repository-name", "{name}"),
            terraform=TerraformPolicy("aws_ecr_repository_policy", "repository", "{name}"),
        ),
        "ecr-public": ServiceSpec(),
        "eks": ServiceSpec(has_policies=False, most_colons=0),
        "elasticfilesystem": ServiceSpec(
            resource="file system",
            before_name="file-system/",
            names=r"file-system/fs-[0-9a-f]{1,40}",
            reads=(
                PolicyRead(
                    "efs",
                    "DescribeFileSystemPolicy",
                    OperationRequest("rest-json", "GET", "/2015-02-01/file-systems/{FileSystemId}/policy"),
                    {"FileSystemId": "{name}"},
                ),
            ),
            no_policy=("PolicyNotFound",),
            not_there=("FileSystemNotFound",),
            writes=("efs", "put-file-system-policy", "--file-system-id", "{name}", "--policy", STDIN),
            removes=("efs", "delete-file-system-policy", "--file-system-id", "{name}"),
            terraform=TerraformPolicy("aws_efs_file_system_policy", "file_system_id", "{name}"),
        ),
        "es": ServiceSpec(),
        "events": ServiceSpec(
            resource="event bus",
            before_name="event-bus/",
            form=ResourceArnForm(
                "arn:[^:]*:events:.*:event-bus/.*", "an event bus", "Only event buses have a policy in EventBridge."
            ),
            names=r"event-bus/[/._A-Za-z0-9-]{1,256}",
            reads=(
                PolicyRead("events", "DescribeEventBus", json_request("AWSEvents"), {"Name": "{arn}"}, beside="Arn"),
            ),
            writes=("events", "put-permission", "--event-bus-name", "{name}", "--policy", STDIN),
            removes=("events", "remove-permission", "--event-bus-name", "{name}", "--remove-all-permissions"),
            terraform=TerraformPolicy("aws_cloudwatch_event_bus_policy", "event_bus_name", "{name}"),
        ),
        "execute-api": ServiceSpec(),
        "glacier": ServiceSpec(),
        "glue": ServiceSpec(),
        "iam": ServiceSpec(has_policies=False, most_colons=0),
        "kafka": ServiceSpec(),
        "kinesis": ServiceSpec(),
        "kms": ServiceSpec(
            resource="key",
            before_name="key/",
            form=ResourceArnForm(
                "arn:[^:]*:kms:[^:]*:[^:]*:key/.*", "a KMS key", "Give the ARN of a key, or of an alias of one."
            ),
            most_colons=0,
            names=r"key/[A-Za-z0-9-]{1,128}",
            reads=(
                PolicyRead(
                    "kms", "GetKeyPolicy", json_request("TrentService"), {"KeyId": "{arn}", "PolicyName": "default"}
                ),
            ),
            not_there=("NotFoundException",),
            writes=("kms", "put-key-policy", "--key-id", "{arn}", "--policy-name", "default", "--policy", STDIN),
            terraform=TerraformPolicy("aws_kms_key_policy", "key_id", "{name}"),
            most_bytes=32 * 1024,
        ),
        "lambda": ServiceSpec(
            reads=(
                PolicyRead(
                    "lambda",
                    "GetPolicy",
                    OperationRequest("rest-json", "GET", "/2015-03-31/functions/{FunctionName}/policy"),
                    {"FunctionName": "{arn}"},
                ),
            ),
            # Lambda says the same of a function without a policy and of one that does not exist: neither has any.
            no_policy=_NO_SUCH,
        ),
        "lex": ServiceSpec(),
        "logs": ServiceSpec(),
        "mediastore": ServiceSpec(),
        "oam": ServiceSpec(),
        "osis": ServiceSpec(),
        "redshift": ServiceSpec(),
        "redshift-serverless": ServiceSpec(),
        "rekognition": ServiceSpec(),
        "s3": ServiceSpec(
            resource="bucket",
            form=ResourceArnForm("arn:[^:]*:s3:[^:]*::[^:/]*", "a bucket", "Give the bucket's ARN: arn:aws:s3:::NAME."),
            names=r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}",
            reads=(
                PolicyRead(
                    "s3",
                    "GetBucketPolicy",
                    OperationRequest("rest-xml", "GET", "/{Bucket}?policy"),
                    {"Bucket": "{resource}"},
                ),
            ),
            no_policy=("NoSuchBucketPolicy",),
            not_there=("NoSuchBucket",),
            writes=("s3api", "put-bucket-policy", "--bucket", "{resource}", "--policy", STDIN),
            removes=("s3api", "delete-bucket-policy", "--bucket", "{resource}"),
            terraform=TerraformPolicy("aws_s3_bucket_policy", "bucket", "{resource}"),
            most_bytes=20 * 1024,
        ),
        "s3-object-lambda": ServiceSpec(),
        "s3-outposts": ServiceSpec(),
        "s3express": ServiceSpec(),
        "s3tables": ServiceSpec(),
        "sagemaker": ServiceSpec(),
        "schemas": ServiceSpec(),
        "secretsmanager": ServiceSpec(
            resource="secret",
            before_name="secret:",
            most_colons=1,
            names=r"secret:[A-Za-z0-9/_+=.@!-]{1,520}",
            reads=(
                PolicyRead(
                    "secretsmanager",
                    "GetResourcePolicy",
                    json_request("secretsmanager"),
                    {"SecretId": "{arn}"},
                    ("ResourcePolicy",),
                    "ARN",
                ),
            ),
            writes=("secretsmanager", "put-resource-policy", "--secret-id", "{arn}", "--resource-policy", STDIN),
            removes=("secretsmanager", "delete-resource-policy", "--secret-id", "{arn}"),
            terraform=TerraformPolicy("aws_secretsmanager_secret_policy", "secret_arn", "{arn}"),
        ),
        "serverlessrepo": ServiceSpec(),
        "ses": ServiceSpec(),
        "signer": ServiceSpec(),
        "sns": ServiceSpec(
            resource="topic",
            most_colons=0,
            names=r"[A-Za-z0-9_-]{1,256}(\.fifo)?",
            reads=(
                PolicyRead(
                    "sns",
                    "GetTopicAttributes",
                    query_request("2010-03-31"),
                    {"TopicArn": "{arn}"},
                    ("Attributes", "Policy"),
                    "TopicArn",
                ),
            ),
            not_there=("NotFound",),
            writes=(
                "sns", "set-topic-attributes", "--topic-arn", "{arn}", "--attribute-name", "Policy",
                "--attribute-value", STDIN,
            ),
            terraform=TerraformPolicy("aws_sns_topic_policy", "arn", "{arn}"),
        ),
        "sqs": ServiceSpec(
            resource="queue",
            most_colons=0,
            names=r"[A-Za-z0-9_-]{1,80}(\.fifo)?",
            reads=(
                PolicyRead(
                    "sqs",
                    "GetQueueUrl",
                    _SQS,
                    {"QueueName": "{resource}", "QueueOwnerAWSAccountId": "{account}"},
                    ("QueueUrl",),
                ),
                PolicyRead(
                    "sqs",
                    "GetQueueAttributes",
                    _SQS,
                    {"QueueUrl": "{found}", "AttributeNames": ["Policy", "QueueArn"]},
                    ("Attributes", "Policy"),
                    "QueueArn",
                ),
            ),
            not_there=("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"),
            writes=_SET_QUEUE,
            removes=_SET_QUEUE,
            attribute="Policy",
            terraform=TerraformPolicy("aws_sqs_queue_policy", "queue_url", _QUEUE_URL),
        ),
        "ssm": ServiceSpec(),
        "ssm-contacts": ServiceSpec(),
        "ssm-incidents": ServiceSpec(),
        "vpc-lattice": ServiceSpec(),
        "xray": ServiceSpec(),
    }
)  # fmt: skip
"""By the service of the ARN. A service that takes no entry may have anything in the names of its resources."""

WITH_RESOURCE_POLICIES: Final = frozenset(name for name, spec in SERVICE_SPECS.items() if spec.has_policies)
"""Services whose resources can carry a policy."""
