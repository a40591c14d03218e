"""What was used against what is granted, and the least policy: nothing used is lost, nothing new is possible."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from iamtui.account.model import (
    Account,
    AttachedPolicy,
    Group,
    InlinePolicy,
    InstanceProfile,
    ManagedPolicy,
    PolicyVersion,
    Role,
    User,
)
from iamtui.drafts.edits.policies import PutInlinePolicy, PutManagedPolicy
from iamtui.drafts.edits.principals import AttachPolicy, DetachPolicy, RemoveUserFromGroup
from iamtui.engine.decision import Decision
from iamtui.engine.request import Principal
from iamtui.policy.document import PolicyDocument
from iamtui.presentation.used import checks_of
from iamtui.problem import Problem
from iamtui.workspace.activity.least_policy import LeastPolicy, check_least, least_draft, least_policy
from iamtui.workspace.activity.used import Activity, UsedService, activity_of, compare_use, limits_of, read_trails
from iamtui.workspace.ask.proof_result import ProofStatus
from iamtui.workspace.ask.questions import BulkEvaluator
from iamtui.workspace.ask.what_can import what_can
from iamtui.workspace.source.principals import principal_for
from iamtui.workspace.source.workspace import Workspace
from tests.workspace.test_what_can import workspace_of

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/worker"
SOMEBODY = f"arn:aws:iam::{ACCOUNT}:user/x"
PASSED = f"arn:aws:iam::{ACCOUNT}:role/passed"
TABLE = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/"
TRUST = PolicyDocument.of({"Version": "2012-10-17", "Statement": []})


def document(*statements: dict[str, Any]) -> PolicyDocument:
    return PolicyDocument.of({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: Any, resources: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def role_with(*statements: dict[str, Any]) -> Role:
    return Role(
        name="worker",
        path="/team/",
        arn=ROLE,
        id="AROA1",
        created=None,
        trust=TRUST,
        inline_policies=(InlinePolicy("own", document(*statements)),),
    )


def workspace_with(*statements: dict[str, Any]) -> tuple[Workspace, Role]:
    role = role_with(*statements)
    passed = Role("passed", "/", PASSED, "AROA2", None, trust=TRUST)
    return workspace_of(Account(ACCOUNT, roles=(role, passed)), "eu-west-1"), role


def event(source: str, name: str, parameters: Any = None, *, who: str = ROLE, **more: Any) -> dict[str, Any]:
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/s"
    issuer = {"sessionContext": {"sessionIssuer": {"type": "Role", "arn": who}}}
    identity = (
        {"type": "AssumedRole", "arn": session, "accountId": ACCOUNT, **issuer}
        if ":role/" in who
        else {"type": "IAMUser", "arn": who, "accountId": ACCOUNT}
    )
    return {
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "eventType": "AwsApiCall",
        "eventTime": "2026-11-01T10:00:00Z",
        "awsRegion": "eu-west-1",
        "recipientAccountId": ACCOUNT,
        "requestParameters": parameters,
        "userIdentity": identity | more.pop("identity", {}),
        **more,
    }


def get(key: str, **more: Any) -> dict[str, Any]:
    return event("s3", "GetObject", {"bucketName": "b", "key": key}, **more)


def put(key: str, **more: Any) -> dict[str, Any]:
    return event("s3", "PutObject", {"bucketName": "b", "key": key}, **more)


def read(tmp_path: Path, workspace: Workspace, entity: Role | User, events: Iterable[dict[str, Any]]) -> Activity:
    file = tmp_path / "trail.json"
    file.write_text(json.dumps({"Records": list(events)}))
    return activity_of(workspace, principal_for(workspace, entity), read_trails([str(file)], only=entity.arn))


def used(
    tmp_path: Path, statements: Sequence[dict[str, Any]], events: Iterable[dict[str, Any]], most: int = 10
) -> tuple[Workspace, Role, Activity, LeastPolicy]:
    workspace, role = workspace_with(*statements)
    activity = read(tmp_path, workspace, role, events)
    return workspace, role, activity, least_policy(workspace, principal_for(workspace, role), activity, most)


def allowed(least: LeastPolicy) -> list[dict[str, Any]]:
    return [one for one in least.statements if one["Effect"] == "Allow"]


def of(uses: Iterable[UsedService], service: str) -> UsedService:
    return next(one for one in uses if one.service == service)


def test_only_calls_that_succeeded_and_are_its_own_prove_use(tmp_path: Path) -> None:
    others = get("other", who=f"arn:aws:iam::{ACCOUNT}:role/other")
    # The ARN of the role stands in this record, too, but another called.
    others["requestParameters"]["about"] = ROLE
    events = [
        get("a"),
        get("a", eventTime="2026-10-01T00:00:00Z"),
        get("denied", errorCode="AccessDenied"),
        get("missing", errorCode="NoSuchKey"),
        event("kms", "RotateKey", {"keyId": "k"}, eventType="AwsServiceEvent"),
        others,
    ]

    _, _, activity, _ = used(tmp_path, [allow("s3:*")], events)

    found = activity.actions["s3:GetObject"]
    assert list(activity.actions) == ["s3:GetObject"]
    assert (found.events, found.first, found.last) == (2, "2026-10-01T00:00:00Z", "2026-11-01T10:00:00Z")
    assert dict(found.resources) == {"arn:aws:s3:::b/a": 2}
    assert (activity.denied, dict(activity.failed), activity.not_calls) == (1, {"NoSuchKey": 1}, 1)
    assert activity.incomplete == ()


def test_a_user_is_told_by_its_own_arn(tmp_path: Path) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:user/ana"
    user = User("ana", "/", arn, "AIDA1", None, inline_policies=(InlinePolicy("own", document(allow("s3:*"))),))
    workspace = workspace_of(Account(ACCOUNT, users=(user,)))

    activity = read(tmp_path, workspace, user, [get("a", who=arn), get("b", who=arn + "bel")])

    assert dict(activity.actions["s3:GetObject"].resources) == {"arn:aws:s3:::b/a": 1}


def test_granted_against_used(tmp_path: Path) -> None:
    statements = [allow(["s3:GetObject", "s3:PutObject", "s3:PutBucketPolicy", "iam:PassRole", "sqs:SendMessage"])]
    others = (put("k", who=SOMEBODY), event("ec2", "RunInstances", {}, who=SOMEBODY))
    workspace, role, activity, _ = used(tmp_path, statements, [get("a"), event("ec2", "DescribeInstances"), *others])

    uses = compare_use(what_can(workspace, principal_for(workspace, role)), activity)

    s3 = of(uses, "s3")
    assert (s3.used, s3.unused, s3.untold) == (("s3:GetObject",), ("s3:PutBucketPolicy", "s3:PutObject"), ())
    assert s3.levels["Read"] == (1, 1, 0)
    assert s3.levels["Write"] == (2, 0, 0)
    assert of(uses, "sqs").levels["Write"] == (1, 0, 1)
    assert of(uses, "ec2").not_granted == ("ec2:DescribeInstances",)
    # Nobody's messages are in these trails, and no role that is passed has a record of its own.
    assert of(uses, "sqs").untold == ("sqs:SendMessage",)
    assert of(uses, "iam").untold == ("iam:PassRole",)
    limits = " ".join(limits_of(activity, uses))
    assert "no events of sqs, whoever called" in limits
    assert "iam:PassRole" in limits
    assert "data events of some resources only: s3:PutObject may have been used on others" in limits


def test_data_events_of_others_show_that_they_are_recorded(tmp_path: Path) -> None:
    other = event("sqs", "SendMessage", {"queueUrl": "q"}, who=f"arn:aws:iam::{ACCOUNT}:role/other")
    workspace, role, activity, _ = used(tmp_path, [allow("sqs:SendMessage")], [get("a"), other])

    uses = compare_use(what_can(workspace, principal_for(workspace, role)), activity)

    assert of(uses, "sqs").unused == ("sqs:SendMessage",)


def test_trails_of_data_events_or_of_writes_alone_do_not_tell_of_others(tmp_path: Path) -> None:
    def uses_with(*events: dict[str, Any]) -> tuple[UsedService, str]:
        statements = [allow(["ec2:DescribeInstances", "ec2:RunInstances"])]
        workspace, role, activity, _ = used(tmp_path, statements, events)
        uses = compare_use(what_can(workspace, principal_for(workspace, role)), activity)
        return of(uses, "ec2"), " ".join(limits_of(activity, uses))

    data, said = uses_with(get("a"))
    assert (data.unused, data.untold) == ((), ("ec2:DescribeInstances", "ec2:RunInstances"))
    assert "no management events:" in said
    writes, said = uses_with(event("sqs", "CreateQueue", {"queueName": "q"}))
    assert (writes.unused, writes.untold) == (("ec2:RunInstances",), ("ec2:DescribeInstances",))
    assert "calls that only read" in said
    reads, said = uses_with(event("sqs", "ListQueues"))
    assert (reads.unused, reads.untold) == (("ec2:DescribeInstances",), ("ec2:RunInstances",))
    assert "calls that change something" in said
    both, said = uses_with(event("sqs", "ListQueues"), event("sqs", "CreateQueue", {"queueName": "q"}))
    assert (both.unused, both.untold) == (("ec2:DescribeInstances", "ec2:RunInstances"), ())
    assert "Regions of which these trails have events: eu-west-1." in said


def test_a_trail_shows_no_kind_of_calls_of_which_it_has_none(tmp_path: Path) -> None:
    # CloudTrail User Guide: a trail may log calls that read, or that write, alone, and may leave out those of KMS.
    actions = ["s3:GetObject", "s3:PutObject", "kms:Decrypt", "kms:CreateKey", "ec2:RunInstances"]
    said: list[str] = []
    statement = allow([*actions, "s3:GetObjectVersionForReplication", "sts:GetCallerIdentity"])

    def unused(*events: dict[str, Any]) -> set[str]:
        workspace, role, activity, _ = used(tmp_path, [statement], events)
        uses = compare_use(what_can(workspace, principal_for(workspace, role)), activity)
        said.append(" ".join(limits_of(activity, uses)))
        return {name for one in uses for name in one.unused}

    assert unused(get("a", who=SOMEBODY)) == {"s3:GetObject"}
    assert unused(put("a", who=SOMEBODY)) == {"s3:PutObject"}
    # These CloudTrail records as calls that only read.
    assert unused(event("kms", "Decrypt", {"keyId": "k"}, who=SOMEBODY)) == {"kms:Decrypt"}
    assert "no events of kms (calls that change something), s3, whoever called" in said[-1]
    assert unused(event("sts", "AssumeRole", {"roleArn": PASSED}, who=SOMEBODY)) == {"sts:GetCallerIdentity"}
    made = event("ec2", "RunInstances", {}, who=SOMEBODY), event("kms", "CreateKey", who=SOMEBODY)
    assert unused(*made) == {"kms:CreateKey", "ec2:RunInstances"}


@pytest.mark.parametrize(
    ("condition", "more"),
    [
        (
            {"ForAnyValue:StringEquals": {"aws:CalledVia": "athena.amazonaws.com"}},
            {"invokedBy": "athena.amazonaws.com"},
        ),
        ({"Bool": {"aws:ViaAWSService": "true"}}, {"invokedBy": "athena.amazonaws.com"}),
        ({"StringEquals": {"aws:RequestedRegion": "us-west-2"}}, {}),
    ],
    ids=["called via", "via a service", "another Region"],
)
def test_what_is_granted_in_the_way_it_was_used_is_not_called_denied(
    tmp_path: Path, condition: dict[str, Any], more: dict[str, Any]
) -> None:
    forwarded = get("a", awsRegion="us-west-2", identity=more)
    granted = allow("s3:GetObject", Condition=condition)
    workspace, role, activity, least = used(tmp_path, [granted], [forwarded])

    (one,) = compare_use(what_can(workspace, principal_for(workspace, role)), activity)[:1]
    assert (one.used, one.not_granted) == (("s3:GetObject",), ())
    assert allowed(least) == [granted | {"Resource": "arn:aws:s3:::b/a"}]
    assert (least.not_granted, least.not_known) == ((), ())
    # What its own calls do is not granted by it.
    direct = used(tmp_path, [granted], [get("a")])
    assert of(compare_use(what_can(direct[0], principal_for(direct[0], direct[1])), direct[2]), "s3").not_granted


def test_the_least_policy_has_what_was_used_and_no_more(tmp_path: Path) -> None:
    events = [get("a"), get("b"), event("dynamodb", "GetItem", {"tableName": "t"})]
    workspace, role, activity, least = used(tmp_path, [allow(["s3:*", "dynamodb:*", "ec2:*"])], events)

    assert allowed(least) == [
        allow("dynamodb:GetItem", f"{TABLE}t"),
        allow("s3:GetObject", ["arn:aws:s3:::b/a", "arn:aws:s3:::b/b"]),
    ]
    assert least.rules == ()
    assert least.findings(ACCOUNT) == ()
    checked = check_least(workspace, principal_for(workspace, role), least, activity)
    assert (checked.lost, checked.unproved, checked.unchecked) == ((), (), 0)
    assert checked.proof is not None
    assert checked.proof.status is ProofStatus.PROVED


def test_many_resources_become_the_pattern_of_their_deepest_folder(tmp_path: Path) -> None:
    events = [get(f"raw/2026/{day}/part") for day in range(4)] + [get("other/x")]
    events += [event("dynamodb", "GetItem", {"tableName": f"t{number}"}) for number in range(3)]

    _, _, _, least = used(tmp_path, [allow(["s3:*", "dynamodb:*"])], events, most=3)

    assert allowed(least) == [
        allow("dynamodb:GetItem", [f"{TABLE}t0", f"{TABLE}t1", f"{TABLE}t2"]),
        allow("s3:GetObject", ["arn:aws:s3:::b/other/x", "arn:aws:s3:::b/raw/2026/*"]),
    ]
    assert least.rules == ("More than 3 resources: arn:aws:s3:::b/raw/2026/* covers them.",)


def test_very_many_resources_are_generalized_folder_by_folder(tmp_path: Path) -> None:
    deep = [get(f"{'x/' * 40}{day}/{part}") for day in range(3) for part in range(3)]
    wide = [
        event("s3", "GetObject", {"bucketName": "wide", "key": f"{day}/{part}"})
        for day in range(150)
        for part in range(5)
    ]

    _, _, _, least = used(tmp_path, [allow("s3:*")], deep + wide, most=4)

    (statement,) = allowed(least)
    assert "arn:aws:s3:::wide/*" in statement["Resource"]
    assert not any(rule.count("wide/") for rule in least.rules if "wide/*" not in rule), "only what is left is named"
    assert len(statement["Resource"]) <= 8


def test_resources_that_share_nothing_become_all_of_their_kind(tmp_path: Path) -> None:
    events = [event("dynamodb", "GetItem", {"tableName": name}) for name in ("a", "b", "c")]
    _, _, _, least = used(tmp_path, [allow("dynamodb:*")], events, most=2)
    assert allowed(least) == [allow("dynamodb:GetItem", f"{TABLE}*")]


def test_conditions_are_taken_over_and_denies_are_kept(tmp_path: Path) -> None:
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    deny = {"Sid": "Never", "Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::b/secret/*"}
    statements = [allow("s3:*", Condition=mfa), deny]
    workspace, role, activity, least = used(tmp_path, statements, [get("a")])

    assert least.statements == (
        allow("s3:GetObject", "arn:aws:s3:::b/a", Condition=mfa),
        {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::b/secret/*"},
    )
    checked = check_least(workspace, principal_for(workspace, role), least, activity)
    assert checked.lost == ()
    assert checked.proof is not None
    assert checked.proof.status is ProofStatus.PROVED


def test_a_statement_without_conditions_is_enough(tmp_path: Path) -> None:
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    _, _, _, least = used(tmp_path, [allow("s3:*", Condition=mfa), allow("s3:Get*")], [get("a")])
    assert allowed(least) == [allow("s3:GetObject", "arn:aws:s3:::b/a")]


def test_a_passed_role_is_in_the_policy_for_the_service_it_was_passed_to(tmp_path: Path) -> None:
    made = event("lambda", "CreateFunction20150331", {"functionName": "f", "role": PASSED})
    workspace, role, activity, least = used(tmp_path, [allow(["lambda:*", "iam:PassRole"])], [made])

    only_lambda = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    function = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"
    assert sorted(allowed(least), key=lambda one: one["Action"]) == [
        allow("iam:PassRole", PASSED, Condition=only_lambda),
        allow("lambda:CreateFunction", function),
    ]
    assert list(activity.actions["iam:PassRole"].implied_by) == ["CreateFunction20150331"]
    checked = check_least(workspace, principal_for(workspace, role), least, activity)
    assert checked.lost == ()


def test_the_role_of_an_instance_profile_is_passed(tmp_path: Path) -> None:
    workspace, role = workspace_with(allow(["ec2:*", "iam:PassRole"]))
    profile = InstanceProfile("p", "/", f"arn:aws:iam::{ACCOUNT}:instance-profile/p", "AIPA1", None, roles=("passed",))
    workspace = workspace.with_account(replace(workspace.account, instance_profiles=(profile,)))
    run = {"instancesSet": {"items": [{"imageId": "ami-1"}]}, "subnetId": "subnet-1"}
    events = [event("ec2", "RunInstances", {**run, "iamInstanceProfile": {"name": "p"}})]

    activity = read(tmp_path, workspace, role, events)

    assert dict(activity.actions["iam:PassRole"].resources) == {PASSED: 1}
    without = read(tmp_path, workspace, role, [event("ec2", "RunInstances", run)])
    assert "iam:PassRole" not in without.actions


def test_the_path_of_an_iam_entity_is_that_of_the_account(tmp_path: Path) -> None:
    _, _, _, least = used(tmp_path, [allow("iam:*")], [event("iam", "GetRole", {"roleName": "worker"})])
    assert allowed(least) == [allow("iam:GetRole", ROLE)]


def test_log_groups_are_named_with_their_streams(tmp_path: Path) -> None:
    made = event("logs", "PutRetentionPolicy", {"logGroupName": "g"})
    workspace, role, activity, least = used(tmp_path, [allow("logs:*")], [made])
    assert allowed(least) == [allow("logs:PutRetentionPolicy", f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:g:*")]
    assert check_least(workspace, principal_for(workspace, role), least, activity).lost == ()


def test_what_is_not_told_is_said(tmp_path: Path) -> None:
    statements = [allow(["s3:GetObject", "glue:*"])]
    events = [
        event("s3", "GetObject", {"bucketName": "b", "key": "*"}),
        event("glue", "Nonsense"),
        event("ec2", "RebootInstances", {"instancesSet": {"items": [{"instanceId": "i-1"}]}}),
        event("sts", "GetCallerIdentity"),
    ]
    _, _, activity, least = used(tmp_path, statements, events)

    assert allowed(least) == [allow("s3:GetObject")]
    assert tuple(least.open_actions) == ("s3:GetObject",)
    assert least.not_granted == ("ec2:RebootInstances",)
    assert least.by_others == ("sts:GetCallerIdentity",)
    assert list(activity.unmapped) == [
        ("glue.amazonaws.com:Nonsense", "the catalogue has no action for this operation")
    ]
    assert activity.incomplete == ("1 event could not be mapped to an action",)


def test_where_no_record_tells_the_resource_it_is_no_more_than_was_granted(tmp_path: Path) -> None:
    untold = event("s3", "GetObject", {"bucketName": "b", "key": "*"})
    _, _, _, least = used(tmp_path, [allow("s3:GetObject", ["arn:aws:s3:::b/x/*", "arn:aws:s3:::c/*"])], [untold])
    assert allowed(least) == [allow("s3:GetObject", ["arn:aws:s3:::b/x/*", "arn:aws:s3:::c/*"])]
    assert tuple(least.open_actions) == ("s3:GetObject",)


def test_what_the_policy_of_a_resource_may_grant_is_not_called_denied(tmp_path: Path) -> None:
    _, _, _, least = used(tmp_path, [allow("ec2:*")], [get("a")])
    assert (least.statements, least.not_granted, least.not_known) == ((), (), ("s3:GetObject",))


def test_damaged_trails_leave_it_incomplete(tmp_path: Path) -> None:
    workspace, role = workspace_with(allow("s3:*"))
    file = tmp_path / "trail.json"
    file.write_text(json.dumps(get("a")) + "\n{broken")
    activity = activity_of(workspace, principal_for(workspace, role), read_trails([str(file)]))
    assert activity.incomplete == ("files or parts of them could not be read",)


def test_reading_can_be_stopped(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(_counts: object) -> None:
        raise Stopped

    file = tmp_path / "trail.json"
    file.write_text(json.dumps({"Records": [get("a")]}))
    with pytest.raises(Stopped):
        read_trails([str(file)], stop)


MODELS = "arn:aws:bedrock:eu-west-1::foundation-model/"
GLUE = f"arn:aws:glue:eu-west-1:{ACCOUNT}:"
EC2 = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:"
INSTANCE = "arn:aws:sso:::instance/ssoins-1"
BY_TAG = {"documentName": "AWS-Run", "targets": [{"key": "tag:a", "values": ["b"]}]}


@pytest.mark.parametrize(
    ("source", "name", "parameters", "action", "granted"),
    [
        ("bedrock", "InvokeModel", {"modelId": "anthropic.claude-3"}, "bedrock:InvokeModel", [f"{MODELS}anthropic*"]),
        ("bedrock", "Converse", {"modelId": "eu.anthropic"}, "bedrock:InvokeModel", ["arn:aws:bedrock:*:*:*"]),
        ("ssm", "SendCommand", BY_TAG, "ssm:SendCommand", ["arn:aws:ssm:*::document/AWS-*", f"{EC2}instance/*"]),
        ("glue", "GetConnections", {}, "glue:GetConnections", [f"{GLUE}catalog", f"{GLUE}connection/a*"]),
        (
            "glue",
            "CreateConnection",
            {"connectionInput": {}},
            "glue:CreateConnection",
            [f"{GLUE}catalog", f"{GLUE}con*"],
        ),
        (
            "sso",
            "CreateAccountAssignment",
            {"instanceArn": INSTANCE},
            "sso:CreateAccountAssignment",
            ["arn:aws:sso:::*"],
        ),
        ("ec2", "RunInstances", {"imageId": "ami-1"}, "ec2:RunInstances", [f"{EC2}*", "arn:aws:ec2:*::image/*"]),
    ],
)
def test_a_call_of_which_a_record_tells_some_resources_keeps_all_that_was_granted(
    tmp_path: Path, source: str, name: str, parameters: dict[str, Any], action: str, granted: list[str]
) -> None:
    for resources in (["*"], granted):
        workspace, role, activity, least = used(tmp_path, [allow(action, resources)], [event(source, name, parameters)])
        (kept,) = allowed(least)
        assert set(resources) == ({kept["Resource"]} if isinstance(kept["Resource"], str) else set(kept["Resource"]))
        assert any(name in call for call in least.open_actions[action])
        checked = check_least(workspace, principal_for(workspace, role), least, activity)
        assert (checked.lost, checked.unproved, checked.widens) == ((), (), "")
        said = [sentence for _, sentence in checks_of(least, checked, ACCOUNT, "")]
        assert f"With the draft everything recorded stays allowed, and so does everything granted of {action}." in said
        assert "With the draft everything that was used stays allowed." not in said


def test_a_pattern_is_never_more_than_was_granted(tmp_path: Path) -> None:
    function = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:"
    events = [event("lambda", "Invoke", {"functionName": f"app-fn-{number}"}) for number in range(30)]
    granted = [function + "app-*", f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:*"]
    workspace, role, activity, least = used(tmp_path, [allow("lambda:InvokeFunction", granted)], events)
    assert allowed(least) == [allow("lambda:InvokeFunction", function + "app-*")]
    assert least.rules == (f"More than 10 resources: {function}app-* covers them.",)
    checked = check_least(workspace, principal_for(workspace, role), least, activity)
    assert checked.proof is not None
    assert checked.proof.status is ProofStatus.PROVED


def test_resources_stay_with_the_condition_that_they_were_granted_on(tmp_path: Path) -> None:
    team = {"StringEquals": {"aws:PrincipalTag/team": "x"}}
    tls = {"Bool": {"aws:SecureTransport": "true"}}
    statements = [allow("s3:*", "arn:aws:s3:::b/*", Condition=team), allow("s3:*", "arn:aws:s3:::c/*", Condition=tls)]
    untold = event("s3", "GetObject", {"bucketName": "b", "key": "*"})
    *_, least = used(tmp_path, statements, [untold])
    assert {json.dumps(one["Condition"]): one["Resource"] for one in allowed(least)} == {
        json.dumps(team): "arn:aws:s3:::b/*",
        json.dumps(tls): "arn:aws:s3:::c/*",
    }


def test_what_is_granted_on_all_but_some_stays_so(tmp_path: Path) -> None:
    but_secret = {"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::b/raw/secret/*"}
    for events in ([event("s3", "GetObject", {"bucketName": "b", "key": "*"})], [get(f"raw/{n}") for n in range(12)]):
        workspace, role, activity, least = used(tmp_path, [but_secret], events)
        checked = check_least(workspace, principal_for(workspace, role), least, activity)
        assert checked.proof is not None
        assert (checked.lost, checked.unproved, checked.proof.status) == ((), (), ProofStatus.PROVED)


def test_a_secret_that_is_granted_by_its_whole_arn_stays_granted(tmp_path: Path) -> None:
    arn = f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:x-AbCdEf"
    call = event("secretsmanager", "GetSecretValue", {"secretId": "x"})
    workspace, role, activity, least = used(tmp_path, [allow("secretsmanager:*", [arn, arn + "x"])], [call])
    assert allowed(least) == [allow("secretsmanager:GetSecretValue", arn)]
    assert check_least(workspace, principal_for(workspace, role), least, activity).lost == ()


def test_the_path_of_an_entity_that_is_gone_is_not_made_up(tmp_path: Path) -> None:
    made = event("iam", "CreateRole", {"roleName": "r", "path": "/team/"})
    *_, least = used(tmp_path, [allow("iam:*")], [made, event("iam", "DeleteRole", {"roleName": "r"})])
    assert allowed(least) == [
        allow("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/team/r"),
        allow("iam:DeleteRole"),
    ]


def test_what_a_call_may_have_needed_besides_and_the_draft_takes_away_is_said(tmp_path: Path) -> None:
    copied = event("s3", "CopyObject", {"bucketName": "b", "key": "k", "x-amz-copy-source": "a/x"})
    workspace, role, activity, least = used(tmp_path, [allow("s3:*")], [copied])
    checked = check_least(workspace, principal_for(workspace, role), least, activity)
    assert checked.besides == ("s3:GetObjectTagging (CopyObject)", "s3:PutObjectTagging (CopyObject)")


# The draft.


def test_the_draft_takes_away_all_other_policies(tmp_path: Path) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/wide"
    version = PolicyVersion("v1", document(allow("s3:*")), is_default=True, created=None)
    managed = ManagedPolicy("wide", "/", arn, "ANPA1", None, versions=(version,))
    group = Group(
        "g",
        "/",
        f"arn:aws:iam::{ACCOUNT}:group/g",
        "AGPA1",
        None,
        inline_policies=(InlinePolicy("x", document(allow("sqs:*"))),),
    )
    who = f"arn:aws:iam::{ACCOUNT}:user/ana"
    user = User("ana", "/", who, "AIDA1", None, attached_policies=(AttachedPolicy("wide", arn),), groups=("g",))
    workspace = workspace_of(Account(ACCOUNT, users=(user,), groups=(group,), policies=(managed,)))
    activity = read(tmp_path, workspace, user, [get("a", who=who)])
    principal = principal_for(workspace, user)
    least = least_policy(workspace, principal, activity)

    draft = least_draft(workspace, principal, least)

    assert list(map(type, draft.edits)) == [PutInlinePolicy, DetachPolicy, RemoveUserFromGroup]
    checked = check_least(workspace, principal, least, activity)
    assert (checked.drafted.problems, checked.lost) == ((), ())
    assert checked.proof is not None
    assert checked.proof.status is ProofStatus.PROVED
    left = what_can(checked.drafted.after, principal).by_action()
    assert set(left) - set(
        what_can(
            workspace_of(Account(ACCOUNT, users=(replace(user, attached_policies=(), groups=()),))), principal
        ).by_action()
    ) == {"s3:GetObject"}


def test_a_long_policy_is_several_managed_ones(tmp_path: Path) -> None:
    events = [event("dynamodb", "GetItem", {"tableName": f"{'t' * 100}{number}"}) for number in range(120)]
    workspace, role, activity, least = used(tmp_path, [allow("dynamodb:*")], events, most=1_000)

    draft = least_draft(workspace, principal_for(workspace, role), least)

    put = [edit for edit in draft.edits if isinstance(edit, PutManagedPolicy)]
    assert len(put) == len([edit for edit in draft.edits if isinstance(edit, AttachPolicy)]) > 1
    assert all(len(json.dumps(json.loads(edit.document), separators=(",", ":"))) <= 6_144 for edit in put)
    checked = check_least(workspace, principal_for(workspace, role), least, activity)
    assert (checked.drafted.problems, checked.lost) == ((), ())


def test_there_is_no_draft_where_a_policy_is_not_known(tmp_path: Path) -> None:
    role = replace(
        role_with(allow("s3:*")), attached_policies=(AttachedPolicy("x", f"arn:aws:iam::{ACCOUNT}:policy/x"),)
    )
    workspace = workspace_of(Account(ACCOUNT, roles=(role,)))
    activity = read(tmp_path, workspace, role, [get("a"), event("sqs", "ListQueues")])
    least = least_policy(workspace, principal_for(workspace, role), activity)

    assert least.unread == (f"arn:aws:iam::{ACCOUNT}:policy/x",)
    # That policy may grant what no other does.
    assert (least.not_known, least.by_others) == (("sqs:ListQueues",), ())
    with pytest.raises(Problem, match="Not all policies of worker are known"):
        least_draft(workspace, principal_for(workspace, role), least)


def test_roles_of_aws_have_no_draft(tmp_path: Path) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/x.amazonaws.com/worker"
    role = replace(role_with(allow("s3:*")), path="/aws-service-role/x.amazonaws.com/", arn=arn)
    workspace = workspace_of(Account(ACCOUNT, roles=(role,)))
    activity = read(tmp_path, workspace, role, [get("a", who=arn)])
    least = least_policy(workspace, principal_for(workspace, role), activity)
    with pytest.raises(Problem, match="managed by AWS"):
        least_draft(workspace, principal_for(workspace, role), least)


@pytest.mark.parametrize("seed", range(12))
def test_nothing_used_is_lost_and_nothing_new_is_possible(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    conditions = [{}, {}, {"StringEquals": {"aws:PrincipalTag/team": "x"}}, {"Bool": {"aws:SecureTransport": "true"}}]

    def statement(effect: str) -> dict[str, Any]:
        actions = random.sample(["s3:*", "s3:Get*", "dynamodb:*Item", "dynamodb:GetItem", "sqs:*", "*"], 2)
        resources = random.sample(["*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/a*", f"{TABLE}*", f"{TABLE}t1"], 2)
        condition = random.choice(conditions)
        made = {"Effect": effect, "Action": actions, "Resource": resources}
        return made | ({"Condition": condition} if condition else {})

    statements = [statement("Allow") for _ in range(random.randint(1, 4))]
    statements += [statement("Deny")] if random.random() < 0.3 else []
    events = [get(random.choice("abc") * random.randint(1, 3)) for _ in range(6)]
    events += [event("dynamodb", "GetItem", {"tableName": f"t{random.randint(0, 4)}"}) for _ in range(6)]
    workspace, role, activity, least = used(tmp_path, statements, events, most=random.choice([1, 3, 100]))

    if not least.statements:
        assert {*least.not_granted, *least.not_known} == set(activity.actions)
        return
    checked = check_least(workspace, principal_for(workspace, role), least, activity)

    assert (checked.lost, checked.unproved) == ((), ())
    assert checked.proof is not None
    assert checked.proof.counterexample is None


def test_a_resource_that_is_told_in_part_is_no_more_than_was_granted(tmp_path: Path) -> None:
    many = event("s3", "DeleteObjects", {"bucketName": "b", "delete": ""})
    *_, least = used(tmp_path, [allow("s3:DeleteObject", "arn:aws:s3:::b/mine/*")], [many])
    assert least.statements == (allow("s3:DeleteObject", "arn:aws:s3:::b/mine/*"),)


def test_what_older_versions_read_as_plain_text_stays_so(tmp_path: Path) -> None:
    # IAM User Guide, Version: variables are plain text before 2012-10-17.
    own = {"StringNotEquals": {"s3:ExistingObjectTag/team": ["${aws:PrincipalTag/team}"]}}
    denied = {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::${aws:PrincipalTag/team}*"}
    text = PolicyDocument.of({"Version": "2008-10-17", "Statement": [allow("s3:GetObject", Condition=own)]})
    denying = PolicyDocument.of({"Statement": [denied | {"NotResource": [denied["NotResource"], "arn:aws:s3:::b/a"]}]})
    role = replace(role_with(), inline_policies=(InlinePolicy("own", text), InlinePolicy("not", denying)))
    workspace = workspace_of(Account(ACCOUNT, roles=(role,)), "eu-west-1")
    activity = read(tmp_path, workspace, role, [get("a")])
    least = least_policy(workspace, principal_for(workspace, role), activity)
    taken, kept = least.statements
    assert taken["Condition"] == {"StringNotEquals": {"s3:ExistingObjectTag/team": ["${$}{aws:PrincipalTag/team}"]}}
    assert kept["NotResource"] == ["arn:aws:s3:::${$}{aws:PrincipalTag/team}*", "arn:aws:s3:::b/a"]


def test_what_a_call_may_have_needed_besides_is_said(tmp_path: Path) -> None:
    _, _, activity, _ = used(tmp_path, [allow("*")], [event("ecs", "RunTask", {"cluster": "c", "taskDefinition": "t"})])
    assert "No record says whether these calls needed iam:PassRole too: RunTask." in limits_of(activity, ())


def test_what_a_call_may_have_needed_besides_is_not_called_unused(tmp_path: Path) -> None:
    template = {"launchTemplate": {"launchTemplateName": "t"}, "minCount": 1, "maxCount": 1}
    statements = [allow(["ec2:RunInstances", "ec2:CreateTags", "ec2:CreateVpc"])]
    workspace, role, activity, _ = used(tmp_path, statements, [event("ec2", "RunInstances", template)])
    ec2 = of(compare_use(what_can(workspace, principal_for(workspace, role)), activity), "ec2")
    assert (ec2.used, ec2.unused, ec2.untold) == (("ec2:RunInstances",), ("ec2:CreateVpc",), ("ec2:CreateTags",))


def test_names_that_cannot_be_asked_about_are_resources_that_are_not_told(tmp_path: Path) -> None:
    ids = {"instancesSet": {"items": [{"instanceId": "i-\x1b[2J"}]}}
    events = [get("a,arn:aws:s3:::x"), event("ec2", "TerminateInstances", ids), get("a")]
    statements = [allow("s3:*", "arn:aws:s3:::b/*"), allow("ec2:*")]
    workspace, role, activity, least = used(tmp_path, statements, events)
    assert set(activity.actions["s3:GetObject"].resources) == {"", "arn:aws:s3:::b/a"}
    assert set(activity.actions["ec2:TerminateInstances"].resources) == {""}
    assert tuple(least.open_actions) == ("ec2:TerminateInstances", "s3:GetObject")
    assert not check_least(workspace, principal_for(workspace, role), least, activity).lost


def test_of_the_objects_of_each_bucket_one_is_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iamtui.workspace.activity.least_policy.MOST_FRONTS", 4)
    ask, asked = BulkEvaluator.ask, 0

    def counted(asker: BulkEvaluator, principal: Principal) -> Decision:
        nonlocal asked
        asked += 1
        return ask(asker, principal)

    monkeypatch.setattr(BulkEvaluator, "ask", counted)
    gets = [event("s3", "GetObject", {"bucketName": f"b{number % 20}", "key": f"k{number}"}) for number in range(60)]
    _, _, activity, least = used(tmp_path, [allow("s3:GetObject", "arn:aws:s3:::b*")], gets, most=100)
    assert len(activity.actions["s3:GetObject"].resources) == 60
    assert len(allowed(least)[0]["Resource"]) == 60
    assert asked == 20


def test_a_secret_that_a_deny_names_with_marks_for_what_is_behind_its_name_is_not_lost(tmp_path: Path) -> None:
    of = f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:"
    calls = [event("secretsmanager", "GetSecretValue", {"secretId": name}) for name in ("n-x", "n-x-y")]
    denied = {"Effect": "Deny", "Action": "secretsmanager:*", "Resource": f"{of}n-x-??????"}
    workspace, role, activity, least = used(tmp_path, [allow("secretsmanager:*", f"{of}n-x*"), denied], calls)
    checked = check_least(workspace, principal_for(workspace, role), least, activity)
    assert (checked.lost, checked.unproved) == ((), ())
    assert allowed(least) == [allow("secretsmanager:GetSecretValue", f"{of}n-x-y-??????")]
