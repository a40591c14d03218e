"""The file of asked and saved questions: its form, reading with exact paths, and writing whole or not at all.

One JSON object, UTF-8: `questions.json` in the data folder, readable by its owner only, or a file that a command names:

    "version":  1
    "history":  [{"account", "principal", "asked_at": "2026-11-25T12:00:00Z", "question"}]    the latest first
    "saved":    [{"account", "name", "principal", "expect", "question"}]                     in the order saved

    account     12 digits, "demo" for the built-in account, or "" (in a shared set: whichever account is open)
    principal   as it is typed, or "" (ask as whoever is chosen)
    expect      "allowed" | "denied" | "explicitDeny" | "implicitDeny" | "depends" | null
    question    {"actions": [text], "resources": [text], "context": {key: [text]} (an empty list: absent),
                 "mode": "discover" | "strict", "resource_account": text or null, "session_policies": [JSON text],
                 "layers_off": [layer], "region": text, "chained_from": text,
                 "with_checks": {action: [resource]}}        every key but "actions" may be missing

Unknown keys are refused, so that a misspelt "expect" is not taken for none.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, field

from iamtui.credentials.private_file import replace_file
from iamtui.evaluation.decision import Layer
from iamtui.evaluation.expectation import Expectation
from iamtui.evaluation.request import Mode
from iamtui.input_files import MissingFile, read_document
from iamtui.problem import Problem
from iamtui.text import safe_text

VERSION: Final = 1
LARGEST: Final = 16 * 1024 * 1024
"""Bytes that are read at most."""

_AT: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>.*)`)?$", re.DOTALL)


class QuestionForm(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A question as it stands in the file."""

    actions: list[str]
    resources: list[str] = field(default_factory=lambda: ["*"])
    context: dict[str, list[str]] = field(default_factory=dict)
    mode: Mode = Mode.DISCOVER
    resource_account: str | None = None
    session_policies: list[str] = field(default_factory=list)
    layers_off: list[Layer] = field(default_factory=list)
    region: str = ""
    chained_from: str = ""
    with_checks: dict[str, list[str]] = field(default_factory=dict)


class AskedForm(Struct, frozen=True, forbid_unknown_fields=True):
    """One question of the history."""

    account: str
    asked_at: datetime
    question: QuestionForm
    principal: str = ""


class SavedForm(Struct, frozen=True, forbid_unknown_fields=True):
    """One question that has a name."""

    name: str
    question: QuestionForm
    account: str = ""
    principal: str = ""
    expect: Expectation | None = None


class FileForm(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    version: int = VERSION
    history: list[AskedForm] = field(default_factory=list)
    saved: list[SavedForm] = field(default_factory=list)


def read_file(path: Path) -> FileForm:
    """Read the file; one that does not exist is empty.

    Raises:
        Problem: it cannot be read, is faulty (with the path inside it), or was made by a newer iamtui.
    """
    try:
        data = read_document(path, f"The questions file {safe_text(path)}", most=LARGEST)
    except MissingFile:
        return FileForm()
    try:
        found = msgspec.json.decode(data, type=FileForm)
    except msgspec.ValidationError as error:
        raise _faulty(path, str(error), data) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _faulty(path, f"it is not JSON: {error}", data) from None
    if found.version > VERSION:
        raise Problem(
            f"The questions file {safe_text(path)} is of version {found.version}, and version {VERSION} is read here.",
            "Use a newer iamtui.",
        )
    return found


def _faulty(path: Path, message: str, data: bytes) -> Problem:
    if not data.strip():
        return Problem(f"The questions file {safe_text(path)} is empty.", _next_step(path))
    match = _AT.match(message)
    where, what = (match["path"], match["what"]) if match else ("", message)
    at = f"{safe_text(where)}: " if where else ""
    return Problem(f"The questions file {safe_text(path)} is faulty: {at}{safe_text(what)}.", _next_step(path))


def _next_step(path: Path) -> str:
    return f"Nothing is written over it: correct it, or move it away ({safe_text(path.name)} is then made anew)."


def write_file(path: Path, form: FileForm, *, keep_mode: bool = False) -> None:
    """Write the file; it is complete or as it was before, and only its owner may read it.

    Args:
        keep_mode: leave an existing file as readable as it is (one of a repository).

    Raises:
        Problem: it cannot be written, or a text in it is no Unicode.
    """
    try:
        data = msgspec.json.format(msgspec.json.encode(form), indent=2) + b"\n"
    except UnicodeEncodeError:
        raise Problem("The question has half of a character (a lone surrogate), so it cannot be kept.") from None
    try:
        replace_file(path, data, keep_mode=keep_mode)
    except OSError as error:
        raise Problem(
            f"The questions file {safe_text(path)} cannot be written: {error.strerror}.", "Check the folder."
        ) from None
