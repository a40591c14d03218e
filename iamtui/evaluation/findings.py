"""Findings: what AWS would refuse or warn about in a policy document.

The `lint` command calls `findings(document, kind)` for each file (`PolicyDocument(text)` of the text as read)
and prints `Finding.source_line`; the screen shows `Finding.lines` of the canonical text. `guess_kind` helps
where nobody said what a document is. `finding_to_json` is the JSON form of one finding.
"""

from __future__ import annotations

from iamtui.evaluation.lint.actions import check_actions
from iamtui.evaluation.lint.conditions import check_conditions, check_resource_variables
from iamtui.evaluation.lint.elements import check_document, check_elements
from iamtui.evaluation.lint.principals import check_principals
from iamtui.evaluation.lint.resources import check_resources
from iamtui.evaluation.lint.subject import Finding, Level, Subject, document_positions
from iamtui.evaluation.lint.trust import check_trust
from iamtui.policy.document import DocumentError, JsonValue, PolicyDocument
from iamtui.policy.kinds import PolicyType

__all__ = ["DocumentKind", "Finding", "Level", "finding_to_json", "findings", "guess_kind"]

DocumentKind = PolicyType
"""What a document is used as; which elements it may have depends on it."""


def findings(document: PolicyDocument, kind: DocumentKind, *, account: str | None = None) -> tuple[Finding, ...]:
    """Examine a document; the worst finding first, else in the order of the document.

    Args:
        document: any document; an unreadable one gives one error with the line.
        kind: the policy type it is used as.
        account: the account it belongs to, 12 digits, so that its own account is not called a third party.

    Never raises for anything a document holds.
    """
    error = document.error
    if error is not None:
        return (_unreadable(document, error),)
    subject = Subject(document, kind, account)
    check_document(subject)
    for statement in subject.policy.statements:
        check_elements(subject, statement)
        check_principals(subject, statement)
        check_actions(subject, statement)
        check_resources(subject, statement)
        check_resource_variables(subject, statement)
        check_conditions(subject, statement)
        check_trust(subject, statement)
    return tuple(sorted(subject.findings, key=lambda finding: finding.level.rank))


def _unreadable(document: PolicyDocument, error: DocumentError) -> Finding:
    canonical, given = document_positions(document)
    lines = canonical.get(error.path) if error.path != "$" else None
    source_line = error.line if error.line is not None else given.get(error.path, (None, None))[0]
    if lines is None and error.line is not None:
        lines = (error.line, error.line)
    code = "not-json" if error.line is not None else "unreadable"
    return Finding(Level.ERROR, code, f"{error.message}.", error.path, None, lines, source_line)


def guess_kind(document: PolicyDocument) -> DocumentKind:
    """What a document most likely is, from its elements; IDENTITY when nothing tells.

    Principals make it a trust policy when every action is one of STS and no statement names a resource, else
    a resource-based policy. SCPs, RCPs, boundaries, session and endpoint policies cannot be told apart.
    """
    if document.error is not None:
        return DocumentKind.IDENTITY
    statements = document.policy.statements
    if not any(s.principals is not None or s.not_principals is not None for s in statements):
        return DocumentKind.IDENTITY
    without_resources = all(s.resources is None and s.not_resources is None for s in statements)
    actions = [action.lower() for s in statements for action in (s.actions or s.not_actions or ())]
    if without_resources and actions and all(action.startswith("sts:") for action in actions):
        return DocumentKind.TRUST
    return DocumentKind.RESOURCE


def finding_to_json(finding: Finding) -> dict[str, JsonValue]:
    """One finding as a JSON object: level, code, message, path, statement, lines, source_line."""
    return {
        "level": finding.level.value,
        "code": finding.code,
        "message": finding.message,
        "path": finding.path,
        "statement": finding.statement,
        "lines": None if finding.lines is None else list(finding.lines),
        "source_line": finding.source_line,
    }
