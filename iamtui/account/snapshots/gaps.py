"""What a source lacks as a whole: the visible list of what is missing, found once when it is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import UNSET

from iamtui.account.availability import Gap, Missing
from iamtui.account.model import Account, Group, Role, User
from iamtui.account.organization import ORGANIZATION_GAP
from iamtui.account.snapshots.format import SnapshotShape

_LISTED: Final = 5
"""How many names a gap lists before it only counts."""

_AUTHORIZATION_DETAILS: Final = "iam:GetAccountAuthorizationDetails"

_LISTS: Final = (
    ("users", "users", "UserDetailList"),
    ("groups", "groups", "GroupDetailList"),
    ("roles", "roles", "RoleDetailList"),
    ("policies", "managed policies", "Policies"),
)

_OPTIONAL: Final = (
    ("user_details", "last use of passwords", "iam:ListUsers"),
    ("role_details", "descriptions and longest sessions of roles", "iam:ListRoles"),
    ("access_keys", "access keys", "iam:ListAccessKeys"),
    ("mfa_devices", "MFA devices", "iam:ListMFADevices"),
    ("login_profiles", "console passwords", "iam:GetLoginProfile"),
    ("identity_providers", "identity providers", "iam:ListSAMLProviders"),
    ("resource_policies", "resource policies", ""),
)


def find_gaps(account: Account, pages: Sequence[SnapshotShape], *, from_file: bool) -> tuple[Gap, ...]:
    """What the pages lack: what they say themselves, then what can be seen; each thing once.

    Args:
        account: what was made of the pages.
        pages: the pages.
        from_file: whether nothing more can be asked for, so that each absent optional part is a gap.
    """
    gaps: dict[str, Gap] = {}
    for page in pages:
        for entry in page.missing or ():
            gaps.setdefault(entry.what, Gap(entry.what, entry.permission or "", entry.error or ""))
    found = [*_cut_short(pages), *_unnamed(account), *_without_document(account)]
    if from_file:
        found.extend((*_unlisted(pages), *_absent(account, pages)))
    for gap in found:
        gaps.setdefault(gap.what, gap)
    return tuple(gaps.values())


def _unlisted(pages: Sequence[SnapshotShape]) -> Iterator[Gap]:
    """Lists that a file lacks: it may have been asked for with a filter. (AWS itself may leave empty ones out.)"""
    for field, what, key in _LISTS:
        if all(getattr(page, field) is UNSET for page in pages):
            yield Gap(what, _AUTHORIZATION_DETAILS, f"there is no {key}")


def _cut_short(pages: Sequence[SnapshotShape]) -> Iterator[Gap]:
    last = pages[-1]
    if last.is_truncated or last.next_token or (last.marker and last.is_truncated is None):
        yield Gap(
            "the rest of the account",
            _AUTHORIZATION_DETAILS,
            "it ends with a marker for a next page, so entities may be missing",
        )


def _unnamed(account: Account) -> Iterator[Gap]:
    if not account.id:
        yield Gap("the account id", "sts:GetCallerIdentity", "no ARN of an account in it")


def _without_document(account: Account) -> Iterator[Gap]:
    """Policies and groups that principals name and the source does not give: what they allow is unknown."""
    known = {policy.arn for policy in account.policies if policy.default_version is not None}
    lacking: dict[str, int] = {}
    holders: tuple[User | Group | Role, ...] = (*account.users, *account.groups, *account.roles)
    for holder in holders:
        named = [attached.arn for attached in holder.attached_policies]
        if not isinstance(holder, Group) and holder.boundary_arn:
            named.append(holder.boundary_arn)
        for arn in named:
            if arn not in known:
                lacking[arn] = lacking.get(arn, 0) + 1
    for aws_managed, owner in ((True, "AWS"), (False, "customer")):
        arns = sorted(arn for arn in lacking if (":iam::aws:" in arn) is aws_managed)
        if arns:
            what = f"documents of {_count(arns, f'{owner} managed policy', f'{owner} managed policies')}"
            yield Gap(what, "iam:GetPolicyVersion", f"named but not given: {_some(arns)}")
    given = {group.name for group in account.groups}
    groups = sorted({name for user in account.users for name in user.groups} - given)
    if groups:
        yield Gap(
            f"{_count(groups, 'group', 'groups')} that users are in",
            _AUTHORIZATION_DETAILS,
            f"named but not given: {_some(groups)}",
        )
    untrusted = [role.name for role in account.roles if not role.trust.raw]
    if untrusted:
        what = f"trust policies of {_count(untrusted, 'role', 'roles')}"
        yield Gap(what, "iam:GetRole", f"not given: {_some(untrusted)}")


def _absent(account: Account, pages: Sequence[SnapshotShape]) -> Iterator[Gap]:
    if isinstance(account.organization, Missing):
        yield Gap(ORGANIZATION_GAP, "organizations:DescribeOrganization", "not in the snapshot")
    for field, what, permission in _OPTIONAL:
        if all(getattr(page, field) is None for page in pages):
            yield Gap(what, permission, "not in the snapshot")


def _count(names: Sequence[str], one: str, many: str) -> str:
    return f"{len(names)} {one if len(names) == 1 else many}"


def _some(names: Sequence[str]) -> str:
    listed = ", ".join(names[:_LISTED])
    more = len(names) - _LISTED
    return f"{listed} and {more} more" if more > 0 else listed
