"""Fine-grained access control of DynamoDB: conditions that protect less than they seem to.

Source: IAM User Guide (Access Analyzer policy checks: DynamoDB).
"""

from __future__ import annotations

from typing import Final

from iamtui.evaluation.lint.matching import lines_about, reaches
from iamtui.evaluation.lint.subject import Subject, named, quoted
from iamtui.policy.document import ConditionLine, Statement
from iamtui.policy.operators import parse_operator

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


def check_dynamodb(subject: Subject, statement: Statement) -> None:
    """The DynamoDB condition keys of one statement."""
    if not any(line.key.lower().startswith("dynamodb:") for line in statement.conditions):
        return
    for line in lines_about(statement, _VALUES):
        _check_values(subject, statement, line)
    _check_pairing(subject, statement)
    if statement.effect == "Allow":
        _check_attributes(subject, statement)
        _check_leading_keys(subject, statement)


def _check_values(subject: Subject, statement: Statement, line: ConditionLine) -> None:
    operator = parse_operator(line.operator)
    if operator is None or not operator.base.startswith("string"):
        return
    allowed, issue = _VALUES[line.key.lower()]
    any_case = operator.base == "stringequalsignorecase"
    for i, value in enumerate(line.values):
        if (value.upper() if any_case else value) in allowed or "*" in value or "?" in value or "${" in value:
            continue
        subject.error(
            "dynamodb-value",
            f"{quoted(value)} is not a value of {line.key}, so it never matches; it is one of {', '.join(allowed)}.",
            subject.path(statement, f"Condition.{line.operator}.{line.key}", i),
            statement,
            aws=issue,
        )


def _reached(statement: Statement, actions: tuple[str, ...]) -> list[str]:
    return [action for action in actions if reaches(statement, action)]


def _path_of(subject: Subject, statement: Statement, key: str) -> str | None:
    lines = lines_about(statement, {key})
    return subject.path(statement, f"Condition.{lines[0].operator}.{lines[0].key}") if lines else None


def _check_pairing(subject: Subject, statement: Statement) -> None:
    """dynamodb:Select comes with reads only, dynamodb:ReturnValues with writes only."""
    for key, name, right, wrong in (
        ("dynamodb:select", "dynamodb:Select", _READS, _WRITES),
        ("dynamodb:returnvalues", "dynamodb:ReturnValues", _RETURNING, _READS),
    ):
        path = _path_of(subject, statement, key)
        if path is None or _reached(statement, right) or not _reached(statement, wrong):
            continue
        subject.warning(
            "dynamodb-key-of-other-action",
            f"DynamoDB gives {name} only with {named(right, len(right))}, so the condition protects nothing here; "
            "remove it or name such an action.",
            path,
            statement,
            aws="DYNAMODB_WRONG_CONDITION_FOR_ACTION",
        )


def _check_attributes(subject: Subject, statement: Statement) -> None:
    path = _path_of(subject, statement, "dynamodb:attributes")
    if path is None:
        return
    if _reached(statement, _READS) and not _limits(statement, "dynamodb:select", {"SPECIFIC_ATTRIBUTES"}):
        subject.warning(
            "dynamodb-attributes-without-select",
            "A read that names no attributes returns the whole item; "
            'add "StringEquals": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}.',
            path,
            statement,
            aws="DYNAMODB_ATTRIBUTES_WITHOUT_SELECT",
        )
    if _reached(statement, _RETURNING) and not _limits(
        statement, "dynamodb:returnvalues", {"NONE", "UPDATED_OLD", "UPDATED_NEW"}
    ):
        subject.warning(
            "dynamodb-attributes-without-return-values",
            "A write that asks for ALL_OLD or ALL_NEW gets the whole item; "
            "limit dynamodb:ReturnValues to NONE, UPDATED_OLD or UPDATED_NEW.",
            path,
            statement,
            aws="DYNAMODB_ATTRIBUTES_WITHOUT_RETURN_VALUES",
        )
    replacing = _reached(statement, _REPLACING)
    if replacing:
        subject.warning(
            "dynamodb-attributes-on-replace",
            f"{named(replacing)} replaces the whole item, so attributes outside dynamodb:Attributes can be dropped by "
            "leaving them out; grant dynamodb:UpdateItem instead.",
            path,
            statement,
            aws="DYNAMODB_REPLACE_OPERATION_WITH_ATTRIBUTES",
        )


def _check_leading_keys(subject: Subject, statement: Statement) -> None:
    path = _path_of(subject, statement, "dynamodb:leadingkeys")
    if path is not None and reaches(statement, "dynamodb:Scan"):
        subject.warning(
            "dynamodb-scan-with-leading-keys",
            "dynamodb:Scan reads the whole table whatever dynamodb:LeadingKeys says; remove it from this statement.",
            path,
            statement,
            aws="DYNAMODB_SCAN_BYPASSES_LEADING_KEYS",
        )


def _limits(statement: Statement, key: str, values: set[str]) -> bool:
    """Whether a condition confines a key to some values."""
    return any(
        (operator := parse_operator(line.operator)) is not None
        and operator.base in ("stringequals", "stringlike", "stringequalsignorecase")
        and not operator.negated
        and {value.upper() for value in line.values} <= values
        for line in lines_about(statement, {key})
    )
