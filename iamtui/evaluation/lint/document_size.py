"""Sizes of documents against the quotas of customers (IAM and Organizations quotas)."""

from __future__ import annotations

from typing import Final

from iamtui.evaluation.lint.subject import Level, Subject
from iamtui.policy.json_numbers import json_text
from iamtui.policy.kinds import PolicyType

OF_IAM: Final = (PolicyType.IDENTITY, PolicyType.BOUNDARY, PolicyType.SESSION, PolicyType.TRUST)
"""The policy types that the IAM API takes."""

_ISSUES: Final = {
    PolicyType.IDENTITY: "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA",
    PolicyType.RESOURCE: "POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA",
    PolicyType.TRUST: "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA",
    PolicyType.SCP: "POLICY_SIZE_EXCEEDS_SCP_QUOTA",
    PolicyType.RCP: "POLICY_SIZE_EXCEEDS_RCP_QUOTA",
}


def check_size(subject: Subject) -> None:
    """Size against the quotas of customers; AWS's own managed policies are larger."""
    given = subject.document.source_text
    if subject.kind in OF_IAM:
        _check_iam_size(subject, sum(not c.isspace() for c in given), len(given))
        strange = next((c for c in given if ord(c) > 0xFF), None)
        if strange is not None:
            subject.error(
                "character-not-allowed",
                f"The character U+{ord(strange):04X} is outside U+0020 to U+00FF, so the IAM API refuses the document.",
                "$",
            )
        return
    compact = len(json_text(subject.document.value, separators=(",", ":")))
    if subject.kind is PolicyType.SCP and len(given) > 10_240:
        _organization_size(subject, "SCP", len(given), compact, 10_240)
    elif subject.kind is PolicyType.RCP and len(given) > 5_120:
        _organization_size(subject, "RCP", len(given), compact, 5_120)
    elif subject.kind is PolicyType.VPC_ENDPOINT and len(given) > 20_480:
        _too_large(subject, len(given), 20_480, "a VPC endpoint policy, white space included")
    elif subject.kind is PolicyType.RESOURCE:
        size = len(json_text(subject.document.value, separators=(",", ":")).encode(errors="surrogatepass"))
        service = _only_service(subject)
        if service == "s3" and size > 20 * 1024:
            _too_large(subject, size, 20 * 1024, "a bucket policy")
        elif service == "kms" and size > 32 * 1024:
            _too_large(subject, size, 32 * 1024, "a key policy")


def _only_service(subject: Subject) -> str | None:
    """The service that all actions belong to, when it is one."""
    actions = [
        action
        for statement in subject.policy.statements
        for action in (statement.actions or statement.not_actions or ())
    ]
    services = {action.partition(":")[0].lower() for action in actions}
    return services.pop() if len(services) == 1 else None


def _check_iam_size(subject: Subject, size: int, with_spaces: int) -> None:
    if with_spaces > 131_072:
        _too_large(subject, with_spaces, 131_072, "any document given to the IAM API")
    elif subject.kind is PolicyType.TRUST and size > 2_048:
        if size > 8_192:
            _too_large(subject, size, 8_192, "a role trust policy, at the highest quota")
        else:
            _large(subject, size, "2,048 is the default quota of a role trust policy, which can be raised to 8,192")
    elif subject.kind is PolicyType.SESSION and size > 2_048:
        _large(subject, size, "an inline session policy may have 2,048, managed ones included")
    elif subject.kind is PolicyType.BOUNDARY and size > 6_144:
        _too_large(subject, size, 6_144, "a managed policy, which a boundary is")
    elif subject.kind is PolicyType.IDENTITY and size > 6_144:
        if size > 10_240:
            _too_large(subject, size, 10_240, "any identity-based policy")
        else:
            _large(subject, size, "a managed policy may have 6,144, and only inline policies of a role 10,240 together")


def _too_large(subject: Subject, size: int, limit: int, what: str) -> None:
    subject.error(
        "too-large",
        f"The document has {size:,} characters, more than the {limit:,} of {what}; split it.",
        "$",
        aws=_ISSUES.get(subject.kind),
    )


def _large(subject: Subject, size: int, why: str) -> None:
    """Over a default quota. As an inline policy of a role an identity-based policy may have that size."""
    inline = subject.kind is PolicyType.IDENTITY
    subject.report(
        Level.SUGGESTION if inline else Level.WARNING,
        "large",
        f"The document has {size:,} characters without white space; {why}.",
        "$",
        aws=None if inline else _ISSUES.get(subject.kind),
    )


def _organization_size(subject: Subject, name: str, given: int, compact: int, limit: int) -> None:
    """SCP quotas were raised in 2026, so going over one is shown without calling the document refused."""
    issue = _ISSUES[subject.kind]
    if compact <= limit:
        message = f"The {name} has {given:,} characters with white space, which counts; written compactly it fits."
        subject.warning("large", message, "$", aws=issue)
    elif name == "SCP":
        message = f"The SCP has {compact:,} characters without white space; the quota is {limit:,}; split it."
        subject.warning("large", message, "$", aws=issue)
    else:
        _too_large(subject, compact, limit, "an RCP")
