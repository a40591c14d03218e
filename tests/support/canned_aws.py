"""An AWS of canned answers, one for each operation that is read: good ones, and any of them replaced by another."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSResponse

from iamtui.aws.connection import Connection
from iamtui.aws.operations import ALLOWED
from tests.support.aws_errors import aws_error
from tests.support.simulator_answers import answer as simulator_answer
from tests.support.simulator_answers import result, specific

ACCOUNT = "123456789012"
ROOT, UNIT, SCP_ID = "r-root", "ou-root-prod1234", "p-12345678"
ALLOW = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
ON_RESOURCE = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}'
)
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
WHEN = "2026-01-02T03:04:05Z"
REPORT = f"""\
user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,mfa_active,access_key_1_active
<root_account>,arn:aws:iam::{ACCOUNT}:root,{WHEN},not_supported,{WHEN},not_supported,true,false
alice,arn:aws:iam::{ACCOUNT}:user/alice,{WHEN},true,no_information,{WHEN},false,true
"""


def _arn(rest: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{rest}"


def _xml(operation: str, inside: str, *, listing: bool = False) -> bytes:
    end = "<IsTruncated>false</IsTruncated>" if listing else ""
    return (
        f'<{operation}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><{operation}Result>{inside}{end}'
        f"</{operation}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{operation}Response>"
    ).encode()


def _iam(operation: str, inside: str, *, listing: bool = True) -> tuple[tuple[str, str], bytes]:
    return ("iam", operation), _xml(operation, inside, listing=listing)


def _json(service: str, operation: str, value: Any) -> tuple[tuple[str, str], bytes]:
    return (service, operation), json.dumps(value).encode()


def _one_by_one() -> Iterator[tuple[tuple[str, str], bytes]]:
    """What is asked where GetAccountAuthorizationDetails is denied, beside the lists of users and roles."""
    group = f"<GroupName>devs</GroupName><Arn>{_arn('group/devs')}</Arn>"
    policy = f"<PolicyName>p</PolicyName><Arn>{_arn('policy/p')}</Arn><DefaultVersionId>v1</DefaultVersionId>"
    tags = "<Tags><member><Key>k</Key><Value>v</Value></member></Tags>"
    boundary = f"<PermissionsBoundary><PermissionsBoundaryArn>{_arn('policy/p')}</PermissionsBoundaryArn>"
    boundary += "</PermissionsBoundary>"
    yield _iam("ListGroups", f"<Groups><member>{group}</member></Groups>")
    yield _iam("ListPolicies", f"<Policies><member>{policy}<AttachmentCount>1</AttachmentCount></member></Policies>")
    yield _iam(
        "GetGroup",
        f"<Group>{group}</Group><Users><member><UserName>alice</UserName><Arn>{_arn('user/alice')}"
        "</Arn></member></Users>",
    )
    yield _iam("ListGroupsForUser", f"<Groups><member>{group}</member></Groups>")
    for name, entity in (("User", "user/alice"), ("Role", "role/ci")):
        inside = f"<{name}><Arn>{_arn(entity)}</Arn>{boundary}{tags}</{name}>"
        yield _iam(f"Get{name}", inside, listing=False)
    yield _iam("GetPolicy", f"<Policy>{policy}</Policy>", listing=False)
    version = "<VersionId>v1</VersionId><IsDefaultVersion>true</IsDefaultVersion><Document>%7B%7D</Document>"
    yield _iam("GetPolicyVersion", f"<PolicyVersion>{version}</PolicyVersion>", listing=False)
    attached = f"<member><PolicyName>p</PolicyName><PolicyArn>{_arn('policy/p')}</PolicyArn></member>"
    for name, whose in (("User", "alice"), ("Group", "devs"), ("Role", "ci")):
        yield _iam(f"List{name}Policies", "<PolicyNames><member>own</member></PolicyNames>")
        inside = f"<{name}Name>{whose}</{name}Name><PolicyName>own</PolicyName><PolicyDocument>%7B%7D</PolicyDocument>"
        yield _iam(f"Get{name}Policy", inside, listing=False)
        yield _iam(f"ListAttached{name}Policies", f"<AttachedPolicies>{attached}</AttachedPolicies>")


INSTANCE, PERMISSION_SET = "arn:aws:sso:::instance/ssoins-1", "arn:aws:sso:::permissionSet/ssoins-1/ps-1"
SSO_ROLE = "AWSReservedSSO_Developer_0123456789abcdef"


def _identity_center() -> Iterator[tuple[tuple[str, str], bytes]]:
    """The permission set Developer, assigned to Ana and to a group with Ben in it; DescribeUser names both alike."""
    instance = {"InstanceArn": INSTANCE, "IdentityStoreId": "d-1", "OwnerAccountId": "999999999999"}
    yield _json("sso-admin", "ListInstances", {"Instances": [instance]})
    yield _json("sso-admin", "ListPermissionSetsProvisionedToAccount", {"PermissionSets": [PERMISSION_SET]})
    described = {"Name": "Developer", "Description": "d", "SessionDuration": "PT8H"}
    yield _json("sso-admin", "DescribePermissionSet", {"PermissionSet": described})
    to = [{"PrincipalType": kind, "PrincipalId": one} for kind, one in (("USER", "u-ana"), ("GROUP", "g-devs"))]
    yield _json("sso-admin", "ListAccountAssignments", {"AccountAssignments": to})
    yield _json("identitystore", "DescribeGroup", {"GroupId": "g-devs", "DisplayName": "Devs"})
    members = [{"MembershipId": "m", "MemberId": {"UserId": "u-ben"}}]
    yield _json("identitystore", "ListGroupMemberships", {"GroupMemberships": members})
    yield _json(
        "identitystore", "DescribeUser", {"UserId": "u", "UserName": "x@corp.example", "DisplayName": "Xu [red]"}
    )


_BLOCK = (
    "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>"
    "<RestrictPublicBuckets>false</RestrictPublicBuckets></PublicAccessBlockConfiguration>"
)

OF_A_RESOURCE: dict[tuple[str, str], str] = {
    ("apigateway", "GetRestApi"): f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:a1b2c3",
    ("backup", "GetBackupVaultAccessPolicy"): f"arn:aws:backup:eu-west-1:{ACCOUNT}:backup-vault:v",
    ("codeartifact", "GetDomainPermissionsPolicy"): f"arn:aws:codeartifact:eu-west-1:{ACCOUNT}:domain/dom",
    ("codeartifact", "GetRepositoryPermissionsPolicy"): f"arn:aws:codeartifact:eu-west-1:{ACCOUNT}:repository/dom/repo",
    ("dynamodb", "GetResourcePolicy"): f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/t",
    ("ecr", "GetRepositoryPolicy"): f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/app",
    ("efs", "DescribeFileSystemPolicy"): f"arn:aws:elasticfilesystem:eu-west-1:{ACCOUNT}:file-system/fs-12345678",
    ("events", "DescribeEventBus"): f"arn:aws:events:eu-west-1:{ACCOUNT}:event-bus/b",
    ("glue", "GetResourcePolicy"): f"arn:aws:glue:eu-west-1:{ACCOUNT}:catalog",
    ("kinesis", "GetResourcePolicy"): f"arn:aws:kinesis:eu-west-1:{ACCOUNT}:stream/s",
    ("kms", "ListAliases"): f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/a",
    ("kms", "GetKeyPolicy"): f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1",
    ("lambda", "GetPolicy"): f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f",
    ("logs", "DescribeResourcePolicies"): f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:g",
    ("opensearch", "DescribeDomain"): f"arn:aws:es:eu-west-1:{ACCOUNT}:domain/dom",
    ("s3", "GetBucketPolicy"): "arn:aws:s3:::bucket",
    ("secretsmanager", "GetResourcePolicy"): f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:s",
    ("sesv2", "GetEmailIdentityPolicies"): f"arn:aws:ses:eu-west-1:{ACCOUNT}:identity/example.com",
    ("sns", "GetTopicAttributes"): f"arn:aws:sns:eu-west-1:{ACCOUNT}:t",
    ("sqs", "GetQueueAttributes"): f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q",
    ("sqs", "GetQueueUrl"): f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q",
}
"""A resource for each read of a resource policy; the answer stands below."""

GOOD: dict[tuple[str, str], bytes] = dict(
    (
        (
            ("sts", "GetCallerIdentity"),
            _xml("GetCallerIdentity", f"<UserId>U</UserId><Account>{ACCOUNT}</Account><Arn>{_arn('user/alice')}</Arn>"),
        ),
        (
            ("sts", "DecodeAuthorizationMessage"),
            _xml("DecodeAuthorizationMessage", "<DecodedMessage>{}</DecodedMessage>"),
        ),
        _iam(
            "GetAccountAuthorizationDetails",
            f"<UserDetailList><member><UserName>alice</UserName><Path>/</Path><UserId>A</UserId>"
            f"<Arn>{_arn('user/alice')}</Arn><CreateDate>{WHEN}</CreateDate><GroupList><member>devs</member></GroupList>"
            f"<UserPolicyList><member><PolicyName>own</PolicyName><PolicyDocument>%7B%7D</PolicyDocument></member>"
            "</UserPolicyList><Tags><member><Key>k</Key><Value>v</Value></member></Tags></member></UserDetailList>"
            f"<GroupDetailList><member><GroupName>devs</GroupName><Arn>{_arn('group/devs')}</Arn></member>"
            "</GroupDetailList>"
            f"<RoleDetailList><member><RoleName>ci</RoleName><Arn>{_arn('role/ci')}</Arn>"
            "<AssumeRolePolicyDocument>%7B%7D</AssumeRolePolicyDocument></member></RoleDetailList>"
            f"<Policies><member><PolicyName>p</PolicyName><Arn>{_arn('policy/p')}</Arn><AttachmentCount>1"
            "</AttachmentCount><PolicyVersionList><member><VersionId>v1</VersionId><IsDefaultVersion>true"
            "</IsDefaultVersion><Document>%7B%7D</Document></member></PolicyVersionList></member></Policies>",
        ),
        _iam(
            "ListUsers",
            f"<Users><member><UserName>alice</UserName><Arn>{_arn('user/alice')}</Arn>"
            f"<PasswordLastUsed>{WHEN}</PasswordLastUsed></member></Users>",
        ),
        _iam(
            "ListRoles",
            f"<Roles><member><RoleName>ci</RoleName><Arn>{_arn('role/ci')}</Arn><Description>d</Description>"
            "<AssumeRolePolicyDocument>%7B%7D</AssumeRolePolicyDocument>"
            "<MaxSessionDuration>3600</MaxSessionDuration></member></Roles>",
        ),
        *_one_by_one(),
        _iam("ListAccountAliases", "<AccountAliases><member>acme</member></AccountAliases>"),
        _iam(
            "ListInstanceProfiles",
            f"<InstanceProfiles><member><InstanceProfileName>h</InstanceProfileName><Path>/</Path>"
            f"<Arn>{_arn('instance-profile/h')}</Arn><InstanceProfileId>I</InstanceProfileId>"
            f"<CreateDate>{WHEN}</CreateDate><Roles/></member></InstanceProfiles>",
        ),
        _iam(
            "ListSAMLProviders",
            f"<SAMLProviderList><member><Arn>{_arn('saml-provider/idp')}</Arn><CreateDate>{WHEN}</CreateDate>"
            "</member></SAMLProviderList>",
            listing=False,
        ),
        _iam(
            "ListOpenIDConnectProviders",
            f"<OpenIDConnectProviderList><member><Arn>{_arn('oidc-provider/idp.example')}</Arn></member>"
            "</OpenIDConnectProviderList>",
            listing=False,
        ),
        _iam(
            "GetOpenIDConnectProvider",
            f"<Url>idp.example</Url><ClientIDList><member>sts</member></ClientIDList><CreateDate>{WHEN}</CreateDate>",
            listing=False,
        ),
        _iam(
            "ListAccessKeys",
            f"<AccessKeyMetadata><member><UserName>alice</UserName><AccessKeyId>{KEY_ID}</AccessKeyId>"
            f"<Status>Active</Status><CreateDate>{WHEN}</CreateDate></member></AccessKeyMetadata>",
        ),
        _iam(
            "GetAccessKeyLastUsed",
            f"<UserName>alice</UserName><AccessKeyLastUsed><LastUsedDate>{WHEN}</LastUsedDate>"
            "<ServiceName>s3</ServiceName><Region>eu-west-1</Region></AccessKeyLastUsed>",
            listing=False,
        ),
        _iam(
            "ListMFADevices",
            f"<MFADevices><member><UserName>alice</UserName><SerialNumber>{_arn('mfa/alice')}</SerialNumber>"
            f"<EnableDate>{WHEN}</EnableDate></member></MFADevices>",
        ),
        _iam(
            "GetLoginProfile",
            f"<LoginProfile><UserName>alice</UserName><CreateDate>{WHEN}</CreateDate></LoginProfile>",
            listing=False,
        ),
        _iam(
            "GetAccountSummary",
            "<SummaryMap><entry><key>AccountMFAEnabled</key><value>1</value></entry></SummaryMap>",
            listing=False,
        ),
        _iam(
            "GetAccountPasswordPolicy",
            "<PasswordPolicy><MinimumPasswordLength>14</MinimumPasswordLength></PasswordPolicy>",
            listing=False,
        ),
        _iam(
            "ListServerCertificates",
            "<ServerCertificateMetadataList><member><ServerCertificateName>c</ServerCertificateName><Path>/</Path>"
            f"<Arn>{_arn('server-certificate/c')}</Arn><ServerCertificateId>ASCA</ServerCertificateId>"
            f"<Expiration>{WHEN}</Expiration></member></ServerCertificateMetadataList>",
        ),
        _iam("GenerateCredentialReport", "<State>COMPLETE</State>", listing=False),
        _iam(
            "GetCredentialReport",
            f"<Content>{b64encode(REPORT.encode()).decode()}</Content><ReportFormat>text/csv</ReportFormat>"
            f"<GeneratedTime>{WHEN}</GeneratedTime>",
            listing=False,
        ),
        _iam(
            "GenerateServiceLastAccessedDetails", "<JobId>12345678-1234-1234-1234-123456789012</JobId>", listing=False
        ),
        _iam(
            "GetServiceLastAccessedDetails",
            f"<JobStatus>COMPLETED</JobStatus><JobCompletionDate>{WHEN}</JobCompletionDate><ServicesLastAccessed>"
            "<member><ServiceName>Amazon S3</ServiceName><ServiceNamespace>s3</ServiceNamespace>"
            f"<LastAuthenticated>{WHEN}</LastAuthenticated><TrackedActionsLastAccessed><member><ActionName>PutObject"
            f"</ActionName><LastAccessedTime>{WHEN}</LastAccessedTime></member></TrackedActionsLastAccessed></member>"
            "<member><ServiceName>SQS</ServiceName><ServiceNamespace>sqs</ServiceNamespace></member>"
            "</ServicesLastAccessed>",
        ),
        (
            ("iam", "SimulatePrincipalPolicy"),
            simulator_answer(
                result(
                    "allowed",
                    specifics=[specific("allowed", "arn:aws:s3:::b/x", statements=[("p", "IAM Policy", 1, 2)])],
                    organizations=True,
                    boundary=True,
                )
            ).body,
        ),
        _json(
            "organizations", "DescribeOrganization", {"Organization": {"Id": "o-1", "MasterAccountId": "999999999999"}}
        ),
        _json("organizations", "DescribeAccount", {"Account": {"Id": ACCOUNT, "Name": "acme"}}),
        _json("organizations", "ListParents", {"Parents": [{"Id": UNIT, "Type": "ORGANIZATIONAL_UNIT"}]}),
        _json("organizations", "DescribeOrganizationalUnit", {"OrganizationalUnit": {"Id": UNIT, "Name": "prod"}}),
        _json(
            "organizations",
            "ListRoots",
            {"Roots": [{"Id": ROOT, "PolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]}]},
        ),
        _json(
            "organizations",
            "ListPoliciesForTarget",
            {"Policies": [{"Id": SCP_ID, "Arn": "arn:aws:organizations::aws:policy/x", "Name": "FullAWSAccess"}]},
        ),
        _json("organizations", "ListAccountsForParent", {"Accounts": [{"Id": ACCOUNT, "Name": "acme"}]}),
        _json("organizations", "ListOrganizationalUnitsForParent", {"OrganizationalUnits": []}),
        _json(
            "organizations",
            "ListDelegatedAdministrators",
            {"DelegatedAdministrators": [{"Id": "111122223333", "Name": "security"}]},
        ),
        _json("organizations", "DescribePolicy", {"Policy": {"PolicySummary": {"Id": SCP_ID}, "Content": ALLOW}}),
        *_identity_center(),
        (("s3", "GetBucketPolicy"), ON_RESOURCE.encode()),
        (("s3", "GetPublicAccessBlock"), _BLOCK.encode()),
        (("s3control", "GetPublicAccessBlock"), _BLOCK.encode()),
        _json("kms", "GetKeyPolicy", {"Policy": ON_RESOURCE}),
        _json(
            "kms",
            "ListAliases",
            {
                "Aliases": [
                    {
                        "AliasName": "alias/a",
                        "AliasArn": f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/a",
                        "TargetKeyId": "12345678-1234-1234-1234-123456789012",
                    }
                ],
                "Truncated": False,
            },
        ),
        _json("sqs", "GetQueueUrl", {"QueueUrl": f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/q"}),
        _json(
            "sqs",
            "GetQueueAttributes",
            {"Attributes": {"QueueArn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q", "Policy": ON_RESOURCE}},
        ),
        (
            ("sns", "GetTopicAttributes"),
            _xml(
                "GetTopicAttributes",
                f"<Attributes><entry><key>TopicArn</key><value>arn:aws:sns:eu-west-1:{ACCOUNT}:t</value></entry>"
                f"<entry><key>Policy</key><value>{ON_RESOURCE}</value></entry></Attributes>",
            ),
        ),
        _json("lambda", "GetPolicy", {"Policy": ON_RESOURCE}),
        _json("secretsmanager", "GetResourcePolicy", {"ARN": "arn", "Name": "n", "ResourcePolicy": ON_RESOURCE}),
        _json("ecr", "GetRepositoryPolicy", {"policyText": ON_RESOURCE}),
        _json("dynamodb", "GetResourcePolicy", {"Policy": ON_RESOURCE}),
        _json("efs", "DescribeFileSystemPolicy", {"FileSystemId": "fs", "Policy": ON_RESOURCE}),
        _json("events", "DescribeEventBus", {"Name": "b", "Arn": "arn", "Policy": ON_RESOURCE}),
        _json(
            "logs",
            "DescribeResourcePolicies",
            {"resourcePolicies": [{"policyName": "p", "policyDocument": ON_RESOURCE, "lastUpdatedTime": 1}]},
        ),
        _json("opensearch", "DescribeDomain", {"DomainStatus": {"ARN": "arn", "AccessPolicies": ON_RESOURCE}}),
        # API Gateway gives the inside of a JSON string.
        _json("apigateway", "GetRestApi", {"id": "a1b2c3", "name": "n", "policy": json.dumps(ON_RESOURCE)[1:-1]}),
        _json("sesv2", "GetEmailIdentityPolicies", {"Policies": {"p": ON_RESOURCE}}),
        _json("backup", "GetBackupVaultAccessPolicy", {"BackupVaultName": "v", "Policy": ON_RESOURCE}),
        _json("glue", "GetResourcePolicy", {"PolicyInJson": ON_RESOURCE, "PolicyHash": "h"}),
        _json("kinesis", "GetResourcePolicy", {"Policy": ON_RESOURCE}),
        _json("codeartifact", "GetDomainPermissionsPolicy", {"policy": {"document": ON_RESOURCE}}),
        _json("codeartifact", "GetRepositoryPermissionsPolicy", {"policy": {"document": ON_RESOURCE}}),
    )
)
"""(service, operation) to the body of its answer."""

_PARENT_OF_UNIT = json.dumps({"Parents": [{"Id": ROOT, "Type": "ROOT"}]}).encode()


_SERVICES = {
    "api-gateway": "apigateway",
    "cloudwatch-logs": "logs",
    "elasticfilesystem": "efs",
    "eventbridge": "events",
    "s3-control": "s3control",
    "secrets-manager": "secretsmanager",
}
"""By the name of a service in botocore's events, where it has another name."""


class CannedAws:
    """Answers with GOOD all calls but those whose answer `wrong` replaces, that are `denied` or end in one of `errors`.

    `asked` lists all.
    """

    def __init__(self) -> None:
        self.wrong: dict[tuple[str, str], bytes] = {}
        self.denied: set[tuple[str, str]] = set()
        self.errors: dict[tuple[str, str], str] = {}
        self.asked: list[tuple[str, str]] = []
        self.connection = Connection.with_stub(
            self._answer, access_key_id=KEY_ID, secret_access_key="x", region="eu-west-1"
        )

    def _answer(self, *, request: Any, event_name: str, **_more: Any) -> AWSResponse:
        _, service, operation = event_name.split(".")
        pair = (_SERVICES.get(service, service), operation)
        self.asked.append(pair)
        body = request.body if isinstance(request.body, bytes) else b""
        good = _PARENT_OF_UNIT if operation == "ListParents" and UNIT.encode() in body else GOOD[pair]
        code = "AccessDeniedException" if pair in self.denied else self.errors.get(pair)
        if code is not None:
            error = aws_error(ALLOWED[pair].protocol, 403 if pair in self.denied else 404, code)
            return AWSResponse(request.url, error.status, error.headers, _Body(error.body))
        body = self.wrong.get(pair, good)
        return AWSResponse(request.url, 200, {}, _Body(body))


class _Body(io.BytesIO):
    def stream(self, **_: Any) -> list[bytes]:
        return [self.getvalue()]
