"""Puts the resources that have policies of their own into moto."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from moto.awslambda.models import lambda_backends
from moto.kms.models import Key, kms_backends
from moto.s3.models import FakeBucket, PublicAccessBlock, s3_backends
from moto.secretsmanager.models import FakeSecret, secretsmanager_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from iamtui.account.model import Account
from iamtui.policy.arn import Arn, parse_arn

_BUCKET_REGION = "eu-west-1"


def seed_resources(account: Account) -> None:
    """Make a bucket, key, queue, topic, secret or function for each resource policy the account knows of.

    A resource whose policy the account's caller may not read is made too: moto refuses nobody.
    """
    for resource, known in account.resource_policies.items():
        arn = parse_arn(resource)
        assert arn is not None
        policy = known.document.source_text if known.document else None
        _MAKERS[arn.service](account, arn, policy)
    for alias, key in account.kms_aliases.items():
        arn, of_key = parse_arn(alias), parse_arn(key)
        assert arn is not None
        assert of_key is not None
        kms_backends[account.id][arn.region].create_alias(of_key.name, arn.resource)


def _add_bucket(account: Account, arn: Arn, policy: str | None) -> None:
    bucket = FakeBucket(name=arn.resource, account_id=account.id, region_name=_BUCKET_REGION)  # type: ignore[abstract]
    bucket.policy = policy.encode() if policy else None
    block = account.public_access_blocks.get(arn.resource)
    if block is not None:
        restrict = block.restrict_public_buckets
        bucket.public_access_block = PublicAccessBlock(restrict, restrict, restrict, restrict)
    s3_backends[account.id][account.partition].buckets[arn.resource] = bucket


def _add_key(account: Account, arn: Arn, policy: str | None) -> None:
    key = Key(policy, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", account.id, arn.region)  # type: ignore[abstract]
    key.id = arn.name
    key.arn = str(arn)
    kms_backends[account.id][arn.region].keys[key.id] = key


def _add_queue(account: Account, arn: Arn, policy: str | None) -> None:
    queue = sqs_backends[account.id][arn.region].create_queue(arn.resource)
    queue.policy = policy


def _add_topic(account: Account, arn: Arn, policy: str | None) -> None:
    topic = sns_backends[account.id][arn.region].create_topic(arn.resource)
    if policy:
        topic.policy = policy


def _add_secret(account: Account, arn: Arn, policy: str | None) -> None:
    # A secret's ARN ends with six characters that are not part of its name.
    name = arn.resource.removeprefix("secret:")[:-7]
    secret = FakeSecret(account.id, arn.region, name, {}, "")
    secret.arn = str(arn)
    secret.policy = policy
    secretsmanager_backends[account.id][arn.region].secrets[name] = secret


def _add_function(account: Account, arn: Arn, policy: str | None) -> None:
    role = next(r for r in account.roles if not r.service_linked and '"lambda.amazonaws.com"' in r.trust.source_text)
    spec: dict[str, Any] = {
        "FunctionName": arn.resource.removeprefix("function:"),
        "Role": role.arn,
        "Runtime": "python3.13",
        "Handler": "main.handler",
        "Code": {"ZipFile": ""},
    }
    function = lambda_backends[account.id][arn.region].create_function(spec)
    if policy:
        function.policy.statements = json.loads(policy)["Statement"]


_MAKERS: Final[dict[str, Callable[[Account, Arn, str | None], None]]] = {
    "s3": _add_bucket,
    "kms": _add_key,
    "sqs": _add_queue,
    "sns": _add_topic,
    "secretsmanager": _add_secret,
    "lambda": _add_function,
}
