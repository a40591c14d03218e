"""What a principal can do is what the evaluator says of it, action by action."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from benchmarks import generator
from benchmarks.generator import Size
from iamtui.account.model import Account, AttachedPolicy, InlinePolicy, ResourcePolicy, Role, User
from iamtui.catalog.actions import catalogue
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.prepared_request import resources_in
from iamtui.engine.request import Mode, Principal, PrincipalKind
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.questions.answers import fits
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.policies_in_force import entity_behind
from iamtui.questions.question import Question
from iamtui.sources.demo import load_demo_account
from iamtui.workspace.ask.access import levels_of
from iamtui.workspace.ask.what_can import EffectiveAccess, compare_access, what_can
from iamtui.workspace.source.principals import principal_for, resolve_principal
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.questions.random_accounts import AccountMaker, QuestionMaker, callers
from tests.questions.vocabulary import NOON, RESOURCES


def workspace_of(account: Account, region: str = "") -> Workspace:
    return Workspace(account, SourceInfo(SourceKind.SNAPSHOT, "test", region))


def told(decision: Decision) -> tuple[Any, ...]:
    """What a decision says that others of its class share."""
    return (
        decision.outcome,
        decision.complete,
        decision.resource_scope,
        decision.allowed_resources,
        decision.denied_resources,
        decision.depends_on,
        decision.not_evaluated,
    )


def compare(
    account: Account, principal: Principal, terms: Question, actions: Iterable[str], said: Counter[str]
) -> EffectiveAccess:
    """Hold what somebody can do on one resource against the evaluator."""
    resource = terms.resource
    actions = sorted(actions)
    services = {action.partition(":")[0] for action in actions}
    found = what_can(workspace_of(account), principal, (resource,), terms, services=services, now=NOON)
    by_action = found.by_action()
    known = {action.lower(): permissions for action, permissions in by_action.items()}
    for action in actions:
        if resource != "*" and not fits(action, resource):
            continue
        question = replace(terms, action=action)
        decision = QuestionEvaluator(account, question, NOON).decide(principal, read_whole=True)
        permissions = [one for one in known.get(action.lower(), ()) if one.resource == resource]
        where = f"{principal.arn}: {question}"
        said[decision.outcome] += 1
        if decision.outcome in (Outcome.ALLOWED, Outcome.DEPENDS):
            assert [told(one.decision) for one in permissions] == [told(decision)], where
        else:
            assert not permissions, where
    return found


def actions_around(services: Iterable[str]) -> list[str]:
    return [action for service in services for action in catalogue().actions_of(service)]


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [(1, 6), pytest.param(range(7, 24), marks=pytest.mark.slow)])
def test_in_random_accounts(seeds: Iterable[int]) -> None:
    said: Counter[str] = Counter()
    for seed in seeds:
        random = Random(f"what can {seed}")
        making = AccountMaker(Random(seed))
        account = making.account()
        question = QuestionMaker(random, making.services).question()
        around = actions_around(making.services)
        actions = random.sample(around, min(30, len(around)))
        actions += random.sample(actions_around(("sts", "kms", "iam")), 12)
        for resource in ("*", random.choice(RESOURCES[random.choice(making.services)])):
            terms = replace(question, action="", resource=resource, resource_account=None, scope_downs=())
            for principal in callers(account):
                if entity_behind(account, principal) is not None and random.random() < 0.5:
                    compare(account, principal, terms, actions, said)
    assert min(said[outcome] for outcome in Outcome) > 10, said


@pytest.mark.parametrize(
    "names",
    [
        ("deploy-prod", "maya.okafor"),
        pytest.param(("chen.wei", "amara.diallo", "jenkins-host", "AWSServiceRoleForECS"), marks=pytest.mark.slow),
    ],
)
def test_in_the_demo_account(names: tuple[str, ...]) -> None:
    said: Counter[str] = Counter()
    account = load_demo_account()
    workspace = workspace_of(account)
    random = Random(15)
    every = catalogue().names.names
    for name in names:
        principal = resolve_principal(workspace, name)
        actions = {*random.sample(every, 150), *actions_around(("s3", "sns"))}
        for mode in (Mode.DISCOVER, Mode.STRICT):
            terms = Question("", "*", mode=mode, region="" if name == "amara.diallo" else "eu-west-1")
            found = compare(account, principal, terms, actions, said)
            actions |= set(random.sample(sorted(found.by_action()), min(60, len(found.by_action()))))
        compare(account, principal, Question("", "arn:aws:s3:::puffin-data-lake/raw/*"), actions, said)
    assert min(said[Outcome.ALLOWED], said[Outcome.IMPLICIT_DENY]) > 5, said


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, pytest.param(6, marks=pytest.mark.slow)])
def test_in_a_generated_account(count: int) -> None:
    said: Counter[str] = Counter()
    account = generator.account(Size(12, 8, 4, 30))
    random = Random(16)
    everybody: tuple[User | Role, ...] = (*account.users, *account.roles)
    for entity in random.sample(everybody, count):
        principal = principal_for(workspace_of(account), entity)
        terms = Question("", "*", region=random.choice(("", "us-east-1", "eu-west-1")))
        found = what_can(workspace_of(account), principal, terms=terms, now=NOON)
        actions = set(random.sample(sorted(found.by_action()), min(120, len(found.by_action()))))
        compare(account, principal, terms, {*actions, *random.sample(catalogue().names.names, 80)}, said)
    assert min(said[Outcome.ALLOWED], said[Outcome.IMPLICIT_DENY]) > 5, said


ACCOUNT = "111122223333"
BUCKET = "arn:aws:s3:::reports"


def statement(action: str | list[str], resource: str = "*", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def account_with(*own: dict[str, Any], bucket: dict[str, Any] | None = None, **more: Any) -> Account:
    """An account with a user alice who has these statements, and a bucket with this one."""
    document = PolicyDocument.of({"Version": "2012-10-17", "Statement": list(own)})
    policies = {} if bucket is None else {BUCKET: ResourcePolicy("present", PolicyDocument.of({"Statement": bucket}))}
    arn = f"arn:aws:iam::{ACCOUNT}:user/alice"
    user = User(
        arn=arn,
        name="alice",
        id="AIDAALICE",
        created=None,
        path="/",
        inline_policies=(InlinePolicy("own", document),),
        **more,
    )
    return Account(ACCOUNT, users=(user,), resource_policies=policies)


def of_alice(account: Account, *resources: str, **terms: Any) -> EffectiveAccess:
    workspace = workspace_of(account)
    return what_can(
        workspace, resolve_principal(workspace, "alice"), resources or ("*",), Question("", **terms), now=NOON
    )


def test_what_a_bucket_allows_by_itself_is_found_and_what_its_account_would_have_to_allow_is_not() -> None:
    named = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/alice"}
    bucket = statement(["s3:GetObject", "s3:ListBucket"], "", Principal=named) | {"Resource": [BUCKET, f"{BUCKET}/a/*"]}
    found = of_alice(account_with(statement("sqs:SendMessage"), bucket=bucket))
    by_action = found.by_action()
    assert [one.resource for one in by_action["s3:GetObject"]] == [f"{BUCKET}/a/*"]
    assert [one.resource for one in by_action["s3:ListBucket"]] == [BUCKET]
    delegated = account_with(bucket=bucket | {"Principal": {"AWS": ACCOUNT}})
    assert "s3:GetObject" not in of_alice(delegated).by_action()
    others = account_with(bucket=bucket | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"}})
    assert "s3:GetObject" not in of_alice(others).by_action()


def test_actions_that_the_catalogue_does_not_have_are_found_where_a_policy_names_them() -> None:
    found = of_alice(account_with(statement(["s3:FrobnicateObject", "madeup:DoIt", "s3:GetObj*"])))
    assert {action for one in found.permissions if one.service != "sts" for action in one.actions} == {
        "s3:FrobnicateObject",
        "s3:GetObject",
        *(action for action in catalogue().expand("s3:GetObj*")),
        "madeup:DoIt",
    }
    assert levels_of("madeup:DoIt") == ()


def test_an_action_with_two_access_levels_counts_in_both_and_once_in_the_sum() -> None:
    workspace = workspace_of(account_with(statement("*")))
    alice = resolve_principal(workspace, "alice")
    found = what_can(workspace, alice, services=("s3", "lambda", "ssm", "iam"), now=NOON)
    for service in found.services:
        assert service.allowed + service.depends <= service.total
        counted = Counter(level for one in service.permissions for action in one.actions for level in levels_of(action))
        assert {level: count.allowed + count.depends for level, count in service.levels.items() if counted[level]} == {
            level: counted[level] for level in service.levels if counted[level]
        }


def test_without_the_documents_of_its_policies_everything_depends_on_them() -> None:
    account = account_with(attached_policies=(AttachedPolicy("gone", f"arn:aws:iam::{ACCOUNT}:policy/gone"),))
    workspace = workspace_of(account)
    alice = resolve_principal(workspace, "alice")
    found = what_can(workspace, alice, terms=Question(""), services=("sqs",), now=NOON)
    assert {one.outcome for one in found.permissions} == {Outcome.DEPENDS}
    assert sum(len(one.actions) for one in found.permissions) == len(catalogue().actions_of("sqs"))
    assert all("gone allows it" in one.condition for one in found.permissions)


def test_the_root_user_of_the_account_may_do_everything_that_no_scp_denies() -> None:
    workspace = workspace_of(account_with())
    found = what_can(workspace, resolve_principal(workspace, "root"), services=("sqs", "ec2"), now=NOON)
    assert len(found.by_action()) == len(actions_around(("sqs", "ec2")))


def test_of_two_the_differences_are_told_by_outcome_resources_and_conditions() -> None:
    before = of_alice(
        account_with(statement(["sqs:SendMessage", "sqs:PurgeQueue"]), statement("s3:GetObject", f"{BUCKET}/*"))
    )
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    after = of_alice(
        account_with(
            statement("sqs:SendMessage", Condition=mfa),
            statement("s3:GetObject", f"{BUCKET}/a"),
            statement("sns:Publish"),
        )
    )
    found = {change.actions: change.kind for change in compare_access(before, after)}
    assert found == {
        ("s3:GetObject",): "changed",
        ("sns:Publish",): "gained",
        ("sqs:PurgeQueue",): "lost",
        ("sqs:SendMessage",): "changed",
    }
    assert compare_access(before, before) == ()


def test_a_condition_whose_last_values_alone_differ_is_another() -> None:
    """In words it is cut, and both would read alike."""
    addresses = [f"192.0.2.{number}" for number in range(20)]
    conditions = [{"IpAddress": {"aws:SourceIp": given}} for given in (addresses, [*addresses[:-1], "198.51.100.7"])]
    found = [of_alice(account_with(statement("sqs:SendMessage", Condition=one))) for one in conditions]
    assert len({one.condition for each in found for one in each.permissions if one.condition}) == 1
    (change,) = compare_access(*found)
    assert (change.kind, change.actions) == ("changed", ("sqs:SendMessage",))


def test_what_was_found_until_it_was_cancelled_is_returned() -> None:
    workspace = workspace_of(account_with(statement("*")))
    asked = iter([False, False, False, True, True, True])
    found = what_can(workspace, resolve_principal(workspace, "alice"), now=NOON, cancelled=lambda: next(asked))
    assert len(found.services) == 3


def test_somebody_whose_policies_are_not_known_is_refused() -> None:
    workspace = workspace_of(account_with())
    for principal in (
        Principal(PrincipalKind.SERVICE, "lambda.amazonaws.com"),
        resolve_principal(workspace, "arn:aws:iam::999999999999:user/eve"),
    ):
        with pytest.raises(Problem, match="not in the loaded account"):
            what_can(workspace, principal)


@pytest.mark.slow
def test_thousands_of_conditional_statements_are_asked_about_some_services_only() -> None:
    statements = [
        {
            "Effect": effect,
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {f"aws:RequestTag/k{number}": "x"}},
        }
        for effect in ("Allow", "Deny")
        for number in range(500)
    ]
    workspace = workspace_of(account_with(*statements))
    alice = resolve_principal(workspace, "alice")

    with pytest.raises(Problem, match="1,000 statements with conditions"):
        what_can(workspace, alice, now=NOON)
    assert what_can(workspace, alice, services=("sqs",), now=NOON).permissions


@pytest.mark.slow
def test_kinds_of_actions_are_found_once_for_accounts_with_the_same_id() -> None:
    narrow = statement("*", Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}})
    del narrow["Resource"]
    narrow["NotResource"] = "arn:aws:s3:::*"
    of_alice(account_with(narrow))
    before = resources_in.cache_info().misses

    of_alice(account_with(narrow, statement("sqs:SendMessage")))

    assert resources_in.cache_info().misses - before < 10
