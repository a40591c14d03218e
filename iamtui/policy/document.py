"""Policy documents: JSON text to Policy and Statement, canonical rendering, line ranges, errors, faults of form.

Reading is as tolerant as AWS's evaluation (a single value equals a list of one, a single statement needs no
brackets, misplaced elements are kept for findings) and as strict as safety asks: a document whose meaning
cannot be known (not JSON, no Statement, an Effect that is neither Allow nor Deny, a repeated key, an element or
Version that AWS does not have) is an error, never a guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from functools import lru_cache
from typing import Any, Final, NoReturn, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from iamtui.policy.json_text import (
    LONG_ENTRY,
    MOST_PATTERNS,
    ORDINARY,
    PlainDocument,
    PlainStatement,
    WrittenNumber,
    brackets_of,
    json_text,
    kind_name,
    line_deeper_than,
    lines_of,
    percent_decoded,
    plain_document,
    scalar_text,
    texts_of,
)
from iamtui.policy.patterns import Glob, parse_pieces, tokens_of
from iamtui.policy.types import PolicyType
from iamtui.policy.values import parse_operator
from iamtui.problem import Problem
from iamtui.text import safe_text

JsonValue: TypeAlias = Any
"""Result of `load_json`: dict, list, str, int, WrittenNumber, bool or None."""

MAX_CHARACTERS: Final = 1_048_576
"""Longest document read, in characters. AWS's own policies reach 330,000 when printed with indentation."""
_LONGEST_ENCODED: Final = 3 * MAX_CHARACTERS
"""Characters of a percent-encoded document up to which it is decoded: what is longer cannot be read then either."""
_LONGEST_ENTRY: Final = 4_096
"""Longest entry of Action, Resource, Principal and Condition. ARNs have at most 2,048 characters."""
_MOST_BITS: Final = 1 << 21
"""Bits that a pattern may take: its length times the number of its different characters."""
_MOST_ENTRIES: Final = 4_096
"""Most statements, resources and principals of a document. AWS's largest policies of resources have 100 KiB."""
MAX_DEPTH: Final = 64
"""Deepest nesting of brackets read."""


class Fault(Enum):
    """Kind of mistake that makes a document unreadable."""

    SYNTAX = "not JSON that can be read"
    MISSING = "an element is missing"
    VALUE = "an element has a text that it cannot have"
    TYPE = "an element has a JSON type that it cannot have"
    COMBINATION = "two elements exclude each other"
    UNKNOWN = "an element or a version that AWS does not have"


class DocumentError(Problem):
    """A policy document cannot be understood.

    Args:
        message: what is wrong and what was expected.
        path: where inside the JSON, as `$.Statement[0].Effect`.
        line: 1-based line in the text as given, or None when the document did not come as text.
        fault: what kind of mistake it is.
    """

    def __init__(self, message: str, *, path: str = "$", line: int | None = None, fault: Fault = Fault.TYPE) -> None:
        at = path if line is None else f"line {line}" if path == "$" else f"line {line}, {path}"
        super().__init__(f"{message} (at {at}).")
        self.message = message
        self.path = path
        self.line = line
        self.fault = fault

    def copy(self) -> DocumentError:
        """The error without a traceback, whose frames would keep a whole account alive."""
        return DocumentError(self.message, path=self.path, line=self.line, fault=self.fault)


class ConditionLine(Struct, frozen=True):
    """One operator, key and list of values of a Condition block; values as text (true becomes "true")."""

    operator: str
    key: str
    values: tuple[str, ...]


class PrincipalEntry(Struct, frozen=True):
    """One entry of a Principal or NotPrincipal element.

    Args:
        kind: "AWS", "Service", "Federated", "CanonicalUser", another key as written, or "*" for the bare star.
        value: the text.
        bare: whether it stood as a bare string instead of in a map (outside the grammar unless "*").
    """

    kind: str
    value: str
    bare: bool = False


class Statement(Struct, frozen=True):
    """One statement. An element that is absent is None; a present but empty list is ().

    Args:
        index: position in the document, from 0.
        effect: "Allow" or "Deny".
        unknown_elements: element names AWS does not know, kept for findings.
    """

    index: int
    sid: str | None
    effect: str
    principals: tuple[PrincipalEntry, ...] | None = None
    not_principals: tuple[PrincipalEntry, ...] | None = None
    actions: tuple[str, ...] | None = None
    not_actions: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    not_resources: tuple[str, ...] | None = None
    conditions: tuple[ConditionLine, ...] = ()
    unknown_elements: tuple[str, ...] = ()


class Policy(Struct, frozen=True):
    """A parsed policy document. `version` is None when the document has none (2008 behaviour)."""

    version: str | None
    id: str | None
    statements: tuple[Statement, ...]
    unknown_elements: tuple[str, ...] = ()

    @property
    def substitutes_variables(self) -> bool:
        """True if ${...} is a variable in this document (IAM User Guide: Version element)."""
        return self.version == "2012-10-17"


VERSIONS: Final = ("2012-10-17", "2008-10-17")
"""Values of the Version element."""

_STATEMENT_ELEMENTS: Final = frozenset(
    ("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
)


def load_json(text: str, *, max_characters: int = MAX_CHARACTERS) -> JsonValue:
    """Parse untrusted JSON text.

    Raises:
        DocumentError: too long, too deep, not JSON, a repeated key, NaN or Infinity, or a number that is
            too large or too small; with the line where known.
    """
    if len(text) > max_characters:
        raise DocumentError(
            f"The document has {len(text):,} characters, more than the {max_characters:,} that are read",
            fault=Fault.SYNTAX,
        )
    _check_depth(text)
    try:
        return json.loads(
            text, object_pairs_hook=_object_without_repeats, parse_constant=_refuse_constant, parse_float=WrittenNumber
        )
    except json.JSONDecodeError as error:
        if not text.strip():
            raise DocumentError("Empty, and JSON is expected", line=1, fault=Fault.SYNTAX) from None
        # What breaks off is missing behind its last line, not on the empty one that a line end begins.
        line = text.count("\n", 0, min(error.pos, len(text.rstrip()))) + 1
        raise DocumentError(f"Not JSON: {error.msg.removesuffix(' at')}", line=line, fault=Fault.SYNTAX) from None
    except DocumentError:
        raise
    except RecursionError:
        raise DocumentError(f"Nested deeper than {MAX_DEPTH} levels", fault=Fault.SYNTAX) from None
    except ValueError:
        raise DocumentError(
            "A number in the document is too large or too small to be read", fault=Fault.SYNTAX
        ) from None


def _check_depth(text: str) -> None:
    """Refuse deep nesting before the JSON parser recurses into it; brackets inside strings do not count."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    if brackets_of(text).deepest > MAX_DEPTH:
        raise DocumentError(
            f"Nested deeper than {MAX_DEPTH} levels", line=line_deeper_than(text, MAX_DEPTH), fault=Fault.SYNTAX
        )


def _object_without_repeats(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        repeated = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise DocumentError(
            f'The key "{repeated}" appears twice in one object, so the document is ambiguous',
            fault=Fault.SYNTAX,
        )
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise DocumentError(f"{name} is not JSON", fault=Fault.SYNTAX)


def parse_policy(value: JsonValue) -> Policy:
    """Turn a decoded JSON value into a Policy.

    Raises:
        DocumentError: the value is not a policy document; the path says where.
    """
    if not isinstance(value, dict):
        raise DocumentError(f"A policy document is a JSON object, not {kind_name(value)}")
    version = value.get("Version")
    if version is not None and not isinstance(version, str):
        raise DocumentError(f"Version is a text, not {kind_name(version)}", path="$.Version")
    policy_id = value.get("Id")
    if policy_id is not None and not isinstance(policy_id, str):
        raise DocumentError(f"Id is a text, not {kind_name(policy_id)}", path="$.Id")
    if "Statement" not in value:
        raise DocumentError("A policy document needs a Statement element", fault=Fault.MISSING)
    raw = value["Statement"]
    statements: list[Statement] = []
    if isinstance(raw, dict):
        statements.append(_parse_statement(raw, 0, "$.Statement"))
    elif isinstance(raw, list):
        statements.extend(_parse_statement(item, i, f"$.Statement[{i}]") for i, item in enumerate(raw))
    else:
        raise DocumentError(f"Statement is an object or a list of objects, not {kind_name(raw)}", path="$.Statement")
    unknown = tuple(key for key in value if key not in ("Version", "Id", "Statement"))
    return Policy(version, policy_id, tuple(statements), unknown)


def _policy_of(plain: PlainDocument) -> Policy:
    """The policy that `parse_policy` makes of the same document."""
    statements = plain.statement if isinstance(plain.statement, list) else [plain.statement]
    return Policy(plain.version, plain.id, tuple(_statement_of(one, index) for index, one in enumerate(statements)))


def _statement_of(plain: PlainStatement, index: int) -> Statement:
    one, other = plain.principal, plain.not_principal
    return Statement(
        index=index,
        sid=plain.sid,
        effect=plain.effect,
        principals=None if one is None else _parse_principals({"Principal": one}, "Principal", ""),
        not_principals=None if other is None else _parse_principals({"NotPrincipal": other}, "NotPrincipal", ""),
        actions=texts_of(plain.action),
        not_actions=texts_of(plain.not_action),
        resources=texts_of(plain.resource),
        not_resources=texts_of(plain.not_resource),
        conditions=_parse_conditions(plain.condition, "") if plain.condition else (),
    )


def _refused_part(policy: Policy) -> DocumentError | None:
    """Error for a part that AWS refuses in any policy: with a misspelt Condition the document's meaning is unknown."""
    if policy.version is not None and policy.version not in VERSIONS:
        said = f'Version is "2012-10-17" or "2008-10-17", not {json.dumps(policy.version[:64])}'
        return DocumentError(said, path="$.Version", fault=Fault.UNKNOWN)
    for path, names, what in (
        ("$", policy.unknown_elements, "a policy"),
        *((f"$.Statement[{one.index}]", one.unknown_elements, "a statement") for one in policy.statements),
    ):
        for name in names[:1]:
            message = f"{json.dumps(name[:64])} is not an element of {what}, so AWS would refuse the document"
            return DocumentError(message, path=path, fault=Fault.UNKNOWN)
    return None


def _refuse_impossible_sizes(policy: Policy, *, is_large: bool) -> None:
    """Refuse what no policy of AWS can hold, and what comparing its patterns with one another would take hours for."""
    if is_large and (found := len(policy.statements)) > _MOST_ENTRIES:
        said = f"The document has {found:,} statements, more than the {_MOST_ENTRIES:,} that are read"
        raise DocumentError(said, path="$.Statement")
    count = patterns = 0
    for statement in policy.statements:
        for element, entries in _entries_of(statement):
            count += len(entries) if element not in ("Action", "NotAction", "Condition") else 0
            longest = max(map(len, entries))
            patterns += element == "Condition" and sum("?" in entry or "${" in entry for entry in entries)
            if longest <= LONG_ENTRY and count <= _MOST_ENTRIES and patterns <= MOST_PATTERNS:
                continue
            if is_large and count > _MOST_ENTRIES:
                said = f"The document names more than the {_MOST_ENTRIES:,} resources and principals that are read"
            elif patterns > MOST_PATTERNS:
                said = f"{element} has more than {MOST_PATTERNS:,} values with a question mark or a variable"
            elif any(len(entry) > LONG_ENTRY and len(entry) * len(set(entry)) > _MOST_BITS for entry in entries):
                said = f"{element} has an entry of too many different characters to compare"
            elif is_large and longest > _LONGEST_ENTRY:
                said = f"{element} has an entry of {longest:,} characters, more than the {_LONGEST_ENTRY:,} read"
            else:
                continue
            raise DocumentError(said, path=f"$.Statement[{statement.index}].{element}")


def _entries_of(statement: Statement) -> Iterator[tuple[str, Sequence[str]]]:
    """The elements of a statement that have entries, with their texts."""
    found = (
        ("Action", statement.actions),
        ("NotAction", statement.not_actions),
        ("Resource", statement.resources),
        ("NotResource", statement.not_resources),
        ("Principal", [entry.value for entry in statement.principals or ()]),
        ("NotPrincipal", [entry.value for entry in statement.not_principals or ()]),
        ("Condition", [value for line in statement.conditions for value in line.values]),
    )
    return ((element, entries) for element, entries in found if entries)


def _parse_statement(value: JsonValue, index: int, path: str) -> Statement:
    if not isinstance(value, dict):
        raise DocumentError(f"A statement is an object, not {kind_name(value)}", path=path)
    effect = value.get("Effect")
    if effect not in ("Allow", "Deny"):
        found = "it is missing" if "Effect" not in value else f"not {json.dumps(effect)[:80]}"
        fault = Fault.VALUE if isinstance(effect, str) else Fault.TYPE if "Effect" in value else Fault.MISSING
        raise DocumentError(f'Effect is exactly "Allow" or "Deny", {found}', path=f"{path}.Effect", fault=fault)
    sid = value.get("Sid")
    if sid is not None and not isinstance(sid, str):
        raise DocumentError(f"Sid is a text, not {kind_name(sid)}", path=f"{path}.Sid")
    for one, other in (("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource")):
        if one in value and other in value:
            raise DocumentError(f"A statement has {one} or {other}, never both", path=path, fault=Fault.COMBINATION)
    if "Action" not in value and "NotAction" not in value:
        raise DocumentError("A statement needs Action or NotAction", path=path, fault=Fault.MISSING)
    return Statement(
        index=index,
        sid=sid,
        effect=effect,
        principals=_parse_principals(value, "Principal", path),
        not_principals=_parse_principals(value, "NotPrincipal", path),
        actions=_texts(value, "Action", path),
        not_actions=_texts(value, "NotAction", path),
        resources=_texts(value, "Resource", path),
        not_resources=_texts(value, "NotResource", path),
        conditions=_parse_conditions(value.get("Condition", {}), f"{path}.Condition"),
        unknown_elements=tuple(key for key in value if key not in _STATEMENT_ELEMENTS),
    )


def _texts(statement: dict[str, JsonValue], element: str, path: str) -> tuple[str, ...] | None:
    if element not in statement:
        return None
    value = statement[element]
    if not isinstance(value, (str, list)):
        raise DocumentError(f"{element} is a text or a list of texts, not {kind_name(value)}", path=f"{path}.{element}")
    for i, item in enumerate(value if isinstance(value, list) else ()):
        if not isinstance(item, str):
            raise DocumentError(f"{element} takes strings, not {kind_name(item)}", path=f"{path}.{element}[{i}]")
    return texts_of(value)


def _parse_principals(statement: dict[str, JsonValue], element: str, path: str) -> tuple[PrincipalEntry, ...] | None:
    if element not in statement:
        return None
    value = statement[element]
    path = f"{path}.{element}"
    if isinstance(value, str):
        return (PrincipalEntry("*", "*", bare=True),) if value == "*" else (PrincipalEntry("AWS", value, bare=True),)
    if not isinstance(value, dict):
        raise DocumentError(
            f'{element} is "*" or an object such as {{"AWS": "..."}}, not {kind_name(value)}', path=path
        )
    entries: list[PrincipalEntry] = []
    for kind, names in value.items():
        listed = [names] if isinstance(names, str) else names
        if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
            raise DocumentError(f"{element}.{kind} is a text or a list of texts", path=f"{path}.{kind}")
        entries.extend(PrincipalEntry(kind, name) for name in listed)
    return tuple(entries)


def _parse_conditions(value: JsonValue, path: str) -> tuple[ConditionLine, ...]:
    if not isinstance(value, dict):
        raise DocumentError(f"Condition is an object, not {kind_name(value)}", path=path)
    lines: list[ConditionLine] = []
    for operator, block in value.items():
        if not isinstance(block, dict):
            raise DocumentError(
                f"A condition operator holds an object, not {kind_name(block)}", path=f"{path}.{operator}"
            )
        if not block and parse_operator(operator) is None:
            # Without a key no other operator asks for anything, but one that AWS does not have is not met for certain.
            lines.append(ConditionLine(operator, "", ()))
        for key, raw in block.items():
            values = as_list(raw)
            texts = []
            for item in values:
                text = scalar_text(item)
                if text is None:
                    raise DocumentError(
                        f"A condition value is a text, number or boolean, not {kind_name(item)}",
                        path=f"{path}.{operator}.{key}",
                    )
                texts.append(text)
            lines.append(ConditionLine(operator, key, tuple(texts)))
    return tuple(lines)


def as_list(value: Any) -> list[Any]:
    """The entries of an element that may hold one alone, or a list."""
    return value if isinstance(value, list) else [value]


def render(value: JsonValue) -> str:
    """The canonical text of a JSON value: two-space indent, key order kept, non-ASCII kept.

    Line numbers everywhere in iamtui refer to this text.
    """
    return json_text(value, indent=2)


def statement_lines(value: JsonValue) -> tuple[tuple[int, int], ...]:
    """The (first, last) lines, 1-based and inclusive, of each statement in `render(value)`."""
    ranges: list[tuple[int, int]] = []
    line = 2
    for key, item in value.items():
        count = lines_of(item)
        if key == "Statement":
            if isinstance(item, dict):
                ranges.append((line, line + count - 1))
            else:
                start = line + 1
                for statement in item:
                    size = lines_of(statement)
                    ranges.append((start, start + size - 1))
                    start += size
        line += count
    return tuple(ranges)


class PolicyDocument:
    """A policy document as a source delivered it: kept as text, parsed once when first needed.

    Equal texts are equal documents, so a source that pools them (`DocumentPool`) has each parsed and
    compiled once, however many principals carry it.
    """

    __slots__ = ("_compiled", "_error", "_lines", "_part", "_policy", "_raw", "_value")

    def __init__(self, raw: str) -> None:
        """Take JSON text, or JSON text that is percent-encoded (RFC 3986; a plus is a plus)."""
        self._raw = raw
        self._value: JsonValue = None
        self._policy: Policy | None = None
        self._error: DocumentError | None = None
        self._lines: tuple[tuple[int, int], ...] | None = None
        self._compiled: dict[Any, Any] = {}
        self._part: tuple[int, ...] | None = None

    @classmethod
    def of(cls, value: Mapping[str, JsonValue] | str) -> PolicyDocument:
        """Make a document from a decoded JSON object or from text."""
        return cls(value if isinstance(value, str) else json_text(value))

    @property
    def raw(self) -> str:
        """The text as the source gave it."""
        return self._raw

    @property
    def source_text(self) -> str:
        """The text as given, percent-decoded where it was encoded and is not too long."""
        text = self._raw.lstrip("\ufeff \t\r\n")
        return percent_decoded(self._raw) if text[:1] == "%" and len(text) <= _LONGEST_ENCODED else self._raw

    @property
    def value(self) -> JsonValue:
        """The decoded JSON object.

        Raises:
            DocumentError: the document is unreadable, and not only for elements that AWS does not have.
        """
        self._read()
        if self._value is None:
            # Of a plain document it is read when it is first asked for.
            self._value = load_json(self.source_text)
        return self._value

    @property
    def policy(self) -> Policy:
        """The parsed policy.

        Raises:
            DocumentError: the document is unreadable.
        """
        self._read()
        if self._error is not None:
            raise self._error
        assert self._policy is not None
        return self._policy

    @property
    def written(self) -> Policy:
        """The policy as it is written, also with elements or a version that AWS does not have.

        Raises:
            DocumentError: the document is unreadable for another reason.
        """
        self._read()
        assert self._policy is not None
        return self._policy

    @property
    def error(self) -> DocumentError | None:
        """Why the document is unreadable, or None when it can be read."""
        with suppress(DocumentError):
            self._read()
        return self._error

    @property
    def text(self) -> str:
        """The canonical rendering, or the beginning of the text as given when it cannot be read."""
        self.error  # noqa: B018 - reads it
        return self.source_text[:MAX_CHARACTERS] if self._policy is None else render(self.value)

    @property
    def lines(self) -> tuple[tuple[int, int], ...]:
        """The line range of each statement in `text`; empty when unreadable."""
        if self._lines is None:
            self._lines = () if self.error else statement_lines(self.value)
        return self._lines

    @property
    def compiled(self) -> dict[Any, Any]:
        """Where the matcher keeps this document's compiled forms, one for each policy type."""
        return self._compiled

    def part(self, places: Sequence[int]) -> PolicyDocument:
        """The document as if it had only the statements at some places, each with the index it has in the whole."""
        statements = self.policy.statements
        if len(places) == len(statements):
            return self
        found = PolicyDocument(self._raw)
        found._value = self._value
        found._lines = self._lines
        found._policy = replace(self.policy, statements=tuple(statements[place] for place in places))
        found._part = tuple(places)
        return found

    def _read(self) -> None:
        if self._policy is not None:
            return
        # What AWS would refuse is noted before the policy is there, for threads that read at the same time.
        if self._error is not None and self._error.fault is not Fault.UNKNOWN:
            raise self._error.copy()
        try:
            text = self.source_text
            plain = plain_document(text)
            if plain is not None:
                self._policy = _policy_of(plain)
                return
            value = load_json(text)
            policy = parse_policy(value)
            if len(text) > LONG_ENTRY:
                _refuse_impossible_sizes(policy, is_large=len(text) > ORDINARY)
            self._value = value
            self._error = _refused_part(policy)
            self._policy = policy
        except DocumentError as error:
            self._error = error.copy()
            raise

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PolicyDocument) and self._raw == other._raw and self._part == other._part

    def __hash__(self) -> int:
        return hash(self._raw)


class DocumentPool:
    """Gives one PolicyDocument for each distinct text."""

    def __init__(self) -> None:
        self._documents: dict[str, PolicyDocument] = {}

    def document(self, raw: Mapping[str, JsonValue] | str) -> PolicyDocument:
        """Return the shared document for JSON text, percent-encoded text or a decoded object."""
        text = raw if isinstance(raw, str) else json_text(raw)
        found = self._documents.get(text)
        if found is None:
            found = self._documents[text] = PolicyDocument(text)
        return found

    def __iter__(self) -> Iterator[PolicyDocument]:
        return iter(self._documents.values())

    def __len__(self) -> int:
        return len(self._documents)


# Actions, resources and condition keys of a form that AWS refuses, which can never match as they are written.


_SEPARATORS: Final = re.compile(r"[\s,]+")
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}?")
_SOUND_ACTION: Final = re.compile(r"(?:\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)\Z")
_SOUND_RESOURCE: Final = re.compile(r"\*\Z|arn:")
_SOUND_KEY: Final = re.compile(r"[A-Za-z0-9-]+:.", re.DOTALL)
"""Nearly all actions, resources and condition keys: a form that is seen at once to be one that AWS takes."""


@lru_cache(maxsize=8192)
def action_fault(entry: str) -> tuple[str, str]:
    """Fault in the form of an action, and Access Analyzer's issue code of that; or empty."""
    if entry in ("*", "*:*"):
        return "", ""
    service, colon, name = entry.partition(":")
    if "${" in entry:
        return "contains a policy variable, which is not supported in actions", "VARIABLE_UNSUPPORTED_IN_ELEMENT"
    if entry.split() != [entry]:
        return "contains a space, which AWS does not trim", "INVALID_ACTION"
    if "," in entry:
        return "contains a comma, which does not separate actions", "INVALID_ACTION"
    if not colon or not service:
        return "has no service in front", "INVALID_ACTION"
    if "*" in service or "?" in service:
        return "has a wildcard in the service", "WILDCARD_IN_SERVICE_NAME"
    return "" if name else "has no operation behind the colon", "INVALID_ACTION"


def resource_fault(entry: str) -> str:
    """Fault in the beginning of a resource, or ""."""
    return "" if entry == "*" or entry.startswith("arn:") else 'is neither "*" nor an ARN'


def key_fault(key: str) -> str:
    """Fault in the form of a condition key, or ""."""
    prefix, _, name = key.partition(":")
    return "" if prefix and name and not any(map(str.isspace, prefix)) else "is not written prefix:name"


def misplaced_principal(statement: Statement) -> str:
    """The Principal element of a statement in a policy that can have none, with its article, or ""."""
    if statement.principals is not None:
        return "a Principal"
    return "" if statement.not_principals is None else "a NotPrincipal"


def may_mean(entry: str, service: str, name: str) -> bool:
    """True if a malformed action may have been meant as the one given in lower case."""
    texts = (f"{service}:{name}", name, service)
    for part in _SEPARATORS.split(_VARIABLE.sub("*", entry.lower())):
        glob = Glob(tokens_of(parse_pieces(part.rstrip(":"), variables=False)))
        if any(map(glob.matches, texts)):
            return True
    return False


def is_malformed(statement: Statement, *, needs_resource: bool) -> bool:
    """True if an element of a statement is missing, empty or has an entry of a form that AWS refuses.

    Args:
        needs_resource: whether a statement without Resource and NotResource is about nothing.
    """
    return (
        _is_incomplete(statement, needs_resource=needs_resource)
        or any(action_fault(entry)[0] for entry in statement.not_actions or statement.actions or ())
        or any(map(resource_fault, statement.not_resources or statement.resources or ()))
        or any(key_fault(line.key) for line in statement.conditions)
    )


def _is_incomplete(statement: Statement, *, needs_resource: bool) -> bool:
    actions = statement.actions if statement.not_actions is None else statement.not_actions
    resources = statement.resources if statement.not_resources is None else statement.not_resources
    return not actions or (not resources and (needs_resource or resources is not None))


def fault_of(statement: Statement, policy_type: PolicyType) -> str:
    """First fault of a statement that AWS would refuse, in words, or ""; its effect on a request is unknown."""
    element = misplaced_principal(statement)
    if element and not policy_type.has_principals:
        return f"has {element}, which such a policy cannot have"
    found = _fault_of_conditions(statement) or _fault_of_entries(statement)
    if not found and _is_incomplete(statement, needs_resource=not policy_type.implies_resource):
        return "lacks actions or resources"
    return found


def _fault_of_conditions(statement: Statement) -> str:
    for line in statement.conditions:
        operator = parse_operator(line.operator)
        if operator is None:
            return f"has the condition operator {safe_text(line.operator, limit=128)}, which AWS does not have"
        for value in line.values if operator.base in ("null", "bool") else ():
            if value.lower() not in ("true", "false") and "${" not in value:
                said = f'"{safe_text(value, limit=128)}", which {safe_text(line.operator, limit=128)} cannot compare'
                return f"has for {safe_text(line.key, limit=256)} the value {said}"
        if not _SOUND_KEY.match(line.key) and key_fault(line.key):
            return f'has the condition key "{safe_text(line.key, limit=128)}", which {key_fault(line.key)}'
    return ""


def _fault_of_entries(statement: Statement) -> str:
    for entries in (statement.actions or (), statement.not_actions or ()):
        for entry in () if all(map(_SOUND_ACTION.match, entries)) else entries:
            if action_fault(entry)[0]:
                return f'has the action "{safe_text(entry, limit=128)}", which {action_fault(entry)[0]}'
    for entries in (statement.resources or (), statement.not_resources or ()):
        for entry in () if all(map(_SOUND_RESOURCE.match, entries)) else entries:
            if resource_fault(entry):
                return f'has the resource "{safe_text(entry, limit=128)}", which {resource_fault(entry)}'
    return ""
