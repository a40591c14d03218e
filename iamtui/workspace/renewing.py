"""Assuming a role again, as the caller that assumed it and with the same input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from iamtui.credentials.renewal import Held, Renew, Renewer
from iamtui.credentials.session import Clock, Session, utc_now
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.workspace.assuming import AssumeInput, MfaSessions, MfaWay, assume
from iamtui.workspace.chaining import as_session
from iamtui.workspace.workspace import Workspace


def renewal_of(
    workspace: Workspace,
    entered: AssumeInput,
    *,
    caller: Callable[[], Session] | None = None,
    mfa_sessions: MfaSessions | None = None,
    clock: Clock = utc_now,
) -> Renew:
    """What assumes the role of a session again.

    Args:
        workspace: where, and as whom, it was assumed.
        entered: what it was assumed with; the code is not kept.
        caller: gives the newest session of the role that assumed it (role chaining), or raises Problem; None: the
            workspace's own caller did.
        mfa_sessions: those of the running program, where the code is to serve other roles too.
        clock: the local time.
    """
    shared = entered.mfa_way is not MfaWay.DIRECT and mfa_sessions is not None
    again = replace(entered, mfa_code=None, mfa_way=MfaWay.SHARED if shared else MfaWay.DIRECT)
    needs_code = takes_code(entered)

    def renew(code: Secret | None) -> Session:
        if needs_code and code is None:
            raise Problem("Renewing the session needs a new MFA code.", "A code works only once.")
        acting = workspace if caller is None else as_session(workspace, caller())
        return assume(acting, replace(again, mfa_code=code), mfa_sessions=mfa_sessions, clock=clock)

    return renew


def takes_code(entered: AssumeInput) -> bool:
    """Whether the role was assumed with an MFA code, so that renewing takes another one."""
    return bool(entered.mfa_serial)


def renewer_for(
    workspace: Workspace,
    entered: AssumeInput,
    session: Session,
    *,
    caller: Callable[[], Session] | None = None,
    clock: Clock = utc_now,
    changed: Callable[[Held], None] = lambda _held: None,
) -> Renewer:
    """Keeps a session fresh, by itself where that takes no MFA code.

    Args:
        entered, caller: see `renewal_of`.
        changed: called after each renewal and each failure, by the thread that renews.
    """
    renew = renewal_of(workspace, entered, caller=caller, clock=clock)
    return Renewer(session, renew, needs_code=takes_code(entered), clock=clock, changed=changed)
