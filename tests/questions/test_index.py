"""The index of an account decides like the evaluator, for every principal, or leaves it to the evaluator."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from random import Random
from threading import Thread
from typing import TypeVar

import pytest

from benchmarks import generator
from benchmarks.generator import Size
from iamtui.account.model import (
    UNLISTED,
    Account,
    Gap,
    InlinePolicy,
    Known,
    Missing,
    Organization,
    PasswordPolicy,
    ResourcePolicy,
    User,
)
from iamtui.drafts.draft import Draft, Edit
from iamtui.drafts.edits.organization import PutOrganizationPolicy
from iamtui.drafts.edits.policies import PutInlinePolicy, PutManagedPolicy, PutResourcePolicy
from iamtui.drafts.edits.principals import (
    AddUserToGroup,
    AttachPolicy,
    DetachPolicy,
    PutPermissionsBoundary,
    RemoveUserFromGroup,
    UpdateTrustPolicy,
)
from iamtui.engine import policy_holders
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Outcome
from iamtui.engine.evaluator import evaluate
from iamtui.engine.index import index_outcomes
from iamtui.engine.request import Mode, principal_from_text
from iamtui.policy.document import PolicyDocument
from iamtui.questions.account_index import account_index, principal_of, read_for_everybody
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.sources.demo import load_demo_account
from tests.support.applied_drafts import account_after, apply_draft
from tests.support.slow import one_quick
from tests.workspace.test_answers_for_everybody import DEMO_QUESTIONS, ways

from .random_accounts import AccountMaker, QuestionMaker
from .vocabulary import NOON, A, B

T = TypeVar("T")


def compare(account: Account, question: Question, said: Counter[str | None], now: datetime = NOON) -> None:
    """Hold the index against the evaluator, and what an asker makes of both."""
    asker = QuestionEvaluator(account, question, now)
    index = account_index(account)
    found = asker.outcomes()
    for place, one in enumerate(index.principals):
        where = f"{one.principal.arn}: {question}"
        alone = evaluate(*QuestionEvaluator(account, question, now).request_and_policies(one.principal))
        expected = (alone.outcome, alone.complete)
        outcome = found.of(place) if found is not None else None
        said[outcome if found is not None else "not read"] += 1
        if found is not None and outcome is not None:
            assert (outcome, bool(found.complete >> place & 1)) == expected, where
        decision = asker.decide(one.principal)
        assert (decision.outcome, decision.complete) == expected, where
        assert decision.not_evaluated == alone.not_evaluated, where
        if decision.outcome is Outcome.IMPLICIT_DENY:
            assert decision.is_capped == alone.is_capped, where
        # These are found once for all of a class.
        for part in ("matched", "depends_on", "resource_scope", "allowed_resources", "denied_resources"):
            assert getattr(decision, part) == getattr(alone, part), f"{part} of {where}"
        assert decision.principal is one.principal
        assert condition_of(decision) == condition_of(alone), where


@one_quick(("few", "seeds"), [(0, range(20)), (0, range(20, 60)), (8, range(60))])
def test_in_random_accounts(monkeypatch: pytest.MonkeyPatch, few: int, seeds: range) -> None:
    """With few principals, each is tested for itself, and with none, by the values that tell them apart.

    So it is with statements, by the entries of their resources.
    """
    for module in (index_outcomes, policy_holders):
        monkeypatch.setattr(module, "_FEW", few)
    monkeypatch.setattr(policy_holders, "_ASKED_ALONE", few)
    said: Counter[str | None] = Counter()
    for seed in seeds:
        random = Random(f"index {seed}")
        making = AccountMaker(Random(seed))
        account = making.account()
        maker = QuestionMaker(random, making.services)
        for _ in range(6):
            question = maker.question()
            compare(account, question, said, maker.time())
            compare(account, question, said, maker.time())
            compare(account, replace(question, made_now=False), said, maker.time())
    assert min(said[outcome] for outcome in ("allowed", "depends", "explicitDeny", "implicitDeny")) > len(seeds), said


@one_quick("drawn", [range(6), range(6, 30)])
def test_in_the_demo_account(drawn: range) -> None:
    said: Counter[str | None] = Counter()
    account = load_demo_account()
    asked = () if drawn.start else DEMO_QUESTIONS
    for question in (*asked, *generator.questions(account, 30, seed=15)[drawn.start : drawn.stop]):
        for way in ways(question):
            compare(account, way, said)
    assert min(said[outcome] for outcome in Outcome) > 50, said


@pytest.mark.parametrize("action", ["sqs:SendMessage", "sqs:DeleteQueue", "kms:DisableKey", "sns:TagResource"])
def test_what_no_policy_gives_to_other_accounts(action: str) -> None:
    service = action.split(":", maxsplit=1)[0]
    theirs = f"arn:aws:{service}:eu-west-1:999988887777:{'key/1' if service == 'kms' else 'x'}"
    everything = PolicyDocument.of(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
    )
    demo = load_demo_account()
    account = replace(demo, resource_policies={**demo.resource_policies, theirs: ResourcePolicy("present", everything)})
    said: Counter[str | None] = Counter()
    compare(account, Question(action, theirs), said)
    decisions = Counter(
        QuestionEvaluator(account, Question(action, theirs), NOON).decide(one.principal).outcome
        for one in account_index(account).principals
    )
    assert (decisions[Outcome.ALLOWED] > 0) is (action == "sqs:SendMessage")
    assert action == "sqs:SendMessage" or (decisions[Outcome.DEPENDS] > 0) is (action == "sns:TagResource")


@pytest.mark.parametrize("place", ["member", "management", "not known", "outside"])
def test_what_only_some_accounts_can_call(place: str) -> None:
    demo = load_demo_account()
    own = demo.organization.value_or(None)
    assert own is not None
    account = {
        "member": demo,
        "management": replace(demo, organization=Known(replace(own, management_account=demo.id))),
        "not known": replace(demo, organization=Missing("not loaded", "organizations:DescribeOrganization")),
        "outside": replace(demo, organization=Known(None)),
    }[place]
    for action, allowed_at in (
        ("organizations:LeaveOrganization", ()),
        ("organizations:MoveAccount", ("management",)),
        ("organizations:CreateOrganization", ("outside",)),
        ("iam:DisableOrganizationsRootSessions", ("management",)),
        ("ram:EnableSharingWithAwsOrganization", ("management",)),
    ):
        question = Question(action, "*")
        compare(account, question, Counter())
        asker = QuestionEvaluator(account, question, NOON)
        outcomes = Counter(asker.decide(one.principal).outcome for one in account_index(account).principals)
        assert (outcomes[Outcome.ALLOWED] > 0) is (place in allowed_at), action
        assert place in ("not known", *allowed_at) or outcomes[Outcome.DEPENDS] == 0, action


@pytest.mark.parametrize("loaded", [True, False, None])
def test_what_the_password_policy_lets_users_do(loaded: bool | None) -> None:
    demo = load_demo_account()
    user = User("eve", "/", f"arn:aws:iam::{demo.id}:user/eve", "AIDAEVE", NOON)
    policy = (
        Missing("not loaded", "iam:GetAccountPasswordPolicy")
        if loaded is None
        else Known(PasswordPolicy(8, users_may_change=loaded))
    )
    account = replace(demo, users=(*demo.users, user), password_policy=policy)
    caller = principal_from_text(user.arn)
    expected = {True: Outcome.ALLOWED, False: Outcome.IMPLICIT_DENY, None: Outcome.DEPENDS}[loaded]
    for resource in (user.arn, "*", f"arn:aws:iam::{demo.id}:user/e*"):
        question = Question("iam:ChangePassword", resource)
        compare(account, question, Counter())
        assert QuestionEvaluator(account, question, NOON).decide(caller).outcome is expected, resource
    another = Question("iam:ChangePassword", demo.users[0].arn)
    assert QuestionEvaluator(account, another, NOON).decide(caller).outcome is Outcome.IMPLICIT_DENY


@pytest.mark.slow
def test_in_a_generated_account() -> None:
    said: Counter[str | None] = Counter()
    account = generator.account(Size(60, 40, 6, 40))
    for question in generator.questions(account, 60, seed=16):
        compare(account, question, said)
        compare(account, replace(question, mode=Mode.STRICT), said)
    assert said[None] < sum(said.values()) / 20, said


@pytest.mark.slow
def test_in_accounts_of_which_roles_may_be_missing() -> None:
    """Roles that were not read may let in whom known roles do not, and the index is not given up for that."""
    gaps = (Gap(UNLISTED["roles"], "iam:ListRoles"),)
    said: Counter[str | None] = Counter()
    for whole in (load_demo_account(), generator.account(Size(40, 30, 5, 30))):
        account = replace(whole, gaps=gaps)
        for resource in ("*", f"arn:aws:iam::{account.id}:role/*", f"arn:aws:iam::{account.id}:role/d*"):
            question = Question("sts:AssumeRole", resource, region="eu-west-1")
            compare(account, question, said)
            compare(account, replace(question, mode=Mode.STRICT), said)
    for seed in range(40):
        random = Random(f"unlisted {seed}")
        account = replace(AccountMaker(Random(seed)).account(), gaps=gaps)
        compare(account, Question("sts:AssumeRole", "*", mode=random.choice((Mode.DISCOVER, Mode.STRICT))), said)
    assert not said["not read"]
    assert said[None] < sum(said.values()) / 4, said
    assert min(said[outcome] for outcome in ("allowed", "depends", "implicitDeny")) > 20, said


def test_of_an_account_without_users_and_roles() -> None:
    account = Account("111122223333")
    assert not account_index(account).principals
    asker = QuestionEvaluator(account, DEMO_QUESTIONS[0], NOON)
    assert asker.outcomes() is None
    outsider = principal_from_text("arn:aws:iam::999988887777:user/eve")
    assert [asker.decide(outsider).outcome for _ in range(4)] == [Outcome.DEPENDS] * 4


def test_the_index_of_a_draft_is_that_of_its_account_and_leaves_the_other_alone() -> None:
    account = load_demo_account()
    random = Random(4)
    questions = (*DEMO_QUESTIONS, *generator.questions(account, 6, seed=17))
    before = [QuestionEvaluator(account, question, NOON).outcomes() for question in questions]
    allow = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
    deny = allow.replace("Allow", "Deny")
    user = next(user for user in account.users if user.attached_policies and user.groups)
    role = next(
        role for role in account.roles if any(one.arn.split(":")[4] == account.id for one in role.attached_policies)
    )
    group = next(group for group in account.groups if group.name not in user.groups)
    own_group = next(group for group in account.groups if group.name == user.groups[0])
    used = next(
        policy
        for policy in account.policies
        if policy.arn.split(":")[4] == account.id and policy.arn in {one.arn for one in role.attached_policies}
    )
    edits: tuple[Edit, ...] = (
        PutInlinePolicy(user.arn, "all", allow),
        PutInlinePolicy(own_group.arn, "nothing", deny),
        AttachPolicy(user.arn, used.arn),
        DetachPolicy(role.arn, used.arn),
        AddUserToGroup(user.arn, group.arn),
        RemoveUserFromGroup(user.arn, own_group.arn),
        PutPermissionsBoundary(role.arn, used.arn),
        PutManagedPolicy(used.arn, deny),
    )
    for _ in range(12):
        chosen = tuple(random.sample(edits, random.choice((1, 1, 2, 3))))
        drafted = apply_draft(account, Draft(account.id, "", chosen)).account
        account_index(drafted)
        above = apply_draft(drafted, Draft(account.id, "", (PutInlinePolicy(role.arn, "more", allow),))).account
        for each in (drafted, above):
            fresh = replace(each)
            assert account_index(each).bounded == account_index(fresh).bounded
            for question in questions:
                found = QuestionEvaluator(each, question, NOON).outcomes()
                assert found == QuestionEvaluator(fresh, question, NOON).outcomes(), (chosen, question)
    assert before == [QuestionEvaluator(account, question, NOON).outcomes() for question in questions]
    assert account_index(drafted)._conditions is account_index(account)._conditions


def test_what_is_found_once_for_a_class_names_the_policies_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """An equal document under another name is another policy; all who have one by its name are one class."""
    account = generator.account(Size(12, 0, 2, 4))
    text = '{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": %s}}'
    document = PolicyDocument(text % '{"Bool": {"aws:SecureTransport": "true"}}')
    users = [
        replace(
            user,
            inline_policies=(InlinePolicy(f"mine{place % 3}", document),),
            groups=(),
            attached_policies=(),
            boundary_arn=None,
        )
        for place, user in enumerate(account.users)
    ]
    account = replace(account, users=tuple(users))
    question = Question("s3:GetObject", "arn:aws:s3:::b/k")
    compare(account, question, Counter())
    readings: list[object] = []
    monkeypatch.setattr(QuestionEvaluator, "read_by", with_note(QuestionEvaluator.read_by, readings))
    asker = QuestionEvaluator(account, question, NOON)
    assert asker.outcomes() is not None
    decisions = [asker.decide(one.principal) for one in account_index(account).principals]
    assert {decision.matched[0].policy for decision in decisions} == {"mine0", "mine1", "mine2"}
    assert all(decision.depends_on is not None for decision in decisions)
    assert len(readings) == 3


def with_note(method: Callable[..., T], notes: list[object]) -> Callable[..., T]:
    """A method that notes its calls."""

    def noting(*arguments: object) -> T:
        notes.append(arguments)
        return method(*arguments)

    return noting


def test_principals_whom_a_fact_of_one_resource_may_tell_apart_are_no_class() -> None:
    """A condition on a tag of the resource, which is not known of a set, may hold on one of its resources."""
    document = PolicyDocument.of(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
            },
        }
    )
    own = (InlinePolicy("own", document),)
    users = tuple(
        User(name, "/", f"arn:aws:iam::{A}:user/{name}", f"AIDA{name.upper()}", None, inline_policies=own, tags=tags)
        for name, tags in (("x", (("team", "red"),)), ("y", (("team", "blue"),)), ("z", (("team", "red"),)))
    )
    account = Account(A, users=users)
    everybody = QuestionEvaluator(account, Question("s3:GetObject"), NOON)._everybody(account_index(account))
    red, blue, red_too = map(everybody.classes.of, range(3))
    assert red == red_too
    assert red != blue


def test_a_resource_of_a_set_may_be_in_a_region_that_lets_it_through() -> None:
    """Nobody says in which Region the request is made, and each resource of the set tells."""
    allow = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    fence = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}},
    }
    policies = tuple(
        InlinePolicy(name, PolicyDocument.of({"Version": "2012-10-17", "Statement": [statement]}))
        for name, statement in (("logs", allow), ("fence", fence))
    )
    users = tuple(
        User(name, "/", f"arn:aws:iam::{A}:user/{name}", f"AIDA{name.upper()}", None, inline_policies=policies[:count])
        for name, count in (("free", 1), ("fenced", 2), ("other", 2))
    )
    account = Account(A, users=users)
    said: Counter[str | None] = Counter()
    for action in ("logs:DescribeLogStreams", "logs:CreateLogGroup"):
        for region in ("", "eu-west-1", "us-east-1"):
            compare(account, Question(action, "*", region=region), said)
    assert said[Outcome.ALLOWED]
    assert said[Outcome.EXPLICIT_DENY]


@pytest.mark.parametrize("action", ["lambda:InvokeFunction", "lambda:GetFunction", "sqs:SendMessage"])
def test_a_region_in_use_is_not_that_of_resources_elsewhere(action: str) -> None:
    service = action.split(":", maxsplit=1)[0]
    allow = {
        "Effect": "Allow",
        "Action": f"{service}:*",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}},
    }
    deny = {"Effect": "Deny", "Action": f"{service}:*", "Resource": f"arn:aws:{service}:us-east-1:*"}
    own = InlinePolicy("own", PolicyDocument.of({"Version": "2012-10-17", "Statement": [allow, deny]}))
    account = Account(A, users=(User("me", "/", f"arn:aws:iam::{A}:user/me", "AIDAME", None, inline_policies=(own,)),))
    (one,) = account_index(account).principals
    asked = {region: Question(action, "*", region=region) for region in ("us-east-1", "eu-west-1", "")}
    found = {region: QuestionEvaluator(account, question).decide(one.principal) for region, question in asked.items()}
    assert found["us-east-1"].outcome is found["eu-west-1"].outcome is Outcome.IMPLICIT_DENY
    # Nobody says in which region, and the evaluator does not tie that to the resource's.
    assert found[""].outcome in (Outcome.IMPLICIT_DENY, Outcome.DEPENDS)


def test_threads_that_ask_at_once_get_what_each_would_alone() -> None:
    account = replace(load_demo_account())
    questions = (*DEMO_QUESTIONS, *generator.questions(account, 12, seed=18))
    alone = [QuestionEvaluator(replace(account), question, NOON).outcomes() for question in questions]
    account_index(account)
    differing: list[Question] = []
    done: list[int] = []

    def ask(first: int) -> None:
        for place in range(len(questions)):
            at = (first + place) % len(questions)
            if QuestionEvaluator(account, questions[at], NOON).outcomes() != alone[at]:
                differing.append(questions[at])
        done.append(first)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [Thread(target=ask, args=(first,)) for first in (0, 0, 5, 11)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert sorted(done) == [0, 0, 5, 11]
    assert not differing


@pytest.mark.slow
def test_under_a_draft() -> None:
    said: Counter[str | None] = Counter()
    account = load_demo_account()
    account_index(account)
    user, role = account.users[0], account.roles[0]
    nothing = '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}}'
    edits = (
        PutInlinePolicy(user.arn, "nothing", nothing),
        PutPermissionsBoundary(role.arn, account.policies[0].arn),
        UpdateTrustPolicy(role.arn, '{"Statement": {"Effect": "Allow", "Action": "sts:*", "Principal": {"AWS": "*"}}}'),
    )
    for edit in edits:
        drafted = account_after(account, Draft(account.id, "", (edit,)))
        for question in (*DEMO_QUESTIONS, Question("sts:AssumeRole", role.arn)):
            compare(drafted, question, said)
            compare(account, question, said)
    drafted = account_after(account, Draft(account.id, "", edits[:1]))
    before, after = (QuestionEvaluator(one, DEMO_QUESTIONS[0], NOON).outcomes() for one in (account, drafted))
    assert before != after


_ALL = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
_NOTHING = _ALL.replace("Allow", "Deny")
_AFTER_NOON = _ALL.replace(
    "}}", f', "Condition": {{"DateGreaterThan": {{"aws:CurrentTime": "{NOON.isoformat()}"}}}}}}}}'
)


def drafts_of_all_kinds(account: Account) -> tuple[Edit, ...]:
    """Edits that matter to one, to all who have a policy, and to everybody."""
    user = next(user for user in account.users if user.groups)
    role, other = account.roles[:2]
    own = {policy.arn for policy in account.policies if not policy.aws_managed}
    used = next(one.arn for one in (*account.users, *account.roles) for one in one.attached_policies if one.arn in own)
    bucket = next(arn for arn in account.resource_policies if arn.startswith("arn:aws:s3:"))
    anybody = _ALL.replace('"Allow"', '"Allow", "Principal": "*"')
    return (
        PutInlinePolicy(user.arn, "more", _ALL),
        PutInlinePolicy(role.arn, "less", _NOTHING),
        PutInlinePolicy(role.arn, "later", _AFTER_NOON),
        PutManagedPolicy(used, _NOTHING),
        PutPermissionsBoundary(other.arn, used),
        RemoveUserFromGroup(user.arn, f"arn:aws:iam::{account.id}:group/{user.groups[0]}"),
        UpdateTrustPolicy(role.arn, anybody.replace('"*", "Resource": "*"', '"sts:AssumeRole"')),
        PutResourcePolicy(bucket, anybody.replace('"Resource": "*"', f'"Resource": "{bucket}/*"')),
        PutOrganizationPolicy("SERVICE_CONTROL_POLICY", account.organization_levels[0].id, "fence", _NOTHING),
    )


def asked_of_everybody(account: Account, question: Question, now: datetime) -> list[tuple[Outcome, bool]]:
    asker = QuestionEvaluator(account, question, now)
    index = account_index(account)
    decisions = [asker.decide(one.principal) for one in index.principals]
    return [(one.outcome, one.complete) for one in decisions]


@one_quick("drawn", [(2, 7, 9), range(12)])
def test_what_was_asked_below_drafts_holds_for_those_alone_whom_they_cannot_matter_to(drawn: Sequence[int]) -> None:
    """In other modes, with session policies, at another time, and in drafts over drafts."""
    account = load_demo_account()
    session = replace(DEMO_QUESTIONS[0], session_policies=(_NOTHING,))
    pattern = Question("iam:PassRole", f"arn:aws:iam::{account.id}:role/*")
    questions = (*DEMO_QUESTIONS, pattern, Question("iam:PassRole"), Question("sts:AssumeRole"), session)
    every = tuple(way for question in questions for way in (question, replace(question, mode=Mode.STRICT)))
    edits = drafts_of_all_kinds(account)
    above = [(account, account_after(account, Draft(account.id, "", (edit,)))) for edit in edits]
    above += [(drafted, account_after(drafted, Draft(account.id, "", edits[3:4]))) for _, drafted in above[:3]]
    differing = 0
    for below, drafted in map(above.__getitem__, drawn):
        fresh = replace(drafted)
        for now in (NOON - timedelta(seconds=9), NOON + timedelta(seconds=9)):
            for question in every:
                before = asked_of_everybody(below, question, now)
                found = asked_of_everybody(drafted, question, now)
                # What was asked of it before is forgotten.
                read_for_everybody(fresh).clear()
                assert found == asked_of_everybody(fresh, question, now), question
                differing += found != before
    assert differing > 10 * len(drawn)


def test_whom_a_draft_cannot_matter_to_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    allow = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": f"arn:aws:iam::{A}:role/a*"}
    users = []
    for place in range(12):
        deny = {**allow, "Effect": "Deny", "Resource": f"arn:aws:iam::{A}:role/a{place}*"}
        own = InlinePolicy("own", PolicyDocument.of({"Version": "2012-10-17", "Statement": [allow, deny]}))
        users.append(User(f"u{place}", "/", f"arn:aws:iam::{A}:user/u{place}", "", None, inline_policies=(own,)))
    account = Account(A, users=tuple(users))
    question = Question("iam:PassRole")
    readings: list[object] = []
    monkeypatch.setattr(QuestionEvaluator, "read_by", with_note(QuestionEvaluator.read_by, readings))
    asked_of_everybody(account, question, NOON)
    assert len(readings) == len(users)
    readings.clear()
    drafted = account_after(account, Draft(A, "", (PutInlinePolicy(users[5].arn, "own", _NOTHING),)))
    asked_of_everybody(drafted, question, NOON)
    # The first two are asked one by one.
    assert len(readings) <= 3


@one_quick("seeds", [range(6), range(6, 60)])
def test_of_one_region_or_another_account(seeds: range) -> None:
    """No set has a resource of another Region than that of the request, or of another account than the given one."""
    said: Counter[str | None] = Counter()
    for seed in seeds:
        random = Random(f"regions {seed}")
        making = AccountMaker(Random(seed))
        account = making.account()
        maker = QuestionMaker(random, making.services)
        for region in ("eu-west-1", "us-east-1"):
            question = replace(maker.question(), context={"aws:RequestedRegion": (region,)}, session_policies=())
            fields = question.resource.split(":", 5)
            if len(fields) == 6 and fields[3]:
                where = random.choice(("*", "us-*", "eu-*"))
                question = replace(question, resource=":".join((*fields[:3], where, *fields[4:])))
            compare(account, question, said)
            for one in account_index(account).principals:
                decision = QuestionEvaluator(account, question, NOON).decide(one.principal)
                for text in (decision.example_resource or "", *decision.allowed_resources):
                    assert (
                        text.count(":") < 5
                        or text == question.resource
                        or (fnmatchcase(region, text.split(":")[3]) or not text.split(":")[3])
                    ), text
            compare(account, replace(question, context={"aws:ResourceAccount": (random.choice((A, B)),)}), said)
    assert said[Outcome.ALLOWED] > 10, said


def test_the_owner_of_resources_of_aws_is_not_known() -> None:
    owner, organization = "aws:ResourceAccount", "aws:ResourceOrgID"
    of_others = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotEquals": {owner: A}}}
    of_own = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {owner: A}}}
    elsewhere = {"StringNotEqualsIfExists": {organization: "o-abcdefghij"}}
    outside = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": elsewhere}
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    both = ((allow, of_others), (of_own,), (allow, outside))
    documents = [PolicyDocument.of({"Statement": list(each)}) for each in both]
    users = tuple(
        User(f"u{number}", "/", f"arn:aws:iam::{A}:user/u{number}", f"AIDA{number}", None,
             inline_policies=(InlinePolicy("p", document),))
        for number, document in enumerate(documents)
    )  # fmt: skip
    organizations = Known(Organization("o-abcdefghij", A, ()))
    account = Account(id=A, users=users, organization=organizations)
    for action, resource, outcome in (
        ("ssm:SendCommand", "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript", Outcome.DEPENDS),
        ("ssm:GetParameter", "arn:aws:ssm:eu-west-1::parameter/aws/service/x", Outcome.DEPENDS),
        ("ssm:GetDocument", "*", Outcome.DEPENDS),
        ("sagemaker:DescribeHub", "arn:aws:sagemaker:eu-west-1:aws:hub/SageMakerPublicHub", Outcome.DEPENDS),
        ("ssm:GetDocument", f"arn:aws:ssm:eu-west-1:{A}:document/d", Outcome.ALLOWED),
        ("ssm:DeleteDocument", "*", Outcome.ALLOWED),
    ):
        question = Question(action, resource, region="eu-west-1")
        compare(account, question, Counter())
        asker = QuestionEvaluator(account, question, NOON)
        found = [asker.decide(one.principal) for one in account_index(account).principals]
        assert {one.outcome for one in found} == {outcome}, (action, resource)
        assert outcome is Outcome.ALLOWED or not any("belongs" in text for one in found for text in one.assumptions)
    named = Question("ssm:GetDocument", "*", {owner: (A,)}, region="eu-west-1")
    assert QuestionEvaluator(account, named, NOON).outcome(principal_of(account, users[0])) is Outcome.ALLOWED
