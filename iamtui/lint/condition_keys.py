"""Condition keys: whether they exist, whether the statement's requests carry them, and what belongs beside them.

Sources: IAM User Guide (global condition keys, Access Analyzer policy checks), S3 User Guide (s3:prefix).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from iamtui.catalog.actions import catalogue
from iamtui.catalog.condition_keys import GLOBAL_KEYS, ConditionKey, KeyType, condition_key
from iamtui.catalog.newer import newer_services
from iamtui.catalog.tables import RETIRED_SERVICES
from iamtui.lint.actions import reaches
from iamtui.lint.subject import CheckedDocument, Level, Place, condition_keys_of, is_negated, lines_about, named, quoted
from iamtui.policy.document import ConditionLine, Statement
from iamtui.policy.malformed import key_fault
from iamtui.policy.operators import parse_operator
from iamtui.policy.patterns import is_pattern
from iamtui.policy.types import PolicyType

_TAG_KEY_MISSING: Final = re.compile(r"(?:aws|[a-z0-9-]+):(?:resourcetag|requesttag|principaltag)/?", re.IGNORECASE)

_PARTNERS: Final[Mapping[str, tuple[str, ...]]] = {
    "aws:vpcsourceip": ("aws:SourceVpc", "aws:SourceVpce", "aws:SourceVpcArn"),
    "aws:ec2instancesourceprivateipv4": ("aws:Ec2InstanceSourceVpc",),
}
"""Keys that need another beside them, since addresses repeat between networks, with their partners."""

_SPOOFABLE: Final = frozenset(("aws:referer", "aws:useragent"))
"""Keys whose value the caller chooses."""

_OF_FEW_SERVICES: Final = frozenset(("aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths"))
"""Global keys that only some services support."""

_OF_OTHER_RESOURCES: Final = frozenset(
    ("s3:resourceaccount", "aws:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths")
)
"""Keys about the resource, which in the policy of that very resource have one value."""

_NEEDED_ACTIONS: Final[Mapping[str, str]] = {
    "iam:passedtoservice": "iam:PassRole",
    "iam:associatedresourcearn": "iam:PassRole",
    "sts:sourceidentity": "sts:SetSourceIdentity",
    "sts:transitivetagkeys": "sts:TagSession",
}
"""Keys that requests carry only for, or together with, one action."""


def check_condition_key(
    subject: CheckedDocument, statement: Statement, line: ConditionLine, here: Place
) -> ConditionKey | None:
    """Form and existence of the key of one line; the documented key, or None."""
    key = line.key
    if _TAG_KEY_MISSING.fullmatch(key):
        here.error(
            "tag-key-missing",
            f"{quoted(key)} names no tag, so it is always absent; write {key.rstrip('/')}/TAG-KEY.",
            aws="MISSING_TAG_KEY_IN_CONDITION",
        )
        return None
    if key_fault(key):
        here.error(
            "key-format",
            f"{quoted(key)} is not a valid condition key, which is written prefix:name, so it is always absent.",
            aws="INVALID_CONDITION_KEY_FORMAT",
        )
        return None
    if "${" in key and subject.policy.substitutes_variables:
        here.error(
            "variable-not-allowed",
            f"{quoted(key)} has a policy variable in the key, where it is not replaced; write the key.",
            aws="VARIABLE_UNSUPPORTED_IN_ELEMENT",
        )
        return None
    found = condition_key(key)
    if found is None:
        _report_unknown(subject, key, here)
    else:
        _check_carried(statement, line, found, here)
    return found


def _report_unknown(subject: CheckedDocument, key: str, here: Place) -> None:
    service = key.split(":", 1)[0].lower()
    if service in RETIRED_SERVICES:
        return
    if service in newer_services() and not catalogue().is_service(service):
        here.suggestion(
            "newer-service",
            f"{quoted(service)} is newer than the action data of {catalogue().date}, so {quoted(key)} was not checked.",
        )
        return
    if key.lower() == "aws:sourceowner":
        here.suggestion(
            "deprecated-key",
            "aws:SourceOwner, in the default policy of SNS topics, is deprecated; write aws:SourceAccount.",
            aws="DEPRECATED_GLOBAL_CONDITION_KEY",
        )
        return
    if key.lower() == "aws:arn":
        here.error(
            "unknown-key",
            "aws:ARN is no longer supported, so it is always absent; write aws:PrincipalArn or aws:SourceArn.",
            aws="UNSUPPORTED_GLOBAL_CONDITION_KEY",
        )
        return
    known = [item.name for item in GLOBAL_KEYS.values()] if service == "aws" else catalogue().condition_keys(service)
    hint = subject.nearest(key, (item.replace("${TagKey}", "KEY") for item in known))
    if service == "aws":
        issue = "INVALID_GLOBAL_CONDITION_KEY"
    else:
        issue = "INVALID_SERVICE_CONDITION_KEY" if catalogue().is_service(service) else "INVALID_SERVICE"
    here.error(
        "unknown-key",
        f"AWS documents no condition key {quoted(key)}, so it is always absent; check the spelling.{hint}",
        aws=issue,
    )


def _check_carried(statement: Statement, line: ConditionLine, key: ConditionKey, here: Place) -> None:
    """A key of the service itself that one of the actions is not known to carry; global keys are left alone."""
    service = line.key.split(":", 1)[0].lower()
    operator = parse_operator(line.operator)
    if operator is None or operator.if_exists or operator.base == "null":
        return
    if service in ("aws", "iam", "sts") or not catalogue().is_service(service) or key.name.lower() in GLOBAL_KEYS:
        return
    carried = False
    lacking: list[str] = []
    for action in statement.actions or ():
        if is_pattern(action) or action.partition(":")[0].lower() != service:
            carried = True
            continue
        info = catalogue().action(action)
        if info is None or any(name.lower() == key.name.lower() for name in info.all_condition_keys):
            carried = True
        else:
            lacking.append(info.name)
    if lacking:
        verb, what = ("is", "it") if len(lacking) == 1 else ("are", "them")
        here.report(
            Level.SUGGESTION if carried else Level.WARNING,
            "key-not-carried",
            f"{named(lacking)} {verb} not known to carry {key.name}: AWS's reference does not list it for {what}, so "
            "it may be absent; use a statement of its own.",
            aws="UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
            count=len(lacking),
        )


def check_key_company(
    subject: CheckedDocument, statement: Statement, line: ConditionLine, key: ConditionKey | None
) -> None:
    """Check keys that need another key beside them, and keys in places where they do not belong."""
    lowered = line.key.lower()
    here = subject.at(statement, f"Condition.{line.operator}.{line.key}")
    partners = _PARTNERS.get(lowered)
    if partners is not None and not condition_keys_of(statement) & {partner.lower() for partner in partners}:
        here.warning(
            "unpaired-key",
            f"Other networks have the same addresses, so {line.key} alone lets them in; "
            f"test {' or '.join(partners[:2])} beside it.",
            aws="MISSING_PAIRED_CONDITION_KEYS",
        )
    if lowered in _SPOOFABLE:
        here.report(
            Level.WARNING if statement.effect == "Allow" else Level.SUGGESTION,
            "spoofable-key",
            f"The caller chooses the value of {line.key}, so it protects nothing; test something that AWS sets.",
            aws="UNTRUSTWORTHY_CONDITION_KEY",
        )
    if lowered in _OF_FEW_SERVICES and any(entry in ("*", "*:*") for entry in statement.actions or ("*",)):
        here.warning(
            "key-of-few-services",
            f"Only some services support {line.key}, and for the others the key is absent; name the services.",
            aws="USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES",
        )
    if lowered in _OF_OTHER_RESOURCES and subject.kind is PolicyType.RESOURCE:
        here.suggestion(
            "irrelevant-key",
            f"{line.key} is the same for every request to this resource; use it in identity-based policies.",
            aws="IRRELEVANT_CONDITION_KEY_IN_POLICY",
        )
    if lowered == "s3:prefix":
        _check_prefix(statement, line, here)
    if key is not None and key.types == (KeyType.ARN,):
        _check_string_like(statement, line, here)


def _check_prefix(statement: Statement, line: ConditionLine, here: Place) -> None:
    """A list of prefixes that may not be listed: a shorter prefix lists them all the same."""
    operator = parse_operator(line.operator)
    if operator is None or not operator.base.startswith("string"):
        return
    if operator.negated == (statement.effect == "Allow"):
        here.warning(
            "prefix-excluded",
            "A caller who asks for a shorter prefix gets past this condition; list the prefixes that are meant, by "
            "Allow with StringLike or Deny with StringNotLike.",
            aws="S3_PREFIX_IN_NEGATIVE_CONTEXT",
        )


def _check_string_like(statement: Statement, line: ConditionLine, here: Place) -> None:
    operator = parse_operator(line.operator)
    if operator is None or operator.base != "stringlike":
        return
    # Without a wildcard both operators come to the same, and a Deny that matches too much lets nobody in.
    wild = any(is_pattern(value) and value != "*" for value in line.values)
    opens = operator.negated == (statement.effect == "Deny")
    level = Level.WARNING if wild and opens else Level.SUGGESTION
    arn_like = line.operator.replace("StringLike", "ArnLike").replace("StringNotLike", "ArnNotLike")
    here.report(
        level,
        "string-like-on-arn",
        f"In {line.operator} a wildcard also matches colons, so other accounts and services can match {line.key}; "
        f"use {arn_like}.",
        aws="STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS",
    )


def check_needed_actions(subject: CheckedDocument, statement: Statement) -> None:
    """Keys that mean nothing in a statement without the action that carries them."""
    for line in lines_about(statement, _NEEDED_ACTIONS):
        action = _NEEDED_ACTIONS[line.key.lower()]
        operator = parse_operator(line.operator)
        if reaches(statement, action) or operator is None or operator.if_exists or is_negated(line):
            continue
        subject.at(statement, f"Condition.{line.operator}.{line.key}").warning(
            "key-without-action",
            f"{line.key} comes with {action}, which this statement is not about; add the action.",
            aws="MISSING_ACTION_FOR_CONDITION_KEY",
        )
