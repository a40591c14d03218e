"""Settings and figures of an account besides its entities: password policy, certificates, open buckets, last use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct


class PasswordPolicy(Struct, frozen=True):
    """The rules for console passwords of IAM users. `max_age_days` and `reuse_prevention`: 0 where there is no rule."""

    minimum_length: int
    symbols: bool = False
    numbers: bool = False
    uppercase: bool = False
    lowercase: bool = False
    users_may_change: bool = False
    max_age_days: int = 0
    reuse_prevention: int = 0
    hard_expiry: bool = False


class ServerCertificate(Struct, frozen=True):
    """A TLS certificate that IAM keeps for load balancers. Times are UTC."""

    name: str
    path: str
    arn: str
    id: str
    uploaded: datetime | None
    expires: datetime | None


class PublicAccessBlock(Struct, frozen=True):
    """The S3 Block Public Access switch that matters to decisions, as effective for one bucket."""

    restrict_public_buckets: bool = False


class ServiceUse(Struct, frozen=True):
    """When an entity last used a service that its policies allow; None: not in the period that AWS tracks.

    Args:
        service: the prefix of its actions ("s3").
        actions: those that AWS tracks one by one, by name ("CreateBucket"), with their last use.
    """

    service: str
    last_used: datetime | None
    region: str = ""
    actions: Mapping[str, datetime | None] = {}


class LastAccessed(Struct, frozen=True):
    """The services that an entity's policies allow, with their last use (IAM User Guide: last accessed information)."""

    read_at: datetime | None
    services: tuple[ServiceUse, ...]
