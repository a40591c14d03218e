"""Statements of an account that AWS would refuse, said once beside answers about many principals or actions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from iamtui.account.model import Account
from iamtui.account.snapshot_reader import collector_paused
from iamtui.engine.request import NamedPolicy, NotEvaluated, Principal
from iamtui.policy.document import PolicyDocument, Statement
from iamtui.policy.malformed import fault_of, may_mean
from iamtui.policy.statement import ActionElement, action_name
from iamtui.questions.policies_in_force import principal_policies
from iamtui.text import safe_text
from iamtui.workspace.inventory import documents_in

_MOST_NAMED: Final = 3


class _Refused(NamedTuple):
    """A statement with the policy that it stands in, and what AWS would refuse of it."""

    where: str
    document: PolicyDocument
    statement: Statement
    fault: str

    def may_be_about(self, actions: Sequence[str]) -> bool:
        """Whether it is about one of some actions, or its author may have meant it to be."""
        entries = self.statement.actions or self.statement.not_actions or ()
        element = ActionElement(entries, negated=self.statement.not_actions is not None)
        for action in map(action_name, actions):
            if element.matches(action) or any(may_mean(entry, action.service, action.name) for entry in entries):
                return True
        return False


def refused_statements(account: Account, actions: Sequence[str] = (), principal: Principal | None = None) -> str:
    """One sentence on what AWS would refuse of the policies that answers rest on, safe to show; "" for nothing.

    Args:
        actions: only of statements that may be about one of these; empty: about any.
        principal: only of policies of this principal and of the SCPs above it; None: of all in the account.
    """
    found = account.memo.get("refused statements")
    if found is None:
        # Each document is parsed for it, which stays with the account.
        with collector_paused(stays=True):
            found = account.memo["refused statements"] = tuple(_refused(account))
    if principal is not None and found:
        own = principal_policies(account, principal)
        levels = () if isinstance(own.scps, NotEvaluated) else own.scps
        policies = (*own.identity, *own.boundaries, *(policy for level in levels for policy in level.policies))
        documents = {policy.document for policy in policies if isinstance(policy, NamedPolicy)}
        found = tuple(one for one in found if one.document in documents)
    words = [f"{one.where} {one.fault}" for one in found if not actions or one.may_be_about(actions)]
    if not words:
        return ""
    more = f"; {len(words) - _MOST_NAMED:,} more" if len(words) > _MOST_NAMED else ""
    named = "; ".join(words[:_MOST_NAMED])
    return f"What AWS does with statements that it would refuse cannot be proved: {named}{more}."


def _refused(account: Account) -> Iterator[_Refused]:
    for name, policy_type, document in documents_in(account):
        for statement in document.policy.statements if document.error is None else ():
            fault = fault_of(statement, policy_type)
            if fault:
                which = safe_text(statement.sid, limit=64) if statement.sid else f"statement {statement.index + 1}"
                yield _Refused(f"{which} of {safe_text(name, limit=128)}", document, statement, fault)
