"""Every AWS operation iamtui can call. None writes to an account.

A connection refuses anything else before it is sent, and a test compares this list with the calls in the
code. "Read" means: changes nothing and returns no secret of the account (so no GetSecretValue, GetParameter,
Decrypt and the like). STS operations hand out temporary credentials and change nothing either; those that
stand under CREDENTIALS are made only after the user confirmed, or by botocore's own credential chain.
"""

from __future__ import annotations

from typing import Final

READ: Final[frozenset[tuple[str, str]]] = frozenset(
    {
        ("dynamodb", "GetResourcePolicy"),
        ("ecr", "GetRepositoryPolicy"),
        ("efs", "DescribeFileSystemPolicy"),
        ("events", "DescribeEventBus"),
        ("iam", "GetAccountAuthorizationDetails"),
        ("iam", "GetAccessKeyLastUsed"),
        ("iam", "GetLoginProfile"),
        ("iam", "GetOpenIDConnectProvider"),
        ("iam", "ListAccessKeys"),
        ("iam", "ListAccountAliases"),
        ("iam", "ListInstanceProfiles"),
        ("iam", "ListMFADevices"),
        ("iam", "ListOpenIDConnectProviders"),
        ("iam", "ListRoles"),
        ("iam", "ListSAMLProviders"),
        ("iam", "ListUsers"),
        ("iam", "SimulatePrincipalPolicy"),
        ("kms", "GetKeyPolicy"),
        ("lambda", "GetPolicy"),
        ("organizations", "DescribeAccount"),
        ("organizations", "DescribeOrganization"),
        ("organizations", "DescribeOrganizationalUnit"),
        ("organizations", "DescribePolicy"),
        ("organizations", "ListParents"),
        ("organizations", "ListPoliciesForTarget"),
        ("organizations", "ListRoots"),
        ("s3", "GetBucketPolicy"),
        ("s3", "GetPublicAccessBlock"),
        ("s3control", "GetPublicAccessBlock"),
        ("secretsmanager", "GetResourcePolicy"),
        ("sns", "GetTopicAttributes"),
        ("sqs", "GetQueueAttributes"),
        ("sqs", "GetQueueUrl"),
        ("sts", "DecodeAuthorizationMessage"),
        ("sts", "GetCallerIdentity"),
    }
)
"""(service, operation) of every read, by botocore's service names."""

CREDENTIALS: Final[frozenset[tuple[str, str]]] = frozenset(
    {
        ("signin", "CreateOAuth2Token"),
        ("sso", "GetRoleCredentials"),
        ("sso-oidc", "CreateToken"),
        ("sts", "AssumeRole"),
        ("sts", "AssumeRoleWithWebIdentity"),
        ("sts", "GetFederationToken"),
        ("sts", "GetSessionToken"),
    }
)
"""(service, operation) of every call that yields temporary credentials; the first three and the web identity
call are only made by botocore, for a profile that is set up so."""

ALLOWED: Final = READ | CREDENTIALS

_IAM_PREFIXES: Final = {
    "efs": "elasticfilesystem",
    "s3control": "s3",
    "sso-oidc": "sso-oauth",
}

_IAM_ACTIONS: Final = {
    ("s3", "GetPublicAccessBlock"): "s3:GetBucketPublicAccessBlock",
    ("s3control", "GetPublicAccessBlock"): "s3:GetAccountPublicAccessBlock",
}


def iam_action(service: str, operation: str) -> str:
    """The IAM action that allows an operation: mostly of the same name (Service Authorization Reference)."""
    return _IAM_ACTIONS.get((service, operation)) or f"{_IAM_PREFIXES.get(service, service)}:{operation}"
