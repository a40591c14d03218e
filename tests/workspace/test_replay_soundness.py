"""Nothing that a draft would deny is said to be kept: random drafts of every kind, held against the evaluator."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from iamtui.activity.distinct_requests import RequestCollector
from iamtui.activity.events import event_of
from iamtui.denials.cloudtrail import read_record
from iamtui.denials.denial import SourcePlace
from iamtui.drafts.draft import Draft, Edit
from iamtui.drafts.edits.principals import PutPermissionsBoundary
from iamtui.engine.calls.api_calls import authorized_by
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.workspace.activity.replay import Replayer, allows_all
from iamtui.workspace.activity.replay import ReplayVerdict as Verdict
from iamtui.workspace.ask.denials import caller_of
from iamtui.workspace.ask.policy_reads import PolicyReads
from iamtui.workspace.ask.questions import BulkEvaluator
from iamtui.workspace.change.draft_session import DraftedAccount, apply, verdict_key
from tests.support.draft_accounts import BUCKET, KEY, OPEN_BUCKET, drafting_workspace, edits
from tests.support.sample_account import ID, NOW, iam
from tests.workspace.test_replay import session

WORKSPACE = drafting_workspace()
ACCOUNT = WORKSPACE.account
OTHER = "999988887777"

_CALLS: list[tuple[str, str, dict[str, Any], str]] = [
    ("s3", "GetObject", {"bucketName": BUCKET.rpartition(":")[2], "key": "a"}, f"{BUCKET}/a"),
    ("s3", "PutObject", {"bucketName": BUCKET.rpartition(":")[2], "key": "a"}, f"{BUCKET}/a"),
    ("s3", "DeleteObject", {"bucketName": OPEN_BUCKET.rpartition(":")[2], "key": "b"}, f"{OPEN_BUCKET}/b"),
    ("s3", "ListObjects", {"bucketName": OPEN_BUCKET.rpartition(":")[2]}, OPEN_BUCKET),
    ("kms", "Decrypt", {"keyId": KEY}, KEY),
    ("s3", "GetObject", {}, ""),
    ("athena", "StartQueryExecution", {"workGroup": "primary"}, ""),
    ("organizations", "LeaveOrganization", {}, ""),
    ("ec2", "DescribeInstances", {}, ""),
    *(("sts", "AssumeRole", {"roleArn": role.arn, "roleSessionName": "s"}, role.arn) for role in ACCOUNT.roles),
]


def identities() -> list[dict[str, Any]]:
    users = [
        {"type": "IAMUser", "arn": user.arn, "accountId": ID, "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}
        for user in ACCOUNT.users
    ]
    roles = [session("s", role.name) for role in ACCOUNT.roles]
    for one, role in zip(roles, ACCOUNT.roles, strict=True):
        one["sessionContext"]["sessionIssuer"]["arn"] = role.arn
    others = [
        {"type": "Root", "arn": iam("root"), "accountId": ID},
        {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"},
        session("s", "theirs", OTHER),
    ]
    return [*users, *roles, *others]


RECORDS = [
    {
        "eventVersion": "1.11", "eventSource": f"{service}.amazonaws.com", "eventName": name, "eventType": "AwsApiCall",
        "eventTime": "2026-10-01T10:00:00Z", "awsRegion": "us-east-1", "recipientAccountId": ID,
        "userIdentity": identity, "requestParameters": parameters, "sourceIPAddress": "203.0.113.9",
        "tlsDetails": {"tlsVersion": "TLSv1.3"}, "resources": [{"ARN": arn, "accountId": ID}] if arn else [],
    }
    for identity in identities()
    for service, name, parameters, arn in _CALLS
]  # fmt: skip


def is_kept(drafted: DraftedAccount, record: dict[str, Any]) -> bool:
    """Whether each question of a call is allowed with the draft, or answered as without it."""
    denial = read_record(record, SourcePlace(1, 0))
    principal = caller_of(drafted.states.before, denial, [])
    if principal is None:
        return True
    for action in authorized_by(record).actions:
        for resource in action.resources or ("*",):
            context = {**denial.context, **dict(action.context)}
            question = Question(action.action, resource, context, resource_account=ID, region="us-east-1")
            try:
                before, after = (
                    BulkEvaluator(state, question, now=NOW).ask(principal)
                    for state in (drafted.states.before, drafted.states.after)
                )
            except Problem:
                continue
            if not allows_all(after) and verdict_key(before) != verdict_key(after):
                return False
    return True


def check_that_what_is_kept_is_kept(given_edits: list[Edit], seed: int) -> None:
    drafted = apply(WORKSPACE, Draft(ID, "", tuple(given_edits)))
    if drafted.problems:
        return
    reads = PolicyReads([ACCOUNT, drafted.after.account])
    for record in random.Random(seed).sample(RECORDS, 25):
        collector = RequestCollector(reads.keys, sessions=reads.sessions)
        event = event_of(json.dumps(record))
        assert event is not None
        collector.add([event])
        replayer = Replayer(WORKSPACE, reads, drafted, now=NOW)
        (request,) = collector.requests()
        replayer.add(request)
        if replayer.finish().events[Verdict.KEPT]:
            assert is_kept(drafted, record), (given_edits, record)


# What policies that cannot be read allow, a boundary takes away.
BOUNDED = PutPermissionsBoundary(iam("user/automation/ci-deploy"), iam("policy/data/data-lake-read"))
DRAFTS = st.lists(edits(ACCOUNT), min_size=1, max_size=2)


@example([BOUNDED], 206)
@given(DRAFTS, st.integers(0, 2**32))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_kept_is_kept(given_edits: list[Edit], seed: int) -> None:
    check_that_what_is_kept_is_kept(given_edits, seed)


@pytest.mark.slow
@given(DRAFTS, st.integers(0, 2**32))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_kept_is_kept_with_many_drafts(given_edits: list[Edit], seed: int) -> None:
    check_that_what_is_kept_is_kept(given_edits, seed)
