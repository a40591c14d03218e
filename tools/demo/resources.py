"""Resources that have policies of their own: buckets, keys, a queue, a topic, a secret, functions."""

from __future__ import annotations

from typing import Any, Final

from tools.demo.company import (
    ACCESS_LOGS,
    ANALYTICS,
    ARTIFACTS,
    DATA_LAKE,
    FJORDLINE,
    GEOCODER_FUNCTION,
    HR_EXPORTS,
    INVOICE_FUNCTION,
    INVOICES,
    LAKE_KEY,
    LOGS_KEY,
    MANIFESTS,
    OFFICE_NETWORKS,
    ORGANIZATION,
    PARCEL_STATUS,
    PAYMENTS_KEY,
    PAYMENTS_SECRET,
    PROD,
    REGION,
    SHIPMENT_EVENTS,
    STAGING,
    TERRAFORM_STATE,
    TRACKING_SITE,
    WEBHOOK_FUNCTION,
    bucket,
    objects,
    regional,
    role,
    root,
)
from tools.demo.language import Document, allow, deny, document, for_principal

EVERYONE: Final = "*"


def _everyone(statement: Document) -> Document:
    return for_principal(EVERYONE, statement)


def _whole(name: str) -> list[str]:
    return [bucket(name), objects(name)]


def _only_tls(name: str) -> Document:
    return _everyone(
        deny("OnlyEncryptedConnections", "s3:*", _whole(name), when={"Bool": {"aws:SecureTransport": "false"}})
    )


BUCKET_POLICIES: Final = {
    DATA_LAKE: document(
        _everyone(
            deny(
                "OnlyOurOrganization",
                "s3:*",
                _whole(DATA_LAKE),
                when={
                    "StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORGANIZATION},
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                },
            )
        ),
        _only_tls(DATA_LAKE),
        _everyone(
            deny(
                "NobodyDeletesButTheLakeTeam",
                "s3:DeleteObject* s3:PutBucketPolicy s3:DeleteBucket* s3:PutLifecycleConfiguration",
                _whole(DATA_LAKE),
                when={
                    "ArnNotEquals": {"aws:PrincipalArn": [role("data/data-lake-admin"), role("service-role/glue-etl")]}
                },
            )
        ),
        for_principal(
            {"AWS": root(ANALYTICS)}, allow("AnalyticsReadsCurated", "s3:GetObject", objects(DATA_LAKE, "curated/*"))
        ),
        for_principal(
            {"AWS": root(ANALYTICS)},
            allow(
                "AnalyticsListsCurated",
                "s3:ListBucket",
                bucket(DATA_LAKE),
                when={"StringLike": {"s3:prefix": "curated/*"}},
            ),
        ),
        policy_id="data-lake-perimeter",
    ),
    INVOICES: document(
        _only_tls(INVOICES),
        _everyone(
            deny(
                "OnlyFromOurNetworks",
                "s3:GetObject s3:PutObject s3:DeleteObject",
                objects(INVOICES),
                when={
                    "NotIpAddressIfExists": {"aws:SourceIp": OFFICE_NETWORKS},
                    "StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-0a1b2c3d4e5f60718"},
                    "BoolIfExists": {"aws:ViaAWSService": "false", "aws:PrincipalIsAWSService": "false"},
                },
            )
        ),
        _everyone(
            deny(
                "OnlyWithOurKey",
                "s3:PutObject",
                objects(INVOICES),
                when={"StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption-aws-kms-key-id": PAYMENTS_KEY}},
            )
        ),
        _everyone(
            deny(
                "ArchiveIsForEver",
                "s3:DeleteObject s3:DeleteObjectVersion",
                objects(INVOICES, "archive/*"),
            )
        ),
    ),
    ARTIFACTS: document(
        _only_tls(ARTIFACTS),
        for_principal(
            {"AWS": [role("deploy-staging", STAGING), root(STAGING)]},
            allow("StagingPulls", "s3:GetObject s3:ListBucket", _whole(ARTIFACTS)),
        ),
        _everyone(
            deny(
                "OnlyPipelinesPublish",
                "s3:PutObject",
                objects(ARTIFACTS, "releases/*"),
                when={
                    "ArnNotLike": {"aws:PrincipalArn": [role("pipelines/*"), role("deploy-prod")]},
                },
            )
        ),
    ),
    MANIFESTS: document(
        _only_tls(MANIFESTS),
        for_principal(
            {"AWS": role("parcel-exchange", FJORDLINE)},
            allow("FjordlineReads", "s3:GetObject", objects(MANIFESTS, "fjordline/*")),
        ),
        for_principal(
            {"AWS": role("parcel-exchange", FJORDLINE)},
            allow(
                "FjordlineAnswers",
                "s3:PutObject",
                objects(MANIFESTS, "fjordline/answers/*"),
                when={"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
            ),
        ),
    ),
    TRACKING_SITE: document(
        # Public since the first website; the public access block keeps the world out now.
        _everyone(allow("PublicSite", "s3:GetObject", objects(TRACKING_SITE))),
        for_principal(
            {"Service": "cloudfront.amazonaws.com"},
            allow(
                "CloudFront",
                "s3:GetObject",
                objects(TRACKING_SITE),
                when={"ArnLike": {"aws:SourceArn": f"arn:aws:cloudfront::{PROD}:distribution/E2PUFFIN7TRACK"}},
            ),
        ),
    ),
    ACCESS_LOGS: document(
        _only_tls(ACCESS_LOGS),
        for_principal(
            {"Service": "logging.s3.amazonaws.com"},
            allow(
                "LogDelivery",
                "s3:PutObject",
                objects(ACCESS_LOGS),
                when={"StringEquals": {"aws:SourceAccount": PROD}},
            ),
        ),
        _everyone(
            deny(
                "NobodyRewritesLogs",
                "s3:PutObject s3:DeleteObject*",
                objects(ACCESS_LOGS),
                when={"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}},
            )
        ),
    ),
}

BUCKETS_WITHOUT_POLICY: Final = (TERRAFORM_STATE,)

UNREADABLE_BUCKETS: Final = (HR_EXPORTS,)
"""Buckets whose policy the caller may not read: an explicit Deny of platform-read."""

_ACCOUNT_ROOT: Final = {"AWS": root()}


def _key_policy(*statements: Document) -> Document:
    """A key policy that lets IAM policies decide, with more statements."""
    return document(
        for_principal(_ACCOUNT_ROOT, allow("Enable IAM User Permissions", "kms:*")), *statements, policy_id="key-policy"
    )


KEY_POLICIES: Final = {
    LAKE_KEY: _key_policy(
        for_principal(
            {"AWS": root(ANALYTICS)},
            allow(
                "AnalyticsDecryptsThroughS3",
                "kms:Decrypt",
                when={"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}},
            ),
        ),
        for_principal({"Service": "firehose.amazonaws.com"}, allow("Firehose", "kms:GenerateDataKey")),
    ),
    # No statement for the account: IAM policies alone open nothing here.
    PAYMENTS_KEY: document(
        for_principal(
            {"AWS": role("security/kms-administrator")},
            allow(
                "Administration",
                "kms:Create* kms:Describe* kms:Enable* kms:List* kms:Put* kms:Update* kms:Get* kms:Tag*",
            ),
        ),
        for_principal(
            {"AWS": [role("payments/payments-oncall"), role("apps/invoice-renderer-lambda")]},
            allow("Use", "kms:Decrypt kms:GenerateDataKey kms:DescribeKey"),
        ),
        for_principal(
            {"AWS": role("admin/break-glass-admin")},
            allow("Emergency", "kms:*", when={"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        ),
        policy_id="payments-key",
    ),
    LOGS_KEY: _key_policy(
        for_principal(
            {"Service": f"logs.{REGION}.amazonaws.com"},
            allow(
                "CloudWatchLogs",
                "kms:Encrypt* kms:Decrypt* kms:ReEncrypt* kms:GenerateDataKey* kms:Describe*",
                when={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": regional("logs", "*")}},
            ),
        ),
    ),
}

QUEUE_POLICIES: Final = {
    SHIPMENT_EVENTS: document(
        for_principal(
            {"Service": "sns.amazonaws.com"},
            allow(
                "FromStatusTopic",
                "sqs:SendMessage",
                SHIPMENT_EVENTS,
                when={"ArnEquals": {"aws:SourceArn": PARCEL_STATUS}},
            ),
        ),
        for_principal(
            {"AWS": role("routing-lab", ANALYTICS)}, allow("AnalyticsListens", "sqs:ReceiveMessage", SHIPMENT_EVENTS)
        ),
        _everyone(
            deny("OnlyEncryptedConnections", "sqs:*", SHIPMENT_EVENTS, when={"Bool": {"aws:SecureTransport": "false"}})
        ),
    )
}

TOPIC_POLICIES: Final = {
    PARCEL_STATUS: document(
        for_principal(_ACCOUNT_ROOT, allow("Owner", "sns:Publish sns:Subscribe sns:GetTopicAttributes", PARCEL_STATUS)),
        for_principal(
            {"AWS": EVERYONE},
            allow(
                "OurOrganizationSubscribes",
                "sns:Subscribe",
                PARCEL_STATUS,
                when={"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION, "sns:Protocol": "sqs"}},
            ),
        ),
    )
}

SECRET_POLICIES: Final = {
    PAYMENTS_SECRET: document(
        _everyone(
            deny(
                "OnlyThePaymentsRoles",
                "secretsmanager:GetSecretValue",
                when={
                    "ArnNotEquals": {
                        "aws:PrincipalArn": [role("payments/payments-oncall"), role("admin/break-glass-admin")]
                    }
                },
            )
        ),
        for_principal({"AWS": role("admin/break-glass-admin")}, allow("Emergency", "secretsmanager:GetSecretValue")),
    )
}

FUNCTION_POLICIES: Final = {
    WEBHOOK_FUNCTION: document(
        for_principal(
            {"Service": "sns.amazonaws.com"},
            allow(
                "FromStatusTopic",
                "lambda:InvokeFunction",
                WEBHOOK_FUNCTION,
                when={"ArnLike": {"AWS:SourceArn": PARCEL_STATUS}},
            ),
        ),
        policy_id="default",
    ),
    INVOICE_FUNCTION: document(
        for_principal(
            {"Service": "events.amazonaws.com"},
            allow(
                "MonthlyRun",
                "lambda:InvokeFunction",
                INVOICE_FUNCTION,
                when={"ArnLike": {"AWS:SourceArn": regional("events", "rule/monthly-invoices")}},
            ),
        ),
        policy_id="default",
    ),
}

FUNCTIONS_WITHOUT_POLICY: Final = (GEOCODER_FUNCTION,)


def resource_policies() -> dict[str, Any]:
    """The "resource_policies" of the snapshot."""
    present: dict[str, Document] = {bucket(name): text for name, text in BUCKET_POLICIES.items()}
    for policies in (KEY_POLICIES, QUEUE_POLICIES, TOPIC_POLICIES, SECRET_POLICIES, FUNCTION_POLICIES):
        present |= policies
    none = (*map(bucket, BUCKETS_WITHOUT_POLICY), *FUNCTIONS_WITHOUT_POLICY)
    return (
        {arn: {"state": "present", "document": text} for arn, text in present.items()}
        | {arn: {"state": "none"} for arn in none}
        | {bucket(name): {"state": "denied", "permission": "s3:GetBucketPolicy"} for name in UNREADABLE_BUCKETS}
    )


def kms_aliases() -> dict[str, str]:
    """The "kms_aliases" of the snapshot."""
    names = {"data-lake": LAKE_KEY, "logs": LOGS_KEY, "payments": PAYMENTS_KEY}
    return {regional("kms", f"alias/{name}"): key for name, key in names.items()}


def public_access_block() -> dict[str, Any]:
    """The "public_access_block" of the snapshot: every bucket is closed but the one shared with the partner."""
    buckets = (*BUCKET_POLICIES, *BUCKETS_WITHOUT_POLICY, *UNREADABLE_BUCKETS)
    return {
        name: {
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": name != TRACKING_SITE,
            "RestrictPublicBuckets": name != MANIFESTS,
        }
        for name in buckets
    }
