"""The sample account in an organization whose service control policies deny some of what its policies allow."""

from __future__ import annotations

from dataclasses import replace

from iamtui.account.model import (
    Account,
    Known,
    Missing,
    Organization,
    OrganizationLevel,
    OrganizationPolicy,
    ResourcePolicy,
)
from iamtui.workspace.source.workspace import Workspace
from tests.support.sample_account import ID, allow, deny, document, iam, sample_account, sample_workspace

MANAGEMENT = "999988887777"
FENCE_ARN = f"arn:aws:organizations::{MANAGEMENT}:policy/o-sample/service_control_policy/p-fence0001"
QUIET_ARN = f"arn:aws:organizations::{MANAGEMENT}:policy/o-sample/service_control_policy/p-quiet0001"
LAKE = "arn:aws:s3:::data-lake"


def denial_account() -> Account:
    """SCP `fence` denies s3:PutBucketPolicy and, outside one network, ec2; a bucket policy denies deleting."""
    full = OrganizationPolicy("arn:aws:organizations::aws:policy/x/p-FullAWSAccess", "Full", document(allow("*")))
    fence = OrganizationPolicy(
        FENCE_ARN,
        "fence",
        document(
            {"Sid": "NoBucketPolicies", **deny("s3:PutBucketPolicy")},
            {
                "Sid": "OfficeOnly",
                **deny("ec2:*", Condition={"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
            },
        ),
    )
    quiet = OrganizationPolicy(QUIET_ARN, "quiet", document(deny("account:CloseAccount")))
    root = OrganizationLevel("r-1", "Root", "ROOT", Known((full,)), Known(()))
    own = OrganizationLevel(ID, "sample", "ACCOUNT", Known((full, fence, quiet)), Known(()))
    policy = document({"Sid": "Keep", **deny("s3:DeleteObject", f"{LAKE}/*"), "Principal": "*"})
    return replace(
        sample_account(),
        organization=Known(Organization("o-sample", MANAGEMENT, (root, own))),
        resource_policies={LAKE: ResourcePolicy("present", policy)},
    )


def denial_workspace() -> Workspace:
    """That account as a snapshot."""
    return sample_workspace().with_account(denial_account())


def without_organization() -> Workspace:
    """The sample account whose organization was not loaded."""
    account = replace(denial_account(), organization=Missing("access denied", "organizations:DescribeOrganization"))
    return sample_workspace().with_account(account)


def message(caller: str, action: str, resource: str, reason: str = "") -> str:
    """An access-denied message."""
    on = f" on resource: {resource}" if resource else ""
    return f"User: {caller} is not authorized to perform: {action}{on}{' ' + reason if reason else ''}"


ALICE = iam("user/alice")
BOB = iam("user/data/bob")
CAROL = iam("user/carol")
DEPLOY = f"arn:aws:sts::{ID}:assumed-role/deploy-prod/ci-17"
