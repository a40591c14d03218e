"""The compiled index of an account's users and roles."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Final, NamedTuple

from iamtui.account.model import DRAFTED_FROM, Account, Role, User
from iamtui.account.snapshot_reader import collector_paused
from iamtui.engine.index import AccountIndex, IndexedPrincipal
from iamtui.engine.request import NamedPolicy, Principal, PrincipalKind
from iamtui.policy.statement import compile_policy
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.questions.account_facts import principal_context, principal_policies

_MANY: Final = 1000


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
    if known_index(account) is None:
        with collector_paused():
            for _ in compile_index(account):
                pass
            if len(account.users) + len(account.roles) > _MANY:
                # It stays as long as the account, and looking for garbage in it takes a third of the time to make it.
                gc.freeze()
    found = known_index(account)
    assert found is not None
    return found


def known_index(account: Account) -> AccountIndex | None:
    """The index of an account if it is compiled, or quickly made from that of the account below a draft."""
    found = account.memo.get("index")
    base = account.memo.get(DRAFTED_FROM)
    if found is None and isinstance(base, Account) and known_index(base) is not None:
        found = account.memo["index"] = _changed_by_draft(account, base)
        account.memo.pop(DRAFTED_FROM, None)
    assert found is None or isinstance(found, AccountIndex)
    return found


def make_index_ready(account: Account) -> Iterator[None]:
    """Compile the index of an account and all statements in it, step by step."""
    yield from compile_index(account)
    index = account_index(account)
    yield from index.identity.make_ready()
    yield from index.boundary.make_ready()


def compile_index(account: Account) -> Iterator[None]:
    """Compile the index of an account, one principal at each step."""
    if known_index(account) is not None:
        return
    everyone: tuple[User | Role, ...] = (*account.users, *account.roles)
    indexed: list[IndexedPrincipal] = []
    compiled: dict[PolicyType, set[int]] = {PolicyType.IDENTITY: set(), PolicyType.BOUNDARY: set()}
    for entity in everyone:
        one = _indexed(account, principal_of(account, entity))
        indexed.append(one)
        for policies, policy_type in ((one.identity, PolicyType.IDENTITY), (one.boundaries, PolicyType.BOUNDARY)):
            known = compiled[policy_type]
            for policy in [policy for policy in policies if id(policy) not in known]:
                known.add(id(policy))
                if isinstance(policy, NamedPolicy) and policy.document.error is None:
                    compile_policy(policy.document, policy_type, DEFAULT_LANGUAGE_OPTIONS)
        yield
    account.memo["index"] = AccountIndex(indexed)


def _changed_by_draft(account: Account, base: Account) -> AccountIndex | None:
    """The index of the account below a draft with what the draft changed; None where more than policies did."""
    index = known_index(base)
    if index is None or not index.principals:
        return None
    before: tuple[User | Role, ...] = (*base.users, *base.roles)
    after: tuple[User | Role, ...] = (*account.users, *account.roles)
    if [entity.arn for entity in before] != [entity.arn for entity in after]:
        return None
    edited = _Edited.between(base, account)
    shared = any(edited)
    changed: dict[int, IndexedPrincipal] = {}
    for place, (old, new) in enumerate(zip(before, after, strict=True)):
        known = index.principals[place].principal
        if old is not new or (shared and edited.concerns(new)):
            if _principal_of(account.id, new) != known:
                return None
            changed[place] = _indexed(account, known)
        account.memo["principal", new.arn] = known
    for place, one in changed.items() or ((0, _indexed(account, index.principals[0].principal)),):
        if (one.values, one.absent) != (index.principals[place].values, index.principals[place].absent):
            return None
    return index.with_changed(changed)


class _Edited(NamedTuple):
    """The managed policies, by ARN, and the groups, by name, that a draft changed, or attached policies of which."""

    policies: frozenset[str]
    groups: frozenset[str]

    @classmethod
    def between(cls, base: Account, account: Account) -> _Edited:
        policies = frozenset(policy.arn for policy in account.policies if base.policy(policy.arn) is not policy)
        groups = (
            group.name
            for group in account.groups
            if base.group(group.name) is not group
            or any(attached.arn in policies for attached in group.attached_policies)
        )
        return cls(policies, frozenset(groups))

    def concerns(self, entity: User | Role) -> bool:
        """Whether a user or role has one of the policies, or is in one of the groups."""
        if self.groups and isinstance(entity, User) and not self.groups.isdisjoint(entity.groups):
            return True
        if not self.policies:
            return False
        attached = any(attached.arn in self.policies for attached in entity.attached_policies)
        return attached or entity.boundary_arn in self.policies


def _indexed(account: Account, principal: Principal) -> IndexedPrincipal:
    policies = principal_policies(account, principal)
    known = principal_context(account, principal)
    return IndexedPrincipal(principal, policies.identity, policies.boundaries, known.values, known.absent)
