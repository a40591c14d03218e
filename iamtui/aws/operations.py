"""Every AWS operation iamtui can call, pinned to the request that it is. None writes to an account.

A connection refuses anything else before it is sent, and an operation of the list whose model is not the one that
is written here: a name alone says nothing of what a request does. A test compares this table with the calls in the
code, and with the installed botocore. "Read" means: changes nothing and returns no secret of the account (so no
GetSecretValue, GetParameter, Decrypt and the like). STS operations hand out temporary credentials and change nothing
either; those that stand under CREDENTIALS are made only after the user confirmed, or by botocore's own credential
chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class OperationRequest(NamedTuple):
    """The request of an operation, as the service model of botocore describes it.

    Args:
        protocol: how parameters and answers are written.
        method: of HTTP.
        uri: path and query, with the parameters that stand in them.
        api: what names the API beside the operation: its version (query) or target prefix (json); "" for REST, where
            method and URI say it all.
    """

    protocol: str
    method: str
    uri: str
    api: str = ""


def _query(version: str) -> OperationRequest:
    return OperationRequest("query", "POST", "/", version)


def _json(target_prefix: str) -> OperationRequest:
    return OperationRequest("json", "POST", "/", target_prefix)


_IAM: Final = _query("2010-05-08")
_STS: Final = _query("2011-06-15")
_ORGANIZATIONS: Final = _json("AWSOrganizationsV20161128")
_KMS: Final = _json("TrentService")
_SQS: Final = _json("AmazonSQS")

READ: Final[Mapping[tuple[str, str], OperationRequest]] = {
    ("dynamodb", "GetResourcePolicy"): _json("DynamoDB_20120810"),
    ("ecr", "GetRepositoryPolicy"): _json("AmazonEC2ContainerRegistry_V20150921"),
    ("efs", "DescribeFileSystemPolicy"): OperationRequest(
        "rest-json", "GET", "/2015-02-01/file-systems/{FileSystemId}/policy"
    ),
    ("events", "DescribeEventBus"): _json("AWSEvents"),
    ("iam", "GetAccountAuthorizationDetails"): _IAM,
    ("iam", "GetAccessKeyLastUsed"): _IAM,
    ("iam", "GetLoginProfile"): _IAM,
    ("iam", "GetOpenIDConnectProvider"): _IAM,
    ("iam", "ListAccessKeys"): _IAM,
    ("iam", "ListAccountAliases"): _IAM,
    ("iam", "ListInstanceProfiles"): _IAM,
    ("iam", "ListMFADevices"): _IAM,
    ("iam", "ListOpenIDConnectProviders"): _IAM,
    ("iam", "ListRoles"): _IAM,
    ("iam", "ListSAMLProviders"): _IAM,
    ("iam", "ListUsers"): _IAM,
    ("iam", "SimulatePrincipalPolicy"): _IAM,
    ("kms", "GetKeyPolicy"): _KMS,
    ("kms", "ListAliases"): _KMS,
    ("lambda", "GetPolicy"): OperationRequest("rest-json", "GET", "/2015-03-31/functions/{FunctionName}/policy"),
    ("organizations", "DescribeAccount"): _ORGANIZATIONS,
    ("organizations", "DescribeOrganization"): _ORGANIZATIONS,
    ("organizations", "DescribeOrganizationalUnit"): _ORGANIZATIONS,
    ("organizations", "DescribePolicy"): _ORGANIZATIONS,
    ("organizations", "ListDelegatedAdministrators"): _ORGANIZATIONS,
    ("organizations", "ListParents"): _ORGANIZATIONS,
    ("organizations", "ListPoliciesForTarget"): _ORGANIZATIONS,
    ("organizations", "ListRoots"): _ORGANIZATIONS,
    ("s3", "GetBucketPolicy"): OperationRequest("rest-xml", "GET", "/{Bucket}?policy"),
    ("s3", "GetPublicAccessBlock"): OperationRequest("rest-xml", "GET", "/{Bucket}?publicAccessBlock"),
    ("s3control", "GetPublicAccessBlock"): OperationRequest(
        "rest-xml", "GET", "/v20180820/configuration/publicAccessBlock"
    ),
    ("secretsmanager", "GetResourcePolicy"): _json("secretsmanager"),
    ("sns", "GetTopicAttributes"): _query("2010-03-31"),
    ("sqs", "GetQueueAttributes"): _SQS,
    ("sqs", "GetQueueUrl"): _SQS,
    ("sts", "DecodeAuthorizationMessage"): _STS,
    ("sts", "GetCallerIdentity"): _STS,
}
"""The request of every read, by botocore's name of the service and operation."""

CREDENTIALS: Final[Mapping[tuple[str, str], OperationRequest]] = {
    ("signin", "CreateOAuth2Token"): OperationRequest("rest-json", "POST", "/v1/token"),
    ("sso", "GetRoleCredentials"): OperationRequest("rest-json", "GET", "/federation/credentials"),
    ("sso-oidc", "CreateToken"): OperationRequest("rest-json", "POST", "/token"),
    ("sts", "AssumeRole"): _STS,
    ("sts", "AssumeRoleWithWebIdentity"): _STS,
    ("sts", "GetFederationToken"): _STS,
    ("sts", "GetSessionToken"): _STS,
}
"""The request of every call that yields temporary credentials; the first three and the web identity call are only
made by botocore, for a profile that is set up so."""

ALLOWED: Final[Mapping[tuple[str, str], OperationRequest]] = {**READ, **CREDENTIALS}

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
