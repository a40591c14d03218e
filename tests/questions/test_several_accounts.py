"""A question across accounts: the caller's account says what the caller may, the other what its resource lets in."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, is_dataclass, replace
from random import Random
from typing import Any

import pytest
from msgspec import Struct, structs

from iamtui.account.model import Account, ResourcePolicy
from iamtui.engine.decision import Outcome
from iamtui.engine.evaluator import evaluate
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.questions.account_index import account_index
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from tests.questions.random_accounts import AccountMaker, QuestionMaker
from tests.questions.vocabulary import A, B

BUCKETS = {A: "arn:aws:s3:::b2", B: "arn:aws:s3:::b1"}
"""By account: the bucket that is the other's."""


def swapped(value: Any) -> Any:
    """The same with each account in the place of the other."""
    if isinstance(value, str):
        return value.replace(A, "#").replace(B, A).replace("#", B)
    if isinstance(value, PolicyDocument):
        return PolicyDocument(swapped(value.raw))
    if isinstance(value, (tuple, frozenset)):
        return type(value)(map(swapped, value))
    if isinstance(value, dict):
        return {swapped(key): swapped(one) for key, one in value.items()}
    if isinstance(value, Struct):
        return structs.replace(value, **{name: swapped(getattr(value, name)) for name in value.__struct_fields__})
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: swapped(getattr(value, one.name)) for one in fields(value)})
    return value


def two_accounts(seed: int) -> tuple[Account, Account, AccountMaker]:
    """An account, and another whose policies speak of the first as the first's do of it."""
    making = AccountMaker(Random(seed))
    both = (making.account(), swapped(making.account()))
    first, second = (
        replace(
            each, resource_policies={arn: one for arn, one in each.resource_policies.items() if arn != BUCKETS[each.id]}
        )
        for each in both
    )
    return first, second, making


def test_each_side_says_what_is_its_own_and_the_index_agrees() -> None:
    said: Counter[Outcome] = Counter()
    across = 0
    for seed in range(20):
        one, other, making = two_accounts(seed)
        maker = QuestionMaker(Random(f"several {seed}"), making.services)
        for _ in range(8):
            question, now = maker.question(), maker.time()
            question = replace(question, resource=swapped(question.resource), resource_account=None)
            here = QuestionEvaluator(one, question, now, others={B: other})
            found = QuestionEvaluator(one, question, now, others={B: other}).outcomes()
            for place, indexed in enumerate(account_index(one).principals):
                principal = indexed.principal
                request, policies = here.request_and_policies(principal)
                alone = evaluate(request, policies)
                if here.account is other:
                    across += 1
                    own = QuestionEvaluator(one, question, now).request_and_policies(principal)[1]
                    theirs = QuestionEvaluator(other, question, now).request_and_policies(principal)[1]
                    assert (policies.identity, policies.boundaries, policies.scps) == (
                        own.identity, own.boundaries, own.scps,
                    )  # fmt: skip
                    assert policies.rcps == theirs.rcps
                    assert policies.restrict_public_buckets == theirs.restrict_public_buckets
                    if question.resource != "*" and "*" not in question.resource:
                        assert policies.resource == theirs.resource
                    said[alone.outcome] += 1
                decision = here.decide(principal)
                where = f"{seed} {principal.arn}: {question}"
                assert (decision.outcome, decision.complete) == (alone.outcome, alone.complete), where
                outcome = found.of(place) if found is not None else None
                assert outcome in (None, alone.outcome), where
    assert across > 400, across
    assert min(said[outcome] for outcome in Outcome) > 5, said


def test_a_bucket_that_two_accounts_have_read_is_nobodys() -> None:
    bucket = "arn:aws:s3:::shared"
    one, other = (Account(each, resource_policies={bucket: ResourcePolicy("none")}) for each in (A, B))
    with pytest.raises(Problem, match=f"{A} and {B}.*--resource-account"):
        QuestionEvaluator(one, Question("s3:GetObject", f"{bucket}/x"), others={B: other})
    told = QuestionEvaluator(one, Question("s3:GetObject", f"{bucket}/x", resource_account=B), others={B: other})
    assert told.account is other


def test_whoever_may_not_read_a_bucket_is_not_its_owner() -> None:
    bucket = "arn:aws:s3:::shared"
    one = Account(A, resource_policies={bucket: ResourcePolicy("denied", permission="s3:GetBucketPolicy")})
    other = Account(B, resource_policies={bucket: ResourcePolicy("none")})
    assert QuestionEvaluator(one, Question("s3:GetObject", f"{bucket}/x"), others={B: other}).account is other
