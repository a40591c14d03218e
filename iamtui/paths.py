"""Where iamtui keeps its files, the private folders it makes for them, and who else could change a path."""

from __future__ import annotations

import errno
import os
import pwd
import shlex
import stat
from collections.abc import Generator
from pathlib import Path
from typing import Final, NamedTuple

from platformdirs import PlatformDirs

PRIVATE_FOLDER: Final = 0o700
"""The mode of every folder that iamtui makes."""

_WRITABLE: Final = stat.S_IWGRP | stat.S_IWOTH
_MOST_LINKS: Final = 40
"""Symbolic links that are followed in one path, as Linux does."""

_DIRS = PlatformDirs("iamtui", appauthor=False)


def config_file() -> Path:
    """The user's config file (TOML); it need not exist, and the app never writes it."""
    return _DIRS.user_config_path / "config.toml"


def user_themes() -> Path:
    """The folder of the user's own theme files; it need not exist."""
    return _DIRS.user_config_path / "themes"


def data_folder() -> Path:
    """The folder for state and saved questions; it need not exist."""
    return _DIRS.user_data_path


def screen_state() -> Path:
    """The file of what the screen remembers from one run to the next; it need not exist."""
    return _DIRS.user_state_path / "screen.json"


def cache_folder() -> Path:
    """The folder for what can be made again; it need not exist."""
    return _DIRS.user_cache_path


def accounts_folder() -> Path:
    """The folder of live accounts as they were read last; it need not exist."""
    return cache_folder() / "accounts"


def log_file() -> Path:
    """The log file; it need not exist."""
    return _DIRS.user_log_path / "iamtui.log"


def shipped_themes() -> Path | None:
    """The folder of our own themes: inside the installed package, or `themes/` of a checkout."""
    package = Path(__file__).parent
    for folder in (package / "themes", package.parent / "themes"):
        if folder.is_dir():
            return folder
    return None


def make_private_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for the user alone, whatever the umask says.

    `Path.mkdir` gives its mode to the last folder only, and the umask may take the user's own rights away too.

    Raises:
        OSError: it cannot be made, or something else stands there.
    """
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        if folder.parent == folder:
            break
        folder = folder.parent
    for new in reversed(missing):
        try:
            new.mkdir(PRIVATE_FOLDER)
        except FileExistsError:
            # Another program was faster; a file in the way stays an error.
            if not new.is_dir():
                raise
        else:
            new.chmod(PRIVATE_FOLDER)


def home_expanded(path: str) -> Path:
    """The path, with `~` at its start for a home folder where there is such a user; `Path.expanduser` raises."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def special_kind(path: Path) -> str | None:
    """Kind of the special file at a path, links followed, that no file may replace: a pipe, a device, a socket."""
    kinds = {"pipe": stat.S_ISFIFO, "device": stat.S_ISCHR, "block device": stat.S_ISBLK, "socket": stat.S_ISSOCK}
    return next((kind for kind, found in kinds.items() if found(_mode(path))), None)


def is_folder(path: Path) -> bool:
    """True if a folder can be seen there. `Path.is_dir` and its like raise for a long name and for a closed folder."""
    return stat.S_ISDIR(_mode(path))


def is_there(path: Path) -> bool:
    """True if anything can be seen at a path, links followed; raises no more than `is_folder`."""
    return bool(_mode(path))


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


class Exposure(NamedTuple):
    """A file, folder or link by which somebody else can change what a path leads to.

    Args:
        reason: follows the path in a sentence ("can be written by others (mode 0777)").
        remedy: a sentence: the command that ends it.
    """

    path: Path
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path} {self.reason}. {self.remedy}"


def exposure(path: Path) -> Exposure | None:
    """Path entry through which another user can change what a path leads to: the file, or a folder or link above it.

    Only the user and root may own or write them. In a sticky folder (/tmp) others can add entries but not replace
    the user's, so there the next entry decides. What does not exist cannot be changed.
    """
    try:
        return next((fault for place, status, _ in _steps(path) if (fault := _fault(place, status))), None)
    except (OSError, ValueError) as error:
        return _unknown(path, error)


def followed(path: Path) -> Path | Exposure:
    """Where a path leads, or the symbolic link on the way, or at its end, that another user may have put there.

    What is written through it would land where that user wants. A folder that others can write is no objection by
    itself: the user named it, and what lands there is what was meant to. Links are looked at and followed on one walk:
    of two, the second could find other links than the first.
    """
    steps = _steps(path)
    try:
        while True:
            place, status, folder = next(steps)
            if stat.S_ISLNK(status.st_mode):
                fault = _fault(place, status) or _fault(folder, folder.lstat())
                if fault is not None:
                    reason = f"is a link that others may have made, since {fault.path} {fault.reason}"
                    return Exposure(place, reason, "Name the file itself.")
    except StopIteration as end:
        reached: Path = end.value
        return reached
    except (OSError, ValueError) as error:
        return _unknown(path, error)


def _unknown(path: Path, error: OSError | ValueError) -> Exposure:
    reason = error.strerror if isinstance(error, OSError) else "the path is not valid"
    return Exposure(path, f"cannot be checked: {reason}", "Check the path.")


def _steps(path: Path) -> Generator[tuple[Path, os.stat_result, Path], None, Path]:
    """Each file, folder and link from the root to a path, links followed, with the folder that it lies in.

    Returns:
        Where the path leads, which need not exist.

    Raises:
        OSError: a folder cannot be read, or the links lead in a circle.
        ValueError: the path holds a NUL.
    """
    path = path.absolute()
    reached, links = Path(path.anchor), 0
    yield reached, reached.lstat(), reached
    ahead = [*reversed(path.parts[1:])]
    while ahead:
        step = ahead.pop()
        if step == "..":
            reached = reached.parent
            continue
        place = reached / step
        try:
            status = place.lstat()
        except (FileNotFoundError, NotADirectoryError):
            reached = place
            continue
        yield place, status, reached
        if not stat.S_ISLNK(status.st_mode):
            reached = place
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = place.readlink()
        if target.is_absolute():
            reached, target = Path(target.anchor), target.relative_to(target.anchor)
        ahead += reversed(target.parts)
    return reached


def _fault(place: Path, status: os.stat_result) -> Exposure | None:
    user = os.geteuid()
    if status.st_uid not in (0, user):
        chown = f"chown -h {_name(user)} {shlex.quote(str(place))}"
        return Exposure(
            place, f"belongs to {_name(status.st_uid)}", f"Run `{chown}` as root, or put your own in its place."
        )
    is_folder, mode = stat.S_ISDIR(status.st_mode), stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode) or not mode & _WRITABLE or (is_folder and mode & stat.S_ISVTX):
        return None
    return Exposure(
        place, f"can be written by others (mode {mode:04o})", f"Run `chmod go-w {shlex.quote(str(place))}`."
    )


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def has_terminal(path: Path = Path("/dev/tty")) -> bool:
    """True if our process group is the one that the terminal's keys signal."""
    try:
        terminal = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
