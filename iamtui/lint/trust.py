"""Lint of role trust policies (IAM User Guide: trust policies, OIDC and SAML roles)."""

from __future__ import annotations

from typing import Final

from iamtui.engine.service_rules import is_public
from iamtui.lint.matching import condition_keys_of, covers_action, is_wild, lines_about, reaches
from iamtui.lint.subject import CheckedDocument, quoted
from iamtui.policy.arn import is_account_id, parse_arn
from iamtui.policy.document import Policy, PrincipalEntry, Statement
from iamtui.policy.operators import SetOperator, parse_operator
from iamtui.policy.types import PolicyType

_GITHUB: Final = "token.actions.githubusercontent.com"
_COGNITO: Final = "cognito-identity.amazonaws.com"
_KNOWN_AUDIENCES: Final = frozenset((_GITHUB, _COGNITO, "accounts.google.com", "graph.facebook.com", "www.amazon.com"))
"""Providers whose audience claim holds one value."""
_ROLES_ANYWHERE_NEEDS: Final = ("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession")
_NARROWING: Final = frozenset(
    (
        "sts:externalid", "aws:principalorgid", "aws:principalorgpaths", "aws:principalarn", "aws:sourceidentity",
        "aws:sourcevpc", "aws:sourcevpce", "aws:sourceip", "aws:userid", "aws:multifactorauthpresent",
    )
)  # fmt: skip


def check_trust(subject: CheckedDocument, statement: Statement) -> None:
    """Openings and mistakes in one Allow statement of a role trust policy."""
    if subject.kind is not PolicyType.TRUST or statement.effect != "Allow" or statement.principals is None:
        return
    _check_anyone(subject, statement)
    _check_only_guard(subject, statement)
    _check_repeated_role(subject, statement)
    _check_roles_anywhere(subject, statement)
    for number, entry in _numbered(statement.principals):
        path = subject.path(statement, "Principal" if entry.bare else f"Principal.{entry.kind}", number)
        if entry.kind == "Federated":
            _check_provider(subject, statement, entry.value, path)
        elif entry.kind == "AWS":
            _check_account(subject, statement, entry.value, path)
            _check_action_of_account(subject, statement, entry.value, path)


def _numbered(entries: tuple[PrincipalEntry, ...]) -> list[tuple[int, PrincipalEntry]]:
    numbers: dict[str, int] = {}
    result = []
    for entry in entries:
        result.append((numbers.get(entry.kind, 0), entry))
        numbers[entry.kind] = numbers.get(entry.kind, 0) + 1
    return result


def _check_anyone(subject: CheckedDocument, statement: Statement) -> None:
    entries = statement.principals or ()
    star = any(entry.value == "*" and (entry.bare or entry.kind == "AWS") for entry in entries)
    if star and is_public(Policy(None, None, (statement,))):
        subject.warning(
            "trust-anyone",
            "Anyone with an AWS account can assume this role, since no condition pins the caller; name the accounts or "
            "test aws:PrincipalOrgID.",
            subject.path(statement, "Principal"),
            aws="ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
        )


def _check_only_guard(subject: CheckedDocument, statement: Statement) -> None:
    operators = [parse_operator(line.operator) for line in statement.conditions]
    if operators and all(operator is not None and operator.over is SetOperator.ALL for operator in operators):
        subject.warning(
            "for-all-values-only-guard",
            "ForAllValues is the only condition of this trust and is true when the key is absent, so it protects "
            "nothing then; add a condition without it.",
            subject.path(statement, "Condition"),
        )


def _check_account(subject: CheckedDocument, statement: Statement, value: str, path: str) -> None:
    arn = parse_arn(value)
    account = value if is_account_id(value) else (arn.account if arn is not None and arn.resource == "root" else None)
    if account is None or account == subject.account:
        return
    if any(line.key.lower() in _NARROWING for line in statement.conditions):
        return
    if subject.account is None:
        subject.suggestion(
            "third-party-without-external-id",
            f"Every principal of account {account} can be let in; if it is not yours, test sts:ExternalId, "
            "or else aws:PrincipalOrgID.",
            path,
        )
    else:
        subject.warning(
            "third-party-without-external-id",
            f"Account {account} is another one, and every principal there can be let in; for a third party test "
            "sts:ExternalId (confused deputy), within your organization aws:PrincipalOrgID.",
            path,
        )


def _check_action_of_account(subject: CheckedDocument, statement: Statement, value: str, path: str) -> None:
    """Accounts, users and roles get in by sts:AssumeRole, not by the actions of identity providers."""
    federated = [action for action in statement.actions or () if action.lower().startswith("sts:assumerolewith")]
    if federated and not reaches(statement, "sts:AssumeRole"):
        subject.error(
            "federated-action",
            f"{quoted(value)} gets in by sts:AssumeRole, which this statement does not allow; {federated[0]} is for "
            "identity providers.",
            path,
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
            subject.suggestion(
                "redundant-principal",
                f"{quoted(entry.value)} is a session of a role that is let in already; remove it.",
                subject.path(statement, "Principal"),
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
        subject.error(
            "roles-anywhere-actions",
            f"IAM Roles Anywhere also needs {' and '.join(missing)} to assume the role; add the action.",
            subject.path(statement, "Action"),
            aws="MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY",
        )


def _trusts_roles_anywhere(statement: Statement) -> bool:
    return any(entry.value == "rolesanywhere.amazonaws.com" for entry in statement.principals or ())


def _check_provider(subject: CheckedDocument, statement: Statement, value: str, path: str) -> None:
    arn = parse_arn(value)
    saml = arn is not None and arn.resource_type == "saml-provider"
    wanted = "sts:AssumeRoleWithSAML" if saml else "sts:AssumeRoleWithWebIdentity"
    if statement.actions is not None and not any(covers_action(action, wanted) for action in statement.actions):
        subject.error(
            "federated-action",
            f"{quoted(value)} signs in through {wanted}, which this statement does not allow, so nobody gets in by it; "
            "add the action.",
            path,
            aws="MISMATCHED_ACTION_FOR_PRINCIPAL",
        )
        return
    if saml:
        _need_key(subject, statement, "saml:aud", "saml-without-audience", path)
        return
    host = arn.resource.partition("/")[2] if arn is not None else value
    if host in (_COGNITO, _GITHUB) or arn is not None:
        lone = not any(key.startswith(f"{host.lower()}:") for key in condition_keys_of(statement))
        issue = "MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL" if lone else None
        _need_key(subject, statement, f"{host}:aud", "oidc-without-audience", path, issue)
    if host not in _KNOWN_AUDIENCES and not host.startswith("oidc.eks."):
        _check_audience(subject, statement, f"{host}:aud")
    if host == _GITHUB:
        _check_github(subject, statement, path)


def _check_audience(subject: CheckedDocument, statement: Statement, key: str) -> None:
    for line in lines_about(statement, {key.lower()}):
        subject.suggestion(
            "audience-claim-type",
            f"Some providers put several values into {key}, which then need ForAnyValue or ForAllValues; see what "
            "this one does.",
            subject.path(statement, f"Condition.{line.operator}.{line.key}"),
            aws="CONFIRM_AUDIENCE_CLAIM_TYPE",
        )


def _need_key(
    subject: CheckedDocument, statement: Statement, key: str, code: str, path: str, issue: str | None = None
) -> None:
    if key.lower() not in condition_keys_of(statement):
        subject.warning(
            code,
            f"No condition tests {quoted(key)}, so tokens meant for others are taken too; test it.",
            path,
            aws=issue,
        )


def _check_github(subject: CheckedDocument, statement: Statement, path: str) -> None:
    """The subject is `repo:ORG/REPO:...`; anything shorter than `repo:ORG/` admits other people's repositories."""
    lines = [line for line in statement.conditions if line.key.lower() == f"{_GITHUB}:sub"]
    positive = [line for line in lines if (found := parse_operator(line.operator)) is not None and not found.negated]
    if not positive:
        subject.warning(
            "github-any-repository",
            f"No condition tests {_GITHUB}:sub, so workflows of every GitHub repository get in; test the repository.",
            path,
            aws="MISSING_GITHUB_REPO_CONDITION_KEY",
        )
        return
    for line in positive:
        for i, value in enumerate(line.values):
            _check_github_subject(
                subject, statement, value, subject.path(statement, f"Condition.{line.operator}.{line.key}", i)
            )


def _check_github_subject(subject: CheckedDocument, statement: Statement, value: str, path: str) -> None:
    """`repo:OWNER/REPOSITORY:ref:refs/heads/BRANCH` is one branch; less of it is more than one."""
    fixed = value.split("*", 1)[0].split("?", 1)[0]
    if fixed != value and not fixed.count("/") and value.startswith(("repo:", "*", "?", "r")):
        subject.warning(
            "github-any-repository",
            f"{quoted(value)} also matches repositories of other owners; write repo:OWNER/REPOSITORY:...",
            path,
            aws="SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED",
        )
        return
    if f"{_GITHUB}:ref" in condition_keys_of(statement):
        return
    if is_wild(value) or ":ref:" not in value:
        subject.suggestion(
            "github-any-branch",
            f"{quoted(value)} does not name one branch of one repository; write "
            f"repo:OWNER/REPOSITORY:ref:refs/heads/BRANCH or test {_GITHUB}:ref too.",
            path,
            aws="SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED",
        )
