"""Context keys: what is known about each, and what follows from the caller."""

from __future__ import annotations

from typing import Any

from .callers import Caller

CALLER_FIXED = (
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principaltype",
    "aws:principalisawsservice",
    "aws:principalservicename",
    "aws:username",
)


def fixed_by_caller(caller: Caller, *, anonymous_userid: bool) -> dict[str, list[str]]:
    """The keys that every request of this caller carries; an empty list is known to be absent."""
    keys: dict[str, list[str]] = {key: [] for key in CALLER_FIXED}
    if caller.kind == "anonymous":
        keys["aws:principalaccount"] = ["anonymous"]
        keys["aws:principaltype"] = ["Anonymous"]
        keys["aws:userid"] = ["anonymous"] if anonymous_userid else []
    elif caller.kind == "service":
        keys["aws:principalisawsservice"] = ["true"]
        keys["aws:principalservicename"] = [caller.name]
    elif caller.account is not None:
        kinds = {"root": "Account", "user": "User", "session": "AssumedRole", "role": "AssumedRole"}
        keys["aws:principalarn"] = [caller.role_arn if caller.kind in ("session", "role") else caller.arn]
        keys["aws:principalaccount"] = [caller.account]
        keys["aws:principaltype"] = [kinds.get(caller.kind, "FederatedUser")]
        keys["aws:principalisawsservice"] = ["false"]
        if caller.kind == "user":
            keys["aws:username"] = [caller.name]
    return keys


def values_of(value: Any) -> list[str]:
    """A JSON scalar or list as a list of texts: true is "true", 10 is "10"."""
    if isinstance(value, list):
        return [text for part in value for text in values_of(part)]
    if value is True or value is False:
        return ["true" if value else "false"]
    return [value if isinstance(value, str) else str(value)]


class Context:
    """What is known about the context keys of one request."""

    def __init__(
        self, request: dict[str, Any], fixed: dict[str, list[str]], *, discover: bool, alias: str | None = None
    ) -> None:
        self._discover = discover
        self._known = {key.lower(): values_of(value) for key, value in (request.get("context") or {}).items()}
        self._present = [key.lower() for key in request.get("any_value") or []] if discover else []
        self._absent = [key.lower() for key in request.get("known_absent") or []]
        self._fixed = fixed if alias is None else {**fixed, "kms:requestalias": [alias]}
        self._alias = alias

    def state(self, key: str) -> tuple[str, list[str]]:
        """What is known of a key: "known" with its values, "absent", "present" with an unknown value, or "unknown".

        "at least": with these values, and perhaps with others.
        """
        name = key.lower()
        if ":" not in name:
            return "absent", []
        if name in self._known:
            values = self._known[name]
            return ("known", values) if values else ("absent", [])
        if name in self._present:
            return "present", []
        if any(name == gone or (gone.endswith("/*") and name.startswith(gone[:-1])) for gone in self._absent):
            return "absent", []
        if name == "kms:resourcealiases" and self._alias is not None:
            return "at least", [self._alias]
        if name in self._fixed:
            return ("known", self._fixed[name]) if self._fixed[name] else ("absent", [])
        return ("unknown" if self._discover else "absent"), []
