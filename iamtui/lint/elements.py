"""Lint of the elements that a document and its statements may have, by policy type, and of its size.

Sources: IAM User Guide (policy grammar, policy element reference, quotas), Organizations User Guide (syntax and
quotas of SCPs and RCPs), and the pages on VPC endpoint, bucket and key policies.
"""

from __future__ import annotations

import json
import re
from typing import Final

from iamtui.lint.size_and_repetition import OF_IAM, check_size
from iamtui.lint.subject import CheckedDocument, quoted
from iamtui.policy.document import VERSIONS, Statement
from iamtui.policy.types import PolicyType

_TOP: Final = ("Version", "Id", "Statement")
_ELEMENTS: Final = (
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
)  # fmt: skip

_NAMES: Final = {
    PolicyType.IDENTITY: "an identity-based policy",
    PolicyType.BOUNDARY: "a permissions boundary",
    PolicyType.SESSION: "a session policy",
    PolicyType.RESOURCE: "a resource-based policy",
    PolicyType.TRUST: "a role trust policy",
    PolicyType.SCP: "a service control policy",
    PolicyType.RCP: "a resource control policy",
    PolicyType.VPC_ENDPOINT: "a VPC endpoint policy",
}
_WITHOUT_ID: Final = (
    PolicyType.IDENTITY, PolicyType.BOUNDARY, PolicyType.SESSION, PolicyType.SCP, PolicyType.RCP,
)  # fmt: skip
_ISSUE_OF_NOT_PRINCIPAL: Final = {
    PolicyType.TRUST: "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL",
    PolicyType.RCP: "RCP_SYNTAX_ERROR_PRINCIPAL",
}
_NEEDS_RESOURCE: Final = (*_WITHOUT_ID, PolicyType.VPC_ENDPOINT)


def name_of(kind: PolicyType) -> str:
    """The policy type in a sentence, with its article."""
    return _NAMES[kind]


def check_document(subject: CheckedDocument) -> None:
    """Version, Id, unknown elements, Sids and size."""
    policy = subject.policy
    if policy.version is not None and policy.version not in VERSIONS:
        subject.error(
            "unknown-version",
            f'Version {quoted(policy.version)} does not exist, so AWS refuses the document; write "2012-10-17".',
            "$.Version",
            aws="INVALID_VERSION",
        )
    elif policy.version != "2012-10-17":
        _old_version(subject)
    if policy.id is not None and subject.kind in _WITHOUT_ID:
        subject.error(
            "id-not-allowed",
            f"Id is not allowed in {name_of(subject.kind)}; remove it.",
            "$.Id",
            aws="INVALID_POLICY_ELEMENT",
        )
    for element in policy.unknown_elements:
        hint = subject.nearest(element, _TOP)
        subject.error(
            "unknown-element",
            f"{quoted(element)} is not an element of a policy, so AWS refuses it.{hint}",
            f"$.{element}",
            aws="INVALID_POLICY_ELEMENT",
        )
    if not policy.statements:
        subject.error(
            "no-statements",
            "The document has no statement, so it does nothing; add one.",
            "$.Statement",
            aws="MISSING_STATEMENT",
        )
    _check_sids(subject)
    check_size(subject)


def _old_version(subject: CheckedDocument) -> None:
    path = "$.Version" if subject.policy.version is not None else "$"
    given = subject.policy.version or "no Version"
    if subject.kind is PolicyType.RCP:
        subject.warning(
            "rcp-version", f'An RCP needs Version "2012-10-17" and this one has {given}; AWS may refuse it.', path
        )
    elif "${" in json.dumps(subject.document.value):
        subject.warning(
            "variables-need-version",
            f'With {given} policy variables are plain text, so ${{...}} is compared literally; write "2012-10-17".',
            path,
            aws="VARIABLE_UNSUPPORTED_IN_VERSION",
        )
    else:
        subject.suggestion(
            "old-version",
            f'The document has {given}; write "2012-10-17", which policy variables need.',
            path,
            aws="MISSING_VERSION" if subject.policy.version is None else None,
        )


def _check_sids(subject: CheckedDocument) -> None:
    seen: set[str] = set()
    for statement in subject.policy.statements:
        sid = statement.sid
        if sid is None:
            continue
        path = subject.path(statement, "Sid")
        if not sid:
            subject.suggestion(
                "empty-sid", "The Sid is empty; give the statement a name or remove it.", path,
                aws="EMPTY_SID_VALUE",
            )  # fmt: skip
            continue
        if subject.kind in OF_IAM and not re.fullmatch(r"[A-Za-z0-9]+", sid):
            subject.error(
                "sid-characters",
                f"Sid {quoted(sid)} may contain only the letters A-Z and a-z and digits in IAM; AWS refuses others.",
                path,
                aws="UNSUPPORTED_SID",
            )
        if sid in seen:
            message = f"Sid {quoted(sid)} is used twice, and Sids must be unique in a document; rename one."
            if subject.kind in (PolicyType.RESOURCE, PolicyType.VPC_ENDPOINT):
                subject.warning("duplicate-sid", message, path, aws="UNIQUE_SIDS_RECOMMENDED")
            else:
                subject.error("duplicate-sid", message, path, aws="UNIQUE_SIDS_REQUIRED")
        seen.add(sid)


def check_elements(subject: CheckedDocument, statement: Statement) -> None:
    """Elements that are missing, forbidden, unknown or empty in one statement."""
    for element in statement.unknown_elements:
        hint = subject.nearest(element, _ELEMENTS)
        subject.error(
            "unknown-element",
            f"{quoted(element)} is not an element of a statement, so AWS refuses it.{hint}",
            f"{subject.path(statement)}.{element}",
            aws="INVALID_POLICY_ELEMENT",
        )
    _check_principal_element(subject, statement)
    _check_resource_element(subject, statement)
    _check_negations(subject, statement)
    for element, entries in (
        ("Action", statement.actions),
        ("NotAction", statement.not_actions),
        ("Resource", statement.resources),
        ("NotResource", statement.not_resources),
    ):
        if entries == ():
            subject.error(
                "empty-element",
                f"{element} is empty, which AWS refuses, and the statement applies to nothing; fill it or remove it.",
                subject.path(statement, element),
                aws=f"EMPTY_ARRAY_{element.removeprefix('Not').upper()}",
            )


def _check_principal_element(subject: CheckedDocument, statement: Statement) -> None:
    element = "NotPrincipal" if statement.not_principals is not None else "Principal"
    present = statement.principals is not None or statement.not_principals is not None
    path = subject.path(statement, element) if present else subject.path(statement)
    if not subject.kind.has_principals:
        if present:
            subject.error(
                "principal-not-allowed",
                f"{element} is not allowed in {name_of(subject.kind)}, whose principal is whoever it is attached to; "
                "remove it.",
                path,
                aws="SCP_SYNTAX_ERROR_PRINCIPAL" if subject.kind is PolicyType.SCP else "UNSUPPORTED_PRINCIPAL",
            )
        return
    if not present:
        effect = "everybody" if subject.kind is PolicyType.VPC_ENDPOINT else "nobody"
        subject.error(
            "missing-principal",
            f"A statement of {name_of(subject.kind)} needs a Principal, and without one it applies to {effect}; "
            "add it.",
            path,
            aws="MISSING_PRINCIPAL",
        )
    elif element == "NotPrincipal":
        _check_not_principal(subject, statement, path)


def _check_not_principal(subject: CheckedDocument, statement: Statement, path: str) -> None:
    if subject.kind is not PolicyType.RESOURCE:
        subject.error(
            "not-principal-not-allowed",
            f"NotPrincipal is not allowed in {name_of(subject.kind)}; name the principals, or use a condition on "
            "aws:PrincipalArn.",
            path,
            aws=_ISSUE_OF_NOT_PRINCIPAL.get(subject.kind),
        )
    elif statement.effect == "Allow":
        subject.error(
            "allow-not-principal",
            "Allow with NotPrincipal grants to everyone who is not listed, anonymous callers included, and AWS no "
            "longer accepts it; name the principals.",
            path,
            aws="ALLOW_WITH_NOT_PRINCIPAL",
        )
    else:
        subject.warning(
            "not-principal",
            "Deny with NotPrincipal also denies every principal that has a permissions boundary, and parents of a "
            "session have to be listed; use a condition on aws:PrincipalArn.",
            path,
        )


def _check_resource_element(subject: CheckedDocument, statement: Statement) -> None:
    present = statement.resources is not None or statement.not_resources is not None
    if subject.kind is PolicyType.TRUST:
        if present:
            element = "Resource" if statement.resources is not None else "NotResource"
            subject.error(
                "resource-in-trust-policy",
                f"{element} is not allowed in a role trust policy, whose resource is the role itself; remove it.",
                subject.path(statement, element),
                aws="ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE",
            )
    elif not present and subject.kind in _NEEDS_RESOURCE:
        subject.error(
            "missing-resource",
            "The statement has neither Resource nor NotResource, so AWS refuses it and it applies to nothing; add one.",
            subject.path(statement),
            aws="MISSING_RESOURCE",
        )


def _check_negations(subject: CheckedDocument, statement: Statement) -> None:
    if statement.effect != "Allow" or subject.kind is PolicyType.SCP:
        return
    if statement.not_actions is not None:
        subject.warning(
            "allow-not-action",
            "Allow with NotAction grants every action that is not listed, those of future services included; "
            "list the actions to allow.",
            subject.path(statement, "NotAction"),
        )
    if statement.not_resources is not None:
        subject.warning(
            "allow-not-resource",
            "Allow with NotResource grants on every resource that is not listed, future ones included; "
            "list the resources to allow.",
            subject.path(statement, "NotResource"),
        )
