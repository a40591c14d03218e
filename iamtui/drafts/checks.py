"""What a draft would leave above AWS's default quotas: findings, for a quota can be raised.

Figures: IAM User Guide, "IAM and AWS STS quotas"; AWS Organizations User Guide, "Quotas for AWS Organizations".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from iamtui.account.model import (
    Account,
    Group,
    ManagedPolicy,
    Missing,
    OrganizationLevel,
    OrganizationPolicy,
    Role,
    User,
)
from iamtui.drafts.edits import Draft
from iamtui.drafts.edits.base import Standing, brought_document
from iamtui.drafts.ledger import DraftFinding
from iamtui.drafts.words import RCP, SCP, entity_name, find_level, levels, policy_name, short_type
from iamtui.policy.arn import parse_arn
from iamtui.policy.document import PolicyDocument
from iamtui.resource_policy_services import SERVICE_SPECS
from iamtui.text import safe_text

_ATTACHED: Final = {User: (10, "20"), Role: (20, "25"), Group: (10, "")}
"""Managed policies of a user, role, group: the default and what it can be raised to."""

_INLINE: Final = {User: 2_048, Role: 10_240, Group: 5_120}
_MANAGED, _TRUST, _TRUST_RAISED = 6_144, 2_048, 8_192
_GROUPS, _VERSIONS = 10, 5
_ORGANIZATION: Final = {SCP: (10, 10_240), RCP: (5, 5_120)}
"""Policies at one level, and characters of one."""


def counted_characters(document: PolicyDocument) -> int:
    """Characters that IAM counts: white space is free."""
    return len("".join(document.source_text.split()))


def quota_findings(before: Account, after: Account, touched: Mapping[str, int]) -> Iterator[DraftFinding]:
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
    """Whether the SCPs of a level are known, there are some, and none of them has an Allow."""
    if isinstance(level.scps, Missing) or not level.scps.value:
        return False
    return not any(
        statement.effect == "Allow"
        for policy in level.scps.value
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
            yield from _of_level(level)


def _of_holder(before: Account, holder: User | Group | Role) -> Iterator[str]:
    who = safe_text(entity_name(holder.arn))
    most, raised = _ATTACHED[type(holder)]
    if len(holder.attached_policies) > most:
        up_to = f", which can be raised to {raised}" if raised else ""
        yield f"{who} would have {len(holder.attached_policies)} managed policies; the quota is {most}{up_to}."
    was = before.by_arn(holder.arn)
    size = sum(counted_characters(policy.document) for policy in holder.inline_policies)
    inline_changed = not isinstance(was, (User, Group, Role)) or was.inline_policies != holder.inline_policies
    if inline_changed and size > _INLINE[type(holder)]:
        yield (
            f"The inline policies of {who} would have {size:,} characters together; "
            f"the quota is {_INLINE[type(holder)]:,}."
        )
    if isinstance(holder, User) and len(holder.groups) > _GROUPS:
        yield f"{who} would be in {len(holder.groups)} groups; the quota is {_GROUPS}."
    if isinstance(holder, Role) and isinstance(was, Role) and was.trust is not holder.trust:
        size = counted_characters(holder.trust)
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
    size = counted_characters(version.document)
    if size > _MANAGED:
        yield f"{name} would have {size:,} characters; the quota is {_MANAGED:,}."


def _of_level(level: OrganizationLevel) -> Iterator[str]:
    where = safe_text(level.name or level.id)
    for type_, fact in ((SCP, level.scps), (RCP, level.rcps)):
        if isinstance(fact, Missing):
            continue
        most, longest = _ORGANIZATION[type_]
        if len(fact.value) > most:
            yield f"{where} would have {len(fact.value)} {short_type(type_)}s; the quota is {most}."
        if type_ == SCP and not fact.value:
            yield (
                f"{where} would have no SCP, which denies everything below it; AWS refuses to detach the last one: "
                "attach another first."
            )
        for policy in fact.value:
            size = len(policy.document.source_text)
            if size > longest:
                yield (
                    f"The {short_type(type_)} {safe_text(policy.name)} has {size:,} characters; "
                    f"the quota is {longest:,}, white space included."
                )


def _of_resource(after: Account, resource: str) -> Iterator[str]:
    policy = after.resource_policies[resource]
    arn = parse_arn(resource)
    spec = SERVICE_SPECS.get(arn.service) if arn is not None else None
    longest = spec.most_bytes if spec is not None else None
    if longest is not None and policy.document is not None:
        size = len(policy.document.source_text.encode("utf-8", "replace"))
        if size > longest:
            yield f"The policy of {safe_text(resource)} has {size:,} bytes; the most is {longest:,}."


# Which policy documents differ between two accounts, for a diff.


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """One policy document that is added, changed or gone.

    Args:
        kind: "inline", "managed" (the default version of a customer managed policy), "trust", "scp", "rcp"
            or "resource".
        owner: whose it is: the ARN of the holder, policy, role or resource, or the id of the level.
        name: the policy's name; "" for a trust or resource policy.
        before, after: the document; None where there is none.
    """

    kind: str
    owner: str
    name: str
    before: PolicyDocument | None
    after: PolicyDocument | None

    @property
    def title(self) -> str:
        """What it is in a few words, raw: "inline policy Deploy of user/alice"."""
        if self.kind == "inline":
            return f"inline policy {self.name} of {entity_name(self.owner)}"
        if self.kind == "managed":
            return f"policy {policy_name(self.owner)}"
        if self.kind == "trust":
            return f"trust policy of {entity_name(self.owner)}"
        if self.kind == "resource":
            return f"policy of {self.owner}"
        return f"{self.kind.upper()} {self.name} at {self.owner}"


def changed_documents(before: Account, after: Account) -> tuple[DocumentChange, ...]:
    """The documents that differ, in the account's order; what both accounts share is not looked at.

    The texts of AWS's own policies, which nobody can change, are left out.
    """
    return tuple(_changes(before, after))


def _changes(before: Account, after: Account) -> Iterator[DocumentChange]:
    pairs = ((before.users, after.users), (before.groups, after.groups), (before.roles, after.roles))
    for old, new in pairs:
        if old is not new:
            for holder in new:
                was = before.by_arn(holder.arn)
                if was is not holder:
                    yield from _changes_of_holder(was if isinstance(was, (User, Group, Role)) else None, holder)
    if before.policies is not after.policies:
        for policy in after.policies:
            known = before.policy(policy.arn)
            if known is not policy and not policy.aws_managed:
                change = DocumentChange("managed", policy.arn, policy.name, _in_force(known), _in_force(policy))
                if change.before != change.after:
                    yield change
    yield from _of_levels(before, after)
    if before.resource_policies is not after.resource_policies:
        for arn in dict.fromkeys((*before.resource_policies, *after.resource_policies)):
            one, other = before.resource_policies.get(arn), after.resource_policies.get(arn)
            if one != other and not ((one and one.document) is None and (other and other.document) is None):
                yield DocumentChange(
                    "resource", arn, "", one.document if one else None, other.document if other else None
                )


def _in_force(policy: ManagedPolicy | None) -> PolicyDocument | None:
    version = policy.default_version if policy is not None else None
    return version.document if version is not None else None


def _changes_of_holder(was: User | Group | Role | None, holder: User | Group | Role) -> Iterator[DocumentChange]:
    if isinstance(holder, Role):
        trust = was.trust if isinstance(was, Role) else None
        if trust != holder.trust:
            yield DocumentChange("trust", holder.arn, "", trust, holder.trust)
    old = {policy.name: policy.document for policy in was.inline_policies} if was is not None else {}
    new = {policy.name: policy.document for policy in holder.inline_policies}
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield DocumentChange("inline", holder.arn, name, old.get(name), new.get(name))


def _of_levels(before: Account, after: Account) -> Iterator[DocumentChange]:
    if before.organization is after.organization:
        return
    old = {level.id: level for level in levels(before)}
    new = {level.id: level for level in levels(after)}
    shown: set[tuple[str, str]] = set()
    for level_id in dict.fromkeys((*old, *new)):
        for kind in ("scp", "rcp"):
            one, other = _named(old.get(level_id), kind), _named(new.get(level_id), kind)
            for name in dict.fromkeys((*one, *other)):
                was, now = one.get(name), other.get(name)
                # One policy, attached to several levels, has its text changed once.
                rewritten = was is not None and now is not None
                if was == now or (rewritten and (kind, name) in shown):
                    continue
                if rewritten:
                    shown.add((kind, name))
                yield DocumentChange(kind, level_id, name, was, now)


def _named(level: OrganizationLevel | None, kind: str) -> dict[str, PolicyDocument]:
    fact = None if level is None else level.rcps if kind == "rcp" else level.scps
    policies: tuple[OrganizationPolicy, ...] = () if fact is None or isinstance(fact, Missing) else fact.value
    return {policy.name: policy.document for policy in policies}


# What a draft no longer denies: the Deny statements of the account that its edits take away or change.


_EXCEPTING: Final = frozenset(("arnnotequals", "arnnotlike", "stringnotequals", "stringnotlike"))


def denial_findings(account: Account, draft: Draft) -> Iterator[DraftFinding]:
    """A finding for every edit that takes away or changes a Deny which the account has."""
    base = Standing(account)
    for number, edit in enumerate(draft.edits, 1):
        standing = Standing(account, draft.edits[: number - 1])
        known = _denies(edit.replaced(base))
        standing_now = _denies(edit.replaced(standing))
        before = [one for one in standing_now if one in known]
        after = _denies(brought_document(edit))
        said, kept = [_meaning(one) for one in after], {sid: one for one in after if (sid := _sid(one))}
        new = [one for one in after if one not in standing_now]
        for one in before:
            if _meaning(one) in said:
                continue
            sid = _sid(one)
            words = f"The Deny {safe_text(sid, limit=128)}" if sid else "A Deny without a Sid"
            if edit.detachment:
                sentence = f"{words} of {safe_text(edit.detachment)}."
            elif sid in kept and (excepted := _newly_excepted(one, kept[sid])):
                whom = safe_text(" and ".join(entity_name(arn) for arn in excepted))
                partly = all(any(_is_only_for(other, arn) for other in new) for arn in excepted)
                sentence = f"{words} denies {whom} less." if partly else f"{words} no longer denies {whom}."
            elif sid in kept or any(_about(one) == _about(other) for other in new):
                sentence = f"{words} is changed and may deny others less too."
            else:
                sentence = f"{words} is gone, for everyone that it denied something."
            yield DraftFinding(number, "denies less", sentence)


def _denies(document: PolicyDocument | None) -> list[dict[str, Any]]:
    if document is None or document.error is not None:
        return []
    value = document.value["Statement"]
    statements = value if isinstance(value, list) else [value]
    return [one for one in statements if isinstance(one, dict) and one.get("Effect") == "Deny"]


def _meaning(statement: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in statement.items() if key != "Sid"}


def _about(statement: dict[str, Any]) -> tuple[Any, Any]:
    """What a Deny is about, by which it is known again when its name changes."""
    return statement.get("Action"), statement.get("NotAction")


def _newly_excepted(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The ARNs that a Deny excepts now and did not before, where nothing else of it differs; else nothing."""
    rest_before, excepted_before = _exceptions(before)
    rest_after, excepted_after = _exceptions(after)
    more = [arn for arn in excepted_after if arn not in excepted_before]
    kept = all(arn in excepted_after for arn in excepted_before)
    return more if kept and rest_before == rest_after and not any("*" in arn or "?" in arn for arn in more) else []


def _is_only_for(statement: dict[str, Any], arn: str) -> bool:
    """Whether a Deny is about one ARN alone: what stays denied to an exception."""
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
                arns += [str(one) for one in value] if isinstance(value, list) else [str(value)]
        if kept != {}:
            rest[operator] = kept
    other = {key: value for key, value in _meaning(statement).items() if key != "Condition"}
    return {**other, "Condition": rest} if rest else other, arns


def _sid(statement: dict[str, Any]) -> str:
    sid = statement.get("Sid")
    return sid if isinstance(sid, str) else ""
