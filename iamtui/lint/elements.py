"""Lint of the elements of a document and its statements by policy type, of size, of repetition and of RCPs.

Sources: IAM User Guide (policy grammar, policy element reference, quotas), Organizations User Guide (syntax and
quotas of SCPs and RCPs), and the pages on VPC endpoint, bucket and key policies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from iamtui.catalog.actions import catalogue
from iamtui.lint.actions import action_glob
from iamtui.lint.subject import (
    CheckedDocument,
    Level,
    lines_about,
    named,
    quoted,
    resource_glob,
    resource_tokens,
)
from iamtui.policy.document import VERSIONS, ConditionLine, Statement
from iamtui.policy.json_text import json_text
from iamtui.policy.patterns import Token, Wild, is_pattern, parse_pieces, tokens_of
from iamtui.policy.types import PolicyType
from iamtui.policy.values import parse_operator

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
_WITHOUT_ID: Final = (
    PolicyType.IDENTITY, PolicyType.BOUNDARY, PolicyType.SESSION, PolicyType.SCP, PolicyType.RCP,
)  # fmt: skip
_ISSUE_OF_NOT_PRINCIPAL: Final = {
    PolicyType.TRUST: "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL",
    PolicyType.RCP: "RCP_SYNTAX_ERROR_PRINCIPAL",
}
_NEEDS_RESOURCE: Final = (*_WITHOUT_ID, PolicyType.VPC_ENDPOINT)


def name_of(kind: PolicyType) -> str:
    """The policy type in a sentence, with its article."""
    return _NAMES[kind]


def check_document(subject: CheckedDocument) -> None:
    """Version, Id, unknown elements, Sids and size."""
    policy = subject.policy
    if policy.version is not None and policy.version not in VERSIONS:
        subject.place("$.Version").error(
            "unknown-version",
            f'Version {quoted(policy.version)} does not exist, so AWS refuses the document; write "2012-10-17".',
            aws="INVALID_VERSION",
        )
    elif policy.version != "2012-10-17":
        here = subject.place("$.Version" if policy.version is not None else "$")
        given = policy.version or "no Version"
        if subject.kind is PolicyType.RCP:
            here.warning(
                "rcp-version", f'An RCP needs Version "2012-10-17" and this one has {given}; AWS may refuse it.'
            )
        elif "${" in json.dumps(subject.document.value):
            here.warning(
                "variables-need-version",
                f'With {given} policy variables are plain text, so ${{...}} is compared literally; write "2012-10-17".',
                aws="VARIABLE_UNSUPPORTED_IN_VERSION",
            )
        else:
            here.suggestion(
                "old-version",
                f'The document has {given}; write "2012-10-17", which policy variables need.',
                aws="MISSING_VERSION" if policy.version is None else None,
            )
    if policy.id is not None and subject.kind in _WITHOUT_ID:
        subject.place("$.Id").error(
            "id-not-allowed", f"Id is not allowed in {name_of(subject.kind)}; remove it.", aws="INVALID_POLICY_ELEMENT"
        )
    for element in policy.unknown_elements:
        hint = subject.nearest(element, _TOP)
        subject.place(f"$.{element}").error(
            "unknown-element",
            f"{quoted(element)} is not an element of a policy, so AWS refuses it.{hint}",
            aws="INVALID_POLICY_ELEMENT",
        )
    if not policy.statements:
        subject.place("$.Statement").error(
            "no-statements", "The document has no statement, so it does nothing; add one.", aws="MISSING_STATEMENT"
        )
    _check_sids(subject)
    check_size(subject)


def _check_sids(subject: CheckedDocument) -> None:
    seen: set[str] = set()
    for statement in subject.policy.statements:
        sid = statement.sid
        if sid is None:
            continue
        here = subject.at(statement, "Sid")
        if not sid:
            here.suggestion(
                "empty-sid", "The Sid is empty; give the statement a name or remove it.",
                aws="EMPTY_SID_VALUE",
            )  # fmt: skip
            continue
        if subject.kind in OF_IAM and not re.fullmatch(r"[A-Za-z0-9]+", sid):
            here.error(
                "sid-characters",
                f"Sid {quoted(sid)} may contain only the letters A-Z and a-z and digits in IAM; AWS refuses others.",
                aws="UNSUPPORTED_SID",
            )
        if sid in seen:
            message = f"Sid {quoted(sid)} is used twice, and Sids must be unique in a document; rename one."
            if subject.kind in (PolicyType.RESOURCE, PolicyType.VPC_ENDPOINT):
                here.warning("duplicate-sid", message, aws="UNIQUE_SIDS_RECOMMENDED")
            else:
                here.error("duplicate-sid", message, aws="UNIQUE_SIDS_REQUIRED")
        seen.add(sid)


def check_elements(subject: CheckedDocument, statement: Statement) -> None:
    """Elements that are missing, forbidden, unknown or empty in one statement."""
    for element in statement.unknown_elements:
        hint = subject.nearest(element, _ELEMENTS)
        subject.place(f"{subject.at(statement).path}.{element}").error(
            "unknown-element",
            f"{quoted(element)} is not an element of a statement, so AWS refuses it.{hint}",
            aws="INVALID_POLICY_ELEMENT",
        )
    _check_principal_element(subject, statement)
    _check_resource_element(subject, statement)
    if statement.effect == "Allow" and subject.kind is not PolicyType.SCP:
        if statement.not_actions is not None:
            subject.at(statement, "NotAction").warning(
                "allow-not-action",
                "Allow with NotAction grants every action that is not listed, those of future services included; "
                "list the actions to allow.",
            )
        if statement.not_resources is not None:
            subject.at(statement, "NotResource").warning(
                "allow-not-resource",
                "Allow with NotResource grants on every resource that is not listed, future ones included; "
                "list the resources to allow.",
            )
    for element, entries in (
        ("Action", statement.actions),
        ("NotAction", statement.not_actions),
        ("Resource", statement.resources),
        ("NotResource", statement.not_resources),
    ):
        if entries == ():
            subject.at(statement, element).error(
                "empty-element",
                f"{element} is empty, which AWS refuses, and the statement applies to nothing; fill it or remove it.",
                aws=f"EMPTY_ARRAY_{element.removeprefix('Not').upper()}",
            )


def _check_principal_element(subject: CheckedDocument, statement: Statement) -> None:
    element = "NotPrincipal" if statement.not_principals is not None else "Principal"
    present = statement.principals is not None or statement.not_principals is not None
    here = subject.at(statement, element) if present else subject.at(statement)
    if not subject.kind.has_principals:
        if present:
            here.error(
                "principal-not-allowed",
                f"{element} is not allowed in {name_of(subject.kind)}, whose principal is whoever it is attached to; "
                "remove it.",
                aws="SCP_SYNTAX_ERROR_PRINCIPAL" if subject.kind is PolicyType.SCP else "UNSUPPORTED_PRINCIPAL",
            )
        return
    if not present:
        effect = "everybody" if subject.kind is PolicyType.VPC_ENDPOINT else "nobody"
        here.error(
            "missing-principal",
            f"A statement of {name_of(subject.kind)} needs a Principal, and without one it applies to {effect}; "
            "add it.",
            aws="MISSING_PRINCIPAL",
        )
    elif element == "NotPrincipal":
        if subject.kind is not PolicyType.RESOURCE:
            here.error(
                "not-principal-not-allowed",
                f"NotPrincipal is not allowed in {name_of(subject.kind)}; name the principals, or use a condition on "
                "aws:PrincipalArn.",
                aws=_ISSUE_OF_NOT_PRINCIPAL.get(subject.kind),
            )
        elif statement.effect == "Allow":
            here.error(
                "allow-not-principal",
                "Allow with NotPrincipal grants to everyone who is not listed, anonymous callers included, and AWS no "
                "longer accepts it; name the principals.",
                aws="ALLOW_WITH_NOT_PRINCIPAL",
            )
        else:
            here.warning(
                "not-principal",
                "Deny with NotPrincipal also denies every principal that has a permissions boundary, and parents of a "
                "session have to be listed; use a condition on aws:PrincipalArn.",
            )


def _check_resource_element(subject: CheckedDocument, statement: Statement) -> None:
    present = statement.resources is not None or statement.not_resources is not None
    if subject.kind is PolicyType.TRUST:
        if present:
            element = "Resource" if statement.resources is not None else "NotResource"
            subject.at(statement, element).error(
                "resource-in-trust-policy",
                f"{element} is not allowed in a role trust policy, whose resource is the role itself; remove it.",
                aws="ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE",
            )
    elif not present and subject.kind in _NEEDS_RESOURCE:
        subject.at(statement).error(
            "missing-resource",
            "The statement has neither Resource nor NotResource, so AWS refuses it and it applies to nothing; add one.",
            aws="MISSING_RESOURCE",
        )


# Policies of one resource that name actions or resources of another service.


def check_one_service(subject: CheckedDocument) -> None:
    """A resource-based policy belongs to one resource, so all it names is of that resource's service.

    The resource itself is not known here; its service is that of the ARNs where they agree, else that of the actions.
    """
    if subject.kind is not PolicyType.RESOURCE:
        return
    resources, actions = list(_resources(subject)), list(_actions(subject))
    of_resources = {service for service, *_ in resources}
    of_actions = {service for service, *_ in actions}
    if len(of_resources) == 1:
        of_resource = of_resources.pop()
        for service, entry, number, statement in actions:
            if of_resource not in _arn_services(service):
                subject.at(statement, "Action", number).error(
                    "action-of-other-service",
                    f"The policy of a resource of {of_resource} cannot contain {quoted(entry)}, which acts on other "
                    "resources; remove it.",
                    aws="UNSUPPORTED_ACTION_IN_POLICY",
                )
    elif len(of_actions) == 1:
        of_action = of_actions.pop()
        for service, entry, number, statement in resources:
            if service not in _arn_services(of_action):
                subject.at(statement, "Resource", number).error(
                    "resource-of-other-service",
                    f"The policy of a resource of {of_action} cannot name {quoted(entry)}, a resource of {service}; "
                    "remove it.",
                    aws="UNSUPPORTED_RESOURCE_ARN_IN_POLICY",
                )


def _resources(subject: CheckedDocument) -> Iterator[tuple[str, str, int, Statement]]:
    """The resources of known services: service, entry, number and statement."""
    for statement in subject.policy.statements:
        for i, entry in enumerate(statement.resources or ()):
            parts = entry.split(":", 5)
            if len(parts) == 6 and not is_pattern(parts[2]) and catalogue().is_service(parts[2]):
                yield parts[2], entry, i, statement


def _actions(subject: CheckedDocument) -> Iterator[tuple[str, str, int, Statement]]:
    """The actions of known services, likewise."""
    for statement in subject.policy.statements:
        for i, entry in enumerate(statement.actions or ()):
            service = entry.partition(":")[0].lower()
            if not is_pattern(service) and catalogue().is_service(service):
                yield service, entry, i, statement


@lru_cache(maxsize=256)
def _arn_services(service: str) -> frozenset[str]:
    fields = (kind.arn.split(":") for kind in catalogue().resource_types(service))
    return frozenset((service, *(parts[2] for parts in fields if len(parts) > 2)))


# Resource control policies: what they may hold, and Denies that hit callers who were not meant.


_OF_PRINCIPALS: Final = frozenset(
    ("aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn")
)
"""Keys that AWS services calling on their own behalf do not have."""

_OF_SOURCES: Final = frozenset(("aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceaccount", "aws:sourcearn"))
"""Keys that only AWS services calling on their own behalf have."""


def check_rcp(subject: CheckedDocument, statement: Statement) -> None:
    """Checks of one statement for resource control policies alone."""
    if subject.kind is not PolicyType.RCP or (
        statement.effect == "Allow"
        and statement.actions == ("*",)
        and statement.resources == ("*",)
        and len(subject.policy.statements) == 1
    ):
        return
    here = subject.at(statement)
    if statement.effect == "Allow":
        subject.place(f"{here.path}.Effect").error(
            "rcp-allow",
            "An RCP can only deny; the one Allow is AWS's own RCPFullAWSAccess; write a Deny.",
            aws="RCP_SYNTAX_ERROR_ALLOW",
        )
    if statement.not_actions is not None:
        subject.place(f"{here.path}.NotAction").error(
            "rcp-not-action",
            "NotAction is not supported in an RCP; list the actions.",
            aws="RCP_SYNTAX_ERROR_NOTACTION",
        )
    if statement.principals is not None and not all(
        entry.value == "*" and (entry.bare or entry.kind == "AWS") for entry in statement.principals
    ):
        subject.place(f"{here.path}.Principal").error(
            "rcp-principal",
            'The Principal of an RCP is exactly "*"; narrow it by a condition on aws:PrincipalArn or the like.',
            aws="RCP_SYNTAX_ERROR_PRINCIPAL",
        )
    for i, action in enumerate(statement.actions or ()):
        if action in ("*", "*:*"):
            subject.at(statement, "Action", i).error(
                "rcp-action",
                "An RCP needs the service in front of every action, such as s3:*; a bare * is refused.",
                aws="RCP_SYNTAX_ERROR_ACTION",
            )
    if statement.effect == "Deny":
        _check_principal_keys(subject, statement)
        _check_source_keys(subject, statement)


def _check_principal_keys(subject: CheckedDocument, statement: Statement) -> None:
    """A key that services lack, compared so that its absence denies, needs an exception for services."""
    line = _holding_when_absent(statement, _OF_PRINCIPALS)
    if line is not None and not _tests_service(statement, "false"):
        subject.at(statement, f"Condition.{line.operator}.{line.key}").warning(
            "rcp-denies-services",
            f"AWS services that call on their own behalf have no {line.key}, so this Deny hits them too; "
            'add "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}.',
            aws="RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY",
        )


def _check_source_keys(subject: CheckedDocument, statement: Statement) -> None:
    """Check that a Deny by a key that only services have, which holds in its absence, is limited to services."""
    line = _holding_when_absent(statement, _OF_SOURCES)
    if line is None:
        return
    here = subject.at(statement, f"Condition.{line.operator}.{line.key}")
    if not _tests_service(statement, "true"):
        here.warning(
            "rcp-denies-principals",
            f"Users and roles have no {line.key}, so this Deny hits them too; "
            'add "BoolIfExists": {"aws:PrincipalIsAWSService": "true"}.',
            aws="RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY",
        )
    if not any(
        other.operator.lower() == "null" and [value.lower() for value in other.values] == ["false"]
        for other in lines_about(statement, _OF_SOURCES)
    ):
        here.warning(
            "rcp-source-key-absent",
            f"Calls of services that carry no {line.key} are denied too; "
            'add "Null": {"aws:SourceAccount": "false"} or the same for aws:SourceArn.',
            aws="RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK",
        )


def _holding_when_absent(statement: Statement, keys: frozenset[str]) -> ConditionLine | None:
    for line in lines_about(statement, keys):
        operator = parse_operator(line.operator)
        if operator is not None and operator.base != "null" and (operator.negated or operator.if_exists):
            return line
    return None


def _tests_service(statement: Statement, value: str) -> bool:
    return any(
        [given.lower() for given in line.values] == [value]
        for line in lines_about(statement, {"aws:principalisawsservice"})
    )


# Lint of a document as a whole: its size against the quotas of IAM and Organizations, and what it repeats.


OF_IAM: Final = (PolicyType.IDENTITY, PolicyType.BOUNDARY, PolicyType.SESSION, PolicyType.TRUST)
"""The policy types that the IAM API takes."""

_ISSUES: Final = {
    PolicyType.IDENTITY: "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA",
    PolicyType.RESOURCE: "POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA",
    PolicyType.TRUST: "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA",
    PolicyType.SCP: "POLICY_SIZE_EXCEEDS_SCP_QUOTA",
    PolicyType.RCP: "POLICY_SIZE_EXCEEDS_RCP_QUOTA",
}


def check_size(subject: CheckedDocument) -> None:
    """Size against the quotas of customers; AWS's own managed policies are larger."""
    given = subject.document.source_text
    if subject.kind in OF_IAM:
        _check_iam_size(subject, sum(not c.isspace() for c in given), len(given))
        strange = next((c for c in given if ord(c) > 0xFF), None)
        if strange is not None:
            subject.place("$").error(
                "character-not-allowed",
                f"The character U+{ord(strange):04X} is outside U+0020 to U+00FF, so the IAM API refuses the document.",
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


def _only_service(subject: CheckedDocument) -> str | None:
    actions = [
        action
        for statement in subject.policy.statements
        for action in (statement.actions or statement.not_actions or ())
    ]
    services = {action.partition(":")[0].lower() for action in actions}
    return services.pop() if len(services) == 1 else None


def _check_iam_size(subject: CheckedDocument, size: int, with_spaces: int) -> None:
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


def _too_large(subject: CheckedDocument, size: int, limit: int, what: str) -> None:
    subject.place("$").error(
        "too-large",
        f"The document has {size:,} characters, more than the {limit:,} of {what}; split it.",
        aws=_ISSUES.get(subject.kind),
    )


def _large(subject: CheckedDocument, size: int, why: str) -> None:
    """Over a default quota. As an inline policy of a role an identity-based policy may have that size."""
    inline = subject.kind is PolicyType.IDENTITY
    subject.place("$").report(
        Level.SUGGESTION if inline else Level.WARNING,
        "large",
        f"The document has {size:,} characters without white space; {why}.",
        aws=None if inline else _ISSUES.get(subject.kind),
    )


def _organization_size(subject: CheckedDocument, name: str, given: int, compact: int, limit: int) -> None:
    """SCP quotas were raised in 2026, so going over one is shown without calling the document refused."""
    issue = _ISSUES[subject.kind]
    if compact <= limit:
        message = f"The {name} has {given:,} characters with white space, which counts; written compactly it fits."
        subject.place("$").warning("large", message, aws=issue)
    elif name == "SCP":
        message = f"The SCP has {compact:,} characters without white space; the quota is {limit:,}; split it."
        subject.place("$").warning("large", message, aws=issue)
    else:
        _too_large(subject, compact, limit, "an RCP")


# Entries and statements that another one makes superfluous.


_WILD: Final = re.compile(r"[*?]")
_MOST_PAIRS: Final = 1_000_000
"""Lists with more pairs of a wildcard entry and another entry are not searched for entries that cover others."""
_MOST_CHARACTERS: Final = 500_000
"""Characters that are tested against patterns for one list."""


def check_repetition(subject: CheckedDocument, statement: Statement) -> None:
    """Actions and resources of one statement that another entry of the same list covers."""
    variables = subject.policy.substitutes_variables

    def covers_resource(wide: str, entry: str) -> bool:
        # What a variable stands for is not known, so an entry with one covers only its like.
        known = not variables or "${" not in wide
        return wide == "*" or (known and resource_glob(wide, variables).covers(_any(resource_tokens(entry, variables))))

    for element, entries in (("Action", statement.actions), ("NotAction", statement.not_actions)):
        lowered = [entry.lower() for entry in entries or ()]
        _report(subject, statement, element, entries or (), lowered, _covers_entry, "action")
    for element, entries in (("Resource", statement.resources), ("NotResource", statement.not_resources)):
        _report(subject, statement, element, entries or (), list(entries or ()), covers_resource, "resource")


def _covers_entry(wide: str, entry: str) -> bool:
    """True if an Action entry matches everything another one matches; the service is compared literally."""
    if wide in ("*", "*:*"):
        return True
    same_service = wide.partition(":")[0] == entry.partition(":")[0]
    return same_service and action_glob(wide).covers(_any(tokens_of(parse_pieces(entry, variables=False))))


def _any(tokens: Sequence[Token]) -> list[Token]:
    """Tokens with each question mark widened to a star: a pattern that covers them covers the entry."""
    wider = {Wild.ONE: Wild.STAR, Wild.FIELD_ONE: Wild.FIELD_STAR}
    return [wider.get(token, token) if isinstance(token, Wild) else token for token in tokens]


def _report(
    subject: CheckedDocument,
    statement: Statement,
    element: str,
    entries: tuple[str, ...],
    compared: list[str],
    covers: Callable[[str, str], bool],
    what: str,
) -> None:
    """One finding for each entry that makes others superfluous."""
    for at, superfluous in _superfluous(compared, covers).items():
        first = superfluous[0]
        if all(compared[i] == compared[at] for i in superfluous):
            times = len(superfluous) + 1
            message = (
                f"{quoted(entries[first])} is listed {'twice' if times == 2 else f'{times} times'}; keep one of them."
            )
        else:
            names = list(dict.fromkeys(entries[i] for i in superfluous))
            verb = "is" if len(names) == 1 else "are"
            message = f"{named(names)} {verb} already covered by {quoted(entries[at])}; keep one or the other."
        subject.at(statement, element, first).report(
            Level.SUGGESTION, f"redundant-{what}", message, aws=f"REDUNDANT_{what.upper()}", count=len(superfluous)
        )


def _superfluous(entries: Sequence[str], covers: Callable[[str, str], bool]) -> dict[int, list[int]]:
    """For each entry that covers others, which; of two that cover each other the first stays."""
    # What stands before its first wildcard spares most comparisons.
    wide = {i: _WILD.split(entry, maxsplit=1)[0] for i, entry in enumerate(entries) if is_pattern(entry)}
    if len(wide) * len(entries) > _MOST_PAIRS:
        wide = {}
    left = _MOST_CHARACTERS
    firsts: dict[str, int] = {}
    found: dict[int, list[int]] = {}
    for i, entry in enumerate(entries):
        first = firsts.setdefault(entry, i)
        if first != i:
            found.setdefault(first, []).append(i)
            continue
        for j, start in wide.items():
            if entries[j] == entry or not entry.startswith(start):
                continue
            left -= len(entry)
            if left < 0:
                break
            if covers(entries[j], entry) and not (i < j and covers(entry, entries[j])):
                found.setdefault(j, []).append(i)
                break
    return {at: sorted(found[at]) for at in sorted(found)}


def check_statements(subject: CheckedDocument) -> None:
    """Statements that say the same as an earlier one, whatever their Sid."""
    firsts: dict[object, Statement] = {}
    for statement in subject.policy.statements:
        first = firsts.setdefault(_meaning(statement), statement)
        if first is not statement:
            subject.at(statement).suggestion(
                "redundant-statement",
                f"The statement says the same as statement {first.index + 1}; remove one of them.",
                aws="REDUNDANT_STATEMENT",
            )


def _meaning(statement: Statement) -> object:
    def as_set(entries: tuple[str, ...] | None) -> frozenset[str] | None:
        return None if entries is None else frozenset(entries)

    def lowered(entries: tuple[str, ...] | None) -> frozenset[str] | None:
        return None if entries is None else frozenset(entry.lower() for entry in entries)

    return (
        statement.effect,
        None if statement.principals is None else frozenset(statement.principals),
        None if statement.not_principals is None else frozenset(statement.not_principals),
        lowered(statement.actions),
        lowered(statement.not_actions),
        as_set(statement.resources),
        as_set(statement.not_resources),
        frozenset((line.operator.lower(), line.key.lower(), as_set(line.values)) for line in statement.conditions),
    )
