"""Policies of one resource that name actions or resources of another service.

Source: IAM User Guide (Access Analyzer policy checks: unsupported action, unsupported resource ARN in policy).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from iamtui.catalog import catalogue
from iamtui.evaluation.lint.matching import is_wild
from iamtui.evaluation.lint.subject import Subject, quoted
from iamtui.policy.document import Statement
from iamtui.policy.kinds import PolicyType


def check_one_service(subject: Subject) -> None:
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
                    statement,
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
                    statement,
                    aws="UNSUPPORTED_RESOURCE_ARN_IN_POLICY",
                )


def _resources(subject: Subject) -> Iterator[tuple[str, str, int, Statement]]:
    """The resources of known services: service, entry, number and statement."""
    for statement in subject.policy.statements:
        for i, entry in enumerate(statement.resources or ()):
            parts = entry.split(":", 5)
            if len(parts) == 6 and not is_wild(parts[2]) and catalogue().is_service(parts[2]):
                yield parts[2], entry, i, statement


def _actions(subject: Subject) -> Iterator[tuple[str, str, int, Statement]]:
    """The actions of known services, likewise."""
    for statement in subject.policy.statements:
        for i, entry in enumerate(statement.actions or ()):
            service = entry.partition(":")[0].lower()
            if not is_wild(service) and catalogue().is_service(service):
                yield service, entry, i, statement


@lru_cache(maxsize=256)
def _arn_services(service: str) -> frozenset[str]:
    """The service fields that the ARNs of a service's resources have."""
    fields = (kind.arn.split(":") for kind in catalogue().resource_types(service))
    return frozenset((service, *(parts[2] for parts in fields if len(parts) > 2)))
