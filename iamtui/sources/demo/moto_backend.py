"""moto backend of the demo: an account put straight into moto's backend objects, and one session's answers from it.

Through boto3 seeding would take a hundred times as long, ids and dates would be of today, and iamtui would need to be
able to call operations that write. moto's classes are no documented API; its minor version is pinned and a test
reads everything back.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from moto.awslambda.models import lambda_backends
from moto.core.base_backend import AccountSpecificBackend
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.loaders import Loader
from moto.iam.models import (
    AccessKey,
    AccessKeyLastUsed,
    AccountPasswordPolicy,
    AWSManagedPolicy,
    Certificate,
    Group,
    IAMBackend,
    InstanceProfile,
    ManagedPolicy,
    MFADevice,
    OpenIDConnectProvider,
    PolicyVersion,
    Role,
    SAMLProvider,
    User,
    iam_backends,
)
from moto.kms.models import Key, kms_backends
from moto.organizations.models import (
    FakeAccount,
    FakeDelegatedAdministrator,
    FakeOrganization,
    FakeOrganizationalUnit,
    FakePolicy,
    FakeRoot,
    OrganizationsBackend,
    organizations_backends,
)
from moto.s3.models import FakeBucket, PublicAccessBlock, s3_backends
from moto.secretsmanager.models import FakeSecret, secretsmanager_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.sts.models import AssumedRole, sts_backends

from iamtui.account import model
from iamtui.account.model import (
    Account,
    Organization,
    OrganizationLevel,
    OrganizationPolicy,
    PasswordPolicy,
    ServerCertificate,
)
from iamtui.aws.session import session_without_settings
from iamtui.policy.patterns import Arn, parse_arn

_MOST_SESSIONS: Final = 32
"""How many of the sessions that it has given the demo's STS still knows."""


class MotoAnswers:
    """A `before-send` handler of botocore that answers from moto.

    moto's process-wide mock would answer the clients of real AWS too and write dummy keys into the environment that
    child shells inherit. Its stub, registered on one session only, does neither. Its backends are still one set for
    the process, so there is one demo in a process.
    """

    def __init__(self, account: Account) -> None:
        # moto too would prefer the models of ~/.aws/models.
        Loader.CUSTOMER_DATA_PATH = Loader.BUILTIN_DATA_PATH
        # moto's own session would fail on an AWS_PROFILE that does not exist.
        session = session_without_settings()
        AccountSpecificBackend.get_session = staticmethod(lambda: session)  # type: ignore[method-assign,assignment]
        seed(account)
        self._stub = BotocoreStubber()
        self._stub.enabled = True

    def __call__(self, *, event_name: str = "before-send", request: Any, **_more: Any) -> Any:
        """The response to a prepared request, or None when moto knows no such service."""
        response = self._stub(event_name, request)
        _forget_old_sessions()
        return response


def _forget_old_sessions() -> None:
    for partitions in sts_backends.values():
        for backend in partitions.values():
            for old in backend.assumed_roles[:-_MOST_SESSIONS]:
                iam_backends[old.account_id][old.partition].access_keys.pop(old.access_key_id, None)
            del backend.assumed_roles[:-_MOST_SESSIONS]
    kinds: tuple[Any, ...] = (AccessKey, AssumedRole)
    for kind in kinds:
        # All there ever were, for moto's own reset.
        kind.instances_tracked.clear()


# Puts an account's organization into moto.


_REGION = "us-east-1"
_SCP = "SERVICE_CONTROL_POLICY"
_RCP = "RESOURCE_CONTROL_POLICY"


def seed_organization(account_id: str, organization: Organization) -> None:
    """Put the levels above the account, and the policies of each, into moto's backend of that account."""
    backend = organizations_backends[account_id]["aws"]
    org = FakeOrganization(organization.management_account, _REGION, "ALL")
    org.id = organization.id
    org.root_id = organization.path[0].id
    backend.org = org
    for service, ids in (organization.delegated_administrators or {}).items():
        _add_delegates(backend, org, service, ids)
    policies: dict[str, FakePolicy] = {}
    parent = ""
    for level in organization.path:
        target = _add_level(backend, org, level, parent)
        for kind, attached in ((_SCP, level.scps), (_RCP, level.rcps)):
            for policy in attached.value_or(()):
                if policy.arn not in policies:
                    policies[policy.arn] = _add_organization_policy(backend, org, kind, policy)
                target.attached_policies.append(policies[policy.arn])
                policies[policy.arn].attachments.append(target)
        parent = level.id


def _add_delegates(backend: OrganizationsBackend, org: FakeOrganization, service: str, ids: tuple[str, ...]) -> None:
    if service not in FakeDelegatedAdministrator.SUPPORTED_SERVICES:
        # moto's list is older than the delegation of IAM.
        FakeDelegatedAdministrator.SUPPORTED_SERVICES.append(service)
    for id_ in ids:
        account = FakeAccount(org, AccountName=id_, Email=f"{id_}@puffin-parcel.example")
        account.id = id_
        delegate = FakeDelegatedAdministrator(account)
        delegate.add_service_principal(service)
        backend.admins.append(delegate)


def _add_level(
    backend: OrganizationsBackend, org: FakeOrganization, level: OrganizationLevel, parent: str
) -> FakeOrganizationalUnit | FakeAccount:
    if level.type == "ACCOUNT":
        account = FakeAccount(org, AccountName=level.name, Email=f"{level.name}@puffin-parcel.example")
        account.id = level.id
        account.parent_id = parent
        backend.accounts.append(account)
        return account
    unit: FakeOrganizationalUnit
    if level.type == "ROOT":
        unit = FakeRoot(org, Name=level.name)
        unit.add_policy_type(_SCP)
        unit.add_policy_type(_RCP)
    else:
        unit = FakeOrganizationalUnit(org, Name=level.name, ParentId=parent)
    unit.id = level.id
    unit.name = level.name
    backend.ou.append(unit)
    return unit


def _add_organization_policy(
    backend: OrganizationsBackend, org: FakeOrganization, kind: str, policy: OrganizationPolicy
) -> FakePolicy:
    added = FakePolicy(org, Name=policy.name, Description="", Type=kind, Content=policy.document.source_text)
    arn = parse_arn(policy.arn)
    assert arn is not None
    added.id = arn.name
    if arn.account == "aws":
        added.aws_managed = True
        added._arn_format = policy.arn  # noqa: SLF001 - moto spells AWS's own policies as if an account owned them
    backend.policies.append(added)
    return added


# Puts the resources that have policies of their own into moto.


_BUCKET_REGION = "eu-west-1"


def seed_resources(account: Account) -> None:
    """Make a bucket, key, queue, topic, secret or function for each resource policy the account knows of.

    A resource whose policy the account's caller may not read is made too: moto refuses nobody.
    """
    for resource, known in account.resource_policies.items():
        arn = parse_arn(resource)
        assert arn is not None
        policy = known.document.source_text if known.document else None
        _MAKERS[arn.service](account, arn, policy)
    for alias, key in account.kms_aliases.items():
        arn, of_key = parse_arn(alias), parse_arn(key)
        assert arn is not None
        assert of_key is not None
        kms_backends[account.id][arn.region].create_alias(of_key.name, arn.resource)


def _add_bucket(account: Account, arn: Arn, policy: str | None) -> None:
    bucket = FakeBucket(name=arn.resource, account_id=account.id, region_name=_BUCKET_REGION)  # type: ignore[abstract]
    bucket.policy = policy.encode() if policy else None
    block = account.public_access_blocks.get(arn.resource)
    if block is not None:
        restrict = block.restrict_public_buckets
        bucket.public_access_block = PublicAccessBlock(restrict, restrict, restrict, restrict)
    s3_backends[account.id][account.partition].buckets[arn.resource] = bucket


def _add_key(account: Account, arn: Arn, policy: str | None) -> None:
    key = Key(policy, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", account.id, arn.region)  # type: ignore[abstract]
    key.id = arn.name
    key.arn = str(arn)
    kms_backends[account.id][arn.region].keys[key.id] = key


def _add_queue(account: Account, arn: Arn, policy: str | None) -> None:
    queue = sqs_backends[account.id][arn.region].create_queue(arn.resource)
    queue.policy = policy


def _add_topic(account: Account, arn: Arn, policy: str | None) -> None:
    topic = sns_backends[account.id][arn.region].create_topic(arn.resource)
    if policy:
        topic.policy = policy


def _add_secret(account: Account, arn: Arn, policy: str | None) -> None:
    # A secret's ARN ends with six characters that are not part of its name.
    name = arn.resource.removeprefix("secret:")[:-7]
    secret = FakeSecret(account.id, arn.region, name, {}, "")
    secret.arn = str(arn)
    secret.policy = policy
    secretsmanager_backends[account.id][arn.region].secrets[name] = secret


def _add_function(account: Account, arn: Arn, policy: str | None) -> None:
    role = next(r for r in account.roles if not r.service_linked and '"lambda.amazonaws.com"' in r.trust.source_text)
    spec: dict[str, Any] = {
        "FunctionName": arn.resource.removeprefix("function:"),
        "Role": role.arn,
        "Runtime": "python3.13",
        "Handler": "main.handler",
        "Code": {"ZipFile": ""},
    }
    function = lambda_backends[account.id][arn.region].create_function(spec)
    if policy:
        function.policy.statements = json.loads(policy)["Statement"]


_MAKERS: Final[dict[str, Callable[[Account, Arn, str | None], None]]] = {
    "s3": _add_bucket,
    "kms": _add_key,
    "sqs": _add_queue,
    "sns": _add_topic,
    "secretsmanager": _add_secret,
    "lambda": _add_function,
}


REGION = "us-east-1"
"""Region that moto gives global services; only its partition matters."""

_FALLBACK = datetime(2019, 1, 1, tzinfo=UTC)


def seed(account: model.Account) -> None:
    """Put everything that moto can hold of the account into moto's backends."""
    backend = iam_backends[account.id][account.partition]
    if alias := account.alias.value_or(None):
        backend.create_account_alias(alias)
    policies = {policy.arn: _add_policy(backend, policy) for policy in account.policies}
    groups = {group.name: _add_group(backend, group, policies) for group in account.groups}
    for user in account.users:
        moto_user = _add_user(backend, user, policies)
        for name in user.groups:
            groups[name].users.append(moto_user)
    roles = {role.name: _add_role(backend, role, policies) for role in account.roles}
    for profile in account.instance_profiles:
        _add_instance_profile(backend, profile, roles)
    for provider in account.providers.value_or(()):
        _add_provider(backend, provider)
    for certificate in account.server_certificates.value_or(()):
        _add_server_certificate(backend, certificate)
    policy = account.password_policy.value_or(None)
    if policy is not None:
        _set_password_policy(backend, policy)
    if organization := account.organization.value_or(None):
        seed_organization(account.id, organization)
    seed_resources(account)


def _naive(moment: datetime | None) -> datetime:
    """moto's times are UTC without saying so."""
    return (moment or _FALLBACK).astimezone(UTC).replace(tzinfo=None)


def _tags(tags: model.Tags) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags]


def _add_policy(backend: IAMBackend, policy: model.ManagedPolicy) -> ManagedPolicy:
    kind = AWSManagedPolicy if policy.aws_managed else ManagedPolicy
    added: ManagedPolicy = kind(  # type: ignore[abstract]
        policy.name,
        account_id=backend.account_id,
        region=REGION,
        description=policy.description.value_or(""),
        path=policy.path,
        create_date=_naive(policy.created),
        update_date=_naive(policy.updated),
        tags={key: {"Key": key, "Value": value} for key, value in policy.tags},
    )
    added.id = policy.id
    added.versions = [
        PolicyVersion(policy.arn, version.document.source_text, version.is_default, version.id, _naive(version.created))
        for version in policy.versions
    ]
    added.default_version_id = policy.default_version.id if policy.default_version else "v1"
    backend.managed_policies[policy.arn] = added
    if policy.aws_managed:
        backend.aws_managed_policies.append(added)
    return added


def _add_policies_of(
    source: model.User | model.Group | model.Role, target: Any, policies: dict[str, ManagedPolicy]
) -> None:
    for inline in source.inline_policies:
        target.policies[inline.name] = inline.document.source_text
    for attached in source.attached_policies:
        policies[attached.arn].attach_to(target)


def _add_group(backend: IAMBackend, group: model.Group, policies: dict[str, ManagedPolicy]) -> Group:
    added = Group(backend.account_id, REGION, group.name, group.path)
    added.id = group.id
    added.create_date = _naive(group.created)
    _add_policies_of(group, added, policies)
    backend.groups[group.name] = added
    return added


def _add_user(backend: IAMBackend, user: model.User, policies: dict[str, ManagedPolicy]) -> User:
    added: User = backend.create_user(REGION, user.name, user.path, _tags(user.tags))
    added.id = user.id
    added.create_date = _naive(user.created)
    _add_policies_of(user, added, policies)
    for key in user.access_keys.value_or(()):
        _add_access_key(backend, added, key)
    for device in user.mfa_devices.value_or(()):
        added.mfa_devices[device.serial] = MFADevice(device.serial, "000000", "000000")
        added.mfa_devices[device.serial].enable_date = _naive(device.enabled)
    profile = user.login_profile.value_or(None)
    if profile is not None:
        added.password = "the demo needs no password"
        added.password_reset_required = profile.reset_required
    last_used = user.password_last_used.value_or(None)
    added.password_last_used = _naive(last_used) if last_used else None  # type: ignore[assignment]
    return added


def _add_access_key(backend: IAMBackend, user: User, key: model.AccessKey) -> None:
    added = AccessKey(user.name, prefix="AKIA", account_id=backend.account_id, status=key.status)  # type: ignore[abstract]
    added.access_key_id = key.id
    added.create_date = _naive(key.created)
    if key.last_used:
        added.last_used = AccessKeyLastUsed(_naive(key.last_used), key.last_service, key.last_region)
    user.access_keys.append(added)
    backend.access_keys[key.id] = added


def _add_role(backend: IAMBackend, role: model.Role, policies: dict[str, ManagedPolicy]) -> Role:
    added = Role(  # type: ignore[abstract]
        account_id=backend.account_id,
        partition=backend.partition,
        role_id=role.id,
        name=role.name,
        assume_role_policy_document=role.trust.source_text,
        path=role.path,
        permissions_boundary=role.boundary_arn,
        description=role.description.value_or(""),
        tags=_tags(role.tags),
        max_session_duration=str(role.max_session_seconds.value_or(3600)),
    )
    added.create_date = _naive(role.created)
    last_used = role.last_used.value_or(None)
    if last_used:
        added.last_used = _naive(last_used)
        added.last_used_region = role.last_used_region  # type: ignore[assignment]
    _add_policies_of(role, added, policies)
    backend.roles[role.id] = added
    return added


def _add_instance_profile(backend: IAMBackend, profile: model.InstanceProfile, roles: dict[str, Role]) -> None:
    added = InstanceProfile(  # type: ignore[abstract]
        account_id=backend.account_id,
        region_name=REGION,
        instance_profile_id=profile.id,
        name=profile.name,
        path=profile.path,
        roles=[roles[name] for name in profile.roles],
        tags=_tags(profile.tags),
    )
    added.create_date = _naive(profile.created)
    backend.instance_profiles[profile.name] = added


def _add_provider(backend: IAMBackend, provider: model.IdentityProvider) -> None:
    arn = parse_arn(provider.arn)
    assert arn is not None
    if provider.type == "SAML":
        saml = SAMLProvider(backend.account_id, REGION, arn.name, "<EntityDescriptor/>")
        saml.create_date = _naive(provider.created)
        backend.saml_providers[arn.name] = saml
        return
    url = "https://" + arn.resource.removeprefix("oidc-provider/")
    oidc = OpenIDConnectProvider(backend.account_id, REGION, url, ["0" * 40], list(provider.audiences), {})
    oidc.create_date = _naive(provider.created)
    backend.open_id_providers[oidc.arn] = oidc


def _add_server_certificate(backend: IAMBackend, certificate: ServerCertificate) -> None:
    backend.certificates[certificate.id] = Certificate(
        backend.account_id, REGION, certificate.name, "", "", None, certificate.path
    )


def _set_password_policy(backend: IAMBackend, policy: PasswordPolicy) -> None:
    backend.account_password_policy = AccountPasswordPolicy(
        allow_change_password=policy.users_may_change,
        hard_expiry=int(bool(policy.hard_expiry)),
        max_password_age=policy.max_age_days,  # type: ignore[arg-type]  # moto takes None
        minimum_password_length=policy.minimum_length,
        password_reuse_prevention=policy.reuse_prevention,  # type: ignore[arg-type]
        require_lowercase_characters=policy.lowercase,
        require_numbers=policy.numbers,
        require_symbols=policy.symbols,
        require_uppercase_characters=policy.uppercase,
    )
