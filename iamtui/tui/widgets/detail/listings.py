"""The rows and documents of the Policies, Trust and Access tabs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iamtui.account.model import Account, Entity, Group, IdentityProvider, InstanceProfile, ManagedPolicy, Role, User
from iamtui.policy.arn import is_account_id, parse_arn
from iamtui.policy.document import PolicyDocument, PrincipalEntry, Statement
from iamtui.tui import clock
from iamtui.tui.holdings import HeldPolicy, held_policies
from iamtui.tui.inventory import kind_word
from iamtui.tui.widgets.detail.rows import BLANK, Row, heading


@dataclass(frozen=True, slots=True)
class Entry:
    """A row with the document that lies behind it.

    Args:
        row: what the list shows.
        document: what the document view shows, or None.
        missing: why there is none.
        names: what the policy is called (name, ARN): a statement of it can be asked for by any of them.
        lines: the lines to mark when the row is under the cursor.
    """

    row: Row
    document: PolicyDocument | None = None
    missing: str = ""
    names: tuple[str, ...] = ()
    lines: tuple[int, int] | None = None


def policy_entries(account: Account, entity: Entity) -> list[Entry]:
    """The Policies tab: every policy that takes part for a principal; the versions of a managed policy."""
    if isinstance(entity, ManagedPolicy):
        return _versions(entity)
    if isinstance(entity, (User, Group, Role)):
        return [_held(account, policy) for policy in held_policies(account, entity)]
    return []


def _held(account: Account, policy: HeldPolicy) -> Entry:
    known = policy.arn if policy.arn and account.policy(policy.arn) else ""
    group = account.group(policy.group) if policy.group else None
    note = f"from {policy.group}" if policy.group else ""
    if policy.missing:
        note = f"{note}  unknown: {policy.missing}".strip()
    elif policy.document is not None and policy.document.error is not None:
        note = f"{note}  unreadable".strip()
    target = known or (group.arn if group is not None else "")
    names = tuple(name for name in (policy.name, policy.arn) if name)
    style = "warning" if policy.name == "AdministratorAccess" else "strong"
    row = Row(policy.way.value, policy.name, style, target=target, note=note)
    return Entry(row, policy.document, policy.missing, names)


def _versions(policy: ManagedPolicy) -> list[Entry]:
    names = (policy.name, policy.arn)
    entries = [
        Entry(
            Row(
                "in force" if version.is_default else "not in force",
                version.id,
                "strong" if version.is_default else "muted",
                note=clock.ago(version.created) if version.created else "",
            ),
            version.document,
            names=names if version.is_default else (),
        )
        for version in sorted(policy.versions, key=lambda version: not version.is_default)
    ]
    if policy.default_version is None:
        missing = "The document was not loaded: it needs iam:GetPolicyVersion, or another source."
        entries.insert(0, Entry(Row("in force", "unknown", "faint"), None, missing, names))
    return entries


def trust_entries(account: Account, role: Role) -> list[Entry]:
    """The Trust tab: who the trust policy names, statement by statement."""
    document = role.trust
    if document.error is not None:
        return [Entry(Row("trust", "unreadable", "denied"), document)]
    entries: list[Entry] = []
    lines = document.lines
    for statement in document.policy.statements:
        at = lines[statement.index] if statement.index < len(lines) else None
        named = statement.principals or ()
        entries.extend(Entry(_trusted(account, statement, principal), document, lines=at) for principal in named)
        for principal in statement.not_principals or ():
            row = _trusted(account, statement, principal)
            everyone = Row(row.label, f"everyone but {row.value}", "warning", row.target, row.note)
            entries.append(Entry(everyone, document, lines=at))
        if not statement.principals and not statement.not_principals:
            entries.append(Entry(Row(statement.effect.lower(), "nobody is named", "muted"), document, lines=at))
    return entries or [Entry(Row("trust", "no statement: nobody may assume it", "muted"), document)]


def _trusted(account: Account, statement: Statement, principal: PrincipalEntry) -> Row:
    words, target = _principal_words(account, principal)
    keys = sorted({line.key for line in statement.conditions if line.key}, key=str.lower)
    note = f"if {', '.join(keys)}" if keys else "no condition"
    style = "denied" if statement.effect == "Deny" else ("warning" if principal.value == "*" else "")
    return Row(statement.effect.lower(), words, style, target, note)


def _principal_words(account: Account, principal: PrincipalEntry) -> tuple[str, str]:
    value = principal.value
    if value == "*":
        return "anyone", ""
    if principal.kind == "Service":
        return f"service {value}", ""
    if principal.kind == "Federated":
        return f"provider {value}", value if account.by_arn(value) else ""
    arn = parse_arn(value)
    number = value if is_account_id(value) else arn.account if arn is not None and arn.resource == "root" else ""
    if number:
        return ("this account" if number == account.id else f"account {number}"), ""
    known = account.by_arn(value) or account.by_id(value)
    if known is not None:
        return f"{kind_word(known)} {known.name}", known.arn
    return value, ""


def access_rows(account: Account, entity: Entity) -> list[Row] | None:
    """The Access tab: who is reached through this entity; None for kinds that have nothing of the sort."""
    if isinstance(entity, ManagedPolicy):
        return [
            *_holders("Attached to", account.holders(entity.arn)),
            BLANK,
            *_holders("Permissions boundary of", account.bounded_by(entity.arn)),
        ]
    if isinstance(entity, Group):
        return _holders("Members", account.members(entity.name))
    if isinstance(entity, InstanceProfile):
        return None
    if isinstance(entity, IdentityProvider):
        trusting = [role for role in account.roles if _names_provider(role, entity.arn)]
        return _holders("Roles that trust it", trusting)
    return None


def _names_provider(role: Role, arn: str) -> bool:
    if role.trust.error is not None:
        return False
    return any(
        principal.value == arn for statement in role.trust.policy.statements for principal in statement.principals or ()
    )


def _holders(title: str, holders: Sequence[User | Group | Role]) -> list[Row]:
    if not holders:
        return [heading(f"{title} (0)"), Row("", "none in this account", "muted")]
    rows = [Row(kind_word(holder), holder.name, target=holder.arn, note=_path(holder)) for holder in holders]
    return [heading(f"{title} ({len(holders):,})"), *rows]


def _path(holder: User | Group | Role) -> str:
    return "" if holder.path == "/" else holder.path
