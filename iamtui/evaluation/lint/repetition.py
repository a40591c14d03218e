"""Entries and statements that another one makes superfluous."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from iamtui.evaluation.lint.matching import action_glob, is_wild, resource_glob, resource_tokens
from iamtui.evaluation.lint.subject import Level, Subject, named, quoted
from iamtui.policy.document import Statement
from iamtui.policy.pattern import Token, Wild, parse_pieces, tokens_of

_WILD: Final = re.compile(r"[*?]")
_MOST_PAIRS: Final = 1_000_000
"""Lists with more pairs of a wildcard entry and another entry are not searched for entries that cover others."""
_MOST_CHARACTERS: Final = 500_000
"""Characters that are held against patterns for one list."""


def check_repetition(subject: Subject, statement: Statement) -> None:
    """Actions and resources of one statement that another entry of the same list covers."""
    variables = subject.policy.substitutes_variables

    def covers_resource(wide: str, entry: str) -> bool:
        # What a variable stands for is not known, so an entry with one covers only its like.
        known = not variables or "${" not in wide
        return wide == "*" or (known and resource_glob(wide, variables).covers(_any(resource_tokens(entry, variables))))

    for element, entries in (("Action", statement.actions), ("NotAction", statement.not_actions)):
        lowered = [entry.lower() for entry in entries or ()]
        _report(subject, statement, element, entries or (), lowered, _covers_entry, "action")
    for element, entries in (("Resource", statement.resources), ("NotResource", statement.not_resources)):
        _report(subject, statement, element, entries or (), list(entries or ()), covers_resource, "resource")


def _covers_entry(wide: str, entry: str) -> bool:
    """Whether an Action entry matches all that another one matches; the service is compared literally."""
    if wide in ("*", "*:*"):
        return True
    same_service = wide.partition(":")[0] == entry.partition(":")[0]
    return same_service and action_glob(wide).covers(_any(tokens_of(parse_pieces(entry, variables=False))))


def _any(tokens: Sequence[Token]) -> list[Token]:
    """Tokens in which a question mark stands for more than it does: what covers them covers the entry."""
    wider = {Wild.ONE: Wild.STAR, Wild.FIELD_ONE: Wild.FIELD_STAR}
    return [wider.get(token, token) if isinstance(token, Wild) else token for token in tokens]


def _report(
    subject: Subject,
    statement: Statement,
    element: str,
    entries: tuple[str, ...],
    compared: list[str],
    covers: Callable[[str, str], bool],
    what: str,
) -> None:
    """One finding for each entry that makes others superfluous."""
    for at, superfluous in _superfluous(compared, covers).items():
        first = superfluous[0]
        if all(compared[i] == compared[at] for i in superfluous):
            times = len(superfluous) + 1
            message = (
                f"{quoted(entries[first])} is listed {'twice' if times == 2 else f'{times} times'}; keep one of them."
            )
        else:
            names = list(dict.fromkeys(entries[i] for i in superfluous))
            verb = "is" if len(names) == 1 else "are"
            message = f"{named(names)} {verb} already covered by {quoted(entries[at])}; keep one or the other."
        subject.report(
            Level.SUGGESTION,
            f"redundant-{what}",
            message,
            subject.path(statement, element, first),
            statement,
            aws=f"REDUNDANT_{what.upper()}",
            count=len(superfluous),
        )


def _superfluous(entries: Sequence[str], covers: Callable[[str, str], bool]) -> dict[int, list[int]]:
    """For each entry that covers others, which; of two that cover each other the first stays."""
    # What stands before its first wildcard spares most comparisons.
    wide = {i: _WILD.split(entry, maxsplit=1)[0] for i, entry in enumerate(entries) if is_wild(entry)}
    if len(wide) * len(entries) > _MOST_PAIRS:
        wide = {}
    left = _MOST_CHARACTERS
    firsts: dict[str, int] = {}
    found: dict[int, list[int]] = {}
    for i, entry in enumerate(entries):
        first = firsts.setdefault(entry, i)
        if first != i:
            found.setdefault(first, []).append(i)
            continue
        for j, start in wide.items():
            if entries[j] == entry or not entry.startswith(start):
                continue
            left -= len(entry)
            if left < 0:
                break
            if covers(entries[j], entry) and not (i < j and covers(entry, entries[j])):
                found.setdefault(j, []).append(i)
                break
    return {at: sorted(found[at]) for at in sorted(found)}


def check_statements(subject: Subject) -> None:
    """Statements that say the same as an earlier one, whatever their Sid."""
    firsts: dict[object, Statement] = {}
    for statement in subject.policy.statements:
        first = firsts.setdefault(_meaning(statement), statement)
        if first is not statement:
            subject.suggestion(
                "redundant-statement",
                f"The statement says the same as statement {first.index + 1}; remove one of them.",
                subject.path(statement),
                statement,
                aws="REDUNDANT_STATEMENT",
            )


def _meaning(statement: Statement) -> object:
    def as_set(entries: tuple[str, ...] | None) -> frozenset[str] | None:
        return None if entries is None else frozenset(entries)

    def lowered(entries: tuple[str, ...] | None) -> frozenset[str] | None:
        return None if entries is None else frozenset(entry.lower() for entry in entries)

    return (
        statement.effect,
        None if statement.principals is None else frozenset(statement.principals),
        None if statement.not_principals is None else frozenset(statement.not_principals),
        lowered(statement.actions),
        lowered(statement.not_actions),
        as_set(statement.resources),
        as_set(statement.not_resources),
        frozenset((line.operator.lower(), line.key.lower(), as_set(line.values)) for line in statement.conditions),
    )
