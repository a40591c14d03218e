"""The list of findings of an audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from iamtui.presentation.listing import ListColumn, Listing
from iamtui.workspace.review.audit import AuditFinding, AuditSuppression


@dataclass(frozen=True, slots=True)
class JudgedFinding:
    """A finding of an account, and the suppression that accepts it, if one does."""

    account: str
    finding: AuditFinding
    suppression: AuditSuppression | None


FINDINGS: Final = Listing[JudgedFinding](
    (
        ListColumn("severity", lambda row: row.finding.severity.value),
        ListColumn("code", lambda row: row.finding.code),
        ListColumn("subject", lambda row: row.finding.subject),
        ListColumn("message", lambda row: row.finding.message),
        ListColumn("fix", lambda row: row.finding.fix),
        ListColumn("cis", lambda row: row.finding.control or None),
        ListColumn("suppressed", lambda row: None if row.suppression is None else row.suppression.reason),
    )
)
