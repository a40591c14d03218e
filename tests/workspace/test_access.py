"""Who has access is what the evaluator says of each pair, and whom roles lead to it is what it says of each step."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from benchmarks import generator
from benchmarks.generator import Size
from iamtui.account.model import Account, AttachedPolicy, Group, InlinePolicy, Role, User
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.request import Principal
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.sources.demo import load_demo_account
from iamtui.workspace.ask.access import (
    actions_that_fit,
    granting_statements,
    grants_of,
    through_roles,
    who_has_access,
)
from iamtui.workspace.ask.questions import with_region
from iamtui.workspace.ask.who_can import everybody
from iamtui.workspace.source.principals import principal_for, resolve_principal
from iamtui.workspace.source.workspace import Workspace
from tests.workspace.test_effective_policy import managed
from tests.workspace.test_what_can import ACCOUNT, account_with, statement, workspace_of

BEST = (Outcome.ALLOWED, Outcome.DEPENDS, Outcome.IMPLICIT_DENY, Outcome.EXPLICIT_DENY)


def alone(workspace: Workspace, principal: Principal, action: str, resource: str) -> Decision:
    return QuestionEvaluator(workspace.account, Question(action, resource)).decide(principal, read_whole=True)


@pytest.mark.parametrize("one_is_enough", [True, False])
def test_one_or_all_of_several_pairs_decide(one_is_enough: bool) -> None:
    said: Counter[Outcome] = Counter()
    account = generator.account(Size(25, 15, 5, 30))
    workspace = workspace_of(account)
    random = Random(5)
    for _ in range(6):
        actions = tuple(random.sample(["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectTagging"], 3))
        resources = tuple(random.sample(["arn:aws:s3:::payments-export-prod/a", "arn:aws:s3:::b/x", "*"], 2))
        matrix = QuestionMatrix(actions, resources, Question(""))
        concerned = everybody(workspace, matrix).principals
        for one in who_has_access(workspace, matrix, concerned, one_is_enough=one_is_enough, only_deciding=True):
            outcomes = [alone(workspace, one.principal, a, r).outcome for a in actions for r in resources]
            ranked = sorted(outcomes, key=BEST.index)
            assert one.outcome is ranked[0 if one_is_enough else -1], (one.principal.arn, actions, resources)
            assert len(one.granted) == sum(outcome in BEST[:2] for outcome in outcomes)
            said[one.outcome] += 1
    assert min(said[Outcome.DEPENDS], said[Outcome.IMPLICIT_DENY]) > 5, said


def test_chains_of_roles_lead_to_whom_the_evaluator_lets_go_step_by_step() -> None:
    account = load_demo_account()
    workspace = workspace_of(account, "eu-west-1")
    resource = "arn:aws:s3:::puffin-data-lake/smoke-tests/x"
    matrix = QuestionMatrix(("s3:GetObject",), (resource,), Question(""))
    found = list(who_has_access(workspace, matrix, everybody(workspace, matrix).principals))
    chained = {one.principal.arn: one for one in through_roles(workspace, found)}
    # By hand: who may assume whom, backwards from those who have it.
    entities: tuple[User | Role, ...] = (*account.users, *account.roles)
    having = {one.principal.arn for one in found if one.outcome in BEST[:2]}
    reached, frontier = set(having), [role for role in account.roles if role.arn in having]
    while frontier:
        role = frontier.pop()
        evaluator = QuestionEvaluator(account, with_region(workspace, Question("sts:AssumeRole", role.arn)))
        for entity in entities:
            if entity.arn not in reached and evaluator.decide(principal_for(workspace, entity)).outcome in BEST[:2]:
                reached.add(entity.arn)
                frontier += [entity] if isinstance(entity, Role) else []
    own = {entity.arn for entity in entities}
    assert {arn for arn in chained if arn in own} == reached - having
    for one in chained.values():
        assert one.outcome is not Outcome.ALLOWED or all(edge.decision.allowed for edge in one.through)
        assert one.through[-1].role.arn in having


def test_a_policy_of_a_user_and_of_its_group_is_told_from_one_of_the_group_alone() -> None:
    policy = managed("read", statement("s3:GetObject", Sid="Read"))
    document = PolicyDocument.of({"Version": "2012-10-17", "Statement": statement("s3:GetObject")})
    attached = AttachedPolicy("read", policy.arn)

    def groups(account: Account) -> list[tuple[str, tuple[str, ...]]]:
        workspace = workspace_of(account)
        decision = alone(workspace, resolve_principal(workspace, "alice"), "s3:GetObject", "*")
        return [(grant.kind, grant.groups) for grant in grants_of(workspace, decision)]

    group = Group("team", "/", f"arn:aws:iam::{ACCOUNT}:group/team", "AGPATEAM", None)
    by_group = replace(account_with(groups=("team",)), policies=(policy,))
    assert groups(replace(by_group, groups=(replace(group, attached_policies=(attached,)),))) == [("group", ("team",))]
    inline = replace(group, inline_policies=(InlinePolicy("in", document),))
    assert groups(replace(by_group, groups=(inline,))) == [("group", ("team",))]
    both = replace(account_with(groups=("team",), attached_policies=(attached,)), policies=(policy,))
    assert groups(replace(both, groups=(replace(group, attached_policies=(attached,)),)))[0] == ("policy", ())


def test_actions_of_an_access_level_are_those_about_the_resource() -> None:
    objects, queue = ("arn:aws:s3:::b/*",), ("arn:aws:sqs:eu-west-1:111122223333:q",)
    assert "s3:PutObject" in actions_that_fit((), objects, "write")
    assert "s3:DeleteBucket" not in actions_that_fit((), objects, "write")
    assert actions_that_fit((), queue, "tagging") == ("sqs:TagQueue", "sqs:UntagQueue")
    assert actions_that_fit(("sqs:*Queue",), queue, "tagging") == ("sqs:TagQueue", "sqs:UntagQueue")
    with pytest.raises(Problem, match="No action of access level List"):
        actions_that_fit(("sqs:TagQueue",), queue, "list")


def test_each_statement_of_a_policy_of_a_group_names_the_group() -> None:
    policy = managed("read", *(statement("s3:GetObject", f"arn:aws:s3:::b{number}/*") for number in range(30)))
    group = Group("team", "/", f"arn:aws:iam::{ACCOUNT}:group/team", "AGPATEAM", None)
    attached = replace(group, attached_policies=(AttachedPolicy("read", policy.arn),))
    account = replace(account_with(groups=("team",)), policies=(policy,), groups=(attached,))
    workspace = workspace_of(account)
    decision = alone(workspace, resolve_principal(workspace, "alice"), "s3:GetObject", "*")
    found = grants_of(workspace_of(account), decision)

    assert len(found) == 30
    assert {grant.groups for grant in found} == {("team",)}
    assert grants_of(workspace_of(account), decision, granting_statements(decision)[:2]) == found[:2]
