"""Facts about each service whose resources carry policies: one entry a service, for every room.

How a policy is read, written and removed, how the AWS CLI and Terraform do it, and how ARNs are formed. It lies below
all rooms and knows none, because `policy` (colons in names), `aws` (the reads that are allowed), `sources`, `drafts`
and `questions` need it and may not import `catalog`.

Templates are filled from an ARN (`Arn.filled`): {arn}, {resource}, {name} (what is behind the first slash, or all),
{below} and {last} (the name up to its first slash, and behind that), {domain} (what is behind the last @), {region},
{account}, {dns_suffix}.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from msgspec import Struct


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
        answer: the members of the answer that lead to the text; EACH stands for every entry of a list or map of
            policies, which all are in force together.
        beside: a member beside the text that tells a resource without a policy, of which the text is left out, from
            an answer that is none; "" where the service answers with an error then.
        only_for: a regular expression for the last field of the ARNs that it is made for; "" for all.
        otherwise: whether it is made only where the calls before found no policy.
        leads_on: whether it gives no policy, but what the next call needs.
        escaped: whether the text comes as the inside of a JSON string.
        short_for_arn: what Resource may have in the place of the ARN of the resource.
    """

    service: str
    operation: str
    request: OperationRequest
    parameters: Mapping[str, str | list[str]]
    answer: tuple[str, ...] = ("Policy",)
    beside: str = ""
    only_for: str = ""
    otherwise: bool = False
    leads_on: bool = False
    escaped: bool = False
    short_for_arn: str = ""

    @property
    def names_account(self) -> bool:
        """True if its parameters say of which account the resource is."""
        given = " ".join(map(str, self.parameters.values()))
        return any(part in given for part in ("{arn}", "{account}", "{found}"))


EACH: Final = "*"
"""In the place of a member of an answer: every entry."""


class PolicyCarrier(NamedTuple):
    """Which resource has the policy that speaks of others: the table of an index, the catalog of a table.

    Args:
        pattern: a regular expression for the whole last field of the others' ARNs.
        carrier: that field of the carrier's ARN, with groups of the pattern; "" where no resource has such a policy.
    """

    pattern: str
    carrier: str


class PolicyBeside(NamedTuple):
    """A policy that AWS evaluates beside the resource's own, and iamtui does not read.

    Args:
        pattern: a regular expression for the whole last field of the ARNs whose policy it stands beside.
        words: whose it is.
        permission: the IAM action that would let it be read.
        carrier: the last field of the ARN of what carries it, with groups of the pattern; "" where none does.
    """

    pattern: str
    words: str
    permission: str
    carrier: str = ""


class ResourceArnForm(NamedTuple):
    """Form of the ARNs of resources with a policy, where a service has other resources that have none.

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


class ServiceSpec(Struct, frozen=True, kw_only=True):
    """A service, by the service field of its ARNs; all but `most_colons` is about policies of resources.

    Args:
        has_policies: whether its resources can carry one (IAM User Guide: AWS services that work with IAM).
        resource: what its resource is called.
        before_name: what stands before the name in the ARN.
        carriers: whose policies speak of its resources; a resource that none of them is about has a policy of its own.
        beside: the policy that is in force beside the resource's own, or None.
        form: what the ARN must look like, or None for any.
        names: a regular expression for the last field of the ARNs whose policies can be written (the rules for names
            of the service's API Reference).
        most_colons: how many colons the name of a resource has at the most, or None for any number (Service
            Authorization Reference, and the service's rules for names).
        reads: the calls that give the policy, in their order; () where iamtui reads none.
        no_policy, not_there: the errors that say that a resource has no policy (or what comes in the place of one), and
            that there is no such resource.
        writes, removes: words of the AWS CLI behind `aws` (AWS CLI Command Reference); () where no single call does.
        attribute: the CLI reads an object with the policy as this member, instead of the policy.
        terraform: its resource, or None.
        most_bytes: the longest policy, or None where that is not known.
    """

    has_policies: bool = True
    resource: str = "resource"
    before_name: str = ""
    carriers: tuple[PolicyCarrier, ...] = ()
    beside: PolicyBeside | None = None
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
_SES: Final = OperationRequest("rest-json", "GET", "/v2/email/identities/{EmailIdentity}/policies")
_EACH_OF_SES: Final = ("Policies", EACH)

_NOT_READ: Final = (
    "acm-pca", "aiops", "aoss", "aps", "aws-marketplace", "bedrock", "bedrock-agentcore", "cleanrooms-ml",
    "cloudfront", "cloudhsm", "cloudtrail", "codebuild", "codeguru-profiler", "comprehend", "dsql",
    "ecr-public", "elasticloadbalancing", "elemental-inference", "entityresolution", "glacier", "imagebuilder",
    "kafka", "lex", "lookoutequipment", "mediaconvert", "mediapackagev2", "mediastore", "mediatailor",
    "network-firewall", "networkmanager", "oam", "omics", "osis", "payment-cryptography", "qbusiness",
    "redshift", "redshift-serverless", "refactor-spaces", "rekognition", "route53-recovery-control-config",
    "route53resolver", "rum", "s3-object-lambda", "s3-outposts", "s3express", "s3files", "s3tables",
    "sagemaker", "schemas", "serverlessrepo", "signer", "sms-voice", "ssm", "ssm-contacts", "ssm-incidents",
    "vpc-lattice", "waf", "waf-regional", "wafv2", "wellarchitected", "xray",
)  # fmt: skip
"""Services whose resources can carry a policy that iamtui does not read (IAM User Guide; botocore's models)."""

SERVICE_SPECS: Final[Mapping[str, ServiceSpec]] = MappingProxyType(
    {
        **dict.fromkeys(_NOT_READ, ServiceSpec()),
        "backup": ServiceSpec(
            resource="backup vault",
            before_name="backup-vault:",
            form=ResourceArnForm(
                "arn:[^:]*:backup:[^:]*:[^:]*:backup-vault:.*",
                "a backup vault",
                "Only backup vaults have a policy: give the ARN of the vault that holds it.",
            ),
            names=r"backup-vault:[A-Za-z0-9_-]{2,50}",
            reads=(
                PolicyRead(
                    "backup",
                    "GetBackupVaultAccessPolicy",
                    OperationRequest("rest-json", "GET", "/backup-vaults/{backupVaultName}/access-policy"),
                    {"BackupVaultName": "{last}"},
                ),
            ),
            # Said of a vault without a policy; one that does not exist may not be read.
            no_policy=_NO_SUCH,
            not_there=(),
            writes=("backup", "put-backup-vault-access-policy", "--backup-vault-name", "{last}", "--policy", STDIN),
            removes=("backup", "delete-backup-vault-access-policy", "--backup-vault-name", "{last}"),
            terraform=TerraformPolicy("aws_backup_vault_policy", "backup_vault_name", "{last}"),
        ),
        "codeartifact": ServiceSpec(
            resource="domain or repository",
            carriers=(PolicyCarrier("package/([^/]*/[^/]*)/.*", r"repository/\1"),),
            # CodeArtifact User Guide, domain policies: evaluated for all resources within the domain.
            beside=PolicyBeside(
                "repository/([^/]*)/.*",
                "policy of the domain",
                "codeartifact:GetDomainPermissionsPolicy",
                r"domain/\1",
            ),
            form=ResourceArnForm(
                "arn:[^:]*:codeartifact:[^:]*:[^:]*:(domain/[^/]*|repository/[^/]*/[^/]*)",
                "a domain or repository",
                "Only domains and repositories have a policy in CodeArtifact.",
            ),
            reads=(
                PolicyRead(
                    "codeartifact",
                    "GetDomainPermissionsPolicy",
                    OperationRequest("rest-json", "GET", "/v1/domain/permissions/policy"),
                    {"domain": "{name}", "domainOwner": "{account}"},
                    ("policy", "document"),
                    only_for="domain/.*",
                ),
                PolicyRead(
                    "codeartifact",
                    "GetRepositoryPermissionsPolicy",
                    OperationRequest("rest-json", "GET", "/v1/repository/permissions/policy"),
                    {"domain": "{below}", "domainOwner": "{account}", "repository": "{last}"},
                    ("policy", "document"),
                    only_for="repository/.*",
                ),
            ),
            # CodeArtifact says the same of a resource without a policy and of one that does not exist.
            no_policy=_NO_SUCH,
        ),
        "dynamodb": ServiceSpec(
            resource="table or stream",
            before_name="table/",
            carriers=(
                PolicyCarrier("(.*?)/index/.*", r"\1"),
                PolicyCarrier("table/[^/]*/(backup|export|import)/.*|global-table/.*", ""),
            ),
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
            # ECR User Guide, private registry permissions: enforced in all requests to ECR.
            beside=PolicyBeside("repository/.*", "policy of the registry", "ecr:GetRegistryPolicy"),
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
        "es": ServiceSpec(
            resource="domain",
            before_name="domain/",
            carriers=(PolicyCarrier("(domain/[^/]*)/.*", r"\1"),),
            form=ResourceArnForm(
                "arn:[^:]*:es:[^:]*:[^:]*:domain/.*", "a domain", "Only domains have a policy in OpenSearch Service."
            ),
            names=r"domain/[a-z][a-z0-9-]{2,27}",
            reads=(
                # It answers for domains of Elasticsearch too.
                PolicyRead(
                    "opensearch",
                    "DescribeDomain",
                    OperationRequest("rest-json", "GET", "/2021-01-01/opensearch/domain/{DomainName}"),
                    {"DomainName": "{name}"},
                    ("DomainStatus", "AccessPolicies"),
                    "ARN",
                ),
            ),
            writes=("opensearch", "update-domain-config", "--domain-name", "{name}", "--access-policies", STDIN),
        ),
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
        "execute-api": ServiceSpec(
            resource="REST API",
            carriers=(PolicyCarrier("([^/]*)/.*", r"\1"),),
            reads=(
                PolicyRead(
                    "apigateway",
                    "GetRestApi",
                    OperationRequest("rest-json", "GET", "/restapis/{restapi_id}"),
                    {"restApiId": "{resource}"},
                    ("policy",),
                    "id",
                    escaped=True,
                    short_for_arn="execute-api:",
                ),
            ),
            not_there=("NotFoundException",),
        ),
        "glue": ServiceSpec(
            resource="catalog",
            # Jobs, triggers, crawlers and the like have no policy (AWS Glue Developer Guide: resource-based policies).
            carriers=(
                PolicyCarrier("(catalog|database|table|tableVersion|connection|userDefinedFunction)(/.*)?", "catalog"),
                PolicyCarrier("[^*?]*/.*", ""),
            ),
            form=ResourceArnForm(
                "arn:[^:]*:glue:[^:]*:[^:]*:catalog",
                "a Data Catalog",
                "Only the Data Catalog of an account and Region has a policy in AWS Glue.",
            ),
            names="catalog",
            reads=(
                PolicyRead("glue", "GetResourcePolicy", json_request("AWSGlue"), {}, ("PolicyInJson",)),
            ),
            no_policy=("EntityNotFoundException",),
            not_there=(),
            writes=("glue", "put-resource-policy", "--policy-in-json", STDIN),
            removes=("glue", "delete-resource-policy"),
        ),
        "iam": ServiceSpec(has_policies=False, most_colons=0),
        "kinesis": ServiceSpec(
            resource="stream or consumer",
            before_name="stream/",
            names=r"stream/[a-zA-Z0-9_.-]{1,128}(/consumer/[a-zA-Z0-9_.-]{1,128}:[0-9]{1,20})?",
            reads=(
                PolicyRead("kinesis", "GetResourcePolicy", json_request("Kinesis_20131202"), {"ResourceARN": "{arn}"}),
            ),
            no_policy=("{}",),
            writes=("kinesis", "put-resource-policy", "--resource-arn", "{arn}", "--policy", STDIN),
            removes=("kinesis", "delete-resource-policy", "--resource-arn", "{arn}"),
            terraform=TerraformPolicy("aws_kinesis_resource_policy", "resource_arn", "{arn}"),
        ),
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
            # Versions and aliases of a function have policies of their own.
            carriers=(PolicyCarrier(r"(function:.*):\$LATEST", r"\1"),),
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
        "logs": ServiceSpec(
            resource="log group",
            before_name="log-group:",
            carriers=(PolicyCarrier("(log-group:[^:]*):.*", r"\1"),),
            form=ResourceArnForm(
                "arn:[^:]*:logs:[^:]*:[^:]*:log-group:[^:]*",
                "a log group",
                "iamtui reads the policies that are about log groups.",
            ),
            reads=(
                PolicyRead(
                    "logs",
                    "DescribeResourcePolicies",
                    json_request("Logs_20140328"),
                    {"policyScope": "ACCOUNT"},
                    ("resourcePolicies", EACH, "policyDocument"),
                ),
                PolicyRead(
                    "logs",
                    "DescribeResourcePolicies",
                    json_request("Logs_20140328"),
                    {"policyScope": "RESOURCE", "resourceArn": "{arn}"},
                    ("resourcePolicies", EACH, "policyDocument"),
                ),
            ),
        ),
        "s3": ServiceSpec(
            resource="bucket",
            carriers=(PolicyCarrier("(accesspoint/[^/]*)/.*", r"\1"),),
            # S3 User Guide, access points: both their policy and the bucket's have to permit a request.
            beside=PolicyBeside("accesspoint/[^/]*", "policy of the bucket behind it", "s3:GetAccessPoint"),
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
        "s3vectors": ServiceSpec(carriers=(PolicyCarrier("(bucket/[^/]*)/.*", r"\1"),)),
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
        "ses": ServiceSpec(
            resource="identity",
            before_name="identity/",
            form=ResourceArnForm(
                "arn:[^:]*:ses:[^:]*:[^:]*:identity/.*", "an identity", "Only identities have policies in SES."
            ),
            reads=(
                PolicyRead("sesv2", "GetEmailIdentityPolicies", _SES, {"EmailIdentity": "{name}"}, _EACH_OF_SES),
                # Policies of an address take precedence over those of its domain (SES Developer Guide).
                PolicyRead(
                    "sesv2",
                    "GetEmailIdentityPolicies",
                    _SES,
                    {"EmailIdentity": "{domain}"},
                    _EACH_OF_SES,
                    only_for="identity/.*@.*",
                    otherwise=True,
                ),
            ),
            not_there=("NotFoundException",),
        ),
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
                    leads_on=True,
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
        # No operation of Step Functions reads or writes a policy.
        "states": ServiceSpec(has_policies=False),
    }
)  # fmt: skip
"""By the service of the ARN. A service that takes no entry may have anything in the names of its resources."""

WITH_RESOURCE_POLICIES: Final = frozenset(name for name, spec in SERVICE_SPECS.items() if spec.has_policies)
"""Services whose resources can carry a policy."""
