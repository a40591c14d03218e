"""Strict questions: what AWS always sends is never absent, and all that is sent only sometimes is, unless given."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from iamtui.account.model import Account, InlinePolicy, ResourcePolicy, Role, User
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.evaluator import evaluate
from iamtui.engine.request import Mode, Principal
from iamtui.engine.scenarios.scenario import parse_scenario
from iamtui.policy.document import PolicyDocument
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.workspace.ask.proof_result import ProofStatus
from iamtui.workspace.prove.proofs import prove_never
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.questions.random_accounts import AccountMaker, QuestionMaker, callers
from tests.questions.vocabulary import KEYS, NOON

ID = "111122223333"
SERVICE = f"arn:aws:ecs:eu-west-1:{ID}:service/c/s"
CREDENTIALS = {"alice": "long_term", "dave": "temporary", "erin": None}


def document(*statements: dict[str, Any]) -> PolicyDocument:
    return PolicyDocument.of({"Version": "2012-10-17", "Statement": list(statements)})


def account(*denies: dict[str, Any]) -> Account:
    """An account with users and a role that may do everything but for some denies."""
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    own = (InlinePolicy("own", document(allow, *denies)),)
    users = tuple(
        User(name, "/", f"arn:aws:iam::{ID}:user/{name}", f"AIDA{name.upper()}", None, inline_policies=own)
        for name in CREDENTIALS
    )
    role = Role("dev", "/", f"arn:aws:iam::{ID}:role/dev", "AROADEV", None, document(allow), inline_policies=own)
    buckets = {"arn:aws:s3:::b": ResourcePolicy("none", None)}
    return Account(id=ID, users=users, roles=(role,), resource_policies=buckets)


def deny(condition: dict[str, Any]) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}


def caller(of: Account, name: str) -> Principal:
    found = resolve_principal(Workspace(of, SourceInfo(SourceKind.SNAPSHOT, "x")), name)
    return replace(found, credentials=CREDENTIALS[name]) if name in CREDENTIALS else found


def asked(of: Account, name: str, question: Question) -> Decision:
    return QuestionEvaluator(of, question, NOON).decide(caller(of, name))


def outcome(condition: dict[str, Any], name: str = "dev", *, region: str = "", **context: tuple[str, ...]) -> Outcome:
    """What a Deny with a condition comes to in a strict question about one ECS service."""
    given = {key.replace("_", ":"): values for key, values in context.items()}
    of = account(deny(condition))
    return asked(of, name, Question("ecs:UpdateService", SERVICE, given, Mode.STRICT, region=region)).outcome


DENIED, ALLOWED, DEPENDS = Outcome.EXPLICIT_DENY, Outcome.ALLOWED, Outcome.DEPENDS


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"DateGreaterThan": {"aws:CurrentTime": "2025-01-01T00:00:00Z"}}, DENIED),
        ({"DateLessThan": {"aws:CurrentTime": "2025-01-01T00:00:00Z"}}, ALLOWED),
        ({"DateGreaterThan": {"aws:EpochTime": "1735689600"}}, DENIED),
        ({"NumericGreaterThan": {"aws:EpochTime": "1735689600"}}, DENIED),
        ({"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}, ALLOWED),
        ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, DENIED),
        ({"Bool": {"aws:SecureTransport": "false"}}, ALLOWED),
        ({"Bool": {"aws:ViaAWSService": "false"}}, DENIED),
        ({"Null": {"aws:UserAgent": "true"}}, ALLOWED),
        ({"StringLike": {"aws:UserAgent": "Boto3/*"}}, DEPENDS),
        ({"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, DEPENDS),
        ({"Null": {"aws:SourceIp": "true"}}, ALLOWED),
        ({"StringNotEquals": {"aws:ResourceAccount": ID}}, ALLOWED),
        ({"Null": {"aws:TokenIssueTime": "true"}}, ALLOWED),
        ({"Null": {"aws:userid": "true"}}, ALLOWED),
        # Sent only sometimes.
        ({"Bool": {"aws:MultiFactorAuthPresent": "false"}}, ALLOWED),
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}, DENIED),
        ({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, ALLOWED),
        ({"Null": {"aws:PrincipalTag/team": "true"}}, DENIED),
        ({"StringNotEquals": {"ecs:cluster": "c"}}, DENIED),
    ],
)
def test_what_aws_always_sends_is_never_absent(condition: dict[str, Any], expected: Outcome) -> None:
    assert outcome(condition) is expected


def test_a_region_that_is_not_known_is_there() -> None:
    of = account(deny({"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}))
    question = Question("s3:GetObject", "arn:aws:s3:::b/x", mode=Mode.STRICT)
    assert asked(of, "dev", question).outcome is DEPENDS
    assert asked(of, "dev", replace(question, region="eu-west-1")).outcome is ALLOWED
    assert asked(of, "dev", replace(question, region="us-east-1")).outcome is DENIED


def test_through_a_vpc_endpoint_there_is_no_source_ip() -> None:
    of = account(deny({"Null": {"aws:SourceIp": "true"}}))
    through = Question("ecs:UpdateService", SERVICE, {"aws:SourceVpce": ("vpce-1",)}, Mode.STRICT)
    assert asked(of, "dev", through).outcome is DENIED
    assert asked(of, "dev", replace(through, context={"aws:SourceVpce": ()})).outcome is ALLOWED


@pytest.mark.parametrize(("name", "expected"), [("alice", DENIED), ("erin", DENIED), ("dave", ALLOWED)])
def test_temporary_credentials_alone_have_a_time_of_issue(name: str, expected: Outcome) -> None:
    assert outcome({"Null": {"aws:TokenIssueTime": "true"}}, name) is expected


@pytest.mark.parametrize("mode", [Mode.STRICT, Mode.DISCOVER])
def test_actions_that_do_not_support_the_resource_account_lack_it(mode: Mode) -> None:
    of = account(deny({"StringNotEquals": {"aws:ResourceAccount": ID}}))
    peering = Question("ec2:AcceptVpcPeeringConnection", f"arn:aws:ec2:eu-west-1:{ID}:vpc/vpc-1", mode=mode)
    assert asked(of, "dev", peering).outcome is (DENIED if mode is Mode.STRICT else DEPENDS)
    assert asked(of, "dev", replace(peering, action="ec2:DeleteVpc")).outcome is ALLOWED


@pytest.mark.parametrize(("given", "expected"), [("2024-06-01T00:00:00Z", ALLOWED), ("2026-06-01T00:00:00Z", DENIED)])
def test_a_given_time_is_that_of_both_keys(given: str, expected: Outcome) -> None:
    of = account(deny({"NumericGreaterThan": {"aws:EpochTime": "1735689600"}}))
    for mode in (Mode.STRICT, Mode.DISCOVER):
        question = Question("ecs:UpdateService", SERVICE, {"AWS:currenttime": (given,)}, mode)
        assert asked(of, "dev", question).outcome is expected
    of = account(deny({"DateGreaterThan": {"aws:CurrentTime": "2025-01-01"}}))
    seconds = {"2024-06-01T00:00:00Z": "1717200000", "2026-06-01T00:00:00Z": "1780272000"}[given]
    question = Question("ecs:UpdateService", SERVICE, {"aws:EpochTime": (seconds,)}, Mode.STRICT)
    assert asked(of, "dev", question).outcome is expected


@pytest.mark.parametrize("time", ["soon", "9" * 30, "1780272000.5"])
def test_of_a_time_that_is_no_second_the_other_key_is_left_open(time: str) -> None:
    of = account(deny({"DateGreaterThan": {"aws:EpochTime": "2025-01-01"}}))
    question = Question("ecs:UpdateService", SERVICE, {"aws:CurrentTime": (time,)}, Mode.STRICT)
    assert asked(of, "dev", question).outcome is DEPENDS


def test_a_scenario_keeps_the_raw_reading() -> None:
    scenario = {
        "request": {"principal": f"arn:aws:iam::{ID}:user/alice", "action": "ecs:UpdateService", "resource": SERVICE},
        "identity_policies": [
            {
                "name": "own",
                "document": {
                    "Statement": [
                        {"Effect": "Allow", "Action": "*", "Resource": "*"},
                        deny({"DateGreaterThan": {"aws:CurrentTime": "2025-01-01T00:00:00Z"}}),
                    ]
                },
            }
        ],
    }
    parsed = parse_scenario(scenario)
    assert evaluate(parsed.request, parsed.policies).outcome is ALLOWED


@pytest.mark.parametrize(
    "condition",
    [
        {"DateGreaterThan": {"aws:CurrentTime": "2025-01-01T00:00:00Z"}},
        {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"Null": {"aws:UserAgent": "false"}},
    ],
)
def test_what_is_proved_never_to_be_allowed_is_not_allowed(condition: dict[str, Any]) -> None:
    of = account(deny(condition))
    workspace = Workspace(of, SourceInfo(SourceKind.SNAPSHOT, "x", "eu-west-1"))
    proof = prove_never(workspace, ["role/dev"], ["ecs:UpdateService"], resource=SERVICE)
    question = Question("ecs:UpdateService", SERVICE, mode=Mode.STRICT)
    allowed = asked(of, "dev", question).outcome is ALLOWED
    assert not (allowed and proof.status is ProofStatus.PROVED)
    if proof.counterexample is not None:
        assert asked(of, "dev", proof.counterexample.question).outcome is ALLOWED


ALWAYS = ("aws:currenttime", "aws:epochtime", "aws:securetransport", "aws:viaawsservice", "aws:requestedregion")


@pytest.mark.parametrize("seed", range(8))
def test_with_every_key_given_that_is_sent_sometimes_it_is_as_discover(seed: int) -> None:
    random = Random(seed)
    maker = AccountMaker(random)
    of = maker.account()
    questions = QuestionMaker(random, maker.services)
    said = set()
    for _ in range(12):
        question = replace(questions.question(), region="eu-west-1", resource_account=None, session_policies=())
        sometimes = ((key, values) for key, _, values in KEYS if key.lower() not in ALWAYS)
        context = {key: values[:1] if random.random() < 0.5 else () for key, values in sometimes}
        context |= {"aws:SourceIp": ("192.0.2.1",), "aws:PrincipalTag/*": (), "aws:MultiFactorAuthPresent": ()}
        context |= {"aws:SourceVpce": (), "aws:SourceVpc": (), "aws:TokenIssueTime": ()}
        for principal in callers(of):
            both = {
                QuestionEvaluator(of, replace(question, context=context, mode=mode), NOON).decide(principal).outcome
                for mode in (Mode.STRICT, Mode.DISCOVER)
            }
            assert len(both) == 1, (principal, question, both)
            said |= both
    assert len(said) > 1
