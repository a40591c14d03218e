"""Privilege escalation: who can become administrator, by which steps, and which single statement closes the most paths.

Every step is decided by the engine on the real resource, after conditions, boundaries, SCPs and RCPs, with the trust
policy of the role. What a step changes is taken as changed by the steps after it: a user or role that can be given any
policy, freed of its boundary or put into a group is looked at as it is then. The search goes back from the
administrators.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Final

from iamtui.account.model import Account
from iamtui.engine.policy_holders import places
from iamtui.workspace.escalation_round import EscalationRound, Reached
from iamtui.workspace.escalation_states import AccountStates, State
from iamtui.workspace.escalation_steps import Escalation, EscalationReport, closing_statements
from iamtui.workspace.workspace import Workspace

_KEPT: Final = "escalations"
_SEARCHED: Final = "escalations are searched"
_LOOK_SECONDS: Final = 0.05


def find_escalations(workspace: Workspace, cancelled: Callable[[], bool] = lambda: False) -> EscalationReport:
    """Everybody who can become administrator, certain paths before possible ones, else in the account's order.

    What is found is kept with the account; threads that ask for it meanwhile wait for the first. Cancelled, it ends
    soon, with a part of them.
    """
    memo = workspace.account.memo
    lock: Lock = memo.setdefault(_SEARCHED, Lock())
    while not lock.acquire(timeout=_LOOK_SECONDS):
        if cancelled():
            return EscalationReport((), ())
    try:
        found: EscalationReport = memo.get(_KEPT) or _find(workspace, cancelled)
        if not cancelled():
            memo[_KEPT] = found
        return found
    finally:
        lock.release()


def kept_escalations(account: Account) -> EscalationReport | None:
    """What `find_escalations` found in an account; None where it did not search to the end."""
    return account.memo.get(_KEPT)


def _find(workspace: Workspace, cancelled: Callable[[], bool]) -> EscalationReport:
    search = EscalationSearch(workspace, cancelled)
    try:
        return search.report(search.reach(certain=True), search.reach(certain=False))
    finally:
        search.forget()


class EscalationSearch:
    """The search over one account; what was decided is kept for both rounds."""

    def __init__(self, workspace: Workspace, cancelled: Callable[[], bool] = lambda: False) -> None:
        self._cancelled = cancelled
        self._states = AccountStates(workspace)
        self._entities = workspace.account.principals
        found = self._states.rights(State.AS_IS).administrators
        self.administrators = frozenset(self._entities[place].arn for place in places(found))
        self._left_out: dict[str, None] = {}

    def forget(self) -> None:
        """Free what was kept for the rounds."""
        self._states.forget()

    def report(self, certain: Reached, possible: Reached) -> EscalationReport:
        """What was found, of what was reached in both rounds."""
        found = [
            Escalation(entity, certain.get(entity.arn) or possible[entity.arn])
            for entity in self._entities
            if entity.arn in possible and entity.arn not in self.administrators
        ]
        found.sort(key=lambda one: not one.certain)
        administrators = tuple(entity for entity in self._entities if entity.arn in self.administrators)
        return EscalationReport(
            administrators,
            tuple(found),
            closing_statements(found),
            tuple({**self._left_out, **self._states.names.left_out}),
        )

    def reach(self, *, certain: bool, elsewhere: Reached | None = None) -> Reached:
        """Everybody who becomes administrator.

        Args:
            elsewhere: the moves of those who become administrator of another account.
        """
        known = {**(elsewhere or {}), **dict.fromkeys(self.administrators, ())}
        search = EscalationRound(self._states, known, certain=certain, cancelled=self._cancelled)
        found = search.run()
        self._left_out.update(dict.fromkeys(search.left_out))
        return found
