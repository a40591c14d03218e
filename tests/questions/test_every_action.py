"""What is found for all actions at once is what the evaluator says of each, or is left to it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import datetime
from random import Random

import pytest

from benchmarks import generator
from benchmarks.generator import Size
from iamtui.account.model import Account
from iamtui.catalog.actions import ENGINE_CATALOGUE
from iamtui.catalog.arn_forms import Name
from iamtui.drafts.draft import Draft
from iamtui.drafts.edits.policies import PutInlinePolicy
from iamtui.engine.decision import Outcome
from iamtui.engine.policy_holders import places
from iamtui.engine.prepared_request import prepare
from iamtui.engine.request import Mode
from iamtui.policy.resource import ResourceKind
from iamtui.questions.account_index import account_index, principal_of
from iamtui.questions.action_classes import action_space
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.every_action import EveryAction
from iamtui.questions.question import Question
from iamtui.sources.demo import load_demo_account
from tests.support.applied_drafts import account_after

from .random_accounts import AccountMaker, QuestionMaker
from .vocabulary import ACTIONS, NOON

_SOME = 6
"""Actions of each kind of answer that the evaluator is asked about again."""


def compare(
    account: Account,
    terms: Question,
    said: Counter[str],
    random: Random,
    now: datetime = NOON,
    asked: tuple[str, ...] = (),
) -> None:
    """Hold what is found for everybody against the evaluator, action by action."""
    every = EveryAction(account, terms, now)
    space = every.space
    wanted = sum(1 << place for place in range(space.full.bit_length()) if space.name(place) in asked) if asked else 0
    for place, one in enumerate(account_index(account).principals):
        found = every.of(place)
        assert not found.allowed & found.depends
        assert not found.left & (found.allowed | found.depends)
        denied = space.full & ~(found.allowed | found.depends | found.left)
        for outcome, bits in (("allowed", found.allowed), ("depends", found.depends), ("denied", denied)):
            some = set(random.sample(list(places(bits)), min(_SOME, bits.bit_count()))) | set(places(bits & wanted))
            for each in some:
                question = replace(terms, action=space.name(each), resource="*")
                asker = QuestionEvaluator(account, question, now)
                alone = asker.outcome(one.principal)
                expected = alone.value if alone in (Outcome.ALLOWED, Outcome.DEPENDS) else "denied"
                assert outcome == expected, f"{one.principal.arn}: {question}"
                if alone in (Outcome.ALLOWED, Outcome.DEPENDS):
                    decided = asker.decide_as(one.principal, alone)
                    read = asker.decide(one.principal, read_whole=True)
                    assert decided.complete is read.complete, question
                    assert set(decided.not_evaluated) == set(read.not_evaluated), question
                said[outcome] += 1
        said["left"] += (found.left & wanted).bit_count()


def hold_in_a_random_account(seed: int, said: Counter[str]) -> None:
    random = Random(f"every action {seed}")
    making = AccountMaker(Random(seed))
    account = making.account()
    maker = QuestionMaker(random, making.services)
    asked = tuple(action.lower() for service in making.services for action in ACTIONS[service])
    for _ in range(2):
        compare(account, replace(maker.question(), action="", resource="*"), said, random, maker.time(), asked)


def test_in_a_random_account() -> None:
    said: Counter[str] = Counter()
    hold_in_a_random_account(1, said)
    assert min(said[one] for one in ("allowed", "depends", "denied", "left")) > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1218, 1444, 1793])
def test_in_an_account_that_was_answered_wrongly(seed: int) -> None:
    hold_in_a_random_account(seed, Counter())


@pytest.mark.slow
def test_in_random_accounts() -> None:
    said: Counter[str] = Counter()
    for seed in range(15):
        hold_in_a_random_account(seed, said)
    assert min(said[outcome] for outcome in ("allowed", "depends", "denied")) > 30, said


@pytest.mark.slow
@pytest.mark.parametrize("named", ["role/nobody", "role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"])
def test_each_action_by_the_rules_of_its_own(named: str) -> None:
    account = load_demo_account()
    document = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": "iam:*", "Resource": f"arn:aws:iam::{account.id}:{named}"},
        }
    )
    bare = account.users[0]
    drafted = account_after(account, Draft(account.id, "", (PutInlinePolicy(bare.arn, "one", document),)))
    asked = ("iam:createservicelinkedrole", "iam:deleteservicelinkedrole", "iam:deleterole", "iam:getrole")
    compare(drafted, Question(""), Counter(), Random(1), asked=asked)


@pytest.mark.parametrize("key", ["aws:ResourceAccount", "aws:ResourceOrgID"])
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_resources_of_aws_have_no_known_owner(effect: str, key: str) -> None:
    account = load_demo_account()
    statement = {"Effect": effect, "Action": "*", "Resource": "*", "Condition": {"StringEquals": {key: account.id}}}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    statements = [statement] if effect == "Allow" else [everything, statement]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    bare = account.users[0]
    drafted = account_after(account, Draft(account.id, "", (PutInlinePolicy(bare.arn, "one", document),)))
    asked = ("ssm:getdocument", "wellarchitected:getlens", "sagemaker:describehub", "ssm:putparameter", "sns:publish")
    compare(drafted, Question("", region="eu-west-1"), Counter(), Random(1), asked=asked)


@pytest.mark.long
@pytest.mark.parametrize("part", range(20))
def test_in_a_thousand_random_accounts(part: int) -> None:
    said: Counter[str] = Counter()
    for seed in range(15 + 50 * part, 65 + 50 * part):
        hold_in_a_random_account(seed, said)
    print(dict(said))


@pytest.mark.slow
@pytest.mark.parametrize("mode", [Mode.DISCOVER, Mode.STRICT])
def test_in_the_demo_account_and_under_a_draft(mode: Mode) -> None:
    said: Counter[str] = Counter()
    account = load_demo_account()
    random = Random(7)
    compare(account, Question("", mode=mode, region="eu-west-1"), said, random)
    fenced = """{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${aws:username}/*"},
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotEquals": {
            "aws:RequestedRegion": ["eu-west-1", "us-east-1"]}}},
        {"Effect": "Deny", "Action": "ec2:*", "Resource": "arn:aws:ec2:*:*:volume/*"}]}"""
    edits = tuple(PutInlinePolicy(one.arn, "fenced", fenced) for one in (*account.users[:4], *account.roles[:4]))
    drafted = account_after(account, Draft(account.id, "", edits))
    compare(drafted, Question("", mode=mode), said, random, asked=("s3:getobject", "s3:listbucket", "ec2:createtags"))
    outcomes = ("allowed", "denied") if mode is Mode.STRICT else ("allowed", "depends", "denied")
    assert min(said[outcome] for outcome in outcomes) > 50, said


@pytest.mark.slow
def test_of_types_that_a_call_cannot_do_without() -> None:
    account = load_demo_account()
    groups, instances = "arn:aws:resource-groups:*:*:group/*", "arn:aws:ec2:*:*:instance/*"
    allow = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    policies = (
        [allow, {"Effect": "Deny", "Action": "ec2:StartInstances", "Resource": instances}],
        [allow, {"Effect": "Deny", "Action": "ec2:StartInstances", "Resource": groups}],
        [{"Effect": "Allow", "Action": "ec2:StartInstances", "Resource": groups}],
        [{"Effect": "Allow", "Action": "ec2:StartInstances", "Resource": instances}],
    )
    users = tuple(
        replace(user, groups=(), inline_policies=(), attached_policies=(), boundary_arn=None)
        for user in account.users[: len(policies)]
    )
    account = replace(account, users=users)
    edits = tuple(
        PutInlinePolicy(user.arn, "p", json.dumps({"Version": "2012-10-17", "Statement": statements}))
        for user, statements in zip(users, policies, strict=True)
    )
    said: Counter[str] = Counter()
    drafted = account_after(account, Draft(account.id, "", edits))
    compare(
        drafted, Question("", region="eu-west-1"), said, Random(1), asked=("ec2:startinstances", "ec2:runinstances")
    )
    start = Question("ec2:StartInstances", "*", region="eu-west-1")
    allowed = [QuestionEvaluator(drafted, start, NOON).outcome(principal_of(drafted, user)) for user in drafted.users]
    assert allowed == [Outcome.EXPLICIT_DENY, Outcome.ALLOWED, Outcome.IMPLICIT_DENY, Outcome.ALLOWED]
    group = Question("ec2:StartInstances", groups, region="eu-west-1")
    assert QuestionEvaluator(drafted, group, NOON).outcome(principal_of(drafted, drafted.users[2])) is Outcome.ALLOWED


@pytest.mark.slow
def test_in_a_generated_account() -> None:
    said: Counter[str] = Counter()
    account = generator.account(Size(30, 20, 6, 40))
    compare(account, Question("", region="eu-west-1"), said, Random(8))
    compare(account, Question("", context={"aws:MultiFactorAuthPresent": ("true",)}), said, Random(9))
    compare(account, Question("", context={"aws:RequestedRegion": ("eu-west-1",)}), said, Random(10))
    assert min(said[outcome] for outcome in ("allowed", "depends", "denied")) > 100, said


@pytest.mark.slow
@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_what_is_taken_for_granted_of_actions_without_a_look_at_each(partition: str) -> None:
    """Every action that has resources has some on `*`, in the Region that is asked about, and nothing refuses it."""
    space = action_space()
    for place in places(space.full & ~space.with_rules):
        action = space.name(place)
        prepared = prepare(action, "*", None, partition, "111122223333")
        assert prepared.plain, action
        kind = ResourceKind.NONE if space.without_type >> place & 1 else ResourceKind.SET
        assert prepared.resource.kind is kind, action
        assert not prepared.resource.members.forms, action
        forms = ENGINE_CATALOGUE.arn_forms(action)
        assert not forms or any(isinstance(form.region, Name) or not form.region for form in forms), action
        assert bool(space.under_rcps >> place & 1) is (prepared.facts.under_rcps and kind is ResourceKind.SET), action
