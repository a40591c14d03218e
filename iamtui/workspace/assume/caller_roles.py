"""The roles that a workspace's own caller may assume, also by chains of roles and in accounts that are not open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from iamtui.engine.decision import Decision
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.problem import Problem
from iamtui.workspace.ask.trust import (
    POSSIBLE,
    Chain,
    TrustEdge,
    Trustee,
    by_principal,
    certain_first,
    chains_from,
    every_edge,
)
from iamtui.workspace.assume.assume_decision import decide_before_entering
from iamtui.workspace.assume.remembered_assume_input import named_in_policies
from iamtui.workspace.source.principals import caller_principal
from iamtui.workspace.source.workspace import Workspace


class RolesOfCaller(NamedTuple):
    """Roles that a workspace's own caller may assume.

    Args:
        caller: who that is.
        chains: a shortest chain to each role of the accounts that are open.
        elsewhere: the answers for roles whose trust policy is not here, as far as policies name them in full.
        gap: why longer chains were not followed, a sentence; "" where they were.
    """

    caller: Principal
    chains: tuple[Chain, ...]
    elsewhere: tuple[Decision, ...]
    gap: str = ""


def roles_of_caller(workspace: Workspace, cancelled: Callable[[], bool] = lambda: False) -> RolesOfCaller | None:
    """The roles that the workspace's own caller may assume, as the assume form answers before anything is entered.

    A session's own policies count for the roles that it assumes itself. None: who is calling is not known.
    """
    caller = caller_principal(workspace)
    if caller is None:
        return None
    kind = Trustee.USER if caller.kind is PrincipalKind.USER else Trustee.ROLE
    if all(account.id != caller.account for account in workspace.accounts):
        kind = Trustee.OTHER_ACCOUNT
    own = []
    for role in (role for account in workspace.accounts for role in account.roles):
        if cancelled():
            break
        decision = decide_before_entering(workspace, role.arn)
        if decision is not None and decision.outcome in POSSIBLE:
            own.append(TrustEdge(kind, caller, role, decision.request.action, decision, caller.arn))
    gap, edges = "", {}
    try:
        edges = dict(by_principal(every_edge(workspace, cancelled)))
    except Problem as problem:
        gap = problem.sentence
    edges[caller.arn] = certain_first(own)
    answers = (decide_before_entering(workspace, arn) for arn in _named_elsewhere(workspace))
    elsewhere = tuple(found for found in answers if found is not None and found.outcome in POSSIBLE)
    return RolesOfCaller(caller, tuple(chains_from(caller, edges)), elsewhere, gap)


def _named_elsewhere(workspace: Workspace) -> Iterator[str]:
    """The roles that policies of the account allow to assume, and that are in no account as far as it was read."""
    complete = {account.id for account in workspace.accounts if account.why_unlisted("roles") is None}
    for arn in named_in_policies(workspace.account):
        known = any(account.by_arn(arn) is not None for account in workspace.accounts)
        if not known and arn.split(":", 5)[4] not in complete:
            yield arn
