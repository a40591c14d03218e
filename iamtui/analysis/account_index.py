"""The compiled index of an account: which principals it holds, and a question about all of them."""

from __future__ import annotations

from iamtui.account.model import Account, Role, User
from iamtui.analysis.known_context import principal_context
from iamtui.analysis.policies_in_force import principal_policies
from iamtui.analysis.questions import Asker
from iamtui.evaluation.index import AccountIndex, IndexedPrincipal
from iamtui.evaluation.index_reading import IndexReading, Outcomes, is_read_here
from iamtui.evaluation.request import Principal, PrincipalKind


def principal_of(account: Account, entity: User | Role) -> Principal:
    """The Principal that asks when this user, or some session of this role, is meant; the same object each time.

    Whether a user comes with access keys or temporary credentials is left open, so that MFA and its kin stay
    conditions instead of being taken for absent.
    """
    key = ("principal", entity.arn)
    found = account.memo.get(key)
    if found is None:
        found = account.memo[key] = _principal_of(account.id, entity)
    assert isinstance(found, Principal)
    return found


def _principal_of(account: str, entity: User | Role) -> Principal:
    if isinstance(entity, User):
        return Principal(PrincipalKind.USER, entity.arn, account, unique_id=entity.id or None)
    return Principal(
        PrincipalKind.ROLE,
        entity.arn,
        account,
        role_arn=entity.arn,
        unique_id=entity.id or None,
        credentials="temporary",
    )


def account_index(account: Account) -> AccountIndex:
    """The index of an account, compiled when it is first asked for."""
    found = account.memo.get("index")
    if found is None:
        everyone: tuple[User | Role, ...] = (*account.users, *account.roles)
        found = account.memo["index"] = AccountIndex([_indexed(account, entity) for entity in everyone])
    assert isinstance(found, AccountIndex)
    return found


def _indexed(account: Account, entity: User | Role) -> IndexedPrincipal:
    principal = principal_of(account, entity)
    policies = principal_policies(account, principal)
    known = principal_context(account, principal)
    return IndexedPrincipal(principal, policies.identity, policies.boundaries, known.values, known.absent)


def outcomes(asker: Asker) -> Outcomes | None:
    """The decisions of everybody."""
    index = account_index(asker.account)
    if not index.principals:
        return None
    surrounded = asker.surrounded(index.principals[0].principal)
    if surrounded is None or not is_read_here(surrounded):
        return None
    return IndexReading(index, surrounded).outcomes(index.everyone)
