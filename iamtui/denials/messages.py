"""Access-denied messages in a text: every form AWS prints, in whatever tool wrapped it, found by its words.

The forms are those of the IAM User Guide (Troubleshoot access denied error messages) and of the services' own
texts. The fixed words are found in the text without white space; every look to either side is bounded, so that
the work grows with the length of the text only.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from typing import Final

from iamtui.denials.denial import (
    CALLER_UNKNOWN,
    Claim,
    Denial,
    DenialForm,
    SourcePlace,
    needs_no_resource,
)
from iamtui.engine.decision import Layer
from iamtui.policy.patterns import parse_arn

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


_REFUSED: Final = "notauthorizedtoperform"
_NO_ACCESS: Final = "notauthorizedtoaccessthisresource"
ANCHORS: Final = (
    _REFUSED,
    _NO_ACCESS,
    "donothavepermissionto",
    "don'thavepermissionto",
    "theciphertextreferstoacustomermasterkey",
    "accesstotheresource",
    "maynotbeassumedbyrootaccounts",
    "encodedauthorizationfailuremessage:",
)
"""Words that only a message has, without white space."""
BARE_ANCHORS: Final = (
    "accessdenied",
    "unauthorizedoperation",
    "authorizationerror",
    "anerroroccurred(403)whencalling",
    "anerroroccurred(forbidden",
    "anerroroccurred(notauthorized",
    "apierrorforbidden:",
)
"""Words that can occur alone, or as a field of a message."""
_CALLER_REACH: Final = 2200
_AFTER: Final = 500

# The regular expressions below are for the text without white space; each is bounded, and matched at one place only.
_ACTION: Final = re.compile(r"[A-Za-z0-9-]{1,64}:[A-Za-z0-9*]{1,128}")
_NAMELESS: Final = {
    "ontheresourceassociatedwiththisciphertext": (
        "KMS names no key here: it may not exist in this region, its policy may let nobody in, or deny explicitly."
    ),
    "onthisresource": "",
}
"""How a message speaks of a resource without naming it, and what to know of that."""
_BEHIND_ACTION: Final = f"onresource|{'|'.join(_NAMELESS)}|becauseno|withanexplicitdeny"
_WHOLE_ACTION: Final = re.compile(
    rf"[{QUOTES}]{{0,2}}([a-z0-9-]{{1,64}}:[a-z0-9*]{{1,128}}?)[{QUOTES}]{{0,2}}(?={_BEHIND_ACTION})", re.IGNORECASE
)
_CONSOLE_ACTION: Final = re.compile(rf"({_ACTION.pattern})(?=context:)", re.IGNORECASE)
_ON: Final = re.compile(r"onresources?(?:\(s\))?:")
_QUOTED: Final = re.compile(r"([\"'`])([^\"'`].{0,2300}?)\1")
_UP_TO_REASON: Final = re.compile(
    rf"((?:(?!user:|{_REFUSED}).){{1,2300}}?)(?:becauseno|becausepublic|withanexplicitdeny)"
)
_IAM_RESOURCE: Final = re.compile(r"(user|role|group|policy) (.*)", re.DOTALL)
"""How IAM names a resource by its kind, in place of an ARN."""
_KEY: Final = re.compile(r"theciphertextreferstoacustomermasterkey(?:.{0,260}?allowedtoaccess)?")
_ON_QUEUE: Final = re.compile(r"accesstotheresource(.{0,380}?)isdenied")
_QUEUE: Final = re.compile(
    r"https?://(?:sqs\.([a-z0-9-]{1,32})\.amazonaws\.com(?:\.cn)?|([a-z0-9-]{1,32})\.queue\.amazonaws\.com)"
    r"/([0-9]{12})/([A-Za-z0-9_.-]{1,84})"
)
_S3_URL: Final = re.compile(r"s3://([A-Za-z0-9.-]{3,63})(?:/([^\s\"'<>\0]{0,1024}))?")
_IN_FRONT: Final = "youarenotauthorizedtoperformthisoperation."
"""Sentence between an error code and the message proper (EC2)."""


@dataclass(frozen=True, slots=True)
class DenialSpan:
    """A denial, the part of the packed text that it takes, and how far what belongs to it reaches behind it."""

    denial: Denial
    start: int
    end: int
    tail: int


def read_message(text: SearchableText, at: int, anchor: str, floor: int) -> DenialSpan | None:
    """The message whose words `anchor` are at a place in the packed text, or None when there is none.

    Args:
        floor: where the message before ends: nothing in front of it is looked at.
    """
    if anchor == _REFUSED:
        return _user_message(text, at, floor)
    if anchor == _NO_ACCESS:
        return _no_access_message(text, at, floor)
    if anchor.endswith("havepermissionto"):
        return _console_message(text, at, floor)
    if anchor.startswith("encoded"):
        encoded, end = blob_behind(text, at)
        unknown = ("The caller, the request and the reason are only in the encoded message.",)
        return _span(text, DenialForm.ENCODED, (at, end), floor, encoded=encoded, unknown=unknown) if encoded else None
    return _bare(text, at, floor) if anchor in BARE_ANCHORS else _own_text(text, at, floor)


def _user_message(text: SearchableText, at: int, floor: int) -> DenialSpan | None:
    """`User: ... is not authorized to perform: ...`"""
    after = at + len(_REFUSED)
    if text.lowered.startswith(":", after):
        after += 1
    elif not text.lowered.startswith("sts:", after):
        # What EC2 puts in front of its real message, or another sentence.
        return None
    caller, start = _caller(text, at, floor)
    action, after = _action(text, after)
    if not action and not caller.startswith("arn:"):
        return None
    resource, after, notes = _resource(text, after, start)
    # The ARN for `user NAME` and the like, which IAM names so in the caller's own account.
    named, arn = _IAM_RESOURCE.fullmatch(resource), parse_arn(caller)
    if named is not None and named[2].startswith("arn:"):
        resource = named[2]
    elif named is not None and (arn is None or not named[2]):
        notes = (*notes, f"The message names the resource as {resource}, not by an ARN.")
    elif named is not None and arn is not None:
        notes = (*notes, f"The message names the resource as {resource}, without its path.")
        resource = f"arn:{arn.partition}:iam::{arn.account}:{named[1]}/{named[2]}"
    for words, note in _NAMELESS.items():
        if text.lowered.startswith(words, after):
            notes = (*notes, note) if note else notes
            after += len(words)
    claim, end = claim_at(text, after, start)
    return _message(text, DenialForm.MESSAGE, (start, end), floor, caller, action, resource, claim, notes)


def _no_access_message(text: SearchableText, at: int, floor: int) -> DenialSpan | None:
    """`User: ... is not authorized to access this resource`, which names neither action nor resource."""
    caller, start = _caller(text, at, floor)
    if not caller:
        start = text.lowered.rfind("user", max(floor, at - 6), at)
        if start < 0:
            return None
    claim, end = claim_at(text, at + len(_NO_ACCESS), start)
    return _message(text, DenialForm.MESSAGE, (start, end), floor, caller, "", "", claim)


def _console_message(text: SearchableText, at: int, floor: int) -> DenialSpan | None:
    """The text that the AWS console offers to copy."""
    user = text.lowered.find("user:", at, at + 1500)
    action_at = text.lowered.find("action:", user, user + _CALLER_REACH) if user >= 0 else -1
    if action_at < 0:
        return None
    service = text.lowered.find("service:", user, action_at)
    caller_end = text.flat_at((service if service >= 0 else action_at) - 1) + 1
    caller = text.between(text.flat_at(user + 5), caller_end).strip().strip(QUOTES + ",;")
    title = text.lowered.rfind("accessdeniedto", max(floor, at - 160), at)
    at = title if title >= 0 else at
    action, end = _action(text, action_at + 7, _CONSOLE_ACTION)
    if not action:
        return None
    resource, end, notes = _resource(text, end, at)
    claim, end = claim_at(text, end, at)
    return _message(
        text, DenialForm.CONSOLE, (at, end), floor, caller.split()[0] if caller else "", action, resource, claim, notes
    )


def _own_text(text: SearchableText, at: int, floor: int) -> DenialSpan | None:
    """A service's own words."""
    form, lowered = DenialForm.OWN_TEXT, text.lowered
    if key := _KEY.match(lowered, at):
        note = "KMS says the same of a key that does not exist, that is in another region, and that may not be used."
        return _message(text, form, (at, key.end()), floor, "", "kms:Decrypt", "", Claim(), (note,))
    if denied := _ON_QUEUE.match(lowered, at):
        url = text.packed[denied.start(1) : denied.end(1)]
        queue = _QUEUE.match(url)
        resource = f"arn:aws:sqs:{queue[1] or queue[2]}:{queue[3]}:{queue[4]}" if queue is not None else ""
        note = "SQS names the queue by its URL." if queue else f"The message names the resource as {url[:200]}."
        return _message(text, form, (at, denied.end()), floor, "", "", resource, Claim(), (note,), service="SQS")
    if lowered.startswith("maynotbeassumed", at):
        end = at + len("maynotbeassumedbyrootaccounts")
        return _message(text, form, (at, end), floor, "", "sts:AssumeRole", "", Claim("explicit", (), "the root user"))
    return None


def _bare(text: SearchableText, at: int, floor: int) -> DenialSpan:
    """An error code or "Access Denied" alone: what the wrapping tells is all there is."""
    span = _span(text, DenialForm.BARE, (at, at + 12), floor, at_code=True)
    denial, notes = span.denial, []
    # The object that `aws s3` names on the same line.
    flat_start = text.flat_at(min(span.start, at))
    line_start = max(text.flat.rfind("\n", 0, flat_start), flat_start - 1500) + 1
    url = _S3_URL.search(text.flat, line_start, text.flat_at(at))
    resource = f"arn:aws:s3:::{url[1]}{'/' + url[2] if url[2] else ''}" if url is not None else ""
    if resource:
        notes.append("The object is the one named in front of the error.")
    s3 = denial.service.lower() in ("s3", "amazons3") or bool(resource) or "hostid" in text.lowered[at : at + 400]
    if s3:
        notes.append("S3 leaves the reason out, mostly when caller and bucket are of different organizations.")
    denial = replace(
        denial,
        resource=resource,
        service=denial.service or ("S3" if s3 else ""),
        unknown=_unknown("", "", resource, Claim()),
        notes=tuple(notes),
    )
    return replace(span, denial=denial)


def _message(
    text: SearchableText,
    form: DenialForm,
    span: tuple[int, int],
    floor: int,
    caller: str,
    action: str,
    resource: str,
    claim: Claim,
    notes: tuple[str, ...] = (),
    service: str = "",
) -> DenialSpan:
    encoded, end = blob_behind(text, span[1])
    unknown = _unknown(caller, action, resource, claim)
    made = _span(text, form, (span[0], span[1]), floor, end=end, encoded=encoded, unknown=unknown)
    denial = replace(made.denial, caller=caller, action=action, resource=resource, claim=claim, notes=notes)
    return replace(made, denial=replace(denial, service=denial.service or service))


def _span(
    text: SearchableText,
    form: DenialForm,
    span: tuple[int, int],
    floor: int,
    *,
    end: int = 0,
    encoded: str = "",
    unknown: tuple[str, ...] = (),
    at_code: bool = False,
) -> DenialSpan:
    """A denial with what the text around it tells: error code, operation, service and ids."""
    at, after = span
    if text.lowered.endswith(_IN_FRONT, floor, at):
        at -= len(_IN_FRONT)
    wrapping = wrapping_before(text.packed, at, floor, _tail(text, after), at_code=at_code)
    start = min(wrapping.start, at)
    end = max(end or after, wrapping.end if at_code else 0)
    tail = _tail(text, end)
    request, authorization = request_ids(text.flat[text.flat_at(start) : text.flat_at(max(tail - 1, start)) + 1])
    place = text.flat_at(start)
    denial = Denial(
        form,
        SourcePlace(text.line_of(place), place),
        code=wrapping.code or _CODES.get(form, ""),
        operation=wrapping.operation,
        service=wrapping.service,
        encoded=encoded,
        request_id=request,
        authorization_id=authorization,
        unknown=unknown,
    )
    return DenialSpan(denial, start, end, tail)


_CODES: Final = {DenialForm.BARE: "AccessDenied", DenialForm.ENCODED: "UnauthorizedOperation"}
_NEXT: Final = ("anerroroccurred(", "operationerror", "accessdenied:", "exception:", "<?xml", *ANCHORS)
"""Words that begin another message, or occur in it."""


def _tail(text: SearchableText, end: int) -> int:
    """How far what belongs to a message reaches behind it: status codes, ids, the fields of an error object."""
    stop = min(end + _AFTER, len(text.packed))
    for word in _NEXT:
        found = text.lowered.find(word, end, stop)
        if found >= 0:
            stop = found
    refused = text.lowered.find(_REFUSED, end, stop + _CALLER_REACH)
    caller = text.lowered.rfind("user:", end, refused) if refused >= 0 else -1
    return max(min(stop, caller) if caller >= 0 else stop, end)


def _caller(text: SearchableText, refused: int, floor: int) -> tuple[str, int]:
    end = refused - 2 if text.lowered.startswith("is", refused - 2) else refused
    at = text.lowered.rfind("user:", max(floor, refused - _CALLER_REACH, 0), end)
    caller = text.between(text.flat_at(at + 5), text.flat_at(end - 1) + 1).strip().strip(QUOTES) if at >= 0 else ""
    return (caller, at) if caller and not set(" \t") & set(caller) else ("", end)


def _action(text: SearchableText, start: int, *forms: re.Pattern[str]) -> tuple[str, int]:
    """The action, and where it ends: up to the words that follow it, else up to white space."""
    if found := next(filter(None, (one.match(text.packed, start) for one in (*forms, _WHOLE_ACTION))), None):
        return found[1], found.end()
    start += len(text.packed[start : start + 2]) - len(text.packed[start : start + 2].lstrip(QUOTES))
    word, at = text.word_at(text.flat_at(start), QUOTES + ",;")
    if _ACTION.match(word) is None and text.flat[at : at + 1] == "\n":
        # Broken in the middle of the action, at the edge of a window.
        more, end = text.word_at(at + 1, QUOTES + ",;")
        word, at = (word + more, end) if _ACTION.match(word + more) else (word, at)
    found = _ACTION.match(word)
    if found is None or word[found.end() :].strip(".:)]}"):
        return "", start
    return found.group(), text.packed_at(at)


def _resource(text: SearchableText, start: int, since: int) -> tuple[str, int, tuple[str, ...]]:
    """The resource, where it ends, and what to know of how it was read."""
    on = _ON.match(text.lowered, start)
    if on is None:
        return "", start, ()
    if quoted := _QUOTED.match(text.packed, on.end()):
        inner = text.between(text.flat_at(quoted.start(2)), text.flat_at(quoted.end(2) - 1) + 1).strip()
        return inner, quoted.end(), ()
    notes: tuple[str, ...] = ()
    bounded = _UP_TO_REASON.match(text.lowered, on.end())
    flat = (text.flat_at(on.end()), text.flat_at(bounded.end(1) - 1) + 1 if bounded else 0)
    resource, broken = text.between(*flat).strip(), "\n" in text.flat[slice(*flat)]
    spaced = len(resource.split()) > 1
    if bounded and not broken and _IAM_RESOURCE.fullmatch(resource) and resource.count(" ") == 1:
        return resource, bounded.end(1), ()
    # Only keys of objects may hold spaces; anything else here is another sentence.
    if bounded and (not spaced or (not broken and resource.startswith("arn:") and ":s3:" in resource)):
        end = bounded.end(1)
        if spaced:
            notes = ("The resource has spaces in it: it was read up to the reason.",)
        elif broken:
            notes = ("The resource was broken over lines and was put together again.",)
    else:
        resource, at = text.word_at(flat[0], QUOTES, since=text.flat_at(since))
        if resource in ("user", "role", "group", "policy") and text.flat[at : at + 1] == " ":
            name, at = text.word_at(at + 1, QUOTES, since=text.flat_at(since))
            return f"{resource} {_without_end(name)}", text.packed_at(at), ()
        resource, end = _without_end(resource), text.packed_at(at)
    if resource and not resource.startswith("arn:") and resource != "*":
        notes = (*notes, f"The message names the resource as {resource}, not by an ARN.")
    return resource, end, notes


def _without_end(word: str) -> str:
    """A word without what ends a sentence or a bracket around it."""
    # The ARN of a log group's streams ends with a colon of its own.
    keep = word.rstrip(".,;").endswith(":log-stream:")
    word = word.rstrip(".,;:") + (":" if keep else "")
    for opening, closing in ("()", "[]", "{}"):
        while word.endswith(closing) and word.count(closing) > word.count(opening):
            word = word[:-1].rstrip(".,;:")
    return word


def _unknown(caller: str, action: str, resource: str, claim: Claim) -> tuple[str, ...]:
    policy = "The message does not name the kind of policy that refused; an explicit deny is still possible."
    lacking = (
        (CALLER_UNKNOWN, not caller),
        ("It does not say which action was refused.", not action),
        ("It does not say on which resource.", not resource and not needs_no_resource(action)),
        (policy, not claim.kind),
    )
    return tuple(sentence for sentence, missing in lacking if missing)


# The search for messages in a text, piece by piece, and which words belong to which message.

PIECE: Final = 96 * 1024
"""Characters that are searched at once."""
_BEFORE_PIECE: Final = 4 * 1024
_AFTER_PIECE: Final = 48 * 1024
"""How much of a text in front of and behind a piece is looked at with it: more than any message reaches."""
_TO_MESSAGE: Final = 160
"""Greatest distance of an error code before its message, as in the fields of a JSON or XML error."""


def messages_in(text: str, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Denial]:
    """Every access-denied message in a text, in order, with repetitions."""
    return messages_of((text,), cancelled)


def messages_of(portions: Iterable[str], cancelled: Callable[[], bool] = lambda: False) -> Iterator[Denial]:
    """Every access-denied message in a text that comes in portions, of which no more than a few are held.

    It is searched in pieces, so that no single step keeps other threads waiting.
    """
    for piece, start, line, first, last in _pieces(portions):
        if cancelled():
            return
        searchable = SearchableText(piece)
        told = list(_spans(searchable, ANCHORS, []))
        spans = sorted((*told, *_spans(searchable, BARE_ANCHORS, told)), key=lambda span: span.start)
        for denial in (span.denial for span in spans):
            offset = start + denial.place.offset
            if first <= offset < last:
                yield replace(denial, place=SourcePlace(line - 1 + denial.place.line, offset))


def _pieces(portions: Iterable[str]) -> Iterator[tuple[str, int, int, int, float]]:
    """Parts of a text with their surroundings.

    Yields:
        A part, its place in the whole text, its line, and between which places messages start that are its own.
    """
    buffer = ""
    start = first = 0
    line = 1
    for portion in portions:
        buffer += portion
        at = 0
        while first + PIECE + _AFTER_PIECE - start < len(buffer):
            last = first + PIECE
            yield buffer[at : last + _AFTER_PIECE - start], start + at, line, first, last
            inside = last - _BEFORE_PIECE - start
            # No line ends in sight: cut anywhere.
            following = buffer.rfind("\n", at, inside) + 1 or inside
            line += buffer.count("\n", at, following)
            at, first = following, last
        buffer, start = buffer[at:], start + at
    yield buffer, start, line, first, math.inf


def _spans(text: SearchableText, anchors: tuple[str, ...], taken: list[DenialSpan]) -> Iterator[DenialSpan]:
    """The messages at some anchors, none of them in a part that is taken, and no code that belongs to one."""
    floor = following = 0
    last: DenialSpan | None = None
    for at, anchor in hits(text.lowered, anchors):
        while following < len(taken) and taken[following].end <= at:
            last = _later(last, taken[following])
            following += 1
        floor = max(floor, last.end if last is not None else 0)
        if at < floor:
            continue
        if anchor in BARE_ANCHORS and (
            (last is not None and _follows(text, at, last))
            or (following < len(taken) and _leads_to(text, at, anchor, taken[following]))
        ):
            continue
        span = read_message(text, at, anchor, floor)
        if span is None:
            continue
        last = _later(last, span)
        floor = max(floor, span.end, at + 1)
        yield span


def _later(one: DenialSpan | None, other: DenialSpan) -> DenialSpan:
    return other if one is None or other.end >= one.end else one


_FIELD: Final = re.compile(r"(?:code|type|name|reason|error)[\"']?[:=>]{1,2}[\"']?[a-z.#]{0,60}$")


def _follows(text: SearchableText, at: int, span: DenialSpan) -> bool:
    """True if a code belongs to the message before it: on its line, or as a field of the same error."""
    if at >= span.tail:
        return False
    same_line = text.line_of(text.flat_at(span.end - 1)) == text.line_of(text.flat_at(at))
    return same_line or _FIELD.search(text.lowered[max(at - 80, 0) : at]) is not None


def _leads_to(text: SearchableText, at: int, anchor: str, span: DenialSpan) -> bool:
    """True if a code belongs to the message behind it: as another field of the same error, mostly."""
    if span.start <= at:
        return True
    if text.lowered.startswith("anerroroccurred(", max(at - 16, 0)) or text.lowered.startswith("anerror", at):
        # The CLI's own words stand right in front of their message: this is another one.
        return False
    if any(text.lowered.find(word, at + len(anchor), span.start) >= 0 for word in BARE_ANCHORS):
        # The code has words of its own behind it.
        return False
    return span.start - at < _TO_MESSAGE


# Why AWS says that it refused: the layer a message names, and whether a Deny or the lack of an Allow is meant.


_LAYERS: Final = {
    "identity-basedpolicy": ("identity-based policy", Layer.IDENTITY),
    "identitybasedpolicy": ("identity-based policy", Layer.IDENTITY),
    "resource-basedpolicy": ("resource-based policy", Layer.RESOURCE),
    "resourcebasedpolicy": ("resource-based policy", Layer.RESOURCE),
    "permissionsboundary": ("permissions boundary", Layer.BOUNDARY),
    "sessionpolicy": ("session policy", Layer.SESSION),
    "sessionspolicy": ("session policy", Layer.SESSION),
    "servicecontrolpolicy": ("service control policy", Layer.SCP),
    "resourcecontrolpolicy": ("resource control policy", Layer.RCP),
    "vpcendpointpolicy": ("VPC endpoint policy", Layer.VPC_ENDPOINT),
    "roletrustpolicy": ("role trust policy", Layer.RESOURCE),
}
"""The layers as messages name them, without white space (IAM User Guide: access denied error messages)."""

_LAYER: Final = "|".join(_LAYERS)
_LACKING: Final = r"no(?P<lacking>.{0,400}?)allowsthe(?:.{0,400}?action)?"
_DENYING: Final = (
    rf"(?P<deny>explicitdeny)(?:in(?P<article>an|the|a)(?:(?P<layer>{_LAYER})"
    rf"(?:transitivelythroughan?(?P<through>{_LAYER}))?(?P<policy>:arn:)?)?)?"
)
_CLAIM: Final = re.compile(
    rf"[{QUOTES}.]{{0,2}}(?:because(?:{_LACKING}|(?P<public>publicpolicies|publicacls)(?:.{{0,400}}?blockpublicaccess)?)"
    rf"|withan{_DENYING})"
)
_CONSOLE_CLAIM: Final = re.compile(
    rf"context:(?:because)?(?:{_LACKING}|(?:an|the|a)(?P<denies>{_LAYER})explicitlydenies|(?:withan)?{_DENYING})"
)


def claim_at(text: SearchableText, start: int, since: int) -> tuple[Claim, int]:
    """The claim that starts at a place in the packed text, or an empty one, and where it ends.

    Args:
        since: where its message starts.
    """
    at_console = text.lowered.startswith("context:", start)
    found = (_CONSOLE_CLAIM if at_console else _CLAIM).match(text.lowered, start)
    if found is None:
        return Claim(), start
    parts, end = found.groupdict(), found.end()
    if parts["lacking"] is not None:
        words, layers = _named(text, found.start("lacking"), found.end("lacking"))
        return Claim("implicit", layers, words), end
    if parts.get("public"):
        return Claim("explicit", (Layer.BLOCK_PUBLIC_ACCESS,), "S3 Block Public Access"), end
    names = [_LAYERS[one] for one in (parts["layer"] or parts.get("denies"), parts["through"]) if one]
    words, layers = " transitively through a ".join(name for name, _ in names), tuple(layer for _, layer in names)
    policy = ""
    if parts["policy"]:
        word, flat_end = text.word_at(text.flat_at(found.start("policy") + 1), QUOTES + ",;", since=text.flat_at(since))
        policy, end = word.rstrip(".)]}"), text.packed_at(flat_end)
    elif parts["article"] and not names and end < len(text.packed):
        words = text.word_at(text.flat_at(end), QUOTES + ",;.")[0][:80]
    return Claim("explicit", layers, words, policy), end


def _named(text: SearchableText, start: int, end: int) -> tuple[str, tuple[Layer, ...]]:
    if known := _LAYERS.get(text.lowered[start:end]):
        return known[0], (known[1],)
    words = " ".join(text.flat[text.flat_at(start) : text.flat_at(end - 1) + 1].split()) if end > start else ""
    return words[:120], ()
