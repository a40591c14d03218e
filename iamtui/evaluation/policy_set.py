"""A set of policies in force in one layer, indexed by service so that a decision reads only what may match."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from iamtui.evaluation.policies import MissingPolicy, NamedPolicy, PolicyInForce
from iamtui.policy.action import ActionName
from iamtui.policy.compiled import CompiledStatement, compile_policy
from iamtui.policy.kinds import PolicyType
from iamtui.policy.options import DEFAULT_LANGUAGE_OPTIONS, LanguageOptions


class Member:
    """A statement and the policy it stands in.

    `match` is where the reader of a layer keeps the record of its plain match, which is always the same.
    """

    __slots__ = ("compiled", "match", "policy")

    def __init__(self, compiled: CompiledStatement, policy: NamedPolicy) -> None:
        self.compiled = compiled
        self.policy = policy
        self.match: Any = None


_NONE: Final[list[Member]] = []


class PolicySet:
    """The statements of several policies, found by the service of an action.

    `missing` holds the policies whose documents are not known or unreadable. `plans` and `scans` are where the
    reader of a layer keeps what it has worked out.
    """

    __slots__ = ("_by_service", "_of_any_service", "missing", "plans", "scans")

    def __init__(self, policies: Iterable[PolicyInForce], policy_type: PolicyType, options: LanguageOptions) -> None:
        self._by_service: dict[str, list[Member]] = {}
        self._of_any_service: list[Member] = []
        missing: list[MissingPolicy] = []
        for policy in policies:
            if isinstance(policy, MissingPolicy):
                missing.append(policy)
                continue
            error = policy.document.error
            if error is not None:
                missing.append(MissingPolicy(policy.name, reason=f"unreadable: {error.message}"))
                continue
            for compiled in compile_policy(policy.document, policy_type, options).statements:
                services = compiled.action.services
                member = Member(compiled, policy)
                if services is None:
                    self._of_any_service.append(member)
                else:
                    for service in services:
                        self._by_service.setdefault(service, []).append(member)
        self.missing = tuple(missing)
        self.plans: dict[Any, Any] = {}
        self.scans: dict[Any, Any] = {}

    def about(self, action: ActionName) -> Iterator[Member]:
        """The statements whose Action or NotAction matches."""
        for member in self._by_service.get(action.service, _NONE):
            if member.compiled.action.matches(action):
                yield member
        for member in self._of_any_service:
            if member.compiled.action.matches(action):
                yield member


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
        level: for SCPs and RCPs; what is kept in a set names it.
        lasting: whether to remember the set for as long as the same tuple is asked about.
    """
    if not lasting or options is not DEFAULT_LANGUAGE_OPTIONS:
        return PolicySet(policies, policy_type, options)
    key = (id(policies), policy_type, level)
    found = _remembered.get(key)
    if found is not None and found[0] is policies:
        return found[1]
    if len(_remembered) >= _MOST_REMEMBERED:
        _remembered.clear()
    made = PolicySet(policies, policy_type, options)
    # The tuple is kept beside the set, so its id cannot be reused while it is a key here.
    _remembered[key] = (policies, made)
    return made
