"""Two weeks of the demo's account as CloudTrail records them: what its people, releases and machines did."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tools.demo.company import (
    ACCESS_LOGS,
    ARTIFACTS,
    DATA_LAKE,
    PROD,
    REGION,
    access_key_id,
    hex_id,
    iam,
    unique_id,
)

FIRST_DAY: Final = datetime(2026, 11, 10, tzinfo=UTC)
DAYS: Final = 14

_BOTO: Final = "Boto3/1.42.1 md/Botocore#1.42.1 ua/2.1 os/linux lang/python#3.13.1"
_CLI: Final = "aws-cli/2.32.3 md/awscrt#0.29.0 ua/2.1 os/macos lang/python#3.13.9"
_SERVICES: Final = ("ingest-gateway", "routing-engine", "notification", "tracking-api")
_SATURDAY: Final = 5


def events() -> list[dict[str, Any]]:
    """All records, in the order of their times."""
    found = [event for day in range(DAYS) for event in _day(FIRST_DAY + timedelta(days=day), day)]
    return sorted(found, key=lambda event: (event["eventTime"], event["eventID"]))


def _day(midnight: datetime, number: int) -> Iterator[dict[str, Any]]:
    yield from _machines(midnight, number)
    if midnight.weekday() < _SATURDAY:
        yield from _release(midnight, number)
        yield from _people(midnight, number)


def _release(midnight: datetime, number: int) -> Iterator[dict[str, Any]]:
    """The pipeline rolls one service out, as deploy-prod."""
    service = _SERVICES[number % len(_SERVICES)]
    who = _session("role/deploy-prod", f"release-{4100 + number}")
    at = midnight + timedelta(hours=14, minutes=5 + number)
    artifact = f"{service}/{hex_id(f'build {number}', 12)}.zip"
    yield _event(who, at, "ecr", "DescribeImages", {"repositoryName": f"services/{service}", "registryId": PROD})
    yield _object(who, at, "GetObject", ARTIFACTS, artifact)
    yield _event(
        *(who, at + timedelta(seconds=20), "ecs", "RegisterTaskDefinition"),
        {"family": service, "taskRoleArn": iam("role/apps/routing-engine-task"), "cpu": "512", "memory": "1024"},
    )
    for minute in range(3):
        yield _event(
            *(who, at + timedelta(minutes=minute, seconds=40), "ecs", "DescribeServices"),
            {"cluster": "production", "services": [service]},
        )
    yield _event(
        *(who, at + timedelta(seconds=50), "ecs", "UpdateService"),
        {"cluster": "production", "service": service, "taskDefinition": f"{service}:{200 + number}"},
    )
    if number == 7:
        denied = at + timedelta(minutes=9)
        yield _denied(who, denied, "ecs", "DeleteService", {"cluster": "production", "service": "label-legacy"})


def _people(midnight: datetime, number: int) -> Iterator[dict[str, Any]]:
    engineer = _session("role/data/data-engineer", ("chen.wei", "noor.rahman", "amara.diallo")[number % 3])
    at = midnight + timedelta(hours=9, minutes=11 * (number % 5))
    day = f"{midnight:%Y/%m/%d}"
    yield _bucket(engineer, at, "ListObjects", DATA_LAKE, {"prefix": f"raw/scans/{day}/", "list-type": "2"})
    for part in range(4):
        yield _object(engineer, at + timedelta(minutes=part), "GetObject", DATA_LAKE, f"raw/scans/{day}/{part}.parquet")
    yield _object(engineer, at + timedelta(minutes=7), "GetObject", DATA_LAKE, "shared/depots.csv")
    if number % 5 == 1:
        yield _object(
            *(engineer, at + timedelta(minutes=9), "DeleteObject", DATA_LAKE, f"raw/scans/{day}/0.parquet"), denied=True
        )

    reader = _session("role/ops-readonly", ("priya.nair", "jonas.berg", "tomasz.zielinski")[number % 3])
    at = midnight + timedelta(hours=10, minutes=17 * (number % 3))
    yield _event(reader, at, "ec2", "DescribeInstances", {"instancesSet": {}, "filterSet": {}})
    yield _event(reader, at + timedelta(seconds=9), "rds", "DescribeDBInstances", None)
    yield _event(reader, at + timedelta(minutes=1), "s3", "ListBuckets", None)
    yield _event(reader, at + timedelta(minutes=2), "iam", "ListRoles", None, region="us-east-1")
    if number % 4 == 2:
        secret = f"arn:aws:secretsmanager:{REGION}:{PROD}:secret:payments/database-k7Vq2x"
        yield _denied(reader, at + timedelta(minutes=3), "secretsmanager", "GetSecretValue", {"secretId": secret})

    auditor = _session("role/security/security-audit", ("leila.karimi", "marco.bianchi")[number % 2])
    at = midnight + timedelta(hours=11, minutes=30)
    yield _event(auditor, at, "cloudtrail", "LookupEvents", {"maxResults": 50})
    yield _event(auditor, at + timedelta(minutes=1), "iam", "GetAccountSummary", None, region="us-east-1")
    yield _bucket(auditor, at + timedelta(minutes=2), "ListObjects", ACCESS_LOGS, {"prefix": f"tracking/{day}/"})


def _machines(midnight: datetime, number: int) -> Iterator[dict[str, Any]]:
    """What runs at night and all day long."""
    maintenance = _session("role/nightly-maintenance", "nightly-maintenance")
    at = midnight + timedelta(hours=2)
    yield _event(maintenance, at, "ec2", "DescribeSnapshots", {"ownersSet": {"items": [{"owner": "self"}]}})
    yield _event(
        *(maintenance, at + timedelta(seconds=30), "ec2", "DeleteSnapshot"),
        {"snapshotId": f"snap-{hex_id(f'snapshot {number}', 17)}", "force": False},
    )
    yield _event(
        *(maintenance, at + timedelta(minutes=1), "logs", "PutRetentionPolicy"),
        {"logGroupName": f"/ecs/{_SERVICES[number % len(_SERVICES)]}", "retentionInDays": 30},
    )

    engine = _session("role/apps/routing-engine-task", hex_id(f"task {number // 3}", 32))
    queue = f"https://sqs.{REGION}.amazonaws.com/{PROD}/shipment-events"
    table = f"arn:aws:dynamodb:{REGION}:{PROD}:table/routes"
    for hour in range(0, 24, 3):
        at = midnight + timedelta(hours=hour, minutes=13)
        yield _event(engine, at, "sqs", "ReceiveMessage", {"queueUrl": queue, "maxNumberOfMessages": 10}, is_data=True)
        yield _event(engine, at + timedelta(seconds=1), "sqs", "DeleteMessage", {"queueUrl": queue}, is_data=True)
        yield _event(
            *(engine, at + timedelta(seconds=2), "dynamodb", "PutItem"),
            {"tableName": "routes", "key": {"parcel": "HIDDEN_DUE_TO_SECURITY_REASONS"}},
            resource=("AWS::DynamoDB::Table", table),
            is_data=True,
        )


def _session(role: str, name: str) -> dict[str, Any]:
    """The userIdentity of a session of a role of the account, which `role` names as "role/PATH/NAME"."""
    short = role.rpartition("/")[2]
    role_id = unique_id("AROA", short)
    return {
        "type": "AssumedRole",
        "principalId": f"{role_id}:{name}",
        "arn": f"arn:aws:sts::{PROD}:assumed-role/{short}/{name}",
        "accountId": PROD,
        "accessKeyId": "ASIA" + access_key_id(f"{role} {name}", 0)[4:],
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": role_id,
                "arn": iam(role),
                "accountId": PROD,
                "userName": short,
            },
            "attributes": {"mfaAuthenticated": "false"},
        },
    }


def _bucket(
    who: Mapping[str, Any], at: datetime, name: str, bucket: str, parameters: Mapping[str, str]
) -> dict[str, Any]:
    given = {"bucketName": bucket, "Host": f"{bucket}.s3.{REGION}.amazonaws.com", **parameters}
    return _event(who, at, "s3", name, given, resource=("AWS::S3::Bucket", f"arn:aws:s3:::{bucket}"), is_data=True)


def _object(
    who: Mapping[str, Any], at: datetime, name: str, bucket: str, key: str, *, denied: bool = False
) -> dict[str, Any]:
    given = {"bucketName": bucket, "Host": f"{bucket}.s3.{REGION}.amazonaws.com", "key": key}
    make = _denied if denied else _event
    return make(who, at, "s3", name, given, resource=("AWS::S3::Object", f"arn:aws:s3:::{bucket}/{key}"), is_data=True)


def _denied(
    who: Mapping[str, Any], at: datetime, service: str, name: str, parameters: Mapping[str, Any], **more: Any
) -> dict[str, Any]:
    message = f"User: {who['arn']} is not authorized to perform: {service}:{name} with an explicit deny"
    error = {"errorCode": "AccessDenied", "errorMessage": f"{message} in an identity-based policy"}
    return {**_event(who, at, service, name, parameters, **more), **error}


def _event(
    who: Mapping[str, Any],
    at: datetime,
    service: str,
    name: str,
    parameters: Mapping[str, Any] | None,
    *,
    region: str = REGION,
    resource: tuple[str, str] | None = None,
    is_data: bool = False,
) -> dict[str, Any]:
    told = {} if resource is None else {"resources": [{"accountId": PROD, "type": resource[0], "ARN": resource[1]}]}
    seed = f"{who['arn']} {at.isoformat()} {service} {name} {parameters}"
    is_person = "." in who["arn"].rpartition("/")[2]
    return {
        "eventVersion": "1.11",
        "userIdentity": dict(who),
        "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": "203.0.113.17" if is_person else "198.51.100.9",
        "userAgent": _CLI if is_person else _BOTO,
        "requestParameters": None if parameters is None else dict(parameters),
        "responseElements": None,
        "requestID": str(uuid.uuid5(uuid.NAMESPACE_URL, f"request {seed}")),
        "eventID": str(uuid.uuid5(uuid.NAMESPACE_URL, f"event {seed}")),
        "readOnly": name.startswith(("Get", "List", "Describe", "Lookup", "Receive")),
        **told,
        "eventType": "AwsApiCall",
        "managementEvent": not is_data,
        "recipientAccountId": PROD,
        "eventCategory": "Data" if is_data else "Management",
    }
