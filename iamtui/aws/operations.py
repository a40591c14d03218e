"""Every AWS operation iamtui can call, pinned to the request that it is. None writes to an account.

The reads of resource policies stand in `resource_policy_services.py`, each with its service.

A connection refuses anything else before it is sent, and an operation of the list whose model is not the one that
is written here: a name alone says nothing of what a request does. A test compares this table with the calls in the
code, and with the installed botocore. "Read" means: changes nothing and returns no secret of the account (so no
GetSecretValue, GetParameter, Decrypt and the like). STS operations hand out temporary credentials and change nothing
either; those that stand under CREDENTIALS are made only after the user confirmed, or by botocore's own credential
chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from iamtui.resource_policy_services import SERVICE_SPECS, OperationRequest, json_request, query_request

_IAM: Final = query_request("2010-05-08")
_STS: Final = query_request("2011-06-15")
_IDENTITY_STORE: Final = json_request("AWSIdentityStore")
_SSO: Final = json_request("SWBExternalService")
_ORGANIZATIONS: Final = json_request("AWSOrganizationsV20161128")

READ: Final[Mapping[tuple[str, str], OperationRequest]] = {
    **{(read.service, read.operation): read.request for spec in SERVICE_SPECS.values() for read in spec.reads},
    ("iam", "GenerateCredentialReport"): _IAM,
    ("iam", "GenerateServiceLastAccessedDetails"): _IAM,
    ("iam", "GetAccessKeyLastUsed"): _IAM,
    ("iam", "GetAccountAuthorizationDetails"): _IAM,
    ("iam", "GetAccountPasswordPolicy"): _IAM,
    ("iam", "GetAccountSummary"): _IAM,
    ("iam", "GetCredentialReport"): _IAM,
    ("iam", "GetGroup"): _IAM,
    ("iam", "GetGroupPolicy"): _IAM,
    ("iam", "GetLoginProfile"): _IAM,
    ("iam", "GetOpenIDConnectProvider"): _IAM,
    ("iam", "GetPolicy"): _IAM,
    ("iam", "GetPolicyVersion"): _IAM,
    ("iam", "GetRole"): _IAM,
    ("iam", "GetRolePolicy"): _IAM,
    ("iam", "GetServiceLastAccessedDetails"): _IAM,
    ("iam", "GetUser"): _IAM,
    ("iam", "GetUserPolicy"): _IAM,
    ("iam", "ListAccessKeys"): _IAM,
    ("iam", "ListAccountAliases"): _IAM,
    ("iam", "ListAttachedGroupPolicies"): _IAM,
    ("iam", "ListAttachedRolePolicies"): _IAM,
    ("iam", "ListAttachedUserPolicies"): _IAM,
    ("iam", "ListGroupPolicies"): _IAM,
    ("iam", "ListGroups"): _IAM,
    ("iam", "ListGroupsForUser"): _IAM,
    ("iam", "ListInstanceProfiles"): _IAM,
    ("iam", "ListMFADevices"): _IAM,
    ("iam", "ListOpenIDConnectProviders"): _IAM,
    ("iam", "ListPolicies"): _IAM,
    ("iam", "ListRolePolicies"): _IAM,
    ("iam", "ListRoles"): _IAM,
    ("iam", "ListSAMLProviders"): _IAM,
    ("iam", "ListServerCertificates"): _IAM,
    ("iam", "ListUserPolicies"): _IAM,
    ("iam", "ListUsers"): _IAM,
    ("iam", "SimulatePrincipalPolicy"): _IAM,
    ("identitystore", "DescribeGroup"): _IDENTITY_STORE,
    ("identitystore", "DescribeUser"): _IDENTITY_STORE,
    ("identitystore", "ListGroupMemberships"): _IDENTITY_STORE,
    ("kms", "ListAliases"): json_request("TrentService"),
    ("organizations", "DescribeAccount"): _ORGANIZATIONS,
    ("organizations", "DescribeOrganization"): _ORGANIZATIONS,
    ("organizations", "DescribeOrganizationalUnit"): _ORGANIZATIONS,
    ("organizations", "DescribePolicy"): _ORGANIZATIONS,
    ("organizations", "ListAccountsForParent"): _ORGANIZATIONS,
    ("organizations", "ListDelegatedAdministrators"): _ORGANIZATIONS,
    ("organizations", "ListOrganizationalUnitsForParent"): _ORGANIZATIONS,
    ("organizations", "ListParents"): _ORGANIZATIONS,
    ("organizations", "ListPoliciesForTarget"): _ORGANIZATIONS,
    ("organizations", "ListRoots"): _ORGANIZATIONS,
    ("s3", "GetObject"): OperationRequest("rest-xml", "GET", "/{Bucket}/{Key+}"),
    ("s3", "GetPublicAccessBlock"): OperationRequest("rest-xml", "GET", "/{Bucket}?publicAccessBlock"),
    ("s3", "ListObjectsV2"): OperationRequest("rest-xml", "GET", "/{Bucket}?list-type=2"),
    ("s3control", "GetPublicAccessBlock"): OperationRequest(
        "rest-xml", "GET", "/v20180820/configuration/publicAccessBlock"
    ),
    ("sso-admin", "DescribePermissionSet"): _SSO,
    ("sso-admin", "ListAccountAssignments"): _SSO,
    ("sso-admin", "ListInstances"): _SSO,
    ("sso-admin", "ListPermissionSetsProvisionedToAccount"): _SSO,
    ("sts", "DecodeAuthorizationMessage"): _STS,
    ("sts", "GetCallerIdentity"): _STS,
}
"""The request of every read, by botocore's name of the service and operation.

The objects that are got are those of a store of snapshots, in a bucket that the user names. The two of IAM that
generate begin a report about the account: what AWS calls reading too, and no thing of the account changes. The
credential report says which credentials there are and holds none.
"""

CREDENTIALS: Final[Mapping[tuple[str, str], OperationRequest]] = {
    ("signin", "CreateOAuth2Token"): OperationRequest("rest-json", "POST", "/v1/token"),
    ("sso", "GetRoleCredentials"): OperationRequest("rest-json", "GET", "/federation/credentials"),
    ("sso-oidc", "CreateToken"): OperationRequest("rest-json", "POST", "/token"),
    ("sts", "AssumeRole"): _STS,
    ("sts", "AssumeRoleWithWebIdentity"): _STS,
    ("sts", "GetFederationToken"): _STS,
    ("sts", "GetScopedCredentials"): _STS,
    ("sts", "GetSessionToken"): _STS,
}
"""The request of every call that yields temporary credentials; the first three and the web identity call are only
made by botocore, for a profile that is set up so."""

ALLOWED: Final[Mapping[tuple[str, str], OperationRequest]] = {**READ, **CREDENTIALS}

_IAM_PREFIXES: Final = {
    "efs": "elasticfilesystem",
    "opensearch": "es",
    "s3control": "s3",
    "sesv2": "ses",
    "sso-admin": "sso",
    "sso-oidc": "sso-oauth",
}

_IAM_ACTIONS: Final = {
    ("apigateway", "GetRestApi"): "apigateway:GET",
    ("s3", "GetPublicAccessBlock"): "s3:GetBucketPublicAccessBlock",
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("s3control", "GetPublicAccessBlock"): "s3:GetAccountPublicAccessBlock",
}


def iam_action(service: str, operation: str) -> str:
    """The IAM action that allows an operation: mostly of the same name (Service Authorization Reference)."""
    return _IAM_ACTIONS.get((service, operation)) or f"{_IAM_PREFIXES.get(service, service)}:{operation}"
