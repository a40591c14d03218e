"""Output of the command line: text made safe and coloured, JSON in ASCII. stdout is data, stderr narration.

The exit codes too, the one type that a command may end with.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import stat
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import IO, TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, TextIO, TypeVar

import click

from iamtui.presentation.styled_words import Row, Tone, ascii_json_pieces, to_ascii_json
from iamtui.problem import Problem
from iamtui.text import ago, safe_text

if TYPE_CHECKING:
    from iamtui.config import Config
    from iamtui.credentials.session import Session
    from iamtui.workspace.source.workspace import SourceChoice


class Exit(IntEnum):
    """How a command ended. OK, NO and OPEN are returned only by code that holds an answer.

    OK: allowed, met, done. NO: denied, not met. ERROR: no answer. OPEN: it depends, or holds only for some
    resources. INTERRUPTED and BROKEN_PIPE are what a shell reports for SIGINT and SIGPIPE. NOT_RUN is ERROR for the
    commands that end with the exit code of a program, which may well be 2.
    """

    OK = 0
    NO = 1
    ERROR = 2
    OPEN = 3
    NOT_RUN = 125
    INTERRUPTED = 130
    BROKEN_PIPE = 141


class ProgramExit(int):
    """The exit code of a program that a command ran, handed on as it is."""


COMPLETE_VARIABLE: Final = "_IAMTUI_COMPLETE"
"""The environment variable with which a completion script asks for completions."""

OPENED: Final = "iamtui.opened"
"""Where the context of a command keeps the account that it opened."""

# What the command line is told of the screen, which it must not import.


class KeyBinding(NamedTuple):
    """One key of the screen: the id the config names it by, the keys, and what they do."""

    id: str
    keys: str
    description: str


class Screen(NamedTuple):
    """The other door.

    Args:
        open: runs the screen on a source (None: the user is asked), with or (True) without what it remembers from runs
            before, and with a Terraform plan as its draft or without (None), and returns its exit code.
        bindings: the keys that the config can change.
        pick: runs the screen on a source until the user picks a session for the format of this name; gives None when
            the user picks none, and raises Problem when the screen ends by an error.
        config_problems: what is wrong with the keymap and the themes, a sentence each.
    """

    open: Callable[[SourceChoice | None, bool, str | None], int]
    bindings: Callable[[], Sequence[KeyBinding]]
    pick: Callable[[SourceChoice | None, str], Session | None]
    config_problems: Callable[[Config], Sequence[str]] = lambda _config: ()


_WITHOUT_CURSOR: Final = frozenset(("dumb", "unknown"))
"""Values of TERM for terminals that can only print: those of editors, logs and CI."""


def refuse_dumb_terminal(environ: Mapping[str, str]) -> None:
    """Refuse to draw the screen where the cursor cannot be moved: nothing would be seen."""
    name = environ.get("TERM", "").lower()
    if name in _WITHOUT_CURSOR:
        raise Problem(
            f"The screen cannot be drawn on this terminal (TERM={name}).",
            "Use a command (iamtui --help), or set TERM to what the terminal really is, such as xterm-256color.",
        )


T = TypeVar("T")

LONGEST_WORD: Final = 1000
"""Characters without a space that a sentence repeats: the longest ARN fits, a file given as an argument does not."""

_LONG_WORD: Final = re.compile(rf"(?<!\S)(\S{{{LONGEST_WORD // 2}}})\S{{{LONGEST_WORD // 2},}}")

_READABLE: Final = stat.S_IRGRP | stat.S_IROTH

NARROWEST: Final = 40
"""Columns below which lines are not wrapped any tighter."""


if TYPE_CHECKING:
    from iamtui.secret import Secret
    from iamtui.workspace.source.workspace import Progress, ProgressReport


class Style(StrEnum):
    """How a piece of text looks: the parameters of an ANSI SGR sequence. Colour only repeats what words say."""

    STRONG = "1"
    QUIET = "2"
    GOOD = "1;32"
    BAD = "1;31"
    OPEN = "1;33"


TONES: Final = {
    Tone.STRONG: Style.STRONG,
    Tone.HEADING: Style.STRONG,
    Tone.QUIET: Style.QUIET,
    Tone.FAINT: Style.QUIET,
    Tone.ALLOWED: Style.GOOD,
    Tone.DENIED: Style.BAD,
    Tone.DEPENDS: Style.OPEN,
}
"""The style of each tone that has one."""


class Span(NamedTuple):
    """A styled piece of a line."""

    text: str
    style: Style


class Output:
    """A text stream that people read. Every text passes `safe_text` here, and only spans add escape sequences.

    Args:
        stream: where to write.
        colour: whether spans are coloured.
        width: columns to wrap paragraphs at; None: paragraphs stay on one line each, for other programs.
    """

    def __init__(self, stream: TextIO, *, colour: bool = False, width: int | None = None) -> None:
        self._stream = stream
        self._colour = colour
        self._width = width

    def line(self, *parts: str | Span, whole: bool = False) -> None:
        """Write one line.

        Args:
            whole: also what has very long words, because the reader needs every character (a command).
        """
        self._stream.write("".join(self._painted(part, whole=whole) for part in parts).rstrip() + "\n")

    def row(self, words: Row) -> None:
        self.line(*(Span(word.text, TONES[word.tone]) if word.tone in TONES else word.text for word in words))

    def paragraph(self, text: str, *, indent: int = 0, first: Sequence[str | Span] = (), whole: bool = False) -> None:
        """Write a text, wrapped between `indent` and the right edge.

        Args:
            first: what stands at the start of the first line, inside the indent (a bullet, a label).
            whole: as `line`.
        """
        safe = _shown(text, whole=whole)
        taken = sum(len(safe_text(part if isinstance(part, str) else part.text, limit=None)) for part in first)
        lead = "".join(self._painted(part) for part in first) + " " * (indent - taken)
        if self._width is None:
            self._stream.write(f"{lead}{safe}".rstrip() + "\n")
            return
        width = max(self._width, NARROWEST, indent + 20)
        for line in textwrap.wrap(safe, width - indent, break_on_hyphens=False) or [""]:
            self._stream.write(f"{lead}{line}".rstrip() + "\n")
            lead = " " * indent

    def document(self, text: str, *, indent: int = 0, numbered: bool = True) -> None:
        """Write a document of several lines, with the line numbers that statements are named by."""
        lines = text.split("\n")
        digits = len(str(len(lines)))
        for number, raw in enumerate(lines, 1):
            label = f"{number:>{digits}}  " if numbered else ""
            self.line(" " * indent, Span(label, Style.QUIET), raw.replace("\t", "    "), whole=True)

    def blank(self) -> None:
        self._stream.write("\n")

    def json(self, value: Any, *, indent: int | None = None, end: str = "\n", alone: bool = False) -> None:
        """Write JSON, with how old the account is if it came from the cache.

        Args:
            alone: a document of its own, such as a policy, to which nothing is added.
        """

        whole = value if alone else _with_age(value)
        if indent is None:
            self._stream.write(to_ascii_json(whole) + end)
            return
        self._stream.writelines(ascii_json_pieces(whole, indent=indent))
        self._stream.write(end)

    def raw(self, text: str) -> None:
        """Write a text as it is. Only for what has been checked character by character."""
        self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def _painted(self, part: str | Span, *, whole: bool = False) -> str:
        if isinstance(part, str):
            return _shown(part, whole=whole)
        text = _shown(part.text, whole=whole)
        return f"\x1b[{part.style.value}m{text}\x1b[0m" if self._colour and text else text


class JsonRecords:
    """JSON objects, each written and flushed when it is there: an array, or one a line.

    Args:
        lines: one a line, instead of an array.
        indent: of an array's objects; None: each on a line.
    """

    def __init__(self, out: Output, *, lines: bool = False, indent: int | None = 2) -> None:
        self._out = out
        self._lines = lines
        self._indent = indent
        self._started = False

    def add(self, value: Any) -> None:
        if self._lines:
            self._out.json(value)
            self._out.flush()
            return
        self._out.raw(",\n" if self._started else "[\n")
        self._started = True
        if self._indent is None:
            self._out.json(value, end="")
        else:
            lead = " " * self._indent
            text = "".join(ascii_json_pieces(_with_age(value), indent=self._indent))
            self._out.raw(lead + text.replace("\n", f"\n{lead}"))
        self._out.flush()

    def end(self) -> None:
        if not self._lines:
            self._out.raw("\n]\n" if self._started else "[]\n")


def _shown(text: str, *, whole: bool) -> str:
    """The text made safe; words that are longer than anything AWS names are cut, with a mark."""
    safe = safe_text(text, limit=None)
    return safe if whole or len(safe) < LONGEST_WORD else _LONG_WORD.sub(r"\1…[cut]", safe)


def with_short_arguments(sentence: str, arguments: Iterable[str]) -> str:
    """Cut very long arguments in a sentence that repeats them, with a mark, whatever they contain."""
    for argument in arguments:
        for word in (argument, argument.partition("=")[2]):
            if len(word) > LONGEST_WORD:
                for repeated in (word, safe_text(word, limit=None), safe_text(word)):
                    sentence = sentence.replace(repeated, f"{safe_text(word, limit=LONGEST_WORD // 2)}[cut]")
    return sentence


def stdout() -> Output:
    """Standard output.

    Raises:
        Problem: it is closed.
    """
    if sys.stdout is None:
        raise Problem(
            "There is no standard output to write to.",
            "Redirect it to /dev/null if you do not need it.",
        )
    return _output(sys.stdout)


def stderr() -> Output:
    """Standard error; where it is closed, what is written goes nowhere."""
    return _output(sys.stderr) if sys.stderr is not None else Output(io.StringIO())


QUIET: Final = "iamtui.quiet"
COLOUR: Final = "iamtui.colour"
"""Where the context of a command keeps that notes are left out, and whether there is colour always or never."""


class Paged(NamedTuple):
    """The pager that standard output goes to, and the notes that follow when it has ended."""

    stream: IO[str]
    notes: list[tuple[str, bool]]


PAGED: Final = "iamtui.paged"


def _setting(key: str) -> Any:
    context = click.get_current_context(silent=True)
    return context.meta.get(key) if context is not None else None


def _output(stream: TextIO) -> Output:
    ProgressLine.clear()
    paged: Paged | None = _setting(PAGED)
    terminal = stream.isatty() or (paged is not None and stream is paged.stream)
    width = shutil.get_terminal_size().columns if terminal else None
    wanted = _setting(COLOUR)
    return Output(
        stream, colour=wanted == "always" or (terminal and wanted != "never" and wants_colour(os.environ)), width=width
    )


def wants_lines(environ: Mapping[str, str]) -> bool:
    """True if a terminal can overwrite a line."""
    return environ.get("TERM") not in ("dumb", "", None)


def wants_colour(environ: Mapping[str, str]) -> bool:
    """True if a terminal may be given colours (https://no-color.org)."""
    return not environ.get("NO_COLOR") and environ.get("TERM") not in ("dumb", "")


def secret_on_stdout(text: Secret) -> None:
    """Write a secret to standard output as it is, and warn where that is a file that others can read.

    Raises:
        Problem: standard output is closed.
    """
    out = stdout()
    mode = _mode_of_file(sys.stdout)
    if mode is not None and mode & _READABLE:
        note(
            f"WARNING: other users of this machine can read the file that this goes to (mode {mode:04o}). "
            "Run `chmod 600` on it now, and `umask 077` before you write the next one."
        )
    out.raw(text.reveal())
    out.flush()


def _mode_of_file(stream: TextIO) -> int | None:
    """The permissions of the regular file that a stream writes to; None when it writes to anything else."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return None
    return stat.S_IMODE(status.st_mode) if stat.S_ISREG(status.st_mode) else None


def note(text: str, *, whole: bool = False) -> None:
    """Say one sentence of narration on stderr, behind what was printed before; `whole` as for `Output.line`."""
    paged: Paged | None = _setting(PAGED)
    if _setting(QUIET):
        return
    if paged is not None:
        paged.notes.append((text, whole))
        return
    if sys.stdout is not None:
        sys.stdout.flush()
    stderr().paragraph(text, whole=whole)


# How old an account is that came from the cache.


_CACHED: Final = "iamtui.cached"


def say_cached(read_at: datetime) -> None:
    """Say on stderr, and from now on in the JSON of this command, that the account is as it was read then."""
    now = datetime.now(UTC)
    note(
        f"CACHED: the account is as it was read {ago(read_at, now)} ({read_at:%Y-%m-%d %H:%M} UTC). "
        "Without --cached it is read anew."
    )
    age = max(0, int((now - read_at).total_seconds()))
    cached = {"read_at": read_at.isoformat().replace("+00:00", "Z"), "age_seconds": age}
    click.get_current_context().meta[_CACHED] = cached


def _with_age(value: Any) -> Any:
    cached = _setting(_CACHED)
    if cached is None:
        return value
    if isinstance(value, list):
        return [_with_age(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "runs" in value:
        # SARIF takes what it does not know in properties only.
        return {**value, "runs": [{**run, "properties": {"cached": cached}} for run in value["runs"]]}
    return {**value, "cached": cached}


# How far something has come.


_FIRST_SECONDS: Final = 2.0
_LONGEST_SECONDS: Final = 60.0
"""After how long a reading tells how far it has come, and how often at least from then on."""


_QUIET_SECONDS: Final = 0.5
_LINE_SECONDS: Final = 0.1
"""Seconds before the progress of a load gets a line of its own, and at least between two changes of it."""


class ProgressNotes:
    """Says on a terminal how far the reading of a file has come, in lines that come ever more seldom."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._pause = _FIRST_SECONDS
        self._next = time.monotonic() + _FIRST_SECONDS

    def tell(self, size: int) -> None:
        """To be called again and again while something is read or waited for, with the bytes so far."""
        if self._is_time():
            note(f"Reading {self._name}: {size / 1024**2:,.1f} MB so far; ctrl+c stops.")

    def _is_time(self) -> bool:
        if not _on_terminal() or time.monotonic() <= self._next:
            return False
        self._pause = min(2 * self._pause, _LONGEST_SECONDS)
        self._next = time.monotonic() + self._pause
        return True


class ProgressLine:
    """Says on a terminal how far the reading of an account has come, in one line that changes.

    It goes before anything else is written.
    """

    _shown: ClassVar[str] = ""
    """The progress line that is on the terminal."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _QUIET_SECONDS

    def tell(self, progress: Progress) -> None:
        """To be called again and again while an account is read."""
        if time.monotonic() <= self._next or not _on_terminal() or not wants_lines(os.environ):
            return
        self._next = time.monotonic() + _LINE_SECONDS
        columns = shutil.get_terminal_size().columns
        words = safe_text(f"{progress.words} ctrl+c stops", limit=None)[: columns - 1]
        if words != ProgressLine._shown:
            sys.stderr.write(f"\r{words}\x1b[K")
            sys.stderr.flush()
        ProgressLine._shown = words

    @staticmethod
    def clear() -> None:
        """Take the line away, if there is one."""
        if ProgressLine._shown:
            ProgressLine._shown = ""
            with suppress(OSError, ValueError):
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()


def progress_report() -> ProgressReport:
    """Tells on a terminal, from half a second on, how far the reading of an account has come."""
    return ProgressLine().tell


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and _setting(PAGED) is None
