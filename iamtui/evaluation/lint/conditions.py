"""Condition blocks: operators, keys, values and variables.

Sources: IAM User Guide (condition operators, multiple keys and values, single-valued and multivalued keys,
policy variables, global condition keys, Access Analyzer policy checks).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Final

from iamtui.catalog import GLOBAL_KEYS, ConditionKey, KeyType, catalogue, condition_key
from iamtui.evaluation.lint.subject import Subject, quoted
from iamtui.policy.document import ConditionLine, Statement
from iamtui.policy.operators import Operator, SetOperator, parse_operator
from iamtui.policy.values import parse_binary, parse_date, parse_network, parse_number, parse_policy_bool

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

_SENSITIVE: Final = frozenset(
    f"aws:{name}"
    for name in (
        "principalaccount", "principalorgid", "resourceaccount", "resourceorgid", "sourceaccount", "sourceorgid",
        "sourcevpc", "sourcevpce", "vpceaccount", "vpceorgid",
    )
)  # fmt: skip
"""Keys whose values identify somebody, where a wildcard lets others in (IAM User Guide: global condition keys)."""

_VALUE_TESTS: Final[Mapping[str, tuple[Callable[[str], bool], str]]] = {
    "numeric": (lambda text: parse_number(text) is not None, "a number, without blanks or exponent"),
    "date": (lambda text: parse_date(text) is not None, "a date such as 2026-01-31T00:00:00Z, or an epoch"),
    "bool": (lambda text: parse_policy_bool(text) is not None, "true or false"),
    "null": (lambda text: parse_policy_bool(text) is not None, "true (the key is absent) or false (it is present)"),
    "ipaddress": (lambda text: parse_network(text) is not None, "an IP address or CIDR block"),
    "binary": (lambda text: parse_binary(text) is not None, "padded base64"),
    "arn": (lambda text: text == "*" or text.count(":") >= 5, "an ARN with its six fields"),
}

_PRIVATE: Final = tuple(
    ipaddress.ip_network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
_VARIABLE_BODY: Final = re.compile(r"\s*([^,'\s]+)\s*(?:,\s*'[^']*'\s*)?")


def family_of(operator: Operator) -> str:
    """string, numeric, date, bool, binary, ipaddress, arn or null."""
    for family in ("string", "numeric", "date", "binary", "arn"):
        if operator.base.startswith(family):
            return family
    return operator.base


def check_conditions(subject: Subject, statement: Statement) -> None:
    """Everything about the Condition element of one statement."""
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
                statement,
            )
        operator = _check_operator(subject, statement, line)
        if operator is None and not line.key and not line.values:
            # Nothing stands under the operator that could be said of.
            continue
        key = _check_key(subject, statement, line, path)
        if not line.values:
            subject.warning(
                "no-values", f"{quoted(line.key)} has an empty list of values, which nothing matches.", path, statement
            )
        if operator is not None:
            _check_values(subject, statement, line, operator)
            _check_variables(subject, statement, line, operator)
            if key is not None:
                _check_type(subject, statement, line, operator, key, path)
                _check_multiplicity(subject, statement, line, operator, key, path)
            _check_wildcards(subject, statement, line, operator, path)
            _check_known_traps(subject, statement, line, operator, path)


def _check_operator(subject: Subject, statement: Statement, line: ConditionLine) -> Operator | None:
    operator = parse_operator(line.operator)
    path = subject.path(statement, f"Condition.{line.operator}")
    if operator is None:
        lowered = line.operator.lower()
        hint = (
            " Null has no IfExists form; use Null alone."
            if lowered.endswith("nullifexists")
            else subject.nearest(line.operator, sorted(_PROPER))
        )
        subject.error(
            "unknown-operator",
            f"{quoted(line.operator)} is no condition operator, so the condition never holds.{hint}",
            path,
            statement,
        )
    elif line.operator not in _PROPER:
        proper = next(name for name in _PROPER if name.lower() == line.operator.lower())
        subject.error(
            "operator-case",
            f'AWS refuses {quoted(line.operator)} for its letter case; write "{proper}".',
            path,
            statement,
        )
    return operator


def _check_key(subject: Subject, statement: Statement, line: ConditionLine, path: str) -> ConditionKey | None:
    key = line.key
    prefix, colon, name = key.rpartition(":")
    if not colon or not prefix or not name or any(c.isspace() for c in prefix):
        subject.error(
            "key-format",
            f"{quoted(key)} is no condition key, which is written prefix:name, so it is always absent.",
            path,
            statement,
        )
        return None
    if "${" in key and subject.policy.substitutes_variables:
        subject.error(
            "variable-not-allowed",
            f"{quoted(key)} has a policy variable in the key, where it is not replaced; write the key.",
            path,
            statement,
        )
        return None
    found = condition_key(key)
    if found is None:
        service = key.split(":", 1)[0].lower()
        known = [item.name for item in GLOBAL_KEYS.values()] if service == "aws" else _keys_of(service)
        hint = subject.nearest(key, (item.replace("${TagKey}", "KEY") for item in known))
        subject.error(
            "unknown-key",
            f"AWS documents no condition key {quoted(key)}, so it is always absent; check the spelling.{hint}",
            path,
            statement,
        )
    else:
        _check_carried(subject, statement, line, found, path)
    return found


def _keys_of(service: str) -> tuple[str, ...]:
    return catalogue().condition_keys(service)


def _check_carried(subject: Subject, statement: Statement, line: ConditionLine, key: ConditionKey, path: str) -> None:
    """A key of the service itself that one of the actions is not known to carry; global keys are left alone."""
    service = line.key.split(":", 1)[0].lower()
    if service == "aws" or not catalogue().is_service(service) or key.name.lower() in GLOBAL_KEYS:
        return
    for action in statement.actions or ():
        if "*" in action or "?" in action or action.partition(":")[0].lower() != service:
            continue
        info = catalogue().action(action)
        if info is None or any(name.lower() == key.name.lower() for name in info.all_condition_keys):
            continue
        if key.name.lower().startswith(("iam:", "sts:")):
            continue
        subject.warning(
            "key-not-carried",
            f"{info.name} is not known to carry {key.name}, so for it the key is absent; "
            "move it to a statement of its own.",
            path,
            statement,
        )


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
    subject: Subject, statement: Statement, line: ConditionLine, operator: Operator, key: ConditionKey, path: str
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
            statement,
        )
    else:
        subject.error(
            "type-mismatch",
            f"{quoted(line.key)} holds {kind} values, which {line.operator} cannot compare; {advice}.",
            path,
            statement,
        )


def _check_multiplicity(
    subject: Subject, statement: Statement, line: ConditionLine, operator: Operator, key: ConditionKey, path: str
) -> None:
    if operator.base == "null" or key.multivalued is None:
        return
    if key.multivalued and operator.over is None:
        subject.error(
            "needs-set-operator",
            f"{quoted(line.key)} can hold several values, and AWS does not define {line.operator} for them; "
            "write ForAnyValue: or ForAllValues: in front.",
            path,
            statement,
        )
    elif not key.multivalued and operator.over is not None:
        subject.warning(
            "set-operator-on-single-value",
            f"{quoted(line.key)} holds one value, so a set operator can let an absent key through; remove it.",
            path,
            statement,
        )


def _check_values(subject: Subject, statement: Statement, line: ConditionLine, operator: Operator) -> None:
    family = family_of(operator)
    if family == "string":
        return
    test, expected = _VALUE_TESTS[family]
    element = f"Condition.{line.operator}.{line.key}"
    for i, value in enumerate(line.values):
        # Variables count in Arn values (and, on one of AWS's pages, in Bool): what they hold is not known here.
        if family in ("arn", "bool") and "${" in value:
            continue
        if not test(value):
            subject.error(
                "value-type",
                f"{quoted(value)} is not {expected}, so {line.operator} cannot compare it.",
                subject.path(statement, element, i),
                statement,
            )
    if family == "bool" and len(line.values) > 1:
        subject.error(
            "several-booleans",
            f"{quoted(line.key)} has several booleans, which AWS refuses; give one.",
            subject.path(statement, element),
            statement,
        )


def _check_variables(subject: Subject, statement: Statement, line: ConditionLine, operator: Operator) -> None:
    if not subject.policy.substitutes_variables:
        return
    family = family_of(operator)
    for i, value in enumerate(line.values):
        bodies = variables_in(value)
        if not bodies:
            continue
        path = subject.path(statement, f"Condition.{line.operator}.{line.key}", i)
        if family == "bool":
            subject.warning(
                "variable-in-bool",
                "AWS's pages disagree on whether Bool takes policy variables; write true or false.",
                path,
                statement,
            )
        elif family not in ("string", "arn"):
            subject.error(
                "variable-not-supported",
                f"{line.operator} takes no policy variables, so {quoted(value)} is compared as it stands.",
                path,
                statement,
            )
        else:
            check_variable_keys(subject, statement, bodies, path)


def variables_in(text: str) -> list[str]:
    """What stands between `${` and `}`. Nothing is sought behind the last brace, which would take quadratic time."""
    return _VARIABLE.findall(text, 0, text.rfind("}") + 1)


def _without_variables(text: str) -> str:
    end = text.rfind("}") + 1
    return _VARIABLE.sub("", text[:end]) + text[end:]


def check_variable_keys(subject: Subject, statement: Statement, bodies: list[str], path: str) -> None:
    """The variables of one value or resource: well formed, documented, and of a single-valued key."""
    for body in bodies:
        if body in ("*", "?", "$"):
            continue
        parsed = _VARIABLE_BODY.fullmatch(body)
        if parsed is None or ":" not in parsed[1]:
            subject.warning(
                "malformed-variable",
                f"{quoted('${' + body + '}')} is no policy variable, so it never has a value; "
                "write ${key} or ${key, 'default'}.",
                path,
                statement,
            )
            continue
        key = condition_key(parsed[1])
        if key is None:
            subject.warning(
                "unknown-variable",
                f"AWS documents no condition key {quoted(parsed[1])}, so the variable never has a value.",
                path,
                statement,
            )
        elif key.multivalued:
            subject.warning(
                "multivalued-variable",
                f"{quoted(parsed[1])} can hold several values, and such a variable has no value; use another key.",
                path,
                statement,
            )


def check_resource_variables(subject: Subject, statement: Statement) -> None:
    """The variables in the resources of one statement."""
    if not subject.policy.substitutes_variables:
        return
    element = "Resource" if statement.resources is not None else "NotResource"
    for i, entry in enumerate(statement.resources or statement.not_resources or ()):
        bodies = variables_in(entry)
        if bodies:
            check_variable_keys(subject, statement, bodies, subject.path(statement, element, i))


def _check_wildcards(
    subject: Subject, statement: Statement, line: ConditionLine, operator: Operator, path: str
) -> None:
    fixed = [_without_variables(value) for value in line.values]
    wild = next((value for value in fixed if "*" in value or "?" in value), None)
    if wild is None:
        return
    if operator.base in ("stringlike", "arnlike") and line.key.lower() in _SENSITIVE:
        subject.warning(
            "wildcard-in-identity-key",
            f"A wildcard in {quoted(line.key)} can let in accounts, organizations or networks of others; "
            "write the whole value.",
            path,
            statement,
        )
    elif operator.base in ("stringequals", "stringequalsignorecase") and "*" in wild:
        like = "StringNotLike" if operator.negated else "StringLike"
        subject.warning(
            "literal-wildcard",
            f"{line.operator} compares {quoted(wild)} literally, star included; for a pattern use {like}.",
            path,
            statement,
        )


def _check_known_traps(
    subject: Subject, statement: Statement, line: ConditionLine, operator: Operator, path: str
) -> None:
    key = line.key.lower()
    if key == "aws:principalarn" and any(":assumed-role/" in value for value in line.values):
        subject.warning(
            "principal-arn-is-role",
            "aws:PrincipalArn holds the ARN of the role, never of its session, so an assumed-role ARN never matches; "
            "write arn:aws:iam::ACCOUNT:role/NAME.",
            path,
            statement,
        )
    if key == "aws:sourceip" and operator.base == "ipaddress":
        _check_source_ip(subject, statement, line)
    if (
        operator.over is SetOperator.ALL
        and statement.effect == "Allow"
        and operator.base != "null"
        and not _has_null_guard(statement, key)
    ):
        subject.warning(
            "for-all-values-without-guard",
            f"ForAllValues also holds when {quoted(line.key)} is absent, so this Allow then grants; "
            f'add "Null": {{"{line.key[:80]}": "false"}}.',
            path,
            statement,
        )


def _has_null_guard(statement: Statement, key: str) -> bool:
    return any(
        line.operator.lower() == "null" and line.key.lower() == key and [v.lower() for v in line.values] == ["false"]
        for line in statement.conditions
    )


def _check_source_ip(subject: Subject, statement: Statement, line: ConditionLine) -> None:
    for i, value in enumerate(line.values):
        network = parse_network(value)
        if network is None or network.prefixlen == 0:
            continue
        if any(network.version == private.version and network.subnet_of(private) for private in _PRIVATE):  # type: ignore[arg-type]
            subject.warning(
                "private-source-ip",
                f"{quoted(value)} is a private range, but aws:SourceIp holds public addresses; "
                "behind a VPC endpoint use aws:VpcSourceIp.",
                subject.path(statement, f"Condition.{line.operator}.{line.key}", i),
                statement,
            )
