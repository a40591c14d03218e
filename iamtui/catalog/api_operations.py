"""API operations whose IAM action has another name: event sources, operations, and the parameters of their resources.

Most operations are authorized by the action of their name. Each table says where AWS documents the exceptions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "monitoring": ("cloudwatch",),
    "email": ("ses",),
    "tagging": ("tag",),
    "streams.dynamodb": ("dynamodb",),
    "servicecatalog-appregistry": ("servicecatalog",),
    "cloudwatchevents": ("events",),
    "eventbridge": ("events",),
    "cloudwatchlogs": ("logs",),
    "elasticloadbalancingv2": ("elasticloadbalancing",),
    "sfn": ("states",),
    "cognitoidentityprovider": ("cognito-idp",),
    "cognitoidentity": ("cognito-identity",),
    "efs": ("elasticfilesystem",),
    "elbv2": ("elasticloadbalancing",),
    "ecrpublic": ("ecr-public",),
    "s3": ("s3", "s3express"),
    "s3control": ("s3", "s3express"),
    "opensearch": ("es",),
    "autoscaling": ("autoscaling", "application-autoscaling", "autoscaling-plans"),
    "cloudcontrolapi": ("cloudformation",),
    "iotdata": ("iot",),
    "iot-jobs-data": ("iotjobsdata",),
    "iotsecuredtunneling": ("iot",),
    "mturk-requester": ("mechanicalturk",),
    "keyspaces": ("cassandra",),
    "neptunedata": ("neptune-db",),
    "partnercentral-account": ("partnercentral",),
    "partnercentral-benefits": ("partnercentral",),
    "partnercentral-channel": ("partnercentral",),
    "partnercentral-selling": ("partnercentral",),
    "partnercentral-marketing": ("partnercentral",),
}
"""Event source without its domain, or SDK name, in lower case, to the IAM prefixes that its operations have, where that
is not the same name alone (CloudTrail User Guide: AWS service topics for CloudTrail; Service Authorization Reference,
the prefix of each service; Application Auto Scaling User Guide: logging API calls; Cloud Control API User Guide:
managing permissions)."""

NO_ACTION: Final[Mapping[str, str]] = {
    "signin": "it is a step of signing in, which no policy allows",
    "sso-oauth": "it is authorized by a token, not by a policy",
    "awsssoportal": "it is authorized by a token, not by a policy",
    "portal.sso": "it is authorized by a token, not by a policy",
}
"""Event sources whose operations IAM does not authorize, unless the catalogue has the action (CloudTrail User Guide:
AWS Management Console sign-in events; IAM Identity Center User Guide: logging IAM Identity Center API calls)."""

_S3: Final[Mapping[str, tuple[str, ...]]] = {
    "CompleteMultipartUpload": ("PutObject",),
    "CopyObject": ("PutObject",),
    "CreateBucketMetadataConfiguration": ("CreateBucketMetadataTableConfiguration",),
    "CreateMultipartUpload": ("PutObject",),
    "CreateSession": ("s3express:CreateSession",),
    "DeleteBucketAnalyticsConfiguration": ("PutAnalyticsConfiguration",),
    "DeleteBucketCors": ("PutBucketCORS",),
    "DeleteBucketEncryption": ("PutEncryptionConfiguration",),
    "DeleteBucketIntelligentTieringConfiguration": ("PutIntelligentTieringConfiguration",),
    "DeleteBucketInventoryConfiguration": ("PutInventoryConfiguration",),
    "DeleteBucketLifecycle": ("PutLifecycleConfiguration",),
    "DeleteBucketLifecycleConfiguration": ("PutLifecycleConfiguration",),
    "DeleteBucketMetadataConfiguration": ("DeleteBucketMetadataTableConfiguration",),
    "DeleteBucketMetricsConfiguration": ("PutMetricsConfiguration",),
    "DeleteBucketOwnershipControls": ("PutBucketOwnershipControls",),
    "DeleteBucketPublicAccessBlock": ("PutBucketPublicAccessBlock",),
    "DeleteBucketReplication": ("PutReplicationConfiguration",),
    "DeleteBucketTagging": ("PutBucketTagging",),
    "DeleteObjects": ("DeleteObject",),
    "DeletePublicAccessBlock": ("PutBucketPublicAccessBlock",),
    "DeleteAccountPublicAccessBlock": ("PutAccountPublicAccessBlock",),
    "GetBucketAccelerateConfiguration": ("GetAccelerateConfiguration",),
    "GetBucketAnalyticsConfiguration": ("GetAnalyticsConfiguration",),
    "GetBucketCors": ("GetBucketCORS",),
    "GetBucketEncryption": ("GetEncryptionConfiguration",),
    "GetBucketIntelligentTieringConfiguration": ("GetIntelligentTieringConfiguration",),
    "GetBucketInventoryConfiguration": ("GetInventoryConfiguration",),
    "GetBucketLifecycle": ("GetLifecycleConfiguration",),
    "GetBucketLifecycleConfiguration": ("GetLifecycleConfiguration",),
    "GetBucketMetadataConfiguration": ("GetBucketMetadataTableConfiguration",),
    "GetBucketMetricsConfiguration": ("GetMetricsConfiguration",),
    "GetBucketNotificationConfiguration": ("GetBucketNotification",),
    "GetBucketReplication": ("GetReplicationConfiguration",),
    "GetObjectLockConfiguration": ("GetBucketObjectLockConfiguration",),
    "GetPublicAccessBlock": ("GetBucketPublicAccessBlock",),
    "HeadBucket": ("ListBucket",),
    "HeadObject": ("GetObject",),
    "ListBucketAnalyticsConfigurations": ("GetAnalyticsConfiguration",),
    "ListBucketIntelligentTieringConfigurations": ("GetIntelligentTieringConfiguration",),
    "ListBucketInventoryConfigurations": ("GetInventoryConfiguration",),
    "ListBucketMetricsConfigurations": ("GetMetricsConfiguration",),
    "ListBuckets": ("ListAllMyBuckets",),
    "ListDirectoryBuckets": ("s3express:ListAllMyDirectoryBuckets",),
    "ListMultipartUploads": ("ListBucketMultipartUploads",),
    "GetBucket": ("s3-outposts:GetBucket",),
    "ListObjectVersions": ("ListBucketVersions",),
    "ListObjects": ("ListBucket",),
    "ListObjectsV2": ("ListBucket",),
    "ListParts": ("ListMultipartUploadParts",),
    "ListRegionalBuckets": ("s3-outposts:ListRegionalBuckets",),
    "PostObject": ("PutObject",),
    "PutBucketAccelerateConfiguration": ("PutAccelerateConfiguration",),
    "PutBucketAnalyticsConfiguration": ("PutAnalyticsConfiguration",),
    "PutBucketCors": ("PutBucketCORS",),
    "PutBucketEncryption": ("PutEncryptionConfiguration",),
    "PutBucketIntelligentTieringConfiguration": ("PutIntelligentTieringConfiguration",),
    "PutBucketInventoryConfiguration": ("PutInventoryConfiguration",),
    "PutBucketLifecycle": ("PutLifecycleConfiguration",),
    "PutBucketLifecycleConfiguration": ("PutLifecycleConfiguration",),
    "PutBucketMetricsConfiguration": ("PutMetricsConfiguration",),
    "PutBucketNotificationConfiguration": ("PutBucketNotification",),
    "PutBucketReplication": ("PutReplicationConfiguration",),
    "PutObjectLockConfiguration": ("PutBucketObjectLockConfiguration",),
    "PutPublicAccessBlock": ("PutBucketPublicAccessBlock",),
    "RenameObject": ("s3express:CreateSession",),
    "SelectObjectContent": ("GetObject",),
    "UploadPart": ("PutObject",),
    "UploadPartCopy": ("PutObject",),
    "WriteGetObjectResponse": ("s3-object-lambda:WriteGetObjectResponse",),
}
"""Amazon S3 User Guide: required permissions for Amazon S3 API operations; S3 CloudTrail events."""

VERSION_ACTIONS: Final[Mapping[str, str]] = {
    "s3:DeleteObject": "s3:DeleteObjectVersion",
    "s3:DeleteObjectTagging": "s3:DeleteObjectVersionTagging",
    "s3:GetObject": "s3:GetObjectVersion",
    "s3:GetObjectAcl": "s3:GetObjectVersionAcl",
    "s3:GetObjectAttributes": "s3:GetObjectVersionAttributes",
    "s3:GetObjectTagging": "s3:GetObjectVersionTagging",
    "s3:PutObjectAcl": "s3:PutObjectVersionAcl",
    "s3:PutObjectTagging": "s3:PutObjectVersionTagging",
}
"""The action in place of another where a version id is given (S3 API Reference: GetObject and the others)."""

_KEYSPACES: Final[Mapping[str, tuple[str, ...]]] = {
    "CreateKeyspace": ("Create",), "CreateTable": ("Create",), "CreateType": ("Create",),
    "DeleteKeyspace": ("Drop",), "DeleteTable": ("Drop",), "DeleteType": ("Drop",),
    "GetKeyspace": ("Select",), "GetTable": ("Select",), "GetType": ("Select",),
    "GetTableAutoScalingSettings": ("Select",), "ListKeyspaces": ("Select",), "ListTables": ("Select",),
    "ListTypes": ("Select",), "ListTagsForResource": ("Select",),
    "RestoreTable": ("Restore",), "UpdateKeyspace": ("Alter",), "UpdateTable": ("Alter",),
}  # fmt: skip
"""Amazon Keyspaces Developer Guide: how Amazon Keyspaces works with IAM; Service Authorization Reference, the
descriptions of the actions."""

_NEPTUNE_DATA: Final[Mapping[str, tuple[str, ...]]] = {
    "CancelGremlinQuery": ("CancelQuery",), "CancelOpenCypherQuery": ("CancelQuery",),
    "DeletePropertygraphStatistics": ("DeleteStatistics",), "DeleteSparqlStatistics": ("DeleteStatistics",),
    "ExecuteFastReset": ("ResetDatabase",), "ExecuteGremlinExplainQuery": ("ReadDataViaQuery",),
    "ExecuteOpenCypherExplainQuery": ("ReadDataViaQuery",),
    "GetGremlinQueryStatus": ("GetQueryStatus",), "ListGremlinQueries": ("GetQueryStatus",),
    "GetOpenCypherQueryStatus": ("GetQueryStatus",), "ListOpenCypherQueries": ("GetQueryStatus",),
    "GetMLDataProcessingJob": ("GetMLDataProcessingJobStatus",), "GetMLEndpoint": ("GetMLEndpointStatus",),
    "GetMLModelTrainingJob": ("GetMLModelTrainingJobStatus",),
    "GetMLModelTransformJob": ("GetMLModelTransformJobStatus",),
    "GetPropertygraphStatistics": ("GetStatisticsStatus",), "GetSparqlStatistics": ("GetStatisticsStatus",),
    "GetPropertygraphStream": ("GetStreamRecords",), "GetSparqlStream": ("GetStreamRecords",),
    "GetPropertygraphSummary": ("GetGraphSummary",), "GetRDFGraphSummary": ("GetGraphSummary",),
    "ManagePropertygraphStatistics": ("ManageStatistics",), "ManageSparqlStatistics": ("ManageStatistics",),
}  # fmt: skip
"""Neptune User Guide: Neptune data API reference, the IAM action that each operation asks for. What queries read and
write decides the actions of ExecuteGremlinQuery and its like, which the record does not tell."""

_BUDGETS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        (
            "DescribeBudget", "DescribeBudgetNotificationsForAccount", "DescribeBudgetPerformanceHistory",
            "DescribeBudgets", "DescribeNotificationsForBudget", "DescribeSubscribersForNotification",
        ),
        ("ViewBudget",),
    ),
    **dict.fromkeys(
        (
            "CreateBudget", "CreateNotification", "CreateSubscriber", "DeleteBudget", "DeleteNotification",
            "DeleteSubscriber", "UpdateBudget", "UpdateNotification", "UpdateSubscriber",
        ),
        ("ModifyBudget",),
    ),
}  # fmt: skip
"""Service Authorization Reference: AWS Budget Service; AWS Billing User Guide: managing access permissions."""

ACTIONS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "s3": _S3,
    "cassandra": _KEYSPACES,
    "neptune-db": _NEPTUNE_DATA,
    "budgets": _BUDGETS,
    # Lambda Developer Guide: logging Lambda API calls; Service Authorization Reference: AWS Lambda.
    "lambda": {
        "Invoke": ("InvokeFunction",),
        "InvokeWithResponseStream": ("InvokeFunction",),
        "GetLayerVersionByArn": ("GetLayerVersion",),
    },
    # DynamoDB Developer Guide: IAM and transactions.
    "dynamodb": {"TransactGetItems": ("GetItem",)},
    # KMS Developer Guide: permissions reference.
    "kms": {"ReEncrypt": ("ReEncryptFrom", "ReEncryptTo")},
    # SQS Developer Guide: API permissions.
    "sqs": {
        "SendMessageBatch": ("SendMessage",),
        "DeleteMessageBatch": ("DeleteMessage",),
        "ChangeMessageVisibilityBatch": ("ChangeMessageVisibility",),
    },
    # SNS API Reference: PublishBatch.
    "sns": {"PublishBatch": ("Publish",)},
    # Bedrock User Guide: inference using the Converse API; API Reference of each operation.
    "bedrock": {
        "Converse": ("InvokeModel",),
        "ConverseStream": ("InvokeModelWithResponseStream",),
        "InvokeModelWithBidirectionalStream": ("InvokeModel",),
        "StartAsyncInvoke": ("InvokeModel",),
        "RetrieveAndGenerateStream": ("RetrieveAndGenerate",),
    },
    # CloudFront API Reference: the operations for distributions with tags.
    "cloudfront": {"CreateDistributionWithTags": ("CreateDistribution", "TagResource")},
    # API Gateway Developer Guide: use @connections commands in your backend service.
    "execute-api": {
        "DeleteConnection": ("ManageConnections",),
        "GetConnection": ("ManageConnections",),
        "PostToConnection": ("ManageConnections",),
    },
    # Timestream Developer Guide: how Timestream for LiveAnalytics works with IAM.
    "timestream": {"Query": ("Select",)},
    # Access Analyzer, Verified Permissions, Neptune Analytics and others: API Reference of each operation.
    "access-analyzer": {"GetFindingV2": ("GetFinding",), "ListFindingsV2": ("ListFindings",)},
    "verifiedpermissions": {
        "BatchGetPolicy": ("GetPolicy",),
        "BatchIsAuthorized": ("IsAuthorized",),
        "BatchIsAuthorizedWithToken": ("IsAuthorizedWithToken",),
    },
    "redshift-data": {"GetStatementResultV2": ("GetStatementResult",)},
    "quicksight": {
        "DescribeAnalysisDefinition": ("DescribeAnalysis",),
        "DescribeDashboardDefinition": ("DescribeDashboard",),
        "DescribeTemplateDefinition": ("DescribeTemplate",),
    },
}
"""IAM prefix to API operation to the actions that are checked, where they have other names; with a prefix where it is
that of another service."""

PARTIQL: Final[Mapping[str, str]] = {
    "select": "dynamodb:PartiQLSelect",
    "insert": "dynamodb:PartiQLInsert",
    "update": "dynamodb:PartiQLUpdate",
    "delete": "dynamodb:PartiQLDelete",
    "exists": "dynamodb:PartiQLSelect",
}
"""First word of a statement to its action (DynamoDB Developer Guide: IAM security policies with PartiQL)."""

TRANSACTION: Final[Mapping[str, str]] = {
    "put": "dynamodb:PutItem",
    "update": "dynamodb:UpdateItem",
    "delete": "dynamodb:DeleteItem",
    "conditioncheck": "dynamodb:ConditionCheckItem",
    "get": "dynamodb:GetItem",
}
"""Operation of an item to its action (DynamoDB Developer Guide: IAM and transactions)."""

PARAMETERS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "s3": {"BucketName": ("bucketname", "bucket"), "ObjectName": ("key",), "AccessPointName": ("name",)},
    "iam": {
        "MfaTokenIdWithPath": ("virtualmfadevicename",),
        "SamlProviderName": ("name",),
        "CertificateNameWithPath": ("servercertificatename",),
    },
    "lambda": {"LayerVersion": ("versionnumber",)},
    "organizations": {"AccountId": ("accountid",)},
    "rds": {
        "DbInstanceName": ("dbinstanceidentifier",),
        "DbClusterInstanceName": ("dbclusteridentifier",),
        "SnapshotName": ("dbsnapshotidentifier", "targetdbsnapshotidentifier"),
        "ClusterSnapshotName": ("dbclustersnapshotidentifier", "targetdbclustersnapshotidentifier"),
        "ParameterGroupName": ("dbparametergroupname", "targetdbparametergroupidentifier"),
        "ClusterParameterGroupName": ("dbclusterparametergroupname", "targetdbclusterparametergroupidentifier"),
        "SubnetGroupName": ("dbsubnetgroupname",),
        "SecurityGroupName": ("dbsecuritygroupname",),
        "OptionGroupName": ("optiongroupname", "targetoptiongroupidentifier"),
        "GlobalCluster": ("globalclusteridentifier",),
        "DbClusterEndpoint": ("dbclusterendpointidentifier",),
    },
    "redshift": {
        "ClusterName": ("clusteridentifier",),
        "SnapshotName": ("snapshotidentifier",),
        "SubnetGroupName": ("clustersubnetgroupname",),
        "HSMClientCertificateId": ("hsmclientcertificateidentifier",),
        "HSMConfigurationId": ("hsmconfigurationidentifier",),
    },
    "ecs": {
        "ServiceName": ("service", "services", "servicename"),
        "TaskId": ("task", "tasks"),
        "ContainerInstanceId": ("containerinstance", "containerinstances"),
    },
    "elasticmapreduce": {"ClusterId": ("jobflowid", "jobflowids", "clusterid")},
    "mobiletargeting": {"AppId": ("applicationid",)},
    "ec2": {
        "SecurityGroupId": ("groupid", "securitygroupid"),
        "DedicatedHostId": ("hostid",),
        "KeyPairName": ("keyname",),
        "NaclId": ("networkaclid",),
        "PlacementGroupName": ("groupname",),
        "VpcFlowLogId": ("flowlogid",),
        "SpotFleetRequestId": ("spotfleetrequestid",),
    },
    "geo": {
        "GeofenceCollectionName": ("collectionname",),
        "PlaceIndexName": ("indexname",),
        "RouteCalculatorName": ("calculatorname",),
    },
    "events": {"RuleName": ("name", "rule"), "EventBusName": ("eventbusname",)},
    "cloudwatch": {"InsightRuleName": ("rulename", "rulenames")},
    "route53": {"Id": ("hostedzoneid", "healthcheckid", "id")},
    "cloudfront": {"DistributionId": ("id", "distributionid", "targetdistributionid")},
    "autoscaling": {"GroupFriendlyName": ("autoscalinggroupname",)},
    "ssm": {"ParameterNameWithoutLeadingSlash": ("name", "names", "path"), "DocumentName": ("name", "documentname")},
    "cloudtrail": {"TrailName": ("name", "trailname")},
    "logs": {"DeliveryName": ("id",)},
    "sso": {"AccountId": ("targetid",)},
    "kms": {"Alias": ("aliasname",), "KeyId": ("keyid", "targetkeyid")},
}
"""Action prefix to a name in ARN forms to the request parameters, in lower case, that have it, where they are called
otherwise (API Reference of each service; names in ARNs: Service Authorization Reference)."""

NAMED_OTHERWISE: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "ssm:sendcommand": {
        "instanceids": ("instance", "managed-instance"),
        "outputs3bucketname": ("bucket",),
        "targets": ("instance", "managed-instance"),
    },
    "ssm:startsession": {"target": ("instance", "managed-instance", "task")},
    "organizations:attachpolicy": {"targetid": ("account", "organizationalunit", "root")},
    "organizations:detachpolicy": {"targetid": ("account", "organizationalunit", "root")},
}
"""Actions to parameters, in lower case, by which a call names resources of optional types that are called otherwise
(Systems Manager User Guide: restricting access to Run Command, control user session access to managed nodes;
Organizations User Guide: resources of AttachPolicy)."""

IDENTIFIES: Final = frozenset(("vpc-lattice", "cleanrooms", "bedrock", "bedrock-agentcore", "lex"))
"""Services whose `...Identifier` parameters take the id, or the ARN, of a resource but no name (API Reference of each
service)."""

ACCOUNT_PARAMETERS: Final[Mapping[str, str]] = {
    "ecr": "registryid",
    "glue": "catalogid",
    "quicksight": "awsaccountid",
    "sqs": "queueownerawsaccountid",
}
"""The request parameter that names the account of the resource, in lower case (API Reference of each service)."""


MADE_HERE: Final[Mapping[str, tuple[str, ...]]] = {
    "ec2:runinstances": ("instance", "network-interface", "volume"),
    "ec2:allocateaddress": ("elastic-ip",),
    "ec2:createflowlogs": ("vpc-flow-log",),
    "ec2:requestspotinstances": ("spot-instances-request",),
}
"""Actions that make resources of types which their names do not tell, so that their ids do not exist yet (EC2 User
Guide: example policies, launch instances)."""

EC2_IDS: Final[Mapping[str, str]] = {
    "acl": "network-acl", "ami": "image", "cgw": "customer-gateway", "cr": "capacity-reservation",
    "dopt": "dhcp-options", "eigw": "egress-only-internet-gateway", "eipalloc": "elastic-ip",
    "eni": "network-interface", "fl": "vpc-flow-log", "fleet": "fleet", "h": "dedicated-host", "i": "instance",
    "igw": "internet-gateway", "lt": "launch-template", "nat": "natgateway", "pcx": "vpc-peering-connection",
    "pl": "prefix-list", "rtb": "route-table", "sfr": "spot-fleet-request", "sg": "security-group",
    "sgr": "security-group-rule", "sir": "spot-instances-request", "snap": "snapshot", "subnet": "subnet",
    "tgw": "transit-gateway", "tgw-attach": "transit-gateway-attachment", "tgw-rtb": "transit-gateway-route-table",
    "vgw": "vpn-gateway", "vol": "volume", "vpc": "vpc", "vpce": "vpc-endpoint", "vpce-svc": "vpc-endpoint-service",
    "vpn": "vpn-connection",
}  # fmt: skip
"""Resource type by the prefix of an id, before its last hyphen (EC2 User Guide: resource IDs)."""


DATA_EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "cognito-identity": ("getcredentials*", "getid", "getopenid*"),
    "dynamodb": (
        "batch*item", "conditioncheckitem", "deleteitem", "getitem", "getrecords", "getsharditerator", "partiql*",
        "putitem", "query", "scan", "updateitem",
    ),
    "ebs": ("*",),
    "events": ("putevents",),
    "execute-api": ("*",),
    "iot": ("connect", "getthingshadow", "publish", "receive", "subscribe", "updatethingshadow"),
    "kinesis": ("getrecords", "getsharditerator", "putrecord*", "subscribetoshard"),
    "lambda": ("invoke*",),
    "logs": ("filterlogevents", "getlog*", "putlogevents", "startlivetail"),
    "cloudwatch": ("getmetricdata", "getmetricstatistics", "getmetricwidgetimage", "listmetrics", "putmetricdata"),
    "rds-data": ("*",),
    "s3": (
        "abortmultipartupload", "bypassgovernanceretention", "deleteobject*", "getobject*", "listbucket",
        "listbucketversions", "listmultipartuploadparts", "putobject*", "restoreobject",
    ),
    "s3express": ("createsession",),
    "sagemaker": ("invokeendpoint*", "putrecord", "getrecord", "batchgetrecord", "deleterecord"),
    "sns": ("publish",),
    "sqs": ("changemessagevisibility", "deletemessage", "receivemessage", "sendmessage"),
    "ssmmessages": ("*",),
    "timestream": ("select", "writerecords"),
    "verifiedpermissions": ("isauthorized*",),
    "xray": ("get*", "puttelemetryrecords", "puttracesegments"),
}  # fmt: skip
"""By action prefix, the actions in lower case whose calls CloudTrail records only where a trail asks for data events
(CloudTrail User Guide: logging data events; each service's guide: logging API calls). `*` stands for any text."""


@lru_cache(maxsize=1024)
def iam_prefix(source: str) -> str:
    """The IAM service prefix for a CloudTrail event source or an SDK's service name ("s3.amazonaws.com", "S3")."""
    return prefixes_of(source)[0]


def prefixes_of(source: str) -> tuple[str, ...]:
    """The prefixes of the services whose actions an event source has, the usual one first."""
    name = source_name(source)
    return PREFIXES.get(name, (name,))


def source_name(source: str) -> str:
    """An event source or a service name as the tables have it."""
    return source.strip().lower().replace(" ", "").removesuffix(".cn").removesuffix(".amazonaws.com")


@cache
def gateway_paths() -> Mapping[str, tuple[str, ...]]:
    """API Gateway's operations to "METHOD /path/{parameter}": the action is the method, the ARN ends with the path.

    (API Gateway Developer Guide: control access with IAM policies; the paths are those of botocore's models.)
    """
    found = json.loads(files("iamtui.catalog").joinpath("api_gateway_paths.json").read_text(encoding="utf-8"))
    return {name: tuple(paths) for name, paths in found.items()}


@cache
def actions_without_operation() -> Mapping[str, tuple[str, ...]]:
    """The actions of each prefix that no operation of the SDK is authorized by; "*" for all of them.

    They are checked along with other calls, or are of the console (Service Authorization Reference: permission only).
    """
    found = json.loads(files("iamtui.catalog").joinpath("actions_without_operation.json").read_text(encoding="utf-8"))
    return {prefix: tuple(names) for prefix, names in found.items()}
