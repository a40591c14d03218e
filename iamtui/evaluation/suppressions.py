"""Findings that somebody has accepted, and why.

A file of suppressions is TOML with one table for each:

    [[suppress]]
    code = "service-without-source"   # or AWS's code, RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL
    file = "policies/*.json"          # optional; relative to this file, * also matches /
    sid = "AllowLogs"                 # optional
    reason = "One account only; see SEC-17"
"""

from __future__ import annotations

import fnmatch
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from iamtui.evaluation.findings import Finding
from iamtui.problem import Problem

_FIELDS: Final = ("code", "reason", "file", "sid")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One accepted kind of finding.

    Args:
        code: our code or AWS's.
        reason: why it is accepted.
        origin: what to call it ("suppression 2 in .iamtui-lint.toml").
        file: a pattern of file names, or None for all.
        sid: the Sid of the only statement that is meant, or None.
        directory: what `file` is relative to.
    """

    code: str
    reason: str
    origin: str
    file: str | None = None
    sid: str | None = None
    directory: Path = Path()

    def is_about(self, file: str) -> bool:
        """Whether findings of a file can be meant."""
        if self.file is None:
            return True
        relative = file if file == "-" else os.path.relpath(file, self.directory)
        return fnmatch.fnmatchcase(Path(relative).as_posix(), self.file)

    def covers(self, finding: Finding, file: str, sid: str | None) -> bool:
        """Whether a finding in a file, and in a statement with a Sid, is meant."""
        named = self.code in (finding.code, finding.aws_code)
        return named and self.is_about(file) and (self.sid is None or self.sid == sid)


def suppression_of_option(text: str) -> Suppression:
    """The suppression of `CODE=REASON`.

    Raises:
        Problem: there is no code or no reason.
    """
    code, _, reason = (part.strip() for part in text.partition("="))
    if not code:
        raise Problem(f"--suppress {text} names no code.", "Write CODE=REASON, with a code that lint prints.")
    if not reason:
        raise Problem(f"--suppress {code} has no reason.", f'Write why it is accepted: --suppress {code}="the reason".')
    return Suppression(code, reason, f"--suppress {code}")


def read_suppressions(text: str, name: str) -> tuple[Suppression, ...]:
    """The suppressions in the text of a file of that name.

    Raises:
        Problem: it is not TOML, or a suppression has no code or no reason, or something that none has.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Problem(f"{name} is not TOML: {error}.", "See `iamtui lint --help` for an example.") from None
    except RecursionError:
        raise Problem(f"{name} is nested too deeply.", "See `iamtui lint --help` for an example.") from None
    unknown = sorted(data.keys() - {"suppress"})
    if unknown:
        raise Problem(f'{name} has "{unknown[0]}", which it cannot have.', "Write tables named [[suppress]] only.")
    tables = data.get("suppress", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise Problem(f"suppress in {name} is not a list of tables.", "Write [[suppress]], with two brackets.")
    directory = Path(name).parent
    return tuple(_read(table, f"suppression {number} in {name}", directory) for number, table in enumerate(tables, 1))


def _read(table: dict[str, Any], origin: str, directory: Path) -> Suppression:
    subject = origin[:1].upper() + origin[1:]
    for field, value in table.items():
        if field not in _FIELDS:
            raise Problem(f'{subject} has "{field}", which it cannot have.', f"It takes {', '.join(_FIELDS)}.")
        if not isinstance(value, str) or not value.strip():
            raise Problem(f"{subject}: {field} is not a text, or is empty.", f'Write {field} = "...".')
    if "code" not in table:
        raise Problem(f"{subject} has no code.", 'Write the code that lint prints: code = "...".')
    if "reason" not in table:
        raise Problem(f"{subject} ({table['code']}) has no reason.", 'Write why it is accepted: reason = "...".')
    return Suppression(
        table["code"].strip(), table["reason"].strip(), origin, table.get("file"), table.get("sid"), directory
    )
