"""A text as it was pasted, made searchable: escapes undone and spaces left out, with the way back to the original.

Messages arrive wrapped at some width (in the middle of words, too), indented, in boxes, quoted, HTML- or
JSON-escaped and coloured. All of that is undone without moving a character, so that places stay exact; the
fixed words of a message are then looked for in the text without any white space.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Final

_ASCII_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_BOXES: Final = {
    **{ord(character): " " for character in "\0│┃║╷╵╎┆┊▏▌\u00a0\u200b\ufeff"},
    **dict.fromkeys((0x201C, 0x201D), '"'),
    **dict.fromkeys((0x2018, 0x2019), "'"),
}
"""Replacements for frames around text, spaces of other kinds and typographic quotes."""
QUOTES: Final = "\"'`<>"
"""Characters that end a word, beside white space."""
_COLOUR: Final = re.compile(r"[\x1b\u241b]\[[0-9;]{0,32}m")
_LINE_START: Final = re.compile(r"(?m)^[ \t|>]+")
_ENTITY: Final = re.compile(r"&(?:amp;)?(quot|apos|amp|lt|gt|nbsp|#x?[0-9a-fA-F]{1,6});")
_ENTITIES: Final = {"quot": '"', "apos": "'", "amp": "&", "lt": "<", "gt": ">", "nbsp": " "}
_ESCAPE: Final = re.compile(r"\\{1,8}(?:u00([0-7][0-9a-fA-F])|([\"'/`nrt]))")
_SPLIT: Final = {"n": " ", "r": " ", "t": " "}
_WORD: Final = re.compile(r"[^\s\0]+")

NARROWEST_WRAP: Final = 40
"""Columns below which the end of a line is not taken for a wrapped one."""


class SearchableText:
    """A text in three forms of one position each.

    Attributes:
        flat: as long as the original, escapes undone and padded with NUL.
        packed: `flat` without white space and padding.
        lowered: `packed` in lower case (ASCII letters only).
    """

    def __init__(self, text: str) -> None:
        self.flat = _undone(text)
        words = list(_WORD.finditer(self.flat))
        self.packed = "".join([word.group() for word in words])
        self.lowered = self.packed.translate(_ASCII_LOWER)
        self._flat_starts = [word.start() for word in words]
        self._packed_starts = [0, *accumulate(len(word.group()) for word in words)]
        self._line_starts = [0, *(found.end() for found in re.finditer("\n", self.flat))]

    def flat_at(self, packed: int) -> int:
        """The place in `flat` of a character of `packed`; of its end: behind the last one."""
        if not self._flat_starts:
            return 0
        word = min(bisect_right(self._packed_starts, packed) - 1, len(self._flat_starts) - 1)
        return self._flat_starts[word] + packed - self._packed_starts[word]

    def packed_at(self, flat: int) -> int:
        """The place in `packed` of a place in `flat`; within white space, of what comes next."""
        word = bisect_right(self._flat_starts, flat) - 1
        if word < 0:
            return 0
        return min(self._packed_starts[word] + flat - self._flat_starts[word], self._packed_starts[word + 1])

    def line_of(self, flat: int) -> int:
        return bisect_right(self._line_starts, flat)

    def between(self, start: int, end: int) -> str:
        """The text between two places in `flat`, with the breaks of wrapped lines taken out."""
        return _joined(self.flat[start:end])

    def word_at(self, start: int, ends: str, *, since: int | None = None) -> tuple[str, int]:
        """The word at a place in `flat` up to white space or one of the characters in `ends`, and its end.

        When the word ends where a line ends that is exactly as long as the line before it, lines were broken in
        the middle of words, and the word goes on in the next line; a hyphen at the end of a line says so, too.

        Args:
            since: where the message starts that the word is a part of; None: here. Only its own lines count.
        """
        since = start if since is None else since
        pattern = _word_pattern(ends)
        parts: list[str] = []
        at = start
        while (found := pattern.match(self.flat, at)) is not None:
            parts.append(found.group().replace("\0", ""))
            at = found.end()
            following = self._next_line(at) if parts[-1].endswith("-") else self._after_full_line(at, since)
            if following is None:
                break
            at = following
        return "".join(parts), at

    def _after_full_line(self, at: int, since: int) -> int | None:
        """The start of the text in the next line, when `at` is the end of a line that is full, as the one before."""
        number = bisect_right(self._line_starts, at)
        if number < 2 or number >= len(self._line_starts):
            return None
        before, start, following = self._line_starts[number - 2 : number + 1]
        end = following - 1
        width = end - start
        if at != end or since >= start or width < NARROWEST_WRAP or start - 1 - before != width:
            return None
        return self._next_line(at)

    def _next_line(self, at: int) -> int | None:
        if at >= len(self.flat) or self.flat[at] != "\n":
            return None
        at += 1
        while at < len(self.flat) and self.flat[at] in " \t":
            at += 1
        return at


@lru_cache(maxsize=16)
def _word_pattern(ends: str) -> re.Pattern[str]:
    return re.compile(f"[^\\s{re.escape(ends)}]{{1,2100}}")


def _joined(text: str) -> str:
    lines = [part.strip(" \t\r") for part in text.replace("\0", "").split("\n")]
    return "".join(lines)


def _undone(text: str) -> str:
    text = text.translate(_BOXES).replace("\r\n", "\0\n")
    if "\x1b" in text or "\u241b" in text:
        text = _COLOUR.sub(lambda found: "\0" * len(found.group()), text)
    text = _LINE_START.sub(lambda found: " " * len(found.group()), text)
    if "&" in text:
        text = _ENTITY.sub(_entity, text)
    if "\\" in text:
        text = _ESCAPE.sub(_escape, text)
    return text


def _entity(found: re.Match[str]) -> str:
    name = found.group(1)
    if name.startswith("#"):
        code = int(name[2:], 16) if name[1] in "xX" and len(name) > 2 else _decimal(name[1:])
        character = chr(code) if 32 <= code < 127 else "?"
    else:
        character = _ENTITIES[name]
    return character.ljust(len(found.group()), "\0")


def _decimal(digits: str) -> int:
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _escape(found: re.Match[str]) -> str:
    code, letter = found.groups()
    character = chr(int(code, 16)) if code else _SPLIT.get(letter, letter)
    if not character.isprintable():
        character = " "
    return character.ljust(len(found.group()), "\0")


# What tools write around a message: the error code, the API operation, the service, request ids.


_REACH: Final = 600
_BETWEEN: Final = 3
"""Most characters (quotes) between a wrapping and its message."""

_CLI: Final = re.compile(
    r"An ?error ?occurred ?\(([A-Za-z0-9.]{1,60})\) ?when ?calling ?the ?([A-Za-z0-9]{1,80}?)operation"
    r"(?:\([^)]{0,80}\))?:",
    re.IGNORECASE,
)
_GO: Final = re.compile(r"operationerror([A-Za-z0-9]{1,60}):([A-Za-z0-9]{1,80}),", re.IGNORECASE)
_GO_CODE: Final = re.compile(r"apierror([A-Za-z0-9.]{1,60}):", re.IGNORECASE)
_JAVA: Final = re.compile(r"\((?:Service|service):([^;,()]{1,60})[;,]StatusCode:\d{3}", re.IGNORECASE)
_JAVA_CODE: Final = re.compile(r"ErrorCode:([A-Za-z.]{1,60})", re.IGNORECASE)
_DOTNET: Final = re.compile(r"Amazon\.([A-Za-z0-9]{2,40})\.", re.IGNORECASE)
_JAVA_CLASS: Final = re.compile(r"(?:services|awssdk)\.(?:services\.)?([a-z0-9]{2,40})\.model\.", re.IGNORECASE)
_CODE_BEFORE: Final = re.compile(r"([A-Z][a-z][A-Za-z]{1,50}(?:Denied|Exception|Error|Operation|NotAuthorized)):$")
_CODE_HERE: Final = re.compile(
    r"(?:Client\.)?(?:AccessDenied|UnauthorizedOperation|AuthorizationError)(?:Exception|Error)?"
)
_REQUEST_ID: Final = re.compile(
    r"request[ _-]?id[\"']?(?: ?[:=>] ?| )[\"']?([A-Za-z0-9][A-Za-z0-9-]{7,63})(?![A-Za-z0-9-])", re.IGNORECASE
)
_AUTHORIZATION_ID: Final = re.compile(r"authorization[ ]id:\s{0,8}([0-9A-Za-z]{4,128})", re.IGNORECASE)
_AUTHORIZATION_LINK: Final = re.compile(r"authorization-details/([0-9A-Za-z]{4,128})")


@dataclass(frozen=True, slots=True)
class Wrapping:
    """Words of an SDK or the AWS CLI before a message."""

    start: int
    end: int
    code: str = ""
    operation: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids to look the request up by, or ""."""

    request: str = ""
    authorization: str = ""


def wrapping_before(packed: str, at: int, floor: int, tail: int, *, at_code: bool = False) -> Wrapping:
    """The wrapping before `at`, no further back than `floor`.

    Args:
        tail: how far what belongs to the message reaches.
        at_code: there is no message: `at` is the error code itself, and its wrapping goes on behind it.
    """
    low = max(floor, at - _REACH, 0)
    after = packed[at : max(tail, at)]
    window = packed[low:at]
    for cli in _CLI.finditer(packed[low : at + 200] if at_code else window):
        if _belongs(cli.start() + low, cli.end() + low, at, at_code=at_code):
            return Wrapping(low + cli.start(), low + cli.end(), cli[1], cli[2].removesuffix("the"))
    service = _service(window, after)
    code_before = _CODE_BEFORE.search(window)
    code_here = _CODE_HERE.search(packed, max(low, at - 40), at + 60) if at_code else None
    java_code = _JAVA_CODE.search(after)
    go, go_code = _last(_GO, window), _last(_GO_CODE, window)
    if not at_code and (go_code is None or at - low - go_code.end() > _BETWEEN):
        go = go_code = None
    # Where words stand right in front of it, the packed text tells not where the code starts.
    behind = max(code_before[1].rfind("AccessDenied"), 0) if code_before is not None else 0
    code = ""
    for found in (go_code, code_before, java_code):
        if found is not None and not code:
            code = found[1][behind if found is code_before else 0 :]
    if not code and code_here is not None:
        code = code_here.group().removeprefix("apierror")
    if go is not None:
        return Wrapping(low + go.start(), at, code, go[2], go[1])
    start = low + code_before.start() + behind if code_before is not None else at
    return Wrapping(start, at, code, "", service)


def _belongs(start: int, end: int, at: int, *, at_code: bool) -> bool:
    """True if the CLI's words belong to the text at `at`: right before a message, or around a bare code."""
    return start <= at < end if at_code else 0 <= at - end <= _BETWEEN


def _service(window: str, after: str) -> str:
    java = _JAVA.search(after)
    if java is not None:
        return java[1].removeprefix("Amazon").removeprefix("AWS")
    for pattern in (_DOTNET, _JAVA_CLASS):
        found = _last(pattern, window[-160:])
        if found is not None:
            return found[1]
    return ""


def _last(pattern: re.Pattern[str], window: str) -> re.Match[str] | None:
    return next(reversed(list(pattern.finditer(window))), None)


def request_ids(flat: str) -> Ids:
    """The ids in the part of a text that belongs to one message."""
    near = flat[:6000].replace("\0", "")
    request = _REQUEST_ID.search(near)
    authorization = _AUTHORIZATION_ID.search(near) or _AUTHORIZATION_LINK.search(near)
    return Ids(request[1] if request else "", authorization[1] if authorization else "")


_BLOB: Final = re.compile(r"[A-Za-z0-9_-]{20,20000}")


def blob_behind(text: SearchableText, end: int) -> tuple[str, int]:
    """An encoded authorization message near the end of a message, and where it ends."""
    words = "encodedauthorizationfailuremessage:"
    at = text.lowered.find(words, end, end + 80)
    if at < 0:
        return "", end
    word, flat_end = text.word_at(text.flat_at(at + len(words)), QUOTES, since=text.flat_at(at))
    parts = [word]
    # A blob is longer than any line: when it was cut at the edge of a window, its lines hold nothing else.
    while len(parts) < 400 and (line := _rest_of_blob(text, flat_end, parts)) is not None:
        word, flat_end = line
        parts.append(word)
    found = _BLOB.match("".join(parts))
    return (found.group(), text.packed_at(flat_end)) if found is not None else ("", end)


def _rest_of_blob(text: SearchableText, at: int, parts: list[str]) -> tuple[str, int] | None:
    flat = text.flat
    if at >= len(flat) or flat[at] != "\n" or not _BLOB.fullmatch("".join(parts)):
        return None
    start = at + 1
    while start < len(flat) and flat[start] in " \t":
        start += 1
    word, end = text.word_at(start, QUOTES)
    alone = end >= len(flat) or flat[end] in "\n\"'`<>"
    if word and alone and re.fullmatch(r"[A-Za-z0-9_-]{1,20000}", word):
        return word, end
    return None


def hits(lowered: str, anchors: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Places of the anchors in a text, in order, each with its anchor."""
    following = {anchor: lowered.find(anchor) for anchor in anchors}
    while True:
        live = [(at, anchor) for anchor, at in following.items() if at >= 0]
        if not live:
            return
        at, anchor = min(live)
        yield at, anchor
        following[anchor] = lowered.find(anchor, at + 1)
