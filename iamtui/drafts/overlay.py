"""Laying a draft's edits over an account, which stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, assert_never

from iamtui.account.model import (
    DRAFTED_FROM,
    Account,
    AttachedPolicy,
    Fact,
    Group,
    InlinePolicy,
    Known,
    ManagedPolicy,
    Missing,
    Organization,
    OrganizationLevel,
    OrganizationPolicy,
    PolicyVersion,
    ResourcePolicy,
    Role,
    User,
)
from iamtui.drafts.checks import DocumentChange, changed_documents, denial_findings, quota_findings
from iamtui.drafts.edits import (
    AddUserToGroup,
    AttachPolicy,
    DeleteInlinePolicy,
    DeletePermissionsBoundary,
    DeleteResourcePolicy,
    DetachOrganizationPolicy,
    DetachPolicy,
    Draft,
    Edit,
    PutInlinePolicy,
    PutManagedPolicy,
    PutOrganizationPolicy,
    PutPermissionsBoundary,
    PutResourcePolicy,
    RemoveUserFromGroup,
    UpdateTrustPolicy,
)
from iamtui.drafts.ledger import DraftFinding, Ledger, Managed, Misfit
from iamtui.drafts.words import RCP, SCP, describe_edit, entity_name, policy_name, short_type
from iamtui.policy.arn import Arn, parse_arn
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.text import safe_text

# Edits around the account's own entities: policies of its organization and of resources.


_OF_AWS = ":organizations::aws:policy/"
_UNDETACHABLE = "RCPFullAWSAccess"


def lay_surroundings(
    ledger: Ledger, edit: PutOrganizationPolicy | DetachOrganizationPolicy | PutResourcePolicy | DeleteResourcePolicy
) -> None:
    """Lay one edit.

    Raises:
        Misfit: it does not fit the account.
    """
    match edit:
        case PutOrganizationPolicy():
            _put_organization_policy(ledger, edit)
        case DetachOrganizationPolicy():
            _detach_organization_policy(ledger, edit)
        case PutResourcePolicy(resource, text):
            _put_resource_policy(ledger, resource, text)
        case DeleteResourcePolicy(resource):
            _delete_resource_policy(ledger, resource)
        case _ as never:
            assert_never(never)


def policies_at(level: OrganizationLevel, type_: str) -> Fact[tuple[OrganizationPolicy, ...]]:
    """The policies of a type ("SERVICE_CONTROL_POLICY" or "RESOURCE_CONTROL_POLICY") at a level."""
    return level.rcps if type_ == RCP else level.scps


def _attached(ledger: Ledger, type_: str, level_id: str) -> tuple[OrganizationLevel, tuple[OrganizationPolicy, ...]]:
    if type_ not in (SCP, RCP):
        raise Misfit(
            f"{safe_text(type_, limit=64) or 'an empty text'} is no type of organization policy",
            f"Expected {SCP} or {RCP}.",
        )
    path = ledger.organization.path
    level = next((level for level in path if level.id == level_id), None)
    if level is None:
        known = ", ".join(f"{safe_text(level.id)} ({safe_text(level.name)})" for level in path) or "none is loaded"
        raise Misfit(
            f"there is no level {safe_text(level_id, limit=64) or 'without an id'} above the account",
            f"Levels, the root first: {known}.",
        )
    fact = policies_at(level, type_)
    if isinstance(fact, Missing):
        raise Misfit(
            f"the {short_type(type_)}s of {safe_text(level.name or level.id)} are not loaded "
            f"({safe_text(fact.reason)}), so what would be in force there is unknown",
            "Open the account with a caller that may read them, or leave the edit out.",
        )
    return level, fact.value


def _put_organization_policy(ledger: Ledger, edit: PutOrganizationPolicy) -> None:
    level, attached = _attached(ledger, edit.type, edit.level_id)
    if not edit.name.strip() or len(edit.name) > 128:
        raise Misfit("an organization policy needs a name of 1 to 128 characters", "Give it one.")
    organization = ledger.organization
    now = next((policy for policy in attached if policy.name == edit.name), None)
    elsewhere = [
        (other, policy)
        for other in organization.path
        if other.id != level.id and isinstance(fact := policies_at(other, edit.type), Known)
        for policy in fact.value
        if policy.name == edit.name
    ]
    same = now or (elsewhere[0][1] if elsewhere else None)
    document = ledger.document(edit.document, same.document if same else None)
    if now is not None and document is now.document:
        ledger.find("no effect", f"The {short_type(edit.type)} {safe_text(edit.name)} already says this.")
        return
    if same is not None and document is not same.document and _OF_AWS in same.arn:
        raise Misfit(
            f"{safe_text(edit.name)} is AWS's own policy, which only AWS changes",
            "Attach a policy under a name of your own, and detach this one.",
        )
    put = OrganizationPolicy(same.arn if same else "", edit.name, document)
    if now is None:
        organization = _exchanged(organization, edit.type, level.id, (*attached, put))
    else:
        replaced = tuple(put if policy is now else policy for policy in attached)
        organization = _exchanged(organization, edit.type, level.id, replaced)
    if same is not None and document is not same.document:
        # Names are unique in an organization: it is one policy, and its text changes wherever it is attached.
        for other, policy in elsewhere:
            fact = policies_at(other, edit.type)
            assert isinstance(fact, Known)
            exchanged = tuple(put if entry is policy else entry for entry in fact.value)
            organization = _exchanged(organization, edit.type, other.id, exchanged)
    ledger.put_organization(organization)
    ledger.touched[level.id] = ledger.number
    if same is not None and document is not same.document:
        ledger.find(
            "unknown",
            f"The {short_type(edit.type)} {safe_text(edit.name)} changes for every account it applies to; "
            "what that does to the others is not known here.",
        )
    elif level.type != "ACCOUNT":
        ledger.find(
            "unknown",
            f"{safe_text(level.name or level.id)} stands above other accounts too; "
            "what the edit does to them is not known here.",
        )


def _exchanged(
    organization: Organization, type_: str, level_id: str, policies: tuple[OrganizationPolicy, ...]
) -> Organization:
    def at(level: OrganizationLevel) -> OrganizationLevel:
        if level.id != level_id:
            return level
        return replace(level, rcps=Known(policies)) if type_ == RCP else replace(level, scps=Known(policies))

    return replace(organization, path=tuple(at(level) for level in organization.path))


def _detach_organization_policy(ledger: Ledger, edit: DetachOrganizationPolicy) -> None:
    level, attached = _attached(ledger, edit.type, edit.level_id)
    left = tuple(policy for policy in attached if policy.name != edit.name)
    if len(left) == len(attached):
        names = ", ".join(safe_text(policy.name, limit=128) for policy in attached) or "nothing"
        raise Misfit(
            f"the {short_type(edit.type)} {safe_text(edit.name, limit=128) or 'without a name'} is not attached to "
            f"{safe_text(level.name or level.id)}",
            f"Attached there: {names}.",
        )
    if edit.type == RCP and edit.name == _UNDETACHABLE:
        raise Misfit(
            f"{_UNDETACHABLE} cannot be detached: AWS keeps it at every level", "Attach an RCP that denies instead."
        )
    ledger.put_organization(_exchanged(ledger.organization, edit.type, level.id, left))
    ledger.touched[level.id] = ledger.number
    if level.type != "ACCOUNT":
        ledger.find(
            "unknown",
            f"{safe_text(level.name or level.id)} stands above other accounts too; "
            "what the edit does to them is not known here.",
        )


def _resource(ledger: Ledger, text: str) -> Arn:
    arn = parse_arn(text)
    shown = safe_text(text, limit=512) or "an empty text"
    if arn is None or not arn.resource or "*" in text or "?" in text:
        raise Misfit(f"expected the ARN of one resource, and {shown} is none", "Write it as arn:aws:s3:::bucket.")
    if arn.service in ("iam", "sts"):
        raise Misfit(f"{shown} has no resource policy", "A role's trust policy is changed by an edit of its own kind.")
    if arn.service == "s3" and not arn.account and "/" in arn.resource:
        bucket = arn.resource.split("/", 1)[0]
        raise Misfit(
            f"{shown} is an object, and policies belong to buckets",
            f"Name arn:{safe_text(arn.partition)}:s3:::{safe_text(bucket)}.",
        )
    if arn.account and arn.account not in (ledger.base.id, "aws"):
        ledger.find(
            "unknown", f"{shown} belongs to account {safe_text(arn.account)}, which would have to make this edit."
        )
    return arn


def _put_resource_policy(ledger: Ledger, resource: str, text: str) -> None:
    _resource(ledger, resource)
    now = ledger.resource_policy(resource)
    document = ledger.document(text, now.document if now else None)
    if now is not None and now.state == "present" and document is now.document:
        ledger.find("no effect", f"The policy of {safe_text(resource)} already says this.")
        return
    if now is None or now.state == "denied":
        ledger.find(
            "unknown", f"The policy that {safe_text(resource)} has now is not loaded; the edit replaces all of it."
        )
    ledger.put_resource_policy(resource, ResourcePolicy("present", document))


def _delete_resource_policy(ledger: Ledger, resource: str) -> None:
    arn = _resource(ledger, resource)
    now = ledger.resource_policy(resource)
    if now is not None and now.state == "none":
        raise Misfit(f"{safe_text(resource)} has no policy", "Leave the edit out.")
    if arn.service == "kms":
        raise Misfit("a KMS key always has exactly one key policy", "Replace the policy instead of deleting it.")
    if now is None or now.state == "denied":
        ledger.find("unknown", f"Whether {safe_text(resource)} has a policy now is not loaded.")
    ledger.put_resource_policy(resource, ResourcePolicy("none"))


__all__ = [
    "DocumentChange",
    "DraftFinding",
    "DraftProblem",
    "LaidDraft",
    "apply_draft",
    "changed_documents",
    "describe_edit",
    "lay_draft",
]

_POLICY_NAME: Final = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
"""What IAM takes as the name of a policy (IAM API Reference: PutUserPolicy)."""


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
            _lay(ledger, edit)
        except Misfit as misfit:
            words = describe_edit(edit, account, draft.edits[: number - 1])
            problems.append(DraftProblem(number, words, misfit.sentence, misfit.next_step))
    after = ledger.account()
    after.memo[DRAFTED_FROM] = account
    findings = (*ledger.findings, *denial_findings(account, draft), *quota_findings(account, after, ledger.touched))
    return LaidDraft(after, tuple(problems), tuple(sorted(findings, key=lambda finding: finding.edit)))


def _lay(ledger: Ledger, edit: Edit) -> None:
    match edit:
        case AttachPolicy(holder, policy):
            _attach(ledger, holder, policy)
        case DetachPolicy(holder, policy):
            _detach(ledger, holder, policy)
        case PutInlinePolicy():
            _put_inline(ledger, edit)
        case DeleteInlinePolicy(holder, name):
            _delete_inline(ledger, holder, name)
        case PutManagedPolicy():
            _put_managed(ledger, edit)
        case AddUserToGroup(user, group):
            _add_to_group(ledger, user, group)
        case RemoveUserFromGroup(user, group):
            _remove_from_group(ledger, user, group)
        case PutPermissionsBoundary(holder, policy):
            _put_boundary(ledger, holder, policy)
        case DeletePermissionsBoundary(holder):
            _delete_boundary(ledger, holder)
        case UpdateTrustPolicy():
            _update_trust(ledger, edit)
        case _:
            lay_surroundings(ledger, edit)


def _managed_policy(ledger: Ledger, name_or_arn: str) -> AttachedPolicy:
    """The managed policy meant, added to the account's records when it is one of AWS that the account lacks."""
    found = ledger.policy(name_or_arn)
    if found is None:
        found = ledger.managed(name_or_arn)
        if found is not None and ledger.policy(found.arn) is None:
            ledger.put(found)
            ledger.find(
                "unknown",
                f"The text of {safe_text(found.name)} is the one that came with iamtui; AWS may have a newer version.",
            )
    if found is not None:
        if found.default_version is None:
            ledger.find(
                "unknown",
                f"The text of {safe_text(found.name)} is not loaded, so what it allows or denies is unknown.",
            )
        return AttachedPolicy(found.name, found.arn)
    arn = parse_arn(name_or_arn)
    shown = safe_text(name_or_arn, limit=512) or "an empty text"
    if arn is None or arn.service != "iam" or arn.resource_type != "policy" or not arn.name:
        raise Misfit(
            f"expected the ARN of a managed policy, and {shown} is none",
            "Give its ARN; an inline policy cannot be attached or be a boundary.",
        )
    if arn.account != "aws":
        raise Misfit(
            f"account {ledger.base.id} has no policy {shown}",
            "Correct the ARN, or create the policy with an earlier edit.",
        )
    ledger.find("unknown", f"The text of {shown} is not known here, so what it allows or denies is unknown.")
    return AttachedPolicy(arn.name, name_or_arn)


def _counted(ledger: Ledger, policy_arn: str, attachments: int = 0, boundaries: int = 0) -> None:
    """Keep the usage counts of a policy's record right, where they are known."""
    policy = ledger.policy(policy_arn)
    if policy is None:
        return

    def moved(count: Fact[int], by: int) -> Fact[int]:
        return count if isinstance(count, Missing) or by == 0 else Known(max(0, count.value + by))

    changed = replace(
        policy,
        attachment_count=moved(policy.attachment_count, attachments),
        boundary_count=moved(policy.boundary_count, boundaries),
    )
    if changed != policy:
        ledger.put(changed)


def _attach(ledger: Ledger, holder_arn: str, policy: str) -> None:
    holder = ledger.holder(holder_arn)
    attached = _managed_policy(ledger, policy)
    if any(entry.arn == attached.arn for entry in holder.attached_policies):
        ledger.find("no effect", f"{policy_name(attached.arn)} is already attached to {entity_name(holder.arn)}.")
        return
    ledger.put(replace(holder, attached_policies=(*holder.attached_policies, attached)))
    _counted(ledger, attached.arn, attachments=1)


def _detach(ledger: Ledger, holder_arn: str, policy: str) -> None:
    holder = ledger.holder(holder_arn)
    left = tuple(entry for entry in holder.attached_policies if entry.arn != policy)
    if len(left) == len(holder.attached_policies):
        raise Misfit(
            f"{safe_text(policy_name(policy))} is not attached to {safe_text(entity_name(holder.arn))}",
            _not_there("Attached", (policy_name(entry.arn) for entry in holder.attached_policies)),
        )
    ledger.put(replace(holder, attached_policies=left))
    _counted(ledger, policy, attachments=-1)


def _listed(what: str, names: Iterable[str]) -> str:
    shown = [safe_text(name, limit=128) for name in names]
    if not shown:
        return f"{what}: nothing. Leave the edit out."
    more = f" and {len(shown) - 8} more" if len(shown) > 8 else ""
    return f"{what}: {', '.join(shown[:8])}{more}."


def _not_there(what: str, names: Iterable[str]) -> str:
    """What to do about an edit that takes away what is not there: its commands may have been run since."""
    return f"{_listed(what, names).removesuffix(' Leave the edit out.')} Take the edit out if it has been made already."


def _put_inline(ledger: Ledger, edit: PutInlinePolicy) -> None:
    holder = ledger.holder(edit.holder_arn)
    if not _POLICY_NAME.fullmatch(edit.name):
        raise Misfit(
            f"{safe_text(edit.name, limit=160) or 'an empty text'} is not a name for a policy",
            "Use 1 to 128 letters, digits and characters of +=,.@-_.",
        )
    now = next((policy for policy in holder.inline_policies if policy.name == edit.name), None)
    document = ledger.document(edit.document, now.document if now else None)
    if now is not None and document is now.document:
        ledger.find("no effect", f"The inline policy {edit.name} of {entity_name(holder.arn)} already says this.")
        return
    put = InlinePolicy(edit.name, document)
    policies = tuple(put if policy is now else policy for policy in holder.inline_policies)
    ledger.put(replace(holder, inline_policies=policies if now is not None else (*policies, put)))


def _delete_inline(ledger: Ledger, holder_arn: str, name: str) -> None:
    holder = ledger.holder(holder_arn)
    left = tuple(policy for policy in holder.inline_policies if policy.name != name)
    if len(left) == len(holder.inline_policies):
        raise Misfit(
            f"{safe_text(entity_name(holder.arn))} has no inline policy "
            f"{safe_text(name, limit=160) or 'without a name'}",
            _not_there("Its inline policies", (policy.name for policy in holder.inline_policies)),
        )
    ledger.put(replace(holder, inline_policies=left))


def _put_managed(ledger: Ledger, edit: PutManagedPolicy) -> None:
    account = ledger.base
    arn = parse_arn(edit.policy_arn)
    shown = safe_text(edit.policy_arn, limit=512) or "an empty text"
    if arn is not None and arn.account == "aws" and arn.service == "iam":
        raise Misfit(
            f"{shown} is AWS's own policy, which only AWS changes",
            "Create a policy of your own with its text, and attach that instead.",
        )
    if (
        arn is None
        or (arn.partition, arn.service, arn.account) != (account.partition, "iam", account.id)
        or arn.resource_type != "policy"
        or not _POLICY_NAME.fullmatch(arn.name)
    ):
        raise Misfit(
            f"expected the ARN of a customer managed policy of account {account.id}, and {shown} is none",
            f"Write it as arn:{account.partition}:iam::{account.id}:policy/NAME.",
        )
    policy = ledger.policy(edit.policy_arn)
    if policy is None:
        version = PolicyVersion("v1", ledger.document(edit.document), is_default=True)
        nobody: Fact[int] = Known(0)
        ledger.put(ManagedPolicy(arn.name, arn.path, str(arn), "", None, (version,), nobody, nobody))
        return
    now = policy.default_version
    document = ledger.document(edit.document, now.document if now else None)
    if now is not None and document is now.document:
        ledger.find("no effect", f"The policy {policy_name(policy.arn)} already says this.")
        return
    ledger.put(replace(policy, versions=_with_version(ledger, policy, document)))


def _with_version(ledger: Ledger, policy: ManagedPolicy, document: PolicyDocument) -> tuple[PolicyVersion, ...]:
    """The versions with the document as the new default one; a version that this draft made is replaced."""
    before = ledger.base.policy(policy.arn)
    kept = before.versions if before is not None else ()
    numbers = [int(version.id[1:]) for version in kept if version.id[1:].isdigit()]
    new = PolicyVersion(f"v{max(numbers, default=0) + 1}", document, is_default=True)
    return (new, *(replace(version, is_default=False) if version.is_default else version for version in kept))


def _group_and_user(ledger: Ledger, user_arn: str, group_arn: str) -> tuple[User, Group]:
    user, group = ledger.entity(user_arn), ledger.entity(group_arn)
    if not isinstance(user, User):
        raise Misfit(
            f"expected a user of account {ledger.base.id}, and {safe_text(user_arn) or 'an empty text'} is none",
            "Only users are members of groups; correct the ARN.",
        )
    if not isinstance(group, Group):
        raise Misfit(
            f"expected a group of account {ledger.base.id}, and {safe_text(group_arn) or 'an empty text'} is none",
            _listed("Its groups", (group.name for group in ledger.base.groups)),
        )
    return user, group


def _add_to_group(ledger: Ledger, user_arn: str, group_arn: str) -> None:
    user, group = _group_and_user(ledger, user_arn, group_arn)
    if group.name in user.groups:
        ledger.find("no effect", f"{entity_name(user.arn)} is already in {entity_name(group.arn)}.")
        return
    ledger.put(replace(user, groups=(*user.groups, group.name)))


def _remove_from_group(ledger: Ledger, user_arn: str, group_arn: str) -> None:
    user, group = _group_and_user(ledger, user_arn, group_arn)
    if group.name not in user.groups:
        raise Misfit(
            f"{safe_text(entity_name(user.arn))} is not in {safe_text(entity_name(group.arn))}",
            _not_there("Its groups", user.groups),
        )
    ledger.put(replace(user, groups=tuple(name for name in user.groups if name != group.name)))


def _bounded(ledger: Ledger, arn: str) -> User | Role:
    holder = ledger.holder(arn)
    if isinstance(holder, Group):
        raise Misfit(
            f"{safe_text(entity_name(arn))} is a group, and only users and roles have a permissions boundary",
            "Name a user or a role.",
        )
    return holder


def _put_boundary(ledger: Ledger, holder_arn: str, policy: str) -> None:
    holder = _bounded(ledger, holder_arn)
    boundary = _managed_policy(ledger, policy)
    if holder.boundary_arn == boundary.arn:
        ledger.find("no effect", f"{policy_name(boundary.arn)} already is the boundary of {entity_name(holder.arn)}.")
        return
    if holder.boundary_arn is not None:
        _counted(ledger, holder.boundary_arn, boundaries=-1)
    ledger.put(replace(holder, boundary_arn=boundary.arn))
    _counted(ledger, boundary.arn, boundaries=1)


def _delete_boundary(ledger: Ledger, holder_arn: str) -> None:
    holder = _bounded(ledger, holder_arn)
    if holder.boundary_arn is None:
        who = safe_text(entity_name(holder_arn))
        raise Misfit(f"{who} has no permissions boundary", "Take the edit out if it has been made already.")
    _counted(ledger, holder.boundary_arn, boundaries=-1)
    ledger.put(replace(holder, boundary_arn=None))


def _update_trust(ledger: Ledger, edit: UpdateTrustPolicy) -> None:
    role = ledger.role(edit.role_arn)
    document = ledger.document(edit.document, role.trust)
    if document is role.trust:
        ledger.find("no effect", f"The trust policy of {entity_name(role.arn)} already says this.")
        return
    ledger.put(replace(role, trust=document))
