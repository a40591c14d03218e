"""Settings of an account beside its users, groups, roles and policies: password policy, server certificates."""

from __future__ import annotations

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
