"""The yardstick of the benchmarks answers as the engine does where identity policies and a boundary decide alone."""

from __future__ import annotations

from itertools import product

import pytest

from benchmarks.decisions import principals_of
from benchmarks.yes_or_no import YesOrNo
from iamtui.account.model import (
    Account,
    AttachedPolicy,
    Group,
    InlinePolicy,
    Known,
    ManagedPolicy,
    PolicyVersion,
    Role,
    User,
)
from iamtui.engine.request import Mode, Principal
from iamtui.policy.document import PolicyDocument
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.sample_account import ID, allow, deny, document, iam

WORK = iam("policy/work")
LIMIT = iam("policy/limit")
ALICE = iam("user/red/alice")
BOB = iam("user/bob")
DEPLOY = iam("role/deploy")
WEB = f"arn:aws:ec2:eu-west-1:{ID}:instance/web-1"
WEB_ELSEWHERE = f"arn:aws:ec2:us-east-1:{ID}:instance/web-1"
DATABASE = f"arn:aws:ec2:eu-west-1:{ID}:instance/database"
PROTECTED = f"arn:aws:ec2:eu-west-1:{ID}:instance/web-protected"
VOLUME = f"arn:aws:ec2:eu-west-1:{ID}:volume/web-1"
FIELD_TOO_MANY = f"arn:aws:ec2:e:{ID}:instance/at-1:{ID}:instance/web-1"
ALARM = f"arn:aws:cloudwatch:eu-west-1:{ID}:alarm:web-1"
ACTIONS = (
    "ec2:StartInstances",
    "EC2:startinstances",
    "ec2:StopInstances",
    "ec2:RebootInstances",
    "ec2:TerminateInstances",
    "ec2:DeleteVolume",
    "ec2:AttachVolume",
    "ec2:MonitorInstances",
    "ec2:UnmonitorInstances",
    "ec2:RunInstances",
    "ec2:ModifyVolume",
    "cloudwatch:SetAlarmState",
    "cloudwatch:DeleteAlarms",
    "nosuchservice:DoThings",
)
WITHOUT_RESOURCE_TYPE = ("ec2:DescribeInstances", "cloudwatch:DescribeInsightRules")
RESOURCES = (WEB, FIELD_TOO_MANY, WEB_ELSEWHERE, DATABASE, PROTECTED, VOLUME, ALARM)


NEITHER_STARTED_NOR_SEEN = {
    "Effect": "Deny",
    "NotAction": ["ec2:Start*", "ec2:Describe*", "ec2:StopInstances", "sqs:*"],
    "Resource": "*",
}
ALL_BUT_INSTANCES = {"Effect": "Allow", "Action": "ec2:AttachVolume", "NotResource": f"arn:aws:ec2:*:{ID}:instance/*"}


@pytest.fixture(scope="module")
def account() -> Account:
    """No organization: a user with a group, a user with a boundary, and a role."""
    work = document(
        allow("ec2:St?rt*", f"arn:aws:ec2:*:{ID}:instance/web-*"),
        allow("ec2:Describe*"),
        allow("cloudwatch:*", ALARM, Condition={"StringLike": {"aws:PrincipalTag/team": ["r?d", "gr*"]}}),
        deny("ec2:*", "arn:aws:ec2:*:*:instance/*protected"),
    )
    limit = document(
        allow(["ec2:*"], Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}), NEITHER_STARTED_NOR_SEEN
    )
    helpers = document(
        allow("ec2:StopInstances", Condition={"ArnLike": {"aws:PrincipalArn": iam("user/red/*")}}),
        deny("ec2:StopInstances", Condition={"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "e"]}}),
        ALL_BUT_INSTANCES,
        allow("ec2:MonitorInstances", Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}),
        allow("ec2:UnmonitorInstances", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        allow("ec2:RunInstances", f"arn:aws:ec2:e*t-1:{ID}:instance/*"),
        allow("ec2:RebootInstances", Condition={"Bool": {"aws:SecureTransport": "false"}}),
        deny("ec2:ModifyVolume", Condition={"StringNotEquals": {"aws:RequestTag/team": "red"}}),
    )
    of_role = document(
        allow("*"),
        deny("ec2:Terminate*", Condition={"Null": {"aws:RequestTag/team": "true"}}),
        deny("cloudwatch:Del*", Condition={"Null": {"aws:PrincipalArn": "true"}}),
    )
    of_alice = document(allow(["ec2:Mod*", "ec2:DeleteVolume"]))
    attached = (AttachedPolicy("work", WORK),)
    return Account(
        ID,
        users=(
            User(
                "alice",
                "/red/",
                ALICE,
                "AIDAALICE",
                None,
                ("helpers",),
                (InlinePolicy("own", of_alice),),
                attached,
                tags=(("team", "red"),),
            ),
            User(
                "bob",
                "/",
                BOB,
                "AIDABOB",
                None,
                inline_policies=(InlinePolicy("all", document(allow("*"))),),
                attached_policies=attached,
                boundary_arn=LIMIT,
                tags=(("team", "blue"),),
            ),
        ),
        groups=(Group("helpers", "/", iam("group/helpers"), "AGPAHELP", None, (InlinePolicy("help", helpers),)),),
        roles=(Role("deploy", "/", DEPLOY, "AROADEPLOY", None, document(), (InlinePolicy("all", of_role),)),),
        policies=(managed(WORK, work), managed(LIMIT, limit)),
        organization=Known(None),
    )


def managed(arn: str, text: PolicyDocument) -> ManagedPolicy:
    return ManagedPolicy(arn.rpartition("/")[2], "/", arn, "ANPAONE", None, (PolicyVersion("v1", text, True),))


def everyone(account: Account) -> tuple[Principal, ...]:
    return principals_of(Workspace(account, SourceInfo(SourceKind.SNAPSHOT, "hand-made")))


@pytest.mark.parametrize(
    ("principal", "action", "resource", "allowed"),
    [
        (ALICE, "ec2:StartInstances", WEB, True),
        (ALICE, "EC2:startinstances", WEB_ELSEWHERE, True),
        (ALICE, "ec2:StartInstances", DATABASE, False),
        (ALICE, "ec2:StartInstances", PROTECTED, False),
        (ALICE, "ec2:StopInstances", DATABASE, True),
        (ALICE, "ec2:StopInstances", WEB_ELSEWHERE, False),
        (ALICE, "ec2:MonitorInstances", WEB, True),
        (ALICE, "ec2:UnmonitorInstances", WEB, False),
        (ALICE, "ec2:RunInstances", WEB, True),
        (ALICE, "ec2:RunInstances", FIELD_TOO_MANY, False),
        (ALICE, "ec2:AttachVolume", VOLUME, True),
        (ALICE, "ec2:AttachVolume", WEB, False),
        (ALICE, "ec2:RebootInstances", WEB, False),
        (ALICE, "ec2:DeleteVolume", VOLUME, True),
        (ALICE, "ec2:ModifyVolume", VOLUME, False),
        (ALICE, "cloudwatch:SetAlarmState", ALARM, True),
        (BOB, "ec2:StartInstances", WEB, True),
        (BOB, "ec2:StartInstances", WEB_ELSEWHERE, False),
        (BOB, "ec2:StartInstances", PROTECTED, False),
        (BOB, "ec2:RebootInstances", WEB, False),
        (BOB, "cloudwatch:SetAlarmState", ALARM, False),
        (DEPLOY, "cloudwatch:DeleteAlarms", ALARM, True),
        (DEPLOY, "ec2:TerminateInstances", WEB, False),
        (DEPLOY, "nosuchservice:DoThings", WEB, True),
    ],
)
def test_what_it_says(account: Account, principal: str, action: str, resource: str, allowed: bool) -> None:
    assert YesOrNo(account, everyone(account)).allows(principal, action, resource) is allowed


def test_it_agrees_with_the_engine(account: Account) -> None:
    principals = everyone(account)
    yardstick = YesOrNo(account, principals)
    said = set()
    asked = (*product(ACTIONS, RESOURCES), *product(WITHOUT_RESOURCE_TYPE, ("*",)))
    for principal, (action, resource) in product(principals, asked):
        region = tuple(resource.split(":")[3:4])
        context = {"aws:SecureTransport": ("true",), "aws:RequestedRegion": region}
        question = Question(action, resource, context, Mode.STRICT)
        allowed = QuestionEvaluator(account, question).decide(principal).allowed
        assert yardstick.allows(principal.arn, action, resource) is allowed, (principal.arn, action, resource)
        said.add((principal.arn, allowed))
    assert said == set(product((ALICE, BOB, DEPLOY), (True, False)))


def test_what_it_leaves_out_does_not_hold() -> None:
    own = document(
        allow("ec2:StartInstances", Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}),
        allow("ec2:StopInstances", f"arn:aws:ec2:*:{ID}:instance/${{aws:username}}-*"),
        allow("ec2:RebootInstances", Condition={"StringEquals": {"aws:username": "${aws:username}"}}),
        allow("ec2:TerminateInstances"),
        deny("ec2:TerminateInstances", Condition={"IpAddressIfExists": {"aws:SourceIp": "10.0.0.0/8"}}),
    )
    user = User("web", "/", iam("user/web"), "AIDAWEB", None, inline_policies=(InlinePolicy("own", own),))
    account = Account(ID, users=(user,), organization=Known(None))
    yardstick = YesOrNo(account, everyone(account))
    asked = [f"ec2:{verb}Instances" for verb in ("Start", "Stop", "Reboot", "Terminate")]
    assert [yardstick.allows(user.arn, action, WEB) for action in asked] == [False, False, False, True]
