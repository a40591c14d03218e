"""The list of findings of an audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from iamtui.presentation.listing import Column, Listing
from iamtui.workspace.review.audit import AuditFinding, AuditSuppression


@dataclass(frozen=True, slots=True)
class JudgedFinding:
    """A finding of an account, and the suppression that accepts it, if one does."""

    account: str
    finding: AuditFinding
    suppression: AuditSuppression | None


FINDINGS: Final = Listing[JudgedFinding](
    (
        Column("severity", lambda row: row.finding.severity.value),
        Column("code", lambda row: row.finding.code),
        Column("subject", lambda row: row.finding.subject),
        Column("message", lambda row: row.finding.message),
        Column("fix", lambda row: row.finding.fix),
        Column("cis", lambda row: row.finding.control or None),
        Column("suppressed", lambda row: None if row.suppression is None else row.suppression.reason),
    )
)
