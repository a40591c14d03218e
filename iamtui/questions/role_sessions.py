"""Session tags and MFA mark that the sessions of a role can carry, by who can start one.

IAM User Guide: pass session tags in AWS STS; global condition context keys, aws:MultiFactorAuthPresent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from iamtui.account.model import Account, Role
from iamtui.policy.context import ABSENT, KeyValue, OneOf
from iamtui.policy.document import PrincipalEntry
from iamtui.policy.patterns import parse_arn
from iamtui.policy.statement import action_name, compile_policy
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.questions.known_context import KnownContext, tags_are_unread

_NEVER_TRUE: Final = OneOf((ABSENT, ("false",)))


def roles_with_tagged_sessions(accounts: Iterable[Account]) -> frozenset[str]:
    """The ARNs of the roles whose sessions may have tags: whose trust policy allows sts:TagSession."""
    return frozenset(role.arn for account in accounts for role in account.roles if _may_set_tags(role))


def _may_set_tags(role: Role) -> bool:
    tag = action_name("sts:TagSession")
    return role.trust.error is not None or any(
        one.allows and one.action.matches(tag)
        for one in compile_policy(role.trust, PolicyType.TRUST, DEFAULT_LANGUAGE_OPTIONS).statements
    )


def has_no_session_tags(role: Role) -> bool:
    """True if no session of a role has tags but those of the role.

    Without sts:TagSession in the trust policy a call that sets tags fails. Another session may hand on its own.
    """
    return not (tags_are_unread(role) or _may_set_tags(role) or any(map(_may_be_session, _let_in(role))))


def context_of_sessions(role: Role) -> KnownContext:
    """The condition keys of which the trust policy of a role tells something, in all of its sessions."""
    mfa = _mfa(role)
    values: dict[str, KeyValue] = {} if mfa is None else {"aws:multifactorauthpresent": mfa}
    tags = ("aws:PrincipalTag/*",) if has_no_session_tags(role) else ()
    return KnownContext(values, (*tags, "aws:MultiFactorAuthAge") if mfa == () else tags)


def _mfa(role: Role) -> KeyValue | None:
    """Known value of aws:MultiFactorAuthPresent in the sessions of a role; None: nothing is known.

    Sessions from an identity provider lack it; no service has an MFA device.
    """
    kinds = {entry.kind for entry in _let_in(role)}
    if not kinds or not kinds <= {"Service", "Federated"}:
        return None
    return ABSENT if kinds == {"Federated"} else _NEVER_TRUE


def _let_in(role: Role) -> Iterator[PrincipalEntry]:
    """Principals of the Allows of a trust policy; a star where that is anybody, or not known."""
    anybody = PrincipalEntry("*", "*")
    if role.trust.error is not None:
        yield anybody
        return
    for statement in role.trust.policy.statements:
        if statement.effect == "Allow":
            yield from statement.principals if statement.principals is not None else (anybody,)


def _may_be_session(entry: PrincipalEntry) -> bool:
    """True if a trusted principal may itself be the session of a role."""
    if entry.kind in ("Service", "Federated"):
        return False
    arn = parse_arn(entry.value) if entry.kind == "AWS" else None
    return arn is None or (arn.service, arn.resource_type) != ("iam", "user")
