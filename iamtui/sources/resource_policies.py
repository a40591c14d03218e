"""The policy of one resource, read when somebody asks about the resource.

Which call reads it, and which error means "it has none", is the services' own (their API references).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Final

from msgspec import Meta, Struct, field

from iamtui.account.model import Account, Gap, PublicAccessBlock, ResourcePolicy
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.policy.arn import Arn, parse_arn
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.sources.progress import failure


def load_resource_policy(connection: Connection, account: Account, resource_arn: str) -> Account:
    """The same account with the policy of one resource, and for a bucket with its public access block.

    Args:
        connection: the way to AWS.
        account: the account so far.
        resource_arn: the ARN of the resource that carries the policy (the bucket, not the object); an alias of a KMS
            key stands for the key, which the account then tells (`kms_aliases`).

    Raises:
        Problem: not one resource, a service without a known call, no such resource, or AWS cannot be reached.
    """
    arn = parse_arn(resource_arn)
    if arn is not None and arn.service == "kms" and arn.resource.startswith("alias/"):
        account = _with_aliases(connection, account, arn)
        resource_arn = account.kms_aliases[resource_arn]
        arn = parse_arn(resource_arn)
    if arn is None or "*" in resource_arn or "?" in resource_arn:
        raise Problem(f"{resource_arn} does not name one resource.", "Give the whole ARN of one resource.")
    read = _READERS.get(arn.service)
    if read is None:
        known = ", ".join(sorted(_READERS))
        raise Problem(
            f"The policy of a resource of {arn.service or 'no service'} cannot be loaded.",
            f"It can for {known}; a scenario file with a resource_policy answers for others.",
        )
    policies = {**account.resource_policies, resource_arn: _resource_policy(connection, arn, read)}
    loaded = replace(account, resource_policies=policies)
    return _with_public_access_block(connection, loaded, arn.resource) if arn.service == "s3" else loaded


def _with_aliases(connection: Connection, account: Account, arn: Arn) -> Account:
    if arn.account != account.id:
        raise Problem(
            f"The aliases of KMS keys of account {arn.account} cannot be listed from account {account.id}.",
            "Ask about the key by its own ARN.",
        )
    keys = f"arn:{arn.partition}:kms:{arn.region}:{arn.account}:key/"
    found = {
        alias.alias_arn: keys + alias.target_key_id
        for page in connection.pages("kms", "ListAliases", _AliasesPage, in_region=arn.region)
        for alias in page.aliases
        if alias.target_key_id
    }
    if str(arn) not in found:
        raise Problem(
            f"No KMS key of account {arn.account} in {arn.region} has the alias {arn.resource.removeprefix('alias/')}.",
            "Check the name, the account and the region in its ARN.",
        )
    return replace(account, kms_aliases={**account.kms_aliases, **found})


def _resource_policy(connection: Connection, arn: Arn, read: _Reader) -> ResourcePolicy:
    try:
        text = read(connection, arn)
    except AwsProblem as problem:
        if problem.code in _NONE:
            return ResourcePolicy("none")
        if problem.denied:
            return ResourcePolicy("denied", permission=problem.permission)
        if problem.code in _NO_RESOURCE:
            raise _no_resource(arn, problem) from None
        raise
    return ResourcePolicy("present", PolicyDocument(text)) if text else ResourcePolicy("none")


_NONE: Final = frozenset(
    (
        "NoSuchBucketPolicy",
        "PolicyNotFound",
        "PolicyNotFoundException",
        "RepositoryPolicyNotFoundException",
    )
)
"""The errors that say that a resource exists and has no policy."""

_NO_RESOURCE: Final = frozenset(
    (
        "AWS.SimpleQueueService.NonExistentQueue",
        "FileSystemNotFound",
        "NoSuchBucket",
        "NotFound",
        "NotFoundException",
        "QueueDoesNotExist",
        "RepositoryNotFoundException",
        "ResourceNotFoundException",
    )
)
"""The errors that say that there is no such resource."""

_WORDS: Final = {
    "dynamodb": ("table or stream", "table/"),
    "ecr": ("repository", "repository/"),
    "elasticfilesystem": ("file system", "file-system/"),
    "events": ("event bus", "event-bus/"),
    "kms": ("key", "key/"),
    "secretsmanager": ("secret", "secret:"),
    "sns": ("topic", ""),
    "sqs": ("queue", ""),
}
"""By the service of the ARN: what its resource is called, and what stands before the name in the ARN."""


def _no_resource(arn: Arn, problem: AwsProblem) -> AwsProblem:
    if arn.service == "s3":
        sentence = f"There is no bucket {arn.resource} ({problem.code})."
        step = (
            "Check the name: it is unique among the buckets of all accounts and regions, so no other account has one."
        )
    else:
        word, before = _WORDS.get(arn.service, ("resource", ""))
        place = f"account {arn.account} and region {arn.region}"
        name = arn.resource.removeprefix(before)
        sentence = f"There is no {word} {name} in {place}, or the caller may not see it ({problem.code})."
        step = "Check the name, the account and the region in its ARN."
    return AwsProblem(sentence, step, code=problem.code, permission=problem.permission)


_NO_BLOCK: Final = "NoSuchPublicAccessBlockConfiguration"


class _Policy(Struct, rename="pascal"):
    """Services that answer with an error where there is none."""

    policy: Annotated[str, Meta(min_length=1)]


class _Alias(Struct, rename="pascal"):
    alias_arn: str
    target_key_id: str = ""


class _AliasesPage(Struct, rename="pascal"):
    aliases: list[_Alias]


class _Repository(Struct):
    text: Annotated[str, Meta(min_length=1)] = field(name="policyText")


class _QueueUrl(Struct, rename="pascal"):
    queue_url: str


class _QueueAttributes(Struct, rename="pascal"):
    queue_arn: str
    policy: str = ""


class _Queue(Struct, rename="pascal"):
    attributes: _QueueAttributes


class _TopicAttributes(Struct, rename="pascal"):
    topic_arn: str
    policy: str = ""


class _Topic(Struct, rename="pascal"):
    attributes: _TopicAttributes


class _Secret(Struct, rename="pascal"):
    arn: str = field(name="ARN")
    resource_policy: str = ""


class _EventBus(Struct, rename="pascal"):
    arn: str
    policy: str = ""


class _Switches(Struct, rename="pascal"):
    restrict_public_buckets: bool


class _PublicAccessBlock(Struct, rename="pascal"):
    public_access_block_configuration: _Switches


def _bucket(connection: Connection, arn: Arn) -> str:
    if "/" in arn.resource or ":" in arn.resource or arn.account:
        raise Problem(f"{arn} is not a bucket.", "Give the bucket's ARN: arn:aws:s3:::NAME.")
    region = connection.region or "us-east-1"
    return connection.call("s3", "GetBucketPolicy", _Policy, in_region=region, Bucket=arn.resource).policy


def _key(connection: Connection, arn: Arn) -> str:
    if not arn.resource.startswith("key/"):
        raise Problem(f"{arn} is not a KMS key.", "Give the ARN of a key, or of an alias of one.")
    return connection.call(
        "kms", "GetKeyPolicy", _Policy, in_region=arn.region, KeyId=str(arn), PolicyName="default"
    ).policy


def _queue(connection: Connection, arn: Arn) -> str:
    found = connection.call(
        "sqs",
        "GetQueueUrl",
        _QueueUrl,
        in_region=arn.region,
        QueueName=arn.resource,
        QueueOwnerAWSAccountId=arn.account,
    )
    # The ARN tells a queue without a policy from an answer that is none: SQS leaves out what it has not.
    wanted = ["Policy", "QueueArn"]
    return connection.call(
        "sqs", "GetQueueAttributes", _Queue, in_region=arn.region, QueueUrl=found.queue_url, AttributeNames=wanted
    ).attributes.policy


def _topic(connection: Connection, arn: Arn) -> str:
    return connection.call(
        "sns", "GetTopicAttributes", _Topic, in_region=arn.region, TopicArn=str(arn)
    ).attributes.policy


def _function(connection: Connection, arn: Arn) -> str:
    try:
        return connection.call("lambda", "GetPolicy", _Policy, in_region=arn.region, FunctionName=str(arn)).policy
    except AwsProblem as problem:
        # Lambda says the same of a function without a policy and of one that does not exist: neither has any.
        if problem.code == "ResourceNotFoundException":
            return ""
        raise


def _secret(connection: Connection, arn: Arn) -> str:
    return connection.call(
        "secretsmanager", "GetResourcePolicy", _Secret, in_region=arn.region, SecretId=str(arn)
    ).resource_policy


def _repository(connection: Connection, arn: Arn) -> str:
    name = arn.resource.removeprefix("repository/")
    return connection.call(
        "ecr", "GetRepositoryPolicy", _Repository, in_region=arn.region, registryId=arn.account, repositoryName=name
    ).text


def _table(connection: Connection, arn: Arn) -> str:
    return connection.call("dynamodb", "GetResourcePolicy", _Policy, in_region=arn.region, ResourceArn=str(arn)).policy


def _file_system(connection: Connection, arn: Arn) -> str:
    name = arn.resource.removeprefix("file-system/")
    return connection.call("efs", "DescribeFileSystemPolicy", _Policy, in_region=arn.region, FileSystemId=name).policy


def _event_bus(connection: Connection, arn: Arn) -> str:
    if not arn.resource.startswith("event-bus/"):
        raise Problem(f"{arn} is not an event bus.", "Only event buses have a policy in EventBridge.")
    return connection.call("events", "DescribeEventBus", _EventBus, in_region=arn.region, Name=str(arn)).policy


_Reader = Callable[[Connection, Arn], str]

_READERS: Final[dict[str, _Reader]] = {
    "dynamodb": _table,
    "ecr": _repository,
    "elasticfilesystem": _file_system,
    "events": _event_bus,
    "kms": _key,
    "lambda": _function,
    "s3": _bucket,
    "secretsmanager": _secret,
    "sns": _topic,
    "sqs": _queue,
}
"""By the service of the ARN: gives the policy's text, or "" when there is none."""


def _with_public_access_block(connection: Connection, account: Account, bucket: str) -> Account:
    """The bucket's Block Public Access as it takes effect: its own and the account's, the stricter of each.

    The account's own switch only counts for its own buckets, so S3 is told whose the bucket must be. When either
    cannot be read, nothing is claimed and the gap says which permission lacks (S3 User Guide:
    Blocking public access to your Amazon S3 storage).
    """
    region = connection.region or "us-east-1"
    try:
        restricts = _restricts(connection, "s3", region, Bucket=bucket, ExpectedBucketOwner=account.id)
        if not restricts:
            restricts = _account_restricts(connection, account.id, region)
    except AwsProblem as problem:
        if problem.fatal:
            raise
        gap = Gap(f"public access block of bucket {bucket}", problem.permission, failure(problem))
        return replace(account, gaps=(*(one for one in account.gaps if one.what != gap.what), gap))
    blocks = {**account.public_access_blocks, bucket: PublicAccessBlock(restrict_public_buckets=restricts)}
    return replace(account, public_access_blocks=blocks)


def _account_restricts(connection: Connection, account_id: str, region: str) -> bool:
    if connection.endpoint_url:
        # The account's id becomes part of the host name, and only AWS has names for all of them.
        raise AwsProblem(
            f"{connection.endpoint_url} cannot be asked for the account's public access block.",
            code="NotImplemented",
            permission="s3:GetAccountPublicAccessBlock",
        )
    return _restricts(connection, "s3control", region, AccountId=account_id)


def _restricts(connection: Connection, service: str, region: str, **parameters: str) -> bool:
    try:
        answer = connection.call(service, "GetPublicAccessBlock", _PublicAccessBlock, in_region=region, **parameters)
    except AwsProblem as problem:
        if problem.code == _NO_BLOCK:
            return False
        raise
    return answer.public_access_block_configuration.restrict_public_buckets
