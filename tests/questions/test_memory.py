"""What the engine remembers goes with the account, and what it remembers of an account has bounds."""

from __future__ import annotations

import gc
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from iamtui.account.model import Account
from iamtui.drafts.draft import Draft
from iamtui.drafts.edits.policies import PutInlinePolicy
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.questions.account_index import account_index
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.sources.demo import load_demo_account
from iamtui.workspace.source.principals import principal_for
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.applied_drafts import account_after

SOURCE = SourceInfo(SourceKind.DEMO, "DEMO")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
LEVELS_OF_AN_ACCOUNT = 12


def ask_everybody(account: Account, number: int) -> None:
    """Ask all users and roles about a resource that was not asked about before."""
    asker = QuestionEvaluator(account, Question("s3:GetObject", f"arn:aws:s3:::bucket-{number}/key"), NOW)
    for entity in (*account.users, *account.roles):
        asker.decide(principal_for(Workspace(account, SOURCE), entity)).outcome  # noqa: B018 - read, as a list does


def living() -> Counter[str]:
    """How many objects of each class of ours there are."""
    gc.collect()
    kinds = (type(one) for one in gc.get_objects())
    return Counter(kind.__qualname__ for kind in kinds if str(kind.__module__).startswith("iamtui."))


def grown(before: Counter[str]) -> dict[str, int]:
    return {kind: count for kind, count in (living() - before).items() if count > 8}


@pytest.mark.slow
def test_asking_everybody_about_ever_new_resources_keeps_nothing_of_them() -> None:
    account = replace(load_demo_account())
    for number in range(5):
        ask_everybody(account, number)
    before = living()
    for number in range(5, 25):
        ask_everybody(account, number)
    assert grown(before) == {}


def test_outsiders_that_reports_make_anew_are_kept_only_up_to_a_bound() -> None:
    account = replace(load_demo_account())
    before = living()["Principal"]
    decide = QuestionEvaluator(account, Question("s3:GetObject", "arn:aws:s3:::bucket/key"), NOW).decide
    for number in range(3_000):
        decide(Principal(PrincipalKind.SERVICE, f"service-{number}.amazonaws.com")).outcome  # noqa: B018 - as above
    assert living()["Principal"] - before < 1_500


def test_an_account_that_is_read_anew_takes_what_is_remembered_of_its_principals_along() -> None:
    loaded = load_demo_account()

    def read_anew() -> None:
        account = replace(loaded)
        account_index(account)
        # Also of principals that are asked about beside those of the index, as the screen does.
        decide = QuestionEvaluator(account, Question("s3:GetObject", "arn:aws:s3:::bucket/key"), NOW).decide
        for entity in (*account.users, *account.roles):
            decide(replace(principal_for(Workspace(account, SOURCE), entity))).outcome  # noqa: B018 - as above

    read_anew()
    before = living()
    read_anew()
    read_anew()
    after = living()
    for kind in ("CallerFacts", "Principal", "PrincipalFacts"):
        assert after[kind] == before[kind]
    assert after["PolicySet"] - before["PolicySet"] <= 2 * LEVELS_OF_AN_ACCOUNT


@pytest.mark.slow
def test_what_is_remembered_of_a_draft_goes_with_it() -> None:
    account = replace(load_demo_account())
    document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'

    def draft(number: int) -> None:
        edit = PutInlinePolicy(account.users[number].arn, "draft", document)
        ask_everybody(account_after(account, Draft(account.id, "", (edit,))), number)

    ask_everybody(account, 0)
    draft(1)
    before = living()
    for number in range(2, 12):
        draft(number)
    after = living()
    assert after["CallerFacts"] == before["CallerFacts"]
    # The levels of SCPs and RCPs stay for a while, of 256 accounts at most.
    assert after["PolicySet"] - before["PolicySet"] <= 10 * LEVELS_OF_AN_ACCOUNT
