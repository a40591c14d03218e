"""One caller with what is in force for it whatever it asks."""

from __future__ import annotations

from iamtui.engine.levels import LevelStack, OwnTests, boundary_stack
from iamtui.engine.policies import PolicyInForce
from iamtui.engine.policy_set import policy_set
from iamtui.engine.request import PLAIN_KINDS, Principal, caller_facts
from iamtui.policy.context import KeyValues
from iamtui.policy.principal import Caller
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType


class CallerSide:
    """What is in force for one caller whatever it asks, ready to be read.

    Args:
        principal: the caller.
        identity, boundaries: as in `PoliciesInForce`; the same tuples each time, which last.
        values: the condition keys known of the caller, by lower-case name.
        absent: keys and families of keys that it is known not to have.
    """

    __slots__ = ("absent", "boundary", "facts", "identity", "is_plain", "own_tests", "values")

    def __init__(
        self,
        principal: Principal,
        identity: tuple[PolicyInForce, ...],
        boundaries: tuple[PolicyInForce, ...],
        values: KeyValues,
        absent: tuple[str, ...],
    ) -> None:
        self.facts = caller_facts(principal, lasting=True)
        self.identity = policy_set(identity, PolicyType.IDENTITY, DEFAULT_LANGUAGE_OPTIONS, lasting=True)
        self.boundary: LevelStack | None = None
        if boundaries:
            self.boundary = boundary_stack(boundaries, DEFAULT_LANGUAGE_OPTIONS)
        self.values = values
        self.absent = absent
        self.own_tests = OwnTests()
        self.is_plain = (
            principal.kind in PLAIN_KINDS
            and not self.facts.service_linked
            and not self.identity.missing
            and (self.boundary is None or not self.boundary.missing)
        )

    def caller(self, *, session_may_vary: bool) -> Caller:
        """The caller as principal elements see it.

        Args:
            session_may_vary: whether the session of a caller given as a role ARN is open (discover mode).
        """
        return self.facts.caller(session_may_vary=session_may_vary, has_boundary=self.boundary is not None)
