"""Random scenarios: policies of every kind, callers of every kind, and the corners of the rules.

One function makes a scenario out of a `random.Random`; the long run seeds it, and hypothesis drives it through
`scenarios()`, so that both see the same kind of cases.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar

from hypothesis import strategies as st

from .vocabulary import (
    CALLERS,
    CANONICAL,
    EXTRA_VALUES,
    FROM_CALLER,
    KEYS,
    MULTIVALUED,
    OIDC,
    OPERATORS_FOR,
    OUTSIDERS,
    PROVIDER_CALLERS,
    QUESTIONS,
    STRING_OPERATORS,
    TEXT_EXTRAS,
    A,
    B,
)

Json = dict[str, Any]

SWITCHES = (
    "substitute_variables_in_bool",
    "anonymous_userid",
    "deny_federated_without_session_policy",
    "role_grant_limited_by_caps",
    "trailing_star_crosses_colons",
    "list_buckets_on_bucket_arn",
    "bare_star_in_arn_operator",
    "star_allow_includes_services",
    "trust_aws_star_admits_everyone",
    "block_public_access_is_explicit",
    "wildcards_in_substituted_values",
    "not_principal_root_required",
    "legacy_role_self_trust",
)
"""Options whose other value has one meaning only."""

OFF_BY_DEFAULT = (
    "trust_aws_star_admits_everyone",
    "wildcards_in_substituted_values",
    "not_principal_root_required",
    "legacy_role_self_trust",
)


def scenarios() -> st.SearchStrategy[Json]:
    """A hypothesis strategy of scenarios."""
    return st.randoms(use_true_random=False).map(make_scenario)


def make_scenario(random: Random) -> Json:
    """One scenario, in the form of `iamtui simulate`."""
    return Maker(random).scenario()


def extra_deny(random: Random, scenario: Json, layer: str) -> Json:
    """One more Deny statement for a policy of a scenario."""
    maker = Maker(random)
    request = scenario["request"]
    maker.caller, maker.action, maker.resource = request, request["action"], request["resource"]
    return {**maker.statement(layer), "Effect": "Deny"}


class Maker:
    """Makes the parts of a scenario, each related to the request so that it may match."""

    denies = 24
    """How often a statement denies, in a hundred (in RCPs nearly always)."""
    excludes = 15
    """How often it has NotResource, in a hundred."""
    everything_granted: ClassVar = {"resource": 15, "identity": 20}
    """How often a document allows the action on everything besides, in a hundred; other kinds more often than not."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.policies = 0
        self.caller: Json = {}
        self.action = ""
        self.resource = ""
        self.from_outside = False

    def chance(self, percent: int) -> bool:
        """True this often."""
        return self.random.randrange(100) < percent

    def pick(self, options: Sequence[Any]) -> Any:
        """One of the options."""
        return options[self.random.randrange(len(options))]

    def maybe_list(self, values: list[Any]) -> Any:
        """A list of one may be written without brackets."""
        return values[0] if len(values) == 1 and self.chance(60) else values

    # Request.

    def question(self) -> tuple[str, str]:
        """An action and a resource."""
        actions, resources = self.pick(QUESTIONS)
        return self.pick(actions), self.pick(resources)

    def choose_caller(self) -> None:
        """Who asks."""
        self.caller = copy.deepcopy(self.pick(CALLERS))
        if self.action.startswith("sts:AssumeRoleWith") and self.chance(70):
            self.caller = copy.deepcopy(self.pick(PROVIDER_CALLERS))
        if self.resource.startswith("arn:aws:s3:") and self.chance(25):
            self.caller = copy.deepcopy(self.pick(OUTSIDERS))
            self.from_outside = True

    def scenario(self) -> Json:
        """The whole scenario."""
        self.action, self.resource = self.question()
        self.choose_caller()
        result: Json = {"mode": "discover"} if self.chance(45) else {}
        result["request"] = self._request(discover=bool(result))
        self.add_policies(result)
        settings: Json = {}
        if self.chance(8):
            settings["principal_in_management_account"] = True
        if self.chance(8):
            settings["resource_in_management_account"] = True
        if self.chance(35 if self.resource.startswith("arn:aws:s3:") else 3):
            settings["s3"] = {"restrict_public_buckets": True}
        if settings:
            result["settings"] = settings
        if self.chance(15):
            switch = self.pick(SWITCHES)
            result["options"] = {switch: switch in OFF_BY_DEFAULT}
        return result

    def _request(self, *, discover: bool) -> Json:
        request: Json = {**self.caller, "action": self.action, "resource": self.resource}
        if self.from_outside and self.chance(85):
            request["resource_account"] = A
        elif self.chance(25):
            request["resource_account"] = self.pick([A, A, B, "aws"])
        elif self.action.lower().startswith("s3:") and self.chance(50):
            request["resource_account"] = A
        if self.chance(6):
            request["wildcard_only_action"] = self.chance(50)
        context: Json = {}
        absent: list[str] = []
        present: list[str] = []
        for key in KEYS:
            given = 3 if key in FROM_CALLER else 20 if discover else 40
            if self.chance(given):
                context[self._any_case(key)] = self.context_value(key)
            elif discover and self.chance(3 if key in FROM_CALLER else 20):
                # A value of aws:PrincipalArn would tell the path of a session's role, which names the caller.
                self.pick([absent, absent if key == "aws:PrincipalArn" else present]).append(key)
        if context:
            request["context"] = context
        if absent:
            request["known_absent"] = absent
        if present:
            request["any_value"] = present
        return request

    def _any_case(self, key: str) -> str:
        return str(self.pick([key.upper(), key.lower()])) if self.chance(8) else key

    def context_value(self, key: str) -> Any:
        """Values of a key in the request."""
        most = 3 if key in MULTIVALUED else 1
        if self.chance(4):
            most = self.pick([0, 2])
        values = list(dict.fromkeys(self.pick(KEYS[key]) for _ in range(most)))
        return self.maybe_list(values)

    # Policies.

    def add_policies(self, scenario: Json) -> None:
        """The policies of all layers."""
        if self.chance(75):
            scenario["identity_policies"] = self.named("identity", most=2)
        if self.chance(22):
            scenario["permissions_boundaries"] = self.named("boundary", most=1)
        if self.chance(22):
            scenario["session_policies"] = self.named("session", most=2)
        if self.chance(90 if self.from_outside else 60) or ":alias/" in self.resource:
            scenario["resource_policy"] = self.document("resource")
        if self.chance(15):
            scenario["vpc_endpoint_policies"] = self.named("vpc_endpoint", most=2)
        for field, layer, percent in (("scps", "scp", 25), ("rcps", "rcp", 20)):
            if self.chance(percent):
                scenario[field] = [self.named(layer, most=2) for _ in range(self.random.randrange(3))]

    def named(self, layer: str, most: int) -> list[Json]:
        """Policies of a layer, mostly one."""
        count = most if self.chance(40) else self.pick([1, 1, 1, 0])
        return [{"name": self._name(layer), "document": self.document(layer)} for _ in range(count)]

    def _name(self, layer: str) -> str:
        self.policies += 1
        return f"{layer}-{self.policies}"

    def document(self, layer: str) -> Json:
        """A policy document for a layer."""
        statements = [self.statement(layer) for _ in range(self.pick([1, 1, 2, 2, 3]))]
        if layer != "rcp" and self.chance(self.everything_granted.get(layer, 65)):
            broad: Json = {"Effect": "Allow", "Action": self.pick(["*", self.action]), "Resource": "*"}
            if layer in ("resource", "vpc_endpoint"):
                self._add_principal(broad, layer)
            statements.insert(self.random.randrange(len(statements) + 1), broad)
        result: Json = {}
        if self.chance(95):
            result["Version"] = "2012-10-17" if self.chance(88) else "2008-10-17"
        result["Statement"] = self.maybe_list(statements)
        return result

    def statement(self, layer: str) -> Json:
        """One statement for a policy of this layer."""
        deny = self.chance(85 if layer == "rcp" else self.denies)
        result: Json = {"Effect": "Deny" if deny else "Allow"}
        if layer in ("resource", "rcp", "vpc_endpoint") or self.chance(2):
            self._add_principal(result, layer)
        result["NotAction" if self.chance(12) else "Action"] = self._actions()
        no_resource = 45 if layer == "resource" and self.action.lower().startswith("sts:") else 4
        if not self.chance(no_resource):
            result["NotResource" if self.chance(self.excludes) else "Resource"] = self._resources()
        if self.chance(65 if deny else 40):
            result["Condition"] = self.condition()
        return result

    def _add_principal(self, statement: Json, layer: str) -> None:
        if layer in ("rcp", "vpc_endpoint") and self.chance(80):
            statement["Principal"] = "*"
            return
        if self.chance(4):
            return
        element = "NotPrincipal" if self.chance(12) else "Principal"
        if self.chance(40 if self.from_outside else 18):
            statement[element] = self.pick(["*", "*", {"AWS": "*"}, {"AWS": ["*"]}])
            return
        principals: dict[str, list[str]] = {}
        for _ in range(self.pick([1, 1, 1, 2, 3])):
            kind, value = self._principal_entry()
            principals.setdefault(kind, []).append(value)
        if self.chance(2):
            statement[element] = {"AWS": []}
        elif self.chance(3) and list(principals) == ["AWS"]:
            statement[element] = principals["AWS"][0]
        else:
            statement[element] = {kind: self.maybe_list(values) for kind, values in principals.items()}

    def _principal_entry(self) -> tuple[str, str]:
        principal = self.caller["principal"]
        if isinstance(principal, str) and self.chance(70):
            if principal.endswith(".amazonaws.com"):
                return "Service", principal
            if not principal.startswith("arn:") or ":oidc-provider/" in principal:
                return "Federated", principal
            account = principal.split(":")[4]
            own = [principal, principal, account, f"arn:aws:iam::{account}:root"]
            parts = principal.split("/")
            if ":assumed-role/" in principal:
                own += [f"arn:aws:iam::{account}:role/{parts[1]}", f"arn:aws:iam::{account}:role/a/b/{parts[1]}"]
            if ":role/" in principal:
                own += [f"arn:aws:sts::{account}:assumed-role/{parts[-1]}/{session}" for session in ("s1", "s2")]
            if self.caller.get("issuer"):
                own.append(self.caller["issuer"])
            return "AWS", self.pick(own)
        entry: tuple[str, str] = self.pick(
            [
                ("AWS", A),
                ("AWS", B),
                ("AWS", f"arn:aws:iam::{A}:root"),
                ("AWS", f"arn:aws:iam::{A}:user/alice"),
                ("AWS", f"arn:aws:iam::{A}:user/Alice"),
                ("AWS", f"arn:aws:iam::{A}:user/*"),
                ("AWS", f"arn:aws:iam::{A}:role/deep"),
                ("AWS", f"arn:aws:iam::{A}:role/app"),
                ("AWS", f"arn:aws:sts::{A}:assumed-role/app/s1"),
                ("AWS", f"arn:aws:sts::{A}:assumed-role/app/*"),
                ("AWS", f"arn:aws:sts::{A}:federated-user/fed1"),
                ("AWS", "AIDADELETEDUSEREXAMPLE"),
                ("AWS", "*"),
                ("Service", "cloudtrail.amazonaws.com"),
                ("Service", "*"),
                ("Federated", OIDC),
                ("CanonicalUser", CANONICAL),
            ]
        )
        return entry

    def _actions(self) -> Any:
        if self.chance(2):
            return []
        return self.maybe_list([self.action_entry() for _ in range(self.pick([1, 1, 1, 2]))])

    def action_entry(self) -> str:
        """An Action entry that names, or nearly names, the action."""
        service, name = self.action.split(":")
        if self.chance(85):
            return str(
                self.pick(
                    [
                        self.action,
                        self.action,
                        "*",
                        f"{service}:*",
                        f"{service}:{name[:3]}*",
                        f"{service}:*{name[-4:]}",
                        f"{service}:{name[:2]}?{name[3:]}",
                        self.action.upper(),
                        self.action.lower(),
                        "*:*",
                    ]
                )
            )
        return str(
            self.pick(
                [
                    "s3:*",
                    "iam:*",
                    "ec2:*",
                    "sts:*",
                    "kms:*",
                    f"{service}:",
                    f"{self.action} ",
                    f"*:{name}",
                    f"{service[:1]}*:{name}",
                    f"{service}:{name[:-1]}",
                    f"{service}:{name},{service}:*",
                    service,
                    "**",
                ]
            )
        )

    def _resources(self) -> Any:
        if self.chance(2):
            return []
        return self.maybe_list([self.resource_entry() for _ in range(self.pick([1, 1, 1, 2, 3]))])

    def resource_entry(self) -> str:
        """A Resource entry that names, or nearly names, the resource."""
        if self.chance(45) or (self.resource == "*" and self.chance(40)):
            return "*"
        base = self.resource
        if base == "*" or self.chance(12):
            base = self.pick(self.pick(QUESTIONS)[1])
        for _ in range(self.pick([0, 0, 1, 1, 2])):
            base = self.mutated(base)
        return str(base)

    def mutated(self, arn: str) -> str:
        """An ARN pattern close to the ARN: starred, cut short, with a variable, or slightly wrong."""
        if not arn.startswith("arn:"):
            return arn
        fields = arn.split(":", 5)
        place = self.random.randrange(4, len(arn) + 1)
        kind = self.random.randrange(11)
        if kind == 0:
            return arn[:place] + "*"
        if kind == 1:
            return arn[:place] + "?" + arn[place + 1 :]
        if kind == 2:
            end = min(len(arn), place + self.random.randrange(6))
            return arn[:place] + "*" + arn[end:]
        if kind == 3:
            return ":".join(fields[: self.random.randrange(2, 6)])
        if kind == 4:
            return ":".join(fields[: self.random.randrange(2, 6)]) + ":*"
        if kind == 5 and len(fields) == 6:
            fields[self.random.randrange(1, 6)] = "*"
            return ":".join(fields)
        if kind == 6:
            return arn.replace("alice", "${aws:username}").replace("b1", "${aws:PrincipalTag/t}")
        if kind == 7 and len(fields) == 6:
            variable: str = self.pick(
                ["${aws:PrincipalTag/t}", "${aws:PrincipalTag/t, 'k'}", "${*}", "${aws:TagKeys}", "${s3:prefix}", "${}"]
            )
            return ":".join([*fields[:5], variable]) + str(self.pick(["", "*", "/k"]))
        if kind == 8 and len(fields) == 6:
            tail: str = self.pick(["*", "/*", "/k", ":*", "${aws:username}", "/${aws:PrincipalTag/t}"])
            return arn + tail
        if kind == 9:
            return arn[:place].upper() if self.chance(50) else arn[:place]
        return ":".join([*fields[:3], self.pick(["", "us-east-1", "us-*", "*", "us-east-?"]), *fields[4:]])

    # Conditions.

    def starred(self, resource: str) -> str:
        """A question about a set: the resource with a star somewhere."""
        if resource == "*":
            return resource
        place = self.random.randrange(len(":".join(resource.split(":")[:3])) + 1, len(resource) + 1)
        lost = len(resource[place : place + self.random.randrange(4)].split(":", maxsplit=1)[0])
        return resource[:place] + "*" + resource[place + lost :]

    def condition(self) -> Json:
        """A Condition block."""
        result: Json = {}
        for _ in range(self.pick([1, 1, 1, 2, 3])):
            key = self.pick(list(KEYS))
            if self.chance(1):
                key = "noprefix"
            block = result.setdefault(self._operator(key), {})
            if key.lower() not in (other.lower() for other in block):
                block[self._any_case(key)] = self._policy_values(key)
        return result

    def _operator(self, key: str) -> str:
        name = self.pick(OPERATORS_FOR.get(key, STRING_OPERATORS))
        if self.chance(8):
            name = "Null"
        elif self.chance(5):
            name = self.pick([*STRING_OPERATORS, "ArnLike", "NumericEquals", "Bool", "NotIpAddress", "DateEquals"])
        elif self.chance(2):
            name = self.pick(["StringSame", "NullIfExists", "stringequals", "IpEquals"])
        if name != "Null" and self.chance(20):
            name += "IfExists"
        if self.chance(60 if key in MULTIVALUED else 4):
            name = self.pick(["ForAllValues:", "ForAnyValue:"]) + name
        return str(name)

    def _policy_values(self, key: str) -> Any:
        if self.chance(2):
            return []
        values = [self._policy_value(key) for _ in range(self.pick([1, 1, 1, 2, 3]))]
        if self.chance(6):
            values = [self.pick(["true", "false", True, False])]
        return self.maybe_list(values)

    def _policy_value(self, key: str) -> Any:
        own = KEYS.get(key, ["x"])
        if self.chance(50):
            return self.pick(own)
        extras = EXTRA_VALUES.get(key, TEXT_EXTRAS)
        return self.pick(extras)
