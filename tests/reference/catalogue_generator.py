"""Random scenarios about sets of resources over all services that there are data about.

The entries of policies are made of ARN forms: those of the action, of other types of its service and of other
services; in the caller's account and partition and in others; with names, stars and near misses.
"""

from __future__ import annotations

import copy
from functools import cache
from random import Random
from typing import ClassVar

from .catalogue import actions_of, forms_of, needs_of, other_forms, services, types_of
from .drawing import Json
from .generator import Maker
from .sets import _VARIABLE
from .vocabulary import CALLERS, A, B

FAVOURITES = ("s3", "iam", "ec2", "kms", "sts", "dynamodb", "secretsmanager", "lambda", "sqs", "sns", "ecr", "logs")
NAMES = ("*", "*", "x", "a*", "a", "ab", "x*", "?", "b?", "aws", "aws/*", "aws-reserved/*", "x/y", "*/y", "")
CALLERS_OF_SETS = [*CALLERS[:2], CALLERS[3], CALLERS[6], CALLERS[10], CALLERS[12], CALLERS[8], CALLERS[16], CALLERS[18]]


def make_catalogue_scenario(random: Random) -> Json:
    """One scenario that asks about a set, in the form of `iamtui simulate`."""
    return _CatalogueMaker(random).scenario()


def make_needs_scenario(random: Random) -> Json:
    """One about an action of which one call needs resources of several types at once."""
    return _NeedsMaker(random).scenario()


def typed_action(random: Random) -> str:
    """An action that has resource types, of a service that is often asked about or of any."""
    while True:
        service = random.choice(FAVOURITES if random.random() < 0.5 else services())
        named = [entry["name"] for entry in actions_of(service).values() if entry["resourceTypes"]]
        if named:
            return f"{service}:{random.choice(named)}"


def covering(form: str, partition: str = "aws", account: str = "*", name: str = "*") -> str:
    """An entry that takes in all that has an ARN form; `name` stands for each variable of the sixth field."""
    fields = form.split(":", 5)
    service = _VARIABLE.sub("*", fields[2])
    owner = _VARIABLE.sub(account, fields[4])
    return ":".join(["arn", partition, service, _VARIABLE.sub("*", fields[3]), owner, _VARIABLE.sub(name, fields[5])])


def everything_but_all(action: str) -> Json:
    """A question about all resources of an action, of which everything is granted and every ARN form denied."""
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": action, "Resource": [covering(form) for form in forms_of(action)]}
    return _asked_by_alice(action, [allow, deny])


def only_other_types(action: str) -> Json | None:
    """A question about all resources of an action, of which only those of the service's other types are granted."""
    others = [covering(form) for form in other_forms(action)]
    return _asked_by_alice(action, [{"Effect": "Allow", "Action": "*", "Resource": others}]) if others else None


def _asked_by_alice(action: str, statements: list[Json]) -> Json:
    document = {"Version": "2012-10-17", "Statement": statements}
    request = {**CALLERS[0], "action": action, "resource": "*"}
    return {"request": request, "identity_policies": [{"name": "identity", "document": document}]}


class _CatalogueMaker(Maker):
    denies = 35
    excludes = 15
    everything_granted: ClassVar = {"resource": 25, "identity": 45}

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self._named: list[str] = []

    def question(self) -> tuple[str, str]:
        self.action = self.typed_action()
        self._own = forms_of(self.action)
        self._others = other_forms(self.action)
        if self.chance(60):
            return self.action, "*"
        filled = self.filled(self.pick(self._own if self.chance(90) else self._others or self._own), right=80)
        return self.action, filled if "*" in filled else self.starred(filled)

    def typed_action(self) -> str:
        """What is asked about."""
        return typed_action(self.random)

    def choose_caller(self) -> None:
        self.caller = copy.deepcopy(CALLERS[0] if self.chance(55) else self.pick(CALLERS_OF_SETS))

    def filled(self, form: str, *, right: int = 70) -> str:
        """An ARN of a form: stars, names and, this often in a hundred, the right partition and account."""
        fields = form.split(":", 5)
        partition = "aws" if self.chance(right + 15) else self.pick(["aws-cn", "*", "aws-us-gov"])
        result = ["arn", str(partition), _VARIABLE.sub("x", fields[2])]
        result.append(_VARIABLE.sub(lambda _: str(self.pick(["*", "us-east-1", "eu-*", "*-1"])), fields[3]))
        account = self.pick([A, A, "*"]) if self.chance(right) else self.pick([B, "*", "", "1*", "aws"])
        result.append(_VARIABLE.sub(lambda _: str(account), fields[4]))
        result.append(_VARIABLE.sub(lambda _: str(self.pick(NAMES)), fields[5]))
        return ":".join(result)

    def _forms(self) -> list[str]:
        kind = self.random.randrange(10)
        if kind < 6 or (kind < 9 and not self._others):
            return self._own
        if kind < 9:
            return self._others
        return [form for forms in types_of(self.pick(FAVOURITES)).values() for form in forms]

    def resource_entry(self) -> str:
        """An entry, often one that another statement has too."""
        if self._named and self.chance(35):
            return str(self.pick(self._named))
        if self.chance(12):
            return "*"
        entry = self.filled(self.pick(self._forms()))
        if self.chance(6):
            entry = self.mutated(entry)
        self._named.append(entry)
        return entry

    def _covering(self) -> list[str]:
        """Entries that take in all forms of the action, or all but a few things."""
        account = "*" if self.chance(60) else A
        return [
            covering(form, "aws" if self.chance(80) else "*", account, "*" if self.chance(93) else "a*")
            for form in self._own
        ]

    def add_policies(self, scenario: Json) -> None:
        """Nearly always identity policies, often a cap beside them, and now and then a Deny of all forms."""
        if self.chance(95):
            scenario["identity_policies"] = self.named("identity", most=2)
        if self.chance(20):
            scenario["permissions_boundaries"] = self.named("boundary", most=1)
        if self.chance(8):
            scenario["session_policies"] = self.named("session", most=1)
        if self.chance(18):
            scenario["resource_policy"] = self.document("resource")
        if self.chance(20):
            scenario["scps"] = [self.named("scp", most=2) for _ in range(self.pick([1, 1, 2]))]
        if self.chance(8):
            scenario["rcps"] = [self.named("rcp", most=1)]
        if self.chance(5):
            scenario["vpc_endpoint_policies"] = self.named("vpc_endpoint", most=1)
        if self.chance(30):
            self._deny_all_forms(scenario)

    def _deny_all_forms(self, scenario: Json) -> None:
        allow = {"Effect": "Allow", "Action": self.pick(["*", self.action]), "Resource": "*"}
        deny = {"Effect": "Deny", "Action": self.action, "Resource": self._covering()}
        document = {"Version": "2012-10-17", "Statement": [allow, deny]}
        everything = {"Version": "2012-10-17", "Statement": allow}
        if self.chance(30):
            scenario.setdefault("scps", []).append([{"name": "guard", "document": document}])
            scenario["identity_policies"] = [{"name": "everything", "document": everything}]
        else:
            scenario["identity_policies"] = [{"name": "all but all", "document": document}]

    def condition(self) -> Json:
        """Few conditions: a statement that may match is of more use here than one that does not."""
        return super().condition() if self.chance(15) else {}


@cache
def _needing_several(service: str) -> list[str]:
    named = [f"{service}:{entry['name']}" for entry in actions_of(service).values()]
    return [action for action in named if needs_of(action)[0]]


class _NeedsMaker(_CatalogueMaker):
    """Policies that often grant, or deny, all of one type and leave the others."""

    def typed_action(self) -> str:
        service = self.pick(["ec2", "ec2", "glue", "kms", "ecs", "rds", "bedrock", "chime"])
        if self.chance(20):
            service = self.pick([one for one in services() if _needing_several(one)])
        return "ec2:RunInstances" if self.chance(20) else str(self.pick(_needing_several(service)))

    def resource_entry(self) -> str:
        if self.chance(45):
            return covering(str(self.pick(self._own)))
        return super().resource_entry()

    def _covering(self) -> list[str]:
        return self.random.sample(super()._covering(), self.random.randrange(1, len(self._own) + 1))
