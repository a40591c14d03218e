"""Principal and NotPrincipal elements."""

from __future__ import annotations

import re
from typing import Any

from .callers import Caller
from .logic import Truth, conjunction, disjunction, negation

Entry = tuple[str, str]


def entries_of(element: Any) -> list[Entry]:
    """The (kind, value) entries of an element; a bare string other than "*" reads as an AWS entry."""
    if element == "*":
        return [("*", "*")]
    if isinstance(element, str):
        return [("AWS", element)]
    return [
        (kind, value)
        for kind, values in element.items()
        for value in (values if isinstance(values, list) else [values])
    ]


def _account_entry(value: str, partition: str) -> str | None:
    """The account that an entry names; an ARN names the one of its own partition alone."""
    if re.fullmatch(r"[0-9]{12}", value):
        return value
    found = re.fullmatch(r"arn:([^:*?]+):iam::([0-9]{12}):root", value)
    if found is None:
        return None
    return found[2] if partition in ("", found[1]) else ""


def names(entry: Entry, caller: Caller, *, discover: bool) -> tuple[str, Truth]:
    """The strength with which an entry names the caller and whether it does (a session leaf when not known)."""
    kind, value = entry
    nobody: tuple[str, Truth] = ("", False)
    if kind == "*" or (kind == "AWS" and value == "*"):
        return "WILDCARD", True
    if kind == "Service":
        return "SERVICE", caller.kind == "service" and caller.name == value
    if kind == "Federated":
        return "FEDERATED", caller.kind == "provider" and caller.name == value
    if kind == "CanonicalUser":
        return "ACCOUNT", caller.kind == "canonical" and caller.name == value
    if kind != "AWS" or "*" in value or "?" in value or caller.account is None:
        return nobody
    account = _account_entry(value, caller.partition)
    if account is not None:
        return "ACCOUNT", account == caller.account
    if caller.kind == "user":
        return "USER", value == caller.arn
    if caller.kind == "federated":
        if value == caller.arn:
            return "SESSION", True
        return "ISSUER", value == caller.issuer
    if caller.kind in ("session", "role"):
        own_roles = f"arn:{caller.partition}:iam::{caller.account}:role/"
        if value.startswith(own_roles):
            if caller.role_path_known:
                return "ROLE", value == caller.role_arn
            return "ROLE", value.split("/")[-1] == caller.role_name
        own_sessions = f"arn:{caller.partition}:sts::{caller.account}:assumed-role/{caller.role_name}/"
        session = value.removeprefix(own_sessions)
        if not value.startswith(own_sessions) or not session or "/" in session:
            return nobody
        if caller.session is not None:
            return "SESSION", session == caller.session
        return "SESSION", ({"session": session, "holds": True} if discover else False)
    return nobody


def is_own(entry: Entry, caller: Caller, *, discover: bool) -> Truth:
    """Whether an entry of a NotPrincipal in a Deny is the caller itself, not merely its account or issuer."""
    strength, truth = names(entry, caller, discover=discover)
    if strength == "ISSUER" or (strength == "ACCOUNT" and caller.kind not in ("root", "canonical")):
        return False
    return truth


def strengths(
    statement: dict[str, Any],
    caller: Caller,
    *,
    trust: bool,
    discover: bool,
    has_boundary: bool,
    options: dict[str, Any],
) -> dict[str, Truth]:
    """How a statement of a policy with principals takes in the caller: strength to truth; {} for not at all.

    For a Deny the strengths mean nothing; the statement applies when one of the truths holds.
    """
    allow = statement["Effect"] == "Allow"
    if "NotPrincipal" in statement:
        listed = entries_of(statement["NotPrincipal"])
        if allow and not options["not_principal_allow_grants"]:
            return {}
        if allow and trust and caller.kind == "provider":
            return {}
        if allow:
            covered = disjunction(names(entry, caller, discover=discover)[1] for entry in listed)
            return {"WILDCARD": negation(covered)}
        own = disjunction(is_own(entry, caller, discover=discover) for entry in listed)
        if options["not_principal_root_required"] and caller.account is not None:
            everyone = any(kind in ("*", "AWS") and value == "*" for kind, value in listed)
            root = any(
                kind == "AWS" and _account_entry(value, caller.partition) == caller.account for kind, value in listed
            )
            own = conjunction([own, everyone or root])
        return {"WILDCARD": True if has_boundary else negation(own)}
    found: dict[str, Truth] = {}
    for entry in entries_of(statement["Principal"]) if "Principal" in statement else []:
        if entry[0] == "Federated" and not trust:
            continue
        strength, truth = names(entry, caller, discover=discover)
        if strength == "WILDCARD" and allow:
            if trust and caller.kind == "provider":
                continue
            only_aws = trust and entry[0] == "AWS" and not options["trust_aws_star_admits_everyone"]
            if only_aws and caller.kind == "service":
                continue
            if caller.kind == "service" and not options["star_allow_includes_services"]:
                continue
        found[strength] = disjunction([found.get(strength, False), truth])
    return {strength: truth for strength, truth in found.items() if truth is not False}
