"""Resource control policies: what they may hold, and Denies that hit callers who were not meant.

Sources: Organizations User Guide (RCP syntax), IAM User Guide (Access Analyzer policy checks).
"""

from __future__ import annotations

from typing import Final

from iamtui.evaluation.lint.matching import lines_about
from iamtui.evaluation.lint.subject import Subject
from iamtui.policy.document import ConditionLine, Statement
from iamtui.policy.kinds import PolicyType
from iamtui.policy.operators import parse_operator

_OF_PRINCIPALS: Final = frozenset(
    ("aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn")
)
"""Keys that AWS services calling on their own behalf do not have."""

_OF_SOURCES: Final = frozenset(("aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceaccount", "aws:sourcearn"))
"""Keys that only AWS services calling on their own behalf have."""


def check_rcp(subject: Subject, statement: Statement) -> None:
    """Everything about one statement that only resource control policies are asked."""
    if subject.kind is not PolicyType.RCP or _is_full_access(subject, statement):
        return
    _check_elements(subject, statement)
    if statement.effect == "Deny":
        _check_principal_keys(subject, statement)
        _check_source_keys(subject, statement)


def _is_full_access(subject: Subject, statement: Statement) -> bool:
    return (
        statement.effect == "Allow" and statement.actions == ("*",) and statement.resources == ("*",)
        and len(subject.policy.statements) == 1
    )  # fmt: skip


def _check_elements(subject: Subject, statement: Statement) -> None:
    path = subject.path(statement)
    if statement.effect == "Allow":
        subject.error(
            "rcp-allow",
            "An RCP can only deny; the one Allow is AWS's own RCPFullAWSAccess; write a Deny.",
            f"{path}.Effect",
            statement,
            aws="RCP_SYNTAX_ERROR_ALLOW",
        )
    if statement.not_actions is not None:
        subject.error(
            "rcp-not-action",
            "NotAction is not supported in an RCP; list the actions.",
            f"{path}.NotAction",
            statement,
            aws="RCP_SYNTAX_ERROR_NOTACTION",
        )
    if statement.principals is not None and not all(
        entry.value == "*" and (entry.bare or entry.kind == "AWS") for entry in statement.principals
    ):
        subject.error(
            "rcp-principal",
            'The Principal of an RCP is exactly "*"; narrow it by a condition on aws:PrincipalArn or the like.',
            f"{path}.Principal",
            statement,
            aws="RCP_SYNTAX_ERROR_PRINCIPAL",
        )
    for i, action in enumerate(statement.actions or ()):
        if action in ("*", "*:*"):
            subject.error(
                "rcp-action",
                "An RCP needs the service in front of every action, such as s3:*; a bare * is refused.",
                subject.path(statement, "Action", i),
                statement,
                aws="RCP_SYNTAX_ERROR_ACTION",
            )


def _check_principal_keys(subject: Subject, statement: Statement) -> None:
    """A key that services lack, compared so that its absence denies, needs an exception for services."""
    line = _holding_when_absent(statement, _OF_PRINCIPALS)
    if line is not None and not _tests_service(statement, "false"):
        subject.warning(
            "rcp-denies-services",
            f"AWS services that call on their own behalf have no {line.key}, so this Deny hits them too; "
            'add "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}.',
            subject.path(statement, f"Condition.{line.operator}.{line.key}"),
            statement,
            aws="RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY",
        )


def _check_source_keys(subject: Subject, statement: Statement) -> None:
    """A key that only services have, compared so that its absence denies, needs to be asked of services only."""
    line = _holding_when_absent(statement, _OF_SOURCES)
    if line is None:
        return
    path = subject.path(statement, f"Condition.{line.operator}.{line.key}")
    if not _tests_service(statement, "true"):
        subject.warning(
            "rcp-denies-principals",
            f"Users and roles have no {line.key}, so this Deny hits them too; "
            'add "BoolIfExists": {"aws:PrincipalIsAWSService": "true"}.',
            path,
            statement,
            aws="RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY",
        )
    if not any(
        other.operator.lower() == "null" and [value.lower() for value in other.values] == ["false"]
        for other in lines_about(statement, _OF_SOURCES)
    ):
        subject.warning(
            "rcp-source-key-absent",
            f"Calls of services that carry no {line.key} are denied too; "
            'add "Null": {"aws:SourceAccount": "false"} or the same for aws:SourceArn.',
            path,
            statement,
            aws="RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK",
        )


def _holding_when_absent(statement: Statement, keys: frozenset[str]) -> ConditionLine | None:
    """The first line about one of the keys that holds when the key is absent."""
    for line in lines_about(statement, keys):
        operator = parse_operator(line.operator)
        if operator is not None and operator.base != "null" and (operator.negated or operator.if_exists):
            return line
    return None


def _tests_service(statement: Statement, value: str) -> bool:
    return any(
        [given.lower() for given in line.values] == [value]
        for line in lines_about(statement, {"aws:principalisawsservice"})
    )
