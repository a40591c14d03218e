"""Findings: what AWS would refuse or warn about in a policy document.

The `lint` command calls `findings(document, kind)` for each file (`PolicyDocument(text)` of the text as read)
and prints `Finding.source_line`; the screen shows `Finding.lines` of the canonical text. `guess_kind` helps
where nobody said what a document is. `finding_to_json` is the JSON form of one finding.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

from iamtui.input_files import toml_of
from iamtui.lint.actions import check_actions, check_dynamodb, check_sensitive_actions, check_tag_keys
from iamtui.lint.conditions import check_conditions, check_needed_actions
from iamtui.lint.elements import (
    check_document,
    check_elements,
    check_one_service,
    check_rcp,
    check_repetition,
    check_statements,
)
from iamtui.lint.principals import check_principals, check_trust
from iamtui.lint.resources import check_resource_variables, check_resources
from iamtui.lint.subject import CheckedDocument, Finding, Level, document_positions
from iamtui.policy.document import DocumentError, Fault, JsonValue, PolicyDocument, load_json, parse_policy
from iamtui.policy.json_text import Lines
from iamtui.policy.types import PolicyType
from iamtui.problem import Problem

DocumentKind = PolicyType
"""Use of a document, which decides the elements that it may have."""


_STATEMENT_CHECKS: Final = (
    check_elements,
    check_principals,
    check_actions,
    check_sensitive_actions,
    check_resources,
    check_resource_variables,
    check_repetition,
    check_conditions,
    check_needed_actions,
    check_tag_keys,
    check_dynamodb,
    check_rcp,
    check_trust,
)


def findings(document: PolicyDocument, kind: DocumentKind, *, account: str | None = None) -> tuple[Finding, ...]:
    """Examine a document; the worst finding first, else in the order of the document.

    Args:
        document: any document; an unreadable one gives its errors with their lines: one for each element, or the
            first alone where it is not JSON.
        account: the account it belongs to, 12 digits, so that its own account is not called a third party.

    Never raises for anything a document holds.
    """
    error = document.error
    if error is not None and error.fault is not Fault.UNKNOWN:
        return _unreadable(document, error, kind, account)
    subject = CheckedDocument(document, kind, account)
    check_document(subject)
    check_statements(subject)
    check_one_service(subject)
    for statement in subject.policy.statements:
        for check in _STATEMENT_CHECKS:
            check(subject, statement)
    return tuple(sorted(subject.findings, key=lambda finding: finding.level.rank))


def _unreadable(
    document: PolicyDocument, error: DocumentError, kind: DocumentKind, account: str | None
) -> tuple[Finding, ...]:
    """The errors of a document that cannot be read as a policy, and the findings in its statements that can."""
    # Where the error has its own line no place in the document is needed, which may be a million brackets.
    nowhere = error.path == "$" and error.line is not None
    canonical, given = ({}, {}) if nowhere else document_positions(document)
    value = None if error.fault is Fault.SYNTAX else load_json(document.source_text)
    errors = tuple(islice(_errors_of(value), _MOST_ERRORS)) if value is not None else ()
    found = [_finding_of(one, canonical, given) for one in errors]
    unread = {int(place[1]) for one in errors if (place := re.match(r"\$\.Statement\[(\d+)\]", one.path))}
    readable = _readable_rest(value, unread) if 0 < len(errors) < _MOST_ERRORS else None
    if readable is not None and readable.error is None:
        found += (
            replace(one, lines=canonical.get(one.path), source_line=given.get(one.path, (None, None))[0])
            for one in findings(readable, kind, account=account)
            if one.statement is not None and one.statement not in unread
        )
    # A document that is only too large has no error in an element.
    return tuple(found) or (_finding_of(error, canonical, given),)


def _readable_rest(value: JsonValue, unread: Collection[int]) -> PolicyDocument | None:
    """A document with a plain statement in place of each that cannot be read; None where it has no list of them."""
    if not isinstance(value, dict) or not isinstance(statements := value.get("Statement"), list):
        return None
    rest = [_READABLE_STATEMENT if at in unread else one for at, one in enumerate(statements)]
    version = {name: item for name, item in value.items() if name == "Version"}
    version = version if _error_of({**version, "Statement": []}) is None else {}
    return PolicyDocument.of({**version, "Statement": rest})


_READABLE_STATEMENT: Final[JsonValue] = {"Effect": "Deny", "Action": "*", "Resource": "*"}
_MOST_ERRORS: Final = 1_000
"""Errors of an unreadable document that are named; a list of half a million numbers has one for each."""


def _finding_of(error: DocumentError, canonical: Mapping[str, Lines], given: Mapping[str, Lines]) -> Finding:
    lines = canonical.get(error.path) if error.path != "$" else None
    source_line = error.line if error.line is not None else given.get(error.path, (None, None))[0]
    if lines is None and error.line is not None:
        lines = (error.line, error.line)
    code = "not-json" if error.line is not None else "unreadable"
    # The element that an error is about: the last name of its path outside the map of a Principal.
    names = re.findall(r"\.([A-Za-z]+)", error.path)
    element = next((name for name in reversed(names) if name in _NAMED), "") if names else "$"
    aws_code = _ISSUE_OF_FAULT.get((error.fault, element), _ISSUE_OF_FAULT[error.fault, ""])
    return Finding(Level.ERROR, code, f"{error.message}.", error.path, None, lines, source_line, aws_code)


def _errors_of(value: JsonValue) -> Iterator[DocumentError]:
    """The errors of a document of JSON: the first of each element, so that one run names all that is to be mended."""
    if not isinstance(value, dict):
        if error := _error_of(value):
            yield error
        return
    for element in ("Version", "Id"):
        if error := _error_of({element: value.get(element), "Statement": []}):
            yield error
    listed = value.get("Statement")
    if not isinstance(listed, (list, dict)):
        if error := _error_of({name: item for name, item in value.items() if name == "Statement"}):
            yield error
        return
    for index, statement in enumerate(listed if isinstance(listed, list) else [listed]):
        place = f"$.Statement[{index}]" if isinstance(listed, list) else "$.Statement"
        if not isinstance(statement, dict):
            if error := _error_of({"Statement": [statement]}):
                yield DocumentError(error.message, path=place, fault=error.fault)
            continue
        rest = dict(statement)
        while error := _error_of({"Statement": rest}):
            path = place + error.path.removeprefix("$.Statement")
            yield DocumentError(error.message, path=path, fault=error.fault)
            _mend(rest, error)


def _mend(statement: dict[str, JsonValue], error: DocumentError) -> None:
    """Put something readable in the place of an error, behind which others may be."""
    named = re.match(r"\$\.Statement\.([A-Za-z]+)", error.path)
    if named is None:
        both = next((one for one in ("Principal", "Action", "Resource") if {one, f"Not{one}"} <= statement.keys()), "")
        if both:
            # Its own mistakes are seen in the other's place.
            del statement[f"Not{both}"]
        else:
            statement["Action"] = "*"
    elif named[1] in _READABLE:
        statement[named[1]] = _READABLE[named[1]]
    else:
        statement.pop(named[1])


_READABLE: Final = {"Effect": "Deny", "Action": "*", "NotAction": "*"}


def _error_of(value: JsonValue) -> DocumentError | None:
    try:
        parse_policy(value)
    except DocumentError as error:
        return error.copy()
    return None


_NAMED: Final = frozenset(("Effect", "Principal", "NotPrincipal"))
_ISSUE_OF_FAULT: Final[Mapping[tuple[Fault, str], str]] = {
    (Fault.SYNTAX, ""): "JSON_SYNTAX_ERROR",
    (Fault.MISSING, "$"): "MISSING_STATEMENT",
    (Fault.MISSING, "Effect"): "MISSING_EFFECT",
    (Fault.MISSING, ""): "MISSING_ACTION",
    (Fault.VALUE, ""): "INVALID_EFFECT",
    (Fault.COMBINATION, ""): "UNSUPPORTED_ELEMENT_COMBINATION",
    (Fault.TYPE, "Principal"): "INVALID_PRINCIPAL_FORMAT",
    (Fault.TYPE, "NotPrincipal"): "INVALID_PRINCIPAL_FORMAT",
    (Fault.TYPE, ""): "DATA_TYPE_MISMATCH",
}
"""The issue code of IAM Access Analyzer for an unreadable document, by kind of mistake and element."""


def guess_kind(document: PolicyDocument) -> DocumentKind:
    """Most likely use of a document, from its elements; IDENTITY when they do not decide it.

    Principals make it a trust policy when every action is one of STS and no statement names a resource, else
    a resource-based policy. SCPs, RCPs, boundaries, session and endpoint policies cannot be told apart.
    """
    error = document.error
    if error is not None and error.fault is not Fault.UNKNOWN:
        return DocumentKind.IDENTITY
    statements = document.written.statements
    if not any(s.principals is not None or s.not_principals is not None for s in statements):
        return DocumentKind.IDENTITY
    without_resources = all(s.resources is None and s.not_resources is None for s in statements)
    actions = [action.lower() for s in statements for action in (s.actions or s.not_actions or ())]
    if without_resources and actions and all(action.startswith("sts:") for action in actions):
        return DocumentKind.TRUST
    return DocumentKind.RESOURCE


def finding_to_json(finding: Finding) -> dict[str, JsonValue]:
    """One finding as a JSON object: level, code, aws_code, message, count, path, statement, lines, source_line."""
    return {
        "level": finding.level.value,
        "code": finding.code,
        "aws_code": finding.aws_code,
        "message": finding.message,
        "count": finding.count,
        "path": finding.path,
        "statement": finding.statement,
        "lines": None if finding.lines is None else list(finding.lines),
        "source_line": finding.source_line,
    }


# Findings that somebody has accepted, and why.


_FIELDS: Final = ("code", "reason", "file", "sid")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One accepted kind of finding.

    Args:
        origin: what to call it ("suppression 2 in .iamtui-lint.toml").
        file: a pattern of file names, or None for all.
        sid: the Sid of the only statement that is meant, or None.
        directory: what `file` is relative to.
    """

    code: str
    reason: str
    origin: str
    file: str | None = None
    sid: str | None = None
    directory: Path = Path()

    def is_about(self, file: str) -> bool:
        """True if findings of a file can be meant."""
        if self.file is None:
            return True
        relative = file if file == "-" else os.path.relpath(file, self.directory)
        return fnmatch.fnmatchcase(Path(relative).as_posix(), self.file)

    def covers(self, finding: Finding, file: str, sid: str | None) -> bool:
        named = self.code in (finding.code, finding.aws_code)
        return named and self.is_about(file) and (self.sid is None or self.sid == sid)


def suppression_of_option(text: str) -> Suppression:
    """The suppression of `CODE=REASON`.

    Raises:
        Problem: there is no code or no reason.
    """
    code, _, reason = (part.strip() for part in text.partition("="))
    if not code:
        raise Problem(f"--suppress {text} names no code.", "Write CODE=REASON, with a code that lint prints.")
    if not reason:
        raise Problem(f"--suppress {code} has no reason.", f'Write why it is accepted: --suppress {code}="the reason".')
    return Suppression(code, reason, f"--suppress {code}")


def read_suppressions(text: str, name: str) -> tuple[Suppression, ...]:
    """The suppressions in the text of a file of that name.

    Raises:
        Problem: it is not TOML, or a suppression has no code or no reason, or something that none has.
    """
    directory = Path(name).parent
    return tuple(
        Suppression(table["code"], table["reason"], origin, table.get("file"), table.get("sid"), directory)
        for table, origin in suppression_tables(text, name, _FIELDS, "lint")
    )


def suppression_tables(
    text: str, name: str, names: Sequence[str], command: str
) -> Iterator[tuple[Mapping[str, str], str]]:
    """The suppressions in the text of a TOML file, each with what to call it.

    Args:
        names: what a suppression may have; it must have a code and a reason.
        command: the command that prints the codes.

    Raises:
        Problem: it is not TOML, or a suppression has no code or no reason, or something that none has.
    """
    see = f"See `iamtui {command} --help` for an example."
    data = toml_of(text, name, see)
    unknown = sorted(data.keys() - {"suppress"})
    if unknown:
        raise Problem(f'{name} has "{unknown[0]}", which it cannot have.', "Write tables named [[suppress]] only.")
    tables = data.get("suppress", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise Problem(f"suppress in {name} is not a list of tables.", "Write [[suppress]], with two brackets.")
    for number, table in enumerate(tables, 1):
        origin = f"suppression {number} in {name}"
        subject = origin[:1].upper() + origin[1:]
        for field, value in table.items():
            if field not in names:
                raise Problem(f'{subject} has "{field}", which it cannot have.', f"It takes {', '.join(names)}.")
            if not isinstance(value, str) or not value.strip():
                raise Problem(f"{subject}: {field} is not a text, or is empty.", f'Write {field} = "...".')
        if "code" not in table:
            raise Problem(f"{subject} has no code.", f'Write the code that {command} prints: code = "...".')
        if "reason" not in table:
            raise Problem(f"{subject} ({table['code']}) has no reason.", 'Write why it is accepted: reason = "...".')
        yield {field: value.strip() if field in ("code", "reason") else value for field, value in table.items()}, origin
