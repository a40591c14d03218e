"""Puts an account's organization into moto.

On AWS a member account that is registered for it may read the organization, as the management account may. moto
answers such calls from the caller's own backend only, so the organization stands there, under the management
account's id.
"""

from __future__ import annotations

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

from iamtui.account.availability import Known
from iamtui.account.organization import Organization, OrganizationLevel, OrganizationPolicy
from iamtui.policy.arn import parse_arn

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
            for policy in attached.value if isinstance(attached, Known) else ():
                if policy.arn not in policies:
                    policies[policy.arn] = _add_policy(backend, org, kind, policy)
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


def _add_policy(
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
