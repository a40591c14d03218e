"""Replay: what is held against an account or a draft, and that nothing uncertain counts as still allowed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

import pytest

from iamtui.account.model import InlinePolicy, InstanceProfile
from iamtui.activity.distinct_requests import RequestCollector
from iamtui.activity.events import event_of
from iamtui.drafts.draft import Draft, Edit
from iamtui.drafts.edits.deletions import DeleteAccessKey, DeleteRole, DeleteUser
from iamtui.drafts.edits.organization import PutOrganizationPolicy
from iamtui.drafts.edits.policies import DeleteInlinePolicy, PutInlinePolicy, PutResourcePolicy
from iamtui.drafts.edits.principals import UpdateTrustPolicy
from iamtui.questions.question import Question
from iamtui.workspace.activity import replay as module
from iamtui.workspace.activity.replay import Replay, Replayer
from iamtui.workspace.activity.replay import ReplayVerdict as Verdict
from iamtui.workspace.activity.replay_fixes import fixed_to_the_end, with_all_fixes
from iamtui.workspace.ask.policy_reads import PolicyReads
from iamtui.workspace.ask.questions import BulkEvaluator
from iamtui.workspace.change.draft_fixes import SuggestedDraft
from iamtui.workspace.change.draft_session import apply
from iamtui.workspace.source.workspace import Workspace
from tests.support.alice_and_dev import BUCKET, workspace
from tests.support.draft_accounts import text
from tests.support.sample_account import ID, NOW, allow, deny, document, iam, trust

ROLE = iam("role/dev")
USER = {"type": "IAMUser", "arn": iam("user/alice"), "accountId": ID, "accessKeyId": "AKIAAAAAAAAAAAAAAAAA"}


def session(name: str = "build", role: str = "dev", account: str = ID) -> dict[str, Any]:
    return {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        "accountId": account,
        "accessKeyId": "ASIAAAAAAAAAAAAAAAAA",
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{account}:role/{role}"}},
    }


def event(name: str = "GetObject", key: str = "a", **more: Any) -> dict[str, Any]:
    bucket = BUCKET.rpartition(":")[2]
    return {
        "eventVersion": "1.11", "eventSource": "s3.amazonaws.com", "eventName": name, "eventType": "AwsApiCall",
        "eventTime": "2026-10-01T10:00:00Z", "awsRegion": "us-east-1", "recipientAccountId": ID,
        "userIdentity": USER, "requestParameters": {"bucketName": bucket, "key": key},
        "resources": [{"ARN": f"{BUCKET}/{key}", "accountId": ID, "type": "AWS::S3::Object"}],
        **more,
    }  # fmt: skip


def assuming(role: str = ROLE, **more: Any) -> dict[str, Any]:
    parameters = {"roleArn": role, "roleSessionName": "s"}
    return event("AssumeRole", eventSource="sts.amazonaws.com", requestParameters=parameters, resources=[], **more)


def replayed(opened: Workspace, records: Iterable[dict[str, Any]], *edits: Edit) -> Replay:
    drafted = apply(opened, Draft(ID, "", edits)) if edits else None
    if drafted is not None:
        drafted.check()
    reads = PolicyReads([opened.account, *([drafted.after.account] if drafted is not None else [])])
    collector = RequestCollector(reads.keys, sessions=reads.sessions)
    found = [event_of(json.dumps(record)) for record in records]
    collector.add(one for one in found if one is not None)
    replayer = Replayer(opened, reads, drafted, now=NOW)
    for request in collector.requests():
        replayer.add(request)
    return replayer.finish()


def verdict(opened: Workspace, record: dict[str, Any], *edits: Edit) -> Verdict | str:
    found = replayed(opened, [record], *edits)
    if not found.events:
        return "unmapped" if found.unmapped else "not asked"
    (only,) = found.events
    return only


READ = allow("s3:GetObject", f"{BUCKET}/*")
ENCRYPTED = allow("s3:GetObject", Condition={"Bool": {"aws:SecureTransport": "true"}})
LESS = PutInlinePolicy(iam("user/alice"), "own", text(allow("s3:GetObject", f"{BUCKET}/b*")))
NOTHING = DeleteInlinePolicy(iam("user/alice"), "own")


# Without a draft


_BY_SESSION = (
    f"User: arn:aws:sts::{ID}:assumed-role/dev/build is not authorized to perform: s3:GetObject on resource: "
    f'"{BUCKET}/a" because no session policy allows the s3:GetObject action'
)


@pytest.mark.parametrize(
    ("policy", "record", "expected"),
    [
        (READ, event(), Verdict.AGREES),
        (READ, event("PutObject"), Verdict.DIFFERS),
        (READ, event(errorCode="AccessDenied"), Verdict.DIFFERS),
        (READ, event("PutObject", errorCode="AccessDenied"), Verdict.AGREES),
        (READ, event(errorCode="NoSuchKey"), "not asked"),
        (READ, event("GetThat"), "unmapped"),
        (READ, event(eventType="AwsServiceEvent"), "not asked"),
        # A key that the record does not tell.
        (allow("s3:GetObject", Condition={"StringEquals": {"s3:ExistingObjectTag/team": "x"}}), event(), Verdict.OPEN),
        (allow("s3:GetObject", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}), event(), Verdict.OPEN),
        (
            allow("s3:GetObject", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
            event(sourceIPAddress="203.0.113.9"),
            Verdict.AGREES,
        ),
        (
            allow("s3:GetObject", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
            event(sourceIPAddress="198.51.100.9"),
            Verdict.DIFFERS,
        ),
        # A service that called on somebody's behalf: the address is not told.
        (
            allow("s3:GetObject", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
            event(userIdentity=USER | {"invokedBy": "athena.amazonaws.com"}, sourceIPAddress="athena.amazonaws.com"),
            Verdict.OPEN,
        ),
        # A role session has what its role has.
        (READ, event(userIdentity=session()), Verdict.AGREES),
        (READ, event("PutObject", userIdentity=session()), Verdict.DIFFERS),
        # AWS refused by a policy that is nowhere stored, or for what is no matter of policies.
        (READ, event(errorCode="AccessDenied", errorMessage=_BY_SESSION, userIdentity=session()), Verdict.OPEN),
        (READ, event(errorCode="VpceAccessDenied"), Verdict.OPEN),
        (allow("*"), event("AdminInitiateAuth", eventSource="cognito-idp.amazonaws.com", resources=[],
         requestParameters={"userPoolId": "p"}, errorCode="NotAuthorizedException"), Verdict.OPEN),
        (allow("*"), event("PutRecord", eventSource="firehose.amazonaws.com", resources=[],
         requestParameters={"deliveryStreamName": "s"}, errorCode="KMSAccessDeniedException"), Verdict.OPEN),
        # Nobody here answers to it.
        (READ, event(userIdentity=session(role="gone")), Verdict.OPEN),
        (READ, event(userIdentity={}), Verdict.OPEN),
        # Which resource it was is not told.
        (READ, event(requestParameters=None, resources=[]), Verdict.OPEN),
        (allow("s3:GetObject"), event(requestParameters=None, resources=[]), Verdict.AGREES),
        # The root user is allowed what no SCP takes.
        (READ, event("PutObject", userIdentity={"type": "Root", "arn": iam("root"), "accountId": ID}), Verdict.AGREES),
    ],
)  # fmt: skip
def test_an_answer_is_held_against_what_aws_did(policy: dict[str, Any], record: dict[str, Any], expected: str) -> None:
    assert verdict(workspace(policy), record) == expected


def test_a_role_of_another_account_is_not_taken_for_the_one_of_its_name() -> None:
    opened = workspace(allow("sts:AssumeRole", ROLE))
    assert verdict(opened, assuming(ROLE.replace(ID, "999988887777"))) is Verdict.DIFFERS


def test_calls_between_other_accounts_are_not_asked_about() -> None:
    other = session(account="999988887777")
    found = replayed(workspace(READ), [event(userIdentity=other, recipientAccountId="999988887777")])
    assert found.elsewhere == {"999988887777": 1}
    assert not found.groups
    assert not found.told


def test_what_is_not_mapped_and_what_failed_is_counted() -> None:
    found = replayed(
        workspace(READ),
        [
            event("GetThat"),
            event("GetThat", key="b"),
            event(errorCode="NoSuchKey"),
            event(eventType="AwsConsoleSignIn"),
        ],
    )
    assert [(name, count) for (name, _), count in found.unmapped.items()] == [("s3.amazonaws.com:GetThat", 2)]
    assert found.failed == {"NoSuchKey": 1}
    assert found.not_calls.total() == 1
    assert not found.told


def test_requests_of_one_kind_are_one_group_with_its_times() -> None:
    records = [
        event("PutObject", key=key, eventTime=f"2026-10-0{day}T00:00:00Z", userIdentity=session(f"s{day}"))
        for day, key in enumerate("abcab", 1)
    ]
    (group,) = replayed(workspace(READ), records).groups
    assert (group.caller, group.action, group.events) == (ROLE, "s3:PutObject", 5)
    assert (group.first, group.last) == ("2026-10-01T00:00:00Z", "2026-10-05T00:00:00Z")
    assert list(group.resources) == [f"{BUCKET}/{key}" for key in "abc"]
    assert len(group.sessions) == 5


def test_more_answers_than_are_told_apart_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_GROUPS", 1)
    found = replayed(workspace(READ), [event("PutObject"), event("DeleteObject"), event("DeleteObject", key="b")])
    assert (len(found.groups), found.ungrouped) == (1, 2)
    assert not found.told


# With a draft


@pytest.mark.parametrize(
    ("record", "edit", "expected"),
    [
        (event(), LESS, Verdict.BROKEN),
        (event(key="b1"), LESS, Verdict.KEPT),
        (event(), NOTHING, Verdict.BROKEN),
        # Another caller, and an action that no changed statement is about.
        (event(userIdentity=session()), NOTHING, Verdict.KEPT),
        (event("GetThat", userIdentity=session()), NOTHING, Verdict.KEPT),
        (event("GetThat"), NOTHING, "unmapped"),
        # What failed proves nothing, and what AWS denied does not either.
        (event(errorCode="NoSuchKey"), NOTHING, "not asked"),
        (event(errorCode="AccessDenied"), NOTHING, "not asked"),
        # What the account denies already cannot be broken, and is not said to be kept.
        (event("PutObject"), PutInlinePolicy(iam("user/alice"), "own", text(READ, deny("s3:PutObject"))), Verdict.OPEN),
        # Which object it was is not told: some are still allowed.
        (event(requestParameters=None, resources=[]), LESS, Verdict.OPEN),
        (event(requestParameters=None, resources=[]), NOTHING, Verdict.BROKEN),
        # Allowed from now on only under a condition whose key is not told.
        (
            event(),
            PutInlinePolicy(iam("user/alice"), "own", text(ENCRYPTED)),
            Verdict.OPEN,
        ),
        (
            event(tlsDetails={"tlsVersion": "TLSv1.3"}),
            PutInlinePolicy(iam("user/alice"), "own", text(ENCRYPTED)),
            Verdict.KEPT,
        ),
    ],
)  # fmt: skip
def test_a_draft_keeps_breaks_or_leaves_open(record: dict[str, Any], edit: Edit, expected: str) -> None:
    assert verdict(workspace(READ), record, edit) == expected


def test_of_what_a_record_leaves_out_only_that_counts_which_aws_would_have_allowed() -> None:
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    opened = workspace(READ, deny("s3:*", Condition=plain))
    # That it was encrypted is not told, and is known: it was not denied.
    assert verdict(opened, event()) is Verdict.AGREES
    same = PutInlinePolicy(iam("user/alice"), "own", text(ENCRYPTED, deny("s3:*", Condition=plain)))
    assert verdict(opened, event(), same) is Verdict.KEPT
    assert verdict(opened, event(), NOTHING) is Verdict.BROKEN


def test_the_same_condition_as_before_held() -> None:
    tagged = {"StringEquals": {"s3:ExistingObjectTag/team": "x"}}
    opened = workspace(allow("s3:GetObject", Condition=tagged), allow("sqs:*"))
    edit = PutInlinePolicy(iam("user/alice"), "own", text(allow("s3:GetObject", Condition=tagged)))
    assert verdict(opened, event(), edit) is Verdict.KEPT
    narrowed = PutInlinePolicy(
        iam("user/alice"),
        "own",
        text(allow("s3:GetObject", Condition={"StringEquals": {"s3:ExistingObjectTag/team": "y"}})),
    )
    assert verdict(opened, event(), narrowed) is Verdict.OPEN


_VIA = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}


@pytest.mark.parametrize(
    ("policy", "edit", "expected"),
    [
        (allow("*"), allow(["kms:Encrypt", "sqs:*"]), Verdict.OPEN),
        (allow("*"), allow("kms:*"), Verdict.KEPT),
        (allow("kms:*", Condition=_VIA), allow("kms:Encrypt"), Verdict.OPEN),
        (allow("kms:*", Condition=_VIA), allow("kms:*", Condition={"Null": {"kms:ViaService": "true"}}), Verdict.OPEN),
        # The key's policy alone allowed it.
        (allow("kms:Encrypt"), allow(["kms:Encrypt", "kms:Sign"]), Verdict.KEPT),
    ],
)
def test_the_policy_of_a_key_may_leave_it_to_those_of_the_identity(
    policy: dict[str, Any], edit: dict[str, Any], expected: Verdict
) -> None:
    # Whether it does is not known where it is not loaded.
    key = f"arn:aws:kms:us-east-1:{ID}:key/1"
    record = event("Decrypt", eventSource="kms.amazonaws.com", requestParameters={}, resources=[{"ARN": key}])
    assert verdict(workspace(policy), record, PutInlinePolicy(iam("user/alice"), "own", text(edit))) is expected


def test_the_trust_of_a_role_may_leave_it_to_the_policies_of_the_identity() -> None:
    taken = PutInlinePolicy(iam("user/alice"), "own", text(allow("sqs:*")))
    assert verdict(workspace(allow("*")), assuming(iam("role/elsewhere")), taken) is Verdict.OPEN


def test_some_resources_as_before_are_not_the_one_that_was_used() -> None:
    def but(*keys: str) -> dict[str, Any]:
        return {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": [f"{BUCKET}/{key}" for key in keys]}

    unnamed = event(requestParameters=None, resources=[])
    edit = PutInlinePolicy(iam("user/alice"), "own", text(but("a", "b")))
    assert verdict(workspace(but("a")), unnamed, edit) is Verdict.OPEN


def test_a_condition_on_time_is_read_at_the_first_and_at_the_last_event() -> None:
    until = {"DateLessThan": {"aws:CurrentTime": "2026-10-02T00:00:00Z"}}
    edit = PutInlinePolicy(iam("user/alice"), "own", text(allow("s3:GetObject", Condition=until)))
    early, late = event(), event(eventTime="2026-10-03T10:00:00Z")
    assert verdict(workspace(READ), early, edit) is Verdict.KEPT
    assert verdict(workspace(READ), late, edit) is Verdict.BROKEN
    found = replayed(workspace(READ), [early, late], edit)
    assert found.events == {Verdict.BROKEN: 2}


def test_addresses_that_no_policy_tells_apart_are_asked_about_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Question] = []

    class Noting(BulkEvaluator):
        def __init__(self, workspace: Workspace, question: Question, *, now: datetime | None = None) -> None:
            asked.append(question)
            super().__init__(workspace, question, now=now)

    monkeypatch.setattr(module, "BulkEvaluator", Noting)
    policy = allow("s3:GetObject", Condition={"IpAddress": {"aws:SourceIp": ["203.0.113.0/25", "203.0.113.128/25"]}})
    addresses = [f"{network}.{host}" for network in ("203.0.113", "198.51.100") for host in range(200)]
    found = replayed(workspace(policy), [event(sourceIPAddress=address) for address in addresses])
    assert found.events == {Verdict.AGREES: 200, Verdict.DIFFERS: 200}
    assert len(asked) == 2
    assert found.groups[0].question is None or found.groups[0].question.context["aws:SourceIp"]


_ADDRESSES = ("203.0.113.9", "203.0.113.90", "203.0.113.200", "198.51.100.9", "2001:db8::9")
_ON_ADDRESSES: list[dict[str, Any]] = [
    {operator: {"aws:SourceIp": values}}
    for operator, values in (
        ("IpAddress", ["203.0.113.0/25"]),
        ("NotIpAddress", ["203.0.113.0/24", "2001:db8::/32"]),
        ("IpAddressIfExists", ["203.0.113.90"]),
        ("StringLike", ["203.0.113.9*"]),
        ("StringNotEquals", ["198.51.100.9"]),
        ("ForAnyValue:StringEquals", ["203.0.113.200", "2001:db8::9"]),
        ("ForAllValues:StringLike", ["203.*"]),
        ("Null", ["false"]),
        ("IpAddress", ["not an address"]),
        ("StringEquals", ["${aws:SourceIp}"]),
    )
] + [{"StringEquals": {"s3:prefix": "${aws:SourceIp}"}}, {"StringLike": {"aws:UserAgent": "*a*"}}]


@pytest.mark.parametrize("seed", range(12))
def test_addresses_are_answered_together_as_each_alone(seed: int) -> None:
    random = Random(seed)
    # With a variable of it, each address is another thing.
    with_variables = not seed % 3
    conditions = [one for one in _ON_ADDRESSES if with_variables or "$" not in str(one)]

    def some(effect: Callable[..., dict[str, Any]], resource: str) -> dict[str, Any]:
        where = f"{BUCKET}/${{aws:SourceIp}}" if with_variables and random.random() < 0.5 else resource
        return effect("s3:GetObject", where, Condition=random.choice(conditions))

    own = [some(random.choice((allow, deny)), f"{BUCKET}/*") for _ in range(3)]
    opened = workspace(*own, buckets={BUCKET: document(some(allow, f"{BUCKET}/*") | {"Principal": {"AWS": ROLE}})})
    edit = PutInlinePolicy(iam("user/alice"), "own", text(*own[:2], some(deny, f"{BUCKET}/*")))
    records = [
        event(key=random.choice(("a", "203.0.113.9")), sourceIPAddress=address, userAgent=agent, userIdentity=who)
        for address in _ADDRESSES
        for agent in ("aws-cli", "curl")
        for who in (USER, session())
    ]
    for edits in ((), (edit,)):
        alone: Counter[Verdict] = Counter()
        for record in records:
            alone += replayed(opened, [record], *edits).events
        assert replayed(opened, records, *edits).events == alone


def test_a_policy_that_names_a_session_is_asked_about_each_session() -> None:
    one = f"arn:aws:sts::{ID}:assumed-role/dev/one"
    policy = text(deny("s3:GetObject", f"{BUCKET}/*", Principal={"AWS": one}))
    opened = workspace(READ, buckets={BUCKET: document(allow("s3:ListBucket", BUCKET, Principal={"AWS": ROLE}))})
    edit = PutResourcePolicy(BUCKET, policy)
    found = replayed(opened, [event(userIdentity=session("one")), event(userIdentity=session("two"))], edit)
    assert found.events == {Verdict.BROKEN: 1, Verdict.KEPT: 1}
    assert list(found.groups[0].sessions) == ["one"]


def test_a_role_that_nobody_may_assume_any_more() -> None:
    opened = workspace(READ)
    (role,) = opened.account.roles
    opened = opened.with_account(
        replace(opened.account, roles=(replace(role, trust=trust({"AWS": iam("user/alice")})),))
    )
    other = UpdateTrustPolicy(ROLE, trust({"Service": "lambda.amazonaws.com"}).raw)
    service = {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}
    assert verdict(opened, assuming(), other) is Verdict.BROKEN
    assert verdict(opened, event(), other) is Verdict.KEPT
    assert verdict(opened, assuming(userIdentity=service), DeleteRole(ROLE)) is Verdict.BROKEN
    assert verdict(opened, assuming(), DeleteRole(ROLE)) is Verdict.BROKEN
    assert verdict(opened, event(userIdentity=session()), DeleteRole(ROLE)) is Verdict.BROKEN


def test_a_deleted_access_key_leaves_open_who_used_it() -> None:
    edit = DeleteAccessKey(iam("user/alice"), "AKIAAAAAAAAAAAAAAAAA")
    assert verdict(workspace(READ), event(), edit) is Verdict.OPEN
    assert verdict(workspace(READ), event(userIdentity=session()), edit) is Verdict.KEPT


def test_more_resources_than_are_kept_of_a_record_leave_it_open() -> None:
    many = [{"ARN": f"{BUCKET}/b{number}"} for number in range(3)]
    parameters = {"delete": {"objects": [{"key": f"b{number}"} for number in range(2_000)]}}
    record = event("GetObject", key="b", requestParameters=parameters, resources=many)
    assert verdict(workspace(READ), record, LESS) is Verdict.OPEN


def test_parts_of_a_record_that_are_not_kept_are_not_what_a_draft_leaves_alone() -> None:
    tags = "&".join(f"key-{number}={'v' * 240}" for number in range(10))
    record = event("PutObject", requestParameters={"bucketName": "lake", "key": "a", "x-amz-tagging": tags})
    opened = workspace(allow("s3:*"))
    assert verdict(opened, record, edit_of(allow("s3:*"), deny("s3:PutObjectTagging"))) is Verdict.OPEN


@pytest.mark.parametrize("name", ["host", "Description", "marker"])
def test_names_that_people_give_are_kept_though_they_are_those_of_tokens(name: str) -> None:
    table = f"arn:aws:dynamodb:us-east-1:{ID}:table/{name}"
    reading = event(
        "BatchGetItem",
        eventSource="dynamodb.amazonaws.com",
        requestParameters={"requestItems": {"orders": {"keys": []}, name: {"keys": []}}},
        resources=[],
    )
    opened = workspace(allow(["dynamodb:*", "kms:*"]))
    assert verdict(opened, reading, edit_of(allow("dynamodb:*"), deny("dynamodb:*", table))) is Verdict.BROKEN
    key = f"arn:aws:kms:us-east-1:{ID}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    decrypting = event(
        "Decrypt",
        eventSource="kms.amazonaws.com",
        requestParameters={"encryptionContext": {name: "x"}},
        resources=[{"ARN": key, "accountId": ID, "type": "AWS::KMS::Key"}],
    )
    condition = {"StringEquals": {f"kms:EncryptionContext:{name}": "x"}}
    assert verdict(opened, decrypting, edit_of(allow("kms:*"), deny("kms:*", Condition=condition))) is Verdict.BROKEN


def edit_of(*statements: dict[str, Any]) -> Edit:
    return PutInlinePolicy(iam("user/alice"), "own", text(*statements))


# What keeps it


def added(opened: Workspace, records: list[dict[str, Any]], *edits: Edit) -> tuple[list[Any], list[str]]:
    draft = Draft(ID, "", edits)
    found = replayed(opened, records, *edits)
    made = with_all_fixes(opened, draft, list(found.broken()), now=NOW)
    assert made.draft.edits[: len(edits)] == edits
    more = made.draft.edits[len(edits) :]
    if not made.left:
        assert replayed(opened, records, *made.draft.edits).events[Verdict.BROKEN] == 0
    return list(more), [why.sentence for why in made.left]


RUN = {"imageId": "ami-1", "subnetId": "subnet-1", "keyName": "k", "groupSet": {"items": [{"groupId": "sg-1"}]}}


def test_all_that_a_call_needs_is_added_at_once() -> None:
    run = event("RunInstances", eventSource="ec2.amazonaws.com", requestParameters=RUN, resources=[])
    (edit,), left = added(workspace(allow("ec2:*"), allow("s3:*")), [run], NOTHING)
    assert isinstance(edit, PutInlinePolicy)
    assert left == []
    (statement,) = json.loads(edit.document)["Statement"]
    kinds = {arn.split(":")[-1].partition("/")[0] for arn in statement["Resource"]}
    assert {"image", "instance", "key-pair", "network-interface", "security-group", "subnet", "volume"} <= kinds


def to_the_end(opened: Workspace, records: list[dict[str, Any]], *edits: Edit) -> tuple[SuggestedDraft, Replay]:
    drafted = apply(opened, Draft(ID, "", edits))
    found, reads = replayed(opened, records, *edits), PolicyReads([opened.account, drafted.after.account])
    collector = RequestCollector(reads.keys, sessions=reads.sessions)
    collector.add(one for one in (event_of(json.dumps(record)) for record in records) if one is not None)
    made = fixed_to_the_end(opened, drafted, found, reads, collector.requests, now=NOW)
    return made, replayed(opened, records, *made.draft.edits)


def test_additions_go_on_until_nothing_is_denied() -> None:
    # The example of a group is in one Region, what else it stands for in another.
    here = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    there = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    opened = workspace(allow("s3:*", condition=here), allow("s3:*", condition=there))
    records = [event(), event(awsRegion="eu-west-1"), event("PutObject", awsRegion="eu-west-1")]
    made, after = to_the_end(opened, records, NOTHING)
    assert made.left == ()
    assert after.events[Verdict.BROKEN] == 0


def test_what_additions_do_not_help_is_named() -> None:
    records = [event(), event("CreateBucket", resources=[]), event("DeleteBucket", resources=[])]
    made, after = to_the_end(workspace(allow("s3:*")), records, DeleteUser(iam("user/alice")))
    assert after.events[Verdict.BROKEN] == 3
    assert {why.sentence.partition(": ")[0].rpartition(" ")[2] for why in made.left} == {
        "s3:GetObject", "s3:CreateBucket", "s3:DeleteBucket",
    }  # fmt: skip


def test_what_stays_open_of_a_call_that_was_denied_is_named() -> None:
    copied = {"bucketName": "data", "key": "k", "x-amz-copy-source": "from/x"}
    records = [event("CopyObject", requestParameters=copied, resources=[])]
    made, after = to_the_end(workspace(allow("s3:*")), records, NOTHING)
    assert after.events == {Verdict.OPEN: 1}
    assert [why.sentence.partition(" remains open")[0] for why in made.left] == ["s3:GetObjectTagging"]
    # What was open before is in the replay's own answer.
    seen = event("HeadObject", requestParameters=None, resources=[])
    narrower = PutInlinePolicy(iam("user/alice"), "own", text(allow(["s3:Get*", "s3:Put*"], f"{BUCKET}/b*")))
    made, after = to_the_end(workspace(allow("s3:*")), [seen, event()], narrower)
    assert after.events == {Verdict.OPEN: 1, Verdict.KEPT: 1}
    assert made.left == ()


def test_an_addition_for_all_resources_says_so() -> None:
    # Its key would be a pattern in an ARN.
    made, after = to_the_end(workspace(allow("s3:*")), [event(key="a*")], NOTHING)
    assert after.events == {Verdict.KEPT: 1}
    assert [one.partition(" is allowed on *")[0] for one in made.cautions] == ["user/alice, s3:GetObject"]


FEDERATED = {
    "type": "FederatedUser",
    "arn": f"arn:aws:sts::{ID}:federated-user/bob",
    "accountId": ID,
    "accessKeyId": "ASIAAAAAAAAAAAAAAAAA",
    "sessionContext": {"sessionIssuer": {"type": "IAMUser", "arn": iam("user/alice")}},
}


def test_which_session_policies_a_federated_user_had_is_not_guessed() -> None:
    assert verdict(workspace(allow("s3:*")), event(userIdentity=FEDERATED)) is Verdict.AGREES
    assert verdict(workspace(allow("sqs:*")), event(userIdentity=FEDERATED)) is Verdict.DIFFERS
    listed = event("ListUsers", eventSource="iam.amazonaws.com", requestParameters={}, resources=[])
    assert verdict(workspace(allow("*")), listed | {"userIdentity": FEDERATED}) is Verdict.OPEN
    # Its session policy may be what denied it.
    refused = event(userIdentity=FEDERATED, errorCode="AccessDenied")
    assert verdict(workspace(allow("s3:*")), refused) is Verdict.OPEN
    assert verdict(workspace(allow("sqs:*")), refused) is Verdict.AGREES
    assert verdict(workspace(allow("s3:*")), event(userIdentity=FEDERATED), NOTHING) is Verdict.BROKEN


def test_the_addition_is_one_statement_for_what_was_used() -> None:
    (edit,), left = added(workspace(allow("s3:*")), [event(), event("PutObject")], NOTHING)
    assert isinstance(edit, PutInlinePolicy)
    (statement,) = json.loads(edit.document)["Statement"]
    assert (sorted(statement["Action"]), statement["Resource"]) == (["s3:GetObject", "s3:PutObject"], f"{BUCKET}/a")
    assert left == []


@pytest.mark.parametrize(
    ("condition", "record"),
    [
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, event(sourceIPAddress="203.0.113.9")),
        # A condition that the record does not tell stays one.
        ({"StringEquals": {"s3:ExistingObjectTag/team": "x"}}, event()),
    ],
)
@pytest.mark.parametrize("by", ["identity", "bucket"])
def test_the_addition_keeps_the_conditions_that_it_was_granted_on(
    by: str, condition: dict[str, Any], record: dict[str, Any]
) -> None:
    granted = READ | {"Condition": condition}
    to_alice = {"Principal": {"AWS": iam("user/alice")}}
    opened = workspace(granted) if by == "identity" else workspace(buckets={BUCKET: document(granted | to_alice)})
    closed = PutResourcePolicy(BUCKET, text(allow("s3:PutObject", f"{BUCKET}/*") | to_alice))
    (edit,), left = added(opened, [record], NOTHING if by == "identity" else closed)
    assert isinstance(edit, PutInlinePolicy)
    (statement,) = json.loads(edit.document)["Statement"]
    assert (statement["Resource"], statement["Condition"]) == (f"{BUCKET}/a", condition)
    assert left == []


def test_many_resources_are_named_by_what_they_begin_with_where_all_of_that_was_allowed() -> None:
    records = [event(key=f"logs/{number}") for number in range(30)]
    (edit,), _ = added(workspace(READ), records, NOTHING)
    assert json.loads(edit.document)["Statement"][0]["Resource"] == f"{BUCKET}/logs/*"
    one_by_one = workspace(allow("s3:GetObject", [f"{BUCKET}/logs/{number}" for number in range(30)]))
    more, left = added(one_by_one, records, NOTHING)
    assert more == []
    assert "30 resources" in left[0]


def test_a_deny_that_the_draft_brings_is_narrowed_and_not_overridden() -> None:
    edit = PutInlinePolicy(iam("user/alice"), "own", text(READ, deny("s3:GetObject", f"{BUCKET}/a*")))
    more, left = added(workspace(READ), [event()], edit)
    assert (len(more) > 0) is (left == [])


def test_a_document_that_is_changed_for_several_callers_is_one_edit() -> None:
    opened = workspace(READ, scps=[])
    (level,) = [one for one in opened.account.organization_levels if one.type == "ACCOUNT"]
    edit = PutOrganizationPolicy("SERVICE_CONTROL_POLICY", level.id, "fence", text(deny("s3:GetObject")))
    more, left = added(opened, [event(), event(userIdentity=session())], edit)
    assert len(more) == 1
    assert left == []


def denying(condition: dict[str, Any]) -> Edit:
    return PutInlinePolicy(iam("user/alice"), "own", text(READ_ALL, deny("s3:*", Condition=condition)))


READ_ALL = allow("s3:GetObject")
BY_ATHENA = USER | {"invokedBy": "athena.amazonaws.com"}
UNKNOWN: dict[str, Any] = {"requestParameters": {"bucketName": "unknown", "key": "a"}, "resources": []}
OWNED = [{"ARN": "arn:aws:s3:::unknown/a", "accountId": ID, "type": "AWS::S3::Object"}]
NOT_OURS = {"StringNotEquals": {"aws:ResourceAccount": ID}}


@pytest.mark.parametrize(
    ("record", "condition", "expected"),
    [
        # IAM User Guide: services that call on somebody's behalf stand in aws:CalledVia, of which the last one is told.
        (event(userIdentity=BY_ATHENA), {"ForAnyValue:StringEquals": {"aws:CalledVia": "athena.amazonaws.com"}},
         Verdict.OPEN),
        (event(userIdentity=BY_ATHENA), {"StringEquals": {"aws:CalledViaLast": "athena.amazonaws.com"}},
         Verdict.BROKEN),
        (event(sourceIPAddress="203.0.113.9"), {"ForAnyValue:StringEquals": {"aws:CalledVia": "athena.amazonaws.com"}},
         Verdict.KEPT),
        # The ARN of a bucket names no account, and a record need not tell it.
        (event(**UNKNOWN), NOT_OURS, Verdict.OPEN),
        (event(**UNKNOWN | {"resources": OWNED}), NOT_OURS, Verdict.KEPT),
        (event(resources=[]), NOT_OURS, Verdict.KEPT),
        (event(**UNKNOWN), {"StringEquals": {"aws:username": "bob"}}, Verdict.KEPT),
    ],
)  # fmt: skip
def test_whose_a_resource_is_and_who_forwards_a_call_is_not_guessed(
    record: dict[str, Any], condition: dict[str, Any], expected: Verdict
) -> None:
    assert verdict(workspace(READ_ALL), record, denying(condition)) is expected


FEDERATED = {
    "type": "FederatedUser", "arn": f"arn:aws:sts::{ID}:federated-user/bob", "accountId": ID,
    "sessionContext": {"sessionIssuer": {"type": "IAMUser", "arn": iam("user/alice")}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("who", "edit"),
    [
        (USER, DeleteUser(iam("user/alice"))),
        (FEDERATED, DeleteUser(iam("user/alice"))),
        (session(), DeleteRole(ROLE)),
    ],
)
def test_whoever_is_deleted_calls_nothing_any_more(who: dict[str, Any], edit: Edit) -> None:
    # Not even what no policy can deny, or what the policy of a resource allows everybody.
    opened = workspace(buckets={BUCKET: document({**READ, "Principal": "*"})})
    whoami = event("GetCallerIdentity", eventSource="sts.amazonaws.com", requestParameters=None, resources=[])
    found = replayed(opened, [one | {"userIdentity": who} for one in (whoami, event())], edit)
    assert dict(found.events) == {Verdict.BROKEN: 2}
    assert {group.reason for group in found.groups} <= {"The draft deletes the user.", "The draft deletes the role."}


def calling(service: str, name: str, **parameters: Any) -> dict[str, Any]:
    return event(name, eventSource=f"{service}.amazonaws.com", requestParameters=parameters, resources=[])


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (calling("iam", "AddRoleToInstanceProfile", roleName="dev", instanceProfileName="p"), Verdict.BROKEN),
        (calling("iam", "AddRoleToInstanceProfile", roleName="other", instanceProfileName="p"), Verdict.KEPT),
        (calling("ecs", "RegisterTaskDefinition", family="f", taskRoleArn="dev"), Verdict.BROKEN),
        (calling("ssm", "CreateActivation", iamRole="service-role/dev"), Verdict.BROKEN),
        (calling("ec2", "RunInstances", iamInstanceProfile={"name": "of-dev"}), Verdict.BROKEN),
        (calling("ec2", "RunInstances", iamInstanceProfile={"name": "of-others"}), Verdict.KEPT),
        (calling("ec2", "RunInstances", iamInstanceProfile={"name": "not-loaded"}), Verdict.OPEN),
        # The task definition has the role.
        (calling("ecs", "RunTask", cluster="c", taskDefinition="t"), Verdict.OPEN),
        (calling("ec2", "RunInstances"), Verdict.KEPT),
        # It cannot be read or changed any more, only made anew.
        (calling("iam", "GetRole", roleName="dev"), Verdict.BROKEN),
        (calling("iam", "PutRolePolicy", roleName="dev", policyName="p", policyDocument="{}"), Verdict.BROKEN),
        (calling("iam", "CreateRole", roleName="dev", path="/team/"), Verdict.KEPT),
        (calling("iam", "GetRole", roleName="ops"), Verdict.KEPT),
        (calling("iam", "ListRoles"), Verdict.KEPT),
    ],
)
def test_a_deleted_role_is_passed_no_more_however_a_call_names_it(record: dict[str, Any], expected: Verdict) -> None:
    opened = workspace(allow("*"))
    account = opened.account
    roles = tuple(
        replace(role, path="/team/", arn=iam("role/team/dev")) for role in account.roles if role.name == "dev"
    )
    profiles = tuple(
        InstanceProfile(name, "/", iam(f"instance-profile/{name}"), "AIPA", None, carried)
        for name, carried in (("of-dev", ("dev",)), ("of-others", ("ops",)))
    )
    other = replace(roles[0], name="ops", path="/", arn=iam("role/ops"), id="AROAOPS")
    opened = replace(opened, account=replace(account, roles=(*roles, other), instance_profiles=profiles))
    assert verdict(opened, record, DeleteRole(iam("role/team/dev"))) is expected


def test_what_is_done_to_a_deleted_user_is_broken() -> None:
    opened = workspace(allow("*"))
    of_user = calling("iam", "CreateAccessKey", userName="alice")
    assert verdict(opened, of_user | {"userIdentity": session()}, DeleteUser(iam("user/alice"))) is Verdict.BROKEN


def test_what_a_deleted_role_did_stays_broken_and_is_said() -> None:
    more, left = added(workspace(READ), [event(userIdentity=session())], DeleteRole(ROLE))
    assert more == []
    assert len(left) == 1


def test_keys_are_those_of_conditions_and_variables() -> None:
    opened = workspace(
        allow("s3:*", f"{BUCKET}/${{aws:username}}/*", Condition={"Bool": {"aws:SecureTransport": "true"}})
    )
    reads = PolicyReads([opened.account])
    assert {"aws:username", "aws:securetransport"} <= reads.keys
    assert not reads.sessions
    inline = InlinePolicy("p", document(deny("s3:*", Condition={"StringLike": {"aws:userid": "*:x"}})))
    (user,) = opened.account.users
    named = replace(opened.account, users=(replace(user, inline_policies=(inline,)),))
    assert PolicyReads([named]).sessions


def at(*days: int) -> list[dict[str, Any]]:
    return [event(eventTime=f"2026-10-{day:02}T10:00:00Z") for day in days]


@pytest.mark.parametrize(
    ("begins", "ends", "records", "expected"),
    [
        # What happened between the first and the last event is one of the record's events.
        ("2026-10-04T00:00:00Z", "2026-10-06T00:00:00Z", at(1, 5, 9), Verdict.OPEN),
        ("2026-10-04T00:00:00Z", "2026-10-06T00:00:00Z", at(1, 9), Verdict.KEPT),
        ("2026-10-08T00:00:00Z", "2026-10-10T00:00:00Z", at(1, 5, 9), Verdict.BROKEN),
        ("2027-10-04T00:00:00Z", "2027-10-06T00:00:00Z", at(1, 5, 9), Verdict.KEPT),
        # It is not told, or of no year.
        ("2026-10-04T00:00:00Z", "2026-10-06T00:00:00Z", [event(eventTime="")], Verdict.OPEN),
        ("2026-10-04T00:00:00Z", "99999999999999999999", [event(eventTime="99999999999999999999")], Verdict.OPEN),
    ],
)
def test_all_events_of_a_request_count_where_the_time_matters(
    begins: str, ends: str, records: list[dict[str, Any]], expected: Verdict
) -> None:
    window = {"DateGreaterThan": {"aws:CurrentTime": begins}, "DateLessThan": {"aws:CurrentTime": ends}}
    closed = deny("s3:GetObject", Condition=window)
    edit = PutInlinePolicy(iam("user/alice"), "own", text(allow("*"), closed))
    assert set(replayed(workspace(allow("*")), records, edit).events) == {expected}


def calling(source: str, name: str, **parameters: Any) -> dict[str, Any]:
    return event(name, eventSource=f"{source}.amazonaws.com", requestParameters=parameters, resources=[])


@pytest.mark.parametrize(
    ("denied", "record", "expected"),
    [
        # The keys and versions are in the body, which is not recorded.
        ("s3:DeleteObjectVersion", calling("s3", "DeleteObjects", bucketName="data", delete=""), Verdict.OPEN),
        # The roles are those of the task definition, the profile that of the launch template.
        ("iam:PassRole", calling("ecs", "RunTask", cluster="c", taskDefinition="t:1"), Verdict.OPEN),
        ("iam:PassRole", calling("ec2", "RunInstances", launchTemplate={"launchTemplateId": "lt-1"}), Verdict.OPEN),
        ("ec2:CreateTags", calling("ec2", "RunInstances", launchTemplate={"launchTemplateId": "lt-1"}), Verdict.OPEN),
        ("iam:PassRole", calling("ec2", "RunInstances", imageId="ami-1"), Verdict.KEPT),
        # Which subnet is the default one is not in the record.
        ("subnet/subnet-1", calling("ec2", "RunInstances", imageId="ami-1"), Verdict.OPEN),
        ("subnet/subnet-1", calling("ec2", "RunInstances", imageId="ami-1", subnetId="subnet-2"), Verdict.KEPT),
        ("key-pair/k", calling("ec2", "RunInstances", imageId="ami-1"), Verdict.KEPT),
        ("key-pair/k", calling("ec2", "RunInstances", launchTemplate={"launchTemplateId": "lt-1"}), Verdict.OPEN),
        ("sqs:SendMessage", calling("ecs", "RunTask", cluster="c", taskDefinition="t:1"), Verdict.KEPT),
        # S3 API Reference: these headers need permissions of their own.
        (
            "s3:PutObjectRetention",
            calling("s3", "PutObject", bucketName="data", key="a", **{"x-amz-object-lock-mode": "GOVERNANCE"}),
            Verdict.BROKEN,
        ),
        (
            "s3:BypassGovernanceRetention",
            calling("s3", "DeleteObject", bucketName="data", key="a", **{"x-amz-bypass-governance-retention": "true"}),
            Verdict.BROKEN,
        ),
        (
            "s3:PutBucketAcl",
            calling("s3", "CreateBucket", bucketName="data", **{"x-amz-acl": "private"}),
            Verdict.BROKEN,
        ),
        ("s3:PutObjectRetention", calling("s3", "PutObject", bucketName="data", key="a"), Verdict.KEPT),
    ],
)
def test_what_a_call_may_have_been_checked_for_besides_is_not_kept(
    denied: str, record: dict[str, Any], expected: Verdict
) -> None:
    on = deny("ec2:*", f"arn:aws:ec2:*:*:{denied}") if "/" in denied else deny(denied)
    edit = PutInlinePolicy(iam("user/alice"), "own", text(allow("*"), on))
    assert verdict(workspace(allow("*")), record, edit) is expected


def test_all_that_a_call_may_have_needed_besides_is_named() -> None:
    record = calling("dynamodb", "UpdateTable", tableName="t", replicaUpdates=[{"create": {"regionName": "us-east-2"}}])
    edit = PutInlinePolicy(iam("user/alice"), "own", text(allow("*"), deny(["dynamodb:PutItem", "dynamodb:Scan"])))
    (group,) = replayed(workspace(allow("*")), [record], edit).groups
    assert group.verdict is Verdict.OPEN
    assert "dynamodb:Scan" in group.reason
    assert "dynamodb:PutItem" in group.reason


@pytest.mark.parametrize(
    ("trusted", "draft", "expected"),
    [
        # IAM User Guide, session tags: one stands before the role's, and takes sts:TagSession in the trust policy.
        (("sts:AssumeRole", "sts:TagSession"), {"StringEquals": {"aws:PrincipalTag/team": "b"}}, Verdict.OPEN),
        (("sts:AssumeRole",), {"StringEquals": {"aws:PrincipalTag/team": "b"}}, Verdict.KEPT),
        (("sts:AssumeRole", "sts:TagSession"), {"StringEquals": {"aws:PrincipalTag/team": "a"}}, Verdict.BROKEN),
        (("sts:AssumeRole", "sts:TagSession"), {"StringEquals": {"aws:SourceVpce": "x"}}, Verdict.OPEN),
    ],
)
def test_tags_of_a_session_are_not_told(trusted: tuple[str, ...], draft: dict[str, Any], expected: Verdict) -> None:
    opened = workspace(allow("*"), tags=(("team", "a"),))
    trusting = document({"Effect": "Allow", "Principal": {"AWS": ID}, "Action": list(trusted)})
    roles = tuple(replace(role, trust=trusting) for role in opened.account.roles)
    opened = replace(opened, account=replace(opened.account, roles=roles))
    edit = PutInlinePolicy(ROLE, "own", text(allow("*"), deny("s3:*", Condition=draft)))
    assert verdict(opened, event(userIdentity=session()), edit) is expected
