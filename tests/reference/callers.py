"""Who calls: read from the request of a scenario."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

FEDERATION_ACTIONS = ("sts:assumerolewithsaml", "sts:assumerolewithwebidentity")


@dataclass(frozen=True)
class Caller:
    """One caller.

    `kind` is root, user, session, role (a session of it, name unknown), federated, service, provider, canonical
    or anonymous; `name` the user, service, provider or canonical id; `session` the session name if known.
    """

    kind: str
    arn: str = ""
    account: str | None = None
    partition: str = ""
    name: str = ""
    role_arn: str = ""
    role_path_known: bool = False
    role_name: str = ""
    session: str | None = None
    issuer: str | None = None
    credentials: str | None = None

    @property
    def service_linked(self) -> bool:
        """Whether this is a session of a service-linked role: by its path or by its name."""
        return bool(self.role_arn) and is_service_linked_role(self.role_arn)

    @property
    def has_own_policies(self) -> bool:
        """Whether identity policies, a boundary and session policies can belong to this caller."""
        return self.kind in ("user", "session", "role", "federated")


def is_service_linked_role(arn: str) -> bool:
    """Whether a role ARN is that of a service-linked role."""
    resource = arn.split(":", 5)[5]
    return resource.startswith("role/aws-service-role/") or resource.split("/")[-1].startswith("AWSServiceRoleFor")


def _told_role(request: dict[str, Any], roles: str, name: str) -> str | None:
    """The ARN of a session's role, where the context gives it, or None."""
    for key, given in (request.get("context") or {}).items():
        if key.lower() == "aws:principalarn":
            values = given if isinstance(given, list) else [given]
            if len(values) == 1 and values[0].startswith(roles) and values[0].split("/")[-1] == name:
                return str(values[0])
    return None


def read_caller(request: dict[str, Any], *, session: str | None = None) -> Caller:
    """The caller of a request; `session` gives a caller named by a role ARN its session name."""
    principal = request["principal"]
    credentials = request.get("credentials")
    if isinstance(principal, dict):
        if principal["type"] == "Anonymous":
            return Caller("anonymous")
        return Caller("provider", name=principal["provider"])
    if re.fullmatch(r"[0-9]{12}", principal):
        principal = f"arn:aws:iam::{principal}:root"
    if not principal.startswith("arn:"):
        if request["action"].lower() in FEDERATION_ACTIONS:
            return Caller("provider", name=principal)
        if re.fullmatch(r"[0-9a-fA-F]{64}", principal):
            return Caller("canonical", name=principal)
        return Caller("service", name=principal)
    _, partition, service, _, account, resource = principal.split(":", 5)
    kind, *rest = resource.split("/")
    common = {"arn": principal, "account": account, "partition": partition, "credentials": credentials}
    if service == "sts" and kind == "assumed-role":
        roles = f"arn:{partition}:iam::{account}:role/"
        told = _told_role(request, roles, rest[0])
        return Caller(
            "session",
            role_arn=told or roles + rest[0],
            role_path_known=told is not None,
            role_name=rest[0],
            session=rest[1],
            **common,
        )
    if service == "sts" and kind == "federated-user":
        return Caller("federated", name=rest[0], issuer=request.get("issuer"), **common)
    if resource == "root":
        return Caller("root", **common)
    if kind == "user":
        return Caller("user", name=rest[-1], **common)
    if kind == "role":
        return Caller("role", role_arn=principal, role_path_known=True, role_name=rest[-1], session=session, **common)
    if kind in ("saml-provider", "oidc-provider"):
        return Caller("provider", name=principal)
    raise ValueError(f"{principal} cannot call")
