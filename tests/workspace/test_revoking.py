"""Revoking older sessions: the policy does to sessions what is said of it, and the command is one that AWS takes."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.account.model import Account, InlinePolicy, Known, Role
from iamtui.credentials.export_values import aws_time
from iamtui.credentials.session import Session
from iamtui.engine.decision import Outcome
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.workspace.ask.questions import ask
from iamtui.workspace.assume.revocation import ISSUED, POLICY_NAME, plan_revocation, revocation_policy, server_now
from iamtui.workspace.source.principals import principal_for
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.external_tools import aws_cli
from tests.support.moto_server import ACCOUNT, REGION, MotoServer, allow, policy, trust
from tests.support.panel_sessions import START, session
from tests.support.sts_answers import CannedSts

NOW = START + timedelta(minutes=30)
ARN = f"arn:aws:iam::{ACCOUNT}:role/team/deploy-prod"


def role(arn: str = ARN, *, trusted: object = "*", inline: tuple[InlinePolicy, ...] = ()) -> Role:
    path, _, name = arn.split(":", 5)[5].removeprefix("role").rpartition("/")
    trust_policy = PolicyDocument(trust(trusted))
    return Role(name, f"{path}/", arn, "AROAEXAMPLE", None, trust_policy, inline)


def workspace(*roles: Role, kind: SourceKind = SourceKind.LIVE, **source: str) -> Workspace:
    account = Account(id=ACCOUNT, caller_arn=Known(f"arn:aws:iam::{ACCOUNT}:user/alice"), roles=roles)
    return Workspace(account, SourceInfo(kind, "x", **source))


def held(role_arn: str, *, at: datetime = START, minutes: float = 60, **more: object) -> Session:
    made = session(role_arn.rsplit("/", 1)[-1], minutes=minutes, **more)
    return replace(made, role_arn=role_arn, assumed_at=at)


# What the policy does, by our own engine.


def answer(revoked: datetime, issued: datetime | None) -> Outcome:
    """May a session of the role, issued then, read a bucket when its sessions from before `revoked` are cut off?"""
    allowed = InlinePolicy("all", PolicyDocument(policy(allow("*"))))
    revoking = InlinePolicy(POLICY_NAME, PolicyDocument.of(revocation_policy(revoked)))
    account = workspace(role(inline=(allowed, revoking)))
    context = {} if issued is None else {ISSUED: (aws_time(issued),)}
    asker = principal_for(account, account.account.roles[0])
    return ask(account, asker, Question("s3:ListBucket", "arn:aws:s3:::logs", context)).outcome


def test_older_sessions_are_denied_and_new_ones_are_not() -> None:
    assert answer(NOW, NOW - timedelta(seconds=1)) is Outcome.EXPLICIT_DENY
    assert answer(NOW, NOW - timedelta(hours=11)) is Outcome.EXPLICIT_DENY
    assert answer(NOW, NOW) is Outcome.ALLOWED
    assert answer(NOW, NOW + timedelta(seconds=1)) is Outcome.ALLOWED
    assert answer(NOW, None) is Outcome.ALLOWED, "a session of today is newer"
    assert answer(datetime.now(UTC) - timedelta(hours=1), None) is Outcome.DEPENDS


@given(st.integers(-50_000, 50_000))
def test_what_is_said_of_a_session_is_what_the_engine_decides(seconds: int) -> None:
    issued = NOW + timedelta(seconds=seconds)
    plan = plan_revocation(workspace(role()), ARN, NOW, [held(ARN, at=issued, minutes=10_000)])
    assert plan.effects[0].cut is (answer(plan.before, issued) is Outcome.EXPLICIT_DENY)


def test_which_sessions_known_here_are_cut_off() -> None:
    other = f"arn:aws:iam::{ACCOUNT}:role/other"
    of_this = f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy-prod/alice"
    sessions = [
        held(ARN, key="ASIAAAAAAAAAAAAAAAA1"),
        held(ARN, key="ASIAAAAAAAAAAAAAAAA2", at=NOW),
        held(other, key="ASIAAAAAAAAAAAAAAAA3"),
        held(other, key="ASIAAAAAAAAAAAAAAAA4", source_arn=of_this),
        held(other, key="ASIAAAAAAAAAAAAAAAA5", source_arn=of_this.replace(ACCOUNT, "999999999999")),
        held(f"arn:aws:iam::{ACCOUNT}:role/deploy-prod", key="ASIAAAAAAAAAAAAAAAA6"),
        held(ARN, key="ASIAAAAAAAAAAAAAAAA7", minutes=30),
    ]
    effects = plan_revocation(workspace(role()), ARN, NOW, sessions).effects
    assert [(effect.session.key[-1], effect.cut) for effect in effects] == [
        ("1", True),
        ("2", False),
        ("3", False),
        ("4", False),
        ("5", False),
        ("6", False),
    ]
    assert [effect.why for effect in effects[:2]] == ["issued 2026-03-01T09:30:00Z", "issued 2026-03-01T10:00:00Z"]
    assert [effect.why for effect in effects[2:]] == [
        "of another role",
        "of another role, though assumed from a session of this one",
        "of another role",
        "of another role",
    ]


# The command.


def test_the_command_carries_the_policy_and_the_way_to_the_account() -> None:
    plan = plan_revocation(workspace(role(), profile="prod", endpoint_url="http://127.0.0.1:5"), ARN, NOW)
    words = shlex.split(plan.command)
    assert words[:7] == ["aws", "iam", "put-role-policy", "--role-name", "deploy-prod", "--policy-name", POLICY_NAME]
    assert json.loads(words[8]) == plan.policy == json.loads(plan.document)
    assert words[9:] == ["--profile", "prod", "--endpoint-url", "http://127.0.0.1:5"]
    assert plan.policy["Statement"][0]["Condition"] == {"DateLessThan": {ISSUED: "2026-03-01T10:00:00Z"}}
    assert plan.moment == "2026-03-01T10:00:00Z"
    assert shlex.split(plan.undo)[:3] == ["aws", "iam", "delete-role-policy"]


def test_in_the_demo_the_command_says_so() -> None:
    plan = plan_revocation(workspace(role(), kind=SourceKind.DEMO), ARN, NOW)
    assert "# DEMO" in plan.command
    assert "# DEMO" in plan.undo


def test_the_aws_cli_takes_the_commands(moto: MotoServer) -> None:
    client = moto.client("iam")
    client.create_role(Path="/team/", RoleName="deploy-prod", AssumeRolePolicyDocument=trust())
    plan = plan_revocation(workspace(role(), endpoint_url=moto.url), ARN, NOW)
    environ = {**os.environ, "PATH": f"{aws_cli().parent}:{os.environ['PATH']}", "AWS_REGION": REGION}
    subprocess.run(["bash", "-c", plan.command], check=True, env=environ)
    assert client.get_role_policy(RoleName="deploy-prod", PolicyName=POLICY_NAME)["PolicyDocument"] == plan.policy
    subprocess.run(["bash", "-c", plan.undo], check=True, env=environ)
    assert client.list_role_policies(RoleName="deploy-prod")["PolicyNames"] == []


# What should make one think.


def warnings(of: Role, **more: object) -> str:
    return " ".join(plan_revocation(workspace(of), of.arn, NOW, **more).warnings)  # type: ignore[arg-type]


def existing(moment: datetime) -> InlinePolicy:
    return InlinePolicy(POLICY_NAME, PolicyDocument.of(revocation_policy(moment)))


def test_a_policy_that_is_there_already_is_told() -> None:
    assert warnings(role()) == ""
    earlier = warnings(role(inline=(existing(NOW - timedelta(days=1)),)))
    assert "with the moment 2026-02-28T10:00:00Z; the command replaces it" in earlier
    later = warnings(role(inline=(existing(NOW + timedelta(days=1)),)))
    assert "would let sessions go on again" in later
    for text in ("{", policy(allow("*")), policy(allow("*"), allow("*"))):
        assert "says something else" in warnings(role(inline=(InlinePolicy(POLICY_NAME, PolicyDocument(text)),)))


def test_services_and_a_moment_to_come_are_told() -> None:
    assert "The role serves ec2.amazonaws.com" in warnings(role(trusted={"Service": ["ec2.amazonaws.com"]}))
    assert "until 2026-03-01T11:00:00Z new sessions" in warnings(role(), before=NOW + timedelta(hours=1))
    assert warnings(replace(role(), trust=PolicyDocument("{"))) == ""


def test_who_is_a_session_of_the_role_is_told_first() -> None:
    account = workspace(role())
    caller = Known(f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy-prod/me")
    mine = account.with_account(replace(account.account, caller_arn=caller))
    assert plan_revocation(mine, ARN, NOW).warnings[0].startswith("You are a session of this role yourself")


def test_whether_the_caller_may_is_answered_or_unknown() -> None:
    answered = plan_revocation(workspace(role()), ARN, NOW).decision
    assert plan_revocation(workspace(), ARN, NOW).decision is None
    assert answered is None, "the caller is a user that is not loaded"


@pytest.mark.parametrize(
    ("arn", "said"),
    [
        (f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS", "linked to a service"),
        (f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_x", "IAM Identity Center"),
        (f"arn:aws:iam::{ACCOUNT}:role/a b", "a name that IAM would not give"),
        (f"arn:aws:iam::{ACCOUNT}:role/x;rm -rf", "a name that IAM would not give"),
        (f"arn:aws:iam::{ACCOUNT}:role/", "a name that IAM would not give"),
        (f"arn:aws:iam::{ACCOUNT}:user/x", "is not a role"),
        ("deploy", "is not a role"),
        ("arn:aws:iam:::role/deploy", "is not the ARN of a role"),
        ("arn:aws:iam::x:role/deploy", "is not the ARN of a role"),
        (f"arn:aws:iam:eu-west-1:{ACCOUNT}:role/deploy", "is not the ARN of a role"),
        (f"arn:aws:iam::{ACCOUNT}:role/\x1b[31m/deploy", "is not the ARN of a role"),
        (f"arn:aws-cn:iam::{ACCOUNT}:role/deploy", "is in the partition aws-cn"),
    ],
)
def test_what_cannot_be_revoked_is_refused(arn: str, said: str) -> None:
    with pytest.raises(Problem, match=said):
        plan_revocation(workspace(), arn, NOW)


@pytest.mark.parametrize("account", [ACCOUNT, "999999999999"])
def test_nothing_of_a_command_is_seen_by_the_terminal_alone(account: str) -> None:
    arn, steering = f"arn:aws:iam::{account}:role/deploy", workspace(profile="prod\x1b]52;c;eA==\x07")
    if account == ACCOUNT:
        with pytest.raises(Problem, match="The command cannot be written: prod␛"):
            plan_revocation(steering, arn, NOW)
    else:
        plan = plan_revocation(steering, arn, NOW)
        assert all(text.isprintable() for text in (plan.command, plan.undo))


@pytest.mark.parametrize("moment", [datetime.max, datetime.min])
def test_a_moment_of_no_session_is_refused(moment: datetime) -> None:
    with pytest.raises(Problem, match="is not a time that AWS can compare"):
        plan_revocation(workspace(), ARN, NOW, before=moment.replace(tzinfo=UTC))


@pytest.mark.parametrize("name", ["--profile", "=ls"])
def test_no_name_is_an_option_of_the_command_or_a_path_of_zsh(name: str) -> None:
    plan = plan_revocation(workspace(), f"arn:aws:iam::{ACCOUNT}:role/{name}", NOW)
    assert shlex.split(plan.command)[3] == f"--role-name={name}"


# Whose time it is.


def test_the_time_is_that_of_aws() -> None:
    local, server = NOW, NOW + timedelta(hours=3)
    account = workspace(role())
    connected = replace(account, connection=CannedSts(now=server).connection())
    assert server_now(connected, clock=lambda: local) == server
    assert server_now(replace(account, connection=CannedSts(now=None).connection()), clock=lambda: local) == local
    assert server_now(account, clock=lambda: local) == local


def test_a_session_tells_the_time_without_a_call() -> None:
    sts = CannedSts(now=NOW)
    connected = replace(workspace(role()), connection=sts.connection())
    old = held(ARN, clock_skew=timedelta(hours=1))
    new = held(ARN, at=NOW, clock_skew=timedelta(minutes=-5))
    assert server_now(connected, [old, new], clock=lambda: NOW) == NOW - timedelta(minutes=5)
    assert sts.requests == []


def test_moments_are_written_in_utc() -> None:
    assert aws_time(datetime(2026, 11, 25, 10, 0, 0, 999_999, tzinfo=UTC)) == "2026-11-25T10:00:00Z"
