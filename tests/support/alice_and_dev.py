"""An account with a user and a role that have the same policies, under SCPs and RCPs."""

from __future__ import annotations

from typing import Any

from iamtui.account.model import (
    Account,
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
from iamtui.policy.document import PolicyDocument
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.sample_account import ID, allow, days_ago, document, iam, trust

ORG = "o-exampleorg"
Statements = list[dict[str, Any]]
BUCKET = "arn:aws:s3:::data"


def organization_policy(name: str, found: PolicyDocument) -> OrganizationPolicy:
    return OrganizationPolicy(
        f"arn:aws:organizations::111111111111:policy/{ORG}/service_control_policy/{name}", name, found
    )


FULL = document(allow("*"))


def levels(scps: Statements, rcps: Statements) -> tuple[OrganizationLevel, ...]:
    own = (organization_policy("p-own", document(*scps)),) if scps else ()
    own_rcps = (organization_policy("p-rcp", document(*rcps)),) if rcps else ()
    full = organization_policy("p-full", FULL)
    return (
        OrganizationLevel("r-root", "Root", "ROOT", Known((full,)), Known((full,))),
        OrganizationLevel(ID, "prod", "ACCOUNT", Known((full, *own)), Known((full, *own_rcps))),
    )


def workspace(
    *identity: dict[str, Any],
    boundary: Statements | None = None,
    scps: Statements = [],  # noqa: B006 - never changed
    rcps: Statements = [],  # noqa: B006 - never changed
    buckets: dict[str, PolicyDocument | None] | None = None,
    organization: bool = True,
    tags: tuple[tuple[str, str], ...] = (),
    trusted: str = "user/alice",
) -> Workspace:
    """An account with the user alice and the role dev, which have the same policies."""
    own = (InlinePolicy("own", document(*identity)),) if identity else ()
    limit = iam("policy/limit") if boundary is not None else None
    policies = (
        (
            ManagedPolicy(
                "limit",
                "/",
                limit,
                "ANPALIMIT00000000001",
                days_ago(9),
                versions=(PolicyVersion("v1", document(*boundary), True),),
            ),
        )
        if boundary is not None and limit is not None
        else ()
    )
    account = Account(
        id=ID,
        users=(
            User(
                "alice",
                "/",
                iam("user/alice"),
                "AIDAALICE00000000001",
                days_ago(9),
                inline_policies=own,
                boundary_arn=limit,
            ),
        ),
        roles=(
            Role(
                "dev",
                "/",
                iam("role/dev"),
                "AROADEV0000000000001",
                days_ago(9),
                trust=trust({"AWS": iam(trusted)}),
                inline_policies=own,
                boundary_arn=limit,
                tags=tags,
            ),
        ),
        policies=policies,
        organization=Known(Organization(ORG, "111111111111", path=levels(scps, rcps)))
        if organization
        else Missing("not loaded", "organizations:DescribeOrganization"),
        resource_policies={
            arn: ResourcePolicy("none") if found is None else ResourcePolicy("present", found)
            for arn, found in ({BUCKET: None} if buckets is None else buckets).items()
        },
    )
    return Workspace(account, SourceInfo(SourceKind.SNAPSHOT, "proof.json", region="eu-west-1"))
