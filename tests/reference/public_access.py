"""S3 Block Public Access: which bucket policies count as public."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from .conditions import network
from .context import values_of
from .matching import as_list
from .principals import entries_of

WITHOUT_WILDCARD = (
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:sourceaccount",
    "s3:dataaccesspointaccount",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "aws:principalorgid",
    "aws:principalaccount",
    "aws:sourceorgid",
    "aws:sourcevpcarn",
    "aws:vpceaccount",
    "aws:vpceorgid",
)
POSITIVE = ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike")


def _wild(text: str) -> bool:
    return "*" in text or "?" in text


def _narrow_block(text: str) -> bool:
    block = network(text)
    if block is None:
        return False
    return bool(block.prefixlen >= (8 if isinstance(block, ipaddress.IPv4Network) else 32))


def _fixed(key: str, text: str) -> bool:
    """Whether this value of this key pins a statement, given a String or ARN operator."""
    if key in WITHOUT_WILDCARD:
        return not _wild(text)
    if key in ("aws:principalarn", "s3:dataaccesspointarn"):
        parts = text.split(":", 5)
        return len(parts) == 6 and re.fullmatch(r"[0-9]{12}", parts[4]) is not None
    if key in ("aws:principalorgpaths", "aws:vpceorgpaths"):
        return not _wild(text.removesuffix("*"))
    if key == "aws:userid":
        return not _wild(text) or re.fullmatch(r"AROA[A-Z0-9]+:\*", text) is not None
    if key == "aws:principalisawsservice":
        return text == "true"
    return key in ("aws:principalservicename", "aws:principalservicenameslist")


def _pins(operator: str, key: str, values: list[str]) -> bool:
    name = operator.lower().removeprefix("foranyvalue:")
    key = key.lower()
    if any("${" in text for text in values):
        return False
    if name == "ipaddress":
        return key == "aws:sourceip" and all(_narrow_block(text) for text in values)
    if name == "bool":
        return key == "aws:principalisawsservice" and all(text.lower() == "true" for text in values)
    return name in POSITIVE and all(_fixed(key, text) for text in values)


def _open_to_anyone(statement: dict[str, Any]) -> bool:
    if "NotPrincipal" in statement:
        return True
    entries = entries_of(statement["Principal"]) if "Principal" in statement else []
    return any(kind in ("*", "Federated") or (kind == "AWS" and value == "*") for kind, value in entries)


def is_public(document: dict[str, Any]) -> bool:
    """Whether a bucket policy has an Allow for anyone that no condition pins."""
    return any(
        statement["Effect"] == "Allow"
        and _open_to_anyone(statement)
        and not any(
            _pins(operator, key, values_of(values))
            for operator, block in statement.get("Condition", {}).items()
            for key, values in block.items()
        )
        for statement in as_list(document["Statement"])
    )
