"""Three-valued logic on plain values.

A truth is True, False or a tree: `{"and": [...]}`, `{"or": [...]}` or a leaf, which is a dict with `holds`.
While one condition line is worked out, None stands for "not known" and becomes a leaf afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Truth = Any
"""True, False or a tree as above."""


def kleene_or(values: Iterable[bool | None]) -> bool | None:
    """True when one is true; None when none is true and one is not known."""
    seen = list(values)
    if True in seen:
        return True
    return None if None in seen else False


def kleene_and(values: Iterable[bool | None]) -> bool | None:
    """False when one is false; None when none is false and one is not known."""
    seen = list(values)
    if False in seen:
        return False
    return None if None in seen else True


def kleene_not(value: bool | None) -> bool | None:
    """The opposite; not known stays not known."""
    return None if value is None else not value


def conjunction(truths: Iterable[Truth]) -> Truth:
    """All of them; True when there are none."""
    return _join("and", truths, neutral=True)


def disjunction(truths: Iterable[Truth]) -> Truth:
    """One of them; False when there are none."""
    return _join("or", truths, neutral=False)


def _join(word: str, truths: Iterable[Truth], *, neutral: bool) -> Truth:
    parts: list[Truth] = []
    for truth in truths:
        if truth is neutral:
            continue
        if truth is (not neutral):
            return not neutral
        for part in truth.get(word, [truth]):
            if part not in parts:
                parts.append(part)
    if not parts:
        return neutral
    return parts[0] if len(parts) == 1 else {word: parts}


def negation(truth: Truth) -> Truth:
    """The opposite, with every "not" pushed down to the leaves."""
    if truth is True or truth is False:
        return not truth
    if "and" in truth:
        return disjunction(negation(part) for part in truth["and"])
    if "or" in truth:
        return conjunction(negation(part) for part in truth["or"])
    return {**truth, "holds": not truth["holds"]}
