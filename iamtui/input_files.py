"""Files and pipes that a person names as input: opened without waiting, devices refused, unpacked, read up to a limit.

Everything that reads such a file goes through here, the command line and the screen. Lists of records are read as
streams and have no limit in all; one document has ONE_DOCUMENT, and most kinds have a smaller one of their own.
"""

from __future__ import annotations

import gzip
import io
import os
import select
import stat
import sys
import time
import tomllib
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, Protocol

from iamtui.problem import Problem

ONE_DOCUMENT: Final = 1024 * 1024 * 1024
"""Bytes of one document."""

ONE_UNPACKED: Final = 160 * 1024 * 1024
"""Bytes up to which a document is unpacked: an account at AWS's highest quotas has 140 MB, and a small file must not
take the memory of a large one."""

PATIENCE_SECONDS: Final = 5.0
"""How long nobody may have a named pipe open for writing."""

PORTION: Final = 1024 * 1024
"""Bytes that are read at once, so that an interruption is noticed between them."""

_POLL_SECONDS: Final = 0.05

Told = Callable[[int], None]
"""Called again and again while something is read or waited for, with the bytes so far; may raise, to stop."""


def tell_nobody(_size: int) -> None:
    """A Told that nobody listens to."""


def wait_for_input(descriptor: int, seconds: float) -> bool:
    """True if there is something to read, or an end, within that time; for descriptors over 1,023 too.

    `select.select` refuses those, and a program may be started with any number of files open.
    """
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


class MissingFile(Problem):
    """There is no file of that name."""


@contextmanager
def open_input(
    path: str | Path,
    subject: str,
    *,
    told: Told = tell_nobody,
    missing: str = "Check the path.",
    pipes: bool = True,
) -> Iterator[IO[bytes]]:
    """Open a file or a named pipe for reading; what fails while it is read is a Problem too.

    Args:
        path: as the person gave it.
        subject: what a sentence calls it ("The draft x.json").
        told: see `Told`.
        missing: the next step when there is none.
        pipes: whether a named pipe may stand there; for files that are looked for unasked it may not.

    Raises:
        MissingFile: there is none.
        Problem: a directory, device or socket, unreadable, or a pipe that nobody writes into.
    """
    try:
        # A device may do something when it is opened, so it is looked at first.
        _refuse_kind(Path(path).stat(), subject, pipes=pipes)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        raise MissingFile(f"{subject} does not exist.", missing) from None
    except PermissionError:
        raise Problem(f"{subject} may not be read by this user.", "Check its permissions.") from None
    except (OSError, ValueError) as error:
        raise _unreadable(error, subject) from None
    try:
        found = os.fstat(descriptor)
        _refuse_kind(found, subject, pipes=pipes)
        pipe = stat.S_ISFIFO(found.st_mode)
        os.set_blocking(descriptor, not pipe)
        patience = PATIENCE_SECONDS if pipe else None
        yield io.BufferedReader(_Input(descriptor, subject, told, patience=patience))
    finally:
        os.close(descriptor)


@contextmanager
def open_standard_input(subject: str, *, told: Told = tell_nobody) -> Iterator[IO[bytes]]:
    """Standard input for reading. It may be slow, so that it is waited for without end.

    Raises:
        Problem: there is none, or it is a directory, or a device that is no terminal.
    """
    if sys.stdin is None:
        raise Problem("There is no standard input to read.", "Name a file instead of -.")
    try:
        descriptor = sys.stdin.fileno()
    except (OSError, ValueError):
        # Python runs inside something that has put its own in place.
        yield sys.stdin.buffer
        return
    found = os.fstat(descriptor)
    # A terminal is typed into, and what starts programs may hand them a socket.
    if not os.isatty(descriptor) and not stat.S_ISSOCK(found.st_mode):
        _refuse_kind(found, subject)
    yield io.BufferedReader(_Input(descriptor, subject, told, patience=None))


def read_document(path: str | Path, subject: str, *, most: int = ONE_DOCUMENT, pipes: bool = True) -> bytes:
    """The bytes of a file that is one document.

    Raises:
        MissingFile, Problem: as `open_input`, or it has more than `most` bytes.
    """
    with open_input(path, subject, pipes=pipes) as file:
        return read_whole(file, subject, most=most)


def read_whole(file: IO[bytes], subject: str, *, most: int = ONE_DOCUMENT) -> bytes:
    """The bytes of an open file that is one document."""
    _refuse_size(file, subject, most)
    is_packed = isinstance(getattr(file, "raw", None), _Unpacking)
    most = min(most, ONE_UNPACKED) if is_packed else most
    # Hands its bytes over without a copy.
    found = io.BytesIO()
    while portion := file.read(min(PORTION, most + 1 - found.tell())):
        found.write(portion)
        if found.tell() > most:
            if is_packed:
                raise Problem(f"{subject} unpacks to more than the {size_words(most)} that are read.", _UNPACK)
            raise Problem(f"{subject} has more than the {size_words(most)} that are read.", "Is it the right file?")
    return found.getvalue()


def _refuse_size(file: IO[bytes], subject: str, most: int) -> None:
    try:
        found = os.fstat(file.fileno())
    except OSError:
        return
    if stat.S_ISREG(found.st_mode) and found.st_size > most:
        raise Problem(
            f"{subject} has {found.st_size:,} bytes, more than the {size_words(most)} that are read.",
            "Is it the right file?",
        )


def text_of(data: bytes, subject: str) -> str:
    """UTF-8 text, without its byte order mark."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(f"{subject} is not UTF-8 text (byte {error.start + 1:,}).", "Is it the right file?") from None
    if "\0" in text:
        raise Problem(f"{subject} is not text.", "Is it the right file?")
    return text


_MOST_DOTS: Final = 1_000


def toml_of(text: str, subject: str, next_step: str = "") -> dict[str, Any]:
    """The table that a TOML text is.

    Raises:
        Problem: it is not TOML, is nested too deeply, or has a line that may be a key of very many parts: the library
            keeps each beginning of a dotted key, which for one line of 100 kB takes 10 GB.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > _MOST_DOTS:
            raise Problem(f"{subject} has more than {_MOST_DOTS:,} dots in line {number:,}.", next_step)
    try:
        return tomllib.loads(text)
    except ValueError as error:  # also for an integer of thousands of digits
        raise Problem(f"{subject} is not TOML: {error}.", next_step) from None
    except RecursionError:
        raise Problem(f"{subject} is nested too deeply.", next_step) from None


def size_words(size: int) -> str:
    """A number of bytes that is a limit, in the largest unit that shows it whole."""
    for unit, factor in (("GB", 1024**3), ("MB", 1024**2), ("kB", 1024)):
        if size >= factor and size % factor == 0:
            return f"{size // factor:,} {unit}"
    return f"{size:,} bytes"


def _unreadable(error: OSError | ValueError, subject: str) -> Problem:
    reason = error.strerror if isinstance(error, OSError) else "the path is not valid"
    return Problem(f"{subject} cannot be read: {reason}.", "Check the path.")


def _refuse_kind(found: os.stat_result, subject: str, *, pipes: bool = True) -> None:
    mode = found.st_mode
    if stat.S_ISDIR(mode):
        raise Problem(f"{subject} is a directory.", "Name a file in it.")
    is_device = stat.S_ISCHR(mode) or stat.S_ISBLK(mode)
    if is_device and found.st_rdev == Path(os.devnull).stat().st_rdev:
        return
    kinds = {"device": is_device, "socket": stat.S_ISSOCK(mode), "pipe": stat.S_ISFIFO(mode) and not pipes}
    for kind, refused in kinds.items():
        if refused:
            raise Problem(f"{subject} is a {kind}, which is not read.", "Name a file.")


class _Input(io.RawIOBase):
    """A file or pipe, open for reading: waits as long as somebody has it open for writing, and can be interrupted.

    Args:
        patience: seconds after which a pipe that nobody has opened for writing is given up; None: never.
    """

    def __init__(self, descriptor: int, subject: str, told: Told, *, patience: float | None) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._subject = subject
        self._told = told
        self._size = 0
        self._written = patience is None
        self._give_up = time.monotonic() + (patience or 0)

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # what BufferedReader passes
        """Read what there is, waiting for at least one byte; 0 at the end."""
        try:
            return self._read(buffer)
        except OSError as error:
            raise _unreadable(error, self._subject) from None

    def _read(self, buffer: memoryview) -> int:
        while True:
            ready = wait_for_input(self._descriptor, _POLL_SECONDS)
            if ready or not self._written:
                try:
                    count = os.readv(self._descriptor, [buffer])
                except BlockingIOError:
                    # Somebody has it open, and has not written yet.
                    self._written = True
                else:
                    if count or self._written:
                        self._written = True
                        self._size += count
                        self._told(self._size)
                        return count
                    if time.monotonic() > self._give_up:
                        raise Problem(
                            f"{self._subject} is a pipe without a writer.",
                            "Start the program that writes to it first, or name a file.",
                        )
                    if ready:
                        time.sleep(_POLL_SECONDS)
            self._told(self._size)


# Packed files: gzip and zstd are unpacked as they are read, and refused when they swell.


LARGEST_RATIO: Final = 100
"""How many times its size an archive may unpack to: logs shrink to a tenth or a twentieth, and 1,032 is gzip's best."""

_ANY_RATIO: Final = 4 * 1024 * 1024
"""Bytes up to which it may unpack to any multiple."""

_SLICE: Final = 4096
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


class Readable(Protocol):
    """A file or a pipe, open for bytes."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        ...


def unpacked(stream: Readable, subject: str = "") -> io.BufferedReader:
    """The same stream, or what is in it when it is gzip or zstd, of one member or several.

    Args:
        subject: what a sentence calls it.

    Raises:
        Problem: while it is read: it is damaged, or unpacks to LARGEST_RATIO times its size and more.
    """
    beginning = stream.read(_SLICE)
    while 0 < len(beginning) < len(_ZSTD) and (more := stream.read(_SLICE)):
        beginning += more
    packed = _Packed(beginning, stream)
    if beginning.startswith(_GZIP):
        file: Any = gzip.GzipFile(fileobj=io.BufferedReader(packed, _SLICE))
        raw: io.RawIOBase = _Unpacking(packed, file, (OSError, zlib.error), subject or "The gzip file")
    elif beginning.startswith(_ZSTD):
        file = _zstd().ZstdFile(io.BufferedReader(packed, _SLICE))
        raw = _Unpacking(packed, file, (OSError, _zstd().ZstdError), subject or "The zstd file")
    else:
        raw = packed
    return io.BufferedReader(raw, PORTION)


def packed_for(name: str, data: bytes) -> bytes:
    """The bytes as a file of this name holds them: gzip for .gz, zstd for .zst, else as they are."""
    if name.endswith(".gz"):
        return gzip.compress(data, mtime=0)
    if name.endswith(".zst"):
        zstd = _zstd()
        found: bytes = zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})
        return found
    return data


def _zstd() -> Any:
    # 13 ms of the start, for the few files that are packed so.
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


class _Packed(io.RawIOBase):
    """The bytes of a stream from its beginning, which has been read already, counted as they are read."""

    def __init__(self, beginning: bytes, stream: Readable) -> None:
        super().__init__()
        self._beginning = beginning
        self._stream = stream
        self.given = 0

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno() if isinstance(self._stream, io.IOBase) else super().fileno()

    def readinto(self, buffer: Any, /) -> int:
        data = self._beginning or self._stream.read(len(buffer))
        data, self._beginning = data[: len(buffer)], data[len(buffer) :]
        buffer[: len(data)] = data
        self.given += len(data)
        return len(data)


class _Unpacking(io.RawIOBase):
    """Unpacked bytes of an archive: at most LARGEST_RATIO times its size."""

    def __init__(self, packed: _Packed, file: IO[bytes], errors: tuple[type[Exception], ...], subject: str) -> None:
        super().__init__()
        self._packed = packed
        self._file = file
        self._errors = errors
        self._subject = subject
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        try:
            data = self._file.read(min(len(buffer), PORTION))
        except EOFError:
            raise Problem(f"{self._subject} ends too early.", "Fetch it again.") from None
        except self._errors:
            raise Problem(f"{self._subject} is damaged.", "Fetch it again.") from None
        self._given += len(data)
        if self._given > max(_ANY_RATIO, LARGEST_RATIO * self._packed.given):
            raise Problem(f"{self._subject} unpacks to more than {LARGEST_RATIO} times its size.", _UNPACK)
        buffer[: len(data)] = data
        return len(data)


_UNPACK: Final = "If you trust it, unpack it first, with gunzip or unzstd."


_NOT_ACCESSIBLE: Final = (
    "Install the extra that brings pyarrow (from a checkout: pipx install --force '.[activity]'), "
    "or have the result as CSV."
)


def pyarrow_module() -> Any:
    """pyarrow with its parquet module.

    Raises:
        Problem: it is not installed.
    """
    try:
        import pyarrow.compute  # not in every installation, and half a second
        import pyarrow.parquet
    except ImportError:
        raise Problem("Parquet cannot be read or written without pyarrow.", _NOT_ACCESSIBLE) from None
    return pyarrow
