"""Settings and figures of an account besides its entities: password policy, certificates, open buckets, last use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct, field

Whole: TypeAlias = Annotated[int, Meta(gt=-(10**18), lt=10**18)]
"""A whole number, one that can be reckoned with as a fraction too."""


class PasswordPolicy(Struct, frozen=True):
    """The rules for console passwords of IAM users, under the names of GetAccountPasswordPolicy; None: no rule."""

    minimum_length: Whole = field(name="MinimumPasswordLength")
    symbols: bool = field(default=False, name="RequireSymbols")
    numbers: bool = field(default=False, name="RequireNumbers")
    uppercase: bool = field(default=False, name="RequireUppercaseCharacters")
    lowercase: bool = field(default=False, name="RequireLowercaseCharacters")
    users_may_change: bool = field(default=False, name="AllowUsersToChangePassword")
    max_age_days: Whole | None = field(default=None, name="MaxPasswordAge")
    reuse_prevention: Whole | None = field(default=None, name="PasswordReusePrevention")
    hard_expiry: bool | None = field(default=False, name="HardExpiry")


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
