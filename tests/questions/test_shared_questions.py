"""What callers share when they are asked the same changes nothing: each gets the answer it would get alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from msgspec import structs

from benchmarks import generator
from benchmarks.generator import Size
from iamtui.account.model import Account, Role, User
from iamtui.engine.evaluator import evaluate
from iamtui.engine.request import Mode, Principal, principal_from_text
from iamtui.questions.account_index import make_index_ready
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.sources.demo import load_demo_account
from iamtui.workspace.source.principals import principal_for
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.slow import one_quick

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
CONTEXTS: tuple[dict[str, tuple[str, ...]], ...] = (
    {},
    {"aws:SourceIp": ("203.0.113.9",), "aws:MultiFactorAuthPresent": ("true",)},
    {"aws:PrincipalArn": ("arn:aws:iam::111122223333:role/break-glass",)},
    {"aws:PrincipalTag/team": ("payments",), "aws:PrincipalOrgID": ()},
    {"aws:userid": ("AIDAEXAMPLE",), "aws:username": ("root",)},
    {"aws:SourceVpce": ("vpce-0a1b2c3d",)},
)


@pytest.fixture(scope="module", params=[pytest.param("generated", marks=pytest.mark.slow), "demo"])
def account(request: pytest.FixtureRequest) -> Account:
    return generator.account(Size(40, 20, 6, 30)) if request.param == "generated" else load_demo_account()


def everybody(account: Account) -> list[Principal]:
    """Users and roles, some of them twice as other objects, sessions, and callers from elsewhere."""
    workspace = Workspace(account, SourceInfo(SourceKind.SNAPSHOT, "test"))
    entities: tuple[User | Role, ...] = (*account.users, *account.roles)
    found = [principal_for(workspace, entity) for entity in entities]
    found += [replace(principal) for principal in found[::7]]
    found += [replace(principal, credentials="long_term") for principal in found if principal.arn.count(":user/")][:5]
    found += [
        principal_from_text(text, issuer=account.users[0].arn)
        for text in (
            account.id,
            "anonymous",
            "lambda.amazonaws.com",
            "arn:aws:iam::999988887777:user/eve",
            "arn:aws:iam::999988887777:role/guest",
            f"arn:aws:iam::{account.id}:user/nobody-has-this-name",
            f"arn:aws:sts::{account.id}:federated-user/bob",
            f"arn:aws:sts::{account.id}:assumed-role/{account.roles[0].name}/a",
            f"arn:aws:sts::{account.id}:assumed-role/{account.roles[0].name}/b",
        )
    ]
    return found


def questions(account: Account, random: Random, drawn: int) -> Iterator[Question]:
    asked = generator.questions(account, drawn, random.randrange(1000))
    asked += [Question("sts:AssumeRole", role.arn) for role in account.roles[:3]]
    asked += [Question(action, "arn:aws:s3:::*") for action in ("s3:GetObject", "s3:PutObject")]
    for question in asked:
        mode = random.choice((Mode.DISCOVER, Mode.STRICT))
        yield replace(question, mode=mode, context=random.choice(CONTEXTS))


@pytest.mark.slow
@one_quick(("seed", "drawn"), [(0, 5), (1, 24), (2, 19)])
def test_each_caller_gets_the_answer_it_would_get_alone(account: Account, seed: int, drawn: int) -> None:
    random = Random(seed)
    callers = everybody(account)
    for question in questions(account, random, drawn):
        asker = QuestionEvaluator(account, question, NOW)
        random.shuffle(callers)
        for principal in callers:
            alone = evaluate(*QuestionEvaluator(account, question, NOW).request_and_policies(principal))
            assert asker.decide(principal) == alone, f"{principal.arn}: {question}"


def test_an_assumption_is_said_with_the_decision_it_belongs_to(account: Account) -> None:
    asker = QuestionEvaluator(account, Question("s3:GetObject", "arn:aws:s3:::b/k"), NOW)
    first, second = everybody(account)[:2]
    assert "taken for granted" in asker.decide(first, assumptions=("taken for granted",)).assumptions
    assert "taken for granted" not in asker.decide(second).assumptions


def test_policies_that_were_made_ready_answer_the_same(account: Account) -> None:
    fresh = replace(account)
    for _ in make_index_ready(fresh):
        pass
    question = Question("s3:GetObject", "arn:aws:s3:::b/k")
    asker = QuestionEvaluator(fresh, question, NOW)
    for principal in everybody(fresh):
        assert asker.decide(principal) == QuestionEvaluator(account, question, NOW).decide(principal)


def test_what_organization_policies_said_before_is_only_said_again_where_it_holds(account: Account) -> None:
    random = Random(5)
    callers = everybody(account)
    for question in questions(account, random, 24):
        for principal in random.sample(callers, min(6, len(callers))):
            request, policies = QuestionEvaluator(account, question, NOW).request_and_policies(principal)
            alone = evaluate(request, structs.replace(policies, lasting=False))
            assert evaluate(request, policies) == alone, f"{principal.arn}: {question}"
