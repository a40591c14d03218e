"""Which elements a document and its statements may have, by policy type, and how large it may be.

Sources: IAM User Guide (policy grammar, policy element reference, quotas), Organizations User Guide (syntax and
quotas of SCPs and RCPs), and the pages on VPC endpoint, bucket and key policies.
"""

from __future__ import annotations

import json
import re
from typing import Final

from iamtui.evaluation.lint.subject import Subject, quoted
from iamtui.policy.document import VERSIONS, Statement
from iamtui.policy.json_numbers import json_text
from iamtui.policy.kinds import PolicyType

_TOP: Final = ("Version", "Id", "Statement")
_ELEMENTS: Final = (
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
)  # fmt: skip

_NAMES: Final = {
    PolicyType.IDENTITY: "an identity-based policy",
    PolicyType.BOUNDARY: "a permissions boundary",
    PolicyType.SESSION: "a session policy",
    PolicyType.RESOURCE: "a resource-based policy",
    PolicyType.TRUST: "a role trust policy",
    PolicyType.SCP: "a service control policy",
    PolicyType.RCP: "a resource control policy",
    PolicyType.VPC_ENDPOINT: "a VPC endpoint policy",
}
_OF_IAM: Final = (PolicyType.IDENTITY, PolicyType.BOUNDARY, PolicyType.SESSION, PolicyType.TRUST)
_WITHOUT_ID: Final = (
    PolicyType.IDENTITY, PolicyType.BOUNDARY, PolicyType.SESSION, PolicyType.SCP, PolicyType.RCP,
)  # fmt: skip
_NEEDS_RESOURCE: Final = (*_WITHOUT_ID, PolicyType.VPC_ENDPOINT)


def name_of(kind: PolicyType) -> str:
    """The policy type in a sentence, with its article."""
    return _NAMES[kind]


def check_document(subject: Subject) -> None:
    """Version, Id, unknown elements, Sids and size."""
    policy = subject.policy
    if policy.version is not None and policy.version not in VERSIONS:
        subject.error(
            "unknown-version",
            f'Version {quoted(policy.version)} does not exist, so AWS refuses the document; write "2012-10-17".',
            "$.Version",
        )
    elif policy.version != "2012-10-17":
        _old_version(subject)
    if policy.id is not None and subject.kind in _WITHOUT_ID:
        subject.error("id-not-allowed", f"Id does not belong into {name_of(subject.kind)}; remove it.", "$.Id")
    for element in policy.unknown_elements:
        hint = subject.nearest(element, _TOP)
        subject.error(
            "unknown-element", f"{quoted(element)} is no element of a policy, so AWS refuses it.{hint}", f"$.{element}"
        )
    if not policy.statements:
        subject.error("no-statements", "The document has no statement, so it does nothing; add one.", "$.Statement")
    _check_sids(subject)
    _check_size(subject)


def _old_version(subject: Subject) -> None:
    path = "$.Version" if subject.policy.version is not None else "$"
    given = subject.policy.version or "no Version"
    if subject.kind is PolicyType.RCP:
        subject.warning(
            "rcp-version",
            f'An RCP needs Version "2012-10-17" and this one has {given}; AWS may refuse it.',
            path,
        )
    elif "${" in json.dumps(subject.document.value):
        subject.warning(
            "variables-need-version",
            f'With {given} policy variables are plain text, so ${{...}} is compared literally; write "2012-10-17".',
            path,
        )
    else:
        subject.suggestion(
            "old-version", f'The document has {given}; write "2012-10-17", which policy variables need.', path
        )


def _check_sids(subject: Subject) -> None:
    seen: set[str] = set()
    for statement in subject.policy.statements:
        sid = statement.sid
        if not sid:
            continue
        path = subject.path(statement, "Sid")
        if subject.kind in _OF_IAM and not re.fullmatch(r"[A-Za-z0-9]+", sid):
            subject.error(
                "sid-characters",
                f"Sid {quoted(sid)} may hold only the letters A-Z, a-z and digits in IAM; AWS refuses others.",
                path,
                statement,
            )
        if sid in seen:
            message = f"Sid {quoted(sid)} stands twice, and Sids must be unique in a document; rename one."
            if subject.kind in (PolicyType.RESOURCE, PolicyType.VPC_ENDPOINT):
                subject.warning("duplicate-sid", message, path, statement)
            else:
                subject.error("duplicate-sid", message, path, statement)
        seen.add(sid)


def check_elements(subject: Subject, statement: Statement) -> None:
    """Elements that are missing, forbidden, unknown or empty in one statement."""
    for element in statement.unknown_elements:
        hint = subject.nearest(element, _ELEMENTS)
        subject.error(
            "unknown-element",
            f"{quoted(element)} is no element of a statement, so AWS refuses it.{hint}",
            f"{subject.path(statement)}.{element}",
            statement,
        )
    _check_principal_element(subject, statement)
    _check_resource_element(subject, statement)
    _check_negations(subject, statement)
    for element, entries in (
        ("Action", statement.actions),
        ("NotAction", statement.not_actions),
        ("Resource", statement.resources),
        ("NotResource", statement.not_resources),
    ):
        if entries == ():
            subject.error(
                "empty-element",
                f"{element} is empty, which AWS refuses, and the statement applies to nothing; fill it or remove it.",
                subject.path(statement, element),
                statement,
            )
    if subject.kind is PolicyType.RCP:
        _check_rcp(subject, statement)


def _check_principal_element(subject: Subject, statement: Statement) -> None:
    element = "NotPrincipal" if statement.not_principals is not None else "Principal"
    present = statement.principals is not None or statement.not_principals is not None
    path = subject.path(statement, element) if present else subject.path(statement)
    if not subject.kind.has_principals:
        if present:
            subject.error(
                "principal-not-allowed",
                f"{element} does not belong into {name_of(subject.kind)}, whose principal is whom it is attached to; "
                "remove it.",
                path,
                statement,
            )
        return
    if not present:
        effect = "everybody" if subject.kind is PolicyType.VPC_ENDPOINT else "nobody"
        subject.error(
            "missing-principal",
            f"A statement of {name_of(subject.kind)} needs a Principal, and without one it applies to {effect}; "
            "add it.",
            path,
            statement,
        )
    elif element == "NotPrincipal":
        _check_not_principal(subject, statement, path)


def _check_not_principal(subject: Subject, statement: Statement, path: str) -> None:
    if subject.kind is not PolicyType.RESOURCE:
        subject.error(
            "not-principal-not-allowed",
            f"NotPrincipal does not belong into {name_of(subject.kind)}; name the principals, or use a condition on "
            "aws:PrincipalArn.",
            path,
            statement,
        )
    elif statement.effect == "Allow":
        subject.error(
            "allow-not-principal",
            "Allow with NotPrincipal grants to everyone who is not listed, anonymous callers included, and AWS no "
            "longer accepts it; name the principals.",
            path,
            statement,
        )
    else:
        subject.warning(
            "not-principal",
            "Deny with NotPrincipal also denies every principal that has a permissions boundary, and parents of a "
            "session have to be listed; use a condition on aws:PrincipalArn.",
            path,
            statement,
        )


def _check_resource_element(subject: Subject, statement: Statement) -> None:
    present = statement.resources is not None or statement.not_resources is not None
    if subject.kind is PolicyType.TRUST:
        if present:
            element = "Resource" if statement.resources is not None else "NotResource"
            subject.error(
                "resource-in-trust-policy",
                f"{element} does not belong into a role trust policy, whose resource is the role itself; remove it.",
                subject.path(statement, element),
                statement,
            )
    elif not present and subject.kind in _NEEDS_RESOURCE:
        subject.error(
            "missing-resource",
            "The statement has neither Resource nor NotResource, so AWS refuses it and it applies to nothing; add one.",
            subject.path(statement),
            statement,
        )


def _check_negations(subject: Subject, statement: Statement) -> None:
    if statement.effect != "Allow" or subject.kind is PolicyType.SCP:
        return
    if statement.not_actions is not None:
        subject.warning(
            "allow-not-action",
            "Allow with NotAction grants every action that is not listed, those of future services included; "
            "list the actions to allow.",
            subject.path(statement, "NotAction"),
            statement,
        )
    if statement.not_resources is not None:
        subject.warning(
            "allow-not-resource",
            "Allow with NotResource grants on every resource that is not listed, future ones included; "
            "list the resources to allow.",
            subject.path(statement, "NotResource"),
            statement,
        )


def _check_rcp(subject: Subject, statement: Statement) -> None:
    path = subject.path(statement)
    everything = (
        statement.effect == "Allow" and statement.actions == ("*",) and statement.resources == ("*",)
        and len(subject.policy.statements) == 1
    )  # fmt: skip
    if everything:
        return
    if statement.effect == "Allow":
        subject.error(
            "rcp-allow",
            "An RCP can only deny; the one Allow is AWS's own RCPFullAWSAccess; write a Deny.",
            f"{path}.Effect",
            statement,
        )
    if statement.not_actions is not None:
        subject.error(
            "rcp-not-action", "NotAction is not supported in an RCP; list the actions.", f"{path}.NotAction", statement
        )
    if statement.principals is not None and not all(
        entry.value == "*" and (entry.bare or entry.kind == "AWS") for entry in statement.principals
    ):
        subject.error(
            "rcp-principal",
            'The Principal of an RCP is exactly "*"; narrow it by a condition on aws:PrincipalArn or the like.',
            f"{path}.Principal",
            statement,
        )
    for i, action in enumerate(statement.actions or ()):
        if action in ("*", "*:*"):
            subject.error(
                "rcp-action",
                "An RCP needs the service in front of every action, such as s3:*; a bare * is refused.",
                subject.path(statement, "Action", i),
                statement,
            )


def _check_size(subject: Subject) -> None:
    """Size against the quotas of customers; AWS's own managed policies are larger."""
    given = subject.document.source_text
    if subject.kind in _OF_IAM:
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
        "too-large", f"The document has {size:,} characters, more than the {limit:,} of {what}; split it.", "$"
    )


def _large(subject: Subject, size: int, why: str) -> None:
    subject.warning("large", f"The document has {size:,} characters without white space; {why}.", "$")


def _organization_size(subject: Subject, name: str, given: int, compact: int, limit: int) -> None:
    """SCP quotas were raised in 2026, so going over one is shown without calling the document refused."""
    if compact <= limit:
        message = f"The {name} has {given:,} characters with white space, which counts; written compactly it fits."
        subject.warning("large", message, "$")
    elif name == "SCP":
        message = f"The SCP has {compact:,} characters without white space; the quota is {limit:,}; split it."
        subject.warning("large", message, "$")
    else:
        _too_large(subject, compact, limit, "an RCP")
