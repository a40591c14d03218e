"""Condition blocks: operators, keys, and the values they are compared with.

Sources: IAM User Guide (condition operators, multiple keys and values, single-valued and multivalued keys, global
condition keys, Access Analyzer policy checks).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Final

from iamtui.catalog.actions import catalogue
from iamtui.catalog.condition_keys import GLOBAL_KEYS, ConditionKey, KeyType, condition_key
from iamtui.catalog.newer import newer_services
from iamtui.catalog.tables import REGIONS, REGIONS_READ, RETIRED_SERVICES
from iamtui.lint.actions import reaches
from iamtui.lint.resources import check_line_variables, variables_in, without_variables
from iamtui.lint.subject import CheckedDocument, Level, Place, condition_keys_of, is_negated, lines_about, named, quoted
from iamtui.policy.document import ConditionLine, Statement, key_fault
from iamtui.policy.patterns import is_pattern
from iamtui.policy.types import PolicyType
from iamtui.policy.values import (
    OPERATORS,
    Operator,
    SetOperator,
    is_private,
    parse_binary,
    parse_date,
    parse_network,
    parse_number,
    parse_operator,
    parse_policy_bool,
)

_PROPER: Final = frozenset(
    f"{over}{base}{suffix}"
    for base in OPERATORS
    for over in ("", "ForAllValues:", "ForAnyValue:")
    for suffix in (("",) if base == "Null" else ("", "IfExists"))
)


def check_conditions(subject: CheckedDocument, statement: Statement) -> None:
    """Everything about the Condition element of one statement."""
    _check_empty(subject, statement)
    seen: dict[tuple[str, str], str] = {}
    for line in statement.conditions:
        here = subject.at(statement, f"Condition.{line.operator}.{line.key}")
        first = seen.setdefault((line.operator, line.key.lower()), line.key)
        if first != line.key:
            here.error(
                "repeated-key",
                f"{quoted(line.key)} and {quoted(first)} are one key, since letter case does not count, and AWS "
                "refuses it twice under one operator; merge their values.",
                aws="DUPLICATE_KEYS_WITH_DIFFERENT_CASE",
            )
        operator = _check_operator(subject, statement, line)
        if operator is None and not line.key and not line.values:
            # Nothing stands under the operator that could be said of.
            continue
        key = check_condition_key(subject, statement, line, here)
        check_key_company(subject, statement, line, key)
        if operator is None:
            continue
        check_values(subject, statement, line, operator, key)
        check_line_variables(subject, statement, line, family_of(operator))
        if key is not None:
            _check_type(line, operator, key, here)
            _check_multiplicity(line, operator, key, here)
        if operator.base == "null" and operator.over is not None:
            always = "true" if operator.over is SetOperator.ALL else "false"
            here.suggestion(
                "null-with-set-operator",
                f"{line.operator} is always {always}, whatever the request; write Null without the set operator.",
                aws="NULL_WITH_QUALIFIER",
            )
        if key is None or key.multivalued is not False:
            _check_set_guard(statement, line, operator, here)


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
        subject.place(f"{subject.at(statement, 'Condition').path}{operator}").suggestion(
            "empty-condition",
            "The condition is empty and asks for nothing; remove it or fill it.",
            aws="EMPTY_OBJECT_CONDITION",
        )


def _check_operator(subject: CheckedDocument, statement: Statement, line: ConditionLine) -> Operator | None:
    operator = parse_operator(line.operator)
    here = subject.at(statement, f"Condition.{line.operator}")
    if operator is None:
        null = line.operator.lower().endswith("nullifexists")
        hint = (
            " Null has no IfExists form; use Null alone." if null else subject.nearest(line.operator, sorted(_PROPER))
        )
        met = "the condition is never met" if statement.effect == "Allow" else "nothing says whether the Deny applies"
        here.error(
            "unknown-operator",
            f"{quoted(line.operator)} is not a condition operator, so {met}.{hint}",
            aws="NULL_WITH_IF_EXISTS" if null else "INVALID_CONDITION_OPERATOR",
        )
    elif line.operator not in _PROPER:
        proper = next(name for name in _PROPER if name.lower() == line.operator.lower())
        here.error(
            "operator-case",
            f'AWS refuses {quoted(line.operator)} for its letter case; write "{proper}".',
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


def _check_type(line: ConditionLine, operator: Operator, key: ConditionKey, here: Place) -> None:
    family = family_of(operator)
    if family == "null" or not key.types or any(family in _SUITS[kind] for kind in key.types):
        return
    kind = key.types[0]
    advice = f"use {_OPERATOR_FOR[kind]}"
    if family == "string":
        here.warning(
            "type-mismatch",
            f"{quoted(line.key)} holds {kind} values, which {line.operator} compares as text only; {advice}.",
            aws="TYPE_MISMATCH",
        )
    else:
        here.error(
            "type-mismatch",
            f"{quoted(line.key)} holds {kind} values, which {line.operator} cannot compare; {advice}.",
            aws="TYPE_MISMATCH",
        )


def _check_multiplicity(line: ConditionLine, operator: Operator, key: ConditionKey, here: Place) -> None:
    if operator.base == "null" or key.multivalued is None:
        return
    if key.multivalued and operator.over is None:
        here.error(
            "needs-set-operator",
            f"{quoted(line.key)} can hold several values, and AWS does not define {line.operator} for them; "
            "write ForAnyValue: or ForAllValues: in front.",
            aws="MISSING_QUALIFIER",
        )
    elif not key.multivalued and operator.over is SetOperator.ALL:
        here.warning(
            "set-operator-on-single-value",
            f"{quoted(line.key)} has at most one value, and ForAllValues also holds when it is absent; remove it.",
            aws="FORALLVALUES_WITH_SINGLE_VALUED_KEY",
        )
    elif not key.multivalued and operator.over is SetOperator.ANY:
        audience = line.key.lower().endswith(":aud")
        here.report(
            Level.WARNING if audience else Level.SUGGESTION,
            "set-operator-on-single-value",
            f"{quoted(line.key)} has at most one value, and ForAnyValue is for keys with several; remove it.",
            aws="FORANYVALUE_WITH_AUDIENCE_CLAIM_TYPE" if audience else None,
        )


def _check_set_guard(statement: Statement, line: ConditionLine, operator: Operator, here: Place) -> None:
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
    here.report(
        Level.SUGGESTION if key == "aws:tagkeys" else Level.WARNING,
        "for-all-values-without-guard",
        f"ForAllValues also holds when {quoted(line.key)} is absent, so this Allow then grants; "
        f'add "Null": {{"{line.key[:80]}": "false"}}.',
    )


# Condition values: their type, whether the key can have them, and values that match too much or nothing.


_VALUE_TESTS: Final[Mapping[str, tuple[Callable[[str], bool], str, str | None]]] = {
    "numeric": (
        lambda text: parse_number(text) is not None,
        "a number without spaces or an exponent",
        "TYPE_MISMATCH_NUMBER",
    ),
    "date": (
        lambda text: parse_date(text) is not None,
        "a date such as 2026-01-31T00:00:00Z, or an epoch",
        "TYPE_MISMATCH_DATE",
    ),
    "bool": (lambda text: parse_policy_bool(text) is not None, "true or false", "TYPE_MISMATCH_BOOLEAN"),
    "null": (
        lambda text: parse_policy_bool(text) is not None,
        "true (the key is absent) or false (it is present)",
        "TYPE_MISMATCH_BOOLEAN",
    ),
    "ipaddress": (
        lambda text: parse_network(text) is not None,
        "an IP address or CIDR block",
        "TYPE_MISMATCH_IP_RANGE",
    ),
    "binary": (lambda text: parse_binary(text) is not None, "padded base64", "TYPE_MISMATCH_STRING"),
    "arn": (lambda text: text == "*" or text.count(":") >= 5, "an ARN with its six fields", None),
}

_SENSITIVE: Final = frozenset(
    f"aws:{name}"
    for name in (
        "principalaccount", "principalorgid", "resourceaccount", "resourceorgid", "sourceaccount", "sourceorgid",
        "sourcevpc", "sourcevpce", "vpceaccount", "vpceorgid",
    )
)  # fmt: skip
"""Keys whose values identify somebody, where a wildcard lets others in (IAM User Guide: global condition keys)."""

_CHOSEN_BY_CALLER: Final = ("aws:requesttag/", "aws:useragent", "aws:referer", "aws:sourceidentity", "aws:userid")
"""Keys whose value the caller chooses in whole or part: as a variable they match anything."""

_IDENTIFIERS: Final[Mapping[str, tuple[re.Pattern[str], str, str]]] = {
    "aws:sourcevpc": (re.compile(r"vpc-(?:[0-9a-z]{8}|[0-9a-z]{17})"), "vpc-", "INVALID_VPC_FORMAT"),
    "aws:sourcevpce": (re.compile(r"vpce-(?:[0-9a-z]{8}|[0-9a-z]{17})"), "vpce-", "INVALID_VPCE_FORMAT"),
}
"""Keys that hold an identifier: its form, its beginning, and the issue code of another text."""

_KMS_KEY: Final = re.compile(r"arn:[^:]+:kms:[^:]*:[^:]*:(?:key/.+|\*)")
_FAMILIES: Final = ("string", "numeric", "date", "binary", "arn")
_EPOCH: Final = re.compile(r"[0-9]{5,}(?:\.[0-9]+)?")
_ALWAYS_PRESENT: Final = frozenset(("aws:requestedregion",))
"""String keys that every request has."""


def family_of(operator: Operator) -> str:
    """string, numeric, date, bool, binary, ipaddress, arn or null."""
    return next((family for family in _FAMILIES if operator.base.startswith(family)), operator.base)


def check_values(
    subject: CheckedDocument, statement: Statement, line: ConditionLine, operator: Operator, key: ConditionKey | None
) -> None:
    family = family_of(operator)
    if not line.values:
        suffix = "_IFEXISTS" if operator.if_exists else ""
        if operator.over is not None:
            suffix = "_FORALLVALUES" if operator.over is SetOperator.ALL else "_FORANYVALUE"
        _at(subject, statement, line).warning(
            "no-values",
            f"{quoted(line.key)} has an empty list of values, which nothing matches.",
            aws=f"EMPTY_ARRAY_CONDITION{suffix}",
        )
        return
    _check_types(subject, statement, line, family)
    if len(line.values) >= 2:
        if operator.base == "bool":
            _at(subject, statement, line).error(
                "several-booleans",
                f"{quoted(line.key)} has several booleans, which AWS refuses; give one.",
                aws="INVALID_CONDITION_MULTIPLE_BOOLEAN",
            )
        if operator.base.startswith(("numericless", "numericgreater")):
            which = "greatest" if operator.base.startswith("numericless") else "least"
            _at(subject, statement, line).suggestion(
                "redundant-value",
                f"Only the {which} of several values counts with {line.operator}; remove the others.",
                aws="REDUNDANT_CONDITION_VALUE_NUM",
            )
    if family == "date" and line.key.lower() != "aws:epochtime":
        for i, value in enumerate(line.values):
            if _EPOCH.fullmatch(value):
                _at(subject, statement, line, i).warning(
                    "epoch-date",
                    f"{quoted(value)} is an epoch, which may not be the moment you expect; write a date such as "
                    "2026-01-31T00:00:00Z.",
                    aws="INVALID_DATE_VALUE",
                )
    if family == "ipaddress":
        _check_networks(subject, statement, line, operator)
    if family in ("string", "arn"):
        _check_stars(subject, statement, line, operator)
        _check_wildcards(subject, statement, line, operator)
        _check_known_values(subject, statement, line, key)
        _check_user_id(subject, statement, line, operator)


def _at(subject: CheckedDocument, statement: Statement, line: ConditionLine, value: int | None = None) -> Place:
    return subject.at(statement, f"Condition.{line.operator}.{line.key}", value)


def _check_types(subject: CheckedDocument, statement: Statement, line: ConditionLine, family: str) -> None:
    raw = subject.raw(statement)["Condition"][line.operator][line.key]
    if isinstance(raw, list) and len({type(value) if isinstance(value, (str, bool)) else float for value in raw}) > 1:
        _at(subject, statement, line).error(
            "mixed-value-types",
            f"The values of {quoted(line.key)} are of several JSON types, which AWS refuses; quote all of them.",
            aws="INVALID_CONDITION_DATA_TYPE",
        )
    if family == "string":
        return
    test, expected, issue = _VALUE_TESTS[family]
    for i, value in enumerate(line.values):
        # Variables count in Arn values (and, on one of AWS's pages, in Bool): what they hold is not known here.
        if family in ("arn", "bool") and "${" in value:
            continue
        if not test(value):
            _at(subject, statement, line, i).error(
                "value-type", f"{quoted(value)} is not {expected}, so {line.operator} cannot compare it.", aws=issue
            )


def _check_networks(subject: CheckedDocument, statement: Statement, line: ConditionLine, operator: Operator) -> None:
    private = []
    for i, value in enumerate(line.values):
        network = parse_network(value)
        if network is None:
            continue
        if is_private(network):
            private.append(value)
        address = value.partition("/")[0]
        if ipaddress.ip_address(address) != network.network_address:
            _at(subject, statement, line, i).suggestion(
                "host-bits",
                f"{quoted(value)} has bits behind the prefix, which do not count; write {network}.",
                aws="IMPROVE_IP_RANGE",
            )
    if private and line.key.lower() == "aws:sourceip":
        # aws:SourceIp holds public addresses, so private ones never match.
        here = _at(subject, statement, line, line.values.index(private[0]))
        verb = "is a private range" if len(private) == 1 else "are private ranges"
        message = f"{named(private)} {verb}, but aws:SourceIp holds public addresses; for a VPC endpoint use "
        issue = "PRIVATE_NOT_IP_ADDRESS" if operator.negated else "PRIVATE_IP_ADDRESS"
        if len(private) == len(line.values):
            always = "always" if operator.negated else "never"
            here.error("private-source-ip", f"{message}aws:VpcSourceIp. The condition {always} holds.", aws=issue)
        else:
            here.suggestion("private-source-ip", f"{message}aws:VpcSourceIp.", aws=f"{issue}_SUBSET")


def _check_stars(subject: CheckedDocument, statement: Statement, line: ConditionLine, operator: Operator) -> None:
    """A bare `*`, which asks only whether the key is there."""
    if "*" not in line.values or operator.base not in ("stringlike", "arnlike"):
        return
    present = line.key.lower() in _ALWAYS_PRESENT
    if operator.negated:
        never = operator.over is SetOperator.ANY or (present and operator.over is None)
        issue = "REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION" if never else "EQUIVALENT_TO_NULL_TRUE"
        meaning = "the condition never holds; remove the statement" if never else _null(line, "true")
    else:
        always = operator.if_exists or operator.over is SetOperator.ALL or present
        issue = "REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION" if always else "EQUIVALENT_TO_NULL_FALSE"
        meaning = "the condition always holds; remove it" if always else _null(line, "false")
    _at(subject, statement, line, line.values.index("*")).suggestion(
        "star-as-value", f'"*" matches every value, so {meaning}.', aws=issue
    )


def _null(line: ConditionLine, value: str) -> str:
    return f'write "Null": {{"{line.key[:80]}": "{value}"}}, which says the same'


def _check_wildcards(subject: CheckedDocument, statement: Statement, line: ConditionLine, operator: Operator) -> None:
    here = _at(subject, statement, line)
    sensitive = line.key.lower() in _SENSITIVE
    if sensitive and not operator.negated:
        chosen = [
            body for value in line.values for body in variables_in(value) if body.lower().startswith(_CHOSEN_BY_CALLER)
        ]
        if chosen and subject.policy.substitutes_variables:
            here.warning(
                "variable-in-identity-key",
                f"The caller chooses what {quoted('${' + chosen[0] + '}')} stands for, so {line.key} can match "
                "anybody; write the value.",
                aws="VARIABLE_USAGE_TOO_PERMISSIVE",
            )
    fixed = [without_variables(value) for value in line.values]
    wild = next((value for value in fixed if is_pattern(value)), None)
    if wild is None:
        return
    if operator.base in ("stringlike", "arnlike") and sensitive:
        here.warning(
            "wildcard-in-identity-key",
            f"A wildcard in {quoted(line.key)} can let in accounts, organizations or networks of others; "
            "write the whole value.",
            aws="WILDCARD_USAGE_TOO_PERMISSIVE",
        )
    elif operator.base in ("stringequals", "stringequalsignorecase") and "*" in wild:
        like = "StringNotLike" if operator.negated else "StringLike"
        here.warning(
            "literal-wildcard",
            f"{line.operator} compares {quoted(wild)} literally, star included; for a pattern use {like}.",
            aws="WILDCARD_WITHOUT_LIKE_OPERATOR",
        )


def _check_known_values(
    subject: CheckedDocument, statement: Statement, line: ConditionLine, key: ConditionKey | None
) -> None:
    """Values of keys whose values are known: Regions, networks, KMS keys, roles."""
    lowered = line.key.lower()
    holds_kms_key = key is not None and KeyType.ARN in key.types and "kms" in lowered and "key" in lowered
    for i, value in enumerate(line.values):
        if "${" in value:
            continue
        here = _at(subject, statement, line, i)
        if lowered == "aws:requestedregion" and not is_pattern(value):
            regions = [region for of_partition in REGIONS.values() for region in of_partition]
            if value.lower() not in regions:
                hint = subject.nearest(value, sorted(regions))
                here.warning(
                    "unknown-region",
                    f"{quoted(value)} is not a Region (list of {REGIONS_READ}), so it never matches.{hint}",
                    aws="INVALID_REGION",
                )
        if lowered in _IDENTIFIERS:
            _check_identifier(line, value, here)
        if holds_kms_key and value != "*" and not _KMS_KEY.fullmatch(value):
            here.error(
                "kms-key-value",
                f"{quoted(value)} is not the ARN of a KMS key, so it matches none; write "
                "arn:aws:kms:REGION:ACCOUNT:key/KEY-ID.",
                aws="INVALID_KMS_KEY_VALUE",
            )
        if lowered == "aws:principalarn" and ":assumed-role/" in value:
            here.warning(
                "principal-arn-is-role",
                "aws:PrincipalArn holds the ARN of the role, never of its session, so an assumed-role ARN never "
                "matches; write arn:aws:iam::ACCOUNT:role/NAME.",
            )


def _check_identifier(line: ConditionLine, value: str, here: Place) -> None:
    form, prefix, issue = _IDENTIFIERS[line.key.lower()]
    if form.fullmatch(value) or (is_pattern(value) and (value == "*" or value.startswith(prefix))):
        return
    here.error(
        "identifier-format",
        f"{quoted(value)} never matches: {line.key} is {prefix} followed by 8 or 17 letters and digits.",
        aws=issue,
    )


def _check_user_id(subject: CheckedDocument, statement: Statement, line: ConditionLine, operator: Operator) -> None:
    """Check that aws:userid, which is ID:NAME for sessions, has the id in full, since the caller chooses the name."""
    if line.key.lower() != "aws:userid" or operator.negated:
        return
    for i, value in enumerate(line.values):
        if operator.base != "stringlike" and "${" not in value:
            continue
        before, colon, _ = without_variables(value, "*").partition(":")
        if not is_pattern(before) or (before == "*" and colon) or value == "*":
            continue
        variable = not is_pattern(without_variables(value))
        _at(subject, statement, line, i).warning(
            "open-user-id",
            f"{quoted(value)} also matches ids of others; write the whole id before the colon, as in AROAEXAMPLE:*.",
            aws="VARIABLE_USAGE_TOO_PERMISSIVE" if variable else "WILDCARD_USAGE_TOO_PERMISSIVE",
        )


# Condition keys: whether they exist, whether the statement's requests carry them, and what belongs beside them.


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
