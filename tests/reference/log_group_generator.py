"""Requests about a log group under policies that name it in every form: alone, with its streams, with variables."""

from __future__ import annotations

from random import Random
from typing import Final

from .drawing import Json
from .vocabulary import A

_GROUP: Final = f"arn:aws:logs:us-east-1:{A}:log-group:"
_ENTRIES: Final = (
    *(_GROUP + name for name in ("app", "app:*", "app*", "app:log-stream:*", "z", "*", "${aws:PrincipalTag/g}")),
    *(_GROUP + name for name in ("${aws:SourceVpc}", "${aws:username}*p")),
    *("*", "arn:aws:logs:*:*:log-group:a?p", "arn:aws:*:*:*:*app", "arn:aws:logs:us", "arn:aws:logs:*app"),
)
_ASKED: Final = (
    *(_GROUP + name for name in ("app:log-stream:", "a*:log-stream:", "app:*", "app:log-stream:s", "*")),
    "*",
)
_ACTIONS: Final = ("logs:DeleteLogGroup", "logs:PutRetentionPolicy", "logs:TagResource", "logs:PutLogEvents")


def make_log_group_scenario(random: Random) -> Json:
    """A request about a log group, its streams, or a set of them."""
    request: Json = {
        "principal": f"arn:aws:iam::{A}:user/alice",
        "action": random.choice(_ACTIONS),
        "resource": random.choice(_ASKED),
    }
    if random.random() < 0.5:
        request["context"] = {"aws:PrincipalTag/g": random.choice(["app", "x"])}
    scenario: Json = {"request": request, "identity_policies": [_policy(random)]}
    if random.random() < 0.5:
        scenario["mode"] = "discover"
    if random.random() < 0.3:
        scenario["permissions_boundaries"] = [_policy(random)]
    return scenario


def _policy(random: Random) -> Json:
    statements = [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]
    statements += [_statement(random) for _ in range(random.randint(1, 3))]
    return {"name": "p", "document": {"Version": "2012-10-17", "Statement": statements}}


def _statement(random: Random) -> Json:
    element = random.choice(["Resource", "Resource", "Resource", "NotResource"])
    statement: Json = {
        "Effect": random.choice(["Allow", "Deny"]),
        "Action": random.choice(["logs:*", "logs:Delete*", "*"]),
        element: random.sample(_ENTRIES, random.randint(1, 2)),
    }
    if random.random() < 0.3:
        statement["Condition"] = {random.choice(["StringEquals", "StringNotEquals"]): {"aws:SourceVpc": "v1"}}
    return statement
