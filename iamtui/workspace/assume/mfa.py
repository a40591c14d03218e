"""MfaSessions: one MFA code for several roles, by the session that sts:GetSessionToken gives for it.

A code works once, and every sts:AssumeRole that a trust policy wants MFA for would need one. sts:GetSessionToken
turns one code into a session of the caller that carries the MFA (IAM User Guide: Secure API access with MFA); roles
are then assumed as that session. What it cannot give is more than one hour (its credentials are temporary, so the
limit of role chaining holds), or a fresh aws:MultiFactorAuthAge. Then a code goes with the call itself.

A door keeps one `MfaSessions` for as long as it runs:

    choice = sessions.choice(workspace, entered)     # in a worker: does a session serve? says how and why
    ...                                              # ask for a code unless choice.way is MfaWay.REUSED
    entered = replace(entered, mfa_way=choice.way, mfa_code=code)
    session = assume(workspace, entered, mfa_sessions=sessions)
    ...
    sessions.forget_all()                            # on drop all, lock and exit
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from iamtui.account.model import Known, Missing, User
from iamtui.aws.errors import AwsProblem
from iamtui.credentials.assume_role import (
    CHAINED_SECONDS,
    LEAST_LEFT,
    AssumeRoleInput,
    MfaSession,
    MfaWay,
    start_mfa_session,
)
from iamtui.credentials.session import Clock, utc_now
from iamtui.engine.request import PrincipalKind, principal_from_text
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.sources.on_demand_facts import mfa_serials
from iamtui.workspace.assume.assume_decision import FRESH_CODE, MfaProof, decide_so_far, is_temporary, is_worse
from iamtui.workspace.source.workspace import SourceKind, Workspace

DEFAULT_SECONDS: Final = 3600
"""Default seconds of a shared session: as long as the roles that are assumed with it."""


class MfaCodeNeeded(Problem):
    """No shared session proves the MFA (any more): a code must be entered."""


@dataclass(frozen=True, slots=True)
class MfaChoice:
    """How the MFA of one call is proved.

    Args:
        way: what to do; only REUSED needs no code.
        session: the session that serves, for REUSED; else None.
        proof: what it puts into the request now; None unless REUSED.
        note: why so, one sentence for a form. For REUSED `reuse_words` says it with the time left now.
        has_device: whether the caller can have an MFA device at all: a role's session has none.
    """

    way: MfaWay
    session: MfaSession | None = None
    note: str = ""
    proof: MfaProof | None = None
    has_device: bool = True

    @property
    def needs_code(self) -> bool:
        """True where the user must enter a code."""
        return self.has_device and self.way is not MfaWay.REUSED


def reuse_words(session: MfaSession, now: datetime | None = None) -> str:
    """That a code is reused and for how long: "The code from 10:02 is reused, 43 min left." In local time."""
    minutes = session.time_left(now) // timedelta(minutes=1)
    return f"The code from {_local_time(session)} is reused, {minutes} min left."


def _local_time(session: MfaSession) -> str:
    try:
        return f"{session.code_at.astimezone():%H:%M}"
    except (OverflowError, OSError, ValueError):
        return "earlier"


@dataclass(frozen=True, slots=True)
class _SessionOwner:
    """Key of a shared session: caller and endpoint, as what AWS gave never goes to another endpoint."""

    where: str
    caller_arn: str


def _key(workspace: Workspace) -> _SessionOwner | None:
    caller = workspace.account.caller_arn.value_or("")
    if not caller or workspace.connection is None:
        return None
    where = "demo" if workspace.source.kind is SourceKind.DEMO else workspace.connection.endpoint_url
    return _SessionOwner(where, caller)


class MfaSessions:
    """The MFA sessions of a running program, in memory only: at most one for each caller and device. Thread-safe.

    Args:
        seconds: how long a new one shall live, 900 to 129,600 (the setting assume.mfa_seconds).
        clock: the local time.
    """

    def __init__(self, seconds: int = DEFAULT_SECONDS, clock: Clock = utc_now) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[_SessionOwner, dict[str, MfaSession]] = {}
        self._refused: dict[_SessionOwner, str] = {}
        self._generation = 0

    def found(self, workspace: Workspace, serial: str = "") -> MfaSession | None:
        """The session that proves the MFA of this workspace's caller, or None.

        Args:
            serial: of one device; "" for any, as a trust policy asks for MFA and not for a device.
        """
        key = _key(workspace)
        now = self._clock()
        with self._lock:
            sessions = self._held.get(key, {}) if key is not None else {}
            for device, session in list(sessions.items()):
                if session.time_left(now) < LEAST_LEFT:
                    del sessions[device]
            fitting = [session for device, session in sessions.items() if serial in ("", device)]
        return max(fitting, key=lambda session: session.expires_at, default=None)

    def choice(self, workspace: Workspace, entered: AssumeRoleInput) -> MfaChoice:
        """How the MFA of this call is best proved. Asks only our own engine, but may fetch credentials: for a worker.

        Args:
            entered: what has been entered so far. With a code in it, the code is used and no session reused.
        """
        caller = workspace.account.caller_arn
        if isinstance(caller, Known) and _kind(caller.value) is PrincipalKind.ROLE_SESSION:
            return MfaChoice(MfaWay.DIRECT, note=_NO_DEVICE, has_device=False)
        # Why a shared session is out of the question, one sentence, or "".
        key = _key(workspace)
        if key is None:
            why = _UNKNOWN_CALLER
        elif entered.duration_seconds > CHAINED_SECONDS:
            why = "More than 1 hour needs a code in the call itself: a code for several roles gives 1 hour at most."
        elif _kind(key.caller_arn) is not PrincipalKind.USER or is_temporary(workspace) is not False:
            why = "The code serves this call alone: only access keys of a user can have one code for several roles."
        else:
            with self._lock:
                refused = self._refused.get(key, "")
            why = f"The code serves this call alone: {refused}." if refused else ""
        if why:
            return MfaChoice(MfaWay.DIRECT, note=why)
        session = None if entered.mfa_code else self.found(workspace, entered.mfa_serial)
        if session is None:
            return MfaChoice(MfaWay.SHARED, note="The code also serves the next roles that you assume.")
        now = self._clock()
        proof = MfaProof(int(session.age(now).total_seconds()), by_session=True)
        # Where our own answer is worse with a shared session than with a code in the call.
        shared, direct = (decide_so_far(workspace, entered, by) for by in (proof, FRESH_CODE))
        if shared is not None and direct is not None and is_worse(shared, direct):
            return MfaChoice(
                MfaWay.DIRECT,
                note=f"The code from {_local_time(session)} is too old for this role; a new one serves only this call.",
            )
        return MfaChoice(MfaWay.REUSED, session, reuse_words(session, now), proof)

    def start(self, workspace: Workspace, serial: str, code: Secret) -> MfaSession:
        """Start a session with a code, in the place of the one of this device. Blocking.

        Raises:
            Problem: STS refuses or cannot be reached; says why. The code may have been used up.
        """
        key = _key(workspace)
        if key is None or workspace.connection is None:
            raise Problem(_UNKNOWN_CALLER, "Send the code with the call itself.")
        with self._lock:
            generation = self._generation
        try:
            session = start_mfa_session(
                workspace.connection,
                caller_arn=key.caller_arn,
                serial=serial,
                code=code,
                seconds=self._seconds,
                clock=self._clock,
            )
        except AwsProblem as problem:
            if problem.denied and not problem.wrong_mfa_code:
                with self._lock:
                    self._refused[key] = "STS refused this caller a session for several roles"
            raise
        with self._lock:
            # What was forgotten meanwhile stays forgotten, and serves only the call that it was started for.
            if generation == self._generation:
                self._held.setdefault(key, {})[serial] = session
        return session

    def forget(self, session: MfaSession) -> None:
        with self._lock:
            for sessions in self._held.values():
                if sessions.get(session.serial) is session:
                    session.wipe()
                    del sessions[session.serial]

    def forget_all(self) -> None:
        """Forget every session: on drop all, lock and exit. One that is being started is not kept either."""
        with self._lock:
            self._generation += 1
            for sessions in self._held.values():
                for session in sessions.values():
                    session.wipe()
            self._held.clear()
            self._refused.clear()

    def live(self) -> tuple[MfaSession, ...]:
        """The sessions that would still be used, for a list."""
        now = self._clock()
        with self._lock:
            held = [session for sessions in self._held.values() for session in sessions.values()]
        return tuple(session for session in held if session.time_left(now) >= LEAST_LEFT)


_UNKNOWN_CALLER: Final = "The code serves this call alone: who is calling is not known."


_NO_DEVICE: Final = "You act as a role's session, which has no MFA device: assume this role from your own credentials."


def _kind(arn: str) -> PrincipalKind | None:
    try:
        return principal_from_text(arn).kind
    except ValueError:
        return None


# The MFA devices of the caller: from the account's data, else asked for in the caller's own name.


_NO_CODES: Final = ":u2f/"
"""In the ARN of a FIDO security key, which shows no code: only a browser can use it (IAM User Guide: MFA)."""


@dataclass(frozen=True, slots=True)
class MfaDevices:
    """The devices whose code the caller can give.

    Args:
        serials: serial numbers or ARNs, in AWS's order.
        note: why there is none, or why they are not known, one sentence; "" when there is one.
        asked: whether AWS was asked; False when the account's data says it, or nobody can be asked.
    """

    serials: tuple[str, ...] = ()
    note: str = ""
    asked: bool = False


def known_mfa_devices(workspace: Workspace) -> MfaDevices | None:
    """The caller's devices in the account's data; None without any data. Makes no call."""
    user = workspace.account.by_arn(workspace.account.caller_arn.value_or(""))
    if not isinstance(user, User) or isinstance(user.mfa_devices, Missing):
        return None
    return _devices(tuple(device.serial for device in user.mfa_devices.value), asked=False)


def find_mfa_devices(workspace: Workspace) -> MfaDevices:
    """The caller's devices: from the account's data, else by iam:ListMFADevices. Blocking.

    Never raises: what cannot be found out is in `note`, and the user can enter the device.
    """
    known = known_mfa_devices(workspace)
    if known is not None:
        return known
    caller = workspace.account.caller_arn
    if isinstance(caller, Missing) or workspace.connection is None:
        return MfaDevices(note="Who is calling is not known, so enter the device: its serial number or ARN.")
    name = _user_name(caller.value)
    if not name:
        return MfaDevices(note="The caller is not a user, and only users and the root user have MFA devices.")
    try:
        serials = mfa_serials(workspace.connection, name)
    except Problem as problem:
        denied = isinstance(problem, AwsProblem) and problem.denied
        why = "you may not call iam:ListMFADevices" if denied else problem.sentence.rstrip(".")
        return MfaDevices(note=f"Your device is not known ({why}): enter its serial number or ARN.", asked=True)
    return _devices(serials, asked=True)


def _devices(serials: tuple[str, ...], *, asked: bool) -> MfaDevices:
    usable = tuple(serial for serial in serials if serial and _NO_CODES not in serial)
    if usable:
        return MfaDevices(usable, asked=asked)
    if serials:
        return MfaDevices(note="Your only MFA device is a security key, which STS takes no codes from.", asked=asked)
    return MfaDevices(note="You have no MFA device.", asked=asked)


def _user_name(arn: str) -> str:
    try:
        principal = principal_from_text(arn)
    except ValueError:
        return ""
    return arn.rsplit("/", 1)[-1] if principal.kind is PrincipalKind.USER else ""
