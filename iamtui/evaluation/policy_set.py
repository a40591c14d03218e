"""The policies in force in one layer, found by service so that a decision reads only what may match."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from iamtui.evaluation.policies import MissingPolicy, NamedPolicy, PolicyInForce
from iamtui.policy.action import ActionName
from iamtui.policy.compiled import CompiledPolicy, CompiledStatement, compile_policy
from iamtui.policy.kinds import PolicyType
from iamtui.policy.options import DEFAULT_LANGUAGE_OPTIONS, LanguageOptions


class Member:
    """A statement and the policy it stands in: one object for all who carry that policy.

    Args:
        action: its Action or NotAction.
        compiled: the statement ready to be matched, made when first asked for.
        match: where the reader of a layer keeps the record of its plain match, which is always the same.
    """

    __slots__ = ("_index", "_source", "action", "compiled", "match", "policy")

    compiled: CompiledStatement

    def __init__(self, source: CompiledPolicy, index: int, policy: NamedPolicy) -> None:
        self._source = source
        self._index = index
        self.action = source.actions[index]
        self.policy = policy
        self.match: Any = None

    if not TYPE_CHECKING:  # a type checker that saw this would take any name for an attribute

        def __getattr__(self, name: str) -> Any:
            """Compile the statement, once; after that it is an attribute like any other, which is found faster."""
            if name != "compiled":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            self.compiled = self._source.statement(self._index)
            return self.compiled


class _Carried:
    """One policy under its name, with its statements."""

    __slots__ = ("_by_service", "compiled", "of_any_service", "policy")

    def __init__(self, policy: NamedPolicy, compiled: CompiledPolicy) -> None:
        self.policy = policy
        self.compiled = compiled
        self.of_any_service = tuple(Member(compiled, index, policy) for index in compiled.of_any_service)
        self._by_service: dict[str, tuple[Member, ...]] = {}

    def naming(self, service: str) -> tuple[Member, ...]:
        """The statements that name a service, which some do."""
        found = self._by_service.get(service)
        if found is None:
            indexes = self.compiled.by_service[service]
            found = self._by_service[service] = tuple(Member(self.compiled, index, self.policy) for index in indexes)
        return found


_MOST_SERVICES: Final = 32
"""For how many services a set keeps what it found; asking on and on about others takes no more memory."""


class PolicySet:
    """The statements of several policies, found by the service of an action.

    `missing` holds the policies whose documents are not known or unreadable.
    """

    __slots__ = ("_by_service", "_carried", "_of_any_service", "_services", "missing")

    def __init__(
        self,
        policies: Iterable[PolicyInForce],
        policy_type: PolicyType,
        options: LanguageOptions,
        level: int | None = None,
        *,
        lasting: bool = False,
    ) -> None:
        carried: list[_Carried] = []
        missing: list[MissingPolicy] = []
        for policy in policies:
            if isinstance(policy, MissingPolicy):
                missing.append(policy)
                continue
            error = policy.document.error
            if error is not None:
                missing.append(MissingPolicy(policy.name, reason=f"unreadable: {error.message}", unreadable=True))
                continue
            carried.append(_carried(policy, policy_type, options, level, lasting=lasting))
        self._carried = tuple(carried)
        self._services = tuple(one.compiled.by_service for one in carried)
        self._of_any_service = tuple(member for one in carried for member in one.of_any_service)
        self._by_service: dict[str, tuple[Member, ...]] = {}
        self.missing = tuple(missing)

    def of_service(self, service: str) -> tuple[Member, ...]:
        """The statements that may be about actions of a service: those that name it, then those of any service."""
        found = self._by_service.get(service)
        if found is None:
            named = [
                member
                for one, services in zip(self._carried, self._services, strict=True)
                if service in services
                for member in one.naming(service)
            ]
            found = (*named, *self._of_any_service) if named else self._of_any_service
            if len(self._by_service) >= _MOST_SERVICES:
                self._by_service.clear()
            self._by_service[service] = found
        return found

    def about(self, action: ActionName) -> Iterator[Member]:
        """The statements whose Action or NotAction matches."""
        for member in self.of_service(action.service):
            if member.action.matches(action):
                yield member


def _carried(
    policy: NamedPolicy, policy_type: PolicyType, options: LanguageOptions, level: int | None, *, lasting: bool
) -> _Carried:
    """A policy with its statements; where it lasts, one object for all who carry it, kept with its document."""
    compiled = compile_policy(policy.document, policy_type, options)
    if not lasting:
        return _Carried(policy, compiled)
    kept = policy.document.compiled
    key = ("carried", policy.name, policy_type, level)
    found = kept.get(key)
    if found is None:
        found = kept[key] = _Carried(policy, compiled)
    assert isinstance(found, _Carried)
    return found


_MOST_REMEMBERED: Final = 32768
_remembered: dict[tuple[int, PolicyType, int | None], tuple[tuple[PolicyInForce, ...], PolicySet]] = {}


def policy_set(
    policies: tuple[PolicyInForce, ...],
    policy_type: PolicyType,
    options: LanguageOptions,
    level: int | None = None,
    *,
    lasting: bool,
) -> PolicySet:
    """The set for a tuple of policies.

    Args:
        level: for SCPs and RCPs; what is kept of a statement names it.
        lasting: whether to remember the set for as long as the same tuple is asked about.
    """
    if not lasting or options is not DEFAULT_LANGUAGE_OPTIONS:
        return PolicySet(policies, policy_type, options, level)
    key = (id(policies), policy_type, level)
    found = _remembered.get(key)
    if found is not None and found[0] is policies:
        return found[1]
    if len(_remembered) >= _MOST_REMEMBERED:
        _remembered.clear()
    made = PolicySet(policies, policy_type, options, level, lasting=True)
    # The tuple is kept beside the set, so its id cannot be reused while it is a key here.
    _remembered[key] = (policies, made)
    return made
