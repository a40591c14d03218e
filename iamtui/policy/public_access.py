"""Openness of trust and resource policies: to whom their conditions leave them open, and what S3 counts as public.

Of S3: User Guide, the meaning of "public".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from iamtui.policy.context import And, ConditionLeaf, Node, Or
from iamtui.policy.document import ConditionLine, Policy, PrincipalEntry, Statement
from iamtui.policy.patterns import Glob, is_account_id, parse_pieces, tokens_of
from iamtui.policy.values import SetOperator, parse_network, parse_operator

Fixed: TypeAlias = Callable[[str, str, str], bool]
"""Predicate of a key, an operator's base and a value, both in lower case: the value keeps others out."""

_VARIABLE: Final = "${"
_OF_THE_RESOURCE: Final = ("${aws:resourceorgid}", "${aws:resourceaccount}")
"""Variables for the owner of the resource, whoever calls."""
_USERID_OF_ROLE: Final = re.compile(r"[A-Z0-9]+:\*")
_PINNING_BASES: Final = ("stringequals", "stringequalsignorecase", "stringlike", "arnlike")
_SUBJECT_OF_SOME: Final = re.compile(r"[^:*?]+:[^:/*?]+[:/].*", re.DOTALL)
"""A pattern of the subjects of an identity provider that says whose they are: `repo:OWNER/*`, and not `repo:*`."""


def is_public(policy: Policy) -> bool:
    """True if some Allow statement is open to the public, as S3 counts it: Deny statements never help."""
    return any(
        statement.effect == "Allow"
        and (
            statement.not_principals is not None
            or any(is_everybody(entry) or entry.kind == "Federated" for entry in statement.principals or ())
        )
        and not any(confines(_leaf(line), _fixes_public) for line in statement.conditions)
        for statement in policy.statements
    )


def is_everybody(entry: PrincipalEntry | None) -> bool:
    """True if an entry names everybody; None means all but those of a NotPrincipal."""
    return entry is None or (entry.value == "*" and (entry.bare or entry.kind in ("AWS", "*")))


def confines(condition: Node | None, fixed: Fixed, *, always: frozenset[str] = frozenset()) -> bool:
    """True if a condition admits only callers with certain values that it names.

    A key that may be absent where the condition holds confines nobody, nor does a value that is only excluded.

    Args:
        condition: of a decision, or `opening_of` a statement; None: there is none.
        fixed: which values of which keys count.
        always: keys that every request carries, in lower case.
    """
    if isinstance(condition, And):
        return any(confines(part, fixed, always=always) for part in condition.parts)
    if isinstance(condition, Or):
        return all(confines(part, fixed, always=always) for part in condition.parts)
    if not isinstance(condition, ConditionLeaf) or (operator := parse_operator(condition.op)) is None:
        return False
    holds, values = condition.holds, condition.values
    if operator.base == "bool" and not holds:
        # Where it is there, what is not false is true.
        holds, values = True, tuple("true" if value.lower() == "false" else "false" for value in values)
    if operator.negated is holds:
        return False
    key = condition.key.lower()
    true_if_absent = operator.if_exists or operator.over is SetOperator.ALL
    true_if_absent = true_if_absent or (operator.negated and operator.over is None)
    if true_if_absent is condition.holds and key not in always:
        return False
    return all(fixed(key, operator.base, value) for value in values)


def open_statements(policy: Policy) -> Iterator[Statement]:
    """The Allows of a resource's policy that let in everybody: neither a condition of theirs nor a Deny confines them.

    Networks and sources confine callers as well, as S3 has it.
    """
    for statement in policy.statements:
        entries = statement.principals if statement.not_principals is None else (None,)
        if statement.effect != "Allow" or not any(map(is_everybody, entries or ())):
            continue
        if not confines(opening_of(statement, policy), fixes_somebody, always=CALLER_KEYS_OF_EVERY_REQUEST):
            yield statement


def opening_of(statement: Statement, policy: Policy) -> Node | None:
    """Condition of access for a caller that an Allow names: its own conditions, and those that avoid each Deny.

    Of Deny statements only those are read that are about everybody but some, and about all resources of the Allow.
    """
    ways: dict[Node | None, None] = {}
    for action in statement.actions or (None,):
        parts: list[Or | ConditionLeaf] = [*map(_leaf, statement.conditions)]
        for deny in policy.statements:
            if deny.effect == "Deny" and _covers(deny, statement, action):
                spared = (
                    *(_leaf(line, holds=False) for line in deny.conditions),
                    *map(_spared, deny.not_principals or ()),
                )
                parts.append(spared[0] if len(spared) == 1 else Or(spared))
        ways[None if not parts else parts[0] if len(parts) == 1 else And(tuple(parts))] = None
    if None in ways:
        return None
    found = tuple(way for way in ways if way is not None)
    return found[0] if len(found) == 1 else Or(found)  # type: ignore[arg-type]


def _leaf(line: ConditionLine, *, holds: bool = True) -> ConditionLeaf:
    return ConditionLeaf(line.operator, line.key, tuple(line.values), holds)


def _spared(entry: PrincipalEntry) -> ConditionLeaf:
    """An entry of a Deny's NotPrincipal, as a condition."""
    key = {"AWS": "aws:PrincipalArn", "Service": "aws:PrincipalServiceName"}.get(entry.kind, entry.kind)
    value = f"arn:aws:iam::{entry.value}:root" if is_account_id(entry.value) else entry.value
    return ConditionLeaf("StringEquals", key, (value,))


def _covers(deny: Statement, allow: Statement, action: str | None) -> bool:
    return (
        (deny.not_principals is not None or any(map(is_everybody, deny.principals or ())))
        and _all_match(deny.actions, None if action is None else (action,))
        and ((deny.resources is None and deny.not_resources is None) or _all_match(deny.resources, allow.resources))
    )


def _all_match(patterns: tuple[str, ...] | None, texts: tuple[str, ...] | None) -> bool:
    """True if each of the texts, also where it is a pattern itself, is below one of the patterns."""
    if patterns is None or texts is None:
        return patterns is not None and "*" in patterns
    # A star takes in whatever the pattern below it stands for; a question mark would not.
    globs = [Glob(tokens_of(parse_pieces(one.lower(), variables=False))) for one in patterns if "?" not in one]
    return all(any(glob.matches(text.lower()) for glob in globs) for text in texts)


# Which values count.


def _fixes_public(key: str, base: str, value: str) -> bool:
    """True for values that S3 counts as fixed callers, networks or sources."""
    test = _PINNING_VALUES.get(key)
    if test is None or _VARIABLE in value:
        return False
    if key == "aws:sourceip":
        right_operator = base == "ipaddress"
    else:
        right_operator = base in _PINNING_BASES or (key == "aws:principalisawsservice" and base == "bool")
    return right_operator and test(value)


def fixes_caller(organization: str | None = None) -> Fixed:
    """Fixed accounts, users, roles and organizations; of these only one, where it is given ("": none counts)."""

    def fixed(key: str, base: str, value: str) -> bool:
        if key not in _OF_CALLERS or base not in _PINNING_BASES:
            return False
        if value.lower() in _OF_THE_RESOURCE:
            return True
        named, slash, _ = value.partition("/")
        if key.startswith("aws:principalorg") and organization is not None and named != organization:
            return False
        if key == "aws:principalorgpaths":
            # The rest of the path says which of its accounts.
            return bool(named and slash) and (named.lower() in _OF_THE_RESOURCE or _is_fixed(named))
        return _fixes_public(key, base, value)

    return fixed


def fixes_somebody(key: str, base: str, value: str) -> bool:
    """Fixed callers, or what S3 counts besides: networks and sources."""
    if key == "kms:calleraccount":
        return base in _PINNING_BASES and _is_fixed(value)
    return (fixes_caller() if key in _OF_CALLERS else _fixes_public)(key, base, value)


def fixes_external_id(key: str, base: str, value: str) -> bool:
    """An external ID (IAM User Guide: the confused deputy problem)."""
    return key == "sts:externalid" and base in _PINNING_BASES and bool(value.strip("*?"))


def fixes_subject(provider: str) -> Fixed:
    """The subject of an identity provider, given by its host: one, or those of somebody."""
    wanted = f"{provider.lower()}:sub"

    def fixed(key: str, base: str, value: str) -> bool:
        is_one = base != "stringlike" or _no_wildcard(value)
        return key == wanted and base in _PINNING_BASES and (is_one or _SUBJECT_OF_SOME.fullmatch(value) is not None)

    return fixed


def _no_wildcard(value: str) -> bool:
    return "*" not in value and "?" not in value


def _is_fixed(value: str) -> bool:
    return _no_wildcard(value) and _VARIABLE not in value


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
_OF_CALLERS: Final = frozenset(
    ("aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn", "aws:userid")
)
CALLER_KEYS_OF_EVERY_REQUEST: Final = frozenset(("aws:principalaccount", "aws:userid", "aws:principaltype"))
"""Keys that every request carries, anonymous ones too (IAM User Guide: global condition keys)."""
SIGNED: Final = CALLER_KEYS_OF_EVERY_REQUEST | {"aws:principalarn"}
"""Those of signed requests, as of all that assume a role."""
