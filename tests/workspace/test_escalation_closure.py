"""What a search for escalations says is complete, held to what an attacker reaches by trying everything forwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from iamtui.account.model import (
    Account,
    AttachedPolicy,
    Group,
    InlinePolicy,
    Known,
    ManagedPolicy,
    PolicyVersion,
    Role,
    User,
)
from iamtui.engine.decision import Outcome
from iamtui.engine.policy_holders import places
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.policy.document import PolicyDocument
from iamtui.questions.account_index import principal_of
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.workspace.review.escalation_states import AccountStates, State
from iamtui.workspace.review.escalation_steps import EscalationReport
from iamtui.workspace.review.escalations import find_escalations
from tests.support.sample_account import (
    ADMIN_ARN,
    ADMINISTRATOR,
    ID,
    allow,
    deny,
    document,
    iam,
    sample_workspace,
    trust,
)
from tests.workspace.test_escalation_replay import EVERYTHING, with_entity

LAMBDA = "lambda.amazonaws.com"
FUNCTIONS = ("x", "xy", "z")
NEW = "new"


class Attacker:
    """Whoever holds some principals, and does whatever these may: each write is made as strong as it can be."""

    def __init__(self, account: Account, start: str) -> None:
        self.account = account
        self.held = {start: None}
        while not self.is_administrator() and self._go_on():
            pass

    def is_administrator(self) -> bool:
        rights = AccountStates(sample_workspace().with_account(self.account)).rights(State.AS_IS)
        return any(rights.entities[place].arn in self.held for place in places(rights.administrators))

    def _go_on(self) -> bool:
        before = self.account, len(self.held)
        for entity in self.account.principals:
            self._write(entity.arn)
        for group in self.account.groups:
            self._write_group(group.arn)
        for policy in self.account.policies:
            self._write_policy(policy)
        self._make()
        for entity in self.account.principals:
            self._take(entity.arn)
        return before != (self.account, len(self.held))

    def may(self, action: str, resource: str, **context: str) -> bool:
        return any(self._may(one, action, resource, context) for one in self.held)

    def _may(self, arn: str, action: str, resource: str, context: dict[str, str]) -> bool:
        given = {key.replace("__", ":"): (value,) if value else () for key, value in context.items()}
        who: Any = self.account.by_arn(arn)
        evaluator = QuestionEvaluator(self.account, Question(action, resource, given, made_now=True))
        return evaluator.decide(principal_of(self.account, who), read_whole=True).outcome is Outcome.ALLOWED

    def _give(self, arn: str) -> None:
        one: Any = self.account.by_arn(arn)
        if not any(each.name == "given" for each in one.inline_policies):
            given = (*one.inline_policies, InlinePolicy("given", EVERYTHING))
            self.account = with_entity(self.account, arn, inline_policies=given)

    def _write(self, arn: str) -> None:
        one: Any = self.account.by_arn(arn)
        kind = "User" if isinstance(one, User) else "Role"
        if self.may(f"iam:Put{kind}Policy", arn) or self.may(f"iam:Attach{kind}Policy", arn, iam__PolicyARN=ADMIN_ARN):
            self._give(arn)
        if one.boundary_arn is not None and (
            self.may(f"iam:Delete{kind}PermissionsBoundary", arn)
            or self.may(f"iam:Put{kind}PermissionsBoundary", arn, iam__PermissionsBoundary=ADMIN_ARN)
        ):
            self.account = with_entity(self.account, arn, boundary_arn=None)
        if kind == "Role" and self.may("iam:UpdateAssumeRolePolicy", arn):
            opened = trust({"AWS": list(self.held), "Service": LAMBDA})
            if one.trust != opened:
                self.account = with_entity(self.account, arn, trust=opened)
        if kind == "User":
            for group in self.account.groups:
                now: Any = self.account.by_arn(arn)
                if group.name not in now.groups and self.may("iam:AddUserToGroup", group.arn):
                    self.account = with_entity(self.account, arn, groups=(*now.groups, group.name))

    def _write_group(self, arn: str) -> None:
        if self.may("iam:PutGroupPolicy", arn) or self.may("iam:AttachGroupPolicy", arn, iam__PolicyARN=ADMIN_ARN):
            self._give(arn)

    def _write_policy(self, policy: ManagedPolicy) -> None:
        older = any(one.document == EVERYTHING for one in policy.versions)
        if policy.aws_managed or policy.document == EVERYTHING:
            return
        if self.may("iam:CreatePolicyVersion", policy.arn) or (
            older and self.may("iam:SetDefaultPolicyVersion", policy.arn)
        ):
            versions = (PolicyVersion("v9", EVERYTHING, is_default=True),)
            policies = (
                replace(one, versions=versions) if one.arn == policy.arn else one for one in self.account.policies
            )
            self.account = replace(self.account, policies=tuple(policies))

    def _make(self) -> None:
        known = {one.arn for one in (*self.account.principals, *self.account.groups)}
        user, role, group = iam(f"user/{NEW}"), iam(f"role/{NEW}"), iam(f"group/{NEW}")
        if user not in known and self.may("iam:CreateUser", user):
            made = User(NEW, "/", user, "AIDANEW", None, **FACTS)
            self.account = replace(self.account, users=(*self.account.users, made))
        if role not in known and self.may("iam:CreateRole", role):
            trusts = trust({"AWS": list(self.held), "Service": LAMBDA})
            self.account = replace(
                self.account, roles=(*self.account.roles, Role(NEW, "/", role, "AROANEW", None, trusts))
            )
        if group not in known and self.may("iam:CreateGroup", group):
            made_group = Group(NEW, "/", group, "AGPANEW", None)
            self.account = replace(self.account, groups=(*self.account.groups, made_group))

    def _take(self, arn: str) -> None:
        one: Any = self.account.by_arn(arn)
        if isinstance(one, User):
            taken = self.may("iam:CreateAccessKey", arn) or self.may("iam:CreateLoginProfile", arn)
        else:
            taken = self.may("sts:AssumeRole", arn) or (self._trusts_lambda(arn) and self._runs(arn))
        if taken:
            self.held[arn] = None

    def _trusts_lambda(self, arn: str) -> bool:
        evaluator = QuestionEvaluator(self.account, Question("sts:AssumeRole", arn))
        return evaluator.decide(Principal(PrincipalKind.SERVICE, LAMBDA)).outcome is Outcome.ALLOWED

    def _runs(self, arn: str) -> bool:
        made = [f"arn:aws:lambda:us-east-1:{ID}:function:{name}" for name in FUNCTIONS]
        passing = [one for one in self.held if self._may(one, "iam:PassRole", arn, {"iam__PassedToService": LAMBDA})]
        return any(
            self._may(one, "lambda:CreateFunction", name, {}) and self.may("lambda:InvokeFunction", name)
            for one in passing
            for name in made
        )


FACTS: dict[str, Any] = {"access_keys": Known(()), "login_profile": Known(None), "mfa_devices": Known(())}
ACTIONS = [
    *("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:PutRolePolicy", "iam:PutUserPolicy"),
    *("iam:AttachUserPolicy", "iam:AttachRolePolicy", "iam:AttachGroupPolicy", "iam:PutGroupPolicy"),
    *("iam:AddUserToGroup", "iam:CreateGroup", "iam:CreateUser", "iam:CreateRole", "iam:CreateAccessKey"),
    *("iam:CreateLoginProfile", "iam:UpdateAssumeRolePolicy", "iam:DeleteUserPermissionsBoundary", "iam:PassRole"),
    *("iam:DeleteRolePermissionsBoundary", "iam:PutUserPermissionsBoundary", "lambda:CreateFunction"),
    *("lambda:InvokeFunction", "sts:AssumeRole", "sts:AssumeRole", "iam:CreateAccessKey"),
]
NAMES = ("a", "b")
RESOURCES = [
    *("*", "*", iam("user/*"), iam("role/*"), iam("group/*")),
    *(iam(f"{kind}/{name}") for kind in ("user", "role", "group", "policy") for name in NAMES),
    *(f"arn:aws:lambda:*:{ID}:function:{name}" for name in ("x", "x*", "*")),
]


def random_account(seed: int) -> Account:
    """Two users, two roles, a group or two, and few permissions, so that what one lacks another may have."""
    random = Random(seed)

    def some(denies: float = 0.1) -> PolicyDocument:
        return document(
            *(
                {
                    "Effect": "Deny" if random.random() < denies else "Allow",
                    "Action": random.sample(ACTIONS, random.randint(1, 2)),
                    "Resource": random.sample(RESOURCES, random.randint(1, 2)),
                }
                for _ in range(random.randint(1, 2))
            )
        )

    def versions() -> tuple[PolicyVersion, ...]:
        old = EVERYTHING if random.random() < 0.3 else some()
        return PolicyVersion("v1", old, is_default=False), PolicyVersion("v2", some(), is_default=True)

    policies = [ManagedPolicy(name, "/", iam(f"policy/{name}"), f"ANPA{name}", None, versions()) for name in NAMES]

    def rights(strong: float = 0.0) -> dict[str, Any]:
        inline = (InlinePolicy("own", some()),) if random.random() < 0.7 else ()
        attached = [AttachedPolicy(one.name, one.arn) for one in policies if random.random() < 0.2]
        if random.random() < strong:
            attached.append(AttachedPolicy("AdministratorAccess", ADMIN_ARN))
        boundary = random.choice(policies).arn if strong and random.random() < 0.15 else None
        limits = {"boundary_arn": boundary} if strong else {}
        return {"inline_policies": inline, "attached_policies": tuple(attached), **limits}

    groups = tuple(Group(name, "/", iam(f"group/{name}"), f"AGPA{name}", None, **rights()) for name in NAMES)
    users = tuple(
        User(
            *(name, "/", iam(f"user/{name}"), f"AIDA{name}", None),
            groups=tuple(each for each in NAMES if random.random() < 0.2),
            **{**FACTS, **rights(0.05)},
        )
        for name in NAMES
    )
    trusts = [
        trust({"Service": LAMBDA}),
        trust({"AWS": f"arn:aws:iam::{ID}:root"}),
        trust({"AWS": iam("user/a")}),
        trust({"AWS": iam("role/a")}),
    ]
    roles = tuple(
        Role(name, "/", iam(f"role/{name}"), f"AROA{name}", None, random.choice(trusts), **rights(0.1))
        for name in NAMES
    )
    return Account(
        ID,
        organization=Known(None),
        users=users,
        groups=groups,
        roles=roles,
        policies=(ADMINISTRATOR, *policies),
    )


def missed(account: Account) -> Iterator[str]:
    """Who reaches everything without the report having said so, or that it may not be complete."""
    report: EscalationReport = find_escalations(sample_workspace().with_account(account))
    found = {one.principal.arn for one in report.escalations} | {one.arn for one in report.administrators}
    for entity in account.principals:
        if entity.arn not in found and not report.left_out and Attacker(account, entity.arn).is_administrator():
            yield entity.arn


def held(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"inline_policies": (InlinePolicy("own", document(*statements)),)}


def user(name: str, *statements: dict[str, Any], **more: Any) -> User:
    return User(name, "/", iam(f"user/{name}"), f"AIDA{name}", None, **{**FACTS, **held(*statements), **more})


def role(name: str, trusts: Any, *statements: dict[str, Any], **more: Any) -> Role:
    return Role(name, "/", iam(f"role/{name}"), f"AROA{name}", None, trusts, **{**held(*statements), **more})


def of(*entities: User | Role | Group | ManagedPolicy) -> Account:
    def kind(of: type) -> tuple[Any, ...]:
        return tuple(one for one in entities if isinstance(one, of))

    policies = (ADMINISTRATOR, *kind(ManagedPolicy))
    return Account(
        ID, organization=Known(None), users=kind(User), groups=kind(Group), roles=kind(Role), policies=policies
    )


B = role("b", trust({"AWS": iam("user/a")}), allow("sts:AssumeRole", iam("role/c")))
C = role("c", trust({"AWS": iam("role/b")}), allow("s3:ListAllMyBuckets"))
BOSS = role("boss", trust({"Service": LAMBDA}), allow("*"))
CREATES = allow(["iam:PassRole", "lambda:CreateFunction"])
FUNCTION_ROLE = trust({"AWS": iam("user/a")})
STRONG_GROUP = Group("team", "/", iam("group/team"), "AGPATEAM", None)
PAIRS = {
    "one writes a role's policy, the other assumes it": of(user("a", allow("iam:PutRolePolicy", iam("role/c"))), B, C),
    "one opens a role's trust, which only the other may assume": of(
        user("a", allow("iam:UpdateAssumeRolePolicy", iam("role/boss")), deny("sts:AssumeRole", iam("role/boss"))),
        B,
        BOSS,
    ),
    "one makes a function, the other calls it": of(
        user("a", CREATES), role("b", FUNCTION_ROLE, allow("lambda:InvokeFunction")), BOSS
    ),
    "one makes a role, the other gives it a policy": of(
        user("a", allow("iam:CreateRole")), role("b", FUNCTION_ROLE, allow("iam:PutRolePolicy"))
    ),
    "one joins a group, the other writes its policy": of(
        user("a", allow("iam:AddUserToGroup")), role("b", FUNCTION_ROLE, allow("iam:PutGroupPolicy")), STRONG_GROUP
    ),
    "one takes two others": of(
        user("a"),
        role("b", FUNCTION_ROLE, allow("iam:PutRolePolicy", iam("role/c"))),
        role("d", FUNCTION_ROLE),
        role("c", trust({"AWS": iam("role/d")})),
    ),
    "a group is joined and the boundary deleted": of(
        user(
            "a",
            allow(["iam:AddUserToGroup", "iam:DeleteUserPermissionsBoundary"]),
            boundary_arn=iam("policy/limit"),
        ),
        replace(STRONG_GROUP, **held(allow(["iam:CreateUser", "iam:PutUserPolicy", "iam:CreateAccessKey"]))),
        ManagedPolicy(
            *("limit", "/", iam("policy/limit"), "ANPALIMIT", None),
            (PolicyVersion("v1", document(allow(["iam:AddUserToGroup", "iam:DeleteUser*"])), is_default=True),),
        ),
    ),
    "a statement that denies is taken away": of(
        user("a", allow("iam:DetachUserPolicy"), allow("*"), deny("iam:*User"), deny("iam:AttachUserPolicy")),
    ),
}


@pytest.mark.parametrize("which", PAIRS)
def test_a_path_of_several_principals_is_found_or_named(which: str) -> None:
    account = PAIRS[which]
    report = find_escalations(sample_workspace().with_account(account))
    assert iam("user/a") in {one.principal.arn for one in report.escalations} or report.left_out


@pytest.mark.parametrize("which", [one for one in PAIRS if not one.startswith("a statement")])
def test_the_attacker_of_these_tests_takes_each_such_path(which: str) -> None:
    assert Attacker(PAIRS[which], iam("user/a")).is_administrator()


def test_principals_that_gain_nothing_together_are_no_matter() -> None:
    assumes = role("b", trust({"AWS": iam("user/a")}), allow("s3:*"))
    other = role("c", trust({"AWS": f"arn:aws:iam::{ID}:root"}))
    for account in (of(user("a", allow("iam:PutRolePolicy", iam("role/c"))), assumes, other), of(user("a"), B, C)):
        report = find_escalations(sample_workspace().with_account(account))
        assert not report.escalations
        assert not report.left_out


@pytest.mark.parametrize(("count", "is_cut"), [(100, False), (300, True)])
def test_more_principals_than_are_looked_at_together_are_named(count: int, is_cut: bool) -> None:
    others = [user(f"u{number}", allow("s3:*")) for number in range(count)]
    report = find_escalations(
        sample_workspace().with_account(of(user("a", allow("iam:PutRolePolicy", iam("role/x"))), *others))
    )
    assert any("256" in one for one in report.left_out) is is_cut


def test_nobody_else_reaches_everything_where_the_search_is_complete() -> None:
    for seed in range(30):
        assert not list(missed(random_account(seed))), seed


@pytest.mark.long
@pytest.mark.parametrize("part", range(10))
def test_nobody_else_reaches_everything_in_many_accounts(part: int) -> None:
    for seed in range(100 + part * 300, 400 + part * 300):
        assert not list(missed(random_account(seed))), seed
