"""What a Deny goes on denying to a caller that is excepted from it: every entry that the question does not need.

An entry is kept or let go as a whole: no statement can say "s3:Delete*, but not s3:DeleteObject".
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from iamtui.policy.document import JsonValue
from iamtui.policy.pattern import Glob, parse_pieces, request_tokens, tokens_of, with_variables_as_stars
from iamtui.text import safe_text

_ONLY: Final = ("ArnEquals", "aws:PrincipalArn")
_MOST_NAMED: Final = 4
_REST: Final = re.compile(r"Rest\d*\Z")

Statement = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Spared:
    """A Deny without what a question needs.

    Args:
        rests: the statements that deny the rest of it.
        released: what they do not deny any more, in words that are safe to show.
        exact: whether that is just what was asked.
    """

    rests: tuple[Statement, ...]
    released: str
    exact: bool


def spare(statement: Statement, action: str, resource: str) -> Spared:
    """Take what a question needs out of a Deny.

    Args:
        statement: the Deny.
        action, resource: what is asked, as it is evaluated; the resource may be a pattern.
    """
    actions, resources = _entries(statement, "Action"), _entries(statement, "Resource")
    hit_actions = [entry for entry in actions if _meets(entry.lower(), action.lower())]
    hit_resources = [entry for entry in resources if _meets(entry, resource)]
    other_actions = [entry for entry in actions if entry not in hit_actions]
    other_resources = [entry for entry in resources if entry not in hit_resources]
    rests: list[Statement] = []
    if hit_actions and other_actions:
        rests.append({**statement, "Action": _as_element(other_actions)})
    if hit_resources and other_resources:
        rest = {**statement, "Resource": _as_element(other_resources)}
        rests.append({**rest, "Action": _as_element(hit_actions)} if hit_actions else rest)
    what = _named(hit_actions) or f"all but {_named(_entries(statement, 'NotAction'))}"
    where = _named(hit_resources)
    if not where and (left_out := _entries(statement, "NotResource")):
        where = f"all but {_named(left_out)}"
    just_that = not where or hit_resources == [resource]
    exact = [entry.lower() for entry in hit_actions] == [action.lower()] and just_that
    return Spared(tuple(copy.deepcopy(rests)), f"{what} on {where}" if where else what, exact)


def only_for(statement: Statement, who: str) -> Statement:
    """A Deny of a caller, about that caller alone.

    Args:
        statement: a Deny that denies the caller.
        who: the caller's ARN.
    """
    operator, key = _ONLY
    conditions = copy.deepcopy(statement.get("Condition", {}))
    at = next((name for name in conditions if name.lower() == operator.lower()), operator)
    tests = {name: value for name, value in conditions.get(at, {}).items() if name.lower() != key.lower()}
    return {**statement, "Condition": {**conditions, at: {**tests, key: who}}}


def is_only_for(statement: Statement, who: str) -> bool:
    """Whether a statement is about this caller alone by a condition on its ARN."""
    operator, key = _ONLY
    conditions = statement.get("Condition")
    for name, tests in conditions.items() if isinstance(conditions, dict) else ():
        if name.lower() == operator.lower() and isinstance(tests, dict):
            return any(one.lower() == key.lower() and value in (who, [who]) for one, value in tests.items())
    return False


def with_own_sid(statement: Statement, taken: Sequence[str]) -> Statement:
    """A statement under a Sid that the document does not have yet (`taken`); without a Sid it stays without."""
    sid = statement.get("Sid")
    if not isinstance(sid, str):
        return statement
    base = _REST.sub("", sid) + "Rest"
    number, free = 1, base
    while free in taken:
        number += 1
        free = f"{base}{number}"
    return {**statement, "Sid": free}


def _entries(statement: Statement, element: str) -> list[str]:
    value = statement.get(element)
    return [value] if isinstance(value, str) else [one for one in value or () if isinstance(one, str)]


def _as_element(entries: list[str]) -> JsonValue:
    return entries if len(entries) > 1 else entries[0]


def _meets(entry: str, asked: str) -> bool:
    """Whether an entry may be about what is asked; a variable stands for any text."""
    pieces = with_variables_as_stars(parse_pieces(entry, variables=True))
    return Glob(tokens_of(pieces)).shares(request_tokens(asked))


def _named(entries: list[str]) -> str:
    shown = ", ".join(safe_text(entry, limit=256) for entry in entries[:_MOST_NAMED])
    return f"{shown} and {len(entries) - _MOST_NAMED} more" if len(entries) > _MOST_NAMED else shown
