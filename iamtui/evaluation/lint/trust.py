"""What is dangerous, or cannot work, in a role trust policy (IAM User Guide: trust policies, OIDC and SAML roles)."""

from __future__ import annotations

from typing import Final

from iamtui.evaluation.lint.subject import Subject, quoted
from iamtui.evaluation.public_access import is_public
from iamtui.policy.arn import is_account_id, parse_arn
from iamtui.policy.document import Policy, PrincipalEntry, Statement
from iamtui.policy.kinds import PolicyType
from iamtui.policy.operators import SetOperator, parse_operator
from iamtui.policy.pattern import Glob, parse_pieces, tokens_of

_GITHUB: Final = "token.actions.githubusercontent.com"
_COGNITO: Final = "cognito-identity.amazonaws.com"
_NARROWING: Final = frozenset(
    (
        "sts:externalid", "aws:principalorgid", "aws:principalorgpaths", "aws:principalarn", "aws:sourceidentity",
        "aws:sourcevpc", "aws:sourcevpce", "aws:sourceip", "aws:userid", "aws:multifactorauthpresent",
    )
)  # fmt: skip


def check_trust(subject: Subject, statement: Statement) -> None:
    """Openings and mistakes in one Allow statement of a role trust policy."""
    if subject.kind is not PolicyType.TRUST or statement.effect != "Allow" or statement.principals is None:
        return
    _check_anyone(subject, statement)
    _check_only_guard(subject, statement)
    for number, entry in _numbered(statement.principals):
        path = subject.path(statement, "Principal" if entry.bare else f"Principal.{entry.kind}", number)
        if entry.kind == "Federated":
            _check_provider(subject, statement, entry.value, path)
        elif entry.kind == "AWS":
            _check_account(subject, statement, entry.value, path)


def _numbered(entries: tuple[PrincipalEntry, ...]) -> list[tuple[int, PrincipalEntry]]:
    numbers: dict[str, int] = {}
    result = []
    for entry in entries:
        result.append((numbers.get(entry.kind, 0), entry))
        numbers[entry.kind] = numbers.get(entry.kind, 0) + 1
    return result


def _check_anyone(subject: Subject, statement: Statement) -> None:
    entries = statement.principals or ()
    star = any(entry.value == "*" and (entry.bare or entry.kind == "AWS") for entry in entries)
    if star and is_public(Policy(None, None, (statement,))):
        subject.warning(
            "trust-anyone",
            "Anyone with an AWS account can assume this role, since no condition pins the caller; name the accounts or "
            "test aws:PrincipalOrgID.",
            subject.path(statement, "Principal"),
            statement,
        )


def _check_only_guard(subject: Subject, statement: Statement) -> None:
    operators = [parse_operator(line.operator) for line in statement.conditions]
    if operators and all(operator is not None and operator.over is SetOperator.ALL for operator in operators):
        subject.warning(
            "for-all-values-only-guard",
            "ForAllValues is the only guard of this trust and holds when the key is absent, so it guards nothing then; "
            "add a condition without it.",
            subject.path(statement, "Condition"),
            statement,
        )


def _check_account(subject: Subject, statement: Statement, value: str, path: str) -> None:
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
            statement,
        )
    else:
        subject.warning(
            "third-party-without-external-id",
            f"Account {account} is another one, and every principal there can be let in; for a third party test "
            "sts:ExternalId (confused deputy), within your organization aws:PrincipalOrgID.",
            path,
            statement,
        )


def _check_provider(subject: Subject, statement: Statement, value: str, path: str) -> None:
    arn = parse_arn(value)
    saml = arn is not None and arn.resource_type == "saml-provider"
    wanted = "sts:AssumeRoleWithSAML" if saml else "sts:AssumeRoleWithWebIdentity"
    if statement.actions is not None and not any(_covers(action, wanted) for action in statement.actions):
        subject.error(
            "federated-action",
            f"{quoted(value)} signs in through {wanted}, which this statement does not allow, so nobody gets in by it; "
            "add the action.",
            path,
            statement,
        )
        return
    if saml:
        _need_key(subject, statement, "saml:aud", "saml-without-audience", path)
        return
    host = arn.resource.partition("/")[2] if arn is not None else value
    if host in (_COGNITO, _GITHUB) or arn is not None:
        _need_key(subject, statement, f"{host}:aud", "oidc-without-audience", path)
    if host == _GITHUB:
        _check_github(subject, statement, path)


def _covers(action: str, wanted: str) -> bool:
    return Glob(tokens_of(parse_pieces(action.lower(), variables=False))).matches(wanted.lower())


def _need_key(subject: Subject, statement: Statement, key: str, code: str, path: str) -> None:
    if any(line.key.lower() == key.lower() for line in statement.conditions):
        return
    subject.warning(
        code, f"No condition tests {quoted(key)}, so tokens meant for others are taken too; test it.", path, statement
    )


def _check_github(subject: Subject, statement: Statement, path: str) -> None:
    """The subject is `repo:ORG/REPO:...`; anything shorter than `repo:ORG/` admits other people's repositories."""
    lines = [line for line in statement.conditions if line.key.lower() == f"{_GITHUB}:sub"]
    positive = [line for line in lines if (found := parse_operator(line.operator)) is not None and not found.negated]
    if not positive:
        subject.warning(
            "github-any-repository",
            f"No condition tests {_GITHUB}:sub, so workflows of every GitHub repository get in; test the repository.",
            path,
            statement,
        )
        return
    for line in positive:
        for i, value in enumerate(line.values):
            fixed = value.split("*", 1)[0].split("?", 1)[0]
            if fixed == value or fixed.count("/") or not value.startswith(("repo:", "*", "?", "r")):
                continue
            subject.warning(
                "github-any-repository",
                f"{quoted(value)} also matches repositories of other owners; write repo:OWNER/REPOSITORY:...",
                subject.path(statement, f"Condition.{line.operator}.{line.key}", i),
                statement,
            )
