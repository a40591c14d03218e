"""Random statements that match a request, or nearly match it."""

from __future__ import annotations

from random import Random
from typing import Any

from .condition_maker import ConditionMaker
from .drawing import Json
from .vocabulary import CANONICAL, OIDC, QUESTIONS, A, B


class StatementMaker(ConditionMaker):
    """Makes statements, each related to who asks, the action and the resource."""

    denies = 24
    """How often a statement denies, in a hundred (in RCPs nearly always)."""
    excludes = 15
    """How often it has NotResource, in a hundred."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.caller: Json = {}
        self.action = ""
        self.resource = ""
        self.from_outside = False

    def statement(self, layer: str) -> Json:
        """One statement for a policy of this layer."""
        deny = self.chance(85 if layer == "rcp" else self.denies)
        result: Json = {"Effect": "Deny" if deny else "Allow"}
        if layer in ("resource", "rcp", "vpc_endpoint") or self.chance(2):
            self.add_principal(result, layer)
        result["NotAction" if self.chance(12) else "Action"] = self._actions()
        no_resource = 45 if layer == "resource" and self.action.lower().startswith("sts:") else 4
        if not self.chance(no_resource):
            result["NotResource" if self.chance(self.excludes) else "Resource"] = self._resources()
        if self.chance(65 if deny else 40):
            result["Condition"] = self.condition()
        return result

    def add_principal(self, statement: Json, layer: str) -> None:
        """A Principal or NotPrincipal element; sometimes none, where it is needed."""
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

    def starred(self, resource: str) -> str:
        """A question about a set: the resource with a star somewhere."""
        if resource == "*":
            return resource
        place = self.random.randrange(len(":".join(resource.split(":")[:3])) + 1, len(resource) + 1)
        lost = len(resource[place : place + self.random.randrange(4)].split(":", maxsplit=1)[0])
        return resource[:place] + "*" + resource[place + lost :]
