"""Laying a draft's edits over an account, which stays as it is."""

from __future__ import annotations

from dataclasses import dataclass

from iamtui.account.model import DRAFTED_FROM, Account, ManagedPolicy
from iamtui.drafts.checks import denial_findings, quota_findings
from iamtui.drafts.edits import Draft, describe_edit
from iamtui.drafts.ledger import DraftFinding, Ledger, Managed, Misfit
from iamtui.problem import Problem
from iamtui.text import safe_text


class DraftProblem(Problem):
    """An edit of a draft does not fit the account.

    Args:
        number: which edit, from 1; 0: the draft as a whole.
        words: the edit in words, or "".
        reason: what was expected and what is there instead.
    """

    def __init__(self, number: int, words: str, reason: str, next_step: str = "") -> None:
        what = f"Edit {number} of the draft ({words}) does not fit: {reason}." if number else f"{reason}."
        super().__init__(what, next_step)
        self.number = number
        self.words = words
        self.reason = reason


@dataclass(frozen=True, slots=True)
class LaidDraft:
    """A draft laid over an account as far as it fits.

    Args:
        account: the account with every edit that fits.
        problems: the edits that do not fit and are left out; unless it is empty, `account` is not what the
            draft means, and no answer about it may be shown as the draft's.
        findings: what is worth knowing about the edits that fit, in their order.
    """

    account: Account
    problems: tuple[DraftProblem, ...]
    findings: tuple[DraftFinding, ...]


def _none_managed(_name: str) -> ManagedPolicy | None:
    return None


def apply_draft(account: Account, draft: Draft, managed: Managed = _none_managed) -> Account:
    """The account as the draft would make it. The account given is not touched; what no edit is about is shared.

    Args:
        managed: finds an AWS managed policy, which the account lacks, by its name or ARN.

    Raises:
        DraftProblem: an edit does not fit the account; says which, what was expected and what to do.
    """
    laid = lay_draft(account, draft, managed)
    if laid.problems:
        raise laid.problems[0]
    return laid.account


def lay_draft(account: Account, draft: Draft, managed: Managed = _none_managed) -> LaidDraft:
    """Lay the edits over the account in order, and say what does not fit and what is worth knowing.

    Edits stop where AWS or the account's own data make them meaningless (unknown holder, unreadable document,
    a policy that is not attached); what AWS may refuse while the meaning is clear (quotas) is a finding.
    """
    if draft.account_id != account.id:
        problem = DraftProblem(
            0,
            "",
            f"The draft is for account {safe_text(draft.account_id, limit=64)}, and this is account {account.id}",
            "Open the account it was made for, or start a new draft.",
        )
        return LaidDraft(account, (problem,), ())
    ledger = Ledger(account, managed)
    problems: list[DraftProblem] = []
    for number, edit in enumerate(draft.edits, 1):
        ledger.number = number
        try:
            edit.lay(ledger)
        except Misfit as misfit:
            words = describe_edit(edit, account, draft.edits[: number - 1])
            problems.append(DraftProblem(number, words, misfit.sentence, misfit.next_step))
    after = ledger.account()
    after.memo[DRAFTED_FROM] = account
    findings = (*ledger.findings, *denial_findings(account, draft), *quota_findings(account, after, ledger.touched))
    return LaidDraft(after, tuple(problems), tuple(sorted(findings, key=lambda finding: finding.edit)))
