"""The index and the passes over all actions read, as the evaluator does, what one call needs at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Final

import pytest

from iamtui.catalog.arn_forms import needs
from iamtui.engine.decision import Outcome
from iamtui.engine.request import Mode
from iamtui.questions.question import Question

from . import test_every_action, test_index
from .random_accounts import AccountMaker, QuestionMaker
from .vocabulary import A

ASKED: Final = (
    "ec2:RunInstances", "ec2:AttachVolume", "ec2:CreateSnapshot", "ec2:CopyImage", "ec2:CreateVpcEndpoint",
    "ecs:ExecuteCommand", "glue:GetTable", "glue:DeleteDatabase", "kms:CreateAlias", "rds:CreateDBCluster",
    "bedrock:CreateModelInvocationJob", "elasticloadbalancing:DeleteListener", "dynamodb:TagResource",
)  # fmt: skip
_ENTRIES: Final = (
    "ec2:*:*:instance/*", f"ec2:*:{A}:volume/*", "ec2:*:*:subnet/*", "ec2:*::image/*", "ec2:*::snapshot/*",
    "ec2:us-east-1:*:instance/*", "ec2:eu-west-1:*:*", "ec2:*:*:network-interface/*", "ec2:*:*:security-group/*",
    "ec2:*:*:vpc/v", "ec2:*:*:vpc-endpoint/*", "ec2:*", "ecs:*:*:cluster/*", "ecs:*:*:task/c/*", "glue:*:*:catalog",
    "glue:*:*:database/*", "glue:*:*:table/d/*", "kms:*:*:alias/*", "kms:*:*:key/*", "rds:*:*:cluster:*", "rds:*",
    "bedrock:*::foundation-model/*", "bedrock:*:*:model-invocation-job/*", "elasticloadbalancing:*:*:listener/app/*",
    "elasticloadbalancing:*:*:listener/net/*", "dynamodb:*:*:table/*", "glue:*",
)  # fmt: skip


class _NeedsMaker(AccountMaker):
    """Policies about some of the types that calls need."""

    def _action(self, service: str) -> str:
        return str(self.pick(ASKED)) if self.chance(60) else "*"

    def _resource(self, service: str) -> str:
        return "*" if self.chance(20) else f"arn:aws:{self.pick(_ENTRIES)}"


def _hold(seed: int, said: Counter[str | None], of_all: Counter[str]) -> None:
    random = Random(f"needed {seed}")
    making = _NeedsMaker(Random(seed))
    account = making.account()
    maker = QuestionMaker(random, making.services)
    drawn = replace(maker.question(), region=random.choice(("eu-west-1", "us-east-1")), mode=random.choice((*Mode,)))
    for action in random.sample(ASKED, 4):
        test_index.compare(account, replace(drawn, action=action, resource="*"), said)
    asked = tuple(action.lower() for action in ASKED)
    terms = replace(drawn, action="", resource="*")
    test_every_action.compare(account, terms, of_all, random, maker.time(), asked)


def test_in_a_random_account() -> None:
    _hold(1, Counter(), Counter())


@pytest.mark.slow
def test_in_random_accounts() -> None:
    said: Counter[str | None] = Counter()
    of_all: Counter[str] = Counter()
    for seed in range(2, 32):
        _hold(seed, said, of_all)
    assert min(said[outcome] for outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY, None)) > 20, said
    assert min(of_all[outcome] for outcome in ("allowed", "denied", "left")) > 20, of_all


def test_the_actions_that_are_asked_about_are_of_all_classes() -> None:
    classes = Counter((len(needs(action).each) > 1, needs(action).is_known) for action in ASKED)
    assert len(classes) == 3


def test_a_question_is_asked_of_everybody_at_once_where_nothing_tells_resources_apart() -> None:
    account = AccountMaker(Random(0)).account()
    question = Question("ec2:RunInstances", "*", region="eu-west-1")
    test_index.compare(account, question, Counter())
