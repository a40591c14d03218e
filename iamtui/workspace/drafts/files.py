"""Drafts as files: opened, saved whole or not at all, never over something else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from iamtui.account.drafts.draft import Draft
from iamtui.account.drafts.file import LARGEST, DraftFormError, draft_schema, read_draft, write_draft
from iamtui.credentials.private_file import refuse_diversion, replace_file
from iamtui.input_files import read_document, text_of
from iamtui.paths import data_folder, make_private_folder
from iamtui.problem import Problem
from iamtui.text import safe_text

__all__ = [
    "discard_draft_file",
    "draft_schema",
    "drafts_folder",
    "open_draft_file",
    "parse_draft",
    "save_draft_file",
    "saved_drafts",
    "suggested_path",
]

SUFFIX: Final = ".draft.json"


def drafts_folder() -> Path:
    """Where drafts are kept unless a path is given; it need not exist."""
    return data_folder() / "drafts"


def suggested_path(draft: Draft) -> Path:
    """A path for a draft in the drafts folder, from its account and name."""
    slug = re.sub(r"[^a-z0-9]+", "-", draft.name.lower()).strip("-")[:60] or "draft"
    return drafts_folder() / f"{draft.account_id}-{slug}{SUFFIX}"


def saved_drafts(account_id: str) -> Iterator[tuple[Path, Draft]]:
    """The drafts for an account in the drafts folder, by file name; other files are passed over. Blocking."""
    folder = drafts_folder()
    try:
        paths = sorted(folder.glob("*.json"))
    except OSError:
        return
    for path in paths:
        try:
            yield path, open_draft_file(path, account_id)
        except Problem:
            continue


def parse_draft(text: str, what: str, account_id: str | None = None) -> Draft:
    """The draft in a text.

    Args:
        what: where the text is from, for the sentence ("standard input").
        account_id: the account it must be for; None: any.

    Raises:
        Problem: no draft, a faulty one (with the path inside it), or one for another account.
    """
    try:
        draft = read_draft(text)
    except DraftFormError as error:
        next_step = "Expected a file made by iamtui as a draft." if error.foreign else "Correct the file."
        raise Problem(f"The draft {safe_text(what)} cannot be read: {error.sentence}", next_step) from None
    if account_id is not None and draft.account_id != account_id:
        raise Problem(
            f"The draft {safe_text(what)} is for account {draft.account_id}, and account {account_id} is open.",
            "Open the account it was made for.",
        )
    return draft


def open_draft_file(path: Path, account_id: str | None = None) -> Draft:
    """Read a draft.

    Args:
        account_id: the account it must be for; None: any.

    Raises:
        Problem: as `parse_draft`, or the file cannot be read.
    """
    return parse_draft(_read(path), str(path), account_id)


def _read(path: Path) -> str:
    subject = f"The draft {safe_text(path)}"
    return text_of(read_document(path, subject, most=4 * LARGEST), subject)


def save_draft_file(draft: Draft, path: Path, *, seen: Draft | None = None, overwrite: bool = False) -> Path:
    """Save a draft: the file is complete or as it was before, and only its owner may read it.

    Args:
        seen: the draft as this program last read or saved it at this path; None: not yet.
        overwrite: replace another draft of the same account that stands there. What is no draft of this account
            is never replaced.

    Returns:
        The file written, links followed.

    Raises:
        Problem: something else stands there, others made a link on the way to it, or the file cannot be written; it is
            then untouched.
    """
    shown = safe_text(path)
    refuse_diversion(path)
    try:
        target = path.resolve()
        exists = target.exists()
    except (OSError, ValueError, RuntimeError):
        raise Problem(f"{shown} is no path that can be written to.", "Choose another name.") from None
    if exists:
        _check_replaceable(draft, path, seen, overwrite)
    # A lone surrogate cannot be here: the form escapes what is beyond ASCII.
    _write(target, write_draft(draft).encode("ascii"), shown)
    return target


def _check_replaceable(draft: Draft, path: Path, seen: Draft | None, overwrite: bool) -> None:
    shown = safe_text(path)
    try:
        there = read_draft(_read(path))
    except Problem:
        raise Problem(
            f"{shown} is there already and holds no draft that can be read; it is left as it is.",
            "Choose another name, or move that file away.",
        ) from None
    if there.account_id != draft.account_id:
        raise Problem(
            f"{shown} holds a draft for account {there.account_id}, and this one is for account {draft.account_id}; "
            "it is left as it is.",
            "Choose another name.",
        )
    if overwrite or write_draft(there) == write_draft(draft):
        return
    if seen is None:
        raise Problem(
            f"{shown} holds another draft of this account; it is left as it is.",
            "Choose another name, or say that it may be replaced.",
        )
    if write_draft(there) != write_draft(seen):
        raise Problem(
            f"{shown} was changed since this draft was opened; it is left as it is.",
            "Save under another name, or say that it may be replaced.",
        )


def _write(target: Path, data: bytes, shown: str) -> None:
    try:
        make_private_folder(target.parent)
        replace_file(target, data)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Problem(f"The draft {shown} cannot be written: {reason}.", "Choose another place.") from None


def discard_draft_file(path: Path, account_id: str) -> None:
    """Delete a draft's file; one that is no draft of this account is left alone.

    Raises:
        Problem: it is none, or cannot be deleted.
    """
    open_draft_file(path, account_id)
    try:
        path.unlink()
    except OSError as error:
        raise Problem(f"The draft {safe_text(path)} cannot be deleted: {error.strerror}.") from None
