"""CheckedDocument: the document under examination, with its findings."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

from iamtui.policy.document import ConditionLine, JsonValue, Policy, PolicyDocument, Statement
from iamtui.policy.json_text import Lines, positions
from iamtui.policy.patterns import (
    Glob,
    Token,
    arn_tokens,
    parse_pieces,
    request_tokens,
    tokens_of,
    with_variables_as_stars,
)
from iamtui.policy.types import PolicyType
from iamtui.policy.values import parse_operator
from iamtui.text import first_of_texts

_IN_STATEMENT: Final = re.compile(r"\$\.Statement(?:\[(\d+)\])?(?=\.|$)")


class Level(StrEnum):
    """How bad a finding is.

    ERROR: AWS would refuse the document, or the statement cannot work. WARNING: it works, perhaps not as
    meant. SUGGESTION: it could be better.
    """

    ERROR = "error"
    WARNING = "warning"
    SUGGESTION = "suggestion"

    @property
    def rank(self) -> int:
        return list(Level).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about a document.

    Args:
        code: a stable short name ("unknown-action").
        path: where in the document (`$.Statement[0].Action[1]`).
        lines: lines in the canonical rendering (`PolicyDocument.text`), or None where unknown.
        source_line: first line in the text as given, or None where unknown.
        aws_code: the issue code of the same check in IAM Access Analyzer ("INVALID_ACTION"), or None where it has none.
        count: how many entries of the document it is about; `path` is the first of them.
    """

    level: Level
    code: str
    message: str
    path: str
    statement: int | None = None
    lines: Lines | None = None
    source_line: int | None = None
    aws_code: str | None = None
    count: int = 1


@dataclass(slots=True)
class CheckedDocument:
    """A readable document of one type, and what has been found in it.

    Args:
        document: the document; its `written` policy can be read.
        account: the account it belongs to, 12 digits, or None when not known.
    """

    document: PolicyDocument
    kind: PolicyType
    account: str | None = None
    findings: list[Finding] = field(default_factory=list)
    _seen: dict[tuple[str, str, int | None], int] = field(default_factory=dict)
    _hints: int = 20
    _searches: int = 500
    _places: tuple[dict[str, Lines], dict[str, Lines]] | None = None

    @property
    def policy(self) -> Policy:
        return self.document.written

    def raw(self, statement: Statement) -> dict[str, JsonValue]:
        listed = self.document.value["Statement"]
        value: dict[str, JsonValue] = listed if isinstance(listed, dict) else listed[statement.index]
        return value

    def at(self, statement: Statement, element: str = "", entry: int | None = None) -> Place:
        """A statement, one of its elements, or one entry of a list."""
        return Place(self, self._path(statement, element, entry))

    def place(self, path: str) -> Place:
        return Place(self, path)

    def _path(self, statement: Statement, element: str = "", entry: int | None = None) -> str:
        listed = self.document.value["Statement"]
        path = "$.Statement" if isinstance(listed, dict) else f"$.Statement[{statement.index}]"
        if not element:
            return path
        path += f".{element}"
        value: JsonValue = self.raw(statement)
        for part in element.split(".", 2):
            value = value.get(part) if isinstance(value, dict) else None
        return path if entry is None or not isinstance(value, list) else f"{path}[{entry}]"

    def add(self, level: Level, code: str, message: str, path: str, *, aws: str | None = None, count: int = 1) -> None:
        """Add a finding; one that was made before, word for word, is counted there."""
        # The index of the statement that a path leads into; None for the document itself.
        if isinstance(self.document.value["Statement"], dict):
            index = 0 if _IN_STATEMENT.match(path) else None
        else:
            found = _IN_STATEMENT.match(path)
            index = int(found[1]) if found is not None and found[1] else None
        same = (code, message, index)
        if same in self._seen:
            at = self._seen[same]
            earlier = self.findings[at]
            self.findings[at] = replace(earlier, count=earlier.count + count)
            return
        self._seen[same] = len(self.findings)
        if self._places is None:
            self._places = document_positions(self.document)
        canonical, given = self._places
        self.findings.append(
            Finding(
                level,
                code,
                message,
                path,
                index,
                canonical.get(path),
                given[path][0] if path in given else None,
                aws,
                count,
            )
        )

    def nearest(self, name: str, known: Iterable[str]) -> str:
        """` Did you mean "..."?` for the closest known name, or nothing; sought for the first names only."""
        if self._hints <= 0 or len(name) > 128:
            return ""
        self._hints -= 1
        by_lower = {candidate.lower(): candidate for candidate in known}
        close = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.7)
        return f' Did you mean "{by_lower[close[0]]}"?' if close else ""

    def may_search(self) -> bool:
        """Count down the searches through a service's actions; False when the limit for one document is reached."""
        self._searches -= 1
        return self._searches >= 0


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a document, where findings are reported."""

    subject: CheckedDocument
    path: str

    def report(self, level: Level, code: str, message: str, *, aws: str | None = None, count: int = 1) -> None:
        self.subject.add(level, code, message, self.path, aws=aws, count=count)

    def error(self, code: str, message: str, *, aws: str | None = None) -> None:
        self.report(Level.ERROR, code, message, aws=aws)

    def warning(self, code: str, message: str, *, aws: str | None = None) -> None:
        self.report(Level.WARNING, code, message, aws=aws)

    def suggestion(self, code: str, message: str, *, aws: str | None = None) -> None:
        self.report(Level.SUGGESTION, code, message, aws=aws)


def document_positions(document: PolicyDocument) -> tuple[dict[str, Lines], dict[str, Lines]]:
    """The places of every value in the canonical text, and in the text as given (none when percent-encoded)."""
    canonical = positions(document.text)
    encoded = document.source_text != document.raw
    return canonical, {} if encoded else positions(document.raw)


_LONGEST_QUOTED: Final = 120


def quoted(text: str) -> str:
    """A text in quotes for a message, cut where it is very long."""
    return f'"{text}"' if len(text) <= _LONGEST_QUOTED else f'"{text[: _LONGEST_QUOTED - 1]}…"'


def named(texts: Sequence[str], most: int = 3) -> str:
    """The first of some names in quotes, and how many more there are."""
    return first_of_texts(texts, most, quoted)


# What the entries of a statement match: action patterns, resource patterns, and the condition keys it tests.


_PLACEHOLDER: Final = re.compile(r"\$\{[^}]*\}")


def condition_keys_of(statement: Statement) -> set[str]:
    """The condition keys that a statement tests, in lower case."""
    return {line.key.lower() for line in statement.conditions}


def lines_about(statement: Statement, keys: Collection[str]) -> list[ConditionLine]:
    """The lines of the Condition that test one of some keys, given in lower case."""
    return [line for line in statement.conditions if line.key.lower() in keys]


def is_negated(line: ConditionLine) -> bool:
    operator = parse_operator(line.operator)
    return operator is not None and operator.negated


@lru_cache(maxsize=4096)
def resource_tokens(entry: str, variables: bool) -> tuple[Token, ...]:
    return arn_tokens(tokens_of(with_variables_as_stars(parse_pieces(entry, variables=variables))))


@lru_cache(maxsize=4096)
def resource_glob(entry: str, variables: bool) -> Glob:
    """A Resource entry as a pattern, each policy variable as a star."""
    return Glob(resource_tokens(entry, variables))


@lru_cache(maxsize=4096)
def form_tokens(form: str) -> tuple[Token, ...]:
    """An ARN form of the Service Authorization Reference, each of its placeholders as a star."""
    return tuple(request_tokens(_PLACEHOLDER.sub("*", form)))
