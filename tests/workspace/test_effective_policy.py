"""The effective permissions as one document: it grants nothing more, and what is granted without boundary and SCPs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from benchmarks import generator
from benchmarks.generator import Size
from iamtui.account.model import (
    Account,
    AttachedPolicy,
    Known,
    ManagedPolicy,
    Organization,
    OrganizationLevel,
    OrganizationPolicy,
    PolicyVersion,
    Role,
    User,
)
from iamtui.engine.decision import Outcome
from iamtui.engine.request import PrincipalKind
from iamtui.lint.check_document import findings
from iamtui.lint.subject import Level
from iamtui.policy.document import PolicyDocument
from iamtui.policy.types import PolicyType
from iamtui.problem import Problem
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.sources.demo import load_demo_account
from iamtui.workspace.effective_policy import EffectivePolicy, _with_nothing_else, effective_policy
from iamtui.workspace.principals import principal_for, resolve_principal
from iamtui.workspace.what_can import what_can
from tests.questions.random_accounts import AccountMaker, QuestionMaker
from tests.questions.vocabulary import ACTIONS, GIVEN, NOON, RESOURCES
from tests.workspace.test_what_can import ACCOUNT, BUCKET, account_with, statement, workspace_of

RANKS = {Outcome.EXPLICIT_DENY: 0, Outcome.IMPLICIT_DENY: 0, Outcome.DEPENDS: 1, Outcome.ALLOWED: 2}


def hold_against_the_evaluator(
    account: Account, entity: User | Role, made: EffectivePolicy, questions: Iterable[Question], said: Counter[str]
) -> None:
    """Each request that the document alone grants is granted, on no further condition, by what the principal has."""
    alone = _with_nothing_else(account, entity, PolicyDocument.of(dict(made.document)))
    nothing = _with_nothing_else(account, entity, PolicyDocument.of({"Version": "2012-10-17", "Statement": []}))
    principal = principal_for(workspace_of(account), entity)
    for question in questions:
        own = QuestionEvaluator(account, question, NOON).decide(principal, read_whole=True)
        by_document = QuestionEvaluator(alone, question, NOON).decide(principal, read_whole=True)
        said[by_document.outcome] += 1
        if RANKS[by_document.outcome] > RANKS[own.outcome]:
            # Then a resource's policy allows it, which the boundary or an SCP forbids to the principal itself.
            by_nothing = QuestionEvaluator(nothing, question, NOON).decide(principal, read_whole=True)
            assert RANKS[by_nothing.outcome] >= RANKS[by_document.outcome], (entity.arn, question, made.document)
        if question.action not in made.left_out and by_document.outcome is not own.outcome:
            said["less"] += 1


def test_in_the_demo_account() -> None:
    said: Counter[str] = Counter()
    account = load_demo_account()
    workspace = workspace_of(account, "eu-west-1")
    random, regions = Random(15), ("eu-west-1", "ap-south-1")
    for name in ("deploy-prod", "maya.okafor", "ext.raj.patel", "diego.fuentes"):
        entity = account.by_arn(resolve_principal(workspace, name).arn)
        assert isinstance(entity, User | Role)
        principal = principal_for(workspace, entity)
        made = effective_policy(workspace, principal, now=NOON)
        had = what_can(workspace, principal, now=NOON)
        actions = random.sample(sorted(had.by_action()), min(25, len(had.by_action())))
        resources = [resource for one in had.permissions for resource in one.resources]
        questions = [
            Question(
                action,
                resource.replace("*", random.choice(("x", "payments/y"))),
                region=random.choice(regions),
            )
            for action in actions
            for resource in ("*", *random.sample(resources, 3))
        ]
        hold_against_the_evaluator(account, entity, made, questions, said)
        found = findings(PolicyDocument.of(dict(made.document)), PolicyType.IDENTITY)
        assert not [one for one in found if one.level is Level.ERROR]
    assert said[Outcome.ALLOWED] > 20, said
    assert said["less"] < sum(said.values()) / 10, said


@pytest.mark.parametrize("seeds", [(1, 6), pytest.param(range(7, 40), marks=pytest.mark.slow)])
def test_in_random_accounts(seeds: Iterable[int]) -> None:
    said: Counter[str] = Counter()
    for seed in seeds:
        random = Random(f"effective policy {seed}")
        making = AccountMaker(Random(seed))
        account = making.account()
        maker = QuestionMaker(random, making.services)
        services = {*making.services, "sts"}
        entities: tuple[User | Role, ...] = (*account.users, *account.roles)
        for entity in random.sample(entities, 4):
            workspace = workspace_of(account)
            try:
                made = effective_policy(workspace, principal_for(workspace, entity), services, NOON)
            except Problem:
                said["not known"] += 1
                continue
            questions = [
                Question(random.choice(ACTIONS[service]), resource, random.choice(GIVEN), maker.question().mode)
                for service in making.services
                for resource in RESOURCES[service]
                for _ in range(3)
            ]
            hold_against_the_evaluator(account, entity, made, questions, said)
    assert said[Outcome.ALLOWED] > 5, said


@pytest.mark.slow
def test_in_a_generated_account() -> None:
    said: Counter[str] = Counter()
    account = generator.account(Size(12, 8, 4, 30))
    random = Random(16)
    questions = generator.questions(account, 150, seed=18)
    entities: tuple[User | Role, ...] = (*account.users, *account.roles)
    for entity in random.sample(entities, 5):
        workspace = workspace_of(account)
        made = effective_policy(workspace, principal_for(workspace, entity), now=NOON)
        hold_against_the_evaluator(account, entity, made, questions, said)
    assert said[Outcome.ALLOWED] > 5, said


def document_of(account: Account) -> dict[str, Any]:
    workspace = workspace_of(account)
    made = effective_policy(workspace, resolve_principal(workspace, "alice"), ("s3", "sqs"), NOON)
    assert isinstance(made.document, dict)
    return made.document


def managed(name: str, *statements: dict[str, Any]) -> ManagedPolicy:
    document = PolicyDocument.of({"Version": "2012-10-17", "Statement": list(statements)})
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{name}"
    return ManagedPolicy(name, "/", arn, f"ANPA{name}", None, versions=(PolicyVersion("v1", document, True, None),))


def bounded(*boundary: dict[str, Any], own: tuple[dict[str, Any], ...]) -> Account:
    policy = managed("bound", *boundary)
    account = account_with(*own, boundary_arn=policy.arn)
    return replace(account, policies=(policy,))


def test_a_boundary_narrows_actions_resources_and_conditions() -> None:
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    account = bounded(
        statement("s3:Get*", f"{BUCKET}/*"),
        statement("sqs:*", Condition=mfa),
        own=(statement("s3:*", f"{BUCKET}/public/*"), statement(["sqs:SendMessage", "sqs:PurgeQueue", "sns:Publish"])),
    )
    assert document_of(account)["Statement"] == [
        {"Effect": "Allow", "Action": ["sqs:PurgeQueue", "sqs:SendMessage"], "Resource": "*", "Condition": mfa},
        {"Effect": "Allow", "Action": "s3:Get*", "Resource": f"{BUCKET}/public/*"},
    ]


def test_a_pattern_stays_one_where_the_rest_of_it_is_denied_anyway_and_is_spelled_out_where_it_is_not() -> None:
    deny = statement("sqs:DeleteQueue", effect="Deny")
    assert document_of(account_with(statement("sqs:*"), deny))["Statement"] == [
        {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "sqs:DeleteQueue", "Resource": "*"},
    ]
    account = bounded(statement(["sqs:Send*", "sqs:ReceiveMessage"]), own=(statement("sqs:*"),))
    assert document_of(account)["Statement"] == [
        {"Effect": "Allow", "Action": ["sqs:ReceiveMessage", "sqs:SendMessage"], "Resource": "*"}
    ]


def test_conditions_that_one_statement_cannot_hold_are_left_out_and_named() -> None:
    def tagged(team: str) -> dict[str, Any]:
        return {"StringLike": {"sqs:Team": team}}

    account = bounded(
        statement("sqs:*", Condition=tagged("a*")), own=(statement("sqs:SendMessage", Condition=tagged("*b")),)
    )
    workspace = workspace_of(account)
    made = effective_policy(workspace, resolve_principal(workspace, "alice"), ("sqs",), NOON)
    assert made.document["Statement"] == []
    assert made.left_out == ("sqs:SendMessage",)


def test_every_level_of_scps_has_to_allow_it_and_their_denies_are_kept() -> None:
    def scp(*statements: dict[str, Any]) -> Known[tuple[OrganizationPolicy, ...]]:
        return Known((OrganizationPolicy("", "scp", PolicyDocument.of({"Statement": list(statements)})),))

    full, deny = scp(statement("*")), statement("s3:*", f"{BUCKET}/a/*", "Deny")
    levels = (
        OrganizationLevel("r-ab12", "root", "ROOT", full, full),
        OrganizationLevel("ou-ab12-x", "ou", "ORGANIZATIONAL_UNIT", scp(statement(["s3:*", "sqs:SendMessage"])), full),
        OrganizationLevel(ACCOUNT, "own", "ACCOUNT", scp(statement("*"), deny), full),
    )
    account = replace(
        account_with(statement(["s3:GetObject", "sqs:*"])),
        organization=Known(Organization("o-1", "999999999999", levels)),
    )
    assert document_of(account)["Statement"] == [
        {"Effect": "Allow", "Action": ["s3:GetObject", "sqs:SendMessage"], "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": f"{BUCKET}/a/*"},
    ]


@pytest.mark.slow
def test_an_administrator_has_the_star_alone() -> None:
    workspace = workspace_of(account_with(statement("*")))
    made = effective_policy(workspace, resolve_principal(workspace, "alice"), now=NOON)
    assert made.document["Statement"] == [{"Effect": "Allow", "Action": "*", "Resource": "*"}]


def test_without_a_policy_s_document_nothing_is_proved() -> None:
    workspace = workspace_of(account_with(attached_policies=(AttachedPolicy("x", f"arn:aws:iam::{ACCOUNT}:policy/x"),)))
    with pytest.raises(Problem, match="not loaded or cannot be read"):
        effective_policy(workspace, resolve_principal(workspace, "alice"))
    root = resolve_principal(workspace, "root")
    assert root.kind is PrincipalKind.ROOT
    with pytest.raises(Problem, match="not a user or role"):
        effective_policy(workspace, root)
