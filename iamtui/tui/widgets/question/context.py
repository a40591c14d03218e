"""The context line: `key=value key=value,value "key=a value" !absent` to condition keys and back. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from iamtui.problem import Problem
from iamtui.workspace.questions.key_words import split_key, split_values, written_key, written_values

MFA_KEY: Final = "aws:MultiFactorAuthPresent"
ABSENT: Final = "!"
"""Before a key that the request does not carry."""

_EXAMPLE: Final = "Write key=value, such as aws:SourceIp=203.0.113.9; separate several values with commas."


def parse_context(text: str) -> Mapping[str, tuple[str, ...]]:
    """Read a context line. Words are quoted as in a POSIX shell; a key given twice has both values.

    A backslash that the shell's rules leave keeps a comma in a value, or a `=` in a key.

    Returns:
        Condition key (as written) to its values; `key=` is one empty value, `!key` none: the key is absent.

    Raises:
        Problem: a quote that is not closed, a word without `=`, or a key without its service prefix.
    """
    context: dict[str, tuple[str, ...]] = {}
    for word in _words(text):
        absent = word.startswith(ABSENT)
        key, equals, values = split_key(word.removeprefix(ABSENT))
        if absent == bool(equals):
            raise Problem(f"The context has {word!r} without a value.", _EXAMPLE)
        if ":" not in key.strip(":"):
            raise Problem(f"{key!r} is not a condition key: it has no prefix such as aws: or s3:.", _EXAMPLE)
        context[key] = () if absent else context.get(key, ()) + split_values(values)
    return context


def read_context(text: str, now: datetime) -> Mapping[str, tuple[str, ...]]:
    """Read a context line with its values checked by the type of their key; times in words become ISO 8601.

    Args:
        now: UTC, what `now+1h` counts from.

    Raises:
        Problem: as `parse_context`, or a value that its key does not take.
    """
    context = parse_context(text)
    if not context:
        return context
    from iamtui.workspace.questions.context_values import read_values  # noqa: PLC0415 - brings the catalogue: not before a frame

    return {key: read_values(key, values, now).values if values else () for key, values in context.items()}


def write_context(context: Mapping[str, tuple[str, ...]]) -> str:
    """The line that `parse_context` reads as this context."""
    return " ".join(_quote(_word(key, values)) for key, values in context.items())


def _word(key: str, values: tuple[str, ...]) -> str:
    return f"{written_key(key)}={written_values(values)}" if values else f"{ABSENT}{written_key(key)}"


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        raise Problem("The context has a quote that is not closed.", _EXAMPLE) from None


def mfa_state(text: str) -> bool | None:
    """Whether the line says that the caller used MFA: True, False, or None when it says nothing.

    Other words may be half typed.
    """
    try:
        said = [split_key(word) for word in _words(text)]
    except Problem:
        return None
    values = [values for key, _, values in said if key.lower() == MFA_KEY.lower()]
    if not values or not values[-1]:
        return None
    return values[-1].rpartition(",")[2].strip().lower() == "true"


def cycle_mfa(text: str) -> str:
    """The line with the MFA key moved on: not given, true, false, not given. An unreadable line stays as it is."""
    following = {None: "true", True: "false", False: None}[mfa_state(text)]
    return with_key(text, MFA_KEY, following)


def with_key(text: str, key: str, value: str | None) -> str:
    """The line with `key` set to one value, or removed (None). An unreadable line stays as it is."""
    return _with(text, {key: None if value is None else f"{written_key(key)}={value}"})


def with_keys(text: str, keys: Mapping[str, tuple[str, ...]]) -> str:
    """The line with these keys set, an empty tuple as absent. An unreadable line stays as it is."""
    return _with(text, {key: _word(key, values) for key, values in keys.items()})


def _with(text: str, words: Mapping[str, str | None]) -> str:
    try:
        before = _words(text)
    except Problem:
        return text
    replaced = {key.lower() for key in words}
    kept = [word for word in before if split_key(word.removeprefix(ABSENT))[0].lower() not in replaced]
    return " ".join(_quote(word) for word in [*kept, *filter(None, words.values())])


def _quote(word: str) -> str:
    return shlex.quote(word) if any(c.isspace() or c in "'\"\\" for c in word) else word
