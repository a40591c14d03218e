"""Condition blocks: operators, and the values they are compared with.

Sources: IAM User Guide (condition operators, multiple keys and values, single-valued and multivalued keys, global
condition keys, Access Analyzer policy checks).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from iamtui.catalog import ConditionKey, KeyType
from iamtui.lint.condition_keys import check_condition_key, check_key_company
from iamtui.lint.condition_values import check_values, family_of
from iamtui.lint.matching import lines_about
from iamtui.lint.subject import CheckedDocument, Level, quoted
from iamtui.lint.variables import check_line_variables
from iamtui.policy.document import ConditionLine, Statement
from iamtui.policy.operators import Operator, SetOperator, parse_operator

_BASES: Final = (
    "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike",
    "StringNotLike", "NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals",
    "NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals", "DateNotEquals", "DateLessThan",
    "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals", "Bool", "BinaryEquals", "IpAddress",
    "NotIpAddress", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "Null",
)  # fmt: skip
_PROPER: Final = frozenset(
    f"{over}{base}{suffix}"
    for base in _BASES
    for over in ("", "ForAllValues:", "ForAnyValue:")
    for suffix in (("",) if base == "Null" else ("", "IfExists"))
)


def check_conditions(subject: CheckedDocument, statement: Statement) -> None:
    """Everything about the Condition element of one statement."""
    _check_empty(subject, statement)
    seen: dict[tuple[str, str], str] = {}
    for line in statement.conditions:
        path = subject.path(statement, f"Condition.{line.operator}.{line.key}")
        first = seen.setdefault((line.operator, line.key.lower()), line.key)
        if first != line.key:
            subject.error(
                "repeated-key",
                f"{quoted(line.key)} and {quoted(first)} are one key, since letter case does not count, and AWS "
                "refuses it twice under one operator; merge their values.",
                path,
                aws="DUPLICATE_KEYS_WITH_DIFFERENT_CASE",
            )
        operator = _check_operator(subject, statement, line)
        if operator is None and not line.key and not line.values:
            # Nothing stands under the operator that could be said of.
            continue
        key = check_condition_key(subject, statement, line, path)
        check_key_company(subject, statement, line, key)
        if operator is None:
            continue
        check_values(subject, statement, line, operator, key)
        check_line_variables(subject, statement, line, family_of(operator))
        if key is not None:
            _check_type(subject, line, operator, key, path)
            _check_multiplicity(subject, line, operator, key, path)
        _check_null(subject, line, operator, path)
        if key is None or key.multivalued is not False:
            _check_set_guard(subject, statement, line, operator, path)


def _check_empty(subject: CheckedDocument, statement: Statement) -> None:
    """A Condition, or an operator of it, that asks for nothing."""
    raw = subject.raw(statement).get("Condition")
    if not isinstance(raw, dict):
        return
    empty = (
        [""]
        if not raw
        else [f".{operator}" for operator, block in raw.items() if not block and parse_operator(operator)]
    )
    for operator in empty:
        subject.suggestion(
            "empty-condition",
            "The condition is empty and asks for nothing; remove it or fill it.",
            f"{subject.path(statement, 'Condition')}{operator}",
            aws="EMPTY_OBJECT_CONDITION",
        )


def _check_operator(subject: CheckedDocument, statement: Statement, line: ConditionLine) -> Operator | None:
    operator = parse_operator(line.operator)
    path = subject.path(statement, f"Condition.{line.operator}")
    if operator is None:
        null = line.operator.lower().endswith("nullifexists")
        hint = (
            " Null has no IfExists form; use Null alone." if null else subject.nearest(line.operator, sorted(_PROPER))
        )
        subject.error(
            "unknown-operator",
            f"{quoted(line.operator)} is not a condition operator, so the condition is never met.{hint}",
            path,
            aws="NULL_WITH_IF_EXISTS" if null else "INVALID_CONDITION_OPERATOR",
        )
    elif line.operator not in _PROPER:
        proper = next(name for name in _PROPER if name.lower() == line.operator.lower())
        subject.error(
            "operator-case",
            f'AWS refuses {quoted(line.operator)} for its letter case; write "{proper}".',
            path,
            aws="INVALID_CONDITION_OPERATOR",
        )
    return operator


_SUITS: Final[Mapping[KeyType, tuple[str, ...]]] = {
    KeyType.STRING: ("string", "arn"),
    KeyType.ARN: ("arn", "string"),
    KeyType.BOOL: ("bool",),
    KeyType.DATE: ("date",),
    KeyType.NUMERIC: ("numeric",),
    KeyType.IP: ("ipaddress",),
    KeyType.BINARY: ("binary", "string"),
}
_OPERATOR_FOR: Final = {
    KeyType.STRING: "a String operator",
    KeyType.ARN: "an Arn operator",
    KeyType.BOOL: "Bool",
    KeyType.DATE: "a Date operator",
    KeyType.NUMERIC: "a Numeric operator",
    KeyType.IP: "IpAddress or NotIpAddress",
    KeyType.BINARY: "BinaryEquals",
}


def _check_type(
    subject: CheckedDocument, line: ConditionLine, operator: Operator, key: ConditionKey, path: str
) -> None:
    family = family_of(operator)
    if family == "null" or not key.types or any(family in _SUITS[kind] for kind in key.types):
        return
    kind = key.types[0]
    advice = f"use {_OPERATOR_FOR[kind]}"
    if family == "string":
        subject.warning(
            "type-mismatch",
            f"{quoted(line.key)} holds {kind} values, which {line.operator} compares as text only; {advice}.",
            path,
            aws="TYPE_MISMATCH",
        )
    else:
        subject.error(
            "type-mismatch",
            f"{quoted(line.key)} holds {kind} values, which {line.operator} cannot compare; {advice}.",
            path,
            aws="TYPE_MISMATCH",
        )


def _check_multiplicity(
    subject: CheckedDocument, line: ConditionLine, operator: Operator, key: ConditionKey, path: str
) -> None:
    if operator.base == "null" or key.multivalued is None:
        return
    if key.multivalued and operator.over is None:
        subject.error(
            "needs-set-operator",
            f"{quoted(line.key)} can hold several values, and AWS does not define {line.operator} for them; "
            "write ForAnyValue: or ForAllValues: in front.",
            path,
            aws="MISSING_QUALIFIER",
        )
    elif not key.multivalued and operator.over is SetOperator.ALL:
        subject.warning(
            "set-operator-on-single-value",
            f"{quoted(line.key)} has at most one value, and ForAllValues also holds when it is absent; remove it.",
            path,
            aws="FORALLVALUES_WITH_SINGLE_VALUED_KEY",
        )
    elif not key.multivalued and operator.over is SetOperator.ANY:
        audience = line.key.lower().endswith(":aud")
        subject.report(
            Level.WARNING if audience else Level.SUGGESTION,
            "set-operator-on-single-value",
            f"{quoted(line.key)} has at most one value, and ForAnyValue is for keys with several; remove it.",
            path,
            aws="FORANYVALUE_WITH_AUDIENCE_CLAIM_TYPE" if audience else None,
        )


def _check_null(subject: CheckedDocument, line: ConditionLine, operator: Operator, path: str) -> None:
    if operator.base == "null" and operator.over is not None:
        always = "true" if operator.over is SetOperator.ALL else "false"
        subject.suggestion(
            "null-with-set-operator",
            f"{line.operator} is always {always}, whatever the request; write Null without the set operator.",
            path,
            aws="NULL_WITH_QUALIFIER",
        )


def _check_set_guard(
    subject: CheckedDocument, statement: Statement, line: ConditionLine, operator: Operator, path: str
) -> None:
    """ForAllValues in an Allow without a guard for the absent key."""
    if operator.over is not SetOperator.ALL or statement.effect != "Allow" or operator.base == "null":
        return
    key = line.key.lower()
    if any(
        other.operator.lower() == "null" and [value.lower() for value in other.values] == ["false"]
        for other in lines_about(statement, {key})
    ):
        return
    # Requests without tags are mostly meant to be allowed, as in AWS's own examples.
    subject.report(
        Level.SUGGESTION if key == "aws:tagkeys" else Level.WARNING,
        "for-all-values-without-guard",
        f"ForAllValues also holds when {quoted(line.key)} is absent, so this Allow then grants; "
        f'add "Null": {{"{line.key[:80]}": "false"}}.',
        path,
    )
