"""The rules of STS that moto lacks, as a rule of the fault proxy: who may, for how long, with which MFA, how large.

Its messages are AWS's own, as public threads and AWS's documentation quote them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support.fault_proxy import Answer, Call, error
from tests.support.moto_server import ACCOUNT

CHAINED = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
TOO_LONG = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
WRONG_CODE = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
NOT_WITH_SESSION = "Cannot call GetSessionToken with session credentials"
EXPIRED = "The security token included in the request is expired"
TOO_LARGE = "Packed policy consumes 118% of allotted space, please use smaller policy."
BAD_JSON = "This policy contains invalid Json"

_KEY = re.compile(r"Credential=([^/]+)/")


@dataclass
class StsGate:
    """Refuses what STS would, and lets moto answer the rest.

    Args:
        caller: the ARN that refusals name.
        role: the role that can be assumed.
        max_seconds: its MaxSessionDuration.
        trusts: whether its trust policy lets this call in.
        may: whether the caller's side lets it.
        needs_mfa: whether the trust policy wants MFA.
        external_id: what the trust policy wants, or "".
        codes: MFA codes that work, each once.
        ended: access key ids whose sessions have ended.
        mfa_tokens: whether GetSessionToken has given credentials, which carry MFA.
        others: roles that anybody may assume.
    """

    caller: str
    role: str
    max_seconds: int = 7200
    trusts: bool = True
    may: Callable[[Call], bool] = lambda _call: True
    needs_mfa: bool = False
    external_id: str = ""
    codes: set[str] = field(default_factory=lambda: {"123456"})
    ended: set[str] = field(default_factory=set)
    mfa_tokens: bool = False
    others: set[str] = field(default_factory=set)

    def __call__(self, call: Call) -> Answer | None:
        found = _KEY.search(call.headers.get("authorization", ""))
        key = found.group(1) if found else ""
        temporary = "x-amz-security-token" in call.headers
        if call.service == "sts" and key in self.ended:
            return error(403, "ExpiredToken", EXPIRED)
        if call.operation == "GetSessionToken":
            return self._session_token(call, temporary=temporary)
        if call.operation == "AssumeRole":
            return self._assume(call, temporary=temporary)
        return None

    def _session_token(self, call: Call, *, temporary: bool) -> Answer | None:
        if temporary:
            return error(403, "AccessDenied", NOT_WITH_SESSION)
        refusal = self._code(call)
        self.mfa_tokens = self.mfa_tokens or refusal is None
        return refusal

    def _code(self, call: Call) -> Answer | None:
        code = call.parameters.get("TokenCode", "")
        if code not in self.codes:
            return error(403, "AccessDenied", WRONG_CODE)
        self.codes.discard(code)
        return None

    def _assume(self, call: Call, *, temporary: bool) -> Answer | None:
        asked = call.parameters
        if asked["RoleArn"] in self.others:
            return None
        seconds = int(asked.get("DurationSeconds", "3600"))
        if "TokenCode" in asked:
            refusal = self._code(call)
            if refusal is not None:
                return refusal
        with_mfa = "TokenCode" in asked or (temporary and self.mfa_tokens)
        if (
            asked["RoleArn"] != self.role
            or not self.trusts
            or not self.may(call)
            or (self.needs_mfa and not with_mfa)
            or (self.external_id and asked.get("ExternalId") != self.external_id)
        ):
            message = (
                f"User: {self.caller} is not authorized to perform: sts:AssumeRole on resource: {asked['RoleArn']}"
            )
            return error(403, "AccessDenied", message)
        if temporary and seconds > 3600:
            return error(400, "ValidationError", CHAINED)
        if seconds > self.max_seconds:
            return error(400, "ValidationError", TOO_LONG)
        policy = asked.get("Policy", "")
        if policy and not policy.startswith("{"):
            return error(400, "MalformedPolicyDocument", BAD_JSON)
        if len(policy) > 1500:
            return error(400, "PackedPolicyTooLarge", TOO_LARGE)
        return None


def gate_for_alice(role: str, **rules: object) -> StsGate:
    """The gate in front of the account that alice's tests fill."""
    return StsGate(f"arn:aws:iam::{ACCOUNT}:user/alice", role, **rules)  # type: ignore[arg-type]
