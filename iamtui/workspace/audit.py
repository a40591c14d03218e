"""Audit of an account's hygiene: keys, MFA, unused identities, broad policies and open trust, each with its fix.

CIS controls are those of the CIS Amazon Web Services Foundations Benchmark 3.0.0.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from iamtui.account.model import Account, Group, Known, Missing, Role, User
from iamtui.policy.action import ActionElement, action_name
from iamtui.policy.document import PolicyDocument, Statement
from iamtui.problem import Problem
from iamtui.workspace.trust import Trustee, who_may_assume
from iamtui.workspace.workspace import Workspace

Holder: TypeAlias = User | Group | Role

OLD_KEY: Final = timedelta(days=90)
"""CIS 1.14: access keys are rotated every 90 days or less."""
UNUSED: Final = timedelta(days=45)
"""CIS 1.12: credentials unused for 45 days or more are disabled."""
_UNUSED_ROLE: Final = timedelta(days=90)
_NEARLY: Final = 0.9
_QUOTAS: Final = (("users", 5_000), ("groups", 300), ("roles", 1_000))
"""IAM User Guide: IAM and AWS STS quotas, the defaults."""
_MOST_CUSTOMER_POLICIES: Final = 1_500
_MOST_ATTACHED: Final = 10


class Severity(StrEnum):
    """How bad a finding is; the worst first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """Something that an account should not have, or have less of.

    Args:
        code: a stable short name ("console-without-mfa").
        subject: the ARN of what it is about; that of the account's root where it is about the account.
        message: what is wrong, one sentence, raw text.
        fix: what to do, one sentence.
        control: the CIS control ("1.10"), or "".
        statement: what in a policy it is about ("NAME, statement 2"), or "".
    """

    code: str
    severity: Severity
    subject: str
    message: str
    fix: str
    control: str = ""
    statement: str = ""


_H, _M, _L = Severity

_CHECKS: Final[dict[str, tuple[Severity, str, str]]] = {
    "access-key-old": (_M, "1.14", "Rotate it."),
    "access-key-unused": (_M, "1.12", "Deactivate and delete it."),
    "administrators": (_L, "", "Keep the number small, and give the rest what they need."),
    "allow-not-action": (_M, "", "Name what is allowed."),
    "console-without-mfa": (_H, "1.10", "Register an MFA device, or delete the password."),
    "full-access": (_H, "1.16", "Name the actions and resources."),
    "inline-policy": (_L, "", "Make them managed policies."),
    "oidc-without-subject": (_H, "", "Test the provider's :sub key in the trust policy."),
    "pass-role-on-all": (_H, "", "Name the roles that may be passed."),
    "password-unused": (_M, "1.12", "Delete the password."),
    "policy-on-user": (_L, "1.15", "Give them to a group."),
    "policy-unattached": (_L, "", "Delete it, if nothing needs it."),
    "quota-close": (_L, "", "Delete or merge what is not used, or raise the quota."),
    "role-unused": (_L, "", "Delete it, if nothing needs it."),
    "service-account": (
        _M, "", "Give the program a role where it runs (instance profile, task role, OIDC), then delete the user."
    ),
    "trust-everyone": (_H, "", "Name the accounts or roles that need it."),
    "trust-without-external-id": (_M, "", "Require sts:ExternalId in the trust policy."),
    "two-access-keys": (_L, "1.13", "Delete the one that is not used."),
}  # fmt: skip
"""By code: severity, CIS control, fix."""

CODES: Final = tuple(_CHECKS)


def _found(code: str, subject: str, message: str, *, statement: str = "", open_to_all: bool = True) -> AuditFinding:
    severity, control, fix = _CHECKS[code]
    return AuditFinding(code, severity if open_to_all else _M, subject, message, fix, control, statement)


@dataclass(frozen=True, slots=True)
class UnknownFact:
    """A fact that the audit needs and the source lacks; `permission` is the action that would give it."""

    what: str
    permission: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Suppression:
    """An accepted kind of finding: its code, a pattern of ARNs or names, and why."""

    code: str
    pattern: str
    reason: str

    def covers(self, finding: AuditFinding) -> bool:
        name = finding.subject.rsplit(":", 1)[-1]
        return self.code == finding.code and any(
            fnmatch.fnmatchcase(one, self.pattern) for one in (finding.subject, name)
        )


def suppression_of(text: str) -> Suppression:
    """The suppression of `CODE[:PATTERN]=REASON`.

    Raises:
        Problem: there is no such code, or no reason.
    """
    what, _, reason = (part.strip() for part in text.partition("="))
    code, _, pattern = what.partition(":")
    if code not in CODES:
        raise Problem(
            f"--suppress {text} does not name a finding.", f"Write CODE=REASON; codes are {', '.join(CODES)}."
        )
    if not reason:
        raise Problem(f"--suppress {code} has no reason.", f'Write why it is accepted: --suppress {what}="the reason".')
    return Suppression(code, pattern or "*", reason)


def audit(
    workspace: Workspace, now: datetime | None = None, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[AuditFinding]:
    """Every finding, check by check. `now` is UTC (default: when the account was read, else the clock)."""
    account = workspace.account
    moment = now or account.taken_at or datetime.now(UTC)
    for user in account.users:
        yield from _keys(user, moment)
        yield from _console(user, moment)
        yield from _policies_of_user(user)
    for role in account.roles:
        if cancelled():
            return
        yield from _unused_role(role, moment)
        yield from _trust(workspace, role)
    yield from _inline(account)
    yield from _documents(account)
    yield from _policies(account)
    yield from _quotas(account)


def unknown_facts(account: Account) -> tuple[UnknownFact, ...]:
    """What the audit could not look at."""
    found = [
        UnknownFact("access keys and MFA of the root user", "iam:GetAccountSummary"),
        UnknownFact("the password policy", "iam:GetAccountPasswordPolicy"),
        UnknownFact("permissions granted but not used", "iam:GenerateServiceLastAccessedDetails"),
    ]
    for field, what, permission in (
        ("access_keys", "access keys", "iam:ListAccessKeys"),
        ("mfa_devices", "MFA devices", "iam:ListMFADevices"),
        ("login_profile", "console passwords", "iam:GetLoginProfile"),
    ):
        lacking = sum(isinstance(getattr(user, field), Missing) for user in account.users)
        if lacking:
            found.append(UnknownFact(f"{what} of users", permission, lacking))
    lacking = sum(isinstance(role.last_used, Missing) for role in account.roles)
    if lacking:
        found.append(UnknownFact("last use of roles", "iam:GetRole", lacking))
    return tuple(found)


def _days(span: timedelta) -> str:
    return f"{span.days} days"


def _keys(user: User, now: datetime) -> Iterator[AuditFinding]:
    if not isinstance(user.access_keys, Known):
        return
    active = [key for key in user.access_keys.value if key.status == "Active"]
    for key in active:
        age = now - key.created if key.created is not None else timedelta()
        if age > OLD_KEY:
            yield _found("access-key-old", user.arn, f"Access key {key.id} is {_days(age)} old.")
        idle = now - (key.last_used or key.created or now)
        if idle > UNUSED:
            used = f"has not been used for {_days(idle)}" if key.last_used is not None else "has never been used"
            yield _found("access-key-unused", user.arn, f"Access key {key.id} {used}.")
    if len(active) > 1:
        yield _found("two-access-keys", user.arn, "Two access keys are active.")
    if active and user.login_profile == Known(None):
        message = "A program works as this user: it has access keys and no console password."
        yield _found("service-account", user.arn, message)


def _console(user: User, now: datetime) -> Iterator[AuditFinding]:
    profile = user.login_profile.value if isinstance(user.login_profile, Known) else None
    if profile is None:
        return
    if user.mfa_devices == Known(()):
        yield _found("console-without-mfa", user.arn, "The user has a console password and no MFA device.")
    if not isinstance(user.password_last_used, Known):
        return
    last = user.password_last_used.value
    idle = now - (last or profile.created or now)
    if idle > UNUSED:
        used = f"has not been used for {_days(idle)}" if last else "has never been used"
        yield _found("password-unused", user.arn, f"The console password {used}.")


def _policies_of_user(user: User) -> Iterator[AuditFinding]:
    names = [*(policy.name for policy in user.attached_policies), *(policy.name for policy in user.inline_policies)]
    if names:
        yield _found("policy-on-user", user.arn, f"Policies are given to the user directly: {', '.join(names)}.")


def _unused_role(role: Role, now: datetime) -> Iterator[AuditFinding]:
    if role.service_linked or not isinstance(role.last_used, Known):
        return
    last = role.last_used.value
    idle = now - (last or role.created or now)
    if idle > _UNUSED_ROLE:
        used = f"has not been used for {_days(idle)}" if last else f"has never been used in {_days(idle)}"
        yield _found("role-unused", role.arn, f"The role {used}.")


def _trust(workspace: Workspace, role: Role) -> Iterator[AuditFinding]:
    for edge in who_may_assume(workspace, role, inside=False):
        if edge.trustee is Trustee.EVERYONE and edge.lacks_external_id:
            message = "The trust policy lets in principals of every account."
            yield _found("trust-everyone", role.arn, message, open_to_all=not edge.condition)
        elif edge.lacks_external_id:
            message = f"{edge.name}, outside the organization, may assume the role without an external ID."
            yield _found("trust-without-external-id", role.arn, message)
        elif edge.action == "sts:AssumeRoleWithWebIdentity" and ":sub" not in edge.condition:
            provider = edge.name.rsplit("/", 1)[-1]
            message = f"Every identity of {provider} may assume the role: no condition on its subject."
            yield _found("oidc-without-subject", role.arn, message)


def _inline(account: Account) -> Iterator[AuditFinding]:
    holders: tuple[Holder, ...] = (*account.groups, *account.roles)
    for holder in holders:
        if holder.inline_policies and not (isinstance(holder, Role) and (holder.service_linked or holder.sso_reserved)):
            names = ", ".join(policy.name for policy in holder.inline_policies)
            yield _found("inline-policy", holder.arn, f"Inline policies: {names}.")


_PASS_ROLE: Final = action_name("iam:PassRole")


def _documents(account: Account) -> Iterator[AuditFinding]:
    """Statements that allow too much, once for each policy that is in use, and who holds full access."""
    administrators: dict[str, None] = {}
    for subject, name, document, holders, aws_managed in _documents_in_use(account):
        for statement in _allowing(document):
            if allows_everything(statement):
                administrators |= dict.fromkeys(one.arn for holder in holders for one in _people(account, holder))
            if not aws_managed:
                yield from _too_broad(subject, name, statement)
    if administrators:
        unique = sorted(administrators)
        names = ", ".join(arn.rsplit("/", 1)[-1] for arn in unique[:10]) + ("" if len(unique) <= 10 else ", ...")
        message = f"{len(unique)} users and roles hold a policy that allows everything: {names}."
        yield _found("administrators", _root(account), message)


def _documents_in_use(account: Account) -> Iterator[tuple[str, str, PolicyDocument, tuple[Holder, ...], bool]]:
    for policy in account.policies:
        version, holders = policy.default_version, account.holders(policy.arn)
        if version is not None and holders:
            yield policy.arn, policy.name, version.document, holders, policy.aws_managed
    everyone: tuple[Holder, ...] = (*account.users, *account.groups, *account.roles)
    for holder in everyone:
        for inline in holder.inline_policies:
            yield holder.arn, inline.name, inline.document, (holder,), False


def _people(account: Account, holder: Holder) -> Iterable[User | Role]:
    return account.members(holder.name) if isinstance(holder, Group) else (holder,)


def _allowing(document: PolicyDocument) -> Sequence[Statement]:
    if document.error is not None:
        return ()
    return [statement for statement in document.policy.statements if statement.effect == "Allow"]


def allows_everything(statement: Statement) -> bool:
    whole = any(action in ("*", "*:*") for action in statement.actions or ())
    return whole and _is_everywhere(statement)


def _is_everywhere(statement: Statement) -> bool:
    return statement.resources is not None and "*" in statement.resources and not statement.conditions


def _too_broad(subject: str, name: str, statement: Statement) -> Iterator[AuditFinding]:
    where = f"{name}, statement {statement.sid or statement.index + 1}"
    about = ActionElement(statement.actions, negated=False) if statement.actions else None
    if allows_everything(statement):
        yield _found("full-access", subject, f"{where}: allows everything on everything.", statement=where)
    elif statement.not_actions is not None:
        message = f"{where}: allows everything but some actions (NotAction)."
        yield _found("allow-not-action", subject, message, statement=where)
    elif about is not None and about.matches(_PASS_ROLE) and _is_everywhere(statement):
        yield _found("pass-role-on-all", subject, f"{where}: allows iam:PassRole on every role.", statement=where)


def _policies(account: Account) -> Iterator[AuditFinding]:
    for policy in account.policies:
        if not policy.aws_managed and policy.attachment_count == policy.boundary_count == Known(0):
            yield _found("policy-unattached", policy.arn, "The policy is attached to nothing.")


def _quotas(account: Account) -> Iterator[AuditFinding]:
    own = sum(not policy.aws_managed for policy in account.policies)
    counts = [(field, len(getattr(account, field)), most) for field, most in _QUOTAS]
    for what, count, most in (*counts, ("customer managed policies", own, _MOST_CUSTOMER_POLICIES)):
        if count >= most * _NEARLY:
            yield _found("quota-close", _root(account), f"{count} of {most} {what} (the default quota).")
    holders: tuple[Holder, ...] = (*account.users, *account.groups, *account.roles)
    for holder in holders:
        count = len(holder.attached_policies)
        if count >= _MOST_ATTACHED * _NEARLY:
            message = f"{count} of {_MOST_ATTACHED} managed policies are attached (the default quota)."
            yield _found("quota-close", holder.arn, message)


def _root(account: Account) -> str:
    return f"arn:{account.partition}:iam::{account.id}:root"
