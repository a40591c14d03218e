"""Whom a question is put to, and that everybody's answer is the one they would get alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from iamtui.account.model import AttachedPolicy, InlinePolicy, ManagedPolicy, PolicyVersion, ResourcePolicy, User
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Outcome
from iamtui.engine.policy_sets import LayerStatement
from iamtui.engine.request import PrincipalKind
from iamtui.policy.document import PolicyDocument
from iamtui.policy.patterns import Glob
from iamtui.problem import Problem
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.ask.access import who_has_access
from iamtui.workspace.ask.answers import answer
from iamtui.workspace.ask.who_can import everybody, who_can
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.questions.random_accounts import AccountMaker, QuestionMaker
from tests.support.panel_records import ACCOUNT, small_account, small_workspace
from tests.support.sample_account import allow, document
from tests.support.slow import few_slow

OBJECT = "arn:aws:s3:::data-lake/x"
BUCKET = "arn:aws:s3:::data-lake"


def asking(action: str = "s3:GetObject", resource: str = OBJECT, **terms: Any) -> QuestionMatrix:
    return QuestionMatrix((action,), (resource,), Question(action, resource, **terms))


def with_bucket_policy(*statements: dict[str, Any]) -> Workspace:
    document = PolicyDocument.of({"Version": "2012-10-17", "Statement": list(statements)})
    account = replace(small_account(), resource_policies={BUCKET: ResourcePolicy("present", document)})
    return small_workspace().with_account(account)


def lets_in(principal: Any, effect: str = "Allow") -> dict[str, Any]:
    return {"Effect": effect, "Principal": principal, "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"}


def test_a_resource_without_policy_concerns_users_and_roles_only() -> None:
    found = everybody(small_workspace(), asking())

    assert [principal.arn.rpartition("/")[2] for principal in found.principals] == ["alice", "bob", "deploy-prod"]
    assert (found.outside, found.described, found.unknown) == (0, (), "")


def test_whom_the_resource_names_comes_behind_them() -> None:
    workspace = with_bucket_policy(
        lets_in({"AWS": ["999999999999", "arn:aws:iam::888888888888:role/reader", f"arn:aws:iam::{ACCOUNT}:root"]}),
        lets_in({"AWS": [f"arn:aws:iam::{ACCOUNT}:user/alice", "arn:aws:iam::888888888888:role/reader"]}),
        lets_in({"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy-prod/nightly"}),
        lets_in({"Service": "logging.s3.amazonaws.com", "CanonicalUser": "a" * 64}),
        lets_in({"AWS": "arn:aws:iam::777777777777:user/denied"}, effect="Deny"),
    )

    found = everybody(workspace, asking())

    assert [(p.kind, p.arn) for p in found.principals[3:]] == [
        (PrincipalKind.ROOT, "arn:aws:iam::999999999999:root"),
        (PrincipalKind.ROLE, "arn:aws:iam::888888888888:role/reader"),
        (PrincipalKind.ROLE_SESSION, f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy-prod/nightly"),
        (PrincipalKind.SERVICE, "logging.s3.amazonaws.com"),
        (PrincipalKind.CANONICAL_USER, "a" * 64),
    ]
    assert found.outside == 5
    assert found.described == ()


def test_an_account_named_by_its_number_is_one_of_the_own_partition() -> None:
    workspace = with_bucket_policy(lets_in({"AWS": "999999999999"}))
    workspace = workspace.with_account(replace(workspace.account, partition="aws-cn"))
    found = everybody(workspace, asking())
    assert found.principals[3].arn == "arn:aws-cn:iam::999999999999:root"


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}])
def test_a_policy_that_names_everybody_adds_the_anonymous_caller_and_says_so(principal: Any) -> None:
    found = everybody(with_bucket_policy(lets_in(principal)), asking())

    assert [one.stands_for for one in found.described] == ["*"]
    assert [p.kind for p in found.principals[3:]] == [PrincipalKind.ANONYMOUS]


def test_everybody_but_a_few_is_everybody() -> None:
    statement = lets_in({"AWS": "arn:aws:iam::999999999999:root"})
    statement["NotPrincipal"] = statement.pop("Principal")

    described = everybody(with_bucket_policy(statement), asking()).described
    assert [one.stands_for for one in described] == ["*"]


def test_a_policy_that_is_not_loaded_leaves_it_unknown() -> None:
    workspace = small_workspace().with_account(replace(small_account(), resource_policies={}))

    assert "not loaded" in everybody(workspace, asking()).unknown


def test_a_policy_that_cannot_be_read_leaves_it_unknown() -> None:
    account = replace(small_account(), resource_policies={BUCKET: ResourcePolicy("present", PolicyDocument("{"))})

    assert "cannot be read" in everybody(small_workspace().with_account(account), asking()).unknown


def test_identity_providers_are_asked_about_where_they_can_call() -> None:
    provider = "arn:aws:iam::123456789012:saml-provider/okta"
    trust = PolicyDocument.of(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithSAML"},
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
            ],
        }
    )
    account = small_account()
    role = replace(account.roles[0], trust=trust)
    workspace = small_workspace().with_account(replace(account, roles=(role,)))

    with_saml = everybody(workspace, asking("sts:AssumeRoleWithSAML", role.arn))
    plainly = everybody(workspace, asking("sts:AssumeRole", role.arn))

    assert provider in [principal.arn for principal in with_saml.principals]
    assert [principal.arn for principal in plainly.principals[3:]] == ["ec2.amazonaws.com"]


def test_a_chain_of_roles_concerns_roles_only() -> None:
    question_matrix = replace(asking(), chained_from="role/deploy-prod")

    assert [p.kind for p in everybody(small_workspace(), question_matrix).principals] == [PrincipalKind.ROLE]


@pytest.mark.parametrize(
    "question_matrix",
    [
        asking(),
        asking("lambda:CreateFunction", "arn:aws:lambda:us-east-1:123456789012:function:f"),
        QuestionMatrix(("s3:GetObject", "s3:DeleteObject"), (OBJECT, "arn:aws:s3:::other/x"), Question("s3:GetObject")),
    ],
    ids=["one question", "companions decide", "several"],
)
def test_everybody_gets_the_answer_they_would_get_alone(question_matrix: QuestionMatrix) -> None:
    create = {"Effect": "Allow", "Action": "lambda:CreateFunction", "Resource": "*"}
    account = small_account()
    maker = replace(
        account.users[0],
        inline_policies=(InlinePolicy("p", PolicyDocument.of({"Version": "2012-10-17", "Statement": [create]})),),
    )
    workspace = with_bucket_policy(lets_in("*"))
    workspace = workspace.with_account(replace(workspace.account, users=(maker, *account.users[1:])))
    found = everybody(workspace, question_matrix)

    together = dict(who_can(workspace, question_matrix, found.principals))

    assert len(together) == len(found.principals)
    for principal, decision in together.items():
        alone = answer(workspace, principal, question_matrix)
        assert alone is not None
        assert decision.outcome is alone.worst.deciding.outcome, principal
        assert decision.request.action == alone.worst.deciding.request.action


def random_questions(first: int) -> Iterator[tuple[Workspace, Question]]:
    for seed in range(first, first + 8):
        making = AccountMaker(Random(seed))
        workspace = Workspace(making.account(), SourceInfo(SourceKind.SNAPSHOT, "x.json", region="eu-west-1"))
        maker = QuestionMaker(Random(f"who can {seed}"), making.services)
        for question in (maker.question() for _ in range(12)):
            if not question.action.endswith(":"):
                yield workspace, question


@pytest.mark.slow
@pytest.mark.parametrize("first", few_slow(range(0, 80, 8), 2))
def test_who_can_lists_those_of_whom_can_says_so_in_random_accounts(first: int) -> None:
    said: Counter[Outcome] = Counter()
    for workspace, question in random_questions(first):
        matrix = QuestionMatrix((question.action,), (question.resource,), question)
        for one in who_has_access(workspace, matrix, everybody(workspace, matrix).principals, only_deciding=True):
            alone = answer(workspace, one.principal, matrix)
            assert alone is not None
            expected = alone.worst.deciding
            assert one.cell.deciding.outcome is expected.outcome, (one.principal, question)
            assert one.condition == condition_of(expected), (one.principal, question)
            said[expected.outcome] += 1
    assert min(said[Outcome.ALLOWED], said[Outcome.DEPENDS]) > 3, said


def test_it_stops_when_nobody_waits_any_more() -> None:
    workspace = small_workspace()
    found = everybody(workspace, asking())
    answered: list[str] = []

    for principal, _ in who_can(workspace, asking(), found.principals, lambda: len(answered) == 2):
        answered.append(principal.arn)

    assert len(answered) == 2


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(Problem):
        everybody(small_workspace(), asking(resource="no-arn"))


@pytest.mark.parametrize(
    ("principal", "condition", "name", "words"),
    [
        ("*", {}, "*", "its own account allows it"),
        ("*", {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/Deploy*"}}, "arn:aws:iam::*:role/Deploy*", ""),
        ("*", {"StringEquals": {"aws:PrincipalOrgID": "o-other"}}, "*", "aws:PrincipalOrgID is o-other"),
        ("*", {"StringLike": {"aws:PrincipalAccount": "9999*"}}, "9999*", ""),
        (
            {"AWS": "999999999999"},
            {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x*"}},
            "arn:aws:iam::999999999999:role/x*",
            "its own account allows it",
        ),
        (
            {"AWS": "999999999999"},
            {"StringEquals": {"aws:PrincipalType": "User"}},
            "arn:aws:iam::999999999999:user/*",
            "its own account allows it",
        ),
    ],
)
def test_whom_a_policy_describes_has_a_row(principal: Any, condition: Any, name: str, words: str) -> None:
    asks = {**lets_in(principal), **({"Condition": condition} if condition else {})}
    workspace = with_bucket_policy(asks)
    found = everybody(workspace, asking())
    rows = {
        one.principal.stands_for: one.condition
        for one in who_has_access(workspace, asking(), found.described)
        if one.outcome in (Outcome.ALLOWED, Outcome.DEPENDS)
    }
    assert [*rows] == [name]
    assert words in rows[name]
    assert "any-" not in rows[name], "the name of the example says nothing"


def test_a_whole_account_that_is_named_has_one_row() -> None:
    assert everybody(with_bucket_policy(lets_in({"AWS": "999999999999"})), asking()).described == ()


def test_principals_and_accounts_that_conditions_ask_for_are_listed() -> None:
    bob = "arn:aws:iam::999999999999:user/bob"
    by_name = {**lets_in({"AWS": "999999999999"}), "Condition": {"ArnEquals": {"aws:PrincipalArn": bob}}}
    of_account = {**lets_in("*"), "Condition": {"StringEquals": {"aws:PrincipalAccount": "777777777777"}}}

    found = everybody(with_bucket_policy(by_name, of_account), asking()).principals

    assert {"arn:aws:iam::777777777777:root", bob} <= {principal.arn for principal in found}


def test_an_account_that_a_deny_leaves_out_is_listed() -> None:
    # IAM User Guide: NotPrincipal with Deny leaves out the account that it names, not the users and roles of it.
    spares = {
        "Effect": "Deny",
        "NotPrincipal": {"AWS": "arn:aws:iam::444455556666:root"},
        "Action": "*",
        "Resource": "*",
    }
    workspace = with_bucket_policy(lets_in("*"), spares)
    found = everybody(workspace, asking())
    possible = [one.arn for one, decision in who_can(workspace, asking(), found.asked) if decision.allowed]
    assert possible == ["arn:aws:iam::444455556666:root"]


def sharing_policies(users: int) -> Workspace:
    """Each user has 10 of 20 policies, each of 30 statements about roles of its own."""
    policies = tuple(
        ManagedPolicy(
            f"P{number}",
            "/",
            f"arn:aws:iam::{ACCOUNT}:policy/P{number}",
            f"ANPA{number}",
            None,
            versions=(
                PolicyVersion(
                    "v1",
                    document(
                        *(allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{number}x{one}*") for one in range(30))
                    ),
                    is_default=True,
                ),
            ),
        )
        for number in range(20)
    )
    having = tuple(
        User(
            f"u{place}",
            "/",
            f"arn:aws:iam::{ACCOUNT}:user/u{place}",
            f"AIDA{place}",
            None,
            attached_policies=tuple(AttachedPolicy(one.name, one.arn) for one in Random(place).sample(policies, 10)),
        )
        for place in range(users)
    )
    account = replace(small_account(), users=having, roles=(), groups=(), policies=policies)
    return small_workspace().with_account(account)


def work_of_a_list(users: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many statements and patterns are looked at to list who may pass a role, and which."""
    counts: Counter[str] = Counter()
    is_about, reads = LayerStatement.is_about, Glob._reads

    def counting_statements(*given: Any) -> bool:
        counts["statements"] += 1
        return is_about(*given)

    def counting_patterns(*given: Any) -> bool:
        counts["patterns"] += 1
        return reads(*given)

    workspace = sharing_policies(users)
    asked = asking("iam:PassRole", "*")
    with monkeypatch.context() as patch:
        patch.setattr(LayerStatement, "is_about", counting_statements)
        patch.setattr(Glob, "_reads", counting_patterns)
        for principal, decision in who_can(workspace, asked, everybody(workspace, asked).principals):
            assert decision.allowed, principal.arn
            assert len(decision.allowed_resources) == len(decision.matched) == 300
    return counts.total()


def test_a_policy_is_read_once_for_all_who_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert work_of_a_list(48, monkeypatch) < 2 * work_of_a_list(12, monkeypatch)
