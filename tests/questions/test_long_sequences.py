"""What is kept between questions changes no answer: an account asked thousands of times answers like a new one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from random import Random

import pytest
from msgspec import structs

from iamtui.account.model import Account, InlinePolicy, Known, Organization, OrganizationLevel, OrganizationPolicy
from iamtui.engine import layers, policy_holders, policy_sets
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.evaluator import evaluate
from iamtui.engine.index import principal_index
from iamtui.policy.document import PolicyDocument
from iamtui.questions import evaluator as questions
from iamtui.questions.account_index import account_index
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question

from .random_accounts import AccountMaker, QuestionMaker, callers
from .vocabulary import NOON, A, B

_OWN = 12
"""The first callers are of the account."""


def made(seed: int) -> Account:
    """The account of a seed, loaded anew."""
    return AccountMaker(Random(seed)).account()


def read_anew(seed: int, question: Question, now: datetime, numbers: list[int]) -> list[Decision]:
    """What all layers say to some callers, where nothing was asked of the account before and nothing is kept."""
    account = made(seed)
    everybody = callers(account)
    found: list[Decision] = []
    for number in numbers:
        request, policies = QuestionEvaluator(account, question, now).request_and_policies(everybody[number])
        found.append(evaluate(request, structs.replace(policies, lasting=False)))
    return found


def ask_on_and_on(seed: int, count: int, said: Counter[Outcome]) -> None:
    """Ask one account many questions, by callers, in contexts and at times that change from one to the next.

    Askers are kept and asked again later, as a screen does it; now and then there is a new account of the same parts,
    as after loading more.
    """
    random, making = Random(f"questions {seed}"), AccountMaker(Random(seed))
    account = making.account()
    everybody, maker = callers(account), QuestionMaker(random, making.services)
    askers: list[tuple[Question, datetime, QuestionEvaluator]] = []
    for _ in range(count):
        if random.randrange(100) < 3:
            account = replace(account)
        if random.randrange(100) < 10:
            account_index(account)
        if not askers or random.randrange(100) < 40:
            question, now = maker.question(), maker.time()
            if askers and random.randrange(100) < 60:
                # The same again, but for one thing.
                question = random.choice(
                    (
                        replace(askers[-1][0], context=question.context),
                        replace(askers[-1][0], mode=question.mode),
                        replace(askers[-1][0], resource=question.resource),
                        replace(askers[-1][0], resource_account=question.resource_account),
                        replace(askers[-1][0], region=question.region),
                        askers[-1][0],
                    )
                )
            askers.append((question, now, QuestionEvaluator(account, question, now)))
        question, now, asker = random.choice(askers[-6:])
        numbers = [random.randrange(len(everybody) if random.randrange(100) < 15 else _OWN) for _ in range(6)]
        for number, expected in zip(numbers, read_anew(seed, question, now, numbers), strict=True):
            found = asker.decide(everybody[number], read_whole=random.randrange(100) < 10)
            where = f"seed {seed}: {everybody[number].arn or 'anonymous'} at {now}: {question}"
            assert (found.outcome, found.complete) == (expected.outcome, expected.complete), where
            if random.randrange(100) < 5:
                assert found == expected, where
            said[found.outcome] += 1


@pytest.mark.slow
def test_an_account_asked_on_and_on_answers_like_a_new_one() -> None:
    said: Counter[Outcome] = Counter()
    for seed in range(20):
        ask_on_and_on(seed, 60, said)
    assert min(said[outcome] for outcome in Outcome) > 100, said


@pytest.mark.slow
def test_also_where_nearly_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (questions, "_MOST_SURROUNDINGS"),
        (policy_holders, "_MOST_ACTIONS"),
        (policy_holders, "_MOST_RESOURCES"),
        (policy_holders, "_MOST_SORTED"),
        (principal_index, "_MOST_RESOURCES"),
        (principal_index, "_MOST_KEYS"),
        (principal_index, "_MOST_CONDITIONS"),
        (principal_index, "_MOST_STACKS"),
        (principal_index, "_MOST_TEXTS"),
        (layers, "_MOST_REMEMBERED"),
        (layers, "_MOST_SAID"),
        (policy_sets, "_MOST_REMEMBERED"),
    ):
        monkeypatch.setattr(module, name, 2)
    said: Counter[Outcome] = Counter()
    for seed in range(100, 106):
        ask_on_and_on(seed, 60, said)


def test_keys_that_one_check_does_not_carry_are_open_in_the_next() -> None:
    nothing_large = PolicyDocument.of(
        {
            "Statement": [
                {"Effect": "Allow", "Action": "*", "Resource": "*"},
                {
                    "Effect": "Deny",
                    "Action": "ec2:*",
                    "Resource": "*",
                    "Condition": {"StringEquals": {"ec2:InstanceType": "x2.metal"}},
                },
            ]
        }
    )
    scp = Known((OrganizationPolicy("arn:p/large", "nothing large", nothing_large),))
    path = tuple(OrganizationLevel(f"{type_}-1", type_, type_, scp, Known(())) for type_ in ("ROOT", "ACCOUNT"))
    account = replace(made(0), organization=Known(Organization("o-1", B, path)))
    user = replace(
        account.users[0],
        groups=(),
        inline_policies=(InlinePolicy("nothing large", nothing_large),),
        attached_policies=(),
        boundary_arn=None,
    )
    account = replace(account, users=(user,))
    principal = callers(account)[0]

    def outcome(action: str, resource: str) -> Outcome:
        return QuestionEvaluator(account, Question(action, resource), NOON).decide(principal).outcome

    for _ in range(2):
        assert outcome("ec2:RunInstances", "arn:aws:ec2:eu-west-1::image/ami-1") is Outcome.ALLOWED
        assert outcome("ec2:StartInstances", f"arn:aws:ec2:eu-west-1:{A}:instance/i-1") is Outcome.DEPENDS
