"""Getting an account's policies ready to be asked about, in a thread, without the screen noticing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Final

from iamtui.account.model import Account
from iamtui.tui.garbage import making
from iamtui.workspace.workspace import Workspace

_TURN_SECONDS: Final = 0.002
"""How long the thread works before it lets the screen have a turn, and how long it then waits."""

_COMPILED: Final = "everybody's policies are compiled"


def compile_all(workspace: Workspace, cancelled: Callable[[], bool]) -> None:
    """Compile the policies of every user and role, so that the first question need not wait; stops when cancelled.

    It has time: it works no more than half of it, and what is asked meanwhile is answered as ever.
    """
    from iamtui.workspace.questions.asking import make_ready  # noqa: PLC0415 - the engine is not loaded before the first frame

    if workspace.account.memo.get(_COMPILED):
        return
    with few_pauses(workspace.account):
        turn = monotonic()
        for _ in make_ready(workspace):
            if cancelled():
                return
            if monotonic() - turn >= _TURN_SECONDS:
                sleep(_TURN_SECONDS)
                turn = monotonic()


@contextmanager
def few_pauses(account: Account) -> Iterator[None]:
    """Keep the garbage collector from pausing the screen while the account's policies are compiled, or all are asked.

    What is compiled is kept for as long as the account is, so looking through it for garbage, which takes half a
    second for six thousand principals, finds none; afterwards it is left out of the collector's rounds.
    """
    with making(stays=not account.memo.get(_COMPILED)):
        yield
        account.memo[_COMPILED] = True
