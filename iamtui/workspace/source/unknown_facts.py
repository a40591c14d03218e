"""Unknown facts: what an audit of an account, and its overview, cannot look at, and how bad is what they find.

Nothing here asks about anybody, so that an account is on screen before the engine is loaded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, Final, TypeAlias

from msgspec import Struct

from iamtui.account.model import ROOT_ROW, Account, Fact, Group, Missing, Role, User
from iamtui.policy.document import PolicyDocument

Holder: TypeAlias = User | Group | Role

MOST_SEARCHED: Final = 20_000
"""Users and roles of an account that is searched unasked: with more it takes a minute."""
_MOST_UNREAD: Final = 500
"""Those of them of which a part could not be read: what is unknown of them could be any way."""


class FindingSeverity(StrEnum):
    """How bad a finding is; the worst first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class UnknownFact(Struct, frozen=True):
    """A fact that the audit needs and the source lacks.

    Args:
        permission: the action that would give it.
        count: of how many users, roles or policies it is lacking; 0 where it is one of the account.
        reason: why, as a short phrase.
        severities: of the findings that rest on it.
    """

    what: str
    permission: str
    count: int = 0
    reason: str = ""
    severities: tuple[FindingSeverity, ...] = tuple(FindingSeverity)

    @property
    def words(self) -> str:
        """Raw text: what it is, why it lacks, and with which permission it would not."""
        of = f" ({self.count:,})" if self.count else ""
        needs = f" (needs {self.permission})" if self.permission else ""
        return f"{self.what}{of}: {self.reason or 'not loaded'}{needs}"


_OF_ROOT: Final = {"AccountAccessKeysPresent", "AccountMFAEnabled"}
_H, _M, _L = FindingSeverity
_FACTS_OF_USERS: Final[tuple[tuple[str, str, tuple[FindingSeverity, ...]], ...]] = (
    ("access_keys", "access keys of users", (_M, _L)),
    ("mfa_devices", "MFA devices of users", (_H,)),
    ("login_profile", "console passwords of users", (_H, _M, _L)),
    ("password_last_used", "last use of passwords", (_M, _L)),
)


def unknown_facts(account: Account) -> tuple[UnknownFact, ...]:
    """Facts that the audit could not read, and the permission that each needs."""
    found = [UnknownFact(gap.what, gap.permission, reason=gap.error) for gap in account.unlisted]
    report, summary = account.credential_report, account.summary
    if isinstance(report, Missing) or report.value.row(ROOT_ROW) is None:
        permission, reason = "iam:GetCredentialReport", "not in the credential report"
        if isinstance(report, Missing):
            permission, reason = report.permission, report.reason
        found.append(UnknownFact("last use of the root user", permission, 0, reason, (_M,)))
        if isinstance(summary, Missing) or not summary.value.keys() >= _OF_ROOT:
            reason = summary.reason if isinstance(summary, Missing) else "not in the account's summary"
            what = "access keys and MFA of the root user"
            found.append(UnknownFact(what, "iam:GetAccountSummary", 0, reason, (_H,)))
    for fact, what, affected in (
        (account.password_policy, "the password policy", (_M, _L)),
        (account.server_certificates, "server certificates", (_M,)),
    ):
        if isinstance(fact, Missing):
            found.append(UnknownFact(what, fact.permission, 0, fact.reason, affected))
    users = [account.with_report(user) for user in account.users]
    for field, what, severities in _FACTS_OF_USERS:
        found += _lacking(what, [getattr(user, field) for user in users], severities)
    found += _unread_documents(account)
    found += _lacking("last use of roles", [role.last_used for role in account.roles], (_L,))
    own = [policy for policy in account.policies if not policy.aws_managed and not account.holders(policy.arn)]
    found += _lacking("attachments of policies", [policy.attachment_count for policy in own], (_L,))
    unasked = len(unasked_principals(account))
    if unasked:
        permission = "iam:GenerateServiceLastAccessedDetails"
        # A report of its own, started on demand: the number of findings is that of the others.
        found.append(UnknownFact("permissions granted but not used", permission, unasked, "not asked for", ()))
    return tuple(found)


def _unread_documents(account: Account) -> Iterator[UnknownFact]:
    """Trust policies, and policies in use, of which it is not known what they allow."""
    trusts = Counter(bool(role.trust.raw) for role in account.roles if role.trust.error is not None)
    used = list(documents_in_use(account))
    known = {arn for arn, *_ in used}
    holders = account.identities
    parts = Counter((one.part, one.permission, one.reason) for holder in holders for one in holder.unread)
    for (part, permission, reason), count in parts.items():
        yield UnknownFact(f"{part} of users, groups and roles", permission, count, reason)
    lacking = {one.arn for holder in holders for one in holder.attached_policies} - known
    for what, given, absent, permission in (
        ("trust policies of roles", trusts[True], trusts[False], "iam:GetRole"),
        ("policies", sum(one[2].error is not None for one in used), len(lacking), "iam:GetPolicyVersion"),
    ):
        if given:
            yield UnknownFact(what, "", given, "cannot be read")
        if absent:
            yield UnknownFact(what, permission, absent)


def unasked_principals(account: Account) -> tuple[str, ...]:
    """The ARNs of the users and roles of whom it is not known when they last used which service."""
    principals: tuple[User | Role, ...] = (*account.users, *(role for role in account.roles if not role.service_linked))
    return tuple(one.arn for one in principals if one.arn not in account.last_accessed)


def _lacking(what: str, facts: Sequence[Fact[Any]], severities: tuple[FindingSeverity, ...]) -> Iterator[UnknownFact]:
    """One entry for each reason and permission, the most frequent first."""
    missing = Counter((fact.permission, fact.reason) for fact in facts if isinstance(fact, Missing))
    for (permission, reason), count in missing.most_common():
        yield UnknownFact(what, permission, count, reason, severities)


def documents_in_use(account: Account) -> Iterator[tuple[str, str, PolicyDocument, tuple[Holder, ...], bool]]:
    """The documents that somebody has: ARN, name, document, who holds it, and whether it is AWS's."""
    for policy in account.policies:
        document, holders = policy.document, account.holders(policy.arn)
        if document is not None and holders:
            yield policy.arn, policy.name, document, holders, policy.aws_managed
    for holder in account.identities:
        for inline in holder.inline_policies:
            yield holder.arn, inline.name, inline.document, (holder,), False


def is_searched_unasked(account: Account) -> bool:
    """True where the search starts by itself: not where it takes long, since most of the account is unknown."""
    if account.lacks_principals or sum(bool(entity.unread) for entity in account.principals) > _MOST_UNREAD:
        return False
    return len(account.principals) <= MOST_SEARCHED
