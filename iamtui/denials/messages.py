"""Access-denied messages in a text: every form AWS prints, in whatever tool wrapped it, found by its words.

The forms are those of the IAM User Guide (Troubleshoot access denied error messages) and of the services' own
texts. The fixed words are found in the text without white space; every look to either side is bounded, so that
the work grows with the length of the text only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from iamtui.denials.denial import (
    CALLER_UNKNOWN,
    Claim,
    Denial,
    DenialForm,
    FoundClaim,
    SourcePlace,
    claim_at,
    console_claim,
    needs_no_resource,
)
from iamtui.denials.text import QUOTES, SearchableText, Wrapping, blob_behind, hits, request_ids, wrapping_before
from iamtui.policy.patterns import parse_arn

_IAM_KINDS: Final = ("user", "role", "group", "policy")
"""How IAM names a resource in front of its name, in place of an ARN."""

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
_ACTION_REACH: Final = 260
_RESOURCE_REACH: Final = 2300
_AFTER: Final = 500
_ACTION: Final = re.compile(r"[A-Za-z0-9-]{1,64}:[A-Za-z0-9*]{1,128}")
_QUEUE: Final = re.compile(
    r"https?://sqs\.([a-z0-9-]{1,32})\.amazonaws\.com(?:\.cn)?/([0-9]{12})/([A-Za-z0-9_.-]{1,84})"
)
_OLD_QUEUE: Final = re.compile(r"https?://([a-z0-9-]{1,32})\.queue\.amazonaws\.com/([0-9]{12})/([A-Za-z0-9_.-]{1,84})")
_S3_URL: Final = re.compile(r"s3://([A-Za-z0-9.-]{3,63})(?:/([^\s\"'<>\0]{0,1024}))?")


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
    if anchor == "theciphertextreferstoacustomermasterkey":
        return _kms_text(text, at, floor)
    if anchor == "accesstotheresource":
        return _queue_text(text, at, floor)
    if anchor == "maynotbeassumedbyrootaccounts":
        return _own_text(text, at, floor, at + len(anchor), action="sts:AssumeRole", words="the root user")
    if anchor.startswith("encoded"):
        return _encoded_message(text, at, floor)
    return _bare(text, at, floor)


_IN_FRONT: Final = ("youarenotauthorizedtoperformthisoperation.",)
"""Sentences between an error code and the message proper (EC2)."""


# User: ... is not authorized to perform: ...


def _user_message(text: SearchableText, at: int, floor: int) -> DenialSpan | None:
    after = at + len(_REFUSED)
    lowered = text.lowered
    if lowered.startswith("thisoperation", after):
        # What EC2 puts in front of its real message: that one is found by itself.
        return None
    if lowered[after : after + 1] == ":":
        after += 1
    elif not lowered.startswith("sts:", after):
        return None
    caller, start = _caller(text, at, floor)
    action, after = _action(text, after)
    if not action and not caller.startswith("arn:"):
        return None
    resource, after, notes = _resource(text, after, start)
    resource, notes = _with_arn(resource, notes, caller)
    for words, note in _NAMELESS.items():
        if text.lowered.startswith(words, after):
            notes = (*notes, note) if note else notes
            after += len(words)
    found = claim_at(text, after, start)
    return _message(text, DenialForm.MESSAGE, (start, found.end), floor, caller, action, resource, found, notes)


_CIPHERTEXT: Final = "ontheresourceassociatedwiththisciphertext"
_THIS_RESOURCE: Final = "onthisresource"
_NAMELESS: Final = {
    _CIPHERTEXT: (
        "KMS names no key here: it may not exist in this region, its policy may let nobody in, or deny explicitly."
    ),
    _THIS_RESOURCE: "",
}
"""How a message speaks of a resource without naming it, and what to know of that."""


def _no_access_message(text: SearchableText, at: int, floor: int) -> DenialSpan | None:
    """`User: ... is not authorized to access this resource`, which names neither action nor resource."""
    caller, start = _caller(text, at, floor)
    lowered = text.lowered
    if not caller:
        start = lowered.rfind("user", max(floor, at - 6), at)
        if start < 0:
            return None
    found = claim_at(text, at + len(_NO_ACCESS), start)
    return _message(text, DenialForm.MESSAGE, (start, found.end), floor, caller, "", "", found)


def _message(
    text: SearchableText,
    form: DenialForm,
    span: tuple[int, int],
    floor: int,
    caller: str,
    action: str,
    resource: str,
    found: FoundClaim,
    notes: tuple[str, ...] = (),
) -> DenialSpan:
    """A message with its request, completed by the text around it."""
    start, end = span
    for sentence in _IN_FRONT:
        start = start - len(sentence) if text.lowered.endswith(sentence, floor, start) else start
    wrapping = wrapping_before(text.packed, start, floor, _tail(text, end))
    encoded, end = blob_behind(text, end)
    denial = Denial(
        form,
        _place(text, wrapping.start),
        caller,
        action,
        resource,
        found.claim,
        code=wrapping.code,
        operation=wrapping.operation,
        service=wrapping.service,
        encoded=encoded,
        unknown=_unknown(caller, action, resource, found.claim),
        notes=notes,
    )
    return _with_ids(text, denial, wrapping, end)


def _with_ids(text: SearchableText, denial: Denial, wrapping: Wrapping, end: int) -> DenialSpan:
    tail = _tail(text, end)
    ids = request_ids(text.flat[text.flat_at(wrapping.start) : text.flat_at(max(tail - 1, wrapping.start)) + 1])
    denial = replace(denial, request_id=ids.request, authorization_id=ids.authorization)
    return DenialSpan(denial, wrapping.start, end, tail)


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


def _place(text: SearchableText, packed: int) -> SourcePlace:
    at = text.flat_at(packed)
    return SourcePlace(text.line_of(at), at)


def _action(text: SearchableText, start: int) -> tuple[str, int]:
    """The action, and where it ends: up to the words that follow it, else up to white space."""
    lowered = text.lowered
    start += len(text.packed[start : start + 2]) - len(text.packed[start : start + 2].lstrip(QUOTES))
    ends = [
        lowered.find(word, start, start + _ACTION_REACH)
        for word in ("onresource", _THIS_RESOURCE, _CIPHERTEXT, "becauseno", "withanexplicitdeny")
    ]
    for end in sorted(end for end in ends if end >= 0):
        packed = text.packed[start:end].rstrip(QUOTES)
        if _ACTION.fullmatch(packed):
            return packed, end
    word, at = text.word_at(text.flat_at(start), QUOTES + ",;")
    if _ACTION.match(word) is None and text.flat[at : at + 1] == "\n":
        # Broken in the middle of the action, at the edge of a window.
        more, end = text.word_at(at + 1, QUOTES + ",;")
        word, at = (word + more, end) if _ACTION.match(word + more) else (word, at)
    found = _ACTION.match(word)
    if found is None or word[found.end() :].strip(".:)]}"):
        return "", start
    return found.group(), text.packed_at(at)


def _caller(text: SearchableText, refused: int, floor: int) -> tuple[str, int]:
    end = refused - 2 if text.lowered.startswith("is", refused - 2) else refused
    low = max(floor, refused - _CALLER_REACH, 0)
    at = text.lowered.rfind("user:", low, end)
    if at < 0:
        return "", end
    caller = text.between(text.flat_at(at + 5), text.flat_at(end - 1) + 1).strip().strip(QUOTES)
    if " " in caller or "\t" in caller or not caller:
        return "", end
    return caller, at


def _resource(text: SearchableText, start: int, since: int) -> tuple[str, int, tuple[str, ...]]:
    lowered = text.lowered
    for words in ("onresource:", "onresource(s):", "onresources:"):
        if lowered.startswith(words, start):
            break
    else:
        return "", start, ()
    start += len(words)
    quote = text.packed[start : start + 1]
    if quote and quote in "\"'`":
        end = text.packed.find(quote, start + 1, start + _RESOURCE_REACH)
        if end > start + 1:
            inner = text.between(text.flat_at(start + 1), text.flat_at(end - 1) + 1).strip()
            return inner, end + 1, ()
    bounded = _bounded_resource(text, start)
    if bounded is not None:
        return bounded
    word, at = text.word_at(text.flat_at(start), QUOTES, since=text.flat_at(since))
    if word in _IAM_KINDS and text.flat[at : at + 1] == " ":
        name, at = text.word_at(at + 1, QUOTES, since=text.flat_at(since))
        return f"{word} {_without_end(name)}", text.packed_at(at), ()
    word = _without_end(word)
    notes: tuple[str, ...] = ()
    if word and not word.startswith("arn:") and word != "*":
        notes = (f"The message names the resource as {word}, not by an ARN.",)
    return word, text.packed_at(at), notes


def _with_arn(resource: str, notes: tuple[str, ...], caller: str) -> tuple[str, tuple[str, ...]]:
    """The ARN for `user NAME` and the like, which IAM names so in the caller's own account."""
    kind, space, name = resource.partition(" ")
    if not space or kind not in _IAM_KINDS:
        return resource, notes
    if name.startswith("arn:"):
        return name, notes
    arn = parse_arn(caller)
    if arn is None or not name:
        return resource, (*notes, f"The message names the resource as {resource}, not by an ARN.")
    made = f"arn:{arn.partition}:iam::{arn.account}:{kind}/{name}"
    return made, (*notes, f"The message names the resource as {resource}, without its path.")


def _bounded_resource(text: SearchableText, start: int) -> tuple[str, int, tuple[str, ...]] | None:
    """A resource that the reason follows: breaks of lines inside it are no part of it."""
    stop = start + _RESOURCE_REACH
    nexts = [text.lowered.find(word, start, stop) for word in ("user:", _REFUSED) if word]
    stop = min([stop, *(at for at in nexts if at >= 0)])
    ends = [text.lowered.find(word, start, stop) for word in ("becauseno", "becausepublic", "withanexplicitdeny")]
    ends = [end for end in ends if end > start]
    if not ends:
        return None
    end = min(ends)
    raw = text.flat[text.flat_at(start) : text.flat_at(end - 1) + 1]
    resource = text.between(text.flat_at(start), text.flat_at(end - 1) + 1).strip()
    if resource.partition(" ")[0] in _IAM_KINDS and resource.count(" ") == 1 and "\n" not in raw:
        return resource, end, ()
    notes: tuple[str, ...] = ()
    if any(character.isspace() for character in resource):
        # Only keys of objects may hold spaces; anything else here is another sentence.
        if "\n" in raw or not resource.startswith("arn:") or ":s3:" not in resource:
            return None
        notes = ("The resource has spaces in it: it was read up to the reason.",)
    elif "\n" in raw:
        notes = ("The resource was broken over lines and was put together again.",)
    if not resource.startswith("arn:") and resource != "*":
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
    said = []
    if not caller:
        said.append(CALLER_UNKNOWN)
    if not action:
        said.append("It does not say which action was refused.")
    if not resource and not needs_no_resource(action):
        said.append("It does not say on which resource.")
    if not claim.kind:
        said.append("The message does not name the kind of policy that refused; an explicit deny is still possible.")
    return tuple(said)


# The AWS console


def _console_message(text: SearchableText, at: int, floor: int) -> DenialSpan | None:
    lowered = text.lowered
    reach = at + 1500
    user = lowered.find("user:", at, reach)
    if user < 0:
        return None
    action_at = lowered.find("action:", user, user + _CALLER_REACH)
    if action_at < 0:
        return None
    service = lowered.find("service:", user, action_at)
    caller_end = service if service >= 0 else action_at
    caller = text.between(text.flat_at(user + 5), text.flat_at(caller_end - 1) + 1).strip().strip(QUOTES + ",;")
    if any(character.isspace() for character in caller):
        caller = caller.split()[0]
    title = lowered.rfind("accessdeniedto", max(floor, at - 160), at)
    at = title if title >= 0 else at
    action, end = _console_action(text, action_at + 7)
    if not action:
        return None
    resource, end, notes = _resource(text, end, at)
    found = console_claim(text, end)
    span = (at, found.end)
    return _message(text, DenialForm.CONSOLE, span, floor, caller, action, resource, found, notes)


def _console_action(text: SearchableText, start: int) -> tuple[str, int]:
    end = text.lowered.find("context:", start, start + _ACTION_REACH)
    packed = text.packed[start:end] if end > start else ""
    return (packed, end) if _ACTION.fullmatch(packed) else _action(text, start)


# Services' own words


def _own_text(
    text: SearchableText,
    at: int,
    floor: int,
    end: int,
    *,
    action: str = "",
    resource: str = "",
    words: str = "",
    service: str = "",
    notes: tuple[str, ...] = (),
) -> DenialSpan:
    found = FoundClaim(Claim("explicit" if words else "", (), words), end)
    span = _message(text, DenialForm.OWN_TEXT, (at, end), floor, "", action, resource, found, notes)
    return replace(span, denial=replace(span.denial, service=span.denial.service or service))


def _kms_text(text: SearchableText, at: int, floor: int) -> DenialSpan:
    end = text.lowered.find("allowedtoaccess", at, at + 300)
    end = end + len("allowedtoaccess") if end >= 0 else at + 39
    note = "KMS says the same of a key that does not exist, that is in another region, and that may not be used."
    return _own_text(text, at, floor, end, action="kms:Decrypt", notes=(note,))


def _queue_text(text: SearchableText, at: int, floor: int) -> DenialSpan | None:
    end = text.lowered.find("isdenied", at, at + 400)
    if end < 0:
        return None
    url = text.packed[at + len("accesstotheresource") : end]
    found = _QUEUE.match(url) or _OLD_QUEUE.match(url)
    resource = f"arn:aws:sqs:{found[1]}:{found[2]}:{found[3]}" if found is not None else ""
    notes = ("SQS names the queue by its URL.",) if resource else (f"The message names the resource as {url[:200]}.",)
    return _own_text(text, at, floor, end + 8, resource=resource, service="SQS", notes=notes)


def _encoded_message(text: SearchableText, at: int, floor: int) -> DenialSpan | None:
    encoded, end = blob_behind(text, at)
    if not encoded:
        return None
    start = at
    for sentence in _IN_FRONT:
        start = start - len(sentence) if text.lowered.endswith(sentence, floor, start) else start
    wrapping = wrapping_before(text.packed, start, floor, end)
    denial = Denial(
        DenialForm.ENCODED,
        _place(text, wrapping.start),
        code=wrapping.code or "UnauthorizedOperation",
        operation=wrapping.operation,
        service=wrapping.service,
        encoded=encoded,
        unknown=("The caller, the request and the reason are only in the encoded message.",),
    )
    return _with_ids(text, denial, wrapping, end)


# Without the request


def _bare(text: SearchableText, at: int, floor: int) -> DenialSpan:
    """An error code or "Access Denied" alone: what the wrapping tells is all there is."""
    wrapping = wrapping_before(text.packed, at, floor, _tail(text, at + 12), at_code=True)
    start = min(wrapping.start, at)
    resource, notes = _url_near(text, start, at)
    s3 = wrapping.service.lower() in ("s3", "amazons3") or bool(resource) or "hostid" in text.lowered[at : at + 400]
    if s3:
        notes = (*notes, "S3 leaves the reason out, mostly when caller and bucket are of different organizations.")
    denial = Denial(
        DenialForm.BARE,
        _place(text, start),
        resource=resource,
        code=wrapping.code or "AccessDenied",
        operation=wrapping.operation,
        service=wrapping.service or ("S3" if s3 else ""),
        unknown=_unknown("", "", resource, Claim()),
        notes=notes,
    )
    return _with_ids(text, denial, replace(wrapping, start=start), max(at + 12, wrapping.end))


def _url_near(text: SearchableText, start: int, at: int) -> tuple[str, tuple[str, ...]]:
    """The object that `aws s3` names on the same line."""
    flat_start = text.flat_at(start)
    line_start = max(text.flat.rfind("\n", 0, flat_start), flat_start - 1500) + 1
    line = text.flat[line_start : text.flat_at(at)]
    found = _S3_URL.search(line)
    if found is None:
        return "", ()
    key = f"/{found[2]}" if found[2] else ""
    return f"arn:aws:s3:::{found[1]}{key}", ("The object is the one named in front of the error.",)


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
    for piece in _pieces(portions):
        if cancelled():
            return
        for denial in _messages(SearchableText(piece.text)):
            offset = piece.start + denial.place.offset
            if piece.first <= offset < piece.last:
                yield replace(denial, place=SourcePlace(piece.line - 1 + denial.place.line, offset))


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a text with its surroundings: messages that start from `first` to before `last` are its own.

    Args:
        start: its place in the whole text, and `line` the line that it starts in.
    """

    text: str
    start: int
    line: int
    first: int
    last: float


def _pieces(portions: Iterable[str]) -> Iterator[_Piece]:
    buffer = ""
    start = first = 0
    line = 1
    for portion in portions:
        buffer += portion
        at = 0
        while first + PIECE + _AFTER_PIECE - start < len(buffer):
            last = first + PIECE
            yield _Piece(buffer[at : last + _AFTER_PIECE - start], start + at, line, first, last)
            inside = last - _BEFORE_PIECE - start
            # No line ends in sight: cut anywhere.
            following = max(buffer.rfind("\n", at, inside) + 1, at)
            following = following if following > at else inside
            line += buffer.count("\n", at, following)
            at, first = following, last
        buffer, start = buffer[at:], start + at
    yield _Piece(buffer, start, line, first, math.inf)


def _messages(text: SearchableText) -> list[Denial]:
    told = list(_spans(text, ANCHORS, []))
    spans = [*told, *_spans(text, BARE_ANCHORS, told)]
    spans.sort(key=lambda span: span.start)
    return [span.denial for span in spans]


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
