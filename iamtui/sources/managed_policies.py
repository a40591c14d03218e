"""Texts of AWS managed policies, read from the data file that ships with moto, without importing moto.

The file is one Python assignment of a JSON literal; it is parsed, never executed. It holds the default version
of each policy of the `aws` partition, as AWS published it when that moto was released. Nothing is read before the
first question, and then once.
"""

from __future__ import annotations

import ast
import threading
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec

from iamtui.account.model import ManagedPolicy, PolicyVersion
from iamtui.policy.document import PolicyDocument
from iamtui.typed_json import prepared

_ARN_PREFIX: Final = "arn:aws:iam::aws:policy"
_DATA_FILE: Final = ("iam", "aws_managed_policies.py")
_DATA_NAME: Final = "aws_managed_policies_data"

_DOCUMENT_ORDER: Final = ("Version", "Id", "Statement")
_STATEMENT_ORDER: Final = ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")


class _Entry(msgspec.Struct, rename="pascal"):
    """One policy of the data file; its document is decoded on demand."""

    path: str
    default_version_id: str
    create_date: datetime
    update_date: datetime
    document: msgspec.Raw


_READING = threading.Lock()


def managed_policy_arns() -> tuple[str, ...]:
    """The ARNs of all AWS managed policies whose text is here, sorted; empty when moto is not installed."""
    return tuple(sorted(_policies()))


def managed_policy_document(arn: str) -> PolicyDocument | None:
    """The default version of an AWS managed policy.

    Args:
        arn: "arn:aws:iam::aws:policy/..." with its path; other partitions have other texts and give None.
    """
    policy = managed_policy(arn)
    return policy.document if policy else None


@cache
def managed_policy(arn: str) -> ManagedPolicy | None:
    """An AWS managed policy with its default version, or None when its text is not here.

    Its id, description and attachment count are not known: `id` is "", the others are Missing.
    """
    entry = _policies().get(arn)
    if entry is None:
        return None
    # As AWS shows it; the file has all keys by alphabet.
    document = _ordered(msgspec.json.decode(entry.document), _DOCUMENT_ORDER)
    statements = document["Statement"]
    document["Statement"] = (
        [_ordered(one, _STATEMENT_ORDER) for one in statements]
        if isinstance(statements, list)
        else _ordered(statements, _STATEMENT_ORDER)
    )
    return ManagedPolicy(
        name=arn.rpartition("/")[2],
        path=entry.path,
        arn=arn,
        id="",
        created=entry.create_date,
        updated=entry.update_date,
        versions=(
            PolicyVersion(
                entry.default_version_id, PolicyDocument.of(document), is_default=True, created=entry.update_date
            ),
        ),
    )


def _policies() -> Mapping[str, _Entry]:
    # Two threads asking at once would read the 5 MB file twice; the second waits instead.
    with _READING:
        return _read_policies()


@cache
def _read_policies() -> Mapping[str, _Entry]:
    # A top-level name only: asking for a submodule's spec would import its parents.
    spec = find_spec("moto")
    files = (Path(folder).joinpath(*_DATA_FILE) for folder in (spec.submodule_search_locations if spec else None) or ())
    file = next(filter(Path.is_file, files), None)
    if file is None:
        return {}
    entries = msgspec.json.decode(_json_literal(file.read_text(encoding="utf-8")), type=prepared(dict[str, _Entry]))
    return {f"{_ARN_PREFIX}{entry.path}{name}": entry for name, entry in entries.items()}


def _json_literal(source: str) -> str:
    """The text assigned to the data name in Python source; "{}" when it is not a plain text literal."""
    for node in ast.parse(source).body:
        if (
            isinstance(node, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id == _DATA_NAME for target in node.targets)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            return node.value.value
    return "{}"


def _ordered(value: dict[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    return {key: value[key] for key in order if key in value} | {k: v for k, v in value.items() if k not in order}
