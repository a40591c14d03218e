"""What the account says of one caller, whatever is asked: worked out once and kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from weakref import finalize

from iamtui.account.model import Account
from iamtui.analysis.known_context import KnownContext, principal_context
from iamtui.analysis.policies_in_force import PrincipalPolicies, entity_behind, principal_policies
from iamtui.analysis.shared_question import reads_principal_tags
from iamtui.evaluation.caller import caller_class, forget_caller, partition_of
from iamtui.evaluation.caller_side import CallerSide
from iamtui.evaluation.policy_set import forget_policies
from iamtui.evaluation.request import Principal, PrincipalKind
from iamtui.policy.kinds import PolicyType


class ClassOfCallers:
    """Stands for one class of callers."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class PrincipalFacts:
    """What the account says of one caller.

    Args:
        side: its policies, ready to be read.
        class_: one object for all callers of whom the same is known.
        origin: its account, or None, and the partition of its ARN, or "".
        tags_of: the role whose tags it has, or "".
        reads_tags: whether its own policies read principal tags.
    """

    principal: Principal
    policies: PrincipalPolicies
    known: KnownContext
    side: CallerSide
    class_: ClassOfCallers
    origin: tuple[str | None, str]
    tags_of: str
    reads_tags: bool


_MOST_FACTS: Final = 32768


def principal_facts(account: Account, principal: Principal) -> PrincipalFacts:
    """The facts of a principal, kept for as long as the same object is asked about."""
    kept = account.memo.get("principal facts")
    if kept is None:
        kept = account.memo.setdefault("principal facts", {})
        # What the engine remembers of them would outlive the account: each draft makes one.
        finalize(account, _forget, kept).atexit = False
    found = kept.get(id(principal))
    if found is None or found.principal is not principal:
        if len(kept) >= _MOST_FACTS:
            kept.clear()
        # The facts hold the principal, so its id cannot be reused while it is a key here.
        found = kept[id(principal)] = _facts_of(account, principal)
    assert isinstance(found, PrincipalFacts)
    return found


def _forget(kept: dict[int, PrincipalFacts]) -> None:
    for facts in tuple(kept.values()):
        forget_caller(facts.principal)
        forget_policies(facts.policies.identity, PolicyType.IDENTITY)
        forget_policies(facts.policies.boundaries, PolicyType.BOUNDARY)


def _facts_of(account: Account, principal: Principal) -> PrincipalFacts:
    policies = principal_policies(account, principal)
    entity = entity_behind(account, principal)
    tags_of = ""
    if entity is not None and entity.tags and principal.kind is not PrincipalKind.USER:
        tags_of = entity.name
    known = principal_context(account, principal)
    return PrincipalFacts(
        principal,
        policies,
        known,
        CallerSide(principal, policies.identity, policies.boundaries, known.values, known.absent),
        _class_of(account, principal, known),
        (principal.account, partition_of(principal)),
        tags_of,
        bool(tags_of) and reads_principal_tags(account, (*policies.identity, *policies.boundaries)),
    )


def _class_of(account: Account, principal: Principal, known: KnownContext) -> ClassOfCallers:
    """The same object for all callers of one class, so that it is found without comparing what makes the class."""
    key = ("class of callers", caller_class(principal, known.values, known.absent))
    found = account.memo.setdefault(key, ClassOfCallers())
    assert isinstance(found, ClassOfCallers)
    return found
