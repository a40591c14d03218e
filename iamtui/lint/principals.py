"""Lint of Principal and NotPrincipal entries, of statements that anyone can use, and of role trust policies.

Sources: IAM User Guide (Principal element, confused deputy, trust policies), S3 User Guide (public policies).
"""

from __future__ import annotations

import re
from typing import Final

from iamtui.catalog.tables import unique_id_kind
from iamtui.lint.actions import covers_action, reaches
from iamtui.lint.subject import CheckedDocument, Place, condition_keys_of, lines_about, quoted
from iamtui.policy.document import PrincipalEntry, Statement
from iamtui.policy.patterns import Arn, is_account_id, is_pattern, parse_arn
from iamtui.policy.public_access import (
    SIGNED,
    confines,
    fixes_caller,
    fixes_external_id,
    fixes_somebody,
    fixes_subject,
    is_everybody,
    open_statements,
    opening_of,
)
from iamtui.policy.types import PolicyType
from iamtui.policy.values import SetOperator, parse_operator

_KINDS: Final = ("AWS", "Service", "Federated", "CanonicalUser")
_SERVICE: Final = re.compile(
    r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:amazonaws\.com(?:\.cn)?|amazon\.com|aws\.internal|c2s\.ic\.gov|sc2s\.sgov\.gov)"
)
_HOST: Final = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?:/\S*)?")
_SOURCE_KEYS: Final = frozenset(("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"))
_WITHOUT_SOURCE_KEYS: Final = frozenset(("ec2.amazonaws.com", "lambda.amazonaws.com", "ecs-tasks.amazonaws.com"))
"""Services that assume a role for a customer's own workload and are commonly trusted without a source key."""
_WEAK_KEYS: Final = frozenset(("aws:referer", "aws:useragent", "aws:sourceip"))
"""Keys that are taken for a source key, and do not say for whom a service acts."""
_NOT_OF_SERVICES: Final = frozenset(("aws:principalorgid", "aws:principalorgpaths"))
"""Keys that requests made by services do not carry."""


def check_principals(subject: CheckedDocument, statement: Statement) -> None:
    """Form of the principals of one statement, and openings it leaves."""
    if not subject.kind.has_principals:
        return
    element = "Principal" if statement.principals is not None else "NotPrincipal"
    entries = statement.principals if statement.principals is not None else statement.not_principals
    if entries is None:
        return
    if not entries:
        subject.at(statement, element).error(
            "empty-principal",
            f"{element} is empty and names nobody; fill it or remove the statement.",
            aws="EMPTY_ARRAY_PRINCIPAL" if subject.raw(statement)[element] else "EMPTY_OBJECT_PRINCIPAL",
        )
    numbers: dict[str, int] = {}
    for entry in entries:
        number = numbers.setdefault(entry.kind, 0)
        numbers[entry.kind] += 1
        here = subject.at(statement, element if entry.bare else f"{element}.{entry.kind}", number)
        _check_entry(subject, entry, here)
    if statement.effect == "Allow" and element == "Principal":
        _check_openings(subject, statement, entries)
        _check_service_keys(subject, statement)


def _check_entry(subject: CheckedDocument, entry: PrincipalEntry, here: Place) -> None:
    if entry.bare:
        if entry.value != "*":
            here.error(
                "bare-principal",
                f'{quoted(entry.value)} is a plain text, which AWS refuses for anything but "*"; '
                'write {"AWS": "..."} around it.',
                aws="INVALID_PRINCIPAL_FORMAT",
            )
            _check_aws(entry.value, here)
        return
    if "${" in entry.value and subject.policy.substitutes_variables:
        here.error(
            "variable-not-allowed",
            f"{quoted(entry.value)} has a policy variable, which principals do not take; use a condition.",
            aws="VARIABLE_UNSUPPORTED_IN_ELEMENT",
        )
    elif entry.kind == "AWS":
        _check_aws(entry.value, here)
    elif entry.kind == "Service":
        value = entry.value
        if "*" in value or "?" in value:
            here.error(
                "principal-wildcard",
                f"{quoted(value)} has a wildcard, which service principals do not take; name the services.",
                aws="UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
            )
        elif not _SERVICE.fullmatch(value):
            here.error(
                "service-principal-format",
                f"{quoted(value)} is not a service principal such as ec2.amazonaws.com, so it matches nobody.",
                aws="INVALID_SERVICE_PRINCIPAL_FORMAT",
            )
    elif entry.kind == "Federated":
        _check_federated(subject, entry.value, here)
    elif entry.kind == "CanonicalUser":
        if subject.kind is PolicyType.TRUST:
            here.error("canonical-user-not-allowed", "CanonicalUser works in S3 policies only; name the account.")
        elif not re.fullmatch(r"[0-9a-fA-F]{64}", entry.value):
            here.error(
                "principal-format",
                f"{quoted(entry.value)} is not a canonical user ID, which has 64 hex digits.",
                aws="INVALID_PRINCIPAL_FORMAT",
            )
    else:
        hint = subject.nearest(entry.kind, _KINDS)
        here.error(
            "principal-type",
            f"{quoted(entry.kind)} is not a type of principal, so it matches nobody; write AWS, Service, Federated or "
            f"CanonicalUser.{hint}",
            aws="INVALID_PRINCIPAL_KEY",
        )
    if subject.kind is PolicyType.VPC_ENDPOINT and entry.value != "*":
        here.warning(
            "endpoint-principal",
            'The Principal of a gateway endpoint (S3, DynamoDB) must be "*"; to narrow it use aws:PrincipalArn.',
        )


def _check_aws(value: str, here: Place) -> None:
    if value == "*" or is_account_id(value):
        return
    if "*" in value or "?" in value:
        here.error(
            "principal-wildcard",
            f"{quoted(value)} has a wildcard, which is not supported in principals, so it matches nobody; "
            "name the account and test aws:PrincipalArn.",
            aws="UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
        )
        return
    if unique_id_kind(value) in ("IAM user", "role"):
        here.warning(
            "deleted-principal",
            f"{quoted(value)} is a unique id, which AWS shows for a deleted user or role, and one made anew is "
            "not let in by it; remove it.",
            aws="INVALID_ROLE_REFERENCE" if unique_id_kind(value) == "role" else "INVALID_USER_REFERENCE",
        )
        return
    arn = parse_arn(value)
    if arn is not None and arn.service == "iam" and arn.resource_type == "group":
        here.error(
            "group-principal",
            f"{quoted(value)} is a group, and groups are never principals.",
            aws="INVALID_PRINCIPAL_FORMAT",
        )
        return
    if arn is None or not _is_of_a_principal(arn):
        here.error(
            "principal-format",
            f"{quoted(value)} is not an account, user, role, role session or federated session, so it matches nobody; "
            "write a 12-digit account or the whole ARN.",
            aws="INVALID_PRINCIPAL_FORMAT",
        )


def _is_of_a_principal(arn: Arn) -> bool:
    """True if an ARN has the form of an account, user, role, role session, federated or CloudFront user."""
    if arn.service == "iam" and arn.account == "cloudfront":
        return True
    if not is_account_id(arn.account) or arn.region:
        return False
    kind, parts = arn.resource_type, arn.resource.count("/")
    match arn.service:
        case "iam":
            return arn.resource == "root" or kind == "user" or (kind == "role" and parts > 0)
        case "sts":
            return parts == {"assumed-role": 2, "federated-user": 1}.get(kind)
        case "cloudfront":
            return kind == "user"
    return False


def _check_federated(subject: CheckedDocument, value: str, here: Place) -> None:
    if subject.kind is not PolicyType.TRUST:
        here.error(
            "federated-not-allowed",
            f"Federated principals exist in role trust policies only, so {quoted(value)} matches nobody here.",
            aws="FEDERATED_PRINCIPAL_NOT_SUPPORTED",
        )
        return
    arn = parse_arn(value)
    is_provider = arn is not None and arn.service == "iam" and arn.resource_type in ("saml-provider", "oidc-provider")
    if not is_provider and not (arn is None and _HOST.fullmatch(value)):
        here.error(
            "federated-format",
            f"{quoted(value)} is neither the ARN of a SAML or OIDC provider nor the host of a built-in one, so it "
            "matches nobody.",
            aws="INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY",
        )


def _check_openings(subject: CheckedDocument, statement: Statement, entries: tuple[PrincipalEntry, ...]) -> None:
    here = subject.at(statement, "Principal")
    keys = {line.key.lower() for line in statement.conditions}
    is_everyone = subject.kind is PolicyType.RESOURCE and any(map(is_everybody, entries))
    if is_everyone and statement in open_statements(subject.policy):
        here.warning(
            "public",
            "The statement allows everyone, anonymous callers included, since no condition pins the caller; name the "
            "principals or test aws:PrincipalOrgID, aws:PrincipalAccount or the source.",
        )
    services = [entry.value for entry in entries if entry.kind == "Service"]
    if services and not keys & _SOURCE_KEYS:
        # A service that acts here whoever it acts for (confused deputy).
        message = (
            f"{quoted(services[0])} may act here for any customer's resource (confused deputy); where the service "
            "supports it, test aws:SourceArn or aws:SourceAccount."
        )
        issue = "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL"
        if keys & _WEAK_KEYS:
            issue = "RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL"
        if subject.kind is PolicyType.RESOURCE:
            here.warning("service-without-source", message, aws=issue)
        elif subject.kind is PolicyType.TRUST and not set(services) <= _WITHOUT_SOURCE_KEYS:
            here.suggestion("service-without-source", message, aws=issue)


def _check_service_keys(subject: CheckedDocument, statement: Statement) -> None:
    """Condition keys about the caller that AWS services do not have, where only services are the principals."""
    entries = statement.principals or ()
    if not entries or any(entry.kind != "Service" for entry in entries):
        return
    for line in statement.conditions:
        operator = parse_operator(line.operator)
        if operator is None or operator.base == "null" or line.key.lower() not in _NOT_OF_SERVICES:
            continue
        subject.at(statement, f"Condition.{line.operator}.{line.key}").error(
            "key-not-of-service",
            f"{quoted(entries[0].value)} is a service, and requests of services carry no {line.key}; remove the key.",
            aws="UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL",
        )


# Role trust policies (IAM User Guide: trust policies, OIDC and SAML roles).


_GITHUB: Final = "token.actions.githubusercontent.com"
_COGNITO: Final = "cognito-identity.amazonaws.com"
_KNOWN_AUDIENCES: Final = frozenset((_GITHUB, _COGNITO, "accounts.google.com", "graph.facebook.com", "www.amazon.com"))
"""Providers whose audience claim holds one value."""
_ROLES_ANYWHERE_NEEDS: Final = ("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession")
_NARROWING: Final = frozenset(("aws:multifactorauthpresent", "aws:sourceidentity"))
"""Keys that a person answers for, who is then no program of a third party."""


def check_trust(subject: CheckedDocument, statement: Statement) -> None:
    """Openings and mistakes in one Allow statement of a role trust policy."""
    if subject.kind is not PolicyType.TRUST or statement.effect != "Allow" or statement.principals is None:
        return
    entries = statement.principals or ()
    if any(map(is_everybody, entries)) and not confines(
        opening_of(statement, subject.policy), fixes_caller(), always=SIGNED
    ):
        subject.at(statement, "Principal").warning(
            "trust-anyone",
            "Anyone with an AWS account can assume this role, since no condition pins the caller; name the accounts or "
            "test aws:PrincipalOrgID.",
            aws="ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
        )
    operators = [parse_operator(line.operator) for line in statement.conditions]
    if operators and all(operator is not None and operator.over is SetOperator.ALL for operator in operators):
        subject.at(statement, "Condition").warning(
            "for-all-values-only-guard",
            "ForAllValues is the only condition of this trust and is true when the key is absent, so it protects "
            "nothing then; add a condition without it.",
        )
    _check_repeated_role(subject, statement)
    _check_roles_anywhere(subject, statement)
    for number, entry in _numbered(statement.principals):
        here = subject.at(statement, "Principal" if entry.bare else f"Principal.{entry.kind}", number)
        if entry.kind == "Federated":
            _check_provider(subject, statement, entry.value, here)
        elif entry.kind == "AWS":
            _check_account(subject, statement, entry.value, here)
            _check_action_of_account(statement, entry.value, here)


def _numbered(entries: tuple[PrincipalEntry, ...]) -> list[tuple[int, PrincipalEntry]]:
    numbers: dict[str, int] = {}
    result = []
    for entry in entries:
        result.append((numbers.get(entry.kind, 0), entry))
        numbers[entry.kind] = numbers.get(entry.kind, 0) + 1
    return result


def _check_account(subject: CheckedDocument, statement: Statement, value: str, here: Place) -> None:
    arn = parse_arn(value)
    account = value if is_account_id(value) else (arn.account if arn is not None and arn.resource == "root" else None)
    if account is None or account == subject.account:
        return
    if confines(opening_of(statement, subject.policy), _narrows, always=SIGNED):
        return
    if subject.account is None:
        here.suggestion(
            "third-party-without-external-id",
            f"Every principal of account {account} can be let in; if it is not yours, test sts:ExternalId, "
            "or else aws:PrincipalOrgID.",
        )
    else:
        here.warning(
            "third-party-without-external-id",
            f"Account {account} is another one, and every principal there can be let in; for a third party test "
            "sts:ExternalId (confused deputy), within your organization aws:PrincipalOrgID.",
        )


def _narrows(key: str, base: str, value: str) -> bool:
    return key in _NARROWING or fixes_external_id(key, base, value) or fixes_somebody(key, base, value)


def _check_action_of_account(statement: Statement, value: str, here: Place) -> None:
    """Accounts, users and roles get in by sts:AssumeRole, not by the actions of identity providers."""
    federated = [action for action in statement.actions or () if action.lower().startswith("sts:assumerolewith")]
    if federated and not reaches(statement, "sts:AssumeRole"):
        here.error(
            "federated-action",
            f"{quoted(value)} gets in by sts:AssumeRole, which this statement does not allow; {federated[0]} is for "
            "identity providers.",
            aws="MISMATCHED_ACTION_FOR_PRINCIPAL",
        )


def _check_repeated_role(subject: CheckedDocument, statement: Statement) -> None:
    """A session of a role beside the role itself, which lets all its sessions in."""
    arns = [(entry, parse_arn(entry.value)) for entry in statement.principals or () if entry.kind == "AWS"]
    roles = {(arn.account, arn.name) for _, arn in arns if arn is not None and arn.resource_type == "role"}
    for entry, arn in arns:
        if arn is None or arn.resource_type != "assumed-role" or arn.resource.count("/") < 2:
            continue
        if (arn.account, arn.resource.split("/")[1]) in roles:
            subject.at(statement, "Principal").suggestion(
                "redundant-principal",
                f"{quoted(entry.value)} is a session of a role that is let in already; remove it.",
                aws="REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY",
            )


def _check_roles_anywhere(subject: CheckedDocument, statement: Statement) -> None:
    """IAM Roles Anywhere needs three actions, in whichever statements."""
    trusting = (
        other for other in subject.policy.statements if other.effect == "Allow" and _trusts_roles_anywhere(other)
    )
    # Said once, at the first of the statements.
    if not _trusts_roles_anywhere(statement) or next(trusting) is not statement:
        return
    together = [statement, *trusting]
    missing = [action for action in _ROLES_ANYWHERE_NEEDS if not any(reaches(other, action) for other in together)]
    if missing:
        subject.at(statement, "Action").error(
            "roles-anywhere-actions",
            f"IAM Roles Anywhere also needs {' and '.join(missing)} to assume the role; add the action.",
            aws="MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY",
        )


def _trusts_roles_anywhere(statement: Statement) -> bool:
    return any(entry.value == "rolesanywhere.amazonaws.com" for entry in statement.principals or ())


def _check_provider(subject: CheckedDocument, statement: Statement, value: str, here: Place) -> None:
    arn = parse_arn(value)
    saml = arn is not None and arn.resource_type == "saml-provider"
    wanted = "sts:AssumeRoleWithSAML" if saml else "sts:AssumeRoleWithWebIdentity"
    if statement.actions is not None and not any(covers_action(action, wanted) for action in statement.actions):
        here.error(
            "federated-action",
            f"{quoted(value)} signs in through {wanted}, which this statement does not allow, so nobody gets in by it; "
            "add the action.",
            aws="MISMATCHED_ACTION_FOR_PRINCIPAL",
        )
        return
    if saml:
        _need_key(statement, "saml:aud", "saml-without-audience", here)
        return
    host = arn.resource.partition("/")[2] if arn is not None else value
    if host in (_COGNITO, _GITHUB) or arn is not None:
        lone = not any(key.startswith(f"{host.lower()}:") for key in condition_keys_of(statement))
        issue = "MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL" if lone else None
        _need_key(statement, f"{host}:aud", "oidc-without-audience", here, issue)
    if host not in _KNOWN_AUDIENCES and not host.startswith("oidc.eks."):
        _check_audience(subject, statement, f"{host}:aud")
    if host == _GITHUB:
        _check_github(subject, statement, here)


def _check_audience(subject: CheckedDocument, statement: Statement, key: str) -> None:
    for line in lines_about(statement, {key.lower()}):
        subject.at(statement, f"Condition.{line.operator}.{line.key}").suggestion(
            "audience-claim-type",
            f"Some providers put several values into {key}, which then need ForAnyValue or ForAllValues; see what "
            "this one does.",
            aws="CONFIRM_AUDIENCE_CLAIM_TYPE",
        )


def _need_key(statement: Statement, key: str, code: str, here: Place, issue: str | None = None) -> None:
    if key.lower() not in condition_keys_of(statement):
        here.warning(
            code, f"No condition tests {quoted(key)}, so tokens meant for others are taken too; test it.", aws=issue
        )


def _check_github(subject: CheckedDocument, statement: Statement, here: Place) -> None:
    """The subject is `repo:ORG/REPO:...`; anything shorter than `repo:ORG/` admits other people's repositories."""
    fixed = fixes_subject(_GITHUB)
    lines = [line for line in statement.conditions if line.key.lower() == f"{_GITHUB}:sub"]
    values = [
        (value, operator.base, subject.at(statement, f"Condition.{line.operator}.{line.key}", i))
        for line in lines
        if (operator := parse_operator(line.operator)) is not None and not operator.negated
        for i, value in enumerate(line.values)
    ]
    if confines(opening_of(statement, subject.policy), fixed):
        for value, _, place in values:
            _check_github_subject(statement, value, place)
        return
    loose = [(value, place) for value, base, place in values if not fixed(f"{_GITHUB}:sub", base, value)]
    for value, place in loose:
        place.warning(
            "github-any-repository",
            f"{quoted(value)} also matches repositories of other owners; write repo:OWNER/REPOSITORY:...",
            aws="SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED",
        )
    if not loose and lines:
        place = subject.at(statement, f"Condition.{lines[0].operator}.{lines[0].key}")
        place.warning(
            "github-any-repository",
            f"{quoted(lines[0].operator)} does not confine {_GITHUB}:sub, so workflows of other repositories get in; "
            "test the repository with StringEquals or StringLike.",
        )
    elif not loose:
        here.warning(
            "github-any-repository",
            f"No condition tests {_GITHUB}:sub, so workflows of every GitHub repository get in; test the repository.",
            aws="MISSING_GITHUB_REPO_CONDITION_KEY",
        )


def _check_github_subject(statement: Statement, value: str, here: Place) -> None:
    """`repo:OWNER/REPOSITORY:ref:refs/heads/BRANCH` is one branch; less of it is more than one."""
    if f"{_GITHUB}:ref" in condition_keys_of(statement):
        return
    if is_pattern(value) or ":ref:" not in value:
        here.suggestion(
            "github-any-branch",
            f"{quoted(value)} does not name one branch of one repository; write "
            f"repo:OWNER/REPOSITORY:ref:refs/heads/BRANCH or test {_GITHUB}:ref too.",
            aws="SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED",
        )
