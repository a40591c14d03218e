"""Random scenarios: policies of every kind, callers of every kind, and the corners of the rules.

One function makes a scenario out of a `random.Random`; the long run seeds it, and hypothesis drives it through
`scenarios()`, so that both see the same kind of cases.
"""

from __future__ import annotations

import copy
from random import Random
from typing import ClassVar

from hypothesis import strategies as st

from .callers import read_caller
from .drawing import Json
from .statement_maker import StatementMaker
from .vocabulary import CALLERS, FROM_CALLER, OUTSIDERS, PROVIDER_CALLERS, QUESTIONS, A, B

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
    "not_principal_allow_grants",
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


class Maker(StatementMaker):
    """Makes whole scenarios, of parts that are each related to the request so that they may match."""

    everything_granted: ClassVar = {"resource": 15, "identity": 20}
    """How often a document allows the action on everything besides, in a hundred; other kinds more often than not."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.policies = 0

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
        self.add_scope_downs(result)
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
        for key in self.keys:
            given = 3 if key in FROM_CALLER else 20 if discover else 40
            if self.chance(given):
                context[self.any_case(key)] = self.context_value(key)
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

    def add_scope_downs(self, scenario: Json) -> None:
        """Policies that scope the caller's credentials down, where it has any that can be."""
        caller = read_caller(scenario["request"])
        may_be = (caller.has_own_policies or caller.kind == "root") and caller.credentials != "long_term"
        if may_be and self.chance(25):
            scenario["scope_down_policies"] = self.named("scope_down", most=self.pick([2, 3]))

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
                self.add_principal(broad, layer)
            statements.insert(self.random.randrange(len(statements) + 1), broad)
        result: Json = {}
        if self.chance(95):
            result["Version"] = "2012-10-17" if self.chance(88) else "2008-10-17"
        result["Statement"] = self.maybe_list(statements)
        return result
