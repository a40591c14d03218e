"""The outcome found for everybody at once is that of the whole record, over accounts with all kinds of policies."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from benchmarks import generator
from benchmarks.generator import TINY
from iamtui.account.model import Account, Missing
from iamtui.engine.decision import Decision, Layer, Outcome
from iamtui.engine.request import Mode
from iamtui.policy.patterns import parse_arn
from iamtui.questions.account_index import account_index
from iamtui.questions.question import Question
from iamtui.sources.demo import load_demo_account
from iamtui.workspace.ask.questions import BulkEvaluator
from iamtui.workspace.source.principals import principal_for
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace

DEMO_QUESTIONS = (
    Question("s3:GetObject", "arn:aws:s3:::puffin-data-lake/x"),
    Question("s3:GetObject", "*"),
    Question("s3:ListAllMyBuckets"),
    Question("kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    Question("iam:PassRole", "arn:aws:iam::111122223333:role/ci-deploy"),
    Question("sts:AssumeRole", "arn:aws:iam::111122223333:role/ci-deploy"),
    Question("ec2:TerminateInstances", "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0"),
    Question("ec2:RunInstances", "arn:aws:ec2:us-east-1:111122223333:instance/*"),
    Question("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:999900001111:table/orders"),
)


def ways(question: Question) -> tuple[Question, ...]:
    """The question in both modes, in a context, and with layers switched off."""
    return (
        question,
        replace(question, mode=Mode.STRICT),
        replace(question, context={"aws:MultiFactorAuthPresent": ("true",), "aws:SourceIp": ("203.0.113.9",)}),
        replace(question, context={"aws:SourceVpce": ("vpce-1",)}),
        replace(question, layers_off=frozenset((Layer.SCP, Layer.BOUNDARY))),
    )


def outcomes(account: Account, questions: tuple[Question, ...]) -> Counter[Outcome]:
    """Ask both ways, several principals one after the other by the same asker, and count what is said."""
    workspace = Workspace(account, SourceInfo(SourceKind.SNAPSHOT, "x.json", region="eu-west-1"))
    said: Counter[Outcome] = Counter()
    for question in (way for one in questions for way in ways(one)):
        account_index(account)
        short, whole = BulkEvaluator(workspace, question), BulkEvaluator(workspace, question, read_whole=True)
        for entity in (*account.users, *account.roles):
            principal = principal_for(workspace, entity)
            found, expected = short.ask(principal), whole.ask(principal)
            assert (found.outcome, found.complete) == (expected.outcome, expected.complete), (principal, question)
            said[found.outcome] += 1
            if said[found.outcome] % 20 == 0:
                same_now(found, expected)
    return said


def same_now(found: Decision, expected: Decision) -> None:
    """The parts are those of the other, but for the second that they were asked in."""
    untimed = {"request": None, "assumptions": ()}
    assert found.with_parts(**untimed) == expected.with_parts(**untimed)


def test_in_the_demo_account() -> None:
    said = outcomes(load_demo_account(), DEMO_QUESTIONS)
    assert min(said[outcome] for outcome in Outcome) > 50, said


@pytest.mark.slow
def test_in_a_generated_account() -> None:
    account = generator.account(TINY)
    questions = tuple(generator.questions(account, 40, seed=3))
    assert any(parse_arn(question.resource) for question in questions)
    said = outcomes(account, questions)
    assert said[Outcome.EXPLICIT_DENY], said
    assert said[Outcome.IMPLICIT_DENY], said
    assert said[Outcome.DEPENDS], said


@pytest.mark.slow
def test_in_an_account_whose_organization_is_not_known() -> None:
    unknown = replace(
        load_demo_account(), organization=Missing("may not be read", "organizations:DescribeOrganization")
    )
    outcomes(unknown, DEMO_QUESTIONS[:3])
    workspace = Workspace(unknown, SourceInfo(SourceKind.SNAPSHOT, "x.json", region="eu-west-1"))
    decision = BulkEvaluator(workspace, DEMO_QUESTIONS[0]).ask(principal_for(workspace, unknown.users[0]))
    assert not decision.complete
    assert Layer.SCP in decision.not_evaluated
