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
    SourcePlace,
    claim_at,
    needs_no_resource,
)
from iamtui.denials.text import QUOTES, SearchableText, blob_behind, hits, request_ids, wrapping_before
from iamtui.policy.patterns import parse_arn

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
    spaced = any(character.isspace() for character in resource)
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
