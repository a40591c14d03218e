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
        return "".join(part.strip(" \t\r") for part in self.flat[start:end].replace("\0", "").split("\n"))

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
        digits, base = (name[2:], 16) if name[1] in "xX" and len(name) > 2 else (name[1:], 10)
        code = int(digits, base) if base == 16 or digits.isdecimal() else 0
        character = chr(code) if 32 <= code < 127 else "?"
    else:
        character = _ENTITIES[name]
    return character.ljust(len(found.group()), "\0")


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
    r"anerroroccurred\(([a-z0-9.]{1,60})\)whencallingthe([a-z0-9]{1,80}?)operation(?:\([^)]{0,80}\))?:", re.IGNORECASE
)
_GO: Final = re.compile(r"operationerror([a-z0-9]{1,60}):([a-z0-9]{1,80}),", re.IGNORECASE)
_GO_CODE: Final = re.compile(r"apierror([a-z0-9.]{1,60}):", re.IGNORECASE)
_JAVA: Final = re.compile(r"\(service:(?:amazon|aws)?([^;,()]{1,60})[;,]statuscode:\d{3}", re.IGNORECASE)
_JAVA_CODE: Final = re.compile(r"errorcode:([a-z.]{1,60})", re.IGNORECASE)
_CLASS: Final = re.compile(
    r"amazon\.([a-z0-9]{2,40})\.|(?:services|awssdk)\.(?:services\.)?([a-z0-9]{2,40})\.model\.", re.IGNORECASE
)
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


def wrapping_before(packed: str, at: int, floor: int, tail: int, *, at_code: bool = False) -> Wrapping:
    """The wrapping before `at`, no further back than `floor`.

    Args:
        tail: how far what belongs to the message reaches.
        at_code: there is no message: `at` is the error code itself, and its wrapping goes on behind it.
    """
    low = max(floor, at - _REACH, 0)
    for cli in _CLI.finditer(packed, low, at + 200 if at_code else at):
        if cli.start() <= at < cli.end() if at_code else at - cli.end() <= _BETWEEN:
            return Wrapping(cli.start(), cli.end(), cli[1], cli[2])
    go, go_code = _last(_GO, packed, low, at), _last(_GO_CODE, packed, low, at)
    if not at_code and (go_code is None or at - go_code.end() > _BETWEEN):
        go = go_code = None
    before, start, code = _CODE_BEFORE.search(packed, low, at), at, ""
    if before is not None:
        # Where words stand right in front of it, the packed text tells not where the code starts.
        behind = max(before[1].rfind("AccessDenied"), 0)
        start, code = before.start() + behind, before[1][behind:]
    if go_code is not None:
        code = go_code[1]
    elif not code and (java_code := _JAVA_CODE.search(packed, at, max(tail, at))):
        code = java_code[1]
    elif not code and at_code and (here := _CODE_HERE.search(packed, max(low, at - 40), at + 60)):
        code = here.group()
    if go is not None:
        return Wrapping(go.start(), at, code, go[2], go[1])
    java, named = _JAVA.search(packed, at, max(tail, at)), _last(_CLASS, packed, max(low, at - 160), at)
    service = java[1] if java is not None else named[1] or named[2] if named is not None else ""
    return Wrapping(start, at, code, "", service)


def _last(pattern: re.Pattern[str], packed: str, low: int, at: int) -> re.Match[str] | None:
    return next(reversed(list(pattern.finditer(packed, low, at))), None)


def request_ids(flat: str) -> tuple[str, str]:
    """The request's id and its authorization's in the part of a text that belongs to one message, each or ""."""
    near = flat[:6000].replace("\0", "")
    request = _REQUEST_ID.search(near)
    authorization = _AUTHORIZATION_ID.search(near) or _AUTHORIZATION_LINK.search(near)
    return request[1] if request else "", authorization[1] if authorization else ""


_BLOB: Final = re.compile(r"[A-Za-z0-9_-]{20,20000}")
_BLOB_LINE: Final = re.compile(r"\n[ \t]*([A-Za-z0-9_-]{1,2000})\0*(?=[\n\"'`<>]|$)")


def blob_behind(text: SearchableText, end: int) -> tuple[str, int]:
    """An encoded authorization message near the end of a message, and where it ends."""
    words = "encodedauthorizationfailuremessage:"
    at = text.lowered.find(words, end, end + 80)
    if at < 0:
        return "", end
    word, flat_end = text.word_at(text.flat_at(at + len(words)), QUOTES, since=text.flat_at(at))
    # A blob is longer than any line: when it was cut at the edge of a window, its lines hold nothing else.
    while len(word) < 20_000 and _BLOB.fullmatch(word) and (line := _BLOB_LINE.match(text.flat, flat_end)):
        word, flat_end = word + line[1], line.end()
    found = _BLOB.match(word)
    return (found.group(), text.packed_at(flat_end)) if found is not None else ("", end)


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
