"""Condition keys and their values as people type them: what a key takes, what to offer, and what is wrong. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from iamtui.catalog.actions import catalogue
from iamtui.catalog.condition_keys import GLOBAL_KEYS, ConditionKey, KeyType, condition_key
from iamtui.policy.context import KeyNames
from iamtui.policy.json_text import scalar_text
from iamtui.policy.patterns import parse_arn
from iamtui.policy.values import parse_date, parse_network, parse_number
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.workspace.ask.context_syntax import at_time

_WANTED: Final = {
    KeyType.BOOL: ("true or false", "Write true or false."),
    KeyType.DATE: ("a time", "Write now, now+1h, now-30m, 2026-12-24 or 2026-12-24T18:00:00Z."),
    KeyType.NUMERIC: ("a number", "Write digits, such as 3600."),
    KeyType.IP: ("an IP address or network", "Write an address such as 203.0.113.9, or a network such as 10.0.0.0/8."),
    KeyType.ARN: ("an ARN", "Write it as arn:aws:service:region:account:resource."),
}


class ParsedValues(Struct, frozen=True):
    """A condition key's values as the engine takes them."""

    key: str
    values: tuple[str, ...]


def read_values(key: str, values: Sequence[str], now: datetime) -> ParsedValues:
    """Check values against the key's documented type; times in words become ISO 8601.

    A key that AWS does not document, or whose type it does not say, takes any text.

    Args:
        now: UTC.

    Raises:
        Problem: a value that the key's type does not take, or several values for a key that has one.
    """
    known = condition_key(key)
    if known is None or not known.types:
        return ParsedValues(key, tuple(values))
    if known.multivalued is False and len(values) > 1:
        raise Problem(
            f"{safe_text(key)} has one value in a request, not {len(values)}.",
            r"Leave all but one out; on the screen a comma parts values, '\,' in quotes is one in a value.",
        )
    return ParsedValues(key, tuple(_read(known, key, value, now) for value in values))


def read_all_values(context: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The values of a context as `read_values` reads them; a key without values is absent."""
    now = datetime.now(UTC)
    return {key: read_values(key, values, now).values if values else () for key, values in context.items()}


def context_of(values: Mapping[str, Any], where: str, hint: str) -> dict[str, tuple[str, ...]]:
    """A context as its keys' values: each a text, number or boolean, a list of these, or None for absent.

    Args:
        where: what stands before the key in a message ("The context file c.json: "), or "".
        hint: how a key is written.

    Raises:
        Problem: something is no key or no value of one, or a key is there twice.
    """
    context: dict[str, tuple[str, ...]] = {}
    seen: set[str] = set()
    for key, found in values.items():
        check_key(key, f"{where}{key}", hint)
        if key.lower() in seen:
            said = where.removesuffix(": ") or "The context"
            raise Problem(f"{said} gives {key} twice (letter case does not count).", "Give it once.")
        seen.add(key.lower())
        items = [] if found is None else found if isinstance(found, list | tuple) else [found]
        texts = [scalar_text(item) for item in items]
        if any(item is None for item in texts):
            raise Problem(f"{where}{key} must be a text, number or boolean, a list of these, or null for absent.")
        context[key] = tuple(item for item in texts if item is not None)
    return context


def check_key(key: str, where: str, hint: str) -> None:
    """Refuse what is no condition key."""
    prefix, colon, name = key.partition(":")
    # Only a tag's key, and what else AWS leaves to its users, may hold spaces.
    spaced = any(character.isspace() for character in key)
    if not (colon and prefix and name) or (spaced and (key != key.strip() or undocumented(key))):
        raise Problem(f"{where} is not a condition key: expected prefix:name.", hint)


def _read(known: ConditionKey, key: str, value: str, now: datetime) -> str:
    if any(_fits(kind, value) for kind in known.types):
        return value
    if KeyType.DATE in known.types:
        moment = moment_of(value, now)
        if moment is not None:
            return moment
    wanted = next((_WANTED[kind] for kind in known.types if kind in _WANTED), None)
    if wanted is None:
        return value
    article, hint = wanted
    given = f"{safe_text(value, limit=64)} is not" if value else "nothing is given"
    raise Problem(f"{safe_text(key)} takes {article}; {given}" + (" one." if value else "."), hint)


def _fits(kind: KeyType, value: str) -> bool:
    if kind is KeyType.BOOL:
        return value.lower() in ("true", "false")
    if kind is KeyType.DATE:
        return parse_date(value) is not None
    if kind is KeyType.NUMERIC:
        return parse_number(value) is not None
    if kind is KeyType.IP:
        return parse_network(value) is not None
    if kind is KeyType.ARN:
        return parse_arn(value) is not None
    return True


def moment_of(text: str, now: datetime) -> str | None:
    """`now`, `now+1h`, `2026-12-24` and the like as ISO 8601 in UTC to the second; None for other texts."""
    try:
        return at_time(text, now)["aws:CurrentTime"][0]
    except Problem:
        return None


def value_offers(key: str, now: datetime) -> tuple[str, ...]:
    """Values to offer for a key, by its type."""
    known = condition_key(key)
    types = known.types if known is not None else ()
    if KeyType.BOOL in types:
        return ("true", "false")
    if KeyType.DATE in types:
        today = now.astimezone(UTC)
        midnight = (today + timedelta(days=1)).strftime("%Y-%m-%dT00:00:00Z")
        return ("now", "now+1h", "now+1d", f"{today.isoformat()[:19]}Z", midnight)
    return ()


def type_words(key: str) -> str:
    """Type of a key in a word or two: "true or false", "IP address"; "text" when AWS has no more."""
    known = condition_key(key)
    if known is None:
        return "not documented by AWS"
    names = {
        KeyType.BOOL: "true or false",
        KeyType.DATE: "time",
        KeyType.NUMERIC: "number",
        KeyType.IP: "IP address",
        KeyType.ARN: "ARN",
        KeyType.STRING: "text",
        KeyType.BINARY: "base64",
    }
    words = " or ".join(names[kind] for kind in known.types) or "text"
    return f"list of {words}" if known.multivalued else words


def undocumented(key: str) -> str:
    """That AWS documents no such condition key, and the nearest that it does; "" for one that it documents.

    A misspelt key would be given for nothing, and the answer taken for one about it.
    """
    if condition_key(key) is not None:
        return ""
    service = key.partition(":")[0].lower()
    known = (item.name for item in GLOBAL_KEYS.values()) if service == "aws" else catalogue().condition_keys(service)
    if "*" in key:
        # Of a key that is said to be absent: it stands for all that it matches.
        named = KeyNames((key,))
        if any(name.lower() in named for name in known):
            return ""
        return f"AWS documents no condition key that {safe_text(key, limit=128)} matches, so no request carries one."
    near = difflib.get_close_matches(key.lower(), by_lower := {name.lower(): name for name in known}, n=1, cutoff=0.7)
    hint = f" Nearest: {by_lower[near[0]]}." if near else ""
    return f"AWS documents no condition key {safe_text(key, limit=128)}, so no request carries it.{hint}"
