"""Resource and NotResource entries, and whether they suit the actions beside them.

Sources: IAM User Guide (Resource element, ARNs), Service Authorization Reference (ARN forms).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from iamtui.catalog.actions import catalogue
from iamtui.catalog.condition_keys import condition_key
from iamtui.catalog.newer import newer_services
from iamtui.catalog.tables import REGIONS, REGIONS_READ, RETIRED_SERVICES
from iamtui.lint.actions import reaches
from iamtui.lint.subject import CheckedDocument, Level, Place, form_tokens, quoted, resource_glob
from iamtui.policy.document import ConditionLine, Statement, resource_fault
from iamtui.policy.patterns import is_account_id, is_pattern
from iamtui.policy.types import PolicyType

_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}")
_PLACEHOLDER: Final = re.compile(r"\$\{[^}]*\}")
_OF_AWS: Final = re.compile(r"^[^/:]*[/:](?:[Aa][Ww][Ss]|Amazon)")
"""Names of resources that AWS makes in every account, as documents and parameters of Systems Manager."""

_ARN_ONLY_SERVICES: Final = frozenset(("catalog", "route53-recovery-control"))
"""Service fields of ARNs that are no prefix of actions."""

_MOST_PAIRS: Final = 5_000
"""Statements with more actions times resources than this are not searched for pairs that cannot meet."""

_WITH_OWN_RESOURCES: Final = (PolicyType.IDENTITY, PolicyType.BOUNDARY, PolicyType.SESSION, PolicyType.SCP)


def check_resources(subject: CheckedDocument, statement: Statement) -> None:
    """Form of the resources of one statement, and actions that none of them suits."""
    element = "Resource" if statement.resources is not None else "NotResource"
    entries = statement.resources if statement.resources is not None else statement.not_resources or ()
    before = len(subject.findings)
    for i, entry in enumerate(entries):
        _check_entry(subject, entry, subject.at(statement, element, i))
    if any(finding.level is Level.ERROR for finding in subject.findings[before:]):
        return
    if statement.resources and statement.actions and subject.kind in _WITH_OWN_RESOURCES:
        _check_pairs(subject, statement, statement.actions, statement.resources)


def _check_entry(subject: CheckedDocument, entry: str, here: Place) -> None:
    if entry == "*" or (subject.kind is PolicyType.RESOURCE and entry.startswith("execute-api:/")):
        # API Gateway completes the short form when it stores the policy.
        return
    fault = resource_fault(entry)
    if fault:
        here.error(
            "resource-format",
            f"{quoted(entry)} {fault}, so it matches nothing; write the whole ARN.",
            aws="INVALID_ARN_PREFIX",
        )
        return
    parts = entry.split(":", 5)
    if len(parts) < 6:
        here.error(
            "short-arn",
            f"{quoted(entry)} has {len(parts)} of the six fields of an ARN; what it matches is not documented; "
            "write all fields.",
            aws="MISSING_ARN_FIELD",
        )
        return
    if not parts[5]:
        here.error(
            "resource-format",
            f"{quoted(entry)} does not name a resource behind the fifth colon.",
            aws="INVALID_ARN_RESOURCE",
        )
        return
    if subject.policy.substitutes_variables and "${" in ":".join(parts[:5]):
        here.error(
            "variable-in-arn-field",
            f"{quoted(entry)} has a policy variable before the fifth colon, where it is not replaced; use a wildcard.",
        )
        return
    if _check_fields(subject, entry, parts, here):
        _check_against_forms(entry, parts, here)


def _check_fields(subject: CheckedDocument, entry: str, parts: list[str], here: Place) -> bool:
    """Partition, service, Region and account by themselves; whether the service is known."""
    _, partition, service, region, account, _ = parts
    for name, value, issue in (("partition", partition, None), ("service", service, "WILDCARD_IN_SERVICE_NAME")):
        if is_pattern(value):
            here.suggestion(
                "wildcard-in-arn-field",
                f"{quoted(entry)} has a wildcard in the {name}; AWS recommends writing out the {name}.",
                aws=issue,
            )
    if not is_pattern(partition) and partition not in REGIONS:
        here.error(
            "unknown-partition",
            f"{quoted(entry)} has the partition {quoted(partition)}, which does not exist; write aws, aws-cn or "
            "aws-us-gov.",
            aws="INVALID_PARTITION",
        )
    if region and not is_pattern(region):
        _check_region(subject, entry, partition, region, here)
    if account and not is_pattern(account) and account != "aws" and not is_account_id(account):
        here.error(
            "account-format",
            f"{quoted(entry)} has {quoted(account)} in place of a 12-digit account ID, so it matches nothing.",
            aws="INVALID_ARN_ACCOUNT",
        )
    return not is_pattern(service) and _check_service(subject, entry, service, here)


def _check_region(subject: CheckedDocument, entry: str, partition: str, region: str, here: Place) -> None:
    """A Region that has another form, that is not listed, or that lies in another partition."""
    elsewhere = next((name for name, regions in REGIONS.items() if region in regions), None)
    if not _REGION.fullmatch(region):
        here.error(
            "unknown-region",
            f"{quoted(entry)} has {quoted(region)} in place of a Region, so it matches nothing.",
            aws="INVALID_ARN_REGION",
        )
    elif elsewhere is None:
        hint = subject.nearest(region, sorted(REGIONS.get(partition, REGIONS["aws"])))
        here.warning(
            "unknown-region",
            f"{quoted(entry)} has the Region {quoted(region)}, which AWS does not have (list of {REGIONS_READ}), so it "
            f"matches nothing.{hint}",
            aws="INVALID_ARN_REGION",
        )
    elif partition in REGIONS and region not in REGIONS[partition]:
        here.error(
            "unknown-region",
            f"{quoted(entry)} matches nothing: the Region {quoted(region)} is in the partition {elsewhere}, not in "
            f"{partition}.",
            aws="INVALID_ARN_REGION",
        )


def _check_service(subject: CheckedDocument, entry: str, service: str, here: Place) -> bool:
    """Report an unknown service in an ARN; True if the ARN forms of the service are known."""
    if service != service.lower() and catalogue().is_service(service):
        here.error(
            "service-case",
            f"{quoted(entry)} has capital letters in the service, so it matches nothing; write {service.lower()}.",
            aws="INVALID_ARN_SERVICE_CASE",
        )
        return False
    if catalogue().is_service(service):
        return True
    if service in newer_services():
        here.suggestion(
            "newer-service",
            f"{quoted(service)} is newer than the action data of {catalogue().date}, so {quoted(entry)} was not "
            "checked.",
        )
    elif service not in _ARN_ONLY_SERVICES and service not in RETIRED_SERVICES:
        hint = subject.nearest(service, (item.prefix for item in catalogue().services()))
        here.error(
            "unknown-service",
            f"{quoted(entry)} names the service {quoted(service)}, which AWS does not have.{hint}",
            aws="INVALID_SERVICE",
        )
    return False


def _check_against_forms(entry: str, parts: list[str], here: Place) -> None:
    """Region and account against the ARN forms of the service that the resource part could have."""
    service, region, account, resource = parts[2], parts[3], parts[4], parts[5]
    fixed = re.split(r"[*?]|\$\{", resource, maxsplit=1)[0]
    forms = [form for form in _forms(service) if form[2].startswith(fixed) or fixed.startswith(form[2])]
    if not forms:
        known = [kind.arn for kind in catalogue().resource_types(service) if kind.arn.split(":")[2:3] == [service]]
        if known:
            here.suggestion(
                "resource-shape",
                f"{quoted(entry)} has the form of none of the resources of {service} (data {catalogue().version}), "
                f"such as {known[0]}; check the part behind the account.",
                aws="INVALID_ARN_RESOURCE",
            )
        return
    for name, value, i in (("Region", region, 0), ("account", account, 1)):
        allowed = any(form[i] != "" for form in forms)
        needed = all(form[i] not in ("", "*") for form in forms)
        if value and value != "*" and not allowed:
            here.error(
                f"{name.lower()}-not-allowed",
                f"{quoted(entry)} has the {name} {quoted(value)}, but ARNs of this kind have none, so it matches "
                "nothing; leave the field empty.",
                aws=f"ARN_{name.upper()}_NOT_ALLOWED",
            )
        elif not value and needed and not _OF_AWS.search(resource):
            here.warning(
                f"missing-{name.lower()}",
                f"{quoted(entry)} has no {name}, so it matches only resources of AWS itself, if any; "
                f"write the {name} or *.",
                aws=f"MISSING_ARN_{name.upper()}",
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


def _check_pairs(
    subject: CheckedDocument, statement: Statement, actions: tuple[str, ...], resources: tuple[str, ...]
) -> None:
    """Actions that no resource of the statement can be named for, so that the statement does not reach them."""
    if "*" in resources or len(actions) * len(resources) > _MOST_PAIRS:
        return
    variables = subject.policy.substitutes_variables
    if not all(entry.startswith("arn:") for entry in resources):
        return
    verb = "does not grant" if statement.effect == "Allow" else "does not deny"
    without_type: list[tuple[int, str]] = []
    reached = False
    for i, action in enumerate(actions):
        info = None if is_pattern(action) else catalogue().action(action)
        if info is None:
            reached = True
        elif not info.resources:
            if not _documented_exception(info.name, resources) and not _on_star(subject, statement, info.name):
                without_type.append((i, info.name))
        elif any(_can_name(entry, form, variables) for form in info.arn_forms for entry in resources):
            reached = True
        else:
            forms = " or ".join(info.arn_forms[:2])
            subject.at(statement, "Action", i).warning(
                "no-resource-for-action",
                f"{info.name} acts on {forms}, and no resource here is one, so this statement {verb} it.",
            )
    # A statement that does something is often a list of all that a job needs, in AWS's own policies too.
    for i, name in without_type:
        subject.at(statement, "Action", i).report(
            Level.SUGGESTION if reached else Level.WARNING,
            "needs-star",
            f'{name} has no resource type and is judged on "*" only, so this statement {verb} it; '
            'give it a statement with Resource "*".',
        )


def _on_star(subject: CheckedDocument, statement: Statement, action: str) -> bool:
    """True if another statement of the policy already covers an action on `*`."""
    return subject.may_search() and any(
        other.effect == statement.effect and "*" in (other.resources or ()) and reaches(other, action)
        for other in subject.policy.statements
        if other is not statement
    )


def _can_name(entry: str, form: str, variables: bool) -> bool:
    """True if a resource entry can match a resource of this ARN form; the name of a bucket holds no slash."""
    if form.endswith("${BucketName}") and entry.count("/") > form.count("/"):
        return False
    return resource_glob(entry, variables).shares(form_tokens(form))


def _documented_exception(action: str, resources: tuple[str, ...]) -> bool:
    """AWS's own examples name a bucket ARN for s3:ListAllMyBuckets, and list actions of IAM show synthetic ARNs."""
    if action == "s3:ListAllMyBuckets":
        return any(entry.endswith(":s3:::*") for entry in resources)
    return action.startswith("iam:List")


# Policy variables in condition values and resources (IAM User Guide: policy variables).


_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
_BODY: Final = re.compile(r"\s*([^,'\s]+)\s*(?:,\s*'[^']*'\s*)?")


def variables_in(text: str) -> list[str]:
    """Texts between `${` and `}`. The search ends at the last brace, or it would take quadratic time."""
    return _VARIABLE.findall(text, 0, text.rfind("}") + 1)


def without_variables(text: str, instead: str = "") -> str:
    end = text.rfind("}") + 1
    return _VARIABLE.sub(lambda _match: instead, text[:end]) + text[end:]


def check_line_variables(subject: CheckedDocument, statement: Statement, line: ConditionLine, family: str) -> None:
    """The variables in the values of one condition line, whose operator is of a family."""
    if not subject.policy.substitutes_variables:
        return
    for i, value in enumerate(line.values):
        if "${" not in value:
            continue
        here = subject.at(statement, f"Condition.{line.operator}.{line.key}", i)
        if family == "bool":
            here.warning(
                "variable-in-bool",
                "AWS's pages disagree on whether Bool takes policy variables; write true or false.",
                aws="INVALID_VARIABLE_FOR_OPERATOR",
            )
        elif family not in ("string", "arn"):
            here.error(
                "variable-not-supported",
                f"{line.operator} does not support policy variables, so {quoted(value)} is compared as it stands.",
                aws="INVALID_VARIABLE_FOR_OPERATOR",
            )
        else:
            _check_text(value, here)


def check_resource_variables(subject: CheckedDocument, statement: Statement) -> None:
    if not subject.policy.substitutes_variables:
        return
    element = "Resource" if statement.resources is not None else "NotResource"
    for i, entry in enumerate(statement.resources or statement.not_resources or ()):
        if "${" in entry:
            _check_text(entry, subject.at(statement, element, i))


def _check_text(text: str, here: Place) -> None:
    for body in variables_in(text):
        if body not in ("*", "?", "$"):
            # One variable: well formed, documented, and of a single-valued key.
            parsed = _BODY.fullmatch(body)
            if parsed is None or ":" not in parsed[1]:
                _malformed(body, here)
                continue
            if body.partition(",")[0] != parsed[1]:
                here.warning(
                    "malformed-variable",
                    f"{quoted('${' + body + '}')} has a space beside the key, which AWS does not support; remove it.",
                    aws="UNSUPPORTED_SPACE_IN_VARIABLE",
                )
            key = condition_key(parsed[1])
            if parsed[1].lower() == "aws:arn":
                here.warning(
                    "deprecated-key",
                    "aws:ARN is deprecated; write aws:PrincipalArn or aws:SourceArn.",
                    aws="DEPRECATED_GLOBAL_CONDITION_KEY",
                )
            elif key is None:
                here.warning(
                    "unknown-variable",
                    f"AWS documents no condition key {quoted(parsed[1])}, so the variable never has a value.",
                    aws="INVALID_GLOBAL_CONDITION_KEY" if parsed[1].lower().startswith("aws:") else None,
                )
            elif key.multivalued:
                here.warning(
                    "multivalued-variable",
                    f"{quoted(parsed[1])} can hold several values, and such a variable has no value; use another key.",
                )
    if "${" in without_variables(text):
        here.error(
            "unclosed-variable",
            f"{quoted(text)} has a policy variable without its closing brace, so it is compared as it stands; add }}.",
            aws="MISSING_BRACE_IN_VARIABLE",
        )


def _malformed(body: str, here: Place) -> None:
    key, comma, default = body.partition(",")
    default = default.strip()
    if not body.strip():
        issue: str | None = "EMPTY_VARIABLE"
    elif comma and not (len(default) > 1 and default[0] == default[-1] == "'"):
        issue = "MISSING_QUOTE_IN_VARIABLE"
    else:
        issue = "UNSUPPORTED_SPACE_IN_VARIABLE" if " " in key.strip() else None
    here.warning(
        "malformed-variable",
        f"{quoted('${' + body + '}')} is not a valid policy variable, so it never has a value; "
        "write ${key} or ${key, 'default'}.",
        aws=issue,
    )
