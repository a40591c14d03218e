"""The IAM permissions that each feature needs: the least, as policies one can attach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from iamtui.aws.operations import READ, iam_action
from iamtui.problem import Problem


@dataclass(frozen=True, slots=True)
class Feature:
    """Something iamtui does with calls to AWS.

    Args:
        name: what `permissions` takes.
        summary: what it gives, one phrase.
        actions: the IAM actions it needs.
        without: what one sees when they are lacking.
        on: actions that would allow more than the feature needs on all resources, each with the pattern of its own.
    """

    name: str
    summary: str
    actions: tuple[str, ...]
    without: str
    on: tuple[tuple[str, str], ...] = ()


_INVENTORY: Final = ("iam:GetAccountAuthorizationDetails",)
_ONE_BY_ONE: Final = (
    ("iam", "ListUsers"),
    ("iam", "ListGroups"),
    ("iam", "ListRoles"),
    ("iam", "ListPolicies"),
    ("iam", "GetUser"),
    ("iam", "GetGroup"),
    ("iam", "GetRole"),
    ("iam", "GetPolicy"),
    ("iam", "GetPolicyVersion"),
    ("iam", "ListGroupsForUser"),
    ("iam", "ListUserPolicies"),
    ("iam", "ListGroupPolicies"),
    ("iam", "ListRolePolicies"),
    ("iam", "GetUserPolicy"),
    ("iam", "GetGroupPolicy"),
    ("iam", "GetRolePolicy"),
    ("iam", "ListAttachedUserPolicies"),
    ("iam", "ListAttachedGroupPolicies"),
    ("iam", "ListAttachedRolePolicies"),
)
_DETAILS: Final = (
    ("iam", "ListUsers"),
    ("iam", "ListRoles"),
    ("iam", "ListAccountAliases"),
    ("iam", "ListInstanceProfiles"),
    ("iam", "ListSAMLProviders"),
    ("iam", "ListOpenIDConnectProviders"),
    ("iam", "GetOpenIDConnectProvider"),
)
_ACCOUNT_FACTS: Final = (
    ("iam", "GetAccountSummary"),
    ("iam", "GetAccountPasswordPolicy"),
    ("iam", "GenerateCredentialReport"),
    ("iam", "GetCredentialReport"),
    ("iam", "ListServerCertificates"),
)
_LAST_ACCESSED: Final = (("iam", "GenerateServiceLastAccessedDetails"), ("iam", "GetServiceLastAccessedDetails"))
_ORGANIZATION: Final = (
    ("organizations", "DescribeOrganization"),
    ("organizations", "DescribeAccount"),
    ("organizations", "ListParents"),
    ("organizations", "DescribeOrganizationalUnit"),
    ("organizations", "ListRoots"),
    ("organizations", "ListPoliciesForTarget"),
    ("organizations", "DescribePolicy"),
    ("organizations", "ListDelegatedAdministrators"),
)
_ORGANIZATION_ACCOUNTS: Final = (
    ("organizations", "ListRoots"),
    ("organizations", "ListAccountsForParent"),
    ("organizations", "ListOrganizationalUnitsForParent"),
)
_IDENTITY_CENTER: Final = (
    ("sso-admin", "ListInstances"),
    ("sso-admin", "ListPermissionSetsProvisionedToAccount"),
    ("sso-admin", "DescribePermissionSet"),
    ("sso-admin", "ListAccountAssignments"),
    ("identitystore", "DescribeGroup"),
    ("identitystore", "ListGroupMemberships"),
    ("identitystore", "DescribeUser"),
)
_USER_DETAILS: Final = (
    ("iam", "ListAccessKeys"),
    ("iam", "GetAccessKeyLastUsed"),
    ("iam", "ListMFADevices"),
    ("iam", "GetLoginProfile"),
)


_STORE: Final = (("s3", "ListObjectsV2"), ("s3", "GetObject"))


def _actions(operations: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(sorted({iam_action(service, operation) for service, operation in operations}))


def _resource_policies() -> tuple[str, ...]:
    """Every read of a service other than those of the inventory, the organization and STS."""
    others = ("iam", "organizations", "sts", *{service for service, _ in _IDENTITY_CENTER})
    return _actions(entry for entry in READ if entry[0] not in others and entry not in _STORE)


FEATURES: Final = (
    Feature(
        "browse", "users, groups, roles, policies; every question about them", _INVENTORY,
        "they are read one by one, which takes longer",
    ),
    Feature(
        "browse-one-by-one", "the same without iam:GetAccountAuthorizationDetails", _actions(_ONE_BY_ONE),
        "what is lacking is unknown, and answers depend on it",
    ),
    Feature("details", "last use, descriptions, aliases, providers", _actions(_DETAILS), "these facts are unknown"),
    Feature(
        "user-details", "access keys, MFA devices and passwords of a user", _actions(_USER_DETAILS),
        "these facts are unknown",
    ),
    Feature(
        "account-facts", "root user, password policy, credential report, certificates, for audit and overview",
        _actions(_ACCOUNT_FACTS), "the audit says what it could not check",
    ),
    Feature(
        "last-accessed", "when a principal last used each service, when asked for", _actions(_LAST_ACCESSED),
        "permissions that are granted but not used stay unknown",
    ),
    Feature(
        "organization", "service and resource control policies", _actions(_ORGANIZATION),
        "answers say: SCP and RCP not evaluated",
    ),
    Feature(
        "organization-accounts", "the accounts of the organization, to open several", _actions(_ORGANIZATION_ACCOUNTS),
        "the accounts have to be named one by one",
    ),
    Feature(
        "organization-store", "snapshots of an organization in a bucket; put its name for BUCKET",
        _actions(_STORE), "the store has to be a folder",
        (("s3:GetObject", "arn:aws:s3:::BUCKET/*"), ("s3:ListBucket", "arn:aws:s3:::BUCKET")),
    ),
    Feature(
        "identity-center", "permission sets and the people behind roles of IAM Identity Center, when asked for",
        _actions(_IDENTITY_CENTER), "who signs in to these roles stays unknown",
    ),
    Feature(
        "resource-policies", "policies of buckets, keys, queues and other resources", _resource_policies(),
        "answers say: resource not evaluated", (("apigateway:GET", "arn:aws:apigateway:*::/restapis/*"),),
    ),
    Feature(
        "decode", "encoded authorization messages, when asked for", ("sts:DecodeAuthorizationMessage",),
        "what EC2 encoded stays unknown",
    ),
    Feature(
        "second-opinion", "AWS's own simulator beside our answer", _actions((("iam", "SimulatePrincipalPolicy"),)),
        "there is only our answer",
    ),
)  # fmt: skip
"""The features, the most important first. Assuming a role needs sts:AssumeRole on that role and no more;
sts:GetCallerIdentity and sts:GetSessionToken need no permission."""


def find_feature(name: str) -> Feature:
    for feature in FEATURES:
        if feature.name == name:
            return feature
    raise Problem(f"There is no feature {name}.", f"Features: {', '.join(feature.name for feature in FEATURES)}.")


def policy_for(features: Iterable[Feature]) -> dict[str, Any]:
    """The identity policy that lets the features work: a statement for each, and for limited actions their own."""
    return {
        "Version": "2012-10-17",
        "Statement": [statement for feature in features for statement in _statements(feature)],
    }


def _statements(feature: Feature) -> Iterator[dict[str, Any]]:
    sid = "Iamtui" + "".join(part.capitalize() for part in feature.name.split("-"))
    limited = dict(feature.on)
    everywhere = [action for action in feature.actions if action not in limited]
    if everywhere:
        yield {"Sid": sid, "Effect": "Allow", "Action": everywhere, "Resource": "*"}
    for action, resource in limited.items():
        own = sid + action.title().replace(":", "")
        yield {"Sid": own, "Effect": "Allow", "Action": [action], "Resource": resource}
