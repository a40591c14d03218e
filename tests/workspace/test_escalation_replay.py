"""Certain paths taken step by step: each step is allowed on the account as the steps before left it."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from iamtui.account.model import (
    Account,
    AttachedPolicy,
    Group,
    InlinePolicy,
    InstanceProfile,
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
from iamtui.policy.document import PolicyDocument
from iamtui.questions.account_index import principal_of
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.workspace.ask.questions import ask, with_region
from iamtui.workspace.review.escalation_states import AccountStates, State
from iamtui.workspace.review.escalation_steps import EscalationStep, Move
from iamtui.workspace.review.escalations import find_escalations
from iamtui.workspace.source.principals import principal_for
from tests.support.sample_account import ADMIN_ARN, ADMINISTRATOR, ID, document, iam, sample_workspace, trust

ACTIONS = [
    *("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:PutRolePolicy", "iam:PutUserPolicy"),
    *("iam:AttachUserPolicy", "iam:AttachRolePolicy", "iam:AttachGroupPolicy", "iam:PutGroupPolicy"),
    *("iam:AddUserToGroup", "iam:CreateGroup", "iam:CreateUser", "iam:CreateRole", "iam:CreateAccessKey"),
    *("iam:CreateLoginProfile", "iam:UpdateAssumeRolePolicy", "iam:DeleteUserPermissionsBoundary", "iam:PassRole"),
    *("iam:DeleteRolePermissionsBoundary", "iam:PutUserPermissionsBoundary", "sts:AssumeRole", "lambda:*"),
    *("lambda:CreateFunction", "lambda:InvokeFunction", "cloudformation:CreateStack", "iam:*", "s3:*", "*"),
]
NAMES = ["a", "b", "c"]
RESOURCES = [
    *("*", "*", "*", iam("user/*"), iam("role/*"), iam("group/*"), iam("user/${aws:username}")),
    *(iam(f"{kind}/{name}") for kind in ("user", "role", "group", "policy") for name in NAMES),
    *(f"arn:aws:lambda:{region}:{ID}:function:{name}" for region in ("eu-west-1", "*") for name in ("x", "x*", "*")),
]
CONDITIONS: list[dict[str, Any]] = [
    {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
    {"ArnEquals": {"iam:PolicyARN": ADMIN_ARN}},
    {"StringEquals": {"iam:PermissionsBoundary": iam("policy/a")}},
    {"ArnNotLike": {"aws:PrincipalArn": iam("user/a")}},
]
SERVICES = ["lambda", "cloudformation", "ec2", "glue"]


def statement(random: Random, *, denies: float) -> dict[str, Any]:
    effect = "Deny" if random.random() < denies else "Allow"
    key = "NotAction" if random.random() < 0.1 else "Action"
    actions = random.sample(ACTIONS[:-1] if effect == "Deny" else ACTIONS, random.randint(1, 3))
    found: dict[str, Any] = {"Effect": effect, key: actions, "Resource": random.sample(RESOURCES, random.randint(1, 2))}
    if random.random() < 0.15:
        found["Condition"] = random.choice(CONDITIONS)
    return found


def some(random: Random, *, denies: float = 0.15) -> PolicyDocument:
    return document(*(statement(random, denies=denies) for _ in range(random.randint(1, 2))))


def random_account(seed: int) -> Account:
    random = Random(seed)

    def versions() -> tuple[PolicyVersion, ...]:
        whole = document({"Effect": "Allow", "Action": "*", "Resource": "*"})
        old = whole if random.random() < 0.3 else some(random)
        return PolicyVersion("v1", old, is_default=False), PolicyVersion("v2", some(random), is_default=True)

    policies = [ManagedPolicy(name, "/", iam(f"policy/{name}"), f"ANPA{name}", None, versions()) for name in NAMES]

    def held() -> dict[str, Any]:
        inline = (InlinePolicy("own", some(random)),) if random.random() < 0.7 else ()
        attached = [AttachedPolicy(one.name, one.arn) for one in policies if random.random() < 0.25]
        if random.random() < 0.08:
            attached.append(AttachedPolicy("AdministratorAccess", ADMIN_ARN))
        return {"inline_policies": inline, "attached_policies": tuple(attached)}

    def limits() -> dict[str, Any]:
        return {"boundary_arn": random.choice(policies).arn if random.random() < 0.25 else None}

    groups = tuple(Group(name, "/", iam(f"group/{name}"), f"AGPA{name}", None, **held()) for name in NAMES)
    facts: dict[str, Any] = {"access_keys": Known(()), "login_profile": Known(None), "mfa_devices": Known(())}
    users = tuple(
        User(
            *(name, "/", iam(f"user/{name}"), f"AIDA{name}", None),
            groups=tuple(each for each in NAMES if random.random() < 0.2),
            **held(),
            **limits(),
            **facts,
        )
        for name in NAMES
    )
    trusts = [
        trust({"Service": f"{random.choice(SERVICES)}.amazonaws.com"}),
        trust({"AWS": f"arn:aws:iam::{ID}:root"}),
        trust({"AWS": iam("user/a")}),
    ]
    roles = tuple(
        Role(name, "/", iam(f"role/{name}"), f"AROA{name}", None, random.choice(trusts), **held(), **limits())
        for name in NAMES
    )
    organization = None
    if random.random() < 0.3:
        whole = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        scp = OrganizationPolicy("p-1", "scp", document(whole, statement(random, denies=1.0)))
        level = OrganizationLevel("r-1", "root", "ROOT", Known((scp,)), Known(()))
        organization = Organization("o-1", "999999999999", (level,))
    return Account(
        ID,
        organization=Known(organization),
        users=users,
        groups=groups,
        roles=roles,
        policies=(ADMINISTRATOR, *policies),
        instance_profiles=(InstanceProfile("a", "/", iam("instance-profile/a"), "AIPA", None, ("a",)),),
    )


EVERYTHING = document({"Effect": "Allow", "Action": "*", "Resource": "*"})


def with_entity(account: Account, arn: str, **changes: Any) -> Account:
    def changed(entities: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(replace(one, **changes) if one.arn == arn else one for one in entities)

    return replace(account, users=changed(account.users), groups=changed(account.groups), roles=changed(account.roles))


def subject_of(move: Move) -> str:
    """Whom a move changes: a new user, another, or the principal itself."""
    new = next((step.resource for step in move.steps if step.action in ("iam:CreateUser", "iam:CreateRole")), "")
    return new or move.becomes or move.principal


def after(account: Account, move: Move, step: EscalationStep) -> Account:
    """The account as a step leaves it, where whoever takes it gives as much as it can."""
    arn, name = step.resource, step.resource.rpartition("/")[2]
    entity: Any = account.by_arn(arn)
    match step.action.removeprefix("iam:"):
        case "PutUserPolicy" | "PutRolePolicy" | "PutGroupPolicy":
            given = (*entity.inline_policies, InlinePolicy("given", EVERYTHING))
            return with_entity(account, arn, inline_policies=given)
        case "AttachUserPolicy" | "AttachRolePolicy" | "AttachGroupPolicy":
            held = (*entity.attached_policies, AttachedPolicy("AdministratorAccess", ADMIN_ARN))
            return with_entity(account, arn, attached_policies=held)
        case "CreatePolicyVersion" | "SetDefaultPolicyVersion":
            versions = (PolicyVersion("v9", EVERYTHING, is_default=True),)
            policies = (replace(one, versions=versions) if one.arn == arn else one for one in account.policies)
            return replace(account, policies=tuple(policies))
        case "CreateGroup":
            return replace(account, groups=(*account.groups, Group(name, "/", arn, "AGPAX", None)))
        case "CreateUser":
            return replace(account, users=(*account.users, User(name, "/", arn, "AIDAX", None)))
        case "CreateRole":
            trusts = trust({"AWS": move.principal, "Service": "cloudformation.amazonaws.com"})
            return replace(account, roles=(*account.roles, Role(name, "/", arn, "AROAX", None, trusts)))
        case "AddUserToGroup":
            user: Any = account.by_arn(subject_of(move))
            return with_entity(account, user.arn, groups=(*user.groups, name))
        case "DeleteUserPermissionsBoundary" | "DeleteRolePermissionsBoundary":
            return with_entity(account, arn, boundary_arn=None)
        case "PutUserPermissionsBoundary" | "PutRolePermissionsBoundary":
            return with_entity(account, arn, boundary_arn=ADMIN_ARN)
        case "UpdateAssumeRolePolicy":
            return with_entity(account, arn, trust=trust({"AWS": move.principal}))
        case _:
            return account


def allowed(account: Account, principal: str, step: EscalationStep, service: str) -> Outcome:
    workspace = sample_workspace().with_account(account)
    context: dict[str, tuple[str, ...]] = {}
    if step.action == "iam:PassRole":
        context["iam:PassedToService"] = (service,)
    if "Attach" in step.action:
        context["iam:PolicyARN"] = (ADMIN_ARN,)
    if step.terms.boundary is not None:
        context["iam:PermissionsBoundary"] = step.terms.boundary
    elif step.action.startswith("iam:Put") and "Boundary" in step.action:
        context["iam:PermissionsBoundary"] = (ADMIN_ARN,)
    question = Question(step.action, step.resource, context, region=step.terms.region)
    who: Any = account.by_arn(principal)
    return ask(workspace, principal_for(workspace, who), with_region(workspace, question)).outcome


def check(seed: int) -> int:
    """Take each certain path of a random account; how many there are."""
    account = random_account(seed)
    report = find_escalations(sample_workspace().with_account(account))
    certain = [one for one in report.escalations if one.certain]
    for one in certain:
        now = account
        for move in one.moves:
            for step in move.steps:
                said = allowed(now, move.principal, step, move.path.service)
                assert said is Outcome.ALLOWED, (seed, one.principal.arn, move.path.id, step.action, step.resource)
                now = after(now, move, step)
        whom = one.moves[-1].becomes or subject_of(one.moves[-1])
        who: Any = now.by_arn(whom)
        workspace = sample_workspace().with_account(now)
        for action in ("iam:AttachUserPolicy", "iam:AttachRolePolicy"):
            final = ask(workspace, principal_for(workspace, who), with_region(workspace, Question(action, "*")))
            if final.outcome is Outcome.ALLOWED:
                break
        else:
            raise AssertionError((seed, one.principal.arn, [move.path.id for move in one.moves], whom))
    return len(certain)


def test_each_step_of_a_certain_path_is_allowed_on_the_account_as_it_is_then() -> None:
    assert sum(map(check, range(40))) > 20


@pytest.mark.long
@pytest.mark.parametrize("part", range(10))
def test_each_step_of_many_certain_paths_is_allowed(part: int) -> None:
    for seed in range(1000 + part * 300, 1300 + part * 300):
        check(seed)


@pytest.mark.parametrize("state", [state for state in State if state is not State.AS_IS])
def test_what_is_read_of_a_changed_account_is_what_each_may_do_there(state: State) -> None:
    read = 0
    for seed in range(12):
        states = AccountStates(sample_workspace().with_account(random_account(seed)))
        rights = states.rights(state)
        for action in ("iam:PutUserPolicy", "iam:CreateRole", "sts:AssumeRole", "iam:CreatePolicyVersion"):
            evaluator = QuestionEvaluator(rights.account, Question(action, "*"))
            outcomes = evaluator.outcomes(rights.everyone)
            assert outcomes is not None
            for place, entity in enumerate(rights.entities):
                found = outcomes.of(place)
                alone = evaluator.decide(principal_of(rights.account, entity), read_whole=True).outcome
                assert found in (None, alone), (seed, action, entity.arn)
                read += found is not None
    assert read > 100
