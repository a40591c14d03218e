"""Snapshot reader: JSON bytes to the shapes of the snapshot format, in every dialect.

Read are: one object; a list of pages; several objects after one another; UTF-8 or UTF-16 with a byte order
mark (PowerShell's `>` writes the latter). msgspec leaves policy documents undecoded, and ends at the first entry that
is none.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections import Counter
from typing import Any, Final

import msgspec
from msgspec import Raw

from iamtui.account.snapshot_format import EXPECTED, FORMAT_VERSION, HeaderShape, SnapshotShape
from iamtui.input_files import PORTION
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.typed_json import prepared

HOW_TO_MAKE_ONE: Final = (
    "Make one with: aws iam get-account-authorization-details > account.json (it prints all pages as one object)."
)


class SnapshotProblem(Problem):
    """A fault of a file of an account; the next step is how to make one."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, HOW_TO_MAKE_ONE)


_ONE: Final = msgspec.json.Decoder(prepared(SnapshotShape))
_MANY: Final = msgspec.json.Decoder(prepared(list[SnapshotShape]))
_ERROR_PATH: Final = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?", re.DOTALL)
_WHITE_BYTES: Final = re.compile(rb"(?:[ \t\r\n]|\xef\xbb\xbf)*+")
_TRAILING: Final = re.compile(r"trailing characters \(byte (?P<byte>[0-9]+)\)")  # the first byte is 1
_PLACE: Final = re.compile(r" \(byte ([0-9]+)\)$")
_ACCOUNT_ID: Final = re.compile(r"[0-9]{12}")

_MOST_PARTS: Final = 5_000_000
"""Lists, objects and the commas in them: twice what an account at AWS's highest quotas prints in its 140 MB."""

MOST_ENTITIES: Final = 100_000
"""Entries of the lists of one name, of all pages and accounts: AWS's highest quota is 10,000 for an account."""

_MOST_PAGES: Final = 10_000

_LISTS: Final = {
    "users": "UserDetailList",
    "groups": "GroupDetailList",
    "roles": "RoleDetailList",
    "policies": "Policies",
}
AWS_DOCUMENTS: Final = frozenset(("PolicyDocument", "AssumeRolePolicyDocument", "Document"))
_DOCUMENT_KEYS: Final = AWS_DOCUMENTS | frozenset(("document",))


def decode_pages(data: bytes, *, origin: str = "The snapshot") -> list[SnapshotShape]:
    """Decode a snapshot, or pages of it.

    Args:
        data: the bytes of the file.
        origin: what it is called in an error ("The snapshot account.json").

    Raises:
        Problem: not text, not JSON, JSON of another shape (with the path), or a newer format.
    """
    data = _utf8(data, origin)
    if sum(map(data.count, (b"{", b"[", b","))) > _MOST_PARTS:
        raise SnapshotProblem(f"{origin} has more than the {_MOST_PARTS:,} values that are read.")
    position = _past_white(data, 0)
    if position == len(data):
        raise SnapshotProblem(f"{origin} is empty.")
    if data[position : position + 1] not in (b"{", b"["):
        start = data[position : position + 80].decode("utf-8", "replace")[:20]
        raise SnapshotProblem(f"{origin} is not JSON: it starts with {start!r}.")
    pages: list[SnapshotShape] = []
    lengths: Counter[str] = Counter()
    while position < len(data):
        found, position = _decode_next(data, position, origin)
        pages += found
        if len(pages) > _MOST_PAGES:
            raise SnapshotProblem(f"{origin} has more than the {_MOST_PAGES:,} pages that are read.")
        for name, key in _LISTS.items():
            lengths[key] += sum(len(getattr(page, name) or ()) for page in found)
            if lengths[key] > MOST_ENTITIES:
                raise SnapshotProblem(f"{origin} has more than {MOST_ENTITIES:,} entries in its {key}.")
    _check(pages, data, origin)
    return pages


def _decode_next(data: bytes, position: int, origin: str) -> tuple[list[SnapshotShape], int]:
    """The pages of the JSON value at a position, and the position of the next value."""
    rest = memoryview(data)[position:] if position else data
    try:
        try:
            pages, end = _decode(rest), len(data)
        except msgspec.DecodeError as error:
            more = _TRAILING.search(str(error))
            if more is None:
                raise
            end = position + int(more["byte"]) - 1
            pages = _decode(memoryview(data)[position:end])
        value = data[position:end]
        if len(pages) == 1 and not pages[0].says_anything:
            pages = _by_account(value, origin) or pages
        _refuse_repeats(value, origin)
    except msgspec.ValidationError as error:
        raise wrong_shape(str(error), origin) from None
    except RecursionError:
        raise _too_deep(origin) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        what = str(error).removeprefix("JSON is malformed: ")
        place = _PLACE.search(what)
        at = position + int(place[1]) if place else len(data)
        line, column = data.count(b"\n", 0, at) + 1, at - data.rfind(b"\n", 0, at)
        what = what[: place.start()] if place else what[:1].lower() + what[1:]
        raise SnapshotProblem(
            f"{origin} is not JSON, or breaks off: {what} at line {line:,}, column {column:,}."
        ) from None
    return pages, end


def _decode(data: bytes | memoryview) -> list[SnapshotShape]:
    return _MANY.decode(data) if data[:1] == b"[" else [_ONE.decode(data)]


def _by_account(data: bytes, origin: str) -> list[SnapshotShape]:
    """The pages of an object that has an account, or pages of one, for each account id; none of any other object."""
    accounts = msgspec.json.decode(data, type=dict[str, Raw])
    if not all(_ACCOUNT_ID.fullmatch(key) for key in accounts):
        return []
    found: list[SnapshotShape] = []
    for account_id, value in accounts.items():
        try:
            pages = _decode(bytes(value))
        except msgspec.ValidationError as error:
            raise wrong_shape(str(error), origin, f"$.{account_id}") from None
        for page in pages:
            page.iamtui = page.iamtui or HeaderShape(account_id=account_id)
        found += pages
    return found


def _past_white(data: bytes, position: int) -> int:
    found = _WHITE_BYTES.match(data, position)
    return found.end() if found else position


def _utf8(data: bytes, origin: str) -> bytes:
    """The bytes as UTF-8 without a byte order mark."""
    encoding = "utf-8"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif data.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    elif data.isascii():
        return data
    # As one text it could have four times the size.
    decoder = codecs.getincrementaldecoder(encoding)()
    found = io.BytesIO()
    for start in range(0, len(data), PORTION):
        end = start + PORTION
        try:
            text = decoder.decode(data[start:end], final=end >= len(data))
        except UnicodeDecodeError as error:
            before = start - len(error.object) + len(data[start:end])
            raise SnapshotProblem(
                f"{origin} is not text: byte {before + error.start + 1:,} is not valid {encoding.upper()}."
            ) from None
        if encoding != "utf-8":
            found.write(text.encode("utf-8", "surrogatepass"))
    return data if encoding == "utf-8" else found.getvalue()


class _Repeated(dict[str, Any]):
    """An object with a repeated key; its real content is in `pairs`."""

    pairs: list[tuple[str, Any]]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeated = _Repeated(found)
    repeated.pairs = pairs
    return repeated


class _RepeatFound(Exception):
    """An object has a key twice; where, is to be found out."""


def _counted(pairs: list[tuple[str, Any]]) -> None:
    """Keep nothing of an object but that it is sound, so that looking through a large file costs little."""
    if len(dict(pairs)) != len(pairs):
        raise _RepeatFound


def _refuse_repeats(data: bytes, origin: str) -> None:
    """Refuse a repeated key in one object: msgspec takes the last and would lose a list without a word."""
    try:
        # As UTF-8 it could be a text of four times the size: what is found is looked at again.
        json.loads(data.decode("latin-1"), object_pairs_hook=_counted, parse_int=bool, parse_float=bool)
    except _RepeatFound:
        _refuse_repeat_in(json.loads(data, object_pairs_hook=_object, parse_int=str), origin)
    except RecursionError:
        # Only a policy document can be so deep, and there it is refused by itself.
        return


def _refuse_repeat_in(value: Any, origin: str, path: str = "$") -> None:
    """Refuse it outside policy documents, which say themselves that they have no single meaning."""
    if isinstance(value, _Repeated):
        seen: set[str] = set()
        key = next(key for key, _ in value.pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Problem(
            f"{origin} has the key {safe_text(key, limit=100)} twice at {safe_text(path, limit=200)}, "
            "so it is not clear which value is meant.",
            "Pages may follow one another as whole objects; within one object each key appears once.",
        )
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in _DOCUMENT_KEYS:
                _refuse_repeat_in(item, origin, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_repeat_in(item, origin, f"{path}[{index}]")


def with_raw(value: Any, names: frozenset[str]) -> Any:
    """The value with the fields of these names as JSON text."""
    if isinstance(value, list):
        return [with_raw(item, names) for item in value]
    if isinstance(value, dict):
        return {
            key: Raw(json.dumps(item).encode("ascii")) if key in names else with_raw(item, names)
            for key, item in value.items()
        }
    return value


def _check(pages: list[SnapshotShape], data: bytes, origin: str) -> None:
    for page in pages:
        if page.iamtui is not None and page.iamtui.version > FORMAT_VERSION:
            raise Problem(
                f"{origin} has format version {page.iamtui.version}, and this iamtui reads up to {FORMAT_VERSION}.",
                "Open it with a newer iamtui.",
            )
    if not any(page.says_anything for page in pages):
        raise SnapshotProblem(
            f"{origin} is JSON, but not an account: expected UserDetailList, GroupDetailList, RoleDetailList "
            f"or Policies, found {_keys(data)}."
        )


def _keys(data: bytes) -> str:
    """The first keys of the JSON, for an error."""
    try:
        keys = list(msgspec.json.decode(data, type=dict[str, Raw]))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "none of them"
    if not keys:
        return "an empty object"
    listed = ", ".join(keys[:5]) + (", ..." if len(keys) > 5 else "")
    return listed if len(listed) <= 200 else listed[:199] + "…"


_LENGTH: Final = re.compile(r"str of length <= (\d+)")
_RANGE: Final = re.compile(r"int (?:<=|>=) -?9{18}")


def wrong_shape(message: str, origin: str, within: str = "$") -> Problem:
    """The Problem for JSON that is not what it should be, with its place.

    Args:
        within: the path of the value that the message is about.
    """
    found = _ERROR_PATH.fullmatch(message)
    what = (found.group("what") if found else message).replace("`", "")
    for pattern, words in EXPECTED.items():
        what = what.replace(f"str matching regex {pattern!r}", words)
    what = _LENGTH.sub(r"a text of at most \1 characters", what)
    what = _RANGE.sub("a number of at most 18 digits", what)
    path = within + ((found.group("path") if found else None) or "$")[1:]
    return SnapshotProblem(f"{origin} is JSON, but not an account at {path}: {what[:1].lower()}{what[1:]}.")


def _too_deep(origin: str) -> Problem:
    return SnapshotProblem(f"{origin} is nested too deeply to be an account.")
