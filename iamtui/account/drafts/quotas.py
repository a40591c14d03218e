"""What a draft would leave above AWS's default quotas: findings, for a quota can be raised.

Figures: IAM User Guide, "IAM and AWS STS quotas"; AWS Organizations User Guide, "Quotas for AWS Organizations".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from iamtui.account.availability import Missing
from iamtui.account.drafts.ledger import DraftFinding
from iamtui.account.drafts.words import RCP, SCP, entity_name, find_level, policy_name, short_type
from iamtui.account.model import Account, Group, ManagedPolicy, Role, User
from iamtui.account.organization import OrganizationLevel
from iamtui.policy.arn import parse_arn
from iamtui.policy.document import PolicyDocument
from iamtui.text import safe_text

_ATTACHED: Final = {User: (10, "20"), Role: (20, "25"), Group: (10, "")}
"""Managed policies of a user, role, group: the default and what it can be raised to."""

_INLINE: Final = {User: 2_048, Role: 10_240, Group: 5_120}
_MANAGED, _TRUST, _TRUST_RAISED = 6_144, 2_048, 8_192
_GROUPS, _VERSIONS = 10, 5
_ORGANIZATION: Final = {SCP: (10, 10_240), RCP: (5, 5_120)}
"""Policies at one level, and characters of one."""

_RESOURCE: Final = {"s3": 20 * 1024, "kms": 32 * 1024}


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
    longest = _RESOURCE.get(arn.service) if arn is not None else None
    if longest is not None and policy.document is not None:
        size = len(policy.document.source_text.encode("utf-8", "replace"))
        if size > longest:
            yield f"The policy of {safe_text(resource)} has {size:,} bytes; the most is {longest:,}."
