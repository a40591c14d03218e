"""Documents with principals compared: by hand, sampled by the evaluator, and classes of callers against cvc5."""

from __future__ import annotations

import os
import random
import re
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from iamtui.engine.decision import Outcome
from iamtui.engine.evaluator import evaluate
from iamtui.engine.request import (
    Mode,
    NamedPolicy,
    PoliciesInForce,
    Principal,
    PrincipalKind,
    Request,
    principal_from_text,
)
from iamtui.policy.document import PolicyDocument
from iamtui.proofs.caller_classes import Inside, OutsideCallers
from iamtui.proofs.documents import Comparison, find_broader
from iamtui.proofs.texts import Bounds
from tests.support.slow import few_slow

Statement = dict[str, Any]
ID, OTHER, THIRD = "111111111111", "222222222222", "333333333333"
BOB, APP = f"arn:aws:iam::{OTHER}:user/bob", f"arn:aws:iam::{OTHER}:role/app/x"
SESSION = f"arn:aws:sts::{OTHER}:assumed-role/x/s1"


def document(*statements: Statement) -> PolicyDocument:
    return PolicyDocument.of({"Version": "2012-10-17", "Statement": list(statements)})


def allow(principal: Any, **more: Any) -> Statement:
    return {"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": "*", **more}


def deny(principal: Any, **more: Any) -> Statement:
    return {**allow(principal, **more), "Effect": "Deny"}


def but(*entries: str, effect: str = "Deny") -> Statement:
    found = {**allow("*"), "Effect": effect, "NotPrincipal": {"AWS": list(entries)}}
    del found["Principal"]
    return found


def compared(one: list[Statement], other: list[Statement]) -> Comparison:
    return find_broader(document(*one), document(*other), Bounds())


@pytest.mark.parametrize(
    ("one", "other", "proved"),
    [
        ([allow({"AWS": OTHER})], [allow("*")], True),
        ([allow("*")], [allow({"AWS": OTHER})], False),
        # Whoever is named needs no policy of its own in its account; a whole account is only delegated to.
        ([allow({"AWS": BOB})], [allow({"AWS": OTHER})], False),
        ([allow({"AWS": OTHER})], [allow({"AWS": BOB})], False),
        ([allow({"AWS": [OTHER, BOB]})], [allow({"AWS": OTHER}), allow({"AWS": BOB})], True),
        # A boundary limits what names the role, but not what names its session or everybody.
        ([allow({"AWS": SESSION})], [allow({"AWS": f"arn:aws:iam::{OTHER}:role/x"})], False),
        ([allow({"AWS": APP})], [allow("*")], True),
        ([allow({"AWS": APP})], [allow({"AWS": f"arn:aws:iam::{OTHER}:role/x"})], False),
        ([allow({"AWS": BOB}), deny({"AWS": BOB})], [], True),
        ([allow("*"), deny({"AWS": BOB})], [allow("*")], True),
        ([allow("*")], [allow("*"), deny({"AWS": BOB})], False),
        ([allow("*"), but(BOB)], [allow({"AWS": BOB})], True),
        # A Deny takes away what policies of the caller's own allow.
        ([], [deny({"AWS": BOB})], False),
        ([deny("*")], [deny({"AWS": BOB})], True),
        # The account of the resource may allow it, whatever account that is.
        ([allow("*")], [allow("*"), deny("*", Action="sqs:Get*", Resource=f"arn:aws:sqs:eu-west-1:{OTHER}:q")], False),
        # Nobody else is spared; who has a boundary is denied, whatever is listed.
        ([allow({"AWS": BOB})], [allow("*"), but(BOB)], False),
        ([allow({"AWS": OTHER}, Condition={"StringEquals": {"aws:username": "bob"}})], [allow({"AWS": OTHER})], True),
        (
            [allow({"AWS": OTHER}, Condition={"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/a*"}})],
            [allow({"AWS": OTHER}, Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}})],
            True,
        ),
        (
            [allow("*", Condition={"StringLike": {"aws:PrincipalAccount": "22*"}})],
            [allow("*", Condition={"StringLike": {"aws:PrincipalAccount": "2*"}})],
            True,
        ),
        (
            [allow("*", Condition={"StringLike": {"aws:PrincipalAccount": "2*"}})],
            [allow("*", Condition={"StringLike": {"aws:PrincipalAccount": "22*"}})],
            False,
        ),
        ([allow({"Service": "sns.amazonaws.com"})], [allow({"Service": "s3.amazonaws.com"})], False),
        ([allow({"Service": "sns.amazonaws.com"})], [allow({"Service": ["sns.amazonaws.com", "s3.amazonaws.com"]})],
         True),
        ([allow({"AWS": "AIDAEXAMPLE000000001"})], [allow("*")], True),
        ([allow({"AWS": "AIDAEXAMPLE000000001"})], [allow({"AWS": "AIDAEXAMPLE000000002"})], False),
        ([allow({"AWS": f"arn:aws:iam::{OTHER}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"})], [], False),
        ([allow({"AWS": f"arn:aws:iam::{OTHER}:user/*"})], [], True),
        ([allow("*", Resource="arn:aws:sqs:*:*:a*")], [allow("*", Resource="arn:aws:sqs:*:*:*")], True),
        ([allow({"AWS": OTHER}, Resource="arn:aws:sqs:*:*:a*"), allow({"AWS": THIRD}, Resource="arn:aws:sqs:*:*:b*")],
         [allow({"AWS": [OTHER, THIRD]}, Resource="arn:aws:sqs:*:*:a*")], False),
    ],
)  # fmt: skip
def test_principals_are_compared(one: list[Statement], other: list[Statement], proved: bool) -> None:
    found = compared(one, other)
    assert found.proved is proved, found
    if not proved:
        assert found.example is not None, found.reasons
        assert found.example.principal


def bare(principal: Any, action: Any, **more: Any) -> Statement:
    found = allow(principal, Action=action, **more)
    del found["Resource"]
    return found


@pytest.mark.parametrize(
    ("one", "other", "proved"),
    [
        ([bare("*", "ecr:BatchGetImage")], [bare({"AWS": OTHER}, "ecr:BatchGetImage")], False),
        ([bare("*", "ecr:BatchGetImage")], [bare("*", "ecr:Batch*")], True),
        ([bare("*", "ecr:*")], [], False),
        ([bare("*", ["sts:AssumeRole", "ecr:BatchGetImage"])], [bare("*", "sts:AssumeRole")], False),
        ([bare("*", "*")], [bare("*", "sts:*")], False),
        ([bare(BOB, "*:*")], [bare(BOB, "*")], True),
        ([bare("*", "sts:TagSession")], [bare("*", "sts:*")], True),
        ([{"Effect": "Allow", "Principal": BOB, "NotAction": "sts:*"}], [bare(BOB, "sts:*")], False),
    ],
)
def test_policies_of_resources_may_have_no_resource(
    one: list[Statement], other: list[Statement], *, proved: bool
) -> None:
    # Amazon ECR User Guide: the policy of a repository has no Resource element.
    found = compared(one, other)
    assert (found.example is None) is proved, found


CANONICAL = {"CanonicalUser": "ab" * 32}
OF_BOB: Statement = {"Condition": {"ArnEquals": {"aws:PrincipalArn": BOB}}}


@pytest.mark.parametrize(
    ("one", "other", "proved"),
    [
        # S3 User Guide: a canonical user is an account, whose callers have ARNs, too.
        ([allow(CANONICAL, **OF_BOB)], [], False),
        ([allow({"AWS": OTHER})], [allow({"AWS": OTHER}), deny(CANONICAL)], False),
        ([allow({"AWS": BOB}), {**but(), "NotPrincipal": CANONICAL}], [{**but(), "NotPrincipal": CANONICAL}], False),
        # What both say of it in the same words is the same for both.
        ([allow(CANONICAL, **OF_BOB)], [allow(CANONICAL, **OF_BOB), allow({"AWS": OTHER})], True),
        ([allow(CANONICAL), allow({"AWS": OTHER})], [allow(CANONICAL)], False),
    ],
)
def test_a_canonical_user_may_be_any_account(one: list[Statement], other: list[Statement], proved: bool) -> None:
    assert compared(one, other).proved is proved


def trusting(principal: Any, action: str = "sts:AssumeRole", **more: Any) -> Statement:
    return {"Effect": "Allow", "Principal": principal, "Action": action, **more}


@pytest.mark.parametrize(
    ("one", "other", "proved"),
    [
        ([trusting({"AWS": OTHER})], [trusting({"AWS": [OTHER, THIRD]})], True),
        ([trusting({"AWS": [OTHER, THIRD]})], [trusting({"AWS": OTHER})], False),
        ([trusting({"Service": "ec2.amazonaws.com"})], [trusting({"Service": "lambda.amazonaws.com"})], False),
        (
            [trusting({"AWS": OTHER}, Condition={"StringEquals": {"sts:ExternalId": "x1"}})],
            [trusting({"AWS": OTHER})],
            True,
        ),
        (
            [trusting({"AWS": OTHER})],
            [trusting({"AWS": OTHER}, Condition={"StringEquals": {"sts:ExternalId": "x1"}})],
            False,
        ),
        (
            [trusting({"Federated": "accounts.google.com"}, "sts:AssumeRoleWithWebIdentity")],
            [trusting({"Federated": "accounts.google.com"}, "sts:AssumeRoleWithWebIdentity",
                      Condition={"StringEquals": {"accounts.google.com:sub": "1"}})],
            False,
        ),
        ([trusting({"AWS": OTHER})], [trusting({"AWS": OTHER}, "sts:*")], True),
    ],
)  # fmt: skip
def test_trust_policies_are_compared(one: list[Statement], other: list[Statement], proved: bool) -> None:
    found = compared(one, other)
    assert found.proved is proved, found
    assert proved or found.example is not None, found.reasons


def test_what_aws_leaves_open_of_principals_is_not_proved() -> None:
    # Whether an Allow to everybody includes services.
    found = compared([allow({"Service": "sns.amazonaws.com"})], [allow("*")])
    assert found.example is None
    assert found.reasons == ('AWS leaves open whether an Allow to "*" includes AWS services',)


# Random policies, sampled.

PRINCIPALS: list[Any] = [
    "*", {"AWS": ID}, {"AWS": OTHER}, {"AWS": APP}, {"AWS": SESSION}, {"AWS": BOB},
    {"AWS": [f"arn:aws:iam::{THIRD}:user/bob", OTHER]}, {"Service": "sns.amazonaws.com"},
    {"AWS": f"arn:aws:sts::{OTHER}:federated-user/bob"},
]  # fmt: skip
CONDITIONS: list[Statement] = [
    {"StringEquals": {"aws:PrincipalAccount": [ID, OTHER]}},
    {"StringNotLike": {"aws:PrincipalAccount": "22*"}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/app/*"}},
    {"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::222222222222:*"]}},
    {"StringLike": {"aws:PrincipalArn": "*bob"}},
    {"StringNotEqualsIfExists": {"aws:username": "bob"}},
    {"StringLike": {"aws:username": "b*b"}},
    {"StringEquals": {"aws:PrincipalType": ["User", "Account"]}},
    {"Bool": {"aws:SecureTransport": "true"}},
    {"Bool": {"aws:PrincipalIsAWSService": "false"}},
]
CALLERS = [
    principal_from_text(text)
    for text in (
        "anonymous", ID, OTHER, THIRD, "444444444444", BOB, f"arn:aws:iam::{THIRD}:user/bob",
        "arn:aws:iam::444444444444:user/p/bob", f"arn:aws:iam::{THIRD}:user/zoe", f"arn:aws:iam::{ID}:user/b/bb",
        SESSION, f"arn:aws:sts::{OTHER}:assumed-role/x/s2", f"arn:aws:sts::{THIRD}:assumed-role/bob/s1",
        f"arn:aws:sts::{OTHER}:federated-user/bob", "arn:aws:sts::444444444444:federated-user/f",
        "sns.amazonaws.com", "s3.amazonaws.com",
    )
]  # fmt: skip
# A session is one of a role whose path AWS knows.
CALLERS = [
    replace(one, role_arn=f"arn:aws:iam::{one.account}:role/{path}{one.role_name}") if path is not None else one
    for one in CALLERS
    for path in (("", "app/") if one.kind is PrincipalKind.ROLE_SESSION else (None,))
]
CALLERS.append(principal_from_text(f"arn:aws:sts::{OTHER}:federated-user/f", issuer=BOB))


def random_policy(chance: random.Random) -> list[Statement]:
    found = []
    for number in range(chance.randint(1, 3)):
        one = allow(chance.choice(PRINCIPALS), Action=chance.choice(["sqs:SendMessage", "sqs:*"]))
        if number and chance.random() < 0.5:
            one["Effect"] = "Deny"
            if chance.random() < 0.4:
                one["NotPrincipal"] = one.pop("Principal")
                if one["NotPrincipal"] == "*":
                    one["NotPrincipal"] = {"AWS": BOB}
        for condition in chance.sample(CONDITIONS, chance.choice([0, 0, 1, 2])):
            one.setdefault("Condition", {}).update(condition)
        found.append(one)
    return found


ALL = NamedPolicy("all", document({"Effect": "Allow", "Action": "*", "Resource": "*"}))
NOTHING = NamedPolicy("nothing", document({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}))


def outcomes(policy: PolicyDocument, caller: Principal, secure: str) -> list[Outcome]:
    """In its own account and in another, with and without policies of its own, boundary and session policies."""
    found = []
    own = caller.account or ID
    for owner in (own, "999999999999"):
        for identity in ((), (ALL,)):
            for session in ((), (ALL,), (NOTHING,)):
                for boundary in ((), (ALL,)):
                    if session and caller.kind not in (PrincipalKind.ROLE_SESSION, PrincipalKind.FEDERATED_USER):
                        continue
                    in_force = PoliciesInForce(
                        identity=identity, session=session, boundaries=boundary, resource=NamedPolicy("queue", policy)
                    )
                    asked = Request(
                        caller, "sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{owner}:q", owner,
                        {"aws:SecureTransport": (secure,)}, mode=Mode.STRICT,
                    )  # fmt: skip
                    found.append(evaluate(asked, in_force).outcome)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", few_slow(range(6), 3))
def test_no_sampled_request_contradicts_a_proof(seed: int) -> None:
    chance = random.Random(seed)
    seen = set()
    for _ in range(40):
        one, other = random_policy(chance), random_policy(chance)
        if chance.random() < 0.6:
            other = [*one, *other] if chance.random() < 0.5 else one[:1] + other
        found = compared(one, other)
        seen.add(found.proved)
        if not found.proved:
            continue
        documents = document(*one), document(*other)
        for caller in CALLERS:
            for secure in ("true", "false"):
                pairs = zip(*(outcomes(each, caller, secure) for each in documents), strict=True)
                broader = [pair for pair in pairs if pair[0] is Outcome.ALLOWED and pair[1] is not Outcome.ALLOWED]
                assert not broader, (one, other, caller, secure)
    assert seen == {True, False}


# The classes of callers against cvc5: no ARN is told apart from all of those that stand for them.


@pytest.fixture(scope="module")
def smt() -> ModuleType:
    try:
        import cvc5.pythonic as found
    except ImportError:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip("cvc5, which the test dependencies name, is not installed")
    assert isinstance(found, ModuleType)
    return found


def random_tests(chance: random.Random) -> list[str]:
    """Patterns of ARNs of users that a policy tells apart; a star is any text without a colon."""
    pieces = ["222222222222:user/bob", "222222222222:user/*", "*:user/b*b", "2*:user/*", "*:user/*/x", "*1:user/p/*",
              "333333333333:user/p/q", "*:user/?b*", "22222222222?:user/b*"]  # fmt: skip
    return [f"arn:aws:iam::{one}" for one in chance.sample(pieces, chance.randint(1, 6))]


@pytest.mark.slow
@pytest.mark.parametrize("seed", few_slow(range(12), 6))
def test_cvc5_finds_no_caller_whom_the_classes_leave_out(smt: ModuleType, seed: int) -> None:
    chance = random.Random(seed)
    tests = random_tests(chance)
    statements = [allow("*", Condition={"ArnLike": {"aws:PrincipalArn": one}}) for one in tests]
    outside = OutsideCallers([document(*statements).policy], "aws", Inside(frozenset({ID})), frozenset(), Bounds())
    arns = [one.principal.arn for one in outside.classes() if one.principal.kind is PrincipalKind.USER]
    assert list(outside.doubts()) == []

    def told(arn: str) -> tuple[bool, ...]:
        found = (re.escape(one).replace(r"\*", "[^:]*").replace(r"\?", "[^:]") for one in tests)
        return tuple(re.fullmatch(one, arn) is not None for one in found)

    assert len({told(arn) for arn in arns}) > 1
    digit, sign = smt.Range("0", "9"), smt.Union(smt.Range("a", "z"), smt.Range("0", "9"), smt.Re("/"))
    last = smt.Union(smt.Range("a", "z"), smt.Range("0", "9"))
    text = smt.String("arn")
    solver = smt.Solver()
    solver.set("tlimit-per", "30000")
    users = smt.Concat(smt.Re("arn:aws:iam::"), *[digit] * 12, smt.Re(":user/"), smt.Star(sign), last)
    solver.add(
        smt.InRe(text, users), smt.Not(smt.InRe(text, smt.Concat(smt.Re(f"arn:aws:iam::{ID}:"), smt.Star(sign))))
    )
    no_colon = smt.Union(smt.Range(" ", "9"), smt.Range(";", "~"))
    parts = {"*": smt.Star(no_colon), "?": no_colon}
    regexes = [
        smt.Concat(
            *(parts[piece] if piece in parts else smt.Re(piece) for piece in re.findall(r"[*?]|[^*?]+", one)),
            smt.Re(""),
        )
        for one in tests
    ]
    matches = [smt.InRe(text, one) for one in regexes]
    for vector in {told(arn) for arn in arns}:
        others = (smt.Not(found) if holds else found for found, holds in zip(matches, vector, strict=True))
        solver.add(smt.Or(*others, smt.BoolVal(False)))
    answer = str(solver.check())
    assert answer in ("unsat", "unknown"), solver.model()
    assert answer == "unsat" or seed > 0
