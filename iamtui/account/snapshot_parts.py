"""Snapshot dates, tags, attachments and keys as parts of an Account's records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from sys import intern
from typing import Final, TypeVar

from msgspec import UNSET, Raw, Struct
from msgspec.structs import replace

from iamtui.account.model import (
    NOT_IN_SNAPSHOT,
    ORGANIZATION_GAP,
    REST_OF_ACCOUNT,
    UNLISTED,
    AccessKey,
    Account,
    AttachedPolicy,
    CredentialReport,
    CredentialReportRow,
    Fact,
    Gap,
    Group,
    IdentityProvider,
    Known,
    LastAccessed,
    LoginProfile,
    MfaDevice,
    Missing,
    Organization,
    OrganizationLevel,
    OrganizationPolicy,
    ResourcePolicy,
    ServiceUse,
    Tags,
    UnreadPart,
)
from iamtui.account.snapshot_format import (
    AccessKeyShape,
    AttachmentShape,
    CredentialReportShape,
    GroupShape,
    LastAccessedShape,
    LevelShape,
    OrganizationPolicyShape,
    OrganizationShape,
    RoleShape,
    SnapshotShape,
    TagShape,
    UserShape,
    When,
)
from iamtui.account.snapshot_reader import SnapshotProblem
from iamtui.policy.document import PolicyDocument
from iamtui.policy.patterns import Arn, is_account_id, parse_arn
from iamtui.problem import Problem
from iamtui.text import counted, first_of_texts

R = TypeVar("R")


def parse_time(value: When) -> datetime | None:
    """A date of a file as a datetime in UTC; None when there is none or it is unreadable.

    A text without a time zone is taken as UTC, which is what AWS means.
    """
    if value is None:
        return None
    try:
        if isinstance(value, str):
            try:
                found = datetime.fromisoformat(value.strip())
            except ValueError:
                found = datetime.fromtimestamp(float(value), UTC)
        else:
            found = datetime.fromtimestamp(value, UTC)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


_PARTITION: Final = re.compile(r"aws(-[a-z]+)*")


def arn_fault(arn: Arn, partition: str, *, of_aws: bool = False) -> str:
    """Fault of an IAM entity's ARN before its name, as the end of a sentence; "" for none.

    Args:
        partition: that of the account.
        of_aws: whether AWS may be the owner.
    """
    if not _PARTITION.fullmatch(arn.partition):
        return "where an ARN has a partition, such as aws"
    if arn.partition != partition:
        return f"where the partition of the account is {partition[:40]}"
    if arn.region:
        return "where an ARN of IAM has no Region"
    if is_account_id(arn.account) or (of_aws and arn.account == "aws"):
        return ""
    return "where an ARN of IAM has the 12 digits of an account"


_ALWAYS_PRINTED: Final[dict[type, dict[UnreadPart, str]]] = {
    UserShape: {"groups": "group_list", "attached policies": "attached_managed_policies", "tags": "tags"},
    GroupShape: {"inline policies": "group_policy_list", "attached policies": "attached_managed_policies"},
    RoleShape: {
        "inline policies": "role_policy_list",
        "attached policies": "attached_managed_policies",
        "tags": "tags",
    },
}
"""The lists that AWS prints even when they are empty. It leaves out the inline policies of a user who has none."""


def lists_lacking(shape: UserShape | GroupShape | RoleShape) -> list[UnreadPart]:
    """The parts of an entity that its entry does not tell: a list that AWS always prints is absent, or null."""
    return [part for part, key in _ALWAYS_PRINTED[type(shape)].items() if getattr(shape, key) is None]


def attached(shapes: list[AttachmentShape] | None) -> tuple[AttachedPolicy, ...]:
    """The attachments; a name that lacks comes from the ARN."""
    if not shapes:
        return ()
    return tuple(
        AttachedPolicy(intern(shape.policy_name or shape.policy_arn.rsplit("/", 1)[-1]), intern(shape.policy_arn))
        for shape in shapes
    )


def tags(shapes: list[TagShape] | None) -> Tags:
    return tuple((intern(shape.key), intern(shape.value)) for shape in shapes) if shapes else ()


_TIMES: Final = ("created", "last_used", "enabled", "uploaded", "expires")


def record_of(record: type[R], shape: Struct) -> R:
    """A record of the model from the shape with the same fields; what is null there is as the record has it."""
    given = {name: getattr(shape, name) for name in shape.__struct_fields__}
    times = {name: parse_time(value) for name, value in given.items() if name in _TIMES}
    return record(**{name: value for name, value in given.items() if value is not None} | times)


def records_of(record: type[R], shapes: Iterable[Struct]) -> tuple[R, ...]:
    return tuple(record_of(record, shape) for shape in shapes)


def access_keys(shapes: Iterable[AccessKeyShape]) -> tuple[AccessKey, ...]:
    return tuple(
        replace(key, last_service=_unless_na(key.last_service), last_region=_unless_na(key.last_region))
        for key in records_of(AccessKey, shapes)
    )


_NO_TEXT: Final = ("N/A", "no_information", "not_supported")
"""Values in the credential report for a key that was never used, or a fact that AWS does not know."""


def _unless_na(text: str) -> str:
    return "" if text in _NO_TEXT else text


# What a source lacks as a whole: the visible list of what is missing, found once when it is loaded.


_LISTED: Final = 5
"""How many names a gap lists before it only counts."""

_AUTHORIZATION_DETAILS: Final = "iam:GetAccountAuthorizationDetails"

_LISTS: Final = (
    ("users", "UserDetailList"),
    ("groups", "GroupDetailList"),
    ("roles", "RoleDetailList"),
    ("policies", "Policies"),
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

WITHOUT_VERDICT: Final = frozenset(
    (
        "the account alias",
        UNLISTED["instance profiles"],
        *(what for field, what, _ in _OPTIONAL if field != "resource_policies"),
    )
)
"""Names of gaps on which no verdict rests: what is counted or listed without them says so itself."""

GAPS_WITHOUT_NAMES: Final = frozenset(
    (REST_OF_ACCOUNT, ORGANIZATION_GAP, *UNLISTED.values(), *(what for _, what, _ in _OPTIONAL))
)
"""Subjects of gaps that name no entity of the account. Answers rest on some of them."""


def find_gaps(account: Account, pages: Sequence[SnapshotShape], *, from_file: bool) -> tuple[Gap, ...]:
    """Gaps of the pages: those they list themselves, then those that can be seen; each once.

    Args:
        account: what was made of the pages.
        pages: the pages.
        from_file: whether nothing more can be asked for, so that each absent optional part is a gap.
    """
    gaps: dict[str, Gap] = {}
    for page in pages:
        for entry in page.missing or ():
            gaps.setdefault(entry.what, Gap(entry.what, entry.permission or "", entry.error or ""))
    found: list[Gap] = []
    last = pages[-1]
    if last.is_truncated or last.next_token or (last.marker and last.is_truncated is None):
        why = "it ends with a marker for a next page, so entities may be missing"
        found.append(Gap(REST_OF_ACCOUNT, _AUTHORIZATION_DETAILS, why))
    if not account.id:
        found.append(Gap("the account id", "sts:GetCallerIdentity", "no ARN of an account in it"))
    found += _without_document(account)
    if from_file:
        found += _unlisted(pages)
        absent = [one[1:] for one in _OPTIONAL if all(getattr(page, one[0]) is None for page in pages)]
        if isinstance(account.organization, Missing):
            absent.insert(0, (ORGANIZATION_GAP, "organizations:DescribeOrganization"))
        found += (Gap(what, permission, NOT_IN_SNAPSHOT) for what, permission in absent)
    for gap in found:
        gaps.setdefault(gap.what, gap)
    return tuple(gaps.values())


def _unlisted(pages: Sequence[SnapshotShape]) -> Iterator[Gap]:
    """Gaps for lists that a file lacks, perhaps because of a filter. (AWS itself may omit empty ones.)

    An empty list of users or roles of the AWS CLI looks the same with a filter and without; every account has roles.
    """
    ours = any(page.iamtui is not None for page in pages)
    for field, key in _LISTS:
        what = UNLISTED[field]
        lists = [getattr(page, field) for page in pages]
        if all(found is UNSET for found in lists):
            yield Gap(what, _AUTHORIZATION_DETAILS, f"there is no {key}")
        elif not ours and field in ("users", "roles") and not any(found and found is not UNSET for found in lists):
            yield Gap(what, _AUTHORIZATION_DETAILS, f"the {key} is empty, as --filter leaves it")
    if not ours and all(page.instance_profiles is None for page in pages):
        yield Gap(UNLISTED["instance profiles"], "iam:ListInstanceProfiles", NOT_IN_SNAPSHOT)


def _without_document(account: Account) -> Iterator[Gap]:
    """Policies and groups that principals name and the source does not give: what they allow is unknown."""
    known = {policy.arn for policy in account.policies if policy.default_version is not None}
    lacking: dict[str, int] = {}
    for holder in account.identities:
        named = [attached.arn for attached in holder.attached_policies]
        if not isinstance(holder, Group) and holder.boundary_arn:
            named.append(holder.boundary_arn)
        for arn in named:
            if arn not in known:
                lacking[arn] = lacking.get(arn, 0) + 1
    for aws_managed, owner in ((True, "AWS"), (False, "customer")):
        arns = sorted(arn for arn in lacking if (":iam::aws:" in arn) is aws_managed)
        if arns:
            what = f"documents of {counted(len(arns), f'{owner} managed policy', f'{owner} managed policies')}"
            yield Gap(what, "iam:GetPolicyVersion", f"named but not given: {first_of_texts(arns, _LISTED)}")
    given = {group.name for group in account.groups}
    groups = sorted({name for user in account.users for name in user.groups} - given)
    if groups:
        yield Gap(
            f"{counted(len(groups), 'group')} that users are in",
            _AUTHORIZATION_DETAILS,
            f"named but not given: {first_of_texts(groups, _LISTED)}",
        )
    untrusted = [role.name for role in account.roles if not role.trust.raw]
    if untrusted:
        what = f"trust policies of {counted(len(untrusted), 'role')}"
        yield Gap(what, "iam:GetRole", f"not given: {first_of_texts(untrusted, _LISTED)}")


# What a snapshot says around the account's own entities: organization, resource policies, identity providers.


DocumentOf = Callable[[Raw], PolicyDocument]
MissingBut = Callable[[str], Missing]
"""Gives the Missing for a fact that this permission would have given."""


def identity_providers(
    pages: Sequence[SnapshotShape], missing: MissingBut, origin: str, partition: str
) -> Fact[tuple[IdentityProvider, ...]]:
    """The SAML and OIDC providers, when any page includes their list.

    Raises:
        Problem: one has an ARN that none can have.
    """
    asked = [page.identity_providers for page in pages if page.identity_providers is not None]
    if not asked:
        return missing("iam:ListSAMLProviders")
    for number, shape in enumerate(shape for several in asked for shape in several):
        arn = parse_arn(shape.arn)
        fault = "which is not an ARN" if arn is None else arn_fault(arn, partition)
        if fault:
            raise SnapshotProblem(f"{origin} has {shape.arn[:80]!r} at $.identity_providers[{number}].arn, {fault}.")
    return Known(
        tuple(
            IdentityProvider(
                arn=shape.arn,
                type=shape.type or ("SAML" if ":saml-provider/" in shape.arn else "OIDC"),
                name=shape.name or shape.arn.partition("-provider/")[2] or shape.arn,
                created=parse_time(shape.created),
                audiences=tuple(shape.audiences or ()),
            )
            for several in asked
            for shape in several
        )
    )


def organization(
    pages: Sequence[SnapshotShape], document: DocumentOf, missing: MissingBut
) -> Fact[Organization | None]:
    """The organization, of which all pages that speak of it say the same.

    Raises:
        Problem: they do not.
    """
    spoken = [page.organization for page in pages if page.organization is not UNSET]
    if any(each != spoken[0] for each in spoken):
        raise Problem(
            "Two pages name different organizations, or describe one differently: $.organization.",
            "Leave one of them out, or read the account again.",
        )
    for found in spoken[:1]:
        if isinstance(found, OrganizationShape):
            path = tuple(_level(shape, document, missing) for shape in found.path)
            delegates = found.delegated_administrators
            by_service = None if delegates is None else {service: tuple(ids) for service, ids in delegates.items()}
            return Known(Organization(found.id, found.management_account, path, by_service))
        if found is None:
            return Known(None)
    return missing("organizations:DescribeOrganization")


def _level(shape: LevelShape, document: DocumentOf, missing: MissingBut) -> OrganizationLevel:
    def policies(shapes: list[OrganizationPolicyShape] | None) -> Fact[tuple[OrganizationPolicy, ...]]:
        if shapes is None:
            return missing("organizations:ListPoliciesForTarget")
        return Known(tuple(OrganizationPolicy(one.arn, one.name, document(one.document)) for one in shapes))

    return OrganizationLevel(
        id=shape.id, name=shape.name, type=shape.type, scps=policies(shape.scps), rcps=policies(shape.rcps)
    )


def resource_policies(pages: Sequence[SnapshotShape], document: DocumentOf, origin: str) -> dict[str, ResourcePolicy]:
    """The resource policies by ARN.

    Raises:
        Problem: what is not the ARN of a resource, a state that is none, or "present" without a document.
    """
    found: dict[str, ResourcePolicy] = {}
    for page in pages:
        for arn, shape in (page.resource_policies or {}).items():
            parsed = parse_arn(arn)
            if parsed is None or (parsed.account and not is_account_id(parsed.account)):
                expected = "an ARN" if parsed is None else "an ARN with the 12 digits of an account, or without any"
                raise SnapshotProblem(
                    f"{origin} is not an account at $.resource_policies[{arn[:200]!r}]: expected {expected}."
                )
            present = shape.state == "present" and len(bytes(shape.document)) > 0
            if not present and shape.state not in ("none", "denied"):
                raise SnapshotProblem(
                    f"{origin} is not an account at $.resource_policies[{arn[:200]!r}]: expected the state "
                    f'"present" with a document, "none" or "denied", found {shape.state[:40]!r}.'
                )
            policy = ResourcePolicy(shape.state, document(shape.document) if present else None, shape.permission)
            if found.setdefault(arn, policy) != policy:
                raise Problem(
                    f"{origin} has the policy of {arn[:256]!r} twice, and differently: $.resource_policies.",
                    "Leave one of them out, or read the account again.",
                )
    return found


# Facts of the whole account beside its entities: the password policy, the credential report, certificates, last use.


_YES_NO: Final = {"true": True, "false": False, "n/a": False, "not_supported": False, "": False}
"""Yes and no in the credential report; the root user's password is "not_supported"."""


def credential_report(shape: CredentialReportShape) -> CredentialReport:
    """The credential report.

    Raises:
        ValueError: a user has two rows, or a cell is neither yes nor no; says where.
    """
    rows: dict[str, CredentialReportRow] = {}
    for index, row in enumerate(shape.rows):
        user = row.get("user", "")
        if not user or user in rows:
            raise ValueError(f"Rows[{index}]: {repr(user[:128]) + ' has a row already' if user else 'it has no user'}")
        rows[user] = _report_row(row, index)
    return CredentialReport(parse_time(shape.generated_time), tuple(rows.values()))


def _report_row(row: Mapping[str, str], index: int) -> CredentialReportRow:
    def says(column: str) -> bool:
        text = row.get(column, "N/A")
        if text.lower() not in _YES_NO:
            raise ValueError(f'Rows[{index}].{column}: expected "true", "false" or "N/A", found {text[:40]!r}')
        return _YES_NO[text.lower()]

    return CredentialReportRow(
        user=row["user"],
        arn=row.get("arn", ""),
        password_last_used=parse_time(row.get("password_last_used")),
        access_keys=tuple(key for number in (1, 2) if (key := _reported_key(row, number, says)) is not None),
        mfa_devices=(MfaDevice("", None),) if says("mfa_active") else (),
        login_profile=LoginProfile(parse_time(row.get("password_last_changed"))) if says("password_enabled") else None,
    )


def _reported_key(row: Mapping[str, str], number: int, says: Callable[[str], bool]) -> AccessKey | None:
    prefix = f"access_key_{number}_"
    active, created = says(f"{prefix}active"), parse_time(row.get(f"{prefix}last_rotated"))
    # Of a key that is not there, the report says that it is not active and knows no date.
    if not active and created is None:
        return None
    return AccessKey(
        id="",
        status="Active" if active else "Inactive",
        created=created,
        last_used=parse_time(row.get(f"{prefix}last_used_date")),
        last_service=_unless_na(row.get(f"{prefix}last_used_service", "")),
        last_region=_unless_na(row.get(f"{prefix}last_used_region", "")),
    )


def last_accessed(shape: LastAccessedShape) -> LastAccessed:
    """The services that an entity may use, with their last use."""
    return LastAccessed(
        parse_time(shape.job_completion_date),
        tuple(
            ServiceUse(
                service=service.service_namespace,
                last_used=parse_time(service.last_authenticated),
                region=service.last_authenticated_region or "",
                actions={
                    action.action_name: parse_time(action.last_accessed_time)
                    for action in service.tracked_actions_last_accessed or ()
                },
            )
            for service in shape.services_last_accessed
        ),
    )
