"""Overview of an account in numbers: principals by last use, age of keys, administrators, trust, findings, questions.

Each number is a Figure: it holds what was counted, so that it is a way to its own list.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from iamtui.account.model import Account, Known, Missing, Role, User
from iamtui.engine.decision import Decision
from iamtui.problem import Problem
from iamtui.workspace.source.inventory import last_used
from iamtui.workspace.source.unknown_facts import MOST_SEARCHED, FindingSeverity, is_searched_unasked, unknown_facts
from iamtui.workspace.source.workspace import SourceInfo, Workspace


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and what it counts.

    Args:
        id: a stable name ("roles.never").
        label: what it is, in a few words.
        members: what was counted, each once: ARNs, ids of keys, or findings ("CODE ARN"); raw text.
        unknown: of how many users, roles or facts of the account it is not known whether they belong to it.
    """

    id: str
    label: str
    members: tuple[str, ...]
    unknown: int = 0

    @property
    def count(self) -> int:
        return len(self.members)

    @property
    def words(self) -> str:
        """The number; with a mark where it is only the least that it can be."""
        if not self.unknown:
            return f"{self.count:,}"
        return f"{self.count:,}+" if self.count else "?"


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A number and the parts that make it up, for one bar."""

    whole: Figure
    parts: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class QuestionBar:
    """A saved question: what the users and roles of the account get for an answer.

    Args:
        decision: that of the principal it names; None where it names none.
        answers: allowed, depends, denied.
        problem: why it could not be asked, or "".
    """

    name: str
    decision: Decision | None
    answers: tuple[Figure, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """An account in numbers.

    Args:
        principals: users and roles by kind, with their last use.
        others: what has no use of its own: groups, policies, instance profiles, providers.
        keys: the active access keys by age.
        risks: administrators, ways to become one, trust to outside, what is unused.
        findings: those of the audit, by severity.
        lacking: what is not known and what rests on it, sentences without their end; raw text.
    """

    account: Account
    source: SourceInfo
    principals: tuple[Breakdown, ...]
    others: tuple[Figure, ...]
    keys: Breakdown
    risks: tuple[Figure, ...]
    findings: tuple[Figure, ...]
    questions: tuple[QuestionBar, ...]
    lacking: tuple[str, ...]

    def figures(self) -> Iterator[Figure]:
        """Every number that has a list."""
        for breakdown in (*self.principals, self.keys):
            yield breakdown.whole
            yield from breakdown.parts
        yield from self.others
        yield from self.risks
        yield from self.findings
        for question in self.questions:
            yield from question.answers

    def figure(self, figure_id: str) -> Figure:
        """The number of this id.

        Raises:
            Problem: there is none.
        """
        found = {figure.id: figure for figure in self.figures()}
        if figure_id not in found:
            near = difflib.get_close_matches(figure_id, found, n=3, cutoff=0.4)
            nearest = f"Nearest: {', '.join(near)}. " if near else ""
            raise Problem(f"The overview has no number {figure_id}.", f"{nearest}See `iamtui overview -o json`.")
        return found[figure_id]


LAST_USES: Final = (
    ("30-days", "30 days", timedelta(30)),
    ("90-days", "90 days", timedelta(90)),
    ("year", "a year", timedelta(365)),
    ("older", "longer ago", timedelta.max),
)
"""Within what time something was used last; after these come "never" and, where it is not known, "unknown"."""

KEY_AGES: Final = (
    ("90-days", "up to 90 days", timedelta(90)),
    ("year", "up to a year", timedelta(365)),
    ("older", "older", timedelta.max),
)


def begun_overview(workspace: Workspace, now: datetime | None = None) -> Overview:
    """The numbers that follow from the records of an account alone; the others are not known yet."""
    account = workspace.account
    moment = now or account.taken_at or datetime.now(UTC)
    users = [account.with_report(user) for user in account.users]
    everybody = max(1, len(account.users) + len(account.roles))
    own = [policy.arn for policy in account.policies if not policy.aws_managed]
    figures = [
        Figure("groups", "groups", tuple(group.arn for group in account.groups), unlisted(account, "groups")),
        Figure("policies", "customer policies", tuple(own), unlisted(account, "policies")),
        Figure(
            "instance-profiles",
            "instance profiles",
            tuple(one.arn for one in account.instance_profiles),
            unlisted(account, "instance profiles"),
        ),
    ]
    if isinstance(account.providers, Known):
        figures.append(Figure("providers", "identity providers", tuple(one.arn for one in account.providers.value)))
    return Overview(
        account=account,
        source=workspace.source,
        principals=_principals(account, users, moment),
        others=tuple(figures),
        keys=_keys(users, unlisted(account, "users"), moment),
        risks=tuple(risk(name, (), everybody) for name in _RISKS),
        findings=tuple(Figure(f"findings.{severity}", severity, (), everybody) for severity in FindingSeverity),
        questions=(),
        lacking=tuple(_lacking(account)),
    )


def _principals(account: Account, users: Sequence[User], now: datetime) -> tuple[Breakdown, ...]:
    kinds: dict[tuple[str, str], list[User | Role]] = {
        ("people", "people"): [],
        ("service-accounts", "service accounts"): [],
        ("users-without-credentials", "users without credentials"): [],
        ("users", "users of unknown kind"): [],
        ("roles", "roles"): [role for role in account.roles if not role.service_linked],
        ("service-linked-roles", "service-linked roles"): [role for role in account.roles if role.service_linked],
    }
    ids = {name: (name, label) for name, label in kinds}
    for user in users:
        kinds[ids[_kind_of(user)]].append(user)
    return tuple(
        _by_last_use(name, label, found, now, unlisted(account, "roles" if "roles" in name else "users"))
        for (name, label), found in kinds.items()
        if found
    )


def _kind_of(user: User) -> str:
    if isinstance(user.login_profile, Missing):
        return "users"
    if user.login_profile.value is not None:
        return "people"
    if isinstance(user.access_keys, Missing):
        return "users"
    return "service-accounts" if user.access_keys.value else "users-without-credentials"


def _by_last_use(name: str, label: str, entities: Sequence[User | Role], now: datetime, more: int) -> Breakdown:
    members: dict[str, list[str]] = {use: [] for use in (*(use for use, _, _ in LAST_USES), "never", "unknown")}
    for entity in entities:
        members[_last_use(entity, now)].append(entity.arn)
    words = {use: text for use, text, _ in LAST_USES} | {"never": "never", "unknown": "not known"}
    parts = tuple(Figure(f"{name}.{use}", f"{label}: {words[use]}", tuple(arns), more) for use, arns in members.items())
    return Breakdown(Figure(name, label, tuple(entity.arn for entity in entities), more), parts)


def _last_use(entity: User | Role, now: datetime) -> str:
    used, missing = last_used(entity)
    if used is not None and now - used <= LAST_USES[0][2]:
        # What is missing could only be of the same time.
        return LAST_USES[0][0]
    if missing:
        return "unknown"
    return "never" if used is None else _within(now - used, LAST_USES)


def _within(span: timedelta, steps: Sequence[tuple[str, str, timedelta]]) -> str:
    return next(name for name, _, most in steps if span <= most)


def _keys(users: Sequence[User], more_users: int, now: datetime) -> Breakdown:
    members: dict[str, list[str]] = {age: [] for age, _, _ in KEY_AGES}
    for user in users:
        for key in user.access_keys.value_or(()):
            if key.status == "Active":
                age = _within(now - (key.created or now), KEY_AGES)
                members[age].append(f"{user.arn} {key.id}".rstrip())
    unknown = sum(isinstance(user.access_keys, Missing) for user in users) + more_users
    parts = tuple(Figure(f"keys.{age}", f"access keys: {text}", tuple(members[age])) for age, text, _ in KEY_AGES)
    everything = tuple(member for found in members.values() for member in found)
    return Breakdown(Figure("keys", "access keys", everything, unknown), parts)


def unlisted(account: Account, *kinds: str) -> int:
    """How many more there are, at the least, of kinds that may not all be here: one of each."""
    return sum(account.why_unlisted(kind) is not None for kind in kinds)


_RISKS: Final = {
    "administrators": "administrators",
    "escalations": "can become administrator",
    "escalations.possible": "could on a condition",
    "trust-outside": "roles that trust outside",
    "without-mfa": "passwords without MFA",
    "unused-users": "unused users",
    "unused-roles": "unused roles",
}


def risk(name: str, members: tuple[str, ...], unknown: int = 0) -> Figure:
    return Figure(name, _RISKS[name], members, unknown)


def _lacking(account: Account) -> Iterator[str]:
    for gap in account.gaps:
        needs = f" (needs {gap.permission})" if gap.permission else ""
        yield f"{gap.what}: {gap.error or 'not loaded'}{needs}"
    named = {gap.permission for gap in account.gaps} - {""}
    for fact in unknown_facts(account):
        if fact.permission not in named:
            yield fact.words
    organization = account.organization.value_or(None)
    if organization is not None and organization.delegated_administrators is None:
        yield "delegated administrators for IAM: not read (needs organizations:ListDelegatedAdministrators)"
    if not is_searched_unasked(account):
        many = len(account.users) + len(account.roles) > MOST_SEARCHED
        why = f"takes long with more than {MOST_SEARCHED:,} users and roles" if many else "takes long in a part"
        yield f"who can become administrator: {why}; iamtui escalations finds it"
