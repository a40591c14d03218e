"""The policies that a session is made with, as they are in force for it."""

from __future__ import annotations

from iamtui.account.model import Account
from iamtui.analysis.policies_in_force import managed_policy
from iamtui.credentials.session_extras import AssumeExtras
from iamtui.evaluation.policies import MissingPolicy, NamedPolicy, PolicyInForce
from iamtui.policy.document import PolicyDocument

INLINE_NAME = "session policy"
"""What the inline session policy is called in answers; it has no name of its own."""


def session_policies(account: Account, extras: AssumeExtras) -> tuple[PolicyInForce, ...]:
    """The inline and the managed session policies (IAM User Guide: Session policies); empty when there are none.

    A managed one whose document is not loaded is missing, and the answer depends on it; those of AWS are known even
    where the account uses none of them.
    """
    found: list[PolicyInForce] = []
    if extras.policy:
        found.append(NamedPolicy(INLINE_NAME, PolicyDocument(extras.policy)))
    found += (_managed(account, arn) for arn in extras.policy_arns)
    return tuple(found)


def policy_problem(text: str) -> str:
    """Why STS cannot read this inline session policy, one sentence, or "" (also for none)."""
    error = PolicyDocument(text).error if text else None
    if error is None:
        return ""
    return f"The session policy cannot be read: {error.message}."


def _managed(account: Account, arn: str) -> PolicyInForce:
    policy = managed_policy(account, arn)
    if isinstance(policy, MissingPolicy):
        from iamtui.sources.managed_policies import managed_policy_document  # noqa: PLC0415 - reads a large file

        document = managed_policy_document(arn)
        if document is not None:
            return NamedPolicy(arn, document)
    return policy
