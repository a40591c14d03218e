"""The calls that a planned change of infrastructure makes: certain ones, possible ones, and types not mapped.

Two sources have to agree on a certain call: the name of the type, and the permissions of CloudFormation's handler.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, Final, NamedTuple

from iamtui.engine.calls.api_calls import AuthorizedAction, authorized_by


class PlannedCalls(NamedTuple):
    """Calls of one change.

    Args:
        certain: made by every apply of the change, with what is authorized along with them.
        possible: actions that it may need besides, which depends on attributes and on the provider.
        mapped: whether the type is known; of one that is not, nothing is told.
    """

    certain: tuple[AuthorizedAction, ...] = ()
    possible: tuple[str, ...] = ()
    mapped: bool = True


def planned_calls(
    resource_type: str,
    actions: tuple[str, ...],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    account: str,
    region: str,
    unknown: Collection[str] = (),
) -> PlannedCalls:
    """The calls of a change of a Terraform plan.

    Args:
        resource_type: as Terraform has it ("aws_sqs_queue").
        actions: of the change ("create", "delete"; both of a replacement).
        before: the attributes as they are.
        after: those planned; without the ones that are not known until apply.
        unknown: the names of these.
    """
    kinds = [one for one in actions if one in ("create", "update", "delete")]
    if not kinds:
        return PlannedCalls()
    entry = _operations(resource_type)
    if entry is None:
        return PlannedCalls(mapped=False)
    certain: list[AuthorizedAction] = []
    possible: list[str] = []
    for kind in kinds:
        named, others = entry.get(kind, ("", ""))
        possible += others.split()
        for action in named.split():
            attributes = before if kind == "delete" else after
            found = authorized_by(
                _record(resource_type, action, attributes, account, region, () if kind == "delete" else unknown)
            )
            certain += [one for one in found.actions if one.action == action or one.implied]
            possible += [one.action for one in found.possible]
    return PlannedCalls(tuple(dict.fromkeys(certain)), tuple(dict.fromkeys(possible)))


def _record(
    resource_type: str,
    action: str,
    attributes: Mapping[str, Any],
    account: str,
    region: str,
    unknown: Collection[str],
) -> dict[str, Any]:
    """A record as CloudTrail would have it, as far as the attributes tell the parameters."""
    service, _, operation = action.partition(":")
    given = {_camel(key): value for key, value in attributes.items() if value not in (None, "", [], {})}
    # Left out, these would be taken for their defaults.
    given |= {_camel(key): "*" for key in ("path", "event_bus_name") if key in unknown}
    name = attributes.get("name")
    if isinstance(name, str) and name:
        given.setdefault(_camel(f"{resource_type.rpartition('_')[2]}_name"), name)
    return {
        "eventSource": f"{service}.amazonaws.com",
        "eventName": operation,
        "awsRegion": region,
        "recipientAccountId": account,
        "requestParameters": given,
        "responseElements": {"arn": arn} if isinstance(arn := attributes.get("arn"), str) else {},
    }


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(one.title() for one in rest)


def _operations(resource_type: str) -> Mapping[str, Any] | None:
    if resource_type in _OWN:
        return {kind: (actions, "") for kind, actions in _OWN[resource_type].items()}
    table = _table()
    for key in _keys(resource_type.removeprefix("aws_")):
        if (entry := table.get(key)) is not None:
            return entry
    return None


def _keys(name: str) -> Iterator[str]:
    for start, service in _SERVICES.items():
        if name.startswith(start):
            yield (service + name[len(start) :]).replace("_", "")
    yield name.replace("_", "")
    if name in _OF_EC2:
        yield f"ec2{name.replace('_', '')}"


_SERVICES: Final[Mapping[str, str]] = {
    "cloudwatch_event_": "events",
    "cloudwatch_log_": "logslog",
    "cloudwatch_metric_": "cloudwatch",
    "db_": "rdsdb",
    "ecr_": "ecr",
    "lb_": "elasticloadbalancingv2",
    "sfn_": "stepfunctions",
}
"""Beginnings of Terraform's names that CloudFormation writes in another way."""

_OF_EC2: Final = frozenset(
    (
        "customer_gateway", "instance", "internet_gateway", "key_pair", "launch_template", "nat_gateway",
        "network_acl", "network_interface", "placement_group", "route_table", "security_group", "subnet",
        "vpc", "vpc_endpoint", "vpn_gateway",
    )
)  # fmt: skip

_OWN: Final[Mapping[str, Mapping[str, str]]] = {
    "aws_iam_policy": {"create": "iam:CreatePolicy", "delete": "iam:DeletePolicy"},
    "aws_iam_role_policy": {
        "create": "iam:PutRolePolicy", "update": "iam:PutRolePolicy", "delete": "iam:DeleteRolePolicy",
    },
    "aws_iam_user_policy": {
        "create": "iam:PutUserPolicy", "update": "iam:PutUserPolicy", "delete": "iam:DeleteUserPolicy",
    },
    "aws_iam_group_policy": {
        "create": "iam:PutGroupPolicy", "update": "iam:PutGroupPolicy", "delete": "iam:DeleteGroupPolicy",
    },
    "aws_iam_role_policy_attachment": {"create": "iam:AttachRolePolicy", "delete": "iam:DetachRolePolicy"},
    "aws_iam_user_policy_attachment": {"create": "iam:AttachUserPolicy", "delete": "iam:DetachUserPolicy"},
    "aws_s3_bucket_policy": {
        "create": "s3:PutBucketPolicy", "update": "s3:PutBucketPolicy", "delete": "s3:DeleteBucketPolicy",
    },
    "aws_kms_key": {"create": "kms:CreateKey", "delete": "kms:ScheduleKeyDeletion"},
}  # fmt: skip
"""Types whose CloudFormation type differs, or whose operation has another name (IAM, S3 and KMS API References)."""


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Mapping[str, Any]]:
    """CloudFormation's types by service and name in lower case (`tools/planned_operations.py`)."""
    found = resources.files("iamtui.catalog") / "planned_operations.json"
    types: dict[str, Mapping[str, Any]] = json.loads(found.read_text(encoding="utf-8"))["types"]
    return types
