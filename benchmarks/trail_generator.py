"""Generated CloudTrail trails: events as AWS writes them, of a made-up account, in the folders of a bucket.

`python -m benchmarks.trail_generator FOLDER [EVENTS] [SNAPSHOT]` writes a million of them; with a snapshot (such as
`iamtui snapshot demo.json --demo` writes) those that its users and roles may make, and some that they may not.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from iamtui.account.authorization_details import load_account
from iamtui.account.model import Account, Role, User
from iamtui.catalog.actions import catalogue
from iamtui.engine.decision import Outcome
from iamtui.questions.answers import never_asked
from iamtui.questions.question import Question
from iamtui.workspace.ask.questions import BulkEvaluator
from iamtui.workspace.source.principals import principal_for
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace

ACCOUNT: Final = "123456789012"
BEGINNING: Final = datetime(2026, 8, 1, tzinfo=UTC)

_EVENTS_OF_A_FILE: Final = 5_000
_REGIONS: Final = ("eu-west-1", "us-east-1", "eu-central-1")
_AGENTS: Final = (
    "Boto3/1.44.8 md/Botocore#1.44.8 ua/2.1 os/linux#6.8 md/arch#x86_64 lang/python#3.13.1 cfg/retry-mode#standard",
    "aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/macos#24.6.0 md/arch#arm64 lang/python#3.13.7 md/command#s3.ls",
    "APN/1.0 HashiCorp/1.0 Terraform/1.13.3 (+https://www.terraform.io) terraform-provider-aws/6.14.1",
    "AWS Internal",
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who calls: a user, or a role with the names of its sessions.

    Args:
        sessions: of a role; a user has none.
        invoked_by: the service that calls on its behalf, or "".
    """

    arn: str
    sessions: tuple[str, ...] = ()
    invoked_by: str = ""


Parameters = Callable[[random.Random], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """A kind of call.

    Args:
        weight: how often it is made, compared with others.
        parameters: makes the request's parameters.
        resource: the ARN that the record lists, made of the parameters; "" for none.
        denied: of how many calls one is denied; 0 for none.
        actor: who makes it; None: anybody.
    """

    source: str
    event: str
    weight: int
    parameters: Parameters
    resource: str = ""
    type: str = ""
    denied: int = 0
    data: bool = False
    actor: Actor | None = None


def _some(name: str, prefix: str, count: int) -> Parameters:
    return lambda chance: {name: f"{prefix}{chance.randrange(count)}"}


def _object(bucket: str, count: int) -> Parameters:
    def make(chance: random.Random) -> dict[str, Any]:
        key = f"2026/08/{chance.randrange(1, 29):02}/part-{chance.randrange(count):05}.parquet"
        return {"bucketName": bucket, "Host": f"{bucket}.s3.eu-west-1.amazonaws.com", "key": key}

    return make


def _assume(chance: random.Random) -> dict[str, Any]:
    role = chance.choice(("deploy", "readonly", "etl"))
    return {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/{role}", "roleSessionName": f"build-{chance.randrange(400)}"}


def _page(chance: random.Random) -> dict[str, Any]:
    return {"maxResults": 100, "nextToken": f"{chance.getrandbits(256):064x}"}


def _instances(chance: random.Random) -> dict[str, Any]:
    return {"instancesSet": {"items": [{"instanceId": f"i-{chance.randrange(60):017x}"}]}, "filterSet": {}}


def _kms(chance: random.Random) -> dict[str, Any]:
    key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{chance.randrange(6):08x}-1111-4222-8333-444455556666"
    return {"keyId": key, "encryptionContext": {"aws:s3:arn": "arn:aws:s3:::demo-logs"}, "encryptionAlgorithm": "SYM"}


CALLS: Final = (
    Call(
        "s3.amazonaws.com",
        "GetObject",
        260,
        _object("demo-logs", 700),
        "arn:aws:s3:::{bucketName}/{key}",
        "AWS::S3::Object",
        200,
        data=True,
    ),
    Call(
        "s3.amazonaws.com",
        "PutObject",
        120,
        _object("demo-logs", 300),
        "arn:aws:s3:::{bucketName}/{key}",
        "AWS::S3::Object",
        data=True,
    ),
    Call(
        "s3.amazonaws.com",
        "ListObjects",
        60,
        lambda _: {"bucketName": "demo-logs", "prefix": "2026/"},
        "arn:aws:s3:::{bucketName}",
        "AWS::S3::Bucket",
    ),
    Call(
        "s3.amazonaws.com",
        "GetBucketEncryption",
        20,
        _some("bucketName", "demo-bucket-", 30),
        "arn:aws:s3:::{bucketName}",
        "AWS::S3::Bucket",
    ),
    Call("ec2.amazonaws.com", "DescribeInstances", 150, _instances, denied=500),
    Call("ec2.amazonaws.com", "DescribeVolumes", 60, _page),
    Call("ec2.amazonaws.com", "StartInstances", 4, _instances),
    Call("sts.amazonaws.com", "AssumeRole", 110, _assume, "{roleArn}", "AWS::IAM::Role"),
    Call("sts.amazonaws.com", "GetCallerIdentity", 40, lambda _: {}),
    Call("kms.amazonaws.com", "Decrypt", 90, _kms, "{keyId}", "AWS::KMS::Key"),
    Call("kms.amazonaws.com", "GenerateDataKey", 40, _kms, "{keyId}", "AWS::KMS::Key"),
    Call(
        "dynamodb.amazonaws.com",
        "GetItem",
        60,
        lambda chance: {"tableName": f"table-{chance.randrange(20)}", "key": {"id": "HIDDEN_DUE_TO_SECURITY_REASONS"}},
        f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/{{tableName}}",
        "AWS::DynamoDB::Table",
        data=True,
    ),
    Call(
        "lambda.amazonaws.com",
        "Invoke",
        30,
        _some("functionName", f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f", 40),
        "{functionName}",
        "AWS::Lambda::Function",
        data=True,
    ),
    Call("lambda.amazonaws.com", "GetFunction20150331v2", 20, _some("functionName", "f", 40)),
    Call(
        "logs.amazonaws.com",
        "CreateLogStream",
        40,
        lambda chance: {
            "logGroupName": f"/aws/lambda/f{chance.randrange(40)}",
            "logStreamName": f"2026/08/01/[$LATEST]{chance.randrange(30):032x}",
        },
    ),
    Call(
        "secretsmanager.amazonaws.com",
        "GetSecretValue",
        20,
        _some("secretId", f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:db-", 12),
        denied=40,
    ),
    Call(
        "sqs.amazonaws.com",
        "ReceiveMessage",
        20,
        lambda chance: {"queueUrl": f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/queue-{chance.randrange(9)}"},
        data=True,
    ),
    Call("iam.amazonaws.com", "GetRole", 20, _some("roleName", "role-", 40)),
    Call("iam.amazonaws.com", "ListRoles", 8, _page),
    Call("iam.amazonaws.com", "CreateRole", 1, _some("roleName", "new-", 500), denied=3),
    Call("cloudformation.amazonaws.com", "DescribeStacks", 20, _some("stackName", "stack-", 20)),
    Call("monitoring.amazonaws.com", "PutMetricAlarm", 4, _some("alarmName", "alarm-", 30)),
    Call("signin.amazonaws.com", "ConsoleLogin", 2, lambda _: {}),
    Call(
        "health.amazonaws.com",
        "DescribeEventAggregates",
        12,
        lambda _: {"filter": {}, "aggregateField": "eventTypeCategory"},
    ),
)
"""What a small company's account does in a day, roughly."""

ACTORS: Final = (
    Actor(f"arn:aws:iam::{ACCOUNT}:user/alice"),
    Actor(f"arn:aws:iam::{ACCOUNT}:user/bob"),
    Actor(f"arn:aws:iam::{ACCOUNT}:role/deploy", tuple(f"build-{number}" for number in range(400))),
    Actor(f"arn:aws:iam::{ACCOUNT}:role/etl", tuple(f"i-{number:017x}" for number in range(20))),
    Actor(f"arn:aws:iam::{ACCOUNT}:role/readonly", ("carol@example.com", "dave@example.com", "erin@example.com")),
    Actor(f"arn:aws:iam::{ACCOUNT}:role/etl", ("glue",), "athena.amazonaws.com"),
)


def events(
    count: int, seed: int = 18, actors: Sequence[Actor] = ACTORS, calls: Sequence[Call] = CALLS, account: str = ACCOUNT
) -> Iterator[dict[str, Any]]:
    """So many records, in the order of their times, over ninety days."""
    chance = random.Random(seed)
    step = timedelta(days=90) / max(1, count)
    weights = [call.weight for call in calls]
    for number in range(count):
        call = chance.choices(calls, weights)[0]
        yield _event(chance, call, call.actor or chance.choice(actors), BEGINNING + step * number, account)


def _event(chance: random.Random, call: Call, actor: Actor, moment: datetime, account: str) -> dict[str, Any]:
    region = _REGIONS[0] if call.actor is not None or chance.random() < 0.9 else chance.choice(_REGIONS[1:])
    parameters = call.parameters(chance)
    record: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": _identity(chance, actor, moment, account),
        "eventTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": call.source,
        "eventName": call.event,
        "awsRegion": region,
        "sourceIPAddress": actor.invoked_by or f"203.0.113.{chance.randrange(1, 40)}",
        "userAgent": actor.invoked_by or chance.choice(_AGENTS),
    }
    if call.denied and chance.randrange(call.denied) == 0:
        record["errorCode"] = "AccessDenied"
        action = f"{call.source.partition('.')[0]}:{call.event}"
        record["errorMessage"] = f"User: {record['userIdentity']['arn']} is not authorized to perform: {action}"
    record |= {
        "requestParameters": parameters or None,
        "responseElements": None,
        "additionalEventData": {"SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256", "bytesOut": 0},
        "requestID": _uuid(chance),
        "eventID": _uuid(chance),
        "readOnly": call.event.startswith(("Get", "List", "Describe")),
    }
    if call.resource:
        arn = call.resource.format(**parameters)
        record["resources"] = [{"accountId": account, "type": call.type, "ARN": arn}]
    record |= {
        "eventType": "AwsConsoleSignIn" if call.event == "ConsoleLogin" else "AwsApiCall",
        "managementEvent": not call.data,
        "recipientAccountId": account,
        "eventCategory": "Data" if call.data else "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": f"{call.source.partition('.')[0]}.{region}.amazonaws.com",
        },
    }
    if actor.invoked_by:
        del record["tlsDetails"]
    return record


def _identity(chance: random.Random, actor: Actor, moment: datetime, account: str) -> dict[str, Any]:
    name = actor.arn.rpartition("/")[2]
    number = sum(actor.arn.encode())
    if not actor.sessions:
        key = f"AKIA{number:016}"
        user = {"principalId": f"AIDA{number:017}", "arn": actor.arn, "accountId": account}
        return {"type": "IAMUser", **user, "accessKeyId": key, "userName": name}
    session = chance.choice(actor.sessions)
    role_id = f"AROA{number:017}"
    created = moment.replace(minute=0, second=0)
    identity: dict[str, Any] = {
        "type": "AssumedRole",
        "principalId": f"{role_id}:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
        "accountId": account,
        "accessKeyId": f"ASIA{created.timetuple().tm_yday:06}{created.hour:02}{hash_of(session):08}",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": role_id,
                "arn": actor.arn,
                "accountId": account,
                "userName": name,
            },
            "webIdFederationData": {},
            "attributes": {"creationDate": f"{created:%Y-%m-%dT%H:%M:%SZ}", "mfaAuthenticated": "false"},
        },
    }
    return identity | ({"invokedBy": actor.invoked_by} if actor.invoked_by else {})


def hash_of(text: str) -> int:
    """A small number that stays the same for a text."""
    return int.from_bytes(text.encode()[-3:], "big")


def _uuid(chance: random.Random) -> str:
    digits = f"{chance.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def write_bucket(folder: Path, records: Iterator[dict[str, Any]], account: str = ACCOUNT) -> int:
    """Write records into a folder as CloudTrail does into a bucket; says how many files there are."""
    files = 0
    held: list[dict[str, Any]] = []
    for record in records:
        held.append(record)
        if len(held) == _EVENTS_OF_A_FILE:
            _write_file(folder, held, account, files)
            files, held = files + 1, []
    if held:
        _write_file(folder, held, account, files)
        files += 1
    return files


def _write_file(folder: Path, held: list[dict[str, Any]], account: str, number: int) -> None:
    moment = datetime.fromisoformat(held[-1]["eventTime"])
    place = folder / "AWSLogs" / account / "CloudTrail" / "eu-west-1" / f"{moment:%Y/%m/%d}"
    place.mkdir(parents=True, exist_ok=True)
    name = f"{account}_CloudTrail_eu-west-1_{moment:%Y%m%dT%H%MZ}_{number:016}.json.gz"
    data = json.dumps({"Records": held}, separators=(",", ":")).encode()
    (place / name).write_bytes(gzip.compress(data, 6, mtime=0))


_SOURCES: Final = {"cloudwatch": "monitoring", "ses": "email", "tag": "tagging", "dynamodb": "dynamodb"}
_MOST_OF_A_STATEMENT: Final = 4
_ODD: Final = frozenset("*?$")


def calls_of(account: Account) -> Iterator[Call]:
    """Calls that the users and roles of an account may make, as its own policies say, and some that they may not."""
    workspace = Workspace(account, SourceInfo(SourceKind.SNAPSHOT, account.id))
    holders: tuple[User | Role, ...] = (*account.users, *account.roles)
    for holder in holders:
        if isinstance(holder, Role) and holder.service_linked:
            continue
        sessions = ("i-0123456789abcdef0", "build-17", "someone@example.com") if isinstance(holder, Role) else ()
        actor = Actor(holder.arn, sessions)
        principal = principal_for(workspace, holder)
        for action, resource in _grants(account, holder):
            question = Question(action, resource, region="eu-west-1")
            decision = BulkEvaluator(workspace, question).ask(principal)
            if decision.outcome is Outcome.DEPENDS or action == "iam:PassRole":
                continue
            prefix, _, name = action.partition(":")
            bucket, _, key = resource.rpartition(":")[2].partition("/")
            given = {"bucketName": bucket, **({"key": key} if key else {})} if prefix == "s3" and bucket != "*" else {}
            source = f"{_SOURCES.get(prefix, prefix)}.amazonaws.com"
            yield Call(
                source, name, 1 if decision.denied else 20, lambda _, given=given: given,  # type: ignore[misc]
                "" if resource == "*" else resource, denied=1 if decision.denied else 0, actor=actor,
            )  # fmt: skip


def _grants(account: Account, holder: User | Role) -> Iterator[tuple[str, str]]:
    documents = [inline.document for inline in holder.inline_policies]
    for attached in holder.attached_policies:
        policy = account.policy(attached.arn)
        if policy is not None and policy.default_version is not None:
            documents.append(policy.default_version.document)
    for document in documents:
        for statement in document.policy.statements if document.error is None else ():
            if statement.effect == "Allow" and statement.actions and not statement.conditions:
                for pattern in statement.actions[:_MOST_OF_A_STATEMENT]:
                    for action in catalogue().expand(pattern)[:_MOST_OF_A_STATEMENT]:
                        yield from _on(account, action, statement.resources or ())


def _on(account: Account, action: str, resources: Sequence[str]) -> Iterator[tuple[str, str]]:
    for text in resources[:_MOST_OF_A_STATEMENT]:
        arn = text.split(":", 5)
        places = {3: "eu-west-1", 4: account.id}
        made = ":".join(places.get(place, "*") if part == "*" else part for place, part in enumerate(arn))
        made = made.replace("*", "x1")
        if text == "*":
            yield action, "*"
        elif not _ODD & set(made) and not never_asked(action, made):
            yield action, made


def _main(words: list[str]) -> int:
    count = int(words[1]) if len(words) > 1 else 1_000_000
    if len(words) < _WITH_SNAPSHOT:
        return write_bucket(Path(words[0]), events(count))
    account = load_account(Path(words[2]).read_bytes())
    return write_bucket(Path(words[0]), events(count, calls=list(calls_of(account)), account=account.id), account.id)


_WITH_SNAPSHOT: Final = 3

if __name__ == "__main__":
    print(_main(sys.argv[1:]), "files")
