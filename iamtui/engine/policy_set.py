"""The policies in force in one layer, found by service so that a decision reads only what may match."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from iamtui.engine.policies import MissingPolicy, NamedPolicy, PolicyInForce
from iamtui.policy.action import ActionName
from iamtui.policy.compiled import CompiledPolicy, CompiledStatement, compile_policy
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, LanguageOptions, PolicyType


class LayerStatement:
    """A statement and the policy it stands in: one object for all who carry that policy.

    Args:
        action: its Action or NotAction.
        names: what it says of the one service by which it was found, or None where it may be about any.
        compiled: the statement ready to be matched, made when first asked for.
        match: where the reader of a layer keeps the record of its plain match, which is always the same.
    """

    __slots__ = ("_index", "_source", "action", "compiled", "match", "names", "policy")

    compiled: CompiledStatement

    def __init__(self, source: CompiledPolicy, index: int, policy: NamedPolicy, service: str | None = None) -> None:
        self._source = source
        self._index = index
        self.action = source.actions[index]
        self.names = None if service is None else self.action.names_of(service)
        self.policy = policy
        self.match: Any = None

    def is_about(self, action: ActionName) -> bool:
        """Whether it is about an action, which is one of the service by which it was found."""
        return self.action.matches(action) if self.names is None else self.names.match(action.name)

    if not TYPE_CHECKING:  # a type checker that saw this would take any name for an attribute

        def __getattr__(self, name: str) -> Any:
            """Compile the statement, once; after that it is an attribute like any other, which is found faster."""
            if name != "compiled":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            self.compiled = self._source.statement(self._index)
            return self.compiled


class _Carried:
    """One policy under its name, with its statements."""

    __slots__ = ("by_service", "compiled", "of_any_service", "policy")

    def __init__(self, policy: NamedPolicy, compiled: CompiledPolicy) -> None:
        self.policy = policy
        self.compiled = compiled
        self.of_any_service = tuple(LayerStatement(compiled, index, policy) for index in compiled.of_any_service)
        self.by_service: dict[str, tuple[LayerStatement, ...]] = {}

    def naming(self, service: str) -> tuple[LayerStatement, ...]:
        """The statements that name a service, which some do; kept in `by_service`."""
        found = self.by_service.get(service)
        if found is None:
            indexes = self.compiled.by_service[service]
            found = self.by_service[service] = tuple(
                LayerStatement(self.compiled, index, self.policy, service) for index in indexes
            )
        return found


class PolicySet:
    """The statements of several policies, found by the service of an action.

    `missing` holds the policies whose documents are not known or unreadable.
    """

    __slots__ = ("_carried", "_of_any_service", "missing")

    def __init__(
        self,
        policies: Iterable[PolicyInForce],
        policy_type: PolicyType,
        options: LanguageOptions,
        level: int | None = None,
        *,
        lasting: bool = False,
    ) -> None:
        """Take policies.

        Args:
            lasting: whether what is made of them is kept with their documents.
        """
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
        self._of_any_service = tuple(member for one in carried for member in one.of_any_service)
        self.missing = tuple(missing)

    def of_service(self, service: str) -> tuple[LayerStatement, ...]:
        """The statements that may be about actions of a service: those that name it, then those of any service."""
        named: list[LayerStatement] = []
        for one in self._carried:
            # Most policies of a caller are about other services.
            if service in one.compiled.by_service:
                named += one.naming(service)
        return (*named, *self._of_any_service) if named else self._of_any_service

    def about(self, action: ActionName) -> Iterator[LayerStatement]:
        for member in self.of_service(action.service):
            if member.is_about(action):
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


def forget_policies(policies: tuple[PolicyInForce, ...], policy_type: PolicyType) -> None:
    """Drop the set of a tuple of policies that is asked about no more."""
    _remembered.pop((id(policies), policy_type, None), None)
