"""Audit of an account's hygiene: keys, MFA, unused identities, broad policies and open trust; each finding with its
fix, and the edits that make it.

CIS controls are those of the CIS Amazon Web Services Foundations Benchmark 3.0.0.
"""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, TypeAlias

from iamtui.account.model import ROOT_ROW, Account, Group, Known, LastAccessed, Role, User
from iamtui.catalog.actions import catalogue
from iamtui.catalog.between_accounts import gift_limit
from iamtui.drafts.draft import Edit
from iamtui.drafts.edits.deletions import (
    DeleteAccessKey,
    DeleteLoginProfile,
    DeletePolicy,
    DeleteRole,
    DeleteUser,
)
from iamtui.drafts.edits.policies import DeleteInlinePolicy, PutInlinePolicy, PutManagedPolicy
from iamtui.drafts.edits.principals import AttachPolicy, DetachPolicy, UpdateTrustPolicy
from iamtui.engine.request import PrincipalKind
from iamtui.engine.service_rules import closed_to_others
from iamtui.input_files import MissingFile, read_document, text_of
from iamtui.lint.check_document import suppression_tables
from iamtui.policy.document import PolicyDocument, Statement, as_list, render
from iamtui.policy.json_text import one_or_more
from iamtui.policy.patterns import Arn, is_account_id, parse_arn
from iamtui.policy.public_access import is_public, open_statements, opening_of
from iamtui.policy.statement import ActionElement, action_name
from iamtui.problem import Problem
from iamtui.text import counted, first_of_texts
from iamtui.workspace.ask.trust import Opening, TrustEdge, TrustReader
from iamtui.workspace.review.escalation_steps import allows_everything, is_everywhere
from iamtui.workspace.review.service_accounts import draft_role_for, take_out_unused
from iamtui.workspace.source.unknown_facts import FindingSeverity, Holder, documents_in_use
from iamtui.workspace.source.workspace import Workspace

OLD_KEY: Final = timedelta(days=90)
"""CIS 1.14: access keys are rotated every 90 days or less."""
UNUSED: Final = timedelta(days=45)
"""CIS 1.12: credentials unused for 45 days or more are disabled."""
UNUSED_PRINCIPAL: Final = timedelta(days=90)
_LEAST_PASSWORD: Final = 14
_LEAST_REMEMBERED: Final = 24
_NEARLY: Final = 0.9
_DEFAULT_QUOTAS: Final = {
    "UsersQuota": 5_000,
    "GroupsQuota": 300,
    "RolesQuota": 1_000,
    "PoliciesQuota": 1_500,
    "InstanceProfilesQuota": 1_000,
    "ServerCertificatesQuota": 20,
    "AttachedPoliciesPerUserQuota": 10,
    "AttachedPoliciesPerGroupQuota": 10,
    "AttachedPoliciesPerRoleQuota": 10,
    "GroupsPerUserQuota": 10,
    "VersionsPerPolicyQuota": 5,
}
"""IAM User Guide: IAM and AWS STS quotas; under the names that GetAccountSummary gives those in force."""


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
        access_key: the id of the access key that it is about, or "".
    """

    code: str
    severity: FindingSeverity
    subject: str
    message: str
    fix: str
    control: str = ""
    statement: str = ""
    access_key: str = ""


_H, _M, _L = FindingSeverity

_CHECKS: Final[dict[str, tuple[FindingSeverity, str, str]]] = {
    "access-key-old": (_M, "1.14", "Rotate it."),
    "access-key-unused": (_M, "1.12", "Deactivate and delete it."),
    "administrators": (_L, "", "Keep the number small, and give the rest what they need."),
    "allow-not-action": (_M, "", "Name what is allowed."),
    "certificate-expired": (_M, "1.19", "Delete it, and what still uses it gets a new one."),
    "console-without-mfa": (_H, "1.10", "Register an MFA device, or delete the password."),
    "full-access": (_H, "1.16", "Name the actions and resources."),
    "inline-policy": (_L, "", "Make them managed policies."),
    "oidc-without-subject": (_H, "", "Test the provider's :sub key in the trust policy."),
    "pass-role-on-all": (_H, "", "Name the roles that may be passed."),
    "password-policy-reuse": (_L, "1.9", "Let the policy remember the last 24 passwords."),
    "password-policy-short": (_M, "1.8", "Let the policy require 14 characters or more."),
    "password-unused": (_M, "1.12", "Delete the password."),
    "permission-unused": (_L, "", "Take what it does not use out of its policies."),
    "policy-on-user": (_L, "1.15", "Give them to a group."),
    "policy-unattached": (_L, "", "Delete it, if nothing needs it."),
    "quota-close": (_L, "", "Delete or merge what is not used, or raise the quota."),
    "resource-everyone": (_H, "", "Name the accounts or roles that need it, or test aws:PrincipalOrgID."),
    "role-unused": (_L, "", "Delete it, if nothing needs it."),
    "root-access-key": (_H, "1.4", "Delete the access key, and give what uses it a role."),
    "root-used": (_M, "1.7", "Work as a user or role, and keep the root user for what only it can do."),
    "root-without-mfa": (_H, "1.5", "Register an MFA device for the root user."),
    "service-account": (
        _M, "", "Give the program a role where it runs (`iamtui role-for` drafts it), then delete the user."
    ),
    "trust-everyone": (_H, "", "Name the accounts or roles that need it."),
    "trust-without-external-id": (_M, "", "Require sts:ExternalId in the trust policy."),
    "two-access-keys": (_L, "1.13", "Delete the one that is not used."),
    "user-unused": (_L, "1.12", "Delete it, if nobody needs it."),
}  # fmt: skip
"""By code: severity, CIS control, fix."""

CODES: Final = tuple(_CHECKS)


def _found(
    code: str, subject: str, message: str, *, statement: str = "", access_key: str = "", open_to_all: bool = True
) -> AuditFinding:
    severity, control, fix = _CHECKS[code]
    return AuditFinding(code, severity if open_to_all else _M, subject, message, fix, control, statement, access_key)


@dataclass(frozen=True, slots=True)
class AuditSuppression:
    """An accepted kind of finding: its code, a pattern of ARNs or names, and why."""

    code: str
    pattern: str
    reason: str

    def covers(self, finding: AuditFinding) -> bool:
        name = finding.subject.rsplit(":", 1)[-1]
        return self.code == finding.code and any(
            fnmatch.fnmatchcase(one, self.pattern) for one in (finding.subject, name)
        )


def suppression_of(text: str) -> AuditSuppression:
    """The suppression of `CODE[:PATTERN]=REASON`.

    Raises:
        Problem: there is no such code, or no reason.
    """
    what, _, reason = (part.strip() for part in text.partition("="))
    code, colon, pattern = what.partition(":")
    if code not in CODES:
        raise Problem(
            f"--suppress {text} does not name a finding.", f"Write CODE=REASON; codes are {', '.join(CODES)}."
        )
    if not reason:
        raise Problem(f"--suppress {code} has no reason.", f'Write why it is accepted: --suppress {what}="the reason".')
    if colon and not pattern:
        # Such as a variable of a shell that is not set: everything would be accepted.
        raise Problem(f"--suppress {code}: has an empty pattern.", "Name who is meant, or leave out the colon.")
    return AuditSuppression(code, pattern or "*", reason)


SUPPRESSIONS_FILE: Final = ".iamtui-audit.toml"
"""Where suppressions are read when no file is named, in the current directory."""

_LARGEST_FILE: Final = 1024 * 1024


def read_suppressions(file: str | None = None) -> tuple[AuditSuppression, ...]:
    """The suppressions in a TOML file; none where SUPPRESSIONS_FILE is not there.

    Raises:
        Problem: the file cannot be read, or holds something else.
    """
    name = file if file is not None else SUPPRESSIONS_FILE
    try:
        text = text_of(read_document(name, f"The suppression file {name}", most=_LARGEST_FILE), name)
    except MissingFile:
        if file is None:
            return ()
        raise
    found = []
    for table, origin in suppression_tables(text, name, ("code", "reason", "pattern"), "audit"):
        if table["code"] not in CODES:
            raise Problem(
                f"{origin[:1].upper()}{origin[1:]} does not name a finding.", f"Codes are {', '.join(CODES)}."
            )
        found.append(AuditSuppression(table["code"], table.get("pattern", "*"), table["reason"]))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class AuditLimits:
    """From when on credentials, and users and roles, count as unused."""

    credential: timedelta = UNUSED
    principal: timedelta = UNUSED_PRINCIPAL


def audit(
    workspace: Workspace,
    now: datetime | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    limits: AuditLimits = AuditLimits(),
    trust_outside: Callable[[Role], Iterable[TrustEdge]] | None = None,
) -> Iterator[AuditFinding]:
    """Every finding, check by check.

    Args:
        now: UTC; default: when the account was read, else the clock.
        trust_outside: who may assume a role besides users and roles of the account, where that is worked out already.
    """
    account = workspace.account
    trusted = trust_outside or partial(TrustReader(workspace, across=False).edges, inside=False)
    moment = now or account.taken_at or datetime.now(UTC)
    yield from _root_user(account, moment, limits)
    if isinstance(account.password_policy, Known):
        policy = account.password_policy.value
        if policy is None:
            message = "No password policy is set, so passwords may have 8 characters."
            yield _found("password-policy-short", _root(account), message)
        elif policy.minimum_length < _LEAST_PASSWORD:
            message = f"The password policy lets passwords have {policy.minimum_length} characters."
            yield _found("password-policy-short", _root(account), message)
        remembered = (policy.reuse_prevention if policy is not None else None) or 0
        if remembered < _LEAST_REMEMBERED:
            only = f"remembers only the last {remembered} passwords"
            what = only if remembered else "lets old passwords be used again"
            yield _found("password-policy-reuse", _root(account), f"The password policy {what}.")
    for user in map(account.with_report, account.users):
        yield from _keys(user, moment, limits)
        yield from _console(user, moment, limits)
        yield from _unused_user(user, moment, limits)
        names = [*(policy.name for policy in user.attached_policies), *(policy.name for policy in user.inline_policies)]
        if names:
            yield _found("policy-on-user", user.arn, f"Policies are given to the user directly: {', '.join(names)}.")
    for role in account.roles:
        if cancelled():
            return
        yield from _unused_role(role, moment, limits)
        yield from _trust(role, trusted(role))
    yield from _resources(account)
    yield from _unused_permissions(account, moment, limits)
    yield from _inline(account)
    yield from _documents(account)
    yield from _policies(account)
    yield from _certificates(account, moment)
    yield from _quotas(account)


def _days(span: timedelta) -> str:
    return counted(span.days, "day")


def _root_user(account: Account, now: datetime, limits: AuditLimits) -> Iterator[AuditFinding]:
    """The root user, by the account's summary, which is of the moment, or else by the credential report."""
    summary = account.summary.value if isinstance(account.summary, Known) else {}
    row = account.credential_report.value.row(ROOT_ROW) if isinstance(account.credential_report, Known) else None
    keys = [key for key in row.access_keys if key.status == "Active"] if row is not None else []
    if summary.get("AccountAccessKeysPresent", bool(keys)):
        created = f", created on {keys[0].created:%Y-%m-%d}" if keys and keys[0].created is not None else ""
        yield _found("root-access-key", _root(account), f"The root user has an access key{created}.")
    if not summary.get("AccountMFAEnabled", row is None or bool(row.mfa_devices)):
        yield _found("root-without-mfa", _root(account), "The root user has no MFA device.")
    if row is None:
        return
    uses = [row.password_last_used, *(key.last_used for key in row.access_keys)]
    last = max((use for use in uses if use is not None), default=None)
    if last is not None and now - last < limits.principal:
        yield _found("root-used", _root(account), f"The root user was used on {last:%Y-%m-%d}.")


def _keys(user: User, now: datetime, limits: AuditLimits) -> Iterator[AuditFinding]:
    if not isinstance(user.access_keys, Known):
        return
    active = [key for key in user.access_keys.value if key.status == "Active"]
    for key in active:
        # The credential report does not say the ids.
        name = f"Access key {key.id}" if key.id else "An access key"
        age = now - key.created if key.created is not None else timedelta()
        if age > OLD_KEY:
            yield _found("access-key-old", user.arn, f"{name} is {_days(age)} old.")
        idle = now - (key.last_used or key.created or now)
        if idle > limits.credential:
            used = f"has not been used for {_days(idle)}" if key.last_used is not None else "has never been used"
            yield _found("access-key-unused", user.arn, f"{name} {used}.", access_key=key.id)
    if len(active) > 1:
        yield _found("two-access-keys", user.arn, "Two access keys are active.")
    if active and user.login_profile == Known(None):
        message = "A program works as this user: it has access keys and no console password."
        yield _found("service-account", user.arn, message)


def _console(user: User, now: datetime, limits: AuditLimits) -> Iterator[AuditFinding]:
    profile = user.login_profile.value_or(None)
    if profile is None:
        return
    if user.mfa_devices == Known(()):
        yield _found("console-without-mfa", user.arn, "The user has a console password and no MFA device.")
    if not isinstance(user.password_last_used, Known):
        return
    last = user.password_last_used.value
    idle = now - (last or profile.created or now)
    if idle > limits.credential:
        used = f"has not been used for {_days(idle)}" if last else "has never been used"
        yield _found("password-unused", user.arn, f"The console password {used}.")


def _unused_user(user: User, now: datetime, limits: AuditLimits) -> Iterator[AuditFinding]:
    if not isinstance(user.password_last_used, Known) or not isinstance(user.access_keys, Known):
        return
    uses = [user.password_last_used.value, *(key.last_used for key in user.access_keys.value)]
    last = max((use for use in uses if use is not None), default=None)
    idle = now - (last or user.created or now)
    if idle > limits.principal:
        used = f"has not been used for {_days(idle)}" if last else f"has never been used in {_days(idle)}"
        yield _found("user-unused", user.arn, f"The user {used}: neither its password nor an access key.")


def _unused_role(role: Role, now: datetime, limits: AuditLimits) -> Iterator[AuditFinding]:
    if role.service_linked or not isinstance(role.last_used, Known):
        return
    last = role.last_used.value
    idle = now - (last or role.created or now)
    if idle > limits.principal:
        used = f"has not been used for {_days(idle)}" if last else f"has never been used in {_days(idle)}"
        yield _found("role-unused", role.arn, f"The role {used}.")


def _trust(role: Role, edges: Iterable[TrustEdge]) -> Iterator[AuditFinding]:
    for edge in edges:
        if edge.opening is Opening.EVERYONE:
            some = "" if edge.name == "*" else f" whose ARN matches {edge.name}"
            message = f"The trust policy lets in principals of every account{some}."
            yield _found("trust-everyone", role.arn, message, open_to_all=not edge.condition)
        elif edge.lacks_external_id:
            who = "Every account" if edge.opening is Opening.ORGANIZATION else f"{edge.name}, of another account,"
            where = f" if {edge.condition}, another organization" if edge.opening is Opening.ORGANIZATION else ""
            yield _found(
                "trust-without-external-id", role.arn, f"{who} may assume the role{where}, without an external ID."
            )
        elif edge.opening is Opening.EVERY_IDENTITY:
            message = f"Every identity of {edge.provider} may assume the role: no condition confines its subject."
            yield _found("oidc-without-subject", role.arn, message)


def _resources(account: Account) -> Iterator[AuditFinding]:
    """Statements of the loaded policies of resources that let in everybody."""
    for arn, found in account.resource_policies.items():
        parsed = parse_arn(arn)
        if found.document is None or found.document.error is not None or parsed is None:
            continue
        block = account.public_access_blocks.get(parsed.resource) if parsed.service == "s3" else None
        if block is not None and block.restrict_public_buckets and is_public(found.document.policy):
            continue
        for statement in open_statements(found.document.policy):
            given = statement.actions
            if given is not None and not any(_can_be_given(action, parsed) for action in given):
                continue
            where = f"statement {statement.sid or statement.index + 1}"
            what = first_of_texts(list(given), 5) if given is not None else "all but some actions"
            message = f"Its policy, {where}, lets in everybody: {what}."
            if parsed.service == "s3" and block is None:
                message += " Block Public Access of the bucket is not loaded."
            is_bare = opening_of(statement, found.document.policy) is None
            yield _found("resource-everyone", arn, message, statement=where, open_to_all=is_bare)


def _can_be_given(entry: str, resource: Arn) -> bool:
    """True if an Action entry has an action that the policy of a resource can give to callers of other accounts."""
    for action in map(action_name, catalogue().expand(entry) or (entry,)):
        limit = gift_limit(action.service, action.name)
        if not closed_to_others(action, PrincipalKind.USER, resource) and not (limit and limit.never):
            return True
    return False


def _inline(account: Account) -> Iterator[AuditFinding]:
    holders: tuple[Holder, ...] = (*account.groups, *account.roles)
    for holder in holders:
        if holder.inline_policies and not (isinstance(holder, Role) and (holder.service_linked or holder.sso_reserved)):
            names = ", ".join(policy.name for policy in holder.inline_policies)
            yield _found("inline-policy", holder.arn, f"Inline policies: {names}.")


_PASS_ROLE: Final = action_name("iam:PassRole")


def _documents(account: Account) -> Iterator[AuditFinding]:
    """Statements that allow too much, once for each policy that is in use, and who holds full access."""
    strong: dict[str, Holder] = {}
    for subject, name, document, holders, aws_managed in documents_in_use(account):
        statements = document.policy.statements if document.error is None else ()
        allowing = [statement for statement in statements if statement.effect == "Allow"]
        if any(map(allows_everything, allowing)):
            strong |= {holder.arn: holder for holder in holders}
        if not aws_managed:
            for statement in allowing:
                yield from _too_broad(subject, name, statement)
    # Each holder once, however many statements and policies allow it everything.
    people = (account.members(one.name) if isinstance(one, Group) else (one,) for one in strong.values())
    unique = sorted({one.arn for some in people for one in some})
    if unique:
        names = first_of_texts([arn.rsplit("/", 1)[-1] for arn in unique], 10)
        who = "One user or role holds" if len(unique) == 1 else f"{len(unique)} users and roles hold"
        message = f"{who} a policy that allows everything: {names}."
        yield _found("administrators", _root(account), message)


def _too_broad(subject: str, name: str, statement: Statement) -> Iterator[AuditFinding]:
    where = f"{name}, statement {statement.sid or statement.index + 1}"
    about = ActionElement(statement.actions, negated=False) if statement.actions else None
    if allows_everything(statement):
        yield _found("full-access", subject, f"{where}: allows everything on everything.", statement=where)
    elif statement.not_actions is not None:
        message = f"{where}: allows everything but some actions (NotAction)."
        yield _found("allow-not-action", subject, message, statement=where)
    elif about is not None and about.matches(_PASS_ROLE) and is_everywhere(statement):
        yield _found("pass-role-on-all", subject, f"{where}: allows iam:PassRole on every role.", statement=where)


def _policies(account: Account) -> Iterator[AuditFinding]:
    for policy in account.policies:
        if not policy.aws_managed and policy.attachment_count == policy.boundary_count == Known(0):
            yield _found("policy-unattached", policy.arn, "The policy is attached to nothing.")


def _unused_permissions(account: Account, now: datetime, limits: AuditLimits) -> Iterator[AuditFinding]:
    for arn, accessed in account.last_accessed.items():
        entity = account.by_arn(arn)
        # What is new has had no time to use everything.
        if entity is None or entity.created is None or now - entity.created < limits.principal:
            continue
        oldest = now - limits.principal
        unused = [one.service for one in accessed.services if one.last_used is None or one.last_used < oldest]
        actions = [
            f"{one.service}:{action}"
            for one in accessed.services
            if one.service not in unused
            for action, used in one.actions.items()
            if used is None or used < oldest
        ]
        if unused or actions:
            count = len(accessed.services)
            allowed = f"Its policies allow {counted(count, 'service')}"
            message = f"{allowed}; not used in {_days(limits.principal)}: {first_of_texts([*unused, *actions], 10)}."
            yield _found("permission-unused", arn, message)


def _certificates(account: Account, now: datetime) -> Iterator[AuditFinding]:
    if not isinstance(account.server_certificates, Known):
        return
    for certificate in account.server_certificates.value:
        if certificate.expires is not None and certificate.expires < now:
            message = f"The server certificate expired on {certificate.expires:%Y-%m-%d}."
            yield _found("certificate-expired", certificate.arn, message)


def _quotas(account: Account) -> Iterator[AuditFinding]:
    summary = account.summary.value if isinstance(account.summary, Known) else {}

    def quota(name: str) -> tuple[int, str]:
        most = summary.get(name, 0)
        return (most, "") if most > 0 else (_DEFAULT_QUOTAS[name], " (the default quota)")

    counts = {
        "UsersQuota": (len(account.users), "users"),
        "GroupsQuota": (len(account.groups), "groups"),
        "RolesQuota": (len(account.roles), "roles"),
        "PoliciesQuota": (sum(not policy.aws_managed for policy in account.policies), "customer managed policies"),
        "InstanceProfilesQuota": (len(account.instance_profiles), "instance profiles"),
        "ServerCertificatesQuota": (summary.get("ServerCertificates", 0), "server certificates"),
    }
    for name, (count, what) in counts.items():
        most, default = quota(name)
        if count >= most * _NEARLY:
            yield _found("quota-close", _root(account), f"{count:,} of {most:,} {what}{default}.")
    for holder in account.identities:
        most, default = quota(f"AttachedPoliciesPer{type(holder).__name__}Quota")
        if len(holder.attached_policies) >= most * _NEARLY:
            message = f"{len(holder.attached_policies)} of {most} managed policies are attached{default}."
            yield _found("quota-close", holder.arn, message)
    most, default = quota("GroupsPerUserQuota")
    for user in account.users:
        if len(user.groups) >= most * _NEARLY:
            yield _found("quota-close", user.arn, f"The user is in {len(user.groups)} of {most} groups{default}.")
    most, default = quota("VersionsPerPolicyQuota")
    for policy in account.policies:
        if not policy.aws_managed and len(policy.versions) >= most:
            message = f"The policy has {len(policy.versions)} of {most} versions{default}, so it takes no new one."
            yield _found("quota-close", policy.arn, message)


def _root(account: Account) -> str:
    return f"arn:{account.partition}:iam::{account.id}:root"


Json: TypeAlias = dict[str, Any]

EXTERNAL_ID: Final = "REPLACE-WITH-THE-EXTERNAL-ID"
SUBJECT: Final = "REPLACE-WITH-THE-SUBJECT"
PASSED_ROLE: Final = "REPLACE-WITH-THE-ROLE"
"""Placeholder in a drafted policy for a value that only the user knows."""


def mending_words(account: Account, finding: AuditFinding) -> str:
    """Words for the edits that fix a finding; "" where no edit does."""
    words, edits = _MENDED.get(finding.code, ("", None))
    if edits is None:
        return ""
    return words if next(edits(account, finding), None) is not None else ""


def edits_that_mend(account: Account, finding: AuditFinding) -> tuple[Edit, ...]:
    """The edits that mend a finding; none where no edit does."""
    return tuple(_MENDED[finding.code][1](account, finding)) if finding.code in _MENDED else ()


def _inline_to_managed(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    holder = account.by_arn(finding.subject)
    if not isinstance(holder, User | Group | Role):
        return
    taken = {policy.name.lower() for policy in account.policies if not policy.aws_managed}
    for policy in holder.inline_policies:
        names = (policy.name, f"{holder.name}-{policy.name}", *(f"{policy.name}-{at}" for at in range(2, 100)))
        name = next((name for name in names if len(name) <= _LONGEST_NAME and name.lower() not in taken), "")
        if policy.document.error is not None or not name:
            continue
        taken.add(name.lower())
        arn = f"arn:{account.partition}:iam::{account.id}:policy/{name}"
        yield PutManagedPolicy(arn, policy.document.text)
        yield AttachPolicy(holder.arn, arn)
        yield DeleteInlinePolicy(holder.arn, policy.name)


_LONGEST_NAME: Final = 128
"""IAM User Guide: quotas: characters of the name of a managed policy."""


def _given_by_groups(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    user = account.by_arn(finding.subject)
    if not isinstance(user, User):
        return
    groups = [group for group in map(account.group, user.groups) if group is not None]
    given = {attached.arn for group in groups for attached in group.attached_policies}
    for attached in user.attached_policies:
        if attached.arn in given:
            yield DetachPolicy(user.arn, attached.arn)


def _only_own_account(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    own = f"arn:{account.partition}:iam::{account.id}:root"

    def narrow(statement: Json) -> None:
        principal = statement.get("Principal")
        if principal == "*":
            statement["Principal"] = {"AWS": own}
        elif isinstance(principal, dict) and "AWS" in principal:
            entries = as_list(principal["AWS"])
            kept = list(dict.fromkeys(own if entry == "*" else entry for entry in entries))
            principal["AWS"] = one_or_more(kept)

    yield from _change_trust(account, finding, narrow)


def _with_external_id(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    def require(statement: Json) -> None:
        principal = statement.get("Principal")
        named = as_list(principal.get("AWS", [])) if isinstance(principal, dict) else []
        if any(_is_of_another(account, entry) for entry in named):
            _require_text(statement, "sts:ExternalId", EXTERNAL_ID)

    yield from _change_trust(account, finding, require)


def _is_of_another(account: Account, entry: object) -> bool:
    arn = parse_arn(entry) if isinstance(entry, str) else None
    number = arn.account if arn is not None else entry
    return isinstance(number, str) and is_account_id(number) and number != account.id


def _with_subject(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    def require(statement: Json) -> None:
        principal = statement.get("Principal")
        for entry in as_list(principal.get("Federated", [])) if isinstance(principal, dict) else []:
            provider = str(entry).partition(":oidc-provider/")[2]
            if provider:
                _require_text(statement, f"{provider}:sub", SUBJECT)

    yield from _change_trust(account, finding, require)


def _require_text(statement: Json, key: str, value: str) -> None:
    conditions = statement.setdefault("Condition", {})
    if isinstance(conditions, dict) and isinstance(conditions.setdefault("StringEquals", {}), dict):
        conditions["StringEquals"].setdefault(key, value)


def _change_trust(account: Account, finding: AuditFinding, change: Callable[[Json], None]) -> Iterator[Edit]:
    role = account.by_arn(finding.subject)
    if not isinstance(role, Role) or role.trust.error is not None:
        return
    document: Any = copy.deepcopy(role.trust.value)
    for statement in as_list(document.get("Statement", [])):
        if isinstance(statement, dict) and statement.get("Effect") == "Allow":
            change(statement)
    if document != role.trust.value:
        yield UpdateTrustPolicy(role.arn, render(document))


def _role_in_place_of_keys(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    user = account.by_arn(finding.subject)
    if isinstance(user, User):
        yield from draft_role_for(account, user).edits()


def _deleted(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    entity = account.by_arn(finding.subject)
    if isinstance(entity, User):
        yield DeleteUser(entity.arn)
    elif isinstance(entity, Role) and not entity.service_linked and not entity.sso_reserved:
        yield DeleteRole(entity.arn)


def _deleted_key(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    if finding.access_key and isinstance(account.by_arn(finding.subject), User):
        yield DeleteAccessKey(finding.subject, finding.access_key)


def _deleted_password(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    if isinstance(account.by_arn(finding.subject), User):
        yield DeleteLoginProfile(finding.subject)


def _deleted_policy(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    if account.policy(finding.subject) is not None:
        yield DeletePolicy(finding.subject)


def _one_key_fewer(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    """The deletion of the key that was used longest ago, or never; none where their ids are not known."""
    user = account.by_arn(finding.subject)
    if not isinstance(user, User) or not isinstance(user.access_keys, Known):
        return
    active = [key for key in user.access_keys.value if key.status == "Active"]
    if len(active) > 1 and all(key.id for key in active):
        least = min(active, key=lambda key: (key.last_used or _NEVER, key.created or _NEVER))
        yield DeleteAccessKey(user.arn, least.id)


_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def _named_roles(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    """The policy with the roles that may be passed, where the action is written out."""
    policy, holder = account.policy(finding.subject), account.by_arn(finding.subject)
    document = account.document(finding.subject)
    if policy is not None and document is not None:
        named = _with_named_roles(account, document)
        if named is not None:
            yield PutManagedPolicy(policy.arn, named)
    elif isinstance(holder, User | Group | Role):
        for inline in holder.inline_policies:
            named = _with_named_roles(account, inline.document)
            if named is not None and finding.statement.startswith(f"{inline.name}, "):
                yield PutInlinePolicy(holder.arn, inline.name, named)


def _with_named_roles(account: Account, document: PolicyDocument) -> str | None:
    """The text of a policy with a statement of its own for iam:PassRole on every role; None where there is no such."""
    if document.error is not None:
        return None
    changed: Any = copy.deepcopy(document.value)
    statements: list[Json] = []
    for statement in as_list(changed["Statement"]):
        actions = as_list(statement.get("Action", []))
        others = [action for action in actions if action.lower() != "iam:passrole"]
        is_open = statement["Effect"] == "Allow" and "*" in as_list(statement.get("Resource", []))
        if len(others) == len(actions) or not is_open or statement.get("Condition"):
            statements.append(statement)
            continue
        role = f"arn:{account.partition}:iam::{account.id}:role/{PASSED_ROLE}"
        passing = {**statement, "Action": "iam:PassRole", "Resource": role}
        if others:
            statements.append({**statement, "Action": others})
            passing |= {"Sid": f"{statement['Sid']}PassRole"} if "Sid" in statement else {}
        statements.append(passing)
    if statements == as_list(changed["Statement"]):
        return None
    return render({**changed, "Statement": statements})


def _without_unused(account: Account, finding: AuditFinding) -> Iterator[Edit]:
    """Edits that take unused services out of policies that nobody else has."""
    holder, accessed = account.by_arn(finding.subject), account.last_accessed.get(finding.subject)
    if not isinstance(holder, User | Group | Role) or accessed is None:
        return
    if isinstance(holder, Role) and (holder.service_linked or holder.sso_reserved):
        return
    for inline in holder.inline_policies:
        left = _used_of(inline.document, accessed)
        if left is not None:
            statements = left["Statement"]
            yield (
                PutInlinePolicy(holder.arn, inline.name, render(left))
                if statements
                else DeleteInlinePolicy(holder.arn, inline.name)
            )
    for attached in holder.attached_policies:
        policy, document = account.policy(attached.arn), account.document(attached.arn)
        if policy is None or document is None or policy.aws_managed:
            continue
        if account.holders(policy.arn) != (holder,) or account.bounded_by(policy.arn):
            continue
        left = _used_of(document, accessed)
        if left is not None:
            yield (
                PutManagedPolicy(policy.arn, render(left))
                if left["Statement"]
                else DetachPolicy(holder.arn, policy.arn)
            )


def _used_of(document: PolicyDocument, accessed: LastAccessed) -> Json | None:
    """A document without the actions that were never used; None where it has none."""
    if document.error is not None or not isinstance(document.value, dict):
        return None
    changed: Json = copy.deepcopy(document.value)
    kept, gone = [], False
    for statement in as_list(changed.get("Statement", [])):
        if statement.get("Effect") == "Allow" and "Action" in statement and take_out_unused(statement, accessed):
            gone = True
            if not statement["Action"]:
                continue
        kept.append(statement)
    changed["Statement"] = kept
    return changed if gone else None


_MENDED: Final[Mapping[str, tuple[str, Callable[[Account, AuditFinding], Iterator[Edit]]]]] = {
    "access-key-unused": ("deletes the access key", _deleted_key),
    "console-without-mfa": ("deletes the console password", _deleted_password),
    "inline-policy": ("makes them managed policies with the same documents", _inline_to_managed),
    "pass-role-on-all": ("names the role, which you put in", _named_roles),
    "password-unused": ("deletes the console password", _deleted_password),
    "permission-unused": ("takes out what was never used", _without_unused),
    "policy-on-user": ("detaches those that a group of the user gives too", _given_by_groups),
    "policy-unattached": ("deletes the policy", _deleted_policy),
    "role-unused": ("deletes the role", _deleted),
    "service-account": ("makes the role that would replace the access keys", _role_in_place_of_keys),
    "trust-everyone": ("trusts this account only", _only_own_account),
    "trust-without-external-id": ("requires an external ID, which you put in", _with_external_id),
    "two-access-keys": ("deletes the one that was used longest ago", _one_key_fewer),
    "user-unused": ("deletes the user", _deleted),
    "oidc-without-subject": ("requires a subject, which you put in", _with_subject),
}
"""By code: what the edits do, and what makes them."""
