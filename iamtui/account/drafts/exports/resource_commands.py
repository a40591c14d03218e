"""The AWS CLI calls that write or remove the policy of a resource, by service (AWS CLI Command Reference)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from iamtui.policy.arn import Arn, parse_arn
from iamtui.problem import Problem
from iamtui.text import safe_text

Call = tuple[tuple[str, ...], str]
"""The words behind `aws`, and what the call reads from standard input ("" for nothing)."""

STDIN: Final = "file:///dev/stdin"


def write_command(resource_arn: str, document: str) -> Call:
    """The call that gives a resource this policy.

    Args:
        document: JSON text in ASCII.

    Raises:
        Problem: no single call writes the policy of such a resource.
    """
    arn = _known(resource_arn)
    return _WRITERS[arn.service](arn, document)


def remove_command(resource_arn: str) -> Call:
    """The call that takes the policy of a resource away.

    Raises:
        Problem: no call does that for such a resource.
    """
    arn = _known(resource_arn)
    remover = _REMOVERS.get(arn.service)
    if remover is None:
        raise Problem(
            f"The policy of {safe_text(resource_arn, limit=256)} cannot be removed, only replaced.",
            "Put the policy into the draft that should stand in its place.",
        )
    return remover(arn)


def _known(resource_arn: str) -> Arn:
    arn = parse_arn(resource_arn)
    if arn is None or arn.service not in _WRITERS:
        services = ", ".join(sorted(_WRITERS))
        raise Problem(
            f"No single AWS CLI call writes the policy of {safe_text(resource_arn, limit=256)}.",
            f"One does for {services}; export without this edit.",
        )
    return arn


def _region(arn: Arn) -> tuple[str, ...]:
    return ("--region", arn.region) if arn.region else ()


def _written(*words: str) -> Callable[[Arn, str], Call]:
    """A writer whose words are these with {name}, {arn}, {resource} filled in."""
    return lambda arn, document: ((*_filled(words, arn), *_region(arn)), document)


def _removed(*words: str) -> Callable[[Arn], Call]:
    return lambda arn: ((*_filled(words, arn), *_region(arn)), "")


def _filled(words: tuple[str, ...], arn: Arn) -> tuple[str, ...]:
    values = {"{arn}": str(arn), "{name}": arn.resource.partition("/")[2] or arn.resource, "{resource}": arn.resource}
    return tuple(values.get(word, word) for word in words)


def _queue_attributes(arn: Arn, policy: str) -> Call:
    url = queue_url(arn)
    words = ("sqs", "set-queue-attributes", "--queue-url", url, "--attributes", STDIN, *_region(arn))
    return words, json.dumps({"Policy": policy}, indent=2)


def queue_url(arn: Arn) -> str:
    """The URL of a queue (SQS Developer Guide: queue and message identifiers)."""
    suffix = {"aws-cn": "amazonaws.com.cn"}.get(arn.partition, "amazonaws.com")
    return f"https://sqs.{arn.region}.{suffix}/{arn.account}/{arn.resource}"


_WRITERS: Final[dict[str, Callable[[Arn, str], Call]]] = {
    "s3": _written("s3api", "put-bucket-policy", "--bucket", "{resource}", "--policy", STDIN),
    "kms": _written("kms", "put-key-policy", "--key-id", "{arn}", "--policy-name", "default", "--policy", STDIN),
    "sqs": _queue_attributes,
    "sns": _written(
        "sns", "set-topic-attributes", "--topic-arn", "{arn}", "--attribute-name", "Policy", "--attribute-value", STDIN
    ),
    "secretsmanager": _written(
        "secretsmanager", "put-resource-policy", "--secret-id", "{arn}", "--resource-policy", STDIN
    ),
    "ecr": _written("ecr", "set-repository-policy", "--repository-name", "{name}", "--policy-text", STDIN),
    "dynamodb": _written("dynamodb", "put-resource-policy", "--resource-arn", "{arn}", "--policy", STDIN),
    "elasticfilesystem": _written("efs", "put-file-system-policy", "--file-system-id", "{name}", "--policy", STDIN),
    "events": _written("events", "put-permission", "--event-bus-name", "{name}", "--policy", STDIN),
}

_REMOVERS: Final[dict[str, Callable[[Arn], Call]]] = {
    "s3": _removed("s3api", "delete-bucket-policy", "--bucket", "{resource}"),
    "sqs": lambda arn: _queue_attributes(arn, ""),
    "secretsmanager": _removed("secretsmanager", "delete-resource-policy", "--secret-id", "{arn}"),
    "ecr": _removed("ecr", "delete-repository-policy", "--repository-name", "{name}"),
    "dynamodb": _removed("dynamodb", "delete-resource-policy", "--resource-arn", "{arn}"),
    "elasticfilesystem": _removed("efs", "delete-file-system-policy", "--file-system-id", "{name}"),
    "events": _removed("events", "remove-permission", "--event-bus-name", "{name}", "--remove-all-permissions"),
}
