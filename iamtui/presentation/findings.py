"""The list of findings of an audit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from iamtui.account.model import Account, ManagedPolicy
from iamtui.lint.sarif import SarifResult
from iamtui.presentation.listing import At, Fix, ListColumn, Listing, Report, StatementPlace, Target
from iamtui.presentation.overview import SEVERITY_WORDS
from iamtui.presentation.styled_words import Row, Tone, Word, row_of, text_of
from iamtui.workspace.review.audit import AuditFinding, AuditSuppression, edits_that_mend, mending_words
from iamtui.workspace.source.unknown_facts import FindingSeverity, UnknownFact
from iamtui.workspace.source.workspace import Workspace

_SUPPRESSED: Final = "suppressed"
_ORDER: Final = tuple(FindingSeverity)
_LEVELS: Final = {FindingSeverity.HIGH: "error", FindingSeverity.MEDIUM: "warning", FindingSeverity.LOW: "note"}
_LONGEST_MESSAGE: Final = 150
"""Characters of a finding in two lines below the list, which have its fix as well; the export has all of it."""


@dataclass(frozen=True, slots=True)
class JudgedFinding:
    """A finding of an account, and the suppression that accepts it, if one does."""

    account: str
    finding: AuditFinding
    suppression: AuditSuppression | None

    @property
    def kind(self) -> str:
        return str(self.finding.severity) if self.suppression is None else _SUPPRESSED

    @property
    def mark(self) -> Word:
        if self.suppression is not None:
            return Word("[~] suppressed", Tone.QUIET)
        return SEVERITY_WORDS[self.finding.severity]


def judged_findings(
    account: str, findings: Iterable[AuditFinding], accepted: Sequence[AuditSuppression] = ()
) -> list[JudgedFinding]:
    """Findings of an account, the worst first."""
    found = [
        JudgedFinding(account, one, next((each for each in accepted if each.covers(one)), None)) for one in findings
    ]
    return worst_first(found)


def worst_first(found: Iterable[JudgedFinding]) -> list[JudgedFinding]:
    return sorted(found, key=lambda one: (_ORDER.index(one.finding.severity), one.finding.code))


def findings(workspace: Workspace, *, suppressed: bool = False) -> Listing[JudgedFinding]:
    """The list of findings in a workspace.

    Args:
        suppressed: whether some are.
    """
    account = ListColumn[JudgedFinding]("account", lambda row: row.account, at=At.PRINTED)
    return Listing(
        "findings",
        (
            *((account,) if workspace.beside else ()),
            ListColumn(
                "severity",
                lambda row: row.finding.severity.value,
                lambda row: row.mark,
                least=10,
                sort=lambda row: _ORDER.index(row.finding.severity),
            ),
            ListColumn(
                "subject",
                lambda row: row.finding.subject,
                lambda row: Word(workspace.short_name(row.finding.subject), Tone.STRONG),
            ),
            ListColumn("message", lambda row: row.finding.message),
            ListColumn("fix", lambda row: row.finding.fix, at=At.PRINTED),
            ListColumn(
                "code",
                lambda row: row.finding.code,
                lambda row: Word(f"[{row.finding.code}]", Tone.QUIET),
                at=At.PRINTED,
            ),
            ListColumn(
                "cis", lambda row: row.finding.control or None, lambda row: _control(row.finding), at=At.PRINTED
            ),
            ListColumn(
                "suppressed",
                lambda row: None if row.suppression is None else row.suppression.reason,
                lambda row: Word("" if row.suppression is None else f"because: {row.suppression.reason}", Tone.QUIET),
                at=At.PRINTED,
            ),
            ListColumn("complete", lambda row: not workspace.at(row.account).account.unlisted, at=At.DATA),
        ),
        title="Findings",
        nothing="The audit finds nothing.",
        kinds=(*map(str, _ORDER), *((_SUPPRESSED,) if suppressed else ())),
        aside=_SUPPRESSED,
        kind=lambda row: row.kind,
        details=lambda row: _details(workspace.at(row.account).account, row),
        target=lambda row: _target(workspace.at(row.account).account, row.finding),
        fix=lambda row: _fix(workspace.at(row.account).account, row),
        sarif=_sarif,
    )


def findings_report(
    workspace: Workspace,
    found: Iterable[AuditFinding],
    unknown: Iterable[UnknownFact],
    accepted: Sequence[AuditSuppression] = (),
) -> Report[JudgedFinding]:
    """Findings in the account that is looked at; accepted ones stand aside."""
    rows = judged_findings(workspace.account.id, found, accepted)
    facts = "; ".join(fact.words for fact in unknown)
    notes = (text_of(row_of(f"Not checked: {facts}.", limit=None)),) if facts else ()
    return Report(findings(workspace, suppressed=any(row.suppression for row in rows)), rows, notes)


def _control(finding: AuditFinding) -> Word:
    return Word(f"CIS {finding.control}" if finding.control else "", Tone.QUIET)


def _details(account: Account, row: JudgedFinding) -> list[Row]:
    finding = row.finding
    code = Word(f"  {finding.code}{f'  CIS {finding.control}' if finding.control else ''}", Tone.QUIET)
    fix = finding.fix if row.suppression is None else f"Accepted because: {row.suppression.reason}"
    mending = _mending(account, row)
    return [
        row_of(finding.message, limit=_LONGEST_MESSAGE),
        row_of(fix, code, limit=None),
        *([row_of(Word(f"A, in a draft: {mending}.", Tone.QUIET))] if mending else []),
    ]


def _mending(account: Account, row: JudgedFinding) -> str:
    """What a draft does about it; "" where it can do nothing."""
    mending = mending_words(account, row.finding)
    place = _place(account, row.finding)
    if row.suppression is None and not mending and place is not None and not place.row:
        return "opens the statement to edit it"
    return mending


def _fix(account: Account, row: JudgedFinding) -> Fix | None:
    if not _mending(account, row):
        return None
    return Fix(partial(edits_that_mend, account, row.finding), _target(account, row.finding))


def _target(account: Account, finding: AuditFinding) -> Target | None:
    known = account.by_arn(finding.subject) is not None
    return Target(finding.subject, _place(account, finding)) if known else None


def _place(account: Account, finding: AuditFinding) -> StatementPlace | None:
    if finding.code.startswith(("trust-", "oidc-")):
        return StatementPlace(trust=True)
    name, _, which = finding.statement.rpartition(", statement ")
    holder = account.by_arn(finding.subject)
    documents = []
    if isinstance(holder, ManagedPolicy):
        documents = [holder.document] if holder.document is not None else []
    elif name:
        documents = [one.document for one in getattr(holder, "inline_policies", ()) if one.name == name]
    for document in documents if name else ():
        for statement in document.policy.statements if document.error is None else ():
            if which in (statement.sid, str(statement.index + 1)):
                return StatementPlace(name, statement.index)
    row = _ROWS.get(finding.code, "")
    return StatementPlace(row=row) if row else None


_ROWS: Final = {
    **dict.fromkeys(("access-key-old", "access-key-unused", "two-access-keys", "service-account"), "Access keys"),
    "console-without-mfa": "MFA",
    **dict.fromkeys(("password-unused", "user-unused"), "Password used"),
    "role-unused": "Last used",
    **dict.fromkeys(("policy-on-user", "inline-policy", "permission-unused"), "Policies"),
}
"""Row of a user's or role's overview for the code of a finding."""


def _sarif(row: JudgedFinding) -> SarifResult:
    finding = row.finding
    return SarifResult(
        rule=finding.code,
        level=_LEVELS[finding.severity],
        message=f"{finding.message} {finding.fix}",
        file=f"aws-account-{row.account}",
        element=finding.subject,
        reason=None if row.suppression is None else row.suppression.reason,
        properties=(("cis", finding.control),) if finding.control else (),
    )
