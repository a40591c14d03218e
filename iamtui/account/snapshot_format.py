"""The file format of an account: what GetAccountAuthorizationDetails prints, and iamtui's own superset of it.

One JSON object, of which every key may be missing and unknown keys are ignored; docs/snapshot-format.md describes it.
Documents are objects, JSON text or percent-encoded JSON text; dates are ISO 8601 text or seconds since 1970. Of what
iamtui adds (lower case), absent means "not asked": the facts become Missing. Present means "asked": an empty list, or a
null inside it, is the answer "none".
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from iamtui.account.identity_center import IdentityCenter
from iamtui.account.model import LEVEL_ID, PasswordPolicy, Unread, Whole

FORMAT_VERSION: Final = 2
"""The newest version of iamtui's superset that is read. Written is 1, which more programs read, where nothing of an
entity is "unread": they would take that for none."""

When: TypeAlias = str | float | None
"""A date as a file holds it."""


Name: TypeAlias = Annotated[str, msgspec.Meta(max_length=512)]
"""A name or a path, which is repeated for each statement; the limit is above every limit of AWS."""
ArnText: TypeAlias = Annotated[str, msgspec.Meta(max_length=2048)]


def _refuse_unnamed(named: str | None) -> None:
    """Refuse an entry without a name at once, since a file may hold millions of them."""
    if not named:
        raise ValueError("an entry without name and ARN")


class PolicyShape(Struct, rename="pascal", gc=False):
    """An inline policy."""

    policy_name: Name
    policy_document: Raw = msgspec.field(default_factory=Raw)


class AttachmentShape(Struct, rename="pascal", gc=False):
    """The attachment of a managed policy; the name may be missing."""

    policy_arn: ArnText
    policy_name: Name | None = None


class BoundaryShape(Struct, rename="pascal", gc=False):
    """A permissions boundary; its type says nothing, so it is not read."""

    permissions_boundary_arn: ArnText | None = None


class TagShape(Struct, rename="pascal", gc=False):
    """A tag; AWS allows 128 characters of a key and 256 of a value."""

    key: Name
    value: Name = ""


class UserShape(Struct, rename="pascal"):
    """An entry of UserDetailList."""

    user_name: Name | None = None
    path: Name | None = None
    arn: ArnText | None = None
    user_id: Name | None = None
    create_date: When = None
    group_list: list[Name] | None = None
    user_policy_list: list[PolicyShape] | None = None
    attached_managed_policies: list[AttachmentShape] | None = None
    permissions_boundary: BoundaryShape | None = None
    tags: list[TagShape] | None = None

    def __post_init__(self) -> None:
        _refuse_unnamed(self.user_name or self.arn)


class GroupShape(Struct, rename="pascal"):
    """An entry of GroupDetailList."""

    group_name: Name | None = None
    path: Name | None = None
    arn: ArnText | None = None
    group_id: Name | None = None
    create_date: When = None
    group_policy_list: list[PolicyShape] | None = None
    attached_managed_policies: list[AttachmentShape] | None = None

    def __post_init__(self) -> None:
        _refuse_unnamed(self.group_name or self.arn)


class RoleNameShape(Struct, rename="pascal"):
    """A role inside an instance profile; only its name matters."""

    role_name: Name | None = None
    arn: ArnText | None = None


class InstanceProfileShape(Struct, rename="pascal"):
    """An entry of InstanceProfileList."""

    instance_profile_name: Name | None = None
    path: Name | None = None
    arn: ArnText | None = None
    instance_profile_id: str | None = None
    create_date: When = None
    roles: list[RoleNameShape] | None = None
    tags: list[TagShape] | None = None


class LastUsedShape(Struct, rename="pascal", gc=False):
    """When and where a role was last used; both absent when never."""

    last_used_date: When = None
    region: str | None = None


class VersionShape(Struct, rename="pascal", gc=False):
    """A version of a managed policy."""

    version_id: str = ""
    is_default_version: bool = False
    create_date: When = None
    document: Raw = msgspec.field(default_factory=Raw)


class ManagedPolicyShape(Struct, rename="pascal"):
    """An entry of Policies."""

    policy_name: Name | None = None
    policy_id: str | None = None
    arn: ArnText | None = None
    path: Name | None = None
    default_version_id: str | None = None
    attachment_count: Whole | None = None
    permissions_boundary_usage_count: Whole | None = None
    description: str | UnsetType | None = UNSET
    create_date: When = None
    update_date: When = None
    policy_version_list: list[VersionShape] | None = None
    tags: list[TagShape] | None = None

    def __post_init__(self) -> None:
        _refuse_unnamed(self.policy_name or self.arn)


class RoleShape(ManagedPolicyShape, rename="pascal"):
    """An entry of RoleDetailList; some tools put managed policies among the roles, so it has their fields too."""

    role_name: Name | None = None
    role_id: Name | None = None
    assume_role_policy_document: Raw = msgspec.field(default_factory=Raw)
    role_policy_list: list[PolicyShape] | None = None
    attached_managed_policies: list[AttachmentShape] | None = None
    permissions_boundary: BoundaryShape | None = None
    role_last_used: LastUsedShape | UnsetType | None = UNSET
    instance_profile_list: list[InstanceProfileShape] | None = None

    def __post_init__(self) -> None:
        _refuse_unnamed(self.role_name or self.arn or self.policy_name)


_ACCOUNT_ID: Final = r"^[0-9]{12}\Z"
_ACCOUNT_ID_OR_NONE: Final = r"^([0-9]{12})?\Z"
_LEVEL_ID: Final = rf"^({LEVEL_ID})\Z"
EXPECTED: Final = {
    _ACCOUNT_ID: "the 12 digits of an account",
    _ACCOUNT_ID_OR_NONE: "the 12 digits of an account",
    _LEVEL_ID: "the id of a root (r-…), an OU (ou-…) or an account",
}
"""Descriptions of the id patterns for error messages."""

AccountId: TypeAlias = Annotated[str, msgspec.Meta(pattern=_ACCOUNT_ID)]


class HeaderShape(Struct):
    """The "iamtui" key."""

    version: int = 1
    account_id: AccountId | None = None
    alias: str | UnsetType | None = UNSET
    partition: str | None = None
    caller: str | None = None
    taken_at: When = None
    region: Name | None = None
    not_aws: str | None = None


class OrganizationPolicyShape(Struct, gc=False):
    """An SCP or RCP."""

    arn: ArnText = ""
    name: Name = ""
    document: Raw = msgspec.field(default_factory=Raw)


class LevelShape(Struct):
    """A step of the way from the root to the account."""

    id: Annotated[str, msgspec.Meta(pattern=_LEVEL_ID)]
    type: str
    name: Name = ""
    scps: list[OrganizationPolicyShape] | None = None
    rcps: list[OrganizationPolicyShape] | None = None


class OrganizationShape(Struct):
    """The "organization" key."""

    id: str
    management_account: Annotated[str, msgspec.Meta(pattern=_ACCOUNT_ID_OR_NONE)] = ""
    path: list[LevelShape] = msgspec.field(default_factory=list)
    delegated_administrators: dict[str, list[AccountId]] | None = None


class ResourcePolicyShape(Struct):
    """Policy of one resource, as far as it is known."""

    state: str
    document: Raw = msgspec.field(default_factory=Raw)
    permission: str = ""


class PublicAccessBlockShape(Struct, rename="pascal"):
    """The S3 Block Public Access switches of one bucket; only the one that changes decisions is read."""

    restrict_public_buckets: bool = False


class UserDetailShape(Struct, rename="pascal"):
    """Fields that ListUsers adds to a user."""

    password_last_used: When = None


class RoleDetailShape(Struct, rename="pascal"):
    """Fields that ListRoles adds to a role."""

    description: str | None = None
    max_session_duration: Whole | None = None


# These have the fields of the model's records, under the names of AWS: `snapshot_parts.record_of` makes one of the
# other, `snapshot_writer` the other of the one.


class AccessKeyShape(Struct):
    """An access key without its secret."""

    id: str = msgspec.field(name="AccessKeyId")
    status: str = msgspec.field(default="", name="Status")
    created: When = msgspec.field(default=None, name="CreateDate")
    last_used: When = msgspec.field(default=None, name="LastUsedDate")
    last_service: str | None = msgspec.field(default=None, name="ServiceName")
    last_region: Name | None = msgspec.field(default=None, name="Region")


class MfaDeviceShape(Struct):
    """A device of a user."""

    serial: str = msgspec.field(name="SerialNumber")
    enabled: When = msgspec.field(default=None, name="EnableDate")


class LoginProfileShape(Struct):
    """A console password."""

    created: When = msgspec.field(default=None, name="CreateDate")
    reset_required: bool = msgspec.field(default=False, name="PasswordResetRequired")


class ProviderShape(Struct):
    """A SAML or OIDC provider."""

    arn: ArnText
    type: str = ""
    name: Name | None = None
    created: When = None
    audiences: list[str] | None = None


class CredentialReportShape(Struct, rename="pascal"):
    """The credential report: its rows, each by the names of its columns; one that is absent is "N/A"."""

    rows: list[dict[str, str]]
    generated_time: When = None


class ServerCertificateShape(Struct):
    """An entry of what ListServerCertificates answers."""

    name: Name = msgspec.field(name="ServerCertificateName")
    arn: ArnText = msgspec.field(name="Arn")
    path: Name = msgspec.field(default="/", name="Path")
    id: str = msgspec.field(default="", name="ServerCertificateId")
    uploaded: When = msgspec.field(default=None, name="UploadDate")
    expires: When = msgspec.field(default=None, name="Expiration")


class ActionUseShape(Struct, rename="pascal"):
    """An action that AWS tracks by itself."""

    action_name: str
    last_accessed_time: When = None


class ServiceUseShape(Struct, rename="pascal"):
    """An entry of ServicesLastAccessed."""

    service_namespace: str
    last_authenticated: When = None
    last_authenticated_region: str | None = None
    tracked_actions_last_accessed: list[ActionUseShape] | None = None


class LastAccessedShape(Struct, rename="pascal"):
    """Response of GetServiceLastAccessedDetails about one entity."""

    services_last_accessed: list[ServiceUseShape]
    job_completion_date: When = None


class MissingShape(Struct):
    """Something the writer of the file could not read."""

    what: str
    permission: str | None = None
    error: str | None = None


class ConfigItemShape(Struct, rename="camel"):
    """A configuration item of AWS Config, in its snapshots or in what its API answers."""

    resource_type: str = ""
    resource_id: str = ""
    long_arn: ArnText | None = msgspec.field(default=None, name="ARN")
    arn: ArnText | None = None
    aws_account_id: AccountId | None = None
    account_id: AccountId | None = None
    configuration_item_status: str = ""
    captured: str | float | None = msgspec.field(default=None, name="configurationItemCaptureTime")
    configuration: Raw = msgspec.field(default_factory=Raw)
    tags: dict[Name, Name] | list[Any] | None = None


class SnapshotShape(Struct):
    """The whole file, or one page of it."""

    users: list[UserShape] | UnsetType | None = msgspec.field(default=UNSET, name="UserDetailList")
    groups: list[GroupShape] | UnsetType | None = msgspec.field(default=UNSET, name="GroupDetailList")
    roles: list[RoleShape] | UnsetType | None = msgspec.field(default=UNSET, name="RoleDetailList")
    policies: list[ManagedPolicyShape] | UnsetType | None = msgspec.field(default=UNSET, name="Policies")
    is_truncated: bool | None = msgspec.field(default=None, name="IsTruncated")
    marker: str | None = msgspec.field(default=None, name="Marker")
    next_token: str | None = msgspec.field(default=None, name="NextToken")
    iamtui: HeaderShape | None = None
    organization: OrganizationShape | UnsetType | None = UNSET
    resource_policies: dict[ArnText, ResourcePolicyShape] | None = None
    public_access_block: dict[str, PublicAccessBlockShape] | None = None
    kms_aliases: dict[str, str] | None = None
    user_details: dict[str, UserDetailShape] | None = None
    role_details: dict[str, RoleDetailShape] | None = None
    access_keys: dict[str, list[AccessKeyShape]] | None = None
    mfa_devices: dict[str, list[MfaDeviceShape]] | None = None
    login_profiles: dict[str, LoginProfileShape | None] | None = None
    instance_profiles: list[InstanceProfileShape] | None = None
    identity_providers: list[ProviderShape] | None = None
    account_summary: dict[str, Whole] | None = None
    password_policy: PasswordPolicy | UnsetType | None = UNSET
    credential_report: CredentialReportShape | None = None
    server_certificates: list[ServerCertificateShape] | None = None
    service_last_accessed: dict[str, LastAccessedShape] | None = None
    identity_center: IdentityCenter | None = None
    unread: dict[ArnText, list[Unread]] | None = None
    missing: list[MissingShape] | None = None
    configuration_items: list[ConfigItemShape] | None = msgspec.field(default=None, name="configurationItems")
    base_configuration_items: list[ConfigItemShape] | None = msgspec.field(default=None, name="baseConfigurationItems")
    results: list[str] | None = msgspec.field(default=None, name="Results")

    @property
    def is_of_config(self) -> bool:
        """True if it holds configuration items of AWS Config."""
        return any(one is not None for one in (self.configuration_items, self.base_configuration_items, self.results))

    @property
    def says_anything(self) -> bool:
        """True if the object is an account, and not JSON of another kind."""
        if self.is_of_config:
            return True
        lists = (self.users, self.groups, self.roles, self.policies)
        return self.iamtui is not None or any(found is not UNSET and found is not None for found in lists)


def snapshot_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a snapshot."""
    schema = msgspec.json.schema(SnapshotShape)
    text = {"type": ["object", "string"], "description": "A policy document: an object, JSON text or percent-encoded."}
    for name in ("configurationItems", "baseConfigurationItems", "Results"):
        del schema["$defs"]["SnapshotShape"]["properties"][name]
    del schema["$defs"]["ConfigItemShape"]
    for form in schema["$defs"].values():
        form.pop("description", None)
        for name, entry in form["properties"].items():
            form["properties"][name] = _without_python(entry) or text
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "iamtui snapshot", **schema}


def _without_python(schema: Any) -> Any:
    """A schema with the end of a text as JSON Schema writes it in a pattern."""
    if isinstance(schema, dict):
        return {key: _without_python(value) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_without_python(value) for value in schema]
    return schema.replace("\\Z", "$") if isinstance(schema, str) else schema
