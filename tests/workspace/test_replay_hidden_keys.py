"""Nothing is said to be kept that AWS would deny: whole requests, records that tell a part of them, random drafts."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

from iamtui.drafts.draft import Draft
from iamtui.drafts.edits.policies import PutInlinePolicy
from iamtui.engine.decision import Outcome
from iamtui.engine.request import Mode, Principal
from iamtui.policy.document import PolicyDocument
from iamtui.questions.question import Question
from iamtui.workspace.activity.replay import ReplayVerdict as Verdict
from iamtui.workspace.ask.questions import evaluator_of
from iamtui.workspace.change.draft_session import apply
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import Workspace
from tests.support.alice_and_dev import BUCKET, workspace
from tests.support.draft_accounts import text
from tests.support.sample_account import ID, iam
from tests.support.slow import one_quick
from tests.workspace.test_replay import ROLE, event, replayed, session

Statement = dict[str, Any]
OTHER = "999988887777"
ATHENA, GLUE = "athena.amazonaws.com", "glue.amazonaws.com"
KEYS: list[tuple[str, list[str], list[str]]] = [
    ("aws:SourceIp", ["IpAddress", "NotIpAddress"], ["203.0.113.0/24", "10.0.0.0/8"]),
    ("aws:VpcSourceIp", ["IpAddress", "NotIpAddress"], ["10.0.0.0/8"]),
    ("aws:SourceVpce", ["StringEquals", "StringNotEquals", "StringNotEqualsIfExists"], ["vpce-1"]),
    ("aws:SourceVpc", ["StringEquals", "StringNotEquals"], ["vpc-1"]),
    ("aws:CalledVia", ["ForAnyValue:StringEquals", "ForAllValues:StringEquals"], [ATHENA, GLUE]),
    ("aws:CalledViaFirst", ["StringEquals", "StringNotEquals", "Null"], [ATHENA, GLUE]),
    ("aws:CalledViaLast", ["StringEquals", "StringNotEquals", "Null"], [ATHENA]),
    ("aws:ViaAWSService", ["Bool"], ["true", "false"]),
    ("aws:SecureTransport", ["Bool", "BoolIfExists"], ["true", "false"]),
    ("aws:MultiFactorAuthPresent", ["Bool", "BoolIfExists", "Null"], ["true", "false"]),
    ("aws:TokenIssueTime", ["DateLessThan", "DateGreaterThan"], ["2026-10-01T07:30:00Z"]),
    ("aws:CurrentTime", ["DateLessThan", "DateGreaterThan"], ["2026-10-01T10:00:00Z", "2026-10-02T00:00:00Z"]),
    ("aws:RequestedRegion", ["StringEquals", "StringNotEquals"], ["us-east-1", "eu-west-1"]),
    ("aws:ResourceAccount", ["StringEquals", "StringNotEquals"], [ID]),
    ("s3:ExistingObjectTag/t", ["StringEquals", "StringNotEquals", "StringEqualsIfExists"], ["x"]),
    ("aws:PrincipalTag/team", ["StringEquals", "StringNotEquals", "Null"], ["red"]),
    ("aws:SourceIdentity", ["StringEquals", "StringNotEquals"], ["bob"]),
    ("aws:UserAgent", ["StringLike", "StringNotLike"], ["aws-*"]),
]


def random_statement(chance: random.Random, effect: str = "") -> Statement:
    found = {
        "Effect": effect or chance.choice(["Allow", "Deny"]),
        "Action": chance.choice(["s3:GetObject", "s3:*"]),
        "Resource": chance.choice(["*", f"{BUCKET}/*", "arn:aws:s3:::unknown/*"]),
    }
    if chance.random() < 0.75:
        key, operators, values = chance.choice(KEYS)
        operator = chance.choice(operators)
        found["Condition"] = {operator: {key: chance.choice(["true", "false"] if operator == "Null" else values)}}
    return found


def changed(chance: random.Random, statements: list[Statement]) -> list[Statement]:
    found = [dict(one) for one in statements]
    for _ in range(chance.randint(1, 2)):
        if chance.random() < 0.6:
            found.append(random_statement(chance, "Deny"))
        else:
            found[chance.randrange(len(found))] = random_statement(chance)
    return found


def opened(chance: random.Random, statements: list[Statement]) -> Workspace:
    """An account whose role dev has the statements, a tag, and sessions that may have another."""
    found = workspace(*statements, tags=chance.choice([(), (("team", "red"),)]))
    trust = {"Effect": "Allow", "Principal": {"AWS": iam("user/alice")}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    role = replace(found.account.roles[0], trust=PolicyDocument.of({"Version": "2012-10-17", "Statement": trust}))
    return found.with_account(replace(found.account, roles=(role,)))


def random_call(chance: random.Random) -> tuple[dict[str, Any], Question]:
    """A call of a session of the role as CloudTrail records it, and the whole request."""
    issued = chance.choice(["2026-10-01T07:00:00Z", "2026-10-01T07:50:00Z"])
    when, region = (
        chance.choice(["2026-10-01T08:00:00Z", "2026-10-03T00:00:00Z"]),
        chance.choice(["us-east-1", "eu-west-1"]),
    )
    context = {"aws:CurrentTime": (when,), "aws:RequestedRegion": (region,), "aws:TokenIssueTime": (issued,)}
    identity, record = session(), {"eventTime": when, "awsRegion": region, "userAgent": "aws-cli/2"}
    context["aws:UserAgent"] = ("aws-cli/2",)
    attributes = {"creationDate": issued, "mfaAuthenticated": "false"}
    if chance.random() < 0.5:
        attributes["mfaAuthenticated"] = chance.choice(["true", "false"])
        context["aws:MultiFactorAuthPresent"] = (attributes["mfaAuthenticated"],)
    identity["sessionContext"]["attributes"] = attributes
    if chance.random() < 0.3:
        identity["sessionContext"]["sourceIdentity"] = "bob"
        context["aws:SourceIdentity"] = ("bob",)
    way = chance.choice(["forwarded", "endpoint", "direct"])
    context["aws:ViaAWSService"] = ("true" if way == "forwarded" else "false",)
    if way == "forwarded":
        chain = chance.choice([(ATHENA,), (GLUE, ATHENA)])
        context |= {"aws:CalledVia": chain, "aws:CalledViaFirst": chain[:1], "aws:CalledViaLast": chain[-1:]}
        context["aws:SourceIp"] = (chance.choice(["203.0.113.9", "198.51.100.1"]),)
        identity["invokedBy"] = record["sourceIPAddress"] = record["userAgent"] = chain[-1]
    elif way == "endpoint":
        record |= {"vpcEndpointId": chance.choice(["vpce-1", "vpce-2"]), "sourceIPAddress": "10.0.0.5"}
        context |= {"aws:SourceVpce": (record["vpcEndpointId"],), "aws:VpcSourceIp": ("10.0.0.5",)}
        context["aws:SourceVpc"] = (chance.choice(["vpc-1", "vpc-2"]),)
    else:
        record["sourceIPAddress"] = chance.choice(["203.0.113.9", "198.51.100.1"])
        context["aws:SourceIp"] = (record["sourceIPAddress"],)
    secure = chance.choice(["true", "true", "false"])
    context["aws:SecureTransport"] = (secure,)
    tls = {"tlsDetails": {"tlsVersion": "TLSv1.3"}} if secure == "true" and chance.random() < 0.7 else {}
    context["s3:ExistingObjectTag/t"] = chance.choice([(), ("x",), ("y",)])
    if chance.random() < 0.5:
        context["aws:PrincipalTag/team"] = (chance.choice(["red", "blue"]),)
    bucket = chance.choice(["data", "unknown"])
    owner = ID if bucket == "data" else chance.choice([ID, OTHER])
    context["aws:ResourceAccount"] = (owner,)
    arn = f"arn:aws:s3:::{bucket}/a"
    told: dict[str, Any] = {"resources": [{"ARN": arn, "accountId": owner}] if chance.random() < 0.6 else []}
    told |= {"requestParameters": {"bucketName": bucket, "key": "a"}, "userIdentity": identity}
    return event(**record, **tls, **told), Question("s3:GetObject", arn, context, Mode.STRICT)


def is_allowed(account: Workspace, caller: Principal, asked: Question) -> bool:
    return evaluator_of(account, asked).decide(caller).outcome is Outcome.ALLOWED


@one_quick("seed", range(6))
def test_no_call_is_kept_that_the_whole_request_is_denied(seed: int) -> None:
    chance, seen = random.Random(seed), 0
    for _ in range(25):
        statements = [
            random_statement(chance, "Allow"),
            *(random_statement(chance) for _ in range(chance.randint(0, 2))),
        ]
        account = opened(chance, statements)
        edit = PutInlinePolicy(ROLE, "own", text(*changed(chance, statements)))
        drafted = apply(account, Draft(ID, "", (edit,)))
        caller = resolve_principal(account, f"arn:aws:sts::{ID}:assumed-role/dev/build")
        calls = [random_call(chance) for _ in range(8)]
        done = [(record, asked) for record, asked in calls if is_allowed(drafted.base, caller, asked)]
        kept = replayed(account, [record for record, _ in done], edit).events[Verdict.KEPT]
        seen += kept
        assert kept <= sum(is_allowed(drafted.after, caller, asked) for _, asked in done), json.dumps(
            [record for record, _ in done]
        )
    assert seen
