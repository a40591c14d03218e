"""Random accounts with an organization around them, and questions about them: small, so that things really match."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from iamtui.account.model import (
    Account,
    AttachedPolicy,
    Fact,
    Group,
    InlinePolicy,
    Known,
    ManagedPolicy,
    Missing,
    Organization,
    OrganizationLevel,
    OrganizationPolicy,
    PolicyVersion,
    ResourcePolicy,
    Role,
    User,
)
from iamtui.engine.decision import Layer
from iamtui.engine.request import Mode, Principal, PrincipalKind, principal_from_text
from iamtui.policy.document import DocumentPool, PolicyDocument
from iamtui.questions.question import Question
from tests.reference.drawing import Draws, Json

from .vocabulary import (
    ABOUT_CALLERS,
    ACTIONS,
    BOUNDARY,
    GIVEN,
    GONE,
    KEY,
    KEYS,
    MANAGED,
    NOON,
    OTHER_BOUNDARY,
    QUEUE,
    RESOURCES,
    ROLES,
    SERVICES,
    USERS,
    A,
    B,
)

SCOPE_DOWNS = tuple(
    PolicyDocument.of({"Version": "2012-10-17", "Statement": statement}).raw
    for statement in (
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Allow", "NotAction": ["sqs:Send*", "iam:Get*"], "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringLike": {"aws:PrincipalArn": ["*a*", "*/b*"]}},
        },
        [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {
                "Effect": "Deny",
                "Action": "*",
                "Resource": "*",
                "Condition": {"Null": {"aws:PrincipalTag/team": "true"}},
            },
        ],
    )
)
"""Policies that scope credentials down: some of their conditions tell the callers apart."""


class AccountMaker(Draws):
    """Makes one account after another; of equal seeds, equal ones that share no object."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self._pool = DocumentPool()
        # Few services and keys in one account, so that what is said of them meets.
        self.services: tuple[str, ...] = tuple(random.sample(SERVICES, 2))
        of_services = tuple(one for one in KEYS if one[0].partition(":")[0] in self.services)
        if "ec2" in self.services:
            of_services += tuple(one for one in KEYS if one[0] in ("aws:RequestTag/team", "aws:TagKeys"))
        self._keys = (*random.sample(KEYS, 8), *of_services, *of_services)
        self._keys_of_callers = tuple(random.sample(KEYS[:ABOUT_CALLERS], 3))

    def account(self) -> Account:
        """An account."""
        return Account(
            id=A,
            users=tuple(self._user(name, path) for name, path in USERS),
            groups=(Group("staff", "/", f"arn:aws:iam::{A}:group/staff", "AGPASTAFF", None, self._inline()),),
            roles=tuple(self._role(name, path) for name, path in ROLES),
            policies=(
                self._managed(MANAGED, "identity"),
                self._managed(BOUNDARY, "boundary"),
                self._managed(OTHER_BOUNDARY, "boundary"),
            ),
            organization=self._organization(),
            resource_policies={
                arn: self._resource_policy()
                for arn in ("arn:aws:s3:::b1", "arn:aws:s3:::b2", QUEUE, KEY, RESOURCES["dynamodb"][0])
                if self.chance(60)
            },
        )

    def _user(self, name: str, path: str) -> User:
        return User(
            name,
            path,
            f"arn:aws:iam::{A}:user{path}{name}",
            "" if self.chance(10) else f"AIDA{name.upper()}",
            None,
            groups=self.pick(((), ("staff",), ("staff",), ("no-such-group",)) if self.chance(20) else ((), ("staff",))),
            inline_policies=self._inline(),
            attached_policies=self._attached(),
            boundary_arn=self._boundary_arn(),
            tags=self._tags(),
        )

    def _role(self, name: str, path: str) -> Role:
        return Role(
            name,
            path,
            f"arn:aws:iam::{A}:role{path}{name}",
            f"AROA{name.upper()}",
            None,
            trust=self._document("trust"),
            inline_policies=self._inline(),
            attached_policies=self._attached(),
            boundary_arn=self._boundary_arn(),
            tags=self._tags(),
        )

    def _inline(self) -> tuple[InlinePolicy, ...]:
        return tuple(InlinePolicy(f"inline{i}", self._document("identity")) for i in range(self.pick((0, 1, 2))))

    def _attached(self) -> tuple[AttachedPolicy, ...]:
        arns = (MANAGED,) * self.chance(50) + (GONE,) * self.chance(2)
        return tuple(AttachedPolicy(arn.rsplit("/", 1)[-1], arn) for arn in arns)

    def _boundary_arn(self) -> str | None:
        return str(self.pick((BOUNDARY, OTHER_BOUNDARY) * 6 + (GONE,))) if self.chance(45) else None

    def _tags(self) -> tuple[tuple[str, str], ...]:
        return (("team", str(self.pick(("red", "blue", "alice")))),) if self.chance(60) else ()

    def _managed(self, arn: str, kind: str) -> ManagedPolicy:
        return ManagedPolicy(
            arn.rsplit("/", 1)[-1], "/", arn, "ANPAX", None, (PolicyVersion("v1", self._document(kind), True),)
        )

    def _resource_policy(self) -> ResourcePolicy:
        state = self.pick(("present", "present", "present", "none", "denied"))
        return ResourcePolicy(state, self._document("resource") if state == "present" else None)

    def _organization(self) -> Fact[Organization | None]:
        if self.chance(6):
            return Missing("may not be read", "organizations:DescribeOrganization")
        if self.chance(6):
            return Known(None)
        path = [
            OrganizationLevel("r-1", "Root", "ROOT", self._policies("scp"), self._policies("rcp")),
            OrganizationLevel("ou-1", "Unit", "ORGANIZATIONAL_UNIT", self._policies("scp"), self._policies("rcp")),
            OrganizationLevel(A, "Own", "ACCOUNT", self._policies("scp"), self._policies("rcp")),
        ]
        if self.chance(8):
            del path[self.random.randrange(3)]
        return Known(Organization("o-1", A if self.chance(6) else B, tuple(path)))

    def _policies(self, kind: str) -> Fact[tuple[OrganizationPolicy, ...]]:
        if self.chance(4):
            return Missing("may not be read", "organizations:ListPoliciesForTarget")
        found = [
            OrganizationPolicy(f"arn:p/{i}", f"{kind}{i}", self._document(kind)) for i in range(self.pick((0, 1, 2)))
        ]
        if self.chance(85):
            full = PolicyDocument.of({"Statement": [_everything("rcp" if kind == "rcp" else "")]})
            found.append(OrganizationPolicy("arn:p/full", "FullAccess", full))
        return Known(tuple(found))

    def _document(self, kind: str) -> PolicyDocument:
        if self.chance(1):
            return self._pool.document("{" if self.chance(50) else '{"Statement": 1}')
        statements = [self._statement(kind) for _ in range(self.pick((1, 1, 2, 3)))]
        if kind in ("identity", "boundary") and self.chance(50):
            statements.append(_everything(""))
        return self._pool.document({"Version": "2012-10-17", "Statement": statements})

    def _statement(self, kind: str) -> Json:
        denies = {"scp": 60, "rcp": 80, "identity": 20, "boundary": 20}.get(kind, 20)
        service = self.pick(self.services)
        made: Json = {"Effect": "Deny" if self.chance(denies) else "Allow"}
        if kind in ("trust", "resource", "rcp"):
            self._add_principal(made, kind)
        if kind == "trust":
            service = "sts"
        made["NotAction" if self.chance(15) else "Action"] = self.maybe_list(
            [self._action(service) for _ in range(self.pick((1, 1, 2)))]
        )
        if kind != "trust":
            made["NotResource" if self.chance(12) else "Resource"] = self.maybe_list(
                [self._resource(service) for _ in range(self.pick((1, 1, 2)))]
            )
        if self.chance(80 if made["Effect"] == "Deny" else 50):
            made["Condition"] = self._condition(kind)
        return made

    def _add_principal(self, statement: Json, kind: str) -> None:
        if kind == "rcp" and self.chance(92):
            statement["Principal"] = self.pick(("*", {"AWS": "*"}))
            return
        named: tuple[Any, ...] = (
            "*",
            {"AWS": A},
            {"AWS": f"arn:aws:iam::{A}:root"},
            {"AWS": f"arn:aws:iam::{A}:user/alice"},
            {"AWS": [f"arn:aws:iam::{A}:role/app", f"arn:aws:sts::{A}:assumed-role/app/s1"]},
            {"AWS": f"arn:aws:iam::{B}:root"},
            {"Service": "x.amazonaws.com"},
        )
        statement["NotPrincipal" if self.chance(8) else "Principal"] = self.pick(named)

    def _action(self, service: str) -> str:
        if self.chance(25):
            return "*"
        if self.chance(35):
            return f"{service}:*"
        action = str(self.pick(ACTIONS[service]))
        return str(self.pick((action, action, action.lower(), action[: len(service) + 3] + "*", f"{service}:*s")))

    def _resource(self, service: str) -> str:
        if self.chance(70):
            return "*"
        text = str(self.pick(RESOURCES[service]))
        if self.chance(20):
            return text[: self.random.randrange(4, len(text) + 1)] + "*" if len(text) > 4 else text
        if self.chance(15):
            variable = self.pick(("${aws:username}", "${aws:PrincipalTag/team}", "${aws:PrincipalAccount}"))
            return text.rsplit("/", 1)[0] + "/" + variable
        return text

    def _condition(self, kind: str) -> Json:
        made: Json = {}
        for _ in range(self.pick((1, 1, 2, 2, 3))):
            # What is settled for a class of callers, and what is for one of them, are the two halves of a residue.
            of_callers = kind in ("scp", "rcp", "boundary") and self.chance(40)
            key, operators, values = self.pick(self._keys_of_callers if of_callers else self._keys)
            operator = self.pick(operators)
            wanted: list[str] = [self.pick(values) for _ in range(self.pick((1, 1, 2)))]
            if self.chance(10):
                operator, wanted = "Null", [self.pick(("true", "false"))]
            elif self.chance(15):
                operator += "IfExists"
            elif self.chance(4):
                operator = f"{self.pick(('ForAllValues', 'ForAnyValue'))}:{operator.rsplit(':', 1)[-1]}"
            elif self.chance(1):
                operator = "StringSame"
            if self.chance(10):
                key = self.pick((key.lower(), key.upper()))
            block = made.setdefault(operator, {})
            if key.lower() not in map(str.lower, block):
                block[key] = self.maybe_list(wanted)
        return made


def _everything(kind: str) -> Json:
    made: Json = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    if kind == "rcp":
        made["Principal"] = "*"
    return made


def callers(account: Account) -> list[Principal]:
    """Users, roles and sessions, some of them twice with other credentials, and callers from elsewhere."""
    found = [Principal(PrincipalKind.USER, user.arn, A, unique_id=user.id or None) for user in account.users]
    found += [Principal(PrincipalKind.USER, user.arn, A, credentials="long_term") for user in account.users[:2]]
    found += [
        Principal(PrincipalKind.ROLE, role.arn, A, role_arn=role.arn, unique_id=role.id, credentials="temporary")
        for role in account.roles
    ]
    found += [
        principal_from_text(text, issuer=account.users[0].arn if "federated" in text else None)
        for text in (
            f"arn:aws:sts::{A}:assumed-role/app/s1",
            f"arn:aws:sts::{A}:assumed-role/app/s2",
            f"arn:aws:sts::{A}:assumed-role/deep/s1",
            f"arn:aws:sts::{A}:federated-user/fed",
            f"arn:aws:iam::{A}:user/nobody",
            f"arn:aws:iam::{B}:user/alice",
            f"arn:aws:iam::{B}:role/app",
            A,
            "anonymous",
            "x.amazonaws.com",
        )
    ]
    return found


class QuestionMaker(Draws):
    """Makes questions, most of them like others that were asked before.

    Args:
        services: what they are about.
    """

    def __init__(self, random: Random, services: tuple[str, ...]) -> None:
        super().__init__(random)
        self._services = services

    def question(self) -> Question:
        """A question."""
        service = self.pick(self._services)
        action = self.pick(ACTIONS[service])
        resource = self.pick(RESOURCES[self.pick(SERVICES) if self.chance(3) else service])
        return Question(
            action,
            resource,
            context=self.pick(GIVEN),
            mode=self.pick((Mode.DISCOVER, Mode.STRICT)),
            resource_account=self.pick((None, None, None, None, None, A, B)),
            layers_off=self.pick((frozenset(), frozenset((Layer.SCP,)))) if self.chance(6) else frozenset(),
            session_policies=('{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}',) * self.chance(3),
            region=self.pick(("eu-west-1", "us-east-1", "")),
            scope_downs=tuple(self.pick(SCOPE_DOWNS) for _ in range(self.pick((1, 2)))) if self.chance(6) else (),
        )

    def time(self) -> datetime:
        """The time of a request: one of a few seconds."""
        return NOON + timedelta(seconds=self.pick((0, 0, 0, 1, 2)))
