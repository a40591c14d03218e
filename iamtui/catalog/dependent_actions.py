"""Dependent actions: the authorization requests behind one API call beside its own action.

Sources, all AWS documentation: the Service Authorization Reference (tables "API operations" and "Actions" of each
service), the API reference of each call (required parameters decide what is checked on every call), IAM User Guide
"Grant a user permissions to pass a role to an AWS service", Amazon S3 User Guide "Required permissions for Amazon
S3 API operations", Amazon EC2 User Guide "Grant permission to tag Amazon EC2 resources during creation" and
"Requirements for Amazon EBS encryption", AWS Lambda Developer Guide "Control access to Lambda function URLs", AWS KMS
Developer Guide "Controlling access to aliases" and "kms:ViaService", Amazon EC2 Auto Scaling User Guide "API
permissions", AWS Lambda Developer Guide "Giving Lambda functions access to resources in an Amazon VPC" (user
permissions), Amazon Bedrock User Guide "Set up permissions to use guardrails" and "Permissions to query a knowledge
base", AWS KMS Developer Guide "Create multi-Region replica keys", AWS Systems Manager User Guide "Monitoring status
changes using Amazon SNS notifications". A table of names and words; what is asked about each is worked out elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct


class Check(Struct, frozen=True):
    """One authorization request that an API call leads to.

    Args:
        action: the IAM action that is checked.
        resource: what it is checked on, in words.
        when: on which calls, in words; empty: on every call.
        note: what else to know, one sentence, or empty.
        arn: form of the resource when it is another than that of the call, with {partition}, {region}, {account}
            and {bucket} (the bucket of the call's resource) to fill in, such as
            `arn:{partition}:iam::{account}:role/*`; "*" for an action without resource types; empty: the resource of
            the call.
        context: condition keys that this check always carries, with their value.
        via: prefix of the service that makes this request for the caller (a forward access session), or empty.
        by_deny: whether an explicit deny of it decides, and no lack of an Allow: AWS does not document the action.
    """

    action: str
    resource: str
    when: str = ""
    note: str = ""
    arn: str = ""
    context: tuple[tuple[str, str], ...] = ()
    via: str = ""
    by_deny: bool = False


_TAGS: Final = "tags are set"
_ROLE: Final = "arn:{partition}:iam::{account}:role/*"
_KEY: Final = "arn:{partition}:kms:{region}:{account}:key/*"
_OBJECT: Final = "arn:{partition}:s3:::*/*"
_BUCKET_OF: Final = "arn:{partition}:s3:::{bucket}"


def _pass(words: str, service: str = "", when: str = "") -> Check:
    """A role that is passed; `service` is the service principal it is passed to, where that is documented."""
    context = (("iam:PassedToService", f"{service}.amazonaws.com"),) if service else ()
    return Check("iam:PassRole", words, when, arn=_ROLE, context=context)


def _tag(action: str, words: str, *, context: tuple[tuple[str, str], ...] = ()) -> Check:
    return Check(action, words, _TAGS, context=context)


def _key(action: str, via: str, when: str) -> Check:
    return Check(action, "the KMS key", when, f"Comes through {via}, in the caller's name.", _KEY, via=via)


_ENCRYPTED_OBJECT: Final = "the object is encrypted with SSE-KMS"
_OBJECT_READ: Final = _key("kms:Decrypt", "s3", _ENCRYPTED_OBJECT)
_OBJECT_WRITE: Final = _key("kms:GenerateDataKey", "s3", _ENCRYPTED_OBJECT)
_MISSING_KEY: Final = Check(
    "s3:ListBucket",
    "the bucket",
    "the key does not exist",
    "Without it a missing key answers 403, not 404.",
    _BUCKET_OF,
)
_BUCKET: Final = (Check("s3:ListBucket", "the bucket"),)
_READ_OBJECT: Final = (
    Check("s3:GetObject", "the object"),
    Check("s3:GetObjectVersion", "the object", "a version id is given"),
    _MISSING_KEY,
    _OBJECT_READ,
)
_WRITTEN_WITH: Final = (
    Check("s3:PutObjectTagging", "the object", _TAGS),
    Check("s3:PutObjectAcl", "the object", "an ACL is set"),
    Check("s3:PutObjectRetention", "the object", "an Object Lock retention is set"),
    Check("s3:PutObjectLegalHold", "the object", "a legal hold is set"),
)
_UPLOAD: Final = (Check("s3:PutObject", "the object"), *_WRITTEN_WITH, _OBJECT_WRITE)
_PART: Final = (Check("s3:PutObject", "the object"), _OBJECT_WRITE, _OBJECT_READ)
_SOURCE: Final = Check("s3:GetObject", "the source object", arn=_OBJECT)
_DELETE: Final = (
    Check("s3:DeleteObject", "the object"),
    Check("s3:DeleteObjectVersion", "the object", "a version id is given"),
    Check("s3:BypassGovernanceRetention", "the object", "governance retention is bypassed"),
)


_REPLICATES: Final = (
    Check("s3:PutReplicationConfiguration", "the source bucket"),
    _pass("the role that replicates", "s3"),
)


def _renamed(action: str, words: str) -> tuple[Check, ...]:
    return (Check(action, words),)


_S3: Final[Mapping[str, tuple[Check, ...]]] = {
    "s3:CompleteMultipartUpload": _PART,
    "s3:CopyObject": (
        Check("s3:PutObject", "the target object"),
        _SOURCE,
        Check("s3:GetObjectVersion", "the source object", "a version id is given", arn=_OBJECT),
        Check("s3:GetObjectTagging", "the source object", "its tags are copied", arn=_OBJECT),
        Check("s3:PutObjectTagging", "the target object", "its tags are copied"),
        *_WRITTEN_WITH,
        _OBJECT_READ,
        _OBJECT_WRITE,
    ),
    "s3:CreateBucket": (
        Check("s3:CreateBucket", "the bucket"),
        Check("s3:PutBucketAcl", "the bucket", "an ACL is set"),
        Check("s3:PutBucketOwnershipControls", "the bucket", "object ownership is set"),
        Check("s3:PutBucketObjectLockConfiguration", "the bucket", "Object Lock is enabled"),
        Check("s3:PutBucketVersioning", "the bucket", "Object Lock is enabled"),
    ),
    "s3:CreateJob": (
        Check("s3:CreateJob", "the job"),
        _pass("the role of the job", "batchoperations.s3"),
    ),
    "s3:CreateMultipartUpload": _UPLOAD,
    "s3:DeleteObject": _DELETE,
    "s3:DeleteObjects": _DELETE,
    "s3:GetBucketEncryption": _renamed("s3:GetEncryptionConfiguration", "the bucket"),
    "s3:GetBucketLifecycleConfiguration": _renamed("s3:GetLifecycleConfiguration", "the bucket"),
    "s3:GetBucketReplication": _renamed("s3:GetReplicationConfiguration", "the bucket"),
    "s3:GetObject": _READ_OBJECT,
    "s3:GetPublicAccessBlock": _renamed("s3:GetBucketPublicAccessBlock", "the bucket"),
    "s3:HeadBucket": _BUCKET,
    "s3:HeadObject": _READ_OBJECT,
    "s3:ListBuckets": _renamed("s3:ListAllMyBuckets", "all buckets of the account"),
    "s3:ListMultipartUploads": _renamed("s3:ListBucketMultipartUploads", "the bucket"),
    "s3:ListObjectVersions": _renamed("s3:ListBucketVersions", "the bucket"),
    "s3:ListObjects": _BUCKET,
    "s3:ListObjectsV2": _BUCKET,
    "s3:ListParts": _renamed("s3:ListMultipartUploadParts", "the object"),
    "s3:PutBucketEncryption": _renamed("s3:PutEncryptionConfiguration", "the bucket"),
    "s3:PutBucketLifecycleConfiguration": _renamed("s3:PutLifecycleConfiguration", "the bucket"),
    "s3:PutBucketReplication": _REPLICATES,
    "s3:PutObject": _UPLOAD,
    "s3:PutPublicAccessBlock": _renamed("s3:PutBucketPublicAccessBlock", "the bucket"),
    "s3:PutReplicationConfiguration": _REPLICATES,
    "s3:UploadPart": _PART,
    "s3:UploadPartCopy": (Check("s3:PutObject", "the target object"), _SOURCE, _OBJECT_WRITE, _OBJECT_READ),
}

_EC2: Final = "arn:{partition}:ec2:{region}:{account}:"


def _launched(words: str, type_: str, when: str = "") -> Check:
    return Check("ec2:RunInstances", words, when, arn=f"{_EC2}{type_}/*")


def _launched_tags(words: str, when: str) -> Check:
    context = (("ec2:CreateAction", "RunInstances"),)
    return Check("ec2:CreateTags", words, when, arn=f"{_EC2}instance/*", context=context)


_EBS_KEY: Final = (
    _key("kms:CreateGrant", "ec2", "a volume is encrypted with a customer managed key"),
    _key("kms:GenerateDataKeyWithoutPlaintext", "ec2", "a volume is encrypted with a customer managed key"),
)

_RUN_INSTANCES: Final = (
    Check(
        "ec2:RunInstances",
        "the instance, image, subnet, network interface, security group, volume and key pair, each by itself",
        note="A condition key that exists for one of them only fails on the others unless ...IfExists is used.",
    ),
    _launched("the instance", "instance"),
    Check("ec2:RunInstances", "the image", arn="arn:{partition}:ec2:{region}::image/*"),
    _launched("the subnet", "subnet"),
    _launched("the network interface", "network-interface"),
    _launched("the security group", "security-group"),
    _launched("the volume", "volume", "the instance has EBS volumes"),
    _launched("the key pair", "key-pair", "a key pair is named"),
    _launched("the launch template", "launch-template", "a launch template is used"),
    _launched_tags("the instance", _TAGS),
    _pass("the role of the instance profile", "ec2", "an instance profile is given"),
    *_EBS_KEY,
)

_OF_GROUPS: Final = (
    _launched("what the group launches", "instance", "a launch template is used"),
    _launched_tags("what the group launches", "the launch template sets tags"),
    _pass("the role of the instance profile", when="instances get a profile"),
)

_TAGGED_BY_EC2: Final = {
    "AllocateAddress": "the address",
    "CopySnapshot": "the snapshot",
    "CreateFleet": "the fleet",
    "CreateImage": "the image",
    "CreateInternetGateway": "the internet gateway",
    "CreateKeyPair": "the key pair",
    "CreateLaunchTemplate": "the launch template",
    "CreateNatGateway": "the NAT gateway",
    "CreateNetworkAcl": "the network ACL",
    "CreateNetworkInterface": "the network interface",
    "CreateRouteTable": "the route table",
    "CreateSecurityGroup": "the security group",
    "CreateSnapshot": "the snapshot",
    "CreateSubnet": "the subnet",
    "CreateTransitGateway": "the transit gateway",
    "CreateVpc": "the VPC",
    "CreateVpcEndpoint": "the endpoint",
    "CreateVpcPeeringConnection": "the peering connection",
}
"""EC2 calls that set tags while creating, checked as ec2:CreateTags with ec2:CreateAction."""

_TAGGED: Final = {
    "dynamodb:CreateTable": ("dynamodb:TagResource", "the table"),
    "ecr:CreateRepository": ("ecr:TagResource", "the repository"),
    "eks:CreateFargateProfile": ("eks:TagResource", "the profile"),
    "elasticloadbalancing:CreateListener": ("elasticloadbalancing:AddTags", "the listener"),
    "elasticloadbalancing:CreateLoadBalancer": ("elasticloadbalancing:AddTags", "the load balancer"),
    "elasticloadbalancing:CreateRule": ("elasticloadbalancing:AddTags", "the rule"),
    "elasticloadbalancing:CreateTargetGroup": ("elasticloadbalancing:AddTags", "the target group"),
    "iam:CreateInstanceProfile": ("iam:TagInstanceProfile", "the instance profile"),
    "iam:CreateOpenIDConnectProvider": ("iam:TagOpenIDConnectProvider", "the provider"),
    "iam:CreatePolicy": ("iam:TagPolicy", "the policy"),
    "iam:CreateSAMLProvider": ("iam:TagSAMLProvider", "the provider"),
    "iam:CreateUser": ("iam:TagUser", "the user"),
    "iam:CreateVirtualMFADevice": ("iam:TagMFADevice", "the device"),
    "iam:UploadServerCertificate": ("iam:TagServerCertificate", "the certificate"),
    "kms:CreateKey": ("kms:TagResource", "the key"),
    "logs:CreateLogGroup": ("logs:TagResource", "the log group"),
    "rds:CreateDBCluster": ("rds:AddTagsToResource", "the cluster"),
    "sns:CreateTopic": ("sns:TagResource", "the topic"),
    "sqs:CreateQueue": ("sqs:TagQueue", "the queue"),
}
"""Calls that set tags while creating, with the action that is checked besides."""

_ALWAYS_PASSED: Final = {
    "backup:CreateBackupSelection": ("the role", "backup"),
    "backup:StartBackupJob": ("the role", "backup"),
    "backup:StartRestoreJob": ("the role", "backup"),
    "bedrock:CreateKnowledgeBase": ("the role of the knowledge base", "bedrock"),
    "bedrock:CreateModelCustomizationJob": ("the role of the job", "bedrock"),
    "codebuild:CreateProject": ("the service role", "codebuild"),
    "codedeploy:CreateDeploymentGroup": ("the service role", "codedeploy"),
    "codepipeline:CreatePipeline": ("the role of the pipeline", "codepipeline"),
    "codepipeline:UpdatePipeline": ("the role of the pipeline", "codepipeline"),
    "cognito-identity:SetIdentityPoolRoles": ("the roles of the pool", ""),
    "datasync:CreateLocationS3": ("the role that reaches the bucket", "datasync"),
    "ec2:AssociateIamInstanceProfile": ("the role of the instance profile", "ec2"),
    "ec2:ReplaceIamInstanceProfileAssociation": ("the role of the instance profile", "ec2"),
    "ec2:RequestSpotFleet": ("the fleet role", "spotfleet"),
    "eks:CreateCluster": ("the role of the cluster", "eks"),
    "eks:CreateNodegroup": ("the role of the nodes", ""),
    "eks:CreatePodIdentityAssociation": ("the role of the pods", "pods.eks"),
    "emr-serverless:StartJobRun": ("the execution role", "emr-serverless"),
    "glue:CreateCrawler": ("the role of the crawler", "glue"),
    "glue:CreateDevEndpoint": ("the role of the endpoint", "glue"),
    "glue:CreateJob": ("the role of the job", "glue"),
    "glue:CreateMLTransform": ("the role of the transform", "glue"),
    "glue:CreateSession": ("the role of the session", "glue"),
    "iam:AddRoleToInstanceProfile": ("the role that is added", ""),
    "iot:CreateRoleAlias": ("the role", "credentials.iot"),
    "kinesisanalytics:CreateApplication": ("the service execution role", "kinesisanalytics"),
    "logs:PutDestination": ("the role that writes to the target", "logs"),
    "pipes:CreatePipe": ("the role of the pipe", "pipes"),
    "pipes:UpdatePipe": ("the role of the pipe", "pipes"),
    "rds:AddRoleToDBCluster": ("the role", "rds"),
    "rds:AddRoleToDBInstance": ("the role", "rds"),
    "rds:StartExportTask": ("the role of the export", "export.rds"),
    "sagemaker:CreateAutoMLJob": ("the role of the job", "sagemaker"),
    "sagemaker:CreateHyperParameterTuningJob": ("the role of the training jobs", "sagemaker"),
    "sagemaker:CreateLabelingJob": ("the role of the job", "sagemaker"),
    "sagemaker:CreateNotebookInstance": ("the role of the notebook", "sagemaker"),
    "sagemaker:CreatePipeline": ("the role of the pipeline", "sagemaker"),
    "sagemaker:CreateProcessingJob": ("the role of the job", "sagemaker"),
    "sagemaker:CreateTrainingJob": ("the role of the job", "sagemaker"),
    "scheduler:CreateSchedule": ("the role that invokes the target", "scheduler"),
    "scheduler:UpdateSchedule": ("the role that invokes the target", "scheduler"),
    "ssm:CreateActivation": ("the role of the instances", "ssm"),
    "transfer:CreateUser": ("the role of the user", "transfer"),
}
"""Calls whose role is a required parameter, with the service principal it is passed to."""

_SOMETIMES_PASSED: Final = {
    "apprunner:CreateService": ("the instance or access role", "", "a role is given"),
    "apprunner:UpdateService": ("the instance or access role", "", "a role is given"),
    "appsync:CreateDataSource": ("the service role", "appsync", "a role is given"),
    "autoscaling:CreateLaunchConfiguration": ("the role of the instance profile", "", "instances get a profile"),
    "autoscaling:PutLifecycleHook": ("the role that notifies", "autoscaling", "a role is given"),
    "batch:RegisterJobDefinition": ("the job and execution role", "ecs-tasks", "a role is given"),
    "batch:SubmitJob": ("the job and execution role", "ecs-tasks", "the job definition has a role"),
    "bedrock:CreateAgent": ("the role of the agent", "bedrock", "a role is given"),
    "bedrock:UpdateAgent": ("the role of the agent", "bedrock", "a role is given"),
    "cloudformation:ContinueUpdateRollback": ("the service role", "cloudformation", "a service role is given"),
    "cloudformation:CreateChangeSet": ("the service role", "cloudformation", "a service role is given"),
    "cloudformation:CreateStack": ("the service role", "cloudformation", "a service role is given"),
    "cloudformation:CreateStackSet": ("the administration role", "cloudformation", "an administration role is given"),
    "cloudformation:DeleteStack": ("the service role", "cloudformation", "a service role is given"),
    "cloudformation:RollbackStack": ("the service role", "cloudformation", "a service role is given"),
    "cloudformation:UpdateStack": ("the service role", "cloudformation", "a service role is given"),
    "cloudformation:UpdateStackSet": ("the administration role", "cloudformation", "an administration role is given"),
    "cloudtrail:CreateTrail": ("the role that writes logs", "cloudtrail", "a CloudWatch Logs role is given"),
    "cloudtrail:UpdateTrail": ("the role that writes logs", "cloudtrail", "a CloudWatch Logs role is given"),
    "codebuild:StartBuild": ("the service role", "codebuild", "the service role is overridden"),
    "codebuild:UpdateProject": ("the service role", "codebuild", "a service role is given"),
    "codedeploy:UpdateDeploymentGroup": ("the service role", "codedeploy", "a service role is given"),
    "config:PutConfigurationRecorder": ("the role of the recorder", "config", "a role is given"),
    "ec2:CreateFlowLogs": ("the role that delivers logs", "vpc-flow-logs", "a delivery role is given"),
    "ec2:RequestSpotInstances": ("the role of the instance profile", "ec2", "an instance profile is given"),
    "ecs:CreateService": ("the task, execution or service role", "", "the service or its tasks have a role"),
    "ecs:RegisterTaskDefinition": ("the task and the execution role", "ecs-tasks", "a role is given"),
    "ecs:RunTask": ("the task and the execution role", "ecs-tasks", "the task has a role"),
    "ecs:StartTask": ("the task and the execution role", "ecs-tasks", "the task has a role"),
    "ecs:UpdateService": ("the task and the execution role", "ecs-tasks", "the new task definition has a role"),
    "elasticmapreduce:RunJobFlow": ("the service role and the role of the instances", "", "roles are given"),
    "events:PutRule": ("the role of the rule", "events", "a role is given"),
    "events:PutTargets": ("the role that invokes the target", "events", "a target has a role"),
    "firehose:CreateDeliveryStream": ("the role that delivers", "firehose", "a destination or source has a role"),
    "firehose:UpdateDestination": ("the role that delivers", "firehose", "the destination has a role"),
    "glue:UpdateCrawler": ("the role of the crawler", "glue", "a role is given"),
    "glue:UpdateJob": ("the role of the job", "glue", "a role is given"),
    "iot:CreateTopicRule": ("the roles of the actions", "iot", "an action has a role"),
    "iot:ReplaceTopicRule": ("the roles of the actions", "iot", "an action has a role"),
    "logs:PutSubscriptionFilter": ("the role that writes to the target", "logs", "a role is given"),
    "rds:CreateDBInstance": ("the monitoring role", "monitoring.rds", "enhanced monitoring is on"),
    "rds:ModifyDBInstance": ("the monitoring role", "monitoring.rds", "a monitoring role is given"),
    "redshift:CreateCluster": ("the roles of the cluster", "redshift", "roles are given"),
    "redshift:ModifyClusterIamRoles": ("the roles of the cluster", "redshift", "roles are added"),
    "sagemaker:CreateDomain": ("the execution role", "sagemaker", "an execution role is given"),
    "sagemaker:CreateModel": ("the execution role", "sagemaker", "an execution role is given"),
    "sagemaker:CreateUserProfile": ("the execution role", "sagemaker", "an execution role is given"),
    "sagemaker:UpdateNotebookInstance": ("the role of the notebook", "sagemaker", "a role is given"),
    "ssm:RegisterTaskWithMaintenanceWindow": ("the service role", "ssm", "a service role is given"),
    "ssm:SendCommand": ("the role that notifies", "ssm", "a service role is given"),
    "ssm:StartAutomationExecution": ("the role of the automation", "ssm", "an automation role is given"),
    "states:UpdateStateMachine": ("the role of the state machine", "states", "a role is given"),
    "transfer:CreateServer": ("the logging role", "transfer", "a logging role is given"),
}
"""Calls whose role is an optional parameter, with the service principal it is passed to and when it is."""

_QUEUE: Final = "the queue is encrypted with a KMS key"
_TOPIC: Final = "the topic is encrypted with a KMS key"
_SECRET: Final = "the secret is encrypted with a customer managed key"
_PARAMETER: Final = "the parameter is a SecureString"
_READ_PARAMETER: Final = _key("kms:Decrypt", "ssm", "a SecureString is read with decryption")


def _with_itself(action: str, words: str, *checks: Check) -> tuple[Check, ...]:
    return (Check(action, words), *checks)


def _alias(action: str) -> tuple[Check, ...]:
    return (
        Check(action, "the alias"),
        Check(action, "the key behind the alias", arn=_KEY),
    )


_IN_VPC: Final = tuple(
    Check(f"ec2:{action}", "the networks of the account", "it is connected to a VPC", arn="*")
    for action in ("DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs")
)

_OF_SESSIONS: Final = (
    Check("sts:TagSession", "the role", "session tags are set", "The trust policy must allow it too."),
    Check("sts:SetSourceIdentity", "the role", "a source identity is set", "The trust policy must allow it too."),
)
_SECRET_KEY, _TOPIC_KEY, _QUEUE_KEY = (
    (_key("kms:GenerateDataKey", service, encrypted), _key("kms:Decrypt", service, encrypted))
    for service, encrypted in (("secretsmanager", _SECRET), ("sns", _TOPIC), ("sqs", _QUEUE))
)

_GUARDRAIL: Final = Check(
    "bedrock:ApplyGuardrail",
    "the guardrail",
    "a guardrail is given",
    arn="arn:{partition}:bedrock:{region}:{account}:guardrail/*",
)

_OTHERS: Final[Mapping[str, tuple[Check, ...]]] = {
    **{
        f"bedrock:{call}": (Check(f"bedrock:{action}", "the model"), _GUARDRAIL)
        for call, action in (
            ("Converse", "InvokeModel"),
            ("ConverseStream", "InvokeModelWithResponseStream"),
            ("InvokeModel", "InvokeModel"),
            ("InvokeModelWithResponseStream", "InvokeModelWithResponseStream"),
        )
    },
    "bedrock:RetrieveAndGenerate": _with_itself(
        "bedrock:RetrieveAndGenerate",
        "all knowledge bases",
        Check("bedrock:Retrieve", "the knowledge base", "a knowledge base is read"),
        Check("bedrock:InvokeModel", "the model", "a model answers"),
    ),
    **{
        f"autoscaling:{name}": _with_itself(f"autoscaling:{name}", "the resource of the call", *_OF_GROUPS)
        for name in ("CreateAutoScalingGroup", "UpdateAutoScalingGroup")
    },
    "ec2:CreateVolume": _with_itself(
        "ec2:CreateVolume",
        "the volume",
        _tag("ec2:CreateTags", "the volume", context=(("ec2:CreateAction", "CreateVolume"),)),
        *_EBS_KEY,
    ),
    "ec2:RunInstances": _RUN_INSTANCES,
    # IAM User Guide, manage access to role manager: each underlying action is evaluated.
    "iam:AcquireRole": (
        Check(
            "iam:CreateRole",
            "the role",
            note="Role manager creates the role of a template, unless it is there already.",
        ),
        Check("iam:GetRole", "the role", "it is there already"),
        Check("iam:PutRolePolicy", "the role", "the template has inline policies"),
        Check("iam:AttachRolePolicy", "the role", "the template has managed policies"),
        Check(
            "iam:AcquireRole",
            "the role",
            "AWS checks an action of that name, which it does not document",
            by_deny=True,
        ),
    ),
    "iam:CreateRole": (
        Check("iam:CreateRole", "the role", note="A boundary is seen by iam:PermissionsBoundary."),
        _tag("iam:TagRole", "the role"),
    ),
    "kms:CreateAlias": _alias("kms:CreateAlias"),
    "kms:DeleteAlias": _alias("kms:DeleteAlias"),
    "kms:ReEncrypt": (
        Check("kms:ReEncryptFrom", "the key that it is encrypted with"),
        Check("kms:ReEncryptTo", "the key that it is encrypted with next", arn=_KEY),
    ),
    "kms:ReplicateKey": _with_itself(
        "kms:ReplicateKey",
        "the key",
        Check("kms:CreateKey", "the replica key", "it is replicated to another Region", arn="*"),
    ),
    "kms:UpdateAlias": _alias("kms:UpdateAlias"),
    "lambda:CreateFunction": _with_itself(
        "lambda:CreateFunction",
        "the function",
        _pass("the execution role", "lambda"),
        _tag("lambda:TagResource", "the function"),
        Check("lambda:GetLayerVersion", "the layer", "layers are used", arn="arn:{partition}:lambda:*:*:layer:*"),
        Check("s3:GetObject", "the deployment package", "the code comes from a bucket", arn=_OBJECT),
        *_IN_VPC,
    ),
    "lambda:Invoke": (
        Check("lambda:InvokeFunction", "the function"),
        Check("lambda:InvokeFunctionUrl", "the function", "it is called through its function URL"),
    ),
    "lambda:InvokeFunctionUrl": _with_itself(
        "lambda:InvokeFunctionUrl",
        "the function",
        Check("lambda:InvokeFunction", "the function", context=(("lambda:InvokedViaFunctionUrl", "true"),)),
    ),
    "lambda:UpdateFunctionConfiguration": _with_itself(
        "lambda:UpdateFunctionConfiguration",
        "the resource of the call",
        _pass("the execution role", "lambda", "another role is given"),
        *_IN_VPC,
    ),
    "secretsmanager:CreateSecret": _with_itself(
        "secretsmanager:CreateSecret",
        "the secret",
        _tag("secretsmanager:TagResource", "the secret"),
        *_SECRET_KEY,
    ),
    "secretsmanager:GetSecretValue": _with_itself(
        "secretsmanager:GetSecretValue", "the secret", _key("kms:Decrypt", "secretsmanager", _SECRET)
    ),
    "secretsmanager:PutSecretValue": _with_itself(
        "secretsmanager:PutSecretValue",
        "the secret",
        *_SECRET_KEY,
    ),
    "sns:Publish": _with_itself("sns:Publish", "the topic", *_TOPIC_KEY),
    "sns:PublishBatch": _with_itself("sns:Publish", "the topic", *_TOPIC_KEY),
    "sqs:DeleteMessageBatch": _renamed("sqs:DeleteMessage", "the queue"),
    "sqs:ReceiveMessage": _with_itself("sqs:ReceiveMessage", "the queue", _key("kms:Decrypt", "sqs", _QUEUE)),
    "sqs:SendMessage": _with_itself("sqs:SendMessage", "the queue", *_QUEUE_KEY),
    "sqs:SendMessageBatch": _with_itself("sqs:SendMessage", "the queue", *_QUEUE_KEY),
    "ssm:GetParameter": _with_itself("ssm:GetParameter", "the parameter", _READ_PARAMETER),
    "ssm:GetParameters": _with_itself("ssm:GetParameters", "the parameters", _READ_PARAMETER),
    "ssm:GetParametersByPath": _with_itself("ssm:GetParametersByPath", "the path", _READ_PARAMETER),
    "ssm:PutParameter": _with_itself(
        "ssm:PutParameter",
        "the parameter",
        _key("kms:Encrypt", "ssm", f"{_PARAMETER} of the standard tier"),
        _key("kms:GenerateDataKey", "ssm", f"{_PARAMETER} of the advanced tier"),
        _tag("ssm:AddTagsToResource", "the parameter"),
    ),
    "states:CreateStateMachine": _with_itself(
        "states:CreateStateMachine",
        "the state machine",
        _pass("the role of the state machine", "states"),
        _tag("states:TagResource", "the state machine"),
    ),
    **{
        f"sts:{name}": (Check(f"sts:{name}", "the role"), *_OF_SESSIONS)
        for name in ("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")
    },
}


def _simple() -> Iterator[tuple[str, tuple[Check, ...]]]:
    """The calls of which only one companion is known."""
    for name, words in _TAGGED_BY_EC2.items():
        context = (("ec2:CreateAction", name),)
        yield f"ec2:{name}", _with_itself(f"ec2:{name}", words, _tag("ec2:CreateTags", words, context=context))
    for call, (action, words) in _TAGGED.items():
        yield call, _with_itself(call, words, _tag(action, words))
    for call, (words, service) in _ALWAYS_PASSED.items():
        yield call, _with_itself(call, "the resource of the call", _pass(words, service))
    for call, (words, service, when) in _SOMETIMES_PASSED.items():
        yield call, _with_itself(call, "the resource of the call", _pass(words, service, when))


COMPANIONS: Final[Mapping[str, tuple[Check, ...]]] = MappingProxyType(
    {call.lower(): checks for call, checks in (*_simple(), *_S3.items(), *_OTHERS.items())}
)
"""Every call with more than one authorization request, or with one of another name, by its name in lower case."""


def companions(call: str) -> tuple[Check, ...]:
    """The authorization requests behind one API call ("s3:CopyObject", any letter case), its own action first.

    A call that is not in the table gives (): it is checked as the action of its own name, as far as known. A call
    that has no action of its own name ("s3:HeadObject") begins with the action it is authorized as.
    """
    return COMPANIONS.get(call.lower(), ())
