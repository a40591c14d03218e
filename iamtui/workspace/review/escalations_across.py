"""Privilege escalation across accounts: who becomes administrator of another account that is open, by its roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from iamtui.account.model import Role
from iamtui.catalog.escalation_paths import USES
from iamtui.engine.decision import Outcome
from iamtui.workspace.ask.trust import TrustEdge, Trustee, TrustReader
from iamtui.workspace.review.escalation_round import Reached
from iamtui.workspace.review.escalation_steps import EscalationReport, EscalationStep, Move
from iamtui.workspace.review.escalations import EscalationSearch
from iamtui.workspace.source.workspace import Workspace

_ASSUMING: Final = next(path for path in USES if path.id == "sts-001")


def find_escalations_across(
    workspace: Workspace, cancelled: Callable[[], bool] = lambda: False
) -> tuple[EscalationReport, ...]:
    """Who can become administrator of an account that is open, by account; as `find_escalations` for one alone.

    Whoever can assume a role of another account that is, or becomes, administrator there, is found as well, and so is
    who gets the rights of these.
    """
    search = _SearchAcross(workspace, cancelled)
    certain, possible = search.reach(certain=True), search.reach(certain=False)
    return tuple(one.report(certain[id_], possible[id_]) for id_, one in search.by_account.items())


class _SearchAcross:
    def __init__(self, workspace: Workspace, cancelled: Callable[[], bool]) -> None:
        self._workspace = workspace
        self._cancelled = cancelled
        ids = [account.id for account in workspace.accounts]
        self.by_account = {id_: EscalationSearch(workspace.at(id_), cancelled) for id_ in ids}
        self._readers = {id_: TrustReader(workspace.at(id_)) for id_ in ids}
        self._edges: dict[str, tuple[TrustEdge, ...]] = {}

    def reach(self, *, certain: bool) -> dict[str, Reached]:
        reached = {id_: search.reach(certain=certain) for id_, search in self.by_account.items()}
        elsewhere: dict[str, dict[str, tuple[Move, ...]]] = {id_: {} for id_ in reached}
        looked_at: set[str] = set()
        while True:
            grown: set[str] = set()
            new = {arn: moves for found in reached.values() for arn, moves in found.items() if arn not in looked_at}
            looked_at.update(new)
            for arn, moves in new.items():
                for edge in self._from_elsewhere(arn):
                    account, who = edge.principal.account or "", edge.principal.arn
                    is_certain = edge.decision.outcome is Outcome.ALLOWED
                    if (is_certain or not certain) and who not in reached[account] and who not in elsewhere[account]:
                        step = EscalationStep("sts:AssumeRole", arn, edge.decision)
                        elsewhere[account][who] = (Move(_ASSUMING, who, arn, (step,), becomes=arn), *moves)
                        grown.add(account)
            if not grown or self._cancelled():
                return reached
            for account in grown:
                search = self.by_account[account]
                reached[account] = search.reach(certain=certain, elsewhere=elsewhere[account])

    def _from_elsewhere(self, arn: str) -> tuple[TrustEdge, ...]:
        """Which users and roles of the other accounts may assume a role, or may on a condition."""
        found = self._edges.get(arn)
        if found is None:
            found = self._edges[arn] = tuple(self._read(arn))
        return found

    def _read(self, arn: str) -> Iterator[TrustEdge]:
        account = arn.split(":", 5)[4]
        role = self._workspace.at(account).account.by_arn(arn)
        if isinstance(role, Role):
            for edge in self._readers[account].edges(role, self._cancelled, inside=False):
                if edge.trustee in (Trustee.USER, Trustee.ROLE) and edge.action == "sts:AssumeRole":
                    yield edge
