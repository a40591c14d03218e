"""Limits by account: what policies of resources cannot give to others, and who may call (`between_accounts.json`).

For each service: `only`, a closed list of what they can give; `not`, what they cannot; `takes`, what AWS names as
given, beyond which it says nothing; `depends`, what a gift turns on besides. Names are those of actions, `*` is all of
them. For calls that only some accounts can make: `by`, which; `service`, whose delegated administrators count;
`resource`, on what alone. Each entry names the pages of AWS that say so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple


class GiftLimit(NamedTuple):
    """A limit on what the policy of a resource can give to callers from outside its account.

    Args:
        never: whether it can never give the action.
        unknown: what else decides, where that is not known; "" where nothing does.
        source: the pages of AWS that say so, or that leave it open.
    """

    never: bool
    unknown: str
    source: str


class CallLimit(NamedTuple):
    """A limit on the accounts that can make a call.

    Args:
        by: which can (`between_accounts.json`).
        service: the service principal whose delegated administrators count; "" where none do.
        resource: the pattern of resources that it is about; "" for all.
        source: the pages of AWS that say so.
    """

    by: str
    service: str
    resource: str
    source: str


_ALL: Final = "*"


class _Gifts(NamedTuple):
    """Actions that a service's resource policies can grant across accounts, by the lists of its entry."""

    only: frozenset[str] | None
    excluded: frozenset[str]
    takes: frozenset[str] | None
    depends: Mapping[str, str]
    source: str


@cache
def _read() -> Any:
    return json.loads(files("iamtui.catalog").joinpath("between_accounts.json").read_text(encoding="utf-8"))


@cache
def _gifts() -> Mapping[str, _Gifts]:
    def names(entry: Mapping[str, Any], kind: str) -> frozenset[str] | None:
        return frozenset(map(str.lower, entry[kind])) if kind in entry else None

    return {
        entry["service"]: _Gifts(
            names(entry, "only"),
            names(entry, "not") or frozenset(),
            names(entry, "takes"),
            {name.lower(): why for name, why in entry.get("depends", {}).items()},
            entry["source"],
        )
        for entry in _read()["resource_policies"]
    }


@cache
def gift_limit(service: str, name: str) -> GiftLimit | None:
    """The limit on giving an action, in lower case, to callers from outside; None where AWS names it or has no list."""
    gifts = _gifts().get(service)
    if gifts is None:
        return None
    if unknown := gifts.depends.get(name):
        return GiftLimit(never=False, unknown=unknown, source=gifts.source)
    if name in gifts.excluded or (gifts.only is not None and name not in gifts.only):
        return GiftLimit(never=True, unknown="", source=gifts.source)
    if gifts.takes is None or name in gifts.takes or _ALL in gifts.takes:
        return None
    unknown = f"AWS's documentation of what {service} gives to callers of other accounts"
    return GiftLimit(never=False, unknown=unknown, source=gifts.source)


@cache
def _calls() -> Mapping[str, CallLimit]:
    found: dict[str, CallLimit] = {}
    for entry in _read()["calls"]:
        limit = CallLimit(entry["by"], entry.get("service", ""), entry.get("resource", ""), entry["source"])
        found |= dict.fromkeys(map(str.lower, entry["actions"]), limit)
    return found


def call_limit(service: str, name: str) -> CallLimit | None:
    """The limit on the accounts that can call an action, in lower case; None where any can."""
    found = _calls()
    return found.get(f"{service}:{name}") or found.get(f"{service}:*")
