"""Revoking a role's older sessions: the policy that cuts them off, what it does to those known here, the command.

The policy denies everything to sessions whose credentials were issued before a moment (IAM User Guide: Revoke IAM role
temporary security credentials). Nothing here changes the account: the AWS CLI command is there to be read, copied and
run by whoever may.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from iamtui.account.model import Account, Role
from iamtui.credentials.assume_role import clock_skew_of, is_role_arn
from iamtui.credentials.export_values import aws_time
from iamtui.credentials.session import Clock, Session, is_session_of, utc_now
from iamtui.drafts.aws_values import InvalidValue
from iamtui.drafts.edits.base import option
from iamtui.engine.decision import Decision
from iamtui.policy.document import PolicyDocument
from iamtui.policy.patterns import parse_arn
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.text import safe_text
from iamtui.workspace.ask.questions import ask
from iamtui.workspace.source.principals import caller_principal
from iamtui.workspace.source.workspace import SourceKind, Workspace

POLICY_NAME: Final = "AWSRevokeOlderSessions"
"""The name that the AWS console gives the policy, so that each of the two finds what the other made."""

LONGEST_LIFE: Final = timedelta(hours=12)
"""No session of a role lives longer, whatever its MaxSessionDuration was when it was assumed."""

ISSUED: Final = "aws:TokenIssueTime"

_YEARS: Final = range(2011, 2100)
"""From the first sessions on, as far as a condition on a time is sure to be read."""

_ROLE_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
_DEMO_REMARK: Final = "  # DEMO: this role is in no account of AWS"


@dataclass(frozen=True, slots=True)
class SessionEffect:
    """Effect of the policy on one session.

    Args:
        session: one that still lives.
        cut: whether it can do nothing any more.
        why: in words.
    """

    session: Session
    cut: bool
    why: str


@dataclass(frozen=True, slots=True)
class Revocation:
    """How to cut a role's older sessions off.

    Args:
        role_arn: the role.
        before: sessions issued before this moment are cut off, UTC by the server's clock.
        policy: the policy document.
        command: the AWS CLI command that puts the policy on the role, for a POSIX shell.
        undo: the one that takes it away again.
        sign_in: the one that ends the role's sign-in sessions, which otherwise fetch new credentials for up to 90 days.
        effects: for each live session that is known here, in their order.
        warnings: what should make one think first, one sentence each.
        notes: what else to know, one sentence each.
        decision: our own answer whether the caller may do it; None when unknown.
        elsewhere: the role's account where the caller's is another, else "". The commands name the role without its
            account, and would change one of that name in the caller's: they begin with a test whose account it is.
    """

    role_arn: str
    before: datetime
    policy: dict[str, Any]
    command: str
    undo: str
    sign_in: str
    effects: tuple[SessionEffect, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    decision: Decision | None
    elsewhere: str = ""

    @property
    def document(self) -> str:
        """The policy as text of several lines."""
        return json.dumps(self.policy, indent=2)

    @property
    def moment(self) -> str:
        return aws_time(self.before)


def revocation_policy(before: datetime) -> dict[str, Any]:
    """The policy that denies everything to sessions issued before a moment."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Action": "*",
                "Resource": "*",
                "Condition": {"DateLessThan": {ISSUED: aws_time(before)}},
            }
        ],
    }


def server_now(workspace: Workspace, sessions: Iterable[Session] = (), clock: Clock = utc_now) -> datetime:
    """The time by AWS's clock, which issue times follow. Blocking: may call sts:GetCallerIdentity.

    Args:
        sessions: those that are known; the newest tells how far the clocks are apart without a call.
    """
    newest = max(sessions, key=lambda session: session.assumed_at, default=None)
    if newest is not None:
        return clock() + newest.clock_skew
    if workspace.connection is None or workspace.source.kind is SourceKind.DEMO:
        return clock()
    answer = workspace.connection.call("sts", "GetCallerIdentity", dict)
    now = clock()
    return now + clock_skew_of(answer, now)


def plan_revocation(
    workspace: Workspace,
    role_arn: str,
    now: datetime,
    sessions: Iterable[Session] = (),
    *,
    before: datetime | None = None,
) -> Revocation:
    """Plan that cuts off the role's sessions from before a moment. Calls nothing.

    Args:
        now: the time by AWS's clock; see `server_now`.
        sessions: those that are known here.
        before: the moment, by AWS's clock; None: now.

    Raises:
        Problem: the role cannot be changed, or is not a role, or no session was or will be issued at such a moment.
    """
    role = workspace.account.by_arn(role_arn)
    held = role if isinstance(role, Role) else None
    name = _checked_name(workspace.account, role_arn, held)
    before = (before or now).astimezone(UTC).replace(microsecond=0)
    if before.year not in _YEARS:
        raise Problem(
            f"{before.isoformat()} is not a time that AWS can compare with a session's start.",
            f"Give one of the years {_YEARS[0]} to {_YEARS[-1]}.",
        )
    policy = revocation_policy(before)
    text = json.dumps(policy, separators=(",", ":"))
    elsewhere = _elsewhere(workspace, role_arn)
    where = tuple(_options(workspace, elsewhere=bool(elsewhere)))
    remark = _DEMO_REMARK if workspace.source.kind is SourceKind.DEMO else ""
    names = (option("--role-name", name), option("--policy-name", POLICY_NAME))
    put = ("aws iam put-role-policy", *names, option("--policy-document", text), *where)
    delete = ("aws iam delete-role-policy", *names, *where)
    effects = tuple(_effect(session, role_arn, before) for session in sessions if session.expires_at > now)
    # The command that lists a role's sign-in sessions and ends them, five a call (AWS Sign-In API Reference).
    whose = ("--principal-arn", shlex.quote(role_arn), *where)
    active = ("--status ACTIVE --query 'items[].sessionArn' --output text",)
    found = " ".join(("aws signin list-sessions", *whose, *active))
    end = aws_time(before + LONGEST_LIFE)
    return Revocation(
        role_arn=role_arn,
        before=before,
        policy=policy,
        command=_only_in(elsewhere, where) + " ".join(put) + remark,
        undo=_only_in(elsewhere, where) + " ".join(delete) + remark,
        sign_in=_only_in(elsewhere, where)
        + f"{found} | xargs -r -n 5 {' '.join(('aws signin batch-revoke-sessions', *whose, '--session-arns'))}"
        + remark,
        effects=effects,
        warnings=tuple(_warnings(workspace, role_arn, held, before, now)),
        notes=(*_NOTES, f"From {end} on no session that it cuts off is valid any more, and the policy can be removed."),
        decision=_may_be_put(workspace, role_arn),
        elsewhere=elsewhere,
    )


def _elsewhere(workspace: Workspace, role_arn: str) -> str:
    """The account of the role's ARN where the source's own credentials are of another one, else ""."""
    arn = parse_arn(role_arn)
    account = arn.account if arn is not None else ""
    return account if account != workspace.account.id or workspace.source.read_through else ""


def _only_in(account: str, options: Iterable[str]) -> str:
    """Shell guard that continues only with credentials of this account; "" for ""."""
    if not account:
        return ""
    ask_whose = " ".join(("aws sts get-caller-identity --query Account --output text", *options))
    return f'[ "$({ask_whose})" = {account} ] && '


SIGN_IN: Final = (
    "Sign-in sessions of the role, of the console and of programs that signed in with it, last up to 90 days and get "
    "newer credentials, which the policy does not cut off. This ends those that are there:"
)

_NOTES: Final = (
    "It takes some minutes until the policy takes effect everywhere.",
    "Who may assume the role can get a new session at once: change the trust policy first to keep somebody out.",
    "Sessions that were assumed from a session of this role (role chaining) are sessions of other roles and continue.",
)


_FORM: Final = "Give a role: it looks like arn:aws:iam::123456789012:role/X."


def _checked_name(own: Account, role_arn: str, role: Role | None) -> str:
    """The role's name, once it is known that it may be changed.

    Raises:
        Problem: it may not, or this is not a role's ARN.
    """
    arn = parse_arn(role_arn)
    if arn is None or arn.service != "iam" or not arn.resource.startswith("role/"):
        raise Problem(f"{safe_text(role_arn)} is not a role.", _FORM)
    path, _, name = arn.resource.removeprefix("role").rpartition("/")
    if not _ROLE_NAME.fullmatch(name):
        raise Problem(f"{safe_text(role_arn)} is a name that IAM would not give a role.", "Check where it comes from.")
    if not is_role_arn(role_arn):
        raise Problem(f"{safe_text(role_arn)} is not the ARN of a role.", _FORM)
    if arn.account == own.id and arn.partition != own.partition:
        raise Problem(
            f"{safe_text(role_arn)} is in the partition {arn.partition}, and account {own.id} is in {own.partition}.",
            "Give the ARN as IAM has it.",
        )
    folder = f"{path}/"
    if folder.startswith("/aws-service-role/") or (role is not None and role.service_linked):
        raise Problem(
            f"The sessions of {safe_text(name)} cannot be revoked: the role is linked to a service of AWS, and only "
            "that can change it.",
            "Stop what the service does in your account instead.",
        )
    if folder.startswith("/aws-reserved/") or (role is not None and role.sso_reserved):
        raise Problem(
            f"{safe_text(name)} belongs to IAM Identity Center, and IAM lets nobody else change it.",
            f"Put {POLICY_NAME} into the permission set's inline policy, and provision it again.",
        )
    return name


def _options(workspace: Workspace, *, elsewhere: bool) -> Iterator[str]:
    """Options that make the AWS CLI call the same account in the same way; the profile is no use for another account.

    Raises:
        Problem: the name of the profile cannot stand in a command.
    """
    source = workspace.source
    if source.kind is not SourceKind.LIVE:
        return
    if source.profile and not elsewhere:
        try:
            yield option("--profile", source.profile)
        except InvalidValue as error:
            raise Problem(
                f"The command cannot be written: {error.sentence}.", "Give the profile another name in the config file."
            ) from None
    if source.endpoint_url:
        yield f"--endpoint-url {shlex.quote(source.endpoint_url)}"


def _effect(session: Session, role_arn: str, before: datetime) -> SessionEffect:
    if session.role_arn == role_arn:
        return SessionEffect(session, session.assumed_at < before, f"issued {aws_time(session.assumed_at)}")
    if is_session_of(session.source_arn, role_arn):
        return SessionEffect(session, False, "of another role, though assumed from a session of this one")
    return SessionEffect(session, False, "of another role")


def _warnings(workspace: Workspace, role_arn: str, role: Role | None, before: datetime, now: datetime) -> Iterator[str]:
    account = _elsewhere(workspace, role_arn)
    if account:
        own = workspace.account.id
        who = "you are" if workspace.connection else "what is open is"
        yield (
            f"The role is in account {account}, and {who} in {own}: "
            f"run the command with credentials of account {account}. It names the role without its account, so in "
            f"{own} it would cut off another role of the same name; it therefore tests first whose credentials it has, "
            "and otherwise does nothing."
        )
    if is_session_of(workspace.account.caller_arn.value_or(""), role_arn):
        yield (
            "You are a session of this role yourself: it cuts you off too, and you could not undo it. Run the command "
            "with other credentials."
        )
    if before > now:
        yield f"That time is in the future: until {aws_time(before)} new sessions of the role are cut off, too."
    if role is not None:
        statements = role.trust.policy.statements if role.trust.error is None else ()
        entries = (entry for statement in statements for entry in statement.principals or ())
        services = sorted({entry.value for entry in entries if entry.kind == "Service"})
        if services:
            yield (
                f"The role serves {', '.join(services)}: what runs there is denied everything until it has fetched new "
                "credentials, which can take hours."
            )
        # Warnings about the policy of this name that the role has already.
        found = next((policy for policy in role.inline_policies if policy.name == POLICY_NAME), None)
        if found is None:
            return
        there = _moment_in(found.document)
        if there is None:
            yield (
                f"The role has an inline policy {POLICY_NAME} already that says something else; the command replaces "
                "it."
            )
        elif there > before:
            yield (
                f"The role has this policy already, with the later moment {aws_time(there)}: the command would let "
                "sessions go on again that are cut off now."
            )
        else:
            yield f"The role has this policy already, with the moment {aws_time(there)}; the command replaces it."


def _moment_in(document: PolicyDocument) -> datetime | None:
    """The moment of a policy of this kind, or None when it is another policy."""
    if document.error is not None or len(document.policy.statements) != 1:
        return None
    statement = document.policy.statements[0]
    is_this = (statement.effect, statement.actions, statement.resources) == ("Deny", ("*",), ("*",))
    lines = [line for line in statement.conditions if line.key.lower() == ISSUED.lower()]
    if not is_this or len(statement.conditions) != 1 or len(lines) != 1 or lines[0].operator != "DateLessThan":
        return None
    try:
        moment = datetime.fromisoformat(lines[0].values[0])
    except (ValueError, IndexError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _may_be_put(workspace: Workspace, role_arn: str) -> Decision | None:
    """Our own answer whether the caller may put the policy there."""
    caller = caller_principal(workspace)
    if caller is None or not isinstance(workspace.account.by_arn(role_arn), Role):
        return None
    if caller.account != workspace.account.id:
        return None
    return ask(workspace, caller, Question("iam:PutRolePolicy", role_arn))
