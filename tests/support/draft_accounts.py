"""An account with an organization and resource policies, and edits over it, for tests of drafts."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from iamtui.account.model import Account, Known, Organization, OrganizationLevel, OrganizationPolicy, ResourcePolicy
from iamtui.drafts.aws_values import RCP, SCP
from iamtui.drafts.draft import Edit
from iamtui.drafts.edits.deletions import (
    DeleteAccessKey,
    DeleteLoginProfile,
    DeletePolicy,
    DeleteRole,
    DeleteUser,
)
from iamtui.drafts.edits.organization import DetachOrganizationPolicy, PutOrganizationPolicy
from iamtui.drafts.edits.policies import (
    DeleteInlinePolicy,
    DeleteResourcePolicy,
    PutInlinePolicy,
    PutManagedPolicy,
    PutResourcePolicy,
)
from iamtui.drafts.edits.principals import (
    AddUserToGroup,
    AttachPolicy,
    CreateRole,
    DeletePermissionsBoundary,
    DetachPolicy,
    PutPermissionsBoundary,
    RemoveUserFromGroup,
    UpdateTrustPolicy,
)
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.sample_account import (
    ADMIN_ARN,
    BOUNDARY,
    ID,
    LAKE_READ,
    UNLOADED,
    allow,
    deny,
    document,
    iam,
    sample_account,
)

ROOT, OU = "r-ab12", "ou-ab12-prod"
FULL_ACCESS = OrganizationPolicy(
    "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess", "FullAWSAccess", document(allow("*"))
)
RCP_FULL_ACCESS = OrganizationPolicy(
    "arn:aws:organizations::aws:policy/resource_control_policy/p-RCPFullAWSAccess",
    "RCPFullAWSAccess",
    document(allow("*", Principal="*")),
)
NO_LEAVING = OrganizationPolicy(
    "arn:aws:organizations::999988887777:policy/o-1/service_control_policy/p-noleave1",
    "no-leaving",
    document(deny("organizations:LeaveOrganization")),
)
BUCKET, OPEN_BUCKET = "arn:aws:s3:::data-lake", "arn:aws:s3:::without-policy"
KEY = f"arn:aws:kms:us-east-1:{ID}:key/11112222-3333-4444-5555-666677778888"


def text(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=2)


def drafting_account() -> Account:
    """The sample account in an organization of three levels, with two buckets and a key."""

    def level(id_: str, name: str, type_: str, *more: OrganizationPolicy) -> OrganizationLevel:
        return OrganizationLevel(id_, name, type_, Known((FULL_ACCESS, *more)), Known((RCP_FULL_ACCESS,)))

    organization = Organization(
        "o-1",
        "999988887777",
        (
            level(ROOT, "Root", "ROOT", NO_LEAVING),
            level(OU, "Production", "ORGANIZATIONAL_UNIT", NO_LEAVING),
            level(ID, "example-prod", "ACCOUNT"),
        ),
    )
    bucket_policy = document(
        {"Sid": "Bob", **allow("s3:PutObject", f"{BUCKET}/*", Principal={"AWS": iam("user/data/bob")})},
        {
            "Sid": "Tls",
            **deny("s3:*", f"{BUCKET}/*", Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}}),
        },
    )
    return replace(
        sample_account(),
        organization=Known(organization),
        resource_policies={
            BUCKET: ResourcePolicy("present", bucket_policy),
            OPEN_BUCKET: ResourcePolicy("none"),
            KEY: ResourcePolicy("present", document(allow("kms:*", Principal={"AWS": iam("root")}))),
        },
    )


def drafting_workspace() -> Workspace:
    return Workspace(
        drafting_account(), SourceInfo(SourceKind.SNAPSHOT, "example.json", "us-east-1", file="example.json")
    )


def edits(account: Account, kinds: Collection[Callable[..., Edit]] = ()) -> st.SearchStrategy[Edit]:
    """Edits of every kind, or of some, about the entities of the account; not all of them fit."""
    users, roles = [user.arn for user in account.users], [role.arn for role in account.roles]
    groups = [group.arn for group in account.groups]
    user, role, group = st.sampled_from(users), st.sampled_from(roles), st.sampled_from(groups)
    holder, bounded = st.sampled_from([*users, *roles, *groups]), st.sampled_from([*users, *roles])
    policy = st.sampled_from([LAKE_READ.arn, BOUNDARY.arn, UNLOADED.arn, ADMIN_ARN, iam("policy/new")])
    own = st.sampled_from([LAKE_READ.arn, BOUNDARY.arn, iam("policy/new")])
    name = st.sampled_from(["scratch-bucket", "deploy", "query-athena", "extra"])
    statement = st.sampled_from(
        [
            allow("s3:*", f"{BUCKET}/*"),
            allow("*"),
            deny("s3:GetObject"),
            deny("*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}}),
            allow(["kms:Decrypt", "sts:AssumeRole"]),
        ]
    )
    documents = st.lists(statement, min_size=1, max_size=2).map(lambda found: text(*found))
    with_principal = st.builds(
        lambda one, who: text({**one, "Principal": {"AWS": who}}), statement, st.sampled_from([*users, *roles])
    )
    trust = st.sampled_from([*users, iam("root")]).map(
        lambda who: text({"Effect": "Allow", "Principal": {"AWS": who}, "Action": "sts:AssumeRole"})
    )
    fence = st.sampled_from([*users, *roles]).map(
        lambda who: text(deny("s3:*", Principal="*", Condition={"ArnEquals": {"aws:PrincipalArn": who}}))
    )
    level, scp = st.sampled_from([ROOT, OU, ID]), st.sampled_from(["no-leaving", "fence", "FullAWSAccess"])

    def build(kind: Callable[..., Edit], *fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Edit]:
        return st.builds(kind, *fields) if not kinds or kind in kinds else st.nothing()

    return st.one_of(
        build(AttachPolicy, holder, policy),
        build(DetachPolicy, holder, policy),
        build(PutInlinePolicy, holder, name, documents),
        build(DeleteInlinePolicy, holder, name),
        build(PutManagedPolicy, own, documents),
        build(AddUserToGroup, user, group),
        build(RemoveUserFromGroup, user, group),
        build(PutPermissionsBoundary, bounded, policy),
        build(DeletePermissionsBoundary, bounded),
        build(UpdateTrustPolicy, role, trust),
        build(CreateRole, st.sampled_from([iam("role/made"), iam("role/path/other"), roles[0]]), trust),
        build(DeleteRole, role),
        build(DeleteUser, user),
        build(DeleteAccessKey, user, st.just("AKIAIOSFODNN7EXAMPLE")),
        build(DeleteLoginProfile, user),
        build(DeletePolicy, own),
        build(PutOrganizationPolicy, st.just(SCP), level, scp, documents),
        build(DetachOrganizationPolicy, st.just(SCP), level, scp),
        build(PutOrganizationPolicy, st.just(RCP), level, st.just("fence"), fence),
        build(PutResourcePolicy, st.sampled_from([BUCKET, OPEN_BUCKET, KEY]), with_principal),
        build(DeleteResourcePolicy, st.sampled_from([BUCKET, OPEN_BUCKET])),
    )
