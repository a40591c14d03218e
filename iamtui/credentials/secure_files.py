"""Private files: written as a whole or not at all, 0600 unless they were shared.

Folders are locked by flock on the folder itself; filelock would leave a file of its own beside the user's.

No secret is kept in a variable of a frame that raises: a traceback may print local variables.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from iamtui.paths import Exposure, followed, home_expanded, make_private_folder, special_kind
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import safe_text

PRIVATE: Final = 0o600
"""The mode of a file that only its owner may read."""

_NO_LINKS: Final = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP)
"""Errors of file systems that have no hard links, such as those of memory sticks."""


class AlreadyThere(Problem):
    """There is a file already, which may be replaced when the user says so."""


def write_private(path: Path, text: Secret, *, overwrite: bool = False) -> Path:
    """Write a text to a file that nobody else can read. Blocking.

    Args:
        path: where; its folder must exist. `~` is the user's home.

    Returns:
        The whole path.

    Raises:
        AlreadyThere: there is a file of the user's own, and `overwrite` was not said.
        Problem: what is there is a link, no regular file, somebody else's, or can be read or written by others; others
            may have made a link on the way; or the file cannot be written. Whatever was there is then as it was.
    """
    try:
        path = home_expanded(str(path)).absolute()
        _check_target(path, overwrite)
        _put(path, text, new=not overwrite)
    except FileExistsError:
        problem: Problem = _already_there(path)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "the path is not valid"
        problem = Problem(f"{path} cannot be written: {reason}.", "Choose another place.")
    else:
        return path
    raise problem


def replace_file(path: Path, data: bytes, *, keep_mode: bool = False, new: bool = False) -> None:
    """Write a file without secrets: it is complete or as it was before, and only its owner may read it.

    A link at the path is replaced and not followed; `destination` says where one leads.

    Args:
        keep_mode: leave an existing file as readable as it is (one of a repository).
        new: replace nothing.

    Raises:
        FileExistsError: there is a file, and it is to be a new one.
        OSError: it cannot be written; nothing is left behind.
        Problem: a pipe, device or socket stands there, or others may have made a link on the way.
    """
    path = destination(path, new=True)
    refuse_special(path)
    mode = PRIVATE
    if keep_mode:
        with suppress(FileNotFoundError):
            found = path.lstat().st_mode
            # A link that came there just now leads to a file that may be readable by anybody.
            mode = found & 0o777 if stat.S_ISREG(found) else PRIVATE
    _put(path, data, mode=mode, new=new)


def _put(path: Path, content: Secret | bytes, *, mode: int = PRIVATE, new: bool) -> None:
    """Write a file as a whole; a new one never replaces what came there meanwhile: that is a FileExistsError."""
    temporary = write_temporary(path, content, mode=mode)
    try:
        if new:
            try:
                path.hardlink_to(temporary)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                # The name is taken by an empty file first, for the time of a rename.
                path.touch(PRIVATE, exist_ok=False)
                temporary.replace(path)
        else:
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def refuse_special(path: Path) -> None:
    """Refuse to write to a pipe, device or socket, links followed.

    Raises:
        Problem: there is one.
    """
    kind = special_kind(path)
    if kind is not None:
        raise Problem(f"{safe_text(path)} is a {kind}, and is left as it is.", "Name a file.")


def destination(path: Path, *, new: bool = False) -> Path:
    """Path to write a file to, links followed: resolved once, when its content is ready, and used from then on.

    In a folder that others can write, the path may lead elsewhere a moment later.

    Args:
        new: the file is to be a new one, so that a link at its path is in the way, also one that leads to nothing.

    Raises:
        Problem: somebody else may have made a link on the way, and so have chosen where the file lands.
    """
    found = followed(path.absolute().parent if new else path)
    if isinstance(found, Exposure):
        raise Problem(f"{safe_text(path)} is not written: {safe_text(found.path)} {found.reason}.", found.remedy)
    return found / path.name if new else found


def _check_target(path: Path, overwrite: bool) -> None:
    if not path.name:
        raise Problem(f"{path} is not a file.", "Name a file.")
    destination(path, new=True)
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(status.st_mode):
        raise Problem(
            f"{path} is a symbolic link, and credentials are not written through one.", "Name the file itself."
        )
    if stat.S_ISDIR(status.st_mode):
        raise Problem(f"{path} is a folder.", "Name a file in it.")
    check_private(path, status, "Choose another name.")
    if not overwrite:
        raise _already_there(path)


def check_private(path: Path, status: os.stat_result, next_step: str) -> None:
    """Refuse a file that is not one of the user's own, which nobody else may read.

    Raises:
        Problem: it is not.
    """
    if not stat.S_ISREG(status.st_mode):
        raise Problem(f"{path} is not a regular file.", next_step)
    if status.st_uid != os.geteuid():
        raise Problem(f"{path} belongs to another user.", next_step)
    if status.st_mode & 0o077:
        raise Problem(
            f"{path} can be read or written by others (mode {stat.S_IMODE(status.st_mode):04o}).",
            "Run chmod 600 on it, and consider keys that are in it known to them.",
        )


def _already_there(path: Path) -> AlreadyThere:
    return AlreadyThere(f"{path} is there already.", "Replace it, or choose another name.")


def write_temporary(path: Path, content: Secret | bytes, *, encoding: str = "utf-8", mode: int = PRIVATE) -> Path:
    """A new file beside the target with the content, on the disk; readable by the user alone, unless `mode` says so.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            # Whatever the umask says, which may take the user's own rights away too.
            os.fchmod(descriptor, mode)
            file.write(content if isinstance(content, bytes) else content.reveal().encode(encoding))
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    return temporary


def sync_folder(folder: Path) -> None:
    """Put the new name on the disk too; some file systems cannot, and the file is complete in any case."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# One writer at a time in a folder, of all programs that ask here.


_LOOK_SECONDS: Final = 0.02

_WAIT_SECONDS: Final = 2.0


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the folder of a file, made if need be, so that of two programs one writes after the other has. Blocking.

    Raises:
        Problem: the folder cannot be made, others made a link on the way to it, or another program holds it too long.
    """
    destination(path)
    folder = path.parent
    with ExitStack() as held:
        try:
            make_private_folder(folder)
            held.enter_context(hold_folder(folder, _WAIT_SECONDS))
        except OSError as error:
            raise Problem(f"The folder {safe_text(folder)} cannot be used: {error.strerror}.", "Check it.") from None
        yield


@contextmanager
def hold_folder(folder: Path, seconds: float) -> Iterator[None]:
    """Hold a lock on a folder, which leaves no lock file behind and ends with the process. Blocking.

    Raises:
        OSError: the folder cannot be opened.
        Problem: another program holds it too long.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise Problem(
                        f"Another program is writing in {safe_text(folder)} and does not finish.",
                        "Try again in a moment.",
                    ) from None
                time.sleep(_LOOK_SECONDS)
        yield
    finally:
        os.close(descriptor)
