"""Resource and NotResource entries, and whether they suit the actions beside them.

Sources: IAM User Guide (Resource element, ARNs), Service Authorization Reference (ARN forms).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from iamtui.catalog import catalogue
from iamtui.evaluation.lint.subject import Subject, quoted
from iamtui.policy.arn import is_account_id
from iamtui.policy.document import Statement
from iamtui.policy.kinds import PolicyType
from iamtui.policy.pattern import (
    Glob,
    Token,
    arn_tokens,
    parse_pieces,
    request_tokens,
    tokens_of,
    with_variables_as_stars,
)

_FIELDS: Final = ("arn", "partition", "service", "Region", "account")
_PARTITION: Final = re.compile(r"aws(?:-cn|-us-gov|-iso(?:-[a-z])?|-eusc)?")
_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}")
_PLACEHOLDER: Final = re.compile(r"\$\{[^}]*\}")
_ARN_ONLY_SERVICES: Final = frozenset(("catalog", "elastic-inference", "route53-recovery-control"))
"""Service fields of ARNs that are no prefix of actions."""

_MOST_PAIRS: Final = 5_000
"""Statements with more actions times resources than this are not searched for pairs that cannot meet."""

_WITH_OWN_RESOURCES: Final = (PolicyType.IDENTITY, PolicyType.BOUNDARY, PolicyType.SESSION, PolicyType.SCP)


def check_resources(subject: Subject, statement: Statement) -> None:
    """Form of the resources of one statement, and actions that none of them suits."""
    element = "Resource" if statement.resources is not None else "NotResource"
    entries = statement.resources if statement.resources is not None else statement.not_resources or ()
    for i, entry in enumerate(entries):
        _check_entry(subject, statement, entry, subject.path(statement, element, i))
    if statement.resources and statement.actions and subject.kind in _WITH_OWN_RESOURCES:
        _check_pairs(subject, statement, statement.actions, statement.resources)


def _check_entry(subject: Subject, statement: Statement, entry: str, path: str) -> None:
    if entry == "*":
        return
    if not entry.startswith("arn:"):
        subject.error(
            "resource-format",
            f'{quoted(entry)} is neither "*" nor an ARN, so it matches nothing; write the whole ARN.',
            path,
            statement,
        )
        return
    parts = entry.split(":", 5)
    if len(parts) < 6:
        subject.error(
            "short-arn",
            f"{quoted(entry)} has {len(parts)} of the six fields of an ARN; what it matches is not documented; "
            "write all fields.",
            path,
            statement,
        )
        return
    if not parts[5]:
        subject.error("resource-format", f"{quoted(entry)} names no resource behind the fifth colon.", path, statement)
        return
    if subject.policy.substitutes_variables and "${" in ":".join(parts[:5]):
        subject.error(
            "variable-in-arn-field",
            f"{quoted(entry)} has a policy variable before the fifth colon, where it is not replaced; use a wildcard.",
            path,
            statement,
        )
        return
    if _check_fields(subject, statement, entry, parts, path):
        _check_against_forms(subject, statement, entry, parts, path)


def _check_fields(subject: Subject, statement: Statement, entry: str, parts: list[str], path: str) -> bool:
    """Partition, service, Region and account by themselves; whether the service is known."""
    _, partition, service, region, account, _ = parts
    for name, value in (("partition", partition), ("service", service)):
        if _wild(value):
            subject.warning(
                "wildcard-in-arn-field",
                f"{quoted(entry)} has a wildcard in the {name}, which AWS wants written out; write the {name}.",
                path,
                statement,
            )
    if not _wild(partition) and not _PARTITION.fullmatch(partition):
        subject.error(
            "unknown-partition",
            f"{quoted(entry)} has the partition {quoted(partition)}, which does not exist; write aws, aws-cn or "
            "aws-us-gov.",
            path,
            statement,
        )
    if region and not _wild(region) and not _REGION.fullmatch(region):
        subject.error("unknown-region", f"{quoted(entry)} has {quoted(region)} where a Region stands.", path, statement)
    if account and not _wild(account) and account != "aws" and not is_account_id(account):
        subject.error(
            "account-format",
            f"{quoted(entry)} has {quoted(account)} where a 12-digit account stands, so it matches nothing.",
            path,
            statement,
        )
    if _wild(service):
        return False
    if catalogue().is_service(service):
        return True
    if service not in _ARN_ONLY_SERVICES:
        hint = subject.nearest(service, (item.prefix for item in catalogue().services()))
        subject.error(
            "unknown-service", f"{quoted(entry)} names the service {quoted(service)}, which AWS does not have.{hint}",
            path, statement,
        )  # fmt: skip
    return False


def _check_against_forms(subject: Subject, statement: Statement, entry: str, parts: list[str], path: str) -> None:
    """Region and account against the ARN forms of the service that the resource part could have."""
    service, region, account, resource = parts[2], parts[3], parts[4], parts[5]
    forms = [form for form in _forms(service) if _may_meet(form[2], _fixed_start(resource))]
    if not forms:
        return
    for name, value, i in (("Region", region, 0), ("account", account, 1)):
        allowed = any(form[i] != "" for form in forms)
        needed = all(form[i] not in ("", "*") for form in forms)
        if value and value != "*" and not allowed:
            subject.error(
                f"{name.lower()}-not-allowed",
                f"{quoted(entry)} has the {name} {quoted(value)}, but ARNs of this kind have none, so it matches "
                "nothing; leave the field empty.",
                path,
                statement,
            )
        elif not value and needed:
            subject.warning(
                f"missing-{name.lower()}",
                f"{quoted(entry)} has no {name}, so it matches only resources of AWS itself, if any; "
                f"write the {name} or *.",
                path,
                statement,
            )


@lru_cache(maxsize=128)
def _forms(service: str) -> tuple[tuple[str, str, str], ...]:
    """Region field, account field and fixed beginning of the resource, for each ARN form of a service."""
    found: dict[tuple[str, str, str], None] = {}
    for kind in catalogue().resource_types(service):
        parts = kind.arn.split(":", 5)
        if len(parts) == 6 and parts[2] == service:
            found[parts[3], parts[4], _PLACEHOLDER.split(parts[5])[0].split("*")[0]] = None
    return tuple(found)


def _fixed_start(resource: str) -> str:
    return re.split(r"[*?]|\$\{", resource, maxsplit=1)[0]


def _may_meet(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _wild(value: str) -> bool:
    return "*" in value or "?" in value


def _check_pairs(subject: Subject, statement: Statement, actions: tuple[str, ...], resources: tuple[str, ...]) -> None:
    """Actions that no resource of the statement can be named for, so that the statement does not reach them."""
    if "*" in resources or len(actions) * len(resources) > _MOST_PAIRS:
        return
    variables = subject.policy.substitutes_variables
    if not all(entry.startswith("arn:") for entry in resources):
        return
    for i, action in enumerate(actions):
        info = None if _wild(action) else catalogue().action(action)
        if info is None:
            continue
        verb = "does not grant" if statement.effect == "Allow" else "does not deny"
        if not info.resources:
            if not _documented_exception(info.name, resources):
                subject.warning(
                    "needs-star",
                    f'{info.name} has no resource type and is judged on "*" only, so this statement {verb} it; '
                    'give it a statement with Resource "*".',
                    subject.path(statement, "Action", i),
                    statement,
                )
        elif not any(_can_name(entry, form, variables) for form in info.arn_forms for entry in resources):
            forms = " or ".join(info.arn_forms[:2])
            subject.warning(
                "no-resource-for-action",
                f"{info.name} acts on {forms}, and no resource here is one, so this statement {verb} it.",
                subject.path(statement, "Action", i),
                statement,
            )


def _can_name(entry: str, form: str, variables: bool) -> bool:
    """Whether a resource entry can name a resource of this ARN form; the name of a bucket holds no slash."""
    if form.endswith("${BucketName}") and entry.count("/") > form.count("/"):
        return False
    return _resource_glob(entry, variables).shares(_form_tokens(form))


def _documented_exception(action: str, resources: tuple[str, ...]) -> bool:
    """AWS's own examples name a bucket ARN for s3:ListAllMyBuckets, and list actions of IAM show synthetic ARNs."""
    if action == "s3:ListAllMyBuckets":
        return any(entry.endswith(":s3:::*") for entry in resources)
    return action.startswith("iam:List")


@lru_cache(maxsize=4096)
def _resource_glob(entry: str, variables: bool) -> Glob:
    pieces = with_variables_as_stars(parse_pieces(entry, variables=variables))
    return Glob(arn_tokens(tokens_of(pieces)))


@lru_cache(maxsize=4096)
def _form_tokens(form: str) -> tuple[Token, ...]:
    return tuple(request_tokens(_PLACEHOLDER.sub("*", form)))
