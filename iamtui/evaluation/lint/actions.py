"""Action and NotAction entries (IAM User Guide: Action element; Service Authorization Reference)."""

from __future__ import annotations

from typing import Final

from iamtui.catalog import RCP_SERVICES, RCP_SERVICES_READ, catalogue
from iamtui.evaluation.lint.subject import Subject, quoted
from iamtui.policy.document import Statement
from iamtui.policy.kinds import PolicyType
from iamtui.policy.pattern import Glob, parse_pieces, tokens_of

_MOST_COMPARED: Final = 10_000
"""Lists with more pairs of a wildcard entry and another entry are not searched for repetition."""


def check_actions(subject: Subject, statement: Statement) -> None:
    """Form, existence and repetition of the actions of one statement."""
    element = "Action" if statement.actions is not None else "NotAction"
    entries = statement.actions if statement.actions is not None else statement.not_actions or ()
    for i, action in enumerate(entries):
        path = subject.path(statement, element, i)
        fault = _fault_of(action)
        if fault:
            subject.error(
                "action-format",
                f"{quoted(action)} {fault}, so it is compared literally and matches nothing; write service:Operation.",
                path,
                statement,
            )
            continue
        _check_known(subject, statement, action, path)
        if subject.kind is PolicyType.TRUST and not action.lower().startswith("sts:"):
            subject.error(
                "trust-action",
                f"{quoted(action)} is no STS action, and a role trust policy takes only those; use sts:AssumeRole or "
                "its kin.",
                path,
                statement,
            )
    if sum("*" in entry or "?" in entry for entry in entries) * len(entries) <= _MOST_COMPARED:
        _check_repetition(subject, statement, element, entries)
    if statement.actions is not None:
        _check_pass_role(subject, statement)


def _fault_of(action: str) -> str:
    """What is wrong with the form of an entry, or empty."""
    service, colon, name = action.partition(":")
    if action in ("*", "*:*"):
        return ""
    if "${" in action:
        return "holds a policy variable, which actions do not take"
    if any(c.isspace() for c in action):
        return "holds a blank, which is never trimmed"
    if "," in action:
        return "holds a comma, which does not separate actions"
    if not colon or not service:
        return "has no service in front"
    if "*" in service or "?" in service:
        return "has a wildcard in the service"
    return "" if name else "has no operation behind the colon"


def _check_known(subject: Subject, statement: Statement, action: str, path: str) -> None:
    service, _, name = action.lower().partition(":")
    if service == "*":
        return
    known = catalogue()
    if not known.is_service(service):
        hint = subject.nearest(service, (item.prefix for item in known.services()))
        subject.error(
            "unknown-service",
            f"AWS has no service {quoted(service)} (data {known.version}), so {quoted(action)} never matches.{hint}",
            path,
            statement,
        )
        return
    if subject.kind is PolicyType.RCP and service not in RCP_SERVICES:
        subject.warning(
            "rcp-service",
            f"RCPs do not restrict the service {quoted(service)} (list of {RCP_SERVICES_READ}), so this has no effect.",
            path,
            statement,
        )
    if "*" not in name and "?" not in name:
        if not known.knows(action):
            hint = subject.nearest(action, known.actions_of(service))
            subject.error(
                "unknown-action",
                f"AWS lists no action {quoted(action)} (data {known.version}), so it never matches.{hint}",
                path,
                statement,
            )
    elif name != "*" and subject.may_search():
        glob = _glob(action)
        fixed = action.lower().replace("?", "*").partition("*")[0]
        candidates = (candidate.lower() for candidate in known.actions_of(service))
        if not any(candidate.startswith(fixed) and glob.matches(candidate) for candidate in candidates):
            subject.warning(
                "no-such-actions",
                f"{quoted(action)} matches no action that AWS lists (data {known.version}); check the spelling.",
                path,
                statement,
            )


def _glob(action: str) -> Glob:
    return Glob(tokens_of(parse_pieces(action.lower(), variables=False)))


def _check_repetition(subject: Subject, statement: Statement, element: str, entries: tuple[str, ...]) -> None:
    lowered = [entry.lower() for entry in entries]
    seen: set[str] = set()
    wide = [(i, entry, _glob(entry)) for i, entry in enumerate(lowered) if "*" in entry or "?" in entry]
    for i, entry in enumerate(lowered):
        cover = _covering(i, entry, wide, entries)
        repeated = entry in seen
        seen.add(entry)
        if repeated:
            message = f"{quoted(entries[i])} stands twice; remove one of them."
        elif cover is not None:
            message = f"{quoted(entries[i])} is already covered by {quoted(cover)}; remove one of them."
        else:
            continue
        subject.suggestion("redundant-action", message, subject.path(statement, element, i), statement)


def _covering(i: int, entry: str, wide: list[tuple[int, str, Glob]], entries: tuple[str, ...]) -> str | None:
    """The entry with wildcards that covers another; the service is compared literally."""
    service = entry.partition(":")[0]
    for j, pattern, glob in wide:
        same_service = pattern in ("*", "*:*") or pattern.partition(":")[0] == service
        if j != i and pattern != entry and same_service and glob.matches(entry):
            return entries[j]
    return None


def _check_pass_role(subject: Subject, statement: Statement) -> None:
    if statement.effect != "Allow" or subject.kind not in (PolicyType.IDENTITY, PolicyType.RESOURCE):
        return
    if any(line.key.lower() == "iam:passedtoservice" for line in statement.conditions):
        return
    for i, action in enumerate(statement.actions or ()):
        covers = not _fault_of(action) and (
            action == "*:*" or (action[:4].lower() in ("iam:", "*") and _glob(action).matches("iam:passrole"))
        )
        if covers and _on_all_roles(statement):
            subject.warning(
                "pass-role-on-star",
                f"{quoted(action)} lets the holder pass every role to every service, which can mean administrator "
                "rights; name the roles and test iam:PassedToService.",
                subject.path(statement, "Action", i),
                statement,
            )
            return


def _on_all_roles(statement: Statement) -> bool:
    return any(entry == "*" or entry.endswith((":role/*", ":*")) for entry in statement.resources or ())
