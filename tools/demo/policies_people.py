"""Customer managed policies for people: guardrails, boundaries, and what each team may do."""

from __future__ import annotations

from tools.demo.company import (
    ACCESS_LOGS,
    DATA_LAKE,
    HR_EXPORTS,
    INVOICES,
    LAKE_KEY,
    OFFICE_NETWORKS,
    PAYMENTS_KEY,
    PAYMENTS_SECRET,
    PROD,
    REGION,
    SECOND_REGION,
    STAGING,
    bucket,
    iam,
    objects,
    policy,
    regional,
    role,
)
from tools.demo.language import PolicyStory, allow, deny, managed

OWN_USER = iam("user/*/${aws:username}")

GUARDRAILS = (
    managed(
        "guardrails/self-manage-credentials",
        "2021-03-02",
        "Lets people look after their own password, access keys and MFA device",
        allow(
            "ViewAccountBasics",
            "iam:GetAccountPasswordPolicy iam:ListUsers iam:GetAccountSummary iam:ListAccountAliases",
        ),
        allow(
            "ManageOwnCredentials",
            "iam:ChangePassword iam:GetUser iam:CreateAccessKey iam:DeleteAccessKey iam:ListAccessKeys "
            "iam:UpdateAccessKey iam:GetAccessKeyLastUsed iam:ListUserTags",
            OWN_USER,
        ),
        allow(
            "ManageOwnMfaDevice",
            "iam:EnableMFADevice iam:ResyncMFADevice iam:ListMFADevices iam:CreateVirtualMFADevice",
            [OWN_USER, iam("mfa/${aws:username}")],
        ),
        allow(
            "RemoveOwnMfaDeviceOnlyWithMfa",
            "iam:DeactivateMFADevice",
            OWN_USER,
            when={"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        ),
    ),
    managed(
        "guardrails/force-mfa",
        "2022-01-17",
        "Refuses everything but signing in and setting up MFA until MFA was used",
        deny(
            "DenyAllExceptSetUpWithoutMfa",
            not_actions="iam:ChangePassword iam:CreateVirtualMFADevice iam:EnableMFADevice iam:GetUser "
            "iam:ListMFADevices iam:ListVirtualMFADevices iam:ResyncMFADevice sts:GetSessionToken",
            when={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
        ),
    ),
    managed(
        "guardrails/office-network-only",
        "2023-05-22",
        "Refuses calls from outside the offices, except those an AWS service makes on the person's behalf",
        deny(
            "DenyOutsideOffice",
            "*",
            when={
                "NotIpAddress": {"aws:SourceIp": OFFICE_NETWORKS},
                "Bool": {"aws:ViaAWSService": "false"},
            },
        ),
    ),
)

BOUNDARIES = (
    managed(
        "boundaries/workload-boundary",
        "2023-02-06",
        "The most that a role made by a product team can do",
        allow("EverythingButIdentity", not_actions="iam:* organizations:* account:* aws-portal:*"),
        allow("PassOwnWorkloadRoles", "iam:PassRole iam:GetRole", role("apps/*")),
        deny("NeverTouchAccessLogs", "s3:*", [bucket(ACCESS_LOGS), objects(ACCESS_LOGS)]),
        deny("NeverReadPeopleData", "s3:GetObject", objects(HR_EXPORTS)),
        deny("NeverDeleteKeys", "kms:ScheduleKeyDeletion kms:DisableKey"),
    ),
    managed(
        "boundaries/contractor-boundary",
        "2023-09-11",
        "The most that people from outside the company can do",
        allow(
            "LookAtComputeAndLogs",
            "ec2:Describe* ecs:Describe* ecs:List* logs:Get* logs:Describe* logs:FilterLogEvents",
        ),
        allow("ReadAndWriteContractorPrefix", "s3:GetObject s3:PutObject", objects(DATA_LAKE, "contractors/*")),
        allow("ListLake", "s3:ListBucket", bucket(DATA_LAKE), when={"StringLike": {"s3:prefix": "contractors/*"}}),
        allow("OwnCredentials", "iam:ChangePassword iam:GetUser iam:*MFADevice* iam:*AccessKey*", OWN_USER),
    ),
    managed(
        "boundaries/sandbox-boundary",
        "2024-06-19",
        "Keeps experiments in the second Region and away from identity",
        allow("AnythingInSecondRegion", "*", when={"StringEquals": {"aws:RequestedRegion": SECOND_REGION}}),
        allow("LookAnywhere", "ec2:Describe* s3:List* cloudwatch:Get* cloudwatch:List*"),
        deny("NoIdentityChanges", "iam:Create* iam:Put* iam:Attach* iam:Update* iam:Delete* iam:PassRole"),
    ),
)

PLATFORM = (
    managed(
        "platform/platform-assume-roles",
        "2022-08-30",
        "The roles that platform engineers may switch to",
        allow(
            "SwitchToPlatformRoles",
            "sts:AssumeRole",
            [
                role("deploy-prod"),
                role("ops-readonly"),
                role("external/skylark-cost-reader"),
                role("payments/*"),
                role("network-admin"),
            ],
        ),
        allow("SwitchToStaging", "sts:AssumeRole", role("deploy-staging", STAGING)),
        deny("NeverBreakGlass", "sts:AssumeRole", role("admin/*")),
    ),
    managed(
        "platform/platform-read",
        "2022-08-30",
        "Look at the account's configuration, not at its data",
        allow("LookAtIdentity", "iam:Get* iam:List* iam:Generate* organizations:Describe* organizations:List*"),
        allow(
            "LookAtConfiguration",
            "ec2:Describe* ecs:Describe* ecs:List* eks:Describe* eks:List* lambda:Get* lambda:List* cloudwatch:Get* "
            "cloudwatch:List* cloudwatch:Describe* logs:Describe* s3:ListAllMyBuckets s3:GetBucket* "
            "kms:DescribeKey kms:ListKeys kms:ListAliases kms:GetKeyPolicy sqs:GetQueueAttributes sqs:ListQueues "
            "sns:GetTopicAttributes sns:ListTopics secretsmanager:ListSecrets secretsmanager:GetResourcePolicy",
        ),
        deny("NoTeamDataEver", "s3:GetBucketPolicy", bucket(HR_EXPORTS)),
    ),
    managed(
        "platform/deploy-services",
        "2022-09-12",
        "Roll out services: new task definitions, new function code, new images",
        allow(
            "UpdateServices",
            "ecs:UpdateService ecs:DescribeServices ecs:RegisterTaskDefinition ecs:DeregisterTaskDefinition "
            "ecs:DescribeTaskDefinition ecs:TagResource",
        ),
        allow(
            "UpdateFunctions",
            "lambda:UpdateFunctionCode lambda:PublishVersion lambda:UpdateAlias lambda:GetFunction",
            regional("lambda", "function:*"),
            when={"StringEquals": {"aws:ResourceTag/managed-by": "deploy"}},
        ),
        allow(
            "PassServiceRoles",
            "iam:PassRole",
            role("apps/*"),
            when={"StringEquals": {"iam:PassedToService": ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com"]}},
        ),
        allow("ReadImages", "ecr:GetAuthorizationToken ecr:BatchGetImage ecr:DescribeImages"),
        deny("NoWeekendSurprises", "ecs:DeleteService ecs:DeleteCluster lambda:DeleteFunction"),
    ),
    managed(
        "platform/artifact-bucket-write",
        "2022-09-12",
        "Read and publish deployment artifacts",
        allow("ListArtifacts", "s3:ListBucket", bucket("puffin-deploy-artifacts")),
        allow("ReadAndPublishArtifacts", "s3:GetObject s3:PutObject", objects("puffin-deploy-artifacts")),
    ),
    managed(
        "platform/log-read",
        "2022-03-28",
        "Search the logs of services, not those of payments",
        allow("ReadLogs", "logs:FilterLogEvents logs:GetLogEvents logs:StartQuery logs:GetQueryResults logs:Describe*"),
        deny("NotPaymentLogs", "logs:FilterLogEvents logs:GetLogEvents", regional("logs", "log-group:/payments/*:*")),
    ),
    managed(
        "platform/session-on-tagged-hosts",
        "2024-02-05",
        "Open a shell on hosts of one's own team",
        allow(
            "StartSessionOnOwnTeam",
            "ssm:StartSession",
            regional("ec2", "instance/*"),
            when={"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
        ),
        allow("UseShellDocument", "ssm:StartSession", regional("ssm", "document/SSM-SessionManagerRunShell")),
        allow("EndOwnSessions", "ssm:TerminateSession ssm:ResumeSession", "arn:aws:ssm:*:*:session/${aws:username}-*"),
    ),
    managed(
        "platform/dns-manage",
        "2022-11-08",
        "Change records of the public zones",
        allow(
            "ChangeRecords", "route53:ChangeResourceRecordSets route53:GetHostedZone", "arn:aws:route53:::hostedzone/*"
        ),
        allow("ListZones", "route53:ListHostedZones route53:ListResourceRecordSets route53:GetChange"),
    ),
    managed(
        "platform/emergency-stop",
        "2023-12-01",
        "Stop anything that runs away, with MFA used in the last hour",
        allow(
            "StopCompute",
            "ec2:StopInstances ecs:StopTask lambda:PutFunctionConcurrency",
            when={
                "Bool": {"aws:MultiFactorAuthPresent": "true"},
                "NumericLessThan": {"aws:MultiFactorAuthAge": "3600"},
            },
        ),
    ),
    managed(
        "platform/delegated-role-creation",
        "2023-02-06",
        "Make roles for services, but only within the workload boundary",
        allow(
            "CreateBoundedRoles",
            "iam:CreateRole iam:AttachRolePolicy iam:PutRolePolicy iam:PutRolePermissionsBoundary",
            role("apps/*"),
            when={"StringEquals": {"iam:PermissionsBoundary": policy("boundaries/workload-boundary")}},
        ),
        allow("TendRoles", "iam:GetRole iam:ListRoles iam:TagRole iam:DetachRolePolicy iam:DeleteRole", role("apps/*")),
        deny(
            "KeepTheBoundary",
            "iam:DeleteRolePermissionsBoundary iam:CreatePolicyVersion iam:SetDefaultPolicyVersion iam:DeletePolicy",
            [policy("boundaries/*"), role("apps/*")],
        ),
    ),
    managed(
        "platform/incident-access",
        "2024-10-14",
        "What the on-call engineer needs at three in the morning",
        allow("RestartThings", "ecs:UpdateService ecs:StopTask lambda:PutFunctionConcurrency rds:RebootDBInstance"),
        # Meant for "the vendor's trust policy is broken again"; it opens every role but those of administrators.
        allow("RepairTrustPolicies", "iam:UpdateAssumeRolePolicy iam:GetRole", not_resources=role("admin/*")),
    ),
)

SECURITY_TEAM = (
    managed(
        "security/audit-trail-read",
        "2021-06-07",
        "Read the audit trail",
        allow("ReadTrail", "cloudtrail:LookupEvents cloudtrail:Get* cloudtrail:Describe* cloudtrail:List*"),
        allow("ReadAccessLogs", "s3:GetObject s3:ListBucket", [bucket(ACCESS_LOGS), objects(ACCESS_LOGS)]),
    ),
    managed(
        "security/quarantine",
        "2023-07-25",
        "Cut off a stolen credential or an infected host",
        allow("DisableKeys", "iam:UpdateAccessKey iam:DeleteLoginProfile", iam("user/*")),
        allow(
            "AttachQuarantine",
            "iam:AttachUserPolicy",
            iam("user/*"),
            when={"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"}},
        ),
        allow("IsolateHosts", "ec2:ModifyInstanceAttribute ec2:CreateSnapshot ec2:CreateTags"),
    ),
    managed(
        "security/key-administration",
        "2022-05-16",
        "Look after KMS keys without being able to use them",
        allow(
            "AdministerKeys", "kms:Create* kms:Describe* kms:Enable* kms:List* kms:Put* kms:Update* kms:Get* kms:Tag*"
        ),
        deny("NeverUseKeys", "kms:Decrypt kms:Encrypt kms:GenerateDataKey* kms:ReEncrypt*"),
    ),
    managed(
        "security/no-data-access",
        "2022-05-16",
        "Takes the data out of a read-only role",
        deny(
            "NoData",
            "s3:GetObject dynamodb:GetItem dynamodb:Query dynamodb:Scan secretsmanager:GetSecretValue "
            "ssm:GetParameter* kms:Decrypt sqs:ReceiveMessage",
        ),
    ),
)

DATA_TEAM = (
    managed(
        "data/data-lake-read",
        "2022-02-14",
        "Read the data lake, never delete from it",
        allow("ReadLake", "s3:GetObject s3:ListBucket", [bucket(DATA_LAKE), objects(DATA_LAKE)]),
        allow(
            "DecryptLake",
            "kms:Decrypt",
            LAKE_KEY,
            when={"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}},
        ),
        deny("NoDelete", "s3:Delete*", [bucket(DATA_LAKE), objects(DATA_LAKE)]),
    ),
    PolicyStory(
        "data-lake-write",
        "/data/",
        "2022-02-14",
        "Write to the curated part of the data lake",
        (
            (
                "2022-02-14",
                {"Version": "2012-10-17", "Statement": [allow("WriteAll", "s3:PutObject", objects(DATA_LAKE))]},
            ),
            (
                "2024-01-23",
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        allow("WriteCurated", "s3:PutObject s3:AbortMultipartUpload", objects(DATA_LAKE, "curated/*")),
                        allow("EncryptLake", "kms:GenerateDataKey kms:Decrypt", LAKE_KEY),
                        deny(
                            "OnlyEncrypted",
                            "s3:PutObject",
                            objects(DATA_LAKE),
                            when={"StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption": "aws:kms"}},
                        ),
                    ],
                },
            ),
        ),
        tags={"team": "data", "owner": "amara.diallo"},
    ),
    managed(
        "data/data-lake-by-team",
        "2024-04-09",
        "Each team reads and writes its own prefix of the lake, by the team tag",
        allow("OwnPrefix", "s3:GetObject s3:PutObject", objects(DATA_LAKE, "teams/${aws:PrincipalTag/team}/*")),
        allow(
            "ListOwnPrefix",
            "s3:ListBucket",
            bucket(DATA_LAKE),
            when={"StringLike": {"s3:prefix": ["teams/${aws:PrincipalTag/team}/*", "shared/*"]}},
        ),
        tags={"team": "data"},
    ),
    managed(
        "data/athena-query",
        "2022-02-14",
        "Ask questions of the lake with Athena",
        allow(
            "Query",
            "athena:StartQueryExecution athena:GetQueryExecution athena:GetQueryResults athena:StopQueryExecution",
            regional("athena", "workgroup/${aws:PrincipalTag/team}"),
        ),
        allow("ReadCatalog", "glue:GetDatabase* glue:GetTable* glue:GetPartition*"),
        allow("KeepResults", "s3:PutObject s3:GetObject", objects("puffin-athena-results", "${aws:userid}/*")),
    ),
    managed(
        "data/lake-administration",
        "2022-02-14",
        "Run the data lake",
        allow(
            "EverythingOnDataBuckets",
            "s3:*",
            not_resources=[bucket(ACCESS_LOGS), objects(ACCESS_LOGS), bucket(HR_EXPORTS), objects(HR_EXPORTS)],
        ),
        allow("RunJobs", "glue:* athena:* lakeformation:GetDataAccess"),
        allow(
            "PassGlueRole",
            "iam:PassRole",
            role("service-role/glue-etl"),
            when={"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}},
        ),
    ),
    managed(
        "data/notebooks",
        "2026-03-16",
        "Try out SageMaker notebooks",
        allow("Notebooks", "sagemaker:CreateNotebookInstance sagemaker:*NotebookInstance* sagemaker:List*"),
    ),
)

BUSINESS = (
    managed(
        "business/cost-explorer-read",
        "2021-11-29",
        "Read the bill",
        allow("ReadBill", "ce:Get* ce:Describe* ce:List* budgets:View* cur:Describe*"),
    ),
    managed(
        "business/invoice-archive-read",
        "2022-06-20",
        "Read invoices of closed years",
        allow("ReadInvoices", "s3:GetObject", objects(INVOICES, "archive/*")),
        allow("ListInvoices", "s3:ListBucket", bucket(INVOICES), when={"StringLike": {"s3:prefix": "archive/*"}}),
        allow("DecryptInvoices", "kms:Decrypt", PAYMENTS_KEY),
    ),
    managed(
        "business/customer-lookup",
        "2023-03-13",
        "Find a customer's parcels; never the payment attributes",
        allow(
            "LookUpParcels",
            "dynamodb:GetItem dynamodb:Query",
            regional("dynamodb", "table/parcels"),
            when={
                "ForAllValues:StringEquals": {
                    "dynamodb:Attributes": ["parcel_id", "status", "eta", "depot", "recipient_name"]
                },
                "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
            },
        ),
        allow(
            "ReissueLabels",
            "lambda:InvokeFunction",
            regional("lambda", "function:label-reissue"),
            when={"DateGreaterThan": {"aws:CurrentTime": "2023-03-13T00:00:00Z"}},
        ),
    ),
    managed(
        "business/vendor-portal",
        "2023-09-11",
        "What contractors work with",
        allow("ContractorPrefix", "s3:GetObject s3:PutObject s3:DeleteObject", objects(DATA_LAKE, "contractors/*")),
        allow("LookAtCompute", "ec2:Describe* ecs:Describe* ecs:List*"),
        allow("WatchQueues", "sqs:GetQueueAttributes sqs:ListQueues", regional("sqs", "*")),
    ),
)

ENGINEERING = (
    managed(
        "engineering/lambda-developer",
        "2022-10-03",
        "Write and try functions",
        allow(
            "DevelopFunctions",
            "lambda:CreateFunction lambda:InvokeFunction lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration "
            "lambda:Get* lambda:List*",
            regional("lambda", "function:*"),
        ),
        # Meant for the functions' own roles; it covers every role of the account.
        allow("PassFunctionRole", "iam:PassRole", role("*")),
    ),
    managed(
        "engineering/team-compute",
        "2023-10-16",
        "Start and stop what carries the tag of one's own team",
        allow(
            "OperateOwnTeam",
            "ec2:StartInstances ec2:StopInstances ec2:RebootInstances ecs:UpdateService ecs:StopTask",
            when={"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
        ),
        allow(
            "CreateOnlyTagged",
            "ec2:RunInstances",
            [regional("ec2", "instance/*"), regional("ec2", "volume/*")],
            when={
                "StringEquals": {"aws:RequestTag/team": "${aws:PrincipalTag/team}"},
                "ForAllValues:StringEquals": {"aws:TagKeys": ["team", "service", "environment"]},
            },
        ),
        deny(
            "KeepTeamTag",
            "ec2:CreateTags ec2:DeleteTags",
            when={
                "ForAnyValue:StringEquals": {"aws:TagKeys": "team"},
                "StringNotEquals": {"aws:PrincipalTag/team": "platform"},
            },
        ),
    ),
    managed(
        "engineering/team-secrets",
        "2023-10-16",
        "Read secrets that carry the tag of one's own team",
        allow(
            "ReadOwnTeamSecrets",
            "secretsmanager:GetSecretValue secretsmanager:DescribeSecret",
            regional("secretsmanager", "secret:*"),
            when={"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
        ),
    ),
    managed(
        "engineering/assume-team-roles",
        "2023-10-16",
        "Switch to the roles of one's own team",
        allow(
            "SwitchToOwnTeam",
            "sts:AssumeRole",
            role("*"),
            when={"StringEquals": {"iam:ResourceTag/team": "${aws:PrincipalTag/team}"}},
        ),
    ),
    PolicyStory(
        "release-tools",
        "/engineering/",
        "2023-04-24",
        "Cut a release: pipelines, change sets, feature flags",
        (
            (
                "2023-04-24",
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        allow(
                            "RunPipelines", "codepipeline:StartPipelineExecution codepipeline:Get* codepipeline:List*"
                        )
                    ],
                },
            ),
            (
                "2024-08-12",
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        allow(
                            "RunPipelines", "codepipeline:StartPipelineExecution codepipeline:Get* codepipeline:List*"
                        ),
                        allow(
                            "ChangeSets", "cloudformation:CreateChangeSet cloudformation:Describe* cloudformation:List*"
                        ),
                        allow("FeatureFlags", "appconfig:StartDeployment appconfig:Get* appconfig:List*"),
                    ],
                },
            ),
            (
                "2025-11-05",
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        allow(
                            "RunPipelines", "codepipeline:StartPipelineExecution codepipeline:Get* codepipeline:List*"
                        ),
                        allow(
                            "ChangeSets", "cloudformation:CreateChangeSet cloudformation:Describe* cloudformation:List*"
                        ),
                        allow("FeatureFlags", "appconfig:StartDeployment appconfig:Get* appconfig:List*"),
                        # Meant for "adjust a service's policy in the same release"; this policy is one of them.
                        allow(
                            "MaintainPolicies",
                            "iam:CreatePolicyVersion iam:DeletePolicyVersion iam:GetPolicy iam:GetPolicyVersion "
                            "iam:ListPolicyVersions",
                            [policy("apps/*"), policy("engineering/*")],
                        ),
                    ],
                },
            ),
        ),
        tags={"team": "release"},
    ),
    managed(
        "payments/payments-operations",
        "2023-01-30",
        "Keep the payment service running",
        allow("ReadPaymentSecret", "secretsmanager:GetSecretValue", PAYMENTS_SECRET),
        allow(
            "UsePaymentKey",
            "kms:Decrypt kms:GenerateDataKey",
            PAYMENTS_KEY,
            when={"StringEquals": {"kms:EncryptionContext:service": "payments"}},
        ),
        allow(
            "ReplayEvents",
            "sqs:ReceiveMessage sqs:SendMessage sqs:ChangeMessageVisibility",
            regional("sqs", "payment-*"),
        ),
        allow("ReadPaymentLogs", "logs:FilterLogEvents logs:GetLogEvents", regional("logs", "log-group:/payments/*:*")),
        tags={"team": "payments", "pci": "in-scope"},
    ),
    managed(
        "payments/database-administration",
        "2023-01-30",
        "Tend the databases, with MFA used in the last hour",
        allow("LookAtDatabases", "rds:Describe* rds:List* pi:Get*"),
        allow(
            "ChangeDatabases",
            "rds:Modify* rds:Reboot* rds:CreateDBSnapshot rds:RestoreDBInstanceToPointInTime",
            f"arn:aws:rds:{REGION}:{PROD}:*",
            when={"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}},
        ),
        deny("KeepSnapshots", "rds:DeleteDBSnapshot rds:DeleteDBCluster rds:DeleteDBInstance"),
    ),
)

POLICIES: tuple[PolicyStory, ...] = (
    *GUARDRAILS,
    *BOUNDARIES,
    *PLATFORM,
    *SECURITY_TEAM,
    *DATA_TEAM,
    *BUSINESS,
    *ENGINEERING,
)
