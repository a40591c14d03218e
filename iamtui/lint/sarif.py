"""Results as SARIF 2.1.0, the format in which CI systems and code hosts take findings (OASIS standard).

`sarif_log` gives the JSON object of one run: the rules that were broken, each result with its place, and the files
that could not be read. Results that are suppressed stay in the log and carry the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from iamtui import __version__

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


@dataclass(frozen=True, slots=True)
class SarifResult:
    """One finding, of whichever command.

    Args:
        rule: a stable short name of what is wrong ("unknown-action").
        file: where it is, as the user named it; "-" for standard input.
        element: what it is about inside the file or the account ("$.Statement[0].Action"), or empty.
        properties: anything else that programs may want to know.
    """

    rule: str
    level: str
    message: str
    file: str
    line: int | None = None
    element: str = ""
    count: int = 1
    reason: str | None = None
    properties: tuple[tuple[str, str], ...] = ()


def sarif_log(
    results: Sequence[SarifResult], *, help_uri: str | None = None, failures: Iterable[tuple[str, str]] = ()
) -> dict[str, Any]:
    """The log of one run.

    Args:
        help_uri: a page about the rules.
        failures: files that could not be read, and why.
    """
    rules = sorted({result.rule for result in results})
    index = {rule: number for number, rule in enumerate(rules)}
    notifications = [
        {"level": "error", "message": _message(why), "locations": [_location(file, None, "")]} for file, why in failures
    ]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "iamtui",
                        "version": __version__,
                        "rules": [_rule(rule, help_uri) for rule in rules],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {"executionSuccessful": not notifications, "toolExecutionNotifications": notifications}
                ],
                "results": [_result(result, index[result.rule]) for result in results],
            }
        ],
    }


def _message(text: str) -> dict[str, str]:
    """A message in which brackets are no links (SARIF 2.1.0, 3.11.6: embedded links)."""
    return {"text": _BRACKET.sub(r"\1\1\\\2", text)}


_BRACKET: Final = re.compile(r"(\\*+)([\[\]])")


def _rule(rule: str, help_uri: str | None) -> dict[str, Any]:
    words = rule.replace("-", " ")
    found: dict[str, Any] = {"id": rule, "shortDescription": {"text": words[:1].upper() + words[1:]}}
    return found if help_uri is None else {**found, "helpUri": help_uri}


def _result(result: SarifResult, index: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ruleId": result.rule,
        "ruleIndex": index,
        "level": result.level,
        "message": _message(result.message),
        # Code scanning shows no result without a line.
        "locations": [_location(result.file, result.line or 1, result.element)],
    }
    if result.count > 1:
        found["occurrenceCount"] = result.count
    if result.properties:
        found["properties"] = dict(result.properties)
    if result.reason is not None:
        found["suppressions"] = [{"kind": "external", "justification": result.reason}]
    return found


def _location(file: str, line: int | None, element: str) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(file)}}
    if line is not None:
        physical["region"] = {"startLine": line}
    found: dict[str, Any] = {"physicalLocation": physical}
    if element:
        found["logicalLocations"] = [{"fullyQualifiedName": element}]
    return found


def _uri(file: str) -> str:
    """A relative path stays relative, so that the log fits a checkout elsewhere."""
    if file == "-":
        return "stdin"
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix(), errors="surrogateescape")
