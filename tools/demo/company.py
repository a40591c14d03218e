"""Puffin Parcel, the parcel carrier of the demo: its accounts, Regions, and how its ARNs are spelled.

All of it is fiction. Account ids are the repeated-digit kind that AWS uses in its documentation, addresses come
from the documentation networks (RFC 5737), and every id is a hash of a name.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import Final

PROD: Final = "111122223333"
STAGING: Final = "444455556666"
ANALYTICS: Final = "777788889999"
SECURITY: Final = "222233334444"
MANAGEMENT: Final = "555566667777"
DEVELOPMENT: Final = "888899990000"

SKYLARK: Final = "999900001111"
"""Skylark Insights, the vendor that watches the cloud bill. Not in the organization."""

FJORDLINE: Final = "666677778888"
"""Fjordline Carriers, the partner that sails the parcels north. Not in the organization."""

ALIAS: Final = "puffin-prod"
REGION: Final = "eu-west-1"
SECOND_REGION: Final = "eu-north-1"
TAKEN_AT: Final = "2026-11-24T09:00:00Z"
ORGANIZATION: Final = "o-pf7nparcel"
OFFICE_NETWORKS: Final = ("203.0.113.0/24", "198.51.100.0/25")

GITHUB: Final = "token.actions.githubusercontent.com"
EKS_OIDC: Final = f"oidc.eks.{REGION}.amazonaws.com/id/7C1FEB0D5E9A4B26A0D3PUFFINPARCEL"
SAML_PROVIDER: Final = "PuffinLogin"
SSO_PROVIDER: Final = "AWSSSO_3b1f7c9e5d2a8046_DO_NOT_DELETE"

DATA_LAKE: Final = "puffin-data-lake"
ARTIFACTS: Final = "puffin-deploy-artifacts"
INVOICES: Final = "puffin-customer-invoices"
MANIFESTS: Final = "puffin-partner-manifests"
TRACKING_SITE: Final = "puffin-tracking-site"
ACCESS_LOGS: Final = "puffin-access-logs"
TERRAFORM_STATE: Final = "puffin-terraform-state"
HR_EXPORTS: Final = "puffin-hr-exports"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def unique_id(prefix: str, name: str) -> str:
    """A unique id as IAM makes them: four letters for the kind, then 17 characters of base 32."""
    return prefix + base64.b32encode(_digest(f"{prefix} {name}")).decode()[:17]


def access_key_id(owner: str, number: int) -> str:
    """A well-formed access key id that says EXAMPLE at its end."""
    return "AKIA" + base64.b32encode(_digest(f"access key {owner} {number}")).decode()[:9] + "EXAMPLE"


def hex_id(name: str, length: int = 16) -> str:
    """Hexadecimal digits that stand for a name."""
    return _digest(f"hex {name}").hex()[:length]


def moment(day: str, name: str) -> str:
    """A date with a time of a working day: "2024-03-05" gives "2024-03-05T09:12:44+00:00"."""
    seconds = int.from_bytes(_digest(f"{day} {name}")[:4], "big") % (10 * 3600)
    return f"{day}T{7 + seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}+00:00"


def iam(resource: str, account: str = PROD) -> str:
    """The ARN of an IAM resource: iam("role/deploy-prod")."""
    return f"arn:aws:iam::{account}:{resource}"


def root(account: str = PROD) -> str:
    """The ARN that stands for a whole account in a Principal element."""
    return iam("root", account)


def role(path_and_name: str, account: str = PROD) -> str:
    """The ARN of a role: role("admin/break-glass-admin")."""
    return iam(f"role/{path_and_name}", account)


def policy(path_and_name: str) -> str:
    """The ARN of a customer managed policy."""
    return iam(f"policy/{path_and_name}")


def aws_policy(path_and_name: str) -> str:
    """The ARN of an AWS managed policy."""
    return f"arn:aws:iam::aws:policy/{path_and_name}"


def bucket(name: str) -> str:
    """The ARN of a bucket."""
    return f"arn:aws:s3:::{name}"


def objects(name: str, keys: str = "*") -> str:
    """The ARN of objects in a bucket."""
    return f"arn:aws:s3:::{name}/{keys}"


def regional(service: str, resource: str, region: str = REGION, account: str = PROD) -> str:
    """The ARN of a resource with a Region and an account."""
    return f"arn:aws:{service}:{region}:{account}:{resource}"


def kms_key(name: str) -> str:
    """The ARN of a KMS key by the name the story gives it."""
    return regional("kms", f"key/{uuid.UUID(bytes=_digest(f'kms {name}')[:16], version=4)}")


LAKE_KEY: Final = kms_key("data-lake")
PAYMENTS_KEY: Final = kms_key("payments")
LOGS_KEY: Final = kms_key("logs")

SHIPMENT_EVENTS: Final = regional("sqs", "shipment-events")
PARCEL_STATUS: Final = regional("sns", "parcel-status-updates")
PAYMENTS_SECRET: Final = regional("secretsmanager", "secret:payments/database-k7Vq2x")
WEBHOOK_FUNCTION: Final = regional("lambda", "function:webhook-dispatcher")
INVOICE_FUNCTION: Final = regional("lambda", "function:invoice-renderer")
GEOCODER_FUNCTION: Final = regional("lambda", "function:address-geocoder")
