"""Sets of policies, and callers, made ready for tests against requests.

Statements are found by service, once for all who carry them; what follows from a caller is worked out once, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from weakref import ref

from iamtui.engine.request import (
    MissingPolicy,
    NamedPolicy,
    PolicyInForce,
    Principal,
    PrincipalKind,
    caller_fixed_keys,
    is_service_linked,
    partition_of,
)
from iamtui.policy.statement import ActionName, Caller, CallerKind, CompiledPolicy, CompiledStatement, compile_policy
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, LanguageOptions, PolicyType


class LayerStatement:
    """A statement and the policy it belongs to: one object for all who carry that policy.

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
        """True if it covers an action, which is one of the service by which it was found."""
        return self.action.matches(action) if self.names is None else self.names.match(action.name)

    if not TYPE_CHECKING:  # a type checker that saw this would take any name for an attribute

        def __getattr__(self, name: str) -> Any:
            """Compile the statement, once; after that it is an attribute like any other, which is found faster."""
            if name != "compiled":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            self.compiled = self._source.statement(self._index)
            return self.compiled


_Members: TypeAlias = tuple[LayerStatement, ...]


class CarriedPolicy:
    """One policy under its name, with its statements.

    Args:
        services: the statements that name a service, by their indexes.
        said: where the reader of a layer keeps what the statements of any service say, where `says_always`.
    """

    __slots__ = (
        "_about",
        "_leads",
        "_says_always",
        "by_service",
        "compiled",
        "of_any_service",
        "policy",
        "said",
        "services",
    )

    def __init__(self, policy: NamedPolicy, compiled: CompiledPolicy) -> None:
        self.policy = policy
        self.compiled = compiled
        self.services = compiled.by_service
        self.of_any_service = tuple(LayerStatement(compiled, index, policy) for index in compiled.of_any_service)
        self.by_service: dict[str, tuple[LayerStatement, ...]] = {}
        self._about: tuple[str, tuple[_Members, _Members]] | None = None
        self._leads: tuple[str, tuple[str, ...]] | None = None
        self._says_always: bool | None = None
        self.said: Any = None

    @property
    def says_always(self) -> bool:
        """True if the statements about any service have the same effect on every action, resource and context."""
        if self._says_always is None:
            self._says_always = all(
                one.action.has_everything and not one.action.negated and _is_plain(one.compiled)
                for one in self.of_any_service
            )
        return self._says_always

    def may_be_about(self, action: ActionName, text: str) -> bool:
        """True if a statement about an action may cover a resource, judged by how ARNs begin.

        One of a set is asked about in hundreds of policies, of which few name it.
        """
        if self.of_any_service and self.says_always:
            return True
        kept = self._leads
        if kept is None or kept[0] != action.full:
            leads: dict[str, None] = {}
            for member in chain(*self.about(action)):
                element = member.compiled.resource
                matcher = None if element.negated else element.matcher
                leads.update(dict.fromkeys(("",) if matcher is None else matcher.leads))
            kept = self._leads = action.full, tuple(leads)
        return text.startswith(kept[1])

    def about(self, action: ActionName) -> tuple[_Members, _Members]:
        """The statements about an action: those that name its service, and those of any; kept for all who carry it."""
        kept = self._about
        if kept is None or kept[0] != action.full:
            named = tuple([member for member in self.naming(action.service) if member.is_about(action)])
            others = self.of_any_service
            if others and not self.says_always:
                others = tuple(member for member in others if member.is_about(action))
            kept = self._about = action.full, (named, others)
        return kept[1]

    def naming(self, service: str) -> tuple[LayerStatement, ...]:
        """The statements that name a service; kept in `by_service` where there are any."""
        if service not in self.services:
            return ()
        found = self.by_service.get(service)
        if found is None:
            indexes = self.services[service]
            found = self.by_service[service] = tuple(
                LayerStatement(self.compiled, index, self.policy, service) for index in indexes
            )
        return found


def _is_plain(compiled: CompiledStatement) -> bool:
    return compiled.any_resource and not compiled.reads_context


class PolicySet:
    """The statements of several policies, found by the service of an action.

    Args:
        carried: the policies, each one object for all who carry it, where they last.
        of_any: those of them with statements of any service.
        missing: the policies whose documents are not known or unreadable.
    """

    __slots__ = ("carried", "missing", "of_any")

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
        carried: list[CarriedPolicy] = []
        missing: list[MissingPolicy] = []
        kept = _kept_as(policy_type, level)
        for policy in policies:
            if isinstance(policy, MissingPolicy):
                missing.append(policy)
                continue
            one = policy.document.compiled.get((policy.name, kept)) if lasting else None
            if one is None:
                error = policy.document.error
                if error is not None:
                    missing.append(MissingPolicy(policy.name, reason=f"unreadable: {error.message}", unreadable=True))
                    continue
                one = _carried(policy, policy_type, options, level, lasting=lasting)
            carried.append(one)
        self.carried = tuple(carried)
        self.of_any = tuple(one for one in carried if one.of_any_service)
        self.missing = tuple(missing)

    def naming(self, service: str) -> list[CarriedPolicy]:
        """The policies with statements that name a service."""
        return [one for one in self.carried if service in one.services]

    def of_service(self, service: str) -> tuple[LayerStatement, ...]:
        """The statements that may be about actions of a service: those that name it, then those of any service."""
        named: list[LayerStatement] = []
        for one in self.carried:
            named += one.naming(service)
        return (*named, *(member for one in self.of_any for member in one.of_any_service))

    def about(self, action: ActionName) -> Iterator[LayerStatement]:
        yield from chain.from_iterable(one.about(action)[0] for one in self.naming(action.service))
        yield from chain.from_iterable(one.about(action)[1] for one in self.of_any)

    def doubtful(self, action: ActionName) -> Iterator[LayerStatement]:
        """The Denies about an action, and every statement with elements of a form that AWS refuses."""
        for member in self.about(action):
            if not member.compiled.allows:
                yield member
        for one in self.carried:
            for index in one.compiled.malformed:
                member = LayerStatement(one.compiled, index, one.policy)
                if member.compiled.allows or not member.is_about(action):
                    yield member


def _carried(
    policy: NamedPolicy, policy_type: PolicyType, options: LanguageOptions, level: int | None, *, lasting: bool
) -> CarriedPolicy:
    """A policy with its statements; where it lasts, one object for all who carry it, kept with its document."""
    made = CarriedPolicy(policy, compile_policy(policy.document, policy_type, options))
    if lasting:
        policy.document.compiled[policy.name, _kept_as(policy_type, level)] = made
    return made


def _kept_as(policy_type: PolicyType, level: int | None) -> str:
    """Where a policy with its statements is kept with its document: a text, which is found faster than a tuple."""
    return f"carried as {policy_type.value} {level}"


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
    """Drop the set of a tuple of policies that is no longer used."""
    _remembered.pop((id(policies), policy_type, None), None)


# Who asks: what follows from the caller, and how principal elements see it.


_CALLER_KINDS: Final = {
    PrincipalKind.ROOT: CallerKind.ROOT,
    PrincipalKind.USER: CallerKind.USER,
    PrincipalKind.ROLE_SESSION: CallerKind.ROLE,
    PrincipalKind.ROLE: CallerKind.ROLE,
    PrincipalKind.FEDERATED_USER: CallerKind.FEDERATED_USER,
    PrincipalKind.SERVICE: CallerKind.SERVICE,
    PrincipalKind.IDENTITY_PROVIDER: CallerKind.PROVIDER,
    PrincipalKind.CANONICAL_USER: CallerKind.CANONICAL_USER,
    PrincipalKind.ANONYMOUS: CallerKind.ANONYMOUS,
}


def _caller_of(principal: Principal, *, session_may_vary: bool, has_boundary: bool) -> Caller:
    return Caller(
        kind=_CALLER_KINDS[principal.kind],
        name=principal.arn,
        account=principal.account or "",
        partition=partition_of(principal),
        role_name=principal.role_name or "",
        role_arn=principal.role_arn,
        session_arn=principal.arn if principal.kind is PrincipalKind.ROLE_SESSION else None,
        unique_id=principal.unique_id,
        issuer=principal.issuer,
        session_may_vary=session_may_vary and principal.kind is PrincipalKind.ROLE,
        has_boundary=has_boundary,
    )


class CallerFacts:
    """Facts that follow from one principal, computed once and kept as long as that object; does not hold it."""

    __slots__ = ("_callers", "_principal", "keys", "partition", "service_linked")

    def __init__(self, principal: Principal, when_gone: Callable[[ref[Principal]], object] | None = None) -> None:
        self._principal = ref(principal, when_gone)
        self.partition = partition_of(principal)
        self.service_linked = is_service_linked(principal)
        self.keys = caller_fixed_keys(principal)
        self._callers: dict[tuple[bool, bool], Caller] = {}

    @property
    def principal(self) -> Principal:
        found = self._principal()
        assert found is not None, "whoever asks holds the principal"
        return found

    def is_of(self, principal: Principal) -> bool:
        return self._principal() is principal

    def fixed_keys(self, *, anonymous_userid: bool) -> Mapping[str, tuple[str, ...]]:
        """As `caller_fixed_keys`; `keys` are those with the default."""
        if anonymous_userid or self.principal.kind is not PrincipalKind.ANONYMOUS:
            return self.keys
        return caller_fixed_keys(self.principal, anonymous_userid=anonymous_userid)

    def caller(self, *, session_may_vary: bool, has_boundary: bool) -> Caller:
        """The caller as principal elements see it.

        Args:
            session_may_vary: whether the session of a caller given as a role ARN is open (discover mode).
            has_boundary: whether a permissions boundary is in force.
        """
        key = (session_may_vary, has_boundary)
        found = self._callers.get(key)
        if found is None:
            found = self._callers[key] = _caller_of(
                self.principal, session_may_vary=session_may_vary, has_boundary=has_boundary
            )
        return found


_facts_by_id: dict[int, CallerFacts] = {}


def caller_facts(principal: Principal, *, lasting: bool) -> CallerFacts:
    """The facts of a principal.

    Args:
        lasting: whether to remember them for as long as the principal is held: by an account, that is, and each draft
            and each refresh makes one.
    """
    if not lasting:
        return CallerFacts(principal)
    key = id(principal)
    found = _facts_by_id.get(key)
    if found is not None and found.is_of(principal):
        return found

    def forget(_gone: object) -> None:
        # Before its id can be that of another.
        _facts_by_id.pop(key, None)

    made = _facts_by_id[key] = CallerFacts(principal, forget)
    return made
