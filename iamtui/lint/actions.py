"""Lint of Action and NotAction entries, sensitive actions, tag keys of actions, and DynamoDB's access control.

Sources: IAM User Guide (Action element; Access Analyzer policy checks), Service Authorization Reference.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from iamtui.catalog.actions import catalogue
from iamtui.catalog.newer import newer_actions, newer_services, without_effect
from iamtui.catalog.tables import RCP_SERVICES, RCP_SERVICES_READ, RETIRED_SERVICES
from iamtui.lint.subject import CheckedDocument, Level, Place, condition_keys_of, lines_about, named, quoted
from iamtui.policy.document import ConditionLine, Statement, action_fault
from iamtui.policy.patterns import (
    Glob,
    is_pattern,
    parse_pieces,
    tokens_of,
)
from iamtui.policy.types import PolicyType
from iamtui.policy.values import parse_operator


@lru_cache(maxsize=4096)
def action_glob(entry: str) -> Glob:
    return Glob(tokens_of(parse_pieces(entry.lower(), variables=False)))


def covers_action(entry: str, action: str) -> bool:
    """True if an Action entry matches an action; the service is compared literally."""
    if entry in ("*", "*:*"):
        return True
    service = entry.partition(":")[0].lower()
    return service == action.partition(":")[0].lower() and action_glob(entry).matches(action.lower())


def reaches(statement: Statement, action: str) -> bool:
    """True if a statement covers an action, by its Action or its NotAction."""
    if statement.actions is not None:
        return any(covers_action(entry, action) for entry in statement.actions)
    return not any(covers_action(entry, action) for entry in statement.not_actions or ())


def check_actions(subject: CheckedDocument, statement: Statement) -> None:
    """Form, existence and repetition of the actions of one statement."""
    element = "Action" if statement.actions is not None else "NotAction"
    entries = statement.actions if statement.actions is not None else statement.not_actions or ()
    for i, action in enumerate(entries):
        here = subject.at(statement, element, i)
        fault, issue = action_fault(action)
        if fault:
            here.error(
                "action-format",
                f"{quoted(action)} {fault}, so it is compared literally and matches nothing; write service:Operation.",
                aws=issue,
            )
            continue
        _check_known(subject, statement, action, here)
        if subject.kind is PolicyType.TRUST and not action.lower().startswith("sts:"):
            here.error(
                "trust-action",
                f"{quoted(action)} is not an STS action, and a role trust policy allows only those; use sts:AssumeRole "
                "or a similar action.",
                aws="UNSUPPORTED_ACTION_IN_POLICY",
            )


def _is_listed(action: str) -> bool:
    """True if the catalogue has an action, or one that a pattern of a single service matches."""
    if not is_pattern(action):
        return catalogue().knows(action)
    glob = action_glob(action)
    fixed = action.lower().replace("?", "*").partition("*")[0]
    candidates = map(str.lower, catalogue().actions_of(action.partition(":")[0]))
    return any(candidate.startswith(fixed) and glob.matches(candidate) for candidate in candidates)


def _check_known(subject: CheckedDocument, statement: Statement, action: str, here: Place) -> None:
    service, _, name = action.lower().partition(":")
    if service == "*":
        return
    known = catalogue()
    if service in RETIRED_SERVICES:
        here.suggestion(
            "retired-service",
            f"AWS has ended the service {quoted(service)}, so {quoted(action)} does nothing; remove it.",
        )
        return
    replaced = without_effect(action)
    if replaced:
        level = Level.WARNING if statement.effect == "Deny" else Level.SUGGESTION
        here.report(level, "action-without-effect", replaced)
        return
    is_service = known.is_service(service)
    if newer_actions().expand(action) and not _is_listed(action):
        here.suggestion(
            "newer-action",
            f"{quoted(action)} is newer than the action data of {known.date}, so its resources and condition keys were "
            "not checked; look them up in AWS's documentation.",
        )
        return
    if service in newer_services() and not is_service:
        here.warning(
            "unknown-action",
            f"{quoted(action)} is of a service that is newer than the action data of {known.date}, and the AWS SDK has "
            f"no such operation; check the spelling.{subject.nearest(action, newer_actions().names)}",
            aws="INVALID_ACTION",
        )
        return
    if not is_service:
        hint = subject.nearest(service, (item.prefix for item in known.services()))
        here.error(
            "unknown-service",
            f"AWS has no service {quoted(service)} (data {known.version}), so {quoted(action)} never matches.{hint}",
            aws="INVALID_SERVICE_IN_ACTION",
        )
        return
    if subject.kind is PolicyType.RCP and service not in RCP_SERVICES:
        here.warning(
            "rcp-service",
            f"RCPs do not restrict the service {quoted(service)} (list of {RCP_SERVICES_READ}), so this has no effect.",
            aws="RCP_SYNTAX_ERROR_ACTION",
        )
    if not is_pattern(name):
        if not known.knows(action):
            hint = subject.nearest(action, known.actions_of(service))
            here.error(
                "unknown-action",
                f"AWS lists no action {quoted(action)} (data {known.version}), so it never matches.{hint}",
                aws="INVALID_ACTION",
            )
    elif name != "*" and subject.may_search() and not _is_listed(action):
        here.warning(
            "no-such-actions",
            f"{quoted(action)} matches no action that AWS lists (data {known.version}); check the spelling.",
            aws="INVALID_ACTION",
        )


# DynamoDB's fine-grained access control.


_VALUES: Final = {
    "dynamodb:returnconsumedcapacity": (("TOTAL", "NONE"), "DYNAMODB_INVALID_RETURN_CONSUMED_CAPACITY"),
    "dynamodb:returnvalues": (
        ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"),
        "DYNAMODB_INVALID_RETURN_VALUES",
    ),
    "dynamodb:select": (
        ("ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT"),
        "DYNAMODB_INVALID_SELECT_VALUE",
    ),
}
"""The keys that hold one of a few texts, and the issue code of another text."""

_READS: Final = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan")
_WRITES: Final = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem")
_REPLACING: Final = ("dynamodb:PutItem", "dynamodb:BatchWriteItem")
_RETURNING: Final = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")


def check_dynamodb(subject: CheckedDocument, statement: Statement) -> None:
    """The DynamoDB condition keys of one statement."""
    if not any(line.key.lower().startswith("dynamodb:") for line in statement.conditions):
        return
    for line in lines_about(statement, _VALUES):
        operator = parse_operator(line.operator)
        if operator is None or not operator.base.startswith("string"):
            continue
        allowed, issue = _VALUES[line.key.lower()]
        any_case = operator.base == "stringequalsignorecase"
        for i, value in enumerate(line.values):
            if (value.upper() if any_case else value) in allowed or "*" in value or "?" in value or "${" in value:
                continue
            subject.at(statement, f"Condition.{line.operator}.{line.key}", i).error(
                "dynamodb-value",
                f"{quoted(value)} is not a value of {line.key}, so it never matches; it is one of "
                f"{', '.join(allowed)}.",
                aws=issue,
            )
    # dynamodb:Select comes with reads only, dynamodb:ReturnValues with writes only.
    for key, name, right, wrong in (
        ("dynamodb:select", "dynamodb:Select", _READS, _WRITES),
        ("dynamodb:returnvalues", "dynamodb:ReturnValues", _RETURNING, _READS),
    ):
        here = _place_of(subject, statement, key)
        if here is None or _reached(statement, right) or not _reached(statement, wrong):
            continue
        here.warning(
            "dynamodb-key-of-other-action",
            f"DynamoDB gives {name} only with {named(right, len(right))}, so the condition protects nothing here; "
            "remove it or name such an action.",
            aws="DYNAMODB_WRONG_CONDITION_FOR_ACTION",
        )
    if statement.effect == "Allow":
        _check_attributes(subject, statement)
        _check_leading_keys(subject, statement)


def _reached(statement: Statement, actions: tuple[str, ...]) -> list[str]:
    return [action for action in actions if reaches(statement, action)]


def _place_of(subject: CheckedDocument, statement: Statement, key: str) -> Place | None:
    lines = lines_about(statement, {key})
    return subject.at(statement, f"Condition.{lines[0].operator}.{lines[0].key}") if lines else None


def _check_attributes(subject: CheckedDocument, statement: Statement) -> None:
    here = _place_of(subject, statement, "dynamodb:attributes")
    if here is None:
        return
    if _reached(statement, _READS) and not _limits(statement, "dynamodb:select", {"SPECIFIC_ATTRIBUTES"}):
        here.warning(
            "dynamodb-attributes-without-select",
            "A read that names no attributes returns the whole item; "
            'add "StringEquals": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}.',
            aws="DYNAMODB_ATTRIBUTES_WITHOUT_SELECT",
        )
    if _reached(statement, _RETURNING) and not _limits(
        statement, "dynamodb:returnvalues", {"NONE", "UPDATED_OLD", "UPDATED_NEW"}
    ):
        here.warning(
            "dynamodb-attributes-without-return-values",
            "A write that asks for ALL_OLD or ALL_NEW gets the whole item; "
            "limit dynamodb:ReturnValues to NONE, UPDATED_OLD or UPDATED_NEW.",
            aws="DYNAMODB_ATTRIBUTES_WITHOUT_RETURN_VALUES",
        )
    replacing = _reached(statement, _REPLACING)
    if replacing:
        here.warning(
            "dynamodb-attributes-on-replace",
            f"{named(replacing)} replaces the whole item, so attributes outside dynamodb:Attributes can be dropped by "
            "leaving them out; grant dynamodb:UpdateItem instead.",
            aws="DYNAMODB_REPLACE_OPERATION_WITH_ATTRIBUTES",
        )


def _check_leading_keys(subject: CheckedDocument, statement: Statement) -> None:
    here = _place_of(subject, statement, "dynamodb:leadingkeys")
    if here is not None and reaches(statement, "dynamodb:Scan"):
        here.warning(
            "dynamodb-scan-with-leading-keys",
            "dynamodb:Scan reads the whole table whatever dynamodb:LeadingKeys says; remove it from this statement.",
            aws="DYNAMODB_SCAN_BYPASSES_LEADING_KEYS",
        )


def _limits(statement: Statement, key: str, values: set[str]) -> bool:
    """True if a condition confines a key to some values."""
    return any(
        (operator := parse_operator(line.operator)) is not None
        and operator.base in ("stringequals", "stringlike", "stringequalsignorecase")
        and not operator.negated
        and {value.upper() for value in line.values} <= values
        for line in lines_about(statement, {key})
    )


# iam:PassRole and iam:CreateServiceLinkedRole on more roles than was probably meant (IAM User Guide: PassRole).


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


def check_sensitive_actions(subject: CheckedDocument, statement: Statement) -> None:
    """Allow statements of identity-based policies that reach such an action on all roles."""
    if statement.effect != "Allow" or subject.kind is not PolicyType.IDENTITY:
        return
    if statement.resources is not None:
        on = "Resource" if any(_ALL_ROLES.fullmatch(entry) for entry in statement.resources) else None
    elif statement.not_resources is not None:
        on = None if any(_ALL_ROLES.fullmatch(entry) for entry in statement.not_resources) else "NotResource"
    else:
        on = None
    if on is None:
        return
    for sensitive in _SENSITIVE:
        if not reaches(statement, sensitive.action) or sensitive.narrowing_key.lower() in condition_keys_of(statement):
            continue
        how, entry, number = _reached_by(statement, sensitive.action)
        element = "NotAction" if how == "NotAction" else "Action"
        subject.at(statement, element, number).warning(
            sensitive.code, f"{entry} {sensitive.what}", aws=f"{sensitive.issue}_{_ISSUES[how, on]}"
        )


def _reached_by(statement: Statement, action: str) -> tuple[str, str, int | None]:
    for i, entry in enumerate(statement.actions or ()):
        if entry.lower() == action.lower():
            return "named", quoted(entry), i
    for i, entry in enumerate(statement.actions or ()):
        if covers_action(entry, action):
            return "wild", quoted(entry), i
    return "NotAction", f"NotAction without {action}", None


# aws:ResourceTag in statements about actions whose requests do not carry it (IAM User Guide: ABAC).


_KEY: Final = "aws:resourcetag/"


def check_tag_keys(subject: CheckedDocument, statement: Statement) -> None:
    """Check that a statement with a condition on a resource tag is about actions and resources that carry tags."""
    line = next((line for line in statement.conditions if _needs_tag(line)), None)
    if line is None:
        return
    denies = statement.effect == "Deny"
    level = Level.WARNING if denies else Level.SUGGESTION
    if statement.not_actions is not None:
        subject.at(statement, "NotAction").report(
            level,
            "tag-key-with-not-action",
            f"Many actions carry no {line.key}, and this statement does not {statement.effect.lower()} them; "
            "list the actions.",
            aws=f"{statement.effect.upper()}_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        )
        return
    lacking = [(i, entry) for i, entry in enumerate(statement.actions or ()) if _lacks_tags(entry)]
    if not lacking:
        return
    names = [entry for _, entry in lacking]
    carry = "carries" if len(names) == 1 else "carry"
    subject.at(statement, "Action", lacking[0][0]).report(
        level,
        "tag-key-not-carried",
        f"{named(names)} {carry} no {line.key}, so this statement does not {statement.effect.lower()} "
        f"{'it' if len(names) == 1 else 'them'}; use a statement without the key.",
        aws=f"{statement.effect.upper()}_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        count=len(lacking),
    )


def _needs_tag(line: ConditionLine) -> bool:
    """True if a line about a resource tag fails where the request does not carry it."""
    operator = parse_operator(line.operator)
    return (
        line.key.lower().startswith(_KEY)
        and operator is not None
        and operator.base != "null"
        and not operator.negated
        and not operator.if_exists
    )


def _lacks_tags(entry: str) -> bool:
    """True if no action of an entry carries aws:ResourceTag; False for entries for part of a service."""
    known = catalogue()
    service, _, name = entry.partition(":")
    if name == "*" and not is_pattern(service):
        actions = known.actions_of(service)
    elif not is_pattern(entry):
        actions = (entry,)
    else:
        return False
    infos = [known.action(action) for action in actions]
    return bool(infos) and all(
        info is not None and not any(key.lower().startswith(_KEY) for key in info.all_condition_keys) for info in infos
    )
