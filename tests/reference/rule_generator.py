"""Random scenarios about what AWS refuses whatever the policies say, and about calls that are checked twice."""

from __future__ import annotations

import copy
from random import Random
from typing import Any, ClassVar

from .drawing import Json
from .generator import Maker
from .vocabulary import CALLERS, KEYS, OIDC, RULE_KEYS, A, B

_ALICE = f"arn:aws:iam::{A}:user/alice"
_LONG_TERM: Json = {"principal": _ALICE, "credentials": "long_term"}
_TEMPORARY: Json = {"principal": _ALICE, "credentials": "temporary"}
_SESSION: Json = {"principal": f"arn:aws:sts::{A}:assumed-role/app/s1"}
_FEDERATED: Json = {"principal": f"arn:aws:sts::{A}:federated-user/fed1", "issuer": _ALICE}
_ROOT: Json = {"principal": f"arn:aws:iam::{A}:root", "credentials": "long_term"}
_CHINESE: list[Json] = [
    {"principal": f"arn:aws-cn:iam::{A}:user/alice", "credentials": "long_term"},
    {"principal": f"arn:aws-cn:sts::{A}:assumed-role/app/s1"},
    {"principal": f"arn:aws-us-gov:iam::{A}:root", "credentials": "long_term"},
]
_PROVIDERS: list[Json] = [
    {"principal": {"type": "Federated", "provider": OIDC}},
    {"principal": OIDC},
    {"principal": "accounts.google.com"},
]
_ANONYMOUS: Json = {"principal": {"type": "Anonymous"}}
_ROLE = f"arn:aws:iam::{A}:role/tgt"
_FUNCTION = f"arn:aws:lambda:us-east-1:{A}:function:f"

Topic = tuple[list[Json], list[str], list[str]]
"""Callers, actions and resources."""

TOPICS: dict[str, Topic] = {
    "partition": (
        [*_CHINESE, _LONG_TERM, _SESSION, _ROOT],
        ["s3:GetObject", "sqs:SendMessage", "iam:GetUser", "sts:AssumeRole"],
        [
            "arn:aws:s3:::b1/k",
            "arn:aws-cn:s3:::b1/k",
            f"arn:aws-cn:sqs:cn-north-1:{A}:q",
            f"arn:aws:sqs:us-east-1:{A}:q",
            f"arn:aws-cn:iam::{A}:user/alice",
            f"arn:aws-us-gov:iam::{A}:role/tgt",
        ],
    ),
    "root session": (
        [_LONG_TERM, _TEMPORARY, _SESSION, _ROOT, _FEDERATED],
        ["sts:AssumeRoot"],
        [
            *[f"arn:aws:iam::{B}:root"] * 6,
            f"arn:aws:iam::{A}:root",
            f"arn:aws-cn:iam::{B}:root",
            "*",
            "arn:aws:iam::*:root",
            f"arn:aws:iam::{A[:11]}*:root",
            f"arn:aws:iam::{B}:*",
        ],
    ),
    "alias": (
        [_LONG_TERM, _SESSION, _ROOT, {"principal": f"arn:aws:iam::{B}:user/xavier", "credentials": "long_term"}],
        ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"],
        [f"arn:aws:kms:us-east-1:{A}:alias/x"],
    ),
    "kind of credentials": (
        [_TEMPORARY, _TEMPORARY, {**_ROOT, "credentials": "temporary"}, _SESSION, _FEDERATED, _ROOT, _LONG_TERM],
        [
            "iam:GetUser",
            "iam:PassRole",
            "iam:CreateAccessKey",
            "sts:AssumeRole",
            "sts:TagSession",
            "sts:GetFederationToken",
            "sts:GetSessionToken",
            "sts:GetCallerIdentity",
            "sts:DecodeAuthorizationMessage",
            "sts:GetAccessKeyInfo",
        ],
        [_ALICE, f"arn:aws:iam::{A}:role/app", _ROLE, f"arn:aws:sts::{A}:federated-user/fed1", "*"],
    ),
    "anonymous": (
        [_ANONYMOUS],
        [
            "s3:GetObject",
            "sqs:SendMessage",
            "sns:Publish",
            "execute-api:Invoke",
            "lambda:InvokeFunction",
            "lambda:InvokeFunctionUrl",
            "es:ESHttpGet",
            "kms:Decrypt",
            "secretsmanager:GetSecretValue",
            "dynamodb:GetItem",
            "sts:AssumeRole",
            "sts:AssumeRoleWithWebIdentity",
            "ecr:BatchGetImage",
            "elasticfilesystem:ClientMount",
            "vpc-lattice-svcs:Invoke",
        ],
        [],
    ),
    "function URL": (
        [_LONG_TERM, _SESSION, _ROOT, _ANONYMOUS, {"principal": f"arn:aws:sts::{B}:assumed-role/ext/s9"}],
        ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"],
        [_FUNCTION],
    ),
    "policy about else": (
        [_LONG_TERM, _SESSION, _ROOT, {"principal": "lambda.amazonaws.com"}, {"principal": f"arn:aws:iam::{B}:user/x"}],
        [
            "es:ESHttpGet",
            "es:DeleteDomain",
            "logs:PutLogEvents",
            "logs:CreateLogStream",
            "logs:GetLogEvents",
            "logs:PutSubscriptionFilter",
            "codeartifact:PutRepositoryPermissionsPolicy",
            "codeartifact:ReadFromRepository",
        ],
        [],
    ),
    "web identity": (
        [*_PROVIDERS, *_PROVIDERS, _LONG_TERM, {"principal": "lambda.amazonaws.com"}],
        ["sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML", "sts:AssumeRole"],
        [_ROLE],
    ),
    "passed role": (
        [*CALLERS[:8], *CALLERS[10:14]],
        ["iam:PassRole"],
        [f"arn:aws:iam::{A}:role/app", f"arn:aws:iam::{B}:role/app", f"arn:aws:iam::{A}:role/aws-reserved/x/R"],
    ),
}
RESOURCES = {
    "s3": "arn:aws:s3:::b1/k",
    "sqs": f"arn:aws:sqs:us-east-1:{A}:q",
    "sns": f"arn:aws:sns:us-east-1:{A}:t",
    "execute-api": f"arn:aws:execute-api:us-east-1:{A}:a1b2/prod/GET/x",
    "lambda": _FUNCTION,
    "es": f"arn:aws:es:us-east-1:{A}:domain/d/x",
    "logs": f"arn:aws:logs:us-east-1:{A}:log-group:g:log-stream:s",
    "codeartifact": f"arn:aws:codeartifact:us-east-1:{A}:repository/d/r",
    "kms": f"arn:aws:kms:us-east-1:{A}:key/k1",
    "secretsmanager": f"arn:aws:secretsmanager:us-east-1:{A}:secret:s-AbCdEf",
    "dynamodb": f"arn:aws:dynamodb:us-east-1:{A}:table/t",
    "sts": _ROLE,
    "ecr": f"arn:aws:ecr:us-east-1:{A}:repository/r",
    "elasticfilesystem": f"arn:aws:elasticfilesystem:us-east-1:{A}:file-system/fs-1",
    "vpc-lattice-svcs": f"arn:aws:vpc-lattice:us-east-1:{A}:service/svc-1/x",
}
"""One resource for each service that is asked without credentials, or whose policies count only in part."""

KEYS_OF: dict[str, tuple[str, ...]] = {
    "root session": ("sts:TaskPolicyArn",),
    "alias": ("kms:RequestAlias", "kms:ResourceAliases"),
    "kind of credentials": ("aws:MultiFactorAuthPresent", "aws:AssumedRoot"),
    "function URL": ("lambda:InvokedViaFunctionUrl", "lambda:FunctionUrlAuthType"),
}
"""The keys that a topic is about."""


def make_rule_scenario(random: Random) -> Json:
    """One scenario, in the form of `iamtui simulate`."""
    return _RuleMaker(random).scenario()


class _RuleMaker(Maker):
    denies = 14
    excludes = 8
    everything_granted: ClassVar = {"resource": 45, "identity": 75}

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.topic = str(self.pick(list(TOPICS)))
        own = KEYS_OF.get(self.topic, ())
        others = self.random.sample(list(KEYS), 6)
        self.keys = {key: {**KEYS, **RULE_KEYS}[key] for key in (*own, *others)}
        self.own_keys = own

    def question(self) -> tuple[str, str]:
        _, actions, resources = TOPICS[self.topic]
        action = str(self.pick(actions))
        if self.topic in ("anonymous", "policy about else"):
            return action, RESOURCES[action.split(":", maxsplit=1)[0]]
        return action, str(self.pick(resources))

    def choose_caller(self) -> None:
        self.caller = copy.deepcopy(self.pick(TOPICS[self.topic][0]))

    def add_policies(self, scenario: Json) -> None:
        super().add_policies(scenario)
        if self.topic in ("anonymous", "policy about else", "web identity", "alias", "function URL") and self.chance(
            80
        ):
            scenario["resource_policy"] = self.document("resource")

    def scenario(self) -> Json:
        result = super().scenario()
        request = result["request"]
        request.pop("wildcard_only_action", None)
        for key in self.own_keys:
            named = {name.lower() for name in request.get("context", {})}
            if self.topic == "alias":
                request["context"] = {
                    name: value for name, value in request.get("context", {}).items() if name.lower() != key.lower()
                }
                for field in ("known_absent", "any_value"):
                    request[field] = [name for name in request.get(field, []) if name.lower() != key.lower()]
            elif key.lower() not in named and self.chance(75 if self.topic == "root session" else 40):
                request.setdefault("context", {})[key] = self.context_value(key)
        if self.topic == "root session":
            settings: Json = {"principal_in_management_account": self.chance(50)}
            if not settings["principal_in_management_account"]:
                settings["principal_in_iam_delegated_administrator"] = self.pick([True, True, True, False, None])
            if self.chance(8):
                settings["resource_in_management_account"] = True
            result["settings"] = settings
            request.pop("resource_account", None)
        if self.topic in ("passed role", "partition"):
            request.pop("resource_account", None)
        return result

    def condition(self) -> Json:
        """Seldom a condition, but for the keys that the topic is about."""
        return super().condition() if self.chance(60 if self.own_keys else 25) else {}

    def action_entry(self) -> str:
        if self.topic == "function URL" and self.chance(60):
            return str(self.pick(["lambda:InvokeFunctionUrl", "lambda:InvokeFunction", "lambda:Invoke*", "lambda:*"]))
        return super().action_entry()

    def resource_entry(self) -> str:
        if self.topic == "alias" and self.chance(60):
            front = f"arn:aws:kms:us-east-1:{A}:"
            return front + str(self.pick(["alias/x", "alias/*", "key/*", "key/k1", "key/k?", "key/*1", "*"]))
        return super().resource_entry()

    def _principal_entry(self) -> tuple[str, str]:
        if self.topic == "web identity" and self.chance(40):
            return str(self.pick(["Federated", "AWS"])), str(self.pick([OIDC, "accounts.google.com", "*"]))
        entry: tuple[str, str] = super()._principal_entry()
        return entry


def topic_of(seed: int) -> Any:
    """What the scenario of a seed is about."""
    return _RuleMaker(Random(seed)).topic
