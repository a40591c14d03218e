"""Actions, resources and condition keys of a form that AWS refuses, which can never match as they are written.

Sources: IAM User Guide (policy grammar; Action, Resource and Condition elements), Access Analyzer policy checks.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from iamtui.policy.document import Statement
from iamtui.policy.patterns import Glob, parse_pieces, tokens_of
from iamtui.policy.types import PolicyType
from iamtui.policy.values import parse_operator
from iamtui.text import safe_text

_SEPARATORS: Final = re.compile(r"[\s,]+")
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}?")
_SOUND_ACTION: Final = re.compile(r"(?:\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)\Z")
_SOUND_RESOURCE: Final = re.compile(r"\*\Z|arn:")
_SOUND_KEY: Final = re.compile(r"[A-Za-z0-9-]+:.", re.DOTALL)
"""Nearly all actions, resources and condition keys: a form that is seen at once to be one that AWS takes."""


@lru_cache(maxsize=8192)
def action_fault(entry: str) -> tuple[str, str]:
    """Fault in the form of an action, and Access Analyzer's issue code of that; or empty."""
    if entry in ("*", "*:*"):
        return "", ""
    service, colon, name = entry.partition(":")
    if "${" in entry:
        return "contains a policy variable, which is not supported in actions", "VARIABLE_UNSUPPORTED_IN_ELEMENT"
    if entry.split() != [entry]:
        return "contains a space, which AWS does not trim", "INVALID_ACTION"
    if "," in entry:
        return "contains a comma, which does not separate actions", "INVALID_ACTION"
    if not colon or not service:
        return "has no service in front", "INVALID_ACTION"
    if "*" in service or "?" in service:
        return "has a wildcard in the service", "WILDCARD_IN_SERVICE_NAME"
    return "" if name else "has no operation behind the colon", "INVALID_ACTION"


def resource_fault(entry: str) -> str:
    """Fault in the beginning of a resource, or ""."""
    return "" if entry == "*" or entry.startswith("arn:") else 'is neither "*" nor an ARN'


def key_fault(key: str) -> str:
    """Fault in the form of a condition key, or ""."""
    prefix, _, name = key.partition(":")
    return "" if prefix and name and not any(map(str.isspace, prefix)) else "is not written prefix:name"


def misplaced_principal(statement: Statement) -> str:
    """The Principal element of a statement in a policy that can have none, with its article, or ""."""
    if statement.principals is not None:
        return "a Principal"
    return "" if statement.not_principals is None else "a NotPrincipal"


def may_mean(entry: str, service: str, name: str) -> bool:
    """True if a malformed action may have been meant as the one given in lower case."""
    texts = (f"{service}:{name}", name, service)
    for part in _SEPARATORS.split(_VARIABLE.sub("*", entry.lower())):
        glob = Glob(tokens_of(parse_pieces(part.rstrip(":"), variables=False)))
        if any(map(glob.matches, texts)):
            return True
    return False


def is_malformed(statement: Statement, *, needs_resource: bool) -> bool:
    """True if an element of a statement is missing, empty or has an entry of a form that AWS refuses.

    Args:
        needs_resource: whether a statement without Resource and NotResource is about nothing.
    """
    return (
        _is_incomplete(statement, needs_resource=needs_resource)
        or any(action_fault(entry)[0] for entry in statement.not_actions or statement.actions or ())
        or any(map(resource_fault, statement.not_resources or statement.resources or ()))
        or any(key_fault(line.key) for line in statement.conditions)
    )


def _is_incomplete(statement: Statement, *, needs_resource: bool) -> bool:
    actions = statement.actions if statement.not_actions is None else statement.not_actions
    resources = statement.resources if statement.not_resources is None else statement.not_resources
    return not actions or (not resources and (needs_resource or resources is not None))


def fault_of(statement: Statement, policy_type: PolicyType) -> str:
    """First fault of a statement that AWS would refuse, in words, or ""; its effect on a request is unknown."""
    element = misplaced_principal(statement)
    if element and not policy_type.has_principals:
        return f"has {element}, which such a policy cannot have"
    found = _fault_of_conditions(statement) or _fault_of_entries(statement)
    if not found and _is_incomplete(statement, needs_resource=not policy_type.implies_resource):
        return "lacks actions or resources"
    return found


def _fault_of_conditions(statement: Statement) -> str:
    for line in statement.conditions:
        operator = parse_operator(line.operator)
        if operator is None:
            return f"has the condition operator {safe_text(line.operator, limit=128)}, which AWS does not have"
        for value in line.values if operator.base in ("null", "bool") else ():
            if value.lower() not in ("true", "false") and "${" not in value:
                said = f'"{safe_text(value, limit=128)}", which {safe_text(line.operator, limit=128)} cannot compare'
                return f"has for {safe_text(line.key, limit=256)} the value {said}"
        if not _SOUND_KEY.match(line.key) and key_fault(line.key):
            return f'has the condition key "{safe_text(line.key, limit=128)}", which {key_fault(line.key)}'
    return ""


def _fault_of_entries(statement: Statement) -> str:
    for entries in (statement.actions or (), statement.not_actions or ()):
        for entry in () if all(map(_SOUND_ACTION.match, entries)) else entries:
            if action_fault(entry)[0]:
                return f'has the action "{safe_text(entry, limit=128)}", which {action_fault(entry)[0]}'
    for entries in (statement.resources or (), statement.not_resources or ()):
        for entry in () if all(map(_SOUND_RESOURCE.match, entries)) else entries:
            if resource_fault(entry):
                return f'has the resource "{safe_text(entry, limit=128)}", which {resource_fault(entry)}'
    return ""
