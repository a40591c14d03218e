"""iam:PassRole and iam:CreateServiceLinkedRole on more roles than was probably meant (IAM User Guide: PassRole)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from iamtui.evaluation.lint.matching import condition_keys_of, covers_action, reaches
from iamtui.evaluation.lint.subject import Subject, quoted
from iamtui.policy.document import Statement
from iamtui.policy.kinds import PolicyType


class _Sensitive(NamedTuple):
    action: str
    narrowing_key: str
    code: str
    issue: str
    what: str


_SENSITIVE: Final = (
    _Sensitive(
        "iam:PassRole",
        "iam:PassedToService",
        "pass-role-on-star",
        "PASS_ROLE",
        "lets the holder pass every role to every service, which can mean administrator rights; name the roles and "
        "test iam:PassedToService.",
    ),
    _Sensitive(
        "iam:CreateServiceLinkedRole",
        "iam:AWSServiceName",
        "service-linked-role-on-star",
        "CREATE_SLR",
        "lets the holder create the service-linked role of any service; name the roles or test iam:AWSServiceName.",
    ),
)

_ISSUES: Final = {
    ("named", "NotResource"): "WITH_NOT_RESOURCE",
    ("wild", "NotResource"): "WITH_STAR_IN_ACTION_AND_NOT_RESOURCE",
    ("NotAction", "NotResource"): "WITH_NOT_ACTION_AND_NOT_RESOURCE",
    ("named", "Resource"): "WITH_STAR_IN_RESOURCE",
    ("wild", "Resource"): "WITH_STAR_IN_ACTION_AND_RESOURCE",
    ("NotAction", "Resource"): "WITH_STAR_IN_RESOURCE_AND_NOT_ACTION",
}
"""How the action is reached and on what, to the end of Access Analyzer's issue code."""

_ALL_ROLES: Final = re.compile(r"\*|arn:[^:]*:(?:iam|\*):.*:(?:\*|role/\*|role/aws-service-role/\*)")


def check_sensitive_actions(subject: Subject, statement: Statement) -> None:
    """Allow statements of identity-based policies that reach such an action on all roles."""
    if statement.effect != "Allow" or subject.kind is not PolicyType.IDENTITY:
        return
    on = _on_all_roles(statement)
    if on is None:
        return
    for sensitive in _SENSITIVE:
        if not reaches(statement, sensitive.action) or sensitive.narrowing_key.lower() in condition_keys_of(statement):
            continue
        how, entry, number = _reached_by(statement, sensitive.action)
        element = "NotAction" if how == "NotAction" else "Action"
        subject.warning(
            sensitive.code,
            f"{entry} {sensitive.what}",
            subject.path(statement, element, number),
            statement,
            aws=f"{sensitive.issue}_{_ISSUES[how, on]}",
        )


def _on_all_roles(statement: Statement) -> str | None:
    """The element by which a statement is about all roles, if it is."""
    if statement.resources is not None:
        return "Resource" if any(_ALL_ROLES.fullmatch(entry) for entry in statement.resources) else None
    if statement.not_resources is not None:
        return None if any(_ALL_ROLES.fullmatch(entry) for entry in statement.not_resources) else "NotResource"
    return None


def _reached_by(statement: Statement, action: str) -> tuple[str, str, int | None]:
    """How a statement reaches an action, by which entry, and its number."""
    for i, entry in enumerate(statement.actions or ()):
        if entry.lower() == action.lower():
            return "named", quoted(entry), i
    for i, entry in enumerate(statement.actions or ()):
        if covers_action(entry, action):
            return "wild", quoted(entry), i
    return "NotAction", f"NotAction without {action}", None
