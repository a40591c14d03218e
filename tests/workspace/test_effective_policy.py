"""The effective permissions as one document: it grants nothing more, and what is granted without boundary and SCPs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from msgspec import structs

from benchmarks import generator
from benchmarks.generator import Size
from iamtui.account.model import (
    Account,
    AttachedPolicy,
    InlinePolicy,
    Known,
    ManagedPolicy,
    Organization,
    OrganizationLevel,
    OrganizationPolicy,
    PolicyVersion,
    Role,
    User,
)
from iamtui.catalog.actions import catalogue
from iamtui.engine.decision import Outcome
from iamtui.engine.policy_sets import LayerStatement
from iamtui.engine.request import Mode, PrincipalKind
from iamtui.lint.check_document import findings
from iamtui.lint.subject import Level
from iamtui.policy.document import PolicyDocument
from iamtui.policy.types import PolicyType
from iamtui.problem import Problem
from iamtui.questions.action_classes import different_statements, statements_in_force
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.sources.demo import load_demo_account
from iamtui.workspace.ask.effective_policy import NEWER_SERVICES, EffectivePolicy, _with_nothing_else, effective_policy
from iamtui.workspace.ask.what_can import what_can
from iamtui.workspace.source.principals import principal_for, resolve_principal
from tests.questions.random_accounts import AccountMaker, QuestionMaker
from tests.questions.vocabulary import ACTIONS, GIVEN, NOON, RESOURCES
from tests.workspace.test_what_can import ACCOUNT, BUCKET, account_with, statement, workspace_of

REGIONS = ("eu-west-1", "us-east-1", "")
RANKS = {Outcome.EXPLICIT_DENY: 0, Outcome.IMPLICIT_DENY: 0, Outcome.DEPENDS: 1, Outcome.ALLOWED: 2}


def hold_against_the_evaluator(
    account: Account, entity: User | Role, made: EffectivePolicy, questions: Iterable[Question], said: Counter[str]
) -> None:
    """Each request that the document alone grants is granted, on no further condition, by what the principal has.

    And all that it may do for certain the document grants, but for what is named as left out, and what policies of
    resources allow by themselves.
    """
    left_out = {action.lower() for action in made.left_out}
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
        if RANKS[by_document.outcome] < RANKS[own.outcome] and catalogue().knows(question.action):
            said["less"] += 1
            if own.outcome is Outcome.ALLOWED and question.action.lower() not in left_out:
                by_nothing = QuestionEvaluator(nothing, question, NOON).decide(principal, read_whole=True)
                assert RANKS[by_nothing.outcome] >= RANKS[own.outcome], (entity.arn, question, made.document)


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


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [(1, 6), range(7, 20), pytest.param(range(20, 40), marks=pytest.mark.long)])
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
            workspace = workspace_of(account, random.choice(REGIONS))
            try:
                made = effective_policy(workspace, principal_for(workspace, entity), services, NOON)
            except Problem:
                said["not known"] += 1
                continue
            questions = [
                Question(
                    random.choice(ACTIONS[service]),
                    resource,
                    random.choice(GIVEN),
                    maker.question().mode,
                    region=random.choice(REGIONS),
                )
                for service in making.services
                for resource in RESOURCES[service]
                for _ in range(3)
            ]
            hold_against_the_evaluator(account, entity, made, questions, said)
    assert said[Outcome.ALLOWED] > 5, said


ENTRIES = (
    *("*", "sqs:*", "sqs:*", "SQS:sendmessage", "sqs:Send*", "sqs:*e", "sqs:?eceiveMessage", "sqs:ListQueues"),
    *("sqs:Zzz*", "sqs:[A-Z]*", "sqs:A*", "sqs:R*", "newsvc:*", "newsvc:Do", "s3:Get*", "sqs:ZzzNew"),
)
WIDE = ("*", "*", "sqs:*", "sqs:?*", "sqs:S*")
PLACES = (
    *("*", "*", "arn:aws:sqs:*:111111111111:*", "arn:aws:sqs:eu-west-1:111111111111:a*", "arn:aws:sqs:eu-west-1"),
    *("arn:aws:sqs:eu-west-1:111111111111:${aws:username}", "arn:aws:sqs:eu-west-1:111111111111:a?"),
    *("arn:aws:sqs:*:*:*b", "arn:aws:s*", "arn:aws:sqs:eu-west-1:${aws:PrincipalAccount}:ab"),
)
LINES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("aws:RequestTag/x", ("StringEquals", "StringNotEquals", "stringlike"), ("1", "${aws:username}", "1*")),
    ("AWS:requesttag/X", ("StringEquals", "StringNotEqualsIfExists"), ("1", "alice", "${*}")),
    ("aws:SourceIp", ("IpAddress", "NotIpAddressIfExists"), ("10.0.0.0/8", "10.1.0.0/16")),
    ("aws:TagKeys", ("ForAllValues:StringEquals", "ForAnyValue:StringNotEquals"), ("a", "b")),
    ("aws:SecureTransport", ("Bool", "BoolIfExists", "Null"), ("true", "false", "${aws:SecureTransport}")),
    ("aws:username", ("StringEquals", "StringNotLike"), ("alice", "b*", "${aws:username}")),
)
QUEUE = "arn:aws:sqs:eu-west-1:111111111111:"
QUEUES = (
    *(QUEUE + name for name in ("a", "ab", "b", "alice", "${aws:username}")),
    *("arn:aws:sqs:us-east-1:111111111111:ab", "arn:aws:sqs:eu-west-1"),
)
ASKED = ("sqs:SendMessage", "sqs:ReceiveMessage", "sqs:ListQueues", "sqs:ZzzNew", "sqs:RemoveNew", "newsvc:Do")


class UnknownMaker:
    """Makes policies in both versions of the language, also about actions and services that are not known."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def some(self, values: Sequence[str]) -> list[str]:
        return self.random.sample(values, self.random.choice((1, 1, 2, 3)))

    def document(self, *more: dict[str, Any], denies: int = 30) -> PolicyDocument:
        made = [*more, *(self.statement(denies) for _ in range(self.random.choice((1, 2, 3))))]
        version = {"Version": "2012-10-17"} if self.random.random() < 0.6 else {}
        return PolicyDocument.of({**version, "Statement": made})

    def statement(self, denies: int) -> dict[str, Any]:
        made: dict[str, Any] = {"Effect": "Deny" if self.random.randrange(100) < denies else "Allow"}
        made["NotAction" if self.random.random() < 0.3 else "Action"] = self.some(ENTRIES)
        made["NotResource" if self.random.random() < 0.2 else "Resource"] = self.some(PLACES)
        condition: dict[str, dict[str, list[str]]] = {}
        for _ in range(self.random.choice((0, 0, 1, 2))):
            key, operators, values = self.random.choice(LINES)
            wanted = self.random.sample(values, self.random.choice((1, 2)))
            condition.setdefault(self.random.choice(operators), {})[key] = wanted
        return {**made, "Condition": condition} if condition else made

    def account(self) -> Account:
        account = account_with(*(() if self.random.random() < 0.3 else (statement("sqs:*"),)))
        (user,) = account.users
        inline = tuple(InlinePolicy(f"p{number}", self.document()) for number in range(self.random.choice((1, 2))))
        bound = managed("bound")
        version = structs.replace(bound.versions[0], document=self.document(statement(self.random.choice(WIDE))))
        bound = replace(bound, versions=(version,))
        boundary_arn = bound.arn if self.random.random() < 0.5 else None
        user = replace(user, inline_policies=(*user.inline_policies, *inline), boundary_arn=boundary_arn)
        return replace(account, users=(user,), policies=(bound,), organization=Known(self.organization()))

    def organization(self) -> Organization:
        def policies(chance: float) -> Known[tuple[OrganizationPolicy, ...]]:
            made = [PolicyDocument.of({"Statement": statement("*", Principal="*")})] * (self.random.random() > chance)
            if not made or self.random.random() < 0.3:
                made.append(self.document(statement(self.random.choice(WIDE)), denies=60))
            return Known(tuple(OrganizationPolicy("", f"p{number}", one) for number, one in enumerate(made)))

        levels = [OrganizationLevel(id_, id_, kind, policies(0.3), policies(0)) for id_, kind in LEVELS]
        return Organization("o-1", "999999999999", tuple(levels))

    def questions(self, number: int) -> Iterator[Question]:
        for _ in range(number):
            context: dict[str, tuple[str, ...]] = {"aws:SecureTransport": (self.random.choice(("true", "false")),)}
            if self.random.random() < 0.6:
                context["aws:RequestTag/x"] = (self.random.choice(("1", "12", "alice", "*", "${aws:username}")),)
            if self.random.random() < 0.6:
                context["aws:SourceIp"] = (self.random.choice(("10.1.2.3", "10.2.2.3", "8.8.8.8")),)
            if self.random.random() < 0.6:
                context["aws:TagKeys"] = tuple(self.random.sample(("a", "b", "c"), self.random.choice((1, 2))))
            action = self.random.choice(ASKED)
            resource = "*" if action in ("sqs:ListQueues", "newsvc:Do") else self.random.choice(QUEUES)
            yield Question(action, resource, context=context, mode=Mode.STRICT)


LEVELS = (("r-ab12", "ROOT"), ("ou-ab12-x", "ORGANIZATIONAL_UNIT"), (ACCOUNT, "ACCOUNT"))


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(2), pytest.param(range(2, 30), marks=pytest.mark.slow)])
def test_of_what_is_not_known_in_either_version_of_the_language(seeds: Iterable[int]) -> None:
    said: Counter[str] = Counter()
    for seed in seeds:
        maker = UnknownMaker(Random(f"unknown {seed}"))
        account = maker.account()
        (user,) = account.users
        workspace = workspace_of(account)
        made = effective_policy(workspace, principal_for(workspace, user), ("sqs",), NOON)
        hold_against_the_evaluator(account, user, made, maker.questions(40), said)
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


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:RequestedRegion": "us-east-1"}},
        {"DateGreaterThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}},
        {"Bool": {"aws:SecureTransport": "false"}},
        {"Bool": {"aws:ViaAWSService": "true"}},
    ],
)
def test_what_holds_elsewhere_or_at_another_time_is_printed_with_its_condition(condition: dict[str, Any]) -> None:
    for region in ("eu-west-1", "us-east-1", ""):
        workspace = workspace_of(account_with(statement("sqs:SendMessage", Condition=condition)), region)
        made = effective_policy(workspace, resolve_principal(workspace, "alice"), ("sqs",), NOON)
        assert made.document["Statement"] == [statement("sqs:SendMessage", Condition=condition)]
        assert made.left_out == ()


def test_what_the_deny_of_an_rcp_hits_in_the_document_alone_is_named() -> None:
    full = Known((OrganizationPolicy("", "full", PolicyDocument.of({"Statement": statement("*")})),))
    deny = {**statement("*", effect="Deny", Condition={"Bool": {"aws:SecureTransport": "false"}}), "Principal": "*"}
    rcp = Known((OrganizationPolicy("", "rcp", PolicyDocument.of({"Statement": [deny]})),))
    levels = tuple(OrganizationLevel(id_, id_, kind, full, rcp) for id_, kind in LEVELS)
    account = replace(
        account_with(statement(["ec2:StartInstances", "sqs:SendMessage", "sqs:ListQueues"])),
        organization=Known(Organization("o-1", "999999999999", levels)),
    )
    workspace = workspace_of(account)
    made = effective_policy(workspace, resolve_principal(workspace, "alice"), ("sqs", "ec2"), NOON)
    assert made.left_out == ("ec2:StartInstances", "sqs:ListQueues")


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


def test_each_policy_is_written_in_the_version_that_it_has() -> None:
    name = "${aws:username}"
    old = {
        "Statement": [
            statement("s3:PutObject", f"{BUCKET}/{name}/${{*}}"),
            statement("s3:*", f"{BUCKET}/{name}/*", "Deny", Condition={"StringLike": {"s3:prefix": f"{name}${{*}}"}}),
        ]
    }
    account = account_with(statement("s3:GetObject", f"{BUCKET}/{name}/*"))
    (alice,) = account.users
    more = InlinePolicy("old", PolicyDocument.of(old))
    account = replace(account, users=(replace(alice, inline_policies=(*alice.inline_policies, more)),))
    assert document_of(account)["Statement"] == [
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"{BUCKET}/${{$}}{{aws:username}}/${{$}}{{*}}"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{BUCKET}/{name}/*"},
        {
            "Effect": "Deny",
            "Action": "s3:*",
            "Resource": f"{BUCKET}/${{$}}{{aws:username}}/*",
            "Condition": {"StringLike": {"s3:prefix": "${$}{aws:username}${$}{*}"}},
        },
    ]


@pytest.mark.parametrize(
    ("own", "boundary", "allowed"),
    [
        ([statement("s3:*"), statement("s3:Zzz*", effect="Deny")], [statement("*")], "s3:*"),
        ([statement("sqs:*")], [statement([f"sqs:{letter}*" for letter in "ACDGLPRSTU"])], "sqs:R*"),
        ([{"Effect": "Allow", "NotAction": ["sqs:Zzz*", "s3:*"], "Resource": "*"}], [statement("sqs:R*")], "sqs:R*"),
        ([statement("sqs:*")], [{"Effect": "Allow", "NotAction": "sqs:Zzz*", "Resource": "*"}], "sqs:RemovePermission"),
    ],
)
def test_no_pattern_is_wider_than_what_each_layer_says(
    own: list[dict[str, Any]], boundary: list[dict[str, Any]], allowed: str
) -> None:
    first, *rest = document_of(bounded(*boundary, own=tuple(own)))["Statement"]
    assert rest == own[1:]
    actions = [first["Action"]] if isinstance(first["Action"], str) else first["Action"]
    assert allowed in actions
    assert "sqs:*" not in actions


@pytest.mark.slow
def test_a_service_that_is_not_known_stays_denied() -> None:
    deny = statement("newsvc:*", effect="Deny")
    but_new = {"Effect": "Allow", "NotAction": "newsvc:*", "Resource": "*"}
    for statements, kept in ((statement("*"), deny), [deny]), ((but_new,), []), ((statement("newsvc:Get*"),), []):
        workspace = workspace_of(account_with(*statements))
        made = effective_policy(workspace, resolve_principal(workspace, "alice"), now=NOON)
        allowed = made.document["Statement"]
        assert isinstance(allowed, list)
        assert [one for one in allowed if one["Effect"] == "Deny"] == kept
        assert ("*" in allowed[0]["Action"] if allowed else None) is (bool(kept) if allowed else None)
        newer = () if kept or not allowed else (NEWER_SERVICES,)
        assert made.left_out == (newer if allowed else ("newsvc:Get*",))


def test_an_scp_s_short_arn_stays_about_nothing() -> None:
    def scp(resource: str) -> Account:
        full = Known((OrganizationPolicy("", "full", PolicyDocument.of({"Statement": statement("*")})),))
        own = PolicyDocument.of({"Version": "2012-10-17", "Statement": statement("sqs:*", ["arn:aws:sqs", resource])})
        levels = tuple(OrganizationLevel(id_, id_, kind, full, full) for id_, kind in LEVELS[1:])
        root = OrganizationLevel(*LEVELS[0], "", Known((OrganizationPolicy("", "scp", own),)), full)
        root = replace(root, name="root", type="ROOT")
        organization = Organization("o-1", "999999999999", (root, *levels))
        return replace(account_with(statement("sqs:*")), organization=Known(organization))

    assert document_of(scp("arn:aws:sqs:eu-west-1"))["Statement"] == []
    assert document_of(scp("arn:aws:sqs:*"))["Statement"][0]["Resource"] == "arn:aws:sqs:*"


def test_two_conditions_on_one_key_in_different_letters_are_not_taken_for_one() -> None:
    condition = {"StringEquals": {"aws:RequestTag/x": "1", "AWS:requesttag/X": "2"}}
    account = bounded(
        statement("sqs:*", Condition={"Bool": {"aws:SecureTransport": "true"}}),
        own=(statement("sqs:SendMessage", Condition=condition),),
    )
    assert document_of(account)["Statement"] == []


@pytest.mark.slow
def test_levels_of_many_statements_are_bounded_and_what_is_left_out_is_named() -> None:
    def scp(level: int) -> Known[tuple[OrganizationPolicy, ...]]:
        made = [
            statement("sqs:*", Condition={"StringLike": {f"aws:RequestTag/l{level}": f"v{number}*"}})
            for number in range(20)
        ]
        return Known((OrganizationPolicy("", "scp", PolicyDocument.of({"Version": "2012-10-17", "Statement": made})),))

    full = Known((OrganizationPolicy("", "full", PolicyDocument.of({"Statement": statement("*")})),))
    levels = tuple(OrganizationLevel(f"ou-{n}", "ou", "ORGANIZATIONAL_UNIT", scp(n), full) for n in range(4))
    buckets = [statement("s3:GetObject", [f"{BUCKET}-{n}-{m}-{'long' * 5}/*" for m in range(20)]) for n in range(100)]
    account = replace(
        account_with(statement("sqs:*")),
        organization=Known(Organization("o-1", "999999999999", levels)),
    )
    workspace = workspace_of(account)
    made = effective_policy(workspace, resolve_principal(workspace, "alice"), ("sqs",), NOON)
    assert 6 < len(json.dumps(made.document)) < 61_440
    assert "sqs:SendMessage" in made.left_out

    workspace = workspace_of(account_with(*buckets))
    made = effective_policy(workspace, resolve_principal(workspace, "alice"), ("s3",), NOON)
    assert 50_000 < made.size < 62_000
    assert made.left_out == ("s3:GetObject",)


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


def test_what_is_said_many_times_is_read_once() -> None:
    account = account_with(*[{**statement("sqs:*"), "Sid": f"s{number}"} for number in range(500)])
    workspace = workspace_of(account)
    principal = resolve_principal(workspace, "alice")
    policies = QuestionEvaluator(account, Question("sqs:SendMessage"), NOON).put_by(principal)[1]
    assert len(list(statements_in_force(policies))) == 500
    assert len(list(different_statements(policies))) == 1
    assert document_of(account)["Statement"] == [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]


def test_statements_about_everything_are_read_once_for_all_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user may have a hundred policies that each say a hundred times that everything is allowed."""
    counts: Counter[str] = Counter()
    is_about = LayerStatement.is_about

    def counting(*given: Any) -> bool:
        counts["statements"] += 1
        return is_about(*given)

    everything = PolicyDocument.of({"Version": "2012-10-17", "Statement": [statement("*")] * 30})
    made = account_with()
    own = tuple(InlinePolicy(f"all{number}", everything) for number in range(5))
    workspace = workspace_of(replace(made, users=(replace(made.users[0], inline_policies=own),)))
    monkeypatch.setattr(LayerStatement, "is_about", counting)

    effective_policy(workspace, resolve_principal(workspace, "alice"), ("sqs", "sns", "ec2"), now=NOON)

    assert 0 < counts["statements"] < 2 * 5 * 30, counts
