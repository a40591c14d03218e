"""Whether a bucket policy counts as public (S3 User Guide: the meaning of "public")."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Final

from iamtui.policy.document import ConditionLine, Policy, Statement
from iamtui.policy.networks import parse_network
from iamtui.policy.operators import parse_operator
from iamtui.policy.patterns import is_account_id

_VARIABLE: Final = "${"
_USERID_OF_ROLE: Final = re.compile(r"[A-Z0-9]+:\*")
_PINNING_BASES: Final = ("stringequals", "stringequalsignorecase", "stringlike", "arnlike")


def is_public(policy: Policy) -> bool:
    """Whether some Allow statement is open to the public; Deny statements never help."""
    return any(_statement_is_public(statement) for statement in policy.statements)


def _statement_is_public(statement: Statement) -> bool:
    if statement.effect != "Allow":
        return False
    if statement.not_principals is None:
        entries = statement.principals or ()
        if not any(
            (entry.value == "*" and (entry.bare or entry.kind == "AWS")) or entry.kind == "Federated"
            for entry in entries
        ):
            return False
    return not any(_pins(line) for line in statement.conditions)


def _pins(line: ConditionLine) -> bool:
    """Whether a condition line confines the statement to fixed callers, networks or sources."""
    operator = parse_operator(line.operator)
    if operator is None or operator.negated or operator.if_exists:
        return False
    if operator.over is not None and operator.over.value == "forallvalues":
        return False
    test = _PINNING_VALUES.get(line.key.lower())
    if test is None or any(_VARIABLE in value for value in line.values):
        return False
    if line.key.lower() == "aws:sourceip":
        right_operator = operator.base == "ipaddress"
    elif line.key.lower() == "aws:principalisawsservice" and operator.base == "bool":
        right_operator = True
    else:
        right_operator = operator.base in _PINNING_BASES
    return right_operator and all(test(value) for value in line.values)


def _no_wildcard(value: str) -> bool:
    return "*" not in value and "?" not in value


def _arn_of_an_account(value: str) -> bool:
    parts = value.split(":", 5)
    return len(parts) == 6 and is_account_id(parts[4])


def _organization_path(value: str) -> bool:
    return _no_wildcard(value.removesuffix("*"))


def _user_id(value: str) -> bool:
    return _no_wildcard(value) or _USERID_OF_ROLE.fullmatch(value) is not None


def _narrow_network(value: str) -> bool:
    network = parse_network(value)
    if network is None:
        return False
    return network.prefixlen >= (8 if isinstance(network, ipaddress.IPv4Network) else 32)


_PINNING_VALUES: Final[dict[str, Callable[[str], bool]]] = {
    **dict.fromkeys(
        (
            "aws:sourcearn",
            "aws:sourcevpc",
            "aws:sourcevpce",
            "aws:sourceowner",
            "aws:sourceaccount",
            "s3:dataaccesspointaccount",
            "s3:x-amz-server-side-encryption-aws-kms-key-id",
            "aws:principalorgid",
            "aws:principalaccount",
            "aws:sourceorgid",
            "aws:sourcevpcarn",
            "aws:vpceaccount",
            "aws:vpceorgid",
        ),
        _no_wildcard,
    ),
    "aws:principalarn": _arn_of_an_account,
    "s3:dataaccesspointarn": _arn_of_an_account,
    "aws:principalorgpaths": _organization_path,
    "aws:vpceorgpaths": _organization_path,
    "aws:userid": _user_id,
    "aws:sourceip": _narrow_network,
    "aws:principalisawsservice": lambda value: value.lower() == "true",
    "aws:principalservicename": lambda _value: True,
    "aws:principalservicenameslist": lambda _value: True,
}
