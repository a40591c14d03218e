"""Assuming a role: our own trust check, STS, proof of who one has become; its renewal, its account and its console."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime

import msgspec

from iamtui.account.model import Known
from iamtui.aws.errors import AwsProblem
from iamtui.credentials.assume_role import AssumeRoleInput, InvalidRequest, MfaSession, MfaWay, assume_role
from iamtui.credentials.console_url import SignIn, sign_in
from iamtui.credentials.export_values import exportable
from iamtui.credentials.session import Clock, Session, utc_now
from iamtui.engine.decision import Outcome
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.workspace.assume.assume_decision import (
    FRESH_CODE,
    MfaProof,
    decide_as_entered,
    demo_refusal,
    explained,
    open_in_the_demo,
    read_refusal,
    role_of,
    through_session,
    with_code_used,
)
from iamtui.workspace.assume.assume_plan import (
    NO_CONNECTION,
    AssumePlan,
    check_input,
    input_problems,
    longest_session,
)
from iamtui.workspace.assume.mfa import MfaCodeNeeded, MfaSessions
from iamtui.workspace.source.opening import open_connected
from iamtui.workspace.source.workspace import Progress, ProgressReport, SourceChoice, SourceKind, Workspace


def assume(
    workspace: Workspace,
    entered: AssumeRoleInput,
    *,
    plan: AssumePlan | None = None,
    mfa_sessions: MfaSessions | None = None,
    clock: Clock = utc_now,
) -> Session:
    """Call sts:AssumeRole and then GetCallerIdentity with the new credentials. Blocking.

    Args:
        plan: what `plan_assume` said of this input, and as this caller; what it answers is not asked again.
        mfa_sessions: those of the running program, where `entered.mfa_way` is SHARED or REUSED.
        clock: the local time.

    Raises:
        MfaCodeNeeded: a shared MFA session was to be reused, and none serves (any more).
        Problem: refused by our own check (demo), by validation, or by STS; says why and what to do.
    """
    if workspace.connection is None:
        raise Problem(NO_CONNECTION, "Open the account with --profile, or the demo with --demo.")
    _check(workspace, entered, plan)
    reused = _session_to_reuse(workspace, entered, mfa_sessions)
    proof = _proof(entered, reused, clock)
    if workspace.source.kind is SourceKind.DEMO and not _allows(plan):
        decision = decide_as_entered(workspace, entered, proof)
        refusal = demo_refusal(workspace, entered.role_arn, decision) or open_in_the_demo(decision)
        if refusal:
            raise Problem(refusal, read_refusal(workspace, entered, proof, decision).next_step)
    through = reused or _started_session(workspace, entered, mfa_sessions)
    caller = workspace.account.caller_arn
    own = nullcontext(workspace.connection) if through is None else through.connection(workspace.connection)
    try:
        with own as connection:
            session = assume_role(
                connection,
                entered,
                source_arn=caller.value if isinstance(caller, Known) else "",
                demo=workspace.source.kind is SourceKind.DEMO,
                clock=clock,
            )
    except AwsProblem as problem:
        failure: Problem = problem
        if problem.denied and not problem.wrong_mfa_code:
            decision = decide_as_entered(workspace, entered, proof)
            failure = explained(problem, read_refusal(workspace, entered, proof, decision, problem.sentence))
        elif through is not None and problem.bad_credentials:
            assert mfa_sessions is not None
            mfa_sessions.forget(through)
            failure = MfaCodeNeeded(
                "AWS does not accept the shared MFA session any more.", "Enter a new code, which starts another."
            )
        elif workspace.connection.has_own_keys:
            failure = through_session(problem)
        if problem.unanswered and entered.mfa_code:
            failure = with_code_used(failure)
    else:
        extras = workspace.caller_extras.inherited_by(entered.extras)
        return replace(session, region=workspace.source.region or session.region, extras=extras)
    raise failure.with_traceback(None)


def _check(workspace: Workspace, entered: AssumeRoleInput, plan: AssumePlan | None) -> None:
    if plan is not None:
        problems = check_input(plan, entered)
    else:
        longest = longest_session(workspace, role_of(workspace, entered.role_arn))
        problems = input_problems(entered, *longest, workspace.caller_extras)
    if problems:
        raise InvalidRequest(problems)


def _allows(plan: AssumePlan | None) -> bool:
    """True where a plan allows a call, whatever it left open. The MFA of a session that is reused has grown older."""
    if plan is None or plan.decision is None or (plan.mfa is not None and plan.mfa.session is not None):
        return False
    return plan.decision.outcome is Outcome.ALLOWED


def _session_to_reuse(
    workspace: Workspace, entered: AssumeRoleInput, mfa_sessions: MfaSessions | None
) -> MfaSession | None:
    if entered.mfa_way is not MfaWay.REUSED:
        return None
    session = mfa_sessions.found(workspace, entered.mfa_serial) if mfa_sessions is not None else None
    if session is None:
        raise MfaCodeNeeded("The MFA code that was to be reused is too old.", "Enter a new code.")
    return session


def _started_session(
    workspace: Workspace, entered: AssumeRoleInput, mfa_sessions: MfaSessions | None
) -> MfaSession | None:
    if entered.mfa_way is not MfaWay.SHARED or entered.mfa_code is None:
        return None
    if mfa_sessions is None:
        raise ValueError("an MFA code is to be shared, and no MfaSessions were given")
    try:
        return mfa_sessions.start(workspace, entered.mfa_serial, entered.mfa_code)
    except AwsProblem as problem:
        if not problem.unanswered:
            raise
        failure = with_code_used(problem)
    raise failure.with_traceback(None)


def _proof(entered: AssumeRoleInput, reused: MfaSession | None, clock: Clock) -> MfaProof | None:
    if reused is not None:
        return MfaProof(int(reused.age(clock()).total_seconds()), by_session=True)
    if not entered.mfa_code:
        return None
    return FRESH_CODE if entered.mfa_way is MfaWay.DIRECT else MfaProof(by_session=True)


# Role chaining: going on as a session that was just assumed.


def as_session(workspace: Workspace, session: Session, now: datetime | None = None) -> Workspace:
    """The same account, endpoint and region, with a session as the caller.

    Our own answers then are those for the session, which its session policies limit; where its account is another
    than the one that is loaded, what its own policies allow is unknown. What it assumes lasts one hour at most, which
    a plan says. `now` is the local time, UTC (default: the clock).

    Raises:
        Problem: the session has ended, is not who it should be, or there is no connection; it is of the demo and the
            account is not, or the other way round.
    """
    exportable(session, now)
    if workspace.connection is None:
        raise Problem("A snapshot comes without a connection to AWS.", "Open the account with --profile.")
    if session.demo is not (workspace.source.kind is SourceKind.DEMO):
        where = "the demo account" if session.demo else "AWS"
        raise Problem(
            f"The session of {session.role_arn} was assumed in {where}, and works nowhere else.",
            "Open the account that it was assumed from with g a, or choose another session.",
        )
    connection = session.connection(workspace.connection)
    arn = session.identity.arn if session.identity is not None else session_arn(session)
    account = replace(workspace.account, caller_arn=Known(arn))
    return replace(workspace, account=account, connection=connection, caller_extras=session.extras)


@contextmanager
def acting_as(workspace: Workspace, caller: Session | None, clock: Clock = utc_now) -> Iterator[Workspace]:
    """The workspace of a session, see `as_session`, whose connection is closed afterwards; None: its own caller."""
    if caller is None:
        yield workspace
        return
    acting = as_session(workspace, caller, clock())
    try:
        yield acting
    finally:
        if acting.connection is not None:
            acting.connection.close()


def session_arn(session: Session) -> str:
    """The ARN that STS gives the session of a role (IAM User Guide: IAM identifiers)."""
    partition, account = session.role_arn.split(":")[1], session.role_arn.split(":")[4]
    role = session.role_arn.rsplit("/", 1)[-1]
    return f"arn:{partition}:sts::{account}:assumed-role/{role}/{session.session_name}"


# Assuming a role again, as the caller that assumed it and with the same input.


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
