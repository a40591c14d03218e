"""Policies of one resource that name actions or resources of another service.

Source: IAM User Guide (Access Analyzer policy checks: unsupported action, unsupported resource ARN in policy).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from iamtui.catalog import catalogue
from iamtui.lint.matching import is_wild, lines_about
from iamtui.lint.subject import CheckedDocument, quoted
from iamtui.policy.document import ConditionLine, Statement
from iamtui.policy.operators import parse_operator
from iamtui.policy.types import PolicyType


def check_one_service(subject: CheckedDocument) -> None:
    """A resource-based policy belongs to one resource, so all it names is of that resource's service.

    The resource itself is not known here; its service is that of the ARNs where they agree, else that of the actions.
    """
    if subject.kind is not PolicyType.RESOURCE:
        return
    resources, actions = list(_resources(subject)), list(_actions(subject))
    of_resources = {service for service, *_ in resources}
    of_actions = {service for service, *_ in actions}
    if len(of_resources) == 1:
        of_resource = of_resources.pop()
        for service, entry, number, statement in actions:
            if of_resource not in _arn_services(service):
                subject.error(
                    "action-of-other-service",
                    f"The policy of a resource of {of_resource} cannot contain {quoted(entry)}, which acts on other "
                    "resources; remove it.",
                    subject.path(statement, "Action", number),
                    aws="UNSUPPORTED_ACTION_IN_POLICY",
                )
    elif len(of_actions) == 1:
        of_action = of_actions.pop()
        for service, entry, number, statement in resources:
            if service not in _arn_services(of_action):
                subject.error(
                    "resource-of-other-service",
                    f"The policy of a resource of {of_action} cannot name {quoted(entry)}, a resource of {service}; "
                    "remove it.",
                    subject.path(statement, "Resource", number),
                    aws="UNSUPPORTED_RESOURCE_ARN_IN_POLICY",
                )


def _resources(subject: CheckedDocument) -> Iterator[tuple[str, str, int, Statement]]:
    """The resources of known services: service, entry, number and statement."""
    for statement in subject.policy.statements:
        for i, entry in enumerate(statement.resources or ()):
            parts = entry.split(":", 5)
            if len(parts) == 6 and not is_wild(parts[2]) and catalogue().is_service(parts[2]):
                yield parts[2], entry, i, statement


def _actions(subject: CheckedDocument) -> Iterator[tuple[str, str, int, Statement]]:
    """The actions of known services, likewise."""
    for statement in subject.policy.statements:
        for i, entry in enumerate(statement.actions or ()):
            service = entry.partition(":")[0].lower()
            if not is_wild(service) and catalogue().is_service(service):
                yield service, entry, i, statement


@lru_cache(maxsize=256)
def _arn_services(service: str) -> frozenset[str]:
    fields = (kind.arn.split(":") for kind in catalogue().resource_types(service))
    return frozenset((service, *(parts[2] for parts in fields if len(parts) > 2)))


# Resource control policies: what they may hold, and Denies that hit callers who were not meant.


_OF_PRINCIPALS: Final = frozenset(
    ("aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn")
)
"""Keys that AWS services calling on their own behalf do not have."""

_OF_SOURCES: Final = frozenset(("aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceaccount", "aws:sourcearn"))
"""Keys that only AWS services calling on their own behalf have."""


def check_rcp(subject: CheckedDocument, statement: Statement) -> None:
    """Everything about one statement that only resource control policies are asked."""
    if subject.kind is not PolicyType.RCP or _is_full_access(subject, statement):
        return
    _check_elements(subject, statement)
    if statement.effect == "Deny":
        _check_principal_keys(subject, statement)
        _check_source_keys(subject, statement)


def _is_full_access(subject: CheckedDocument, statement: Statement) -> bool:
    return (
        statement.effect == "Allow" and statement.actions == ("*",) and statement.resources == ("*",)
        and len(subject.policy.statements) == 1
    )  # fmt: skip


def _check_elements(subject: CheckedDocument, statement: Statement) -> None:
    path = subject.path(statement)
    if statement.effect == "Allow":
        subject.error(
            "rcp-allow",
            "An RCP can only deny; the one Allow is AWS's own RCPFullAWSAccess; write a Deny.",
            f"{path}.Effect",
            aws="RCP_SYNTAX_ERROR_ALLOW",
        )
    if statement.not_actions is not None:
        subject.error(
            "rcp-not-action",
            "NotAction is not supported in an RCP; list the actions.",
            f"{path}.NotAction",
            aws="RCP_SYNTAX_ERROR_NOTACTION",
        )
    if statement.principals is not None and not all(
        entry.value == "*" and (entry.bare or entry.kind == "AWS") for entry in statement.principals
    ):
        subject.error(
            "rcp-principal",
            'The Principal of an RCP is exactly "*"; narrow it by a condition on aws:PrincipalArn or the like.',
            f"{path}.Principal",
            aws="RCP_SYNTAX_ERROR_PRINCIPAL",
        )
    for i, action in enumerate(statement.actions or ()):
        if action in ("*", "*:*"):
            subject.error(
                "rcp-action",
                "An RCP needs the service in front of every action, such as s3:*; a bare * is refused.",
                subject.path(statement, "Action", i),
                aws="RCP_SYNTAX_ERROR_ACTION",
            )


def _check_principal_keys(subject: CheckedDocument, statement: Statement) -> None:
    """A key that services lack, compared so that its absence denies, needs an exception for services."""
    line = _holding_when_absent(statement, _OF_PRINCIPALS)
    if line is not None and not _tests_service(statement, "false"):
        subject.warning(
            "rcp-denies-services",
            f"AWS services that call on their own behalf have no {line.key}, so this Deny hits them too; "
            'add "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}.',
            subject.path(statement, f"Condition.{line.operator}.{line.key}"),
            aws="RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY",
        )


def _check_source_keys(subject: CheckedDocument, statement: Statement) -> None:
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
            aws="RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK",
        )


def _holding_when_absent(statement: Statement, keys: frozenset[str]) -> ConditionLine | None:
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
