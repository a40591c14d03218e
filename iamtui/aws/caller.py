"""Caller of a connection: whose its credentials are, that renewed ones are of the same account, and no core dumps."""

from __future__ import annotations

import ctypes
import resource
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Annotated, Any, Final

import msgspec

from iamtui.aws.errors import AwsProblem
from iamtui.aws.retries import STOPPED
from iamtui.problem import Problem

OTHER_ACCOUNT: Final = "OtherAccount"
"""The code of the AwsProblem of a call that was not made, because its credentials may be of another account."""


class CallerIdentity(msgspec.Struct, frozen=True, rename="pascal"):
    """Response of sts:GetCallerIdentity."""

    arn: Annotated[str, msgspec.Meta(pattern=r"^arn:[^:]+:(iam|sts)::")]
    account: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{12}\Z")]
    user_id: str = ""

    @property
    def partition(self) -> str:
        return self.arn.split(":")[1]


class OneAccount(msgspec.Struct, eq=False):
    """The account of a connection, and of each access key that its credentials have had. Thread-safe.

    A credential_process, a sign-in or a role can give keys of another account at any renewal. So each key but the
    first is asked about once, before anything is sent with it.
    """

    _lock: Any = msgspec.field(default_factory=threading.RLock)
    _caller: CallerIdentity | None = None
    _key: str = ""
    _has_read: bool = False
    _by_key: dict[str, CallerIdentity | None] = msgspec.field(default_factory=dict)
    """Caller by access key id; None: STS does not name one."""

    def check(self, key: str, ask: Callable[[], CallerIdentity]) -> None:
        """Refuse an access key of another account than the first one's.

        Args:
            ask: who the key belongs to; called once for each key.

        Raises:
            AwsProblem: it is of another account, or perhaps so.
        """
        with self._lock:
            self._has_read = True
            self._key = self._key or key
            if key == self._key:
                return
            if key not in self._by_key:
                self._by_key[key] = self._asked(ask)
            self._refuse_other(self._by_key[key])

    def _asked(self, ask: Callable[[], CallerIdentity]) -> CallerIdentity | None:
        try:
            return ask()
        except AwsProblem as problem:
            if problem.bad_credentials or problem.throttled or problem.code == STOPPED:
                raise
            if problem.may_pass:
                self._refuse_other(None)
            return None
        except Problem:
            return None

    def begin_asking(self, key: str) -> None:
        """Note the access key id of a sts:GetCallerIdentity call that is about to be made, which any key may make."""
        with self._lock:
            if self._caller is None and not self._has_read:
                self._key = key

    def name(self, key: str, caller: CallerIdentity) -> None:
        """Note the caller of an access key; the first key's caller gives the connection's account.

        Raises:
            AwsProblem: it is of another account, or perhaps so.
        """
        with self._lock:
            self._by_key[key] = caller
            if self._caller is None and key == self._key:
                self._caller = caller
            self._refuse_other(caller)

    def is_also_of(self, other: OneAccount) -> bool:
        """True if two connections surely read the same account: by STS, or because they have the same key."""
        if self._caller is not None and other._caller is not None:
            return _account(self._caller) == _account(other._caller)
        return bool(self._key) and self._key == other._key

    def _refuse_other(self, now: CallerIdentity | None) -> None:
        own = self._caller
        if now is not None and own is not None and _account(now) == _account(own):
            return
        with_partition = now is not None and own is not None and now.account == own.account
        this = f"this account is {_shown(own, with_partition)}" if own else "which account this is, is not known"
        theirs = f"account {_shown(now, with_partition)}" if now else "an account that STS does not name"
        raise AwsProblem(
            f"The credentials now belong to {theirs}; {this}. Nothing else was asked.",
            "Open the account anew (P), or run the command again.",
            code=OTHER_ACCOUNT,
        )


def _account(caller: CallerIdentity) -> tuple[str, str]:
    return caller.partition, caller.account


def _shown(caller: CallerIdentity, with_partition: bool) -> str:
    return f"{caller.account} ({caller.partition})" if with_partition else caller.account


# Keeping the secrets of this process out of core dumps, and out of other processes' reach.


_PR_SET_DUMPABLE: Final = 4
"""prctl(2)."""


def forbid_core_dumps() -> None:
    """Write no core dump if this process crashes, and let no other process of the same user attach to it.

    Best effort: RLIMIT_CORE is set to 0 (the soft limit, which a child may raise again) where there is one, and on
    Linux the process is marked as not dumpable, which a program that is started from here does not inherit. Python
    cannot wipe a text from memory, and nothing here keeps root out. May be called more than once.
    """
    with suppress(OSError, ValueError):
        _soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            _libc().prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


@cache
def _libc() -> ctypes.CDLL:
    """The C library, loaded once: each loading makes classes that only the garbage collector takes away."""
    return ctypes.CDLL(None)
