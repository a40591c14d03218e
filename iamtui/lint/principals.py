"""Lint of Principal and NotPrincipal entries, and of statements that anyone can use.

Sources: IAM User Guide (Principal element, confused deputy, trust policies), S3 User Guide (public policies).
"""

from __future__ import annotations

import re
from typing import Final

from iamtui.catalog import unique_id_kind
from iamtui.engine.service_rules import is_public
from iamtui.lint.subject import CheckedDocument, quoted
from iamtui.policy.arn import Arn, is_account_id, parse_arn
from iamtui.policy.document import Policy, PrincipalEntry, Statement
from iamtui.policy.operators import parse_operator
from iamtui.policy.types import PolicyType

_KINDS: Final = ("AWS", "Service", "Federated", "CanonicalUser")
_SERVICE: Final = re.compile(
    r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:amazonaws\.com(?:\.cn)?|amazon\.com|aws\.internal|c2s\.ic\.gov|sc2s\.sgov\.gov)"
)
_HOST: Final = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?:/\S*)?")
_SOURCE_KEYS: Final = frozenset(("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"))
_WITHOUT_SOURCE_KEYS: Final = frozenset(("ec2.amazonaws.com", "lambda.amazonaws.com", "ecs-tasks.amazonaws.com"))
"""Services that assume a role for a customer's own workload and are commonly trusted without a source key."""
_WEAK_KEYS: Final = frozenset(("aws:referer", "aws:useragent", "aws:sourceip"))
"""Keys that are taken for a source key, and do not say for whom a service acts."""
_NOT_OF_SERVICES: Final = frozenset(("aws:principalorgid", "aws:principalorgpaths"))
"""Keys that requests made by services do not carry."""
_CALLER_KEYS: Final = frozenset(("kms:calleraccount", "aws:sourceowner"))


def check_principals(subject: CheckedDocument, statement: Statement) -> None:
    """Form of the principals of one statement, and openings it leaves."""
    if not subject.kind.has_principals:
        return
    element = "Principal" if statement.principals is not None else "NotPrincipal"
    entries = statement.principals if statement.principals is not None else statement.not_principals
    if entries is None:
        return
    if not entries:
        subject.error(
            "empty-principal",
            f"{element} is empty and names nobody; fill it or remove the statement.",
            subject.path(statement, element),
            aws="EMPTY_ARRAY_PRINCIPAL" if subject.raw(statement)[element] else "EMPTY_OBJECT_PRINCIPAL",
        )
    numbers: dict[str, int] = {}
    for entry in entries:
        number = numbers.setdefault(entry.kind, 0)
        numbers[entry.kind] += 1
        path = subject.path(statement, element if entry.bare else f"{element}.{entry.kind}", number)
        _check_entry(subject, entry, path)
    if statement.effect == "Allow" and element == "Principal":
        _check_openings(subject, statement, entries)
        _check_service_keys(subject, statement)


def _check_entry(subject: CheckedDocument, entry: PrincipalEntry, path: str) -> None:
    if entry.bare:
        if entry.value != "*":
            subject.error(
                "bare-principal",
                f'{quoted(entry.value)} is a plain text, which AWS refuses for anything but "*"; '
                'write {"AWS": "..."} around it.',
                path,
                aws="INVALID_PRINCIPAL_FORMAT",
            )
            _check_aws(subject, entry.value, path)
        return
    if "${" in entry.value and subject.policy.substitutes_variables:
        subject.error(
            "variable-not-allowed",
            f"{quoted(entry.value)} has a policy variable, which principals do not take; use a condition.",
            path,
            aws="VARIABLE_UNSUPPORTED_IN_ELEMENT",
        )
    elif entry.kind == "AWS":
        _check_aws(subject, entry.value, path)
    elif entry.kind == "Service":
        _check_service(subject, entry.value, path)
    elif entry.kind == "Federated":
        _check_federated(subject, entry.value, path)
    elif entry.kind == "CanonicalUser":
        _check_canonical(subject, entry.value, path)
    else:
        hint = subject.nearest(entry.kind, _KINDS)
        subject.error(
            "principal-type",
            f"{quoted(entry.kind)} is not a type of principal, so it matches nobody; write AWS, Service, Federated or "
            f"CanonicalUser.{hint}",
            path,
            aws="INVALID_PRINCIPAL_KEY",
        )
    if subject.kind is PolicyType.VPC_ENDPOINT and entry.value != "*":
        subject.warning(
            "endpoint-principal",
            'The Principal of a gateway endpoint (S3, DynamoDB) must be "*"; to narrow it use aws:PrincipalArn.',
            path,
        )


def _check_aws(subject: CheckedDocument, value: str, path: str) -> None:
    if value == "*" or is_account_id(value):
        return
    if "*" in value or "?" in value:
        subject.error(
            "principal-wildcard",
            f"{quoted(value)} has a wildcard, which is not supported in principals, so it matches nobody; "
            "name the account and test aws:PrincipalArn.",
            path,
            aws="UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
        )
        return
    if unique_id_kind(value) in ("IAM user", "role"):
        subject.warning(
            "deleted-principal",
            f"{quoted(value)} is a unique id, which AWS shows for a deleted user or role, and one made anew is "
            "not let in by it; remove it.",
            path,
            aws="INVALID_ROLE_REFERENCE" if unique_id_kind(value) == "role" else "INVALID_USER_REFERENCE",
        )
        return
    arn = parse_arn(value)
    if arn is not None and arn.service == "iam" and arn.resource_type == "group":
        subject.error(
            "group-principal",
            f"{quoted(value)} is a group, and groups are never principals.",
            path,
            aws="INVALID_PRINCIPAL_FORMAT",
        )
        return
    if arn is None or not _is_of_a_principal(arn):
        subject.error(
            "principal-format",
            f"{quoted(value)} is not an account, user, role, role session or federated session, so it matches nobody; "
            "write a 12-digit account or the whole ARN.",
            path,
            aws="INVALID_PRINCIPAL_FORMAT",
        )


def _is_of_a_principal(arn: Arn) -> bool:
    """Whether an ARN has the form of an account, user, role, role session, federated or CloudFront user."""
    if arn.service == "iam" and arn.account == "cloudfront":
        return True
    if not is_account_id(arn.account) or arn.region:
        return False
    kind, parts = arn.resource_type, arn.resource.count("/")
    match arn.service:
        case "iam":
            return arn.resource == "root" or kind == "user" or (kind == "role" and parts > 0)
        case "sts":
            return parts == {"assumed-role": 2, "federated-user": 1}.get(kind)
        case "cloudfront":
            return kind == "user"
    return False


def _check_service(subject: CheckedDocument, value: str, path: str) -> None:
    if "*" in value or "?" in value:
        subject.error(
            "principal-wildcard",
            f"{quoted(value)} has a wildcard, which service principals do not take; name the services.",
            path,
            aws="UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
        )
    elif not _SERVICE.fullmatch(value):
        subject.error(
            "service-principal-format",
            f"{quoted(value)} is not a service principal such as ec2.amazonaws.com, so it matches nobody.",
            path,
            aws="INVALID_SERVICE_PRINCIPAL_FORMAT",
        )


def _check_federated(subject: CheckedDocument, value: str, path: str) -> None:
    if subject.kind is not PolicyType.TRUST:
        subject.error(
            "federated-not-allowed",
            f"Federated principals exist in role trust policies only, so {quoted(value)} matches nobody here.",
            path,
            aws="FEDERATED_PRINCIPAL_NOT_SUPPORTED",
        )
        return
    arn = parse_arn(value)
    is_provider = arn is not None and arn.service == "iam" and arn.resource_type in ("saml-provider", "oidc-provider")
    if not is_provider and not (arn is None and _HOST.fullmatch(value)):
        subject.error(
            "federated-format",
            f"{quoted(value)} is neither the ARN of a SAML or OIDC provider nor the host of a built-in one, so it "
            "matches nobody.",
            path,
            aws="INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY",
        )


def _check_canonical(subject: CheckedDocument, value: str, path: str) -> None:
    if subject.kind is PolicyType.TRUST:
        subject.error("canonical-user-not-allowed", "CanonicalUser works in S3 policies only; name the account.", path)
    elif not re.fullmatch(r"[0-9a-fA-F]{64}", value):
        subject.error(
            "principal-format",
            f"{quoted(value)} is not a canonical user ID, which has 64 hex digits.",
            path,
            aws="INVALID_PRINCIPAL_FORMAT",
        )


def _check_openings(subject: CheckedDocument, statement: Statement, entries: tuple[PrincipalEntry, ...]) -> None:
    path = subject.path(statement, "Principal")
    keys = {line.key.lower() for line in statement.conditions}
    pinned = bool(keys & _CALLER_KEYS) or not is_public(Policy(None, None, (statement,)))
    star = any(entry.value == "*" and (entry.bare or entry.kind == "AWS") for entry in entries)
    if star and not pinned and subject.kind is PolicyType.RESOURCE:
        subject.warning(
            "public",
            "The statement allows everyone, anonymous callers included, since no condition pins the caller; name the "
            "principals or test aws:PrincipalOrgID, aws:PrincipalAccount or the source.",
            path,
        )
    services = [entry.value for entry in entries if entry.kind == "Service"]
    if services and not keys & _SOURCE_KEYS:
        _report_service(subject, services, keys, path)


def _report_service(subject: CheckedDocument, services: list[str], keys: set[str], path: str) -> None:
    """A service that acts here whoever it acts for (confused deputy)."""
    message = (
        f"{quoted(services[0])} may act here for any customer's resource (confused deputy); where the service "
        "supports it, test aws:SourceArn or aws:SourceAccount."
    )
    issue = "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL"
    if keys & _WEAK_KEYS:
        issue = "RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL"
    if subject.kind is PolicyType.RESOURCE:
        subject.warning("service-without-source", message, path, aws=issue)
    elif subject.kind is PolicyType.TRUST and not set(services) <= _WITHOUT_SOURCE_KEYS:
        subject.suggestion("service-without-source", message, path, aws=issue)


def _check_service_keys(subject: CheckedDocument, statement: Statement) -> None:
    """Condition keys about the caller that AWS services do not have, where only services are the principals."""
    entries = statement.principals or ()
    if not entries or any(entry.kind != "Service" for entry in entries):
        return
    for line in statement.conditions:
        operator = parse_operator(line.operator)
        if operator is None or operator.base == "null" or line.key.lower() not in _NOT_OF_SERVICES:
            continue
        subject.error(
            "key-not-of-service",
            f"{quoted(entries[0].value)} is a service, and requests of services carry no {line.key}; remove the key.",
            subject.path(statement, f"Condition.{line.operator}.{line.key}"),
            aws="UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL",
        )
