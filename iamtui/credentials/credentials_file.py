"""Credentials file writer: one section of ~/.aws/credentials; every other byte stays as it is.

The file is replaced as a whole or not at all. No secret of the file, foreign ones included, is kept in a variable
of a frame that raises: a traceback may print local variables.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from iamtui.credentials.export import OWN_MARK, check_profile_name, credentials_entry
from iamtui.credentials.export_values import exportable
from iamtui.credentials.secure_files import (
    AlreadyThere,
    check_private,
    destination,
    hold_folder,
    sync_folder,
    write_temporary,
)
from iamtui.credentials.session import Session
from iamtui.paths import home_expanded, make_private_folder
from iamtui.problem import Problem
from iamtui.secret import Secret

LOCK_SECONDS: Final = 5.0
"""How long to wait for another iamtui that is writing."""

LARGEST_FILE: Final = 4 * 1024 * 1024

_ATTEMPTS: Final = 5
"""How often to begin again when another program changes the file meanwhile."""

_HEADING: Final = re.compile(r"\[([^\]]*)\]")
"""At the start of a line only: further in, it belongs to the value above."""


def credentials_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The shared credentials file: AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/credentials."""
    return home_expanded(environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials")


def write_profile(
    session: Session, profile: str, path: Path, *, overwrite: bool = False, now: datetime | None = None
) -> None:
    """Write a session into a profile of a credentials file. Blocking; waits for another iamtui at most 5 seconds.

    The file is made when it is missing (0600, its folder 0700). Other sections and all comments stay byte for byte.

    Args:
        path: the file; see `credentials_file`.
        overwrite: also replace a section that iamtui did not write.

    Raises:
        AlreadyThere: the section is not iamtui's, and `overwrite` was not said.
        Problem: the session cannot be exported, or the file is a link, not a regular file, not the user's own,
            readable for others, or cannot be written, or others may have made a link on the way to it. The file is then
            as it was.
    """
    entry = credentials_entry(exportable(session, now), check_profile_name(profile))
    try:
        path = destination(path, new=True)
        make_private_folder(path.parent)
        with hold_folder(path.parent, LOCK_SECONDS):
            _remove_left_overs(path)
            _write(path, profile, entry, overwrite)
    except OSError as error:
        problem = _unwritable(path, error)
    else:
        return
    raise problem


def remove_left_overs(path: Path) -> None:
    """Remove the copies of a credentials file that killed runs left beside it. Blocking; changes no other file.

    A copy of a run that is still writing stays: that run holds the folder.
    """
    with suppress(OSError, Problem):
        if _left_overs(path):
            with hold_folder(path.parent, 0):
                _remove_left_overs(path)


def _remove_left_overs(path: Path) -> None:
    for copy in _left_overs(path):
        copy.unlink(missing_ok=True)


def _left_overs(path: Path) -> list[Path]:
    """The user's own files that `write_temporary` may have made for this one."""
    ours = re.compile(rf"\.{re.escape(path.name[:200])}\.[0-9a-f]{{16}}")
    with os.scandir(path.parent) as entries:
        found = [
            (Path(entry.path), entry.stat(follow_symlinks=False)) for entry in entries if ours.fullmatch(entry.name)
        ]
    return [file for file, status in found if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()]


def check_profile(profile: str, path: Path, *, overwrite: bool = False) -> None:
    """Refuse what `write_profile` would refuse as the file is now. Blocking; changes nothing.

    Raises:
        Problem: as `write_profile`.
    """
    check_profile_name(profile)
    try:
        sections = _sections(_read(destination(path, new=True)).content)
    except OSError as error:
        problem = _unwritable(path, error)
    else:
        _check_owner(sections, profile, path, overwrite)
        return
    raise problem


def _unwritable(path: Path, error: OSError) -> Problem:
    return Problem(
        f"{path} cannot be written: {error.strerror or type(error).__name__}.",
        "The file is as it was. Check its folder and the disk.",
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """The file as it was read.

    Args:
        content: its bytes as latin-1 text, which loses none of them.
        version: what changes when anybody writes the file; None when there is none.
    """

    content: Secret
    version: tuple[int, ...] | None


def _write(path: Path, profile: str, entry: Secret, overwrite: bool) -> None:
    for _ in range(_ATTEMPTS):
        found = _read(path)
        sections = _sections(found.content)
        _check_owner(sections, profile, path, overwrite)
        temporary = write_temporary(path, _merged(sections, profile, entry), encoding="latin-1")
        try:
            if _version(path) == found.version:
                temporary.replace(path)
                sync_folder(path.parent)
                return
        finally:
            temporary.unlink(missing_ok=True)
    raise Problem(f"{path} keeps being changed by another program.", "Nothing was written. Try again in a moment.")


def _read(path: Path) -> _Found:
    """Read the file, refusing one that others could read, or that is not what it seems to be."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return _Found(Secret(""), None)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Problem(
                f"{path} is a symbolic link, and iamtui does not write credentials through one.",
                "Name the file itself in AWS_SHARED_CREDENTIALS_FILE.",
            ) from None
        raise
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        check_private(path, status, "Name a file of your own in AWS_SHARED_CREDENTIALS_FILE.")
        if not status.st_mode & stat.S_IWUSR:
            raise Problem(f"{path} is read-only.", "Run chmod 600 on it if it may be changed.")
        if status.st_size > LARGEST_FILE:
            raise Problem(f"{path} is too large (limit 4 MB).", "Check what it is.")
        return _Found(Secret(file.read().decode("latin-1")), _version_of(status))


def _version_of(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _version(path: Path) -> tuple[int, ...] | None:
    try:
        return _version_of(path.lstat())
    except FileNotFoundError:
        return None


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of the file: a heading and what follows, up to the comments above the next heading.

    Args:
        name: the section's name; None for what stands before the first heading and between sections.
        text: all of it, line ends included.
    """

    name: str | None
    own: bool
    text: Secret


def _sections(content: Secret) -> tuple[_Section, ...]:
    """The file in parts, which joined give the file again. Raises nothing."""
    parts: list[tuple[str | None, list[str]]] = [(None, [])]
    for line in re.findall(r"[^\n]*\n|[^\n]+", content.reveal()):
        heading = _HEADING.match(line)
        if heading is not None:
            parts.append((heading.group(1).strip(), []))
        parts[-1][1].append(line)
    sections: list[_Section] = []
    for name, lines in parts:
        end = len(lines)
        # A comment or an empty line at the end may belong to the next section.
        while name is not None and end > 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip()[0] in "#;"):
            end -= 1
        own = len(lines) > 1 and lines[1].strip() == OWN_MARK
        if own:
            # Its own mark may be all that a section has.
            end = max(end, 2)
        sections.append(_Section(name, own, Secret("".join(lines[:end]))))
        sections.append(_Section(None, False, Secret("".join(lines[end:]))))
    return tuple(section for section in sections if section.text)


def _check_owner(sections: tuple[_Section, ...], profile: str, path: Path, overwrite: bool) -> None:
    found = [section for section in sections if section.name == profile]
    if len(found) > 1:
        raise Problem(f"{path} has the section [{profile}] twice.", "Remove one of them; nothing was written.")
    if found and not found[0].own and not overwrite:
        raise AlreadyThere(
            f"{path} has a section [{profile}] that iamtui did not write.",
            "Choose another name, or use --overwrite to replace it.",
        )


def _merged(sections: tuple[_Section, ...], profile: str, entry: Secret) -> Secret:
    """The file with the entry in the place of its section, or at the end. Raises nothing."""
    if any(section.name == profile for section in sections):
        texts = [entry if section.name == profile else section.text for section in sections]
    else:
        ended = not sections or sections[-1].text.reveal().endswith("\n")
        gap = "" if not sections else "\n" if ended else "\n\n"
        texts = [*(section.text for section in sections), Secret(gap), entry]
    return Secret("".join(text.reveal() for text in texts))
