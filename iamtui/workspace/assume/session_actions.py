"""Assuming a role again, as the caller that assumed it and with the same input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec

from iamtui.aws.errors import AwsProblem
from iamtui.credentials.assume_role import AssumeRoleInput, MfaWay
from iamtui.credentials.console_url import SignIn, sign_in
from iamtui.credentials.session import Clock, Session, utc_now
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.workspace.assume.assume import acting_as, assume
from iamtui.workspace.assume.assume import as_session as as_session  # for the screen
from iamtui.workspace.assume.mfa import MfaCodeNeeded, MfaSessions
from iamtui.workspace.source.opening import open_connected
from iamtui.workspace.source.workspace import Progress, ProgressReport, SourceChoice, SourceKind, Workspace


class Renewal:
    """Assumes the role of a session again. May be called by any thread.

    Args:
        workspace: where, and as whom, it was assumed.
        entered: what it was assumed with; the code is not kept.
        caller: gives the newest session of the role that assumed it (role chaining), or raises Problem; None: the
            workspace's own caller did.
        mfa_sessions: those of the running program, where the code is to serve other roles too.
        clock: the local time.
    """

    def __init__(
        self,
        workspace: Workspace,
        entered: AssumeRoleInput,
        *,
        caller: Callable[[], Session] | None = None,
        mfa_sessions: MfaSessions | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._workspace = workspace
        self._entered = replace(entered, mfa_code=None)
        self._caller = caller
        self._shares = mfa_sessions if entered.mfa_way is not MfaWay.DIRECT else None
        self._clock = clock
        self._shared_code_failed = False

    def needs_code(self) -> bool:
        """True where a new MFA code is needed: a code works once, unless a session of it serves several roles."""
        if not self._entered.mfa_serial:
            return False
        if self._shares is None or self._shared_code_failed:
            return True
        return self._shares.found(self._workspace, self._entered.mfa_serial) is None

    def __call__(self, code: Secret | None) -> Session:
        """Assume the role. Blocking.

        Args:
            code: a new MFA code, or None.

        Raises:
            Problem: a code is needed; or as `assume` and the caller say.
        """
        if code is not None:
            session = self._assume(MfaWay.DIRECT if self._shares is None else MfaWay.SHARED, code)
            self._shared_code_failed = False
            return session
        if not self._entered.mfa_serial:
            return self._assume(MfaWay.DIRECT, None)
        if self.needs_code():
            raise Problem("Renewing the session needs a new MFA code.", "A code works only once.")
        try:
            return self._assume(MfaWay.REUSED, None)
        except MfaCodeNeeded:
            self._shared_code_failed = True
            raise
        except AwsProblem as problem:
            # A trust policy may ask for a code that is newer than the one that is shared.
            self._shared_code_failed = problem.denied
            raise

    def _assume(self, way: MfaWay, code: Secret | None) -> Session:
        entered = replace(self._entered, mfa_way=way, mfa_code=code)
        caller = self._caller() if self._caller is not None else None
        with acting_as(self._workspace, caller, self._clock) as acting:
            return assume(acting, entered, mfa_sessions=self._shares, clock=self._clock)


# Browsing as a session: its account, opened anew with its credentials.


def open_as(
    acting: Workspace, session: Session, choice: SourceChoice, report: ProgressReport, cancelled: Callable[[], bool]
) -> Workspace:
    """The account of a session, opened with its credentials. Blocking; see `open_source`.

    Args:
        acting: what `as_session` made of the account that the session was assumed from.

    Raises:
        Problem: the account cannot be read as this session; in the demo, it is another account.
    """

    def dressed(workspace: Workspace) -> Workspace:
        role = session.role_arn.rsplit("/", 1)[-1]
        source = msgspec.structs.replace(workspace.source, acting_as=role, session_key=choice.session_key)
        if workspace.source.kind is SourceKind.LIVE:
            of_profile = {"profile": choice.profile or "", "read_through": session.role_arn}
            source = msgspec.structs.replace(source, label=f"session of {role}", **of_profile)
        return replace(workspace, source=source, caller_extras=session.extras)

    def reported(progress: Progress) -> None:
        part = dressed(progress.part) if progress.part is not None else None
        report(progress._replace(part=part))

    if acting.source.kind is not SourceKind.DEMO:
        assert acting.connection is not None
        return dressed(open_connected(acting.connection, choice, reported, cancelled))
    if session.account != acting.account.id:
        raise Problem(
            f"The demo has no account {session.account}, only {acting.account.id}.",
            "Browse as the session of a role of that account.",
        )
    return dressed(acting)


# The AWS console for a session: what both doors do with AWS's sign-in.


def open_console(
    workspace: Workspace,
    session: Session,
    *,
    wanted: str = "",
    seconds: int | None = None,
    regional: bool = False,
    clock: Clock = utc_now,
) -> SignIn:
    """A sign-in URL for a session. Blocking; see `iamtui.credentials.console_url.sign_in`.

    Raises:
        Problem: the session has no console, or AWS's sign-in refuses or cannot be reached.
    """
    connection = workspace.connection
    return sign_in(
        session,
        wanted=wanted,
        seconds=seconds,
        regional=regional,
        ca_bundle=connection.ca_bundle() if connection is not None and not session.demo else "",
        clock=clock,
    )
