"""Customer managed policies for workloads, pipelines and outsiders."""

from __future__ import annotations

from tools.demo.company import (
    ARTIFACTS,
    DATA_LAKE,
    GEOCODER_FUNCTION,
    INVOICES,
    LAKE_KEY,
    MANIFESTS,
    PARCEL_STATUS,
    PAYMENTS_KEY,
    REGION,
    SHIPMENT_EVENTS,
    TERRAFORM_STATE,
    bucket,
    iam,
    objects,
    policy,
    regional,
    role,
)
from tools.demo.language import PolicyStory, allow, deny, document, managed

APPS = (
    managed(
        "apps/tracking-api-runtime",
        "2022-04-04",
        "What the tracking API does while it runs",
        allow(
            "ReadParcels",
            "dynamodb:GetItem dynamodb:Query dynamodb:BatchGetItem",
            regional("dynamodb", "table/parcels*"),
        ),
        allow("PublishStatus", "sns:Publish", PARCEL_STATUS),
        tags={"team": "tracking"},
    ),
    managed(
        "apps/routing-engine-runtime",
        "2022-04-04",
        "What the routing engine does while it runs",
        allow("ConsumeShipments", "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes", SHIPMENT_EVENTS),
        allow("ReadMaps", "geo:CalculateRoute* geo:SearchPlaceIndex*", f"arn:aws:geo:{REGION}:*:*"),
        allow("WriteRoutes", "dynamodb:PutItem dynamodb:UpdateItem", regional("dynamodb", "table/routes")),
        allow("AskGeocoder", "lambda:InvokeFunction", GEOCODER_FUNCTION),
        tags={"team": "routing"},
    ),
    managed(
        "apps/notification-runtime",
        "2022-07-18",
        "What the notification service does while it runs",
        allow(
            "SendMail",
            "ses:SendEmail ses:SendTemplatedEmail",
            f"arn:aws:ses:{REGION}:*:identity/puffin-parcel.example",
            when={"StringLike": {"ses:FromAddress": "*@puffin-parcel.example"}},
        ),
        allow("SendText", "sns:Publish", not_resources="arn:aws:sns:*:*:*"),
        tags={"team": "tracking"},
    ),
    managed(
        "apps/customs-docs-runtime",
        "2022-09-26",
        "What the customs service does while it runs",
        allow("KeepForms", "s3:GetObject s3:PutObject", objects(MANIFESTS, "customs/*")),
        allow("ReadForms", "textract:AnalyzeDocument textract:GetDocumentAnalysis"),
        tags={"team": "customs"},
    ),
    managed(
        "apps/invoice-runtime",
        "2022-06-20",
        "What the invoice renderer does while it runs",
        allow("WriteInvoices", "s3:PutObject", objects(INVOICES)),
        allow("EncryptInvoices", "kms:GenerateDataKey kms:Decrypt", PAYMENTS_KEY),
        tags={"team": "payments"},
    ),
    managed(
        "apps/webhook-runtime",
        "2023-05-08",
        "What the webhook dispatcher does while it runs",
        allow("ReadSubscriptions", "dynamodb:Query", regional("dynamodb", "table/webhook-subscriptions")),
        allow("ReadSigningKeys", "ssm:GetParameter ssm:GetParameters", regional("ssm", "parameter/webhooks/*")),
        tags={"team": "tracking"},
    ),
    managed(
        "apps/address-geocoder-runtime",
        "2023-05-08",
        "What the address geocoder does while it runs",
        allow("Geocode", "geo:SearchPlaceIndexForText", f"arn:aws:geo:{REGION}:*:place-index/*"),
        allow("CacheAnswers", "dynamodb:GetItem dynamodb:PutItem", regional("dynamodb", "table/geocoder-cache")),
        tags={"team": "routing"},
    ),
    managed(
        "apps/label-printer-runtime",
        "2024-11-18",
        "What the label printers in the depots do",
        allow("FetchLabels", "s3:GetObject", objects("puffin-labels", "${aws:PrincipalTag/depot}/*")),
        allow(
            "ReportHealth", "cloudwatch:PutMetricData", when={"StringEquals": {"cloudwatch:namespace": "Puffin/Labels"}}
        ),
        tags={"team": "depots"},
    ),
    managed(
        "apps/lake-ingest",
        "2022-02-14",
        "Bring raw events into the lake",
        allow("WriteRaw", "s3:PutObject s3:AbortMultipartUpload", objects(DATA_LAKE, "raw/*")),
        allow("EncryptRaw", "kms:GenerateDataKey", LAKE_KEY),
        tags={"team": "data"},
    ),
    managed(
        "apps/metrics-export",
        "2021-09-13",
        "Read metrics for the dashboard in the depot halls",
        allow("ReadMetrics", "cloudwatch:GetMetricData cloudwatch:ListMetrics tag:GetResources"),
    ),
    managed(
        "apps/carrier-sftp",
        "2021-05-31",
        "Exchange files with carriers",
        allow(
            "ListDrop", "s3:ListBucket", bucket(MANIFESTS), when={"StringLike": {"s3:prefix": "sftp/${aws:username}/*"}}
        ),
        allow(
            "ExchangeFiles", "s3:GetObject s3:PutObject s3:DeleteObject", objects(MANIFESTS, "sftp/${aws:username}/*")
        ),
    ),
    managed(
        "apps/smtp-send",
        "2021-02-22",
        "Send mail through SMTP credentials",
        allow("SendRaw", "ses:SendRawEmail", when={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
    ),
)

PIPELINES = (
    managed(
        "pipelines/codebuild-base",
        "2022-09-12",
        "What every build needs: logs, reports, artifacts",
        allow(
            "WriteLogs",
            "logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents",
            regional("logs", "log-group:/aws/codebuild/*"),
        ),
        allow(
            "WriteReports",
            "codebuild:CreateReport* codebuild:UpdateReport codebuild:BatchPut*",
            regional("codebuild", "report-group/*"),
        ),
        allow("KeepArtifacts", "s3:GetObject s3:PutObject", objects(ARTIFACTS)),
    ),
    managed(
        "pipelines/image-push",
        "2022-09-12",
        "Push container images, never over a released one",
        allow("LogIn", "ecr:GetAuthorizationToken"),
        allow(
            "Push",
            "ecr:BatchCheckLayerAvailability ecr:InitiateLayerUpload ecr:UploadLayerPart "
            "ecr:CompleteLayerUpload ecr:PutImage",
            regional("ecr", "repository/services/*"),
        ),
        deny("KeepReleases", "ecr:BatchDeleteImage ecr:DeleteRepository"),
    ),
    managed(
        "pipelines/terraform-state",
        "2022-10-24",
        "Read and lock Terraform's state",
        allow("ReadWriteState", "s3:GetObject s3:PutObject", objects(TERRAFORM_STATE, "prod/*")),
        allow("ListState", "s3:ListBucket", bucket(TERRAFORM_STATE)),
        allow(
            "Lock",
            "dynamodb:GetItem dynamodb:PutItem dynamodb:DeleteItem",
            regional("dynamodb", "table/terraform-locks"),
        ),
    ),
    managed(
        "pipelines/terraform-apply",
        "2022-10-24",
        "Change infrastructure, leave identity and the organization alone",
        allow("Infrastructure", not_actions="iam:* organizations:* account:* sso:* sts:*"),
        allow("WorkloadRoles", "iam:*Role* iam:*InstanceProfile*", [role("apps/*"), iam("instance-profile/apps/*")]),
        deny("NotTheGuardrails", "iam:*", [policy("guardrails/*"), policy("boundaries/*")]),
        deny(
            "NotOutsideEurope",
            not_actions="iam:* sts:* route53:* cloudfront:* support:*",
            when={"StringNotLike": {"aws:RequestedRegion": "eu-*"}},
        ),
    ),
    managed(
        "pipelines/site-publish",
        "2023-08-21",
        "Publish the tracking site",
        allow(
            "Upload",
            "s3:PutObject s3:DeleteObject s3:ListBucket",
            [bucket("puffin-tracking-site"), objects("puffin-tracking-site")],
        ),
        allow("Invalidate", "cloudfront:CreateInvalidation", "arn:aws:cloudfront::*:distribution/E2PUFFIN7TRACK"),
    ),
    PolicyStory(
        "jenkins-deploy",
        "/legacy/",
        "2020-02-03",
        "Deployments of the old build server; to be removed after the move",
        (
            ("2020-02-03", document(allow("Deploy", "ec2:* s3:* elasticloadbalancing:*"))),
            ("2020-11-16", document(allow("Deploy", "ec2:* s3:* elasticloadbalancing:* ecs:*"))),
            ("2021-03-29", document(allow("Everything", "*"))),
            (
                "2021-04-01",
                document(allow("Deploy", "ec2:Describe* ecs:UpdateService ecs:Describe* s3:PutObject s3:GetObject")),
            ),
            (
                "2022-09-30",
                document(
                    allow("Deploy", "ec2:Describe* ecs:Describe*"),
                    deny("Retired", "ecs:UpdateService s3:PutObject"),
                ),
            ),
        ),
        tags={"status": "deprecated"},
    ),
    managed(
        "pipelines/backup-operations",
        "2023-03-27",
        "Start and copy backups; never shorten their life",
        allow("Back", "backup:StartBackupJob backup:StartCopyJob backup:Describe* backup:List*"),
        deny("KeepBackups", "backup:DeleteRecoveryPoint backup:UpdateRecoveryPointLifecycle backup:DeleteBackupVault"),
    ),
)

OUTSIDERS = (
    managed(
        "external/cost-insight-read",
        "2024-05-27",
        "What Skylark Insights reads to watch the bill",
        allow("ReadCosts", "ce:Get* ce:List* cur:Describe* organizations:List* organizations:Describe*"),
        allow("ReadUsage", "cloudwatch:GetMetricData cloudwatch:ListMetrics ec2:Describe* rds:Describe*"),
        deny("NothingElseOfValue", "s3:GetObject secretsmanager:* kms:Decrypt"),
    ),
    managed(
        "external/manifest-exchange",
        "2024-09-02",
        "What Fjordline Carriers reads and writes",
        allow("ReadManifests", "s3:GetObject s3:ListBucket", [bucket(MANIFESTS), objects(MANIFESTS, "fjordline/*")]),
        allow("AnswerManifests", "s3:PutObject", objects(MANIFESTS, "fjordline/answers/*")),
    ),
)

POLICIES: tuple[PolicyStory, ...] = (*APPS, *PIPELINES, *OUTSIDERS)
