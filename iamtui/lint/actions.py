"""Action and NotAction entries (IAM User Guide: Action element; Service Authorization Reference)."""

from __future__ import annotations

from iamtui.catalog import RCP_SERVICES, RCP_SERVICES_READ, RETIRED_SERVICES, catalogue
from iamtui.lint.matching import action_glob, is_wild
from iamtui.lint.subject import CheckedDocument, quoted
from iamtui.policy.document import Statement
from iamtui.policy.types import PolicyType


def check_actions(subject: CheckedDocument, statement: Statement) -> None:
    """Form, existence and repetition of the actions of one statement."""
    element = "Action" if statement.actions is not None else "NotAction"
    entries = statement.actions if statement.actions is not None else statement.not_actions or ()
    for i, action in enumerate(entries):
        path = subject.path(statement, element, i)
        fault, issue = _fault_of(action)
        if fault:
            subject.error(
                "action-format",
                f"{quoted(action)} {fault}, so it is compared literally and matches nothing; write service:Operation.",
                path,
                aws=issue,
            )
            continue
        _check_known(subject, action, path)
        if subject.kind is PolicyType.TRUST and not action.lower().startswith("sts:"):
            subject.error(
                "trust-action",
                f"{quoted(action)} is not an STS action, and a role trust policy allows only those; use sts:AssumeRole "
                "or a similar action.",
                path,
                aws="UNSUPPORTED_ACTION_IN_POLICY",
            )


def _fault_of(action: str) -> tuple[str, str]:
    """What is wrong with the form of an entry, and Access Analyzer's issue code of that; or empty."""
    service, colon, name = action.partition(":")
    if action in ("*", "*:*"):
        return "", ""
    if "${" in action:
        return "contains a policy variable, which is not supported in actions", "VARIABLE_UNSUPPORTED_IN_ELEMENT"
    if any(c.isspace() for c in action):
        return "contains a space, which AWS does not trim", "INVALID_ACTION"
    if "," in action:
        return "contains a comma, which does not separate actions", "INVALID_ACTION"
    if not colon or not service:
        return "has no service in front", "INVALID_ACTION"
    if is_wild(service):
        return "has a wildcard in the service", "WILDCARD_IN_SERVICE_NAME"
    return "" if name else "has no operation behind the colon", "INVALID_ACTION"


def _check_known(subject: CheckedDocument, action: str, path: str) -> None:
    service, _, name = action.lower().partition(":")
    if service == "*":
        return
    known = catalogue()
    if service in RETIRED_SERVICES:
        subject.suggestion(
            "retired-service",
            f"AWS has ended the service {quoted(service)}, so {quoted(action)} does nothing; remove it.",
            path,
        )
        return
    if not known.is_service(service):
        hint = subject.nearest(service, (item.prefix for item in known.services()))
        subject.error(
            "unknown-service",
            f"AWS has no service {quoted(service)} (data {known.version}), so {quoted(action)} never matches.{hint}",
            path,
            aws="INVALID_SERVICE_IN_ACTION",
        )
        return
    if subject.kind is PolicyType.RCP and service not in RCP_SERVICES:
        subject.warning(
            "rcp-service",
            f"RCPs do not restrict the service {quoted(service)} (list of {RCP_SERVICES_READ}), so this has no effect.",
            path,
            aws="RCP_SYNTAX_ERROR_ACTION",
        )
    if not is_wild(name):
        if not known.knows(action):
            hint = subject.nearest(action, known.actions_of(service))
            subject.error(
                "unknown-action",
                f"AWS lists no action {quoted(action)} (data {known.version}), so it never matches.{hint}",
                path,
                aws="INVALID_ACTION",
            )
    elif name != "*" and subject.may_search():
        glob = action_glob(action)
        fixed = action.lower().replace("?", "*").partition("*")[0]
        candidates = (candidate.lower() for candidate in known.actions_of(service))
        if not any(candidate.startswith(fixed) and glob.matches(candidate) for candidate in candidates):
            subject.warning(
                "no-such-actions",
                f"{quoted(action)} matches no action that AWS lists (data {known.version}); check the spelling.",
                path,
                aws="INVALID_ACTION",
            )
