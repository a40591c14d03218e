"""The overview: what each number counts, and that what is not known is never counted as fine."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iamtui.account.model import (
    UNLISTED,
    AccessKey,
    Account,
    Gap,
    Known,
    LoginProfile,
    MfaDevice,
    Missing,
    Role,
    User,
)
from iamtui.engine.decision import Outcome
from iamtui.problem import Problem
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.sources.demo import load_demo_account
from iamtui.workspace.ask.saved_questions import SavedQuestion
from iamtui.workspace.review.overview import Overview
from iamtui.workspace.review.overview_counts import account_overview
from iamtui.workspace.source import unknown_facts
from tests.support.sample_account import ID, iam, sample_workspace, trust

NOW = datetime(2026, 11, 25, tzinfo=UTC)
DENIED = Missing("access denied", "iam:X")


def ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


def user(name: str, **facts: Any) -> User:
    given = {
        "access_keys": Known(()),
        "mfa_devices": Known(()),
        "login_profile": Known(None),
        "password_last_used": Known(None),
        **facts,
    }
    return User(name, "/", iam(f"user/{name}"), f"AIDA{name}", ago(500), **given)


def key(age: int, used: int | None) -> Known[tuple[AccessKey, ...]]:
    return Known((AccessKey("AKIA1", "Active", ago(age), None if used is None else ago(used)),))


def role(name: str, **facts: Any) -> Role:
    own = trust({"Service": "ec2.amazonaws.com"})
    return Role(name, "/", iam(f"role/{name}"), f"AROA{name}", ago(500), own, **{"last_used": Known(ago(1)), **facts})


def overview(*questions: SavedQuestion, **parts: Any) -> Overview:
    account = Account(ID, **{"organization": Known(None), **parts})
    return account_overview(sample_workspace().with_account(account), questions, NOW)


def test_users_are_people_service_accounts_or_neither() -> None:
    person = user("person", login_profile=Known(LoginProfile(ago(9))))
    both = user("both", login_profile=Known(LoginProfile(ago(9))), access_keys=key(1, 1))
    machine, nothing = user("machine", access_keys=key(1, 1)), user("nothing")
    unknown = user("unknown", login_profile=DENIED)
    linked = replace(role("AWSServiceRoleForX"), path="/aws-service-role/x/")

    found = overview(users=(person, both, machine, nothing, unknown), roles=(role("r"), linked))

    counted = {one.whole.id: one.whole.members for one in found.principals}
    assert counted == {
        "people": (person.arn, both.arn),
        "service-accounts": (machine.arn,),
        "users-without-credentials": (nothing.arn,),
        "users": (unknown.arn,),
        "roles": (role("r").arn,),
        "service-linked-roles": (linked.arn,),
    }


@pytest.mark.parametrize(
    ("fact", "use"),
    [
        (Known(ago(30)), "30-days"),
        (Known(ago(31)), "90-days"),
        (Known(ago(91)), "year"),
        (Known(ago(366)), "older"),
        (Known(None), "never"),
        (Missing("not loaded"), "unknown"),
    ],
)
def test_roles_are_counted_by_their_last_use(fact: Any, use: str) -> None:
    found = overview(roles=(role("r", last_used=fact),))
    assert found.figure(f"roles.{use}").count == 1
    assert found.figure("roles").count == sum(part.count for part in found.principals[0].parts) == 1


def test_a_user_of_whom_only_one_use_is_known_was_used_at_least_then() -> None:
    recent = user("recent", access_keys=DENIED, password_last_used=Known(ago(3)))
    old = user("old", access_keys=DENIED, password_last_used=Known(ago(300)))

    found = overview(users=(recent, old))

    assert found.figure("users.30-days").members == (recent.arn,)
    assert found.figure("users.unknown").members == (old.arn,)


def test_keys_by_age() -> None:
    ages = (1, 91, 400)
    found = overview(users=tuple(user(f"u{age}", access_keys=key(age, 1)) for age in ages))
    assert [part.count for part in found.keys.parts] == [1, 1, 1]
    assert found.figure("keys.older").members == (f"{iam('user/u400')} AKIA1",)


def test_what_is_not_known_is_marked_and_never_none() -> None:
    without = {"access_keys": DENIED, "mfa_devices": DENIED, "login_profile": DENIED, "password_last_used": DENIED}
    open_door = user("open", login_profile=Known(LoginProfile(ago(9))))

    found = overview(users=(user("u", **without),), roles=(role("r", last_used=DENIED),))
    some = overview(users=(user("u", **without), open_door))

    severities = ("findings.high", "findings.medium", "findings.low")
    for name in ("without-mfa", "unused-users", "unused-roles", "keys", *severities):
        assert found.figure(name).words == "?"
    assert some.figure("without-mfa").words == "1+"
    assert any("MFA devices of users (1): access denied" in words for words in found.lacking)
    known = overview(
        users=(user("p", login_profile=Known(LoginProfile(ago(9))), mfa_devices=Known((MfaDevice("m", None),))),)
    )
    assert known.figure("without-mfa").words == "0"


def test_the_keys_of_users_that_are_not_listed_are_unknown() -> None:
    gaps = (Gap(UNLISTED["users"], "iam:GetAccountAuthorizationDetails", "denied"),)
    assert overview(roles=(role("r"),), gaps=gaps).figure("keys").words == "?"
    assert overview(users=(user("u", access_keys=key(1, 1)),), gaps=gaps).figure("keys").words == "1+"


def test_a_saved_question_is_answered_for_everybody_and_for_whom_it_names() -> None:
    matrix = QuestionMatrix(("s3:GetObject",), ("arn:aws:s3:::data-lake/x",), Question("", "*"))
    workspace = sample_workspace()
    somebody = workspace.account.roles[0]
    asked = SavedQuestion("read", "", matrix, somebody.arn)
    nobody = SavedQuestion("lost", "", matrix, "role/nobody")

    read, lost = account_overview(workspace, (asked, nobody), NOW).questions

    assert read.decision is not None
    assert read.decision.outcome in Outcome
    counts = [figure.count for figure in read.answers]
    assert sum(counts) == len(workspace.account.users) + len(workspace.account.roles)
    assert counts[0] > 0
    assert lost.problem
    assert lost.answers == ()


def test_the_numbers_of_the_demo_are_those_of_its_lists() -> None:
    account = load_demo_account()
    found = account_overview(sample_workspace().with_account(account))

    users = sum(one.whole.count for one in found.principals if not one.whole.id.endswith("roles"))
    assert users == len(account.users)
    for breakdown in (*found.principals, found.keys):
        members = [member for part in breakdown.parts for member in part.members]
        assert sorted(members) == sorted(breakdown.whole.members)
    for name in ("administrators", "escalations", "trust-outside", "unused-roles"):
        assert all(account.by_arn(arn) for arn in found.figure(name).members)
        assert found.figure(name).count > 0
    assert len({figure.id for figure in found.figures()}) == len(list(found.figures()))


def test_ways_to_become_administrator_are_not_none_where_they_are_not_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unknown_facts, "MOST_SEARCHED", 1)

    found = overview(roles=(role("a"), role("b")))

    for name in ("administrators", "escalations", "escalations.possible"):
        assert found.figure(name).words == "?"
    assert any("iamtui escalations finds it" in words for words in found.lacking)


def test_a_number_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(Problem) as caught:
        overview(roles=(role("r"),)).figure("role.never")
    assert "roles.never" in caught.value.next_step
