"""What the user entered to assume a role, as records."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from iamtui.credentials.assume_request import AssumeRoleRequest
from iamtui.secret import Secret

REQUEST_TAG: Final = "aws:requesttag/"
"""The family of keys, in lower case, that session tags become in the request."""

_SOURCE_IDENTITY: Final = "sts:SourceIdentity"
_SESSION_SOURCE_IDENTITY: Final = "aws:SourceIdentity"
_PRINCIPAL_TAG: Final = "aws:principaltag/"
_TAG_KEYS: Final = "aws:TagKeys"
_TRANSITIVE_KEYS: Final = "sts:TransitiveTagKeys"


class MfaWay(StrEnum):
    """How an MFA code reaches STS.

    DIRECT: it goes with sts:AssumeRole and serves this one call. SHARED: it starts a session of the caller
    (sts:GetSessionToken) that serves other roles too. REUSED: no code is needed, such a session is there.
    """

    DIRECT = "direct"
    SHARED = "shared"
    REUSED = "reused"


@dataclass(frozen=True, slots=True)
class AssumeExtras:
    """What few callers send: everything of sts:AssumeRole that has no answer in the role.

    Args:
        policy: JSON text of an inline session policy, or "".
        policy_arns: managed session policies.
        tags: session tags, as pairs of key and value.
        transitive_tag_keys: keys of `tags` that role chaining passes on.
        source_identity: what no later session can change, or "".
    """

    policy: str = ""
    policy_arns: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str = ""

    @property
    def actions(self) -> tuple[str, ...]:
        """What the trust policy and the caller's policies must allow (IAM User Guide: Pass session tags; Monitor
        and control actions taken with assumed roles)."""
        return (
            "sts:AssumeRole",
            *(("sts:TagSession",) if self.tags else ()),
            *(("sts:SetSourceIdentity",) if self.source_identity else ()),
        )

    @property
    def context(self) -> dict[str, tuple[str, ...]]:
        """The condition keys that these put into the request; an empty tuple says that it lacks the key."""
        return {
            _SOURCE_IDENTITY: (self.source_identity,) if self.source_identity else (),
            _TAG_KEYS: tuple(key for key, _ in self.tags),
            _TRANSITIVE_KEYS: self.transitive_tag_keys,
            **{f"{REQUEST_TAG}{key.lower()}": (value,) for key, value in self.tags},
        }

    @property
    def principal_context(self) -> dict[str, tuple[str, ...]]:
        """The condition keys that a session made with these carries into its own requests."""
        tags = {f"{_PRINCIPAL_TAG}{key.lower()}": (value,) for key, value in self.tags}
        return {**tags, **({_SESSION_SOURCE_IDENTITY: (self.source_identity,)} if self.source_identity else {})}


NO_EXTRAS: Final = AssumeExtras()


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
