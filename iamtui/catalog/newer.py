"""Actions and condition keys that AWS added after the action data was made, and actions that it no longer checks.

`operations_without_action.json` has every operation of the SDK that the data has no action for (`make generate`), and
`newer.json` what AWS documents of some of them, each with its source.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from iamtui.catalog import service_data


class NewerKey(NamedTuple):
    """A condition key that the data lacks; the types as the Service Authorization Reference writes them."""

    types: tuple[str, ...]
    multivalued: bool | None
    source: str


class WithoutEffect(NamedTuple):
    """Actions that AWS no longer checks: the keys that take their place, and where AWS says so."""

    instead: str
    source: str


class _Overlay(NamedTuple):
    """Contents of `newer.json`: for an action a sentence, or "", and its source."""

    operations: Mapping[str, tuple[str, str]]
    permissions: Mapping[str, tuple[str, str]]
    global_keys: Mapping[str, NewerKey]
    service_keys: Mapping[str, NewerKey]
    without_effect: Mapping[str, WithoutEffect]


@cache
def overlay() -> _Overlay:
    found = json.loads(files("iamtui.catalog").joinpath("newer.json").read_text(encoding="utf-8"))
    return _Overlay(
        found["operations"],
        found["permissions"],
        _keys(found["global_keys"]),
        _keys(found["service_keys"]),
        {prefix: WithoutEffect(*told) for prefix, told in found["without_effect"].items()},
    )


def _keys(found: Mapping[str, tuple[list[str], bool | None, str]]) -> Mapping[str, NewerKey]:
    return {name: NewerKey(tuple(types), many, source) for name, (types, many, source) in found.items()}


@cache
def newer_actions() -> service_data.ActionNames:
    """The actions that the SDK's models or AWS's documentation have and the data lacks, with the search over them."""
    text = files("iamtui.catalog").joinpath("operations_without_action.json").read_text(encoding="utf-8")
    names = [f"{prefix}:{name}" for prefix, operations in json.loads(text).items() for name in operations]
    return service_data.ActionNames([*names, *overlay().permissions])


@cache
def newer_services() -> frozenset[str]:
    """The prefixes of such actions."""
    return frozenset(action.partition(":")[0] for action in newer_actions().names)


def about(action: str) -> str:
    """AWS's documentation of a newer action, as one sentence, or ""."""
    name = newer_actions().proper(action) or ""
    found = overlay()
    return (found.operations.get(name) or found.permissions.get(name) or ("", ""))[0]


def without_effect(action: str) -> str:
    """That AWS no longer checks an action, or those of a pattern, and what takes its place; "" where it does."""
    found = overlay().without_effect.get(action.partition(":")[0].lower())
    if found is None:
        return ""
    return f"AWS no longer checks {action}: to allow or deny it has no effect. Test {found.instead} instead."
