"""Roles that machines work under: services, pipelines, clusters, and AWS itself."""

from __future__ import annotations

from typing import Final

from tools.demo.company import (
    ACCESS_LOGS,
    ARTIFACTS,
    DATA_LAKE,
    EKS_OIDC,
    INVOICES,
    PARCEL_STATUS,
    PROD,
    SECURITY,
    SHIPMENT_EVENTS,
    TERRAFORM_STATE,
    aws_policy,
    bucket,
    iam,
    objects,
    policy,
    regional,
    role,
)
from tools.demo.language import (
    Document,
    RoleStory,
    allow,
    by_github,
    by_service,
    by_service_account,
    deny,
    document,
    trust,
)

WORKLOAD_BOUNDARY: Final = policy("boundaries/workload-boundary")
LAMBDA_BASICS: Final = aws_policy("service-role/AWSLambdaBasicExecutionRole")


def _app(
    name: str, created: str, service: str, team: str, description: str, attached: tuple[str, ...], **more: object
) -> RoleStory:
    """A workload that a product team owns: under /apps/, within the workload boundary."""
    return RoleStory(
        name,
        created,
        more.pop("trust", None) or by_service(service),  # type: ignore[arg-type]
        description,
        path="/apps/",
        attached=attached,
        boundary=WORKLOAD_BOUNDARY,
        tags={"team": team, "environment": "production"},
        last_used=more.pop("last_used", "2026-11-24"),  # type: ignore[arg-type]
        **more,  # type: ignore[arg-type]
    )


TASKS: Final = (
    _app(
        "tracking-api-task",
        "2022-04-04",
        "ecs-tasks",
        "tracking",
        "The tracking API",
        (policy("apps/tracking-api-runtime"), aws_policy("AWSXRayDaemonWriteAccess")),
    ),
    _app(
        "routing-engine-task",
        "2022-04-04",
        "ecs-tasks",
        "routing",
        "The routing engine",
        (policy("apps/routing-engine-runtime"),),
    ),
    _app(
        "notification-task",
        "2022-07-18",
        "ecs-tasks",
        "tracking",
        "Mails and texts to recipients",
        (policy("apps/notification-runtime"),),
        trust=by_service("ecs-tasks", when={"StringEquals": {"aws:SourceAccount": PROD}}),
    ),
    _app(
        "customs-docs-task",
        "2022-09-26",
        "ecs-tasks",
        "customs",
        "Customs paperwork",
        (policy("apps/customs-docs-runtime"),),
        last_used="2026-11-23",
    ),
    RoleStory(
        "ecs-task-execution",
        "2022-04-04",
        by_service("ecs-tasks"),
        "Pulls images and writes logs for every task",
        path="/service-role/",
        attached=(aws_policy("service-role/AmazonECSTaskExecutionRolePolicy"),),
        inline={
            "task-secrets": document(
                allow(
                    "SecretsForTasks", "secretsmanager:GetSecretValue", regional("secretsmanager", "secret:services/*")
                )
            )
        },
        last_used="2026-11-24",
    ),
)

FUNCTIONS: Final = (
    _app(
        "address-geocoder-lambda",
        "2023-05-08",
        "lambda",
        "routing",
        "Turns addresses into coordinates",
        (LAMBDA_BASICS, policy("apps/address-geocoder-runtime")),
    ),
    _app(
        "invoice-renderer-lambda",
        "2022-06-20",
        "lambda",
        "payments",
        "Renders invoices",
        (LAMBDA_BASICS, policy("apps/invoice-runtime"), aws_policy("service-role/AWSLambdaVPCAccessExecutionRole")),
    ),
    _app(
        "webhook-dispatcher-lambda",
        "2023-05-08",
        "lambda",
        "tracking",
        "Calls back the shops",
        (LAMBDA_BASICS, policy("apps/webhook-runtime")),
    ),
    _app(
        "label-reissue-lambda",
        "2023-03-13",
        "lambda",
        "depots",
        "Prints a label again",
        (LAMBDA_BASICS, policy("apps/label-printer-runtime")),
        last_used="2026-11-20",
    ),
    RoleStory(
        "site-headers-edge",
        "2023-08-21",
        by_service("lambda", "edgelambda"),
        "Security headers of the tracking site",
        path="/service-role/",
        attached=(LAMBDA_BASICS,),
        last_used="2026-11-24",
        region="us-east-1",
    ),
    RoleStory(
        "nightly-maintenance",
        "2023-12-18",
        by_service("lambda"),
        "Cleans up over night. TODO: replace AdministratorAccess after the freeze",
        attached=(LAMBDA_BASICS, aws_policy("AdministratorAccess")),
        tags={"team": "platform", "temporary": "until-2024-01-31"},
        last_used="2026-11-24",
    ),
)

HOSTS: Final = (
    RoleStory(
        "bastion-host",
        "2021-04-19",
        by_service("ec2"),
        "The bastion; reached through Session Manager",
        attached=(aws_policy("AmazonSSMManagedInstanceCore"),),
        tags={"team": "platform"},
        last_used="2026-11-24",
        instance_profile=True,
    ),
    RoleStory(
        "warehouse-gateway",
        "2021-12-06",
        by_service("ec2"),
        "Connects the depot scanners",
        path="/apps/",
        attached=(aws_policy("AmazonSSMManagedInstanceCore"), aws_policy("CloudWatchAgentServerPolicy")),
        inline={"scans": document(allow("ForwardScans", "sqs:SendMessage sqs:GetQueueUrl", SHIPMENT_EVENTS))},
        boundary=WORKLOAD_BOUNDARY,
        tags={"team": "depots", "environment": "production"},
        last_used="2026-11-24",
        instance_profile=True,
    ),
    RoleStory(
        "jenkins-host",
        "2020-02-03",
        by_service("ec2"),
        "The old build server, switched off in 2022",
        path="/legacy/",
        attached=(policy("legacy/jenkins-deploy"), aws_policy("PowerUserAccess")),
        tags={"status": "deprecated"},
        last_used="2022-10-01",
        instance_profile=True,
    ),
    RoleStory(
        "eks-node",
        "2024-01-22",
        by_service("ec2"),
        "Nodes of the cluster",
        path="/eks/",
        attached=(
            aws_policy("AmazonEKSWorkerNodePolicy"),
            aws_policy("AmazonEKS_CNI_Policy"),
            aws_policy("AmazonEC2ContainerRegistryReadOnly"),
            aws_policy("AmazonSSMManagedInstanceCore"),
        ),
        tags={"team": "platform"},
        last_used="2026-11-24",
        instance_profile=True,
    ),
    RoleStory(
        "scanner-fleet",
        "2025-03-24",
        document(
            trust(
                {"Service": "rolesanywhere.amazonaws.com"},
                "sts:AssumeRole sts:TagSession sts:SetSourceIdentity",
                when={
                    "ArnEquals": {
                        "aws:SourceArn": regional("rolesanywhere", "trust-anchor/4f0c2d1e-77aa-4b0e-9a51-0d5ce4a1b2c3")
                    },
                    "StringLike": {"aws:PrincipalTag/x509Subject/CN": "scanner-*.depots.puffin-parcel.example"},
                },
            )
        ),
        "Hand scanners with certificates, in place of the shared key",
        path="/apps/",
        attached=(),
        inline={"scans": document(allow("SendScans", "sqs:SendMessage", SHIPMENT_EVENTS))},
        boundary=WORKLOAD_BOUNDARY,
        tags={"team": "depots", "environment": "production"},
        last_used="2026-11-24",
    ),
)


def _pod(
    name: str, created: str, namespace: str, description: str, inline: dict[str, Document], **more: object
) -> RoleStory:
    """A Kubernetes service account with a role of its own."""
    return RoleStory(
        name,
        created,
        by_service_account(namespace, name.removeprefix("eks-")),
        description,
        path="/eks/",
        inline=inline,
        tags={"team": "platform", "cluster": EKS_OIDC.rpartition("/")[2].lower()[:12]},
        last_used="2026-11-24",
        **more,  # type: ignore[arg-type]
    )


CLUSTER: Final = (
    RoleStory(
        "eks-cluster",
        "2024-01-22",
        document(trust({"Service": "eks.amazonaws.com"}, "sts:AssumeRole sts:TagSession")),
        "The cluster itself",
        path="/eks/",
        attached=(aws_policy("AmazonEKSClusterPolicy"),),
        last_used="2026-11-24",
    ),
    _pod(
        "eks-cluster-autoscaler",
        "2024-01-22",
        "kube-system",
        "Grows and shrinks the cluster",
        {
            "autoscale": document(
                allow("Look", "autoscaling:Describe* ec2:Describe* eks:DescribeNodegroup"),
                allow(
                    "Scale",
                    "autoscaling:SetDesiredCapacity autoscaling:TerminateInstanceInAutoScalingGroup",
                    when={"StringEquals": {"aws:ResourceTag/k8s.io/cluster-autoscaler/enabled": "true"}},
                ),
            )
        },
    ),
    _pod(
        "eks-external-dns",
        "2024-01-22",
        "kube-system",
        "Publishes service names",
        {
            "dns": document(
                allow(
                    "ChangeRecords",
                    "route53:ChangeResourceRecordSets",
                    "arn:aws:route53:::hostedzone/Z0PUFFIN1INTERNAL",
                ),
                allow("List", "route53:ListHostedZones route53:ListResourceRecordSets"),
            )
        },
    ),
    _pod(
        "eks-parcel-search",
        "2024-05-13",
        "search",
        "The parcel search",
        {"search": document(allow("Search", "es:ESHttp*", regional("es", "domain/parcels/*")))},
        boundary=WORKLOAD_BOUNDARY,
    ),
    _pod(
        "eks-eta-model",
        "2025-07-07",
        "forecast",
        "Forecasts arrival times",
        {
            "model": document(
                allow("ReadModel", "s3:GetObject", objects(DATA_LAKE, "curated/eta-model/*")),
                allow("Predict", "sagemaker:InvokeEndpoint", regional("sagemaker", "endpoint/eta-*")),
            )
        },
        boundary=WORKLOAD_BOUNDARY,
    ),
    RoleStory(
        "eks-pod-label-printer",
        "2024-11-18",
        document(trust({"Service": "pods.eks.amazonaws.com"}, "sts:AssumeRole sts:TagSession")),
        "Label printing, through EKS Pod Identity",
        path="/eks/",
        attached=(policy("apps/label-printer-runtime"),),
        boundary=WORKLOAD_BOUNDARY,
        tags={"team": "depots", "depot": "aarhus"},
        last_used="2026-11-24",
    ),
)

PIPELINES: Final = (
    RoleStory(
        "codebuild-services",
        "2022-09-12",
        by_service("codebuild"),
        "Builds services",
        path="/pipelines/",
        attached=(policy("pipelines/codebuild-base"), policy("pipelines/image-push")),
        tags={"team": "platform"},
        last_used="2026-11-24",
    ),
    RoleStory(
        "codebuild-infrastructure",
        "2022-10-24",
        by_service("codebuild", when={"ArnLike": {"aws:SourceArn": regional("codebuild", "project/infrastructure-*")}}),
        "Plans infrastructure changes",
        path="/pipelines/",
        attached=(
            policy("pipelines/codebuild-base"),
            policy("pipelines/terraform-state"),
            aws_policy("ReadOnlyAccess"),
        ),
        tags={"team": "platform"},
        last_used="2026-11-21",
    ),
    RoleStory(
        "codepipeline-release",
        "2023-04-24",
        by_service("codepipeline"),
        "Runs release pipelines",
        path="/pipelines/",
        inline={
            "run": document(
                allow(
                    "Build",
                    "codebuild:StartBuild codebuild:BatchGetBuilds",
                    regional("codebuild", "project/services-*"),
                ),
                allow("MoveArtifacts", "s3:GetObject s3:PutObject", objects(ARTIFACTS)),
                allow("Deploy", "sts:AssumeRole", role("deploy-prod")),
            )
        },
        tags={"team": "release"},
        last_used="2026-11-24",
    ),
    RoleStory(
        "terraform-apply",
        "2022-10-24",
        document(
            trust({"AWS": iam("user/service/svc-terraform")}, sid="RunnerOfTheOffice"),
            *by_github("repo:puffin-parcel/infrastructure:environment:production")["Statement"],
        ),
        "Changes infrastructure",
        path="/pipelines/",
        attached=(policy("pipelines/terraform-apply"), policy("pipelines/terraform-state")),
        tags={"team": "platform"},
        max_hours=4,
        last_used="2026-11-23",
    ),
    RoleStory(
        "github-terraform-plan",
        "2024-04-15",
        by_github(
            ["repo:puffin-parcel/infrastructure:pull_request", "repo:puffin-parcel/infrastructure:ref:refs/heads/main"]
        ),
        "Plans infrastructure changes of pull requests",
        path="/pipelines/",
        attached=(aws_policy("ReadOnlyAccess"), policy("security/no-data-access")),
        inline={"read-state": document(allow("ReadState", "s3:GetObject", objects(TERRAFORM_STATE, "prod/*")))},
        last_used="2026-11-24",
    ),
    RoleStory(
        "github-tracking-api",
        "2024-04-15",
        by_github("repo:puffin-parcel/tracking-api:ref:refs/heads/main"),
        "Builds and publishes the tracking API",
        path="/pipelines/",
        attached=(policy("pipelines/image-push"), policy("platform/artifact-bucket-write")),
        tags={"team": "tracking"},
        last_used="2026-11-24",
    ),
    RoleStory(
        "github-site-publish",
        "2024-07-01",
        # Any repository of the organization, any branch: wider than the name says.
        by_github("repo:puffin-parcel/*"),
        "Publishes the tracking site",
        path="/pipelines/",
        attached=(policy("pipelines/site-publish"),),
        tags={"team": "tracking"},
        last_used="2026-11-22",
    ),
)

AWS_SERVICES: Final = (
    RoleStory(
        "glue-etl",
        "2022-02-14",
        by_service("glue"),
        "Refines raw events",
        path="/service-role/",
        attached=(policy("data/data-lake-read"), policy("data/data-lake-write")),
        tags={"team": "data"},
        last_used="2026-11-24",
    ),
    RoleStory(
        "firehose-to-lake",
        "2022-02-14",
        by_service("firehose", when={"StringEquals": {"aws:SourceAccount": PROD}}),
        "Streams events into the lake",
        path="/service-role/",
        attached=(policy("apps/lake-ingest"),),
        tags={"team": "data"},
        last_used="2026-11-24",
    ),
    RoleStory(
        "parcel-saga-steps",
        "2023-10-02",
        by_service("states"),
        "Runs the parcel workflow",
        path="/service-role/",
        inline={"run": document(allow("Invoke", "lambda:InvokeFunction", regional("lambda", "function:*")))},
        tags={"team": "routing"},
        last_used="2026-11-24",
    ),
    RoleStory(
        "nightly-scheduler",
        "2023-12-18",
        by_service("scheduler", when={"StringEquals": {"aws:SourceAccount": PROD}}),
        "Starts the nightly jobs",
        path="/service-role/",
        inline={
            "start": document(
                allow("StartNightly", "lambda:InvokeFunction", regional("lambda", "function:nightly-*")),
                allow("StartSaga", "states:StartExecution", regional("states", "stateMachine:parcel-saga")),
            )
        },
        last_used="2026-11-24",
    ),
    RoleStory(
        "backup-service",
        "2023-03-27",
        by_service("backup"),
        "AWS Backup",
        path="/service-role/",
        attached=(aws_policy("service-role/AWSBackupServiceRolePolicyForBackup"),),
        last_used="2026-11-24",
    ),
    RoleStory(
        "rds-monitoring",
        "2023-01-30",
        by_service("monitoring.rds"),
        "Enhanced monitoring of databases",
        path="/service-role/",
        attached=(aws_policy("service-role/AmazonRDSEnhancedMonitoringRole"),),
        last_used="2026-11-24",
    ),
    RoleStory(
        "api-gateway-logs",
        "2022-04-04",
        by_service("apigateway"),
        "Writes access logs of the APIs",
        path="/service-role/",
        attached=(aws_policy("service-role/AmazonAPIGatewayPushToCloudWatchLogs"),),
        last_used="2026-11-24",
    ),
    RoleStory(
        "vpc-flow-logs",
        "2021-04-19",
        by_service("vpc-flow-logs"),
        "Writes flow logs",
        path="/service-role/",
        inline={
            "write": document(
                allow("WriteFlowLogs", "logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents logs:Describe*")
            )
        },
        last_used="2026-11-24",
    ),
    RoleStory(
        "s3-replication",
        "2022-06-20",
        by_service("s3"),
        "Copies invoices to the archive in the security account",
        path="/service-role/",
        inline={
            "replicate": document(
                allow("ReadSource", "s3:GetReplicationConfiguration s3:ListBucket", bucket(INVOICES)),
                allow("ReadVersions", "s3:GetObjectVersion*", objects(INVOICES)),
                allow("WriteCopy", "s3:Replicate*", objects("puffin-archive-" + SECURITY)),
            )
        },
        last_used="2026-11-23",
    ),
    RoleStory(
        "cloudtrail-to-logs",
        "2021-06-07",
        by_service("cloudtrail"),
        "Sends the audit trail to CloudWatch Logs",
        path="/service-role/",
        inline={
            "write": document(
                allow(
                    "WriteTrail", "logs:CreateLogStream logs:PutLogEvents", regional("logs", "log-group:audit-trail:*")
                )
            )
        },
        last_used="2026-11-24",
    ),
    RoleStory(
        "sns-delivery-status",
        "2022-07-18",
        by_service("sns"),
        "Writes the delivery status of texts",
        path="/service-role/",
        inline={"write": document(allow("WriteStatus", "logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents"))},
        last_used=None,
    ),
    RoleStory(
        "access-log-shipper",
        "2021-06-07",
        document(
            trust({"AWS": role("log-collector", SECURITY)}, when={"StringEquals": {"aws:PrincipalTag/purpose": "logs"}})
        ),
        "The security account fetches access logs",
        path="/security/",
        inline={
            "ship": document(
                allow("Fetch", "s3:GetObject s3:ListBucket", [bucket(ACCESS_LOGS), objects(ACCESS_LOGS)]),
                deny("NeverAlter", "s3:Put* s3:Delete*", [bucket(ACCESS_LOGS), objects(ACCESS_LOGS)]),
            )
        },
        last_used="2026-11-24",
    ),
    RoleStory(
        "status-topic-consumer",
        "2023-05-08",
        by_service("events"),
        "Routes status events",
        path="/service-role/",
        inline={"route": document(allow("Publish", "sns:Publish", PARCEL_STATUS))},
        last_used="2025-08-19",
    ),
)


def _service_linked(suffix: str, service: str, created: str, policy_name: str, description: str) -> RoleStory:
    """A role that an AWS service owns."""
    return RoleStory(
        f"AWSServiceRoleFor{suffix}",
        created,
        document(trust({"Service": service})),
        description,
        path=f"/aws-service-role/{service}/",
        attached=(aws_policy(f"aws-service-role/{policy_name}"),),
        last_used="2026-11-24",
    )


SERVICE_LINKED: Final = (
    _service_linked(
        "ECS",
        "ecs.amazonaws.com",
        "2020-02-10",
        "AmazonECSServiceRolePolicy",
        "Role to enable Amazon ECS to manage your cluster.",
    ),
    _service_linked(
        "ElasticLoadBalancing",
        "elasticloadbalancing.amazonaws.com",
        "2019-10-14",
        "AWSElasticLoadBalancingServiceRolePolicy",
        "Allows ELB to call AWS services on your behalf.",
    ),
    _service_linked(
        "AutoScaling",
        "autoscaling.amazonaws.com",
        "2019-10-14",
        "AutoScalingServiceRolePolicy",
        "Default Service-Linked Role enables access to AWS Services and Resources used or managed by Auto Scaling",
    ),
    _service_linked(
        "Organizations",
        "organizations.amazonaws.com",
        "2020-01-06",
        "AWSOrganizationsServiceTrustPolicy",
        "Service-linked role used by AWS Organizations to enable integration of other AWS services with Organizations.",
    ),
    _service_linked(
        "SSO", "sso.amazonaws.com", "2023-01-16", "AWSSSOServiceRolePolicy", "Service-linked role used by AWS SSO"
    ),
    _service_linked(
        "RDS",
        "rds.amazonaws.com",
        "2020-03-02",
        "AmazonRDSServiceRolePolicy",
        "Allows Amazon RDS to manage AWS resources on your behalf",
    ),
    _service_linked(
        "TrustedAdvisor",
        "trustedadvisor.amazonaws.com",
        "2019-10-07",
        "AWSTrustedAdvisorServiceRolePolicy",
        "Access for the AWS Trusted Advisor Service to help reduce cost, increase performance, and improve security.",
    ),
    _service_linked("AmazonGuardDuty", "guardduty.amazonaws.com", "2021-06-07", "AmazonGuardDutyServiceRolePolicy", ""),
    _service_linked("CloudTrail", "cloudtrail.amazonaws.com", "2021-06-07", "CloudTrailServiceRolePolicy", ""),
    _service_linked(
        "AmazonEKS",
        "eks.amazonaws.com",
        "2024-01-22",
        "AmazonEKSServiceRolePolicy",
        "Allows Amazon EKS to call AWS services on your behalf.",
    ),
)

ROLES: Final[tuple[RoleStory, ...]] = (
    *TASKS,
    *FUNCTIONS,
    *HOSTS,
    *CLUSTER,
    *PIPELINES,
    *AWS_SERVICES,
    *SERVICE_LINKED,
)
