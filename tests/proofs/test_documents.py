"""Documents compared: by hand from AWS's documentation, sampled, and against cvc5 as an independent oracle."""

from __future__ import annotations

import os
import random
import re
from types import ModuleType
from typing import Any

import pytest

from iamtui.engine.decision import Outcome
from iamtui.engine.possible_requests import why_no_resource
from iamtui.policy.document import PolicyDocument
from iamtui.proofs.documents import ANYBODY, Comparison, find_broader
from iamtui.proofs.texts import Bounds
from tests.support.slow import few_slow

Statement = dict[str, Any]
BUCKET = "arn:aws:s3:::data"


def document(*statements: Statement, version: str = "2012-10-17") -> PolicyDocument:
    return PolicyDocument.of({"Version": version, "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> Statement:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def compared(one: PolicyDocument, other: PolicyDocument) -> Comparison:
    return find_broader(one, other, Bounds())


FROM = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
MFA_IF_THERE = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}


@pytest.mark.parametrize(
    ("one", "other", "proved"),
    [
        ([], [], True),
        ([allow("s3:GetObject")], [allow("s3:Get*")], True),
        ([allow("s3:Get*")], [allow("s3:GetObject")], False),
        ([allow("s3:*")], [allow("*")], True),
        ([allow("*")], [allow("s3:*")], False),
        ([allow("s3:GetObject", f"{BUCKET}/a*")], [allow("s3:GetObject", f"{BUCKET}/*")], True),
        ([allow("s3:GetObject", f"{BUCKET}/*")], [allow("s3:GetObject", f"{BUCKET}/a*")], False),
        # A union covers what no single pattern does: a name begins with a, or does not.
        (
            [allow("s3:GetObject", f"{BUCKET}/*")],
            [allow("s3:GetObject", f"{BUCKET}/a*"), {**allow("s3:*"), "NotResource": f"{BUCKET}/a*", "Resource": None}],
            True,
        ),
        # The ARN forms of an action's resource types say what there is: objects of buckets and of access points.
        ([allow("s3:GetObject")], [allow("s3:GetObject", "arn:aws:s3:::*/*")], False),
        ([allow("s3:GetObject")], [allow("s3:GetObject", ["arn:aws:s3:::*/*", "arn:aws:s3:*:*:accesspoint/*"])], True),
        # An explicit Deny wins (IAM User Guide: policy evaluation logic).
        ([allow("s3:*"), deny("s3:Delete*")], [allow("s3:*")], True),
        ([allow("s3:*")], [allow("s3:*"), deny("s3:Delete*")], False),
        ([allow("s3:*"), deny("s3:Delete*")], [allow("s3:*"), deny("s3:DeleteBucket")], True),
        # A condition only narrows an Allow, and widens what a Deny leaves.
        ([allow("s3:GetObject", Condition=FROM)], [allow("s3:GetObject")], True),
        ([allow("s3:GetObject")], [allow("s3:GetObject", Condition=FROM)], False),
        # The key is absent with access keys, so that only the IfExists form holds (global condition keys).
        ([allow("ec2:*", Condition=MFA)], [allow("ec2:*", Condition=MFA_IF_THERE)], True),
        ([allow("ec2:*", Condition=MFA_IF_THERE)], [allow("ec2:*", Condition=MFA)], False),
        # NotAction grants what is not named.
        ([{**allow(None), "NotAction": "iam:*"}], [allow("*"), deny("iam:*")], True),
        ([allow("*")], [{**allow(None), "NotAction": "iam:*"}], False),
        # Actions compare without regard to case, resources with.
        ([allow("S3:getobject")], [allow("s3:GetObject")], True),
        ([allow("s3:GetObject", f"{BUCKET}/A")], [allow("s3:GetObject", f"{BUCKET}/a")], False),
        # An action without resource types has the resource * (Service Authorization Reference).
        ([allow("s3:ListAllMyBuckets", BUCKET)], [], True),
        ([allow("s3:ListAllMyBuckets")], [allow("s3:ListAllMyBuckets", BUCKET)], False),
        # The same words about something unknown are the same for both.
        (
            [allow("s3:GetObject", f"{BUCKET}/${{aws:username}}/*")],
            [allow("s3:*", f"{BUCKET}/${{aws:username}}/*")],
            True,
        ),
    ],
)
def test_what_is_broader(one: list[Statement], other: list[Statement], proved: bool) -> None:
    documents = [
        document(*({k: v for k, v in each.items() if v is not None} for each in found)) for found in (one, other)
    ]
    found = compared(*documents)
    assert found.proved is proved, found
    if not proved:
        example = found.example
        assert example is not None
        outcomes = [ANYBODY.outcome(each, *example[:3]) for each in documents]
        assert outcomes[0] is Outcome.ALLOWED
        assert outcomes[1] is not Outcome.ALLOWED


def test_the_example_is_short() -> None:
    example = compared(document(allow("s3:GetObject", f"{BUCKET}/*")), document(allow("s3:*", f"{BUCKET}/??*"))).example
    assert example is not None
    assert (example.action, example.resource) == ("s3:GetObject", f"{BUCKET}/x")


def test_an_action_that_aws_may_add_is_not_overlooked() -> None:
    known = ["sqs:" + name for name in ("A*", "B*", "C*", "D*", "G*", "L*", "P*", "R*", "S*", "T*", "U*")]
    found = compared(document(allow("sqs:*")), document(allow(known)))
    assert found.example is None
    assert any("no known action is allowed" in reason for reason in found.reasons)


def test_a_variable_is_seen_where_its_value_is_known() -> None:
    one = document(allow("s3:GetObject", f"{BUCKET}/${{aws:username}}/*"))
    found = compared(one, document(allow("s3:GetObject", f"{BUCKET}/alice/*")))
    assert found.example is not None
    assert found.example[1:3] == (f"{BUCKET}/example/", {"aws:username": ("example",)})
    # In a document of 2008 the same text is no variable.
    old = document(allow("s3:GetObject", f"{BUCKET}/${{aws:username}}/*"), version="2008-10-17")
    assert not compared(one, old).proved
    assert compared(one, document(allow("s3:GetObject", f"{BUCKET}/*/*"))).proved


def test_work_is_bounded() -> None:
    other = document(allow("*", f"{BUCKET}*"), deny("ec2:*", "arn:*:*x*"))
    found = find_broader(document(allow("*")), other, Bounds(1))
    assert "it takes more than" in found.reasons[0]


OWN = {"aws:ResourceAccount": "${aws:PrincipalAccount}"}


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        # 198 of the policies that AWS manages compare the account of the resource with that of the caller.
        (
            {"StringEquals": OWN},
            {"aws:ResourceAccount": ("123456789012",), "aws:PrincipalAccount": ("123456789012",)},
        ),
        (
            {"StringNotEquals": OWN},
            {"aws:ResourceAccount": ("210987654321",), "aws:PrincipalAccount": ("123456789012",)},
        ),
        ({"StringLike": {"aws:RequestedRegion": "me-*"}}, {"aws:RequestedRegion": ("me-central-1",)}),
        ({"StringLike": {"aws:ResourceAccount": "????????????"}}, {"aws:ResourceAccount": ("123456789012",)}),
        (
            {"ArnLikeIfExists": {"aws:PrincipalArn": "arn:aws:iam::*:role/dev*"}},
            {"aws:PrincipalArn": ("arn:aws:iam::123456789012:role/dev",)},
        ),
        (
            {"ArnNotLikeIfExists": {"aws:PrincipalArn": "arn:aws:iam::*:ro*"}},
            {"aws:PrincipalArn": ("arn:aws:iam::123456789012:user/x",)},
        ),
        (
            {"StringEquals": {"aws:PrincipalTag/team": "${aws:ResourceTag/team}"}},
            {"aws:PrincipalTag/team": ("x",), "aws:ResourceTag/team": ("x",)},
        ),
        ({"NumericGreaterThan": {"s3:max-keys": "10"}}, {"s3:max-keys": ("11",)}),
        ({"NumericGreaterThan": {"s3:max-keys": "10.5"}}, {"s3:max-keys": ("11",)}),
    ],
)  # fmt: skip
def test_an_example_is_a_request_that_can_exist(condition: dict[str, Any], shown: dict[str, tuple[str, ...]]) -> None:
    example = compared(document(allow("s3:*", Condition=condition)), document(allow("iam:GetUser"))).example
    assert example is not None
    assert example.context == shown


HERE = "arn:aws:ec2:eu-west-1:*:instance/*"


@pytest.mark.parametrize(
    ("action", "resource", "condition"),
    [
        ("s3:ListBucket", "*", {"NumericGreaterThan": {"s3:max-keys": "10"}, "NumericLessThan": {"s3:max-keys": "11"}}),
        ("s3:ListBucket", "*", {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}),
        ("s3:ListBucket", "*", {"NumericLessThan": {"aws:EpochTime": "1000"}}),
        ("s3:ListBucket", "*", {"StringEquals": {"aws:ResourceAccount": "????????????"}}),
        (
            "ec2:StopInstances",
            "*",
            {"StringEquals": {"aws:ResourceTag/env": "dev"}, "Null": {"ec2:ResourceTag/env": "true"}},
        ),
        ("ec2:StopInstances", HERE, {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}),
        ("ec2:StopInstances", HERE, {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}),
    ],
)
def test_what_no_request_can_have_is_no_example(action: str, resource: str, condition: dict[str, Any]) -> None:
    found = compared(document(allow(action, resource, Condition=condition)), document(allow("iam:GetUser")))
    assert found.example is None
    assert found.reasons


@pytest.mark.parametrize(
    ("actions", "plain"),
    [("s3:*", "s3:GetObject"), ("ec2:*", "ec2:DescribeInstances"), ("lambda:*", "lambda:GetFunction")],
)
def test_the_action_of_an_example_is_a_common_one(actions: str, plain: str) -> None:
    example = compared(document(allow(actions)), document(allow("iam:GetUser"))).example
    assert example is not None
    assert example.action == plain


# Random documents: sampled, and cvc5.

PIECES = ["*", "a*", "*b", "a?", "ab*", "?b*", "ab", "a*b*", "b", "??"]
PREFIXES = ["*", "a*", "*b", "?", "ab"]
OBJECTS = ["a", "b", "ab", "ax", "xb", "abc", "bb", "axbx", "xx", "aab", "x"]
RESOURCES = ["arn:aws:s3:::example/x", *(f"{BUCKET}/{name}" for name in OBJECTS)]
VALUES: list[str | None] = [None, "a", "b", "ab", "axb", "xyz", "ba"]


def random_document(chance: random.Random) -> list[Statement]:
    return [random_statement(chance, effect="Allow"), *(random_statement(chance) for _ in range(chance.randint(0, 3)))]


def random_statement(chance: random.Random, *, effect: str = "") -> Statement:
    statement: Statement = {"Effect": effect or chance.choice(["Allow", "Deny"]), "Action": "s3:GetObject"}
    element = "NotResource" if chance.random() < 0.15 else "Resource"
    statement[element] = [f"{BUCKET}/{piece}" for piece in chance.sample(PIECES, chance.randint(1, 2))]
    if chance.random() < 0.4:
        operator = chance.choice(["StringLike", "StringNotLike", "StringLikeIfExists"])
        statement["Condition"] = {operator: {"aws:UserAgent": chance.sample(PREFIXES, chance.randint(1, 2))}}
    return statement


def holds(statement: Statement, text: str, agent: str | None) -> bool:
    """What a statement says of an ARN and a user agent, read once more from the documentation."""

    def matches(pattern: str, value: str) -> bool:
        return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value) is not None

    named = any(matches(one, text) for one in statement.get("Resource", statement.get("NotResource")))
    if named is not ("Resource" in statement):
        return False
    for operator, keys in statement.get("Condition", {}).items():
        found = agent is not None and any(matches(one, agent) for one in keys["aws:UserAgent"])
        if operator == "StringNotLike":
            found = not found
        elif operator == "StringLikeIfExists":
            found = found or agent is None
        if not found:
            return False
    return True


def allows(statements: list[Statement], text: str, agent: str | None) -> bool:
    said = {one["Effect"] for one in statements if holds(one, text, agent)}
    return said == {"Allow"}


@pytest.mark.parametrize("seed", range(6))
def test_no_sampled_request_contradicts_a_proof(seed: int) -> None:
    chance = random.Random(seed)
    answers = set()
    for _ in range(25):
        one, other = random_document(chance), random_document(chance)
        found = compared(document(*one), document(*other))
        answers.add(found.proved)
        broader = [
            (text, agent)
            for text in RESOURCES
            for agent in VALUES
            if allows(one, text, agent) and not allows(other, text, agent)
        ]
        if found.proved:
            assert broader == []
        else:
            assert found.example is not None, found.reasons
            agent = (*found.example.context.get("aws:UserAgent", ()), None)[0]
            text = found.example.resource
            assert allows(one, text, agent)
            assert not allows(other, text, agent)
            if broader:
                assert len(text.replace("example", "x")) <= min(len(one.replace("example", "x")) for one, _ in broader)
    assert answers == {True, False}


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


def regex(smt: ModuleType, pattern: str) -> Any:
    """A pattern as a regular expression of SMT-LIB; ARNs have no other characters than these here."""
    any_one = smt.Range(" ", "~")
    parts = [
        smt.Star(any_one) if one == "*" else any_one if one == "?" else smt.Re(one)
        for one in re.findall(r"[*?]|[^*?]+", pattern)
    ]
    return smt.Concat(*parts) if len(parts) > 1 else parts[0]


def _any(smt: ModuleType, text: Any, patterns: list[str]) -> Any:
    return smt.Or(*(smt.InRe(text, regex(smt, one)) for one in patterns), smt.BoolVal(False))


def formula(smt: ModuleType, statements: list[Statement], text: Any, agent: Any, is_there: Any) -> Any:
    said: dict[str, list[Any]] = {"Allow": [], "Deny": []}
    for one in statements:
        element = "Resource" if "Resource" in one else "NotResource"
        named = _any(smt, text, one[element])
        parts = [named if element == "Resource" else smt.Not(named)]
        for operator, keys in one.get("Condition", {}).items():
            like = smt.And(is_there, _any(smt, agent, keys["aws:UserAgent"]))
            holds = {
                "StringLike": like,
                "StringNotLike": smt.Not(like),
                "StringLikeIfExists": smt.Or(like, smt.Not(is_there)),
            }
            parts.append(holds[operator])
        said[one["Effect"]].append(smt.And(*parts, smt.BoolVal(True)))
    allowed, denied = (smt.Or(*said[effect], smt.BoolVal(False), smt.BoolVal(False)) for effect in ("Allow", "Deny"))
    return smt.And(allowed, smt.Not(denied))


@pytest.mark.slow
@pytest.mark.parametrize("seed", few_slow(range(100, 106), 3))
def test_cvc5_agrees(smt: ModuleType, seed: int) -> None:
    chance = random.Random(seed)
    answers = []
    for _ in range(20):
        one, other = random_document(chance), random_document(chance)
        found = compared(document(*one), document(*other))
        assert found.reasons == ()
        text, agent, is_there = smt.String("text"), smt.String("agent"), smt.Bool("there")
        solver = smt.Solver()
        solver.set("tlimit-per", "20000")
        printable = smt.Plus(smt.Range(" ", "~"))
        name = smt.Plus(smt.Union(smt.Range("a", "z"), smt.Range("0", "9")))
        # No pattern names anything but objects of a bucket: those of access points are like those of another one.
        solver.add(smt.InRe(text, smt.Concat(smt.Re("arn:aws:s3:::"), name, smt.Re("/"), printable)))
        solver.add(smt.InRe(agent, printable))
        solver.add(formula(smt, one, text, agent, is_there))
        solver.add(smt.Not(formula(smt, other, text, agent, is_there)))
        answer = str(solver.check())
        if answer == "unknown":
            continue
        answers.append(answer)
        assert (answer == "unsat") is found.proved, (one, other)
    assert len(answers) > 15


VOLUMES = "arn:aws:ec2:eu-*:123456789012:volume/*"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Of all services, one is named in a resource or condition key alone.
        (allow("*", "arn:aws:dynamodb:*:*:table/x"), allow("s3:*")),
        (allow("*", Condition={"StringEquals": {"ec2:InstanceType": "t3.micro"}}), allow("s3:*")),
        # The shortest names of Regions are those of none that is known.
        (allow("ec2:DeleteVolume", VOLUMES), allow("ec2:DeleteVolume", VOLUMES, Condition=FROM)),
        (allow("ec2:DeleteVolume", "arn:aws:ec2:*-1:*:volume/*"), allow("ec2:DeleteVolume", VOLUMES)),
    ],
)
def test_an_example_is_of_a_service_and_region_that_are_known(one: Statement, other: Statement) -> None:
    example = compared(document(one), document(other)).example
    assert example is not None
    assert not why_no_resource(example.resource)
