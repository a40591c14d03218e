"""Laying a draft's edits over an account, which stays as it is; what is worth knowing of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from iamtui.account.model import (
    DRAFTED_FROM,
    Account,
    Group,
    ManagedPolicy,
    Missing,
    OrganizationLevel,
    Role,
    User,
)
from iamtui.drafts.aws_values import RCP, SCP, entity_name, find_level, policy_name, short_type
from iamtui.drafts.draft import Draft
from iamtui.drafts.edits.base import AccountAfterEdits, BaseEdit, brought_document
from iamtui.drafts.ledger import DraftFinding, Ledger, Managed, Misfit
from iamtui.policy.document import PolicyDocument, as_list
from iamtui.policy.patterns import parse_arn
from iamtui.problem import Problem
from iamtui.resource_policy_services import SERVICE_SPECS
from iamtui.text import safe_text


class DraftProblem(Problem):
    """An edit of a draft does not fit the account.

    Args:
        number: which edit, from 1; 0: the draft as a whole.
    """

    def __init__(self, number: int, words: str, reason: str, next_step: str = "") -> None:
        what = f"Edit {number} of the draft ({words}) does not fit: {reason}." if number else f"{reason}."
        super().__init__(what, next_step)
        self.number = number
        self.words = words
        self.reason = reason


@dataclass(frozen=True, slots=True)
class AppliedDraft:
    """A draft applied to an account as far as it fits.

    Args:
        account: the account with every edit that fits.
        problems: the edits that do not fit and are left out; unless it is empty, `account` is not what the
            draft means, and no answer about it may be shown as the draft's.
        findings: what is worth knowing about the edits that fit, in their order.
    """

    account: Account
    problems: tuple[DraftProblem, ...]
    findings: tuple[DraftFinding, ...]


def apply_draft(account: Account, draft: Draft, managed: Managed) -> AppliedDraft:
    """Apply the edits to the account in order, with what does not fit and what is worth knowing.

    The account given is not touched; what no edit is about is shared. Edits stop where AWS or the account's own data
    make them meaningless (unknown holder, unreadable document, a policy that is not attached); what AWS may refuse
    while the meaning is clear (quotas) is a finding.

    Args:
        managed: finds an AWS managed policy, which the account lacks, by its name or ARN.
    """
    if draft.account_id != account.id:
        problem = DraftProblem(
            0,
            "",
            f"The draft is for account {safe_text(draft.account_id, limit=64)}, and this is account {account.id}",
            "Open the account it was made for, or start a new draft.",
        )
        return AppliedDraft(account, (problem,), ())
    ledger = Ledger(account, managed)
    problems: list[DraftProblem] = []
    earlier = AccountAfterEdits(account)
    for number, edit in enumerate(draft.edits, 1):
        ledger.number = number
        try:
            edit.apply(ledger)
        except Misfit as misfit:
            words = safe_text(edit.words(earlier))
            problems.append(DraftProblem(number, words, misfit.sentence, misfit.next_step))
        earlier.make(edit)
    after = ledger.account()
    after.memo[DRAFTED_FROM] = account
    findings = (*ledger.findings, *_denial_findings(account, draft), *_quota_findings(account, after, ledger.touched))
    return AppliedDraft(after, tuple(problems), tuple(sorted(findings, key=lambda finding: finding.edit)))


# What a draft would leave above AWS's default quotas: findings, for a quota can be raised (IAM User Guide: IAM and AWS
# STS quotas; AWS Organizations User Guide: Quotas for AWS Organizations).


_ATTACHED: Final = {User: (10, "20"), Role: (20, "25"), Group: (10, "")}
"""Managed policies of a user, role, group: the default and what it can be raised to."""

_INLINE: Final = {User: 2_048, Role: 10_240, Group: 5_120}
_MANAGED, _TRUST, _TRUST_RAISED = 6_144, 2_048, 8_192
_GROUPS, _VERSIONS = 10, 5
_ORGANIZATION: Final = {SCP: (10, 10_240), RCP: (5, 5_120)}
"""Policies at one level, and characters of one."""


def _counted_characters(document: PolicyDocument) -> int:
    """Characters that IAM counts: white space is free."""
    return len("".join(document.source_text.split()))


def _quota_findings(before: Account, after: Account, touched: Mapping[str, int]) -> Iterator[DraftFinding]:
    """The quotas that the touched entities, levels and resources exceed after the draft.

    Args:
        touched: ARN or level id to the number of the last edit about it.
    """
    for name, number in touched.items():
        for sentence in _exceeded(before, after, name):
            yield DraftFinding(number, "quota", sentence)
        level = find_level(after, name)
        if level is not None and _nothing_allowed(level):
            where = safe_text(level.name or level.id)
            sentence = f"No SCP at {where} allows anything then, so nothing is allowed at that level and below it."
            yield DraftFinding(number, "nothing allowed", sentence)


def _nothing_allowed(level: OrganizationLevel) -> bool:
    """True if the SCPs of a level are known, there are some, and none of them has an Allow."""
    policies = level.scps.value_or(())
    return bool(policies) and not any(
        statement.effect == "Allow"
        for policy in policies
        if policy.document.error is None
        for statement in policy.document.policy.statements
    )


def _exceeded(before: Account, after: Account, name: str) -> Iterator[str]:
    entity = after.by_arn(name)
    if isinstance(entity, (User, Group, Role)):
        yield from _of_holder(before, entity)
    elif isinstance(entity, ManagedPolicy):
        yield from _of_policy(before, entity)
    elif name in after.resource_policies:
        yield from _of_resource(after, name)
    else:
        level = find_level(after, name)
        if level is not None:
            where = safe_text(level.name or level.id)
            for type_, fact in ((SCP, level.scps), (RCP, level.rcps)):
                if isinstance(fact, Missing):
                    continue
                most, longest = _ORGANIZATION[type_]
                if len(fact.value) > most:
                    yield f"{where} would have {len(fact.value)} {short_type(type_)}s; the quota is {most}."
                if type_ == SCP and not fact.value:
                    yield (
                        f"{where} would have no SCP, which denies everything below it; AWS refuses to detach the last "
                        "one: attach another first."
                    )
                for policy in fact.value:
                    size = len(policy.document.source_text)
                    if size > longest:
                        yield (
                            f"The {short_type(type_)} {safe_text(policy.name)} has {size:,} characters; "
                            f"the quota is {longest:,}, white space included."
                        )


def _of_holder(before: Account, holder: User | Group | Role) -> Iterator[str]:
    who = safe_text(entity_name(holder.arn))
    most, raised = _ATTACHED[type(holder)]
    if len(holder.attached_policies) > most:
        up_to = f", which can be raised to {raised}" if raised else ""
        yield f"{who} would have {len(holder.attached_policies)} managed policies; the quota is {most}{up_to}."
    was = before.by_arn(holder.arn)
    size = sum(_counted_characters(policy.document) for policy in holder.inline_policies)
    inline_changed = not isinstance(was, (User, Group, Role)) or was.inline_policies != holder.inline_policies
    if inline_changed and size > _INLINE[type(holder)]:
        yield (
            f"The inline policies of {who} would have {size:,} characters together; "
            f"the quota is {_INLINE[type(holder)]:,}."
        )
    if isinstance(holder, User) and len(holder.groups) > _GROUPS:
        yield f"{who} would be in {len(holder.groups)} groups; the quota is {_GROUPS}."
    if isinstance(holder, Role) and not (isinstance(was, Role) and was.trust is holder.trust):
        size = _counted_characters(holder.trust)
        if size > _TRUST:
            yield (
                f"The trust policy of {who} would have {size:,} characters; the quota is {_TRUST:,}, "
                f"which can be raised to {_TRUST_RAISED:,}."
            )


def _of_policy(before: Account, policy: ManagedPolicy) -> Iterator[str]:
    was = before.policy(policy.arn)
    version = policy.default_version
    if policy.aws_managed or version is None or (was is not None and was.default_version is version):
        return
    name = safe_text(policy_name(policy.arn))
    if len(policy.versions) > _VERSIONS:
        yield (
            f"{name} has {_VERSIONS} versions already, the most there can be: the oldest has to go first, which the "
            "exported commands see to."
        )
    size = _counted_characters(version.document)
    if size > _MANAGED:
        yield f"{name} would have {size:,} characters; the quota is {_MANAGED:,}."


def _of_resource(after: Account, resource: str) -> Iterator[str]:
    policy = after.resource_policies[resource]
    arn = parse_arn(resource)
    spec = SERVICE_SPECS.get(arn.service) if arn is not None else None
    longest = spec.most_bytes if spec is not None else None
    if longest is not None and policy.document is not None:
        size = len(policy.document.source_text.encode("utf-8", "replace"))
        if size > longest:
            yield f"The policy of {safe_text(resource)} has {size:,} bytes; the most is {longest:,}."


# What a draft no longer denies: the Deny statements of the account that its edits take away or change.


_EXCEPTING: Final = frozenset(("arnnotequals", "arnnotlike", "stringnotequals", "stringnotlike"))


def _denial_findings(account: Account, draft: Draft) -> Iterator[DraftFinding]:
    """A finding for every edit that takes away or changes a Deny which the account has."""
    base, earlier = AccountAfterEdits(account), AccountAfterEdits(account)
    for number, edit in enumerate(draft.edits, 1):
        known = statements_with(edit.replaced(base), "Deny")
        now = statements_with(edit.replaced(earlier), "Deny")
        after = statements_with(brought_document(edit), "Deny")
        kept = [_meaning(one) for one in after]
        for deny in now:
            if deny in known and _meaning(deny) not in kept:
                new = [one for one in after if one not in now]
                yield DraftFinding(number, "denies less", _lost_denial(edit, deny, after, new))
        earlier.make(edit)


def _lost_denial(edit: BaseEdit, deny: dict[str, Any], after: list[dict[str, Any]], new: list[dict[str, Any]]) -> str:
    """Consequence of an edit that removes or changes a Deny, as a sentence.

    Args:
        after: the denies of the document that the edit brings.
        new: those of them that stood nowhere before.
    """
    sid = _sid(deny)
    words = f"The Deny {safe_text(sid, limit=128)}" if sid else "A Deny without a Sid"
    if edit.detachment:
        return f"{words} of {safe_text(edit.detachment)}."
    named = next((one for one in reversed(after) if sid and _sid(one) == sid), None)
    if named is not None and (excepted := _newly_excepted(deny, named)):
        whom = safe_text(" and ".join(entity_name(arn) for arn in excepted))
        partly = all(any(is_only_for(other, arn) for other in new) for arn in excepted)
        return f"{words} denies {whom} less." if partly else f"{words} no longer denies {whom}."
    if named is not None or any(_about(deny) == _about(other) for other in new):
        return f"{words} is changed and may deny others less too."
    return f"{words} is gone, for everyone that it denied something."


def statements_with(document: PolicyDocument | None, effect: str) -> list[dict[str, Any]]:
    """The statements of a document, as they are written, that have an effect."""
    if document is None or document.error is not None:
        return []
    value = document.value["Statement"]
    statements = as_list(value)
    return [one for one in statements if isinstance(one, dict) and one.get("Effect") == effect]


def _meaning(statement: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in statement.items() if key != "Sid"}


def _about(statement: dict[str, Any]) -> tuple[Any, Any]:
    """Actions of a Deny, which identify it when its name changes."""
    return statement.get("Action"), statement.get("NotAction")


def _newly_excepted(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The ARNs that a Deny excepts now and did not before, where nothing else of it differs; else nothing."""
    rest_before, excepted_before = _exceptions(before)
    rest_after, excepted_after = _exceptions(after)
    more = [arn for arn in excepted_after if arn not in excepted_before]
    kept = all(arn in excepted_after for arn in excepted_before)
    return more if kept and rest_before == rest_after and not any("*" in arn or "?" in arn for arn in more) else []


def is_only_for(statement: Mapping[str, Any], arn: str) -> bool:
    """True if a statement concerns one caller alone by a condition on its ARN: the rest of a Deny with an exception."""
    conditions = statement.get("Condition")
    for operator, tests in conditions.items() if isinstance(conditions, dict) else ():
        if operator.lower() == "arnequals" and isinstance(tests, dict):
            return any(key.lower() == "aws:principalarn" and value in (arn, [arn]) for key, value in tests.items())
    return False


def _exceptions(statement: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A statement without the ARNs that it excepts by ArnNotEquals and its like, and those ARNs."""
    conditions = statement.get("Condition")
    if not isinstance(conditions, dict):
        return _meaning(statement), []
    rest: dict[str, Any] = {}
    arns: list[str] = []
    for operator, tests in conditions.items():
        kept = dict(tests) if isinstance(tests, dict) else tests
        if operator.lower() in _EXCEPTING and isinstance(kept, dict):
            for key in [key for key in kept if key.lower() == "aws:principalarn"]:
                value = kept.pop(key)
                arns += [str(one) for one in as_list(value)]
        if kept != {}:
            rest[operator] = kept
    other = {key: value for key, value in _meaning(statement).items() if key != "Condition"}
    return {**other, "Condition": rest} if rest else other, arns


def _sid(statement: dict[str, Any]) -> str:
    sid = statement.get("Sid")
    return sid if isinstance(sid, str) else ""
