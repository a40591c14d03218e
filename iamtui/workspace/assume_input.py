"""What the user entered to assume a role, as records."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from iamtui.credentials.assume_role import AssumeRoleRequest
from iamtui.credentials.session_extras import NO_EXTRAS, AssumeExtras
from iamtui.secret import Secret


class MfaWay(StrEnum):
    """How an MFA code reaches STS.

    DIRECT: it goes with sts:AssumeRole and serves this one call. SHARED: it starts a session of the caller
    (sts:GetSessionToken) that serves other roles too. REUSED: no code is needed, such a session is there.
    """

    DIRECT = "direct"
    SHARED = "shared"
    REUSED = "reused"


@dataclass(frozen=True, slots=True)
class AssumeInput:
    """What the user entered. Durations in seconds; the MFA code is secret.

    Args:
        mfa_way: what to do with the code; SHARED and REUSED need the `MfaSessions` that advised it.
    """

    role_arn: str
    session_name: str
    duration_seconds: int
    external_id: str = ""
    mfa_serial: str = ""
    mfa_code: Secret | None = None
    extras: AssumeExtras = NO_EXTRAS
    mfa_way: MfaWay = MfaWay.DIRECT

    def request(self) -> AssumeRoleRequest:
        """What sts:AssumeRole is asked: without device and code where a session proves the MFA."""
        direct = self.mfa_way is MfaWay.DIRECT
        return AssumeRoleRequest(
            self.role_arn,
            self.session_name,
            self.duration_seconds,
            self.external_id,
            self.mfa_serial if direct else "",
            self.mfa_code if direct else None,
            self.extras.policy,
            self.extras.policy_arns,
            self.extras.tags,
            self.extras.transitive_tag_keys,
            self.extras.source_identity,
        )
