"""Snapshot reader: JSON bytes to the shapes of the snapshot format, in every dialect.

Read are: one object; a list of pages; several objects after one another; UTF-8 or UTF-16 with a byte order
mark (PowerShell's `>` writes the latter). The usual file goes through msgspec, which leaves policy documents
undecoded and ends at the first entry that is none; what msgspec does not take (lone surrogates, NaN inside a
document) goes through the standard library, which holds all that it has read: only in files that are not large.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections import Counter
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Raw

from iamtui.account.snapshot_format import EXPECTED, FORMAT_VERSION, HeaderShape, SnapshotShape
from iamtui.input_files import PORTION, size_words
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
_WHITE: Final = re.compile(r"[ \t\r\n\ufeff]*")
_WHITE_BYTES: Final = re.compile(rb"(?:[ \t\r\n]|\xef\xbb\xbf)*+")
_TRAILING: Final = re.compile(r"trailing characters \(byte (?P<byte>[0-9]+)\)")  # the first byte is 1
_TEXT: Final = rb'"(?:[^"\\]++|\\.)*+"'
_BLANK: Final = rb"[ \t\r\n]*+"
_KEY_OR_TEXTS: Final = re.compile(
    rb"(%(text)s%(blank)s:)|(?:%(text)s%(blank)s,%(blank)s(?=%(text)s%(blank)s[],]))*+%(text)s"
    % {b"text": _TEXT, b"blank": _BLANK},
    re.DOTALL,
)
_SOME_TEXTS: Final = re.compile(rb'(?:[^"]*+%s){1,20000}+[^"]*+' % _TEXT, re.DOTALL)
_ACCOUNT_ID: Final = re.compile(r"[0-9]{12}")
_QUOTE: Final = re.compile(rb'(?<!\\)"')

_MOST_PARTS: Final = 5_000_000
"""Lists, objects and the commas in them: twice what an account at AWS's highest quotas prints in its 140 MB."""

MOST_ENTITIES: Final = 100_000
"""Entries of the lists of one name, of all pages and accounts: AWS's highest quota is 10,000 for an account."""

_MOST_ITEMS: Final = 300_000
"""Configuration items of AWS Config: those of other resources are passed over."""

_MOST_MEMBERSHIPS: Final = 10 * MOST_ENTITIES
"""A user is in ten groups at the most."""

_LONGEST_TEXT: Final = 512 * 1024
"""Bytes in a row without an end of a text: the longest of AWS's, a policy of an organization, has 10 kB. Each copy that
is made of a text counts, and one could be the whole file."""


class _UserOutline(msgspec.Struct):
    GroupList: Raw = Raw(b"")


class _Outline(msgspec.Struct):
    """How long the lists of a page are, found without making anything of their entries."""

    UserDetailList: list[_UserOutline] | None = None
    GroupDetailList: list[Raw] | None = None
    RoleDetailList: list[Raw] | None = None
    Policies: list[Raw] | None = None
    items: list[Raw] | None = msgspec.field(default=None, name="configurationItems")
    base_items: list[Raw] | None = msgspec.field(default=None, name="baseConfigurationItems")
    Results: list[Raw] | None = None


_ONE_OUTLINE: Final = msgspec.json.Decoder(prepared(_Outline))
_OUTLINED: Final = dict(zip(_Outline.__struct_fields__, _Outline.__struct_encode_fields__, strict=True))
_MANY_OUTLINES: Final = msgspec.json.Decoder(prepared(list[_Outline]))

_MOST_PAGES: Final = 10_000

_LARGEST_SLOW: Final = 32 * 1024 * 1024
_MOST_SLOW: Final = 500_000
"""Bytes and commas of a file that the standard library is given: it needs about a hundred bytes for each value."""
_AWS_LISTS: Final = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
AWS_DOCUMENTS: Final = frozenset(("PolicyDocument", "AssumeRolePolicyDocument", "Document"))
_OUR_DOCUMENTS: Final = {
    "organization": frozenset(("document",)),
    "resource_policies": frozenset(("document",)),
    "configurationItems": frozenset(("configuration",)),
    "baseConfigurationItems": frozenset(("configuration",)),
}
_DOCUMENT_KEYS: Final = AWS_DOCUMENTS | frozenset(("document",))


def decode_pages(
    data: bytes, *, origin: str = "The snapshot", counted: PortionCheck | None = None
) -> list[SnapshotShape]:
    """Decode a snapshot, or pages of it.

    Args:
        data: the bytes of the file.
        origin: what it is called in an error ("The snapshot account.json").
        counted: what has been given all of these bytes, so that they need not be counted again.

    Raises:
        Problem: not text, not JSON, JSON of another shape (with the path), or a newer format.
    """
    data = _utf8(data, origin)
    objects, parts = counted.found if counted is not None and counted.is_utf8 else _counted_in(data)
    if parts > _MOST_PARTS:
        raise _many_values(origin)
    _refuse_long_text(data, origin)
    pages: list[SnapshotShape] = []
    lengths: Counter[str] = Counter()
    position = _past_white(data, 0)
    if position == len(data):
        raise SnapshotProblem(f"{origin} is empty.")
    while position < len(data):
        crowded = parts > _MOST_PARTS // 2
        if objects > MOST_ENTITIES or crowded:
            _refuse_long_lists(data, position, origin, lengths)
        found, position = _decode_next(data, position, origin, crowded=crowded)
        pages += found
        if len(pages) > _MOST_PAGES:
            raise SnapshotProblem(f"{origin} has more than the {_MOST_PAGES:,} pages that are read.")
    _check(pages, data, origin)
    return pages


def _decode_next(data: bytes, position: int, origin: str, *, crowded: bool = False) -> tuple[list[SnapshotShape], int]:
    """The pages of the JSON value at a position, and the position of the next value.

    Args:
        crowded: whether there are more values in the file than in a real account.
    """
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
        _refuse_repeats(value, _without_texts(value) if crowded else value, origin)
    except msgspec.ValidationError as error:
        raise wrong_shape(str(error), origin) from None
    except RecursionError:
        raise _too_deep(origin) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _decode_slowly(data, position, str(error), origin), len(data)
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


class _Counts(NamedTuple):
    """How many objects, and objects, lists and commas, there are in JSON text; those inside texts count, too."""

    objects: int
    parts: int


def _counted_in(data: bytes) -> _Counts:
    objects = data.count(b"{")
    return _Counts(objects, objects + data.count(b"[") + data.count(b","))


class PortionCheck:
    """Refuses what is no snapshot while it still comes: a text that does not end, or too many values."""

    def __init__(self, origin: str, beginning: bytes) -> None:
        self._origin = origin
        self._run = self._line = 0
        self.found = _Counts(0, 0)
        # In UTF-16 the bytes of brackets and commas are parts of other characters too.
        self.is_utf8 = not beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        self.add(beginning)

    def add(self, portion: bytes) -> None:
        """Take the next portion.

        Raises:
            Problem: it is refused.
        """
        first = portion.find(b'"')
        # Twice as much always holds what `_refuse_long_text` refuses.
        if self._run + (len(portion) if first < 0 else first) > 2 * _LONGEST_TEXT:
            raise _long_text(self._origin, self._line + 1)
        self._run = self._run + len(portion) if first < 0 else len(portion) - portion.rfind(b'"') - 1
        self._line += portion.count(b"\n")
        if self.is_utf8:
            objects, parts = _counted_in(portion)
            self.found = _Counts(self.found.objects + objects, self.found.parts + parts)
            if self.found.parts > _MOST_PARTS:
                raise _many_values(self._origin)


def _long_text(origin: str, line: int) -> Problem:
    return SnapshotProblem(
        f"{origin} has a text, or a gap between texts, of more than {size_words(_LONGEST_TEXT)} in line {line:,}."
    )


def _many_values(origin: str) -> Problem:
    return SnapshotProblem(f"{origin} has more than the {_MOST_PARTS:,} values that are read.")


def _refuse_long_text(data: bytes, origin: str) -> None:
    for start in range(0, len(data) - _LONGEST_TEXT, _LONGEST_TEXT):
        if not _QUOTE.search(data, start, start + _LONGEST_TEXT):
            raise _long_text(origin, data.count(b"\n", 0, start) + 1)


def _refuse_long_lists(data: bytes, position: int, origin: str, lengths: Counter[str]) -> None:
    """Refuse the JSON value at a position where its lists and those before it have too many entries together.

    Args:
        lengths: how long the lists before it are, by their names; this adds its own.
    """
    rest = memoryview(data)[position:]
    try:
        try:
            outlines = _outlines(rest)
        except msgspec.DecodeError as error:
            more = _TRAILING.search(str(error))
            outlines = _outlines(rest[: int(more["byte"]) - 1]) if more else []
    except (msgspec.DecodeError, RecursionError):
        # What is wrong is said by those who make something of it.
        return
    for outline in outlines:
        for name, key in _OUTLINED.items():
            lengths[key] += len(getattr(outline, name) or ())
            most = MOST_ENTITIES if key in _AWS_LISTS else _MOST_ITEMS
            if lengths[key] > most:
                raise SnapshotProblem(f"{origin} has more than {most:,} entries in its {key}.")
        memberships = sum(bytes(user.GroupList).count(b",") for user in outline.UserDetailList or ())
        lengths["GroupList"] += memberships
        if lengths["GroupList"] > _MOST_MEMBERSHIPS:
            raise SnapshotProblem(f"{origin} has more than {_MOST_MEMBERSHIPS:,} memberships of users.")


def _outlines(value: memoryview) -> list[_Outline]:
    """The outlines of the pages in a JSON value, of those of each account where it has several."""
    outlines = _outlines_of_pages(value)
    if any(getattr(outline, name) is not None for outline in outlines for name in _OUTLINED) or value[0] == ord("["):
        return outlines
    accounts = msgspec.json.decode(value, type=dict[str, Raw])
    if not all(_ACCOUNT_ID.fullmatch(key) for key in accounts):
        return outlines
    return [outline for pages in accounts.values() for outline in _outlines_of_pages(memoryview(pages))]


def _outlines_of_pages(value: memoryview) -> list[_Outline]:
    return _MANY_OUTLINES.decode(value) if value[0] == ord("[") else [_ONE_OUTLINE.decode(value)]


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


def _decode_slowly(data: bytes, start: int, reason: str, origin: str) -> list[SnapshotShape]:
    """The pages of all values from a position on, or the Problem of the first that is none.

    Args:
        reason: why msgspec did not take the first of them.
    """
    if len(data) - start > _LARGEST_SLOW or data.count(b",", start) > _MOST_SLOW:
        what, _, place = reason.removeprefix("JSON is malformed: ").partition(" (byte ")
        at = data.count(b"\n", 0, start + int(place[:-1])) if place else data.count(b"\n")
        raise SnapshotProblem(f"{origin} is not JSON, or breaks off: {what} in line {at + 1:,}.")
    text = data[start:].decode("utf-8")
    decoder = json.JSONDecoder(object_pairs_hook=_object)
    values: list[Any] = []
    position = _skip_white(text, 0)
    while position < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            # Lines and columns count from the start of the file.
            before = data[:start].decode("utf-8")
            error = json.JSONDecodeError(error.msg, before + text, len(before) + error.pos)
            raise not_json(error, origin) from None
        except RecursionError:
            raise _too_deep(origin) from None
        except ValueError:
            raise SnapshotProblem(f"{origin} holds a number that is too large to be read.") from None
        values.extend(value if isinstance(value, list) else [value])
        position = _skip_white(text, position)
    try:
        for value in values:
            _refuse_repeat_in(value, origin)
        return [msgspec.convert(_keep_documents(value), prepared(SnapshotShape)) for value in values]
    except msgspec.ValidationError as error:
        raise wrong_shape(str(error), origin) from None
    except UnicodeEncodeError:
        # Lone surrogates are kept in texts, but msgspec can neither compare them with keys nor read them as numbers.
        raise SnapshotProblem(f"{origin} has a broken character in a key, or where no text belongs.") from None
    except RecursionError:
        raise _too_deep(origin) from None


def _skip_white(text: str, position: int) -> int:
    found = _WHITE.match(text, position)
    return found.end() if found else position


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


def _without_texts(data: bytes) -> bytes:
    """The same JSON with an empty text in place of each row of texts that are not keys, made a portion at a time."""
    found = io.BytesIO()
    start = 0
    while some := _SOME_TEXTS.match(data, start):
        found.write(_KEY_OR_TEXTS.sub(lambda match: match[1] or b'""', some.group()))
        start = some.end()
    found.write(data[start:])
    return found.getvalue()


def _refuse_repeats(data: bytes, keys: bytes, origin: str) -> None:
    """Refuse a repeated key in one object: msgspec takes the last and would lose a list without a word.

    Args:
        keys: the same JSON, in which other texts than keys may be empty where all of them would fill the memory.
    """
    try:
        # As UTF-8 it could be a text of four times the size: what is found is looked at again.
        json.loads(keys.decode("latin-1"), object_pairs_hook=_counted, parse_int=bool, parse_float=bool)
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


def _keep_documents(page: Any) -> Any:
    """Put the policy documents of a decoded page back into text, which is what the shapes hold."""
    if not isinstance(page, dict):
        return page
    kept = dict(page)
    for key in _AWS_LISTS:
        if key in kept:
            kept[key] = with_raw(kept[key], AWS_DOCUMENTS)
    for key, names in _OUR_DOCUMENTS.items():
        if key in kept:
            kept[key] = with_raw(kept[key], names)
    return kept


def with_raw(value: Any, names: frozenset[str]) -> Any:
    """The value with the fields of these names as JSON text."""
    if isinstance(value, list):
        return [with_raw(item, names) for item in value]
    if isinstance(value, dict):
        return {
            key: Raw(_text_of(item).encode("ascii")) if key in names else with_raw(item, names)
            for key, item in value.items()
        }
    return value


def _text_of(value: Any) -> str:
    """The JSON text of a value, with repeated keys as they stood: a document that has them must stay an error."""
    if isinstance(value, _Repeated):
        return "{" + ", ".join(f"{json.dumps(key)}: {_text_of(item)}" for key, item in value.pairs) + "}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_text_of(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_text_of(item) for item in value) + "]"
    return json.dumps(value)


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


def not_json(error: json.JSONDecodeError, origin: str) -> Problem:
    """The Problem for text that is not JSON, with the place."""
    what = error.msg.removesuffix(" at")
    return SnapshotProblem(f"{origin} is not JSON: {what} at line {error.lineno}, column {error.colno}.")


def _too_deep(origin: str) -> Problem:
    return SnapshotProblem(f"{origin} is nested too deeply to be an account.")
