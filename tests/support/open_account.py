"""An account with the findings of the audit that the demo does not have, each once, as a snapshot."""

from __future__ import annotations

from typing import Any, Final

from tests.support.snapshot_builder import allow, attached, document, iam, inline, policy, role, snapshot, trust

PROVIDER: Final = iam("oidc-provider/token.actions.githubusercontent.com")
_FULL: Final = iam("policy/everything")

FINDINGS: Final = {
    "full-access": _FULL,
    "oidc-without-subject": iam("role/pipeline"),
    "pass-role-on-all": iam("role/builder"),
    "policy-unattached": iam("policy/left-over"),
    "trust-everyone": iam("role/public"),
    "trust-without-external-id": iam("role/vendor"),
}
"""The findings, and what each is about."""

MENDED: Final = {
    "oidc-without-subject": "requires a subject, which you put in",
    "pass-role-on-all": "names the role, which you put in",
    "policy-unattached": "deletes the policy",
    "trust-everyone": "trusts this account only",
    "trust-without-external-id": "requires an external ID, which you put in",
}
"""What the draft does that mends a finding; what full access should be, only the user knows."""


def open_snapshot() -> dict[str, Any]:
    web = {
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{_HOST}:aud": "sts.amazonaws.com"}},
    }
    passing = document(allow(["iam:PassRole", "ec2:RunInstances"], Sid="Run"), allow("s3:GetObject"))
    return snapshot(
        roles=[
            role("pipeline", AssumeRolePolicyDocument=trust({"Federated": PROVIDER}, **web)),
            role("builder", RolePolicyList=[inline("run", passing)]),
            role("public", AssumeRolePolicyDocument=trust("*")),
            role("vendor", AssumeRolePolicyDocument=trust({"AWS": "arn:aws:iam::999999999999:root"})),
            role("admin", AttachedManagedPolicies=[attached(_FULL)]),
        ],
        policies=[policy("everything", body=document(allow("*"))), policy("left-over", AttachmentCount=0)],
    )


_HOST: Final = PROVIDER.partition("oidc-provider/")[2]
