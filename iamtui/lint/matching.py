"""What the entries of a statement match: action patterns, resource patterns, and the condition keys it tests."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final

from iamtui.policy.document import ConditionLine, Statement
from iamtui.policy.operators import parse_operator
from iamtui.policy.patterns import (
    Glob,
    Token,
    arn_tokens,
    parse_pieces,
    request_tokens,
    tokens_of,
    with_variables_as_stars,
)

_PLACEHOLDER: Final = re.compile(r"\$\{[^}]*\}")


def is_wild(text: str) -> bool:
    return "*" in text or "?" in text


@lru_cache(maxsize=4096)
def action_glob(entry: str) -> Glob:
    return Glob(tokens_of(parse_pieces(entry.lower(), variables=False)))


def covers_action(entry: str, action: str) -> bool:
    """Whether an Action entry matches an action; the service is compared literally."""
    if entry in ("*", "*:*"):
        return True
    service = entry.partition(":")[0].lower()
    return service == action.partition(":")[0].lower() and action_glob(entry).matches(action.lower())


def reaches(statement: Statement, action: str) -> bool:
    """Whether a statement is about an action, by its Action or its NotAction."""
    if statement.actions is not None:
        return any(covers_action(entry, action) for entry in statement.actions)
    return not any(covers_action(entry, action) for entry in statement.not_actions or ())


def condition_keys_of(statement: Statement) -> set[str]:
    """The condition keys that a statement tests, in lower case."""
    return {line.key.lower() for line in statement.conditions}


def lines_about(statement: Statement, keys: Collection[str]) -> list[ConditionLine]:
    """The lines of the Condition that test one of some keys, given in lower case."""
    return [line for line in statement.conditions if line.key.lower() in keys]


def is_negated(line: ConditionLine) -> bool:
    operator = parse_operator(line.operator)
    return operator is not None and operator.negated


@lru_cache(maxsize=4096)
def resource_tokens(entry: str, variables: bool) -> tuple[Token, ...]:
    return arn_tokens(tokens_of(with_variables_as_stars(parse_pieces(entry, variables=variables))))


@lru_cache(maxsize=4096)
def resource_glob(entry: str, variables: bool) -> Glob:
    """A Resource entry as a pattern, each policy variable as a star."""
    return Glob(resource_tokens(entry, variables))


@lru_cache(maxsize=4096)
def form_tokens(form: str) -> tuple[Token, ...]:
    """An ARN form of the Service Authorization Reference, each of its placeholders as a star."""
    return tuple(request_tokens(_PLACEHOLDER.sub("*", form)))
